"""Verification: whether it was asked as it should have been, with a wait that needs no sleeping, and why not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from support import MARIA, Api, assert_error, wait_until

from mockserver import serving
from mockserver.config import Settings

TEAM = "/api/public/team-members/all"
CREATE = {"operation": "createTask"}
LIST = {"operation": "listTasks"}
A_MINUTE = 60_000


def verify(api: Api, **document: Any) -> httpx.Response:
    return api.client.post("/__admin/requests/verify", json=document)


class Watched:
    """A server of the test's own that tells how many verifications have looked and wait."""

    def __init__(self, threads: int) -> None:
        self._opened = serving.bound_server(Settings(port=0, threads=threads))
        self._pool = ThreadPoolExecutor(100)
        self._actors: list[Api] = []
        self.waiting = 0

    def __enter__(self) -> Watched:
        server, mock, _ = self._opened.__enter__()
        self.url = server.url
        until, lock = mock.waiting.until, threading.Lock()

        def watched(sandbox: str, condition: Callable[[], bool], *limits: Any) -> bool:
            looks = 0

            def look() -> bool:
                nonlocal looks
                held = condition()
                with lock:
                    self.waiting += looks == 0 and not held
                looks += 1
                return held

            return until(sandbox, look, *limits)

        mock.waiting.until = watched  # type: ignore[method-assign]
        server.start()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._opened.__exit__(*raised)
        self._pool.shutdown()
        for actor in self._actors:
            actor.client.close()

    def actor(self, key: str = "test_a") -> Api:
        self._actors.append(Api(self.url, key))
        return self._actors[-1]

    def verifying(self, **document: Any) -> Future[httpx.Response]:
        """A verification that has begun to wait, on a connection of its own."""
        before = self.waiting
        answer = self.soon(**document)
        wait_until(lambda: self.waiting > before)
        assert not answer.done()
        return answer

    def soon(self, **document: Any) -> Future[httpx.Response]:
        return self._pool.submit(verify, self.actor(), **document)


@pytest.fixture
def watched() -> Iterator[Watched]:
    with Watched(threads=8) as opened:
        yield opened


# Counts.


@pytest.mark.parametrize(
    ("times", "passes"),
    [
        (None, True),
        ({"exactly": 2}, True),
        ({"exactly": 1}, False),
        ({"exactly": 3}, False),
        ({"exactly": 0}, False),
        ({"at_least": 0}, True),
        ({"at_least": 2}, True),
        ({"at_least": 3}, False),
        ({"at_most": 2}, True),
        ({"at_most": 5}, True),
        ({"at_most": 1}, False),
        ({"at_most": 0}, False),
        ({"never": True}, False),
        ({"at_least": 1, "at_most": 2}, True),
        ({"at_least": 3, "at_most": 4}, False),
        ({"at_least": 0, "at_most": 1}, False),
    ],
    ids=json.dumps,
)
def test_a_count_passes_within_its_bounds(api: Api, times: dict[str, Any] | None, passes: bool) -> None:
    api.created(title="one")
    api.list()
    api.created(title="two")
    answer = verify(api, request=CREATE, **({} if times is None else {"times": times}))
    if passes:
        assert (answer.status_code, answer.json()) == (200, {"passed": True, "actual": 2})
        return
    body = answer.json()
    assert (answer.status_code, body["passed"], body["actual"]) == (409, False, 2)
    assert body["expected"] == {"request": CREATE, "times": times}
    assert "2" in body["message"]


@pytest.mark.parametrize("times", [{"never": True}, {"exactly": 0}, {"at_most": 0}, {"at_least": 0}])
def test_what_was_never_asked_passes_as_never(api: Api, times: dict[str, Any]) -> None:
    api.list()
    assert verify(api, request=CREATE, times=times).json() == {"passed": True, "actual": 0}


