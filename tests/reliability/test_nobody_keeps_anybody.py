"""Clients that do not read, that hold every place, and that go away: all others are answered all the same."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import MARIA, Api, assert_error, command, wait_until

from mockserver import serving
from mockserver.config import Settings
from mockserver.sandbox import waiting
from mockserver.server import loop
from mockserver.testing import MockServer, VambeMock
from reliability.processes import Process

TASKS = "/api/public/tasks?responsibleIds=&fromDate=0001-01-01&toDate=9999-12-31"
LIST = f"GET {TASKS} HTTP/1.1\r\nHost: localhost\r\nx-api-key: test_hog\r\n".encode()
SMALL = 4096  # bytes that a client's socket takes before somebody reads them
GIVE_UP_S = 0.1
ATTEMPTS = 3  # of which one counts: the machine may be busy with something else, but a held thread delays every time


@pytest.fixture
def files() -> Iterator[None]:
    """Room for both ends of a thousand connections."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("too few files may be open")
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def actor(url: str, name: str) -> Iterator[Api]:
    api = Api(url, f"test_{name}")
    with api.client:
        yield api


@contextlib.contextmanager
def started(**settings: Any) -> Iterator[serving.BoundServer]:
    with serving.bound_server(Settings(port=0, **settings)) as opened:
        opened.server.start()
        yield opened


def connect(url: str, buffer: int | None = None) -> socket.socket:
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    host, port = url.removeprefix("http://").split(":")
    connection.settimeout(20)
    connection.connect((host, int(port)))
    return connection


def slowest(requests: int, api: Api) -> float:
    """The seconds that 99 of 100 requests stay within."""
    seconds = []
    for number in range(requests):
        begun = time.monotonic()
        answer = api.list() if number % 2 else api.create()
        assert answer.is_success
        seconds.append(time.monotonic() - begun)
    return statistics.quantiles(seconds, n=100)[98]


def entries(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.client.get("/__admin/requests").raise_for_status().json()["requests"]
    return found


def test_clients_that_pipeline_and_read_nothing_stop_nobody(figures: Callable[..., None]) -> None:
    with started(threads=8) as opened, contextlib.ExitStack() as stack:
        url, connections = opened.server.url, opened.server.loop.active_channels
        hog, other = stack.enter_context(actor(url, "hog")), stack.enter_context(actor(url, "other"))
        for _ in range(40):
            hog.created(dueDate="2026-01-01", description="y" * 20_000)
        for _ in range(64):
            stack.enter_context(connect(url, SMALL)).sendall((LIST + b"\r\n") * 40)
        wait_until(lambda: len([each for each in connections.values() if each.total_outbufs_len]) >= 60)
        p99 = slowest(100, other)
        unsent = sum(each.total_outbufs_len for each in list(connections.values()))
        assert unsent < 64 * 1_000_000  # one answer each, not forty
        assert p99 < 1
        figures(p99_ms=round(p99 * 1000, 1), unsent_mib=round(unsent / 1_048_576, 1))


def test_answers_that_nobody_reads_are_bounded_and_the_oldest_connection_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "UNSENT_BYTES", 5_000_000)
    with started() as opened, contextlib.ExitStack() as stack:
        url, connections = opened.server.url, opened.server.loop.active_channels
        hog = stack.enter_context(actor(url, "hog"))
        for _ in range(250):
            hog.created(dueDate="2026-01-01", description="y" * 20_000)

        def unsent_to(address: object) -> bool:
            return any(each.addr == address and each.total_outbufs_len for each in list(connections.values()))

        held = [stack.enter_context(connect(url, SMALL)) for _ in range(6)]
        for connection in held:
            connection.sendall(LIST + b"\r\n")
            address = connection.getsockname()
            wait_until(lambda address=address: unsent_to(address))
        wait_until(lambda: sum(each.total_outbufs_len for each in list(connections.values())) <= 11_000_000)
        with pytest.raises(ConnectionResetError):
            while held[0].recv(1_000_000):
                pass
        last = b""
        while len(last) < 2_000_000:
            last += held[-1].recv(1_000_000)
        assert last.startswith(b"HTTP/1.1 200 ")


def test_at_the_limit_the_connection_that_was_idle_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "connection_limit", lambda _: 6)
    with started() as opened, contextlib.ExitStack() as stack:
        taken = opened.server.loop.active_channels
        connections = [stack.enter_context(connect(opened.server.url)) for _ in range(6)]
        for connection in connections:
            connection.sendall(LIST + b"\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        for _ in range(40):
            pair = [stack.enter_context(connect(opened.server.url)) for _ in range(2)]
            ports = {good.getsockname()[1] for good in pair}
            wait_until(lambda ports=ports: ports <= {each.addr[1] for each in list(taken.values())})
            for good in pair:
                good.sendall(LIST + b"\r\n")
                assert good.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert connections[0].recv(1) == b""


def test_where_all_connections_are_busy_a_new_one_gets_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "connection_limit", lambda _: 2)
    with started() as opened, contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(connect(opened.server.url)).sendall(LIST + b"Prefer: delay=60000\r\n\r\n")
        wait_until(lambda: opened.engine.waiting.is_awaited("hog") and len(opened.server.loop.active_channels) == 2)
        answer = httpx.get(f"{opened.server.url}/__admin/health", trust_env=False)
        assert_error(answer, 503)
        assert answer.headers["X-Mock-Limit"] == "connections"


