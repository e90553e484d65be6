"""The process that embeds the mock: what it does to itself harms no server, and no server harms it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from support import ROOT, WITHOUT, plain_environment, wait_until

from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.engine import EXTENSION
from mockserver.testing import MockServer, VambeMock

OPEN_FILES = Path("/proc/self/fd")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    server = MockServer().start()
    yield server
    server.stop()


@pytest.fixture
def mock(server: MockServer) -> Iterator[VambeMock]:
    with server.sandbox() as mock:
        yield mock


def run(code: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, to its end."""
    environment = plain_environment(**variables)
    line = [sys.executable, *options, "-c", code]
    return subprocess.run(line, env=environment, capture_output=True, encoding="utf-8", timeout=30)


class Blocked(BaseException):
    """The exception of a library that keeps a test from the network; some are no `Exception`."""


def refuse(*_: object, **__: object) -> None:
    raise Blocked


class TestItsSockets:
    @pytest.mark.parametrize("name", ["socket.socket", "socket.getaddrinfo", "select.poll", "os.write", "os.read"])
    def test_a_connection_that_comes_while_they_are_blocked_is_answered(
        self, name: str, mock: VambeMock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        address = urlsplit(mock.base_url)
        request = b"GET /__admin/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with socket.socket() as client:
            client.settimeout(10)
            with monkeypatch.context() as patched:
                patched.setattr(name, refuse)
                client.connect((address.hostname, address.port))
                client.sendall(request)
                assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert mock.users

    @pytest.mark.parametrize("error", [RuntimeError, Blocked, SystemExit])
    def test_whatever_accepting_raises_the_server_lives(
        self, error: type[BaseException], mock: VambeMock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        raised: list[object] = []

        def fail(*_: object) -> None:
            raised.append(1)
            raise error

        with socket.socket() as client, monkeypatch.context() as patched:
            patched.setattr("mockserver.server.loop.accept", fail)
            address = urlsplit(mock.base_url)
            client.connect((address.hostname, address.port))
            wait_until(lambda: raised)
        with urllib.request.urlopen(f"{mock.base_url}/__admin/health") as answer:
            assert answer.status == 200

    def test_a_server_starts_and_answers_in_process_while_they_are_disabled(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)  # tests/guards.py sets it
        pytester.makepyfile(
            """
            import httpx, pytest

            def test_answers_in_process(vambe_mock):
                with httpx.Client(transport=vambe_mock.transport, headers=vambe_mock.headers) as client:
                    assert client.get("http://vambe/api/public/team-members/all").status_code == 200
                vambe_mock.verify("listTeamMembers", times=1)

            def test_has_no_other_socket(vambe_mock):
                with pytest.raises(Exception, match="socket"):
                    httpx.get(vambe_mock.base_url)

            @pytest.mark.enable_socket
            def test_has_sockets(vambe_mock):
                assert httpx.get(vambe_mock.base_url + "/__admin/health").status_code == 200
            """
        )
        pytester.runpytest_subprocess(*WITHOUT, "-psocket", "--disable-socket").assert_outcomes(passed=3)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
class TestItsEventLoop:
    URL = "http://vambe/api/public/team-members/all"

    def client(self, mock: VambeMock) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=mock.transport, headers=mock.headers, timeout=None)

    def test_a_request_without_a_socket_is_cancelled_at_once(self, backend: str, mock: VambeMock) -> None:
        mock.delay("listTeamMembers", ms=60_000)

        async def main() -> bool:
            async with self.client(mock) as client:
                with anyio.move_on_after(0.3) as scope:
                    await client.get(self.URL)
            return scope.cancelled_caught

        assert anyio.run(main, backend=backend)
        mock.reset()

    def test_more_than_forty_requests_without_a_socket_wait_at_the_same_time(self, backend: str) -> None:
        with MockServer(threads=256) as mock:
            fault = mock.delay("listTeamMembers", ms=60_000, times=None)
            statuses: list[int] = []

            async def send(client: httpx.AsyncClient) -> None:
                statuses.append((await client.get(self.URL)).status_code)

            async def main() -> None:
                async with self.client(mock) as client, anyio.create_task_group() as group:
                    for _ in range(90):
                        group.start_soon(send, client)
                    with anyio.fail_after(20):
                        while fault.hits < 90:
                            await anyio.sleep(0.01)
                    mock.reset()

            anyio.run(main, backend=backend)
            assert statuses == [503] * 90

    def test_a_verification_does_not_block_it(self, backend: str, mock: VambeMock) -> None:
        async def main() -> tuple[int, int]:
            counts: list[int] = []

            async def verify() -> None:
                counts.append(await mock.averify("listTeamMembers", times=1, status=200, timeout=20))
                counts.append(await mock.averify_sequence("listTeamMembers", timeout=20))

            async with self.client(mock) as client, anyio.create_task_group() as group:
                group.start_soon(verify)
                await anyio.sleep(0.01)
                await client.get(self.URL)
            return counts[0], counts[1]

        assert anyio.run(main, backend=backend) == (1, 1)
        with pytest.raises(AssertionError, match="Expected exactly 2, but the journal has 1"):
            anyio.run(partial(mock.averify, "listTeamMembers", times=2), backend=backend)

    def test_a_verification_that_waits_is_cancelled_at_once(self, backend: str, mock: VambeMock) -> None:
        async def main() -> bool:
            with anyio.move_on_after(0.1) as scope:
                await mock.averify("createTask", timeout=4)
            return scope.cancelled_caught

        begun = time.monotonic()
        assert anyio.run(main, backend=backend)
        assert time.monotonic() - begun < 3


class TestItsFiles:
    @pytest.mark.parametrize(
        ("fixtures", "server"),
        [
            ("fs, vambe_mock", "vambe_mock"),
            ("vambe_mock, fs", "vambe_mock"),
            ("fs, vambe_mock_env", "vambe_mock_env"),
            ("fs, vambe_mock_server", "vambe_mock_server.sandbox()"),
            ("fs_module, vambe_mock", "vambe_mock"),
        ],
    )
    def test_a_faked_file_system_keeps_no_request_from_its_answer(
        self, fixtures: str, server: str, pytester: pytest.Pytester
    ) -> None:
        pytester.makepyfile(
            f"""
            import pathlib
            import httpx, pytest

            @pytest.mark.parametrize("zone", ["America/Santiago", "Asia/Tokyo"])
            def test_creates({fixtures}, zone):
                assert not pathlib.Path("/usr").exists()
                with {server} as mock:
                    task = {{"title": "Call", "responsibleIds": [mock.users[0]["id"]], "priority": "1"}}
                    due = {{"dueDate": "2026-01-01", "dueTime": "10:00", "timezone": zone}}
                    with httpx.Client(base_url=mock.base_url, headers=mock.headers, verify=False) as client:
                        assert client.post("/api/public/tasks", json=task | due).status_code == 201
                    mock.reset()
                    assert mock.tasks == []
            """
        )
        pytester.runpytest_subprocess(*WITHOUT).assert_outcomes(passed=2)

    @pytest.mark.parametrize("imported", ["", "import mockserver.serving"], ids=["first", "after the first import"])
    def test_a_server_may_start_while_files_are_faked(self, imported: str, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            f"""
            import pathlib
            {imported}

            def test_starts(fs):
                from mockserver.testing import MockServer
                assert not pathlib.Path("/usr").exists()
                with MockServer(fixtures="demo") as mock:
                    assert len(mock.tasks) == 36
            """
        )
        pytester.runpytest_subprocess(*WITHOUT).assert_outcomes(passed=1)

    def test_a_server_that_runs_reads_and_writes_without_the_functions_of_os(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with MockServer() as server:
            for module in ("waitress.trigger", "waitress.wasyncore"):
                monkeypatch.setattr(f"{module}.os", None)  # as pyfakefs replaces it
            with httpx.Client(base_url=server.base_url, verify=False) as client, ThreadPoolExecutor(8) as threads:
                answers = list(threads.map(lambda _: client.get("/__admin/health").status_code, range(100)))
            assert answers == [200] * 100
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.base_url}/__admin/health", verify=False)


class TestItsThreads:
    @staticmethod
    def databases() -> int:
        """The number of databases' files that this process has open."""
        names = Counter[str]()
        for number in OPEN_FILES.iterdir():
            with contextlib.suppress(OSError):
                names[number.readlink().name.partition(" ")[0]] += 1
        return sum(count for name, count in names.items() if name.startswith("world.db"))

    def in_a_thread(self, mock: VambeMock) -> None:
        thread = threading.Thread(target=lambda: mock.users)
        thread.start()
        thread.join()

    @pytest.mark.skipif(not OPEN_FILES.exists(), reason="the system has no /proc to ask")
    def test_a_thread_that_used_the_mock_and_ended_leaves_no_open_file(self, tmp_path: Path) -> None:
        with MockServer(database=tmp_path / "world.db") as mock:
            self.in_a_thread(mock)
            before = self.databases()
            assert before
            for _ in range(40):
                self.in_a_thread(mock)
            wait_until(lambda: self.databases() < before + 40)  # the server's own threads may open some


@needs_fork
class TestItsChildren:
    @staticmethod
    def child(code: str) -> None:
        """Fork a child of a program with a running mock; the child runs this code, and ends well and soon."""
        program = f"""
import os, sys, time
import httpx
from mockserver.testing import MockServer
with MockServer() as mock:
    transport = mock.transport
    child = os.fork()
    if child == 0:
        {code}
        print(time.monotonic())
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print(time.monotonic())
    task = {{"title": "Call", "responsibleIds": [mock.users[0]["id"]], "priority": "1"}}
    with httpx.Client(base_url=mock.base_url, headers=mock.headers, verify=False) as client:
        assert client.post("/api/public/tasks", json=task).status_code == 201
    assert len(mock.tasks) == 1
"""
        ended = run(program)
        assert (ended.returncode, ended.stderr) == (0, "")
        ends, ended_at = map(float, ended.stdout.split())
        assert ended_at - ends < 4

    def test_one_that_ends_removes_no_database_and_stops_no_server(self) -> None:
        self.child("pass")

    def test_one_asks_the_server_of_its_parent(self) -> None:
        self.child("assert mock.verify('listTeamMembers', times=0) == 0; assert len(mock.users) == 6")

    def test_one_takes_a_transport_that_connects_to_its_parent(self) -> None:
        self.child(
            "with httpx.Client(verify=False, transport=mock.transport, headers=mock.headers) as client:\n"
            "            assert client.get('http://vambe/api/public/team-members/all').status_code == 200"
        )

    def test_a_transport_of_its_parent_says_that_it_is_none_of_the_child_s(self) -> None:
        self.child(
            "try: httpx.Client(verify=False, transport=transport).get('http://vambe/')\n"
            "        except httpx.ConnectError as error: assert 'runs in the parent process' in str(error)\n"
            "        else: sys.exit('it was answered')"
        )

    def test_one_that_closes_the_application_of_its_parent_closes_nothing(self) -> None:
        code = """
import os
from mockserver.application import create_app
app = create_app()
child = os.fork()
if child == 0:
    app.extensions["vambe_mock"].close()
    os._exit(0)
os.waitpid(child, 0)
print(app.test_client().get("/api/public/team-members/all", headers={"x-api-key": "test_a"}).status_code)
app.extensions["vambe_mock"].close()
"""
        ended = run(code)
        assert (ended.stdout, ended.stderr) == ("200\n", "")


class Foreign:
    """The application in another WSGI server, in a process group that ends with the block."""

    def __init__(self, *line: str, **variables: str) -> None:
        environment = plain_environment(**variables)
        self.process = subprocess.Popen(
            [sys.executable, "-m", *line],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        self.log: list[str] = []
        assert self.process.stderr
        for each in self.process.stderr:
            self.log.append(each)
            if found := re.search(r"(?:Running on|Listening at:) (http://127.0.0.1:[0-9]+)", each):
                self.url = found[1]
                return
        raise AssertionError("".join(self.log))

    def __enter__(self) -> httpx.Client:
        self.client = httpx.Client(base_url=self.url, headers={"x-api-key": "test_a"}, verify=False, timeout=20)
        return self.client

    def __exit__(self, *_: object) -> None:
        self.client.close()
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


TEAM = "/api/public/team-members/all"
FLASK = ("flask", "--app", "app", "run", "--port", "0")


@pytest.mark.skipif(os.name == "nt", reason="a socket of Windows cannot be replaced")
class TestItsServer:
    """`flask run`, gunicorn: any server of WSGI."""

    @pytest.mark.parametrize("line", [FLASK, ("gunicorn", "--bind", "127.0.0.1:0", "--threads", "4", "app:app")])
    def test_connections_break_as_on_the_mock_s_own_server(self, line: tuple[str, ...]) -> None:
        errors: dict[str, type[Exception]] = {
            "reset": httpx.ReadError,
            "empty": httpx.RemoteProtocolError,
            "truncate": httpx.RemoteProtocolError,
            "garbage": httpx.RemoteProtocolError,
        }
        with Foreign(*line) as client:
            for connection, error in errors.items():
                rule = {"match": {"operation": "listTeamMembers"}, "when": "after", "connection": connection}
                assert client.post("/__admin/faults", json=rule).status_code == 201
                with pytest.raises(error):
                    client.get(TEAM)
            assert client.get(TEAM).status_code == 200

    def test_a_server_that_shows_no_socket_says_that_it_breaks_no_connection(self) -> None:
        app = create_app(Settings())
        with contextlib.closing(app.extensions[EXTENSION]):
            client = app.test_client()
            client.post("/__admin/faults?sandbox=a", json={"match": {}, "connection": "reset"})
            answer = client.get(TEAM, headers={"x-api-key": "test_a"})
            assert (answer.status_code, "break a connection" in answer.get_json()["message"]) == (501, True)

    def test_the_reloader_of_flask_leaves_the_database_to_the_process_that_serves(self, tmp_path: Path) -> None:
        database = str(tmp_path / "world.db")
        with Foreign(*FLASK, "--debug", VAMBE_MOCK_DATABASE=database) as client:
            wait_until(lambda: self.answers(client), 20)

    @staticmethod
    def answers(client: httpx.Client) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return client.get(TEAM).status_code == 200
        return False

    def test_several_workers_are_refused_with_what_to_do(self) -> None:
        with Foreign("gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "app:app") as client:
            answer = client.get(TEAM)
            assert answer.status_code == 500
            assert "gunicorn --workers 1 --threads 64, or vambe-mock serve" in answer.json()["message"]


class TestItsEnd:
    def test_a_server_that_nobody_stopped_delays_it_by_nothing_and_leaves_no_database(self, tmp_path: Path) -> None:
        code = """
import time
from mockserver.testing import MockServer
mock = MockServer().start().sandbox()
assert len(mock.users) == 6
print(time.monotonic())
"""
        ended = run(code, TMPDIR=str(tmp_path))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert time.monotonic() - float(ended.stdout) < 5
        assert list(tmp_path.iterdir()) == []
