"""The requests page: the journal's rows, a filter, and the chosen request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from flask import request

from mockserver.console import detail
from mockserver.console.rows import NO_ANSWER, row, status_of, target_of
from mockserver.engine import current_engine
from mockserver.formats.json import Document
from mockserver.journal import entries
from mockserver.sandbox.sandboxes import OpenSandbox

SHOWN = 1000  # rows in a page, the newest: the default limit of a journal
NO_OPERATION = "none"
REFUSED = "refused"
NO_STATUS = (NO_ANSWER, entries.PENDING, entries.ABANDONED)
SUGGESTED = ("2xx", "4xx", "5xx", REFUSED, *NO_STATUS, "400", "401", "404", "429", "503")

_STATUS = re.compile(r"[1-5](?:xx|[0-9]{2})")


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
        return "Use a code such as 404, a class such as 4xx, refused, no answer, pending, or abandoned"

    def lets(self, entry: Document) -> bool:
        """Test an entry against the filter."""
        return (
            self.operation in ("", entry["operation"] or NO_OPERATION)
            and self._has_status(status_of(entry))
            and (not self.text or any(self.text.casefold() in text.casefold() for text in _texts_of(entry)))
        )

    def _has_status(self, status: int | str) -> bool:
        if isinstance(status, str):
            return self.status in ("", status)
        if self.status == REFUSED:
            return status >= 400
        return self.status in ("", str(status), f"{status // 100}xx")


def list_context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the requests page: the rows that match its query, the newest last, and the chosen one."""
    wanted, chosen = Filter.of(request.args), request.args.get("request", "")
    details = detail.context(opened, chosen) if chosen else dict
    operations = [operation.id for operation in current_engine().operations]
    rows = _rows(opened, wanted)
    return lambda: {
        "filter": wanted,
        "operations": [*operations, *({wanted.operation} - {"", NO_OPERATION, *operations})],
        "statuses": SUGGESTED,
        "kept": opened.journal.limit,
        **rows(),
        **details(),
        "http_status": 200,
    }


def rows_context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the rows after the entry with the id `since`."""
    return _rows(opened, Filter.of(request.args), detail.parse_id(request.args.get("since", "")))


def _rows(opened: OpenSandbox, wanted: Filter, since: int = 0) -> Callable[[], Document]:
    """The newest rows, the number found, the newest id, the number of dropped entries, and the id that is chosen."""
    chosen = detail.parse_id(request.args.get("request", ""))
    entries, newest, dropped = opened.journal.entries(since), opened.journal.next_id() - 1, opened.journal.dropped()

    def rows() -> Document:
        found = [entry for entry in entries if wanted.lets(entry)]
        shown = [row(entry) for entry in found[-SHOWN:]]
        return {"rows": shown, "found": len(found), "newest": newest, "dropped": dropped, "chosen": chosen}

    return rows


def _texts_of(entry: Document) -> Iterator[str]:
    """The texts to search: method and target, both bodies, and the messages."""
    yield f"{entry['request']['method']} {target_of(entry['request'])}"
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
