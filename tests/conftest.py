"""A really started server for the whole session, and for each test a client with a sandbox of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpcore  # noqa: F401 - httpx imports it when first used; in a test of pytester, which forgets new modules, too late
import pytest
from support import Api

from mockserver import serving
from mockserver.config import Settings

pytest_plugins = ["pytester"]

# Their tests start processes, build packages or apply load. All others of this folder are marked `fast`.
INTEGRATION = {
    "test_cli",
    "test_concurrency",
    "test_copy_as",
    "test_determinism",
    "test_docs",
    "test_doors",
    "test_examples",
    "test_exec",
    "test_leaks",
    "test_pytest_plugin",
    "test_remote",
    "test_serving",
    "test_starting",
    "test_state_machine",
    "test_sweeper",
    "test_testing",
    "test_wheel",
}

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark the fast tests, before pytest selects by marks."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.stem not in INTEGRATION:
            item.add_marker("fast")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a server on a free port, with the default settings but room for a sandbox for each test."""
    with serving.bound_server(Settings(port=0, threads=8, max_sandboxes=100_000)) as (server, *_):
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
