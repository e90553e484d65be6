"""The same requests give the same bytes: in any sandbox, run, thread, time zone, and across a restart."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import CARLOS, CONTACT, CUSTOMER, DONE, INACTIVE_USER, MARIA, OTHER_CONTACT, UNKNOWN_ID, VALENTINA, Api

REQUESTS = 200
TASKS = "/api/public/tasks"
DUE_DATES = ["2025-11-26", "2024-02-29", "2025-11-26T10:30:15.1239Z", "2025-11-26T10:30", "2025-03-30T02:30:00+05:45"]
ZONES = ["UTC", "America/Santiago", "Asia/Kathmandu", "US/Pacific", "Pacific/Apia", None]


_numbers = itertools.count()


class Script:
    """Two hundred mixed requests from one random seed, their ids taken from earlier answers."""

    def __init__(self) -> None:
        self._random = random.Random(20251126)
        self._task_ids = [UNKNOWN_ID]
        self._steps = [self._create, self._create, self._create, self._update, self._update, self._list]
        self._steps += [self._delete, self._members, self._refused, self._refused]

    def run(self, api: Api, count: int) -> list[tuple[int, bytes]]:
        """Send the next requests; the status and the body of each answer."""
        return [self._sent(api) for _ in range(count)]

    def _sent(self, api: Api) -> tuple[int, bytes]:
        response = self._random.choice(self._steps)(api)
        if response.status_code == 201:
            self._task_ids.append(response.json()["id"])
        return response.status_code, response.content

    def _some(self, **choices: list[Any]) -> dict[str, Any]:
        return {name: self._random.choice(values) for name, values in choices.items() if self._random.random() < 0.5}

    def _task_id(self) -> str:
        return self._random.choice(self._task_ids)

    def _fields(self) -> dict[str, Any]:
        return self._some(
            title=["Call", " ", "Llamar a Ñuñoa 👩‍🚀", "‮rtl\r\n"],
            description=["", None, "x" * 2000, "line\nline"],
            dueDate=[*DUE_DATES, None],
            dueTime=["00:00", "02:30", "23:59", None],
            timezone=ZONES,
            responsibleIds=[[CARLOS], [VALENTINA, MARIA, VALENTINA.upper()], [MARIA, CARLOS, VALENTINA]],
            aiContactId=[CONTACT, OTHER_CONTACT, None],
            aiCustomerId=[CUSTOMER, None],
            priority=["0", "1", "2"],
            unread=[{"a": [1.5, None]}],
        )

    def _create(self, api: Api) -> httpx.Response:
        return api.create(**self._fields(), **self._some(statusId=[DONE["id"]]))

    def _update(self, api: Api) -> httpx.Response:
        status = self._some(newStatusPosition=[1, 2, 3, 4]) or self._some(newStatusName=["En Progreso", "Cerrada"])
        return api.update(self._task_id(), **self._fields(), **status)

    def _list(self, api: Api) -> httpx.Response:
        query = self._some(
            responsibleIds=[[MARIA, CARLOS], f"{VALENTINA},{CARLOS}", UNKNOWN_ID],
            fromDate=["2025-11-26", "2025-01-01"],
            toDate=["2025-11-26", "2025-12-31"],
            includeTasksWithoutDates=["true", "false"],
        )
        return api.list(**query)

    def _delete(self, api: Api) -> httpx.Response:
        return api.delete(self._task_id())

    def _members(self, api: Api) -> httpx.Response:
        return api.client.get("/api/public/team-members/all")

    def _refused(self, api: Api) -> httpx.Response:
        """One refusal of each kind."""
        kinds: list[Callable[[], httpx.Response]] = [
            lambda: api.create(
                title="", responsibleIds=["x", None, 5], priority=1, dueDate="2025-02-30", dueTime="9:00"
            ),
            lambda: api.create(dueDate="0001-01-01", timezone="Asia/Tokyo"),
            lambda: api.create(responsibleIds=[MARIA, INACTIVE_USER, UNKNOWN_ID]),
            lambda: api.create(aiContactId=CUSTOMER),
            lambda: api.create(statusId=UNKNOWN_ID),
            lambda: api.update(self._task_id(), newStatusPosition=1, newStatusName="Cerrada"),
            lambda: api.update(self._task_id(), newStatusName="cerrada"),
            lambda: api.update("not-an-id", title=None),
            lambda: api.list(fromDate="yesterday", responsibleIds="x"),
            lambda: api.client.post(TASKS, content=b'{"title": ', headers={"content-type": "application/json"}),
            lambda: api.client.post(TASKS, content=b"{}", headers={"content-type": "text/plain"}),
            lambda: api.client.post(TASKS, content=b" " * 1_048_577, headers={"content-type": "application/json"}),
            lambda: api.client.get(TASKS, headers={"x-api-key": "nobody"}),
            lambda: api.client.patch(TASKS),
            lambda: api.client.get("/api/public/nothing"),
        ]
        return self._random.choice(kinds)()


@contextlib.contextmanager
def _started(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], Api]]:
    """A server in a process of its own, killed at the end if it still runs, and a client in its sandbox `d`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=os.environ | environment,
    )
    with process:
        try:
            assert process.stdout is not None
            api = Api(json.loads(process.stdout.readline())["url"], "test_d")
            with api.client:
                yield process, api
        finally:
            process.kill()


