"""Reading a request: encoding, JSON, path, then query and fields together (contract, section 1, order-of-decisions)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Mapping, Set
from functools import cache
from typing import Any, NamedTuple

from marshmallow import Schema

from mockserver.api.operations import Operation
from mockserver.errors import (
    BadRequest,
    InvalidId,
    PayloadTooLarge,
    Problem,
    Undecodable,
    UnsupportedMediaType,
    ValidationFailed,
)
from mockserver.fidelity.advice import RequestContent
from mockserver.fidelity.assumptions import Assumed
from mockserver.formats import dates, fields, zod
from mockserver.formats import json as wire_json
from mockserver.journal.messages import Received
from mockserver.web.bodies import JSON, media_type

_LIST = "responsibleIds"  # of the query: a list of ids
Query = Mapping[str, list[str]]

_CHARSET = re.compile(r""";\s*charset\s*=\s*"?([^\s";]+)""", re.IGNORECASE)
_WINDOW_BITS = {"gzip": 31, "deflate": 15}  # of zlib


class Reading(NamedTuple):
    """A request as its operation's schemas load it, its problems, its unread keys and parameters, its repeated keys.

    `relied` are the undocumented rules by which a request without problems was understood.
    """

    parts: dict[str, dict[str, Any]]
    document: dict[str, Any]
    problems: tuple[Problem, ...] = ()
    unread_keys: tuple[str, ...] = ()
    unread_parameters: tuple[str, ...] = ()
    repeated_keys: tuple[str, ...] = ()
    relied: Set[str] = frozenset()

    def require(self) -> None:
        """Raise ValidationFailed when there are problems."""
        if self.problems:
            raise ValidationFailed(self.problems)

    def content(self, operation: str | None, received: Received) -> RequestContent:
        """The content of the request, for advice and the journal."""
        return RequestContent(
            operation,
            self.document,
            self.unread_keys,
            self.unread_parameters,
            self.repeated_keys,
            received.query,
            received.headers,
            self.relied,
            received.as_written,
            len(received.body) if self.document else 0,
            not self.problems,
        )


def decoded(received: Received, limit: int) -> Received:
    """The request with its body decoded as `Content-Encoding` says, when it is one of JSON.

    Raises UnsupportedMediaType for another charset or encoding, PayloadTooLarge for more than `limit` decoded bytes,
    and Undecodable for a body that is not what it says.
    """
    content_type = received.headers.get("content-type", "")
    if media_type(content_type) != JSON:
        return received
    if ";" in content_type and (charset := _CHARSET.search(content_type)) and charset[1].lower() != "utf-8":
        raise UnsupportedMediaType(f'unsupported charset "{wire_json.hidden(charset[1]).upper()}"')
    sent = received.headers.get("content-encoding", "")
    encoding = sent.lower()
    if encoding in ("", "identity"):
        return received
    if encoding not in _WINDOW_BITS:
        raise UnsupportedMediaType(f'unsupported content encoding "{wire_json.hidden(sent).lower()}"')
    return received._replace(body=_inflated(received.body, encoding, limit)) if received.body else received


def _inflated(body: bytes, encoding: str, limit: int) -> bytes:
    inflated, rest = b"", body
    while rest and (rest is body or (encoding == "gzip" and rest[0])):  # another member, not padding
        stream = zlib.decompressobj(_WINDOW_BITS[encoding])
        try:
            inflated += stream.decompress(rest, limit + 1 - len(inflated))
        except zlib.error as error:
            raise Undecodable(f"The body is not {encoding}: {error}") from None
        if len(inflated) > limit:
            raise PayloadTooLarge
        if not stream.eof:
            raise Undecodable(f"The body is not {encoding}: it ends too early")
        rest = stream.unused_data
    return inflated


def read(operation: Operation, path: Mapping[str, str], received: Received, assumed: Assumed) -> Reading:
    """Load the path, query and body of a request with its operation's schemas, and collect every problem.

    `assumed` are the switches under which it is read. Raises BadRequest for a body that is not JSON and InvalidId for
    the id in the path, without looking for other problems.
    """
    relied: set[str] = set()
    repeated_keys: list[str] = []
    problems: list[Problem] = []
    unread_keys: tuple[str, ...] = ()
    parts: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "body": {}}
    document, misfit = _document(received, repeated_keys, relied, assumed) if operation.body_schema else ({}, None)
    if operation.path_schema:
        parts["path"], invalid = fields.load(operation.path_schema, path, relied)
        if invalid:
            raise InvalidId(problems=invalid)
    if operation.query_schema:
        query, repeated = _query(operation.query_schema, received.query, relied, assumed)
        parts["query"], found = fields.load(operation.query_schema, query, relied)
        problems += _joined(repeated, found)
    if misfit:
        problems.append(misfit)
    elif operation.body_schema:
        parts["body"], found = fields.load(operation.body_schema, document, relied)
        if found or "due-date-offset" in relied:  # the date's field notes it, unless a problem came first
            found = _joined(_refused_by_a_switch(document, relied, assumed), found)
        problems += found
        unread_keys = _unread(operation.body_schema, document)
    if problems and "comma-list" in relied:
        problems = [each._replace(rule="comma-list") if each.path[:1] == (_LIST,) else each for each in problems]
    sent_names = [name.removesuffix("[]") for name in received.query] if received.query else []
    unread_parameters = _unread(operation.query_schema, sent_names) if sent_names else ()
    if unread_keys or unread_parameters:
        relied.add("unknown-keys")
    if repeated_keys:
        relied.add("repeated-keys")
    if not received.as_written:
        relied.add("path-matching")
    return Reading(parts, document, tuple(problems), unread_keys, unread_parameters, tuple(repeated_keys), relied)


def _document(
    received: Received, repeated_keys: list[str], relied: set[str], assumed: Assumed
) -> tuple[dict[str, Any], Problem | None]:
    """The body as a JSON object, or the problem that it is none; BadRequest for what is not JSON at all."""
    content_type = received.headers.get("content-type", "")
    if media_type(content_type) != JSON:
        given = media_type(wire_json.hidden(content_type))
        found = f"not {wire_json.quoted(given)}" if given else "which is missing"
        return {}, _misfit(f"The Content-Type must be {JSON}, {found}", "undefined", "content-type")
    if not received.body:
        relied.add("empty-body")
        if assumed["empty-body"] == "refused":
            return {}, _misfit("The body is empty", "undefined", "empty-body")
        return {}, None
    if "content-encoding" in received.headers:
        relied.add("content-encoding")
    try:
        document = wire_json.decode(received.body, repeated_keys)
    except wire_json.NotJson as error:
        raise BadRequest(f"The body is not valid JSON: {error}") from None
    if isinstance(document, list):
        return {}, _misfit("The body must be a JSON object, not an array", "array", "body-object")
    if not isinstance(document, dict):
        raise BadRequest(f"The body must be a JSON object, not {fields.kind_of(document)}")
    return document, None


def _misfit(message: str, received: str, rule: str) -> Problem:
    return Problem((), "invalid_type", message, rule, issue=zod.invalid_type("object", received))


def _unread(schema: Schema | None, names: Collection[str]) -> tuple[str, ...]:
    """The names that no field of the schema reads."""
    known = _known(schema) if schema else frozenset()
    return () if known.issuperset(names) else tuple([name for name in names if name not in known])


@cache
def _known(schema: Schema) -> frozenset[str | None]:
    return frozenset(field.data_key for field in schema.fields.values())


def _joined(known: list[Problem], found: list[Problem]) -> list[Problem]:
    """Problems that are known, and those found in other fields."""
    if not known:
        return found
    settled = {problem.path[0] for problem in known}
    return [*known, *(problem for problem in found if problem.path[0] not in settled)]


def _refused_by_a_switch(document: Mapping[str, Any], relied: set[str], assumed: Assumed) -> list[Problem]:
    """The problems of a body that a switch refuses, not its schema."""
    due_date = document.get("dueDate")
    if not isinstance(due_date, str) or not dates.is_outside_utc(due_date):
        return []
    relied.add("due-date-offset")
    if assumed["due-date-offset"] == "accepted":
        return []
    message = f"{wire_json.quoted(due_date)} does not end with Z"
    return [Problem(("dueDate",), "invalid_date", message, "due-date-offset", issue=zod.INVALID_DATE_TIME)]


def _query(schema: Schema, sent: Query, relied: set[str], assumed: Assumed) -> tuple[dict[str, Any], list[Problem]]:
    """The query as a document for the schema, and a problem for each parameter that must not be repeated but is."""
    document: dict[str, Any] = {}
    repeated = []
    for declared in schema.fields.values():
        name = str(declared.data_key)
        if isinstance(declared, fields.IdList):
            texts = [*sent.get(name, ()), *sent.get(f"{name}[]", ())]
            if texts:
                document[name] = [text for text in texts if text]
                if len(texts) > 1 or f"{name}[]" in sent:
                    relied.add("list-repeated-ids")
                if any("," in text for text in texts):
                    relied.add("comma-list")
                    if assumed["comma-list"] == "accepted":
                        document[name] = [text for piece in document[name] for text in piece.split(",")]
        elif isinstance(declared, fields.Strict) and name in sent:
            document[name] = sent[name][0]
            if len(sent[name]) > 1:
                issue = declared.unexpected("array")
                repeated.append(Problem((name,), "repeated", "Must be given once", "list-repeated", issue=issue))
    return document, repeated
