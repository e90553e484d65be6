"""Due dates against an oracle of this test's own: the bytes of the zone files (RFC 9636), not `zoneinfo`.

Around each transition of each zone from 1900 to 2100, wall-clock times are converted, and each result is compared with
the zone's table of offsets: the first instant at which its clocks show that time, else the time moved by the gap.
"""

from __future__ import annotations

import pkgutil
import re
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from mockserver.domain import due
from mockserver.formats import zones

FIRST, LAST = 1900, 2100  # years
EPOCH = datetime(1970, 1, 1)
DAY, HOUR = 86_400, 3_600
NAME = r"(?:<[^>]+>|[A-Za-z]+)"
TIME = r"[+-]?\d+(?::\d+)*"
RULE = rf"M(\d+)\.(\d)\.(\d)(?:/({TIME}))?"
FOOTER = re.compile(rf"{NAME}({TIME})(?:{NAME}({TIME})?,{RULE},{RULE})?")


class Zone(NamedTuple):
    """The offsets of a zone, in seconds: `offsets[n]` from `starts[n]` on, and before `starts[1]` the first."""

    starts: list[float]
    offsets: list[int]

    def offset_at(self, instant: int) -> int:
        return self.offsets[bisect_right(self.starts, instant) - 1]

    def instant_of(self, wall: int) -> int:
        """The instant of a wall-clock time, by trying every offset that the zone has had within three days."""
        near = range(bisect_right(self.starts, wall - 3 * DAY) - 1, bisect_right(self.starts, wall + 3 * DAY))
        found = [wall - self.offsets[n] for n in near if self.offset_at(wall - self.offsets[n]) == self.offsets[n]]
        if found:
            return min(found)
        (skipped,) = [n for n in near if n and self.offsets[n - 1] <= wall - self.starts[n] < self.offsets[n]]
        return wall - self.offsets[skipped - 1]


def read(data: bytes) -> Zone:
    """Read a zone file: its second block, of 64-bit times, and then its footer's rule for each later year."""
    counts = header(data, 0)
    start = 44 + size(counts, 4)
    utc, standard, leaps, times, types, letters = counts = header(data, start)
    assert (utc in (0, types), standard in (0, types), leaps, letters > 0) == (True, True, 0, True)
    at = start + 44
    instants = struct.unpack_from(f">{times}q", data, at)
    chosen = data[at + times * 8 : at + times * 9]
    offsets = [struct.unpack_from(">lBB", data, at + times * 9 + 6 * n)[0] for n in range(types)]
    zone = Zone([float("-inf"), *instants], [offsets[0], *(offsets[n] for n in chosen)])
    footer = data[start + 44 + size(counts, 8) :].decode("ascii").strip("\n")
    for instant, offset in later(footer):
        if instant > zone.starts[-1]:
            zone.starts.append(instant)
            zone.offsets.append(offset)
    return zone


def header(data: bytes, at: int) -> tuple[int, ...]:
    assert data[at : at + 4] == b"TZif"
    assert data[at + 4 : at + 5] >= b"2"
    return struct.unpack_from(">6l", data, at + 20)


def size(counts: tuple[int, ...], width: int) -> int:
    utc, standard, leaps, times, types, letters = counts
    return times * (width + 1) + types * 6 + letters + leaps * (width + 4) + standard + utc


def later(footer: str) -> Iterator[tuple[int, int]]:
    """The transitions by a footer such as `EST5EDT,M3.2.0,M11.1.0`, each with the offset from then on."""
    match = FOOTER.fullmatch(footer)
    assert match, footer
    standard, summer, *rules = match.groups()
    if rules[0] is None:
        return
    winter_offset = -seconds(standard)
    summer_offset = winter_offset + HOUR if summer is None else -seconds(summer)
    for year in range(FIRST, LAST + 2):
        begins = day(year, *rules[:3]) + seconds(rules[3] or "2") - winter_offset
        ends = day(year, *rules[4:7]) + seconds(rules[7] or "2") - summer_offset
        yield from sorted([(begins, summer_offset), (ends, winter_offset)])


