"""The faults page: the failure catalogue as switches, and the fault rules in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any

from mockserver.engine import current_engine
from mockserver.faults import catalogue as failure_catalogue
from mockserver.faults import rules as fault_rules
from mockserver.formats.json import Document, encode
from mockserver.journal import patterns
from mockserver.sandbox.sandboxes import OpenSandbox

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_BREAKS = {
    "reset": "resets the connection",
    "empty": "closes the connection without an answer",
    "truncate": "breaks off in the middle of the answer",
    "garbage": "sends garbage in place of an answer",
}
_WORDS = {
    "operation": "{}",
    "method": "by {}",
    "path": "to {}",
    "status": "answered with {}",
    "query": "with the parameters {}",
    "headers": "with the headers {}",
    "json": "with {} in the body",
}
_GROUPS = (
    "Refuses, and does nothing",
    "Breaks the connection, and does nothing",
    "Does it, and the client cannot know",
)


def context(opened: OpenSandbox) -> Callable[[], Document]:
    """The template context of the page."""
    rules = fault_rules.listed(opened.world)
    return lambda: present(rules, failure_catalogue.failures_of(current_engine().operations))


def present(rules: Sequence[Document], catalogue: Sequence[Document]) -> Document:
    """The switches by group, the rules in words, and the choices of the form."""
    shadows = shadowed(rules)
    return {
        "operations": list(dict.fromkeys(failure["operation"] for failure in catalogue)),
        "groups": list(_grouped(rules, catalogue, shadows)),
        "rules": [described(rule) | {"behind": shadows.get(rule["id"])} for rule in rules],
        "methods": patterns.METHODS,
        "moments": fault_rules.WHEN,
        "connections": _BREAKS,
    }


def _grouped(rules: Sequence[Document], catalogue: Sequence[Document], shadows: Document) -> Iterable[Document]:
    """Group the failures by effect; those of one name are a row, with a switch for each operation."""
    rows: list[dict[str, Document]] = [{} for _ in _GROUPS]
    for failure in catalogue:
        name, trigger = failure["name"], failure["trigger"]
        group = 2 if trigger.get("when") == "after" else 1 if trigger.get("connection") else 0
        row = rows[group].setdefault(name, {"name": name, "does": done_to(trigger), "cells": {}})
        row["cells"][failure["operation"]] = switch(failure, rules, shadows)
    return ({"title": title, "rows": list(found.values())} for title, found in zip(_GROUPS, rows, strict=True))


def switch(failure: Document, rules: Sequence[Document], shadows: Document) -> Document:
    """A failure's two controls: the rules for every request, the rules for the next one, and their hits."""
    standing = [rule for rule in rules if _is_set(failure["trigger"], rule, None)]
    waiting = [rule for rule in rules if _is_set(failure["trigger"], rule, 1) and not rule["spent"]]
    behind = [shadows.get(rule["id"]) for rule in (*standing, *waiting)]
    return {
        "id": f"{failure['operation']}-{failure['name']}",
        "label": f"{failure['operation']} {done_to(failure['trigger'])}",
        "description": failure["description"],
        "trigger": failure["trigger"],
        "on": [rule["id"] for rule in standing],
        "once": [rule["id"] for rule in waiting],
        "hits": sum(rule["hits"] for rule in standing),
        "behind": behind[0] if behind and all(behind) else None,
    }


def _is_set(trigger: Document, rule: Document, times: int | None) -> bool:
    return all(rule[key] == value for key, value in {**fault_rules.DEFAULTS, **trigger, "times": times}.items())


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
    """A rule in words: its pattern, effect, frequency and hits."""
    return {
        "id": rule["id"],
        "matches": matched(rule["match"]),
        "does": done_to(rule),
        "often": how_often(rule),
        "hits": f"{rule['hits']:,} hit{'' if rule['hits'] == 1 else 's'}",
        "spent": rule["spent"],
    }


def matched(match: Document) -> str:
    """The requests that a pattern matches, in words."""
    texts = {part: value if isinstance(value, str) else _json(value) for part, value in match.items()}
    if "json" in match:
        texts["json"] = _json(match["json"])
    parts = [_WORDS[part].format(texts[part]) for part in patterns.PARTS if part in texts]
    return ", ".join(parts) or "any request"


def done_to(rule: Document) -> str:
    """The effect of a rule, or of the trigger of a failure, in words."""
    rule = fault_rules.DEFAULTS | rule
    steps = []
    if rule["when"] == "after":
        steps.append("carries it out")
    if rule["delay_ms"]:
        delay = rule["delay_ms"]
        steps.append(f"waits {delay:,} ms" if isinstance(delay, int) else f"waits {_json(delay)} ms")
    if rule["status"] is not None:
        steps.append(f"answers {rule['status']} {_PHRASES.get(rule['status'], '')}".rstrip())
    if rule["body"] is not None:
        steps.append(f"{'sends' if rule['status'] is None else 'with'} the body {_json(rule['body'])}")
    if rule["headers"]:
        steps.append("with " + ", ".join(f"{name}: {value}" for name, value in rule["headers"].items()))
    if rule["connection"] is not None:
        steps.append(_BREAKS[rule["connection"]])
    return ", ".join(steps)


def how_often(rule: Document) -> str:
    """The requests that a rule hits, in words."""
    times, skip, chance = rule["times"], rule["skip"], rule["probability"]
    often = "every one" if times is None else "the next one" if times == 1 else f"the next {times:,}"
    after = f", but for the first {skip:,}" if skip else ""
    return often + after + (f", with a chance of {chance:g}" if chance is not None else "")


def _json(value: Any) -> str:
    text = encode(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"
