"""Contacts: the people whom tasks may concern (contract, sections 8 and 9)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import islice

from mockserver import clock
from mockserver.domain import tasks
from mockserver.formats.json import Document
from mockserver.store.contents import World
from mockserver.store.models import Contact
from mockserver.store.orm import Expression, Query
from mockserver.store.statements import Rows

CLIENT_ID = "eca0d889-a00b-46bf-8e53-f78c7651816b"  # the organization's id, the same in every sandbox
MOST_FOUND = 50
_DAY_MS = 24 * 60 * 60 * 1000
_NULL_WHERE_NONE_IS_GIVEN = ("last_message_at", "ai_customer_id", "default_stage_id")
_IGNORED_IN_PHONES = str.maketrans("", "", " -()")


def list_contacts(
    world: World,
    days: int,
    stage_id: str | None = None,
    pipeline_id: str | None = None,
    custom_field_key: str | None = None,
    custom_field_value: str | None = None,
    bounded: bool = False,
) -> Iterable[Document]:
    """The contacts whose last message is at most so many days old, newest first.

    Raises TooLargeForTheLock as `tasks.list_tasks` does. All rows are fetched before; the objects are made one by one.
    """
    since = clock.text_of(world.clock.read_ms() - days * _DAY_MS)
    recent = _rows(world, lambda: Contact.last_message_at >= since, (since,), bounded)
    if recent and recent[-1]["last_message_at"][:10] == since[:10]:
        world.rely("contacts-window")
    if stage_id or pipeline_id:
        world.rely("contacts-stage")
    if custom_field_key:
        world.rely("contacts-custom-value")
    found = [
        contact
        for contact in recent
        if stage_id in (None, contact["default_stage_id"])
        and (pipeline_id is None or _ticket(contact).get("pipeline_id") == pipeline_id)
        and (custom_field_key is None or _custom_field(contact, custom_field_key) == custom_field_value)
    ]
    _rely_on_order_and_nulls(world, found)
    return (_present(contact) | {"active_ticket_v2": _presented_ticket(contact)} for contact in found)


def search_contacts(
    world: World, phone: str | None = None, email: str | None = None, bounded: bool = False
) -> Iterable[Document]:
    """The first contacts that have this part of a phone number or of an e-mail address, newest message first.

    Raises TooLargeForTheLock as `list_contacts` does.
    """
    digits, address = digits_of(phone), (email or "").lower()

    def matches(contact: Document) -> bool:
        by_phone = digits and digits in digits_of(contact["phone"])
        return bool(by_phone or (address and address in (contact["email"] or "").lower()))

    everyone = _rows(world, lambda: Contact.world.is_null(False), (), bounded)
    found = list(islice(filter(matches, everyone), MOST_FOUND))
    _rely_on_order_and_nulls(world, found)
    return map(_present, found)


def digits_of(phone: str | None) -> str:
    """A phone number as searches compare it."""
    return (phone or "").translate(_IGNORED_IN_PHONES)


def as_row(contact: Document) -> Document:
    """The columns of a contact of the fixtures: its objects as JSON."""
    ticket, fields = contact["active_ticket_v2"], contact["custom_fields"]
    return contact | {"active_ticket_v2": ticket and json.dumps(ticket), "custom_fields": json.dumps(fields)}


def as_given(row: Document) -> Document:
    """The columns of a contact with its objects, as in the fixtures."""
    ticket, fields = row["active_ticket_v2"], row["custom_fields"]
    return row | {"active_ticket_v2": ticket and json.loads(ticket), "custom_fields": json.loads(fields)}


def _rows(world: World, condition: Callable[[], Expression], given: tuple[str, ...], bounded: bool) -> Rows:
    """The contacts that meet a condition, newest message first, those without one last; `given` are its values."""
    limit = tasks.LARGE + 1 if bounded else tasks.NO_LIMIT

    def build() -> Query:
        found = Contact.select().where(Contact.world == world.number, condition())
        return found.order_by(Contact.last_message_at.desc(nulls="LAST"), Contact.id).limit(limit)

    statements = world.transaction.statements
    found = statements.rows(Contact, ("recent", len(given)), build, (world.number, *given, limit))
    if bounded and len(found) > tasks.LARGE:
        raise tasks.TooLargeForTheLock
    return found


def _present(contact: Document) -> Document:
    """The contact object, its keys in the contract's order."""
    return {
        "id": contact["id"],
        "name": contact["name"],
        "phone": contact["phone"],
        "email": contact["email"],
        "platform": contact["platform"],
        "last_message_at": contact["last_message_at"],
        "chat_status": contact["chat_status"],
        "created_at": contact["created_at"],
        "client_id": CLIENT_ID,
        "ai_customer_id": contact["ai_customer_id"],
        "default_stage_id": contact["default_stage_id"],
        "blocked": contact["blocked"],
        "is_chat_read": contact["is_chat_read"],
    }


def _custom_field(contact: Document, key: str) -> str | None:
    value: str | None = json.loads(contact["custom_fields"]).get(key)
    return value


def _ticket(contact: Document) -> Document:
    """The active ticket as the fixtures have it; empty when there is none."""
    return dict(json.loads(contact["active_ticket_v2"] or "{}"))


def _presented_ticket(contact: Document) -> Document | None:
    ticket = _ticket(contact)
    return {name: ticket[name] for name in ("id", "current_stage_id")} if ticket else None


def _rely_on_order_and_nulls(world: World, found: Rows) -> None:
    instants = {contact["last_message_at"] for contact in found}
    if len(instants) < len(found) or (None in instants and len(found) > 1):
        world.rely("contacts-ties")
    if any(contact[name] is None for contact in found for name in _NULL_WHERE_NONE_IS_GIVEN):
        world.rely("contact-nulls")
