"""The board: tasks as cards in the columns of their statuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timezone

from flask import request

from mockserver.formats import dates, zones
from mockserver.formats.json import Document
from mockserver.sandbox import state
from mockserver.sandbox.sandboxes import OpenSandbox

PRIORITIES = ("Low", "Medium", "High")
UNDATED = "~"  # after every due date
MAX_TEXT = 500  # characters of a title or description on a card, which has room for fewer
_FINAL = ("done", "master_done")  # types of statuses in which nothing is overdue
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# The texts of the form, by their names in requests; one that is null is empty there.
_FORM = {"id": "id", "title": "title", "description": "description", "timezone": "timezone"}
_FORM |= {
    "dueDate": "due_date",
    "dueTime": "due_time",
    "aiContactId": "ai_contact_id",
    "aiCustomerId": "ai_customer_id",
}


def context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the page."""
    moment, tasks = _moment(opened), state.fetch_tasks(opened.world, more=("position",))
    people = state.people(opened.world)
    return lambda: {
        **present({**people, "tasks": tasks()}, moment["now"]),
        "moment": moment,
        "zones": sorted(zones.names()),
    }


def cards_context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the cards of the tasks that the query names by their ids."""
    moment, known = _moment(opened), _known(state.people(opened.world))
    tasks = state.fetch_tasks(opened.world, request.args.getlist("id"), more=("position",))
    return lambda: {"cards": [card(task, known, moment["now"]) for task in tasks()], "moment": moment}


def _moment(opened: OpenSandbox) -> Document:
    """The sandbox's time, and a value that changes whenever the board may have changed."""
    world = opened.world
    version = (*opened.version, world.columns["last_position"], world.clock.now_ms, world.clock.anchor_ms)
    return {"now": world.clock.read(), "mode": world.clock.mode, "version": "-".join(map(str, version))}


def present(document: state.Document, now: str) -> Document:
    """The columns with their cards, and the choices of the filter and of the task form."""
    statuses = sorted(document["statuses"], key=lambda status: status["order"])
    known = _known(document)
    people = list(known["users"].values())
    cards: dict[str, list[Document]] = {status["name"]: [] for status in statuses}
    for task in document["tasks"]:
        cards[task["status_config"]["name"]].append(card(task, known, now))
    return {
        "columns": [{"status": status, "cards": sorted(cards[status["name"]], key=_order)} for status in statuses],
        "total": len(document["tasks"]),
        "people": people,
        "customers": document["customers"],
        "priorities": PRIORITIES,
        "someone": next((user["id"] for user in people if not user["remark"]), ""),
    }


def _order(card: Document) -> str:
    return str(card["order"])


def _known(document: state.Document) -> dict[str, dict[str, Document]]:
    """The objects that tasks refer to, by kind and id."""
    known = {name: {each["id"]: each for each in document[name]} for name in ("contacts", "customers")}
    return {**known, "users": {user["id"]: person(user) for user in document["users"]}}


def person(user: Document) -> Document:
    """A user's name, the first of its words, and a remark for an inactive user."""
    name = f"{user['first_name']} {user['last_name']}".strip()
    return {
        "id": user["id"],
        "name": name,
        "short": name.partition(" ")[0],
        "remark": "" if user["active"] else "inactive",
    }


def card(task: Document, known: dict[str, dict[str, Document]], now: str) -> Document:
    """A task for its card, with the initial values of its form; what is not `known` is shown by its id."""
    ids = [each["responsible_id"] for each in task["task_responsibles"]]
    contact, customer = task["ai_contact_id"], task["ai_customer_id"]
    contact_name = known["contacts"].get(contact, {"name": contact})["name"] or ""
    when = due(task, now)
    return {
        "id": task["id"],
        "title": _cut(task["title"]),
        "description": _cut(task["description"]),
        # Tasks without a due date come last, and those of one date keep their order.
        "order": f"{task['due_at'] or UNDATED} {task['position']:010}",
        "priority": PRIORITIES[task["priority"]],
        "responsibles": [known["users"].get(id, {"name": id, "short": id, "remark": "unknown"}) for id in ids],
        "due": when,
        "contact": contact_name,
        "customer": known["customers"].get(customer, {"name": customer})["name"] or "",
        "form": {
            **{name: task[column] or "" for name, column in _FORM.items()},
            "contact": contact_name,
            "responsibleIds": ids,
            "priority": str(task["priority"]),
            "newStatusName": task["status_config"]["name"],
        },
    }


def _cut(text: str | None) -> str:
    """The part of a text that a card may show: a browser takes seconds to break a long word into lines."""
    text = (text or "").strip()
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def due(task: Document, now: str) -> Document | None:
    """A task's due date in its own zone and in UTC, with its mark; None when it has none."""
    if task["due_at"] is None:
        return None
    utc = datetime.fromisoformat(task["due_at"].replace("Z", "+00:00"))
    local, zone, first, last = _local(utc, task["due_timezone"] or "UTC")
    day, time = local.isoformat(sep=" ", timespec="minutes")[:16].split()
    all_day = task["is_all_day"]
    shown = "" if all_day and time == "00:00" else f" {time}"
    beyond = "" if zone == "UTC" else utc.isoformat(sep=" ", timespec="minutes")[:16]
    is_final = task["status_config"]["type"] in _FINAL
    limits = {} if is_final else {"first": first, "last": last if all_day else task["due_at"]}
    return {
        "at": task["due_at"],
        "brief": f"{_brief(local, now)}{shown}",
        "full": f"{day}{shown} {zone}{', all day' if all_day else ''}{f' ({beyond} UTC)' if beyond else ''}",
        "elsewhere": "" if utc.date() == local.date() else f"{_brief(utc, now)} {utc:%H:%M} UTC · {zone}",
        **limits,
        "mark": mark(limits, now),
    }


def mark(limits: dict[str, str], now: str) -> str:
    """A due date's mark at a time: `Overdue` after the last instant, `Today` since the first, else empty."""
    if not limits or now < limits["first"]:
        return ""
    return "Overdue" if now > limits["last"] else "Today"


def _brief(day: date, now: str) -> str:
    """A day without its year, when that is the current one."""
    text = f"{day.day} {_MONTHS[day.month - 1]}"
    return text if f"{day.year:04}" == now[:4] else f"{text} {day.year:04}"


def _local(utc: datetime, zone: str) -> tuple[datetime, str, str, str]:
    """The local time in a zone, the zone, and the ends of the day there; UTC where they are beyond the calendar."""
    try:
        local = utc.astimezone(zones.load(zone))
        first = local.replace(hour=0, minute=0, second=0, microsecond=0)
        last = local.replace(hour=23, minute=59, second=59, microsecond=999000)
        return local, zone, _instant(first), _instant(last)
    except OverflowError:
        return _local(utc, "UTC")


def _instant(moment: datetime) -> str:
    return dates.text_of(moment.astimezone(timezone.utc).replace(tzinfo=None))
