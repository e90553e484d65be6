"""Which undocumented rules an answer hangs on."""

from __future__ import annotations

import json
from typing import Any

import httpx
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
)

from mockserver import contract
from mockserver.domain import tasks
from mockserver.sandbox import inferred
from mockserver.sandbox.inferred import relied_on

JSON = {"content-type": "application/json"}
TASKS = "/api/public/tasks"
NIL = "00000000-0000-0000-0000-000000000000"
MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"
SANTIAGO, NEW_YORK = "America/Santiago", "America/New_York"
DAY, ZONED = "2025-11-26", "2025-11-26T14:30:00.000Z"
TIMED = {"dueDate": DAY, "dueTime": "14:30", "timezone": SANTIAGO}
NO_MIDNIGHT = {"dueDate": "2025-09-07", "timezone": SANTIAGO}
DAYS = "fromDate=2025-11-26&toDate=2025-11-27"
LONG = "x" * 70_000
# The status of every success, and the shape of every refusal.
EVERYWHERE = {"success-status", "error-shape"}
# One answer does not tell whether they decided.
NOT_TOLD = {"order-of-decisions"}

Row = tuple[Any, ...]


def last_entry(api: Api) -> dict[str, Any]:
    return api.client.get("/__admin/requests").json()["requests"][-1]


def last(api: Api) -> list[str]:
    """What the last answer relied on."""
    return relied_on(last_entry(api))


def create(api: Api, **fields: Any) -> str:
    """Create a task with a description, which nothing undocumented decides about; returns its id."""
    return api.create(**{"description": "With the discount"} | fields).json().get("id", "")


