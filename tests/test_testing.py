"""The mock in a program of one's own: `MockServer`, and everything that a sandbox in the hand can do."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from support import CARLOS, MARIA, ROOT, Api, assert_error, plain_environment, running

import mockserver.testing
from mockserver.config import InvalidSetting
from mockserver.fixtures import InvalidFixtures
from mockserver.serving import CannotListen
from mockserver.store.transactions import UnusableDatabase
from mockserver.testing import CallFailed, Failure, MockServer, NotRunning, RemoteServer, VambeMock, failures

HOSTILE = "\x1b[2J\x9b31m\u202e\r\n#9  forged"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    server = MockServer().start()
    yield server
    server.stop()


@pytest.fixture
def mock(server: MockServer) -> Iterator[VambeMock]:
    with server.sandbox() as mock:
        yield mock


@pytest.fixture
def app(mock: VambeMock) -> Iterator[Api]:
    """The application under test: it knows the mock's URL and its key."""
    actor = Api(mock.base_url, mock.api_key)
    with actor.client:
        yield actor


class TestTheServer:
    def test_a_block_gives_a_sandbox_of_its_own_on_a_free_port_and_ends_the_server(self) -> None:
        with MockServer() as mock, MockServer() as other:
            assert mock.base_url != other.base_url
            assert mock.name != "default"
            api = Api(mock.base_url, mock.api_key)
            with api.client:
                assert api.created()["id"] == mock.tasks[0]["id"]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{mock.base_url}/__admin/health")

    def test_it_gives_as_many_sandboxes_as_one_wants(self, server: MockServer) -> None:
        with server.sandbox("one") as one, server.sandbox() as two:
            assert (one.name, one.api_key) == ("one", "test_one")
            one.clock.freeze()
            assert (one.clock.mode, two.clock.mode) == ("frozen", "ticking")
            with pytest.raises(CallFailed, match='There is a sandbox "one" already'):
                server.sandbox("one")
        server.sandbox("one").close()

    def test_it_starts_and_stops_as_often_as_it_is_told(self) -> None:
        server = MockServer()
        assert server.start().start().base_url == server.base_url
        first = server.sandbox()
        assert first.users
        server.stop()
        server.stop()
        first.close()
        with pytest.raises(CallFailed, match="the mock server does not run"):
            assert first.users
        with pytest.raises(NotRunning, match="the mock server does not run: use it in a `with` block, or call start"):
            server.sandbox()
        with server as mock:
            assert mock.tasks == []

    def test_it_takes_the_settings_of_the_command_line(self, tmp_path: Any) -> None:
        settings: dict[str, Any] = {"fixtures": "demo", "clock": "frozen", "strict": True, "seed": "mine"}
        database = tmp_path / "world.db"
        with MockServer(**settings, api_key="own-key-1", cors_origin=("https://a.example",), database=database) as mock:
            assert len(mock.tasks) == 36
            assert (mock.clock.mode, mock.settings["strict"]) == ("frozen", True)
            with Api(mock.base_url, "own-key-1").client as client:
                assert client.get("/api/public/team-members/all").status_code == 200
        assert database.exists()

    def test_settings_of_the_environment_do_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VAMBE_MOCK_FIXTURES", "demo")
        monkeypatch.setenv("VAMBE_MOCK_PORT", "none")
        with MockServer() as mock:
            assert mock.tasks == []

    def test_settings_that_cannot_be_are_named(self) -> None:
        for unknown in ("prot", "json", "ready_file", "log_format"):
            with pytest.raises(TypeError, match=f"MockServer has no setting '{unknown}'; there are host, port,"):
                MockServer(**{unknown: "x"})
        with pytest.raises(InvalidSetting, match=r'^clock: "stopped" is not a clock mode'):
            MockServer(clock="stopped")
        with pytest.raises(InvalidSetting, match=r"^allowed_host: 5 is not a list of texts"):
            MockServer(allowed_host=5)

    def test_errors_of_the_start_name_the_settings_as_python_does(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidFixtures, match=r'^fixtures: there are no fixtures "mine"'):
            MockServer(fixtures="mine").start()
        with pytest.raises(UnusableDatabase, match=f"^database: {tmp_path}"):
            MockServer(database=tmp_path).start()
        with MockServer() as mock, pytest.raises(CannotListen, match=r"^host 127\.0\.0\.1 port \d+: "):
            MockServer(port=int(mock.base_url.rpartition(":")[2])).start()

    def test_one_that_others_can_reach_is_driven_with_its_token(self) -> None:
        with MockServer(host="0.0.0.0") as mock:
            mock.clock.freeze()
            assert_error(httpx.get(f"{mock.base_url}/__admin/clock"), 401)

    def test_one_that_runs_elsewhere_gives_sandboxes_too(self) -> None:
        with running() as url, RemoteServer(f"{url}/").sandbox("far") as mock:
            assert mock.base_url == url
            assert mock.users[0]["id"] == MARIA
            assert repr(mock) == f"<VambeMock 'far' at {url}>"

    def test_a_sandbox_that_cannot_be_opened_leaves_no_server(self) -> None:
        server = MockServer(max_sandboxes=1)
        with pytest.raises(CallFailed, match="503 There are 1 sandboxes, as many as --max-sandboxes allows"):
            server.__enter__()
        with pytest.raises(NotRunning):
            server.sandbox()

    def test_what_it_logs_is_left_to_the_program_s_own_logging(self, mock: VambeMock, app: Api) -> None:
        code = (
            "from mockserver.testing import MockServer\nimport urllib.request\n"
            "with MockServer() as mock:\n    urllib.request.urlopen(mock.base_url + '/__admin/health').read()\n"
        )
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
        assert ended.stdout == ended.stderr == ""


