"""Fault rules in plain English, as the console shows them: those that are set, and the one that its form describes.

The words take any JSON value in any key, since the form's rule is put into words before it is validated.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from mockserver.faults import rules
from mockserver.formats.json import Document, encode

# The forms of a sentence about one request, and about several.
_ONE = {"s": "s", "be": "is", "its answer is": "its answer is"}
_MANY = {"s": "", "be": "are", "its answer is": "their answers are"}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_BREAKS = {
    "before": {
        "reset": "get{s} no answer: the connection is reset",
        "empty": "get{s} no answer: the connection is closed",
        "truncate": "get{s} an answer that breaks off in the middle",
        "garbage": "get{s} garbage in place of an answer",
    },
    "after": {
        "reset": "{its answer is} lost: the connection is reset",
        "empty": "{its answer is} lost: the connection is closed",
        "truncate": "{its answer is} cut off in the middle",
        "garbage": "{its answer is} replaced by garbage",
    },
}
_MATCHED = {
    "status": " answered with {}",
    "query": " with the parameters {}",
    "headers": " with the headers {}",
    "json": " with {} in the body",
}
_MAX_TEXT = 200  # characters of a value


def sentence(rule: Document) -> str:
    """A rule in words; ends with `…` when the rule does nothing yet."""
    return f"{subject(rule)} {effect(rule, rule.get('times', 1))}"


def subject(rule: Document) -> str:
    """The requests that a rule hits: `The next 2 createTask`."""
    rule = rules.DEFAULTS | rule
    times, skip, chance = rule["times"], rule["skip"], rule["probability"]
    often = "every" if times is None else "the next" if times == 1 else f"the next {number(times)}"
    after = f" after the first {number(skip)}" if skip else ""
    text = f"{often} {_noun(rule['match'], times not in (1, None))}{after}"
    return f"With a chance of {number(chance)}, {text}" if chance is not None else text[0].upper() + text[1:]


def _noun(match: Mapping[str, Any], several: bool) -> str:
    operation, method, path = (match.get(part) for part in ("operation", "method", "path"))
    noun = operation or method or f"request{'s' if several else ''}"
    by = f" by {method}" if operation and method else ""
    to = "" if path is None else f" of {path}" if method and not operation else f" to {path}"
    matched = (text.format(_json(match[part])) for part, text in _MATCHED.items() if part in match)
    return f"{noun}{by}{to}" + "".join(matched)


def effect(rule: Document, times: Any = 1) -> str:
    """The effect of a rule, as the rest of the sentence about one request or, by its `times`, several."""
    rule, forms = rules.DEFAULTS | rule, _ONE if times in (1, None) else _MANY
    if not rules.has_effect(rule):
        return "…"
    words = _after if rule["when"] == "after" else _before
    wait = f" after {delay(rule['delay_ms'])}" if rule["delay_ms"] else ""
    return words(rule, _break(rule, forms), wait, forms) + _added(rule)


def _break(rule: Document, forms: Mapping[str, str]) -> str:
    """The break of the connection; empty for one that stays, or that breaks within an answer with a status."""
    if rule["connection"] is None or (rule["connection"] == "truncate" and rule["status"] is not None):
        return ""
    return _BREAKS[rule["when"]].get(rule["connection"], "").format_map(forms)


def _before(rule: Document, broken: str, wait: str, forms: Mapping[str, str]) -> str:
    if broken:
        return broken + wait
    if rule["status"] is None:
        return f"wait{forms['s']} {delay(rule['delay_ms'])}, then {forms['be']} carried out"
    return f"answer{forms['s']} {_status(rule)}{wait}"


def _after(rule: Document, broken: str, wait: str, forms: Mapping[str, str]) -> str:
    status = "" if rule["status"] is None else f" with {_status(rule)}"
    return f"{forms['be']} carried out, then {broken or f'answered{status}'}{wait}"


def _status(rule: Document) -> str:
    status = rule["status"]
    text = f"{status} {_PHRASES.get(status, '')}".rstrip() if isinstance(status, int) else number(status)
    return text + (", cut off in the middle" if rule["connection"] else "")


def _added(rule: Document) -> str:
    """The headers and the body of the answer."""
    headers = rule["headers"] if isinstance(rule["headers"], Mapping) else {"headers": _json(rule["headers"])}
    added = [f"{name}: {value}" for name, value in headers.items()]
    if rule["body"] is not None:
        added.append(f"the body {_json(rule['body'])}")
    return f", with {' and '.join(added)}" if added else ""


def delay(value: Any) -> str:
    """A delay in words, without its verb: `200 to 800 ms`."""
    if isinstance(value, Mapping):
        uniform, lognormal = value.get("uniform"), value.get("lognormal")
        if isinstance(uniform, list):
            return f"{' to '.join(map(number, uniform))} ms"
        if isinstance(lognormal, Mapping):
            return f"about {number(lognormal.get('median'))} ms (sigma {number(lognormal.get('sigma'))})"
    return f"{number(value)} ms"


def number(value: Any) -> str:
    """A number with separators; any other value as it is."""
    return f"{value:,}" if isinstance(value, (int, float)) else value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    text = encode(value).decode()
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
