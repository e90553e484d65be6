"""Whether the ids that a request refers to exist (contract, section 2, order-of-references)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mockserver.errors import MAX_LISTED, NotFound, Problem, left_out
from mockserver.store.models import Contact, Customer, Row, User
from mockserver.store.world import World


def check(world: World, fields: dict[str, Any]) -> None:
    """Raise NotFound, naming the ids, for the first kind of reference in which some do not exist.

    The kinds in their order: `responsibleIds` (active users only), `aiContactId`, `aiCustomerId`.
    """
    _require("responsibleIds", "active user", fields.get("responsible_ids", ()), world, User)
    _require("aiContactId", "contact", _given(fields, "ai_contact_id"), world, Contact)
    _require("aiCustomerId", "customer", _given(fields, "ai_customer_id"), world, Customer)


def _given(fields: dict[str, Any], name: str) -> list[str]:
    return [fields[name]] if fields.get(name) is not None else []


def _require(name: str, kind: str, wanted: Sequence[str], world: World, model: type[Row]) -> None:
    if not wanted:
        return
    known = world.people(model)
    missing = [id for id in wanted if id not in known or not known[id].get("active", True)]
    if missing:
        # Where all are known, only that an inactive user does not exist has decided.
        rule = "active-responsible" if known.keys() >= set(missing) else "order-of-references"
        problems = [Problem((name,), "not_found", f"the sandbox has no {kind} {id}", rule) for id in missing]
        named = missing if len(missing) <= MAX_LISTED else [*missing[: MAX_LISTED - 1], left_out(len(missing))]
        raise NotFound(f"{name} not found: {', '.join(named)}", problems=problems)
