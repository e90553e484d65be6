"""The reference of the imitated API at `/docs`, and the root `/`: the console for browsers, an index for others."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint, Flask, Response, request, send_from_directory, url_for

from mockserver import __version__, keys
from mockserver.console import pages
from mockserver.errors import BadRequest
from mockserver.web.rendering import respond

API_PATH = "/api/public"
_SWAGGER_UI_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")


def register(app: Flask) -> None:
    """Add the reference and the root to an application.

    None of it requires the admin token, so none of it discloses other sandboxes: their names are keys.
    """
    blueprint = Blueprint("docs", __name__, template_folder="templates")
    blueprint.add_url_rule("/", "root", root, methods=["GET"])
    blueprint.add_url_rule("/docs", "reference", reference, methods=["GET"])
    blueprint.add_url_rule("/docs/assets/<string:name>", "asset", asset, methods=["GET"])
    blueprint.after_request(pages.with_headers)
    app.register_blueprint(blueprint)


def root() -> Response:
    """Redirect a browser to the console; answer others with a short index."""
    wanted = request.accept_mimetypes.best_match(["application/json", "text/html"])
    page = Response(status=302, headers={"Location": url_for("console.board")})
    response = page if wanted == "text/html" else respond(_index())
    response.vary.add("Accept")
    return response


def reference() -> Response:
    """The interactive reference with the key of a sandbox, which need not exist yet."""
    sandbox = request.args.get("sandbox", keys.DEFAULT)
    frame = pages.framed("API", sandbox, sorted({keys.DEFAULT, sandbox})) | {"assets": "docs.asset"}
    try:
        keys.check_name(sandbox)
    except BadRequest as error:
        return pages.html("missing.html", error.status, {**frame, "message": error.message})
    return pages.html("reference.html", 200, frame)


def asset(name: str) -> Response:
    """An asset of Swagger UI or of the console, whose own asset paths require the admin token."""
    if name not in _SWAGGER_UI_FILES:
        return pages.asset(name)
    response = send_from_directory(str(files("flask_swagger_ui") / "dist"), name)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _index() -> dict[str, str]:
    return {
        "name": "vambe-mock",
        "version": __version__,
        "api": request.script_root + API_PATH,
        "openapi": url_for("openapi"),
        "docs": url_for("docs.reference"),
        "console": url_for("console.board"),
        "control_plane": url_for("admin.openapi"),
        "health": url_for("admin.GET /health"),
    }
