"""Verification: whether it was asked as it should have been, and if not, what came closest (control plane)."""

from __future__ import annotations

from typing import Any, NamedTuple

from mockserver.journal.journal import Journal
from mockserver.journal.patterns import Pattern

NEAR_MISSES = 3

Document = dict[str, Any]


class Times(NamedTuple):
    """How often: from `low` to `high`, which None leaves open."""

    low: int
    high: int | None

    def hold(self, count: int) -> bool:
        """Whether a count is as it should be."""
        return self.low <= count and (self.high is None or count <= self.high)

    @property
    def settled_early(self) -> bool:
        """Whether it is enough that a count holds once; what may not be exceeded has to be watched to the end."""
        return self.high is None or self.low == self.high > 0

    def hopeless(self, count: int) -> bool:
        """Whether no later request can make a count hold again."""
        return self.high is not None and count > self.high


def bounds(exactly: int | None = None, at_least: int = 0, at_most: int | None = None, never: bool = False) -> Times:
    """The bounds that a verification names."""
    if exactly is not None:
        return Times(exactly, exactly)
    return Times(0, 0) if never else Times(at_least, at_most)


class _Following:
    """Follows a journal that grows; when a reset puts another in its place, all begins anew."""

    def __init__(self) -> None:
        self.actual = 0
        self._journal: int | None = None
        self._last = 0

    def _news(self, journal: Journal) -> list[Document]:
        if journal.number != self._journal:
            self._journal, self._last, self.actual = journal.number, 0, 0
        entries = journal.entries(self._last)
        self._last = entries[-1]["id"] if entries else self._last
        return entries


class Count(_Following):
    """Counts the entries that match, over looks at a journal that grows."""

    def __init__(self, pattern: Pattern, times: Times) -> None:
        super().__init__()
        self.pattern = pattern
        self.times = times

    def look(self, journal: Journal) -> bool:
        """Count what is new; whether there is nothing more to wait for."""
        for entry in self._news(journal):
            self.actual += self.pattern.matches(entry)
        holds = self.times.hold(self.actual)
        return (holds and self.times.settled_early) or self.times.hopeless(self.actual)

    @property
    def passed(self) -> bool:
        """Whether the count is as it should be."""
        return self.times.hold(self.actual)


class Sequence(_Following):
    """Follows an ordered subsequence of patterns through a journal that grows."""

    def __init__(self, patterns: list[Pattern]) -> None:
        super().__init__()
        self.patterns = patterns

    def look(self, journal: Journal) -> bool:
        """Follow what is new; whether the whole sequence has been found."""
        for entry in self._news(journal):
            if self.actual < len(self.patterns) and self.patterns[self.actual].matches(entry):
                self.actual += 1
        return self.passed

    @property
    def passed(self) -> bool:
        """Whether every pattern was matched, in order."""
        return self.actual == len(self.patterns)

    @property
    def pattern(self) -> Pattern:
        """The first pattern that nothing matched."""
        return self.patterns[min(self.actual, len(self.patterns) - 1)]


def near_misses(pattern: Pattern, entries: list[Document]) -> list[Document]:
    """The entries that come closest without matching, the closest and newest first, and what about them differs."""
    missed = [(list(pattern.mismatches(entry)), entry) for entry in entries]
    closest = sorted((pair for pair in missed if pair[0]), key=lambda pair: (len(pair[0]), -pair[1]["id"]))
    return [
        {
            "id": entry["id"],
            "request": f"{entry['request']['method']} {entry['request']['path']}",
            "status": entry["response"]["status"],
            "differences": [mismatch.document() for mismatch in mismatches],
        }
        for mismatches, entry in closest[:NEAR_MISSES]
    ]
