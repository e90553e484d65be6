"""Three processes that share a PostgreSQL database answer as one: the same bytes, exact counts, waits and releases."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import shards
from exchanges import cases
from stores import TOKEN, running_cluster
from support import COMMAND, ROOT, Api, Served, assert_error, command, served, wait_until
from test_events import reading
from test_transcript import FILE, documented, taking_turns

from mockserver import engine
from mockserver.config import Settings
from mockserver.sandbox import sharing
from mockserver.sandbox.sharing import SharedWaiting
from mockserver.store.models import Sandbox
from mockserver.store.opening import open_store
from mockserver.store.orm import fn
from mockserver.store.transactions import StoreUnavailable

if TYPE_CHECKING:
    from postgresql import Cluster

_names = (f"t{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return running_cluster()


@contextlib.contextmanager
def processes(url: str, *arguments: object, number: int = 3) -> Iterator[list[Served]]:
    """So many processes on the database at a URL."""
    with contextlib.ExitStack() as stack:
        line = ("--database", url, "--admin-token", TOKEN, *arguments)
        with ThreadPoolExecutor(number) as pool:  # all at once: one of them makes the tables
            started = pool.map(lambda _: stack.enter_context(served(*line)), range(number))
        yield list(started)


@pytest.fixture(scope="module")
def three(cluster: Cluster) -> Iterator[list[str]]:
    """The URLs of three processes on one database."""
    with processes(cluster.url(), "--max-sandboxes", 100_000) as started:
        yield [each.url for each in started]


@pytest.fixture
def apis(three: list[str]) -> Iterator[list[Api]]:
    """A client of each process, all in one sandbox, which no other test has."""
    with clients(three, next(_names)) as made:
        yield made


@contextlib.contextmanager
def clients(urls: list[str], sandbox: str) -> Iterator[list[Api]]:
    with contextlib.ExitStack() as stack:
        made = [Api(url, f"test_{sandbox}") for url in urls]
        for api in made:
            stack.enter_context(api.client)
        yield made


def at_once(apis: list[Api], number: int, work: Callable[[Api], httpx.Response], threads: int = 24) -> list[Any]:
    """The answers to so many requests, sent to the processes in turn by many threads."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, itertools.islice(itertools.cycle(apis), number)))


def journal(api: Api) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = api.client.get("/__admin/requests").json()["requests"]
    return entries


