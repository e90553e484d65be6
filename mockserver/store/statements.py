"""A cache of SQL statements: peewee builds the text of each when it is first needed.

Peewee takes several times as long to build a query as SQLite to run it, and every request runs the same few. They run
on the driver's own connection, so errors are those of the driver.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from mockserver.store.orm import SQL, BooleanField, Database, Model, Query, Value, fn

Values = Mapping[str, Any]
Rows = list[dict[str, Any]]


class Statements:
    """The statements of one database, on rows selected by the values of their columns.

    Columns are given by name; the value None in `where` matches null. This class is for SQLite; `row_address` is its
    name of the fastest way to a row.
    """

    row_address = SQL("rowid")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts: dict[tuple[Any, ...], str] = {}
        self._defaults: dict[tuple[Any, ...], Values] = {}

    def run(self, key: tuple[Any, ...], build: Callable[[], Query], values: Iterable[Any]) -> Any:
        """Run the statement of that key, which `build` makes at first, with these values; returns its cursor."""
        text = self._texts.get(key) or self._built(key, build)
        return self._database.connection().execute(text, tuple(values))

    execute = run  # for a statement whose result is not needed: a store may send it later

    def _built(self, key: tuple[Any, ...], build: Callable[[], Query]) -> str:
        text: str = self._database.get_sql_context().sql(build()).query()[0]
        self._texts[key] = text
        return text

    def rows(self, model: type[Model], key: tuple[Any, ...], build: Callable[[], Query], values: Iterable[Any]) -> Rows:
        """The rows, as dictionaries, of a statement that selects all columns of a table; see `run`."""
        return [_row(model, row) for row in self.run((model, *key), build, values)]

    def select(self, model: type[Model], where: Values, order: Sequence[str] = ()) -> Rows:
        """The rows that match `where`, as dictionaries."""
        return self.rows(
            model,
            ("select", _shape(where), tuple(order)),
            lambda: model.select().where(*_equal(model, where)).order_by(*_columns(model, order)),
            _given(where),
        )

    def find(
        self, models: Sequence[type[Model]], key: Hashable, build: Callable[[], Query], values: Iterable[Any]
    ) -> tuple[Rows, list[Any]] | None:
        """The first row of a statement that selects all columns of tables, and then others; see `run`.

        Returns a dictionary for each table, and the values of the other columns; None when there is no row.
        """
        found = self.run((*models, key), build, values).fetchone()
        if found is None:
            return None
        rest = iter(found)
        return [_row(model, rest) for model in models], list(rest)

    def count(self, model: type[Model]) -> int:
        """The number of rows."""
        cursor = self.run((model, "count"), lambda: model.select(fn.COUNT(SQL("*"))), ())
        return int(cursor.fetchone()[0])

    def append(self, model: type[Model], values: Sequence[Any]) -> None:
        """Add a row with these values of all columns, in the order of the table."""
        row = zip(model._meta.sorted_field_names, values, strict=True)
        self.execute((model, "append"), lambda: model.insert(dict(row)), values)

    def insert(self, model: type[Model], row: Values) -> None:
        """Add a row, with defaults for columns that are not given."""
        whole = self._whole(model, row)
        self.execute((model, "insert", *row), lambda: model.insert(whole), whole.values())

    def insert_new(self, model: type[Model], row: Values) -> bool:
        """As `insert`, unless there is a row with that key; returns whether it was added."""
        try:
            self.insert(model, row)
        except sqlite3.IntegrityError as error:  # a clause ON CONFLICT would make every insertion slower
            if "UNIQUE" not in str(error):
                raise
            return False
        return True

    def insert_numbered(self, model: type[Model], row: Values) -> int:
        """As `insert`, in a table whose rows the database numbers; returns the number."""
        whole = self._whole(model, row)
        return int(self.run((model, "insert", *row), lambda: model.insert(whole), whole.values()).lastrowid)

    def _whole(self, model: type[Model], row: Values) -> Values:
        """The row with defaults, in the order in which peewee writes the columns."""
        key = (model, *row)
        defaults = self._defaults.get(key)
        if defaults is None:
            defaults = self._defaults[key] = _in_table_order(model, model._meta.get_default_dict() | dict.fromkeys(row))
        return {**defaults, **row}

    def copy(self, model: type[Model], where: Values, values: Values) -> None:
        """Copy the rows that match `where`, with these values in place of their own."""
        values = _in_table_order(model, values)
        columns = model._meta.sorted_fields

        def build() -> Query:
            copied = [Value(values[column.name]) if column.name in values else column for column in columns]
            return model.insert_from(model.select(*copied).where(*_equal(model, where)), columns)

        self.execute((model, "copy", tuple(values), _shape(where)), build, [*values.values(), *_given(where)])

    def update(self, model: type[Model], values: Values, where: Values) -> None:
        """Change the rows that match `where`."""
        values = _in_table_order(model, values)
        self.execute(
            (model, "update", *values, _shape(where)),
            lambda: model.update(values).where(*_equal(model, where)),
            [*values.values(), *_given(where)],
        )

    def overwrite(self, model: type[Model], row: Values) -> None:
        """Write back a whole row as it was selected, from a table whose first column is its key."""
        key, *values = row.values()

        def build() -> Query:
            name, *others = row
            return model.update({other: row[other] for other in others}).where(*_equal(model, {name: key}))

        self.execute((model, "overwrite"), build, (*values, key))

    def delete(self, model: type[Model], where: Values) -> None:
        """Remove the rows that match `where`."""
        key = (model, "delete", _shape(where))
        self.execute(key, lambda: model.delete().where(*_equal(model, where)), _given(where))

    def delete_some(self, model: type[Model], name: str, values: Sequence[Any], limit: int) -> int:
        """Remove at most `limit` rows whose column `name` has one of `values`; returns the number removed."""
        column, row = model._meta.fields[name], self.row_address  # by primary key, a batch would scan a whole world
        cursor = self.run(
            (model, "delete some", name, len(values)),
            lambda: model.delete().where(row.in_(model.select(row).where(column.in_(values)).limit(limit))),
            [*values, limit],
        )
        return int(cursor.rowcount)


def _row(model: type[Model], values: Iterable[Any]) -> dict[str, Any]:
    """A row as a dictionary; takes as many values as the table has columns."""
    row = dict(zip(model._meta.sorted_field_names, values, strict=False))
    for flag in _flags(model):
        row[flag] = bool(row[flag])
    return row


@cache
def _flags(model: type[Model]) -> tuple[str, ...]:
    """The boolean columns, which SQLite stores as numbers."""
    return tuple(name for name, field in model._meta.fields.items() if isinstance(field, BooleanField))


def _columns(model: type[Model], names: Iterable[str]) -> list[Any]:
    return [model._meta.fields[name] for name in names]


def _equal(model: type[Model], where: Values) -> Iterable[Any]:
    return (column == value for column, value in zip(_columns(model, where), where.values(), strict=True))


def _shape(where: Values) -> tuple[Any, ...]:
    """The part of `where` that determines the text of a statement: the names, and which of them are null."""
    return (*where, *(name for name, value in where.items() if value is None)) if None in where.values() else (*where,)


def _given(where: Values) -> list[Any]:
    return [value for value in where.values() if value is not None]


def _in_table_order(model: type[Model], values: Values) -> Values:
    """The values in the order in which peewee writes them."""
    return {name: values[name] for name in _sorted(model, tuple(values))}


@cache
def _sorted(model: type[Model], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in model._meta.sorted_field_names if name in names)
