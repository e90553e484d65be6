"""The OpenAPI 3.1 description of the imitated API, generated from the declarations that answer requests."""

from __future__ import annotations

from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Response
from marshmallow import Schema
from marshmallow import fields as base

from mockserver import __version__, fields
from mockserver.api.operations import BASE_PATH, Operation
from mockserver.api.views import OPERATIONS
from mockserver.rendering import respond

_INFO = """\
The task API of Vambe, a conversational CRM, as vambe-mock imitates it.

Any key `test_<name>` (1 to 64 of `A-Z a-z 0-9 . _ -`) opens the sandbox of that name, a world of its own;
`test_default` is the one that the documentation uses.
"""

_SHARED_REFUSALS = {
    400: ("Bad Request", "The body, the query or the path is invalid; `errors` lists every problem."),
    401: ("Unauthorized", "The `x-api-key` header is missing, or its key is unknown or revoked."),
    413: ("Payload Too Large", "The body is larger than the server takes."),
    421: ("Misdirected Request", "The `Host` header names no host of this server."),
    500: ("Internal Server Error", "Something went wrong."),
    503: ("Service Unavailable", "The mock has as many sandboxes as it may have."),
}


def view() -> Response:
    """Serve the description; it needs no key."""
    return respond(document())


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: _class_of(schema).__name__)
    spec = APISpec("Vambe task API", __version__, "3.1.0", plugins=[plugin], info={"description": _INFO})
    plugin.converter.add_attribute_function(_json_schema)
    _add_components(spec)
    for operation in OPERATIONS.values():
        spec.path(BASE_PATH + operation.path, operations={operation.method.lower(): _operation(operation, plugin)})
    spec.options["security"] = [{"apiKey": []}]
    spec.options["servers"] = [{"url": "http://127.0.0.1:4010", "description": "vambe-mock on this machine"}]
    spec.tag({"name": "Tasks", "description": "Create, list, update and delete tasks."})
    spec.tag({"name": "Team", "description": "The people to whom tasks are assigned."})
    return spec.to_dict()


def _class_of(schema: Any) -> Any:
    return type(schema) if isinstance(schema, Schema) else schema


def _json_schema(self: Any, field: base.Field[Any], **_: Any) -> dict[str, Any]:
    """What a field of ours adds to its JSON Schema."""
    declared = dict(getattr(field, "openapi", {}))
    if declared and field.allow_none:
        declared["type"] = [declared["type"], "null"]
    return declared


def _add_components(spec: APISpec) -> None:
    spec.components.security_scheme(
        "apiKey",
        {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "`test_<name>`, or a key of the team."},
    )
    spec.components.schema("Error", _ERROR)
    spec.components.schema("ValidationError", _VALIDATION_ERROR)
    for status, (title, description) in _SHARED_REFUSALS.items():
        spec.components.response(title.replace(" ", ""), _refusal(status, title, description))


def _refusal(status: int, title: str, description: str) -> dict[str, Any]:
    schema = "ValidationError" if status == 400 else "Error"
    example: dict[str, Any] = {"statusCode": status, "message": description, "error": title}
    if status == 400:
        example |= {"message": "Validation failed", "errors": [_PROBLEM_EXAMPLE]}
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": {"refusal": {"value": example}}}
    return {"description": description, "content": {"application/json": content}}


def _operation(operation: Operation, plugin: MarshmallowPlugin) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": ["Team" if operation.path.startswith("/team") else "Tasks"],
        "parameters": _parameters(operation, plugin),
        "responses": {str(operation.status): _success(operation), **_refusals(operation)},
    }
    if operation.body_schema:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": operation.body_schema}},
        }
    return described


def _parameters(operation: Operation, plugin: MarshmallowPlugin) -> list[dict[str, Any]]:
    converter = plugin.converter
    assert converter is not None
    parts = (("path", operation.path_schema), ("query", operation.query_schema))
    return [
        converter._field2parameter(field, name=str(field.data_key), location=location) | _list_style(field)
        for location, schema in parts
        if schema
        for field in schema.fields.values()
    ]


def _list_style(field: base.Field[Any]) -> dict[str, Any]:
    return {"style": "form", "explode": True, "allowEmptyValue": True} if isinstance(field, fields.IdList) else {}


def _success(operation: Operation) -> dict[str, Any]:
    return {
        "description": "Created" if operation.status == 201 else "OK",
        "content": {"application/json": {"schema": operation.answer}},
    }


def _refusals(operation: Operation) -> dict[str, Any]:
    shared = {
        str(status): {"$ref": f"#/components/responses/{title.replace(' ', '')}"}
        for status, (title, _) in _SHARED_REFUSALS.items()
    }
    own = {
        str(status): _refusal(status, "Not Found", description) for status, description in operation.refusals.items()
    }
    return dict(sorted((shared | own).items()))


_ERROR = {
    "type": "object",
    "description": "Every error has this shape.",
    "required": ["statusCode", "message", "error"],
    "properties": {
        "statusCode": {"type": "integer", "description": "The HTTP status.", "examples": [404]},
        "message": {"type": "string", "description": "What is wrong, for a person.", "examples": ["Task not found"]},
        "error": {"type": "string", "description": "The status's title.", "examples": ["Not Found"]},
    },
}

_PROBLEM_EXAMPLE = {
    "path": ["responsibleIds", 1],
    "message": '"abc" is not a UUID of the form 8-4-4-4-12',
    "code": "invalid_uuid",
}

_VALIDATION_ERROR = {
    **_ERROR,
    "description": "A 400; validation adds `errors`, one for each problem.",
    "properties": {
        **_ERROR["properties"],  # type: ignore[dict-item]
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message", "code"],
                "properties": {
                    "path": {
                        "type": "array",
                        "description": "Where the value is in the body, the query or the path.",
                        "items": {"type": ["string", "integer"]},
                    },
                    "message": {"type": "string", "description": "What is wrong, for a person."},
                    "code": {"type": "string", "enum": sorted(fields.CODES), "description": "What is wrong."},
                },
            },
            "examples": [[_PROBLEM_EXAMPLE]],
        },
    },
}
