"""Ids: which are accepted, and how new ones are minted (contract, section 1; design, idea 3)."""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import lru_cache

from mockserver.wire import quoted

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
NIL = "00000000-0000-0000-0000-000000000000"
MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}  # RFC 9562, section 4.1


@lru_cache(maxsize=1024)
def parse(text: str) -> str:
    """A UUID of version 1 to 8, nil or max, in lower case.

    Raises ValueError for any other form: braces, `urn:uuid:`, missing hyphens, blanks, other digits.
    """
    lowered = text.lower() if text.isascii() else ""
    if _UUID.fullmatch(lowered) or lowered in (NIL, MAX):
        return lowered
    raise ValueError(f"{quoted(text)} is not a UUID of the form 8-4-4-4-12")


def mint(seed: str, resource: str, number: int) -> str:
    """The version 4 UUID with this number of this resource: the same arguments always give the same id."""
    digest = hashlib.sha256(f"{seed}\n{resource}\n{number}".encode()).digest()
    digits = digest[:16].hex()
    variant = _VARIANT[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def made_up_name() -> str:
    """A name that nobody has: the one thing here that is not the same every time."""
    return f"s-{secrets.token_hex(8)}"
