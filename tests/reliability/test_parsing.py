"""JSON texts in bodies, wherever they stand: what RFC 8259 allows is read, all else is a 400 that writes nothing.

Where the RFC leaves it to the reader, the contract decides (section 1). `test_wire.py` has the words of the refusals,
and `test_bad_inputs.py` whole requests; here every text stands in every place, of both operations that take a body.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import MARIA, Api, assert_error

from reliability.processes import TASKS

NOT_JSON = "The body is not valid JSON: "
FIELDS = b'"title": "Call", "responsibleIds": ["%s"], "priority": "1"' % MARIA.encode()
# Where a text stands: as the whole body, as a value that nothing reads, deep in one, and as a field's value.
WHOLE = b"@"
UNREAD = b'{"extra": @, ' + FIELDS + b"}"
LAST = b"{" + FIELDS + b', "extra": @}'
DEEP = b"{" + FIELDS + b', "extra": [0, {"a": [@, 0]}, 0]}'
TITLE = b'{"priority": "1", "title": @, "responsibleIds": ["%s"]}' % MARIA.encode()
KEY = b"{" + FIELDS + b", @: 1}"

READ = [
    # Numbers
    b"0",
    b"-0",
    b"-0.0",
    b"0e0",
    b"0E-9",
    b"-1",
    b"10",
    b"1.50",
    b"20e1",
    b"1E2",
    b"1e+2",
    b"1e-2",
    b"1e007",
    b"-0.000000000000000000000000000000000000001",
    b"1e-400",  # too small for a double: 0
    b"5e-324",
    b"1.7976931348623157e308",
    b"0." + b"3" * 5_000,
    b"1" + b"0" * 308,
    b"-" + b"9" * 300,
    b"9007199254740993",
    # Literals
    b"true",
    b"false",
    b"null",
    # Strings
    b'""',
    b'" "',
    b'"\x7f"',
    rb'"\"\\\/\b\f\n\r\t"',
    rb'"\u0001\u001F\u00e9\u00E9"',
    rb'"\ud834\udd1e"',
    rb'"\uDBFF\uDFFF"',
    rb'"\uFFFE\uffff\u2028\u2029\u200b"',
    rb'"\\u0000"',
    rb'"\\\\ud800"',
    rb'"a\\"',
    '"\u0080\u2028\u2029\ufeff\ufffe\U0010ffff"'.encode(),
    '"e\u0301 é ß İ ı ﬁ"'.encode(),
    b'"[{]}:,//#"',
    b'"' + b"x" * 20_000 + b'"',
    b'"' + b"\\u00e9" * 3_000 + b'"',
    # Structures
    b"[]",
    b"{}",
    b"[ ]",
    b"{ }",
    b"[[], {}, [{}]]",
    b'[1, "a", null, true, [], {}]',
    b'{"a": {"b": {"c": []}}}',
    b'{"": 0}',
    b'{"a": 1, "a": 2, "a": 3}',
    b'{"a": 1, "a": {"a": []}}',
    rb'{"a": 1, "\u0061": 2}',
    b'{"__proto__": {}, "constructor": [], "title": 5}',
    b"[" + b"0," * 5_000 + b"0]",
    b"{" + b",".join(b'"k%d": %d' % (number, number) for number in range(2_000)) + b"}",
    b"[" * 58 + b"]" * 58,
    b'{"a": ' * 58 + b"0" + b"}" * 58,
    b" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n",
    b'\r\n{\n"a"\r:\t1\r}\n',
]
REFUSED = [
    # Numbers
    b"+1",
    b"++1",
    b"-",
    b"--1",
    b"- 1",
    b"-+1",
    b"01",
    b"-01",
    b"00",
    b"-00.5",
    b"1_000",
    b"1,000.5e",
    b".5",
    b"-.5",
    b"1.",
    b"1.e2",
    b"1..2",
    b"1.2.3",
    b"1e",
    b"1e+",
    b"1e-",
    b"1ee2",
    b"1e2.5",
    b"0x1F",
    b"0b1",
    b"0o7",
    b"1f",
    b"1n",
    b"1 000",
    b"1e400",
    b"-1e400",
    b"1.8e308",
    b"2" + b"0" * 308,
    b"9" * 4_301,
    b"NaN",
    b"-NaN",
    b"nan",
    b"Infinity",
    b"-Infinity",
    b"+Infinity",
    b"inf",
    "１".encode(),
    "٣".encode(),
    "½".encode(),
    "−1".encode(),
    # Literals
    b"True",
    b"FALSE",
    b"nul",
    b"nulll",
    b"tru e",
    b"None",
    b"undefined",
    b"yes",
    b"a",
    # Strings
    b'"',
    b'"a',
    b'a"',
    b"'a'",
    b"`a`",
    "“a”".encode(),
    b'"a" "b"',
    b'"a"b',
    b'"a\nb"',
    b'"a\rb"',
    b'"a\tb"',
    b'"\x00"',
    b'"\x1f"',
    b'"\x08"',
    rb'"\a"',
    rb'"\v"',
    rb'"\0"',
    rb'"\e"',
    rb'"\x41"',
    rb'"\'"',
    b'"\\\n"',
    b'"\\\x00"',
    '"\\é"'.encode(),
    rb'"\U00000041"',
    rb'"\u"',
    rb'"\u00"',
    rb'"\u00e"',
    rb'"\u00eg"',
    rb'"\u 0e9"',
    rb'"\u+0e9"',
    rb'"\u0x41"',
    rb'"\u{41}"',
    rb'"\ud800"',
    rb'"\udc00"',
    rb'"\uD800\uD800"',
    rb'"\uDC00\uD800"',
    rb'"\ud800\n"',
    rb'"\ud800\u0041"',
    rb'"\ud800abc\udc00"',
    rb'"\u0000"',
    rb'"a\u0000b"',
    b'"\\',
    b'"\\"',
    # Bytes that are no UTF-8
    b'"\xff"',
    b'"\x80"',
    b'"\xe9"',
    b'"\xc0\x80"',
    b'"\xc1\xbf"',
    b'"\xe0\x80\xaf"',
    b'"\xf0\x80\x80\xaf"',
    b'"\xfc\x80\x80\x80\x80\xaf"',
    b'"\xed\xa0\x80"',
    b'"\xed\xa0\xbd\xed\xb8\x80"',
    b'"\xf4\x90\x80\x80"',
    b'"\xe2\x82"',
    b'"\xf0\x9f\x98"',
    b"\xff",
    b"\xfe\xff",
    # Structures
    b"[1,]",
    b"[1,,2]",
    b"[,1]",
    b"[,]",
    b"[1 2]",
    b"[1;2]",
    b"[1:2]",
    b"[",
    b"]",
    b"[1",
    b"[1,",
    b"[1}",
    b"[[1]",
    b"[1]]",
    b"(1)",
    b'["a": 1]',
    b"{",
    b"}",
    b'{"a"',
    b'{"a":',
    b'{"a": 1',
    b'{"a": 1,',
    b'{"a": 1]',
    b'{"a"}',
    b'{"a": }',
    b'{"a": 1,}',
    b'{"a": 1,, "b": 2}',
    b'{, "a": 1}',
    b'{"a" 1}',
    b'{"a" = 1}',
    b'{"a"; 1}',
    b'{"a":: 1}',
    b'{"a": 1 "b": 2}',
    b'{"a": 1: 2}',
    b"{a: 1}",
    b"{'a': 1}",
    b"{1: 1}",
    b"{null: 1}",
    b"{[]: 1}",
    b'{"a": 1}}',
    b'{"a": 1}#',
    b"{} {}",
    b"1 // one",
    b"/* one */ 1",
    b"1 # one",
    b"<!-- one --> 1",
    b"",
    b" ",
    b"\r\n\t ",
    b"\x0c1",
    b"\x0b1",
    b"1\x1e",
    b"1\x00",
    "\u00a01".encode(),
    "1\u2028".encode(),
    "\u30001".encode(),
    "\u200b1".encode(),
    "\ufeff1".encode(),
    "1\u0085".encode(),
    b"[" * 65 + b"]" * 65,
    b'{"a":' * 65 + b"0" + b"}" * 65,
    b"[" * 100_000 + b"]" * 100_000,
    b"[" * 100_000,
    b"]" * 100_000,
    b'{"a":' * 100_000 + b"0" + b"}" * 100_000,
    b'{"a":' * 100_000,
    b"{" * 100_000,
    b'[{"a":' * 50_000,
]


def _id(text: bytes) -> str:
    shown = ascii(text.decode("utf-8", "backslashreplace"))[1:-1]
    return shown if len(shown) <= 40 else f"{shown[:20]}... of {len(text)} bytes"


def placed(place: bytes, text: bytes) -> bytes:
    return place.replace(b"@", text)


@pytest.fixture
def task(api: Api) -> Iterator[dict[str, Any]]:
    """A task to change, which must stay as it is."""
    yield api.created(title="as it was")


def sent(api: Api, task: dict[str, Any], body: bytes) -> Iterator[tuple[str, httpx.Response]]:
    """The answers of both operations that take a body."""
    for method, path in (("POST", TASKS), ("PUT", f"{TASKS}/{task['id']}")):
        headers = {"content-type": "application/json"}
        yield method, api.client.request(method, path, content=body, headers=headers)


@pytest.mark.parametrize("text", READ, ids=_id)
def test_what_json_allows_is_read_wherever_it_stands(text: bytes, api: Api, task: dict[str, Any]) -> None:
    value = json.loads(text)
    places = [UNREAD, LAST, DEEP] + ([KEY] if isinstance(value, str) else [])
    for place in places:
        for method, response in sent(api, task, placed(place, text)):
            assert response.status_code == (201 if method == "POST" else 200), response.text
    for _, response in sent(api, task, placed(TITLE, text)):
        if isinstance(value, str) and value:
            assert response.json()["title"] == value
        else:
            assert [problem["path"] for problem in assert_error(response, 400)["errors"]] == [["title"]]
    for method, response in sent(api, task, placed(WHOLE, text)):
        if isinstance(value, list):
            (problem,) = assert_error(response, 400)["errors"]
            assert (problem["expected"], problem["path"]) == ("object", [])
        elif not isinstance(value, dict):
            assert assert_error(response, 400)["message"].startswith("The body must be a JSON object, not ")
        elif method == "POST" or "title" in value:
            assert assert_error(response, 400)["errors"]
        else:
            assert response.status_code == 200


@pytest.mark.parametrize("text", REFUSED, ids=_id)
def test_what_is_no_json_is_refused_wherever_it_stands_and_writes_nothing(
    text: bytes, api: Api, task: dict[str, Any]
) -> None:
    for place in (WHOLE, UNREAD, LAST, DEEP, TITLE, KEY):
        for method, response in sent(api, task, placed(place, text)):
            if text or place != WHOLE:  # an empty body is `{}`
                body = assert_error(response, 400)
                assert body["message"].startswith(NOT_JSON), body
                assert "errors" not in body
            elif method == "POST":
                assert assert_error(response, 400)["errors"]
            else:
                assert response.json() == task
    assert api.listed() == [task]


BODY = placed(UNREAD, '["é", -1.5e3, {"a\\u00e9": null}]'.encode())


@pytest.mark.parametrize(
    "encoding",
    ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1", "cp037"],
)
def test_no_other_encoding_is_read_even_if_the_header_names_it(encoding: str, api: Api, task: dict[str, Any]) -> None:
    body = BODY.decode().encode(encoding)
    unnamed = api.client.post(TASKS, content=body, headers={"content-type": "application/json"})
    assert assert_error(unnamed, 400)["message"].startswith(NOT_JSON)
    named = api.client.post(TASKS, content=body, headers={"content-type": f"application/json; charset={encoding}"})
    assert_error(named, 415, f'unsupported charset "{encoding.upper()}"')
    assert api.listed() == [task]


def test_no_beginning_of_a_body_is_taken_for_the_whole(api: Api, task: dict[str, Any]) -> None:
    for length in range(1, len(BODY)):
        for _, response in sent(api, task, BODY[:length]):
            assert assert_error(response, 400)["message"].startswith(NOT_JSON)
    assert api.listed() == [task]
    assert [response.status_code for _, response in sent(api, task, BODY)] == [201, 200]


HOSTILE = b'\x00\n"\\[]{},:0-eE.u\x7f\x80\xc3\xff'


@pytest.mark.parametrize("bytes_", [HOSTILE[::5], pytest.param(bytes(range(256)), marks=pytest.mark.slow)], ids=len)
def test_a_byte_put_in_place_of_another_is_read_as_another_parser_reads_it(bytes_: bytes, api: Api) -> None:
    """Each byte in each place: never a 5xx, and what is no JSON to Python is none here."""
    created = 0
    for place in range(len(BODY)):
        for byte in bytes_:
            body = BODY[:place] + bytes([byte]) + BODY[place + 1 :]
            response = api.client.post(TASKS, content=body, headers={"content-type": "application/json"})
            if response.status_code == 201:
                created += 1
            elif response.status_code != 404:  # for the id of another user
                assert_error(response, 400)
            assert response.text.startswith(f'{{"message":"{NOT_JSON}') != _is_json(body), body
        if created > 200:
            api.client.post("/__admin/reset", json={"only": ["tasks", "journal"]})
            created = 0
    assert len(api.listed()) == created


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body.decode("utf-8"), parse_constant=int)
    except ValueError:
        return False
    return True
