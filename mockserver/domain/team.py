"""The team: the users who can be responsible for a task (contract, section 6)."""

from __future__ import annotations

from typing import Any

from mockserver.store.contents import World
from mockserver.store.models import User

_SHOWN = ("first_name", "last_name", "email", "phone")


def list_team_members(world: World) -> list[dict[str, Any]]:
    """The active users, in fixture order."""
    return [
        {"id": user["id"], "name": f"{user['first_name']} {user['last_name']}"} | {name: user[name] for name in _SHOWN}
        for user in world.people(User).values()
        if user["active"]
    ]
