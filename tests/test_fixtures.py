"""Fixtures: what is shipped, what a folder of one's own may hold, and what is said of one that is broken."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import ALL_TIME, CARLOS, CONTACT, INACTIVE_USER, MARIA, PENDING, UNKNOWN_ID, Api, running

from mockserver import cli, clock, fixtures

TASK = {
    "id": "11111111-1111-4111-8111-111111111111",
    "title": "Call",
    "task_status_config_id": PENDING["id"],
    "priority": 1,
    "creator_id": MARIA,
    "created_at": "2025-11-03T12:14:08.000Z",
    "task_responsibles": [{"responsible_id": MARIA}],
}
NOTE = {
    "id": "22222222-2222-4222-8222-222222222222",
    "task_id": TASK["id"],
    "contact_id": CONTACT,
    "created_at": "2025-11-03T12:14:08.000Z",
}
DATED = {**TASK, "due_date": "2025-11-26", "due_time": "14:30", "timezone": "America/Santiago"}


def shipped(name: str) -> list[dict[str, Any]]:
    """The records of a shipped file."""
    return json.loads((fixtures.shipped() / f"{name}.json").read_text(encoding="utf-8"))


def changed(name: str, index: int, /, **fields: Any) -> list[dict[str, Any]]:
    """A shipped list with one record changed; a field that is `...` is left out."""
    records = shipped(name)
    records[index] = {key: value for key, value in (records[index] | fields).items() if value is not ...}
    return records


def write(folder: Path, **lists: Any) -> str:
    """Write files of fixtures, one record a line; the folder's name."""
    for name, records in lists.items():
        rows = ",\n".join(json.dumps(record) for record in records)
        (folder / f"{name}.json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")
    return str(folder)


def problems_of(folder: Path) -> list[str]:
    """The errors in a folder of fixtures, without its own path."""
    with pytest.raises(fixtures.InvalidFixtures) as refused:
        fixtures.load(str(folder))
    return [problem.replace(f"{folder}/", "") for problem in refused.value.problems]


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit:
        cli.main([str(argument) for argument in arguments])
    return exit.value.code or 0


class TestShipped:
    def test_the_default_has_the_people_of_the_design_and_no_tasks(self, api: Api) -> None:
        api.listed()
        state = api.state()
        assert [user["active"] for user in state["users"]] == [True] * 5 + [False]
        assert [user["id"] for user in state["users"][:2]] == [MARIA, CARLOS]
        assert {status["type"] for status in state["statuses"]} == set(fixtures.STATUS_TYPES)
        assert len(state["contacts"]) >= 6
        assert len(state["customers"]) == 3
        assert (state["tasks"], state["notes"]) == ([], [])

    def test_the_demo_s_tasks_are_listed_as_the_state_has_them_with_notes_on_their_contacts(self) -> None:
        with running(fixtures="demo") as url, Api(url, "test_default").client as client:
            state = client.get("/__admin/state").json()
            listed = client.get("/api/public/tasks", params=ALL_TIME).json()
        assert len(listed) == 36
        parts = ("due_date", "due_time", "timezone")
        shown = [{key: value for key, value in task.items() if key not in parts} for task in state["tasks"]]
        assert sorted(listed, key=lambda task: task["id"]) == sorted(shown, key=lambda task: task["id"])
        with_contact = [(task["id"], task["ai_contact_id"]) for task in state["tasks"] if task["ai_contact_id"]]
        assert len(with_contact) > 5
        assert [(note["task_id"], note["contact_id"]) for note in state["notes"]] == with_contact

    def test_every_shipped_name_is_valid(self) -> None:
        folders = [each.name for each in fixtures.shipped().iterdir() if (each / "tasks.json").is_file()]
        assert [fixtures.DEFAULT, *sorted(folders)] == [*fixtures.SHIPPED]
        for name in fixtures.SHIPPED:
            assert fixtures.load(name).document["users"]


