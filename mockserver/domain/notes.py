"""Interactive notes: a task with a contact has a note on that contact (contract, sections 2, 4 and 5)."""

from __future__ import annotations

from typing import Any

from mockserver.store.contents import World
from mockserver.store.models import Note


def follow(world: World, task_id: str, contact_id: str | None) -> None:
    """Create, move, keep or remove the task's note, as its contact requires."""
    notes = world.rows(Note, task_id=task_id)
    if not notes:
        if contact_id is not None:
            attach(world, task_id, contact_id)
        return
    (note,) = notes
    if contact_id is None:
        world.delete(Note, task_id=task_id)
        world.report("note", note["id"], _note_object(note), None)
    elif note["contact_id"] != contact_id:
        world.update(Note, note["id"], contact_id=contact_id)
        world.report("note", note["id"], _note_object(note), _note_object(note | {"contact_id": contact_id}))


def attach(world: World, task_id: str, contact_id: str) -> None:
    """Create the note of a task that has none."""
    note = {"task_id": task_id, "contact_id": contact_id, "created_at": world.clock.read()}
    note["id"] = world.insert_new(Note, {**note, "position": world.next_position()})
    world.report("note", note["id"], None, _note_object(note))


def _note_object(note: dict[str, Any]) -> dict[str, Any]:
    return {key: note[key] for key in ("id", "task_id", "contact_id", "created_at")}
