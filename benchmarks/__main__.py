"""The command line: `python -m benchmarks --help`."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import click

from benchmarks import page
from benchmarks.measures import MEASURES, start
from benchmarks.servers import Server, at_commits, configured, install

_PEERS = [server.name for server in configured() if not server.is_own]


@click.command()
@click.option("--base", metavar="COMMIT", help="Measure this commit of the project too.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Number of rounds.")
@click.option("--peer", "peers", multiple=True, type=click.Choice(_PEERS), help="Measure beside this peer. Repeatable.")
def main(base: str | None, rounds: int, peers: tuple[str, ...]) -> None:
    """Measure the commit HEAD of vambe-mock beside its peers, print the tables, and write docs/benchmarks.md.

    A round takes three minutes. With --peer, nothing is written. Needs an idle machine, the extra "bench", and wrk,
    node, npm and java on the PATH. The servers are installed into benchmarks/.servers before their first measurement.
    """
    if not shutil.which("wrk"):
        raise click.ClickException("wrk is not on the PATH")
    servers = [each for each in at_commits(base) if not peers or each.is_own or each.name in peers]
    for server in servers:
        click.echo(f"prepare {server.name}", err=True)
        install(server)
        start(server)  # to fill the file cache: the first start is slower
    samples: dict[str, dict[str, list[float]]] = {server.name: {} for server in servers}
    for number in range(rounds):
        for measure in MEASURES:
            click.echo(f"round {number + 1} of {rounds}: {measure.__name__}", err=True)
            for server in servers[:: -1 if number % 2 else 1]:
                for name, figure in measure(server).items():
                    samples[server.name].setdefault(name, []).append(round(figure, 3))
    result = {"conditions": _conditions(servers, rounds), "samples": samples}
    click.echo(page.tables(result))
    if not peers:
        page.RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        page.write(result)


def _conditions(servers: list[Server], rounds: int) -> dict[str, str]:
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return {
        **{f"commit of {server.name}": server.package for server in servers if server.is_own},
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "rounds": str(rounds),
        "processor": f"{processor[1] if processor else platform.machine()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        **{program: _version(program) for program in ("wrk", "node", "java")},
    }


def _version(program: str) -> str:
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return (printed.stdout + printed.stderr).splitlines()[0].partition(" [")[0]


if __name__ == "__main__":
    main()
