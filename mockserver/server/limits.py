"""Timeouts and size limits."""

from __future__ import annotations

import select
from typing import NamedTuple

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

HEAD_BYTES = 65_536
CHUNK_LINE_BYTES = 256
TRAILER_BYTES = 8_192
DRAIN_BYTES = 4 * 1_048_576
MEMORY_BYTES = 16 * 1_048_576


class Timeouts(NamedTuple):
    """Timeouts in seconds, on a clock that tests cannot freeze.

    `head`: for a request's line and headers, from its first byte. `stall`: between two pieces of a body.
    `body`: for a whole body. `unused`: for the first byte of a new connection. `idle`: between two requests,
    and for a client that does not read its answer. `drain`: for what a refused client still sends.
    """

    head: float = 10.0
    stall: float = 10.0
    body: float = 30.0
    unused: float = 30.0
    idle: float = 60.0
    drain: float = 2.0

    def tick(self) -> float:
        """Seconds between two checks of the deadlines."""
        return min(2.0, self.head, self.stall, self.body, self.unused, self.idle, self.drain) / 4


def connection_limit() -> int:
    """The maximum number of open connections.

    Windows's `select` takes 512 sockets; elsewhere a quarter of the file descriptors is left to the application.
    """
    if not hasattr(select, "poll"):
        return 480
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 2_000 if files == resource.RLIM_INFINITY else min(2_000, files * 3 // 4)
