"""Answer a request in a worker thread, with one record in the access log."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, NoReturn

from waitress.channel import ClientDisconnected
from waitress.task import WSGITask
from waitress.utilities import build_http_date

from mockserver import logs, masking
from mockserver.clock import monotonic
from mockserver.errors import ApiError, InternalServerError
from mockserver.formats import json as wire_json
from mockserver.server.limits import UNSENT_BYTES
from mockserver.server.names import CAPITALIZED, VARIABLES
from mockserver.server.request import Request

_logger = logging.getLogger("mockserver")
_date = lru_cache(maxsize=2)(build_http_date)
_NOTHING: Mapping[str, Any] = {}
_SECRET_HEADERS = tuple(name.upper().replace("-", "_") for name in masking.SECRET_HEADERS)


def log_access(
    request: Request, status: int | str, client: str, duration_ms: float = 0.0, environ: Mapping[str, Any] = _NOTHING
) -> None:
    """Log one request: `status` is a number or "aborted", `environ` its environment if the application was called.

    The path is logged as sent, percent-encoded and without its query; the secrets that the request also carries in
    its headers are masked in it and in its `X-Request-Id`. `-` stands for a request line that cannot be parsed.
    """
    sent = request.headers.get("X_REQUEST_ID")
    path, request_id = (text and _without_keys(request, text) for text in (request.log_path, sent))
    known = environ.get("mockserver.sandbox"), environ.get("mockserver.entry"), environ.get("REMOTE_ADDR", client)
    logs.log_request(request.command or "-", path or "-", status, duration_ms, *known, request_id)


def _without_keys(request: Request, text: str) -> str:
    return _masked(text, *map(request.headers.get, _SECRET_HEADERS))


@lru_cache(maxsize=64)
def _masked(text: str, *values: str | None) -> str:
    """A text without the secrets in these values of `masking.SECRET_HEADERS`."""
    sent = {name: value for name, value in zip(masking.SECRET_HEADERS, values, strict=True) if value is not None}
    return masking.masked(masking.secrets(sent), text)


class Suspended(BaseException):
    """The application will answer later, and holds no thread until then.

    `start` is called with a function `resume`, which may be called once, in any thread: the application is called again
    with the same environment.
    """

    def __init__(self, start: Callable[[Callable[[], None]], None]) -> None:
        super().__init__()
        self.start = start


class ConnectionControl:
    """The connection of a request, for an application: `environ["mockserver.connection"]`.

    For answers that come later, and for those that break HTTP on purpose. After `abort` or `close`, the application's
    return value is dropped.
    """

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def suspend(self, start: Callable[[Callable[[], None]], None]) -> NoReturn:
        """End this call of the application without an answer; see `Suspended`."""
        raise Suspended(start)

    def gone(self) -> bool:
        """Tell if the client has closed its side of the connection."""
        return bool(self._channel.gone)

    def send(self, data: bytes) -> None:
        """Send raw bytes before any answer."""
        self._channel.write_soon(data)

    def close(self) -> None:
        """Close in good order once the bytes given to `send` are sent: the client reads an early end."""
        self._channel.hang_up()

    def abort(self) -> None:
        """Reset the connection at once (TCP RST): the client's next read fails."""
        self._channel.reset()


