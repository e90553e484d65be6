"""The command `vambe-mock`: its help, its settings from flags and environment, its refusals to start."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support import COMMAND, Api, assert_error, command, plain_environment, served, wait_until

from mockserver import __version__, cli, serving
from mockserver.config import SETTINGS, Settings
from mockserver.formats import ids
from mockserver.store.models import SCHEMA_VERSION
from mockserver.store.sqlite.database import open_store

BAD_VALUES = [
    ("host", ""),
    ("host", "a\0b"),
    ("port", "http"),
    ("port", "65536"),
    ("port", "-1"),
    ("port", ""),
    ("port", "٣"),
    ("database", ""),
    ("fixtures", ""),
    ("seed", ""),
    ("seed", "\udcff"),
    ("clock", "stopped"),
    ("clock", "ticking@"),
    ("clock", "frozen@yesterday"),
    ("clock", "frozen@2025-11-26T09:00:00"),
    ("clock", "frozen@1969-12-31T23:59:59Z"),
    ("max-body", "1MB"),
    ("max-body", "0"),
    ("max-sandboxes", "0"),
    ("max-sandboxes", "9" * 5000),
    ("sandbox-idle", "-1"),
    ("max-delayed", "0"),
    ("threads", "0"),
    ("threads", "1025"),
    ("api-key", "with blank"),
    ("api-key", "test_mine"),
    ("api-key", "a,b"),
    ("cors-origin", "app.example.com"),
    ("cors-origin", "https://app.example.com/"),
    ("cors-origin", "null"),
    ("allowed-host", "mock.internal:80"),
    ("allowed-host", "http://mock"),
    ("log-format", "xml"),
    ("log-format", "TEXT"),
    ("ready-file", ""),
]
# A variable cannot hold a NUL, and is split at blanks and commas where it is a list.
FLAGS_ONLY = [("host", "a\0b"), ("api-key", "with blank"), ("api-key", "a,b")]
BAD_VARIABLES = [pair for pair in BAD_VALUES if pair not in FLAGS_ONLY] + [("strict", "maybe"), ("json", "2")]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of the servers that a command in this process would have started."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    settings: list[Settings] = []
    monkeypatch.setattr(serving, "serve", settings.append)
    return settings


def run(*arguments: str) -> int:
    """Run the command in this process: its exit code."""
    with pytest.raises(SystemExit) as exit:
        cli.main(arguments)
    return exit.value.code or 0


def one_line(errors: str) -> str:
    """The only line of what a command wrote on standard error."""
    (line,) = errors.splitlines()
    assert line.startswith("vambe-mock: ")
    return line


class TestHelp:
    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_the_help_lists_the_commands(self, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(flag) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("Usage: vambe-mock ")
        assert "fixtures" in shown
        assert "serve" in shown

    def test_the_version_is_the_package_s(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("--version") == 0
        assert capsys.readouterr().out == f"vambe-mock {__version__}\n"

    @pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
    def test_the_help_of_serve_has_the_option_with_default_and_variable(
        self, setting: object, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("serve", "--help") == 0
        shown = " ".join(capsys.readouterr().out.split())
        start = shown.index(f" {setting.flag} ")
        assert f"default: {setting.shown}; env: {setting.variable}]" in shown[start : start + 300]

    def test_the_help_of_fixtures_lists_its_commands(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("fixtures", "--help") == 0
        shown = capsys.readouterr().out
        assert " validate " in shown
        assert " init " in shown

    def test_the_module_is_the_command(self) -> None:
        ended = command("--version")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"vambe-mock {__version__}\n", "")


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (["sevre"], "sevre"),
            (["serve", "--prot", "1"], "--prot"),
            (["--prot", "1"], "--prot"),
            (["serve", "--port"], "--port"),
            (["serve", "extra"], "extra"),
            (["serve", "--strict=yes"], "--strict"),
            (["fixtures", "check"], "check"),
            (["fixtures", "validate"], "DIR"),
        ],
    )
    def test_a_wrong_use_is_refused_in_one_line(
        self, arguments: list[str], named: str, started: list[Settings], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(*arguments) == 2
        assert named in one_line(capsys.readouterr().err)
        assert not started

    @pytest.mark.parametrize(("flag", "text"), BAD_VALUES)
    def test_a_bad_value_is_refused_in_one_line_that_names_the_option(
        self, flag: str, text: str, started: list[Settings], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("serve", f"--{flag}", text) == 2
        line = one_line(capsys.readouterr().err)
        assert line.startswith(f"vambe-mock: --{flag}: ")
        assert len(line) < 300
        assert not started

    @pytest.mark.parametrize(("flag", "text"), BAD_VARIABLES)
    def test_a_bad_value_of_the_environment_is_refused_with_option_and_variable(
        self,
        flag: str,
        text: str,
        started: list[Settings],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        variable = "VAMBE_MOCK_" + flag.upper().replace("-", "_")
        monkeypatch.setenv(variable, text)
        assert run() == 2
        assert one_line(capsys.readouterr().err).startswith(f"vambe-mock: --{flag} ({variable}): ")
        assert not started

    def test_control_characters_of_a_bad_value_are_escaped(
        self, started: list[Settings], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("serve", "--bad\x1b[31m\n\u202e") == 2
        assert one_line(capsys.readouterr().err).isprintable()

    def test_without_a_command_it_serves(self, started: list[Settings]) -> None:
        assert run("--port", "1") == 0
        assert started == [Settings(port=1)]

    def test_a_flag_wins_over_its_variable(self, started: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VAMBE_MOCK_PORT", "nonsense")
        monkeypatch.setenv("VAMBE_MOCK_STRICT", "false")
        monkeypatch.setenv("VAMBE_MOCK_API_KEY", "theirs")
        assert run("--port", "1", "--strict", "--api-key", "mine") == 0
        assert started == [Settings(port=1, strict=True, api_key=("mine",))]


EVERYTHING = {
    "host": "localhost",
    "fixtures": "demo",
    "seed": "another",
    "clock": "frozen@2026-03-01T08:00:00Z",
    "strict": "true",
    "max-body": "400",
    "max-sandboxes": "2",
    "sandbox-idle": "60",
    "max-delayed": "10",
    "threads": "2",
    "api-key": "our-own-key",
    "cors-origin": "https://app.example.com",
    "allowed-host": "mock.internal",
    "log-format": "json",
}


@contextlib.contextmanager
def everything_set(through: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A process with every setting set, through flags or variables: its URL, and a list that gets its log lines."""
    settings = {**EVERYTHING, "database": str(folder / "world.db"), "ready-file": str(folder / "ready.json")}
    flags: list[str] = []
    variables: dict[str, str] = {}
    for name, text in settings.items():
        if through == "flags":
            flags += ["--strict"] if name == "strict" else [f"--{name}", text]
        else:
            variables["VAMBE_MOCK_" + name.upper().replace("-", "_")] = text
    log: list[str] = []
    with served(*flags, **variables) as server:
        yield server.url, log
        log += server.stop()[2].splitlines()


