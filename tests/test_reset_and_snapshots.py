"""Reset and snapshots: a sandbox is put back exactly, whole, at the same cost whatever it holds, alone."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from flask.testing import FlaskClient
from support import ALL_TIME, CARLOS, CONTACT, MARIA, UNKNOWN_ID, Api, assert_error, running, wait_until

from mockserver import serving
from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.engine import EXTENSION, Engine
from mockserver.store.models import Entry, FaultRow, JournalRow, Note, Sandbox, Snapshot, Task, WorldRow

PARTS = ["tasks", "journal", "faults", "clock", "ids", "settings"]
START = "2025-11-26T09:00:00.000Z"
TASK = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}


def reset(api: Api, **body: Any) -> dict[str, Any]:
    response = api.client.post("/__admin/reset", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def snapshot(api: Api, name: str) -> dict[str, Any]:
    response = api.client.post("/__admin/snapshots", json={"name": name})
    assert response.status_code == 201, response.text
    return response.json()


def restore(api: Api, name: str) -> dict[str, Any]:
    response = api.client.post(f"/__admin/snapshots/{name}/restore")
    assert response.status_code == 200, response.text
    return response.json()


def timeless(text: str) -> str:
    """A document of the control plane without the two things that no two runs share: durations and ports."""
    return re.sub(r"127\.0\.0\.1:\d+", "host", re.sub(r'"(received_at|duration_ms)":[^,]+', "", text))


def script(api: Api) -> list[tuple[int, str]]:
    """A bit of everything; the status and the body of each answer, also of the control plane."""
    client = api.client
    first = api.create(title="first", aiContactId=CONTACT, dueDate="2025-11-26", colour="red")
    answers = [
        first,
        api.create(title="second"),
        api.create(title=""),
        api.update(first.json()["id"], title="changed"),
        client.post("/__admin/faults", json={"match": {"operation": "createTask"}, "status": 503, "probability": 0.5}),
        *(api.create(title=f"third {number}") for number in range(4)),
        api.delete(first.json()["id"]),
        api.delete(UNKNOWN_ID),
        api.create(title="same"),
        api.create(title="same"),
        client.patch("/__admin/settings", json={"strict": True}),
        client.post("/__admin/clock/advance", json={"seconds": 60}),
        api.create(colour="red"),
        api.list(),
    ]
    shown = ["state", "faults", "clock", "settings", "requests"]
    answers += [client.get(f"/__admin/{name}") for name in shown]
    return [(answer.status_code, timeless(answer.text)) for answer in answers]


# Reset.


def test_a_reset_sandbox_gives_the_same_bytes_as_a_fresh_one(api: Api) -> None:
    fresh = script(api)
    assert {status for status, _ in fresh} == {200, 201, 400, 404, 503}
    for body in ({}, {"to": "fixtures"}, {"to": "fixtures", "only": PARTS}):
        reset(api, **body)
        assert script(api) == fresh
    api.client.post("/__admin/reset")
    assert script(api) == fresh


def test_a_reset_says_what_it_did(api: Api) -> None:
    name = api.key.removeprefix("test_")
    assert reset(api) == {"sandbox": name, "to": "fixtures", "only": PARTS}
    assert reset(api, to="empty", only=["ids", "tasks"]) == {"sandbox": name, "to": "empty", "only": ["tasks", "ids"]}


def test_a_reset_to_empty_keeps_people_and_statuses() -> None:
    with running(fixtures="demo") as url:
        api = Api(url, "test_a")
        with api.client:
            api.list()
            filled = api.state()
            assert filled["tasks"]
            assert filled["notes"]
            api.created()
            reset(api, to="empty")
            state = api.state()
            assert state == {**filled, "tasks": [], "notes": []}
            assert api.created()["created_at"] == START
            reset(api)
            assert api.state() == filled


def test_a_reset_to_empty_keeps_the_people_that_a_state_brought(api: Api) -> None:
    state = api.created() and api.state()
    state["users"][0]["first_name"] = "Mariana"
    assert api.client.put("/__admin/state", json=state).status_code == 200
    reset(api, to="empty", only=["tasks"])
    assert api.state()["users"][0]["first_name"] == "Mariana"
    reset(api, only=["tasks"])
    assert api.state()["users"][0]["first_name"] != "Mariana"


def everything(api: Api) -> dict[str, Any]:
    """Each part of the sandbox that can be reset, as something to compare."""
    client = api.client
    probe = api.key.removeprefix("test_") + "-probe"
    client.post("/__admin/snapshots", json={"name": probe}).raise_for_status()
    next_id = api.created()["id"]
    restore(api, probe)
    client.delete(f"/__admin/snapshots/{probe}").raise_for_status()
    return {
        "tasks": [task["title"] for task in api.state()["tasks"]],
        "journal": client.get("/__admin/requests").json()["requests"][0]["request"]["path"],
        "faults": client.get("/__admin/faults").json(),
        "clock": client.get("/__admin/clock").json(),
        "ids": next_id,
        "settings": client.get("/__admin/settings").json(),
    }


@pytest.mark.parametrize("part", PARTS)
def test_a_reset_of_one_part_leaves_the_others(api: Api, part: str) -> None:
    fresh = everything(api)
    reset(api)
    api.client.get("/x")
    api.created(title="kept")
    api.client.post("/__admin/faults", json={"status": 503, "match": {"operation": "deleteTask"}})
    api.client.put("/__admin/clock", json={"now": "2030-01-01T00:00:00.000Z", "mode": "frozen"})
    api.client.patch("/__admin/settings", json={"delay_ms": 1, "rate_limit": {"requests": 1000, "seconds": 60}})
    used = everything(api)
    assert all(used[name] != fresh[name] for name in PARTS)
    assert reset(api, only=[part])["only"] == [part]
    after = everything(api)
    # With the task there, the first id of all is taken, so the next one follows.
    expected = fresh[part] if part != "ids" else used["ids"]
    assert after == used | {part: expected}


def test_minted_ids_begin_again_once_the_tasks_are_gone_too(api: Api) -> None:
    first = api.created()["id"]
    second = api.created()["id"]
    reset(api, only=["ids"])
    third = api.created()["id"]
    assert third not in (first, second)
    reset(api, only=["tasks", "ids"])
    assert api.created()["id"] == first
    reset(api, only=["tasks"])
    assert api.created()["id"] == second


def test_a_rule_that_was_reset_begins_again_with_its_id_and_its_hits(api: Api) -> None:
    rule = {"status": 503, "times": 1}
    first = api.client.post("/__admin/faults", json=rule).json()
    assert_error(api.list(), 503)
    reset(api, only=["faults"])
    assert api.listed() == []
    assert api.client.post("/__admin/faults", json=rule).json() == first


def test_a_rule_strikes_on_when_all_else_was_reset_and_again_when_it_was_restored(api: Api) -> None:
    api.client.post("/__admin/faults", json={"status": 503, "times": None})
    snapshot(api, "broken")
    reset(api, only=[part for part in PARTS if part != "faults"])
    assert_error(api.list(), 503)
    reset(api)
    assert api.listed() == []
    reset(api, to="broken", only=["faults"])
    assert_error(api.list(), 503)


def test_a_reset_does_not_touch_other_sandboxes(api: Api, other_api: Api) -> None:
    other_api.created(aiContactId=CONTACT)
    other_api.client.post("/__admin/faults", json={"status": 503, "match": {"operation": "deleteTask"}})
    other_api.client.patch("/__admin/settings", json={"strict": True})
    snapshot(other_api, "kept")
    api.created()
    kept = [other_api.client.get(f"/__admin/{name}").content for name in ("state", "faults", "settings", "requests")]
    reset(api)
    reset(api, to="empty")
    paths = ("state", "faults", "settings", "requests")
    assert [other_api.client.get(f"/__admin/{name}").content for name in paths] == kept
    restore(other_api, "kept")


def test_the_sandbox_to_reset_is_the_one_named_else_the_key_s_else_default() -> None:
    with running() as url, httpx.Client(base_url=url, verify=False) as client:
        for key in ("test_default", "test_a", "test_b"):
            client.post("/api/public/tasks", json=TASK, headers={"x-api-key": key})

        def counts() -> list[int]:
            names = ("default", "a", "b")
            return [len(client.get(f"/__admin/state?sandbox={name}").json()["tasks"]) for name in names]

        assert client.post("/__admin/reset?sandbox=b", headers={"x-api-key": "test_a"}).json()["sandbox"] == "b"
        assert counts() == [1, 1, 0]
        client.post("/__admin/reset", headers={"x-api-key": "test_a"})
        assert counts() == [1, 0, 0]
        client.post("/__admin/reset")
        assert counts() == [0, 0, 0]


@pytest.mark.parametrize(
    ("body", "path", "named"),
    [
        ({"to": 5}, ["to"], "a string"),
        ({"to": None}, ["to"], "null"),
        ({"only": "tasks"}, ["only"], "an array"),
        ({"only": []}, ["only"], ", ".join(PARTS)),
        ({"only": ["tasks", "people"]}, ["only"], ", ".join(PARTS)),
        ({"only": [{}]}, ["only"], ", ".join(PARTS)),
        ({"from": "fixtures"}, ["from"], "to, only"),
    ],
)
def test_a_reset_that_cannot_be_understood_changes_nothing(
    api: Api, body: dict[str, Any], path: list[str], named: str
) -> None:
    task = api.created()
    (problem,) = assert_error(api.client.post("/__admin/reset", json=body), 400)["errors"]
    assert problem["path"] == path
    assert named in problem["message"]
    assert api.listed() == [task]


def test_a_reset_to_a_snapshot_that_is_not_there_lists_those_that_are(api: Api) -> None:
    task = api.created()
    assert '"gone"' in assert_error(api.client.post("/__admin/reset", json={"to": "gone"}), 404)["message"]
    snapshot(api, "one")
    snapshot(api, "two")
    for response in (
        api.client.post("/__admin/reset", json={"to": "gone"}),
        api.client.post("/__admin/snapshots/gone/restore"),
        api.client.delete("/__admin/snapshots/gone"),
    ):
        message = assert_error(response, 404)["message"]
        assert '"gone"' in message
        assert "one, two" in message
    assert api.listed() == [task]


def test_a_delayed_request_is_released_by_a_reset_and_writes_nothing(api: Api) -> None:
    api.client.post("/__admin/faults", json={"match": {"operation": "createTask"}, "delay_ms": 60_000})
    with Api(api.url, api.key).client as slow, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(slow.post, "/api/public/tasks", json=TASK, timeout=30)
        wait_until(lambda: api.client.get("/__admin/faults").json()["faults"][0]["hits"])
        reset(api)
        assert_error(answer.result(timeout=10), 503)
    assert api.state()["tasks"] == []
    assert api.created()["created_at"] == START


# Snapshots.


def test_a_snapshot_is_restored_exactly(api: Api) -> None:
    task = api.created(title="onboarded", aiContactId=CONTACT, dueDate="2025-11-26", timezone="America/Santiago")
    api.delete(api.created()["id"])
    api.client.post("/__admin/faults", json={"status": 503, "times": 2, "match": {"operation": "deleteTask"}})
    assert_error(api.delete(task["id"]), 503)
    api.client.patch("/__admin/settings", json={"strict": True, "rate_limit": {"requests": 500, "seconds": 3600}})
    api.client.put("/__admin/clock", json={"tick_ms": 250})
    paths = ("state", "faults", "clock", "settings")
    kept = [api.client.get(f"/__admin/{path}").content for path in paths]
    assert snapshot(api, "onboarded") == {"name": "onboarded", "taken_at": "2025-11-26T09:00:03.000Z"}

    def follow() -> list[bytes]:
        answers = [
            api.create(title="next", aiContactId=CONTACT),
            api.create(title="after that"),
            api.delete(task["id"]),
            api.delete(task["id"]),
        ]
        return [answer.content for answer in answers]

    followed = follow()
    api.client.delete("/__admin/faults")
    api.client.patch("/__admin/settings", json={"strict": False, "rate_limit": None})
    api.client.put("/__admin/clock", json={"mode": "frozen", "now": "2030-01-01T00:00:00.000Z"})
    for _ in range(2):
        restore(api, "onboarded")
        assert [api.client.get(f"/__admin/{path}").content for path in paths] == kept
        assert follow() == followed


def test_a_restored_snapshot_leaves_the_journal_alone(api: Api) -> None:
    snapshot(api, "begin")
    api.created()
    before = api.client.get("/__admin/requests").json()
    assert restore(api, "begin")["only"] == [part for part in PARTS if part != "journal"]
    assert api.client.get("/__admin/requests").json() == before
    assert api.list().headers["X-Mock-Request-Id"] == "2"


def test_a_reset_to_a_snapshot_empties_the_journal_too_unless_it_is_left_out(api: Api) -> None:
    task = api.created()
    snapshot(api, "one")
    api.created()
    reset(api, to="one", only=["tasks"])
    assert api.listed() == [task]
    assert api.client.get("/__admin/requests").json()["total"] == 3
    assert reset(api, to="one") == {"sandbox": api.key.removeprefix("test_"), "to": "one", "only": PARTS}
    assert api.client.get("/__admin/requests").json()["total"] == 0
    assert api.listed() == [task]


def test_past_the_limit_of_snapshots_one_must_be_deleted_first(api: Api, other_api: Api) -> None:
    for number in range(100):
        assert api.client.post("/__admin/snapshots", json={"name": f"s{number}"}).status_code == 201
    refused = api.client.post("/__admin/snapshots", json={"name": "one-more"})
    assert_error(refused, 400, "The limit of 100 snapshots of a sandbox is reached; delete some")
    assert other_api.client.post("/__admin/snapshots", json={"name": "one-more"}).status_code == 201
    api.client.delete("/__admin/snapshots/s0").raise_for_status()
    assert api.client.post("/__admin/snapshots", json={"name": "one-more"}).status_code == 201


def test_snapshots_are_listed_and_forgotten(api: Api) -> None:
    api.list()
    assert api.client.get("/__admin/snapshots").json() == {"snapshots": []}
    second, first = snapshot(api, "b"), snapshot(api, "a")
    assert api.client.get("/__admin/snapshots").json() == {"snapshots": [first, second]}
    assert api.client.delete("/__admin/snapshots/a").json() == {"deleted": "a"}
    assert api.client.get("/__admin/snapshots").json() == {"snapshots": [second]}
    snapshot(api, "a")


def test_a_snapshot_is_not_overwritten(api: Api) -> None:
    task = api.created()
    snapshot(api, "one")
    api.created()
    assert '"one"' in json.loads(api.client.post("/__admin/snapshots", json={"name": "one"}).text)["message"]
    assert_error(api.client.post("/__admin/snapshots", json={"name": "one"}), 400)
    restore(api, "one")
    assert api.listed() == [task]


def test_a_snapshot_belongs_to_its_sandbox(api: Api, other_api: Api) -> None:
    api.created()
    snapshot(api, "mine")
    other_api.list()
    assert other_api.client.get("/__admin/snapshots").json() == {"snapshots": []}
    assert_error(other_api.client.post("/__admin/snapshots/mine/restore"), 404)


def test_a_snapshot_is_forgotten_in_its_sandbox_only(api: Api, other_api: Api) -> None:
    for actor in (api, other_api):
        actor.list()
        snapshot(actor, "one")
    assert other_api.client.delete("/__admin/snapshots/one").status_code == 200
    assert other_api.client.get("/__admin/snapshots").json() == {"snapshots": []}
    assert other_api.client.delete(f"/__admin/sandboxes/{other_api.key.removeprefix('test_')}").status_code == 200
    assert [each["name"] for each in api.client.get("/__admin/snapshots").json()["snapshots"]] == ["one"]


def test_a_snapshot_survives_resets_and_what_is_cleared_up(api: Api) -> None:
    task = api.created(aiContactId=CONTACT)
    snapshot(api, "one")
    for _ in range(3):
        reset(api, to="empty")
    restore(api, "one")
    assert api.listed() == [task]
    assert len(api.state()["notes"]) == 1


@pytest.mark.parametrize("name", ["a", "x" * 64, "...", "..a", "-", "_", "A.b-c_9", "Fixtures", "EMPTY", "default"])
def test_the_name_of_a_snapshot_is_data(api: Api, name: str) -> None:
    assert snapshot(api, name)["name"] == name
    api.created()
    assert restore(api, name)["to"] == name
    assert api.state()["tasks"] == []
    api.client.delete(f"/__admin/snapshots/{name}").raise_for_status()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 65,
        ".",
        "..",
        "../../etc/passwd",
        "a/b",
        "a b",
        "a\n",
        "é",
        "fixtures",
        "empty",
        "'; DROP TABLE task;--",
        "%s",
    ],
)
def test_another_name_is_no_snapshot_s(api: Api, name: str) -> None:
    api.list()
    for response in (
        api.client.post("/__admin/snapshots", json={"name": name}),
        *([] if name in ("fixtures", "empty") else [api.client.post("/__admin/reset", json={"to": name})]),
    ):
        assert_error(response, 400)
    assert api.client.get("/__admin/snapshots").json() == {"snapshots": []}


def test_a_snapshot_needs_a_name(api: Api) -> None:
    for body in ({}, {"name": None}, {"name": 5}, {"name": "a", "taken_at": START}):
        assert_error(api.client.post("/__admin/snapshots", json=body), 400)


def test_a_write_opens_the_sandbox_and_a_read_does_not(api: Api) -> None:
    for path in ("snapshots", "state", "faults", "clock", "settings", "requests"):
        assert_error(api.client.get(f"/__admin/{path}"), 404)
    snapshot(api, "fresh")
    assert api.client.get("/__admin/snapshots").json()["snapshots"][0]["taken_at"] == START


# What it costs.


@contextlib.contextmanager
def opened_app() -> Iterator[tuple[Engine, FlaskClient]]:
    app = create_app(Settings())
    mock: Engine = app.extensions[EXTENSION]
    try:
        yield mock, app.test_client()
    finally:
        mock.close()


@contextlib.contextmanager
def steps(mock: Engine) -> Iterator[list[int]]:
    """Count the steps of SQLite's virtual machine in this thread: the same on every machine."""
    connection: sqlite3.Connection = mock.store.writer.connection()
    counted = [0]

    def count() -> None:
        counted[0] += 1

    connection.set_progress_handler(count, 1)
    try:
        yield counted
    finally:
        connection.set_progress_handler(None, 1)


