"""Many clients that change the same tasks at once.

The API has no ETag, so a client that reads a task, changes it and puts it back can undo what another did in between:
that is the contract's, and no loss of the mock's. What the mock must not lose: every PUT that was answered 200 is in
the journal, once and as it was answered; the PUTs of a task form one chain, in which each begins with the row that the
one before left, and which ends with the row that the state shows; and a task that one client alone changes counts all
of that client's changes. A PUT of one field keeps what others put into other fields of the task meanwhile, or the
chain would break.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest
from support import CONTACT, MARIA

from reliability.processes import (
    PATIENCE_S,
    TASKS,
    UNLIMITED,
    Answer,
    Client,
    Document,
    Process,
    check_agreement,
    crowd,
)

THREADS, TURNS = 16, 150
TASKS_TO_DELETE = 1000
SANDBOX = "crowded"
SHARED_DAY = 31


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    with Process(tmp_path, *UNLIMITED) as server:
        yield server


@pytest.fixture
def client(server: Process) -> Iterator[Client]:
    with server.client(SANDBOX) as client:
        yield client


def test_16_clients_that_read_change_and_put_lose_nothing_and_find_nothing_locked(
    server: Process, client: Client, figures: Callable[..., None]
) -> None:
    shared = _create(client, SHARED_DAY)
    own = [_create(client, day) for day in range(1, THREADS + 1)]
    together = threading.Barrier(THREADS)

    def put(number: int) -> list[Answer]:
        field = ("title", "description")[number % 2]
        answers = []
        with server.client(SANDBOX) as client:
            together.wait(PATIENCE_S)
            for turn in range(TURNS):
                if turn % 2:
                    task = _read(client, number + 1)
                    fields = {"title": str(int(task["title"]) + 1)}
                else:
                    task = _read(client, SHARED_DAY)
                    fields = {field: f"{task[field][-40:]} {number}.{turn}"}
                answers.append(client.call("PUT", f"{TASKS}/{task['id']}", fields))
        return answers

    begun = monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for each in pool.map(put, range(THREADS)) for answer in each]
    figures(puts=len(answers), requests_per_s=round(2 * len(answers) / (monotonic() - begun)))

    assert [answer.status for answer in answers] == [200] * THREADS * TURNS
    journal, state = client.asked("requests"), client.asked("state")
    assert journal["dropped"] == 0
    check_agreement(state, journal["requests"])
    puts = {entry["id"]: entry["response"] for entry in journal["requests"] if entry["operation"] == "updateTask"}
    assert {entry: response["json"] for entry, response in puts.items()} == {
        answer.entry: answer.json() for answer in answers
    }
    titles = {task["id"]: task["title"] for task in state["tasks"] if task["id"] != shared}
    assert titles == dict.fromkeys(own, str(TURNS // 2))
    assert "locked" not in server.log.read_text()


def test_of_two_clients_that_delete_a_task_at_once_one_is_told_that_it_is_gone(server: Process, client: Client) -> None:
    ids = crowd(client, _task(1), TASKS_TO_DELETE)
    together = threading.Barrier(2)

    def delete(_: int) -> list[int]:
        statuses = []
        with server.client(SANDBOX) as client:
            for id in ids:
                together.wait(PATIENCE_S)
                statuses.append(client.call("DELETE", f"{TASKS}/{id}").status)
        return statuses

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(delete, range(2))
    assert [sorted(pair) for pair in zip(first, second, strict=True)] == [[200, 404]] * TASKS_TO_DELETE
    state = client.asked("state")
    assert (state["tasks"], state["notes"]) == ([], [])
    changes = [entry["changes"] for entry in client.asked("requests?status=200&operation=deleteTask")["requests"]]
    assert sorted((change["resource"], change["id"]) for each in changes for change in each) == sorted(
        (resource, id) for resource in ("task", "note") for id in ids
    )


def _create(client: Client, day: int) -> str:
    """The id of a new task that is due on that day."""
    id: str = client.done("POST", TASKS, _task(day)).json()["id"]
    return id


def _task(day: int) -> Document:
    due = {"dueDate": f"2025-12-{day:02}", "aiContactId": CONTACT}
    return {"title": "0", "responsibleIds": [MARIA], "priority": "1", **due}


def _read(client: Client, day: int) -> Document:
    """The task that is due on that day."""
    query = f"responsibleIds=&includeTasksWithoutDates=false&fromDate=2025-12-{day:02}&toDate=2025-12-{day:02}"
    (task,) = client.done("GET", f"{TASKS}?{query}").json()
    found: Document = task
    return found
