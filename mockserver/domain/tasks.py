"""The vendor's verbs for tasks (contract, sections 2 to 5).

Arguments are the request's fields, already well-formed, by their names in responses; results are task objects
as the API shows them. Everything is checked before anything is written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

from peewee import Query

from mockserver.domain import due, notes, references, statuses
from mockserver.errors import NotFound, Problem, ValidationFailed
from mockserver.store.models import Responsible, Task
from mockserver.store.world import World

Fields = dict[str, Any]
TaskObject = dict[str, Any]

_KEPT_AS_SENT = ("title", "priority", "ai_contact_id", "ai_customer_id")


def create_task(world: World, creator_id: str, fields: Fields) -> TaskObject:
    """Store a new task and return it.

    Raises NotFound for a reference that does not exist, ValidationFailed for a due date out of range.
    """
    when = _due(world, fields)
    references.check(world, fields)
    known = statuses.load(world)
    if "status_id" in fields:
        world.rely("statusId")
        status = statuses.with_id(known, fields["status_id"])
    else:
        status = statuses.initial(known)
    if fields.get("description") is None:
        world.rely("empty-description")
    _rely_on_texts(world, fields)
    row = {
        "position": world.next_position(),
        "title": fields["title"],
        "description": fields.get("description") or "",
        **when,
        "created_at": world.clock.read(),
        "ai_contact_id": fields.get("ai_contact_id"),
        "ai_customer_id": fields.get("ai_customer_id"),
        "status_id": status["id"],
        "priority": fields["priority"],
        "creator_id": creator_id,
        "deleted_at": None,
    }
    task = world.insert_new(Task, row)
    _assign(world, task["id"], fields["responsible_ids"])
    if task["ai_contact_id"] is not None:
        notes.attach(world, task["id"], task["ai_contact_id"])
    world.tick()
    created = present(task, fields["responsible_ids"], known)
    world.report("task", task["id"], None, created | _parts_of(task))
    return created


def list_tasks(
    world: World, responsible_ids: list[str], from_date: date, to_date: date, include_tasks_without_dates: bool
) -> list[TaskObject]:
    """The tasks due on these days of UTC, both included, and the undated ones if wanted.

    With `responsible_ids`, only tasks for which one of them is responsible.
    """
    first, last = f"{from_date.isoformat()}T00:00:00.000Z", f"{to_date.isoformat()}T23:59:59.999Z"

    def build() -> Query:
        wanted = Task.due_at.between(first, last)
        if include_tasks_without_dates:
            wanted |= Task.due_at.is_null()
        found = Task.select().where(Task.world == world.number, Task.deleted_at.is_null(), wanted)
        if responsible_ids:
            assigned = Responsible.select(Responsible.task_id).where(
                Responsible.world == world.number, Responsible.user_id.in_(responsible_ids)
            )
            found = found.where(Task.id.in_(assigned))
        return found.order_by(Task.due_at.asc(nulls="last"), Task.position)

    key = ("list", include_tasks_without_dates, len(responsible_ids))
    values = [world.number, first, last, *([world.number, *responsible_ids] if responsible_ids else ())]
    found = world.transaction.statements.rows(Task, key, build, values)
    dated = [task["due_at"] for task in found if task["due_at"]]
    if first > last or (dated and (dated[0][:10] == first[:10] or dated[-1][:10] == last[:10])):
        world.rely("list-dates")
    if found and not responsible_ids:
        world.rely("list-responsibleIds")
    if len(found) > 1:
        world.rely("list-order")
    return present_all(world, found)


def update_task(world: World, task_id: str, fields: Fields) -> TaskObject:
    """Change what was sent and return the whole task.

    Raises NotFound for the task, a reference or a status that does not exist, ValidationFailed for a
    due date out of range.
    """
    task = _find(world, task_id, "update-unknown")
    changes = {name: fields[name] for name in _KEPT_AS_SENT if name in fields}
    if "description" in fields:
        changes["description"] = fields["description"] or ""
        if fields["description"] is None:
            world.rely("update-nulls")
    _rely_on_texts(world, fields)
    if any(part in fields for part in due.Parts._fields):
        changes |= _due(world, fields, due.Parts.of(task))
        if _is_due_changed_in_part(fields, task, changes):
            world.rely("update-due")
    references.check(world, fields)
    known = statuses.load(world)
    before = present(task, _responsible_ids(world, task_id), known) | _parts_of(task)
    if "new_status_position" in fields:
        world.rely("update-status")
        changes["status_id"] = statuses.at_position(known, fields["new_status_position"])["id"]
    if "new_status_name" in fields:
        world.rely("update-status")
        changes["status_id"] = statuses.named(known, fields["new_status_name"])["id"]
    if changes:
        world.update(Task, task_id, **changes)
    if "responsible_ids" in fields:
        world.delete(Responsible, task_id=task_id)
        _assign(world, task_id, fields["responsible_ids"])
    if "ai_contact_id" in fields:
        if task["ai_contact_id"] not in (None, fields["ai_contact_id"]):
            world.rely("update-contact")
        notes.follow(world, task_id, fields["ai_contact_id"])
    world.tick()
    task |= changes
    updated = present(task, _responsible_ids(world, task_id), known)
    if (after := updated | _parts_of(task)) != before:
        world.report("task", task_id, before, after)
    return updated


def delete_task(world: World, task_id: str) -> dict[str, str]:
    """Mark the task deleted and remove its note; NotFound when there is none, or it is deleted already."""
    task = _find(world, task_id, "delete-unknown")
    (before,) = present_all(world, [task])
    world.update(Task, task_id, deleted_at=world.clock.read())
    world.report("task", task_id, before | _parts_of(task), None)
    notes.follow(world, task_id, None)
    world.tick()
    return {"status": "success"}


def present_all(world: World, tasks: list[dict[str, Any]]) -> list[TaskObject]:
    """Task objects for rows of the table, in the rows' order."""
    known = statuses.load(world)
    responsible_ids: dict[str, list[str]] = {task["id"]: [] for task in tasks}
    for responsible in world.rows_among(Responsible, "task_id", list(responsible_ids)):
        responsible_ids[responsible["task_id"]].append(responsible["user_id"])
    return [present(task, responsible_ids[task["id"]], known) for task in tasks]


