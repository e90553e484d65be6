"""Journal entries: a request and its answer as a document of bounded size, without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from mockserver.clock import monotonic, text_of
from mockserver.errors import ApiError, InjectedError
from mockserver.faults.rules import Fault
from mockserver.fidelity import advice, explain
from mockserver.fidelity.advice import NOTHING_SAID, RequestContent
from mockserver.formats import json as wire_json
from mockserver.formats.ids import random_name
from mockserver.journal.messages import Answer, Received
from mockserver.keys import KEY_HEADER, PREFIX, basic_password, is_name

MAX_BODY = 64 * 1024  # shown
MAX_MATCHED = 1024 * 1024  # kept of a request, for patterns
MAX_UNREAD = 1000
PENDING, ANSWERED, LOST, ABANDONED = "pending", "answered", "lost", "abandoned"
FAULT_RULE = "mock-fault"
_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")
SECRET_HEADERS = (KEY_HEADER, *_CREDENTIALS)
_LONG_ENOUGH = 8  # a shorter secret would be found in texts that do not have it
MAX_PARTS = 64  # of a header with credentials; each costs a search of the entry
_BETWEEN = "\ud800"  # a lone surrogate is in no text: JSON with one is refused
_REMEMBERED = 1024  # characters of headers whose secrets are worth remembering
_RUN = random_name()  # of this process: a request that was pending in another one will not be answered

Document = dict[str, Any]


@dataclass
class Outcome:
    """The result of a request: its answer, and all that decided it.

    `said` is the content of the request, `understood` are the undocumented rules by which it was read, `decided` those
    that a successful answer depends on. `arrived_ms` is the sandbox's time, `received_ms` the machine's, `whole` the
    body kept for patterns (see `whole_body`). While it is `pending`, the request waits. `entry` is the entry once it is
    recorded, with the number `id` in the journal `journal`; `repeats` says that it creates what was just created.
    """

    answer: Answer | None = None
    refusal: ApiError | None = None
    fault: Fault | None = None
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
    repeats: bool | None = None
    entry: bytes = b""

    @property
    def decided_by(self) -> ApiError | None:
        """The error that refused the request, or that a fault made of its answer."""
        made = self.fault if self.fault and self.fault.answers else None
        return InjectedError(made.status or 500, rule=FAULT_RULE) if made else self.refusal

    @property
    def creation(self) -> bool:
        """True when a task was created."""
        return any(change["before"] is None and change["resource"] == "task" for change in self.changes)


def build(received: Received, outcome: Outcome, body: Any, started: float, secrets: Sequence[str]) -> bytes:
    """Build the entry of a request, as JSON; `body` is its decoded body.

    `started` is when the request began, on the clock of `clock.monotonic`.
    """
    answer, fault, said = outcome.answer or Answer(500, {}), outcome.fault, outcome.said
    head = {
        "id": outcome.id,
        "state": PENDING if outcome.pending else LOST if answer.connection else ANSWERED,
        "at": text_of(outcome.arrived_ms),
        "received_at": text_of(outcome.received_ms),
        "duration_ms": None if outcome.pending else round((monotonic() - started) * 1000, 1),
        "operation": said.operation,
        "request": request(received, body, secrets=secrets),
        "response": None if outcome.pending else _response(answer, fault),
    }
    tail = {
        "fault": fault.document() if fault else None,
        **(_UNDECIDED if outcome.pending else _decided(received, outcome)),
        "unread": [*said.unread_keys, *said.unread_names][:MAX_UNREAD],
        "advice": advice.of(said, bool(outcome.repeats)),
        "changes": outcome.changes,
        **({"run": _RUN} if outcome.pending else {}),
    }
    encoded = _encoded(head, None if fault or outcome.pending else answer.body, tail, secrets)
    return b'%s,"whole":%s}' % (encoded[:-1], outcome.whole) if outcome.whole else encoded


_UNDECIDED: Document = {"decision": None, "inferred": [], "problems": []}


def _decided(received: Received, outcome: Outcome) -> Document:
    """The rules that decided the answer; the answer to HEAD shows no value that was decided."""
    decided = outcome.decided if received.method != "HEAD" else frozenset[str]()
    return {
        "decision": explain.decision(outcome.decided_by),
        "inferred": explain.inferred(outcome.decided_by, outcome.understood, decided),
        "problems": explain.problems(outcome.refusal),
    }


def _response(answer: Answer, fault: Fault | None) -> Document:
    """The response of an entry; the body of one that no fault has touched is added when it is encoded."""
    unseen = answer.connection in ("reset", "empty", "garbage")
    return {
        "status": None if unseen else answer.status,
        "headers": {name.lower(): value for name, value in answer.headers.items()},
        **(content(answer.body) if fault else {}),
    }


def shown(entry: Document) -> Document:
    """A stored entry as it is shown: without what is kept for patterns, and abandoned if its server has ended."""
    entry.pop("whole", None)
    if entry.pop("run", _RUN) != _RUN:
        entry["state"] = ABANDONED
    return entry


def waits(entry: Document) -> bool:
    """Test if a stored entry is still to get its answer."""
    return bool(entry.get("run") == _RUN)


def whole_body(received: Received, secrets: Callable[[], Sequence[str]]) -> bytes:
    """The body of a request that its entry shows cut, as patterns see it: `{"json": …}`, or `{}` if it is not JSON.

    Empty when the entry shows the body whole, and when it is over `MAX_MATCHED`.
    """
    if not MAX_BODY < len(received.body) <= MAX_MATCHED:
        return b""
    try:
        read = {"json": wire_json.decode(received.body)}
    except wire_json.NotJson:
        read = {}
    return wire_json.encode(without(secrets(), read))


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


def secrets(headers: Mapping[str, str], known_keys: Iterable[str]) -> list[str]:
    """The secrets of a request with these headers, the longest first; `test_` keys are not secret."""
    sent = tuple([(name, headers[name]) for name in SECRET_HEADERS if name in headers])
    small = sum(len(value) for _, value in sent) <= _REMEMBERED
    return (_secrets_again if small else _secrets)(sent, tuple(known_keys))


def _secrets(sent: Sequence[tuple[str, str]], known_keys: Sequence[str]) -> list[str]:
    values = {value for _, value in sent}
    parts = {part for name, value in sent if name in _CREDENTIALS for part in islice(_credentials(value), MAX_PARTS)}
    longer = {secret for secret in (*parts, *known_keys) if len(secret) >= _LONG_ENOUGH}
    return sorted((each for each in values | longer if each and not _is_sandbox_key(each)), key=len, reverse=True)


_secrets_again = lru_cache(maxsize=256)(_secrets)


def _encoded(head: Document, answer: bytes | None, tail: Document, secrets: Sequence[str]) -> bytes:
    """Encode an entry, with long changes cut and secrets masked.

    `head` ends with the response, `tail` follows it. `answer` is the body of the response if that is JSON of our own,
    which is spliced in and not encoded again, and None if `head` contains it.
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
    encoded = b"%s,%s" % (begun[:-1], wire_json.encode(tail)[1:])
    if len(encoded) > MAX_BODY:
        tail["changes"] = [_capped_change(change) for change in tail["changes"]]
        encoded = b"%s,%s" % (begun[:-1], wire_json.encode(tail)[1:])
    if not any(_is_in(secret, encoded) for secret in secrets):
        return encoded
    return wire_json.encode(_without(secrets, json.loads(encoded), encoded))


