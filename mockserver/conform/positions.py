"""The meanings of `newStatusPosition` that fit what was seen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from math import inf

Tried = Mapping[float, "float | None"]


def fitting_positions(tried: Tried, known: Collection[float]) -> set[str]:
    """The values of the switch `status-position` that fit.

    `tried` has the order of the status at each position, None where there was none; `known` are orders of statuses
    that were seen elsewhere, perhaps not all.
    """
    orders = {*known, *(order for order in tried.values() if order is not None)}
    return set(_fitting(tried, orders))


def _fitting(tried: Tried, orders: Collection[float]) -> Iterator[str]:
    if all(position not in orders if order is None else order == position for position, order in tried.items()):
        yield "order"
    for first in (0, 1):
        if _are_places({position - first: order for position, order in tried.items()}, orders):
            yield f"index-{first}"


def _are_places(tried: Tried, orders: Collection[float]) -> bool:
    """Test if each order can be the one at its place, from 0, among all orders, of which more may exist."""
    found = sorted((place, order) for place, order in tried.items() if order is not None)
    last = max([len(orders) - 1, *(place for place, _ in found)])
    if any(0 <= place <= last for place, order in tried.items() if order is None):
        return False
    for (place, order), (next_place, next_order) in pairwise([(-1.0, -inf), *found]):
        between = sum(order < each < next_order for each in orders)
        if next_order <= order or next_place < 0 or between > next_place - place - 1:
            return False
    return True
