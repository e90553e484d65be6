"""The log on standard error: one line per record, which clients cannot forge, and which no answer waits for.

A request's record has the attributes `method`, `path` (no query string), `status`, `duration_ms`, `sandbox`, `entry`
(its id in the journal), `client` (an address) and `request_id` (the `X-Request-Id` that was sent). Other headers and
bodies are never logged.
"""

from __future__ import annotations

import json
import logging
import os
import select
import stat
from collections.abc import Mapping
from typing import Any, Literal

from mockserver.clock import real_ms, text_of

_LOGGERS = {"mockserver": logging.INFO, "waitress": logging.WARNING}
_SHOWN = ("method", "path", "status", "duration_ms", "sandbox")
_FIELDS = (*_SHOWN, "entry", "client", "request_id")
_mockserver = logging.getLogger("mockserver")
_access = logging.getLogger("mockserver.access")
_poll = getattr(select, "poll", None)  # at import: tests of an embedding program replace it; Windows has none
_PIECE = getattr(select, "PIPE_BUF", 512) // 10  # characters, of at most 10 bytes each: "\\U0001f600"


def configure(log_format: Literal["text", "json"]) -> None:
    """Send the records of `mockserver` and of waitress to standard error, as text or as JSON objects.

    It may be called again: the last call wins.
    """
    handler = Handler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    for name, level in _LOGGERS.items():
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def log_request(
    method: str,
    path: str,
    status: int | str,
    duration_ms: float,
    sandbox: str | None,
    entry: int | None = None,
    client: str | None = None,
    request_id: str | None = None,
) -> None:
    """Log a request: as a record of `mockserver.access`, or directly as a line when only our handler would get it."""
    values = (method, path, status, duration_ms, sandbox, entry, client, request_id)
    fields = dict(zip(_FIELDS, values, strict=True))
    if _access.isEnabledFor(logging.INFO) and not _write_line(fields):
        _access.info("%s %s %s", method, path, status, extra=fields)


def _write_line(fields: Mapping[str, object]) -> bool:
    """Write a request's line directly if our handler alone would get its record; False if not, or if writing failed."""
    handlers = [*_access.handlers, *_mockserver.handlers]
    if len(handlers) != 1 or _access.filters or not _access.propagate or _mockserver.propagate:
        return False
    handler, formatter = handlers[0], handlers[0].formatter
    if type(handler) is not Handler or not isinstance(formatter, (TextFormatter, JsonFormatter)):
        return False
    if handler.filters or handler.level > logging.INFO:
        return False
    handler.acquire()
    try:
        handler.write(formatter.request(real_ms(), fields))
    except Exception:
        return False
    finally:
        handler.release()
    return True


class Handler(logging.StreamHandler):  # type: ignore[type-arg]  # generic only from Python 3.11
    """A handler that drops lines instead of waiting for the reader of its stream, and then logs how many it dropped."""

    def __init__(self) -> None:
        super().__init__()
        self._dropped = 0
        self._begun = False  # a line whose end was dropped
        self._poller = _poller(self.stream)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a line."""
        try:
            self.write(self.format(record))
        except Exception:
            self.handleError(record)

    def write(self, line: str) -> None:
        """Write a line, and before it the number of those dropped since the last; or drop it."""
        if self._dropped and self._room():
            text = f"{self._dropped} log lines were dropped, because standard error was full and nobody read it"
            note = self.format(logging.LogRecord(_mockserver.name, logging.WARNING, "", 0, text, None, None))
            self._dropped = 0
            self._put(self.terminator * self._begun + note + self.terminator)
        self._put(line + self.terminator)

    def _put(self, text: str) -> None:
        """Write a text in pieces that a pipe with room takes at once."""
        for start in range(0, len(text), _PIECE):
            if not self._room():
                self._dropped += 1
                self._begun |= start > 0
                return
            self.stream.write(text[start : start + _PIECE])
            self.flush()
        self._begun = False

    def _room(self) -> bool:
        """Test if the stream takes a piece without waiting."""
        return self._poller is None or bool(self._poller.poll(0))


def _poller(stream: Any) -> Any:
    """A poll object for a pipe, a socket or a terminal, which may wait for a reader; None for any other stream."""
    try:
        number = stream.fileno()
        mode = os.fstat(number).st_mode
    except (AttributeError, OSError, ValueError):
        return None
    if _poll is None or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(number)):
        return None
    poller = _poll()
    poller.register(number, select.POLLOUT)
    return poller


def printable(text: str) -> str:
    r"""`text` with every character that is not printable escaped, as `\x1b` is for ESC.

    These are control characters, lone surrogates, line and paragraph separators, and marks such as bidi overrides.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


class TextFormatter(logging.Formatter):
    """`2026-03-01T09:12:33.250Z POST /api/public/tasks 201 3.1 ms [default]`, or another record's level and logger."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; a traceback follows it, indented so that none of its lines looks like a record."""
        if hasattr(record, "method"):
            line = self.request(real_ms(), _fields(record))
        else:
            text = f"{record.levelname} {record.name}: {record.getMessage()}"
            line = f"{text_of(real_ms())} {printable(text)}"
        return "\n    ".join([line, *_traceback(record)])

    def request(self, now_ms: int, fields: Mapping[str, object]) -> str:
        """The line of a request."""
        method, path, status, duration_ms, sandbox = map(fields.__getitem__, _SHOWN)
        where = "" if sandbox is None else f" [{sandbox}]"
        text = f"{method} {path} {status} {duration_ms or 0:.1f} ms{where}"
        return f"{text_of(now_ms)} {printable(text)}"


class JsonFormatter(logging.Formatter):
    """One JSON object per line, in ASCII: `time` (ISO 8601, UTC), `level`, `logger`, `message`.

    Requests add their fields, errors a `traceback`, a list of lines.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        document = _document(real_ms(), record.levelname, record.name, record.getMessage())
        if hasattr(record, "method"):
            document |= _plain(_fields(record))
        if lines := _traceback(record):
            document["traceback"] = lines
        return json.dumps(document)

    def request(self, now_ms: int, fields: Mapping[str, object]) -> str:
        """The line of a request."""
        message = f"{fields['method']} {fields['path']} {fields['status']}"
        return json.dumps(_document(now_ms, "INFO", _access.name, message) | _plain(fields))


def _document(now_ms: int, level: str, logger: str, message: str) -> dict[str, object]:
    return {
        "time": text_of(now_ms),
        "level": level,
        "logger": logger,
        "message": printable(message),
    }


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {field: getattr(record, field, None) for field in _FIELDS}


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: printable(value) if isinstance(value, str) else value for name, value in fields.items()}


def _traceback(record: logging.LogRecord) -> list[str]:
    if not record.exc_info:
        return []
    return [printable(line) for line in logging.Formatter().formatException(record.exc_info).splitlines()]
