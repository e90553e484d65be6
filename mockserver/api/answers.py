"""Answers that no view makes: errors, and answers and connections that a fault rule breaks."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from mockserver import masking
from mockserver.errors import (
    ApiError,
    InjectedError,
    InsufficientStorage,
    InternalServerError,
    Problem,
    Unauthorized,
    Undecodable,
    ValidationFailed,
    listed,
)
from mockserver.faults.rules import Fault
from mockserver.fidelity.assumptions import DEFAULTS, Assumed
from mockserver.formats import json as wire_json
from mockserver.journal import entries
from mockserver.journal.messages import JSON, Answer

GARBAGE = b"\x00\xff\x16\x03\x01 this is not HTTP \r\n\x80\x81\x82\r\n"
# Statuses that the framework answers outside of its HTTP exceptions: with two keys, in another order.
_BARE = (413, 415, 500)
_log = logging.getLogger("mockserver")


def refused(error: ApiError, secrets: Sequence[str] = (), assumed: Assumed = DEFAULTS) -> Answer:
    """Render an error under these switches, without the request's secrets; log when storage is full."""
    if isinstance(error, InsufficientStorage):
        _log.error("%s", error.message)
    encoded = wire_json.encode(masking.without(secrets, body(error, assumed)))
    return Answer.of_json(error.status, encoded, error.headers())


def body(error: ApiError, assumed: Assumed = DEFAULTS) -> dict[str, Any]:
    """The body of an error (contract, section 1)."""
    if isinstance(error, ValidationFailed):
        return _validation_body(error, assumed["validation-body"])
    if isinstance(error, Unauthorized) and assumed["unauthorized-body"] == "bare":
        return {"message": error.title, "statusCode": error.status}
    if error.status in _BARE or isinstance(error, Undecodable):
        return {"statusCode": error.status, "message": error.message}
    return error.document()


def _validation_body(error: ValidationFailed, form: str) -> dict[str, Any]:
    """The body of a 400 for invalid fields, under a value of the switch `validation-body`."""
    if form == "plain":
        return ApiError.document(error)
    issues = _issues(error.problems)
    if form == "messages":
        texts = [": ".join(filter(None, (".".join(map(str, each["path"])), each["message"]))) for each in issues]
        return {**ApiError.document(error), "message": texts}
    return {"statusCode": error.status, "message": error.message, "errors": issues}


def _issues(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The issues of Zod."""
    if any(each.issue and each.issue.is_of_type for each in problems):
        problems = [each for each in problems if not (each.issue and each.issue.whole)]
    return [each.issue.document(each.path) for each in listed(problems) if each.issue]


def apply_fault(fault: Fault, answer: Answer | None) -> Answer:
    """Apply a fault to the request's own answer, which is None when the request was not carried out."""
    if fault.status is not None and (fault.status >= 400 or answer is None):
        answer = (
            refused(InjectedError(fault.status, rule=entries.FAULT_RULE))
            if fault.status >= 400
            else Answer(fault.status, {})
        )
    answer = answer or refused(InternalServerError())
    answer.status = fault.status or answer.status
    if isinstance(fault.body, str):
        answer.set_body(fault.body.encode(), "text/plain; charset=utf-8")
    elif fault.body is not None:
        answer.set_body(wire_json.encode(fault.body), JSON)
    for name, value in fault.headers.items():
        answer.set_header(name, value)
    answer.set_header("X-Mock-Fault", fault.id)
    answer.connection, answer.faulty = fault.connection, True
    return answer


def break_connection(
    answer: Answer, connection: Any, method: str, status_line: str, headers: Iterable[tuple[str, str]]
) -> None:
    """Break the connection that the request came on, as the answer says; its head is the one given.

    A truncated answer always ends too early: one that has no body, such as that to HEAD, in its head.
    """
    if answer.connection == "reset":
        connection.abort()
        return
    if answer.connection == "truncate":
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"HTTP/1.1 {status_line}\r\n{lines}\r\n".encode("latin-1")
        body = b"" if method == "HEAD" else answer.body
        connection.send(head + body[: len(body) // 2] if body else head[: len(head) // 2])
    elif answer.connection == "garbage":
        connection.send(GARBAGE)
    connection.close()
