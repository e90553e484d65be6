"""SQLite stores: one in memory, and one in a file that a single process owns.

Writes are serialized by one lock, because SQLite has one writer and a queue here is fairer and faster than its busy
handler; and by one connection, whose page cache stays valid, where another connection would read the written pages
again. Code outside this package does not depend on SQLite.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from mockserver.clock import real_ms
from mockserver.store.models import TABLES
from mockserver.store.orm import SchemaManager, SqliteDatabase
from mockserver.store.sqlite import error_codes, files
from mockserver.store.sqlite.error_codes import DATABASE_ERRORS
from mockserver.store.statements import Statements
from mockserver.store.transactions import RUN, Peers, StorageFull, Store, UnusableDatabase, WouldWrite

MAX_MEMORY_MB = 1024

_PAGE = 4096  # bytes
_IN_MEMORY = {
    "journal_mode": "memory",
    "temp_store": "memory",  # or SQLite sorts what is large in a temporary file
    "secure_delete": 0,  # Debian's SQLite overwrites what is deleted
    "page_size": _PAGE,
    "max_page_count": (MAX_MEMORY_MB << 20) // _PAGE,
}
_IN_A_FILE = {"journal_mode": "wal", "temp_store": "memory", "synchronous": "normal", "busy_timeout": 2000}


def open_store(path: Path | None = None, durable: bool = False) -> Store:
    """Open the database file at `path`, or an empty store in memory.

    With `durable`, a commit is on the disk. Raises UnusableDatabase for a file of another program or schema version,
    one that cannot be opened, and one that is in use by another process.
    """
    return FileStore(path.resolve(), durable) if path else MemoryStore()


class _Thread:
    """An object that lives as long as the thread whose local data it is in."""


class Connections(SqliteDatabase):
    """A peewee database that can close the connections of all its threads, or the one that they share.

    The connection of a thread is closed when that thread ends.
    """

    def __init__(self, database: str, pragmas: dict[str, Any], *, shared: bool) -> None:
        self._opened: set[sqlite3.Connection] = set()
        self.statements = Statements(self)
        super().__init__(database, pragmas=pragmas, check_same_thread=False, thread_safe=not shared)

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._connect()  # type: ignore[misc]
        self._opened.add(connection)
        self._state.thread = thread = _Thread()  # type: ignore[attr-defined]
        weakref.finalize(thread, self._end, connection).atexit = False
        return connection

    def connection(self) -> sqlite3.Connection:
        """SQLite's own connection, opened when it is first needed."""
        opened: sqlite3.Connection = self._state.conn or super().connection()  # type: ignore[attr-defined, no-untyped-call]
        return opened

    def run(self, statement: str) -> None:
        """Run a statement on SQLite's own connection, without peewee's bookkeeping."""
        self.connection().execute(statement)

    def close_all(self) -> None:
        """Close every thread's connection; no thread may be using one."""
        self.close()
        for connection in list(self._opened):
            self._end(connection)

    def _end(self, connection: sqlite3.Connection) -> None:
        self._opened.discard(connection)
        connection.close()


class SqliteTransaction:
    """An open transaction; its queries run on its own store, also when the process has several.

    `memory` is a cache that a writing transaction leaves to the next one; a rollback empties it.
    """

    def __init__(self, database: Connections) -> None:
        self.memory: dict[str, Any] = {}
        self.database = database
        self.statements = database.statements

    def run(self, query: Any) -> Any:
        """Execute a peewee query; the result depends on its kind (rows, an id, a count)."""
        return query.execute(self.database)

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """All rows of a peewee select, as dictionaries."""
        return list(query.dicts().execute(self.database))

    def commit(self) -> None:
        """Commit what was written so far, and continue under the same lock."""
        self.database.run("COMMIT")
        self.database.run("BEGIN IMMEDIATE")

    def people(self, world: int) -> dict[Any, Any]:
        """A new cache: the world is cached itself."""
        return {}

    def lock(self, name: str) -> None:
        """Do nothing: no other writer runs."""

    def try_lock(self, name: str) -> bool:
        """Return True: no other writer runs."""
        return True

    def now_ms(self) -> int:
        """The machine's time in milliseconds since 1970."""
        return real_ms()

    def running(self) -> Callable[[str], bool]:
        """A test for this process: no other one uses the store."""
        return RUN.__eq__

    def unused_s(self) -> Mapping[str, float]:
        """Empty: no other process uses the store."""
        return {}

    def notify(self, sandbox: str, journal: int, entry: int | None, concluded: bool) -> None:
        """Do nothing: no other process uses the store."""


