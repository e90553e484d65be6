"""Fills a database before a server opens it: `python -m benchmarks.fill DATABASE TASKS SANDBOXES`."""

from __future__ import annotations

import random
import sys
import uuid
from datetime import date, timedelta

from mockserver import config
from mockserver.api import blueprint
from mockserver.domain import due
from mockserver.mock import start
from mockserver.sandbox import state
from mockserver.store.models import Responsible, Task

FIRST_DAY = date(2025, 11, 26)
TASKS_A_DAY = 20


def sandbox_name(number: int) -> str:
    """The name of one of the filled sandboxes; its key is the same after `test_`."""
    return f"full-{number:08d}"


def _task(number: int, chance: random.Random, user_id: str, status_id: str) -> dict[str, object]:
    day = (FIRST_DAY + timedelta(days=number // TASKS_A_DAY)).isoformat()
    parts = {"due_date": day, "due_time": "14:30", "timezone": "America/Santiago"}
    when = due.due(due.Parts.of(parts))
    return {
        "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "title": f"Call the client {number:08d}",
        "description": "Ask for the signed offer",
        **parts,
        "due_at": when.due_at,
        "is_all_day": when.is_all_day,
        "due_timezone": when.due_timezone,
        "created_at": "2025-11-26T09:00:00.000Z",
        "ai_contact_id": None,
        "ai_customer_id": None,
        "task_status_config_id": status_id,
        "priority": 1,
        "creator_id": user_id,
        "task_responsibles": [{"responsible_id": user_id}],
    }


def fill(database: str, tasks: int, sandboxes: int) -> None:
    """Make a database with so many sandboxes, each with so many tasks, of which the first day has `TASKS_A_DAY`."""
    mock = start(config.resolve({"database": database}, {}), blueprint.described())
    chance = random.Random(7)  # noqa: S311 (the same tasks each time)
    try:
        with mock.sandboxes.open(sandbox_name(0)) as opened:
            first, people = opened.world, state.document(opened.world)
            user_id, status_id = people["users"][0]["id"], people["statuses"][0]["id"]
            added = [_task(number, chance, user_id, status_id) for number in range(tasks)]
            state.fill(first, {**{name: [] for name in people}, "tasks": added})
        for number in range(1, sandboxes):
            with mock.sandboxes.open(sandbox_name(number)) as opened:
                opened.world.copy_rows(first, (Task, Responsible))
                opened.world.columns["last_position"] = first.columns["last_position"]
    finally:
        mock.close()


if __name__ == "__main__":
    fill(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write("null\n")
