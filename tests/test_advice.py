"""Advice: what the vendor recommends, or what rests on a guess, in the journal's entry and never in the answer."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
from support import CARLOS, CONTACT, CUSTOMER, MARIA, PENDING, Api, assert_error

TASKS = "/api/public/tasks"
DATED = {"dueDate": "2025-11-26", "dueTime": "14:30"}


def advice(api: Api, response: httpx.Response) -> list[dict[str, str]]:
    entry = api.client.get(f"/__admin/requests/{response.headers['X-Mock-Request-Id']}").json()
    return entry["advice"]


def rules(api: Api, response: httpx.Response) -> list[str]:
    given = advice(api, response)
    assert all(list(each) == ["rule", "message"] and each["message"] for each in given)
    return [each["rule"] for each in given]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({**DATED, "timezone": "UTC"}, []),
        (DATED, ["due-time-without-timezone"]),
        ({**DATED, "timezone": None}, ["due-time-without-timezone"]),
        ({"dueDate": "2025-11-26", "dueTime": None}, []),
        ({"description": "x" * 1000}, []),
        ({"description": "x" * 1001}, ["long-description"]),
        ({"description": "😀" * 1000}, []),
        ({"title": " "}, ["blank-title"]),
        ({"title": "\t\u2003\n"}, ["blank-title"]),
        ({"title": " x"}, []),
        ({"colour": "red"}, ["unread-key"]),
        ({"colour": None, "due_date": 1}, ["unread-key", "unread-key"]),
        ({"timezone": "UTC"}, ["time-without-date"]),
        ({"dueTime": "14:30", "timezone": "UTC"}, ["time-without-date", "time-without-date"]),
        ({"dueTime": "14:30", "timezone": "UTC", "dueDate": None}, ["time-without-date", "time-without-date"]),
        ({"aiCustomerId": CUSTOMER}, ["customer-without-contact"]),
        ({"aiCustomerId": CUSTOMER, "aiContactId": None}, ["customer-without-contact"]),
        ({"aiCustomerId": CUSTOMER, "aiContactId": CONTACT}, []),
        ({"aiContactId": CONTACT}, []),
        ({"dueDate": "2025-11-26T10:00:00.000Z"}, []),
        ({"dueDate": "2025-11-26T10:00:00-03:00"}, ["due-date-offset"]),
        ({"dueDate": "2025-11-26T10:00:00.000"}, ["due-date-offset"]),
        ({"dueDate": "2025-11-26T10:00Z"}, ["due-date-precision"]),
        ({"dueDate": "2025-11-26T10:00:00.12Z"}, ["due-date-precision"]),
        ({**DATED, "timezone": "america/SANTIAGO"}, ["timezone-case"]),
        ({"dueDate": "2025-11-26", "timezone": "Asia/Tokyo"}, ["day-before"]),
        ({"dueDate": "2025-11-26", "timezone": "America/Santiago"}, []),
        ({"dueDate": "2025-11-26", "timezone": "Asia/Tokyo", "dueTime": "14:30"}, []),
        ({"statusId": PENDING["id"]}, ["status-id"]),
        ({"description": "x" * 110_000}, ["long-description", "large-body"]),
    ],
)
def test_a_new_task_is_advised_on(api: Api, fields: dict[str, Any], expected: list[str]) -> None:
    response = api.create(**fields)
    assert response.status_code == 201
    assert rules(api, response) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"dueTime": "14:30"}, ["due-time-without-timezone"]),
        ({"title": " ", "description": "x" * 1001}, ["long-description", "blank-title"]),
        ({"statusId": CONTACT}, ["unread-key"]),
        ({"aiCustomerId": CUSTOMER}, []),
    ],
)
def test_an_update_is_advised_on(api: Api, fields: dict[str, Any], expected: list[str]) -> None:
    response = api.update(api.created(dueDate="2025-11-26")["id"], **fields)
    assert response.status_code == 200
    assert rules(api, response) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, []),
        ({"fromDate": "2025-11-26", "toDate": "2025-11-26"}, []),
        ({"fromDate": "2025-11-27", "toDate": "2025-11-26"}, ["dates-swapped"]),
        ({"page": "2"}, ["unread-query"]),
        ({"page": "2", "limit": "3", "includeTasksWithoutDates": "true"}, ["unread-query", "unread-query"]),
        ({"responsibleIds": f"{MARIA},{CARLOS}"}, ["comma-list"]),
        ({"responsibleIds[]": MARIA}, ["bracketed-list"]),
        ({"responsibleIds": [MARIA] * 20}, []),
        ({"responsibleIds": [MARIA] * 21}, ["long-list"]),
    ],
)
def test_a_list_is_advised_on(api: Api, query: dict[str, str], expected: list[str]) -> None:
    response = api.list(**query)
    assert response.status_code == 200
    assert rules(api, response) == expected


def test_advice_names_what_nothing_reads_and_what_is_repeated(api: Api) -> None:
    body = f'{{"title": "a", "title": "b", "colour": 1, "responsibleIds": ["{MARIA}"], "priority": "1"}}'
    response = api.client.post(f"{TASKS}?x=1", content=body, headers={"content-type": "application/json"})
    assert response.json()["title"] == "b"
    given = advice(api, response)
    assert [each["rule"] for each in given] == ["unread-key", "unread-query", "repeated-key"]
    assert [name in each["message"] for name, each in zip(['"colour"', '"x"', '"title"'], given, strict=True)] == [
        True
    ] * 3


def test_the_form_of_a_request_is_advised_on(api: Api) -> None:
    json, gzipped = {"content-type": "application/json"}, {"content-encoding": "gzip"}
    task = api.created()
    assert rules(api, api.client.put(f"{TASKS}/{task['id']}/", json={})) == ["path-matching"]
    assert rules(api, api.client.put(f"{TASKS.upper()}/{task['id']}", json={})) == ["path-matching"]
    assert rules(api, api.client.put(f"{TASKS}/{task['id']}", headers=json)) == ["empty-body"]
    url = f"{TASKS}/{task['id']}"
    assert rules(api, api.client.put(url, content=gzip.compress(b"{}"), headers=json | gzipped)) == ["content-encoding"]
    assert rules(api, api.client.get("/api/public/team-members/all", headers=gzipped)) == []


def test_a_request_that_is_refused_is_advised_on_too(api: Api) -> None:
    response = api.create(title="", colour="red", dueTime="14:30")
    assert_error(response, 400)
    assert rules(api, response) == ["due-time-without-timezone", "unread-key", "time-without-date"]
    assert rules(api, api.create(dueDate="tomorrow", timezone="Mars")) == []


def test_advice_never_changes_the_answer(api: Api, other_api: Api) -> None:
    advised = api.create(colour="red", **DATED)
    plain = other_api.create(**DATED, timezone="UTC")
    assert advised.content == plain.content
    assert "advice" not in str(advised.headers).lower()


def test_recommendations_stay_advice_in_strict_mode(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"strict": True})
    response = api.create(title=" ", description="x" * 1001, aiCustomerId=CUSTOMER, timezone="UTC")
    assert response.status_code == 201
    assert rules(api, response) == ["long-description", "blank-title", "time-without-date", "customer-without-contact"]
    assert_error(api.create(colour="red"), 400)
    assert_error(api.create(**DATED), 400)


# The same task twice.


def set_clock(api: Api, **clock: Any) -> None:
    assert api.client.put("/__admin/clock", json=clock).status_code == 200


def test_the_same_task_within_two_seconds_is_advised_on(api: Api) -> None:
    set_clock(api, tick_ms=2000)
    assert rules(api, api.create(title="same")) == []
    assert rules(api, api.create(title="same")) == ["same-task-twice"]
    assert rules(api, api.create(title="same")) == ["same-task-twice"]


def test_the_same_task_later_is_not_advised_on(api: Api) -> None:
    set_clock(api, tick_ms=2001)
    api.create(title="same")
    assert rules(api, api.create(title="same")) == []


def test_another_task_is_not_the_same(api: Api) -> None:
    set_clock(api, mode="frozen")
    api.create(title="same")
    assert rules(api, api.create(title="same", description="other")) == []
    assert rules(api, api.create(title="other")) == []


def test_the_same_task_in_another_sandbox_is_not_advised_on(api: Api, other_api: Api) -> None:
    set_clock(api, mode="frozen")
    set_clock(other_api, mode="frozen")
    api.create(title="same")
    assert rules(other_api, other_api.create(title="same")) == []


def test_the_same_task_with_other_blanks_in_its_json_is_the_same(api: Api) -> None:
    document = {"title": "same", "responsibleIds": [MARIA], "priority": "1"}
    headers = {"content-type": "application/json"}
    for indent, expected in ((None, []), (2, ["same-task-twice"])):
        body = json.dumps(document, indent=indent)
        assert rules(api, api.client.post("/api/public/tasks", content=body, headers=headers)) == expected


def test_the_same_refused_task_twice_is_not_advised_on(api: Api) -> None:
    set_clock(api, mode="frozen")
    api.create(title="")
    assert rules(api, api.create(title="")) == []


def test_after_a_reset_the_same_task_is_created_for_the_first_time(api: Api) -> None:
    set_clock(api, mode="frozen")
    api.create(title="same")
    api.client.post("/__admin/reset")
    assert rules(api, api.create(title="same")) == []


@pytest.mark.parametrize(
    ("method", "path", "json"),
    [
        ("POST", "/reset", {}),
        ("POST", "/reset", {"only": ["tasks"]}),
        ("POST", "/reset", {"to": "empty", "only": ["tasks", "ids"]}),
        ("POST", "/snapshots/before/restore", None),
        ("PUT", "/state", ...),
    ],
)
def test_the_first_task_after_a_reset_a_restore_or_a_new_state_repeats_nothing(
    api: Api, method: str, path: str, json: Any
) -> None:
    api.list()
    api.client.post("/__admin/snapshots", json={"name": "before"})
    state = api.state()
    assert rules(api, api.create(title="same")) == []
    api.client.request(method, f"/__admin{path}", json=state if json is ... else json).raise_for_status()
    assert rules(api, api.create(title="same")) == []
    assert rules(api, api.create(title="same")) == ["same-task-twice"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"authorization": "Bearer test_default"}, ["key-in-authorization"]),
        ({"authorization": "test_default"}, ["key-in-authorization"]),
        ({"x-api-key": "Bearer test_default"}, ["key-with-scheme"]),
        ({"x-api-key": "test_default!"}, []),
        ({}, []),
    ],
)
def test_a_key_in_the_wrong_place_is_explained(headers: dict[str, str], expected: list[str], server_url: str) -> None:
    answer = httpx.get(f"{server_url}{TASKS}", headers=headers)
    assert_error(answer, 401)
    (entry,) = (
        entry
        for entry in httpx.get(f"{server_url}/__admin/requests?unidentified=true").json()["requests"]
        if str(entry["id"]) == answer.headers["X-Mock-Request-Id"]
    )
    assert [each["rule"] for each in entry["advice"]] == expected


def test_an_authorization_beside_the_key_is_no_matter_for_advice(api: Api) -> None:
    answer = api.client.get("/api/public/team-members/all", headers={"authorization": "Bearer other"})
    assert answer.status_code == 200
    assert rules(api, answer) == []
