"""From a request to its answer, in a worker thread, with one record in the access log."""

from __future__ import annotations

import contextlib
import logging
from typing import Any
from urllib.parse import quote

from waitress.channel import ClientDisconnected
from waitress.task import WSGITask

from mockserver.clock import monotonic
from mockserver.errors import ApiError, InternalServerError
from mockserver.server.request import VISIBLE, Request

_logger = logging.getLogger("mockserver")
_access = logging.getLogger("mockserver.access")
_LONG_ENOUGH = 8  # a shorter key would be found in paths that do not have it


def log_access(request: Request, status: int | str, duration_ms: float = 0.0, sandbox: object = None) -> None:
    """One record for one request: `status` is a number or "aborted".

    The path is as sent, percent-encoded and without its query, and a key that the request carries in a header is
    masked in it; `-` stands for a request line that cannot be read.
    """
    method, path = request.command or "-", _without_keys(request) or "-"
    fields = {"method": method, "path": path, "status": status, "duration_ms": duration_ms, "sandbox": sandbox}
    _access.info("%s %s %s", method, path, status, extra=fields)


def _without_keys(request: Request) -> str:
    path = request.log_path
    for header in ("X_API_KEY", "AUTHORIZATION"):
        for part in request.headers.get(header, "").split():
            if len(part) >= _LONG_ENOUGH and not part.startswith("test_"):
                path = path.replace(quote(part, safe=VISIBLE), f"...{part[-4:]}")
    return path


class Connection:
    """The connection that a request came on: an application finds it in `environ["mockserver.connection"]`.

    It is for answers that break HTTP on purpose. After `abort` or `close`, what the application returns is dropped.
    """

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def send(self, data: bytes) -> None:
        """Sends bytes as they are, before any answer."""
        self._channel.write_soon(data)

    def close(self) -> None:
        """Closes in good order once what `send` took is out: the client reads an early end."""
        self._channel.hang_up()

    def abort(self) -> None:
        """Resets the connection at once (TCP RST): the client's next read fails."""
        self._channel.reset()


class Exchange(WSGITask):  # type: ignore[misc]
    """Answers one request: by the application, or with the request's own error."""

    channel: Any
    request: Request

    def service(self) -> None:
        """Answers the request. Nothing that the application raises leaves here."""
        started = monotonic()
        status: int | str = "aborted"
        try:
            with contextlib.suppress(ClientDisconnected):
                self._answer_or_fail()
                status = int(self.status[:3])
        finally:
            environ = self.environ or {}
            log_access(self.request, status, (monotonic() - started) * 1000, environ.get("mockserver.sandbox"))

    def _answer_or_fail(self) -> None:
        try:
            self.start()
            self.execute()
            self.finish()
        except ClientDisconnected:
            self.close_on_finish = True
            raise
        except BaseException as error:  # a view that calls sys.exit() must not take the worker with it
            _logger.exception("The application failed at %s %s", self.request.command, self.request.log_path)
            if self.wrote_header:
                self.close_on_finish = True
                raise ClientDisconnected from error
            self._refuse(InternalServerError())

    def execute(self) -> None:
        """Writes the answer; waitress calls the application."""
        if self.request.error:
            self._refuse(self.request.error)
        else:
            super().execute()

    def _refuse(self, error: ApiError) -> None:
        body = error.encoded()
        self.complete = self.close_on_finish = True
        self.status = f"{error.status} {error.title}"
        self.content_length = len(body)
        readable = self.channel.server.refusal_headers(self.request.path, self.request.headers.get("ORIGIN"))
        self.response_headers = [("Content-Type", "application/json"), *error.headers().items(), *readable]
        self.write(body)

    def write(self, data: bytes) -> None:
        """Sends the headers, then a piece of the body; of an answer to HEAD the headers alone (RFC 9110, 9.3.2)."""
        if self.channel.severed:
            raise ClientDisconnected
        super().write(b"" if self.request.command == "HEAD" else data)

    def build_response_header(self) -> bytes:
        """The answer's head, with `Connection: close` where the connection cannot carry another request."""
        if self.close_on_finish or self.request.unread or self.channel.server.stopping:
            self.request.headers["CONNECTION"] = "close"
        head: bytes = super().build_response_header()
        if self.request.command == "HEAD":
            self.chunked_response = False
        return head

    def get_environment(self) -> dict[str, Any]:
        """The WSGI environment: waitress's, the connection, and whether the body was too large to be read."""
        environ: dict[str, Any] = super().get_environment()
        environ.pop("HTTP_UPGRADE", None)  # no other protocol is spoken here; routing would look for a websocket
        environ["mockserver.connection"] = Connection(self.channel)
        environ["mockserver.body_too_large"] = self.request.too_large
        return environ
