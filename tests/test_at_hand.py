"""A sandbox stays at hand between requests: few statements, and never an answer that the database would not give."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import CARLOS, CONTACT, MARIA, Api, assert_error

from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.domain import notes
from mockserver.engine import EXTENSION, Engine
from mockserver.sandbox import sandboxes
from mockserver.sandbox.sandboxes import OpenSandbox
from mockserver.store import contents
from mockserver.store.models import Entry, User
from mockserver.store.sqlite.database import Connections

TASK = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}
TASKS = "/api/public/tasks"


@contextlib.contextmanager
def opened_app(**settings: Any) -> Iterator[tuple[Engine, Callable[..., Any]]]:
    """An application of one's own, and what calls it: method, path, body and sandbox."""
    app = create_app(Settings(**settings))
    mock: Engine = app.extensions[EXTENSION]
    client = app.test_client()

    def call(method: str, path: str, body: object = None, sandbox: str = "default", status: int | None = None) -> Any:
        answer = client.open(path, method=method, json=body, headers={"x-api-key": f"test_{sandbox}"})
        assert answer.status_code in ((200, 201) if status is None else (status,)), answer.text
        return answer

    try:
        yield mock, call
    finally:
        mock.close()


def statements(mock: Engine, work: Callable[[], object]) -> list[str]:
    """The statements of the writer, each up to the name of its table."""
    told: list[str] = []
    connection = mock.store.writer.connection()
    connection.set_trace_callback(told.append)
    work()
    connection.set_trace_callback(None)
    return [" ".join(text.split(" (")[0].split(" SET ")[0].split()[:3]).replace('"', "") for text in told]


def test_a_request_takes_five_statements_and_a_list_four() -> None:
    with opened_app() as (mock, call):
        call("POST", TASKS, TASK)
        call("GET", f"{TASKS}?fromDate=2025-11-26&toDate=2025-11-26&responsibleIds={MARIA}")
        create = ["BEGIN IMMEDIATE", "INSERT INTO task", "INSERT INTO entry", "UPDATE world", "COMMIT"]
        assert statements(mock, lambda: call("POST", TASKS, TASK)) == create
        query = f"fromDate=2025-11-26&toDate=2025-11-26&includeTasksWithoutDates=false&responsibleIds={MARIA},{CARLOS}"
        listed = statements(mock, lambda: call("GET", f"{TASKS}?{query}"))
        assert [text.split()[0] for text in listed] == ["BEGIN", "SELECT", "INSERT", "COMMIT"]


def test_what_is_deleted_from_the_journal_is_deleted_many_at_a_time() -> None:
    with opened_app(journal_limit=5) as (mock, call):
        call("GET", "/x", status=404)
        told = statements(mock, lambda: [call("GET", "/x", status=404) for _ in range(640)])
        assert told.count("DELETE FROM entry") == 10
        assert len(told) < 640 * 3.25  # five sizes of what goes next are read at once


# What is undone.


