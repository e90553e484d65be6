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
from mockserver.api.operations import BASE_PATH, SHARED_REFUSALS, Operation
from mockserver.api.views import OPERATIONS
from mockserver.faults import catalogue
from mockserver.web.openapi import PROBLEM, Description, content, refusal

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

_ERRORS = {error.status: error for error in SHARED_REFUSALS}
_SHARED = {error.status: text for error, text in SHARED_REFUSALS.items()} | catalogue.OF_ANY_SERVER
_TAGS = {"tasks": "Tasks", "team-members": "Team", "contacts": "Contacts"}
# Left out of examples: a status that is not needed, and the alternative to `newStatusName`.
_NOT_IN_EXAMPLES = ("statusId", "newStatusPosition")


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    description = Description("Vambe task API", _INFO, _SECURITY, [{"apiKey": []}])
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
    return _ERRORS[status].__name__ if status in _ERRORS else HTTPStatus(status).phrase.replace(" ", "")


def _refusal(status: int, text: str) -> dict[str, Any]:
    error = _ERRORS[status]() if status in _ERRORS else errors.InjectedError(status, rule="")
    example = errors.ValidationFailed([PROBLEM]) if status == 400 else error
    mark = {"x-mock-only": True} if status in catalogue.OF_THE_MOCK else {}
    return refusal(text, status, example.document()) | mark


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
    shared: dict[int, Any] = {status: {"$ref": f"#/components/responses/{_name(status)}"} for status in _SHARED}
    own = {status: _refusal(status, text) for status, text in operation.refusals.items()}
    return {str(status): answer for status, answer in sorted((shared | own).items())}


if __name__ == "__main__":
    print(json.dumps(document(), indent=2, ensure_ascii=False))
