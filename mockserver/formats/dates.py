"""Wire formats of dates, times and instants (contract, sections 1 and 2).

The patterns are our own: the standard library accepts more than the contract, and differs between Python versions.
Every function is pure; every parser raises ValueError with a message for the caller.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from mockserver.formats.json import quoted

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
TIME_PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
_TIME = re.compile(TIME_PATTERN)
_DATE_TIME = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"T(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])"
    r"(?::(?P<second>[0-5][0-9])(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<offset>Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
)


class DateOrDateTime(NamedTuple):
    """A date or a date-time: its text, its wall-clock time (midnight for a date), and its UTC offset, if given."""

    text: str
    wall: datetime
    offset: timedelta | None = None

    @property
    def is_date(self) -> bool:
        """True for a date, False for a date-time."""
        return "T" not in self.text


@lru_cache(maxsize=1024)
def parse_date(text: str) -> date:
    """Parse `YYYY-MM-DD`, years 0001 to 9999."""
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueError(f"{quoted(text)} is not a date of the form YYYY-MM-DD")
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise ValueError(f"{quoted(text)} is not a day of the calendar") from None


@lru_cache(maxsize=24 * 60)
def parse_time(text: str) -> time:
    """Parse `HH:mm`, 24 hours, two digits each."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a time of the form HH:mm, from 00:00 to 23:59")
    return time(int(text[:2]), int(text[3:]))


@lru_cache(maxsize=1024)
def parse_date_time(text: str) -> tuple[datetime, timedelta | None]:
    """Parse `YYYY-MM-DDTHH:MM[:SS[.fraction]][Z or ±HH:MM]` into wall-clock time and UTC offset, or None.

    The fraction, of 1 to 9 digits, is truncated to milliseconds.
    """
    found = _DATE_TIME.fullmatch(text)
    if not found:
        raise ValueError(f"{quoted(text)} is not a date-time of the form YYYY-MM-DDTHH:MM:SS.sssZ")
    day = parse_date(found["date"])
    milliseconds = int((found["fraction"] or "0").ljust(3, "0")[:3])
    moment = time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0), milliseconds * 1000)
    return datetime.combine(day, moment), _offset(found["offset"])


_DOCUMENTED = re.compile(r"[0-9-]{10}(T[0-9:]{8}\.[0-9]{3}Z)?")


@lru_cache(maxsize=1024)
def guess(text: str) -> str:
    """The rule by which an accepted `dueDate` is accepted, if the vendor's pages do not show its form; else empty."""
    if _DOCUMENTED.fullmatch(text):
        return ""
    return "due-date-precision" if text.endswith("Z") else "due-date-offset"


def _offset(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if text == "Z":
        return timedelta(0)
    size = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return -size if text[0] == "-" else size


@lru_cache(maxsize=1024)  # days recur
def parse_date_or_date_time(text: str) -> DateOrDateTime:
    """Parse a `dueDate`: a date or a date-time."""
    if "T" in text:
        return DateOrDateTime(text, *parse_date_time(text))
    return DateOrDateTime(text, datetime.combine(parse_date(text), time.min))


def is_outside_utc(text: str) -> bool:
    """Test for a date-time that is well-formed and does not end with `Z`: it has an offset, or no zone."""
    found = _DATE_TIME.fullmatch(text)
    return found is not None and found["offset"] != "Z"


def text_of(utc: datetime) -> str:
    """Format a naive UTC date-time as responses do: ISO 8601, milliseconds, `Z`."""
    return utc.isoformat(timespec="milliseconds") + "Z"
