"""Sandboxes: opened by name, each with its own copy of the fixtures."""

from __future__ import annotations

import contextlib
import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from mockserver.clock import ClockSetting, monotonic
from mockserver.errors import BadRequest, NotFound, ServiceUnavailable, Unauthorized
from mockserver.fidelity import explain
from mockserver.fidelity.assumptions import Assumed
from mockserver.fidelity.evidence import Evidence
from mockserver.formats import ids
from mockserver.formats.json import quoted
from mockserver.journal.journal import COUNTERS, Journal, create_journal
from mockserver.keys import DEFAULT, MADE_UP, UNIDENTIFIED, Caller, check_name
from mockserver.sandbox import state
from mockserver.store import contents
from mockserver.store.contents import World
from mockserver.store.models import (
    Contact,
    Customer,
    Entry,
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
from mockserver.store.orm import JOIN, Model, Query, fn
from mockserver.store.transactions import Conflict, StorageFull, Store, Transaction, WouldWrite

PEOPLE: tuple[type[Part], ...] = (User, Status, Contact, Customer)
DATA: tuple[type[Part], ...] = (*PEOPLE, Task, Note)
_OPENED: tuple[type[Model], ...] = (Sandbox, WorldRow, JournalRow)
MAX_NAMES = 20  # in a message
MAX_AT_HAND = 100  # sandboxes
MAX_UNIDENTIFIED = 200  # entries of requests whose key opens no sandbox
Result = TypeVar("Result")
_log = logging.getLogger("mockserver")


class OpenSandbox(NamedTuple):
    """A sandbox inside a transaction: its name, its world, its journal, and its clock's time at the opening.

    `kept` is false when storage is full: nothing is counted then, and no journal entry is made.
    """

    name: str
    world: World
    journal: Journal
    arrived_ms: int
    kept: bool = True

    @property
    def version(self) -> tuple[int, ...]:
        """A value that changes with each recorded request and each reset, but not with settings."""
        return self.world.number, *self.journal.version


class SandboxDefaults(NamedTuple):
    """The initial state of a new sandbox, and what was measured; `document_at` is that of `fixtures.Fixtures`."""

    template: int
    seed: str
    clock: ClockSetting
    strict: bool
    journal_limit: int
    assumed: Assumed
    evidence: Evidence | None = None
    document_at: Callable[[int], state.Document] | None = None

    def columns(self) -> dict[str, Any]:
        """The columns of the world, without the positions of its rows."""
        settings = {"strict": self.strict, "assume": "{}", "rate_requests": None, "rate_seconds": None}
        settings |= {"delay_ms": 0, "delay_spread": None, "delays_drawn": 0}
        counters = {"minted_tasks": 0, "minted_notes": 0, "minted_faults": 0, "rate_window_ms": 0, "rate_used": 0}
        return {"seed": self.seed, **contents.clock_columns(self.clock.start_clock()), **settings, **counters}


class Room(NamedTuple):
    """At most `limit` sandboxes; past it, one that nobody has used for `idle_s` seconds makes room.

    `is_awaited` tells if a request waits in a sandbox; `superseded` is called when one was deleted.
    """

    limit: int
    idle_s: float
    is_awaited: Callable[[str], bool]
    superseded: Callable[[], None]


class Sandboxes:
    """All sandboxes of a store, and the initial state of new ones."""

    def __init__(self, store: Store, defaults: SandboxDefaults, room: Room) -> None:
        self._store = store
        self.defaults = defaults
        self._room = room
        self._started = monotonic()
        self._last_used: dict[str, float] = {}
        self._assumed = lru_cache(maxsize=128)(lambda text: {**defaults.assumed, **json.loads(text)})
        self._explain = lru_cache(maxsize=128)(lambda text: explain.under(defaults.evidence, self._assumed(text)))

    @property
    def assumed(self) -> Assumed:
        """The server's value of each switch."""
        return self.defaults.assumed

    @contextlib.contextmanager
    def open(self, name: str, create: bool = True) -> Iterator[OpenSandbox]:
        """Open the sandbox for reading and writing; on first use it is a copy of the fixtures, or NotFound.

        Changes are committed at the end of the block, and rolled back when it raises. Raises ServiceUnavailable when
        the sandbox is new and the limit is reached, StorageFull when there is no room.
        """
        with self._store.write(name) as transaction:
            opened = self._opened(transaction, name, create)
            yield opened
            opened.world.save()

    def carry_out(self, name: str, work: Callable[[OpenSandbox], Result], create: bool = True) -> Result:
        """Run `work` in the sandbox, as in a block of `open`, and return its result; it may run a second time.

        When storage is full, `work` runs in a sandbox that is not `kept`: it succeeds if it writes nothing but a
        journal entry, which is omitted, and raises StorageFull otherwise.

        The sandbox stays cached for the next writer: `work` may change its world and its journal, not replace them.
        """
        optimistic = True
        while True:
            try:
                with self._store.write(name, optimistic) as transaction:
                    opened = self._opened(transaction, name, create)
                    result = work(opened)
                    opened.world.save()
                    at_hand = transaction.memory
                    at_hand[name] = opened.world, opened.journal
                    if len(at_hand) > MAX_AT_HAND:
                        del at_hand[next(iter(at_hand))]
                    return result
            except Conflict:
                optimistic = False
            except StorageFull as full:
                result = self._look_only(name, work, full)
                _log.error("A request has no entry in the journal: %s", full.message)
                return result

    @contextlib.contextmanager
    def look(self, name: str) -> Iterator[OpenSandbox]:
        """Open an existing sandbox for reading only; NotFound when it does not exist."""
        with self._store.read() as transaction:
            yield self._require(transaction, name)

    @contextlib.contextmanager
    def look_or_open(self, name: str) -> Iterator[OpenSandbox]:
        """As `look`, but create the sandbox when it does not exist: for calls that wait for future requests."""
        with self._store.read() as transaction:
            opened = self._find(transaction, name)
            if opened:
                yield opened
                return
        with self.open(name) as opened:
            yield opened

    def used_since(self, instant: float) -> list[str]:
        """The names of the sandboxes used since an instant of `clock.monotonic`, sorted; earlier uses are forgotten.

        So a process does not keep the names of sandboxes that others have deleted.
        """
        for name, at in list(self._last_used.items()):
            if at < instant and self._last_used.get(name) == at:
                self._last_used.pop(name, None)
        return sorted(self._last_used.copy())

    def names(self) -> list[str]:
        """The names of all sandboxes, sorted."""
        with self._store.read() as transaction:
            return _names(transaction)

    def with_other_fixtures(self) -> list[str]:
        """The names of the sandboxes whose tasks come from other fixtures than these, sorted."""
        with self._store.read() as transaction:
            return _names(transaction, Sandbox.template != self.defaults.template)

    def create(self, name: str | None, prefix: str = MADE_UP) -> str:
        """Create a sandbox, with a random name after the prefix when none is given; returns its name.

        Raises BadRequest for an invalid or existing name, ServiceUnavailable past the limit.
        """
        chosen = check_name(ids.random_name(prefix) if name is None else name)
        with self._store.write(chosen) as transaction:
            if self._find(transaction, chosen):
                raise BadRequest(f"There is a sandbox {quoted(chosen)} already")
            self._create(transaction, chosen, named=True)
        return chosen

    def keep(self, name: str) -> None:
        """Count a sandbox, if it exists, as opened by name: it makes no room for others."""
        with self._store.read() as transaction:
            found = transaction.statements.select(Sandbox, {"name": name, "named": False})
        if found:
            with contextlib.suppress(StorageFull), self._store.write(name) as transaction:
                transaction.statements.update(Sandbox, {"named": True}, {"name": name})

    def delete(self, name: str) -> None:
        """Delete a sandbox and its snapshots; NotFound when it does not exist. The sweeper deletes its rows later."""
        with self._store.write(name) as transaction:
            self._remove(transaction, name)

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

    def _remove(self, transaction: Transaction, name: str) -> None:
        self._require(transaction, name)
        transaction.statements.delete(Sandbox, {"name": name})
        transaction.statements.delete(Snapshot, {"sandbox": name})
        self._last_used.pop(name, None)

    def _make_room(self, transaction: Transaction) -> None:
        """Delete the sandbox that has been unused longest; ServiceUnavailable when all are in use."""
        limit, idle_s, is_awaited, superseded = self._room
        now, elsewhere = monotonic(), transaction.unused_s()
        used = {
            name: max(self._last_used.get(name, self._started), now - elsewhere.get(name, math.inf))
            for name in _names(transaction, ~Sandbox.named)
        }
        unused_since = now - idle_s
        unused = [name for name, at in used.items() if at <= unused_since and name != DEFAULT and not is_awaited(name)]
        longest = next(filter(transaction.try_lock, sorted(unused, key=used.__getitem__)), None)
        if longest is None:
            raise ServiceUnavailable(
                f"There are {limit} sandboxes, as many as --max-sandboxes allows, and each was opened by name or used "
                f"in the last {idle_s:g} seconds (--sandbox-idle): delete one with DELETE /__admin/sandboxes/NAME",
                limit="max-sandboxes",
            )
        with contextlib.suppress(NotFound):  # another process has just deleted it
            self._remove(transaction, longest)
        superseded()

    def _create(self, transaction: Transaction, name: str, named: bool = False) -> None:
        transaction.lock("/sandboxes")  # nobody else counts or creates them now
        if transaction.statements.count(Sandbox) > self._room.limit:  # besides, there is the one of the unidentified
            self._make_room(transaction)
        template = contents.load(transaction, self.defaults.template)
        position = {"last_position": template.columns["last_position"]}
        world = contents.create(transaction, self.defaults.columns() | position)
        furnish(world, template, self.defaults)
        pointers = {"world": world.number, "journal": create_journal(transaction), "template": template.number}
        transaction.statements.insert(Sandbox, {"name": name, "named": named, **pointers})
        # The sandbox is kept even if the request that opened it is refused.
        transaction.commit()

    def _opened(self, transaction: Transaction, name: str, create: bool) -> OpenSandbox:
        opened = self._find(transaction, name) if create else self._require(transaction, name)
        while opened is None:
            self._create(transaction, name)
            opened = self._find(transaction, name)  # after the commit, another process may have deleted it
        return opened

    def _find(self, transaction: Transaction, name: str, kept: bool = True) -> OpenSandbox | None:
        # Removed from the cache, not only read: the caller may replace the world.
        at_hand = transaction.memory.pop(name, None)
        if at_hand:
            world, journal = at_hand
            world.changes, world.relied = [], set()
        else:
            found = transaction.statements.find(_OPENED, "open", lambda: _opened(name), [name])
            if found is None:
                return None
            (_, world_columns, journal_columns), counters = found
            world = World(transaction, world_columns, self._assumed(world_columns["assume"]))
            limit = MAX_UNIDENTIFIED if name == UNIDENTIFIED else self.defaults.journal_limit
            explain = self._explain(world_columns["assume"])
            journal = Journal(transaction, journal_columns, counters, limit, explain)
        self._last_used[name] = monotonic()
        return OpenSandbox(name, world, journal, world.clock.read_ms(), kept)

    def _require(self, transaction: Transaction, name: str) -> OpenSandbox:
        opened = self._find(transaction, name)
        if opened is None:
            raise NotFound(f"There is no sandbox {quoted(name)}; there are: {listing(_names(transaction))}")
        return opened


def actor(world: World, caller: Caller) -> str:
    """The id of the user as whom the caller acts; Unauthorized when the world has no such active user."""
    for id, user in world.people(User).items():
        if user["active"] and caller.user_id in (None, id):
            return id
    raise Unauthorized


def furnish(world: World, source: World, defaults: SandboxDefaults) -> None:
    """Fill an empty world with the contents of another one; times relative to a clock are those of its own."""
    now_ms = world.clock.read_ms()
    if defaults.document_at and source.number == defaults.template and now_ms != source.clock.read_ms():
        state.fill(world, defaults.document_at(now_ms))
    else:
        world.copy_rows(source, DATA)


def _opened(name: str) -> Query:
    """The rows of a sandbox, its world and its journal, and the counters of its newest entry."""
    last = Entry.alias()
    newest = last.select(fn.MAX(last.id)).where(last.journal == Sandbox.journal)
    return (
        Sandbox.select(*_OPENED, *COUNTERS)
        .join_from(Sandbox, WorldRow, on=WorldRow.id == Sandbox.world)
        .join_from(Sandbox, JournalRow, on=JournalRow.id == Sandbox.journal)
        .join_from(Sandbox, Entry, JOIN.LEFT_OUTER, on=(Entry.journal == Sandbox.journal) & (Entry.id == newest))
        .where(Sandbox.name == name)
    )


def _names(transaction: Transaction, *conditions: Any) -> list[str]:
    named = Sandbox.select(Sandbox.name).where(Sandbox.name != UNIDENTIFIED, *conditions).order_by(Sandbox.name)
    return [row["name"] for row in transaction.rows(named)]


def listing(names: Iterable[str]) -> str:
    """Names for a message: the first `MAX_NAMES`, and the number of others."""
    shown = list(names)
    more = f" and {len(shown) - MAX_NAMES} more" if len(shown) > MAX_NAMES else ""
    return (", ".join(shown[:MAX_NAMES]) or "none") + more
