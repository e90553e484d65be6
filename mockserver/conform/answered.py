"""The records of an answer, and their members with the types that the contract gives them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Set
from typing import Any, NamedTuple

from mockserver.formats import dates, ids
from mockserver.formats.fields import kind_of
from mockserver.formats.json import Document, quoted

_UNWRITABLE = re.compile("[\ud800-\udfff\0]")  # the contract's JSON has none of them
REPLACEMENT = "\ufffd"
_MOST_NAMED = 10  # fields in a note
_MISSING = object()


class UnusableAnswer(Exception):
    """An answer is not what the contract says, so no fixtures can be made of it; the message names the place."""


class Given(NamedTuple):
    """A record as it was answered: the place for messages, its members, and the notes about what was changed."""

    place: str
    members: Document
    notes: Counter[str]

    def text(self, key: str, default: Any = _MISSING) -> Any:
        """A member that is a text; null and missing ones are the default. Raises UnusableAnswer, as all of these do."""
        text = self._of_kind(key, str, "a string", default)
        return _UNWRITABLE.sub(REPLACEMENT, text) if isinstance(text, str) else text

    def flag(self, key: str, default: bool) -> bool:
        """A member that is a boolean."""
        return bool(self._of_kind(key, bool, "a boolean", default))

    def id(self, key: str, default: Any = _MISSING) -> Any:
        """A member that is an id, in lower case."""
        text = self._of_kind(key, str, "a string", default)
        if isinstance(text, str) and not ids.is_id(text):
            raise self.unusable(key, "expected a UUID")
        return text.lower() if isinstance(text, str) else text

    def instant(self, key: str, default: Any = _MISSING) -> Any:
        """A member that is an instant, in the contract's form."""
        text = self._of_kind(key, str, "a string", default)
        if text is default:
            return default
        try:
            wall, offset = dates.parse_date_time(text)
            instant = dates.text_of(wall - offset if offset else wall)
        except (ValueError, OverflowError):
            raise self.unusable(key, "expected an instant such as 2025-11-26T09:00:00.000Z") from None
        if instant != text:
            self.notes[f"{key} is not of the form 2025-11-26T09:00:00.000Z, and is now"] += 1
        return instant

    def inner(self, key: str, value: Any) -> Given:
        """An object inside this record."""
        return Given(f"{self.place}.{key}", _object(f"{self.place}.{key}", value), self.notes)

    def wrong(self, key: str, expected: str) -> UnusableAnswer:
        """The error about a member that is not what was expected."""
        received = f"received {kind_of(self.members[key])}" if key in self.members else "and it is missing"
        return self.unusable(key, f"expected {expected}, {received}")

    def unusable(self, key: str, message: str) -> UnusableAnswer:
        """The error about a member."""
        return UnusableAnswer(f"{self.place}.{key}: {message}")

    def _of_kind(self, key: str, kind: type, name: str, default: Any) -> Any:
        value = self.members.get(key)
        if value is None and default is not _MISSING:
            return default
        if type(value) is not kind:
            raise self.wrong(key, name)
        return value


def records(name: str, listed: Any, known: Set[str], notes: Counter[str]) -> Iterator[Given]:
    """The records of a list, each id once; notes repeated ids and unknown members."""
    if not isinstance(listed, list):
        raise UnusableAnswer(f"{name}: expected an array, received {kind_of(listed)}")
    seen: set[str] = set()
    unknown: Counter[str] = Counter()
    for index, record in enumerate(listed):
        given = Given(f"{name}[{index}]", _object(f"{name}[{index}]", record), notes)
        unknown.update(given.members.keys() - known)
        id = given.id("id")
        if id in seen:
            notes[f"{name} have an id twice: the first is kept"] += 1
            continue
        seen.add(id)
        yield given
    if unknown:
        names = ", ".join(quoted(key) for key in sorted(unknown)[:_MOST_NAMED])
        notes[f"{name} have fields that the mock does not know, left out: {names}"] += len(unknown)


def _object(place: str, value: Any) -> Document:
    if not isinstance(value, dict):
        raise UnusableAnswer(f"{place}: expected an object, received {kind_of(value)}")
    return value
