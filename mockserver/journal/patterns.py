"""Patterns of requests: one grammar for verification, faults and searching the journal (docs/control-plane.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

PARTS = ("operation", "method", "path", "status", "query", "json")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MISSING = object()
CUT = object()  # a body of which the journal has a part only


class Mismatch(NamedTuple):
    """A part of a request that differs from a pattern."""

    field: str
    expected: Any
    actual: Any

    def document(self) -> dict[str, Any]:
        """The mismatch as JSON, without `actual` when the part is missing."""
        shown = {"field": self.field, "expected": self.expected}
        if self.actual is MISSING:
            return shown
        return {**shown, "actual": "a body that the journal has cut" if self.actual is CUT else self.actual}


class Pattern(NamedTuple):
    """The required parts of a request; a part that is left out matches any."""

    parts: Mapping[str, Any]

    def matches(self, entry: Mapping[str, Any]) -> bool:
        """Test a journal entry, or the part of it that is known so far."""
        return next(self.mismatches(entry), None) is None

    def cannot_tell(self, entry: Mapping[str, Any]) -> bool:
        """Test for an entry that only the cut part of its body would decide."""
        return [mismatch.actual for mismatch in self.mismatches(entry)] == [CUT]

    def mismatches(self, entry: Mapping[str, Any]) -> Iterator[Mismatch]:
        """The mismatches of an entry, part by part."""
        request = entry["request"]
        found = {
            "operation": entry.get("operation"),
            "method": request["method"],
            "status": (entry.get("response") or {}).get("status"),
        }
        for name in ("operation", "method", "status"):
            if name in self.parts and self.parts[name] != found[name]:
                yield Mismatch(name, self.parts[name], found[name])
        if "path" in self.parts and not _is_like(request["path"], self.parts["path"]):
            yield Mismatch("path", self.parts["path"], request["path"])
        for name, expected in self.parts.get("query", {}).items():
            actual = request["query"].get(name, MISSING)
            if actual is MISSING or listed(expected) != listed(actual):
                yield Mismatch(f"query.{name}", expected, actual)
        if "json" in self.parts:
            yield from _subset(self.parts["json"], _body(entry), "json")


def _body(entry: Mapping[str, Any]) -> Any:
    """The body to compare: of one that the entry shows cut, the whole, or CUT if the journal does not have it."""
    request = entry["request"]
    kept = entry.get("whole", request)
    return CUT if "length" in kept else kept.get("json", MISSING)


def listed(value: Any) -> list[Any]:
    """The values of a parameter of a query: one, or a list of them."""
    return value if isinstance(value, list) else [value]


def _is_like(path: str, pattern: str) -> bool:
    """Match a path; `*` stands for any text. Not a regular expression, which many stars would keep busy for ever."""
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
    """The mismatches of JSON: objects are compared by the keys of `expected` only, all else must be equal."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            yield from _subset(value, actual.get(key, MISSING), f"{at}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (value, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _subset(value, other, f"{at}[{index}]")
    elif isinstance(expected, bool) != isinstance(actual, bool) or expected != actual:
        yield Mismatch(at, expected, actual)
