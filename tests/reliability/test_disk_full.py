"""A full disk: what would write is a 507, what only reads goes on, and nothing that was acknowledged is lost.

Two kinds of it, both through HTTP: a database that may have no more pages, in this process, where SQLite says FULL; and
a limit on the size of files, of a server's process, where the system refuses the write, and SQLite says IOERR. A disk
without a byte left is of the first kind to SQLite, and of the second to a file.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import COMMAND, UNKNOWN_ID, Api, assert_error, served, uncovered_environment, wait_until

from mockserver import serving
from mockserver.config import Settings
from mockserver.sandbox import sweeper
from mockserver.store import orm
from mockserver.store.models import Sandbox
from mockserver.store.sqlite import database, error_codes
from mockserver.store.sqlite.database import Connections, open_store
from mockserver.store.transactions import StorageFull, Store, Transaction, WouldWrite
from reliability.processes import Process

LARGE = "x" * 5_000  # a description that needs pages of its own
FILE_BYTES = 500_000
PAGES = ("/__admin/", "/__admin/console/requests", "/__admin/console/faults", "/__admin/console/world", "/docs")
CALLS = ("state", "requests", "faults", "clock", "settings", "snapshots", "sandboxes", "health", "failures")
TEAM = "/api/public/team-members/all"


@dataclass(frozen=True)
class Disk:
    """A server whose disk can be made full, and given room again."""

    url: str
    database: Path
    stop_growing: Callable[[], None]
    grow: Callable[[], None]
    log: Callable[[], str]

    @contextlib.contextmanager
    def client(self, name: str = "a") -> Iterator[Api]:
        """A client of a sandbox that is there."""
        actor = Api(self.url, f"test_{name}")
        with actor.client:
            assert actor.list().status_code == 200
            yield actor


class Bounded(Connections):
    """Connections to a file that may be kept from growing."""

    limit = UNLIMITED = 1_073_741_823  # pages

    def run(self, statement: str) -> None:
        if statement == "BEGIN IMMEDIATE":
            self.execute_sql(f"PRAGMA max_page_count = {self.limit}").fetchall()
        super().run(statement)

    def stop_growing(self, left: int = 0) -> None:
        """Have room for so many pages more."""
        self.limit = self.execute_sql("PRAGMA page_count").fetchone()[0] + left

    def grow(self) -> None:
        """Have room again."""
        self.limit = self.UNLIMITED


@contextlib.contextmanager
def bounded_pages(folder: Path) -> Iterator[Disk]:
    """A server in this process."""
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(logging.Formatter().format(record))  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "Connections", Bounded)
        patch.setattr(logging.getLogger("mockserver"), "handlers", [handler])
        path = folder / "world.db"
        with serving.bound_server(Settings(port=0, threads=10, database=path)) as opened:
            pages: Any = opened.engine.store.writer
            opened.server.start()
            yield Disk(
                opened.server.url, path, lambda: pages.stop_growing(left=40), pages.grow, lambda: "\n".join(records)
            )


@contextlib.contextmanager
def bounded_files(folder: Path) -> Iterator[Disk]:
    """A server's process, which the system keeps from making files longer."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system does not limit other processes")

    def limit(size: int) -> None:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    with Process(folder) as server:
        yield Disk(
            server.url,
            server.database,
            lambda: limit(FILE_BYTES),
            lambda: limit(resource.RLIM_INFINITY),
            server.log.read_text,
        )


