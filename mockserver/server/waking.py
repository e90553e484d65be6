"""Wake the event loop from another thread.

waitress's own trigger is a pipe, which it reads and writes through `os`: where a test fakes the file system (pyfakefs),
its file descriptors are unknown. The sockets are those of the C module, as in `listening`.
"""

from __future__ import annotations

import _socket
import contextlib
from typing import Any

from waitress import wasyncore
from waitress.trigger import _triggerbase

socketpair: Any = getattr(_socket, "socketpair", None)  # Windows has none, and waitress's trigger has sockets there


class Trigger(_triggerbase, wasyncore.dispatcher):  # type: ignore[misc]
    """waitress's trigger, on a pair of sockets; `map` is that of the loop."""

    kind = "sockets"

    def __init__(self, map: dict[int, Any]) -> None:
        _triggerbase.__init__(self)
        self._waker, woken = socketpair()
        self._waker.setblocking(False)
        wasyncore.dispatcher.__init__(self, woken, map=map)

    def _close(self) -> None:
        self._waker.close()
        wasyncore.dispatcher.close(self)

    def _physical_pull(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is full, and the loop wakes anyway
            self._waker.send(b"x")
