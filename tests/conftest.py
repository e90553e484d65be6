"""A really started server for the whole session, and for each test a client with a sandbox of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpcore  # noqa: F401 - httpx imports it when first used; in a test of pytester, which forgets new modules, too late
import pytest

pytest.register_assert_rewrite("containers", "nginx", "support")  # their checks say what they found

import shards
import stores
from support import Api

from mockserver import serving
from mockserver.config import Settings

pytest_plugins = ["pytester"]

# Their tests start processes, build packages or apply load. All others of this folder are marked `fast`.
INTEGRATION = {
    "test_cli",
    "test_concurrency",
    "test_conform",
    "test_container",
    "test_copy_as",
    "test_determinism",
    "test_differential",
    "test_docs",
    "test_doors",
    "test_embedding",
    "test_examples",
    "test_exec",
    "test_generated_clients",
    "test_leaks",
    "test_measured",
    "test_node_client",
    "test_postgresql",
    "test_postgresql_faults",
    "test_prism",
    "test_proxies",
    "test_pytest_plugin",
    "test_release",
    "test_remote",
    "test_replay",
    "test_scaling",
    "test_serving",
    "test_starting",
    "test_state_machine",
    "test_sweeper",
    "test_testing",
    "test_wheel",
}

# In the other modules, these take seconds: thousands of requests each, or a profile.
LONG = {
    "test_a_body_that_keeps_coming_outlasts_the_stall",
    "test_a_canary_key_sent_a_hundred_times_is_nowhere_to_be_found",
    "test_a_client_that_reads_slowly_gets_all",
    "test_a_long_list_has_every_task_with_its_responsibles_in_order",
    "test_a_made_up_token_is_printed_at_the_start_as_json",
    "test_a_made_up_token_is_printed_at_the_start_as_text",
    "test_a_thousand_entries_are_kept_when_nothing_else_is_said",
    "test_entries_that_grow_with_their_answers_stay_within_the_size_of_the_journal",
    "test_exec_says_that_a_request_still_waits",
    "test_generated_requests_get_answers_as_described",
    "test_more_sandboxes_than_stay_at_hand_are_as_exact_as_few",
    "test_no_host_breaks_the_rule_or_the_application",
    "test_no_origin_breaks_the_application_or_is_let_in_by_its_looks",
    "test_progress_is_shown_on_a_terminal",
    "test_requests_ends_with_their_number_and_shows_them_on_demand",
    "test_requests_follow_prints_it_once_when_it_is_answered",
    "test_resets_snapshots_and_restores_of_one_sandbox_are_whole_and_disturb_no_other",
    "test_sixteen_mebibytes_are_kept",
    "test_ten_thousand_odd_hosts_and_origins_never_make_it_fail",
    "test_the_ring_is_exact_after_every_entry_and_every_start",
    "test_the_same_requests_are_drawn_in_every_sandbox_and_after_a_reset",
    "test_the_walk_of_a_create_is_counted",
    "test_times_is_exact_under_load",
    "test_what_is_deleted_from_the_journal_is_deleted_many_at_a_time",
    "test_what_is_pulled_is_answered_again",
    "test_what_was_pending_when_a_server_was_killed_is_abandoned_at_the_next_start",
}


def _exceptions(name: str) -> dict[str, str]:
    """The black-box tests that fail behind a load balancer, and why."""
    table = json.loads((Path(__file__).parent / "data" / f"{name}.json").read_text(encoding="utf-8"))
    return {test: reason for reason, tests in table.items() for test in tests}


# The modules that run on each store, besides the black-box tests.
OF_STORES = {
    "test_concurrency",
    "test_contention",
    "test_events",
    "test_kill",
    "test_postgresql",
    "test_postgresql_faults",
    "test_state_machine",
    "test_store",
    "test_sweeper",
    "test_transcript",
    "test_waiting",
}

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that run the black-box tests through HAProxy, or on another store."""
    parser.addoption("--store", choices=("sqlite", "postgresql"), default="sqlite", help="Where sandboxes are kept.")
    parser.addoption("--sharded", action="store_true", help="Run the black-box tests, on three shards behind HAProxy.")


def _is_black_box(item: pytest.Item) -> bool:
    """Test if a test sees nothing of the session's server but its answers."""
    names = set(getattr(item, "fixturenames", ()))
    return "server_url" in names and names.isdisjoint(("monkeypatch", "caplog")) and not _is_of_sqlite(item)


def _is_of_sqlite(item: pytest.Item) -> bool:
    """Test if a test is about SQLite and nothing else."""
    module = item.path.stem
    return module == "test_disk_full" or (module == "test_store" and "store" not in getattr(item, "fixturenames", ()))


def _is_of_stores(item: pytest.Item) -> bool:
    """Test if a test runs on each store."""
    return _is_black_box(item) or (item.path.stem in OF_STORES and not _is_of_sqlite(item))


def _choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that the options ask for; mark those that are known to fail then."""
    is_chosen, exceptions = _is_of_stores, {}
    if config.option.sharded:
        on_sqlite = config.option.store == "sqlite"
        is_chosen, exceptions = _is_black_box, _exceptions("behind_haproxy" if on_sqlite else "behind_round_robin")
    chosen, others = [], []
    for item in items:
        (chosen if is_chosen(item) else others).append(item)
        if reason := exceptions.get(item.nodeid.rpartition("tests/")[2]):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


def _may_be_fast(path: Path) -> bool:
    """Test if the tests of a file may be marked `fast`: it lies beside this one, and is not in `INTEGRATION`."""
    return path.parent == Path(__file__).parent and path.stem not in INTEGRATION


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import the other files when only fast tests are to run."""
    other = collection_path.is_file() and not _may_be_fast(collection_path)
    return True if other and config.option.markexpr == "fast" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the fast tests, before pytest selects by marks."""
    if config.option.sharded or config.option.store != "sqlite":
        _choose(config, items)
    for item in items:
        if _may_be_fast(item.path) and item.name.partition("[")[0] not in LONG:
            item.add_marker("fast")


@pytest.fixture(scope="session", autouse=True)
def _store(pytestconfig: pytest.Config) -> Iterator[None]:
    """The store that the servers of the session use."""
    with stores.on_postgresql() if pytestconfig.option.store == "postgresql" else contextlib.nullcontext():
        yield


def _behind_haproxy(environment: Mapping[str, str], port: int) -> contextlib.AbstractContextManager[str]:
    """Three shards, or three processes that share the session's database."""
    if not stores.is_postgresql():
        return shards.three_shards(environment, port)
    return shards.three_processes(environment, port, stores.running_cluster().url())


@pytest.fixture(scope="session")
def server_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """The URL of a server on a free port, with the default settings but room for a sandbox for each test."""
    if pytestconfig.option.sharded:
        with shards.commands() as environment, _behind_haproxy(environment, shards.free_ports(4)) as url:
            yield url
        return
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