@pytest.fixture(params=["pages", "file size"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "file size":
        with bounded_files(tmp_path) as disk:
            yield disk
    else:
        with bounded_pages(tmp_path) as disk:
            yield disk


@pytest.fixture
def paged(tmp_path: Path) -> Iterator[Disk]:
    """A server whose database may not grow, but has room for a row here and there."""
    with bounded_pages(tmp_path) as disk:
        yield disk


def fill(api: Api) -> list[dict[str, Any]]:
    """Create large tasks until there is no room: what was acknowledged."""
    acknowledged, refused = [], 0
    while refused < 3:  # at a first refusal there may be room after a checkpoint
        response = api.create(title=f"task {len(acknowledged)}", description=LARGE)
        if response.status_code == 201:
            acknowledged.append(response.json())
            refused = 0
        else:
            assert_error(response, 507)
            refused += 1
        assert len(acknowledged) < 500, "the disk is not full"
    return acknowledged


def shown(api: Api) -> list[dict[str, Any]]:
    """The tasks that there are, in the order of their creation."""
    return [{key: task[key] for key in ("id", "title", "created_at")} for task in api.state()["tasks"]]


def said(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: task[key] for key in ("id", "title", "created_at")} for task in tasks]


def check_sound(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_writes_is_a_507_that_names_the_file_and_the_way_out(disk: Disk) -> None:
    with disk.client() as api:
        id = api.created(description=LARGE)["id"]
        disk.stop_growing()
        fill(api)
        state = api.state()
        state["tasks"] = [{**state["tasks"][0], "id": UNKNOWN_ID, "description": LARGE * 20}]
        for response in (
            api.create(description=LARGE),
            api.update(id, description="y" * 20_000),  # an update needs fewer pages than the creates that found none
            api.client.put("/__admin/state", json=state),
            api.client.post("/__admin/faults", json={"status": 500, "body": LARGE * 20}),
        ):
            body = assert_error(response, 507)
            assert body["error"] == "Insufficient Storage"
            assert body["message"].startswith(f"There is no room to write to {disk.database}: ")
            assert body["message"].endswith(". Free space on its disk, or start with another --database")
            assert "x-mock-request-id" not in response.headers


def test_a_sandbox_that_is_not_there_cannot_be_opened_and_those_that_are_go_on(disk: Disk) -> None:
    with disk.client() as api:
        disk.stop_growing()
        acknowledged = fill(api)

        def opened(number: int) -> bool:
            response = httpx.get(disk.url + TEAM, headers={"x-api-key": f"test_new{number}"})
            assert response.status_code == 200 or assert_error(response, 507)
            return response.status_code == 200

        refused = next(f"new{number}" for number in range(100) if not opened(number))
        assert_error(api.client.get(f"/__admin/state?sandbox={refused}"), 404)
        assert len(api.listed()) == len(acknowledged)


def test_what_only_reads_goes_on_without_an_entry_in_the_journal(disk: Disk) -> None:
    with disk.client() as api:
        disk.stop_growing()
        acknowledged = fill(api)
        for _ in range(20):  # there may be room for a small entry
            listed = api.list()
            assert listed.status_code == 200
        assert said(listed.json()) == said(acknowledged)
        assert "x-mock-request-id" not in listed.headers
        before = api.client.get("/__admin/requests").json()["total"]
        assert api.list().headers["vary"] == listed.headers["vary"]
        assert api.client.get("/__admin/requests").json()["total"] == before
        assert api.client.get(TEAM).status_code == 200
        assert [api.client.get(f"/__admin/{call}").status_code for call in CALLS] == [200] * len(CALLS)
        assert [api.client.get(page, params={"sandbox": "a"}).status_code for page in PAGES] == [200] * len(PAGES)
        delayed = api.client.get(TEAM, headers={"prefer": "delay=1"})
        assert (delayed.status_code, delayed.headers["preference-applied"]) == (200, "delay=1")


def test_what_is_refused_anyway_is_refused_as_ever(disk: Disk) -> None:
    with disk.client() as api:
        disk.stop_growing()
        fill(api)
        assert_error(api.create(title="", description=LARGE), 400)
        assert_error(api.create(responsibleIds=[UNKNOWN_ID], description=LARGE), 404)
        assert_error(api.client.post("/api/public/tasks", content=b"{" * 5_000), 400)
        assert_error(httpx.get(disk.url + TEAM, headers={"x-api-key": "nobody's"}), 401)
        assert_error(api.client.get("/api/public/" + "x" * 5_000), 404)
        preferred = api.client.post("/api/public/tasks", json={"description": LARGE}, headers={"prefer": "code=500"})
        assert_error(preferred, 500)


def test_what_was_acknowledged_is_what_a_disk_with_room_would_have_had_and_it_goes_on_at_once(
    disk: Disk, api: Api
) -> None:
    """Refused writes leave no trace: no id is left out, and no clock moves."""
    with disk.client() as bounded:
        disk.stop_growing()
        acknowledged = fill(bounded)
        assert acknowledged
        assert shown(bounded) == said(acknowledged)
        disk.grow()
        acknowledged += [bounded.created(title=f"task {len(acknowledged) + number}") for number in range(3)]
        assert shown(bounded) == said(acknowledged)
        check_sound(disk.database)
    descriptions = [LARGE] * (len(acknowledged) - 3) + [""] * 3
    for number, (task, description) in enumerate(zip(acknowledged, descriptions, strict=True)):
        assert api.created(title=f"task {number}", description=description) == task


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_eight_writers_on_a_full_disk_lose_nothing_and_all_go_on_at_once(disk: Disk, rounds: int) -> None:
    names = ["a", "a", "a", "a", "b", "c", "d", "e"]
    acknowledged: dict[str, list[str]] = {name: [] for name in names}
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(names)) as pool:
        clients = [(name, stack.enter_context(disk.client(name))) for name in names]

        def write(name: str, api: Api) -> None:
            acknowledged[name] += [task["id"] for task in fill(api)]

        for _ in range(rounds):
            disk.stop_growing()
            for done in [pool.submit(write, *each) for each in clients]:
                done.result()
            disk.grow()
            for (name, _), task in zip(clients, pool.map(lambda each: each[1].created(), clients), strict=True):
                acknowledged[name].append(task["id"])
            for name, api in clients:
                assert sorted(task["id"] for task in api.state()["tasks"]) == sorted(acknowledged[name])
                assert api.client.delete("/__admin/requests").status_code == 200
        check_sound(disk.database)
    assert "Traceback" not in disk.log()


def test_what_was_acknowledged_is_there_after_a_kill_and_a_new_start(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system does not limit other processes")
    with Process(tmp_path) as server:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (FILE_BYTES, resource.RLIM_INFINITY))
        actor = Api(server.url, "test_a")
        with actor.client:
            acknowledged = fill(actor)
        server.kill()
        server.start()
        actor = Api(server.url, "test_a")
        with actor.client:
            assert shown(actor) == said(acknowledged)
            assert actor.create().status_code == 201
    check_sound(server.database)


def test_a_log_that_is_full_makes_room_for_itself_in_the_database(tmp_path: Path) -> None:
    """The log of writes reaches the limit first; there is no room only when the database has reached it too."""
    with bounded_files(tmp_path) as disk, disk.client() as api:
        assert disk.database.stat().st_size < FILE_BYTES / 2
        disk.stop_growing()
        fill(api)
        assert disk.database.stat().st_size > FILE_BYTES * 3 / 4


def test_an_answer_over_sixteen_mebibytes_is_whole_where_no_file_can_grow(tmp_path: Path) -> None:
    with bounded_files(tmp_path) as disk, disk.client() as api:
        for number in range(18):
            api.created(title=f"task {number}", description="x" * 1_000_000)
        disk.stop_growing()
        answer = api.list()
        assert (answer.status_code, len(answer.json())) == (200, 18)
        assert int(answer.headers["content-length"]) == len(answer.content) > 16 * 1_048_576
        assert api.client.get("/__admin/health").status_code == 200


@pytest.mark.skipif(os.name == "nt", reason="it has no limit on the size of files")
def test_a_server_in_memory_writes_no_file_however_much_it_sorts() -> None:
    start = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *COMMAND, "serve")
    with served(start=start, PYTHONDONTWRITEBYTECODE="1") as server:
        api = Api(server.url, "test_a")
        with api.client:
            for _ in range(5):
                api.created(description="x" * 1_000_000)
            assert len(api.state()["tasks"]) == 5
            assert api.client.post("/__admin/snapshots", json={"name": "whole"}).status_code == 201


