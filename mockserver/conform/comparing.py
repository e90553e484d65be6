"""Differences between the mock's answer in a journal and the vendor's, in grades."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mockserver.api.operations import BASE_PATH
from mockserver.conform.answer_parts import moment_of
from mockserver.conform.journal_entries import fields_of
from mockserver.conform.journal_requests import Bindings
from mockserver.formats.fields import kind_of
from mockserver.formats.json import Document
from mockserver.vendor import Answer

STATUS, FIELDS, TYPES, VALUES, ORDER = ("status", "fields", "types", "values", "order")
BODY = "body"  # the path of the body of an error
MEMBERS = "members"  # the path of the tasks that a list has
STATUS_PATHS = ("task_status_config_id", "status_config")

_EXACT = ("description", "due_timezone", "is_all_day", "priority")
_NULLABLE = ("description", "due_at", "due_timezone", "ai_contact_id", "ai_customer_id")  # compared as values
_REFERENCES = ("ai_contact_id", "ai_customer_id", "task_status_config_id")
# Rules that give the text of a message; other texts are for people to read.
_WORDED = ("reference-message", "path-id", "unknown-route")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


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
    if "json" not in entry["response"] or entry["request"]["method"] == "HEAD":
        return []
    mock, vendor, operation = entry["response"]["json"], answer.json, entry["operation"]
    if kind_of(mock) != kind_of(vendor):
        return [Difference(TYPES, BODY, kind_of(mock), kind_of(vendor))]
    if answer.status >= 400:
        return [*_of_errors(mock, vendor, entry, bindings)]
    if operation in ("createTask", "updateTask"):
        return [*_of_tasks(mock, vendor, bindings, _sent_title(entry, bindings))]
    if operation == "listTasks":
        return [*_of_lists(mock, vendor, bindings)]
    if operation in ("listTeamMembers", "listContacts", "searchContacts"):
        return [*_of_people(mock, vendor)]
    return [] if mock == vendor else [Difference(VALUES, BODY, mock, vendor)]


def _sent_title(entry: Document, bindings: Bindings) -> str | None:
    """The title that a request gave its task, as it was sent to the vendor."""
    title = fields_of(entry).get("title")
    return bindings.marked(title) if isinstance(title, str) else None


def _of_errors(mock: Document, vendor: Document, entry: Document, bindings: Bindings) -> Iterator[Difference]:
    if list(mock) != list(vendor):
        yield Difference(FIELDS, BODY, list(mock), list(vendor))
        return
    exact = ("error", "statusCode", *(["message"] if any(rule in entry["inferred"] for rule in _WORDED) else []))
    for key, value in mock.items():
        place, found = f"{BODY}.{key}", vendor[key]
        if kind_of(value) != kind_of(found):
            yield Difference(TYPES, place, kind_of(value), kind_of(found))
        elif key == "errors" and _issues(value) != _issues(found):
            yield Difference(VALUES, place, _issues(value), _issues(found))
        elif key in exact and _below_base_path(found) not in (value, _with_vendor_ids(value, bindings)):
            yield Difference(VALUES, place, value, found)


def _issues(listed: list[Any]) -> list[tuple[str, str]]:
    """The path and the code of each issue: what a client can depend on."""
    return sorted((_dotted(each.get("path")), str(each.get("code"))) for each in listed if isinstance(each, dict))


def _dotted(path: Any) -> str:
    return ".".join(map(str, path)) if isinstance(path, list) else str(path)


def _with_vendor_ids(value: Any, bindings: Bindings) -> Any:
    """A text with the vendor's ids in place of the mock's, and with ids made up for those that nobody has."""
    if not isinstance(value, str):
        return value
    pairs = bindings.pairs()
    return _ID.sub(lambda found: pairs.get(found[0]) or bindings.made_up(found[0]), value)


def _below_base_path(value: Any) -> Any:
    """A text without what precedes the base path: the target may have a path of its own."""
    return re.sub(rf"/\S*(?={BASE_PATH})", "", value) if isinstance(value, str) else value


def _of_tasks(mock: Document, vendor: Document, bindings: Bindings, title: str | None) -> Iterator[Difference]:
    """The differences of two task objects, the first in each place; the vendor may have more fields."""
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


def _form(value: Any) -> str:
    """The type of a value; of an instant also how it is written."""
    written = re.sub(r"[0-9]", "0", value) if isinstance(value, str) else ""
    return f"an instant such as {written}" if re.match(r"0000-00-00T", written) else kind_of(value)


def _of_ids(mock: Document, vendor: Document, bindings: Bindings) -> Iterator[Difference]:
    """The differences of what a task refers to, and of when it was created, which must be the same as ever."""
    pairs = bindings.pairs()
    for key in _REFERENCES:
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


def _of_lists(mock: list[Any], vendor: list[Any], bindings: Bindings) -> Iterator[Difference]:
    """The differences of two lists of tasks, among the tasks that the run has created."""
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


def _of_people(mock: list[Any], vendor: list[Any]) -> Iterator[Difference]:
    """The differences of two lists of people: the fields and types of their members, never their values."""
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
