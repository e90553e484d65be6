"""Faults: rules that make valid requests fail, before or after the commit, exactly as often as they say."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from support import MARIA, UNKNOWN_ID, Api, assert_error, paths, running, wait_until

from mockserver import serving
from mockserver.config import Settings

TASKS = "/api/public/tasks"
TEAM = "/api/public/team-members/all"
TASK = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}
CREATE = {"operation": "createTask"}


def add(api: Api, **rule: Any) -> dict[str, Any]:
    """Set a rule, as it is listed."""
    answer = api.client.post("/__admin/faults", json=rule)
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(api: Api) -> list[dict[str, Any]]:
    return api.client.get("/__admin/faults").json()["faults"]


def hits(api: Api) -> list[int]:
    return [rule["hits"] for rule in listed(api)]


def newest(api: Api) -> str:
    """The id of the rule that was set last."""
    return listed(api)[-1]["id"]


def journal(api: Api) -> list[dict[str, Any]]:
    return api.client.get("/__admin/requests").json()["requests"]


def team(api: Api) -> httpx.Response:
    return api.client.get(TEAM)


def statuses(api: Api, number: int) -> list[int]:
    return [team(api).status_code for _ in range(number)]


def raw(api: Api, method: str = "POST", path: str = TASKS, body: Any = TASK) -> bytes | None:
    """All that comes back on a connection of its own; None when it is reset."""
    content = json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {api.key}\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    address = urlsplit(api.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode() + content)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            return None
    return received


@pytest.fixture
def wide() -> Iterator[Callable[[str], Api]]:
    """Make actors on a server of the test's own that has as many threads as it has by default."""
    actors: list[Api] = []
    with serving.bound_server(Settings(port=0)) as (server, *_):
        server.start()

        def make(key: str) -> Api:
            actors.append(Api(server.url, key))
            return actors[-1]

        yield make
        for actor in actors:
            actor.client.close()


# The commit point.


def test_a_fault_before_the_commit_leaves_everything_as_it_was(api: Api) -> None:
    kept = api.created(title="kept")
    before = api.state()
    add(api, status=503, times=3)
    assert_error(api.create(), 503)
    assert_error(api.update(kept["id"], title="changed"), 503)
    assert_error(api.delete(kept["id"]), 503)
    assert api.state() == before
    assert [entry["changes"] for entry in journal(api)[1:]] == [[], [], []]
    assert api.created()["created_at"] == "2025-11-26T09:00:01.000Z"  # nor did the clock tick


def test_a_fault_after_the_commit_hides_what_was_done(api: Api) -> None:
    add(api, match=CREATE, when="after", status=503)
    assert_error(api.create(title="hidden"), 503)
    (task,) = api.listed()
    assert task["title"] == "hidden"
    (made, _) = journal(api)
    assert (made["response"]["status"], made["fault"]["when"]) == (503, "after")
    ((change),) = made["changes"]
    assert (change["resource"], change["id"], change["before"]) == ("task", task["id"], None)


