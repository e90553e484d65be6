"""`PUT /api/public/tasks/{id}`."""

from __future__ import annotations

from typing import Any

import pytest
from support import (
    CARLOS,
    CONTACT,
    CUSTOMER,
    DONE,
    INACTIVE_USER,
    MARIA,
    OTHER_CONTACT,
    PENDING,
    UNKNOWN_ID,
    VALENTINA,
    Api,
    assert_error,
    problems,
)

EVERYTHING = {
    "title": "Send the offer",
    "description": "With the discount",
    "dueDate": "2025-11-26T00:00:00.000Z",
    "dueTime": "14:30",
    "timezone": "America/Santiago",
    "responsibleIds": [CARLOS, VALENTINA],
    "aiContactId": CONTACT,
    "aiCustomerId": CUSTOMER,
    "priority": "2",
    "statusId": DONE["id"],
}


def when(task: dict[str, Any]) -> tuple[str | None, bool, str | None]:
    return task["due_at"], task["is_all_day"], task["due_timezone"]


def notes(api: Api) -> list[tuple[str, str]]:
    """The task and the contact of each note."""
    return [(note["task_id"], note["contact_id"]) for note in api.state()["notes"]]


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({}, {}),
        ({"title": " "}, {"title": " "}),
        ({"description": "Other"}, {"description": "Other"}),
        ({"description": ""}, {"description": ""}),
        ({"description": None}, {"description": ""}),
        ({"priority": "0"}, {"priority": 0}),
        (
            {"responsibleIds": [VALENTINA, MARIA, VALENTINA.upper()]},
            {"task_responsibles": [{"responsible_id": VALENTINA}, {"responsible_id": MARIA}]},
        ),
        ({"aiContactId": OTHER_CONTACT.upper()}, {"ai_contact_id": OTHER_CONTACT}),
        ({"aiContactId": None}, {"ai_contact_id": None}),
        ({"aiCustomerId": None}, {"ai_customer_id": None}),
        ({"newStatusPosition": 1}, {"task_status_config_id": PENDING["id"], "status_config": PENDING}),
        ({"newStatusName": "Pendiente"}, {"task_status_config_id": PENDING["id"], "status_config": PENDING}),
        ({"dueDate": None}, {"due_at": None, "is_all_day": True, "due_timezone": None}),
        ({"dueDate": "2025-12-24"}, {"due_at": "2025-12-24T17:30:00.000Z"}),
        ({"dueTime": "00:00"}, {"due_at": "2025-11-26T03:00:00.000Z"}),
        ({"dueTime": None}, {"due_at": "2025-11-26T00:00:00.000Z", "is_all_day": True}),
        ({"timezone": "Asia/Tokyo"}, {"due_at": "2025-11-26T05:30:00.000Z", "due_timezone": "Asia/Tokyo"}),
        ({"timezone": None}, {"due_at": "2025-11-26T14:30:00.000Z", "due_timezone": "UTC"}),
    ],
)
def test_what_is_sent_changes_and_the_whole_task_is_answered(
    api: Api, fields: dict[str, Any], changed: dict[str, Any]
) -> None:
    task = api.created(**EVERYTHING)
    response = api.update(task["id"], **fields)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert list(response.json().items()) == list((task | changed).items())
    assert api.list().content == b"[" + response.content + b"]"


def test_every_field_can_change_at_once(api: Api) -> None:
    task = api.created()
    fields = {name: value for name, value in EVERYTHING.items() if name != "statusId"}
    changed = api.updated(task["id"], **fields, newStatusName="Completada")
    assert changed == api.created(**EVERYTHING) | {"id": task["id"], "created_at": task["created_at"]}


def test_the_other_tasks_stay(api: Api) -> None:
    task, other = api.created(aiContactId=CONTACT), api.created(aiContactId=CONTACT)
    fields = {name: value for name, value in EVERYTHING.items() if name not in ("statusId", "aiContactId")}
    changed = api.updated(task["id"], **fields, aiContactId=None)
    assert api.listed() == [changed, other]
    assert notes(api) == [(other["id"], CONTACT)]


def test_the_id_may_be_in_upper_case(api: Api) -> None:
    task = api.created()
    assert api.updated(task["id"].upper(), title="Other") == task | {"title": "Other"}


