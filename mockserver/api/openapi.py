"""The OpenAPI 3.1 description of the imitated API, generated from the declarations of its operations.

`docs/openapi.json` is a copy: `python -m mockserver.api.openapi > docs/openapi.json` regenerates it.
"""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from typing import Any

from marshmallow import Schema
from marshmallow import fields as base

from mockserver import errors
from mockserver.api import answer_schemas, answers
from mockserver.api.operations import BASE_PATH, SHARED_REFUSALS, Operation
from mockserver.api.views import OPERATIONS
from mockserver.faults import catalogue
from mockserver.formats import zod
from mockserver.formats.json import Document
from mockserver.web.openapi import ERROR_KEYS, PLACE, Description, content, described_object, refusal

_INFO = """\
The task API of Vambe, a conversational CRM, as vambe-mock imitates it. Responses with `x-mock-only` are the mock's own:
the vendor's API does not have them.

Any key `test_<name>` (1 to 64 of `A-Z a-z 0-9 . _ -`) opens the sandbox of that name, a world of its own;
`test_default` is the one that the documentation uses.
"""
_SECURITY = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "`test_<name>`, or a key of the team.",
    }
}

_KNOWN = {error.status: error for error in SHARED_REFUSALS}
_SHARED = {error.status: text for error, text in SHARED_REFUSALS.items()} | catalogue.OF_ANY_SERVER
_TAGS = {"tasks": "Tasks", "team-members": "Team", "contacts": "Contacts"}
_TEXT: Document = {"type": "string"}
_ISSUE: Document = {
    "code": _TEXT | {"description": "What is wrong, as Zod names it.", "examples": ["invalid_type"]},
    "path": PLACE,
    "message": _TEXT | {"description": "What is wrong, for a person.", "examples": ["Invalid UUID"]},
}
_DETAILS: Document = {
    "expected": _TEXT | {"description": "`invalid_type`: the type of the field.", "examples": ["string"]},
    "origin": _TEXT | {"description": "What has the wrong size or format.", "examples": ["string"]},
    "minimum": {"type": "number", "description": "`too_small`: the bound."},
    "maximum": {"type": "number", "description": "`too_big`: the bound."},
    "received": _TEXT | {"description": "`invalid_type` of a number: `NaN`.", "examples": ["NaN"]},
    "inclusive": {"type": "boolean", "description": "True when the bound itself is allowed."},
    "format": _TEXT | {"description": "The expected format; `safeint` is a whole number.", "examples": ["uuid"]},
    "pattern": _TEXT | {"description": "`invalid_format`: the expected pattern."},
    "values": {"type": "array", "description": "`invalid_value`: the allowed values.", "items": _TEXT},
}
_ISSUES: Document = {
    "type": "array",
    "description": "Every issue, in a stable order: query, body.",
    "items": described_object(_ISSUE | _DETAILS, _ISSUE),
}
_PROBLEM = errors.Problem(("responsibleIds", 1), "invalid_uuid", "Invalid UUID", issue=zod.INVALID_UUID)
_REQUIRED = ("message", "statusCode")
_ERRORS = {
    "Error": described_object(
        ERROR_KEYS, _REQUIRED, description="Every error has this shape; 413, 415 and 500 have no `error`."
    ),
    "ValidationError": described_object(
        ERROR_KEYS | {"errors": _ISSUES},
        _REQUIRED,
        description="A 400. Invalid fields are listed in `errors`; every other 400 has an `error` instead, "
        "but for a body that is not in the encoding that it names.",
    ),
}

# Left out of examples: a status that is not needed, and the alternative to `newStatusName`.
_NOT_IN_EXAMPLES = ("statusId", "newStatusPosition")


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    description = Description("Vambe task API", _INFO, _SECURITY, [{"apiKey": []}], _ERRORS)
    spec = description.spec
    for status, text in _SHARED.items():
        spec.components.response(_name(status), _refusal(status, text))
    for operation in OPERATIONS.values():
        operations = {operation.method.lower(): _operation(operation, description)}
        spec.path(BASE_PATH + operation.path, operations=operations)
    spec.tag({"name": "Tasks", "description": "Create, list, update and delete tasks."})
    spec.tag({"name": "Team", "description": "The people to whom tasks are assigned."})
    spec.tag({"name": "Contacts", "description": "The people whom tasks are about."})
    spec.components.schemas["UpdateTask"]["not"] = {"required": ["newStatusPosition", "newStatusName"]}
    return description.document()


def _name(status: int) -> str:
    return _KNOWN[status].__name__ if status in _KNOWN else HTTPStatus(status).phrase.replace(" ", "")


def _refusal(status: int, text: str) -> dict[str, Any]:
    error = _KNOWN[status]() if status in _KNOWN else errors.InjectedError(status, rule="")
    example = errors.ValidationFailed([_PROBLEM]) if status == 400 else error
    mark = {"x-mock-only": True} if status in catalogue.OF_THE_MOCK else {}
    return refusal(text, status, answers.body(example)) | mark


def _operation(operation: Operation, description: Description) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [_TAGS[operation.path.split("/")[1]]],
        "parameters": description.parameters(path=operation.path_schema, query=operation.query_schema),
        "responses": {str(operation.status): _success(operation), **_refusals(operation)},
    }
    if operation.body_schema:
        schema = operation.body_schema
        described["requestBody"] = {"required": True, "content": content(schema, _example(schema))}
    return described


def _success(operation: Operation) -> dict[str, Any]:
    answer = answer_schemas.OF_OPERATIONS[operation.id](many=operation.many)
    example = _example(answer)
    return {
        "description": "Created" if operation.status == 201 else "OK",
        "content": content(answer, [example] if answer.many else example),
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
    shared: dict[int, Any] = {status: {"$ref": f"#/components/responses/{_name(status)}"} for status in _SHARED}
    own = {status: _refusal(status, text) for status, text in operation.refusals.items()}
    return {str(status): answer for status, answer in sorted((shared | own).items())}


if __name__ == "__main__":
    print(json.dumps(document(), indent=2, ensure_ascii=False))
