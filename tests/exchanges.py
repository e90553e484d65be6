"""Requests as they are sent and their answers byte for byte, for tests whose cases are data."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

DATA = Path(__file__).parent / "data"
# What a client sees of a connection that breaks before there is an answer to read.
BROKEN = (ConnectionResetError, http.client.RemoteDisconnected, http.client.BadStatusLine)


class Request(NamedTuple):
    """A request; a `body` of None is none, and gets no `Content-Length`."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None = None

    def framed(self) -> dict[str, str]:
        """The headers, with those that a client adds."""
        headers = {"Host": "localhost"} | self.headers
        if self.body is not None and "Transfer-Encoding" not in headers:
            headers["Content-Length"] = str(len(self.body))
        return headers

    def encoded(self) -> bytes:
        """The bytes of the wire."""
        headers = (f"{name}: {value}" for name, value in self.framed().items())
        lines = [f"{self.method} {self.target} HTTP/1.1", *headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (self.body or b"")


class Answer(NamedTuple):
    """An answer, its headers in their order; a broken connection has the status 0 and the reason of its exception."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


def received(source: Any, method: str) -> tuple[Answer, bool]:
    """Read an answer from a socket, or from an object with `makefile`; also tell if the connection ends with it."""
    with http.client.HTTPResponse(source, method=method) as response:
        try:
            response.begin()
            ends, body = response.will_close, response.read()
        except http.client.IncompleteRead as error:
            ends, body = True, error.partial
        except BROKEN as error:
            return Answer(0, type(error).__name__, [], b""), True
        return Answer(response.status, response.reason, response.getheaders(), body), ends


class Connection:
    """A connection to a server that is kept open while the server does."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).hostname, urlsplit(url).port
        self._socket: socket.socket | None = None

    def exchange(self, request: Request) -> Answer:
        """Send a request and read what comes back, also when that is less than was announced."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=10)
        # A server that has seen enough may close; what it answered can still be read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(request.encoded())
        answer, ends = received(self._socket, request.method)
        if ends:
            self.close()
        return answer

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@contextlib.contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection for the block."""
    connection = Connection(url)
    try:
        yield connection
    finally:
        connection.close()


def cases(*names: str) -> list[dict[str, Any]]:
    """The cases of these files of `data/`."""
    return [case for name in names for case in json.loads((DATA / name).read_text(encoding="utf-8"))]


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text of a case with its placeholders filled in: `{{NAME}}` by a value, `{{text*N}}` by N times that text."""
    named = re.sub(r"\{\{([A-Z_]+)\}\}", lambda found: values[found[1]], text)
    return re.sub(r"\{\{([^{}]+?)\*([0-9]+)\}\}", lambda found: found[1] * int(found[2]), named, flags=re.DOTALL)


def request_of(case: Mapping[str, Any], values: Mapping[str, str]) -> Request:
    """The request of a case that has it as parts."""
    headers = {filled(name, values): filled(value, values) for name, value in case["headers"].items()}
    body = None
    if "body_base64" in case:
        body = base64.b64decode(case["body_base64"])
    elif "body" in case:
        body = filled(case["body"], values).encode()
    return Request(filled(case["method"], values), filled(case["path"], values), headers, body)
