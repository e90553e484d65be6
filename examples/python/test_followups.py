"""The sync against the mock: its requests, and one task for each deal, whatever fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timezone

import pytest
from mockserver.testing import Failure, VambeMock, failures

from conftest import Connect
from followups import PAUSES, Deal, NotSynced, sync
from vambe import Vambe, VambeError, seconds_to_wait

MARIA = "228d7a0d-9072-4ca8-939b-959b75cc606a"  # the first user of the mock's fixtures
CARLOS = "338e8b1e-8183-5db9-a4ab-a6ab86dd717b"
DEAL = Deal(4711, "Viña Quebrada", MARIA, date(2025, 12, 1))

REFUSALS = (400, 401, 404, 413, 415)  # permanent errors


def titles(vambe_mock: VambeMock) -> list[str]:
    """The titles of all tasks."""
    return [task["title"] for task in vambe_mock.tasks]


def test_each_deal_gets_a_task(vambe_mock: VambeMock, vambe: Vambe) -> None:
    other = Deal(4712, "Clínica Sonrisa", CARLOS, date(2025, 12, 2))
    tasks = sync(vambe, [DEAL, other])
    assert titles(vambe_mock) == ["Follow up with Viña Quebrada", "Follow up with Clínica Sonrisa"]
    assert [task["due_at"] for task in tasks] == ["2025-12-01T12:00:00.000Z", "2025-12-02T12:00:00.000Z"]


def test_vambe_is_sent_what_it_asks_for_and_nothing_else(vambe_mock: VambeMock, vambe: Vambe) -> None:
    sync(vambe, [DEAL])
    vambe_mock.verify(
        "createTask",
        times=1,
        status=201,
        json={"responsibleIds": [MARIA], "dueDate": "2025-12-01", "dueTime": "09:00", "timezone": "America/Santiago"},
    )
    vambe_mock.verify_sequence({"operation": "listTasks", "query": {"responsibleIds": MARIA}}, "createTask")
    vambe_mock.assert_nothing_unread()


def test_a_second_run_makes_no_second_task(vambe_mock: VambeMock, vambe: Vambe) -> None:
    first, second = sync(vambe, [DEAL]), sync(vambe, [DEAL])
    assert first == second
    vambe_mock.verify("createTask", times=1)


def test_a_task_is_found_when_its_deal_has_moved_to_another_day(vambe_mock: VambeMock, vambe: Vambe) -> None:
    sync(vambe, [DEAL])
    sync(vambe, [replace(DEAL, follow_up_on=date(2026, 3, 2))])
    vambe_mock.verify("createTask", times=1)


def test_a_deal_is_not_taken_for_one_whose_number_begins_like_its_own(vambe_mock: VambeMock, vambe: Vambe) -> None:
    sync(vambe, [DEAL, replace(DEAL, number=47)])
    assert len(vambe_mock.tasks) == 2


@pytest.mark.parametrize("failure", failures("createTask"))
def test_whatever_fails_once_there_is_one_task_in_the_end(
    vambe_mock: VambeMock, vambe: Vambe, pauses: list[float], failure: Failure
) -> None:
    vambe_mock.apply(failure)
    if failure.status in REFUSALS:
        with pytest.raises(NotSynced, match=rf"^\[deal:4711\] {failure.status} "):
            sync(vambe, [DEAL], pauses.append)
        assert not vambe_mock.tasks
        assert not pauses
    sync(vambe, [DEAL], pauses.append)
    assert titles(vambe_mock) == ["Follow up with Viña Quebrada"]


def test_when_the_look_fails_nothing_is_made_before_it_has_succeeded(
    vambe_mock: VambeMock, vambe: Vambe, pauses: list[float]
) -> None:
    vambe_mock.fail("listTasks", 500)
    vambe_mock.drop("listTasks")
    sync(vambe, [DEAL], pauses.append)
    vambe_mock.verify_sequence("listTasks", "listTasks", {"operation": "listTasks", "status": 200}, "createTask")
    vambe_mock.verify("createTask", times=1)


def test_a_page_of_a_proxy_is_not_taken_for_an_answer(vambe_mock: VambeMock, vambe: Vambe, pauses: list[float]) -> None:
    vambe_mock.fail("listTasks", 200, body="<html>")
    sync(vambe, [DEAL], pauses.append)
    assert pauses == [0.5]
    vambe_mock.verify("createTask", times=1)


def test_a_lost_answer_makes_one_task_and_not_two(vambe_mock: VambeMock, vambe: Vambe, pauses: list[float]) -> None:
    lost = vambe_mock.drop("createTask", when="after")
    (task,) = sync(vambe, [DEAL], pauses.append)
    assert lost.hits == 1
    assert [made["id"] for made in vambe_mock.tasks] == [task["id"]]
    vambe_mock.verify("createTask", times=1)
    vambe_mock.verify_sequence("listTasks", "createTask", "listTasks")


def test_an_error_that_comes_after_the_task_was_made_makes_no_second_one(
    vambe_mock: VambeMock, vambe: Vambe, pauses: list[float]
) -> None:
    vambe_mock.fail("createTask", 503, when="after")
    sync(vambe, [DEAL], pauses.append)
    assert len(vambe_mock.tasks) == 1
    assert pauses == [0.5]


def test_an_answer_that_comes_too_late_makes_no_second_task(
    vambe_mock: VambeMock, connect: Connect, pauses: list[float]
) -> None:
    vambe_mock.delay("createTask", ms=5_000, when="after")
    sync(connect(0.5), [DEAL], pauses.append)
    assert pauses
    assert len(vambe_mock.tasks) == 1


def test_a_request_that_vambe_still_works_on_has_the_pause_to_arrive(
    vambe_mock: VambeMock, connect: Connect, pauses: list[float]
) -> None:
    slow = vambe_mock.delay("createTask", ms=400)

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if slow.hits:
            vambe_mock.verify("createTask", timeout=10)

    sync(connect(0.2), [DEAL], pause)
    assert pauses
    assert len(vambe_mock.tasks) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_vambe_is_left_alone_for_as_long_as_it_asks(
    vambe_mock: VambeMock, vambe: Vambe, pauses: list[float], status: int
) -> None:
    vambe_mock.fail("createTask", status, headers={"Retry-After": "7"}, times=2)
    sync(vambe, [DEAL], pauses.append)
    assert pauses == [7.0, 7.0]


def test_the_rate_limit_is_waited_for(vambe_mock: VambeMock, vambe: Vambe) -> None:
    vambe_mock.configure(rate_limit={"requests": 1, "seconds": 60})
    sync(vambe, [DEAL], sleep=lambda seconds: vambe_mock.configure(rate_limit=None))
    vambe_mock.verify("createTask", times=1, status=201)
    vambe_mock.verify("createTask", times=1, status=429)


def test_who_is_asked_to_wait_for_very_long_gives_up_at_once(
    vambe_mock: VambeMock, vambe: Vambe, pauses: list[float]
) -> None:
    vambe_mock.fail("createTask", 503, headers={"Retry-After": "86400"})
    with pytest.raises(NotSynced):
        sync(vambe, [DEAL], pauses.append)
    assert not pauses


def test_an_outage_ends_the_run_after_five_attempts_with_longer_and_longer_pauses(
    vambe_mock: VambeMock, vambe: Vambe, pauses: list[float]
) -> None:
    vambe_mock.fail(status=503, times=None)
    with pytest.raises(NotSynced) as raised:
        sync(vambe, [DEAL], pauses.append)
    assert isinstance(raised.value.__cause__, VambeError)
    assert raised.value.__cause__.status == 503
    assert pauses == list(PAUSES)
    vambe_mock.verify("listTasks", times=5)


def test_a_run_that_was_broken_off_is_completed_by_the_next(vambe_mock: VambeMock, vambe: Vambe) -> None:
    deals = [replace(DEAL, number=number, customer=f"customer {number}") for number in (1, 2, 3)]
    vambe_mock.fail("createTask", 400, skip=1)
    with pytest.raises(NotSynced, match=r"^\[deal:2\]"):
        sync(vambe, deals)
    sync(vambe, deals)
    assert titles(vambe_mock) == ["Follow up with customer 1", "Follow up with customer 2", "Follow up with customer 3"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("7", 7),
        ("Wed, 26 Nov 2025 09:00:30 GMT", 30),
        ("Wed, 26 Nov 2025 08:00:00 GMT", 0),
        ("soon", 0),
    ],
)
def test_retry_after_may_be_a_number_or_a_date(header: str, seconds: float) -> None:
    assert seconds_to_wait(header, datetime(2025, 11, 26, 9, tzinfo=timezone.utc)) == seconds