class TestLooking:
    def test_the_people_and_what_the_application_did_are_at_hand(self, mock: VambeMock, app: Api) -> None:
        assert [user["id"] for user in mock.users[:2]] == [MARIA, CARLOS]
        assert [status["type"] for status in mock.statuses] == ["initial", "in_progress", "done", "master_done"]
        task = app.created(aiContactId=mock.contacts[0]["id"], aiCustomerId=mock.customers[0]["id"])
        assert [each["id"] for each in mock.tasks] == [task["id"]]
        assert [note["contact_id"] for note in mock.notes] == [mock.contacts[0]["id"]]

    def test_the_state_can_be_replaced(self, mock: VambeMock, app: Api) -> None:
        app.created(title="one")
        state = mock.state
        state["tasks"][0]["title"] = "two"
        mock.state = state
        assert app.listed()[0]["title"] == "two"
        with pytest.raises(CallFailed, match="400 Validation failed"):
            mock.state = {"tasks": []}

    def test_requests_are_found_by_pattern(self, mock: VambeMock, app: Api) -> None:
        app.created(title="one")
        app.create(title="")
        app.list()
        assert [entry["id"] for entry in mock.requests()] == [1, 2, 3]
        assert [entry["id"] for entry in mock.requests("createTask")] == [1, 2]
        assert [entry["id"] for entry in mock.requests(status=400)] == [2]
        assert [entry["id"] for entry in mock.requests(json={"title": "one"})] == [1]
        assert [entry["id"] for entry in mock.requests(query={"toDate": "9999-12-31"}, method="GET")] == [3]
        assert mock.requests(path="/api/public/tasks/*") == []
        with pytest.raises(CallFailed, match="400 Validation failed"):
            mock.requests("makeTask")

    def test_headers_and_matchers_select_requests(self, mock: VambeMock, app: Api) -> None:
        mock.fail(request_headers={"Idempotency-Key": "a"}, json={"title": {"$contains": "x"}})
        app.created(title="x")
        body = {"title": "xy", "responsibleIds": [MARIA], "priority": "1"}
        headers = {"Idempotency-Key": "a"}
        assert app.client.post("/api/public/tasks", json=body, headers=headers).status_code == 503
        assert mock.verify("createTask", times=1, headers={"idempotency-key": {"$present": True}}) == 1

    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            (lambda mock: mock.fail("create_task"), 'match.operation: There is no "create_task"; there are createTask'),
            (lambda mock: mock.configure(rate_limit=5), "rate_limit: Expected an object, received a number"),
            (lambda mock: mock.verify("createTask", verb=1), "request.verb: Unknown key; a pattern takes operation, m"),
            (lambda mock: mock.verify_sequence("list"), 'sequence.0.operation: There is no "list"; there are creat'),
            (lambda mock: mock.reset(only=["taskz"]), "only: Must be some of tasks, journal, faults"),
            (lambda mock: mock.clock.set("soon"), 'now: "soon" is not a date-time of the form'),
            (lambda mock: mock.delay(ms=-1, skip=-1), r"skip: Must be a whole number|from 0 to 60000; skip: Must be"),
            (
                lambda mock: setattr(mock, "state", {"tasks": []}),
                "users: Required: expected an array; statuses: Required",
            ),
        ],
    )
    def test_a_refusal_gives_its_reasons(self, mock: VambeMock, wrong: Any, reason: str) -> None:
        with pytest.raises(CallFailed, match=f"400 Validation failed: .*{reason}"):
            wrong(mock)

    def test_the_journal_is_explained_in_words(self, mock: VambeMock, app: Api) -> None:
        assert mock.explain() == (
            "No request was answered in this sandbox: does the client use its base_url and its api_key?"
        )
        app.create(title="")
        assert "[title.too_small, documented, contract 2]" in mock.explain()
        for _ in range(60):
            app.client.get("/api/public/team-members/all")
        lines = mock.explain().splitlines()
        assert lines[0] == "(11 earlier requests are left out)"
        assert lines[1].startswith("#12 ")

    def test_what_nothing_reads_can_be_asserted(self, mock: VambeMock, app: Api) -> None:
        app.create()
        mock.assert_nothing_unread()
        app.create(colour="red")
        with pytest.raises(
            AssertionError, match="Nothing reads what the client sent:\n  #2  POST /api/public/tasks: colour"
        ):
            mock.assert_nothing_unread()
        mock.reset(only=["journal"])
        mock.assert_nothing_unread()


