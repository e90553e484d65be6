"""Shared helpers: a client of the vendor's API, the error shape, and processes of the mock."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from mockserver import serving
from mockserver.config import Settings

MARIA = "228d7a0d-9072-4ca8-939b-959b75cc606a"
CARLOS = "338e8b1e-8183-5db9-a4ab-a6ab86dd717b"
VALENTINA = "20165180-e447-4620-8664-6c9124a0d83b"
INACTIVE_USER = "82ded96c-0157-4e5b-b405-451c341e084e"
CONTACT = "120c98ee-ef9e-425e-a54c-2bc17739106e"
OTHER_CONTACT = "5e668dda-82b7-4cba-b433-f6043030ef0f"
CUSTOMER = "14017894-912f-42be-a554-f1a166f493dc"
PENDING = {
    "id": "0006dc43-a92f-4132-aba2-ed776629f449",
    "name": "Pendiente",
    "color": "#60a5fa",
    "type": "initial",
    "order": 1,
}
DONE = {
    "id": "fd0e972e-af04-4699-8976-a23d9a1ad305",
    "name": "Completada",
    "color": "#22c55e",
    "type": "done",
    "order": 3,
}
UNKNOWN_ID = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
OLDEST_NODE = 20
ALL_TIME = {"responsibleIds": "", "fromDate": "0001-01-01", "toDate": "9999-12-31"}


@contextlib.contextmanager
def running(**settings: Any) -> Iterator[str]:
    """The URL of a server of one's own, with these settings."""
    with serving.bound_server(Settings(port=0, threads=4, **settings)) as (server, *_):
        server.start()
        yield server.url


class Api:
    """An actor with a key: sends requests of the vendor's API and looks at the sandbox's state."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        # Nothing here is TLS or a proxy, and loading certificates would take longer than most tests.
        self.client = httpx.Client(base_url=url, headers={"x-api-key": key}, timeout=30, verify=False, trust_env=False)

    def create(self, **fields: Any) -> httpx.Response:
        """POST a task: a valid one, changed by `fields`; a field that is `...` is left out."""
        body = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"} | fields
        return self.client.post("/api/public/tasks", json={k: v for k, v in body.items() if v is not ...})

    def created(self, **fields: Any) -> dict[str, Any]:
        """The task that `create` made."""
        response = self.create(**fields)
        assert response.status_code == 201, response.text
        return response.json()

    def list(self, **query: Any) -> httpx.Response:
        return self.client.get("/api/public/tasks", params=ALL_TIME | query)

    def listed(self, **query: Any) -> list[dict[str, Any]]:
        response = self.list(**query)
        assert response.status_code == 200, response.text
        return response.json()

    def update(self, task_id: str, **fields: Any) -> httpx.Response:
        return self.client.put(f"/api/public/tasks/{task_id}", json=fields)

    def updated(self, task_id: str, **fields: Any) -> dict[str, Any]:
        response = self.update(task_id, **fields)
        assert response.status_code == 200, response.text
        return response.json()

    def delete(self, task_id: str) -> httpx.Response:
        return self.client.delete(f"/api/public/tasks/{task_id}")

    def state(self) -> dict[str, list[dict[str, Any]]]:
        return self.client.get("/__admin/state").json()


ERROR_SHAPES = (
    ["message", "error", "statusCode"],
    ["statusCode", "message"],  # 413, 415 and 500
    ["statusCode", "message", "errors"],  # a 400 for invalid fields
    ["message", "error", "statusCode", "errors"],  # one of the control plane
)


def assert_error(response: httpx.Response, status: int, message: str | None = None) -> dict[str, Any]:
    """One of the shapes of errors; returns the body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] in ("application/json", "application/json; charset=utf-8")
    body = response.json()
    assert list(body) in ERROR_SHAPES
    assert body["statusCode"] == status
    assert body["message"]
    assert body.get("error", "x")
    for problem in body.get("errors", ()):
        assert list(problem)[-2:] == ["path", "message"]
    if message is not None:
        assert body["message"] == message
    return body


