"""Invented names, addresses, numbers and texts: nothing of the real ones is left but their form."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest

from mockserver.pull.pseudonyms import pseudonym

ID = "120c98ee-ef9e-425e-a54c-2bc17739106e"
TEXTS = [
    "Camila Fernández Soto",
    "McDONALD, O'Brien y Núñez-Ibáñez",
    "Иван Петров",
    "山田太郎",
    "김철수",
    "عمر الخيام",
    "Nguyễn Thị Huệ",
    "Ñuñoa 🏠 Depto 402\r\n\t— piso 3º",
    "e\u0301tude",
    "١٢٣",
    "",
    " ",
]


def form(text: str) -> str:
    """The kind of each character: categories of letters and digits, all others as they are."""
    return "".join(
        unicodedata.category(each) if unicodedata.category(each) in ("Lu", "Ll", "Lo", "Nd") else each for each in text
    )


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_keeps_its_form_and_no_letter_and_no_digit(text: str) -> None:
    found = pseudonym(text, ID)
    assert form(found) == form(text)
    kept = [old for old, new in zip(text, found, strict=True) if old == new and form(old) != old]
    assert set(kept) <= {"º"}
    assert found.isascii() or not text.isascii()


@pytest.mark.parametrize(
    ("number", "pattern"),
    [
        ("+56912345678", r"\+5600\d{7}"),
        ("+56 9 1234-5678", r"\+56 0 0\d{3}-\d{4}"),
        ("+1 (415) 555-2671", r"\+1 \(00\d\) \d{3}-\d{4}"),
        ("+7 916 123-45-67", r"\+7 00\d \d{3}-\d\d-\d\d"),
        ("+593 99 123 4567", r"\+593 00 \d{3} \d{4}"),
        ("+52 55 1234 5678", r"\+52 00 \d{4} \d{4}"),
        ("56912345678", r"5600\d{7}"),
        ("912345678", r"00\d{7}"),
        ("(02) 2345 6789", r"\(00\) \d{4} \d{4}"),
    ],
)
def test_a_phone_number_keeps_its_country_code_and_separators_and_reaches_nobody(number: str, pattern: str) -> None:
    assert re.fullmatch(pattern, pseudonym(number, ID))


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("camila.fernandez@gmail.com", r"[a-z]{6}\.[a-z]{9}@example\.com"),
        ("Ventas+1@Tienda.Empresa.cl", r"[A-Z][a-z]{5}\+\d@[A-Z][a-z]{5}\.example\.com"),
        ("ANA@EMPRESA.CL", r"[A-Z]{3}@EXAMPLE\.COM"),
        ("root@localhost", r"[a-z]{4}@example"),
        ("https://meet.google.com/abc-def?x=1", r"https://[a-z]{4}\.example\.com/[a-z]{3}-[a-z]{3}\?[a-z]=\d"),
        ("HTTP://X.cl", r"HTTP://example\.com"),
        ("ver www.empresa.cl.", r"[a-z]{3} [a-z.]+\.example\.com"),
        ("(ana@x.cl), llamar", r"\([a-z]{3}@example\.com\), [a-z]{6}"),
    ],
)
def test_addresses_and_links_lead_to_nobody(text: str, pattern: str) -> None:
    assert re.fullmatch(pattern, pseudonym(text, ID))


def test_the_same_text_of_one_record_is_always_the_same_and_of_another_is_not() -> None:
    assert pseudonym("Camila Fernández", ID) == "Dujove Puqlércar" == pseudonym("Camila Fernández", ID)
    assert pseudonym("Camila Fernández", ID[::-1]) != pseudonym("Camila Fernández", ID)


def test_the_name_and_the_address_of_a_record_belong_together() -> None:
    assert pseudonym("camila.soto@x.cl", ID).partition("@")[0] == pseudonym("Camila Soto", ID).lower().replace(" ", ".")


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "1 " * 5 + " " * 100_000, "www." * 25_000, "a@" * 50_000, "(1" * 50_000]
)
def test_a_long_text_takes_time_in_proportion(text: str) -> None:
    begun = time.process_time()
    pseudonym(text, ID)
    assert time.process_time() - begun < 3
