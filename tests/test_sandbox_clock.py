"""`/__admin/clock`: what a sandbox's clock shows, how it moves, and what sets it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import freezegun
import httpx
import pytest
from flask.testing import FlaskClient
from support import MARIA, UNKNOWN_ID, Api, assert_error, served

from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.engine import EXTENSION

START = "2025-11-26T09:00:00.000Z"
TASK = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}
CLOCK = "/__admin/clock"


def clock(api: Api) -> dict[str, Any]:
    return api.client.get(CLOCK).json()


def put(api: Api, **change: Any) -> dict[str, Any]:
    response = api.client.put(CLOCK, json=change)
    assert response.status_code == 200, response.text
    return response.json()


def advance(api: Api, seconds: Any) -> httpx.Response:
    return api.client.post(f"{CLOCK}/advance", json={"seconds": seconds})


def test_a_new_clock_ticks_a_second_for_each_write(api: Api) -> None:
    api.list()
    assert clock(api) == {"mode": "ticking", "now": START, "tick_ms": 1000}
    api.created()
    assert clock(api)["now"] == "2025-11-26T09:00:01.000Z"


def test_each_successful_write_ticks_and_nothing_else_does(api: Api) -> None:
    id = api.created()["id"]
    api.updated(id)
    assert_error(api.create(title=""), 400)
    assert_error(api.delete(UNKNOWN_ID), 404)
    api.list()
    api.client.get("/__admin/state")
    assert clock(api)["now"] == "2025-11-26T09:00:02.000Z"
    api.delete(id)
    assert clock(api)["now"] == "2025-11-26T09:00:03.000Z"


def test_control_calls_never_tick(api: Api) -> None:
    client = api.client
    client.put("/__admin/state", json=api.created() and api.state()).raise_for_status()
    client.post("/__admin/faults", json={"status": 503, "match": {"operation": "deleteTask"}}).raise_for_status()
    client.patch("/__admin/settings", json={"strict": True}).raise_for_status()
    client.post("/__admin/snapshots", json={"name": "one"}).raise_for_status()
    client.delete("/__admin/requests").raise_for_status()
    client.post("/__admin/reset", json={"only": ["faults"]}).raise_for_status()
    assert clock(api)["now"] == "2025-11-26T09:00:01.000Z"


def test_what_a_write_adds_can_be_set(api: Api) -> None:
    assert put(api, tick_ms=250) == {"mode": "ticking", "now": START, "tick_ms": 250}
    assert [api.created()["created_at"] for _ in range(3)] == [
        START,
        "2025-11-26T09:00:00.250Z",
        "2025-11-26T09:00:00.500Z",
    ]
    put(api, tick_ms=0)
    assert api.created()["created_at"] == api.created()["created_at"] == "2025-11-26T09:00:00.750Z"
    put(api, tick_ms=86_400_000)
    api.created()
    assert clock(api)["now"] == "2025-11-27T09:00:00.750Z"


def test_a_frozen_clock_stands_still_until_it_is_moved(api: Api) -> None:
    assert put(api, mode="frozen") == {"mode": "frozen", "now": START, "tick_ms": 1000}
    assert {api.created()["created_at"] for _ in range(3)} == {START}
    assert advance(api, 90).json() == {"mode": "frozen", "now": "2025-11-26T09:01:30.000Z", "tick_ms": 1000}
    assert {api.created()["created_at"] for _ in range(2)} == {"2025-11-26T09:01:30.000Z"}
    put(api, mode="ticking")
    api.created()
    assert api.created()["created_at"] == "2025-11-26T09:01:31.000Z"


def test_a_clock_is_set_and_goes_on_from_there(api: Api) -> None:
    put(api, now="2026-03-01T08:00:00.123Z")
    assert api.created()["created_at"] == "2026-03-01T08:00:00.123Z"
    assert api.created()["created_at"] == "2026-03-01T08:00:01.123Z"
    put(api, now="2025-01-01T00:00:00.000Z")
    assert api.created()["created_at"] == "2025-01-01T00:00:00.000Z"


def test_what_is_left_out_stays(api: Api) -> None:
    put(api, mode="frozen", now="2026-03-01T08:00:00.000Z", tick_ms=5)
    assert put(api) == {"mode": "frozen", "now": "2026-03-01T08:00:00.000Z", "tick_ms": 5}
    assert put(api, tick_ms=7)["now"] == "2026-03-01T08:00:00.000Z"
    assert put(api, now="2026-03-02T08:00:00.000Z")["mode"] == "frozen"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00.000Z"),
        ("2026-03-01T08:00:00.1239Z", "2026-03-01T08:00:00.123Z"),
        ("2026-03-01T08:00:00+05:45", "2026-03-01T02:15:00.000Z"),
        ("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"),
        ("2100-12-31T23:59:59.999Z", "2100-12-31T23:59:59.999Z"),
        ("2101-01-01T00:00:00+01:00", "2100-12-31T23:00:00.000Z"),
    ],
)
def test_a_clock_shows_instants_of_1970_to_2100(api: Api, given: str, shown: str) -> None:
    assert put(api, now=given, mode="frozen")["now"] == shown
    assert api.created()["created_at"] == shown


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"now": "1969-12-31T23:59:59.999Z"}, "now"),
        ({"now": "2101-01-01T00:00:00.000Z"}, "now"),
        ({"now": "2100-12-31T23:59:59-01:00"}, "now"),
        ({"now": "2026-03-01T08:00:00"}, "now"),
        ({"now": "2026-03-01"}, "now"),
        ({"now": "2026-02-30T08:00:00Z"}, "now"),
        ({"now": 0}, "now"),
        ({"now": None}, "now"),
        ({"mode": "stopped"}, "mode"),
        ({"mode": "Frozen"}, "mode"),
        ({"mode": None}, "mode"),
        ({"tick_ms": -1}, "tick_ms"),
        ({"tick_ms": 86_400_001}, "tick_ms"),
        ({"tick_ms": 1.5}, "tick_ms"),
        ({"tick_ms": True}, "tick_ms"),
        ({"seconds": 5}, "seconds"),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(api: Api, change: dict[str, Any], path: str) -> None:
    put(api, mode="frozen")
    (problem,) = assert_error(api.client.put(CLOCK, json={"mode": "real"} | change), 400)["errors"]
    assert problem["path"] == [path]
    if path == "mode" and change["mode"] is not None:
        assert '"ticking", "frozen", "real"' in problem["message"]
    if path == "seconds":
        assert "mode, now, tick_ms" in problem["message"]
    assert clock(api) == {"mode": "frozen", "now": START, "tick_ms": 1000}


@pytest.mark.parametrize("seconds", [-1, 1.5, "60", None, True, 5_000_000_001])
def test_a_clock_is_advanced_by_whole_seconds(api: Api, seconds: Any) -> None:
    api.list()
    (problem,) = assert_error(advance(api, seconds), 400)["errors"]
    assert problem["path"] == ["seconds"]
    assert_error(api.client.post(f"{CLOCK}/advance"), 400)
    assert clock(api)["now"] == START
    assert advance(api, 0).json()["now"] == START


def test_a_clock_is_not_advanced_past_2100(api: Api) -> None:
    put(api, now="2100-12-31T23:59:58.500Z")
    assert "2100" in assert_error(advance(api, 2), 400)["message"]
    assert advance(api, 1).json()["now"] == "2100-12-31T23:59:59.500Z"
    assert "2100" in assert_error(advance(api, 5_000_000_000), 400)["message"]


def test_a_clock_that_ticks_at_the_end_of_its_range_still_works(api: Api) -> None:
    put(api, now="2100-12-31T23:59:59.999Z")
    api.created()
    api.created()
    assert len(api.listed()) == 2
    assert advance(api, 1).status_code == 400
    assert put(api, tick_ms=5)["tick_ms"] == 5
    assert put(api, now=START)["now"] == START


def test_each_sandbox_has_a_clock_of_its_own(api: Api, other_api: Api) -> None:
    other_api.list()
    put(api, now="2026-03-01T08:00:00.000Z", mode="frozen")
    assert clock(other_api) == {"mode": "ticking", "now": START, "tick_ms": 1000}


def test_the_clock_of_a_sandbox_that_does_not_exist_is_a_404_to_read_and_opened_by_a_write(api: Api) -> None:
    assert_error(api.client.get(CLOCK), 404)
    assert advance(api, 1).status_code == 200
    assert clock(api)["now"] == "2025-11-26T09:00:01.000Z"


# The machine's time.


@pytest.fixture
def in_process() -> Iterator[FlaskClient]:
    app = create_app(Settings())
    yield app.test_client()
    app.extensions[EXTENSION].close()


def created_at(client: FlaskClient) -> str:
    response = client.post("/api/public/tasks", json=TASK, headers={"x-api-key": "test_default"})
    assert response.status_code == 201
    return str(response.json["created_at"])


def test_a_real_clock_runs_with_the_machine_s(in_process: FlaskClient) -> None:
    with freezegun.freeze_time("2031-05-06 07:08:09.123") as machine:
        now = {"mode": "real", "now": "2031-05-06T07:08:09.123Z"}
        assert in_process.put(CLOCK, json=now).json == now | {"tick_ms": 1000}
        assert created_at(in_process) == created_at(in_process) == "2031-05-06T07:08:09.123Z"
        machine.tick(90.5)
        assert in_process.get(CLOCK).json["now"] == "2031-05-06T07:09:39.623Z"
        assert in_process.post(f"{CLOCK}/advance", json={"seconds": 3600}).json["now"] == "2031-05-06T08:09:39.623Z"
        machine.tick(1)
        assert created_at(in_process) == "2031-05-06T08:09:40.623Z"
        assert in_process.put(CLOCK, json={"mode": "frozen"}).json["now"] == "2031-05-06T08:09:40.623Z"
        machine.tick(60)
        assert created_at(in_process) == "2031-05-06T08:09:40.623Z"


def test_a_real_clock_that_was_set_runs_from_there(in_process: FlaskClient) -> None:
    with freezegun.freeze_time("2031-05-06 07:08:09") as machine:
        in_process.put(CLOCK, json={"mode": "real", "now": START})
        machine.tick(61)
        assert created_at(in_process) == "2025-11-26T09:01:01.000Z"


def test_a_clock_that_becomes_real_shows_the_machine_s_time(in_process: FlaskClient) -> None:
    with freezegun.freeze_time("2031-05-06 07:08:09") as machine:
        assert in_process.put(CLOCK, json={"mode": "real"}).json["now"] == "2031-05-06T07:08:09.000Z"
        machine.tick(10)
        again = in_process.put(CLOCK, json={"mode": "real", "tick_ms": 5}).json
        assert again == {"mode": "real", "now": "2031-05-06T07:08:19.000Z", "tick_ms": 5}


def test_a_clock_stays_at_the_end_of_its_range(in_process: FlaskClient) -> None:
    last = "2100-12-31T23:59:59.999Z"
    in_process.put(CLOCK, json={"now": "2100-12-31T23:59:59.500Z"})
    assert [created_at(in_process) for _ in range(3)] == ["2100-12-31T23:59:59.500Z", last, last]
    with freezegun.freeze_time("2031-05-06 07:08:09") as machine:
        in_process.put(CLOCK, json={"mode": "real", "now": "2100-12-31T23:00:00.000Z"})
        machine.tick(7200)
        assert created_at(in_process) == last


def test_other_clocks_do_not_care_for_the_machine_s_time(in_process: FlaskClient) -> None:
    with freezegun.freeze_time("2031-05-06") as machine:
        assert created_at(in_process) == START
        machine.tick(100)
        assert in_process.get(CLOCK).json["now"] == "2025-11-26T09:00:01.000Z"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Santiago"])
def test_the_machine_s_zone_does_not_matter(zone: str) -> None:
    with served(TZ=zone) as server:
        api = Api(server.url, "test_zone")
        with api.client:
            assert api.created()["created_at"] == START
            put(api, now="2026-03-29T02:30:00.000Z", mode="frozen")
            assert api.created(dueDate="2026-03-29")["created_at"] == "2026-03-29T02:30:00.000Z"
            assert advance(api, 86_400).json()["now"] == "2026-03-30T02:30:00.000Z"
            put(api, mode="real", now="2026-03-29T02:30:00.000Z")
            assert api.created()["created_at"].startswith("2026-03-29T02:3")
