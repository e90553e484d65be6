"""When a task is due: the contract's table, with expected values worked out by hand."""

from __future__ import annotations

import pytest

from mockserver.domain import due as arithmetic
from mockserver.domain.due import Due, OutOfRange, Parts

SANTIAGO = "America/Santiago"
NEW_YORK = "America/New_York"
LONDON = "Europe/London"
LORD_HOWE = "Australia/Lord_Howe"
CHATHAM = "Pacific/Chatham"
KATHMANDU = "Asia/Kathmandu"
TOKYO = "Asia/Tokyo"
APIA = "Pacific/Apia"


def due(due_date: str | None, due_time: str | None, timezone: str | None) -> Due:
    return arithmetic.due(Parts.of({"due_date": due_date, "due_time": due_time, "timezone": timezone}))


@pytest.mark.parametrize("timezone", [None, SANTIAGO])
@pytest.mark.parametrize("due_time", [None, "14:30"])
def test_without_a_date_nothing_is_due_whatever_the_other_parts_say(due_time: str | None, timezone: str | None) -> None:
    assert due(None, due_time, timezone) == Due(due_at=None, is_all_day=True, due_timezone=None)


@pytest.mark.parametrize(
    ("due_date", "timezone", "due_at"),
    [
        ("2025-11-26", None, "2025-11-26T00:00:00.000Z"),
        ("2025-11-26", "UTC", "2025-11-26T00:00:00.000Z"),
        ("2025-11-26", SANTIAGO, "2025-11-26T03:00:00.000Z"),  # summer, UTC-3
        ("2025-07-26", SANTIAGO, "2025-07-26T04:00:00.000Z"),  # winter, UTC-4
        ("2025-11-26", "US/Pacific", "2025-11-26T08:00:00.000Z"),  # a link
        ("2025-11-26", TOKYO, "2025-11-25T15:00:00.000Z"),  # no DST
        ("2025-07-26", TOKYO, "2025-07-25T15:00:00.000Z"),
        ("2025-11-26", KATHMANDU, "2025-11-25T18:15:00.000Z"),  # UTC+5:45
        ("2024-02-29", KATHMANDU, "2024-02-28T18:15:00.000Z"),  # leap days
        ("2024-03-01", KATHMANDU, "2024-02-29T18:15:00.000Z"),
        ("2000-02-29", None, "2000-02-29T00:00:00.000Z"),
        ("2025-09-07", SANTIAGO, "2025-09-07T04:00:00.000Z"),  # midnight is skipped: 01:00-03:00
        ("2011-12-29", APIA, "2011-12-29T10:00:00.000Z"),
        ("2011-12-30", APIA, "2011-12-30T10:00:00.000Z"),  # the day is skipped: 2011-12-31T00:00+14:00
        ("2011-12-31", APIA, "2011-12-30T10:00:00.000Z"),
        ("0001-01-01", None, "0001-01-01T00:00:00.000Z"),
        ("0001-01-01", NEW_YORK, "0001-01-01T04:56:02.000Z"),  # local mean time
        ("1850-06-01", NEW_YORK, "1850-06-01T04:56:02.000Z"),
        ("9999-12-31", None, "9999-12-31T00:00:00.000Z"),
        ("9999-12-31", TOKYO, "9999-12-30T15:00:00.000Z"),
        ("9999-07-01", NEW_YORK, "9999-07-01T04:00:00.000Z"),  # the present rules go on for ever
    ],
)
def test_a_date_alone_is_midnight_in_the_timezone(due_date: str, timezone: str | None, due_at: str) -> None:
    assert due(due_date, None, timezone) == Due(due_at, is_all_day=True, due_timezone=timezone or "UTC")


