"""Calls about the journal: requests, searching, verification, and events as they happen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Response, request

from mockserver.admin.calls import Call, call
from mockserver.admin.schemas import ENTRY, UNIDENTIFIED, Filters, Verification
from mockserver.admin.schemas import Pattern as PatternSchema
from mockserver.errors import Conflict, NotFound
from mockserver.formats.json import Document, quoted
from mockserver.journal import entries, verify
from mockserver.journal.patterns import Pattern
from mockserver.sandbox.waiting import Event, Released
from mockserver.web.foreign import client_gone
from mockserver.web.rendering import respond

# Between comments in an idle stream: only a write detects that the reader has disconnected, and frees its place. The
# comments also keep a proxy from closing the stream.
_PAUSE_S = 0.5
_NOT_KEPT = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx would keep events back


@call(query_schema=Filters())
def list_requests(call: Call) -> Document:
    """The requests in the journal, oldest first; total counts all matches, dropped the entries removed to make room."""
    others = ("since", "limit", "unidentified")
    pattern = Pattern({part: value for part, value in call.query.items() if part not in others})
    with call.engine.sandboxes.look(call.sandbox) as opened:
        entries, dropped = opened.journal.entries(call.query["since"]), opened.journal.dropped()
    found = [entry for entry in entries if pattern.matches(entry)]
    return {"requests": found[: call.query.get("limit")], "total": len(found), "dropped": dropped}


@call(query_schema=UNIDENTIFIED, changes="journal")
def clear_requests(call: Call) -> Document:
    """Empty the journal; new entries continue its ids."""
    with call.engine.sandboxes.open(call.sandbox) as opened:
        opened.journal.clear()
    return {"requests": [], "total": 0, "dropped": 0}


@call(path_schema=ENTRY, query_schema=UNIDENTIFIED)
def get_request(call: Call) -> Document:
    """One request, its answer, and the rules that decided it."""
    with call.engine.sandboxes.look(call.sandbox) as opened:
        entry = opened.journal.get(call.path["id"])
    if entry is None:
        whose = f"the sandbox {quoted(call.sandbox)}" if call.sandbox else "requests whose key opens no sandbox"
        raise NotFound(f"The journal of {whose} has no entry {call.path['id']}")
    return entry


@call(query_schema=UNIDENTIFIED, body_schema=PatternSchema(), needs_body=True)
def count_requests(call: Call) -> Document:
    """The number of requests that match a pattern; `complete` is false if the journal cannot know of all."""
    check = verify.Count(Pattern(call.body), verify.bounds())
    with call.engine.sandboxes.look_or_open(call.sandbox) as opened:
        found = check.fetch(opened.journal)
    check.look(found)
    return {"count": check.actual, **({"complete": False} if any(check.gaps) else {})}


@call(query_schema=UNIDENTIFIED, body_schema=PatternSchema(), needs_body=True)
def find_requests(call: Call) -> Document:
    """The requests that match a pattern, oldest first."""
    pattern = Pattern(call.body)
    return {"requests": [entries.shown(entry) for entry in _evidence(call) if pattern.matches(entry)]}


@call(
    body_schema=Verification(),
    needs_body=True,
    failure="The verification failed: `expected`, `actual`, and `near_misses` with their differences.",
)
def verify_requests(call: Call) -> Any:
    """Check the journal for the expected requests; 409 with the near misses when the verification fails."""
    check: verify.Count | verify.Sequence
    if "sequence" in call.body:
        expected = {"sequence": call.body["sequence"]}
        check = verify.Sequence([Pattern(parts) for parts in expected["sequence"]])
    else:
        expected = {"request": call.body["request"], "times": call.body["times"]}
        check = verify.Count(Pattern(expected["request"]), verify.bounds(**expected["times"]))

    def look() -> bool:
        with call.engine.sandboxes.look_or_open(call.sandbox) as opened:
            entries = check.fetch(opened.journal)
        return check.look(entries)

    if call.body["timeout_ms"]:
        call.engine.waiting.until(call.sandbox, look, call.body["timeout_ms"] / 1000, client_gone(request.environ))
    else:
        look()
    if check.passed:
        return {"passed": True, "actual": check.actual}
    refusal = Conflict(_in_words(expected, check))
    near_misses = verify.near_misses(check.pattern, _evidence(call))
    found = {"passed": False, "expected": expected, "actual": check.actual, "near_misses": near_misses}
    return respond(refusal.document() | found, refusal.status)


@call(media_type="text/event-stream")
def events(call: Call) -> Response:
    """Requests, changes of state, faults and resets, as server-sent events (WHATWG HTML, section 9.2)."""
    with call.engine.sandboxes.look(call.sandbox):
        pass
    reader = call.engine.waiting.reader(call.sandbox, client_gone(request.environ))
    next_event = reader.__enter__()

    def stream() -> Iterator[str]:
        try:
            yield ": the events of this sandbox from now on\n\n"
            while True:
                event = next_event(_PAUSE_S)
                yield _server_sent_event(event) if event else ": nothing new\n\n"
                if event and event[0] == "deleted":
                    return
        except Released:
            return

    response = Response(stream(), mimetype="text/event-stream", headers=_NOT_KEPT)
    response.call_on_close(lambda: reader.__exit__(None, None, None))  # also when the stream was never started
    return response


def _in_words(expected: Document, check: verify.Count | verify.Sequence) -> str:
    actual, more = check.actual, f"; {check.gaps}, so there may be more" if any(check.gaps) else ""
    if isinstance(check, verify.Sequence):
        return f"Only the first {actual} of the {len(check.patterns)} patterns were matched in this order{more}"
    bounds = (word if word == "never" else f"{word} {bound}" for word, bound in expected["times"].items())
    wanted = " and ".join(bounds).replace("_", " ")
    if check.times.hopeless(actual):
        return f"Expected {wanted}, but the journal has {actual}"
    return f"Expected {wanted}, {'and' if check.times.hold(actual) else 'but'} the journal has {actual}{more}"


def _evidence(call: Call) -> Iterator[Document]:
    with call.engine.sandboxes.look_or_open(call.sandbox) as opened:
        return opened.journal.evidence()


def _server_sent_event(event: Event) -> str:
    kind, content = event
    id = f"id: {content['id']}\n" if kind == "request" else ""
    return f"{id}event: {kind}\ndata: {json.dumps(content)}\n\n"