def test_at_least_once_is_meant_when_nothing_is_said(api: Api) -> None:
    answer = verify(api, request=CREATE)
    assert answer.status_code == 409
    assert answer.json()["expected"] == {"request": CREATE, "times": {"at_least": 1}}
    assert verify(api).json()["expected"]["request"] == {}
    api.created()
    assert verify(api, request=CREATE).status_code == 200
    assert verify(api).json() == {"passed": True, "actual": 1}


def test_refused_and_broken_requests_were_asked_too(api: Api) -> None:
    assert_error(api.create(title=...), 400)
    rule = {"match": CREATE, "when": "after", "connection": "reset"}
    api.client.post("/__admin/faults", json=rule).raise_for_status()
    with pytest.raises(httpx.TransportError):
        api.create()
    assert verify(api, request=CREATE, times={"exactly": 2}).status_code == 200
    assert verify(api, request={**CREATE, "status": 400}, times={"exactly": 1}).status_code == 200
    assert verify(api, request={"status": 201}, times={"never": True}).status_code == 200


def test_calls_of_the_control_plane_do_not_count(api: Api) -> None:
    api.state()
    assert verify(api, times={"never": True}).json() == {"passed": True, "actual": 0}


def test_each_sandbox_is_verified_for_itself_by_key_or_by_name(api: Api, other_api: Api) -> None:
    other_api.created()
    name = other_api.key.removeprefix("test_")
    assert verify(api, request=CREATE).status_code == 409
    assert verify(other_api, request=CREATE).status_code == 200
    named = api.client.post(f"/__admin/requests/verify?sandbox={name}", json={"request": CREATE})
    assert named.status_code == 200


# Sequences.


@pytest.mark.parametrize(
    ("titles", "passes", "actual"),
    [
        (["one"], True, 1),
        (["one", "two", "three"], True, 3),
        (["one", "three"], True, 2),
        (["two", "one"], False, 1),
        (["one", "one"], False, 1),
        (["none"], False, 0),
        (["none", "one"], False, 0),
        (["one", "none", "three"], False, 1),
    ],
)
def test_a_sequence_is_an_ordered_subsequence(api: Api, titles: list[str], passes: bool, actual: int) -> None:
    for title in ("one", "two", "three"):
        api.created(title=title)
        api.list()
    sequence = [{**CREATE, "json": {"title": title}} for title in titles]
    answer = verify(api, sequence=sequence)
    body = answer.json()
    assert (answer.status_code, body["passed"], body["actual"]) == (200 if passes else 409, passes, actual)
    if not passes:
        assert body["expected"] == {"sequence": sequence}
        assert f"first {actual} of the {len(titles)}" in body["message"]


def test_a_sequence_that_breaks_off_shows_what_came_closest_to_its_next_pattern(api: Api) -> None:
    api.created(title="one")
    api.created(title="two", priority="2")
    pattern = {**CREATE, "json": {"title": "two", "priority": "1"}}
    (closest, _) = verify(api, sequence=[CREATE, pattern]).json()["near_misses"]
    assert closest["differences"] == [{"field": "json.priority", "expected": "1", "actual": "2"}]


# Why not.


def test_a_failure_says_what_was_expected_and_field_by_field_what_differs(api: Api) -> None:
    api.list(responsibleIds=MARIA)
    api.created(title="Call", dueDate="2025-11-30")
    pattern = {
        "operation": "createTask",
        "status": 201,
        "json": {"title": "Call", "dueDate": "2025-12-01", "responsibleIds": [MARIA, MARIA], "timezone": "UTC"},
    }
    answer = verify(api, request=pattern, times={"exactly": 1})
    body = assert_error_of_verification(answer)
    assert body["expected"] == {"request": pattern, "times": {"exactly": 1}}
    assert body["actual"] == 0
    assert body["message"] == "Expected exactly 1, but the journal has 0"
    assert body["near_misses"] == [
        {
            "id": 2,
            "request": "POST /api/public/tasks",
            "status": 201,
            "differences": [
                {"field": "json.dueDate", "expected": "2025-12-01", "actual": "2025-11-30"},
                {"field": "json.responsibleIds", "expected": [MARIA, MARIA], "actual": [MARIA]},
                {"field": "json.timezone", "expected": "UTC"},
            ],
        },
        {
            "id": 1,
            "request": "GET /api/public/tasks",
            "status": 200,
            "differences": [
                {"field": "operation", "expected": "createTask", "actual": "listTasks"},
                {"field": "status", "expected": 201, "actual": 200},
                {"field": "json", "expected": pattern["json"]},
            ],
        },
    ]