def test_an_empty_object_changes_nothing(api: Api) -> None:
    task = api.created(**EVERYTHING)
    before = api.state()
    assert api.updated(task["id"]) == task
    assert api.state() == before


def test_keys_of_the_answer_and_the_status_id_are_ignored(api: Api) -> None:
    task = api.created()
    odd = {"statusId": DONE["id"], "id": UNKNOWN_ID, "is_all_day": False, "creatorId": CARLOS, "createdAt": "x"}
    assert api.updated(task["id"], **odd) == task


# The due date: the parts are stored as given, and the result follows from all three.


@pytest.mark.parametrize(
    ("created", "sent", "expected"),
    [
        ({}, {"dueDate": "2025-11-26"}, ("2025-11-26T00:00:00.000Z", True, "UTC")),
        ({}, {"dueDate": "2025-11-26", "timezone": "Asia/Tokyo"}, ("2025-11-25T15:00:00.000Z", True, "Asia/Tokyo")),
        ({}, {"dueTime": "14:30", "timezone": "Asia/Tokyo"}, (None, True, None)),
        ({"dueDate": "2025-11-26"}, {"dueTime": "14:30"}, ("2025-11-26T14:30:00.000Z", False, "UTC")),
        ({"dueDate": "2025-11-26"}, {"timezone": "Asia/Tokyo"}, ("2025-11-25T15:00:00.000Z", True, "Asia/Tokyo")),
        # The instant with an offset stays where the timezone goes; a naive one and a calendar date move.
        (
            {"dueDate": "2025-11-26T14:30:00Z"},
            {"timezone": "Asia/Tokyo"},
            ("2025-11-26T14:30:00.000Z", True, "Asia/Tokyo"),
        ),
        (
            {"dueDate": "2025-11-26T14:30"},
            {"timezone": "Asia/Tokyo"},
            ("2025-11-26T05:30:00.000Z", True, "Asia/Tokyo"),
        ),
        # 22:00 in Tokyo is the 26th as written, though the instant was on the 27th there.
        (
            {"dueDate": "2025-11-26T22:00:00Z"},
            {"dueTime": "22:00", "timezone": "Asia/Tokyo"},
            ("2025-11-26T13:00:00.000Z", False, "Asia/Tokyo"),
        ),
        # 02:30 was moved out of a gap, but is stored as given.
        (
            {"dueDate": "2025-03-09", "dueTime": "02:30", "timezone": "America/New_York"},
            {"timezone": "UTC"},
            ("2025-03-09T02:30:00.000Z", False, "UTC"),
        ),
        (
            {"dueDate": "2025-03-09", "dueTime": "02:30", "timezone": "America/New_York"},
            {"dueDate": "2025-03-10"},
            ("2025-03-10T06:30:00.000Z", False, "America/New_York"),
        ),
        # The last minute of the calendar.
        (
            {"dueDate": "9999-12-31", "dueTime": "12:00", "timezone": "America/Santiago"},
            {"dueTime": "20:59"},
            ("9999-12-31T23:59:00.000Z", False, "America/Santiago"),
        ),
    ],
)
def test_the_due_date_is_recomputed_from_the_stored_parts(
    api: Api, created: dict[str, Any], sent: dict[str, Any], expected: tuple[str | None, bool, str | None]
) -> None:
    id = api.created(**created)["id"]
    assert when(api.updated(id, **sent)) == expected
    assert when(api.listed()[0]) == expected


def test_an_instant_comes_back_when_the_time_of_day_is_removed(api: Api) -> None:
    id = api.created(dueDate="2025-11-26T22:15:30.5Z")["id"]
    assert api.updated(id, dueTime="10:00")["due_at"] == "2025-11-26T10:00:00.000Z"
    assert api.updated(id, dueTime=None)["due_at"] == "2025-11-26T22:15:30.500Z"


def test_a_timezone_there_and_back_loses_nothing(api: Api) -> None:
    task = api.created(dueDate="2025-11-02", dueTime="01:30", timezone="America/New_York")
    api.updated(task["id"], timezone="Pacific/Chatham")
    assert api.updated(task["id"], timezone="America/New_York") == task


