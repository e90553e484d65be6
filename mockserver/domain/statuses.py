"""Status configurations: the initial one, and the ones that a request names (contract, sections 2 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from mockserver.errors import NotFound, Problem
from mockserver.store.contents import World
from mockserver.store.models import Status as StatusTable

Status = Mapping[str, Any]
Statuses = Mapping[str, Status]


def load(world: World) -> Statuses:
    """The organization's statuses as the API shows them, by their ids."""
    return world.people(StatusTable)


def initial(statuses: Statuses) -> Status:
    """The status of a new task: type `initial`, lowest `order`."""
    return min([each for each in statuses.values() if each["type"] == "initial"], key=itemgetter("order"))


def with_id(statuses: Statuses, id: str) -> Status:
    """The status with that id, or NotFound."""
    return statuses[id] if id in statuses else _only(statuses, "id", id, "statusId", "unknown-status")


def at_position(statuses: Statuses, position: float, meaning: str) -> Status:
    """The status at that position, under a value of the switch `status-position`, or NotFound."""
    if meaning == "order":
        return _only(statuses, "order", position, "newStatusPosition", "status-position")
    ordered = sorted(statuses.values(), key=lambda status: status["order"])
    numbered = enumerate(ordered, int(meaning.removeprefix("index-")))
    placed = {status["id"]: {**status, "index": place} for place, status in numbered}
    return _only(placed, "index", position, "newStatusPosition", "status-position")


def named(statuses: Statuses, name: str) -> Status:
    """The status with exactly that name, or NotFound."""
    return _only(statuses, "name", name, "newStatusName", "update-status")


def _only(statuses: Statuses, key: str, value: Any, field: str, rule: str) -> Status:
    for status in statuses.values():
        if status[key] == value:
            return status
    known = ", ".join(str(status[key]) for status in statuses.values())
    problem = Problem((field,), "not_found", f"the sandbox has no status with the {key} {value}, only {known}", rule)
    raise NotFound(f"{field} not found: {value}", problems=[problem])