@pytest.mark.parametrize("through", ["flags", "environment"])
def test_every_setting_takes_effect_through_its_flag_and_through_its_variable(through: str, tmp_path: Path) -> None:
    with everything_set(through, tmp_path) as (url, log), Api(url, "our-own-key").client as client:
        assert httpx.URL(url).host in ("127.0.0.1", "::1")
        assert len(client.get("/__admin/state").json()["tasks"]) == 36
        assert json.loads((tmp_path / "ready.json").read_text())["url"] == url
        assert (tmp_path / "world.db").is_file()

        task = {"title": "Call", "responsibleIds": ["228d7a0d-9072-4ca8-939b-959b75cc606a"], "priority": "1"}
        created = [client.post("/api/public/tasks", json=task).json() for _ in range(2)]
        assert {each["created_at"] for each in created} == {"2026-03-01T08:00:00.000Z"}
        assert created[0]["id"] == ids.mint("another", "task", 0)

        assert_error(client.post("/api/public/tasks", json={**task, "colour": "red"}), 400)
        assert_error(client.post("/api/public/tasks", json={**task, "description": "x" * 400}), 413)

        statuses = [client.get("/api/public/team-members/all", headers={"x-api-key": f"test_{n}"}) for n in "ab"]
        assert [each.status_code for each in statuses] == [200, 503]

        answer = client.get("/api/public/team-members/all", headers={"origin": "https://app.example.com"})
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        assert client.get("/__admin/health", headers={"host": "mock.internal"}).status_code == 200
        assert client.get("/__admin/health", headers={"host": "mock.external"}).status_code == 421
    assert {json.loads(line)["logger"] for line in log} == {"mockserver.access", "mockserver.server"}