class TestVerifying:
    def test_what_is_so_passes_and_gives_the_count(self, mock: VambeMock, app: Api) -> None:
        mock.verify("createTask", times=0)
        app.create(title="one")
        app.create(title="two")
        assert mock.verify("createTask") == 2
        assert mock.verify("createTask", times=2, status=201) == 2
        assert mock.verify("createTask", times=1, json={"title": "one"}) == 1
        assert mock.verify("createTask", at_least=1, at_most=2) == 2
        assert mock.verify(method="POST", path="/api/*") == 2

    @pytest.mark.parametrize(
        ("bounds", "wanted"),
        [
            ({}, "at least 1"),
            ({"times": 2}, "exactly 2"),
            ({"at_least": 2}, "at least 2"),
            ({"at_least": 1, "at_most": 2}, "at least 1 and at most 2"),
        ],
    )
    def test_what_is_not_so_shows_what_came_closest(
        self, bounds: dict[str, int], wanted: str, mock: VambeMock, app: Api
    ) -> None:
        app.create(title="ona", priority="2")
        with pytest.raises(AssertionError) as failed:
            mock.verify("createTask", **bounds, json={"title": "one", "aiContactId": None})  # type: ignore[arg-type]
        lines = str(failed.value).splitlines()
        assert lines[0] == f"Expected {wanted}, but the journal has 0"
        assert lines[2:] == [
            "  close: #1  POST /api/public/tasks  201",
            "    json.title: expected 'one', found 'ona'",
            "    json.aiContactId: expected None, found nothing",
        ]

    def test_too_often_is_not_so_either(self, mock: VambeMock, app: Api) -> None:
        app.create()
        app.create()
        for bounds in ({"times": 1}, {"times": 0}, {"at_most": 1}):
            with pytest.raises(AssertionError) as failed:
                mock.verify("createTask", **bounds)  # type: ignore[arg-type]
            lines = str(failed.value).splitlines()
            assert lines[0].endswith("but the journal has 2")
            assert lines[2:4] == [f"  came: #{number}  POST /api/public/tasks  201" for number in (1, 2)]

    def test_with_a_timeout_it_waits_for_what_is_still_to_come(self, mock: VambeMock, app: Api) -> None:
        mock.delay("createTask", ms=100)
        sender = threading.Thread(target=app.create)
        sender.start()
        assert mock.verify("createTask", times=1, timeout=10) == 1
        sender.join()
        with pytest.raises(AssertionError, match="Expected exactly 2, but the journal has 1"):
            mock.verify("createTask", times=2, timeout=0.05)

    def test_an_order_is_checked(self, mock: VambeMock, app: Api) -> None:
        task = app.created()
        app.list()
        app.update(task["id"], title="two")
        assert mock.verify_sequence("createTask", {"operation": "updateTask", "json": {"title": "two"}}) == 2
        with pytest.raises(AssertionError, match="Only the first 1 of the 2 patterns were matched in this order"):
            mock.verify_sequence("updateTask", "createTask")

    @pytest.mark.parametrize(
        "check",
        [
            lambda mock: mock.assert_nothing_unread(),
            lambda mock: mock.verify("createTask", times=0),
            lambda mock: mock.verify("createTask", json={"title": "x"}),
            lambda mock: mock.verify(method="GET", path="/x*", times=0),
            lambda mock: mock.verify(method="GET", path="/x*", status=200),
            lambda mock: mock.verify_sequence({"method": "GET", "path": "/x*", "status": 200}),
            lambda mock: mock.assert_all_faults_hit(),
            lambda mock: mock.restore(HOSTILE),
        ],
    )
    def test_no_text_of_a_client_reaches_the_terminal_raw(self, check: Any, mock: VambeMock, app: Api) -> None:
        app.create(title=HOSTILE, **{HOSTILE: 1})
        app.client.get(f"/x{quote(HOSTILE)}")
        mock.fail(path=f"/y{HOSTILE}", body=HOSTILE)
        with pytest.raises((AssertionError, CallFailed)) as failed:
            check(mock)
        assert all(line.isprintable() for line in str(failed.value).split("\n"))

    def test_a_pattern_that_cannot_be_is_no_failed_verification(self, mock: VambeMock) -> None:
        with pytest.raises(CallFailed, match="400"):
            mock.verify("makeTask")
        with pytest.raises(CallFailed, match="400"):
            mock.verify("createTask", times=1, at_least=1)


