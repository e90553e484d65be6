"""The event loop: accepts, reads, writes and enforces timeouts."""

from __future__ import annotations

import errno
import logging
import select
import sys
import threading
from collections.abc import Callable
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from mockserver.clock import monotonic
from mockserver.server.connection import Connection
from mockserver.server.leader_followers import LeaderFollowers
from mockserver.server.limits import HEAD_BYTES, REFUSED_CONNECTIONS, UNSENT_BYTES, Timeouts, connection_limit
from mockserver.server.listening import Socket, accept
from mockserver.server.waking import Trigger, socketpair
from mockserver.server.workers import Serviceable, Workers

_logger = logging.getLogger("mockserver")
_poll = getattr(select, "poll", None)  # at import: tests of the embedding program replace it; Windows has none
_ACCEPT_PAUSE = 0.05
_ACCEPTED_AT_ONCE = 128

RefusalHeaders = Callable[[str, str | None], list[tuple[str, str]]]


def _adjustments(max_body: int) -> Adjustments:
    """The settings for waitress, which has no address to look up: the socket listens already.

    `server_name`, used without a Host header, never resolves (RFC 2606).
    """
    return Adjustments(
        ident="vambe-mock",
        listen="",
        server_name="host.invalid",
        max_request_body_size=max_body,
        max_request_header_size=HEAD_BYTES,
        recv_bytes=65_536,
        inbuf_overflow=sys.maxsize,  # in memory: a disk may be full
        outbuf_overflow=sys.maxsize,
        log_socket_errors=False,
        clear_untrusted_proxy_headers=False,
    )


