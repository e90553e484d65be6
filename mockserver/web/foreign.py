"""Other WSGI servers, such as those of `flask run` and gunicorn: one process, and connections that faults can break."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wrappers import Response

from mockserver.errors import InternalServerError, NotImplementedByServer
from mockserver.formats import json as wire_json

_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


def refuse_processes(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer 500 where several processes serve one application: each has a world of its own."""
    error = InternalServerError(
        "Several worker processes serve this mock, and each would have sandboxes of its own. Run one process with "
        "threads: gunicorn --workers 1 --threads 64, or vambe-mock serve"
    )
    answer = Response(wire_json.encode(error.document()), error.status, content_type="application/json")
    return answer(environ, start_response)


class SocketConnection:
    """The connection of a request, as `server.answering.ConnectionControl`, where the server shows its socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, data: bytes) -> None:
        """Send raw bytes before any answer."""
        with contextlib.suppress(OSError):  # the client has gone
            self._connection.sendall(data)

    def close(self) -> None:
        """Close in good order."""
        self._end()

    def abort(self) -> None:
        """Reset the connection."""
        with contextlib.suppress(OSError):
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._end()

    def _end(self) -> None:
        """Replace the socket under its descriptor by a dead one: the server, which owns it, finds it broken."""
        dead, other = socket.socketpair()
        other.close()
        with dead:
            os.dup2(dead.fileno(), self._connection.fileno(), inheritable=False)


def client_gone(environ: dict[str, Any]) -> Callable[[], bool]:
    """A function that tells if the client of a request has gone, as far as the server knows."""
    gone: Callable[[], bool] = getattr(environ.get("mockserver.connection"), "gone", lambda: False)
    return gone


def connection_of(environ: dict[str, Any]) -> Any:
    """The connection of a request, for faults that break it. Raises NotImplementedByServer where there is no way."""
    if own := environ.get("mockserver.connection"):
        return own
    found = environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
    if found is None or os.name == "nt":
        raise NotImplementedByServer("This WSGI server does not let an application break a connection: run vambe-mock")
    return SocketConnection(found)
