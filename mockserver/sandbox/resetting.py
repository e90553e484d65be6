"""Resetting a sandbox in parts, and replacing its contents."""

from __future__ import annotations

from collections.abc import Collection

from mockserver.journal.journal import create_journal
from mockserver.sandbox import snapshots, state
from mockserver.sandbox.sandboxes import PEOPLE, OpenSandbox, SandboxDefaults, Sandboxes, furnish
from mockserver.sandbox.snapshots import EMPTY, FIXTURES
from mockserver.store import contents
from mockserver.store.contents import World
from mockserver.store.models import Entry, FaultRow, Note, Part, Sandbox, Task
from mockserver.store.transactions import StorageFull

PARTS = ("tasks", "journal", "faults", "clock", "ids", "settings")
_GROWING: tuple[type[Part], ...] = (Task, Note)  # tables without an upper limit of rows
_COLUMNS = {
    "clock": ("clock_mode", "clock_now_ms", "clock_anchor_ms", "clock_tick_ms"),
    "ids": ("seed", "minted_tasks", "minted_notes"),
    "faults": ("minted_faults",),
    "settings": (
        *("strict", "assume", "delay_ms", "delay_spread", "delays_drawn"),
        *("rate_requests", "rate_seconds", "rate_window_ms", "rate_used"),
    ),
}


def reset(sandboxes: Sandboxes, name: str, to: str = FIXTURES, only: Collection[str] = PARTS) -> None:
    """Reset parts of a sandbox: to the fixtures, to people and statuses only, or to a snapshot.

    The cost is independent of the sandbox's contents: the sweeper deletes superseded rows later, unless their room is
    needed now. Raises NotFound for a snapshot that does not exist.
    """
    try:
        with sandboxes.open(name) as opened:
            _reset(opened, sandboxes.defaults, to, only)
    except StorageFull:
        with sandboxes.open(name) as opened:
            _clear(opened, only)
            _reset(opened, sandboxes.defaults, to, only)


def refill(sandboxes: Sandboxes, name: str, document: state.Document) -> None:
    """Replace all contents that a state document covers, or nothing; the document must be valid."""
    with sandboxes.open(name) as opened:
        old = opened.world
        world = contents.create(old.transaction, old.columns)
        state.fill(world, document)
        world.copy_rows(old, (FaultRow,))
        old.transaction.statements.update(Sandbox, {"world": world.number}, {"name": name})


def _reset(opened: OpenSandbox, defaults: SandboxDefaults, to: str, only: Collection[str]) -> None:
    world, row = opened.world, {}
    source = _source(opened, defaults, to)
    if "tasks" in only:
        world = _replaced(world, source, defaults, to, only)
        row["world"] = world.number
        if to == FIXTURES:
            row["template"] = defaults.template
    elif "faults" in only:
        world.delete(FaultRow)
        world.copy_rows(source, (FaultRow,))
    for part in set(only) & set(_COLUMNS):
        fresh = defaults.columns() if to in (FIXTURES, EMPTY) else source.columns
        world.columns |= {name: fresh[name] for name in _COLUMNS[part]}
    world.save()
    if "journal" in only:
        row["journal"] = create_journal(world.transaction)
    if row:
        world.transaction.statements.update(Sandbox, row, {"name": opened.name})


def _source(opened: OpenSandbox, defaults: SandboxDefaults, to: str) -> World:
    is_of_template = to in (FIXTURES, EMPTY)
    number = defaults.template if is_of_template else snapshots.require(opened, to)["world"]
    return contents.load(opened.world.transaction, number)


def _replaced(old: World, source: World, defaults: SandboxDefaults, to: str, only: Collection[str]) -> World:
    """A new world with the tasks of the source; the parts that are not reset are copied."""
    world = contents.create(old.transaction, old.columns)
    world.columns["last_position"] = max(source.columns["last_position"], old.columns["last_position"])
    if to == EMPTY:
        world.copy_rows(old, PEOPLE)
    else:
        if "clock" in only:
            world.clock = defaults.clock.start_clock() if to == FIXTURES else source.clock
        furnish(world, source, defaults)
    world.copy_rows(source if "faults" in only else old, (FaultRow,))
    return world


def _clear(opened: OpenSandbox, only: Collection[str]) -> None:
    """Delete at once the rows that a reset supersedes, to make room for the new ones."""
    if "tasks" in only:
        for model in _GROWING:
            opened.world.delete(model)
    if "journal" in only:
        opened.world.transaction.statements.delete(Entry, {"journal": opened.journal.number})
