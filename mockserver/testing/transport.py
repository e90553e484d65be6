"""Transports for httpx (httpx, "Transports"): to the mock in this process without a socket, and to a remote server."""

from __future__ import annotations

import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cached_property
from typing import Any, NoReturn

import anyio
import anyio.to_thread
import h11
import httpx

from mockserver.admin.routes import BASE_PATH
from mockserver.server import Suspended
from mockserver.testing.inprocess import Answer, Application, Connection, call, environment

Serve = Callable[[Any, bool], None]
_CONTROL_PLANE = BASE_PATH.encode()


class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport to the mock in this process, whatever host the client's base URL names.

    `serve` answers a request here or in a thread of the server's, and raises ConnectionRefusedError when the server has
    stopped. Delayed requests go on in the server's threads, and calls of the control plane, which may wait, are made in
    them, so that a client may stop waiting (`httpx.ReadTimeout`) while its request is still carried out. A connection
    that a fault breaks raises the same error as on a socket: `httpx.ReadError` for a reset, else
    `httpx.RemoteProtocolError`.
    """

    def __init__(self, application: Application, serve: Serve) -> None:
        self._application = application
        self._serve = serve

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request; httpx calls it."""
        request.read()
        return self._answered(_Task(self._application, self._serve, request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an asynchronous client, which may cancel it; httpx calls it."""
        await request.aread()
        unlimited = anyio.CapacityLimiter(math.inf)  # anyio's own 40 are for all threads of an event loop
        task = _Task(self._application, self._serve, request)
        try:
            return await anyio.to_thread.run_sync(self._answered, task, abandon_on_cancel=True, limiter=unlimited)
        except BaseException:
            task.connection.left = True
            raise

    def _answered(self, task: _Task) -> httpx.Response:
        request = task.request
        try:
            self._serve(task, request.url.raw_path.startswith(_CONTROL_PLANE))
        except ConnectionRefusedError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        if not task.done.wait(request.extensions.get("timeout", {}).get("read")):
            task.connection.left = True
            raise httpx.ReadTimeout("timed out", request=request)
        if task.error is not None:
            raise task.error
        if task.answer.connection.ended:
            return _broken(task.answer, request)
        stream = httpx.ByteStream(task.answer.body)
        return httpx.Response(task.answer.status, headers=task.answer.headers, stream=stream)


class _Task:
    """A request, answered in one thread or, after a delay, in another."""

    def __init__(self, application: Application, serve: Serve, request: httpx.Request) -> None:
        self.done = threading.Event()
        self.answer = Answer()
        self.error: BaseException | None = None
        self.request = request
        self.connection = _Connection()
        self._application = application
        self._serve = serve
        self._environ = environment(request.method, request.url.raw_path, request.headers.raw, request.content)

    def service(self) -> None:
        """Answer the request, or go on with it after a delay; the thread calls it."""
        try:
            self.answer = call(self._application, self._environ, self.connection)
        except Suspended as suspended:
            suspended.start(self._resume)
            return
        except BaseException as error:
            self.error = error
        self.done.set()

    def _resume(self) -> None:
        try:
            self._serve(self, True)
        except ConnectionRefusedError as error:
            self.error = httpx.ReadError(str(error), request=self.request)
            self.done.set()


class _Connection(Connection):
    """The connection of a request that may be answered later."""

    def suspend(self, start: Callable[[Callable[[], None]], None]) -> NoReturn:
        """End this call of the application without an answer; see `Suspended`."""
        raise Suspended(start)


def _broken(answer: Answer, request: httpx.Request) -> httpx.Response:
    """The client's view of a broken connection: a response with a truncated body, or an error of httpx."""
    if answer.connection.ended == "reset":
        raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request)
    if not answer.connection.sent:
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    received = _received(request.method, answer.connection.sent)
    try:
        head = next(received)
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
    return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=_Early(received, request))


def _received(method: str, data: bytes) -> Iterator[Any]:
    """The events of a response; h11.RemoteProtocolError where the data ends too early."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=[("host", "host.invalid")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        yield event


class _Early(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A truncated body."""

    def __init__(self, received: Iterator[Any], request: httpx.Request) -> None:
        self._received = received
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from (bytes(event.data) for event in self._received)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error), request=self._request) from error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


class RemoteTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport to the server at `url`, whatever host the client's base URL names."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self._verify = self._url.scheme == "https"  # loading certificates takes longer than most tests

    @cached_property
    def _plain(self) -> httpx.HTTPTransport:
        return httpx.HTTPTransport(verify=self._verify)

    @cached_property
    def _asynchronous(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self._verify)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the server; httpx calls it."""
        return self._plain.handle_request(self._directed(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of an asynchronous client to the server; httpx calls it."""
        return await self._asynchronous.handle_async_request(self._directed(request))

    def close(self) -> None:
        """Close the connections of a client; httpx calls it."""
        self._plain.close()

    async def aclose(self) -> None:
        """Close the connections of an asynchronous client; httpx calls it."""
        await self._asynchronous.aclose()

    def _directed(self, request: httpx.Request) -> httpx.Request:
        url = request.url.copy_with(scheme=self._url.scheme, host=self._url.host, port=self._url.port)
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        headers.insert(0, (b"Host", self._url.netloc))
        url = url.copy_with(raw_path=self._url.raw_path.rstrip(b"/") + url.raw_path)
        return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=request.extensions)
