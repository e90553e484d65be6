"""Clearing up, off the path of requests: the rows of worlds and journals that nothing points at any more."""

from __future__ import annotations

import logging
import threading

from mockserver.store.database import Store, Transaction
from mockserver.store.models import WORLD_TABLES, Entry, Journal, Responsible, Sandbox, Snapshot, Template, World

_log = logging.getLogger("mockserver")
_BATCH = 300
_BREATH_S = 0.005  # between two batches others may write


class Sweeper:
    """A thread that clears up when it is told that there is something; it starts when it is first told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def want(self) -> None:
        """There may be something to clear up."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="mockserver-sweeper", daemon=True)
                self._thread.start()
        self._wanted.set()

    def stop(self) -> None:
        """End the thread; what it has not done is found again at the next start."""
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
            except Exception:  # a full disk, say: what is left is found again when more is superseded
                _log.exception("Clearing up failed")


def sweep(store: Store) -> bool:
    """Clear up one batch; whether there may be more."""
    with store.write() as transaction:
        return _sweep_world(transaction) or _sweep_journal(transaction)


def _sweep_world(transaction: Transaction) -> bool:
    used = Sandbox.select(Sandbox.world) | Snapshot.select(Snapshot.world) | Template.select(Template.world)
    orphans = transaction.rows(World.select(World.id).where(World.id.not_in(used)).limit(1))
    if not orphans:
        return False
    number = orphans[0]["id"]
    for model in WORLD_TABLES:
        key = Responsible.task_id if model is Responsible else model._meta.fields["id"]
        some = model.select(key).where(model.world == number).limit(_BATCH)
        if transaction.run(model.delete().where(model.world == number, key.in_(some))):
            return True
    transaction.statements.delete(World, {"id": number})
    return True


def _sweep_journal(transaction: Transaction) -> bool:
    orphans = transaction.rows(
        Journal.select(Journal.id).where(Journal.id.not_in(Sandbox.select(Sandbox.journal))).limit(1)
    )
    if not orphans:
        return False
    number = orphans[0]["id"]
    some = Entry.select(Entry.id).where(Entry.journal == number).limit(_BATCH)
    if not transaction.run(Entry.delete().where(Entry.journal == number, Entry.id.in_(some))):
        transaction.statements.delete(Journal, {"id": number})
    return True
