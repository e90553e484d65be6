"""Patterns of requests: one grammar for verification, for faults and for searching the journal (control plane)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from mockserver.errors import Problem
from mockserver.wire import quoted

PARTS = ("operation", "method", "path", "status", "query", "json")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MISSING = object()


class Mismatch(NamedTuple):
    """A part of a request that is not what a pattern asks for."""

    field: str
    expected: Any
    actual: Any

    def document(self) -> dict[str, Any]:
        """The mismatch as JSON; a part that is not there has no `actual`."""
        shown = {"field": self.field, "expected": self.expected}
        return shown if self.actual is MISSING else {**shown, "actual": self.actual}


class Pattern(NamedTuple):
    """What a request must be like; a part that is not there asks for nothing."""

    parts: Mapping[str, Any]

    def matches(self, entry: Mapping[str, Any]) -> bool:
        """Whether a journal entry, or the part of it that is known so far, is like this."""
        return next(self.mismatches(entry), None) is None

    def mismatches(self, entry: Mapping[str, Any]) -> Iterator[Mismatch]:
        """What about an entry is not like this, part by part."""
        request = entry["request"]
        found = {
            "operation": entry.get("operation"),
            "method": request["method"],
            "status": entry.get("response", {}).get("status"),
        }
        for name in ("operation", "method", "status"):
            if name in self.parts and self.parts[name] != found[name]:
                yield Mismatch(name, self.parts[name], found[name])
        if "path" in self.parts and not _is_like(request["path"], self.parts["path"]):
            yield Mismatch("path", self.parts["path"], request["path"])
        for name, expected in self.parts.get("query", {}).items():
            actual = request["query"].get(name, MISSING)
            if actual is MISSING or _listed(expected) != _listed(actual):
                yield Mismatch(f"query.{name}", expected, actual)
        if "json" in self.parts:
            yield from _subset(self.parts["json"], request.get("json", MISSING), "json")


def parse(document: Any, operations: Collection[str], at: tuple[str | int, ...] = ()) -> tuple[Pattern, list[Problem]]:
    """A pattern from JSON, and every problem of it; `operations` are the ids that it may name."""
    if not isinstance(document, dict):
        return Pattern({}), [Problem(at, "invalid_type", "Expected an object")]
    checks: dict[str, Callable[[Any], str | None]] = {
        "operation": lambda value: _among(value, operations),
        "method": lambda value: _among(value, METHODS),
        "path": lambda value: None if isinstance(value, str) else "Expected a string; * stands for any characters",
        "status": lambda value: None if type(value) is int and 100 <= value <= 599 else "Expected a status code",
        "query": _check_query,
        "json": lambda value: None,
    }
    problems = []
    for name, value in document.items():
        message = checks[name](value) if name in checks else f"Unknown key; a pattern takes {', '.join(PARTS)}"
        if message:
            problems.append(Problem((*at, name), "invalid_pattern", message))
    return Pattern(document), problems


def _among(value: Any, choices: Collection[str]) -> str | None:
    if isinstance(value, str) and value in choices:
        return None
    named = f"There is no {quoted(value)}" if isinstance(value, str) else "Expected a string"
    return f"{named}; there are {', '.join(choices)}"


def _check_query(value: Any) -> str | None:
    texts = isinstance(value, dict) and all(
        isinstance(text, str) for given in value.values() for text in _listed(given)
    )
    return None if texts else "Expected an object of strings, or lists of strings"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_like(path: str, pattern: str) -> bool:
    """Whether a path is as the pattern says. No regular expression: many stars would keep one busy for ever."""
    first, *pieces = pattern.split("*")
    if not pieces:
        return path == pattern
    last = pieces.pop()
    at, end = len(first), len(path) - len(last)
    if at > end or not path.startswith(first) or not path.endswith(last):
        return False
    for piece in pieces:
        found = path.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _subset(expected: Any, actual: Any, at: str) -> Iterator[Mismatch]:
    """What of `expected` is not in `actual`: of an object only the keys named count, all else must be equal."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            yield from _subset(value, actual.get(key, MISSING), f"{at}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (value, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _subset(value, other, f"{at}[{index}]")
    elif isinstance(expected, bool) != isinstance(actual, bool) or expected != actual:
        yield Mismatch(at, expected, actual)
