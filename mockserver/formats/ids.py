"""Ids: checking, and minting new ones (contract, section 1)."""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import lru_cache

from mockserver.formats.json import quoted

# Of version 1 to 8 in any case, nil, or max in lower case: the pattern that the vendor publishes.
UUID_PATTERN = (
    "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
    "|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$"
)
_UUID = re.compile(UUID_PATTERN)
# Matches a UUID as the vendor documents them: version 4, in lower case.
documented = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch
_OF_SOME_FORM = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE)
_LONGEST_FORM = 80  # characters, with braces or a prefix
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}  # RFC 9562, section 4.1


def is_id(value: object) -> bool:
    """Test for the text of a UUID of version 1 to 8, nil or max: no braces, `urn:uuid:`, blanks, or other digits."""
    return isinstance(value, str) and bool(_UUID.fullmatch(value))


@lru_cache(maxsize=1024)
def parse(text: str) -> str:
    """The UUID in lower case; ValueError when it is not one (see `is_id`)."""
    if is_id(text):
        return text.lower()
    raise ValueError(f"{quoted(text)} is not a UUID of the form 8-4-4-4-12")


def resembles(text: str) -> bool:
    """Test for a UUID of any form near the start of the text, for example in braces or without hyphens."""
    return _OF_SOME_FORM.search(text[:_LONGEST_FORM]) is not None


def mint(seed: str, resource: str, number: int) -> str:
    """The version 4 UUID with this number of this resource: the same arguments always give the same id."""
    digest = hashlib.sha256(f"{seed}\n{resource}\n{number}".encode()).digest()
    digits = digest[:16].hex()
    variant = _VARIANT[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def random_name(prefix: str = "") -> str:
    """A random name; the only non-deterministic value here."""
    return f"{prefix}{secrets.token_hex(8)}"
