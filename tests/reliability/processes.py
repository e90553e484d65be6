"""Servers that are processes and may be killed, and clients that keep account of what they were answered."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import signal
import socket
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import stores
from support import CARLOS, COMMAND, CONTACT, MARIA, OTHER_CONTACT, VALENTINA, uncovered_environment, wait_until

LOST = (OSError, http.client.HTTPException)  # no answer, or not a whole one
TASKS = "/api/public/tasks"
PATIENCE_S = 180.0  # with a machine that is busy with something else
UNLIMITED = ("--journal-limit", 1_000_000)

Document = dict[str, Any]
Tasks = dict[str, tuple[Any, ...]]  # by title: see `Writer`


def sizes(name: str, short: int, long: int) -> pytest.MarkDecorator:
    """Run a test at one size always, and at another with `-m slow`."""
    return pytest.mark.parametrize(name, [short, pytest.param(long, marks=pytest.mark.slow)])


def free_port() -> int:
    """A port that is free, and is not among those that systems give to clients, who could take it meanwhile."""
    ports = list(range(20_000, 32_000))
    random.shuffle(ports)
    for port in ports:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


class Process:
    """`vambe-mock serve` on a database in a folder: started, ended, and started again.

    `limit` is called in its process before it runs.
    """

    def __init__(self, folder: Path, *arguments: object, limit: Callable[[], None] | None = None) -> None:
        self._limit = limit
        self.database = folder / "world.db"
        self.log = folder / "server.log"
        self._ready = folder / "ready.json"
        files = (*stores.arguments_for(self.database), "--ready-file", self._ready)
        self._line = [*COMMAND, "serve", *map(str, (*files, "--port", 0, *arguments))]
        # Coverage would measure nothing of what is killed, and make the figures its own.
        self._environment = uncovered_environment(PYTHONUNBUFFERED="1")
        self.process: subprocess.Popen[bytes]
        self.url = ""

    def start(self) -> float:
        """Start it, and wait for its first good answer: how many seconds that took.

        Those in which it could have gone on, but the machine was busy with something else, do not count.
        """
        self._ready.unlink(missing_ok=True)  # of one that was killed
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._line, env=self._environment, stdout=log, stderr=log, preexec_fn=self._limit
            )
        wait_until(lambda: self._ready.exists() or self.process.poll() is not None, PATIENCE_S)
        assert self.process.poll() is None, self.log.read_text()[-5000:]
        self.url = json.loads(self._ready.read_text())["url"]
        with self.client("default") as client:
            assert client.call("GET", "/api/public/team-members/all").status == 200
        return time.monotonic() - begun - _held_up(self.process.pid)

    def kill(self) -> None:
        """SIGKILL, at once."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> tuple[int, float]:
        """SIGTERM: the exit code, and how many seconds it took to end."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_S), time.monotonic() - begun

    def lives(self, seconds: float) -> None:
        """Let it work for that long, in which it must not end."""
        with pytest.raises(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def client(self, sandbox: str) -> Client:
        """A client of a sandbox."""
        return Client(self.url, sandbox)

    def __enter__(self) -> Process:
        """Start it; the end of the block kills it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Answer(NamedTuple):
    """An answer that came whole; `entry` is the id of its entry in the journal."""

    status: int
    entry: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A connection that stays open between requests; it is opened again after it was lost."""

    def __init__(self, url: str, sandbox: str) -> None:
        self.sandbox = sandbox
        host, _, port = url.removeprefix("http://").partition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
        self._headers = {"x-api-key": f"test_{sandbox}", "content-type": "application/json"}

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request, and wait for the whole answer; raises one of LOST when it does not come."""
        encoded = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, encoded, {**self._headers, **headers})
            response = self._connection.getresponse()
            return Answer(response.status, int(response.headers.get("X-Mock-Request-Id", 0)), response.read())
        except TimeoutError as error:
            raise AssertionError(f"no answer to {method} {path}") from error
        except LOST:
            self._connection.close()
            raise

    def asked(self, path: str) -> Any:
        """The answer to a call of the control plane."""
        answer = self.call("GET", f"/__admin/{path}")
        assert answer.status == 200, answer
        return answer.json()

    def done(self, method: str, path: str, body: object = None) -> Answer:
        """The answer to a request that must succeed."""
        answer = self.call(method, path, body)
        assert answer.status in (200, 201), answer
        return answer

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def crowd(client: Client, fields: Document, count: int) -> list[str]:
    """Fill a client's sandbox with so many tasks with these fields, each with a note: their ids."""
    client.done("POST", TASKS, fields)
    state = client.asked("state")
    (task,), (note,) = state["tasks"], state["notes"]
    ids = [str(uuid.UUID(int=number, version=4)) for number in range(count)]
    state["tasks"] = [{**task, "id": id} for id in ids]
    state["notes"] = [{**note, "id": id, "task_id": id} for id in ids]
    client.done("PUT", "/__admin/state", state)
    client.done("DELETE", "/__admin/requests")
    return ids


