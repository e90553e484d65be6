"""The OpenAPI 3.1 description of the control plane, generated from the declarations of its calls."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Response
from marshmallow import Schema

from mockserver import __version__, fields
from mockserver.admin.calls import BASE_PATH, CALLS, Declared
from mockserver.rendering import respond
from mockserver.sandbox import faults, patterns, verify

Document = dict[str, Any]

_REFUSALS = {
    400: "The call cannot be understood; `errors` lists every problem.",
    401: "The admin token is missing or wrong, or `x-api-key` opens no sandbox.",
    403: "A page of another origin calls.",
    404: "The sandbox, or what is named, does not exist.",
    413: "The body is larger than `--max-body`.",
    415: "The body is not `application/json`.",
    421: "The `Host` header names no host of this server.",
    503: "As many sandboxes, or waiting calls, as there may be.",
    507: "There is no room to write to the database.",
}

_SANDBOX = {
    "name": "sandbox",
    "in": "query",
    "required": False,
    "description": "The sandbox; else that of the `x-api-key` sent, else `default`.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
}


def view() -> Response:
    """Serve the description."""
    return respond(document())


@cache
def document() -> Document:
    """The whole description."""
    paths: dict[str, Document] = {}
    for declared in CALLS:
        paths.setdefault(BASE_PATH + declared.path, {})[declared.method.lower()] = _call(declared)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "vambe-mock control plane",
            "version": __version__,
            "description": "Calls about the mock itself; no part of the vendor's API.",
        },
        "servers": [{"url": "http://127.0.0.1:4010", "description": "vambe-mock on this machine"}],
        "paths": paths,
        "components": {"schemas": _SCHEMAS},
    }


def _call(declared: Declared) -> Document:
    described: Document = {
        "operationId": "".join(word.title() for word in declared.view.__name__.split("_")),
        "summary": declared.summary,
        "parameters": [*_path_parameters(declared), *_query_parameters(declared)],
        "responses": {
            str(declared.status): {"description": "Done", "content": {declared.media_type: _result(declared)}},
            **{str(status): _refusal(text) for status, text in sorted({**_REFUSALS, **declared.refusals}.items())},
        },
    }
    schema = declared.raw_body or (_schema(declared.body) if declared.body else None)
    if schema:
        described["requestBody"] = {"required": declared.raw_body is not None, "content": _json(schema)}
    return described


def _result(declared: Declared) -> Document:
    return {"schema": {"type": "object" if declared.media_type == "application/json" else "string"}}


def _path_parameters(declared: Declared) -> list[Document]:
    names = [part[1:-1] for part in declared.path.split("/") if part.startswith("{")]
    return [
        {"name": name, "in": "path", "required": True, "description": f"Its {name}.", "schema": {"type": "string"}}
        for name in names
    ]


def _query_parameters(declared: Declared) -> list[Document]:
    own = [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in declared.query.items()
    ]
    return [*own, _SANDBOX] if declared.about_a_sandbox else own


def _schema(schema: Schema) -> Document:
    properties = {}
    for name, field in schema.fields.items():
        assert isinstance(field, fields.Strict)  # noqa: S101 (every body is declared in fields of ours)
        kind = {"type": [field.openapi["type"], "null"]} if field.allow_none else {}
        properties[field.data_key or name] = {**field.openapi, **kind, **field.metadata}
    required = [field.data_key or name for name, field in schema.fields.items() if field.required]
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}


def _refusal(text: str) -> Document:
    return {"description": text, "content": _json({"$ref": "#/components/schemas/Error"})}


def _json(schema: Any) -> Document:
    return {"application/json": {"schema": schema}}


_PATTERN: Document = {
    "type": "object",
    "description": "What a request must be like; every part may be left out.",
    "additionalProperties": False,
    "properties": {
        "operation": {"type": "string", "description": "The operation's id.", "examples": ["createTask"]},
        "method": {"type": "string", "enum": list(patterns.METHODS)},
        "path": {"type": "string", "description": "`*` stands for any characters.", "examples": ["/api/public/tasks*"]},
        "status": {"type": "integer", "minimum": 100, "maximum": 599},
        "query": {"type": "object", "description": "Parameters with these values."},
        "json": {"description": "What the request's body must contain: of an object, only the keys named count."},
    },
}

_TIMES: Document = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        name: {"const": True} if name == "never" else {"type": "integer", "minimum": 0} for name in verify.TIMES
    },
}

_FAULT_RULE: Document = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "match": {"$ref": "#/components/schemas/Pattern"},
        "when": {"type": "string", "enum": list(faults.WHEN), "description": "Before or after the commit."},
        "status": {"type": ["integer", "null"], "minimum": 200, "maximum": 599},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "body": {"description": "The body of the answer; a string is sent as it is, all else as JSON."},
        "connection": {"type": ["string", "null"], "enum": [None, *faults.CONNECTIONS]},
        "delay_ms": {"type": "integer", "minimum": 0, "maximum": faults.MAX_DELAY_MS},
        "skip": {"type": "integer", "minimum": 0, "description": "So many matching requests are left alone first."},
        "times": {"type": ["integer", "null"], "minimum": 1, "description": "Null is for ever."},
        "probability": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    },
}

_SCHEMAS: Document = {
    "Error": {
        "type": "object",
        "required": ["statusCode", "message", "error"],
        "properties": {
            "statusCode": {"type": "integer"},
            "message": {"type": "string"},
            "error": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "object"}},
        },
    },
    "Pattern": _PATTERN,
    "Times": _TIMES,
    "Verification": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "request": {"$ref": "#/components/schemas/Pattern"},
            "times": {"$ref": "#/components/schemas/Times"},
            "sequence": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Pattern"}},
            "timeout_ms": {"type": "integer", "minimum": 0, "maximum": 60_000},
        },
    },
    "FaultRule": _FAULT_RULE,
}
