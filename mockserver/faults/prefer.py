"""The `Prefer` header: a status or a delay for a single request (RFC 7240)."""

from __future__ import annotations

import re
from typing import NamedTuple

from mockserver.errors import BadRequest
from mockserver.faults.delays import MAX_DELAY_MS
from mockserver.formats.json import quoted


class Preferences(NamedTuple):
    """The status to answer, or None, the milliseconds to wait, and the value of `Preference-Applied`."""

    code: int | None = None
    delay_ms: int = 0
    applied: str = ""


def parse(header: str) -> Preferences:
    """Parse the header: unknown preferences are ignored, and of repeated ones the first counts (RFC 7240, section 2).

    Raises BadRequest for an invalid value.
    """
    asked: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition(";")[0].partition("=")
        asked.setdefault(name.strip().lower(), _unquoted(value.strip()))
    code = _number(asked, "code", 400, 599, "an error's status code")
    delay = _number(asked, "delay", 0, MAX_DELAY_MS, "milliseconds")
    applied = [f"{name}={value}" for name, value in (("code", code), ("delay", delay)) if value]
    return Preferences(code, delay or 0, ", ".join(applied))


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _number(asked: dict[str, str], name: str, low: int, high: int, meaning: str) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text) or not low <= int(text) <= high:
        message = f"Prefer: {name}={quoted(text)[1:-1]} cannot be used; {name} takes {meaning} from {low} to {high}"
        raise BadRequest(message, rule="mock-preference")
    return int(text)