CREATED: list[Row] = [
    # Documented throughout.
    ({}, []),
    ({"description": ""}, []),
    ({"title": "Lunch 🍽 with José", "description": "السلام عليكم"}, []),
    ({"dueDate": None, "dueTime": None, "timezone": None}, []),
    ({"dueDate": DAY, "dueTime": "14:30"}, []),
    (TIMED, []),
    ({"aiContactId": CONTACT, "aiCustomerId": CUSTOMER, "priority": "2"}, []),
    ({"aiContactId": None, "aiCustomerId": None}, []),
    ({"responsibleIds": [MARIA, VALENTINA]}, []),
    # Descriptions.
    ({"description": ...}, ["empty-description"]),
    ({"description": None}, ["empty-description"]),
    # Texts.
    ({"title": " Call the client"}, ["strings"]),
    ({"title": " "}, ["strings"]),
    ({"description": "With the discount\n"}, ["strings"]),
    ({"title": "Jose\u0301"}, ["strings"]),
    # Ids.
    ({"responsibleIds": [CARLOS]}, ["uuid"]),
    ({"responsibleIds": [MARIA, VALENTINA.upper()]}, ["uuid"]),
    ({"aiContactId": CONTACT.upper()}, ["uuid"]),
    ({"aiCustomerId": CUSTOMER.upper()}, ["uuid"]),
    ({"responsibleIds": [MARIA, VALENTINA, MARIA]}, ["responsibleIds"]),
    ({"responsibleIds": [MARIA, MARIA.upper()]}, ["uuid", "responsibleIds"]),
    ({"statusId": DONE["id"]}, ["statusId"]),
    ({"statusId": PENDING["id"].upper()}, ["uuid", "statusId"]),
    # Keys.
    ({"colour": "red"}, ["unknown-keys"]),
    ({"newStatusName": "Completada"}, ["unknown-keys"]),
    # Due dates.
    ({"dueTime": "14:30"}, ["due-none"]),
    ({"timezone": SANTIAGO}, ["due-none"]),
    ({"dueDate": None, "dueTime": "14:30", "timezone": SANTIAGO}, ["due-none"]),
    ({"dueDate": DAY}, ["due-date"]),
    ({"dueDate": DAY, "dueTime": None, "timezone": SANTIAGO}, ["due-date"]),
    ({"dueDate": ZONED}, ["due-date-time"]),
    ({"dueDate": "2025-11-26T14:30", "timezone": SANTIAGO}, ["due-date-time"]),
    ({"dueDate": ZONED, "dueTime": "09:00", "timezone": SANTIAGO}, ["due-date-time-and-time"]),
    # 2025-03-09 02:30 is skipped in New York, and 2025-11-02 01:30 occurs twice; so does every minute of that hour.
    ({"dueDate": "2025-03-09", "dueTime": "02:30", "timezone": NEW_YORK}, ["due-gap-and-fold"]),
    ({"dueDate": "2025-11-02", "dueTime": "01:30", "timezone": NEW_YORK}, ["due-gap-and-fold"]),
    ({"dueDate": "2025-11-02", "dueTime": "01:59", "timezone": NEW_YORK}, ["due-gap-and-fold"]),
    ({"dueDate": "2025-03-09", "dueTime": "01:59", "timezone": NEW_YORK}, []),
    ({"dueDate": "2025-03-09", "dueTime": "03:00", "timezone": NEW_YORK}, []),
    ({"dueDate": "2025-11-02", "dueTime": "02:00", "timezone": NEW_YORK}, []),
    ({"dueDate": "2025-03-09", "dueTime": "02:30"}, []),
    (NO_MIDNIGHT, ["due-date", "due-gap-and-fold"]),
    ({"dueDate": "2025-03-09T02:30", "timezone": NEW_YORK}, ["due-date-time", "due-gap-and-fold"]),
    ({"dueDate": "2025-03-09T02:30:00Z", "timezone": NEW_YORK}, ["due-date-time"]),
    (
        {"dueDate": "2025-03-09T12:00:00Z", "dueTime": "02:30", "timezone": NEW_YORK},
        ["due-date-time-and-time", "due-gap-and-fold"],
    ),
    # Several at once, in the order of the contract.
    (
        {"description": None, "dueDate": DAY, "responsibleIds": [CARLOS, CARLOS], "title": "x ", "colour": "red"},
        ["uuid", "unknown-keys", "strings", "responsibleIds", "due-date", "empty-description"],
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
    ({}, {}, []),
    ({"description": None, "dueDate": DAY, "responsibleIds": [CARLOS]}, {"title": "Other", "priority": "0"}, []),
    ({}, {"description": "Other", "responsibleIds": [VALENTINA], "aiCustomerId": CUSTOMER}, []),
    ({}, TIMED, []),
    ({"dueDate": DAY}, TIMED, []),
    (TIMED, {"dueDate": "2025-12-24"}, []),
    (TIMED, TIMED, []),
    (TIMED, {"dueTime": "14:30"}, []),
    ({}, {"dueDate": None, "dueTime": None, "timezone": None}, []),
    # Texts, ids and keys, as in a creation.
    ({}, {"title": "x "}, ["strings"]),
    ({}, {"description": None}, ["update-nulls"]),
    ({}, {"responsibleIds": [VALENTINA, VALENTINA]}, ["responsibleIds"]),
    ({}, {"responsibleIds": [CARLOS]}, ["uuid"]),
    ({}, {"aiContactId": CONTACT.upper()}, ["uuid"]),
    ({}, {"statusId": DONE["id"].upper()}, ["unknown-keys"]),
    # Statuses.
    ({}, {"newStatusName": "Completada"}, ["update-status"]),
    ({}, {"newStatusPosition": 1}, ["update-status"]),
    # Contacts.
    ({}, {"aiContactId": CONTACT}, []),
    ({}, {"aiContactId": None}, []),
    ({"aiContactId": CONTACT}, {"aiContactId": CONTACT, "title": "Other"}, []),
    ({"aiContactId": CONTACT}, {"aiContactId": None}, ["update-contact"]),
    ({"aiContactId": CONTACT}, {"aiContactId": OTHER_CONTACT}, ["update-contact"]),
    ({"aiContactId": CONTACT}, {"title": "Other"}, []),
    # Due dates: those that result.
    ({}, {"dueDate": DAY}, ["due-date"]),
    ({"dueDate": DAY}, {"dueDate": DAY}, ["due-date"]),
    ({"dueDate": DAY}, {"dueDate": DAY, "dueTime": None}, ["due-date"]),
    ({"dueDate": DAY}, {"dueDate": "2025-12-24", "dueTime": None}, ["due-date"]),
    ({}, {"dueDate": ZONED}, ["due-date-time"]),
    ({}, {"dueDate": ZONED, "dueTime": "09:00"}, ["due-date-time-and-time"]),
    (TIMED, {"dueDate": "2025-12-24T00:00:00Z"}, ["due-date-time-and-time"]),
    (TIMED, {"dueDate": "2025-09-07", "dueTime": "00:30"}, ["due-gap-and-fold"]),
    (NO_MIDNIGHT, {"dueDate": "2025-09-07"}, ["due-date", "due-gap-and-fold"]),
    (TIMED, {"dueDate": DAY, "dueTime": None}, ["due-date", "update-due"]),
    ({}, {"dueTime": "14:30", "timezone": SANTIAGO}, ["due-none"]),
    ({}, {"timezone": SANTIAGO, "title": "Other"}, ["due-none"]),
    # Due dates of which a part changes.
    (TIMED, {"dueDate": None}, ["update-due"]),
    (TIMED, {"dueDate": None, "dueTime": "14:30"}, ["due-none", "update-due"]),
    (TIMED, {"dueTime": "15:00"}, ["update-due"]),
    (TIMED, {"timezone": None}, ["update-due"]),
    (TIMED, {"timezone": NEW_YORK, "dueDate": DAY}, []),
    (TIMED, {"dueTime": None}, ["due-date", "update-due"]),
    ({"dueDate": DAY}, {"timezone": SANTIAGO}, ["due-date", "update-due"]),
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


TWENTY_SIXTH, UNDATED = {"dueDate": "2025-11-26T12:00:00Z"}, {"dueDate": None}
LISTED: list[Row] = [
    # Documented throughout.
    ([], f"responsibleIds=&{DAYS}", []),
    ([], f"responsibleIds={UNKNOWN_ID}&{DAYS}", []),
    ([UNDATED], f"responsibleIds={MARIA}&{DAYS}", []),
    ([UNDATED], f"responsibleIds={MARIA}&{DAYS}&includeTasksWithoutDates=true", []),
    ([UNDATED], f"responsibleIds=&{DAYS}&includeTasksWithoutDates=false", []),
    ([TWENTY_SIXTH], f"responsibleIds={MARIA}&fromDate=2025-11-25&toDate=2025-11-27", []),
    ([{"responsibleIds": [CARLOS], "title": "x "}], f"responsibleIds={MARIA}&{DAYS}", []),
    # Whose tasks.
    ([], f"responsibleIds={CARLOS}&{DAYS}", ["uuid"]),
    ([], f"responsibleIds={MARIA.upper()}&{DAYS}", ["uuid"]),
    ([UNDATED], f"responsibleIds=&{DAYS}", ["list-responsibleIds"]),
    ([], f"responsibleIds={MARIA}&responsibleIds={VALENTINA}&{DAYS}", ["list-responsibleIds"]),
    ([], f"responsibleIds={MARIA},{VALENTINA}&{DAYS}", ["list-responsibleIds"]),
    ([], f"responsibleIds[]={MARIA}&{DAYS}", ["list-responsibleIds"]),
    ([], f"responsibleIds[]=&{DAYS}", ["list-responsibleIds"]),
    ([], f"responsibleIds={MARIA},{CARLOS}&{DAYS}", ["uuid", "list-responsibleIds"]),
    # Of which days.
    ([TWENTY_SIXTH], f"responsibleIds={MARIA}&{DAYS}", ["list-dates"]),
    ([TWENTY_SIXTH], f"responsibleIds={MARIA}&fromDate=2025-11-25&toDate=2025-11-26", ["list-dates"]),
    ([UNDATED], f"responsibleIds={MARIA}&fromDate=2025-11-27&toDate=2025-11-26", ["list-dates"]),
    # In which order.
    ([UNDATED, UNDATED], f"responsibleIds={MARIA}&{DAYS}", ["list-order"]),
    ([TWENTY_SIXTH, UNDATED], f"responsibleIds=&{DAYS}", ["list-responsibleIds", "list-dates", "list-order"]),
    # Names that nothing reads.
    ([], f"responsibleIds={MARIA}&{DAYS}&page=2", ["unknown-keys"]),
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
    ("GET", "/api/public/team-members/all", None, 200, []),
    ("GET", "/api/public/team-members/all?page=2", None, 200, ["unknown-keys"]),
    ("POST", TASKS, sent(), 201, []),
    ("POST", f"{TASKS}?page=2", sent(), 201, ["unknown-keys"]),
    ("POST", TASKS, sent().replace("{", '{"title": "x", '), 201, ["json"]),
    # Refused by a rule that is documented.
    ("POST", TASKS, sent(responsibleIds=[CARLOS], priority=1, colour="red"), 400, []),
    ("POST", TASKS, sent(aiContactId="x"), 400, []),
    ("POST", TASKS, sent(aiContactId=f"{CONTACT}0"), 400, []),
    ("POST", TASKS, sent(dueDate="x", timezone="utc"), 400, []),
    ("POST", TASKS, sent(responsibleIds=[UNKNOWN_ID]), 404, []),
    ("POST", TASKS, sent(responsibleIds=[INACTIVE_USER], aiContactId=UNKNOWN_ID), 404, ["active-responsible"]),
    ("POST", TASKS, sent(responsibleIds=[INACTIVE_USER, UNKNOWN_ID]), 404, []),
    ("PUT", f"{TASKS}/{UNKNOWN_ID}", '{"description": null, "newStatusPosition": 1}', 404, []),
    ("DELETE", f"{TASKS}/{UNKNOWN_ID}", "5", 404, []),
    ("GET", f"{TASKS}?responsibleIds=&{DAYS}&includeTasksWithoutDates=1", None, 400, []),
    # Refused by one that is not.
    ("GET", "/api/public/x", None, 404, ["unknown-route"]),
    ("PATCH", TASKS, None, 405, ["unknown-route"]),
    ("POST", TASKS, "{", 400, ["json"]),
    ("PUT", f"{TASKS}/x", "[]", 400, ["json"]),
    ("POST", TASKS, sent(responsibleIds=["x"], aiContactId=1, statusId=1), 400, ["responsibleIds", "statusId"]),
    ("POST", TASKS, sent(statusId=UNKNOWN_ID), 404, ["statusId"]),
    ("POST", TASKS, sent(dueDate="9999-12-31", dueTime="23:59", timezone=SANTIAGO), 400, ["due-range"]),
    ("PUT", f"{TASKS}/x", '{"title": "x"}', 400, ["uuid"]),
    ("PUT", f"{TASKS}/{UNKNOWN_ID}", '{"title": null, "aiContactId": 1}', 400, ["update-nulls"]),
    ("PUT", f"{TASKS}/{UNKNOWN_ID}", '{"newStatusName": "x", "newStatusPosition": 1}', 400, ["update-status"]),
    ("GET", TASKS, None, 400, ["list-responsibleIds", "list-dates"]),
    ("GET", f"{TASKS}?responsibleIds=&{DAYS}&toDate={DAY}", None, 400, ["list-repeated"]),
    # An id that others may take, or refuse.
    ("POST", TASKS, sent(aiContactId=f"{{{CONTACT}}}"), 400, ["uuid"]),
    ("POST", TASKS, sent(aiContactId=CONTACT.replace("-", "")), 400, ["uuid"]),
    ("POST", TASKS, sent(responsibleIds=[CARLOS[:-1] + "0"]), 404, ["uuid"]),
    ("PUT", f"{TASKS}/{MAX}", "{}", 404, ["uuid"]),
    ("DELETE", f"{TASKS}/{NIL}", None, 404, ["uuid"]),
    ("DELETE", f"{TASKS}/{UNKNOWN_ID.upper()}", None, 404, ["uuid"]),
    # A key that others may refuse.
    ("PUT", f"{TASKS}/{UNKNOWN_ID}", '{"colour": "red", "colour": "blue"}', 404, ["unknown-keys", "json"]),
]


@pytest.mark.parametrize(("method", "path", "content", "status", "expected"), OTHERS)
def test_an_answer_relies_on_the_rules_that_refused_or_understood_its_request(
    api: Api, method: str, path: str, content: str | None, status: int, expected: list[str]
) -> None:
    assert api.client.request(method, path, content=content, headers=JSON).status_code == status
    assert last(api) == expected


STRICT: list[Row] = [
    ({"colour": "red"}, ["strict-unread-key"]),
    ({"dueDate": DAY, "dueTime": "14:30"}, ["strict-timezone"]),
    ({"title": ""}, []),
]


@pytest.mark.parametrize(("fields", "expected"), STRICT)
def test_a_refusal_of_strict_mode_relies_on_the_rule_that_made_it_strict(
    api: Api, fields: dict[str, Any], expected: list[str]
) -> None:
    api.client.patch("/__admin/settings", json={"strict": True})
    assert api.create(**fields).status_code == 400
    assert last(api) == expected


def test_every_undocumented_rule_is_relied_on_by_some_row_or_cannot_be_told(api: Api) -> None:
    rows = [*CREATED, *UPDATED, *LISTED, *OTHERS, *STRICT]
    named = {rule for *_, expected in rows for rule in expected} | {"body-size", "internal-error"}
    undocumented = {rule.name for rule in contract.RULES if rule.evidence == contract.INFERRED}
    assert undocumented == named | EVERYWHERE | NOT_TOLD
    assert not named & (EVERYWHERE | NOT_TOLD)


def test_a_rule_that_turned_out_to_be_documented_is_relied_on_no_more(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = [rule._replace(evidence=contract.DOCUMENTED) for rule in contract.RULES]
    create(api, dueDate=DAY)
    monkeypatch.setattr(inferred, "RULES", learnt)
    assert last(api) == []


def test_a_status_that_does_not_exist_is_refused_by_an_undocumented_rule_alone(api: Api) -> None:
    assert api.update(create(api), newStatusName="x", description=None).status_code == 404
    assert last(api) == ["update-status"]


def test_a_deletion_relies_on_nothing_but_the_form_of_its_id(api: Api) -> None:
    for spelled, expected in ((str.lower, []), (str.upper, ["uuid"])):
        assert api.delete(spelled(create(api, dueDate=DAY))).status_code == 200
        assert last(api) == expected


def test_a_request_without_a_key_relies_on_nothing(api: Api) -> None:
    response = api.client.post(TASKS, content="{", headers={"x-api-key": ""})
    number = response.headers["X-Mock-Request-Id"]
    entry = api.client.get(f"/__admin/requests/{number}", params={"sandbox": "default"}).json()
    assert (entry["response"]["status"], relied_on(entry)) == (401, [])


def test_the_refusal_of_a_large_body_relies_on_our_limit(api: Api) -> None:
    assert api.client.post(TASKS, content=b" " * 1_048_577, headers=JSON).status_code == 413
    assert last(api) == ["body-size"]


def test_a_failure_of_the_mock_itself_relies_on_how_we_answer_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(tasks, "create_task", fail)
    assert api.create(colour="red").status_code == 500
    assert last(api) == ["internal-error"]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 404},
        {"connection": "reset"},
        {"when": "after", "status": 500},
        {"when": "after", "status": 202},
        {"when": "after", "body": {"x": 1}},
        {"when": "after", "connection": "empty"},
        {"when": "after", "connection": "truncate"},
    ],
)
def test_an_answer_that_a_fault_made_relies_on_nothing(api: Api, fault: dict[str, Any]) -> None:
    assert api.client.post("/__admin/faults", json=fault).status_code == 201
    try:
        api.create(dueDate=DAY, colour="red")
    except httpx.TransportError:
        assert "connection" in fault
    assert last(api) == []


