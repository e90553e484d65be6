"""The console on Flask: its pages, its assets, and the headers that keep both safe."""

from __future__ import annotations

from flask import Blueprint, Flask, Response

from mockserver.console import pages

BASE_PATH = "/__admin"

# Nothing from elsewhere, nothing inline, no framing (W3C, Content Security Policy).
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def register(app: Flask) -> None:
    """Add the console to an application."""
    blueprint = Blueprint("console", __name__, url_prefix=BASE_PATH, template_folder="templates")
    for path, view in pages.PAGES.items():
        blueprint.add_url_rule(path, view.__name__, view, methods=["GET"])
    blueprint.add_url_rule("/console/assets/<string:name>", "asset", pages.asset, methods=["GET"])
    blueprint.after_request(with_headers)
    app.register_blueprint(blueprint)


def with_headers(response: Response) -> Response:
    """The answer with the headers that keep a page safe."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
