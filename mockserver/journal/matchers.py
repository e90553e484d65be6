"""Matchers: objects in a pattern that stand for many values (docs/control-plane.md).

An object whose keys all begin with `$` is a matcher. There are no regular expressions: one can run for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.formats.json import quoted

MISSING = object()

Fits = Callable[[Any, Any], bool]


def is_matcher(value: Any) -> bool:
    """Test for a matcher."""
    return isinstance(value, dict) and bool(value) and all(key.startswith("$") for key in value)


def holds(matcher: Mapping[str, Any], actual: Any, fits: Fits) -> bool:
    """Test a value, or `MISSING`; `fits` compares a value with a part of the matcher that may be a matcher itself."""
    return all(_HOLD[name](expected, actual, fits) for name, expected in matcher.items())


def check(value: Any) -> None:
    """Raise ValueError for a value of a pattern in which a matcher cannot be used."""
    if isinstance(value, list):
        for each in value:
            check(each)
    elif is_matcher(value):
        for name, expected in value.items():
            _check(name, expected)
    elif isinstance(value, dict):
        for each in value.values():
            check(each)


def literal(value: Any) -> Any:
    """A pattern for exactly the matchers in a value: what looks like a matcher is compared literally."""
    if is_matcher(value):
        return {"$equals": value}
    if isinstance(value, dict):
        return {key: literal(each) for key, each in value.items()}
    return [literal(each) for each in value] if isinstance(value, list) else value


def is_like(text: str, pattern: str) -> bool:
    """Match a text; `*` stands for any text. Not a regular expression, which many stars would keep busy for ever."""
    first, *pieces = pattern.split("*")
    if not pieces:
        return text == pattern
    last = pieces.pop()
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in pieces:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def is_same(expected: Any, actual: Any) -> bool:
    """Compare JSON values; unlike in Python, true is not 1."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(is_same(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(is_same, expected, actual))
    return isinstance(expected, bool) == isinstance(actual, bool) and bool(expected == actual)


def _check(name: str, expected: Any) -> None:
    kinds = {"$glob": (str, "a text, in which * stands for any text"), "$present": (bool, "true or false")}
    kinds["$any_of"] = (list, "a list of at least one value")
    if name not in _HOLD:
        raise ValueError(f"There is no matcher {quoted(name)}; there are {', '.join(_HOLD)}")
    if name in kinds:
        kind, wanted = kinds[name]
        if not isinstance(expected, kind) or expected == []:
            raise ValueError(f"{name} takes {wanted}")
    if name != "$equals":
        check(expected)


def _contains(expected: Any, actual: Any, fits: Fits) -> bool:
    if isinstance(actual, str):
        return isinstance(expected, str) and expected in actual
    return isinstance(actual, list) and any(fits(expected, member) for member in actual)


_HOLD: dict[str, Callable[[Any, Any, Fits], bool]] = {
    "$contains": _contains,
    "$glob": lambda expected, actual, fits: isinstance(actual, str) and is_like(actual, expected),
    "$any_of": lambda expected, actual, fits: any(fits(each, actual) for each in expected),
    "$present": lambda expected, actual, fits: (actual is not MISSING) is expected,
    "$equals": lambda expected, actual, fits: is_same(expected, actual),
}
