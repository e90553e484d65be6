"""Checks of successes: tasks, lists of tasks, team members and contacts, deletions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from mockserver.api.answer_schemas import StatusConfig, Task
from mockserver.conform.answer_parts import Unclear, is_due, members_of, order_of, orders_of, task_of
from mockserver.conform.error_checks import CheckAnswers
from mockserver.conform.positions import fitting_positions
from mockserver.domain.tasks import PRIORITY_WORDS
from mockserver.fidelity.assumptions import BY_NAME
from mockserver.formats import ids
from mockserver.formats.json import Document
from mockserver.vendor import Answer

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def success(team: Answer, head: Answer) -> bool:
    """Check that success is 200, also for HEAD, which has no body."""
    return (team.status, head.status, head.body) == (200, 200, b"")


def charset(answer: Answer) -> bool:
    """Check the content type."""
    return answer.headers.get("content-type", "").lower() == "application/json; charset=utf-8"


def field_names(team: Answer) -> bool:
    """Check that the names in answers are in snake_case."""
    return all(re.fullmatch("[a-z0-9_]+", name) for each in members_of(team, 1) for name in each)


def has_keys(keys: Iterable[str]) -> CheckAnswers:
    """Check that each member of a list has these keys."""
    wanted = set(keys)
    return lambda listed: all(wanted <= each.keys() for each in members_of(listed, 1))


def contacts_order(contacts: Answer) -> bool:
    """Check that the newest message is first."""
    found = [str(each.get("last_message_at")) for each in members_of(contacts, 2)]
    return found == sorted(found, reverse=True)


def found_nobody(answer: Answer) -> bool:
    """Check that a search that finds nobody is an empty list."""
    return answer.status == 200 and answer.json == []


# A created task.


def create_status(create: Answer) -> Collection[str]:
    """Check the status of a creation."""
    task_of(create)
    return {str(create.status)} & BY_NAME["create-status"].values.keys()


def task_object(create: Answer) -> bool:
    """Check the keys of a task and of its status, and their types."""
    task = task_of(create)
    found = task.get("status_config")
    return (
        Task().fields.keys() <= task.keys()
        and isinstance(found, dict)
        and StatusConfig().fields.keys() <= found.keys()
        and isinstance(task["task_responsibles"], list)
        and type(task["is_all_day"]) is bool
    )


def task_object_order(create: Answer) -> bool:
    """Check the order of a task's keys."""
    expected = list(Task().fields)
    return [name for name in task_of(create) if name in expected] == expected


def minted_ids(create: Answer) -> bool:
    """Check that a new id is a UUID of version 4."""
    return bool(ids.documented(str(task_of(create).get("id"))))


def instants(create: Answer) -> bool:
    """Check the form of the instants in a task."""
    return all(_INSTANT.fullmatch(str(task_of(create).get(name))) for name in ("created_at", "due_at"))


def initial_status(create: Answer) -> bool:
    """Check that a new task has an initial status."""
    found = task_of(create).get("status_config")
    return isinstance(found, dict) and found.get("type") == "initial"


def creator(team: Answer, create: Answer) -> bool:
    """Check that the creator is one of the organization's users."""
    found = task_of(create).get("creator_id")
    if ids.is_id(found) and all(each.get("id") != found for each in members_of(team)):
        raise Unclear("the creator is not among the active users")
    return ids.is_id(found)


def priority(create: Answer) -> bool:
    """Check that the answer to a creation has the priority as an integer."""
    found = task_of(create).get("priority")
    return type(found) is int and found == 1


def null_description(answer: Answer) -> Collection[str]:
    """Check how a description that is null or omitted is answered."""
    shown = task_of(answer).get("description", False)
    return {"empty"} if shown == "" else {"null"} if shown is None else set()


# Due dates.


def due(instant: str, **members: Any) -> CheckAnswers:
    """Check that a task is due at an instant, and has these members."""

    def check(answer: Answer) -> bool:
        task = task_of(answer)
        return is_due(task, instant) and all(task.get(name) == value for name, value in members.items())

    return check


def all_day(zone_midnight: str) -> CheckAnswers:
    """Check which midnight of 2030-01-15 a task is due at."""
    midnights = {"zone-midnight": zone_midnight, "utc-midnight": "2030-01-15T00:00Z"}
    return lambda answer: {value for value, instant in midnights.items() if is_due(task_of(answer), instant)}


def due_date_offset(offset: Answer, local: Answer) -> Collection[str]:
    """Check if a date-time may have an offset or no zone; one without the other fits no value."""
    found = {offset.status, local.status}
    if found == {200} and is_due(task_of(offset), "2030-01-15T13:00Z"):
        return {"accepted"}
    return {"refused"} if found == {400} else set()


