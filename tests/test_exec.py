"""`vambe-mock exec` and `vambe-mock env`: what leads a program to the mock, for as long as it runs or from a shell."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from support import COMMAND, MARIA, Api, assert_error, command, opened_when_read, plain_environment, running

from mockserver import cli
from mockserver.cli import child

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]
PROCESS_STATUS, THREADS = Path("/proc/self/status"), Path("/proc/self/task")
NOTHING_CAME = (
    "vambe-mock: the command ended with {}; no request came: does the command use VAMBE_API_URL and VAMBE_API_KEY?\n"
)
HOSTILE = "\x1b[31mred\x07\u202e"


# Becomes a command that ignores no signal but those it is told, in a session whose terminal is its input, if it is one.
LAUNCHER = f"""
import json, os, signal, sys
ignored = json.loads(sys.argv[1])
for number in {[int(number) for number in SIGNALS]} + ignored:
    signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
if os.isatty(0):
    os.close(os.open(os.ttyname(0), os.O_RDWR))
os.execvp(sys.argv[2], sys.argv[2:])
"""


@contextlib.contextmanager
def launched(
    *line: str, input: int = subprocess.PIPE, ignored: Sequence[int] = (), **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """A process in a session of its own, which is killed at the end of the block with all of its process group."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, json.dumps(list(ignored)), *line],
        env=plain_environment(**variables),
        stdin=input,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextlib.contextmanager
