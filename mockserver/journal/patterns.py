"""Patterns of requests: one grammar for verification, faults and searching the journal (docs/control-plane.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mockserver.journal import matchers
from mockserver.journal.matchers import MISSING

PARTS = ("operation", "method", "path", "status", "query", "headers", "json")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
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
        if "path" in self.parts and not matchers.is_like(request["path"], self.parts["path"]):
            yield Mismatch("path", self.parts["path"], request["path"])
        for name, expected in self.parts.get("query", {}).items():
            actual = request["query"].get(name, MISSING)
            if not _fits(expected, actual):
                yield Mismatch(f"query.{name}", expected, actual)
        for name, expected in self.parts.get("headers", {}).items():
            actual = request["headers"].get(name.lower(), MISSING)
            if not _fits(expected, actual):
                yield Mismatch(f"headers.{name}", expected, actual)
        if "json" in self.parts:
            body = _body(entry)
            if body is CUT:
                yield Mismatch("json", self.parts["json"], CUT)
            else:
                yield from _subset(self.parts["json"], body, "json")


def _body(entry: Mapping[str, Any]) -> Any:
    """The body to compare: of one that the entry shows cut, the whole, or CUT if the journal does not have it."""
    request = entry["request"]
    kept = entry.get("whole", request)
    return CUT if "length" in kept else kept.get("json", MISSING)


def listed(value: Any) -> list[Any]:
    """The values of a parameter of a query: one, or a list of them."""
    return value if isinstance(value, list) else [value]


def _fits(expected: Any, actual: Any) -> bool:
    """Compare a value of the query or of a header, which is one text or a list of them."""
    if matchers.is_matcher(expected):
        return matchers.holds(expected, actual, _fits)
    return actual is not MISSING and listed(expected) == listed(actual)


def _contained(expected: Any, actual: Any) -> bool:
    return next(_subset(expected, actual, ""), None) is None


def _subset(expected: Any, actual: Any, at: str) -> Iterator[Mismatch]:
    """The mismatches of JSON: objects are compared by the keys of `expected` only, all else must be equal."""
    if matchers.is_matcher(expected):
        if not matchers.holds(expected, actual, _contained):
            yield Mismatch(at, expected, actual)
    elif isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            yield from _subset(value, actual.get(key, MISSING), f"{at}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (value, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _subset(value, other, f"{at}[{index}]")
    elif isinstance(expected, bool) != isinstance(actual, bool) or expected != actual:
        yield Mismatch(at, expected, actual)
