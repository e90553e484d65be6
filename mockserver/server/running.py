"""The server that a command line or a test holds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from mockserver.clock import monotonic
from mockserver.server.limits import Timeouts
from mockserver.server.listening import bind, is_loopback, url_of
from mockserver.server.loop import Loop, RefusalHeaders
from mockserver.server.workers import Serviceable

_MARGIN = 0.9


class Server:
    """A WSGI application behind waitress, listening from its construction on.

    `host` and `port` are those of the listening socket; `url` is its URL for a client on this machine, and `loopback`
    is true when only such clients can reach it; `loop` holds the open connections, and the `application`, which may be
    set until the start. `threads` limits the requests that are handled at once, `max_body` the bytes of a body,
    inclusive. `refusal_headers` returns, for a path and an `Origin`, the headers of the server's own refusals. Raises
    OSError when the host is unknown or the port in use.

    In addition to PEP 3333 and waitress, an application's environment holds `mockserver.connection` (see
    `ConnectionControl`), `mockserver.path` (the path as sent), `mockserver.headers` (the request's headers by their
    names in lower case, without an empty Content-Type) and `mockserver.body_too_large`: true when the body is over the
    limit. Such a body has not been read, `wsgi.input` is empty, and the application must answer 413, or an error that
    takes precedence.
    """

    def __init__(
        self,
        application: Callable[..., Any] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = 64,
        max_body: int = 1_048_576,
        timeouts: Timeouts | None = None,
        refusal_headers: RefusalHeaders = lambda path, origin: [],
    ) -> None:
        listener = bind(host, port)
        self.host, self.port = listener.getsockname()[:2]
        self.url = url_of(self.host, self.port)
        self.loopback = is_loopback(self.host)
        self.loop = Loop(application, listener, threads=threads, max_body=max_body, timeouts=timeouts or Timeouts())
        self.loop.refusal_headers = refusal_headers
        self._process = os.getpid()
        self._serving = threading.Lock()
        self._server_thread: int | None = None
        self._thread: threading.Thread | None = None

    def serve(self) -> None:
        """Serve until `stop` is called; a stopped server returns at once."""
        self._server_thread = threading.get_ident()
        with self._serving:
            try:
                self.loop.run()
            finally:
                self.loop.close()
                self._server_thread = None

    def start(self) -> None:
        """Serve in a daemon thread; clients may connect when this returns."""
        self._thread = threading.Thread(target=self.serve, name="mockserver", daemon=True)
        self._thread.start()

    def work(self, task: Serviceable) -> None:
        """Run `task.service()` in a thread other than those that answer connections, for requests without a socket."""
        self.loop.work(task)

    def step_aside(self) -> None:
        """Let another thread take new requests; an application calls it before it blocks.

        Without it, requests that arrive meanwhile are delayed by some milliseconds. In other threads it has no effect.
        """
        self.loop.step_aside()

    def stop(self, timeout: float = 5.0) -> None:
        """Stop: requests in progress get their whole answer, other connections are closed.

        Returns when all is closed, after `timeout` seconds at most (an application that is busy for longer is left
        behind in its daemon thread). Any thread may call it, any number of times. In the serving thread, where signal
        handlers run, it returns at once, and `serve` returns soon. In a child made by `os.fork` it does nothing.
        """
        if self._process != os.getpid():
            return
        end = monotonic() + timeout
        self.loop.stop_by(end - timeout * (1 - _MARGIN))
        if self._server_thread == threading.get_ident():
            return
        if self._serving.acquire(timeout=timeout):
            try:
                self.loop.close()
            finally:
                self._serving.release()
        if self._thread:
            self._thread.join(max(0.0, end - monotonic()))

    def __enter__(self) -> Server:
        """The server, not started yet; the end of the block stops it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
