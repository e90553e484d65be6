"""The connection to a real vendor: a budget of requests, pauses between them, and a key that no message shows."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import selectors
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from mockserver import __version__
from mockserver.api.operations import BASE_PATH
from mockserver.clock import monotonic, wall_ms
from mockserver.keys import KEY_HEADER
from mockserver.logs import printable
from mockserver.masking import MIN_SECRET
from mockserver.web.hosts import is_loopback

MAX_ANSWER = 16 * 1024 * 1024  # bytes
MAX_WAIT_S = 60.0  # for `Retry-After`
MAX_FAILURES = 3  # answers with 5xx, and requests without an answer
_TOO_MANY_REQUESTS = 429
_RETRIES = 3  # of a request that is answered 429
_DEFAULT_WAIT_S = 1.0  # after a 429 without `Retry-After`
_PIECE = 64 * 1024
_HEADERS = {"Accept": "application/json", "User-Agent": f"vambe-mock/{__version__} (conform)"}


class InvalidTarget(ValueError):
    """The target, the key or a proxy cannot be used; the message says why, without the key."""


class CouldNotCheck(Exception):
    """A request was not answered, which says nothing about the vendor's rules; the message says why."""


class Stopped(CouldNotCheck):
    """No more requests may be sent: the budget is used up, or the vendor failed too often; the message says which."""


class Request(NamedTuple):
    """A request to the vendor: `path` follows the target, with its query; the key is sent if it is `keyed`."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    keyed: bool = True


class Answer(NamedTuple):
    """An answer of the vendor: its status, its headers with names in lower case, and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is not JSON."""
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(self.body)
        return None


class Vendor:
    """A connection to the vendor at `target`, such as `https://api.vambe.me`; it may have a path.

    At most `budget` requests are sent, those that repeat one after a 429 included, with `pause_s` seconds in between;
    each has `timeout_s`. Proxies are those of the environment, redirects are not followed. Raises InvalidTarget.
    `url` is the target without a path, `host` its host and port, `sent` the number of requests so far; with
    `is_exposed`, the key is sent unencrypted over a network. The end of a `with` block closes the connection.
    """

    def __init__(
        self, target: str, key: str, *, budget: int = 60, pause_s: float = 0.1, timeout_s: float = 30.0
    ) -> None:
        if not re.fullmatch("[!-~]+", key):
            raise InvalidTarget("the key is empty, or has characters that a header cannot have")
        address = _address(target)
        self.host = address.netloc
        self.url = f"{address.scheme}://{address.netloc}"
        self.is_exposed = address.scheme == "http" and not _is_local(address)
        self.sent = 0
        self._key = key
        self._budget, self._pause_s, self._timeout_s = budget, pause_s, timeout_s
        self._failures = 0
        self._refusal = ""  # why nothing more may be sent
        self._connection, self._prefix, self._proxy_headers = _connection(address, timeout_s)

    def send(self, request: Request, *, kept: int = 0, cleaning: bool = False) -> Answer:
        """Send a request and return its answer, whatever its status.

        `kept` is how many requests of the budget must be left for others. `cleaning` is for requests that undo what
        others did: they are sent also after the vendor failed too often. Raises CouldNotCheck when there is no answer,
        and Stopped when the request may not be sent.
        """
        for repetition in range(1 + _RETRIES):
            if self._refusal and not cleaning:
                raise Stopped(self._refusal)
            if self.sent + kept >= self._budget:
                raise Stopped(f"the budget of {self._budget} requests is used up")
            time.sleep(self._pause_s if self.sent else 0)
            self.sent += 1
            answer = self._exchange(request)
            if answer.status != _TOO_MANY_REQUESTS:
                return answer
            if repetition < _RETRIES:
                time.sleep(self._wait_of(answer))
        self._refusal = f"{self.host} answers 429, also after {_RETRIES} repetitions"
        raise Stopped(self._refusal)

    def __enter__(self) -> Vendor:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _exchange(self, request: Request) -> Answer:
        """Send a request once; an answer with 5xx counts as a failure."""
        try:
            answer = self._answer(request)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._count(failure := f"{self.host}: {_reason(error, self._timeout_s)}")
            raise CouldNotCheck(failure) from None
        except BaseException:
            self._connection.close()  # half an exchange would be taken for the next one's
            raise
        if answer.status >= http.client.INTERNAL_SERVER_ERROR:
            self._count(f"{self.host} answers {answer.status}")
        return answer

    def _count(self, failure: str) -> None:
        self._failures += 1
        if self._failures >= MAX_FAILURES:
            self._refusal = f"{failure}; stopped after {MAX_FAILURES} failures"

    def _answer(self, request: Request) -> Answer:
        if _is_stale(self._connection):
            self._connection.close()
        key = {KEY_HEADER: self._key} if request.keyed else {}
        headers = {**_HEADERS, **self._proxy_headers, **key, **request.headers}
        deadline = monotonic() + self._timeout_s
        self._connection.request(request.method, self._prefix + request.path, request.body, headers)
        with self._connection.getresponse() as response:
            length, body = response.length, b""
            while length is None or len(body) < length:
                if not (piece := response.read1(_PIECE)):  # what has come, so that drops do not pass the deadline
                    break
                body += piece
                if len(body) > MAX_ANSWER or monotonic() > deadline:
                    raise _TooLong
            if length and len(body) < length:
                raise http.client.IncompleteRead(body)
            if len(self._key) >= MIN_SECRET:
                body = body.replace(self._key.encode(), b"***")  # what answers say may be shown
            found = {name.lower(): text for name, text in response.getheaders()}
            return Answer(response.status, found, body)

    def _wait_of(self, answer: Answer) -> float:
        """The seconds that a 429 asks to wait (RFC 9110, section 10.2.3); Stopped when they are too many."""
        text = answer.headers.get("retry-after", "").strip()
        seconds = _DEFAULT_WAIT_S
        if text.isdecimal():
            seconds = float(text)
        elif text:
            with contextlib.suppress(ValueError):
                seconds = max(0.0, parsedate_to_datetime(text).timestamp() - wall_ms() / 1000)
        if seconds > MAX_WAIT_S:
            self._refusal = f"{self.host} answers 429, and asks to wait for {seconds:.0f} s"
            raise Stopped(self._refusal)
        return seconds


class _TooLong(http.client.HTTPException):
    """The answer is too long, or takes too long."""


def _address(target: str) -> SplitResult:
    """The parts of a target, its path without the base path, which every request's path has; raises InvalidTarget."""
    shown = re.split("[?#]", target.rpartition("@")[2])[0]  # the key may be in the rest, by mistake
    place = f"--target {printable(shown)}"
    try:
        address = urlsplit(target)
        address.port  # noqa: B018 (raises ValueError for one that is none)
    except ValueError as error:
        raise InvalidTarget(f"{place}: {error}") from None
    if address.scheme not in ("http", "https") or not address.hostname:
        raise InvalidTarget(f"{place}: it must be a URL such as https://api.vambe.me")
    if "@" in address.netloc or address.query or address.fragment or not re.fullmatch("[!-~]+", target):
        raise InvalidTarget(f"{place}: it may have a host, a port and a path of ASCII characters, and nothing else")
    return address._replace(path=address.path.rstrip("/").removesuffix(BASE_PATH))


