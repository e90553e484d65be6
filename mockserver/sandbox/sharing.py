"""Waits where several processes share a store: each hears what happens in the others."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from mockserver.clock import monotonic
from mockserver.errors import ApiError, NotFound
from mockserver.sandbox.sandboxes import Sandboxes
from mockserver.sandbox.waiting import Check, Waiting
from mockserver.store.transactions import Neighbours, News, StoreUnavailable

_RENEWED_S = 20.0  # a watch lasts for a minute
_log = logging.getLogger("mockserver")


@contextlib.contextmanager
def _unless_unavailable() -> Iterator[None]:
    """Do without the block when the store does not answer: what it is about has happened."""
    try:
        yield
    except StoreUnavailable as error:
        _log.warning("Other processes were not told what happened here: %s", error.message)


class SharedWaiting(Waiting):
    """The waits of one of several processes.

    What happens in a watched sandbox comes as notes in the order of commits, to the process in which it happened too.
    The notes about entries are sent by their transactions. Nobody sends a note about a sandbox that no process watches.
    """

    def __init__(self, threads: int, max_delayed: int, neighbours: Neighbours) -> None:
        super().__init__(threads, max_delayed)
        self._neighbours = neighbours
        self._watched: dict[str, float] = {}  # when
        self._marked = monotonic()

    def hear(self, sandboxes: Sandboxes) -> None:
        """Begin to hear of the other processes."""
        self._sandboxes = sandboxes
        self._neighbours.listen(self._hear, self._tick)

    def announce(self, sandbox: str, kind: str, content: Callable[[], dict[str, Any]]) -> None:
        """Notify the waits of the sandbox of an event, in all processes."""
        with _unless_unavailable():
            self._neighbours.tell(sandbox, {"kind": kind, "content": content()})

    def announce_entry(self, sandbox: str, entry: Callable[[], dict[str, Any]], concluded: bool) -> None:
        """Do nothing: the transaction of the entry has sent a note."""

    def release(self, sandbox: str) -> None:
        """End the sandbox's delays, in all processes those of requests that arrived until now."""
        super().release(sandbox)
        until = 0, 0
        with _unless_unavailable():
            with contextlib.suppress(NotFound), self._sandboxes.look(sandbox) as opened:
                until = opened.journal.number, opened.journal.next_id()
            self._neighbours.tell_others(sandbox, {"release": until})

    @contextlib.contextmanager
    def _waits(self, sandbox: str, gone: Check) -> Iterator[Any]:
        with super()._waits(sandbox, gone) as waits:
            self._watch(sandbox)
            yield waits

    def _watch(self, sandbox: str) -> None:
        """Have notes sent, unless they are for a while yet."""
        if monotonic() - self._watched.get(sandbox, -_RENEWED_S) >= _RENEWED_S:
            self._neighbours.watch(sandbox)
            self._watched[sandbox] = monotonic()

    def _tick(self) -> None:
        """Renew the watches, and tell the other processes what is in use."""
        with _unless_unavailable():
            for sandbox in self._watched_here():
                self._watch(sandbox)
            now = monotonic()
            used = {*self._sandboxes.used_since(self._marked), *list(self._waits_by_sandbox)}
            if used:
                self._neighbours.mark_used(sorted(used))
            self._marked = now

    def _watched_here(self) -> list[str]:
        now = monotonic()
        here = [name for name, waits in list(self._waits_by_sandbox.items()) if waits.watchers]
        self._watched = {name: at for name, at in self._watched.items() if name in here or now - at < _RENEWED_S}
        return here

    def _hear(self, sandbox: str, note: News | None) -> None:
        if note is None:
            self._missed()
        elif "release" in note:
            self._release_until(sandbox, tuple(note["release"]))
        elif "kind" in note:
            super().announce(sandbox, note["kind"], lambda: note["content"])
        elif entry := self._entry(sandbox, note):
            super().announce_entry(sandbox, lambda: entry, note["concluded"])

    def _entry(self, sandbox: str, note: News) -> dict[str, Any] | None:
        """The entry that a note is about; for those who only check the journal, an empty one will do."""
        waits = self._waits_by_sandbox.get(sandbox)
        if waits is None or not waits.readers:
            return {"id": note["entry"]}
        try:
            with self._sandboxes.look(sandbox) as opened:
                return opened.journal.get(note["entry"]) if opened.journal.number == note["journal"] else None
        except ApiError:
            return None  # the sandbox is gone, or the database does not answer

    def _release_until(self, sandbox: str, until: tuple[int, ...]) -> None:
        """End the delays of requests that arrived before an entry, and those that a reset has made useless."""
        self._release([delay for delay in self._delays(sandbox) if delay.entry < until or delay.is_outdated()])

    def _missed(self) -> None:
        """Have every wait look again, after notes may have been lost."""
        for sandbox in list(self._waits_by_sandbox):
            self._deliver(sandbox, tuple)
            self._release([delay for delay in self._delays(sandbox) if delay.is_outdated()])
