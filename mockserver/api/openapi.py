"""The OpenAPI 3.1 description of the imitated API, generated from the declarations that answer requests.

`docs/openapi.json` is a copy: `python -m mockserver.api.openapi > docs/openapi.json` writes it anew.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Response
from marshmallow import Schema
from marshmallow import fields as base

from mockserver import __version__, contract, errors, fields
from mockserver.api.operations import BASE_PATH, SHARED_REFUSALS, Operation
from mockserver.api.views import OPERATIONS
from mockserver.rendering import respond

_INFO = """\
The task API of Vambe, a conversational CRM, as vambe-mock imitates it.

Any key `test_<name>` (1 to 64 of `A-Z a-z 0-9 . _ -`) opens the sandbox of that name, a world of its own;
`test_default` is the one that the documentation uses.
"""

_OWN_REFUSALS = {404: errors.NotFound}

# What an example leaves out: a status that is not needed, and the other way to name a new one.
_NOT_IN_EXAMPLES = ("statusId", "newStatusPosition")


def view() -> Response:
    """Serve the description; it needs no key."""
    return respond(document())


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: _class_of(schema).__name__)
    spec = APISpec("Vambe task API", __version__, "3.1.0", plugins=[plugin], info={"description": _INFO})
    converter: Any = plugin.converter  # the plugin has made it by now
    converter.add_attribute_function(_json_schema)
    _add_components(spec)
    for operation in OPERATIONS.values():
        spec.path(BASE_PATH + operation.path, operations={operation.method.lower(): _operation(operation, converter)})
    spec.options["security"] = [{"apiKey": []}]
    spec.options["servers"] = [{"url": "http://127.0.0.1:4010", "description": "vambe-mock on this machine"}]
    spec.tag({"name": "Tasks", "description": "Create, list, update and delete tasks."})
    spec.tag({"name": "Team", "description": "The people to whom tasks are assigned."})
    spec.components.schemas["UpdateTask"]["not"] = {"required": ["newStatusPosition", "newStatusName"]}
    described = spec.to_dict()
    return {"openapi": described.pop("openapi"), **described}


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
    for error, description in SHARED_REFUSALS.items():
        spec.components.response(error.__name__, _refusal(error, description))


def _refusal(error: type[errors.ApiError], description: str) -> dict[str, Any]:
    invalid = error is errors.BadRequest
    example = errors.ValidationFailed([_PROBLEM]) if invalid else error()
    schema = {"$ref": f"#/components/schemas/{'ValidationError' if invalid else 'Error'}"}
    return {"description": description, "content": _content(schema, example.document())}


def _content(schema: Any, example: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema, "examples": {"example": {"value": example}}}}


def _operation(operation: Operation, converter: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": ["Team" if operation.path.startswith("/team") else "Tasks"],
        "parameters": _parameters(operation, converter),
        "responses": {str(operation.status): _success(operation), **_refusals(operation)},
    }
    if operation.body_schema:
        schema = operation.body_schema
        described["requestBody"] = {"required": True, "content": _content(schema, _example(schema))}
    return described


def _parameters(operation: Operation, converter: Any) -> list[dict[str, Any]]:
    parts = (("path", operation.path_schema), ("query", operation.query_schema))
    return [
        _as_list(field, converter._field2parameter(field, name=str(field.data_key), location=location))
        for location, schema in parts
        if schema
        for field in schema.fields.values()
    ]


def _as_list(field: base.Field[Any], parameter: dict[str, Any]) -> dict[str, Any]:
    """A list of ids travels as one or more values; each is empty, or ids separated by commas."""
    if not isinstance(field, fields.IdList):
        return parameter
    id_pattern = fields.UUID_PATTERN.strip("^$")
    item = {"type": "string", "pattern": f"^({id_pattern}(,{id_pattern})*)?$"}
    parameter["schema"] |= {"items": item, "minItems": 1}
    return parameter | {"style": "form", "explode": True, "allowEmptyValue": True}


def _success(operation: Operation) -> dict[str, Any]:
    example = _example(operation.answer)
    description = "Created" if operation.status == 201 else "OK"
    return {
        "description": description,
        "content": _content(operation.answer, [example] if operation.answer.many else example),
    }


def _example(schema: Schema) -> dict[str, Any]:
    """An object made of the first example of each field."""
    named = {field.data_key or name: field for name, field in schema.fields.items()}
    return {name: _field_example(field) for name, field in named.items() if name not in _NOT_IN_EXAMPLES}


def _field_example(field: base.Field[Any]) -> Any:
    if isinstance(field, base.List):
        return [_field_example(field.inner)]
    if isinstance(field, base.Nested):
        return _example(field.schema)
    return field.metadata["examples"][0]


def _refusals(operation: Operation) -> dict[str, Any]:
    shared: dict[str, Any] = {
        str(error.status): {"$ref": f"#/components/responses/{error.__name__}"} for error in SHARED_REFUSALS
    }
    own = {
        str(status): _refusal(_OWN_REFUSALS[status], description) for status, description in operation.refusals.items()
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
    "additionalProperties": False,
}

_PROBLEM = errors.Problem(("responsibleIds", 1), "invalid_uuid", '"abc" is not a UUID of the form 8-4-4-4-12')

_VALIDATION_ERROR = {
    **_ERROR,
    "description": "A 400. When fields are invalid, it adds `errors`, one entry for each problem.",
    "properties": {
        **_ERROR["properties"],  # type: ignore[dict-item]
        "errors": {
            "type": "array",
            "description": "Every problem, in a stable order: path, query, body.",
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
                    "code": {"type": "string", "enum": sorted(contract.CODES), "description": "What is wrong."},
                },
                "additionalProperties": False,
            },
            "examples": [[_PROBLEM.document()]],
        },
    },
}


if __name__ == "__main__":
    print(json.dumps(document(), indent=2, ensure_ascii=False))
