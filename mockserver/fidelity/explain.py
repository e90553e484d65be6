"""Explanations of an answer: the rules that decided, their evidence, and every problem."""

from __future__ import annotations

from collections.abc import Set
from functools import cache, lru_cache

from mockserver.errors import LEFT_OUT, ApiError, InvalidId, NotFound, Problem, ValidationFailed, listed
from mockserver.fidelity.contract import DOCUMENTED, RULES
from mockserver.formats.json import Document

_RULES = {rule.name: rule for rule in RULES}
_INFERRED = {rule.name: place for place, rule in enumerate(RULES) if rule.evidence != DOCUMENTED}
# By operation: the rules behind the status and the body of a success.
_SUCCESSES = {
    "createTask": ("create-status", "task-object"),
    "listTasks": ("success-status", "task-object"),
    "updateTask": ("success-status", "task-object"),
    "deleteTask": ("success-status", "delete"),
    "listTeamMembers": ("success-status", "team-members"),
    "listContacts": ("success-status", "contact-object"),
    "searchContacts": ("success-status", "contact-object"),
}


# Without these, every other refusal would have been another.
_OF_EVERY_ANSWER = frozenset(("path-matching", "empty-body"))


def decision(refusal: ApiError | None, operation: str | None) -> Document:
    """The rules behind the status and the body of an answer, as a journal entry shows them."""
    status, body = _behind(refusal, operation)
    name = _name(refusal.problems[0]) if isinstance(refusal, ValidationFailed | InvalidId) else status
    return {"rule": name, **_decision(status, body)}


@cache
def _decision(status: str, body: str) -> Document:
    evidence, body_evidence = _evidence(status), _evidence(body)
    return {"evidence": evidence, "body": {"rule": body, "evidence": body_evidence}, **_section(status)}


def _behind(refusal: ApiError | None, operation: str | None) -> tuple[str, str]:
    """The names of the rules behind status and body."""
    if refusal is None:
        return _SUCCESSES[operation or ""]
    return refusal.rule, refusal.body_rule or refusal.rule


def inferred(refusal: ApiError | None, operation: str | None, understood: Set[str], decided: Set[str]) -> list[str]:
    """The undocumented rules on which status, body or a value of the answer rests, in the contract's order.

    `understood` are those by which the request was understood, `decided` those that determined a success. A rule
    counts where the answer could differ if our guess were wrong, and only in the answer to the request that it
    decided: a list does not repeat the rules of its tasks' creation.

    Left out are:

    - Every rule behind an answer that a fault, a preference or a limit of the mock replaced: the client saw nothing
      else, even of what was committed before the fault.
    - Effects that one request does not show: which other refusal would have come first in another order, and which
      tasks a list left out.
    """
    if refusal is None:
        found = {*_behind(refusal, operation), *understood, *decided}
    else:
        names = (name for each in refusal.problems for name in (each.rule, each.also))
        found = {*_behind(refusal, operation), *names, *understood & _OF_EVERY_ANSWER}
        if isinstance(refusal, NotFound):  # it is about what the request names, so the request was understood
            found |= understood
    return [*_in_order(frozenset(found))]


@lru_cache(maxsize=1024)
def _in_order(rules: frozenset[str]) -> tuple[str, ...]:
    """Those of the rules that are inferred, in the contract's order."""
    return tuple(sorted(rules & _INFERRED.keys(), key=_INFERRED.__getitem__))


def problems(refusal: ApiError | None) -> list[Document]:
    """Every problem of a refused request, with the section and the evidence of its rule."""
    if refusal is None:
        return []
    if not refusal.problems:
        return [_whole(refusal.message, refusal.rule)]
    return [_problem(problem) for problem in listed(refusal.problems)]


def _problem(problem: Problem) -> Document:
    if problem.code == LEFT_OUT:
        return _whole(problem.message, LEFT_OUT)
    return {**problem.document(), "code": problem.code, "rule": _name(problem), **_backed(problem.rule)}


def _name(problem: Problem) -> str:
    """The name of what is wrong: the field and the code, or the rule about the request as a whole."""
    return f"{problem.path[0]}.{problem.code}" if problem.path else problem.rule


def _whole(message: str, rule: str) -> Document:
    """A problem of the request as a whole."""
    return {"path": [], "message": message, "code": rule, "rule": rule, **_backed(rule)}


def _backed(name: str) -> Document:
    return {"evidence": _evidence(name), **_section(name)}


def _evidence(name: str) -> str:
    """The evidence of a rule; `mock` for one of the mock's own."""
    return _RULES[name].evidence if name in _RULES else "mock"


def _section(name: str) -> Document:
    """The section of a rule; the mock's own have none."""
    return {"section": _RULES[name].section if name in _RULES else None}
