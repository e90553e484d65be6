"""Creates one follow-up task in Vambe for each deal of a CRM, whatever fails on the way.

Vambe has no idempotency key, and a lost answer does not tell if the task was created. So each task has its deal's
reference in its description, and every attempt first looks for a task with that reference: even the first attempt,
because an earlier run may have created it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from vambe import Task, Vambe, VambeError

PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds after each failed attempt; one attempt follows the last pause
LONGEST_PAUSE = 60.0  # seconds; a deal that has to wait longer is left to the next run

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
        """The text that identifies its task; the brackets keep `[deal:47]` from matching `[deal:4711]`."""
        return f"[deal:{self.number}]"


def sync(vambe: Vambe, deals: Iterable[Deal], sleep: Sleep = time.sleep) -> list[Task]:
    """The follow-up tasks of all deals; missing ones are created.

    Raises NotSynced at the first deal that fails. Nothing is undone: the next run finds the tasks created so far.
    """
    return [follow_up(vambe, deal, sleep) for deal in deals]


def follow_up(vambe: Vambe, deal: Deal, sleep: Sleep = time.sleep) -> Task:
    """The follow-up task of a deal, created if it is missing. Raises NotSynced."""
    try:
        return with_retries(lambda: found(vambe, deal) or vambe.create_task(fields_of(deal)), sleep)
    except VambeError as error:
        raise NotSynced(f"{deal.reference} {error}") from error


def found(vambe: Vambe, deal: Deal) -> Task | None:
    """The existing task of a deal, if any."""
    tasks = vambe.tasks_of(deal.owner_id)
    return next((task for task in tasks if deal.reference in task["description"]), None)


def fields_of(deal: Deal) -> dict[str, Any]:
    """The fields of a deal's task, as Vambe expects them."""
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
    """Retry until success, a permanent error, or the last attempt.

    The pause before the next attempt is at least as long as Vambe asks for, and grows with each failure. An attempt
    must look for the task after the pause, so that a request still on its way has time to arrive.
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
