"""The switches: one table, and each value of each switch changes its own answer and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from support import CONTACT, INACTIVE_USER, MARIA, UNKNOWN_ID, VALENTINA, Api, running

from mockserver.cli.commands import command
from mockserver.config import InvalidSetting, resolve
from mockserver.fidelity import assumptions, contract
from mockserver.fidelity.assumptions import ASSUMPTIONS, OF_SANDBOXES
from mockserver.testing import MockServer

Request = Callable[[Api], httpx.Response]

VALUES = [(each.name, value) for each in OF_SANDBOXES for value in each.values if value != each.default]


def changed(**fields: Any) -> Request:
    """The update of a task about whose creation only `create-status` decides."""
    return lambda api: api.update(api.create(description="x").json()["id"], **fields)


def listed(api: Api) -> httpx.Response:
    api.create(description="x")
    return api.list(responsibleIds=MARIA)


def placed(api: Api) -> httpx.Response:
    """Move a task to position 2, where the orders of the statuses are 2, 4, 6 and 8."""
    state = api.state()
    for status in state["statuses"]:
        status["order"] *= 2
    assert api.client.put("/__admin/state", json=state).status_code == 200
    return changed(newStatusPosition=2)(api)


# For each switch, a request about whose answer it decides, and no other switch.
TOUCHING: dict[str, Request] = {
    "create-status": lambda api: api.create(description="x"),
    "validation-body": lambda api: api.create(title=""),
    "wrong-method": lambda api: api.client.patch("/api/public/tasks"),
    "path-matching": lambda api: api.client.get("/api/public/Team-members/all/"),
    "empty-body": lambda api: api.client.put(
        f"/api/public/tasks/{api.create(description='x').json()['id']}", headers={"content-type": "application/json"}
    ),
    "due-date-offset": changed(dueDate="2025-11-26T10:00:00-03:00"),
    "comma-list": lambda api: api.list(responsibleIds=f"{MARIA},{VALENTINA}"),
    "all-day": changed(dueDate="2025-11-26", timezone="America/Santiago"),
    "list-priority": listed,
    "status-position": placed,
    "unknown-contact": changed(aiContactId=UNKNOWN_ID),
    "inactive-responsible": changed(responsibleIds=[INACTIVE_USER]),
    "null-description": changed(description=None),
}


REFUSED_AS_FIELDS = ("due-date-offset", "comma-list", "empty-body")


def answers(api: Api, **assume: str | None) -> dict[str, tuple[int, str]]:
    """The status and the body of the answer to each request, in a new world with these switches."""
    found = {}
    for name, request in TOUCHING.items():
        api.client.post("/__admin/reset", json={}).raise_for_status()
        api.client.patch("/__admin/settings", json={"assume": assume}).raise_for_status()
        response = request(api)
        found[name] = response.status_code, response.text
    return found


@pytest.fixture(scope="module")
def default_answers(server_url: str) -> dict[str, tuple[int, str]]:
    actor = Api(server_url, "test_default-answers")
    with actor.client:
        return answers(actor)


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_each_value_of_a_switch_changes_an_answer_and_no_other_switch_s(
    api: Api, default_answers: dict[str, tuple[int, str]], name: str, value: str
) -> None:
    found = answers(api, **{name: value})
    assert [each for each in found if found[each] != default_answers[each]] == [name]
    others = [other for switch, other in VALUES if switch == name and other != value]
    for other in others:
        assert answers(api, **{name: other})[name] != found[name]


@pytest.mark.parametrize("name", TOUCHING)
def test_the_journal_names_the_switch_that_decided_whatever_its_value(api: Api, name: str) -> None:
    for value in assumptions.BY_NAME[name].values:
        api.client.post("/__admin/reset", json={})
        api.client.patch("/__admin/settings", json={"assume": {name: value}})
        status = TOUCHING[name](api).status_code
        entry = api.client.get("/__admin/requests").json()["requests"][-1]
        worded = {"validation-body"} if status == 400 and name in REFUSED_AS_FIELDS else set()
        assert {rule for rule in entry["inferred"] if rule in assumptions.BY_NAME} == {name} | worded, value


def test_every_switch_of_a_sandbox_is_tried_above() -> None:
    assert list(TOUCHING) == [each.name for each in OF_SANDBOXES]


def test_the_body_of_a_401_is_the_server_s_to_choose() -> None:
    found = {}
    for value in ("named", "bare"):
        with running(assume=(("unauthorized-body", value),)) as url:
            found[value] = [
                httpx.get(f"{url}/api/public/tasks", headers=key).json() for key in ({}, {"x-api-key": "x"})
            ]
    assert found == {
        "named": [
            {"message": message, "error": "Unauthorized", "statusCode": 401}
            for message in ("API key is required", "Invalid API key")
        ],
        "bare": [{"message": "Unauthorized", "statusCode": 401}] * 2,
    }


def test_a_stranger_is_answered_by_the_server_s_routing() -> None:
    with running(assume=(("path-matching", "exact"), ("wrong-method", "405"))) as url:
        assert httpx.get(f"{url}/api/public/tasks/").status_code == 404
        refused = httpx.patch(f"{url}/api/public/tasks")
        assert (refused.status_code, set(refused.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "POST"})


def test_every_rule_that_a_switch_changes_is_one_of_the_contract_and_undocumented() -> None:
    undocumented = [rule.name for rule in contract.RULES if rule.evidence != contract.DOCUMENTED]
    for each in ASSUMPTIONS:
        assert each.name in each.rules
        assert set(each.rules) <= set(undocumented)


# Where switches are set.


def test_the_settings_list_the_switches_that_differ_from_the_default_or_from_the_server_s_value() -> None:
    with MockServer(assume={"create-status": "200"}) as mock:
        assert mock.settings["assume"] == {"create-status": "200"}
        assert mock.configure(assume={"all-day": "utc-midnight", "comma-list": "accepted"})["assume"] == {
            "create-status": "200",
            "all-day": "utc-midnight",
        }
        assert mock.configure(assume={"create-status": "201", "all-day": None})["assume"] == {"create-status": "201"}
        assert mock.configure(assume={"create-status": None})["assume"] == {"create-status": "200"}


def test_a_reset_puts_switches_back_to_the_server_s_values_and_a_snapshot_keeps_them(api: Api) -> None:
    with MockServer(assume=["create-status=200"]) as mock:
        mock.configure(assume={"list-priority": "word"})
        name = mock.snapshot()
        mock.reset(only=["tasks"])
        assert mock.settings["assume"] == {"create-status": "200", "list-priority": "word"}
        mock.reset()
        assert mock.settings["assume"] == {"create-status": "200"}
        mock.restore(name)
        assert mock.settings["assume"] == {"create-status": "200", "list-priority": "word"}


def test_switches_of_a_kept_sandbox_survive_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "world.db"
    for expected in ({}, {"create-status": "200"}):
        with running(database=database) as url:
            api = Api(url, "test_kept")
            with api.client as client:
                assert api.create().status_code == (200 if expected else 201)
                assert client.get("/__admin/settings").json()["assume"] == expected
                client.patch("/__admin/settings", json={"assume": {"create-status": "200"}})


def test_another_sandbox_has_the_server_s_values(api: Api, other_api: Api) -> None:
    api.client.patch("/__admin/settings", json={"assume": {"create-status": "200"}})
    assert (api.create().status_code, other_api.create().status_code) == (200, 201)


def test_a_change_while_a_request_waits_decides_about_it(api: Api) -> None:
    api.client.post("/__admin/faults", json={"delay_ms": 500})
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(api.create, dueDate="2025-11-26T10:00")
        while not api.client.get("/__admin/faults").json()["faults"][0]["hits"]:
            pass
        api.client.patch("/__admin/settings", json={"assume": {"due-date-offset": "refused"}})
        assert waiting.result().status_code == 400


REFUSED: list[tuple[dict[str, Any], list[str], str]] = [
    ({"creation-status": "200"}, ["creation-status"], 'there is no switch "creation-status"; there are create-status'),
    ({"create-status": "202"}, ["create-status"], 'create-status is one of 201, 200, not "202"'),
    (
        {"unauthorized-body": "bare"},
        ["unauthorized-body"],
        "unauthorized-body is a switch of the server only: start it with --assume unauthorized-body=VALUE",
    ),
    ({"create-status": 200}, ["create-status"], "create-status is one of 201, 200, not what is not a string"),
]


@pytest.mark.parametrize(("assume", "path", "message"), REFUSED)
def test_an_unknown_switch_or_value_of_a_sandbox_is_a_400_that_says_what_there_is(
    api: Api, assume: dict[str, Any], path: list[str], message: str
) -> None:
    api.create()
    response = api.client.patch("/__admin/settings", json={"assume": {"all-day": "utc-midnight"} | assume})
    assert response.status_code == 400
    (problem,) = response.json()["errors"]
    assert problem["path"] == ["assume", *path]
    assert problem["message"].startswith(message)
    assert api.client.get("/__admin/settings").json()["assume"] == {}


def test_a_flag_wins_over_the_variable_switch_by_switch() -> None:
    variable = {"VAMBE_MOCK_ASSUME": "create-status=200,all-day=utc-midnight"}
    settings = resolve({"assume": ["list-priority=word", "all-day=zone-midnight"]}, variable)
    values = assumptions.assumed(settings.assume)
    assert {name: values[name] for name in ("create-status", "all-day", "list-priority")} == {
        "create-status": "200",
        "all-day": "zone-midnight",
        "list-priority": "word",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("create-status", '--assume: "create-status" is not of the form NAME=VALUE, such as create-status=200'),
        ("status=200", '--assume: there is no switch "status"; there are create-status, '),
        ("create-status=301", '--assume: create-status is one of 201, 200, not "301"'),
    ],
)
def test_an_unknown_switch_or_value_of_the_server_is_refused_with_what_there_is(text: str, message: str) -> None:
    with pytest.raises(InvalidSetting, match=f"^{re.escape(message)}"):
        resolve({"assume": [text]}, {})


def test_the_command_lists_every_switch_for_people_and_for_scripts() -> None:
    result = CliRunner().invoke(command, ["assumptions", "--json"])
    document = json.loads(result.output)
    assert [each["name"] for each in document["assumptions"]] == [each.name for each in ASSUMPTIONS]
    assert document["assumptions"][0] == {
        "name": "create-status",
        "values": ["201", "200"],
        "default": "201",
        "evidence": "framework",
        "why": "The framework's default for POST; the vendor documents 201 for another POST.",
        "rules": ["create-status"],
    }
    text = CliRunner().invoke(command, ["assumptions"]).output
    for each in ASSUMPTIONS:
        for value in each.values:
            assert f"  {each.name}={value} " in text


# What a switch accepts.


def test_a_contact_that_is_accepted_without_being_known_gets_no_note(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"assume": {"unknown-contact": "accepted"}})
    made = [api.created(aiContactId=id)["id"] for id in (UNKNOWN_ID, CONTACT)]
    assert [note["task_id"] for note in api.state()["notes"]] == made[1:]
    assert api.updated(made[1], aiContactId=UNKNOWN_ID)["ai_contact_id"] == UNKNOWN_ID
    assert api.state()["notes"] == []


def test_tasks_of_contacts_and_customers_that_are_accepted_without_being_known_can_be_put_and_added(api: Api) -> None:
    task = {"title": "Call", "ai_contact_id": UNKNOWN_ID, "ai_customer_id": UNKNOWN_ID}
    assert api.client.post("/__admin/tasks", json=task).status_code == 400
    api.client.patch("/__admin/settings", json={"assume": {"unknown-contact": "accepted"}})
    assert api.client.post("/__admin/tasks", json=task).status_code == 201
    state = api.state()
    assert state["notes"] == []
    assert api.client.put("/__admin/state", json=state).json() == state
    api.client.patch("/__admin/settings", json={"assume": {"unknown-contact": "404"}})
    assert api.client.put("/__admin/state", json=state).status_code == 400


def test_a_refused_comma_list_names_the_text_that_is_no_id(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"assume": {"comma-list": "refused"}})
    refused = api.list(responsibleIds=[MARIA, f"{MARIA},{VALENTINA}"]).json()
    assert refused["errors"][0]["path"] == ["responsibleIds", 1]
    assert api.list(responsibleIds=[MARIA, VALENTINA]).status_code == 200


def test_an_all_day_task_is_in_range_where_its_utc_midnight_is(api: Api) -> None:
    first = {"dueDate": "0001-01-01", "timezone": "Asia/Tokyo"}
    assert api.create(**first).status_code == 400
    api.client.patch("/__admin/settings", json={"assume": {"all-day": "utc-midnight"}})
    assert api.created(**first)["due_at"] == "0001-01-01T00:00:00.000Z"


def test_the_state_of_a_world_with_other_switches_can_be_put_back(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"assume": {"all-day": "utc-midnight", "null-description": "null"}})
    api.created(dueDate="2025-11-26", timezone="America/Santiago")
    state = api.state()
    assert (state["tasks"][0]["due_at"], state["tasks"][0]["description"]) == ("2025-11-26T00:00:00.000Z", None)
    assert api.client.put("/__admin/state", json=state).status_code == 200
    assert api.state() == state
