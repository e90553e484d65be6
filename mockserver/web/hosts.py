"""Checks of `Host` headers, and of the origins whose pages may call (control plane, "Who may call").

A page that resolves its own name to 127.0.0.1 (DNS rebinding) still sends that name as `Host`: `HostRule` refuses it.
Everything here is an exact match on ASCII text that cannot raise.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from mockserver.errors import MisdirectedRequest
from mockserver.formats import json as wire_json

LOOPBACK_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?\Z")

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::(?P<port>[0-9]{1,5}))?")


def exact_origin(origin: str) -> re.Pattern[str]:
    """A pattern that matches this origin only, whatever the case of its letters (RFC 6454, section 4)."""
    return re.compile(re.escape(origin) + r"\Z", re.IGNORECASE)


def exact_origins(allowed: Iterable[str]) -> list[re.Pattern[str]]:
    """Patterns that match these origins only."""
    return [exact_origin(origin) for origin in allowed]


def origins(allowed: Iterable[str]) -> list[str | re.Pattern[str]]:
    """The origins whose pages may call the imitated API: loopback's and those allowed, or `*` for all."""
    return ["*"] if "*" in allowed else [LOOPBACK_ORIGIN, *exact_origins(allowed)]


def cors_headers(origin: str | None, allowed: Iterable[str | re.Pattern[str]]) -> list[tuple[str, str]]:
    """CORS headers for an error that the server itself answers; none for an origin that is not allowed.

    Flask-Cors adds those of the application's answers.
    """
    if not origin:
        return []
    for each in allowed:
        if each == "*" or (isinstance(each, re.Pattern) and each.match(origin)):
            shown = "*" if each == "*" else origin
            return [("Access-Control-Allow-Origin", shown), ("Vary", "Origin")]
    return []


@lru_cache(maxsize=64)
def host_name(header: str) -> str | None:
    """The host of a `Host` header without its port, in lower case; None when it is malformed."""
    found = _HOST.fullmatch(header)
    return found["name"].lower() if found and int(found["port"] or 0) <= 65535 else None


@lru_cache(maxsize=256)  # a server is addressed by one or two names
def is_loopback(name: str) -> bool:
    """Test for a host name, in lower case, of this machine: `localhost`, `*.localhost`, a loopback address."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        if not name.startswith("["):
            return ipaddress.IPv4Address(name).is_loopback
        address = ipaddress.IPv6Address(name[1:-1])
    except ValueError:
        return False
    # Python versions differ on `is_loopback` of `::ffff:127.0.0.1`.
    return (address.ipv4_mapped or address).is_loopback


class HostRule:
    """WSGI middleware that answers 421 to a `Host` that is neither loopback nor allowed.

    Only the server that listens on loopback applies it: an application in process may be called by any name.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], allowed: Iterable[str] = ()) -> None:
        self._application = application
        self._allowed = frozenset(name.lower() for name in allowed)

    def __call__(self, environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
        """Pass the request on, or refuse it."""
        name = host_name(str(environ.get("HTTP_HOST", "")))
        if name is not None and (name in self._allowed or is_loopback(name)):
            return self._application(environ, start_response)
        error = MisdirectedRequest(name and _refusal(name))
        body = wire_json.encode(error.document())
        headers = [("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response(f"{error.status} {error.title}", headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def _refusal(name: str) -> str:
    named = wire_json.quoted(name)
    return (
        f"This server answers for loopback names only, not for the host {named}: "
        f"start it with --allowed-host {named[1:-1]}"
    )
