"""docs/architecture.md shows the floors that the import contracts in setup.cfg hold, and says where changes go."""

from __future__ import annotations

import configparser
import itertools
import re
from pathlib import Path

import pytest
from support import ROOT

PACKAGE = ROOT / "mockserver"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def picture() -> list[set[str]]:
    """The floors of the picture, from the top: the names in each box, without its title."""
    flowchart = PAGE.partition("```mermaid\nflowchart")[2].partition("```")[0]
    return [set(re.split(r"<br>|, ", names)) for names in re.findall(r'\["<b>[^<]+</b><br>([^"]+)"\]', flowchart)]


def contract() -> list[set[str]]:
    """The layers of the contract, from the top: the modules in each."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = parser["importlinter:contract:floors"]["layers"].split("\n")
    return [set(re.split(r" [|:] ", line)) for line in lines if line]


def test_the_picture_has_every_module_that_the_contract_has() -> None:
    shown = [name for floor in picture() for name in floor]
    assert sorted(shown) == sorted(name for layer in contract() for name in layer)


def test_no_floor_of_the_picture_is_below_one_that_may_not_import_it() -> None:
    height = {name: -number for number, layer in enumerate(contract()) for name in layer}
    floors = picture()
    for above, below in itertools.pairwise(floors):
        assert min(height[name] for name in above) >= max(height[name] for name in below), (above, below)


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in PACKAGE.rglob("*/*.py")}), ids=lambda folder: folder.name
)
def test_a_folder_says_what_its_modules_are(folder: Path) -> None:
    text = (folder / "__init__.py").read_text(encoding="utf-8").split('"""')[1]
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert sorted(modules - {"__init__"} - set(re.findall(r"`(\w+)`", text))) == []


def test_the_page_says_of_at_least_twelve_changes_where_they_go() -> None:
    table = PAGE.partition("| change | files | tests |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = table.splitlines()
    assert len(rows) >= 12
    assert all("](../mockserver/" in row and "`tests/test_" in row for row in rows)
