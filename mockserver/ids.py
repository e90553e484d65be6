"""Ids: which are accepted, and how new ones are minted (contract, section 1; design, idea 3)."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid

from mockserver.wire import quoted

_DOCUMENTED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_OF_SOME_FORM = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
NIL = "00000000-0000-0000-0000-000000000000"
_LONGEST_FORM = 80  # characters, for all that may be around it
MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def parse(text: str) -> str:
    """A UUID of version 1 to 8, nil or max, in lower case.

    Raises ValueError for any other form: braces, `urn:uuid:`, missing hyphens, blanks, other digits.
    """
    lowered = text.lower() if text.isascii() else ""
    if _UUID.fullmatch(lowered) or lowered in (NIL, MAX):
        return lowered
    raise ValueError(f"{quoted(text)} is not a UUID of the form 8-4-4-4-12")


def is_documented(text: str) -> bool:
    """Whether the text is a UUID as the vendor documents them: version 4, in lower case."""
    return _DOCUMENTED.fullmatch(text) is not None


def resembles(text: str) -> bool:
    """Whether the text has a UUID of some form at its beginning, in braces or without hyphens, say."""
    return _OF_SOME_FORM.search(text[:_LONGEST_FORM]) is not None


def mint(seed: str, resource: str, number: int) -> str:
    """The version 4 UUID with this number of this resource: the same arguments always give the same id."""
    digest = hashlib.sha256(f"{seed}\n{resource}\n{number}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def made_up_name() -> str:
    """A name that nobody has: the one thing here that is not the same every time."""
    return f"s-{secrets.token_hex(8)}"
