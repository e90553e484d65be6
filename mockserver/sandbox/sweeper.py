"""Garbage collection in the background: deletes rows of worlds and journals without references."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from mockserver.errors import ApiError
from mockserver.store.models import WORLD_TABLES, Entry, JournalRow, Sandbox, Snapshot, Template, WorldRow
from mockserver.store.orm import Model
from mockserver.store.transactions import Store

_log = logging.getLogger("mockserver")
_BATCH = 100  # rows; also the maximum of worlds and of journals, each of which has a row itself
_BREATH_S = 0.005  # between two batches, for other writers

_USED_WORLDS = Sandbox.select(Sandbox.world) | Snapshot.select(Snapshot.world) | Template.select(Template.world)
_ORPHANED_WORLDS = WorldRow.select(WorldRow.id).where(WorldRow.id.not_in(_USED_WORLDS)).limit(_BATCH)
_ORPHANED_JOURNALS = (
    JournalRow.select(JournalRow.id).where(JournalRow.id.not_in(Sandbox.select(Sandbox.journal))).limit(_BATCH)
)


class Sweeper:
    """A thread that deletes orphaned rows on request; the first request starts it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def want(self) -> None:
        """Request a sweep."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="mockserver-sweeper", daemon=True)
                self._thread.start()
        self._wanted.set()

    def stop(self) -> None:
        """End the thread; orphaned rows that are left are found again at the next start."""
        self._stopped.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wanted.wait()
            self._wanted.clear()
            try:
                while not self._stopped.is_set() and sweep(self._store):
                    self._stopped.wait(_BREATH_S)
            except ApiError as error:  # the rest is found again by the next sweep
                _log.error("What was superseded is not cleared up: %s", error.message)
            except Exception:
                _log.exception("Clearing up failed")


def sweep(store: Store) -> bool:
    """Delete one batch of orphaned rows; True when there may be more.

    Orphaned worlds and journals are never referenced again, so they are searched without blocking writers.
    """
    with store.read() as transaction:
        worlds, journals = (
            [row["id"] for row in transaction.rows(query)] for query in (_ORPHANED_WORLDS, _ORPHANED_JOURNALS)
        )
    if not worlds and not journals:
        return False
    left = _BATCH
    with store.write("/sweeper") as transaction:
        for model, column, numbers in _tables(worlds, journals):
            if left and numbers:
                left -= transaction.statements.delete_some(model, column, numbers, left)
    return True


def _tables(worlds: list[int], journals: list[int]) -> Iterator[tuple[type[Model], str, list[int]]]:
    """The tables to delete from, each with a column and its values; a world or a journal comes after its rows."""
    yield from ((model, "world", worlds) for model in WORLD_TABLES)
    yield WorldRow, "id", worlds
    yield Entry, "journal", journals
    yield JournalRow, "id", journals
