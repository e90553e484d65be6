"""The clocks: no other module reads time.

Each sandbox has its own clock, which is data: the store keeps it as a `Clock`. Real time is used for waits and
deadlines (`monotonic`), for rate limits, the log and `received_at` (`real_ms`), and for clocks in mode `real`
(`wall_ms`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import lru_cache, partial
from typing import NamedTuple

from mockserver.formats import dates
from mockserver.formats.json import quoted

MODES = ("ticking", "frozen", "real")
EARLIEST_YEAR, LATEST_YEAR = 1970, 2100
DEFAULT_START = "2025-11-26T09:00:00.000Z"

_EPOCH = datetime(1970, 1, 1)
LATEST_MS = (datetime(LATEST_YEAR + 1, 1, 1) - _EPOCH) // timedelta(milliseconds=1) - 1  # clocks stop there


def _unfrozen(clock: str, otherwise: Callable[[], float]) -> Callable[[], float]:
    """A reader of a clock of the machine, in seconds, that stays real when a user's test freezes time.

    Freezegun does not patch `clock_gettime`. On systems without it, `otherwise` stays real if this module is imported
    before time is frozen: freezegun does not find it in the module's attributes when it is wrapped.
    """
    if hasattr(time, "clock_gettime"):
        return partial(time.clock_gettime, getattr(time, clock))
    return partial(otherwise)


# Seconds on a monotonic clock: a user's test that freezes time must not freeze the mock's deadlines.
monotonic = _unfrozen("CLOCK_MONOTONIC", time.monotonic)
_real = _unfrozen("CLOCK_REALTIME", time.time)


def real_ms() -> int:
    """The machine's time in milliseconds since 1970, unaffected by freezegun."""
    return int(_real() * 1000)


def wall_ms() -> int:
    """The machine's UTC time in milliseconds since 1970; freezegun may change it."""
    return int(time.time() * 1000)


class Clock(NamedTuple):
    """A sandbox's clock as stored.

    `now_ms` is its time at `anchor_ms` of the machine's clock, both in milliseconds since 1970; only mode `real` uses
    the anchor. In mode `ticking`, a successful write adds `tick_ms`.
    """

    mode: str
    now_ms: int
    anchor_ms: int = 0
    tick_ms: int = 1000

    def read_ms(self) -> int:
        """The time now, in milliseconds since 1970."""
        passed = wall_ms() - self.anchor_ms if self.mode == "real" else 0
        return min(self.now_ms + passed, LATEST_MS)

    def read(self) -> str:
        """The time now, as the API writes instants."""
        return text_of(self.read_ms())

    def document(self) -> dict[str, str | int]:
        """The clock as the control plane shows it."""
        return {"mode": self.mode, "now": self.read(), "tick_ms": self.tick_ms}


@lru_cache(maxsize=256)  # a request writes the time of its sandbox more than once
def text_of(ms: int) -> str:
    """Milliseconds since 1970 as the API writes instants."""
    return dates.text_of(_EPOCH + timedelta(milliseconds=ms))


def moment_of(ms: int) -> datetime:
    """Milliseconds since 1970 as a naive UTC date-time."""
    return _EPOCH + timedelta(milliseconds=ms)


def ms_of(moment: datetime) -> int:
    """A naive UTC date-time as milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


class ClockSetting(NamedTuple):
    """The initial clock of a new sandbox: a mode, and an instant or None for the mode's default."""

    mode: str = "ticking"
    start: str | None = None

    def __str__(self) -> str:
        return self.mode if self.start is None else f"{self.mode}@{self.start}"

    def start_clock(self) -> Clock:
        """A clock that starts now."""
        anchor = wall_ms()
        if self.mode == "real" and self.start is None:
            return Clock(self.mode, anchor, anchor)
        return Clock(self.mode, ms_of(parse_instant(self.start or DEFAULT_START)), anchor)


def parse_setting(text: str) -> ClockSetting:
    """Parse `ticking`, `frozen` or `real`, with an optional `@INSTANT`.

    Raises ValueError with the expected format.
    """
    mode, at, start = text.partition("@")
    if mode not in MODES:
        raise ValueError(
            f"{quoted(mode)} is not a clock mode: choose {', '.join(MODES)}, each with an optional @INSTANT"
        )
    if not at:
        return ClockSetting(mode)
    return ClockSetting(mode, dates.text_of(parse_instant(start)))


def parse_instant(text: str) -> datetime:
    """Parse an instant in the range of a clock, as a naive UTC date-time.

    Raises ValueError for anything but a date-time with `Z` or an offset, within 1970-2100.
    """
    wall, offset = dates.parse_date_time(text)
    if offset is None:
        raise ValueError(f"{quoted(text)} has no Z or offset, such as {DEFAULT_START}")
    moment = wall.replace(tzinfo=timezone(offset)).astimezone(timezone.utc).replace(tzinfo=None)
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise ValueError(f"{quoted(text)} is outside the years {EARLIEST_YEAR} to {LATEST_YEAR}")
    return moment
