"""A request and its answer, as values that know no web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

JSON = "application/json; charset=utf-8"


class Received(NamedTuple):
    """A request, made once: header names in lower case, `too_large` when its body was not read.

    `target` is the path as sent, with the query; `as_written` says that the path is one of the contract, letter by
    letter.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    too_large: bool = False
    target: str = ""
    as_written: bool = True


@dataclass
class Answer:
    """A status, headers and a body; `connection` names the fault that breaks the connection instead, if one does.

    `sandbox` is where the request was answered, None if its key opens none, and `entry` the id of its journal entry, if
    it has one. A `faulty` answer may be incomplete: a fault rule made it.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    connection: str | None = None
    faulty: bool = False
    sandbox: str | None = None
    entry: int | None = None

    @classmethod
    def of_json(cls, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer whose body is this JSON, with these headers first."""
        return cls(status, {**(headers or {}), "Content-Type": JSON, "Content-Length": str(len(body))}, body)

    def set_entry(self, entry: int) -> None:
        """Set the id of its journal entry, and the header that tells it."""
        self.entry = entry
        self.headers["X-Mock-Request-Id"] = str(entry)

    def set_header(self, name: str, value: str) -> None:
        """Set a header, replacing one whose name differs only in the case of letters."""
        present = [known for known in self.headers if known.lower() == name.lower()]
        if present:
            self.headers = {name if known in present else known: text for known, text in self.headers.items()}
        self.headers[name] = value

    def set_body(self, body: bytes, content_type: str) -> None:
        """Replace the body."""
        self.body = body
        self.set_header("Content-Length", str(len(body)))
        self.set_header("Content-Type", content_type)
