"""The forms of dates, times and instants, and that nothing else passes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from mockserver.formats import dates

NOT_DATES = [
    "",
    " 2025-11-26",
    "2025-11-26 ",
    "2025-11-26\n",
    "2025-11-26\x00",
    "2025-1-26",
    "2025-11-6",
    "25-11-26",
    "02025-11-26",
    "10000-01-01",
    "+2025-11-26",
    "-2025-11-26",
    "20251126",
    "2025-W48-3",
    "2025W483",
    "2025-330",
    "2025/11/26",
    "26-11-2025",
    "2025-11",
    "2025",
    "today",
    "٢٠٢٥-١١-٢٦",  # Arabic-Indic digits
    "２０２５-１１-２６",  # full-width digits
    "2025‐11‐26",  # U+2010 hyphens
    "2025-11-26Z",
    "2025-11-26+00:00",
]
NO_DAYS = [
    "2025-02-29",
    "1900-02-29",
    "2025-02-30",
    "2025-04-31",
    "2025-13-01",
    "2025-00-01",
    "2025-01-00",
    "2025-01-32",
    "0000-01-01",
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-11-26", date(2025, 11, 26)),
        ("2024-02-29", date(2024, 2, 29)),
        ("2000-02-29", date(2000, 2, 29)),
        ("0001-01-01", date(1, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)),
    ],
)
def test_a_date_has_four_two_and_two_digits(text: str, expected: date) -> None:
    assert dates.parse_date(text) == expected


@pytest.mark.parametrize("text", [*NOT_DATES, "2025-11-26T00:00"])
def test_any_other_form_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date of the form YYYY-MM-DD"):
        dates.parse_date(text)


@pytest.mark.parametrize("text", NO_DAYS)
def test_a_day_that_the_calendar_lacks_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=f'^"{text}" is not a day of the calendar$'):
        dates.parse_date(text)
    with pytest.raises(ValueError, match=f'^"{text}" is not a day of the calendar$'):
        dates.parse_date_time(f"{text}T00:00Z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00", time(0, 0)),
        ("09:05", time(9, 5)),
        ("14:30", time(14, 30)),
        ("19:59", time(19, 59)),
        ("23:59", time(23, 59)),
    ],
)
def test_a_time_has_two_and_two_digits(text: str, expected: time) -> None:
    assert dates.parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24:00",
        "23:60",
        "9:00",
        "09:0",
        "0900",
        "09:00:00",
        "09:00Z",
        "09:00 ",
        " 09:00",
        "09:00\n",
        "09.00",
        "-1:00",
        "9:00 AM",
        "T09:00",
        "noon",
        "٠٩:٠٠",
        "０９:００",
        "09：00",
    ],
)
def test_any_other_form_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time of the form HH:mm, from 00:00 to 23:59"):
        dates.parse_time(text)


@pytest.mark.parametrize(
    ("text", "wall", "offset"),
    [
        ("2025-11-26T14:30", datetime(2025, 11, 26, 14, 30), None),
        ("2025-11-26T14:30:15", datetime(2025, 11, 26, 14, 30, 15), None),
        ("2025-11-26T14:30Z", datetime(2025, 11, 26, 14, 30), timedelta(0)),
        ("2025-11-26T14:30:15.5Z", datetime(2025, 11, 26, 14, 30, 15, 500_000), timedelta(0)),
        ("2025-11-26T14:30:15.12", datetime(2025, 11, 26, 14, 30, 15, 120_000), None),
        ("2025-11-26T14:30:15.123456789+01:00", datetime(2025, 11, 26, 14, 30, 15, 123_000), timedelta(hours=1)),
        ("2025-11-26T00:00:00.000999999Z", datetime(2025, 11, 26), timedelta(0)),
        ("2025-11-26T14:30+00:00", datetime(2025, 11, 26, 14, 30), timedelta(0)),
        ("2025-11-26T14:30-00:00", datetime(2025, 11, 26, 14, 30), timedelta(0)),
        ("2025-11-26T14:30+05:45", datetime(2025, 11, 26, 14, 30), timedelta(hours=5, minutes=45)),
        ("2025-11-26T14:30-03:30", datetime(2025, 11, 26, 14, 30), timedelta(hours=-3, minutes=-30)),
        ("2025-11-26T14:30+23:59", datetime(2025, 11, 26, 14, 30), timedelta(hours=23, minutes=59)),
        ("2025-11-26T14:30-23:59", datetime(2025, 11, 26, 14, 30), timedelta(hours=-23, minutes=-59)),
        ("2024-02-29T23:59:59.999Z", datetime(2024, 2, 29, 23, 59, 59, 999_000), timedelta(0)),
        ("0001-01-01T00:00", datetime(1, 1, 1), None),
        ("9999-12-31T23:59:59", datetime(9999, 12, 31, 23, 59, 59), None),
    ],
)
def test_a_date_time_is_its_wall_clock_and_its_offset(text: str, wall: datetime, offset: timedelta | None) -> None:
    assert dates.parse_date_time(text) == (wall, offset)


@pytest.mark.parametrize(
    "text",
    [
        *NOT_DATES,
        "2025-11-26",
        "2025-11-26T",
        "2025-11-26T14",
        "2025-11-26T14Z",
        "2025-11-26T1430",
        "2025-11-26T14:3",
        "2025-11-26t14:30:00Z",
        "2025-11-26T14:30:00z",
        "2025-11-26 14:30:00Z",
        "2025-11-26T14:30:00 Z",
        "2025-11-26T24:00",
        "2025-11-26T24:00:00Z",
        "2025-11-26T14:60",
        "2025-11-26T23:59:60Z",
        "2025-11-26T14:30:61",
        "2025-11-26T14:30:00.Z",
        "2025-11-26T14:30:00.1234567890Z",
        "2025-11-26T14:30:00,5Z",
        "2025-11-26T14:30.5Z",
        "2025-11-26T14:30+24:00",
        "2025-11-26T14:30+05:60",
        "2025-11-26T14:30+05",
        "2025-11-26T14:30+0545",
        "2025-11-26T14:30+05:45:30",
        "2025-11-26T14:30+5:45",
        "2025-11-26T14:30−03:00",
        "2025-11-26T14:30:00Z+00:00",
        "2025-11-26T14:30:00ZZ",
        "2025-11-26T14:30:00Z\n",
        " 2025-11-26T14:30:00Z",
        "2025-11-26T-4:30:00Z",
        "2025-11-26T14:30:00[UTC]",
        "2025-11-26T14:30 PST",
        "2025-11-26T14:30:٠٠",
        "20251126T143000Z",
        "2025-W48-3T14:30",
    ],
)
def test_any_other_form_is_no_date_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a date-time of the form YYYY-MM-DDTHH:MM:SS\.sssZ"):
        dates.parse_date_time(text)


@pytest.mark.parametrize(
    ("text", "wall", "offset", "is_date"),
    [
        ("2025-11-26", datetime(2025, 11, 26), None, True),
        ("2025-11-26T14:30-03:00", datetime(2025, 11, 26, 14, 30), timedelta(hours=-3), False),
    ],
)
def test_a_due_date_is_a_date_or_a_date_time(
    text: str, wall: datetime, offset: timedelta | None, is_date: bool
) -> None:
    parsed = dates.parse_date_or_date_time(text)
    assert (parsed, parsed.is_date) == ((text, wall, offset), is_date)


def test_a_refusal_quotes_a_long_text_only_in_part() -> None:
    with pytest.raises(ValueError, match=r"^.{0,200}$") as refused:
        dates.parse_date("2" * 100_000 + "END")
    assert "END" in str(refused.value)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2025, 11, 26, 17, 30), "2025-11-26T17:30:00.000Z"),
        (datetime(2025, 11, 26, 17, 30, 5, 120_000), "2025-11-26T17:30:05.120Z"),
        (datetime(1, 1, 1), "0001-01-01T00:00:00.000Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999), "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_milliseconds(moment: datetime, expected: str) -> None:
    assert dates.text_of(moment) == expected
