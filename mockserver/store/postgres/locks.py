"""The numbers of advisory locks: PostgreSQL has one space of them for each database."""

from __future__ import annotations

import hashlib


class Locks:
    """The locks of one schema; other schemas of the database have others."""

    def __init__(self, schema: str) -> None:
        self._schema = schema

    def key(self, name: str) -> int:
        """The lock of a sandbox, or of another name, which begins with a slash."""
        digest = hashlib.sha256(f"{self._schema}\n{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def of_run(self, run: str) -> int:
        """The lock that a process holds while it runs."""
        return self.key(f"/run/{run}")

    @property
    def channel(self) -> str:
        """The channel of the notifications."""
        return f"vambe_mock_{self.key('/notifications') % 2**64:016x}"
