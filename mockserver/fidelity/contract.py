"""The contract: every rule of the mock, its evidence, and the code that implements it, from contract.json.

`docs/fidelity.md` is generated from it (`python -m mockserver.fidelity.contract > docs/fidelity.md`), and so are the
explanations of decisions in the journal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import NamedTuple

DOCUMENTED = "documented"
INFERRED = "inferred"


class Rule(NamedTuple):
    """A rule: its section, its name, its statement, and its evidence.

    `evidence` is `documented` (the vendor's pages say so) or `inferred` (they do not, or not all of it: our
    decision). `where` names the code that implements it, as `module:name`.
    """

    section: str
    name: str
    statement: str
    evidence: str
    where: str


_DATA = json.loads(resources.files("mockserver.fidelity").joinpath("contract.json").read_text(encoding="utf-8"))
CODES: dict[str, str] = _DATA["codes"]
SECTIONS: dict[str, str] = {number: section["title"] for number, section in _DATA["sections"].items()}
RULES = tuple(Rule(number, **rule) for number, section in _DATA["sections"].items() for rule in section["rules"])

_INTRODUCTION = """\
# Fidelity

The rules of the imitated API, each with its evidence and the code that implements it. In the code, this page is called
*the contract*: `(contract, section 2)` in a docstring refers to section 2 below.

- **documented**: the vendor's public pages state the rule.
- **inferred**: the vendor's pages do not state it, or only a part of it. It is an assumption of this project.

This page is generated from [`mockserver/fidelity/contract.json`](../mockserver/fidelity/contract.json).
"""


def page() -> str:
    """The text of `docs/fidelity.md`."""
    return _INTRODUCTION + "".join(map(_section, SECTIONS)) + _codes()


def _section(number: str) -> str:
    rows = [[rule.name, rule.statement, rule.evidence, _link(rule.where)] for rule in RULES if rule.section == number]
    return f"""
## {number}. {SECTIONS[number]}

| rule | what it says | evidence | where |
|---|---|---|---|
{_rows(rows)}
"""


def _link(where: str) -> str:
    module, _, name = where.partition(":")
    return f"[`{name}`](../{module.replace('.', '/')}.py)"


def _codes() -> str:
    return f"""
## Codes of problems

The `code` of each entry of a 400's `errors`.

| code | when |
|---|---|
{_rows([f"`{code}`", meaning] for code, meaning in CODES.items())}"""


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(page())