@pytest.mark.parametrize(
    ("due_date", "due_time", "timezone", "due_at"),
    [
        ("2025-11-26", "14:30", None, "2025-11-26T14:30:00.000Z"),
        ("2025-11-26", "14:30", SANTIAGO, "2025-11-26T17:30:00.000Z"),
        ("2025-11-26", "23:59", SANTIAGO, "2025-11-27T02:59:00.000Z"),
        ("2025-07-01", "09:00", "Asia/Kolkata", "2025-07-01T03:30:00.000Z"),
        ("2025-01-01", "09:00", "Asia/Kolkata", "2025-01-01T03:30:00.000Z"),
        ("2025-11-26", "00:00", KATHMANDU, "2025-11-25T18:15:00.000Z"),
        ("2025-11-26", "14:30", CHATHAM, "2025-11-26T00:45:00.000Z"),  # summer, UTC+13:45
        ("2025-07-26", "14:30", CHATHAM, "2025-07-26T01:45:00.000Z"),  # winter, UTC+12:45
        ("2024-02-29", "23:59", SANTIAGO, "2024-03-01T02:59:00.000Z"),
        ("2011-12-30", "12:00", APIA, "2011-12-30T22:00:00.000Z"),
        ("1900-01-01", "12:00", "Europe/Paris", "1900-01-01T11:50:39.000Z"),  # Paris mean time, +0:09:21
        ("0001-01-01", "09:19", TOKYO, "0001-01-01T00:00:01.000Z"),  # local mean time, +9:18:59
        ("9999-12-31", "23:59", "UTC", "9999-12-31T23:59:00.000Z"),
        ("9999-12-31", "20:59", SANTIAGO, "9999-12-31T23:59:00.000Z"),
    ],
)
def test_a_date_and_a_time_are_the_wall_clock_in_the_timezone(
    due_date: str, due_time: str, timezone: str | None, due_at: str
) -> None:
    assert due(due_date, due_time, timezone) == Due(due_at, is_all_day=False, due_timezone=timezone or "UTC")


