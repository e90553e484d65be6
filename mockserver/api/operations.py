"""The operations of the imitated API: declared on the view, used to route, to read, to answer and to document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from marshmallow import Schema

from mockserver.store.world import World

BASE_PATH = "/api/public"


class Call(NamedTuple):
    """What a view works on: the world, the user who calls, and the request's parts, well-formed."""

    world: World
    user_id: str
    path: dict[str, Any]
    query: dict[str, Any]
    body: dict[str, Any]


class Operation(NamedTuple):
    """One operation of the vendor's: its route, the schemas of its parts, its answer, and its view.

    `refusals` describes the statuses that only this operation has, beside those that all share.
    """

    id: str
    method: str
    path: str
    summary: str
    description: str
    view: Callable[[Call], Any]
    answer: Schema
    status: int = 200
    path_schema: Schema | None = None
    query_schema: Schema | None = None
    body_schema: Schema | None = None
    refusals: Mapping[int, str] = MappingProxyType({})

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{", "<string:").replace("}", ">")


OPERATIONS: dict[str, Operation] = {}


def operation(id: str, method: str, path: str, **declared: Any) -> Callable[[Callable[[Call], Any]], Operation]:
    """Declare the decorated view as an operation; its docstring becomes the summary and the description."""

    def declare(view: Callable[[Call], Any]) -> Operation:
        summary, _, description = (view.__doc__ or "").partition("\n\n")
        made = Operation(id, method, path, summary.rstrip("."), _unwrapped(description), view, **declared)
        OPERATIONS[id] = made
        return made

    return declare


def _unwrapped(text: str) -> str:
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
