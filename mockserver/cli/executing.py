"""A server for as long as a command runs: `vambe-mock exec`."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import click

from mockserver import logs, serving
from mockserver.cli import child
from mockserver.cli.variables import Variables
from mockserver.client import terminal
from mockserver.config import Settings
from mockserver.engine import Engine
from mockserver.errors import NotFound
from mockserver.logs import printable
from mockserver.serving import BoundServer

_NEAR = ("127.0.0.1", "localhost", "::1")


def execute(settings: Settings, command: Sequence[str], variables_of: Variables) -> int:
    """Run a command with a server of its own; its exit code.

    When it failed, standard error tells which requests were refused. Raises CannotListen, `InvalidFixtures` or
    `UnusableDatabase` before the command is started.
    """
    logs.configure("json" if settings.log_format == "json" else "text", access=False)
    child.end_on_signals()
    with serving.bound_server(settings) as opened:
        before = journal_ends(opened.engine)
        opened.server.start()
        try:
            code = child.run(
                command, _without_proxy({**os.environ, **_own_variables(opened), **variables_of(opened.server.url)})
            )
        except child.CannotRun as error:
            _print_error(f"vambe-mock: {printable(str(error))}")
            return error.code
        if code:
            first, *others = summarize(opened.engine, before)
            _print_error("\n".join([f"vambe-mock: the command ended with {code}; {first}", *others]))
    return code


def _own_variables(opened: BoundServer) -> dict[str, str]:
    """The variables that the commands of vambe-mock read, and its pytest plugin."""
    token = opened.engine.settings.admin_token
    return {"VAMBE_MOCK_URL": opened.server.url, **({"VAMBE_MOCK_ADMIN_TOKEN": token} if token else {})}


def _without_proxy(environment: dict[str, str]) -> dict[str, str]:
    """The environment, such that clients which hear of a proxy there do not ask it for the server.

    Of the two names some clients hear one, and some the other; the lower case one hides the other (curl, "Proxy").
    """
    known = environment.get("no_proxy") or environment.get("NO_PROXY")
    if known == "*":
        return environment
    direct = ",".join(filter(None, [known, *_NEAR]))
    return environment | {"no_proxy": direct, "NO_PROXY": direct}


def _print_error(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody may read it, and the exit code is the command's all the same
        click.echo(text, err=True)


MAX_SHOWN = 50

JournalEnds = dict[tuple[str, int], int]


class _Activity(NamedTuple):
    """What came to a sandbox: how many requests, how many that were refused, and the latest of these in words."""

    sandbox: str
    requests: int
    refused: int
    latest: list[str]


def journal_ends(engine: Engine) -> JournalEnds:
    """Where the journals end now: for a sandbox's name and its journal's number, the id of the last entry."""
    found = {}
    for name in engine.sandboxes.names():
        with engine.sandboxes.look(name) as opened:
            found[name, opened.journal.number] = opened.journal.next_id() - 1
    return found


def summarize(engine: Engine, since: JournalEnds) -> list[str]:
    """How many requests the journals have since they ended so, and the latest that were refused, in lines."""
    activities = list(_activities(engine, since))
    requests, refused = sum(each.requests for each in activities), sum(each.refused for each in activities)
    left_out = f", left out: the oldest {refused - MAX_SHOWN}" if refused > MAX_SHOWN else ""
    said = f"{refused}{left_out}" if refused else "none (deleted sandboxes took theirs along)"
    return [f"requests in the journal: {requests}, refused: {said}", *_latest_refusals(activities)]


def _activities(engine: Engine, since: JournalEnds) -> Iterator[_Activity]:
    for name in engine.sandboxes.names():
        # What the command has left behind may delete sandboxes still.
        with contextlib.suppress(NotFound), engine.sandboxes.look(name) as opened:
            entries = opened.journal.entries(since.get((name, opened.journal.number), 0))
            refused = [entry for entry in entries if _is_refused(entry)]
            if entries:
                yield _Activity(
                    name, len(entries), len(refused), [terminal.format_entry(each) for each in refused[-MAX_SHOWN:]]
                )


def _is_refused(entry: dict[str, Any]) -> bool:
    status = entry["response"]["status"]
    return status is None or status >= 400


def _latest_refusals(activities: list[_Activity]) -> Iterator[str]:
    shares = _shares(activities)
    for each in activities:
        if each.sandbox in shares:
            if len(activities) > 1:
                yield f"sandbox {each.sandbox}:"
            yield from each.latest[-shares[each.sandbox] :]


def _shares(activities: list[_Activity]) -> Counter[str]:
    """How many refusals of each sandbox are shown; where there are too many, the last of each before any older one."""
    ages = sorted((age, each.sandbox) for each in activities for age in range(len(each.latest)))
    return Counter(sandbox for _, sandbox in ages[:MAX_SHOWN])
