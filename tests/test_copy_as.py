"""Copy as: the texts are executed, and what then comes is compared with the request that they were made from."""

from __future__ import annotations

import ast
import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import ALL_TIME, CONTACT, MARIA, UNKNOWN_ID, Api, plain_environment

from mockserver.client.client import Client
from mockserver.console import copy_as
from mockserver.testing import VambeMock

TASKS = "/api/public/tasks"
TYPE = {"content-type": "application/json"}
KEPT = ("x-api-key", "content-type", "prefer", "x-request-id")
NODE = shutil.which("node")
NASTY = (
    "'\"`$(touch x)${HOME}\\!#%*?[]{}~;&|<>\n\r\t\x01\x1b\x7f\u00a0\u2028\u202e\ufeff\U000e0001"
    " é 👩‍💻 שלום </script><!--"
)
TASK = {"title": "Call", "responsibleIds": [MARIA], "priority": "1"}

# Method, path as it is sent, headers beside the key, body.
HOSTILE: dict[str, tuple[str, str, dict[str, str], bytes]] = {
    "a task": ("POST", TASKS, TYPE, json.dumps(TASK).encode()),
    "a nasty title": ("POST", TASKS, TYPE, json.dumps({**TASK, "title": NASTY}).encode()),
    "keys that are numbers": ("POST", TASKS, TYPE, b'{"b": {"2": 1, "": 2, "1": 3}, "10": 4}'),
    "a nasty key": ("POST", TASKS, TYPE, json.dumps({NASTY: NASTY, "__proto__": {"a": [None, True, False]}}).encode()),
    "numbers": (
        "POST",
        TASKS,
        TYPE,
        b'{"a": 1.0, "b": -0.0, "c": 1e300, "d": 0.1, "e": []}',
    ),
    "a big number": ("POST", TASKS, TYPE, b'{"a": [12345678901234567890, -9007199254740993]}'),
    "a long list": ("POST", TASKS, TYPE, json.dumps({"responsibleIds": [MARIA] * 30, "deep": [[[{}]]]}).encode()),
    "null": ("POST", TASKS, TYPE, b"null"),
    "a string": ("POST", TASKS, TYPE, b'"@/etc/passwd"'),
    "text": ("POST", TASKS, {"content-type": "text/plain"}, f"@{NASTY}\r\n".encode()),
    "text that ends in a newline": ("POST", TASKS, TYPE, b"'{not json\n"),
    "json without a type": ("POST", TASKS, {}, json.dumps(TASK).encode()),
    "text without a type": ("PUT", f"{TASKS}/{UNKNOWN_ID}", {}, b"title=x&y=z"),
    "a type with a parameter": ("POST", TASKS, {"content-type": "Application/JSON; charset=utf-8"}, b'{"title": 1}'),
    "a type and nothing of it": ("POST", TASKS, TYPE, b""),
    "headers": ("POST", TASKS, {**TYPE, "prefer": "code=404", "x-request-id": "a'b\"c$(d)`e`\\n"}, b'{"a": "b"}'),
    "an update": ("PUT", f"{TASKS}/{UNKNOWN_ID}", TYPE, b'{"title": "x"}'),
    "a deletion": ("DELETE", f"{TASKS}/{UNKNOWN_ID}", {}, b""),
    "a list": (
        "GET",
        f"{TASKS}?responsibleIds={MARIA}&responsibleIds={UNKNOWN_ID}&fromDate=&toDate=2026-01-01",
        {},
        b"",
    ),
    "a nasty query": ("GET", f"{TASKS}?{quote(NASTY)}={quote(NASTY)}&=x&y&z=%2B+%26%3D", {}, b""),
    "a nasty path": ("PATCH", f"/api/public/{quote(NASTY)}", {}, b""),
    "a path with * and //": ("GET", "/api/public//tasks/*/x%2Fy/%25", {}, b""),
    "a method of its own": ("FROB", TASKS, {}, b""),
    "a head": ("HEAD", f"{TASKS}?fromDate=x", {}, b""),
}
DOTS = ("GET", "/api/public/../x/./y/..", {}, b"")
A_BODY_WHERE_FETCH_SENDS_NONE = ("GET", TASKS, TYPE, b'{"a": 1}')


