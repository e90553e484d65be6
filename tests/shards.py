"""Shards behind HAProxy, started as examples/scaling does, for the tests of them and for the black-box tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from support import ROOT, missing, uncovered_environment, wait_until

SCALING = ROOT / "examples" / "scaling"


def free_ports(number: int) -> int:
    """The first of so many ports in a row on which nothing listens; workers of xdist have ranges of their own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    for first in range(20_000 + worker % 100 * 100, 20_100 + worker % 100 * 100, number):
        with ExitStack() as stack:
            try:
                for port in range(first, first + number):
                    stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return first
    raise AssertionError("no ports are free")


@contextmanager
def commands() -> Iterator[dict[str, str]]:
    """An environment with this checkout's `vambe-mock` on the path, and HAProxy, or the test is skipped."""
    path = f"{os.environ['PATH']}:/usr/sbin"  # where Debian has it
    if not shutil.which("haproxy", path=path):
        missing("there is no HAProxy: apt-get install haproxy")
    with tempfile.TemporaryDirectory() as folder:
        shim = Path(folder) / "vambe-mock"
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mockserver "$@"\n')
        shim.chmod(0o755)
        yield uncovered_environment(PATH=f"{folder}:{path}", VAMBE_MOCK_MAX_SANDBOXES="100000")


@contextmanager
def started(line: Sequence[object], environment: Mapping[str, str]) -> Iterator[None]:
    """A process without output, which is told to end at the end of the block."""
    nowhere = subprocess.DEVNULL
    with subprocess.Popen([*map(str, line)], env=environment, stdout=nowhere, stderr=nowhere) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def three_shards(environment: Mapping[str, str], port: int) -> Iterator[str]:
    """The URL of HAProxy with three shards behind it, on this port and the three after it."""
    url = f"http://127.0.0.1:{port}"
    with started([SCALING / "start.sh"], {**environment, "PORT": str(port)}):
        with httpx.Client(base_url=url, verify=False, trust_env=False) as client:
            for number in range(1, 4):
                wait_until(lambda name=f"s{number}-a": answers(client, name))
        yield url


@contextmanager
def three_processes(environment: Mapping[str, str], port: int, database: str) -> Iterator[str]:
    """The URL of HAProxy with three processes behind it that share a database, on this port and the three after it."""
    url, given = f"http://127.0.0.1:{port}", {"PORT": str(port), "VAMBE_MOCK_DATABASE": database}
    with started([SCALING / "shared.sh"], {**environment, **given}):
        with httpx.Client(base_url=url, verify=False, trust_env=False) as client:
            wait_until(lambda: answers(client, "default"))
        yield url


def answers(client: httpx.Client, name: str) -> bool:
    """Test if the shard of a sandbox can be reached."""
    try:
        return client.get("/__admin/health", params={"sandbox": name}).status_code == 200
    except httpx.TransportError:
        return False
