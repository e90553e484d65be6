"""The settings of a sandbox as one document (control plane, `/settings`)."""

from __future__ import annotations

import json
from typing import Any

from mockserver.faults import delays
from mockserver.store.contents import World


def document(world: World) -> dict[str, Any]:
    """The settings; `rate_limit` is None without a limit."""
    columns = world.columns
    limit = {"requests": columns["rate_requests"], "seconds": columns["rate_seconds"]}
    return {
        "strict": bool(columns["strict"]),
        "delay_ms": columns["delay_ms"] if columns["delay_spread"] is None else json.loads(columns["delay_spread"]),
        "rate_limit": None if columns["rate_requests"] is None else limit,
    }


def next_delay_ms(world: World) -> int:
    """The milliseconds that the next request waits; counts it when they are drawn."""
    columns = world.columns
    if columns["delay_spread"] is None:
        return int(columns["delay_ms"])
    columns["delays_drawn"] += 1
    return delays.drawn(json.loads(columns["delay_spread"]), world.seed, "settings", columns["delays_drawn"])


def change(world: World, change: dict[str, Any]) -> None:
    """Change the named settings; new delays are drawn from the first on, a new rate limit has an empty window."""
    if "strict" in change:
        world.columns["strict"] = change["strict"]
    if "delay_ms" in change:
        delay = change["delay_ms"]
        spread = None if isinstance(delay, int) else json.dumps(delay)
        world.columns |= {"delay_ms": 0 if spread else delay, "delay_spread": spread, "delays_drawn": 0}
    if "rate_limit" in change:
        limit = change["rate_limit"] or {"requests": None, "seconds": None}
        world.columns |= {"rate_requests": limit["requests"], "rate_seconds": limit["seconds"], "rate_window_ms": 0}