@pytest.mark.parametrize(
    ("due_date", "timezone", "due_at"),
    [
        ("2025-11-26T14:30:00.000Z", None, "2025-11-26T14:30:00.000Z"),
        ("2025-11-26T14:30:00.000Z", SANTIAGO, "2025-11-26T14:30:00.000Z"),
        ("2025-11-26T14:30Z", TOKYO, "2025-11-26T14:30:00.000Z"),
        ("2025-11-26T14:30:00+05:45", SANTIAGO, "2025-11-26T08:45:00.000Z"),
        ("2025-11-26T14:30:00-03:00", TOKYO, "2025-11-26T17:30:00.000Z"),
        ("2025-11-26T00:00:00+23:59", None, "2025-11-25T00:01:00.000Z"),
        ("2025-11-26T00:00:00-23:59", None, "2025-11-26T23:59:00.000Z"),
        ("2025-11-26T14:30:00-00:00", None, "2025-11-26T14:30:00.000Z"),
        ("2025-11-26T14:30", None, "2025-11-26T14:30:00.000Z"),
        ("2025-11-26T14:30:59", SANTIAGO, "2025-11-26T17:30:59.000Z"),
        ("2025-11-26T14:30", KATHMANDU, "2025-11-26T08:45:00.000Z"),
        ("2025-03-09T02:30", NEW_YORK, "2025-03-09T07:30:00.000Z"),  # gap
        ("2025-11-02T01:30", NEW_YORK, "2025-11-02T05:30:00.000Z"),  # fold
        ("2011-12-30T12:00", APIA, "2011-12-30T22:00:00.000Z"),
        ("2024-02-29T00:00:00+14:00", None, "2024-02-28T10:00:00.000Z"),
        ("2025-11-26T14:30:00.1Z", None, "2025-11-26T14:30:00.100Z"),
        ("2025-11-26T14:30:00.0009Z", None, "2025-11-26T14:30:00.000Z"),
        ("2025-11-26T14:30:00.123999999Z", None, "2025-11-26T14:30:00.123Z"),
        ("2025-11-26T23:59:59.999999999", SANTIAGO, "2025-11-27T02:59:59.999Z"),
        ("0001-01-01T00:00:00+00:00", TOKYO, "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", SANTIAGO, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_date_time_alone_is_that_instant_and_all_day(due_date: str, timezone: str | None, due_at: str) -> None:
    assert due(due_date, None, timezone) == Due(due_at, is_all_day=True, due_timezone=timezone or "UTC")


@pytest.mark.parametrize(
    ("due_date", "due_time", "timezone", "due_at"),
    [
        ("2025-11-26T00:00:00.000Z", "14:30", SANTIAGO, "2025-11-26T17:30:00.000Z"),
        ("2025-11-26T00:00:00.000Z", "14:30", None, "2025-11-26T14:30:00.000Z"),
        ("2025-11-26T23:59:59-12:00", "00:00", None, "2025-11-26T00:00:00.000Z"),
        ("2025-11-26T00:00:00+14:00", "09:00", TOKYO, "2025-11-26T00:00:00.000Z"),
        ("2025-11-26T23:30", "01:00", KATHMANDU, "2025-11-25T19:15:00.000Z"),
        # The instants themselves are out of range, the dates as written are not.
        ("0001-01-01T00:00:00+14:00", "00:00", None, "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59-12:00", "00:00", None, "9999-12-31T00:00:00.000Z"),
    ],
)
def test_a_date_time_and_a_time_are_the_date_as_written_at_that_time(
    due_date: str, due_time: str, timezone: str | None, due_at: str
) -> None:
    assert due(due_date, due_time, timezone) == Due(due_at, is_all_day=False, due_timezone=timezone or "UTC")


@pytest.mark.parametrize(
    ("due_date", "due_time", "timezone", "due_at"),
    [
        ("2025-03-09", "02:30", NEW_YORK, "2025-03-09T07:30:00.000Z"),  # 03:30-04:00
        ("2025-03-30", "01:30", LONDON, "2025-03-30T01:30:00.000Z"),  # 02:30+01:00
        ("2025-10-05", "02:15", LORD_HOWE, "2025-10-04T15:45:00.000Z"),  # half an hour: 02:45+11:00
        ("2025-09-28", "03:00", CHATHAM, "2025-09-27T14:15:00.000Z"),  # 04:00+13:45
    ],
)
def test_a_time_that_is_skipped_moves_forward_by_the_gap(
    due_date: str, due_time: str, timezone: str, due_at: str
) -> None:
    assert due(due_date, due_time, timezone).due_at == due_at


@pytest.mark.parametrize(
    ("due_date", "due_time", "timezone", "due_at"),
    [
        ("2025-11-02", "01:30", NEW_YORK, "2025-11-02T05:30:00.000Z"),  # -04:00 before -05:00
        ("2025-10-26", "01:30", LONDON, "2025-10-26T00:30:00.000Z"),  # +01:00 before +00:00
        ("2025-04-06", "01:45", LORD_HOWE, "2025-04-05T14:45:00.000Z"),  # +11:00 before +10:30
        ("2025-04-05", "23:30", SANTIAGO, "2025-04-06T02:30:00.000Z"),  # -03:00 before -04:00
    ],
)
def test_a_time_that_occurs_twice_is_the_first(due_date: str, due_time: str, timezone: str, due_at: str) -> None:
    assert due(due_date, due_time, timezone).due_at == due_at


@pytest.mark.parametrize(
    ("due_date", "due_time", "timezone"),
    [
        ("0001-01-01", None, TOKYO),
        ("0001-01-01", "09:18", TOKYO),
        ("0001-01-01T00:00:00", None, KATHMANDU),
        ("0001-01-01T00:00:00+00:01", None, None),
        ("9999-12-31", "23:59", SANTIAGO),
        ("9999-12-31", "21:00", SANTIAGO),
        ("9999-12-31T23:59:59.999", None, NEW_YORK),
        ("9999-12-31T23:59:59.999-00:01", None, None),
    ],
)
def test_an_instant_outside_the_calendar_is_out_of_range(
    due_date: str, due_time: str | None, timezone: str | None
) -> None:
    with pytest.raises(OutOfRange, match="years 0001 to 9999"):
        due(due_date, due_time, timezone)


@pytest.mark.parametrize("zone", ["America/Nuuk", "America/Godthab"])
def test_a_summer_time_that_is_none_for_zoneinfo_is_no_hour_early(zone: str) -> None:
    assert due("2023-10-28", "23:01", zone).due_at == "2023-10-29T01:01:00.000Z"
