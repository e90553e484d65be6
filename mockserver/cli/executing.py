"""A server for as long as a command runs: `vambe-mock exec`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

import click

from mockserver import logs, serving
from mockserver.cli import child, refusals
from mockserver.cli.variables import Variables
from mockserver.config import Settings
from mockserver.logs import printable
from mockserver.serving import Opened

_NEAR = ("127.0.0.1", "localhost", "::1")


def execute(settings: Settings, command: Sequence[str], variables_of: Variables) -> int:
    """Run a command with a server of its own; its exit code.

    When it failed, standard error tells which requests were refused. Raises CannotListen, `InvalidFixtures` or
    `UnusableDatabase` before the command is started.
    """
    logs.configure("json" if settings.log_format == "json" else "text", access=False)
    child.end_on_signals()
    with serving.opened(settings) as opened:
        before = refusals.ends(opened.mock)
        opened.server.start()
        try:
            code = child.run(command, _without_proxy({**os.environ, **_own(opened), **variables_of(opened.server.url)}))
        except child.CannotRun as error:
            _say(f"vambe-mock: {printable(str(error))}")
            return error.code
        if code:
            first, *others = refusals.told(opened.mock, before)
            _say("\n".join([f"vambe-mock: the command ended with {code}; {first}", *others]))
    return code


def _own(opened: Opened) -> dict[str, str]:
    """The variables that the commands of vambe-mock read, and its pytest plugin."""
    token = opened.mock.settings.admin_token
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


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody may read it, and the exit code is the command's all the same
        click.echo(text, err=True)