def started(*arguments: object, ignored: Sequence[int] = (), **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A process of `vambe-mock exec` without a terminal."""
    with launched(*COMMAND, "exec", *map(str, arguments), ignored=ignored, **variables) as process:
        yield process


@contextlib.contextmanager
def on_a_terminal(*line: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that leads a session with a terminal of its own, and what types on that terminal."""
    keyboard, terminal = os.openpty()
    try:
        with launched(*line, input=terminal) as process:
            yield process, keyboard
    finally:
        os.close(keyboard)
        os.close(terminal)


class Executed:
    """An `exec` whose command is a shell that ends as it is told; `url` and `key` are what it found."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        self.process = process
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        self.url, self.key = line.split()

    def end(self, code: int = 0) -> str:
        """Have the command end with that code: what there is on standard error."""
        output, errors = self.process.communicate(f"{code}\n", timeout=30)
        assert (self.process.returncode, output) == (code, "")
        return errors


@contextlib.contextmanager
def executed(*options: object, **variables: str) -> Iterator[Executed]:
    """An `exec` with these options."""
    shell = 'echo "$VAMBE_API_URL $VAMBE_API_KEY"; read code; exit "$code"'
    with started(*options, "--", "sh", "-c", shell, **variables) as process:
        yield Executed(process)


@contextlib.contextmanager
def client(executed: Executed, sandbox: str | None = None) -> Iterator[Api]:
    actor = Api(executed.url, executed.key if sandbox is None else f"test_{sandbox}")
    with actor.client:
        yield actor


def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return command("exec", *arguments, **variables)


def shown(*arguments: object, **variables: str) -> str:
    """The output of the command of an `exec`, which must succeed."""
    ended = run(*arguments, **variables)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def refuses_connections(url: str) -> bool:
    address = httpx.URL(url)
    with socket.socket() as probe:
        return probe.connect_ex((address.host, address.port or 0)) == errno.ECONNREFUSED


def one_line(errors: str) -> str:
    (line,) = errors.splitlines()
    assert line.startswith("vambe-mock: ")
    return line


# The exit code


@pytest.mark.parametrize("code", [0, 7])
def test_the_exit_code_is_the_command_s(code: int) -> None:
    ended = run("--", "sh", "-c", f"exit {code}")
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr == (NOTHING_CAME.format(code) if code else "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_of_a_command_that_died_of_a_signal_it_is_128_and_the_signal(number: int) -> None:
    ended = run("--", "sh", "-c", f"kill -{int(number)} $$")
    assert (ended.returncode, ended.stdout) == (128 + number, "")
    assert ended.stderr == NOTHING_CAME.format(128 + number)


@pytest.mark.parametrize("name", ["no-such-command", "./no-such-command"])
def test_a_command_that_is_not_found_is_one_line_and_127(name: str) -> None:
    ended = run("--", name, "--port")
    assert (ended.returncode, ended.stdout) == (127, "")
    assert ended.stderr == f'vambe-mock: "{name}" is neither a command on PATH nor a file\n'


def test_the_name_of_a_command_cannot_drive_the_terminal() -> None:
    assert one_line(run("--", HOSTILE).stderr).isprintable()


NOT_EXECUTABLE = {
    "a folder": (Path.mkdir, "Permission denied"),
    "not executable": (lambda path: path.write_text("#!/bin/sh\n"), "Permission denied"),
    "no program": (lambda path: (path.write_text("echo"), path.chmod(0o755)), "Exec format error"),
    "without its interpreter": (
        lambda path: (path.write_text("#!/no/such/interpreter\n"), path.chmod(0o755)),
        "the interpreter that its first line names is missing",
    ),
}


@pytest.mark.parametrize("kind", NOT_EXECUTABLE)
def test_a_command_that_cannot_be_executed_is_one_line_and_126(kind: str, tmp_path: Path) -> None:
    make, cause = NOT_EXECUTABLE[kind]
    make(tmp_path / "tool")
    ended = run("--", tmp_path / "tool")
    assert (ended.returncode, ended.stdout) == (126, "")
    assert ended.stderr == f'vambe-mock: "{tmp_path}/tool" cannot be executed: {cause}\n'


def test_it_is_the_command_s_although_the_end_of_children_is_ignored() -> None:
    with started("sh", "-c", "exit 7", ignored=[signal.SIGCHLD]) as process:
        assert process.wait(timeout=30) == 7


@pytest.mark.parametrize("errors", ["2> /dev/full", "2> >(exit 0)", "2>&-"])
def test_it_is_the_command_s_although_nothing_can_be_said(errors: str) -> None:
    line = ["bash", "-c", f'"$@" {errors}', "bash", *COMMAND, "exec", "sh", "-c", "exit 7"]
    ended = subprocess.run(line, env=plain_environment(), stdout=subprocess.PIPE, timeout=30)
    assert (ended.returncode, ended.stdout) == (7, b"")


# What the command gets, and what it gives


def test_input_and_both_outputs_pass_byte_for_byte() -> None:
    content = bytes(range(256)) * 1000
    line = [*COMMAND, "exec", "--", "sh", "-c", "tee /dev/stderr"]
    ended = subprocess.run(line, env=plain_environment(), input=content, capture_output=True, timeout=30)
    assert (ended.returncode, ended.stdout == content, ended.stderr == content) == (0, True, True)


def test_arguments_pass_as_they_are() -> None:
    given = [b"--port", b"", b"a b", b"*", b"--", b"\xff\n", "é".encode(), b"-h"]
    program = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    for separator in ([], [b"--"]):
        line = [*COMMAND, "exec", *separator, sys.executable, "-c", program, *given]
        ended = subprocess.run(line, env=plain_environment(), capture_output=True, timeout=30)
        assert (ended.returncode, ended.stdout.split(b"\0")) == (0, given), ended.stderr


def test_open_files_pass_too() -> None:
    script = '"$@" exec -- cat <(echo "from a file of the shell")'
    line = ["bash", "-c", script, "bash", *COMMAND]
    ended = subprocess.run(line, env=plain_environment(), capture_output=True, encoding="utf-8", timeout=30)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "from a file of the shell\n", "")


def environment_of(*arguments: str, **variables: str) -> dict[str, str]:
    """The environment that the command of an `exec` gets."""
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    return json.loads(shown(*arguments, "--", sys.executable, "-c", program, **variables))


def test_the_command_finds_the_server_and_a_key_in_the_environment() -> None:
    with executed() as server, client(server) as api:
        assert server.key == "test_default"
        assert server.url.startswith("http://127.0.0.1:")
        assert api.created()["creator_id"] == MARIA
        assert server.end() == ""


def test_the_variables_and_the_sandbox_can_be_chosen() -> None:
    options = ("--sandbox", "mine", "--url-variable", "API_URL", "--key-variable", "API_KEY")
    found = environment_of(*options, API_URL="before", VAMBE_API_URL="theirs", VAMBE_API_KEY="theirs")
    assert found["API_KEY"] == "test_mine"
    assert found["API_URL"] == found["VAMBE_MOCK_URL"]
    assert found["API_URL"].startswith("http://127.0.0.1:")
    assert (found["VAMBE_API_URL"], found["VAMBE_API_KEY"]) == ("theirs", "theirs")


def test_the_rest_of_the_environment_passes() -> None:
    found = environment_of(VAMBE_MOCK_PORT="1", SOMETHING="x=y\n")
    assert (found["VAMBE_MOCK_PORT"], found["SOMETHING"]) == ("1", "x=y\n")
    assert "VAMBE_MOCK_ADMIN_TOKEN" not in found


@pytest.mark.parametrize("options", [(), ("--host", "0.0.0.0"), ("--host", "0.0.0.0", "--admin-token", "the-token")])
def test_the_other_commands_reach_the_server_from_inside(options: tuple[str, ...], tmp_path: Path) -> None:
    output = shown(*options, "--", *COMMAND, "reset", VAMBE_MOCK_READY_FILE=str(tmp_path / "another.json"))
    assert output.startswith("sandbox default: ")


# Signals

# Waits for one of the signals, and ends with its number: none can be lost between being ready and waiting.
WAIT = f"""
import signal, sys
numbers = {[int(number) for number in SIGNALS]}
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
print("ready", flush=True)
sys.exit(signal.sigwait(numbers))
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_the_command_s_to_answer(number: signal.Signals) -> None:
    with started(sys.executable, "-c", WAIT) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (number, "", NOTHING_CAME.format(int(number)))


@pytest.mark.skipif(not THREADS.exists(), reason="needs /proc")
def test_a_signal_that_a_thread_of_the_server_gets_is_the_command_s_too() -> None:
    with started(sys.executable, "-c", WAIT) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        others = {int(path.name) for path in Path(f"/proc/{process.pid}/task").iterdir()} - {process.pid}
        os.kill(min(others), signal.SIGTERM)
        assert process.wait(timeout=30) == signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_the_command_does_not_answer_ends_both(number: signal.Signals, tmp_path: Path) -> None:
    with executed(TMPDIR=str(tmp_path)) as server:
        server.process.send_signal(number)
        assert server.process.wait(timeout=30) == 128 + number
        _, errors = server.process.communicate()
        assert errors == NOTHING_CAME.format(128 + number)
        assert refuses_connections(server.url)
        assert list(tmp_path.iterdir()) == []


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Restore this process's signal handlers afterwards."""
    before = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGCHLD)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_comes_while_the_command_starts_is_passed_on(
    number: signal.Signals, own_signals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            os.kill(os.getpid(), number)

    signal.signal(number, signal.SIG_DFL)
    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    assert child.run(["sleep", "20"], os.environ) == 128 + number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_server_is_ready_ends_it_without_the_command(
    number: signal.Signals, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "users.json")
    with started("--fixtures", tmp_path, "--", "touch", tmp_path / "ran") as process:
        writer = opened_when_read(tmp_path / "users.json")
        process.send_signal(number)
        os.close(writer)
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 128 + number
    assert not (tmp_path / "ran").exists()


def masks(output: str) -> dict[str, int]:
    """The signals that a process blocks and ignores, bit by bit."""
    found = dict(line.split(":\t") for line in output.splitlines())
    return {name: int(found[name], 16) for name in ("SigBlk", "SigIgn")}


@pytest.mark.skipif(not PROCESS_STATUS.exists(), reason="needs /proc")
def test_the_command_ignores_and_blocks_no_signal_but_those_that_were_ignored_before() -> None:
    for ignored, mask in (([], 0), ([signal.SIGHUP], 1 << signal.SIGHUP - 1)):
        with started("cat", PROCESS_STATUS, ignored=ignored) as process:
            assert masks(process.communicate(timeout=30)[0]) == {"SigBlk": 0, "SigIgn": mask}


COUNT = """
import os, select, signal, sys
interrupts = []
def count(*_):
    interrupts.append(1)
    print("interrupted", flush=True)
signal.signal(signal.SIGINT, count)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(10 + len(interrupts)))
print(os.getppid(), flush=True)
for _ in range(200):
    select.select([], [], [], 0.05)
"""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
def test_ctrl_c_reaches_the_command_once() -> None:
    with on_a_terminal(*COMMAND, "exec", "--", sys.executable, "-c", COUNT) as (process, keyboard):
        assert process.stdout
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(signal.SIGSTOP)  # what it does comes after what the terminal does: the two cannot merge
        os.write(keyboard, b"\x03")
        assert process.stdout.readline() == "interrupted\n"
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=30)
        assert (process.returncode, output) == (11, "")


