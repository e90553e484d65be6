"""Connections to the database, and the sessions that are kept for the next transaction."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from mockserver.store.postgres.session import Session
from mockserver.store.transactions import UnusableDatabase

MAX_SESSIONS = 10  # of a process, besides the one that listens
LOCK_TIMEOUT_S = 10.0  # as lock_timeout

# A connection whose other end has gone, with its machine or its network, is noticed after some seconds.
_PARAMETERS = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "vambe-mock",
}
_ENCODING = {"client_encoding": "utf8"}  # of what a session sends, whatever the URL says
_SETTINGS = {
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "5s",  # a process that hangs keeps no lock
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "client_min_messages": "error",
    "jit": "off",
}
# Without this, libpq takes the rest of a password with a plain @ or / in it for the host and the database, which are
# shown, and parameters before an @ for the user.
_URL = re.compile(r"[a-z]+://(?![^@/]*\?\w+=[^@/]*@)([^@/]*@)?[^@/?]*(/[^@?]*)?(\?.*)?", re.DOTALL)
_NO_URL = (
    "it is no URL such as postgresql://user@host:5432/database?sslmode=require: parameters are those of libpq, and "
    "in a password, the characters %, @ and / are written %25, %40 and %2F"
)


class Connector:
    """Opens connections to the database at a URL; `shown` is the URL without its password and its options."""

    def __init__(self, url: str, durable: bool) -> None:
        self._given = given = _parameters(url)
        self.shown = f"postgresql://{_address(given)}/{given.get('dbname') or ''}"
        chosen = {**_SETTINGS, "synchronous_commit": "on" if durable else "off"}
        options = str(given.get("options") or "")  # the URL's own settings take precedence
        self._settings = {name: value for name, value in chosen.items() if f"{name}=" not in options}

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection; raises psycopg.OperationalError."""
        connection = psycopg.connect(**{**_PARAMETERS, **self._given, **_ENCODING}, autocommit=True)
        settings = "; ".join(f"SET {name} = '{value}'" for name, value in self._settings.items())
        connection.execute(settings.encode(), prepare=False)
        return connection


def _parameters(url: str) -> dict[str, Any]:
    """The parameters in a URL; raises UnusableDatabase without the message of libpq, which has the password."""
    with contextlib.suppress(psycopg.ProgrammingError, UnicodeEncodeError):
        if _URL.fullmatch(url):
            return conninfo_to_dict(url)
    raise UnusableDatabase(_NO_URL)


def _address(given: dict[str, Any]) -> str:
    user, host, port = (str(given.get(name) or "") for name in ("user", "host", "port"))
    return (f"{user}@" if user else "") + host + (f":{port}" if port else "")


class Sessions:
    """At most `MAX_SESSIONS` sessions; those that are not in use are kept open."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._places = threading.BoundedSemaphore(MAX_SESSIONS)
        self._lock = threading.Lock()
        self._free: list[Session] = []
        self._closed = False

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A session for one transaction."""
        with self._places:
            with self._lock:
                session = self._free.pop() if self._free else None
            session = session or Session(self._connect)
            try:
                yield session
            finally:
                self._keep(session)

    def _keep(self, session: Session) -> None:
        with self._lock:
            if session.is_usable and not self._closed:
                self._free.append(session)
                return
        session.close()

    def close(self) -> None:
        """Close the sessions, those in use after their transactions."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for session in free:
            session.close()


class LocalLocks:
    """Locks by name for the threads of this process, so that a busy sandbox takes one session and not all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[str, list[Any]] = {}  # each with the number of threads that hold or want it

    @contextlib.contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Wait for the lock of a name, and hold it in the block; raises LockNotAvailable after `LOCK_TIMEOUT_S`.

        Otherwise a lock that another process keeps would hold up all threads, each for `lock_timeout`.
        """
        with self._lock:
            entry = self._locks.setdefault(name, [threading.Lock(), 0])
            entry[1] += 1
        try:
            if not entry[0].acquire(timeout=LOCK_TIMEOUT_S):
                raise psycopg.errors.LockNotAvailable("other threads of this process wait for it")
            try:
                yield
            finally:
                entry[0].release()
        finally:
            with self._lock:
                entry[1] -= 1
                if not entry[1]:
                    del self._locks[name]
