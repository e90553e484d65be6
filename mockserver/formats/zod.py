"""Issues as Zod 4 words them, the library with which the vendor's framework validates (contract, section 1)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from mockserver.errors import Issue
from mockserver.formats.ids import UUID_PATTERN


def invalid_type(expected: str, received: str) -> Issue:
    """The issue of a value of another type; a missing one is `undefined`."""
    message = f"Invalid input: expected {expected}, received {received}"
    return Issue({"expected": expected, "code": "invalid_type"}, message)


def too_small(origin: str, minimum: int, unit: str) -> Issue:
    """The issue of a text or an array with too few members."""
    parts = {"origin": origin, "code": "too_small", "minimum": minimum, "inclusive": True}
    return Issue(parts, f"Too small: expected {origin} to have >={minimum} {unit}")


def number_too_small(minimum: int) -> Issue:
    """The issue of a number below its minimum."""
    parts = {"origin": "number", "code": "too_small", "minimum": minimum, "inclusive": True}
    return Issue(parts, f"Too small: expected number to be >={minimum}")


def number_too_big(maximum: int) -> Issue:
    """The issue of a number above its maximum."""
    parts = {"origin": "number", "code": "too_big", "maximum": maximum, "inclusive": True}
    return Issue(parts, f"Too big: expected number to be <={maximum}")


def invalid_value(choices: Iterable[str]) -> Issue:
    """The issue of a value that is none of the choices, whatever its type."""
    values = list(choices)
    message = f"Invalid option: expected one of {'|'.join(map(json.dumps, values))}"
    return Issue({"code": "invalid_value", "values": values}, message)


def custom(message: str, whole: bool = False) -> Issue:
    """The issue of a check of the vendor's own."""
    return Issue({"code": "custom"}, message, whole)


def _invalid_format(name: str, message: str, pattern: str = "") -> Issue:
    parts = {"origin": "string", "code": "invalid_format", "format": name}
    return Issue(parts | ({"pattern": f"/{pattern}/"} if pattern else {}), message)


_TIME_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d$"
NOT_A_NUMBER = Issue(
    {"expected": "number", "code": "invalid_type", "received": "NaN"}, "Invalid input: expected number, received NaN"
)
NOT_AN_INTEGER = Issue(
    {"expected": "int", "format": "safeint", "code": "invalid_type"}, "Invalid input: expected int, received number"
)
INVALID_UUID = _invalid_format("uuid", "Invalid UUID", UUID_PATTERN)
INVALID_DATE = _invalid_format("date", "Invalid ISO date")
INVALID_DATE_TIME = _invalid_format("datetime", "Invalid ISO datetime")
INVALID_TIME = _invalid_format("regex", f"Invalid string: must match pattern /{_TIME_PATTERN}/", _TIME_PATTERN)
INVALID_TIMEZONE = custom("Invalid timezone")
