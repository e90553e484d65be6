"""Snapshots: a sandbox's world under a name, everything but its journal (control plane, `/snapshots`)."""

from __future__ import annotations

from typing import Any

from mockserver.errors import BadRequest, NotFound
from mockserver.formats.json import quoted
from mockserver.keys import is_name
from mockserver.sandbox.sandboxes import DATA, OpenSandbox, listing
from mockserver.store import contents
from mockserver.store.models import FaultRow, Snapshot

MAX_SNAPSHOTS = 100
FIXTURES, EMPTY = "fixtures", "empty"  # of a reset, beside the names of snapshots


def check_name(text: str) -> str:
    """Return the name if it is valid; BadRequest otherwise."""
    if not is_name(text) or text in (FIXTURES, EMPTY):
        raise BadRequest(
            f"{quoted(text)} is no snapshot's name: use 1 to 64 of A-Z a-z 0-9 . _ -, neither . nor .., "
            f"nor {FIXTURES} nor {EMPTY}"
        )
    return text


def take(opened: OpenSandbox, name: str) -> dict[str, Any]:
    """Keep the current state of the sandbox under a name; BadRequest for a name in use, and past `MAX_SNAPSHOTS`."""
    names = [row["name"] for row in _rows(opened)]
    if name in names:
        raise BadRequest(f"There is a snapshot {quoted(name)} already: delete it first")
    if len(names) >= MAX_SNAPSHOTS:
        raise BadRequest(f"The limit of {MAX_SNAPSHOTS} snapshots of a sandbox is reached; delete some")
    world = opened.world
    kept = contents.create(world.transaction, world.columns)
    kept.copy_rows(world, (*DATA, FaultRow))
    row = {"sandbox": opened.name, "name": name, "world": kept.number, "taken_at": world.clock.read()}
    world.transaction.statements.insert(Snapshot, row)
    return _summary(row)


def listed(opened: OpenSandbox) -> list[dict[str, Any]]:
    """The sandbox's snapshots, sorted by name."""
    return [_summary(row) for row in _rows(opened)]


def require(opened: OpenSandbox, name: str) -> dict[str, Any]:
    """The row of a snapshot; NotFound, listing the existing ones, when none has that name."""
    rows = {row["name"]: row for row in _rows(opened)}
    if name not in rows:
        raise NotFound(
            f"There is no snapshot {quoted(name)} of the sandbox {quoted(opened.name)}; there are: {listing(rows)}"
        )
    return rows[name]


def remove(opened: OpenSandbox, name: str) -> None:
    """Delete a snapshot; NotFound, listing the existing ones, when none has that name."""
    require(opened, name)
    opened.world.transaction.statements.delete(Snapshot, {"sandbox": opened.name, "name": name})


def _rows(opened: OpenSandbox) -> list[dict[str, Any]]:
    return opened.world.transaction.statements.select(Snapshot, {"sandbox": opened.name}, ("name",))


def _summary(row: dict[str, Any]) -> dict[str, Any]:
    return {"name": row["name"], "taken_at": row["taken_at"]}
