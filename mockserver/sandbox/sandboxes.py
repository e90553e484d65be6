"""Sandboxes: opened by name, each a copy of the fixtures of its own."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from mockserver.clock import ClockSetting
from mockserver.errors import BadRequest, NotFound, ServiceUnavailable, Unauthorized
from mockserver.formats import ids
from mockserver.formats.json import quoted
from mockserver.journal.journal import Journal, create_journal
from mockserver.keys import Caller, check_name
from mockserver.sandbox import state
from mockserver.store import contents
from mockserver.store.contents import World
from mockserver.store.models import (
    Contact,
    Customer,
    Entry,
    FaultRow,
    JournalRow,
    Note,
    Part,
    Sandbox,
    Snapshot,
    Status,
    Task,
    User,
    WorldRow,
)
from mockserver.store.transactions import StorageFull, Store, Transaction, WouldWrite

PEOPLE: tuple[type[Part], ...] = (User, Status, Contact, Customer)
DATA: tuple[type[Part], ...] = (*PEOPLE, Task, Note)
PARTS = ("tasks", "journal", "faults", "clock", "ids", "settings")
FIXTURES, EMPTY = "fixtures", "empty"
MAX_NAMES = 20  # in a message
MAX_AT_HAND = 100  # sandboxes
Result = TypeVar("Result")
_log = logging.getLogger("mockserver")
_GROWING: tuple[type[Part], ...] = (Task, Note)  # what a sandbox may have much of, and starts without

_COLUMNS = {
    "clock": ("clock_mode", "clock_now_ms", "clock_anchor_ms", "clock_tick_ms"),
    "ids": ("seed", "minted_tasks", "minted_notes"),
    "faults": ("minted_faults",),
    "settings": ("strict", "delay_ms", "rate_requests", "rate_seconds", "rate_window_ms", "rate_used"),
}


class OpenSandbox(NamedTuple):
    """A sandbox inside a transaction: its name, its world, its journal, and what its clock showed at first.

    `kept` is false where nothing can be written: of what is done there, nothing is counted, and no entry made.
    """

    name: str
    world: World
    journal: Journal
    arrived_ms: int
    kept: bool = True

    @property
    def version(self) -> tuple[int, int, int]:
        """The same as long as no request is recorded and no reset is made; changes of settings do not count."""
        return self.world.number, self.journal.number, self.journal.next_id()


class SandboxDefaults(NamedTuple):
    """What a sandbox that is opened for the first time starts with."""

    template: int
    seed: str
    clock: ClockSetting
    strict: bool
    journal_limit: int

    def columns(self) -> dict[str, Any]:
        """The columns of the world, but for the positions of its rows."""
        settings = {"strict": self.strict, "delay_ms": 0, "rate_requests": None, "rate_seconds": None}
        counters = {"minted_tasks": 0, "minted_notes": 0, "minted_faults": 0, "rate_window_ms": 0, "rate_used": 0}
        return {"seed": self.seed, **contents.clock_columns(self.clock.start_clock()), **settings, **counters}


class Sandboxes:
    """All sandboxes of a store; `limit` is how many there may be."""

    def __init__(self, store: Store, defaults: SandboxDefaults, limit: int) -> None:
        self._store = store
        self._defaults = defaults
        self._limit = limit

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[OpenSandbox]:
        """The sandbox for reading and writing; on first use a copy of the fixtures.

        What the block does is kept when it ends, and undone when it raises. Raises ServiceUnavailable when
        the sandbox is new and there are as many as there may be, StorageFull when there is no room.
        """
        with self._store.write() as transaction:
            opened = self._find(transaction, name)
            if opened is None:
                self._create(transaction, name)
                opened = self._require(transaction, name)
            yield opened
            opened.world.save()

    def carry_out(self, name: str, work: Callable[[OpenSandbox], Result]) -> Result:
        """Do something in the sandbox, as in the block of `open`; what it returns.

        Where there is no room to write, what writes nothing but an entry of the journal is done without it, in a
        sandbox that is not `kept`; all else raises StorageFull. So `work` may be done a second time.

        The sandbox stays at hand for the next writer: `work` may change its world and its journal, not replace them.
        """
        try:
            with self.open(name) as opened:
                result = work(opened)
                at_hand = opened.world.transaction.memory
                at_hand[name] = opened.world, opened.journal
                if len(at_hand) > MAX_AT_HAND:
                    del at_hand[next(iter(at_hand))]
                return result
        except StorageFull as full:
            result = self._look_only(name, work, full)
            _log.error("A request has no entry in the journal: %s", full.message)
            return result

    @contextlib.contextmanager
    def look(self, name: str) -> Iterator[OpenSandbox]:
        """An existing sandbox, for reading only; NotFound when there is none."""
        with self._store.read() as transaction:
            yield self._require(transaction, name)

    @contextlib.contextmanager
    def look_or_open(self, name: str) -> Iterator[OpenSandbox]:
        """As `look`, but a sandbox that is not there is opened: for calls that wait for what it will hold."""
        with self._store.read() as transaction:
            opened = self._find(transaction, name)
            if opened:
                yield opened
                return
        with self.open(name) as opened:
            yield opened

    def names(self) -> list[str]:
        """The names of all sandboxes, in the order of the alphabet."""
        with self._store.read() as transaction:
            return _names(transaction)

    def create(self, name: str | None) -> str:
        """Open a new sandbox, under a name that is made up when none is given; its name.

        Raises BadRequest for a name that cannot be one or that there is already, ServiceUnavailable past the limit.
        """
        chosen = check_name(ids.random_name() if name is None else name)
        with self._store.write() as transaction:
            if self._find(transaction, chosen):
                raise BadRequest(f"There is a sandbox {quoted(chosen)} already")
            self._create(transaction, chosen)
        return chosen

    def delete(self, name: str) -> None:
        """Forget a sandbox and its snapshots; NotFound when there is none. Its rows are cleared up later."""
        with self._store.write() as transaction:
            self._require(transaction, name)
            transaction.statements.delete(Sandbox, {"name": name})
            transaction.statements.delete(Snapshot, {"sandbox": name})

    def reset(self, name: str, to: str = FIXTURES, only: Collection[str] = PARTS) -> None:
        """Put parts of a sandbox back: to the fixtures, to nothing but people and statuses, or to a snapshot.

        The cost does not grow with what the sandbox holds: what is superseded is cleared up later, unless its room
        is needed. Raises NotFound for a snapshot that does not exist.
        """
        try:
            self._reset(name, to, only)
        except StorageFull:
            self._reset(name, to, only, clear_first=True)

    def refill(self, name: str, document: state.Document) -> None:
        """Replace everything that a state document holds, or nothing; the document is valid."""
        with self.open(name) as opened:
            old = opened.world
            world = contents.create(old.transaction, old.columns)
            state.fill(world, document)
            world.copy_rows(old, (FaultRow,))
            old.transaction.statements.update(Sandbox, {"world": world.number}, {"name": name})

    def _reset(self, name: str, to: str, only: Collection[str], clear_first: bool = False) -> None:
        with self.open(name) as opened:
            source = self._source(opened, to)
            if clear_first:
                _clear(opened, only)
            if "tasks" in only:
                world = self._replaced(opened, source, to, only)
                row = {"world": world.number}
            else:
                world, row = opened.world, {}
                if "faults" in only:
                    world.delete(FaultRow)
                    world.copy_rows(source, (FaultRow,))
            for part in set(only) & set(_COLUMNS):
                fresh = self._defaults.columns() if to in (FIXTURES, EMPTY) else source.columns
                world.columns |= {name: fresh[name] for name in _COLUMNS[part]}
            world.save()
            if "journal" in only:
                row["journal"] = create_journal(world.transaction)
            if row:
                world.transaction.statements.update(Sandbox, row, {"name": name})

    def _look_only(self, name: str, work: Callable[[OpenSandbox], Result], full: StorageFull) -> Result:
        try:
            with self._store.look() as transaction:
                opened = self._find(transaction, name, kept=False)
                if opened is None:
                    raise full
                result = work(opened)
                opened.world.save()
                return result
        except WouldWrite:
            raise full from None

    def _replaced(self, opened: OpenSandbox, source: World, to: str, only: Collection[str]) -> World:
        """A new world with the tasks of the source, and with all else that is not reset as it is."""
        old = opened.world
        world = contents.create(old.transaction, old.columns)
        world.columns["last_position"] = max(source.columns["last_position"], old.columns["last_position"])
        if to == EMPTY:
            world.copy_rows(old, PEOPLE)
        else:
            world.copy_rows(source, DATA)
        world.copy_rows(source if "faults" in only else old, (FaultRow,))
        return world

    def _source(self, opened: OpenSandbox, to: str) -> World:
        transaction = opened.world.transaction
        if to in (FIXTURES, EMPTY):
            return contents.load(transaction, self._defaults.template)
        return contents.load(transaction, require_snapshot(opened, to)["world"])

    def _create(self, transaction: Transaction, name: str) -> None:
        if transaction.statements.count(Sandbox) >= self._limit:
            raise ServiceUnavailable(
                f"There are {self._limit} sandboxes, as many as --max-sandboxes allows: "
                "delete one with DELETE /__admin/sandboxes/NAME"
            )
        template = contents.load(transaction, self._defaults.template)
        position = {"last_position": template.columns["last_position"]}
        world = contents.create(transaction, self._defaults.columns() | position)
        world.copy_rows(template, DATA)
        pointers = {"world": world.number, "journal": create_journal(transaction)}
        transaction.statements.insert(Sandbox, {"name": name, **pointers})
        # Kept even if the request that opened it is refused.
        transaction.commit()

    def _find(self, transaction: Transaction, name: str, kept: bool = True) -> OpenSandbox | None:
        # Taken away, not only read: whoever finds it may put another world in its place.
        at_hand = transaction.memory.pop(name, None)
        if at_hand:
            world, journal = at_hand
            world.changes, world.relied = [], set()
        else:
            others = {"world": WorldRow, "journal": JournalRow}
            found = transaction.statements.find(Sandbox, {"name": name}, others)
            if not found:
                return None
            _, world_columns, journal_columns = found
            world = World(transaction, world_columns)
            journal = Journal(transaction, journal_columns, self._defaults.journal_limit)
        return OpenSandbox(name, world, journal, world.clock.read_ms(), kept)

    def _require(self, transaction: Transaction, name: str) -> OpenSandbox:
        opened = self._find(transaction, name)
        if opened is None:
            raise NotFound(f"There is no sandbox {quoted(name)}; there are: {_listing(_names(transaction))}")
        return opened


def actor(world: World, caller: Caller) -> str:
    """The id of the user whom the caller acts as; Unauthorized when the world has no such active user."""
    for id, user in world.people(User).items():
        if user["active"] and caller.user_id in (None, id):
            return id
    raise Unauthorized


def snapshots_of(opened: OpenSandbox) -> list[dict[str, Any]]:
    """The rows of the sandbox's snapshots, in the order of the alphabet."""
    return opened.world.transaction.statements.select(Snapshot, {"sandbox": opened.name}, ("name",))


def require_snapshot(opened: OpenSandbox, name: str) -> dict[str, Any]:
    """The row of a snapshot; NotFound, listing those there are, when there is none of that name."""
    rows = {row["name"]: row for row in snapshots_of(opened)}
    if name not in rows:
        raise NotFound(
            f"There is no snapshot {quoted(name)} of the sandbox {quoted(opened.name)}; there are: {_listing(rows)}"
        )
    return rows[name]


def _clear(opened: OpenSandbox, only: Collection[str]) -> None:
    """Remove at once what a reset supersedes, so that what comes has its room."""
    if "tasks" in only:
        for model in _GROWING:
            opened.world.delete(model)
    if "journal" in only:
        opened.world.transaction.statements.delete(Entry, {"journal": opened.journal.number})


def _names(transaction: Transaction) -> list[str]:
    return [row["name"] for row in transaction.rows(Sandbox.select(Sandbox.name).order_by(Sandbox.name))]


def _listing(names: Iterable[str]) -> str:
    """Names for a message: a few, and how many more there are."""
    shown = list(names)
    more = f" and {len(shown) - MAX_NAMES} more" if len(shown) > MAX_NAMES else ""
    return (", ".join(shown[:MAX_NAMES]) or "none") + more
