"""One world inside one transaction, as the domain reads and changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mockserver.clock import LATEST_MS, Clock
from mockserver.formats import ids
from mockserver.store.models import Part, Row, WorldRow
from mockserver.store.statements import Rows
from mockserver.store.transactions import Transaction

Columns = dict[str, Any]
People = Mapping[str, Mapping[str, Any]]


class World:
    """A world in a transaction; `columns` are those of its own row, which `save` writes back.

    `number` is the key of this world in all its rows. `assumed` has the value of each switch, in a sandbox's world. For
    the journal, `changes` lists the reported changes of tasks and notes, and `relied` the rules that decided. The
    object may be reused in later transactions of the writer, as long as every change of the world goes through it and
    none is rolled back.
    """

    def __init__(
        self, transaction: Transaction, columns: Columns, assumed: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.transaction = transaction
        self.columns = columns
        self.number = int(columns["id"])
        self.assumed = assumed
        self.changes: list[dict[str, Any]] = []
        self.relied: set[str] = set()
        self._saved = dict(columns)
        self._people = transaction.people(self.number)
        self._statements = transaction.statements

    @property
    def seed(self) -> str:
        """The seed of ids and of the probabilities of faults."""
        return str(self.columns["seed"])

    @property
    def clock(self) -> Clock:
        """The current clock."""
        columns = self.columns
        return Clock(
            columns["clock_mode"], columns["clock_now_ms"], columns["clock_anchor_ms"], columns["clock_tick_ms"]
        )

    @clock.setter
    def clock(self, clock: Clock) -> None:
        self.columns |= clock_columns(clock)

    def rows(self, model: type[Part], order: Sequence[str] = ("position",), **where: Any) -> Rows:
        """This world's rows of a table whose columns have these values, in insertion order or in the given order."""
        return self._statements.select(model, self._mine(where), order)

    def people(self, model: type[Row]) -> People:
        """All rows of a table by id, in insertion order: cached, for tables that rarely change.

        The rows have the columns of their table alone, without those of `Part`.
        """
        found = self._people.get(model)
        if found is None:
            rows = self.rows(model)
            for row in rows:
                del row["world"], row["position"]
            found = self._people[model] = {row["id"]: row for row in rows}
        return found

    def get(self, model: type[Row], id: str) -> dict[str, Any] | None:
        """The row with that id, or None."""
        found = self.rows(model, (), id=id)
        return found[0] if found else None

    def insert(self, model: type[Part], rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows to a table of this world."""
        self._people.pop(model, None)
        for row in rows:
            self._statements.insert(model, {"world": self.number, **row})

    def update(self, model: type[Row], id: str, **values: Any) -> None:
        """Change the row with that id."""
        self._people.pop(model, None)
        self._statements.update(model, values, self._mine({"id": id}))

    def delete(self, model: type[Part], **where: Any) -> None:
        """Remove this world's rows of a table whose columns have these values."""
        self._people.pop(model, None)
        self._statements.delete(model, self._mine(where))

    def copy_rows(self, source: World, models: Iterable[type[Part]]) -> None:
        """Copy all rows of another world in these tables."""
        for model in models:
            self._people.pop(model, None)
            self._statements.copy(model, {"world": source.number}, {"world": self.number})

    def insert_new(self, model: type[Row], row: Mapping[str, Any]) -> str:
        """Add a row with the next UUID of the seed that is not in use; returns the UUID."""
        self._people.pop(model, None)
        while True:
            id = ids.mint(self.seed, model._meta.table_name, self.count(model) - 1)
            if self._statements.insert_new(model, {"world": self.number, "id": id, **row}):
                return id

    def count(self, model: type[Row]) -> int:
        """Increment the number of rows ever created in that table, and return it."""
        name = f"minted_{model._meta.table_name}s"
        self.columns[name] += 1
        return int(self.columns[name])

    def next_position(self) -> int:
        """A position after all others."""
        self.columns["last_position"] += 1
        return int(self.columns["last_position"])

    def report(self, resource: str, id: str, before: Any, after: Any) -> None:
        """Record for the journal a change of a task or a note; None stands for absence."""
        self.changes.append({"resource": resource, "id": id, "before": before, "after": after})

    def rely(self, *rules: str) -> None:
        """Record for the journal the rules of the contract, documented or not, that decided a value."""
        self.relied.update(rules)

    def tick(self) -> None:
        """Advance the clock after a successful write."""
        columns = self.columns
        if columns["clock_mode"] == "ticking":
            columns["clock_now_ms"] = min(columns["clock_now_ms"] + columns["clock_tick_ms"], LATEST_MS)

    def save(self) -> None:
        """Write back the world's own columns, if they changed."""
        if self.columns != self._saved:
            self._statements.overwrite(WorldRow, self.columns)
            self._saved = dict(self.columns)

    def _mine(self, where: Mapping[str, Any]) -> dict[str, Any]:
        return {"world": self.number, **where}


def load(transaction: Transaction, number: int) -> World:
    """The world with that number."""
    return World(transaction, transaction.statements.select(WorldRow, {"id": number})[0])


def create(transaction: Transaction, columns: Mapping[str, Any]) -> World:
    """A new world without rows; columns that are not given take their defaults."""
    given = {name: value for name, value in columns.items() if name != "id"}
    return load(transaction, transaction.statements.insert_numbered(WorldRow, given))


def clock_columns(clock: Clock) -> Columns:
    """The columns of a world that hold its clock."""
    return {
        "clock_mode": clock.mode,
        "clock_now_ms": clock.now_ms,
        "clock_anchor_ms": clock.anchor_ms,
        "clock_tick_ms": clock.tick_ms,
    }