class TestFolders:
    def test_a_file_that_a_folder_lacks_is_the_default_s(self, tmp_path: Path) -> None:
        document = fixtures.load(write(tmp_path, customers=[])).document
        assert document["customers"] == []
        assert document["users"] == fixtures.load("default").document["users"]

    def test_a_name_is_a_shipped_one_even_where_a_folder_has_it_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "demo").mkdir()
        write(tmp_path / "demo", tasks=[TASK])
        monkeypatch.chdir(tmp_path)
        assert len(fixtures.load("demo").document["tasks"]) == 36
        assert len(fixtures.load("./demo").document["tasks"]) == 1
        assert len(fixtures.load("demo/").document["tasks"]) == 1

    def test_a_folder_s_name_without_a_slash_is_refused_with_a_hint(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "mine").mkdir()
        monkeypatch.chdir(tmp_path)
        with pytest.raises(fixtures.InvalidFixtures, match=r"for the folder write \./mine"):
            fixtures.load("mine")
        with pytest.raises(fixtures.InvalidFixtures, match=r'no fixtures "other", only default, demo, demo-today$'):
            fixtures.load("other")

    def test_a_state_written_to_files_is_the_same_state_again(self, tmp_path: Path) -> None:
        with running(fixtures="demo") as url, Api(url, "test_default").client as client:
            client.post(
                "/api/public/tasks",
                json={
                    "title": "أهلا 🙂\n\u2028",
                    "responsibleIds": [CARLOS, MARIA],
                    "priority": "2",
                    "aiContactId": CONTACT,
                    "dueDate": "2025-11-26T23:00:00.123456Z",
                    "timezone": "Pacific/Apia",
                },
            )
            state = client.get("/__admin/state").json()
        folder = write(tmp_path, **state)
        with running(fixtures=folder) as url, Api(url, "test_default").client as client:
            assert client.get("/__admin/state").json() == state

    def test_ids_are_read_in_any_case(self, tmp_path: Path) -> None:
        folder = write(tmp_path, tasks=[{**TASK, "id": TASK["id"].upper(), "creator_id": MARIA.upper()}])
        (task,) = fixtures.load(folder).document["tasks"]
        assert (task["id"], task["creator_id"]) == (TASK["id"], MARIA)

    def test_a_responsible_of_a_fixture_may_have_become_inactive(self, tmp_path: Path) -> None:
        task = {**TASK, "task_responsibles": [{"responsible_id": INACTIVE_USER}]}
        assert fixtures.load(write(tmp_path, tasks=[task])).document["tasks"]

    def test_a_key_of_the_fixtures_acts_as_its_user_unless_it_is_revoked(self, tmp_path: Path) -> None:
        keys = [{"key": "carlos", "user_id": CARLOS}, {"key": "gone", "user_id": CARLOS, "revoked": True}]
        with running(fixtures=write(tmp_path, api_keys=keys)) as url:
            task = {"title": "Call", "responsibleIds": [MARIA], "priority": "1"}
            with Api(url, "carlos").client as client:
                assert client.post("/api/public/tasks", json=task).json()["creator_id"] == CARLOS
            with Api(url, "gone").client as client:
                assert client.post("/api/public/tasks", json=task).status_code == 401