def seconds(text: str) -> int:
    parts = [int(part) for part in text.lstrip("+-").split(":")]
    total = sum(part * unit for part, unit in zip(parts, (HOUR, 60, 1), strict=False))
    return -total if text.startswith("-") else total


def day(year: int, month: str, week: str, weekday: str) -> int:
    """Midnight of the nth weekday of a month, of the last one when `week` is 5; Sunday is 0."""
    first = datetime(year, int(month), 1)
    date = first + timedelta((int(weekday) - first.isoweekday()) % 7 + 7 * (int(week) - 1))
    return epoch(date if date.month == first.month else date - timedelta(7))


def epoch(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(seconds=1)


def probes(zone: Zone) -> Iterator[int]:
    """Wall-clock times around each transition: at the edges of its gap or fold, beside them, within, and a day away."""
    for n in range(1, len(zone.starts)):
        start = int(zone.starts[n])
        if FIRST <= (EPOCH + timedelta(seconds=start)).year <= LAST:
            low, high = sorted((start + zone.offsets[n - 1], start + zone.offsets[n]))
            inside = (low + high) // 2
            walls = (low - DAY, low - 1, low, low + 60, inside, high - 60, high - 1, high, high + 60, high + DAY)
            yield from (*walls, *(wall // 60 * 60 for wall in (low, inside, high)))


def answered(wall: int, name: str) -> list[str | None]:
    """The due dates of a wall-clock time: of a date-time without a zone, and of a date and a time to the minute."""
    text = (EPOCH + timedelta(seconds=wall)).isoformat()
    given = [(text, None)]
    if wall % 60 == 0:
        given.append((text[:10], text[11:16]))
    return [
        due.due(due.Parts.of({"due_date": date, "due_time": time, "timezone": name})).due_at for date, time in given
    ]


def wrong(names: Iterable[str], chosen: Callable[[list[int]], list[int]]) -> list[tuple[str, object, object, object]]:
    found = []
    for name in names:
        zone = read(zone_file(name))
        for wall in chosen(list(probes(zone))):
            right = (EPOCH + timedelta(seconds=zone.instant_of(wall))).isoformat(timespec="milliseconds") + "Z"
            if set(answers := answered(wall, name)) != {right}:
                found.append((name, EPOCH + timedelta(seconds=wall), right, answers))
    return found


def zone_file(name: str) -> bytes:
    data = pkgutil.get_data("tzdata", f"zoneinfo/{name}")
    assert data
    return data


def distinct() -> list[str]:
    """One name of each zone: links are copies."""
    return list({zone_file(name): name for name in sorted(zones.names())}.values())


def test_the_oracle_reads_what_the_contract_says_of_santiago_and_nuuk() -> None:
    for name, wall, instant in [
        ("America/Santiago", datetime(2025, 11, 26, 14, 30), datetime(2025, 11, 26, 17, 30)),
        ("America/Nuuk", datetime(2023, 10, 28, 23, 1), datetime(2023, 10, 29, 1, 1)),
        ("America/New_York", datetime(2099, 7, 1, 9), datetime(2099, 7, 1, 13)),
    ]:
        assert read(zone_file(name)).instant_of(epoch(wall)) == epoch(instant)


def test_due_dates_around_some_transitions_of_every_zone_are_those_of_its_file() -> None:
    assert wrong(distinct(), lambda walls: walls[::97]) == []


@pytest.mark.parametrize("name", ["America/Nuuk", "America/Godthab", "Africa/El_Aaiun", "Pacific/Apia"])
def test_due_dates_around_all_transitions_of_a_strange_zone_are_those_of_its_file(name: str) -> None:
    assert wrong([name], lambda walls: walls) == []


@pytest.mark.slow
def test_due_dates_around_all_transitions_of_all_zones_are_those_of_their_files() -> None:
    assert wrong(sorted(zones.names()), lambda walls: walls) == []
