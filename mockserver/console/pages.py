"""The views of the console: each shows the sandbox that `?sandbox=` names, else `default`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, make_response, render_template, request, send_from_directory

from mockserver import __version__, keys
from mockserver.console import board as board_page
from mockserver.console import faults as faults_page
from mockserver.console import requests as requests_page
from mockserver.console import world as world_page
from mockserver.engine import current_engine
from mockserver.errors import BadRequest, NotFound
from mockserver.sandbox import state
from mockserver.sandbox.sandboxes import OpenSandbox

_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

Context = dict[str, Any]


def board() -> Response:
    """The tasks as cards in the columns of their statuses."""
    return _page("board.html", "Board", board_page.context)


def requests() -> Response:
    """The journal, updated as it grows."""
    operations = [operation.id for operation in current_engine().operations]
    return _page(
        "requests.html", "Requests", lambda opened: requests_page.list_context(opened, request.args, operations)
    )


def request_rows() -> Response:
    """The rows of new requests, which an open page adds."""
    return _page("_request_rows.html", "Requests", lambda opened: requests_page.rows_context(opened, request.args))


def one_request(id: str) -> Response:
    """One request, its answer, and the reasons."""
    return _page("request.html", "Requests", lambda opened: requests_page.entry_context(opened, id, _base_url()))


def faults() -> Response:
    """The failure catalogue as switches, and the sandbox's fault rules."""
    return _page("faults.html", "Faults", faults_page.context)


def world() -> Response:
    """People, clock, snapshots and settings."""
    return _page("world.html", "World", world_page.context)


def export() -> Response:
    """The sandbox's state as a folder of fixtures, zipped."""
    name = keys.check_name(request.args.get("sandbox", keys.DEFAULT))
    with current_engine().sandboxes.look(name) as opened:
        document = state.fetch(opened.world)
    content = world_page.zipped(world_page.as_fixtures(document()))
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return Response(content, mimetype="application/zip", headers=headers)


def asset(name: str) -> Response:
    """A style sheet, a script or an image of the console."""
    media_type = _MEDIA_TYPES.get(name.rpartition(".")[2])
    response = send_from_directory("console/assets", name, mimetype=media_type)
    response.headers["Cache-Control"] = "no-cache"  # revalidated each time, answered with 304
    return response


def _page(template: str, title: str, context: Callable[[OpenSandbox], Callable[[], Context]]) -> Response:
    """Render a page of the sandbox; 404 when it does not exist, 400 when its name is invalid.

    `context` fetches; what it returns makes the context of it, without a transaction.
    """
    sandbox = request.args.get("sandbox", keys.DEFAULT)
    engine = current_engine()
    frame = framed(title, sandbox, engine.sandboxes.names())
    try:
        with engine.sandboxes.look(keys.check_name(sandbox)) as opened:
            present = context(opened)
    except (BadRequest, NotFound) as error:
        return html("missing.html", error.status, {**frame, "message": error.message})
    content = present()
    return html(template, content.pop("http_status", 200), {**frame, **content})


def framed(title: str, sandbox: str, sandboxes: Sequence[str]) -> Context:
    """The template context that all pages share."""
    return {
        "title": title,
        "sandbox": sandbox,
        "sandboxes": sandboxes,
        "api_key": keys.PREFIX + sandbox,
        "base_url": _base_url(),
        "version": __version__,
        "pages": _NAVIGATION,
        "assets": "console.asset",
    }


def _base_url() -> str:
    return f"{request.scheme}://{request.host}"


def html(template: str, status: int, context: Context) -> Response:
    """Render a template as a response."""
    return make_response(render_template(template, **context), status)


_NAVIGATION = (
    ("Board", "console.board"),
    ("Requests", "console.requests"),
    ("Faults", "console.faults"),
    ("World", "console.world"),
)
