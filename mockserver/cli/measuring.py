"""The command that measures a real vendor: `conform`."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli import remote
from mockserver.config import KEY_VARIABLE
from mockserver.formats import ids
from mockserver.formats.json import Document
from mockserver.logs import printable

if TYPE_CHECKING:
    from mockserver.conform.journal_entries import Journal
    from mockserver.conform.probes import Probe
    from mockserver.conform.session import Session
    from mockserver.vendor import Answer, Vendor

_LOOKUPS = 2  # requests before those of a journal, and to find what earlier runs have left
_MAY_CREATE = "If the vendor accepts a request that the mock refuses, it may create a task, which is deleted."


key_option = click.option(
    "--key-env",
    metavar="NAME",
    default=KEY_VARIABLE,
    help=f"The environment variable with the API key.  [default: {KEY_VARIABLE}]",
)


def _stage_flag(name: str, help: str) -> Callable[..., Any]:
    return click.option(f"--{name}", "stage", flag_value=name, help=help)


@click.command()
@click.option("--target", metavar="URL", help="The vendor's host, such as https://api.vambe.me.")
@_stage_flag("plan", "Only print the requests, grouped by stage.  [default]")
@_stage_flag("read-only", "Send GET and HEAD.")
@_stage_flag("refusals", "Send also requests that should be refused.")
@_stage_flag("write", "Also create a task, change it and delete it.")
@_stage_flag("delete-leftovers", "Only delete the tasks that earlier runs have left.")
@key_option
@click.option("--responsible", metavar="ID", help="The user of the created tasks.  [default: the first team member]")
@click.option("--contact", metavar="ID", help="With --write: a contact to link to a task, which makes a note on it.")
@click.option("--inactive-user", metavar="ID", help="With --write: an inactive user, to see if one may be responsible.")
@click.option(
    "--budget",
    metavar="N",
    type=click.IntRange(1),
    default=60,
    help="The largest number of requests to send.  [default: 60]",
)
@click.option(
    "--pause", metavar="SECONDS", type=click.FloatRange(0), default=0.1, help="Between two requests.  [default: 0.1]"
)
@click.option(
    "--timeout", metavar="SECONDS", type=click.FloatRange(0.001), default=30, help="For each answer.  [default: 30]"
)
@click.option("--journal", is_flag=True, help="Send the requests in the journal of a running mock, instead of probes.")
@click.option("--url", metavar="URL", envvar="VAMBE_MOCK_URL", help="With --journal: the mock.  [env: VAMBE_MOCK_URL]")
@click.option("--sandbox", metavar="NAME", help="With --journal: the sandbox.  [default: default]")
@click.option(
    "--admin-token",
    metavar="TOKEN",
    envvar="VAMBE_MOCK_ADMIN_TOKEN",
    help="With --journal: the admin token, required off loopback.  [env: VAMBE_MOCK_ADMIN_TOKEN]",
)
@click.option(
    "--map",
    "maps",
    metavar="MOCK_ID=VENDOR_ID",
    multiple=True,
    help="With --journal: the vendor's user, status or customer for one of the sandbox; repeatable.",
)
@click.option("--evidence", metavar="FILE", help="Write what was measured to FILE, for serve --evidence.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def conform(**options: Any) -> int:
    """Measure which rules of the mock hold at the real vendor.

    Nothing is sent unless a stage is chosen; each includes those before. The API key is read from the environment.
    With --journal, the requests are those that a running mock has received, and the answers are compared with its own.
    Exits with 0 when nothing is refuted, 1 when something is, 2 when it could not be measured.
    """
    from mockserver.conform import report

    journal = _journal(options) if options["journal"] else None
    if options["stage"] in (None, "plan"):
        document, lines = _plan(journal)
        if options["as_json"]:
            click.echo(json.dumps(document))
        else:
            _echo(lines)
        return 0
    from mockserver.conform.session import CouldNotMeasure, Interrupted
    from mockserver.vendor import InvalidTarget

    try:
        with _vendor(options) as vendor:
            session = _session(vendor, journal, options)
            if options["stage"] == "delete-leftovers":
                return _delete_leftovers(session)
            return _measure(session, options)
    except InvalidTarget as error:
        raise click.UsageError(str(error)) from None
    except CouldNotMeasure as error:
        raise click.ClickException(str(error)) from None
    except Interrupted as error:
        click.echo("vambe-mock: " + "; ".join(["interrupted", *report.remaining(session)]), err=True)
        return 128 + error.number


def api_key(variable: str) -> str:
    """The API key in a variable of the environment; raises UsageError."""
    if not (key := os.environ.get(variable)):
        name = variable if variable == KEY_VARIABLE else "that --key-env names"  # it may be the key, by mistake
        raise click.UsageError(f"the variable {name} is not set: put the API key into it")
    return key


def connected(target: str, key: str, **settings: Any) -> Vendor:
    """A connection to the vendor; warns of a key that is sent unencrypted over a network. Raises InvalidTarget."""
    from mockserver.vendor import Vendor

    vendor = Vendor(target, key, **settings)
    if vendor.is_exposed:
        click.echo("vambe-mock: the key is sent unencrypted: use https, unless the target is a mock", err=True)
    return vendor


def _journal(options: dict[str, Any]) -> Journal:
    from mockserver.client.client import Client
    from mockserver.conform.journal_entries import read_journal

    return read_journal(Client(remote.server_url(options["url"], None), options["sandbox"], options["admin_token"]))


def _plan(journal: Journal | None) -> tuple[list[Document], Iterable[str]]:
    """The requests that would be sent, as JSON and as text."""
    from mockserver.conform import journal_report, report

    if journal is None:
        return report.plan_document(), report.plan()
    return journal_report.plan_document(journal), journal_report.plan(journal)


def _session(vendor: Vendor, journal: Journal | None, options: dict[str, Any]) -> Session:
    from mockserver.conform.replay import Replay
    from mockserver.conform.session import Session

    if journal is None:
        return Session(vendor, _given(options), _progress(options["stage"]))
    progress = _progress(options["stage"], len(journal.entries) + _LOOKUPS)
    return Replay(vendor, _given(options), progress, journal, dict(map(_pair, options["maps"])))


def _pair(text: str) -> tuple[str, str]:
    """The two ids of a `--map`."""
    old, _, new = text.partition("=")
    if not (ids.is_id(old) and ids.is_id(new)):
        raise click.UsageError(f"--map {text}: it must be two UUIDs, MOCK_ID=VENDOR_ID")
    return old, new


def _vendor(options: dict[str, Any]) -> Vendor:
    from mockserver.conform import report

    if not options["target"]:
        raise click.UsageError("--target is missing: give the vendor's host, such as https://api.vambe.me")
    key = api_key(options["key_env"])
    if file := options["evidence"]:
        try:
            report.check_writable(file)
        except OSError as error:
            raise click.UsageError(f"--evidence {printable(file)}: {error.strerror or error}") from None
    limits = {"budget": options["budget"], "pause_s": options["pause"], "timeout_s": options["timeout"]}
    return connected(options["target"], key, **limits)


def _given(options: dict[str, Any]) -> dict[str, str]:
    """The ids that the caller has given, by the names of the probes."""
    found = {}
    for name, flag in (("USER", "responsible"), ("CONTACT", "contact"), ("INACTIVE", "inactive_user")):
        if options[flag]:
            if not ids.is_id(options[flag]):
                raise click.UsageError(f"--{flag.replace('_', '-')} {options[flag]}: it is not a UUID")
            found[name] = options[flag]
    return found


def _measure(session: Session, options: dict[str, Any]) -> int:
    from mockserver.conform import journal_report, report
    from mockserver.conform.replay import Replay
    from mockserver.conform.verdicts import is_refuted

    if options["stage"] == "refusals":
        click.echo(_MAY_CREATE, err=True)
    session.measure(options["stage"])
    found = session.verdicts()
    if options["as_json"]:
        journal = {"journal": journal_report.document(session)} if isinstance(session, Replay) else {}
        click.echo(json.dumps({**report.document(session, found), **journal}))
    else:
        _echo(journal_report.lines(session) if isinstance(session, Replay) else ())
        _echo(report.lines(session, found))
    if options["evidence"]:
        report.write(options["evidence"], report.evidence(session.vendor.host, found))
    for id, why in session.not_deleted.items():
        click.echo(f"vambe-mock: task {id} was not deleted: {printable(why)}", err=True)
    if session.stopped:
        raise click.ClickException(f"not everything was measured: {session.stopped}")
    return int((isinstance(session, Replay) and session.differs) or any(map(is_refuted, found.values())))


def _delete_leftovers(session: Session) -> int:
    from mockserver.conform import report

    session.delete_leftovers()
    for id, run in session.leftovers.items():
        if id not in session.not_deleted:
            click.echo(f"deleted task {id} of the run {run}")
    if not session.leftovers:
        click.echo("no run has left a task")
    _echo(report.not_deleted(session))
    return 2 if session.not_deleted else 0


def _progress(stage: str, requests: int | None = None) -> Callable[[Probe, Answer | str, Iterable[str]], None]:
    """Print a line for each of the probes, or of so many requests, on a terminal."""
    from mockserver.conform import probes

    if not sys.stderr.isatty():
        return lambda *_: None
    of_stage = sum(1 for _ in probes.upto(stage)) if stage in probes.STAGES else _LOOKUPS
    count = requests or of_stage
    numbers = itertools.count(1)

    def notify(probe: Probe, answer: Answer | str, settled: Iterable[str]) -> None:
        shown = answer if isinstance(answer, str) else f"{answer.status}  {', '.join(settled)}"
        click.echo(f"[{next(numbers)}/{count}] {probe.name}: {printable(shown)}", err=True)

    return notify


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(printable(line))
