"""Advice: the vendor's recommendations, which it never enforces (contract, section 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from mockserver.formats.json import HIDE
from mockserver.keys import KEY_HEADER

RECOMMENDED_DESCRIPTION = 1000
MAX_ADVICE = 1000  # for one request


class RequestContent(NamedTuple):
    """The content of a request: its body as JSON, its query, its unread and repeated keys, and its headers."""

    operation: str | None
    body: Any
    query: Mapping[str, Any]
    unread_keys: Sequence[str]
    unread_names: Sequence[str]
    repeated_keys: Sequence[str]
    headers: Mapping[str, str]


NOTHING_SAID = RequestContent(None, None, {}, (), (), (), {})


def of(sent: RequestContent, created_again: bool = False) -> list[dict[str, str]]:
    """The advice for the sender, in the order of the contract's list.

    `created_again`: the same task was created within the two seconds before.
    """
    given = list(islice(_advice(sent), MAX_ADVICE))
    if created_again:
        given.append(("same-task-twice", "The same task was created within two seconds: a retry should look first"))
    return [{"rule": rule, "message": message} for rule, message in given]


def _advice(sent: RequestContent) -> Iterator[tuple[str, str]]:
    key = sent.headers.get(KEY_HEADER)
    if key is None and "authorization" in sent.headers:
        yield "key-in-authorization", "The key belongs in the header x-api-key, alone; Authorization is not read"
    elif key and key[:7].lower() == "bearer ":
        yield "key-with-scheme", "x-api-key takes the key alone, without Bearer before it"
    body = sent.body if isinstance(sent.body, dict) and sent.operation in ("createTask", "updateTask") else {}
    if body.get("dueTime") is not None and body.get("timezone") is None:
        yield "due-time-without-timezone", "dueTime is in UTC when no timezone is given: always give one"
    if isinstance(body.get("description"), str) and len(body["description"]) > RECOMMENDED_DESCRIPTION:
        yield "long-description", "Keep descriptions to 500-1000 characters"
    if isinstance(body.get("title"), str) and body["title"] and not body["title"].strip():
        yield "blank-title", "The title is blank; the vendor counts a blank as a character"
    for key in sent.unread_keys:
        yield (
            "unread-key",
            f"Nothing reads the body's {HIDE.get()(key)[:80]!r}: the vendor ignores keys that it does not know",
        )
    for name in sent.unread_names:
        yield "unread-query", f"Nothing reads the query's {HIDE.get()(name)[:80]!r}"
    for key in sent.repeated_keys:
        yield "repeated-key", f"The body has {HIDE.get()(key)[:80]!r} more than once: the last one counts"
    if sent.operation == "createTask" and body.get("dueDate") is None:
        for key in ("dueTime", "timezone"):
            if body.get(key) is not None:
                yield "time-without-date", f"{key} without dueDate is checked, then neither used nor stored"
    if sent.operation == "createTask" and body.get("aiCustomerId") and not body.get("aiContactId"):
        yield "customer-without-contact", "Link the task to a contact too: only contacts get interactive notes"
    first, last = sent.query.get("fromDate"), sent.query.get("toDate")
    if isinstance(first, str) and isinstance(last, str) and first > last:
        yield "dates-swapped", "fromDate is after toDate: no task with a date can match"