class Loop(TcpWSGIServer):  # type: ignore[misc]
    """waitress's server on a socket that listens already, with a loop of its own."""

    channel_class = Connection
    refusal_headers: RefusalHeaders

    def __init__(
        self, application: object, listener: Socket, *, threads: int, max_body: int, timeouts: Timeouts
    ) -> None:
        self.timeouts = timeouts
        self.stopping = False
        self._stop_by = float("inf")
        self._tick = timeouts.tick()
        self._next_check = self._accept_from = 0.0
        self.connection_limit = connection_limit(threads)
        self._waking = threading.RLock()
        self._closed = False
        self._workers = Workers(threads)
        self._leader_followers = LeaderFollowers(threads, self._turn)
        self.add_task = self._leader_followers.add
        info = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(
            application,
            {},
            _start=False,
            _sock=listener,
            dispatcher=self._workers,
            adj=_adjustments(max_body),
            sockinfo=info,
            bind_socket=False,
        )
        if socketpair:
            self.trigger.close()
            self.trigger: Any = Trigger(self._map)
        self.accepting = True

    def set_reuse_addr(self) -> None:
        """Do nothing: `listening.bind` has set the option."""

    def run(self) -> None:
        """Serve until `stop_by` is called and then all work is done, or its deadline has passed."""
        if not self._closed:
            self._leader_followers.run(self._tick)

    def step_aside(self) -> None:
        """Announce that the calling thread is about to block."""
        self._leader_followers.step_aside()

    def _turn(self) -> bool:
        """Wait for events and handle them; False when the server has finished.

        No exception ends the server, whatever the embedding program does to the libraries below it.
        """
        try:
            now = monotonic()
            if (self.stopping or now >= self._next_check) and self._finished(now):
                return False
            self.look(max(0.0, min(self._tick, self._stop_by - now)))
        except BaseException:
            self.handle_error()
            threading.Event().wait(_ACCEPT_PAUSE)  # no busy loop
        return True

    def look(self, pause: float) -> None:
        """Poll once, as waitress does, but skip connections at work, which have nothing to read or to send.

        Delayed requests can make these many.
        """
        if _poll is None:
            wasyncore.loop(timeout=pause, map=self._map, count=1)
            return
        poll = _poll()
        for number, item in list(self._map.items()):
            if isinstance(item, Connection):
                wanted = item.events()
            else:
                wanted = select.POLLIN | select.POLLPRI if item.readable() else 0
            if wanted:
                poll.register(number, wanted)
        for number, happened in poll.poll(int(pause * 1000)):
            if number in self._map:
                wasyncore.readwrite(self._map[number], happened)

    def work(self, task: Serviceable) -> None:
        """Run `task.service()` in a thread other than those that answer connections."""
        self._workers.add_task(task)

    def stop_by(self, deadline: float) -> None:
        """Make `run` end by `deadline` (as of `clock.monotonic`). Safe in a signal handler."""
        if not self.stopping:
            self._stop_by = deadline
            self.stopping = True
        self._wake()

    def _finished(self, now: float) -> bool:
        """Enforce the deadlines, and tell if a server that stops has done all its work."""
        if now >= self._next_check:
            self._next_check = now + self._tick
            for channel in list(self.active_channels.values()):
                channel.expire(now)
        if not self.stopping:
            return False
        wasyncore.dispatcher.close(self)
        for channel in list(self.active_channels.values()):
            if channel.waiting:
                channel.handle_close()
        return not self.active_channels or now >= self._stop_by

    def close(self) -> None:
        """Close every socket and end the threads; a second call does nothing."""
        with self._waking:
            closed, self._closed = self._closed, True
        if closed:
            return
        for channel in list(self.active_channels.values()):
            channel.handle_close()
        super().close()
        deadline = self._stop_by if self.stopping else monotonic()
        self._leader_followers.stop(deadline)
        self._workers.stop(deadline)

    def pull_trigger(self, thunk: Callable[[], None] | None = None) -> None:
        """Wake the loop, which runs `thunk`. The leader is awake already."""
        if thunk is not None or not self._leader_followers.is_mine():
            self._wake(thunk)

    def _wake(self, thunk: Callable[[], None] | None = None) -> None:
        # After `close` the trigger's file descriptor may be in use for another file.
        with self._waking:
            if not self._closed:
                self.trigger.pull_trigger(thunk)

    def readable(self) -> bool:
        """True when connections may be accepted; waitress's maintenance, on a clock that tests freeze, is omitted."""
        return bool(self.accepting) and monotonic() >= self._accept_from

    def handle_accept(self) -> None:
        """Accept all pending connections: with one a turn, the last of many would wait for the answers to the others.

        At the limit, only one connection a turn may make room for itself.
        """
        for _ in range(_ACCEPTED_AT_ONCE):
            if not self._accept() or len(self.active_channels) >= self.connection_limit:
                return

    def _accept(self) -> bool:
        """Accept one connection, if there is one.

        Past the limit, the one that has been idle longest is closed; where all are busy, the new one is turned away.
        """
        full = len(self.active_channels) >= self.connection_limit and not self._make_room()
        if full and len(self.active_channels) >= self.connection_limit + REFUSED_CONNECTIONS:
            self._accept_from = monotonic() + _ACCEPT_PAUSE
            return False
        try:
            connection, address = accept(self.socket)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE) and not self._make_room():
                self._accept_from = monotonic() + _ACCEPT_PAUSE
            return False
        try:
            self.set_socket_options(connection)
            self.channel_class(self, connection, address, self.adj, self._map).turned_away = full
        except OSError:  # macOS: the client has disconnected already
            connection.close()
        return True

    def handle_error(self) -> None:
        """Log an error of the loop or of the listening socket, which waitress would close, and accept again later."""
        _logger.exception("The server's loop failed, and goes on")
        self._accept_from = monotonic() + _ACCEPT_PAUSE

    def _make_room(self) -> bool:
        """Close one waiting connection: an idle one rather than one in the middle of a request."""
        waiting = [channel for channel in self.active_channels.values() if channel.waiting]
        if waiting:
            min(waiting, key=lambda channel: (channel.request is not None, channel.last_used)).handle_close()
        return bool(waiting)

    def limit_unsent(self, newest: Connection) -> None:
        """Reset connections whose clients do not read, the longest unread first, until the rest fits `UNSENT_BYTES`."""
        unsent = [channel for channel in list(self.active_channels.values()) if channel.total_outbufs_len]
        excess = sum(channel.total_outbufs_len for channel in unsent) - UNSENT_BYTES
        for channel in sorted(unsent, key=lambda channel: channel.deadline):
            if excess > 0 and channel is not newest:
                excess -= channel.total_outbufs_len
                channel.reset()
