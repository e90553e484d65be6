"""The table of guards fits the code: each is found, and the tests that must fail without it exist."""

from __future__ import annotations

import click
import guards
import pytest
from support import ROOT

Code = dict[str, list[guards.Site]]


@pytest.fixture(scope="module")
def code() -> Code:
    return guards.sites(ROOT)


@pytest.mark.parametrize("guard", guards.read_guards(), ids=lambda guard: guard.name)
def test_each_guard_is_at_one_place_and_its_tests_exist(guard: guards.Guard, code: Code) -> None:
    path, text = guards.weakened(guard, code)
    assert text != path.read_text(encoding="utf-8")
    for test in guard.tests:
        file, *names = guards.test_id(test).split("::")
        defined = (ROOT / file).read_text(encoding="utf-8")
        assert [name for name in names if f" {name}(" not in defined and f" {name}:" not in defined] == []


def test_the_names_of_guards_are_unique() -> None:
    names = [guard.name for guard in guards.read_guards()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("place", "old"), [("", "self.lost"), ("", "True"), ("nowhere", "_HOST.fullmatch(header)")], ids=str
)
def test_a_guard_that_is_not_at_one_place_is_refused(place: str, old: str, code: Code) -> None:
    with pytest.raises(click.ClickException, match="instead of once"):
        guards.weakened(guards.Guard("it-is", place, old, "False", []), code)


def test_a_guard_is_found_whatever_its_spelling(code: Code) -> None:
    path, text = guards.weakened(guards.Guard("it-is", "_check_escapes", "escape  ['nul']", "False", []), code)
    assert text == path.read_text(encoding="utf-8").replace('escape["nul"]', "(False)", 1)
