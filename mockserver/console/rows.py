"""The rows of the requests page."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.formats.json import Document
from mockserver.journal import entries
from mockserver.journal.patterns import listed

MAX_TARGET = 300  # characters of a path and its query
NO_ANSWER = "no answer"
_BASE = "/api/public/"


def row(entry: Document) -> Document:
    """An entry as a row; `is_public` says that its path is under the base path, which a narrow list leaves out."""
    status = status_of(entry)
    target = target_of(entry["request"])
    return {
        "id": entry["id"],
        "at": entry["at"],
        "received_at": entry["received_at"],
        "method": entry["request"]["method"],
        "target": target if len(target) <= MAX_TARGET else f"{target[:MAX_TARGET]}…",
        "is_public": target.startswith(_BASE),
        "operation": entry["operation"] or "no operation",
        "status": status,
        "tone": _tone(status),
        "duration": "" if entry["duration_ms"] is None else f"{entry['duration_ms']:g} ms",
        "marks": list(_marks(entry)),
    }


def status_of(entry: Document) -> int | str:
    """The status of the answer, or in words why the client has none."""
    response = entry["response"]
    if not response or entry["state"] == entries.ABANDONED:
        return str(entry["state"])
    return response["status"] or NO_ANSWER


def target_of(sent: Document) -> str:
    """The path of a request, and its query, decoded."""
    query = "&".join(f"{name}={text}" for name, texts in sent["query"].items() for text in listed(texts))
    return f"{sent['path']}?{query}" if query else sent["path"]


def _tone(status: int | str) -> str:
    if isinstance(status, str):
        return entries.PENDING if status == entries.PENDING else "bad"
    return "bad" if status >= 500 else "warn" if status >= 400 else "good"


def _marks(entry: Document) -> Iterator[tuple[str, str]]:
    """The tags of an entry: a text and its tone."""
    if entry["fault"]:
        yield f"fault {entry['fault']['id']}", "bad"
    if entry["unread"]:
        yield f"ignored {len(entry['unread'])}", "warn"
    if entry["advice"]:
        yield f"advice {len(entry['advice'])}", "muted"
