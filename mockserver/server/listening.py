"""The listening socket, its connections and its address.

The sockets are those of the C module: libraries that keep a test from the network replace the classes and functions of
`socket`, also while the server runs.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from _socket import SocketType, getaddrinfo
from typing import Any

Socket = SocketType
BACKLOG = 1_024


def bind(host: str, port: int) -> Socket:
    """Open a socket that listens on `host` (name or address; IPv4 is preferred) and `port` (0: any free one).

    Raises OSError when the host is unknown or the port is in use.
    """
    family, kind, protocol, _, address = _resolved(host, port)
    listener = Socket(family, kind, protocol)
    try:
        _claim(listener, address[0])
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def accept(listener: Socket) -> tuple[Socket, Any]:
    """Accept a connection: its socket, and the client's address. Raises OSError."""
    number, address = listener._accept()  # type: ignore[attr-defined]
    return Socket(listener.family, listener.type, listener.proto, fileno=number), address


def _resolved(host: str, port: int) -> tuple[Any, ...]:
    try:
        found = getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:
        raise OSError(f"not a host name: {host!r}") from None
    return min(found, key=lambda info: info[0] != socket.AF_INET)


def _claim(listener: Socket, host: str) -> None:
    """Make sure that no other socket shares the port; `::` takes IPv4 too.

    On Windows SO_REUSEADDR would allow it; elsewhere it only ignores remaining connections of a server that has ended.
    """
    option = "SO_EXCLUSIVEADDRUSE" if os.name == "nt" else "SO_REUSEADDR"
    listener.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")


def url_of(host: str, port: int) -> str:
    """The URL for a client on this machine; a wildcard address becomes the loopback address of its family."""
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://{host}:{port}" if address.version == 4 else f"http://[{host}]:{port}"


def is_loopback(host: str) -> bool:
    """Test for an address that only this machine can reach."""
    return ipaddress.ip_address(host).is_loopback
