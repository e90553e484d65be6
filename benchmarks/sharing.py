"""Processes that share a PostgreSQL database: `python -m benchmarks.sharing --help`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

import click
import psutil
import psycopg

from benchmarks.servers import ROOT

CONNECTIONS = 16
PROCESSES, SANDBOXES = (1, 2, 4), (1, 16)
_WRK = ["wrk", "-t1", "-s", str(ROOT / "examples" / "scaling" / "creates.lua")]


@click.command()
@click.argument("database", metavar="URL")
@click.option("--seconds", type=click.IntRange(1), default=6, show_default=True, help="The length of a load.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Number of rounds.")
def main(database: str, seconds: int, rounds: int) -> None:
    """Measure creates by processes that share the database at URL, which must be new and on this machine.

    Prints, for 1, 2 and 4 processes and 1 and 16 sandboxes, the creates a second, and the processor time that one takes
    in Python and in PostgreSQL, in milliseconds; last those of one process with SQLite. Needs wrk, the extras "bench"
    and "postgres", and an idle machine.
    """
    combinations = [(number, sandboxes) for number in PROCESSES for sandboxes in SANDBOXES]
    found: dict[tuple[str, int, int], list[tuple[float, float, float]]] = {}
    for _ in range(rounds):
        for number, sandboxes in combinations:
            found.setdefault(("PostgreSQL", number, sandboxes), []).append(
                _measure(database, number, sandboxes, seconds)
            )
        for sandboxes in SANDBOXES:
            found.setdefault(("SQLite", 1, sandboxes), []).append(_measure(None, 1, sandboxes, seconds))
    click.echo("| store | processes | sandboxes | creates a second | Python, ms | PostgreSQL, ms |")
    click.echo("|---|---|---|---|---|---|")
    for (store, number, sandboxes), samples in found.items():
        rate, python, server = (median(figures) for figures in zip(*samples, strict=True))
        click.echo(f"| {store} | {number} | {sandboxes} | {rate:,.0f} | {python:.2f} | {server:.2f} |")


def _measure(database: str | None, number: int, sandboxes: int, seconds: int) -> tuple[float, float, float]:
    """Creates a second, and for one create the milliseconds of processor time in Python and in PostgreSQL."""
    with ExitStack() as stack:
        servers = [stack.enter_context(_served(database)) for _ in range(number)]
        urls = [url for _, url in servers]
        _load(urls, sandboxes, 1)  # to open the sandboxes
        before = _python_s(servers), _postgresql_s(database)
        creates = _load(urls, sandboxes, seconds)
        python, server = _python_s(servers) - before[0], _postgresql_s(database) - before[1]
    return creates / seconds, python / creates * 1000, server / creates * 1000


@contextlib.contextmanager
def _served(database: str | None) -> Iterator[tuple[psutil.Process, str]]:
    """A process of `vambe-mock serve`, and its URL."""
    given = ["--database", database, "--admin-token", "bench"] if database else []
    line = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--json", *given]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            assert process.stdout  # noqa: S101
            yield psutil.Process(process.pid), json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


def _load(urls: list[str], sandboxes: int, seconds: int) -> int:
    """The number of creates that clients of all processes made in that time."""
    line = [*_WRK, f"-c{CONNECTIONS // len(urls)}", f"-d{seconds}"]
    environment = {**os.environ, "SANDBOXES": str(sandboxes)}
    running = [
        subprocess.Popen([*line, url], env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for url in urls
    ]
    outputs = [process.communicate()[0] for process in running]
    if any("Non-2xx" in output for output in outputs):
        raise click.ClickException("a create failed")
    return sum(int(output.partition(" requests in")[0].split()[-1]) for output in outputs)


def _python_s(servers: list[tuple[psutil.Process, str]]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process, _ in servers)


def _postgresql_s(database: str | None) -> float:
    """The processor time of the server's processes, those that have ended included."""
    if database is None:
        return 0.0
    with psycopg.connect(database) as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
        assert server  # noqa: S101
        time.sleep(0.1)
        return sum(sum(each.cpu_times()[:4]) for each in [server, *server.children()])


if __name__ == "__main__":
    main()
