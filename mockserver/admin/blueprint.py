"""The control plane on Flask: routes for its calls, and the access check."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

from mockserver.admin import calls, faults, guard, requests, world
from mockserver.web.rendering import respond

_DECLARING = (world, requests, faults)  # importing a module declares its calls


def register(app: Flask) -> None:
    """Add the control plane to an application."""
    blueprint = Blueprint("admin", __name__, url_prefix=calls.BASE_PATH)
    calls.register(blueprint)
    blueprint.add_url_rule("/openapi.json", "openapi", _description)
    app.register_blueprint(blueprint)
    app.before_request(_guard)


def _description() -> Response:
    from mockserver.admin import openapi  # imports apispec: on first use

    return respond(openapi.document())


def _guard() -> None:
    """Check before routing errors are answered, so that unknown paths are not disclosed either."""
    if request.path == calls.BASE_PATH or request.path.startswith(f"{calls.BASE_PATH}/"):
        guard.check()