def test_a_removed_date_takes_the_time_and_the_timezone_with_it(api: Api) -> None:
    id = api.created(dueDate="2025-11-26", dueTime="14:30", timezone="Asia/Tokyo")["id"]
    assert when(api.updated(id, dueDate=None)) == (None, True, None)
    (stored,) = api.state()["tasks"]
    assert (stored["due_date"], stored["due_time"], stored["timezone"]) == (None, None, None)


def test_a_removed_date_wins_over_a_time_sent_with_it(api: Api) -> None:
    id = api.created(dueDate="2025-11-26")["id"]
    assert when(api.updated(id, dueDate=None, dueTime="14:30", timezone="Asia/Tokyo")) == (None, True, None)


def test_other_changes_leave_the_parts_of_the_due_date(api: Api) -> None:
    parts = {"due_date": "2025-11-26T00:00:00.000Z", "due_time": "14:30", "timezone": "America/Santiago"}
    task = api.created(**EVERYTHING)
    changed = api.updated(task["id"], title="Other", description=None)
    assert api.state()["tasks"] == [changed | parts]


@pytest.mark.parametrize(
    ("created", "sent"),
    [
        ({"dueDate": "9999-12-31", "timezone": "America/Santiago"}, {"dueTime": "23:59"}),
        ({"dueDate": "9999-12-31", "dueTime": "23:59"}, {"timezone": "America/Santiago"}),
        ({"dueDate": "0001-01-01"}, {"timezone": "Asia/Tokyo"}),
        ({"dueDate": "2025-11-26", "timezone": "Asia/Tokyo"}, {"dueDate": "0001-01-01"}),
        ({}, {"dueDate": "0001-01-01T00:00:00+00:01"}),
        ({}, {"dueDate": "9999-12-31", "dueTime": "23:59", "timezone": "America/Santiago"}),
    ],
)
def test_a_due_date_that_leaves_the_calendar_with_the_stored_parts_is_a_400(
    api: Api, created: dict[str, Any], sent: dict[str, Any]
) -> None:
    task = api.created(**created)
    assert problems(api.update(task["id"], **sent, title="Other")) == [(["dueDate"], "out_of_range")]
    assert api.listed() == [task]


# The status.


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"newStatusPosition": 2}, "En Progreso"),
        ({"newStatusPosition": 3}, "Completada"),
        ({"newStatusPosition": 4.0}, "Cerrada"),
        ({"newStatusPosition": 1e0}, "Pendiente"),
        ({"newStatusName": "En Progreso"}, "En Progreso"),
        ({"newStatusName": "Cerrada"}, "Cerrada"),
    ],
)
def test_a_status_is_named_by_its_order_or_its_name(api: Api, fields: dict[str, Any], name: str) -> None:
    id = api.created()["id"]
    task = api.updated(id, **fields)
    (status,) = [status for status in api.state()["statuses"] if status["name"] == name]
    assert task["task_status_config_id"] == status["id"]
    assert task["status_config"] == status
    assert api.listed() == [task]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"newStatusPosition": 0}, "newStatusPosition not found: 0"),
        ({"newStatusPosition": 5}, "newStatusPosition not found: 5"),
        ({"newStatusPosition": -1}, "newStatusPosition not found: -1"),
        ({"newStatusPosition": 1.5}, "newStatusPosition not found: 1.5"),
        ({"newStatusPosition": 10**30}, f"newStatusPosition not found: {10**30}"),
        ({"newStatusName": "pendiente"}, "newStatusName not found: pendiente"),
        ({"newStatusName": "Pendiente "}, "newStatusName not found: Pendiente "),
        ({"newStatusName": "%"}, "newStatusName not found: %"),
        ({"newStatusName": "initial"}, "newStatusName not found: initial"),
        ({"newStatusName": PENDING["id"]}, f"newStatusName not found: {PENDING['id']}"),
        ({"newStatusName": "☃"}, "newStatusName not found: ☃"),
    ],
)
def test_a_status_that_does_not_exist_is_a_404(api: Api, fields: dict[str, Any], message: str) -> None:
    task = api.created(**EVERYTHING)
    assert_error(api.update(task["id"], title="Other", **fields), 404, message)
    assert api.listed() == [task]


