"""Differences between the mock's answer in a journal and the vendor's, in grades."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mockserver.conform.looking import moment_of
from mockserver.conform.probes import BASE_PATH
from mockserver.conform.rebinding import Bindings
from mockserver.conform.vendor import Answer
from mockserver.formats.fields import kind_of
from mockserver.formats.json import Document

STATUS, FIELDS, TYPES, VALUES, ORDER = GRADES = ("status", "fields", "types", "values", "order")
BODY = "body"  # the path of the body of an error
MEMBERS = "members"  # the path of the tasks that a list has
STATUS_PATHS = ("task_status_config_id", "status_config")

_OF_MANY = ("listTeamMembers", "listContacts", "searchContacts")
_EXACT = ("description", "due_timezone", "is_all_day", "priority")
_BOUND = ("ai_contact_id", "ai_customer_id", "task_status_config_id")
# Rules that give the text of a message; other texts are for people to read.
_WORDED = ("reference-message", "path-id", "unknown-route")


class Difference(NamedTuple):
    """A difference between two answers: its grade, its place, and what the mock and the vendor have there.

    `task` is the mock's id of the task that it is about, if it is about one.
    """

    grade: str
    path: str
    mock: Any
    vendor: Any
    task: str = ""


def differences(entry: Document, answer: Answer, bindings: Bindings) -> list[Difference]:
    """The differences between the answer of an entry and the vendor's; a body that the journal cut is left out."""
    status = entry["response"]["status"]
    found = [] if status == answer.status else [Difference(STATUS, STATUS, status, answer.status)]
    if found and max(status, answer.status) >= 400:
        return found
    return found + _of_bodies(entry, answer, bindings)


def _of_bodies(entry: Document, answer: Answer, bindings: Bindings) -> list[Difference]:
    """The differences of two bodies of errors, or of two of successes."""
    expected = entry["response"]
    if "json" not in expected or entry["request"]["method"] == "HEAD":
        return []
    if answer.status >= 400:
        return [*_of_errors(expected["json"], answer.json, entry, bindings)]
    if entry["operation"] in ("createTask", "updateTask"):
        return [*_of_tasks(expected["json"], answer.json, bindings, sent_title(entry, bindings))]
    if entry["operation"] == "listTasks":
        return [*_of_lists(expected["json"], answer.json, bindings)]
    if entry["operation"] in _OF_MANY:
        return [*_of_shapes(expected["json"], answer.json)]
    return [] if expected["json"] == answer.json else [Difference(VALUES, BODY, expected["json"], answer.json)]


def sent_title(entry: Document, bindings: Bindings) -> str | None:
    """The title that a request gave its task, as it was sent to the vendor."""
    body = entry["request"].get("json")
    title = body.get("title") if isinstance(body, dict) else None
    return bindings.marked(title) if isinstance(title, str) else None


def _of_errors(mock: Any, vendor: Any, entry: Document, bindings: Bindings) -> Iterator[Difference]:
    if not isinstance(vendor, dict) or not isinstance(mock, dict):
        yield Difference(TYPES, BODY, kind_of(mock), kind_of(vendor))
    elif list(mock) != list(vendor):
        yield Difference(FIELDS, BODY, list(mock), list(vendor))
    else:
        wrong = {key: kind_of(value) for key, value in vendor.items() if kind_of(value) != kind_of(mock[key])}
        yield from (Difference(TYPES, f"{BODY}.{key}", kind_of(mock[key]), kind) for key, kind in wrong.items())
        compared = [key for key in ("error", "statusCode") if key not in wrong]
        if any(rule in entry["inferred"] for rule in _WORDED) and "message" not in wrong:
            compared.append("message")
        for key in compared:
            if key in mock and _comparable(vendor[key]) not in (mock[key], rebound(mock[key], bindings)):
                yield Difference(VALUES, f"{BODY}.{key}", mock[key], vendor[key])
        if "errors" not in wrong and _issues(mock) != _issues(vendor):
            yield Difference(VALUES, f"{BODY}.errors", _issues(mock), _issues(vendor))


def _issues(body: Document) -> list[tuple[str, str]]:
    """The path and the code of each issue: what a client can depend on."""
    listed = body.get("errors")
    issues = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return sorted((_dotted(each.get("path")), str(each.get("code"))) for each in issues)


def _dotted(path: Any) -> str:
    return ".".join(map(str, path)) if isinstance(path, list) else str(path)


def rebound(value: Any, bindings: Bindings) -> Any:
    """A text with the vendor's ids in place of the mock's, and with ids made up for those that nobody has."""
    if not isinstance(value, str):
        return value
    pairs = bindings.pairs()
    return _ID.sub(lambda found: pairs.get(found[0]) or bindings.made_up(found[0]), value)


def _comparable(value: Any) -> Any:
    """A text without what precedes the base path: the target may have a path of its own."""
    return re.sub(rf"/\S*(?={BASE_PATH})", "", value) if isinstance(value, str) else value


