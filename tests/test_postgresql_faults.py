"""Failures of PostgreSQL, the network and other processes: every write that was answered is there, once."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from cutting import Moment, Proxy
from reliability.processes import check_agreement

if TYPE_CHECKING:
    from postgresql import Cluster
from stores import running_cluster
from support import Api, assert_error, running, wait_until
from test_postgresql import processes

from mockserver.store.models import Sandbox
from mockserver.store.opening import open_store
from mockserver.store.postgres import connections
from mockserver.store.postgres.listener import Listener
from mockserver.store.postgres.locks import Locks

RECOVERED_S = 2.0
WRITERS = 4


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server of this module's own, which it may stop."""
    running_cluster()
    from postgresql import cluster

    with cluster() as made:
        yield made


@pytest.fixture
def cutting(server: Cluster) -> Iterator[Proxy]:
    with contextlib.closing(Proxy(server.folder)) as made:
        yield made


def through(proxy: Proxy, url: str) -> str:
    """The URL of the database behind a proxy."""
    options = url.partition("&")[2]
    return f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres?sslmode=disable&gssencmode=disable&{options}"


class Writer:
    """Creates tasks until told to stop: the titles that were answered with 201, and all others that were sent."""

    def __init__(self, url: str, name: str) -> None:
        self.kept: list[str] = []
        self.unknown: list[str] = []
        self._url, self._name = url, name

    def run(self, ended: threading.Event) -> None:
        api = Api(self._url, "test_written")
        with api.client:
            for number in itertools.count():
                if ended.is_set():
                    return
                title = f"{self._name} {number}"
                try:
                    answer = api.create(title=title)
                except httpx.TransportError:  # its process was killed
                    self.unknown.append(title)
                    return
                (self.kept if answer.status_code == 201 else self.unknown).append(title)
                if answer.status_code != 201:
                    assert_error(answer, 503)
                    assert answer.headers["X-Mock-Limit"] == "database"


@contextlib.contextmanager
def at_work(*urls: str) -> Iterator[list[Writer]]:
    """Writers that work during the block, in one sandbox, each with one of the servers."""
    servers = itertools.islice(itertools.cycle(urls), WRITERS * len(urls))
    writers, ended = [Writer(url, f"w{number}") for number, url in enumerate(servers)], threading.Event()
    with ThreadPoolExecutor(len(writers)) as pool:
        working = [pool.submit(writer.run, ended) for writer in writers]
        try:
            yield writers
        finally:
            ended.set()
        for each in working:
            each.result()


def check(url: str, writers: list[Writer]) -> int:
    """Check that all that was answered is there, and nothing twice; returns the number of unanswered tasks there."""
    api = Api(url, "test_written")
    with api.client:
        state, entries = api.state(), api.client.get("/__admin/requests").json()["requests"]
    titles = [task["title"] for task in state["tasks"]]
    assert len(set(titles)) == len(titles)
    kept = {title for writer in writers for title in writer.kept}
    unknown = {title for writer in writers for title in writer.unknown}
    assert kept <= set(titles) <= kept | unknown
    check_agreement(state, entries)
    return len(set(titles) - kept)


def progress(writers: list[Writer]) -> Callable[[], bool]:
    """A test if each writer was answered since now."""
    before = [len(writer.kept) for writer in writers]
    return lambda: all(len(writer.kept) > number for writer, number in zip(writers, before, strict=True))


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_restarts_or_crashes_takes_no_answered_write_along(server: Cluster, mode: str) -> None:
    """A crash forgets the last moments without `--durable`; a restart never does."""
    with running(database=server.url(), durable=mode == "immediate", journal_limit=1_000_000) as url:
        with at_work(url) as writers:
            for _ in range(3):
                wait_until(progress(writers))
                server.stop(mode)
                server.start()
                begun = time.monotonic()
                wait_until(progress(writers))
                assert time.monotonic() - begun < RECOVERED_S
        check(url, writers)


def test_a_process_that_is_killed_takes_no_answered_write_along_and_holds_nobody_up(server: Cluster) -> None:
    with processes(server.url(), "--journal-limit", 1_000_000) as started:
        first, *others = (each.url for each in started)
        with at_work(first, *others) as writers:
            wait_until(progress(writers))
            started[0].process.kill()
            begun = time.monotonic()
            wait_until(progress([writer for number, writer in enumerate(writers) if number % 3]))
            assert time.monotonic() - begun < RECOVERED_S
        check(others[0], writers)


