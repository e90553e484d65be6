"""The server on the wire: real sockets against a WSGI application of the tests' own."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import logging
import os
import re
import signal
import socket
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, unquote
from wsgiref.validate import validator

import freezegun
import pytest

from mockserver.errors import PayloadTooLarge
from mockserver.formats import json as wire_json
from mockserver.server import Server, Timeouts, leader_followers, loop
from mockserver.server.names import KEYS
from mockserver.server.workers import Workers

LIMIT = 1000
PATIENCE = 10.0
PIECE = b"x" * 12_000_000  # four of them fill every buffer, so that the worker has to wait
PIECES = [bytes([number]) * 150_000 for number in range(256)]


class Application:
    """Echoes what it was asked; some paths behave in their own way."""

    def __init__(self):
        self.calls = []
        self.entered = threading.Event()
        self.released = threading.Event()

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read()
        self.calls.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if environ["mockserver.body_too_large"]:
            return self.answer(start_response, "413 Payload Too Large", wire_json.encode(PayloadTooLarge().document()))
        special = getattr(self, environ["PATH_INFO"][1:].replace("-", "_"), None)
        if special:
            return special(environ, start_response)
        seen = {name: value for name, value in environ.items() if isinstance(value, str)}
        return self.answer(start_response, "200 OK", json.dumps(seen | {"body": body.decode("latin-1")}).encode())

    def answer(self, start_response, status, body):
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    def wait(self, environ, start_response):
        self.entered.set()
        assert self.released.wait(PATIENCE)
        return self.answer(start_response, "200 OK", b"waited")

    def big(self, environ, start_response):
        self.entered.set()
        start_response("200 OK", [("Content-Length", str(4 * len(PIECE)))])
        return iter([PIECE] * 4)

    def many(self, environ, start_response):
        start_response("200 OK", [("Content-Length", str(sum(map(len, PIECES))))])
        for piece in PIECES:
            yield piece
            self.after_piece()
        self.released.set()

    def fail(self, environ, start_response):
        raise OSError("the disk is full")

    def exit(self, environ, start_response):
        raise SystemExit

    def bad_header(self, environ, start_response):
        start_response("200 OK", [("X-A", "a\r\nX-B: b")])
        return [b"never"]

    def broken_line(self, environ, start_response):
        """The head that the query describes: a status, a header's name and its value."""
        status, name, value = unquote(environ["QUERY_STRING"]).split("|")
        start_response(status, [("Content-Length", "2"), (name, value)])
        return [b"ok"]

    def sized(self, environ, start_response):
        """Two bytes, under the length that the query says."""
        start_response("200 OK", [("Content-Length", environ["QUERY_STRING"])])
        return [b"ok"]

    def text(self, environ, start_response):
        start_response("200 OK", [])
        return [environ["QUERY_STRING"]] if environ["QUERY_STRING"] else iter(["no bytes"])

    def missing(self, environ, start_response):
        start_response("200 OK", [("Content-Length", "2")])
        return []

    def write_first(self, environ, start_response):
        write = start_response("200 OK", [])
        write(b"one")
        return [b"two"]

    def fail_late(self, environ, start_response):
        def body():
            yield b"some"
            raise RuntimeError("halfway")

        start_response("200 OK", [("Content-Length", "100")])
        return body()

    def pieces(self, environ, start_response):
        start_response("200 OK", [])
        return iter([b"one", b"two"])

    def nothing(self, environ, start_response):
        start_response("204 No Content", [])
        return []

    def sandbox(self, environ, start_response):
        environ["mockserver.sandbox"] = "team"
        return self.answer(start_response, "200 OK", b"{}")

    def abort(self, environ, start_response):
        environ["mockserver.connection"].abort()
        return self.answer(start_response, "200 OK", b"never seen")

    def abort_silently(self, environ, start_response):
        environ["mockserver.connection"].abort()
        return []

    def close(self, environ, start_response):
        environ["mockserver.connection"].close()
        return self.answer(start_response, "200 OK", b"never seen")

    def abort_and_wait(self, environ, start_response):
        environ["mockserver.connection"].abort()
        return self.wait(environ, start_response)

    def close_and_wait(self, environ, start_response):
        environ["mockserver.connection"].close()
        return self.wait(environ, start_response)

    def garble(self, environ, start_response):
        environ["mockserver.connection"].send(b"not HTTP")
        environ["mockserver.connection"].close()
        return self.answer(start_response, "200 OK", b"never seen")


@pytest.fixture(autouse=True)
def _log_everything(caplog):
    caplog.set_level(logging.INFO)


@pytest.fixture
def application():
    application = Application()
    yield application
    application.released.set()


@pytest.fixture
def serve(application):
    """Starts servers with the settings given; they are stopped at the end of the test."""
    with contextlib.ExitStack() as stack:

        def start(**settings):
            server = stack.enter_context(Server(application, **{"max_body": LIMIT} | settings))
            server.start()
            return server

        yield start


@pytest.fixture
def server(serve):
    return serve()


def connect(server):
    return socket.create_connection((server.host, server.port), PATIENCE)


def refuses(server):
    """Test for a refused new connection; one that the system had set up as the server closed its socket is reset."""
    try:
        connect(server).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def connections(server):
    return list(server.loop.active_channels.values())


def read_all(client):
    """All bytes until the connection ends."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def send(server, payload):
    """All bytes that the server sends, until it closes, to a client that sends `payload` and keeps its side open."""
    with connect(server) as client:
        client.sendall(payload)
        return read_all(client)


def ask(server, path="/", method="GET", body=None, headers=None):
    """A whole request with a client that knows HTTP, and its answer, read."""
    with contextlib.closing(http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer, answer.read()


def head(line="GET / HTTP/1.1", *headers, host="Host: here"):
    return "\r\n".join([line, *([host] if host else []), *headers, "", ""]).encode("latin-1")


CLOSING = head("GET / HTTP/1.1", "Connection: close")


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def error_of(answer):
    """The status of an error answer, after a look at its shape."""
    top, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: application/json" in top
    assert b"\r\nConnection: close\r\n" in top
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in top
    document = json.loads(body)
    assert list(document) in (["message", "error", "statusCode"], ["statusCode", "message"])
    assert document["statusCode"] == status_of(answer)
    assert document["message"]
    return document["statusCode"]


def until(condition):
    """Waits for a condition that another thread brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.002)


