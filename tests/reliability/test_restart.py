"""SIGTERM under load, and a new start on the same file and port: nobody can tell but by the connection."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import ALL_TIME, CONTACT, MARIA

from reliability.processes import (
    TASKS,
    UNLIMITED,
    Client,
    Process,
    Writer,
    at_work,
    check_account,
    check_database,
    free_port,
    sizes,
)

WRITERS = 4
END_S = 5.0

LIST = f"{TASKS}?{'&'.join(f'{name}={text}' for name, text in ALL_TIME.items())}"
PARTS = ("state", "clock", "settings", "faults", "snapshots", *(f"requests/{number}" for number in range(1, 5)))
ASKED = (LIST, "/api/public/team-members/all", *(f"/__admin/{part}" for part in PARTS), "/__admin/sandboxes")


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no SIGTERM")
@sizes("restarts", 5, 20)
def test_a_restart_under_load_changes_no_answer_and_loses_no_write(
    restarts: int, tmp_path: Path, figures: Callable[..., None]
) -> None:
    ends, starts = [], []
    with Process(tmp_path, *UNLIMITED, "--port", free_port()) as server:
        with server.client("quiet") as quiet:
            _furnish(quiet)
        writers = [Writer(server, f"busy{number}", f"w{number}") for number in range(WRITERS)]
        url = server.url
        for _ in range(restarts):
            with at_work(server, writers):
                before = _answers(server)
                code, seconds = server.stop()
            ends.append(seconds)
            assert code == 0
            starts.append(server.start())
            assert server.url == url
            assert _answers(server) == before
            for writer in writers:
                with server.client(writer.sandbox) as client:
                    check_account(client, [writer], may_have_more=False)
            check_database(server.database)
    answered = sum(len(writer.answers) for writer in writers)
    figures(
        restarts=restarts, answered_writes=answered, end_max_s=round(max(ends), 3), ready_max_s=round(max(starts), 3)
    )
    assert max(ends) < END_S


def _furnish(client: Client) -> None:
    """A bit of everything that a sandbox can hold."""
    for title in ("first", "second", "gone"):
        task = {"title": title, "responsibleIds": [MARIA], "priority": "1", "aiContactId": CONTACT}
        id = client.done("POST", TASKS, task).json()["id"]
    client.done("DELETE", f"{TASKS}/{id}")
    client.done("POST", "/__admin/snapshots", {"name": "kept"})
    client.done("POST", "/__admin/faults", {"match": {"operation": "deleteTask"}, "status": 503})
    client.done("POST", "/__admin/clock/advance", {"seconds": 3600})
    client.done("PATCH", "/__admin/settings", {"strict": True})


def _answers(server: Process) -> dict[str, tuple[int, bytes]]:
    """The answers of the sandbox that nobody writes to."""
    with server.client("quiet") as client:
        answers = {path: client.call("GET", path) for path in ASKED}
    return {path: (answer.status, answer.body) for path, answer in answers.items()}
