"""Reading a request: size, JSON, then path, query and fields together (contract, section 1, order-of-decisions)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from functools import cache
from typing import Any, NamedTuple

from marshmallow import Schema

from mockserver.api.operations import Operation
from mockserver.errors import Problem, ValidationFailed
from mockserver.fidelity.advice import RequestContent
from mockserver.formats import fields
from mockserver.formats import json as wire_json
from mockserver.journal.messages import Received
from mockserver.web.bodies import read_object

Query = Mapping[str, list[str]]


class Reading(NamedTuple):
    """A request as its operation's schemas load it, its problems, and its unread and repeated keys.

    `relied` are the undocumented rules by which a request without problems was understood.
    """

    parts: dict[str, dict[str, Any]]
    document: dict[str, Any]
    problems: tuple[Problem, ...] = ()
    unread_keys: tuple[str, ...] = ()
    unread_names: tuple[str, ...] = ()
    repeated_keys: tuple[str, ...] = ()
    relied: Set[str] = frozenset()

    def require(self) -> None:
        """Raise ValidationFailed when there are problems."""
        if self.problems:
            raise ValidationFailed(self.problems)

    def content(self, operation: str | None, received: Received) -> RequestContent:
        """The content of the request, for advice and the journal."""
        query = {name: texts[0] for name, texts in received.query.items()}
        names = self.unread_keys, self.unread_names, self.repeated_keys
        return RequestContent(operation, self.document, query, *names, received.headers)

    def strictly(self) -> Reading:
        """Add the problems of strict mode (contract, section 7)."""
        return self._replace(problems=(*self.problems, *_strict(self.document, self.unread_keys)))


def read(operation: Operation, path: Mapping[str, str], received: Received) -> Reading:
    """Load the path, query and body of a request with its operation's schemas, and collect every problem.

    Raises BadRequest for a body that is not a JSON object, without looking for other problems.
    """
    relied: set[str] = set()
    repeated_keys: list[str] = []
    content_type = received.headers.get("content-type", "")
    document = read_object(content_type, received.body, repeated_keys) if operation.body_schema else {}
    query, repeated = _query(operation.query_schema, received.query, relied) if operation.query_schema else ({}, [])
    loaded = {
        "path": _load(operation.path_schema, path, relied),
        "query": _load(operation.query_schema, query, relied, repeated),
        "body": _load(operation.body_schema, document, relied),
    }
    unread_keys = _unread(operation.body_schema, document)
    unread_names = _unread(operation.query_schema, [name.removesuffix("[]") for name in received.query])
    if unread_keys or unread_names:
        relied.add("unknown-keys")
    if repeated_keys:
        relied.add("json")
    return Reading(
        {name: values for name, (values, _) in loaded.items()},
        document,
        tuple([problem for _, found in loaded.values() for problem in found]),
        unread_keys,
        unread_names,
        tuple(repeated_keys),
        relied,
    )


def _unread(schema: Schema | None, names: Iterable[str]) -> tuple[str, ...]:
    """The names that no field of the schema reads."""
    known = _known(schema) if schema else ()
    return tuple([name for name in names if name not in known])


@cache
def _known(schema: Schema) -> frozenset[str | None]:
    return frozenset(field.data_key for field in schema.fields.values())


def _load(
    schema: Schema | None, document: Mapping[str, Any], relied: set[str], known: list[Problem] | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    if schema is None:
        return {}, []
    values, problems = fields.load(schema, document, relied)
    settled = {problem.path[0] for problem in known or ()}
    return values, [*(known or ()), *(problem for problem in problems if problem.path[0] not in settled)]


def _query(schema: Schema, sent: Query, relied: set[str]) -> tuple[dict[str, Any], list[Problem]]:
    """The query as a document for the schema, and a problem for each parameter that must not be repeated but is."""
    document: dict[str, Any] = {}
    repeated = []
    for declared in schema.fields.values():
        name = str(declared.data_key)
        if isinstance(declared, fields.IdList):
            texts = [*sent.get(name, ()), *sent.get(f"{name}[]", ())]
            if texts:
                document[name] = [text for piece in texts if piece for text in piece.split(",")]
                if len(texts) > 1 or "," in texts[0] or f"{name}[]" in sent:
                    relied.add(declared.rule)
        elif name in sent:
            document[name] = sent[name][0]
            if len(sent[name]) > 1:
                repeated.append(Problem((name,), "repeated", "Must be given once", "list-repeated"))
    return document, repeated


def _strict(document: dict[str, Any], unread_keys: Iterable[str]) -> list[Problem]:
    """The problems that only strict mode has (contract, section 7)."""
    problems = []
    if document.get("dueTime") is not None and document.get("timezone") is None:
        message = "Strict mode: dueTime needs a timezone; the vendor would take UTC"
        problems.append(Problem(("timezone",), "strict_timezone", message, "strict-timezone"))
    for key in unread_keys:
        message = f"Strict mode: nothing reads {wire_json.quoted(key)}; the vendor would ignore it"
        problems.append(Problem((key,), "strict_unread_key", message, "strict-unread-key"))
    return problems