def test_with_256_open_files_every_request_is_answered(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def create(number: int) -> int:
        with actor(server.url, f"sandbox-{number}") as api:  # on a connection of its own
            return api.create().status_code

    with (
        Process(tmp_path, limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))) as server,
        contextlib.ExitStack() as stack,
        ThreadPoolExecutor(32) as pool,
    ):
        for _ in range(300):
            stack.enter_context(connect(server.url))
        assert set(pool.map(create, range(200))) == {201}
        assert "Traceback" not in server.log.read_text()


def test_clients_that_have_gone_give_back_the_places_of_their_delays() -> None:
    with started(threads=4, max_delayed=4) as opened, actor(opened.server.url, "a") as api:
        api.client.patch("/__admin/settings", json={"delay_ms": 60_000}).raise_for_status()
        for _ in range(40):
            with actor(api.url, "a") as impatient, pytest.raises(httpx.ReadTimeout):
                impatient.client.get("/api/public/tasks", timeout=GIVE_UP_S)
        assert [entry["state"] for entry in entries(api)] == ["pending"] * 40
        wait_until(lambda: len(opened.server.loop.active_channels) == 1)


def test_the_delays_of_clients_that_have_gone_are_limited_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MAX_ABANDONED", 3)
    with started(max_delayed=2) as opened, actor(opened.server.url, "a") as api:
        api.client.patch("/__admin/settings", json={"delay_ms": 60_000}).raise_for_status()
        for _ in range(5):
            with actor(api.url, "a") as impatient, pytest.raises(httpx.ReadTimeout):
                impatient.client.get("/api/public/tasks", timeout=GIVE_UP_S)
        refused = api.client.get("/api/public/tasks")
        assert_error(refused, 503, "Too many requests whose clients have gone are delayed")
        assert refused.headers["X-Mock-Limit"] == "max-delayed"


def test_clients_that_have_gone_give_back_the_places_of_their_verifications() -> None:
    with started(threads=4) as opened, actor(opened.server.url, "a") as api:
        look = {"request": {"operation": "createTask"}, "timeout_ms": 60_000}
        for _ in range(10):
            with actor(api.url, "a") as impatient, pytest.raises(httpx.ReadTimeout):
                impatient.client.post("/__admin/requests/verify", json=look, timeout=GIVE_UP_S)
        assert api.client.post("/__admin/requests/verify", json={**look, "timeout_ms": 1}).status_code == 409


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delayed_request_whose_client_has_gone_is_carried_out_and_abandoned(when: str) -> None:
    with started(threads=4) as opened, actor(opened.server.url, "a") as api:
        rule = {"when": when, "delay_ms": 400, "match": {"operation": "createTask"}}
        api.client.post("/__admin/faults", json=rule).raise_for_status()
        with actor(api.url, "a") as impatient, pytest.raises(httpx.ReadTimeout):
            body = {"title": "left", "responsibleIds": [MARIA], "priority": "1"}
            impatient.client.post("/api/public/tasks", json=body, timeout=GIVE_UP_S)
        wait_until(lambda: entries(api)[0]["state"] != "pending")
        (entry,) = entries(api)
        assert (entry["state"], entry["response"]["status"]) == ("abandoned", 201)  # its answer, had it waited
        assert [change["resource"] for change in entry["changes"]] == ["task"]
        assert [task["title"] for task in api.listed()] == ["left"]
        page = api.client.get("/__admin/console/requests/1?sandbox=a").text
        assert "Its client closed the connection before it was answered with 201." in page
        for status, is_listed in (("abandoned", True), ("2xx", False)):
            page = api.client.get(f"/__admin/console/requests?sandbox=a&status={status}").text
            assert ('<td class="status bad">abandoned</td>' in page) == is_listed
        printed = command("requests", "--url", api.url, "--sandbox", "a").stdout
        assert printed.startswith("#1  09:00:00  POST /api/public/tasks  abandoned  (createTask)\n")


@pytest.mark.usefixtures("files")
def test_a_thousand_delayed_requests_hold_no_thread_and_delay_nobody(figures: Callable[..., None]) -> None:
    before = threading.active_count()
    with started() as opened, contextlib.ExitStack() as stack:
        url = opened.server.url
        delayed, other = stack.enter_context(actor(url, "hog")), stack.enter_context(actor(url, "other"))
        delayed.listed()
        connections = [stack.enter_context(connect(url)) for _ in range(1000)]
        for connection in connections:
            connection.sendall(LIST + b"Prefer: delay=60000\r\n\r\n")
        wait_until(lambda: len(entries(delayed)) == 1000)
        threads = threading.active_count() - before
        p99 = min(slowest(200, other) for _ in range(ATTEMPTS))
        delayed.client.post("/__admin/reset", json={"only": ["faults", "tasks"]}).raise_for_status()
        for connection in connections:
            assert connection.recv(65_536).startswith(b"HTTP/1.1 503 ")
        assert threads < 20
        assert p99 < 0.1
        figures(threads=threads, p99_ms=round(p99 * 1000, 1))


def test_delays_in_process_hold_no_thread_of_the_server_either() -> None:
    async def calls(sandbox: VambeMock) -> list[int]:
        async with httpx.AsyncClient(transport=sandbox.transport, base_url=sandbox.base_url) as client:
            headers = {"x-api-key": sandbox.api_key, "prefer": "delay=300"}
            answers = await asyncio.gather(*(client.get(TASKS, headers=headers) for _ in range(40)))
        return [answer.status_code for answer in answers]

    with MockServer(threads=2) as sandbox:
        begun = time.monotonic()
        assert asyncio.run(calls(sandbox)) == [200] * 40
        assert time.monotonic() - begun < 3  # two at a time, they would take six seconds
