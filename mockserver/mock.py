"""The mock behind an application: its settings, its store, its keys and its sandboxes."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from mockserver import fixtures
from mockserver.config import Settings
from mockserver.sandbox import names, templates
from mockserver.sandbox.names import Caller, Keys
from mockserver.sandbox.sandboxes import Sandboxes
from mockserver.store.database import Store

EXTENSION = "vambe_mock"


@dataclass(frozen=True)
class Mock:
    """Everything that a request needs; `close` gives the database back."""

    settings: Settings
    store: Store
    sandboxes: Sandboxes
    keys: Keys

    def close(self) -> None:
        """Close the store; a temporary database is removed."""
        self.store.close()


def start(settings: Settings) -> Mock:
    """Load the fixtures and open the store.

    Raises `fixtures.InvalidFixtures` or `UnusableDatabase`; the database file is untouched then.
    """
    loaded = fixtures.load(settings.fixtures)
    store = Store(settings.database)
    template = templates.keep(store, loaded.document, loaded.digest)
    sandboxes = Sandboxes(store, template, seed=settings.seed, clock=settings.clock, limit=settings.max_sandboxes)
    with sandboxes.open(names.DEFAULT):
        pass  # it exists from the start, so that the control plane can show it before the first request
    return Mock(settings, store, sandboxes, _keys(settings, loaded))


def current_mock() -> Mock:
    """The mock of the application that handles the request."""
    mock: Mock = current_app.extensions[EXTENSION]
    return mock


def _keys(settings: Settings, loaded: fixtures.Fixtures) -> Keys:
    own = [(key, Caller(names.DEFAULT)) for key in settings.api_key]
    shipped = [
        (record["key"], Caller(names.DEFAULT, record["user_id"])) for record in loaded.api_keys if not record["revoked"]
    ]
    return Keys([*shipped, *own])
