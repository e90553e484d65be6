"""`POST /api/public/tasks`."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from support import (
    CARLOS,
    CONTACT,
    CUSTOMER,
    DONE,
    INACTIVE_USER,
    MARIA,
    PENDING,
    UNKNOWN_ID,
    VALENTINA,
    Api,
    assert_error,
    explained,
    problems,
    running,
)

BAD_JSON_TYPES = [5, 1.5, True, ["a"], {"a": 1}]
NIL = "00000000-0000-0000-0000-000000000000"
MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"
OTHER_UNKNOWN_ID = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"


def assert_nothing_written(api: Api) -> None:
    state = api.state()
    assert state["tasks"] == state["notes"] == []


def test_a_task_with_the_required_fields_alone(api: Api) -> None:
    response = api.create()
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    task = response.json()
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", task["id"])
    assert list(task.items()) == [
        ("id", task["id"]),
        ("title", "Call the client"),
        ("description", ""),
        ("due_timezone", None),
        ("due_at", None),
        ("is_all_day", True),
        ("created_at", "2025-11-26T09:00:00.000Z"),
        ("ai_contact_id", None),
        ("ai_customer_id", None),
        ("task_status_config_id", PENDING["id"]),
        ("priority", 1),
        ("creator_id", MARIA),
        ("task_responsibles", [{"responsible_id": MARIA}]),
        ("status_config", PENDING),
    ]
    assert list(task["status_config"]) == ["id", "name", "color", "type", "order"]


def test_a_task_with_every_field(api: Api) -> None:
    task = api.created(
        title="Send the offer",
        description="With the discount",
        dueDate="2025-11-26",
        dueTime="14:30",
        timezone="America/Santiago",
        responsibleIds=[VALENTINA, CARLOS],
        aiContactId=CONTACT,
        aiCustomerId=CUSTOMER,
        priority="2",
        statusId=DONE["id"],
    )
    assert task == {
        "id": task["id"],
        "title": "Send the offer",
        "description": "With the discount",
        "due_timezone": "America/Santiago",
        "due_at": "2025-11-26T17:30:00.000Z",
        "is_all_day": False,
        "created_at": "2025-11-26T09:00:00.000Z",
        "ai_contact_id": CONTACT,
        "ai_customer_id": CUSTOMER,
        "task_status_config_id": DONE["id"],
        "priority": 2,
        "creator_id": MARIA,
        "task_responsibles": [{"responsible_id": VALENTINA}, {"responsible_id": CARLOS}],
        "status_config": DONE,
    }


def test_what_was_created_is_listed_and_kept_with_the_parts_of_its_due_date(api: Api) -> None:
    task = api.created(dueDate="2025-11-26T00:00:00.000Z", dueTime="14:30", timezone="America/Santiago")
    assert api.listed() == [task]
    parts = {"due_date": "2025-11-26T00:00:00.000Z", "due_time": "14:30", "timezone": "America/Santiago"}
    assert api.state()["tasks"] == [task | parts]


@pytest.mark.parametrize("title", [" ", "\t", "x", "  Call  ", "é", "e\u0301", "👩‍💻", "\u202eabc", "x" * 100_000])
def test_a_title_is_kept_exactly_as_sent(api: Api, title: str) -> None:
    assert api.created(title=title)["title"] == title
    assert api.listed()[0]["title"] == title


@pytest.mark.parametrize(
    "description", ["", " ", "x" * 1001, "line\nline\r\n", "<b>&amp;</b>", "‏שלום", "'; DROP TABLE task;--"]
)
def test_a_description_is_kept_exactly_as_sent_at_any_length(api: Api, description: str) -> None:
    assert api.created(description=description)["description"] == description


@pytest.mark.parametrize("description", [..., None])
def test_a_description_that_is_left_out_or_null_is_empty(api: Api, description: Any) -> None:
    assert api.created(description=description)["description"] == ""


@pytest.mark.parametrize(
    ("fields", "due_at", "is_all_day", "due_timezone"),
    [
        ({}, None, True, None),
        ({"dueDate": None, "dueTime": None, "timezone": None}, None, True, None),
        ({"dueTime": "14:30", "timezone": "America/Santiago"}, None, True, None),
        ({"dueDate": "2025-11-26"}, "2025-11-26T00:00:00.000Z", True, "UTC"),
        ({"dueDate": "2025-11-26", "dueTime": None, "timezone": None}, "2025-11-26T00:00:00.000Z", True, "UTC"),
        ({"dueDate": "2025-11-26", "timezone": "Asia/Tokyo"}, "2025-11-25T15:00:00.000Z", True, "Asia/Tokyo"),
        ({"dueDate": "2025-11-26", "timezone": "US/Pacific"}, "2025-11-26T08:00:00.000Z", True, "US/Pacific"),
        ({"dueDate": "2025-11-26", "dueTime": "14:30"}, "2025-11-26T14:30:00.000Z", False, "UTC"),
        ({"dueDate": "2025-11-26", "dueTime": "14:30", "timezone": None}, "2025-11-26T14:30:00.000Z", False, "UTC"),
        (
            {"dueDate": "2025-11-26T14:30:00.9999-03:00", "timezone": "Asia/Tokyo"},
            "2025-11-26T17:30:00.999Z",
            True,
            "Asia/Tokyo",
        ),
        ({"dueDate": "2025-11-26T14:30", "timezone": "Asia/Tokyo"}, "2025-11-26T05:30:00.000Z", True, "Asia/Tokyo"),
        (
            {"dueDate": "2025-11-26T00:00:00.000Z", "dueTime": "14:30", "timezone": "America/Santiago"},
            "2025-11-26T17:30:00.000Z",
            False,
            "America/Santiago",
        ),
    ],
)
def test_the_due_date_follows_from_its_parts(
    api: Api, fields: dict[str, Any], due_at: str | None, is_all_day: bool, due_timezone: str | None
) -> None:
    task = api.created(**fields)
    assert (task["due_at"], task["is_all_day"], task["due_timezone"]) == (due_at, is_all_day, due_timezone)


def test_a_time_and_a_timezone_without_a_date_are_not_stored(api: Api) -> None:
    task = api.created(dueTime="14:30", timezone="America/Santiago")
    assert api.state()["tasks"] == [task | {"due_date": None, "due_time": None, "timezone": None}]
    assert api.updated(task["id"], dueDate="2025-11-26")["due_at"] == "2025-11-26T00:00:00.000Z"


def test_responsibles_keep_their_order_and_repeats_count_once_at_the_first_position(api: Api) -> None:
    task = api.created(responsibleIds=[CARLOS, MARIA, CARLOS.upper(), VALENTINA, MARIA])
    expected = [{"responsible_id": id} for id in (CARLOS, MARIA, VALENTINA)]
    assert task["task_responsibles"] == expected
    assert api.listed()[0]["task_responsibles"] == expected


def test_ids_in_upper_case_are_answered_in_lower_case(api: Api) -> None:
    task = api.created(
        responsibleIds=[CARLOS.upper()],
        aiContactId=CONTACT.upper(),
        aiCustomerId=CUSTOMER.upper(),
        statusId=DONE["id"].upper(),
    )
    assert task["task_responsibles"] == [{"responsible_id": CARLOS}]
    assert (task["ai_contact_id"], task["ai_customer_id"], task["task_status_config_id"]) == (
        CONTACT,
        CUSTOMER,
        DONE["id"],
    )
    assert task["status_config"] == DONE


@pytest.mark.parametrize("field", ["aiContactId", "aiCustomerId"])
def test_a_contact_or_customer_that_is_null_is_none(api: Api, field: str) -> None:
    task = api.created(**{field: None})
    assert task["ai_contact_id"] is None
    assert task["ai_customer_id"] is None


@pytest.mark.parametrize(("sent", "stored"), [("0", 0), ("1", 1), ("2", 2)])
def test_the_priority_is_sent_as_a_string_and_answered_as_an_integer(api: Api, sent: str, stored: int) -> None:
    response = api.create(priority=sent)
    assert f'"priority":{stored},' in response.text
    assert f'"priority":{stored},' in api.list().text


def test_a_task_with_a_contact_makes_an_interactive_note_on_it(api: Api) -> None:
    task = api.created(aiContactId=CONTACT)
    (note,) = api.state()["notes"]
    assert (note["task_id"], note["contact_id"], note["created_at"]) == (task["id"], CONTACT, task["created_at"])
    assert note["id"] != task["id"]


def test_a_task_without_a_contact_makes_no_note(api: Api) -> None:
    api.created(aiCustomerId=CUSTOMER)
    assert api.state()["notes"] == []


def test_unknown_keys_are_ignored(api: Api) -> None:
    task = api.created(colour="red", id=UNKNOWN_ID, creatorId=CARLOS, **{"": 1, "__proto__": {}, "due_date": "x"})
    assert task["id"] != UNKNOWN_ID
    assert task["creator_id"] == MARIA
    assert task["due_at"] is None
    assert "colour" not in task


def test_field_names_are_exact(api: Api) -> None:
    response = api.create(title=..., responsibleIds=..., Title="a", responsible_ids=[MARIA], RESPONSIBLEIDS=[MARIA])
    assert problems(response) == [(["title"], "required"), (["responsibleIds"], "required")]


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("title", ..., (["title"], "required")),
        ("title", None, (["title"], "null")),
        ("title", "", (["title"], "too_small")),
        *(("title", value, (["title"], "invalid_type")) for value in BAD_JSON_TYPES),
        *(("description", value, (["description"], "invalid_type")) for value in BAD_JSON_TYPES),
        *(("dueDate", value, (["dueDate"], "invalid_type")) for value in BAD_JSON_TYPES),
        ("dueDate", "", (["dueDate"], "invalid_date")),
        ("dueDate", "26-11-2025", (["dueDate"], "invalid_date")),
        ("dueDate", "2025-02-29", (["dueDate"], "invalid_date")),
        ("dueDate", "2025-02-29T00:00Z", (["dueDate"], "invalid_date")),
        ("dueDate", "2025-11-26T24:00:00Z", (["dueDate"], "invalid_date")),
        ("dueDate", "2025-11-26T23:59:60Z", (["dueDate"], "invalid_date")),
        ("dueDate", "2025-11-26t10:00:00z", (["dueDate"], "invalid_date")),
        ("dueDate", "2025-11-26T10:00:00+24:00", (["dueDate"], "invalid_date")),
        ("dueDate", "2025-11-26T10:00:00.1234567890Z", (["dueDate"], "invalid_date")),
        ("dueDate", "0000-01-01", (["dueDate"], "invalid_date")),
        ("dueDate", "0001-01-01T00:00:00+00:01", (["dueDate"], "out_of_range")),
        ("dueDate", "9999-12-31T23:59:59-00:01", (["dueDate"], "out_of_range")),
        *(("dueTime", value, (["dueTime"], "invalid_type")) for value in BAD_JSON_TYPES),
        ("dueTime", "", (["dueTime"], "invalid_time")),
        ("dueTime", "9:00", (["dueTime"], "invalid_time")),
        ("dueTime", "24:00", (["dueTime"], "invalid_time")),
        ("dueTime", "09:00:00", (["dueTime"], "invalid_time")),
        *(("timezone", value, (["timezone"], "invalid_type")) for value in BAD_JSON_TYPES),
        ("timezone", "", (["timezone"], "invalid_timezone")),
        ("timezone", "Factory", (["timezone"], "invalid_timezone")),
        ("timezone", "localtime", (["timezone"], "invalid_timezone")),
        ("responsibleIds", ..., (["responsibleIds"], "required")),
        ("responsibleIds", None, (["responsibleIds"], "null")),
        ("responsibleIds", [], (["responsibleIds"], "too_small")),
        ("responsibleIds", MARIA, (["responsibleIds"], "invalid_type")),
        ("responsibleIds", {"0": MARIA}, (["responsibleIds"], "invalid_type")),
        ("responsibleIds", [MARIA, "x"], (["responsibleIds", 1], "invalid_uuid")),
        ("responsibleIds", [""], (["responsibleIds", 0], "invalid_uuid")),
        ("responsibleIds", [MARIA, None], (["responsibleIds", 1], "null")),
        ("responsibleIds", [5], (["responsibleIds", 0], "invalid_type")),
        ("responsibleIds", [[MARIA]], (["responsibleIds", 0], "invalid_type")),
        *(
            (field, value, ([field], code))
            for field in ("aiContactId", "aiCustomerId", "statusId")
            for value, code in [
                ("", "invalid_uuid"),
                ("x", "invalid_uuid"),
                (f"{{{CONTACT}}}", "invalid_uuid"),
                (f"urn:uuid:{CONTACT}", "invalid_uuid"),
                (CONTACT.replace("-", ""), "invalid_uuid"),
                (f" {CONTACT}", "invalid_uuid"),
                (5, "invalid_type"),
                ([CONTACT], "invalid_type"),
            ]
        ),
        ("statusId", None, (["statusId"], "null")),
        ("priority", ..., (["priority"], "required")),
        ("priority", None, (["priority"], "null")),
        *(("priority", value, (["priority"], "invalid_type")) for value in [0, 1, 2, 1.0, True, ["1"], {}]),
        *(
            ("priority", value, (["priority"], "invalid_choice"))
            for value in ["", "3", "-1", "01", " 1", "1\n", "1.0", "high", "١"]
        ),
    ],
)
def test_a_field_that_breaks_its_rule_is_a_400_with_its_path(
    api: Api, field: str, value: Any, problem: tuple[list[str | int], str]
) -> None:
    assert problems(api.create(**{field: value})) == [problem]
    assert_nothing_written(api)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": ...}, "Required: expected a string"),
        ({"title": None}, "Must not be null: expected a string"),
        ({"title": ""}, "Must have at least 1 character"),
        ({"title": 5}, "Expected a string, received a number"),
        ({"title": [1]}, "Expected a string, received an array"),
        ({"title": {}}, "Expected a string, received an object"),
        ({"title": True}, "Expected a string, received a boolean"),
        ({"responsibleIds": []}, "Must have at least 1 item"),
        ({"responsibleIds": "x"}, "Expected an array, received a string"),
        ({"responsibleIds": ["x"]}, '"x" is not a UUID of the form 8-4-4-4-12'),
        ({"priority": "3"}, 'Must be one of "0", "1", "2", not "3"'),
        ({"priority": 1}, "Expected a string, received a number"),
        ({"dueTime": "9:00"}, '"9:00" is not a time of the form HH:mm, from 00:00 to 23:59'),
        ({"timezone": "Mars"}, '"Mars" is not an IANA time zone, such as America/Santiago'),
    ],
)
def test_each_problem_says_what_is_wrong(api: Api, fields: dict[str, Any], message: str) -> None:
    response = api.create(**fields)
    assert_error(response, 400, "Validation failed")
    assert [problem["message"] for problem in explained(response)["problems"]] == [message]


TIME = r"/^([01]\d|2[0-3]):[0-5]\d$/"
UUID = (
    "/^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    "|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$/"
)


def of_type(expected: str, received: str, path: list[str | int]) -> dict[str, Any]:
    message = f"Invalid input: expected {expected}, received {received}"
    return {"expected": expected, "code": "invalid_type", "path": path, "message": message}


def of_format(name: str, message: str, path: list[str | int], **pattern: str) -> dict[str, Any]:
    head = {"origin": "string", "code": "invalid_format", "format": name}
    return {**head, **pattern, "path": path, "message": message}


def too_small(origin: str, unit: str, path: list[str | int]) -> dict[str, Any]:
    head = {"origin": origin, "code": "too_small", "minimum": 1, "inclusive": True}
    return {**head, "path": path, "message": f"Too small: expected {origin} to have >=1 {unit}"}


PRIORITY = {
    "code": "invalid_value",
    "values": ["0", "1", "2"],
    "path": ["priority"],
    "message": 'Invalid option: expected one of "0"|"1"|"2"',
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title": ...}, of_type("string", "undefined", ["title"])),
        ({"title": None}, of_type("string", "null", ["title"])),
        *(
            ({"description": value}, of_type("string", received, ["description"]))
            for value, received in ((5, "number"), (True, "boolean"), ([], "array"), ({}, "object"))
        ),
        ({"title": ""}, too_small("string", "characters", ["title"])),
        ({"responsibleIds": ...}, of_type("array", "undefined", ["responsibleIds"])),
        ({"responsibleIds": MARIA}, of_type("array", "string", ["responsibleIds"])),
        ({"responsibleIds": []}, too_small("array", "items", ["responsibleIds"])),
        ({"responsibleIds": ["x"]}, of_format("uuid", "Invalid UUID", ["responsibleIds", 0], pattern=UUID)),
        ({"responsibleIds": [MARIA, None]}, of_type("string", "null", ["responsibleIds", 1])),
        ({"aiContactId": 5}, of_type("string", "number", ["aiContactId"])),
        ({"aiContactId": "x"}, of_format("uuid", "Invalid UUID", ["aiContactId"], pattern=UUID)),
        *(({"priority": value}, PRIORITY) for value in (..., None, 1, "3")),
        ({"dueDate": "x"}, of_format("datetime", "Invalid ISO datetime", ["dueDate"])),
        (
            {"dueTime": "9:00"},
            of_format("regex", f"Invalid string: must match pattern {TIME}", ["dueTime"], pattern=TIME),
        ),
        ({"timezone": "Mars"}, {"code": "custom", "path": ["timezone"], "message": "Invalid timezone"}),
        (
            {"dueDate": "9999-12-31", "dueTime": "23:59", "timezone": "America/Santiago"},
            {"code": "custom", "path": ["dueDate"], "message": "Invalid due date"},
        ),
    ],
)
def test_the_answer_has_the_issue_of_the_framework(api: Api, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    body = assert_error(api.create(**fields), 400)
    assert list(body.items()) == [("statusCode", 400), ("message", "Validation failed"), ("errors", [expected])]
    assert list(body["errors"][0]) == list(expected)


def test_a_time_zone_may_be_in_any_letter_case(api: Api) -> None:
    task = api.created(dueDate="2025-11-26", timezone="aMERICA/santiago")
    assert (task["due_timezone"], task["due_at"]) == ("America/Santiago", "2025-11-26T03:00:00.000Z")
    assert api.updated(task["id"], timezone="utc")["due_timezone"] == "UTC"


def test_all_problems_are_answered_at_once_in_the_order_of_the_fields(api: Api) -> None:
    bad = {
        "statusId": "x",
        "priority": 1,
        "aiCustomerId": "x",
        "aiContactId": "x",
        "responsibleIds": ["x", MARIA, None],
        "timezone": "x",
        "dueTime": "x",
        "dueDate": "x",
        "description": 1,
        "title": "",
    }
    assert problems(api.create(**bad)) == [
        (["title"], "too_small"),
        (["description"], "invalid_type"),
        (["dueDate"], "invalid_date"),
        (["dueTime"], "invalid_time"),
        (["timezone"], "invalid_timezone"),
        (["responsibleIds", 0], "invalid_uuid"),
        (["responsibleIds", 2], "null"),
        (["aiContactId"], "invalid_uuid"),
        (["aiCustomerId"], "invalid_uuid"),
        (["priority"], "invalid_type"),
        (["statusId"], "invalid_uuid"),
    ]


def test_an_empty_object_lacks_the_three_required_fields(api: Api) -> None:
    response = api.client.post("/api/public/tasks", json={})
    assert problems(response) == [(["title"], "required"), (["responsibleIds"], "required"), (["priority"], "required")]


def test_a_due_date_out_of_range_is_answered_beside_the_other_problems(api: Api) -> None:
    response = api.create(dueDate="9999-12-31", dueTime="23:59", timezone="America/Santiago", title="", priority="3")
    assert problems(response) == [
        (["title"], "too_small"),
        (["dueDate"], "out_of_range"),
        (["priority"], "invalid_choice"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"dueDate": None, "dueTime": "x"},
        {"dueTime": "x"},
    ],
)
def test_a_time_without_a_date_is_checked_all_the_same(api: Api, fields: dict[str, Any]) -> None:
    assert problems(api.create(**fields)) == [(["dueTime"], "invalid_time")]


def test_a_timezone_without_a_date_is_checked_all_the_same(api: Api) -> None:
    assert problems(api.create(timezone="x")) == [(["timezone"], "invalid_timezone")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"responsibleIds": [UNKNOWN_ID]}, f"responsibleIds not found: {UNKNOWN_ID}"),
        (
            {"responsibleIds": [OTHER_UNKNOWN_ID, MARIA, UNKNOWN_ID.upper(), UNKNOWN_ID]},
            f"responsibleIds not found: {OTHER_UNKNOWN_ID}, {UNKNOWN_ID}",
        ),
        ({"responsibleIds": [CONTACT]}, f"responsibleIds not found: {CONTACT}"),
        (
            {"responsibleIds": ["00000000-0000-0000-0000-000000000000"]},
            "responsibleIds not found: 00000000-0000-0000-0000-000000000000",
        ),
        (
            {"responsibleIds": ["ffffffff-ffff-ffff-ffff-ffffffffffff"]},
            "responsibleIds not found: ffffffff-ffff-ffff-ffff-ffffffffffff",
        ),
        ({"aiContactId": UNKNOWN_ID}, f"aiContactId not found: {UNKNOWN_ID}"),
        ({"aiContactId": CUSTOMER}, f"aiContactId not found: {CUSTOMER}"),
        ({"aiCustomerId": UNKNOWN_ID}, f"aiCustomerId not found: {UNKNOWN_ID}"),
        ({"aiCustomerId": CONTACT}, f"aiCustomerId not found: {CONTACT}"),
        ({"statusId": UNKNOWN_ID}, f"statusId not found: {UNKNOWN_ID}"),
        ({"statusId": MARIA}, f"statusId not found: {MARIA}"),
    ],
)
def test_an_id_that_does_not_exist_is_a_404_that_names_it(api: Api, fields: dict[str, Any], message: str) -> None:
    body = assert_error(api.create(**fields), 404, message)
    assert list(body.items()) == [("message", message), ("error", "Not Found"), ("statusCode", 404)]
    assert_nothing_written(api)


def test_a_responsible_who_is_inactive_is_not_found(api: Api) -> None:
    response = api.create(responsibleIds=[MARIA, INACTIVE_USER])
    assert_error(response, 404, f"responsibleIds not found: {INACTIVE_USER}")
    assert_nothing_written(api)


def test_references_are_checked_kind_by_kind(api: Api) -> None:
    bad = dict.fromkeys(("statusId", "aiCustomerId", "aiContactId"), UNKNOWN_ID)
    bad["responsibleIds"] = [UNKNOWN_ID]
    good = {"responsibleIds": [MARIA], "aiContactId": CONTACT, "aiCustomerId": CUSTOMER}
    for field, value in good.items():
        assert_error(api.create(**bad), 404, f"{field} not found: {UNKNOWN_ID}")
        bad[field] = value
    assert_error(api.create(**bad), 404, f"statusId not found: {UNKNOWN_ID}")
    assert_nothing_written(api)


def test_the_initial_status_is_the_one_of_lowest_order(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(Path(__file__).parent.parent / "fixtures", mine, ignore=shutil.ignore_patterns("*.py", "demo"))
    second = {"id": UNKNOWN_ID, "name": "Nueva", "color": "#000000", "type": "initial", "order": 1}
    statuses = [PENDING | {"order": 2}, second, DONE | {"order": 0}]
    (mine / "statuses.json").write_text(json.dumps(statuses), encoding="utf-8")
    with running(fixtures=str(mine)) as url:
        actor = Api(url, "test_mine")
        with actor.client:
            assert actor.created()["status_config"] == second


def test_a_bad_field_comes_before_an_unknown_id(api: Api) -> None:
    assert problems(api.create(responsibleIds=[UNKNOWN_ID], priority="3")) == [(["priority"], "invalid_choice")]


def test_a_refused_task_takes_neither_an_id_nor_a_second(api: Api, other_api: Api) -> None:
    assert_error(api.create(responsibleIds=[UNKNOWN_ID], aiContactId=CONTACT), 404)
    assert_error(api.create(aiContactId=CONTACT, statusId=UNKNOWN_ID), 404)
    assert_error(api.create(title=""), 400)
    assert api.create(aiContactId=CONTACT).content == other_api.create(aiContactId=CONTACT).content
    assert api.state() == other_api.state()
