"""`vambe-mock exec`: a server while a command runs."""

from __future__ import annotations

import contextlib
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence

import click

from mockserver import logs, serving
from mockserver.cli import child
from mockserver.cli.variables import Variables
from mockserver.client import terminal
from mockserver.config import Settings
from mockserver.engine import Engine
from mockserver.errors import NotFound
from mockserver.keys import UNIDENTIFIED
from mockserver.logs import printable
from mockserver.serving import BoundServer

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def execute(settings: Settings, command: Sequence[str], variables_of: Variables) -> int:
    """Run a command with a server of its own; return its exit code.

    When it fails, the refused requests are printed to standard error. Raises CannotListen, `InvalidFixtures` or
    `UnusableDatabase` before the command is started.
    """
    logs.configure("json" if settings.log_format == "json" else "text")
    child.end_on_signals()
    # The log of requests stays quiet until the server has ended: a request is logged after its answer.
    with _counted() as counted, serving.bound_server(settings) as opened:
        before = journal_ends(opened.engine)
        variables = variables_of(opened.server.url)
        with child.terminal_signals_left():
            opened.server.start()
        try:
            code = child.run(command, _without_proxy({**os.environ, **_own_variables(opened), **variables}))
        except child.CannotRun as error:
            _print_error(f"vambe-mock: {printable(str(error))}")
            return error.code
        if code:
            first, *others = summarize(opened.engine, before, counted.requests, list(variables))
            _print_error("\n".join([f"vambe-mock: the command ended with {code}; {first}", *others]))
    return code


class _Counted(logging.Filter):
    """Count the requests that the access log would have, and log none."""

    requests = 0

    def filter(self, record: logging.LogRecord) -> bool:
        self.requests += not getattr(record, "path", "").startswith("/__admin")
        return False


@contextlib.contextmanager
def _counted() -> Iterator[_Counted]:
    counted, access = _Counted(), logging.getLogger("mockserver.access")
    access.addFilter(counted)
    try:
        yield counted
    finally:
        access.removeFilter(counted)


def _own_variables(opened: BoundServer) -> dict[str, str]:
    """The variables that vambe-mock's commands and its pytest plugin read."""
    token = opened.engine.settings.admin_token
    return {"VAMBE_MOCK_URL": opened.server.url, **({"VAMBE_MOCK_ADMIN_TOKEN": token} if token else {})}


def _without_proxy(environment: dict[str, str]) -> dict[str, str]:
    """Add loopback to the hosts that clients reach without a proxy.

    Some clients read only one of the two names; where both are set, the lower case one wins (curl, "Proxy").
    """
    exceptions = environment.get("no_proxy") or environment.get("NO_PROXY")
    if exceptions == "*":
        return environment
    direct = ",".join(filter(None, [exceptions, *_LOOPBACK_HOSTS]))
    return environment | {"no_proxy": direct, "NO_PROXY": direct}


def _print_error(text: str) -> None:
    with contextlib.suppress(OSError):  # standard error may be closed, which does not change the exit code
        click.echo(text, err=True)


MAX_SHOWN = 50

JournalEnds = dict[tuple[str, int], int]


def journal_ends(engine: Engine) -> JournalEnds:
    """The id of the last entry of every journal, by the sandbox's name and the journal's number."""
    found = {}
    for name in (*engine.sandboxes.names(), UNIDENTIFIED):
        with engine.sandboxes.look(name) as opened:
            found[name, opened.journal.number] = opened.journal.next_id() - 1
    return found


def summarize(engine: Engine, since: JournalEnds, came: int, variables: Sequence[str]) -> list[str]:
    """Lines with the number of requests after `since`, the number refused, and the latest refused ones.

    `came` is the number of requests that the server answered; the command finds it by `variables`.
    """
    requests = refused = waiting = dropped = 0
    latest: dict[str, list[str]] = {}
    for name in (*engine.sandboxes.names(), UNIDENTIFIED):
        # Processes that the command left behind may still delete sandboxes.
        with contextlib.suppress(NotFound), engine.sandboxes.look(name) as opened:
            last = since.get((name, opened.journal.number), 0)
            entries, dropped = list(opened.journal.entries(last)), dropped + opened.journal.dropped(last)
            failed = [entry for entry in entries if ((entry["response"] or {}).get("status") or 500) >= 400]
            unanswered = sum(entry["response"] is None for entry in failed)
            requests, waiting = requests + len(entries), waiting + unanswered
            refused += len(failed) - unanswered
            if entries:
                latest[name] = [terminal.format_entry(each) for each in failed[-MAX_SHOWN:]]
    if not came and not requests and not dropped:
        return [f"no request came: does the command use {' and '.join(variables)}?"]
    left_out = f", left out: the oldest {refused - MAX_SHOWN}" if refused > MAX_SHOWN else ""
    still = f", waiting for an answer: {waiting}" if waiting else ""
    gone = ["deleted sandboxes and resets took theirs along"] if came > requests + dropped else []
    if dropped:
        gone.append(f"{dropped} older made room: raise --journal-limit")
    notes = f" ({'; '.join(gone)})" if gone else ""
    summary = f"{refused or ('not known' if dropped else 'none')}{left_out}{notes}"
    return [f"requests in the journal: {requests}, refused: {summary}{still}", *_shortened(latest)]


def _shortened(latest: dict[str, list[str]]) -> Iterator[str]:
    """The refusals of each sandbox; beyond the limit, the latest of each have precedence."""
    ages = sorted((age, name) for name, lines in latest.items() for age in range(len(lines)))
    shares = Counter(name for _, name in ages[:MAX_SHOWN])
    for name, lines in latest.items():
        if shares[name]:
            heading = f"sandbox {name}:" if name else "no sandbox, because of the key:"
            yield from [heading] if len(latest) > 1 else []
            yield from lines[-shares[name] :]