def test_the_log_has_one_line_for_each_of_them_and_no_traceback(disk: Disk) -> None:
    with disk.client() as api:
        disk.stop_growing()
        fill(api)
        for _ in range(20):
            api.list()
        before = disk.log()
        assert_error(api.create(description=LARGE), 507)
        assert_error(api.client.post("/__admin/faults", json={"status": 500, "body": LARGE * 20}), 507)
        assert api.list().status_code == 200
        lines = [line for line in disk.log()[len(before) :].split("\n") if "There is no room" in line]
        assert len(lines) == 3
        assert ["A request has no entry in the journal: " in line for line in lines] == [False, False, True]
        assert all(str(disk.database) in line for line in lines)
        assert "Traceback" not in disk.log()


def test_clearing_up_that_finds_no_room_says_so_in_one_line_and_goes_on_the_next_time(
    paged: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared: list[Store] = []

    def sweep(store: Store) -> bool:
        cleared.append(store)
        if len(cleared) == 1:
            raise StorageFull("There is no room to write to it")
        return False

    monkeypatch.setattr(sweeper, "sweep", sweep)
    with paged.client() as api:
        for count in (1, 2):  # at least: the start may have asked for one too
            assert api.client.post("/__admin/reset").status_code == 200
            wait_until(lambda count=count: len(cleared) >= count)
    wait_until(lambda: "What was superseded is not cleared up: There is no room to write to " in paged.log())
    assert "Traceback" not in paged.log()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/__admin/requests"),
        ("DELETE", "/__admin/sandboxes/a"),
        ("DELETE", "/__admin/snapshots/s"),
        ("POST", "/__admin/reset"),
        ("POST", "/__admin/snapshots/s/restore"),
    ],
)
def test_a_deletion_and_a_reset_make_room(paged: Disk, method: str, path: str) -> None:
    with paged.client() as api, paged.client("other") as other:
        for _ in range(6):
            api.created(description=LARGE)
        assert api.client.post("/__admin/snapshots", json={"name": "s"}).status_code == 201
        for _ in range(12):
            api.created(description=LARGE)
        paged.stop_growing()
        fill(other)
        fill(api)
        response = api.client.request(
            method, httpx.URL(paged.url).copy_with(raw_path=path.replace("faults/../", "").encode())
        )
        assert response.status_code == 200, response.text
        wait_until(lambda: other.create(description=LARGE).status_code == 201)


