"""The requests page, and the page of one request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from flask import request

from mockserver import keys
from mockserver.client.terminal import evidence_of
from mockserver.console import copy_as
from mockserver.engine import current_engine
from mockserver.fidelity.contract import RULES, SECTIONS
from mockserver.formats.json import Document
from mockserver.journal import entries
from mockserver.journal.patterns import listed
from mockserver.sandbox.sandboxes import OpenSandbox
from mockserver.web.rendering import base_url

SHOWN = 1000  # rows in a page, the newest: the default limit of a journal
MAX_TARGET = 300  # characters of a path and its query, in a row
NO_OPERATION = "none"
NO_ANSWER = "no answer"
REFUSED = "refused"
NO_STATUS = (NO_ANSWER, entries.PENDING, entries.ABANDONED)
SUGGESTED = ("2xx", "4xx", "5xx", REFUSED, *NO_STATUS, "400", "401", "404", "429", "503")

_STATUS = re.compile(r"[1-5](?:xx|[0-9]{2})")
_ID = re.compile(r"[0-9]{1,15}")
_EVIDENCE = {"mock": "the mock's own"}
_STATEMENTS = {rule.name: rule.statement for rule in RULES}


class Filter(NamedTuple):
    """A filter of requests by operation, status and text; empty parts match all."""

    operation: str = ""
    status: str = ""
    text: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        """The filter of a query."""
        status = query.get("status", "").strip().lower()
        return cls(query.get("operation", ""), status, query.get("text", "").strip())

    def __bool__(self) -> bool:
        return bool(self.operation or self.status or self.text)

    @property
    def problem(self) -> str:
        """An error message for an invalid status, which matches no request; else empty."""
        if not self.status or self.status in (REFUSED, *NO_STATUS) or _STATUS.fullmatch(self.status):
            return ""
        return "A code such as 404, a class such as 4xx, refused, no answer, pending, or abandoned"

    def lets(self, entry: Document) -> bool:
        """Test an entry against the filter."""
        return (
            self.operation in ("", entry["operation"] or NO_OPERATION)
            and self._has_status(_status(entry))
            and (not self.text or any(self.text.casefold() in text.casefold() for text in _texts_of(entry)))
        )

    def _has_status(self, status: int | str) -> bool:
        if isinstance(status, str):
            return self.status in ("", status)
        if self.status == REFUSED:
            return status >= 400
        return self.status in ("", str(status), f"{status // 100}xx")


def list_context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the requests page: the rows that match its query, the newest last."""
    wanted = Filter.of(request.args)
    operations = [operation.id for operation in current_engine().operations]
    rows = _rows(opened, wanted)
    return lambda: {
        "filter": wanted,
        "operations": [*operations, *({wanted.operation} - {"", NO_OPERATION, *operations})],
        "statuses": SUGGESTED,
        "kept": opened.journal.limit,
        **rows(),
    }


def rows_context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the rows after the entry with the id `since`."""
    since = int(request.args["since"]) if _ID.fullmatch(request.args.get("since", "")) else 0
    return _rows(opened, Filter.of(request.args), since)


def entry_context(opened: OpenSandbox, id: str) -> Callable[[], Document]:
    """The template context of one request; without an entry of that id, `entry` is None and the status 404."""
    number = int(id) if _ID.fullmatch(id) else 0
    entry = opened.journal.get(number)
    if entry is None:
        return lambda: {"entry": None, "id": id, "http_status": 404}
    previous, following = (each if opened.journal.get(each) else None for each in (number - 1, number + 1))
    return lambda: {
        "entry": entry,
        "row": row(entry),
        "previous": previous,
        "next": following,
        "sides": (side("Request", entry["request"]), side("Answer", entry["response"] or {"headers": {}})),
        "decision": explained(entry["decision"]) if entry["decision"] else None,
        "body_rule": explained({**entry["decision"]["body"], "section": None}) if entry["decision"] else None,
        "problems": [explained(problem) for problem in entry["problems"]],
        "changes": [change(each) for each in entry["changes"]],
        "fault": fault(entry["fault"]),
        "copies": copy_as.copies(entry, base_url(), keys.PREFIX + opened.name),
    }


def row(entry: Document) -> Document:
    """An entry as a row."""
    status = _status(entry)
    target = _target(entry["request"])
    return {
        "id": entry["id"],
        "at": entry["at"],
        "received_at": entry["received_at"],
        "time": entry["at"][11:19],
        "method": entry["request"]["method"],
        "target": target if len(target) <= MAX_TARGET else f"{target[:MAX_TARGET]}…",
        "operation": entry["operation"] or "no operation",
        "status": status,
        "tone": _tone(status),
        "duration": "" if entry["duration_ms"] is None else f"{entry['duration_ms']:g} ms",
        "marks": list(_marks(entry)),
    }


def side(title: str, part: Document) -> Document:
    """A request or an answer: its query, its headers, and its formatted body."""
    body = copy_as.as_json(part["json"]) if "json" in part else part.get("text")
    queries = {name: listed(texts) for name, texts in part.get("query", {}).items()}
    return {"title": title, "part": part, "query": queries, "body": body}


def explained(part: Document) -> Document:
    """A decision or a problem: its rule and the rule's statement, evidence, and section of the contract."""
    section = part["section"]
    return {
        "path": ".".join(map(str, part.get("path", ()))),
        "message": part.get("message", ""),
        "rule": part["rule"],
        "statement": _STATEMENTS.get(part["rule"], ""),
        "evidence": _EVIDENCE.get(part["evidence"], evidence_of(part)),
        "section": f"{section}. {SECTIONS[section]}" if section else "",
    }


