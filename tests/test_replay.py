"""`vambe-mock conform --journal`: what a test suite sent to a mock is sent to a vendor, here another mock."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from stand_ins import Ended, Reply, Seen, answer, changed, standing_in
from support import (
    CARLOS,
    CONTACT,
    CUSTOMER,
    INACTIVE_USER,
    MARIA,
    OTHER_CONTACT,
    PENDING,
    UNKNOWN_ID,
    VALENTINA,
    Api,
    running,
)

from mockserver import cli
from mockserver.conform.probes import OF_A_RUN
from mockserver.fidelity.assumptions import ASSUMPTIONS
from mockserver.fidelity.evidence import read
from mockserver.formats import ids

_numbers = itertools.count(1)
DEMO_TASK = "51a0aeb9-5468-432d-877c-6d40a4a75e03"


class Measured(Ended):
    """The end of a run that replayed a journal."""

    @property
    def differences(self) -> list[dict[str, Any]]:
        return self.json["journal"]["differences"]

    @property
    def left_out(self) -> dict[str, list[int]]:
        return {each["reason"]: each["entries"] for each in self.json["journal"]["left_out"]}

    @property
    def values(self) -> dict[str, tuple[str, str | None]]:
        """The verdict and the value of each rule that was judged."""
        return {name: (each["verdict"], each.get("value")) for name, each in self.rules.items()}


Replayed = Callable[..., Measured]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of one server: its sandboxes are the mock of a suite, and the workspaces of vendors."""
    with running(fixtures="demo") as started:
        yield started


@pytest.fixture
def sandbox(url: str) -> Iterator[Callable[..., Api]]:
    """Makes clients with sandboxes of their own, with these switches, or with a state."""
    with contextlib.ExitStack() as opened:

        def make(assume: dict[str, str] | None = None, state: dict[str, Any] | None = None) -> Api:
            actor = Api(url, f"test_{next(_numbers)}")
            opened.enter_context(actor.client)
            assert actor.client.patch("/__admin/settings", json={"assume": assume or {}}).status_code == 200
            if state:
                assert actor.client.put("/__admin/state", json=state).status_code == 200
            return actor

        yield make


@pytest.fixture
def mock(sandbox: Callable[..., Api]) -> Api:
    """The suite's client of the mock whose journal is replayed."""
    return sandbox()


