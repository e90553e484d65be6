"""The notifications of other processes: one connection listens, in one thread."""

from __future__ import annotations

import contextlib
import json
import logging
import selectors
import socket
import threading
from collections.abc import Callable, Iterator

import psycopg

from mockserver.clock import monotonic
from mockserver.store.postgres import schema
from mockserver.store.postgres.locks import Locks
from mockserver.store.postgres.schema import Connection
from mockserver.store.transactions import Notification

Handler = Callable[[str, Notification | None], None]

_TICK_S = 1.0
_log = logging.getLogger("mockserver")


class Listener:
    """Calls `handle` for each notification, and `tick` once a second, until it is closed.

    It owns `connection`, which also shows that the process runs, and opens another one when that breaks. The
    process also receives what it sends to all others, knows it by its `origin`, and drops it.
    """

    def __init__(self, connect: Callable[[], Connection], connection: Connection, locks: Locks, origin: str) -> None:
        self._connect = connect
        self._connection: Connection | None = connection
        self._locks = locks
        self._origin = origin
        self._ended = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._thread: threading.Thread | None = None

    def start(self, handle: Handler, tick: Callable[[], None]) -> None:
        """Listen from now on."""
        if self._connection:
            self._listen(self._connection)
        self._thread = threading.Thread(target=self._run, args=(handle, tick), name="mockserver-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, and close the connection."""
        self._ended.set()
        self._waker.send(b"x")
        if self._thread:
            self._thread.join()
        if self._connection:
            self._connection.close()
        self._woken.close()
        self._waker.close()

    def _listen(self, connection: Connection) -> None:
        connection.execute(f'LISTEN "{self._locks.channel}"'.encode())

    def _run(self, handle: Handler, tick: Callable[[], None]) -> None:
        next_tick = monotonic() + _TICK_S
        while not self._ended.is_set():
            try:
                if self._connection is None:
                    self._connection = self._opened_again()
                    handle("", None)
                for notification in self._notifications(self._connection, next_tick - monotonic()):
                    self._pass_on(notification, handle)
                if monotonic() >= next_tick:
                    next_tick = monotonic() + _TICK_S
                    tick()
            except psycopg.Error as error:
                self._lost(error)
            except Exception:
                _log.exception("A notification from another process could not be handled")

    def _notifications(self, connection: Connection, seconds: float) -> Iterator[str]:
        """The notifications that there are, or that come in that time."""
        with selectors.DefaultSelector() as selector:
            selector.register(connection.pgconn.socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            selector.select(max(0.0, seconds))
        connection.pgconn.consume_input()
        while notification := connection.pgconn.notifies():
            yield notification.extra.decode()

    def _pass_on(self, text: str, handle: Handler) -> None:
        """Call `handle` for a notification, unless this process sent it to the others."""
        received = json.loads(text)
        if not received.get("others") or received["origin"] != self._origin:
            handle(received["sandbox"], received["notification"])

    def _opened_again(self) -> Connection:
        connection = self._connect()
        try:
            schema.hold(connection, self._locks)
            self._listen(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _lost(self, error: psycopg.Error) -> None:
        """Close the broken connection; the next try comes after a rest."""
        if self._connection:
            _log.warning("The connection that listens to other processes broke: %s", " ".join(str(error).split()))
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
        self._connection = None
        self._ended.wait(_TICK_S / 4)
