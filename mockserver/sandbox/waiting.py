"""Waits of requests, for time to pass or for an event in a sandbox. Requests wait nowhere else.

Waits use real time, independent of a sandbox's clock and of a user's freezegun. A reset of the sandbox ends its delays,
and the end of the server ends every wait. A sandbox without waits costs nothing.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mockserver.clock import monotonic
from mockserver.errors import ServiceUnavailable

_REST_S = 0.01  # between two checks of one waiter, times the number of waiters: at most 100 checks a second in all
_BACKLOG = 1000  # events kept for a slow reader; it misses older ones

Event = tuple[str, dict[str, Any]]


class Released(ServiceUnavailable):
    """A delay was ended by a reset of its sandbox, or by the end of the server."""

    message = "The delayed request was released: its sandbox was reset or deleted, or the server stops"

    def __init__(self) -> None:
        super().__init__(limit="released")


@dataclass
class _SandboxWaits:
    """The waits for one sandbox."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    waiters: int = 0
    events: int = 0
    releases: int = 0
    readers: list[deque[Event]] = field(default_factory=list)


class _Places(NamedTuple):
    """At most `limit` places for one kind of wait; `name` is that of the limit in `X-Mock-Limit`."""

    name: str
    limit: int
    kind: str
    free: threading.Semaphore


class Waiting:
    """All waits of a server with this number of threads.

    Half of the threads may hold verifications and event streams, and half but one delayed requests: with two threads
    or more, waits never keep the control plane from answering. `before_wait` is called before each wait, in the thread
    that is about to block.
    """

    def __init__(self, threads: int) -> None:
        self.before_wait: Callable[[], None] = lambda: None
        self._lock = threading.RLock()  # a signal handler may stop while its own thread stops
        self._waits_by_sandbox: dict[str, _SandboxWaits] = {}
        watchers, delayed = max(1, threads // 2), max(1, threads - threads // 2 - 1)
        self._watchers = _Places("waits", watchers, "verifications and event streams", threading.Semaphore(watchers))
        self._delayed = _Places("max-delayed", delayed, "delayed requests", threading.Semaphore(delayed))
        self._end = threading.Event()

    def pause(self, sandbox: str, seconds: float, outdated: Callable[[], bool]) -> None:
        """Wait for `seconds`; raises Released when the wait is ended early.

        `outdated` is called once, after the wait is registered, and tells if a release came before.
        Raises ServiceUnavailable when too many requests are delayed.
        """
        end = monotonic() + seconds
        with self._waits(sandbox, self._delayed) as waits:
            releases = waits.releases
            if outdated() or self._wait(waits, lambda: waits.releases != releases, end):
                raise Released

    def until(self, sandbox: str, condition: Callable[[], bool], seconds: float) -> bool:
        """Check a condition now and after each event of the sandbox, until it holds or the time is up.

        Returns True when it held. Raises ServiceUnavailable when too many requests wait.
        """
        end = monotonic() + seconds
        with self._waits(sandbox, self._watchers) as waits:
            while True:
                events, looked = waits.events, monotonic()
                if condition():
                    return True
                changed = self._wait(waits, lambda: waits.events != events, end)  # noqa: B023 (called in this round only)
                if not changed or self._end.is_set():
                    return False
                self._rest(waits, looked, end)

    @contextlib.contextmanager
    def reader(self, sandbox: str) -> Iterator[Callable[[float], Event | None]]:
        """A reader of the sandbox's future events.

        It takes a number of seconds and returns the next event, or None when none arrives in that time; it raises
        Released at the end of the server. Raises ServiceUnavailable when too many requests wait.
        """
        backlog: deque[Event] = deque(maxlen=_BACKLOG)
        with self._waits(sandbox, self._watchers) as waits:
            waits.readers.append(backlog)
            try:
                yield lambda seconds: self._next(waits, backlog, seconds)
            finally:
                waits.readers.remove(backlog)

    def announce(self, sandbox: str, kind: str, content: Callable[[], dict[str, Any]]) -> None:
        """Notify the waits of the sandbox of an event; `content` is called only when there are readers."""
        waits = self._waits_by_sandbox.get(sandbox)
        if waits is None:
            return
        with waits.changed:
            waits.events += 1
            if waits.readers:
                event = (kind, content())
                for backlog in waits.readers:
                    backlog.append(event)
            waits.changed.notify_all()

    def release(self, sandbox: str) -> None:
        """End the sandbox's delays."""
        waits = self._waits_by_sandbox.get(sandbox)
        if waits is not None:
            with waits.changed:
                waits.releases += 1
                waits.changed.notify_all()

    def is_awaited(self, sandbox: str) -> bool:
        """Test if a request waits in the sandbox."""
        return sandbox in self._waits_by_sandbox

    def stop(self) -> None:
        """End every wait, now and from now on."""
        self._end.set()
        with self._lock:
            all_waits = list(self._waits_by_sandbox.values())
        for waits in all_waits:
            with waits.changed:
                waits.changed.notify_all()

    def _next(self, waits: _SandboxWaits, backlog: deque[Event], seconds: float) -> Event | None:
        if not backlog:
            looked = monotonic()
            if not self._wait(waits, lambda: bool(backlog), looked + seconds):
                return None
            if not backlog:
                raise Released
            self._rest(waits, looked, looked + seconds)
        return backlog.popleft()

    def _wait(self, waits: _SandboxWaits, happened: Callable[[], bool], end: float) -> bool:
        """Wait until something has happened or the server ends; False when the time was up before."""
        with waits.changed:
            return waits.changed.wait_for(lambda: self._end.is_set() or happened(), end - monotonic())

    def _rest(self, waits: _SandboxWaits, looked: float, end: float) -> None:
        """Rest before the next check: in a busy sandbox, waits must not take processing time from requests."""
        rest = min(looked + waits.waiters * _REST_S, end) - monotonic()
        if rest > 0:
            self._end.wait(rest)

    @contextlib.contextmanager
    def _waits(self, sandbox: str, places: _Places) -> Iterator[_SandboxWaits]:
        """Hold a place and the sandbox's waits during the block; ServiceUnavailable when no place is free."""
        if not places.free.acquire(blocking=False):
            message = f"{places.limit} {places.kind} wait already, as many as --threads leaves room for"
            raise ServiceUnavailable(message, limit=places.name)
        with contextlib.ExitStack() as ending:
            ending.callback(places.free.release)
            self.before_wait()
            with self._lock:
                waits = self._waits_by_sandbox.setdefault(sandbox, _SandboxWaits())
                waits.waiters += 1
            ending.callback(self._left, sandbox, waits)
            yield waits

    def _left(self, sandbox: str, waits: _SandboxWaits) -> None:
        with self._lock:
            waits.waiters -= 1
            if not waits.waiters:
                del self._waits_by_sandbox[sandbox]
