"""Who waits for what comes, and who answers it: one thread does both, until it is kept.

One thread at a time leads: it waits for requests and answers them itself, since handing each to another thread, and
its answer back, costs as much as making it. A leader that is long at one answer, or is going to wait, loses the lead to
another thread: nobody waits for a slow request, and as many as there are threads are worked on at once. Who lost it
goes on answering only while all others are kept, since two that answer get in each other's way.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from mockserver.clock import monotonic
from mockserver.server.workers import Serviceable, Workers

_PATIENCE = 0.01  # seconds that an answer may take before another thread leads; it does after twice that at the latest
_NOBODY = 0


class LeaderFollowers:
    """The threads that wait for requests and answer them, so many of these at once.

    `turn` waits once for what comes, sees to it, and says whether to go on; what there is to answer comes by `add`.
    """

    def __init__(self, threads: int, turn: Callable[[], bool]) -> None:
        self._turn = turn
        self._threads = threads
        self._workers = Workers(threads + 1)
        self._ready: deque[Serviceable] = deque()
        self._places = threading.Lock()
        self._busy = 0
        self._leader = _NOBODY  # a thread's ident
        self._answering_since: float | None = None  # the leader; while it waits for what comes it keeps the lead
        self._stirred = threading.Event()
        self._ended = threading.Event()

    def run(self, tick: float) -> None:
        """Have threads lead until there is no further turn.

        The calling thread answers nothing: it sees to it that who leads is not kept, and every `tick` seconds it can be
        interrupted, on whatever system.
        """
        self._workers.add_task(self)
        while not self._ended.is_set():
            if self._stirred.wait(tick):
                self._stirred.clear()
                self._ended.wait(_PATIENCE)
                self._relieve(_PATIENCE)

    def service(self) -> None:
        """Lead, until another thread does or there is no further turn."""
        me = self._leader = threading.get_ident()
        try:
            self._answer(me)
            while self._leader == me:
                if not self._turn():
                    self._end()
                    return
                self._answer(me)
        except BaseException:
            self._end()
            raise

    def add(self, task: Serviceable) -> None:
        """Something to answer, for the thread that leads or one that answers already."""
        self._ready.append(task)

    def is_mine(self) -> bool:
        """Whether the calling thread leads."""
        return self._leader == threading.get_ident()

    def step_aside(self) -> None:
        """Have another thread lead, when it is the calling one that does: it is going to wait."""
        if self.is_mine():
            self._relieve(0)

    def stop(self, deadline: float) -> None:
        """End the threads and wait for them until `deadline` (as of `clock.monotonic`)."""
        self._workers.stop(deadline)

    def _answer(self, me: int) -> None:
        """Answer what is ready, unless as many threads as there may be do so: one of them will come to it."""
        needed = True
        while needed and (task := self._take(me)) is not None:
            try:
                task.service()
            finally:
                needed = self._put_back(me)

    def _take(self, me: int) -> Serviceable | None:
        with self._places:
            if not self._ready or self._busy >= self._threads:
                return None
            self._busy += 1
            if self._leader == me:
                self._answering_since = monotonic()
                if not self._stirred.is_set():
                    self._stirred.set()
            return self._ready.popleft()

    def _put_back(self, me: int) -> bool:
        """Give the place back; whether the thread is to go on: it leads, or all others are busy."""
        with self._places:
            needed = self._leader == me or self._busy >= self._threads
            self._busy -= 1
            if self._leader == me:
                self._answering_since = None
            return needed

    def _relieve(self, patience: float) -> None:
        """Have another thread lead when the one that does has been at one answer for so long."""
        with self._places:
            since = self._answering_since
            if since is None:
                return
            if monotonic() - since < patience:
                self._stirred.set()  # to look again, also where a wait ends early
                return
            self._leader, self._answering_since = _NOBODY, None
        self._workers.add_task(self)

    def _end(self) -> None:
        self._ended.set()
        self._stirred.set()
