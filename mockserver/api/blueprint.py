"""The imitated API on Flask: its operations, unknown paths, `OPTIONS`, and headers of answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from flask import Flask, Response, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from mockserver.api import doors, views
from mockserver.api.operations import BASE_PATH
from mockserver.api.routes import NOWHERE, Route, Routes
from mockserver.config import Settings
from mockserver.engine import Engine, current_engine
from mockserver.errors import LIMIT_HEADER
from mockserver.faults.catalogue import Operation as DescribedOperation
from mockserver.web import hosts, rendering

_CONTROL_PLANE = re.compile(r"/__admin(/|\Z)")
_REQUEST_HEADERS = ("x-api-key", "content-type", "prefer", "x-request-id")
_ROUTES = Routes(views.OPERATIONS.values())
_EXPOSED_HEADERS = ("X-Mock-Request-Id", "X-Mock-Fault", LIMIT_HEADER, "Retry-After", "Preference-Applied")


def past_flask(app: Flask, engine: Engine) -> None:
    """Answer calls of the imitated API without Flask, where they need nothing of it."""
    app.wsgi_app = doors.past_flask(app.wsgi_app, engine, _ROUTES)  # type: ignore[method-assign]


def described() -> tuple[DescribedOperation, ...]:
    """The operations, as the control plane describes their failures."""
    return tuple(
        DescribedOperation(operation.id, operation.method, BASE_PATH + operation.path, operation.every_refusal())
        for operation in views.OPERATIONS.values()
    )


def register(app: Flask, settings: Settings) -> None:
    """Add the imitated API, its description and its CORS headers to an application."""
    app.add_url_rule("/openapi.json", "openapi", _description)
    app.before_request(_answer_options)
    app.before_request(_answer_imitated)
    app.after_request(_return_request_id)
    app.after_request(_vary_by_origin)
    rendering.register(app, _refuse_route)
    app.after_request(_let_pages_read(settings))


def _route() -> Route:
    return _ROUTES.find(request.method, doors.path_as_sent(request.environ))


def _answer(route: Route) -> Response:
    response: Response = doors.completed(doors.answer(current_engine(), request.environ, route), Response)
    return response


def _answer_imitated() -> Response | None:
    """Answer what is for the imitated API; `//` and `%2F` lead nowhere, although Flask would skip them."""
    route = _route()
    doubled = "//" in doors.path_as_sent(request.environ).lower().replace("%2f", "//")
    return _answer(route) if route.methods or doubled else None


def _description() -> Response:
    from mockserver.api import openapi  # imports apispec: on first use
    from mockserver.web.openapi import served_at

    return rendering.respond(served_at(rendering.base_url(), openapi.document()))


def _refuse_route(error: HTTPException) -> Response:
    """Answer a request that no route matches, or not with this method; the vendor has none of the mock's pages."""
    own = _CONTROL_PLANE.match(request.path)
    return rendering.render(rendering.translated(error)) if own else _answer(NOWHERE)


def _return_request_id(response: Response) -> Response:
    sent = doors.request_id(request.headers.get("X-Request-Id"))
    if sent and not _CONTROL_PLANE.match(request.path):
        response.headers["X-Request-Id"] = sent
    return response


def _answer_options() -> Response | None:
    """Answer `OPTIONS` before any check, so that a preflight needs no key and no route."""
    if request.method != "OPTIONS":
        return None
    imitated = _route().methods
    own = request_ctx.url_adapter.allowed_methods() if request_ctx.url_adapter else ()
    allowed = {*imitated, "OPTIONS"} if imitated else own
    response = Response(status=200, headers={"Allow": ", ".join(sorted(allowed))})
    del response.headers["Content-Type"]  # there is no content
    return response


def _vary_by_origin(response: Response) -> Response:
    # Flask-Cors adds it only for an allowed origin: a cache could serve its page an answer without CORS headers.
    if "Vary" in response.headers:
        response.vary.add("Origin")
    else:
        response.headers["Vary"] = "Origin"
    return response


def _let_pages_read(settings: Settings) -> Callable[[Response], Response]:
    """A hook that adds CORS headers to answers for pages of other origins, which send an `Origin`."""

    @cache
    def readable(of_the_mock: bool) -> Callable[[Response], Response]:
        from flask_cors import cross_origin  # on first use

        headers: Callable[..., Callable[[Response], Response]] = cross_origin(
            origins=hosts.exact_origins(settings.admin_origin) if of_the_mock else hosts.origins(settings.cors_origin),
            allow_headers=[*_REQUEST_HEADERS, *(["Authorization"] if of_the_mock else [])],
            expose_headers=_EXPOSED_HEADERS,
            methods=["GET", "HEAD", "POST", "PUT", *(["PATCH"] if of_the_mock else []), "DELETE", "OPTIONS"],
            always_send=False,
            send_wildcard=True,
            allow_private_network=True,
            automatic_options=False,
        )
        return headers(lambda response: response)

    def let(response: Response) -> Response:
        of_the_mock = bool(_CONTROL_PLANE.match(request.path))
        return readable(of_the_mock)(response) if "Origin" in request.headers else response

    return let
