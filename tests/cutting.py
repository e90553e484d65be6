"""A proxy before PostgreSQL that cuts connections: at a moment, or at a commit."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from pathlib import Path
from typing import Literal

# The frontend's messages Parse and Bind: https://www.postgresql.org/docs/current/protocol-message-formats.html
_PARSED_COMMIT = re.compile(rb"P....(s[0-9]+)\0COMMIT\0", re.DOTALL)
_COMPLETE = b"COMMIT\0"  # in the answer to a commit

Moment = Literal["before", "after"]


class Proxy:
    """Listens on `port`, and passes on what it receives to the socket of a server in a folder."""

    def __init__(self, folder: Path) -> None:
        self._server = str(folder / ".s.PGSQL.5432")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._cut: Moment | None = None
        self._mark = b""
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at_the_commit(self, mark: str, moment: Moment) -> None:
        """Cut the connection on which a text and then a commit is sent: before the commit arrives, or its answer."""
        self._mark, self._cut = mark.encode(), moment

    def has_cut(self) -> bool:
        """Test if the commit was met."""
        return self._cut is None

    def cut_all(self) -> None:
        """Cut all connections now."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)

    def close(self) -> None:
        self._listener.close()
        self.cut_all()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                pair = client, server
                try:
                    server.connect(self._server)
                except OSError:
                    self._end(pair)
                    continue
                with self._lock:
                    self._pairs.add(pair)
                committing = threading.Event()
                for line in ((self._forward, pair, committing), (self._backward, pair, committing)):
                    threading.Thread(target=line[0], args=line[1:], daemon=True).start()

    def _forward(self, pair: tuple[socket.socket, socket.socket], committing: threading.Event) -> None:
        name, is_marked = b"", False
        with contextlib.suppress(OSError):
            while data := pair[0].recv(1 << 20):
                if found := _PARSED_COMMIT.search(data):
                    name = found[1]
                is_marked = is_marked or (self._cut is not None and self._mark in data)
                if self._cut and is_marked and name and b"\0" + name + b"\0" in data:
                    if self._cut == "before":
                        self._cut = None
                        break
                    committing.set()
                pair[1].sendall(data)
        self._end(pair)

    def _backward(self, pair: tuple[socket.socket, socket.socket], committing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := pair[1].recv(1 << 20):
                if committing.is_set() and _COMPLETE in data:
                    self._cut = None
                    break
                pair[0].sendall(data)
        self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            self._pairs.discard(pair)
        for each in pair:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