@pytest.mark.parametrize(("when", "tasks"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("connection", ["reset", "empty", "truncate", "garbage"])
def test_the_commit_point_holds_for_broken_connections_too(api: Api, when: str, tasks: int, connection: str) -> None:
    add(api, match=CREATE, when=when, connection=connection)
    with pytest.raises(httpx.TransportError):
        api.create()
    assert len(api.listed()) == tasks


def test_an_after_rule_fires_only_on_what_would_be_a_success(api: Api) -> None:
    add(api, when="after", status=503, times=None)
    assert_error(api.create(title=...), 400)
    assert_error(api.update(UNKNOWN_ID, title="x"), 404)
    assert_error(api.client.get("/api/public/nothing"), 404)
    assert_error(api.client.get(TASKS, headers={"x-api-key": "unknown"}), 401)
    assert hits(api) == [0]
    assert_error(team(api), 503)
    assert hits(api) == [1]


def test_an_after_rule_may_name_the_status_it_waits_for(api: Api) -> None:
    add(api, match={"status": 201}, when="after", status=504)
    assert team(api).status_code == 200
    assert_error(api.create(), 504)


def test_a_before_rule_whose_pattern_names_a_status_is_refused(api: Api) -> None:
    for when in ({}, {"when": "before"}):
        answer = api.client.post("/__admin/faults", json={"match": {"status": 201}, "status": 503, **when})
        assert paths(answer) == [["match"]]
    assert add(api, status=503)["id"] == "1"


def test_a_fault_before_the_commit_hits_a_request_that_would_be_refused_as_well(api: Api) -> None:
    add(api, status=503)
    assert_error(api.create(title=...), 503)
    assert journal(api)[0]["problems"] == []


def test_a_key_that_opens_nothing_is_refused_before_any_fault(api: Api) -> None:
    add(api, status=503)
    default = {"match": {"path": "/api/public/only-here"}, "status": 503}
    assert api.client.post("/__admin/faults?sandbox=default", json=default).status_code == 201
    assert_error(api.client.get("/api/public/only-here", headers={"x-api-key": "unknown"}), 404)
    assert_error(api.client.get(TEAM, headers={"x-api-key": "unknown"}), 401)
    assert hits(api) == [0]


# The demonstration: why a client that retries makes duplicates.


def test_a_lost_answer_and_a_retry_make_two_tasks_and_the_journal_tells_why(api: Api) -> None:
    fault = add(api, match=CREATE, when="after", connection="reset")
    attempts = 0
    while True:  # a client that retries whenever the connection fails
        attempts += 1
        try:
            answer = api.create(title="Only once")
            break
        except httpx.TransportError:
            assert attempts < 5
    assert (attempts, answer.status_code) == (2, 201)
    first, second = sorted(api.listed(), key=lambda task: task["created_at"])
    assert (first["title"], second["title"]) == ("Only once", "Only once")
    assert second["id"] == answer.json()["id"]

    lost, retried = journal(api)[:2]
    assert lost["fault"] == {"id": fault["id"], "when": "after", "status": None, "connection": "reset", "delay_ms": 0}
    assert (lost["response"]["status"], lost["decision"]["rule"], lost["advice"]) == (None, "mock-fault", [])
    assert retried["fault"] is None
    assert (retried["response"]["status"], retried["decision"]["rule"]) == (201, "create-status")
    assert [advice["rule"] for advice in retried["advice"]] == ["same-task-twice"]
    made = [[(change["before"], change["after"]["id"]) for change in entry["changes"]] for entry in (lost, retried)]
    assert made == [[(None, first["id"])], [(None, second["id"])]]


# What is answered.


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (404, "Not Found"),
        (409, "Conflict"),
        (429, "Too Many Requests"),
        (500, None),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
    ],
)
def test_a_status_without_a_body_is_answered_as_the_vendor_does(api: Api, status: int, title: str | None) -> None:
    add(api, status=status, headers={"Retry-After": "2", "X-Own": "a b"})
    answer = team(api)
    assert assert_error(answer, status).get("error") == title
    assert (answer.headers["retry-after"], answer.headers["x-own"]) == ("2", "a b")


def test_the_shape_is_the_very_one_of_a_real_refusal(api: Api) -> None:
    real = api.client.get(TEAM, headers={"x-api-key": "unknown"})
    add(api, status=401)
    assert team(api).content == real.content


@pytest.mark.parametrize("status", [299, 418, 599])
def test_a_status_without_a_name_can_be_answered(api: Api, status: int) -> None:
    add(api, status=status)
    assert team(api).status_code == status


@pytest.mark.parametrize("body", [{"ok": False, "é": "ñ"}, [1, 2], [], {}, 0, False])
def test_a_body_of_ones_own_is_sent_as_json(api: Api, body: Any) -> None:
    add(api, status=500, body=body)
    answer = team(api)
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (
        500,
        "application/json; charset=utf-8",
        body,
    )