def assert_error_of_verification(answer: httpx.Response) -> dict[str, Any]:
    """A failed verification is an error in the one shape, with what it found beside it."""
    body = answer.json()
    assert answer.status_code == body["statusCode"] == 409
    assert body["error"] == "Conflict"
    assert list(body)[3:] == ["passed", "expected", "actual", "near_misses"]
    return body


def test_each_part_of_a_pattern_can_be_what_differs(api: Api) -> None:
    api.client.get(f"{TEAM}?a=1&b=2")
    pattern = {
        "operation": "listTasks",
        "method": "POST",
        "path": "/api/public/tasks*",
        "status": 201,
        "query": {"a": "1", "b": "3", "c": ["4"]},
    }
    (miss,) = assert_error_of_verification(verify(api, request=pattern))["near_misses"]
    assert {each["field"]: (each["expected"], each.get("actual", "missing")) for each in miss["differences"]} == {
        "operation": ("listTasks", "listTeamMembers"),
        "method": ("POST", "GET"),
        "status": (201, 200),
        "path": ("/api/public/tasks*", TEAM),
        "query.b": ("3", "2"),
        "query.c": (["4"], "missing"),
    }


def test_the_three_closest_are_shown_the_closest_and_then_the_newest_first(api: Api) -> None:
    api.list()
    for title in ("a", "b", "c"):
        api.created(title=title)
    api.created(title="wanted", priority="2")
    pattern = {**CREATE, "json": {"title": "wanted", "priority": "1", "responsibleIds": [MARIA]}}
    near = assert_error_of_verification(verify(api, request={**pattern, "status": 400}))["near_misses"]
    assert [miss["id"] for miss in near] == [5, 4, 3]
    near = assert_error_of_verification(verify(api, request=pattern))["near_misses"]
    assert [miss["id"] for miss in near] == [5, 4, 3]
    assert [[each["field"] for each in miss["differences"]] for miss in near] == [
        ["json.priority"],
        ["json.title"],
        ["json.title"],
    ]


def test_an_empty_journal_has_no_near_misses(api: Api) -> None:
    assert assert_error_of_verification(verify(api, request=CREATE))["near_misses"] == []


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ({"exactly": 2}, "Expected exactly 2, but the journal has 1"),
        ({"at_least": 2}, "Expected at least 2, but the journal has 1"),
        ({"at_most": 0}, "Expected at most 0, but the journal has 1"),
        ({"never": True}, "Expected never, but the journal has 1"),
        ({"at_least": 2, "at_most": 3}, "Expected at least 2 and at most 3, but the journal has 1"),
    ],
)
def test_a_failure_says_in_words_how_often_it_was(api: Api, times: dict[str, Any], message: str) -> None:
    api.created()
    assert assert_error_of_verification(verify(api, request=CREATE, times=times))["message"] == message


# Waiting.


@pytest.mark.parametrize(
    "expected",
    [
        {"request": CREATE},
        {"request": CREATE, "times": {"exactly": 1}},
        {"request": CREATE, "times": {"at_least": 1}},
        {"request": {**CREATE, "json": {"title": "Late"}}},
        {"sequence": [LIST, CREATE]},
    ],
    ids=json.dumps,
)
def test_a_verification_waits_until_it_passes_and_no_longer(watched: Watched, expected: dict[str, Any]) -> None:
    api = watched.actor()
    answer = watched.verifying(**expected, timeout_ms=A_MINUTE)
    api.listed()
    assert not answer.done()
    api.created(title="Late")
    assert answer.result(timeout=10).json()["passed"] is True
    api.created(title="Too late to matter")


