"""Access to the control plane (control plane, "Who may call").

A web page must not be able to drive the mock of the person who opens it. All checks are exact matches on text that
cannot raise.
"""

from __future__ import annotations

import hmac

from flask import request

from mockserver.admin.routes import BASE_PATH
from mockserver.engine import current_engine
from mockserver.errors import Forbidden, Unauthorized, UnsupportedMediaType
from mockserver.formats.json import quoted
from mockserver.keys import basic_credentials
from mockserver.web.bodies import JSON, media_type
from mockserver.web.hosts import is_loopback
from mockserver.web.proxies import SENT_HOST

OPEN_PATH = f"{BASE_PATH}/health"
CONSOLE = "console"  # the blueprint of the console's pages

_WRONG = "The admin token is wrong: the server printed it at its start, or has it from --admin-token"
_NEEDED = "The control plane needs the admin token, as Authorization: Bearer TOKEN or as the password of Basic"


def check() -> None:
    """Raise Forbidden, Unauthorized or UnsupportedMediaType when a request to the control plane is not allowed.

    Runs before routing errors are answered, so that unknown paths are not disclosed either.
    """
    if request.path != BASE_PATH and not request.path.startswith(f"{BASE_PATH}/"):
        return
    _check_origin()
    if request.path != OPEN_PATH:
        _check_token()
    _check_media_type()


def _check_origin() -> None:
    origin = request.headers.get("Origin")
    host = request.headers.get("Host", "").lower()
    allowed = {each.lower() for each in current_engine().settings.admin_origin}
    sent_host = str(request.environ.get(SENT_HOST, host)).lower()
    own = {f"{scheme}://{each}" for scheme in ("http", "https") for each in (host, sent_host, request.host.lower())}
    if origin is not None and origin.lower() not in own | allowed:
        message = f"The control plane does not answer pages of {quoted(origin)}: --admin-origin allows an origin"
        raise Forbidden(message)
    if origin and origin.lower() in allowed:
        return  # a page elsewhere, which the browser marks as cross-site
    if request.headers.get("Sec-Fetch-Site", "").lower() == "cross-site" and not _is_navigation_to_a_page():
        raise Forbidden


def _is_navigation_to_a_page() -> bool:
    """Test for a link that opens a page of the console in a window of its own, not in a frame."""
    arrives = (request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest"))
    leads = request.blueprint == CONSOLE or request.path == BASE_PATH  # BASE_PATH redirects to the page
    return request.method == "GET" and leads and arrives == ("navigate", "document")


def _check_token() -> None:
    """Require the admin token; a server without one answers only this machine, and no proxy."""
    settings = current_engine().settings
    expected = settings.admin_token
    if expected is None:
        address = request.remote_addr or "127.0.0.1"
        proxied = settings.public_url or settings.trusted_proxy
        if proxied or not is_loopback(f"[{address}]" if ":" in address else address):
            raise Forbidden("The control plane answers this machine only: start the server with --admin-token")
        return
    sent = _sent_token()
    if not hmac.compare_digest(sent.encode("utf-8", "replace"), expected.encode()):
        # A browser then asks for the token (RFC 9110, section 11.6.1).
        raise Unauthorized(_WRONG if sent else _NEEDED, headers={"WWW-Authenticate": 'Basic realm="vambe-mock"'})


def _sent_token() -> str:
    """The token: as `Bearer`, or as the password of `Basic`, which browsers send."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return basic_credentials(value)[1]
    return value.strip() if scheme.lower() == "bearer" else ""


def _check_media_type() -> None:
    has_body = request.content_length or "Transfer-Encoding" in request.headers
    if (
        request.method not in ("GET", "HEAD", "OPTIONS")
        and has_body
        and media_type(request.headers.get("Content-Type", "")) != JSON
    ):
        raise UnsupportedMediaType("The control plane takes application/json only")
