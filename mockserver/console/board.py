"""The board: tasks as cards in the columns of their statuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from mockserver.formats import zones
from mockserver.formats.json import Document
from mockserver.sandbox import state
from mockserver.sandbox.sandboxes import OpenSandbox

PRIORITIES = ("Low", "Medium", "High")
# The fields of the form that may be empty, by their names in requests.
_FORM = {"id": "id", "title": "title", "description": "description", "timezone": "timezone"}
_FORM |= {
    "dueDate": "due_date",
    "dueTime": "due_time",
    "aiContactId": "ai_contact_id",
    "aiCustomerId": "ai_customer_id",
}


def context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the page."""
    document = state.fetch(opened.world)
    return lambda: present(document()) | {"zones": sorted(zones.names())}


def present(document: state.Document) -> Document:
    """The columns with their cards, and the choices of the task form."""
    statuses = sorted(document["statuses"], key=lambda status: status["order"])
    people = [person(user) for user in document["users"]]
    known = {name: {each["id"]: each for each in document[name]} for name in ("contacts", "customers")}
    known["users"] = {user["id"]: user for user in people}
    # Tasks without a due date come last, and those of one date keep their order.
    tasks = sorted(document["tasks"], key=lambda task: (task["due_at"] is None, task["due_at"] or ""))
    cards: dict[str, list[Document]] = {status["name"]: [] for status in statuses}
    for task in tasks:
        cards[task["status_config"]["name"]].append(card(task, known))
    return {
        "columns": [{"status": status, "cards": cards[status["name"]]} for status in statuses],
        "total": len(tasks),
        "people": people,
        "customers": document["customers"],
        "priorities": PRIORITIES,
        "someone": next((user["id"] for user in people if not user["remark"]), ""),
    }


def person(user: Document) -> Document:
    """A user's name, with a remark for an inactive one."""
    name = f"{user['first_name']} {user['last_name']}".strip()
    return {"id": user["id"], "name": name, "remark": "" if user["active"] else "inactive"}


def card(task: Document, known: dict[str, dict[str, Document]]) -> Document:
    """A task for its card, with the initial values of its form; what is not `known` is shown by its id."""
    ids = [each["responsible_id"] for each in task["task_responsibles"]]
    contact, customer = task["ai_contact_id"], task["ai_customer_id"]
    contact_name = known["contacts"].get(contact, {"name": contact})["name"] or ""
    return {
        "id": task["id"],
        "title": task["title"],
        "description": task["description"],
        "priority": PRIORITIES[task["priority"]],
        "responsibles": [known["users"].get(id, {"id": id, "name": id, "remark": "unknown"}) for id in ids],
        "due": due(task),
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


def due(task: Document) -> Document | None:
    """A task's due date in its own zone and in UTC; None when it has none."""
    if task["due_at"] is None:
        return None
    utc = datetime.fromisoformat(task["due_at"].removesuffix("Z"))
    local, zone = _local(utc, task["due_timezone"] or "UTC")
    day, time = local.isoformat(sep=" ", timespec="minutes").split()
    return {
        "at": task["due_at"],
        "day": day,
        "time": "" if task["is_all_day"] and time == "00:00" else time,
        "zone": zone,
        "all_day": task["is_all_day"],
        "utc": "" if zone == "UTC" else utc.isoformat(sep=" ", timespec="minutes"),
    }


def _local(utc: datetime, zone: str) -> tuple[datetime, str]:
    """The local time in a zone, and the zone; UTC where the local time is beyond the calendar."""
    try:
        return utc.replace(tzinfo=timezone.utc).astimezone(zones.load(zone)).replace(tzinfo=None), zone
    except OverflowError:
        return utc, "UTC"
