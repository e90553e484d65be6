"""docs/fidelity.md is what the code says, and what the code says is there."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from mockserver.fidelity import contract
from mockserver.fidelity.contract import RULES, Rule

PAGE = Path(__file__).parent.parent / "docs" / "fidelity.md"


def test_the_page_is_the_one_that_the_code_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == contract.page() + "\n", (
        "write it again: python -m mockserver.fidelity.contract > docs/fidelity.md"
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_names_code_that_exists(rule: Rule) -> None:
    module, _, name = rule.where.partition(":")
    assert hasattr(importlib.import_module(module), name)


def test_no_two_rules_have_the_same_name() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_known_evidence_and_a_section(rule: Rule) -> None:
    assert rule.evidence in contract.EVIDENCE
    assert rule.section in contract.SECTIONS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_documented_rule_and_no_other_names_its_page_and_when_it_was_read(rule: Rule) -> None:
    if rule.evidence != contract.DOCUMENTED:
        assert rule.page == ""
        return
    row = next(line for line in contract.page().splitlines() if line.startswith(f"| {rule.name} |"))
    assert f"documented: {contract.PAGES[rule.page]}, 2026-11" in row


def test_the_page_begins_with_what_is_not_imitated_and_what_is_unknown() -> None:
    headings = [line for line in contract.page().splitlines() if line.startswith("#")]
    assert headings[:4] == ["# Fidelity", "## Not imitated", "## Sources and unknowns", "## Rules and evidence"]
