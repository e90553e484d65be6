"""Which undocumented rules of the contract an answer hangs on: what a team asks before it trusts its tests."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from mockserver import zones
from mockserver.contract import INFERRED, RULES
from mockserver.domain.due import in_gap_or_fold
from mockserver.errors import Problem
from mockserver.sandbox import explain

_PARTS = {"due_date": "dueDate", "due_time": "dueTime", "timezone": "timezone"}
_SHOWN = ("due_at", "is_all_day", "due_timezone")
_IDS = ("responsibleIds", "aiContactId", "aiCustomerId")
_ID_FIELDS = {"createTask": (*_IDS, "statusId"), "updateTask": _IDS}
_DOCUMENTED_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_ID_OF_SOME_FORM = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE)

Document = dict[str, Any]


def relied_on(entry: Mapping[str, Any]) -> list[str]:
    """The undocumented rules that decided the refusal, or a value of the answer, that a journal entry tells of.

    They are names of `contract.RULES`, in its order. A rule counts where the answer could be another one if our
    guess were wrong, and only in the answer to the request that it decided: a list repeats what creations decided.
    Behind a refusal it counts as a whole, whatever part of it is documented.

    Left out are:

    - `success-status` and `error-shape`, which would be in every list.
    - All of an answer that a fault, a preference or a limit of the mock made: the client saw nothing else, not even
      of what was committed before a fault took the answer away.
    - All that would have to be known of a body that was cut.
    - What one entry does not tell: which other reason to refuse would have come first in another order, and which tasks
      a list kept out.
    """
    if entry["decision"]["evidence"] == "mock":
        return []
    found = {*_refusing(entry), *_deciding(entry)}
    return [rule.name for rule in RULES if rule.evidence == INFERRED and rule.name in found]


def _refusing(entry: Mapping[str, Any]) -> Iterator[str]:
    """The rules behind the problems of a refused request."""
    for told in entry["problems"]:
        problem = Problem(tuple(told["path"]), told["code"], told["message"])
        if told["evidence"] == INFERRED:
            yield _rule_of(problem, entry)
        # The message quotes what was sent.
        if problem.code == "invalid_uuid" and _ID_OF_SOME_FORM.search(problem.message):
            yield "uuid"


def _rule_of(problem: Problem, entry: Mapping[str, Any]) -> str:
    if problem.code == "not_found":
        return str(entry["decision"]["rule"])
    return explain.rule_of(problem, entry["operation"]) if problem.path else problem.code


def _deciding(entry: Mapping[str, Any]) -> Iterator[str]:
    """The rules behind an answer to a request that was understood: a success, or that something does not exist."""
    if any(problem["code"] != "not_found" for problem in entry["problems"]):
        return
    seen = _Seen(entry)
    values = {} if entry["problems"] else _VALUES.get(entry["operation"], {})
    yield from (name for name, decided in {**_UNDERSTOOD, **values}.items() if decided(seen))


class _Seen:
    """A request that was understood, and its answer, as far as the entry has them.

    `before` and `after` are the task's rows; empty when it did not change. `parts` are what the due date of the
    answer was made of; empty when none was sent, or they are not all known. `tasks` are those of a list.
    """

    def __init__(self, entry: Mapping[str, Any]) -> None:
        request, answer = entry["request"], entry["response"].get("json")
        self.operation: str = entry["operation"]
        self.path: str = request["path"]
        self.query = {name: text if isinstance(text, list) else [text] for name, text in request["query"].items()}
        self.body: Document = request.get("json", {}) if self.operation in _ID_FIELDS else {}
        self.advice = {advice["rule"] for advice in entry["advice"]}
        self.before, self.after = _rows(entry["changes"])
        self.parts = _parts(self.body, self.after or _parts_shown(answer))
        self.tasks: list[Document] = answer if isinstance(answer, list) and request["method"] != "HEAD" else []


def _rows(changes: list[Document]) -> tuple[Document, Document]:
    """The task before and after the change; both empty when it did not change, or one of them was cut."""
    for change in changes:
        before, after = change["before"] or {}, change["after"] or {}
        if change["resource"] == "task" and "length" not in {**before, **after}:
            return before, after
    return {}, {}


def _parts(body: Document, others: Document) -> Document:
    sent = {part: body[name] for part, name in _PARTS.items() if name in body}
    parts = {part: others[part] for part in _PARTS if part in others} | sent
    return parts if sent and len(parts) == len(_PARTS) else {}


def _parts_shown(task: Any) -> Document:
    """What an answer tells of the parts of the due date that it shows the result of."""
    if not isinstance(task, dict) or "due_at" not in task:
        return {}
    return {
        "timezone": task["due_timezone"],
        **({"due_date": None} if task["due_at"] is None else {}),
        **({"due_time": None} if task["is_all_day"] else {}),
    }


def _ids(seen: _Seen) -> Iterator[str]:
    """The ids that were read, as they were sent."""
    if seen.operation in ("updateTask", "deleteTask"):
        yield seen.path.rpartition("/")[2]
    if seen.operation == "listTasks":
        yield from filter(None, chain.from_iterable(text.split(",") for text in _responsibles(seen)))
    for name in _ID_FIELDS.get(seen.operation, ()):
        value = seen.body.get(name) or ()
        yield from [value] if isinstance(value, str) else value


def _responsibles(seen: _Seen) -> list[str]:
    return [*seen.query.get("responsibleIds", ()), *seen.query.get("responsibleIds[]", ())]


def _is_of_another_form(seen: _Seen) -> bool:
    return not all(map(_DOCUMENTED_ID.fullmatch, _ids(seen)))


def _has_repeated_responsibles(seen: _Seen) -> bool:
    ids = [id.lower() for id in seen.body.get("responsibleIds", ())]
    return len(set(ids)) < len(ids)


def _would_be_tidied(seen: _Seen) -> bool:
    texts = [seen.body.get(name) or "" for name in ("title", "description")]
    return any(unicodedata.normalize("NFC", text).strip() != text for text in texts)


def _due_rule(seen: _Seen) -> str | None:
    """The rule for a due date of these parts."""
    if not seen.parts:
        return None
    day, time, timezone = (seen.parts[part] for part in _PARTS)
    if day is None:
        return "due-none" if time or timezone else None
    return ("due-date-time" if "T" in day else "due-date") + ("-and-time" if time else "")


def _is_due_in_gap_or_fold(seen: _Seen) -> bool:
    if not seen.parts or seen.parts["due_date"] is None:
        return False
    # The process that answered may know zones that this one does not.
    return (seen.parts["timezone"] or "UTC") in zones.names() and in_gap_or_fold(**seen.parts)


def _is_due_changed_in_part(seen: _Seen) -> bool:
    """Whether a part of the due date was removed, or changed while the date stayed as it was given."""
    if not seen.body or all(seen.before.get(name) == seen.after.get(name) for name in _SHOWN):
        return False
    made_all_day = seen.body.get("dueTime", "") is None and seen.before["due_time"] is not None
    return seen.body.get("dueDate") is None or made_all_day


def _is_unlinked(seen: _Seen) -> bool:
    return seen.before.get("ai_contact_id") not in (None, seen.after.get("ai_contact_id"))


def _are_responsibles_read_our_way(seen: _Seen) -> bool:
    """Whether they are not one id as the name says: several, of another name, or none, which means everyone."""
    texts = _responsibles(seen)
    several = len(texts) > 1 or "," in texts[0] or "responsibleIds[]" in seen.query
    return several or (texts == [""] and bool(seen.tasks))


def _are_days_read_our_way(seen: _Seen) -> bool:
    """Whether a task came on the first or the last day, in UTC, or the first is after the last."""
    ends = (seen.query["fromDate"][0], seen.query["toDate"][0])
    return "dates-swapped" in seen.advice or any((task["due_at"] or "")[:10] in ends for task in seen.tasks)


_Decided = Callable[[_Seen], bool]

_UNDERSTOOD: dict[str, _Decided] = {
    "uuid": _is_of_another_form,
    "unknown-keys": lambda seen: not seen.advice.isdisjoint(("unread-key", "unread-query")),
    "json": lambda seen: "repeated-key" in seen.advice,
}
_WRITTEN: dict[str, _Decided] = {
    "strings": _would_be_tidied,
    "responsibleIds": _has_repeated_responsibles,
    "due-none": lambda seen: _due_rule(seen) == "due-none",
    "due-date": lambda seen: _due_rule(seen) == "due-date",
    "due-date-time": lambda seen: _due_rule(seen) == "due-date-time",
    "due-date-time-and-time": lambda seen: _due_rule(seen) == "due-date-time-and-time",
    "due-gap-and-fold": _is_due_in_gap_or_fold,
}
_VALUES: dict[str, dict[str, _Decided]] = {
    "createTask": {
        **_WRITTEN,
        "statusId": lambda seen: "statusId" in seen.body,
        "empty-description": lambda seen: bool(seen.body) and seen.body.get("description") is None,
    },
    "updateTask": {
        **_WRITTEN,
        "update-status": lambda seen: not seen.body.keys().isdisjoint(("newStatusPosition", "newStatusName")),
        "update-due": _is_due_changed_in_part,
        "update-contact": _is_unlinked,
        "update-nulls": lambda seen: seen.body.get("description", "") is None,
    },
    "listTasks": {
        "list-responsibleIds": _are_responsibles_read_our_way,
        "list-dates": _are_days_read_our_way,
        "list-order": lambda seen: len(seen.tasks) > 1,
    },
}
