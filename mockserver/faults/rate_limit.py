"""The rate limit of a sandbox: a number of requests per window of real time (control plane, `/settings`)."""

from __future__ import annotations

from mockserver.errors import TooManyRequests
from mockserver.store.contents import World


def spend(world: World, counted: bool = True) -> None:
    """Check a request against the rate limit that is set, and count it if `counted`; TooManyRequests past it."""
    columns = world.columns
    now, length = world.transaction.now_ms(), columns["rate_seconds"] * 1000
    start, used = columns["rate_window_ms"], columns["rate_used"]
    if not 0 <= now - start < length:
        start, used = now, 0
    if used >= columns["rate_requests"]:
        raise TooManyRequests(max(1, -(-(start + length - now) // 1000)))
    if counted:
        columns |= {"rate_window_ms": start, "rate_used": used + 1}
