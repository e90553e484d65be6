"""The path of one warm create through the package's modules: `python -m benchmarks.walk`.

A server answers one create whose title is marked, under `sys.setprofile`. The title passes a file when an argument or
the returned value of one of its functions contains it.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
import urllib.request
from pathlib import Path
from types import FrameType

import mockserver
from mockserver.testing import MockServer, VambeMock

_PACKAGE = f"{Path(mockserver.__file__).parent}/"
_TITLE = "Marked title of one create"
_CREATES, _DEEPEST = 6, 5
_QUIET_S = 0.1  # shorter than an idle turn of the server's loop
_GOALS = {"changes of file": 90, "files that the title passes": 10, "returns of the title to a file": 8}


def walk() -> dict[str, int]:
    """The figures of the create with the fewest calls: the first is not warm, and a timer may run during another."""
    called: list[str] = []
    titled: list[str] = []
    found: list[dict[str, int]] = []

    def note(frame: FrameType, event: str, result: object) -> None:
        file = frame.f_code.co_filename.removeprefix(_PACKAGE)
        if event not in ("call", "return") or file.startswith(("/", "<", "testing/", "client")):
            return
        if event == "call":
            called.append(file)
        if _has_title(_arguments(frame) if event == "call" else result):
            titled.append(file)

    threading.setprofile(note)  # for threads started from now on: the server's
    try:
        with MockServer() as mock:
            for number in range(_CREATES):
                called.clear()
                titled.clear()
                _create(mock, f"{_TITLE} {number}")
                seen = -1
                while seen != len(called):
                    seen = len(called)
                    time.sleep(_QUIET_S)
                found.append(_figures(called, titled))
    finally:
        threading.setprofile(None)
    return min(found, key=lambda figures: figures["calls"])


def _create(mock: VambeMock, title: str) -> None:
    task = {"title": title, "responsibleIds": [mock.users[0]["id"]], "priority": "1"}
    task |= {"dueDate": "2031-02-03", "dueTime": "14:30", "timezone": "America/Santiago"}
    headers = {**mock.headers, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{mock.base_url}/api/public/tasks", json.dumps(task).encode(), headers)  # noqa: S310
    urllib.request.urlopen(request).read()  # noqa: S310


def _figures(called: list[str], titled: list[str]) -> dict[str, int]:
    whole, title = ([file for file, _ in itertools.groupby(files)] for files in (called, titled))
    return {
        "calls": len(called),
        "files": len(set(whole)),
        "changes of file": len(whole) - 1,
        "files that the title passes": len(set(title)),
        "changes of file by the title": len(title) - 1,
        "returns of the title to a file": len(title) - len(set(title)),
    }


def _arguments(frame: FrameType) -> list[object]:
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount]
    return [frame.f_locals.get(name) for name in names if name != "self"]


def _has_title(value: object, depth: int = 0) -> bool:
    if isinstance(value, (str, bytes, bytearray)):
        return (_TITLE in value) if isinstance(value, str) else (_TITLE.encode() in value)
    if depth > _DEEPEST or not isinstance(value, (dict, list, tuple)):
        return False
    return any(_has_title(part, depth + 1) for part in (value.values() if isinstance(value, dict) else tuple(value)))


if __name__ == "__main__":
    for name, figure in walk().items():
        goal = _GOALS.get(name)
        verdict = f"   goal: at most {goal}, {'met' if figure <= goal else 'missed'}" if goal else ""
        sys.stdout.write(f"{name:31} {figure:4}{verdict}\n")
