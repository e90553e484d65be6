"""The interface of every store: transactions, the processes that share a store, and the errors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from mockserver.errors import InsufficientStorage, ServiceUnavailable
from mockserver.formats.ids import random_name
from mockserver.store.statements import Statements

RUN = random_name()  # names this process in its pending entries, which are abandoned when it ends

Notification = dict[str, Any]


class Transaction(Protocol):
    """An open transaction; its queries run on its own store, also when the process has several.

    `memory` is a cache that a writing transaction leaves to the next one; a rollback empties it. Where several
    processes write, it is empty.
    """

    memory: dict[str, Any]
    statements: Statements

    def run(self, query: Any) -> Any:
        """Execute a peewee query; the result depends on its kind (rows, an id, a count)."""

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """All rows of a peewee select, as dictionaries."""

    def commit(self) -> None:
        """Commit what was written so far, and continue; another process may write in between."""

    def people(self, world: int) -> MutableMapping[Any, Any]:
        """A cache for the people of a world, who change only when another world replaces it."""

    def lock(self, name: str) -> None:
        """Wait for the lock of that name, which is held until the transaction ends."""

    def try_lock(self, name: str) -> bool:
        """As `lock`, without waiting: False when another process holds it."""

    def now_ms(self) -> int:
        """The real time, in milliseconds since 1970, the same for all processes that share the store."""

    def running(self) -> Callable[[str], bool]:
        """A test if the process of that `RUN` is running, which may be used after the transaction."""

    def unused_s(self) -> Mapping[str, float]:
        """The seconds since a process used each sandbox, as far as the store knows; 0 while one watches it."""

    def notify(self, sandbox: str, journal: int, entry: int | None, concluded: bool) -> None:
        """Notify the processes that watch a sandbox of an entry in its journal, if the transaction commits."""


class Peers(Protocol):
    """The processes that share a store, this one included."""

    def listen(self, handle: Callable[[str, Notification | None], None], tick: Callable[[], None]) -> None:
        """Call `handle` for each notification, in the order of commits, and `tick` once a second, all in one thread.

        The notification is None, and the sandbox empty, when notifications may have been missed.
        """

    def notify(self, sandbox: str, notification: Notification) -> None:
        """Send a notification to the processes that watch a sandbox."""

    def notify_others(self, sandbox: str, notification: Notification) -> None:
        """Send a notification to all other processes, whether they watch the sandbox or not."""

    def watch(self, sandbox: str) -> None:
        """Have notifications about a sandbox sent for a minute, also by all transactions that end from now on."""

    def renew_watches(self, sandboxes: Collection[str]) -> None:
        """Have notifications about sandboxes that are watched sent for a minute more."""

    def mark_used(self, sandboxes: Collection[str]) -> None:
        """Record that sandboxes were used just now."""


class Store(Protocol):
    """An open store: runs transactions until it is closed.

    Writers of one name run one at a time. `peers` is None where no other process can use the store.
    """

    peers: Peers | None

    def write(self, name: str = ..., optimistic: bool = ...) -> AbstractContextManager[Transaction]:
        """A transaction that may write: commits at the end of the block, or rolls back when the block raises.

        `name` is that of the sandbox that it writes to. An `optimistic` one may assume that new keys are free, and
        raise Conflict if one is not: then the block has to run again, in one that is not optimistic. Raises
        StorageFull, and keeps nothing of the block, when storage is full; StoreUnavailable when a store outside the
        process does not answer.
        """

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that reads a consistent snapshot of the store.

        The block should only fetch: while it runs, a store in memory serves nobody else.
        """

    def look(self) -> AbstractContextManager[Transaction]:
        """As `read`, for a block that may try to write: raises WouldWrite then, and writes nothing."""

    def close(self) -> None:
        """Release the store's resources; a store in memory is gone."""


class UnusableDatabase(Exception):
    """The database cannot be used, for the reason in the message, and was not changed."""


class StorageFull(InsufficientStorage):
    """The store has no room for a write; its contents are intact."""


class StoreUnavailable(ServiceUnavailable):
    """The database does not answer, or not in time; the message says which."""


class Conflict(Exception):
    """An optimistic transaction failed, and changed nothing: it has to run again in one that is not."""


class WouldWrite(Exception):
    """A block under `look` tried to write."""
