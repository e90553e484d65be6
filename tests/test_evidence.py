"""No verdict is better than its evidence: nothing that the journal has dropped or cut is taken for not having come."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import MARIA, Api, assert_error, running

from mockserver.testing import MockServer, VambeMock

TASKS = "/api/public/tasks"
CREATE = {"operation": "createTask"}
LIST = {"operation": "listTasks"}
ABOVE = ({"exactly": 0}, {"exactly": 1}, {"at_most": 0}, {"at_most": 150}, {"never": True})
KIB = 1024


@pytest.fixture(scope="module")
def small_url() -> Iterator[str]:
    """A server whose journals keep ten entries, and which reads bodies of 2 MiB."""
    with running(journal_limit=10, max_body=2048 * KIB) as url:
        yield url


@pytest.fixture
def small(small_url: str, request: pytest.FixtureRequest) -> Iterator[Api]:
    """A client with a sandbox of its own on that server."""
    actor = Api(small_url, f"test_s{abs(hash(request.node.nodeid))}")
    with actor.client:
        yield actor


@contextlib.contextmanager
def mocked(**settings: Any) -> Iterator[tuple[VambeMock, httpx.Client]]:
    """A sandbox of the test library, and a client of it."""
    with MockServer(**settings) as mock, Api(mock.base_url, mock.api_key).client as client:
        yield mock, client


def verify(api: Api, **document: Any) -> httpx.Response:
    return api.client.post("/__admin/requests/verify", json=document)


def refusal(answer: httpx.Response) -> dict[str, Any]:
    """A failed verification."""
    body = answer.json()
    assert (answer.status_code, body["passed"]) == (409, False), answer.text
    return body


def fill(api: Api, number: int) -> None:
    for _ in range(number):
        api.listed()


def create_of(api: Api, length: int, title: str = "x") -> httpx.Response:
    """Create a task with a body of that many bytes."""
    body = json.dumps({"title": title, "responsibleIds": [MARIA], "priority": "1", "description": ""})
    content = body[:-2] + "d" * (length - len(body)) + '"}'
    return api.client.post(TASKS, content=content, headers={"content-type": "application/json"})


# Entries that were dropped.


@pytest.mark.parametrize("times", ABOVE, ids=json.dumps)
def test_no_bound_from_above_holds_where_entries_were_dropped(small: Api, times: dict[str, Any]) -> None:
    small.created()
    fill(small, 12)
    body = refusal(verify(small, request=CREATE, times=times))
    assert body["actual"] == 0
    assert "3 older entries were dropped" in body["message"]
    assert "--journal-limit" in body["message"]
    assert "reset the journal" in body["message"]


def test_a_bound_from_below_holds_by_what_is_left_and_says_when_it_fails_that_there_may_be_more(small: Api) -> None:
    small.created()
    fill(small, 9)
    small.created()
    assert verify(small, request=CREATE).json() == {"passed": True, "actual": 1}
    message = refusal(verify(small, request=CREATE, times={"at_least": 2}))["message"]
    assert message.startswith("Expected at least 2, but the journal has 1; 1 older entry was dropped")
    assert message.endswith("so there may be more")


def test_a_bound_that_is_exceeded_by_what_is_left_needs_no_excuse(small: Api) -> None:
    fill(small, 11)
    message = refusal(verify(small, request=LIST, times={"at_most": 3}))["message"]
    assert message == "Expected at most 3, but the journal has 10"


def test_a_sequence_that_fails_says_that_its_begin_may_have_been_dropped(small: Api) -> None:
    small.created()
    fill(small, 10)
    assert verify(small, sequence=[LIST, LIST]).status_code == 200
    message = refusal(verify(small, sequence=[CREATE, LIST]))["message"]
    assert message.startswith("Only the first 0 of the 2 patterns were matched in this order; 1 older entry was")


def test_after_the_journal_was_emptied_it_knows_all_again(small: Api) -> None:
    fill(small, 11)
    small.client.delete("/__admin/requests")
    assert verify(small, request=CREATE, times={"never": True}).status_code == 200
    fill(small, 11)
    small.client.post("/__admin/reset", json={"only": ["journal"]})
    assert verify(small, request=CREATE, times={"never": True}).status_code == 200


def test_a_count_says_that_it_is_not_complete(small: Api) -> None:
    def count() -> dict[str, Any]:
        return small.client.post("/__admin/requests/count", json=LIST).json()

    fill(small, 10)
    assert count() == {"count": 10}
    fill(small, 1)
    assert count() == {"count": 10, "complete": False}


def test_what_cannot_pass_any_more_is_not_waited_for(small: Api) -> None:
    fill(small, 11)
    answer = verify(small, request=CREATE, times={"never": True}, timeout_ms=60_000)
    assert "1 older entry was dropped" in refusal(answer)["message"]


def test_entries_dropped_for_their_size_count_too(api: Api) -> None:
    for _ in range(180):
        assert create_of(api, 60 * KIB).status_code == 201
    left = api.client.get("/__admin/requests?limit=0").json()
    assert left["total"] + left["dropped"] == 180
    assert left["total"] < 150
    message = refusal(verify(api, request=CREATE, times={"at_most": 150}))["message"]
    assert f"{left['dropped']} older entries were dropped" in message


# Bodies that are long.


@pytest.mark.parametrize("length", [64 * KIB, 64 * KIB + 1, 1024 * KIB])
def test_a_body_up_to_one_mebibyte_is_compared_as_a_whole(small: Api, length: int) -> None:
    assert create_of(small, length).status_code == 201
    assert verify(small, request={"json": {"title": "x", "priority": "1"}}, times={"exactly": 1}).status_code == 200
    assert verify(small, request={"json": {"title": "y"}}, times={"never": True}).status_code == 200
    body = refusal(verify(small, request={"json": {"title": "x"}}, times={"never": True}))
    assert body["actual"] == 1
    found = small.client.post("/__admin/requests/find", json={"json": {"title": "x"}}).json()["requests"]
    assert found == small.client.get("/__admin/requests").json()["requests"]
    (difference,) = refusal(verify(small, request={"json": {"title": "y"}}))["near_misses"][0]["differences"]
    assert difference == {"field": "json.title", "expected": "y", "actual": "x"}


def test_a_long_body_that_is_not_json_is_like_no_pattern_of_json(small: Api) -> None:
    answer = small.client.post(TASKS, content=b"{" * 70 * KIB, headers={"content-type": "application/json"})
    assert_error(answer, 400)
    assert verify(small, request={"json": {}}, times={"never": True}).status_code == 200


@pytest.mark.parametrize("length", [1024 * KIB + 1, 2048 * KIB + 1], ids=["cut", "not read"])
@pytest.mark.parametrize("times", ABOVE, ids=json.dumps)
def test_no_bound_from_above_holds_where_a_pattern_looks_into_a_body_that_was_cut(
    small: Api, times: dict[str, Any], length: int
) -> None:
    assert create_of(small, length).status_code in (201, 413)
    body = refusal(verify(small, request={"json": {"title": "y"}}, times=times))
    assert "1 body was cut to 1024 KiB or not read" in body["message"]
    assert small.client.post("/__admin/requests/count", json={"json": {"title": "y"}}).json() == {
        "count": 0,
        "complete": False,
    }
    (difference,) = body["near_misses"][0]["differences"]
    assert difference == {"field": "json", "expected": {"title": "y"}, "actual": "a body that the journal has cut"}


def test_a_body_that_was_cut_leaves_patterns_that_do_not_look_into_it_alone(small: Api) -> None:
    assert create_of(small, 1025 * KIB).status_code == 201
    for pattern in ({**LIST, "json": {"title": "y"}}, {"status": 400, "json": {"title": "y"}}, LIST):
        assert verify(small, request=pattern, times={"never": True}).status_code == 200
    assert verify(small, request=CREATE, times={"exactly": 1}).status_code == 200
    assert "1 body was cut" in refusal(verify(small, request={"json": {"title": "x"}}))["message"]
    assert "1 body was cut" in refusal(verify(small, sequence=[{"json": {"title": "x"}}]))["message"]


def test_a_body_that_was_not_read_is_told_with_its_length(small: Api) -> None:
    assert_error(create_of(small, 2049 * KIB), 413)
    assert_error(small.client.post(TASKS, content=iter([b"x" * 2049 * KIB])), 413)
    announced, chunked = small.client.get("/__admin/requests").json()["requests"]
    assert (announced["request"]["text"], announced["request"]["length"]) == ("", 2049 * KIB)
    assert (chunked["request"]["text"], chunked["request"]["length"]) == ("", None)


def test_what_is_kept_for_patterns_has_no_key_and_is_not_shown(api: Api) -> None:
    secret = 'sk"live/canary-7f3a'
    api.client.headers["authorization"] = f"Bearer {secret}"
    api.client.post(TASKS, json={"title": secret, "description": "d" * 70 * KIB})
    assert verify(api, request={"json": {"title": secret}}, times={"never": True}).status_code == 200
    assert verify(api, request={"json": {"title": "…7f3a"}}).status_code == 200
    listed = api.client.get("/__admin/requests").json()["requests"]
    one = api.client.get("/__admin/requests/1").json()
    assert listed == [one]
    assert "whole" not in one


# The test library.


def test_the_library_passes_no_count_that_the_journal_cannot_support() -> None:
    with mocked(journal_limit=10) as (mock, client):
        client.post(TASKS, json={})
        for _ in range(12):
            client.get("/api/public/team-members/all")
        for bounds in ({"times": 0}, {"at_most": 0}, {"at_least": 0, "at_most": 5}):
            with pytest.raises(AssertionError, match="3 older entries were dropped"):
                mock.verify("createTask", **bounds)
        with pytest.raises(AssertionError, match="3 older entries were dropped"):
            mock.verify_sequence("createTask", "listTeamMembers")
        mock.reset(only=["journal"])
        mock.verify("createTask", times=0)


def test_nothing_unread_is_not_asserted_where_requests_were_dropped() -> None:
    with mocked(journal_limit=10) as (mock, client):
        client.get(f"{TASKS}?page=2")
        for _ in range(10):
            client.get("/api/public/team-members/all")
        with pytest.raises(AssertionError, match=r"1 of the oldest .* journal_limit \(--journal-limit\)"):
            mock.assert_nothing_unread()
        assert mock.explain().startswith("(1 earlier request")
        mock.reset(only=["journal"])
        mock.assert_nothing_unread()


def test_a_fault_that_no_request_met_is_an_assertion_error() -> None:
    with mocked() as (mock, client):
        mock.assert_all_faults_hit()
        mock.fail("createTask", status=429, skip=1)
        mock.delay("listTeamMembers", ms=1)
        client.get("/api/public/team-members/all")
        client.post(TASKS, json={})
        with pytest.raises(AssertionError, match="No request met these faults:") as caught:
            mock.assert_all_faults_hit()
        (_, line) = str(caught.value).splitlines()
        assert all(part in line for part in ("fault 1: ", "'operation': 'createTask'", "'status': 429", "'skip': 1"))
        client.post(TASKS, json={})
        mock.assert_all_faults_hit()
