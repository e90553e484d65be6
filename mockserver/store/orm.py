"""Peewee, without the drivers of other databases.

`import peewee` imports every driver that is installed. That of PostgreSQL takes 100 ms, which users of SQLite should
not pay, and fails in a test that freezes time and treats warnings as errors. The mock uses peewee for SQLite and for
the text of SQL, which need no driver. Unless the process has imported peewee already, the mock loads a copy of its own;
whoever imports peewee later gets one with all drivers.
"""

from __future__ import annotations

import builtins
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peewee import (
        JOIN,
        SQL,
        AutoField,
        BigIntegerField,
        BooleanField,
        CompositeKey,
        Database,
        Expression,
        IntegerField,
        IntegrityError,
        Model,
        OperationalError,
        PeeweeException,
        PostgresqlDatabase,
        Query,
        SchemaManager,
        SqliteDatabase,
        TextField,
        Value,
        fn,
    )

__all__ = (
    "JOIN",
    "SQL",
    "AutoField",
    "BigIntegerField",
    "BooleanField",
    "CompositeKey",
    "Database",
    "Expression",
    "IntegerField",
    "IntegrityError",
    "Model",
    "OperationalError",
    "PeeweeException",
    "PostgresqlDatabase",
    "Query",
    "SchemaManager",
    "SqliteDatabase",
    "TextField",
    "Value",
    "fn",
)

_DRIVERS = ("psycopg2cffi", "psycopg2", "psycopg", "pymysql", "MySQLdb")


def _import(name: str, *arguments: Any, **named: Any) -> ModuleType:
    """Replace `__import__` in peewee: no driver is installed."""
    if name.partition(".")[0] in _DRIVERS:
        raise ImportError(name)
    return builtins.__import__(name, *arguments, **named)


def _load() -> ModuleType:
    """A copy of peewee that finds no driver."""
    spec = importlib.util.find_spec("peewee")
    assert spec and spec.loader  # noqa: S101  # an installed dependency
    module = importlib.util.module_from_spec(spec)
    vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import}
    spec.loader.exec_module(module)
    return module


_peewee = sys.modules.get("peewee") or _load()
globals().update({name: getattr(_peewee, name) for name in __all__})