class TestOneWorld:
    def test_three_processes_that_take_turns_answer_byte_for_byte_as_one_on_sqlite(self, cluster: Cluster) -> None:
        script = cases(FILE.name)
        with processes(cluster.url()) as started:
            answers = taking_turns([each.url for each in started], script)
            for number, (case, answer) in enumerate(zip(script, answers, strict=True), 1):
                assert documented(answer) == case["answer"], f"{number}: {case['method']} {case['path']}"

    def test_sixteen_first_requests_make_one_sandbox(self, apis: list[Api]) -> None:
        answers = at_once(apis, 16, lambda api: api.create(), threads=16)
        assert [answer.status_code for answer in answers] == [201] * 16
        assert len({answer.json()["id"] for answer in answers}) == 16
        assert sorted(int(answer.headers["X-Mock-Request-Id"]) for answer in answers) == list(range(1, 17))
        states = [api.client.get("/__admin/state").text for api in apis]
        assert states == [states[0]] * 3
        assert len(json.loads(states[0])["tasks"]) == 16

    def test_a_fault_hits_exactly_as_often_as_it_says(self, apis: list[Api]) -> None:
        apis[0].client.post("/__admin/faults", json={"status": 503, "times": 100}).raise_for_status()
        answers = at_once(apis, 500, lambda api: api.create())
        assert [answer.status_code for answer in answers].count(503) == 100
        assert [answer.status_code for answer in answers].count(201) == 400
        assert sorted(int(answer.headers["X-Mock-Request-Id"]) for answer in answers) == list(range(1, 501))
        assert [entry["id"] for entry in journal(apis[1])] == list(range(1, 501))
        assert len(apis[2].state()["tasks"]) == 400
        assert [rule["hits"] for rule in apis[2].client.get("/__admin/faults").json()["faults"]] == [100]

    def test_a_rate_limit_lets_exactly_as_many_through_as_it_says(self, apis: list[Api]) -> None:
        limit = {"rate_limit": {"requests": 50, "seconds": 3600}}
        apis[0].client.patch("/__admin/settings", json=limit).raise_for_status()
        answers = at_once(apis, 200, lambda api: api.list())
        assert [answer.status_code for answer in answers].count(200) == 50
        assert [answer.status_code for answer in answers].count(429) == 150

    def test_snapshots_and_resets_are_whole_while_others_write(self, apis: list[Api]) -> None:
        first, *others = apis
        first.created()
        first.client.post("/__admin/snapshots", json={"name": "one"}).raise_for_status()
        looks = []

        def restore() -> None:
            for _ in range(10):
                first.client.post("/__admin/snapshots/one/restore").raise_for_status()
                looks.append([each["title"] for each in first.state()["tasks"]])

        with ThreadPoolExecutor(1) as pool:
            restoring = pool.submit(restore)
            while not restoring.done():
                answers = at_once(others, 12, lambda api: api.create(title="more"), threads=6)
                assert {answer.status_code for answer in answers} == {201}
            restoring.result()
        assert all(titles[:1] == ["Call the client"] and set(titles[1:]) <= {"more"} for titles in looks)
        entries = journal(others[0])
        assert [entry["id"] for entry in entries] == list(range(1, len(entries) + 1))

    def test_what_was_superseded_is_cleared_up(self, cluster: Cluster) -> None:
        url = cluster.url("superseded")
        with processes(url, number=2) as started, clients([each.url for each in started], "a") as apis:
            at_once(apis, 120, lambda api: api.create())
            at_once(apis, 4, lambda api: api.client.post("/__admin/reset"))

            def left() -> list[tuple[Any, ...]]:
                return cluster.execute(
                    "SELECT id FROM world WHERE id NOT IN (SELECT world FROM sandbox UNION SELECT world FROM template)"
                    " UNION ALL SELECT id FROM journal WHERE id NOT IN (SELECT journal FROM sandbox)",
                    "superseded",
                )

            wait_until(lambda: not left())
            assert apis[0].client.get("/__admin/requests").json()["total"] == 0

    def test_a_sandbox_that_another_process_uses_makes_no_room(self, cluster: Cluster) -> None:
        url, settings = cluster.url("room"), ("--max-sandboxes", 3, "--sandbox-idle", 3)
        with contextlib.ExitStack() as stack:
            started = stack.enter_context(processes(url, *settings, number=2))
            urls = [each.url for each in started]
            here, there = stack.enter_context(clients(urls, "busy"))
            idle, _ = stack.enter_context(clients(urls, "idle"))
            new, _ = stack.enter_context(clients(urls, "new"))
            here.created()
            idle.created()
            assert_error(new.list(), 503)
            wait_until(lambda: (there.created(), new.list().status_code == 200)[1])
            names = [each["name"] for each in here.client.get("/__admin/sandboxes").json()["sandboxes"]]
            assert names == ["busy", "default", "new"]

    def test_no_more_sandboxes_are_made_at_once_than_there_may_be(self, cluster: Cluster) -> None:
        with contextlib.ExitStack() as stack:
            started = stack.enter_context(processes(cluster.url(), "--max-sandboxes", 20))
            apis = stack.enter_context(clients([each.url for each in started], "default"))
            answers = at_once(apis, 60, lambda api: api.client.post("/__admin/sandboxes"))
            assert [answer.status_code for answer in answers].count(201) == 19  # and default
            assert {answer.status_code for answer in answers} == {201, 503}
            assert len(apis[0].client.get("/__admin/sandboxes").json()["sandboxes"]) == 20


class Peers:
    """The processes that share a store, as far as a test needs them: it sends the notes itself."""

    def listen(self, handle: Callable[[str, Any], None], tick: Callable[[], None]) -> None:
        self.handle, self.tick = handle, tick
        self.used: list[list[str]] = []
        self.watched: list[str] = []
        self.is_away = False

    def watch(self, sandbox: str) -> None:
        self.watched.append(f"begin {sandbox}")

    def renew_watches(self, sandboxes: list[str]) -> None:
        self.watched.append(f"go on {' '.join(sandboxes)}")

    def mark_used(self, sandboxes: list[str]) -> None:
        if self.is_away:
            raise StoreUnavailable("It is away", limit="database")
        self.used.append(sandboxes)


