"""The catalogue of failures: every failure of each operation, with a fault rule that causes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mockserver.faults.rules import CONNECTIONS

# Answers possible from any HTTP API, documented or not.
OF_ANY_SERVER = {429: "Too many requests.", 502: "Bad gateway.", 503: "Service unavailable.", 504: "Gateway timeout."}
# Refusals by the mock's own server: invalid HTTP requests, and a full disk.
OF_THE_MOCK = (408, 421, 431, 501, 507)

_COMMITTED = "The request is carried out and committed"
_OF_WRITES: tuple[tuple[str, int | None, str, dict[str, Any]], ...] = (
    (
        "lost-answer",
        None,
        f"{_COMMITTED}, then the connection is reset: the client cannot know.",
        {"connection": "reset"},
    ),
    ("late-error", 503, f"{_COMMITTED}, and answered with 503.", {"status": 503}),
)


class Operation(NamedTuple):
    """An operation of the imitated API; `refusals` maps the documented error statuses to descriptions."""

    id: str
    method: str
    path: str
    refusals: Mapping[int, str]


def failures_of(operations: Iterable[Operation]) -> list[dict[str, Any]]:
    """Every failure of every operation: its name, the status that the client sees, and a fault rule that causes it.

    `status` is None when no answer arrives.
    """
    return [
        {"operation": operation.id, "name": name, "status": status, "description": description, "trigger": trigger}
        for operation in operations
        for name, status, description, trigger in _failures(operation)
    ]


def _failures(operation: Operation) -> Iterator[tuple[str, int | None, str, dict[str, Any]]]:
    match = {"operation": operation.id}
    for status, description in sorted({**operation.refusals, **OF_ANY_SERVER}.items()):
        if status not in OF_THE_MOCK:
            headers = {"Retry-After": "1"} if status in (429, 503) else {}
            yield f"status-{status}", status, description, {"match": match, "status": status, "headers": headers}
    for connection in CONNECTIONS:
        seen = 500 if connection == "truncate" else None
        description = f"The connection breaks before anything is done: {connection}."
        yield f"connection-{connection}", seen, description, {"match": match, "connection": connection}
    if operation.method != "GET":
        for name, seen, description, effect in _OF_WRITES:
            yield name, seen, description, {"match": match, "when": "after", **effect}
