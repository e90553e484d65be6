"""The settings of a sandbox as one document (control plane, `/settings`)."""

from __future__ import annotations

import json
from typing import Any

from mockserver.faults import delays
from mockserver.fidelity import assumptions
from mockserver.fidelity.assumptions import Assumed
from mockserver.store.contents import World


def document(world: World, server: Assumed) -> dict[str, Any]:
    """The settings; `rate_limit` is None without a limit.

    `assume` has the switches that differ from the defaults or from the server's values.
    """
    columns = world.columns
    limit = {"requests": columns["rate_requests"], "seconds": columns["rate_seconds"]}
    return {
        "strict": bool(columns["strict"]),
        "delay_ms": columns["delay_ms"] if columns["delay_spread"] is None else json.loads(columns["delay_spread"]),
        "rate_limit": None if columns["rate_requests"] is None else limit,
        "assume": assumptions.differing(world.assumed, assumptions.DEFAULTS, server),
    }


def drawn_delay_ms(world: World) -> int:
    """The milliseconds that the next request waits, where the settings have a spread of them; counts it."""
    columns = world.columns
    columns["delays_drawn"] += 1
    return delays.drawn(json.loads(columns["delay_spread"]), world.seed, "settings", columns["delays_drawn"])


def change(world: World, change: dict[str, Any]) -> None:
    """Change the named settings; new delays are drawn from the first on, a new rate limit has an empty window.

    A switch that becomes None has the server's value again. `world.assumed` stays until the world is loaded again.
    """
    if "strict" in change:
        world.columns["strict"] = change["strict"]
    if "delay_ms" in change:
        delay = change["delay_ms"]
        spread = None if isinstance(delay, int) else json.dumps(delay)
        world.columns |= {"delay_ms": 0 if spread else delay, "delay_spread": spread, "delays_drawn": 0}
    if "assume" in change:
        own = json.loads(world.columns["assume"]) | change["assume"]
        world.columns["assume"] = json.dumps({name: value for name, value in sorted(own.items()) if value is not None})
    if "rate_limit" in change:
        limit = change["rate_limit"] or {"requests": None, "seconds": None}
        world.columns |= {"rate_requests": limit["requests"], "rate_seconds": limit["seconds"], "rate_window_ms": 0}
