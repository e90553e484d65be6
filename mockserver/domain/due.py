"""The due-date rules of the contract (section 2), as pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from mockserver.formats import dates, zod, zones
from mockserver.formats.dates import DateOrDateTime


class Parts(NamedTuple):
    """The parts of a due date, as they were given."""

    due_date: DateOrDateTime | None
    due_time: time | None
    timezone: str | None

    @classmethod
    def of(cls, texts: Mapping[str, Any]) -> Parts:
        """Parse the parts from well-formed texts."""
        due_date, due_time = texts["due_date"], texts["due_time"]
        return cls(
            due_date and dates.parse_date_or_date_time(due_date),
            due_time and dates.parse_time(due_time),
            texts["timezone"],
        )

    @property
    def is_all_day_date(self) -> bool:
        """True for a date without a time."""
        return self.due_time is None and self.due_date is not None and self.due_date.is_date


NONE = Parts(None, None, None)
ZONE_MIDNIGHT, UTC_MIDNIGHT = "zone-midnight", "utc-midnight"  # values of the switch `all-day`


class OutOfRange(ValueError):
    """The due date, converted to UTC, is outside the years 0001 to 9999."""

    rule = "due-range"
    issue = zod.custom("Invalid due date")


class Due(NamedTuple):
    """When a task is due, as the API shows it."""

    due_at: str | None
    is_all_day: bool
    due_timezone: str | None


@lru_cache(maxsize=1024)  # here and below: days recur
def due(parts: Parts, all_day: str = ZONE_MIDNIGHT) -> Due:
    """The due date of these parts, under a value of the switch `all-day`; raises OutOfRange."""
    if parts.due_date is None:
        return Due(None, True, None)
    zone = parts.timezone or "UTC"
    wall, offset = _wall_clock(parts.due_date, parts.due_time, all_day)
    return Due(dates.text_of(_to_utc(wall, zone, offset)), parts.due_time is None, zone)


@lru_cache(maxsize=1024)
def rules(parts: Parts, all_day: str = ZONE_MIDNIGHT) -> tuple[str, ...]:
    """The rules of the contract that determine the due date of these parts."""
    if parts.due_date is None:
        return ()
    form = "due-date" if parts.due_date.is_date else "due-date-time"
    alone = "all-day" if parts.due_date.is_date else form
    decided = alone if parts.due_time is None else f"{form}-and-time"
    zone = parts.timezone or "UTC"
    wall, offset = _wall_clock(parts.due_date, parts.due_time, all_day)
    is_in_gap_or_fold = offset is None and len(zones.instants(wall, zone)) != 1
    return (decided, "due-gap-and-fold") if is_in_gap_or_fold else (decided,)


@lru_cache(maxsize=1024)
def columns(parts: Parts, all_day: str = ZONE_MIDNIGHT) -> Mapping[str, Any]:
    """The columns of a due date: its parts as they were given, and the values derived from them; raises OutOfRange."""
    return {
        "due_date": None if parts.due_date is None else parts.due_date.text,
        "due_time": None if parts.due_time is None else parts.due_time.isoformat("minutes"),
        "timezone": parts.timezone,
        **due(parts, all_day)._asdict(),
    }


def _wall_clock(due_date: DateOrDateTime, due_time: time | None, all_day: str) -> tuple[datetime, timedelta | None]:
    """The wall-clock time of the parts, and its offset from UTC if they give one."""
    if due_time is not None:
        # The calendar date as written: converting the instant first could move the day.
        return datetime.combine(due_date.wall, due_time), None
    if due_date.is_date and all_day == UTC_MIDNIGHT:
        return due_date.wall, timedelta(0)
    return due_date.wall, due_date.offset


def _to_utc(wall: datetime, zone: str, offset: timedelta | None) -> datetime:
    """The first instant of an ambiguous time; a skipped time moves forward by the gap."""
    try:
        if offset is not None:
            return wall - offset
        found = zones.instants(wall, zone)
        return found[0] if found else zones.after_gap(wall, zone)
    except OverflowError:
        raise OutOfRange("the due date is outside the years 0001 to 9999 in UTC") from None