def test_a_fault_that_cannot_be_counted_does_not_hit(paged: Disk) -> None:
    with paged.client() as api:
        rule = {"match": {"operation": "listTasks"}, "status": 503, "times": 1, "headers": {"X-Large": "x" * 1_000}}
        assert api.client.post("/__admin/faults", json=rule).status_code == 201
        paged.stop_growing()
        while api.client.get(TEAM).headers.get("x-mock-request-id"):
            pass
        assert [api.list().status_code for _ in range(3)] == [507] * 3
        assert [rule["hits"] for rule in api.client.get("/__admin/faults").json()["faults"]] == [0]
        paged.grow()
        assert [api.list().status_code for _ in range(3)] == [503, 200, 200]


@pytest.mark.parametrize("delay_ms", [0, 1])
def test_a_fault_after_a_commit_that_finds_no_room_does_not_hit(delay_ms: int, paged: Disk) -> None:
    with paged.client() as api:
        rule = {"match": {"operation": "createTask"}, "when": "after", "status": 503}
        assert api.client.post("/__admin/faults", json=rule).status_code == 201
        assert api.client.patch("/__admin/settings", json={"delay_ms": delay_ms}).status_code == 200
        paged.stop_growing()
        for _ in range(3):
            assert_error(api.create(description=LARGE * 20), 507)
        assert [rule["hits"] for rule in api.client.get("/__admin/faults").json()["faults"]] == [0]
        assert api.state()["tasks"] == []
        paged.grow()
        assert [api.create(description=LARGE).status_code for _ in range(2)] == [503, 201]


def test_the_rate_limit_does_not_count_what_has_no_entry_and_holds_where_it_is_used_up(paged: Disk) -> None:
    def limit(requests: int) -> None:
        answer = api.client.patch("/__admin/settings", json={"rate_limit": {"requests": requests, "seconds": 600}})
        assert answer.status_code == 200

    with paged.client() as api:
        paged.stop_growing()
        while api.client.get(TEAM).headers.get("x-mock-request-id"):
            pass
        limit(2)
        assert [api.client.get(TEAM).status_code for _ in range(4)] == [200] * 4
        paged.grow()
        assert [api.client.get(TEAM).status_code for _ in range(3)] == [200, 200, 429]
        paged.stop_growing()
        while "x-mock-request-id" in (refused := api.client.get(TEAM)).headers:
            assert_error(refused, 429)
        assert_error(refused, 429)


