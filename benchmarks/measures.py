"""The measures, one function each: what is done, what it is compared with, and whether the goal is met."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.fill import TASKS_A_DAY, sandbox_name
from benchmarks.load import Load, load
from benchmarks.peers import NUMBER, OURS, Call, Peer
from benchmarks.running import Client, Failed, asked, free_port, module, run_json, running

Sample = TypeVar("Sample")
Subject = TypeVar("Subject")

TESTS = 200
MANY = 100_000
START_RUNS = 10


@dataclass(frozen=True)
class Bench:
    """How much is measured, and beside whom. `folder` is for scratch files; `say` tells how far it is."""

    peers: Sequence[Peer]
    rounds: int
    quick: bool
    folder: Path
    say: Callable[[str], None]

    @property
    def seconds(self) -> float:
        """How long a load lasts."""
        return 2 if self.quick else 6

    @property
    def warm_up(self) -> float:
        """How long a server is warmed up before it is measured."""
        return 1 if self.quick else 4

    def alternating(self, subjects: Sequence[Subject], rounds: int = 0) -> Iterator[Subject]:
        """Each subject once in a round, every round beginning with another, so that drift hits all alike."""
        for number in range(rounds or self.rounds):
            first = number % len(subjects)
            for subject in (*subjects[first:], *subjects[:first]):
                self.say(f"round {number + 1} of {rounds or self.rounds}: {getattr(subject, 'name', subject)}")
                yield subject


@dataclass(frozen=True)
class Goal:
    """A goal, the figure that decides it, and whether it is met; None when it could not be decided."""

    text: str
    figure: str
    met: bool | None


@dataclass
class Result:
    """What a measure found: a table, goals, and what has to be known to read them."""

    title: str
    how: str
    head: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def spread(samples: Sequence[float], digits: int = 0) -> str:
    """The median, and from the least to the most."""
    low, middle, high = (f"{each:,.{digits}f}" for each in (min(samples), statistics.median(samples), max(samples)))
    return middle if low == high else f"{middle} ({low}–{high})"


def _median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}×"


def _beside(bench: Bench, measure: str) -> list[Peer]:
    return [peer for peer in bench.peers if peer.only_in in ("", measure)]


def suite(bench: Bench) -> Result:
    """Start, 200 tests each in a clean world, stop."""
    result = Result(
        "A suite of 200 tests",
        f"The server starts, {TESTS} tests run one after another, the server is told to stop and has ended. A test "
        "makes its world clean, creates a task, lists the day and finds it there, changes its title, sends a create "
        "without a title that should be refused, and deletes the task. The client is the same for all. Memory is the "
        "peak resident memory of all processes of the server.",
        ("server", "wall time, s", "of ours", "memory, MB", "of ours", "clean world by", "what it did not do"),
    )
    peers = _beside(bench, "suite")
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
    ours, memory = _median(walls[OURS.name]), _median(memories[OURS.name])
    for peer in peers:
        wall = walls[peer.name]
        result.rows.append(
            (
                peer.name,
                spread(wall, 2),
                _ratio(_median(wall), ours),
                spread(memories[peer.name]),
                _ratio(_median(memories[peer.name]), memory),
                peer.clean,
                ", ".join(sorted(undone[peer.name])) or "–",
            )
        )
    others = [peer.name for peer in peers if peer.distribution != OURS.distribution]
    able = [name for name in others if not undone[name] - {"refuse"}]
    if able:
        best = min(able, key=lambda name: _median(walls[name]))
        half = _median(walls[best])
        result.goals.append(
            Goal(
                "at most half the wall time of the best peer that can do it",
                f"{ours / half:.2f} of {best}",
                ours <= half / 2,
            )
        )
    if others:
        lightest = min(others, key=lambda name: _median(memories[name]))
        third = _median(memories[lightest])
        result.goals.append(
            Goal(
                "at most a third of the lightest peer's memory",
                f"{memory / third:.2f} of {lightest}",
                memory <= third / 3,
            )
        )
    result.notes.append(
        "A peer *can do it* when it lists, changes and deletes what was stored. One that does not refuse the create "
        "without a title stores one task more, and is counted all the same. One that answers an example has less to "
        "do; "
        "its time is no suite's."
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
    peers = _beside(bench, "start")
    found: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for peer in bench.alternating(peers, 3 if bench.quick else max(START_RUNS, bench.rounds)):
        dialogue, port = peer.dialogue, free_port()
        with (
            Client(port, [dialogue.create], setup=dialogue.setup) as client,
            running(peer.command(port, bench.folder), port) as server,
        ):
            found[peer.name].append(client.result()["first"] - server.started)
    ours = _median(found[OURS.name])
    result.rows = [(name, spread(each, 2), _ratio(_median(each), ours)) for name, each in found.items()]
    others = [name for name in found if name != OURS.name]
    if others:
        fastest = min(others, key=lambda name: _median(found[name]))
        figure = f"{ours / _median(found[fastest]):.2f} of {fastest}"
        result.goals.append(Goal("at least as fast as the fastest peer", figure, ours <= _median(found[fastest])))
    result.notes.append("moto's first create has the making of its table before it.")
    return result


def _loaded(bench: Bench, peer: Peer, clients: Sequence[int]) -> list[Load]:
    """A fresh server, warmed up, and its creates with so many clients."""
    port, create = free_port(), peer.dialogue.create
    with running(peer.command(port, bench.folder), port) as server:
        if not asked(port, [create], setup=peer.dialogue.setup, number=99_999_999)["passed"]["create"]:
            raise Failed(f"{peer.name} does not answer a create as it should")
        load(server, create, clients=8, seconds=bench.warm_up)
        return [load(server, create, clients=number, seconds=bench.seconds) for number in clients]


def create(bench: Bench) -> Result:
    """Validated, stored, journalled creates, with 8 clients."""
    result = Result(
        "Creates",
        "Eight clients create tasks, each with a title of its own, as fast as they are answered. Every server is "
        "fresh, "
        "and warmed up. *Processor* is the time that the server's processes worked for one create, whatever else the "
        "machine did.",
        (
            "server",
            "creates a second",
            "ours is",
            "p50, ms",
            "p99, ms",
            "processor, ms",
            "refused",
            "validates",
            "stores",
            "journals",
        ),
    )
    peers = _beside(bench, "create")
    found: dict[str, list[Load]] = {peer.name: [] for peer in peers}
    for peer in bench.alternating(peers):
        found[peer.name] += _loaded(bench, peer, [8])
    rate = {name: _median([each.rate for each in loads]) for name, loads in found.items()}
    for peer in peers:
        loads = found[peer.name]
        result.rows.append(
            (
                peer.name,
                spread([each.rate for each in loads]),
                _ratio(rate[OURS.name], rate[peer.name]),
                spread([each.p50 for each in loads], 1),
                spread([each.p99 for each in loads], 1),
                spread([each.cpu for each in loads], 2),
                str(sum(each.refused + each.broken for each in loads)),
                peer.validates,
                peer.stores,
                peer.journals,
            )
        )
    for name, times in (("json-server", 2), ("Mockoon", 2), ("Prism", 1)):
        if name in rate:
            wanted = f"at least {times} × {name}" if times > 1 else f"as fast as {name}, which stores nothing"
            ratio = rate[OURS.name] / rate[name]
            result.goals.append(Goal(wanted, f"{ratio:.2f}×", ratio >= times))
    return result


def tail(bench: Bench) -> Result:
    """The slowest percent of creates, with 8 and with 32 clients."""
    bounds = {8: 20, 32: 60}
    result = Result(
        "The slowest creates",
        "The project alone: the same creates, with more clients. Whoever waits for a lock too long is refused.",
        ("clients", "creates a second", "p50, ms", "p99, ms", "slowest, ms", "refused or broken"),
    )
    found: dict[int, list[Load]] = {number: [] for number in bounds}
    for _ in bench.alternating([OURS]):
        for number, each in zip(bounds, _loaded(bench, OURS, list(bounds)), strict=True):
            found[number].append(each)
    for number, bound in bounds.items():
        loads = found[number]
        failed = sum(each.refused + each.broken for each in loads)
        columns = [([each.rate for each in loads], 0), ([each.p50 for each in loads], 1)]
        columns += [([each.p99 for each in loads], 1), ([each.slowest for each in loads], 0)]
        result.rows.append((str(number), *(spread(*column) for column in columns), str(failed)))
        p99 = _median([each.p99 for each in loads])
        result.goals.append(Goal(f"p99 with {number} clients below {bound} ms", f"{p99:.1f} ms", p99 < bound))
        result.goals.append(Goal(f"none of {number} clients refused", str(failed), failed == 0))
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
        work = [_median([each.cpu for each in found[name, size]]) for size in (TASKS_A_DAY, MANY)]
        share = _median(large) / _median(small)
        result.rows.append((name, spread(small), spread(large), f"{share:.2f}", f"{work[0]:.2f} and {work[1]:.2f}"))
        result.goals.append(Goal(f"{name}: at least 0.9 of the rate with few stored", f"{share:.2f}", share >= 0.9))
    return result


def reset(bench: Bench) -> Result:
    """Resets and fresh sandboxes, whatever is stored."""
    bound, worlds, fresh = 3.0, 2 if bench.quick else 5, 50 if bench.quick else 100
    result = Result(
        "A clean world",
        f"The project alone, one client. The store has {worlds} sandboxes with so many tasks each. *Fresh* is the "
        "first create "
        "with a key never used, which makes a sandbox; *create* is the second with that key. *Reset* is "
        "`POST /__admin/reset` of each full sandbox; what it leaves behind is cleared up while the client goes on, "
        "and *create "
        "meanwhile* is measured right then.",
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
        middle = {name: _median(columns[name]) for name in names}
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


def in_process(bench: Bench) -> Result:
    """Calls without a socket."""
    result = Result(
        "Without a socket",
        "`httpx.Client` over the transport that `vambe_mock.transport` is: a create, and a get of the team members.",
        ("call", "p50, ms", "p99, ms"),
    )
    found: dict[str, list[list[float]]] = {"create": [], "get": []}
    for _ in bench.alternating(["in process"]):
        for name, times in run_json(module("inprocess", "300" if bench.quick else "2000")).items():
            found[name].append(times)
    for name, runs in found.items():
        p50 = [_median(times) for times in runs]
        p99 = [statistics.quantiles(times, n=100)[98] for times in runs]
        result.rows.append((name, spread(p50, 2), spread(p99, 2)))
        result.goals.append(Goal(f"{name}: p50 below 1 ms", f"{_median(p50):.2f} ms", _median(p50) < 1))
    return result


def limit(bench: Bench) -> Result:
    """What the parts could do without the project, and where the time of a create goes."""
    result = Result(
        "The limit",
        "The same create, with eight clients, by servers that only read it and answer a fixed document of the same "
        "length; "
        "and SQLite alone, one insert of a journal entry's length in a transaction, with the project's pragmas.",
        ("what", "a second", "a create reaches", "processor, ms"),
    )
    kinds = {
        "server": "the project's server, an empty WSGI application",
        "flask": "the project's server, an empty Flask application",
        "waitress": "waitress as it comes, the same Flask application",
        "sqlite": "SQLite, one thread, no HTTP",
        "ours": "the project's create",
    }
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for kind in bench.alternating(list(kinds)):
        found[kind].append(_bare(bench, kind))
    rates = {kind: [rate for rate, _ in each] for kind, each in found.items()}
    for kind, text in kinds.items():
        reached = _median(rates["ours"]) / _median(rates[kind])
        work = spread([milliseconds for _, milliseconds in found[kind]], 2)
        result.rows.append((text, spread(rates[kind]), f"{reached:.0%}", work))
    return result


def _bare(bench: Bench, kind: str) -> tuple[float, float]:
    """The rate, and the processor time of one in milliseconds."""
    if kind == "sqlite":
        rate, work = run_json(module("bare", kind, str(bench.seconds)))
        return rate, work
    if kind == "ours":
        each = _loaded(bench, OURS, [8])[0]
        return each.rate, each.cpu
    port, call = free_port(), OURS.dialogue.create
    with running(module("bare", kind, str(port)), port) as server:
        asked(port, [call])
        load(server, call, clients=8, seconds=bench.warm_up / 2)
        each = load(server, call, clients=8, seconds=bench.seconds)
    return each.rate, each.cpu


def where(bench: Bench) -> Result:
    """Where the processor time of a create goes."""
    result = Result(
        "Where the time of a create goes",
        "The processor time of one create while eight clients create tasks: that of the server's loop, which accepts, "
        "reads and "
        "parses, and that of the threads which answer. What the application has of it is measured in one thread "
        "without the "
        "server, and split by a sampler that looks at the innermost line of Python a thousand times a second.",
        ("part", "ms", "of all"),
    )
    port, seconds = free_port(), 3 if bench.quick else 10
    bench.say("the server")
    with running(OURS.command(port, bench.folder), port) as server:
        asked(port, [OURS.dialogue.create])
        load(server, OURS.dialogue.create, clients=8, seconds=bench.warm_up)
        before = server.threads()
        loaded = load(server, OURS.dialogue.create, clients=8, seconds=seconds)
        loop, workers = (
            (after - earlier) / (loaded.rate * seconds) * 1000
            for after, earlier in zip(server.threads(), before, strict=True)
        )
    bench.say("the application")
    found = run_json(module("profile", str(seconds)))
    application, total = found["milliseconds"], loop + workers
    parts = [("the server's loop", loop), ("the threads, beside the application", workers - application)]
    parts += [(f"the application: {layer}", share * application) for layer, share in found["layers"]]
    result.rows = [(part, f"{each:.2f}", f"{each / total:.0%}") for part, each in parts]
    busiest = ", ".join(f"`{name}` {share:.0%}" for name, share in found["functions"])
    result.notes.append(f"The application's functions with the most samples of their own: {busiest}.")
    return result


MEASURES: dict[str, Callable[[Bench], Result]] = {
    "suite": suite,
    "start": start,
    "create": create,
    "tail": tail,
    "stored": stored,
    "reset": reset,
    "in-process": in_process,
    "limit": limit,
    "profile": where,
}
