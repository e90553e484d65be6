"""Sandboxes: opened by name, each a copy of the fixtures of its own (design, idea 2)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mockserver.clock import ClockSetting
from mockserver.errors import NotFound, ServiceUnavailable, Unauthorized
from mockserver.sandbox.names import Caller
from mockserver.store import world as worlds
from mockserver.store.database import Store, Transaction
from mockserver.store.models import Sandbox, User
from mockserver.store.world import World


class Sandboxes:
    """All sandboxes of a store.

    `template` is the number of the world that holds the fixtures; `seed` and `clock` are those of a sandbox
    that is opened for the first time, and `limit` is how many there may be.
    """

    def __init__(self, store: Store, template: int, *, seed: str, clock: ClockSetting, limit: int) -> None:
        self._store = store
        self._template = template
        self._seed = seed
        self._clock = clock
        self._limit = limit

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[World]:
        """The sandbox's world for reading and writing; on first use a copy of the fixtures.

        What the block does is kept when it ends, and undone when it raises. Raises ServiceUnavailable when
        the sandbox is new and there are as many as there may be.
        """
        with self._store.write() as transaction:
            number = _world_of(transaction, name)
            world = self._create(transaction, name) if number is None else worlds.load(transaction, number)
            yield world
            world.save()

    @contextlib.contextmanager
    def look(self, name: str) -> Iterator[World]:
        """The world of an existing sandbox, for reading only; NotFound when there is none."""
        with self._store.read() as transaction:
            number = _world_of(transaction, name)
            if number is None:
                raise NotFound(f"There is no sandbox {name!r}")
            yield worlds.load(transaction, number)

    def count(self) -> int:
        """How many sandboxes there are."""
        with self._store.read() as transaction:
            return _count(transaction)

    def _create(self, transaction: Transaction, name: str) -> World:
        if _count(transaction) >= self._limit:
            raise ServiceUnavailable(f"There are {self._limit} sandboxes, as many as --max-sandboxes allows")
        template = worlds.load(transaction, self._template)
        made = worlds.copy(template, self._seed, self._clock.start_clock())
        transaction.run(Sandbox.insert(name=name, world=made.number))
        # Kept even if the request that opened it is refused.
        transaction.commit()
        return made


def actor(world: World, caller: Caller) -> str:
    """The id of the user whom the caller acts as; Unauthorized when the world has no such active user."""
    wanted = {} if caller.user_id is None else {"id": caller.user_id}
    users = world.rows(User, active=True, **wanted)
    if not users:
        raise Unauthorized
    return str(users[0]["id"])


def _world_of(transaction: Transaction, name: str) -> int | None:
    found = transaction.statements.select(Sandbox, {"name": name})
    return int(found[0]["world"]) if found else None


def _count(transaction: Transaction) -> int:
    return len(transaction.rows(Sandbox.select(Sandbox.name)))
