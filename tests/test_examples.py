"""The examples hold: the commands of their README, of the workflow and of the compose file are run as by a user."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from support import ROOT, plain_environment, wait_until

from mockserver.config import Settings

EXAMPLES = ROOT / "examples"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((EXAMPLES / "ci" / "github-actions.yml").read_text(encoding="utf-8"))
COMPOSE = (EXAMPLES / "ci" / "compose.yaml").read_text(encoding="utf-8")

TOKEN = "compose-token"

# What a command that has done its work prints; a runner that has found no tests would end well, too.
PROOF = {
    "pytest": r"\b[1-9][0-9]* passed in ",
    "-n 2": r"2 workers",
    "exec -- python -m pytest": r"sandboxes of the server at http://127\.0\.0\.1:",
    "unittest": r"\bRan [1-9]",
    "./create_task.sh": r"^\[deal:4711\] has its task$",
    "./test_create_task.sh": r'(?s)a lost answer.*"passed":true.*an outage.*"passed":true,"actual":3}$',
}


@dataclass(frozen=True)
class Command:
    """A command line, and the folder of the examples in which it is run."""

    folder: str
    line: str

    def __str__(self) -> str:
        return f"{self.folder}: {self.line}"


def of_the_readme() -> list[Command]:
    """The commands of the table."""
    rows = re.findall(r"^\| \[(\w+)\]\(\1\) \|.*\| `([^`]+)` \|$", README, re.MULTILINE)
    return [Command(folder, line) for folder, line in rows]


def of_the_workflow() -> list[Command]:
    """The commands of the steps, but for installations."""
    return [
        Command(Path(step["working-directory"]).name, step["run"])
        for job in WORKFLOW["jobs"].values()
        for step in job["steps"]
        if "run" in step and " pip install " not in step["run"]
    ]


# Other people have no plugins of our other tests, which take longer to import than these tests take.
OPTIONS = " ".join(
    f"-p no:{name}" for name in ("anyio", "cacheprovider", "hypothesispytest", "pytest_cov", "schemathesis")
)


@dataclass(frozen=True)
class Mutant:
    """A client without its look, the command that must find it, and what that tells."""

    file: str
    look: str
    command: Command
    proofs: Sequence[str]


LOST = "fault 1: reset, after the commit"
MUTANTS = [
    Mutant(
        "followups.py",
        "found(vambe, deal) or ",
        Command("python", "python -m pytest -k lost"),
        [r"\b7 failed", "vambe-mock requests of sandbox", LOST, "a retry should look first"],
    ),
    Mutant(
        "create_task.sh",
        'case $answer in *"[$reference]"*) return 0 ;; esac',
        Command("shell", "vambe-mock exec -- ./test_create_task.sh"),
        ["Expected exactly 1, but the journal has 2", LOST],
    ),
]

COMMANDS = list(dict.fromkeys([*of_the_readme(), *of_the_workflow()]))


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the examples, with nothing that an earlier run has left."""
    left = shutil.ignore_patterns("__pycache__", ".*_cache")
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=left))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with `vambe-mock` and `python` on the path, in which nothing of these tests' own run is found."""
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, words in (("vambe-mock", "-m mockserver "), ("python", "")):
        shim = commands / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        shim.chmod(0o755)
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"
    of_this_run = re.compile("PYTEST_|COVERAGE_|COV_|VAMBE_")
    inherited = {name: value for name, value in plain_environment(PATH=path).items() if not of_this_run.match(name)}
    return {**inherited, "PYTEST_ADDOPTS": OPTIONS, "PYTHONDONTWRITEBYTECODE": "1"}