# What a file holds, and everything that is said of it.
BROKEN: dict[str, tuple[dict[str, Any], list[str]]] = {
    # ids that do not resolve
    "contact": (
        {"tasks": [{**TASK, "ai_contact_id": UNKNOWN_ID}]},
        [f"tasks.json:2: $[0].ai_contact_id: there is no contact {UNKNOWN_ID}"],
    ),
    "customer": (
        {"tasks": [{**TASK, "ai_customer_id": UNKNOWN_ID}]},
        [f"tasks.json:2: $[0].ai_customer_id: there is no customer {UNKNOWN_ID}"],
    ),
    "status": (
        {"tasks": [{**TASK, "task_status_config_id": UNKNOWN_ID}]},
        [f"tasks.json:2: $[0].task_status_config_id: there is no status {UNKNOWN_ID}"],
    ),
    "creator": (
        {"tasks": [{**TASK, "creator_id": UNKNOWN_ID}]},
        [f"tasks.json:2: $[0].creator_id: there is no user {UNKNOWN_ID}"],
    ),
    "responsible": (
        {"tasks": [{**TASK, "task_responsibles": [{"responsible_id": MARIA}, {"responsible_id": UNKNOWN_ID}]}]},
        [f"tasks.json:2: $[0].task_responsibles[1].responsible_id: there is no user {UNKNOWN_ID}"],
    ),
    "the task of a note": ({"notes": [NOTE]}, [f"notes.json:2: $[0].task_id: there is no task {TASK['id']}"]),
    "the user of a key": (
        {"api_keys": [{"key": "k", "user_id": UNKNOWN_ID}]},
        [f"api_keys.json:2: $[0].user_id: there is no active user {UNKNOWN_ID}"],
    ),
    "the inactive user of a key": (
        {"api_keys": [{"key": "k", "user_id": INACTIVE_USER}]},
        [f"api_keys.json:2: $[0].user_id: there is no active user {INACTIVE_USER}"],
    ),
    # duplicates
    "two users": (
        {"users": changed("users", 2, id=MARIA), "api_keys": []},
        [f'users.json:4: $[2].id: "{MARIA}" is there already'],
    ),
    "two statuses": (
        {"statuses": changed("statuses", 1, id=PENDING["id"])},
        [f'statuses.json:3: $[1].id: "{PENDING["id"]}" is there already'],
    ),
    "two names of statuses": (
        {"statuses": changed("statuses", 1, name="Pendiente")},
        ['statuses.json:3: $[1].name: "Pendiente" is there already'],
    ),
    "two orders of statuses": (
        {"statuses": changed("statuses", 1, order=1)},
        ["statuses.json:3: $[1].order: 1 is there already"],
    ),
    "two contacts": (
        {"contacts": changed("contacts", 1, id=CONTACT)},
        [f'contacts.json:3: $[1].id: "{CONTACT}" is there already'],
    ),
    "two tasks": ({"tasks": [TASK, TASK]}, [f'tasks.json:3: $[1].id: "{TASK["id"]}" is there already']),
    "two responsibles": (
        {"tasks": [{**TASK, "task_responsibles": [{"responsible_id": MARIA}] * 2}]},
        [f'tasks.json:2: $[0].task_responsibles[1].responsible_id: "{MARIA}" is there already'],
    ),
    "two notes of a task": (
        {"tasks": [{**TASK, "ai_contact_id": CONTACT}], "notes": [NOTE, {**NOTE, "id": UNKNOWN_ID}]},
        [f'notes.json:3: $[1].task_id: "{TASK["id"]}" is there already'],
    ),
    "two keys": (
        {"api_keys": [{"key": "k", "user_id": MARIA}] * 2},
        ['api_keys.json:3: $[1].key: "k" is there already'],
    ),
    # what must be there
    "no initial status": (
        {"statuses": changed("statuses", 0, type="done")},
        ["statuses.json: $: no status has the type initial, which new tasks get"],
    ),
    "no status": ({"statuses": []}, ["statuses.json: $: no status has the type initial, which new tasks get"]),
    "no active user": (
        {"users": [{**shipped("users")[0], "active": False}], "api_keys": []},
        ["users.json: $: no user is active, so no key could act as one"],
    ),
    "no responsible": (
        {"tasks": [{**TASK, "task_responsibles": []}]},
        ["tasks.json:2: $[0].task_responsibles: Must have at least 1 item"],
    ),
    "a missing field": (
        {"users": changed("users", 0, email=...)},
        ["users.json:2: $[0].email: Required: expected a string"],
    ),
    # values
    "a zone": (
        {"tasks": [{**DATED, "timezone": "America/Atlantis"}]},
        ['tasks.json:2: $[0].timezone: "America/Atlantis" is not an IANA time zone, such as America/Santiago'],
    ),
    "an id": (
        {"contacts": [{"id": "1", "name": "Ana"}]},
        ['contacts.json:2: $[0].id: "1" is not a UUID of the form 8-4-4-4-12'],
    ),
    "a type of status": (
        {"statuses": changed("statuses", 1, type="open")},
        ['statuses.json:3: $[1].type: Must be one of "initial", "in_progress", "done", "master_done", not "open"'],
    ),
    "a wrong type": (
        {"users": changed("users", 0, active="yes")},
        ["users.json:2: $[0].active: Expected a boolean, received a string"],
    ),
    "a priority in words": (
        {"tasks": [{**TASK, "priority": "1"}]},
        ["tasks.json:2: $[0].priority: Expected a number, received a string"],
    ),
    "an order that no column holds": (
        {"statuses": changed("statuses", 0, order=2**63)},
        ["statuses.json:2: $[0].order: Must be from 0 to 10000"],
    ),
    "a null": (
        {"customers": changed("customers", 0, name=None)},
        ["customers.json:2: $[0].name: Must not be null: expected a string"],
    ),
    "a record that is none": ({"tasks": [7]}, ["tasks.json:2: $[0]: Expected an object, received a number"]),
    "responsibles that are ids": (
        {"tasks": [{**TASK, "task_responsibles": [MARIA]}]},
        ["tasks.json:2: $[0].task_responsibles[0]: Invalid input type."],
    ),
    "an unknown key": (
        {"contacts": changed("contacts", 0, colour="red")},
        ["contacts.json:2: $[0].colour: Unknown field."],
    ),
    "a key that opens a sandbox": (
        {"api_keys": [{"key": "test_x", "user_id": MARIA}]},
        ["api_keys.json:2: $[0].key: a key that begins with test_ opens the sandbox of its name; choose another"],
    ),
    "an instant that is none": (
        {"tasks": [{**TASK, "created_at": "2025-11-03"}]},
        ['tasks.json:2: $[0].created_at: "2025-11-03" is not a date-time of the form YYYY-MM-DDTHH:MM:SS.sssZ'],
    ),
    # what follows from other values
    "a due instant that disagrees": (
        {"tasks": [{**DATED, "due_at": "2025-11-26T14:30:00.000Z"}]},
        ['tasks.json:2: $[0].due_at: the due date gives "2025-11-26T17:30:00.000Z"'],
    ),
    "a whole day that is none": (
        {"tasks": [{**DATED, "is_all_day": True}]},
        ["tasks.json:2: $[0].is_all_day: the due date gives false"],
    ),
    "a zone that disagrees": (
        {"tasks": [{**TASK, "due_timezone": "UTC"}]},
        ["tasks.json:2: $[0].due_timezone: the due date gives null"],
    ),
    "a time without a date": (
        {"tasks": [{**TASK, "due_time": "14:30"}]},
        ["tasks.json:2: $[0].due_date: due_time and timezone are kept only with a due_date"],
    ),
    "a note on another contact": (
        {"tasks": [TASK], "notes": [NOTE]},
        ["notes.json:2: $[0].contact_id: it is not the contact of the note's task"],
    ),
}


