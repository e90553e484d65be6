"""Judges of what the answers to the probes show, for several rules, or for one that is not about tasks.

A judge of a switch returns the values that fit, one of another rule returns if it holds. Statuses are compared exactly,
bodies by their keys and types, values and orders only where the rule is about them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from mockserver.conform.looking import Unclear, is_due, issues_of, some, task_of
from mockserver.conform.vendor import Answer
from mockserver.fidelity.assumptions import BY_NAME
from mockserver.formats import ids

Seen = Mapping[str, Answer]
Judge = Callable[[Seen], "bool | Collection[str]"]

ERROR_KEYS = ["message", "error", "statusCode"]


def status(*statuses: int, of: str = "") -> Judge:
    """Judge that every answer, or each of the probes `of`, has one of these statuses."""
    return lambda seen: all(seen[name].status in statuses for name in of.split() or seen)


def by_status(probe: str, values: Mapping[int, str]) -> Judge:
    """Judge by what a status stands for; another one fits no value."""
    return lambda seen: {values[seen[probe].status]} if seen[probe].status in values else set()


def names_field(probe: str, field: str) -> Judge:
    """Judge that a 400 is about this field, among others."""

    def judge(seen: Seen) -> bool:
        if seen[probe].status != 400:
            return False
        fields = {name for name, _ in issues_of(seen[probe])}
        if field not in fields and len(fields) <= 1:
            raise Unclear("the 400 does not name every field")
        return field in fields

    return judge


def due(probe: str, instant: str, **members: Any) -> Judge:
    """Judge that a task is due at an instant, and has these members."""

    def judge(seen: Seen) -> bool:
        task = task_of(seen[probe])
        return is_due(task, instant) and all(task.get(name) == value for name, value in members.items())

    return judge


def all_day(probe: str, zone_midnight: str) -> Judge:
    """Judge which midnight of 2030-01-15 a task is due at."""

    def judge(seen: Seen) -> Collection[str]:
        found = {"zone-midnight": zone_midnight, "utc-midnight": "2030-01-15T00:00Z"}
        task = task_of(seen[probe])
        return {value for value, instant in found.items() if is_due(task, instant)}

    return judge


def null_description(probe: str) -> Judge:
    """Judge how a description that is null or omitted is answered."""

    def judge(seen: Seen) -> Collection[str]:
        shown = task_of(seen[probe]).get("description", False)
        return {"empty"} if shown == "" else {"null"} if shown is None else set()

    return judge


def error_body(probe: str, status: int) -> Judge:
    """Judge the keys of an error's body."""

    def judge(seen: Seen) -> bool:
        if seen[probe].status != status:
            raise Unclear(f"there was no {status} to look at")
        document = seen[probe].json
        return isinstance(document, dict) and list(document) == ERROR_KEYS and document["statusCode"] == status

    return judge


def wrong_method(probe: str) -> Judge:
    """Judge how another method of a known path is answered."""

    def judge(seen: Seen) -> Collection[str]:
        answer = seen[probe]
        message = answer.json.get("message") if isinstance(answer.json, dict) else None
        if answer.status < 400 or (answer.status == 404 and not str(message).startswith("Cannot ")):
            raise Unclear(f"{answer.status} may be the answer of a method that the path has")
        return {str(answer.status)} & BY_NAME["wrong-method"].values.keys()

    return judge


def validation_body(probe: str) -> Judge:
    """Judge the body of a 400 for invalid fields."""

    def judge(seen: Seen) -> Collection[str]:
        answer = seen[probe]
        if answer.status != 400:
            raise Unclear(f"invalid fields were answered {answer.status}")
        document = answer.json if isinstance(answer.json, dict) else {}
        keys, message = document.keys(), document.get("message")
        if keys == {"statusCode", "message", "errors"} and message == "Validation failed":
            return {"zod"} if _are_of_zod(document["errors"]) else set()
        if keys == set(ERROR_KEYS) and isinstance(message, list):
            return {"messages"} if all(isinstance(each, str) for each in message) else set()
        return {"plain"} if keys == set(ERROR_KEYS) and message == "Validation failed" else set()

    return judge


def _are_of_zod(issues: Any) -> bool:
    return isinstance(issues, list) and all(
        isinstance(each, dict) and {"code", "path", "message"} <= each.keys() for each in issues
    )