class Writer:
    """Creates, changes and deletes tasks of its own until it is not answered.

    `kept` is what it was told that there is: for each title the description, the responsible users, the contact, and
    the contact that has the note. `wanted` is the same with the write that was sent last, which may not have been
    answered. Nobody else touches tasks whose titles begin as its name does.
    """

    def __init__(self, server: Process, sandbox: str, name: str, seed: object = 0) -> None:
        self.sandbox = sandbox
        self.name = name
        self.kept: Tasks = {}
        self.wanted: Tasks = {}
        self.answers: list[Answer] = []
        self._server = server
        self._ids: dict[str, str] = {}
        self._draw = random.Random(f"{seed} {name}")
        self._count = 0

    def run(self) -> None:
        """Work until an answer does not come."""
        with self._server.client(self.sandbox) as client, contextlib.suppress(*LOST):
            while True:
                self._write(client)

    def owns(self, title: str) -> bool:
        return title.startswith(f"{self.name} ")

    def _write(self, client: Client) -> None:
        choice = self._draw.random() if self.kept else 0.0
        if choice < 0.4:
            self._put(client, None)
            return
        title = self._draw.choice(list(self.kept))
        if choice < 0.75:
            self._put(client, title)
            return
        self.wanted = {other: task for other, task in self.kept.items() if other != title}
        self._send(client, 200, "DELETE", f"{TASKS}/{self._ids[title]}")

    def _put(self, client: Client, title: str | None) -> None:
        """Create a task, or change the one of that title."""
        self._count += 1
        contact = self._draw.choice([None, CONTACT, OTHER_CONTACT])
        responsibles = self._draw.sample([MARIA, CARLOS, VALENTINA], self._draw.randint(1, 3))
        fields: Document = {"description": str(self._count), "responsibleIds": responsibles, "aiContactId": contact}
        wanted = (fields["description"], responsibles, contact, contact)
        if title is None:
            title = f"{self.name} {self._count}"
            self.wanted = {**self.kept, title: wanted}
            answer = self._send(client, 201, "POST", TASKS, {**fields, "title": title, "priority": "1"})
            self._ids[title] = answer.json()["id"]
        else:
            self.wanted = {**self.kept, title: wanted}
            self._send(client, 200, "PUT", f"{TASKS}/{self._ids[title]}", fields)

    def _send(self, client: Client, status: int, *request: Any) -> Answer:
        answer = client.call(*request)
        assert answer.status == status, answer
        self.answers.append(answer)
        self.kept = self.wanted
        return answer


