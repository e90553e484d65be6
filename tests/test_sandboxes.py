"""Sandboxes: each key a world of its own, the same ids and times in all of them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import freezegun
import httpx
import pytest
from flask import Flask
from support import CARLOS, CONTACT, MARIA, UNKNOWN_ID, VALENTINA, Api, assert_error, running, wait_until

from mockserver import serving
from mockserver.application import create_app
from mockserver.clock import ClockSetting
from mockserver.config import Settings

START = "2025-11-26T09:00:00.000Z"
TASK = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}

Open = Callable[[str], Api]


@pytest.fixture
def open_on() -> Iterator[Callable[[str, str], Api]]:
    """Make an actor with a key of its own on a server."""
    actors = []

    def make(url: str, key: str) -> Api:
        actors.append(Api(url, key))
        return actors[-1]

    yield make
    for actor in actors:
        actor.client.close()


@pytest.fixture
def as_key(server_url: str, open_on: Callable[[str, str], Api]) -> Open:
    """Make an actor with that key on the session's server."""
    return lambda key: open_on(server_url, key)


@pytest.fixture
def fresh(open_on: Callable[[str, str], Api]) -> Iterator[Open]:
    """Make an actor with that key on a server that no other test has."""
    with running(api_key=("own-key",)) as url:
        yield lambda key: open_on(url, key)


# Isolation.


def test_nothing_crosses_from_one_sandbox_to_another(api: Api, other_api: Api) -> None:
    mine = api.created(title="mine", dueDate="2025-11-26", aiContactId=CONTACT)
    theirs = other_api.created(title="theirs", aiContactId=CONTACT)
    assert mine["id"] == theirs["id"]
    assert (api.listed(), other_api.listed()) == ([mine], [theirs])
    changed = api.updated(mine["id"], title="changed", aiContactId=None)
    assert (api.listed(), other_api.listed()) == ([changed], [theirs])
    assert (len(api.state()["notes"]), len(other_api.state()["notes"])) == (0, 1)
    other_api.delete(theirs["id"])
    assert (api.listed(), other_api.listed()) == ([changed], [])


def test_who_is_responsible_in_another_sandbox_finds_nothing_here(api: Api, other_api: Api) -> None:
    mine, theirs = api.created(responsibleIds=[MARIA]), other_api.created(responsibleIds=[CARLOS])
    assert mine["id"] == theirs["id"]
    assert api.listed(responsibleIds=CARLOS) == []
    assert other_api.listed(responsibleIds=CARLOS) == [theirs]


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_the_task_of_another_sandbox_answers_byte_for_byte_like_an_unknown_one(
    api: Api, other_api: Api, operation: str
) -> None:
    api.created()
    foreign = api.created()
    other_api.created()
    call = getattr(other_api, operation)
    answer, unknown = call(foreign["id"]), call(UNKNOWN_ID)
    assert_error(answer, 404)
    assert answer.content == unknown.content
    assert sorted(answer.headers) == sorted(unknown.headers)
    assert foreign in api.listed()


def test_the_fixtures_are_the_same_in_every_sandbox(api: Api, other_api: Api) -> None:
    for actor in (api, other_api):
        actor.list()
    assert api.state() == other_api.state()
    assert api.state()["users"][0]["id"] == MARIA


def test_the_same_requests_give_the_same_bytes_in_every_sandbox(api: Api, other_api: Api) -> None:
    def script(actor: Api) -> Iterator[bytes]:
        first = actor.create(aiContactId=CONTACT)
        yield first.content
        yield actor.create(title="").content
        yield actor.update(first.json()["id"], dueDate="2025-11-27").content
        yield actor.create(dueDate="2025-11-26").content
        yield actor.delete(first.json()["id"]).content
        yield actor.create().content
        yield actor.list().content
        yield actor.client.get("/__admin/state").content

    assert list(script(api)) == list(script(other_api))


# Keys.


