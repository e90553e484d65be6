"""Time zones, from the `tzdata` package only (contract, section 2, `timezone`).

The machine's own zone files are never read: their names and rules differ from machine to machine. Zones are read when
they are first used, by `pkgutil`: the file systems that tests fake do not replace what the import system reads.
"""

from __future__ import annotations

import io
import pkgutil
from datetime import datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from mockserver.formats.json import quoted

# Around them, no conversion leaves the years 1 to 9999; no zone has a transition beyond.
_EARLIEST, _LATEST = datetime.min + timedelta(3), datetime.max - timedelta(3)


@cache
def names() -> frozenset[str]:
    """Every accepted IANA name, links such as `US/Pacific` included."""
    return frozenset(_data("zones").decode("ascii").split()) - {"Factory", "localtime"}


@cache
def _by_lower_case() -> dict[str, str]:
    return {name.lower(): name for name in names()}


@cache
def load(name: str) -> ZoneInfo:
    """Load the zone of a name, which must be one of `names()`."""
    return ZoneInfo.from_file(io.BytesIO(_data(f"zoneinfo/{name}")), key=name)


def _data(path: str) -> bytes:
    data = pkgutil.get_data("tzdata", path)
    if data is None:
        raise FileNotFoundError(f"tzdata has no {path}")
    return data


def instants(wall: datetime, name: str) -> list[datetime]:
    """The instants, in UTC, at which clocks of the zone show this time: one, two where they were set back, or none.

    They are found by converting from UTC only: in the other direction, ZoneInfo is wrong near some transitions, such
    as those of America/Nuuk in 2023. Raises OverflowError for an instant outside the years 1 to 9999.
    """
    zone = load(name)
    candidates = sorted({wall - offset for offset in _offsets(wall, zone)})
    return [instant for instant in candidates if instant + _offset_at(instant, zone) == wall]


def after_gap(wall: datetime, name: str) -> datetime:
    """The instant, in UTC, of a time that the zone skips: moved forward by the gap."""
    zone = load(name)
    before = _offset_at(wall - max(_offsets(wall, zone)), zone)
    return wall - before


def _offsets(wall: datetime, zone: ZoneInfo) -> set[timedelta]:
    """The offsets of the zone in the days around a time; none is longer than a day."""
    middle = min(max(wall, _EARLIEST), _LATEST)
    return {_offset_at(middle + timedelta(days), zone) for days in (-1, 0, 1)}


def _offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    """The offset at an instant of UTC."""
    instant = min(max(instant, _EARLIEST), _LATEST)
    return zone.fromutc(instant.replace(tzinfo=zone)).replace(tzinfo=None) - instant


@lru_cache(maxsize=1024)
def guess(text: str) -> str:
    """The rule by which an accepted name is accepted, if it is not in its own letter case; else empty."""
    return "" if text in names() else "timezone-case"


@lru_cache(maxsize=1024)
def parse(text: str) -> str:
    """The canonical case of a name in any letter case, as `Intl` of JavaScript has it; ValueError for no name."""
    if text in names():
        return text
    if text.isascii() and (name := _by_lower_case().get(text.lower())):
        return name
    raise ValueError(f"{quoted(text)} is not an IANA time zone, such as America/Santiago")
