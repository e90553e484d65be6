"""Send the request of a journal entry again from a page, with another guess about the vendor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mockserver.console import copy_as
from mockserver.fidelity import assumptions
from mockserver.fidelity.assumptions import Assumed, Assumption
from mockserver.formats.json import Document
from mockserver.masking import SECRET_HEADERS, redacted, secrets

_REDACTED = re.compile(r"…\S{4}")
_WITHOUT_BODY = ("GET", "HEAD")  # fetch sends none, and the mock reads none


def switches(entry: Document, assumed: Assumed, labels: Mapping[str, Document]) -> list[Document]:
    """The switches of the sandbox that the answer depends on, each with its value and what all its values mean.

    `assumed` has the values that they have now, `labels` the evidence of those that were measured. The `label` of a
    switch is None where there is no evidence for its value.
    """
    decision = entry["decision"]
    if decision is None:
        return []
    rules = {*entry["inferred"], decision["rule"], decision["body"]["rule"]}
    found = (each for each in assumptions.OF_SANDBOXES if rules.intersection(each.rules))
    return [_switch(each, assumed[each.name], labels) for each in found]


def _switch(switch: Assumption, value: str, labels: Mapping[str, Document]) -> Document:
    meanings = {each: meaning.replace("`", "") for each, meaning in switch.values.items()}
    label = labels.get(switch.name) or ({"evidence": switch.evidence} if value == switch.default else None)
    return {"name": switch.name, "value": value, "meanings": meanings, "label": label}


def replay(entry: Document, api_key: str, known_keys: Iterable[str]) -> Document:
    """The request as a page sends it again; `problem` says why it cannot, `remark` what is different."""
    sent = copy_as.parse_request(entry, api_key)
    body = None if sent.method in _WITHOUT_BODY else copy_as.body_text(sent.body)
    problems = [remark for remark in sent.remarks if remark != copy_as.SANDBOX_KEY]
    if sent.method in copy_as.NOT_BY_FETCH or copy_as.DOT_SEGMENT.search(sent.path):
        problems.append(f"A browser does not send {sent.method} {sent.path}")
    if _is_masked(entry["request"], known_keys):
        problems.append("The journal has masked a key or a credential in it")
    return {
        "problem": problems[0] if problems else "",
        "remark": copy_as.SANDBOX_KEY if copy_as.SANDBOX_KEY in sent.remarks else "",
        "request": {
            "method": sent.method,
            "target": copy_as.target_of(sent),
            "headers": sent.headers,
            "body": body,
        },
    }


def _is_masked(request: Document, known_keys: Iterable[str]) -> bool:
    """Test for what is left of a secret in the path, the query or the body."""
    sent = " ".join(text for name, text in request["headers"].items() if name in SECRET_HEADERS)
    masks = {*_REDACTED.findall(sent), *map(redacted, secrets({}, known_keys))}
    shown = copy_as.as_json([request["path"], request["query"], request.get("json"), request.get("text")])
    return any(mask in shown for mask in masks if _REDACTED.fullmatch(mask))
