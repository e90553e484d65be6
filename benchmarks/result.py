"""What a measure is given, and what it finds: a table, goals, and whether they are met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeVar

from benchmarks.peers import Peer

Subject = TypeVar("Subject")


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
    low, middle, high = (f"{each:,.{digits}f}" for each in (min(samples), median(samples), max(samples)))
    return middle if low == high else f"{middle} ({low}–{high})"


def ratio(value: float, base: float) -> str:
    """How many times the base a value is."""
    return f"{value / base:.2f}×"


def beside(bench: Bench, measure: str) -> list[Peer]:
    """The servers that take part in a measure."""
    return [peer for peer in bench.peers if peer.only_in in ("", measure)]


def least(text: str, share: float, ours: float, others: Mapping[str, float]) -> list[Goal]:
    """The goal that a figure of ours is at most this share of the least of the others; none without others."""
    if not others:
        return []
    name = min(others, key=others.__getitem__)
    return [Goal(text, f"{ours / others[name]:.2f} of {name}", ours <= others[name] * share)]
