"""`kill -9` at random moments, with eight writers at work.

What was answered is there when the server runs again on the same file; what was not may be there or not, but is never
there by half; the journal tells of what is there, and of nothing else. The moments are drawn from a seed, but where in
its work they meet the server is left to chance: many rounds are what finds something.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import CARLOS, CONTACT, MARIA, wait_until

from reliability.processes import (
    LOST,
    PATIENCE_S,
    TASKS,
    UNLIMITED,
    Client,
    Document,
    Process,
    Writer,
    at_work,
    check_account,
    check_database,
    crowd,
    sizes,
)

WRITERS = 8
READY_S = 2.0
RING = 50  # entries
CROWD = 150  # tasks of the sandbox that is reset, kept and restored

TASK = {"title": "Call the client", "responsibleIds": [MARIA, CARLOS], "priority": "1", "aiContactId": CONTACT}
CYCLES: dict[str, list[tuple[str, str, Any]]] = {
    "reset": [("POST", TASKS, TASK), ("POST", "/__admin/reset", {"to": "crowd"})],
    "snapshot": [("DELETE", "/__admin/snapshots/copy", None), ("POST", "/__admin/snapshots", {"name": "copy"})],
    "restore": [("POST", "/__admin/reset", {"to": "empty"}), ("POST", "/__admin/snapshots/crowd/restore", None)],
}


class Operator:
    """Goes round a cycle of calls about a sandbox of many tasks, the last of which is the one to be killed in.

    How the sandbox looks after each call is known from a first round, which nothing disturbs.
    """

    def __init__(self, server: Process, sandbox: str, kind: str) -> None:
        self.sandbox = sandbox
        self._server = server
        self._calls = CYCLES[kind]
        self.begun = -1  # the number of the call that was sent last
        self.took_s = 0.0  # the call to be killed in, the last time
        with server.client(sandbox) as client:
            crowd(client, TASK, CROWD)
            client.done("POST", "/__admin/snapshots", {"name": "crowd"})
            if kind == "snapshot":
                client.done("POST", "/__admin/snapshots", {"name": "copy"})
            self.crowd = client.asked("state")
            self._looks = []
            for call in self._calls:
                client.done(*call)
                self._looks.append(_look(client))

    def run(self) -> None:
        """Work until an answer does not come."""
        with self._server.client(self.sandbox) as client, contextlib.suppress(*LOST):
            for self.begun in itertools.count():
                begun = time.monotonic()
                client.done(*self._calls[self.begun % len(self._calls)])
                self.took_s = time.monotonic() - begun if self._at_the_call() else self.took_s

    def at_the_call_again(self) -> bool:
        """True when the call to be killed in was sent last, and its duration among writers is known."""
        return self._at_the_call() and self.begun > len(self._calls)

    def _at_the_call(self) -> bool:
        return self.begun % len(self._calls) == len(self._calls) - 1

    def check(self, client: Client) -> bool:
        """The call that was sent last happened wholly, or not at all: whether it did."""
        number = self.begun % len(self._looks)
        look = _look(client)
        assert look in (self._looks[number - 1], self._looks[number])
        for snapshot in look["snapshots"]:
            client.done("POST", f"/__admin/snapshots/{snapshot['name']}/restore")
            assert client.asked("state") == self.crowd
        return look == self._looks[number]


def _look(client: Client) -> Document:
    """All that a sandbox shows, but for what is of real time in its journal."""
    parts: Document = {name: client.asked(name) for name in ("state", "clock", "settings", "faults")}
    entries = client.asked("requests")["requests"]
    journal = [(entry["at"], entry["operation"], entry["response"]["status"], entry["changes"]) for entry in entries]
    return {**parts, "journal": journal, "snapshots": client.asked("snapshots")["snapshots"]}


@sizes("rounds", 2, 40)
@pytest.mark.parametrize("shared", [False, True], ids=["in_sandboxes_of_their_own", "in_one_sandbox"])
def test_what_writers_were_answered_outlives_a_kill(
    shared: bool, rounds: int, tmp_path: Path, figures: Callable[..., None]
) -> None:
    ready, answered = [], 0
    with Process(tmp_path, *UNLIMITED) as server:
        for number in range(rounds):
            moment = random.Random(f"{shared} {number}")
            writers = _writers(server, number, shared)
            with at_work(server, writers):
                server.lives(moment.uniform(0, 0.3))
                server.kill()
            ready.append(server.start())
            answered += _check(server, writers)
    _say(figures, ready, answered)


@sizes("rounds", 2, 40)
def test_the_ring_of_a_journal_is_exact_after_each_kill(
    rounds: int, tmp_path: Path, figures: Callable[..., None]
) -> None:
    """Its sandbox lives through all kills, so that no id may come twice, and nothing be counted twice or not at all."""
    ready, last = [], 0
    with Process(tmp_path, "--journal-limit", RING) as server:
        for number in range(rounds):
            writers = [Writer(server, "ring", f"r{number}w{each}", seed=number) for each in range(WRITERS)]
            with at_work(server, writers):
                server.lives(random.Random(f"ring {number}").uniform(0, 0.3))
                server.kill()
            ready.append(server.start())
            answers = [answer for writer in writers for answer in writer.answers]
            entries = [answer.entry for answer in answers]
            assert len(set(entries)) == len(entries)
            assert min(entries) > last
            with server.client("ring") as client:
                last = _check_ring(client, max(entries))
                tasks = [task["id"] for task in client.asked("state")["tasks"]]
                assert len(set(tasks)) == len(tasks)
    _say(figures, ready, last)


def _check_ring(client: Client, answered: int) -> int:
    """The journal has the newest entries and counts the others: the id of its last one, after one more request."""
    before = client.asked("requests")
    last = before["requests"][-1]["id"]
    assert answered <= last <= answered + WRITERS
    for found in (before, _after_one_more(client, last + 1)):
        ids = [entry["id"] for entry in found["requests"]]
        assert ids == list(range(ids[-1] - min(RING, ids[-1]) + 1, ids[-1] + 1))
        assert (found["total"], found["dropped"]) == (len(ids), ids[-1] - len(ids))
        if found["dropped"]:
            assert client.call("GET", f"/__admin/requests/{ids[0] - 1}").status == 404
    return last + 1


def _after_one_more(client: Client, id: int) -> Document:
    """The journal after a request, which must get that id."""
    assert client.done("GET", "/api/public/team-members/all").entry == id
    found: Document = client.asked("requests")
    return found


@sizes("rounds", 2, 40)
@pytest.mark.parametrize("kind", CYCLES)
def test_what_is_killed_amid_writers_happened_wholly_or_not_at_all(
    kind: str, rounds: int, tmp_path: Path, figures: Callable[..., None]
) -> None:
    ready, answered, happened = [], 0, 0
    with Process(tmp_path, *UNLIMITED) as server:
        for number in range(rounds):
            moment = random.Random(f"{kind} {number}")
            writers = _writers(server, number, shared=number % 2 == 0)
            operator = Operator(server, f"r{number}_operator", kind)
            with at_work(server, writers, operator.run):
                wait_until(operator.at_the_call_again, PATIENCE_S)
                server.lives(moment.uniform(0, 1.2 * operator.took_s))
                server.kill()
            ready.append(server.start())
            answered += _check(server, writers)
            with server.client(operator.sandbox) as client:
                happened += operator.check(client)
                client.done("DELETE", f"/__admin/sandboxes/{operator.sandbox}")
    _say(figures, ready, answered, done_but_not_answered=f"{happened} of {rounds}")


def _writers(server: Process, number: int, shared: bool) -> list[Writer]:
    return [
        Writer(server, f"r{number}" if shared else f"r{number}_{each}", f"w{each}", seed=number)
        for each in range(WRITERS)
    ]


def _check(server: Process, writers: list[Writer]) -> int:
    """All is as the writers were answered: how many answers that were. Their sandboxes are then deleted."""
    check_database(server.database)
    for sandbox in {writer.sandbox for writer in writers}:
        with server.client(sandbox) as client:
            check_account(client, [writer for writer in writers if writer.sandbox == sandbox])
            client.done("DELETE", f"/__admin/sandboxes/{sandbox}")
    return sum(len(writer.answers) for writer in writers)


def _say(figures: Callable[..., None], ready: list[float], answered: int, **more: object) -> None:
    figures(
        kills=len(ready),
        answered_writes=answered,
        ready_p50_s=round(statistics.median(ready), 3),
        ready_max_s=round(max(ready), 3),
        **more,
    )
    assert max(ready) < READY_S