def present(task: dict[str, Any], responsible_ids: list[str], known: statuses.Statuses) -> TaskObject:
    """The task object of a row, its keys in the contract's order."""
    status = statuses.with_id(known, task["status_id"])
    return {
        "id": task["id"],
        "title": task["title"],
        "description": task["description"],
        "due_timezone": task["due_timezone"],
        "due_at": task["due_at"],
        "is_all_day": task["is_all_day"],
        "created_at": task["created_at"],
        "ai_contact_id": task["ai_contact_id"],
        "ai_customer_id": task["ai_customer_id"],
        "task_status_config_id": task["status_id"],
        "priority": task["priority"],
        "creator_id": task["creator_id"],
        "task_responsibles": [{"responsible_id": id} for id in responsible_ids],
        "status_config": {key: status[key] for key in ("id", "name", "color", "type", "order")},
    }


def _find(world: World, task_id: str, rule: str) -> dict[str, Any]:
    task = world.get(Task, task_id)
    if task is not None and task["deleted_at"] is None:
        return task
    found = f"the sandbox has no task {task_id}" if task is None else f"the task was deleted at {task['deleted_at']}"
    raise NotFound("Task not found", problems=[Problem(("id",), "not_found", found, rule)])


def _parts_of(task: dict[str, Any]) -> dict[str, str | None]:
    """The due date's parts as given, which the journal shows beside the task object."""
    return {part: task[part] for part in due.Parts._fields}


def _due(world: World, fields: Fields, stored: due.Parts = due.NONE) -> dict[str, Any]:
    """The columns of a due date, from the parts sent and else those stored; without a date none is kept."""
    parts = due.Parts(*map(fields.get, due.Parts._fields, stored))
    if parts.due_date is None:
        parts = due.NONE
        if fields.get("due_time") or fields.get("timezone"):
            world.rely("due-none")
    try:
        columns = due.columns(parts)
    except due.OutOfRange as error:
        raise ValidationFailed([Problem(("dueDate",), "out_of_range", str(error), due.OutOfRange.rule)]) from None
    world.rely(*due.rules(parts))
    return columns


def _is_due_changed_in_part(fields: Fields, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a part of the due date was removed, or changed while the date stayed as it was given."""
    if all(before[name] == after[name] for name in due.Due._fields):
        return False
    made_all_day = "due_time" in fields and fields["due_time"] is None and before["due_time"] is not None
    return fields.get("due_date") is None or made_all_day


def _rely_on_texts(world: World, fields: Fields) -> None:
    """Note that texts are kept as sent, where others would trim or normalise them."""
    for text in (fields.get("title"), fields.get("description")):
        if text and (text != text.strip() or not (text.isascii() or unicodedata.is_normalized("NFC", text))):
            world.rely("strings")


def _assign(world: World, task_id: str, responsible_ids: list[str]) -> None:
    rows = [
        {"task_id": task_id, "position": position, "user_id": user_id}
        for position, user_id in enumerate(responsible_ids)
    ]
    world.insert(Responsible, rows)


def _responsible_ids(world: World, task_id: str) -> list[str]:
    return [row["user_id"] for row in world.rows(Responsible, task_id=task_id)]