def _connection(address: SplitResult, timeout_s: float) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
    """A connection that is opened when it is used, what precedes the paths on it, and headers for its proxy."""
    host, port = str(address.hostname), address.port
    proxy = _proxy(address)
    if address.scheme == "https":
        context = ssl.create_default_context()
        if not proxy:
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context), address.path, {}
        tunnel = http.client.HTTPSConnection(str(proxy.hostname), proxy.port, timeout=timeout_s, context=context)
        tunnel.set_tunnel(host, port, _authorization(proxy))
        return tunnel, address.path, {}
    if not proxy:
        return http.client.HTTPConnection(host, port, timeout=timeout_s), address.path, {}
    connection = http.client.HTTPConnection(str(proxy.hostname), proxy.port, timeout=timeout_s)
    return connection, f"http://{address.netloc}{address.path}", _authorization(proxy)


def _proxy(address: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for the target; none for this machine. Raises InvalidTarget."""
    text = getproxies().get(address.scheme)
    if not text or _is_local(address) or proxy_bypass(address.netloc):
        return None
    proxy = urlsplit(text if "://" in text else f"http://{text}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise InvalidTarget(f"{address.scheme.upper()}_PROXY: it must be a URL such as http://proxy.example:3128")
    return proxy


def _is_local(address: SplitResult) -> bool:
    name = str(address.hostname)
    return is_loopback(f"[{name}]" if ":" in name else name)


def _authorization(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}


def _is_stale(connection: http.client.HTTPConnection) -> bool:
    """Test for a kept connection that the vendor has closed, or on which it says what nobody asked."""
    if connection.sock is None:
        return False
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _reason(error: Exception, timeout_s: float) -> str:
    """The reason of a failed exchange, without anything that the vendor sent: it may have sent the key."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(error, _TooLong):
        return f"its answer is over {MAX_ANSWER >> 20} MiB, or took over {timeout_s:g} s"
    if isinstance(error, http.client.IncompleteRead):
        return "it sent half an answer"
    if isinstance(error, http.client.HTTPException):
        return f"its answer is not HTTP ({type(error).__name__})"
    return printable(str(getattr(error, "strerror", None) or error or type(error).__name__))
