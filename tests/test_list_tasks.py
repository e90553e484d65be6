"""`GET /api/public/tasks`."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest
from support import (
    CARLOS,
    CONTACT,
    CUSTOMER,
    INACTIVE_USER,
    MARIA,
    UNKNOWN_ID,
    VALENTINA,
    Api,
    assert_error,
    problems,
)

from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.domain import tasks
from mockserver.engine import EXTENSION
from mockserver.formats.dates import parse_date_or_date_time

DAYS = "fromDate=2025-11-26&toDate=2025-11-26"


def get(api: Api, query: str) -> httpx.Response:
    """A list request with exactly this query."""
    return api.client.get(f"/api/public/tasks?{query}")


def titles(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [task["title"] for task in response.json()]


@pytest.fixture
def assigned(api: Api) -> Api:
    """A sandbox with a task for each way to assign two users, titled with their initials."""
    api.created(title="M", responsibleIds=[MARIA])
    api.created(title="C", responsibleIds=[CARLOS])
    api.created(title="MC", responsibleIds=[MARIA, CARLOS])
    api.created(title="V", responsibleIds=[VALENTINA])
    return api


def test_without_tasks_the_list_is_empty(api: Api) -> None:
    response = api.list()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert response.content == b"[]"


def test_tasks_are_listed_as_they_were_created(api: Api) -> None:
    dated = api.create(dueDate="2025-11-26", dueTime="14:30", timezone="America/Santiago", aiContactId=CONTACT)
    undated = api.create(responsibleIds=[CARLOS, MARIA], description="é", aiCustomerId=CUSTOMER)
    assert api.list().content == b"[" + dated.content + b"," + undated.content + b"]"


@pytest.mark.parametrize(
    ("responsibles", "expected"),
    [
        (f"responsibleIds={MARIA}", ["M", "MC"]),
        (f"responsibleIds={MARIA.upper()}", ["M", "MC"]),
        (f"responsibleIds={MARIA}&responsibleIds={VALENTINA}", ["M", "MC", "V"]),
        (f"responsibleIds[]={MARIA}&responsibleIds[]={VALENTINA}", ["M", "MC", "V"]),
        (f"responsibleIds%5B%5D={CARLOS}", ["C", "MC"]),
        (f"responsibleIds={MARIA},{VALENTINA}", ["M", "MC", "V"]),
        (f"responsibleIds={MARIA}%2C{VALENTINA}", ["M", "MC", "V"]),
        (f"responsibleIds={MARIA},{VALENTINA}&responsibleIds={CARLOS}", ["M", "C", "MC", "V"]),
        (f"responsibleIds={VALENTINA}&responsibleIds[]={CARLOS}", ["C", "MC", "V"]),
        (f"responsibleIds={MARIA},{MARIA}&responsibleIds={MARIA}", ["M", "MC"]),
        (f"responsibleIds=&responsibleIds={MARIA}", ["M", "MC"]),
        ("responsibleIds=", ["M", "C", "MC", "V"]),
        ("responsibleIds", ["M", "C", "MC", "V"]),
        ("responsibleIds[]=", ["M", "C", "MC", "V"]),
        ("responsibleIds=&responsibleIds=", ["M", "C", "MC", "V"]),
        (f"responsibleIds={UNKNOWN_ID}", []),
        (f"responsibleIds={INACTIVE_USER}", []),
        (f"responsibleIds={UNKNOWN_ID},{VALENTINA}", ["V"]),
        (f"responsibleIds={UNKNOWN_ID}&" * 50 + f"responsibleIds={CARLOS}", ["C", "MC"]),
    ],
)
def test_a_task_matches_when_any_of_its_responsibles_is_listed(
    assigned: Api, responsibles: str, expected: list[str]
) -> None:
    assert titles(get(assigned, f"{responsibles}&{DAYS}")) == expected


@pytest.mark.parametrize(
    ("responsibles", "index"),
    [
        ("responsibleIds=x", 0),
        (f"responsibleIds={MARIA},x", 1),
        (f"responsibleIds={MARIA}&responsibleIds=x", 1),
        (f"responsibleIds={MARIA}&responsibleIds[]={CARLOS},x", 2),
        ("responsibleIds[]=x", 0),
        (f"responsibleIds=%7B{MARIA}%7D", 0),
        (f"responsibleIds=%20{MARIA}", 0),
        (f"responsibleIds={MARIA}%0A", 0),
        (f"responsibleIds={MARIA};{CARLOS}", 0),
        (f'responsibleIds=["{MARIA}"]', 0),
        ("responsibleIds=%FF%FE", 0),
        ("responsibleIds=null", 0),
    ],
)
def test_a_responsible_that_is_no_uuid_is_a_400_with_its_place(api: Api, responsibles: str, index: int) -> None:
    assert problems(get(api, f"{responsibles}&{DAYS}")) == [(["responsibleIds", index], "invalid_uuid")]


def test_both_days_are_included_to_the_millisecond(api: Api) -> None:
    for moment in (
        "2025-11-24T23:59:59.999Z",
        "2025-11-25T00:00:00.000Z",
        "2025-11-26T12:00:00.000Z",
        "2025-11-27T23:59:59.999Z",
        "2025-11-28T00:00:00.000Z",
    ):
        api.created(title=moment, dueDate=moment)
    assert titles(api.list(fromDate="2025-11-25", toDate="2025-11-27")) == [
        "2025-11-25T00:00:00.000Z",
        "2025-11-26T12:00:00.000Z",
        "2025-11-27T23:59:59.999Z",
    ]
    assert titles(api.list(fromDate="2025-11-25", toDate="2025-11-25")) == ["2025-11-25T00:00:00.000Z"]


def test_the_days_are_read_in_utc_whatever_the_timezone_of_the_task(api: Api) -> None:
    api.created(title="next day", dueDate="2025-11-26", dueTime="21:00", timezone="America/Santiago")
    api.created(title="day before", dueDate="2025-11-26", dueTime="08:59", timezone="Asia/Tokyo")
    api.created(title="same day", dueDate="2025-11-26", dueTime="09:00", timezone="Asia/Tokyo")
    for day, expected in (("25", "day before"), ("26", "same day"), ("27", "next day")):
        assert titles(api.list(fromDate=f"2025-11-{day}", toDate=f"2025-11-{day}")) == [expected]


def test_the_whole_calendar_can_be_asked_for(api: Api) -> None:
    api.created(title="first", dueDate="0001-01-01")
    api.created(title="last", dueDate="9999-12-31T23:59:59.999Z")
    assert titles(api.list(fromDate="0001-01-01", toDate="9999-12-31")) == ["first", "last"]


@pytest.mark.parametrize(("query", "expected"), [({}, ["undated"]), ({"includeTasksWithoutDates": "false"}, [])])
def test_with_from_after_to_only_undated_tasks_can_match(api: Api, query: dict[str, str], expected: list[str]) -> None:
    api.created(title="dated", dueDate="2025-11-26")
    api.created(title="undated")
    assert titles(api.list(fromDate="2025-11-27", toDate="2025-11-25", **query)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["dated", "undated"]),
        ({"includeTasksWithoutDates": "true"}, ["dated", "undated"]),
        ({"includeTasksWithoutDates": "false"}, ["dated"]),
        ({"includeTasksWithoutDates": "false", "responsibleIds": CARLOS}, []),
        ({"responsibleIds": CARLOS}, ["undated"]),
        ({"fromDate": "2025-11-27"}, ["undated"]),
    ],
)
def test_tasks_without_dates_come_unless_they_are_excluded(
    api: Api, query: dict[str, str], expected: list[str]
) -> None:
    api.created(title="undated", responsibleIds=[CARLOS])
    api.created(title="dated", dueDate="2025-11-26")
    assert titles(api.list(**query)) == expected


def test_the_order_is_by_due_date_then_by_creation_with_undated_tasks_last(api: Api) -> None:
    for title, due_date in (
        ("undated 1", None),
        ("27th", "2025-11-27"),
        ("26th 1", "2025-11-26"),
        ("undated 2", None),
        ("26th 2", "2025-11-26T00:00:00Z"),
        ("a millisecond before", "2025-11-25T23:59:59.999Z"),
        ("26th 3", "2025-11-26T01:00+01:00"),
    ):
        api.created(title=title, dueDate=due_date)
    expected = ["a millisecond before", "26th 1", "26th 2", "26th 3", "27th", "undated 1", "undated 2"]
    assert titles(api.list()) == expected


def test_an_update_moves_a_task_to_its_new_due_date_but_keeps_its_place_among_equals(api: Api) -> None:
    first, second, third = (api.created(title=title, dueDate="2025-11-26")["id"] for title in "123")
    api.updated(third, dueDate="2025-11-25")
    assert titles(api.list()) == ["3", "1", "2"]
    api.updated(third, dueDate="2025-11-26")
    api.updated(first, title="1 again")
    assert titles(api.list()) == ["1 again", "2", "3"]
    api.updated(second, dueDate=None)
    assert titles(api.list()) == ["1 again", "3", "2"]


def test_a_long_list_has_every_task_with_its_responsibles_in_order(api: Api) -> None:
    made = [api.created(responsibleIds=[CARLOS, MARIA][:: 1 - number % 2 * 2]) for number in range(501)]
    assert api.listed() == made


def test_hundreds_of_users_can_be_asked_for(assigned: Api) -> None:
    strangers = [f"{number:08x}-dddd-4ddd-8ddd-dddddddddddd" for number in range(1500)]
    assert titles(get(assigned, f"{DAYS}&responsibleIds={','.join(strangers)}")) == []
    assert titles(get(assigned, f"{DAYS}&responsibleIds={','.join([*strangers, MARIA])}")) == ["M", "MC"]


def test_a_bounded_list_reads_a_thousand_tasks_and_refuses_more() -> None:
    mock = create_app(Settings()).extensions[EXTENSION]
    days = (date(2025, 11, 26), date(2025, 11, 26))
    fields = {"title": "x", "priority": 1}
    with mock.sandboxes.open("default") as opened:
        for number in range(tasks.LARGE):
            due = {"due_date": parse_date_or_date_time("2025-11-26")} if number % 2 else {}
            tasks.create_task(opened.world, MARIA, {**fields, **due, "responsible_ids": [MARIA]})
        both = list(tasks.list_tasks(opened.world, [], *days, True, bounded=True))
        assert len(both) == tasks.LARGE
        tasks.create_task(opened.world, MARIA, {**fields, "responsible_ids": [CARLOS]})
        with pytest.raises(tasks.TooLargeForTheLock):
            tasks.list_tasks(opened.world, [CARLOS], *days, True, bounded=True)
        assert len(list(tasks.list_tasks(opened.world, [], *days, False, bounded=True))) == tasks.LARGE // 2
        assert len(list(tasks.list_tasks(opened.world, [], *days, True))) == tasks.LARGE + 1
    with mock.sandboxes.look("default") as looked:
        assert [task["id"] for task in tasks.list_tasks(looked.world, [], *days, True)][:-1] == [t["id"] for t in both]
        assert len(list(tasks.list_tasks(looked.world, [CARLOS], *days, True))) == 1
    mock.close()


def test_deleted_tasks_are_left_out(api: Api) -> None:
    kept = api.created(dueDate="2025-11-26")
    for fields in ({}, {"dueDate": "2025-11-26"}):
        api.delete(api.created(**fields)["id"])
    assert api.listed() == [kept]
    assert api.listed(responsibleIds=MARIA) == [kept]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [(["responsibleIds"], "required"), (["fromDate"], "required"), (["toDate"], "required")]),
        (DAYS, [(["responsibleIds"], "required")]),
        ("responsibleIds=&fromDate=2025-11-26", [(["toDate"], "required")]),
        ("responsibleIds=&toDate=2025-11-26", [(["fromDate"], "required")]),
        (f"responsibleids=&{DAYS}", [(["responsibleIds"], "required")]),
        (
            "responsibleIds=&fromdate=2025-11-26&to_date=2025-11-26",
            [(["fromDate"], "required"), (["toDate"], "required")],
        ),
        (
            "includeTasksWithoutDates=x&toDate=x&fromDate=x&responsibleIds=x",
            [
                (["responsibleIds", 0], "invalid_uuid"),
                (["fromDate"], "invalid_date"),
                (["toDate"], "invalid_date"),
                (["includeTasksWithoutDates"], "invalid_choice"),
            ],
        ),
        (f"responsibleIds=&{DAYS}&fromDate=2025-11-26", [(["fromDate"], "repeated")]),
    ],
)
def test_all_problems_of_the_query_are_answered_at_once_in_their_order(
    api: Api, query: str, expected: list[Any]
) -> None:
    assert problems(get(api, query)) == expected


@pytest.mark.parametrize("name", ["fromDate", "toDate"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2025-11-31",
        "2025-1-1",
        "2025-11-26T00:00:00Z",
        "2025-11-26T00:00",
        "2025-W48-3",
        "20251126",
        "null",
        "2025-11-26 ",
        "2025-11-26\n",
        "2025-11-26\x00",
        "10000-01-01",
        "0000-01-01",
        "٢٠٢٥-١١-٢٦",
    ],
)
def test_a_day_in_any_other_form_is_a_400(api: Api, name: str, text: str) -> None:
    assert problems(api.list(**{name: text})) == [([name], "invalid_date")]


@pytest.mark.parametrize("text", ["", "True", "FALSE", "1", "0", "yes", "null", " true", "true\n"])
def test_the_flag_is_true_or_false_and_nothing_else(api: Api, text: str) -> None:
    assert problems(api.list(includeTasksWithoutDates=text)) == [(["includeTasksWithoutDates"], "invalid_choice")]


def test_query_names_that_nothing_reads_are_ignored(api: Api) -> None:
    task = api.created()
    assert api.listed(page="2", limit="0", status="x", **{"": "x"}) == [task]


def test_a_body_is_not_looked_at(api: Api) -> None:
    query = "responsibleIds=&fromDate=2025-11-26&toDate=2025-11-26"
    response = api.client.request("GET", f"/api/public/tasks?{query}", content=b"{", headers={"content-type": "x/y"})
    assert titles(response) == []


def test_a_list_moves_no_clock(api: Api) -> None:
    api.list()
    api.list()
    assert api.created()["created_at"] == "2025-11-26T09:00:00.000Z"


def test_a_list_without_a_key_is_a_401_before_its_query_is_read(api: Api) -> None:
    assert_error(httpx.get(f"{api.url}/api/public/tasks?responsibleIds=x"), 401)
