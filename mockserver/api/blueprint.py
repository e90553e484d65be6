"""The imitated API on Flask: one route for each operation, and the one path that every request takes."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Blueprint, Flask, Response, request
from flask.globals import request_ctx
from flask_cors import CORS

from mockserver import hosts, rendering
from mockserver.api import openapi, reading, views
from mockserver.api.operations import BASE_PATH, Call, Operation
from mockserver.mock import Mock, current_mock
from mockserver.sandbox.sandboxes import actor

KEY_HEADER = "x-api-key"
_REQUEST_HEADERS = ("x-api-key", "content-type", "prefer", "x-request-id")
_EXPOSED_HEADERS = ("X-Mock-Request-Id", "X-Mock-Fault", "Retry-After", "Preference-Applied")


def register(app: Flask, mock: Mock) -> None:
    """Add the imitated API, its description and its CORS headers to an application."""
    blueprint = Blueprint("api", __name__, url_prefix=BASE_PATH)
    for operation in views.OPERATIONS.values():
        blueprint.add_url_rule(operation.rule, operation.id, _view(operation), methods=[operation.method])
    app.register_blueprint(blueprint)
    app.add_url_rule("/openapi.json", "openapi", openapi.view)
    app.before_request(_answer_options)
    app.after_request(_vary_by_origin)
    rendering.register(app)
    CORS(
        app,
        resources=r"(?!/__admin(/|\Z))",
        origins=_origins(mock.settings.cors_origin),
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_EXPOSED_HEADERS,
        methods=["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"],
        always_send=False,
        send_wildcard=True,
        allow_private_network=True,
    )


def _view(operation: Operation) -> Callable[..., Response]:
    return lambda **path: answer(operation, path)


def answer(operation: Operation, path: dict[str, str]) -> Response:
    """Answer a request: key, size, JSON, fields, then the view, in one transaction."""
    mock = current_mock()
    caller = mock.keys.caller(request.headers.get(KEY_HEADER))
    request.environ["mockserver.sandbox"] = caller.sandbox
    body = reading.read_body(mock.settings.max_body)
    with mock.sandboxes.open(caller.sandbox) as world:
        user_id = actor(world, caller)
        parts = reading.read(operation, path, body, mock.settings.strict)
        result = operation.view(Call(world, user_id, **parts))
        return rendering.respond(operation.answer.dump(result), operation.status)


def _answer_options() -> Response | None:
    """Answer `OPTIONS` before anything is looked at, so that a preflight needs no key and no route."""
    if request.method != "OPTIONS":
        return None
    allowed = request_ctx.url_adapter.allowed_methods() if request_ctx.url_adapter else ()
    response = Response(status=204, headers={"Allow": ", ".join(sorted(allowed))})
    del response.headers["Content-Type"]
    return response


def _vary_by_origin(response: Response) -> Response:
    # Flask-Cors says so only where it lets an origin in: a cache could give that page an answer made for none.
    response.vary.add("Origin")
    return response


def _origins(allowed: tuple[str, ...]) -> list[str | re.Pattern[str]]:
    # Patterns of our own: Flask-Cors would read brackets or dots in an origin as a regular expression.
    return ["*"] if "*" in allowed else [hosts.LOOPBACK_ORIGIN, *(hosts.exactly(origin) for origin in allowed)]
