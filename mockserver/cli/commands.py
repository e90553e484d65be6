"""The commands of `vambe-mock`, and their exit codes."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mockserver import __version__, config, fixtures, serving
from mockserver.cli import variables
from mockserver.cli.variables import Variables
from mockserver.client import terminal
from mockserver.client.client import CallFailed
from mockserver.config import SETTINGS, InvalidSetting
from mockserver.fidelity import evidence
from mockserver.fidelity.assumptions import ASSUMPTIONS
from mockserver.formats.json import Document, quoted
from mockserver.logs import printable
from mockserver.store.transactions import UnusableDatabase

DEFAULT_COMMAND = "serve"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 for success, 1 when a check found problems, 2 when it could not run."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack characters of the fixtures
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in ("--help", "-h", "--version")):
        given.insert(0, DEFAULT_COMMAND)
    try:
        sys.exit(command.main(given, prog_name="vambe-mock", standalone_mode=False))
    except click.ClickException as error:
        _stop(error.format_message())
    except (InvalidSetting, fixtures.InvalidFixtures, UnusableDatabase, serving.CannotListen, CallFailed) as error:
        _stop(str(error))
    except OSError as error:
        serving.discard_output()
        _stop(f"{quoted(error.filename) if error.filename else 'standard output'}: {error.strerror or error}")
    except click.Abort:
        sys.exit(130)


def _stop(cause: str) -> None:
    click.echo("vambe-mock: " + printable(" ".join(cause.split())), err=True)
    sys.exit(2)


class _Commands(click.Group):
    """The commands; those of other modules are imported when one of them, or a list of all, is needed."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or None."""
        if cmd_name not in self.commands:
            self._import()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        self._import()
        return super().list_commands(ctx)

    def _import(self) -> None:
        from mockserver.cli import measuring, pulling, remote

        for other in (*remote.COMMANDS, measuring.conform, pulling.pull):
            self.add_command(other)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="vambe-mock %(version)s")
def command() -> None:
    """An emulator of the task API of Vambe, a conversational CRM.

    Without a command it serves: "vambe-mock --port 0" is "vambe-mock serve --port 0".
    """


@command.command(DEFAULT_COMMAND)
def serve(**options: Any) -> None:
    """Start the server and print its URL, a key, and a first request.

    Logs go to standard error. On SIGINT and SIGTERM it finishes the requests in flight and exits with 0.
    """
    serving.serve(config.resolve(_texts(options), os.environ))


def _texts(options: dict[str, Any]) -> dict[str, Any]:
    return {name: ("true" if given is True else None if given is False else given) for name, given in options.items()}


def _option(setting: config.Setting, origin: str | None = None) -> click.Option:
    help = f"{setting.help}  [{origin or f'default: {setting.shown}; env: {setting.variable}'}]"
    if setting.kind == "switch":
        return click.Option([setting.flag], is_flag=True, help=help)
    repeatable = setting.is_repeatable
    help = help.replace("  [", "  [repeatable; ") if repeatable else help
    return click.Option([setting.flag], metavar=setting.metavar, multiple=repeatable, help=help)


serve.params += map(_option, SETTINGS)

_EVIDENCE = next(setting for setting in SETTINGS if setting.name == "evidence")
_OF_SWITCHES = ("VAMBE_MOCK_ASSUME", _EVIDENCE.variable)
_NOT_FOR_EXEC = ("VAMBE_MOCK_JSON", "VAMBE_MOCK_READY_FILE", "VAMBE_MOCK_STOP_WITH_STDIN")
_FREE_PORT = {"VAMBE_MOCK_PORT": "0"}
_ORIGINS = {
    "port": "default: a free one, whatever VAMBE_MOCK_PORT says",
    "admin_token": "default: a random one, for the command; env: VAMBE_MOCK_ADMIN_TOKEN",
}


@command.command("exec", context_settings={"allow_interspersed_args": False})
@variables.chosen
@click.argument("words", metavar="[--] COMMAND...", nargs=-1, type=click.UNPROCESSED)
def execute(variables_of: Variables, words: tuple[str, ...], **options: Any) -> int:
    """Run a command with a server of its own, and exit with its exit code.

    The server listens on a free port while the command runs. The command finds its URL and a key in the
    environment:

    \b
        vambe-mock exec -- pytest -n 8
        vambe-mock exec --fixtures demo --url-variable API_URL -- npm test

    VAMBE_MOCK_URL is set too, for commands such as "vambe-mock requests". When the command fails, the requests
    that were refused are printed to standard error, with the reasons. A file vambe-evidence.json in the current
    directory is used as by --evidence, and named on standard error; --evidence "" ignores it.

    The exit code is the command's: 128 plus the signal's number when a signal ended it, 126 when it cannot be
    executed, 127 when it is not found; and 2 when the server cannot start.
    """  # noqa: D301 (click's mark)
    from mockserver.cli import executing

    if not words:
        raise click.UsageError("exec: there is no command to run; for example: vambe-mock exec -- pytest")
    environment = {name: text for name, text in os.environ.items() if name not in _NOT_FOR_EXEC}
    return executing.execute(_with_found_evidence(options, {**environment, **_FREE_PORT}), words, variables_of)


