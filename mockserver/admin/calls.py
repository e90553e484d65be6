"""Calls of the control plane: a declaration on the view defines validation and documentation, `routes` its route."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from flask import Response, request
from marshmallow import Schema

from mockserver.engine import Engine, current_engine
from mockserver.errors import BadRequest, PayloadTooLarge, ValidationFailed
from mockserver.formats import fields
from mockserver.formats import json as wire_json
from mockserver.keys import DEFAULT, KEY_HEADER, UNIDENTIFIED, check_name
from mockserver.web import bodies
from mockserver.web.rendering import base_url, respond


class Call(NamedTuple):
    """The arguments of a view: the engine, the sandbox that the call is about, and the call's well-formed parts."""

    engine: Engine
    sandbox: str
    base_url: str
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Any


class Declared(NamedTuple):
    """A call: its summary, its view, and the schemas of its parts."""

    summary: str
    view: Callable[[Call], Any]
    path_schema: Schema | None = None
    query_schema: Schema | None = None
    body_schema: Schema | None = None
    needs_body: bool = False
    status: int = 200
    failure: str | None = None
    media_type: str = bodies.JSON
    about_a_sandbox: bool = True
    changes: str | None = None


def call(**declared: Any) -> Callable[[Callable[[Call], Any]], Declared]:
    """Declare the decorated view as a call; the first line of its docstring is the summary.

    Unless a body is needed, a missing one is read as `{}`. `changes` is the part of the sandbox that the call's event
    names; `failure` describes the 409.
    """

    def declare(view: Callable[[Call], Any]) -> Declared:
        summary = (view.__doc__ or "").partition("\n")[0].rstrip(".")
        return Declared(summary, view, **declared)

    return declare


def find(name: str) -> Declared:
    """The call that a route names, such as `world:reset`."""
    module, _, function = name.partition(":")
    found: Declared = getattr(import_module(f"mockserver.admin.{module}"), function)
    return found


def answer(declared: Declared, path: Mapping[str, str]) -> Response:
    """Answer the request with a call, given the values in its path."""
    engine = current_engine()
    named = list(declared.query_schema.fields) if declared.query_schema else []
    known = named if "sandbox" in named else [*named, "sandbox"]
    unknown = set(request.args).difference(known)
    if unknown:
        raise BadRequest(f"Unknown parameter {wire_json.quoted(min(unknown))}; this call takes {', '.join(known)}")
    sandbox = sandbox_of(engine) if declared.about_a_sandbox else DEFAULT
    query = {name: text for name, text in request.args.items() if name in named}
    body = _loaded(declared.body_schema, _body(declared))
    parts = _loaded(declared.path_schema, path), _loaded(declared.query_schema, query), body
    if parts[1].get("unidentified"):
        sandbox = UNIDENTIFIED
    result = declared.view(Call(engine, sandbox, base_url(), *parts))
    if declared.about_a_sandbox and "sandbox" in request.args:
        engine.sandboxes.keep(sandbox)
    if declared.changes:
        engine.waiting.announce(sandbox, "state", lambda: {"changed": declared.changes})
    return result if isinstance(result, Response) else respond(result, declared.status)


def sandbox_of(engine: Engine) -> str:
    """The sandbox that a call is about: the one it names, else its key's, else `default`."""
    if "sandbox" in request.args:
        return check_name(request.args["sandbox"])
    key = request.headers.get(KEY_HEADER)
    return DEFAULT if key is None else engine.keys.caller(key).sandbox


def _body(declared: Declared) -> dict[str, Any]:
    if declared.body_schema is None:
        return {}
    if request.environ.get("mockserver.body_too_large"):
        raise PayloadTooLarge("The body is over --max-body")
    sent = request.get_data()
    return bodies.read_object(sent) if sent or declared.needs_body else {}


def _loaded(schema: Schema | None, document: Mapping[str, Any]) -> dict[str, Any]:
    values, problems = fields.load(schema, document) if schema else ({}, [])
    if problems:
        raise ValidationFailed(problems)
    return values