@pytest.mark.parametrize("name", ["a", "7", "x" * 64, "...", "a.b", ".a", "-", "_", "a-b_c.D9", "test_", "DEFAULT"])
def test_a_sandbox_has_a_name_of_1_to_64_characters(as_key: Open, name: str) -> None:
    assert as_key(f"test_{name}").created()["creator_id"] == MARIA


@pytest.mark.parametrize("name", ["", "x" * 65, ".", "..", "a b", "a/b", "a%62", "a:b", "a+b", "a,b", "{a}"])
def test_another_name_opens_nothing(as_key: Open, name: str) -> None:
    assert_error(as_key(f"test_{name}").create(), 401)


def test_names_differ_by_case(fresh: Open) -> None:
    fresh("test_a").created()
    assert fresh("test_A").listed() == []


def test_the_keys_of_the_fixtures_act_as_other_users_of_the_default_sandbox(fresh: Open) -> None:
    keys = {"test_default": MARIA, "vambe_carlos_key": CARLOS, "vambe_valentina_key": VALENTINA, "own-key": MARIA}
    made = [fresh(key).created() for key in keys]
    assert [task["creator_id"] for task in made] == list(keys.values())
    for key in keys:
        assert fresh(key).listed() == made
    assert fresh("vambe_carlos_key").state() == fresh("test_default").state()
    assert fresh("test_other").listed() == []


def test_a_task_keeps_its_creator_whoever_updates_it(fresh: Open) -> None:
    task = fresh("vambe_carlos_key").created()
    assert fresh("vambe_valentina_key").updated(task["id"], title="Other") == task | {"title": "Other"}


def test_a_revoked_key_is_a_401(fresh: Open) -> None:
    assert_error(fresh("vambe_revoked_key").create(), 401)
    assert fresh("test_default").listed() == []


def test_a_key_of_ones_own_needs_its_option(as_key: Open) -> None:
    assert_error(as_key("own-key").create(), 401)


# Opening.


def test_a_sandbox_is_opened_by_its_first_request_even_if_that_is_refused(fresh: Open) -> None:
    refusals: list[Callable[[Api], httpx.Response]] = [
        lambda actor: actor.create(title=""),
        lambda actor: actor.create(responsibleIds=[UNKNOWN_ID]),
        lambda actor: actor.client.post("/api/public/tasks", content=b"{"),
        lambda actor: actor.list(fromDate="x"),
        lambda actor: actor.delete("x"),
        lambda actor: actor.delete(UNKNOWN_ID),
    ]
    for number, refused in enumerate(refusals):
        actor = fresh(f"test_{number}")
        assert_error(actor.client.get("/__admin/state"), 404)
        assert refused(actor).status_code in (400, 404)
        assert actor.state()["users"][0]["id"] == MARIA
        assert actor.created()["created_at"] == START
    assert fresh("test_0").client.get("/__admin/health").json()["sandboxes"] == len(refusals) + 1


def test_a_key_that_opens_nothing_opens_nothing(fresh: Open) -> None:
    for key in ("test_..", "test_a b", "vambe_revoked_key"):
        fresh(key).create()
    assert fresh("test_default").client.get("/__admin/health").json()["sandboxes"] == 1


def test_past_the_cap_a_new_sandbox_is_a_503_that_says_so(open_on: Callable[[str, str], Api]) -> None:
    with running(max_sandboxes=2) as url:
        second, third = open_on(url, "test_second"), open_on(url, "test_third")
        second.created()
        body = assert_error(
            third.create(),
            503,
            "There are 2 sandboxes, as many as --max-sandboxes allows, and each was opened by name or used in the last "
            "600 seconds (--sandbox-idle): delete one with DELETE /__admin/sandboxes/NAME",
        )
        assert body["error"] == "Service Unavailable"
        assert_error(third.list(), 503)
        assert_error(third.client.get("/__admin/state"), 404)
        assert len(second.listed()) == 1
        assert open_on(url, "test_default").listed() == []
        assert second.client.get("/__admin/health").json()["sandboxes"] == 2


