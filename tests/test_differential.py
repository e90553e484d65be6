"""The mock beside `reference/app.js`, the same API on the vendor's identified stack: where their answers differ.

`reference/requests.json` is sent to both, in order. A request has a key and, if it has a body, a JSON type, unless its
`headers` say otherwise (null leaves one out); the id in the answer to one with `keep` has that name in later ones.
Compared are the status, the content type and the body: of a success the keys and types, of an error all but the text
about malformed JSON, which depends on Node's version.
`reference/differences.json` has every difference, by its rule and reason: the request, what the stack answers, and what
the mock.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from exchanges import Answer, connected, request_of
from support import (
    CARLOS,
    CONTACT,
    CUSTOMER,
    INACTIVE_USER,
    MARIA,
    PENDING,
    ROOT,
    UNKNOWN_ID,
    check_that_there_is_node,
    missing,
    plain_environment,
    running,
)

from mockserver.fidelity import contract

REFERENCE = Path(__file__).parent / "reference"
PACKAGES = Path(sys.prefix) / "npm-reference" / "node_modules"
KEY, JSON = {"x-api-key": "vambe_carlos_key"}, {"Content-Type": "application/json"}
DIFFERENCES = json.loads((REFERENCE / "differences.json").read_text(encoding="utf-8"))
NAMES = {
    "MARIA": MARIA,
    "CARLOS": CARLOS,
    "INACTIVE": INACTIVE_USER,
    "CONTACT": CONTACT,
    "CUSTOMER": CUSTOMER,
    "STATUS": str(PENDING["id"]),
    "UNKNOWN": UNKNOWN_ID,
}


@contextlib.contextmanager
def application(world: str) -> Iterator[str]:
    """The URL of the application, which begins with this world."""
    check_that_there_is_node()
    if not PACKAGES.exists():
        missing(f"there is no {PACKAGES}: the line `npm_packages npm-reference` of {ROOT / '.ci' / 'run'} installs it")
    environment, pipe = plain_environment(NODE_PATH=str(PACKAGES)), subprocess.PIPE
    line = ["node", REFERENCE / "app.js"]
    with subprocess.Popen(line, env=environment, stdin=pipe, stdout=pipe, encoding="utf-8") as process:
        assert process.stdin and process.stdout
        process.stdin.write(world)
        process.stdin.close()
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def answers(url: str, script: list[dict[str, Any]]) -> dict[str, str]:
    """The compared part of the answer to each request of the script."""
    values = dict(NAMES)
    compared = {}
    with connected(url) as connection:
        for case in script:
            content = {"body": json.dumps(case["json"])} if "json" in case else {}
            typed = JSON if {"json", "body", "body_base64"} & case.keys() else {}
            headers = {**KEY, **typed, **case.get("headers", {})}
            headers = {name: text for name, text in headers.items() if text is not None}
            answer = connection.exchange(request_of({**case, **content, "headers": headers}, values))
            if "keep" in case:
                values[case["keep"]] = json.loads(answer.body)["id"]
            text = described(answer)
            for name, value in values.items():
                text = text.replace(value, f"<{name}>")
            compared[case["name"]] = text
    return compared


def described(answer: Answer) -> str:
    """The status, the content type and the body of an answer, in one line."""
    parts = [str(answer.status), dict(answer.headers).get("Content-Type", "")]
    if answer.body:
        document = json.loads(answer.body)
        if answer.status < 400:
            document = shape(document)
        elif "JSON" in document["message"]:
            document["message"] = "… JSON …"
        parts.append(json.dumps(document, ensure_ascii=False))
    return " ".join(filter(None, parts))


def shape(value: Any) -> Any:
    """The keys and types of a JSON value; those of an array are its members', together."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return merged([shape(member) for member in value])
    return "null" if value is None else type(value).__name__


def merged(shapes: list[Any]) -> list[Any]:
    """The shapes, each once; those of objects with the same keys in the same order become one."""
    if len({tuple(each) if isinstance(each, dict) else None for each in shapes}) == 1 and isinstance(shapes[0], dict):
        return [{name: merged([each[name] for each in shapes]) for name in shapes[0]}]
    return [json.loads(each) for each in sorted({json.dumps(each) for each in shapes})]


def shortened(text: str) -> str:
    """The text without its middle, if it is long."""
    return text if len(text) <= 240 else f"{text[:150]} … {text[-80:]}"


def test_the_mock_differs_from_the_stack_where_it_is_known_to() -> None:
    script = json.loads((REFERENCE / "requests.json").read_text(encoding="utf-8"))
    with running() as mock:
        world = httpx.get(f"{mock}/__admin/state", headers=KEY)
        with application(world.text) as real:
            expected, found = answers(real, script), answers(mock, script)
    assert len(expected) == len(script), "each request has a name of its own"
    differences = {
        name: [shortened(answer), shortened(found[name])] for name, answer in expected.items() if found[name] != answer
    }
    assert differences == {name: each for group in DIFFERENCES for name, each in group["answers"].items()}


def test_each_difference_is_due_to_a_rule_of_the_contract() -> None:
    rules = {rule.name for rule in contract.RULES}
    assert {group["rule"] for group in DIFFERENCES} <= rules | {"not imitated"}
