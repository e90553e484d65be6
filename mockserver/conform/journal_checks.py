"""Checks of the rules that the mock's answer in a journal rests on, by the vendor's answer to the same request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from functools import partial
from typing import NamedTuple

from mockserver.conform import error_checks, success_checks
from mockserver.conform.answer_parts import Unclear, is_due, order_of
from mockserver.conform.checks import Check
from mockserver.conform.comparing import BODY, FIELDS, MEMBERS, STATUS, STATUS_PATHS, TYPES, Difference
from mockserver.conform.error_checks import CheckAnswers, Fits
from mockserver.conform.journal_entries import fields_of
from mockserver.conform.positions import fitting_positions
from mockserver.domain import due
from mockserver.domain.tasks import PRIORITY_WORDS
from mockserver.fidelity import contract
from mockserver.fidelity.assumptions import BY_NAME
from mockserver.formats import dates, zones
from mockserver.formats.json import Document
from mockserver.vendor import Answer

_DUE = ("due_at", "is_all_day", "due_timezone")
_DUE_RULES = "all-day due-none-parts due-date-and-time due-date-time due-date-time-and-time due-gap-and-fold update-due"
# The parts of a success that a rule decides; all other rules decide only that a request is accepted.
_DECIDED: dict[str, tuple[str, ...]] = {
    "create-status": (STATUS,),
    "success-status": (STATUS,),
    "strings": ("title", "description"),
    "null-description": ("description",),
    "responsible-repeats": ("task_responsibles",),
    **dict.fromkeys(_DUE_RULES.split(), _DUE),
    "several-initial-statuses": STATUS_PATHS,
    "list-any-responsible": (MEMBERS,),
    "list-days": (MEMBERS,),
    "list-order": (MEMBERS,),
    "list-priority": ("priority",),
    "update-contact": ("ai_contact_id",),
    "delete": (BODY,),
}
# The parts that these rules decide, besides that a request is accepted.
_ALSO_DECIDED: dict[str, tuple[str, ...]] = {
    "timezone-case": ("due_timezone",),
    "statusId": STATUS_PATHS,
    "status-position": STATUS_PATHS,
    "update-status": STATUS_PATHS,
}
# The parts of an error's body that a rule decides; all other rules decide its status.
_WORDING: dict[str, tuple[str, ...]] = {
    "error-body": (BODY, f"{BODY}.error", f"{BODY}.statusCode"),
    "validation-body": (BODY, f"{BODY}.message", f"{BODY}.errors"),
    "validation-limit": (f"{BODY}.errors",),
    "reference-message": (f"{BODY}.message",),
}
_NEEDED_TASKS = {"list-order": 2, "list-days": 1, "list-any-responsible": 1}  # of the run, in a list
EVERYTHING = "*"
_EARLIER = "an earlier answer about the task differed, or a change of it was left out"
_OF_OBJECTS = ("task-object", "team-members", "contact-object")
# A comparison leaves out the values of contacts, and the order of a task's keys.
_CONTACTS = ("contacts-window", "contacts-stage", "contacts-custom-value", "contacts-ties", "contact-nulls")
_NOT_SHOWN = (*_CONTACTS, "task-object-order")
_NAMES = frozenset(rule.name for rule in contract.RULES)


class Compared(NamedTuple):
    """A request of a journal that was sent: its entry, the vendor's answer, and the differences.

    `sent` are the fields that were sent to the vendor, `own` are the run's tasks in the answer, and `orders` are those
    of the vendor's statuses that were seen. `followed` are the places in which it differs as an earlier answer did, or
    `EVERYTHING`.
    """

    entry: Document
    sent: Document
    answer: Answer
    differences: list[Difference]
    own: list[Document]
    orders: Set[float]
    followed: Set[str] = frozenset()

    @property
    def name(self) -> str:
        """The name of the entry, in place of that of a probe."""
        return f"#{self.entry['id']}"

    @property
    def mock(self) -> int:
        """The status of the mock's answer."""
        return int(self.entry["response"]["status"])

    @property
    def is_decided_otherwise(self) -> bool:
        """True when one refused it and the other did not, or for another reason."""
        return self.mock != self.answer.status and max(self.mock, self.answer.status) >= 400


def checks_of(compared: Compared) -> Iterator[Check]:
    """The checks of the rules that the mock's answer rests on."""
    for rule in rules_of(compared.entry):
        if rule not in _NOT_SHOWN:
            yield Check(rule, (compared.name,), partial(_decide, rule, compared))


def rules_of(entry: Document) -> list[str]:
    """The names of the rules that an answer of the mock rests on: those inferred, and the documented ones behind it."""
    return list(dict.fromkeys([*entry["inferred"], *_documented(entry)]))


def _documented(entry: Document) -> Iterator[str]:
    """The rules behind an answer that are documented as far as the entry shows."""
    body_rule = entry["decision"]["body"]["rule"]
    if entry["response"]["status"] < 400:
        yield from (rule for rule in (body_rule, *_due_rules(entry)) if rule in _NAMES)
        return
    fields = {problem["rule"] for problem in entry["problems"]}
    rule = entry["decision"]["rule"]
    if len(fields) == 1:
        yield from (name for name in (rule, rule.partition(".")[0]) if name in _NAMES)


