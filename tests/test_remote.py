"""`vambe-mock reset`, `requests` and `healthcheck`: for people and for scripts, against a running server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from support import COMMAND, MARIA, UNKNOWN_ID, Api, command, free_port, plain_environment, running, served

from mockserver import __version__, cli

HOSTILE = "\x1b[31mred\x07\u202e\u2028"


@pytest.fixture
def name(api: Api) -> str:
    """The name of the actor's sandbox."""
    return api.key.removeprefix("test_")


@contextlib.contextmanager
def answering(content: bytes) -> Iterator[str]:
    """The URL of something that gives every connection the same bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(content)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)


@dataclass(frozen=True)
class Done:
    """The exit code and the output of a command."""

    returncode: int
    stdout: str
    stderr: str


class Commands:
    """Runs commands in this process, where one takes a hundredth of a new process's time."""

    def __init__(self, output: pytest.CaptureFixture[str], environment: pytest.MonkeyPatch) -> None:
        self._output = output
        self._environment = environment

    def run(self, *arguments: object, **variables: str) -> Done:
        with self._environment.context() as environment, pytest.raises(SystemExit) as ended:
            for name, value in variables.items():
                environment.setenv(name, value)
            self._output.readouterr()
            cli.main([str(argument) for argument in arguments])
        return Done(ended.value.code or 0, *self._output.readouterr())

    def ok(self, *arguments: object, **variables: str) -> str:
        """The output of a command, which must succeed."""
        done = self.run(*arguments, **variables)
        # Requests of other tests are counted on standard error.
        noted = [line for line in done.stderr.splitlines() if "a key that opens no sandbox" not in line]
        assert (done.returncode, noted) == (0, [])
        return done.stdout


