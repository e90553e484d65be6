"""Answers of the imitated API are what their schemas make of them: the same keys and values, in the same order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from support import CARLOS, CONTACT, CUSTOMER, DONE, INACTIVE_USER, MARIA, Api, running

from mockserver.api.answer_schemas import OF_OPERATIONS
from mockserver.api.views import OPERATIONS

TASKS = "/api/public/tasks"
DUE = {"dueDate": "2025-11-28", "dueTime": "09:30", "timezone": "America/Santiago"}


def fixtures(api: Api) -> None:
    """The world as it is opened."""


def unicode(api: Api) -> None:
    """Texts that need escaping."""
    api.created(title='\U0001f600 "ñ" \\ \u2028\x7f', description="\t\n")
    state = api.state()
    for name in ("users", "contacts", "customers"):
        for each in state[name]:
            each |= {key: f'{value} "ñ"' for key, value in each.items() if key in ("first_name", "last_name", "name")}
    assert api.client.put("/__admin/state", json=state).status_code == 200


def of_a_state(api: Api) -> None:
    """Tasks as no request makes them: of every status, by an inactive user, and for one."""
    api.created(**DUE, aiContactId=CONTACT, aiCustomerId=CUSTOMER)
    state = api.state()
    (kept,) = state["tasks"]
    state["tasks"] += [
        kept
        | {"id": f"00000000-0000-4000-8000-{number:012}", "task_status_config_id": status["id"], "priority": number % 3}
        | {"task_responsibles": [{"responsible_id": id} for id in (INACTIVE_USER, MARIA)[number % 2 :]]}
        for number, status in enumerate(state["statuses"])
    ]
    state["tasks"][0]["creator_id"] = INACTIVE_USER
    assert api.client.put("/__admin/state", json=state).status_code == 200


def of_the_real_clock(api: Api) -> None:
    """Instants of the machine's clock."""
    assert api.client.put("/__admin/clock", json={"mode": "real"}).status_code == 200


def emptied(api: Api) -> None:
    """Nothing but people and statuses."""
    assert api.client.post("/__admin/reset", json={"to": "empty"}).status_code == 200


WORLDS = [fixtures, unicode, of_a_state, of_the_real_clock, emptied]


@pytest.fixture(scope="module")
def demo() -> Iterator[Api]:
    with running(fixtures="demo") as url:
        actor = Api(url, "test_demo")
        with actor.client:
            yield actor


def walked(api: Api) -> dict[str, list[httpx.Response]]:
    """Successes of every operation."""
    references = {"aiContactId": CONTACT, "aiCustomerId": CUSTOMER, "responsibleIds": [CARLOS, MARIA]}
    filled = {**DUE, **references, "description": "ñ"}
    created = [api.create(), api.create(**filled), api.create(dueDate="2025-11-28", statusId=DONE["id"], priority="0")]
    ids = [task["id"] for task in api.listed()]
    cleared = dict.fromkeys(("dueDate", "description", "aiContactId", "aiCustomerId"))
    changes: list[dict[str, Any]] = [{}, {"newStatusName": "En Progreso"}, {"newStatusPosition": 4}, cleared, filled]
    return {
        "createTask": created,
        "listTasks": [api.list(), api.list(responsibleIds=CARLOS), api.list(toDate="0001-01-01")],
        "updateTask": [api.update(id, **change) for id in ids[-3:] for change in changes],
        "deleteTask": [api.delete(id) for id in ids[:2]],
        "listTeamMembers": [api.client.get("/api/public/team-members/all")],
        "listContacts": [api.client.get(f"/api/public/contacts?days={days}") for days in (1, 365)],
        "searchContacts": [api.client.get(f"/api/public/contacts/search?{query}") for query in ("email=a", "phone=20")],
    }


def check(api: Api) -> None:
    answers = walked(api)
    assert answers.keys() == OPERATIONS.keys()
    for id, responses in answers.items():
        schema, status = OF_OPERATIONS[id](many=OPERATIONS[id].many), OPERATIONS[id].status
        for response in responses:
            assert response.status_code == status, response.text
            body = response.json()
            assert schema.validate(body) == {}
            assert schema.dump(body) == body
            assert json.dumps(schema.dump(body)) == json.dumps(body)


@pytest.mark.parametrize("world", WORLDS)
def test_every_success_is_what_its_schema_makes_of_it(world: Callable[[Api], None], api: Api) -> None:
    world(api)
    check(api)


def test_every_success_on_the_demo_fixtures_is_what_its_schema_makes_of_it(demo: Api) -> None:
    check(demo)