def test_connections_that_are_cut_at_any_moment_lose_nothing_and_do_nothing_twice(
    server: Cluster, cutting: Proxy
) -> None:
    draw = random.Random("cut")
    with running(database=through(cutting, server.url()), journal_limit=1_000_000) as url:
        with at_work(url) as writers:
            for _ in range(15):
                wait_until(progress(writers))
                threading.Event().wait(draw.uniform(0, 0.02))
                cutting.cut_all()
                begun = time.monotonic()
                wait_until(progress(writers))
                assert time.monotonic() - begun < RECOVERED_S
        check(url, writers)


@pytest.mark.parametrize(("moment", "done"), [("before", 0), ("after", 1)])
def test_a_write_whose_commit_is_cut_off_is_never_sent_again(
    server: Cluster, cutting: Proxy, moment: Moment, done: int
) -> None:
    with running(database=through(cutting, server.url())) as url:
        api = Api(url, "test_cut")
        with api.client:
            api.list()
            cutting.cut_at_the_commit("cut off", moment)
            body = assert_error(api.create(title="cut off"), 503)
            assert cutting.has_cut()
            assert "broke at the commit: the request may have been carried out" in body["message"]
            assert [task["title"] for task in api.state()["tasks"]] == ["cut off"] * done
            assert api.created(title="next")["title"] == "next"
            assert api.client.get("/__admin/requests").json()["total"] == 2 + done


@pytest.mark.parametrize(("moment", "done"), [("before", 0), ("after", 1)])
def test_the_entry_of_a_delayed_write_whose_commit_is_cut_off_tells_what_was_done(
    server: Cluster, cutting: Proxy, moment: Moment, done: int
) -> None:
    with running(database=through(cutting, server.url())) as url:
        api = Api(url, "test_cut")
        with api.client:
            api.client.patch("/__admin/settings", json={"delay_ms": 1}).raise_for_status()
            cutting.cut_at_the_commit('"state":"answered"', moment)
            answer = api.create()
            assert "broke at the commit" in assert_error(answer, 503)["message"]
            (entry,) = api.client.get("/__admin/requests").json()["requests"]
            assert answer.headers["X-Mock-Request-Id"] == str(entry["id"])
            assert [each["id"] for each in entry["changes"]] == [task["id"] for task in api.state()["tasks"]]
            assert (entry["response"]["status"], len(entry["changes"])) == ((503, 0), (201, 1))[done]


def test_a_connection_that_broke_between_two_requests_is_not_noticed(server: Cluster, cutting: Proxy) -> None:
    with running(database=through(cutting, server.url())) as url:
        api = Api(url, "test_idle")
        with api.client:
            for call in (api.create, api.list, api.state, lambda: api.client.post("/__admin/reset")):
                cutting.cut_all()
                answer = call()
                assert not isinstance(answer, httpx.Response) or answer.status_code in (200, 201)


def test_while_the_server_is_away_every_request_is_a_503_that_says_so(server: Cluster) -> None:
    with running(database=server.url()) as url:
        api = Api(url, "test_away")
        with api.client:
            api.created()
            server.stop("fast")
            try:
                for answer in (api.create(), api.list(), api.client.get("/__admin/health")):
                    assert "does not answer" in assert_error(answer, 503)["message"]
                    assert answer.headers["X-Mock-Limit"] == "database"
            finally:
                server.start()
            assert len(api.listed()) == 1


def test_a_lock_that_another_process_keeps_is_a_503_that_says_so(server: Cluster) -> None:
    schema = "kept"
    with running(database=server.url(schema, lock_timeout="300ms")) as url:
        free, busy = Api(url, "test_free"), Api(url, "test_busy")
        with free.client, busy.client, server.connection() as other:
            busy.list()
            other.execute("SELECT pg_advisory_lock(%s)", [Locks(schema).key("busy")])
            answer = busy.create()
            assert "The sandbox is busy: other requests keep its lock" in assert_error(answer, 503)["message"]
            assert answer.headers["X-Mock-Limit"] == "lock"
            assert busy.client.get("/__admin/state").status_code == 200, "reading needs no lock"
            free.created()
            with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(6) as pool:
                patch.setattr(connections, "LOCK_TIMEOUT_S", 0.0)
                begun = time.monotonic()
                for answer in pool.map(lambda _: busy.create(), range(6)):
                    assert answer.headers["X-Mock-Limit"] == "lock"
                assert time.monotonic() - begun < 1.5, "they wait one after the other"
            other.execute("SELECT pg_advisory_unlock_all()")
            busy.created()


def test_a_watch_goes_on_while_another_process_keeps_the_lock_of_its_sandbox(server: Cluster) -> None:
    schema = "watched"
    with contextlib.closing(open_store(server.url(schema), {})) as store, server.connection() as other:
        assert store.peers
        other.execute("SELECT pg_advisory_lock(%s)", [Locks(schema).key("a")])
        store.peers.renew_watches(["a", "b"])
        assert server.execute("SELECT sandbox FROM sharing ORDER BY sandbox", schema) == [("a",), ("b",)]


