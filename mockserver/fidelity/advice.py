"""Advice: what the vendor recommends, or what rests on a guess, and is not refused (contract, section 7).

Strict mode refuses a part of it: what the vendor's pages do not promise to take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from mockserver.formats import dates, zones
from mockserver.formats.json import quoted
from mockserver.keys import KEY_HEADER, Shard

RECOMMENDED_DESCRIPTION = 1000
FRAMEWORK_BODY = 100 * 1024  # bytes, its default limit
MAX_LISTED_IDS = 20  # in a query: the framework's parser makes an object of a longer list
MAX_ADVICE = 1000  # for one request
MAX_REFUSED = 10  # in the message of strict mode
Value = TypeVar("Value")

_DUE_DATES = {
    "due-date-offset": "has an offset or no zone: the vendor's pages show only date-times with Z",
    "due-date-precision": "lacks seconds, or a fraction of 3 digits",
}
_FORMS = {*_DUE_DATES, "timezone-case"}


class RequestContent(NamedTuple):
    """The content of a request: its body as JSON and its size, unread and repeated keys, query and headers.

    `understood` are the rules by which it was read, all of them if it was `valid`; `as_written` says that the path is
    one of the contract, letter by letter.
    """

    operation: str | None
    body: Any
    unread_keys: Sequence[str]
    unread_parameters: Sequence[str]
    repeated_keys: Sequence[str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    understood: Set[str] = frozenset()
    as_written: bool = True
    size: int = 0
    valid: bool = False


class Finding(NamedTuple):
    """A piece of advice; `strict` says that strict mode refuses it."""

    rule: str
    message: str
    strict: bool = False


NOTHING_SAID = RequestContent(None, None, (), (), (), {}, {})


def of(sent: RequestContent, created_again: bool = False) -> list[dict[str, str]]:
    """The advice for the sender, in the order of the contract's list.

    `created_again`: the same task was created within the two seconds before.
    """
    given = [{"rule": each.rule, "message": each.message} for each in islice(_findings(sent), MAX_ADVICE)]
    if created_again:
        message = "The same task was created within two seconds: a retry should look first"
        given.append({"rule": "same-task-twice", "message": message})
    return given


def of_shard(shard: Shard | None, sandbox: str) -> list[dict[str, str]]:
    """The advice for whoever asks a shard for a sandbox whose name begins with the prefix of another one."""
    other = shard.other(sandbox) if shard else None
    if other is None:
        return []
    message = f"The sandbox {quoted(sandbox)} belongs to shard {other}, and this is {shard}: ask the load balancer"
    return [{"rule": "other-shard", "message": message}]


def strictly(sent: RequestContent) -> list[str]:
    """The messages of what strict mode refuses."""
    refused = (each for each in _findings(sent) if each.strict)
    return [each.message for each in islice(refused, MAX_REFUSED)]


def _findings(sent: RequestContent) -> Iterator[Finding]:
    key = sent.headers.get(KEY_HEADER)
    if key is None and "authorization" in sent.headers:
        message = "The key belongs in the header x-api-key, alone; Authorization is not read"
        yield Finding("key-in-authorization", message)
    elif key and key[:7].lower() == "bearer ":
        yield Finding("key-with-scheme", "x-api-key takes the key alone, without Bearer before it")
    body = sent.body if isinstance(sent.body, dict) and sent.operation in ("createTask", "updateTask") else {}
    yield from _of_fields(body)
    for key in sent.unread_keys:
        message = f"Nothing reads the body's {quoted(key)}; we believe that the vendor ignores unknown keys"
        yield Finding("unread-key", message, strict=True)
    for name in sent.unread_parameters:
        yield Finding("unread-query", f"Nothing reads the query's {quoted(name)}", strict=True)
    for key in sent.repeated_keys:
        yield Finding("repeated-key", f"The body has {quoted(key)} more than once: the last one counts", strict=True)
    if sent.operation == "createTask":
        yield from _of_creation(body)
    if sent.query:
        yield from _of_query(sent.query)
    if not sent.valid or sent.understood & _FORMS or body.get("dueTime") is None:
        yield from _of_forms(body)
    yield from _of_message(sent)


def _of_fields(body: Mapping[str, Any]) -> Iterator[Finding]:
    if body.get("dueTime") is not None and body.get("timezone") is None:
        message = "dueTime is in UTC when no timezone is given: always give one"
        yield Finding("due-time-without-timezone", message, strict=True)
    if isinstance(body.get("description"), str) and len(body["description"]) > RECOMMENDED_DESCRIPTION:
        yield Finding("long-description", "Keep descriptions to 500-1000 characters")
    if isinstance(body.get("title"), str) and body["title"] and not body["title"].strip():
        yield Finding("blank-title", "The title is blank; a blank counts as a character")


def _of_forms(body: Mapping[str, Any]) -> Iterator[Finding]:
    date, zone = _parsed(dates.parse_date_or_date_time, body.get("dueDate")), body.get("timezone")
    if date and (rule := dates.guess(date.text)):
        yield Finding(rule, f"dueDate {quoted(date.text)} {_DUE_DATES[rule]}", strict=True)
    canonical = _parsed(zones.parse, zone)
    if canonical and canonical != zone:
        yield Finding("timezone-case", f"Write the time zone {canonical} in this letter case", strict=True)
    if canonical and date and date.is_date and body.get("dueTime") is None and _is_east(date.wall, canonical):
        message = f"Midnight in {canonical} is on the day before in UTC: a list by the day of dueDate misses the task"
        yield Finding("day-before", message)


def _parsed(parse: Callable[[str], Value], text: Any) -> Value | None:
    """The value of a text; None for anything that the API refuses."""
    try:
        return parse(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _is_east(wall: datetime, zone: str) -> bool:
    """Test for a zone that is ahead of UTC at that wall-clock time."""
    return (wall.replace(tzinfo=zones.load(zone)).utcoffset() or timedelta(0)) > timedelta(0)


def _of_creation(body: Mapping[str, Any]) -> Iterator[Finding]:
    if body.get("dueDate") is None:
        for key in ("dueTime", "timezone"):
            if body.get(key) is not None:
                yield Finding("time-without-date", f"{key} without dueDate is checked, then neither used nor stored")
    if body.get("aiCustomerId") and not body.get("aiContactId"):
        message = "Link the task to a contact too: only contacts get interactive notes"
        yield Finding("customer-without-contact", message)
    if "statusId" in body:
        yield Finding("status-id", "statusId is not needed: a new task gets the initial status", strict=True)


def _of_query(query: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    first, last = query.get("fromDate", ("",))[0], query.get("toDate", ("",))[0]
    if first and last and first > last:
        yield Finding("dates-swapped", "fromDate is after toDate: no task with a date can match")
    ids, bracketed = query.get("responsibleIds", ()), query.get("responsibleIds[]", ())
    if any("," in text for text in (*ids, *bracketed)):
        message = "responsibleIds is separated by commas, which the framework refuses: repeat the name"
        yield Finding("comma-list", message, strict=True)
    if bracketed:
        message = "responsibleIds[] is read only by the framework's extended query parser: repeat responsibleIds"
        yield Finding("bracketed-list", message, strict=True)
    if len(ids) + len(bracketed) > MAX_LISTED_IDS:
        message = f"responsibleIds has more than {MAX_LISTED_IDS} values, which the framework's parser may not read"
        yield Finding("long-list", message, strict=True)


def _of_message(sent: RequestContent) -> Iterator[Finding]:
    if not sent.as_written:
        message = "The path is written with other letter case or a slash at its end: write it as documented"
        yield Finding("path-matching", message, strict=True)
    if "content-encoding" in sent.understood:
        yield Finding("content-encoding", "Content-Encoding is documented nowhere: send the body as it is", strict=True)
    if "empty-body" in sent.understood:
        yield Finding("empty-body", "The body is empty, which counts as {}", strict=True)
    if sent.size > FRAMEWORK_BODY:
        message = "The body is over 100 KiB, the default limit of the vendor's framework"
        yield Finding("large-body", message, strict=True)