class AnswerTask(WSGITask):  # type: ignore[misc]
    """Answer one request: with the application's response, or with the request's own error."""

    channel: Any
    request: Request
    content_length: int | None
    wrote_header: bool
    close_on_finish: bool
    environ: dict[str, Any] | None

    def __init__(self, channel: Any, request: Request) -> None:
        super().__init__(channel, request)
        self._started = monotonic()

    def service(self) -> None:
        """Answer the request. No exception of the application leaves this method, but `Suspended`."""
        status: int | str = "aborted"
        try:
            with contextlib.suppress(ClientDisconnected):
                self._answer_or_fail()
                status = int(self.status[:3])
        except Suspended:
            raise
        except BaseException:
            self._log(status)
            raise
        self._log(status)

    def _log(self, status: int | str) -> None:
        duration_ms = (monotonic() - self._started) * 1000
        log_access(self.request, status, self.channel.client, duration_ms, self.environ or _NOTHING)

    def _answer_or_fail(self) -> None:
        try:
            self.start()
            self.execute()
            self.finish()
        except Suspended:
            raise
        except ClientDisconnected:
            self.close_on_finish = True
            raise
        except BaseException as error:  # a view that calls sys.exit() must not end the worker
            path = _without_keys(self.request, self.request.log_path)
            _logger.exception("The application failed at %s %s", self.request.command, path)
            if self.wrote_header:
                self.close_on_finish = True
                raise ClientDisconnected from error
            self._refuse(InternalServerError())

    def execute(self) -> None:
        """Write the answer; waitress calls the application."""
        if self.request.error:
            self._refuse(self.request.error)
        else:
            super().execute()

    def _refuse(self, error: ApiError) -> None:
        body = wire_json.encode(error.document())
        self.complete = self.close_on_finish = True
        self.status = f"{error.status} {error.title}"
        self.content_length = len(body)
        readable = self.channel.server.refusal_headers(self.request.path, self.request.headers.get("ORIGIN"))
        content_type = ("Content-Type", "application/json; charset=utf-8")
        self.response_headers = [content_type, *error.headers().items(), *readable]
        self.write(body)

    def write(self, data: bytes) -> None:
        """Send the headers and a piece of the body, in one write when the piece is the whole body.

        The answer to HEAD has headers only (RFC 9110, section 9.3.2).
        """
        if self.channel.total_outbufs_len > UNSENT_BYTES:
            self.channel.reset()
        if self.channel.severed:
            raise ClientDisconnected
        if self.request.command == "HEAD":
            data = b""
        if self.complete and not self.wrote_header and self.has_body and self.content_length == len(data):
            whole = self.build_response_header() + data
            self.wrote_header = True
            self.content_bytes_written = len(data)
            self.channel.write_soon(whole)
        else:
            super().write(data)

    def build_response_header(self) -> bytes:
        """The head of the answer, as waitress builds it; `Connection: close` where the connection cannot be reused."""
        sized = self.has_body and self.content_length is not None
        if not (sized and self._persists()):
            self.set_close_on_finish()
        headers = [(CAPITALIZED[name], value) for name, value in self.response_headers]
        given = dict(headers)
        if not self.has_body:
            headers = [header for header in headers if header[0] != "Content-Length"]
        elif sized and "Content-Length" not in given:
            headers.append(("Content-Length", str(self.content_length)))
        elif not sized and self.version == "1.1":
            headers.append(("Transfer-Encoding", "chunked"))
            self.chunked_response = self.request.command != "HEAD"
        if self.version == "1.0" and not self.close_on_finish:
            headers.append(("Connection", "Keep-Alive"))
        headers.append(("Via" if given.get("Server") else "Server", self.channel.adj.ident))
        if not given.get("Date"):
            headers.append(("Date", _date(int(self.start_time))))
        headers.sort(key=itemgetter(0))
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        return f"HTTP/{self.version} {self.status}\r\n{lines}\r\n".encode("latin-1")

    def _persists(self) -> bool:
        """Tell if the connection can be reused after this answer."""
        if self.close_on_finish or self.request.unread or self.channel.server.stopping:
            return False
        option: str = self.request.headers.get("CONNECTION", "").lower()
        return option == "keep-alive" if self.version == "1.0" else option != "close"

    def get_environment(self) -> dict[str, Any]:
        """The WSGI environment (PEP 3333), with the additional variables that `Server` describes."""
        if self.environ is not None:
            return self.environ
        request, path = self.request, self.request.path
        headers: dict[str, str] = {}
        environ = self.environ = {
            **self.channel.environ,
            "REQUEST_METHOD": request.command,
            "SERVER_PROTOCOL": f"HTTP/{self.version}",
            "PATH_INFO": path,
            "REQUEST_URI": request.request_uri,
            "QUERY_STRING": request.query,
            "wsgi.errors": sys.stderr,
            "wsgi.input": request.get_body_stream(),
            "waitress.client_disconnected": self.channel.check_client_disconnected,
            "mockserver.connection": ConnectionControl(self.channel),
            "mockserver.body_too_large": request.too_large,
            "mockserver.path": request.log_path,
            "mockserver.headers": headers,
        }
        for key, value in request.headers.items():
            variable, name = VARIABLES[key]
            environ[variable] = value
            if value or name != "content-type":
                headers[name] = value
        return environ
