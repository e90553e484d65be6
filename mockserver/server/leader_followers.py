"""Leader/followers: one thread waits for requests and answers them, until an answer takes too long.

The leader answers requests itself, because passing a request to another thread and its answer back costs as much as
producing the answer. A leader that is slow at one answer, or is about to block, is replaced by another thread: a slow
request delays no other, and up to `threads` requests are answered at once. A former leader goes on answering only while
all other threads are busy, since threads that answer at the same time slow each other down.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from mockserver.clock import monotonic
from mockserver.server.workers import Serviceable, Workers

_PATIENCE = 0.01  # seconds that an answer may take before the leader is replaced, after twice that at the latest
_NOBODY = 0


class LeaderFollowers:
    """The threads that wait for requests and answer them, at most `threads` of these at once.

    `turn` waits once for events, handles them, and returns False at the end; requests arrive by `add`.
    """

    def __init__(self, threads: int, turn: Callable[[], bool]) -> None:
        self._turn = turn
        self._threads = threads
        self._workers = Workers(threads + 1)
        self._ready: deque[Serviceable] = deque()
        self._places = threading.Lock()
        self._busy = 0
        self._leader = _NOBODY  # a thread's ident
        self._answering_since: float | None = None  # by the leader; None while it waits for events
        self._check_due = threading.Event()  # the leader may have to be replaced
        self._ended = threading.Event()

    def run(self, tick: float) -> None:
        """Run the threads until `turn` returns False.

        The calling thread answers no requests: it replaces a leader that is slow, and wakes every `tick` seconds so
        that it can be interrupted on any system.
        """
        self._workers.add_task(self)
        while not self._ended.is_set():
            if self._check_due.wait(tick):
                self._check_due.clear()
                self._ended.wait(_PATIENCE)
                self._relieve(_PATIENCE)

    def service(self) -> None:
        """Lead, until another thread takes over or `turn` returns False."""
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
        """Queue a request for the leader or for a thread that is answering already."""
        self._ready.append(task)

    def is_mine(self) -> bool:
        """Tell if the calling thread is the leader."""
        return self._leader == threading.get_ident()

    def step_aside(self) -> None:
        """Have another thread lead if the calling thread, which is about to block, is the leader."""
        if self.is_mine():
            self._relieve(0)

    def stop(self, deadline: float) -> None:
        """End the threads and wait for them until `deadline` (as of `clock.monotonic`)."""
        self._workers.stop(deadline)

    def _answer(self, me: int) -> None:
        """Answer queued requests, unless `threads` threads do so already: one of them will come to them."""
        needed = True
        while needed and self._ready and (task := self._take(me)) is not None:
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
                if not self._check_due.is_set():
                    self._check_due.set()
            return self._ready.popleft()

    def _put_back(self, me: int) -> bool:
        """Give the place back; True when the thread must go on: it leads, or all others are busy."""
        with self._places:
            needed = self._leader == me or self._busy >= self._threads
            self._busy -= 1
            if self._leader == me:
                self._answering_since = None
            return needed

    def _relieve(self, patience: float) -> None:
        """Have another thread lead when the leader has spent `patience` seconds on one answer."""
        with self._places:
            since = self._answering_since
            if since is None:
                return
            if monotonic() - since < patience:
                self._check_due.set()  # check again, also when a wait ended early
                return
            self._leader, self._answering_since = _NOBODY, None
        self._workers.add_task(self)

    def _end(self) -> None:
        self._ended.set()
        self._check_due.set()
