"""The pytest plugin, through pytest itself: what the fixture gives, and what the reports say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Sequence

import httpx
import pytest
from support import WITHOUT, plain_environment, served

USER = "vambe_mock.users[0]['id']"
HELPERS = f"""
import httpx
import pytest

def body(vambe_mock, **fields):
    return {{"title": "Call", "responsibleIds": [{USER}], "priority": "1"}} | fields

def client(vambe_mock):
    return httpx.Client(base_url=vambe_mock.base_url, headers=vambe_mock.headers, verify=False, trust_env=False)

def create(vambe_mock, **fields):
    with client(vambe_mock) as actor:
        return actor.post("/api/public/tasks", json=body(vambe_mock, **fields))
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of its own, in which `helpers` can be imported."""
    for name in ("VAMBE_MOCK_URL", "VAMBE_MOCK_ADMIN_TOKEN", "VAMBE_MOCK_EVIDENCE"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(helpers=HELPERS)
    pytester.syspathinsert()
    return pytester


def run(suite: pytest.Pytester, *arguments: object) -> pytest.RunResult:
    """Run the suite with pytest, in this process."""
    return suite.runpytest_inprocess(*WITHOUT, *map(str, arguments))


def run_alone(suite: pytest.Pytester, *arguments: object) -> pytest.RunResult:
    """Run the suite with pytest, in a process of its own."""
    return suite.runpytest_subprocess(*WITHOUT, *map(str, arguments))


def sandboxes(url: str) -> set[str]:
    return {each["name"] for each in httpx.get(f"{url}/__admin/sandboxes").json()["sandboxes"]}


class TestASandboxForEachTest:
    def test_it_has_what_an_application_is_given_and_the_people_of_the_fixtures(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            from helpers import create

            def test_gives(vambe_mock):
                assert vambe_mock.base_url.startswith("http://127.0.0.1:")
                assert vambe_mock.headers == {"x-api-key": vambe_mock.api_key}
                assert vambe_mock.api_key == f"test_{vambe_mock.name}"
                assert vambe_mock.env == {"VAMBE_API_URL": vambe_mock.base_url, "VAMBE_API_KEY": vambe_mock.api_key}
                assert vambe_mock.users[0]["first_name"] == "Maria"
                assert vambe_mock.statuses[0]["type"] == "initial"
                assert len(vambe_mock.contacts) >= 6 and len(vambe_mock.customers) == 3
                assert vambe_mock.tasks == vambe_mock.notes == []
                task = create(vambe_mock, aiContactId=vambe_mock.contacts[0]["id"]).json()
                assert [each["id"] for each in vambe_mock.tasks] == [task["id"]]
                assert vambe_mock.notes[0]["task_id"] == task["id"]
                assert vambe_mock.verify("createTask", times=1) == 1
            """
        )
        run(suite).assert_outcomes(passed=1)

    def test_it_can_lead_the_environment_of_the_test_to_it(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import os

            def test_has_the_variables(vambe_mock_env):
                assert os.environ["VAMBE_API_URL"] == vambe_mock_env.base_url
                assert os.environ["VAMBE_API_KEY"] == vambe_mock_env.api_key

            def test_has_none():
                assert "VAMBE_API_KEY" not in os.environ
            """
        )
        run(suite).assert_outcomes(passed=2)

    def test_no_test_finds_what_another_left(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import pytest
            from helpers import create

            @pytest.mark.parametrize("number", range(5))
            def test_starts_empty(vambe_mock, number):
                assert vambe_mock.tasks == []
                assert create(vambe_mock).json()["created_at"] == "2025-11-26T09:00:00.000Z"
            """
        )
        run(suite).assert_outcomes(passed=5)

    @pytest.mark.parametrize("outcome", ["pass", "assert 0", "pytest.skip()"])
    def test_it_is_named_after_the_test_and_deleted_after_it(
        self, outcome: str, suite: pytest.Pytester, server_url: str
    ) -> None:
        before = sandboxes(server_url)
        suite.makepyfile(
            f"""
            import pathlib, pytest
            from helpers import create

            def test_pays_the_bill_a_b(vambe_mock):
                create(vambe_mock)
                pathlib.Path("name").write_text(vambe_mock.name)
                {outcome}
            """
        )
        run(suite, "--vambe-mock-url", server_url)
        name = (suite.path / "name").read_text()
        assert name.startswith("pays_the_bill_a_b-")
        assert len(name) == len("pays_the_bill_a_b-") + 8
        assert sandboxes(server_url) == before

    @pytest.mark.parametrize("name", ["t" * 200, "ñandú", "é", "..", "a/b c", "\U0001f600", "-", "x[\\n]"])
    def test_any_test_s_name_makes_the_name_of_a_sandbox(self, name: str, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            f"""
            import pytest

            @pytest.mark.parametrize("value", [0], ids=[{name!r}])
            def test_(vambe_mock, value):
                assert vambe_mock.tasks == []
            """
        )
        run(suite).assert_outcomes(passed=1)

    def test_an_interrupted_session_leaves_no_sandbox_on_a_server_elsewhere(
        self, suite: pytest.Pytester, server_url: str
    ) -> None:
        before = sandboxes(server_url)
        suite.makepyfile("def test_stops(vambe_mock):\n    assert vambe_mock.users\n    raise KeyboardInterrupt")
        result = run_alone(suite, "--vambe-mock-url", server_url)
        assert result.ret == pytest.ExitCode.INTERRUPTED
        assert sandboxes(server_url) == before

    def test_unittest_classes_can_use_it(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import unittest, pytest
            from helpers import create

            class Tests(unittest.TestCase):
                @pytest.fixture(autouse=True)
                def _mock(self, vambe_mock):
                    self.mock = vambe_mock

                def test_creates(self):
                    self.assertEqual(create(self.mock).status_code, 201)
            """
        )
        run(suite).assert_outcomes(passed=1)


class TestItsNames:
    """pytest loads it by its entry point, and may be told to load it by another name too."""

    TEST = "def test_has_a_sandbox(vambe_mock):\n    assert vambe_mock.tasks == []\n"

    @pytest.mark.parametrize("arguments", [("-pmockserver.pytest_plugin",), ("-pvambe_mock",)])
    def test_an_option_may_name_it(self, arguments: Sequence[str], suite: pytest.Pytester) -> None:
        suite.makepyfile(self.TEST)
        run_alone(suite, *arguments).assert_outcomes(passed=1)

    def test_a_conftest_may_name_it(self, suite: pytest.Pytester) -> None:
        suite.makeconftest('pytest_plugins = ["mockserver.pytest_plugin"]')
        suite.makepyfile(self.TEST)
        run_alone(suite).assert_outcomes(passed=1)

    def test_the_environment_may_name_it_alone(self, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        suite.makepyfile(self.TEST)
        monkeypatch.setenv("PYTEST_PLUGINS", "mockserver.pytest_plugin")
        run_alone(suite).assert_outcomes(passed=1)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        run_alone(suite).assert_outcomes(passed=1)

    def test_it_is_turned_off(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(self.TEST)
        run_alone(suite, "-pno:vambe_mock").assert_outcomes(errors=1)


SAME_EVERYWHERE = """
    import pathlib, pytest
    from helpers import body, client

    @pytest.mark.parametrize("number", range(12))
    def test_writes(vambe_mock, number):
        said = []
        with client(vambe_mock) as actor:
            for _ in range(number % 3 + 1):
                said.append(actor.post("/api/public/tasks", json=body(vambe_mock, dueDate="2026-01-02")))
            said.append(actor.put(f"/api/public/tasks/{said[0].json()['id']}", json={"newStatusName": "Completada"}))
            said.append(actor.post("/api/public/tasks", json=body(vambe_mock, priority=1)))
            said.append(actor.get("/api/public/tasks?responsibleIds=&fromDate=2026-01-01&toDate=2026-02-01"))
        said = b"\\n".join(answer.content + answer.headers["x-mock-request-id"].encode() for answer in said)
        pathlib.Path(FOLDER, str(number)).write_bytes(said)
"""


def written(suite: pytest.Pytester, folder: str, *arguments: object) -> dict[str, bytes]:
    """The answers to every test of a run."""
    (suite.path / folder).mkdir()
    suite.makepyfile(test_same=SAME_EVERYWHERE.replace("FOLDER", repr(folder)))
    run(suite, *arguments).assert_outcomes(passed=12)
    return {path.name: path.read_bytes() for path in (suite.path / folder).iterdir()}


class TestTheSameEverywhere:
    @pytest.mark.parametrize("workers", [2, pytest.param(8, marks=pytest.mark.slow)])
    def test_workers_get_the_bytes_of_a_serial_run_on_servers_of_their_own_and_on_one(
        self, suite: pytest.Pytester, server_url: str, workers: int
    ) -> None:
        serial = written(suite, "serial")
        assert len(serial) == 12
        assert written(suite, "each", "-n", workers) == serial
        assert written(suite, "one", "-n", workers, "--vambe-mock-url", server_url) == serial

    def test_the_order_of_the_tests_changes_nothing(self, suite: pytest.Pytester) -> None:
        serial = written(suite, "serial")
        suite.makeconftest("def pytest_collection_modifyitems(items):\n    items.reverse()\n")
        assert written(suite, "reversed") == serial


class TestTheServer:
    CONFIGURED = """
        import pytest
        from helpers import create

        @pytest.fixture(scope="{scope}")
        def vambe_mock_config():
            return {{"fixtures": "demo", "clock": "frozen@2030-01-01T00:00:00.000Z", "strict": True}}

        def test_has_the_settings(vambe_mock):
            assert len(vambe_mock.tasks) == 36
            assert vambe_mock.clock.mode == "frozen"
            assert create(vambe_mock).json()["created_at"] == "2030-01-01T00:00:00.000Z"
            assert create(vambe_mock, colour="red").status_code == 400
    """

    @pytest.mark.parametrize("scope", ["session", "module", "function"])
    def test_its_settings_are_a_fixture_that_a_module_overrides_in_any_scope(
        self, scope: str, suite: pytest.Pytester
    ) -> None:
        suite.makepyfile(
            test_a="def test_has_its_own(vambe_mock):\n    assert vambe_mock.tasks == []\n",
            test_b=self.CONFIGURED.format(scope=scope),
            test_c="def test_has_its_own(vambe_mock):\n    assert vambe_mock.clock.mode == 'ticking'\n",
        )
        run(suite).assert_outcomes(passed=3)

    @pytest.mark.parametrize("scope", ["session", "module", "function"])
    def test_its_settings_in_any_scope_are_those_of_the_server_of_the_session(
        self, scope: str, suite: pytest.Pytester
    ) -> None:
        plain = """
            def test_is_the_server_of_its_settings(vambe_mock_server, vambe_mock):
                assert vambe_mock_server.base_url == vambe_mock.base_url
                with vambe_mock_server.sandbox() as other:
                    assert len(other.tasks) == {}
        """
        shared = """
            import pytest

            @pytest.fixture(scope="module")
            def shared(vambe_mock_server):
                with vambe_mock_server.sandbox() as mock:
                    yield mock
                assert vambe_mock_server.base_url == mock.base_url

            @pytest.fixture(scope="{}")
            def vambe_mock_config():
                return {{"fixtures": "demo"}}

            def test_shares_a_sandbox_of_it(shared):
                assert len(shared.tasks) == 36
        """
        demo = textwrap.dedent(shared.format(scope)) + textwrap.dedent(plain.format(36))
        suite.makepyfile(test_a=plain.format(0), test_b=demo, test_c=plain.format(0))
        run(suite).assert_outcomes(passed=4)

    def test_it_starts_once_for_a_session_and_can_be_had_for_the_session(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import pytest

            URLS = set()

            @pytest.fixture(scope="module")
            def shared(vambe_mock_server):
                with vambe_mock_server.sandbox("shared") as mock:
                    yield mock

            @pytest.mark.parametrize("number", range(3))
            def test_is_one(vambe_mock, vambe_mock_server, shared, number):
                URLS.update([vambe_mock.base_url, vambe_mock_server.base_url, shared.base_url])
                assert len(URLS) == 1
                assert shared.name == "shared"
            """
        )
        run(suite).assert_outcomes(passed=3)

    def test_settings_that_it_does_not_have_are_named(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import pytest

            @pytest.fixture
            def vambe_mock_config():
                return {"stirct": True}

            def test_never_runs(vambe_mock):
                pass
            """
        )
        result = run(suite)
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*MockServer has no setting 'stirct'; there are host, port,*"])

    def test_one_that_runs_elsewhere_is_taken_by_option_or_environment_and_shown(
        self, suite: pytest.Pytester, server_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        suite.makepyfile(f"def test_is_there(vambe_mock):\n    assert vambe_mock.base_url == {server_url!r}\n")
        given = run(suite, "--vambe-mock-url", server_url + "/")
        monkeypatch.setenv("VAMBE_MOCK_URL", server_url)
        for result in (given, run(suite)):
            result.assert_outcomes(passed=1)
            result.stdout.fnmatch_lines([f"vambe-mock: sandboxes of the server at {server_url}*"])

    def test_one_that_runs_elsewhere_may_ask_for_its_admin_token(self, suite: pytest.Pytester) -> None:
        suite.makepyfile("def test_is_there(vambe_mock):\n    assert vambe_mock.tasks == []\n")
        arguments = ("--host", "0.0.0.0", "--admin-token", "open-sesame")
        with served(*arguments) as server:
            refused = run(suite, "--vambe-mock-url", server.url)
            refused.assert_outcomes(errors=1)
            refused.stdout.fnmatch_lines(["*401 The control plane needs the admin token*"])
            given = run(suite, "--vambe-mock-url", server.url, "--vambe-mock-admin-token", "open-sesame")
            given.assert_outcomes(passed=1)

    def test_settings_for_one_that_runs_elsewhere_are_a_warning(self, suite: pytest.Pytester, server_url: str) -> None:
        suite.makeini("[pytest]\n")
        suite.makepyfile(
            """
            import pytest

            @pytest.fixture
            def vambe_mock_config():
                return {"strict": True}

            def test_runs(vambe_mock):
                assert vambe_mock.settings["strict"] is False
            """
        )
        result = run_alone(suite, "--vambe-mock-url", server_url)
        result.assert_outcomes(passed=1, warnings=1)
        result.stdout.fnmatch_lines(
            [f"*the server at {server_url} has settings of its own; vambe_mock_config*: strict"]
        )

    def test_a_url_that_is_none_is_a_usage_error(self, suite: pytest.Pytester) -> None:
        result = run(suite, "--vambe-mock-url", "localhost:4010")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*--vambe-mock-url localhost:4010: it must begin with http:// or https://"])

    def test_one_that_does_not_answer_is_named(self, suite: pytest.Pytester) -> None:
        suite.makepyfile("def test_never_runs(vambe_mock):\n    pass\n")
        result = run(suite, "--vambe-mock-url", "http://127.0.0.1:1")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*CallFailed: http://127.0.0.1:1 does not answer as it should*refused*"])


class TestTheReport:
    def test_a_test_that_fails_shows_its_requests_and_why_they_were_refused(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            from helpers import create

            def test_creates(vambe_mock):
                create(vambe_mock, priority=1, colour="red")
                vambe_mock.drop("createTask", when="after")
                try:
                    create(vambe_mock)
                except Exception:
                    pass
                assert create(vambe_mock, title="").status_code == 201
            """
        )
        result = run(suite)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "*- vambe-mock requests of sandbox creates-*",
                "#1  09:00:00  POST /api/public/tasks  400  (createTask)",
                "    priority: Expected a string, received *[[]priority.invalid_type, documented, contract 2]",
                "    the wording of the answer  [[]validation-body, framework]",
                "    advice: Nothing reads the body's *colour*",
                "#2  09:00:00  POST /api/public/tasks  no answer  (createTask)",
                "    fault 1: reset, after the commit",
                "    made task e4f4c5da-bad5-435c-9148-9fc081a50b53",
                "#3  *  POST /api/public/tasks  400  (createTask)",
                "    title: *[[]title.too_small, documented, contract 2]",
            ]
        )

    def test_it_says_so_when_no_request_came(self, suite: pytest.Pytester) -> None:
        suite.makepyfile("def test_fails(vambe_mock):\n    assert 0\n")
        result = run(suite)
        result.stdout.fnmatch_lines(["No request was answered in this sandbox: *"])

    @pytest.mark.parametrize("phase", ["setup", "teardown"])
    def test_also_a_fixture_that_fails_shows_them(self, phase: str, suite: pytest.Pytester) -> None:
        steps = ["assert 0", "yield"] if phase == "setup" else ["yield", "assert 0"]
        suite.makepyfile(
            f"""
            import pytest
            from helpers import create

            @pytest.fixture
            def task(vambe_mock):
                create(vambe_mock)
                {steps[0]}
                {steps[1]}

            def test_has_a_task(task):
                pass
            """
        )
        result = run(suite)
        result.assert_outcomes(errors=1, passed=int(phase == "teardown"))
        result.stdout.fnmatch_lines(["#1  09:00:00  POST /api/public/tasks  201  (createTask)"])

    def test_a_test_that_passes_shows_nothing(self, suite: pytest.Pytester) -> None:
        suite.makepyfile("from helpers import create\n\ndef test_passes(vambe_mock):\n    create(vambe_mock)\n")
        assert "vambe-mock" not in run(suite, "-rA").stdout.str().replace("vambe-mock-0", "")

    def test_a_failed_verification_shows_what_came_closest_and_no_code_of_the_mock(
        self, suite: pytest.Pytester
    ) -> None:
        suite.makepyfile(
            """
            from helpers import create

            def test_verifies(vambe_mock):
                create(vambe_mock, title="Cal")
                vambe_mock.verify("createTask", times=2, json={"title": "Call", "priority": "1"})
            """
        )
        result = run(suite)
        result.stdout.fnmatch_lines(
            [
                "E   * AssertionError: Expected exactly 2, but the journal has 0",
                "E   *close: #1  POST /api/public/tasks  201",
                "E   *json.title: expected 'Call', found 'Cal'",
                "test_a_failed*.py:5: AssertionError",
            ]
        )

    def test_a_server_that_has_gone_does_not_hide_the_failure(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import os, signal

            def test_fails(vambe_mock):
                os.kill(int(os.environ["SERVER"]), signal.SIGKILL)
                assert 0, "the failure itself"
            """
        )
        with served() as server:
            environment = plain_environment(SERVER=str(server.event["pid"]))
            line = [sys.executable, "-m", "pytest", *WITHOUT, "--vambe-mock-url", server.url, "--vambe-mock-inferred"]
            ended = subprocess.run(line, cwd=suite.path, env=environment, capture_output=True, encoding="utf-8")
        assert "the failure itself" in ended.stdout
        assert "1 failed" in ended.stdout
        assert f"{server.url} does not answer as it should" in ended.stdout
        assert "INTERNALERROR" not in ended.stdout


class TestStrict:
    SUITE = """
        import pytest
        from helpers import body, client

        def test_sends_an_unread_key(vambe_mock):
            with client(vambe_mock) as actor:
                actor.post("/api/public/tasks", json=body(vambe_mock, colour="red", size=2))
                actor.get("/api/public/team-members/all?page=2")

        def test_sends_none(vambe_mock):
            with client(vambe_mock) as actor:
                actor.post("/api/public/tasks", json=body(vambe_mock))

        def test_uses_no_mock():
            pass
    """

    def test_a_test_whose_client_sent_what_nothing_reads_fails(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(self.SUITE)
        result = run(suite, "--vambe-mock-strict")
        result.assert_outcomes(failed=1, passed=2)
        result.stdout.fnmatch_lines(
            [
                "--vambe-mock-strict: Nothing reads what the client sent:",
                "  #1  POST /api/public/tasks: colour, size",
                "  #2  GET /api/public/team-members/all: page",
            ]
        )

    def test_a_test_whose_requests_were_dropped_fails(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import pytest
            from helpers import client

            @pytest.fixture
            def vambe_mock_config():
                return {"journal_limit": 10}

            def test_sends_an_unread_key_and_then_more(vambe_mock):
                with client(vambe_mock) as actor:
                    actor.get("/api/public/team-members/all?page=2")
                    for _ in range(10):
                        actor.get("/api/public/team-members/all")
            """
        )
        result = run(suite, "--vambe-mock-strict")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            ["--vambe-mock-strict: Requests may have sent what nothing reads: 1 of the oldest are no longer*"]
        )

    FAULTS = """
        from helpers import create

        def test_meets_its_fault(vambe_mock):
            vambe_mock.fail("createTask")
            assert create(vambe_mock).status_code == 503

        def test_meets_one_of_two(vambe_mock):
            vambe_mock.fail("createTask")
            vambe_mock.delay("listTasks", ms=10)
            assert create(vambe_mock, colour="red").status_code == 503

        def test_does_not_skip_enough(vambe_mock):
            vambe_mock.fail("createTask", skip=1)
            assert create(vambe_mock).status_code == 201

        def test_takes_it_back(vambe_mock):
            vambe_mock.fail("createTask").remove()
            assert create(vambe_mock).status_code == 201
    """

    def test_a_test_with_a_fault_that_no_request_met_fails(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(self.FAULTS)
        result = run(suite, "--vambe-mock-strict")
        result.assert_outcomes(failed=2, passed=2)
        result.stdout.fnmatch_lines(
            [
                "--vambe-mock-strict: No request met these faults:",
                "  fault 2: *'operation': 'listTasks'*'delay_ms': 10*",
                "--vambe-mock-strict: No request met these faults:",
                "  fault 1: *'status': 503*'skip': 1*",
            ]
        )

    def test_without_the_option_it_passes(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(test_keys=self.SUITE, test_rules=self.FAULTS)
        run(suite).assert_outcomes(passed=7)


class TestInferred:
    SUITE = """
        from helpers import body, client

        def test_b_is_all_day(vambe_mock):
            with client(vambe_mock) as actor:
                actor.post("/api/public/tasks", json=body(vambe_mock, description="x", dueDate="2026-01-02"))

        def test_a_is_all_day_too(vambe_mock):
            with client(vambe_mock) as actor:
                actor.post("/api/public/tasks", json=body(vambe_mock, dueDate="2026-01-02"))

        def test_relies_on_its_status_only(vambe_mock):
            with client(vambe_mock) as actor:
                actor.post("/api/public/tasks", json=body(vambe_mock, description="x"))
    """
    LINES = (
        "*= vambe-mock: undocumented rules =*",
        "create-status (framework, contract 1): POST answers 201. *",
        "    test_rules.py::test_a_is_all_day_too",
        "    test_rules.py::test_b_is_all_day",
        "    test_rules.py::test_relies_on_its_status_only",
        "all-day (ours, contract 2): A date without `dueTime` is midnight *",
        "    test_rules.py::test_a_is_all_day_too",
        "    test_rules.py::test_b_is_all_day",
        "null-description (ours, contract 2): *",
        "    test_rules.py::test_a_is_all_day_too",
    )

    @pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["serial", "workers"])
    def test_the_session_ends_with_the_rules_and_the_tests_that_rely_on_them(
        self, arguments: Sequence[str], suite: pytest.Pytester
    ) -> None:
        suite.makepyfile(test_rules=self.SUITE)
        result = run(suite, "--vambe-mock-inferred", *arguments)
        result.assert_outcomes(passed=3)
        result.stdout.fnmatch_lines(self.LINES, consecutive=True)

    def test_it_says_so_when_there_are_none(self, suite: pytest.Pytester) -> None:
        suite.makepyfile("def test_asks_nothing(vambe_mock):\n    pass\n")
        result = run(suite, "--vambe-mock-inferred")
        result.stdout.fnmatch_lines(["No test relies on a rule that is neither documented nor measured."])

    def test_without_the_option_nothing_is_said(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(test_rules=self.SUITE)
        assert "undocumented" not in run(suite).stdout.str()


class TestFlip:
    SUITE = """
        import pytest
        from helpers import body, client

        UNKNOWN = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"

        @pytest.fixture(scope="module")
        def shared():
            print("shared is set up")

        def test_expects_a_201(vambe_mock, shared):
            with client(vambe_mock) as actor:
                assert actor.post("/api/public/tasks", json=body(vambe_mock, description="x")).status_code == 201

        class TestContact:
            @pytest.mark.parametrize("title", ["a"])
            def test_is_refused(self, vambe_mock, shared, title):
                assert not hasattr(self, "ran")
                self.ran = True
                vambe_mock.reset()
                with client(vambe_mock) as actor:
                    answer = actor.post("/api/public/tasks", json=body(vambe_mock, title=title, aiContactId=UNKNOWN))
                    assert answer.status_code in (400, 404)

        @pytest.mark.vambe_mock_assume("create-status=200")
        def test_is_pinned(vambe_mock, shared):
            vambe_mock.reset()
            with client(vambe_mock) as actor:
                assert actor.post("/api/public/tasks", json=body(vambe_mock, description="x")).status_code == 200

        def test_asks_nothing(vambe_mock, shared):
            pass

        def test_uses_no_mock(shared):
            pass

        @pytest.mark.xfail(strict=True)
        def test_fails_as_it_is(vambe_mock, shared):
            with client(vambe_mock) as actor:
                assert actor.post("/api/public/tasks", json=body(vambe_mock)).status_code == 418
    """
    TABLE = (
        "*= vambe-mock: flipped guesses =*",
        "guess                          tests  broken",
        "create-status=200                  1       1",
        "    test_flips.py::test_expects_a_201",
        "unknown-contact=400                1       0",
        "unknown-contact=accepted           1       1",
        "    test_flips.py::TestContact::test_is_refused[[]a]",
        "pinned by a mark: create-status=200 in 1 test",
        "not flipped (no test depends on it): validation-body, *",
        "not flipped (a switch of the server only): unauthorized-body",
    )

    @pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["serial", "workers"])
    def test_each_test_runs_again_for_each_guess_that_it_depends_on(
        self, arguments: Sequence[str], suite: pytest.Pytester
    ) -> None:
        suite.makepyfile(test_flips=self.SUITE)
        result = run(suite, "--vambe-mock-flip", "-v", *arguments)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.assert_outcomes(passed=6, failed=2, xfailed=1)
        result.stdout.fnmatch_lines(self.TABLE, consecutive=True)
        result.stdout.fnmatch_lines(["FAILED test_flips.py::test_expects_a_201[[]create-status=200] *"])
        result.stdout.fnmatch_lines(["FAILED *::test_is_refused[[]a][[]unknown-contact=accepted]*"])
        result.stdout.fnmatch_lines(["*test_is_refused[[]a][[]unknown-contact=400]*"])
        assert max(int(percentage) for percentage in re.findall(r"(\d+)%\]", result.stdout.str())) == 100

    def test_fixtures_that_tests_share_are_set_up_once(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(test_flips=self.SUITE)
        assert run(suite, "--vambe-mock-flip", "-s").stdout.str().count("shared is set up") == 1

    def test_after_the_first_failure_nothing_is_flipped_any_more_with_x(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(test_flips=self.SUITE)
        run(suite, "--vambe-mock-flip", "-x").assert_outcomes(passed=1, failed=1)

    def test_a_server_s_value_is_the_one_that_is_flipped(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import pytest
            from helpers import body, client

            @pytest.fixture(scope="session")
            def vambe_mock_config():
                return {"assume": {"create-status": "200"}}

            def test_expects_a_200(vambe_mock):
                with client(vambe_mock) as actor:
                    assert actor.post("/api/public/tasks", json=body(vambe_mock, description="x")).status_code == 200
            """
        )
        result = run(suite, "--vambe-mock-flip")
        result.stdout.fnmatch_lines(["create-status=201                  1       1"])

    @pytest.mark.parametrize(
        ("switch", "message"),
        [
            ("creation=200", 'there is no switch "creation"; there are create-status, *'),
            ("create-status=1", 'create-status is one of 201, 200, not "1"'),
            ("create-status", '"create-status" is not of the form NAME=VALUE, *'),
        ],
    )
    def test_a_mark_with_an_unknown_switch_or_value_is_an_error(
        self, switch: str, message: str, suite: pytest.Pytester
    ) -> None:
        suite.makepyfile(
            f"""
            import pytest

            @pytest.mark.vambe_mock_assume("{switch}")
            def test_asks_nothing(vambe_mock):
                pass
            """
        )
        result = run(suite, "--strict-markers")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([f"@pytest.mark.vambe_mock_assume: {message}"])

    def test_without_the_option_nothing_is_flipped(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(test_flips=self.SUITE)
        result = run(suite)
        result.assert_outcomes(passed=5, xfailed=1)
        assert "vambe-mock: flipped" not in result.stdout.str()


class TestEvidence:
    SUITE = """
        from helpers import body, client

        def test_expects_a_200(vambe_mock):
            with client(vambe_mock) as actor:
                assert actor.post("/api/public/tasks", json=body(vambe_mock)).status_code == 200
    """
    HEADER = "vambe-mock: evidence vambe-evidence.json, measured 2026-11-30 on api.vambe.me"

    @staticmethod
    def evidence(suite: pytest.Pytester, name: str = "vambe-evidence.json", version: int = 2, **gone: object) -> None:
        """Write evidence: creations answer 200, and all-day tasks are not what any value of their switch says."""
        measured = {
            "create-status": {"verdict": "refuted", "value": "200", "probes": ["create"]},
            "all-day": {"verdict": "refuted", "probes": ["create-all-day"]},
        }
        document = {"version": version, "measured_at": "2026-11-30T10:00:00Z", "host": "api.vambe.me"}
        (suite.path / name).write_text(json.dumps({**document, "rules": measured | gone}))

    @pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["serial", "workers"])
    def test_it_is_found_in_the_root_and_named_in_the_header(
        self, arguments: Sequence[str], suite: pytest.Pytester
    ) -> None:
        self.evidence(suite)
        suite.makeini("[pytest]\nfilterwarnings = error\npythonpath = .\n")
        suite.mkdir("inner")
        (suite.path / "inner" / "test_status.py").write_text(textwrap.dedent(self.SUITE))
        result = run(suite, *arguments, "inner")
        result.assert_outcomes(passed=1)
        assert result.stdout.str().count("vambe-mock:") == 1
        result.stdout.fnmatch_lines([self.HEADER])

    def test_the_header_names_what_this_version_of_the_contract_does_not_have(self, suite: pytest.Pytester) -> None:
        self.evidence(suite, version=1, gone={"verdict": "confirmed", "probes": []})
        suite.makepyfile(self.SUITE)
        result = run(suite)
        result.assert_outcomes(passed=1)
        ignored = 'ignored, as version 2 of the contract does not have it: the rule "gone"'
        result.stdout.fnmatch_lines([f"{self.HEADER}; {ignored}"])

    @pytest.mark.parametrize(
        ("variable", "setting"),
        [
            ("", None),
            ("other.json", None),
            (None, ""),
            (None, "other.json"),
        ],
    )
    def test_the_environment_and_the_settings_of_a_test_win_over_the_file_in_the_root(
        self, variable: str | None, setting: str | None, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.evidence(suite)
        other = {"version": 2, "measured_at": "2026-12-24T10:00:00Z", "host": "127.0.0.1:1", "rules": {}}
        (suite.path / "other.json").write_text(json.dumps(other))
        if variable is not None:
            monkeypatch.setenv("VAMBE_MOCK_EVIDENCE", variable)
        if setting is not None:
            suite.makeconftest(
                f"""
                import pytest

                @pytest.fixture(scope="session")
                def vambe_mock_config():
                    return {{"evidence": {setting!r}}}
                """
            )
        suite.makepyfile(self.SUITE.replace("200", "201"))
        result = run(suite)
        result.assert_outcomes(passed=1)
        if variable:
            result.stdout.fnmatch_lines(["vambe-mock: evidence other.json, measured 2026-12-24 on 127.0.0.1:1"])

    def test_a_test_may_change_the_directory_before_the_server_starts(
        self, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.evidence(suite, "other.json")
        monkeypatch.setenv("VAMBE_MOCK_EVIDENCE", "other.json")
        suite.makeconftest(
            """
            import os
            import pytest

            @pytest.fixture(scope="session", autouse=True)
            def elsewhere(tmp_path_factory):
                os.chdir(tmp_path_factory.mktemp("elsewhere"))
            """
        )
        suite.makepyfile(self.SUITE)
        run(suite).assert_outcomes(passed=1)

    def test_a_file_that_cannot_be_used_stops_the_session_with_one_line(self, suite: pytest.Pytester) -> None:
        (suite.path / "vambe-evidence.json").write_text("{}")
        suite.makepyfile(self.SUITE)
        result = run(suite)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            [
                "ERROR: vambe-mock: *vambe-evidence.json: version is missing: it is a whole number; "
                "correct it, or set VAMBE_MOCK_EVIDENCE= to ignore it"
            ]
        )

    def test_a_server_that_runs_already_has_its_own(self, suite: pytest.Pytester) -> None:
        self.evidence(suite)
        suite.makepyfile(self.SUITE.replace("200", "201"))
        with served() as server:
            result = run(suite, "--vambe-mock-url", server.url, "--vambe-mock-flip")
        result.assert_outcomes(passed=2, failed=1)
        result.stdout.no_fnmatch_line("*vambe-evidence*")
        result.stdout.fnmatch_lines(
            ["not flipped (no test depends on it, or the server has it measured): validation-body, *"]
        )

    def test_the_report_of_undocumented_rules_lists_what_nobody_has_measured(self, suite: pytest.Pytester) -> None:
        self.evidence(suite)
        suite.makepyfile(self.SUITE.replace("body(vambe_mock)", 'body(vambe_mock, dueDate="2026-01-02")'))
        result = run(suite, "--vambe-mock-inferred")
        result.stdout.fnmatch_lines(["*undocumented rules =*", "null-description (ours, *"], consecutive=True)
        for name in ("create-status", "all-day"):
            result.stdout.no_fnmatch_line(f"{name} (*")

    def test_what_was_measured_is_not_flipped_and_the_table_says_so(self, suite: pytest.Pytester) -> None:
        self.evidence(suite)
        suite.makepyfile(self.SUITE.replace("body(vambe_mock)", 'body(vambe_mock, dueDate="2026-01-02")'))
        result = run(suite, "--vambe-mock-flip")
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(
            [
                "guess                          tests  broken",
                "null-description=null              1       0",
                "not flipped (measured): create-status, all-day",
                "not flipped (no test depends on it): validation-body, *",
            ],
            consecutive=True,
        )

    def test_the_report_of_a_failed_test_says_what_was_measured(self, suite: pytest.Pytester) -> None:
        self.evidence(suite, title={"verdict": "confirmed", "probes": []})
        suite.makepyfile(self.SUITE.replace("body(vambe_mock)", 'body(vambe_mock, title="")'))
        run(suite).stdout.fnmatch_lines(["*[[]title.too_small, measured 2026-11-30, contract 2]"])


class TestWhatItCosts:
    def test_nothing_of_the_mock_is_imported_until_a_fixture_is_used(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import sys

            def test_is_not_here():
                heavy = {"flask", "marshmallow", "peewee", "waitress", "mockserver.testing", "mockserver.client.client"}
                assert "mockserver.pytest_plugin" in sys.modules
                assert not heavy & set(sys.modules)
            """
        )
        run_alone(suite).assert_outcomes(passed=1)

    def test_it_can_be_turned_off(self, suite: pytest.Pytester) -> None:
        suite.makepyfile("def test_has_none(vambe_mock):\n    pass\n")
        result = run(suite, "-p", "no:vambe_mock")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*fixture 'vambe_mock' not found"])

    def test_its_fixtures_and_options_are_explained(self, suite: pytest.Pytester) -> None:
        listed = run(suite, "--fixtures").stdout.str()
        for name in (
            "vambe_mock",
            "vambe_mock_env",
            "vambe_mock_server [session scope]",
            "vambe_mock_config [session scope]",
        ):
            assert f"\n{name} --" in listed
        assert "no docstring available" not in listed.partition("vambe_mock_config")[2].partition("fixtures defined")[0]
        helped = run(suite, "--help").stdout.str()
        for option in ("url=URL", "admin-token=TOKEN", "strict", "inferred", "flip"):
            assert f"--vambe-mock-{option}" in helped


def test_delays_end_and_deadlines_pass_while_a_test_has_frozen_time(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import freezegun
        from helpers import client, create

        @freezegun.freeze_time("2030-01-01")
        def test_first(vambe_mock):
            vambe_mock.delay("createTask", ms=50)
            assert create(vambe_mock).json()["created_at"] == "2025-11-26T09:00:00.000Z"
            try:
                vambe_mock.verify("createTask", times=2, timeout=0.05)
            except AssertionError as error:
                assert "Expected exactly 2" in str(error)
            assert vambe_mock.verify("createTask", times=1, timeout=0.05) == 1

        def test_second(freezer, vambe_mock):
            vambe_mock.delay("createTask", ms=50)
            assert create(vambe_mock).status_code == 201
        """
    )
    suite.makeconftest(
        """
        import freezegun, pytest

        @pytest.fixture(scope="session", autouse=True)
        def freezer():
            with freezegun.freeze_time("2031-01-01") as frozen:
                yield frozen
        """
    )
    run_alone(suite).assert_outcomes(passed=2)


def test_json_of_the_journal_is_what_the_control_plane_gives(suite: pytest.Pytester, server_url: str) -> None:
    suite.makepyfile(
        """
        import json, pathlib
        from helpers import client, create

        def test_asks(vambe_mock):
            create(vambe_mock, priority=1)
            with client(vambe_mock) as actor:
                expected = actor.get("/__admin/requests").json()["requests"]
            assert vambe_mock.requests() == expected
            assert vambe_mock.requests("createTask", status=400) == expected
            assert vambe_mock.requests("listTasks") == vambe_mock.requests(path="/nowhere") == []
        """
    )
    run(suite, "--vambe-mock-url", server_url).assert_outcomes(passed=1)
