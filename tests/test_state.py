"""`/__admin/state`: the sandbox as one document, read and replaced whole."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from support import CARLOS, CONTACT, CUSTOMER, MARIA, OTHER_CONTACT, UNKNOWN_ID, VALENTINA, Api, assert_error, running

STATE = "/__admin/state"
LISTS = ["users", "statuses", "contacts", "customers", "tasks", "notes"]

State = dict[str, Any]


@pytest.fixture
def filled(api: Api) -> Api:
    """A sandbox with tasks of every kind, one of them deleted."""
    api.created(
        title=" é\u2028😀 ",
        dueDate="2025-11-26T23:30:00-05:00",
        dueTime="14:30",
        timezone="America/Santiago",
        responsibleIds=[VALENTINA, MARIA, CARLOS],
        aiContactId=CONTACT,
        aiCustomerId=CUSTOMER,
    )
    api.delete(api.created(title="deleted", aiContactId=CONTACT)["id"])
    last = api.created(dueDate="2025-11-26", aiContactId=OTHER_CONTACT)
    api.updated(last["id"], newStatusPosition=3, priority="2")
    api.created()
    return api


def put(api: Api, state: object) -> httpx.Response:
    return api.client.put(STATE, json=state)


def test_what_was_got_can_be_put_and_changes_nothing(filled: Api) -> None:
    got = filled.client.get(STATE)
    listed = filled.list().content
    answer = filled.client.put(STATE, content=got.content, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert answer.content == got.content
    assert filled.client.get(STATE).content == got.content
    assert filled.list().content == listed


def test_what_was_put_back_goes_on_as_before(api: Api, other_api: Api) -> None:
    def begin(actor: Api) -> None:
        actor.created(aiContactId=CONTACT)
        actor.client.post("/__admin/faults", json={"status": 503, "match": {"operation": "listTasks"}, "skip": 1})
        actor.client.patch("/__admin/settings", json={"strict": True})

    def go_on(actor: Api) -> list[bytes]:
        answers = [
            actor.create(title="next", aiContactId=CONTACT),
            actor.create(colour="red"),
            actor.list(),
            actor.list(),
        ]
        return [answer.content for answer in answers]

    begin(api)
    begin(other_api)
    assert put(api, api.state()).status_code == 200
    assert go_on(api) == go_on(other_api)
    assert api.client.get(STATE).content == other_api.client.get(STATE).content


def test_the_state_of_one_sandbox_can_be_put_into_another(filled: Api, other_api: Api) -> None:
    assert put(other_api, filled.state()).status_code == 200
    assert other_api.state() == filled.state()
    assert other_api.listed() == filled.listed()
    assert other_api.created()["id"] not in [task["id"] for task in filled.state()["tasks"]]


def test_the_state_is_replaced_as_a_whole(filled: Api) -> None:
    state = filled.state()
    state["users"] = [{**state["users"][0], "first_name": "Mariana"}, state["users"][1], state["users"][2]]
    state["tasks"] = [{**state["tasks"][2], "title": "the only one", "creator_id": MARIA}]
    state["notes"] = []
    state["contacts"] = []
    state["customers"] = [{"id": UNKNOWN_ID, "name": "New", "phone": None, "email": None}]
    assert put(filled, state).json() == state
    assert filled.state() == state
    assert [task["title"] for task in filled.listed()] == ["the only one"]
    assert filled.client.get("/api/public/team-members/all").json()[0]["first_name"] == "Mariana"
    assert_error(filled.create(aiContactId=CONTACT), 404)
    assert filled.created(aiCustomerId=UNKNOWN_ID)["ai_customer_id"] == UNKNOWN_ID


def test_what_follows_is_filled_in(api: Api) -> None:
    state = api.created() and api.state()
    given = {"title": "short", "created_at": "2025-01-01T00:00:00.000Z", "priority": 2, "creator_id": MARIA}
    given |= {"id": UNKNOWN_ID, "task_status_config_id": state["statuses"][0]["id"], "due_date": "2025-11-26"}
    given |= {"due_time": "14:30", "timezone": "America/Santiago", "task_responsibles": [{"responsible_id": CARLOS}]}
    answer = put(api, {**state, "tasks": [given]})
    assert answer.status_code == 200
    (task,) = api.listed()
    assert (task["due_at"], task["is_all_day"]) == ("2025-11-26T17:30:00.000Z", False)
    assert (task["description"], task["status_config"]["order"]) == ("", 1)
    assert api.updated(UNKNOWN_ID, dueTime="15:30")["due_at"] == "2025-11-26T18:30:00.000Z"


def test_an_invalid_document_changes_nothing_and_all_problems_are_listed(filled: Api) -> None:
    before = filled.client.get(STATE).content
    state = filled.state()
    state["users"][1]["id"] = "x"
    state["users"][2]["nickname"] = "Vale"
    state["statuses"][0]["order"] = "1"
    del state["contacts"][0]["name"]
    state["customers"].append(5)
    state["tasks"][1]["priority"] = "1"
    state["tasks"][1]["task_responsibles"] = []
    state["tasks"][2]["due_time"] = "25:00"
    problems = assert_error(put(filled, state), 400)["errors"]
    assert [problem["path"] for problem in problems] == [
        ["users", 1, "id"],
        ["users", 2, "nickname"],
        ["statuses", 0, "order"],
        ["contacts", 0, "name"],
        ["customers", 3],
        ["tasks", 1, "priority"],
        ["tasks", 1, "task_responsibles"],
        ["tasks", 2, "due_time"],
    ]
    assert filled.client.get(STATE).content == before


def _change(change: Callable[[State], object]) -> Callable[[State], State]:
    def changed(state: State) -> State:
        change(state)
        return state

    return changed


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda state: state["tasks"][0].update(creator_id=UNKNOWN_ID), ["tasks", 0, "creator_id"]),
        (lambda state: state["tasks"][0].update(ai_contact_id=UNKNOWN_ID), ["tasks", 0, "ai_contact_id"]),
        (lambda state: state["tasks"].append(state["tasks"][0]), ["tasks", 3, "id"]),
        (lambda state: state["tasks"][0].update(due_at="2025-01-01T00:00:00.000Z"), ["tasks", 0, "due_at"]),
        (lambda state: state["notes"][0].update(contact_id=OTHER_CONTACT), ["notes", 0, "contact_id"]),
        (lambda state: state["notes"].append({**state["notes"][0], "id": UNKNOWN_ID}), ["notes", 2, "task_id"]),
        (lambda state: state["statuses"][1].update(order=1), ["statuses", 1, "order"]),
        (lambda state: state["statuses"][0].update(type="done"), ["statuses"]),
        (lambda state: [user.update(active=False) for user in state["users"]], ["users"]),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(
    filled: Api, change: Callable[[State], object], path: list[str | int]
) -> None:
    before = filled.client.get(STATE).content
    errors = assert_error(put(filled, _change(change)(filled.state())), 400)["errors"]
    assert path in [error["path"] for error in errors]
    assert filled.client.get(STATE).content == before


@pytest.mark.parametrize("name", LISTS)
def test_each_list_is_required_and_a_list(filled: Api, name: str) -> None:
    before = filled.client.get(STATE).content
    state = filled.state()
    for value in (None, {}, "", 0):
        assert [error["path"] for error in assert_error(put(filled, {**state, name: value}), 400)["errors"]] == [[name]]
    del state[name]
    assert [error["path"] for error in assert_error(put(filled, state), 400)["errors"]] == [[name]]
    assert filled.client.get(STATE).content == before


def test_a_list_that_is_not_known_is_refused_by_its_name(filled: Api) -> None:
    state = filled.state()
    (problem,) = assert_error(put(filled, {**state, "api_keys": []}), 400)["errors"]
    assert problem["path"] == ["api_keys"]
    assert ", ".join(LISTS) in problem["message"]
    assert len(assert_error(put(filled, {"tasks": 5, "x": 1}), 400)["errors"]) == 7


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b'{"a":NaN}'])
def test_a_body_that_is_no_object_is_refused(filled: Api, body: bytes) -> None:
    before = filled.client.get(STATE).content
    answer = filled.client.put(STATE, content=body, headers={"content-type": "application/json"})
    assert_error(answer, 400)
    assert filled.client.get(STATE).content == before


@pytest.mark.parametrize("record", [None, [], {}, "x", 5, [[]], {"id": None}, {"id": {}}, {"": 0}])
def test_odd_records_are_refused_without_a_failure(filled: Api, record: object) -> None:
    state = filled.state()
    for name in LISTS:
        changed = copy.deepcopy(state)
        changed[name].append(record)
        errors = assert_error(put(filled, changed), 400)["errors"]
        assert errors[0]["path"][0] == name


def test_odd_values_in_a_task_are_refused_without_a_failure(filled: Api) -> None:
    state = filled.state()
    for key in state["tasks"][0]:
        for value in ({}, [5], "\u2028", -1, 1e300):
            changed = copy.deepcopy(state)
            changed["tasks"][0][key] = value
            status = put(filled, changed).status_code
            assert status == 400 or key in ("title", "description", "status_config")
            if status == 200:
                put(filled, state)


def test_a_state_opens_the_sandbox_it_is_put_into(api: Api, other_api: Api) -> None:
    assert_error(api.client.get(STATE), 404)
    api.created()
    name = other_api.key.removeprefix("test_")
    assert api.client.put(f"{STATE}?sandbox={name}", json=api.state()).status_code == 200
    assert other_api.state() == api.state()


@pytest.fixture(scope="module")
def demo_url() -> Iterator[str]:
    with running(fixtures="demo") as url:
        yield url


def test_the_state_of_the_demo_fixtures_can_be_put_back(demo_url: str) -> None:
    api = Api(demo_url, "test_demo")
    with api.client:
        api.list()
        got = api.client.get(STATE)
        assert json.loads(got.content)["tasks"]
        assert put(api, got.json()).content == got.content
        assert put(api, got.json()).content == got.content


def test_putting_a_state_clears_no_journal_and_moves_no_clock(api: Api) -> None:
    api.created()
    journal, clock = (api.client.get(f"/__admin/{name}").content for name in ("requests", "clock"))
    put(api, api.state()).raise_for_status()
    assert api.client.get("/__admin/requests").content == journal
    assert api.client.get("/__admin/clock").content == clock
