"""One request, on a page of its own or beside the list: what was sent, what was answered, and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from mockserver import keys
from mockserver.client.terminal import evidence_of
from mockserver.console import copy_as, replaying
from mockserver.console.rows import row
from mockserver.engine import current_engine
from mockserver.fidelity import assumptions, contract
from mockserver.fidelity.assumptions import Assumed
from mockserver.fidelity.evidence import MEASURED, REFUTED
from mockserver.formats.json import Document
from mockserver.journal.patterns import listed
from mockserver.sandbox.sandboxes import OpenSandbox
from mockserver.web.rendering import base_url

_ID = re.compile(r"[0-9]{1,15}")
_RULES = {rule.name: rule for rule in contract.RULES}


class _Evidence(NamedTuple):
    """The meaning of an evidence for a reader, and its tone."""

    meaning: str
    tone: str = "muted"


_EVIDENCE = {
    "documented": _Evidence("The vendor's pages say so"),
    "framework": _Evidence("The vendor's framework does so by default"),
    "ours": _Evidence("No source says so: a guess of this mock"),
    MEASURED: _Evidence("The vendor was measured, and does so", "good"),
    REFUTED: _Evidence("The vendor was measured, and does otherwise", "bad"),
    "mock": _Evidence("No rule of the vendor"),
}
_CHANGED = {"label": "not the default", "meaning": "", "tone": "muted"}


def parse_id(text: str) -> int:
    """The id of an entry, or 0, which no entry has."""
    return int(text) if _ID.fullmatch(text) else 0


def context(opened: OpenSandbox, id: str) -> Callable[[], Document]:
    """The template context of one request; without an entry of that id, `entry` is None and the status 404."""
    number = parse_id(id)
    entry = opened.journal.get(number)
    if entry is None:
        return lambda: {"entry": None, "id": id, "http_status": 404}
    previous, following = (each if opened.journal.get(each) else None for each in (number - 1, number + 1))
    known_keys, assumed = current_engine().keys.secrets, opened.world.assumed
    parts = {"Request": entry["request"], "Answer": entry["response"]}
    return lambda: {
        "entry": entry,
        "id": id,
        "row": row(entry),
        "previous": previous,
        "next": following,
        "sides": [side(title, part) for title, part in parts.items() if part],
        "decision": decision(entry["decision"], assumed) if entry["decision"] else None,
        "wording": explained(entry["decision"]["body"]) if entry["decision"] else None,
        "problems": [explained(problem) for problem in entry["problems"]],
        "switches": switches(entry, assumed),
        "replay": replaying.replay(entry, keys.PREFIX + opened.name, known_keys),
        "changes": [change(each) for each in entry["changes"]],
        "fault": fault(entry["fault"]),
        "copies": copy_as.copies(entry, base_url(), keys.PREFIX + opened.name),
    }


def side(title: str, part: Document) -> Document:
    """A request or an answer: its query, its headers, and its formatted body."""
    body = copy_as.as_json(part["json"]) if "json" in part else part.get("text")
    queries = {name: listed(texts) for name, texts in part.get("query", {}).items()}
    return {"title": title, "part": part, "query": queries, "body": body}


def decision(part: Document, assumed: Assumed) -> Document:
    """A decision; without its rule's statement, which is about the default, where a switch has another value."""
    changed = (each for each in assumptions.OF_SANDBOXES if assumed[each.name] != each.default)
    return explained(part) | ({"statement": ""} if any(part["rule"] in each.rules for each in changed) else {})


def explained(part: Document) -> Document:
    """A decision, its wording or a problem: its rule, with its statement, evidence, and section of the contract."""
    rule = _RULES.get(part["rule"])
    section = part.get("section") or (rule and rule.section)
    return {
        "path": ".".join(map(str, part.get("path", ()))),
        "message": part.get("message", ""),
        "rule": part["rule"],
        "statement": rule.statement if rule else "",
        "evidence": labelled(part),
        "section": f"{section}. {contract.SECTIONS[section]}" if section else "",
    }


def labelled(part: Document) -> Document:
    """The evidence of a rule or a switch: its label, its meaning and its tone."""
    meaning, tone = _EVIDENCE[part["evidence"]]
    label = "the mock's own" if part["evidence"] == "mock" else evidence_of(part)
    return {"label": label, "meaning": meaning, "tone": tone}


def switches(entry: Document, assumed: Assumed) -> list[Document]:
    """The switches that the answer depends on, with their evidence."""
    measured = current_engine().settings.evidence
    found = replaying.switches(entry, assumed, measured.labels(assumed) if measured else {})
    return [switch | {"evidence": labelled(switch["label"]) if switch["label"] else _CHANGED} for switch in found]


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
    effects = {"status": "answered {}", "connection": "broke the connection ({})", "delay_ms": "delayed it by {:,} ms"}
    what = [text.format(fault[effect]) for effect, text in effects.items() if fault[effect]]
    did = ", ".join(what) or "changed the answer"
    return f"Fault rule {fault['id']} {did}, {fault['when']} the commit."


def _cell(fields: Document | None, name: str) -> str:
    if fields is None or name not in fields:
        return "–"
    return copy_as.as_json(fields[name])
