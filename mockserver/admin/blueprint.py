"""The control plane on Flask: routes for its calls, and the access check."""

from __future__ import annotations

from flask import Blueprint, Flask, Response

from mockserver.admin import calls, faults, guard, requests, world
from mockserver.web.rendering import base_url, respond, rule_of

_DECLARING = (world, requests, faults)  # importing a module declares its calls


def register(app: Flask) -> None:
    """Add the control plane to an application."""
    blueprint = Blueprint("admin", __name__, url_prefix=calls.BASE_PATH)
    for declared in calls.CALLS:
        endpoint = f"{declared.method} {declared.path}"
        blueprint.add_url_rule(rule_of(declared.path), endpoint, calls.view(declared), methods=[declared.method])
    blueprint.add_url_rule("/openapi.json", "openapi", _description)
    app.register_blueprint(blueprint)
    app.before_request(guard.check)


def _description() -> Response:
    from mockserver.admin import openapi  # imports apispec: on first use
    from mockserver.web.openapi import served_at

    return respond(served_at(base_url(), openapi.document()))
