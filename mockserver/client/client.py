"""A client of the control plane, for the command line and for test suites."""

from __future__ import annotations

import http.client
import json
import urllib.error
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from mockserver.formats.json import Document
from mockserver.logs import printable

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

_QUIET_S = 60.0  # an event stream silent for longer is dead: the server sends comments more often
_TIMEOUT_S = 10.0


class CallFailed(Exception):
    """The server cannot be reached, or refused the call; the message says why.

    `status` and `document` are those of the refusal; they are None when the server does not answer. What a client or
    a server sent stands in the message with its control characters escaped.
    """

    def __init__(self, message: str, status: int | None = None, document: Document | None = None) -> None:
        super().__init__(printable(message))
        self.status = status
        self.document = document


def url_from(url: str | None, ready_file: str | None, port: int) -> str:
    """The server's URL: the one given, else the one in a ready file, else that of a port on this machine.

    Raises CallFailed for a ready file that cannot be read.
    """
    if url or not ready_file:
        return (url or f"http://127.0.0.1:{port}").rstrip("/")
    try:
        ready = json.loads(Path(ready_file).read_text(encoding="utf-8"))
        return str(ready["url"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CallFailed(f"--ready-file {ready_file}: the file is missing, or has no server's URL") from None


class Client:
    """A client for one sandbox of the server at `url`.

    The default `opener` connects directly, whatever HTTP_PROXY says: the mock is usually local.
    """

    def __init__(
        self,
        url: str,
        sandbox: str | None,
        token: str | None = None,
        opener: OpenerDirector | None = None,
    ) -> None:
        from urllib.request import ProxyHandler, build_opener  # deferred: it would slow the start of a server

        if not url.startswith(("http://", "https://")):
            raise CallFailed(f"--url {url}: it must begin with http:// or https://")
        self.url = url
        self._sandbox = {"sandbox": sandbox} if sandbox else {}
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._opener = opener or build_opener(ProxyHandler({}))

    def call(self, method: str, path: str, body: object = None, *, wait: float = 0.0, **query: Any) -> Document:
        """Make a call, which the server may delay by `wait` seconds; return the answer. Raises CallFailed."""
        with self._open(method, path, body, query, _TIMEOUT_S + wait) as answer:
            try:
                document = json.load(answer)
            except ValueError:
                document = None
            except (OSError, http.client.HTTPException) as error:
                raise self._silent(error) from None
        if not isinstance(document, dict):
            raise CallFailed(f"{self.url} is not a vambe-mock: its answer is not a JSON object")
        return document

    def entries(self) -> Iterator[Document]:
        """Follow the journal: yield new entries as they arrive. The first item is empty: the stream is open."""
        with self._open("GET", "/events", None, {}, _QUIET_S) as stream:
            kind = ""
            try:
                for line in stream:
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    kind = value if name == "event" else kind
                    if name == "":
                        yield {}
                    elif name == "data" and kind == "request":
                        yield json.loads(value)
            except (OSError, http.client.HTTPException) as error:
                raise self._silent(error) from None

    def _open(self, method: str, path: str, body: object, query: Mapping[str, Any], timeout: float) -> Any:
        parameters = urlencode({**self._sandbox, **{name: value for name, value in query.items() if value is not None}})
        content = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, **({} if content is None else {"Content-Type": "application/json"})}
        address = f"{self.url}/__admin{path}{'?' + parameters if parameters else ''}"
        from urllib.request import Request

        try:
            request = Request(address, content, headers, method=method)  # noqa: S310 (http or https)
            return self._opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._silent(error) from None

    def _refusal(self, error: urllib.error.HTTPError) -> CallFailed:
        with error:
            try:
                document = json.load(error)
                reasons = "; ".join(map(_reason, document.get("errors", ())))
                message = f"{document['message']}: {reasons}" if reasons else document["message"]
                return CallFailed(f"{self.url}: {error.code} {message}", error.code, document)
            except (ValueError, KeyError, TypeError, AttributeError):
                return CallFailed(f"{self.url}: {error.code} {error.reason}", error.code)

    def _silent(self, error: Exception) -> CallFailed:
        reason = getattr(error, "reason", error)
        return CallFailed(f"{self.url} does not answer as it should: {reason or type(reason).__name__}")


def _reason(problem: Mapping[str, Any]) -> str:
    """A problem of a refusal, with the place that it is about."""
    place = ".".join(map(str, problem["path"]))
    return f"{place}: {problem['message']}" if place else str(problem["message"])
