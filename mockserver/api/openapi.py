"""The OpenAPI 3.1 description of the imitated API, generated from the declarations of its operations.

`docs/openapi.json` is a copy: `python -m mockserver.api.openapi > docs/openapi.json` regenerates it.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from marshmallow import Schema
from marshmallow import fields as base

from mockserver import errors
from mockserver.api.operations import BASE_PATH, SHARED_REFUSALS, Operation
from mockserver.api.views import OPERATIONS
from mockserver.web.openapi import PROBLEM, Description, content, refusal

_INFO = """\
The task API of Vambe, a conversational CRM, as vambe-mock imitates it.

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

# Left out of examples: a status that is not needed, and the alternative to `newStatusName`.
_NOT_IN_EXAMPLES = ("statusId", "newStatusPosition")


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    description = Description("Vambe task API", _INFO, _SECURITY, [{"apiKey": []}])
    spec = description.spec
    for error, text in SHARED_REFUSALS.items():
        spec.components.response(error.__name__, _refusal(error, text))
    for operation in OPERATIONS.values():
        operations = {operation.method.lower(): _operation(operation, description)}
        spec.path(BASE_PATH + operation.path, operations=operations)
    spec.tag({"name": "Tasks", "description": "Create, list, update and delete tasks."})
    spec.tag({"name": "Team", "description": "The people to whom tasks are assigned."})
    spec.components.schemas["UpdateTask"]["not"] = {"required": ["newStatusPosition", "newStatusName"]}
    return description.document()


def _refusal(error: type[errors.ApiError], text: str) -> dict[str, Any]:
    example = errors.ValidationFailed([PROBLEM]) if error is errors.BadRequest else error()
    return refusal(text, error.status, example.document())


def _operation(operation: Operation, description: Description) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": ["Team" if operation.path.startswith("/team") else "Tasks"],
        "parameters": description.parameters(path=operation.path_schema, query=operation.query_schema),
        "responses": {str(operation.status): _success(operation), **_refusals(operation)},
    }
    if operation.body_schema:
        schema = operation.body_schema
        described["requestBody"] = {"required": True, "content": content(schema, _example(schema))}
    return described


def _success(operation: Operation) -> dict[str, Any]:
    example = _example(operation.answer)
    return {
        "description": "Created" if operation.status == 201 else "OK",
        "content": content(operation.answer, [example] if operation.answer.many else example),
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
    own = {str(status): _refusal(errors.NotFound, text) for status, text in operation.refusals.items()}
    return dict(sorted((shared | own).items()))


if __name__ == "__main__":
    print(json.dumps(document(), indent=2, ensure_ascii=False))
