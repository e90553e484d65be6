"""The connection to a measured vendor, against stand-ins that answer what no vendor should."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from stand_ins import answer, in_turn, standing_in
from support import free_port

from mockserver import __version__, vendor
from mockserver.vendor import CouldNotCheck, InvalidTarget, Request, Stopped, Vendor

KEY = "vk_live_0123456789abcdef"
PING = Request("GET", "/api/public/team-members/all")


_opened = contextlib.ExitStack()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxies but those of a test, and no connection left open."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with _opened:
        yield


def connected(url: str, **settings: Any) -> Vendor:
    return _opened.enter_context(Vendor(url, KEY, **{"pause_s": 0.0, "timeout_s": 5.0} | settings))


def test_a_request_has_the_key_and_says_who_asks_and_one_connection_serves_all() -> None:
    with standing_in(in_turn(answer(200, [{"id": "a"}]))) as there:
        to = connected(f"{there.url}/gateway/")
        found = to.send(PING)
        to.send(Request("POST", "/api/public/tasks", {"Content-Type": "application/json"}, b"{}", keyed=False))
    assert (found.status, found.json, found.headers["content-type"]) == (
        200,
        [{"id": "a"}],
        "application/json; charset=utf-8",
    )
    first, second = there.seen
    assert (first.method, first.target, first.headers["x-api-key"]) == (
        "GET",
        "/gateway/api/public/team-members/all",
        KEY,
    )
    assert first.headers["user-agent"] == f"vambe-mock/{__version__} (conform)"
    assert (second.body, "x-api-key" in second.headers, to.sent) == (b"{}", False, 2)
    assert first.connection == second.connection


def test_the_base_path_may_be_part_of_the_target() -> None:
    with standing_in(in_turn(answer(200))) as there:
        connected(f"{there.url}/api/public/").send(PING)
    assert there.seen[0].target == "/api/public/team-members/all"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (answer(500, b"oops"), 500),
        (answer(200, b"<html>", content_type="text/html"), 200),
        (answer(301, location="https://elsewhere.example/"), 301),
        (answer(401, {"message": "Unauthorized"}), 401),
    ],
)
def test_an_answer_is_returned_whatever_it_is_and_no_redirect_is_followed(sent: bytes, status: int) -> None:
    with standing_in(in_turn(sent)) as there:
        assert connected(there.url).send(PING).status == status
    assert len(there.seen) == 1


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (None, "it closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "it sent half an answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", "it sent half an answer"),
        (b"SSH-2.0-" + KEY.encode() + b"\r\n", "its answer is not HTTP (BadStatusLine)"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "its answer is not HTTP (LineTooLong)"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "it sent half an answer"),
    ],
)
def test_no_whole_answer_is_could_not_check_in_words_of_our_own(sent: bytes | None, reason: str) -> None:
    with standing_in(in_turn(sent), keeps=False) as there, pytest.raises(CouldNotCheck) as raised:
        connected(there.url).send(PING)
    assert str(raised.value) == f"{there.url.removeprefix('http://')}: {reason}"


def test_an_answer_that_does_not_come_or_is_too_long_is_could_not_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "MAX_ANSWER", 1024)
    long = standing_in(in_turn(answer(200, b"x" * 2000)), keeps=False)
    with long as there, pytest.raises(CouldNotCheck, match="its answer is over"):
        connected(there.url).send(PING)
    deaf = socket.create_server(("127.0.0.1", 0))
    with deaf, pytest.raises(CouldNotCheck, match=r"no answer within 0\.1 s"):
        connected(f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout_s=0.1).send(PING)
    with pytest.raises(CouldNotCheck, match="refused"):
        connected(f"http://127.0.0.1:{free_port()}").send(PING)


def test_an_answer_that_comes_in_drops_is_could_not_check_when_its_time_is_over() -> None:
    stopped, drops = threading.Event(), []

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(1024)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not stopped.wait(0.05) and len(drops) < 100:
                connection.sendall(b" ")
                drops.append(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        with pytest.raises(CouldNotCheck, match=r"or took over 0\.3 s"):
            connected(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.3).send(PING)
        stopped.set()
        thread.join()
    assert len(drops) < 100


def test_an_answer_that_tells_the_key_is_read_without_it() -> None:
    with standing_in(in_turn(answer(400, {"message": f"Not {KEY}"}))) as there:
        assert connected(there.url).send(PING).json == {"message": "Not ***"}


def test_after_a_kept_connection_was_closed_the_next_request_opens_another() -> None:
    with standing_in(in_turn(answer(200))) as there:
        to = connected(there.url)
        for _ in range(3):
            assert to.send(PING).status == 200
            there.connections[-1].shutdown(socket.SHUT_RDWR)
    assert [each.connection for each in there.seen] == [0, 1, 2]


def test_nothing_is_sent_after_the_third_failure_but_what_cleans_up() -> None:
    with standing_in(in_turn(answer(500), None, answer(502), answer(200))) as there:
        to = connected(there.url)
        assert to.send(PING).status == 500
        with pytest.raises(CouldNotCheck):
            to.send(PING)
        assert to.send(PING).status == 502
        with pytest.raises(Stopped, match="answers 502; stopped after 3 failures"):
            to.send(PING)
        assert to.send(Request("DELETE", "/api/public/tasks/a"), cleaning=True).status == 200
    assert len(there.seen) == 4


def test_the_budget_ends_and_keeps_what_others_need() -> None:
    with standing_in(in_turn(answer(200))) as there:
        to = connected(there.url, budget=3)
        to.send(PING, kept=2)
        with pytest.raises(Stopped, match="the budget of 3 requests is used up"):
            to.send(PING, kept=2)
        to.send(PING, kept=1, cleaning=True)
        to.send(PING)
        with pytest.raises(Stopped):
            to.send(PING, cleaning=True)
    assert len(there.seen) == 3


@pytest.mark.parametrize("header", [{"retry_after": "0"}, {"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}])
def test_a_429_is_repeated_after_the_time_that_it_names(header: dict[str, str]) -> None:
    with standing_in(in_turn(answer(429, **header), answer(200))) as there:
        to = connected(there.url)
        assert (to.send(PING).status, to.sent) == (200, 2)


def test_a_429_that_does_not_end_or_asks_for_too_much_stops() -> None:
    endless = standing_in(in_turn(answer(429, retry_after="0")))
    with endless as there, pytest.raises(Stopped, match="answers 429, also after 3 repetitions"):
        connected(there.url).send(PING)
    assert len(there.seen) == 4
    long = standing_in(in_turn(answer(429, retry_after="3600")))
    with long as there, pytest.raises(Stopped, match="asks to wait for 3600 s"):
        connected(there.url).send(PING)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("api.vambe.me", "--target api.vambe.me: it must be a URL such as https://api.vambe.me"),
        ("ftp://api.vambe.me", "it must be a URL"),
        ("https://user:secret@api.vambe.me", "--target api.vambe.me: it may have a host, a port and a path"),
        ("https://api.vambe.me?x=1", "it may have a host"),
        ("https://api.vambe.me/ñ", "it may have a host"),
        ("https://api.vambe.me:99999", "Port out of range"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused(target: str, message: str) -> None:
    with pytest.raises(InvalidTarget) as raised:
        Vendor(target, KEY)
    assert message in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("key", ["", f"{KEY}\n", "llave ñ"])
def test_a_key_that_no_header_can_have_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(InvalidTarget, match=r"^the key is empty, or has characters that a header cannot have$"):
        Vendor("https://api.vambe.me", key)


def test_a_proxy_of_the_environment_is_asked_with_its_own_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    with standing_in(in_turn(answer(407)), keeps=False) as proxy:
        address = proxy.url.replace("http://", "http://user:p%40ss@")
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.setenv("https_proxy", address)
        assert connected("http://vendor.example/x").send(PING).status == 407
        with pytest.raises(CouldNotCheck, match="Tunnel connection failed: 407"):
            connected("https://vendor.example").send(PING)
        monkeypatch.setenv("no_proxy", "vendor.example")
        with pytest.raises(CouldNotCheck):
            connected("http://vendor.example:1").send(PING)
    plain, tunnel = proxy.seen
    assert plain.target == "http://vendor.example/x/api/public/team-members/all"
    assert (tunnel.method, tunnel.target) == ("CONNECT", "vendor.example:443")
    assert [each.headers["proxy-authorization"] for each in proxy.seen] == ["Basic dXNlcjpwQHNz"] * 2
    assert "x-api-key" not in tunnel.headers
    monkeypatch.setenv("https_proxy", "socks5://proxy.example")
    monkeypatch.delenv("no_proxy")
    with pytest.raises(InvalidTarget, match="HTTPS_PROXY: it must be a URL such as"):
        connected("https://vendor.example")


@pytest.mark.parametrize(
    ("target", "exposed"),
    [
        ("http://vendor.example", True),
        ("https://vendor.example", False),
        ("http://127.0.0.1:4010", False),
        ("http://[::1]:4010", False),
    ],
)
def test_a_key_over_http_is_exposed_unless_the_target_is_this_machine(target: str, exposed: bool) -> None:
    assert connected(target).is_exposed is exposed


def test_there_is_a_pause_between_two_requests_but_none_before_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(vendor.time, "sleep", slept.append)
    with standing_in(in_turn(answer(200))) as there:
        to = connected(there.url, pause_s=0.25)
        for _ in range(3):
            to.send(PING)
    assert slept == [0, 0.25, 0.25]
