"""The journal of a mock: its entries, the stage in which each is sent, and the reasons against sending it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from mockserver.api.operations import BASE_PATH
from mockserver.client.client import Client
from mockserver.conform.probes import READ_ONLY, REFUSALS, WRITE
from mockserver.formats import dates
from mockserver.formats.json import Document

_SAFE = ("GET", "HEAD")
_DAY, _FAR = timedelta(1), timedelta(180)
_SOME_DAY = date(2030, 1, 15)  # of the probes


class Journal(NamedTuple):
    """The journal of a sandbox, oldest entry first, the number of entries that it dropped, and the sandbox's state."""

    entries: list[Document]
    dropped: int
    state: Document


def read_journal(client: Client) -> Journal:
    """Read the journal of a client's sandbox; raises CallFailed."""
    listed = client.call("GET", "/requests")
    return Journal(listed["requests"], listed["dropped"], client.call("GET", "/state"))


def stage_of(entry: Document) -> str:
    """The stage in which an entry's request is sent."""
    if entry["request"]["method"] in _SAFE:
        return READ_ONLY
    return REFUSALS if entry["response"]["status"] >= 400 else WRITE


def reason_against(entry: Document) -> str | None:
    """The reason why an entry says nothing about the vendor, or must not be sent; None if there is none."""
    decision, request = entry["decision"], entry["request"]
    if entry["state"] != "answered":
        return f"its state is {entry['state']}"
    if entry["fault"]:
        return "a fault rule made its answer"
    if decision is None or "mock" in (decision["evidence"], decision["body"]["evidence"]):
        return "a preference or a limit of the mock made its answer"
    if decision["rule"] == "strict-mode":
        return "strict mode refused it"
    if request["method"] not in _SAFE and not entry["operation"]:
        return "its method and path are no operation of the contract"
    if not request["path"].lower().startswith(BASE_PATH):
        return "its path is not under the base path"
    if "content-encoding" in request["headers"]:
        return "its body was encoded"
    return "its body repeats a key, which the journal does not show" if "repeated-keys" in entry["inferred"] else None


def fields_of(entry: Document) -> Document:
    """The fields of a request's JSON object; none for another body."""
    body = entry["request"].get("json")
    return body if isinstance(body, dict) else {}


def task_id_of(entry: Document) -> str:
    """The last part of a request's path, in lower case: the id of a task that is updated or deleted."""
    return str(entry["request"]["path"]).rstrip("/").rpartition("/")[2].lower()


def days_of(entries: list[Document]) -> str:
    """The days of the journal's due dates, as parameters of a list that also has what earlier replays of it left.

    Days far from the others are left out, so that the list is short.
    """
    days = sorted(day for entry in entries for day in _due_days(entry))
    near = [day for day in days if abs(day - days[len(days) // 2]) <= _FAR] or [_SOME_DAY]
    first, last = max(near[0], date.min + _DAY) - _DAY, min(near[-1], date.max - _DAY) + _DAY
    return f"fromDate={first.isoformat()}&toDate={last.isoformat()}"


def _due_days(entry: Document) -> Iterator[date]:
    text = fields_of(entry).get("dueDate")
    if isinstance(text, str):
        try:
            yield dates.parse_date(text[:10])
        except ValueError:
            return
