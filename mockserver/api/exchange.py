"""The one path of every request: key, rate limit, preference, fault, view, commit, fault, answer, journal.

The order is the contract's (section 1) and the control plane's. All that a request does is one transaction, with its
journal entry in it; only a delayed request has two, because nothing may be held while it waits. Where the disk has no
room for the entry, a request that changes nothing is answered without one, and all others are refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, request

from mockserver import wire
from mockserver.api import breaking
from mockserver.api.operations import Call, Operation
from mockserver.api.reading import Reading, read, read_body
from mockserver.clock import monotonic, ms_of
from mockserver.errors import ApiError, InjectedError, InternalServerError, NotFound
from mockserver.instants import parse_date_time
from mockserver.mock import Mock, current_mock
from mockserver.rendering import render, respond
from mockserver.sandbox import advice, explain, faults, preferences, rate_limit, recording
from mockserver.sandbox.faults import MAX_DELAY_MS, Fault
from mockserver.sandbox.names import DEFAULT, Caller
from mockserver.sandbox.preferences import Preferences
from mockserver.sandbox.recording import Received
from mockserver.sandbox.sandboxes import Opened, Result, actor
from mockserver.sandbox.waiting import Released

KEY_HEADER = recording.KEY_HEADER
MAX_UNREAD = 1000  # an entry's
_log = logging.getLogger("mockserver")


def answer(operation: Operation | None, path: Mapping[str, str], refusal: ApiError | None = None) -> Response:
    """Answer a request of the imitated API; `refusal` is what routing has decided already."""
    return _Exchange(current_mock(), operation, dict(path), refusal).answer()


@dataclass
class _Outcome:
    """What becomes of a request: its answer, and what decided it."""

    response: Response | None = None
    refusal: ApiError | None = None
    fault: Fault | None = None
    entry: dict[str, Any] | None = None
    world: int = 0
    document: Any = None  # the body of its answer, where a view made it

    @property
    def decided_by(self) -> ApiError | None:
        """What refused the request, or made another answer of it."""
        made = self.fault if self.fault and self.fault.answers else None
        return InjectedError(made.status or 500, rule=breaking.RULE) if made else self.refusal


class _Exchange:
    def __init__(self, mock: Mock, operation: Operation | None, path: dict[str, str], refusal: ApiError | None) -> None:
        self.mock = mock
        self.operation = operation
        self.path = path
        self.refusal = refusal
        self.started = monotonic()
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        self.caller = Caller(DEFAULT)
        self.body = b""
        self.preferences = Preferences()
        self.reading = Reading(parts={}, document={})

    def answer(self) -> Response:
        """The answer; a connection fault is carried out, and what is returned then is dropped."""
        self._identify()
        try:
            outcome = self._delayed() if self.refusal is None else self._refused()
            self._announce(outcome)
            if outcome.fault and outcome.fault.when == "after":
                self._pause(outcome.fault.delay_ms, outcome.world)
        except ApiError as error:  # what keeps the mock from doing anything: no room on its disk, a delay released
            return render(error)
        except Exception as error:
            path = recording.without(self._secrets(), request.path)
            _log.error("%s %s failed", request.method, path, exc_info=error)
            self.refusal = InternalServerError()
            outcome = self._refused()
            self._announce(outcome)
        response = outcome.response or Response()
        if outcome.fault and outcome.fault.connection:
            breaking.carry_out(outcome.fault.connection, response)
        return response

    def _identify(self) -> None:
        """Whose request it is, and its body; what refuses it here, no fault can reach."""
        try:
            self.caller = self.mock.keys.caller(self.headers.get(KEY_HEADER))
        except ApiError as error:
            self.refusal = self.refusal or error
        try:
            self.body = read_body(self.mock.settings.max_body)
        except ApiError as error:
            self.refusal = self.refusal or error
        request.environ["mockserver.sandbox"] = self.caller.sandbox

    def _refused(self) -> _Outcome:
        return self._in_sandbox(lambda opened: self._concluded(opened, _Outcome(refusal=self.refusal)))

    def _delayed(self) -> _Outcome:
        begun, delay_ms = self._in_sandbox(self._begun)
        if not delay_ms:
            return begun
        self._pause(delay_ms, begun.world)
        return self._in_sandbox(lambda opened: self._resumed(opened, begun))

    def _in_sandbox(self, work: Callable[[Opened], Result]) -> Result:
        return self.mock.sandboxes.carry_out(self.caller.sandbox, work)

    def _begun(self, opened: Opened) -> tuple[_Outcome, int]:
        """What is decided before, and for how long it waits; what does not wait is carried out at once."""
        outcome = self._before(opened)
        outcome.world = opened.world.number
        fault_ms = outcome.fault.delay_ms if outcome.fault else 0
        delay_ms = fault_ms + self.preferences.delay_ms + opened.world.columns["delay_ms"]
        return (outcome if delay_ms else self._carried_out(opened, outcome)), delay_ms

    def _resumed(self, opened: Opened, begun: _Outcome) -> _Outcome:
        if opened.world.number != begun.world:
            raise Released
        return self._carried_out(opened, replace(begun))

    def _pause(self, delay_ms: int, world: int) -> None:
        """Wait, unless the sandbox has another world by now."""

        def outdated() -> bool:
            with self.mock.sandboxes.look(self.caller.sandbox) as opened:
                return opened.world.number != world

        if delay_ms:
            self.mock.waiting.pause(self.caller.sandbox, min(delay_ms, MAX_DELAY_MS) / 1000, outdated)

    def _before(self, opened: Opened) -> _Outcome:
        """What is decided before the request is looked at: limit, preference, fault."""
        try:
            rate_limit.spend(opened.world, opened.kept)
            self.preferences = preferences.parse(self.headers.get("prefer", ""))
        except ApiError as error:
            return _Outcome(refusal=error)
        if self.preferences.code:
            return _Outcome(refusal=InjectedError(self.preferences.code, rule="mock-preference"))
        return _Outcome(fault=faults.strike(opened.world, "before", self._known))

    def _carried_out(self, opened: Opened, outcome: _Outcome) -> _Outcome:
        if outcome.refusal is None and not (outcome.fault and outcome.fault.answers):
            try:
                response = outcome.response = self._view(opened, outcome)
                outcome.fault = faults.strike(opened.world, "after", lambda: self._known(response)) or outcome.fault
            except ApiError as error:
                outcome.refusal = error
        return self._concluded(opened, outcome)

    def _view(self, opened: Opened, outcome: _Outcome) -> Response:
        operation = self.operation
        if operation is None:
            raise NotFound
        user_id = actor(opened.world, self.caller)
        self.reading = read(operation, self.path, self.body, bool(opened.world.columns["strict"]))
        self.reading.require()
        result = operation.view(Call(opened.world, user_id, **self.reading.parts))
        outcome.document = operation.answer.dump(result)
        return respond(outcome.document, operation.status)

    def _concluded(self, opened: Opened, outcome: _Outcome) -> _Outcome:
        """Make the answer what it will be, and write the entry that tells of it, where that can be kept."""
        response = outcome.response
        if outcome.refusal:
            response = render(outcome.refusal)
            response.set_data(wire.encode(recording.without(self._secrets(), outcome.refusal.document())))
        if outcome.fault:
            response = breaking.apply(outcome.fault, response)
        outcome.response = response = response or Response()
        outcome.world = opened.world.number
        if opened.kept:
            response.headers["X-Mock-Request-Id"] = str(opened.journal.next_id())
        if applied := self.preferences.applied():
            response.headers["Preference-Applied"] = applied
        if opened.kept:
            outcome.entry, encoded = self._entry(opened, outcome, response)
            opened.journal.append(encoded)
        return outcome

    def _announce(self, outcome: _Outcome) -> None:
        """Tell those who wait; only now, when what they will look for is committed."""
        entry = outcome.entry
        if entry is None:
            return
        announce = self.mock.waiting.announce
        announce(self.caller.sandbox, "request", lambda: entry)
        if entry["changes"]:
            announce(self.caller.sandbox, "state", lambda: {"changes": entry["changes"]})
        if entry["fault"]:
            announce(self.caller.sandbox, "fault", lambda: {"request": entry["id"], **entry["fault"]})

    def _created_again(self, opened: Opened) -> bool:
        """Whether this made a task as one that was made within the two seconds before, by the sandbox's clock."""
        if not any(change["before"] is None and change["resource"] == "task" for change in opened.world.changes):
            return False
        return opened.journal.created_again(self.reading.document, ms_of(parse_date_time(opened.arrived_at)[0]))

    def _known(self, response: Response | None = None) -> dict[str, Any]:
        """What is known of the request so far, in the shape of a journal entry, its body whole."""
        known = {"operation": self._operation_id, "request": recording.request(self._received(), whole=True)}
        return known if response is None else {**known, "response": {"status": response.status_code}}

    @property
    def _operation_id(self) -> str | None:
        return self.operation.id if self.operation else None

    def _secrets(self) -> list[str]:
        return recording.secrets(self.headers, self.mock.keys.secrets())

    def _received(self) -> Received:
        query = request.args.to_dict(flat=False)
        return Received(request.method, request.path, query, self.headers, self.body, self.reading.document or None)

    def _entry(self, opened: Opened, outcome: _Outcome, response: Response) -> tuple[dict[str, Any], bytes]:
        """What the journal will show of the request, and its bytes."""
        sent = self.reading.sent(self._operation_id)
        entry = {
            "id": opened.journal.next_id(),
            "at": opened.arrived_at,
            "duration_ms": round((monotonic() - self.started) * 1000, 1),
            "operation": self._operation_id,
            "request": recording.request(self._received()),
            "response": _recorded(response, outcome),
            "fault": outcome.fault.document() if outcome.fault else None,
            "decision": explain.decision(outcome.decided_by, self._operation_id),
            "problems": explain.problems(outcome.refusal, self._operation_id),
            "unread": [*sent.unread_keys, *sent.unread_names][:MAX_UNREAD],
            "advice": advice.of(sent, self._created_again(opened)),
            "changes": opened.world.changes,
        }
        return recording.finished(entry, self._secrets())


def _recorded(response: Response, outcome: _Outcome) -> dict[str, Any]:
    """The answer as an entry shows it; one that never arrives has no status."""
    fault, replaced = outcome.fault, outcome.fault or outcome.refusal
    lost = fault is not None and fault.connection in ("reset", "empty", "garbage")
    return {
        "status": None if lost else response.status_code,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        **recording.content(response.get_data(), read=None if replaced else outcome.document),
    }
