"""Users, contacts and customers of fixtures, made of the vendor's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from mockserver import clock
from mockserver.conform.answered import REPLACEMENT, Given
from mockserver.conform.invented import invented
from mockserver.fixtures import Records
from mockserver.formats.json import Document

Disguise = Callable[[str, str], str]  # of a text and the id of its record


def user(given: Given, disguise: Disguise) -> Document:
    """A user of the team."""
    id = given.id("id")
    whole = given.text("name", "")
    first = given.text("first_name", "") or whole or given.text("email", "")
    if not given.text("first_name", ""):
        given.notes["users without first_name get their name or e-mail there"] += 1
    return {
        "id": id,
        "first_name": disguise(first, id) or REPLACEMENT,
        "last_name": disguise(given.text("last_name", ""), id),
        "email": disguise(_or_empty(given, "email"), id),
        "phone": disguise(_or_empty(given, "phone"), id),
        "active": True,
    }


def _or_empty(given: Given, key: str) -> str:
    """A text; fixtures have no null there."""
    if given.members.get(key) is None:
        given.notes[f'users without {key} get ""'] += 1
    return str(given.text(key, ""))


def contact(given: Given, disguise: Disguise) -> Document:
    """A contact of the list."""
    id = given.id("id")
    name, phone, email = given.text("name", ""), given.text("phone", None), given.text("email", None)
    if not name:
        given.notes["contacts without name get their phone or e-mail there"] += 1
    ticket = given.members.get("active_ticket_v2")
    return {
        "id": id,
        "name": disguise(name or phone or email or REPLACEMENT, id),
        "phone": phone and disguise(phone, id),
        "email": email and disguise(email, id),
        "platform": given.text("platform", None) or "whatsapp",
        "last_message_at": given.instant("last_message_at", None),
        "chat_status": given.text("chat_status", None) or "ATTENDED",
        "created_at": given.instant("created_at", clock.DEFAULT_START),
        "ai_customer_id": given.id("ai_customer_id", None),
        "default_stage_id": given.id("default_stage_id", None),
        "blocked": given.flag("blocked", False),
        "is_chat_read": given.flag("is_chat_read", True),
        "active_ticket_v2": None if ticket is None else _ticket(given.inner("active_ticket_v2", ticket)),
    }


def _ticket(given: Given) -> Document:
    return {"id": given.id("id"), "current_stage_id": given.id("current_stage_id", None)}


def former_users(tasks: Records, users: Records) -> Iterator[Document]:
    """The users whom tasks name and the team does not have: no longer active, with invented names."""
    named = chain(
        (task["creator_id"] for task in tasks),
        (each["responsible_id"] for task in tasks for each in task["task_responsibles"]),
    )
    for id in _others(named, users):
        first, last = invented("Former", id), invented("Member", id)
        yield {"id": id, "first_name": first, "last_name": last, "email": "", "phone": "", "active": False}


def unlisted_contacts(tasks: Records, contacts: Records) -> Iterator[Document]:
    """The contacts whom tasks name and the list does not have, with invented names; no list shows them."""
    for id in _others((task["ai_contact_id"] for task in tasks), contacts):
        yield {"id": id, "name": invented("Contact", id)}


def customers(referring: Records) -> Iterator[Document]:
    """The customers whom tasks and contacts name, with invented names: no endpoint lists customers."""
    for id in _others((record["ai_customer_id"] for record in referring), []):
        yield {"id": id, "name": invented("Customer", id)}


def _others(named: Iterable[str | None], known: Records) -> Iterator[str]:
    """The ids that no known record has, each once."""
    known_ids = {record["id"] for record in known}
    return (id for id in dict.fromkeys(named) if id is not None and id not in known_ids)