@contextlib.contextmanager
def at_work(server: Process, writers: list[Writer], *others: Callable[[], object]) -> Iterator[None]:
    """While the block runs, clients of a server are at work, each in a thread; it begins when each writer was answered.

    The block is to end the server, and so their work.
    """
    before = {writer.name: len(writer.answers) for writer in writers}
    with ThreadPoolExecutor(len(writers) + len(others)) as pool:
        working = [pool.submit(run) for run in (*(writer.run for writer in writers), *others)]
        try:
            wait_until(lambda: all(len(writer.answers) > before[writer.name] for writer in writers), PATIENCE_S)
            yield
        finally:
            if not all(each.done() for each in working):
                server.kill()  # nothing else ends them
        for each in working:
            each.result()


def check_account(client: Client, writers: Iterable[Writer], *, may_have_more: bool = True) -> None:
    """Nothing that writers of a sandbox were answered is missing from its state, nor from its journal.

    The write that was not answered may have been done, or not, but not by half; without `may_have_more` it was not.
    """
    state, entries = client.asked("state"), client.asked("requests")["requests"]
    check_agreement(state, entries)
    found = _tasks(state)
    by_id = {entry["id"]: entry["response"] for entry in entries}
    for writer in writers:
        own = {title: task for title, task in found.items() if writer.owns(title)}
        assert own in ((writer.kept, writer.wanted) if may_have_more else (writer.kept,)), writer.name
        for answer in writer.answers:
            response = by_id[answer.entry]
            assert (response["status"], response["json"]) == (answer.status, answer.json())


def check_agreement(state: Document, entries: list[Document]) -> None:
    """The changes that the whole journal of a sandbox tells of add up to its state."""
    rows = added_up(entries)
    assert {id: row for (kind, id), row in rows.items() if kind == "task"} == {t["id"]: t for t in state["tasks"]}
    assert {id: row for (kind, id), row in rows.items() if kind == "note"} == {n["id"]: n for n in state["notes"]}


def added_up(entries: list[Document]) -> dict[tuple[str, str], Document]:
    """The rows after all changes of journal entries; each must have begun where the one before ended."""
    rows: dict[tuple[str, str], Document] = {}
    for entry in entries:
        wrote = entry["request"]["method"] != "GET" and entry["response"]["status"] in (200, 201)
        assert bool(entry["changes"]) == wrote, entry
        for change in entry["changes"]:
            row = change["resource"], change["id"]
            assert rows.pop(row, None) == change["before"], entry
            if change["after"] is not None:
                rows[row] = change["after"]
    return rows


def check_database(path: Path) -> None:
    """The database of a server is sound, and every task that is in use is whole."""
    if stores.is_postgresql():
        assert stores.rows(path, _HALVES) == []
        return
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute(_HALVES).fetchall() == []


def _held_up(process: int) -> float:
    """For how many seconds a process was ready to run and had no processor, where the system tells."""
    with contextlib.suppress(FileNotFoundError):
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def _tasks(state: Document) -> Tasks:
    """The tasks of a state, as a writer knows them."""
    notes = {note["task_id"]: note["contact_id"] for note in state["notes"]}
    assert len(notes) == len(state["notes"])
    return {
        task["title"]: (
            task["description"],
            [each["responsible_id"] for each in task["task_responsibles"]],
            task["ai_contact_id"],
            notes.get(task["id"]),
        )
        for task in state["tasks"]
    }


_HALVES = """
    WITH used AS (SELECT world FROM sandbox UNION SELECT world FROM snapshot),
    half AS (
        SELECT 'a task without responsible users', world, id FROM task
        WHERE length(responsible_ids) % 37 != 36
        UNION ALL
        SELECT 'a task whose note is missing or too many', world, id FROM task
        WHERE CASE WHEN ai_contact_id IS NOT NULL AND deleted_at IS NULL THEN 1 ELSE 0 END
            != (SELECT count(*) FROM note WHERE note.world = task.world AND note.task_id = task.id)
        UNION ALL
        SELECT 'a note of no task', world, task_id FROM note
        WHERE NOT EXISTS (SELECT 1 FROM task WHERE task.world = note.world AND task.id = note.task_id)
    )
    SELECT * FROM half WHERE world IN (SELECT world FROM used)
"""
