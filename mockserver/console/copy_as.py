"""Convert a journal entry to code that repeats the request, verifies it in a test, or makes it fail.

Requests may be hostile: each text is quoted for its language, and characters that are not printable are escaped.
Comments name the parts that the journal does not keep or that a language cannot send.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from mockserver.formats.json import Document
from mockserver.journal import matchers
from mockserver.journal.entries import MAX_BODY
from mockserver.journal.patterns import METHODS, listed
from mockserver.keys import KEY_HEADER

SANDBOX_KEY = "The key is the sandbox's: the journal does not keep the one that came"
KEPT_HEADERS = ("content-type", "prefer", "x-request-id")
JSON_TYPE = "application/json"

_WIDTH = 88
_UNREADABLE = "\ufffd"  # the replacement of bytes that are not UTF-8
_SAFE_INTEGER = 2**53 - 1  # beyond, JavaScript's numbers have gaps
_WITH_AN_ID = ("updateTask", "deleteTask")
DOT_SEGMENT = re.compile(r"(?<=/)\.{1,2}(?=/|\Z)")
NOT_BY_FETCH = ("CONNECT", "TRACE", "TRACK")  # WHATWG Fetch, section 2.2.1


class Copy(NamedTuple):
    """A text to copy: its id in the page, its name, the text, and its use."""

    id: str
    name: str
    text: str
    hint: str


class Request(NamedTuple):
    """A request to repeat: `body` has `json`, `text` or neither; `remarks` become comments."""

    method: str
    path: str
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    body: Document
    remarks: list[str]


class _Language(NamedTuple):
    """The literals of a language: null, false, true and texts; other values are the same in all languages."""

    constants: tuple[str, str, str]
    text: Callable[[str], str]


def copies(entry: Document, base_url: str, api_key: str) -> list[Copy]:
    """Every conversion of an entry."""
    return [
        Copy("curl", "curl", curl(entry, base_url, api_key), "For a shell: bash or zsh."),
        Copy("httpx", "Python httpx", python_httpx(entry, base_url, api_key), "Repeats the request from Python."),
        Copy("fetch", "JavaScript fetch", javascript_fetch(entry, base_url, api_key), "For a page's console, or Node."),
        Copy("verify", "pytest verification", verification(entry), "For a test with the fixture vambe_mock."),
        Copy("fault", "Fault rule", fault_rule(entry), "The body of POST /__admin/faults: the next like it fails."),
    ]


def curl(entry: Document, base_url: str, api_key: str) -> str:
    """A command for bash that repeats the request."""
    sent = parse_request(entry, api_key)
    body = body_text(sent.body)
    if body is not None and (sent.method == "HEAD" or "\0" in body):
        body = None
        nul = "it has a NUL, which no argument of a command can have"
        sent.remarks.append(f"The body is left out: {'curl sends none with HEAD' if sent.method == 'HEAD' else nul}")
    options = [*_curl_method(sent.method, body), *(["--path-as-is"] if DOT_SEGMENT.search(sent.path) else [])]
    parts = [" ".join(["curl", *options, _shell(base_url + target_of(sent))])]
    parts += [f"-H {_shell(f'{name}: {text}')}" for name, text in sent.headers.items()]
    if body is not None:
        parts += [] if "content-type" in sent.headers else ["-H 'content-type:'"]
        parts.append(f"--data-raw {_shell(body)}")
    return _commented("#", sent.remarks, " \\\n  ".join(parts))


def python_httpx(entry: Document, base_url: str, api_key: str) -> str:
    """Python code that repeats the request."""
    sent = parse_request(entry, api_key)
    # httpx removes dot segments from a path, unless they are percent-encoded.
    path = DOT_SEGMENT.sub(lambda found: "%2E" * len(found[0]), sent.path)
    as_json = "json" in sent.body and sent.body["json"] is not None and "content-type" in sent.headers
    implied = as_json and sent.headers["content-type"] == JSON_TYPE
    headers = {name: text for name, text in sent.headers.items() if not (implied and name == "content-type")}
    body = body_text(sent.body)
    call = _call(
        "httpx.request",
        [_PYTHON.text(sent.method), _PYTHON.text(base_url + path)],
        {"params": sent.query} if sent.query else {},
        {"headers": headers} if headers else {},
        {"json": sent.body["json"]} if as_json else {"content": body} if body is not None else {},
    )
    lines = f"import httpx\n\nresponse = {call}\nprint(response.status_code, response.text)"
    return _commented("#", sent.remarks, lines)


def javascript_fetch(entry: Document, base_url: str, api_key: str) -> str:
    """JavaScript code, for a module or a page's console, that repeats the request."""
    sent = parse_request(entry, api_key)
    body = sent.body
    if sent.method in NOT_BY_FETCH:
        return _commented("//", [*sent.remarks, f"fetch does not send {sent.method}"], "")
    if body and sent.method in ("GET", "HEAD"):
        body = {}
        sent.remarks.append(f"The body is left out: fetch sends none with {sent.method}")
    if DOT_SEGMENT.search(sent.path):
        sent.remarks.append("This is another path: in JavaScript no URL keeps the segments . and ..")
    options = [f"method: {_JAVASCRIPT.text(sent.method)}"]
    if sent.headers:
        options.append(f"headers: {_literal(sent.headers, _JAVASCRIPT, 1)}")
    if body:
        options.append(f"body: {_javascript_body(body, 'content-type' in sent.headers)}")
    url = _JAVASCRIPT.text(base_url + target_of(sent))
    listed = "".join(f"    {option},\n" for option in options)
    lines = (
        f"const response = await fetch({url}, {{\n{listed}}});\nconsole.log(response.status, await response.text());"
    )
    return _commented("//", sent.remarks, lines)


