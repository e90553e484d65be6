"""The store in a PostgreSQL database."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

import psycopg

from mockserver.formats.ids import random_name
from mockserver.store.postgres import schema
from mockserver.store.postgres.connections import Connector, LocalLocks, Sessions
from mockserver.store.postgres.failures import KEY_IN_USE, READ_ONLY, translated
from mockserver.store.postgres.listener import Listener
from mockserver.store.postgres.locks import Locks
from mockserver.store.postgres.transactions import LOCK, PostgresTransaction, Shared, notify_statement, payload
from mockserver.store.transactions import Conflict, Notification, Peers, Store, UnusableDatabase, WouldWrite

_WATCH = (
    "INSERT INTO sharing (sandbox, watched_until_ms) "
    "SELECT name, now_ms() + 60000 FROM unnest(string_to_array(%s, ',')) AS watched (name) "
    "ON CONFLICT (sandbox) DO UPDATE SET watched_until_ms = EXCLUDED.watched_until_ms"
)
_MARK_USED = (
    "INSERT INTO sharing (sandbox, used_ms) SELECT name, now_ms() FROM unnest(string_to_array(%s, ',')) AS used (name) "
    "ON CONFLICT (sandbox) DO UPDATE SET used_ms = EXCLUDED.used_ms"
)
_FORGET = (
    "DELETE FROM sharing WHERE sandbox IN (SELECT sandbox FROM sharing WHERE watched_until_ms < now_ms() "
    "AND sandbox NOT IN (SELECT name FROM sandbox) FOR UPDATE SKIP LOCKED)"
)
_NOTIFY_OTHERS = "SELECT pg_notify(%s, %s)"


def open_store(url: str, settings: Mapping[str, str], durable: bool = False) -> Store:
    """Open the database at a URL, for a process with these settings.

    Raises UnusableDatabase for a server that does not answer, tables of another program or schema version, and settings
    that differ from those of other processes.
    """
    connector = Connector(url, durable)
    try:
        connection = connector.connect()
        try:
            locks = Locks(schema.schema_of(connection))
            schema.prepare(connection, locks, settings)
        except BaseException:
            connection.close()
            raise
    except psycopg.Error as error:
        raise UnusableDatabase(f"{connector.shown}: {' '.join(str(error).split())}") from None
    except UnusableDatabase as error:
        raise UnusableDatabase(f"{connector.shown}: {error}") from None
    return PostgresStore(connector, connection, locks)


class PostgresStore:
    """An open database. Each writer of a sandbox holds its lock; readers hold none."""

    peers: Peers | None

    def __init__(self, connector: Connector, connection: schema.Connection, locks: Locks) -> None:
        self._connector = connector
        self._shared = Shared(locks, locks.channel, random_name(), OrderedDict())
        self._sessions = Sessions(self._connect)
        self._local_locks = LocalLocks()
        self._listener = Listener(connector.connect, connection, locks, self._shared.origin)
        self.peers = self

    def _connect(self) -> schema.Connection:
        """Open a connection, and forget the people: a server that has crashed may give their world's number again."""
        connection = self._connector.connect()
        self._shared.people.clear()
        return connection

    @contextlib.contextmanager
    def write(self, name: str = "/", optimistic: bool = False) -> Iterator[PostgresTransaction]:
        """A transaction that may write: commits at the end of the block, or rolls back when the block raises.

        It holds the lock of `name`. An `optimistic` one does not wait to learn if new keys are free. Raises
        StorageFull, and keeps nothing of the block, when storage is full; StoreUnavailable when the database does not
        answer, or the lock is not free in time; Conflict when an optimistic one was wrong.
        """
        own = {KEY_IN_USE: Conflict} if optimistic else {}
        with self._errors(own), self._local_locks.hold(name), self._open(name, optimistic) as transaction:
            yield transaction

    @contextlib.contextmanager
    def read(self) -> Iterator[PostgresTransaction]:
        """A transaction that reads a consistent snapshot of the store and waits for no writer."""
        with self._errors(), self._open() as transaction:
            yield transaction

    @contextlib.contextmanager
    def look(self) -> Iterator[PostgresTransaction]:
        """As `read`, for a block that may try to write: raises WouldWrite then, and writes nothing."""
        with self._errors({READ_ONLY: WouldWrite}), self._open() as transaction:
            yield transaction

    @contextlib.contextmanager
    def _open(self, name: str | None = None, optimistic: bool = False) -> Iterator[PostgresTransaction]:
        with self._sessions.session() as session:
            transaction = PostgresTransaction(session, self._shared, name, optimistic)
            try:
                yield transaction
                (session.end_reading if name is None else session.commit)()
            except BaseException:
                with contextlib.suppress(psycopg.Error):
                    session.roll_back()
                raise

    def listen(self, handle: Callable[[str, Notification | None], None], tick: Callable[[], None]) -> None:
        """Call `handle` for each notification, in the order of commits, and `tick` once a second, all in one thread."""
        self._listener.start(handle, tick)

    def notify(self, sandbox: str, notification: Notification) -> None:
        """Send a notification to the processes that watch a sandbox."""
        self._do(notify_statement(self._shared, sandbox, notification))

    def notify_others(self, sandbox: str, notification: Notification) -> None:
        """Send a notification to all other processes, whether they watch the sandbox or not."""
        text = payload(self._shared, sandbox, notification, others=True)
        self._do((_NOTIFY_OTHERS, (self._shared.channel, text)))

    def watch(self, sandbox: str) -> None:
        """Have notifications about a sandbox sent for a minute, also by all transactions that end from now on."""
        self._do((LOCK, (self._shared.locks.key(sandbox),)), (_WATCH, (sandbox,)))

    def renew_watches(self, sandboxes: Collection[str]) -> None:
        """Have notifications sent for a minute more; waits for nobody who writes to the sandboxes."""
        self._do((_WATCH, (",".join(sandboxes),)))

    def mark_used(self, sandboxes: Collection[str]) -> None:
        """Record that sandboxes were used just now, and forget what is known of those that are gone."""
        self._do((_MARK_USED, (",".join(sandboxes),)))
        self._do((_FORGET, ()))

    def _do(self, *statements: tuple[str, tuple[str | int, ...]]) -> None:
        """Run statements in one transaction, which may be run again when the connection breaks."""
        with self._errors(), self._sessions.session() as session:
            session.begin(*statements[:-1])
            session.ask(*statements[-1])

    @contextlib.contextmanager
    def _errors(self, own: Mapping[str, Callable[[], Exception]] = MappingProxyType({})) -> Iterator[None]:
        """Translate the errors of psycopg in the block; `own` has those for some of PostgreSQL's codes."""
        try:
            yield
        except psycopg.Error as error:
            made = own.get(error.sqlstate or "")
            raise made() if made else translated(error, self._connector.shown) from error

    def close(self) -> None:
        """Close all connections."""
        self._listener.close()
        self._sessions.close()
