"""A session with the vendor: the probes in their order, and whatever happens, an end without tasks of its own."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from mockserver.conform import probes
from mockserver.conform.looking import order_of
from mockserver.conform.probes import BASE_PATH, PROBES, TASK, Missing, Probe
from mockserver.conform.vendor import Answer, CouldNotCheck, Request, Stopped, Vendor
from mockserver.conform.verdicts import Verdict, settled, verdicts
from mockserver.formats import ids

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
GONE = (200, 204, 404)  # statuses after which a task is deleted
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


class Task(NamedTuple):
    """A task that was not deleted, and why."""

    id: str
    why: str


class Session:
    """One run of the probes of a stage and of those before it.

    `given` are values of the probes' names that the caller has: `USER`, `CONTACT`, `INACTIVE`. `notify` is called with
    each probe, its answer or the reason why there is none that shows anything, and in words what it settles.
    Afterwards `seen` has the answers, `missing` the reasons of the probes without one, `stopped` why the session ended
    early, `left` the tasks that could not be deleted, `lost` the creations whose answers did not come, and `leftovers`
    the tasks that earlier runs have left, with their runs.
    """

    def __init__(self, vendor: Vendor, given: dict[str, str], notify: Notify) -> None:
        self.run = ids.random_name().removeprefix("s-")[:8]
        self.seen: dict[str, Answer] = {}
        self.missing: dict[str, str] = {}
        self.stopped = ""
        self.left: list[Task] = []
        self.lost: list[str] = []
        self.leftovers: dict[str, str] = {}
        self.looks = probes.BY_NAME["list"]  # the request that shows what earlier runs have left
        self._vendor = vendor
        self._notify = notify
        self._names: dict[str, Any] = {"RUN": self.run, "UNKNOWN": ids.mint(self.run, "nobody", 1), **given}
        self._own: list[str] = []  # ids of tasks that this run has created
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
            try:
                self._try(probes.BY_NAME["team"])
                self._try(self.looks)
            except Stopped as error:
                raise CouldNotMeasure(f"could not look for tasks: {error}") from None
            if "list" not in self.seen:
                raise CouldNotMeasure(f"could not look for tasks: {self.missing['list']}")
            for id in self.leftovers:
                self._raise_held()
                self._delete(id)

    def _try(self, probe: Probe) -> None:
        """Send a probe, unless one of its names has no value, and note what became of it."""
        try:
            request = probe.request(self._names)
        except Missing as error:
            self.missing[probe.name] = _NEEDED.get(str(error)) or self._why_not_created()
            return
        try:
            answer = self._send(probe, request)
        except CouldNotCheck as error:
            if isinstance(error, Stopped):
                raise
            self.missing[probe.name] = str(error)
            self._notify(probe, str(error), ())
            self._require(probe, None, str(error))
            return
        self._require(probe, answer, "")
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
        """Send a request; the id of what it creates is noted, or deleted if the probe does not keep it."""
        kept = len(self._own) + probe.may_create
        if not probe.may_create:
            with self._interruptible():
                return self._vendor.send(request, kept=kept)
        try:
            answer = self._vendor.send(request, kept=kept)
        except Stopped:
            raise
        except CouldNotCheck:
            self.lost.append(probe.name)
            raise
        if 200 <= answer.status < 300:
            id = str(answer.json.get("id")) if isinstance(answer.json, dict) else ""
            if not ids.is_id(id):
                self.lost.append(probe.name)
            elif probe.keeps:
                self._own.append(id)
            else:
                self._delete(id)
        elif answer.status >= 500:
            self.lost.append(probe.name)
        return answer

    def _learn(self, probe: Probe, answer: Answer) -> None:
        """Note what later probes need."""
        names, found = self._names, answer.json
        if probe.name == "team":
            users = [each["id"] for each in found if isinstance(each, dict) and ids.is_id(each.get("id"))]
            self._names = {**dict(zip(("USER", "OTHER"), [*users, *users][:2], strict=False)), **names}
        elif probe.name == "list":
            self.leftovers = probes.leftovers(found)
        elif probe.keeps and self._own:
            names.update(TASK=self._own[-1], UPPER=self._own[-1].upper())
            if (order := order_of(answer)) not in (None, 0, 1, 2):
                names["POSITION"] = order
        elif probe.method == "DELETE" and answer.status in GONE and names.get(TASK) in self._own:
            self._own.remove(names[TASK])

    def _require(self, probe: Probe, answer: Answer | None, reason: str) -> None:
        """Raise CouldNotMeasure unless the first answer is that of the API."""
        if probe.name != "team":
            return
        where = f"could not measure: {self._vendor.host} answers"
        if answer is None:
            raise CouldNotMeasure(f"could not measure: {reason}")
        if answer.status == 401:
            raise CouldNotMeasure(f"{where} 401: it refuses the key")
        if 300 <= answer.status < 400:
            raise CouldNotMeasure(f"{where} {answer.status}: redirects are not followed, give the target they lead to")
        if answer.status != 200 or not isinstance(answer.json, list):
            what = "" if answer.status != 200 else ", without a list in JSON,"
            raise CouldNotMeasure(f"{where} {answer.status}{what} to GET {BASE_PATH}{probe.path}")

    def _delete(self, id: str) -> None:
        """Delete a task, if need be after trouble; note one that cannot be deleted."""
        try:
            request = Request("DELETE", f"{BASE_PATH}/tasks/{id}")
            answer = self._vendor.send(request, kept=len(self._own), cleaning=True)
        except CouldNotCheck as error:
            self.left.append(Task(id, str(error)))
            return
        if answer.status not in GONE:
            self.left.append(Task(id, f"its deletion is answered {answer.status}"))

    @contextlib.contextmanager
    def _cleaning(self) -> Iterator[None]:
        """Delete the run's own tasks at the end of the block."""
        try:
            yield
        finally:
            while self._own:
                self._delete(self._own.pop())
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
    if answer.status >= 500 or (probe.keyed and answer.status in (401, 403)):
        return f"{probe.name} was answered {answer.status}"
    if answer.status < 300 and answer.body and answer.json is None:
        return f"{probe.name} was answered {answer.status}, but not with JSON"
    return ""