def names(api: Api) -> list[str]:
    return [each["name"] for each in api.client.get("/__admin/sandboxes").json()["sandboxes"]]


def test_past_the_cap_the_sandbox_that_was_unused_longest_makes_room(open_on: Callable[[str, str], Api]) -> None:
    with running(max_sandboxes=3, sandbox_idle=0) as url:
        first, second, third = (open_on(url, f"test_{name}") for name in ("first", "second", "third"))
        first.created()
        first.client.post("/__admin/snapshots", json={"name": "kept"}).raise_for_status()
        second.created()
        first.listed()
        third.created()
        assert names(first) == ["default", "first", "third"]
        assert second.listed() == []  # anew, in place of the first
        assert names(first) == ["default", "second", "third"]
        assert first.listed() == []
        assert first.client.get("/__admin/snapshots").json() == {"snapshots": []}


def test_after_a_restart_all_sandboxes_count_as_used_then(open_on: Callable[[str, str], Api], tmp_path: Path) -> None:
    settings: dict[str, Any] = {"max_sandboxes": 2, "database": tmp_path / "world.db"}
    with running(**settings, sandbox_idle=0) as url:
        open_on(url, "test_kept").created()
    with running(**settings) as url:
        assert_error(open_on(url, "test_other").list(), 503)
        assert len(open_on(url, "test_kept").listed()) == 1
    with running(**settings, sandbox_idle=0) as url:
        assert open_on(url, "test_other").listed() == []


@pytest.mark.parametrize("how", ["created", "read", "written"])
def test_a_sandbox_that_was_opened_by_name_makes_no_room_for_others(
    how: str, open_on: Callable[[str, str], Api], tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"max_sandboxes": 2, "sandbox_idle": 0, "database": tmp_path / "world.db"}
    with running(**settings) as url:
        named = open_on(url, "test_named")
        if how == "created":
            named.client.post("/__admin/sandboxes", json={"name": "named"}).raise_for_status()
        elif how == "read":
            named.created()
            named.client.get("/__admin/state?sandbox=named").raise_for_status()
        else:
            named.client.post("/__admin/tasks?sandbox=named", json={}).raise_for_status()
        assert_error(open_on(url, "test_other").list(), 503)
    with running(**settings) as url:
        assert_error(open_on(url, "test_other").list(), 503)
        assert names(open_on(url, "test_named")) == ["default", "named"]


@pytest.mark.parametrize("wait", ["delay", "verification", "events"])
def test_a_sandbox_in_which_a_request_waits_makes_no_room_for_others(
    wait: str, open_on: Callable[[str, str], Api]
) -> None:
    settings = Settings(port=0, threads=4, max_sandboxes=2, sandbox_idle=0)
    with contextlib.ExitStack() as stack:
        server, engine, _ = stack.enter_context(serving.bound_server(settings))
        server.start()
        pool = stack.enter_context(ThreadPoolExecutor(1))
        waiting, other = open_on(server.url, "test_waiting"), open_on(server.url, "test_other")
        waiting.listed()
        if wait == "events":
            stream = stack.enter_context(waiting.client.stream("GET", "/__admin/events"))
            assert next(stream.iter_lines())
        elif wait == "delay":
            pool.submit(waiting.client.get, "/api/public/tasks", headers={"prefer": "delay=60000"})
        else:
            look = {"request": {"operation": "createTask"}, "timeout_ms": 60_000}
            pool.submit(waiting.client.post, "/__admin/requests/verify", json=look)
        wait_until(lambda: engine.waiting.is_awaited("waiting"))
        assert_error(other.list(), 503)
        assert names(other) == ["default", "waiting"]
        reset = open_on(server.url, "test_waiting")
        reset.client.post("/__admin/reset").raise_for_status()
        reset.created()