class TestBreaking:
    def test_an_error_comes_as_often_as_it_is_told_and_nothing_is_done(self, mock: VambeMock, app: Api) -> None:
        fault = mock.fail("createTask", times=2, headers={"Retry-After": "7"})
        answers = [app.create(), app.create(), app.create()]
        assert [answer.status_code for answer in answers] == [503, 503, 201]
        assert answers[0].headers["retry-after"] == "7"
        assert (fault.hits, len(mock.tasks)) == (2, 1)

    def test_an_error_after_the_commit_leaves_what_was_done(self, mock: VambeMock, app: Api) -> None:
        mock.fail("createTask", status=500, when="after")
        assert_error(app.create(), 500, "Internal server error")
        assert len(mock.tasks) == 1

    def test_an_error_has_an_own_body_and_hits_only_what_is_like_the_pattern(self, mock: VambeMock, app: Api) -> None:
        mock.fail(status=418, body={"a": 1}, times=None, skip=1, json={"title": "tea"}, method="POST")
        statuses = [app.create(title=title).status_code for title in ("tea", "coffee", "tea", "tea")]
        assert statuses == [201, 201, 418, 418]
        assert app.create(title="tea").json() == {"a": 1}

    def test_a_chance_repeats(self, mock: VambeMock, server: MockServer) -> None:
        seen = []
        for _ in range(2):
            with server.sandbox() as other, Api(other.base_url, other.api_key).client as client:
                other.fail("listTeamMembers", times=None, probability=0.5)
                seen.append([client.get("/api/public/team-members/all").status_code for _ in range(20)])
        assert seen[0] == seen[1]
        assert set(seen[0]) == {200, 503}

    def test_a_lost_answer_is_a_broken_connection_and_a_task(self, mock: VambeMock, app: Api) -> None:
        mock.drop("createTask", when="after")
        with pytest.raises(httpx.ReadError):
            app.create()
        assert len(mock.tasks) == 1

    def test_an_answer_is_cut_short(self, mock: VambeMock, app: Api) -> None:
        mock.drop("createTask", "truncate")
        with pytest.raises(httpx.RemoteProtocolError):
            app.create()

    def test_a_rule_can_be_taken_back(self, mock: VambeMock, app: Api) -> None:
        first, second = mock.fail(times=None), mock.fail(status=502, times=None)
        first.remove()
        assert app.create().status_code == 502
        assert (first.hits, second.hits) == (0, 1)
        mock.clear_faults()
        assert app.create().status_code == 201

    def test_a_rule_that_does_nothing_is_refused(self, mock: VambeMock) -> None:
        for wrong in ({"ms": 0}, {"ms": 10, "when": "later"}):
            with pytest.raises(CallFailed, match="400 Validation failed"):
                mock.delay("createTask", **wrong)  # type: ignore[arg-type]

    def test_any_rule_of_the_control_plane_can_be_set(self, mock: VambeMock, app: Api) -> None:
        mock.fault({"match": {"operation": "createTask"}, "status": 200, "body": [], "when": "before"})
        assert app.create().json() == []

    def test_settings_are_changed(self, mock: VambeMock, app: Api) -> None:
        assert mock.configure(strict=True, rate_limit={"requests": 1, "seconds": 60}) == mock.settings
        assert app.create(colour="red").status_code == 400
        assert app.create().status_code == 429


