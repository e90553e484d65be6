"""Gives each deal of a CRM its follow-up task in Vambe: one, whatever fails on the way.

Vambe has no idempotency key, and an answer that is lost does not say whether the task was made. So each task carries
its deal's reference in its description, and every attempt begins with a look whether a task with it is there already:
the first one too, for there may have been an earlier run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from vambe import Task, Vambe, VambeError

PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds after each attempt that failed; the one after the last pause is the last
LONGEST_PAUSE = 60.0  # who is asked to wait for longer leaves the deal to the next run

Sleep = Callable[[float], object]
T = TypeVar("T")


class NotSynced(Exception):
    """A deal has no follow-up task; the VambeError that is its cause says why."""


@dataclass(frozen=True)
class Deal:
    """A deal of the CRM; its owner is a user of Vambe."""

    number: int
    customer: str
    owner_id: str
    follow_up_on: date

    @property
    def reference(self) -> str:
        """What its task is found by. The brackets keep `[deal:47]` from being found in `[deal:4711]`."""
        return f"[deal:{self.number}]"


def sync(vambe: Vambe, deals: Iterable[Deal], sleep: Sleep = time.sleep) -> list[Task]:
    """The follow-up tasks of all deals, those made that were missing.

    Raises NotSynced at the first deal that fails. Nothing is undone then: the next run finds what this one has made.
    """
    return [follow_up(vambe, deal, sleep) for deal in deals]


def follow_up(vambe: Vambe, deal: Deal, sleep: Sleep = time.sleep) -> Task:
    """The follow-up task of a deal, made if it is missing. Raises NotSynced."""
    try:
        return with_retries(lambda: found(vambe, deal) or vambe.create_task(fields_of(deal)), sleep)
    except VambeError as error:
        raise NotSynced(f"{deal.reference} {error}") from error


def found(vambe: Vambe, deal: Deal) -> Task | None:
    """The task that a deal has already."""
    tasks = vambe.tasks_of(deal.owner_id)
    return next((task for task in tasks if deal.reference in task["description"]), None)


def fields_of(deal: Deal) -> dict[str, Any]:
    """A deal as Vambe takes a task."""
    return {
        "title": f"Follow up with {deal.customer}",
        "description": f"From the CRM {deal.reference}",
        "responsibleIds": [deal.owner_id],
        "priority": "1",
        "dueDate": deal.follow_up_on.isoformat(),
        "dueTime": "09:00",
        "timezone": "America/Santiago",
    }


def with_retries(attempt: Callable[[], T], sleep: Sleep) -> T:
    """Try until it succeeds, the error is none that passes, or there are no more attempts.

    Before the next attempt comes a pause: as long as Vambe asks for, and longer after each failure. An attempt that
    begins with a look must come after it, so that a request that is still on its way has the time to arrive.
    """
    for pause in PAUSES:
        try:
            return attempt()
        except VambeError as error:
            wait = max(pause, error.retry_after)
            if not error.may_pass or wait > LONGEST_PAUSE:
                raise
        sleep(wait)
    return attempt()
