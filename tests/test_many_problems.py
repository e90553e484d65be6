"""A refusal lists at most 100 problems, and says how many it has left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from support import CARLOS, MARIA, Api, assert_error, explained

TASKS = "/api/public/tasks"
EVERYTHING = "fromDate=0001-01-01&toDate=9999-12-31"
OF_THE_MOCK = {"rule": "left_out", "evidence": "mock", "section": None}


def left_out(count: int, code: str = "custom") -> dict[str, Any]:
    return {"code": code, "path": [], "message": f"… and {count} more"}


def create(api: Api, count: int) -> httpx.Response:
    return api.create(responsibleIds=[MARIA, *map(str, range(count)), CARLOS])


def update(api: Api, count: int) -> httpx.Response:
    return api.update(api.created()["id"], responsibleIds=[MARIA, *range(count)])


def list_tasks(api: Api, count: int) -> httpx.Response:
    return api.client.get(f"{TASKS}?{EVERYTHING}&responsibleIds={','.join([MARIA] + ['x'] * count)}")


@pytest.mark.parametrize("refused", [create, update, list_tasks])
@pytest.mark.parametrize("count", [101, 2500])
def test_of_more_than_100_problems_99_are_listed_and_the_others_counted(
    refused: Callable[[Api, int], httpx.Response], count: int, api: Api
) -> None:
    response = refused(api, count)
    errors = assert_error(response, 400, "Validation failed")["errors"]
    assert [error["path"] for error in errors[:99]] == [["responsibleIds", place] for place in range(1, 100)]
    assert errors[99:] == [left_out(count - 99)]
    recorded = explained(response)["problems"]
    assert [problem["path"] for problem in recorded] == [error["path"] for error in errors]
    assert recorded[99] == left_out(count - 99, "left_out") | OF_THE_MOCK


@pytest.mark.parametrize("refused", [create, update, list_tasks])
def test_100_problems_are_all_listed(refused: Callable[[Api, int], httpx.Response], api: Api) -> None:
    response = refused(api, 100)
    errors = assert_error(response, 400)["errors"]
    assert [error["path"] for error in errors] == [["responsibleIds", place] for place in range(1, 101)]
    assert len(explained(response)["problems"]) == 100


def test_the_problems_of_all_fields_count_together(api: Api) -> None:
    response = api.create(title="", responsibleIds=[0] * 150, priority=1)
    errors = assert_error(response, 400)["errors"]
    assert [errors[0]["path"], errors[1]["path"]] == [["title"], ["responsibleIds", 0]]
    assert errors[99:] == [left_out(152 - 99)]


def test_strict_mode_names_the_first_ten_unread_keys(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"strict": True})
    response = api.create(**{f"k{number}": 0 for number in range(150)})
    message = assert_error(response, 400)["message"]
    assert [f'"k{number}"' in message for number in (0, 9, 10)] == [True, True, False]
    assert len(explained(response)["problems"]) == 10


@pytest.mark.parametrize("count", [101, 1200])
def test_of_more_than_100_unknown_ids_99_are_named_and_the_others_counted(count: int, api: Api) -> None:
    unknown = _unknown(count)
    response = api.create(responsibleIds=[*unknown[:50], MARIA, *unknown[50:]])
    named = ", ".join([*unknown[:99], f"… and {count - 99} more"])
    assert_error(response, 404, f"responsibleIds not found: {named}")
    problems = explained(response)["problems"]
    assert [problem["message"] for problem in problems[:99]] == [
        f"the sandbox has no active user {id}" for id in unknown[:99]
    ]
    assert problems[99:] == [left_out(count - 99, "left_out") | OF_THE_MOCK]


def test_100_unknown_ids_are_all_named(api: Api) -> None:
    unknown = _unknown(100)
    response = api.create(responsibleIds=unknown)
    assert_error(response, 404, f"responsibleIds not found: {', '.join(unknown)}")
    assert len(explained(response)["problems"]) == 100


def _unknown(count: int) -> list[str]:
    return [f"dddddddd-dddd-4ddd-8ddd-{number:012}" for number in range(count)]
