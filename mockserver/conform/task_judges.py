"""Judges of one rule each, about tasks."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from mockserver.api.schemas import StatusConfig, Task
from mockserver.conform.judges import Seen
from mockserver.conform.looking import Unclear, is_due, members_of, order_of, orders_of, some, task_of
from mockserver.conform.positions import fitting_positions
from mockserver.fidelity.assumptions import BY_NAME
from mockserver.formats import ids

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_WORDS = ("low", "medium", "high")


def list_priority(seen: Seen) -> Collection[str]:
    """Judge how a list shows the priority of the run's task."""
    shown = _own(seen).get("priority")
    return {"word"} if shown in _WORDS else {"number"} if type(shown) is int and shown == 1 else set()


def _own(seen: Seen) -> dict[str, Any]:
    """The run's task in the list of its day."""
    id = task_of(seen["create"]).get("id")
    found = [each for each in members_of(seen["list-own"]) if each.get("id") == id]
    if not found:
        raise Unclear("the run's task is not in the list of its day")
    return found[0]


def list_any_responsible(seen: Seen) -> bool:
    """Judge that the list of a user has the user's task."""
    return bool(_own(seen))


def list_order(seen: Seen) -> bool:
    """Judge that a list is ordered by `due_at`, nulls last."""
    found = [each.get("due_at") for each in some(seen["list"], 2)]
    if len(set(found)) < 2:
        raise Unclear("there are no two tasks that are due at different times")
    return found == sorted(found, key=lambda at: (at is None, at or ""))


def unknown_contact(seen: Seen) -> Collection[str]:
    """Judge the answer to a contact that nobody has."""
    found = seen["create-unknown-contact"].status
    return {"accepted"} if found in (200, 201) else {str(found)} & BY_NAME["unknown-contact"].values.keys()


def create_status(seen: Seen) -> Collection[str]:
    """Judge the status of a creation."""
    task_of(seen["create"])
    return {str(seen["create"].status)} & BY_NAME["create-status"].values.keys()


def task_object(seen: Seen) -> bool:
    """Judge the keys of a task and of its status, and their types."""
    task = task_of(seen["create"])
    found = task.get("status_config")
    return (
        Task().fields.keys() <= task.keys()
        and isinstance(found, dict)
        and StatusConfig().fields.keys() <= found.keys()
        and isinstance(task["task_responsibles"], list)
        and type(task["is_all_day"]) is bool
    )


def task_object_order(seen: Seen) -> bool:
    """Judge the order of a task's keys."""
    expected = list(Task().fields)
    return [name for name in task_of(seen["create"]) if name in expected] == expected


def minted_ids(seen: Seen) -> bool:
    """Judge that a new id is a UUID of version 4."""
    return ids.is_documented(str(task_of(seen["create"]).get("id")))


def instants(seen: Seen) -> bool:
    """Judge the form of the instants in a task."""
    task = task_of(seen["create"])
    return all(_INSTANT.fullmatch(str(task.get(name))) for name in ("created_at", "due_at"))


def initial_status(seen: Seen) -> bool:
    """Judge that a new task has an initial status."""
    found = task_of(seen["create"]).get("status_config")
    return isinstance(found, dict) and found.get("type") == "initial"


def creator(seen: Seen) -> bool:
    """Judge that the creator is one of the organization's users."""
    found = task_of(seen["create"]).get("creator_id")
    if ids.is_id(found) and all(each.get("id") != found for each in members_of(seen["team"])):
        raise Unclear("the creator is not among the active users")
    return ids.is_id(found)


def priority(seen: Seen) -> bool:
    """Judge that the answer to a creation has the priority as an integer."""
    found = task_of(seen["create"]).get("priority")
    return type(found) is int and found == 1


def unchanged(seen: Seen) -> bool:
    """Judge that an update without fields changes nothing."""
    before, after = task_of(seen["create"]), task_of(seen["update-upper-case"])
    names = ("title", "description", "due_at", "is_all_day", "priority", "task_status_config_id")
    return all(before.get(name) == after.get(name) for name in names)


def lower_case_id(seen: Seen) -> bool:
    """Judge that an id in upper case is the same id, answered in lower case."""
    return seen["update-upper-case"].status == 200 and (
        task_of(seen["update-upper-case"]).get("id") == str(task_of(seen["create"]).get("id")).lower()
    )


def due_date_offset(seen: Seen) -> Collection[str]:
    """Judge if a date-time may have an offset or no zone; one without the other fits no value."""
    found = {answer.status for answer in seen.values()}
    if found == {200} and is_due(task_of(seen["update-offset"]), "2030-01-15T13:00Z"):
        return {"accepted"}
    return {"refused"} if found == {400} else set()


def zone_case(seen: Seen) -> bool:
    """Judge that a zone is taken in another letter case, and answered in its own."""
    answer = seen["update-zone-case"]
    return answer.status == 200 and task_of(answer).get("due_timezone") == "America/Santiago"


def no_due_date(seen: Seen) -> bool:
    """Judge a task whose due date was removed."""
    task = task_of(seen["update-nulls"])
    return task.get("due_at", "") is None and task.get("is_all_day") is True


def all_day_again(seen: Seen) -> bool:
    """Judge that `dueTime: null` makes a task all-day."""
    before, after = (task_of(seen[name]) for name in ("update-day-and-time", "update-tokyo"))
    return before.get("is_all_day") is False and after.get("is_all_day") is True


def repeated_key(seen: Seen) -> bool:
    """Judge that of a repeated key the last value counts."""
    return str(task_of(seen["update-repeated-key"]).get("title")).rstrip().endswith("e\u0301")


def strings(seen: Seen) -> bool:
    """Judge that a text with blanks around it and with a combining accent is answered as it was sent."""
    title = str(task_of(seen["update-repeated-key"]).get("title"))
    if not repeated_key(seen):
        raise Unclear("the text that was looked for is not the one that counts")
    return title.startswith(" ") and title.endswith("e\u0301 ")


def responsible_repeats(seen: Seen) -> bool:
    """Judge that a repeated user counts once."""
    found = task_of(seen["update-repeated-user"]).get("task_responsibles")
    return isinstance(found, list) and len(found) == 1


def status_position(seen: Seen) -> Collection[str]:
    """Judge what positions are, by the statuses of the tasks that were moved there."""
    known = {order for answer in seen.values() if answer.status < 300 for order in orders_of(answer)}
    places = {"status-0": 0, "status-1": 1, "status-2": 2, "status-known": order_of(seen["create"])}
    tried = {places[name]: answer for name, answer in seen.items() if name in places}
    if any(answer.status not in (200, 404) for answer in tried.values()):
        return set()
    if all(answer.status == 404 for answer in tried.values()):
        raise Unclear("no position was accepted")
    return fitting_positions({place: order_of(answer) for place, answer in tried.items()}, known)


def deleted(seen: Seen) -> bool:
    """Judge the answer to a deletion, and that the task is in no list afterwards."""
    id = task_of(seen["create"]).get("id")
    is_gone = all(each.get("id") != id for each in members_of(seen["list-deleted"]))
    return seen["delete"].status == 200 and seen["delete"].json == {"status": "success"} and is_gone


def delete_again(seen: Seen) -> bool:
    """Judge the second deletion of a task."""
    if seen["delete"].status != 200:
        raise Unclear("the task could not be deleted")
    return seen["delete-again"].status == 404
