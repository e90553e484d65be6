"""Status configurations: the initial one, and the ones that a request names (contract, sections 2 and 4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mockserver.errors import NotFound
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
    return _only((status for status in statuses if status["id"] == id), f"statusId not found: {id}")


def at_position(statuses: Statuses, position: float) -> dict[str, Any]:
    """The status whose `order` is that number, or NotFound."""
    found = (status for status in statuses if status["order"] == position)
    return _only(found, f"newStatusPosition not found: {position}")


def named(statuses: Statuses, name: str) -> dict[str, Any]:
    """The status with exactly that name, or NotFound."""
    return _only((status for status in statuses if status["name"] == name), f"newStatusName not found: {name}")


def _only(found: Iterable[dict[str, Any]], message: str) -> dict[str, Any]:
    for status in found:
        return status
    raise NotFound(message)
