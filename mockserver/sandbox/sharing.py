"""Waits where several processes share a store: each is notified of what happens in the others."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from mockserver.clock import monotonic
from mockserver.errors import ApiError, NotFound
from mockserver.journal import entries
from mockserver.sandbox.sandboxes import Sandboxes
from mockserver.sandbox.waiting import Check, Waiting
from mockserver.store.transactions import Notification, Peers, StoreUnavailable

_RENEWED_S = 20.0  # a watch lasts for a minute
_log = logging.getLogger("mockserver")


@contextlib.contextmanager
def _unless_unavailable() -> Iterator[None]:
    """Do without the block when the store does not answer: what it is about has happened."""
    try:
        yield
    except StoreUnavailable as error:
        _log.warning("Other processes were not notified of what happened here: %s", error.message)


class SharedWaiting(Waiting):
    """The waits of one of several processes.

    What happens in a watched sandbox comes as notifications in the order of commits, also to the process in which it
    happened. Those about entries are sent by their transactions. A sandbox that no process watches has none.
    """

    def __init__(self, threads: int, max_delayed: int, peers: Peers) -> None:
        super().__init__(threads, max_delayed)
        self._peers = peers
        self._watched: dict[str, float] = {}  # when
        self._marked = monotonic()

    def listen(self, sandboxes: Sandboxes) -> None:
        """Begin to receive the notifications of the other processes."""
        self._sandboxes = sandboxes
        self._peers.listen(self._handle, self._tick)

    def announce(self, sandbox: str, kind: str, content: Callable[[], dict[str, Any]]) -> None:
        """Notify the waits of the sandbox of an event, in all processes."""
        with _unless_unavailable():
            self._peers.notify(sandbox, {"kind": kind, "content": content()})

    def announce_entry(self, sandbox: str, entry: bytes, concluded: bool) -> None:
        """Do nothing: the transaction of the entry has sent a notification."""

    def release(self, sandbox: str) -> None:
        """End the sandbox's delays, in all processes those of requests that arrived until now."""
        super().release(sandbox)
        until = 0, 0
        with _unless_unavailable():
            with contextlib.suppress(NotFound), self._sandboxes.look(sandbox) as opened:
                until = opened.journal.number, opened.journal.next_id()
            self._peers.notify_others(sandbox, {"release": until})

    @contextlib.contextmanager
    def _waits(self, sandbox: str, gone: Check) -> Iterator[Any]:
        with super()._waits(sandbox, gone) as waits:
            self._watch(sandbox)
            yield waits

    def _watch(self, sandbox: str) -> None:
        """Have notifications sent, unless they are for a while yet."""
        if monotonic() - self._watched.get(sandbox, -_RENEWED_S) >= _RENEWED_S:
            self._peers.watch(sandbox)
            with self._lock:
                self._watched[sandbox] = monotonic()

    def _tick(self) -> None:
        """Renew the watches, and record what is in use for the other processes."""
        with _unless_unavailable():
            self._renew_watches()
            now = monotonic()
            used = {*self._sandboxes.used_since(self._marked), *list(self._waits_by_sandbox)}
            if used:
                self._peers.mark_used(sorted(used))
            self._marked = now

    def _renew_watches(self) -> None:
        """Renew the watches that are due, without the locks of their sandboxes: one that is kept would hold up all."""
        with self._lock:
            now = monotonic()
            here = {name for name, waits in self._waits_by_sandbox.items() if waits.watchers}
            due = {name for name, at in self._watched.items() if now - at >= _RENEWED_S}
            for name in due - here:
                del self._watched[name]
        if due & here:
            self._peers.renew_watches(sorted(due & here))
            with self._lock:
                self._watched |= dict.fromkeys(due & here, now)

    def _handle(self, sandbox: str, notification: Notification | None) -> None:
        if notification is None:
            self._missed()
        elif "release" in notification:
            self._release_until(sandbox, tuple(notification["release"]))
        elif "kind" in notification:
            super().announce(sandbox, notification["kind"], lambda: notification["content"])
        elif entry := self._entry(sandbox, notification):
            self._deliver(sandbox, lambda: entries.events(entry, notification["concluded"]))

    def _entry(self, sandbox: str, notification: Notification) -> dict[str, Any] | None:
        """The entry that a notification is about; for those who only check the journal, an empty one will do."""
        waits = self._waits_by_sandbox.get(sandbox)
        if waits is None or not waits.readers:
            return {"id": notification["entry"]}
        try:
            with self._sandboxes.look(sandbox) as opened:
                is_current = opened.journal.number == notification["journal"]
                return opened.journal.get(notification["entry"]) if is_current else None
        except ApiError:
            return None  # the sandbox is gone, or the database does not answer

    def _release_until(self, sandbox: str, until: tuple[int, ...]) -> None:
        """End the delays of requests that arrived before an entry, and those that a reset has made useless."""
        self._release([delay for delay in self._delays(sandbox) if delay.entry < until or delay.is_outdated()])

    def _missed(self) -> None:
        """Have every wait look again, and each watch renewed: notifications may be lost, and in a crash watches too."""
        with self._lock:
            self._watched = dict.fromkeys(self._watched, -_RENEWED_S)
        for sandbox in list(self._waits_by_sandbox):
            self._deliver(sandbox, tuple)
            self._release([delay for delay in self._delays(sandbox) if delay.is_outdated()])
