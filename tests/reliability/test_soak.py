"""A server in use for long, by clients good and bad: it takes no more after many requests than after the first tenth.

The clients create, list, change and delete; are refused; break off in the middle of a request, or before its answer;
follow events and leave; set faults and meet them; take snapshots, restore them, and reset. All of it is drawn from a
seed. The server has fewer threads than there are clients, and all of them are there from the beginning.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support import ALL_TIME, CARLOS, CONTACT, MARIA, OTHER_CONTACT, wait_until

from reliability.processes import LOST, PATIENCE_S, TASKS, Answer, Client, Process, crowd, sizes

CLIENTS, SANDBOXES, THREADS = 8, 4, 4
JOURNAL_LIMIT = 50  # the first tenth fills the journals, and so the caches of their pages
MEMORY_KIB = 5 * 1024
LOG_BYTES = 16 * 1024 * 1024
CROWDED = "crowded"
MAX_TASKS = 12  # that a client has of its own

TEAM = "/api/public/team-members/all"
EXPECTED = (200, 201, 400, 401, 404, 409, 503)
PARTS_BUT_JOURNAL = ["tasks", "faults", "clock", "ids", "settings"]
TASK = {"title": "Call the client", "responsibleIds": [MARIA, CARLOS], "priority": "1", "aiContactId": CONTACT}
FAULTS: list[dict[str, Any]] = [
    {"status": 503},
    {"when": "after", "status": 503},
    {"delay_ms": 5},
    {"when": "after", "connection": "reset"},
    *({"connection": way} for way in ("reset", "empty", "truncate", "garbage")),
]
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Visitor:
    """A client of a sandbox that it shares with others; `largest` is the largest write-ahead log that it has seen."""

    def __init__(self, server: Process, number: int) -> None:
        self.sandbox = f"soak{number % SANDBOXES}"
        self.largest = 0
        self._server = server
        self._log = Path(f"{server.database}-wal")
        self._draw = random.Random(number)
        self._ids: list[str] = []
        self._left = 0
        self._client: Client
        # The journal of one sandbox goes on from the beginning to the end.
        self._reset: Any = {"only": PARTS_BUT_JOURNAL} if self.sandbox == "soak0" else {}

    def look_around(self, times: int) -> None:
        """Only read, so many times, what takes long to read, and leave."""
        with self._server.client(CROWDED) as client:
            for _ in range(times):
                client.asked("state")

    def visit(self, requests: int) -> None:
        """Send so many requests, and leave."""
        self._left = requests
        acts, weights = zip(*_WEIGHTS.items(), strict=True)
        with self._server.client(self.sandbox) as self._client:
            while self._left > 0:
                (act,) = self._draw.choices(acts, weights)
                act(self)

    def _call(self, method: str, path: str, body: object = None, **headers: str) -> Answer | None:
        """The answer, or None when a fault has broken it."""
        self._count()
        with contextlib.suppress(*LOST):
            answer = self._client.call(method, path, body, **headers)
            assert answer.status in EXPECTED, answer
            return answer
        return None

    def _count(self) -> None:
        self._left -= 1
        self.largest = max(self.largest, self._log.stat().st_size)

    def _create(self) -> None:
        answer = self._call("POST", TASKS, TASK)
        if answer and answer.status == 201:
            self._ids.append(answer.json()["id"])
        if len(self._ids) > MAX_TASKS:
            self._delete()

    def _update(self) -> None:
        if self._ids:
            fields = {"title": str(self._left), "aiContactId": self._draw.choice([None, CONTACT, OTHER_CONTACT])}
            self._call("PUT", f"{TASKS}/{self._draw.choice(self._ids)}", fields)

    def _delete(self) -> None:
        if self._ids:
            self._call("DELETE", f"{TASKS}/{self._ids.pop(0)}")

    def _list(self) -> None:
        self._call("GET", f"{TASKS}?" + "&".join(f"{name}={text}" for name, text in ALL_TIME.items()))

    def _be_refused(self) -> None:
        self._call("POST", TASKS, {"title": ""})
        self._call("GET", TEAM, **{"x-api-key": "stranger"})

    def _meet_a_fault(self) -> None:
        self._call("POST", "/__admin/faults", {"match": {"operation": "createTask"}, **self._draw.choice(FAULTS)})
        self._create()

    def _start_over(self) -> None:
        self._call("POST", "/__admin/reset", self._reset)

    def _go_back(self) -> None:
        name = f"s{self._draw.randrange(100)}"
        self._call("POST", "/__admin/snapshots", {"name": name})
        self._create()
        self._call("POST", f"/__admin/snapshots/{name}/restore")
        self._call("DELETE", f"/__admin/snapshots/{name}")

    def _look_back(self) -> None:
        self._call("GET", "/__admin/requests?limit=10")
        self._call("POST", "/__admin/requests/verify", {"request": {"status": 418}, "timeout_ms": 5})

    def _break_off(self) -> None:
        """Send a request, or a part of one, and go without its answer."""
        body = b'{"title": "Call", "responsibleIds": ["%s"], "priority": "1"}' % MARIA.encode()
        request = self._head("POST", TASKS, f"content-length: {len(body)}") + body
        with self._connection() as connection:
            connection.sendall(request[: self._draw.choice([20, len(request) - 10, len(request)])])
            if self._draw.random() < 0.5:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def _follow(self) -> None:
        """Begin to follow the sandbox's events, and leave."""
        with self._connection() as connection:
            connection.sendall(self._head("GET", "/__admin/events", "accept: text/event-stream"))
            connection.recv(4096)

    def _connection(self) -> socket.socket:
        self._count()
        host, _, port = self._server.url.removeprefix("http://").partition(":")
        return socket.create_connection((host, int(port)), timeout=PATIENCE_S)

    def _head(self, method: str, path: str, *more: str) -> bytes:
        key = f"x-api-key: test_{self.sandbox}"
        lines = [f"{method} {path} HTTP/1.1", "host: localhost", "content-type: application/json", key, *more]
        return "\r\n".join([*lines, "", ""]).encode()


