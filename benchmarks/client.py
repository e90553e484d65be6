"""A small client for sequential work, the same for every server: `python -S client.py < plan.json`.

It talks over one kept-alive socket and does no more for an answer than to find its end, because the time of a suite
should be the server's. It imports nothing of the project. A plan is `{"port", "number", "rounds", "setup", "calls",
"id_pattern"}`; calls are as `benchmarks.peers.Call` describes them. It says `ready` when it has read the
plan, waits for the server to listen, carries the plan out, and prints one line of JSON: when the first right create was
answered and when the last call was (both by the system's monotonic clock), for each call the seconds that it took, and
how often it was answered as it should be.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from typing import Any

Call = dict[str, Any]

NUMBER = "@@@@@@@@"
ID = "@ID@"


class Connection:
    """A connection that is opened again whenever the server has closed it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None
        self.rest = b""

    def open(self, deadline: float) -> socket.socket:
        """Connects, waiting until somebody listens."""
        while True:
            try:
                opened = socket.create_connection(("127.0.0.1", self.port), timeout=30)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.rest = opened, b""
        return opened

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer to a request."""
        (self.socket or self.open(time.monotonic() + 5)).sendall(request)
        head = self.until(b"\r\n\r\n")
        status, fields = int(head[9:12]), head.lower()
        found = re.search(rb"\r\ncontent-length: *(\d+)", fields)
        if found:
            body = self.exactly(int(found[1]))
        elif b"\r\ntransfer-encoding: chunked" in fields:
            body = self.chunks()
        else:
            body = b"" if status == 204 else self.everything()
        if fields.startswith(b"http/1.0") or b"\r\nconnection: close" in fields:
            self.close()
        return status, body

    def until(self, end: bytes) -> bytes:
        """What comes before `end`, which is passed over."""
        while end not in self.rest:
            self.receive()
        piece, _, self.rest = self.rest.partition(end)
        return piece

    def exactly(self, length: int) -> bytes:
        """The next bytes."""
        while len(self.rest) < length:
            self.receive()
        piece, self.rest = self.rest[:length], self.rest[length:]
        return piece

    def chunks(self) -> bytes:
        """A chunked body."""
        body = b""
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            body += self.exactly(size)
            self.exactly(2)
        self.until(b"\r\n")
        return body

    def everything(self) -> bytes:
        """What comes until the server closes."""
        try:
            while True:
                self.receive()
        except ConnectionError:
            body, self.rest = self.rest, b""
            self.close()
            return body

    def receive(self) -> None:
        """Some more bytes; ConnectionError at the end."""
        data = self.socket.recv(65536) if self.socket else b""
        if not data:
            raise ConnectionError("the server closed the connection")
        self.rest += data

    def close(self) -> None:
        """Closes; the next request opens anew."""
        if self.socket:
            self.socket.close()
        self.socket = None


def rendered(call: Call, port: int, number: str, task: str) -> bytes:
    """A call as the bytes of a request."""
    path, body = (call[part].replace(NUMBER, number).replace(ID, task) for part in ("path", "body"))
    fields = {**call["headers"], "Host": f"127.0.0.1:{port}"}
    if body:
        fields["Content-Length"] = str(len(body.encode()))
    head = "".join(f"{name}: {value.replace(NUMBER, number)}\r\n" for name, value in fields.items())
    return f"{call['method']} {path} HTTP/1.1\r\n{head}\r\n{body}".encode()


def carry_out(plan: dict[str, Any], connection: Connection) -> dict[str, Any]:
    """Does what the plan says; the times of each call, how many did what they should, and when the first was done."""
    port, pattern = plan["port"], re.compile(plan["id_pattern"].encode())
    seconds: dict[str, list[float]] = {}
    passed: dict[str, int] = {}
    first = 0.0

    def ask(call: Call, number: str, task: str) -> bytes:
        nonlocal first
        request = rendered(call, port, number, task)
        begun = time.perf_counter()
        status, body = connection.ask(request)
        seconds.setdefault(call["name"], []).append(time.perf_counter() - begun)
        expected = call["contains"].replace(NUMBER, number).replace(ID, task).encode()
        held = status in call["statuses"] and expected in body
        passed[call["name"]] = passed.get(call["name"], 0) + held
        if held and not first and call["name"] == "create":
            first = time.monotonic()
        if call["each"]:
            for found in pattern.findall(body):
                connection.ask(
                    rendered({**call, "method": call["each"], "path": f"{call['path']}/{ID}"}, port, "", found.decode())
                )
        return body

    for call in plan["setup"]:
        ask(call, "", "")
    for number in range(plan["number"], plan["number"] + plan["rounds"]):
        text = f"{number:08d}"
        task = text
        for call in plan["calls"]:
            body = ask(call, text, task)
            if call["name"] == "create" and (found := pattern.search(body)):
                task = found[1].decode()
    return {"first": first, "last": time.monotonic(), "seconds": seconds, "passed": passed}


def main() -> None:
    """Reads a plan from standard input, and prints what came of it."""
    plan = json.loads(sys.stdin.readline())
    print("ready", flush=True)
    connection = Connection(plan["port"])
    connection.open(time.monotonic() + 60)
    print(json.dumps(carry_out(plan, connection)), flush=True)


if __name__ == "__main__":
    main()