def cost_of_a_reset(tasks: int, sandboxes: int, to: str) -> int:
    with opened_app() as (mock, client):
        for number in range(sandboxes):
            with mock.sandboxes.open(f"other{number}"):
                pass
        for _ in range(tasks):
            assert client.post("/api/public/tasks", json=TASK, headers={"x-api-key": "test_default"}).status_code == 201
        mock.sweeper.stop()
        for _ in range(2):  # the second time, all statements are prepared
            with steps(mock) as counted:
                assert client.post("/__admin/reset", json={"to": to, "only": ["tasks", "journal"]}).status_code == 200
        for _ in range(tasks):
            client.post("/api/public/tasks", json=TASK, headers={"x-api-key": "test_default"})
        with steps(mock) as counted:
            assert client.post("/__admin/reset", json={"to": to}).status_code == 200
        return counted[0]


@pytest.mark.parametrize("to", ["fixtures", "empty"])
def test_a_reset_costs_the_same_whatever_the_sandbox_holds_and_however_many_others_there_are(to: str) -> None:
    few, many = cost_of_a_reset(3, 1, to), cost_of_a_reset(120, 40, to)
    assert few > 500
    assert many <= few + 50


def test_what_is_superseded_is_cleared_up_later() -> None:
    with serving.bound_server(Settings(port=0, threads=4)) as (server, mock, _):
        server.start()

        def counts() -> list[int]:
            with mock.store.read() as transaction:
                models = (WorldRow, JournalRow, Task, Note, FaultRow, Entry, Snapshot, Sandbox)
                return [transaction.statements.count(model) for model in models]

        api = Api(server.url, "test_default")
        with api.client:
            begun = counts()
            for _ in range(30):
                api.created(aiContactId=CONTACT, responsibleIds=[MARIA, CARLOS])
            api.client.post("/__admin/faults", json={"delay_ms": 1, "match": {"operation": "deleteTask"}})
            snapshot(api, "one")
            reset(api)
            api.client.get("/__admin/sandboxes")
            wait_until(lambda: counts() == [4, 2, 30, 30, 1, 0, 1, 2])
            restore(api, "one")
            assert len(api.state()["tasks"]) == 30
            api.client.delete("/__admin/snapshots/one")
            reset(api)
            api.client.post("/__admin/sandboxes", json={"name": "gone"})
            api.client.post("/api/public/tasks", json=TASK, headers={"x-api-key": "test_gone"})
            api.client.delete("/__admin/sandboxes/gone")
            wait_until(lambda: counts() == begun)
            assert api.created()["created_at"] == START