_WEIGHTS: dict[Callable[[Visitor], None], float] = {
    Visitor._create: 30,
    Visitor._update: 20,
    Visitor._delete: 15,
    Visitor._list: 15,
    Visitor._break_off: 4,
    Visitor._be_refused: 3,
    Visitor._meet_a_fault: 3,
    Visitor._go_back: 0.7,
    Visitor._start_over: 0.5,
    Visitor._look_back: 0.5,
    Visitor._follow: 0.2,
}


class Use(NamedTuple):
    """The resources that a process uses."""

    memory_kib: int
    files: int
    threads: int


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system has no /proc to ask")
@sizes("requests", 3_000, 200_000)
def test_a_server_takes_no_more_for_being_in_use_for_long(
    requests: int, tmp_path: Path, figures: Callable[..., None]
) -> None:
    with Process(tmp_path, "--journal-limit", JOURNAL_LIMIT, "--threads", THREADS) as server:
        visitors = [Visitor(server, number) for number in range(CLIENTS)]
        # The server starts threads when they are needed, and each keeps what it opens when it reads, and its caches.
        with server.client(CROWDED) as client:
            crowd(client, TASK, 500)
        _at_once(visitors, lambda visitor: visitor.look_around(15))
        begun = time.monotonic()
        _at_once(visitors, lambda visitor: visitor.visit(requests // 10 // CLIENTS))
        first = _use_at_rest(server)
        _at_once(visitors, lambda visitor: visitor.visit((requests - requests // 10) // CLIENTS))
        seconds = time.monotonic() - begun
        last = _use_at_rest(server)
        with server.client("soak0") as client:
            journal = client.asked("requests")
    largest = max(visitor.largest for visitor in visitors)
    figures(requests=requests, requests_per_s=round(requests / seconds), after_a_tenth=first, at_the_end=last)
    figures(largest_log_kib=largest // 1024, journal=(journal["total"], journal["dropped"]))
    assert (last.files, last.threads) == (first.files, first.threads)
    assert last.memory_kib - first.memory_kib <= MEMORY_KIB
    assert largest < LOG_BYTES
    assert journal["total"] == JOURNAL_LIMIT
    assert journal["dropped"] > 0
    assert "Traceback" not in server.log.read_text()


def _at_once(visitors: list[Visitor], work: Callable[[Visitor], None]) -> None:
    with ThreadPoolExecutor(len(visitors)) as pool:
        list(pool.map(work, visitors))


def _use_at_rest(server: Process) -> Use:
    """The resources of the server after it has closed all connections; the socket it listens on is left."""
    process = Path(f"/proc/{server.process.pid}")

    def files() -> list[str]:
        files = []
        for file in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                files.append(str(file.readlink()))
        return files

    # The socket that listens, and the pair that wakes the loop.
    wait_until(lambda: sum(file.startswith("socket:") for file in files()) == 3, PATIENCE_S)
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Use(int(status["VmRSS"].split()[0]), len(files()), int(status["Threads"]))
