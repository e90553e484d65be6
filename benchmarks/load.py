"""Load by wrk: many connections, each asking again as soon as it is answered."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import HERE, Call, Missing
from benchmarks.running import Failed, Process

_SCRIPT = HERE / "wrk.lua"


@dataclass(frozen=True)
class Load:
    """What came of a load: answers a second, latencies in milliseconds, answers of 400 and above, broken connections.

    `cpu` is the processor time of the server's processes for an answer, in milliseconds.
    """

    rate: float
    p50: float
    p99: float
    slowest: float
    refused: int
    broken: int
    cpu: float


def find_wrk() -> str:
    """Where wrk is; Missing when it is nowhere."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise Missing("wrk is not on the PATH: apt-get install wrk (Debian's package is called wrk too)")
    return wrk


def version() -> str:
    """The version of wrk."""
    printed = subprocess.run([find_wrk(), "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return (printed.stdout + printed.stderr).split()[1]


def load(server: Process, call: Call, *, clients: int, seconds: float) -> Load:
    """Have `clients` connections make a call, again and again, for so long."""
    port = server.port
    body = call.body
    headers = {**call.headers, "Host": f"127.0.0.1:{port}"} | ({"Content-Length": str(len(body))} if body else {})
    lines = [f"{call.method} {call.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", body]
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "request"
        template.write_bytes("\r\n".join(lines).encode())
        command = [find_wrk(), "-t2", f"-c{clients}", f"-d{max(1, round(seconds))}s"]
        command += ["--timeout", "20s", "-s", str(_SCRIPT), f"http://127.0.0.1:{port}/", "--", str(template)]
        worked = server.worked()
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)  # noqa: S603
    worked = server.worked() - worked
    if ended.returncode:
        raise Failed(f"wrk: {ended.stdout}{ended.stderr}")
    found = json.loads(ended.stdout.strip().splitlines()[-1])
    milliseconds = {name: found[name] / 1000 for name in ("p50", "p99", "max")}
    return Load(
        found["requests"] / (found["microseconds"] / 1e6),
        milliseconds["p50"],
        milliseconds["p99"],
        milliseconds["max"],
        found["refused"],
        found["broken"],
        worked / max(1, found["requests"]) * 1000,
    )
