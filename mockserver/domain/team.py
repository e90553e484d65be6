"""The team: the users who can be responsible for a task (contract, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.store.contents import World
from mockserver.store.models import User


def list_team_members(world: World) -> list[dict[str, Any]]:
    """The active users, in fixture order."""
    return [_present(user) for user in world.people(User).values() if user["active"]]


def _present(user: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": user["id"],
        "name": f"{user['first_name']} {user['last_name']}",
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "email": user["email"],
        "phone": user["phone"],
    }
