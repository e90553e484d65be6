"""Faults: rules that make valid requests fail, before or after their effects are committed (control plane).

A rule is exact: it is counted in the transaction of the request that it hits, so `times: 100` hits 100 of 500
concurrent requests, and its chance is drawn from the sandbox's seed and its own counter, so it repeats.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mockserver.errors import BadRequest, NotFound
from mockserver.formats import json as wire_json
from mockserver.journal import patterns
from mockserver.store.contents import World
from mockserver.store.models import FaultRow

MAX_RULES = 100
MAX_DELAY_MS = 60_000
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
# What a server alone decides about (RFC 9110, section 7.6.1; PEP 3333): `connection` is how a rule breaks framing.
_OF_THE_CONNECTION = re.compile(
    r"connection|content-length|keep-alive|proxy-authenticate|proxy-authorization|te|trailers|transfer-encoding|upgrade",
    re.IGNORECASE,
)

Document = dict[str, Any]


class Fault(NamedTuple):
    """A rule that hit a request: what happens to it."""

    id: str
    when: str
    status: int | None
    headers: Mapping[str, str]
    body: Any
    connection: str | None
    delay_ms: int

    @property
    def answers(self) -> bool:
        """Whether it makes the answer itself, beside delaying it or adding headers."""
        return self.status is not None or self.body is not None or self.connection is not None

    def document(self) -> Document:
        """What a journal entry says of it."""
        shown = {"id": self.id, "when": self.when, "status": self.status, "connection": self.connection}
        return shown | {"delay_ms": self.delay_ms}


def may_send(name: str, value: str) -> bool:
    """Check a header for an answer: printable ASCII, and not about the connection."""
    return bool(
        _HEADER_VALUE.fullmatch(value) and _HEADER_NAME.fullmatch(name) and not _OF_THE_CONNECTION.fullmatch(name)
    )


def contradictions(rule: Document) -> dict[str, str]:
    """Keys of a rule, whatever their values, that cannot work beside its other keys, and why."""
    if rule["when"] != "before":
        return {}
    found = {}
    if isinstance(rule["match"], dict) and "status" in rule["match"]:
        found["match"] = "Before the request is carried out it has no status to match: leave it out, or use when: after"
    if rule["body"] is not None and rule["status"] is None and rule["connection"] is None:
        found["body"] = "A body needs a status, since the request is not carried out"
    return found


def has_effect(rule: Document) -> bool:
    """Check that a complete rule changes anything for the requests it hits."""
    effects = [rule["status"], rule["connection"], rule["delay_ms"]]
    return any(effects if rule["when"] == "before" else [*effects, rule["body"], rule["headers"]])


def add(world: World, rule: Document) -> Document:
    """Keep a complete rule; BadRequest past `MAX_RULES`. Returns it as it is listed."""
    if len(world.rows(FaultRow)) >= MAX_RULES:
        raise BadRequest(f"There are {MAX_RULES} fault rules, as many as there may be: delete some")
    row = {"id": str(world.count(FaultRow)), "position": world.next_position(), "seen": 0, "hits": 0}
    row["document"] = wire_json.encode(rule).decode()
    world.insert(FaultRow, [row])
    return _listed(row)


def listed(world: World) -> list[Document]:
    """Every rule, oldest first, with its hits; spent ones stay."""
    return [_listed(row) for row in world.rows(FaultRow)]


def remove(world: World, id: str) -> None:
    """Delete a rule; NotFound, listing those there are, when there is none with that id."""
    if world.get(FaultRow, id) is None:
        known = ", ".join(row["id"] for row in world.rows(FaultRow)) or "none"
        raise NotFound(f"There is no fault rule {wire_json.quoted(id)}; there are: {known}")
    world.delete(FaultRow, id=id)


def clear(world: World) -> None:
    """Delete every rule."""
    world.delete(FaultRow)


def hit(world: World, when: str, known: Callable[[], Document]) -> Fault | None:
    """The fault that hits a request at this point, counted, or None.

    `known` gives what is known of the request in the shape of a journal entry. The oldest rule that matches and
    is not spent wins; one that skips the request, or whose chance misses it, leaves it to the next.
    """
    if not world.columns["minted_faults"]:  # most worlds never had a rule, and every request asks twice
        return None
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
            kept = ("when", "status", "headers", "body", "connection", "delay_ms")
            return Fault(row["id"], **{name: rule[name] for name in kept})
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
