"""The tables, and the settings that all processes of a database must share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import psycopg

from mockserver.formats.json import quoted
from mockserver.store.models import SCHEMA_VERSION, TABLES
from mockserver.store.orm import SchemaManager
from mockserver.store.postgres.locks import Locks
from mockserver.store.postgres.statements import Dialect
from mockserver.store.transactions import RUN, UnusableDatabase

# Besides the tables of every store: the schema version with the settings of the processes, the last use and the
# watchers of each sandbox, and the time of the database.
_OWN = (
    "CREATE TABLE vambe_mock (version integer NOT NULL, settings text NOT NULL)",
    """CREATE TABLE sharing (
        sandbox text COLLATE "C" PRIMARY KEY,
        used_ms bigint NOT NULL DEFAULT 0,
        watched_until_ms bigint NOT NULL DEFAULT 0
    )""",
    """CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE
        AS 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint'""",
)

Connection = psycopg.Connection[Any]


class _Executing(Dialect):
    """Executes what peewee writes on a connection of psycopg."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._on = connection

    def execute_sql(self, sql: str, params: object = None) -> None:
        """Execute a statement that has no parameters."""
        self._on.execute(sql.encode())


def schema_of(connection: Connection) -> str:
    """The schema in which tables are found and made; UnusableDatabase when there is none, or no UTF-8."""
    found = connection.execute("SELECT current_schema(), current_setting('server_encoding')").fetchone()
    schema, encoding = found or (None, "")
    if encoding != "UTF8":
        raise UnusableDatabase(f"the database has the encoding {encoding}: create one with UTF8")
    if schema is None:
        raise UnusableDatabase("the search path of the connection names no schema that exists")
    return str(schema)


def prepare(connection: Connection, locks: Locks, settings: Mapping[str, str]) -> None:
    """Create the tables in an empty schema, or check those that are there, and the settings of other processes.

    While others run, this one must have the same settings; it counts as running as long as the connection lives. Raises
    UnusableDatabase, and changes nothing.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [locks.key("/schema")])
        found = connection.execute("SELECT to_regclass(format('%I.vambe_mock', current_schema()))").fetchone()
        if found == (None,):
            _create(connection, settings)
        else:
            _check_version(connection)
            _share(connection, locks, settings)
        hold(connection, locks)


def _create(connection: Connection, settings: Mapping[str, str]) -> None:
    for model in TABLES:
        if connection.execute("SELECT to_regclass(%s)", [f'"{model._meta.table_name}"']).fetchone() != (None,):
            table = quoted(model._meta.table_name)
            raise UnusableDatabase(f"there is a table {table} of another program: choose another database or schema")
        SchemaManager(model, _Executing(connection)).create_all(safe=False)
    for statement in _OWN:
        connection.execute(statement)
    connection.execute("INSERT INTO vambe_mock VALUES (%s, %s)", [SCHEMA_VERSION, json.dumps(dict(settings))])


def _check_version(connection: Connection) -> None:
    # FOR UPDATE fails for a user who may only read, and on a standby.
    found = connection.execute("SELECT version FROM vambe_mock FOR UPDATE").fetchone()
    version = found[0] if found else None
    if version != SCHEMA_VERSION:
        raise UnusableDatabase(
            f"it has schema version {version}; this version of vambe-mock reads {SCHEMA_VERSION} only: choose another "
            "database or schema; the version that made it exports what it holds, by GET /__admin/state?sandbox=NAME"
        )


def _share(connection: Connection, locks: Locks, settings: Mapping[str, str]) -> None:
    """Compare the settings with those of the processes that run; if there are none, this one's replace them."""
    found = connection.execute("SELECT settings FROM vambe_mock").fetchone()
    known = json.loads(found[0]) if found else {}
    differing = sorted(name for name in {*known, *settings} if known.get(name) != settings.get(name))
    if not differing:
        return
    alone = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [locks.key("/processes")]).fetchone()
    if alone == (True,):
        connection.execute("UPDATE vambe_mock SET settings = %s", [json.dumps(dict(settings))])
        return
    name = differing[0]
    there, here = (quoted(each.get(name, "none")) for each in (known, settings))
    raise UnusableDatabase(
        f"other processes use it with another {name}: {there} there, {here} here; give all the same, or stop the others"
    )


def hold(connection: Connection, locks: Locks) -> None:
    """Hold the locks that show that this process runs, as long as the connection lives."""
    for key in (locks.key("/processes"), locks.of_run(RUN)):
        connection.execute("SELECT pg_advisory_lock_shared(%s)", [key])