class Sandbox:
    """A sandbox, its journal, and whoever executes a text on it."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self.folder = folder

    def entry_of(self, method: str, target: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """The journal's entry for a request that is sent exactly as it is said."""
        with contextlib.closing(http.client.HTTPConnection(urlsplit(self.api.url).netloc, timeout=10)) as connection:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, text in {"x-api-key": self.api.key, **headers, "content-length": str(len(body))}.items():
                connection.putheader(name, text)
            connection.endheaders(body)
            answer = connection.getresponse()
            answer.read()
            return self.api.client.get(f"/__admin/requests/{answer.headers['X-Mock-Request-Id']}").json()

    def after(self, id: int) -> list[dict[str, Any]]:
        """The entries after the one with that id."""
        entries: list[dict[str, Any]] = self.api.client.get("/__admin/requests", params={"since": id}).json()[
            "requests"
        ]
        return entries

    def copies(self, entry: dict[str, Any]) -> dict[str, str]:
        return {copy.id: copy.text for copy in copy_as.copies(entry, self.api.url, self.api.key)}

    def executed(self, language: str, entry: dict[str, Any]) -> dict[str, Any]:
        """The journal entry that executing the text makes."""
        self.run(language, [self.copies(entry)[language]])
        (again,) = self.after(entry["id"])
        return again

    def run(self, language: str, texts: list[str]) -> None:
        """Execute texts, one after another, in one process."""
        if language == "curl":
            self._run("bash", "-c", "\n".join(['set -e; curl() { command curl -sS "$@"; }', *texts]))
        elif language == "httpx":
            self._run(sys.executable, "-c", "\n".join(texts))
        else:
            assert NODE, "there is no Node: install it, for example by `apt-get install nodejs`"
            self._run(NODE, "--input-type=module", "-e", "\n".join(f"{{\n{text}\n}}" for text in texts))

    def _run(self, *command: str) -> None:
        environment = {name: text for name, text in plain_environment().items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            command, cwd=self.folder, env={**environment, "LC_ALL": "C"}, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert not list(self.folder.iterdir())


@pytest.fixture
def sandbox(api: Api, tmp_path: Path) -> Sandbox:
    return Sandbox(api, tmp_path)


def essence(entry: dict[str, Any]) -> dict[str, Any]:
    """The parts of a request that must be the same when it is repeated; values of JSON with their types."""
    request = entry["request"]
    headers = {name: request["headers"].get(name) for name in KEPT}
    body = {name: repr(request[name]) for name in ("json", "text") if name in request}
    return {**{name: request[name] for name in ("method", "path", "query")}, "headers": headers, **body}


needs_node = pytest.mark.skipif(
    not NODE and not os.environ.get("CI"), reason="Node is not installed: JavaScript is not tried"
)
LANGUAGES = ["curl", "httpx", pytest.param("fetch", marks=needs_node)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HOSTILE)
def test_the_same_request_comes_when_the_text_is_executed(sandbox: Sandbox, language: str, name: str) -> None:
    entry = sandbox.entry_of(*HOSTILE[name])
    assert essence(sandbox.executed(language, entry)) == essence(entry)


@pytest.mark.parametrize("language", ["curl", "httpx"])
def test_a_path_with_dots_stays_as_it_is(sandbox: Sandbox, language: str) -> None:
    entry = sandbox.entry_of(*DOTS)
    assert essence(sandbox.executed(language, entry)) == essence(entry)


def test_javascript_says_that_it_cannot_send_dots(sandbox: Sandbox) -> None:
    assert "another path" in sandbox.copies(sandbox.entry_of(*DOTS))["fetch"]


@pytest.mark.parametrize("language", ["curl", "httpx"])
def test_a_body_is_sent_with_get(sandbox: Sandbox, language: str) -> None:
    entry = sandbox.entry_of(*A_BODY_WHERE_FETCH_SENDS_NONE)
    assert essence(sandbox.executed(language, entry)) == essence(entry)


@pytest.mark.parametrize(
    ("language", "sent"),
    [
        pytest.param("fetch", A_BODY_WHERE_FETCH_SENDS_NONE, marks=needs_node),
        ("curl", ("HEAD", TASKS, TYPE, b'{"a": 1}')),
        ("curl", ("POST", TASKS, TYPE, b'{"a": \0}')),
    ],
)
def test_a_body_that_a_tool_cannot_send_is_left_out_and_that_is_said(
    sandbox: Sandbox, language: str, sent: tuple[str, str, dict[str, str], bytes]
) -> None:
    entry = sandbox.entry_of(*sent)
    assert "The body is left out" in sandbox.copies(entry)[language]
    again = sandbox.executed(language, entry)
    assert essence(again) == {name: each for name, each in essence(entry).items() if name not in ("json", "text")}


@pytest.mark.parametrize("language", ["httpx", pytest.param("fetch", marks=needs_node)])
def test_a_body_with_a_nul_is_sent_where_that_can_be(sandbox: Sandbox, language: str) -> None:
    entry = sandbox.entry_of("POST", TASKS, TYPE, b'{"a": \0}')
    assert essence(sandbox.executed(language, entry)) == essence(entry)


# Any strings at all: many requests to one process.

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, str], bytes]:
    path = draw(TEXTS).replace(".", "")
    query = draw(st.lists(st.tuples(TEXTS, TEXTS), max_size=3))
    target = f"{TASKS}/{quote(path)}?" + "&".join(f"{quote(name)}={quote(text)}" for name, text in query)
    body = draw(VALUES.map(json.dumps) | TEXTS)
    return draw(st.sampled_from(["POST", "PUT", "PATCH"])), target, draw(st.sampled_from([TYPE, {}])), body.encode()


