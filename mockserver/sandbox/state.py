"""A sandbox as one document: the answer of `GET /__admin/state`, and the content of a fixtures folder."""

from __future__ import annotations

from typing import Any

from mockserver.clock import ClockSetting
from mockserver.domain import due, tasks
from mockserver.store import contents
from mockserver.store.contents import World
from mockserver.store.models import Contact, Customer, Note, Part, Status, Task, Template, User
from mockserver.store.transactions import Store

Document = dict[str, list[dict[str, Any]]]

_PEOPLE: dict[str, type[Part]] = {"users": User, "statuses": Status, "contacts": Contact, "customers": Customer}
_NOT_SHOWN = ("world", "position")


def document(world: World) -> Document:
    """The world's people, statuses, tasks and notes, each in insertion order, without deleted tasks."""
    people = {name: [_public_columns(row) for row in world.rows(model)] for name, model in _PEOPLE.items()}
    return {**people, "tasks": _tasks(world), "notes": [_public_columns(row) for row in world.rows(Note)]}


def fill(world: World, document: Document) -> None:
    """Insert the rows of a valid document into an empty world."""
    lists: dict[str, type[Part]] = {**_PEOPLE, "notes": Note}
    for name, model in lists.items():
        world.insert(model, [{**row, "position": world.next_position()} for row in document[name]])
    for task in document["tasks"]:
        row = {column: task[column] for column in Task._meta.fields if column in task}
        row |= {
            "position": world.next_position(),
            "status_id": task["task_status_config_id"],
            "responsible_ids": tasks.joined(each["responsible_id"] for each in task["task_responsibles"]),
            "deleted_at": None,
        }
        world.insert(Task, [row])
    world.save()


def _public_columns(row: dict[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in row.items() if column not in _NOT_SHOWN}


def _tasks(world: World) -> list[dict[str, Any]]:
    rows = world.rows(Task, deleted_at=None)
    return [
        shown | {part: row[part] for part in due.Parts._fields}
        for row, shown in zip(rows, tasks.present_all(world, rows), strict=True)
    ]


def keep_template(store: Store, document: Document, digest: str) -> int:
    """The number of the world that holds these fixtures; the world is created at first use."""
    with store.write() as transaction:
        known = transaction.statements.select(Template, {"digest": digest})
        if known:
            return int(known[0]["world"])
        world = contents.create(
            transaction, {"seed": "", **contents.clock_columns(ClockSetting("frozen").start_clock())}
        )
        fill(world, document)
        transaction.run(Template.insert(digest=digest, world=world.number))
        return world.number
