"""A client for sequential calls that parses no more of an answer than it needs to find its end."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator

from benchmarks.servers import KEY, NUMBER, TASK_ID, Call

_PATIENCE_S = 60
_ID = re.compile(rb'"id":\s*"?([\w-]+)')


def rendered(text: str, number: str, key: str = "bench", task_id: str = "") -> bytes:
    """A request, or a text expected in its answer, with the placeholders replaced."""
    return text.replace(NUMBER, number).replace(KEY, key).replace(TASK_ID, task_id or number).encode()


class Client:
    """One keep-alive connection, reopened when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._task_id = ""
        self._connected = False

    def ask(self, call: Call, number: int, key: str = "bench") -> bool:
        """Make a call; True when the answer is the expected one."""
        text = f"{number:08d}"
        status, body = self._exchange(rendered(call.request, text, key, self._task_id))
        ids = [found.decode() for found in _ID.findall(body)]
        if call.name == "create":
            self._task_id = ids[0] if ids else ""
        if call.for_each:
            for task_id in ids:
                self._exchange(rendered(call.for_each.request, text, key, task_id))
        return status in call.statuses and rendered(call.contains, text) in body

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._connected:
            self._answers.close()
            self._socket.close()
        self._connected = False

    def _connect(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not self._connected:
            try:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE_S)
                self._answers = self._socket.makefile("rb")
                self._connected = True
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)

    def _exchange(self, request: bytes) -> tuple[int, bytes]:
        self._connect()
        self._socket.sendall(request)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (line := self._answers.readline()):
                raise ConnectionError("the server closed the connection before it answered")
            head += line.lower()
        if length := re.search(rb"\ncontent-length: *(\d+)", head):
            body = self._answers.read(int(length[1]))
        elif b"\ntransfer-encoding: chunked" in head:
            body = b"".join(self._chunks())
        else:
            body = b"" if head[9:12] == b"204" else self._answers.read()
        if head.startswith(b"http/1.0") or b"\nconnection: close" in head:
            self.close()
        return int(head[9:12]), body

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._answers.readline().split(b";")[0], 16):
            yield self._answers.read(size)
            self._answers.readline()
        self._answers.readline()
