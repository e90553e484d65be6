"""Connections that are idle, that send half of something, and that break: good requests are answered all the same."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import MARIA, Api, wait_until

from reliability.processes import Process, sizes

EACH = 200
GOOD_S = 1.0
RECOVERED_S = 2.0
TEAM = "/api/public/team-members/all"
TASK = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}
GOOD = (("GET", TEAM, None), ("POST", "/api/public/tasks", TASK), ("GET", "/__admin/health", None))
HALF_A_HEAD = b"POST /api/public/tasks HTTP/1.1\r\nHost: localhost\r\nx-api-key: test_held\r\nContent-Ty"
HEAD = (
    b"POST /api/public/tasks HTTP/1.1\r\nHost: localhost\r\nx-api-key: test_held\r\n"
    b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n"
)
HALF_A_BODY = HEAD + b'{"title": "never whole", "responsibleIds": ['
WHOLE = b"GET /api/public/team-members/all HTTP/1.1\r\nHost: localhost\r\nx-api-key: test_held\r\n\r\n"
# What each connection of a kind has sent.
KINDS = {"idle": b"", "half a head": HALF_A_HEAD, "half a body": HALF_A_BODY, "kept alive": WHOLE}


@pytest.fixture(scope="module")
def _files() -> Iterator[None]:
    """Room for both ends of all connections; a server's process inherits it."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * len(KINDS) * EACH + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip("too few files may be open")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def server(_files: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with Process(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def api(server: Process) -> Iterator[Api]:
    """A client whose sandbox is there."""
    actor = Api(server.url, "test_held")
    with actor.client:
        assert actor.list().status_code == 200
        yield actor


def connect(api: Api) -> socket.socket:
    address = api.client.base_url
    return socket.create_connection((address.host, address.port or 0), timeout=10)


def hold(api: Api, kind: str) -> contextlib.ExitStack:
    """So many connections of a kind, which the server has taken; closing the stack ends them."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(api)) for _ in range(EACH)]
        for connection in held:
            connection.sendall(KINDS[kind])
        if kind == "kept alive":
            for connection in held:
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        return stack.pop_all()


def slowest_good_request(api: Api) -> float:
    """Seconds that the slowest of some good requests takes, each on a connection of its own."""
    seconds = []
    for method, path, body in GOOD:
        begun = time.monotonic()
        with Api(api.url, "test_good").client as client:
            assert client.request(method, path, json=body).status_code in (200, 201)
        seconds.append(time.monotonic() - begun)
    return max(seconds)


def sockets(server: Process) -> int:
    """The number of sockets that the server's process has open."""
    folder = Path(f"/proc/{server.process.pid}/fd")
    if not folder.is_dir():
        pytest.skip("this system does not list the files of another process")
    targets = []
    for link in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            targets.append(str(link.readlink()))
    return sum(target.startswith("socket:") for target in targets)


@pytest.mark.parametrize("kinds", [*([kind] for kind in KINDS), list(KINDS)], ids=[*KINDS, "all at once"])
def test_a_good_request_is_answered_within_a_second_whatever_others_hold(
    kinds: list[str], server: Process, api: Api, figures: Callable[..., None]
) -> None:
    before = sockets(server)
    state = api.state()
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(hold(api, kind))
        wait_until(lambda: sockets(server) >= EACH * len(kinds))  # one of `before` may have been about to close
        slowest = slowest_good_request(api)
        assert slowest < GOOD_S
        held = sockets(server)
    ended = time.monotonic()
    wait_until(lambda: sockets(server) <= before + 1, RECOVERED_S)
    recovered = time.monotonic() - ended
    assert slowest_good_request(api) < GOOD_S
    assert api.state() == state
    assert "Traceback" not in server.log.read_text()
    figures(held=held - before, slowest_good_s=round(slowest, 3), recovered_s=round(recovered, 3))


def reset_in_mid_body(api: Api) -> None:
    """Send half a body, which the server has been waiting for, and reset the connection (TCP RST)."""
    with connect(api) as connection:
        connection.sendall(HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(HALF_A_BODY.removeprefix(HEAD))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii" if os.name != "nt" else "hh", 1, 0))


@sizes("count", 1_000, 20_000)
def test_resets_in_mid_body_write_nothing_and_are_no_error(
    count: int, server: Process, api: Api, figures: Callable[..., None]
) -> None:
    before = sockets(server)
    state, entries = api.state(), api.client.get("/__admin/requests").json()["total"]
    logged = len(server.log.read_text())
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(reset_in_mid_body, api) for _ in range(count)]:
            done.result()
    assert slowest_good_request(api) < GOOD_S
    wait_until(lambda: sockets(server) <= before + 1, RECOVERED_S)
    seconds = time.monotonic() - begun
    assert api.state() == state
    assert api.client.get("/__admin/requests").json()["total"] == entries
    lines = server.log.read_text()[logged:].splitlines()
    assert [line for line in lines if "ERROR" in line or "WARNING" in line or "Traceback" in line] == []
    assert sum("POST /api/public/tasks aborted" in line for line in lines) == count
    figures(resets=count, seconds=round(seconds, 2))
