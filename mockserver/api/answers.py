"""An answer as the pipeline makes it: a value, which an adapter sends."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from mockserver.errors import ApiError, InsufficientStorage
from mockserver.formats import json as wire_json
from mockserver.journal import entries
from mockserver.keys import DEFAULT

JSON = "application/json"
_log = logging.getLogger("mockserver")


@dataclass
class Answer:
    """A status, headers and a body; `connection` says how the connection is to be broken instead, if it is.

    `sandbox` is where the request was answered. `faulty` answers need not be complete: a fault rule made them.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    connection: str | None = None
    faulty: bool = False
    sandbox: str = DEFAULT

    @classmethod
    def of_json(cls, status: int, body: bytes) -> Answer:
        """An answer whose body is this JSON."""
        return cls(status, {"Content-Type": JSON, "Content-Length": str(len(body))}, body)

    def set_header(self, name: str, value: str) -> None:
        """Set a header, in place of one whose name differs in the case of letters only."""
        present = [known for known in self.headers if known.lower() == name.lower()]
        if present:
            self.headers = {name if known in present else known: text for known, text in self.headers.items()}
        self.headers[name] = value

    def set_body(self, body: bytes, content_type: str) -> None:
        """Replace the body."""
        self.body = body
        self.set_header("Content-Length", str(len(body)))
        self.set_header("Content-Type", content_type)


def refused(error: ApiError, secrets: Sequence[str] = ()) -> Answer:
    """Render an error, without the secrets that the request brought; log that storage is full."""
    if isinstance(error, InsufficientStorage):
        _log.error("%s", error.message)
    body = wire_json.encode(entries.without(secrets, error.document()))
    return Answer(error.status, {**error.headers(), "Content-Type": JSON, "Content-Length": str(len(body))}, body)