class TestRefusalsToStart:
    def refused(self, *arguments: object) -> str:
        ended = command("serve", "--port", "0", *arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        return one_line(ended.stderr)

    def test_a_port_in_use(self, server_url: str, tmp_path: Path) -> None:
        line = self.refused("--port", httpx.URL(server_url).port, "--database", tmp_path / "world.db")
        assert line.endswith(": Address already in use")
        assert "--port" in line
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "a..b", "x" * 70])
    def test_a_host_that_is_not_this_machine_s(self, host: str) -> None:
        assert f"--host {host}" in self.refused("--host", host)

    @pytest.mark.parametrize("name", ["/", "missing/ready.json", "."])
    def test_a_ready_file_that_cannot_be_written(self, name: str, tmp_path: Path) -> None:
        assert "--ready-file" in self.refused("--ready-file", tmp_path / name)
        assert list(tmp_path.iterdir()) == []
        assert not list(tmp_path.parent.glob(f"{tmp_path.name}.*"))

    def test_fixtures_that_do_not_exist(self) -> None:
        assert self.refused("--fixtures", "mine").startswith('vambe-mock: --fixtures: there are no fixtures "mine"')

    def test_fixtures_that_are_broken_leave_the_database_untouched(self, tmp_path: Path) -> None:
        fixtures = tmp_path / "fixtures"
        fixtures.mkdir()
        (fixtures / "users.json").write_text('[\n{"id": 1}\n]')
        line = self.refused("--fixtures", fixtures, "--database", tmp_path / "world.db")
        assert f"{fixtures / 'users.json'}:2: $[0].id: " in line
        assert "more: vambe-mock fixtures validate" in line
        assert list(tmp_path.iterdir()) == [fixtures]


def as_found(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}