def cost_of_a_sandbox(others: int) -> int:
    """The steps of SQLite's virtual machine, in tens, to open twenty sandboxes beside so many others."""
    mock = create_app(Settings(max_sandboxes=1000)).extensions["vambe_mock"]
    for number in range(others):
        mock.sandboxes.create(f"other{number}")
    counted = itertools.count()
    connection = mock.store.writer.connection()
    connection.set_progress_handler(lambda: next(counted) < 0, 10)
    for number in range(20):  # one alone takes two more or less, by where its rows come
        mock.sandboxes.create(f"new{number}")
    connection.set_progress_handler(None, 10)
    mock.close()
    return next(counted)


def test_a_new_sandbox_costs_the_same_however_many_others_there_are() -> None:
    few, many = cost_of_a_sandbox(5), cost_of_a_sandbox(500)
    assert few > 200
    assert many <= few * 1.01


# What the control plane shows.


def test_health_needs_no_key(server_url: str) -> None:
    response = httpx.get(f"{server_url}/__admin/health", verify=False)
    assert response.status_code == 200
    assert list(response.json()) == ["status", "version", "sandboxes"]
    assert response.json()["status"] == "healthy"


def test_the_state_is_that_of_the_sandbox_named_else_of_the_key_else_of_default(fresh: Open) -> None:
    actor = fresh("test_mine")
    mine, default = actor.created(title="mine"), fresh("test_default").created(title="default")
    client = actor.client
    anonymous = httpx.get(f"{actor.url}/__admin/state", verify=False).json()
    assert [task["id"] for task in client.get("/__admin/state").json()["tasks"]] == [mine["id"]]
    assert client.get("/__admin/state?sandbox=default").json() == anonymous
    assert anonymous["tasks"][0]["title"] == default["title"]
    assert_error(client.get("/__admin/state?sandbox=unknown"), 404)
    for name in ("", "..", "a/b", "x" * 65):
        assert_error(client.get("/__admin/state", params={"sandbox": name}), 400)
    assert_error(fresh("unknown").client.get("/__admin/state"), 401)


def test_the_state_has_the_people_the_tasks_and_the_notes(api: Api) -> None:
    api.created(dueDate="2025-11-26", aiContactId=CONTACT)
    state = api.state()
    assert list(state) == ["users", "statuses", "contacts", "customers", "tasks", "notes"]
    assert [len(rows) for rows in state.values()] == [6, 4, 7, 3, 1, 1]
    assert list(state["users"][0]) == ["id", "first_name", "last_name", "email", "phone", "active"]
    assert list(state["tasks"][0]) == [*api.listed()[0], "due_date", "due_time", "timezone"]
    assert list(state["notes"][0]) == ["id", "task_id", "contact_id", "created_at"]


# Clocks and seeds.


def test_the_clock_starts_at_its_start_and_ticks_after_each_successful_write(api: Api) -> None:
    first = api.created()
    assert first["created_at"] == "2025-11-26T09:00:00.000Z"
    assert api.created()["created_at"] == "2025-11-26T09:00:01.000Z"
    api.updated(first["id"], title="Other")
    assert api.created()["created_at"] == "2025-11-26T09:00:03.000Z"
    api.updated(first["id"])
    assert api.created()["created_at"] == "2025-11-26T09:00:05.000Z"
    api.delete(first["id"])
    assert api.created()["created_at"] == "2025-11-26T09:00:07.000Z"


def test_neither_reads_nor_refusals_move_the_clock(api: Api) -> None:
    id = api.created()["id"]
    api.list()
    api.client.get("/api/public/team-members/all")
    api.state()
    assert_error(api.create(title=""), 400)
    assert_error(api.create(responsibleIds=[UNKNOWN_ID]), 404)
    assert_error(api.update(id, newStatusName="x"), 404)
    assert_error(api.update(id, title=None), 400)
    assert_error(api.delete(UNKNOWN_ID), 404)
    assert_error(api.client.patch(f"/api/public/tasks/{id}"), 404)
    assert api.created()["created_at"] == "2025-11-26T09:00:01.000Z"


