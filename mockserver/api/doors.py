"""The adapters between WSGI (PEP 3333) and the pipeline: through Flask, or past it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, quote

from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_content_length, get_input_stream

from mockserver.api import answers, pipeline
from mockserver.api.routes import Route, Routes
from mockserver.engine import Engine
from mockserver.errors import ApiError
from mockserver.journal.messages import Answer, Received
from mockserver.web import foreign

Environ = dict[str, Any]
Kind = TypeVar("Kind", bound=Response)
Application = Callable[..., Iterable[bytes]]
_BREAK = "mockserver.break"  # in the environment: breaks the connection, given the head of the answer
_BEGUN = "mockserver.begun"  # in the environment of a suspended request: its remaining steps


def answer(engine: Engine, environ: Environ, route: Route) -> Answer:
    """Answer a request; when a fault breaks the connection, `breaking` does so and the server ignores the answer."""
    steps = environ.pop(_BEGUN, None) or pipeline.answer(
        engine, _received(environ, engine.settings.max_body, route), route, foreign.client_gone(environ)
    )
    answered = _finished(steps, environ)
    environ["mockserver.sandbox"] = answered.sandbox
    environ["mockserver.entry"] = answered.entry
    if answered.connection:
        try:
            connection = foreign.connection_of(environ)
        except ApiError as error:
            return answers.refused(error)
        environ[_BREAK] = partial(answers.break_connection, answered, connection, environ["REQUEST_METHOD"])
    return answered


def breaking(environ: Environ, start_response: Any) -> Any:
    """A `start_response` that first breaks the connection if a fault does, with the headers that every answer has."""

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        if break_connection := environ.pop(_BREAK, None):
            break_connection(status, headers)
        return start_response(status, headers, *error)

    return start


def _finished(steps: pipeline.Steps[Answer], environ: Environ) -> Answer:
    """Take the steps of a request to its answer. A delay holds no thread where the server can suspend a request.

    It calls the application again, with the same environment, when the delay has ended.
    """
    suspend = getattr(environ.get("mockserver.connection"), "suspend", None)
    while True:
        try:
            delay = next(steps)
        except StopIteration as ended:
            return cast("Answer", ended.value)
        if suspend:
            environ[_BEGUN] = steps
            suspend(delay.start)
        delay.wait()


def completed(answered: Answer, kind: type[Kind]) -> Kind:
    """The answer as a response of Werkzeug's, which adds the headers that a fault rule has left out."""
    made = kind(answered.body or None, answered.status, answered.headers)
    if not any(name.lower() == "content-type" for name in answered.headers):
        del made.headers["Content-Type"]
    return made


def request_id(sent: str | None) -> str | None:
    """The `X-Request-Id` to return: the one sent, if it is a valid header value."""
    return sent if sent and len(sent) <= 256 and sent.isascii() and sent.isprintable() else None


def past_flask(application: Application, engine: Engine, routes: Routes) -> Application:
    """WSGI middleware that answers plain calls of the imitated API itself and passes all other requests to Flask.

    A plain call is one of an operation, without `Origin`. Flask gives the same answer, slower. Where several processes
    serve the application, every request is refused.
    """

    def answered(environ: Environ, start_response: Any) -> Iterable[bytes]:
        if environ.get("wsgi.multiprocess"):
            return foreign.refuse_processes(environ, start_response)
        route = routes.find(environ["REQUEST_METHOD"], path_as_sent(environ))
        if route.operation is None or "HTTP_ORIGIN" in environ:
            return application(environ, breaking(environ, start_response))
        made = answer(engine, environ, route)
        if made.faulty:
            response = completed(made, Response)
            _add_common(response.headers, environ)
            return response(environ, breaking(environ, start_response))
        _add_common(made.headers, environ)
        start_response(_status_line(made.status), list(made.headers.items()))
        return [made.body]

    return answered


def _add_common(headers: Any, environ: Environ) -> None:
    """Add the headers that answers of Flask get from its hooks."""
    headers["Vary"] = "Origin"
    if sent := request_id(environ.get("HTTP_X_REQUEST_ID")):
        headers["X-Request-Id"] = sent


def path_as_sent(environ: Environ) -> str:
    """The path of a request with its escapes; another server may give only the decoded path."""
    path: str | None = environ.get("mockserver.path")
    if path is None:
        path = "" if environ.get("SCRIPT_NAME") else environ.get("REQUEST_URI", "").partition("?")[0]
        if not path.startswith("/"):
            path = quote(environ.get("PATH_INFO", "").encode("latin-1"), safe="/:@!$&'()*+,;=~")
    return path


def _received(environ: Environ, max_body: int, route: Route) -> Received:
    """Read the request; `mockserver.body_too_large` says that the server did not read the body."""
    headers = environ.get("mockserver.headers")
    if headers is None:  # another server
        headers, stream = _headers(environ), get_input_stream(environ)
        too_large = (get_content_length(environ) or 0) > max_body
    else:
        stream, too_large = environ["wsgi.input"], environ["mockserver.body_too_large"]
    query = environ.get("QUERY_STRING", "")
    path = path_as_sent(environ)
    return Received(
        environ["REQUEST_METHOD"].upper(),
        _decoded(environ.get("PATH_INFO", "")) or "/",
        _query(query) if query else {},
        headers,
        b"" if too_large else stream.read(),
        too_large,
        f"{path}?{query}" if query else path,
        route.as_written,
    )


def _query(text: str) -> dict[str, list[str]]:
    """All values of each name, in order; bytes that are not UTF-8 stay percent-encoded, as in Flask."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(_decoded(text), keep_blank_values=True, errors="werkzeug.url_quote"):
        values.setdefault(name, []).append(value)
    return values


def _headers(environ: Environ) -> dict[str, str]:
    """The headers, with names in lower case."""
    return {
        name: value for key, value in environ.items() if (name := _header_name(key)) and (value or key[:5] == "HTTP_")
    }


@lru_cache(maxsize=1024)
def _header_name(key: str) -> str | None:
    """The header that a key of the environment stands for, or None."""
    if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        return key.lower().replace("_", "-")
    if not key.startswith("HTTP_") or key in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
        return None
    return key[5:].lower().replace("_", "-")


def _decoded(text: str) -> str:
    """Decode a text of the environment, whose characters are bytes (PEP 3333, "Unicode Issues")."""
    return text if text.isascii() else text.encode("latin-1").decode(errors="replace")


@lru_cache(maxsize=128)
def _status_line(status: int) -> str:
    return f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown').upper()}"
