"""Temporary databases: each in a folder of its own, which is removed when it is closed.

A killed owner leaves its folder behind, and the next start of any mock removes it. An owner marks a database as
temporary while it holds the lock. A marked database whose lock is free therefore has no owner, and neither a folder
that another start is creating nor a database that a user keeps is ever mistaken for one left behind.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import tempfile
from pathlib import Path

_BUSY = "database is locked"  # Python 3.10 does not expose the codes


class Owner:
    """The ownership of the database at `path`, held by a lock on `file`."""

    def __init__(self, path: Path) -> None:
        self.file = Path(f"{path}.lock")
        self._connection: sqlite3.Connection | None = None

    def take(self) -> bool:
        """Take the lock; False when another owner holds it. Raises OSError, or sqlite3.Error when `file` is foreign.

        The lock ends with the process, however that ends, and a child does not inherit it
        (https://www.sqlite.org/lockingv3.html). A journal in memory creates no further file.
        """
        if not self.file.exists():  # opening and closing it would drop a lock that this process holds on it
            self.file.touch()
        connection = sqlite3.connect(self.file, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = memory")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            connection.close()
            if str(error) == _BUSY:
                return False
            raise
        self._connection = connection
        return True

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._connection:
            self._connection.close()
            self._connection = None


_PREFIX = "vambe-mock-"
_NAME = "world.db"


def new_path() -> Path:
    """The path for a new temporary database, in a new folder. Raises OSError."""
    return Path(tempfile.mkdtemp(prefix=_PREFIX), _NAME)


def mark(path: Path, temporary: bool) -> None:
    """Mark a database as temporary, or as kept; the caller owns it. Raises OSError."""
    if temporary:
        _mark_of(path).touch()
    else:
        _mark_of(path).unlink(missing_ok=True)


def remove(path: Path, owner: Owner) -> None:
    """Remove a temporary database and release its lock; files that cannot be removed stay."""
    mark = _mark_of(path)
    with contextlib.suppress(OSError):
        if mark.exists():  # absent when another start is removing the database, or a user keeps it
            for each in {*path.parent.iterdir()} - {mark, owner.file}:
                each.unlink()
            mark.unlink()
        owner.file.unlink()
    owner.release()
    with contextlib.suppress(OSError):
        if os.name == "nt":  # which does not delete an open file
            owner.file.unlink()
        path.parent.rmdir()


def clear_up() -> None:
    """Remove this user's temporary databases without an owner; files that cannot be removed stay."""
    with contextlib.suppress(OSError):
        with os.scandir(tempfile.gettempdir()) as entries:
            paths = [Path(entry.path, _NAME) for entry in entries if entry.name.startswith(_PREFIX)]
        for path in paths:
            _clear_up(path)


def _clear_up(path: Path) -> None:
    with contextlib.suppress(OSError, sqlite3.Error):
        owner = Owner(path)
        if _is_own(path.parent) and _mark_of(path).exists() and owner.take():
            # Checked again: another start may have removed it meanwhile, and another user replaced it.
            if _is_own(path.parent):
                remove(path, owner)
            owner.release()


def _is_own(folder: Path) -> bool:
    """Test for a real folder of this user: any user can create entries in the machine's temporary folder."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == getattr(os, "geteuid", lambda: 0)()


def _mark_of(path: Path) -> Path:
    return Path(f"{path}.temporary")
