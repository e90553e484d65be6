"""Parts of an answer: tasks, lists, dates, and the fields that a 400 is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mockserver.formats import dates
from mockserver.vendor import Answer


class Unclear(Exception):
    """The answers show nothing about the rule; the message says why."""


def task_of(answer: Answer) -> dict[str, Any]:
    """The task of a 2xx answer; raises Unclear."""
    if not 200 <= answer.status < 300:
        raise Unclear(f"the request was answered {answer.status}")
    if not isinstance(answer.json, dict):
        raise Unclear("the answer is not a task")
    return answer.json


def members_of(answer: Answer, at_least: int = 0) -> list[dict[str, Any]]:
    """The objects in the list of a 2xx answer; raises Unclear for another answer, and for a shorter list."""
    if not 200 <= answer.status < 300 or not isinstance(answer.json, list):
        raise Unclear(f"the list was answered {answer.status}, or is not a list")
    found = [each for each in answer.json if isinstance(each, dict)]
    if len(found) < at_least:
        raise Unclear("the list is too short to show it")
    return found


def order_of(answer: Answer) -> Any:
    """The order of the status of a task; None when the answer shows none."""
    return next(orders_of(answer), None) if 200 <= answer.status < 300 else None


def orders_of(answer: Answer) -> Iterator[Any]:
    """The orders of the statuses in a task, or in a list of tasks."""
    tasks = answer.json if isinstance(answer.json, list) else [answer.json]
    for task in tasks:
        status = task.get("status_config") if isinstance(task, dict) else None
        order = status.get("order") if isinstance(status, dict) else None
        if isinstance(order, int | float):
            yield order


def moment_of(text: object) -> datetime | None:
    """An instant in UTC; None for anything else."""
    try:
        wall, offset = dates.parse_date_time(str(text))
    except ValueError:
        return None
    return None if offset is None else wall - offset


def is_due(task: Mapping[str, Any], instant: str) -> bool:
    """Test if a task is due at this instant, however it is written."""
    return moment_of(task.get("due_at")) == moment_of(instant)


def message_of(answer: Answer) -> Any:
    """The `message` of an error; None for a body without one."""
    return answer.json.get("message") if isinstance(answer.json, dict) else None


def issues_of(answer: Answer) -> list[tuple[str, str]]:
    """The field, or "", and the text of each issue of a 400; none where its body has no list of them."""
    document = answer.json if isinstance(answer.json, dict) else {}
    if isinstance(document.get("errors"), list):
        issues = [each for each in document["errors"] if isinstance(each, dict)]
        return [(str((each.get("path") or [""])[0]), str(each.get("message"))) for each in issues]
    if isinstance(document.get("message"), list):
        texts = [str(each) for each in document["message"]]
        return [(found[1] if (found := re.match(r"([A-Za-z]+)[.:]", text)) else "", text) for text in texts]
    return []
