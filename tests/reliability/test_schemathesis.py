"""Schemathesis's own command against a server: all of its checks, in all of its phases."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import Api, plain_environment

TESTS = Path(__file__).parent.parent
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")


@pytest.mark.parametrize("examples", [5, pytest.param(1_000, marks=pytest.mark.slow)])
def test_no_check_of_schemathesis_fails(examples: int, api: Api, tmp_path: Path) -> None:
    """Beside `test_openapi.py`, whose requests work: methods, headers and keys left out, and requests in sequences."""
    assert api.client.patch("/__admin/settings", json={"assume": {"wrong-method": "405"}}).is_success  # or 404 is wrong
    environment = plain_environment(SCHEMATHESIS_HOOKS="reliability.schemathesis_hooks")
    environment["PYTHONPATH"] = os.pathsep.join([str(TESTS), environment["PYTHONPATH"]])
    options: dict[str, object] = {
        "--header": f"x-api-key: {api.key}",
        "--checks": "all",
        "--phases": ",".join(PHASES).lower(),
        "--max-examples": examples,
        "--generation-allow-x00": "false",  # refused everywhere, which no schema can say
        "--generation-database": "none",
    }
    if examples < 100:
        options["--seed"] = 1
    line = [sys.executable, "-m", "schemathesis.cli", "run", f"{api.url}/openapi.json", "--no-color"]
    line += [str(part) for option in options.items() for part in option]
    ended = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")
    print(ended.stdout)
    assert ended.returncode == 0, ended.stdout[-5_000:] + ended.stderr
    assert re.findall(r"✅ (\w+)$", ended.stdout, re.MULTILINE) == list(PHASES)
