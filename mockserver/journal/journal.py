"""The journal: every request of the imitated API and its answer, in the order of their effects.

A ring: the newest entries are kept, up to a number and a size; what went is counted. An entry is written in the
transaction of its request, so it is there exactly when the effects are. It carries the journal's counters as they are
after it, so nothing else is written for a request, and nothing is counted at a start. Entries that made room are out of
sight at once and deleted later, many at a time. The entry of a request that waits is written twice: when it arrives,
and in the transaction that ends its wait.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from mockserver.fidelity.explain import Explanations
from mockserver.formats import json as wire_json
from mockserver.formats.json import Document
from mockserver.journal import entries
from mockserver.journal.entries import Outcome
from mockserver.journal.messages import Received
from mockserver.store.models import Entry, JournalRow
from mockserver.store.orm import Query
from mockserver.store.transactions import Transaction

MAX_BYTES = 16 * 1024 * 1024
SAME_TASK_MS = 2000

_TRIMMED_EVERY = 64  # entries
_MAX_UNTRIMMED = 256 * 1024  # bytes: what an entry pushes out beyond that is deleted with it

# The counters of a journal, which its newest entry carries.
COUNTERS = (Entry.id, Entry.kept, Entry.kept_bytes, Entry.dropped, Entry.last_created, Entry.last_created_ms)


class Journal:
    """A sandbox's journal inside a transaction, how many entries it keeps, and how it explains them.

    `columns` are its own; the `COUNTERS` of its newest entry overrule them, which are None where it has none. Like a
    world, the same object may serve the writer's transactions one after the other.
    """

    def __init__(
        self,
        transaction: Transaction,
        columns: Document,
        counters: Sequence[Any],
        limit: int,
        explain: Explanations,
    ) -> None:
        self.limit = limit
        self._explain = explain
        self.number = int(columns["id"])
        self._transaction = transaction
        self._next_id = int(columns["next_entry"])
        self._kept = self._kept_bytes = self._dropped = 0
        self._last_created: tuple[str, int] = (columns["last_created"], columns["last_created_ms"])
        self._oldest_sizes: deque[int] = deque()  # of the oldest entries, as far as they are known
        id, *others = counters
        if id is not None:
            self._kept, self._kept_bytes, self._dropped, *last_created = others
            self._next_id, self._last_created = id + 1, (last_created[0], last_created[1])

    def next_id(self) -> int:
        """The id that the next entry will have."""
        return self._next_id

    @property
    def version(self) -> tuple[int, ...]:
        """A value that changes with each entry that is written, also for the second time: it is longer then."""
        return self.number, self._next_id, self._kept, self._kept_bytes

    def id_of(self, pending: int | None) -> int:
        """The id to record a request under: that of its pending entry, unless the journal was cleared since."""
        return self._next_id if pending is None or pending < self._oldest - self._dropped else pending

    def record(self, received: Received, outcome: Outcome, body: Any, started: float, secrets: Sequence[str]) -> None:
        """Write the entry of a request under its `id_of`, and leave it in the outcome (see `entries.build`)."""
        outcome.id, outcome.journal = self.id_of(outcome.id), self.number
        created = [each for each in outcome.changes if each["before"] is None and each["resource"] == "task"]
        if created and outcome.repeats is None:
            outcome.repeats = self._created_again(outcome)
        outcome.entry = entries.build(received, outcome, body, started, secrets, self._explain)
        if outcome.id == self._next_id:
            self.append(outcome.entry)
        else:
            self._rewrite(outcome.id, outcome.entry)

    def _created_again(self, outcome: Outcome) -> bool:
        """Test if a task like this was the last to be created, two seconds ago or less; it is from now on.

        A reset, a restore or a new state begins another world, in which nothing is repeated yet.
        """
        last, last_ms = self._last_created
        now_ms = outcome.arrived_ms
        digest = hashlib.sha256(wire_json.encode([outcome.world, outcome.said.body])).hexdigest()
        self._last_created = digest, now_ms
        return last == digest and 0 <= now_ms - last_ms <= SAME_TASK_MS

    def append(self, encoded: bytes) -> None:
        """Write an entry, whose id is `next_id()`, as JSON; the oldest ones make room."""
        size = len(encoded)
        pushed_out = self._make_room(size)
        row = self.number, self._next_id, size, *self._counters().values(), encoded.decode()
        self._transaction.statements.append(Entry, row)
        self._next_id += 1
        if pushed_out > _MAX_UNTRIMMED or self._next_id % _TRIMMED_EVERY == 0:
            self._trim(self._oldest)

    def _rewrite(self, id: int, encoded: bytes) -> None:
        """Replace an entry that is kept and waits; the oldest ones make room for what it is longer.

        It does not wait any more if its end was committed before the connection to the database broke.
        """
        stored = self._stored(id)
        if stored is None or not entries.waits(json.loads(stored["document"])):
            return
        key = {name: stored[name] for name in ("journal", "id")}
        self._transaction.statements.update(Entry, {"size": len(encoded), "document": encoded.decode()}, key)
        self._kept_bytes += len(encoded) - stored["size"]
        self._oldest_sizes.clear()
        while self._kept > 1 and self._kept_bytes > MAX_BYTES:
            self._drop_oldest()
        self._trim(self._oldest)
        self._transaction.statements.update(Entry, self._counters(), key | {"id": self._next_id - 1})

    def _counters(self) -> Document:
        """The columns of the newest entry that are the journal's."""
        last_created, last_created_ms = self._last_created
        return {
            "kept": self._kept,
            "kept_bytes": self._kept_bytes,
            "dropped": self._dropped,
            "last_created": last_created,
            "last_created_ms": last_created_ms,
        }

    def entries(self, since: int = 0) -> Iterator[Document]:
        """The entries after the one with id `since`, oldest first: fetched at once, decoded one by one."""
        return map(entries.shown, self.evidence(since))

    def evidence(self, since: int = 0) -> Iterator[Document]:
        """As `entries`, for patterns: with request bodies that `entries.shown` leaves out."""
        found = self._run("documents", _documents, max(since + 1, self._oldest)).fetchall()
        running = self._transaction.running()
        return (entries.stored(text, running) for (text,) in found)

    def get(self, id: int) -> Document | None:
        """The entry with that id, or None."""
        stored = self._stored(id)
        return entries.shown(entries.stored(stored["document"], self._transaction.running())) if stored else None

    def _stored(self, id: int) -> Document | None:
        """The row of an entry that is kept, or None."""
        if id < self._oldest:
            return None
        found = self._transaction.statements.select(Entry, {"journal": self.number, "id": id})
        return found[0] if found else None

    def dropped(self, since: int = 0) -> int:
        """The number of entries after the one with id `since` that were dropped to make room for newer ones."""
        return max(0, min(self._dropped, self._oldest - 1 - since))

    def clear(self) -> None:
        """Remove every entry; ids go on."""
        self._trim(self._next_id)
        self._kept = self._kept_bytes = self._dropped = 0
        self._oldest_sizes.clear()
        last_created, last_created_ms = self._last_created
        columns = {
            "next_entry": self._next_id,
            "last_created": last_created,
            "last_created_ms": last_created_ms,
        }
        self._transaction.statements.update(JournalRow, columns, {"id": self.number})

    @property
    def _oldest(self) -> int:
        """The id of the oldest entry that is kept, or of the next one where there is none."""
        return self._next_id - self._kept

    def _make_room(self, size: int) -> int:
        """Count an entry of that size before it is written: how many bytes it pushes out."""
        before = self._kept_bytes
        while self._kept >= self.limit or (self._kept and self._kept_bytes + size > MAX_BYTES):
            self._drop_oldest()
        pushed_out = before - self._kept_bytes
        self._kept += 1
        self._kept_bytes += size
        return pushed_out

    def _drop_oldest(self) -> None:
        if not self._oldest_sizes:
            self._oldest_sizes.extend(size for (size,) in self._run("sizes", _sizes, self._oldest, _TRIMMED_EVERY))
        self._kept_bytes -= self._oldest_sizes.popleft()
        self._kept -= 1
        self._dropped += 1

    def _run(self, key: str, build: Any, *values: int) -> Any:
        """Run a statement about this journal's entries."""
        given = (self.number, *values)
        return self._transaction.statements.run((Entry, key), lambda: build(*given), given)

    def _trim(self, first: int) -> None:
        """Delete the entries before one."""
        given = self.number, first
        self._transaction.statements.execute((Entry, "trim"), lambda: _before(*given), given)


def create_journal(transaction: Transaction) -> int:
    """The number of a new, empty journal."""
    return transaction.statements.insert_numbered(JournalRow, {})


def _documents(journal: int, first: int) -> Query:
    return Entry.select(Entry.document).where(Entry.journal == journal, Entry.id >= first).order_by(Entry.id)


def _sizes(journal: int, first: int, count: int) -> Query:
    return Entry.select(Entry.size).where(Entry.journal == journal, Entry.id >= first).order_by(Entry.id).limit(count)


def _before(journal: int, first: int) -> Query:
    """The deletion of the entries before one."""
    return Entry.delete().where(Entry.journal == journal, Entry.id < first)