def test_what_passes_already_needs_no_wait(api: Api) -> None:
    api.created()
    for times in ({"at_least": 1}, {"exactly": 1}):
        assert verify(api, request=CREATE, times=times, timeout_ms=A_MINUTE).json()["actual"] == 1
    assert verify(api, sequence=[CREATE], timeout_ms=A_MINUTE).status_code == 200


@pytest.mark.parametrize("times", [{"exactly": 1}, {"at_most": 1}])
def test_a_count_that_is_exceeded_fails_at_once(watched: Watched, times: dict[str, Any]) -> None:
    api = watched.actor()
    api.created()
    api.created()
    assert verify(api, request=CREATE, times=times, timeout_ms=A_MINUTE).json()["actual"] == 2


@pytest.mark.parametrize("times", [{"at_most": 0}, {"never": True}, {"exactly": 0}])
def test_what_may_not_come_is_watched_for_and_fails_as_soon_as_it_comes(
    watched: Watched, times: dict[str, Any]
) -> None:
    answer = watched.verifying(request=CREATE, times=times, timeout_ms=A_MINUTE)
    watched.actor().created()
    assert assert_error_of_verification(answer.result(timeout=10))["actual"] == 1


@pytest.mark.parametrize("times", [{"at_most": 0}, {"never": True}, {"at_most": 3}])
def test_what_does_not_come_is_watched_for_all_of_the_time(api: Api, times: dict[str, Any]) -> None:
    answer = verify(api, request=CREATE, times=times, timeout_ms=100)
    assert answer.json() == {"passed": True, "actual": 0}
    assert answer.elapsed.total_seconds() >= 0.1


@pytest.mark.parametrize("expected", [{"times": {"exactly": 2}}, {"times": {"at_least": 2}}, {}])
def test_a_wait_in_vain_ends_with_its_time(api: Api, expected: dict[str, Any]) -> None:
    answer = verify(api, request=LIST, timeout_ms=100, **expected)
    assert assert_error_of_verification(answer)["actual"] == 0
    assert answer.elapsed.total_seconds() >= 0.1


def test_a_verification_waits_in_a_sandbox_that_nobody_has_used(watched: Watched) -> None:
    answer = watched.verifying(request=CREATE, timeout_ms=A_MINUTE)
    watched.actor("test_b").created()
    assert not answer.done()
    watched.actor().created()
    assert answer.result(timeout=10).json() == {"passed": True, "actual": 1}


def test_after_a_reset_the_new_journal_counts(watched: Watched) -> None:
    api = watched.actor()
    for _ in range(3):
        api.created()
    bounded = watched.verifying(request=CREATE, times={"at_most": 3}, timeout_ms=500)
    answer = watched.verifying(request=LIST, timeout_ms=A_MINUTE)
    api.client.post("/__admin/reset").raise_for_status()
    api.created()
    api.listed()
    assert answer.result(timeout=10).json() == {"passed": True, "actual": 1}
    assert bounded.result(timeout=10).json()["passed"] is True


def test_the_end_of_the_server_ends_a_wait() -> None:
    with Watched(threads=4) as watched:
        answer = watched.verifying(request=CREATE, timeout_ms=A_MINUTE)
    assert answer.done()
    assert answer.result().status_code in (409, 503)


# How many may wait.


def test_half_of_the_threads_may_wait_and_the_next_is_refused_with_the_reason() -> None:
    with Watched(threads=4) as watched:
        api = watched.actor()
        waiting = [watched.verifying(request=CREATE, timeout_ms=A_MINUTE) for _ in range(2)]
        message = assert_error(verify(api, request=CREATE, timeout_ms=A_MINUTE), 503)["message"]
        assert "--threads" in message
        assert "2" in message
        assert verify(api, request=CREATE).status_code == 409  # one that does not wait needs no place
        api.created()
        assert [answer.result(timeout=10).status_code for answer in waiting] == [200, 200]
        again = watched.verifying(request=LIST, timeout_ms=A_MINUTE)
        api.listed()
        assert again.result(timeout=10).status_code == 200


