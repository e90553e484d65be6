"""Strict JSON as the contract defines it (section 1), the same on every Python version."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from itertools import islice
from typing import Any

Document = dict[str, Any]  # a JSON object

MAX_DEPTH = 64
MAX_DIGITS = 4300
_AT_ONCE = 500  # documents
HIDE: ContextVar[Callable[[str], str]] = ContextVar("HIDE", default=lambda text: text)  # masks secrets

# The first bytes of what is often sent in place of UTF-8.
_SIGNATURES = {
    b"\x1f\x8b": "it is compressed with gzip: send it uncompressed",
    b"x\x9c": "it is compressed with deflate: send it uncompressed",
    b"\x28\xb5\x2f\xfd": "it is compressed with zstd: send it uncompressed",
    b"\xff\xfe": "it is in UTF-16 or UTF-32: write it in UTF-8",
    b"\xfe\xff": "it is in UTF-16: write it in UTF-8",
}

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_make = getattr(json.encoder, "c_make_encoder", None)
# JSONEncoder makes its encoder in C anew for each document.
_pieces = _make and _make(
    None, _ENCODER.default, json.encoder.encode_basestring, None, ":", ",", False, False, _ENCODER.allow_nan
)
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# An escape is a surrogate pair, one of the two forbidden ones, or any other.
_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|(?P<nul>u0000)|.)"
)


class NotJson(ValueError):
    """The text is not JSON that the contract accepts; the message says why, and where."""


def encode(document: object) -> bytes:
    """Encode a document for the wire: compact, UTF-8, keys in their order."""
    return ("".join(_pieces(document, 0)) if _pieces else _ENCODER.encode(document)).encode()


def encode_all(documents: Iterable[object]) -> bytes:
    """Encode an array of documents as `encode` does, in chunks, so that other threads run in between."""
    each = iter(documents)
    return b"[%s]" % b",".join([encode(some)[1:-1] for some in iter(lambda: list(islice(each, _AT_ONCE)), [])])


def hidden(text: str) -> str:
    """The text without the secrets of the request that is being answered."""
    return HIDE.get()(text)


def quoted(text: str, limit: int = 80) -> str:
    """Quote a text for a message; the middle of a text longer than `limit` characters is left out.

    Secrets of the request that is being answered are masked before.
    """
    text = hidden(text)
    shown = text if len(text) <= limit else f"{text[: limit - 20]}…{text[-10:]}"
    return json.dumps(shown, ensure_ascii=False)


def decode(body: bytes, repeated: list[str] | None = None) -> Any:
    """Decode a JSON text; of a repeated key the last value counts, and `repeated` collects the key.

    Raises NotJson for what RFC 8259 or the contract does not allow.
    """
    if not body:
        raise NotJson("it is empty")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        found = next((told for first, told in _SIGNATURES.items() if body.startswith(first)), None)
        raise NotJson(found or f"it is not UTF-8 at byte {error.start + 1}") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(body)
    try:
        try:
            value = _read(_PLAIN if repeated is None else _UNIQUE, text)
        except _Repeats:
            value = _decoder(_noting(repeated if repeated is not None else [])).decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(_syntax_error(text, error)) from None
    if "\\u" in text:
        _check_escapes(text)
    return value


def _check_depth(body: bytes) -> None:
    outside_strings = b"".join(_ESCAPED.sub(b"", body).split(b'"')[::2])
    depth = 0
    for bracket in outside_strings.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise NotJson(f"it has more than {MAX_DEPTH} levels of nesting")


def _check_escapes(text: str) -> None:
    for escape in _ESCAPES.finditer(text):
        if escape["lone"]:
            raise NotJson(f"it has a lone surrogate \\{escape['lone']} at {_place(text, escape.start())}")
        if escape["nul"]:
            raise NotJson(f"it has the character \\u0000 at {_place(text, escape.start())}")


def _noting(repeated: list[str]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        collected = dict(pairs)
        if len(collected) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeated.extend(key for key, count in counts.items() if count > 1)
        return collected

    return collect


def _refuse_constant(name: str) -> None:
    raise NotJson(f"it has {name}, which is not a JSON number")


def _parse_int(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise NotJson(f"it has an integer of more than {MAX_DIGITS} digits")
    _parse_float(digits)
    return int(digits)


def _parse_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NotJson(f"it has a number outside the range of an IEEE double: {digits[:20]}")
    return number


class _Repeats(Exception):
    """An object has a key more than once."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    collected = dict(pairs)
    if len(collected) < len(pairs):
        raise _Repeats
    return collected


def _decoder(hook: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=hook, parse_constant=_refuse_constant, parse_int=_parse_int, parse_float=_parse_float
    )


# Built once, not for each body.
_PLAIN, _UNIQUE = _decoder(None), _decoder(_unique)


def _read(decoder: json.JSONDecoder, text: str) -> Any:
    """As `decoder.decode(text)`, which always looks for blanks around the text; few bodies have them."""
    try:
        value, end = decoder.scan_once(text, 0)  # type: ignore[attr-defined]
    except StopIteration:  # it begins with a blank, or is no JSON at all
        return decoder.decode(text)
    return decoder.decode(text) if text[end:].strip(" \t\r\n") else value


def _syntax_error(text: str, error: json.JSONDecodeError) -> str:
    position = error.pos
    if text.startswith("\ufeff"):
        return "it begins with a byte order mark (U+FEFF): leave it out"
    if error.msg.startswith("Illegal trailing comma"):
        # Python 3.13 points at the comma; earlier versions at what follows it.
        position = len(text) - len(text[position + 1 :].lstrip(" \t\r\n"))
    found = "end of the text" if position >= len(text) else ascii(text[position])
    return f"unexpected {found} at {_place(text, position)}"


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"line {line}, column {column}"