class TestWaits:
    def test_a_use_that_could_not_be_told_is_told_later_and_then_forgotten(self) -> None:
        peers: Any = Peers()
        waiting = SharedWaiting(8, 100, peers)
        sandboxes = engine.start(Settings(), ()).sandboxes
        waiting.listen(sandboxes)
        sandboxes.create("a")
        with sandboxes.open("a"):
            peers.is_away = True
        peers.tick()
        peers.is_away = False
        peers.tick()
        peers.tick()
        assert [[name for name in used if name == "a"] for used in peers.used] == [["a"]]
        assert sandboxes.used_since(0) == []
        waiting.stop()

    def test_a_reset_elsewhere_ends_the_delays_of_requests_that_arrived_before_it_only(self) -> None:
        peers: Any = Peers()
        waiting = SharedWaiting(8, 100, peers)
        waiting.listen(None)  # type: ignore[arg-type]  # no delay asks a sandbox
        entries = [(4, 9), (5, 6), (5, 7), (5, 8), (6, 1)]
        delays = [waiting.delay("a", 60, entry=entry) for entry in entries]
        peers.handle("b", {"release": [9, 9]})
        peers.handle("a", {"release": [5, 7]})
        assert [delay.released for delay in delays] == [True, True, False, False, False]
        waiting.stop()

    def test_a_watch_goes_on_while_somebody_waits_also_when_a_crash_may_have_ended_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        peers: Any = Peers()
        waiting = SharedWaiting(8, 100, peers)
        waiting.listen(engine.start(Settings(), ()).sandboxes)
        with waiting.reader("b"), waiting.reader("a"):
            peers.tick()
            assert peers.watched == ["begin b", "begin a"]
            peers.handle("", None)
            peers.tick()
            peers.tick()
            assert peers.watched[2:] == ["go on a b"]
            monkeypatch.setattr(sharing, "_RENEWED_S", 0.0)
            peers.tick()
            assert peers.watched[3:] == ["go on a b"]
        peers.tick()
        assert peers.watched[4:] == []
        waiting.stop()

    def test_a_verification_in_one_process_sees_a_request_to_another_at_once(self, apis: list[Api]) -> None:
        first, second, _ = apis
        first.list()
        expected = {"request": {"operation": "createTask"}, "timeout_ms": 20_000}
        with ThreadPoolExecutor(1) as pool:
            verifying = pool.submit(first.client.post, "/__admin/requests/verify", json=expected)
            assert not wait([verifying], timeout=0.3).done
            second.created()
            begun = time.monotonic()
            assert verifying.result().json() == {"passed": True, "actual": 1}
            assert time.monotonic() - begun < 1

    def test_a_reset_in_one_process_ends_the_delays_in_others_and_no_later_one(self, apis: list[Api]) -> None:
        first, second, third = apis
        first.client.patch("/__admin/settings", json={"delay_ms": 30_000}).raise_for_status()
        with ThreadPoolExecutor(3) as pool:
            delayed = [pool.submit(api.create) for api in (second, third)]
            wait_until(lambda: len(journal(first)) == 2)
            assert {entry["state"] for entry in journal(first)} == {"pending"}
            begun = time.monotonic()
            first.client.post("/__admin/reset", json={"only": ["faults"]}).raise_for_status()
            for each in delayed:
                assert_error(each.result(), 503)
                assert each.result().headers["X-Mock-Limit"] == "released"
            assert time.monotonic() - begun < 5
            first.client.patch("/__admin/settings", json={"delay_ms": 300}).raise_for_status()
            first.client.post("/__admin/reset", json={"only": ["faults"]}).raise_for_status()
            assert second.create().status_code == 201

    def test_a_stream_of_events_has_those_of_all_processes_in_the_order_of_the_journal(self, apis: list[Api]) -> None:
        first, *_ = apis
        first.list()
        with reading(first.url, first.key.removeprefix("test_")) as stream:
            at_once(apis, 60, lambda api: api.create())
            ids = []
            for _ in range(60):
                request, state = stream.event(), stream.event()
                assert (request["event"], state["event"]) == ("request", "state")
                assert state["data"]["changes"] == request["data"]["changes"]
                ids.append(request["data"]["id"])
            assert ids == list(range(2, 62))
            apis[1].client.post("/__admin/faults", json={"status": 503}).raise_for_status()
            assert stream.event()["data"] == {"changed": "faults"}
            assert_error(apis[2].list(), 503)
            assert [stream.event()["event"] for _ in range(2)] == ["request", "fault"]
            apis[1].client.post("/__admin/reset").raise_for_status()
            assert stream.event()["event"] == "reset"

    def test_what_is_pending_in_a_process_that_runs_is_pending_and_abandoned_when_it_is_killed(
        self, cluster: Cluster
    ) -> None:
        with contextlib.ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(1))
            started = stack.enter_context(processes(cluster.url(), number=2))
            here, there = stack.enter_context(clients([each.url for each in started], "a"))
            here.client.patch("/__admin/settings", json={"delay_ms": 30_000}).raise_for_status()
            pending = pool.submit(there.create)
            wait_until(lambda: journal(here))
            assert [entry["state"] for entry in journal(here)] == ["pending"]
            started[1].process.kill()
            wait_until(lambda: journal(here)[0]["state"] == "abandoned")
            assert isinstance(pending.exception(), httpx.TransportError)


