"""The pytest plugin: a fresh sandbox for each test, and reports that explain.

It is active where vambe-mock is installed (`-p no:vambe_mock` turns it off), and imports nothing of the mock until a
fixture is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import warnings
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.testing.sandbox import VambeMock
    from mockserver.testing.servers import MockServer, Server

_URL, _TOKEN = "VAMBE_MOCK_URL", "VAMBE_MOCK_ADMIN_TOKEN"
_MAX_NAME = 64  # of a sandbox
_mock_key = pytest.StashKey["VambeMock"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, each with its name in front."""
    group = parser.getgroup("vambe-mock", "vambe-mock, an emulator of Vambe's task API")
    group.addoption(
        "--vambe-mock-url",
        metavar="URL",
        default=os.environ.get(_URL),
        help=f"Take the sandboxes from the server that runs there, instead of starting one.  [env: {_URL}]",
    )
    group.addoption(
        "--vambe-mock-admin-token",
        metavar="TOKEN",
        default=os.environ.get(_TOKEN),
        help=f"That server's admin token, when it does not listen on loopback.  [env: {_TOKEN}]",
    )
    group.addoption(
        "--vambe-mock-strict",
        action="store_true",
        help="Fail a test whose client sent body keys or query names that nothing reads.",
    )
    group.addoption(
        "--vambe-mock-inferred",
        action="store_true",
        help="End the report with the undocumented rules that decided something, and the tests that rely on them.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Check the options; no server starts yet."""
    url = config.option.vambe_mock_url
    if url and not url.startswith(("http://", "https://")):
        raise pytest.UsageError(f"--vambe-mock-url {url}: it must begin with http:// or https://")
    config.stash[_servers_key] = _Servers(url, config.option.vambe_mock_admin_token)
    if config.option.vambe_mock_inferred:
        config.pluginmanager.register(_InferredReport(), "vambe_mock_inferred")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Where the sandboxes come from, when it is not from here."""
    url = config.option.vambe_mock_url
    return f"vambe-mock: sandboxes of the server at {url}" if url else None


class _Servers:
    """The servers of a session: one for each set of settings, started when it is first asked for."""

    def __init__(self, url: str | None, admin_token: str | None) -> None:
        self.run = os.urandom(8).hex()
        self.mocks: list[VambeMock] = []
        self._url = url
        self._admin_token = admin_token
        self._started: dict[str, MockServer] = {}

    def running(self, settings: Mapping[str, Any]) -> Server:
        """The server with these settings; one that runs elsewhere has its own."""
        from mockserver.testing.servers import MockServer, RemoteServer

        if self._url:
            if settings:
                given = ", ".join(settings)
                message = f"the server at {self._url} has settings of its own; vambe_mock_config is not heard: {given}"
                warnings.warn(pytest.PytestWarning(message), stacklevel=2)
            return RemoteServer(self._url, self._admin_token)
        key = repr(sorted(settings.items()))
        if key not in self._started:
            self._started[key] = MockServer(**settings).start()
        return self._started[key]

    def sandbox(self, settings: Mapping[str, Any], node_id: str) -> VambeMock:
        """A fresh sandbox for a test."""
        mock = self.running(settings).sandbox(_sandbox_name(node_id, self.run))
        self.mocks.append(mock)
        return mock

    def close(self, mock: VambeMock) -> None:
        """Delete a sandbox of a test that is over."""
        self.mocks.remove(mock)
        mock.close()

    def stop(self) -> None:
        """Delete what an interrupted session has left, and stop."""
        while self.mocks:
            self.mocks.pop().close()
        for server in self._started.values():
            server.stop()


def _sandbox_name(node_id: str, run: str) -> str:
    """A readable name that no other test of this process, nor of any other, has."""
    digest = hashlib.sha256(f"{run}\n{node_id}".encode("utf-8", "backslashreplace")).hexdigest()[:8]
    words = re.sub("[^A-Za-z0-9._]+", "-", node_id.rpartition("::")[2].removeprefix("test_"))
    return f"{words[: _MAX_NAME - len(digest) - 1].strip('-')}-{digest}".lstrip("-")


_servers_key = pytest.StashKey[_Servers]()


@pytest.fixture(scope="session")
def vambe_mock_config() -> dict[str, Any]:
    """The settings of the server, as `mockserver.testing.MockServer` takes them: override it, in any scope."""
    return {}


@pytest.fixture(scope="session")
def vambe_mock_server(request: pytest.FixtureRequest, vambe_mock_config: Mapping[str, Any]) -> Server:
    """The server of this session: its `base_url`, and `sandbox()` for what needs one that outlives a test."""
    return request.config.stash[_servers_key].running(vambe_mock_config)


@pytest.fixture
def vambe_mock(request: pytest.FixtureRequest, vambe_mock_config: Mapping[str, Any]) -> VambeMock:
    """A fresh sandbox of Vambe's task API, named after the test and deleted after it."""
    mock = request.config.stash[_servers_key].sandbox(vambe_mock_config, request.node.nodeid)
    request.node.stash[_mock_key] = mock
    return mock


@pytest.fixture
def vambe_mock_env(vambe_mock: VambeMock, monkeypatch: pytest.MonkeyPatch) -> VambeMock:
    """`vambe_mock`, with the environment of the test leading to it: `VAMBE_API_URL` and `VAMBE_API_KEY`."""
    for name, value in vambe_mock.env.items():
        monkeypatch.setenv(name, value)
    return vambe_mock


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """With `--vambe-mock-strict`, fail a test that has passed but whose client sent what nothing reads."""
    result = yield
    mock = item.stash.get(_mock_key, None)
    if mock is not None and item.config.option.vambe_mock_strict:
        try:
            mock.assert_nothing_unread()
        except AssertionError as error:
            pytest.fail(f"--vambe-mock-strict: {error}", pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the journal of a test that failed; when the test is over, delete its sandbox.

    That is not left to the fixture's own end, so that the journal is still there when another fixture's end fails.
    """
    report = yield
    mock = item.stash.get(_mock_key, None)
    if mock is not None:
        if report.failed:
            report.sections.append((f"vambe-mock requests of sandbox {mock.name}", _explained(mock)))
        if call.when == "teardown":
            _conclude(item, mock, report)
    return report


def _explained(mock: VambeMock) -> str:
    from mockserver.client.client import CallFailed

    try:
        return mock.explain()
    except CallFailed as error:
        return str(error)


def _conclude(item: pytest.Item, mock: VambeMock, report: pytest.TestReport) -> None:
    if item.config.option.vambe_mock_inferred:
        # An attribute of a report travels from a worker of xdist to the terminal.
        vars(report)["vambe_mock_inferred"] = _relied_on(mock)
    del item.stash[_mock_key]
    item.config.stash[_servers_key].close(mock)


def _relied_on(mock: VambeMock) -> list[str]:
    from mockserver.client.client import CallFailed

    with contextlib.suppress(CallFailed):  # the server is gone
        return list({rule: None for entry in mock.requests() for rule in entry["inferred"]})
    return []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the servers. The end of the last test, which asks for its journal, is after that of every fixture."""
    session.config.stash[_servers_key].stop()


class _InferredReport:
    """Collects the undocumented rules that tests rely on, and tells of them at the end."""

    def __init__(self) -> None:
        self._tests: dict[str, set[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test has relied on."""
        for rule in getattr(report, "vambe_mock_inferred", ()):
            self._tests.setdefault(rule, set()).add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Each rule in the order of the contract, with its tests."""
        from mockserver.fidelity.contract import RULES

        terminalreporter.section("vambe-mock: undocumented rules")
        relied_on = [rule for rule in RULES if rule.name in self._tests]
        if not relied_on:
            terminalreporter.line("No test relies on a rule that the vendor does not document.")
        for rule in relied_on:
            terminalreporter.line(f"{rule.name} (contract {rule.section}): {rule.statement}")
            for test in sorted(self._tests[rule.name]):
                terminalreporter.line(f"    {test}")
