"""The pipeline of every request: key, content, rate limit, preference, fault, view, fault, journal, commit, answer.

The order is the contract's (section 1) and the control plane's. No web framework takes part: `doors` reads the request
and sends the answer. Decoding and validation come before the transaction, which holds the store's lock; inside it,
references are looked up and rows are written, with the journal entry. A delayed request has two transactions, so that
nothing is locked while it waits. On a full disk, a request that changes nothing is answered without an entry, and any
other is refused.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator, Iterable, Set
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

from mockserver import masking
from mockserver.api import answers
from mockserver.api.answers import refused
from mockserver.api.operations import Call
from mockserver.api.reading import Reading, decoded, read
from mockserver.api.routes import Route
from mockserver.clock import monotonic, real_ms
from mockserver.domain.tasks import TooLargeForTheLock
from mockserver.engine import Engine
from mockserver.errors import (
    ApiError,
    InjectedError,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    StrictRefusal,
)
from mockserver.faults import prefer, rate_limit, rules
from mockserver.faults.delays import MAX_DELAY_MS
from mockserver.faults.prefer import Preferences
from mockserver.fidelity import advice
from mockserver.fidelity.assumptions import Assumed
from mockserver.formats import json as wire_json
from mockserver.journal import entries
from mockserver.journal.entries import Outcome
from mockserver.journal.messages import Answer, Received
from mockserver.keys import KEY_HEADER, UNIDENTIFIED, Caller
from mockserver.sandbox import settings
from mockserver.sandbox.sandboxes import OpenSandbox, Result, actor
from mockserver.sandbox.waiting import Delay, Released, never

MAX_TRIES = 3  # to make a large answer between two writes
Kind = TypeVar("Kind")
Steps = Generator[Delay, None, Kind]  # goes on when the delay that it yields has ended
_NOT_READ = Reading(parts={}, document={})
_log = logging.getLogger("mockserver")


def answer(engine: Engine, received: Received, route: Route, gone: Callable[[], bool] = never) -> Steps[Answer]:
    """Answer a request of the imitated API; `gone` tells if its client has gone."""
    return _Exchange(engine, received, route, gone).answer()


def _refused_route(route: Route, received: Received, secrets: Iterable[str], assumed: Assumed) -> ApiError:
    """The error for a path that is unknown, or known with other methods only; escapes hide no secret."""
    target = received.target
    if "%" in target and any(secret in unquote(target) for secret in secrets):
        target = unquote(target)
    message = f"Cannot {received.method} {target}"
    if not route.as_written and assumed["path-matching"] == "exact":
        return NotFound(message, rule="path-matching")
    if route.methods and assumed["wrong-method"] == "405":
        return MethodNotAllowed(message, route.methods)
    return NotFound(message, rule="wrong-method" if route.methods else "unknown-route")


class _Large(NamedTuple):
    """An answer made outside the lock from one version of the sandbox; `tries` counts how often it was made."""

    version: tuple[int, ...]
    body: bytes
    relied: Set[str]
    tries: int

    def fits(self, opened: OpenSandbox) -> bool:
        """Test if the answer is still current; in a sandbox that is written to all the time, the last try counts."""
        return self.version == opened.version or (self.tries >= MAX_TRIES and self.version[0] == opened.version[0])


class _ReadOtherwise(Exception):
    """The request was read under other switches than those of its sandbox."""


class _Exchange:
    """A request in the pipeline.

    `early` is its content, read before the transaction, and `unreadable` the error in its place; `reading` is the
    content once the view is reached, which the journal shows. `sent` is the request with its body still encoded, for
    another reading. `held` is the outcome whose entry waits for the end of a delay.
    """

    refusal: ApiError | None = None
    caller = Caller(UNIDENTIFIED)
    preferences = Preferences()
    early = reading = _NOT_READ
    unreadable: ApiError | None = None
    large: _Large | None = None
    held: Outcome | None = None
    strict = False
    whole = b""

    def __init__(self, engine: Engine, received: Received, route: Route, gone: Callable[[], bool]) -> None:
        self.started, self.received_ms = monotonic(), real_ms()
        self.engine = engine
        self.received = self.sent = received
        self.route = route
        self.gone = gone
        self.operation = route.operation
        self.assumed = engine.sandboxes.assumed
        self._secrets = masking.secrets(received.headers, engine.keys.secrets)

    def answer(self) -> Steps[Answer]:
        """Carry out the request."""
        self._hiding = wire_json.HIDE.set(self._masked)
        try:
            self._identify()
            if len(self.received.body) > entries.MAX_BODY:
                self.whole = entries.whole_body(self.received, self._secrets)
            if self.refusal is None and self.operation is not None:
                self._read()
                outcome, delay_ms = self._in_sandbox(self._begun)
                if delay_ms:
                    self._announce(outcome, concluded=False)
                    outcome = yield from self._after(delay_ms, outcome, self._resumed)
            else:
                outcome = self._in_sandbox(self._refused)
            self._announce(outcome)
            if outcome.pending:
                outcome = yield from self._held_back(outcome)
        except NotFound:  # the sandbox was deleted meanwhile
            return self._for_caller(self._cut_short(Released()))
        except ApiError as error:  # the mock itself cannot go on: its disk is full, or a delay was released
            return self._for_caller(self._cut_short(error))
        except Exception as error:
            path = masking.without(self._secrets, self.received.path)
            _log.error("%s %s failed", self.received.method, path, exc_info=error)
            self.refusal = InternalServerError()
            if self.held:
                return self._for_caller(self._cut_short(self.refusal))
            outcome = self._in_sandbox(self._refused)
            self._announce(outcome)
        finally:
            wire_json.HIDE.reset(self._hiding)
        assert outcome.answer is not None  # noqa: S101  # `_concluded` made it
        return self._for_caller(outcome.answer)

    def _masked(self, text: str) -> str:
        """The text without the secrets of the request."""
        return masking.masked(self._secrets, text)

    def _for_caller(self, answer: Answer) -> Answer:
        answer.sandbox = self.caller.sandbox or None
        return answer

    def _identify(self) -> None:
        """Find the sandbox and check the size of the body; faults do not apply to a request that is refused here."""
        try:
            self.caller = self.engine.keys.caller(self.received.headers.get(KEY_HEADER))
            if self.received.too_large:
                raise PayloadTooLarge
        except ApiError as error:
            self.refusal = self.refusal or error

    def _read(self) -> None:
        """Decode and validate the request; an error is raised later, when its view would be called."""
        assert self.operation is not None  # noqa: S101  # or the route was refused
        self.early, self.unreadable = _NOT_READ, None
        try:
            if self.operation.body_schema:
                self.received = decoded(self.sent, self.engine.settings.max_body)
            self.early = read(self.operation, self.route.values, self.received, self.assumed)
        except ApiError as error:
            self.unreadable = error

    def _require_assumed(self, opened: OpenSandbox) -> None:
        """Have the request read again if the sandbox has other switches than those it was read under."""
        if opened.world.assumed is not self.assumed and opened.world.assumed != self.assumed:
            self.assumed = opened.world.assumed
            raise _ReadOtherwise

    def _refused(self, opened: OpenSandbox) -> Outcome:
        self.assumed = opened.world.assumed
        return self._concluded(opened, Outcome(refusal=self._misrouted() or self.refusal))

    def _misrouted(self) -> ApiError | None:
        """The error about the path and the method, if these lead nowhere under the switches."""
        exact = self.assumed["path-matching"] == "exact"
        if self.operation is not None and (self.route.as_written or not exact):
            return None
        self.operation = None
        return _refused_route(self.route, self.received, self._secrets, self.assumed)

    def _held_back(self, outcome: Outcome) -> Steps[Outcome]:
        """Wait with the answer to a request that was carried out."""
        assert outcome.fault is not None  # noqa: S101  # it holds the answer back
        done = outcome.replaced(pending=False)

        def record(opened: OpenSandbox, _: Outcome) -> None:
            done.abandoned = self.gone()
            self._record_again(opened, done)

        yield from self._after(outcome.fault.delay_ms, outcome, record)
        self._announce(done, concluded=False)
        return done

    def _after(self, delay_ms: int, held: Outcome, work: Callable[[OpenSandbox, Outcome], Result]) -> Steps[Result]:
        """Wait with a pending entry in the journal, then do the work.

        Raises NotFound when the sandbox is gone, Released when it was reset meanwhile.
        """

        def outdated() -> bool:
            with contextlib.suppress(NotFound), self.engine.sandboxes.look(self.caller.sandbox) as opened:
                return _is_outdated(opened, held)
            return True

        self.held = held
        seconds = min(delay_ms, MAX_DELAY_MS) / 1000
        entry = held.journal, held.id or 0
        delay = self.engine.waiting.delay(self.caller.sandbox, seconds, outdated, self.gone, entry)
        wire_json.HIDE.reset(self._hiding)
        try:
            yield delay
        finally:
            self._hiding = wire_json.HIDE.set(self._masked)  # perhaps in another thread
        if delay.released:
            raise Released
        result = self._in_sandbox(lambda opened: work(opened, held), create=False)
        self.held = None
        return result

    def _cut_short(self, error: ApiError) -> Answer:
        """Answer with an error that is none of the vendor's; the entry of a request that waited has it too."""
        made, held = refused(error, self._secrets), self.held
        if held is None:
            return made
        fault = held.fault and held.fault._replace(status=None, body=None, connection=None)
        outcome = held.replaced(answer=made, refusal=error, fault=fault, pending=False, abandoned=self.gone())
        with contextlib.suppress(ApiError):  # there is no room for it, or its sandbox is gone
            if self._in_sandbox(lambda opened: self._record_again(opened, outcome), create=False):
                self._announce(outcome, concluded=False)
        return made

    def _record_again(self, opened: OpenSandbox, outcome: Outcome) -> bool:
        """Rewrite the entry of a request that waited; False if the journal was reset, or the disk is full."""
        if not opened.kept or opened.journal.number != outcome.journal or outcome.answer is None:
            return False
        outcome.answer.set_entry(opened.journal.id_of(outcome.id))
        self._record(opened, outcome)
        return True

    def _in_sandbox(self, work: Callable[[OpenSandbox], Result], create: bool = True) -> Result:
        """Do the work under the store's lock; to make a large answer, or to read again, leave it and start again."""
        while True:
            try:
                return self.engine.sandboxes.carry_out(self.caller.sandbox, work, create)
            except TooLargeForTheLock:
                self.large = self._made_outside()
            except _ReadOtherwise:
                self._read()

    def _made_outside(self) -> _Large:
        """Make a large answer from a snapshot of the store, while other requests may write."""
        assert self.operation is not None  # noqa: S101  # an operation's view asked for it
        tries = self.large.tries if self.large else 0
        with self.engine.sandboxes.look(self.caller.sandbox) as opened:
            fetched = self.operation.view(self._call(opened, actor(opened.world, self.caller)))
        return _Large(opened.version, wire_json.encode_all(fetched), opened.world.relied, tries + 1)

    def _begun(self, opened: OpenSandbox) -> tuple[Outcome, int]:
        """Apply limit, preference and fault; return the delay in milliseconds, and carry out a request without one."""
        self._require_assumed(opened)
        if misrouted := self._misrouted():
            return self._concluded(opened, Outcome(refusal=misrouted)), 0
        outcome = self._before(opened)
        outcome.world, outcome.journal = opened.world.number, opened.journal.number
        columns = opened.world.columns
        delay_ms = settings.drawn_delay_ms(opened.world) if columns["delay_spread"] else columns["delay_ms"]
        delay_ms += self.preferences.delay_ms + (outcome.fault.delay_ms if outcome.fault else 0)
        if not delay_ms:
            return self._carried_out(opened, outcome), 0
        outcome.pending = True
        undecided = outcome.refusal is None and not (outcome.fault and outcome.fault.answers)
        self._record(opened, outcome, self.early if undecided else _NOT_READ)
        return outcome, delay_ms

    def _resumed(self, opened: OpenSandbox, begun: Outcome) -> Outcome:
        if _is_outdated(opened, begun):
            raise Released
        self._require_assumed(opened)
        return self._carried_out(opened, begun.replaced(pending=False, abandoned=self.gone()))

    def _before(self, opened: OpenSandbox) -> Outcome:
        """Apply rate limit, preference and fault rules."""
        columns = opened.world.columns
        try:
            if columns["rate_requests"] is not None:
                rate_limit.spend(opened.world, opened.kept)
            if "prefer" in self.received.headers:
                self.preferences = prefer.parse(self.received.headers["prefer"])
        except ApiError as error:
            return Outcome(refusal=error)
        if self.preferences.code:
            return Outcome(refusal=InjectedError(self.preferences.code, rule="mock-preference"))
        if columns["minted_faults"]:  # most worlds never had a rule
            return Outcome(fault=rules.hit(opened.world, "before", self._known))
        return Outcome()

    def _carried_out(self, opened: OpenSandbox, outcome: Outcome) -> Outcome:
        if outcome.refusal is None and not (outcome.fault and outcome.fault.answers):
            try:
                made = outcome.answer = self._view(opened)
                if opened.world.columns["minted_faults"]:
                    outcome.fault = rules.hit(opened.world, "after", lambda: self._known(made)) or outcome.fault
            except ApiError as error:
                outcome.refusal = error
        return self._concluded(opened, outcome)

    def _view(self, opened: OpenSandbox) -> Answer:
        operation = self.operation
        assert operation is not None  # noqa: S101  # or the route was refused
        user_id = actor(opened.world, self.caller)
        if self.unreadable:
            raise self.unreadable
        self.reading = self.early
        self.reading.require()
        self.strict = bool(opened.world.columns["strict"])
        if operation.method == "GET":
            self._approve()
        status = operation.status_under(self.assumed)
        if self.large and self.large.fits(opened):
            opened.world.rely(*self.large.relied)
            return Answer.of_json(status, self.large.body)
        result = operation.view(self._call(opened, user_id, locked=opened.kept))
        encode = wire_json.encode_all if operation.many else wire_json.encode
        return Answer.of_json(status, encode(result))

    def _call(self, opened: OpenSandbox, user_id: str, locked: bool = False) -> Call:
        parts = self.reading.parts
        return Call(opened.world, user_id, parts["path"], parts["query"], parts["body"], self._approve, locked)

    def _approve(self) -> None:
        """Raise StrictRefusal for what strict mode refuses, after every other check."""
        if self.strict and (refused := advice.strictly(self.reading.content(self._operation_id, self.received))):
            raise StrictRefusal(refused)

    def _concluded(self, opened: OpenSandbox, outcome: Outcome) -> Outcome:
        """Complete the answer and write its journal entry, if the disk has room for one."""
        made = outcome.answer
        if outcome.refusal:
            made = refused(outcome.refusal, self._secrets, self.assumed)
        if outcome.fault:
            made = answers.apply_fault(outcome.fault, made)
        assert made is not None  # noqa: S101  # refused, faulted, or the view's
        outcome.answer, outcome.world, outcome.journal = made, opened.world.number, opened.journal.number
        if opened.kept:
            made.set_entry(opened.journal.id_of(outcome.id))
        if self.preferences.applied:
            made.headers["Preference-Applied"] = self.preferences.applied
        outcome.pending = bool(outcome.fault and outcome.fault.when == "after" and outcome.fault.delay_ms)
        outcome.changes, outcome.decided = opened.world.changes, opened.world.relied
        self._record(opened, outcome, self.reading, concluded=True)
        return outcome

    def _record(
        self, opened: OpenSandbox, outcome: Outcome, reading: Reading | None = None, concluded: bool = False
    ) -> None:
        """Write the journal entry, if the disk has room for one; `reading` is new knowledge of the request."""
        if not opened.kept:
            return
        if outcome.id is None:
            outcome.arrived_ms, outcome.received_ms, outcome.whole = opened.arrived_ms, self.received_ms, self.whole
            if shard := self.engine.settings.shard:
                outcome.astray = advice.of_shard(shard, self.caller.sandbox)
        if reading:
            outcome.said = reading.content(self._operation_id, self.received)
            outcome.understood = reading.relied
        opened.journal.record(self.received, outcome, self.early.document or None, self.started, self._secrets)
        opened.world.transaction.notify(opened.name, outcome.journal, outcome.id, concluded)

    def _announce(self, outcome: Outcome, concluded: bool = True) -> None:
        """Notify verifications and event streams of an entry, and of its effects if `concluded`, after the commit."""
        if outcome.entry:
            self.engine.waiting.announce_entry(self.caller.sandbox, outcome.entry, concluded)

    def _known(self, made: Answer | None = None) -> dict[str, Any]:
        """The request as fault patterns see it: shaped like a journal entry, with its whole body."""
        shown = entries.request(self.received, self.early.document or None, whole=True)
        known = {"operation": self._operation_id, "request": shown}
        return known if made is None else {**known, "response": {"status": made.status}}

    @property
    def _operation_id(self) -> str | None:
        return self.operation.id if self.operation else None


def _is_outdated(opened: OpenSandbox, outcome: Outcome) -> bool:
    """Test if the sandbox was reset since this outcome."""
    return (opened.world.number, opened.journal.number) != (outcome.world, outcome.journal)
