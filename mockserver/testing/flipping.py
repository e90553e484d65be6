"""The pytest plugin behind `--vambe-mock-flip`: run a test again for each guess that it depends on, flipped."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Collection, Generator
from typing import Any

import pytest
from _pytest.runner import runtestprotocol  # what pytest-rerunfailures uses, too

from mockserver.client.client import CallFailed
from mockserver.fidelity import assumptions
from mockserver.fidelity.assumptions import ASSUMPTIONS, OF_SANDBOXES
from mockserver.testing.sandbox import VambeMock

Flip = tuple[str, str]

_flip_key = pytest.StashKey[Flip]()  # on an item: the switch of the run, and its value
_FIXTURE = "vambe_mock"
_FLIPPED, _PINNED, _FLIPS = "vambe_mock_flipped", "vambe_mock_pinned", "vambe_mock_flips"  # attributes of reports


def assumed(item: Any) -> dict[str, str]:
    """The switches that a run of a test sets: those that its marks pin, and the flipped one."""
    flip = item.stash.get(_flip_key, None)
    return _pinned(item) | dict([flip] if flip else [])


def _pinned(item: Any) -> dict[str, str]:
    """The switches that the marks of a test pin, the closest mark last; ValueError for an unknown one."""
    found: dict[str, str] = {}
    for mark in reversed(list(item.iter_markers("vambe_mock_assume"))):
        for text in mark.args:
            name, value = assumptions.parse(text)
            assumptions.check_for_sandbox(name, value)
            found[name] = value
    return found


def suffix_of(item: Any) -> str:
    """The text behind the id of a test whose run has a flipped switch."""
    flip = item.stash.get(_flip_key, None)
    return f"[{'='.join(flip)}]" if flip else ""


class Flipping:
    """Run tests again with flipped switches, and end the report with a table of those that broke.

    `measured` are the switches that no answer of the session's servers guesses; None if these are not known.
    """

    def __init__(self, mock_key: pytest.StashKey[VambeMock], is_worker: bool, measured: Collection[str] | None) -> None:
        self._mock_key = mock_key
        self._is_worker = is_worker
        self._measured = measured
        self._queue: deque[Flip] = deque()
        self._session: pytest.Session | None = None
        self._broken: dict[str, dict[str, bool]] = {}
        self._pinned: dict[str, set[str]] = {}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Note the session, whose progress counts flips too."""
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test that uses the fixture as it is, then once for each flip; pytest runs all others."""
        if _FIXTURE not in getattr(item, "fixturenames", ()):
            return None
        self._queue.clear()
        following: Any = _Next(item, nextitem, self._queue)
        _run(item, following)
        while self._queue and not (item.session.shouldfail or item.session.shouldstop):
            item.stash[_flip_key] = self._queue.popleft()
            for name in ("_obj", "_instance"):  # of a test in a class: each run has an instance of its own
                vars(item).pop(name, None)
            try:
                _run(item, following)
            finally:
                del item.stash[_flip_key]
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Name the flip in its reports; after a test that passed as it is, list its flips."""
        report = yield
        if suffix := suffix_of(item):
            vars(report)[_FLIPPED] = suffix
            path, line, name = report.location
            report.location = (path, line, name + suffix)
            if not self._is_worker:
                report.nodeid += suffix
        elif call.when == "call" and report.passed and (mock := item.stash.get(self._mock_key, None)):
            pins = _pinned(item)
            vars(report)[_PINNED] = [f"{name}={value}" for name, value in pins.items()]
            self._queue.extend(flip for flip in _flips(mock) if flip[0] not in pins)
            vars(report)[_FLIPS] = len(self._queue)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self, report: Any) -> Generator[None, dict[str, Any] | None, Any]:
        """Rename a report on its way from a worker of xdist, which requires the ids that it has collected."""
        data = yield
        if data and self._is_worker and _FLIPPED in data:
            data["nodeid"] += data[_FLIPPED]
        return data

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the tests that a flip breaks."""
        if self._session:
            self._session.testscollected += getattr(report, _FLIPS, 0)
        for pin in getattr(report, _PINNED, ()):
            self._pinned.setdefault(pin, set()).add(report.nodeid)
        if suffix := getattr(report, _FLIPPED, ""):
            tests = self._broken.setdefault(suffix[1:-1], {})
            test = report.nodeid.removesuffix(suffix)
            tests[test] = tests.get(test, False) or report.failed

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show which guess breaks which test."""
        terminalreporter.section("vambe-mock: flipped guesses")
        flips = [f"{each.name}={value}" for each in OF_SANDBOXES for value in each.values]
        width = max(map(len, flips))
        terminalreporter.line(f"{'guess'.ljust(width)}  tests  broken")
        for flip in flips:
            if tests := self._broken.get(flip):
                broken = sorted(test for test, failed in tests.items() if failed)
                terminalreporter.line(f"{flip.ljust(width)}  {len(tests):5}  {len(broken):6}")
                for test in broken:
                    terminalreporter.line(f"    {test}")
        for pin, pinning in sorted(self._pinned.items()):
            terminalreporter.line(
                f"pinned by a mark: {pin} in {len(pinning)} {'test' if len(pinning) == 1 else 'tests'}"
            )
        touched = {flip.partition("=")[0] for flip in (*self._broken, *self._pinned)}
        untouched = [each.name for each in OF_SANDBOXES if each.name not in touched]
        for reason, names in self._reasons(untouched).items():
            if names:
                terminalreporter.line(f"not flipped ({reason}): {', '.join(names)}")

    def _reasons(self, untouched: list[str]) -> dict[str, list[str]]:
        """The switches that were not flipped, by the reason."""
        unused = "no test depends on it" + (", or the server has it measured" if self._measured is None else "")
        measured = self._measured or ()
        return {
            "measured": [name for name in untouched if name in measured],
            unused: [name for name in untouched if name not in measured],
            "a switch of the server only": [each.name for each in ASSUMPTIONS if each.is_of_the_server],
        }


class _Next:
    """The next item as the teardown of a run sees it: as long as flips are left, a test beside the one that runs."""

    def __init__(self, item: pytest.Item, following: pytest.Item | None, queue: deque[Flip]) -> None:
        self._item, self._following, self._queue = item, following, queue

    def listchain(self) -> list[Any]:
        """The collectors whose fixtures must stay."""
        if self._queue:
            return [*self._item.listchain()[:-1], self]
        return list(self._following.listchain()) if self._following else []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._following or self._item, name)


def _run(item: pytest.Item, following: Any) -> None:
    """Run a test as pytest's own protocol does, under the name of its flip."""
    node_id = item.nodeid + suffix_of(item)
    item.ihook.pytest_runtest_logstart(nodeid=node_id, location=item.location)
    runtestprotocol(item, nextitem=following)
    item.ihook.pytest_runtest_logfinish(nodeid=node_id, location=item.location)


def _flips(mock: VambeMock) -> list[Flip]:
    """Every other value of each switch that an answer in the sandbox depends on."""
    with contextlib.suppress(CallFailed):  # the server is gone
        touched = {rule for entry in mock.requests() for rule in entry["inferred"]}
        return list(assumptions.alternatives(touched, assumptions.assumed(mock.settings["assume"].items())))
    return []
