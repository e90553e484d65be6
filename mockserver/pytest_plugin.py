"""The pytest plugin: a fresh sandbox for each test, and reports that explain failures.

It is active wherever vambe-mock is installed (`-p no:vambe_mock` turns it off), and imports the rest of the mock when
a fixture is first used.
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.fidelity.evidence import Evidence
    from mockserver.testing.sandbox import VambeMock
    from mockserver.testing.servers import MockServer, Server

_URL, _TOKEN = "VAMBE_MOCK_URL", "VAMBE_MOCK_ADMIN_TOKEN"
_EVIDENCE, _EVIDENCE_FILE = "VAMBE_MOCK_EVIDENCE", "vambe-evidence.json"
_MAX_NAME = 64  # of a sandbox
_NAMES = ("vambe_mock", __name__)  # of its entry point, and for `-p` and `pytest_plugins`
_FIXTURES = {"vambe_mock", "vambe_mock_env", "vambe_mock_server"}
_FAKED_FILES = {"fs", "fs_class", "fs_module", "fs_session"}  # fixtures of pyfakefs
_mock_key = pytest.StashKey["VambeMock"]()
_evidence_key = pytest.StashKey["tuple[str, Evidence] | None"]()  # its path, and what it says


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options, all with the prefix `--vambe-mock-`.

    The plugin is registered under one name; pytest cannot register it under a second one, and must not try.
    """
    for name in _NAMES:
        if not pluginmanager.has_plugin(name):
            pluginmanager.set_blocked(name)
    group = parser.getgroup("vambe-mock", "vambe-mock, an emulator of Vambe's task API")
    group.addoption(
        "--vambe-mock-url",
        metavar="URL",
        default=os.environ.get(_URL),
        help=f"Use the running server at this URL instead of starting one.  [env: {_URL}]",
    )
    group.addoption(
        "--vambe-mock-admin-token",
        metavar="TOKEN",
        default=os.environ.get(_TOKEN),
        help=f"The admin token of that server, if it requires one.  [env: {_TOKEN}]",
    )
    group.addoption(
        "--vambe-mock-strict",
        action="store_true",
        help="Fail a test whose client sent body keys or query names that nothing reads, or with a fault that no "
        "request met.",
    )
    group.addoption(
        "--vambe-mock-inferred",
        action="store_true",
        help="End the report with the undocumented rules that decided an answer and that nobody has measured, and the "
        "tests that rely on them.",
    )
    group.addoption(
        "--vambe-mock-flip",
        action="store_true",
        help="Run each test again for each other value of each guess that it depends on and that nobody has measured, "
        "and end the report with a table: which guess breaks which test.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Check the options; no server starts yet."""
    url = config.option.vambe_mock_url
    if url and not url.startswith(("http://", "https://")):
        raise pytest.UsageError(f"--vambe-mock-url {url}: it must begin with http:// or https://")
    evidence = config.stash[_evidence_key] = None if url else _evidence(config)
    config.stash[_servers_key] = _Servers(url, config.option.vambe_mock_admin_token, evidence and evidence[0])
    if config.option.vambe_mock_inferred:
        from mockserver.testing.inferring import Inferring

        config.pluginmanager.register(Inferring(), "vambe_mock_inferred")
    if config.option.vambe_mock_flip:
        from mockserver.testing.flipping import Flipping

        measured = None if url else evidence[1].measured() if evidence else ()
        flipping = Flipping(_mock_key, hasattr(config, "workerinput"), measured)
        config.pluginmanager.register(flipping, "vambe_mock_flip")
    config.addinivalue_line(
        "markers",
        'vambe_mock_assume(*switches): answer the test by these values of switches, such as "create-status=200"',
    )


def _evidence(config: pytest.Config) -> tuple[str, Evidence] | None:
    """The file of evidence that the environment names, else the one in the project's root; raises UsageError."""
    found = config.rootpath / _EVIDENCE_FILE
    path = os.environ.get(_EVIDENCE, str(found) if found.is_file() else "")
    if not path:
        return None
    from mockserver.fidelity import evidence

    try:
        return str(Path(path).absolute()), evidence.read(path)  # a test may change the directory
    except evidence.InvalidEvidence as error:
        raise pytest.UsageError(f"vambe-mock: {error}; correct it, or set {_EVIDENCE}= to ignore it") from None


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name the server, unless this session starts its own, and the evidence by which its own ones answer."""
    if url := config.option.vambe_mock_url:
        return f"vambe-mock: sandboxes of the server at {url}"
    if not (known := config.stash[_evidence_key]):
        return None
    path, evidence = known
    ignored = f"; {evidence.ignored}" if evidence.ignored else ""
    shown = path.removeprefix(f"{config.rootpath}{os.sep}")
    return f"vambe-mock: evidence {shown}, {evidence.origin}{ignored}"


class _Servers:
    """The servers of a session: one for each set of settings, started on first use.

    `evidence` is the path of the file by which those answer that this session starts.
    """

    def __init__(self, url: str | None, admin_token: str | None, evidence: str | None) -> None:
        self.run = os.urandom(8).hex()
        self.mocks: list[VambeMock] = []
        self.test: pytest.Item | None = None
        self._url = url
        self._admin_token = admin_token
        self._defaults = {"evidence": evidence} if evidence else {}
        self._started: dict[str, MockServer] = {}

    def running(self, settings: Mapping[str, Any]) -> Server:
        """The server with these settings; a remote one keeps its own."""
        from mockserver.testing.servers import MockServer, RemoteServer

        if self._url:
            if settings:
                given = ", ".join(settings)
                message = f"the server at {self._url} has settings of its own; vambe_mock_config is ignored: {given}"
                warnings.warn(pytest.PytestWarning(message), stacklevel=2)
            return RemoteServer(self._url, self._admin_token)
        settings = {**self._defaults, **settings}
        key = repr(sorted(settings.items()))
        if key not in self._started:
            self._started[key] = MockServer(**settings).start()
        return self._started[key]

    def sandbox(self, settings: Mapping[str, Any], node_id: str) -> VambeMock:
        """Create a sandbox for a test."""
        mock = self.running(settings).sandbox(_sandbox_name(node_id, self.run))
        self.mocks.append(mock)
        return mock

    def close(self, mock: VambeMock) -> None:
        """Delete the sandbox of a finished test."""
        self.mocks.remove(mock)
        mock.close()

    def stop(self) -> None:
        """Delete the sandboxes left by an interrupted session, and stop the servers."""
        while self.mocks:
            self.mocks.pop().close()
        for server in self._started.values():
            server.stop()


def _sandbox_name(node_id: str, run: str) -> str:
    """A readable name, unique among tests and processes."""
    digest = hashlib.sha256(f"{run}\n{node_id}".encode("utf-8", "backslashreplace")).hexdigest()[:8]
    words = re.sub("[^A-Za-z0-9._]+", "-", node_id.rpartition("::")[2].removeprefix("test_"))
    return f"{words[: _MAX_NAME - len(digest) - 1].strip('-')}-{digest}".lstrip("-")


_servers_key = pytest.StashKey[_Servers]()


@pytest.fixture(scope="session")
def vambe_mock_config() -> dict[str, Any]:
    """The settings of the server, as `mockserver.testing.MockServer` takes them; override it in any scope."""
    return {}


@pytest.fixture(scope="session")
def vambe_mock_server(request: pytest.FixtureRequest) -> Server:
    """The server with the settings of the running test: `base_url`, and `sandbox()` for sandboxes that outlive a test.

    It can be used in any scope, also where `vambe_mock_config` is overridden in a smaller one.
    """
    server: Any = _ServerOfTheTest(request.config.stash[_servers_key])
    return server  # type: ignore[no-any-return]


class _ServerOfTheTest:
    """The server of whichever test runs; between tests, and in their teardown, that of the last one that used it."""

    def __init__(self, servers: _Servers) -> None:
        self._servers = servers
        self._test: pytest.Item | None = None
        self._server: Server | None = None

    def __getattr__(self, name: str) -> Any:
        test = self._servers.test
        if self._server is None or (test is not None and test is not self._test):
            if test is None:
                raise RuntimeError("vambe_mock_server is used outside of a test")
            settings = test._request.getfixturevalue("vambe_mock_config")  # type: ignore[attr-defined]
            self._test, self._server = test, self._servers.running(settings)
        return getattr(self._server, name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note which test runs; have its server run before pyfakefs replaces all files, pipes included."""
    item.config.stash[_servers_key].test = item
    names: list[str] = getattr(item, "fixturenames", [])
    if not _FAKED_FILES.isdisjoint(names) and not _FIXTURES.isdisjoint(names):
        names[:] = ["vambe_mock", *(name for name in names if name != "vambe_mock")]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Note that no test runs: its settings cannot be asked for any more."""
    item.config.stash[_servers_key].test = None


@pytest.fixture
def vambe_mock(request: pytest.FixtureRequest, vambe_mock_config: Mapping[str, Any]) -> VambeMock:
    """A fresh sandbox of Vambe's task API, named after the test and deleted after it."""
    from mockserver.testing import flipping

    item = request.node
    mock = request.config.stash[_servers_key].sandbox(vambe_mock_config, item.nodeid + flipping.suffix_of(item))
    item.stash[_mock_key] = mock
    try:
        assume = flipping.assumed(item)
    except ValueError as error:
        pytest.fail(f"@pytest.mark.vambe_mock_assume: {error}", pytrace=False)
    if assume:
        mock.pin(assume)
    return mock


@pytest.fixture
def vambe_mock_env(vambe_mock: VambeMock, monkeypatch: pytest.MonkeyPatch) -> VambeMock:
    """`vambe_mock`, with `VAMBE_API_URL` and `VAMBE_API_KEY` set in the environment of the test."""
    for name, value in vambe_mock.env.items():
        monkeypatch.setenv(name, value)
    return vambe_mock


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """With `--vambe-mock-strict`, fail a passed test with keys or names that nothing reads, or with an unmet fault."""
    result = yield
    mock = item.stash.get(_mock_key, None)
    if mock is not None and item.config.option.vambe_mock_strict:
        problems = []
        for check in (mock.assert_nothing_unread, mock.assert_all_faults_hit):
            try:
                check()
            except AssertionError as error:
                problems.append(f"--vambe-mock-strict: {error}")
        if problems:
            pytest.fail("\n".join(problems), pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the journal to the report of a failed test; after the teardown, delete the sandbox.

    The fixture does not delete it, so that the journal still exists when the teardown of another fixture fails.
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
    from mockserver.testing.flipping import suffix_of

    if item.config.option.vambe_mock_inferred and not suffix_of(item):
        from mockserver.testing import inferring

        inferring.note(report, mock)
    del item.stash[_mock_key]
    item.config.stash[_servers_key].close(mock)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the servers; the report of the last test reads its journal after all fixtures have ended."""
    session.config.stash[_servers_key].stop()
