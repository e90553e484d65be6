"""Waits of requests, for time to pass or for an event in a sandbox. Requests wait nowhere else.

Waits use real time, independent of a sandbox's clock and of a user's freezegun. A reset of the sandbox ends its delays,
and the end of the server ends every wait. A sandbox without waits costs nothing. A delay holds no thread: one thread
ends all that are due.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mockserver.clock import monotonic
from mockserver.errors import ServiceUnavailable
from mockserver.journal import entries

if TYPE_CHECKING:
    from mockserver.sandbox.sandboxes import Sandboxes

MAX_ABANDONED = 2000  # delays whose clients have gone, besides those that have a place

_REST_S = 0.01  # between two checks of one waiter, times the number of waiters: at most 100 checks a second in all
_BACKLOG = 1000  # events kept for a slow reader; it misses older ones
_LOOK_S = 0.25  # between two looks if the client of a verification is still there

_log = logging.getLogger("mockserver")

Event = tuple[str, dict[str, Any]]
Check = Callable[[], bool]


def never() -> bool:
    """The check of a client that cannot go."""
    return False


class Released(ServiceUnavailable):
    """A delay was ended by a reset of its sandbox, or by the end of the server."""

    message = "The delayed request was released: its sandbox was reset or deleted, or the server stops"

    def __init__(self) -> None:
        super().__init__(limit="released")


@dataclass
class _SandboxWaits:
    """The waits for one sandbox."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    watchers: int = 0
    events: int = 0
    delays: set[Delay] = field(default_factory=set)
    readers: list[deque[Event]] = field(default_factory=list)


class _Places:
    """At most `limit` places for one kind of wait; `name` is that of the limit in `X-Mock-Limit`.

    Whoever has gone gives the place back as soon as somebody else needs it.
    """

    def __init__(self, name: str, limit: int, kind: str, reason: str) -> None:
        self._refusal = f"{limit} {kind} wait already, as many as {reason}"
        self._name = name
        self._limit = limit
        self._lock = threading.Lock()
        self._taken: dict[object, Check] = {}

    def take(self, place: object, gone: Check) -> None:
        """Take a place; ServiceUnavailable when none is free."""
        with self._lock:
            if len(self._taken) >= self._limit:
                self._taken = {other: has_gone for other, has_gone in self._taken.items() if not has_gone()}
            if self._limit <= len(self._taken):
                raise ServiceUnavailable(self._refusal, limit=self._name)
            self._taken[place] = gone

    def give_back(self, place: object) -> None:
        """Give a place back, unless somebody else has it already."""
        with self._lock:
            self._taken.pop(place, None)


class Delay:
    """A delay of one request, `entry` in its journal. Once it has ended, `released` tells if it ended early."""

    def __init__(self, waiting: Waiting, sandbox: str, end: float, outdated: Check, entry: tuple[int, int]) -> None:
        self.sandbox = sandbox
        self.end = end
        self.entry = entry
        self.ended = self.released = False
        self.resume: Callable[[], None] | None = None
        self._waiting = waiting
        self._outdated = outdated

    def is_outdated(self) -> bool:
        """Test if the sandbox was reset since the request arrived; a sandbox that cannot be read counts as reset."""
        try:
            return self._outdated()
        except Exception:  # nobody but `resume` can tell the request
            _log.exception("A delay ends early, because its sandbox cannot be read")
            return True

    def start(self, resume: Callable[[], None]) -> None:
        """Have `resume` called once when the delay has ended, in any thread, perhaps before this returns.

        `outdated` is called once, after the wait is registered, and tells if a release came before.
        """
        self._waiting.schedule(self, resume)
        if self.is_outdated():
            self._waiting.finish(self, released=True)

    def wait(self) -> None:
        """Block the calling thread until the delay has ended."""
        ended = threading.Event()
        self._waiting.before_wait()
        self.start(ended.set)
        ended.wait()


