"""The journal: every request of the imitated API and its answer, in the order of their effects.

A ring: the newest entries are kept, up to a number and a size; what went is counted. An entry is written in the
transaction of its request, so it is there exactly when the effects are.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from mockserver import wire
from mockserver.store.database import Transaction
from mockserver.store.models import Entry
from mockserver.store.models import Journal as JournalTable

MAX_BYTES = 16 * 1024 * 1024
SAME_TASK_MS = 2000

Document = dict[str, Any]


class Journal(NamedTuple):
    """A sandbox's journal inside a transaction: its own columns, and how many entries it keeps."""

    transaction: Transaction
    columns: Document
    limit: int

    @property
    def number(self) -> int:
        """What its entries are keyed by."""
        return int(self.columns["id"])

    def next_id(self) -> int:
        """The id that the next entry will have."""
        return int(self.columns["next_entry"])

    def append(self, encoded: bytes) -> None:
        """Write an entry, whose id is `next_id()`, as JSON; the oldest ones make room."""
        row = self.columns
        columns = {"journal": self.number, "id": row["next_entry"], "size": len(encoded), "document": encoded.decode()}
        self.transaction.statements.insert(Entry, columns)
        row["next_entry"] += 1
        row["kept"] += 1
        row["kept_bytes"] += len(encoded)
        self._make_room(row)
        self._save()

    def created_again(self, body: Any, now_ms: int) -> bool:
        """Whether a task with this body was the last to be created, two seconds ago or less.

        It is from now on, which is kept with the next entry.
        """
        row = self.columns
        digest = hashlib.sha256(wire.encode(body)).hexdigest()
        again: bool = row["last_created"] == digest and 0 <= now_ms - row["last_created_ms"] <= SAME_TASK_MS
        row |= {"last_created": digest, "last_created_ms": now_ms}
        return again

    def entries(self, since: int = 0) -> list[Document]:
        """The entries after the one with id `since`, oldest first."""
        query = Entry.select(Entry.document).where(Entry.journal == self.number, Entry.id > since)
        return [json.loads(row["document"]) for row in self.transaction.rows(query.order_by(Entry.id))]

    def get(self, id: int) -> Document | None:
        """The entry with that id, or None."""
        found = self.transaction.statements.select(Entry, {"journal": self.number, "id": id})
        return json.loads(found[0]["document"]) if found else None

    def dropped(self) -> int:
        """How many entries made room for newer ones."""
        return int(self.columns["dropped"])

    def clear(self) -> None:
        """Remove every entry; ids go on."""
        self.transaction.run(Entry.delete().where(Entry.journal == self.number))
        row = self.columns
        row |= {"kept": 0, "kept_bytes": 0, "dropped": 0}
        self._save()

    def _save(self) -> None:
        values = {name: value for name, value in self.columns.items() if name != "id"}
        self.transaction.statements.update(JournalTable, values, {"id": self.number})

    def _make_room(self, row: Document) -> None:
        while row["kept"] > self.limit or (row["kept_bytes"] > MAX_BYTES and row["kept"] > 1):
            oldest = {"journal": self.number, "id": row["next_entry"] - row["kept"]}
            row["kept"] -= 1
            row["kept_bytes"] -= self.transaction.statements.value(Entry, "size", oldest)
            self.transaction.statements.delete(Entry, oldest)
            row["dropped"] += 1


def create(transaction: Transaction) -> int:
    """The number of a new, empty journal."""
    return int(transaction.statements.insert(JournalTable, {}))
