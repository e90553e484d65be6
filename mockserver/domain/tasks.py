"""The vendor's operations on tasks (contract, sections 2 to 5).

Arguments are the request's fields, already well-formed, by their names in responses; results are task objects as the
API shows them. Everything is checked before anything is written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import repeat
from typing import Any

from mockserver.domain import due, notes, statuses
from mockserver.errors import MAX_LISTED, ApiError, BadRequest, NotFound, Problem, ValidationFailed, left_out
from mockserver.store.contents import World
from mockserver.store.models import Contact, Customer, Task, User
from mockserver.store.orm import Expression, Query
from mockserver.store.statements import Rows

Fields = dict[str, Any]
TaskObject = dict[str, Any]

LARGE = 1000  # tasks: a longer list is not made under the write lock
NO_LIMIT = 2**63 - 1  # the largest that databases take
PRIORITY_WORDS = ("low", "medium", "high")
_PARTIES = (
    ("ai_contact_id", "aiContactId", "contact", Contact),
    ("ai_customer_id", "aiCustomerId", "customer", Customer),
)
_KEPT_AS_SENT = ("title", "priority", "ai_contact_id", "ai_customer_id")


class TooLargeForTheLock(Exception):
    """The list reads more than `LARGE` tasks and has to be made without the write lock."""


def _approve() -> None:
    """Approve of any change."""


def create_task(world: World, creator_id: str, fields: Fields, approve: Callable[[], None] = _approve) -> TaskObject:
    """Store a new task and return it; `approve` is called after every check, and may refuse.

    Raises NotFound for a reference that does not exist, ValidationFailed for a due date out of range.
    """
    when = _due(world, fields)
    check_references(world, fields)
    known = statuses.load(world)
    if "status_id" in fields:
        world.rely("statusId")
        status = statuses.with_id(known, fields["status_id"])
    else:
        status = statuses.initial(known)
    _rely_on_texts(world, fields)
    approve()
    row = {
        "position": world.next_position(),
        "title": fields["title"],
        "description": _description(world, fields.get("description")),
        **when,
        "created_at": world.clock.read(),
        "ai_contact_id": fields.get("ai_contact_id"),
        "ai_customer_id": fields.get("ai_customer_id"),
        "status_id": status["id"],
        "priority": fields["priority"],
        "creator_id": creator_id,
        "responsible_ids": joined(fields["responsible_ids"]),
        "deleted_at": None,
    }
    row["id"] = world.insert_new(Task, row)
    if contact_id := known_contact(world, row):
        notes.attach(world, row["id"], contact_id)
    world.tick()
    created = present(row, known)
    world.report("task", row["id"], None, created | _parts_of(row))
    return created


def list_tasks(
    world: World,
    responsible_ids: list[str],
    from_date: date,
    to_date: date,
    include_tasks_without_dates: bool,
    bounded: bool = False,
) -> Iterable[TaskObject]:
    """The tasks due on these days of UTC, both included, and the undated ones if requested.

    With `responsible_ids`, only tasks for which one of them is responsible. Raises TooLargeForTheLock when it is
    `bounded` and reads more than `LARGE` tasks. All rows are fetched before; the objects are made one by one.
    """
    first, last = f"{from_date.isoformat()}T00:00:00.000Z", f"{to_date.isoformat()}T23:59:59.999Z"
    limit = LARGE + 1 if bounded else NO_LIMIT
    found = _rows(world, lambda: Task.due_at.between(first, last), (first, last), limit)
    if include_tasks_without_dates:
        found += _rows(world, Task.due_at.is_null, (), limit - len(found))
    if bounded and len(found) > LARGE:
        raise TooLargeForTheLock
    if responsible_ids:
        wanted = set(responsible_ids)
        found = [task for task in found if not wanted.isdisjoint(task["responsible_ids"].split(","))]
    dated = [task["due_at"] for task in found if task["due_at"]]
    if first > last or (dated and (dated[0][:10] == first[:10] or dated[-1][:10] == last[:10])):
        world.rely("list-days")
    if len(responsible_ids) > 1:
        world.rely("list-any-responsible")
    if found:
        world.rely("list-priority")
    if len(found) > 1:
        world.rely("list-order")
    known = statuses.load(world)
    shown = map(present, found, repeat(known))
    if world.assumed["list-priority"] == "word":
        return ({**task, "priority": PRIORITY_WORDS[task["priority"]]} for task in shown)
    return shown


def update_task(world: World, task_id: str, fields: Fields, approve: Callable[[], None] = _approve) -> TaskObject:
    """Change what was sent and return the whole task; `approve` is called after every check, and may refuse.

    Raises NotFound for the task, a reference or a status that does not exist, ValidationFailed for a due date out of
    range.
    """
    task = _find(world, task_id, "update-unknown")
    changes = {name: fields[name] for name in _KEPT_AS_SENT if name in fields}
    if "description" in fields:
        changes["description"] = _description(world, fields["description"])
    _rely_on_texts(world, fields)
    if any(part in fields for part in due.Parts._fields):
        changes |= _due(world, fields, due.Parts.of(task))
        if _is_due_changed_in_part(fields, task, changes):
            world.rely("update-due")
    check_references(world, fields)
    known = statuses.load(world)
    before = present(task, known) | _parts_of(task)
    if "new_status_position" in fields:
        world.rely("status-position")
        meaning = world.assumed["status-position"]
        changes["status_id"] = statuses.at_position(known, fields["new_status_position"], meaning)["id"]
    if "new_status_name" in fields:
        world.rely("update-status")
        changes["status_id"] = statuses.named(known, fields["new_status_name"])["id"]
    if "responsible_ids" in fields:
        changes["responsible_ids"] = joined(fields["responsible_ids"])
    approve()
    if changes:
        world.update(Task, task_id, **changes)
    if "ai_contact_id" in fields:
        if task["ai_contact_id"] not in (None, fields["ai_contact_id"]):
            world.rely("update-contact")
        notes.follow(world, task_id, known_contact(world, fields))
    world.tick()
    task |= changes
    updated = present(task, known)
    if (after := updated | _parts_of(task)) != before:
        world.report("task", task_id, before, after)
    return updated


def delete_task(world: World, task_id: str, approve: Callable[[], None] = _approve) -> dict[str, str]:
    """Mark the task deleted and remove its note; NotFound when it does not exist or is deleted already.

    `approve` is called after every check, and may refuse.
    """
    task = _find(world, task_id, "delete-unknown")
    approve()
    before = present(task, statuses.load(world))
    world.update(Task, task_id, deleted_at=world.clock.read())
    world.report("task", task_id, before | _parts_of(task), None)
    notes.follow(world, task_id, None)
    world.tick()
    return {"status": "success"}


def present(task: dict[str, Any], known: statuses.Statuses) -> TaskObject:
    """The task object of a row, its keys in the contract's order."""
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
        "task_responsibles": [{"responsible_id": id} for id in task["responsible_ids"].split(",")],
        "status_config": known[task["status_id"]],
    }


