"""The benchmarks' page is that of the result kept beside them, and the walk of one create can be counted."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.page")


def test_the_page_and_the_picture_are_those_of_the_result(
    page: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    monkeypatch.setattr(page, "DOCS", tmp_path)
    page.write(json.loads(page.RESULT.read_text(encoding="utf-8")))
    for name in ("benchmarks.md", "images/benchmarks.svg"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("creates", "verdict"),
    [
        ({"vambe-mock": 280, "json-server": 100}, "| ≥ 2.8×  | 2.800×   | met"),
        ({"vambe-mock": 279, "json-server": 100}, "| ≥ 2.8×  | 2.790×   | **missed**"),
        ({"vambe-mock": 280}, "| ≥ 2.8×  | –        | not measured"),
    ],
)
def test_a_goal_is_met_from_its_bound_on(page: ModuleType, creates: dict[str, float], verdict: str) -> None:
    others = {"p99": [1.0], "without socket": [1.0], "suite": [1.0], "start": [1.0]}
    samples = {name: {"creates": [rate], **others} for name, rate in {"moto": 1, **creates}.items()}
    [line] = re.findall(r"\| creates a second, beside json-server .*", page.tables({"samples": samples}))
    assert verdict in line


def test_the_suite_is_compared_with_the_fastest_peer(page: ModuleType) -> None:
    walls = {"vambe-mock": 0.7, "base": 0.1, "Prism": 1.0, "moto": 2.0}
    others = {"creates": [1.0], "lists": [1.0], "p99": [1.0], "without socket": [1.0], "start": [1.0]}
    samples = {name: {"suite": [wall], **others} for name, wall in walls.items()}
    assert re.search(r"fastest peer, Prism +\| ≤ 0\.75× \| 0\.700× +\| met", page.tables({"samples": samples}))


def test_the_walk_of_a_create_is_counted() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "benchmarks.walk"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    figures = {name: int(figure) for name, figure in re.findall(r"^(.+?) +(\d+)(?: |$)", printed, re.MULTILINE)}
    assert figures["calls"] > figures["changes of file"] >= figures["files"] - 1 > 0
    assert 1 < figures["files that the title passes"] <= figures["changes of file by the title"] + 1
    assert printed.count("goal: at most") == 3
