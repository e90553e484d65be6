"""Times relative to a clock: `+3d`, `-2d 14:30`, `-36h` (docs/settings.md, "Fixtures")."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from mockserver.formats import dates, zones

_DAYS = re.compile(r"([+-][0-9]{1,5})d")
_INSTANT = re.compile(r"([+-][0-9]{1,5})(?:h|d(?: ([01][0-9]|2[0-3]):([0-5][0-9]))?)")


def absolute_date(value: Any, now: datetime, zone: Any) -> Any:
    """The day that `+3d` is in a time zone, UTC by default, at a naive UTC time; any other value as it is."""
    found = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return value
    here = now.replace(tzinfo=timezone.utc).astimezone(_zone(zone))
    return (here.date() + timedelta(days=int(found[1]))).isoformat()


def absolute_instant(value: Any, now: datetime) -> Any:
    """The instant that `-36h`, `-2d` or `-2d 14:30` is at a naive UTC time; any other value as it is."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return value
    number = int(found[1])
    moment = now + (timedelta(days=number) if "d" in value else timedelta(hours=number))
    if found[2]:
        moment = moment.replace(hour=int(found[2]), minute=int(found[3]), second=0, microsecond=0)
    return dates.text_of(moment)


def _zone(name: Any) -> timezone | ZoneInfo:
    try:
        return zones.load(zones.parse(name)) if isinstance(name, str) else timezone.utc
    except ValueError:  # the fixtures' check refuses it
        return timezone.utc