def test_what_a_process_keeps_of_people_is_forgotten_when_the_server_ends(server: Cluster) -> None:
    """A server that crashes may give the number of their world again."""
    schema = "people"
    with running(database=server.url(schema)) as url:
        api = Api(url, "test_people")
        with api.client:
            members = "/api/public/team-members/all"
            assert "Maria" in api.client.get(members).text
            server.execute("UPDATE \"user\" SET first_name = 'Ana' WHERE first_name = 'Maria'", schema)
            assert "Maria" in api.client.get(members).text
            server.stop("fast")
            server.start()
            assert "Ana" in api.client.get(members).text


def test_a_user_who_may_not_write_any_more_is_a_503(server: Cluster) -> None:
    schema = "refused"
    server.execute("CREATE ROLE writer LOGIN")
    url = server.url(schema)
    server.execute(f"GRANT ALL ON SCHEMA {schema} TO writer")
    with running(database=url.replace("postgres@", "writer@")) as served:
        api = Api(served, "test_a")
        with api.client:
            api.created()
            server.execute("REVOKE INSERT ON task FROM writer", schema)
            assert "permission denied for table task" in assert_error(api.create(), 503)["message"]


def test_a_statement_that_the_server_ends_for_its_own_limits_is_a_503(server: Cluster) -> None:
    schema = "ended"
    with running(database=server.url(schema, statement_timeout="200ms")) as url:
        api = Api(url, "test_busy")
        with api.client, server.connection() as other:
            api.created()
            other.execute("SELECT pg_advisory_lock(%s)", [Locks(schema).key("busy")])
            assert "statement timeout" in assert_error(api.create(), 503)["message"]
            other.execute("SELECT pg_advisory_unlock_all()")
            api.created()


def test_a_block_that_goes_on_after_a_query_has_failed_is_not_taken_for_committed(server: Cluster) -> None:
    with contextlib.closing(open_store(server.url(), {})) as store:
        with pytest.raises(Exception, match="the commit was answered with ROLLBACK"), store.write() as transaction:
            transaction.run(Sandbox.insert(name="a", world=1, journal=1))
            with pytest.raises(Exception, match="unique constraint"):
                transaction.run(Sandbox.insert(name="a", world=1, journal=1))
        with store.read() as transaction:
            assert transaction.rows(Sandbox.select()) == []


def test_a_full_disk_is_a_507_and_what_writes_nothing_goes_on(server: Cluster) -> None:
    with running(database=server.url("no_room")) as url:
        api = Api(url, "test_full")
        with api.client:
            api.created()
            server.execute(_DISK_IS_FULL, "no_room")
            server.execute("CREATE TRIGGER t BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION refuse()", "no_room")
            assert "No space left on device" in assert_error(api.create(), 507)["message"]
            listed = api.list()
            assert (listed.status_code, len(listed.json())) == (200, 1)
            assert "X-Mock-Request-Id" not in listed.headers
            server.execute("DROP TRIGGER t ON entry", "no_room")
            api.created()
            assert len(api.listed()) == 2


_DISK_IS_FULL = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"""


def test_a_verification_hears_of_requests_again_after_its_connection_broke(server: Cluster, cutting: Proxy) -> None:
    database = server.url()
    with running(database=through(cutting, database)) as one, running(database=database) as two:
        here, there = Api(one, "test_heard"), Api(two, "test_heard")
        with here.client, there.client, ThreadPoolExecutor(1) as pool:
            here.list()
            expected = {"request": {"operation": "createTask"}, "timeout_ms": 20_000}
            verifying = pool.submit(here.client.post, "/__admin/requests/verify", json=expected)
            assert not wait([verifying], timeout=0.5).done, "it looks only when something has happened"
            cutting.cut_all()
            there.created()
            begun = time.monotonic()
            assert verifying.result().json() == {"passed": True, "actual": 1}
            assert time.monotonic() - begun < RECOVERED_S


def test_a_server_on_which_nobody_can_listen_is_tried_again_at_intervals() -> None:
    tried: list[float] = []
    connection: Any = None  # it is lost

    def connect() -> psycopg.Connection[Any]:
        tried.append(time.monotonic())
        raise psycopg.errors.ReadOnlySqlTransaction("cannot execute LISTEN during recovery")

    listener = Listener(connect, connection, Locks("public"), "me")
    listener.start(lambda sandbox, notification: None, lambda: None)
    wait_until(lambda: len(tried) > 2)
    listener.close()
    assert tried[2] - tried[0] > 0.4