@pytest.mark.parametrize("room", [100, 4096, 150_000])
def test_a_start_that_finds_no_room_says_so(room: int, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    ended = subprocess.run(
        [*COMMAND, "serve", "--port", "0", "--database", str(tmp_path / "world.db")],
        env=uncovered_environment(TMPDIR=str(tmp_path), PYTHONDONTWRITEBYTECODE="1"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert re.fullmatch(
        rf"vambe-mock: --database: There is no room to write to {tmp_path}/world\.db: .*, or start with another "
        r"--database\n",
        ended.stderr,
    ), ended.stderr


def test_memory_that_is_full_is_a_507_that_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "Connections", Bounded)
    with serving.bound_server(Settings(port=0, threads=4)) as opened:
        pages: Any = opened.engine.store.writer
        opened.server.start()
        actor = Api(opened.server.url, "test_default")
        with actor.client:
            pages.stop_growing(left=40)
            acknowledged = fill(actor)
            assert actor.create().json()["message"] == (
                "There is no room to write: the sandboxes hold 1024 MiB, as much as is kept in memory (database or "
                "disk is full). Delete or reset some, or start with --database"
            )
            assert shown(actor)[-len(acknowledged) :] == said(acknowledged)
            actor.client.post("/__admin/reset")
            assert actor.create().status_code == 201


# The store


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(database, "Connections", Bounded)
    store = open_store(tmp_path / "world.db" if request.param == "file" else None)
    yield store
    store.close()


def put(transaction: Transaction, name: str) -> None:
    transaction.run(Sandbox.insert(name=name, world=1, journal=0))


@pytest.mark.parametrize("large", [LARGE, LARGE * 2_000], ids=["at once", "after pages of it went to the log"])
def test_a_transaction_without_room_keeps_nothing_and_the_next_one_is_as_good_as_any(store: Store, large: str) -> None:
    connections: Any = store.writer
    connections.stop_growing()
    for _ in range(3):
        with pytest.raises(StorageFull), store.write() as transaction:
            put(transaction, "a")
            put(transaction, large)
        assert (connections.in_transaction(), connections.connection().in_transaction) == (False, False)
        with store.read() as transaction:
            assert transaction.rows(Sandbox.select()) == []
    connections.grow()
    with store.write() as transaction:
        put(transaction, large)
    with store.read() as transaction:
        assert len(transaction.rows(Sandbox.select())) == 1


def test_what_was_committed_before_there_was_no_room_is_kept(store: Store) -> None:
    connections: Any = store.writer
    connections.stop_growing()
    with pytest.raises(StorageFull), store.write() as transaction:
        put(transaction, "a")
        transaction.commit()
        put(transaction, LARGE)
    with store.read() as transaction:
        assert [row["name"] for row in transaction.rows(Sandbox.select())] == ["a"]


def test_a_look_writes_nothing_and_what_comes_after_it_may(store: Store) -> None:
    with pytest.raises(WouldWrite), store.look() as transaction:
        assert transaction.rows(Sandbox.select()) == []
        put(transaction, "a")
    with store.write() as transaction:
        put(transaction, "b")
    with store.look() as transaction:
        assert [row["name"] for row in transaction.rows(Sandbox.select())] == ["b"]


FULL, IO, GONE = "database or disk is full", "disk I/O error", "cannot rollback - no transaction is active"


@pytest.mark.parametrize(
    ("texts", "cause"),
    [
        ([FULL], FULL),
        ([IO], IO),
        ([FULL, GONE], FULL),
        ([GONE], None),
        (["no such table: task"], None),
        (["UNIQUE constraint failed: task.id"], None),
    ],
)
def test_without_result_codes_the_words_of_sqlite_tell_that_there_is_no_room(
    texts: list[str], cause: str | None
) -> None:
    """As on Python 3.10; the last text is that of the error that arrives, which those before led to."""
    error: Exception | None = None
    for text in texts:
        original = sqlite3.OperationalError(text)
        original.__context__ = error
        error = orm.OperationalError(original, text)
        error.__context__ = original
    assert error
    assert error_codes.no_room(error) == cause


def test_an_error_while_another_is_handled_is_not_taken_for_that() -> None:
    with pytest.raises(orm.IntegrityError) as raised:
        try:
            raise sqlite3.OperationalError(FULL)
        except sqlite3.OperationalError:
            try:
                raise ZeroDivisionError
            except ZeroDivisionError:
                raise orm.IntegrityError("UNIQUE constraint failed: task.id")  # noqa: B904
    assert error_codes.no_room(raised.value) is None