def _decide(rule: str, compared: Compared, _: Answer) -> Fits:
    """Decide by the switch's own check, or by the differences in what the rule decides."""
    if rule in _WORDING:
        return _wording(rule, compared)
    if compared.is_decided_otherwise:
        if STATUS in compared.followed:
            raise Unclear(_EARLIER)
        _require_one_suspect(rule, compared)
        return _OF_SWITCHES[rule](compared) if rule in _OF_SWITCHES else False
    if rule in _OF_SWITCHES:
        if EVERYTHING in compared.followed and rule in _DECIDED:
            raise Unclear(_EARLIER)
        return _OF_SWITCHES[rule](compared)
    if compared.mock >= 400:
        return _refusal(compared)
    if rule in _NEEDED_TASKS and len(compared.own) < _NEEDED_TASKS[rule]:
        raise Unclear("the list has too few tasks of the run")
    paths = (*_DECIDED.get(rule, ()), *_ALSO_DECIDED.get(rule, ()))
    if rule in _OF_OBJECTS:
        explained = {path for name in rules_of(compared.entry) for path in _DECIDED.get(name, ())}
        return not any(each.grade in (FIELDS, TYPES) and each.path not in explained for each in compared.differences)
    if compared.followed & {EVERYTHING, *paths}:
        raise Unclear(_EARLIER)
    if not any(each.path.partition(".")[0] in paths for each in compared.differences):
        return True
    others = [name for name in rules_of(compared.entry) if name != rule and {*paths} & {*_DECIDED.get(name, ())}]
    if others:
        raise Unclear(f"{rule} or {' or '.join(others)} may be the reason")
    return False


def _require_one_suspect(rule: str, compared: Compared) -> None:
    """Raise Unclear unless this rule alone can be the reason why the vendor decided otherwise."""
    suspects = [name for name in rules_of(compared.entry) if _may_refuse(name, compared.mock)]
    if rule not in suspects:
        raise Unclear(f"the vendor answered {compared.answer.status} for another reason")
    if len(suspects) > 1:
        raise Unclear(f"{' or '.join(suspects)} may be the reason for {compared.answer.status}")


def _may_refuse(rule: str, mock: int) -> bool:
    if rule in _WORDING or rule in _OF_OBJECTS:
        return False
    return mock >= 400 or rule not in _DECIDED


def _refusal(compared: Compared) -> bool:
    """Check that the vendor refused for the same reason."""
    issues = [each for each in compared.differences if each.path == f"{BODY}.errors"]
    if issues or (len(compared.entry["problems"]) > 1 and not _lists_issues(compared.answer)):
        raise Unclear("the 400 does not name every field")
    return True


def _lists_issues(answer: Answer) -> bool:
    return isinstance(answer.json, dict) and isinstance(answer.json.get("errors"), list)


def _wording(rule: str, compared: Compared) -> Fits:
    """Check the body of an error."""
    if compared.is_decided_otherwise:
        raise Unclear(f"the vendor answered {compared.answer.status}, and the mock {compared.mock}")
    if rule == "validation-body":
        return error_checks.validation_body(compared.answer)
    return not any(each.path in _WORDING[rule] for each in compared.differences)


def parts_of(entry: Document) -> due.Parts | None:
    """The parts of a due date that a request gives; None when it leaves some of them to the task, or gives none."""
    body = fields_of(entry)
    if not body.get("dueDate"):
        return None
    if entry["operation"] == "updateTask" and not {"dueTime", "timezone"} <= body.keys():
        return None
    try:
        at, zone = body.get("dueTime"), body.get("timezone")
        return due.Parts(
            dates.parse_date_or_date_time(body["dueDate"]), at and dates.parse_time(at), zone and zones.parse(zone)
        )
    except (ValueError, TypeError, AttributeError):
        return None


def _due_rules(entry: Document) -> tuple[str, ...]:
    if entry["operation"] not in ("createTask", "updateTask"):
        return ()
    parts = parts_of(entry)
    return () if parts is None else due.rules(parts)


# The checks of switches.


def _due_date_offset(compared: Compared) -> Fits:
    if any(each.path in _DUE for each in compared.differences):
        return set()
    return error_checks.accepted(compared.answer)


def _path_matching(compared: Compared) -> Fits:
    if compared.mock == 404 and not compared.is_decided_otherwise:
        raise Unclear("a 404 that may be about an id or about the path")
    return {"exact"} if compared.answer.status == 404 else {"lenient"}


def _empty_body(compared: Compared) -> Fits:
    check = error_checks.empty_creation if compared.entry["operation"] == "createTask" else error_checks.empty_update
    return check(compared.answer)


def _all_day(compared: Compared) -> Fits:
    parts = parts_of(compared.entry)
    task = compared.answer.json
    if parts is None or not isinstance(task, dict):
        raise Unclear("the request leaves a part of the due date to the task")
    values = BY_NAME["all-day"].values
    return {value for value in values if is_due(task, str(due.due(parts, value).due_at))}


def _list_priority(compared: Compared) -> Fits:
    shown = [task.get("priority") for task in compared.own]
    if not shown:
        raise Unclear("the list has no task of the run")
    if all(each in PRIORITY_WORDS for each in shown):
        return {"word"}
    return {"number"} if all(type(each) is int for each in shown) else set()


def _status_position(compared: Compared) -> Fits:
    if compared.answer.status not in (200, 404):
        return set()
    return fitting_positions({compared.sent["newStatusPosition"]: order_of(compared.answer)}, compared.orders)


def _of_answer(check: CheckAnswers) -> Callable[[Compared], Fits]:
    return lambda compared: check(compared.answer)


_OF_SWITCHES: dict[str, Callable[[Compared], Fits]] = {
    "create-status": _of_answer(success_checks.create_status),
    "wrong-method": _of_answer(error_checks.wrong_method),
    "path-matching": _path_matching,
    "empty-body": _empty_body,
    "due-date-offset": _due_date_offset,
    "comma-list": _of_answer(error_checks.accepted),
    "all-day": _all_day,
    "list-priority": _list_priority,
    "status-position": _status_position,
    "unknown-contact": _of_answer(error_checks.unknown_contact),
    "inactive-responsible": _of_answer(error_checks.inactive_responsible),
    "null-description": _of_answer(success_checks.null_description),
}
