"""The control plane on Flask: routes for its calls, and the access check."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Flask, Response

from mockserver.admin import guard
from mockserver.admin.routes import BASE_PATH, ROUTES
from mockserver.web.rendering import base_url, respond, rule_of


def register(app: Flask) -> None:
    """Add the control plane to an application."""
    blueprint = Blueprint("admin", __name__, url_prefix=BASE_PATH)
    for method, path, call in ROUTES:
        blueprint.add_url_rule(rule_of(path), f"{method} {path}", partial(_answer, call), methods=[method])
    blueprint.add_url_rule("/openapi.json", "openapi", _description)
    app.register_blueprint(blueprint)
    app.before_request(guard.check)


def _answer(call: str, **path: str) -> Response:
    from mockserver.admin import calls  # not at the start, which needs neither the calls nor their schemas

    return calls.answer(calls.find(call), path)


def _description() -> Response:
    from mockserver.admin import openapi  # imports apispec: on first use
    from mockserver.web.openapi import served_at

    return respond(served_at(base_url(), openapi.document()))