@pytest.mark.parametrize("fault", [{"delay_ms": 1}, {"when": "after", "headers": {"X-Odd": "1"}}])
def test_an_answer_that_a_fault_left_as_it_was_relies_on_what_decided_it(api: Api, fault: dict[str, Any]) -> None:
    assert api.client.post("/__admin/faults", json=fault).status_code == 201
    api.created(dueDate=DAY)
    assert last(api) == ["due-date", "empty-description"]


def test_an_answer_that_was_preferred_or_limited_relies_on_nothing(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"rate_limit": {"requests": 1, "seconds": 3600}})
    for status in (404, 429):
        response = api.client.delete(f"{TASKS}/{NIL}", headers={"Prefer": "code=404"})
        assert response.status_code == status
        assert last(api) == []


def test_the_head_of_a_list_relies_on_no_task(api: Api) -> None:
    for _ in range(2):
        create(api)
    query = f"responsibleIds=&{DAYS}"
    assert api.client.head(f"{TASKS}?{query}").content == b""
    assert last(api) == []
    api.client.head(f"{TASKS}?{query}&page=2")
    assert last(api) == ["unknown-keys"]


# Bodies that the journal cuts.


def test_of_a_body_that_was_cut_nothing_is_claimed_but_what_advice_tells(api: Api) -> None:
    create(api, title=LONG, description=None, dueDate=DAY)
    assert last(api) == []
    task_id = create(api, description=LONG, responsibleIds=[CARLOS], colour="red")
    assert last(api) == ["unknown-keys"]
    api.updated(task_id.upper(), description=LONG, dueDate=DAY)
    assert last(api) == ["uuid"]
    api.updated(create(api, **TIMED), dueDate=DAY, timezone=NEW_YORK, colour=LONG)
    assert last(api) == ["unknown-keys"]


def test_of_a_long_list_nothing_is_claimed_but_what_its_query_tells(api: Api) -> None:
    for _ in range(2):
        create(api, title=LONG, **TWENTY_SIXTH)
    api.list(responsibleIds=f"{MARIA},{VALENTINA}", fromDate=DAY, toDate=DAY)
    assert last(api) == ["list-responsibleIds"]


def test_of_a_task_whose_change_was_cut_what_the_request_and_the_answer_tell_is_claimed(api: Api) -> None:
    short = {"description": "Short", "dueDate": None}
    api.updated(create(api, description=LONG, aiContactId=CONTACT, **TIMED), **short, aiContactId=None)
    assert last(api) == []
    api.updated(create(api, description=LONG), **short | {"dueDate": DAY})
    assert last(api) == ["due-date"]
    api.updated(create(api, description=LONG, **TIMED), **short | {"dueDate": DAY})
    assert last(api) == []


def test_a_zone_that_only_the_server_knows_is_not_asked_for_gaps(api: Api) -> None:
    create(api, dueDate=DAY, timezone=SANTIAGO)
    entry = json.loads(json.dumps(last_entry(api)).replace(SANTIAGO, "America/New_Santiago"))
    assert relied_on(entry) == ["due-date"]
