"""The npm package `clients/node`, installed as users install it: its examples, its types, and the process it starts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import ROOT, check_that_there_is_node, missing, plain_environment, running, wait_until

import mockserver

PACKAGE = ROOT / "clients" / "node"
EXAMPLES = PACKAGE / "examples"
MANIFEST = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
TOOLS, RUNNERS = (Path(sys.prefix) / folder / "node_modules" for folder in ("npm", "npm-node"))

# What a runner prints that has done its work; one that found no tests might end well, too.
PROOF = {
    "jest": r"Tests: +3 passed, 3 total",
    "node-test": r"\bpass 9\b",
    "playwright": r"\b2 passed",
    "vitest": r"Tests +3 passed",
}
GENERATED = {"api": "/openapi.json", "control": "/__admin/openapi.json"}
REGENERATE = "VAMBE_MOCK_NODE_TYPES=1 python -m pytest tests/test_node_client.py -k types_are"


def tool(folder: Path, script: str) -> Path:
    """A script of npm packages; the test is skipped where `.ci/run` has not installed it."""
    check_that_there_is_node()
    if not (folder / script).exists():
        missing(f"there is no {folder / script}: the lines `npm_packages` of {ROOT / '.ci' / 'run'} install it")
    return folder / script


def run(line: list[object], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with no colours."""
    environment = plain_environment(NO_COLOR="1", **variables)
    environment.pop("FORCE_COLOR", None)
    words = [str(word) for word in line]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=120)


