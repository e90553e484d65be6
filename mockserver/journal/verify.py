"""Verification: count the requests that match a pattern, and find the near misses (docs/control-plane.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mockserver.formats.json import Document
from mockserver.journal.entries import MAX_MATCHED, waits
from mockserver.journal.journal import Journal
from mockserver.journal.patterns import Pattern

NEAR_MISSES = 3


class Times(NamedTuple):
    """The bounds of a count, both included; `high` is None when there is no upper bound."""

    low: int
    high: int | None

    def hold(self, count: int) -> bool:
        """Test if a count is within the bounds."""
        return self.low <= count and (self.high is None or count <= self.high)

    @property
    def settled_early(self) -> bool:
        """True when a count within the bounds settles it; an upper bound has to be watched until the timeout."""
        return self.high is None or self.low == self.high > 0

    def hopeless(self, count: int) -> bool:
        """Test if a count is past the upper bound, so that no later request can mend it."""
        return self.high is not None and count > self.high


def bounds(exactly: int | None = None, at_least: int = 0, at_most: int | None = None, never: bool = False) -> Times:
    """The bounds that a verification names."""
    if exactly is not None:
        return Times(exactly, exactly)
    return Times(0, 0) if never else Times(at_least, at_most)


class Gaps(NamedTuple):
    """The gaps in a journal: the numbers of entries dropped, and of bodies cut that a pattern looks into."""

    dropped: int = 0
    cut: int = 0

    def __str__(self) -> str:
        """The gaps in words, with the way out; empty without gaps."""
        found = []
        if self.dropped:
            entries = "1 older entry was" if self.dropped == 1 else f"{self.dropped} older entries were"
            found.append(
                f"{entries} dropped to make room (raise --journal-limit above what the test sends, keep its bodies "
                "small, or reset the journal before)"
            )
        if self.cut:
            bodies = "1 body was" if self.cut == 1 else f"{self.cut} bodies were"
            found.append(
                f"{bodies} cut to {MAX_MATCHED // 1024} KiB or not read (match by operation or path, or send less)"
            )
        return " and ".join(found)


class _Following:
    """A reader of a growing journal, which starts again when a reset replaces the journal."""

    def __init__(self) -> None:
        self.actual = 0
        self.gaps = Gaps()
        self._journal: int | None = None
        self._last = 0  # entries up to this one are settled, and what was found in them is
        self._settled = self.actual, self.gaps

    def fetch(self, journal: Journal) -> Iterator[Document]:
        """The entries that are new, and again those from the first that was pending on: its status was to come."""
        if journal.number != self._journal:
            self._journal, self._last, self._settled = journal.number, 0, (0, Gaps())
        self.actual, self.gaps = self._settled
        self._missed(dropped=journal.dropped(self._last))
        return self._followed(journal.evidence(self._last))

    def _followed(self, entries: Iterable[Document]) -> Iterator[Document]:
        settled = True
        for entry in entries:
            yield entry
            settled = settled and not waits(entry)
            if settled:
                self._last, self._settled = entry["id"], (self.actual, self.gaps)

    def _missed(self, dropped: int = 0, cut: int = 0) -> None:
        self.gaps = Gaps(self.gaps.dropped + dropped, self.gaps.cut + cut)


class Count(_Following):
    """The number of matching entries in a growing journal."""

    def __init__(self, pattern: Pattern, times: Times) -> None:
        super().__init__()
        self.pattern = pattern
        self.times = times

    def look(self, entries: Iterable[Document]) -> bool:
        """Count the new entries; True when the verdict is final."""
        for entry in entries:
            self.actual += self.pattern.matches(entry)
            self._missed(cut=self.pattern.cannot_tell(entry))
        settled = self.times.hold(self.actual) and self.times.settled_early
        return settled or self._unsupported or self.times.hopeless(self.actual)

    @property
    def passed(self) -> bool:
        """True when the count is within its bounds, and the journal has no gap in which more could be."""
        return self.times.hold(self.actual) and not self._unsupported

    @property
    def _unsupported(self) -> bool:
        """True when a request in a gap could exceed the upper bound."""
        return self.times.high is not None and any(self.gaps)


class Sequence(_Following):
    """An ordered subsequence of patterns in a growing journal."""

    def __init__(self, patterns: list[Pattern]) -> None:
        super().__init__()
        self.patterns = patterns

    def look(self, entries: Iterable[Document]) -> bool:
        """Match the new entries; True when the whole sequence was found."""
        for entry in entries:
            self._missed(cut=self.pattern.cannot_tell(entry))
            self.actual += not self.passed and self.pattern.matches(entry)
        return self.passed

    @property
    def passed(self) -> bool:
        """True when every pattern was matched, in order."""
        return self.actual == len(self.patterns)

    @property
    def pattern(self) -> Pattern:
        """The first pattern that nothing matched."""
        return self.patterns[min(self.actual, len(self.patterns) - 1)]


def near_misses(pattern: Pattern, entries: Iterable[Document]) -> list[Document]:
    """The entries that match most of the pattern, the closest and newest first, with their mismatches."""
    missed = [(list(pattern.mismatches(entry)), entry) for entry in entries]
    closest = sorted((pair for pair in missed if pair[0]), key=lambda pair: (len(pair[0]), -pair[1]["id"]))
    return [
        {
            "id": entry["id"],
            "request": f"{entry['request']['method']} {entry['request']['path']}",
            "status": (entry["response"] or {}).get("status"),
            "differences": [mismatch.document() for mismatch in mismatches],
        }
        for mismatches, entry in closest[:NEAR_MISSES]
    ]