def foreign(path: Path, journal: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()


def of_version(path: Path, version: int) -> None:
    open_store(path).close()
    Path(f"{path}.lock").unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("PRAGMA journal_mode = delete")


ADVICE = (
    ": delete it or choose another --database; the version that made it exports what it holds, by "
    "GET /__admin/state?sandbox=NAME"
)
UNUSABLE = {
    "a directory": (Path.mkdir, "is not a regular file"),
    "garbage": (lambda path: path.write_bytes(b"garbage " * 1000), "is not a database"),
    "short garbage": (lambda path: path.write_bytes(b"x"), "is not a database"),
    "another program's": (lambda path: foreign(path, "delete"), "is the database of another program"),
    "another program's with a write-ahead log": (
        lambda path: foreign(path, "wal"),
        "is the database of another program",
    ),
    "newer": (
        lambda path: of_version(path, SCHEMA_VERSION + 1),
        f"has schema version {SCHEMA_VERSION + 1}; this version of vambe-mock reads {SCHEMA_VERSION} only" + ADVICE,
    ),
    "older": (
        lambda path: of_version(path, 1),
        f"has schema version 1; this version of vambe-mock reads {SCHEMA_VERSION} only" + ADVICE,
    ),
}


class TestUnusableDatabases:
    def refused(self, path: Path) -> str:
        return TestRefusalsToStart().refused("--database", path)

    @pytest.mark.parametrize("kind", UNUSABLE)
    def test_it_is_refused_and_untouched(self, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "world.db"
        make, cause = UNUSABLE[kind]
        make(path)
        before = as_found(tmp_path)
        line = self.refused(path)
        assert line.startswith(f"vambe-mock: --database: {path}")
        assert line.endswith(cause)
        assert as_found(tmp_path) == before

    def test_another_program_s_that_is_open_is_refused_and_untouched(self, tmp_path: Path) -> None:
        path = tmp_path / "world.db"
        foreign(path, "wal")
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("INSERT INTO theirs VALUES (1)")
            connection.commit()
            before = as_found(tmp_path)
            assert self.refused(path).endswith("is the database of another program")
            assert as_found(tmp_path) == before

    def test_a_folder_that_is_missing_is_not_made(self, tmp_path: Path) -> None:
        assert "does not exist" in self.refused(tmp_path / "missing" / "world.db")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("through", ["the same name", "a symbolic link"])
    def test_one_that_another_process_uses_is_refused_and_untouched(self, through: str, tmp_path: Path) -> None:
        path = tmp_path / "world.db"
        other = path if through == "the same name" else tmp_path / "link.db"
        with served("--database", path):
            if other != path:
                other.symlink_to(path)
            before = as_found(tmp_path)
            assert self.refused(other).endswith("is in use by another vambe-mock")
            assert as_found(tmp_path) == before


def curl_line(output: str) -> str:
    return next(line for line in output.splitlines() if "curl " in line).partition(": ")[2]


class TestOutput:
    def test_it_says_the_url_the_key_and_a_request_that_works_when_pasted(self) -> None:
        environment = plain_environment(VAMBE_MOCK_PORT="0", PYTHONUNBUFFERED="")
        process = subprocess.Popen(COMMAND, env=environment, stdout=-1, stderr=-1, encoding="utf-8")
        try:
            assert process.stdout
            shown = "".join(process.stdout.readline() for _ in range(3))
            assert "http://127.0.0.1:" in shown
            assert "test_default" in shown
            answer = subprocess.run(["bash", "-c", curl_line(shown)], capture_output=True, check=True)
            assert json.loads(answer.stdout)["title"] == "Call the client"
            process.terminate()
            assert process.communicate(timeout=30)[0] == ""
            assert process.returncode == 0
        finally:
            process.kill()
            process.communicate()

    def test_with_json_it_says_one_line(self) -> None:
        with served() as server:
            assert list(server.event) == ["event", "url", "api_key", "pid", "version"]
            assert server.event == {
                "event": "ready",
                "url": server.url,
                "api_key": "test_default",
                "pid": server.process.pid,
                "version": __version__,
            }
            assert httpx.get(f"{server.url}/__admin/health").json()["version"] == __version__
            code, output, _ = server.stop()
            assert (code, output) == (0, "")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    def test_an_output_that_cannot_be_written_does_not_keep_it_from_serving(self, tmp_path: Path) -> None:
        self._serves_with('exec "$@" > /dev/full', tmp_path)

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    @pytest.mark.parametrize("arguments", ["env", "fixtures validate .", "fixtures init new", "--version", "requests"])
    def test_an_output_without_room_is_one_line_and_exit_code_2(
        self, arguments: str, tmp_path: Path, server_url: str
    ) -> None:
        command("fixtures", "init", ".", cwd=tmp_path)
        httpx.get(f"{server_url}/api/public/team-members/all", headers={"x-api-key": "test_default"})
        with Path("/dev/full").open("w") as full:
            line = [*COMMAND, *arguments.split()]
            environment = plain_environment(VAMBE_MOCK_URL=server_url)
            ended = subprocess.run(line, cwd=tmp_path, env=environment, stdout=full, stderr=-1, encoding="utf-8")
        assert ended.stderr == "vambe-mock: standard output: No space left on device\n"
        assert ended.returncode == 2

    def test_an_output_that_nobody_reads_does_not_keep_it_from_serving(self, tmp_path: Path) -> None:
        self._serves_with('exec "$@" > >(exit 0)', tmp_path)

    def test_an_output_that_is_closed_does_not_keep_it_from_serving(self, tmp_path: Path) -> None:
        self._serves_with('exec "$@" >&-', tmp_path)

    def _serves_with(self, script: str, folder: Path) -> None:
        ready = folder / "ready.json"
        line = ["bash", "-c", script, "bash", *COMMAND, "--port", "0", "--ready-file", str(ready)]
        with subprocess.Popen(line, env=plain_environment(), stderr=-1, encoding="utf-8") as process:
            try:
                wait_until(lambda: ready.exists() or process.poll() is not None)
                assert httpx.get(json.loads(ready.read_text())["url"] + "/__admin/health").status_code == 200
                process.terminate()
                errors = process.communicate(timeout=30)[1]
            finally:
                process.kill()
        assert process.returncode == 0
        (line_of_log,) = errors.splitlines()
        assert "GET /__admin/health 200" in line_of_log
