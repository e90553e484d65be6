"""`vambe-mock conform`: what it measures at vendors that answer as a mock does, and at those that do not."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from stand_ins import Ended, answer, in_turn, standing_in
from support import ALL_TIME, COMMAND, CONTACT, INACTIVE_USER, ROOT, UNKNOWN_ID, plain_environment, wait_until
from test_differential import application

from mockserver import cli
from mockserver.conform.positions import fitting_positions
from mockserver.conform.probes import OF_A_RUN, PROBES, STAGES, upto
from mockserver.fidelity import assumptions, contract, evidence
from mockserver.fidelity.assumptions import ASSUMPTIONS, BY_NAME
from mockserver.fidelity.evidence import Finding
from mockserver.testing import MockServer, VambeMock

KEY = "test_conform"


class Command:
    """Runs `vambe-mock conform` in this process."""

    def __init__(self, output: pytest.CaptureFixture[str]) -> None:
        self._output = output

    def __call__(self, url: str, *arguments: object) -> Ended:
        self._output.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(["conform", "--target", url, "--pause", "0", *map(str, arguments)])
        return Ended(int(ended.value.code or 0), *self._output.readouterr())


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAMBE_API_KEY", KEY)


@pytest.fixture
def conform(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fixtures whose statuses have orders that are not their positions."""
    folder = tmp_path_factory.mktemp("fixtures")
    for file in (ROOT / "fixtures").glob("*.json"):
        shutil.copy(file, folder)
    statuses = json.loads((folder / "statuses.json").read_text(encoding="utf-8"))
    (folder / "statuses.json").write_text(json.dumps([{**each, "order": 2 * each["order"]} for each in statuses]))
    return folder


@contextlib.contextmanager
def vendor(**settings: Any) -> Iterator[MockServer]:
    """A mock in the place of the vendor."""
    server = MockServer(**settings).start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with vendor() as started:
        yield started


