"""Random scripts over two sandboxes and restarts, against a model of plain dictionaries that shares no code."""

from __future__ import annotations

import contextlib
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from support import (
    CARLOS,
    CONTACT,
    CUSTOMER,
    DONE,
    INACTIVE_USER,
    MARIA,
    OTHER_CONTACT,
    PENDING,
    UNKNOWN_ID,
    VALENTINA,
    Api,
    assert_error,
    running,
)

STATUSES = {
    1: PENDING,
    2: {
        "id": "93f661c0-8b73-402d-9e16-cecc3e79a63f",
        "name": "En Progreso",
        "color": "#f59e0b",
        "type": "in_progress",
        "order": 2,
    },
    3: DONE,
}

sandboxes = st.sampled_from(["a", "b"])
users = st.lists(st.sampled_from([MARIA, CARLOS, VALENTINA, CARLOS.upper()]), min_size=1, max_size=4)
days = st.sampled_from(
    ["2025-11-25", "2025-11-26", "2025-11-27", "2025-09-07", "2025-04-05", "2011-12-30", "2024-02-29"]
)
due_dates = (
    st.none()
    | days
    | st.builds(
        "{}{}".format, days, st.sampled_from(["T23:30", "T00:15:30.5Z", "T12:00:00-03:00", "T02:30:00.123456+05:45"])
    )
)
due_times = st.none() | st.sampled_from(["00:00", "00:30", "02:30", "14:30", "23:30"])
zones = st.none() | st.sampled_from(
    ["UTC", "America/Santiago", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"]
)
OPTIONAL = {
    "description": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
    "dueDate": due_dates,
    "dueTime": due_times,
    "timezone": zones,
    "aiContactId": st.sampled_from([CONTACT, OTHER_CONTACT, None]),
    "aiCustomerId": st.sampled_from([CUSTOMER, None]),
}
REQUIRED = {
    "title": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5),
    "responsibleIds": users,
    "priority": st.sampled_from(["0", "1", "2"]),
}
creations = st.fixed_dictionaries(
    REQUIRED, optional={**OPTIONAL, "statusId": st.sampled_from([PENDING["id"], DONE["id"]])}
)
moves = (
    st.just({})
    | st.fixed_dictionaries({"newStatusPosition": st.sampled_from([1, 2, 3])})
    | st.fixed_dictionaries({"newStatusName": st.sampled_from([status["name"] for status in STATUSES.values()])})
)
changes = st.builds(
    lambda fields, move: fields | move, st.fixed_dictionaries({}, optional={**REQUIRED, **OPTIONAL}), moves
)
refusals = st.sampled_from(
    [
        (400, {"title": ""}),
        (400, {"priority": 1}),
        (400, {"responsibleIds": []}),
        (400, {"dueDate": "2025-02-29"}),
        (404, {"responsibleIds": [MARIA, INACTIVE_USER]}),
        (404, {"aiContactId": CUSTOMER}),
        (404, {"aiCustomerId": UNKNOWN_ID}),
    ]
)


def _utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the zone's clocks show that time; past a gap, that time by the clock of before."""
    offsets = [(wall + timedelta(days=days)).replace(tzinfo=zone).utcoffset() or timedelta(0) for days in (-2, 2)]
    instants = sorted((wall - offset).replace(tzinfo=timezone.utc) for offset in offsets)
    shown = [instant for instant in instants if instant.astimezone(zone).replace(tzinfo=None) == wall]
    return shown[0] if shown else (wall - offsets[0]).replace(tzinfo=timezone.utc)


def _due_at(due_date: str, due_time: str | None, zone: str) -> str:
    day, _, clock = due_date.partition("T")
    if due_time is not None or not clock:
        instant = _utc(datetime.strptime(f"{day} {due_time or '00:00'}", "%Y-%m-%d %H:%M"), ZoneInfo(zone))
    else:
        # What follows the minutes differs: a fraction, an offset, both or neither.
        given = datetime.fromisoformat(due_date.replace("Z", "+00:00").replace("30.5+", "30.500+"))
        instant = _utc(given, ZoneInfo(zone)) if given.tzinfo is None else given.astimezone(timezone.utc)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03}Z"


