"""What is left without the project: `python -m benchmarks.bare server|flask|waitress PORT`, or `sqlite SECONDS`."""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import waitress
from flask import Flask, Response, request

from mockserver.server import Server

_DOCUMENT = json.dumps({"title": "x" * 600}).encode()  # as long as the answer to a create


def _trivial(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    environ["wsgi.input"].read()
    start_response("201 Created", [("Content-Type", "application/json"), ("Content-Length", str(len(_DOCUMENT)))])
    return [_DOCUMENT]


def _flask() -> Flask:
    app = Flask("bare")

    @app.post("/api/public/tasks")
    def create() -> Response:
        json.loads(request.get_data())
        return Response(_DOCUMENT, 201, mimetype="application/json")

    return app


def _sqlite(seconds: float) -> tuple[float, float]:
    """Transactions a second and the milliseconds of work in one, with the project's pragmas.

    Each inserts one row, as long as a journal entry.
    """
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        for pragma in ("journal_mode = wal", "synchronous = normal", "temp_store = memory"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, document TEXT)")
        document, done = "x" * 2000, 0
        begun, worked = time.perf_counter(), time.process_time()
        while time.perf_counter() - begun < seconds:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO entry (document) VALUES (?)", (document,))
            connection.execute("COMMIT")
            done += 1
        took, worked = time.perf_counter() - begun, time.process_time() - worked
        connection.close()
    return done / took, worked / done * 1000


def main(what: str, argument: str) -> None:
    """Serve until killed, or print a rate."""
    if what == "sqlite":
        sys.stdout.write(json.dumps(_sqlite(float(argument))))
    elif what == "waitress":
        waitress.serve(_flask(), listen=f"127.0.0.1:{argument}", threads=8)
    else:
        Server(_flask() if what == "flask" else _trivial, port=int(argument)).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
