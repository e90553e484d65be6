"""Secrets of a request, and masking them wherever they stand: in the journal, in messages and in the log.

Whatever cuts a text masks it first, so that no part of a secret is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any
from urllib.parse import unquote

from mockserver.formats import json as wire_json
from mockserver.keys import KEY_HEADER, PREFIX, basic_credentials, is_name

_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")
SECRET_HEADERS = (KEY_HEADER, *_CREDENTIALS)
MAX_PARTS = 64  # of a header with credentials; each costs a search of the entry
MIN_SECRET = 8  # a shorter secret would be found in texts that do not have it
_BETWEEN = "\ud800"  # a lone surrogate is in no text: JSON with one is refused
_REMEMBERED = 1024  # characters of headers whose secrets are worth remembering


def secrets(headers: Mapping[str, str], known_keys: Iterable[str] = ()) -> list[str]:
    """The secrets of a request with these headers, the longest first; `test_` keys are not secret."""
    sent = tuple(map(headers.get, SECRET_HEADERS))
    small = sum(map(len, filter(None, sent))) <= _REMEMBERED
    return (_secrets_again if small else _secrets)(sent, tuple(known_keys))


def _secrets(sent: Sequence[str | None], known_keys: Sequence[str]) -> list[str]:
    """As `secrets`, of the values of `SECRET_HEADERS`."""
    given = [(name, value) for name, value in zip(SECRET_HEADERS, sent, strict=True) if value]
    values = {value for _, value in given}
    parts = {part for name, value in given if name in _CREDENTIALS for part in islice(_parts(name, value), MAX_PARTS)}
    longer = {secret for secret in (*parts, *known_keys) if len(secret) >= MIN_SECRET}
    return sorted((each for each in values | longer if each and not _is_sandbox_key(each)), key=len, reverse=True)


_secrets_again = lru_cache(maxsize=256)(_secrets)


def _is_sandbox_key(value: str) -> bool:
    return value.startswith(PREFIX) and is_name(value[len(PREFIX) :])


def _parts(name: str, value: str) -> Iterator[str]:
    """The secret parts of a header: what follows its scheme, the values of its parameters, a password or user."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "basic":
        user, password = basic_credentials(rest)
        yield password or user  # a key may be the user, without a password
    for part in re.split(r"[\s,;]+", value if name == "cookie" else rest or scheme):
        parameter = part.partition("=")[2].strip('"')
        yield from (part, parameter)
        if "%" in parameter:
            yield unquote(parameter)


def redacted(secret: str) -> str:
    """The last four characters of a secret, or none of a short one."""
    return f"…{secret[-4:]}" if len(secret) >= MIN_SECRET else "…"


def masked(secrets: Iterable[str], text: str) -> str:
    """The text with only the last four characters of each secret, also where it is percent-encoded."""
    for secret in secrets:
        if len(secret) >= MIN_SECRET:
            text = text.replace(secret, redacted(secret))
            if "%" in text:
                text = _percent_encoded(secret).sub(lambda _: redacted(secret), text)  # noqa: B023 (called at once)
    return text


def without(secrets: Sequence[str], document: Any, encoded: bytes | None = None) -> Any:
    """Mask secrets in a document, wherever they stand; `encoded` is its JSON, if that is known."""
    if not secrets:
        return document
    found = found_in(secrets, wire_json.encode(document) if encoded is None else encoded)
    if not found:
        return document
    joined = masked(found, _BETWEEN.join(_texts(document)))  # one text: there may be many secrets, and many texts
    return _with_texts(document, iter(joined.split(_BETWEEN)))


def found_in(secrets: Iterable[str], encoded: bytes) -> list[str]:
    """The secrets that JSON contains; one too short to be told from chance never counts."""
    encodes = b"%" in encoded
    text = encoded.decode() if encodes else ""
    return [
        secret
        for secret in secrets
        if len(secret) >= MIN_SECRET
        and (_escaped(secret) in encoded or (encodes and _percent_encoded(secret).search(text)))
    ]


@lru_cache(maxsize=256)
def _escaped(secret: str) -> bytes:
    return wire_json.encode(secret)[1:-1]


@lru_cache(maxsize=256)
def _percent_encoded(secret: str) -> re.Pattern[str]:
    """A pattern of the secret in which any character may be percent-encoded, in Latin-1 or UTF-8."""
    return re.compile("".join(map(_any_spelling, secret)))


def _any_spelling(character: str) -> str:
    codes = {"".join(f"%{byte:02X}" for byte in character.encode(coding, "replace")) for coding in ("latin-1", "utf-8")}
    return f"(?:{re.escape(character)}|(?i:{'|'.join(sorted(codes))}))"


def _texts(value: Any) -> Iterator[str]:
    """The texts of a document, its keys too, in a fixed order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _with_texts(value: Any, texts: Iterator[str]) -> Any:
    """The document with other texts, in the order of `_texts`."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, dict):
        return {next(texts): _with_texts(each, texts) for each in value.values()}
    return [_with_texts(each, texts) for each in value] if isinstance(value, list) else value