@pytest.fixture(scope="module")
def expected(server_url: str) -> list[tuple[int, bytes]]:
    """The answers of the session's server, and the state at the end."""
    api = Api(server_url, f"test_determinism{next(_numbers)}")  # a new sandbox, if the fixture is made again
    with api.client:
        return [*Script().run(api, REQUESTS), _end(api)]


def _end(api: Api) -> tuple[int, bytes]:
    response = api.client.get("/__admin/state")
    return response.status_code, response.content


def test_the_script_gets_answers_of_every_kind(expected: list[tuple[int, bytes]]) -> None:
    statuses = Counter(status for status, _ in expected)
    assert set(statuses) == {200, 201, 400, 401, 404, 413}
    assert statuses[200] > 40
    assert statuses[201] > 40
    assert len({body for status, body in expected if status == 404}) > 4


def test_two_sandboxes_of_one_server_give_the_same_bytes(
    api: Api, other_api: Api, expected: list[tuple[int, bytes]]
) -> None:
    script, other_script = Script(), Script()
    answers, others = [], []
    while len(answers) < REQUESTS:
        answers += script.run(api, 3)[: REQUESTS - len(answers)]
        others += other_script.run(other_api, 3)[: REQUESTS - len(others)]
    assert answers == others == expected[:-1]


def test_two_clients_at_the_same_time_get_the_same_bytes(
    api: Api, other_api: Api, expected: list[tuple[int, bytes]]
) -> None:
    others: list[tuple[int, bytes]] = []
    thread = threading.Thread(target=lambda: others.extend(Script().run(other_api, REQUESTS)))
    thread.start()
    answers = Script().run(api, REQUESTS)
    thread.join()
    assert [*answers, _end(api)] == [*others, _end(other_api)] == expected


@pytest.mark.parametrize(
    ("threads", "environment"),
    [
        ("1", {"TZ": "Pacific/Apia", "PYTHONHASHSEED": "1"}),
        ("8", {"TZ": "UTC", "PYTHONHASHSEED": "2", "LC_ALL": "C", "PYTHONUTF8": "0"}),
    ],
)
def test_another_run_gives_the_same_bytes(
    threads: str, environment: dict[str, str], expected: list[tuple[int, bytes]]
) -> None:
    with _started("--threads", threads, **environment) as (_, api):
        assert [*Script().run(api, REQUESTS), _end(api)] == expected


@pytest.mark.parametrize("end", [subprocess.Popen.terminate, subprocess.Popen.kill], ids=["terminated", "killed"])
def test_a_restart_in_the_middle_changes_no_byte(
    end: Callable[[subprocess.Popen[str]], None], tmp_path: Path, expected: list[tuple[int, bytes]]
) -> None:
    database = ("--database", str(tmp_path / "world.db"))
    script = Script()
    with _started(*database) as (process, api):
        answers = script.run(api, REQUESTS // 2)
        end(process)
        process.wait(timeout=30)
    with _started(*database) as (_, api):
        answers += script.run(api, REQUESTS - REQUESTS // 2)
        assert [*answers, _end(api)] == expected
