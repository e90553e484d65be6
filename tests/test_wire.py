"""JSON on the wire: what is accepted, what is refused, and the same words on every Python version."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from mockserver.formats import json as wire_json
from mockserver.formats.json import NotJson

DOUBLE_MAX = 2**1024 - 2**971
OUTSIDE = "it has a number outside the range of an IEEE double: "


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b" \t\r\n{ } \t\r\n", {}),
        (b"null", None),
        (b'["a",1,-1,1.5,true,false,null,{}]', ["a", 1, -1, 1.5, True, False, None, {}]),
        (b"[0, -0, 1E2, 1e+2, 1e-2, 0.5]", [0, 0, 100.0, 100.0, 0.01, 0.5]),
        (b"[1e308, -1e308, 1e-400]", [1e308, -1e308, 0.0]),
        (str(DOUBLE_MAX).encode(), DOUBLE_MAX),
        (b"9007199254740993", 9007199254740993),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": {"b": 1}, "a": {"c": 2}}', {"a": {"c": 2}}),
        (b'{"__proto__": 1, "": 2}', {"__proto__": 1, "": 2}),
        ('"señal ✓ 👩‍💻 ‮"'.encode(), "señal ✓ 👩‍💻 ‮"),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\uD83D\uDE00\u00e9\u0001"', "😀é\x01"),
        (rb'"\\ud800 \\u0000"', r"\ud800 \u0000"),
        (rb'"\\\\ud800"', r"\\ud800"),
        (rb'"\"\\\/\b\f\n\r\t"', '"\\/\b\f\n\r\t'),
        ('"\x7f\u0085\u2028\ufeff"'.encode(), "\x7f\u0085\u2028\ufeff"),
    ],
)
def test_what_json_allows_is_read(body: bytes, value: Any) -> None:
    assert wire_json.decode(body) == value


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "it is empty"),
        (b" \n ", "unexpected end of the text at line 2, column 2"),
        (b"{", "unexpected end of the text at line 1, column 2"),
        (b'{"a"', "unexpected end of the text at line 1, column 5"),
        (b'{"a":', "unexpected end of the text at line 1, column 6"),
        (b'{"a":1', "unexpected end of the text at line 1, column 7"),
        (b'{"a":1,', "unexpected end of the text at line 1, column 8"),
        (b"[", "unexpected end of the text at line 1, column 2"),
        (b"[1", "unexpected end of the text at line 1, column 3"),
        (b"[1,", "unexpected end of the text at line 1, column 4"),
        (b'{"a":1,}', "unexpected '}' at line 1, column 8"),
        (b'{"a": 1, \r\n\t }', "unexpected '}' at line 2, column 3"),
        (b"[1,]", "unexpected ']' at line 1, column 4"),
        (b"[1,\n\n  ]", "unexpected ']' at line 3, column 3"),
        (b"[,1]", "unexpected ',' at line 1, column 2"),
        (b"[1,,2]", "unexpected ',' at line 1, column 4"),
        (b"[1 2]", "unexpected '2' at line 1, column 4"),
        (b'{"a" 1}', "unexpected '1' at line 1, column 6"),
        (b'{"a":1 "b":2}', "unexpected '\"' at line 1, column 8"),
        (b'{"a":}', "unexpected '}' at line 1, column 6"),
        (b"{,}", "unexpected ',' at line 1, column 2"),
        (b"{a:1}", "unexpected 'a' at line 1, column 2"),
        (b"{'a':1}", 'unexpected "\'" at line 1, column 2'),
        (b"{1:2}", "unexpected '1' at line 1, column 2"),
        (b"{} {}", "unexpected '{' at line 1, column 4"),
        (b"{}\x00", "unexpected '\\x00' at line 1, column 3"),
        (b'{\n  "a": tru\n}', "unexpected 't' at line 2, column 8"),
        (b"True", "unexpected 'T' at line 1, column 1"),
        (b"undefined", "unexpected 'u' at line 1, column 1"),
        (b"nullx", "unexpected 'x' at line 1, column 5"),
        (b"title=a", "unexpected 't' at line 1, column 1"),
        (b"// x\n{}", "unexpected '/' at line 1, column 1"),
        (b'{"a":1 /* x */}', "unexpected '/' at line 1, column 8"),
        (b"01", "unexpected '1' at line 1, column 2"),
        (b"-01", "unexpected '1' at line 1, column 3"),
        (b"+1", "unexpected '+' at line 1, column 1"),
        (b".5", "unexpected '.' at line 1, column 1"),
        (b"1.", "unexpected '.' at line 1, column 2"),
        (b"1e", "unexpected 'e' at line 1, column 2"),
        (b"0x10", "unexpected 'x' at line 1, column 2"),
        (b"1_000", "unexpected '_' at line 1, column 2"),
        ("[٣]".encode(), "unexpected '\\u0663' at line 1, column 2"),
        (b"-", "unexpected '-' at line 1, column 1"),
        ("\xa0{}".encode(), "unexpected '\\xa0' at line 1, column 1"),
        (b"\x0c{}", "unexpected '\\x0c' at line 1, column 1"),
        ('{"é": "✓", x}'.encode(), "unexpected 'x' at line 1, column 12"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(body: bytes, message: str) -> None:
    with pytest.raises(NotJson) as refused:
        wire_json.decode(body)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'"a\nb"', "unexpected '\\n' at line 1, column 3"),
        (b'{"a":\n "x\ty"}', "unexpected '\\t' at line 2, column 4"),
        (b'"\x00"', "unexpected '\\x00' at line 1, column 2"),
        (b'"\x1f"', "unexpected '\\x1f' at line 1, column 2"),
        (rb'"\x"', "unexpected '\\\\' at line 1, column 2"),
        (rb'"\u12"', "unexpected 'u' at line 1, column 3"),
        (rb'"\u12 4"', "unexpected 'u' at line 1, column 3"),
        (rb'"\u+123"', "unexpected 'u' at line 1, column 3"),
        (rb'"\u1_23"', "unexpected 'u' at line 1, column 3"),
        (rb'"\U0001F600"', "unexpected '\\\\' at line 1, column 2"),
    ],
)
def test_a_string_has_no_control_characters_and_no_other_escapes(body: bytes, message: str) -> None:
    with pytest.raises(NotJson) as refused:
        wire_json.decode(body)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("body", "column"), [(b'"abc', 1), (b'{"a": "bc}', 7), (b'"abc\\"', 1), (b'{"a', 2), (b'"abc\\', 1)]
)
def test_a_string_without_its_end_is_refused_where_it_begins(body: bytes, column: int) -> None:
    with pytest.raises(NotJson, match=f"at line 1, column {column}$"):
        wire_json.decode(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (rb'"\ud800"', r"it has a lone surrogate \ud800 at line 1, column 2"),
        (rb'"\uDFFF"', r"it has a lone surrogate \uDFFF at line 1, column 2"),
        (rb'"\ude00\ud83d"', r"it has a lone surrogate \ude00 at line 1, column 2"),
        (rb'"\ud83d\ude00\ud83d"', r"it has a lone surrogate \ud83d at line 1, column 14"),
        (rb'"\ud83d\ud83d\ude00"', r"it has a lone surrogate \ud83d at line 1, column 2"),
        (rb'"\ud83d \ude00"', r"it has a lone surrogate \ud83d at line 1, column 2"),
        (b'{"a": 1,\n "\\ud800": 1}', r"it has a lone surrogate \ud800 at line 2, column 3"),
        (rb'{"a": "\ud800", "a": 1}', r"it has a lone surrogate \ud800 at line 1, column 8"),
        (rb'"\\\ud800"', r"it has a lone surrogate \ud800 at line 1, column 4"),
        (rb'"a\u0000b"', r"it has the character \u0000 at line 1, column 3"),
        (rb'{"\u0000": 1}', r"it has the character \u0000 at line 1, column 3"),
    ],
)
def test_a_lone_surrogate_and_u0000_are_refused_in_keys_and_values(body: bytes, message: str) -> None:
    with pytest.raises(NotJson) as refused:
        wire_json.decode(body)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"NaN", "it has NaN, which is not a JSON number"),
        (b'{"a": [Infinity]}', "it has Infinity, which is not a JSON number"),
        (b"-Infinity", "it has -Infinity, which is not a JSON number"),
        (b"1e309", OUTSIDE + "1e309"),
        (b"-1e400", OUTSIDE + "-1e400"),
        (b'{"a": 1.8e308}', OUTSIDE + "1.8e308"),
        (str(2**1024).encode(), OUTSIDE + str(2**1024)[:20]),
        (str(-(2**1024)).encode(), OUTSIDE + str(-(2**1024))[:20]),
        (b"1" * 4300, OUTSIDE + "1" * 20),
        (b"-" + b"1" * 4300, OUTSIDE + "-" + "1" * 19),
        (b"1" * 4301, "it has an integer of more than 4300 digits"),
        (b"-" + b"1" * 4301, "it has an integer of more than 4300 digits"),
        (b'{"a": ' + b"1" * 100_000 + b"}", "it has an integer of more than 4300 digits"),
    ],
)
def test_a_number_that_is_no_ieee_double_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(NotJson) as refused:
        wire_json.decode(body)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "body",
    [
        nested(64),
        b'{"a":' * 64 + b"1" + b"}" * 64,
        b"[" + b"[]," * 500 + b"{}]",
        b'["' + b"[{" * 500 + b'"]',
        b'["\\"' + b"[{" * 500 + b'"]',
        b'["\\\\","' + b"[" * 500 + b'\\\\"]',
        b'{"' + b"[" * 500 + b'": 1}',
    ],
)
def test_64_levels_are_read_and_brackets_in_strings_are_none(body: bytes) -> None:
    wire_json.decode(body)


@pytest.mark.parametrize(
    "body",
    [
        nested(65),
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b'[{"a":' * 33 + b"1" + b"}]" * 33,
        nested(100_000),
        b"[" * 100_000,
        b'{"a": "]]]]", "b": ' + nested(64) + b"}",
        b'["\\"]]"' + b"," + nested(64) + b"]",
        b'["\\\\",' + nested(64) + b',"\\\\"]',
    ],
)
def test_65_levels_are_refused(body: bytes) -> None:
    with pytest.raises(NotJson, match=r"^it has more than 64 levels of nesting$"):
        wire_json.decode(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\xef\xbb\xbf{}", "it begins with a byte order mark (U+FEFF): leave it out"),
        ("{}".encode("utf-16"), "it is in UTF-16 or UTF-32: write it in UTF-8"),
        (b"\xfe\xff\x00{", "it is in UTF-16: write it in UTF-8"),
        (gzip.compress(b"{}", mtime=0), "it is compressed with gzip: send it uncompressed"),
        (zlib.compress(b"{}"), "it is compressed with deflate: send it uncompressed"),
        (b"\x28\xb5\x2f\xfd\x00", "it is compressed with zstd: send it uncompressed"),
        ("{}".encode("utf-16-le"), "unexpected '\\x00' at line 1, column 2"),
        ("{}".encode("utf-16-be"), "unexpected '\\x00' at line 1, column 1"),
        ("{}".encode("utf-32"), "it is in UTF-16 or UTF-32: write it in UTF-8"),
        ("{}".encode("utf-32-be"), "unexpected '\\x00' at line 1, column 1"),
        ('{"a": "é"}'.encode("latin-1"), "it is not UTF-8 at byte 8"),
        (b'"\xc0\xaf"', "it is not UTF-8 at byte 2"),  # overlong
        (b'"\xed\xa0\x80"', "it is not UTF-8 at byte 2"),  # a surrogate
        (b'"\xf4\x90\x80\x80"', "it is not UTF-8 at byte 2"),  # past U+10FFFF
        (b'"\xe2\x9c', "it is not UTF-8 at byte 2"),  # cut off
        (b'"ab\xff"', "it is not UTF-8 at byte 4"),
    ],
)
def test_only_utf_8_without_a_mark_is_read(body: bytes, message: str) -> None:
    with pytest.raises(NotJson) as refused:
        wire_json.decode(body)
    assert str(refused.value) == message


def test_what_is_sent_is_compact_utf_8_in_the_order_of_its_keys() -> None:
    assert wire_json.encode({"b": "é😀", "a": [1, None, True]}) == '{"b":"é😀","a":[1,null,true]}'.encode()


DOCUMENTS = ('é\u2028\x00"\\', 3, -0.0, 1e16, 2**70, True, None, [], {}, {"a": [{"": (1, 2.5)}, {}], "b": ""})


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_what_is_sent_is_what_the_json_module_writes(document: object) -> None:
    """The encoder is one that the module does not document: see `formats/json.py`."""
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    assert wire_json.encode(document) == written.encode()


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_json_is_never_sent(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        wire_json.encode([number])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", '"a"'),
        ('a"\n\x1b', r'"a\"\n\u001b"'),
        ("é", '"é"'),
        ("x" * 80, f'"{"x" * 80}"'),
        ("x" * 81, f'"{"x" * 60}…{"x" * 10}"'),
    ],
)
def test_a_quoted_text_is_escaped_and_shortened_in_its_middle(text: str, expected: str) -> None:
    assert wire_json.quoted(text) == expected