def joined(responsible_ids: Iterable[str]) -> str:
    """The responsible users as a task's row stores them."""
    return ",".join(responsible_ids)


def _rows(world: World, due: Callable[[], Expression], given: tuple[str, ...], limit: int) -> Rows:
    """The tasks that meet `due`, in the order of a list; `given` are the values in `due`."""

    def build() -> Query:
        found = Task.select().where(Task.world == world.number, Task.deleted_at.is_null(), due())
        return found.order_by(Task.due_at, Task.position).limit(limit)

    return world.transaction.statements.rows(Task, ("due", len(given)), build, (world.number, *given, limit))


def _find(world: World, task_id: str, rule: str) -> dict[str, Any]:
    task = world.get(Task, task_id)
    if task is not None and task["deleted_at"] is None:
        return task
    found = f"the sandbox has no task {task_id}" if task is None else f"the task was deleted at {task['deleted_at']}"
    raise NotFound("Task not found", problems=[Problem(("id",), "not_found", found, rule)])


def _parts_of(task: dict[str, Any]) -> dict[str, str | None]:
    """The due date's parts as given, which the journal shows beside the task object."""
    return {"due_date": task["due_date"], "due_time": task["due_time"], "timezone": task["timezone"]}


def _due(world: World, fields: Fields, stored: due.Parts = due.NONE) -> Mapping[str, Any]:
    """The columns of a due date, from the parts sent, or else stored; without a date no part is stored."""
    parts = due.Parts(*map(fields.get, due.Parts._fields, stored))
    if parts.due_date is None:
        parts = due.NONE
        if fields.get("due_time") or fields.get("timezone"):
            world.rely("due-none-parts")
    try:
        all_day = world.assumed["all-day"]
        columns = due.columns(parts, all_day)
    except due.OutOfRange as error:
        problem = Problem(("dueDate",), "out_of_range", str(error), error.rule, issue=error.issue)
        raise ValidationFailed([problem]) from None
    world.rely(*due.rules(parts, all_day))
    return columns