def explained(response: httpx.Response) -> dict[str, Any]:
    """The journal entry of an answer of the imitated API."""
    url = response.request.url.copy_with(path=f"/__admin/requests/{response.headers['X-Mock-Request-Id']}", query=None)
    key = response.request.headers["x-api-key"]
    return httpx.get(url, headers={"x-api-key": key}, verify=False, trust_env=False).json()


def problems(response: httpx.Response) -> list[tuple[list[str | int], str]]:
    """The path and code of each problem of a 400, as the journal explains them."""
    assert_error(response, 400)
    return [(problem["path"], problem["code"]) for problem in explained(response)["problems"]]


def paths(response: httpx.Response) -> list[list[str | int]]:
    """The path of each problem of a 400 of the control plane."""
    return [problem["path"] for problem in assert_error(response, 400)["errors"]]


def issues(response: httpx.Response) -> list[tuple[list[str | int], str]]:
    """The path and code of each issue of a 400."""
    return [(issue["path"], issue["code"]) for issue in assert_error(response, 400)["errors"]]


ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-m", "mockserver")


# The plugins that suites run by these tests do not use: to load them takes longer than most of those suites.
WITHOUT = [f"-pno:{plugin}" for plugin in ("cacheprovider", "schemathesis", "hypothesispytest", "anyio", "pytest_cov")]


def plain_environment(**variables: str) -> dict[str, str]:
    """The environment with these settings of the mock only, no options of this run, and the checkout on the path."""
    of_this_run = re.compile("VAMBE_MOCK_|PYTEST_ADDOPTS$")
    inherited = {name: value for name, value in os.environ.items() if not of_this_run.match(name)}
    path = os.pathsep.join(filter(None, [str(ROOT), inherited.get("PYTHONPATH")]))
    return {**inherited, "PYTHONPATH": path, **variables}


def uncovered_environment(**variables: str) -> dict[str, str]:
    """As `plain_environment`, for a process that coverage is not to measure: what it keeps grows, and is a file."""
    return {name: value for name, value in plain_environment(**variables).items() if not name.startswith("COV")}


def command(*arguments: object, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `vambe-mock` to its end."""
    line = [*COMMAND, *map(str, arguments)]
    environment = plain_environment(**variables)
    return subprocess.run(line, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=60)


class Served:
    """A server's process that has said that it is ready, as one line of JSON: `event`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        self.process = process
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        self.event: dict[str, Any] = json.loads(line)
        self.url: str = self.event["url"]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal, and see how it ends."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        """Wait for its end: the exit code, and what came on the two outputs since it was ready."""
        output, errors = self.process.communicate(timeout=30)
        return self.process.returncode, output, errors


@contextlib.contextmanager
def served(
    *arguments: object, start: Sequence[str] = (*COMMAND, "serve"), cwd: Path | None = None, **variables: str
) -> Iterator[Served]:
    """A process of `vambe-mock serve --port 0 --json` with these arguments, which is killed at the end of the block."""
    line = [*start, "--port", "0", "--json", *map(str, arguments)]
    environment = plain_environment(**variables)
    pipe = subprocess.PIPE
    process = subprocess.Popen(line, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, encoding="utf-8")
    try:
        yield Served(process)
    finally:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as the condition holds; fail when it does not in that time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.005)


def opened_when_read(fifo: Path) -> int:
    """A descriptor that writes to a named pipe, as soon as somebody reads from it."""
    found: list[int] = []

    def attempt() -> bool:
        with contextlib.suppress(OSError):
            found.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        return bool(found)

    wait_until(attempt)
    return found[0]


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it on a CI machine, for lack of something."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def check_that_there_is_node() -> None:
    """Skip the test where Node is missing or too old; on a CI machine that is a failure."""
    path = shutil.which("node")
    version = subprocess.run([path, "--version"], capture_output=True, encoding="utf-8").stdout.strip() if path else ""
    if not re.fullmatch(r"v(\d+)\..*", version) or int(version[1:].partition(".")[0]) < OLDEST_NODE:
        missing(f"the test needs Node {OLDEST_NODE} or newer, and there is {version or 'none on the path'}")
