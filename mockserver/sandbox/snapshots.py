"""Snapshots: a sandbox's world under a name, everything but its journal (control plane, `/snapshots`)."""

from __future__ import annotations

import re
from typing import Any

from mockserver.errors import BadRequest
from mockserver.sandbox.names import is_name
from mockserver.sandbox.sandboxes import DATA, EMPTY, FIXTURES, Opened, require_snapshot, snapshots_of
from mockserver.store import world as worlds
from mockserver.store.models import Fault, Snapshot
from mockserver.wire import quoted

_RESERVED = re.compile(f"{FIXTURES}|{EMPTY}")


def check_name(text: str) -> str:
    """The name itself, or BadRequest."""
    if not is_name(text) or _RESERVED.fullmatch(text):
        raise BadRequest(
            f"{quoted(text)} is no snapshot's name: use 1 to 64 of A-Z a-z 0-9 . _ -, neither . nor .., "
            f"nor {FIXTURES} nor {EMPTY}"
        )
    return text


def take(opened: Opened, name: str) -> dict[str, Any]:
    """Keep the sandbox as it is under a name; BadRequest when there is a snapshot of that name."""
    if any(row["name"] == name for row in snapshots_of(opened)):
        raise BadRequest(f"There is a snapshot {quoted(name)} already: delete it first")
    world = opened.world
    kept = worlds.create(world.transaction, world.columns)
    kept.copy_rows(world, (*DATA, Fault))
    row = {"sandbox": opened.name, "name": name, "world": kept.number, "taken_at": world.clock.read()}
    world.transaction.statements.insert(Snapshot, row)
    return _shown(row)


def listed(opened: Opened) -> list[dict[str, Any]]:
    """The sandbox's snapshots, in the order of the alphabet."""
    return [_shown(row) for row in snapshots_of(opened)]


def remove(opened: Opened, name: str) -> None:
    """Forget a snapshot; NotFound, listing those there are, when there is none of that name."""
    require_snapshot(opened, name)
    opened.world.transaction.statements.delete(Snapshot, {"sandbox": opened.name, "name": name})


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {"name": row["name"], "taken_at": row["taken_at"]}