def test_a_hundred_waiting_verifications_stop_nobody() -> None:
    with Watched(threads=64) as watched:
        answers = [watched.soon(request=CREATE, timeout_ms=A_MINUTE) for _ in range(100)]
        wait_until(lambda: watched.waiting == 32 and sum(answer.done() for answer in answers) == 68, seconds=30)
        other = watched.actor("test_other")
        for _ in range(20):
            other.created()
        assert len(other.listed()) == 20
        watched.actor().created()
        statuses = [answer.result(timeout=10).status_code for answer in answers]
        assert (statuses.count(200), statuses.count(503)) == (32, 68)


# What cannot be understood.


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"requests": CREATE}, ["requests"]),
        ({"request": CREATE, "timeout": 5}, ["timeout"]),
        ({"request": CREATE, "times": None}, ["times"]),
        ({"request": CREATE, "times": 1}, ["times"]),
        ({"request": CREATE, "times": {}}, ["times"]),
        ({"request": CREATE, "times": {"once": True}}, ["times"]),
        ({"request": CREATE, "times": {"exactly": -1}}, ["times"]),
        ({"request": CREATE, "times": {"exactly": "1"}}, ["times"]),
        ({"request": CREATE, "times": {"exactly": 1.5}}, ["times"]),
        ({"request": CREATE, "times": {"exactly": True}}, ["times"]),
        ({"request": CREATE, "times": {"exactly": 1, "at_least": 1}}, ["times"]),
        ({"request": CREATE, "times": {"never": False}}, ["times"]),
        ({"request": CREATE, "times": {"never": 1}}, ["times"]),
        ({"request": CREATE, "times": {"never": True, "at_most": 1}}, ["times"]),
        ({"request": CREATE, "timeout_ms": -1}, ["timeout_ms"]),
        ({"request": CREATE, "timeout_ms": 60_001}, ["timeout_ms"]),
        ({"request": CREATE, "timeout_ms": 1.5}, ["timeout_ms"]),
        ({"request": CREATE, "timeout_ms": "5"}, ["timeout_ms"]),
        ({"request": CREATE, "timeout_ms": None}, ["timeout_ms"]),
        ({"request": {"colour": "red"}}, ["request", "colour"]),
        ({"sequence": []}, ["sequence"]),
        ({"sequence": CREATE}, ["sequence"]),
        ({"sequence": [CREATE, {"status": "201"}]}, ["sequence", 1, "status"]),
        ({"sequence": [CREATE, None]}, ["sequence", 1]),
        ({"sequence": [CREATE], "request": CREATE}, ["sequence"]),
        ({"sequence": [CREATE], "times": {"exactly": 1}}, ["sequence"]),
    ],
    ids=json.dumps,
)
def test_a_verification_that_cannot_be_understood_is_refused(
    api: Api, document: dict[str, Any], path: list[str | int]
) -> None:
    errors = assert_error(verify(api, **document), 400)["errors"]
    assert [problem["path"] for problem in errors] == [path]


def test_every_problem_of_a_verification_is_told_at_once(api: Api) -> None:
    answer = verify(api, request={"operation": "x"}, times={"often": 1}, timeout_ms=-1, colour="red")
    told = {problem["path"][-1]: problem["message"] for problem in assert_error(answer, 400)["errors"]}
    assert sorted(told) == ["colour", "operation", "timeout_ms", "times"]
    assert all(key in told["colour"] for key in ("request", "sequence", "times", "timeout_ms"))
    assert all(key in told["times"] for key in ("exactly", "at_least", "at_most", "never"))


def test_a_number_too_long_to_count_to_does_no_harm(api: Api) -> None:
    assert verify(api, request=CREATE, times={"at_least": 10**300}).status_code == 409
    assert verify(api, request=CREATE, times={"at_most": 10**300}).status_code == 200
