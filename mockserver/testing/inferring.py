"""The pytest plugin behind `--vambe-mock-inferred`: rules that tests rely on, neither documented nor measured."""

from __future__ import annotations

import contextlib

import pytest

from mockserver.client.client import CallFailed
from mockserver.fidelity.contract import RULES
from mockserver.testing.sandbox import VambeMock

_INFERRED = "vambe_mock_inferred"  # an attribute of reports, which xdist sends from its workers to the terminal


def note(report: pytest.TestReport, mock: VambeMock) -> None:
    """Add the rules that a test relies on to its report."""
    with contextlib.suppress(CallFailed):  # the server is gone
        vars(report)[_INFERRED] = list({rule: None for entry in mock.requests() for rule in entry["inferred"]})


class Inferring:
    """Collect the rules that tests rely on, and list them at the end."""

    def __init__(self) -> None:
        self._tests: dict[str, set[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the rules that a test relies on."""
        for rule in getattr(report, _INFERRED, ()):
            self._tests.setdefault(rule, set()).add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the rules with their tests, in the order of the contract."""
        terminalreporter.section("vambe-mock: undocumented rules")
        relied_on = [rule for rule in RULES if rule.name in self._tests]
        if not relied_on:
            terminalreporter.line("No test relies on a rule that is neither documented nor measured.")
        for rule in relied_on:
            terminalreporter.line(f"{rule.name} ({rule.evidence}, contract {rule.section}): {rule.statement}")
            for test in sorted(self._tests[rule.name]):
                terminalreporter.line(f"    {test}")
