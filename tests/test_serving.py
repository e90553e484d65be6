"""A server in the foreground, as a process: what it keeps, what it logs, how it ends."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support import COMMAND, MARIA, Api, Served, opened_when_read, plain_environment, served, wait_until

from mockserver import serving
from mockserver.config import Settings

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@contextlib.contextmanager
def client(url: str, key: str = "test_default") -> Iterator[Api]:
    actor = Api(url, key)
    with actor.client:
        yield actor


CREATE = (
    b"POST /api/public/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-api-key: test_default\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
)


@contextlib.contextmanager
def request_in_flight(url: str, database: Path) -> Iterator[tuple[socket.socket, sqlite3.Connection]]:
    """A connection with a request to create a task, which waits for a lock that a connection to the database holds."""
    body = json.dumps({"title": "Call", "responsibleIds": [MARIA], "priority": "1"}).encode()
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as lock, connected(url) as sender:
        lock.execute("BEGIN IMMEDIATE")
        sender.sendall(CREATE % (len(body), body))
        # Connections are read in their order: when a later one is answered, the request is being worked on.
        assert httpx.get(f"{url}/__admin/health").status_code == 200
        yield sender, lock


def connected(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0), timeout=10)


def read_to_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def refuses_connections(url: str) -> bool:
    address = httpx.URL(url)
    with socket.socket() as probe:
        return probe.connect_ex((address.host, address.port or 0)) == errno.ECONNREFUSED


class TestEnding:
    @pytest.mark.parametrize("number", SIGNALS)
    def test_a_request_in_flight_is_finished(self, number: signal.Signals, tmp_path: Path) -> None:
        database = tmp_path / "world.db"
        with (
            served("--database", database) as server,
            request_in_flight(server.url, database) as (sender, lock),
        ):
            server.process.send_signal(number)
            wait_until(lambda: refuses_connections(server.url))
            lock.execute("ROLLBACK")
            assert read_to_end(sender).startswith(b"HTTP/1.1 201 ")
            code, _, errors = server.ended()
            assert code == 0
            assert "POST /api/public/tasks 201" in errors
            assert "Traceback" not in errors

    @pytest.mark.parametrize("number", SIGNALS)
    def test_idle_connections_do_not_keep_it(self, number: signal.Signals) -> None:
        with (
            served() as server,
            client(server.url) as actor,
            connected(server.url) as half,
        ):
            half.sendall(b"POST /api/public/tasks HTTP/1.1\r\nHost: localhost\r\n")
            actor.created()
            code, _, errors = server.stop(number)
            assert code == 0
            assert "Traceback" not in errors

    @pytest.mark.parametrize("number", SIGNALS)
    def test_the_ready_file_is_gone(self, number: signal.Signals, tmp_path: Path) -> None:
        ready = tmp_path / "ready.json"
        with served("--ready-file", ready) as server:
            assert json.loads(ready.read_text()) == server.event
            assert server.stop(number)[0] == 0
            assert not ready.exists()

    @pytest.mark.parametrize("number", SIGNALS)
    def test_a_signal_before_it_is_ready_ends_it_too(self, number: signal.Signals, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "users.json")
        line = [*COMMAND, "--port", "0", "--fixtures", str(tmp_path)]
        with subprocess.Popen(line, env=plain_environment(), stdout=-1, stderr=-1, encoding="utf-8") as process:
            try:
                writer = opened_when_read(tmp_path / "users.json")
                process.send_signal(number)
                os.close(writer)
                assert process.communicate(timeout=30) == ("", "")
            finally:
                process.kill()
        assert process.returncode == 0

    @pytest.mark.parametrize("variables", [{}, {"VAMBE_MOCK_STOP_WITH_STDIN": "1"}], ids=["flag", "variable"])
    def test_the_end_of_standard_input_ends_it_where_the_settings_say_so(self, variables: dict[str, str]) -> None:
        line = [*COMMAND, "--port", "0", "--json", *([] if variables else ["--stop-with-stdin"])]
        environment = plain_environment(**variables)
        with subprocess.Popen(line, env=environment, stdin=-1, stdout=-1, stderr=-1, encoding="utf-8") as process:
            try:
                server = Served(process)
                assert httpx.get(f"{server.url}/__admin/health").status_code == 200
                assert server.ended()[0] == 0  # it closes the input
            finally:
                process.kill()


class TestKeeping:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_the_database_keeps_what_was_answered(self, number: signal.Signals, tmp_path: Path) -> None:
        database = tmp_path / "world.db"
        with served("--database", database) as server, client(server.url, "test_mine") as actor:
            kept = [actor.created(title=str(number)) for number in range(3)]
            server.stop(number)
        with served("--database", database) as server, client(server.url, "test_mine") as actor:
            assert actor.listed() == kept
            assert httpx.get(f"{server.url}/__admin/health").json()["sandboxes"] == 2
            assert actor.created()["created_at"] == "2025-11-26T09:00:03.000Z"

    def test_without_one_nothing_is_kept(self) -> None:
        for _ in range(2):
            with served() as server, client(server.url) as actor:
                assert actor.listed() == []
                actor.created()

    def test_a_database_of_a_server_that_was_killed_at_once_is_taken_again(self, tmp_path: Path) -> None:
        database = tmp_path / "world.db"
        for _ in range(2):
            with served("--database", database) as server:
                server.stop(signal.SIGKILL)
        with served("--database", database) as server, client(server.url) as actor:
            assert actor.listed() == []


class TestLog:
    def test_one_short_line_a_request_without_query_or_secret(self) -> None:
        with served("--api-key", "our-own-secret") as server, client(server.url, "our-own-secret") as actor:
            actor.list(responsibleIds=MARIA)
            actor.create(title="private words")
            actor.client.get("/nowhere?private=words", headers={"x-api-key": "wrong-secret"})
            code, output, errors = server.stop()
        assert (code, output) == (0, "")
        lines = [line.split(" ", 1)[1].rpartition(" ms")[::2] for line in errors.splitlines()]
        assert [(request.rpartition(" ")[0], sandbox) for request, sandbox in lines] == [
            ("GET /api/public/tasks 200", " [default]"),
            ("POST /api/public/tasks 201", " [default]"),
            ("GET /nowhere 404", ""),
        ]

    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_what_a_client_sends_cannot_forge_a_line_or_reach_the_terminal(self, log_format: str) -> None:
        targets = [
            b"/%1b[31m%0aforged",
            b"/\x1b[31mred",
            b"/\xe2\x80\xae\xff",
            b"/a%0d%0aHTTP",
            b"/\xc2\x85\xe2\x80\xa8",
        ]
        with served("--log-format", log_format) as server:
            for target in targets:
                with connected(server.url) as connection:
                    connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    assert read_to_end(connection).split()[1] in (b"400", b"404")
            errors = server.stop()[2]
        lines = [line for line in errors.splitlines() if "mockserver.server" not in line]
        assert len(lines) == len(targets)
        assert all(line.isascii() and line.isprintable() for line in lines)
        if log_format == "json":
            assert {json.loads(line)["method"] for line in lines} <= {"GET", "-"}

    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_nobody_waits_for_a_log_that_nobody_reads(self, log_format: str) -> None:
        with served("--log-format", log_format) as server, client(server.url) as actor:
            for number in range(60):
                actor.client.get(f"/{number}/{'x' * 5000}")
            assert actor.list().status_code == 200
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=10) == 0

    def test_lines_that_are_dropped_are_counted(self) -> None:
        with served() as server, client(server.url) as actor:
            requests = 0

            def send(path: str) -> None:
                nonlocal requests
                requests += 1
                actor.client.get(path)

            for _ in range(60):
                send("/" + "x" * 5000)
            assert server.process.stderr
            number = server.process.stderr.fileno()
            log = os.read(number, 100_000)
            send("/last")
            code, _, rest = server.stop()
        lines = (log.decode() + rest).splitlines()
        assert (code, "GET /last 404" in lines[-1]) == (0, True)
        (note,) = (line for line in lines if "dropped" in line)
        dropped = int(note.split()[3])
        assert note.partition(" ")[2] == (
            f"WARNING mockserver: {dropped} log lines were dropped, because standard error was full and nobody read it"
        )
        whole = [line for line in lines if " ms" in line]
        assert len(whole) + dropped == requests


def worker_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("mockserver-worker")}


@pytest.mark.parametrize("threads", [1, 3])
def test_as_many_requests_are_worked_on_at_once_as_there_are_threads(threads: int) -> None:
    others = worker_threads()
    with serving.bound_server(Settings(port=0, threads=threads)) as (server, mock, _), ThreadPoolExecutor(6) as pool:
        server.start()
        with mock.store.write():  # which one more than these waits for: it waits for connections
            answers = [pool.submit(create_in_sandbox, server.url, f"test_{number}") for number in range(6)]
            wait_until(lambda: len(worker_threads() - others) == threads + 1)
        assert {answer.result() for answer in answers} == {201}
        assert len(worker_threads() - others) == threads + 1
    assert worker_threads() <= others


def create_in_sandbox(url: str, key: str) -> int:
    with client(url, key) as actor:
        return actor.create().status_code