# At the same time.


@contextlib.contextmanager
def calling(url: str, key: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """A plain client on one connection: it leaves the machine to the server."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:

        def call(expected: int, method: str, path: str, body: object = None) -> dict[str, Any]:
            headers = {"x-api-key": key, "content-type": "application/json"}
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == expected, content
            document: dict[str, Any] = json.loads(content)
            return document

        yield call


def test_resets_snapshots_and_restores_of_one_sandbox_are_whole_and_disturb_no_other(server_url: str, api: Api) -> None:
    busy = Api(server_url, f"{api.key}-b")
    clients, rounds = 8, 34
    finished = threading.Event()
    created: list[list[str]] = [[] for _ in range(clients)]

    def work(number: int) -> None:
        """Create and update in sandbox B until the other is done; every answer must be right."""
        with calling(server_url, busy.key) as call:
            while not (finished.is_set() and created[number]):
                task = call(201, "POST", "/api/public/tasks", TASK)
                created[number].append(task["id"])
                changed = call(200, "PUT", f"/api/public/tasks/{task['id']}", {"description": "touched"})
                assert changed == task | {"description": "touched"}

    def look() -> set[tuple[int, int]]:
        """The numbers of tasks and notes in sandbox A at each reading."""
        seen = set()
        with calling(server_url, api.key) as call:
            while not finished.is_set():
                state = call(200, "GET", "/__admin/state")
                seen.add((len(state["tasks"]), len(state["notes"])))
        return seen

    with busy.client, ThreadPoolExecutor(clients + 1) as pool:
        for _ in range(5):
            api.created(aiContactId=CONTACT)
        workers = [pool.submit(work, number) for number in range(clients)]
        reader = pool.submit(look)
        try:
            for number in range(rounds):
                snapshot(api, f"s{number}")
                reset(api, to="empty" if number % 2 else "fixtures", only=["tasks"])
                restore(api, f"s{number}")
        finally:
            finished.set()
        for worker in workers:
            worker.result(timeout=20)
        assert reader.result(timeout=20) <= {(5, 5), (0, 0)}
        ids = [id for each in created for id in each]
        assert len(set(ids)) == len(ids)
        state = busy.state()
        assert sorted(task["id"] for task in state["tasks"]) == sorted(ids)
        assert {task["description"] for task in state["tasks"]} == {"touched"}
        found = busy.client.get("/__admin/requests", params={"operation": "createTask"}).json()
        assert found["total"] + found["dropped"] >= len(ids)


def test_a_list_is_the_same_after_a_restore_byte_for_byte(api: Api) -> None:
    for number in range(3):
        api.created(title=str(number), dueDate=f"2025-11-{28 - number}")
    before = api.client.get("/api/public/tasks", params=ALL_TIME).content
    snapshot(api, "one")
    reset(api)
    restore(api, "one")
    assert api.client.get("/api/public/tasks", params=ALL_TIME).content == before
