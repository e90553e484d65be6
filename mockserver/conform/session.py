"""A session with the vendor: sends the probes in their order, and in the end deletes its tasks whatever happens."""

from __future__ import annotations

import contextlib
import http.client
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mockserver.api.operations import BASE_PATH
from mockserver.conform import probes
from mockserver.conform.answer_parts import order_of
from mockserver.conform.probes import PROBES, TASK, Missing, Probe
from mockserver.conform.verdicts import Verdict, settled, verdicts
from mockserver.formats import ids
from mockserver.vendor import Answer, CouldNotCheck, Request, Stopped, Vendor

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_FIRST = "team"  # the probe that shows if the API is there
_NEEDED = {
    "CONTACT": "needs --contact",
    "INACTIVE": "needs --inactive-user",
    "POSITION": "another probe tries it",
    "USER": "there is no user",
    "OTHER": "there is no user",
}

Notify = Callable[[Probe, "Answer | str", "Iterable[str]"], None]


class CouldNotMeasure(Exception):
    """Nothing can be measured there; the message says why, with the status."""


class Interrupted(BaseException):
    """A signal ended the session, which has cleaned up; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Session:
    """One run of the probes of a stage and of those before it.

    `given` are values of the probes' names that the caller has: `USER`, `CONTACT`, `INACTIVE`. `notify` is called with
    each probe, its answer or the reason for having none, and in words what it settles. Afterwards, these are filled:

    - `seen`: the answers that show something; `missing`: the reasons of the probes without one.
    - `stopped`: the reason why the session ended early, or that the key was refused.
    - `not_deleted`: the ids of its tasks that could not be deleted, with the reasons.
    - `lost_answers`: the names of creations whose answers did not come.
    - `leftovers`: the ids of tasks that earlier runs have left, with their runs.
    """

    def __init__(self, vendor: Vendor, given: dict[str, str], notify: Notify) -> None:
        self.run = ids.random_name()[:8]
        self.seen: dict[str, Answer] = {}
        self.missing: dict[str, str] = {}
        self.stopped = ""
        self.not_deleted: dict[str, str] = {}
        self.lost_answers: list[str] = []
        self.leftovers: dict[str, str] = {}
        self.vendor = vendor
        self._lookup = probes.BY_NAME["list"]  # the request that shows what earlier runs have left
        self._notify = notify
        self._names: dict[str, Any] = {"RUN": self.run, "UNKNOWN": ids.mint(self.run, "nobody", 1), **given}
        self._own: list[str] = []  # ids of tasks that this run has created
        self._unsure: set[str] = set()  # ids of those whose deletion was sent, and not answered
        self._refused = ""  # the answer that refuses the key
        self._held = 0  # the number of a signal that came
        self._raises = False  # a signal is raised at once

    def measure(self, stage: str) -> None:
        """Send the probes; raises CouldNotMeasure when the first shows that there is nothing to measure."""
        self.missing = {each.name: f"needs --{each.stage}" for each in PROBES}
        with self._signals(), self._cleaning():
            for probe in probes.upto(stage):
                self._raise_held()
                try:
                    self._try(probe)
                except Stopped as error:
                    if not self.seen:
                        raise CouldNotMeasure(f"could not measure: {error}") from None
                    self.stopped = self.missing[probe.name] = str(error)

    def verdicts(self) -> dict[str, Verdict]:
        """The verdict about each rule, from what was seen."""
        return verdicts(self.seen, self.missing)

    def delete_leftovers(self) -> None:
        """Find the tasks that earlier runs have left, and delete them; raises CouldNotMeasure when it cannot look."""
        with self._signals():
            self._look("could not look for tasks")
            if "list" not in self.seen:
                raise CouldNotMeasure(f"could not look for tasks: {self.missing['list']}")
            for id in self.leftovers:
                self._raise_held()
                self._delete(id)

    def _look(self, failure: str) -> None:
        """Read the team and the list of tasks; raises CouldNotMeasure."""
        try:
            self._try(probes.BY_NAME[_FIRST])
            self._try(self._lookup)
        except Stopped as error:
            raise CouldNotMeasure(f"{failure}: {error}") from None

    def _try(self, probe: Probe) -> None:
        """Send a probe, unless one of its names has no value, and note what became of it."""
        try:
            answer = self._send(probe, probe.request(self._names))
        except Missing as error:
            self.missing[probe.name] = _NEEDED.get(str(error)) or self._why_not_created()
            self._notify(probe, self.missing[probe.name], ())
            return
        except Stopped:
            raise
        except CouldNotCheck as error:
            self.missing[probe.name] = str(error)
            self._notify(probe, str(error), ())
            if probe.name == _FIRST:
                raise CouldNotMeasure(f"could not measure: {error}") from None
            return
        if probe.name == _FIRST:
            self._require_api(probe, answer)
        if reason := _unusable(probe, answer):
            self.missing[probe.name] = reason
        else:
            self.missing.pop(probe.name, None)
            self.seen[probe.name] = answer
            self._learn(probe, answer)
        self._notify(probe, reason or answer, settled(probe.name, self.seen))

    def _why_not_created(self) -> str:
        created = self.seen.get("create")
        return f"create was answered {created.status}, without a task" if created else self.missing["create"]

    def _send(self, probe: Probe, request: Request) -> Answer:
        """Send a request, and note if the key is refused."""
        answer = self._creating(probe, request) if probe.may_create else self._harmless(request)
        if probe.keyed and answer.status == http.client.UNAUTHORIZED:
            self._refused = f"{self.vendor.host} answers 401 to {probe.name}: it refuses the key"
        return answer

    def _harmless(self, request: Request) -> Answer:
        """Send a request that creates nothing."""
        id = _last_part(request.path) if request.method == "DELETE" else ""
        self._unsure.add(id)
        with self._interruptible():
            answer = self.vendor.send(request, kept=len(self._own))
        if answer.status < http.client.INTERNAL_SERVER_ERROR:
            self._unsure.discard(id)
        return answer

    def _creating(self, probe: Probe, request: Request) -> Answer:
        """Send a request that may create a task: note its id, or delete it if the probe does not keep it."""
        try:
            answer = self.vendor.send(request, kept=len(self._own) + 1)
        except Stopped:
            raise
        except CouldNotCheck:
            self.lost_answers.append(probe.name)
            raise
        if 200 <= answer.status < 300:
            id = str(answer.json.get("id")) if isinstance(answer.json, dict) else ""
            if not ids.is_id(id):
                self.lost_answers.append(probe.name)
            elif probe.keeps:
                self._own.append(id)
            else:
                self._delete(id)
        elif answer.status >= 500:
            self.lost_answers.append(probe.name)
        return answer

    def _learn(self, probe: Probe, answer: Answer) -> None:
        """Note what later probes need."""
        names, found = self._names, answer.json
        if probe.name == _FIRST:
            users = [each["id"] for each in found if isinstance(each, dict) and ids.is_id(each.get("id"))]
            self._names = {**dict(zip(("USER", "OTHER"), [*users, *users][:2], strict=False)), **names}
        elif probe.name == "list":
            self.leftovers = probes.leftovers(found)
        elif probe.keeps and self._own:
            names.update(TASK=self._own[-1], UPPER=self._own[-1].upper())
            if (order := order_of(answer)) not in (None, 0, 1, 2):
                names["POSITION"] = order
        elif probe.method == "DELETE" and names.get(TASK) in self._own and self._is_gone(names[TASK], answer):
            self._own.remove(names[TASK])

    def _require_api(self, probe: Probe, answer: Answer) -> None:
        """Raise CouldNotMeasure unless the answer is that of the API."""
        where = f"could not measure: {self.vendor.host} answers"
        if answer.status == 401:
            raise CouldNotMeasure(f"{where} 401: it refuses the key")
        if 300 <= answer.status < 400:
            raise CouldNotMeasure(f"{where} {answer.status}: redirects are not followed, give the target they lead to")
        if answer.status != 200 or not isinstance(answer.json, list):
            what = "" if answer.status != 200 else ", without a list in JSON,"
            raise CouldNotMeasure(f"{where} {answer.status}{what} to GET {BASE_PATH}{probe.path}")

    def _delete(self, id: str) -> None:
        """Delete a task, also after the vendor failed too often; note one that cannot be deleted."""
        try:
            request = Request("DELETE", f"{BASE_PATH}/tasks/{id}")
            answer = self.vendor.send(request, kept=len(self._own), cleaning=True)
        except CouldNotCheck as error:
            self.not_deleted[id] = str(error)
            return
        if not self._is_gone(id, answer):
            html = ", but not with JSON" if _is_no_json(answer) else ""
            self.not_deleted[id] = f"its deletion is answered {answer.status}{html}"

    def _is_gone(self, id: str, answer: Answer) -> bool:
        """Test for a task that is deleted; a 404 says so only after a deletion that was not answered."""
        if answer.status == http.client.NOT_FOUND:
            return id in self._unsure
        return answer.status in (http.client.OK, http.client.NO_CONTENT) and not _is_no_json(answer)

    @contextlib.contextmanager
    def _cleaning(self) -> Iterator[None]:
        """Delete the run's own tasks at the end of the block."""
        try:
            yield
        finally:
            while self._own:
                self._delete(self._own.pop())
            self.stopped = self.stopped or self._refused
            self._raise_held()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Hold the signals that end a process in the block until `_raise_held` or `_interruptible`."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def hold(number: int, _: object) -> None:
            self._held = number
            if self._raises:
                self._raise_held()

        before = {number: signal.signal(number, hold) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let a signal interrupt the block: it creates nothing."""
        self._raises = True
        try:
            yield
        finally:
            self._raises = False

    def _raise_held(self) -> None:
        if self._held:
            self._raises = False
            raise Interrupted(self._held)


def _unusable(probe: Probe, answer: Answer) -> str:
    """The reason why an answer shows nothing: the vendor failed, the key may not do it, or something else answered."""
    if is_no_answer(answer) or (probe.keyed and answer.status in (401, 403)):
        return f"{probe.name} was answered {answer.status}"
    return f"{probe.name} was answered {answer.status}, but not with JSON" if _is_no_json(answer) else ""


def is_no_answer(answer: Answer) -> bool:
    """Test for an answer that is not about the request: the vendor fails, or another place is to be asked."""
    return answer.status >= 500 or 300 <= answer.status < 400


def _is_no_json(answer: Answer) -> bool:
    return answer.status < 300 and bool(answer.body) and answer.json is None


def _last_part(path: str) -> str:
    return path.rpartition("/")[2].lower()
