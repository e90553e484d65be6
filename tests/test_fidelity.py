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
    assert rule.evidence in (contract.DOCUMENTED, contract.INFERRED)
    assert rule.section in contract.SECTIONS
