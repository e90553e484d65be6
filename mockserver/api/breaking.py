"""Answers that are broken on purpose: what a fault rule makes of an answer, and of its connection."""

from __future__ import annotations

from flask import Response, request

from mockserver import wire
from mockserver.errors import InjectedError, InternalServerError
from mockserver.rendering import render
from mockserver.sandbox.faults import Fault

RULE = "mock-fault"
GARBAGE = b"\x00\xff\x16\x03\x01 this is not HTTP \r\n\x80\x81\x82\r\n"


def apply(fault: Fault, response: Response | None) -> Response:
    """The answer that the fault makes of the request's own, which is None when the request was not carried out."""
    if fault.status is not None and (fault.status >= 400 or response is None):
        response = render(InjectedError(fault.status, rule=RULE)) if fault.status >= 400 else _empty()
    response = response or render(InternalServerError())
    response.status_code = fault.status or response.status_code
    if isinstance(fault.body, str):
        response.set_data(fault.body)
        response.mimetype = "text/plain"
    elif fault.body is not None:
        response.set_data(wire.encode(fault.body))
        response.mimetype = "application/json"
    for name, value in fault.headers.items():
        response.headers[name] = value
    response.headers["X-Mock-Fault"] = fault.id
    return response


def _empty() -> Response:
    response = Response()
    del response.headers["Content-Type"]
    return response


def carry_out(kind: str, response: Response) -> None:
    """Break the connection that the request came on, which the server has put into the environment."""
    connection = request.environ["mockserver.connection"]
    if kind == "reset":
        connection.abort()
        return
    if kind == "truncate":
        connection.send(_head(response) + response.get_data()[: len(response.get_data()) // 2])
    elif kind == "garbage":
        connection.send(GARBAGE)
    connection.close()


def _head(response: Response) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
    return f"HTTP/1.1 {response.status}\r\n{headers}\r\n".encode("latin-1")
