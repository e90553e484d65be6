"""The door without a socket: a transport of httpx answers as the server does, and breaks as its connections do."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx
import pytest
from exchanges import Answer, Request, cases, connected, received, request_of
from support import ALL_TIME, CARLOS, CONTACT, MARIA, UNKNOWN_ID, assert_error, running

from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.testing import MockServer, RemoteServer, VambeMock
from mockserver.testing.inprocess import Connection

VENDOR = "https://api.vambe.me"
TASK = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}
OF_THE_SERVER = {"date", "server", "connection"}


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    server = MockServer(threads=8).start()
    yield server
    server.stop()


@pytest.fixture
def mock(server: MockServer) -> Iterator[VambeMock]:
    with server.sandbox() as mock:
        yield mock


def by_socket(mock: VambeMock) -> httpx.Client:
    return httpx.Client(base_url=mock.base_url, headers=mock.headers, verify=False, trust_env=False)


def in_process(mock: VambeMock) -> httpx.Client:
    return httpx.Client(transport=mock.transport, base_url=VENDOR, headers=mock.headers)


DOORS = {"by socket": by_socket, "in process": in_process}


def exchange(client: httpx.Client, method: str, path: str, **sent: Any) -> tuple[Any, ...]:
    """The outcome for a client: status, body and headers, or the exception."""
    try:
        answer = client.request(method, path, **sent)
    except httpx.HTTPError as error:
        return type(error), str(error)
    headers = {name: value for name, value in answer.headers.items() if name not in OF_THE_SERVER}
    return answer.status_code, answer.content, headers


PAGE = {"Origin": "http://localhost:3000"}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/public/tasks", {"json": TASK}),
    ("POST", "/api/public/tasks", {"json": TASK | {"title": "\U0001f600 ñ", "aiContactId": CONTACT}}),
    ("POST", "/api/public/tasks", {"json": TASK | {"responsibleIds": [UNKNOWN_ID]}}),
    ("POST", "/api/public/tasks", {"json": {}}),
    ("POST", "/api/public/tasks", {"content": b""}),
    ("POST", "/api/public/tasks", {"content": b"{", "headers": {"content-type": "application/json"}}),
    ("POST", "/api/public/tasks", {"content": b"{}", "headers": {"content-type": "text/plain"}}),
    ("POST", "/api/public/tasks", {"content": b"x" * 1_048_577, "headers": {"content-type": "application/json"}}),
    ("POST", "/api/public/tasks", {"json": TASK, "headers": {"x-api-key": "unknown"}}),
    ("POST", "/api/public/tasks", {"json": TASK, "headers": {"Prefer": "code=503"}}),
    ("POST", "/api/public/tasks", {"json": TASK, "headers": PAGE | {"X-Request-Id": "mine"}}),
    ("GET", "/api/public/tasks", {"params": ALL_TIME}),
    ("GET", f"/api/public/tasks?responsibleIds={MARIA}&responsibleIds[]={CARLOS}&fromDate=2026-01-01", {}),
    ("GET", "/api/public/tasks", {"params": {"fromDate": "ñ"}}),
    ("PUT", f"/api/public/tasks/{UNKNOWN_ID}", {"json": {}}),
    ("PUT", "/api/public/tasks/%C3%B1%FF%2F", {"json": {}}),
    ("PUT", "/api/public/tasks/%7B%7D%00", {"json": {}}),
    ("DELETE", f"/api/public/tasks/{UNKNOWN_ID}", {}),
    ("GET", "/api/public/team-members/all", {}),
    ("HEAD", "/api/public/team-members/all", {}),
    ("OPTIONS", "/api/public/tasks", {"headers": PAGE | {"Access-Control-Request-Method": "POST"}}),
    ("PATCH", "/api/public/tasks", {}),
    ("GET", "/api//public/tasks", {}),
    ("POST", "/%2Fapi/public/tasks", {"json": TASK}),
    ("GET", "/%2F__admin/health", {}),
    ("GET", "/", {}),
    ("GET", "/openapi.json", {}),
    ("GET", "/__admin/health", {}),
]  # fmt: skip


# Every door gives each request of the corpus the same answer. A door is opened on a world of its own, as what answers
# one request after another. Flask must answer what is sent with an origin, and a foreign one adds nothing to an answer.
Seen = tuple[int, list[tuple[str, str]], bytes]
Ask = Callable[[Request], Seen]
FOREIGN = {"Origin": "https://foreign.example"}


def seen(answer: Answer) -> Seen:
    """An answer without what belongs to its connection."""
    headers = [(name, value) for name, value in answer.headers if name.lower() not in OF_THE_SERVER]
    return answer.status, sorted(headers), answer.body


@contextlib.contextmanager
def asked_by_socket() -> Iterator[Ask]:
    with running() as url, connected(url) as connection:
        yield lambda request: seen(connection.exchange(request))


@contextlib.contextmanager
def asked_in_process() -> Iterator[Ask]:
    def ask(request: Request) -> Seen:
        url = httpx.URL("http://localhost", raw_path=request.target.encode("latin-1"))
        own = [(name.encode(), value.encode("latin-1")) for name, value in request.framed().items()]
        sent = httpx.Request("", url, headers=own, content=request.body)
        sent.method = request.method  # httpx would have it in upper case
        try:
            response = mock.transport.handle_request(sent)
        except (httpx.ReadError, httpx.RemoteProtocolError) as error:
            return seen(Answer(0, str(error), [], b""))
        pieces = []
        with contextlib.suppress(httpx.RemoteProtocolError):
            pieces.extend(response.stream)
        body = b"" if request.method == "HEAD" else b"".join(pieces)
        headers = [(name.decode(), value.decode("latin-1")) for name, value in response.headers.raw]
        return seen(Answer(response.status_code, "", headers, body))

    with MockServer() as mock:
        yield ask


@contextlib.contextmanager
def asked_through_flask() -> Iterator[Ask]:
    app = create_app(Settings())
    client = app.test_client(use_cookies=False)
    del client.environ_base["HTTP_USER_AGENT"]

    def ask(request: Request) -> Seen:
        path, _, query = request.target.partition("?")
        connection = Connection()
        decoded = unquote_to_bytes(path).decode("latin-1")
        environ = {"PATH_INFO": decoded, "QUERY_STRING": query, "REQUEST_URI": request.target}
        if request.body is not None:
            environ["CONTENT_LENGTH"] = str(len(request.body))  # also of an empty one
        headers = {name: value.strip(" \t") for name, value in request.headers.items()}
        response = client.open(
            method=request.method,
            headers=headers,
            data=request.body,
            environ_overrides=environ | {"mockserver.connection": connection},
        )
        if connection.ended:
            source = types.SimpleNamespace(makefile=lambda _: io.BytesIO(connection.sent))
            return seen(received(source, request.method)[0])
        return seen(Answer(response.status_code, "", list(response.headers.items()), response.data))

    try:
        yield ask
    finally:
        app.extensions["vambe_mock"].close()


LANES: dict[str, tuple[Callable[[], AbstractContextManager[Ask]], dict[str, str]]] = {
    "by socket": (asked_by_socket, {}),
    "by socket, from a foreign page": (asked_by_socket, FOREIGN),
    "in process": (asked_in_process, {}),
    "in process, from a foreign page": (asked_in_process, FOREIGN),
    "through Flask, from a foreign page": (asked_through_flask, FOREIGN),
}


def corpus() -> list[Request]:
    """The requests of the data, and calls that show what they have left."""
    first, key = "e4f4c5da-bad5-435c-9148-9fc081a50b53", "test_bad-inputs"  # the id of a sandbox's first task
    values = {"API_KEY": key, "USER_ID": MARIA, "CONTACT_ID": CONTACT, "TASK_ID": first, "TASK_ID_UPPER": first.upper()}
    create = Request("POST", "/api/public/tasks", {"x-api-key": key, "Content-Type": "application/json"})
    bad = [case for case in cases("bad_inputs.json", "more_bad_inputs.json") if "raw" not in case]
    script = cases("transcript.json")
    asked = [
        create._replace(body=json.dumps(TASK).encode()),
        *(request_of(case, values) for case in [*bad, *script]),
        *(of_httpx(method, path, sent) for method, path, sent in REQUESTS),
    ]
    left = [
        Request("GET", f"/__admin/{what}?sandbox={name}", {})
        for what in ("state", "requests")
        for name in ("bad-inputs", "default", "faulty", "strict", "limited", "alfa", "others")
    ]
    return [request for request in asked if for_every_door(request)] + left


def for_every_door(request: Request) -> bool:
    """True when the application decides about a request, and its answer is the same at each door."""
    plain = request.method.isupper() and "/../" not in request.target
    read = request.method == "GET" and request.target.startswith("/__admin")
    return plain and not read and {"Host", "Transfer-Encoding"}.isdisjoint(request.headers)


def of_httpx(method: str, path: str, sent: dict[str, Any]) -> Request:
    """The request that httpx makes of its arguments."""
    made = httpx.Request(method, f"http://localhost{path}", **sent)
    headers = {name: value for name, value in made.headers.items() if name not in ("host", "content-length")}
    return Request(method, made.url.raw_path.decode(), {"x-api-key": "test_others"} | headers, made.read() or None)


@cache
def answers(lane: str) -> list[Seen]:
    """The answers to the corpus at that door."""
    open_door, added = LANES[lane]
    with open_door() as ask:
        return [comparable(request, ask(request_with(added, request))) for request in corpus()]


def request_with(added: dict[str, str], request: Request) -> Request:
    """The request with an origin too, if it is one of the imitated API and has none."""
    if request.target.startswith("/__admin") or "origin" in map(str.lower, request.headers):
        return request
    return request._replace(headers=request.headers | added)


def comparable(request: Request, seen: Seen) -> Seen:
    """The answer, in a journal without real times and without the headers that the door has added."""
    status, _, body = seen
    if not request.target.startswith("/__admin/requests?"):
        return seen
    journal = json.loads(body)
    for entry in journal["requests"]:
        entry |= {"received_at": "", "duration_ms": 0}
        sent = entry["request"]["headers"]
        entry["request"]["headers"] = {name: sent[name] for name in sorted(sent) if sent[name] != FOREIGN["Origin"]}
    return status, [], json.dumps(journal).encode()


def test_the_corpus_has_answers_of_every_kind() -> None:
    statuses = {status for status, _, _ in answers("by socket")}
    assert statuses >= {0, 200, 201, 204, 400, 401, 404, 413, 415, 418, 429, 500, 503}


@pytest.mark.parametrize("lane", LANES)
def test_every_door_gives_the_same_bytes_and_leaves_the_same_world_and_journal(lane: str) -> None:
    for request, here, by_socket in zip(corpus(), answers(lane), answers("by socket"), strict=True):
        assert here == by_socket, f"{request.method} {request.target[:200]}"


def test_a_body_in_pieces_is_read_by_both_doors(server: MockServer) -> None:
    pieces = json.dumps(TASK).encode().partition(b":")
    for open_door in DOORS.values():
        with server.sandbox("pieces") as mock, open_door(mock) as client:
            headers = {"content-type": "application/json"}
            assert client.post("/api/public/tasks", content=iter(pieces), headers=headers).status_code == 201
            assert mock.requests()[0]["request"]["headers"]["content-length"] == str(sum(map(len, pieces)))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("connection", ["reset", "empty", "truncate", "garbage"])
def test_a_broken_connection_raises_the_same_at_both_doors(connection: str, when: str, server: MockServer) -> None:
    seen = []
    for open_door in DOORS.values():
        with server.sandbox() as mock, open_door(mock) as client:
            mock.drop("createTask", connection, when=when)
            seen.append(exchange(client, "POST", "/api/public/tasks", json=TASK))
            assert len(mock.tasks) == (when == "after")
            assert exchange(client, "POST", "/api/public/tasks", json=TASK)[0] == 201
    assert seen[0] == seen[1]
    assert seen[0][0] is (httpx.ReadError if connection == "reset" else httpx.RemoteProtocolError)


@pytest.mark.parametrize("open_door", DOORS.values(), ids=DOORS)
def test_a_streamed_answer_that_is_cut_off_begins_before_it_breaks(open_door: Any, mock: VambeMock) -> None:
    mock.drop("listTeamMembers", "truncate", when="after")
    with open_door(mock) as client, client.stream("GET", "/api/public/team-members/all") as answer:
        assert answer.status_code == 200
        assert answer.headers["x-mock-fault"] == "1"
        received = b""
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            for piece in answer.iter_bytes():
                received += piece
        assert received.startswith(b'[{"id":')


@pytest.mark.parametrize("open_door", DOORS.values(), ids=DOORS)
def test_a_client_stops_waiting_for_a_slow_answer_and_the_request_is_carried_out(
    open_door: Any, mock: VambeMock
) -> None:
    mock.delay("createTask", ms=300)
    with open_door(mock) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/api/public/tasks", json=TASK, timeout=0.05)
        assert mock.tasks == []
        mock.verify("createTask", times=1, status=201, timeout=10)
        assert len(mock.tasks) == 1


@pytest.mark.parametrize("open_door", DOORS.values(), ids=DOORS)
def test_a_stream_of_an_answer_can_be_read_raw(open_door: Any, mock: VambeMock) -> None:
    with open_door(mock) as client, client.stream("GET", "/api/public/team-members/all") as answer:
        assert len(json.loads(b"".join(answer.iter_raw()))) == 5


def test_any_host_is_answered_in_process_and_only_loopback_by_the_server(mock: VambeMock) -> None:
    for host in ("https://api.vambe.me", "http://api.vambe.ai:8080", "http://evil.example"):
        with httpx.Client(transport=mock.transport, base_url=host, headers=mock.headers) as client:
            assert client.get("/api/public/team-members/all").status_code == 200
    with by_socket(mock) as client:
        assert_error(client.get("/api/public/team-members/all", headers={"host": "api.vambe.me"}), 421)


def test_an_asynchronous_client_goes_through_the_same_door(mock: VambeMock) -> None:
    async def talk() -> list[Any]:
        async with httpx.AsyncClient(transport=mock.transport, base_url=VENDOR, headers=mock.headers) as client:
            seen: list[Any] = [(await client.post("/api/public/tasks", json=TASK)).status_code]
            mock.drop("createTask", "truncate", when="after")
            mock.drop("createTask", "reset")
            for _ in range(2):
                try:
                    await client.post("/api/public/tasks", json=TASK)
                except httpx.HTTPError as error:
                    seen.append(type(error))
            mock.delay("listTeamMembers", ms=500, times=None)
            started = time.monotonic()
            answers = await asyncio.gather(*(client.get("/api/public/team-members/all") for _ in range(3)))
            assert time.monotonic() - started < 1.4, "three delays one after another"
            return [*seen, *(answer.status_code for answer in answers)]

    assert asyncio.run(talk()) == [201, httpx.ReadError, httpx.RemoteProtocolError, 200, 200, 200]


def test_many_clients_at_once_get_what_one_after_another_get(mock: VambeMock) -> None:
    statuses = []

    def create() -> None:
        with in_process(mock) as client:
            statuses.extend(client.post("/api/public/tasks", json=TASK).status_code for _ in range(10))

    threads = [threading.Thread(target=create) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 160
    assert len({task["created_at"] for task in mock.tasks}) == 160


def test_a_transport_of_a_server_that_has_stopped_cannot_connect() -> None:
    with MockServer() as mock:
        client = in_process(mock)
    with pytest.raises(httpx.ConnectError, match="the mock server does not run"):
        client.get("/api/public/team-members/all")


def test_a_server_elsewhere_gives_a_transport_that_leads_there(server: MockServer) -> None:
    with RemoteServer(server.base_url).sandbox() as mock:
        with in_process(mock) as client:
            assert client.post("/api/public/tasks", json=TASK).status_code == 201
        assert mock.requests()[0]["request"]["headers"]["host"] == httpx.URL(server.base_url).netloc.decode()

        async def list_team() -> int:
            async with httpx.AsyncClient(transport=mock.transport, base_url=VENDOR, headers=mock.headers) as client:
                return (await client.get("/api/public/team-members/all")).status_code

        assert asyncio.run(list_team()) == 200
        mock.verify(times=2)


def test_the_mock_s_own_failure_is_a_500_at_both_doors(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("mockserver.domain.tasks.create_task", fail)
    for open_door in DOORS.values():
        with server.sandbox() as mock, open_door(mock) as client:
            assert_error(client.post("/api/public/tasks", json=TASK), 500, "Internal server error")
