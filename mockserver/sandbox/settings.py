"""The settings of a sandbox as one document (control plane, `/settings`)."""

from __future__ import annotations

from typing import Any

from mockserver.store.contents import World


def document(world: World) -> dict[str, Any]:
    """The settings; `rate_limit` is None without a limit."""
    columns = world.columns
    limit = {"requests": columns["rate_requests"], "seconds": columns["rate_seconds"]}
    return {
        "strict": bool(columns["strict"]),
        "delay_ms": columns["delay_ms"],
        "rate_limit": None if columns["rate_requests"] is None else limit,
    }


def change(world: World, change: dict[str, Any]) -> None:
    """Change the named settings; a new rate limit starts with an empty window."""
    world.columns |= {name: change[name] for name in ("strict", "delay_ms") if name in change}
    if "rate_limit" in change:
        limit = change["rate_limit"] or {"requests": None, "seconds": None}
        world.columns |= {"rate_requests": limit["requests"], "rate_seconds": limit["seconds"], "rate_window_ms": 0}
