"""A really started server for the whole session, and for each test a client with a sandbox of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from support import Api

from mockserver import serving
from mockserver.config import Settings

pytest_plugins = ["pytester"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a server on a free port, with the default settings but room for a sandbox for each test."""
    with serving.opened(Settings(port=0, threads=8, max_sandboxes=100_000)) as (server, *_):
        server.start()
        yield server.url


@pytest.fixture
def api(server_url: str) -> Iterator[Api]:
    """A client whose sandbox no other test has."""
    actor = Api(server_url, f"test_t{next(_numbers)}")
    with actor.client:
        yield actor


@pytest.fixture
def other_api(server_url: str) -> Iterator[Api]:
    """A second client, in a second sandbox."""
    actor = Api(server_url, f"test_t{next(_numbers)}")
    with actor.client:
        yield actor