@pytest.mark.skipif(not hasattr(signal, "sigtimedwait"), reason="needs to learn who sent a signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_an_interrupt_that_only_it_gets_on_a_terminal_is_passed_on(number: int) -> None:
    code = COUNT.replace("signal.SIGINT", str(int(number)))
    with on_a_terminal(*COMMAND, "exec", "--", sys.executable, "-c", code) as (process, _):
        assert process.stdout
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(number)
        assert process.stdout.readline() == "interrupted\n"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
        assert (process.returncode, output) == (11, "")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
def test_an_interrupt_in_the_background_of_a_terminal_is_passed_on() -> None:
    job = ("bash", "-c", 'set -m; "$@" & wait $!', "bash", *COMMAND, "exec", "--", sys.executable, "-c", COUNT)
    with on_a_terminal(*job) as (process, _):
        assert process.stdout
        pid = int(process.stdout.readline())
        assert pid != process.pid
        os.kill(pid, signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        os.kill(pid, signal.SIGTERM)
        process.communicate(timeout=30)
        assert process.returncode == 11


def test_killing_it_leaves_no_server_although_the_command_goes_on() -> None:
    with executed() as server:
        assert httpx.get(f"{server.url}/__admin/health").status_code == 200
        server.process.kill()
        server.process.wait(timeout=30)
        assert refuses_connections(server.url)
        # The command waits for its input still: the end of its output comes only now.
        assert server.process.communicate(timeout=30)[0] == ""


# What was refused


def test_a_command_that_fails_is_told_what_was_refused_and_why() -> None:
    with executed() as server, client(server) as api:
        task = api.created(colour="red")
        api.create(title="", responsibleIds=["x"])
        api.client.get("/api/public/team-members/all", headers={"x-api-key": "wrong"})
        api.client.post("/__admin/faults", json={"connection": "reset", "match": {"operation": "deleteTask"}})
        with pytest.raises(httpx.TransportError):
            api.delete(task["id"])
        assert server.end(7).splitlines() == [
            "vambe-mock: the command ended with 7; requests in the journal: 4, refused: 3",
            "sandbox default:",
            "#2  09:00:01  POST /api/public/tasks  400  (createTask)",
            "    title: Must have at least 1 character  [title.too_small, documented, contract 2]",
            '    responsibleIds.0: "x" is not a UUID of the form 8-4-4-4-12'
            "  [responsibleIds.invalid_uuid, documented, contract 2]",
            "    the wording of the answer  [validation-body, framework]",
            f"#3  09:00:01  DELETE /api/public/tasks/{task['id']}  no answer  (deleteTask)",
            "    fault 1: reset, before the commit",
            "no sandbox, because of the key:",
            "#1  09:00:00  GET /api/public/team-members/all  401  (listTeamMembers)",
            "    Invalid API key  [key, documented, contract 1]",
            "    the wording of the answer  [unauthorized-body, framework]",
        ]


def test_a_command_that_goes_well_is_told_nothing() -> None:
    with executed() as server, client(server) as api:
        assert_error(api.create(title=""), 400)
        assert server.end(0) == ""


def test_when_nothing_was_refused_it_is_said_in_one_line() -> None:
    with executed() as server, client(server) as api:
        api.created()
        api.list()
        assert server.end(1) == "vambe-mock: the command ended with 1; requests in the journal: 2, refused: none\n"


def test_when_no_request_came_it_is_said_with_the_variables_that_lead_here() -> None:
    command = ["sh", "-c", f"{' '.join(COMMAND)} healthcheck --url $CRM_URL; exit 1"]
    ended = run("--url-variable", "CRM_URL", "--key-variable", "CRM_KEY", "--", *command)
    assert "healthy" in ended.stdout
    assert one_line(ended.stderr).endswith("; no request came: does the command use CRM_URL and CRM_KEY?")


def test_that_dropped_requests_were_not_refused_is_not_said() -> None:
    with executed("--journal-limit", 5) as server, client(server) as api:
        assert_error(api.create(title=""), 400)
        for _ in range(6):
            api.list()
        expected = "requests in the journal: 5, refused: not known (2 older made room: raise --journal-limit)\n"
        assert server.end(1).endswith(expected)


def test_refusals_that_are_left_are_shown_beside_the_number_of_those_that_were_dropped() -> None:
    with executed("--journal-limit", 5) as server, client(server) as api:
        for _ in range(6):
            api.list()
        assert_error(api.create(title=""), 400)
        lines = server.end(1).splitlines()
    assert lines[0].endswith("requests in the journal: 5, refused: 1 (2 older made room: raise --journal-limit)")
    assert lines[1].startswith("#7 ")


def test_requests_of_deleted_sandboxes_and_before_a_reset_are_not_said_never_to_have_come() -> None:
    with executed() as server, client(server) as api, client(server, "gone") as gone:
        assert_error(gone.create(title=""), 400)
        gone.client.delete("/__admin/sandboxes/gone")
        api.list()
        api.client.post("/__admin/reset")
        expected = "requests in the journal: 0, refused: none (deleted sandboxes and resets took theirs along)\n"
        assert server.end(1).endswith(expected)


def test_refusals_of_several_sandboxes_have_headings() -> None:
    with executed("--sandbox", "b") as server, client(server) as b, client(server, "a") as a, client(server, "c") as c:
        for api in (b, a, b):
            assert_error(api.create(title=""), 400)
        c.created()
        lines = server.end(1).splitlines()
    assert lines[0].endswith("; requests in the journal: 4, refused: 3")
    heads = [line.split("  ")[0] for line in lines[1:] if line[0] != " "]
    assert heads == ["sandbox a:", "#1", "sandbox b:", "#1", "#2"]


def test_only_the_last_fifty_are_told_and_one_sandbox_does_not_crowd_out_another() -> None:
    with executed() as server, client(server) as api, client(server, "quiet") as quiet:
        for actor in (quiet, *[api] * 60):
            assert_error(actor.create(title=""), 400)
        lines = server.end(1).splitlines()
    assert lines[0].endswith("; requests in the journal: 61, refused: 61, left out: the oldest 11")
    heads = [line.split("  ")[0] for line in lines[1:] if line[0] != " "]
    assert heads == ["sandbox default:", *[f"#{number}" for number in range(12, 61)], "sandbox quiet:", "#1"]


def test_of_fifty_none_is_left_out() -> None:
    with executed() as server, client(server) as api:
        for _ in range(50):
            assert_error(api.create(title=""), 400)
        lines = server.end(1).splitlines()
    assert lines[0].endswith("; requests in the journal: 50, refused: 50")
    assert len([line for line in lines if line.startswith("#")]) == 50


def test_what_was_refused_before_the_command_is_not_told(tmp_path: Path) -> None:
    database = tmp_path / "world.db"
    with executed("--database", database) as server, client(server) as api:
        assert_error(api.create(title=""), 400)
        assert "\n#1  " in server.end(1)
    with executed("--database", database) as server:
        assert server.end(1) == NOTHING_CAME.format(1)
    with executed("--database", database) as server, client(server) as api:
        assert_error(api.create(title=""), 400)
        assert "requests in the journal: 1, refused: 1\n#2  " in server.end(1)
    with executed("--database", database) as server, client(server) as api:
        api.client.post("/__admin/reset")
        assert_error(api.create(title=""), 400)
        assert "requests in the journal: 1, refused: 1\n#1  " in server.end(1)


def test_what_was_sent_cannot_drive_the_terminal() -> None:
    with executed() as server, client(server) as api:
        assert_error(api.create(**{"dueDate": HOSTILE, HOSTILE: 1}), 400)
        errors = server.end(1)
    assert "\\u001b[31mred" in errors
    assert all(line.isprintable() for line in errors.split("\n"))


# The server


def test_requests_are_not_logged_and_trouble_of_the_server_is(tmp_path: Path) -> None:
    database = tmp_path / "world.db"
    with executed("--database", database, "--log-format", "json") as server, client(server) as api:
        api.created()
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("DROP TABLE task")
        assert_error(api.create(), 500)
        (line,) = server.end(0).splitlines()
    document = json.loads(line)
    assert (document["level"], document["message"]) == ("ERROR", "POST /api/public/tasks failed")


@pytest.mark.parametrize("code", [0, 7])
def test_the_server_goes_with_the_command_and_leaves_no_file(code: int, tmp_path: Path) -> None:
    with executed(TMPDIR=str(tmp_path)) as server, client(server) as api:
        api.created()
        server.end(code)
        assert refuses_connections(server.url)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "code"), [("no-such-command", 127), ("/", 126)])
