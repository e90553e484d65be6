"""Commands for a running server: `reset`, `requests`, `healthcheck`, `env`."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from typing import Any

import click

from mockserver import config
from mockserver.cli import variables
from mockserver.cli.variables import Variables
from mockserver.client import terminal
from mockserver.client.client import CallFailed, Client, url_from
from mockserver.logs import printable

Connect = Callable[[], Client]

_URL = click.option(
    "--url",
    envvar="VAMBE_MOCK_URL",
    help="The server's URL.  [default: http://127.0.0.1:4010, or the port of VAMBE_MOCK_PORT; env: VAMBE_MOCK_URL]",
)
_READY_FILE = click.option(
    "--ready-file",
    envvar="VAMBE_MOCK_READY_FILE",
    metavar="PATH",
    help="The server's ready file, instead of --url.  [env: VAMBE_MOCK_READY_FILE]",
)
_OPTIONS = (
    _URL,
    _READY_FILE,
    click.option("--sandbox", metavar="NAME", help="The sandbox.  [default: default]"),
    click.option(
        "--admin-token",
        envvar="VAMBE_MOCK_ADMIN_TOKEN",
        metavar="TOKEN",
        help="The admin token, required off loopback.  [env: VAMBE_MOCK_ADMIN_TOKEN]",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts."),
)


def server_url(url: str | None, ready_file: str | None) -> str:
    """The URL of the server that the same environment would start; port 0 names none, so the default remains."""
    if url or ready_file:
        return url_from(url, ready_file, 0)
    port = {name: text for name, text in os.environ.items() if name == "VAMBE_MOCK_PORT"}
    return url_from(None, None, config.resolve({}, port).port or config.Settings.port)


def _remote(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select a server to a command, which takes a factory of clients instead."""

    def run(url: str | None, ready_file: str | None, sandbox: str | None, admin_token: str | None, **rest: Any) -> Any:
        return command(lambda: Client(server_url(url, ready_file), sandbox, admin_token), **rest)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    for option in reversed(_OPTIONS):
        run = option(run)
    return run


@click.command()
@click.option(
    "--to", metavar="fixtures|empty|SNAPSHOT", default="fixtures", help="The state to restore.  [default: fixtures]"
)
@click.option(
    "--only", metavar="PART", multiple=True, help="Only tasks, journal, faults, clock, ids or settings; repeatable."
)
@_remote
def reset(connect: Connect, to: str, only: tuple[str, ...], as_json: bool) -> int:
    """Reset a sandbox to the fixtures, to empty, or to a snapshot."""
    done = connect().call("POST", "/reset", {"to": to, **({"only": list(only)} if only else {})})
    click.echo(
        json.dumps(done) if as_json else f"sandbox {done['sandbox']}: {', '.join(done['only'])} reset to {done['to']}"
    )
    return 0


@click.command()
@click.option("--follow", is_flag=True, help="Print new requests as they arrive, until interrupted.")
@click.option("--operation", metavar="ID", help="Only this operation, such as createTask.")
@click.option("--status", metavar="CODE", help="Only this status.")
@click.option("--unidentified", is_flag=True, help="Show the requests whose key opens no sandbox instead.")
@_remote
def requests(
    connect: Connect, follow: bool, operation: str | None, status: str | None, unidentified: bool, as_json: bool
) -> int:
    """Show the requests, their answers, and the reasons."""
    if follow and unidentified:
        raise click.UsageError("--unidentified cannot be followed: leave out --follow")
    client = connect()
    render = json.dumps if as_json else terminal.format_entry
    stream = client.entries() if follow else iter(())
    next(stream, None)  # the stream is open: no entry is missed between the list and the stream
    whose = "true" if unidentified else None
    listed = client.call("GET", "/requests", operation=operation, status=status, unidentified=whose)["requests"]
    for entry in listed:
        click.echo(render(entry))
    if not as_json and not unidentified:
        _echo_unidentified(client)
    # Ids begin again after a reset; the stream may repeat what was listed.
    printed = {(entry["id"], entry["received_at"]) for entry in listed if entry["state"] != "pending"}
    wanted = {"operation": operation, "status": status and int(status)}
    for entry in stream:
        if not entry or entry["state"] == "pending" or (entry["id"], entry["received_at"]) in printed:
            continue
        found = {"operation": entry["operation"], "status": (entry["response"] or {}).get("status")}
        if all(value in (None, found[name]) for name, value in wanted.items()):
            click.echo(render(entry))
    return 0


def _echo_unidentified(client: Client) -> None:
    journal = client.call("GET", "/requests", unidentified="true", limit=0)
    if number := journal["total"] + journal["dropped"]:
        who = "1 request has" if number == 1 else f"{number} requests have"
        click.echo(f"({who} a key that opens no sandbox, or none: --unidentified shows them)", err=True)


@click.command()
@_remote
def healthcheck(connect: Connect, as_json: bool) -> int:
    """Exit with 0 when the server is healthy, else with 1."""
    try:
        client = connect()
        health = client.call("GET", "/health")
    except CallFailed as error:
        unreachable = json.dumps({"status": "unreachable", "message": str(error)})
        click.echo(unreachable if as_json else printable(str(error)), err=not as_json)
        return 1
    summary = f"{client.url} is {health.get('status', 'no vambe-mock')}, version {health.get('version', 'unknown')}"
    click.echo(json.dumps(health) if as_json else printable(summary))
    return 0 if health.get("status") == "healthy" else 1


@click.command()
@_URL
@_READY_FILE
@variables.chosen
def env(variables_of: Variables, url: str | None, ready_file: str | None) -> int:
    """Print shell commands that set the variables for the server.

    The server need not run yet. In a shell:

    \b
        eval "$(vambe-mock env --sandbox mine)"
    """  # noqa: D301 (click's mark)
    server = Client(server_url(url, ready_file), None)
    for name, value in variables_of(server.url).items():
        click.echo(f"export {name}={shlex.quote(value)}")
    return 0


COMMANDS = (reset, requests, healthcheck, env)
