"""Who may open a database: one process, which holds SQLite's own lock on a file beside it until it ends."""

from __future__ import annotations

import sqlite3
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
