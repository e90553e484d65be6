"""The address of a mock behind a proxy: `--public-url`, and what the proxies of `--trusted-proxy` forward."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from mockserver.config import Settings
from mockserver.web.hosts import HostRule, host_name

Application = Callable[..., Iterable[bytes]]
SENT_HOST = "mockserver.host"  # in the environment: the `Host` header, where the public URL replaces it
_PATHS = ("PATH_INFO", "REQUEST_URI", "mockserver.path")


def behind_proxies(application: Application, settings: Settings) -> Application:
    """The application as the proxies of these settings show it; itself, if there are none."""
    if settings.public_url:
        application = PublicUrl(application, settings.public_url)
    return TrustedProxies(application, settings.trusted_proxy) if settings.trusted_proxy else application


def guarded(application: Application, settings: Settings, loopback: bool = True) -> Application:
    """The application for a server: behind its proxies, and on loopback for the allowed hosts only.

    The host of the public URL is one of them. The header that the proxy sends counts, not what it forwards: a page that
    resolves its own name to this machine could forge the latter.
    """
    application = behind_proxies(application, settings)
    if not loopback:
        return application
    public = [str(host_name(urlsplit(settings.public_url).netloc))] if settings.public_url else []
    return HostRule(application, [*settings.allowed_host, *public])


class PublicUrl:
    """WSGI middleware that makes the URL of every request the public one.

    A proxy may remove the path of the public URL or pass it on.
    """

    def __init__(self, application: Application, url: str) -> None:
        self._application = application
        self._scheme, self._host, self._prefix, *_ = urlsplit(url)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Pass the request on."""
        prefix = self._prefix
        environ |= {
            SENT_HOST: environ.get("HTTP_HOST", ""),
            "HTTP_HOST": self._host,
            "wsgi.url_scheme": self._scheme,
            "SCRIPT_NAME": prefix,
        }
        if prefix and f"{environ['PATH_INFO']}/".startswith(f"{prefix}/"):
            environ |= {name: environ[name].removeprefix(prefix) or "/" for name in _PATHS if name in environ}
        return self._application(environ, start_response)


class TrustedProxies:
    """WSGI middleware that reads the `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` of these networks only.

    https://werkzeug.palletsprojects.com/en/stable/middleware/proxy_fix/
    """

    def __init__(self, application: Application, networks: Iterable[str]) -> None:
        self._direct = application
        from werkzeug.middleware.proxy_fix import ProxyFix  # deferred: most servers are behind no proxy

        self._forwarded = ProxyFix(application, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        trusted = [ipaddress.ip_network(each, strict=False) for each in networks]
        self._trusts = lru_cache(maxsize=256)(lambda address: _is_in(address, trusted))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Pass the request on."""
        trusts = self._trusts(environ.get("REMOTE_ADDR", ""))
        return (self._forwarded if trusts else self._direct)(environ, start_response)


def _is_in(text: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # of a socket without addresses
        return False
    mapped = address.ipv4_mapped if address.version == 6 else ipaddress.ip_address(f"::ffff:{address}")
    return any(each in network for network in networks for each in (address, mapped or address))
