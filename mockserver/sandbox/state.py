"""A sandbox as one document: the answer of `GET /__admin/state`, and the content of a fixtures folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mockserver.clock import ClockSetting
from mockserver.domain import contacts, due, notes, statuses, tasks
from mockserver.errors import Problem, ValidationFailed
from mockserver.formats.json import quoted
from mockserver.store import contents
from mockserver.store.contents import World
from mockserver.store.models import Contact, Customer, Note, Part, Status, Task, Template, User
from mockserver.store.orm import fn
from mockserver.store.statements import Rows
from mockserver.store.transactions import Store

Document = dict[str, list[dict[str, Any]]]

_PEOPLE: dict[str, type[Part]] = {"users": User, "statuses": Status, "contacts": Contact, "customers": Customer}
_NOT_SHOWN = ("world", "position")


def fetch(world: World) -> Callable[[], Document]:
    """Fetch a world; the result makes its document, which takes longer, and needs no transaction.

    The document has the people, statuses, tasks and notes, each in insertion order, without deleted tasks.
    """
    people = {name: world.rows(model) for name, model in _PEOPLE.items()}
    task_objects, shown_notes = fetch_tasks(world), world.rows(Note)

    def document() -> Document:
        return {
            **{name: _shown(name, found) for name, found in people.items()},
            "tasks": task_objects(),
            "notes": [_public_columns(row) for row in shown_notes],
        }

    return document


def fetch_tasks(world: World, ids: Iterable[str] | None = None, more: Sequence[str] = ()) -> Callable[[], Rows]:
    """Fetch the tasks that are not deleted, or those of them with these ids; the result makes their objects.

    They have the parts of their due dates as given, and `more` columns.
    """
    known = statuses.load(world)
    lists = [world.rows(Task, deleted_at=None)] if ids is None else [_with_id(world, id) for id in ids]
    columns = (*due.Parts._fields, *more)
    return lambda: [
        tasks.present(row, known) | {column: row[column] for column in columns} for rows in lists for row in rows
    ]


def _with_id(world: World, id: str) -> Rows:
    return world.rows(Task, (), id=id, deleted_at=None)


def people(world: World) -> Document:
    """The lists that tasks refer to: users, statuses, contacts and customers."""
    return {name: _shown(name, world.rows(model)) for name, model in _PEOPLE.items()}


def fill(world: World, document: Document) -> None:
    """Insert the rows of a valid document into an empty world."""
    lists: dict[str, type[Part]] = {**_PEOPLE, "notes": Note}
    for name, model in lists.items():
        records = map(contacts.as_row, document[name]) if model is Contact else document[name]
        world.insert(model, [{**row, "position": world.next_position()} for row in records])
    for task in document["tasks"]:
        world.insert(Task, [_row(world, task)])
    world.save()


def number_of_tasks(world: World) -> int:
    """The number of tasks, deleted ones included."""
    count = Task.select(fn.COUNT(Task.id).alias("number")).where(Task.world == world.number)
    return int(world.transaction.rows(count)[0]["number"])


def add_task(world: World, task: dict[str, Any]) -> dict[str, Any]:
    """Insert a valid task, whose id is minted when it is None; returns the task object. The clock does not tick.

    Raises ValidationFailed when there is, or was, a task with that id.
    """
    row = _row(world, task)
    if row["id"] is None:
        del row["id"]
        row["id"] = world.insert_new(Task, row)
    elif world.get(Task, row["id"]):
        raise ValidationFailed([Problem(("id",), "repeated", f"{quoted(row['id'])} is there already")])
    else:
        world.insert(Task, [row])
    if contact_id := tasks.known_contact(world, row):
        notes.attach(world, row["id"], contact_id)
    return tasks.present(row, statuses.load(world))


def _row(world: World, task: dict[str, Any]) -> dict[str, Any]:
    row = {column: task[column] for column in Task._meta.fields if column in task}
    return row | {
        "position": world.next_position(),
        "status_id": task["task_status_config_id"],
        "responsible_ids": tasks.joined(each["responsible_id"] for each in task["task_responsibles"]),
        "deleted_at": None,
    }


def _shown(name: str, rows: Rows) -> Rows:
    records = [_public_columns(row) for row in rows]
    return [contacts.as_given(record) for record in records] if name == "contacts" else records


def _public_columns(row: dict[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in row.items() if column not in _NOT_SHOWN}


def keep_template(store: Store, document: Document, digest: str) -> int:
    """The number of the world that holds these fixtures; the world is created at first use."""
    with store.write("/templates") as transaction:
        known = transaction.statements.select(Template, {"digest": digest})
        if known:
            return int(known[0]["world"])
        world = contents.create(
            transaction, {"seed": "", **contents.clock_columns(ClockSetting("frozen").start_clock())}
        )
        fill(world, document)
        transaction.run(Template.insert(digest=digest, world=world.number))
        return world.number
