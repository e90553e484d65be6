"""The OpenAPI 3.1 description of the control plane, generated from the declarations of its calls."""

from __future__ import annotations

from functools import cache

from mockserver.admin.calls import Declared, find
from mockserver.admin.guard import OPEN_PATH
from mockserver.admin.routes import BASE_PATH, ROUTES
from mockserver.admin.schemas import SANDBOX
from mockserver.formats.json import Document
from mockserver.web.bodies import JSON
from mockserver.web.openapi import ERROR_KEYS, PLACE, Description, content, described_object, refusal

_REFUSALS = {
    400: "The call cannot be understood; `errors` lists every problem.",
    401: "The admin token is missing or wrong, or `x-api-key` opens no sandbox.",
    403: "A page of another origin calls.",
    404: "The sandbox, or what is named, does not exist.",
    413: "The body is larger than `--max-body`.",
    415: "The body is not `application/json`.",
    421: "The `Host` header names no host of this server.",
    503: "The limit of sandboxes, or of waiting calls, is reached; `X-Mock-Limit` names it.",
    507: "There is no room to write to the database.",
}
_SECURITY: dict[str, Document] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The admin token."},
    "basic": {"type": "http", "scheme": "basic", "description": "The admin token as password, with any user name."},
}
_PROBLEM = {"path": PLACE, "message": {"type": "string", "description": "What is wrong, for a person."}}
_PROBLEMS: Document = {
    "type": "array",
    "description": "Every problem, in a stable order.",
    "items": described_object(_PROBLEM, _PROBLEM),
}
_ERROR = described_object(ERROR_KEYS, ERROR_KEYS, description="Every error has this shape.")
_ERRORS = {
    "Error": _ERROR,
    "ValidationError": described_object(
        ERROR_KEYS | {"errors": _PROBLEMS}, ERROR_KEYS, description="A 400. A refused body or query adds `errors`."
    ),
}
_FOUND = {
    "passed": {"const": False},
    "expected": {"type": "object"},
    "actual": {"type": "integer"},
    "near_misses": {"type": "array", "items": {"type": "object"}},
}


@cache
def document() -> Document:
    """The whole description; authentication is optional, as a server on loopback needs no token."""
    about = "Calls about the mock itself; no part of the vendor's API."
    required: list[Document] = [{}, *({name: []} for name in _SECURITY)]
    description = Description("vambe-mock control plane", about, _SECURITY, required, _ERRORS)
    failed = {**_ERROR, "required": [*ERROR_KEYS, *_FOUND], "properties": ERROR_KEYS | _FOUND}
    description.spec.components.schema("FailedVerification", failed)
    for method, path, call in ROUTES:
        operations = {method.lower(): _call(find(call), BASE_PATH + path, description)}
        description.spec.path(BASE_PATH + path, operations=operations)
    return description.document()


def _call(declared: Declared, path: str, description: Description) -> Document:
    answer = {"schema": {"type": "object" if declared.media_type == JSON else "string"}}
    described: Document = {
        "operationId": declared.view.__name__.title().replace("_", ""),
        "summary": declared.summary,
        "parameters": [
            *description.parameters(path=declared.path_schema, query=declared.query_schema),
            *description.parameters(query=SANDBOX if declared.about_a_sandbox else None),
        ],
        "responses": {
            str(declared.status): {"description": "Done", "content": {declared.media_type: answer}},
            **{str(status): refusal(text, status) for status, text in _REFUSALS.items()},
        },
    }
    if declared.failure:
        schema = {"$ref": "#/components/schemas/FailedVerification"}
        described["responses"]["409"] = {"description": declared.failure, "content": content(schema)}
    if declared.body_schema:
        required = declared.needs_body or any(field.required for field in declared.body_schema.fields.values())
        described["requestBody"] = {"required": required, "content": content(declared.body_schema)}
    if path == OPEN_PATH:
        described["security"] = []
    return described
