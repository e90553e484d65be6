"""A session that sends the requests of a journal to the vendor, and compares the answers with the mock's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mockserver.conform import probes
from mockserver.conform.comparing import MEMBERS, STATUS, Difference, differences
from mockserver.conform.journal_checks import EVERYTHING, Compared, checks_of
from mockserver.conform.journal_entries import Journal, days_of, fields_of, reason_against, stage_of, task_id_of
from mockserver.conform.journal_requests import Bindings, LeftOut
from mockserver.conform.probes import STAGES, TASK, Probe
from mockserver.conform.session import Notify, Session, is_no_answer
from mockserver.conform.verdicts import Verdict, verdicts
from mockserver.formats import ids
from mockserver.formats.json import Document
from mockserver.vendor import Answer, CouldNotCheck, Request, Stopped, Vendor

_OF_LISTS = {EVERYTHING, "due_at", "task_responsibles"}  # decide which lists have a task


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
        self._lookup = probes.BY_NAME["list"]._replace(path=f"/tasks?responsibleIds=&{days_of(journal.entries)}")
        self._behind: set[str] = set()  # the mock's ids of tasks that a request has changed which was left out
        self._bindings = Bindings(self.run, journal.state, maps, given.get("CONTACT"))

    def measure(self, stage: str) -> None:
        """Replay the requests of a stage and of those before it; raises CouldNotMeasure as `Session.measure` does."""
        allowed = STAGES[: STAGES.index(stage) + 1]
        with self._signals(), self._cleaning():
            self._look("could not measure")
            self._learn_ids()
            for entry in self.journal.entries:
                self._raise_held()
                needed = reason_against(entry)
                if needed is None and stage_of(entry) not in allowed:
                    needed = f"needs --{stage_of(entry)}"
                needed = needed or self.stopped
                if needed or (needed := self._replay(entry)):
                    self.left_out.setdefault(needed, []).append(entry["id"])
                    self._fall_behind(entry)

    @property
    def differs(self) -> bool:
        """True when an answer differs."""
        return any(each.differences for each in self.compared)

    def verdicts(self) -> dict[str, Verdict]:
        """The verdict about each rule that the journal depends on."""
        checks = [check for each in self.compared for check in checks_of(each)]
        return verdicts({each.name: each.answer for each in self.compared}, {}, checks)

    def _learn_ids(self) -> None:
        """Learn the vendor's users and statuses."""
        users = (str(each.get("id")) for each in _objects(self.seen["team"].json))
        sent = (entry["request"] for entry in self.journal.entries)
        self._bindings.bind_users(sent, filter(ids.is_id, users))
        if "list" in self.seen:
            self._bindings.see_statuses(_objects(self.seen["list"].json))

    def _replay(self, entry: Document) -> str:
        """Send a request and compare its answer; return the reason when that cannot be done, else nothing."""
        try:
            request = self._bindings.request(entry)
            keeps = TASK if entry["response"]["status"] < 400 else ""
            name = f"#{entry['id']} {entry['operation']}"
            probe = Probe(name, stage_of(entry), request.method, request.path, keeps=keeps)
            answer = self._send(probe, request)
        except Stopped as error:
            self.stopped = str(error)
            return self.stopped
        except (LeftOut, CouldNotCheck) as error:
            return str(error)
        if is_no_answer(answer) or answer.status in (401, 403):
            return f"the vendor answered {answer.status}"
        if self._names_unknown_status(entry, answer):
            return "it names a status of the mock that the vendor does not have"
        self._bind(entry, answer)
        self._compare(probe, entry, request, answer)
        return ""

    def _names_unknown_status(self, entry: Document, answer: Answer) -> bool:
        meant = self._bindings.status_meant(fields_of(entry), "newStatusName")
        return meant is not None and meant not in self._bindings.statuses and answer.status == 404

    def _bind(self, entry: Document, answer: Answer) -> None:
        """Learn the ids in the answer, before it is compared."""
        if answer.status >= 400:
            return
        mock, found = entry["response"].get("json"), answer.json
        tasks = _objects(found) if entry["operation"] == "listTasks" else _objects([found])
        self._bindings.see_statuses(tasks)
        if entry["operation"] == "deleteTask":
            if (id := self._bindings.tasks.get(task_id_of(entry))) in self._own and self._is_gone(id, answer):
                self._own.remove(id)
        elif entry["operation"] in ("createTask", "updateTask") and isinstance(mock, dict) and isinstance(found, dict):
            id = str(found.get("id"))
            if entry["operation"] == "createTask" and id in self._own and "id" in mock:
                self._bindings.bind_task(mock["id"], id)
                self._bindings.created_at[id] = found.get("created_at")
            if {mock.get("id")} & self._bindings.tasks.keys():
                self._bindings.bind_status(mock["task_status_config_id"], str(found.get("task_status_config_id")))

    def _compare(self, probe: Probe, entry: Document, request: Request, answer: Answer) -> None:
        found, followed = self._new_differences(entry, answer)
        sent = json.loads(request.body) if request.body and "json" in entry["request"] else {}
        own = [task for task in _objects(answer.json) if str(task.get("id")) in self._bindings.tasks.values()]
        compared = Compared(
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

    def _fall_behind(self, entry: Document) -> None:
        """Note the tasks that are not the mock's any more, as what changed them there was left out."""
        for change in entry["changes"]:
            if change["id"] in self._bindings.tasks:
                self._behind.add(change["id"])
                self._diverged.setdefault(change["id"], set()).add(EVERYTHING)

    def _new_differences(self, entry: Document, answer: Answer) -> tuple[list[Difference], set[str]]:
        """The differences that do not follow from earlier ones, and the places of those that do."""
        found: list[Difference] = []
        followed: set[str] = set()
        task = task_id_of(entry)
        for each in differences(entry, answer, self._bindings):
            before = self._diverged.get(each.task, set())
            if each.path == MEMBERS:
                before = {MEMBERS} if any(places & _OF_LISTS for places in self._diverged.values()) else set()
            if before & {each.path, EVERYTHING} or (each.path == STATUS and task in self._behind):
                followed.add(each.path)
            else:
                found.append(each)
        for each in found:
            if each.task:
                self._diverged.setdefault(each.task, set()).add(each.path)
        if task in self._bindings.tasks:
            followed |= self._diverged.get(task, set()) & {EVERYTHING}
            if any(each.path == STATUS for each in found) and max(entry["response"]["status"], answer.status) >= 400:
                self._diverged.setdefault(task, set()).add(EVERYTHING)
        return found, followed


def _objects(listed: Any) -> list[Document]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
