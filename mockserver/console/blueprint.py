"""The Flask blueprint of the console: its routes and security headers."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Response

BASE_PATH = "/__admin"

# The views in `pages`, by path.
_ROUTES = {
    "/": "board",
    "/console/requests": "requests",
    "/console/requests/rows": "request_rows",
    "/console/requests/<string:id>": "one_request",
    "/console/faults": "faults",
    "/console/world": "world",
    "/console/export.zip": "export",
    "/console/assets/<string:name>": "asset",
}

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
    for path, name in _ROUTES.items():
        blueprint.add_url_rule(path, name, _view(name), methods=["GET"])
    blueprint.after_request(with_headers)
    app.register_blueprint(blueprint)


def _view(name: str) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        from mockserver.console import pages  # deferred: most servers never show a page

        answer: Response = getattr(pages, name)(**path)
        return answer

    return view


def with_headers(response: Response) -> Response:
    """Add the security headers to a response."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
