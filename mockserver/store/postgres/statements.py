"""The SQL of PostgreSQL, written by peewee and sent over a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mockserver.store.orm import SQL, Model, PostgresqlDatabase, Query
from mockserver.store.postgres.session import Result, Session
from mockserver.store.statements import Statements, Values


class Dialect(PostgresqlDatabase):
    """The SQL that peewee writes; it never connects.

    Texts are compared by their bytes, as SQLite does, whatever the language of the database; numbers have 64 bits.
    """

    field_types = {
        **PostgresqlDatabase.field_types,
        "AUTO": "BIGSERIAL",
        "INT": "BIGINT",
        "TEXT": 'TEXT COLLATE "C"',
    }

    def __init__(self) -> None:
        super().__init__(None, prefer_psycopg3=True)


DIALECT = Dialect()
_TEXTS: dict[tuple[Any, ...], str] = {}


class PostgresStatements(Statements):
    """The statements of one session; errors are those of psycopg, of some statements at a later one.

    In an `optimistic` transaction, a key that is not new is an error too.
    """

    row_address = SQL("ctid")

    def __init__(self, session: Session, optimistic: bool) -> None:
        super().__init__(DIALECT)
        self._optimistic = optimistic
        self._texts = _TEXTS
        self._session = session

    def run(self, key: tuple[Any, ...], build: Callable[[], Query], values: Iterable[Any]) -> Result:
        """Run the statement of that key, which `build` makes at first, with these values; returns its result."""
        return self._session.ask(self._texts.get(key) or self._built(key, build), tuple(values))

    def execute(self, key: tuple[Any, ...], build: Callable[[], Query], values: Iterable[Any]) -> None:
        """Send the statement with the next one whose result is needed."""
        self._session.later(self._texts.get(key) or self._built(key, build), tuple(values))

    def insert_new(self, model: type[Model], row: Values) -> bool:
        """As `insert`, unless there is a row with that key; returns whether it was added."""
        if self._optimistic:
            self.insert(model, row)
            return True
        whole = self._whole(model, row)

        def build() -> Query:
            return model.insert(whole).on_conflict(action="nothing", conflict_target=model._meta.get_primary_keys())

        return bool(self.run((model, "insert new", *row), build, whole.values()).rowcount)

    def insert_numbered(self, model: type[Model], row: Values) -> int:
        """As `insert`, in a table whose rows the database numbers; returns the number."""
        whole, number = self._whole(model, row), model._meta.primary_key
        key = (model, "insert numbered", *row)
        found = self.run(key, lambda: model.insert(whole).returning(number), whole.values()).fetchone()
        return int(found[0]) if found else 0


def text_of(query: Any) -> tuple[str, list[Any]]:
    """The text of a query, and its values."""
    text, values = DIALECT.get_sql_context().sql(query).query()
    return str(text), list(values)
