"""Whether the ids that a request refers to exist (contract, section 2, "Order of checks")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mockserver.errors import NotFound, Problem
from mockserver.store.models import Contact, Customer, Row, User
from mockserver.store.world import World


def check(world: World, fields: dict[str, Any]) -> None:
    """Raise NotFound, naming the ids, for the first kind of reference in which some do not exist.

    The kinds in their order: `responsibleIds` (active users only), `aiContactId`, `aiCustomerId`.
    """
    _require(world, "responsibleIds", User, fields.get("responsible_ids", ()), active=True)
    _require(world, "aiContactId", Contact, _given(fields, "ai_contact_id"))
    _require(world, "aiCustomerId", Customer, _given(fields, "ai_customer_id"))


def _given(fields: dict[str, Any], name: str) -> list[str]:
    return [fields[name]] if fields.get(name) is not None else []


def _require(world: World, name: str, model: type[Row], wanted: Sequence[str], **where: Any) -> None:
    found = {row["id"] for row in world.rows_among(model, "id", wanted, **where)}
    missing = [id for id in wanted if id not in found]
    if missing:
        kind = "active user" if model is User else model.__name__.lower()
        problems = (Problem((name,), "not_found", f"the sandbox has no {kind} {id}") for id in missing)
        raise NotFound(f"{name} not found: {', '.join(missing)}", rule="order-of-references", problems=problems)
