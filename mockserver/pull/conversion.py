"""Conversion of the vendor's lists to those of a fixtures folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timezone
from typing import Any

from mockserver import fixtures
from mockserver.domain import due
from mockserver.fixtures import STATUS_TYPES, Records
from mockserver.formats import dates, zones
from mockserver.formats.json import Document
from mockserver.pull import people
from mockserver.pull.people import Disguise
from mockserver.pull.pseudonyms import pseudonym
from mockserver.pull.typed_records import REPLACEMENT, Record, UnusableAnswer, records

_PRIORITIES = {0: 0, 1: 1, 2: 2, "low": 0, "medium": 1, "high": 2}
_HIGHEST_ORDER = 10_000
_KNOWN = {
    "users": "id name first_name last_name email phone",
    "contacts": "id name phone email platform last_message_at chat_status created_at client_id ai_customer_id "
    "default_stage_id blocked is_chat_read active_ticket_v2",
    "tasks": "id title description due_timezone due_at is_all_day created_at ai_contact_id ai_customer_id "
    "task_status_config_id priority creator_id task_responsibles status_config",
}
_ADDED = {
    "users": "users that tasks name and the team does not have are added as inactive, with invented names",
    "contacts": "contacts that tasks name and the list does not have are added with invented names; no list shows them",
    "customers": "customers are added by their ids, with invented names",
}


def fixtures_of(lists: Mapping[str, Any], keep_people: bool) -> tuple[dict[str, Records], list[str]]:
    """The lists of a fixtures folder, and notes about what is not as it was answered. Raises UnusableAnswer.

    `lists` are those of the vendor, decoded: `users`, `contacts` and `tasks`.
    """
    notes: Counter[str] = Counter()
    disguise: Disguise = (lambda text, _: text) if keep_people else pseudonym
    found = {name: list(records(name, lists[name], {*known.split()}, notes)) for name, known in _KNOWN.items()}
    users = [people.user(record, disguise) for record in found["users"]]
    contacts = [people.contact(record, disguise) for record in found["contacts"]]
    if not users:
        raise UnusableAnswer("users: the list is empty, and fixtures need a user")
    statuses = _statuses(found["tasks"], notes)
    tasks = [_task(record, disguise, users[0]["id"]) for record in found["tasks"]]
    added = {
        "users": list(people.former_users(tasks, users)),
        "contacts": list(people.unlisted_contacts(tasks, contacts)),
        "customers": list(people.customers([*contacts, *tasks])),
    }
    notes.update({_ADDED[name]: len(made) for name, made in added.items() if made})
    document = {
        "users": users + added["users"],
        "statuses": statuses,
        "contacts": contacts + added["contacts"],
        "customers": added["customers"],
        "tasks": tasks,
        "api_keys": [],  # those of the default fixtures belong to its users
    }
    return document, [f"{text} ({number})" for text, number in notes.items()]


def _statuses(tasks: Iterable[Record], notes: Counter[str]) -> Records:
    """The statuses that the tasks have, by their order; those of the shipped fixtures fill what is missing."""
    found: dict[str, Document] = {}
    for task in tasks:
        status = _status(task.inner("status_config", task.members.get("status_config")))
        if found.setdefault(status["id"], status) != status:
            raise task.unusable("status_config", f"status {status['id']} is not what another task says of it")
        if task.id("task_status_config_id", status["id"]) != status["id"]:
            raise task.unusable("task_status_config_id", "it is not the id of status_config")
    statuses = sorted(found.values(), key=lambda status: (status["order"], status["id"]))
    _make_distinct(statuses, notes)
    if not statuses:
        notes["no task shows a status: the statuses are those of the default fixtures"] += 1
        return _default_statuses()
    if not any(status["type"] == "initial" for status in statuses):
        notes["no task shows an initial status: that of the default fixtures is added"] += 1
        statuses.append(_fallback_initial(statuses))
    return statuses


def _status(record: Record) -> Document:
    order = record.members.get("order")
    if type(order) is not int or not 0 <= order <= _HIGHEST_ORDER:
        raise record.unusable("order", f"expected a whole number from 0 to {_HIGHEST_ORDER}")
    kind = record.text("type")
    if kind not in STATUS_TYPES:
        raise record.unusable("type", f"expected one of {', '.join(STATUS_TYPES)}")
    id, name, color = record.id("id"), record.text("name"), record.text("color", "")
    if not name:
        raise record.unusable("name", "it is empty")
    return {"id": id, "name": name, "color": color, "type": kind, "order": order}


def _make_distinct(statuses: Records, notes: Counter[str]) -> None:
    """Change what other statuses have already: in fixtures, names and orders are unique."""
    names: set[str] = set()
    orders: set[int] = set()
    for status in statuses:
        if status["name"] in names:
            notes["two statuses have the same name: the second gets its id added"] += 1
            status["name"] += f" {status['id']}"
        if status["order"] in orders:
            notes["two statuses have the same order: the second gets another one"] += 1
            status["order"] = max(each["order"] for each in statuses) + 1
        names.add(status["name"])
        orders.add(status["order"])


def _fallback_initial(statuses: Records) -> Document:
    initial = next(status for status in _default_statuses() if status["type"] == "initial")
    fallback = {**initial, "order": max(status["order"] for status in statuses) + 1}
    if any(status["name"] == fallback["name"] for status in statuses):
        fallback["name"] += f" {fallback['id']}"
    return fallback


def _task(record: Record, disguise: Disguise, anybody: str) -> Document:
    id, title = record.id("id"), record.text("title", "")
    if not title:
        record.notes["tasks without title: a replacement character is used"] += 1
    responsibles = list(_responsibles(record))
    creator = record.id("creator_id", None)
    if creator is None:
        record.notes["tasks without creator_id: their first responsible user is used, or the first user"] += 1
        creator = responsibles[0] if responsibles else anybody
    if not responsibles:
        record.notes["tasks without responsible users: their creator is used"] += 1
    description = record.text("description", None)
    return {
        "id": id,
        "title": disguise(title or REPLACEMENT, id),
        "description": description and disguise(description, id),
        **_due(record),
        "created_at": record.instant("created_at"),
        "ai_contact_id": record.id("ai_contact_id", None),
        "ai_customer_id": record.id("ai_customer_id", None),
        "task_status_config_id": record.inner("status_config", record.members["status_config"]).id("id"),
        "priority": _priority(record),
        "creator_id": creator,
        "task_responsibles": [{"responsible_id": each} for each in responsibles or [creator]],
    }


def _responsibles(record: Record) -> Iterator[str]:
    listed = record.members.get("task_responsibles")
    if not isinstance(listed, list):
        raise record.wrong("task_responsibles", "an array")
    seen = set()
    for index, each in enumerate(listed):
        id = record.inner(f"task_responsibles[{index}]", each).id("responsible_id")
        if id not in seen:
            seen.add(id)
            yield id


def _priority(record: Record) -> int:
    value = record.members.get("priority")
    if isinstance(value, str):
        value = value.lower()
    if isinstance(value, bool) or not isinstance(value, int | str) or value not in _PRIORITIES:
        raise record.wrong("priority", "0, 1 or 2, or low, medium or high")
    if isinstance(value, str):
        record.notes["priority is a word in the list: start with --assume list-priority=word"] += 1
    return _PRIORITIES[value]


def _due(record: Record) -> Mapping[str, Any]:
    """The due date: the parts from which the mock computes the same instant, as far as there are any."""
    due_at, is_all_day = record.instant("due_at", None), record.flag("is_all_day", True)
    if due_at is None:
        return due.columns(due.NONE)
    zone = record.text("due_timezone", None)
    if zone not in zones.names():
        record.notes["tasks with a due_at and no known due_timezone: UTC is used"] += 1
        zone = "UTC"
    utc = dates.parse_date_time(due_at)[0]
    try:
        possible = _possible_columns(utc, zone, is_all_day)
    except (OverflowError, due.OutOfRange):
        raise record.unusable("due_at", "it is outside the years 0001 to 9999") from None
    columns = next((each for each in possible if each["due_at"] == due_at), possible[-1])
    if columns["due_at"] != due_at:
        record.notes["tasks with dueTime whose due_at has seconds lose them"] += 1
    elif columns["due_timezone"] != zone:
        record.notes["tasks due at the second of two equal wall-clock times: the due_timezone UTC is used"] += 1
    return columns


def _possible_columns(utc: datetime, zone: str, is_all_day: bool) -> Sequence[Mapping[str, Any]]:
    """Due dates that may give this instant: in the zone, in UTC, and for an all-day task the instant itself."""
    local = utc.replace(tzinfo=timezone.utc).astimezone(zones.load(zone)).replace(tzinfo=None)
    if not is_all_day:
        in_zone, in_utc = _parts(local.date(), local.time(), zone), _parts(utc.date(), utc.time(), "UTC")
        return due.columns(in_zone), due.columns(in_utc)
    as_date_time = due.Parts(dates.parse_date_or_date_time(dates.text_of(utc)), None, zone)
    return (
        due.columns(_parts(local.date(), None, zone), due.ZONE_MIDNIGHT),
        due.columns(_parts(utc.date(), None, zone), due.UTC_MIDNIGHT),
        due.columns(as_date_time),
    )


def _parts(day: date, at: time | None, zone: str) -> due.Parts:
    return due.Parts(dates.parse_date_or_date_time(day.isoformat()), at and at.replace(second=0, microsecond=0), zone)


def _default_statuses() -> Records:
    return fixtures.load(fixtures.DEFAULT).document["statuses"]
