"""Header names in the spellings that a request and its answer need, each made once for the names that come again.

Only names are remembered, never values: those may be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Generic, TypeVar

from mockserver.errors import BadRequest

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REMEMBERED_NAMES = 256
_REMEMBERED_LENGTH = 64

Made = TypeVar("Made")


class _Names(dict[str, Made], Generic[Made]):
    """`names[name]` is what `make(name)` returns, remembered for a bounded number of short names."""

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
    return "-".join(part.capitalize() for part in name.split("-"))


# A name as sent → waitress's key for it, or "" when the header is dropped: a name with an underscore, since WSGI cannot
# tell it from one with a hyphen, and `Upgrade`, since no other protocol is spoken here. Raises BadRequest for no name.
KEYS = _Names(_key)
# A key → the variable of the WSGI environment, and the name in lower case.
VARIABLES = _Names(_variable)
# A name as an application gives it → as it is sent.
CAPITALIZED = _Names(_capitalized)
