"""The measures: each starts a server and returns its figures by name."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

import click
import psutil

from benchmarks.client import Client, rendered
from benchmarks.servers import NUMBER, ROOT, Call, Server

TESTS, LISTED, WITHOUT_SOCKET = 200, 20, 2000
WARM_UP_S, LOAD_S = 3, 6
_FIRST_LISTED = 90_000_000  # above the numbers of a load

Figures = dict[str, float]


@dataclass
class Running:
    """A server that is running, and a client of it."""

    server: Server
    process: psutil.Process
    port: int
    client: Client
    started: float

    def ask(self, call: Call, number: int, key: str = "bench") -> None:
        """Make a call; fail unless its answer is the expected one, or differs where the server is known to."""
        if self.client.ask(call, number, key) == (call.name in self.server.differs):
            raise click.ClickException(f"{self.server.name} does not answer as expected: {call.name}")

    def processes(self) -> list[psutil.Process]:
        """The server's process and its descendants."""
        return [self.process, *self.process.children(recursive=True)]

    def processor_s(self) -> float:
        """The processor time used so far."""
        times = [process.cpu_times() for process in self.processes()]
        return float(sum(each.user + each.system for each in times))

    def load(self, call: Call, clients: int, seconds: int) -> Figures:
        """The rate in 1/s, the p99 and the processor time in ms of a call that clients repeat, by wrk."""
        with tempfile.NamedTemporaryFile() as request:
            Path(request.name).write_bytes(rendered(call.request, NUMBER))
            line = f"wrk -t1 -c{clients} -d{seconds}s --timeout 20s -s {ROOT}/benchmarks/wrk.lua"
            command = [*line.split(), f"http://127.0.0.1:{self.port}/", "--", request.name]
            began = self.processor_s()
            printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
        found = json.loads(printed.splitlines()[-1])
        if found["failed"]:
            raise click.ClickException(
                f"{self.server.name} failed {found['failed']} of {found['requests']} requests: {call.name}"
            )
        processor_ms = (self.processor_s() - began) * 1000 / found["requests"]
        return {"rate": found["requests"] / found["seconds"], "p99": found["p99"], "processor": processor_ms}


@contextlib.contextmanager
def running(server: Server) -> Iterator[Running]:
    """Run a server until the end of the block, with the table that its creates need, if any."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command, client, started = server.line(server.command, port), Client(port), time.monotonic()
    process = subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, start_new_session=True, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        run = Running(server, psutil.Process(process.pid), port, client, started)
        if "table" in server.calls:
            run.ask(server.calls["table"], 0)
        yield run
    finally:
        client.close()
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def start(server: Server) -> Figures:
    """The time in ms from the start of the process to the first answered create."""
    with running(server) as run:
        run.ask(server.calls["create"], 0)
        return {"start": (time.monotonic() - run.started) * 1000}


def suite(server: Server) -> Figures:
    """The time in s of the start, sequential tests, each in a clean world, and the stop; the memory in MB."""
    with running(server) as run:
        for number in range(TESTS):
            for call in server.calls.values():
                run.ask(call, number, f"suite-{number}")
        memory = sum(process.memory_info().rss for process in run.processes())
    return {"suite": time.monotonic() - run.started, "memory": memory / 1e6}


def load(server: Server) -> Figures:
    """Lists and creates with 8 clients; creates with 32 too for a commit of this project."""
    create, figures = server.calls["create"], {}
    with running(server) as run:
        for number in range(LISTED):
            run.ask(create, _FIRST_LISTED + number)
        if "list" not in server.differs:
            run.load(server.calls["list"], 8, WARM_UP_S)
            figures["lists"] = run.load(server.calls["list"], 8, LOAD_S)["rate"]
        run.load(create, 8, WARM_UP_S)
        creates = run.load(create, 8, LOAD_S)
        figures |= {"creates": creates["rate"], "processor": creates["processor"]}
        if server.is_own:
            figures["p99"] = run.load(create, 32, LOAD_S)["p99"]
    return figures


def without_socket(server: Server) -> Figures:
    """The time in ms of a create by httpx over the transport of `MockServer`, for a commit of this project."""
    if not server.is_own:
        return {}
    command = server.line(f"FOLDER/bin/python benchmarks/inprocess.py {WITHOUT_SOCKET}")
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return {"without socket": float(printed)}


MEASURES: Sequence[Callable[[Server], Figures]] = (start, start, start, load, suite, without_socket)