def _is_due_changed_in_part(fields: Fields, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Test for a part of the due date that was removed, or changed without a new date."""
    if all(before[name] == after[name] for name in due.Due._fields):
        return False
    made_all_day = "due_time" in fields and fields["due_time"] is None and before["due_time"] is not None
    return fields.get("due_date") is None or made_all_day


def _rely_on_texts(world: World, fields: Fields) -> None:
    """Note that texts are kept as sent, where others would trim or normalise them."""
    for text in (fields.get("title"), fields.get("description")):
        if text and (text != text.strip() or not (text.isascii() or unicodedata.is_normalized("NFC", text))):
            world.rely("strings")


def check_references(world: World, fields: dict[str, Any]) -> None:
    """Raise an error that names the ids, for the first kind of reference in which some do not exist.

    The kinds in their order: `responsibleIds` (active users only), `aiContactId`, `aiCustomerId`.
    """
    _require_users(world, fields.get("responsible_ids", ()))
    for field, name, kind, model in _PARTIES:
        wanted = fields.get(field)
        if wanted is not None and wanted not in world.people(model):
            _refuse_party(world, wanted, name, kind)


def _require_users(world: World, wanted: Sequence[str]) -> None:
    """Raise NotFound for users that do not exist or, under a value of `inactive-responsible`, are not active."""
    known = world.people(User)
    missing: dict[str, str] = {}
    for id in wanted:
        if id not in known:
            missing[id] = "unknown-responsible"
        elif not known[id]["active"]:
            world.rely("inactive-responsible")
            if world.assumed["inactive-responsible"] == "404":
                missing[id] = "inactive-responsible"
    if missing:
        raise _not_found(NotFound, "responsibleIds", "active user", missing)


def _refuse_party(world: World, wanted: str, name: str, kind: str) -> None:
    """Refuse a contact or a customer that does not exist, or accept it: `unknown-contact` decides."""
    world.rely("unknown-contact")
    answer = world.assumed["unknown-contact"]
    if answer != "accepted":
        error = BadRequest if answer == "400" else NotFound
        raise _not_found(error, name, kind, {wanted: "unknown-contact"})


def _not_found(error: type[ApiError], name: str, kind: str, missing: Mapping[str, str]) -> ApiError:
    """The error about missing ids, each with the rule by which it is missing."""
    problems = [Problem((name,), "not_found", f"the sandbox has no {kind} {id}", rule) for id, rule in missing.items()]
    ids = list(missing)
    named = ids if len(ids) <= MAX_LISTED else [*ids[: MAX_LISTED - 1], left_out(len(ids))]
    # When several rules refuse, that of the ids that do not exist at all would refuse alone too.
    rule = min(missing.values(), key=lambda rule: rule == "inactive-responsible")
    return error(f"{name} not found: {', '.join(named)}", rule=rule, problems=problems)


def known_contact(world: World, fields: Mapping[str, Any]) -> str | None:
    """The contact that gets a note: one that was accepted without being known gets none."""
    contact_id: str | None = fields["ai_contact_id"]
    return contact_id if contact_id is not None and contact_id in world.people(Contact) else None


def _description(world: World, given: str | None) -> str | None:
    """A description as it is stored; `null-description` decides when none is given."""
    if given is not None:
        return given
    world.rely("null-description")
    return None if world.assumed["null-description"] == "null" else ""