@pytest.mark.parametrize("body", ["<h1>502 Bad Gateway</h1> ñ", ""])
def test_a_body_that_is_text_is_sent_as_it_is(api: Api, body: str) -> None:
    add(api, status=502, body=body)
    add(api, status=502, body=body, headers={"Content-Type": "text/html"})
    plain, page = team(api), team(api)
    assert (plain.status_code, plain.text, page.text) == (502, body, body)
    assert plain.headers["content-type"].startswith("text/plain")
    assert page.headers["content-type"] == "text/html"


def test_after_the_commit_body_and_headers_alone_change_the_answer(api: Api) -> None:
    add(api, match=CREATE, when="after", body={"id": 1})
    add(api, match=CREATE, when="after", headers={"X-Own": "1"})
    other, own = api.create(), api.create()
    assert (other.status_code, other.json()) == (201, {"id": 1})
    assert (own.status_code, own.headers["x-own"], own.json()["title"]) == (201, "1", "Call the client")
    assert len(api.listed()) == 2


def test_an_answer_without_a_body_has_no_media_type(api: Api) -> None:
    add(api, status=204)
    answer = api.create()
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


def test_a_pattern_sees_the_whole_of_a_body_that_the_journal_cuts(api: Api) -> None:
    long = "x" * 100_000
    add(api, match={"json": {"title": "hit", "description": long}}, status=503)
    assert_error(api.create(title="hit", description=long), 503)


def test_delayed_requests_leave_a_thread_for_the_control_plane() -> None:
    with (
        serving.bound_server(Settings(port=0, threads=4, max_delayed=1)) as (server, *_),
        ThreadPoolExecutor(6) as pool,
    ):
        server.start()
        slow = Api(server.url, "test_slow")
        add(slow, delay_ms=60_000, times=None)
        waiting = [pool.submit(slow.create) for _ in range(6)]
        refused = [done.result() for done in itertools.islice(as_completed(waiting), 5)]  # all but the one that waits
        for answer in refused:
            assert "--max-delayed" in assert_error(answer, 503)["message"]
        assert slow.client.post("/__admin/reset").status_code == 200
        assert {answer.result().status_code for answer in waiting} == {503}
        slow.client.close()


def test_an_answer_that_a_fault_made_says_so(api: Api) -> None:
    fault = add(api, status=503)
    hit, spared = team(api), team(api)
    assert hit.headers["x-mock-fault"] == fault["id"]
    assert "x-mock-fault" not in spared.headers
    assert [answer.headers["x-mock-request-id"] for answer in (hit, spared)] == ["1", "2"]
    told, untold = journal(api)
    assert told["fault"]["id"] == fault["id"]
    assert told["decision"]["rule"] == "mock-fault"
    assert untold["fault"] is None


def test_a_page_of_another_port_can_read_a_fault(api: Api) -> None:
    add(api, status=503, headers={"Retry-After": "2"})
    add(api, match=CREATE, when="after", status=500, body="oops")
    origin = {"Origin": "http://localhost:5173"}
    for answer in (api.client.get(TEAM, headers=origin), api.client.post(TASKS, json=TASK, headers=origin)):
        assert answer.headers["x-mock-fault"]
        assert answer.headers["access-control-allow-origin"] == origin["Origin"]
        exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"x-mock-request-id", "x-mock-fault", "retry-after", "preference-applied"} <= exposed


