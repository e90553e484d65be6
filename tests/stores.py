"""The store under the tests: SQLite, or with `--store postgresql` a server of PostgreSQL of the session's own."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mockserver import engine
from mockserver.store.opening import open_store
from mockserver.store.transactions import Store

if TYPE_CHECKING:
    from postgresql import Cluster

TOKEN = "the-token-of-all-processes"

_running: list[Cluster] = []


@contextlib.contextmanager
def on_postgresql() -> Iterator[None]:
    """Have every server of the block keep its sandboxes in PostgreSQL: in a schema for each file, or a new one."""
    from postgresql import cluster

    def opened(database: Path | str | None, settings: Mapping[str, str], durable: bool = False) -> Store:
        return open_store(database_for(database), settings, durable)

    with cluster() as made, pytest.MonkeyPatch.context() as patch:
        _running.append(made)
        patch.setattr(engine, "open_store", opened)
        try:
            yield
        finally:
            _running.clear()


def is_postgresql() -> bool:
    """Test if the tests run on PostgreSQL."""
    return bool(_running)


def running_cluster() -> Cluster:
    """The server of the session; without one, the test is skipped."""
    if not _running:
        pytest.skip("it is run with --store postgresql")
    return _running[0]


def database_for(database: Path | str | None) -> Path | str | None:
    """The database to use instead of that one: a schema of PostgreSQL, the same for the same file."""
    if not _running or isinstance(database, str):
        return database
    return _running[0].url(None if database is None else _schema(database))


def arguments_for(database: Path) -> tuple[object, ...]:
    """The arguments of `vambe-mock serve` for a database."""
    return ("--database", database_for(database), *(("--admin-token", TOKEN) if _running else ()))


def rows(database: Path, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a statement, on the schema that stands for a file."""
    return _running[0].execute(statement, _schema(database))


def _schema(database: Path) -> str:
    return f"f{hashlib.sha256(str(database.resolve()).encode()).hexdigest()[:16]}"
