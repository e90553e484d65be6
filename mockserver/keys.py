"""Names of sandboxes, and the API keys that open them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from mockserver.errors import BadRequest, Unauthorized
from mockserver.formats.json import quoted

DEFAULT = "default"
UNIDENTIFIED = ""  # where requests are answered whose key opens no sandbox; no name, so that no key opens it
PREFIX = "test_"
KEY_HEADER = "x-api-key"
MADE_UP = "s-"  # begins the name of a sandbox that was created without one
DEFAULT_KEY = PREFIX + DEFAULT

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = re.compile(r"[\x21-\x7e]{1,256}")
_SHARD = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")
_OF_A_SHARD = re.compile(r"s([1-9][0-9]{0,2})-")


@lru_cache(maxsize=1024)
def is_name(text: str) -> bool:
    """Test for a valid name of a sandbox."""
    return bool(_NAME.fullmatch(text)) and text not in (".", "..")


def check_name(text: str) -> str:
    """Return the name if it is valid; BadRequest otherwise."""
    if not is_name(text):
        raise BadRequest(f"{text[:80]!r} is no sandbox's name: use 1 to 64 of A-Z a-z 0-9 . _ -, neither . nor ..")
    return text


def check_key(text: str) -> str:
    """Return the API key if it is valid in a header and has no `test_` prefix; ValueError otherwise."""
    if not _KEY.fullmatch(text) or "," in text:
        raise ValueError("an API key has 1 to 256 printable ASCII characters, without spaces or commas")
    if text.startswith(PREFIX):
        raise ValueError(f"a key that begins with {PREFIX} opens the sandbox of its name; choose another")
    return text


def check_token(text: str) -> str:
    """Return the token if it is valid in a header; ValueError otherwise."""
    if not _KEY.fullmatch(text) or ":" in text:
        raise ValueError("a token has 1 to 256 printable ASCII characters, without spaces or colons")
    return text


def basic_credentials(credentials: str) -> tuple[str, str]:
    """The user and the password in HTTP Basic credentials (RFC 7617); empty where there is none."""
    try:
        decoded = base64.b64decode(credentials.encode("ascii", "ignore"), validate=True)
    except ValueError:
        return "", ""
    user, _, password = decoded.decode("utf-8", "replace").partition(":")
    return user, password


class Shard(NamedTuple):
    """One of several instances behind a load balancer: its number, counted from 1, and the number of all."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def prefix(self) -> str:
        """The beginning of the names that this shard makes up, by which a load balancer finds it."""
        return f"s{self.number}-"

    def other(self, name: str) -> int | None:
        """The number of the other shard to which a sandbox belongs by the prefix of its name, if there is one."""
        found = _OF_A_SHARD.match(name)
        number = int(found[1]) if found else self.number
        return number if number != self.number and number <= self.of else None


def parse_shard(text: str) -> Shard:
    """Parse `I/N`, such as 2/3 for the second of three; ValueError for anything else."""
    found = _SHARD.fullmatch(text)
    if not found or int(found[1]) > int(found[2]):
        raise ValueError(f"{quoted(text)} is not a shard: write I/N, such as 2/3 for the second of three")
    return Shard(int(found[1]), int(found[2]))


class Caller(NamedTuple):
    """The identity behind a key: a sandbox, and one of its users, or None for the first active one."""

    sandbox: str
    user_id: str | None = None


class Keys:
    """All valid API keys: `test_<name>`, and those of the settings and of the fixtures."""

    def __init__(self, callers: Iterable[tuple[str, Caller]]) -> None:
        self._callers = dict(callers)
        self.secrets = tuple(self._callers)  # to be masked in the journal

    def caller(self, key: str | None) -> Caller:
        """The caller that the key identifies; Unauthorized for a missing or an unknown key."""
        if key and key in self._callers:
            return self._callers[key]
        if key and key.startswith(PREFIX) and is_name(key[len(PREFIX) :]):
            return Caller(key[len(PREFIX) :])
        raise Unauthorized(None if key else "API key is required")
