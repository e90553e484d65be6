"""Interactive notes: a task with a contact shows on that contact (contract, sections 2, 4 and 5)."""

from __future__ import annotations

from mockserver.store.models import Note
from mockserver.store.world import World


def follow(world: World, task_id: str, contact_id: str | None) -> None:
    """Make the task's note be where its contact is: made, moved, left as it is, or removed."""
    notes = world.rows(Note, task_id=task_id)
    if contact_id is None:
        world.delete(Note, task_id=task_id)
    elif not notes:
        attach(world, task_id, contact_id)
    elif notes[0]["contact_id"] != contact_id:
        world.update(Note, notes[0]["id"], contact_id=contact_id)


def attach(world: World, task_id: str, contact_id: str) -> None:
    """Make the note of a task that has none."""
    note = {"id": world.mint(Note), "position": world.next_position()}
    world.insert(Note, [note | {"task_id": task_id, "contact_id": contact_id, "created_at": world.clock.read()}])
