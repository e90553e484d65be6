"""A request that waits is in the journal from its arrival: pending, and then as what became of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import COMMAND, Api, assert_error, plain_environment, running, served, wait_until

from mockserver import serving
from mockserver.config import Settings
from mockserver.sandbox.waiting import Delay
from mockserver.testing import MockServer

CREATE = {"operation": "createTask"}
LONG, SHORT = 60_000, 50  # milliseconds


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as opened:
        yield opened


@pytest.fixture
def held(api: Api, pool: ThreadPoolExecutor) -> Iterator[Future[httpx.Response]]:
    """A create that waits for a minute, or until the sandbox is reset."""
    delay(api, LONG)
    answer = pool.submit(api.create, title="held", colour="red")
    wait_until(lambda: journal(api))
    yield answer
    release(api)


def delay(api: Api, ms: int, **rule: Any) -> None:
    api.client.post("/__admin/faults", json={"match": CREATE, "delay_ms": ms, **rule}).raise_for_status()


def release(api: Api, *parts: str) -> None:
    """Reset parts of the sandbox, which ends every delay."""
    api.client.post("/__admin/reset", json={"only": list(parts or ("faults",))}).raise_for_status()


def journal(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.client.get("/__admin/requests").raise_for_status().json()["requests"]
    return found


def verify(api: Api, request: dict[str, Any], **times: Any) -> httpx.Response:
    return api.client.post("/__admin/requests/verify", json={"request": request, "times": times or {"at_least": 1}})


def states(api: Api) -> list[tuple[int, str, int | None]]:
    """The id, the state, and the status of each entry."""
    return [(entry["id"], entry["state"], (entry["response"] or {"status": None})["status"]) for entry in journal(api)]


# While it waits.


def test_a_request_that_waits_is_there_without_an_answer(api: Api, held: Future[httpx.Response]) -> None:
    (entry,) = journal(api)
    assert entry["state"] == "pending"
    assert (entry["id"], entry["operation"], entry["request"]["json"]["title"]) == (1, "createTask", "held")
    assert entry["response"] is entry["duration_ms"] is entry["decision"] is None
    assert entry["unread"] == ["colour"]
    assert entry["fault"]["delay_ms"] == LONG
    assert entry["changes"] == entry["inferred"] == entry["problems"] == []
    assert api.client.get("/__admin/requests/1").json() == entry
    assert "run" not in entry


def test_it_counts_but_not_for_a_status(api: Api, held: Future[httpx.Response]) -> None:
    assert verify(api, CREATE, exactly=1).status_code == 200
    assert verify(api, CREATE, never=True).status_code == 409
    assert verify(api, {**CREATE, "json": {"title": "held"}}).status_code == 200
    assert verify(api, {**CREATE, "status": 201}, never=True).status_code == 200
    (miss,) = verify(api, {**CREATE, "status": 201}).json()["near_misses"]
    assert miss["differences"] == [{"field": "status", "expected": 201, "actual": None}]
    assert miss["status"] is None


@pytest.mark.parametrize("how", ["fault", "preference", "settings"])
def test_a_client_that_gave_up_has_sent_it_all_the_same(api: Api, how: str) -> None:
    if how == "fault":
        delay(api, LONG)
    elif how == "preference":
        api.client.headers["prefer"] = f"delay={LONG}"
    else:
        api.client.patch("/__admin/settings", json={"delay_ms": LONG})
    with pytest.raises(httpx.ReadTimeout):
        api.client.post("/api/public/tasks", json={}, timeout=0.3)
    assert verify(api, CREATE, never=True).status_code == 409
    assert states(api) == [(1, "pending", None)]
    release(api)


def test_the_test_library_knows_it_too() -> None:
    with MockServer() as mock, Api(mock.base_url, mock.api_key).client as client:
        mock.delay("createTask", ms=LONG)
        with pytest.raises(httpx.ReadTimeout):
            client.post("/api/public/tasks", json={"colour": "red"}, timeout=0.3)
        with pytest.raises(AssertionError, match=r"came: #1  POST /api/public/tasks  pending"):
            mock.verify("createTask", times=0)
        (entry,) = mock.requests("createTask")
        assert entry["state"] == "pending"
        with pytest.raises(AssertionError, match="colour"):
            mock.assert_nothing_unread()
        assert "POST /api/public/tasks  pending  (createTask)" in mock.explain()
        mock.reset(only=["faults"])


def test_a_verification_that_waits_sees_it_arrive(api: Api, pool: ThreadPoolExecutor) -> None:
    delay(api, LONG)
    expected = {"request": CREATE, "timeout_ms": LONG}
    verifying = pool.submit(api.client.post, "/__admin/requests/verify", json=expected)
    answer = pool.submit(api.create)
    assert verifying.result(timeout=10).json() == {"passed": True, "actual": 1}
    assert not answer.done()
    release(api)


@pytest.mark.parametrize(
    "expected",
    [
        {"request": {**CREATE, "status": 201}, "times": {"exactly": 1}},
        {"request": {**CREATE, "status": 201}},
        {"sequence": [{**CREATE, "status": 201}, {"operation": "listTasks"}]},
    ],
    ids=json.dumps,
)
def test_a_verification_that_waits_for_its_status_sees_it_answered(
    api: Api, pool: ThreadPoolExecutor, expected: dict[str, Any]
) -> None:
    api.listed()
    delay(api, 300)
    answer = pool.submit(api.create)
    wait_until(lambda: len(journal(api)) == 2)
    api.listed()
    verified = api.client.post("/__admin/requests/verify", json={**expected, "timeout_ms": 10_000}).json()
    assert verified == {"passed": True, "actual": len(expected.get("sequence", "1"))}
    assert answer.result(timeout=10).status_code == 201


# What becomes of it.


def test_its_entry_keeps_its_id_its_times_and_its_place(api: Api, pool: ThreadPoolExecutor) -> None:
    api.client.put("/__admin/clock", json={"mode": "ticking"})
    delay(api, SHORT)
    answer = pool.submit(api.create, title="held")
    wait_until(lambda: journal(api))
    (pending,) = journal(api)
    task = api.created(title="other")
    done = answer.result(timeout=10)
    assert (done.status_code, done.headers["X-Mock-Request-Id"]) == (201, "1")
    first, second = journal(api)
    assert [first["id"], first["state"], second["id"]] == [1, "answered", 2]
    for part in ("at", "received_at", "operation", "request", "unread"):
        assert first[part] == pending[part]
    assert (first["response"]["status"], first["response"]["json"]) == (201, done.json())
    assert first["duration_ms"] >= SHORT
    assert first["decision"]["rule"] == "mock-fault" if first["fault"]["status"] else "success-status"
    assert [change["after"]["title"] for change in first["changes"]] == ["held"]
    assert second["response"]["json"] == task
    assert verify(api, CREATE, exactly=2).status_code == 200


def test_a_request_whose_answer_is_held_back_has_changed_something_already(api: Api, pool: ThreadPoolExecutor) -> None:
    delay(api, LONG, when="after", status=503)
    answer = pool.submit(api.create, title="held")
    wait_until(lambda: journal(api))
    (entry,) = journal(api)
    assert (entry["state"], entry["response"], entry["duration_ms"]) == ("pending", None, None)
    assert [change["after"]["title"] for change in entry["changes"]] == ["held"]
    assert [task["title"] for task in api.listed()] == ["held"]
    release(api)
    assert_error(answer.result(timeout=10), 503)
    assert journal(api)[0]["changes"] == entry["changes"]


@pytest.mark.parametrize("connection", ["reset", "empty", "truncate", "garbage"])
@pytest.mark.parametrize("delay_ms", [0, SHORT])
@pytest.mark.parametrize("when", ["before", "after"])
def test_of_a_broken_connection_it_is_lost(api: Api, when: str, delay_ms: int, connection: str) -> None:
    delay(api, delay_ms, when=when, connection=connection)
    with pytest.raises(httpx.TransportError):
        api.create()
    (entry,) = journal(api)
    assert (entry["state"], entry["response"]["status"] is None) == ("lost", connection != "truncate")
    assert len(entry["changes"]) == (when == "after")


def test_an_answer_without_a_delay_is_answered_at_once(api: Api) -> None:
    api.created()
    assert_error(api.create(title=""), 400)
    assert states(api) == [(1, "answered", 201), (2, "answered", 400)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_released_request_is_answered_with_its_503(api: Api, when: str, pool: ThreadPoolExecutor) -> None:
    delay(api, LONG, when=when)
    answer = pool.submit(api.create)
    wait_until(lambda: journal(api))
    release(api, "tasks")
    released = answer.result(timeout=10)
    assert released.headers["X-Mock-Request-Id"] == "1"
    (entry,) = journal(api)
    assert (entry["state"], entry["response"]["status"]) == ("answered", 503)
    assert entry["response"]["json"]["message"] == assert_error(released, 503)["message"]
    assert api.listed() == []


@pytest.mark.parametrize("parts", [("journal",), ("tasks", "journal")])
def test_of_a_released_request_a_new_journal_knows_nothing(
    api: Api, held: Future[httpx.Response], parts: tuple[str, ...]
) -> None:
    release(api, *parts)
    released = held.result(timeout=10)
    assert_error(released, 503)
    assert "X-Mock-Request-Id" not in released.headers
    assert journal(api) == []
    assert api.create().headers["X-Mock-Request-Id"] == "1"


@pytest.mark.parametrize("wait", ["begins", "ends"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_sandbox_that_is_deleted_when_the_wait_of_its_request_begins_or_ends_is_a_503_that_names_no_other(
    when: str, wait: str
) -> None:
    with serving.bound_server(Settings(port=0)) as (server, engine, _):
        server.start()
        other, gone = Api(server.url, "test_other"), Api(server.url, "test_gone")
        with other.client, gone.client:
            other.create()
            delay(gone, LONG if wait == "begins" else SHORT, when=when)
            begin = engine.waiting.delay

            def deleting(*given: Any) -> Delay:
                if wait == "begins":
                    engine.sandboxes.delete("gone")
                begun = begin(*given)
                if wait == "ends":
                    start = begun.start
                    begun.start = lambda resume: start(lambda: delete_and(resume))  # type: ignore[method-assign]
                return begun

            def delete_and(resume: Callable[[], None]) -> None:
                engine.sandboxes.delete("gone")
                resume()

            engine.waiting.delay = deleting  # type: ignore[method-assign]
            released = gone.create()
            assert "other" not in assert_error(released, 503)["message"]
            assert released.headers["X-Mock-Limit"] == "released"
            assert engine.sandboxes.names() == ["default", "other"]


def test_a_request_that_is_released_with_its_sandbox_does_not_bring_it_back(
    api: Api, held: Future[httpx.Response]
) -> None:
    name = api.key.removeprefix("test_")
    api.client.delete(f"/__admin/sandboxes/{name}").raise_for_status()
    assert_error(held.result(timeout=10), 503)
    assert name not in [each["name"] for each in api.client.get("/__admin/sandboxes").json()["sandboxes"]]


def test_one_for_which_there_is_no_room_to_wait_is_answered_too(pool: ThreadPoolExecutor) -> None:
    with running(max_delayed=1) as url, contextlib.ExitStack() as stack:
        actors = [Api(url, "test_a") for _ in range(3)]
        for actor in actors:
            stack.enter_context(actor.client)
        delay(actors[0], LONG, times=None)
        waiting = [pool.submit(actor.create) for actor in actors[1:]]
        wait_until(lambda: any(answer.done() for answer in waiting))
        assert sorted(state for _, state, _ in states(actors[0])) == ["answered", "pending"]
        release(actors[0])
        assert {answer.result(timeout=10).status_code for answer in waiting} == {503}


def test_a_request_that_outlasts_the_clearing_of_the_journal_is_in_it_again_with_its_effects(
    api: Api, pool: ThreadPoolExecutor
) -> None:
    api.list()
    delay(api, 300)
    answer = pool.submit(api.create)
    wait_until(lambda: len(journal(api)) == 2)
    api.client.delete("/__admin/requests").raise_for_status()
    assert answer.result(timeout=10).headers["X-Mock-Request-Id"] == "3"
    assert states(api) == [(3, "answered", 201)]


def test_a_request_that_outlasts_its_place_in_the_journal_is_counted_as_dropped(pool: ThreadPoolExecutor) -> None:
    with running(journal_limit=5) as url:
        api, other = Api(url, "test_a"), Api(url, "test_a")
        delay(api, LONG)
        answer = pool.submit(other.create)
        wait_until(lambda: journal(api))
        for _ in range(5):
            api.listed()
        release(api, "tasks")
        assert_error(answer.result(timeout=10), 503)
        assert [entry["id"] for entry in journal(api)] == [2, 3, 4, 5, 6]
        assert api.client.get("/__admin/requests").json()["dropped"] == 1
        for actor in (api, other):
            actor.client.close()


def test_entries_that_grow_with_their_answers_stay_within_the_size_of_the_journal(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mockserver.journal.journal.MAX_BYTES", 600_000)

    def counted(api: Api) -> tuple[list[int], int]:
        found = api.client.get("/__admin/requests").json()
        assert len(json.dumps(found["requests"])) < 640_000
        return [entry["id"] for entry in found["requests"]], found["dropped"]

    settings = Settings(port=0, threads=32, database=tmp_path / "world.db")
    with serving.bound_server(settings) as (server, *_), contextlib.ExitStack() as stack:
        server.start()
        actors = [Api(server.url, "test_a") for _ in range(9)]
        for actor in actors:
            stack.enter_context(actor.client)
        delay(actors[0], 1000, times=None)
        answers = [pool.submit(actor.create, title="x" * 40_000) for actor in actors[1:]]
        assert {answer.result(timeout=20).status_code for answer in answers} == {201}
        kept, dropped = counted(actors[0])
        assert dropped > 0
        assert (kept[0], kept[-1]) == (dropped + 1, 8)
    with running(database=tmp_path / "world.db") as url:
        api = Api(url, "test_a")
        assert counted(api) == (kept, dropped)
        assert api.list().headers["X-Mock-Request-Id"] == "9"
        api.client.close()


def test_what_was_pending_when_a_server_was_killed_is_abandoned_at_the_next_start(tmp_path: Path) -> None:
    database = tmp_path / "world.db"
    with served("--database", database) as server, Api(server.url, "test_a").client as client:
        api = Api(server.url, "test_a")
        delay(api, LONG)
        with pytest.raises(httpx.ReadTimeout):
            client.post("/api/public/tasks", json={}, timeout=0.3)
        assert states(api) == [(1, "pending", None)]
        api.client.close()
        server.process.kill()
    with running(database=database) as url:
        api = Api(url, "test_a")
        assert states(api) == [(1, "abandoned", None)]
        assert verify(api, CREATE, exactly=1).status_code == 200
        page = api.client.get("/__admin/console/requests/1?sandbox=a").text
        assert "The server stopped before it was answered." in page
        api.created()
        assert states(api) == [(1, "abandoned", None), (2, "answered", 201)]
        api.client.close()


def test_the_end_of_a_server_answers_what_waits(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    database = tmp_path / "world.db"
    with running(database=database) as url:
        api, other = Api(url, "test_a"), Api(url, "test_a")
        delay(api, LONG)
        answer = pool.submit(other.create)
        wait_until(lambda: journal(api))
        api.client.close()
    assert_error(answer.result(timeout=10), 503)
    other.client.close()
    with running(database=database) as url:
        api = Api(url, "test_a")
        assert states(api) == [(1, "answered", 503)]
        api.client.close()


# Who hears of it.


def test_both_of_its_states_are_events(api: Api, pool: ThreadPoolExecutor) -> None:
    api.list()
    other = Api(api.url, api.key)
    with other.client, api.client.stream("GET", "/__admin/events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(":")
        delay(other, SHORT)
        answer = pool.submit(other.create, title="held")
        heard = _events(lines, until=lambda events: [kind for kind, _ in events].count("request") == 2)
        assert answer.result(timeout=10).status_code == 201
    assert [kind for kind, _ in heard if kind != "state"] == ["request", "request"]
    pending, answered = [data for kind, data in heard if kind == "request"]
    assert (pending["id"], pending["state"], pending["response"]) == (2, "pending", None)
    assert (answered["id"], answered["state"], answered["response"]["status"]) == (2, "answered", 201)
    assert "run" not in pending


def _events(lines: Iterator[str], until: Callable[[list[tuple[str, Any]]], bool]) -> list[tuple[str, Any]]:
    events: list[tuple[str, Any]] = []
    kind = ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            events.append((kind, json.loads(value)))
            if until(events):
                break
    return events


def test_requests_follow_prints_it_once_when_it_is_answered(api: Api) -> None:
    delay(api, LONG)
    name = api.key.removeprefix("test_")
    with contextlib.suppress(httpx.ReadTimeout):
        api.client.post("/api/public/tasks", json={}, timeout=0.3)
    line = [*COMMAND, "requests", "--follow", "--url", api.url, "--sandbox", name]
    with subprocess.Popen(line, env=plain_environment(), stdout=-1, stderr=-1, encoding="utf-8") as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "#1  09:00:00  POST /api/public/tasks  pending  (createTask)\n"
            process.stdout.readline()
            delay(api, SHORT)
            api.created()
            assert process.stdout.readline() == "#2  09:00:00  POST /api/public/tasks  201  (createTask)\n"
        finally:
            process.kill()
    release(api)


def test_the_console_shows_it_as_pending(api: Api, held: Future[httpx.Response]) -> None:
    name = api.key.removeprefix("test_")
    for query in ("", "&status=pending"):
        page = api.client.get(f"/__admin/console/requests?sandbox={name}{query}").text
        assert '<td class="status pending">pending</td>' in page
    for status in ("no answer", "2xx", "refused", "abandoned", "503"):
        page = api.client.get("/__admin/console/requests", params={"sandbox": name, "status": status}).text
        assert "No request matches" in page
    page = api.client.get(f"/__admin/console/requests/1?sandbox={name}").text
    assert "It waits for its answer, which appears here." in page


def test_exec_says_that_a_request_still_waits() -> None:
    shell = (
        "curl -s $VAMBE_API_URL/__admin/settings -X PATCH -H 'content-type: application/json' "
        "-d '{\"delay_ms\": 60000}' >&2; "
        'curl -s -m 0.3 $VAMBE_API_URL/api/public/team-members/all -H "x-api-key: $VAMBE_API_KEY"; exit 1'
    )
    line = [*COMMAND, "exec", "--", "sh", "-c", shell]
    ended = subprocess.run(line, env=plain_environment(), capture_output=True, encoding="utf-8", timeout=30)
    assert "requests in the journal: 1, refused: none, waiting for an answer: 1\n" in ended.stderr
    assert "#1  09:00:00  GET /api/public/team-members/all  pending  (listTeamMembers)\n" in ended.stderr
