"""What happens in a sandbox, as it happens: server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import Response

from mockserver.admin.calls import Call, call
from mockserver.sandbox.waiting import Event, Released

# A comment after each such pause: writing is what finds out that a reader has gone, and gives its place back. It also
# keeps whoever is in between from taking the stream for dead.
_PAUSE_S = 0.5


@call("GET", "/events", media_type="text/event-stream")
def events(call: Call) -> Response:
    """Requests, changes of state, faults and resets, as server-sent events."""
    with call.mock.sandboxes.look(call.sandbox):
        pass
    reader = call.mock.waiting.reader(call.sandbox)
    next_event = reader.__enter__()

    def stream() -> Iterator[str]:
        try:
            yield ": the events of this sandbox from now on\n\n"
            while True:
                event = next_event(_PAUSE_S)
                yield _written(event) if event else ": nothing new\n\n"
        except Released:
            return

    response = Response(stream(), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})
    response.call_on_close(lambda: reader.__exit__(None, None, None))  # also of a stream that was never begun
    return response


def _written(event: Event) -> str:
    kind, content = event
    id = f"id: {content['id']}\n" if kind == "request" else ""
    return f"{id}event: {kind}\ndata: {json.dumps(content)}\n\n"