def test_nothing_of_a_request_that_failed_is_remembered(
    api: Api, other_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = api.created(title="first")

    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(notes, "attach", fail)
        refused = api.create(title="second", aiContactId=CONTACT)
        assert_error(refused, 500)
    second = api.create(title="second", aiContactId=CONTACT)
    assert api.listed() == [first, second.json()]
    assert second.json()["created_at"] == "2025-11-26T09:00:01.000Z"
    ids = [int(answer.headers["X-Mock-Request-Id"]) for answer in (refused, second)]
    assert ids == [2, 3]
    other_api.created(title="first")
    assert other_api.created(title="second", aiContactId=CONTACT) == second.json()


def test_nothing_of_a_request_that_could_not_be_committed_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Connections.run

    def fail(connections: Connections, statement: str) -> None:
        if statement == "COMMIT":
            raise sqlite3.OperationalError("database or disk is full")
        run(connections, statement)

    with opened_app() as (_, call):
        call("POST", TASKS, TASK)
        with monkeypatch.context() as patch:
            patch.setattr(Connections, "run", fail)
            call("POST", TASKS, TASK, status=507)
        answer = call("POST", TASKS, TASK)
        assert answer.headers["X-Mock-Request-Id"] == "2"
        expected = [call("POST", TASKS, TASK, "other").json for _ in range(2)][1]
        assert answer.json == expected


def test_people_that_were_changed_are_as_before_when_the_change_is_undone() -> None:
    with opened_app() as (mock, call):
        before = call("GET", "/api/public/team-members/all").json

        def rename(opened: OpenSandbox) -> None:
            opened.world.update(User, MARIA, first_name="Nobody")
            opened.world.columns["strict"] = True
            opened.journal.append(b"{}")
            assert opened.world.people(User)[MARIA]["first_name"] == "Nobody"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            mock.sandboxes.carry_out("default", rename)
        answer = call("GET", "/api/public/team-members/all")
        assert (answer.json, answer.headers["X-Mock-Request-Id"]) == (before, "2")
        assert call("GET", "/__admin/settings").json["strict"] is False
        call("POST", TASKS, {**TASK, "unread": 1})


def test_what_is_written_to_people_is_read_again() -> None:
    with opened_app() as (mock, _):
        mock.sandboxes.create("other")
        with mock.sandboxes.look("other") as looked:
            number = looked.world.number
        with mock.sandboxes.open("default") as opened:
            world, other = opened.world, contents.load(opened.world.transaction, number)
            maria, all_of_them = dict(world.people(User)[MARIA]), len(world.people(User))
            world.update(User, MARIA, active=False)
            assert world.people(User)[MARIA]["active"] is False
            world.delete(User, id=MARIA)
            assert MARIA not in world.people(User)
            world.insert(User, [{**maria, "position": 1}])
            assert world.people(User)[MARIA] == maria
            world.delete(User)
            assert world.people(User) == {}
            world.copy_rows(other, [User])
            assert len(world.people(User)) == all_of_them


# What others change.


def renamed(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "users": [{**user, "first_name": "Other"} for user in state["users"]]}


def test_what_the_control_plane_changes_is_what_the_next_request_finds(api: Api) -> None:
    """Each change comes between two requests, so that the sandbox is at hand when it is made."""
    client = api.client

    def names() -> set[str]:
        return {user["first_name"] for user in client.get("/api/public/team-members/all").json()}

    def done(method: str, path: str, body: object = None) -> Any:
        answer = client.request(method, f"/__admin/{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    first = api.created()
    shipped = names()
    done("POST", "snapshots", {"name": "one"})
    done("PUT", "state", renamed(api.state()))
    assert names() == {"Other"}
    assert api.created()["id"] != first["id"]
    done("POST", "snapshots/one/restore")
    assert names() == shipped
    assert api.listed() == [first]
    done("PUT", "clock", {"now": "2030-01-01T00:00:00.000Z"})
    assert api.created()["created_at"] == "2030-01-01T00:00:00.000Z"
    done("PATCH", "settings", {"strict": True})
    assert_error(api.create(unread=1), 400)
    done("PATCH", "settings", {"strict": False, "rate_limit": {"requests": 1, "seconds": 3600}})
    assert api.create(unread=1).status_code == 201
    assert_error(api.list(), 429)
    done("PATCH", "settings", {"rate_limit": None})
    rule = done("POST", "faults", {"status": 503, "times": None})["id"]
    assert_error(api.list(), 503)
    done("DELETE", f"faults/{rule}")
    assert api.list().status_code == 200
    last = int(api.list().headers["X-Mock-Request-Id"])
    done("DELETE", "requests")
    assert api.list().headers["X-Mock-Request-Id"] == str(last + 1)
    assert [entry["id"] for entry in done("GET", "requests")["requests"]] == [last + 1]
    done("POST", "reset", {"only": ["journal"]})
    assert api.list().headers["X-Mock-Request-Id"] == "1"
    done("POST", "reset")
    assert api.listed() == []
    assert api.created() == first
    done("DELETE", f"sandboxes/{api.key.removeprefix('test_')}")
    assert api.created() == first


def test_a_version_is_the_same_as_long_as_nothing_happens_in_the_sandbox() -> None:
    with opened_app() as (mock, call):

        def version() -> tuple[int, int, int]:
            with mock.sandboxes.look("default") as opened:
                return opened.version

        seen = [version()]
        assert version() == mock.sandboxes.carry_out("default", lambda opened: opened.version)
        state = call("GET", "/__admin/state").json
        for request in (
            ("POST", TASKS, TASK),
            ("GET", "/api/public/team-members/all"),
            ("POST", "/__admin/reset", {"only": ["journal"]}),
            ("POST", "/__admin/reset", {"only": ["tasks"]}),
            ("PUT", "/__admin/state", state),
        ):
            call(*request)
            seen.append(version())
        assert len(set(seen)) == len(seen)


# How many.


def test_more_sandboxes_than_stay_at_hand_are_as_exact_as_few() -> None:
    names = [f"s{number}" for number in range(sandboxes.MAX_AT_HAND + 20)]
    with opened_app() as (mock, call):
        for number in range(1, 4):
            answers = [call("POST", TASKS, TASK, name) for name in names]
            assert len({answer.data for answer in answers}) == 1
            assert {answer.headers["X-Mock-Request-Id"] for answer in answers} == {str(number)}
        with mock.store.write() as transaction:
            assert len(transaction.memory) == sandboxes.MAX_AT_HAND


# What makes room in the journal.


class Ring:
    """A journal as it ought to be: a list, from whose beginning entries are taken."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, int]] = []  # id and size
        self.count = self.dropped = 0

    def append(self, size: int, limit: int, max_bytes: int) -> None:
        self.count += 1
        self.kept.append((self.count, size))
        while len(self.kept) > limit or (sum(size for _, size in self.kept) > max_bytes and len(self.kept) > 1):
            del self.kept[0]
            self.dropped += 1


SIZES = [10, 10, 200, 10, 900, 10, 10, 300, 2000, 10, 10, 10, 450, 450, 450, 10]


@pytest.mark.parametrize("limits", [[5], [1], [1000], [70, 3, 500], [200, 199, 1]], ids=str)
def test_the_ring_is_exact_after_every_entry_and_every_start(
    limits: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    max_bytes = 1000 if limits[0] < 100 else 20_000
    monkeypatch.setattr("mockserver.journal.journal.MAX_BYTES", max_bytes)
    ring, sizes = Ring(), itertools.cycle(SIZES)
    for limit in itertools.islice(itertools.cycle(limits), 6):  # each time from the file
        with opened_app(database=tmp_path / "world.db", journal_limit=limit) as (mock, _):
            for number in range(100):
                if number:
                    size = next(sizes)
                    entry = b'{"":' + str(ring.count + 1).encode().ljust(size - 5) + b"}"
                    mock.sandboxes.carry_out("default", lambda opened, entry=entry: opened.journal.append(entry))
                    ring.append(size, limit, max_bytes)
                for look in (mock.sandboxes.look, mock.sandboxes.open) if number % 7 == 0 else (mock.sandboxes.look,):
                    with look("default") as opened:
                        check(opened, ring)
            with mock.store.read() as transaction:
                rows = transaction.statements.count(Entry)
            assert rows <= len(ring.kept) + 64


def check(opened: OpenSandbox, ring: Ring) -> None:
    """The journal shows what it ought to."""
    journal, ids = opened.journal, [id for id, _ in ring.kept]
    assert list(journal.entries()) == [{"": id} for id in ids]
    assert (journal.next_id(), journal.dropped()) == (ring.count + 1, ring.dropped)
    for id in {1, ring.count, ring.count + 1, *(ids[:1]), *(id - 1 for id in ids[:1])}:
        assert journal.get(id) == ({"": id} if id in ids else None)
    assert list(journal.entries(since=ring.count - 2)) == [{"": id} for id in ids[-2:]]


def test_a_task_that_is_created_again_is_noticed_after_a_start_and_after_the_journal_was_emptied(
    tmp_path: Path,
) -> None:
    def advice(call: Callable[..., Any]) -> list[str]:
        return [each["rule"] for each in call("GET", "/__admin/requests").json["requests"][-1]["advice"]]

    with opened_app(database=tmp_path / "world.db") as (_, call):
        call("POST", TASKS, TASK)
        assert advice(call) == []
        call("GET", "/api/public/team-members/all")
    for _ in range(2):
        with opened_app(database=tmp_path / "world.db") as (_, call):
            call("POST", TASKS, TASK)
            assert advice(call) == ["same-task-twice"]
            call("DELETE", "/__admin/requests")