class Waiting:
    """All waits of a server with this number of threads, of which `max_delayed` may be delayed requests.

    Half of the threads may hold verifications and event streams: with two threads or more, waits never keep the control
    plane from answering. `before_wait` is called before each wait that blocks, in the thread that is about to.
    """

    def __init__(self, threads: int, max_delayed: int = 2000) -> None:
        self.before_wait: Callable[[], None] = lambda: None
        self._lock = threading.RLock()  # a signal handler may stop while its own thread stops
        self._waits_by_sandbox: dict[str, _SandboxWaits] = {}
        watchers = max(1, threads // 2)
        room = "--threads leaves room for"
        self._watchers = _Places("waits", watchers, "verifications and event streams", room)
        self._delayed = _Places("max-delayed", max_delayed, "delayed requests", "--max-delayed allows")
        self._most_delays = max_delayed + MAX_ABANDONED
        self._scheduled: list[tuple[float, int, Delay]] = []  # a heap
        self._numbers = itertools.count()
        self._earlier = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._end = threading.Event()

    def listen(self, sandboxes: Sandboxes) -> None:
        """Do nothing: no other process uses the sandboxes."""

    def delay(
        self,
        sandbox: str,
        seconds: float,
        outdated: Check = never,
        gone: Check = never,
        entry: tuple[int, int] = (0, 0),
    ) -> Delay:
        """A delay of a request, to be started; `gone` tells if its client has gone, and `outdated` as `Delay.start`.

        `entry` has the numbers of a journal and of the request's entry in it. Raises ServiceUnavailable when too many
        requests are delayed.
        """
        delay = Delay(self, sandbox, monotonic() + seconds, outdated, entry)
        self._delayed.take(delay, gone)
        with self._lock:
            if len(self._scheduled) >= self._most_delays:
                self._delayed.give_back(delay)
                raise ServiceUnavailable("Too many requests whose clients have gone are delayed", limit="max-delayed")
            self._waits_by_sandbox.setdefault(sandbox, _SandboxWaits()).delays.add(delay)
        return delay

    def schedule(self, delay: Delay, resume: Callable[[], None]) -> None:
        """Call `resume` when the delay is due, or when it is finished before."""
        with self._lock:
            delay.resume = resume
            ended = delay.ended
            if not ended:
                heapq.heappush(self._scheduled, (delay.end, next(self._numbers), delay))
                if self._scheduled[0][2] is delay:
                    self._wake()
        if ended:
            resume()
        elif self._end.is_set():
            self.finish(delay, released=True)

    def finish(self, delay: Delay, *, released: bool) -> None:
        """End a delay, which a second call does not."""
        with self._lock:
            if delay.ended:
                return
            delay.ended, delay.released = True, released
            self._delayed.give_back(delay)
            waits = self._waits_by_sandbox[delay.sandbox]
            waits.delays.discard(delay)
            self._forget(delay.sandbox, waits)
            resume, delay.resume = delay.resume, None
        if resume:
            resume()

    def until(self, sandbox: str, condition: Check, seconds: float, gone: Check = never) -> bool:
        """Check a condition now and after each event of the sandbox, until it holds, the time is up or the client gone.

        Returns True when it held. Raises ServiceUnavailable when too many requests wait.
        """
        end = monotonic() + seconds
        with self._waits(sandbox, gone) as waits:
            while True:
                events, looked = waits.events, monotonic()
                if condition():
                    return True
                happened = lambda: waits.events != events  # noqa: B023, E731 (called in this round only)
                while not self._wait(waits, happened, min(end, monotonic() + _LOOK_S)):
                    if monotonic() >= end or gone():
                        return False
                if self._end.is_set():
                    return False
                self._rest(waits, looked, end)

    @contextlib.contextmanager
    def reader(self, sandbox: str, gone: Check = never) -> Iterator[Callable[[float], Event | None]]:
        """A reader of the sandbox's future events.

        It takes a number of seconds and returns the next event, or None when none arrives in that time; it raises
        Released at the end of the server. Raises ServiceUnavailable when too many requests wait.
        """
        backlog: deque[Event] = deque(maxlen=_BACKLOG)
        with self._waits(sandbox, gone) as waits:
            waits.readers.append(backlog)
            try:
                yield lambda seconds: self._next(waits, backlog, seconds)
            finally:
                waits.readers.remove(backlog)

    def announce(self, sandbox: str, kind: str, content: Callable[[], dict[str, Any]]) -> None:
        """Notify the waits of the sandbox of an event; `content` is called only when there are readers."""
        self._deliver(sandbox, lambda: [(kind, content())])

    def announce_entry(self, sandbox: str, entry: bytes, concluded: bool) -> None:
        """Notify the waits of the sandbox of an entry in the journal, given as JSON (see `entries.events`)."""
        self._deliver(sandbox, lambda: entries.events(json.loads(entry), concluded))

    def _deliver(self, sandbox: str, events: Callable[[], Iterable[Event]]) -> None:
        waits = self._waits_by_sandbox.get(sandbox)
        if waits is None:
            return
        with waits.changed:
            waits.events += 1
            if waits.readers:
                found = list(events())
                for backlog in waits.readers:
                    backlog.extend(found)
            waits.changed.notify_all()

    def release(self, sandbox: str) -> None:
        """End the sandbox's delays."""
        self._release(self._delays(sandbox))

    def _delays(self, sandbox: str) -> list[Delay]:
        with self._lock:
            waits = self._waits_by_sandbox.get(sandbox)
            return list(waits.delays) if waits else []

    def is_awaited(self, sandbox: str) -> bool:
        """Test if a request waits in the sandbox."""
        return sandbox in self._waits_by_sandbox

    def stop(self) -> None:
        """End every wait, now and from now on."""
        self._end.set()
        with self._lock:
            all_waits = list(self._waits_by_sandbox.values())
            delays = [delay for waits in all_waits for delay in waits.delays]
            self._earlier.notify_all()
        self._release(delays)
        for waits in all_waits:
            with waits.changed:
                waits.changed.notify_all()

    def _release(self, delays: list[Delay]) -> None:
        for delay in delays:
            self.finish(delay, released=True)
        with self._lock:
            self._scheduled = [each for each in self._scheduled if not each[2].ended]
            heapq.heapify(self._scheduled)

    def _wake(self) -> None:
        """Tell the thread that ends delays of an earlier one; the first one starts it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._end_delays, name="mockserver-delays", daemon=True)
            self._thread.start()
        self._earlier.notify_all()

    def _end_delays(self) -> None:
        while not self._end.is_set():
            with self._earlier:
                due = []
                while self._scheduled and self._scheduled[0][0] <= monotonic():
                    due.append(heapq.heappop(self._scheduled)[2])
                if not due and not self._end.is_set():
                    self._earlier.wait(self._scheduled[0][0] - monotonic() if self._scheduled else None)
            for delay in due:
                self.finish(delay, released=False)

    def _next(self, waits: _SandboxWaits, backlog: deque[Event], seconds: float) -> Event | None:
        if not backlog:
            looked = monotonic()
            if not self._wait(waits, lambda: bool(backlog), looked + seconds):
                return None
            if not backlog:
                raise Released
            self._rest(waits, looked, looked + seconds)
        return backlog.popleft()

    def _wait(self, waits: _SandboxWaits, happened: Check, end: float) -> bool:
        """Wait until something has happened or the server ends; False when the time was up before."""
        with waits.changed:
            return waits.changed.wait_for(lambda: self._end.is_set() or happened(), end - monotonic())

    def _rest(self, waits: _SandboxWaits, looked: float, end: float) -> None:
        """Rest before the next check: in a busy sandbox, waits must not take processing time from requests."""
        rest = min(looked + waits.watchers * _REST_S, end) - monotonic()
        if rest > 0:
            self._end.wait(rest)

    @contextlib.contextmanager
    def _waits(self, sandbox: str, gone: Check) -> Iterator[_SandboxWaits]:
        """Hold a watcher's place and the sandbox's waits in the block; ServiceUnavailable when no place is free."""
        place = object()
        self._watchers.take(place, gone)
        try:
            self.before_wait()
            with self._lock:
                waits = self._waits_by_sandbox.setdefault(sandbox, _SandboxWaits())
                waits.watchers += 1
            try:
                yield waits
            finally:
                with self._lock:
                    waits.watchers -= 1
                    self._forget(sandbox, waits)
        finally:
            self._watchers.give_back(place)

    def _forget(self, sandbox: str, waits: _SandboxWaits) -> None:
        if not (waits.watchers or waits.delays):
            del self._waits_by_sandbox[sandbox]
