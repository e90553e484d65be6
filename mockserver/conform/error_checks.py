"""Checks of statuses, and of the bodies of errors.

A check gets the answers to its probes, in their order. For a switch it returns the values that fit; for another rule,
True if the rule holds. It raises Unclear when the answers show neither. Statuses are compared exactly, bodies by their
keys and types, values and orders only where the rule is about them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from mockserver.conform.answer_parts import Unclear, issues_of, message_of
from mockserver.fidelity.assumptions import BY_NAME
from mockserver.formats import ids
from mockserver.vendor import Answer

Fits = bool | Collection[str]
CheckAnswers = Callable[..., Fits]

ERROR_KEYS = ["message", "error", "statusCode"]


def status(*expected: int) -> CheckAnswers:
    """Check that every answer has one of these statuses."""
    return lambda *answers: all(answer.status in expected for answer in answers)


def statuses(*expected: int) -> CheckAnswers:
    """Check that the answers have these statuses, one each."""
    return lambda *answers: [answer.status for answer in answers] == [*expected]


def by_status(values: Mapping[int, str]) -> CheckAnswers:
    """Check for the value that every answer's status stands for."""

    def check(*answers: Answer) -> Collection[str]:
        found = {values.get(answer.status, "") for answer in answers}
        return found if len(found) == 1 and "" not in found else set()

    return check


accepted = by_status({200: "accepted", 201: "accepted", 400: "refused"})
empty_update = by_status({200: "object", 400: "refused"})
inactive_responsible = by_status({200: "accepted", 201: "accepted", 404: "404"})
unknown_contact = by_status({200: "accepted", 201: "accepted", 404: "404", 400: "400"})


def names_field(field: str) -> CheckAnswers:
    """Check that a 400 is about this field, among others."""

    def check(answer: Answer) -> bool:
        if answer.status != 400:
            return False
        fields = {name for name, _ in issues_of(answer)}
        if field not in fields and len(fields) <= 1:
            raise Unclear("the 400 does not name every field")
        return field in fields

    return check


def error_body(answer: Answer) -> bool:
    """Check the keys of a 404's body."""
    if answer.status != 404:
        raise Unclear("there was no 404 to look at")
    document = answer.json
    return isinstance(document, dict) and list(document) == ERROR_KEYS and document["statusCode"] == 404


def wrong_method(answer: Answer) -> Collection[str]:
    """Check how another method of a known path is answered."""
    if answer.status < 400 or (answer.status == 404 and not str(message_of(answer)).startswith("Cannot ")):
        raise Unclear(f"{answer.status} may be the answer of a method that the path has")
    return {str(answer.status)} & BY_NAME["wrong-method"].values.keys()


def validation_body(answer: Answer) -> Collection[str]:
    """Check the body of a 400 for invalid fields."""
    if answer.status != 400:
        raise Unclear(f"invalid fields were answered {answer.status}")
    document = answer.json if isinstance(answer.json, dict) else {}
    keys, message = document.keys(), document.get("message")
    if keys == {"statusCode", "message", "errors"} and message == "Validation failed":
        return {"zod"} if _are_of_zod(document["errors"]) else set()
    if keys == set(ERROR_KEYS) and isinstance(message, list):
        return {"messages"} if all(isinstance(each, str) for each in message) else set()
    return {"plain"} if keys == set(ERROR_KEYS) and message == "Validation failed" else set()


def _are_of_zod(issues: Any) -> bool:
    return isinstance(issues, list) and all(
        isinstance(each, dict) and {"code", "path", "message"} <= each.keys() for each in issues
    )


def unauthorized_body(no_key: Answer, wrong_key: Answer) -> Collection[str]:
    """Check the wording of both 401s."""
    if (no_key.status, wrong_key.status) != (401, 401):
        raise Unclear("no key, or a wrong one, is not answered 401")
    bare = {"message": "Unauthorized", "statusCode": 401}
    named = [{**bare, "error": "Unauthorized", "message": text} for text in ("API key is required", "Invalid API key")]
    found = [no_key.json, wrong_key.json]
    return {"named"} if found == named else {"bare"} if found == [bare, bare] else set()


def unknown_route(answer: Answer) -> bool:
    """Check the answer to an unknown path."""
    if answer.status == 401:
        raise Unclear("an unknown path without a key is answered 401")
    wording = re.fullmatch(r"Cannot GET /\S*/conform-[0-9a-f]{8}\?y=1", str(message_of(answer)))
    return answer.status == 404 and bool(wording)


def path_id(answer: Answer) -> bool:
    """Check that an id that is no UUID is refused alone, in these words."""
    expected = {"message": "Validation failed (uuid is expected)", "error": "Bad Request", "statusCode": 400}
    return answer.status == 400 and answer.json == expected


def comma_list(bad_id: Answer, comma: Answer) -> Fits:
    """Check if a comma separates ids."""
    if comma.status == 200 and bad_id.status != 400:
        raise Unclear("the vendor takes any text for an id, so this does not show how it reads a comma")
    return accepted(comma)


def empty_creation(answer: Answer) -> Collection[str]:
    """Check if an empty body is `{}`, by what the 400 names."""
    if answer.status != 400:
        return set()
    issues = issues_of(answer)
    if any(field == "title" for field, _ in issues):
        return {"object"}
    return {"refused"} if any("expected object" in text for _, text in issues) else {"object", "refused"}


def reference_message(answer: Answer) -> bool:
    """Check that a 404 names the id that was not found."""
    if answer.status != 404:
        raise Unclear("there was no 404 to look at")
    return ids.resembles(str(message_of(answer)))
