"""A session that sends the vendor what a test suite sent to the mock, from the journal, and compares the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from mockserver.client.client import Client
from mockserver.conform import probes
from mockserver.conform.comparing import MEMBERS, STATUS, Difference, differences
from mockserver.conform.journal_judges import EVERYTHING, Compared, judgements_of
from mockserver.conform.probes import BASE_PATH, READ_ONLY, REFUSALS, STAGES, TASK, WRITE, Probe
from mockserver.conform.rebinding import Bindings, LeftOut
from mockserver.conform.session import GONE, CouldNotMeasure, Notify, Session
from mockserver.conform.vendor import Answer, CouldNotCheck, Request, Stopped, Vendor
from mockserver.conform.verdicts import Verdict, verdicts
from mockserver.formats import dates, ids
from mockserver.formats.json import Document

_SAFE = ("GET", "HEAD")
_OF_LISTS = {EVERYTHING, "due_at", "task_responsibles"}  # decide which lists have a task
_DAY, _FAR = timedelta(1), timedelta(180)
_SOME_DAY = date(2030, 1, 15)  # of the probes


class Journal(NamedTuple):
    """The journal of a sandbox, oldest entry first, the number of entries that it dropped, and the sandbox's state."""

    entries: list[Document]
    dropped: int
    state: Document


def read_journal(client: Client) -> Journal:
    """Read the journal of a client's sandbox; raises CallFailed."""
    listed = client.call("GET", "/requests")
    return Journal(listed["requests"], listed["dropped"], client.call("GET", "/state"))


def stage_of(entry: Document) -> str:
    """The stage in which an entry's request is sent."""
    if entry["request"]["method"] in _SAFE:
        return READ_ONLY
    return REFUSALS if entry["response"]["status"] >= 400 else WRITE


def reason_against(entry: Document) -> str | None:
    """The reason why an entry says nothing about the vendor, or must not be sent; None if there is none."""
    decision, request = entry["decision"], entry["request"]
    if entry["state"] != "answered":
        return f"its state is {entry['state']}"
    if entry["fault"]:
        return "a fault rule made its answer"
    if decision is None or "mock" in (decision["evidence"], decision["body"]["evidence"]):
        return "a preference or a limit of the mock made its answer"
    if decision["rule"] == "strict-mode":
        return "strict mode refused it"
    if request["method"] not in _SAFE and not entry["operation"]:
        return "its method and path are no operation of the contract"
    if not request["path"].lower().startswith(BASE_PATH):
        return "its path is not under the base path"
    if "content-encoding" in request["headers"]:
        return "its body was encoded"
    return "its body repeats a key, which the journal does not show" if "repeated-keys" in entry["inferred"] else None


