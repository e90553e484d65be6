"""Reading a request: size, JSON, then path, query and fields together (contract, section 1, "Order of decisions")."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import request
from marshmallow import Schema
from werkzeug.datastructures import MultiDict

from mockserver import fields, wire
from mockserver.api.operations import Operation
from mockserver.errors import BadRequest, PayloadTooLarge, Problem, ValidationFailed
from mockserver.sandbox.advice import Sent


def read_body(max_body: int) -> bytes:
    """The request's bytes; PayloadTooLarge when there are more than `max_body`.

    The server sets `mockserver.body_too_large` when it stopped reading because of the size.
    """
    length = request.content_length or 0
    if length > max_body or request.environ.get("mockserver.body_too_large"):
        raise PayloadTooLarge(f"The request body is over {max_body} bytes")
    return request.get_data()


class Reading(NamedTuple):
    """A request as its operation's schemas make it, and what is to be said of it."""

    parts: dict[str, dict[str, Any]]
    document: dict[str, Any]
    problems: tuple[Problem, ...] = ()
    unread_keys: tuple[str, ...] = ()
    unread_names: tuple[str, ...] = ()
    repeated_keys: tuple[str, ...] = ()

    def require(self) -> None:
        """Raise ValidationFailed when there are problems."""
        if self.problems:
            raise ValidationFailed(self.problems)

    def sent(self, operation: str | None) -> Sent:
        """What advice is made from."""
        query = request.args.to_dict()
        return Sent(operation, self.document, query, self.unread_keys, self.unread_names, self.repeated_keys)


def read(operation: Operation, path: dict[str, str], body: bytes, strict: bool) -> Reading:
    """The path, query and body of a request as its operation's schemas make them, and every problem.

    Raises BadRequest for a body that is not a JSON object: nothing else can be said of it.
    """
    repeated_keys: list[str] = []
    document = _object(body, repeated_keys) if operation.body_schema else {}
    query, repeated = _query(operation.query_schema, request.args)
    loaded = {
        "path": _load(operation.path_schema, path),
        "query": _load(operation.query_schema, query, repeated),
        "body": _load(operation.body_schema, document),
    }
    problems = [problem for _, found in loaded.values() for problem in found]
    unread_keys = _unread(operation.body_schema, document)
    if strict and operation.body_schema:
        problems += _strict(document, unread_keys)
    return Reading(
        {name: values for name, (values, _) in loaded.items()},
        document,
        tuple(problems),
        unread_keys,
        _unread(operation.query_schema, (name.removesuffix("[]") for name in request.args)),
        tuple(repeated_keys),
    )


def _unread(schema: Schema | None, names: Iterable[str]) -> tuple[str, ...]:
    """The names that no field of the schema reads."""
    known = {field.data_key for field in schema.fields.values()} if schema else set()
    return tuple(name for name in names if name not in known)


def _object(body: bytes, repeated: list[str]) -> dict[str, Any]:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        sent = f"not {wire.quoted(media_type)}" if media_type else "which is missing"
        raise BadRequest(f"The Content-Type must be application/json, {sent}")
    try:
        document = wire.decode(body, repeated)
    except wire.NotJson as error:
        raise BadRequest(f"The body is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadRequest(f"The body must be a JSON object, not {fields.kind_of(document)}")
    return document


def _load(
    schema: Schema | None, document: dict[str, Any], known: list[Problem] | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    if schema is None:
        return {}, []
    values, problems = fields.load(schema, document)
    settled = {problem.path[0] for problem in known or ()}
    return values, [*(known or ()), *(problem for problem in problems if problem.path[0] not in settled)]


def _query(schema: Schema | None, sent: MultiDict[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """The query as a document for the schema, and the parameters that may not be repeated but are."""
    document: dict[str, Any] = {}
    repeated = []
    for declared in schema.fields.values() if schema else ():
        name = str(declared.data_key)
        if isinstance(declared, fields.IdList):
            texts = [*sent.getlist(name), *sent.getlist(f"{name}[]")]
            if texts:
                document[name] = [text for piece in texts if piece for text in piece.split(",")]
        elif name in sent:
            document[name] = sent[name]
            if len(sent.getlist(name)) > 1:
                repeated.append(Problem((name,), "repeated", "Must be given once"))
    return document, repeated


def _strict(document: dict[str, Any], unread_keys: Iterable[str]) -> list[Problem]:
    """What strict mode refuses beyond the vendor (contract, section 7)."""
    problems = []
    if document.get("dueTime") is not None and document.get("timezone") is None:
        message = "Strict mode: dueTime needs a timezone; the vendor would take UTC"
        problems.append(Problem(("timezone",), "strict_timezone", message))
    for key in unread_keys:
        message = f"Strict mode: nothing reads {wire.quoted(key)}; the vendor would ignore it"
        problems.append(Problem((key,), "strict_unread_key", message))
    return problems
