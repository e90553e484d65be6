"""Answer a request in a worker thread, with one record in the access log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, NoReturn

from waitress.channel import ClientDisconnected
from waitress.utilities import build_http_date

from mockserver import logs, masking
from mockserver.clock import monotonic, wall_ms
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
    path = _without_secrets(request, request.log_path) or "-"
    request_id = sent and _without_secrets(request, sent)
    known = environ.get("mockserver.sandbox"), environ.get("mockserver.entry"), environ.get("REMOTE_ADDR", client)
    logs.log_request(request.command or "-", path, status, duration_ms, *known, request_id)


def _without_secrets(request: Request, text: str) -> str:
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


class AnswerTask:
    """Answer one request: with the application's response (PEP 3333), or with the request's own error."""

    close_on_finish = False
    _environ: dict[str, Any] | None = None
    _status = ""  # once `start_response` is called
    _has_body = True
    _length: int | None = None  # of the body
    _sent = 0  # bytes of the body
    _begun = False  # the head is sent
    _chunked = False

    def __init__(self, channel: Any, request: Request) -> None:
        self._started = monotonic()
        self._channel = channel
        self._request = request

    def service(self) -> None:
        """Answer the request. No exception of the application leaves this method, but `Suspended`."""
        status: int | str = "aborted"
        try:
            self._answer()
            status = int(self._status[:3])
        except Suspended:
            raise
        except ClientDisconnected:
            self.close_on_finish = True
        except BaseException:  # a view that calls sys.exit() must not end the worker
            status = self._fail()
        duration_ms = (monotonic() - self._started) * 1000
        log_access(self._request, status, self._channel.client, duration_ms, self._environ or _NOTHING)

    def _fail(self) -> int | str:
        """Answer 500, unless an answer has begun; returns the status for the access log."""
        path = _without_secrets(self._request, self._request.log_path)
        _logger.exception("The application failed at %s %s", self._request.command, path)
        self.close_on_finish = True
        if self._begun:
            return "aborted"
        try:
            self._refuse(InternalServerError())
        except ClientDisconnected:
            return "aborted"
        return InternalServerError.status

    def _answer(self) -> None:
        if self._request.error:
            self._refuse(self._request.error)
            return
        pieces = self._channel.server.application(self._environment(), self.start_response)
        try:
            if self._length is None and not self._begun and isinstance(pieces, (list, tuple)) and len(pieces) == 1:
                self._length = len(pieces[0])
            for piece in pieces:
                if piece:
                    self.write(piece)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        self._finish()

    def _refuse(self, error: ApiError) -> None:
        body = wire_json.encode(error.document())
        readable = self._channel.server.refusal_headers(self._request.path, self._request.headers.get("ORIGIN"))
        sized = [("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(body)))]
        self.close_on_finish, self._chunked, self._status = True, False, ""
        self.start_response(f"{error.status} {error.title}", [*sized, *error.headers().items(), *readable])
        self.write(body)

    def start_response(
        self, status: str, headers: Iterable[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take the status and the headers of the answer, as PEP 3333 says; no CR or LF passes."""
        if exc_info and self._begun:
            raise exc_info[1]
        if self._status and not exc_info:
            raise AssertionError("start_response is called a second time, without exc_info")
        self._headers = [(CAPITALIZED[name], value) for name, value in headers]
        self._given = dict(self._headers)
        text = "".join([status, *map(itemgetter(1), self._headers)])
        if "\r" in text or "\n" in text:
            raise ValueError("A status or a header has a line break")
        length = self._given.get("Content-Length")
        self._length = None if length is None else int(length)
        self._has_body = not status.startswith(("1", "204", "304"))
        self._status = status
        return self.write

    def write(self, data: bytes) -> None:
        """Send a piece of the body, the first one together with the head.

        The answer to HEAD has headers only (RFC 9110, section 9.3.2).
        """
        channel = self._channel
        if channel.total_outbufs_len > UNSENT_BYTES:
            channel.reset()
        if channel.severed:
            raise ClientDisconnected
        if not self._status:
            raise AssertionError("The application has not called start_response")
        if not self._has_body or self._request.command == "HEAD":
            data = b""
        elif self._length is not None and self._sent + len(data) > self._length:
            _logger.warning("The application has written more than its Content-Length of %s bytes", self._length)
            data = data[: self._length - self._sent]
        head = b"" if self._begun else self._head()
        piece = head + (b"%X\r\n%b\r\n" % (len(data), data) if data and self._chunked else data)
        self._begun = True  # only now: where `data` is not bytes, a 500 can be answered
        self._sent += len(data)
        if piece:
            channel.write_soon(piece)

    def _finish(self) -> None:
        if self._length not in (None, self._sent) and self._has_body and self._request.command != "HEAD":
            self.close_on_finish = True
            _logger.warning("The application has written %s bytes, not its %s", self._sent, self._length)
        if not self._begun:
            self.write(b"")
        if self._chunked:
            self._channel.write_soon(b"0\r\n\r\n")

    def _head(self) -> bytes:
        """The head of the answer; `Connection: close` where the connection cannot be reused."""
        headers, given, version = self._headers, self._given, self._request.version
        sized = self._has_body and self._length is not None
        if not (sized and self._persists()):
            self.close_on_finish = True
            headers.append(("Connection", "close"))
        elif version == "1.0":
            headers.append(("Connection", "Keep-Alive"))
        if not self._has_body:
            headers = [header for header in headers if header[0] != "Content-Length"]
        elif not sized and version == "1.1":
            headers.append(("Transfer-Encoding", "chunked"))
            self._chunked = self._request.command != "HEAD"
        elif sized and "Content-Length" not in given:
            headers.append(("Content-Length", str(self._length)))
        headers.append(("Via" if given.get("Server") else "Server", self._channel.adj.ident))
        if not given.get("Date"):
            headers.append(("Date", _date(wall_ms() // 1000)))
        headers.sort(key=itemgetter(0))
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        return f"HTTP/{version} {self._status}\r\n{lines}\r\n".encode("latin-1")

    def _persists(self) -> bool:
        """Tell if the connection can be reused after this answer."""
        request = self._request
        if self.close_on_finish or request.unread or self._channel.server.stopping:
            return False
        option = request.headers.get("CONNECTION", "").lower()
        return option == "keep-alive" if request.version == "1.0" else option != "close"

    def _environment(self) -> dict[str, Any]:
        """The WSGI environment (PEP 3333), with the additional variables that `Server` describes."""
        if self._environ is not None:
            return self._environ
        request = self._request
        headers: dict[str, str] = {}
        environ = self._environ = {
            **self._channel.environ,
            "REQUEST_METHOD": request.command,
            "SERVER_PROTOCOL": f"HTTP/{request.version}",
            "PATH_INFO": request.path,
            "REQUEST_URI": request.request_uri,
            "QUERY_STRING": request.query,
            "wsgi.errors": sys.stderr,
            "wsgi.input": request.body,
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