def ended(line: str | Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a shell when it is one text."""
    words = ["sh", "-e", "-c", line] if isinstance(line, str) else line
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=120)


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_every_command_of_the_readme_and_of_the_workflow_does_its_work(
    command: Command, examples: Path, environment: dict[str, str]
) -> None:
    run = ended(command.line, examples / command.folder, environment)
    told = run.stdout + run.stderr
    assert run.returncode == 0, told
    proofs = [proof for part, proof in PROOF.items() if part in command.line]
    assert proofs
    for proof in proofs:
        assert re.search(proof, told, re.MULTILINE), told


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.command.folder)
def test_the_tests_find_a_client_that_does_not_look_before_it_tries_again(
    mutant: Mutant, examples: Path, environment: dict[str, str]
) -> None:
    file = examples / mutant.command.folder / mutant.file
    original = file.read_text(encoding="utf-8")
    assert original.count(mutant.look) == 1
    file.write_text(original.replace(mutant.look, ""), encoding="utf-8")
    run = ended(mutant.command.line, examples / mutant.command.folder, environment)
    told = run.stdout + run.stderr
    assert run.returncode != 0
    for proof in mutant.proofs:
        assert re.search(proof, told), told


def test_the_readme_has_no_command_beside_those_of_its_table() -> None:
    programs = re.compile(r"(\./|(sh|pip|python3?|vambe-mock|docker|curl) )")
    spans = {span for span in re.findall(r"`([^`\n]+)`", README) if programs.match(span)}
    assert spans == {command.line for command in of_the_readme()}
    assert "```" not in README


def test_the_readme_has_a_row_for_each_folder_with_tests() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert {command.folder for command in of_the_readme()} == folders - {"ci", "containers", "scaling"}


def test_the_workflow_installs_before_it_runs_and_uses_known_actions() -> None:
    (job,) = WORKFLOW["jobs"].values()
    kinds = "".join("u" if "uses" in step else "i" if " pip install " in step["run"] else "r" for step in job["steps"])
    assert re.fullmatch("u+ir+", kinds)
    for step in job["steps"]:
        if "uses" in step:
            assert re.fullmatch(r"actions/(checkout|setup-python|setup-node)@v\d+", step["uses"])
        else:
            assert set(step) == {"name", "working-directory", "run"}
            assert (ROOT / step["working-directory"]).is_dir()
    assert {command.folder for command in of_the_workflow()} == {command.folder for command in of_the_readme()}


def compose(token: str) -> dict[str, Any]:
    """The services of the compose file, where the environment has this token."""
    text = re.sub(r"\$\{VAMBE_MOCK_ADMIN_TOKEN:\?[^}]*\}", token, COMPOSE)
    assert "${" not in text
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


def test_the_images_of_the_compose_file_have_what_their_services_need(examples: Path) -> None:
    (folder,) = re.findall(r"pip wheel --no-deps --wheel-dir examples/(\S+) \.$", COMPOSE, re.MULTILINE)
    (examples / folder).mkdir()
    services = compose(TOKEN)
    assert (EXAMPLES / "ci" / services["vambe"]["build"] / "Dockerfile").samefile(ROOT / "Dockerfile")
    build = services["tests"]["build"]
    lines = build["dockerfile_inline"].splitlines()
    assert f"{lines[0]} AS build\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (install,) = (line for line in lines if "pip install" in line)
    context = examples / "ci" / build["context"]
    copied = dict(line.split()[1:] for line in lines if line.startswith("COPY "))
    assert all((context / name).exists() for name in copied)
    assert (context / "wheels").samefile(examples / folder)
    assert f" {copied['wheels']}/vambe_mock-*.whl" in install


def test_the_services_of_the_compose_file_work_together(
    examples: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    services = compose(TOKEN)
    vambe, tests = services["vambe"], services["tests"]
    assert tests["depends_on"] == {"vambe": {"condition": "service_healthy"}}
    asked = urlsplit(tests["environment"]["VAMBE_MOCK_URL"])
    assert (asked.hostname, asked.port) == ("vambe", Settings().port)

    ready = tmp_path / "ready.json"
    on_a_free_port = {"VAMBE_MOCK_PORT": "0", "VAMBE_MOCK_READY_FILE": str(ready)}
    settings = vambe["environment"] | on_a_free_port | {"VAMBE_MOCK_HOST": "0.0.0.0"}  # as the image has it
    process = subprocess.Popen(["vambe-mock"], env=environment | settings, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None)
        port = urlsplit(json.loads(ready.read_text())["url"]).port
        url = f"http://127.0.0.1:{port}"

        _, *check = vambe["healthcheck"]["test"]
        assert ended(check, tmp_path, environment | vambe["environment"] | {"VAMBE_MOCK_URL": url}).returncode == 0

        under_its_name = {"host": f"vambe:{port}"}
        assert httpx.get(f"{url}/__admin/health", headers=under_its_name).status_code == 200
        assert httpx.get(f"{url}/__admin/state", headers=under_its_name).status_code == 401

        run = ended(tests["command"], examples / "python", environment | tests["environment"] | {"VAMBE_MOCK_URL": url})
        assert run.returncode == 0, run.stdout + run.stderr
        assert f"sandboxes of the server at {url}" in run.stdout
        assert re.search(PROOF["pytest"], run.stdout)
    finally:
        process.terminate()
        process.wait(10)
    assert ended(check, tmp_path, environment | {"VAMBE_MOCK_URL": url}).returncode == 1
