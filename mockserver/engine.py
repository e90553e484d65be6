"""The mock behind an application: its settings, its store, its keys and its sandboxes."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from typing import NamedTuple

from flask import current_app

from mockserver import fixtures
from mockserver.config import Settings, flag
from mockserver.errors import ApiError
from mockserver.faults.catalogue import Operation
from mockserver.fidelity import contract
from mockserver.formats.json import quoted
from mockserver.keys import DEFAULT, UNIDENTIFIED, Caller, Keys
from mockserver.sandbox import state
from mockserver.sandbox.sandboxes import Room, SandboxDefaults, Sandboxes, listing
from mockserver.sandbox.sweeper import Sweeper
from mockserver.sandbox.waiting import Waiting
from mockserver.store.opening import open_store
from mockserver.store.transactions import Store, UnusableDatabase

_log = logging.getLogger("mockserver")
EXTENSION = "vambe_mock"


class Engine(NamedTuple):
    """Everything that a request needs; `close` releases the database.

    It belongs to the process that started it: in a child made by `os.fork`, `release` and `close` do nothing.
    """

    settings: Settings
    store: Store
    sandboxes: Sandboxes
    keys: Keys
    waiting: Waiting
    sweeper: Sweeper
    operations: tuple[Operation, ...]
    process: int

    def release(self) -> None:
        """End every wait: delayed requests, verifications and event streams."""
        if self.process == os.getpid():
            self.waiting.stop()

    def close(self) -> None:
        """End every wait and close the store; what is in memory is gone."""
        self.release()
        if self.process == os.getpid():
            self.sweeper.stop()
            self.store.close()


def start(settings: Settings, operations: tuple[Operation, ...]) -> Engine:
    """Load the fixtures and open the store, for an API with these operations.

    Raises `fixtures.InvalidFixtures` or `UnusableDatabase`, and leaves the database file unchanged.
    """
    loaded = fixtures.load(settings.fixtures)
    store = open_store(settings.database, _common(settings, loaded), settings.durable)
    waiting, sweeper = _waiting(settings, store), Sweeper(store)
    room = Room(settings.max_sandboxes, settings.sandbox_idle, waiting.is_awaited, sweeper.want)
    try:
        sandboxes = _sandboxes(settings, store, loaded, room)
    except ApiError as error:
        store.close()
        raise UnusableDatabase(error.message) from error
    waiting.listen(sandboxes)
    if settings.database:
        sweeper.want()  # rows superseded when the file was last in use
    keys = _keys(settings, loaded)
    return Engine(settings, store, sandboxes, keys, waiting, sweeper, operations, os.getpid())


def _common(settings: Settings, loaded: fixtures.Fixtures) -> dict[str, str]:
    """The settings that processes which share a store must agree on, as they are shown."""
    switches = ", ".join(f"{name}={value}" for name, value in sorted(settings.assumed.items()))
    given = ("seed", "clock", "strict", "max_body", "max_sandboxes", "sandbox_idle", "journal_limit")
    return {
        **{flag(name): str(getattr(settings, name)) for name in given},
        "--fixtures (digest)": loaded.digest[:16],
        "--api-key (digest)": _digest("\n".join(settings.api_key)),
        "--assume": switches,
        "--evidence (digest)": _digest(json.dumps(settings.evidence.document())) if settings.evidence else "none",
        "version of the contract": str(contract.VERSION),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _waiting(settings: Settings, store: Store) -> Waiting:
    if store.peers is None:
        return Waiting(settings.threads, settings.max_delayed)
    from mockserver.sandbox.sharing import SharedWaiting

    return SharedWaiting(settings.threads, settings.max_delayed, store.peers)


def _sandboxes(settings: Settings, store: Store, loaded: fixtures.Fixtures, room: Room) -> Sandboxes:
    template = state.keep_template(store, loaded.document, loaded.digest)
    start = template, settings.seed, settings.clock, settings.strict
    rules = settings.assumed, settings.evidence
    defaults = SandboxDefaults(*start, settings.journal_limit, *rules, loaded.document_at)
    sandboxes = Sandboxes(store, defaults, room)
    for name in (UNIDENTIFIED, DEFAULT):  # created at the start, so that both can be read before the first request
        with sandboxes.open(name):
            pass
    if others := sandboxes.with_other_fixtures():
        _log.warning(
            "The fixtures %s are for new sandboxes: %s keep what they have from others, "
            "until a reset (vambe-mock reset --sandbox NAME)",
            quoted(settings.fixtures),
            listing(others),
        )
    return sandboxes


def current_engine() -> Engine:
    """The mock of the application that handles the request."""
    engine: Engine = current_app.extensions[EXTENSION]
    return engine


def _keys(settings: Settings, loaded: fixtures.Fixtures) -> Keys:
    own = [(key, Caller(DEFAULT)) for key in settings.api_key]
    shipped = [
        (record["key"], Caller(DEFAULT, record["user_id"])) for record in loaded.api_keys if not record["revoked"]
    ]
    return Keys([*shipped, *own])