def without(secrets: Sequence[str], document: Any) -> Any:
    """Mask secrets in a document, wherever they stand: only their last four characters are shown."""
    return _without(secrets, document, wire_json.encode(document)) if secrets else document


def content(body: bytes, limit: int = MAX_BODY, read: Any = None, secrets: Sequence[str] = ()) -> Document:
    """A body as an entry shows it: `json`, else `text`; a long one is cut, with its `length` in bytes.

    `read` is the decoded body, if that is known. Secrets are masked first, so that no part of one is left by the cut.
    """
    if not body:
        return {}
    if len(body) > limit:
        shown = body
        for secret in secrets:
            if len(secret) >= _LONG_ENOUGH:
                shown = shown.replace(secret.encode(), redacted(secret).encode())
        return {"text": shown[:limit].decode("utf-8", "replace"), "length": len(body)}
    try:
        return {"json": wire_json.decode(body) if read is None else read}
    except wire_json.NotJson:
        return {"text": body.decode("utf-8", "replace")}


def _capped(value: Any) -> Any:
    """Cut a document of the mock's own as a body of its length would be."""
    if value is None:
        return None
    encoded = wire_json.encode(value)
    return value if len(encoded) <= MAX_BODY else content(encoded)


def _capped_change(change: Document) -> Document:
    """Cut the rows of a reported change."""
    return {**change, "before": _capped(change["before"]), "after": _capped(change["after"])}


def redacted(secret: str) -> str:
    """The last four characters of a secret, or none of a short one."""
    return f"…{secret[-4:]}" if len(secret) >= _LONG_ENOUGH else "…"


def _is_sandbox_key(value: str) -> bool:
    return value.startswith(PREFIX) and is_name(value[len(PREFIX) :])


def _credentials(value: str) -> Iterator[str]:
    """The secret parts of a header: what follows its scheme, the values of its parameters, a password of `Basic`."""
    scheme, _, rest = value.partition(" ")
    for part in re.split(r"[\s,;]+", rest or scheme):
        yield part
        yield part.partition("=")[2].strip('"')
    if scheme.lower() == "basic":
        yield basic_password(rest)


def _without(secrets: Sequence[str], document: Any, encoded: bytes) -> Any:
    """Mask secrets in the document that `encoded` is the JSON of; the document itself if it has none."""
    found = [secret for secret in secrets if _is_in(secret, encoded)]
    if not found:
        return document
    joined = _BETWEEN.join(_texts(document))  # one text: a request may bring many secrets, and many texts
    for secret in found:
        joined = joined.replace(secret, redacted(secret))
    return _with_texts(document, iter(joined.split(_BETWEEN)))


def _is_in(secret: str, encoded: bytes) -> bool:
    """Test if JSON contains this secret; one too short to be told from chance never counts."""
    return len(secret) >= _LONG_ENOUGH and _escaped(secret) in encoded


@lru_cache(maxsize=256)
def _escaped(secret: str) -> bytes:
    return wire_json.encode(secret)[1:-1]


def _texts(value: Any) -> Iterator[str]:
    """The texts of a document, its keys too, in a fixed order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _with_texts(value: Any, texts: Iterator[str]) -> Any:
    """The document with other texts, in the order of `_texts`."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, dict):
        return {next(texts): _with_texts(each, texts) for each in value.values()}
    return [_with_texts(each, texts) for each in value] if isinstance(value, list) else value
