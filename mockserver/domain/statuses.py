"""Status configurations: the initial one, and the ones that a request names (contract, sections 2 and 4)."""

from __future__ import annotations

from typing import Any

from mockserver.errors import NotFound, Problem
from mockserver.store.models import Status
from mockserver.store.world import World

Statuses = list[dict[str, Any]]


def load(world: World) -> Statuses:
    """The organization's statuses."""
    return world.rows(Status)


def initial(statuses: Statuses) -> dict[str, Any]:
    """The one that a new task gets: type `initial`, lowest `order`."""
    return min((status for status in statuses if status["type"] == "initial"), key=lambda status: status["order"])


def with_id(statuses: Statuses, id: str) -> dict[str, Any]:
    """The status with that id, or NotFound."""
    return _only(statuses, "id", id, "statusId", "statusId")


def at_position(statuses: Statuses, position: float) -> dict[str, Any]:
    """The status whose `order` is that number, or NotFound."""
    return _only(statuses, "order", position, "newStatusPosition", "update-status")


def named(statuses: Statuses, name: str) -> dict[str, Any]:
    """The status with exactly that name, or NotFound."""
    return _only(statuses, "name", name, "newStatusName", "update-status")


def _only(statuses: Statuses, key: str, value: Any, field: str, rule: str) -> dict[str, Any]:
    for status in statuses:
        if status[key] == value:
            return status
    known = ", ".join(str(status[key]) for status in statuses)
    problem = Problem((field,), "not_found", f"the sandbox has no status with the {key} {value}, only {known}")
    raise NotFound(f"{field} not found: {value}", rule=rule, problems=[problem])