class TestFailures:
    def test_there_is_one_for_each_documented_status_and_each_way_to_break(self) -> None:
        names = [failure.name for failure in failures("createTask")]
        assert names == [
            *(
                f"status-{status}"
                for status in (400, 401, 404, 413, 415, 429, 500, 502, 503, 504)
                if f"status-{status}" in names
            ),
            *(f"connection-{kind}" for kind in ("reset", "empty", "truncate", "garbage")),
            "lost-answer",
            "late-error",
        ]
        assert {"status-400", "status-401", "status-404", "status-500"} <= set(names)
        assert len(failures()) > len(names)
        assert {failure.operation for failure in failures()} == {
            "createTask",
            "listTasks",
            "updateTask",
            "deleteTask",
            "listTeamMembers",
            "listContacts",
            "searchContacts",
        }

    def test_they_are_those_of_the_control_plane(self, mock: VambeMock) -> None:
        served = httpx.get(f"{mock.base_url}/__admin/failures").json()["failures"]
        assert [vars(failure) for failure in failures()] == served

    def test_an_operation_that_there_is_not_is_named(self) -> None:
        with pytest.raises(ValueError, match="There is no operation 'makeTask'; there are createTask, listTasks"):
            failures("makeTask")

    @pytest.mark.parametrize("failure", failures())
    def test_each_makes_a_valid_request_fail_as_it_says(self, failure: Failure, mock: VambeMock, app: Api) -> None:
        task = app.created()
        calls = {
            "createTask": app.create,
            "listTasks": app.list,
            "updateTask": lambda: app.update(task["id"], title="x"),
            "deleteTask": lambda: app.delete(task["id"]),
            "listTeamMembers": lambda: app.client.get("/api/public/team-members/all"),
            "listContacts": lambda: app.client.get("/api/public/contacts"),
            "searchContacts": lambda: app.client.get("/api/public/contacts/search?phone=1"),
        }
        fault = mock.apply(failure)
        try:
            status = calls[failure.operation]().status_code
        except httpx.TransportError:
            assert failure.name.startswith(("connection-", "lost-"))
        else:
            assert status == failure.status
        assert fault.hits == 1

    def test_each_says_whether_a_retry_may_mend_it_and_what_was_done(self) -> None:
        matrix = {failure.name: (failure.transient, failure.committed) for failure in failures("createTask")}
        assert {name for name, (transient, _) in matrix.items() if not transient} == {
            "status-400",
            "status-401",
            "status-404",
            "status-413",
            "status-415",
        }
        assert {name for name, (_, committed) in matrix.items() if committed} == {"lost-answer", "late-error"}

    def test_pytest_names_them(self, request: pytest.FixtureRequest) -> None:
        assert [failure.__name__ for failure in failures("deleteTask")] == [
            each.name for each in failures("deleteTask")
        ]