class Replay(Session):
    """A session whose probes are the requests of a journal.

    `maps` are the vendor's ids for users, statuses and customers of the sandbox. Afterwards `compared` has the requests
    that were sent, and `left_out` the ids of the entries that were not, by the reasons.
    """

    def __init__(
        self, vendor: Vendor, given: dict[str, str], notify: Notify, journal: Journal, maps: Mapping[str, str]
    ) -> None:
        super().__init__(vendor, given, notify)
        self.journal = journal
        self.compared: list[Compared] = []
        self.left_out: dict[str, list[int]] = {}
        self._diverged: dict[str, set[str]] = {}  # places in which tasks differ, by the mock's ids
        self.looks = probes.BY_NAME["list"]._replace(path=f"/tasks?responsibleIds=&{_span(journal.entries)}")
        self._bindings = Bindings(self.run, journal.state, maps, given.get("CONTACT"))

    def measure(self, stage: str) -> None:
        """Replay the requests of a stage and of those before it; raises CouldNotMeasure as `Session.measure` does."""
        allowed = STAGES[: STAGES.index(stage) + 1]
        with self._signals(), self._cleaning():
            self._look()
            for entry in self.journal.entries:
                self._raise_held()
                needed = reason_against(entry)
                if needed is None and stage_of(entry) not in allowed:
                    needed = f"needs --{stage_of(entry)}"
                needed = needed or self.stopped
                if needed or (needed := self._replay(entry)):
                    self.left_out.setdefault(needed, []).append(entry["id"])

    @property
    def differs(self) -> bool:
        """True when an answer differs."""
        return any(each.differences for each in self.compared)

    def verdicts(self) -> dict[str, Verdict]:
        """The verdict about each rule that the journal depends on."""
        judgements = [judgement for each in self.compared for judgement in judgements_of(each)]
        return verdicts({each.name: each.answer for each in self.compared}, {}, judgements)

    def _look(self) -> None:
        """Learn the vendor's users and statuses."""
        try:
            self._try(probes.BY_NAME["team"])
            self._try(self.looks)
        except Stopped as error:
            raise CouldNotMeasure(f"could not measure: {error}") from None
        users = (str(each.get("id")) for each in _objects(self.seen["team"].json))
        sent = (entry["request"] for entry in self.journal.entries)
        self._bindings.bind_users(sent, filter(ids.is_id, users))
        if "list" in self.seen:
            self._bindings.see_statuses(_objects(self.seen["list"].json))

    def _replay(self, entry: Document) -> str:
        """Send a request and compare its answer; return the reason when that cannot be done, else nothing."""
        name = f"#{entry['id']}"
        try:
            request = self._bindings.request(entry)
            keeps = TASK if entry["response"]["status"] < 400 else ""
            probe = Probe(f"{name} {entry['operation']}", stage_of(entry), request.method, request.path, keeps=keeps)
            answer = self._send(probe, request)
        except Stopped as error:
            self.stopped = str(error)
            return self.stopped
        except (LeftOut, CouldNotCheck) as error:
            return str(error)
        if answer.status >= 500 or answer.status in (401, 403):
            return f"the vendor answered {answer.status}"
        if self._names_unknown_status(entry, answer):
            return "it names a status of the mock that the vendor does not have"
        self._bind(entry, answer)
        self._compare(probe, entry, request, answer)
        return ""

    def _names_unknown_status(self, entry: Document, answer: Answer) -> bool:
        body = entry["request"].get("json")
        meant = self._bindings.status_meant(body, "newStatusName") if isinstance(body, dict) else None
        return meant is not None and meant not in self._bindings.statuses and answer.status == 404

    def _bind(self, entry: Document, answer: Answer) -> None:
        """Learn the ids in the answer, before it is compared."""
        if answer.status >= 400:
            return
        mock, found = entry["response"].get("json"), answer.json
        tasks = _objects(found) if entry["operation"] == "listTasks" else _objects([found])
        self._bindings.see_statuses(tasks)
        if entry["operation"] == "deleteTask":
            own = entry["request"]["path"].rstrip("/").rpartition("/")[2].lower()
            if answer.status in GONE and (id := self._bindings.tasks.get(own)) in self._own:
                self._own.remove(id)
        elif entry["operation"] in ("createTask", "updateTask") and isinstance(mock, dict) and isinstance(found, dict):
            id = str(found.get("id"))
            if entry["operation"] == "createTask" and id in self._own and "id" in mock:
                self._bindings.bind_task(mock["id"], id)
                self._bindings.created_at[id] = found.get("created_at")
            if {mock.get("id")} & self._bindings.tasks.keys():
                self._bindings.bind_status(mock["task_status_config_id"], str(found.get("task_status_config_id")))

    def _compare(self, probe: Probe, entry: Document, request: Request, answer: Answer) -> None:
        found, followed = self._new(entry, answer)
        sent = json.loads(request.body) if request.body and "json" in entry["request"] else {}
        own = [task for task in _objects(answer.json) if str(task.get("id")) in self._bindings.tasks.values()]
        compared = Compared(
            name=probe.name.partition(" ")[0],
            entry=entry,
            answer=answer,
            differences=found,
            sent=sent if isinstance(sent, dict) else {},
            own=own,
            orders=self._bindings.orders,
            followed=followed,
        )
        self.compared.append(compared)
        self._notify(probe, answer, [f"{len(found)} differences"] if found else ["as the mock"])

    def _new(self, entry: Document, answer: Answer) -> tuple[list[Difference], set[str]]:
        """The differences that do not follow from earlier ones, and the places of those that do."""
        found: list[Difference] = []
        followed: set[str] = set()
        for each in differences(entry, answer, self._bindings):
            before = self._diverged.get(each.task, set())
            if each.path == MEMBERS:
                before = {MEMBERS} if any(places & _OF_LISTS for places in self._diverged.values()) else set()
            if before & {each.path, EVERYTHING}:
                followed.add(each.path)
            else:
                found.append(each)
        for each in found:
            if each.task:
                self._diverged.setdefault(each.task, set()).add(each.path)
        task = str(entry["request"]["path"]).rstrip("/").rpartition("/")[2].lower()
        if task in self._bindings.tasks:
            followed |= self._diverged.get(task, set()) & {EVERYTHING}
            if any(each.path == STATUS for each in found) and max(entry["response"]["status"], answer.status) >= 400:
                self._diverged.setdefault(task, set()).add(EVERYTHING)
        return found, followed


def _objects(listed: Any) -> list[Document]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _span(entries: list[Document]) -> str:
    """The days of the journal's due dates, to list also the tasks that an earlier replay of it has left.

    Days far from the others are left out, so that the list is short.
    """
    days = sorted(day for entry in entries for day in _days(entry["request"].get("json")))
    near = [day for day in days if abs(day - days[len(days) // 2]) <= _FAR] or [_SOME_DAY]
    first, last = max(near[0], date.min + _DAY) - _DAY, min(near[-1], date.max - _DAY) + _DAY
    return f"fromDate={first.isoformat()}&toDate={last.isoformat()}"


def _days(body: Any) -> Iterator[date]:
    text = body.get("dueDate") if isinstance(body, dict) else None
    if isinstance(text, str):
        try:
            yield dates.parse_date(text[:10])
        except ValueError:
            return