class _Writing:
    """The block of a writer, for one thread at a time."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._database = store.writer
        self._lock = store.lock
        self._transaction = SqliteTransaction(store.writer)

    def __enter__(self) -> SqliteTransaction:
        self._lock.acquire()
        try:
            self._database.run("BEGIN IMMEDIATE")
        except BaseException as error:
            self._fail(error)
        return self._transaction

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            self._fail(error)
        try:
            self._database.run("COMMIT")
        except BaseException as failed:
            self._fail(failed)
        self._lock.release()

    def _fail(self, error: BaseException) -> NoReturn:
        """Roll back, release the lock, and raise the error, or StorageFull when that is what it says."""
        try:
            self._transaction.memory.clear()
            self._database.connection().rollback()  # SQLite may have done so
            raise error
        except DATABASE_ERRORS as raised:
            self._store.refuse_when_full(raised)
            raise
        finally:
            self._lock.release()


class MemoryStore:
    """A store in memory. All threads share the connection of `writer`, so a read holds the lock like a write."""

    peers: Peers | None = None

    def __init__(self) -> None:
        self._open(Connections(":memory:", _IN_MEMORY, shared=True))

    def _open(self, writer: Connections) -> None:
        self.lock = threading.Lock()
        self.writer = writer
        self._writing = _Writing(self)
        with self.write():
            for model in TABLES:
                SchemaManager(model, writer).create_all(safe=True)

    def write(self, name: str = "", optimistic: bool = False) -> contextlib.AbstractContextManager[SqliteTransaction]:
        """A transaction that may write: commits at the end of the block, or rolls back when the block raises.

        Writers run one at a time, whatever name they give, and none is optimistic. Raises StorageFull, and keeps
        nothing of the block, when storage is full.
        """
        return self._writing

    def refuse_when_full(self, error: Exception) -> None:
        """Raise StorageFull if an error says that there is no room to write, and make some for the next time."""
        if cause := error_codes.no_room(error):
            self._make_room()
            raise self._full(cause) from error

    @contextlib.contextmanager
    def read(self) -> Iterator[SqliteTransaction]:
        """A transaction that reads a consistent snapshot of the store.

        The block should only fetch: while it runs, nothing else may read or write a store in memory.
        """
        with self.lock:
            yield SqliteTransaction(self.writer)

    @contextlib.contextmanager
    def look(self) -> Iterator[SqliteTransaction]:
        """As `read`, for a block that may try to write: raises WouldWrite then, and writes nothing."""
        with self.read() as transaction:
            connection = transaction.database
            connection.run("PRAGMA query_only = 1")
            try:
                yield transaction
            except DATABASE_ERRORS as error:
                if error_codes.is_read_only(error):
                    raise WouldWrite from None
                raise
            finally:
                connection.run("PRAGMA query_only = 0")

    def close(self) -> None:
        """Release the store's memory."""
        self.writer.close_all()

    def _full(self, cause: str) -> StorageFull:
        return StorageFull(
            f"There is no room to write: the sandboxes hold {MAX_MEMORY_MB} MiB, as much as is kept in memory "
            f"({cause}). Delete or reset some, or start with --database"
        )

    def _make_room(self) -> None:
        """Free what the next write may need; memory has nothing to free."""


class FileStore(MemoryStore):
    """A store in a database file. Each reading thread has a connection of its own, and waits for no writer."""

    def __init__(self, path: Path, durable: bool = False) -> None:
        self.path = path
        pragmas = {**_IN_A_FILE, "synchronous": "full"} if durable else _IN_A_FILE
        files.check(path)
        self._owner = files.own(path)
        self._readers = Connections(str(path), pragmas, shared=False)
        self.writer = Connections(str(path), pragmas, shared=True)
        try:
            files.claim(path)
            self._open(self.writer)
        except StorageFull as full:
            self.close()
            raise UnusableDatabase(full.message) from full
        except (OSError, *DATABASE_ERRORS) as error:
            self.close()
            cause = error_codes.no_room(error)
            raise UnusableDatabase(self._full(cause).message if cause else files.reason(path, path, error)) from error

    @contextlib.contextmanager
    def read(self) -> Iterator[SqliteTransaction]:
        """A transaction that reads a consistent snapshot of the store and waits for no writer."""
        with self._readers.transaction("DEFERRED"):
            yield SqliteTransaction(self._readers)

    def close(self) -> None:
        """Release the file."""
        self._readers.close_all()
        self.writer.close_all()
        self._owner.close()

    def _full(self, cause: str) -> StorageFull:
        return StorageFull(
            f"There is no room to write to {self.path}: {cause}. Free space on its disk, or start with another "
            "--database"
        )

    def _make_room(self) -> None:
        """Copy the write-ahead log into the database, so that the log can be written from its start again.

        This takes disk space only for new pages, so it may free all that was missing.
        """
        with contextlib.suppress(*DATABASE_ERRORS):
            self.writer.run("PRAGMA wal_checkpoint(PASSIVE)")
