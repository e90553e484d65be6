"""Transactions in PostgreSQL."""

from __future__ import annotations

import contextlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, NamedTuple

from mockserver.store.postgres.locks import Locks
from mockserver.store.postgres.session import Session, dictionaries
from mockserver.store.postgres.statements import PostgresStatements, text_of
from mockserver.store.statements import Statements
from mockserver.store.transactions import Notification

MAX_PEOPLE = 1000  # worlds whose people are cached

LOCK = "SELECT pg_advisory_xact_lock(%s)"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
# Session locks in this database, as one number: see `pg_locks` in the manual.
_LOCKED = (
    "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 "
    "AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_UNUSED_S = "SELECT sandbox, CASE WHEN watched_until_ms > now_ms() THEN 0 ELSE now_ms() - used_ms END FROM sharing"
_NOTIFY = "SELECT pg_notify(%s, %s) FROM sharing WHERE sandbox = %s AND watched_until_ms > now_ms()"


class Shared(NamedTuple):
    """Data of a store that its transactions use: its locks, the channel of its notifications, and who sends them."""

    locks: Locks
    channel: str
    origin: str
    people: OrderedDict[int, dict[Any, Any]]


class PostgresTransaction:
    """An open transaction; `name` is that of the lock that it holds, None where it only reads."""

    def __init__(self, session: Session, shared: Shared, name: str | None = None, optimistic: bool = False) -> None:
        self.memory: dict[str, Any] = {}
        self.statements: Statements = PostgresStatements(session, optimistic)
        self._session = session
        self._shared = shared
        self._name = name
        self._begin()

    def _begin(self) -> None:
        if self._name is None:
            self._session.begin(("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ()))
        else:
            self._session.begin(("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", ()), (LOCK, self._key(self._name)))

    def _key(self, name: str) -> tuple[int]:
        return (self._shared.locks.key(name),)

    def run(self, query: Any) -> Any:
        """Execute a peewee query; returns a result as a cursor has it."""
        return self._session.ask(*text_of(query))

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """All rows of a peewee select, as dictionaries."""
        return list(dictionaries(self.run(query)))

    def commit(self) -> None:
        """Commit what was written so far, and continue; another process may write in between."""
        self._session.commit()
        self._begin()

    def people(self, world: int) -> MutableMapping[Any, Any]:
        """A cache for the people of a world, which all transactions of the process share."""
        people = self._shared.people
        found = people.setdefault(world, {})
        if len(people) > MAX_PEOPLE:
            with contextlib.suppress(KeyError):  # another thread has just cleared it
                people.popitem(last=False)
        return found

    def lock(self, name: str) -> None:
        """Wait for the lock of that name, which is held until the transaction ends."""
        self._session.later(LOCK, self._key(name))

    def try_lock(self, name: str) -> bool:
        """As `lock`, without waiting: False when another process holds it."""
        return bool(self._ask(_TRY_LOCK, self._key(name)))

    def now_ms(self) -> int:
        """The time of the database, in milliseconds since 1970."""
        return int(self._ask("SELECT now_ms()"))

    def running(self) -> Callable[[str], bool]:
        """A test if the process of that `RUN` is running: it holds a lock by that name."""
        held = {key for (key,) in self._session.ask(_LOCKED)}
        return lambda run: self._shared.locks.of_run(run) in held

    def unused_s(self) -> Mapping[str, float]:
        """The seconds since a process used each sandbox; 0 while one watches it."""
        return {name: unused_ms / 1000 for name, unused_ms in self._session.ask(_UNUSED_S)}

    def notify(self, sandbox: str, journal: int, entry: int | None, concluded: bool) -> None:
        """Notify the processes that watch a sandbox of an entry in its journal, if the transaction commits."""
        notification = {"journal": journal, "entry": entry, "concluded": concluded}
        self._session.later(*notify_statement(self._shared, sandbox, notification))

    def _ask(self, text: str, values: tuple[Any, ...] = ()) -> Any:
        (value,) = self._session.ask(text, values).fetchone() or (None,)
        return value


def notify_statement(shared: Shared, sandbox: str, notification: Notification) -> tuple[str, tuple[str, str, str]]:
    """The statement that sends a notification to the processes that watch a sandbox."""
    return _NOTIFY, (shared.channel, payload(shared, sandbox, notification), sandbox)


def payload(shared: Shared, sandbox: str, notification: Notification, others: bool = False) -> str:
    """A notification's text, to all processes or to the others: it has ids only, and so less than 8,000 bytes."""
    return json.dumps({"sandbox": sandbox, "origin": shared.origin, "others": others, "notification": notification})
