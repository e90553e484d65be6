"""`vambe-mock pull`: fixtures of a workspace, here of a mock that stands for the vendor, or of a stand-in."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from stand_ins import Seen, answer, changed, in_turn, standing_in
from support import COMMAND, Api, plain_environment, running
from test_pseudonyms import form

from mockserver import cli
from mockserver.formats import ids

KEY = "vk_live_0123456789abcdef"
SPAN = ("--from", "2025-01-01", "--to", "2027-12-31")
USER = {
    "id": ids.mint("pull", "user", 1),
    "name": "Camila Soto",
    "first_name": "Camila",
    "last_name": "Soto",
    "email": "camila@empresa.cl",
    "phone": "+56912345678",
}
STATUS = {"id": ids.mint("pull", "status", 1), "name": "Nueva", "color": "#60a5fa", "type": "initial", "order": 3}
CONTACT = {
    "id": ids.mint("pull", "contact", 1),
    "name": "Pedro Rojas",
    "phone": "+56987654321",
    "email": None,
    "platform": "whatsapp",
    "last_message_at": "2026-11-20T10:00:00.000Z",
    "chat_status": "ATTENDED",
    "created_at": "2026-01-20T10:00:00.000Z",
    "client_id": ids.mint("pull", "client", 1),
    "ai_customer_id": None,
    "default_stage_id": None,
    "blocked": False,
    "is_chat_read": True,
    "active_ticket_v2": None,
}
TASK = {
    "id": ids.mint("pull", "task", 1),
    "title": "Llamar a Pedro",
    "description": "Pedro Rojas, pedro@rojas.cl",
    "due_timezone": "America/Santiago",
    "due_at": "2026-11-26T17:30:00.000Z",
    "is_all_day": False,
    "created_at": "2026-11-01T10:00:00.000Z",
    "ai_contact_id": CONTACT["id"],
    "ai_customer_id": None,
    "task_status_config_id": STATUS["id"],
    "priority": 1,
    "creator_id": USER["id"],
    "task_responsibles": [{"responsible_id": USER["id"]}],
    "status_config": STATUS,
}
STRANGER = ids.mint("pull", "user", 2)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAMBE_API_KEY", KEY)


def run(*arguments: object) -> int:
    """Run the command in this process: its exit code."""
    with pytest.raises(SystemExit) as exit:
        cli.main(["pull", *map(str, arguments)])
    return exit.value.code or 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pulled"


def workspace(users: Any = (USER,), contacts: Any = (CONTACT,), tasks: Any = (TASK,)) -> tuple[bytes, bytes, bytes]:
    """The three answers of a vendor."""
    return answer(200, users), answer(200, contacts), answer(200, tasks)


def pull(folder: Path, *options: object, **lists: Any) -> list[Seen]:
    """Pull a workspace with these lists: the requests that came."""
    with standing_in(in_turn(*workspace(**lists))) as there:
        assert run("--target", there.url, *options, folder) == 0
    return there.seen


def pulled(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The lists of the folder."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}


def lists(url: str) -> dict[str, list[dict[str, Any]]]:
    """The lists that a mock answers."""
    api = Api(url, "test_default")
    with api.client:
        return {
            "users": api.client.get("/api/public/team-members/all").json(),
            "contacts": api.client.get("/api/public/contacts?days=365").json(),
            "tasks": api.listed(),
        }


def formed(value: Any, key: str = "") -> Any:
    """An answer with the form of its texts of people in place of them."""
    if isinstance(value, dict):
        return {key: formed(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [formed(each) for each in value]
    if isinstance(value, str) and key in ("title", "description", "first_name", "last_name", "phone"):
        return form(value)
    if isinstance(value, str) and key in ("name", "email"):
        return form(value.rpartition("@")[0] or value) if "#" not in value else value
    return value


def large_fixtures(folder: Path) -> None:
    """Fixtures with 500 contacts and 200 tasks, due at odd times in odd zones."""
    zones = ("America/Santiago", "Asia/Tokyo", "UTC", "Pacific/Apia", "America/Nuuk", "Asia/Kathmandu")
    users = [
        {
            "id": ids.mint("big", "user", number),
            "first_name": f"Ana {number}",
            "last_name": "",
            "email": "",
            "phone": "",
        }
        for number in range(1, 8)
    ]
    contacts = [
        {
            "id": ids.mint("big", "contact", number),
            "name": f"Pía Ñíguez {number}",
            "phone": None if number % 3 else f"+569{number:08}",
            "last_message_at": f"2025-11-{1 + number % 24:02}T10:00:00.000Z",
            "ai_customer_id": ids.mint("big", "customer", number % 5) if number % 2 else None,
        }
        for number in range(500)
    ]
    statuses = [
        {"id": ids.mint("big", "status", order), "name": f"S{order}", "color": "#000", "type": kind, "order": order}
        for order, kind in ((0, "in_progress"), (5, "initial"), (9, "done"))
    ]
    customers = [{"id": ids.mint("big", "customer", number), "name": "Viña"} for number in range(5)]
    tasks = [
        {
            "id": ids.mint("big", "task", number),
            "title": f"Título {number}",
            "description": None if number % 4 else "",
            "due_date": None if number % 7 == 0 else f"2025-{1 + number % 12:02}-{1 + number % 28:02}",
            "due_time": None if number % 7 == 0 or number % 2 else f"{number % 24:02}:{number % 60:02}",
            "timezone": None if number % 7 == 0 else zones[number % 6],
            "created_at": f"2025-01-01T00:{number // 60:02}:{number % 60:02}.000Z",
            "ai_contact_id": ids.mint("big", "contact", number) if number % 3 else None,
            "task_status_config_id": statuses[number % 3]["id"],
            "priority": number % 3,
            "creator_id": users[number % 7]["id"],
            "task_responsibles": [
                {"responsible_id": users[(number + step) % 7]["id"]} for step in range(1 + number % 3)
            ],
        }
        for number in range(200)
    ]
    lists = {"users": users, "statuses": statuses, "contacts": contacts, "customers": customers, "tasks": tasks}
    folder.mkdir()
    for name, records in {**lists, "api_keys": []}.items():
        (folder / f"{name}.json").write_text(json.dumps(records), encoding="utf-8")


@pytest.mark.parametrize("size", ["demo", "large"])
@pytest.mark.parametrize("keep", [False, True], ids=["invented", "kept"])
def test_what_is_pulled_is_answered_again(
    size: str,
    keep: bool,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if size == "large":
        large_fixtures(tmp_path / "large")
    with running(fixtures=size if size == "demo" else str(tmp_path / "large")) as url:
        original = lists(url)
        options = ("--days", 365, *SPAN, *["--keep-people"] * keep)
        monkeypatch.setenv("VAMBE_API_KEY", "test_default")
        assert run("--target", url, *options, folder) == 0
    with pytest.raises(SystemExit) as exit:
        cli.main(["fixtures", "validate", str(folder)])
    assert not exit.value.code, capsys.readouterr().out
    with running(fixtures=str(folder)) as url:
        found = lists(url)
    assert [*map(len, found.values())] == [*map(len, original.values())]
    assert len(original["tasks"]) > 30
    assert formed(found) == formed(original)
    assert (found == original) is keep


def test_two_pulls_agree_to_the_byte(tmp_path: Path) -> None:
    for name in ("first", "second"):
        pull(tmp_path / name)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_three_gets_are_sent_and_nothing_else(folder: Path) -> None:
    seen = pull(folder, *SPAN, "--days", 7)
    assert [(each.method, each.target, each.body) for each in seen] == [
        ("GET", "/api/public/team-members/all", b""),
        ("GET", "/api/public/contacts?days=7", b""),
        (
            "GET",
            "/api/public/tasks?responsibleIds=&fromDate=2025-01-01&toDate=2027-12-31&includeTasksWithoutDates=true",
            b"",
        ),
    ]
    assert {each.headers["x-api-key"] for each in seen} == {KEY}


def test_the_span_is_around_today_when_none_is_given(folder: Path) -> None:
    from freezegun import freeze_time

    with freeze_time("2026-11-29T23:00:00Z"):
        _, contacts, tasks = pull(folder)
    assert "days=30" in contacts.target
    assert "fromDate=2026-10-30&toDate=2027-02-27" in tasks.target


def test_nothing_that_people_wrote_and_no_key_is_in_the_folder_or_the_output(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pull(folder)
    written = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    everything = "".join([written, *capfd.readouterr()]).lower()
    for text in (KEY, "camila", "soto", "empresa", "12345678", "pedro", "rojas", "87654321", "llamar"):
        assert text not in everything
    for kept in (USER["id"], CONTACT["id"], TASK["id"], STATUS["id"], "Nueva"):
        assert kept in written


def test_the_key_may_be_in_another_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", "vk_other")
    seen = pull(folder, "--key-env", "OTHER")
    assert seen[0].headers["x-api-key"] == "vk_other"


def test_the_json_has_folder_counts_notes_and_the_clock(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pull(folder, "--json")
    output, errors = capsys.readouterr()
    document = json.loads(output)
    assert errors == ""
    assert document.pop("clock").startswith("ticking@2")
    assert document == {
        "folder": str(folder),
        "counts": {"users": 1, "statuses": 1, "contacts": 1, "customers": 0, "tasks": 1, "api_keys": 0},
        "notes": [],
    }


def test_progress_is_shown_on_a_terminal(folder: Path, tmp_path: Path) -> None:
    screen, terminal = pytest.importorskip("pty").openpty()
    with standing_in(in_turn(*workspace())) as there:
        line = [*COMMAND, "pull", "--target", there.url, str(folder)]
        environment = plain_environment(VAMBE_API_KEY=KEY)
        ended = subprocess.run(line, env=environment, stdout=subprocess.PIPE, stderr=terminal, timeout=60)
    os.close(terminal)
    assert ended.returncode == 0
    assert os.read(screen, 10_000).decode().splitlines() == ["users: 1", "contacts: 1", "tasks: 1"]
    os.close(screen)


class TestWhatFixturesNeed:
    def test_people_whom_only_tasks_name_are_made_up(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        customer, other = ids.mint("pull", "customer", 1), ids.mint("pull", "customer", 2)
        task = changed(TASK, creator_id=STRANGER, ai_customer_id=customer)
        contact = changed(CONTACT, id=ids.mint("pull", "contact", 2), ai_customer_id=other)
        pull(folder, tasks=[task], contacts=[contact])
        found = pulled(folder)
        assert [(user["id"], user["active"]) for user in found["users"]] == [(USER["id"], True), (STRANGER, False)]
        assert [each["id"] for each in found["contacts"]] == [contact["id"], CONTACT["id"]]
        assert [each["id"] for each in found["customers"]] == [other, customer]
        notes = capsys.readouterr().out
        for text in ("users that tasks name", "contacts that tasks name", "customers are added"):
            assert text in notes
        with running(fixtures=str(folder)) as url:
            assert [each["id"] for each in lists(url)["contacts"]] == [contact["id"]]

    def test_without_tasks_the_statuses_are_the_default_ones(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pull(folder, tasks=[])
        assert [status["name"] for status in pulled(folder)["statuses"]] == [
            "Pendiente",
            "En Progreso",
            "Completada",
            "Cerrada",
        ]
        assert "no task shows a status" in capsys.readouterr().out

    def test_without_an_initial_status_one_is_added_and_what_is_not_unique_is_changed(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        done = {**STATUS, "type": "done", "name": "Pendiente"}
        again = {**done, "id": ids.mint("pull", "status", 2)}
        tasks = [
            changed(TASK, id=ids.mint("pull", "task", number), status_config=status, task_status_config_id=status["id"])
            for number, status in enumerate((done, again))
        ]
        pull(folder, tasks=tasks)
        statuses = pulled(folder)["statuses"]
        assert sorted(status["order"] for status in statuses) == [3, 4, 5]
        assert [status["type"] for status in statuses] == ["done", "done", "initial"]
        assert len({status["name"] for status in statuses}) == 3
        notes = capsys.readouterr().out
        for text in ("no task shows an initial status", "the same name", "the same order"):
            assert text in notes

    @pytest.mark.parametrize(
        ("members", "kept", "note"),
        [
            ({"priority": "high"}, {"priority": 2}, "--assume list-priority=word"),
            ({"creator_id": None}, {"creator_id": USER["id"]}, "without creator_id"),
            ({"task_responsibles": []}, {"task_responsibles": [{"responsible_id": USER["id"]}]}, "without responsible"),
            ({"title": ""}, {"title": "\ufffd"}, "without title"),
            ({"title": "\0\ud800"}, {"title": "\ufffd\ufffd"}, ""),
            ({"description": ...}, {"description": None}, ""),
            (
                {"created_at": "2026-11-01T07:00:00-03:00"},
                {"created_at": "2026-11-01T10:00:00.000Z"},
                "not of the form",
            ),
            ({"due_timezone": None}, {"due_timezone": "UTC", "due_time": "17:30"}, "no known due_timezone"),
            ({"due_at": None}, {"due_at": None, "due_date": None, "is_all_day": True}, ""),
            ({"due_at": "2026-11-26T17:30:05.000Z"}, {"due_at": "2026-11-26T17:30:00.000Z"}, "lose them"),
            ({"is_all_day": True}, {"due_date": "2026-11-26T17:30:00.000Z", "due_time": None}, ""),
            ({"is_all_day": True, "due_at": "2026-11-26T03:00:00.000Z"}, {"due_date": "2026-11-26"}, ""),
            ({"is_all_day": True, "due_at": "2026-11-26T00:00:00.000Z"}, {"due_date": "2026-11-26"}, ""),
            ({"due_at": "2026-04-05T02:30:00.000Z"}, {"due_time": "23:30", "due_date": "2026-04-04"}, ""),
            ({"due_at": "2026-04-05T03:30:00.000Z", "due_timezone": "Asia/Tokyo"}, {"due_time": "12:30"}, ""),
            ({"due_at": "2026-04-05T03:30:00.000Z"}, {"due_time": "03:30", "timezone": "UTC"}, "second of two"),
            ({"colour": "red"}, {}, 'left out: "colour"'),
        ],
    )
    def test_a_task_is_kept_as_near_as_fixtures_can(
        self,
        members: dict[str, Any],
        kept: dict[str, Any],
        note: str,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        pull(folder, tasks=[changed(TASK, **members)])
        (task,) = pulled(folder)["tasks"]
        assert {key: task[key] for key in kept} == kept
        output = capsys.readouterr().out
        assert note in output
        assert bool(re.search(r"\(\d+\)$", output, re.MULTILINE)) is bool(note)

    def test_nulls_of_people_are_filled_where_fixtures_have_none(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        user = changed(USER, first_name=None, last_name=..., phone=None)
        contact = changed(CONTACT, name=None, created_at=..., platform=None)
        twice = [contact, contact]
        pull(folder, "--keep-people", users=[user], contacts=twice)
        found = pulled(folder)
        assert [(each["first_name"], each["last_name"], each["phone"]) for each in found["users"]] == [
            ("Camila Soto", "", "")
        ]
        assert [(each["name"], each["platform"]) for each in found["contacts"]] == [("+56987654321", "whatsapp")]
        notes = capsys.readouterr().out
        for text in ("users without first_name", "users without phone", "contacts without name", "an id twice"):
            assert text in notes


HTML = b"<html><body>404</body></html>"
OTHER_STATUS = {**STATUS, "name": "Otra"}
UNUSABLE = {
    "no key": ([answer(401, {"message": KEY})], "GET /api/public/team-members/all: 401, the key is not accepted"),
    "not found": ([answer(404, {})], "404, the endpoint is not there; is the target right?"),
    "a redirect": ([answer(302, location="/x")], "302, redirects are not followed"),
    "in trouble": ([answer(500, {})], "GET /api/public/team-members/all: 500"),
    "html": ([answer(200, HTML)], "200, but the body is not JSON"),
    "half": ([answer(200, [USER])[:-9]], "half an answer"),
    "nothing": ([None], "closed the connection"),
    "an object": ([answer(200, {"data": []})], "users: expected an array, received an object"),
    "no users": ([*workspace(users=[])], "users: the list is empty"),
    "a text": ([*workspace(tasks=["x"])], "tasks[0]: expected an object, received a string"),
    "no id": (
        [*workspace(contacts=[changed(CONTACT, id=...)])],
        "contacts[0].id: expected a string, and it is missing",
    ),
    "another id": ([*workspace(users=[changed(USER, id=7)])], "users[0].id: expected a string, received"),
    "no uuid": ([*workspace(users=[changed(USER, id="7")])], "users[0].id: expected a UUID"),
    "a number": ([*workspace(users=[changed(USER, email=7)])], "users[0].email: expected a string, received"),
    "no flag": ([*workspace(contacts=[changed(CONTACT, blocked="no")])], "contacts[0].blocked: expected a boolean"),
    "no instant": (
        [*workspace(contacts=[changed(CONTACT, last_message_at="today")])],
        "contacts[0].last_message_at: expected an instant",
    ),
    "a ticket": (
        [*workspace(contacts=[changed(CONTACT, active_ticket_v2={"id": None})])],
        "contacts[0].active_ticket_v2.id: expected a string",
    ),
    "no creation": ([*workspace(tasks=[changed(TASK, created_at=...)])], "tasks[0].created_at: expected a string"),
    "another priority": ([*workspace(tasks=[changed(TASK, priority=3)])], "tasks[0].priority: expected 0, 1 or 2"),
    "a list as priority": ([*workspace(tasks=[changed(TASK, priority=[])])], "tasks[0].priority: expected 0, 1 or 2"),
    "no responsibles": (
        [*workspace(tasks=[changed(TASK, task_responsibles=...)])],
        "tasks[0].task_responsibles: expected an array, and it is missing",
    ),
    "no status": ([*workspace(tasks=[changed(TASK, status_config=...)])], "tasks[0].status_config: expected an object"),
    "another kind": (
        [*workspace(tasks=[changed(TASK, status_config={**STATUS, "type": "x"})])],
        "tasks[0].status_config.type: expected one of initial",
    ),
    "no order": (
        [*workspace(tasks=[changed(TASK, status_config={**STATUS, "order": 1.5})])],
        "tasks[0].status_config.order: expected a whole number",
    ),
    "an empty name": (
        [*workspace(tasks=[changed(TASK, status_config={**STATUS, "name": ""})])],
        "tasks[0].status_config.name: it is empty",
    ),
    "another status": (
        [*workspace(tasks=[changed(TASK, task_status_config_id=STRANGER)])],
        "tasks[0].task_status_config_id: it is not the id of status_config",
    ),
    "two statuses": (
        [*workspace(tasks=[TASK, changed(TASK, id=STRANGER, status_config=OTHER_STATUS)])],
        "tasks[1].status_config: status",
    ),
    "outside the years": (
        [*workspace(tasks=[changed(TASK, due_at="0001-01-01T00:00:00.000Z")])],
        "tasks[0].due_at: it is outside the years",
    ),
}


class TestRefusals:
    @pytest.mark.parametrize(("answers", "cause"), UNUSABLE.values(), ids=UNUSABLE)
    def test_what_cannot_be_used_is_one_line_and_nothing_is_written(
        self,
        answers: list[bytes | None],
        cause: str,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        with standing_in(in_turn(*answers), keeps=cause != "half an answer") as there:
            assert run("--target", there.url, folder) == 2
        output, errors = capsys.readouterr()
        (line,) = errors.splitlines()
        assert line.startswith("vambe-mock: ")
        assert cause in line
        assert KEY not in line
        assert output == ""
        assert not folder.exists()

    def test_a_folder_with_files_is_left_alone_and_nothing_is_asked(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder.mkdir()
        (folder / "tasks.json").write_text("mine")
        with standing_in(in_turn(*workspace())) as there:
            assert run("--target", there.url, folder) == 2
            assert run("--target", there.url, folder / "tasks.json") == 2
        assert there.seen == []
        assert (folder / "tasks.json").read_text() == "mine"
        assert [path.name for path in folder.iterdir()] == ["tasks.json"]
        first, second = capsys.readouterr().err.splitlines()
        assert "there are files already; choose another folder" in first
        assert "it is a file; choose another name" in second

    def test_when_writing_fails_no_file_is_left(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write = Path.write_text

        def fail_at_tasks(path: Path, text: str, **options: Any) -> int:
            if path.name == "tasks.json":
                raise OSError(28, "No space left on device")
            return write(path, text, **options)

        monkeypatch.setattr(Path, "write_text", fail_at_tasks)
        with standing_in(in_turn(*workspace())) as there:
            assert run("--target", there.url, folder) == 2
        assert [*folder.iterdir()] == []
        assert "No space left on device" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "cause"),
        [
            (("--target", "http://127.0.0.1:1", "--from", "2026-13-01", "x"), "--from: "),
            (("--target", "http://127.0.0.1:1", "--from", "2026-02-01", "--to", "2026-01-01", "x"), "is after --to"),
            (("--target", "http://127.0.0.1:1", "--days", "366", "x"), "366"),
            (
                ("--target", "http://127.0.0.1:1", "--key-env", "NOT_SET_HERE", "x"),
                "the variable that --key-env names is not set",
            ),
            (("--target", "ftp://x", "x"), "--target ftp://x"),
            (("x",), "--target"),
            (("--target", "http://127.0.0.1:1", "x"), "refused"),
        ],
    )
    def test_a_wrong_call_is_one_line(
        self,
        arguments: tuple[str, ...],
        cause: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert run(*arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert cause in line
        assert [*tmp_path.iterdir()] == []
