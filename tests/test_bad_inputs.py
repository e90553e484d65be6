"""Requests of hostile and clumsy clients, from `data/`: each is answered as the contract says, and writes nothing.

A case is a request as parts (`method`, `path`, `headers`, `body` or `body_base64`) or as the bytes of the wire (`raw`);
`expect` lists the allowed statuses, and `problems` the paths and codes of a 400. `{{NAME}}` stands for a value of the
sandbox, `{{text*N}}` for N times that text.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from exchanges import cases, filled, request_of
from support import MARIA, Api, assert_error

from mockserver import serving
from mockserver.config import Settings
from mockserver.server import Server, Timeouts

CASES = cases("bad_inputs.json", "bad_requests_raw.json", "more_bad_inputs.json")
PARTS = [pytest.param(case, id=case["name"]) for case in CASES if "raw" not in case]
WIRE = [pytest.param(case, id=case["name"]) for case in CASES if "raw" in case]


@dataclass(frozen=True)
class Answer:
    """The answer, or None when the connection was closed without one."""

    response: httpx.Response | None
    seconds: float


@pytest.fixture(scope="module")
def target(server_url: str) -> Iterator[Api]:
    """A client of the session's server; one sandbox for all cases, because sandboxes are capped."""
    actor = Api(server_url, "test_bad-inputs")
    with actor.client:
        yield actor


@pytest.fixture(scope="module")
def impatient_target() -> Iterator[Api]:
    """A client of a server that waits for half-sent requests as long as tests can."""
    timeouts = Timeouts(head=0.5, stall=0.5, body=1, unused=2, idle=5, drain=0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "Server", functools.partial(Server, timeouts=timeouts))
        with serving.bound_server(Settings(port=0, threads=4)) as (server, *_):
            server.start()
            actor = Api(server.url, "test_bad-inputs")
            with actor.client:
                yield actor


def _values(target: Api) -> dict[str, str]:
    """The placeholders, with a task made for the case; those of the cases before go, or the state becomes large."""
    for task in target.listed():
        target.delete(task["id"])
    task_id = target.created(title="to be hit")["id"]
    return {
        "HOST": urlsplit(target.url).netloc,
        "API_KEY": target.key,
        "USER_ID": MARIA,
        "CONTACT_ID": target.state()["contacts"][0]["id"],
        "TASK_ID": task_id,
        "TASK_ID_UPPER": task_id.upper(),
    }


def _request(case: dict[str, Any], values: dict[str, str]) -> bytes:
    if "raw" in case:
        return filled(case["raw"], values).encode("latin-1")
    request = request_of(case, values)
    return request._replace(headers={"Host": values["HOST"], "Connection": "close"} | request.headers).encoded()


def _exchange(target: Api, request: bytes, patience: float) -> Answer:
    """Send the bytes and read one answer; fails with TimeoutError when there is none within `patience` seconds."""
    host, port = urlsplit(target.url).hostname, urlsplit(target.url).port
    started = time.monotonic()
    with socket.create_connection((host, port), timeout=patience) as connection:
        # A server that has seen enough may close; what it answered can still be read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        try:
            response = _answer(connection, request.split(b" ", 1)[0].decode("latin-1"))
        except (http.client.RemoteDisconnected, ConnectionResetError):
            response = None
    return Answer(response, time.monotonic() - started)


def _answer(connection: socket.socket, method: str) -> httpx.Response:
    with http.client.HTTPResponse(connection, method=method) as response:
        response.begin()
        return httpx.Response(response.status, headers=response.getheaders(), content=response.read())


def _abort(target: Api, request: bytes) -> None:
    """Send the bytes and reset the connection."""
    with socket.create_connection((urlsplit(target.url).hostname, urlsplit(target.url).port)) as connection:
        connection.sendall(request)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _check_answer(case: dict[str, Any], response: httpx.Response, target: Api) -> None:
    assert response.status_code in case["expect"], response.text[:500]
    if case.get("method") == "HEAD":
        assert response.content == b""
    elif response.status_code >= 400:
        assert_error(response, response.status_code)
        if "problems" in case:
            entry = target.client.get(f"/__admin/requests/{response.headers['X-Mock-Request-Id']}").json()
            assert [[problem["path"], problem["code"]] for problem in entry["problems"]] == case["problems"]
    elif response.content:
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        response.json()


def _state(target: Api) -> bytes:
    return target.client.get("/__admin/state").content


def _check_alive(target: Api) -> None:
    good = f"GET /api/public/team-members/all HTTP/1.1\r\nHost: localhost\r\nx-api-key: {target.key}\r\n\r\n"
    answer = _exchange(target, good.encode(), patience=5)
    assert answer.response is not None
    assert answer.response.status_code == 200


@pytest.mark.parametrize("case", PARTS)
def test_a_bad_request_gets_an_answer_of_the_contract_and_writes_nothing(case: dict[str, Any], target: Api) -> None:
    request = _request(case, _values(target))
    before = _state(target)
    answer = _exchange(target, request, patience=5)
    assert answer.response is not None, "closed without an answer"
    _check_answer(case, answer.response, target)
    assert answer.seconds < 5  # not what ends an incomplete request
    _check_alive(target)
    if not answer.response.is_success:
        assert _state(target) == before


@pytest.mark.parametrize("case", WIRE)
def test_broken_http_gets_an_answer_of_the_contract_and_writes_nothing(
    case: dict[str, Any], impatient_target: Api
) -> None:
    request = _request(case, _values(impatient_target))
    before = _state(impatient_target)
    if not case["expect"]:
        _abort(impatient_target, request)
        rejected = True
    else:
        answer = _exchange(impatient_target, request, patience=case["max_wait_s"])
        assert answer.response is not None or case["close_ok"], "closed without an answer"
        if answer.response is not None:
            _check_answer(case, answer.response, impatient_target)
        rejected = answer.response is None or not answer.response.is_success
    _check_alive(impatient_target)
    if rejected:
        assert _state(impatient_target) == before


def test_the_names_of_the_cases_differ() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names))
