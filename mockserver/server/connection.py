"""One connection: its deadlines, and how it is closed."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
from functools import cached_property
from typing import Any
from wsgiref.util import FileWrapper

from waitress.channel import ClientDisconnected, HTTPChannel

from mockserver.clock import monotonic
from mockserver.errors import RequestTimeout, ServiceUnavailable
from mockserver.server.answering import AnswerTask, ConnectionControl, Suspended, log_access
from mockserver.server.limits import DRAIN_BYTES, LARGE_BYTES
from mockserver.server.listening import Socket
from mockserver.server.request import Request

_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Connection(HTTPChannel):  # type: ignore[misc]
    """waitress's channel, with deadlines on a real clock, and a lingering close that lets the client read a refusal.

    Only the server's loop closes the socket; workers request it (`hang_up`, `reset`).
    """

    request: Request | None
    severed = turned_away = refused = False
    _drained = 0
    _body_deadline = 0.0
    _ahead = b""  # received, but not parsed: the request before is being answered, or its answer is not sent yet
    _suspended: AnswerTask | None = None

    def __init__(self, server: Any, sock: Socket, addr: Any, adj: Any, map: dict[int, Any]) -> None:
        self._timeouts = server.timeouts
        self.last_used = monotonic()
        self.deadline = self.last_used + self._timeouts.unused
        super().__init__(server, sock, addr, adj, map)

    @cached_property
    def client(self) -> str:
        """The client's address; a socket for IPv6 and IPv4 shows the latter as `::ffff:127.0.0.1`."""
        return str(self.addr[0]).removeprefix("::ffff:")

    @cached_property
    def environ(self) -> dict[str, Any]:
        """The variables that the WSGI environments of all its requests share."""
        host, port = self.client, self.addr[1]
        return {
            "REMOTE_ADDR": host,
            "REMOTE_HOST": host,
            "REMOTE_PORT": str(port),
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.effective_port),
            "SERVER_SOFTWARE": self.adj.ident,
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.input_terminated": True,
            "waitress.client_disconnected": self.check_client_disconnected,
            "mockserver.connection": ConnectionControl(self),
        }

    @property
    def waiting(self) -> bool:
        """True when idle: nothing to answer, to send, or to drain."""
        return not (self.requests or self.total_outbufs_len or self.close_when_flushed or self.refused)

    def events(self) -> int:
        """The events to poll for; none while a worker handles its request and sends the answer itself."""
        if self.will_close or self.close_when_flushed:
            return select.POLLOUT
        if self.total_outbufs_len:
            return 0 if self.requests and not self.refused and self._is_sending() else select.POLLOUT
        return 0 if self.requests else select.POLLIN | select.POLLPRI

    def _is_sending(self) -> bool:
        if self.outbuf_lock.acquire(blocking=False):
            self.outbuf_lock.release()
            return False
        return True

    @property
    def gone(self) -> bool:
        """True when the client has closed its side of the connection; what it sent before hides that."""
        try:
            return not self.connected or self.socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def expire(self, now: float) -> None:
        """Enforce the deadline: answer an incomplete request with 408, close any other connection silently."""
        with self.requests_lock:
            if self._suspended:
                if self.gone:
                    self.handle_close()
                return
        working = self.requests and not self.total_outbufs_len
        if now < self.deadline or working:
            return
        if self.request is None or not self.waiting:
            self.handle_close()
            return
        with self.requests_lock:
            self.request.refuse(RequestTimeout())
            self._enqueue(self.request)

    def handle_read_event(self) -> None:
        """Receive bytes; close the connection when the client has, or when it is broken."""
        try:
            data = self.socket.recv(self.adj.recv_bytes)
        except OSError:
            data = b""
        if data:
            self.received(data)
        else:
            self.handle_close()

    def received(self, data: bytes) -> None:
        """Process received bytes; after a refused request they are discarded."""
        if self.refused:
            self._drained += len(data)
            if self._drained > DRAIN_BYTES:
                self.handle_close()
            return
        with self.requests_lock:
            self._ahead += data
            self._parse_ahead()

    def _parse_ahead(self) -> None:
        """Parse up to the next whole request, unless one is being answered or an answer is unsent; holds the lock."""
        while self._ahead and not (self.requests or self.total_outbufs_len or self.will_close or self.severed):
            data, self._ahead = self._ahead, b""
            self._ahead = data[self._take(data) :]

    def service(self) -> None:
        """Answer a request, or go on with one that was suspended. For workers."""
        with self.requests_lock:
            task, self._suspended = self._suspended, None
            if task and self.connected:
                self._map[self._fileno] = self
        if task is None:
            task = AnswerTask(self, self.requests[0])
            task.close_on_finish = not self.connected
        try:
            if not task.close_on_finish:
                task.service()
        except Suspended as suspended:
            with self.requests_lock:
                self._suspended = task
                self._map.pop(self._fileno, None)  # there is nothing to poll for
            suspended.start(self._resume)
        else:
            self._finish(task)

    def _resume(self) -> None:
        self.server.add_task(self)
        self.server.pull_trigger()

    def _finish(self, task: AnswerTask) -> None:
        """Go on to the next request of the connection once the answer is sent, or have it closed then."""
        self.current_outbuf_count = self.adj.outbuf_high_watermark  # the next answer gets a buffer of its own
        with self.requests_lock:
            self.requests.pop(0)
            if task.close_on_finish:
                self.close_when_flushed, self._ahead = True, b""
            else:
                self._parse_ahead()
        if self.connected:
            self.server.pull_trigger()

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Do nothing: no thread waits for a client to read."""

    def _take(self, data: bytes) -> int:
        """Give the current request its part of `data`, set the next deadline, and return the number of bytes used."""
        now = self.last_used = monotonic()
        request = self.request or Request(self.adj)
        in_body = request.headers_finished
        used = request.received(data)
        if self.turned_away and request.headers_finished and not request.error:
            message = f"{self.server.connection_limit} connections are open and busy, as many as this server takes"
            request.refuse(ServiceUnavailable(message, limit="connections"))
            used = len(data)
        if request.completed:
            self._enqueue(request)
            return used
        if self.request is None:
            self.deadline = now + self._timeouts.head
        self.request = request
        if request.headers_finished:
            self._wait_for_body(now, in_body)
        return used

    def _wait_for_body(self, now: float, begun: bool) -> None:
        if self.request and self.request.expect_continue and not self.requests:
            self.send_continue()
        if not begun:
            self._body_deadline = now + self._timeouts.body
        self.deadline = min(now + self._timeouts.stall, self._body_deadline)

    def _enqueue(self, request: Request) -> None:
        self.request = None
        self.sent_continue = False
        if request.empty:
            return
        self.refused = request.unread
        self.requests.append(request)
        self.server.add_task(self)

    def write_soon(self, data: bytes) -> int:
        """Buffer and send a piece of an answer; raises ClientDisconnected when the connection is severed."""
        if self.severed:
            raise ClientDisconnected
        with self.outbuf_lock:
            sent = self.send(data) if self.connected and not self.total_outbufs_len else 0
        if sent == len(data):
            return sent
        if not self.total_outbufs_len:
            self._extend_idle_time()
        taken: int = super().write_soon(data[sent:] if sent else data)
        if self.total_outbufs_len > LARGE_BYTES:
            self.server.limit_unsent(self)
        return sent + taken

    def _extend_idle_time(self) -> None:
        self.last_used = monotonic()
        self.deadline = self.last_used + self._timeouts.idle

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the socket accepts. `do_close` is ignored: a broken connection is closed by the loop."""
        try:
            sent: int = self.socket.send(data) if self.socket else 0
        except BlockingIOError:
            return 0
        except OSError:
            self.will_close = True
            return 0
        self._extend_idle_time()
        return sent

    def handle_write(self) -> None:
        """Send buffered output; after a refused request, drain the connection before closing it."""
        if not (self.refused and self.close_when_flushed):
            self._send_unsent()
            return
        self._flush_exception(self._flush_some)
        if self.will_close:
            self.handle_close()
        elif not self.total_outbufs_len:
            self._linger()

    def _send_unsent(self) -> None:
        self._flush_exception(self._flush_some_if_lockable)
        if self.will_close or (self.close_when_flushed and not self.total_outbufs_len):
            self.handle_close()
        elif not self.total_outbufs_len:
            with self.requests_lock:
                self._parse_ahead()

    def _linger(self) -> None:
        """Close the sending half: a close with unread bytes would reset and lose the answer (RFC 9112, section 9.6)."""
        self.close_when_flushed = False
        self.deadline = monotonic() + self._timeouts.drain
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.handle_close()

    def hang_up(self) -> None:
        """Have the loop close the connection when all is sent; later writes are refused. For workers."""
        self.severed = self.close_when_flushed = True
        self.server.pull_trigger()

    def reset(self) -> None:
        """Have the loop reset the connection now; later writes are refused. For workers."""
        self.severed = True
        sock = self.socket
        if sock is not None:
            with contextlib.suppress(OSError):  # the loop may have closed it already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.server.pull_trigger(self.handle_close)

    def handle_expt(self) -> None:
        """Close the connection: HTTP has no urgent data, which would make the loop spin while unread."""
        self.handle_close()

    def handle_close(self) -> None:
        """Close the socket; a partly received request is logged as aborted."""
        request, self.request = self.request, None
        if request and request.command:
            log_access(request, "aborted", self.client)
        super().handle_close()