def test_the_request_id_comes_back_from_a_fault(api: Api) -> None:
    add(api, status=503)
    assert api.client.get(TEAM, headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"


def test_calls_of_the_control_plane_are_never_hit(api: Api) -> None:
    add(api, status=503, times=None)
    add(api, connection="reset", delay_ms=60_000, times=None)
    assert api.client.get("/__admin/health").status_code == 200
    assert api.client.get("/__admin/state").status_code == 200
    assert api.client.get("/openapi.json").status_code == 200
    assert hits(api) == [0, 0]


# The connection.


@pytest.mark.parametrize(
    ("connection", "error", "message"),
    [
        ("reset", httpx.ReadError, None),
        ("empty", httpx.RemoteProtocolError, "without sending a response"),
        ("truncate", httpx.RemoteProtocolError, "without sending complete message body"),
        ("garbage", httpx.RemoteProtocolError, "illegal"),
    ],
)
def test_a_client_sees_the_connection_break_and_its_next_request_work(
    api: Api, connection: str, error: type[Exception], message: str | None
) -> None:
    add(api, match={"operation": "listTeamMembers"}, connection=connection)
    with pytest.raises(error, match=message):
        team(api)
    assert team(api).status_code == 200


def test_a_reset_connection_gives_no_byte_and_an_error(api: Api) -> None:
    add(api, connection="reset")
    assert raw(api) is None


def test_an_empty_connection_ends_in_good_order_without_a_byte(api: Api) -> None:
    add(api, connection="empty")
    assert raw(api) == b""


def test_garbage_is_no_http(api: Api) -> None:
    add(api, connection="garbage")
    received = raw(api)
    assert received
    assert not received.startswith(b"HTTP/")


@pytest.mark.parametrize("status", [None, 503])
def test_a_truncated_answer_ends_half_way_through_its_body(api: Api, status: int | None) -> None:
    body = {"message": "half of this arrives"}
    add(api, when="after", connection="truncate", status=status, body=body, headers={"X-Own": "1"})
    head, _, half = (raw(api) or b"").partition(b"\r\n\r\n")
    whole = json.dumps(body, separators=(",", ":")).encode()
    assert head.startswith(f"HTTP/1.1 {status or 201} ".encode())
    assert f"Content-Length: {len(whole)}".encode() in head
    assert b"X-Own: 1" in head
    assert half == whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"status": 200, "body": {"a": 1}}, 200),
        ({"status": 201, "body": "x"}, 201),
        ({"status": 200, "when": "after"}, 200),
        ({"when": "after"}, 201),
        ({"status": 404}, 404),
        ({"body": [1]}, 500),
        ({}, 500),
    ],
)
def test_a_truncated_answer_is_one_whatever_its_status(rule: dict[str, Any], status: int, api: Api) -> None:
    add(api, connection="truncate", **rule)
    head, _, half = (raw(api) or b"").partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    lengths = [int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:")]
    assert lengths
    assert len(half) == lengths[0] // 2 < lengths[0]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_truncated_answer_to_head_ends_in_its_head(api: Api, when: str) -> None:
    add(api, connection="truncate", when=when, headers={"X-Own": "1"})
    received = raw(api, "HEAD", TEAM) or b""
    assert received.startswith(b"HTTP/1.1 ")
    assert b"\r\n\r\n" not in received


def test_a_truncated_answer_has_the_headers_of_every_answer(api: Api) -> None:
    page = {"Origin": "http://localhost:3000", "X-Request-Id": "mine"}
    usual = api.client.get(TEAM, headers=page).headers
    for when in ("before", "after"):
        add(api, connection="truncate", when=when, headers={"Retry-After": "2"})
        with api.client.stream("GET", TEAM, headers=page) as answer:
            got = answer.headers
        assert (got["x-request-id"], got["x-mock-fault"], got["retry-after"][0]) == ("mine", newest(api), "2")
        assert "x-mock-request-id" in got
        for name in ("access-control-allow-origin", "access-control-expose-headers", "vary"):
            assert got[name] == usual[name]


@pytest.mark.parametrize(
    "rule",
    [
        *({"status": status, "when": when} for status in (204, 304) for when in ("before", "after")),
        *({"status": 503, "body": "", "when": when} for when in ("before", "after")),
        *({"status": status} for status in (200, 201, 302)),
        {"status": 204, "body": {"a": 1}},
    ],
)
def test_a_rule_that_would_cut_nothing_is_refused(rule: dict[str, Any], api: Api) -> None:
    answer = api.client.post("/__admin/faults", json={"connection": "truncate", **rule})
    assert ["connection"] in paths(answer)


def test_a_broken_connection_takes_no_other_with_it(api: Api) -> None:
    add(api, match=CREATE, connection="reset", times=None)
    with httpx.Client(base_url=api.url, headers={"x-api-key": api.key}, verify=False, trust_env=False) as kept:
        assert kept.get(TEAM).status_code == 200
        for _ in range(3):
            assert raw(api) is None
        assert kept.get(TEAM).status_code == 200


# Which request is hit.


def test_once_is_what_a_rule_fires_when_nothing_is_said(api: Api) -> None:
    add(api, status=503)
    assert statuses(api, 3) == [503, 200, 200]


def test_skip_and_times_are_exact(api: Api) -> None:
    add(api, match={"operation": "listTeamMembers"}, status=503, skip=2, times=3)
    api.list()  # does not match, and so is not counted
    assert statuses(api, 8) == [200, 200, 503, 503, 503, 200, 200, 200]


def test_times_null_is_for_ever(api: Api) -> None:
    add(api, status=503, times=None)
    assert statuses(api, 20) == [503] * 20
    assert [(rule["hits"], rule["spent"]) for rule in listed(api)] == [(20, False)]


def test_the_oldest_rule_that_matches_and_is_not_spent_wins(api: Api) -> None:
    add(api, match=CREATE, status=500)
    add(api, status=502, times=2)
    add(api, status=504, times=None)
    assert statuses(api, 4) == [502, 502, 504, 504]
    assert [api.create().status_code for _ in range(2)] == [500, 504]
    assert hits(api) == [1, 2, 3]


def test_spent_rules_stay_listed_with_their_hits(api: Api) -> None:
    first = add(api, status=503, times=2)
    assert (first["hits"], first["spent"]) == (0, False)
    assert statuses(api, 3) == [503, 503, 200]
    assert listed(api) == [{**first, "hits": 2, "spent": True}]


def test_a_rule_is_listed_with_everything_that_was_left_out(api: Api) -> None:
    add(api, status=503)
    assert listed(api) == [
        {
            "id": "1",
            "match": {},
            "when": "before",
            "status": 503,
            "headers": {},
            "body": None,
            "connection": None,
            "delay_ms": 0,
            "skip": 0,
            "times": 1,
            "probability": None,
            "hits": 0,
            "spent": False,
        }
    ]


def test_the_same_requests_are_drawn_in_every_sandbox_and_after_a_reset(api: Api, other_api: Api) -> None:
    draws = []
    for actor in (api, other_api, api):
        add(actor, status=503, probability=0.5, times=None)
        draws.append(statuses(actor, 60))
        actor.client.post("/__admin/reset").raise_for_status()
    assert draws[0] == draws[1] == draws[2]
    assert 15 < draws[0].count(503) < 45


def test_two_rules_draw_each_for_itself(api: Api) -> None:
    add(api, status=503, probability=0.5, times=None)
    first = statuses(api, 40)
    api.client.delete("/__admin/faults/1").raise_for_status()
    add(api, status=503, probability=0.5, times=None)
    assert statuses(api, 40) != first


@pytest.mark.parametrize(("probability", "status"), [(0, 200), (0.0, 200), (1, 503), (1.0, 503)])
def test_never_and_always_are_probabilities_too(api: Api, probability: float, status: int) -> None:
    add(api, status=503, probability=probability, times=None)
    assert statuses(api, 10) == [status] * 10


def test_a_chance_and_a_number_of_times_hold_together(api: Api) -> None:
    add(api, status=503, probability=0.5, times=3, skip=2)
    seen = statuses(api, 40)
    assert seen[:2] == [200, 200]
    assert seen.count(503) == 3


def test_times_is_exact_under_load(api: Api) -> None:
    add(api, match=CREATE, status=503, times=100)
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: api.create(), range(500)))
    assert sorted({answer.status_code for answer in answers}) == [201, 503]
    assert [answer.status_code for answer in answers].count(503) == 100
    assert hits(api) == [100]
    assert len(api.state()["tasks"]) == 400


