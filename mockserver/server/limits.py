"""Timeouts and size limits."""

from __future__ import annotations

import contextlib
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
LARGE_BYTES = 1_048_576  # unsent in one connection: beyond that, the next limit is checked
UNSENT_BYTES = 64 * 1_048_576  # of answers whose clients do not read them, over all connections
MAX_CONNECTIONS = 4_000
REFUSED_CONNECTIONS = 32  # beyond the limit, whose requests are answered with 503
_OTHER_FILES = 40


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


def connection_limit(threads: int) -> int:
    """The maximum number of open connections.

    Windows's `select` takes 512 sockets; elsewhere the application keeps three files for each thread, which may have a
    database open with its log, and some more.
    """
    if not hasattr(select, "poll"):
        return 480
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(files // 8, min(MAX_CONNECTIONS, files * 3 // 4, files - 3 * threads - _OTHER_FILES))


def raise_file_limit() -> None:
    """Allow this process as many open files as the system lets it, and as connections may need."""
    if resource:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MAX_CONNECTIONS * 3 // 2
        wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
