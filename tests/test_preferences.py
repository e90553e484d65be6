"""`Prefer`: one request asks for its own failure, without any call of the control plane."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from support import MARIA, Api, assert_error, running, wait_until

TASKS = "/api/public/tasks"
TEAM = "/api/public/team-members/all"
TASK = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}


def preferring(api: Api, *values: str, method: str = "GET", path: str = TEAM, **sent: Any) -> httpx.Response:
    """Send a request with these `Prefer` headers."""
    return api.client.request(method, path, headers=[("Prefer", value) for value in values], **sent)


def create(api: Api, *values: str) -> httpx.Response:
    return preferring(api, *values, method="POST", path=TASKS, json=TASK)


def test_a_preferred_code_is_answered_as_the_vendor_does_and_nothing_is_written(api: Api) -> None:
    kept = api.created()
    before = api.state()
    for code in (400, 401, 404, 418, 429, 500, 503, 599):
        for answer in (
            create(api, f"code={code}"),
            preferring(api, f"code={code}", method="PUT", path=f"{TASKS}/{kept['id']}", json={"title": "x"}),
            preferring(api, f"code={code}", method="DELETE", path=f"{TASKS}/{kept['id']}"),
        ):
            assert_error(answer, code)
            assert answer.headers["preference-applied"] == f"code={code}"
    assert api.state() == before
    entries = api.client.get("/__admin/requests?since=1").json()["requests"]
    assert {(entry["decision"]["rule"], str(entry["changes"])) for entry in entries} == {("mock-preference", "[]")}
    assert api.created()["created_at"] == "2025-11-26T09:00:01.000Z"  # nor did the clock tick


def test_the_shape_is_the_very_one_of_a_real_refusal(api: Api) -> None:
    real = api.client.get(TEAM, headers={"x-api-key": "unknown"})
    assert preferring(api, "code=401").content == real.content


def test_a_preferred_delay_has_written_nothing_while_it_lasts(api: Api) -> None:
    rule = {"match": {"operation": "createTask"}, "delay_ms": 1}
    api.client.post("/__admin/faults", json=rule).raise_for_status()  # its hit tells that the request has come
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(create, api, "delay=60000")
        wait_until(lambda: api.client.get("/__admin/faults").json()["faults"][0]["hits"] == 1)
        assert api.listed() == []
        assert not answer.done()
        api.client.post("/__admin/reset").raise_for_status()
        assert_error(answer.result(timeout=10), 503)
        assert answer.result().headers["X-Mock-Limit"] == "released"
    assert api.listed() == []


def test_past_the_delays_that_the_server_holds_a_503_names_the_limit() -> None:
    with running(max_delayed=1) as url, Api(url, "test_default").client as client, ThreadPoolExecutor(1) as pool:
        rule = {"delay_ms": 60_000, "times": None}
        client.post("/__admin/faults", json=rule).raise_for_status()
        delayed = pool.submit(client.get, TEAM)
        wait_until(lambda: client.get("/__admin/faults").json()["faults"][0]["hits"] == 1)
        answer = client.get(TEAM)
        assert_error(answer, 503)
        assert answer.headers["X-Mock-Limit"] == "max-delayed"
        client.post("/__admin/reset").raise_for_status()
        assert delayed.result(timeout=10).status_code == 503


def test_the_vendor_s_503_names_no_limit(api: Api) -> None:
    assert "X-Mock-Limit" not in preferring(api, "code=503", path=TEAM).headers


def test_a_preferred_delay_leaves_the_answer_as_it_is(api: Api) -> None:
    late = create(api, "delay=30")
    assert late.status_code == 201
    assert late.elapsed.total_seconds() >= 0.03
    assert late.headers["preference-applied"] == "delay=30"
    assert [task["id"] for task in api.listed()] == [late.json()["id"]]


@pytest.mark.parametrize(
    ("values", "applied"),
    [
        (["code=404, delay=1"], "code=404, delay=1"),
        (["code=404,delay=1"], "code=404, delay=1"),
        (["delay=1, code=404"], "code=404, delay=1"),
        (["delay=1", "code=404"], "code=404, delay=1"),
        (["code=404", "wait=10", "delay=1"], "code=404, delay=1"),
        (["code = 404"], "code=404"),
        (["CODE=404"], "code=404"),
        (['code="404"'], "code=404"),
        (["code=404; why=because"], "code=404"),
        (["respond-async, code=404, handling=lenient"], "code=404"),
        (["code=404, code=500"], "code=404"),
        (["code=404", "code=500"], "code=404"),
        ([",, code=404 ,"], "code=404"),
        (["code=404" + ", wait=1" * 500], "code=404"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_several_preferences_can_come_in_one_header_or_in_several(api: Api, values: list[str], applied: str) -> None:
    answer = preferring(api, *values)
    assert_error(answer, 404)
    assert answer.headers["preference-applied"] == applied


@pytest.mark.parametrize(
    "value", ["", ",", "wait=10", "respond-async", "handling=lenient; a=b", "codes=404", "x-code=404", "=404", '"']
)
def test_an_unknown_preference_is_ignored(api: Api, value: str) -> None:
    answer = create(api, value)
    assert answer.status_code == 201
    assert "preference-applied" not in answer.headers


def test_an_answer_to_a_request_without_preference_applies_none(api: Api) -> None:
    assert "preference-applied" not in preferring(api).headers


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("code=200", "code=200"),
        ("code=399", "code=399"),
        ("code=600", "code=600"),
        ("code=99999999999999999999", "code=99999999999999999999"),
        ("code=-404", "code=-404"),
        ("code=40x", "code=40x"),
        ("code=4 04", "code=4 04"),
        ("code=", "code="),
        ("code", "code="),
        ('code="', "code="),
        ("code=404.0", "code=404.0"),
        ("delay=-1", "delay=-1"),
        ("delay=60001", "delay=60001"),
        ("delay=1s", "delay=1s"),
        ("delay=1.5", "delay=1.5"),
        ("delay", "delay="),
        ("delay=soon, code=404", "delay=soon"),
        ("code=soon, delay=1", "code=soon"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name_and_nothing_is_written(
    api: Api, value: str, named: str
) -> None:
    answer = create(api, value)
    message = assert_error(answer, 400)["message"]
    assert message.startswith(f"Prefer: {named}")
    assert ("400 to 599" in message) == named.startswith("code")
    assert ("0 to 60000" in message) == named.startswith("delay")
    assert "preference-applied" not in answer.headers
    assert api.listed() == []


def test_a_value_that_is_not_ascii_is_refused_too(api: Api) -> None:
    answer = api.client.get(TEAM, headers=[(b"Prefer", "code=٤٠٤".encode())])
    assert_error(answer, 400)


@pytest.mark.parametrize(
    "value", ["code" + " " * 30_000 + '"', "code=" + " " * 30_000 + '"', "x" + " " * 30_000 + "=", "x=" + '"' * 30_000]
)
def test_a_long_header_is_read_at_once(api: Api, value: str) -> None:
    assert preferring(api, value).status_code in (200, 400)


# The order: key, rate limit, preference, fault before.


def test_a_key_that_opens_nothing_comes_before_a_preference(api: Api) -> None:
    for value in ("code=404", "code=nothing", "delay=60000"):
        answer = api.client.get(TEAM, headers={"Prefer": value, "x-api-key": "unknown"})
        assert_error(answer, 401)
        assert "preference-applied" not in answer.headers


def test_the_rate_limit_comes_before_a_preference(api: Api) -> None:
    limit = {"rate_limit": {"requests": 2, "seconds": 3600}}
    api.client.patch("/__admin/settings", json=limit).raise_for_status()
    assert_error(preferring(api, "code=404"), 404)
    assert_error(preferring(api, "code=nothing"), 400)
    for value in ("code=404", "code=nothing"):
        answer = preferring(api, value)
        assert_error(answer, 429)
        assert "preference-applied" not in answer.headers


def test_a_preference_comes_before_a_fault(api: Api) -> None:
    api.client.post("/__admin/faults", json={"status": 503}).raise_for_status()
    for value, status in (("code=404", 404), ("code=nothing", 400)):
        answer = preferring(api, value)
        assert_error(answer, status)
        assert "x-mock-fault" not in answer.headers
    assert api.client.get("/__admin/faults").json()["faults"][0]["hits"] == 0
    answer = preferring(api, "delay=1")
    assert_error(answer, 503)
    assert answer.headers["preference-applied"] == "delay=1"
    assert answer.headers["x-mock-fault"]


def test_a_preference_comes_before_what_is_wrong_with_the_request(api: Api) -> None:
    assert_error(preferring(api, "code=503", method="POST", path=TASKS, json={"title": ""}), 503)
    assert_error(preferring(api, "code=503", path=f"{TASKS}?fromDate=never"), 503)


def test_the_control_plane_has_no_preferences(api: Api) -> None:
    for value in ("code=503", "delay=nothing"):
        answer = preferring(api, value, path="/__admin/health")
        assert answer.status_code == 200
        assert "preference-applied" not in answer.headers


def test_a_page_of_another_port_can_ask_for_a_failure_and_read_it(api: Api) -> None:
    origin = {"Origin": "http://localhost:5173"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "prefer"}
    preflight = api.client.options(TASKS, headers=origin | asked)
    assert preflight.headers["access-control-allow-headers"].lower() == "prefer"
    answer = api.client.get(TEAM, headers=origin | {"Prefer": "code=503"})
    assert answer.headers["access-control-allow-origin"] == origin["Origin"]
    assert "Preference-Applied" in answer.headers["access-control-expose-headers"]