# Delays.


def test_a_delay_before_the_commit_has_written_nothing_while_it_lasts(api: Api) -> None:
    add(api, match=CREATE, delay_ms=60_000)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.create)
        wait_until(lambda: hits(api) == [1])
        assert api.listed() == []
        assert not answer.done()
        api.client.post("/__admin/reset").raise_for_status()
        assert_error(answer.result(timeout=10), 503)
    assert api.state()["tasks"] == []
    assert journal(api) == []


@pytest.mark.parametrize("call", ["/__admin/snapshots/s/restore", "/__admin/sandboxes", "/__admin/state"])
def test_whatever_supersedes_the_sandbox_releases_its_delayed_requests(api: Api, call: str) -> None:
    api.client.post("/__admin/snapshots", json={"name": "s"}).raise_for_status()
    state = api.state()
    add(api, match=CREATE, delay_ms=60_000)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.create)
        wait_until(lambda: hits(api) == [1])
        if call.endswith("state"):
            api.client.put(call, json=state).raise_for_status()
        elif call.endswith("sandboxes"):
            api.client.delete(f"{call}/{api.key.removeprefix('test_')}").raise_for_status()
        else:
            api.client.post(call).raise_for_status()
        assert_error(answer.result(timeout=10), 503)
    assert api.listed() == []


