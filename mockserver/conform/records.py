"""The vendor's lists as the lists of a fixtures folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timezone
from typing import Any, NamedTuple

from mockserver import fixtures
from mockserver.conform import people
from mockserver.conform.answered import REPLACEMENT, Given, UnusableAnswer, records
from mockserver.conform.invented import invented
from mockserver.conform.people import Disguise
from mockserver.domain import due
from mockserver.fixtures import STATUS_TYPES, Records
from mockserver.formats import dates, zones
from mockserver.formats.json import Document

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
    "users": "users whom tasks name and the team does not have are added, not active, with invented names",
    "contacts": "contacts whom tasks name and the list does not have are added, with invented names; lists lack them",
    "customers": "customers are added by their ids, with invented names",
}


class Answers(NamedTuple):
    """The lists that the vendor answered, decoded."""

    users: Any
    contacts: Any
    tasks: Any


def fixtures_of(answers: Answers, keep_people: bool) -> tuple[dict[str, Records], list[str]]:
    """The lists of a fixtures folder, and notes about what is not as it was answered. Raises UnusableAnswer."""
    notes: Counter[str] = Counter()
    disguise: Disguise = (lambda text, _: text) if keep_people else invented
    found = {
        name: list(records(name, listed, frozenset(_KNOWN[name].split()), notes))
        for name, listed in answers._asdict().items()
    }
    users = [people.user(given, disguise) for given in found["users"]]
    contacts = [people.contact(given, disguise) for given in found["contacts"]]
    if not users:
        raise UnusableAnswer("users: the list is empty, and fixtures need a user")
    statuses = _statuses(found["tasks"], notes)
    tasks = [_task(given, disguise, users[0]["id"]) for given in found["tasks"]]
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


def _statuses(tasks: Iterable[Given], notes: Counter[str]) -> Records:
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


def _status(given: Given) -> Document:
    order = given.members.get("order")
    if type(order) is not int or not 0 <= order <= _HIGHEST_ORDER:
        raise given.unusable("order", f"expected a whole number from 0 to {_HIGHEST_ORDER}")
    kind = given.text("type")
    if kind not in STATUS_TYPES:
        raise given.unusable("type", f"expected one of {', '.join(STATUS_TYPES)}")
    id, name, color = given.id("id"), given.text("name"), given.text("color", "")
    if not name:
        raise given.unusable("name", "it is empty")
    return {"id": id, "name": name, "color": color, "type": kind, "order": order}


def _make_distinct(statuses: Records, notes: Counter[str]) -> None:
    """Change what other statuses have already: in fixtures, names and orders are unique."""
    names: set[str] = set()
    orders: set[int] = set()
    for status in statuses:
        if status["name"] in names:
            notes["statuses have the same name: its id is added to the second"] += 1
            status["name"] += f" {status['id']}"
        if status["order"] in orders:
            notes["statuses have the same order: the second has another one"] += 1
            status["order"] = max(each["order"] for each in statuses) + 1
        names.add(status["name"])
        orders.add(status["order"])


def _fallback_initial(statuses: Records) -> Document:
    initial = next(status for status in _default_statuses() if status["type"] == "initial")
    fallback = {**initial, "order": max(status["order"] for status in statuses) + 1}
    if any(status["name"] == fallback["name"] for status in statuses):
        fallback["name"] += f" {fallback['id']}"
    return fallback


def _task(given: Given, disguise: Disguise, anybody: str) -> Document:
    id, title = given.id("id"), given.text("title", "")
    if not title:
        given.notes["tasks without title get a replacement character"] += 1
    responsibles = list(_responsibles(given))
    creator = given.id("creator_id", None)
    if creator is None:
        given.notes["tasks without creator_id get their first responsible user there, or the first user"] += 1
        creator = responsibles[0] if responsibles else anybody
    if not responsibles:
        given.notes["tasks without responsible users get their creator there"] += 1
    description = given.text("description", None)
    return {
        "id": id,
        "title": disguise(title or REPLACEMENT, id),
        "description": description and disguise(description, id),
        **_due(given),
        "created_at": given.instant("created_at"),
        "ai_contact_id": given.id("ai_contact_id", None),
        "ai_customer_id": given.id("ai_customer_id", None),
        "task_status_config_id": given.inner("status_config", given.members["status_config"]).id("id"),
        "priority": _priority(given),
        "creator_id": creator,
        "task_responsibles": [{"responsible_id": each} for each in responsibles or [creator]],
    }


def _responsibles(given: Given) -> Iterator[str]:
    listed = given.members.get("task_responsibles")
    if not isinstance(listed, list):
        raise given.wrong("task_responsibles", "an array")
    seen = set()
    for index, each in enumerate(listed):
        id = given.inner(f"task_responsibles[{index}]", each).id("responsible_id")
        if id not in seen:
            seen.add(id)
            yield id


def _priority(given: Given) -> int:
    value = given.members.get("priority")
    if isinstance(value, str):
        value = value.lower()
    if isinstance(value, bool) or not isinstance(value, int | str) or value not in _PRIORITIES:
        raise given.wrong("priority", "0, 1 or 2, or low, medium or high")
    if isinstance(value, str):
        given.notes["priority is a word in the list: start with --assume list-priority=word"] += 1
    return _PRIORITIES[value]


def _due(given: Given) -> Document:
    """The due date: the parts from which the mock computes the same instant, as far as there are any."""
    due_at, is_all_day = given.instant("due_at", None), given.flag("is_all_day", True)
    if due_at is None:
        return due.columns(due.NONE)
    zone = given.text("due_timezone", None)
    if zone not in zones.names():
        given.notes["tasks with a due_at and no known due_timezone get UTC"] += 1
        zone = "UTC"
    utc = dates.parse_date_time(due_at)[0]
    try:
        possible = _all_day_columns(utc, zone) if is_all_day else _timed_columns(utc, zone)
    except (OverflowError, due.OutOfRange):
        raise given.unusable("due_at", "it is outside the years 0001 to 9999 there") from None
    columns = next((each for each in possible if each["due_at"] == due_at), possible[-1])
    if columns["due_at"] != due_at:
        given.notes["tasks with dueTime whose due_at has seconds lose them"] += 1
    elif columns["due_timezone"] != zone:
        given.notes["tasks due at the second of two equal wall-clock times get the due_timezone UTC"] += 1
    return columns


def _all_day_columns(utc: datetime, zone: str) -> Sequence[Document]:
    """Due dates without a time that may give this instant: midnight in the zone, in UTC, and the instant itself."""
    as_date_time = due.Parts(dates.parse_date_or_date_time(dates.text_of(utc)), None, zone)
    return (
        due.columns(_parts(_local(utc, zone).date(), None, zone), due.ZONE_MIDNIGHT),
        due.columns(_parts(utc.date(), None, zone), due.UTC_MIDNIGHT),
        due.columns(as_date_time),
    )


def _timed_columns(utc: datetime, zone: str) -> Sequence[Document]:
    """Due dates with a time that may give this instant: in the zone, or in UTC."""
    local = _local(utc, zone)
    return (
        due.columns(_parts(local.date(), local.time(), zone)),
        due.columns(_parts(utc.date(), utc.time(), "UTC")),
    )


def _local(utc: datetime, zone: str) -> datetime:
    return utc.replace(tzinfo=timezone.utc).astimezone(zones.load(zone)).replace(tzinfo=None)


def _parts(day: date, at: time | None, zone: str) -> due.Parts:
    return due.Parts(dates.parse_date_or_date_time(day.isoformat()), at and at.replace(second=0, microsecond=0), zone)


def _default_statuses() -> Records:
    return fixtures.load(fixtures.DEFAULT).document["statuses"]
