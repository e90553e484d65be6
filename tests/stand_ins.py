"""Stand-ins for a vendor that answer whatever a test wants them to, byte for byte, and the end of a run against one."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import parse_headers
from typing import Any, NamedTuple


class Ended(NamedTuple):
    """The end of a run of `vambe-mock conform`: its exit code, and its two outputs."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)

    @property
    def rules(self) -> dict[str, dict[str, Any]]:
        return self.json["rules"]


@dataclass
class Seen:
    """A request as a stand-in has read it, and the number of its connection."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class StandIn:
    """A stand-in: its URL, and the requests that came."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)


Reply = Callable[[Seen], bytes | None]


def answer(status: int, body: Any = b"", **headers: str) -> bytes:
    """The bytes of an answer; a body that is not bytes is JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"content-type": "application/json; charset=utf-8", "content-length": str(len(content))}
    lines |= {name.replace("_", "-"): text for name, text in headers.items()}
    head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
    return f"HTTP/1.1 {status} Any\r\n{head}\r\n".encode() + content


def changed(record: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The record with other members; those that are `...` are missing."""
    return {key: value for key, value in {**record, **members}.items() if value is not ...}


def in_turn(*answers: bytes | None) -> Reply:
    """A reply that gives these answers in turn, the last one again and again; None closes the connection."""
    left = list(answers)
    return lambda seen: left.pop(0) if len(left) > 1 else left[0]


@contextlib.contextmanager
def standing_in(reply: Reply, *, keeps: bool = True) -> Iterator[StandIn]:
    """A stand-in that answers each request by `reply`; it keeps connections whose answers are whole."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stand_in = StandIn(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def serve() -> None:
            with contextlib.suppress(OSError):
                for number in range(1_000_000):
                    connection, _ = listener.accept()
                    stand_in.connections.append(connection)
                    with connection, contextlib.suppress(OSError):
                        _converse(connection, number, stand_in.seen, reply, keeps)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield stand_in
        finally:
            for each in (listener, *stand_in.connections):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)


def _converse(connection: socket.socket, number: int, seen: list[Seen], reply: Reply, keeps: bool) -> None:
    with connection.makefile("rb") as stream:
        while line := stream.readline().decode():
            method, target, _ = line.split()
            headers = {name.lower(): text for name, text in parse_headers(stream).items()}
            body = stream.read(int(headers.get("content-length", 0)))
            seen.append(Seen(method, target, headers, body, number))
            sent = reply(seen[-1])
            if sent:
                connection.sendall(sent)
            if not (sent and keeps):
                return
