"""One world inside one transaction: what the domain works on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import Field, Value

from mockserver import ids
from mockserver.clock import Clock
from mockserver.store import models
from mockserver.store.database import Transaction
from mockserver.store.models import Part, Row

_BATCH = 500  # rows in one statement: databases bound the variables of a statement


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

    def rows(self, model: type[Part], *conditions: Any, order: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """This world's rows of a table that meet all conditions, in the order they came or the order given."""
        query = model.select().where(model.world == self.number, *conditions)
        return self.transaction.rows(query.order_by(*(order or (model.position,))))

    def rows_with(
        self, model: type[Part], column: Field, values: Sequence[Any], *conditions: Any
    ) -> list[dict[str, Any]]:
        """This world's rows whose column has one of these values, however many those are."""
        found = []
        for batch in _batches(values):
            found += self.rows(model, column.in_(batch), *conditions)
        return found

    def get(self, model: type[Row], id: str) -> dict[str, Any] | None:
        """The row with that id, or None."""
        return self.transaction.first(model.select().where(model.world == self.number, model.id == id))

    def insert(self, model: type[Part], rows: list[dict[str, Any]]) -> None:
        """Add rows to a table of this world."""
        for batch in _batches(rows):
            self.transaction.run(model.insert_many([{"world": self.number, **row} for row in batch]))

    def update(self, model: type[Row], id: str, **values: Any) -> None:
        """Change the row with that id."""
        self.transaction.run(model.update(**values).where(model.world == self.number, model.id == id))

    def delete(self, model: type[Part], *conditions: Any) -> None:
        """Remove this world's rows of a table that meet all conditions."""
        self.transaction.run(model.delete().where(model.world == self.number, *conditions))

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
            self.transaction.run(models.World.update(columns).where(models.World.id == self.number))
            self._changed = False


def load(transaction: Transaction, number: int) -> World:
    """The world with that number."""
    row = transaction.rows(models.World.select().where(models.World.id == number))[0]
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


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


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
