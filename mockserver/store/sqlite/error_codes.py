"""SQLite's error codes for a full disk and for writes that are not allowed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from mockserver.store.orm import PeeweeException

# SQLite's result codes, extended ones where they exist (https://www.sqlite.org/rescode.html). It reports an exceeded
# quota or file size limit as an I/O error, not as a full disk.
_NO_ROOM = (13, 778, 1034, 1546, 4874)  # FULL, and of IOERR: WRITE, FSYNC, TRUNCATE, SHMSIZE
_READ_ONLY = (8,)
# Python 3.10 does not expose the codes.
_NO_ROOM_TEXTS = ("database or disk is full", "disk I/O error")
_READ_ONLY_TEXTS = ("attempt to write a readonly database",)

DATABASE_ERRORS = (sqlite3.Error, PeeweeException)


def no_room(error: BaseException) -> str | None:
    """The text of an error that says that storage is full; None for any other error."""
    return _matching_text(error, _NO_ROOM, _NO_ROOM_TEXTS)


def is_read_only(error: BaseException) -> bool:
    """Test for the error of a write on a read-only connection."""
    return _matching_text(error, _READ_ONLY, _READ_ONLY_TEXTS) is not None


def _matching_text(error: BaseException, codes: tuple[int, ...], texts: tuple[str, ...]) -> str | None:
    for each in _causes(error):
        if isinstance(each, sqlite3.Error):
            code = getattr(each, "sqlite_errorcode", None)
            if code in codes or (code is None and str(each) in texts):
                return str(each)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and the errors that led to it, as far as they are the database's.

    SQLite itself ends a transaction when the disk is full; the error here is then that of the failed rollback.
    """
    while isinstance(error, DATABASE_ERRORS):
        yield error
        error = error.__cause__ or error.__context__