@pytest.fixture
def replayed(mock: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Replayed:
    """Replays the journal of the mock to a vendor."""

    def run(vendor: Api | str, *options: object, stage: str = "--write", as_json: bool = True) -> Measured:
        capsys.readouterr()
        target, key = (vendor, "any") if isinstance(vendor, str) else (vendor.url, vendor.key)
        monkeypatch.setenv("VAMBE_API_KEY", key)
        name = mock.key.removeprefix("test_")
        line = ["conform", "--journal", "--url", mock.url, "--sandbox", name, "--target", target, stage]
        line += ["--pause", "0", "--budget", "200", *["--json"] * as_json, *map(str, options)]
        with pytest.raises(SystemExit) as ended:
            cli.main(line)
        return Measured(int(ended.value.code or 0), *capsys.readouterr())

    return run


def answering(change: Reply, tasks: Any = ()) -> Reply:
    """The reply of a vendor with one user and these tasks; `change` replies to what is no GET."""

    def reply(seen: Seen) -> bytes | None:
        if seen.method != "GET":
            return change(seen)
        return answer(200, [{"id": MARIA}] if "/team-members" in seen.target else tasks)

    return reply


def suite(api: Api) -> None:
    """Send the requests of a test suite, among them one that each switch decides."""
    task = api.created(dueDate="2025-11-26", timezone="America/Santiago")
    other = api.created(title=" Second ", dueDate="2025-11-27", dueTime="14:30", timezone="Asia/Tokyo", description="é")
    api.create(title="", priority=1)
    api.create(aiContactId=UNKNOWN_ID)
    api.create(responsibleIds=[UNKNOWN_ID])
    api.update(task["id"], newStatusPosition=2)
    api.update(other["id"], newStatusPosition=1)
    api.update(other["id"], newStatusName="Completada")
    api.update(UNKNOWN_ID, title="x")
    api.update("abc", title="x")
    api.list()
    api.list(responsibleIds=f"{MARIA},{VALENTINA}")
    api.update(task["id"], dueDate="2025-12-01T10:00:00-03:00")
    api.client.get("/api/public/team-members/all/")
    api.client.get(f"/api/public/tasks/{UNKNOWN_ID}")
    api.client.get("/api/public/contacts")
    api.client.put(f"/api/public/tasks/{other['id']}", content=b"", headers={"content-type": "application/json"})
    api.delete(task["id"])
    api.delete(task["id"])
    api.list()


def test_a_vendor_that_answers_as_the_mock_has_no_difference_and_is_as_before(
    mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
) -> None:
    suite(mock)
    vendor = sandbox()
    before = vendor.state()
    measured = replayed(vendor)
    assert measured.code == 0, measured.output
    assert measured.differences == []
    assert measured.left_out == {}
    assert measured.json["journal"]["compared"] == 20
    confirmed = {name for name, (verdict, _) in measured.values.items() if verdict == "confirmed"}
    assert {"create-status", "all-day", "due-date-and-time", "list-order", "strings", "task-object"} <= confirmed
    assert vendor.state() == before


SHOWN = [
    (each.name, value)
    for each in ASSUMPTIONS
    for value in each.values
    if value != each.default and each.name not in ("unauthorized-body", "inactive-responsible")
]


@pytest.mark.parametrize(("name", "value"), SHOWN)
def test_a_switch_of_the_vendor_is_found_and_nothing_else_is_refuted(
    name: str, value: str, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
) -> None:
    suite(mock)
    measured = replayed(sandbox(assume={name: value}))
    if (name, value) == ("status-position", "index-1"):  # the orders of the fixtures are these places
        assert measured.code == 0
        return
    assert measured.code == 1
    assert {each: found for each, found in measured.values.items() if found[0] in ("refuted", "contradictory")} == {
        name: ("refuted", value)
    }
    assert name in {rule for each in measured.differences for rule in each["rules"]}


@pytest.mark.parametrize(("name", "value"), [("inactive-responsible", "accepted"), ("comma-list", "refused")])
def test_a_difference_names_the_entry_the_operation_and_both_answers(
    name: str, value: str, mock: Api, replayed: Replayed, sandbox: Callable[..., Api], tmp_path: Path
) -> None:
    mock.list(responsibleIds=f"{MARIA},{VALENTINA}")
    mock.create(responsibleIds=[INACTIVE_USER])
    evidence = tmp_path / "evidence.json"
    measured = replayed(
        sandbox(assume={name: value}), "--map", f"{INACTIVE_USER}={INACTIVE_USER}", "--evidence", evidence
    )
    (difference,) = measured.differences
    operation, mock_has, vendor_has = ("listTasks", 200, 400) if name == "comma-list" else ("createTask", 404, 201)
    assert (difference["operation"], difference["grade"], difference["path"]) == (operation, "status", "status")
    assert (difference["mock"], difference["vendor"]) == (mock_has, vendor_has)
    assert read(evidence).rules[name].value == value
    text = replayed(sandbox(assume={name: value}), "--map", f"{INACTIVE_USER}={INACTIVE_USER}", as_json=False)
    assert f"status: status: the mock has {mock_has}, the vendor {vendor_has}" in text.output
    assert f"({operation})" in text.output


def test_one_difference_is_told_once_however_often_it_is_answered(
    mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
) -> None:
    task = mock.created()
    mock.update(task["id"], title="Other")
    mock.list()
    measured = replayed(sandbox(assume={"null-description": "null"}))
    assert [(each["entry"], each["path"]) for each in measured.differences] == [(1, "description")]
    assert measured.values["null-description"] == ("refuted", "null")


def test_what_follows_from_a_refused_change_is_no_difference_of_its_own(
    mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
) -> None:
    task = mock.created(dueDate="2025-11-26")
    mock.update(task["id"], dueDate="2025-12-01T10:00:00-03:00", dueTime=None, timezone="UTC")
    mock.update(task["id"], dueTime="10:00")
    mock.list(fromDate="2025-12-01", toDate="2025-12-01", includeTasksWithoutDates="false")
    measured = replayed(sandbox(assume={"due-date-offset": "refused"}))
    assert [each["entry"] for each in measured.differences] == [2]
    refuted = [name for name, (verdict, _) in measured.values.items() if verdict == "refuted"]
    assert refuted == ["due-date-offset"]


def test_what_follows_from_a_change_that_was_left_out_is_no_difference(
    mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
) -> None:
    json = {"content-type": "application/json"}
    task = mock.created(description="a", dueDate="2025-11-26")
    repeated = b'{"priority": "0", "priority": "2", "description": null, "dueDate": null}'
    mock.client.put(f"/api/public/tasks/{task['id']}", content=repeated, headers=json)
    mock.update(task["id"], title="Other")
    mock.list()
    mock.list(includeTasksWithoutDates="false")
    vendor = sandbox()
    measured = replayed(vendor)
    assert [*measured.left_out.values()] == [[2]]
    assert (measured.code, measured.differences) == (0, [])


def test_a_change_that_the_vendor_failed_at_makes_later_decisions_no_difference(
    mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
) -> None:
    task = mock.created()
    mock.delete(task["id"])
    mock.delete(task["id"])
    mock.update(task["id"], title="Other")
    vendor = sandbox()
    vendor.client.post("/__admin/faults", json={"match": {"operation": "deleteTask"}, "status": 500})
    measured = replayed(vendor)
    assert [*measured.left_out.values()] == [[2]]
    assert (measured.code, measured.differences) == (0, [])


def test_several_rules_that_may_be_the_reason_are_left_open(
    mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
) -> None:
    mock.create(dueDate="2025-12-01T10:00:00-03:00", colour="red")
    measured = replayed(sandbox(assume={"due-date-offset": "refused"}))
    assert measured.code == 1
    assert measured.json["rules"]["due-date-offset"]["verdict"] == "not reached"
    assert (
        measured.json["rules"]["due-date-offset"]["why"] == "unknown-keys or due-date-offset may be the reason for 400"
    )


class TestIds:
    def test_people_and_statuses_of_another_workspace_take_the_place_of_the_mock_s(
        self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        suite(mock)
        vendor = sandbox(state=workspace())
        measured = replayed(vendor)
        assert measured.code == 0, measured.output
        assert measured.differences == []
        assert measured.left_out == {}

    def test_users_may_be_chosen(self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]) -> None:
        mock.create(responsibleIds=[MARIA, CARLOS])
        vendor = sandbox(state=workspace())
        second = ids.mint("replay", "user", 2)
        replayed(vendor, "--map", f"{MARIA}={second}")
        (sent,) = [each for each in requests_of(vendor) if each["operation"] == "createTask"]
        assert sent["request"]["json"]["responsibleIds"] == [second, ids.mint("replay", "user", 1)]

    def test_without_a_user_of_the_vendor_s_a_request_is_left_out(
        self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        mock.create(responsibleIds=[MARIA, CARLOS, VALENTINA])
        measured = replayed(sandbox(state=workspace()))
        (reason,) = measured.left_out
        assert f"no match for the user {VALENTINA}: --map MOCK_ID=VENDOR_ID gives one" in reason

    def test_ids_that_nobody_has_become_others_of_the_run(
        self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        mock.create(aiContactId=UNKNOWN_ID, aiCustomerId=UNKNOWN_ID)
        mock.create(responsibleIds=[UNKNOWN_ID])
        mock.update(UNKNOWN_ID)
        mock.delete(UNKNOWN_ID.upper())
        vendor = sandbox()
        measured = replayed(vendor)
        assert measured.differences == []
        assert UNKNOWN_ID not in json.dumps(requests_of(vendor)).lower()
        assert [each["response"]["status"] for each in requests_of(vendor)][-4:] == [404] * 4


class TestHarmlessness:
    def test_titles_bear_the_run_s_mark_and_a_later_run_deletes_what_is_left(
        self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        task = mock.created(title="  Call", dueDate="2025-06-01")
        mock.update(task["id"], title="Call again")
        vendor = sandbox()
        replayed(vendor)
        titles = [
            each["request"]["json"]["title"]
            for each in requests_of(vendor)
            if each["operation"] in ("createTask", "updateTask")
        ]
        assert [OF_A_RUN.sub("", title) for title in titles] == ["Call", "Call again"]
        assert all(map(OF_A_RUN.match, titles))
        left = vendor.created(title=titles[0], dueDate="2025-06-01")
        measured = replayed(vendor, stage="--delete-leftovers", as_json=False)
        assert measured.code == 0
        assert f"deleted task {left['id']}" in measured.output

    def test_tasks_that_the_journal_did_not_create_are_never_touched(
        self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        mock.update(DEMO_TASK, title="x")
        mock.client.put(f"/api/public/tasks/{{{DEMO_TASK}}}", json={"title": "x"})
        send_as_written(mock, f"/api/public/tasks/%35{DEMO_TASK[1:]}", 200)
        send_as_written(mock, f"/api/public/tasks/%2535{DEMO_TASK[1:]}", 400)
        send_as_written(mock, f"/api/public/tasks/x%2F{DEMO_TASK}", 400)
        mock.update(DEMO_TASK, title="")
        mock.delete(ids.mint("nobody", "task", 1))
        vendor = sandbox()
        before = vendor.state()
        measured = replayed(vendor)
        assert vendor.state() == before
        assert DEMO_TASK not in [each["request"]["path"].rpartition("/")[2] for each in requests_of(vendor)]
        assert measured.left_out == {
            "the task was not created in this run": [1, 3],
            "its path has an id in another form, which may be that of a task": [2],
            "the id in its path has a slash": [5],
        }

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"aiContactId": CONTACT}, "it links a contact: --contact ID allows one"),
            ({"aiContactId": CONTACT.upper()}, "it links a contact: --contact ID allows one"),
            ({"aiContactId": f"urn:uuid:{CONTACT}"}, "aiContactId has an id in another form, which may be somebody's"),
            ({"ai_contact_id": CONTACT}, "a field names a contact or a customer"),
            ({"aiCustomerId": CUSTOMER}, "the vendor has no match for the customer"),
            ({"title": " "}, "a blank title cannot bear the run's mark"),
        ],
    )
    def test_what_could_reach_somebody_is_left_out(
        self, fields: dict[str, Any], reason: str, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        mock.create(**fields)
        vendor = sandbox()
        measured = replayed(vendor)
        (found,) = measured.left_out
        assert found.startswith(reason)
        assert {each["request"]["method"] for each in requests_of(vendor)} == {"GET"}

    def test_one_contact_may_be_linked(self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]) -> None:
        mock.create(aiContactId=OTHER_CONTACT)
        vendor = sandbox()
        measured = replayed(vendor, "--contact", CONTACT)
        assert measured.differences == []
        (sent,) = [each for each in requests_of(vendor) if each["operation"] == "createTask"]
        assert sent["request"]["json"]["aiContactId"] == CONTACT

    @pytest.mark.parametrize(("stage", "methods"), [("--read-only", {"GET"}), ("--refusals", {"GET", "POST"})])
    def test_a_stage_sends_no_more_than_it_says(
        self, stage: str, methods: set[str], mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        mock.create()
        mock.create(title="")
        mock.list()
        vendor = sandbox()
        measured = replayed(vendor, stage=stage)
        assert {each["request"]["method"] for each in requests_of(vendor)} == methods
        assert measured.left_out["needs --write"] == [1]

    def test_without_a_stage_the_requests_are_printed_and_none_is_sent(
        self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        mock.create()
        mock.client.patch("/api/public/tasks")
        vendor = sandbox()
        text = replayed(vendor, stage="--plan", as_json=False).output
        assert "#1  POST /api/public/tasks  --write" in text
        assert "#2  PATCH /api/public/tasks  left out, its method and path are no operation of the contract" in text
        assert [each["stage"] for each in replayed(vendor, stage="--plan").json] == ["--write", None]
        assert requests_of(vendor) == []

    def test_a_task_that_only_the_vendor_creates_is_deleted(
        self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        mock.create(aiContactId=UNKNOWN_ID)
        vendor = sandbox(assume={"unknown-contact": "accepted"})
        before = vendor.state()
        measured = replayed(vendor)
        assert [(each["mock"], each["vendor"]) for each in measured.differences] == [(404, 201)]
        assert vendor.state() == before


class TestWhatIsNoRuleOfTheVendor:
    def test_faults_preferences_limits_keys_and_strict_mode_are_left_out_and_counted(
        self, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
    ) -> None:
        control = mock.client
        control.post("/__admin/faults", json={"status": 503})
        mock.create()
        mock.client.get("/api/public/team-members/all", headers={"Prefer": "code=404"})
        control.patch("/__admin/settings", json={"strict": True})
        mock.create(colour="red")
        control.patch("/__admin/settings", json={"strict": False, "rate_limit": {"requests": 1, "seconds": 60}})
        mock.list()
        mock.list()
        control.patch("/__admin/settings", json={"rate_limit": None})
        mock.client.patch("/api/public/tasks")
        body = b'{"title": "a", "title": "b", "responsibleIds": ["%s"], "priority": "1"}' % MARIA.encode()
        mock.client.post("/api/public/tasks", content=body, headers={"content-type": "application/json"})
        mock.create(title="x" * 70_000)
        mock.client.post("/api/public/tasks", content=b"\xff{}", headers={"content-type": "application/json"})
        gzipped = {"content-type": "application/json", "content-encoding": "gzip"}
        mock.client.post("/api/public/tasks", content=gzip.compress(b"{}"), headers=gzipped)
        mock.client.get("/elsewhere")
        control.post("/__admin/faults", json={"connection": "reset"})
        with pytest.raises(httpx.TransportError):
            mock.list()
        mock.client.put("/api/public/tasks/caf%C3%A9", content=b"{", headers={"content-type": "application/json"})
        measured = replayed(sandbox())
        assert measured.left_out == {
            "a fault rule made its answer": [1],
            "a preference or a limit of the mock made its answer": [2, 5],
            "strict mode refused it": [3],
            "its method and path are no operation of the contract": [6],
            "its body repeats a key, which the journal does not show": [7],
            "the journal cut its body": [8],
            "the journal does not show its body, which is not UTF-8": [9],
            "its body was encoded": [10],
            "its path is not under the base path": [11],
            "its state is lost": [12],
        }
        assert measured.json["journal"]["compared"] == 2
        assert measured.differences == []

    def test_a_network_error_is_no_difference(self, mock: Api, replayed: Replayed) -> None:
        mock.create()
        mock.list()

        with standing_in(answering(lambda _: None)) as there:
            measured = replayed(there.url)
        assert measured.differences == []
        assert list(measured.left_out.values()) == [[1]]
        assert measured.json["lost_answers"] == ["#1 createTask"]

    @pytest.mark.parametrize("status", [500, 403])
    def test_a_vendor_in_trouble_is_no_difference(self, status: int, mock: Api, replayed: Replayed) -> None:
        mock.create()
        with standing_in(answering(lambda _: answer(status, {}))) as there:
            measured = replayed(there.url)
        assert measured.differences == []
        assert measured.left_out == {f"the vendor answered {status}": [1]}


def test_entries_that_the_journal_has_dropped_are_told(
    sandbox: Callable[..., Api], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = sandbox()
    monkeypatch.setenv("VAMBE_API_KEY", vendor.key)
    with running(journal_limit=1) as url:
        actor = Api(url, "test_default")
        with actor.client:
            actor.list()
            actor.list()
        with pytest.raises(SystemExit):
            cli.main(["conform", "--journal", "--url", url, "--target", vendor.url, "--read-only", "--pause", "0"])
    output = capsys.readouterr().out
    assert "requests of the journal that were compared: 1; answers that differ: 0" in output
    assert "the journal had dropped 1 entries: --journal-limit keeps more" in output


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (("--sandbox", "nobody-s"), "404"),
        (("--url", "http://127.0.0.1:1"), "http://127.0.0.1:1 does not answer as it should"),
        (("--map", "a=b"), "--map a=b: it must be two UUIDs, MOCK_ID=VENDOR_ID"),
        (("--budget", "1"), "the budget of 1 requests is used up"),
    ],
)
def test_what_cannot_be_replayed_is_one_line(
    options: tuple[str, ...], cause: str, mock: Api, replayed: Replayed, sandbox: Callable[..., Api]
) -> None:
    mock.create()
    measured = replayed(sandbox(), *options)
    assert measured.code == 2
    (line,) = measured.errors.splitlines()
    assert cause in line


def test_a_target_may_have_a_path_before_the_base_path(mock: Api, replayed: Replayed) -> None:
    path = f"/api/public/tasks/{UNKNOWN_ID}/x"
    assert mock.client.get(path).status_code == 404

    def reply(seen: Seen) -> bytes:
        if not seen.target.endswith(path):
            return answer(200, [])
        return answer(404, {"message": f"Cannot GET {seen.target}", "error": "Not Found", "statusCode": 404})

    with standing_in(reply) as there:
        measured = replayed(f"{there.url}/gateway")
    assert measured.differences == []
    assert measured.values["unknown-route"] == ("confirmed", None)


class TestComparing:
    """Vendors that answer a task in other ways."""

    @pytest.mark.parametrize(
        ("members", "difference"),
        [
            ({"colour": "red"}, None),
            ({"due_at": ...}, ("fields", "due_at", "there", "missing")),
            ({"is_all_day": "yes"}, ("types", "is_all_day", "a boolean", "a string")),
            ({"created_at": "2026-11-30T10:00:00Z"}, ("types", "created_at")),
            ({"created_at": "2026-11-30T10:00:00.123Z", "creator_id": UNKNOWN_ID}, None),
            ({"due_timezone": "UTC"}, ("values", "due_timezone", None, "UTC")),
            ({"priority": 2}, ("values", "priority", 1, 2)),
            ({"title": "Call the client"}, ("values", "title")),
            ({"task_responsibles": []}, ("values", "task_responsibles", [MARIA], [])),
            ({"ai_contact_id": UNKNOWN_ID}, ("values", "ai_contact_id", None, UNKNOWN_ID)),
        ],
    )
    def test_a_task_is_compared_in_grades(
        self, members: dict[str, Any], difference: tuple[Any, ...] | None, mock: Api, replayed: Replayed
    ) -> None:
        task = mock.created()

        def change(seen: Seen) -> bytes:
            if seen.method == "DELETE":
                return answer(200, {"status": "success"})
            title = json.loads(seen.body)["title"]
            return answer(201, changed({**task, "id": ids.mint("vendor", "task", 1), "title": title}, **members))

        with standing_in(answering(change)) as there:
            measured = replayed(there.url)
        found = [tuple(each[key] for key in ("grade", "path", "mock", "vendor")) for each in measured.differences]
        assert [each[: len(difference or ())] for each in found] == ([difference] if difference else [])
        assert measured.code == bool(difference)

    @pytest.mark.parametrize(
        ("body", "difference"),
        [
            ({"errors": [{"path": 7, "code": "too_small"}]}, ("values", "body.errors")),
            ({"errors": [{"path": ["title"], "code": "too_small", "message": "Other words"}]}, None),
            ({"errors": {"title": "too_small"}}, ("types", "body.errors")),
            ({"errors": ...}, ("fields", "body")),
            ({"statusCode": 401}, ("values", "body.statusCode")),
            ([], ("types", "body")),
        ],
    )
    def test_an_error_is_compared_by_its_fields_and_issues(
        self, body: Any, difference: tuple[str, str] | None, mock: Api, replayed: Replayed
    ) -> None:
        refused = mock.create(title="").json()
        refusal = answer(400, changed(refused, **body) if isinstance(body, dict) else body)
        with standing_in(answering(lambda _: refusal)) as there:
            measured = replayed(there.url)
        found = [(each["grade"], each["path"]) for each in measured.differences]
        assert found == ([difference] if difference else [])

    @pytest.mark.parametrize(
        ("listed", "difference"),
        [
            ([{"id": {}}, 7, {"id": UNKNOWN_ID}], ("values", "members")),
            ({"data": []}, ("types", "body")),
        ],
    )
    def test_a_list_is_compared_by_the_tasks_of_the_run(
        self, listed: Any, difference: tuple[str, str], mock: Api, replayed: Replayed
    ) -> None:
        task = mock.created()
        mock.list()

        def change(seen: Seen) -> bytes:
            sent = json.loads(seen.body) if seen.method == "POST" else {}
            return answer(201, {**task, "title": sent.get("title")})

        with standing_in(answering(change, listed)) as there:
            measured = replayed(there.url)
        assert [(each["entry"], each["grade"], each["path"]) for each in measured.differences] == [(2, *difference)]

    def test_the_order_of_a_list_is_that_of_the_run_s_tasks(self, mock: Api, replayed: Replayed) -> None:
        tasks = [mock.created(title=title, dueDate="2025-11-26") for title in "ab"]
        mock.list()
        titles: list[str] = []

        def change(seen: Seen) -> bytes:
            if seen.method == "POST":
                titles.append(json.loads(seen.body)["title"])
            return answer(201, {**tasks[len(titles) - 1], "title": titles[-1]})

        with standing_in(answering(change, [*reversed(tasks)])) as there:
            measured = replayed(there.url)
        assert [(each["grade"], each["path"]) for each in measured.differences] == [("order", "members")]
        assert measured.values["list-order"] == ("refuted", None)

    def test_two_rules_about_one_field_are_left_open(self, mock: Api, replayed: Replayed) -> None:
        task = mock.created(dueDate="2025-09-07", dueTime="00:30", timezone="America/Santiago")  # a skipped time

        def change(seen: Seen) -> bytes:
            sent = json.loads(seen.body) if seen.method == "POST" else {}
            return answer(201, {**task, "title": sent.get("title"), "due_at": "2025-09-07T03:30:00.000Z"})

        with standing_in(answering(change)) as there:
            measured = replayed(there.url)
        assert [each["path"] for each in measured.differences] == ["due_at"]
        for rule, other in (
            ("due-gap-and-fold", "due-date-and-time"),
            ("due-date-and-time", "due-gap-and-fold"),
        ):
            assert measured.json["rules"][rule]["why"] == f"{rule} or {other} may be the reason"

    def test_of_people_only_fields_and_types_are_compared(self, mock: Api, replayed: Replayed) -> None:
        mock.client.get("/api/public/contacts")

        def reply(seen: Seen) -> bytes:
            secret = {"id": UNKNOWN_ID, "name": "Pedro Rojas", "phone": None, "blocked": "no"}
            return answer(200, [secret] if "/contacts" in seen.target else [])

        with standing_in(reply) as there:
            measured = replayed(there.url)
        found = {each["path"]: each["grade"] for each in measured.differences}
        assert found.pop("blocked") == "types"
        assert set(found.values()) == {"fields"}
        assert not found.keys() & {"id", "name", "phone"}
        assert "Pedro" not in measured.output


def send_as_written(mock: Api, path: str, status: int) -> None:
    """DELETE a path that no client may normalise."""
    with contextlib.closing(http.client.HTTPConnection(mock.url.removeprefix("http://"))) as connection:
        connection.request("DELETE", path, headers={"x-api-key": mock.key})
        assert connection.getresponse().status == status


def requests_of(vendor: Api) -> list[dict[str, Any]]:
    """The journal of a sandbox that stands for the vendor."""
    return vendor.client.get("/__admin/requests").json()["requests"]


def workspace() -> dict[str, Any]:
    """The state of another workspace: two users, the mock's statuses with other ids and orders, and tasks with them."""
    users = [
        {
            "id": ids.mint("replay", "user", number),
            "first_name": "U",
            "last_name": "",
            "email": "",
            "phone": "",
            "active": True,
        }
        for number in (1, 2)
    ]
    statuses = [
        {**PENDING, "id": ids.mint("replay", "status", order), "name": name, "type": kind, "order": 10 * order}
        for order, (name, kind) in enumerate(
            [("Pendiente", "initial"), ("En Progreso", "in_progress"), ("Completada", "done")], 1
        )
    ]
    tasks = [
        {
            "id": ids.mint("replay", "task", number),
            "title": "Theirs",
            "due_date": "2025-11-26",
            "created_at": "2025-01-01T00:00:00.000Z",
            "task_status_config_id": status["id"],
            "priority": 1,
            "creator_id": users[0]["id"],
            "task_responsibles": [{"responsible_id": users[0]["id"]}],
        }
        for number, status in enumerate(statuses)
    ]
    return {"users": users, "statuses": statuses, "contacts": [], "customers": [], "tasks": tasks, "notes": []}
