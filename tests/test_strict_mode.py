"""Strict mode: two pieces of the vendor's advice become refusals, and nothing else changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from support import ALL_TIME, CUSTOMER, MARIA, UNKNOWN_ID, Api, assert_error, problems, running

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def strict_url() -> Iterator[str]:
    with running(strict=True) as url:
        yield url


@pytest.fixture
def strict(strict_url: str) -> Iterator[Api]:
    """A client of a strict server, in a sandbox of its own."""
    actor = Api(strict_url, f"test_s{next(_numbers)}")
    with actor.client:
        yield actor


@pytest.mark.parametrize("fields", [{"dueDate": "2025-11-26", "dueTime": "14:30"}, {"dueTime": "14:30"}])
def test_a_time_without_a_timezone_is_refused(strict: Api, api: Api, fields: dict[str, Any]) -> None:
    response = strict.create(**fields)
    assert problems(response) == [(["timezone"], "strict_timezone")]
    assert response.json()["errors"][0]["message"].startswith("Strict mode")
    assert strict.listed() == []
    assert api.create(**fields).status_code == 201


def test_a_key_that_nothing_reads_is_refused_by_its_name(strict: Api, api: Api) -> None:
    odd = {"colour": "red", "Title": "x", "due_date": "2025-11-26", "": None, "newStatusName": "Cerrada", "é": 1}
    response = strict.create(**odd)
    assert problems(response) == [([key], "strict_unread_key") for key in odd]
    messages = [problem["message"] for problem in response.json()["errors"]]
    assert all(message.startswith("Strict mode") for message in messages)
    assert '"colour"' in messages[0]
    assert strict.listed() == []
    assert api.create(**odd).status_code == 201


@pytest.mark.parametrize("fields", [{"statusId": UNKNOWN_ID}, {"id": UNKNOWN_ID}, {"status_id": None}])
def test_an_update_with_a_key_that_nothing_reads_is_refused(strict: Api, api: Api, fields: dict[str, Any]) -> None:
    task = strict.created()
    response = strict.update(task["id"], **fields, title="Other")
    assert problems(response) == [([next(iter(fields))], "strict_unread_key")]
    assert strict.listed() == [task]
    assert api.updated(api.created()["id"], **fields, title="Other")["title"] == "Other"


def test_what_strict_mode_refuses_is_answered_beside_the_other_problems(strict: Api) -> None:
    response = strict.create(title="", dueTime="14:30", colour="red")
    assert sorted(problems(response)) == [
        (["colour"], "strict_unread_key"),
        (["timezone"], "strict_timezone"),
        (["title"], "too_short"),
    ]


def test_a_bad_id_comes_before_what_strict_mode_refuses(strict: Api) -> None:
    assert problems(strict.update("x", colour="red")) == [(["id"], "invalid_uuid"), (["colour"], "strict_unread_key")]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"dueDate": "2025-11-26", "dueTime": "14:30", "timezone": "UTC"},
        {"dueDate": "2025-11-26", "dueTime": None},
        {"dueDate": "2025-11-26"},
        {"dueTime": "14:30", "timezone": "America/Santiago"},
        {"timezone": "America/Santiago"},
        {"title": " "},
        {"description": "x" * 1001},
        {"aiCustomerId": CUSTOMER},
    ],
)
def test_other_advice_stays_advice(strict: Api, api: Api, fields: dict[str, Any]) -> None:
    assert strict.create(**fields).content == api.create(**fields).content
    assert strict.create(**fields).status_code == 201


def test_query_names_that_nothing_reads_stay_ignored(strict: Api) -> None:
    task = strict.created()
    assert strict.listed(page="2") == [task]
    assert strict.listed(fromDate=ALL_TIME["toDate"], toDate=ALL_TIME["fromDate"]) == [task]


def test_other_refusals_are_the_same(strict: Api, api: Api) -> None:
    for fields in ({"title": 5}, {"responsibleIds": [UNKNOWN_ID]}, {"responsibleIds": [MARIA], "priority": None}):
        assert strict.create(**fields).content == api.create(**fields).content
    assert_error(strict.delete(UNKNOWN_ID), 404, "Task not found")
