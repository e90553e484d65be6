"""Rendering of answers: documents as JSON, errors in their one shape (contract, section 1)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, Response, request
from werkzeug import exceptions

from mockserver import errors
from mockserver.formats import json as wire_json

_log = logging.getLogger("mockserver")


def base_url() -> str:
    """The URL of the mock as the client of this request addresses it, without a slash at its end."""
    return f"{request.scheme}://{request.host}{request.script_root}"


def respond(document: object, status: int = 200) -> Response:
    """An answer with a JSON body."""
    return Response(wire_json.encode(document), status, mimetype="application/json")


def render(error: errors.ApiError) -> Response:
    """Render an error of the control plane as a response; log when storage is full."""
    if isinstance(error, errors.InsufficientStorage):
        _log.error("%s", error.message)
    return Response(wire_json.encode(error.document()), error.status, error.headers(), mimetype="application/json")


def register(app: Flask, refuse_route: Callable[[exceptions.HTTPException], Response]) -> None:
    """Render every exception in the shape of errors; `refuse_route` renders those of routing."""
    app.register_error_handler(errors.ApiError, render)
    app.register_error_handler(exceptions.HTTPException, refuse_route)
    app.register_error_handler(Exception, _render_unexpected)


def translated(error: exceptions.HTTPException) -> errors.ApiError:
    """Convert an error of werkzeug into one of the control plane."""
    where = f"Cannot {request.method} {request.path}"
    if isinstance(error, exceptions.NotFound):
        return errors.NotFound(where)
    if isinstance(error, exceptions.MethodNotAllowed):
        return errors.MethodNotAllowed(where, sorted(error.valid_methods or ()))
    if isinstance(error, exceptions.RequestEntityTooLarge):
        return errors.PayloadTooLarge()
    if error.code is not None and error.code < 500:
        return errors.BadRequest(error.description)
    return errors.InternalServerError()


def _render_unexpected(error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.path, exc_info=error)
    return render(errors.InternalServerError())


def rule_of(path: str) -> str:
    """The path of an OpenAPI document, such as `/tasks/{id}`, as Flask writes it."""
    return path.replace("{", "<string:").replace("}", ">")
