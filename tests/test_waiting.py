"""Waiting: real time passes, a reset or the end of the server ends it, and nobody else pays for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import freezegun
import httpx
import pytest
from support import Api, assert_error, wait_until

from mockserver import serving
from mockserver.clock import monotonic
from mockserver.config import Settings
from mockserver.errors import ServiceUnavailable
from mockserver.sandbox.waiting import Delay, Released, Waiting, never
from mockserver.server import leader_followers

LONG = 60.0


def pause(waiting: Waiting, sandbox: str, seconds: float, outdated: Callable[[], bool]) -> None:
    delay = waiting.delay(sandbox, seconds, outdated)
    delay.wait()
    if delay.released:
        raise Released


class Entered:
    """A condition that never holds, and tells when it has been looked at."""

    def __init__(self) -> None:
        self.looks = threading.Semaphore(0)

    def __call__(self) -> bool:
        self.looks.release()
        return False

    def wait(self) -> None:
        assert self.looks.acquire(timeout=10)


@pytest.fixture
def waiting() -> Waiting:
    return Waiting(threads=5)


def test_a_pause_lasts_as_long_as_it_says(waiting: Waiting) -> None:
    started = monotonic()
    pause(waiting, "a", 0.05, never)
    assert monotonic() - started >= 0.05


def test_a_frozen_clock_does_not_make_a_pause_longer(waiting: Waiting) -> None:
    with freezegun.freeze_time("2030-01-01"):
        pause(waiting, "a", 0.01, never)
        assert waiting.until("a", never, 0.01) is False


def test_a_release_ends_the_pauses_of_its_sandbox_and_no_others(waiting: Waiting) -> None:
    mine, theirs = Entered(), Entered()
    with ThreadPoolExecutor(2) as pool:
        released = pool.submit(pause, waiting, "a", LONG, mine)
        kept = pool.submit(pause, waiting, "b", LONG, theirs)
        mine.wait()
        theirs.wait()
        waiting.release("a")
        assert isinstance(released.exception(timeout=10), Released)
        assert not kept.done()
        waiting.release("b")
        assert isinstance(kept.exception(timeout=10), Released)


def test_what_is_outdated_before_it_waits_is_released_at_once(waiting: Waiting) -> None:
    with pytest.raises(Released):
        pause(waiting, "a", LONG, lambda: True)


def test_a_delay_whose_sandbox_cannot_be_read_ends_at_once(waiting: Waiting, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> bool:
        raise OSError("too many open files")

    with pytest.raises(Released):
        pause(waiting, "a", LONG, broken)
    assert not waiting.is_awaited("a")
    assert "its sandbox cannot be read" in caplog.text


def test_an_event_does_not_end_a_pause(waiting: Waiting) -> None:
    entered = Entered()
    with ThreadPoolExecutor(1) as pool:
        paused = pool.submit(pause, waiting, "a", LONG, entered)
        entered.wait()
        waiting.announce("a", "request", dict)
        assert not paused.done()
        waiting.release("a")
        assert isinstance(paused.exception(timeout=10), Released)


def test_a_condition_is_looked_at_again_after_each_event_of_its_sandbox(waiting: Waiting) -> None:
    entered = Entered()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(waiting.until, "a", entered, LONG)
        for _ in range(3):
            entered.wait()
            waiting.announce("b", "request", dict)
            assert not entered.looks.acquire(blocking=False)
            waiting.announce("a", "request", dict)
        entered.wait()
        assert not answer.done()
        waiting.stop()
        assert answer.result(timeout=10) is False


def test_an_event_while_the_condition_is_looked_at_is_not_missed(waiting: Waiting) -> None:
    happened = False

    def look() -> bool:
        nonlocal happened
        if happened:
            return True
        happened = True
        waiting.announce("a", "request", dict)  # just after the look, just before the wait
        return False

    assert waiting.until("a", look, LONG) is True


def test_past_the_limit_nobody_may_wait_until_a_place_is_free(waiting: Waiting) -> None:
    entered = Entered()
    with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as ending, waiting.reader("b"):
        ending.callback(waiting.stop)
        answer = pool.submit(waiting.until, "a", entered, LONG)
        entered.wait()
        with pytest.raises(ServiceUnavailable, match="2 verifications and event streams"):
            waiting.until("c", never, 0)
        with pytest.raises(ServiceUnavailable), waiting.reader("c"):
            pass
        waiting.release("a")  # ends delays, not verifications
        assert not answer.done()
        waiting.stop()
        answer.result(timeout=10)
    assert waiting.until("c", lambda: True, 0) is True


def test_a_reader_gets_the_events_of_its_sandbox_in_their_order(waiting: Waiting) -> None:
    with waiting.reader("a") as read, waiting.reader("b") as other:
        for number in range(3):
            waiting.announce("a", "request", lambda number=number: {"id": number})
        assert [read(0) for _ in range(4)] == [
            ("request", {"id": 0}),
            ("request", {"id": 1}),
            ("request", {"id": 2}),
            None,
        ]
        assert other(0) is None


def test_a_slow_reader_loses_the_oldest_events_and_stops_nobody(waiting: Waiting) -> None:
    with waiting.reader("a") as slow:
        for number in range(1500):
            waiting.announce("a", "request", lambda number=number: {"id": number})
        got = [slow(0) for _ in range(1001)]
    assert got[-1] is None
    assert [event[1]["id"] for event in got[:-1] if event] == list(range(500, 1500))


def test_an_event_that_nobody_reads_is_not_even_made(waiting: Waiting) -> None:
    def made() -> dict[str, Any]:
        raise AssertionError

    waiting.announce("a", "request", made)
    entered = Entered()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(waiting.until, "a", entered, LONG)
        entered.wait()
        waiting.announce("a", "request", made)
        entered.wait()
        waiting.stop()
        answer.result(timeout=10)


def test_the_end_ends_every_wait_now_and_from_now_on(waiting: Waiting) -> None:
    paused, verified = Entered(), Entered()
    with ThreadPoolExecutor(3) as pool:
        paused_one = pool.submit(pause, waiting, "a", LONG, paused)
        verification = pool.submit(waiting.until, "a", verified, LONG)
        paused.wait()
        verified.wait()
        with waiting.reader("a") as read:
            event = pool.submit(read, LONG)
            waiting.stop()
            assert isinstance(event.exception(timeout=10), Released)
        assert isinstance(paused_one.exception(timeout=10), Released)
        assert verification.result(timeout=10) is False
    with pytest.raises(Released):
        pause(waiting, "a", LONG, never)
    assert waiting.until("a", never, LONG) is False


def test_a_reset_between_the_hit_of_a_delay_and_its_wait_releases_it_too() -> None:
    with serving.bound_server(Settings(port=0, threads=4)) as (server, mock, _):
        server.start()
        api, delay = Api(server.url, "test_a"), mock.waiting.delay

        def late(sandbox: str, seconds: float, outdated: Callable[[], bool], *rest: Any) -> Delay:
            api.client.post("/__admin/reset").raise_for_status()
            return delay(sandbox, seconds, outdated, *rest)

        mock.waiting.delay = late  # type: ignore[method-assign]
        with Api(server.url, "test_a").client as client:
            for when in ("before", "after"):
                rule = {"when": when, "delay_ms": 60_000, "match": {"operation": "listTeamMembers"}}
                client.post("/__admin/faults", json=rule).raise_for_status()
                assert_error(client.get("/api/public/team-members/all"), 503)
        api.client.close()


def test_a_reset_just_after_a_delay_has_passed_is_in_time_too() -> None:
    with serving.bound_server(Settings(port=0, threads=4)) as (server, mock, _):
        server.start()
        api, other = Api(server.url, "test_a"), Api(server.url, "test_a")
        delay = mock.waiting.delay

        def passed(sandbox: str, *_: object) -> Delay:
            other.client.post("/__admin/reset").raise_for_status()
            return delay(sandbox, 0)

        mock.waiting.delay = passed  # type: ignore[method-assign,assignment]
        rule = {"delay_ms": 60_000, "match": {"operation": "createTask"}}
        api.client.post("/__admin/faults", json=rule).raise_for_status()
        assert_error(api.create(), 503)
        assert api.listed() == []
        assert api.client.get("/__admin/requests").json()["total"] == 1
        for actor in (api, other):
            actor.client.close()


def test_thirty_delays_and_thirty_verifications_leave_room_for_others() -> None:
    with serving.bound_server(Settings(port=0)) as (server, *_), ThreadPoolExecutor(60) as pool:
        server.start()
        slow, quick = Api(server.url, "test_slow"), Api(server.url, "test_quick")
        rule = {"match": {"operation": "createTask"}, "delay_ms": 60_000, "times": None}
        slow.client.post("/__admin/faults", json=rule).raise_for_status()
        expected = {"request": {"operation": "listTasks"}, "timeout_ms": 60_000}
        delayed = [pool.submit(slow.create) for _ in range(30)]
        verifying = [pool.submit(slow.client.post, "/__admin/requests/verify", json=expected) for _ in range(30)]
        wait_until(lambda: slow.client.get("/__admin/faults").json()["faults"][0]["hits"] == 30)
        for _ in range(20):
            quick.created()
        assert not any(answer.done() for answer in [*delayed, *verifying])
        slow.listed()
        assert {answer.result(timeout=10).status_code for answer in verifying} == {200}
        slow.client.post("/__admin/reset").raise_for_status()
        assert {answer.result(timeout=10).status_code for answer in delayed} == {503}
        for actor in (slow, quick):
            actor.client.close()


@pytest.mark.parametrize("kind", ["delay", "verification", "events"])
def test_who_waits_lets_others_go_on_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader_followers, "_PATIENCE", LONG)  # nobody is relieved because time has passed
    with serving.bound_server(Settings(port=0)) as (server, mock, _), ThreadPoolExecutor(1) as pool:
        server.start()
        with Api(server.url, "test_default").client as client, Api(server.url, "test_other").client as other:
            client.post("/__admin/faults", json={"delay_ms": 60_000, "match": {"operation": "listTasks"}})

            def wait() -> None:
                with contextlib.suppress(httpx.HTTPError):
                    if kind == "delay":
                        client.get("/api/public/tasks")
                    elif kind == "verification":
                        expected = {"request": {"path": "/never"}, "timeout_ms": 60_000}
                        client.post("/__admin/requests/verify", json=expected)
                    else:
                        client.get("/__admin/events")

            waiting = pool.submit(wait)
            wait_until(lambda: mock.waiting.is_awaited("default"))
            assert other.get("/api/public/team-members/all").status_code == 200
            assert not waiting.done()
            mock.release()