def verification(entry: Document) -> str:
    """A call for a test that verifies that the request was made once."""
    pattern = _pattern(entry)
    operation = pattern.pop("operation", None)
    positional = [] if operation is None else [_PYTHON.text(operation)]
    call = _call("vambe_mock.verify", positional, {"times": 1}, *({name: each} for name, each in pattern.items()))
    is_text = "length" not in entry["request"] and "text" in entry["request"]
    return _commented("#", ["The body was not JSON: no pattern can ask for it"] if is_text else _left_out(entry), call)


def fault_rule(entry: Document) -> str:
    """The fault rule, as JSON, for the next request like this one; empty when no fault can hit it."""
    if entry["operation"] is None:
        return ""
    return as_json({"match": _pattern(entry), "status": 503})


def as_json(value: Any) -> str:
    """Format a value as readable JSON: short parts on one line, characters that are not printable escaped."""
    return _literal(value, _JSON)


def parse_request(entry: Document, api_key: str) -> Request:
    """The request of an entry, with remarks about what the journal does not keep of it."""
    request = entry["request"]
    headers, remarks = _headers(request["headers"], api_key)
    body = {name: request[name] for name in ("json", "text") if name in request and "length" not in request}
    sent = [text for texts in request["query"].values() for text in listed(texts)]
    if any(_UNREADABLE in text for text in (request["path"], *request["query"], *sent, body.get("text", ""))):
        remarks.append(f"Bytes that were not UTF-8 are {_UNREADABLE} here")
    remarks += _left_out(entry)
    return Request(request["method"], quote(request["path"]), request["query"], headers, body, remarks)


def _headers(received: Mapping[str, str], api_key: str) -> tuple[dict[str, str], list[str]]:
    headers, remarks = {}, []
    if KEY_HEADER in received:
        headers[KEY_HEADER] = received[KEY_HEADER]
        if not _is_plain(received[KEY_HEADER]):  # such as …abcd, as the journal abbreviates a secret
            headers[KEY_HEADER] = api_key
            remarks.append(SANDBOX_KEY)
    for name in KEPT_HEADERS:
        if received.get(name) and _is_plain(received[name]):
            headers[name] = received[name]
        elif received.get(name):
            remarks.append(f"The header {name} is left out: it has characters beyond ASCII")
    return headers, remarks


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _left_out(entry: Document) -> list[str]:
    """A remark when the journal has only a part of the body, or none."""
    request = entry["request"]
    if "length" in request:
        size = "too many" if request["length"] is None else f"{request['length']:,}"
        return [f"The body is left out: it had {size} bytes, and the journal keeps {MAX_BODY:,}"]
    length = request["headers"].get("content-length", "").lstrip("0")
    if length.isdigit() and not {"json", "text"} & set(request):
        return [f"The body is left out: it had {int(length[:15]):,} bytes, which the mock did not read"]
    return []


def _pattern(entry: Document) -> Document:
    """The pattern of the request for verifications and fault rules."""
    request, operation = entry["request"], entry["operation"]
    pattern: Document = {} if operation is None else {"operation": operation}
    if operation is None and request["method"] in METHODS:
        pattern["method"] = request["method"]
    if operation is None or operation in _WITH_AN_ID:
        pattern["path"] = request["path"]
    if request["query"]:
        pattern["query"] = request["query"]
    if "json" in request:
        pattern["json"] = matchers.literal(request["json"])
    return pattern