_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _of_tasks(mock: Any, vendor: Any, bindings: Bindings, title: str | None) -> Iterator[Difference]:
    """The differences of two task objects, the first in each place; the vendor may have more fields."""
    if not isinstance(vendor, dict):
        yield Difference(TYPES, BODY, kind_of(mock), kind_of(vendor))
        return
    found: dict[str, Difference] = {}
    for each in (*_of_forms(mock, vendor), *_of_values(mock, vendor, title), *_of_ids(mock, vendor, bindings)):
        found.setdefault(each.path, each._replace(task=mock["id"]))
    yield from found.values()


def _of_forms(mock: Document, vendor: Document) -> Iterator[Difference]:
    for key, value in mock.items():
        if key not in vendor:
            yield Difference(FIELDS, key, "there", "missing")
        elif _form(value) != _form(vendor[key]) and not (key in _NULLABLE and None in (value, vendor[key])):
            yield Difference(TYPES, key, _form(value), _form(vendor[key]))


def _of_values(mock: Document, vendor: Document, title: str | None) -> Iterator[Difference]:
    shared = {key for key in mock if key in vendor}
    for key in _EXACT:
        if key in shared and mock[key] != vendor[key]:
            yield Difference(VALUES, key, mock[key], vendor[key])
    if "title" in shared and title is not None and title != vendor["title"]:
        yield Difference(VALUES, "title", title, vendor["title"])
    if "due_at" in shared and moment_of(mock["due_at"]) != moment_of(vendor["due_at"]):
        yield Difference(VALUES, "due_at", mock["due_at"], vendor["due_at"])


_NULLABLE = ("description", "due_at", "due_timezone", "ai_contact_id", "ai_customer_id")  # compared as values


def _form(value: Any) -> str:
    """The type of a value; of an instant also how it is written."""
    written = re.sub(r"[0-9]", "0", value) if isinstance(value, str) else ""
    return f"an instant such as {written}" if re.match(r"0000-00-00T", written) else kind_of(value)


def _of_ids(mock: Document, vendor: Document, bindings: Bindings) -> Iterator[Difference]:
    """The differences of what a task refers to, and of when it was created, which must be the same as ever."""
    pairs = bindings.pairs()
    for key in _BOUND:
        old, new = mock.get(key), vendor.get(key)
        is_known = None in (old, new) or old in pairs
        if key in mock and key in vendor and is_known and pairs.get(str(old), old) != new:
            yield Difference(VALUES, key, pairs.get(str(old), old), new)
    expected = [pairs.get(each["responsible_id"], each["responsible_id"]) for each in mock["task_responsibles"]]
    found = vendor.get("task_responsibles")
    if isinstance(found, list):
        ids = [each.get("responsible_id") if isinstance(each, dict) else None for each in found]
        if ids != expected:
            yield Difference(
                ORDER if sorted(map(str, ids)) == sorted(expected) else VALUES, "task_responsibles", expected, ids
            )
    since = bindings.created_at.get(str(vendor.get("id")))
    if since is not None and "created_at" in vendor and vendor["created_at"] != since:
        yield Difference(VALUES, "created_at", since, vendor["created_at"])


def _of_lists(mock: Any, vendor: Any, bindings: Bindings) -> Iterator[Difference]:
    """The differences of two lists of tasks, among the tasks that the run has created."""
    if not isinstance(vendor, list) or not isinstance(mock, list):
        yield Difference(TYPES, BODY, kind_of(mock), kind_of(vendor))
        return
    own = {new: old for old, new in bindings.tasks.items()}
    expected = [task for task in mock if task["id"] in bindings.tasks]
    found = [task for task in vendor if isinstance(task, dict) and str(task.get("id")) in own]
    old_ids, found_ids = [task["id"] for task in expected], [own[task["id"]] for task in found]
    if sorted(old_ids) != sorted(found_ids):
        yield Difference(VALUES, MEMBERS, old_ids, found_ids)
    elif old_ids != found_ids:
        yield Difference(ORDER, MEMBERS, old_ids, found_ids)
    by_id = {own[task["id"]]: task for task in found}
    for task in expected:
        if task["id"] in by_id:
            yield from _of_tasks(task, by_id[task["id"]], bindings, None)


def _of_shapes(mock: Any, vendor: Any) -> Iterator[Difference]:
    """The differences of two lists of people: the fields and types of their members, never their values."""
    if not isinstance(vendor, list) or not isinstance(mock, list):
        yield Difference(TYPES, BODY, kind_of(mock), kind_of(vendor))
        return
    expected, found = _kinds(mock), _kinds(vendor)
    for key, kinds in expected.items() if vendor else ():
        if key not in found:
            yield Difference(FIELDS, key, "there", "missing")
        elif kinds and found[key] and kinds != found[key]:
            yield Difference(TYPES, key, ", ".join(sorted(kinds)), ", ".join(sorted(found[key])))


def _kinds(listed: Iterable[Any]) -> Mapping[str, set[str]]:
    """The types, but null, that each field has in a list of objects."""
    found: dict[str, set[str]] = {}
    for each in listed:
        for key, value in each.items() if isinstance(each, dict) else ():
            found.setdefault(key, set()).update(() if value is None else (kind_of(value),))
    return found
