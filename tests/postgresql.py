"""A PostgreSQL server of the tests' own, in a temporary folder, reached by a Unix socket."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from support import missing, wait_until

# What makes a server start and answer faster, and is of no use to tests that end with it.
FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB", "max_connections": "300"}
_numbers = itertools.count(1)


def binaries() -> Path | None:
    """The folder with PostgreSQL's programs, which Debian has beside the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return newest[-1] if newest else None


class Cluster:
    """A server: started, ended, and started again. It does not run as root, so root runs it as `postgres`.

    `programs` is the folder with PostgreSQL's programs.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        found = binaries()
        if found is None:
            missing("there is no PostgreSQL: apt-get install postgresql")
        self.programs = found
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    def _line(self, program: str, *arguments: object) -> list[str]:
        own = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        return [*own, str(self.programs / program), *map(str, arguments)]

    def _run(self, program: str, *arguments: object) -> None:
        line = self._line(program, *arguments)
        ended = subprocess.run(line, capture_output=True, encoding="utf-8", cwd=self.folder)
        assert ended.returncode == 0, ended.stderr

    def start(self) -> None:
        """Start it, and wait until it answers."""
        given = {"listen_addresses": "", "unix_socket_directories": self.folder, **self._settings}
        options = [f"-c{name}={value}" for name, value in given.items()]
        with (self.folder / "server.log").open("ab") as log:
            line = self._line("postgres", "-D", self.folder / "data", *options)
            self._process = subprocess.Popen(line, stdout=log, stderr=log, cwd=self.folder)
        wait_until(self._answers)

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self.folder / "server.log").read_text()
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self._url()):
            return True
        return False

    def stop(self, mode: str = "immediate") -> None:
        """End it: `fast` as for a restart, `immediate` as in a crash."""
        self._run("pg_ctl", "stop", "-D", self.folder / "data", "-m", mode, "-w")
        assert self._process
        self._process.wait()

    def url(self, schema: str | None = None, **options: str) -> str:
        """The URL of a schema, by default a new one, with these settings of the server."""
        schema = schema or f"t{next(_numbers)}"
        with self.connection() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
        return self._url(search_path=schema, **options)

    def _url(self, **options: str) -> str:
        given = quote(" ".join(f"-c{name}={value}" for name, value in options.items()), safe="")
        return f"postgresql://postgres@/postgres?host={self.folder}" + (f"&options={given}" if given else "")

    def connection(self, schema: str | None = None) -> psycopg.Connection[Any]:
        """A connection to the server."""
        url = self._url(search_path=schema) if schema else self._url()
        return psycopg.connect(url, autocommit=True)

    def execute(self, statement: str, schema: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows if it has any."""
        with self.connection(schema) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def cluster(**settings: str) -> Iterator[Cluster]:
    """A server that runs during the block."""
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        made = Cluster(Path(folder), **{**FAST, **settings})
        made.start()
        try:
            yield made
        finally:
            made.stop()
