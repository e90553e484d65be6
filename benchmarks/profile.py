"""Where the application's time goes in a create: `python -m benchmarks.profile SECONDS` samples it, in one thread.

The processor's own clock interrupts, and the line that is being executed counts; what C code does counts for the line
of Python that called it. Waiting is not seen, only work.
"""

from __future__ import annotations

import json
import linecache
import re
import signal
import sys
import time
from collections import Counter
from types import CodeType, FrameType

from benchmarks.peers import NUMBER, OURS
from mockserver import config
from mockserver.serving import opened
from mockserver.testing.inprocess import Application, answer

_INTERVAL_S = 0.001
_WARM_UP = 1200  # more than the journal keeps

# The first pattern that is found in a line's file and, after a tab, its text says which layer it belongs to.
_LAYERS: tuple[tuple[str, str], ...] = (
    (
        "SQLite itself",
        r"/(peewee|statements)\.py\t.*(\.execute\(|\.commit\(|\.rollback\()|\t.*\.fetchone\(|\t.* for row in cursor\]",
    ),
    ("peewee and the statements", r"/peewee\.py|/playhouse/|/mockserver/store/statements\.py"),
    ("marshmallow and the schemas", r"/marshmallow/|/mockserver/(fields|api/schemas|api/reading)\.py"),
    ("JSON", r"/json/|/mockserver/wire\.py|\t.*json\.(dumps|loads)\("),
    ("Flask, Werkzeug, Flask-Cors", r"/flask/|/werkzeug/|/flask_cors/|/blinker/|/mockserver/rendering\.py"),
    ("the journal, faults and advice", r"/mockserver/sandbox/(?!sandboxes|names|state)"),
    ("sandboxes and store", r"/mockserver/(sandbox|store)/|/mockserver/(ids|clock|mock)\.py"),
    ("the API and its rules", r"/mockserver/(api|domain)/|/mockserver/[a-z]+\.py"),
    ("calling it", r"/benchmarks/|/mockserver/testing/"),
    ("the rest of Python", r""),
)


class Sampler:
    """Counts, while it runs, the lines at which the processor's clock interrupts this thread."""

    def __init__(self) -> None:
        self.lines: Counter[tuple[CodeType, int]] = Counter()

    def __enter__(self) -> Sampler:
        signal.signal(signal.SIGPROF, self._count)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL_S, _INTERVAL_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _count(self, number: int, frame: FrameType | None) -> None:
        if frame is not None:
            self.lines[frame.f_code, frame.f_lineno or 0] += 1


def layer_of(file: str, line: int) -> str:
    """The layer that a line belongs to."""
    where = f"{file}\t{linecache.getline(file, line).strip()}"
    return next(layer for layer, pattern in _LAYERS if re.search(pattern, where))


def profile(seconds: float) -> dict[str, object]:
    """The processor time of a create in milliseconds, and the shares of layers and functions in it."""
    settings = config.resolve({"port": "0"}, {})
    with opened(settings) as (_, _, application):
        for number in range(_WARM_UP):
            _create(application, number)
        number, begun = _WARM_UP, time.thread_time()
        while time.thread_time() - begun < seconds:  # unsampled: to sample costs time too
            _create(application, number)
            number += 1
        each = (time.thread_time() - begun) / (number - _WARM_UP)
        with Sampler() as sampler:
            for more in range(number, number + int(seconds / each)):
                _create(application, more)
    layers: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for (code, line), count in sampler.lines.items():
        layers[layer_of(code.co_filename, line)] += count
        functions["/".join(code.co_filename.split("/")[-2:]) + f": {code.co_name}"] += count
    total = sum(layers.values())
    return {
        "milliseconds": each * 1000,
        "layers": [(layer, count / total) for layer, count in layers.most_common()],
        "functions": [(function, count / total) for function, count in functions.most_common(15)],
    }


def _create(application: Application, number: int) -> None:
    call = OURS.dialogue.create
    body = call.body.replace(NUMBER, f"{number:08d}").encode()
    sent = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **call.headers}
    headers = [(name.encode(), value.encode()) for name, value in sent.items()]
    answered = answer(application, call.method, call.path.encode(), headers, body)
    if answered.status not in call.statuses:
        raise RuntimeError(f"{answered.status} {answered.body!r}")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(profile(float(sys.argv[1]))))
