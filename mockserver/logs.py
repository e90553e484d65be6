"""What the server writes on standard error: one line a record, which nothing that a client sends can forge.

A request's record has the attributes `method`, `path` (no query string), `status`, `duration_ms` and `sandbox`; headers
and bodies are never logged.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from typing import Literal

_LOGGERS = {"mockserver": logging.INFO, "waitress": logging.WARNING}
_ACCESS = "mockserver.access"
_FIELDS = ("method", "path", "status", "duration_ms", "sandbox")


def configure(log_format: Literal["text", "json"], *, access: bool = True) -> None:
    """Sends the records of `mockserver` and of waitress to standard error, as text or as JSON objects.

    Without `access` the records of requests are left out. It may be called again: the last call wins.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    for name, level in _LOGGERS.items():
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
    logging.getLogger(_ACCESS).setLevel(logging.NOTSET if access else logging.WARNING)


def printable(text: str) -> str:
    r"""`text` with every character that is not printable escaped, as `\x1b` is for ESC.

    These are controls, lone surrogates, line and paragraph separators, and marks such as bidi overrides.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


class TextFormatter(logging.Formatter):
    """`09:12:33 POST /api/public/tasks 201 3.1 ms [default]`, in local time; other records with level and logger."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; a traceback follows it, indented so that none of its lines looks like a record."""
        text = self._request(record) if hasattr(record, "method") else self._message(record)
        line = f"{self.formatTime(record, '%H:%M:%S')} {printable(text)}"
        return "\n    ".join([line, *_traceback(record)])

    def _request(self, record: logging.LogRecord) -> str:
        method, path, status, duration_ms, sandbox = (getattr(record, field, None) for field in _FIELDS)
        where = "" if sandbox is None else f" [{sandbox}]"
        return f"{method} {path} {status} {duration_ms or 0:.1f} ms{where}"

    def _message(self, record: logging.LogRecord) -> str:
        return f"{record.levelname} {record.name}: {record.getMessage()}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line, all of it ASCII: `time` (ISO 8601, UTC), `level`, `logger`, `message`.

    A request's record adds its fields, an error's its `traceback`, a list of lines.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        written = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        document: dict[str, object] = {
            "time": written.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": printable(record.getMessage()),
        }
        if hasattr(record, "method"):
            document |= {field: _plain(getattr(record, field, None)) for field in _FIELDS}
        if lines := _traceback(record):
            document["traceback"] = lines
        return json.dumps(document)


def _plain(value: object) -> object:
    return printable(value) if isinstance(value, str) else value


def _traceback(record: logging.LogRecord) -> list[str]:
    if not record.exc_info:
        return []
    return [printable(line) for line in logging.Formatter().formatException(record.exc_info).splitlines()]