class TestBroken:
    @pytest.mark.parametrize("kind", BROKEN)
    def test_it_is_refused_with_file_line_path_and_reason(self, kind: str, tmp_path: Path) -> None:
        lists, expected = BROKEN[kind]
        write(tmp_path, **lists)
        assert problems_of(tmp_path) == expected

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"[\n  {,\n]", "unexpected ',' at line 2, column 4"),
            (b"", "it is empty"),
            (b"{}", "expected an array of records, found an object"),
            (b"null", "expected an array of records, found null"),
            (b"[\xff]", "it is not UTF-8 at byte 2"),
            (b"[NaN]", "it has NaN, which is not a JSON number"),
        ],
    )
    def test_a_file_that_is_not_json_is_refused_with_the_place(self, text: bytes, reason: str, tmp_path: Path) -> None:
        (tmp_path / "users.json").write_bytes(text)
        assert problems_of(tmp_path) == [f"users.json: {reason}"]

    def test_a_byte_order_mark_is_ignored(self, tmp_path: Path) -> None:
        (tmp_path / "users.json").write_text(json.dumps(shipped("users"), indent=2), encoding="utf-8-sig")
        assert fixtures.load(str(tmp_path)).document["users"] == fixtures.load("default").document["users"]

    def test_a_file_that_nothing_reads_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path, task=[], users=shipped("users"))
        (problem,) = problems_of(tmp_path)
        assert problem.startswith("task.json: not one of users.json, ")

    def test_a_file_that_cannot_be_read_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "users.json").mkdir()
        assert problems_of(tmp_path) == ["users.json: Is a directory"]

    def test_a_folder_without_fixtures_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("Nothing here")
        assert problems_of(tmp_path)[0].startswith(f"{tmp_path} holds none of users.json, ")

    @pytest.mark.parametrize("make", [Path.touch, lambda path: None])
    def test_what_is_not_a_folder_is_refused(self, make: Callable[[Path], None], tmp_path: Path) -> None:
        make(tmp_path / "mine")
        assert problems_of(tmp_path / "mine") == [f"{tmp_path / 'mine'} is not a folder"]

    def test_every_problem_is_told_at_once(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            typo=[],
            users=changed("users", 5, active="no"),
            tasks=[
                {**TASK, "title": "", "priority": 3},
                {**TASK, "ai_contact_id": UNKNOWN_ID},
                {**TASK, "creator_id": UNKNOWN_ID},
            ],
            api_keys=[{"key": "k", "user_id": UNKNOWN_ID}],
            notes=[{**NOTE, "task_id": UNKNOWN_ID}],
        )
        (tmp_path / "customers.json").write_text("[")
        assert [problem.split(": ")[:2] for problem in problems_of(tmp_path)] == [
            ["typo.json", f"not one of {', '.join(fixtures.FILES)}"],
            ["customers.json", "unexpected end of the text at line 1, column 2"],
            ["users.json:7", "$[5].active"],
            ["tasks.json:2", "$[0].title"],
            ["tasks.json:2", "$[0].priority"],
            ["tasks.json:4", "$[2].id"],
            ["tasks.json:3", "$[1].ai_contact_id"],
        ]

    def test_what_refers_to_a_record_with_a_problem_of_its_own_is_not_accused(self, tmp_path: Path) -> None:
        write(tmp_path, users=changed("users", 0, email=None), tasks=[TASK])
        assert problems_of(tmp_path) == ["users.json:2: $[0].email: Must not be null: expected a string"]