def change(change: Document) -> Document:
    """A changed row, field by field: name, before, after, and True for a field that differs."""
    before, after = change["before"], change["after"]
    did = "made" if before is None else "removed" if after is None else "changed"
    fields = dict.fromkeys([*(before or {}), *(after or {})])
    cells = [(name, _cell(before, name), _cell(after, name)) for name in fields]
    marked = [(name, old, new, did == "changed" and old != new) for name, old, new in cells]
    return {"did": did, "resource": change["resource"], "id": change["id"], "fields": marked}


def fault(fault: Document | None) -> str:
    """The fault that hit, in words."""
    if fault is None:
        return ""
    effects = {"status": "answered {}", "connection": "broke the connection ({})", "delay_ms": "waited {} ms"}
    what = [text.format(fault[effect]) for effect, text in effects.items() if fault[effect]]
    did = ", ".join(what) or "changed the answer"
    return f"Fault rule {fault['id']} {did}, {fault['when']} the commit."


def _rows(opened: OpenSandbox, wanted: Filter, since: int = 0) -> Callable[[], Document]:
    """The newest rows, the number found, the newest id of the journal, and the number of dropped entries."""
    entries, newest, dropped = opened.journal.entries(since), opened.journal.next_id() - 1, opened.journal.dropped()

    def rows() -> Document:
        found = [entry for entry in entries if wanted.lets(entry)]
        shown = [row(entry) for entry in found[-SHOWN:]]
        return {"rows": shown, "found": len(found), "newest": newest, "dropped": dropped}

    return rows


def _status(entry: Document) -> int | str:
    """The status of the answer, or in words why there is none."""
    response = entry["response"]
    return (response["status"] or NO_ANSWER) if response else str(entry["state"])


def _tone(status: int | str) -> str:
    if isinstance(status, str):
        return "muted" if status == entries.PENDING else "bad"
    return "bad" if status >= 500 else "warn" if status >= 400 else "good"


def _marks(entry: Document) -> Iterator[tuple[str, str]]:
    """The tags of an entry: a text and its tone."""
    if entry["fault"]:
        yield f"fault {entry['fault']['id']}", "bad"
    if entry["unread"]:
        yield f"unread {len(entry['unread'])}", "warn"
    if entry["advice"]:
        yield f"advice {len(entry['advice'])}", "muted"


def _target(sent: Document) -> str:
    """The path of a request, and its query, decoded."""
    query = "&".join(f"{name}={text}" for name, texts in sent["query"].items() for text in listed(texts))
    return f"{sent['path']}?{query}" if query else sent["path"]


def _cell(fields: Document | None, name: str) -> str:
    if fields is None or name not in fields:
        return "–"
    return copy_as.as_json(fields[name])


def _texts_of(entry: Document) -> Iterator[str]:
    """The texts to search: method and target, both bodies, and the messages."""
    yield f"{entry['request']['method']} {_target(entry['request'])}"
    for part in (entry["request"], entry["response"] or {}):
        yield part.get("text", "")
        yield from _texts_in(part.get("json"))
    yield from (each["message"] for each in [*entry["problems"], *entry["advice"]])


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_in(each)
    elif value is not None:
        yield value if isinstance(value, str) else json.dumps(value)
