"""Servers that provide sandboxes: one in this process, or a remote one."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mockserver import config, serving
from mockserver.client.client import Client
from mockserver.config import SETTINGS, InvalidSetting, Settings
from mockserver.server.workers import Serviceable
from mockserver.testing import inprocess
from mockserver.testing.sandbox import VambeMock

if TYPE_CHECKING:
    import httpx

SettingValue = str | int | bool | Path | Sequence[str] | Mapping[str, str] | None

# Without the settings that only concern a process of its own.
_OF_COMMANDS = ("json", "log_format", "ready_file", "stop_with_stdin")
_KNOWN = {setting.name: setting for setting in SETTINGS if setting.name not in _OF_COMMANDS}


class NotRunning(ConnectionRefusedError):
    """The server was not started, or has stopped."""


class Server:
    """A server that provides sandboxes; an application under test reaches it at `base_url`."""

    base_url: str

    def sandbox(self, name: str | None = None) -> VambeMock:
        """Create a sandbox, by default with a generated name; CallFailed when the name is taken."""
        made = self._control(None).call("POST", "/sandboxes", {}, sandbox=name)
        return VambeMock(self._control(made["name"]), made["name"], made["api_key"], self._transport)

    def _control(self, sandbox: str | None) -> Client:
        """A client of the control plane."""
        raise NotImplementedError

    def _transport(self) -> httpx.BaseTransport:
        """A transport of httpx to the server."""
        raise NotImplementedError


class RemoteServer(Server):
    """A running server at `url`; `admin_token` is for its control plane, if that requires one."""

    def __init__(self, url: str, admin_token: str | None = None) -> None:
        self.base_url = url.rstrip("/")
        self._admin_token = admin_token

    def _control(self, sandbox: str | None) -> Client:
        return Client(self.base_url, sandbox, self._admin_token)

    def _transport(self) -> httpx.BaseTransport:
        from mockserver.testing.transport import RemoteTransport

        return RemoteTransport(self.base_url)


class MockServer(Server):
    """A server in a thread of this process, on a free port.

    Takes the settings of `vambe-mock serve` by their names (`fixtures="demo"`, `strict=True`, `max_sandboxes=5000`);
    those of the environment are ignored. Raises InvalidSetting for a value that cannot be used, TypeError for an
    unknown setting. Without `stop`, it stops when the process ends. A child made by `os.fork` reaches it by `base_url`.

    `with MockServer() as mock:` provides a `VambeMock` with a sandbox of its own. Between `start` and `stop`,
    `sandbox` creates one for each test.
    """

    def __init__(self, *, port: int = 0, **settings: SettingValue) -> None:
        self.settings = _resolved({"port": port, **settings})
        self._opened: serving.BoundServer | None = None
        self._stack = contextlib.ExitStack()
        self._opener = inprocess.opener(self._application)

    def start(self) -> MockServer:
        """Start the server, unless it runs; clients may connect when this returns.

        Raises CannotListen, InvalidFixtures or UnusableDatabase.
        """
        if self._opened is None:
            opened = self._opened = self._stack.enter_context(serving.bound_server(self.settings, named=str))
            self.base_url = opened.server.url
            opened.server.start()
            atexit.register(self.stop)  # while its threads still run, which end later without notice
        return self

    def stop(self) -> None:
        """Stop the server; without a database its data is lost. A second call does nothing."""
        if self._opened is not None:
            self._opened.engine.release()  # delayed requests are answered while this server still takes work
        self._opened = None
        self._stack.close()
        atexit.unregister(self.stop)

    def __enter__(self) -> VambeMock:
        """Start the server and create a sandbox; the end of the block stops the server."""
        self.start()
        try:
            return self.sandbox()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _control(self, sandbox: str | None) -> Client:
        token = self._running().engine.settings.admin_token
        return Client(self.base_url, sandbox, token, self._opener)

    def _transport(self) -> httpx.BaseTransport:
        from mockserver.testing.transport import RemoteTransport, Transport

        if self._running().engine.process != os.getpid():
            return RemoteTransport(self.base_url)
        return Transport(self._application, self._serve)

    def _running(self) -> serving.BoundServer:
        if self._opened is None:
            raise NotRunning("the mock server does not run: use it in a `with` block, or call start() first")
        return self._opened

    def _application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # A delayed request goes on where it began, also while the server stops.
        application = environ.get("mockserver.application") or self._running().application
        environ["mockserver.application"] = application
        return cast("Iterable[bytes]", application(environ, start_response))

    def _serve(self, task: Serviceable, elsewhere: bool) -> None:
        """Answer a request in the calling thread, or `elsewhere`: in a thread of the server's."""
        running = self._running()
        if running.engine.process != os.getpid():
            raise NotRunning("the mock server runs in the parent process: take a new transport, or use base_url")
        if elsewhere:
            running.server.work(task)
        else:
            task.service()


def _resolved(given: Mapping[str, SettingValue]) -> Settings:
    unknown = sorted(set(given) - set(_KNOWN))
    if unknown:
        raise TypeError(f"MockServer has no setting {unknown[0]!r}; there are {', '.join(_KNOWN)}")
    return config.resolve({name: _as_text(name, value) for name, value in given.items()}, {}, named=str)


def _as_text(name: str, value: Any) -> str | list[str] | None:
    """Convert a setting's value to the text of a command line option."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return [f"{switch}={each}" for switch, each in value.items()]
    if _KNOWN[name].is_repeatable:
        if not isinstance(value, Iterable):
            raise InvalidSetting(f"{name}: {value!r} is not a list of texts")
        return [value] if isinstance(value, str) else [str(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
