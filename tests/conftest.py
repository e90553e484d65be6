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
    "test_differential",
    "test_docs",
    "test_doors",
    "test_embedding",
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

# In the other modules, these take seconds: thousands of requests each, or a profile.
LONG = {
    "test_a_canary_key_sent_a_hundred_times_is_nowhere_to_be_found",
    "test_a_long_list_has_every_task_with_its_responsibles_in_order",
    "test_a_thousand_entries_are_kept_when_nothing_else_is_said",
    "test_generated_requests_get_answers_as_described",
    "test_more_sandboxes_than_stay_at_hand_are_as_exact_as_few",
    "test_no_host_breaks_the_rule_or_the_application",
    "test_no_origin_breaks_the_application_or_is_let_in_by_its_looks",
    "test_sixteen_mebibytes_are_kept",
    "test_the_ring_is_exact_after_every_entry_and_every_start",
    "test_the_walk_of_a_create_is_counted",
    "test_what_is_deleted_from_the_journal_is_deleted_many_at_a_time",
}

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark the fast tests, before pytest selects by marks."""
    for item in items:
        beside = item.path.parent == Path(__file__).parent and item.path.stem not in INTEGRATION
        if beside and item.name.partition("[")[0] not in LONG:
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