def ran(line: list[object], folder: Path, **variables: str) -> str:
    """Run a command that succeeds; returns what it prints."""
    ended = run(line, folder, **variables)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project with the packed package; what else its tests import is above it."""
    check_that_there_is_node()
    above = tmp_path_factory.mktemp("node")
    project = above / "project"
    project.mkdir()
    tarball = ran(["npm", "pack", "--silent", "--pack-destination", above], PACKAGE).strip()
    (project / "package.json").write_text('{"private": true, "type": "module"}')
    ran(["npm", "install", "--offline", "--silent", "--no-audit", "--no-fund", f"../{tarball}"], project)
    (above / "node_modules").symlink_to(RUNNERS, target_is_directory=True)
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a link to the package, which takes no time to install."""
    check_that_there_is_node()
    folder = tmp_path_factory.mktemp("linked")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "vambe-mock").symlink_to(PACKAGE, target_is_directory=True)
    return folder


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `vambe-mock`, which writes its arguments beside itself and starts the server."""
    folder = tmp_path_factory.mktemp("commands")
    shim(folder / "vambe-mock")
    return folder


def shim(path: Path, skipped: int = 0) -> None:
    """Make a command that runs the mock, as a child as `uvx` does, with its arguments but the first ones."""
    text = f'#!/bin/sh\necho "$@" > "$0.arguments"\nshift {skipped}\n"{sys.executable}" -m mockserver "$@"\nexit $?\n'
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def binary(commands: Path) -> str:
    """The value of VAMBE_MOCK_BIN that starts this mock."""
    return str(commands / "vambe-mock")


def evaluated(script: str, project: Path, **variables: str) -> Any:
    """Run a module that imports the package, and return the JSON that it prints."""
    return json.loads(ran(["node", "--input-type=module", "--eval", script], project, **variables))


def is_gone(url: str) -> bool:
    """Tell if no server listens there."""
    try:
        httpx.get(f"{url}/__admin/health", trust_env=False)
    except httpx.TransportError:
        return True
    return False


class TestTheExamples:
    @pytest.mark.parametrize("name", PROOF)
    def test_an_example_passes_with_the_packed_package(self, name: str, installed: Path, binary: str) -> None:
        folder = self.copied(name, installed)
        ended = run(["npm", "test"], folder, VAMBE_MOCK_BIN=binary)
        told = ended.stdout + ended.stderr
        assert ended.returncode == 0, told
        assert re.search(PROOF[name], told), told

    def test_a_client_that_does_not_look_before_it_tries_again_is_found_and_its_sandbox_stays(
        self, installed: Path, commands: Path
    ) -> None:
        folder = self.copied("node-test", installed)
        look = "tasks.find((task) => task.description.includes(reference)) ?? "
        self.replace(folder / "followups.js", look, "")
        options = ["--test-name-pattern=lost", "--test-reporter=tap"]
        ended = run([commands / "vambe-mock", "exec", "--", "npm", "test", "--", *options], folder)
        told = ended.stdout + ended.stderr
        assert ended.returncode != 0
        assert re.search(r"not ok \d+ - a lost answer", told)
        assert "fault 1: reset, after the commit" in told  # by `exec`, of a sandbox that is still there

    def test_jest_shows_the_message_of_a_failed_verification_and_no_difference(
        self, installed: Path, binary: str
    ) -> None:
        folder = self.copied("jest", installed)
        self.replace(folder / "tasks.test.js", "{ never: true }", "{ exactly: 1 }")
        told = run(["npm", "test"], folder, VAMBE_MOCK_BIN=binary).stderr
        assert "Expected exactly 1, but the journal has 0" in told
        assert "Difference" not in told

    def replace(self, file: Path, old: str, new: str) -> None:
        """Replace a text that a file has once."""
        original = file.read_text(encoding="utf-8")
        assert original.count(old) == 1
        file.write_text(original.replace(old, new), encoding="utf-8")

    def copied(self, name: str, project: Path) -> Path:
        """The folder of an example, in the project."""
        for package in self.requirements(name):
            tool(RUNNERS, f"{package}/package.json")
        shutil.rmtree(project / name, ignore_errors=True)
        left = shutil.ignore_patterns("node_modules", "package-lock.json", "test-results")
        return Path(shutil.copytree(EXAMPLES / name, project / name, ignore=left))

    def requirements(self, name: str) -> dict[str, str]:
        """The packages that an example needs beside this one."""
        manifest = json.loads((EXAMPLES / name / "package.json").read_text(encoding="utf-8"))
        return {package: v for package, v in manifest["devDependencies"].items() if package != "vambe-mock"}

    def test_they_require_what_is_tested(self) -> None:
        assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == set(PROOF)
        for name in PROOF:
            for package, version in self.requirements(name).items():
                assert f" {package}@{version}" in CI


class TestTheTypes:
    def test_the_types_are_those_of_the_documents(self, server_url: str, tmp_path: Path) -> None:
        generator = tool(TOOLS, "openapi-typescript/bin/cli.js")
        apis = {}
        for name, path in GENERATED.items():
            document = httpx.get(server_url + path, trust_env=False).json()
            if name == "control":
                document["paths"] = {}  # the package makes the calls: its users need the bodies alone
            (tmp_path / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
            apis[name] = {"root": f"{name}.json", "x-openapi-ts": {"output": f"{name}.d.ts"}}
        (tmp_path / "redocly.yaml").write_text(json.dumps({"apis": apis}), encoding="utf-8")
        ran(["node", generator, "--default-non-nullable", "false", "--empty-objects-unknown"], tmp_path)
        for name in GENERATED:
            made = (tmp_path / f"{name}.d.ts").read_text(encoding="utf-8")
            kept = PACKAGE / "types" / f"{name}.d.ts"
            if os.environ.get("VAMBE_MOCK_NODE_TYPES") == "1":
                kept.write_text(made, encoding="utf-8")
            assert made == kept.read_text(encoding="utf-8"), f"write it anew: {REGENERATE}"

    def test_they_know_operations_rules_and_fixtures_and_refuse_what_is_unknown(self, installed: Path) -> None:
        compiler = tool(TOOLS, "typescript/bin/tsc")
        for package in ("@playwright/test", "vitest"):
            tool(RUNNERS, f"{package}/package.json")
        shutil.copy(ROOT / "tests" / "data" / "clients" / "node_client.ts", installed / "use.ts")
        options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--types", "node"]
        libraries = ["--skipLibCheck", "--lib", "es2023,dom,dom.iterable"]
        ran(["node", compiler, *options, *libraries, "use.ts"], installed)


class TestTheProcess:
    @pytest.mark.parametrize(
        ("ending", "code"),
        [
            ("", 0),
            ("process.exit(3);", 3),
            ("throw new Error('x');", 1),
            ("setInterval(() => {}, 1000); process.kill(process.pid, 'SIGTERM');", -15),
            ("setInterval(() => {}, 1000); process.kill(process.pid, 'SIGINT');", -2),
            ("setInterval(() => {}, 1000); process.kill(process.pid, 'SIGKILL');", -9),
        ],
        ids=["by itself", "by exit", "by an error", "by SIGTERM", "by SIGINT", "by SIGKILL"],
    )
    def test_the_server_ends_with_the_process(self, ending: str, code: int, project: Path, binary: str) -> None:
        script = f"import {{ start }} from 'vambe-mock'; console.log((await start()).url); {ending}"
        ended = run(["node", "--input-type=module", "--eval", script], project, VAMBE_MOCK_BIN=binary)
        assert ended.returncode == code, ended.stderr
        url = ended.stdout.strip()
        assert url.startswith("http://127.0.0.1:")
        wait_until(lambda: is_gone(url))

    def test_stop_waits_until_the_server_has_ended(self, project: Path, binary: str) -> None:
        script = """
            import { CallFailed, start } from "vambe-mock";
            const server = await start();
            const sandbox = await server.sandbox();
            const listeners = ["SIGINT", "SIGTERM", "SIGHUP"].map((name) => process.listenerCount(name));
            await server.stop();
            const error = await sandbox.state().catch((error) => error);
            console.log(JSON.stringify([error instanceof CallFailed, error.message, listeners]));
        """
        is_call_failed, message, listeners = evaluated(script, project, VAMBE_MOCK_BIN=binary)
        assert is_call_failed
        assert re.fullmatch(r"GET /state: http://127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED.*", message)
        assert listeners == [0, 0, 0]  # others, which wait until they are alone, would never end the process

    def test_stop_waits_for_the_last_answer_of_a_server_that_a_shell_has_started(
        self, project: Path, binary: str
    ) -> None:
        script = """
            import { start } from "vambe-mock";
            const server = await start();
            const sandbox = await server.sandbox();
            await sandbox.fault({ delay_ms: 1_000 });
            const statuses = [];
            const listed = fetch(`${server.url}/api/public/tasks`, { headers: sandbox.headers });
            listed.then(({ status }) => statuses.push(status));
            await sandbox.verify("listTasks", { exactly: 1 }, { timeoutMs: 5_000 });
            await server.stop();
            console.log(JSON.stringify(statuses));
        """
        assert evaluated(script, project, VAMBE_MOCK_BIN=binary) == [503]

    @pytest.fixture
    def holding(self, tmp_path: Path) -> Path:
        """A command that leaves a process of another session with its output, and then does what is appended."""
        command = tmp_path / "holding"
        command.write_text(
            f"#!{sys.executable}\nimport os, subprocess, sys\n"
            "idle = [sys.executable, '-c', 'import signal; signal.alarm(30); signal.pause()']\n"
            "subprocess.Popen(idle, start_new_session=True)\n"
        )
        command.chmod(0o755)
        return command

    def test_a_start_fails_in_time_where_a_process_that_the_command_left_holds_its_output(
        self, holding: Path, project: Path
    ) -> None:
        with holding.open("a") as file:
            file.write("sys.exit('no disk')\n")
        script = """
            import { start } from "vambe-mock";
            const error = await start({ timeoutMs: 2_000 }).catch((error) => error);
            console.log(JSON.stringify(error.message));
        """
        assert "not ready after 2000 ms" in evaluated(script, project, VAMBE_MOCK_BIN=str(holding))

    def test_stop_ends_in_time_where_a_process_that_the_command_left_holds_its_output(
        self, holding: Path, project: Path
    ) -> None:
        with holding.open("a") as file:
            file.write("os.execv(sys.executable, [sys.executable, '-m', 'mockserver', *sys.argv[1:]])\n")
        script = """
            import { syncBuiltinESMExports } from "node:module";
            import { mock } from "node:test";
            import { start } from "vambe-mock";
            const server = await start();
            mock.timers.enable({ apis: ["setTimeout"] });
            syncBuiltinESMExports(); // the timers that the package has imported are those of the test
            const stopped = server.stop();
            mock.timers.tick(10_000);
            await stopped;
            console.log(JSON.stringify("stopped"));
        """
        assert evaluated(script, project, VAMBE_MOCK_BIN=str(holding)) == "stopped"

    def test_an_endless_line_is_not_read_to_its_end(self, project: Path, tmp_path: Path) -> None:
        command = tmp_path / "endless"
        command.write_text("#!/bin/sh\nexec cat /dev/zero\n")
        command.chmod(0o755)
        script = """
            import { start } from "vambe-mock";
            const error = await start().catch((error) => error);
            console.log(JSON.stringify(error.message.length));
        """
        assert evaluated(script, project, VAMBE_MOCK_BIN=str(command)) < 5_000

    def test_a_second_set_up_in_a_process_gives_the_tests_its_own_server(self, project: Path, binary: str) -> None:
        script = """
            import { server } from "vambe-mock";
            import setup from "vambe-mock/setup";
            const seen = [];
            for (const run of [1, 2]) {
              const teardown = await setup();
              seen.push((await (await (await server()).sandbox()).tasks()).length);
              await teardown();
            }
            console.log(JSON.stringify(seen));
        """
        assert evaluated(script, project, VAMBE_MOCK_BIN=binary) == [0, 0]

    def test_the_server_of_a_worker_thread_ends_with_the_thread(self, project: Path, binary: str) -> None:
        script = """
            import { once } from "node:events";
            import { Worker } from "node:worker_threads";
            import { connect } from "vambe-mock";
            const inside = `
              import("node:worker_threads").then(async ({ parentPort }) => {
                const { server } = await import("vambe-mock");
                parentPort.postMessage((await server()).url);
              });
            `;
            const worker = new Worker(inside, { eval: true });
            const [url] = await once(worker, "message");
            while (!(await connect(url).sandbox().catch((error) => error)).message?.includes("ECONNREFUSED"));
            console.log(JSON.stringify("stopped"));
        """
        assert evaluated(script, project, VAMBE_MOCK_BIN=binary) == "stopped"

    def test_a_worker_of_playwright_has_a_server_where_there_is_none_for_all(self, project: Path, binary: str) -> None:
        script = """
            import { fixtures } from "vambe-mock/playwright";
            const [worker, { scope }] = fixtures.vambeMockServer;
            const seen = [scope];
            let mock;
            await worker({}, async (vambeMockServer) => {
              const test = async (sandbox) => seen.push((await (mock = sandbox).tasks()).length);
              await fixtures.vambeMock({ vambeMockServer }, test, { title: "a test", status: 1, expectedStatus: 1 });
              seen.push((await mock.tasks().catch((error) => error)).status);
            });
            seen.push((await mock.tasks().catch((error) => error)).status ?? "no answer");
            console.log(JSON.stringify(seen));
        """
        assert evaluated(script, project, VAMBE_MOCK_BIN=binary) == ["worker", 0, 404, "no answer"]

    def test_settings_and_the_admin_token_are_passed_on(self, project: Path, binary: str) -> None:
        script = """
            import { connect, start } from "vambe-mock";
            const server = await start({
              args: ["--host", "0.0.0.0", "--fixtures", "demo"],
              env: { VAMBE_MOCK_ADMIN_TOKEN: "secret" },
            });
            const stranger = await connect(server.url, "wrong").sandbox().catch((error) => error);
            console.log(JSON.stringify([(await (await server.sandbox()).tasks()).length, stranger.status]));
        """
        assert evaluated(script, project, VAMBE_MOCK_BIN=binary) == [36, 401]

    def test_workers_have_the_admin_token_that_the_server_of_the_set_up_made(self, project: Path, binary: str) -> None:
        script = """
            import { server } from "vambe-mock";
            import setup from "vambe-mock/setup";
            const teardown = await setup();
            const mock = await (await server()).sandbox();
            console.log(JSON.stringify((await mock.tasks()).length));
            await teardown();
        """
        assert evaluated(script, project, VAMBE_MOCK_BIN=binary, VAMBE_MOCK_HOST="0.0.0.0") == 0

    @pytest.mark.parametrize(
        ("command", "skipped", "arguments"),
        [
            ("vambe-mock", 0, "serve --port 0 --json --stop-with-stdin"),
            ("uvx", 1, f"vambe-mock@{MANIFEST['version']} serve --port 0 --json --stop-with-stdin"),
        ],
    )
    def test_the_command_is_found_on_the_path(
        self, command: str, skipped: int, arguments: str, project: Path, tmp_path: Path
    ) -> None:
        shim(tmp_path / command, skipped)
        node = shutil.which("node")
        script = "import { start } from 'vambe-mock'; console.log((await start()).url);"
        line = [node, "--input-type=module", "--eval", script]
        url = ran(line, project, PATH=str(tmp_path), VAMBE_MOCK_BIN="").strip()
        wait_until(lambda: is_gone(url))
        assert (tmp_path / f"{command}.arguments").read_text().strip() == arguments

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("", r"vambe-mock was not found\. Tried in this order: VAMBE_MOCK_BIN, which is not set; then "),
            ("/no/mock", r"/no/mock did not start: spawn /no/mock ENOENT\. .*VAMBE_MOCK_BIN, which is /no/mock; then "),
            ("/bin/echo", r'/bin/echo did not start: it printed "serve .*", and not that it is ready\. '),
            ("/bin/false", r"/bin/false did not start: it printed nothing \(exit code 1\)\. "),
        ],
    )
    def test_a_server_that_does_not_start_says_what_was_tried(
        self, given: str, message: str, project: Path, tmp_path: Path
    ) -> None:
        node = shutil.which("node")
        script = "import { start } from 'vambe-mock'; await start().catch((error) => console.log(error.message));"
        line = [node, "--input-type=module", "--eval", script]
        told = ran(line, project, PATH=str(tmp_path), VAMBE_MOCK_BIN=given)
        assert re.match(message, told), told
        assert told.strip().endswith("then `vambe-mock` and `uvx` on the PATH")

    def test_a_setting_that_the_server_refuses_is_told_in_its_words(self, project: Path, binary: str) -> None:
        script = """
            import { start } from "vambe-mock";
            const error = await start({ args: ["--clock", "yesterday"] }).catch((error) => error);
            console.log(JSON.stringify(error.message));
        """
        message = evaluated(script, project, VAMBE_MOCK_BIN=binary)
        assert "--clock" in message
        assert "(exit code 2)" in message


class TestASandbox:
    """Calls and refusals that no example shows."""

    @pytest.fixture
    def shared(self) -> Iterator[str]:
        with running() as url:
            yield url

    def test_workers_share_a_server_by_its_url(self, shared: str, project: Path) -> None:
        script = """
            import { server } from "vambe-mock";
            import setup from "vambe-mock/setup";
            await setup();
            const mock = await (await server()).sandbox("it works: a lost answer, 100 % of the time");
            console.log(JSON.stringify([mock.url, mock.name, mock.key, mock.env.VAMBE_API_URL]));
        """
        url, name, key, same = evaluated(script, project, VAMBE_MOCK_URL=f"{shared}/", VAMBE_MOCK_BIN="/no/mock")
        assert (url, key, same) == (shared, f"test_{name}", shared)
        assert re.fullmatch(r"it-works-a-lost-answer-100-of-the-time-[0-9a-f]{8}", name)

    def test_a_failed_verification_shows_the_near_misses(self, shared: str, project: Path) -> None:
        script = """
            import { AssertionError } from "node:assert";
            import { server } from "vambe-mock";
            const mock = await (await server()).sandbox();
            await fetch(`${mock.url}/api/public/team-members/all`, { headers: mock.headers });
            const error = await mock.verify({ operation: "listTeamMembers", status: 503 }).catch((error) => error);
            console.log(JSON.stringify([error instanceof AssertionError, error.message]));
        """
        is_assertion, message = evaluated(script, project, VAMBE_MOCK_URL=shared)
        assert is_assertion
        assert "close: #1  GET /api/public/team-members/all  200\n    status: expected 503, found 200" in message

    def test_a_refused_call_names_every_problem(self, shared: str, project: Path) -> None:
        script = """
            import { server } from "vambe-mock";
            const mock = await (await server()).sandbox();
            const error = await mock.fault({ status: 7, sometimes: true }).catch((error) => error);
            console.log(JSON.stringify([error.name, error.status, error.message]));
        """
        name, status, message = evaluated(script, project, VAMBE_MOCK_URL=shared)
        assert (name, status) == ("CallFailed", 400)
        assert re.search(r"POST /faults: http://\S+: 400 .*; status: .*; sometimes: ", message), message

    @pytest.mark.parametrize(
        ("status", "body"),
        [(200, "<html>"), (201, "{}"), (201, "null"), (422, '{"message": "No", "errors": {"name": ["Missing"]}}')],
    )
    def test_another_service_is_named_as_one(self, status: int, body: str, project: Path) -> None:
        script = """
            import http from "node:http";
            import { once } from "node:events";
            import { connect } from "vambe-mock";
            const { STATUS, BODY } = process.env;
            const other = http.createServer((_, response) => response.writeHead(Number(STATUS)).end(BODY));
            await once(other.listen(0, "127.0.0.1"), "listening");
            const error = await connect(`http://127.0.0.1:${other.address().port}`).sandbox().catch((error) => error);
            console.log(JSON.stringify([error.name, error.message]));
            other.close();
        """
        name, message = evaluated(script, project, STATUS=str(status), BODY=body)
        assert name == "CallFailed"
        assert message.endswith("no vambe-mock: check the URL")

    def test_its_calls_work_with_the_signals_of_happy_dom(self, shared: str, project: Path) -> None:
        """vitest makes these global; their `timeout` is a method of their class, and no function alone."""
        script = """
            const { AbortSignal: original } = globalThis;
            globalThis.AbortSignal = class {
              static native = original;
              static timeout(time) {
                return this.native.timeout(time);
              }
            };
            const { server } = await import("vambe-mock");
            console.log(JSON.stringify(await (await (await server()).sandbox()).tasks()));
        """
        assert evaluated(script, project, VAMBE_MOCK_URL=shared) == []

    def test_its_calls_do_what_their_names_say(self, shared: str, project: Path) -> None:
        script = """
            import { server } from "vambe-mock";
            const mock = await (await server()).sandbox();
            const done = {};
            const { fetch } = globalThis;
            const list = () => fetch(`${mock.url}/api/public/team-members/all`, { headers: mock.headers });
            globalThis.fetch = () => { throw new Error("a test has replaced it"); };
            AbortSignal.timeout = () => AbortSignal.abort(); // as mock timers do
            await mock.fault({ match: { operation: "listTeamMembers" }, status: 500 });
            done.status = (await list()).status;
            done.hits = (await mock.faults())[0].hits;
            await mock.clearFaults();
            done.faults = await mock.faults();
            done.added = (await mock.addTask({ title: "Visit" })).title;
            await list();
            done.sequence = await mock.verifySequence([{ status: 500 }, "listTeamMembers"], { timeoutMs: 50 });
            done.requests = (await mock.requests()).map((entry) => entry.id);
            done.newest = (await mock.call("GET", "/requests?since=1")).requests.map((entry) => entry.id);
            await mock.configure({ strict: true });
            await mock.assume({ "create-status": "200" });
            done.settings = await mock.settings();
            await mock.clock.set({ mode: "frozen", now: "2026-03-01T08:00:00.000Z" });
            await mock.clock.advance(60);
            done.clock = await mock.clock.get();
            const state = await mock.state();
            await mock.setState({ ...state, tasks: [] });
            done.tasks = await mock.tasks();
            await mock.reset({ only: ["settings"] });
            done.strict = (await mock.settings()).strict;
            done.snapshot = (await mock.call("POST", "/snapshots", { name: "one" })).name;
            await mock.delete();
            done.deleted = (await mock.state().catch((error) => error)).status;
            console.log(JSON.stringify(done));
        """
        assert evaluated(script, project, VAMBE_MOCK_URL=shared) == {
            "status": 500,
            "hits": 1,
            "faults": [],
            "added": "Visit",
            "sequence": 2,
            "requests": [1, 2],
            "newest": [2],
            "settings": {"strict": True, "delay_ms": 0, "rate_limit": None, "assume": {"create-status": "200"}},
            "clock": {"mode": "frozen", "now": "2026-03-01T08:01:00.000Z", "tick_ms": 1000},
            "tasks": [],
            "strict": False,
            "snapshot": "one",
            "deleted": 404,
        }


class TestThePackage:
    def test_it_is_of_this_version_and_licence_and_needs_no_other_package(self) -> None:
        assert MANIFEST["version"] == mockserver.__version__
        assert (PACKAGE / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
        assert not [key for key in MANIFEST if key.endswith("ependencies")]

    def test_everything_it_exports_has_types(self) -> None:
        for target in MANIFEST["exports"].values():
            file = PACKAGE / (target if isinstance(target, str) else target["types"])
            assert file.exists()
            assert file.with_name(file.name.removesuffix(".js").removesuffix(".d.ts") + ".d.ts").exists()


@pytest.mark.parametrize("version", [None, "v18.20.4"])
def test_where_node_is_missing_or_too_old_a_ci_machine_fails_and_another_one_skips(
    version: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if version:
        node = tmp_path / "node"
        node.write_text(f"#!/bin/sh\necho {version}\n")
        node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"needs Node 20 or newer, and there is {version or 'none'}"):
        check_that_there_is_node()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="needs Node 20"):
        check_that_there_is_node()
