"""`GET /api/public/contacts` and `GET /api/public/contacts/search`."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx
import pytest
from support import CONTACT, CUSTOMER, OTHER_CONTACT, Api, assert_error, problems, running

from mockserver import fixtures
from mockserver.application import create_app
from mockserver.clock import ClockSetting
from mockserver.config import Settings
from mockserver.domain import contacts, tasks
from mockserver.engine import EXTENSION
from mockserver.sandbox import resetting

CONTACTS, SEARCH = "/api/public/contacts", "/api/public/contacts/search"
CAMILA, IGNACIO, FRANCISCA = CONTACT, OTHER_CONTACT, "6746e13f-6e74-4981-97c7-a1993bcedd81"
MATIAS, ROSA = "f9fd473a-6761-4336-b4dc-907be433450f", "275ec73e-7bec-400f-bd0c-9c896dfbf9b0"
JOAQUIN, LUCIA = "2655db2c-8162-46c2-a7d2-41544f21a068", "736d1669-c098-47e1-9694-5bd888298edc"
SALES = "819bed74-e934-443d-9a2e-f834a0124008"
NEW = "9f203c46-c7d3-4ce9-92a5-2ad362b6119e"


def listed(api: Api, **query: Any) -> list[str]:
    """The ids of the contacts of a list."""
    response = api.client.get(CONTACTS, params=query)
    assert response.status_code == 200, response.text
    return [contact["id"] for contact in response.json()]


def searched(api: Api, **query: Any) -> list[str]:
    """The ids of the contacts of a search."""
    response = api.client.get(SEARCH, params=query)
    assert response.status_code == 200, response.text
    return [contact["id"] for contact in response.json()]


def opened_state(api: Api) -> dict[str, Any]:
    """The state of a sandbox, which a request opens."""
    api.client.get(CONTACTS).raise_for_status()
    return api.state()


def put(api: Api, *changed: dict[str, Any]) -> None:
    """Replace the contacts."""
    given = [{"id": number(n), "name": f"C{n}", **each} for n, each in enumerate(changed)]
    answer = api.client.put("/__admin/state", json={**opened_state(api), "contacts": given})
    assert answer.status_code == 200, answer.text


def number(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012}"


# The list


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (1, [CAMILA, IGNACIO]),
        (7, [CAMILA, IGNACIO, FRANCISCA, MATIAS]),
        ("7.0", [CAMILA, IGNACIO, FRANCISCA, MATIAS]),
        (365, [CAMILA, IGNACIO, FRANCISCA, MATIAS, ROSA, JOAQUIN]),
        (None, [CAMILA, IGNACIO, FRANCISCA, MATIAS, ROSA]),  # 30
    ],
)
def test_the_contacts_of_the_last_days_are_listed_newest_message_first(
    api: Api, days: Any, expected: list[str]
) -> None:
    assert listed(api, **({} if days is None else {"days": days})) == expected


@pytest.mark.parametrize("clock", ["real", "frozen@2031-03-01T00:00:00.000Z"])
def test_a_week_holds_the_same_contacts_whatever_the_clock_says(clock: str, api: Api) -> None:
    mode, _, start = clock.partition("@")
    with running(clock=ClockSetting(mode, start or None)) as url, httpx.Client(base_url=url) as client:
        key = {"x-api-key": "test_elsewhere"}
        of_a_week = client.get(CONTACTS, params={"days": 7}, headers=key).json()
        assert [contact["id"] for contact in of_a_week] == listed(api, days=7)
        client.post("/__admin/reset", headers=key, json={}).raise_for_status()
        assert len(client.get(CONTACTS, params={"days": 7}, headers=key).json()) == len(of_a_week)


def test_days_are_counted_from_the_sandbox_s_clock(api: Api) -> None:
    api.client.post("/__admin/clock/advance", json={"seconds": 23 * 3600})
    assert listed(api, days=1) == [CAMILA]
    api.client.post("/__admin/clock/advance", json={"seconds": 1})
    assert listed(api, days=1) == []
    api.client.post("/__admin/reset", json={}).raise_for_status()
    assert listed(api, days=1) == [CAMILA, IGNACIO]


def test_a_contact_has_these_keys_in_this_order(api: Api) -> None:
    assert list(api.client.get(CONTACTS).json()[0].items()) == [
        ("id", CAMILA),
        ("name", "Camila Fernández Soto"),
        ("phone", "+56900002001"),
        ("email", "camila.fernandez@example.com"),
        ("platform", "whatsapp"),
        ("last_message_at", "2025-11-26T08:00:00.000Z"),
        ("chat_status", "UNATTENDED"),
        ("created_at", "2025-11-03T11:30:00.000Z"),
        ("client_id", contacts.CLIENT_ID),
        ("ai_customer_id", "43538e76-8fdc-4e16-b1b0-0b484605cb6c"),
        ("default_stage_id", NEW),
        ("blocked", False),
        ("is_chat_read", False),
        ("active_ticket_v2", {"id": "64909888-9202-447d-bced-9e68693c8289", "current_stage_id": NEW}),
    ]


def test_the_fixtures_have_each_kind_of_contact(api: Api) -> None:
    shown = api.client.get(CONTACTS, params={"days": 365}).json()
    assert {key for contact in shown for key, value in contact.items() if value is None} == {
        *("phone", "email", "ai_customer_id", "active_ticket_v2")
    }
    assert {contact["blocked"] for contact in shown} == {contact["is_chat_read"] for contact in shown} == {True, False}
    assert {contact["chat_status"] for contact in shown} == {"ATTENDED", "UNATTENDED", "CLOSED"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"stage_id": NEW}, [CAMILA]),
        ({"stage_id": NEW.upper()}, [CAMILA]),
        ({"pipeline_id": SALES}, [CAMILA, IGNACIO]),
        ({"pipeline_id": SALES, "stage_id": NEW}, [CAMILA]),
        ({"pipeline_id": NEW}, []),
        ({"custom_field_key": "plan", "custom_field_value": "Anual"}, [CAMILA, IGNACIO]),
        ({"custom_field_key": "plan", "custom_field_value": "anual"}, []),
        ({"custom_field_key": "plan", "custom_field_value": "An"}, []),
        ({"custom_field_key": "Anual", "custom_field_value": "plan"}, []),
        ({"custom_field_key": "plan", "custom_field_value": "Anual", "stage_id": NEW, "unread": "x"}, [CAMILA]),
    ],
)
def test_the_list_is_narrowed_by_stage_pipeline_and_custom_field(
    api: Api, query: dict[str, str], expected: list[str]
) -> None:
    assert listed(api, **query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"days": "0"}, [(["days"], "out_of_bounds")]),
        ({"days": "366"}, [(["days"], "out_of_bounds")]),
        ({"days": ""}, [(["days"], "out_of_bounds")]),
        ({"days": "9" * 400}, [(["days"], "out_of_bounds")]),
        ({"days": "-1"}, [(["days"], "out_of_bounds")]),
        ({"days": "7.5"}, [(["days"], "invalid_type")]),
        ({"days": "seven"}, [(["days"], "invalid_type")]),
        ({"days": "nan"}, [(["days"], "invalid_type")]),
        ({"days": "0x7"}, [(["days"], "invalid_type")]),
        ({"days": ["7", "7"]}, [(["days"], "repeated")]),
        ({"days": "x", "stage_id": "1", "pipeline_id": ""}, [
            (["days"], "invalid_type"),
            (["stage_id"], "invalid_uuid"),
            (["pipeline_id"], "invalid_uuid"),
        ]),
        ({"custom_field_key": "plan"}, [(["custom_field_value"], "required")]),
        ({"custom_field_value": "Anual"}, [(["custom_field_key"], "required")]),
        ({"custom_field_key": "", "custom_field_value": ""}, [
            (["custom_field_key"], "too_small"),
            (["custom_field_value"], "too_small"),
        ]),
    ],
)  # fmt: skip
def test_a_query_that_is_refused_names_its_problems(api: Api, query: dict[str, Any], expected: list[Any]) -> None:
    assert problems(api.client.get(CONTACTS, params=query)) == expected


@pytest.mark.parametrize("days", ["7.5", "0.5", "365.5"])
def test_a_number_of_days_that_is_not_whole_is_worded_as_zod_words_it(api: Api, days: str) -> None:
    assert assert_error(api.client.get(CONTACTS, params={"days": days}), 400)["errors"] == [
        {
            "expected": "int",
            "format": "safeint",
            "code": "invalid_type",
            "path": ["days"],
            "message": "Invalid input: expected int, received number",
        }
    ]


def _of_number(code: str, bound: str, limit: int, text: str) -> dict[str, Any]:
    head = {"origin": "number", "code": code, bound: limit, "inclusive": True}
    return {**head, "path": ["days"], "message": f"Too {text}{limit}"}


NOT_A_NUMBER = {
    "expected": "number",
    "code": "invalid_type",
    "received": "NaN",
    "path": ["days"],
    "message": "Invalid input: expected number, received NaN",
}


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (CONTACTS, {"days": "0"}, _of_number("too_small", "minimum", 1, "small: expected number to be >=")),
        (CONTACTS, {"days": "366"}, _of_number("too_big", "maximum", 365, "big: expected number to be <=")),
        (CONTACTS, {"days": "seven"}, NOT_A_NUMBER),
        (CONTACTS, {"days": ["7", "7"]}, NOT_A_NUMBER),
        (
            CONTACTS,
            {"custom_field_key": "plan"},
            {"code": "custom", "path": [], "message": "custom_field_key and custom_field_value go together"},
        ),
        (SEARCH, {}, {"code": "custom", "path": [], "message": "phone or email is required"}),
    ],
)
def test_the_answer_has_the_issue_of_the_framework(
    api: Api, path: str, query: dict[str, Any], expected: dict[str, Any]
) -> None:
    (issue,) = assert_error(api.client.get(path, params=query), 400)["errors"]
    assert list(issue.items()) == list(expected.items())


def test_what_the_state_leaves_out_gets_a_default(api: Api) -> None:
    put(api, {}, {"last_message_at": "-2h"})
    (contact,) = api.client.get(CONTACTS).json()
    assert contact | {"id": "", "name": ""} == {
        "id": "",
        "name": "",
        "phone": None,
        "email": None,
        "platform": "whatsapp",
        "last_message_at": "2025-11-26T07:00:00.000Z",
        "chat_status": "ATTENDED",
        "created_at": "2025-11-26T09:00:00.000Z",
        "client_id": contacts.CLIENT_ID,
        "ai_customer_id": None,
        "default_stage_id": None,
        "blocked": False,
        "is_chat_read": True,
        "active_ticket_v2": None,
    }
    assert api.state()["contacts"][1]["custom_fields"] == {}


def test_the_state_keeps_what_the_api_does_not_show(api: Api) -> None:
    (camila, *_) = state = opened_state(api)["contacts"]
    assert camila["custom_fields"] == {"comuna": "Providencia", "plan": "Anual"}
    assert camila["active_ticket_v2"]["pipeline_id"] == SALES
    answer = api.client.put("/__admin/state", json=api.state())
    assert answer.json()["contacts"] == state


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"ai_customer_id": 5}, ["ai_customer_id"]),
        ({"last_message_at": "yesterday"}, ["last_message_at"]),
        ({"active_ticket_v2": {"current_stage_id": NEW}}, ["active_ticket_v2", "id"]),
        ({"custom_fields": {"plan": 5}}, ["custom_fields", "plan", "value"]),
        ({"blocked": 0}, ["blocked"]),
        ({"client_id": CUSTOMER}, ["client_id"]),
    ],
)
def test_a_contact_of_the_state_is_checked(api: Api, wrong: dict[str, Any], path: list[str]) -> None:
    state = opened_state(api)
    state["contacts"][0] |= wrong
    refused = api.client.put("/__admin/state", json=state)
    assert [problem["path"] for problem in assert_error(refused, 400)["errors"]] == [["contacts", 0, *path]]


# The search


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"phone": "+56900002001"}, [CAMILA]),
        ({"phone": "56900002001"}, [CAMILA]),
        ({"phone": "(569) 0000-20 01"}, [CAMILA]),
        ({"email": "@EXAMPLE"}, [CAMILA, IGNACIO, FRANCISCA, ROSA, JOAQUIN, LUCIA]),
        ({"email": "yanez"}, [ROSA]),
        ({"email": "yanez", "phone": "2001"}, [CAMILA, ROSA]),
        ({"email": "", "phone": "2001"}, [CAMILA]),
        ({"email": "yanez", "phone": "-"}, [ROSA]),
        ({"phone": "99999999"}, []),
        ({"email": "camila fernandez"}, []),
        ({"email": "yanez", "page": "2"}, [ROSA]),
    ],
)
def test_a_part_of_the_number_or_of_the_address_finds_a_contact(
    api: Api, query: dict[str, str], expected: list[str]
) -> None:
    assert searched(api, **query) == expected


def test_a_plus_that_is_not_escaped_is_a_blank_and_ignored(api: Api) -> None:
    response = api.client.get(SEARCH + "?phone=+56900002001")
    assert [contact["id"] for contact in response.json()] == [CAMILA]


def test_hyphens_of_a_stored_number_are_ignored_too(api: Api) -> None:
    put(api, {"phone": "+56 9 (0000)-2001"}, {"phone": None, "email": None})
    assert searched(api, phone="900002001") == [number(0)]


@pytest.mark.parametrize("query", [{}, {"phone": ""}, {"phone": " ( ) - ", "email": ""}, {"name": "Camila"}])
def test_a_search_for_nothing_is_refused(api: Api, query: dict[str, str]) -> None:
    assert problems(api.client.get(SEARCH, params=query)) == [(["phone"], "required")]


def test_a_search_finds_at_most_fifty_newest_first_and_ties_by_id(api: Api) -> None:
    put(
        api,
        {"phone": "1"},
        *({"phone": f"1{n}", "last_message_at": "-1h"} for n in range(25)),
        *({"phone": f"1{n}", "last_message_at": "-2h"} for n in range(24)),
    )
    assert searched(api, phone="1") == [number(n) for n in (*range(1, 50), 0)]
    put(api, {"phone": "1"}, *({"phone": "1", "last_message_at": "-1h"} for n in range(51)))
    assert searched(api, phone="1") == [number(n) for n in range(1, 51)]


def test_a_found_contact_is_that_of_the_list_without_its_ticket(api: Api) -> None:
    (found,) = api.client.get(SEARCH, params={"phone": "2001"}).json()
    (listed, *_) = api.client.get(CONTACTS).json()
    assert list(listed.items())[:-1] == list(found.items())
    assert list(listed)[-1] == "active_ticket_v2"


# Both


def test_a_task_can_be_about_each_of_them(api: Api) -> None:
    for id in listed(api, days=365):
        assert api.created(aiContactId=id)["ai_contact_id"] == id


@pytest.mark.parametrize("path", [CONTACTS, SEARCH])
def test_contacts_are_for_keys_only_and_each_sandbox_has_its_own(api: Api, other_api: Api, path: str) -> None:
    assert_error(httpx.get(f"{api.url}{path}"), 401)
    put(other_api, {"phone": "2001", "last_message_at": "-1h"})
    assert [each["id"] for each in other_api.client.get(path, params={"phone": 2001}).json()] == [number(0)]
    assert number(0) not in api.client.get(path, params={"phone": 2001}).text


def test_a_very_long_list_is_answered_as_a_short_one(api: Api) -> None:
    put(api, *({"phone": "1", "last_message_at": "-1h"} for _ in range(tasks.LARGE + 1)))
    assert listed(api) == [number(n) for n in range(tasks.LARGE + 1)]
    assert searched(api, phone="1") == [number(n) for n in range(50)]


def test_a_bounded_list_reads_a_thousand_contacts_and_refuses_more() -> None:
    mock = create_app(Settings()).extensions[EXTENSION]
    document = fixtures.load("default").document
    (first, *_) = document["contacts"]
    for total in (tasks.LARGE, tasks.LARGE + 1):
        many = [first | {"id": number(n)} for n in range(total)]
        resetting.refill(mock.sandboxes, "default", document | {"contacts": many})
        with mock.sandboxes.look("default") as looked:
            calls = (
                partial(contacts.list_contacts, looked.world, 1),
                partial(contacts.search_contacts, looked.world, "2001"),
            )
            for call, length in zip(calls, (total, 50), strict=True):
                if total > tasks.LARGE:
                    with pytest.raises(tasks.TooLargeForTheLock):
                        call(bounded=True)
                assert len(list(call(bounded=total == tasks.LARGE))) == length
    mock.close()


def test_a_fault_and_a_verification_know_the_operations(api: Api) -> None:
    for operation, path in (("listContacts", CONTACTS), ("searchContacts", SEARCH + "?phone=1")):
        rule = {"match": {"operation": operation, "query": {"phone": "1"} if "?" in path else {}}, "status": 504}
        assert api.client.post("/__admin/faults", json=rule).status_code == 201
        assert_error(api.client.get(path), 504)
        assert api.client.get(path).status_code == 200
        counted = api.client.post("/__admin/requests/count", json={"operation": operation})
        assert counted.json()["count"] == 2