def test_a_reset_releases_the_requests_of_its_own_sandbox_only(api: Api, other_api: Api) -> None:
    for actor in (api, other_api):
        add(actor, delay_ms=60_000)
    with ThreadPoolExecutor(2) as pool:
        mine, theirs = pool.submit(team, api), pool.submit(team, other_api)
        wait_until(lambda: hits(api) == hits(other_api) == [1])
        api.client.post("/__admin/reset").raise_for_status()
        assert_error(mine.result(timeout=10), 503)
        assert not theirs.done()
        other_api.client.post("/__admin/reset").raise_for_status()
        assert_error(theirs.result(timeout=10), 503)


def test_a_delay_after_the_commit_has_written_everything_while_it_lasts(api: Api) -> None:
    add(api, match=CREATE, when="after", delay_ms=60_000)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.create)
        wait_until(lambda: hits(api) == [1])
        assert len(api.listed()) == 1
        assert not answer.done()
        api.client.post("/__admin/reset").raise_for_status()
        assert_error(answer.result(timeout=10), 503)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delay_alone_leaves_the_answer_as_it_is(api: Api, when: str) -> None:
    fault = add(api, match=CREATE, when=when, delay_ms=30)
    late = api.create()
    assert late.status_code == 201
    assert late.elapsed.total_seconds() >= 0.03
    assert late.headers["x-mock-fault"] == fault["id"]
    assert [task["id"] for task in api.listed()] == [late.json()["id"]]
    assert journal(api)[0]["fault"]["delay_ms"] == 30


def test_a_delay_can_precede_any_failure(api: Api) -> None:
    add(api, delay_ms=30, status=503)
    add(api, delay_ms=30, connection="empty")
    late = team(api)
    assert_error(late, 503)
    assert late.elapsed.total_seconds() >= 0.03
    with pytest.raises(httpx.RemoteProtocolError):
        team(api)


def test_the_setting_delays_every_request_of_the_sandbox(api: Api, other_api: Api) -> None:
    api.client.patch("/__admin/settings", json={"delay_ms": 60_000}).raise_for_status()
    add(api, delay_ms=1)  # its hit tells that the request has come
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(team, api)
        wait_until(lambda: hits(api) == [1])
        assert team(other_api).status_code == 200
        assert not answer.done()
        api.client.post("/__admin/reset").raise_for_status()
        assert_error(answer.result(timeout=10), 503)
    assert team(api).status_code == 200


