"""Records of an answer, whose members are read with the types of the contract."""

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
    """No fixtures can be made of an answer: it is not what the contract says; the message names the place."""


class Record(NamedTuple):
    """A record of an answer: its place, for messages; its members; and notes about what fixtures have instead.

    Its methods raise UnusableAnswer.
    """

    place: str
    members: Document
    notes: Counter[str]

    def text(self, key: str, default: Any = _MISSING) -> Any:
        """A member that is a text; the default for null and for a missing one."""
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
            self.notes[f"{key} is not of the form 2025-11-26T09:00:00.000Z: rewritten"] += 1
        return instant

    def inner(self, key: str, value: Any) -> Record:
        """An object inside this record."""
        return Record(f"{self.place}.{key}", _object(f"{self.place}.{key}", value), self.notes)

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


def records(name: str, listed: Any, known: Set[str], notes: Counter[str]) -> Iterator[Record]:
    """The records of a list, each id once; notes repeated ids and unknown members."""
    if not isinstance(listed, list):
        raise UnusableAnswer(f"{name}: expected an array, received {kind_of(listed)}")
    seen: set[str] = set()
    unknown: Counter[str] = Counter()
    for index, each in enumerate(listed):
        record = Record(f"{name}[{index}]", _object(f"{name}[{index}]", each), notes)
        unknown.update(record.members.keys() - known)
        id = record.id("id")
        if id in seen:
            notes[f"{name} have an id twice: the first is kept"] += 1
            continue
        seen.add(id)
        yield record
    if unknown:
        names = ", ".join(quoted(key) for key in sorted(unknown)[:_MOST_NAMED])
        notes[f"{name} have fields that the mock does not know, left out: {names}"] += len(unknown)


def _object(place: str, value: Any) -> Document:
    if not isinstance(value, dict):
        raise UnusableAnswer(f"{place}: expected an object, received {kind_of(value)}")
    return value
