"""Clearing up: batches of a bounded number of rows, whatever those rows belong to, and of nothing that is in use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from support import CARLOS, CONTACT, MARIA

from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.engine import EXTENSION, Engine
from mockserver.sandbox.sweeper import sweep
from mockserver.store.models import TABLES
from mockserver.store.sqlite.database import open_store

BATCH = 100
TASK = {"title": "Call the client", "responsibleIds": [MARIA, CARLOS], "priority": "1", "aiContactId": CONTACT}


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    """A client of an application that clears nothing up by itself."""
    app = create_app(Settings(max_sandboxes=1000))
    app.extensions[EXTENSION].sweeper.stop()
    yield app.test_client()
    app.extensions[EXTENSION].close()


def mock_of(client: FlaskClient) -> Engine:
    mock: Engine = client.application.extensions[EXTENSION]
    return mock


def rows(client: FlaskClient) -> list[list[dict[str, Any]]]:
    """Everything that is in the store."""
    with mock_of(client).store.read() as transaction:
        return [transaction.rows(model.select()) for model in TABLES]


def count(client: FlaskClient) -> int:
    return sum(map(len, rows(client)))


def call(client: FlaskClient, method: str, path: str, body: object = None, sandbox: str = "default") -> None:
    answer = client.open(path, method=method, json=body, headers={"x-api-key": f"test_{sandbox}"})
    assert answer.status_code in (200, 201), answer.text


def batches(client: FlaskClient) -> list[int]:
    """The number of rows that each batch cleared until there was nothing more."""
    cleared = []
    left = count(client)
    while sweep(mock_of(client).store):
        cleared.append(left - count(client))
        left -= cleared[-1]
        assert cleared[-1]
    assert count(client) == left
    return cleared


def test_a_batch_clears_several_small_sandboxes_with_their_journals(client: FlaskClient) -> None:
    begun = rows(client)
    for number in range(40):
        call(client, "POST", "/__admin/sandboxes", {"name": f"a{number}"})
        call(client, "POST", "/api/public/tasks", TASK, f"a{number}")
        call(client, "DELETE", f"/__admin/sandboxes/a{number}")
    superseded = count(client) - sum(map(len, begun))
    cleared = batches(client)
    assert sum(cleared) == superseded
    assert len(cleared) == -(-superseded // BATCH)
    assert rows(client) == begun


def test_no_batch_clears_more_rows_than_its_bound_however_large_a_sandbox_was(client: FlaskClient) -> None:
    for _ in range(210):
        call(client, "POST", "/api/public/tasks", TASK)
    call(client, "POST", "/__admin/reset")
    cleared = batches(client)
    assert set(cleared[:-1]) == {BATCH}
    assert 0 < cleared[-1] <= BATCH
    assert sum(cleared) > 3 * 210  # tasks, notes, and entries of the journal


def test_what_is_in_use_stays_among_what_is_cleared_up(client: FlaskClient) -> None:
    for name in ("a", "b", "c"):
        call(client, "POST", "/api/public/tasks", TASK, name)
        call(client, "POST", "/__admin/faults", {"delay_ms": 1, "match": {"operation": "deleteTask"}}, name)
        call(client, "POST", "/__admin/snapshots", {"name": "kept"}, name)
    call(client, "DELETE", "/__admin/sandboxes/b")
    kept = ["state", "faults", "requests", "snapshots"]
    before = [client.get(f"/__admin/{path}?sandbox={name}").text for path in kept for name in ("a", "c")]
    assert batches(client)
    assert [client.get(f"/__admin/{path}?sandbox={name}").text for path in kept for name in ("a", "c")] == before
    call(client, "POST", "/__admin/snapshots/kept/restore", sandbox="a")
    assert batches(client)
    assert client.get("/__admin/state?sandbox=a").text == before[0]


def test_where_nothing_is_superseded_it_does_not_even_wait_for_its_turn_to_write(tmp_path: Path) -> None:
    opened = contextlib.closing(open_store(tmp_path / "world.db"))
    with opened as store, ThreadPoolExecutor(1) as pool, store.write():
        assert pool.submit(sweep, store).result(timeout=10) is False