def target_of(sent: Request) -> str:
    """The path and the query, percent-encoded."""
    query = urlencode(sent.query, doseq=True, quote_via=quote)
    return f"{sent.path}?{query}" if query else sent.path


def body_text(body: Document) -> str | None:
    """The body as text; None if there is none."""
    if "json" in body:
        return as_json(body["json"])
    text: str | None = body.get("text")
    return text


def _curl_method(method: str, body: str | None) -> list[str]:
    if method == "HEAD":
        return ["--head"]
    implied = "GET" if body is None else "POST"
    return [] if method == implied else [f"-X {method if method.isalpha() else _shell(method)}"]


def _javascript_body(body: Document, typed: bool) -> str:
    if typed and "json" in body and _survives_javascript(body["json"]):
        return f"JSON.stringify({_literal(body['json'], _JAVASCRIPT, 1)})"
    text = _JAVASCRIPT.text(body_text(body) or "")
    # For a text, fetch would add a content type.
    return text if typed else f"new TextEncoder().encode({text})"


def _survives_javascript(value: Any) -> bool:
    """Test for a value that JavaScript reads and writes unchanged."""
    if isinstance(value, dict):
        moved = any(key.isascii() and key.isdigit() for key in value)  # JavaScript moves integer keys to the front
        return not moved and "__proto__" not in value and all(map(_survives_javascript, value.values()))
    if isinstance(value, list):
        return all(map(_survives_javascript, value))
    if isinstance(value, float):
        return not value.is_integer()
    return not isinstance(value, int) or abs(value) <= _SAFE_INTEGER


def _commented(mark: str, remarks: Iterable[str], text: str) -> str:
    return "\n".join([*(f"{mark} {remark}." for remark in remarks), *([text] if text else [])])


def _call(function: str, positional: list[str], *named: Mapping[str, Any]) -> str:
    """Format a call in Python, on one line when it fits."""
    pairs = [pair for each in named for pair in each.items()]
    for depth, opening, between, closing in ((0, "(", ", ", ")"), (1, "(\n    ", ",\n    ", ",\n)")):
        arguments = [*positional, *(f"{name}={_literal(value, _PYTHON, depth)}" for name, value in pairs)]
        call = f"{function}{opening}{between.join(arguments)}{closing}"
        if depth or (len(call) <= _WIDTH and "\n" not in call):
            break
    return call


def _literal(value: Any, language: _Language, depth: int = 0) -> str:
    """Format a JSON value in a language, on one line when it fits."""
    if isinstance(value, str):
        return language.text(value)
    if value is None or isinstance(value, bool):
        return language.constants[0 if value is None else 1 + value]
    if not isinstance(value, list | dict):
        return json.dumps(value)
    if isinstance(value, dict):
        opening, closing = "{}"
        parts = [f"{language.text(key)}: {_literal(each, language, depth + 1)}" for key, each in value.items()]
    else:
        opening, closing = "[]"
        parts = [_literal(each, language, depth + 1) for each in value]
    line = f"{opening}{', '.join(parts)}{closing}"
    if not parts or (len(line) + 4 * depth <= _WIDTH and "\n" not in line):
        return line
    indent = "    " * depth
    inner = f",\n{indent}    ".join(parts)
    return f"{opening}\n{indent}    {inner}\n{indent}{closing}"


def _shell(text: str) -> str:
    """Quote a text as one word of bash; characters that are not printable become escaped bytes."""
    if all(character.isprintable() or character == "\n" for character in text):
        return "'" + text.replace("'", r"'\''") + "'"
    return "$'" + "".join(map(_shell_character, text)) + "'"


def _shell_character(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


def _text(text: str, escape: Callable[[str], str] = json.dumps) -> str:
    """Quote a text as JSON; `escape` quotes a character that is not printable."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isprintable() else "".join(c if c.isprintable() else escape(c)[1:-1] for c in quoted)


def _javascript_text(text: str) -> str:
    """Quote a text such that it cannot end the script element that it is pasted into."""
    return _text(text).replace("</", r"<\/").replace("<!--", r"<\!--")


_JSON = _Language(("null", "false", "true"), _text)
_JAVASCRIPT = _Language(("null", "false", "true"), _javascript_text)
_PYTHON = _Language(("None", "False", "True"), partial(_text, escape=ascii))
