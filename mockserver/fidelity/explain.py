"""Explanations of an answer: the rules that decided, their evidence, and every problem."""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import cache, lru_cache

from mockserver.errors import LEFT_OUT, ApiError, InvalidId, NotFound, Problem, ValidationFailed, listed
from mockserver.fidelity.assumptions import FRAMEWORK, OURS, Assumed
from mockserver.fidelity.contract import RULES
from mockserver.fidelity.evidence import Evidence
from mockserver.formats.json import Document

_SECTIONS = {rule.name: rule.section for rule in RULES}
_LABELS: Mapping[str, Document] = {rule.name: {"evidence": rule.evidence} for rule in RULES}
_OF_THE_MOCK: Document = {"evidence": "mock"}
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
# Rules behind every refusal: if one were wrong, the vendor would have refused for another reason.
_OF_EVERY_ANSWER = frozenset(("path-matching", "empty-body"))


class Explanations:
    """Explanations with the evidence of each rule as the contract has it, or as `measured` labels it instead."""

    def __init__(self, measured: Mapping[str, Document]) -> None:
        self._labels = {**_LABELS, **measured}
        guesses = (name for name, label in self._labels.items() if label["evidence"] in (FRAMEWORK, OURS))
        self._places = {name: place for place, name in enumerate(guesses)}
        self._decision = cache(self._decided)
        self._in_order = lru_cache(maxsize=1024)(self._sorted)

    def decision(self, refusal: ApiError | None, operation: str | None) -> Document:
        """The rules behind the status and the body of an answer, as a journal entry shows them."""
        status, body = _behind(refusal, operation)
        name = _name(refusal.problems[0]) if isinstance(refusal, ValidationFailed | InvalidId) else status
        return {"rule": name, **self._decision(status, body)}

    def _decided(self, status: str, body: str) -> Document:
        return {**self._label(status), "body": {"rule": body, **self._label(body)}, **_section(status)}

    def inferred(self, refusal: ApiError | None, operation: str | None, understood: Set[str]) -> list[str]:
        """The undocumented rules on which status, body or a value of the answer rests, in the contract's order.

        `understood` are those by which the request was understood, with those that determined a success. A rule
        counts where the answer could differ if our guess were wrong, and only in the answer to the request that it
        decided: a list does not repeat the rules of its tasks' creation. A rule that was measured is no guess.

        Left out are:

        - Every rule behind an answer that a fault, a preference or a limit of the mock replaced: the client saw nothing
          else, even of what was committed before the fault.
        - Effects that one request does not show: which other refusal would have come first in another order, and which
          tasks a list left out.
        """
        if refusal is None:
            found = {*_behind(refusal, operation), *understood}
        else:
            names = (name for each in refusal.problems for name in (each.rule, each.also))
            found = {*_behind(refusal, operation), *names, *understood & _OF_EVERY_ANSWER}
            if isinstance(refusal, NotFound):  # it is about what the request names, so the request was understood
                found |= understood
        return [*self._in_order(frozenset(found))]

    def _sorted(self, rules: frozenset[str]) -> tuple[str, ...]:
        """Those of the rules that are inferred, in the contract's order."""
        return tuple(sorted(rules & self._places.keys(), key=self._places.__getitem__))

    def problems(self, refusal: ApiError | None) -> list[Document]:
        """Every problem of a refused request, with the section and the evidence of its rule."""
        if refusal is None:
            return []
        if not refusal.problems:
            return [self._whole(refusal.message, refusal.rule)]
        return [self._problem(problem) for problem in listed(refusal.problems)]

    def _problem(self, problem: Problem) -> Document:
        if problem.code == LEFT_OUT:
            return self._whole(problem.message, LEFT_OUT)
        backed = {**self._label(problem.rule), **_section(problem.rule)}
        return {**problem.document(), "code": problem.code, "rule": _name(problem), **backed}

    def _whole(self, message: str, rule: str) -> Document:
        """A problem of the request as a whole."""
        return {"path": [], "message": message, "code": rule, "rule": rule, **self._label(rule), **_section(rule)}

    def _label(self, name: str) -> Document:
        """The evidence of a rule; `mock` for one of the mock's own."""
        return self._labels.get(name, _OF_THE_MOCK)


AS_IN_THE_CONTRACT = Explanations({})


def under(evidence: Evidence | None, assumed: Assumed) -> Explanations:
    """The explanations where switches have these values, and this evidence was measured."""
    return Explanations(evidence.labels(assumed)) if evidence else AS_IN_THE_CONTRACT


def _behind(refusal: ApiError | None, operation: str | None) -> tuple[str, str]:
    """The names of the rules behind status and body."""
    if refusal is None:
        return _SUCCESSES[operation or ""]
    return refusal.rule, refusal.body_rule or refusal.rule


def _name(problem: Problem) -> str:
    """The name of what is wrong: the field and the code, or the rule about the request as a whole."""
    return f"{problem.path[0]}.{problem.code}" if problem.path else problem.rule


def _section(name: str) -> Document:
    """The section of a rule; the mock's own have none."""
    return {"section": _SECTIONS.get(name)}