def zone_case(answer: Answer) -> bool:
    """Check that a zone is taken in another letter case, and answered in its own."""
    return answer.status == 200 and task_of(answer).get("due_timezone") == "America/Santiago"


def no_due_date(answer: Answer) -> bool:
    """Check a task whose due date was removed."""
    task = task_of(answer)
    return task.get("due_at", "") is None and task.get("is_all_day") is True


def all_day_again(timed: Answer, again: Answer) -> bool:
    """Check that `dueTime: null` makes a task all-day."""
    return task_of(timed).get("is_all_day") is False and task_of(again).get("is_all_day") is True


# Other updates, and the deletion.


def unchanged(create: Answer, update: Answer) -> bool:
    """Check that an update without fields changes nothing."""
    before, after = task_of(create), task_of(update)
    names = ("title", "description", "due_at", "is_all_day", "priority", "task_status_config_id")
    return all(before.get(name) == after.get(name) for name in names)


def lower_case_id(create: Answer, upper_case: Answer) -> bool:
    """Check that an id in upper case is the same id, answered in lower case."""
    id = str(task_of(create).get("id")).lower()
    return upper_case.status == 200 and task_of(upper_case).get("id") == id


def repeated_key(answer: Answer) -> bool:
    """Check that of a repeated key the last value counts."""
    return str(task_of(answer).get("title")).rstrip().endswith("e\u0301")


def strings(answer: Answer) -> bool:
    """Check that a text with blanks around it and with a combining accent is answered as it was sent."""
    title = str(task_of(answer).get("title"))
    if not repeated_key(answer):
        raise Unclear("another value of the repeated key counts")
    return title.startswith(" ") and title.endswith("e\u0301 ")


def responsible_repeats(answer: Answer) -> bool:
    """Check that a repeated user counts once."""
    found = task_of(answer).get("task_responsibles")
    return isinstance(found, list) and len(found) == 1


def inactive_responsible(team: Answer, update: Answer) -> Collection[str]:
    """Check if an inactive user may be responsible."""
    if update.status == 200:
        active = {each.get("id") for each in members_of(team)}
        if any(each.get("responsible_id") in active for each in task_of(update)["task_responsibles"]):
            raise Unclear("the team has the user of --inactive-user")
        return {"accepted"}
    return {"404"} if update.status == 404 else set()


def status_position(
    create: Answer, first: Answer, second: Answer, third: Answer, known: Answer | None, *lists: Answer | None
) -> Collection[str]:
    """Check what positions are, by the statuses of a task that was moved to 0, 1, 2, and to the order of its first."""
    tried = {0: first, 1: second, 2: third, **({order_of(create): known} if known else {})}
    if any(answer.status not in (200, 404) for answer in tried.values()):
        return set()
    if all(answer.status == 404 for answer in tried.values()):
        raise Unclear("no position was accepted")
    seen = (create, *tried.values(), *filter(None, lists))
    orders = {order for answer in seen if answer.status < 300 for order in orders_of(answer)}
    return fitting_positions({position: order_of(answer) for position, answer in tried.items()}, orders)


def deleted(create: Answer, delete: Answer, listed: Answer) -> bool:
    """Check the answer to a deletion, and that the task is in no list afterwards."""
    id = task_of(create).get("id")
    is_gone = all(each.get("id") != id for each in members_of(listed))
    return delete.status == 200 and delete.json == {"status": "success"} and is_gone


def delete_again(delete: Answer, again: Answer) -> bool:
    """Check the second deletion of a task."""
    if delete.status != 200:
        raise Unclear("the task could not be deleted")
    return again.status == 404


# Lists of tasks.


def list_priority(create: Answer, listed: Answer) -> Collection[str]:
    """Check how a list shows the priority of the run's task."""
    shown = _own(create, listed).get("priority")
    return {"word"} if shown in PRIORITY_WORDS else {"number"} if type(shown) is int and shown == 1 else set()


def list_any_responsible(create: Answer, listed: Answer) -> bool:
    """Check that the list of a user has the user's task."""
    return bool(_own(create, listed))


def list_order(listed: Answer) -> bool:
    """Check that a list is ordered by `due_at`, nulls last."""
    found = [each.get("due_at") for each in members_of(listed, 2)]
    if len(set(found)) < 2:
        raise Unclear("there are no two tasks that are due at different times")
    return found == sorted(found, key=lambda at: (at is None, at or ""))


def _own(create: Answer, listed: Answer) -> Document:
    """The run's task in the list of its day."""
    id = task_of(create).get("id")
    if found := [each for each in members_of(listed) if each.get("id") == id]:
        return found[0]
    raise Unclear("the run's task is not in the list of its day")
