"""Caches of header names in the spellings that requests and answers need.

Only names are cached, never values, which may be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Generic, TypeVar

from mockserver.errors import BadRequest

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HOP_BY_HOP = re.compile(
    r"(?:connection|keep-alive|proxy-authenticate|proxy-authorization|te|trailers|transfer-encoding|upgrade)\Z", re.I
)
_REMEMBERED_NAMES = 256
_REMEMBERED_LENGTH = 64

Made = TypeVar("Made")


class _Names(dict[str, Made], Generic[Made]):
    """A bounded cache: `names[name]` is `make(name)`, kept for short names."""

    def __init__(self, make: Callable[[str], Made]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Made:
        made = self._make(name)
        if len(name) <= _REMEMBERED_LENGTH:
            if len(self) >= _REMEMBERED_NAMES:
                self.clear()
            self[name] = made
        return made


def _key(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise BadRequest("A header line is malformed")
    return "" if "_" in name or name.lower() == "upgrade" else name.upper().replace("-", "_")


def _variable(key: str) -> tuple[str, str]:
    return key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}", key.replace("_", "-").lower()


def _capitalized(name: str) -> str:
    if "\r" in name or "\n" in name or _HOP_BY_HOP.match(name):
        raise ValueError(f"An application may not set the header {name!r} (PEP 3333)")
    return "-".join(part.capitalize() for part in name.split("-"))


# A name as sent → its key in `Request.headers`, or "" for one that is dropped: with an underscore, which WSGI cannot
# tell from one with a hyphen, and `Upgrade`, since only HTTP is supported. Raises BadRequest for an invalid name.
KEYS = _Names(_key)
# A key → the variable of the WSGI environment and the name in lower case.
VARIABLES = _Names(_variable)
# A name as given by the application → as sent. Raises ValueError for one that only a server may send.
CAPITALIZED = _Names(_capitalized)