class TestTime:
    def test_the_clock_is_set_stopped_and_moved(self, mock: VambeMock, app: Api) -> None:
        assert (mock.clock.now, mock.clock.mode) == ("2025-11-26T09:00:00.000Z", "ticking")
        mock.clock.advance(3600)
        assert app.created()["created_at"] == "2025-11-26T10:00:00.000Z"
        mock.clock.advance(timedelta(days=1, hours=-1))
        assert mock.clock.now == "2025-11-27T09:00:01.000Z"
        mock.clock.freeze()
        app.created()
        assert (mock.clock.now, mock.clock.mode) == ("2025-11-27T09:00:01.000Z", "frozen")
        mock.clock.freeze("2030-01-01T00:00:00.000Z")
        mock.clock.tick(ms=500)
        app.created()
        assert (mock.clock.now, mock.clock.mode) == ("2030-01-01T00:00:00.500Z", "ticking")
        mock.clock.run()
        assert mock.clock.mode == "real"
        assert abs(datetime.now(timezone.utc) - datetime.fromisoformat(mock.clock.now[:-1] + "+00:00")) < timedelta(
            hours=1
        )

    @pytest.mark.parametrize(
        "moment",
        [
            "2026-03-01T08:00:00.000Z",
            datetime(2026, 3, 1, 8),
            datetime(2026, 3, 1, 5, tzinfo=timezone(timedelta(hours=-3))),
        ],
        ids=["text", "naive", "aware"],
    )
    def test_a_time_is_a_text_or_a_date_time(self, moment: str | datetime, mock: VambeMock) -> None:
        mock.clock.set(moment)
        assert mock.clock.now == "2026-03-01T08:00:00.000Z"

    def test_a_time_that_cannot_be_is_refused(self, mock: VambeMock) -> None:
        with pytest.raises(CallFailed, match="400"):
            mock.clock.set("yesterday")


class TestGoingBack:
    def test_a_snapshot_is_restored(self, mock: VambeMock, app: Api) -> None:
        app.created(title="kept")
        assert mock.snapshot() == "snapshot-1"
        app.created(title="lost")
        assert mock.snapshot("named") == "named"
        app.created(title="more")
        mock.restore()
        assert [task["title"] for task in mock.tasks] == ["kept", "lost"]
        mock.restore("snapshot-1")
        assert [task["title"] for task in mock.tasks] == ["kept"]
        mock.verify("createTask", times=3)

    def test_there_must_be_one(self, mock: VambeMock) -> None:
        with pytest.raises(LookupError, match="there is no snapshot to restore"):
            mock.restore()
        with pytest.raises(CallFailed, match='404 There is no snapshot "x"'):
            mock.restore("x")

    def test_a_reset_puts_back_all_or_parts(self, mock: VambeMock, app: Api) -> None:
        first = app.created()
        mock.reset(only=["journal"])
        assert (len(mock.tasks), mock.requests()) == (1, [])
        mock.reset()
        assert mock.tasks == []
        assert app.created() == first
        mock.reset(to="empty")
        assert (mock.tasks, len(mock.users)) == ([], 6)

    def test_closing_deletes_the_sandbox_once(self, server: MockServer) -> None:
        mock = server.sandbox("closed")
        mock.close()
        mock.close()
        with pytest.raises(CallFailed, match='404 There is no sandbox "closed"'):
            assert mock.tasks


def test_everything_public_is_in_all_and_has_a_docstring() -> None:
    for name in mockserver.testing.__all__:
        thing = getattr(mockserver.testing, name)
        assert thing.__doc__, name
        for member in filter(lambda member: not member.startswith("_"), vars(thing)):
            described = vars(thing)[member]
            assert not callable(described) or described.__doc__, f"{name}.{member}"


def test_the_types_are_there_for_those_who_check_theirs(tmp_path: Any) -> None:
    code = (
        "from mockserver.testing import MockServer, VambeMock, failures\n"
        "def test(vambe_mock: VambeMock) -> None:\n"
        "    count: int = vambe_mock.verify('createTask', times=2, json={'title': 'x'}, timeout=1.5)\n"
        "    hits: int = vambe_mock.fail('createTask', status=503, times=2, when='after').hits\n"
        "    vambe_mock.apply(failures('createTask')[0])\n"
        "    vambe_mock.verify('createTask', time=2)\n"
        "    with MockServer(port=0, fixtures='demo') as mock:\n"
        "        reveal_type(mock)\n"
    )
    (tmp_path / "code.py").write_text(code)
    line = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", "cache", "code.py"]
    environment = plain_environment(MYPYPATH=str(ROOT))
    ended = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")
    assert 'code.py:6: error: Unexpected keyword argument "time"' in ended.stdout
    assert 'Revealed type is "mockserver.testing.sandbox.VambeMock"' in ended.stdout
    assert "Found 1 error" in ended.stdout, ended.stdout