def time_of(action):
    """Seconds that it takes."""
    started = time.monotonic()
    action()
    return time.monotonic() - started


def access(caplog):
    return [record for record in caplog.records if record.name == "mockserver.access"]


# The address


def test_the_url_shows_the_port_that_was_found(server):
    assert server.port > 0
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert ask(server)[0].status == 200


def test_a_wildcard_address_is_shown_as_the_loopback():
    with Server(Application(), host="0.0.0.0") as server:
        assert (server.host, server.url) == ("0.0.0.0", f"http://127.0.0.1:{server.port}")
        assert not server.loopback


@pytest.mark.parametrize(("host", "loopback"), [("::1", True), ("::", False)])
def test_an_ipv6_address_stands_in_brackets(serve, host, loopback):
    try:
        server = serve(host=host)
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert server.url == f"http://[::1]:{server.port}"
    assert server.loopback is loopback


def test_loopback_is_read_off_the_socket_and_not_the_name():
    with Server(Application(), host="localhost") as server:
        assert server.loopback
        assert server.host == "127.0.0.1"


def test_of_a_name_with_several_addresses_the_ipv4_one_is_taken(monkeypatch):
    found = socket.getaddrinfo("127.0.0.1", 0, type=socket.SOCK_STREAM)
    six = (socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", 0, 0, 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [six, *found])
    with Server(Application(), host="localhost") as server:
        assert server.host == "127.0.0.1"


def test_a_port_in_use_raises_oserror(server):
    with pytest.raises(OSError):
        Server(Application(), port=server.port)


@pytest.mark.parametrize("host", ["no host", "a..b"])
def test_an_unknown_host_raises_oserror(host):
    with pytest.raises(OSError):
        Server(Application(), host=host)


# Answers


def test_pipelined_requests_are_answered_in_order(server):
    answer = send(
        server, head("GET /a HTTP/1.1") + head("GET /b HTTP/1.1") + head("GET /c HTTP/1.1", "Connection: close")
    )
    positions = [answer.index(f'"PATH_INFO": "/{name}"'.encode()) for name in "abc"]
    assert positions == sorted(positions)
    assert answer.count(b"HTTP/1.1 200 OK") == 3


def test_a_connection_carries_one_request_after_another(server, application):
    with contextlib.closing(http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE)) as connection:
        for path in ("/a", "/b"):
            connection.request("POST", path, b"{}")
            assert json.loads(connection.getresponse().read())["body"] == "{}"
            first = connection.sock
        assert connection.sock is first is not None


def test_an_answer_names_the_server_and_the_date(server):
    answer, _ = ask(server)
    assert answer.headers["Server"] == "vambe-mock"
    assert answer.headers["Date"].endswith("GMT")


@pytest.mark.parametrize("path", ["/", "/pieces", "/fail"])
def test_an_answer_to_head_has_no_body(server, path):
    answer = send(server, head(f"HEAD {path} HTTP/1.1", "Connection: close"))
    assert answer.endswith(b"\r\n\r\n")
    assert answer.count(b"\r\n\r\n") == 1


def test_a_refused_head_has_no_body_either(server):
    answer = send(server, head("HEAD / HTTP/1.1", "Content-Length: x"))
    assert status_of(answer) == 400
    assert answer.endswith(b"\r\n\r\n")
    assert b"\r\nContent-Length: " in answer


