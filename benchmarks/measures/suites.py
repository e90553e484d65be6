"""What a test suite feels: the start, and 200 tests each in a clean world."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from benchmarks.peers import OURS
from benchmarks.result import Bench, Result, beside, least, ratio, spread
from benchmarks.running import Client, free_port, running

TESTS = 200
START_RUNS = 10


def suite(bench: Bench) -> Result:
    """Start, 200 tests each in a clean world, stop."""
    result = Result(
        "A suite of 200 tests",
        f"The server starts, {TESTS} tests run one after another, the server is told to stop and has ended. A test "
        "makes its world clean, creates a task, lists the day and finds it there, changes its title, sends a create "
        "without a title that should be refused, and deletes the task. The client is the same for all. Memory is "
        "the peak resident memory of all processes of the server.",
        ("server", "wall time, s", "of ours", "memory, MB", "of ours", "clean world by", "what it did not do"),
    )
    peers = beside(bench, "suite")
    walls: dict[str, list[float]] = {peer.name: [] for peer in peers}
    memories: dict[str, list[float]] = {peer.name: [] for peer in peers}
    undone: dict[str, set[str]] = {peer.name: set() for peer in peers}
    for peer in bench.alternating(peers):
        dialogue, port = peer.suite or peer.dialogue, free_port()
        plan: dict[str, Any] = {"setup": dialogue.setup, "rounds": TESTS, "id_pattern": dialogue.id_pattern}
        with Client(port, dialogue.test(), **plan) as client:
            with running(peer.command(port, bench.folder), port, watch_memory=True) as server:
                passed = client.result()["passed"]
            walls[peer.name].append(time.monotonic() - server.started)
        memories[peer.name].append(server.memory / 1e6)
        undone[peer.name] |= {call.name for call in dialogue.test() if passed[call.name] < TESTS}
    ours, memory = median(walls[OURS.name]), median(memories[OURS.name])
    for peer in peers:
        wall = walls[peer.name]
        result.rows.append(
            (
                peer.name,
                spread(wall, 2),
                ratio(median(wall), ours),
                spread(memories[peer.name]),
                ratio(median(memories[peer.name]), memory),
                peer.clean,
                ", ".join(sorted(undone[peer.name])) or "–",
            )
        )
    others = [peer.name for peer in peers if peer.distribution != OURS.distribution]
    able = {name: median(walls[name]) for name in others if not undone[name] - {"refuse"}}
    result.goals += least("at most half the wall time of the best peer that can do it", 1 / 2, ours, able)
    heavy = {name: median(memories[name]) for name in others}
    result.goals += least("at most a third of the lightest peer's memory", 1 / 3, memory, heavy)
    result.notes.append(
        "A peer *can do it* when it lists, changes and deletes what was stored. One that does not refuse the create "
        "without a title stores one task more, and is counted all the same. One that answers an example has less to "
        "do; its time is no suite's."
    )
    return result


def start(bench: Bench) -> Result:
    """From the start of the process to the first create that is answered."""
    result = Result(
        "Start",
        "From the start of the process until the first create is answered as it should be. The client waits for the "
        "port, asking a thousand times a second.",
        ("server", "s", "of ours"),
    )
    peers = beside(bench, "start")
    found: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for peer in bench.alternating(peers, 3 if bench.quick else max(START_RUNS, bench.rounds)):
        dialogue, port = peer.dialogue, free_port()
        with (
            Client(port, [dialogue.create], setup=dialogue.setup) as client,
            running(peer.command(port, bench.folder), port) as server,
        ):
            found[peer.name].append(client.result()["first"] - server.started)
    ours = median(found[OURS.name])
    result.rows = [(name, spread(each, 2), ratio(median(each), ours)) for name, each in found.items()]
    others = {name: median(each) for name, each in found.items() if name != OURS.name}
    result.goals += least("at least as fast as the fastest peer", 1, ours, others)
    result.notes.append("moto's first create has the making of its table before it.")
    return result