def test_a_command_that_cannot_run_leaves_nothing(name: str, code: int, tmp_path: Path) -> None:
    assert run(name, TMPDIR=str(tmp_path)).returncode == code
    assert list(tmp_path.iterdir()) == []


def test_it_takes_the_settings_of_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    options = ("--strict", "--fixtures", "demo", "--api-key", "one", "--api-key", "two", "--port", port)
    with executed(*options) as server, client(server) as api:
        assert server.url == f"http://127.0.0.1:{port}"
        assert len(api.state()["tasks"]) == 36
        assert_error(api.create(colour="red"), 400)
        for key in ("one", "two"):
            assert api.client.get("/api/public/team-members/all", headers={"x-api-key": key}).status_code == 200


def test_it_takes_them_from_the_environment_but_for_what_is_serve_s_alone(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    foreign = {"VAMBE_MOCK_PORT": "1", "VAMBE_MOCK_JSON": "neither", "VAMBE_MOCK_READY_FILE": str(ready)}
    with executed(VAMBE_MOCK_STRICT="true", **foreign) as server, client(server) as api:
        assert_error(api.create(colour="red"), 400)
        assert not server.url.endswith(":1")
        assert not ready.exists()


def test_two_at_once_do_not_meet() -> None:
    with executed() as one, executed() as other:
        assert one.url != other.url


# Wrong uses


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "for example: vambe-mock exec -- pytest"),
        (["--"], "for example: vambe-mock exec -- pytest"),
        (["--strict"], "for example: vambe-mock exec -- pytest"),
        (["--prot", "1", "--", "true"], "--prot"),
        (["--json", "--", "true"], "--json"),
        (["--ready-file", "x", "--", "true"], "--ready-file"),
        (["--port", "x", "--", "true"], "--port: "),
        (["--port", "", "--", "true"], "--port: "),
        (["--threads", "0", "true"], "--threads: "),
        (["--sandbox", "a b", "true"], "--sandbox: 'a b' is no sandbox's name"),
        (["--sandbox", "", "true"], "--sandbox: '' is no sandbox's name"),
        (["--url-variable", "A-B", "true"], '--url-variable: "A-B" is no variable\'s name'),
        (["--key-variable", "1A", "true"], '--key-variable: "1A" is no variable\'s name'),
        (["--key-variable", "VAMBE_API_URL", "true"], "--key-variable: VAMBE_API_URL "),
    ],
)
def test_a_wrong_use_is_one_line_and_2(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        cli.main(["exec", *arguments])
    output, errors = capsys.readouterr()
    assert (exit.value.code, output) == (2, "")
    assert named in one_line(errors)


def test_a_server_that_cannot_start_is_one_line_and_2_and_the_command_does_not_run(tmp_path: Path) -> None:
    with running() as url:
        port = str(httpx.URL(url).port)
        for option, value, cause in (
            ("--port", port, ": Address already in use"),
            ("--fixtures", tmp_path / "none", "none"),
            ("--database", tmp_path, "is not a regular file"),
        ):
            ended = run(option, value, "--", "touch", tmp_path / "ran")
            assert (ended.returncode, ended.stdout) == (2, "")
            assert option in one_line(ended.stderr)
            assert cause in one_line(ended.stderr)
    assert list(tmp_path.iterdir()) == []


def test_the_help_of_exec_says_that_the_port_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["exec", "--help"])
    output = " ".join(capsys.readouterr().out.split())
    assert output.startswith("Usage: vambe-mock exec [OPTIONS] [--] COMMAND... ")
    assert "--port PORT The port to listen on; 0 picks a free one. [default: a free one, " in output
    assert "--json" not in output
    assert "--ready-file" not in output