class TestBehindALoadBalancer:
    def test_any_process_answers_any_request(self, cluster: Cluster) -> None:
        with shards.commands() as environment:
            given = {**environment, "PORT": str(shards.free_ports(4))}
            with shards.three_processes(given, int(given["PORT"]), cluster.url()) as url:
                with Api(url, "test_a").client as kept:
                    assert kept.get("/api/public/team-members/all").status_code == 200
                apis = [Api(url, "test_a") for _ in range(6)]
                answers = [api.create() for api in apis]  # each over a connection of its own
                assert [answer.headers["X-Mock-Request-Id"] for answer in answers] == ["2", "3", "4", "5", "6", "7"]
                for api in apis:
                    api.client.close()

    def test_the_command_that_the_example_is_given_finds_the_load_balancer(self, cluster: Cluster) -> None:
        with shards.commands() as environment:
            given = {"PORT": str(shards.free_ports(4)), "VAMBE_MOCK_DATABASE": cluster.url()}
            line = [shards.SCALING / "shared.sh", "sh", "-c", "curl -s $VAMBE_MOCK_URL/__admin/health"]
            ended = subprocess.run(line, env={**environment, **given}, capture_output=True, text=True, timeout=60)
        assert json.loads(ended.stdout)["status"] == "healthy"


