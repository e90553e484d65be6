"""The threads that run the application."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Protocol

from mockserver.clock import monotonic

_logger = logging.getLogger("mockserver")


class Serviceable(Protocol):
    """A task for a thread."""

    def service(self) -> None:
        """Do the work."""


class _Worker:
    """A thread's state: its task, and the lock on which it sleeps when it has none."""

    def __init__(self, task: Serviceable) -> None:
        self.task: Serviceable | None = task
        self.sleep = threading.Lock()
        self.sleep.acquire()

    def wake(self, task: Serviceable | None) -> None:
        self.task = task
        self.sleep.release()


class Workers:
    """At most `limit` daemon threads, started when needed, in place of waitress's task dispatcher.

    The thread that became idle last is woken first, so that few threads, each with its open resources, are used.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._queue: deque[Serviceable] = deque()
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def add_task(self, task: Serviceable) -> None:
        """Call `task.service()` in one of the threads, once one is free."""
        with self._lock:
            if self._idle:
                self._idle.pop().wake(task)
            elif len(self._threads) < self._limit:
                self._start(_Worker(task))
            else:
                self._queue.append(task)

    def stop(self, deadline: float) -> None:
        """End the threads and wait for them until `deadline` (as of `clock.monotonic`); queued tasks are dropped."""
        with self._lock:
            self._stopped = True
            while self._idle:
                self._idle.pop().wake(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))

    def _start(self, worker: _Worker) -> None:
        name = f"mockserver-worker-{len(self._threads)}"
        thread = threading.Thread(target=self._run, args=(worker,), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _run(self, worker: _Worker) -> None:
        while worker.task is not None:
            try:
                worker.task.service()
            except Exception:
                _logger.exception("Unhandled exception in a worker thread")
            if not self._next(worker):
                worker.sleep.acquire()

    def _next(self, worker: _Worker) -> bool:
        """Give the worker a queued task, or None to end it; False when it must sleep."""
        with self._lock:
            worker.task = self._queue.popleft() if self._queue and not self._stopped else None
            if worker.task is None and not self._stopped:
                self._idle.append(worker)
                return False
            return True
