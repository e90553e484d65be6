"""The faults page: the failure catalogue and delays as switches, and the fault rules in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from flask import request

from mockserver.engine import current_engine
from mockserver.faults import catalogue as failure_catalogue
from mockserver.faults import delays, words
from mockserver.faults import rules as fault_rules
from mockserver.formats import json as wire_json
from mockserver.formats.json import Document
from mockserver.journal import patterns
from mockserver.sandbox.sandboxes import OpenSandbox

_CONNECTIONS = {
    "reset": "reset",
    "empty": "closed without an answer",
    "truncate": "cut off in the middle of the answer",
    "garbage": "answers garbage",
}
_GROUPS = (
    "Refused, and not carried out",
    "Connection broken, and not carried out",
    "Carried out, and answered as a failure or not at all",
)
# The delays that are proposed, one of each kind.
_DELAYS: tuple[tuple[delays.Delay, str], ...] = (
    (500, "Each request waits this long, then it is carried out."),
    ({"uniform": [200, 800]}, "Each request waits for a time between the two, then it is carried out."),
    (
        {"lognormal": {"median": 120, "sigma": 0.4}},
        "Half of the requests wait less than the median, and a few wait much longer, as on a network.",
    ),
)


def context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the page."""
    rules = fault_rules.listed(opened.world)
    return lambda: present(rules, failure_catalogue.failures_of(current_engine().operations))


def sentence_context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the sentence about the rule in the query, which is not set."""
    try:
        rule = wire_json.decode(request.args.get("rule", "{}").encode())
    except wire_json.NotJson:
        rule = {}
    described = rule if isinstance(rule, dict) and isinstance(rule.get("match", {}), dict) else {}
    return lambda: in_words(described)


def present(rules: Sequence[Document], catalogue: Sequence[Document]) -> Document:
    """The switches by group, the rules in words, and the choices of the form."""
    shadows = shadowed(rules)
    operations = list(dict.fromkeys(failure["operation"] for failure in catalogue))
    return {
        "operations": operations,
        "groups": list(_grouped(rules, catalogue, shadows)),
        "delays": [_delayed(rules, shadows, operations, *each) for each in _DELAYS],
        "rules": [described(rule) | {"behind": shadows.get(rule["id"])} for rule in rules],
        "methods": patterns.METHODS,
        "moments": fault_rules.WHEN,
        "connections": _CONNECTIONS,
        **in_words({}),
    }


def _grouped(rules: Sequence[Document], catalogue: Sequence[Document], shadows: Document) -> Iterable[Document]:
    """Group the failures by effect; those of one name are a row, with a switch for each operation."""
    rows: list[dict[str, Document]] = [{} for _ in _GROUPS]
    for failure in catalogue:
        name, trigger = failure["name"], failure["trigger"]
        group = 2 if trigger.get("when") == "after" else 1 if trigger.get("connection") else 0
        row = rows[group].setdefault(name, {"name": name, "does": words.effect(trigger), "cells": {}})
        row["cells"][failure["operation"]] = switch(failure, rules, shadows)
    return ({"title": title, "rows": list(found.values())} for title, found in zip(_GROUPS, rows, strict=True))


def _delayed(
    rules: Sequence[Document], shadows: Document, operations: Sequence[str], delay: delays.Delay, description: str
) -> Document:
    """The row of a kind of delay: the numbers that are proposed, and a switch for each operation."""
    kind, numbers = delays.parts(delay)
    cells = {}
    for operation in operations:
        trigger = {"match": {"operation": operation}, "delay_ms": delay}
        failure = {"operation": operation, "name": f"delay-{kind}", "description": description, "trigger": trigger}
        cells[operation] = switch(failure, rules, shadows) | {"label": f"{operation} waits, {kind}"}
    return {"kind": kind, "numbers": numbers, "description": description, "cells": cells}


def switch(failure: Document, rules: Sequence[Document], shadows: Document) -> Document:
    """A failure's two controls: the rules for every request, the rules for the next one, and their hits."""
    standing = [rule for rule in rules if _is_set(failure["trigger"], rule, None)]
    waiting = [rule for rule in rules if _is_set(failure["trigger"], rule, 1) and not rule["spent"]]
    found = [*standing, *waiting]
    behind = [shadows.get(rule["id"]) for rule in found]
    return {
        "id": f"{failure['operation']}-{failure['name']}",
        "label": f"{failure['operation']} {words.effect(failure['trigger'])}",
        "description": failure["description"],
        "trigger": failure["trigger"],
        "on": [rule["id"] for rule in standing],
        "once": [rule["id"] for rule in waiting],
        "hits": sum(rule["hits"] for rule in standing),
        "behind": behind[0] if behind and all(behind) else None,
        "delay": words.delay(found[0]["delay_ms"]) if found and found[0]["delay_ms"] else "",
    }


def _is_set(trigger: Document, rule: Document, times: int | None) -> bool:
    """Test for a rule with the effect of a trigger; delays of one kind are one effect."""
    wanted = {**fault_rules.DEFAULTS, **trigger, "times": times}
    kinds = [delays.parts(each["delay_ms"])[0] if each["delay_ms"] else "" for each in (wanted, rule)]
    return kinds[0] == kinds[1] and all(rule[key] == wanted[key] for key in wanted.keys() - {"delay_ms"})


def shadowed(rules: Sequence[Document]) -> dict[str, str]:
    """For each rule that cannot hit, the older rule that takes every request that it matches."""
    left = [rule for rule in rules if not rule["spent"]]
    return {
        rule["id"]: older["id"]
        for index, rule in enumerate(left)
        for older in reversed(left[:index])
        if _takes_all_of(older, rule)
    }


def _takes_all_of(older: Document, rule: Document) -> bool:
    """Test for an older rule that always hits all requests of the other one, at the same stage or earlier."""
    if older["times"] is not None or older["probability"] is not None or older["skip"]:
        return False
    answers = older["status"] is not None or older["body"] is not None or older["connection"] is not None
    first = older["when"] == rule["when"] or (older["when"] == "before" and answers)
    return first and older["match"].items() <= rule["match"].items()


def described(rule: Document) -> Document:
    """A rule in words, with its hits."""
    return {
        "id": rule["id"],
        **in_words(rule),
        "hits": f"{rule['hits']:,} hit{'' if rule['hits'] == 1 else 's'}",
        "spent": rule["spent"],
    }


def in_words(rule: Document) -> Document:
    """The two parts of a rule's sentence."""
    return {"subject": words.subject(rule), "effect": words.effect(rule, rule.get("times", 1))}
