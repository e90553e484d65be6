"""Database files: whose they are, and which process owns one."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

from mockserver.store.models import APPLICATION_ID, SCHEMA_VERSION
from mockserver.store.transactions import UnusableDatabase

_BUSY = "database is locked"  # Python 3.10 does not expose the codes


def own(path: Path) -> sqlite3.Connection:
    """Take the lock of the database at `path`, on a file beside it; closing the connection releases it.

    The lock ends with the process, however that ends, and a child does not inherit it
    (https://www.sqlite.org/lockingv3.html). A journal in memory creates no further file. Raises UnusableDatabase.
    """
    file = Path(f"{path}.lock")
    try:
        if not _is_file(file):  # opening and closing it would drop a lock that this process holds on it
            file.touch()
        connection = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
    except OSError as error:
        raise UnusableDatabase(f"{path}: {error.strerror or error}") from None
    except sqlite3.Error as error:
        raise UnusableDatabase(f"{file}: {error}") from None
    try:
        connection.execute("PRAGMA journal_mode = memory")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        connection.close()
        raise UnusableDatabase(reason(path, file, error)) from None
    return connection


def claim(path: Path) -> None:
    """Mark a new file as this project's in its header, before the write-ahead log is on, which may hold the change.

    The lock of `own` goes by the name. A connection in exclusive mode locks the file itself, so this one fails where a
    store of another process has the file open under another name.
    """
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
        connection.executescript("PRAGMA locking_mode = exclusive; BEGIN EXCLUSIVE; COMMIT")
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            connection.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT"
            )


def check(path: Path) -> None:
    """Refuse a file of another program or version. Reads only the header: SQLite would leave files beside it."""
    try:
        if not _is_file(path):
            _check_folder(path)
            return
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise UnusableDatabase(f"{path}: {error.strerror}") from None
    if not header:
        return
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise UnusableDatabase(f"{path} is not a database")
    version, application = (int.from_bytes(header[at : at + 4], "big") for at in (60, 68))
    if application != APPLICATION_ID:
        raise UnusableDatabase(f"{path} is the database of another program")
    if version != SCHEMA_VERSION:
        raise UnusableDatabase(
            f"{path} has schema version {version}; this version of vambe-mock reads {SCHEMA_VERSION} only: "
            "delete it or choose another --database; the version that made it exports what it holds, by "
            "GET /__admin/state?sandbox=NAME"
        )


def _is_file(path: Path) -> bool:
    """Test if a file is there; UnusableDatabase for one that could not be read, or that others have by other names."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        raise UnusableDatabase(f"{path} is not a regular file")
    if found.st_nlink > 1:
        raise UnusableDatabase(
            f"{path} has {found.st_nlink} names (hard links), and SQLite keeps a write-ahead log by each: copy it"
        )
    return True


def reason(path: Path, file: Path, error: BaseException) -> str:
    """The reason why the database at `path` cannot be opened, after an error with it or the file of its lock."""
    return f"{path} is in use by another vambe-mock" if str(error) == _BUSY else f"{file}: {error}"


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise UnusableDatabase(f"{path}: the folder {path.parent} does not exist")
