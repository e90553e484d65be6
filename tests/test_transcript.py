"""The answers to a script of 200 requests, byte for byte as `data/transcript.json` has them.

The script goes over one connection to a fresh server: the operations' successes, every kind of refusal, faults, limits,
strict mode, and calls of the control plane that set the stage and read what is kept. An item of the file is a request
as in `bad_inputs.json`, and its `answer`. To record the answers anew, after a change that is meant to change them:

    VAMBE_MOCK_TRANSCRIPT=1 python -m pytest tests/test_transcript.py

and read the difference; requests are added by hand, without an `answer`.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from exchanges import DATA, Answer, cases, connected, request_of
from support import running

FILE = DATA / "transcript.json"
ANEW = "if it is meant: VAMBE_MOCK_TRANSCRIPT=1 python -m pytest tests/test_transcript.py"
# What differs from run to run, and what stands for it; the server's port stands nowhere, as the script sends no other
# `Host` than localhost. `Date` is left out, and `Content-Length` follows the body.
VARIABLE = (
    (re.compile(rb'"duration_ms":[0-9.]+'), b'"duration_ms":0'),
    (re.compile(rb'"received_at":"[^"]+"'), b'"received_at":"2025-11-26T09:00:00.000Z"'),
    (re.compile(rb"\b8639[0-9]\b"), b"86400"),  # `Retry-After`, where the limit's window is a day
)


def normalised(answer: Answer) -> Answer:
    """The answer without what differs from run to run."""
    body = _normalised(answer.body)
    shorter = len(answer.body) - len(body)
    headers = [
        (name, str(int(value) - shorter) if name == "Content-Length" else _normalised(value.encode()).decode())
        for name, value in answer.headers
        if name != "Date"
    ]
    return answer._replace(headers=headers, body=body)


def _normalised(text: bytes) -> bytes:
    for pattern, constant in VARIABLE:
        text = pattern.sub(constant, text)
    return text


def replayed(script: list[dict[str, Any]]) -> Iterator[Answer]:
    """The answers of a fresh server to a script."""
    with running() as url:
        yield from taking_turns([url], script)


def taking_turns(urls: list[str], script: list[dict[str, Any]]) -> Iterator[Answer]:
    """The answers of servers to a script, each of which answers one request after the other."""
    with contextlib.ExitStack() as stack:
        connections = itertools.cycle([stack.enter_context(connected(url)) for url in urls])
        for case, connection in zip(script, connections, strict=False):
            yield normalised(connection.exchange(request_of(case, {})))


def documented(answer: Answer) -> dict[str, Any]:
    """The answer as the file has it."""
    document: dict[str, Any] = {"status": answer.status, "reason": answer.reason}
    document["headers"] = [list(header) for header in answer.headers]
    try:
        return {**document, "body": answer.body.decode()}
    except UnicodeDecodeError:
        return {**document, "body_base64": base64.b64encode(answer.body).decode()}


def record() -> None:
    """Write the file with the answers of this code."""
    script = cases(FILE.name)
    items = [{**case, "answer": documented(answer)} for case, answer in zip(script, replayed(script), strict=True)]
    lines = ",\n".join(json.dumps(item, ensure_ascii=False).replace("\u2028", "\\u2028") for item in items)
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def test_200_requests_are_answered_byte_for_byte_as_they_were() -> None:
    if os.environ.get("VAMBE_MOCK_TRANSCRIPT") == "1":
        record()
    script = cases(FILE.name)
    assert len(script) == 200
    for number, (case, answer) in enumerate(zip(script, replayed(script), strict=True), 1):
        assert documented(answer) == case["answer"], f"{number}: {case['method']} {case['path']}; {ANEW}"
