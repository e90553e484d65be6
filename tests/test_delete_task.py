"""`DELETE /api/public/tasks/{id}`."""

from __future__ import annotations

import pytest
from support import CONTACT, OTHER_CONTACT, UNKNOWN_ID, Api, assert_error, problems


def test_a_deletion_says_success(api: Api) -> None:
    response = api.delete(api.created()["id"])
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert response.content == b'{"status":"success"}'


def test_a_deleted_task_leaves_the_lists_and_the_others_stay(api: Api) -> None:
    first, second, third = (api.created(title=title) for title in "123")
    api.delete(second["id"])
    assert api.listed() == [first, third]
    assert [task["id"] for task in api.state()["tasks"]] == [first["id"], third["id"]]


def test_the_notes_of_a_task_are_deleted_with_it_and_no_others(api: Api) -> None:
    deleted = api.created(aiContactId=CONTACT)
    kept = [api.created(aiContactId=contact)["id"] for contact in (CONTACT, OTHER_CONTACT)]
    api.delete(deleted["id"])
    assert [note["task_id"] for note in api.state()["notes"]] == kept


def test_a_task_is_deleted_once(api: Api) -> None:
    id = api.created()["id"]
    api.delete(id)
    assert_error(api.delete(id), 404, "Task not found")


def test_a_deleted_task_cannot_be_updated(api: Api) -> None:
    id = api.created()["id"]
    api.delete(id)
    assert_error(api.update(id, title="again"), 404, "Task not found")
    assert api.listed() == []


def test_the_id_may_be_in_upper_case(api: Api) -> None:
    id = api.created()["id"]
    assert api.delete(id.upper()).status_code == 200
    assert_error(api.delete(id), 404)


@pytest.mark.parametrize(
    "id", [UNKNOWN_ID, CONTACT, "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
)
def test_an_unknown_id_is_a_404(api: Api, id: str) -> None:
    task = api.created()
    body = assert_error(api.delete(id), 404, "Task not found")
    assert list(body.items()) == [("message", "Task not found"), ("error", "Not Found"), ("statusCode", 404)]
    assert api.listed() == [task]


@pytest.mark.parametrize(
    "id",
    [
        "x",
        "1",
        "null",
        "%20",
        "*",
        f"%7B{UNKNOWN_ID}%7D",
        f"urn:uuid:{UNKNOWN_ID}",
        UNKNOWN_ID.replace("-", ""),
        f"{UNKNOWN_ID}%20",
        UNKNOWN_ID[:-1],
        "dddddddd-dddd-0ddd-8ddd-dddddddddddd",
        "x" * 3000,
        "%FF",
        "%00",
    ],
)
def test_an_id_that_is_no_uuid_is_a_400(api: Api, id: str) -> None:
    assert problems(api.delete(id)) == [(["id"], "invalid_uuid")]


@pytest.mark.parametrize("content", [b"", b"{", b'{"title": 5}', b"\xff"])
def test_a_body_is_not_looked_at(api: Api, content: bytes) -> None:
    id = api.created()["id"]
    response = api.client.request("DELETE", f"/api/public/tasks/{id}", content=content)
    assert response.json() == {"status": "success"}


def test_an_id_is_never_minted_again(api: Api) -> None:
    first = api.created()["id"]
    api.delete(first)
    assert api.created()["id"] != first