def has_keys(probe: str, keys: Iterable[str]) -> Judge:
    """Judge that each member of a list has these keys."""
    wanted = set(keys)
    return lambda seen: all(wanted <= each.keys() for each in some(seen[probe]))


# Of one rule each.


def key(seen: Seen) -> bool:
    """Judge that the key is accepted, and that none and another are not."""
    return [seen[name].status for name in ("team", "no-key", "wrong-key")] == [200, 401, 401]


def unauthorized_body(seen: Seen) -> Collection[str]:
    """Judge the wording of both 401s."""
    if any(answer.status != 401 for answer in seen.values()):
        raise Unclear("no key, or a wrong one, is not answered 401")
    bare = {"message": "Unauthorized", "statusCode": 401}
    named = [{**bare, "error": "Unauthorized", "message": text} for text in ("API key is required", "Invalid API key")]
    found = [seen["no-key"].json, seen["wrong-key"].json]
    return {"named"} if found == named else {"bare"} if found == [bare, bare] else set()


def field_names(seen: Seen) -> bool:
    """Judge that the names in answers are in snake_case."""
    names = {name for each in some(seen["team"]) for name in each}
    return all(re.fullmatch("[a-z0-9_]+", name) for name in names)


def unknown_route(seen: Seen) -> bool:
    """Judge the answer to an unknown path."""
    answer = seen["unknown-path"]
    if answer.status == 401:
        raise Unclear("an unknown path without a key is answered 401")
    message = answer.json.get("message") if isinstance(answer.json, dict) else None
    return answer.status == 404 and bool(re.fullmatch(r"Cannot GET /\S*/conform-[0-9a-f]{8}\?y=1", str(message)))


def path_id(seen: Seen) -> bool:
    """Judge that an id that is no UUID is refused alone, in these words."""
    expected = {"message": "Validation failed (uuid is expected)", "error": "Bad Request", "statusCode": 400}
    return seen["update-bad-id"].status == 400 and seen["update-bad-id"].json == expected


def path_matching(seen: Seen) -> Collection[str]:
    """Judge if a trailing slash and upper case match; one without the other fits no value."""
    found = {answer.status for answer in seen.values()}
    return {"lenient"} if found == {200} else {"exact"} if found == {404} else set()


def head(seen: Seen) -> bool:
    """Judge that success is 200, also for HEAD, which has no body."""
    return all(answer.status == 200 for answer in seen.values()) and seen["head"].body == b""


def charset(seen: Seen) -> bool:
    """Judge the content type."""
    return seen["team"].headers.get("content-type", "").lower() == "application/json; charset=utf-8"


def comma_list(seen: Seen) -> Collection[str]:
    """Judge if a comma separates ids."""
    found = seen["list-comma"].status
    if found == 200 and seen["list-bad-id"].status != 400:
        raise Unclear("any text is taken for an id, so that nothing shows how a comma is read")
    return {"accepted"} if found == 200 else {"refused"} if found == 400 else set()


def contacts_order(seen: Seen) -> bool:
    """Judge that the newest message is first."""
    found = [str(each.get("last_message_at")) for each in some(seen["contacts"], 2)]
    return found == sorted(found, reverse=True)


def empty_creation(seen: Seen) -> Collection[str]:
    """Judge if an empty body is `{}`, by what the 400 names."""
    if seen["create-empty"].status != 400:
        return set()
    issues = issues_of(seen["create-empty"])
    if any(field == "title" for field, _ in issues):
        return {"object"}
    return {"refused"} if any("expected object" in text for _, text in issues) else {"object", "refused"}


def reference_message(seen: Seen) -> bool:
    """Judge that a 404 names the id that was not found."""
    if seen["create-for-nobody"].status != 404:
        raise Unclear("there was no 404 to look at")
    body = seen["create-for-nobody"].json
    message = body.get("message") if isinstance(body, dict) else None
    return ids.resembles(str(message))


def update_unknown(seen: Seen) -> bool:
    """Judge the updates of what is no id, and of what is nobody's."""
    return (seen["update-bad-id"].status, seen["update-unknown"].status) == (400, 404)


def contacts_days(seen: Seen) -> bool:
    """Judge that `days` may be left out, and is at least 1."""
    return (seen["contacts"].status, seen["contacts-no-days"].status) == (200, 400)


def found_nobody(seen: Seen) -> bool:
    """Judge that a search that finds nobody is an empty list."""
    return seen["search-for-nobody"].status == 200 and seen["search-for-nobody"].json == []
