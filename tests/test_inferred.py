"""Which undocumented rules an answer hangs on: a journal entry's `inferred`."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from support import CARLOS, CONTACT, DONE, INACTIVE_USER, MARIA, OTHER_CONTACT, PENDING, UNKNOWN_ID, VALENTINA, Api

from mockserver.domain import tasks
from mockserver.fidelity import contract

JSON = {"content-type": "application/json"}
TASKS, TEAM = "/api/public/tasks", "/api/public/team-members/all"
CONTACTS, SEARCH = "/api/public/contacts", "/api/public/contacts/search"
NIL, MAX = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
SANTIAGO, NEW_YORK = "America/Santiago", "America/New_York"
DAY, ZONED = "2025-11-26", "2025-11-26T14:30:00.000Z"
TIMED = {"dueDate": DAY, "dueTime": "14:30", "timezone": SANTIAGO}
UNDATED, MIDDAY = {"dueDate": None}, {"dueDate": "2025-11-26T12:00:00.000Z"}
DAYS = "fromDate=2025-11-26&toDate=2025-11-27"
MARIAS = f"responsibleIds={MARIA}&{DAYS}"
LONG = "x" * 70_000

Row = tuple[Any, ...]


# Behind the status or the body of almost every answer.
EVERYWHERE = {"create-status", "success-status", "error-body", "validation-body", "path-id"}


def last(api: Api) -> list[str]:
    """The undocumented rules that the last answer depends on, but for those of almost every answer."""
    inferred = api.client.get("/__admin/requests").json()["requests"][-1]["inferred"]
    return [rule for rule in inferred if rule not in EVERYWHERE]


def test_the_rules_behind_status_and_body_are_named(api: Api) -> None:
    task = api.created(description="x")
    expected = [["create-status"]]
    for response, rules in (
        (api.create(title=""), ["validation-body"]),
        (api.update("x"), ["path-id"]),
        (api.delete(UNKNOWN_ID), ["error-body"]),
        (api.update(task["id"]), ["success-status"]),
    ):
        assert response.status_code
        expected.append(rules)
    assert [entry["inferred"] for entry in api.client.get("/__admin/requests").json()["requests"]] == expected


def create(api: Api, **fields: Any) -> str:
    """Create a task with a description, which nothing undocumented decides about; returns its id."""
    return api.create(**{"description": "With the discount"} | fields).json().get("id", "")


CREATED: list[Row] = [
    # Documented throughout.
    ({"title": "Lunch 🍽 with José", "description": ""}, []),
    (TIMED | {"aiContactId": CONTACT, "aiCustomerId": None, "responsibleIds": [MARIA, VALENTINA]}, []),
    ({"dueDate": DAY, "dueTime": "14:30"}, []),
    ({"dueDate": None, "dueTime": None, "timezone": None}, []),
    # Texts.
    ({"description": ...}, ["null-description"]),
    ({"description": None}, ["null-description"]),
    ({"title": " "}, ["strings"]),
    ({"description": "With the discount\n"}, ["strings"]),
    ({"title": "Jose\u0301"}, ["strings"]),
    # Ids and keys.
    ({"responsibleIds": [CARLOS]}, ["uuid"]),
    ({"responsibleIds": [MARIA, MARIA.upper()]}, ["uuid", "responsible-repeats"]),
    ({"aiContactId": CONTACT.upper()}, ["uuid"]),
    ({"statusId": PENDING["id"].upper()}, ["uuid", "statusId"]),
    ({"newStatusName": "Completada"}, ["unknown-keys"]),
    # Due dates.
    ({"dueTime": "14:30"}, ["due-none-parts"]),
    ({"dueDate": None, "timezone": SANTIAGO}, ["due-none-parts"]),
    ({"dueDate": DAY, "dueTime": None, "timezone": SANTIAGO}, ["all-day"]),
    ({"dueDate": "2025-11-26T14:30", "timezone": SANTIAGO}, ["due-date-offset", "due-date-time"]),
    ({"dueDate": "2025-11-26T14:30-03:00"}, ["due-date-offset", "due-date-time"]),
    ({"dueDate": "2025-11-26T14:30Z"}, ["due-date-precision", "due-date-time"]),
    (TIMED | {"timezone": SANTIAGO.lower()}, ["timezone-case"]),
    ({"dueDate": ZONED, "dueTime": "09:00", "timezone": SANTIAGO}, ["due-date-time-and-time"]),
    # 2025-03-09 02:30 is skipped in New York, and 2025-11-02 01:30 occurs twice; so does every minute of that hour.
    ({"dueDate": "2025-03-09", "dueTime": "02:30", "timezone": NEW_YORK}, ["due-gap-and-fold"]),
    ({"dueDate": "2025-03-09", "dueTime": "03:00", "timezone": NEW_YORK}, []),
    ({"dueDate": "2025-03-09", "dueTime": "02:30"}, []),
    ({"dueDate": "2025-11-02", "dueTime": "01:59", "timezone": NEW_YORK}, ["due-gap-and-fold"]),
    ({"dueDate": "2025-11-02", "dueTime": "02:00", "timezone": NEW_YORK}, []),
    (
        {"dueDate": "2025-03-09T02:30", "timezone": NEW_YORK},
        ["due-date-offset", "due-date-time", "due-gap-and-fold"],
    ),
    ({"dueDate": "2025-03-09T02:30:00.000Z", "timezone": NEW_YORK}, ["due-date-time"]),
    # Several at once, in the order of the contract, also where the journal cuts the body.
    (
        {"description": None, "dueDate": DAY, "responsibleIds": [CARLOS, CARLOS], "title": f"{LONG} ", "colour": "red"},
        ["uuid", "unknown-keys", "strings", "responsible-repeats", "all-day", "null-description"],
    ),
]


@pytest.mark.parametrize(("fields", "expected"), CREATED)
def test_a_creation_relies_on_the_rules_that_decided_a_value_of_the_new_task(
    api: Api, fields: dict[str, Any], expected: list[str]
) -> None:
    assert create(api, **fields)
    assert last(api) == expected


UPDATED: list[Row] = [
    # Documented throughout, whatever the task was created with.
    ({"description": None, "dueDate": DAY, "responsibleIds": [CARLOS]}, {"title": "Other", "priority": "0"}, []),
    ({"dueDate": DAY}, TIMED, []),
    (TIMED, {"dueDate": "2025-12-24"}, []),
    (TIMED, {"dueTime": "14:30"}, []),
    ({}, {"dueDate": None, "dueTime": None, "timezone": None, "aiContactId": None}, []),
    ({"aiContactId": CONTACT}, {"aiContactId": CONTACT, "description": "Other"}, []),
    # Texts, ids, keys, statuses and contacts.
    ({}, {"title": "x ", "responsibleIds": [VALENTINA, VALENTINA]}, ["strings", "responsible-repeats"]),
    ({}, {"aiContactId": CONTACT.upper(), "description": None}, ["uuid", "null-description"]),
    ({}, {"statusId": DONE["id"].upper()}, ["unknown-keys"]),
    ({}, {"newStatusName": "Completada"}, ["update-status"]),
    ({}, {"newStatusPosition": 1}, ["status-position"]),
    ({"aiContactId": CONTACT}, {"aiContactId": None}, ["update-contact"]),
    ({"aiContactId": CONTACT, "description": LONG}, {"aiContactId": OTHER_CONTACT}, ["update-contact"]),
    # Due dates: those that result.
    ({"dueDate": DAY}, {"dueDate": "2025-12-24", "dueTime": None}, ["all-day"]),
    ({"dueDate": DAY, "timezone": SANTIAGO}, {"timezone": SANTIAGO}, ["all-day"]),
    (TIMED, {"dueDate": "2025-12-24T00:00:00.000Z"}, ["due-date-time-and-time"]),
    (TIMED, {"dueDate": "2025-09-07", "dueTime": "00:30"}, ["due-gap-and-fold"]),
    (TIMED, {"dueDate": DAY, "dueTime": None}, ["all-day", "update-due"]),
    ({}, {"timezone": SANTIAGO, "title": "Other"}, ["due-none-parts"]),
    # Due dates of which a part changes.
    (TIMED, {"dueDate": None}, ["update-due"]),
    (TIMED, {"dueDate": None, "dueTime": "14:30"}, ["due-none-parts", "update-due"]),
    (TIMED, {"timezone": None}, ["update-due"]),
    (TIMED, {"timezone": NEW_YORK, "dueDate": DAY}, []),
    (TIMED, {"dueTime": None}, ["all-day", "update-due"]),
    ({"dueDate": ZONED}, {"timezone": SANTIAGO}, ["due-date-time", "update-due"]),
    ({"dueDate": ZONED}, {"dueTime": "09:00"}, ["due-date-time-and-time", "update-due"]),
    ({"dueDate": "2025-03-09", "dueTime": "02:30"}, {"timezone": NEW_YORK}, ["due-gap-and-fold", "update-due"]),
]


@pytest.mark.parametrize(("fields", "changes", "expected"), UPDATED)
def test_an_update_relies_on_the_rules_that_decided_what_became_of_the_task(
    api: Api, fields: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    api.updated(create(api, **fields), **changes)
    assert last(api) == expected


LISTED: list[Row] = [
    # Documented throughout; what decided about the tasks when they were created is not told again.
    ([], f"responsibleIds=&{DAYS}", []),
    ([UNDATED], f"{MARIAS}&includeTasksWithoutDates=true", ["list-priority"]),
    ([MIDDAY | {"title": "x "}], f"responsibleIds={MARIA}&fromDate=2025-11-25&toDate=2025-11-27", ["list-priority"]),
    # Whose tasks.
    ([], f"{MARIAS}&responsibleIds={CARLOS}", ["uuid", "list-any-responsible", "list-repeated-ids"]),
    ([UNDATED], f"responsibleIds=&{DAYS}", ["list-priority"]),
    ([], f"responsibleIds={MARIA},{VALENTINA}&{DAYS}", ["list-any-responsible", "comma-list"]),
    ([], f"responsibleIds[]=&{DAYS}", ["list-repeated-ids"]),
    # Of which days, and in which order; that a long list is cut changes nothing.
    ([MIDDAY], MARIAS, ["list-days", "list-priority"]),
    (
        [MIDDAY],
        f"responsibleIds={MARIA}&fromDate=2025-11-25&toDate=2025-11-26",
        ["list-days", "list-priority"],
    ),
    (
        [UNDATED],
        f"responsibleIds={MARIA}&fromDate=2025-11-27&toDate=2025-11-26",
        ["list-days", "list-priority"],
    ),
    ([UNDATED, UNDATED], MARIAS, ["list-order", "list-priority"]),
    (
        [MIDDAY | {"title": LONG}, UNDATED],
        f"{MARIAS}&page=2",
        ["unknown-keys", "list-days", "list-order", "list-priority"],
    ),
]


@pytest.mark.parametrize(("made", "query", "expected"), LISTED)
def test_a_list_relies_on_the_rules_that_decided_which_tasks_came_and_in_which_order(
    api: Api, made: list[dict[str, Any]], query: str, expected: list[str]
) -> None:
    for fields in made:
        create(api, **fields)
    assert api.client.get(f"{TASKS}?{query}").status_code == 200
    assert last(api) == expected


def sent(**fields: Any) -> str:
    """The body of a creation that nothing undocumented decides about, changed by `fields`."""
    valid = {"title": "Call the client", "description": "x", "responsibleIds": [MARIA], "priority": "1"}
    return json.dumps(valid | fields)


OTHERS: list[Row] = [
    ("GET", f"{TEAM}?page=2", None, 200, ["unknown-keys"]),
    ("POST", f"{TASKS}?page=2", sent(), 201, ["unknown-keys"]),
    ("POST", TASKS, sent().replace("{", '{"title": "x", '), 201, ["repeated-keys"]),
    ("GET", f"{TEAM}/", None, 200, ["path-matching"]),
    # Refused by a rule that is documented.
    ("POST", TASKS, sent(responsibleIds=[CARLOS, CARLOS], priority=1, colour="red"), 400, []),
    ("POST", TASKS, sent(aiContactId=f"{CONTACT}0", dueDate="x", timezone="x", responsibleIds=["x"]), 400, []),
    ("PUT", f"{TASKS}/{UNKNOWN_ID}", '{"description": null, "newStatusPosition": 1}', 404, []),
    ("POST", TASKS, sent(responsibleIds=[UNKNOWN_ID]), 404, []),
    ("POST", TASKS, sent(statusId=UNKNOWN_ID), 404, []),
    ("PUT", f"{TASKS}/x", '{"title": "x"}', 400, []),
    ("PUT", f"{TASKS}/{UNKNOWN_ID}", '{"newStatusName": "x", "newStatusPosition": 1}', 400, []),
    ("GET", TASKS, None, 400, []),
    # Refused by one that is not.
    ("GET", f"{TASKS}?responsibleIds=&{DAYS}&includeTasksWithoutDates=1", None, 400, ["list-undated-value"]),
    ("GET", f"{TASKS}?responsibleIds=x&fromDate=x&toDate={DAY}", None, 400, ["list-bad-id", "list-date-form"]),
    ("GET", "/api/public/x", None, 404, ["unknown-route"]),
    ("PATCH", TASKS, "{}", 404, ["wrong-method"]),
    ("PUT", f"{TASKS}/x", "{", 400, ["json"]),
    ("PUT", f"{TASKS}/{UNKNOWN_ID}", "[]", 400, ["body-object"]),
    ("PUT", f"{TASKS}/{UNKNOWN_ID}", None, 404, ["empty-body"]),
    ("POST", TASKS, " " * 1_048_577, 413, ["body-size"]),
    ("POST", TASKS, sent(responsibleIds=["x"], aiContactId=1, statusId=1), 400, ["statusId"]),
    ("POST", TASKS, sent(responsibleIds=[INACTIVE_USER], aiContactId=UNKNOWN_ID), 404, ["inactive-responsible"]),
    ("POST", TASKS, sent(aiContactId=UNKNOWN_ID), 404, ["unknown-contact"]),
    ("POST", TASKS, sent(dueDate="9999-12-31", dueTime="23:59", timezone=SANTIAGO), 400, ["due-range"]),
    ("PUT", f"{TASKS}/{UNKNOWN_ID}", '{"title": null, "aiContactId": 1}', 400, ["update-nulls"]),
    ("GET", f"{TASKS}?responsibleIds=&{DAYS}&toDate={DAY}", None, 400, ["list-repeated"]),
    # Contacts: which, and in which order.
    ("GET", f"{CONTACTS}?days=1", None, 200, ["contacts-window", "contact-nulls"]),
    ("GET", f"{CONTACTS}?days=2", None, 200, ["contact-nulls"]),
    ("GET", f"{CONTACTS}?stage_id={UNKNOWN_ID}", None, 200, ["contacts-stage"]),
    ("GET", f"{CONTACTS}?days=1.5&stage_id=x", None, 400, ["contacts-stage"]),
    ("GET", f"{CONTACTS}?custom_field_key=comuna&custom_field_value=Pirque", None, 200, ["contacts-custom-value"]),
    ("GET", f"{CONTACTS}?custom_field_key=comuna", None, 400, []),
    ("GET", f"{SEARCH}?phone=2001", None, 200, []),
    ("GET", f"{SEARCH}?phone=2007", None, 200, ["contact-nulls"]),
    ("GET", f"{SEARCH}?email=example", None, 200, ["contacts-ties", "contact-nulls"]),
    ("GET", SEARCH, None, 400, []),
    # What others may take, or refuse.
    ("POST", TASKS, sent(aiContactId=f"{{{CONTACT}}}"), 400, ["uuid"]),
    ("POST", TASKS, sent(responsibleIds=[CARLOS[:-1] + "0"] * 2), 404, ["uuid", "responsible-repeats"]),
    ("PUT", f"{TASKS}/{MAX}", '{"colour": "red", "colour": "blue"}', 404, ["uuid", "unknown-keys", "repeated-keys"]),
    ("DELETE", f"{TASKS}/{NIL}", "5", 404, ["uuid"]),
]


@pytest.mark.parametrize(("method", "path", "content", "status", "expected"), OTHERS)
def test_an_answer_relies_on_the_rules_that_refused_or_understood_its_request(
    api: Api, method: str, path: str, content: str | None, status: int, expected: list[str]
) -> None:
    assert api.client.request(method, path, content=content, headers=JSON).status_code == status
    assert last(api) == expected


STRICT: list[Row] = [
    ({"colour": "red"}, ["strict-mode"]),
    ({"dueDate": DAY, "dueTime": "14:30"}, ["strict-mode"]),
    ({"title": ""}, []),
]


@pytest.mark.parametrize(("fields", "expected"), STRICT)
def test_a_refusal_of_strict_mode_relies_on_the_rule_that_made_it_strict(
    api: Api, fields: dict[str, Any], expected: list[str]
) -> None:
    api.client.patch("/__admin/settings", json={"strict": True})
    assert api.create(**fields).status_code == 400
    assert last(api) == expected


# Rules that no one answer shows, or that other tests show.
NOT_TOLD = {"order-of-decisions", "charset", "validation-limit", "body-limit", "order-of-references", "internal-error"}
NOT_TOLD |= {"reference-message", "task-object-order", "several-initial-statuses", "team-members-order"}
NOT_TOLD |= {"unauthorized-body", "content-encoding", "content-type", "contact-client"}


def test_every_undocumented_rule_is_relied_on_by_some_row_or_cannot_be_told() -> None:
    named = {rule for *_, expected in (*CREATED, *UPDATED, *LISTED, *OTHERS, *STRICT) for rule in expected}
    named.add("update-status")
    undocumented = {rule.name for rule in contract.RULES if rule.evidence != contract.DOCUMENTED}
    assert undocumented == named | EVERYWHERE | NOT_TOLD
    assert not named & (EVERYWHERE | NOT_TOLD)


def test_a_status_that_does_not_exist_is_refused_by_an_undocumented_rule_alone(api: Api) -> None:
    assert api.update(create(api), newStatusName="x", description=None).status_code == 404
    assert last(api) == ["update-status"]


def test_a_deletion_relies_on_nothing_but_the_form_of_its_id(api: Api) -> None:
    for spelled, expected in ((str.lower, []), (str.upper, ["uuid"])):
        assert api.delete(spelled(create(api, dueDate=DAY, aiContactId=CONTACT))).status_code == 200
        assert last(api) == expected


def test_a_request_without_a_key_relies_on_how_it_is_worded(api: Api) -> None:
    response = api.client.post(TASKS, content="{", headers={"x-api-key": ""})
    number = response.headers["X-Mock-Request-Id"]
    strangers = {"params": {"unidentified": "true"}, "headers": {"x-api-key": "test_default"}}
    entry = api.client.get(f"/__admin/requests/{number}", **strangers).json()
    assert (entry["response"]["status"], entry["inferred"]) == (401, ["unauthorized-body"])


def test_a_failure_of_the_mock_itself_relies_on_how_we_answer_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(tasks, "create_task", fail)
    assert api.create(colour="red").status_code == 500
    assert last(api) == ["internal-error"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 404}, []),
        ({"connection": "reset"}, []),
        ({"when": "after", "status": 202}, []),
        ({"when": "after", "body": {"x": 1}}, []),
        ({"when": "after", "connection": "truncate"}, []),
        ({"delay_ms": 1}, ["all-day", "null-description"]),
        ({"when": "after", "headers": {"X-Odd": "1"}}, ["all-day", "null-description"]),
    ],
)
def test_an_answer_relies_on_nothing_when_a_fault_made_it(api: Api, fault: dict[str, Any], expected: list[str]) -> None:
    assert api.client.post("/__admin/faults", json=fault).status_code == 201
    try:
        api.create(dueDate=DAY)
    except httpx.TransportError:
        assert "connection" in fault
    assert last(api) == expected


def test_an_answer_that_was_preferred_or_limited_relies_on_nothing(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"rate_limit": {"requests": 1, "seconds": 3600}})
    for status in (404, 429):
        response = api.client.delete(f"{TASKS}/{NIL}", headers={"Prefer": "code=404"})
        assert response.status_code == status
        assert last(api) == []


def test_the_head_of_a_list_relies_on_no_task(api: Api) -> None:
    for _ in range(2):
        create(api)
    for more, expected in (("", []), ("&page=2", ["unknown-keys"])):
        assert api.client.head(f"{TASKS}?responsibleIds=&{DAYS}{more}").content == b""
        assert last(api) == expected