def test_no_content_means_no_content_length(server):
    answer = send(server, head("GET /nothing HTTP/1.1", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert b"Content-Length" not in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_chunked_body_reaches_the_application_whole(server):
    chunks = b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
    request = head("POST / HTTP/1.1", "Transfer-Encoding: Chunked", "Connection: close") + chunks
    for sizes in (len(request), 1, 7):
        with connect(server) as client:
            for start in range(0, len(request), sizes):
                client.sendall(request[start : start + sizes])
            document = json.loads(read_all(client).partition(b"\r\n\r\n")[2])
        assert (document["body"], document["CONTENT_LENGTH"]) == ("hello world", "11")


def test_a_request_may_follow_a_chunked_one(server):
    chunked = head("POST /a HTTP/1.1", "Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n\r\n"
    assert send(server, chunked + CLOSING).count(b"HTTP/1.1 200 OK") == 2


def test_a_client_that_expects_100_continue_gets_it_before_its_body(server):
    with connect(server) as client:
        client.sendall(head("POST / HTTP/1.1", "Expect: 100-continue", "Content-Length: 2", "Connection: close"))
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        assert status_of(read_all(client)) == 200


def test_each_expectation_is_met_in_its_turn(server):
    def receive(client, end):
        got = b""
        while not got.endswith(end):
            got += client.recv(65536)
        return got

    with connect(server) as client:
        for before in (b"", head()):
            client.sendall(before + post(2, "Expect: 100-continue"))
            got = receive(client, b"HTTP/1.1 100 Continue\r\n\r\n")
            assert got.startswith(b"HTTP/1.1 200" if before else b"HTTP/1.1 100")
            client.sendall(b"{}")
            assert receive(client, b"}").startswith(b"HTTP/1.1 200")


def test_an_expectation_without_a_body_is_answered_at_once(server):
    assert status_of(send(server, head("GET / HTTP/1.1", "Expect: 100-continue", "Connection: close"))) == 200


@pytest.mark.parametrize("path", ["/fail", "/exit", "/bad-header", "/text", "/text?no-bytes"])
def test_an_application_that_raises_is_a_500_and_a_traceback_in_the_log(server, caplog, path):
    answer = send(server, head(f"GET {path} HTTP/1.1"))
    assert error_of(answer) == 500
    assert b"Internal server error" in answer
    (record,) = [record for record in caplog.records if record.name == "mockserver"]
    assert record.exc_info
    assert path.partition("?")[0] in record.getMessage()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("line", ["200 OK{}X-B: b|X-A|a", "200 OK|X-A{}X-B|a", "200 OK|X-A|a{}X-B: b"])
def test_an_answer_cannot_gain_a_line_through_its_status_or_a_header(server, line, end):
    answer = send(server, head(f"GET /broken-line?{quote(line.format(end))} HTTP/1.1"))
    assert error_of(answer) == 500
    assert b"X-B" not in answer


@pytest.mark.parametrize("name", ["Connection", "transfer-encoding", "TE"])
def test_an_application_may_not_set_what_is_the_server_s(server, name):
    assert error_of(send(server, head(f"GET /broken-line?200%20OK|{name}|x HTTP/1.1"))) == 500


@pytest.mark.parametrize(("size", "body"), [(1, b"o"), (3, b"ok")])
def test_a_body_that_does_not_fit_its_length_is_cut_or_ends_its_connection(server, caplog, size, body):
    """Bytes past the length would pass for the next answer."""
    request = head(f"GET /sized?{size} HTTP/1.1")
    end = head("GET /nothing HTTP/1.1", "Connection: close") if size == 1 else b""
    answer = send(server, request + end)
    assert answer.partition(b"\r\n\r\n")[2].partition(b"HTTP/1.1 204")[0] == body
    assert f"Content-Length: {size}\r\n".encode() in answer
    assert [record for record in caplog.records if "The application has written" in record.getMessage()]


def test_an_answer_without_its_body_says_that_its_connection_ends(server):
    answer = send(server, head("GET /missing HTTP/1.1"))
    assert b"Connection: close\r\n" in answer


def test_what_is_written_and_what_is_returned_are_one_body(server):
    assert ask(server, "/write-first")[1] == b"onetwo"


def test_only_an_error_may_start_another_answer():
    def application(environ, start_response):
        start_response("200 OK", [("X-First", "1")])
        with contextlib.suppress(AssertionError):
            start_response("201 Created", [])
        try:
            raise ValueError("halfway")
        except ValueError:
            start_response("500 Oops", [("X-Second", "2")], sys.exc_info())
        return [b"failed"]

    with Server(application) as server:
        server.start()
        answer = send(server, head("GET / HTTP/1.1", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 500 Oops\r\n")
    assert (b"X-Second" in answer, b"X-First" in answer) == (True, False)


def test_the_headers_of_an_answer_are_capitalized_and_sorted(server):
    answer = send(server, head("GET /broken-line?200%20Fine|x-mock-A|%C3%A9%3D1 HTTP/1.1", "Connection: close"))
    lines = answer.decode("latin-1").split("\r\n")
    date = lines.pop(3)
    assert re.fullmatch(r"Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", date)
    assert lines == [
        "HTTP/1.1 200 Fine",
        "Connection: close",
        "Content-Length: 2",
        "Server: vambe-mock",
        "X-Mock-A: é=1",
        "",
        "ok",
    ]


@pytest.mark.parametrize(
    ("line", "option", "path", "connection"),
    [
        ("1.1", "keep-alive", "/sandbox", None),
        ("1.1", "close", "/sandbox", b"close"),
        ("1.1", "keep-alive", "/nothing", b"close"),
        ("1.1", "keep-alive", "/pieces", b"close"),
        ("1.0", "keep-alive", "/sandbox", b"Keep-Alive"),
        ("1.0", "close", "/sandbox", b"close"),
        ("1.0", "keep-alive", "/pieces", b"close"),
    ],
)
def test_an_answer_says_when_it_is_the_last_of_its_connection(server, line, option, path, connection):
    following = head("GET /sandbox HTTP/1.1", "Connection: close")
    answer = send(server, head(f"GET {path} HTTP/{line}", f"Connection: {option}") + following)
    first = answer.partition(b"\r\n\r\n")[0]
    assert re.findall(rb"\r\nConnection: ([^\r]+)", first) == ([connection] if connection else [])
    assert answer.count(b"HTTP/1.") == (1 if connection == b"close" else 2)


def test_the_date_of_an_answer_is_that_of_its_second(server):
    with freezegun.freeze_time("2026-03-04 05:06:07") as frozen:
        assert ask(server)[0].headers["Date"] == "Wed, 04 Mar 2026 05:06:07 GMT"
        frozen.tick(1)
        assert ask(server)[0].headers["Date"] == "Wed, 04 Mar 2026 05:06:08 GMT"


def test_an_answer_that_breaks_off_does_not_look_complete(server, caplog):
    with pytest.raises(http.client.IncompleteRead):
        ask(server, "/fail-late")
    until(lambda: access(caplog))
    assert access(caplog)[0].status == "aborted"


# Requests


@pytest.mark.parametrize(
    ("payload", "status"),
    {
        "no HTTP": (b"SSH-2.0-OpenSSH_9.0\r\n", 400),
        "TLS": (b"\x16\x03\x01\x02\x00\x01", 400),
        "bare line feeds": (b"GET / HTTP/1.1\nHost: here\n\n", 400),
        "version": (head("GET / HTTP/2.0"), 400),
        "no version": (b"GET /\r\n\r\n", 400),
        "blank in target": (head("GET /a b HTTP/1.1"), 400),
        "control in target": (head("GET /a\x01 HTTP/1.1"), 400),
        "CONNECT": (head("CONNECT here:80 HTTP/1.1"), 400),
        "lower case": (head("get / HTTP/1.1"), 400),
        "asterisk": (head("GET * HTTP/1.1"), 400),
        "relative": (head("GET a HTTP/1.1"), 400),
        "other scheme": (head("GET ftp://here/ HTTP/1.1"), 400),
        "broken authority": (head("GET http://[ HTTP/1.1"), 400),
        "user in authority": (head("GET http://me@here/ HTTP/1.1"), 400),
        "no Host": (head(host=None), 400),
        "Host twice": (head("GET / HTTP/1.1", "Host: there"), 400),
        "Host twice alike": (head("GET / HTTP/1.1", "Host: here"), 400),
        "Host malformed": (head(host="Host: a b"), 400),
        "Host with a user": (head(host="Host: me@here"), 400),
        "blank before colon": (head("GET / HTTP/1.1", "X-A : b"), 400),
        "empty name": (head("GET / HTTP/1.1", ": b"), 400),
        "no colon": (head("GET / HTTP/1.1", "X-A"), 400),
        "folded": (head("GET / HTTP/1.1", "X-A: b", " c"), 400),
        "NUL": (head("GET / HTTP/1.1", "X-A: b\0c"), 400),
        "bare CR": (head("GET / HTTP/1.1", "X-A: b\rX-B: c"), 400),
        "bare LF": (head("GET / HTTP/1.1", "X-A: b\nX-B: c"), 400),
        "long head": (head("GET / HTTP/1.1", "X-A: " + "a" * 65536), 431),
        "long line": (b"GET /" + b"a" * 65536, 431),
        "length twice": (head("POST / HTTP/1.1", "Content-Length: 5", "Content-Length: 6"), 400),
        "length repeated": (head("POST / HTTP/1.1", "Content-Length: 5", "Content-Length: 5"), 400),
        "length list": (head("POST / HTTP/1.1", "Content-Length: 5, 5"), 400),
        "length negative": (head("POST / HTTP/1.1", "Content-Length: -1"), 400),
        "length signed": (head("POST / HTTP/1.1", "Content-Length: +1"), 400),
        "length underscored": (head("POST / HTTP/1.1", "Content-Length: 1_0"), 400),
        "length empty": (head("POST / HTTP/1.1", "Content-Length:"), 400),
        "length superscript": (head("POST / HTTP/1.1", "Content-Length: \xb2"), 400),
        "length of 5000 digits": (head("POST / HTTP/1.1", "Content-Length: " + "9" * 5000), 400),
        "length and coding": (head("POST / HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked"), 400),
        "coding in 1.0": (head("POST / HTTP/1.0", "Transfer-Encoding: chunked"), 400),
        "coding before colon": (head("POST / HTTP/1.1", "Transfer-Encoding : chunked"), 400),
        "coding twice": (head("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"), 501),
        "coding repeated": (head("POST / HTTP/1.1", "Transfer-Encoding: chunked, chunked"), 501),
        "coding empty": (head("POST / HTTP/1.1", "Transfer-Encoding:"), 501),
        "coding unknown": (head("POST / HTTP/1.1", "Transfer-Encoding: gzip"), 501),
    }.values(),
    ids=lambda value: "",
)
def test_a_malformed_request_is_refused_at_once_in_the_shape_of_the_contract(server, application, payload, status):
    assert error_of(send(server, payload)) == status
    assert application.calls == []


MALFORMED_TRAILERS = [
    b"X: a\rb",
    b"X: a\x00b",
    b"X: a\r\n b",
    b"X: a\r\n\tb",
    b"\rX: a",
    b"X : a",
    b"X",
    b": a",
    b"X: a\x7f",
]


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nhello\r\n",
        b"-5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"5\nhello\n0\n\n",
        b"5\n\r\nhello\r\n0\r\n\r\n",
        b"\r\n5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5;" + b"a" * 300,
        b"0\r\nX: " + b"a" * 9000,
        *(b"0\r\n" + trailer + b"\r\n\r\n" for trailer in MALFORMED_TRAILERS),
    ],
)
def test_broken_chunks_are_refused_at_once(server, application, chunks):
    assert error_of(send(server, head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + chunks)) == 400
    assert application.calls == []


def test_endless_trailers_are_refused(server):
    trailers = b"X: " + b"a" * 997 + b"\r\n"
    request = head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + b"0\r\n" + trailers * 9
    assert error_of(send(server, request)) == 431


def test_nothing_after_a_refused_request_is_read_as_another(server, application):
    answer = send(server, head("POST / HTTP/1.1", "Content-Length: x") + CLOSING)
    assert error_of(answer) == 400
    assert application.calls == []


def seen(server, payload):
    """The environment that the application saw."""
    return json.loads(send(server, payload).partition(b"\r\n\r\n")[2])


def test_empty_lines_before_a_request_are_skipped(server):
    assert seen(server, b"\r\n\r\n" + CLOSING)["PATH_INFO"] == "/"


def test_an_empty_line_in_two_pieces_is_skipped(server):
    with connect(server) as client:
        for piece in (b"\r", b"\n\r", b"\n" + CLOSING):
            client.sendall(piece)
            time.sleep(0.05)
        assert status_of(read_all(client)) == 200


@pytest.mark.parametrize("before", [b"\n", b"\r", b"\r\n\n", b"\n\r\n", b"\r\r\n", b"\r\n\r", b"\r\n\r\r\n"])
def test_a_bare_line_end_before_a_request_is_refused(server, application, before):
    assert error_of(send(server, before + CLOSING)) == 400
    assert application.calls == []


def test_trailers_are_read_and_dropped(server):
    trailers = b"0\r\nX: a\r\nY-Z:\t\xe9 \r\n\r\n"
    environ = seen(server, head("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Connection: close") + trailers)
    assert (environ["CONTENT_LENGTH"], "HTTP_X" in environ) == ("0", False)


def test_http_1_0_needs_no_host_and_the_application_sees_none(server):
    environ = seen(server, head("GET / HTTP/1.0", host=None))
    assert "HTTP_HOST" not in environ
    assert environ["SERVER_NAME"] == "host.invalid"


@pytest.mark.parametrize("target", ["http://there:81/a?b", "HTTP://there:81/a?b"])
def test_the_authority_of_the_target_replaces_host(server, target):
    environ = seen(server, head(f"GET {target} HTTP/1.1", "Connection: close"))
    assert (environ["HTTP_HOST"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("there:81", "/a", "b")


def test_a_header_named_with_an_underscore_does_not_pass_for_another(server):
    assert "HTTP_X_API_KEY" not in seen(server, head("GET / HTTP/1.1", "x_api_key: k", "Connection: close"))


def test_a_header_sent_twice_reaches_the_application_joined(server):
    environ = seen(server, head("GET / HTTP/1.1", "x-api-key: a", "X-Api-Key: b", "Connection: close"))
    assert environ["HTTP_X_API_KEY"] == "a, b"


def test_what_a_proxy_adds_reaches_the_application(server):
    environ = seen(server, head("GET / HTTP/1.1", "X-Forwarded-For: there", "Connection: close"))
    assert environ["HTTP_X_FORWARDED_FOR"] == "there"


def test_the_environment_is_that_of_pep_3333_and_nothing_of_it_is_missing():
    environs = []

    def application(environ, start_response):
        environs.append(environ.copy())
        environ.clear()  # what one request does to its environment is not the next one's
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"ok"]

    with Server(lambda environ, start_response: validator(application)(environ, start_response)) as server:
        server.start()
        request = "POST //a%2Fb/?c=%C3%A9 HTTP/1.1", "Content-Type: text/plain", "Content-Length: 1", "X-A:\t b \t"
        with connect(server) as client:
            port = str(client.getsockname()[1])
            client.sendall(head(*request) + b"x" + head(*request, "Upgrade: h2", "Connection: close") + b"x")
            assert read_all(client).count(b"200 OK") == 2
    first, second = ({name: value for name, value in each.items() if is_data(value)} for each in environs)
    assert first == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "//a/b/",
        "mockserver.path": "//a%2Fb/",
        "QUERY_STRING": "c=%C3%A9",
        "REQUEST_URI": "//a%2Fb/?c=%C3%A9",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "1",
        "HTTP_HOST": "here",
        "HTTP_X_A": "b",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_HOST": "127.0.0.1",
        "REMOTE_PORT": port,
        "SERVER_NAME": "host.invalid",
        "SERVER_PORT": str(server.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "vambe-mock",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "mockserver.body_too_large": False,
        "mockserver.headers": {"host": "here", "content-type": "text/plain", "content-length": "1", "x-a": "b"},
    }
    assert second == first | {
        "HTTP_CONNECTION": "close",
        "mockserver.headers": first["mockserver.headers"] | {"connection": "close"},
    }
    assert environs[0]["waitress.client_disconnected"]()
    others = {name for name, value in environs[0].items() if not is_data(value)}
    assert others == {
        "wsgi.errors",
        "wsgi.input",
        "wsgi.file_wrapper",
        "waitress.client_disconnected",
        "mockserver.connection",
    }


def is_data(value):
    return isinstance(value, (str, bool, tuple, dict))


def test_the_names_of_headers_are_remembered_within_bounds_and_no_value_is(server):
    for number in range(3):
        fields = [f"X-{number}-{each}: the secret" for each in range(200)]
        ask(server, headers=dict(line.split(": ") for line in fields) | {"y" * 5000: "the secret"})
    assert KEYS["x-0-0"] == "X_0_0"
    assert len(KEYS) <= 256
    assert max(map(len, KEYS)) <= 64
    assert "secret" not in str(KEYS)


def test_raw_bytes_in_the_target_reach_the_application(server):
    assert seen(server, head("GET /\xc3\xa9 HTTP/1.1", "Connection: close"))["PATH_INFO"] == "/\xc3\xa9"


def test_close_is_found_among_other_connection_options(server):
    assert status_of(send(server, head("GET / HTTP/1.1", "Connection: close, TE"))) == 200


# Bodies that are too large


def post(length, *headers):
    return head("POST / HTTP/1.1", f"Content-Length: {length}", *headers)


def test_a_body_of_exactly_the_limit_is_read(server):
    answer, body = ask(server, "/", "POST", b"x" * LIMIT)
    assert answer.status == 200
    assert len(json.loads(body)["body"]) == LIMIT


def test_a_body_one_byte_over_the_limit_is_handed_to_the_app_as_too_large(server, application):
    assert error_of(send(server, post(LIMIT + 1))) == 413
    assert application.calls == [("POST", "/")]


def test_a_declared_ten_gibibytes_are_answered_at_once(server):
    assert error_of(send(server, post(10 * 2**30) + b"begun")) == 413


def test_a_chunked_body_of_exactly_the_limit_is_read(server):
    chunks = b"1\r\nx\r\n" * LIMIT + b"0\r\n\r\n"
    answer = send(server, head("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Connection: close") + chunks)
    assert status_of(answer) == 200


@pytest.mark.parametrize("chunks", [b"1\r\nx\r\n" * (LIMIT + 1), b"3e9\r\n", b"FFFFFFFFFFFFFFFF\r\n"])
def test_a_chunked_body_over_the_limit_is_answered_before_its_end(server, chunks):
    assert error_of(send(server, head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + chunks)) == 413


def test_a_client_that_expects_100_continue_gets_413_instead(server):
    assert error_of(send(server, post(LIMIT + 1, "Expect: 100-continue"))) == 413


def test_a_client_that_sends_three_mebibytes_before_it_reads_gets_its_413(server):
    body = b"x" * 3 * 2**20
    answer, got = ask(server, "/", "POST", body)
    assert answer.status == 413
    assert json.loads(got)["statusCode"] == 413


def test_three_mebibytes_after_a_malformed_head_do_not_lose_the_400(server):
    with connect(server) as client:
        client.sendall(head("POST / HTTP/1.1", "Content-Length: x") + b"x" * 3 * 2**20)
        assert error_of(read_all(client)) == 400


def test_draining_ends_after_four_mebibytes(serve):
    server = serve(timeouts=Timeouts(drain=PATIENCE * 2))
    with connect(server) as client, pytest.raises(OSError) as failure:
        client.sendall(post(2**30) + b"x" * 64 * 2**20)
    assert not isinstance(failure.value, TimeoutError)


def test_draining_ends_with_its_timeout(serve):
    server = serve(timeouts=Timeouts(drain=0.05))
    with connect(server) as client:
        client.sendall(post(2**30))
        read_all(client)
        until(lambda: not connections(server))


# Deadlines

QUICK = Timeouts(head=0.1, stall=0.1, body=0.3, unused=0.1, idle=0.1, drain=0.1)


@pytest.mark.parametrize(
    "half",
    [b"GE", b"GET / HTTP/1.1\r\nHost: here\r\n", post(10) + b"x", post(10), post(10, "Expect: 100-continue")],
)
def test_half_a_request_is_answered_408(serve, application, half):
    quick = QUICK._replace(unused=PATIENCE)  # the first byte may come late on a busy machine
    answer = send(serve(timeouts=quick), half).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert error_of(answer) == 408
    assert application.calls == []


@pytest.mark.parametrize(("opening", "drop"), [(b"GET / HTTP/1.1\r\nX-A: ", b"a"), (post(LIMIT), b"x")])
def test_a_request_that_dribbles_is_answered_408(serve, application, opening, drop):
    patient = QUICK._replace(stall=PATIENCE, unused=PATIENCE)  # a machine that is busy makes pauses of its own
    with connect(serve(timeouts=patient)) as client:
        client.sendall(opening)
        client.settimeout(0.02)
        started, got = time.monotonic(), b""
        while not got:
            assert time.monotonic() < started + PATIENCE
            client.sendall(drop)
            with contextlib.suppress(TimeoutError):
                got = client.recv(65536)
    assert status_of(got) == 408
    assert application.calls == []


@pytest.mark.parametrize(("before", "answer"), [(b"", b""), (b"\r\n", b""), (head(), b"HTTP/1.1 200")])
def test_an_idle_connection_is_closed_without_a_word(serve, before, answer):
    got = send(serve(timeouts=QUICK), before)
    assert got[:12] == answer
    assert b" 408 " not in got


def test_empty_lines_do_not_keep_a_connection_open(serve):
    with connect(serve(timeouts=QUICK)) as client, pytest.raises(OSError):
        for _ in range(int(PATIENCE / 0.02)):
            client.sendall(b"\r\n")
            time.sleep(0.02)


def test_a_body_that_keeps_coming_outlasts_the_stall(serve):
    server = serve(timeouts=Timeouts(stall=1, body=PATIENCE))
    with connect(server) as client:
        client.sendall(post(12, "Connection: close"))
        for _ in range(12):  # a pause is far shorter than the stall, also on a busy machine
            time.sleep(0.1)
            client.sendall(b"x")
        assert status_of(read_all(client)) == 200


def test_work_may_take_longer_than_any_timeout(serve, application):
    server = serve(timeouts=QUICK)
    with connect(server) as client:
        client.sendall(head("GET /wait HTTP/1.1", "Connection: close"))
        time.sleep(0.3)
        application.released.set()
        assert read_all(client).endswith(b"waited")


def test_a_client_that_does_not_read_is_let_go(serve, application):
    server = serve(timeouts=QUICK)
    with connect(server) as client:
        client.sendall(head("GET /big HTTP/1.1"))
        assert application.entered.wait(PATIENCE)
        until(lambda: not connections(server))


def test_a_client_that_reads_slowly_gets_all(serve):
    server = serve(timeouts=Timeouts(idle=1))
    with connect(server) as client:
        client.sendall(head("GET /big HTTP/1.1", "Connection: close"))
        got = 0
        while piece := client.recv(2_000_000, socket.MSG_WAITALL):
            got += len(piece)
            time.sleep(0.06)
    assert got > 4 * len(PIECE)


def test_pieces_that_come_faster_than_they_are_read_keep_their_order(server, application):
    with connect(server) as client:
        read = []
        application.after_piece = lambda: read.append(client.recv(100_000))  # room for a part of the next one
        client.sendall(head("GET /many HTTP/1.1", "Connection: close"))
        assert application.released.wait(PATIENCE)
        assert (b"".join(read) + read_all(client)).endswith(b"\r\n\r\n" + b"".join(PIECES))


def test_deadlines_run_while_time_is_frozen(serve):
    with freezegun.freeze_time("2025-11-26"):
        server = serve(timeouts=QUICK)
        assert error_of(send(server, b"GET / HTTP/1.1\r\n")) == 408
        assert send(server, b"") == b""


def test_a_jump_of_the_wall_clock_closes_nothing(server):
    with contextlib.closing(http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE)) as connection:
        connection.request("GET", "/")
        connection.getresponse().read()
        first = connection.sock
        with freezegun.freeze_time("2099-01-01"):
            assert ask(server)[0].status == 200
            time.sleep(0.6)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        assert connection.sock is first


# Many connections


def test_a_good_request_is_answered_while_600_others_are_held_open(serve):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("too few files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    with contextlib.ExitStack() as stack:
        server = serve()
        for opening in (b"", b"GET / HTTP/1.1\r\n", post(LIMIT) + b"x"):
            for _ in range(200):
                stack.enter_context(connect(server)).sendall(opening)
        assert min(time_of(lambda: ask(server)) for _ in range(3)) < 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connections_that_come_at_once_are_taken_at_once(application):
    server = Server(application)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(40)]
        for client in clients:
            client.sendall(CLOSING)
        server.loop.look(PATIENCE)
        assert len(connections(server)) == len(clients)
        server.start()
        assert {status_of(read_all(client)) for client in clients} == {200}
        server.stop()


def test_past_the_limit_an_idle_connection_makes_room(serve, monkeypatch):
    monkeypatch.setattr(loop, "connection_limit", lambda _: 3)
    server = serve()
    with connect(server) as half, connect(server) as oldest, connect(server) as newer:
        half.sendall(b"GET / HTTP/1.1\r\n")
        until(lambda: any(connection.request for connection in connections(server)))
        assert ask(server)[0].status == 200
        assert oldest.recv(1) == b""
        newer.sendall(CLOSING)
        half.sendall(b"Host: here\r\nConnection: close\r\n\r\n")
        assert status_of(read_all(newer)) == status_of(read_all(half)) == 200


def test_when_all_connections_work_a_new_one_is_answered_with_503(serve, monkeypatch, application):
    monkeypatch.setattr(loop, "connection_limit", lambda _: 1)
    server = serve()
    with connect(server) as working:
        working.sendall(head("GET /wait HTTP/1.1", "Connection: close"))
        assert application.entered.wait(PATIENCE)
        with connect(server) as waiting:
            waiting.sendall(CLOSING)
            assert status_of(read_all(waiting)) == 503
        application.released.set()
        assert status_of(read_all(working)) == 200


def test_more_requests_than_threads_are_all_answered(serve, application):
    server = serve(threads=2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(6)]
        for client in clients:
            client.sendall(head("GET /wait HTTP/1.1", "Connection: close"))
        until(lambda: len(application.calls) == 2)
        application.released.set()
        assert {status_of(read_all(client)) for client in clients} == {200}


def test_the_thread_that_worked_last_works_next():
    workers, seen, barrier = Workers(3), [], threading.Barrier(3)
    for _ in range(3):
        workers.add_task(SimpleNamespace(service=lambda: barrier.wait(PATIENCE)))
    until(lambda: len(workers._idle) == 3)
    for _ in range(5):
        workers.add_task(SimpleNamespace(service=lambda: seen.append(threading.get_ident())))
        until(lambda: len(workers._idle) == 3)
    workers.stop(time.monotonic() + PATIENCE)
    assert len(seen) == 5
    assert len(set(seen)) == 1


def test_many_clients_keep_a_single_thread_busy_that_is_never_long_at_one_answer(server, monkeypatch):
    monkeypatch.setattr(leader_followers, "_PATIENCE", PATIENCE)
    before = set(threading.enumerate())
    with ThreadPoolExecutor(8) as clients:
        assert {answer.status for answer, _ in clients.map(lambda _: ask(server), range(80))} == {200}
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"mockserver-worker-0"}


def test_a_request_that_takes_long_holds_up_no_other(server, application):
    with connect(server) as working:
        working.sendall(head("GET /wait HTTP/1.1", "Connection: close"))
        assert application.entered.wait(PATIENCE)
        assert [ask(server)[0].status for _ in range(20)] == [200] * 20
        application.released.set()
        assert status_of(read_all(working)) == 200


# Broken connections


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii" if os.name != "nt" else "hh", 1, 0))
    client.close()


@pytest.mark.parametrize("path", ["/abort", "/abort-silently"])
def test_an_aborted_connection_is_reset(server, caplog, path):
    with connect(server) as client:
        client.sendall(head(f"GET {path} HTTP/1.1"))
        with pytest.raises(ConnectionResetError):
            client.recv(65536)
    until(lambda: access(caplog))
    assert [record.status for record in access(caplog)] == ["aborted"]
    assert not [record for record in caplog.records if record.exc_info]


def test_a_closed_connection_ends_without_an_answer(server, caplog):
    assert send(server, head("GET /close HTTP/1.1")) == b""
    until(lambda: access(caplog))
    assert [record.status for record in access(caplog)] == ["aborted"]
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("path", ["/abort-and-wait", "/close-and-wait"])
def test_a_broken_connection_does_not_wait_for_the_application(server, application, path):
    with connect(server) as client:
        client.sendall(head(f"GET {path} HTTP/1.1"))
        client.settimeout(PATIENCE / 2)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(65536) == b""
        assert application.entered.wait(PATIENCE)
        assert not application.released.is_set()
        application.released.set()


@pytest.mark.parametrize("path", ["/abort", "/close"])
def test_no_request_that_follows_on_a_broken_connection_is_worked_on(serve, application, path):
    server = serve(threads=1)
    with connect(server) as client:
        client.sendall(head(f"GET {path} HTTP/1.1") + head("GET /after HTTP/1.1"))
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(65536) == b""
    ask(server, "/last")
    assert application.calls == [("GET", path), ("GET", "/last")]


def test_raw_bytes_can_be_sent_before_a_connection_is_closed(server):
    assert send(server, head("GET /garble HTTP/1.1")) == b"not HTTP"


def test_a_reset_in_mid_body_never_reaches_the_application(serve, application, caplog):
    server = serve(threads=1)
    client = connect(server)
    client.sendall(post(500) + b'{"title":"')
    until(lambda: any(connection.request for connection in connections(server)))
    reset(client)
    until(lambda: access(caplog))
    assert [(record.status, record.method) for record in access(caplog)] == [("aborted", "POST")]
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert application.calls == []
    assert ask(server)[0].status == 200


def test_a_client_that_leaves_while_it_is_served_does_no_harm(serve, application, caplog):
    server = serve(threads=1)
    client = connect(server)
    client.sendall(head("GET /wait HTTP/1.1"))
    assert application.entered.wait(PATIENCE)
    reset(client)
    application.released.set()
    assert ask(server)[0].status == 200
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.skipif(not hasattr(socket, "MSG_OOB"), reason="no urgent data here")
def test_urgent_data_does_not_make_the_server_spin(server, caplog):
    with connect(server) as client:
        client.send(b"G", socket.MSG_OOB)
        assert ask(server)[0].status == 200
    assert len(caplog.records) < 10


# Stopping


def test_a_request_in_flight_gets_its_whole_answer_when_the_server_stops(server, application):
    with connect(server) as client:
        client.sendall(head("GET /wait HTTP/1.1"))
        assert application.entered.wait(PATIENCE)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        until(lambda: server.loop.stopping)
        application.released.set()
        answer = read_all(client)
        stopping.join()
    assert answer.endswith(b"waited")
    assert b"\r\nConnection: close\r\n" in answer


def test_a_queued_request_is_answered_too_when_the_server_stops(serve, application):
    server = serve(threads=1)
    with connect(server) as first, connect(server) as second:
        first.sendall(head("GET /wait HTTP/1.1"))
        assert application.entered.wait(PATIENCE)
        second.sendall(head())
        until(lambda: len([connection for connection in connections(server) if connection.requests]) == 2)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        until(lambda: server.loop.stopping)
        application.released.set()
        assert status_of(read_all(first)) == status_of(read_all(second)) == 200
        stopping.join()


def test_a_large_answer_is_sent_to_its_end_when_the_server_stops(server, application):
    with connect(server) as client:
        client.sendall(head("GET /big HTTP/1.1"))
        assert application.entered.wait(PATIENCE)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert len(read_all(client)) > 4 * len(PIECE)
        stopping.join()


@pytest.mark.parametrize("opening", [b"", b"GET /", post(10)])
def test_stopping_closes_connections_that_wait(server, opening):
    with connect(server) as client:
        client.sendall(opening)
        until(lambda: connections(server))
        assert time_of(server.stop) < 4
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_stopping_server_takes_no_connections_while_it_finishes_its_work(server, application):
    with connect(server) as client:
        client.sendall(head("GET /wait HTTP/1.1"))
        assert application.entered.wait(PATIENCE)
        stopping = threading.Thread(target=server.stop, args=(PATIENCE * 2,))
        stopping.start()
        until(lambda: refuses(server))
        assert stopping.is_alive()
        application.released.set()
        stopping.join()


def test_a_stopped_server_takes_no_connections(server):
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def test_stopping_twice_or_unstarted_is_harmless():
    server = Server(Application())
    server.stop()
    server.stop()
    server.serve()
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def left_behind_ends(application, caplog):
    """Lets a worker end that a server has left behind, so that its record is not the next test's."""
    application.released.set()
    until(lambda: access(caplog))


def test_stopping_does_not_wait_for_ever_for_a_busy_application(server, application, caplog):
    with connect(server) as client:
        client.sendall(head("GET /wait HTTP/1.1"))
        assert application.entered.wait(PATIENCE)
        assert time_of(lambda: server.stop(timeout=0.5)) < PATIENCE
        assert client.recv(1) == b""
    left_behind_ends(application, caplog)


def test_stopping_works_while_time_is_frozen(server, application, caplog):
    with freezegun.freeze_time("2025-11-26"), connect(server) as client:
        client.sendall(head("GET /wait HTTP/1.1"))
        assert application.entered.wait(PATIENCE)
        server.stop(timeout=0.2)
    left_behind_ends(application, caplog)


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send itself a signal")
def test_a_signal_handler_may_stop_the_server_that_its_thread_serves():
    server = Server(Application())
    previous = signal.signal(signal.SIGUSR1, lambda *_: server.stop())
    threading.Thread(target=lambda: (ask(server), os.kill(os.getpid(), signal.SIGUSR1))).start()
    assert time_of(server.serve) < PATIENCE
    signal.signal(signal.SIGUSR1, previous)
    with pytest.raises(ConnectionRefusedError):
        connect(server)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not list a process's files")
def test_stopping_wakes_a_server_that_sleeps(application):
    started = time.monotonic()
    for _ in range(20):
        with Server(application) as server:
            server.start()
            ask(server)
    assert time.monotonic() - started < 20 * Timeouts().tick() / 2


def test_no_thread_and_no_file_outlives_a_server(application):
    def count():
        return threading.active_count(), len(list(Path("/dev/fd").iterdir()))

    before = count()
    for _ in range(50):
        with Server(application) as server:
            server.start()
            assert ask(server)[0].status == 200
    assert count() == before


# The access log


def test_each_request_leaves_one_record(server, caplog):
    requests = [
        head("GET /a%2Fb?key=secret HTTP/1.1", "Connection: close"),
        head("GET /sandbox HTTP/1.1", "Connection: close"),
        head("POST /c\xe9?key=secret HTTP/1.1", "Content-Length: x"),
        b"\x16\x03",
    ]
    for count, request in enumerate(requests, 1):
        send(server, request)
        until(lambda count=count: len(access(caplog)) == count)
    assert [(record.method, record.path, record.status, record.sandbox) for record in access(caplog)] == [
        ("GET", "/a%2Fb", 200, None),
        ("GET", "/sandbox", 200, "team"),
        ("POST", "/c%E9", 400, None),
        ("-", "-", 400, None),
    ]
    assert all(isinstance(record.duration_ms, float) and record.duration_ms >= 0 for record in access(caplog))
    assert "secret" not in caplog.text


def test_the_duration_is_that_of_the_work(server, application, caplog):
    threading.Timer(0.05, application.released.set).start()
    ask(server, "/wait")
    until(lambda: access(caplog))
    assert 20 < access(caplog)[0].duration_ms < 2000


def test_an_absolute_target_is_logged_as_its_path(server, caplog):
    send(server, head("GET http://there/a?b HTTP/1.1", "Connection: close"))
    until(lambda: access(caplog))
    assert access(caplog)[0].path == "/a"


def test_a_body_may_be_read_by_lines(serve):
    """`wsgi.input` is a file as PEP 3333 wants it."""
    lines = []

    def application(environ, start_response):
        lines.extend(io.BufferedReader(environ["wsgi.input"]).readlines())
        start_response("204 No Content", [])
        return []

    with Server(application) as server:
        server.start()
        ask(server, "/", "POST", b"one\ntwo\n")
    assert lines == [b"one\n", b"two\n"]


def test_a_task_that_raises_does_not_cost_its_thread(caplog):
    done = threading.Event()
    workers = Workers(1)
    workers.add_task(SimpleNamespace(service=lambda: 1 / 0))
    workers.add_task(SimpleNamespace(service=done.set))
    assert done.wait(PATIENCE)
    workers.stop(time.monotonic() + PATIENCE)
    assert "ZeroDivisionError" in caplog.text
