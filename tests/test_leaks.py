"""Suites leak nothing in the process while they run, and leave nothing on the machine when they are killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import WITHOUT, plain_environment, uncovered_environment, wait_until

FIRST = 50
MEMORY_KIB = 4096  # what malloc may keep

SUITE = """
    import gc, json, os, threading
    import httpx, pytest

    def used():
        gc.collect()
        with open("/proc/self/status") as status:
            (memory,) = (line.split()[1] for line in status if line.startswith("VmRSS"))
        names = [thread.name for thread in threading.enumerate()]
        workers = sum(name.startswith("mockserver-worker") for name in names)  # the more, the busier it ever was
        files = len(os.listdir("/proc/self/fd"))
        return {"threads": len(names) - workers, "workers": workers, "files": files, "memory": int(memory)}

    @pytest.mark.parametrize("number", range(TESTS))
    def test_uses_everything(vambe_mock, number):
        task = {"title": "Call", "responsibleIds": [vambe_mock.users[0]["id"]], "priority": "1"}
        doors = [{"base_url": vambe_mock.base_url}, {"transport": vambe_mock.transport, "base_url": "http://vambe"}]
        for door in doors:
            with httpx.Client(headers=vambe_mock.headers, verify=False, trust_env=False, **door) as client:
                assert client.post("/api/public/tasks", json=task).status_code == 201
                assert client.post("/api/public/tasks", json={}).status_code == 400
                vambe_mock.drop("createTask", when="after")
                with pytest.raises(httpx.ReadError):
                    client.post("/api/public/tasks", json=task)
        vambe_mock.verify("createTask", times=6)
        vambe_mock.snapshot()
        vambe_mock.reset()
        if number in (FIRST - 1, TESTS - 1):
            with open("used", "a") as file:
                print(json.dumps(used()), file=file)
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system has no /proc to ask")
@pytest.mark.parametrize("tests", [120, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_tests_leave_threads_files_and_memory_as_50_left_them(pytester: pytest.Pytester, tests: int) -> None:
    pytester.makepyfile(SUITE.replace("TESTS", str(tests)).replace("FIRST", str(FIRST)))
    line = [sys.executable, "-m", "pytest", "-q", *WITHOUT]
    ended = subprocess.run(line, cwd=pytester.path, env=uncovered_environment(), capture_output=True, encoding="utf-8")
    assert f"{tests} passed" in ended.stdout, ended.stdout
    first, last = map(json.loads, (pytester.path / "used").read_text().splitlines())
    assert (last["threads"], last["files"]) == (first["threads"], first["files"])
    assert last["workers"] < 10
    assert last["memory"] - first["memory"] < MEMORY_KIB


KILLED = """
    import os, signal, time
    from pathlib import Path

    def test_is_killed(vambe_mock):
        Path("ready").write_text(vambe_mock.base_url)
        signal.pause()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_a_session_that_is_killed_leaves_no_server_and_no_file(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(test_killed=KILLED)
    environment = plain_environment(TMPDIR=str(tmp_path))
    line: list[Any] = [sys.executable, "-m", "pytest", "-q", *WITHOUT, "--basetemp", pytester.path / "t"]
    ready = pytester.path / "ready"
    process = subprocess.Popen([*line, "test_killed.py"], cwd=pytester.path, env=environment)
    try:
        wait_until(lambda: ready.exists() and ready.read_text())
    finally:
        process.kill()
        process.wait()
    with pytest.raises(httpx.ConnectError):
        httpx.get(ready.read_text() + "/__admin/health")
    assert list(tmp_path.glob("vambe-mock-*")) == []