class TestCommands:
    def test_validate_says_that_a_folder_is_valid(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write(tmp_path, tasks=[TASK])
        assert run("fixtures", "validate", tmp_path) == 0
        shown = capsys.readouterr().out
        assert shown == (
            f"{tmp_path} is valid: 6 users, 4 statuses, 7 contacts, 3 customers, 1 tasks, 0 notes, 3 api_keys\n"
        )

    def test_validate_lists_every_problem(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write(tmp_path, users=changed("users", 0, email=1, phone=2), contacts=changed("contacts", 1, name=""))
        assert run("fixtures", "validate", tmp_path) == 1
        assert capsys.readouterr().out.splitlines() == [
            f"{tmp_path / 'users.json'}:2: $[0].email: Expected a string, received a number",
            f"{tmp_path / 'users.json'}:2: $[0].phone: Expected a string, received a number",
            f"{tmp_path / 'contacts.json'}:3: $[1].name: Must have at least 1 character",
        ]

    def test_validate_takes_a_bare_name_for_a_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert run("fixtures", "validate", "demo") == 1
        assert capsys.readouterr().out == "./demo is not a folder\n"

    @pytest.mark.parametrize(("source", "tasks"), [((), 0), (("--from", "demo"), 36)])
    def test_init_writes_a_copy_that_validates_and_can_be_started_with(
        self, source: tuple[str, ...], tasks: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = tmp_path / "new" / "mine"
        assert run("fixtures", "init", folder, *source) == 0
        assert f"--fixtures {folder}" in capsys.readouterr().out
        assert run("fixtures", "validate", folder) == 0
        with running(fixtures=str(folder)) as url, Api(url, "test_default").client as client:
            assert len(client.get("/api/public/tasks", params=ALL_TIME).json()) == tasks

    def test_init_in_the_folder_where_one_is_tells_how_to_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert run("fixtures", "init", "mine") == 0
        assert capsys.readouterr().out.endswith("start with --fixtures ./mine\n")
        assert (tmp_path / "mine" / "users.json").read_bytes() == (fixtures.shipped() / "users.json").read_bytes()

    def test_init_copies_a_folder_of_one_s_own_too(self, tmp_path: Path) -> None:
        (tmp_path / "one").mkdir()
        write(tmp_path / "one", tasks=[TASK])
        assert run("fixtures", "init", tmp_path / "two", "--from", tmp_path / "one") == 0
        assert fixtures.load(str(tmp_path / "two"))[:3] == fixtures.load(str(tmp_path / "one"))[:3]

    def test_init_never_overwrites(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "contacts.json").write_text("mine")
        assert run("fixtures", "init", tmp_path) == 2
        assert "contacts.json is there already" in capsys.readouterr().err
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("contacts.json", "mine")]

    @pytest.mark.parametrize("arguments", [("file",), ("file/below",), ("new", "--from", "nowhere")])
    def test_init_says_in_one_line_why_it_cannot(
        self,
        arguments: tuple[str, ...],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file").touch()
        assert run("fixtures", "init", *arguments) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


class TestAKeptDatabase:
    def started_with(self, name: str, database: Path, caplog: pytest.LogCaptureFixture, *, reset: bool = False) -> str:
        """The log of a server with these fixtures at its start."""
        logger = logging.getLogger("mockserver")
        caplog.clear()
        logger.addHandler(caplog.handler)
        try:
            with running(fixtures=name, database=database) as url:
                if reset:
                    assert httpx.post(f"{url}/__admin/reset").status_code == 200
                return caplog.text
        finally:
            logger.removeHandler(caplog.handler)

    def test_other_fixtures_are_said_to_leave_its_sandboxes_as_they_are(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        database = tmp_path / "world.db"
        assert "fixtures" not in self.started_with("default", database, caplog)
        said = 'The fixtures "demo" are for new sandboxes: default keep what they have from others, until a reset'
        assert said in self.started_with("demo", database, caplog)
        assert said in self.started_with("demo", database, caplog, reset=True)
        assert "fixtures" not in self.started_with("demo", database, caplog)
        assert 'The fixtures "default"' in self.started_with("default", database, caplog)


class TestRelativeTimes:
    def tasks(self, url: str, **clock: Any) -> list[dict[str, Any]]:
        """The tasks after a reset of all but the clock, which shows this."""
        httpx.put(f"{url}/__admin/clock", json=clock).raise_for_status()
        httpx.post(f"{url}/__admin/reset", json={"only": ["tasks"]}).raise_for_status()
        return list(httpx.get(f"{url}/__admin/state").json()["tasks"])

    def test_the_demo_of_today_is_the_demo_at_the_default_clock(self) -> None:
        with running(fixtures="demo-today") as url, running(fixtures="demo") as other:
            today, demo = (httpx.get(f"{each}/__admin/state").json()["tasks"] for each in (url, other))
        varying = ("created_at", "due_date")
        same = [{key: value for key, value in task.items() if key not in varying} for task in demo]
        assert [{key: value for key, value in task.items() if key not in varying} for task in today] == same
        assert [task["due_date"] for task in today] == [task["due_date"] for task in demo]

    def test_its_times_follow_the_clock_at_which_it_is_opened_or_reset(self) -> None:
        with running(fixtures="demo-today", clock=clock.parse_setting("frozen@2026-03-01T12:00:00Z")) as url:
            opened = httpx.get(f"{url}/__admin/state").json()["tasks"]
            assert opened[18]["due_at"] == "2026-03-01T12:30:00.000Z"
            assert opened[0]["created_at"] == "2026-02-06T12:14:00.000Z"
            moved = self.tasks(url, now="2026-06-01T12:00:00Z")
            assert moved[18]["due_at"] == "2026-06-01T13:30:00.000Z"  # Santiago has left summer time
            httpx.post(f"{url}/__admin/reset").raise_for_status()
            assert httpx.get(f"{url}/__admin/state").json()["tasks"] == opened

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ({"due_date": "+3d"}, {"due_date": "2025-11-29", "due_at": "2025-11-29T00:00:00.000Z"}),
            ({"due_date": "-1d", "due_time": "23:30"}, {"due_at": "2025-11-25T23:30:00.000Z"}),
            ({"due_date": "+0d", "timezone": "Pacific/Kiritimati"}, {"due_date": "2025-11-26"}),
            ({"created_at": "-36h"}, {"created_at": "2025-11-24T21:00:00.000Z"}),
            ({"created_at": "-2d 14:30"}, {"created_at": "2025-11-24T14:30:00.000Z"}),
            ({"created_at": "-2d"}, {"created_at": "2025-11-24T09:00:00.000Z"}),
        ],
    )
    def test_a_state_and_an_added_task_may_have_them_and_are_shown_absolute(
        self, api: Api, given: dict[str, Any], shown: dict[str, Any]
    ) -> None:
        api.client.post("/__admin/tasks", json=given).raise_for_status()
        (task,) = api.state()["tasks"]
        assert shown.items() <= task.items()
        kept = {key: value for key, value in task.items() if not key.startswith("due_at")} | given
        state = {**api.state(), "tasks": [kept], "notes": []}
        (again,) = api.client.put("/__admin/state", json=state).json()["tasks"]
        assert again == task

    def test_today_is_the_day_in_the_zone_of_the_task(self, api: Api) -> None:
        api.client.put("/__admin/clock", json={"now": "2025-11-26T23:00:00Z"}).raise_for_status()
        task = {"due_date": "+0d", "due_time": "09:00", "timezone": "Asia/Tokyo"}
        assert api.client.post("/__admin/tasks", json=task).json()["due_at"] == "2025-11-27T00:00:00.000Z"

    @pytest.mark.parametrize("text", ["3d", "+3", "+3w", "+d", "+3d 14:30", "+100000d"])
    def test_what_only_looks_like_one_is_refused(self, api: Api, text: str) -> None:
        answer = api.client.post("/__admin/tasks", json={"due_date": text})
        assert answer.json()["errors"][0]["path"] == ["due_date"]
