"""Call the application without a socket, as the server would (PEP 3333).

The parts of a connection are missing: the `Date`, `Server` and `Connection` headers, and the requests that the server
refuses by itself.
"""

from __future__ import annotations

import email.message
import io
import os
import sys
import urllib.request
import urllib.response
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

Application = Callable[..., Iterable[bytes]]
RawHeaders = Sequence[tuple[bytes, bytes]]

_OF_THE_CONNECTION = (b"transfer-encoding", b"content-length")


class Connection:
    """A substitute for a socket's connection that faults can break (see `server.answering`).

    `sent` has the bytes sent outside an answer; `ended` is None, "closed" or "reset". `left` says that the client waits
    no longer.
    """

    def __init__(self) -> None:
        self.sent = b""
        self.ended: str | None = None
        self.left = False

    def gone(self) -> bool:
        """Tell if the client waits no longer."""
        return self.left

    def send(self, data: bytes) -> None:
        """Record bytes that would be sent as they are."""
        self.sent += data

    def close(self) -> None:
        """Record an orderly close."""
        self.ended = "closed"

    def abort(self) -> None:
        """Record a reset."""
        self.ended = "reset"


@dataclass
class Answer:
    """An application's answer; if `connection.ended` is set, a client would not have received it."""

    connection: Connection = field(default_factory=Connection)
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def answer(application: Application, method: str, target: bytes, headers: RawHeaders, body: bytes) -> Answer:
    """Call the application with a request; `target` is the encoded path and query."""
    return call(application, environment(method, target, headers, body), Connection())


def call(application: Application, environ: dict[str, Any], connection: Connection) -> Answer:
    """Call the application with the environment of a request."""
    answered = Answer(connection)

    def start_response(status: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], None]:
        answered.status, answered.headers = int(status[:3]), headers
        return lambda data: None

    environ["mockserver.connection"] = connection
    pieces = application(environ, start_response)
    try:
        answered.body = b"".join(pieces)
    finally:
        getattr(pieces, "close", lambda: None)()
    return answered


def environment(method: str, target: bytes, headers: RawHeaders, body: bytes) -> dict[str, Any]:
    """The environment of a request."""
    path, _, query = target.partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "REQUEST_URI": target.decode("latin-1"),
        "SERVER_NAME": "host.invalid",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        _add_header(environ, name, value, len(body))
    return environ


def _add_header(environ: dict[str, Any], name: bytes, value: bytes, length: int) -> None:
    """Add a header as the server does: join repeated ones, drop names with an underscore, set the body's length."""
    if name.lower() in _OF_THE_CONNECTION:
        environ["CONTENT_LENGTH"] = str(length)
    elif b"_" not in name:
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        text = value.decode("latin-1").strip(" \t")
        environ[key] = f"{environ[key]}, {text}" if key in environ else text


class _Handler(urllib.request.BaseHandler):
    """Answer http requests with an application; urllib tries it before its own handlers.

    In a child made by `os.fork` it declines, and urllib connects to the server of the parent.
    """

    handler_order = 100

    def __init__(self, application: Application) -> None:
        self._application = application
        self._process = os.getpid()

    def http_open(self, request: urllib.request.Request) -> urllib.response.addinfourl | None:
        if self._process != os.getpid():
            return None
        headers = [(name.encode(), value.encode()) for name, value in request.header_items()]
        content = request.data if isinstance(request.data, bytes) else b""
        answered = answer(self._application, request.get_method(), request.selector.encode(), headers, content)
        message = email.message.Message()
        for name, value in answered.headers:
            message[name] = value
        response = urllib.response.addinfourl(io.BytesIO(answered.body), message, request.full_url, answered.status)
        response.msg = ""  # type: ignore[attr-defined]  # urllib reads it, as of an http.client response
        return response


def opener(application: Application) -> urllib.request.OpenerDirector:
    """Build an opener for urllib that calls the application, whatever host a URL names."""
    return urllib.request.build_opener(_Handler(application), urllib.request.ProxyHandler({}))
