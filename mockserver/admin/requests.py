"""Calls about the journal: requests, searching, verification."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from mockserver.admin.calls import Call, call
from mockserver.errors import BadRequest, Conflict, NotFound, Problem, ValidationFailed
from mockserver.rendering import respond
from mockserver.sandbox import patterns, verify
from mockserver.sandbox.patterns import Pattern
from mockserver.wire import quoted

MAX_TIMEOUT_MS = 60_000

Document = dict[str, Any]

_PATTERN_SCHEMA = {"$ref": "#/components/schemas/Pattern"}
_FILTERS = {
    "since": "Only entries after the one with this id.",
    "limit": "At most so many, the oldest of those found.",
    "method": "Only this method.",
    "path": "Only this path; `*` stands for any characters.",
    "operation": "Only this operation.",
    "status": "Only this status.",
}


@call("GET", "/requests", query=_FILTERS)
def list_requests(call: Call) -> Document:
    """The requests in the journal, oldest first; total counts all that were found, dropped those that made room."""
    asked = dict(call.query)
    since, limit = _number(asked, "since", 0), _number(asked, "limit", None)
    status = _number(asked, "status", None)
    parts = {name: asked[name] for name in ("method", "path", "operation") if name in asked}
    pattern = _pattern(call, parts | ({} if status is None else {"status": status}))
    with call.mock.sandboxes.look(call.sandbox) as opened:
        found = [entry for entry in opened.journal.entries(since or 0) if pattern.matches(entry)]
        return {"requests": found[:limit], "total": len(found), "dropped": opened.journal.dropped()}


@call("DELETE", "/requests", changes="journal")
def clear_requests(call: Call) -> Document:
    """Empty the journal; ids go on."""
    with call.mock.sandboxes.open(call.sandbox) as opened:
        opened.journal.clear()
    return {"requests": [], "total": 0, "dropped": 0}


@call("GET", "/requests/{id}")
def get_request(call: Call) -> Document:
    """One request, its answer, and why it was answered so."""
    text = call.path["id"]
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise BadRequest(f"{quoted(text)} is no entry's id: X-Mock-Request-Id has it")
    with call.mock.sandboxes.look(call.sandbox) as opened:
        entry = opened.journal.get(int(text))
    if entry is None:
        raise NotFound(f"The journal of the sandbox {quoted(call.sandbox)} has no entry {text}")
    return entry


@call("POST", "/requests/count", raw_body=_PATTERN_SCHEMA)
def count_requests(call: Call) -> Document:
    """How many requests are like a pattern."""
    return {"count": len(_found(call))}


@call("POST", "/requests/find", raw_body=_PATTERN_SCHEMA)
def find_requests(call: Call) -> Document:
    """The requests that are like a pattern, oldest first."""
    return {"requests": _found(call)}


@call(
    "POST",
    "/requests/verify",
    raw_body={"$ref": "#/components/schemas/Verification"},
    refusals={409: "It was not asked so: `expected`, `actual`, and `near_misses` with their differences."},
)
def verify_requests(call: Call) -> Any:
    """Whether it was asked as it should have been; 409 with what came closest when not."""
    check, timeout_ms = _verification(call)

    def look() -> bool:
        with call.mock.sandboxes.look_or_open(call.sandbox) as opened:
            return check.look(opened.journal)

    if timeout_ms:
        call.mock.waiting.until(call.sandbox, look, timeout_ms / 1000)
    else:
        look()
    if check.passed:
        return {"passed": True, "actual": check.actual}
    refusal = Conflict(_in_words(call, check))
    return respond(
        refusal.document()
        | {
            "passed": False,
            "expected": _expected(call),
            "actual": check.actual,
            "near_misses": verify.near_misses(check.pattern, _entries(call)),
        },
        refusal.status,
    )


def _verification(call: Call) -> tuple[verify.Count | verify.Sequence, int]:
    body = call.body
    problems = [
        Problem((key,), "unknown", "Unknown key; there are request, sequence, times, timeout_ms")
        for key in body
        if key not in ("request", "sequence", "times", "timeout_ms")
    ]
    timeout_ms = body.get("timeout_ms", 0)
    if type(timeout_ms) is not int or not 0 <= timeout_ms <= MAX_TIMEOUT_MS:
        problems.append(Problem(("timeout_ms",), "out_of_bounds", f"Must be from 0 to {MAX_TIMEOUT_MS}"))
        timeout_ms = 0
    check, found = _sequence(call) if "sequence" in body else _count(call)
    problems += found
    if problems:
        raise ValidationFailed(problems)
    return check, timeout_ms


def _count(call: Call) -> tuple[verify.Count, list[Problem]]:
    pattern, problems = patterns.parse(call.body.get("request", {}), _operations(call), ("request",))
    times, more = verify.parse_times(call.body.get("times", {"at_least": 1}))
    return verify.Count(pattern, times), [*problems, *more]


def _sequence(call: Call) -> tuple[verify.Sequence, list[Problem]]:
    documents = call.body["sequence"]
    if not isinstance(documents, list) or not documents or {"request", "times"} & set(call.body):
        message = "Must be a list of at least one pattern, without request and times beside it"
        return verify.Sequence([Pattern({})]), [Problem(("sequence",), "invalid_pattern", message)]
    parsed = [
        patterns.parse(document, _operations(call), ("sequence", index)) for index, document in enumerate(documents)
    ]
    return verify.Sequence([pattern for pattern, _ in parsed]), [problem for _, found in parsed for problem in found]


def _expected(call: Call) -> Document:
    if "sequence" in call.body:
        return {"sequence": call.body["sequence"]}
    return {"request": call.body.get("request", {}), "times": call.body.get("times", {"at_least": 1})}


def _in_words(call: Call, check: verify.Count | verify.Sequence) -> str:
    if isinstance(check, verify.Sequence):
        return f"Only the first {check.actual} of the {len(check.patterns)} patterns were matched in this order"
    (word, count), *others = call.body.get("times", {"at_least": 1}).items()
    wanted = (
        "never"
        if word == "never"
        else f"{word.replace('_', ' ')} {count}"
        + "".join(f" and {other.replace('_', ' ')} {bound}" for other, bound in others)
    )
    return f"Expected {wanted}, but the journal has {check.actual}"


def _found(call: Call) -> list[Document]:
    pattern = _pattern(call, call.body)
    return [entry for entry in _entries(call) if pattern.matches(entry)]


def _entries(call: Call) -> list[Document]:
    with call.mock.sandboxes.look_or_open(call.sandbox) as opened:
        return opened.journal.entries()


def _pattern(call: Call, document: Any) -> Pattern:
    pattern, problems = patterns.parse(document, _operations(call))
    if problems:
        raise ValidationFailed(problems)
    return pattern


def _operations(call: Call) -> Collection[str]:
    return [operation.id for operation in call.mock.operations]


def _number(query: dict[str, str], name: str, default: int | None) -> int | None:
    text = query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise BadRequest(f"{name}={quoted(text)[1:-1]} is not a whole number")
    return int(text)
