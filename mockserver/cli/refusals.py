"""What was refused while a command ran, for people."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from mockserver import terminal
from mockserver.errors import NotFound
from mockserver.mock import Mock

MAX_SHOWN = 50

Ends = dict[tuple[str, int], int]


class _Came(NamedTuple):
    """What came to a sandbox: how many requests, how many that were refused, and the latest of these in words."""

    sandbox: str
    requests: int
    refused: int
    latest: list[str]


def ends(mock: Mock) -> Ends:
    """Where the journals end now: for a sandbox's name and its journal's number, the id of the last entry."""
    found = {}
    for name in mock.sandboxes.names():
        with mock.sandboxes.look(name) as opened:
            found[name, opened.journal.number] = opened.journal.next_id() - 1
    return found


def told(mock: Mock, since: Ends) -> list[str]:
    """How many requests the journals have since they ended so, and the latest that were refused, in lines."""
    came = list(_came(mock, since))
    requests, refused = sum(each.requests for each in came), sum(each.refused for each in came)
    left_out = f", left out: the oldest {refused - MAX_SHOWN}" if refused > MAX_SHOWN else ""
    said = f"{refused}{left_out}" if refused else "none (deleted sandboxes took theirs along)"
    return [f"requests in the journal: {requests}, refused: {said}", *_shown(came)]


def _came(mock: Mock, since: Ends) -> Iterator[_Came]:
    for name in mock.sandboxes.names():
        # What the command has left behind may delete sandboxes still.
        with contextlib.suppress(NotFound), mock.sandboxes.look(name) as opened:
            entries = opened.journal.entries(since.get((name, opened.journal.number), 0))
            refused = [entry for entry in entries if _is_refused(entry)]
            if entries:
                yield _Came(name, len(entries), len(refused), [terminal.shown(each) for each in refused[-MAX_SHOWN:]])


def _is_refused(entry: dict[str, Any]) -> bool:
    status = entry["response"]["status"]
    return status is None or status >= 400


def _shown(came: list[_Came]) -> Iterator[str]:
    places = _places(came)
    for each in came:
        if each.sandbox in places:
            if len(came) > 1:
                yield f"sandbox {each.sandbox}:"
            yield from each.latest[-places[each.sandbox] :]


def _places(came: list[_Came]) -> Counter[str]:
    """How many refusals of each sandbox are shown; where there are too many, the last of each before any older one."""
    ages = sorted((age, each.sandbox) for each in came for age in range(len(each.latest)))
    return Counter(sandbox for _, sandbox in ages[:MAX_SHOWN])