@pytest.mark.parametrize(
    ("position", "name"), [(1, "Pendiente"), (2, "Pendiente"), (9, "x"), (None, None), (1, None), ("x", 5)]
)
def test_both_ways_to_name_a_status_are_a_400(api: Api, position: Any, name: Any) -> None:
    task = api.created()
    response = api.update(task["id"], newStatusPosition=position, newStatusName=name)
    assert (["newStatusName"], "conflict") in problems(response)
    assert api.listed() == [task]


# Contacts and their notes.


def test_a_contact_given_later_makes_a_note(api: Api) -> None:
    id = api.created()["id"]
    api.updated(id, aiContactId=CONTACT)
    assert notes(api) == [(id, CONTACT)]


def test_a_new_contact_moves_the_note(api: Api) -> None:
    id = api.created(aiContactId=CONTACT)["id"]
    (before,) = api.state()["notes"]
    api.updated(id, aiContactId=OTHER_CONTACT)
    assert api.state()["notes"] == [before | {"contact_id": OTHER_CONTACT}]


def test_the_same_contact_again_leaves_the_note(api: Api) -> None:
    id = api.created(aiContactId=CONTACT)["id"]
    before = api.state()["notes"]
    api.updated(id, aiContactId=CONTACT.upper())
    assert api.state()["notes"] == before


def test_an_unlinked_contact_loses_the_note(api: Api) -> None:
    id = api.created(aiContactId=CONTACT)["id"]
    assert api.updated(id, aiContactId=None)["ai_contact_id"] is None
    assert notes(api) == []


def test_an_update_without_a_contact_leaves_the_note(api: Api) -> None:
    id = api.created(aiContactId=CONTACT)["id"]
    api.updated(id, title="Other", aiCustomerId=CUSTOMER)
    assert notes(api) == [(id, CONTACT)]


# Refusals.


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"title": None}, (["title"], "null")),
        ({"title": ""}, (["title"], "too_small")),
        ({"title": 5}, (["title"], "invalid_type")),
        ({"description": 5}, (["description"], "invalid_type")),
        ({"dueDate": "x"}, (["dueDate"], "invalid_date")),
        ({"dueDate": 0}, (["dueDate"], "invalid_type")),
        ({"dueTime": "24:00"}, (["dueTime"], "invalid_time")),
        ({"timezone": "x"}, (["timezone"], "invalid_timezone")),
        ({"responsibleIds": None}, (["responsibleIds"], "null")),
        ({"responsibleIds": []}, (["responsibleIds"], "too_small")),
        ({"responsibleIds": [MARIA, "x"]}, (["responsibleIds", 1], "invalid_uuid")),
        ({"responsibleIds": MARIA}, (["responsibleIds"], "invalid_type")),
        ({"aiContactId": ""}, (["aiContactId"], "invalid_uuid")),
        ({"aiCustomerId": "x"}, (["aiCustomerId"], "invalid_uuid")),
        ({"priority": None}, (["priority"], "null")),
        ({"priority": 2}, (["priority"], "invalid_type")),
        ({"priority": "3"}, (["priority"], "invalid_choice")),
        ({"newStatusPosition": None}, (["newStatusPosition"], "null")),
        ({"newStatusPosition": "1"}, (["newStatusPosition"], "invalid_type")),
        ({"newStatusPosition": True}, (["newStatusPosition"], "invalid_type")),
        ({"newStatusPosition": [1]}, (["newStatusPosition"], "invalid_type")),
        ({"newStatusName": None}, (["newStatusName"], "null")),
        ({"newStatusName": 1}, (["newStatusName"], "invalid_type")),
        ({"newStatusName": ["Pendiente"]}, (["newStatusName"], "invalid_type")),
    ],
)
def test_a_field_that_breaks_its_rule_is_a_400_and_nothing_changes(
    api: Api, fields: dict[str, Any], problem: tuple[list[str | int], str]
) -> None:
    task = api.created(**EVERYTHING)
    before = api.state()
    assert problems(api.update(task["id"], **({"description": "Other"} | fields))) == [problem]
    assert api.state() == before


