"""Operations of the imitated API: a declaration on the view defines routing, validation and documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from marshmallow import Schema

from mockserver import errors
from mockserver.fidelity.assumptions import Assumed
from mockserver.store.contents import World

BASE_PATH = "/api/public"
CREATED = 201

SHARED_REFUSALS: dict[type[errors.ApiError], str] = {
    errors.BadRequest: "The body, the query or the path is invalid; `errors` lists every problem of their fields.",
    errors.Unauthorized: "The `x-api-key` header is missing, or its key is unknown or revoked.",
    errors.RequestTimeout: "The request did not arrive in time.",
    errors.PayloadTooLarge: "The body is larger than the server takes.",
    errors.UnsupportedMediaType: "The body's charset is not utf-8, or its `Content-Encoding` is not gzip or deflate.",
    errors.MisdirectedRequest: "The `Host` header names no host of this server.",
    errors.HeaderFieldsTooLarge: "The request line and headers are too long.",
    errors.InternalServerError: "Something went wrong.",
    errors.NotImplementedByServer: "The request uses a transfer coding other than `chunked`.",
    errors.InsufficientStorage: "The mock has no room to write to its database.",
}


class Call(NamedTuple):
    """The arguments of a view: the world, the calling user, and the request's well-formed parts.

    `locked` is True while the write lock is held. A view that writes calls `approve` after its checks.
    """

    world: World
    user_id: str
    path: dict[str, Any]
    query: dict[str, Any]
    body: dict[str, Any]
    approve: Callable[[], None]
    locked: bool = False


class Operation(NamedTuple):
    """One operation of the vendor's: its route, its view, and the schemas of its parts.

    With `many` it answers a list. `refusals` describes its error statuses besides those that all operations share.
    """

    id: str
    method: str
    path: str
    summary: str
    description: str
    view: Callable[[Call], Any]
    many: bool = False
    status: int = 200
    path_schema: Schema | None = None
    query_schema: Schema | None = None
    body_schema: Schema | None = None
    refusals: Mapping[int, str] = MappingProxyType({})

    def status_under(self, assumed: Assumed) -> int:
        """The status of its answer, under these switches."""
        return int(assumed["create-status"]) if self.status == CREATED else self.status

    def every_refusal(self) -> dict[int, str]:
        """Every documented error status, and its description."""
        shared = {error.status: description for error, description in SHARED_REFUSALS.items()}
        return dict(sorted({**shared, **self.refusals}.items()))


OPERATIONS: dict[str, Operation] = {}


def operation(id: str, method: str, path: str, **declared: Any) -> Callable[[Callable[[Call], Any]], Operation]:
    """Declare the decorated view as an operation; its docstring becomes the summary and the description."""

    def declare(view: Callable[[Call], Any]) -> Operation:
        summary, _, description = (view.__doc__ or "").partition("\n\n")
        unwrapped = "\n\n".join(" ".join(paragraph.split()) for paragraph in description.split("\n\n"))
        made = Operation(id, method, path, summary.rstrip("."), unwrapped.strip(), view, **declared)
        OPERATIONS[id] = made
        return made

    return declare
