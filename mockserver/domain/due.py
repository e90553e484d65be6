"""When a task is due: the due-date rules of the contract (section 2), as a pure function."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from mockserver import instants, zones


class OutOfRange(ValueError):
    """The due date, converted to UTC, is outside the years 0001 to 9999."""


class Due(NamedTuple):
    """When a task is due, as the API shows it."""

    due_at: str | None
    is_all_day: bool
    due_timezone: str | None


@lru_cache(maxsize=1024)  # a request asks twice, when it is read and when it is carried out, and days come again
def due(due_date: str | None, due_time: str | None, timezone: str | None) -> Due:
    """The due date from its parts as given, each already known to be well-formed.

    Raises OutOfRange.
    """
    if due_date is None:
        return Due(None, True, None)
    zone = timezone or "UTC"
    wall, offset = _wall_clock(due_date, due_time)
    return Due(instants.text_of(_to_utc(wall, zone, offset)), due_time is None, zone)


def in_gap_or_fold(due_date: str, due_time: str | None, timezone: str | None) -> bool:
    """Whether the parts are a wall-clock time that the timezone skips, or that occurs twice there."""
    wall, offset = _wall_clock(due_date, due_time)
    zone = timezone or "UTC"
    return offset is None and _offset(wall, zone) != _offset(wall.replace(fold=1), zone)


def _wall_clock(due_date: str, due_time: str | None) -> tuple[datetime, timedelta | None]:
    """The wall-clock time that the parts are, and its offset from UTC when they say that too."""
    if due_time is not None:
        # The calendar date as written: converting the instant first could move the day.
        return datetime.combine(instants.parse_date(due_date[:10]), instants.parse_time(due_time)), None
    if "T" in due_date:
        return instants.parse_date_time(due_date)
    return datetime.combine(instants.parse_date(due_date), time.min), None


def _to_utc(wall: datetime, zone: str, offset: timedelta | None) -> datetime:
    # With fold=0 a time that occurs twice is the first, and one that is skipped has the offset of before
    # the gap, which moves it forward by the gap (PEP 495).
    try:
        return wall - (_offset(wall, zone) if offset is None else offset)
    except OverflowError:
        raise OutOfRange("the due date is outside the years 0001 to 9999 in UTC") from None


def _offset(wall: datetime, zone: str) -> timedelta:
    return wall.replace(tzinfo=zones.load(zone)).utcoffset() or timedelta(0)