def _with_found_evidence(options: dict[str, Any], environment: Mapping[str, str]) -> config.Settings:
    """Resolve the settings with the evidence in the current directory, and name it, unless some or none is given."""
    is_given = options[_EVIDENCE.name] is not None or _EVIDENCE.variable in environment
    if is_given or not Path(evidence.FILE).is_file():
        return config.resolve(_texts(options), environment)
    settings = config.resolve(_texts({**options, _EVIDENCE.name: evidence.FILE}), environment)
    if settings.evidence:
        click.echo(f"vambe-mock: evidence {evidence.FILE}, {printable(settings.evidence.origin)}", err=True)
    return settings


execute.params += [
    _option(setting, _ORIGINS.get(setting.name)) for setting in SETTINGS if setting.variable not in _NOT_FOR_EXEC
]


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def assumptions(as_json: bool, **options: Any) -> None:
    """List the guesses about the vendor that have alternatives, for --assume NAME=VALUE.

    The first value of each is the default. With evidence, or a file vambe-evidence.json in the current directory, a
    guess that was measured says so, and which value was; it is refuted if VAMBE_MOCK_ASSUME has another one.
    """
    environment = {name: text for name, text in os.environ.items() if name in _OF_SWITCHES}
    settings = _with_found_evidence(options, environment)
    found, documents = settings.evidence, [each.document() for each in ASSUMPTIONS]
    if found:
        labels, measured = found.labels(settings.assumed), found.switches()
        documents = [_measured(each, labels, measured) for each in documents]
    if as_json:
        click.echo(json.dumps({"assumptions": documents}))
        return
    for each, document in zip(ASSUMPTIONS, documents, strict=True):
        click.echo(f"{each.name}  ({terminal.evidence_of(document)}: {each.why})")
        for value, meaning in each.values.items():
            mark = "  [measured]" if document.get("measured") == value else ""
            click.echo(f"  {each.name}={value}".ljust(40) + meaning.replace("`", "") + mark)


def _measured(switch: Document, labels: Mapping[str, Document], measured: Mapping[str, str]) -> Document:
    """A switch as JSON, labelled by what was measured, and with the value that fits."""
    name = switch["name"]
    value = {"measured": measured[name]} if name in measured else {}
    return {**switch, **labels.get(name, {}), **value}


assumptions.params.append(_option(_EVIDENCE))


@command.group("fixtures")
def fixtures_group() -> None:
    """Check or copy fixtures, the initial state of every sandbox."""


@fixtures_group.command()
@click.argument("folder", metavar="DIR")
def validate(folder: str) -> int:
    """Check a folder of fixtures: print every problem with its file and JSON path; exit with 1 if there are any."""
    try:
        loaded = fixtures.load(_as_folder(folder))
    except fixtures.InvalidFixtures as error:
        for problem in error.problems:
            click.echo(problem)
        return 1
    counts = ", ".join(f"{len(records)} {name}" for name, records in loaded.document.items())
    click.echo(f"{folder} is valid: {counts}, {len(loaded.api_keys)} api_keys")
    return 0


@fixtures_group.command()
@click.argument("folder", metavar="DIR")
@click.option(
    "--from", "source", metavar="NAME|DIR", default=fixtures.DEFAULT, help="The fixtures to copy.  [default: default]"
)
def init(folder: str, source: str) -> None:
    """Copy fixtures to DIR, to edit and to start with --fixtures ./DIR.

    Existing files are never overwritten: if there are any, nothing is written, and the exit code is 2.
    """
    target = Path(folder)
    originals = fixtures.files(source)
    present = [name for name in originals if (target / name).exists()]
    if present:
        raise click.ClickException(f"{folder}: {', '.join(present)} is there already; choose another folder")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, path in originals.items():
            shutil.copyfile(path, target / name)
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}") from None
    click.echo(f"wrote {', '.join(originals)} to {folder}; start with --fixtures {_as_folder(folder)}")


def _as_folder(text: str) -> str:
    """Write the name of a folder such that `--fixtures` does not take it for a shipped name."""
    return text if os.path.dirname(text) else f"./{text}"  # noqa: PTH120 (pathlib drops the "./")
