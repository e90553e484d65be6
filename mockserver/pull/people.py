"""Users, contacts and customers of fixtures, made of the vendor's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from mockserver import clock
from mockserver.fixtures import Records
from mockserver.formats.json import Document
from mockserver.pull.pseudonyms import pseudonym
from mockserver.pull.typed_records import REPLACEMENT, Record

Disguise = Callable[[str, str], str]  # of a text and the id of its record


def user(record: Record, disguise: Disguise) -> Document:
    """A user of the team."""
    id = record.id("id")
    whole = record.text("name", "")
    first = record.text("first_name", "") or whole or record.text("email", "")
    if not record.text("first_name", ""):
        record.notes["users without first_name: their name or e-mail is used"] += 1
    return {
        "id": id,
        "first_name": disguise(first, id) or REPLACEMENT,
        "last_name": disguise(record.text("last_name", ""), id),
        "email": disguise(_or_empty(record, "email"), id),
        "phone": disguise(_or_empty(record, "phone"), id),
        "active": True,
    }


def _or_empty(record: Record, key: str) -> str:
    """A text; fixtures have no null there."""
    if record.members.get(key) is None:
        record.notes[f'users without {key}: "" is used'] += 1
    return str(record.text(key, ""))


def contact(record: Record, disguise: Disguise) -> Document:
    """A contact of the list."""
    id = record.id("id")
    name, phone, email = record.text("name", ""), record.text("phone", None), record.text("email", None)
    if not name:
        record.notes["contacts without name: their phone or e-mail is used"] += 1
    ticket = record.members.get("active_ticket_v2")
    return {
        "id": id,
        "name": disguise(name or phone or email or REPLACEMENT, id),
        "phone": phone and disguise(phone, id),
        "email": email and disguise(email, id),
        "platform": record.text("platform", None) or "whatsapp",
        "last_message_at": record.instant("last_message_at", None),
        "chat_status": record.text("chat_status", None) or "ATTENDED",
        "created_at": record.instant("created_at", clock.DEFAULT_START),
        "ai_customer_id": record.id("ai_customer_id", None),
        "default_stage_id": record.id("default_stage_id", None),
        "blocked": record.flag("blocked", False),
        "is_chat_read": record.flag("is_chat_read", True),
        "active_ticket_v2": None if ticket is None else _ticket(record.inner("active_ticket_v2", ticket)),
    }


def _ticket(record: Record) -> Document:
    return {"id": record.id("id"), "current_stage_id": record.id("current_stage_id", None)}


def former_users(tasks: Records, users: Records) -> Iterator[Document]:
    """The users whom tasks name and the team does not have: no longer active, with invented names."""
    named = chain(
        (task["creator_id"] for task in tasks),
        (each["responsible_id"] for task in tasks for each in task["task_responsibles"]),
    )
    for id in _unknown(named, users):
        first, last = pseudonym("Former", id), pseudonym("Member", id)
        yield {"id": id, "first_name": first, "last_name": last, "email": "", "phone": "", "active": False}


def unlisted_contacts(tasks: Records, contacts: Records) -> Iterator[Document]:
    """The contacts whom tasks name and the list does not have, with invented names; no list shows them."""
    for id in _unknown((task["ai_contact_id"] for task in tasks), contacts):
        yield {"id": id, "name": pseudonym("Contact", id)}


def customers(referring: Records) -> Iterator[Document]:
    """The customers whom tasks and contacts name, with invented names: no endpoint lists customers."""
    for id in _unknown((record["ai_customer_id"] for record in referring), []):
        yield {"id": id, "name": pseudonym("Customer", id)}


def _unknown(named: Iterable[str | None], known: Records) -> Iterator[str]:
    """The ids that no known record has, each once."""
    known_ids = {record["id"] for record in known}
    return (id for id in dict.fromkeys(named) if id is not None and id not in known_ids)
