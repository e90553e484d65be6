"""The command `pull`: fixtures of a real workspace."""

from __future__ import annotations

import json
import os
import shlex
import sys
from datetime import date, timedelta
from pathlib import Path

import click

from mockserver import clock
from mockserver.cli import measuring
from mockserver.formats import dates
from mockserver.logs import printable

_DAYS_BEFORE, _DAYS_AFTER = 30, 90
_TIMEOUT_S = 120.0  # for a list


def _date(context: click.Context, parameter: click.Parameter, text: str | None) -> date | None:
    try:
        return None if text is None else dates.parse_date(text)
    except ValueError as error:
        raise click.UsageError(f"{parameter.opts[0]}: {error}") from None


@click.command()
@click.argument("folder", metavar="DIR")
@click.option("--target", metavar="URL", required=True, help="The vendor's URL, such as https://api.vambe.me.")
@measuring.key_option
@click.option(
    "--from",
    "from_day",
    metavar="YYYY-MM-DD",
    callback=_date,
    help=f"Tasks due on this day or later.  [default: {_DAYS_BEFORE} days ago]",
)
@click.option(
    "--to",
    "to_day",
    metavar="YYYY-MM-DD",
    callback=_date,
    help=f"Tasks due on this day or earlier.  [default: in {_DAYS_AFTER} days]",
)
@click.option(
    "--days",
    metavar="NUMBER",
    type=click.IntRange(1, 365),
    default=30,
    help="Contacts with a message in so many last days, 1 to 365.  [default: 30]",
)
@click.option("--keep-people", is_flag=True, help="Keep names, e-mails, phones and texts as they are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def pull(
    folder: str,
    target: str,
    key_env: str,
    from_day: date | None,
    to_day: date | None,
    days: int,
    keep_people: bool,
    as_json: bool,
) -> int:
    """Write fixtures of a real workspace to DIR, to start with --fixtures ./DIR.

    Reads users, contacts and tasks by three GET requests, and changes nothing. The API key comes from the
    environment, and is not stored. Names, e-mails, phones, titles and descriptions are replaced by invented ones of
    the same form; ids, dates and statuses stay.

    DIR must be empty, or not exist. The exit code is 2 when there is nothing to write.
    """
    from mockserver.pull import workspace
    from mockserver.pull.typed_records import UnusableAnswer
    from mockserver.pull.workspace import CannotPull, Wanted
    from mockserver.vendor import CouldNotCheck, InvalidTarget

    today = clock.moment_of(clock.wall_ms()).date()
    first, last = from_day or today - timedelta(_DAYS_BEFORE), to_day or today + timedelta(_DAYS_AFTER)
    if first > last:
        raise click.UsageError(f"--from {first} is after --to {last}")
    key = measuring.api_key(key_env)
    try:
        with measuring.connected(target, key, pause_s=0, timeout_s=_TIMEOUT_S) as vendor:
            pulled = workspace.pull(vendor, Path(folder), Wanted(first, last, days), keep_people, _report)
    except (InvalidTarget, CouldNotCheck, UnusableAnswer, CannotPull) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(pulled.document()))
        return 0
    counts = ", ".join(f"{number} {name}" for name, number in pulled.counts.items() if number)
    click.echo(f"wrote {counts} to {folder}")
    for note in pulled.notes:
        click.echo(f"  {printable(note)}")
    name = folder if os.path.dirname(folder) else f"./{folder}"  # noqa: PTH120 (pathlib drops the "./")
    click.echo(f"start with: vambe-mock serve --fixtures {shlex.quote(name)} --clock {pulled.clock}")
    return 0


def _report(line: str) -> None:
    """Print a line of progress, for a person at a terminal."""
    if sys.stderr.isatty():
        click.echo(printable(line), err=True)
