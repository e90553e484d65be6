"""The clients under test, each on its test's own sandbox of the mock (`vambe_mock`)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from mockserver.testing import VambeMock

from vambe import Vambe
from vambe_httpx import HttpxVambe
from vambe_requests import RequestsVambe

Connect = Callable[[float], Vambe]

CLIENTS: dict[str, Callable[[VambeMock, float], HttpxVambe | RequestsVambe]] = {
    "httpx": lambda mock, timeout: HttpxVambe.from_environment(timeout=timeout),
    "requests": lambda mock, timeout: RequestsVambe.from_environment(timeout=timeout),
    "httpx without a socket": lambda mock, timeout: HttpxVambe(
        "https://vambe.example", mock.api_key, timeout=timeout, transport=mock.transport
    ),
}


@pytest.fixture(params=CLIENTS)
def connect(
    request: pytest.FixtureRequest, vambe_mock: VambeMock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connect]:
    """A function that makes a client with a timeout in seconds; every test runs with each kind of client."""
    for name, value in vambe_mock.env.items():
        monkeypatch.setenv(name, value)
    with contextlib.ExitStack() as closed:
        yield lambda timeout: closed.enter_context(contextlib.closing(CLIENTS[request.param](vambe_mock, timeout)))


@pytest.fixture
def vambe(connect: Connect) -> Vambe:
    """A client that waits long enough for any answer."""
    return connect(10.0)


@pytest.fixture
def pauses() -> list[float]:
    """The seconds of each pause: `pauses.append` replaces sleep in the tests."""
    return []