def test_the_end_of_the_server_releases_delayed_requests(tmp_path: Any) -> None:
    database = tmp_path / "world.db"
    with ThreadPoolExecutor(1) as pool:
        with running(database=database) as url:
            api = Api(url, "test_a")
            add(api, match=CREATE, delay_ms=60_000)
            answer = pool.submit(api.create)
            wait_until(lambda: hits(api) == [1])
        assert_error(answer.result(timeout=10), 503)
        api.client.close()
    with running(database=database) as url:
        api = Api(url, "test_a")
        assert api.listed() == []
        api.client.close()


def test_thirty_delayed_requests_stand_in_nobodys_way(wide: Callable[[str], Api]) -> None:
    slow, quick = wide("test_slow"), wide("test_quick")
    add(slow, delay_ms=60_000, times=30)
    with ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(slow.create) for _ in range(30)]
        wait_until(lambda: hits(slow) == [30])
        for number in range(20):
            quick.created(title=f"Task {number}")
        assert len(quick.listed()) == 20
        slow.created(title="In time")  # the rule is spent
        assert not any(answer.done() for answer in waiting)
        slow.client.post("/__admin/reset").raise_for_status()
        for answer in waiting:
            assert_error(answer.result(timeout=10), 503)
    assert slow.listed() == []


# Setting rules, and taking them away.


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        ({"status": 503, "tims": 2}, ["tims"]),
        ({"status": 503, "match": None}, ["match"]),
        ({"status": 503, "match": {"operation": "createTaks"}}, ["match", "operation"]),
        ({"status": 503, "match": {"colour": "red"}}, ["match", "colour"]),
        ({"status": 503, "when": "during"}, ["when"]),
        ({"status": 503, "when": None}, ["when"]),
        ({"status": 199}, ["status"]),
        ({"status": 600}, ["status"]),
        ({"status": "503"}, ["status"]),
        ({"status": True}, ["status"]),
        ({"status": 503, "headers": None}, ["headers"]),
        ({"status": 503, "headers": ["Retry-After: 2"]}, ["headers"]),
        ({"status": 503, "headers": {"Retry-After": 2}}, ["headers"]),
        ({"status": 503, "headers": {"": "2"}}, ["headers"]),
        ({"status": 503, "headers": {"a b": "2"}}, ["headers"]),
        ({"status": 503, "headers": {"a:b": "2"}}, ["headers"]),
        ({"status": 503, "headers": {"a\r\nb": "2"}}, ["headers"]),
        ({"status": 503, "headers": {"a": "2\r\nb: 3"}}, ["headers"]),
        ({"status": 503, "headers": {"a": "é"}}, ["headers"]),
        ({"status": 503, "headers": {"a": "x" * 1001}}, ["headers"]),
        ({"status": 503, "headers": {"Content-Length": "5"}}, ["headers"]),
        ({"status": 503, "headers": {"transfer-encoding": "chunked"}}, ["headers"]),
        ({"status": 503, "headers": {"Connection": "close"}}, ["headers"]),
        ({"body": {"a": 1}}, ["body"]),
        ({"status": 503, "connection": "slow"}, ["connection"]),
        ({"status": 503, "delay_ms": -1}, ["delay_ms"]),
        ({"status": 503, "delay_ms": 60_001}, ["delay_ms"]),
        ({"status": 503, "delay_ms": 1.5}, ["delay_ms"]),
        ({"status": 503, "delay_ms": None}, ["delay_ms"]),
        ({"status": 503, "skip": -1}, ["skip"]),
        ({"status": 503, "skip": True}, ["skip"]),
        ({"status": 503, "times": 0}, ["times"]),
        ({"status": 503, "times": "1"}, ["times"]),
        ({"status": 503, "probability": -0.1}, ["probability"]),
        ({"status": 503, "probability": 1.1}, ["probability"]),
        ({"status": 503, "probability": True}, ["probability"]),
        ({"status": 503, "probability": "0.5"}, ["probability"]),
        ({}, ["status"]),
        ({"match": CREATE}, ["status"]),
        ({"headers": {"Retry-After": "2"}}, ["status"]),
        ({"when": "after"}, ["status"]),
    ],
    ids=json.dumps,
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_set(api: Api, rule: dict[str, Any], at: list[str]) -> None:
    answer = api.client.post("/__admin/faults", json=rule)
    assert paths(answer) == [at]
    add(api, status=503)
    assert [each["id"] for each in listed(api)] == ["1"]


