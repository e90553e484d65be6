"""Tasks that a test adds without a request: `POST /__admin/tasks`, and `add_task` in Python."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import httpx
import pytest
from support import CARLOS, CONTACT, CUSTOMER, DONE, INACTIVE_USER, MARIA, PENDING, UNKNOWN_ID, Api, paths, running

from mockserver.testing import CallFailed, MockServer

START = "2025-11-26T09:00:00.000Z"


def added(api: Api, **task: Any) -> httpx.Response:
    return api.client.post("/__admin/tasks", json=task)


def test_nothing_given_is_a_task_with_a_number_for_the_first_user(api: Api) -> None:
    made = added(api)
    assert made.status_code == 201
    task = made.json()
    assert task["title"] == "Task 1"
    assert task["task_responsibles"] == [{"responsible_id": MARIA}]
    assert (task["priority"], task["creator_id"], task["status_config"]) == (1, MARIA, PENDING)
    assert (task["created_at"], task["due_at"], task["description"]) == (START, None, "")
    assert api.listed() == [task]
    assert added(api).json()["title"] == "Task 2"


def test_it_has_the_keys_that_the_fixtures_have(api: Api) -> None:
    given = {
        "id": UNKNOWN_ID,
        "title": "Call",
        "description": "Long",
        "created_at": "2025-01-01T00:00:00.000Z",
        "ai_contact_id": CONTACT,
        "ai_customer_id": CUSTOMER,
        "task_status_config_id": DONE["id"],
        "priority": 2,
        "creator_id": CARLOS,
        "task_responsibles": [{"responsible_id": CARLOS}],
    }
    due = {"due_date": "2025-11-26", "due_time": "14:30", "timezone": "America/Santiago"}
    task = added(api, **given, **due).json()
    assert given.items() <= task.items()
    assert task["due_at"] == "2025-11-26T17:30:00.000Z"
    state = api.state()
    assert due.items() <= state["tasks"][0].items()
    assert [(note["task_id"], note["contact_id"]) for note in state["notes"]] == [(UNKNOWN_ID, CONTACT)]


def test_it_mints_the_next_id_moves_no_clock_and_is_not_in_the_journal(api: Api, other_api: Api) -> None:
    first, second = api.created()["id"], api.created()["id"]
    assert added(other_api).json()["id"] == first
    made = other_api.created()
    assert (made["id"], made["created_at"]) == (second, START)
    assert other_api.client.get("/__admin/requests").json()["total"] == 1


def test_a_given_id_leaves_the_next_one_to_be_minted(api: Api, other_api: Api) -> None:
    added(api, id=UNKNOWN_ID)
    assert api.created()["id"] == other_api.created()["id"]


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ({"title": ""}, ["title"]),
        ({"titel": "x"}, ["titel"]),
        ({"due_date": "2025-02-30"}, ["due_date"]),
        ({"due_time": "14:30"}, ["due_date"]),
        ({"ai_contact_id": UNKNOWN_ID}, ["ai_contact_id"]),
        ({"task_responsibles": [{"responsible_id": UNKNOWN_ID}]}, ["task_responsibles", 0, "responsible_id"]),
        ({"task_responsibles": []}, ["task_responsibles"]),
        ({"creator_id": INACTIVE_USER, "id": "x"}, ["id"]),
        ({"id": None}, ["id"]),
    ],
)
def test_a_task_that_cannot_be_is_refused_with_the_place_and_adds_nothing(
    api: Api, task: dict[str, Any], path: list[str | int]
) -> None:
    assert paths(added(api, **task)) == [path]
    assert api.listed() == []


def test_an_id_that_is_there_is_refused_even_of_a_deleted_task(api: Api) -> None:
    task = added(api, id=UNKNOWN_ID).json()
    for _ in range(2):
        assert paths(added(api, id=UNKNOWN_ID)) == [["id"]]
        api.delete(task["id"])


def test_its_number_counts_the_tasks_of_the_fixtures() -> None:
    with running(fixtures="demo") as url, Api(url, "test_default").client as client:
        assert client.post("/__admin/tasks").json()["title"] == "Task 37"


def test_python_adds_tasks_with_dates_of_its_own() -> None:
    with MockServer() as mock:
        task = mock.add_task(title="Call", due_date=date(2025, 11, 26), due_time=time(14, 30))
        assert (task["title"], task["due_at"]) == ("Call", "2025-11-26T14:30:00.000Z")
        assert [each["id"] for each in mock.tasks] == [task["id"]]
        assert mock.requests() == []
        with pytest.raises(CallFailed, match=r"title: Must have at least 1 character"):
            mock.add_task(title="")