def test_an_update_keeps_the_creation_date(api: Api) -> None:
    first, second = api.created(), api.created()
    assert api.updated(first["id"], title="Other")["created_at"] == START
    assert api.updated(second["id"], title="Other")["created_at"] == "2025-11-26T09:00:01.000Z"


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (ClockSetting("ticking", "2030-12-31T23:59:59.500Z"), ["2030-12-31T23:59:59.500Z", "2031-01-01T00:00:00.500Z"]),
        (ClockSetting("frozen"), [START, START]),
        (ClockSetting("frozen", "2030-01-01T00:00:00.000Z"), ["2030-01-01T00:00:00.000Z"] * 2),
    ],
)
def test_the_clock_can_start_elsewhere_or_stand_still(
    open_on: Callable[[str, str], Api], clock: ClockSetting, expected: list[str]
) -> None:
    with running(clock=clock) as url:
        for key in ("test_a", "test_b"):
            actor = open_on(url, key)
            assert [actor.created()["created_at"] for _ in expected] == expected


def in_process(app: Flask, key: str = "test_default", **fields: Any) -> dict[str, Any]:
    """A task that is created without a server."""
    response = app.test_client().post("/api/public/tasks", json=TASK | fields, headers={"x-api-key": key})
    assert response.status_code == 201
    return response.json


def test_a_real_clock_shows_the_time_of_the_machine() -> None:
    with freezegun.freeze_time("2031-05-06 07:08:09.123456") as machine:
        app = create_app(Settings(clock=ClockSetting("real")))
        assert in_process(app)["created_at"] == "2031-05-06T07:08:09.123Z"
        assert in_process(app)["created_at"] == "2031-05-06T07:08:09.123Z"
        machine.tick(90)
        assert in_process(app)["created_at"] == "2031-05-06T07:09:39.123Z"
        assert in_process(app, "test_opened_later")["created_at"] == "2031-05-06T07:09:39.123Z"
        app.extensions["vambe_mock"].close()


def test_a_real_clock_with_a_start_runs_from_there_since_the_sandbox_was_opened() -> None:
    with freezegun.freeze_time("2031-05-06 07:08:09") as machine:
        app = create_app(Settings(clock=ClockSetting("real", "2025-11-26T09:00:00.000Z")))
        in_process(app, "test_a")
        machine.tick(90)
        assert in_process(app, "test_a")["created_at"] == "2025-11-26T09:01:30.000Z"
        assert in_process(app, "test_b")["created_at"] == "2025-11-26T09:00:00.000Z"
        app.extensions["vambe_mock"].close()


def test_the_time_of_the_machine_does_not_matter_to_the_other_clocks() -> None:
    with freezegun.freeze_time("2031-05-06") as machine:
        app = create_app(Settings())
        in_process(app)
        machine.tick(90)
        assert in_process(app)["created_at"] == "2025-11-26T09:00:01.000Z"
        app.extensions["vambe_mock"].close()


def test_the_seed_decides_the_ids(open_on: Callable[[str, str], Api]) -> None:
    minted = {}
    for seed in ("vambe", "other"):
        with running(seed=seed) as url:
            actor = open_on(url, "test_a")
            minted[seed] = [actor.created(aiContactId=CONTACT)["id"] for _ in range(3)]
            minted[seed] += [note["id"] for note in actor.state()["notes"]]
    assert len({*minted["vambe"], *minted["other"]}) == 12


def test_a_second_server_mints_the_same_ids(api: Api, open_on: Callable[[str, str], Api]) -> None:
    with running() as url:
        other = open_on(url, "test_another_name")
        for _ in range(3):
            assert api.create(aiContactId=CONTACT).content == other.create(aiContactId=CONTACT).content
        assert api.state() == other.state()
