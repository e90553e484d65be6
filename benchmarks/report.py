"""The report: Markdown for docs/benchmarks.md, and the same tables for the terminal."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from benchmarks.load import version as wrk_version
from benchmarks.peers import HERE, OURS, Peer
from benchmarks.result import Bench, Goal, Result
from benchmarks.running import copied_command

_ANALYSIS = HERE / "analysis.md"
_LIBRARIES = ("Flask", "Werkzeug", "waitress", "marshmallow", "peewee", "flask-cors")
_MET = {True: "met", False: "**not met**", None: "not decided"}


def document(results: Mapping[str, Result], bench: Bench, command: str) -> str:
    """The whole page."""
    parts = [
        "# Benchmarks",
        "The project beside its peers, on one machine, in one run. `python -m benchmarks` writes this page; it asks "
        "for `pip install '.[bench]'`, wrk, node with npm, and Java.",
        "Every figure is a median, with the least and the most of the rounds in brackets. The servers take turns, "
        "every round beginning with another, so that what else the machine does hits all alike; read ratios, not "
        "figures. Load comes from wrk, and what is sequential from one small client, the same for all, each in a "
        "process of its own.",
        "## Goals",
        table(("measure", "goal", "figure", ""), _goals(results)),
        *(_section(result) for result in results.values()),
        _ANALYSIS.read_text(encoding="utf-8").strip(),
        "## Conditions",
        _machine(bench, command),
        "### What was asked of whom",
        table(
            ("server", "version", "create", "validates", "stores", "journals", "clean world by"),
            map(_asked, bench.peers),
        ),
        "### How each was started",
        table(("server", "command"), [(peer.name, f"`{_command(peer, bench)}`") for peer in bench.peers]),
        "Each had its best fair configuration: no log, no file, no compression where that can be said, and data in "
        "memory for "
        "json-server, which otherwise writes a file after each change. vambe-mock ran with its defaults, a log line "
        "for each "
        "request included. No server had a network between itself and the client.",
    ]
    return "\n\n".join(parts) + "\n"


def summary(results: Mapping[str, Result]) -> str:
    """The tables, for a terminal."""
    parts = []
    for result in results.values():
        parts += [result.title, _aligned([result.head, *result.rows]), *result.notes]
    return "\n\n".join([*parts, _aligned([("measure", "goal", "figure", ""), *_goals(results)])])


def table(head: Sequence[str], rows: object) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]  # type: ignore[misc]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _section(result: Result) -> str:
    parts = [f"## {result.title}", result.how, table(result.head, result.rows), *result.notes]
    return "\n\n".join(parts)


def _goals(results: Mapping[str, Result]) -> list[Sequence[str]]:
    return [_goal(result, goal) for result in results.values() for goal in result.goals]


def _goal(result: Result, goal: Goal) -> Sequence[str]:
    return result.title, goal.text, goal.figure, _MET[goal.met]


def _asked(peer: Peer) -> Sequence[str]:
    return peer.name, peer.version, peer.create, peer.validates, peer.stores, peer.journals, peer.clean


def _command(peer: Peer, bench: Bench) -> str:
    return copied_command(peer.command(0, bench.folder), bench.folder).replace(" 0", " PORT")


def _machine(bench: Bench, command: str) -> str:
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)
    rows = [
        ("date", datetime.now(timezone.utc).strftime("%Y-%m-%d")),
        ("command", f"`{command}`"),
        ("rounds", f"{bench.rounds}{', quick' if bench.quick else ''}"),
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("memory", _memory()),
        ("system", f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"),
        ("Python", f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}"),
        (OURS.name, f"{OURS.version}; {libraries}"),
        ("wrk", wrk_version()),
        ("node", _printed("node", "--version")),
        ("Java", _printed("java", "--version")),
    ]
    return table(("", ""), rows)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _memory() -> str:
    import psutil

    return f"{psutil.virtual_memory().total / 2**30:.0f} GiB"


def _printed(*command: str) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return "none"
    return (ended.stdout or ended.stderr).strip().splitlines()[0]


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
