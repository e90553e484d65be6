"""The rate limit of a sandbox: so many requests in a window of real time (control plane, `/settings`)."""

from __future__ import annotations

from mockserver.clock import real_ms
from mockserver.errors import TooManyRequests
from mockserver.store.world import World


def spend(world: World) -> None:
    """Count a request; TooManyRequests when the window's are used up."""
    columns = world.columns
    if columns["rate_requests"] is None:
        return
    now, length = real_ms(), columns["rate_seconds"] * 1000
    passed = now - columns["rate_window_ms"]
    if not 0 <= passed < length:
        columns |= {"rate_window_ms": now, "rate_used": 0}
        passed = 0
    if columns["rate_used"] >= columns["rate_requests"]:
        raise TooManyRequests(max(1, -(-(length - passed) // 1000)))
    columns["rate_used"] += 1