@pytest.mark.parametrize("examples", [5, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_any_request_comes_again_as_it_was(sandbox: Sandbox, language: str, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(requests(), min_size=1, max_size=8))
    def tried(sent: list[tuple[str, str, dict[str, str], bytes]]) -> None:
        entries = [sandbox.entry_of(*each) for each in sent]
        texts = [sandbox.copies(entry)[language] for entry in entries]
        sandbox.run(language, texts)
        again = sandbox.after(entries[-1]["id"])
        assert [essence(entry) for entry in again] == [essence(entry) for entry in entries]

    tried()


# What a text says, and what it leaves out.


@pytest.fixture
def entry(api: Api) -> dict[str, Any]:
    """The entry of an ordinary request."""
    response = api.client.post(TASKS, json={"title": "Call", "responsibleIds": [MARIA], "priority": "1"})
    found: dict[str, Any] = api.client.get(f"/__admin/requests/{response.headers['X-Mock-Request-Id']}").json()
    found["request"]["headers"]["x-api-key"] = "test_default"
    return found


def test_the_texts_are_those_that_a_person_would_write(entry: dict[str, Any]) -> None:
    texts = {copy.id: copy.text for copy in copy_as.copies(entry, "http://127.0.0.1:4010", "test_default")}
    body = f'{{"title": "Call", "responsibleIds": ["{MARIA}"], "priority": "1"}}'
    outer = f'{{\n    "title": "Call",\n    "responsibleIds": ["{MARIA}"],\n    "priority": "1"\n}}'
    spread = f'{{\n        "title": "Call",\n        "responsibleIds": ["{MARIA}"],\n        "priority": "1"\n    }}'
    assert texts["curl"] == (
        "curl 'http://127.0.0.1:4010/api/public/tasks' \\\n"
        "  -H 'x-api-key: test_default' \\\n"
        "  -H 'content-type: application/json' \\\n"
        f"  --data-raw '{outer}'"
    )
    assert texts["httpx"] == (
        "import httpx\n"
        "\n"
        "response = httpx.request(\n"
        '    "POST",\n'
        '    "http://127.0.0.1:4010/api/public/tasks",\n'
        '    headers={"x-api-key": "test_default"},\n'
        f"    json={spread},\n"
        ")\n"
        "print(response.status_code, response.text)"
    )
    assert texts["fetch"] == (
        'const response = await fetch("http://127.0.0.1:4010/api/public/tasks", {\n'
        '    method: "POST",\n'
        '    headers: {"x-api-key": "test_default", "content-type": "application/json"},\n'
        f"    body: JSON.stringify({spread}),\n"
        "});\n"
        "console.log(response.status, await response.text());"
    )
    assert texts["verify"] == f'vambe_mock.verify(\n    "createTask",\n    times=1,\n    json={spread},\n)'
    assert json.loads(texts["fault"]) == {"match": {"operation": "createTask", "json": json.loads(body)}, "status": 503}


def test_a_short_verification_is_one_line(sandbox: Sandbox) -> None:
    entry = sandbox.entry_of("POST", TASKS, TYPE, b'{"title": "x"}')
    assert copy_as.verification(entry) == 'vambe_mock.verify("createTask", times=1, json={"title": "x"})'


@pytest.mark.parametrize("id", ["curl", "httpx", "fetch"])
def test_what_the_client_and_the_connection_add_is_left_out(entry: dict[str, Any], id: str) -> None:
    entry["request"]["headers"] |= {"te": "trailers", "cookie": "…abcd", "authorization": "…efgh"}
    text = {copy.id: copy.text for copy in copy_as.copies(entry, "http://x", "test_default")}[id]
    for name in ("user-agent", "accept", "connection", "host", "content-length", "te:", "cookie", "authorization"):
        assert name in entry["request"]["headers"] or name == "te:"
        assert name not in text.lower()


@pytest.mark.parametrize("key", ["…abcd", "…"])
@pytest.mark.parametrize("id", ["curl", "httpx", "fetch"])
def test_a_key_that_is_not_kept_is_the_sandboxs(entry: dict[str, Any], id: str, key: str) -> None:
    entry["request"]["headers"]["x-api-key"] = key
    text = {copy.id: copy.text for copy in copy_as.copies(entry, "http://x", "test_mine")}[id]
    assert "test_mine" in text
    assert key not in text
    assert "The key is the sandbox's" in text


@pytest.mark.parametrize("id", ["curl", "httpx", "fetch"])
def test_a_request_without_a_key_is_made_without_one(entry: dict[str, Any], id: str) -> None:
    del entry["request"]["headers"]["x-api-key"]
    assert "key" not in {copy.id: copy.text for copy in copy_as.copies(entry, "http://x", "test_mine")}[id]


@pytest.mark.parametrize(
    ("size", "said"), [(70_000, "70,027 bytes, and the journal keeps 65,536"), (1_100_000, "1,100,027 bytes")]
)
def test_a_body_that_the_journal_does_not_have_is_left_out_and_that_is_said(
    sandbox: Sandbox, size: int, said: str
) -> None:
    body = json.dumps({"title": "long" + "x" * size, "a": "b"}).encode()
    texts = sandbox.copies(sandbox.entry_of("POST", TASKS, TYPE, body))
    for id in ("curl", "httpx", "fetch", "verify"):
        assert said in texts[id]
        assert "xxxx" not in texts[id]
    assert json.loads(texts["fault"]) == {"match": {"operation": "createTask"}, "status": 503}


def test_bytes_that_were_no_utf_8_are_told(sandbox: Sandbox) -> None:
    texts = sandbox.copies(sandbox.entry_of("POST", TASKS, TYPE, b'{"a": "\xff"}'))
    assert all("Bytes that were not UTF-8" in texts[id] for id in ("curl", "httpx", "fetch"))


def test_a_header_that_is_not_ascii_is_left_out_and_that_is_said(entry: dict[str, Any]) -> None:
    entry["request"]["headers"]["x-request-id"] = "é"
    text = copy_as.curl(entry, "http://x", "test_default")
    assert "x-request-id:" not in text
    assert "The header x-request-id is left out" in text


def test_nothing_ends_the_script_that_a_text_is_pasted_into(sandbox: Sandbox) -> None:
    text = sandbox.copies(sandbox.entry_of(*HOSTILE["a nasty title"]))["fetch"]
    assert "script>" in text
    assert "</" not in text
    assert "<!--" not in text


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_has_a_character_that_does_not_show(sandbox: Sandbox, name: str) -> None:
    for text in sandbox.copies(sandbox.entry_of(*HOSTILE[name])).values():
        assert text.replace("\n", "").isprintable()


def test_what_fetch_refuses_to_send_is_said(entry: dict[str, Any]) -> None:
    entry["request"]["method"] = "TRACE"
    assert copy_as.javascript_fetch(entry, "http://x", "test_default") == "// fetch does not send TRACE."


# In a test, and as a fault.


def verified(api: Api, text: str) -> None:
    """Execute a verification in a test's place."""
    mock = VambeMock(
        Client(api.url, sandbox=api.key.removeprefix("test_")), api.key.removeprefix("test_"), api.key, dict
    )
    exec(compile(text, "a test", "exec"), {"vambe_mock": mock})


@pytest.mark.parametrize("name", HOSTILE)
def test_a_verification_passes_for_what_came_once_and_not_for_twice(sandbox: Sandbox, name: str) -> None:
    text = copy_as.verification(sandbox.entry_of(*HOSTILE[name]))
    verified(sandbox.api, text)
    sandbox.entry_of(*HOSTILE[name])
    with pytest.raises(AssertionError):
        verified(sandbox.api, text)


DISTINGUISHED = [
    "a task",
    "a nasty title",
    "a nasty key",
    "numbers",
    "an update",
    "a deletion",
    "a list",
    "a nasty query",
]


def others(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The entries of ordinary requests of every operation."""
    id = sandbox.api.created(aiContactId=CONTACT)["id"]
    sent = [
        ("POST", TASKS, TYPE, json.dumps({**TASK, "title": "Other"}).encode()),
        ("PUT", f"{TASKS}/{id}", TYPE, b'{"title": "y"}'),
        ("GET", f"{TASKS}?" + "&".join(f"{name}={text}" for name, text in ALL_TIME.items()), {}, b""),
        ("DELETE", f"{TASKS}/{id}", {}, b""),
        ("GET", "/api/public/team-members/all", {}, b""),
    ]
    return [sandbox.entry_of(*each) for each in sent]


@pytest.mark.parametrize("name", DISTINGUISHED)
def test_a_verification_tells_a_request_from_others(sandbox: Sandbox, name: str) -> None:
    others(sandbox)
    verified(sandbox.api, copy_as.verification(sandbox.entry_of(*HOSTILE[name])))


def test_a_verification_says_that_it_does_not_ask_for_a_text(sandbox: Sandbox) -> None:
    text = copy_as.verification(sandbox.entry_of(*HOSTILE["text"]))
    assert text == '# The body was not JSON: no pattern can ask for it.\nvambe_mock.verify("createTask", times=1)'


def fails_when_set(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """The entry of a request that is made again when its fault rule is set."""
    text = copy_as.fault_rule(sandbox.entry_of(*HOSTILE[name]))
    answer = sandbox.api.client.post("/__admin/faults", content=text.encode(), headers=TYPE)
    assert answer.status_code == 201, answer.text
    spared = others(sandbox) if name in DISTINGUISHED else []
    assert [entry["fault"] for entry in spared] == [None] * len(spared)
    return sandbox.entry_of(*HOSTILE[name])


NOT_HIT = ["a nasty path", "a path with * and //", "a method of its own"]


@pytest.mark.parametrize("name", sorted({*HOSTILE} - {*NOT_HIT, "headers"}))
def test_the_fault_rule_makes_the_next_such_request_fail_and_no_other(sandbox: Sandbox, name: str) -> None:
    entry = fails_when_set(sandbox, name)
    assert (entry["response"]["status"], entry["fault"]["id"]) == (503, "1")


@pytest.mark.parametrize("name", NOT_HIT)
def test_there_is_no_rule_where_no_fault_can_hit(sandbox: Sandbox, name: str) -> None:
    assert copy_as.fault_rule(sandbox.entry_of(*HOSTILE[name])) == ""


def test_python_is_python_and_json_is_json(entry: dict[str, Any]) -> None:
    entry["request"]["json"] = {"a": [None, True, False, 1, 1.5, NASTY], "b": {}, "c": []}
    call = ast.parse(copy_as.verification(entry)).body[0]
    assert isinstance(call, ast.Expr) and isinstance(call.value, ast.Call)
    assert ast.literal_eval(call.value.keywords[-1].value) == entry["request"]["json"]
    assert json.loads(copy_as.fault_rule(entry))["match"]["json"] == entry["request"]["json"]
