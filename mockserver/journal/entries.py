"""Journal entries: a request and its answer as a document of bounded size, without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence, Set
from functools import lru_cache
from typing import Any

from mockserver.clock import monotonic, text_of
from mockserver.errors import ApiError, InjectedError
from mockserver.faults.rules import Fault
from mockserver.fidelity import advice
from mockserver.fidelity.advice import NOTHING_SAID, RequestContent
from mockserver.fidelity.explain import Explanations
from mockserver.formats import json as wire_json
from mockserver.formats.json import Document
from mockserver.journal.messages import Answer, Received
from mockserver.masking import SECRET_HEADERS, found_in, masked, redacted, without
from mockserver.store.transactions import RUN

MAX_BODY = 64 * 1024  # shown
MAX_MATCHED = 1024 * 1024  # kept of a request, for patterns
MAX_UNREAD = 1000
PENDING, ANSWERED, LOST, ABANDONED = "pending", "answered", "lost", "abandoned"
FAULT_RULE = "mock-fault"


class Outcome:
    """The result of a request: its answer, and all that decided it.

    `said` is the content of the request, `understood` are the undocumented rules by which it was read, `decided` those
    that a successful answer depends on. `arrived_ms` is the sandbox's time, `received_ms` the machine's, `whole` the
    body kept for patterns (see `whole_body`). While it is `pending`, the request waits; it is `abandoned` if its client
    has gone meanwhile. `entry` is the entry once it is recorded, with the number `id` in the journal `journal`;
    `repeats` says that it creates what was just created, `astray` is the advice that it came to the wrong shard.
    """

    answer: Answer | None = None
    said: RequestContent = NOTHING_SAID
    understood: Set[str] = frozenset()
    decided: Set[str] = frozenset()
    changes: Sequence[Document] = ()
    arrived_ms: int = 0
    received_ms: int = 0
    world: int = 0
    journal: int = 0
    id: int | None = None
    whole: bytes = b""
    pending: bool = False
    abandoned: bool = False
    repeats: bool | None = None
    astray: Sequence[Document] = ()
    entry: bytes = b""

    def __init__(self, refusal: ApiError | None = None, fault: Fault | None = None) -> None:
        self.refusal = refusal
        self.fault = fault

    def replaced(self, **values: Any) -> Outcome:
        """A copy with other values."""
        copied = Outcome()
        vars(copied).update(vars(self), **values)
        return copied

    @property
    def decided_by(self) -> ApiError | None:
        """The error that refused the request, or that a fault made of its answer."""
        made = self.fault if self.fault and self.fault.answers else None
        return InjectedError(made.status or 500, rule=FAULT_RULE) if made else self.refusal


def build(
    received: Received, outcome: Outcome, body: Any, started: float, secrets: Sequence[str], explain: Explanations
) -> bytes:
    """Build the entry of a request, as JSON; `body` is its decoded body.

    `started` is when the request began, on the clock of `clock.monotonic`; `explain` has the evidence of each rule.
    """
    answer, fault, said = outcome.answer or Answer(500, {}), outcome.fault, outcome.said
    head = {
        "id": outcome.id,
        "state": _state(outcome, answer),
        "at": text_of(outcome.arrived_ms),
        "received_at": text_of(outcome.received_ms),
        "duration_ms": None if outcome.pending else round((monotonic() - started) * 1000, 1),
        "operation": said.operation,
        "request": request(received, body, secrets=secrets),
        "response": None if outcome.pending else _response(answer, fault, secrets),
    }
    tail = {
        "unread": [*said.unread_keys, *said.unread_parameters][:MAX_UNREAD],
        "advice": [*advice.of(said, bool(outcome.repeats)), *outcome.astray],
        "changes": outcome.changes,
    }
    if outcome.pending:
        tail["run"] = RUN
    spliced = None if fault or outcome.pending else answer.body
    encoded = _encoded(head, spliced, _decided(received, outcome, explain), tail, secrets)
    return b'%s,"whole":%s}' % (encoded[:-1], outcome.whole) if outcome.whole else encoded


def _state(outcome: Outcome, answer: Answer) -> str:
    if outcome.pending or outcome.abandoned:
        return PENDING if outcome.pending else ABANDONED
    return LOST if answer.connection else ANSWERED


_UNDECIDED: Document = {"decision": None, "inferred": [], "problems": []}


def _decided(received: Received, outcome: Outcome, explain: Explanations) -> bytes:
    """The fault and the rules that decided the answer, as JSON; HEAD shows no value that was decided."""
    fault, refusal, operation = outcome.fault, outcome.decided_by, outcome.said.operation
    relied = outcome.understood if received.method == "HEAD" else outcome.understood | outcome.decided
    if not (refusal or fault or outcome.pending):
        return _succeeded(explain, operation, frozenset(relied))
    found = {
        "decision": explain.decision(refusal, operation),
        "inferred": explain.inferred(refusal, operation, relied if refusal is None else outcome.understood),
        "problems": explain.problems(outcome.refusal),
    }
    return wire_json.encode({"fault": fault and fault.document(), **(_UNDECIDED if outcome.pending else found)})


@lru_cache(maxsize=1024)
def _succeeded(explain: Explanations, operation: str | None, relied: frozenset[str]) -> bytes:
    """As `_decided`, for a success that rests on these rules."""
    found = {"decision": explain.decision(None, operation), "inferred": explain.inferred(None, operation, relied)}
    return wire_json.encode({"fault": None, **found, "problems": []})


def _response(answer: Answer, fault: Fault | None, secrets: Sequence[str]) -> Document:
    """The response of an entry; the body of one that no fault has touched is added when it is encoded."""
    unseen = answer.connection in ("reset", "empty", "garbage")
    shown: Document = {
        "status": None if unseen else answer.status,
        "headers": {name.lower(): value for name, value in answer.headers.items()},
    }
    return shown | content(answer.body, secrets=secrets) if fault else shown


def stored(text: str, running: Callable[[str], bool]) -> Document:
    """A stored entry; it is abandoned if the process in which it was pending has ended."""
    entry: Document = json.loads(text)
    if "run" in entry and not running(entry["run"]):
        del entry["run"]
        entry["state"] = ABANDONED
    return entry


def shown(entry: Document) -> Document:
    """An entry as it is shown: without what is kept for patterns."""
    entry.pop("whole", None)
    entry.pop("run", None)
    return entry


def waits(entry: Document) -> bool:
    """Test if an entry is still to get its answer."""
    return "run" in entry


def events(entry: Document, concluded: bool) -> Iterator[tuple[str, Document]]:
    """The events that an entry is announced by; its effects are when the request is `concluded`."""
    yield "request", shown(entry)
    if concluded and entry["changes"]:
        yield "state", {"changes": entry["changes"]}
    if concluded and entry["fault"]:
        yield "fault", {"request": entry["id"], **entry["fault"]}


def whole_body(received: Received, secrets: Sequence[str]) -> bytes:
    """The body of a request that its entry shows cut, as patterns see it: `{"json": …}`, or `{}` if it is not JSON.

    Empty when it is over `MAX_MATCHED`.
    """
    if len(received.body) > MAX_MATCHED:
        return b""
    try:
        read = {"json": wire_json.decode(received.body)}
    except wire_json.NotJson:
        read = {}
    return wire_json.encode(without(secrets, read))


def request(received: Received, read: Any = None, *, whole: bool = False, secrets: Sequence[str] = ()) -> Document:
    """The request as an entry shows it; `whole` leaves its body uncut, for patterns.

    `read` is its decoded body, if that is known.
    """
    return {
        "method": received.method,
        "path": received.path,
        "query": {name: texts[0] if len(texts) == 1 else texts for name, texts in received.query.items()},
        "headers": dict(received.headers),
        **(
            _not_read(received)
            if received.too_large
            else content(received.body, len(received.body) if whole else MAX_BODY, read, secrets)
        ),
    }


def _not_read(received: Received) -> Document:
    """A body that was too large to be read, cut before its first byte; its `length` is None if it was not announced."""
    announced = received.headers.get("content-length", "")
    return {"text": "", "length": int(announced) if announced.isdecimal() else None}


def _encoded(head: Document, answer: bytes | None, decided: bytes, tail: Document, secrets: Sequence[str]) -> bytes:
    """Encode an entry, with long changes cut and secrets masked.

    `head` ends with the response, `decided` and `tail` follow it. `answer` is the body of the response if that is JSON
    of our own, which is spliced in and not encoded again, and None if `head` contains it.
    """
    headers = head["request"]["headers"]
    for name in SECRET_HEADERS:
        if headers.get(name) in secrets:
            headers[name] = redacted(headers[name])
    if answer and len(answer) > MAX_BODY:
        head["response"] |= content(answer, secrets=secrets)
        answer = None
    begun = wire_json.encode(head)
    if answer:
        begun = b'%s,"json":%s}}' % (begun[:-2], answer)
    begun = b"%s,%s," % (begun[:-1], decided[1:-1])
    encoded = begun + wire_json.encode(tail)[1:]
    if len(encoded) > MAX_BODY:
        tail["changes"] = [_capped_change(change, secrets) for change in tail["changes"]]
        encoded = begun + wire_json.encode(tail)[1:]
    if not found_in(secrets, encoded):
        return encoded
    return wire_json.encode(without(secrets, json.loads(encoded), encoded))


def content(body: bytes, limit: int = MAX_BODY, read: Any = None, secrets: Sequence[str] = ()) -> Document:
    """A body as an entry shows it: `json`, else `text`; a long one is cut, with its `length` in bytes.

    `read` is the decoded body, if that is known. Secrets are masked first, so that no part of one is left by the cut.
    """
    if not body:
        return {}
    if len(body) > limit:
        hidden = without(secrets, read) if secrets else read
        shown = body if hidden is read else wire_json.encode(hidden)
        if secrets:
            shown = masked(secrets, shown.decode("utf-8", "replace")).encode()
        return {"text": shown[:limit].decode("utf-8", "replace"), "length": len(body)}
    try:
        return {"json": wire_json.decode(body) if read is None else read}
    except wire_json.NotJson:
        return {"text": body.decode("utf-8", "replace")}


def _capped(value: Any, secrets: Sequence[str]) -> Any:
    """Cut a document of the mock's own as a body of its length would be."""
    if value is None:
        return None
    encoded = wire_json.encode(value)
    return value if len(encoded) <= MAX_BODY else content(encoded, read=value, secrets=secrets)


def _capped_change(change: Document, secrets: Sequence[str]) -> Document:
    """Cut the rows of a reported change."""
    return {**change, **{side: _capped(change[side], secrets) for side in ("before", "after")}}
