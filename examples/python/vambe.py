"""The part of Vambe's API that the sync uses, for any HTTP library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

Task = dict[str, Any]

TASKS = "/api/public/tasks"
KEY_HEADER = "x-api-key"


class Vambe(Protocol):
    """A client of Vambe's API. Its calls raise VambeError."""

    def tasks_of(self, user_id: str) -> list[Task]:
        """The tasks that a user is responsible for."""

    def create_task(self, fields: Mapping[str, Any]) -> Task:
        """Create a task, and return it."""


class VambeError(Exception):
    """Vambe refused a request, with `status`; or no readable answer came: then `status` is None.

    `retry_after` is the number of seconds that Vambe asks to wait.
    """

    def __init__(self, message: str, status: int | None = None, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after

    @property
    def may_pass(self) -> bool:
        """True when the same request may succeed later."""
        return self.status is None or self.status in (408, 429) or self.status >= 500


def every_task_of(user_id: str) -> dict[str, str]:
    """The query for all tasks of a user: a task that somebody has moved to another day is still the same task."""
    return {"responsibleIds": user_id, "fromDate": "2000-01-01", "toDate": "2099-12-31"}


def document_of(status: int, headers: Mapping[str, str], text: str) -> Any:
    """The document in an answer; VambeError when it is a refusal or not JSON."""
    if status >= 400:
        wait = seconds_to_wait(headers.get("Retry-After", ""), datetime.now(timezone.utc))
        raise VambeError(f"{status} {text}", status, wait)
    try:
        return json.loads(text)
    except ValueError as error:
        raise VambeError(f"{status}, but the answer is no JSON: {text[:200]}") from error


def seconds_to_wait(retry_after: str, now: datetime) -> float:
    """The seconds that a Retry-After header asks for, as a number or as a date (RFC 9110, section 10.2.3); else 0."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
    except (TypeError, ValueError):
        return 0.0
