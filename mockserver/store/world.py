"""One world inside one transaction: what the domain works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import Value

from mockserver import ids
from mockserver.clock import Clock
from mockserver.store import models
from mockserver.store.database import Transaction
from mockserver.store.models import Part, Row
from mockserver.store.statements import Rows, Statements

_BATCH = 500  # values in one statement: databases bound them


@dataclass
class World:
    """A world, its clock and its counters; what it changes is in the transaction until `save`."""

    transaction: Transaction
    number: int
    seed: str
    clock: Clock
    minted: dict[str, int]
    last_position: int
    _changed: bool = field(default=False, repr=False)

    def rows(self, model: type[Part], order: Sequence[str] = ("position",), **where: Any) -> Rows:
        """This world's rows of a table whose columns have these values, in the order they came or the order given."""
        return self._statements.select(model, self._mine(where), order)

    def rows_among(self, model: type[Part], name: str, values: Sequence[Any], **where: Any) -> Rows:
        """Of `rows`, those whose column `name` has one of these values, however many those are."""
        found: Rows = []
        for start in range(0, len(values), _BATCH):
            batch = values[start : start + _BATCH]
            found += self._statements.select_among(model, self._mine(where), name, batch, ("position",))
        return found

    def get(self, model: type[Row], id: str) -> dict[str, Any] | None:
        """The row with that id, or None."""
        found = self.rows(model, (), id=id)
        return found[0] if found else None

    def insert(self, model: type[Part], rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows to a table of this world."""
        for row in rows:
            self._statements.insert(model, {"world": self.number, **row})

    def update(self, model: type[Row], id: str, **values: Any) -> None:
        """Change the row with that id."""
        self._statements.update(model, values, self._mine({"id": id}))

    def delete(self, model: type[Part], **where: Any) -> None:
        """Remove this world's rows of a table whose columns have these values."""
        self._statements.delete(model, self._mine(where))

    def mint(self, model: type[Row]) -> str:
        """A new id for a row of that table: the next of the seed's that is not present."""
        resource = model.__name__.lower()
        while True:
            id = ids.mint(self.seed, resource, self.minted[resource])
            self.minted[resource] += 1
            self._changed = True
            if self.get(model, id) is None:
                return id

    def next_position(self) -> int:
        """A position after all others."""
        self.last_position += 1
        self._changed = True
        return self.last_position

    def tick(self) -> None:
        """A write has succeeded: the clock moves on."""
        ticked = self.clock.ticked()
        self._changed = self._changed or ticked != self.clock
        self.clock = ticked

    def save(self) -> None:
        """Write the clock and the counters back, if they changed."""
        if self._changed:
            columns = _columns(self.seed, self.clock, self.minted, self.last_position)
            self._statements.update(models.World, columns, {"id": self.number})
            self._changed = False

    @property
    def _statements(self) -> Statements:
        return self.transaction.statements

    def _mine(self, where: Mapping[str, Any]) -> dict[str, Any]:
        return {"world": self.number, **where}


def load(transaction: Transaction, number: int) -> World:
    """The world with that number."""
    row = transaction.statements.select(models.World, {"id": number})[0]
    clock = Clock(row["clock_mode"], row["clock_now_ms"], row["clock_anchor_ms"], row["clock_tick_ms"])
    minted = {"task": row["minted_tasks"], "note": row["minted_notes"]}
    return World(transaction, number, row["seed"], clock, minted, row["last_position"])


def create(transaction: Transaction, seed: str, clock: Clock) -> World:
    """A new world without rows."""
    minted = {"task": 0, "note": 0}
    number = transaction.run(models.World.insert(_columns(seed, clock, minted, 0)))
    return World(transaction, number, seed, clock, minted, 0)


def copy(source: World, seed: str, clock: Clock) -> World:
    """A new world with the rows of another, at its own clock's start and with fresh counters."""
    made = create(source.transaction, seed, clock)
    for model in models.WORLD_TABLES:
        others = [column for name, column in model._meta.fields.items() if name != "world"]
        rows = model.select(Value(made.number), *others).where(model.world == source.number)
        source.transaction.run(model.insert_from(rows, [model.world, *others]))
    made.last_position = source.last_position
    made._changed = True
    made.save()
    return made


def _columns(seed: str, clock: Clock, minted: dict[str, int], last_position: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "clock_mode": clock.mode,
        "clock_now_ms": clock.now_ms,
        "clock_anchor_ms": clock.anchor_ms,
        "clock_tick_ms": clock.tick_ms,
        "minted_tasks": minted["task"],
        "minted_notes": minted["note"],
        "last_position": last_position,
    }
