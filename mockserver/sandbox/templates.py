"""The fixtures in the store: a world that sandboxes are copied from, kept by the digest of its content."""

from __future__ import annotations

from mockserver.clock import ClockSetting
from mockserver.sandbox import state
from mockserver.store import world as worlds
from mockserver.store.database import Store
from mockserver.store.models import Template


def keep(store: Store, document: state.Document, digest: str) -> int:
    """The number of the world that holds these fixtures; it is made when the store has none yet."""
    with store.write() as transaction:
        known = transaction.statements.select(Template, {"digest": digest})
        if known:
            return int(known[0]["world"])
        world = worlds.create(transaction, {"seed": "", **worlds.clock_columns(ClockSetting("frozen").start_clock())})
        state.fill(world, document)
        transaction.run(Template.insert(digest=digest, world=world.number))
        return world.number
