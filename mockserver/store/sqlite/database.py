"""The SQLite file: its ownership, its connections, its transactions.

One process owns a file. Writes are serialized by one lock, because SQLite has one writer and a queue here is fairer
and faster than its busy handler; and by one connection, whose page cache stays valid, where another connection would
read the written pages again. Each reading thread keeps a connection, and reads a consistent snapshot of the file
(write-ahead log). Code outside this package does not depend on SQLite.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peewee import SchemaManager, SqliteDatabase

from mockserver.store.models import APPLICATION_ID, SCHEMA_VERSION, TABLES
from mockserver.store.sqlite import error_codes, temporary
from mockserver.store.sqlite.error_codes import DATABASE_ERRORS
from mockserver.store.sqlite.temporary import Owner
from mockserver.store.statements import Statements
from mockserver.store.transactions import StorageFull, UnusableDatabase, WouldWrite


class Connections(SqliteDatabase):
    """A peewee database that can close the connections of all its threads, or the one that they share.

    Unless `durable`, no write waits for the disk: it may be lost when the machine fails.
    """

    def __init__(self, path: Path, *, durable: bool, shared: bool) -> None:
        self._opened: list[sqlite3.Connection] = []
        self.statements = Statements(self)
        pragmas = {
            "journal_mode": "wal",
            "synchronous": "normal" if durable else "off",
            "temp_store": "memory",
            "busy_timeout": 2000,
        }
        super().__init__(str(path), pragmas=pragmas, check_same_thread=False, thread_safe=not shared)

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._connect()  # type: ignore[misc]
        self._opened.append(connection)
        return connection

    def begin(self, lock_type: str | None = None) -> None:
        """Begin a transaction on SQLite's own connection: peewee's bookkeeping is slower than most statements."""
        self.connection().execute(f"BEGIN {lock_type or 'IMMEDIATE'}")  # type: ignore[no-untyped-call]

    def commit(self) -> None:
        """Commit the transaction."""
        self.connection().execute("COMMIT")  # type: ignore[no-untyped-call]

    def rollback(self) -> None:
        """Roll back the transaction, unless SQLite has done so itself."""
        self.connection().rollback()  # type: ignore[no-untyped-call]

    def pragma_now(self, text: str) -> None:
        """Run a PRAGMA on this thread's connection, or the shared one."""
        self.execute_sql(f"PRAGMA {text}")  # type: ignore[no-untyped-call]

    def close_all(self) -> None:
        """Close every thread's connection; no thread may be using one."""
        self.close()
        while self._opened:
            self._opened.pop().close()


class SqliteTransaction:
    """An open transaction; its queries run on its own store, also when the process has several.

    `memory` is a cache that a writing transaction leaves to the next one; a rollback empties it.
    """

    def __init__(self, database: Connections) -> None:
        self.memory: dict[str, Any] = {}
        self._database = database
        self.statements = database.statements

    def run(self, query: Any) -> Any:
        """Execute a peewee query; the result depends on its kind (rows, an id, a count)."""
        return query.execute(self._database)

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """All rows of a peewee select, as dictionaries."""
        return list(query.dicts().execute(self._database))

    def commit(self) -> None:
        """Commit what was written so far, and continue under the same lock."""
        self._database.commit()
        self._database.begin()