class Model:
    """A sandbox as it should be: tasks in the order of their creation, as `/__admin/state` shows them."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.writes = 0
        self.created = 0

    def now(self) -> str:
        return f"{datetime(2025, 11, 26, 9) + timedelta(seconds=self.writes):%Y-%m-%dT%H:%M:%S}.000Z"

    def create(self, id: str, fields: dict[str, Any]) -> dict[str, Any]:
        task: dict[str, Any] = {"id": id, "created_at": self.now(), "creator_id": MARIA}
        task |= {"due_date": None, "due_time": None, "timezone": None}
        self.tasks.append(task)
        self.created += 1
        blank = {
            "description": "",
            "aiContactId": None,
            "aiCustomerId": None,
            "statusId": PENDING["id"],
            "dueDate": None,
        }
        return self.update(task, blank | fields)

    def update(self, task: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        """Change the task in place; also what a creation does, from a blank task."""
        for name, key in {"title": "title", "aiContactId": "ai_contact_id", "aiCustomerId": "ai_customer_id"}.items():
            if name in fields:
                task[key] = fields[name]
        if "description" in fields:
            task["description"] = fields["description"] or ""
        if "priority" in fields:
            task["priority"] = int(fields["priority"])
        if "responsibleIds" in fields:
            ids = dict.fromkeys(id.lower() for id in fields["responsibleIds"])
            task["task_responsibles"] = [{"responsible_id": id} for id in ids]
        for status in STATUSES.values():
            named = (fields.get("statusId"), fields.get("newStatusPosition"), fields.get("newStatusName"))
            if named[0] == status["id"] or named[1] == status["order"] or named[2] == status["name"]:
                task |= {"task_status_config_id": status["id"], "status_config": status}
        for name, key in {"dueDate": "due_date", "dueTime": "due_time", "timezone": "timezone"}.items():
            if name in fields:
                task[key] = fields[name]
        if task["due_date"] is None:
            task |= {"due_time": None, "timezone": None, "due_at": None, "due_timezone": None, "is_all_day": True}
        else:
            zone = task["timezone"] or "UTC"
            task["due_at"] = _due_at(task["due_date"], task["due_time"], zone)
            task |= {"due_timezone": zone, "is_all_day": task["due_time"] is None}
        self.writes += 1
        return task

    def delete(self, task: dict[str, Any]) -> None:
        self.tasks.remove(task)
        self.writes += 1

    def listed(self, responsibles: list[str], first: str, last: str, undated: bool) -> list[dict[str, Any]]:
        def wanted(task: dict[str, Any]) -> bool:
            assigned = {each["responsible_id"] for each in task["task_responsibles"]}
            in_time = undated if task["due_at"] is None else first <= task["due_at"][:10] <= last
            return in_time and (not responsibles or not assigned.isdisjoint(responsibles))

        found = [task for task in self.tasks if wanted(task)]
        return sorted(found, key=lambda task: task["due_at"] or "9999-12-32")  # stable: then by creation

    def notes(self) -> set[tuple[str, str]]:
        return {(task["id"], task["ai_contact_id"]) for task in self.tasks if task["ai_contact_id"]}


def _shown(task: dict[str, Any]) -> dict[str, Any]:
    """A task of the model as the imitated API shows it: without the parts of the due date."""
    return {key: value for key, value in task.items() if key not in ("due_date", "due_time", "timezone")}


class Tasks(RuleBasedStateMachine):
    """Both sandboxes on one server, whose database survives its restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.models = {"a": Model(), "b": Model()}
        self.minted: list[str] = []
        self.restarts = 0
        self.folder = tempfile.TemporaryDirectory()
        self._open()

    @initialize(fields=st.lists(creations, min_size=2, max_size=4))
    def begin_with_some_tasks(self, fields: list[dict[str, Any]]) -> None:
        for each in fields:
            self.create("a", each)
            self.create("b", each)

    def _open(self) -> None:
        self.server = contextlib.ExitStack()
        url = self.server.enter_context(running(database=Path(self.folder.name) / "world.db"))
        self.apis = {name: Api(url, f"test_{name}") for name in self.models}
        for api in self.apis.values():
            self.server.enter_context(api.client)

    def teardown(self) -> None:
        for sandbox in self.models:
            self.show_the_state(sandbox)
        self.server.close()
        self.folder.cleanup()

    def _pick(self, sandbox: str, number: int) -> dict[str, Any]:
        tasks = self.models[sandbox].tasks
        return tasks[number % len(tasks)]

    @rule(sandbox=sandboxes, fields=creations)
    def create(self, sandbox: str, fields: dict[str, Any]) -> None:
        model = self.models[sandbox]
        task = self.apis[sandbox].created(**fields)
        if model.created == len(self.minted):
            assert task["id"] not in self.minted
            self.minted.append(task["id"])
        assert task["id"] == self.minted[model.created], "both sandboxes mint the same ids"
        assert task == _shown(model.create(task["id"], fields))

    @rule(sandbox=sandboxes, updates=st.lists(st.tuples(st.integers(0, 9), changes), min_size=1, max_size=6))
    def update_some(self, sandbox: str, updates: list[tuple[int, dict[str, Any]]]) -> None:
        model = self.models[sandbox]
        for number, fields in updates if model.tasks else ():
            task = self._pick(sandbox, number)
            assert self.apis[sandbox].updated(task["id"], **fields) == _shown(model.update(task, fields))

    @rule(sandbox=sandboxes, number=st.integers(0, 9))
    def delete(self, sandbox: str, number: int) -> None:
        if self.models[sandbox].tasks:
            task = self._pick(sandbox, number)
            response = self.apis[sandbox].delete(task["id"])
            assert (response.status_code, response.json()) == (200, {"status": "success"})
            self.models[sandbox].delete(task)

    @rule(sandbox=sandboxes, number=st.integers(0, 20))
    def use_an_id_that_is_not_there(self, sandbox: str, number: int) -> None:
        """One that was deleted, that only the other sandbox has, or that nobody ever had."""
        there = {task["id"] for task in self.models[sandbox].tasks}
        absent = [UNKNOWN_ID, *(id for id in self.minted if id not in there)]
        id = absent[number % len(absent)]
        first = assert_error(self.apis[sandbox].delete(id), 404)
        assert assert_error(self.apis[sandbox].update(id, title="x"), 404) == first

    @rule(sandbox=sandboxes, number=st.integers(0, 9), refusal=refusals)
    def be_refused(self, sandbox: str, number: int, refusal: tuple[int, dict[str, Any]]) -> None:
        status, fields = refusal
        assert_error(self.apis[sandbox].create(**fields), status)
        if self.models[sandbox].tasks:
            task = self._pick(sandbox, number)
            assert_error(self.apis[sandbox].update(task["id"], **({"description": "half"} | fields)), status)

    @rule(
        sandbox=sandboxes,
        responsibles=st.lists(st.sampled_from([MARIA, CARLOS, VALENTINA, UNKNOWN_ID]), max_size=2, unique=True),
        span=st.lists(
            st.sampled_from(["0001-01-01", "2025-11-25", "2025-11-26", "2025-11-27", "9999-12-31"]),
            min_size=2,
            max_size=2,
        ),
        commas=st.booleans(),
    )
    def list_some(self, sandbox: str, responsibles: list[str], span: list[str], commas: bool) -> None:
        first, last = span
        for undated in (True, False):
            listed = self.apis[sandbox].listed(
                responsibleIds=",".join(responsibles) if commas or not responsibles else responsibles,
                fromDate=first,
                toDate=last,
                includeTasksWithoutDates=str(undated).lower(),
            )
            assert listed == [_shown(task) for task in self.models[sandbox].listed(responsibles, first, last, undated)]

    @rule(sandbox=sandboxes)
    def show_the_state(self, sandbox: str) -> None:
        model = self.models[sandbox]
        self.apis[sandbox].listed()  # opens the sandbox, when nothing else has
        state = self.apis[sandbox].state()
        assert state["tasks"] == model.tasks
        assert {(note["task_id"], note["contact_id"]) for note in state["notes"]} == model.notes()
        assert len(state["notes"]) == len(model.notes())

    @precondition(lambda self: self.restarts < 2)  # it takes longer than all else together
    @rule()
    def restart(self) -> None:
        self.restarts += 1
        self.server.close()
        self._open()


def _run(**options: Any) -> None:
    # A step sends requests and a restart opens a database: slow by hypothesis's measure.
    slow = [HealthCheck.too_slow]
    run_state_machine_as_test(
        Tasks, settings=settings(deadline=None, database=None, suppress_health_check=slow, **options)
    )


def test_two_sandboxes_behave_as_the_model_says() -> None:
    # Fails at once, with the script as it was found: making it small takes minutes, which the slow test does.
    _run(max_examples=15, stateful_step_count=30, derandomize=True, phases=[Phase.generate])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_two_sandboxes_behave_as_the_model_says_for_long(part: int) -> None:
    """2,000 scripts of 100 steps, in parts that can be run side by side: each draws scripts of its own."""
    _run(max_examples=500, stateful_step_count=100)
