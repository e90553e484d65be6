"""What is stored already: lists and creates among many tasks, and a clean world whatever there was."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.fill import TASKS_A_DAY, sandbox_name
from benchmarks.load import Load, load
from benchmarks.peers import NUMBER, OURS, Call
from benchmarks.result import Bench, Goal, Result, spread
from benchmarks.running import asked, free_port, module, run_json, running

MANY = 100_000


def stored(bench: Bench) -> Result:
    """Lists and creates with 100,000 tasks stored."""
    result = Result(
        "With 100,000 tasks stored",
        f"The project alone, eight clients: the list of a day that has {TASKS_A_DAY} tasks, and creates, in a store "
        f"that has only these {TASKS_A_DAY} tasks and in one that has {MANY:,}.",
        ("a second", f"{TASKS_A_DAY} stored", f"{MANY:,} stored", "share", "processor, ms"),
    )
    key = f"test_{sandbox_name(0)}"
    calls = {"list of a day": _in(OURS.dialogue.list, key), "create": _in(OURS.dialogue.create, key)}
    found: dict[tuple[str, int], list[Load]] = {(name, size): [] for name in calls for size in (TASKS_A_DAY, MANY)}
    for size in bench.alternating([TASKS_A_DAY, MANY]):
        port = free_port()
        with running(_serving_copy(bench, _filled(bench, size), port), port) as server:
            asked(port, [replace(calls["list of a day"], contains="Call the client")])
            for name, call in calls.items():
                load(server, call, clients=8, seconds=bench.warm_up / 2)
                found[name, size].append(load(server, call, clients=8, seconds=bench.seconds))
    for name in calls:
        small, large = ([each.rate for each in found[name, size]] for size in (TASKS_A_DAY, MANY))
        work = [median([each.cpu for each in found[name, size]]) for size in (TASKS_A_DAY, MANY)]
        share = median(large) / median(small)
        result.rows.append((name, spread(small), spread(large), f"{share:.2f}", f"{work[0]:.2f} and {work[1]:.2f}"))
        result.goals.append(Goal(f"{name}: at least 0.9 of the rate with few stored", f"{share:.2f}", share >= 0.9))
    return result


def reset(bench: Bench) -> Result:
    """Resets and fresh sandboxes, whatever is stored."""
    bound, worlds, fresh = 3.0, 2 if bench.quick else 5, 50 if bench.quick else 100
    result = Result(
        "A clean world",
        f"The project alone, one client. The store has {worlds} sandboxes with so many tasks each. *Fresh* is the "
        "first create with a key never used, which makes a sandbox; *create* is the second with that key. *Reset* "
        "is `POST /__admin/reset` of each full sandbox; what it leaves behind is cleared up while the client goes "
        "on, and *create meanwhile* is measured right then.",
        (
            "tasks in each sandbox",
            "fresh, p50 ms",
            "create, p50 ms",
            "reset, p50 ms",
            "reset, slowest",
            "create meanwhile",
        ),
    )
    sizes = (0, 1000, MANY)
    names = ("fresh", "create", "reset", "meanwhile")
    found: dict[int, dict[str, list[float]]] = {size: {name: [] for name in names} for size in sizes}
    one = OURS.dialogue.create
    for size in bench.alternating(sizes):
        port = free_port()
        with running(_serving_copy(bench, _filled(bench, size, worlds), port), port):
            warm_up = Call("reset", "POST", "/__admin/reset?sandbox=warm-up")
            asked(port, [one, warm_up], rounds=50)
            key = f"test_fresh-{NUMBER}"
            calls = [replace(_in(one, key), name="fresh"), replace(_in(one, key), name="create")]
            parts = asked(port, calls, rounds=fresh)["seconds"]
            resets = [Call("reset", "POST", f"/__admin/reset?sandbox=full-{NUMBER}")]
            parts |= asked(port, resets, rounds=worlds)["seconds"]
            parts |= asked(port, [replace(_in(one, "test_meanwhile"), name="meanwhile")], rounds=fresh)["seconds"]
        for name in names:
            found[size][name] += [each * 1000 for each in parts[name]]
    for size in sizes:
        columns = found[size]
        middle = {name: median(columns[name]) for name in names}
        result.rows.append(
            (
                f"{size:,}",
                *(f"{middle[name]:.2f}" for name in ("fresh", "create", "reset")),
                f"{max(columns['reset']):.2f}",
                f"{middle['meanwhile']:.2f}",
            )
        )
        for name in ("fresh", "reset"):
            text = f"{name} with {size:,} tasks: p50 below {bound:.0f} ms"
            result.goals.append(Goal(text, f"{middle[name]:.2f} ms", middle[name] < bound))
    return result


def _filled(bench: Bench, tasks: int, sandboxes: int = 1) -> Path:
    """A database with so many tasks in each of so many sandboxes, made once."""
    path = bench.folder / f"filled-{tasks}-{sandboxes}.db"
    if not path.exists():
        bench.say(f"filling {sandboxes} sandboxes with {tasks:,} tasks each")
        run_json(module("fill", str(path), str(tasks), str(sandboxes)))
    return path


def _serving_copy(bench: Bench, database: Path, port: int) -> list[str]:
    copy = bench.folder / "copy.db"
    for left in bench.folder.glob("copy.db*"):
        left.unlink()
    shutil.copyfile(database, copy)
    return [*OURS.command(port, bench.folder), "--database", str(copy)]


def _in(call: Call, key: str) -> Call:
    return replace(call, headers={**call.headers, "x-api-key": key})
