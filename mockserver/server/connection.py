"""One connection: its deadlines, and how it is closed."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from functools import cached_property
from typing import Any

from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import ClientDisconnected, HTTPChannel

from mockserver.clock import monotonic
from mockserver.errors import RequestTimeout
from mockserver.server.answering import AnswerTask, log_access
from mockserver.server.limits import DRAIN_BYTES
from mockserver.server.listening import Socket
from mockserver.server.request import Request

_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Connection(HTTPChannel):  # type: ignore[misc]
    """waitress's channel, with deadlines on a real clock, and a lingering close that lets the client read a refusal.

    Only the server's loop closes the socket; workers request it (`hang_up`, `reset`).
    """

    parser_class = Request
    task_class = error_task_class = AnswerTask
    request: Request | None
    severed = False
    refused = False
    _drained = 0
    _body_deadline = 0.0

    def __init__(self, server: Any, sock: Socket, addr: Any, adj: Any, map: dict[int, Any]) -> None:
        self._timeouts = server.timeouts
        self.deadline = monotonic() + self._timeouts.unused
        super().__init__(server, sock, addr, adj, map)

    @cached_property
    def environ(self) -> dict[str, Any]:
        """The variables that the WSGI environments of all its requests share."""
        host, port = self.addr[:2]
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
            "wsgi.file_wrapper": ReadOnlyFileBasedBuffer,
            "wsgi.input_terminated": True,
        }

    @property
    def waiting(self) -> bool:
        """True when idle: nothing to answer, to send, or to drain."""
        return not (self.requests or self.total_outbufs_len or self.close_when_flushed or self.refused)

    @property
    def at_work(self) -> bool:
        """True while a worker handles its request and sends the answer itself, with no close requested."""
        if not self.requests or self.will_close or self.close_when_flushed or self.refused:
            return False
        if self.total_outbufs_len and self.outbuf_lock.acquire(blocking=False):
            self.outbuf_lock.release()
            return False
        return True

    def expire(self, now: float) -> None:
        """Enforce the deadline: answer an incomplete request with 408, close any other connection silently."""
        working = self.requests and not self.total_outbufs_len
        if now < self.deadline or working:
            return
        if self.request is None or not self.waiting:
            self.handle_close()
            return
        with self.requests_lock:
            self.request.refuse(RequestTimeout())
            self._enqueue(self.request)

    def received(self, data: bytes) -> None:
        """Process received bytes; after a refused request they are discarded."""
        if self.refused:
            self._drained += len(data)
            if self._drained > DRAIN_BYTES:
                self.handle_close()
            return
        with self.requests_lock:
            while data:
                data = data[self._take(data) :]

    def _take(self, data: bytes) -> int:
        """Give the current request its part of `data`, set the next deadline, and return the number of bytes used."""
        now, request = monotonic(), self.request or Request(self.adj)
        in_body = request.headers_finished
        used = request.received(data)
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
        if len(self.requests) == 1:
            self.server.add_task(self)

    def write_soon(self, data: Any) -> int:
        """Buffer and send a piece of an answer; raises ClientDisconnected when the connection is severed."""
        if self.severed:
            raise ClientDisconnected
        self.deadline = monotonic() + self._timeouts.idle
        sent = self._send_now(data) if isinstance(data, bytes) else 0
        if sent == len(data):
            return sent
        taken: int = super().write_soon(data[sent:] if sent else data)
        return sent + taken

    def _send_now(self, data: bytes) -> int:
        """Send what the socket accepts, unbuffered, when no earlier output is waiting."""
        with self.outbuf_lock:
            return self.send(data) if self.connected and not self.total_outbufs_len else 0

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the socket accepts. `do_close` is ignored: a broken connection is closed by the loop."""
        try:
            sent: int = self.socket.send(data) if self.socket else 0
        except BlockingIOError:
            return 0
        except OSError:
            self.will_close = True
            return 0
        self.deadline = monotonic() + self._timeouts.idle
        return sent

    def handle_write(self) -> None:
        """Send buffered output; after a refused request, drain the connection before closing it."""
        if not (self.refused and self.close_when_flushed):
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if self.will_close:
            self.handle_close()
        elif not self.total_outbufs_len:
            self._linger()

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
            log_access(request, "aborted")
        super().handle_close()
