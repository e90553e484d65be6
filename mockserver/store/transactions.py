"""The interface of every store: transactions, and the errors that they raise."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from mockserver.errors import InsufficientStorage
from mockserver.store.statements import Statements


class Transaction(Protocol):
    """An open transaction; its queries run on its own store, also when the process has several.

    `memory` is a cache that a writing transaction leaves to the next one; a rollback empties it.
    """

    memory: dict[str, Any]
    statements: Statements

    def run(self, query: Any) -> Any:
        """Execute a peewee query; the result depends on its kind (rows, an id, a count)."""

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """All rows of a peewee select, as dictionaries."""

    def commit(self) -> None:
        """Commit what was written so far, and continue under the same lock."""


class Store(Protocol):
    """An open store: runs transactions, one writer at a time, until it is closed."""

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that may write: commits at the end of the block, or rolls back when the block raises.

        Raises StorageFull, and keeps nothing of the block, when storage is full.
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


class WouldWrite(Exception):
    """A block under `look` tried to write."""
