"""Strict mode: what the vendor's pages do not promise to take is refused, and nothing else changes."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import CARLOS, CONTACT, CUSTOMER, MARIA, PENDING, UNKNOWN_ID, Api, assert_error, running

FIRST_ID = "e4f4c5da-bad5-435c-9148-9fc081a50b53"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def strict_url() -> Iterator[str]:
    with running(strict=True) as url:
        yield url


@pytest.fixture
def strict(strict_url: str) -> Iterator[Api]:
    """A client of a strict server, in a sandbox of its own."""
    actor = Api(strict_url, f"test_s{next(_numbers)}")
    with actor.client:
        yield actor


JSON = {"content-type": "application/json"}
TASKS, TEAM = "/api/public/tasks", "/api/public/team-members/all"
VALID = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}
DATED = {"dueDate": "2025-11-26", "dueTime": "14:30"}


def refusal(response: httpx.Response) -> str:
    """The message of strict mode, in the shape of HTTP errors."""
    body = assert_error(response, 400)
    assert list(body) == ["message", "error", "statusCode"]
    assert body["message"].startswith("Strict mode: ")
    return body["message"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (DATED, "timezone"),
        ({"dueTime": "14:30"}, "timezone"),
        ({"colour": "red", "Title": "x", "": None, "newStatusName": "Cerrada"}, '"colour"'),
        ({"dueDate": "2025-11-26T10:00:00-03:00"}, "offset"),
        ({"dueDate": "2025-11-26T10:00:00.000"}, "no zone"),
        ({"dueDate": "2025-11-26T10:00Z"}, "seconds"),
        ({"dueDate": "2025-11-26T10:00:00Z"}, "3 digits"),
        ({"dueDate": "2025-11-26T10:00:00.1234Z"}, "3 digits"),
        (DATED | {"timezone": "america/santiago"}, "America/Santiago"),
        ({"statusId": PENDING["id"]}, "statusId"),
        ({"description": "x" * 103_000}, "100 KiB"),
    ],
)
def test_a_creation_with_what_the_pages_do_not_promise_is_refused(
    strict: Api, api: Api, fields: dict[str, Any], named: str
) -> None:
    assert named in refusal(strict.create(**fields))
    assert strict.listed() == []
    assert api.create(**fields).status_code == 201


@pytest.mark.parametrize(
    ("content", "headers", "named"),
    [
        (json.dumps(VALID).replace("{", '{"title": "x", ', 1).encode(), {}, "more than once"),
        (gzip.compress(json.dumps(VALID).encode(), mtime=0), {"content-encoding": "gzip"}, "Content-Encoding"),
    ],
)
def test_a_body_sent_otherwise_is_refused(
    strict: Api, api: Api, content: bytes, headers: dict[str, str], named: str
) -> None:
    assert named in refusal(strict.client.post(TASKS, content=content, headers=JSON | headers))
    assert api.client.post(TASKS, content=content, headers=JSON | headers).status_code == 201


def test_an_empty_body_is_refused(strict: Api, api: Api) -> None:
    for actor, status in ((strict, 400), (api, 200)):
        assert actor.client.put(f"{TASKS}/{actor.created()['id']}", headers=JSON).status_code == status


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"page": "2"}, '"page"'),
        ({"responsibleIds": f"{MARIA},{CARLOS}"}, "commas"),
        ({"responsibleIds[]": MARIA}, "responsibleIds[]"),
        ({"responsibleIds": [MARIA] * 21}, "20"),
    ],
)
def test_a_list_with_what_the_pages_do_not_promise_is_refused(
    strict: Api, api: Api, query: dict[str, Any], named: str
) -> None:
    assert named in refusal(strict.list(**query))
    assert api.list(**query).status_code == 200


@pytest.mark.parametrize("path", [f"{TEAM}/", TEAM.upper(), f"{TEAM}?x=1"])
def test_another_path_than_as_written_is_refused(strict: Api, api: Api, path: str) -> None:
    refusal(strict.client.get(path))
    assert api.client.get(path).status_code == 200


@pytest.mark.parametrize("fields", [{"statusId": UNKNOWN_ID}, {"id": UNKNOWN_ID}, {"status_id": None}])
def test_an_update_with_a_key_that_nothing_reads_is_refused(strict: Api, api: Api, fields: dict[str, Any]) -> None:
    task = strict.created()
    assert next(iter(fields)) in refusal(strict.update(task["id"], **fields, title="Other"))
    assert strict.listed() == [task]
    assert api.updated(api.created()["id"], **fields, title="Other")["title"] == "Other"


def test_a_deletion_by_another_path_is_refused_and_deletes_nothing(strict: Api) -> None:
    task = strict.created()
    refusal(strict.client.delete(f"{TASKS}/{task['id']}/"))
    assert strict.listed() == [task]


def test_every_other_refusal_comes_first(strict: Api, api: Api) -> None:
    odd = {"colour": "red", "dueTime": "14:30"}
    for fields in ({"title": ""}, {"responsibleIds": [UNKNOWN_ID]}, {"statusId": UNKNOWN_ID}):
        assert strict.create(**odd, **fields).content == api.create(**odd, **fields).content
    assert strict.update("x", **odd).content == api.update("x", **odd).content
    assert_error(strict.update(UNKNOWN_ID, **odd), 404, "Task not found")
    assert_error(httpx.get(f"{strict.url}{TEAM}/", verify=False), 401)


def test_a_refusal_writes_nothing_at_all(strict: Api) -> None:
    refusal(strict.create(colour="red", aiContactId=CONTACT))
    assert (strict.state()["tasks"], strict.state()["notes"]) == ([], [])
    task = strict.created()
    assert (task["id"], task["created_at"]) == (FIRST_ID, "2025-11-26T09:00:00.000Z")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"dueDate": "2025-11-26", "dueTime": "14:30", "timezone": "UTC"},
        {"dueDate": "2025-11-26", "dueTime": None},
        {"dueDate": "2025-11-26"},
        {"dueTime": "14:30", "timezone": "America/Santiago"},
        {"timezone": "America/Santiago"},
        {"title": " "},
        {"description": "x" * 1001},
        {"aiCustomerId": CUSTOMER},
    ],
)
def test_other_advice_stays_advice(strict: Api, api: Api, fields: dict[str, Any]) -> None:
    assert strict.create(**fields).content == api.create(**fields).content
    assert strict.create(**fields).status_code == 201


def test_other_refusals_are_the_same(strict: Api, api: Api) -> None:
    for fields in ({"title": 5}, {"responsibleIds": [UNKNOWN_ID]}, {"responsibleIds": [MARIA], "priority": None}):
        assert strict.create(**fields).content == api.create(**fields).content
    assert_error(strict.delete(UNKNOWN_ID), 404, "Task not found")
