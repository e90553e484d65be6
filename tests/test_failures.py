"""The catalogue of failures: each entry's trigger, when followed, does what the entry says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import ALL_TIME, MARIA, Api, assert_error

from mockserver.api import blueprint
from mockserver.api.views import OPERATIONS
from mockserver.faults import catalogue

CATALOGUE = catalogue.failures_of(blueprint.described())
TASK = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}
VALID: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "createTask": ("POST", "/api/public/tasks", {"json": TASK}, 201),
    "listTasks": ("GET", "/api/public/tasks", {"params": ALL_TIME}, 200),
    "updateTask": ("PUT", "/api/public/tasks/{id}", {"json": {"title": "Changed"}}, 200),
    "deleteTask": ("DELETE", "/api/public/tasks/{id}", {}, 200),
    "listTeamMembers": ("GET", "/api/public/team-members/all", {}, 200),
    "listContacts": ("GET", "/api/public/contacts", {"params": {"days": 7}}, 200),
    "searchContacts": ("GET", "/api/public/contacts/search", {"params": {"phone": "2001"}}, 200),
}


@pytest.fixture
def listed(api: Api) -> Iterator[list[dict[str, Any]]]:
    yield api.client.get("/__admin/failures").json()["failures"]


def request(api: Api, operation: str, task_id: str) -> httpx.Response:
    """A valid request of an operation."""
    method, path, sent, _ = VALID[operation]
    return api.client.request(method, path.replace("{id}", task_id), **sent)


def failed_with(api: Api, operation: str, task_id: str) -> tuple[int | None, httpx.Response | None]:
    """The status that a client sees, None when no answer begins, and the answer when all of it arrives."""
    method, path, sent, _ = VALID[operation]
    status = None
    try:
        with api.client.stream(method, path.replace("{id}", task_id), **sent) as answer:
            status = answer.status_code
            answer.read()
    except httpx.TransportError:
        return status, None
    return status, answer


def made(api: Api) -> list[str]:
    return [task["title"] for task in api.state()["tasks"]]


def test_the_catalogue_is_what_the_declared_operations_make_it(listed: list[dict[str, Any]]) -> None:
    assert listed == CATALOGUE
    assert {entry["operation"] for entry in listed} == set(OPERATIONS) == set(VALID)
    for entry in listed:
        assert {"operation", "name", "status", "trigger"} <= set(entry)
        assert entry["trigger"]["match"] == {"operation": entry["operation"]}
    names = [(entry["operation"], entry["name"]) for entry in listed]
    assert len(names) == len(set(names))


def test_every_status_that_the_description_declares_is_in_the_catalogue(api: Api, listed: list[dict[str, Any]]) -> None:
    described = api.client.get("/openapi.json").json()

    def followed(answer: dict[str, Any]) -> dict[str, Any]:
        return described["components"]["responses"].get(answer.get("$ref", "").rpartition("/")[2], answer)

    for path in described["paths"].values():
        for operation in path.values():
            declared = {int(status) for status in operation["responses"] if int(status) >= 400}
            known = {entry["status"] for entry in listed if entry["operation"] == operation["operationId"]}
            # What the mock itself refuses is no failure of the vendor's.
            marked = {status for status in declared if followed(operation["responses"][str(status)]).get("x-mock-only")}
            assert declared - known == marked, operation["operationId"]
            assert known - {None} - declared == set(), operation["operationId"]


def test_a_refusal_that_is_declared_anew_is_in_the_catalogue() -> None:
    operation = catalogue.Operation("newOne", "GET", "/new", {451: "It may not be shown."})
    entries = catalogue.failures_of([operation])
    (found,) = (entry for entry in entries if entry["status"] == 451)
    assert found["trigger"] == {"match": {"operation": "newOne"}, "status": 451, "headers": {}}
    assert "lost-answer" not in [entry["name"] for entry in entries]  # it writes nothing that could be lost
    assert OPERATIONS["createTask"].every_refusal().items() <= blueprint.described()[0].refusals.items()


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: f"{entry['operation']}-{entry['name']}")
def test_a_trigger_makes_a_valid_request_fail_as_the_entry_says(api: Api, entry: dict[str, Any]) -> None:
    task_id = api.created(title="There already")["id"]
    before = api.state()
    answer = api.client.post("/__admin/faults", json=entry["trigger"])
    assert answer.status_code == 201, answer.text

    status, refused = failed_with(api, entry["operation"], task_id)
    assert status == entry["status"], "not the status that faults/catalogue.py says"
    assert (refused is None) == (entry["trigger"].get("connection") is not None)
    if refused:
        assert_error(refused, entry["status"])
        assert refused.headers["x-mock-fault"]

    (_, failed) = api.client.get("/__admin/requests").json()["requests"]
    assert failed["response"]["status"] == entry["status"]
    assert failed["decision"]["rule"] == "mock-fault"
    if entry["trigger"].get("when") == "after":
        assert api.state() != before
        assert [change["resource"] for change in failed["changes"]] == ["task"]
    else:
        assert api.state() == before
        assert failed["changes"] == []

    again = task_id if api.state()["tasks"] else api.created()["id"]
    assert request(api, entry["operation"], again).status_code == VALID[entry["operation"]][3]


@pytest.mark.parametrize(
    ("operation", "titles"),
    [("createTask", ["There already", "Call the client"]), ("updateTask", ["Changed"]), ("deleteTask", [])],
)
def test_a_lost_answer_was_a_write(api: Api, operation: str, titles: list[str]) -> None:
    task_id = api.created(title="There already")["id"]
    (entry,) = (each for each in CATALOGUE if (each["operation"], each["name"]) == (operation, "lost-answer"))
    api.client.post("/__admin/faults", json=entry["trigger"]).raise_for_status()
    with pytest.raises(httpx.ReadError):
        request(api, operation, task_id)
    assert sorted(made(api)) == sorted(titles)
