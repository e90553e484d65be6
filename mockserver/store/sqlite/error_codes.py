"""When there is no room: how SQLite says that it cannot write any more, and what the mock says then."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from peewee import PeeweeException

from mockserver.store.transactions import StorageFull

# SQLite's result codes, extended where there are such (https://www.sqlite.org/rescode.html). A quota and a limit on the
# size of files are errors of input and output to it, not a full disk.
_NO_ROOM = (13, 778, 1034, 1546, 4874)  # FULL, and of IOERR: WRITE, FSYNC, TRUNCATE, SHMSIZE
_READ_ONLY = (8,)
# Python 3.10 has no codes.
_NO_ROOM_TEXTS = ("database or disk is full", "disk I/O error")
_READ_ONLY_TEXTS = ("attempt to write a readonly database",)

DATABASE_ERRORS = (sqlite3.Error, PeeweeException)


@contextlib.contextmanager
def raise_storage_full(path: Path) -> Iterator[None]:
    """Raise StorageFull for what SQLite raises in the block when the file at `path` has no room."""
    try:
        yield
    except DATABASE_ERRORS as error:
        cause = _matching_text(error, _NO_ROOM, _NO_ROOM_TEXTS)
        if cause is None:
            raise
        raise StorageFull(path, cause) from error


def is_read_only(error: BaseException) -> bool:
    """Whether the error comes from a write where nothing but reading is allowed."""
    return _matching_text(error, _READ_ONLY, _READ_ONLY_TEXTS) is not None


def _matching_text(error: BaseException, codes: tuple[int, ...], texts: tuple[str, ...]) -> str | None:
    for each in _causes(error):
        if isinstance(each, sqlite3.Error):
            code = getattr(each, "sqlite_errorcode", None)
            if code in codes or (code is None and str(each) in texts):
                return str(each)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those before it, as far as they are the database's.

    SQLite ends a transaction by itself when it finds no room; what arrives here then is that it cannot be rolled back.
    """
    while isinstance(error, DATABASE_ERRORS):
        yield error
        error = error.__cause__ or error.__context__
