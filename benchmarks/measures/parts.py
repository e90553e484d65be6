"""The parts of a call: without a socket, without the project, and where its time goes."""

from __future__ import annotations

from statistics import median, quantiles

from benchmarks.load import load
from benchmarks.measures.creates import loaded
from benchmarks.peers import OURS
from benchmarks.result import Bench, Goal, Result, spread
from benchmarks.running import asked, free_port, module, run_json, running


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
        p50 = [median(times) for times in runs]
        p99 = [quantiles(times, n=100)[98] for times in runs]
        result.rows.append((name, spread(p50, 2), spread(p99, 2)))
        result.goals.append(Goal(f"{name}: p50 below 1 ms", f"{median(p50):.2f} ms", median(p50) < 1))
    return result


def limit(bench: Bench) -> Result:
    """What the parts could do without the project, and where the time of a create goes."""
    result = Result(
        "The limit",
        "The same create, with eight clients, by servers that only read it and answer a fixed document of the same "
        "length; and SQLite alone, one insert of a journal entry's length in a transaction, with the project's "
        "pragmas.",
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
        reached = median(rates["ours"]) / median(rates[kind])
        work = spread([milliseconds for _, milliseconds in found[kind]], 2)
        result.rows.append((text, spread(rates[kind]), f"{reached:.0%}", work))
    return result


def where(bench: Bench) -> Result:
    """Where the processor time of a create goes."""
    result = Result(
        "Where the time of a create goes",
        "The processor time of one create while eight clients create tasks: that of the server's loop, which "
        "accepts, reads and parses, and that of the threads which answer. What the application has of it is "
        "measured in one thread without the server, and split by a sampler that looks at the innermost line of "
        "Python a thousand times a second.",
        ("part", "ms", "of all"),
    )
    port, seconds = free_port(), 3 if bench.quick else 10
    bench.say("the server")
    with running(OURS.command(port, bench.folder), port) as server:
        asked(port, [OURS.dialogue.create])
        load(server, OURS.dialogue.create, clients=8, seconds=bench.warm_up)
        before = server.threads()
        creates = load(server, OURS.dialogue.create, clients=8, seconds=seconds)
        loop, workers = (
            (after - earlier) / (creates.rate * seconds) * 1000
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


def _bare(bench: Bench, kind: str) -> tuple[float, float]:
    """The rate, and the processor time of one in milliseconds."""
    if kind == "sqlite":
        rate, work = run_json(module("bare", kind, str(bench.seconds)))
        return rate, work
    if kind == "ours":
        each = loaded(bench, OURS, [8])[0]
        return each.rate, each.cpu
    port, call = free_port(), OURS.dialogue.create
    with running(module("bare", kind, str(port)), port) as server:
        asked(port, [call])
        load(server, call, clients=8, seconds=bench.warm_up / 2)
        each = load(server, call, clients=8, seconds=bench.seconds)
    return each.rate, each.cpu
