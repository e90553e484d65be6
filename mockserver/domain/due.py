"""When a task is due: the contract's table (section 2, "Due date arithmetic"), as a pure function."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from mockserver import instants, zones


class OutOfRange(ValueError):
    """The due date, converted to UTC, is outside the years 0001 to 9999."""


@dataclass(frozen=True)
class Due:
    """When a task is due, as the API shows it."""

    due_at: str | None
    is_all_day: bool
    due_timezone: str | None


def due(due_date: str | None, due_time: str | None, timezone: str | None) -> Due:
    """The due date from its parts as given, each already known to be well-formed.

    Raises OutOfRange.
    """
    if due_date is None:
        return Due(None, True, None)
    zone = timezone or "UTC"
    return Due(instants.text_of(_instant(due_date, due_time, zone)), due_time is None, zone)


def _instant(due_date: str, due_time: str | None, zone: str) -> datetime:
    if due_time is not None:
        # The calendar date as written: converting the instant first could move the day.
        day = instants.parse_date(due_date[:10])
        return _to_utc(datetime.combine(day, instants.parse_time(due_time)), zone)
    if "T" not in due_date:
        return _to_utc(datetime.combine(instants.parse_date(due_date), time.min), zone)
    wall, offset = instants.parse_date_time(due_date)
    return _to_utc(wall, zone, offset)


def _to_utc(wall: datetime, zone: str, offset: timedelta | None = None) -> datetime:
    # With fold=0 a time that occurs twice is the first, and one that is skipped has the offset of before
    # the gap, which moves it forward by the gap (PEP 495).
    if offset is None:
        offset = wall.replace(tzinfo=zones.load(zone)).utcoffset() or timedelta(0)
    try:
        return wall - offset
    except OverflowError:
        raise OutOfRange("the due date is outside the years 0001 to 9999 in UTC") from None
