"""The contract: every rule of the mock, its evidence, and the code that implements it, from contract.json.

`docs/fidelity.md` is generated from it (`python -m mockserver.fidelity.contract > docs/fidelity.md`), and so are the
explanations of decisions in the journal.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mockserver.fidelity.assumptions import ASSUMPTIONS, BY_NAME, FRAMEWORK, OURS, Assumption

DOCUMENTED = "documented"
EVIDENCE = (DOCUMENTED, FRAMEWORK, OURS)


class Rule(NamedTuple):
    """A rule: its section, its name, its statement, and its evidence.

    `evidence` is `documented` (a page of the vendor says so: `page`), `framework` (its identified stack does so by
    default) or `ours` (nobody says). `where` names the code that implements it, as `module:name`.
    """

    section: str
    name: str
    statement: str
    evidence: str
    where: str
    page: str = ""


_DATA = json.loads(pkgutil.get_data(__package__, "contract.json") or b"")  # also while a test fakes the file system
VERSION: int = _DATA["version"]
PAGES: dict[str, str] = _DATA["pages"]
CODES: dict[str, str] = _DATA["codes"]
SECTIONS: dict[str, str] = {number: section["title"] for number, section in _DATA["sections"].items()}
RULES = tuple(Rule(number, **rule) for number, section in _DATA["sections"].items() for rule in section["rules"])

_INTRODUCTION = """
## Rules and evidence

The rules of the imitated API, each with its evidence and the code that implements it. In the code, this page is called
*the contract*: `(contract, section 2)` in a docstring refers to section 2 below.

- **documented**: a page of the vendor states the rule; the page is named.
- **framework**: no page states it, but it is what the vendor's identified framework does by default.
- **ours**: nobody says. It is a decision of this project.

[Evidence](testing.md#evidence) that a team has measured on the vendor replaces these labels in what a server shows:

- **measured**, with the day: the vendor does what the mock does, if need be because the evidence has set a switch.
- **refuted**: the vendor was measured, and the mock does otherwise.

This page is generated from [`mockserver/fidelity/contract.json`](../mockserver/fidelity/contract.json).
"""


def page() -> str:
    """The text of `docs/fidelity.md`."""
    parts = (_beginning(), _INTRODUCTION, _assumptions(), *map(_section, SECTIONS), _codes())
    return "".join(parts)


def _beginning() -> str:
    not_imitated, sources = (_items(_DATA[name]) for name in ("not_imitated", "sources"))
    return f"# Fidelity\n\n## Not imitated\n\n{not_imitated}\n## Sources and unknowns\n\n{sources}"


def _items(texts: Iterable[str]) -> str:
    return "".join(f"- {text}\n" for text in texts)


def _assumptions() -> str:
    rows = [[f"`{each.name}`", _values(each), each.evidence, each.why] for each in ASSUMPTIONS]
    return f"""
## Switches

A guess that has alternatives is a switch. The first value is the default; `--assume NAME=VALUE` replaces it for a
server, and the setting `assume` for a sandbox (see [testing](testing.md#guesses)). A switch decides about the requests
that follow; tasks that are there keep what they have. The rule of a switch has its name below, with ⇄.

| switch | values | evidence of the default | why |
|---|---|---|---|
{_rows(rows)}
"""


def _values(switch: Assumption) -> str:
    return "<br>".join(f"`{value}`: {meaning}" for value, meaning in switch.values.items())


def _section(number: str) -> str:
    rows = [
        [rule.name + " ⇄" * (rule.name in BY_NAME), rule.statement, _evidence(rule), _link(rule.where)]
        for rule in RULES
        if rule.section == number
    ]
    return f"""
## {number}. {SECTIONS[number]}

| rule | what it says | evidence | where |
|---|---|---|---|
{_rows(rows)}
"""


def _evidence(rule: Rule) -> str:
    return f"{rule.evidence}: {PAGES[rule.page]}, {_DATA['read']}" if rule.page else rule.evidence


def _link(where: str) -> str:
    module, _, name = where.partition(":")
    return f"[`{name}`](../{module.replace('.', '/')}.py)"


def _codes() -> str:
    return f"""
## Codes of problems

The `code` of each problem in a journal entry: the mock's own explanation of a 400.

| code | when |
|---|---|
{_rows([f"`{code}`", meaning] for code, meaning in CODES.items())}"""


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(page())
