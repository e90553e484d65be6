"""Why a request was answered as it was: the rules that decided, their evidence, and every problem."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from mockserver.errors import LEFT_OUT, ApiError, NotFound, Problem, ValidationFailed, listed
from mockserver.fidelity.contract import INFERRED, RULES

_RULES = {rule.name: rule for rule in RULES}
_INFERRED = {rule.name: place for place, rule in enumerate(RULES) if rule.evidence == INFERRED}
_SUCCESS = "success-status"

Document = dict[str, Any]


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

    `understood` are those by which the request was understood, `decided` those that made a success what it is. A rule
    counts where the answer could be another one if our guess were wrong, and only in the answer to the request that it
    decided: a list repeats what creations decided. Behind a refusal it counts as a whole, whatever part of it is
    documented.

    Left out are:

    - `success-status` and `error-shape`, which would be in every list.
    - All of an answer that a fault, a preference or a limit of the mock made: the client saw nothing else, not even
      of what was committed before a fault took the answer away.
    - What one request does not tell: which other reason to refuse would have come first in another order, and which
      tasks a list kept out.
    """
    if refusal is None:
        found = understood | decided
    else:
        found = {refusal.rule, *(name for each in refusal.problems for name in (each.rule, each.also))}
        if isinstance(refusal, NotFound):  # of what the request names, so it was understood
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
    """What is to be said of the request as a whole."""
    return {"path": [], "message": message, "code": rule, "rule": rule, **_evidence(rule)}


def _evidence(name: str) -> Document:
    """The evidence and the section of a rule; rules of the mock's own have neither."""
    rule = _RULES.get(name)
    return {
        "evidence": rule.evidence if rule else "mock",
        "contract": rule.section if rule else None,
    }
