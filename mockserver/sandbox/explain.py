"""Why a request was answered as it was: the rule that decided, its evidence, and every problem."""

from __future__ import annotations

from typing import Any

from mockserver.contract import RULES
from mockserver.errors import LEFT_OUT, ApiError, Problem, ValidationFailed, listed

_RULES = {rule.name: rule for rule in RULES}
_SUCCESS = "success-status"
# Where a problem's rule is not named after its field.
_BY_CODE = {
    "out_of_range": "due-range",
    "conflict": "update-status",
    "repeated": "list-repeated",
    "strict_timezone": "strict-timezone",
    "strict_unread_key": "strict-unread-key",
}
_BY_FIELD = {"id": "uuid", "newStatusPosition": "update-status", "newStatusName": "update-status"}
_OF_THE_LIST = {
    "responsibleIds": "list-responsibleIds",
    "fromDate": "list-dates",
    "toDate": "list-dates",
    "includeTasksWithoutDates": "list-undated",
}

Document = dict[str, Any]


def decision(refusal: ApiError | None, operation: str | None) -> Document:
    """The rule that decided, as a journal entry shows it."""
    if refusal is None:
        return {"rule": _SUCCESS, **_evidence(_SUCCESS)}
    if isinstance(refusal, ValidationFailed):
        first = refusal.problems[0]
        name = rule_of(first, operation)
        return {"rule": f"{first.path[0]}.{first.code}", **_evidence(name)}
    return {"rule": refusal.rule, **_evidence(refusal.rule)}


def problems(refusal: ApiError | None, operation: str | None) -> list[Document]:
    """Every problem of a refused request, with the section and the evidence of its rule."""
    if refusal is None:
        return []
    if not refusal.problems:
        return [_whole(refusal.message, refusal.rule)]
    return [_problem(problem, refusal, operation) for problem in listed(refusal.problems)]


def _problem(problem: Problem, refusal: ApiError, operation: str | None) -> Document:
    if problem.code == LEFT_OUT:
        return _whole(problem.message, LEFT_OUT)
    rule = rule_of(problem, operation) if isinstance(refusal, ValidationFailed) else refusal.rule
    return problem.document() | {"rule": f"{problem.path[0]}.{problem.code}"} | _evidence(rule)


def _whole(message: str, rule: str) -> Document:
    """What is to be said of the request as a whole."""
    return {"path": [], "message": message, "code": rule, "rule": rule, **_evidence(rule)}


def rule_of(problem: Problem, operation: str | None) -> str:
    """The name of the contract's rule that a problem of validation is about."""
    field = str(problem.path[0])
    by_field = _OF_THE_LIST if operation == "listTasks" else _BY_FIELD
    if operation == "updateTask" and problem.code == "null" and field in _RULES:
        return "update-nulls"
    return _BY_CODE.get(problem.code) or by_field.get(field) or field


def _evidence(name: str) -> Document:
    """The evidence and the section of a rule; rules of the mock's own have neither."""
    rule = _RULES.get(name)
    return {
        "evidence": rule.evidence if rule else "mock",
        "contract": rule.section if rule else None,
    }
