"""Fault rules: make valid requests fail, before or after their effects are committed (control plane).

Rules are exact: hits are counted in the transaction of the request, so `times: 100` hits 100 of 500 concurrent
requests, and `probability` is drawn from the sandbox's seed and the rule's own counter, so it is reproducible.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mockserver.errors import BadRequest, NotFound
from mockserver.faults import delays
from mockserver.formats import json as wire_json
from mockserver.formats.json import Document
from mockserver.journal import patterns
from mockserver.store.contents import World
from mockserver.store.models import FaultRow

MAX_RULES = 100
CONNECTIONS = ("reset", "empty", "truncate", "garbage")
WHEN = ("before", "after")
DEFAULTS: dict[str, Any] = {
    "match": {},
    "when": "before",
    "status": None,
    "headers": {},
    "body": None,
    "connection": None,
    "delay_ms": 0,
    "skip": 0,
    "times": 1,
    "probability": None,
}

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,1000}")
# Headers that only the server may set (RFC 9110, section 7.6.1; PEP 3333); a rule breaks framing by `connection`.
_OF_THE_CONNECTION = re.compile(
    r"connection|content-length|keep-alive|proxy-authenticate|proxy-authorization|te|trailers|transfer-encoding|upgrade",
    re.IGNORECASE,
)


class Fault(NamedTuple):
    """The effects of a rule on a request that it hit."""

    id: str
    when: str
    status: int | None
    headers: Mapping[str, str]
    body: Any
    connection: str | None
    delay_ms: int

    @property
    def answers(self) -> bool:
        """True when the fault replaces the answer, rather than only delaying it or adding headers."""
        return self.status is not None or self.body is not None or self.connection is not None

    def document(self) -> Document:
        """The fault as shown in a journal entry."""
        shown = {"id": self.id, "when": self.when, "status": self.status, "connection": self.connection}
        return shown | {"delay_ms": self.delay_ms}


def may_send(name: str, value: str) -> bool:
    """Test for a header that a rule may set: printable ASCII, and not about the connection."""
    return bool(
        _HEADER_VALUE.fullmatch(value) and _HEADER_NAME.fullmatch(name) and not _OF_THE_CONNECTION.fullmatch(name)
    )


def contradictions(rule: Document) -> dict[str, str]:
    """The keys of a rule that contradict its other keys, each with the reason."""
    found = {}
    if rule["connection"] == "truncate" and _has_no_body(rule):
        found["connection"] = (
            "There is no body to cut: truncate takes no status 204 or 304, no empty body, and before the request is "
            "carried out no status below 400 without a body"
        )
    if rule["when"] != "before":
        return found
    if isinstance(rule["match"], dict) and "status" in rule["match"]:
        found["match"] = "Before the request is carried out it has no status to match: leave it out, or use when: after"
    if rule["body"] is not None and rule["status"] is None and rule["connection"] is None:
        found["body"] = "A body needs a status, since the request is not carried out"
    return found


def _has_no_body(rule: Document) -> bool:
    status = rule["status"]
    made = rule["when"] == "before" and rule["body"] is None and isinstance(status, int) and status < 400
    return made or status in (204, 304) or rule["body"] == ""


def has_effect(rule: Document) -> bool:
    """Test if a complete rule changes anything for the requests that it hits."""
    effects = [rule["status"], rule["connection"], rule["delay_ms"]]
    return any(effects if rule["when"] == "before" else [*effects, rule["body"], rule["headers"]])


def add(world: World, rule: Document) -> Document:
    """Store a complete rule; BadRequest past `MAX_RULES`. Returns it as listed."""
    if len(world.rows(FaultRow)) >= MAX_RULES:
        raise BadRequest(f"The limit of {MAX_RULES} fault rules is reached; delete some")
    row = {"id": str(world.count(FaultRow)), "position": world.next_position(), "seen": 0, "hits": 0}
    row["document"] = wire_json.encode(rule).decode()
    world.insert(FaultRow, [row])
    return _listed(row)


def listed(world: World) -> list[Document]:
    """Every rule, oldest first, with its hits; spent ones stay."""
    return [_listed(row) for row in world.rows(FaultRow)]


def remove(world: World, id: str) -> None:
    """Delete a rule; NotFound, listing the existing ones, when none has that id."""
    if world.get(FaultRow, id) is None:
        known = ", ".join(row["id"] for row in world.rows(FaultRow)) or "none"
        raise NotFound(f"There is no fault rule {wire_json.quoted(id)}; there are: {known}")
    world.delete(FaultRow, id=id)


def clear(world: World) -> None:
    """Delete every rule."""
    world.delete(FaultRow)


def hit(world: World, when: str, known: Callable[[], Document]) -> Fault | None:
    """Find and count the fault that hits a request at this point, or None.

    `known` returns the request so far in the shape of a journal entry. The oldest rule that matches and is not spent
    wins; when it skips the request, or its probability misses, the next rule is tried.
    """
    entry: Document | None = None
    for row in world.rows(FaultRow):
        rule = json.loads(row["document"])
        spent = rule["times"] is not None and row["hits"] >= rule["times"]
        if spent or rule["when"] != when:
            continue
        entry = entry or known()
        if not patterns.Pattern(rule["match"]).matches(entry):
            continue
        hit = row["seen"] >= rule["skip"] and _chance_hits(world.seed, row, rule["probability"])
        world.update(FaultRow, row["id"], seen=row["seen"] + 1, hits=row["hits"] + hit)
        if hit:
            delay_ms = delays.drawn(rule["delay_ms"], world.seed, "fault", row["id"], row["seen"])
            return Fault(row["id"], *map(rule.get, Fault._fields[1:]))._replace(delay_ms=delay_ms)
    return None


def _chance_hits(seed: str, row: Document, probability: float | None) -> bool:
    if probability is None:
        return True
    digest = hashlib.sha256(f"{seed}\nfault\n{row['id']}\n{row['seen']}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < probability


def _listed(row: Document) -> Document:
    rule = json.loads(row["document"])
    spent = rule["times"] is not None and row["hits"] >= rule["times"]
    return {"id": row["id"], **rule, "hits": row["hits"], "spent": spent}
