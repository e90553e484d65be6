"""Creates as fast as they are answered: beside the peers, and with more clients."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.load import Load, load
from benchmarks.peers import OURS, Peer
from benchmarks.result import Bench, Goal, Result, beside, ratio, spread
from benchmarks.running import Failed, asked, free_port, running


def create(bench: Bench) -> Result:
    """Validated, stored, journalled creates, with 8 clients."""
    result = Result(
        "Creates",
        "Eight clients create tasks, each with a title of its own, as fast as they are answered. Every server is "
        "fresh, and warmed up. *Processor* is the time that the server's processes worked for one create, whatever "
        "else the machine did.",
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
    peers = beside(bench, "create")
    found: dict[str, list[Load]] = {peer.name: [] for peer in peers}
    for peer in bench.alternating(peers):
        found[peer.name] += loaded(bench, peer, [8])
    rate = {name: median([each.rate for each in loads]) for name, loads in found.items()}
    for peer in peers:
        loads = found[peer.name]
        result.rows.append(
            (
                peer.name,
                spread([each.rate for each in loads]),
                ratio(rate[OURS.name], rate[peer.name]),
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
            reached = rate[OURS.name] / rate[name]
            result.goals.append(Goal(wanted, f"{reached:.2f}×", reached >= times))
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
        for number, each in zip(bounds, loaded(bench, OURS, list(bounds)), strict=True):
            found[number].append(each)
    for number, bound in bounds.items():
        loads = found[number]
        failed = sum(each.refused + each.broken for each in loads)
        columns = [([each.rate for each in loads], 0), ([each.p50 for each in loads], 1)]
        columns += [([each.p99 for each in loads], 1), ([each.slowest for each in loads], 0)]
        result.rows.append((str(number), *(spread(*column) for column in columns), str(failed)))
        p99 = median([each.p99 for each in loads])
        result.goals.append(Goal(f"p99 with {number} clients below {bound} ms", f"{p99:.1f} ms", p99 < bound))
        result.goals.append(Goal(f"none of {number} clients refused", str(failed), failed == 0))
    return result


def loaded(bench: Bench, peer: Peer, clients: Sequence[int]) -> list[Load]:
    """A fresh server, warmed up, and its creates with so many clients."""
    port, create = free_port(), peer.dialogue.create
    with running(peer.command(port, bench.folder), port) as server:
        if not asked(port, [create], setup=peer.dialogue.setup, number=99_999_999)["passed"]["create"]:
            raise Failed(f"{peer.name} does not answer a create as it should")
        load(server, create, clients=8, seconds=bench.warm_up)
        return [load(server, create, clients=number, seconds=bench.seconds) for number in clients]