class TestStart:
    def test_a_process_with_another_setting_is_refused_while_others_run(self, cluster: Cluster) -> None:
        url = cluster.url()
        with processes(url, "--seed", "one", number=1):
            ended = serve(url, "--seed", "two")
            assert 'other processes use it with another --seed: "one" there, "two" here; give all the same' in ended
        with processes(url, "--seed", "two", number=1):
            pass

    def test_six_that_open_a_new_database_at_once_make_its_tables_once(self, cluster: Cluster) -> None:
        url = cluster.url("new")
        with ThreadPoolExecutor(6) as pool:
            for store in pool.map(lambda _: open_store(url, {}), range(6)):
                store.close()
        assert cluster.execute("SELECT count(*) FROM vambe_mock", "new") == [(1,)]

    def test_fixtures_switches_and_evidence_must_be_the_same_too(self, cluster: Cluster, tmp_path: Path) -> None:
        url = cluster.url()
        finding = {"verdict": "confirmed", "value": "201", "probes": []}
        evidence = {
            "version": 2,
            "measured_at": "2026-11-30T10:00:00Z",
            "host": "vendor",
            "rules": {"create-status": finding},
        }
        (tmp_path / "evidence.json").write_text(json.dumps(evidence), encoding="utf-8")
        with processes(url, number=1):
            assert "another --fixtures (digest)" in serve(url, "--fixtures", "demo")
            assert "another --assume" in serve(url, "--assume", "create-status=200")
            refused = serve(url, "--evidence", tmp_path / "evidence.json")
            assert re.search(r'another --evidence \(digest\): "none" there, "[0-9a-f]{16}" here', refused)

    def test_the_admin_token_is_needed(self, cluster: Cluster) -> None:
        assert "--admin-token: it is missing" in refusal("--database", cluster.url())

    @pytest.mark.parametrize("host", ["127.0.0.1:1", "%2Fno-such-folder"])
    def test_a_server_that_does_not_answer_is_named_without_its_password(self, host: str) -> None:
        refused = serve(f"postgresql://me:secret@{host}/world")
        assert "--database: postgresql://me@" in refused
        assert "secret" not in refused

    @pytest.mark.parametrize(
        "rest",
        [
            "@[::1/world",
            "%zz@host/world",
            "@host/world?no-parameter=1",
            "/word@host/world",
            "@word@host/world",
            "?password=secret@word",
            "\udcff@h",
        ],
    )
    def test_a_url_that_is_none_is_refused_without_its_password(self, rest: str) -> None:
        refused = serve(f"postgresql://me:secret{rest}")
        assert "it is no URL such as postgresql://user@host:5432/database" in refused
        assert "secret" not in refused

    @pytest.mark.parametrize(("durable", "setting"), [(False, "off"), (True, "on")])
    def test_a_durable_process_waits_for_the_disk_at_each_commit(
        self, durable: bool, setting: str, cluster: Cluster
    ) -> None:
        with contextlib.closing(open_store(cluster.url(), {}, durable)) as store, store.write() as transaction:
            transaction.run(Sandbox.insert(name="a", world=1, journal=1))
            query = Sandbox.select(fn.current_setting("synchronous_commit").alias("setting"))
            assert transaction.rows(query) == [{"setting": setting}]

    def test_texts_are_compared_by_their_bytes_whatever_the_language_of_the_database(self, cluster: Cluster) -> None:
        open_store(cluster.url("texts"), {}).close()
        collations = cluster.execute(
            "SELECT DISTINCT collname FROM pg_attribute JOIN pg_collation ON attcollation = pg_collation.oid "
            "JOIN pg_class ON attrelid = pg_class.oid WHERE relnamespace = 'texts'::regnamespace AND relkind = 'r' "
            "AND relname != 'vambe_mock'"
        )
        assert collations == [("C",)]

    def test_texts_are_sent_in_utf_8_whatever_the_url_says(self, cluster: Cluster) -> None:
        url = cluster.url("latin") + "&client_encoding=latin1"
        with contextlib.closing(open_store(url, {})) as store, store.write() as transaction:
            transaction.run(Sandbox.insert(name="ñ", world=1, journal=1))
        assert cluster.execute("SELECT name FROM sandbox", "latin") == [("ñ",)]

    def test_tables_of_another_version_or_program_are_refused_and_unchanged(self, cluster: Cluster) -> None:
        url = cluster.url("old")
        cluster.execute("CREATE TABLE task (mine text)", "old")
        assert 'there is a table "task" of another program' in serve(url)
        assert cluster.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'old'") == [("task",)]
        cluster.execute("DROP TABLE task", "old")
        with processes(url, number=1):
            pass
        cluster.execute("UPDATE vambe_mock SET version = 3", "old")
        assert "it has schema version 3; this version of vambe-mock reads 4 only" in serve(url)

    def test_a_user_who_may_only_read_is_refused(self, cluster: Cluster) -> None:
        url = cluster.url("only_read")
        with processes(url, number=1):
            pass
        cluster.execute("CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA only_read TO reader")
        cluster.execute("GRANT SELECT ON ALL TABLES IN SCHEMA only_read TO reader")
        assert "permission denied for table vambe_mock" in serve(url.replace("postgres@", "reader@"))

    def test_a_schema_that_is_missing_and_an_encoding_that_cannot_hold_all_are_refused(self, cluster: Cluster) -> None:
        assert "names no schema that exists" in serve(cluster.url("gone").replace("gone", "never_there"))
        cluster.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        assert "the encoding SQL_ASCII: create one with UTF8" in serve(cluster.url().replace("/postgres?", "/ascii?"))

    def test_a_missing_driver_is_named_with_the_way_out(self, tmp_path: Path) -> None:
        (tmp_path / "psycopg.py").write_text("raise ImportError('no psycopg here')")
        refused = serve("postgresql:///world", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
        assert "needs psycopg (no psycopg here): pip install 'vambe-mock[postgres]'" in refused


def test_the_commands_of_the_page_start_a_process_on_a_new_database(cluster: Cluster) -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    line = r"^    (createdb .+|pip install '\.\[postgres\]'|export .+|vambe-mock --port .+)$"
    create, _, export, start = re.findall(line, page, re.MULTILINE)
    address = f"'postgresql://postgres@/mock?host={cluster.folder}'"
    export = export.replace("postgresql://user:password@host/mock", address)
    start = start.replace("vambe-mock --port 4010", f'exec {shlex.join(COMMAND)} "$@"')
    shell = ["sh", "-ec", "\n".join([create, export, start]), "sh"]
    path = f"{cluster.programs}{os.pathsep}{os.environ['PATH']}"
    with served(start=shell, PATH=path, PGHOST=str(cluster.folder), PGUSER="postgres") as server:
        assert httpx.get(f"{server.url}/__admin/health").status_code == 200
    assert cluster.execute("SELECT datname FROM pg_database WHERE datname = 'mock'") == [("mock",)]


def serve(url: str, *arguments: object, **variables: str) -> str:
    """The one line with which a process that is given a token ends."""
    return refusal("--database", url, "--admin-token", TOKEN, *arguments, **variables)


def refusal(*arguments: object, **variables: str) -> str:
    ended = command("serve", "--port", 0, *arguments, **variables)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    return ended.stderr
