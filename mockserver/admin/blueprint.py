"""The control plane: calls about the mock, never about the vendor."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

from mockserver import __version__
from mockserver.mock import Mock, current_mock
from mockserver.rendering import respond
from mockserver.sandbox import names, state

blueprint = Blueprint("admin", __name__, url_prefix="/__admin")


def register(app: Flask) -> None:
    """Add the control plane to an application."""
    app.register_blueprint(blueprint)


@blueprint.get("/health")
def health() -> Response:
    """Whether the mock answers, its version, and how many sandboxes there are."""
    return respond({"status": "healthy", "version": __version__, "sandboxes": current_mock().sandboxes.count()})


@blueprint.get("/state")
def get_state() -> Response:
    """The sandbox as one document, in the shape of a fixtures folder."""
    mock = current_mock()
    with mock.sandboxes.look(_sandbox(mock)) as world:
        return respond(state.document(world))


def _sandbox(mock: Mock) -> str:
    """The sandbox that a call is about: the one it names, else its key's, else `default`."""
    if "sandbox" in request.args:
        return names.check_name(request.args["sandbox"])
    key = request.headers.get("x-api-key")
    return names.DEFAULT if key is None else mock.keys.caller(key).sandbox
