"""Temporary databases: each in a folder of its own, which goes when it is closed.

A killed owner leaves its folder behind, and the next start of any mock clears it up. An owner marks a database as
temporary once its lock is held. So what bears the mark while its lock is free has no owner any more, and neither a
folder that a start is just making nor a database that somebody keeps is ever taken for one left behind.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import tempfile
from pathlib import Path

_BUSY = "database is locked"  # Python 3.10 has no codes


class Owner:
    """The right to open the database at `path`; `file` is what is locked for it."""

    def __init__(self, path: Path) -> None:
        self.file = Path(f"{path}.lock")
        self._connection: sqlite3.Connection | None = None

    def take(self) -> bool:
        """Whether it is ours now: false where another has it. Raises OSError, or sqlite3.Error where `file` is foreign.

        The lock goes with the process, however that ends, and a child does not have it
        (https://www.sqlite.org/lockingv3.html). A journal in memory leaves no other file there.
        """
        if not self.file.exists():  # one that a lock of this process is on must not be opened and closed besides
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
        """Give it back, if it is ours."""
        if self._connection:
            self._connection.close()
            self._connection = None


_PREFIX = "vambe-mock-"
_NAME = "world.db"


def new_path() -> Path:
    """Where a new temporary database may be, in a folder of its own. Raises OSError."""
    return Path(tempfile.mkdtemp(prefix=_PREFIX), _NAME)


def mark(path: Path, temporary: bool) -> None:
    """Mark a database, which one owns, as temporary, or as kept from now on. Raises OSError."""
    if temporary:
        _mark_of(path).touch()
    else:
        _mark_of(path).unlink(missing_ok=True)


def remove(path: Path, owner: Owner) -> None:
    """Remove a temporary database and give it back; what cannot be removed stays."""
    mark = _mark_of(path)
    with contextlib.suppress(OSError):
        if mark.exists():  # what another start is removing bears it no more, nor does what somebody keeps
            for each in {*path.parent.iterdir()} - {mark, owner.file}:
                each.unlink()
            mark.unlink()
        owner.file.unlink()
    owner.release()
    with contextlib.suppress(OSError):
        if os.name == "nt":  # which keeps a file that is open
            owner.file.unlink()
        path.parent.rmdir()


def clear_up() -> None:
    """Remove this user's temporary databases that have no owner any more; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        with os.scandir(tempfile.gettempdir()) as entries:
            paths = [Path(entry.path, _NAME) for entry in entries if entry.name.startswith(_PREFIX)]
        for path in paths:
            _clear_up(path)


def _clear_up(path: Path) -> None:
    with contextlib.suppress(OSError, sqlite3.Error):
        owner = Owner(path)
        if _is_own(path.parent) and _mark_of(path).exists() and owner.take():
            # Looked at again: another start may have removed it meanwhile, and somebody else put something there.
            if _is_own(path.parent):
                remove(path, owner)
            owner.release()


def _is_own(folder: Path) -> bool:
    """Whether it is a real folder, and this user's: anybody may put anything where a machine's temporary files are."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == getattr(os, "geteuid", lambda: 0)()


def _mark_of(path: Path) -> Path:
    return Path(f"{path}.temporary")
