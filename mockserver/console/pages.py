"""The Flask blueprint of the console: each page shows the sandbox that `?sandbox=` names, else `default`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

from flask import Blueprint, Flask, Response, make_response, render_template, request, send_from_directory

from mockserver import keys
from mockserver.engine import current_engine
from mockserver.errors import BadRequest, NotFound
from mockserver.sandbox import state
from mockserver.web.rendering import base_url

BASE_PATH = "/__admin"

# The pages: path, endpoint, title, template, and the function that makes its context of the sandbox.
_PAGES = (
    ("/", "board", "Board", "board.html", "board:context"),
    ("/console/cards", "cards", "Board", "_cards.html", "board:cards_context"),
    ("/console/requests", "requests", "Requests", "requests.html", "requests:list_context"),
    ("/console/requests/rows", "request_rows", "Requests", "_request_rows.html", "requests:rows_context"),
    ("/console/requests/<string:id>", "one_request", "Requests", "request.html", "detail:context"),
    ("/console/requests/<string:id>/detail", "request_detail", "Requests", "_request_pane.html", "detail:context"),
    ("/console/faults", "faults", "Faults", "faults.html", "faults:context"),
    ("/console/faults/sentence", "fault_sentence", "Faults", "_fault_sentence.html", "faults:sentence_context"),
    ("/console/world", "world", "World", "world.html", "world:context"),
    ("/console/try", "try_it", "Try it", "try.html", "stories:context"),
)
_NAVIGATION = [(title, f"console.{endpoint}") for _, endpoint, title, _, _ in _PAGES if endpoint == title.lower()]
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

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
    for path, endpoint, *page in _PAGES:
        blueprint.add_url_rule(path, endpoint, partial(_page, *page), methods=["GET"])
    blueprint.add_url_rule("/console/export.zip", "export", _export, methods=["GET"])
    blueprint.add_url_rule("/console/assets/<string:name>", "asset", asset, methods=["GET"])
    blueprint.after_request(with_headers)
    app.register_blueprint(blueprint)


def with_headers(response: Response) -> Response:
    """Add the security headers to a response."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _page(title: str, template: str, context: str, **path: str) -> Response:
    """Render a page of the sandbox; 404 when it does not exist, 400 when its name is invalid."""
    from mockserver.console import stories  # deferred: most servers never show a page

    module, _, function = context.partition(":")
    context_of = getattr(import_module(f"mockserver.console.{module}"), function)
    sandbox = request.args.get("sandbox", keys.DEFAULT)
    engine = current_engine()
    frame = framed(title, sandbox, engine.sandboxes.names())
    try:
        with engine.sandboxes.look(keys.check_name(sandbox)) as opened:
            present = context_of(opened, **path)  # fetches; what it returns needs no transaction
            frame |= stories.offered(opened)
    except (BadRequest, NotFound) as error:
        return html("missing.html", error.status, {**frame, "message": error.message})
    content = present()
    return html(template, content.pop("http_status", 200), {**frame, **content})


def _export() -> Response:
    """The sandbox's state as a folder of fixtures, zipped."""
    from mockserver.console import world  # deferred, as the pages are

    name = keys.check_name(request.args.get("sandbox", keys.DEFAULT))
    with current_engine().sandboxes.look(name) as opened:
        document = state.fetch(opened.world)
    content = world.exported(document())
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return Response(content, mimetype="application/zip", headers=headers)


def asset(name: str) -> Response:
    """A style sheet, a script or an image of the console."""
    media_type = _MEDIA_TYPES.get(name.rpartition(".")[2])
    response = send_from_directory("console/assets", name, mimetype=media_type)
    response.headers["Cache-Control"] = "no-cache"  # revalidated each time, answered with 304
    return response


def framed(title: str, sandbox: str, sandboxes: Sequence[str]) -> dict[str, Any]:
    """The template context that all pages share."""
    return {
        "title": title,
        "sandbox": sandbox,
        "sandboxes": sandboxes,
        "api_key": keys.PREFIX + sandbox,
        "base_url": base_url(),
        "shard": current_engine().settings.shard,
        "pages": _NAVIGATION,
        "assets": "console.asset",
    }


def html(template: str, status: int, context: dict[str, Any]) -> Response:
    """Render a template as a response."""
    return make_response(render_template(template, **context), status)
