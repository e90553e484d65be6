"""The seven endpoints: each a declaration and one call of the domain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mockserver.api import schemas
from mockserver.api.operations import CREATED, OPERATIONS, Call, operation
from mockserver.domain import contacts, tasks, team

__all__ = ["OPERATIONS"]

_UNKNOWN_TASK = "The task does not exist, or is deleted."


@operation(
    "createTask",
    "POST",
    "/tasks",
    body_schema=schemas.CreateTask(),
    status=CREATED,
    refusals={404: "An id of `responsibleIds`, `aiContactId`, `aiCustomerId` or `statusId` does not exist."},
)
def create_task(call: Call) -> dict[str, Any]:
    """Create a new task.

    Creates a task for the key's user and assigns it to one or more active users. It gets the organization's
    initial status. A task with a contact also creates an interactive note on that contact.
    """
    return tasks.create_task(call.world, call.user_id, call.body, call.approve)


@operation("listTasks", "GET", "/tasks", query_schema=schemas.ListTasks(), many=True)
def list_tasks(call: Call) -> Iterable[dict[str, Any]]:
    """Get tasks by filters.

    Lists the tasks that are due in a span of days, and those without a due date unless they are excluded,
    ordered by due date, then by creation.
    """
    return tasks.list_tasks(call.world, **call.query, bounded=call.locked)


@operation(
    "updateTask",
    "PUT",
    "/tasks/{id}",
    path_schema=schemas.TaskPath(),
    body_schema=schemas.UpdateTask(),
    refusals={404: f"{_UNKNOWN_TASK} Or an id, a status name or a status position of the body does not exist."},
)
def update_task(call: Call) -> dict[str, Any]:
    """Update a task.

    Changes the fields that are sent. `dueDate: null` removes the due date; `dueTime` or `timezone` alone
    recompute it from the date as it was given. `responsibleIds` replaces the whole list.
    """
    return tasks.update_task(call.world, call.path["id"], call.body, call.approve)


@operation(
    "deleteTask",
    "DELETE",
    "/tasks/{id}",
    path_schema=schemas.TaskPath(),
    refusals={404: _UNKNOWN_TASK},
)
def delete_task(call: Call) -> dict[str, str]:
    """Delete a task.

    Marks the task deleted: it leaves every list, and its interactive notes are deleted with it.
    """
    return tasks.delete_task(call.world, call.path["id"], call.approve)


@operation("listTeamMembers", "GET", "/team-members/all", many=True)
def list_team_members(call: Call) -> list[dict[str, Any]]:
    """Get team members for assignment.

    Lists the organization's active users, whose ids `responsibleIds` takes.
    """
    return team.list_team_members(call.world)


@operation("listContacts", "GET", "/contacts", query_schema=schemas.ListContacts(), many=True)
def list_contacts(call: Call) -> Iterable[dict[str, Any]]:
    """Get contacts by days.

    Lists the contacts whose last message is at most so many days old, newest first. `aiContactId` takes their ids.
    """
    return contacts.list_contacts(call.world, **call.query, bounded=call.locked)


@operation(
    "searchContacts",
    "GET",
    "/contacts/search",
    query_schema=schemas.SearchContacts(),
    many=True,
)
def search_contacts(call: Call) -> Iterable[dict[str, Any]]:
    """Search contacts by phone or email.

    Lists the contacts that match either, at most 50, the one with the newest message first.
    """
    return contacts.search_contacts(call.world, **call.query, bounded=call.locked)
