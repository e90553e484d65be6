"""Clients that tools generate from `/openapi.json`: the README's request compiles and runs, and errors are typed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from support import ROOT, Api, check_that_there_is_node, missing, plain_environment

SOURCES = Path(__file__).parent / "data" / "clients"
NPM = Path(sys.prefix) / "npm" / "node_modules"
SEEN = {
    "due_at": "2025-11-26T17:30:00.000Z",
    "message": "Task not found",
    "statusCode": 404,
    "name": "Camila Fernández Soto",
}
TSC = "typescript/bin/tsc"
GENERATORS = {
    "openapi_fetch.ts": ["openapi-typescript/bin/cli.js", "openapi.json", "-o", "generated.d.ts"],
    "hey_api.ts": ["@hey-api/openapi-ts/bin/run.js", "-s"],
}


@pytest.fixture
def folder(api: Api, tmp_path: Path) -> Path:
    """A folder with the description, as the server has it."""
    (tmp_path / "openapi.json").write_bytes(httpx.get(f"{api.url}/openapi.json").content)
    return tmp_path


def run(line: Sequence[object], folder: Path, api: Api | None = None) -> str:
    """Run a command in the folder; returns what it prints."""
    known = {"VAMBE_API_URL": api.url, "VAMBE_API_KEY": api.key} if api else {}
    ended = subprocess.run(
        [str(part) for part in line],
        cwd=folder,
        env=plain_environment(**known),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("source", GENERATORS)
def test_a_client_in_typescript_compiles_runs_and_has_typed_errors(source: str, api: Api, folder: Path) -> None:
    check_that_there_is_node()
    script, *arguments = GENERATORS[source]
    for needed in (script, TSC):
        if not (NPM / needed).exists():
            missing(f"there is no {NPM / needed}: the line `npm_packages npm` of {ROOT / '.ci' / 'run'} installs it")
    (folder / "node_modules").symlink_to(NPM, target_is_directory=True)
    (folder / "package.json").write_text('{"type": "module"}')
    for settings in ("tsconfig.json", "openapi-ts.config.js"):
        shutil.copy(SOURCES / settings, folder)
    shutil.copy(SOURCES / source, folder / "use.ts")
    run(["node", NPM / script, *arguments], folder)
    run(["node", NPM / TSC], folder)
    assert json.loads(run(["node", "compiled/use.js"], folder, api)) == SEEN


@pytest.mark.skipif(sys.version_info < (3, 11), reason="openapi-python-client needs Python 3.11")
def test_a_client_in_python_runs_and_has_typed_errors(api: Api, folder: Path) -> None:
    generator = [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none"]
    run([*generator, "--output-path", "generated"], folder)
    shutil.copy(SOURCES / "openapi_python_client.py", folder / "use.py")
    assert json.loads(run([sys.executable, "use.py"], folder, api)) == SEEN