def test_a_bad_id_is_answered_alone(api: Api) -> None:
    response = api.update("x", newStatusName=1, priority=1, title="")
    assert_error(response, 400, "Validation failed (uuid is expected)")
    assert problems(response) == [(["id"], "invalid_uuid")]


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({}, ["custom"]),
        ({"title": "", "dueDate": "x"}, ["too_small", "invalid_format", "custom"]),
        ({"title": None}, ["invalid_type"]),
        ({"priority": "3"}, ["invalid_value"]),
        ({"newStatusName": None}, ["invalid_type"]),
    ],
)
def test_both_status_fields_are_one_issue_of_the_whole_when_no_other_is_of_a_type(
    api: Api, fields: dict[str, Any], codes: list[str]
) -> None:
    both = {"newStatusPosition": 1, "newStatusName": "Pendiente"}
    errors = assert_error(api.update(api.created()["id"], **both | fields), 400)["errors"]
    assert [issue["code"] for issue in errors] == codes
    if codes[-1] == "custom":
        message = "newStatusPosition and newStatusName exclude each other"
        assert errors[-1] == {"code": "custom", "path": [], "message": message}


@pytest.mark.parametrize(
    ("fields", "issue"),
    [
        ({"newStatusPosition": "1"}, ["number", "string"]),
        ({"newStatusName": 1}, ["string", "number"]),
        ({"title": None}, ["string", "null"]),
    ],
)
def test_the_answer_to_an_update_has_the_issue_of_the_framework(
    api: Api, fields: dict[str, Any], issue: list[str]
) -> None:
    (found,) = assert_error(api.update(api.created()["id"], **fields), 400)["errors"]
    message = f"Invalid input: expected {issue[0]}, received {issue[1]}"
    assert found == {"expected": issue[0], "code": "invalid_type", "path": list(fields), "message": message}


def test_a_body_that_is_no_json_is_answered_before_a_bad_id(api: Api) -> None:
    response = api.client.put("/api/public/tasks/x", content=b"{", headers={"content-type": "application/json"})
    assert "errors" not in assert_error(response, 400)
    assert "line 1, column 2" in response.json()["message"]


def test_bad_fields_come_before_an_unknown_task(api: Api) -> None:
    assert problems(api.update(UNKNOWN_ID, title="")) == [(["title"], "too_small")]


def test_an_unknown_task_comes_before_unknown_ids(api: Api) -> None:
    response = api.update(UNKNOWN_ID, responsibleIds=[UNKNOWN_ID], newStatusName="x")
    assert_error(response, 404, "Task not found")


def test_unknown_ids_are_named_kind_by_kind_and_before_an_unknown_status(api: Api) -> None:
    task = api.created(aiContactId=CONTACT)
    before = api.state()
    bad: dict[str, Any] = {
        "title": "Other",
        "dueDate": "2025-11-26",
        "newStatusName": "x",
        "aiCustomerId": UNKNOWN_ID,
        "aiContactId": UNKNOWN_ID,
        "responsibleIds": [MARIA, UNKNOWN_ID, INACTIVE_USER],
    }
    assert_error(api.update(task["id"], **bad), 404, f"responsibleIds not found: {UNKNOWN_ID}, {INACTIVE_USER}")
    bad["responsibleIds"] = [CARLOS]
    assert_error(api.update(task["id"], **bad), 404, f"aiContactId not found: {UNKNOWN_ID}")
    bad["aiContactId"] = None
    assert_error(api.update(task["id"], **bad), 404, f"aiCustomerId not found: {UNKNOWN_ID}")
    bad["aiCustomerId"] = None
    assert_error(api.update(task["id"], **bad), 404, "newStatusName not found: x")
    assert api.state() == before


@pytest.mark.parametrize("id", [UNKNOWN_ID, MARIA, "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_task_is_a_404(api: Api, id: str) -> None:
    assert_error(api.update(id, title="Other"), 404, "Task not found")


@pytest.mark.parametrize("id", ["x", "%7B" + UNKNOWN_ID + "%7D", UNKNOWN_ID.replace("-", ""), UNKNOWN_ID + "%20"])
def test_an_id_that_is_no_uuid_is_a_400(api: Api, id: str) -> None:
    assert problems(api.update(id)) == [(["id"], "invalid_uuid")]
