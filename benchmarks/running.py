"""Processes of servers and clients: started, measured from outside, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import HERE, NEEDED, Call

try:
    import psutil
except ImportError:
    raise SystemExit(f"psutil is not installed: {NEEDED}") from None

_SAMPLE_S = 0.02
_PATIENCE_S = 60


class Failed(Exception):
    """A server did not do what it was started for."""


@dataclass
class Process:
    """A server, when it was started (on the system's monotonic clock), and the most memory that it had."""

    popen: subprocess.Popen[bytes]
    port: int
    started: float
    memory: int = 0

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.popen.pid

    def worked(self) -> float:
        """The processor time of it and of what it has started, in seconds."""
        root = psutil.Process(self.pid)
        times = [each.cpu_times() for each in (root, *root.children(recursive=True))]
        return float(sum(each.user + each.system for each in times))

    def threads(self) -> tuple[float, float]:
        """The processor time of its first thread, and of all others, in seconds."""
        times = {each.id: each.user_time + each.system_time for each in psutil.Process(self.pid).threads()}
        first = times.pop(self.pid, 0.0)
        return first, sum(times.values())

    def stop(self) -> None:
        """End it and what it has started, in good order if it can."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.popen.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(path: str) -> dict[str, str]:
    """Without what would have Python compile the project at every start, as an installed one is not."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": path}


@contextlib.contextmanager
def running(command: Sequence[str], port: int, *, watch_memory: bool = False) -> Iterator[Process]:
    """A server until the end of the block; with `watch_memory`, the resident memory of all its processes is sampled."""
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]))
        started = time.monotonic()
        popen = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **quiet)  # noqa: S603
        process, ended = Process(popen, port, started), threading.Event()
        watching = threading.Thread(target=_watch, args=(process, ended), daemon=True)
        if watch_memory:
            watching.start()
        try:
            yield process
        finally:
            ended.set()
            process.stop()


def _watch(process: Process, ended: threading.Event) -> None:
    root = psutil.Process(process.pid)
    while not ended.wait(_SAMPLE_S):
        total = 0
        with contextlib.suppress(psutil.Error):
            for each in (root, *root.children(recursive=True)):
                total += each.memory_info().rss
        process.memory = max(process.memory, total)


class Client:
    """A process that carries out a plan of calls one after another; it waits for the server to listen."""

    def __init__(
        self,
        port: int,
        calls: Sequence[Call],
        *,
        setup: Sequence[Call] = (),
        rounds: int = 1,
        number: int = 0,
        id_pattern: str = r'"id":\s*"?([\w-]+)',
    ) -> None:
        line = [sys.executable, "-S", "-E", str(HERE / "client.py")]
        self._popen = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        plan = {
            "port": port,
            "number": number,
            "rounds": rounds,
            "setup": [asdict(call) for call in setup],
            "calls": [asdict(call) for call in calls],
            "id_pattern": id_pattern,
        }
        if self._popen.stdin is None or self._popen.stdout is None:
            raise Failed("the client has no pipes")
        self._popen.stdin.write(json.dumps(plan) + "\n")
        self._popen.stdin.flush()
        self._popen.stdout.readline()

    def result(self) -> dict[str, Any]:
        """What the client prints at its end; Failed when it has none."""
        try:
            printed, _ = self._popen.communicate(timeout=_PATIENCE_S * 5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
            raise Failed("the client was not done in time") from None
        if self._popen.returncode:
            raise Failed("the client failed; what it said is above")
        result: dict[str, Any] = json.loads(printed)
        return result

    def __enter__(self) -> Client:
        """The client, ready; the end of the block ends it."""
        return self

    def __exit__(self, *_: object) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.communicate()


def asked(port: int, calls: Sequence[Call], **plan: Any) -> dict[str, Any]:
    """What a client of its own reports of these calls."""
    with Client(port, calls, **plan) as client:
        return client.result()


def run_json(command: Sequence[str], timeout: float = 600) -> Any:
    """The JSON document that a command prints."""
    ended = subprocess.run(  # noqa: S603
        command, env=_environment(str(HERE.parent)), capture_output=True, text=True, timeout=timeout, check=False
    )
    if ended.returncode:
        raise Failed(f"{' '.join(command)}: {ended.stderr.strip()[-2000:]}")
    return json.loads(ended.stdout)


def module(name: str, *arguments: str) -> list[str]:
    """A command for a module of the benchmarks."""
    return [sys.executable, "-m", f"benchmarks.{name}", *arguments]


def copied_command(command: Sequence[str], folder: Path) -> str:
    """A command for people: without the folders of this machine."""
    places = {str(HERE.parent) + os.sep: "", str(folder): "FOLDER", sys.executable: "python"}
    text = " ".join(command)
    for place, shown in places.items():
        text = text.replace(place, shown)
    return text
