"""Calls of the control plane: declared on the view, used to route, to read, and to document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from flask import Blueprint, Response, request
from marshmallow import RAISE, Schema

from mockserver import fields, wire
from mockserver.errors import BadRequest, PayloadTooLarge, Problem, ValidationFailed
from mockserver.mock import Mock, current_mock
from mockserver.rendering import respond
from mockserver.sandbox.names import DEFAULT, check_name

BASE_PATH = "/__admin"


class Body(Schema):
    """The body of a call: a key that is not declared is refused."""

    class Meta:
        unknown = RAISE


class Call(NamedTuple):
    """What a view works on: the mock, the sandbox that the call is about, and the call's parts."""

    mock: Mock
    sandbox: str
    base_url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any


class Declared(NamedTuple):
    """A call: its route, what it takes, and its view."""

    method: str
    path: str
    summary: str
    view: Callable[[Call], Any]
    body: Schema | None = None
    raw_body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = MappingProxyType({})
    status: int = 200
    refusals: Mapping[int, str] = MappingProxyType({})
    media_type: str = "application/json"
    about_a_sandbox: bool = True
    changes: str | None = None


CALLS: list[Declared] = []


def call(method: str, path: str, **declared: Any) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
    """Declare the decorated view as a call; the first line of its docstring is the summary.

    `body` is the schema of its JSON body, all of whose keys may be left out; `raw_body` the JSON Schema of a body that
    the view checks itself; `changes` the part of the sandbox of which its events tell that it is another now.
    """

    def declare(view: Callable[[Call], Any]) -> Callable[[Call], Any]:
        summary = (view.__doc__ or "").partition("\n")[0].rstrip(".")
        CALLS.append(Declared(method, path, summary, view, **declared))
        return view

    return declare


def register(blueprint: Blueprint) -> None:
    """Route every declared call."""
    for declared in CALLS:
        rule = declared.path.replace("{", "<string:").replace("}", ">")
        blueprint.add_url_rule(rule, f"{declared.method} {declared.path}", _view(declared), methods=[declared.method])


def _view(declared: Declared) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        mock = current_mock()
        unknown = set(request.args) - {*declared.query, "sandbox"}
        if unknown:
            known = ", ".join([*declared.query, "sandbox"])
            raise BadRequest(f"Unknown parameter {wire.quoted(min(unknown))}; this call takes {known}")
        sandbox = sandbox_of(mock) if declared.about_a_sandbox else DEFAULT
        result = declared.view(
            Call(mock, sandbox, f"{request.scheme}://{request.host}", path, request.args.to_dict(), _body(declared))
        )
        if declared.changes:
            mock.waiting.announce(sandbox, "state", lambda: {"changed": declared.changes})
        return result if isinstance(result, Response) else respond(result, declared.status)

    return view


def sandbox_of(mock: Mock) -> str:
    """The sandbox that a call is about: the one it names, else its key's, else `default`."""
    if "sandbox" in request.args:
        return check_name(request.args["sandbox"])
    key = request.headers.get("x-api-key")
    return DEFAULT if key is None else mock.keys.caller(key).sandbox


def _body(declared: Declared) -> Any:
    if declared.body is None and declared.raw_body is None:
        return {}
    if request.environ.get("mockserver.body_too_large"):
        raise PayloadTooLarge("The body is over --max-body")
    sent = request.get_data()
    try:
        document = wire.decode(sent) if sent or declared.raw_body is not None else {}
    except wire.NotJson as error:
        raise BadRequest(f"The body is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadRequest(f"The body must be a JSON object, not {fields.kind_of(document)}")
    if declared.body is None:
        return document
    values, problems = fields.load(declared.body, document)
    if problems:
        raise ValidationFailed(_listing(problem, declared.body) for problem in problems)
    return values


def _listing(problem: Problem, schema: Schema) -> Problem:
    """An unknown key's problem lists the keys there are."""
    if problem.code != "unknown":
        return problem
    for part in problem.path[:-1]:
        field = schema.fields[str(part)]
        schema = field.schema if isinstance(field, fields.Object) else schema
    known = ", ".join(str(each.data_key or name) for name, each in schema.fields.items())
    return Problem(problem.path, problem.code, f"Unknown key; there are {known}")
