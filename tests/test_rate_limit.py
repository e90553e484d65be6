"""The rate limit: off by default, counted in real time, answered as any refusal is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import freezegun
import httpx
import pytest
from flask import Flask
from support import Api, assert_error, paths, wait_until

from mockserver.application import create_app
from mockserver.config import Settings

TEAM = "/api/public/team-members/all"


def limit(api: Api, requests: int, seconds: int) -> None:
    setting = {"rate_limit": {"requests": requests, "seconds": seconds}}
    answer = api.client.patch("/__admin/settings", json=setting)
    assert answer.status_code == 200, answer.text
    assert answer.json()["rate_limit"] == setting["rate_limit"]


def team(api: Api) -> httpx.Response:
    return api.client.get(TEAM)


@pytest.fixture
def app() -> Iterator[Flask]:
    """An application in this process, where time can be moved."""
    app = create_app(Settings())
    yield app
    app.extensions["vambe_mock"].close()


def test_there_is_no_limit_by_default(api: Api) -> None:
    api.created()
    assert api.client.get("/__admin/settings").json()["rate_limit"] is None
    assert {team(api).status_code for _ in range(120)} == {200}


def test_past_the_limit_a_request_is_refused_as_any_is_and_told_when_to_come_again(api: Api) -> None:
    limit(api, 3, 3600)
    assert [team(api).status_code for _ in range(3)] == [200] * 3
    refused = team(api)
    assert assert_error(refused, 429) == {
        "statusCode": 429,
        "message": "Too many requests",
        "error": "Too Many Requests",
    }
    assert 3500 < int(refused.headers["retry-after"]) <= 3600
    assert "x-mock-fault" not in refused.headers
    entry = api.client.get(f"/__admin/requests/{refused.headers['x-mock-request-id']}").json()
    assert (entry["response"]["status"], entry["decision"]["rule"]) == (429, "mock-rate-limit")


def test_a_refused_request_writes_nothing(api: Api) -> None:
    limit(api, 1, 3600)
    kept = api.created()
    assert_error(api.create(), 429)
    assert_error(api.delete(kept["id"]), 429)
    assert [task["id"] for task in api.state()["tasks"]] == [kept["id"]]


def test_a_window_ends_and_the_next_begins(api: Api) -> None:
    limit(api, 1, 1)
    assert team(api).status_code == 200
    wait_until(lambda: team(api).status_code == 200)
    entries = api.client.get("/__admin/requests").json()["requests"]
    waits = {entry["response"]["headers"].get("retry-after") for entry in entries}
    assert waits <= {None, "1"}


def test_requests_that_would_be_refused_count_and_those_of_unknown_keys_do_not(api: Api) -> None:
    limit(api, 2, 3600)
    for _ in range(3):
        assert_error(api.client.get(TEAM, headers={"x-api-key": "unknown"}), 401)
    assert_error(api.create(title=...), 400)
    assert_error(api.client.get(TEAM, headers={"Prefer": "code=404"}), 404)
    assert_error(team(api), 429)


def test_the_limit_comes_before_a_fault(api: Api) -> None:
    api.client.post("/__admin/faults", json={"status": 503, "times": None}).raise_for_status()
    limit(api, 1, 3600)
    assert_error(team(api), 503)
    assert_error(team(api), 429)
    assert api.client.get("/__admin/faults").json()["faults"][0]["hits"] == 1


def test_each_sandbox_has_a_limit_of_its_own(api: Api, other_api: Api) -> None:
    limit(api, 1, 3600)
    limit(other_api, 2, 3600)
    assert [team(api).status_code for _ in range(2)] == [200, 429]
    assert [team(other_api).status_code for _ in range(3)] == [200, 200, 429]


def test_the_control_plane_is_not_counted_and_always_answers(api: Api) -> None:
    limit(api, 1, 3600)
    assert {api.client.get("/__admin/settings").status_code for _ in range(5)} == {200}
    assert [team(api).status_code for _ in range(2)] == [200, 429]
    assert api.client.post("/__admin/reset").status_code == 200
    assert [team(api).status_code for _ in range(3)] == [200] * 3


def test_a_limit_that_is_set_anew_or_taken_away_forgets_what_was_counted(api: Api) -> None:
    for _ in range(2):
        limit(api, 1, 3600)
        assert [team(api).status_code for _ in range(2)] == [200, 429]
    api.client.patch("/__admin/settings", json={"delay_ms": 0}).raise_for_status()
    assert_error(team(api), 429)
    api.client.patch("/__admin/settings", json={"rate_limit": None}).raise_for_status()
    assert team(api).status_code == 200


def test_the_limit_is_exact_under_load(api: Api) -> None:
    limit(api, 50, 3600)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: team(api).status_code, range(100)))
    assert (answers.count(200), answers.count(429)) == (50, 50)


def test_a_page_of_another_port_can_read_when_to_come_again(api: Api) -> None:
    limit(api, 1, 3600)
    team(api)
    refused = api.client.get(TEAM, headers={"Origin": "http://localhost:5173"})
    assert_error(refused, 429)
    assert refused.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


def test_neither_the_sandboxs_clock_nor_a_frozen_test_moves_the_window(app: Flask) -> None:
    client = app.test_client()
    headers = {"x-api-key": "test_default"}

    def call() -> int:
        return client.get(TEAM, headers=headers).status_code

    with freezegun.freeze_time("2030-01-01") as frozen:
        setting = {"rate_limit": {"requests": 1, "seconds": 3600}}
        assert client.patch("/__admin/settings", json=setting).status_code == 200
        assert [call(), call()] == [200, 429]
        frozen.move_to("2031-01-01")
        assert call() == 429
        assert client.post("/__admin/clock/advance", json={"seconds": 100_000}).status_code == 200
        assert call() == 429


@pytest.mark.parametrize(
    ("limit", "path"),
    [
        ({"requests": 0, "seconds": 1}, ["rate_limit", "requests"]),
        ({"requests": 1, "seconds": 0}, ["rate_limit", "seconds"]),
        ({"requests": 1.5, "seconds": 1}, ["rate_limit", "requests"]),
        ({"requests": True, "seconds": 1}, ["rate_limit", "requests"]),
        ({"requests": 1}, ["rate_limit", "seconds"]),
        ({"seconds": 1}, ["rate_limit", "requests"]),
        ({"requests": 1, "seconds": 1, "minutes": 1}, ["rate_limit", "minutes"]),
        (100, ["rate_limit"]),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(api: Api, limit: Any, path: list[str]) -> None:
    answer = api.client.patch("/__admin/settings", json={"rate_limit": limit})
    assert paths(answer) == [path]
    assert team(api).status_code == 200
    assert api.client.get("/__admin/settings").json()["rate_limit"] is None
