"""Open the store that a setting names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mockserver.store.sqlite import database as sqlite
from mockserver.store.transactions import Store, UnusableDatabase


def open_store(database: Path | str | None, settings: Mapping[str, str], durable: bool = False) -> Store:
    """Open a store: in memory, in a SQLite file, or in the PostgreSQL database at a URL.

    `settings` are those that processes which share a store must agree on; with `durable`, a write is on the disk before
    it is answered. Raises UnusableDatabase.
    """
    if not isinstance(database, str):
        return sqlite.open_store(database, durable)
    try:
        from mockserver.store.postgres.database import open_store
    except ImportError as error:
        message = f"a PostgreSQL database needs psycopg ({error}): pip install 'vambe-mock[postgres]'"
        raise UnusableDatabase(message) from None
    return open_store(database, settings, durable)