# env


def printed(*arguments: str, **variables: str) -> str:
    ended = command("env", *arguments, **variables)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_env_prints_what_leads_to_the_server_of_the_default_address() -> None:
    assert printed() == "export VAMBE_API_URL=http://127.0.0.1:4010\nexport VAMBE_API_KEY=test_default\n"


def test_env_takes_another_server_another_sandbox_and_other_names(tmp_path: Path) -> None:
    options = ("--sandbox", "mine", "--url-variable", "URL", "--key-variable", "KEY")
    lines = "export URL=http://mock:1\nexport KEY=test_mine\n"
    ready = tmp_path / "ready.json"
    ready.write_text('{"url": "http://mock:1"}')
    assert printed(*options, "--url", "http://mock:1/") == lines
    assert printed(*options, "--ready-file", str(ready)) == lines
    assert printed(*options, VAMBE_MOCK_URL="http://mock:1") == lines


def test_a_shell_that_evaluates_env_gets_the_values_and_runs_nothing(tmp_path: Path) -> None:
    url = "http://mock/'\"$(touch ran)`touch ran`;touch ran\n&|<>*?~\\ é"
    line = shlex.join([*COMMAND, "env", "--sandbox", "a.b-c_D", "--url", url])
    script = f'eval "$({line})"; printf "%s\\0" "$VAMBE_API_URL"; sh -c \'printf %s "$VAMBE_API_KEY"\''
    for shell in ("sh", "bash"):
        environment = plain_environment()
        ended = subprocess.run([shell, "-c", script], env=environment, cwd=tmp_path, capture_output=True, timeout=30)
        assert (ended.returncode, ended.stderr) == (0, b"")
        assert ended.stdout.decode() == f"{url}\0test_a.b-c_D"
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--sandbox", "$(touch ran)"], "--sandbox: "),
        (["--sandbox", "a" * 65], "--sandbox: "),
        (["--url-variable", "A;touch ran"], "--url-variable: "),
        (["--url-variable", "A\n"], "--url-variable: "),
        (["--key-variable", ""], "--key-variable: "),
        (["--key-variable", "É"], "--key-variable: "),
        (["--key-variable", "VAMBE_API_URL"], "--key-variable: "),
        (["--url", "mock:4010"], "--url mock:4010: "),
        (["--ready-file", "missing.json"], "--ready-file missing.json: "),
        (["extra"], "extra"),
    ],
)
def test_a_wrong_use_of_env_is_one_line_and_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAMBE_MOCK_URL", raising=False)
    monkeypatch.delenv("VAMBE_MOCK_READY_FILE", raising=False)
    with pytest.raises(SystemExit) as exit:
        cli.main(["env", *arguments])
    output, errors = capsys.readouterr()
    assert (exit.value.code, output) == (2, "")
    assert named in one_line(errors)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "vendor.example"}, "vendor.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "a.example", "NO_PROXY": "b.example"}, "a.example,127.0.0.1,localhost,::1"),
    ],
    ids=["none", "upper case", "both"],
)
def test_a_proxy_of_the_environment_is_not_asked_for_the_server(given: dict[str, str], found: str) -> None:
    code = "import os; print(os.environ['no_proxy'], os.environ['NO_PROXY'])"
    ended = command("exec", "--", sys.executable, "-c", code, **{"no_proxy": "", "NO_PROXY": "", **given})
    assert ended.stdout.split() == [found, found]


def test_no_proxy_for_anything_stays_so() -> None:
    code = "import os; print(os.environ['no_proxy'], os.environ['NO_PROXY'])"
    assert command("exec", "--", sys.executable, "-c", code, no_proxy="", NO_PROXY="*").stdout == " *\n"