@pytest.fixture
def mock(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[VambeMock]:
    """A workspace of the vendor's, which the key opens."""
    with server.sandbox() as sandbox:
        monkeypatch.setenv("VAMBE_API_KEY", sandbox.api_key)
        yield sandbox


VALUES = [(each.name, value) for each in ASSUMPTIONS for value in each.values]


def values_of(measured: Ended) -> dict[str, str | None]:
    assert BY_NAME.keys() <= measured.rules.keys(), "a switch without a check in conform/checks.py"
    return {name: measured.rules[name].get("value") for name in BY_NAME}


# What is measured.


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_each_value_of_each_switch_is_found(conform: Command, fixtures: Path, name: str, value: str) -> None:
    with vendor(fixtures=fixtures, assume={name: value}) as server:
        measured = conform(server.base_url, "--write", "--inactive-user", INACTIVE_USER, "--json")
    assert values_of(measured) == {**assumptions.DEFAULTS, name: value}
    refuted = [each for each, finding in measured.rules.items() if finding["verdict"] == "refuted"]
    assert refuted == ([name] if value != BY_NAME[name].default else [])
    assert measured.code == len(refuted)


@pytest.mark.parametrize("seed", range(3))
def test_ten_switches_at_once_are_found(conform: Command, fixtures: Path, seed: int) -> None:
    draw = random.Random(seed)
    assume = {each.name: draw.choice(list(each.values)) for each in draw.sample(ASSUMPTIONS, 10)}
    with vendor(fixtures=fixtures, assume=assume) as server:
        measured = conform(server.base_url, "--write", "--inactive-user", INACTIVE_USER, "--json")
    assert values_of(measured) == {**assumptions.DEFAULTS, **assume}


def test_every_rule_that_a_request_shows_holds_at_the_mock_within_the_budget(conform: Command, mock: VambeMock) -> None:
    extra = ("--inactive-user", INACTIVE_USER, "--contact", CONTACT)
    measured = conform(mock.base_url, "--write", "--json", *extra)
    refused = {name: each for name, each in measured.rules.items() if each["verdict"] != "confirmed"}
    assert {name: each["why"] for name, each in refused.items()} == {
        "list-order": "the list is too short to show it",
        "status-position": "what was seen fits order and index-1",
    }
    assert (measured.code, measured.json["stopped"], measured.json["not_deleted"]) == (0, None, [])
    assert measured.json["requests"] <= 60 - len(extra)
    assert set(measured.rules) | set(measured.json["not_probed"]) == {rule.name for rule in contract.RULES}


def test_an_active_user_shows_nothing_about_inactive_ones(conform: Command, mock: VambeMock) -> None:
    active = mock.users[1]["id"]
    found = conform(mock.base_url, "--write", "--inactive-user", active, "--json").rules["inactive-responsible"]
    assert (found["verdict"], found["why"]) == ("not reached", "the team has the user of --inactive-user")


def test_a_switch_is_left_open_where_several_values_fit_what_was_seen(conform: Command) -> None:
    with vendor(assume={"validation-body": "plain"}) as server:
        measured = conform(server.base_url, "--refusals", "--json")
    assert measured.rules["empty-body"] == {
        "verdict": "not reached",
        "probes": ["create-empty"],
        "why": "what was seen fits object and refused",
    }
    assert measured.rules["all-day"]["why"] == "needs --write"
    assert measured.code == 1


def test_values_that_exclude_each_other_are_a_contradiction(conform: Command, mock: VambeMock) -> None:
    plain = {"message": "Validation failed", "error": "Bad Request", "statusCode": 400}
    mock.fail("createTask", status=400, body=plain, json={"title": ""}, times=None)
    found = conform(mock.base_url, "--refusals", "--json")
    assert found.rules["validation-body"] == {
        "verdict": "contradictory",
        "probes": ["list-invalid", "create-invalid"],
        "why": "list-invalid: zod; create-invalid: plain",
    }
    assert found.code == 1


def test_an_answer_that_fits_no_value_of_a_switch_refutes_it_without_one(conform: Command, mock: VambeMock) -> None:
    mock.fault({"match": {"operation": "createTask"}, "when": "after", "status": 203, "times": None})
    found = conform(mock.base_url, "--write", "--json")
    assert found.rules["create-status"] == {
        "verdict": "refuted",
        "probes": ["create"],
        "why": "none of its values fits what was seen",
    }
    assert mock.tasks == []


def test_what_the_key_may_not_do_or_the_vendor_fails_at_is_no_difference(conform: Command, mock: VambeMock) -> None:
    mock.fail("listContacts", status=403, times=None)
    mock.fail("searchContacts", status=500, times=1)
    found = conform(mock.base_url, "--read-only", "--json")
    assert found.rules["contacts-days"]["why"] == "contacts was answered 403"
    assert found.rules["search-terms"]["why"] == "search-for-nothing was answered 500"
    assert found.code == 0


@pytest.mark.parametrize(
    ("tried", "known", "fits"),
    [
        ({0: None, 1: 1, 2: 2}, {1}, {"order", "index-1"}),
        ({0: None, 1: None, 2: 2}, {2}, {"order"}),
        ({0: 2, 1: 4, 2: 6}, {2}, {"index-0"}),
        ({0: None, 1: 2, 2: 4}, {2}, {"index-1"}),
        ({0: 0, 1: 1, 2: 2}, {0}, {"order", "index-0"}),
        ({0: None, 1: None, 2: None, 10: 10}, {10}, {"order"}),
        ({0: None, 1: 4, 2: 6}, {2, 4}, set()),
        ({0: 6, 1: 4, 2: 2}, {2}, set()),
        ({0: None, 1: 1, 2: None}, {1}, {"order", "index-1"}),
        ({0: None, 1: 1, 2: None}, {1, 5}, {"order"}),
        ({0: 1, 1: 3, 2: 5}, {1, 2}, set()),
    ],
)
def test_the_meanings_of_a_position_that_fit(
    tried: dict[float, float | None], known: set[float], fits: set[str]
) -> None:
    assert fitting_positions(tried, known) == fits


def test_the_vendor_s_stack_is_measured_as_it_is_declared(conform: Command, mock: VambeMock, tmp_path: Path) -> None:
    with application(json.dumps(mock.state)) as url, pytest.MonkeyPatch.context() as environment:
        environment.setenv("VAMBE_API_KEY", "vambe_carlos_key")
        measured = [conform(url, "--write", "--inactive-user", INACTIVE_USER, "--json").json for _ in range(2)]
        left = httpx.get(f"{url}/api/public/tasks", params=ALL_TIME, headers={"x-api-key": "vambe_carlos_key"})
    assert left.json() == []
    first, second = (each["rules"] for each in measured)
    assert first == second
    refuted = {name: each.get("value") for name, each in first.items() if each["verdict"] == "refuted"}
    assert refuted == {
        "uuid": None,
        "due-date-offset": "refused",
        "responsible-repeats": None,
        "all-day": "utc-midnight",
        "due-date-and-time": None,
        "due-date-time-and-time": None,
        "list-repeated-ids": None,
        "comma-list": "refused",
    }
    assert {each["why"] for each in first.values() if each["verdict"] == "contradictory"} == set()


def test_a_page_in_place_of_json_shows_nothing(conform: Command) -> None:
    page = answer(200, b"<html>", content_type="text/html")
    with standing_in(in_turn(answer(200, [{"id": UNKNOWN_ID}]), page)) as there:
        found = conform(there.url, "--read-only", "--json")
    assert found.rules["path-matching"]["why"] == "trailing-slash was answered 200, but not with JSON"
    assert found.rules["list-dates"]["verdict"] == "not reached"


# What is sent.


def test_without_a_stage_nothing_is_sent_and_every_request_is_printed(conform: Command) -> None:
    with standing_in(in_turn(answer(200))) as there:
        for arguments in ((), ("--plan",)):
            printed = conform(there.url, *arguments).output
            assert all(f"\n  {each.name}: {each.shown}\n" in printed for each in PROBES)
            assert [printed.index(f"\n--{stage}: ") for stage in STAGES] == sorted(
                printed.index(f"\n--{stage}: ") for stage in STAGES
            )
        plan = conform(there.url, "--json").json
    assert there.seen == []
    assert [each["name"] for each in plan] == [each.name for each in PROBES]
    assert all(each["settles"] for each in plan)


def test_a_stage_sends_its_requests_and_those_of_the_stages_before_it(conform: Command, mock: VambeMock) -> None:
    methods = []
    for stage in STAGES:
        mock.reset(only=["journal"])
        conform(mock.base_url, f"--{stage}")
        methods.append([entry["request"]["method"] for entry in mock.requests()])
    assert set(methods[0]) == {"GET", "HEAD"}
    assert methods[1][: len(methods[0])] == methods[0]
    assert methods[2][: len(methods[1])] == methods[1]


def test_only_tasks_of_the_run_are_touched_and_no_contact_is_linked_unless_one_is_named(
    conform: Command, mock: VambeMock
) -> None:
    other = mock.add_task(title="Call the client")
    conform(mock.base_url, "--write")
    assert [task["id"] for task in mock.tasks] == [other["id"]]
    changes = [change for entry in mock.requests() for change in entry["changes"]]
    made = {change["id"] for change in changes if change["before"] is None}
    assert len(made) == 1
    assert {change["id"] for change in changes if change["resource"] == "task"} == made
    assert {change["resource"] for change in changes} == {"task"}
    titles = {change["after"]["title"] for change in changes if change["after"]}
    assert all(OF_A_RUN.match(title) for title in titles)
    mock.reset()
    conform(mock.base_url, "--write", "--contact", CONTACT)
    changes = [change for entry in mock.requests() for change in entry["changes"]]
    assert [change["resource"] for change in changes].count("note") == 2
    assert (mock.tasks, mock.notes) == ([], [])


def test_what_a_refusal_creates_by_a_wrong_guess_is_deleted_at_once(conform: Command, mock: VambeMock) -> None:
    mock.configure(assume={"unknown-contact": "accepted"})
    found = conform(mock.base_url, "--refusals", "--json")
    assert found.rules["unknown-contact"]["value"] == "accepted"
    assert [entry["operation"] for entry in mock.requests()][-2:] == ["createTask", "deleteTask"]
    assert mock.tasks == []
    assert found.errors == (
        "If the vendor accepts a request that the mock refuses, it may create a task, which is deleted.\n"
    )


@pytest.mark.parametrize("budget", [1, 20, 30, 40, 52])
def test_a_budget_ends_the_run_and_leaves_enough_to_clean_up(conform: Command, mock: VambeMock, budget: int) -> None:
    mock.configure(assume={"unknown-contact": "accepted"})
    found = conform(mock.base_url, "--write", "--budget", budget)
    assert (found.code, found.errors.splitlines()[-1]) == (
        2,
        f"vambe-mock: not everything was measured: the budget of {budget} requests is used up",
    )
    assert mock.tasks == []
    assert len(mock.requests()) <= budget


def test_the_key_is_read_from_the_variable_that_is_named_and_shown_nowhere(
    conform: Command, mock: VambeMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = "vambe_carlos_key"
    monkeypatch.setenv("OTHER_KEY", secret)
    monkeypatch.setenv("VAMBE_API_KEY", "wrong")
    file = tmp_path / "evidence.json"
    for arguments in ((), ("--json",)):
        shown = conform(mock.base_url, "--write", "--key-env", "OTHER_KEY", "--evidence", file, *arguments)
        assert shown.code == 0
        assert secret not in shown.output + shown.errors + file.read_text(encoding="utf-8")


# Evidence.


@pytest.mark.parametrize("name", ["folder", "device", "a" * 300])
def test_nothing_is_sent_when_the_evidence_cannot_be_written(
    conform: Command, mock: VambeMock, tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/null")
    found = conform(mock.base_url, "--write", "--evidence", tmp_path / name)
    assert (found.code, found.output, mock.requests()) == (2, "", [])
    assert found.errors.startswith(f"vambe-mock: --evidence {tmp_path / name}: ")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["device", "folder"]


def test_a_link_to_a_file_of_evidence_stays_one(conform: Command, mock: VambeMock, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    conform(mock.base_url, "--read-only", "--evidence", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert f"http://{evidence.read(tmp_path / 'file').host}" == mock.base_url


def test_the_same_vendor_twice_gives_the_same_evidence_but_for_its_date_and_nothing_of_anybody(
    conform: Command, mock: VambeMock, tmp_path: Path
) -> None:
    texts = []
    for name in ("one.json", "two.json"):
        conform(mock.base_url, "--write", "--evidence", tmp_path / name)
        found = evidence.read(tmp_path / name)
        assert f"http://{found.host}" == mock.base_url
        texts.append((tmp_path / name).read_text(encoding="utf-8").replace(found.measured_at, ""))
    assert texts[0] == texts[1]
    assert [path.name for path in tmp_path.iterdir()] == ["one.json", "two.json"]
    people = [text for each in (*mock.users, *mock.contacts) for text in each.values() if isinstance(text, str)]
    assert not [text for text in people if f'"{text}"' in texts[0]]
    assert found.rules["create-status"] == Finding("confirmed", "201", ("create",))


def test_the_report_for_people_says_what_was_learned_what_to_set_and_what_is_open(conform: Command) -> None:
    with vendor(assume={"list-priority": "word", "create-status": "200"}) as server:
        lines = conform(server.base_url, "--write").output.splitlines()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+ was measured with \d+ requests\.", lines[0])
    assert "list-priority         word           refuted      create, list-own" in lines
    assert "inactive-responsible  -              not reached  needs --inactive-user" in lines
    assert any(line.startswith("left open, no request shows it (") for line in lines)
    assert lines[-1] == "to set: --assume create-status=200 --assume list-priority=word"


# Vendors that cannot be measured.

OF_NO_USE = {
    "500": (answer(500, b"oops"), "answers 500 to GET /api/public/team-members/all"),
    "429": (answer(429, retry_after="0"), "answers 429, also after 3 repetitions"),
    "401": (answer(401, {"message": "Invalid API key"}), "answers 401: it refuses the key"),
    "403": (answer(403, {}), "answers 403 to GET /api/public/team-members/all"),
    "404": (answer(404, {}), "answers 404 to GET /api/public/team-members/all"),
    "HTML": (answer(200, b"<html>", content_type="text/html"), "answers 200, without a list in JSON, to GET"),
    "redirect": (
        answer(301, location="https://elsewhere.example/"),
        "answers 301: redirects are not followed, give the target they lead to",
    ),
    "nothing": (None, "it closed the connection without an answer"),
    "half": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[", "it sent half an answer"),
}


@pytest.mark.parametrize("name", OF_NO_USE)
def test_what_cannot_be_measured_is_one_line_and_the_exit_code_2(conform: Command, tmp_path: Path, name: str) -> None:
    sent, message = OF_NO_USE[name]
    with standing_in(in_turn(sent), keeps=name != "half") as there:
        found = conform(there.url, "--write", "--evidence", tmp_path / "evidence.json")
    assert (found.code, found.output, list(tmp_path.iterdir())) == (2, "", [])
    assert found.errors.startswith("vambe-mock: could not measure: ")
    assert message in found.errors
    assert len(found.errors.splitlines()) == 1
    assert {each.method for each in there.seen} == {"GET"}


ODD: tuple[Any, ...] = (
    7,
    [],
    [[]],
    [{"id": {}, "title": [], "due_at": {}, "status_config": 7, "last_message_at": 7}] * 2,
    {"id": "../users/1", "title": {}, "status_config": {"order": []}, "task_responsibles": 7},
    {"id": UNKNOWN_ID, "errors": [{"path": 7}], "message": [None], "statusCode": {}, "priority": {}, "due_at": []},
    {"statusCode": 400, "message": "Validation failed", "errors": 7},
    {"message": [7], "error": {}, "statusCode": 400},
)


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize("body", ODD, ids=str)
def test_json_of_any_form_breaks_no_run(conform: Command, status: int, body: Any) -> None:
    """Only the first request is answered as the API does."""
    team = answer(200, [{"id": UNKNOWN_ID}, {"id": 7}, 7])
    with standing_in(in_turn(team, answer(status, body))) as there:
        found = conform(there.url, "--write", "--json")
    assert found.code == 1
    assert set(found.json["rules"]) > set(BY_NAME)
    assert all("../" not in each.target for each in there.seen)
    deleted = {each.target for each in there.seen if each.method == "DELETE"}
    assert all(target == f"/api/public/tasks/{target[-36:]}" for target in deleted)


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (("--target", "api.vambe.me", "--write"), {"VAMBE_API_KEY": "x"}, "--target api.vambe.me: it must be a URL"),
        (
            ("--target", "http://localhost:1?key=x", "--write"),
            {"VAMBE_API_KEY": "x"},
            "--target http://localhost:1: it may have",
        ),
        (("--write",), {"VAMBE_API_KEY": "x"}, "--target is missing"),
        (("--target", "http://localhost:1", "--write"), {}, "the variable VAMBE_API_KEY is not set"),
        (
            ("--target", "http://localhost:1", "--write", "--key-env", "the_key_itself"),
            {},
            "the variable that --key-env names is not set",
        ),
        (("--target", "http://localhost:1", "--write"), {"VAMBE_API_KEY": "a b"}, "the key is empty, or has"),
        (
            ("--target", "http://localhost:1", "--write", "--contact", "x"),
            {"VAMBE_API_KEY": "x"},
            "--contact x: it is not a UUID",
        ),
        (
            ("--target", "http://localhost:1", "--write", "--evidence", "/no/folder/file"),
            {"VAMBE_API_KEY": "x"},
            "--evidence /no/folder/file: No such file or directory",
        ),
    ],
)
def test_a_wrong_call_is_refused_with_the_way_out(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    message: str,
) -> None:
    monkeypatch.delenv("VAMBE_API_KEY", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        cli.main(["conform", *arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"vambe-mock: {message}")


# Cleaning up.


def test_a_vendor_that_breaks_down_is_left_alone_after_the_third_failure_but_for_cleaning_up(
    conform: Command, mock: VambeMock
) -> None:
    mock.fail("updateTask", status=502, skip=1, times=None)
    found = conform(mock.base_url, "--write")
    assert found.code == 2
    assert found.errors.endswith("answers 502; stopped after 3 failures\n")
    assert mock.tasks == []
    assert mock.requests()[-1]["operation"] == "deleteTask"


def test_a_task_that_cannot_be_deleted_is_listed_with_its_id(conform: Command, mock: VambeMock) -> None:
    mock.fail("deleteTask", status=500, skip=1, times=None)
    found = conform(mock.base_url, "--write", "--json")
    (task,) = mock.tasks
    assert [each["id"] for each in found.json["not_deleted"]] == [task["id"]]
    assert f"vambe-mock: task {task['id']} was not deleted: its deletion is answered 500\n" in found.errors
    assert f"NOT DELETED: task {task['id']}" not in found.output


@pytest.mark.parametrize(
    ("deletion", "why"),
    [
        (answer(200, b"<html>"), "its deletion is answered 200, but not with JSON"),
        (answer(404, {"message": "Cannot DELETE"}), "its deletion is answered 404"),
    ],
)
def test_a_task_is_deleted_only_when_the_answer_says_so(conform: Command, deletion: bytes, why: str) -> None:
    answers = {"GET": answer(200, [{"id": UNKNOWN_ID}]), "POST": answer(201, {"id": CONTACT}), "DELETE": deletion}
    with standing_in(lambda seen: answers.get(seen.method, answer(400, {}))) as there:
        found = conform(there.url, "--write", "--json")
    assert {"id": CONTACT, "why": why} in found.json["not_deleted"]


def test_a_deletion_whose_answer_was_lost_is_done_when_the_task_is_not_found(conform: Command, mock: VambeMock) -> None:
    mock.drop("deleteTask", when="after", skip=1)
    found = conform(mock.base_url, "--write", "--json")
    assert found.json["not_deleted"] == mock.tasks == []


def test_a_key_that_is_refused_in_the_middle_is_one_line_and_the_exit_code_2(conform: Command, mock: VambeMock) -> None:
    mock.fail("updateTask", status=401, skip=5, times=None)
    found = conform(mock.base_url, "--write")
    assert found.code == 2
    assert found.errors.endswith("answers 401 to status-unknown: it refuses the key\n")
    assert mock.tasks == []


def test_a_redirect_is_no_difference(conform: Command) -> None:
    team, elsewhere = answer(200, [{"id": UNKNOWN_ID}]), answer(302, location="https://elsewhere.example/")
    with standing_in(in_turn(team, answer(401, {}), answer(401, {}), elsewhere)) as there:
        found = conform(there.url, "--write", "--json")
    assert found.rules["empty-body"]["why"] == "create-empty was answered 302"
    assert found.rules["unknown-route"]["verdict"] == "not reached"


def test_a_creation_whose_answer_is_lost_is_reported_and_its_task_found_later(
    conform: Command, mock: VambeMock
) -> None:
    mock.drop("createTask", when="after", json={"dueDate": "2030-01-15"})
    found = conform(mock.base_url, "--write")
    (task,) = mock.tasks
    assert "UNKNOWN: create had no answer with an id: a task of the run" in found.output
    again = conform(mock.base_url, "--read-only")
    assert f"left by the run {OF_A_RUN.match(task['title'])[1]}: task {task['id']}" in again.output
    deleted = conform(mock.base_url, "--delete-leftovers")
    assert deleted.output == f"deleted task {task['id']} of the run {OF_A_RUN.match(task['title'])[1]}\n"
    assert mock.tasks == []
    assert conform(mock.base_url, "--delete-leftovers").output == "no run has left a task\n"


def test_what_is_deleted_has_a_title_of_a_run_and_an_id(conform: Command) -> None:
    title = "vambe-mock conform 0123abcd: a test, may be deleted"
    tasks = [
        {"id": "../contacts/1", "title": title},
        {"id": UNKNOWN_ID, "title": f"about {title}"},
        {"id": CONTACT, "title": f" {title}"},
    ]
    with standing_in(in_turn(answer(200, []), answer(200, tasks), answer(200, {"status": "success"}))) as there:
        found = conform(there.url, "--delete-leftovers")
    assert (found.code, found.output) == (0, f"deleted task {CONTACT} of the run 0123abcd\n")
    assert [each.target for each in there.seen][2:] == [f"/api/public/tasks/{CONTACT}"]


@pytest.fixture
def held(mock: VambeMock) -> Iterator[subprocess.Popen[str]]:
    """A run whose first update waits for its answer, after its task was created."""
    mock.delay("updateTask", ms=50_000, path="/api/public/tasks/*", skip=2)
    yield from running_until_held(mock)


def running_until_held(mock: VambeMock) -> Iterator[subprocess.Popen[str]]:
    line = [*COMMAND, "conform", "--target", mock.base_url, "--write", "--pause", "0"]
    pipe, environment = subprocess.PIPE, plain_environment(VAMBE_API_KEY=mock.api_key)
    with subprocess.Popen(line, env=environment, stdout=pipe, stderr=pipe, encoding="utf-8") as process:
        try:
            wait_until(lambda: any(entry["state"] == "pending" for entry in mock.requests()) or process.poll())
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_after_cleaning_up(
    held: subprocess.Popen[str], mock: VambeMock, number: signal.Signals
) -> None:
    assert len(mock.tasks) == 1
    held.send_signal(number)
    _, errors = held.communicate(timeout=30)
    assert (held.returncode, mock.tasks) == (128 + number, [])
    assert "vambe-mock: interrupted" in errors


def test_a_signal_while_a_task_is_created_waits_for_its_id(mock: VambeMock) -> None:
    mock.delay("createTask", ms=700, json={"dueDate": "2030-01-15"})
    for process in running_until_held(mock):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 128 + signal.SIGINT
    assert mock.tasks == []
    assert mock.requests()[-1]["operation"] == "deleteTask"


def test_a_run_that_was_killed_leaves_a_task_that_a_second_run_names_and_deletes(
    held: subprocess.Popen[str], conform: Command, mock: VambeMock
) -> None:
    held.kill()
    held.wait()
    mock.clear_faults()
    (task,) = mock.tasks
    second = conform(mock.base_url, "--write")
    assert f"task {task['id']}" in second.output
    assert "delete what is left with: vambe-mock conform --delete-leftovers" in second.output
    assert [each["id"] for each in mock.tasks] == [task["id"]]
    assert conform(mock.base_url, "--delete-leftovers").code == 0
    assert mock.tasks == []


def test_a_terminal_gets_a_line_for_each_probe(mock: VambeMock) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    line = [*COMMAND, "conform", "--target", mock.base_url, "--read-only", "--pause", "0"]
    environment = plain_environment(VAMBE_API_KEY=mock.api_key)
    subprocess.run(line, env=environment, stdout=subprocess.DEVNULL, stderr=theirs, check=True, timeout=60)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the end, on Linux
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    lines = shown.decode().splitlines()
    count = len(list(upto("read-only")))
    assert len(lines) == count
    assert lines[1] == f"[2/{count}] no-key: 401  "
    assert lines[2] == f"[3/{count}] wrong-key: 401  key, unauthorized-body named"
