"""Explanations of an answer: the rules that decided, their evidence, and every problem."""

from __future__ import annotations

from collections.abc import Set

from mockserver.errors import LEFT_OUT, ApiError, NotFound, Problem, ValidationFailed, listed
from mockserver.fidelity.contract import INFERRED, RULES
from mockserver.formats.json import Document

_RULES = {rule.name: rule for rule in RULES}
_INFERRED = {rule.name: place for place, rule in enumerate(RULES) if rule.evidence == INFERRED}
_SUCCESS = "success-status"


def decision(refusal: ApiError | None) -> Document:
    """The rule that decided, as a journal entry shows it."""
    if refusal is None:
        return {"rule": _SUCCESS, **_evidence(_SUCCESS)}
    if isinstance(refusal, ValidationFailed):
        first = refusal.problems[0]
        return {"rule": f"{first.path[0]}.{first.code}", **_evidence(first.rule)}
    return {"rule": refusal.rule, **_evidence(refusal.rule)}


def inferred(refusal: ApiError | None, understood: Set[str], decided: Set[str]) -> list[str]:
    """The undocumented rules that decided the refusal, or a value of the answer, in the contract's order.

    `understood` are those by which the request was understood, `decided` those that determined a success. A rule
    counts where the answer could differ if our guess were wrong, and only in the answer to the request that it
    decided: a list does not repeat the rules of its tasks' creation. Behind a refusal it counts as a whole, even if a
    part of it is documented.

    Left out are:

    - `success-status` and `error-shape`, which would be in every list.
    - Every rule behind an answer that a fault, a preference or a limit of the mock replaced: the client saw nothing
      else, even of what was committed before the fault.
    - Effects that one request does not show: which other refusal would have come first in another order, and which
      tasks a list left out.
    """
    if refusal is None:
        found = understood | decided
    else:
        found = {refusal.rule, *(name for each in refusal.problems for name in (each.rule, each.also))}
        if isinstance(refusal, NotFound):  # it is about what the request names, so the request was understood
            found |= understood
    return sorted(found & _INFERRED.keys(), key=_INFERRED.__getitem__)


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
    return problem.document() | {"rule": f"{problem.path[0]}.{problem.code}"} | _evidence(problem.rule)


def _whole(message: str, rule: str) -> Document:
    """A problem of the request as a whole."""
    return {"path": [], "message": message, "code": rule, "rule": rule, **_evidence(rule)}


def _evidence(name: str) -> Document:
    """The evidence and the section of a rule; the mock's own rules have no section."""
    rule = _RULES.get(name)
    return {
        "evidence": rule.evidence if rule else "mock",
        "contract": rule.section if rule else None,
    }
