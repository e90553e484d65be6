"""The listening socket, and what its address says."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import Any

BACKLOG = 1_024


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` (name or address; IPv4 is preferred) and `port` (0: any that is free).

    Raises OSError when the host is unknown or the port is in use.
    """
    family, kind, protocol, _, address = _resolved(host, port)
    listener = socket.socket(family, kind, protocol)
    try:
        _claim(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _resolved(host: str, port: int) -> tuple[Any, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:
        raise OSError(f"not a host name: {host!r}") from None
    return min(found, key=lambda info: info[0] != socket.AF_INET)


def _claim(listener: socket.socket) -> None:
    """Make sure that no other socket shares the port.

    On Windows SO_REUSEADDR would let it; elsewhere it only allows for connections of a server that is gone.
    """
    option = "SO_EXCLUSIVEADDRUSE" if os.name == "nt" else "SO_REUSEADDR"
    listener.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def url_of(host: str, port: int) -> str:
    """Where a client on this machine reaches the address: a wildcard is shown as its family's loopback."""
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://{host}:{port}" if address.version == 4 else f"http://[{host}]:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return ipaddress.ip_address(host).is_loopback
