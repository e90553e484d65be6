"""Delays: milliseconds, or a distribution from which each is drawn, reproducible by a sandbox's seed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

MAX_DELAY_MS = 60_000
MAX_SIGMA = 5
FORMS = (
    f"Must be whole milliseconds from 0 to {MAX_DELAY_MS}, "
    '{"uniform": [LOW, HIGH]}, LOW being at most HIGH, or {"lognormal": {"median": MS, "sigma": NUMBER}}, '
    f"sigma being at most {MAX_SIGMA}"
)

Delay = int | Mapping[str, Any]


def checked(value: Any) -> Delay:
    """Return a valid delay, whole numbers as `int`; ValueError, with what it takes, for any other value."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, parts),) = value.items()
        if kind == "uniform" and isinstance(parts, list) and len(parts) == 2:
            low, high = (_number(part, MAX_DELAY_MS) for part in parts)
            if low <= high:
                return {kind: [low, high]}
        if kind == "lognormal" and isinstance(parts, dict) and parts.keys() == {"median", "sigma"}:
            median, sigma = _number(parts["median"], MAX_DELAY_MS), _number(parts["sigma"], MAX_SIGMA)
            return {kind: {"median": median, "sigma": sigma}}
    number = _number(value, MAX_DELAY_MS)
    if number != int(number):
        raise ValueError(FORMS)
    return int(number)


def parts(delay: Delay) -> tuple[str, list[Any]]:
    """The kind of a valid delay, `fixed`, `uniform` or `lognormal`, and its numbers."""
    if isinstance(delay, int):
        return "fixed", [delay]
    ((kind, numbers),) = delay.items()
    return kind, list(numbers.values() if isinstance(numbers, Mapping) else numbers)


def drawn(delay: Delay, seed: str, *key: object) -> int:
    """The milliseconds to wait: those given, or those drawn by the seed and the key."""
    if isinstance(delay, int):
        return delay
    digest = hashlib.sha256("\n".join(map(str, (seed, "delay", *key))).encode()).digest()
    first, second = (int.from_bytes(digest[at : at + 6], "big") / 2**48 for at in (0, 6))
    if "uniform" in delay:
        low, high = delay["uniform"]
        return int(low + first * (high - low) + 0.5)
    parts = delay["lognormal"]
    normal = math.sqrt(-2 * math.log(1 - first)) * math.cos(2 * math.pi * second)  # Box-Muller
    return min(MAX_DELAY_MS, int(parts["median"] * math.exp(parts["sigma"] * normal) + 0.5))


def _number(value: Any, high: int) -> Any:
    if type(value) not in (int, float) or not 0 <= value <= high:
        raise ValueError(FORMS)
    return int(value) if value == int(value) else value
