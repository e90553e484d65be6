"""A sandbox as one document: the answer of `GET /__admin/state`, and the content of a fixtures folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.clock import ClockSetting
from mockserver.domain import due, statuses, tasks
from mockserver.store import contents
from mockserver.store.contents import World
from mockserver.store.models import Contact, Customer, Note, Part, Status, Task, Template, User
from mockserver.store.transactions import Store

Document = dict[str, list[dict[str, Any]]]

_PEOPLE: dict[str, type[Part]] = {"users": User, "statuses": Status, "contacts": Contact, "customers": Customer}
_NOT_SHOWN = ("world", "position")


def fetch(world: World) -> Callable[[], Document]:
    """Fetch a world; the result makes its document, which takes longer, and needs no transaction.

    The document has the people, statuses, tasks and notes, each in insertion order, without deleted tasks.
    """
    known = statuses.load(world)
    people = {name: world.rows(model) for name, model in _PEOPLE.items()}
    rows, notes = world.rows(Task, deleted_at=None), world.rows(Note)

    def document() -> Document:
        return {
            **{name: [_public_columns(row) for row in found] for name, found in people.items()},
            "tasks": [tasks.present(row, known) | {part: row[part] for part in due.Parts._fields} for row in rows],
            "notes": [_public_columns(row) for row in notes],
        }

    return document


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
