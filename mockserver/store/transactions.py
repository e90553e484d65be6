"""What a store offers, whichever it is: transactions, and the ways in which they fail."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from mockserver.errors import InsufficientStorage
from mockserver.store.statements import Statements


class Transaction(Protocol):
    """An open transaction: runs queries against its own store, whatever store the process has beside it.

    `memory` is what the writer's last transactions left for the next: a rollback empties it.
    """

    memory: dict[str, Any]
    statements: Statements

    def run(self, query: Any) -> Any:
        """Execute a peewee query; what comes back is the query's own kind (rows, an id, a count)."""

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """All rows of a peewee select, as dictionaries."""

    def commit(self) -> None:
        """Make what was written so far permanent, and go on under the same lock."""


class Store(Protocol):
    """An open database file, or a temporary one that goes when the store closes.

    Raises UnusableDatabase for a file that is not this project's, is newer than this version, cannot be
    opened, or is in use by another process.
    """

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that may write: it commits at the end of the block, or rolls back when that raises.

        Raises StorageFull, and keeps nothing of the block, when there is no room for what it writes.
        """

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that sees one moment of the store and waits for no writer."""

    def look(self) -> AbstractContextManager[Transaction]:
        """As `read`, for what may turn out to write: WouldWrite is raised then, and nothing is written."""

    def close(self) -> None:
        """Give the file back; a temporary one is removed."""


class UnusableDatabase(Exception):
    """The file cannot be used; the message says why. It was not touched."""


class StorageFull(InsufficientStorage):
    """The file at `path` cannot be written any more, because of `cause`; what it has, it keeps."""

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(
            f"There is no room to write to {path}: {cause}. Free space on its disk, or start with another --database"
        )


class WouldWrite(Exception):
    """What was only to look wanted to write."""
