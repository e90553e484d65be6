"""Pseudonyms: names, addresses, numbers and texts that have the form of real ones."""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache

_TOKEN = re.compile(
    r"(?P<scheme>https?://|(?=www\.))(?P<host>[^\s<>/?#]+)(?P<rest>[^\s<>]*)"
    r"|(?P<local>[^\s@<>,;:()]{1,64})@(?P<domain>[^\s@<>,;:()]{0,254}\w)"  # bounded: RFC 5321, section 4.5.3.1
    r"|(?P<phone>\+?\(?\d(?:[\s().-]*\d){6,})",
    re.IGNORECASE,
)
_RESERVED = ["example", "com"]  # RFC 2606: nobody's
_NOBODYS = "00"  # no subscriber's number begins so
_LONGEST_NATIONAL = 10  # digits; a longer number without a plus begins with a country code
_LETTERS = ("aeiou", "bcdfghjklmnpqrstvwxyz")
# ITU-T E.164: country codes have three digits, but for these.
_SHORT_CODES = re.compile(r"1|7|2[07]|3[0-4]|36|39|4[01]|4[3-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")
_LAST_COMMON = 0x17F  # of the Latin letters that languages of Europe and America use
_Draws = Iterator[int]


def pseudonym(text: str, seed: str) -> str:
    """A text of the same form, always the same for a text and a seed.

    Each letter and digit becomes another one. Length, letter case, accents, script and punctuation are kept, and so are
    the forms of links, mail addresses, and phone numbers with their country code; hosts become those of example.com.
    """
    draws = _random_bytes(seed)
    pieces, end = [], 0
    for token in _TOKEN.finditer(text):
        pieces += [_replaced(text[end : token.start()], draws), _token(token, draws)]
        end = token.end()
    return "".join([*pieces, _replaced(text[end:], draws)])


def _token(token: re.Match[str], draws: _Draws) -> str:
    if token["phone"]:
        return _number(token["phone"], draws)
    if token["local"]:
        return f"{_replaced(token['local'], draws)}@{_domain(token['domain'], draws)}"
    return token["scheme"] + _domain(token["host"], draws) + _replaced(token["rest"], draws)


def _domain(name: str, draws: _Draws) -> str:
    """A domain with as many labels, which belongs to nobody."""
    labels = name.split(".")
    reserved = ".".join([*(_replaced(label, draws) for label in labels[:-2]), *_RESERVED[: len(labels)]])
    return reserved.upper() if name.isupper() else reserved


def _number(text: str, draws: _Draws) -> str:
    """A phone number with the same country code and separators, which reaches nobody."""
    places = [place for place, character in enumerate(text) if character.isdecimal()]
    digits = "".join(str(int(text[place])) for place in places)
    is_international = text.startswith("+") or len(digits) > _LONGEST_NATIONAL
    short = _SHORT_CODES.match(digits)
    code = (short[0] if short else digits[:3]) if is_international else ""
    rest = digits[len(code + _NOBODYS) :]
    characters = list(text)
    for place, digit in zip(places, code + _NOBODYS + _replaced(rest, draws), strict=True):
        characters[place] = digit
    return "".join(characters)


def _replaced(text: str, draws: _Draws) -> str:
    """The text with another letter for each letter, and another digit for each digit."""
    choices = ((character, _replacements(character)) for character in text)
    return "".join(others[next(draws) % len(others)] if others else character for character, others in choices)


def _random_bytes(seed: str) -> _Draws:
    """An endless stream of numbers from 0 to 255, the same for the same seed on every version of Python."""
    number = 0
    while True:
        yield from hashlib.sha256(f"{number}\n{seed}".encode()).digest()
        number += 1


@cache
def _replacements(character: str) -> str:
    """The characters that may replace this one: of the same kind, script, case and accents. None for punctuation."""
    category = unicodedata.category(character)
    if category == "Nd":
        first = ord(character) - unicodedata.decimal(character)
        return _others(character, map(chr, range(first, first + 10)))
    if not category.startswith("L"):
        return ""
    decomposed = unicodedata.normalize("NFD", character)
    base, marks = decomposed[0], decomposed[1:]
    letters = next((letters for letters in _LETTERS if base.lower() in letters), "")
    accented = ((letter.upper() if base.isupper() else letter) + marks for letter in letters)
    composed = _others(character, (unicodedata.normalize("NFC", each) for each in accented))
    return composed or _others(character, _neighbours(character, category))


def _others(character: str, others: Iterator[str]) -> str:
    """The other characters among these; for a common letter, only common ones."""
    last = _LAST_COMMON if ord(character) <= _LAST_COMMON else sys.maxunicode
    return "".join(other for other in others if len(other) == 1 and other != character and ord(other) <= last)


def _neighbours(character: str, category: str) -> Iterator[str]:
    """The letters near this one that have its script and its case."""
    script = _script(character)
    first = ord(character) & ~0x3F
    for other in map(chr, range(first, first + 0x40)):
        if unicodedata.category(other) == category and _script(other) == script:
            yield other


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