@pytest.fixture
def cmd(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(capsys, monkeypatch)


# reset


def test_reset_puts_a_sandbox_back_and_says_so(cmd: Commands, api: Api, name: str) -> None:
    api.created()
    shown = cmd.ok("reset", "--url", api.url, "--sandbox", name)
    assert shown == f"sandbox {name}: tasks, journal, faults, clock, ids, settings reset to fixtures\n"
    assert api.state()["tasks"] == []


def test_reset_takes_where_to_and_which_parts(cmd: Commands, api: Api, name: str) -> None:
    kept = api.created()
    api.client.post("/__admin/snapshots", json={"name": "one"})
    api.created()
    shown = cmd.ok(
        "reset", "--url", api.url, "--sandbox", name, "--to", "one", "--only", "tasks", "--only", "ids", "--json"
    )
    assert json.loads(shown) == {"sandbox": name, "to": "one", "only": ["tasks", "ids"]}
    assert api.listed() == [kept]


def test_reset_of_what_is_not_there_is_one_line_and_exit_code_2(cmd: Commands, api: Api, name: str) -> None:
    for arguments, said in (
        (("--to", "nowhere"), '404 There is no snapshot "nowhere"'),
        (("--only", "people"), "400 Validation failed: only: Must be some of tasks, journal, faults, clock"),
        (("--sandbox", "a b"), "400 'a b' is no sandbox's name"),
    ):
        done = cmd.run("reset", "--url", api.url, "--sandbox", name, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"vambe-mock: {api.url}: ")
        assert said in line


# requests


def test_requests_tells_each_request_and_why_it_was_answered_so(cmd: Commands, api: Api, name: str) -> None:
    task = api.created(colour="red")
    api.create(title="", responsibleIds=["x"])
    api.delete(UNKNOWN_ID)
    api.client.post("/__admin/faults", json={"status": 503, "match": {"operation": "deleteTask"}})
    api.delete(task["id"])
    lines = cmd.ok("requests", "--url", api.url, "--sandbox", name).splitlines()
    assert lines == [
        "#1  09:00:00  POST /api/public/tasks  201  (createTask)",
        f"    made task {task['id']}",
        '    advice: Nothing reads the body\'s "colour"; we believe that the vendor ignores unknown keys',
        "#2  09:00:01  POST /api/public/tasks  400  (createTask)",
        "    title: Must have at least 1 character  [title.too_small, documented, contract 2]",
        '    responsibleIds.0: "x" is not a UUID of the form 8-4-4-4-12'
        "  [responsibleIds.invalid_uuid, documented, contract 2]",
        "    the wording of the answer  [validation-body, framework]",
        f"#3  09:00:01  DELETE /api/public/tasks/{UNKNOWN_ID}  404  (deleteTask)",
        f"    id: the sandbox has no task {UNKNOWN_ID}  [id.not_found, documented, contract 5]",
        "    the wording of the answer  [error-body, framework]",
        f"#4  09:00:01  DELETE /api/public/tasks/{task['id']}  503  (deleteTask)",
        "    fault 1: 503, before the commit",
    ]


def test_requests_can_be_filtered(cmd: Commands, api: Api, name: str) -> None:
    api.create()
    api.create(title="")
    api.list()
    where = ("--url", api.url, "--sandbox", name)
    assert cmd.ok("requests", *where, "--operation", "listTasks").startswith("#3  ")
    assert cmd.ok("requests", *where, "--status", "400").startswith("#2  ")
    assert cmd.ok("requests", *where, "--status", "404") == ""
    for wrong in (("--status", "x"), ("--operation", "x")):
        done = cmd.run("requests", *where, *wrong)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_requests_as_json_is_the_entries_one_a_line(cmd: Commands, api: Api, name: str) -> None:
    api.create(title="é")
    api.list()
    lines = cmd.ok("requests", "--url", api.url, "--sandbox", name, "--json").splitlines()
    assert [json.loads(line) for line in lines] == api.client.get("/__admin/requests").json()["requests"]


def test_what_a_client_sent_cannot_reach_the_terminal(cmd: Commands, api: Api, name: str) -> None:
    body = {"title": "x", "responsibleIds": [MARIA], "priority": "1", HOSTILE: 1, "dueDate": HOSTILE}
    api.client.post("/api/public/tasks", json=body, params={HOSTILE: HOSTILE})
    api.client.get(f"/api/public/tasks/{quote(HOSTILE)}")
    for arguments in ((), ("--json",)):
        shown = cmd.ok("requests", "--url", api.url, "--sandbox", name, *arguments)
        lines = shown.split("\n")
        assert all(line.isprintable() for line in lines)
        assert "[31mred" in shown
    assert "\\x1b[31mred" in cmd.ok("requests", "--url", api.url, "--sandbox", name)


def test_requests_follows_what_comes(api: Api, name: str) -> None:
    api.create(title="")
    line = [*COMMAND, "requests", "--follow", "--url", api.url, "--sandbox", name, "--operation", "createTask"]
    # A shell has what it starts in the background ignore the signal, these tests perhaps included.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)} if os.name != "nt" else {}
    with subprocess.Popen(line, env=plain_environment(), stdout=-1, stderr=-1, encoding="utf-8", **heard) as process:
        try:
            assert process.stdout
            shown = iter(process.stdout)
            assert next(shown).startswith("#1  ")
            assert next(shown).startswith("    title: ")
            assert next(shown).startswith("    the wording of the answer")
            api.list()
            for number in range(3, 6):
                task = api.created(title=str(number))
                assert next(shown) == f"#{number}  09:00:0{number - 3}  POST /api/public/tasks  201  (createTask)\n"
                assert next(shown) == f"    made task {task['id']}\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 130
            assert "Traceback" not in process.communicate()[1]
        finally:
            process.kill()


def test_requests_as_json_follows_too_and_ends_with_the_server() -> None:
    with served() as server:
        line = [*COMMAND, "requests", "--follow", "--json", "--url", server.url]
        with subprocess.Popen(line, env=plain_environment(), stdout=-1, stderr=-1, encoding="utf-8") as process:
            try:
                assert process.stdout
                api = Api(server.url, "test_default")
                with api.client:
                    # It follows once it shows something, so that nothing is missed between the list and what follows.
                    api.create(title="")
                    assert json.loads(process.stdout.readline())["id"] == 1
                    api.created()
                    assert json.loads(process.stdout.readline())["id"] == 2
                server.stop()
                _, errors = process.communicate(timeout=30)
                assert "Traceback" not in errors
                assert process.returncode in (0, 2)
            finally:
                process.kill()


# healthcheck


def test_healthcheck_says_that_a_server_is_healthy(cmd: Commands, server_url: str) -> None:
    assert cmd.ok("healthcheck", "--url", server_url) == f"{server_url} is healthy, version {__version__}\n"
    assert json.loads(cmd.ok("healthcheck", "--url", server_url + "/", "--json"))["status"] == "healthy"
    assert cmd.ok("healthcheck", VAMBE_MOCK_URL=server_url).startswith(server_url)


def test_healthcheck_needs_no_token_and_the_others_take_it(cmd: Commands, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    with served("--host", "0.0.0.0", "--admin-token", "the-token", "--ready-file", ready) as server:
        cmd.ok("healthcheck", "--ready-file", ready)
        refused = cmd.run("requests", "--url", server.url)
        assert refused.returncode == 2
        assert "401" in refused.stderr
        assert cmd.ok("reset", "--url", server.url, "--admin-token", "the-token").startswith("sandbox default")
        cmd.ok("requests", "--ready-file", ready, VAMBE_MOCK_ADMIN_TOKEN="the-token")


def test_the_ready_file_leads_to_the_server(cmd: Commands, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    with served("--ready-file", ready) as server:
        assert cmd.ok("healthcheck", "--ready-file", ready).startswith(server.url)
        assert cmd.ok("reset", VAMBE_MOCK_READY_FILE=str(ready)).startswith("sandbox default")


NOT_A_MOCK = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "nothing": b"",
    "half an answer": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status"',
    "a page": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    "a list": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "another's error": b"HTTP/1.1 404 \x1b[31mred\r\nContent-Length: 2\r\n\r\n[]",
}


@pytest.mark.parametrize("kind", NOT_A_MOCK)
def test_what_is_no_mock_is_one_line(cmd: Commands, kind: str) -> None:
    with answering(NOT_A_MOCK[kind]) as url:
        for name, code in (("healthcheck", 1), ("reset", 2)):
            done = cmd.run(name, "--url", url)
            assert (done.returncode, done.stdout) == (code, "")
            (line,) = done.stderr.split("\n")[:-1]
            assert line.isprintable()
            assert url in line


def test_the_environment_that_starts_a_server_leads_every_command_to_it(cmd: Commands, api: Api) -> None:
    port = api.url.rpartition(":")[2]
    variables = {"VAMBE_MOCK_PORT": "1", "VAMBE_MOCK_URL": api.url}
    for each in ({"VAMBE_MOCK_PORT": port}, variables):
        assert cmd.ok("healthcheck", **each).startswith(f"{api.url} is healthy")
        assert f"VAMBE_API_URL={api.url}\n" in cmd.ok("env", **each)
        cmd.ok("requests", **each)
        cmd.ok("reset", "--only", "clock", **each)
    assert "http://127.0.0.1:4010" in cmd.ok("env", VAMBE_MOCK_PORT="0")


def test_the_address_of_a_service_in_kubernetes_is_not_taken_for_a_port(cmd: Commands) -> None:
    done = cmd.run("env", VAMBE_MOCK_PORT="tcp://10.0.0.7:4010")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "export VAMBE_API_URL=http://127.0.0.1:4010")


def test_another_program_that_answers_with_json_is_not_healthy(cmd: Commands) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as url:
        assert cmd.run("healthcheck", "--url", url).returncode == 1
    content = b'HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{"status": "\\u001b[31mred"}'
    with answering(content) as url:
        done = cmd.run("healthcheck", "--url", url)
        assert done.returncode == 1
        assert done.stdout.rstrip("\n").isprintable()


@pytest.mark.parametrize(("name", "code"), [("healthcheck", 1), ("reset", 2), ("requests", 2)])
def test_a_server_that_cannot_be_reached_is_one_line(cmd: Commands, name: str, code: int, tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text("")
    for arguments in (
        ("--url", f"http://127.0.0.1:{free_port()}"),
        ("--url", "http://127.0.0.1:1/a b"),
        ("--url", "ftp://127.0.0.1"),
        ("--url", "127.0.0.1:4010"),
        ("--url", "http://[::"),
        ("--ready-file", str(tmp_path / "missing.json")),
        ("--ready-file", str(empty)),
    ):
        done = cmd.run(name, *arguments)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (code, "", 1), (arguments, done.stderr)
        assert "Traceback" not in done.stderr


def test_healthcheck_as_json_says_why_it_failed_on_standard_output(cmd: Commands) -> None:
    done = cmd.run("healthcheck", "--json", "--url", f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["status"] == "unreachable"


def test_a_command_is_a_process_with_an_exit_code(server_url: str) -> None:
    done = command("healthcheck", "--url", server_url)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{server_url} is healthy, version {__version__}\n", "")
    assert command("healthcheck", "--url", f"http://127.0.0.1:{free_port()}").returncode == 1
    assert command("reset", "--url", f"http://127.0.0.1:{free_port()}").returncode == 2


def test_commands_are_about_the_sandbox_default_when_none_is_named(cmd: Commands) -> None:
    with running() as url:
        api = Api(url, "test_default")
        with api.client:
            api.created()
            assert "made task" in cmd.ok("requests", "--url", url)
            cmd.ok("reset", "--url", url)
            assert api.state()["tasks"] == []