def test_every_problem_of_a_rule_is_told_at_once_and_names_what_there_is(api: Api) -> None:
    rule = {"match": {"operation": "x"}, "when": "x", "connection": "x", "tims": 1, "delay_ms": 10**9}
    answer = api.client.post("/__admin/faults", json=rule)
    told = {problem["path"][-1]: problem["message"] for problem in assert_error(answer, 400)["errors"]}
    assert sorted(told) == ["connection", "delay_ms", "operation", "tims", "when"]
    assert all(name in told["connection"] for name in ("reset", "empty", "truncate", "garbage"))
    assert all(name in told["tims"] for name in ("match", "times", "probability"))
    assert all(name in told["when"] for name in ("before", "after"))
    assert "60000" in told["delay_ms"]


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"{", b""])
def test_a_rule_is_a_json_object(api: Api, body: bytes) -> None:
    json_type = {"content-type": "application/json"}
    assert_error(api.client.post("/__admin/faults", content=body, headers=json_type), 400)


def test_there_may_be_a_hundred_rules(api: Api) -> None:
    for _ in range(100):
        add(api, match=CREATE, status=503)
    message = assert_error(api.client.post("/__admin/faults", json={"status": 503}), 400)["message"]
    assert "100" in message
    api.client.delete("/__admin/faults/50").raise_for_status()
    assert add(api, status=503)["id"] == "101"
    assert len(listed(api)) == 100


def test_one_rule_or_all_can_be_deleted(api: Api) -> None:
    for status in (500, 502, 503):
        add(api, status=status, times=None)
    assert api.client.delete("/__admin/faults/1").status_code == 200
    assert team(api).status_code == 502
    assert [rule["id"] for rule in listed(api)] == ["2", "3"]
    message = assert_error(api.client.delete("/__admin/faults/1"), 404)["message"]
    assert '"1"' in message
    assert "2, 3" in message
    assert api.client.delete("/__admin/faults").status_code == 200
    assert listed(api) == []
    assert team(api).status_code == 200


def test_a_reset_takes_the_rules_away_or_leaves_them(api: Api) -> None:
    add(api, status=503, times=None)
    api.client.post("/__admin/reset", json={"only": ["tasks", "journal"]}).raise_for_status()
    assert statuses(api, 2) == [503, 503]
    assert hits(api) == [2]
    api.client.post("/__admin/reset", json={"only": ["faults"]}).raise_for_status()
    assert statuses(api, 2) == [200, 200]
    assert add(api, status=503)["id"] == "1"


def test_a_rule_can_be_set_for_the_sandbox_of_another_key(api: Api, other_api: Api) -> None:
    name = other_api.key.removeprefix("test_")
    answer = api.client.post(f"/__admin/faults?sandbox={name}", json={"status": 503})
    assert answer.status_code == 201
    assert team(api).status_code == 200
    assert_error(team(other_api), 503)
    assert api.client.get(f"/__admin/faults?sandbox={name}").json()["faults"] == listed(other_api)
    assert (listed(api), hits(other_api)) == ([], [1])


def test_requests_that_break_off_at_once_leave_the_server_whole(api: Api) -> None:
    add(api, match=CREATE, connection="reset", times=None)
    barrier = threading.Barrier(8)

    def hit(_: int) -> bytes | None:
        barrier.wait(timeout=10)
        return raw(api)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(hit, range(8))) == [None] * 8
    assert hits(api) == [8]
    assert team(api).status_code == 200