class SqliteStore:
    """An open database file, or a temporary one that is deleted when the store closes.

    Raises UnusableDatabase for a file of another program or schema version, one that cannot be opened, and one that is
    in use by another process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._temporary = path is None
        self.path = _temporary_path() if path is None else path.resolve()
        self._lock = threading.Lock()
        self._owner = Owner(self.path)
        _check(self.path)
        self._own()
        self._writer = Connections(self.path, durable=not self._temporary, shared=True)
        self._writing = SqliteTransaction(self._writer)
        self._readers = Connections(self.path, durable=not self._temporary, shared=False)
        try:
            temporary.mark(self.path, self._temporary)
            temporary.clear_up()
            with error_codes.raise_storage_full(self.path):
                _claim(self.path)
            self._prepare()
        except (OSError, StorageFull, *DATABASE_ERRORS) as error:
            self.close()
            reason = error.message if isinstance(error, StorageFull) else f"{self.path}: {error}"
            raise UnusableDatabase(reason) from error

    @contextlib.contextmanager
    def write(self) -> Iterator[SqliteTransaction]:
        """A transaction that may write: commits at the end of the block, or rolls back when the block raises.

        Raises StorageFull, and keeps nothing of the block, when storage is full.
        """
        with self._lock:
            try:
                with error_codes.raise_storage_full(self.path):
                    self._writer.begin()
                    try:
                        yield self._writing
                        self._writer.commit()
                    except BaseException:
                        self._writing.memory.clear()
                        self._writer.rollback()
                        raise
            except StorageFull:
                self._checkpoint()
                raise

    @contextlib.contextmanager
    def read(self) -> Iterator[SqliteTransaction]:
        """A transaction that reads a consistent snapshot of the store and waits for no writer."""
        with self._readers.transaction("DEFERRED"):
            yield SqliteTransaction(self._readers)

    @contextlib.contextmanager
    def look(self) -> Iterator[SqliteTransaction]:
        """As `read`, for a block that may try to write: raises WouldWrite then, and writes nothing."""
        self._readers.pragma_now("query_only = 1")
        try:
            with self.read() as transaction:
                yield transaction
        except DATABASE_ERRORS as error:
            if error_codes.is_read_only(error):
                raise WouldWrite from None
            raise
        finally:
            self._readers.pragma_now("query_only = 0")

    def close(self) -> None:
        """Release the file; a temporary one is deleted."""
        self._readers.close_all()
        self._writer.close_all()
        if self._temporary:
            temporary.remove(self.path, self._owner)
        else:
            self._owner.release()

    def _checkpoint(self) -> None:
        """Copy the write-ahead log into the database, so that the log can be written from its start again.

        This takes disk space only for new pages, so it may free all that was missing.
        """
        with contextlib.suppress(*DATABASE_ERRORS):
            self._writer.pragma_now("wal_checkpoint(PASSIVE)")

    def _own(self) -> None:
        try:
            taken = self._owner.take()
        except OSError as error:
            raise UnusableDatabase(f"{self.path}: {error.strerror or error}") from None
        except sqlite3.Error as error:
            raise UnusableDatabase(f"{self._owner.file}: {error}") from None
        if not taken:
            raise UnusableDatabase(f"{self.path} is in use by another vambe-mock")

    def _prepare(self) -> None:
        with self.write():
            for model in TABLES:
                SchemaManager(model, self._writer).create_all(safe=True)


def _temporary_path() -> Path:
    try:
        return temporary.new_path()
    except OSError as error:
        raise UnusableDatabase(f"no folder for temporary files: {error.strerror}") from None


def _claim(path: Path) -> None:
    """Mark a new file as this project's in its header, before the write-ahead log is on, which may hold the change."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            connection.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT"
            )


def _check(path: Path) -> None:
    """Refuse a file of another program or version. Reads only the header: SQLite would leave files beside it."""
    try:
        if not path.exists():
            _check_folder(path)
            return
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise UnusableDatabase(f"{path}: {error.strerror}") from None
    if not header:
        return
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise UnusableDatabase(f"{path} is not a database")
    version, application = (int.from_bytes(header[at : at + 4], "big") for at in (60, 68))
    if application != APPLICATION_ID:
        raise UnusableDatabase(f"{path} is the database of another program")
    if version != SCHEMA_VERSION:
        raise UnusableDatabase(
            f"{path} has schema version {version}; this version of vambe-mock reads {SCHEMA_VERSION} only: "
            "delete it or choose another --database; the version that made it exports what it holds, by "
            "GET /__admin/state?sandbox=NAME"
        )


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise UnusableDatabase(f"{path}: the folder {path.parent} does not exist")
