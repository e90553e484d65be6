"""The servers that are measured, read from `configs/servers.json`, and their installation."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "benchmarks" / "configs"
OURS, BASE = "vambe-mock", "base"

NUMBER = "@@@@@@@@"  # of the test or the request: eight digits
TASK_ID = "@ID@"  # of the task that was created last
KEY = "@KEY@"  # the part of the API key that names a sandbox

_TEST = ("clean", "table", "create", "list", "update", "refuse", "delete")
_INSTALL = {
    "npm": ["npm install --silent --no-audit --no-fund --prefix FOLDER PACKAGE"],
    "pip": ["PYTHON -m venv FOLDER", "FOLDER/bin/pip install --quiet PACKAGE"],
    "git": [
        "git archive --format=tar.gz --prefix=vambe-mock/ --output=FOLDER/source.tar.gz PACKAGE",
        "PYTHON -m venv FOLDER",
        "FOLDER/bin/pip install --quiet FOLDER/source.tar.gz httpx",
    ],
}


@dataclass(frozen=True)
class Call:
    """A request with placeholders, and the statuses and the text of a correct answer.

    `for_each` is then called for every task that the answer lists.
    """

    name: str
    request: str
    statuses: Sequence[int]
    contains: str
    for_each: Call | None


@dataclass(frozen=True)
class Server:
    """A server: a package, and the command that starts it, with the placeholders FOLDER and PORT.

    `differs` names the calls that it does not answer as a test expects; `shown` describes it on the page.
    """

    name: str
    installer: str
    package: str
    command: str
    calls: Mapping[str, Call]
    differs: Sequence[str]
    shown: Mapping[str, str]

    @property
    def is_own(self) -> bool:
        """True for a commit of this project."""
        return self.installer == "git"

    def line(self, template: str, port: int = 0) -> list[str]:
        """A command with its placeholders replaced, to be run in the root of the project."""
        folder = "benchmarks/.servers/" + re.sub("[^a-z0-9.]+", "-", self.package.lower()).strip("-")
        places = {"FOLDER": folder, "PACKAGE": self.package, "PYTHON": sys.executable, "PORT": str(port)}
        return [re.sub("|".join(places), lambda found: places[found[0]], word) for word in shlex.split(template)]


def configured() -> list[Server]:
    """The project and its peers."""
    return [_server(**server) for server in json.loads((CONFIGS / "servers.json").read_text(encoding="utf-8"))]


def at_commits(base: str | None) -> list[Server]:
    """The project at HEAD, the project at the base commit if there is one, and the peers."""
    ours, *peers = configured()
    bases = [replace(ours, name=BASE, package=_commit(base))] if base else []
    return [replace(ours, package=_commit(ours.package)), *bases, *peers]


def install(server: Server) -> None:
    """Install a server into a folder of its version, unless it is already there."""
    folder, program = ROOT / server.line("FOLDER")[0], server.line(server.command)[0]
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for template in _INSTALL[server.installer]:
            try:
                subprocess.run(server.line(template), cwd=ROOT, check=True)  # noqa: S603
            except (OSError, subprocess.CalledProcessError) as error:
                raise click.ClickException(f"{server.name} cannot be installed: {error}") from None
        (folder / "installed").touch()
    if shutil.which(program) is None and not os.access(ROOT / program, os.X_OK):
        raise click.ClickException(f"{server.name} needs {program} on the PATH; name the peers to measure with --peer")


def _commit(name: str) -> str:
    command = ["git", "rev-parse", "--verify", "--short=10", f"{name}^{{commit}}"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def _server(tasks: str, calls: Mapping[str, Any], **server: Any) -> Server:
    """A server with the calls of a file, overridden by its own."""
    calls = {**json.loads((CONFIGS / tasks).read_text(encoding="utf-8")), **calls}
    return Server(calls={name: _call(name, calls[name]) for name in _TEST if name in calls}, **server)


def _call(name: str, call: Mapping[str, Any]) -> Call:
    content = json.dumps(call["body"]) if "body" in call else ""
    headers = {"Host": "127.0.0.1", **call.get("headers", {})} | ({"Content-Length": len(content)} if content else {})
    fields = [f"{field}: {value}" for field, value in headers.items()]
    request = "\r\n".join([f"{call['method']} {call['path']} HTTP/1.1", *fields, "", content])
    for_each = _call(name, call["for_each"]) if "for_each" in call else None
    return Call(name, request, call.get("statuses", [200]), call.get("contains", ""), for_each)
