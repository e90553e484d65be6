"""Answers that are broken on purpose: what a fault rule makes of an answer, and of its connection."""

from __future__ import annotations

from typing import Any

from mockserver.api.answers import JSON, Answer, refused
from mockserver.errors import InjectedError, InternalServerError
from mockserver.faults.rules import Fault
from mockserver.formats import json as wire_json

RULE = "mock-fault"
GARBAGE = b"\x00\xff\x16\x03\x01 this is not HTTP \r\n\x80\x81\x82\r\n"


def apply(fault: Fault, answer: Answer | None) -> Answer:
    """The answer that the fault makes of the request's own, which is None when the request was not carried out."""
    if fault.status is not None and (fault.status >= 400 or answer is None):
        answer = refused(InjectedError(fault.status, rule=RULE)) if fault.status >= 400 else Answer(fault.status, {})
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


def carry_out(answer: Answer, status_line: str, connection: Any) -> None:
    """Break the connection that the request came on, as the answer says."""
    if answer.connection == "reset":
        connection.abort()
        return
    if answer.connection == "truncate":
        headers = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        head = f"HTTP/1.1 {status_line}\r\n{headers}\r\n".encode("latin-1")
        connection.send(head + answer.body[: len(answer.body) // 2])
    elif answer.connection == "garbage":
        connection.send(GARBAGE)
    connection.close()
