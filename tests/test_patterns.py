"""Patterns: the one grammar of verification, fault rules and the search of the journal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import CARLOS, MARIA, Api, assert_error

from mockserver.api.views import OPERATIONS

TASKS = "/api/public/tasks"


def count(api: Api, pattern: dict[str, Any]) -> int:
    answer = api.client.post("/__admin/requests/count", json=pattern)
    assert answer.status_code == 200, answer.text
    return answer.json()["count"]


def refused(api: Api, path: str, document: Any) -> dict[tuple[str | int, ...], str]:
    """The problems of a call that is refused: each path with its message."""
    errors = assert_error(api.client.post(f"/__admin{path}", json=document), 400)["errors"]
    return {tuple(problem["path"]): problem["message"] for problem in errors}


BODY: dict[str, Any] = {
    "title": "Call the client",
    "responsibleIds": [MARIA],
    "priority": "1",
    "extra": {"flag": True, "size": 1, "none": None, "list": [{"a": 1, "b": 2}, 3]},
}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({}, True),
        ({"operation": "createTask"}, True),
        ({"operation": "updateTask"}, False),
        ({"method": "POST"}, True),
        ({"method": "PUT"}, False),
        ({"status": 201}, True),
        ({"status": 200}, False),
        ({"operation": "createTask", "method": "POST", "path": TASKS, "status": 201, "query": {}, "json": {}}, True),
        ({"operation": "createTask", "status": 400}, False),
        # The path: `*` stands for any characters, all else for itself.
        ({"path": TASKS}, True),
        ({"path": "*"}, True),
        ({"path": "/api/*"}, True),
        ({"path": "*tasks"}, True),
        ({"path": "/api/*/tasks"}, True),
        ({"path": "/*p*l*s"}, True),
        ({"path": f"{TASKS}*"}, True),
        ({"path": f"*{TASKS}*"}, True),
        ({"path": f"**{TASKS}"}, True),
        ({"path": ""}, False),
        ({"path": "/api"}, False),
        ({"path": "/api/public/task"}, False),
        ({"path": "/api/public/tasks/*"}, False),
        ({"path": "*/tasks*tasks"}, False),
        ({"path": "*tasks*tasks*"}, False),
        ({"path": "*public*api*"}, False),
        ({"path": "/api/public*lic/tasks"}, False),
        ({"path": "/api/*x*/tasks"}, False),
        ({"path": "/API/public/tasks"}, False),
        ({"path": "/api.public.tasks"}, False),
        # The query: the parameters named, with these values.
        ({"query": {"a": "1"}}, True),
        ({"query": {"a": ["1"]}}, True),
        ({"query": {"b": ["2", "3"]}}, True),
        ({"query": {"a": "1", "b": ["2", "3"]}}, True),
        ({"query": {"a": "2"}}, False),
        ({"query": {"b": "2"}}, False),
        ({"query": {"b": ["3", "2"]}}, False),
        ({"query": {"c": "1"}}, False),
        # The body: of an object the keys named, all else equal.
        ({"json": {"title": "Call the client"}}, True),
        ({"json": {"title": "Call"}}, False),
        ({"json": {"responsibleIds": [MARIA]}}, True),
        ({"json": {"responsibleIds": []}}, False),
        ({"json": {"responsibleIds": [MARIA, MARIA]}}, False),
        ({"json": {"responsibleIds": [CARLOS]}}, False),
        ({"json": {"priority": 1}}, False),
        ({"json": {"description": None}}, False),
        ({"json": {"extra": {}}}, True),
        ({"json": {"extra": {"flag": True, "none": None}}}, True),
        ({"json": {"extra": {"size": 1.0}}}, True),
        ({"json": {"extra": {"size": True}}}, False),
        ({"json": {"extra": {"flag": 1}}}, False),
        ({"json": {"extra": {"none": False}}}, False),
        ({"json": {"extra": {"list": [{"b": 2}, 3]}}}, True),
        ({"json": {"extra": {"list": [{"b": 3}, 3]}}}, False),
        ({"json": {"extra": {"list": [3, {"a": 1}]}}}, False),
        ({"json": []}, False),
        ({"json": None}, False),
    ],
    ids=json.dumps,
)
def test_a_pattern_matches_what_has_all_of_its_parts(api: Api, pattern: dict[str, Any], matches: bool) -> None:
    answer = api.client.post(f"{TASKS}?a=1&b=2&b=3", json=BODY)
    assert answer.status_code == 201, answer.text
    assert count(api, pattern) == matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [({"json": {}}, False), ({"json": None}, False), ({"method": "GET"}, True), ({"operation": "listTasks"}, True)],
)
def test_a_request_without_a_body_has_no_json_to_match(api: Api, pattern: dict[str, Any], matches: bool) -> None:
    api.list()
    assert count(api, pattern) == matches


def test_a_body_that_is_an_array_is_matched_as_one(api: Api) -> None:
    assert_error(api.client.post(TASKS, json=[{"a": 1, "b": 2}]), 400)
    assert [count(api, {"json": pattern}) for pattern in ([{"a": 1}], [], {})] == [1, 0, 0]


def test_a_request_of_no_operation_is_found_by_its_path(api: Api) -> None:
    assert_error(api.client.get("/api/public/nothing"), 404)
    assert count(api, {"path": "/api/public/nothing", "status": 404}) == 1
    assert count(api, {"operation": "listTasks"}) == 0


def test_a_pattern_with_many_stars_is_decided_at_once(api: Api) -> None:
    path = "/api/public/" + "a" * 2000
    assert_error(api.client.get(path), 404)
    assert count(api, {"path": "*a" * 300 + "*"}) == 1
    assert count(api, {"path": "*a" * 300 + "b"}) == 0


def test_find_gives_the_entries_that_count_counts_oldest_first(api: Api) -> None:
    for title in ("one", "two", "three"):
        api.created(title=title)
    api.list()
    found = api.client.post("/__admin/requests/find", json={"operation": "createTask"}).json()["requests"]
    assert [entry["request"]["json"]["title"] for entry in found] == ["one", "two", "three"]
    assert count(api, {"operation": "createTask"}) == 3


CALLS = [
    ("/requests/count", lambda pattern: pattern, ()),
    ("/requests/find", lambda pattern: pattern, ()),
    ("/requests/verify", lambda pattern: {"request": pattern}, ("request",)),
    ("/requests/verify", lambda pattern: {"sequence": [{}, pattern]}, ("sequence", 1)),
    ("/faults", lambda pattern: {"match": pattern, "status": 503, "when": "after"}, ("match",)),
]


@pytest.mark.parametrize(("path", "within", "at"), CALLS)
def test_an_unknown_operation_is_refused_with_its_name_and_those_there_are(
    api: Api, path: str, within: Any, at: tuple[str | int, ...]
) -> None:
    problems = refused(api, path, within({"operation": "createTaks"}))
    assert list(problems) == [(*at, "operation")]
    assert all(name in problems[(*at, "operation")] for name in ("createTaks", *OPERATIONS))


@pytest.mark.parametrize(("path", "within", "at"), CALLS)
def test_an_unknown_key_is_refused_with_its_name_and_those_there_are(
    api: Api, path: str, within: Any, at: tuple[str | int, ...]
) -> None:
    problems = refused(api, path, within({"operaton": "createTask"}))
    assert list(problems) == [(*at, "operaton")]
    for key in ("operation", "method", "path", "status", "query", "json"):
        assert key in problems[(*at, "operaton")]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("operation", [None, 1, ["createTask"], "createtask", ""]),
        ("method", [None, 1, "post", "OPTIONS", ""]),
        ("path", [None, 1, ["/"]]),
        ("status", [None, "200", 200.5, True, 99, 600]),
        ("query", [None, "a=1", ["a"], {"a": 1}, {"a": None}, {"a": [1]}, {"a": {"b": "c"}}]),
    ],
)
def test_a_part_of_another_kind_is_refused(api: Api, name: str, values: list[Any]) -> None:
    for value in values:
        assert list(refused(api, "/requests/count", {name: value})) == [(name,)], value


def test_every_problem_of_a_pattern_is_told_at_once(api: Api) -> None:
    problems = refused(api, "/requests/count", {"operation": "x", "method": "x", "status": "x", "x": "x", "json": 1})
    assert list(problems) == [("operation",), ("method",), ("status",), ("x",)]


@pytest.mark.parametrize("pattern", [None, [], "createTask", 1, True])
def test_a_pattern_is_an_object(api: Api, pattern: Any) -> None:
    assert_error(api.client.post("/__admin/requests/count", json=pattern), 400)
    assert list(refused(api, "/requests/verify", {"request": pattern})) == [("request",)]
    assert list(refused(api, "/faults", {"match": pattern, "status": 503})) == [("match",)]


MATCHERS: list[tuple[Any, bool]] = [
    ({"title": {"$contains": "the cl"}}, True),
    ({"title": {"$contains": "The"}}, False),
    ({"title": {"$contains": 1}}, False),
    ({"priority": {"$contains": "1"}}, True),
    ({"responsibleIds": {"$contains": MARIA}}, True),
    ({"responsibleIds": {"$contains": CARLOS}}, False),
    ({"extra": {"list": {"$contains": {"a": 1}}}}, True),
    ({"extra": {"size": {"$contains": "1"}}}, False),
    ({"nothing": {"$contains": ""}}, False),
    ({"title": {"$glob": "Call * client"}}, True),
    ({"title": {"$glob": "Call"}}, False),
    ({"extra": {"size": {"$glob": "*"}}}, False),
    ({"priority": {"$any_of": ["0", "1"]}}, True),
    ({"priority": {"$any_of": [0, 1]}}, False),
    ({"title": {"$any_of": ["x", {"$glob": "C*"}]}}, True),
    ({"extra": {"$any_of": [{"size": 1}, 5]}}, True),
    ({"extra": {"none": {"$present": True}}}, True),
    ({"nothing": {"$present": True}}, False),
    ({"nothing": {"$present": False}}, True),
    ({"title": {"$present": False}}, False),
    ({"title": {"$contains": "Call", "$glob": "*client"}}, True),
    ({"title": {"$contains": "Call", "$glob": "*x"}}, False),
    ({"extra": {"list": [{"a": {"$any_of": [1, 2]}}, 3]}}, True),
    ({"extra": {"flag": {"$equals": True}}}, True),
    ({"extra": {"flag": {"$equals": 1}}}, False),
    ({"extra": {"$equals": {"flag": True}}}, False),
    ({"extra": {"list": {"$equals": [{"b": 2, "a": 1}, 3.0]}}}, True),
    ({"extra": {"strange": {"$equals": {"$contains": "x"}}}}, True),
    ({"extra": {"strange": {"$contains": "x"}}}, False),
    ({"$present": True}, True),
]


@pytest.mark.parametrize(("wanted", "matches"), MATCHERS)
def test_a_matcher_stands_for_values_at_any_depth_of_a_body(api: Api, wanted: Any, matches: bool) -> None:
    body = {**BODY, "extra": {**BODY["extra"], "strange": {"$contains": "x"}}}
    rule = {"match": {"json": wanted}, "status": 418}
    api.client.post("/__admin/faults", json=rule).raise_for_status()
    assert (api.client.post(TASKS, json=body).status_code == 418) == matches
    assert count(api, {"json": wanted}) == matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"headers": {"idempotency-key": "a-1"}}, True),
        ({"headers": {"Idempotency-Key": "a-1"}}, True),
        ({"headers": {"Idempotency-Key": "a"}}, False),
        ({"headers": {"Idempotency-Key": {"$glob": "a-*"}}}, True),
        ({"headers": {"Idempotency-Key": {"$present": False}}}, False),
        ({"headers": {"X-Other": {"$present": False}}}, True),
        ({"headers": {"X-Other": ""}}, False),
        ({"query": {"fromDate": {"$glob": "2025-*"}}}, True),
        ({"query": {"fromDate": {"$glob": "2026-*"}}}, False),
        ({"query": {"tag": {"$contains": "b"}}}, True),
        ({"query": {"tag": {"$any_of": [["a", "b"], "c"]}}}, True),
        ({"query": {"tag": {"$any_of": ["a"]}}}, False),
        ({"query": {"nothing": {"$present": False}}}, True),
        ({"query": {"tag": {"$equals": ["a", "b"]}}}, True),
    ],
)
def test_headers_and_the_query_have_values_or_matchers(api: Api, pattern: dict[str, Any], matches: bool) -> None:
    api.client.post("/__admin/faults", json={"match": pattern, "status": 418}).raise_for_status()
    query = {"fromDate": "2025-11-26", "toDate": "2025-11-26", "responsibleIds": "", "tag": ["a", "b"]}
    answer = api.client.get(TASKS, params=query, headers={"Idempotency-Key": "a-1"})
    assert (answer.status_code == 418) == matches
    assert count(api, pattern) == matches


def test_a_matcher_that_fails_is_a_near_miss(api: Api) -> None:
    api.create()
    request = {"operation": "createTask", "headers": {"Idempotency-Key": {"$present": True}}}
    answer = api.client.post("/__admin/requests/verify", json={"request": request})
    (difference,) = answer.json()["near_misses"][0]["differences"]
    assert difference == {"field": "headers.Idempotency-Key", "expected": {"$present": True}}


@pytest.mark.parametrize(
    ("pattern", "path", "said"),
    [
        ({"json": {"a": [{"$regex": "x"}]}}, ("json",), 'There is no matcher "$regex"; there are $contains, $glob'),
        ({"json": {"a": {"$glob": 5}}}, ("json",), "$glob takes a text, in which * stands for any text"),
        ({"json": {"a": {"$present": "yes"}}}, ("json",), "$present takes true or false"),
        ({"json": {"a": {"$any_of": []}}}, ("json",), "$any_of takes a list of at least one value"),
        ({"json": {"a": {"$any_of": [{"$x": 1}]}}}, ("json",), 'There is no matcher "$x"'),
        ({"query": {"a": {"$x": 1}}}, ("query",), 'There is no matcher "$x"'),
        ({"query": {"a": {"b": 1}}}, ("query",), "Expected an object of strings, lists of strings, or matchers"),
        ({"headers": {"a": 5}}, ("headers",), "Expected an object of strings, lists of strings, or matchers"),
        ({"headers": {"X-Api-Key": "test_a"}}, ("headers",), "The journal hides X-Api-Key: no pattern can match it"),
        ({"headers": {"Cookie": {"$present": True}}}, ("headers",), "The journal hides Cookie: no pattern"),
    ],
)
def test_a_matcher_that_cannot_be_used_is_refused_when_it_is_set(
    api: Api, pattern: dict[str, Any], path: tuple[str, ...], said: str
) -> None:
    (message,) = refused(api, "/requests/count", pattern).values()
    assert message.startswith(said)
    assert refused(api, "/faults", {"match": pattern, "status": 503}) == {("match", *path): message}
