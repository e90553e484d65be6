"""Access to the control plane: programs of this machine, its own pages, and off loopback callers with the token."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import random
import socket
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from flask import Flask
from support import COMMAND, Api, assert_error, plain_environment, running, served
from werkzeug.test import run_wsgi_app

from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.engine import EXTENSION
from mockserver.web.hosts import HostRule

TOKEN = "correct-horse-battery"
READS = ["health", "state", "sandboxes", "snapshots", "requests", "faults", "clock", "settings", "failures"]
WRITES = [
    ("POST", "reset"),
    ("PUT", "state"),
    ("POST", "sandboxes"),
    ("DELETE", "sandboxes/default"),
    ("POST", "snapshots"),
    ("POST", "snapshots/x/restore"),
    ("DELETE", "snapshots/x"),
    ("DELETE", "requests"),
    ("POST", "requests/count"),
    ("POST", "requests/verify"),
    ("POST", "faults"),
    ("DELETE", "faults"),
    ("PUT", "clock"),
    ("POST", "clock/advance"),
    ("PATCH", "settings"),
]


@pytest.fixture(scope="module")
def open_url() -> Iterator[str]:
    """A server that listens on every address, with a token."""
    with running(host="0.0.0.0", admin_token=TOKEN) as url:
        yield url


@pytest.fixture
def page(api: Api) -> httpx.Client:
    """A client whose sandbox exists."""
    api.list()
    return api.client


# Origins.


def same_origin(url: str) -> str:
    return f"http://{urlsplit(url).netloc}"


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://localhost",
        "http://localhost:1",
        "http://127.0.0.1",
        "http://127.0.0.1.evil.example",
        "file://",
        "",
        "é",
        "http://[::1",
        "x" * 20_000,
    ],
)
def test_a_page_of_another_origin_is_refused(page: httpx.Client, origin: str) -> None:
    headers = {"Origin": origin.encode()}
    for method, path in [("GET", "state"), ("GET", "health"), ("POST", "reset"), ("GET", "nowhere"), ("GET", "events")]:
        response = page.request(method, f"/__admin/{path}", headers=headers)
        assert_error(response, 403)
        assert "access-control-allow-origin" not in response.headers


def test_an_origin_that_only_looks_like_the_server_s_is_refused(api: Api, page: httpx.Client) -> None:
    own = same_origin(api.url)
    for origin in (own + "0", own + "/", own + ".evil.example", own[:-1], f"{own} {own}", f"x{own}", f"{own}, {own}"):
        assert_error(page.get("/__admin/state", headers={"Origin": origin}), 403)


def test_a_page_of_the_server_s_own_origin_may_call(api: Api, page: httpx.Client) -> None:
    for origin in (same_origin(api.url), same_origin(api.url).upper()):
        response = page.post("/__admin/reset", headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})
        assert response.status_code == 200
        assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("site", ["cross-site", "Cross-Site"])
def test_a_cross_site_fetch_is_refused(page: httpx.Client, site: str) -> None:
    for method, path in [("GET", "state"), ("POST", "reset"), ("GET", "events")]:
        for mode, destination in (("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")):
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}
            assert_error(page.request(method, f"/__admin/{path}", headers=headers), 403)


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_other_fetches_are_let_through(page: httpx.Client, site: str) -> None:
    assert page.get("/__admin/state", headers={"Sec-Fetch-Site": site}).status_code == 200


def test_a_preflight_gets_no_leave(page: httpx.Client) -> None:
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    for path in ("reset", "state", "nowhere"):
        response = page.options(f"/__admin/{path}", headers=headers)
        assert not [name for name in response.headers if name.startswith("access-control-")]


def test_what_is_refused_does_nothing(api: Api) -> None:
    task = api.created()
    attempts: list[dict[str, str]] = [{"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}]
    for headers in attempts:
        assert api.client.post("/__admin/reset", headers=headers).status_code in (403, 421)
        assert api.client.delete("/__admin/requests", headers=headers).status_code in (403, 421)
    assert api.listed() == [task]
    assert api.client.get("/__admin/requests").json()["total"] == 2


# The console's pages.

PAGES = [
    "",
    "console/cards",
    "console/requests",
    "console/requests/1",
    "console/faults",
    "console/faults/sentence",
    "console/world",
    "console/try",
    "console/export.zip",
    "console/assets/console.css",
]


def cross_site(mode: str, destination: str) -> dict[str, str]:
    return {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}


def sandbox_of(page: httpx.Client) -> dict[str, str]:
    return {"sandbox": page.headers["x-api-key"].removeprefix("test_")}


@pytest.mark.parametrize("path", PAGES)
def test_a_link_from_anywhere_leads_to_a_page(page: httpx.Client, path: str) -> None:
    headers = cross_site("navigate", "document")
    response = page.get(f"/__admin/{path}", params=sandbox_of(page), headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].partition("/")[0] == ("application" if "zip" in path else "text")


def test_a_link_without_the_slash_leads_to_the_console(page: httpx.Client) -> None:
    response = page.get("/__admin", headers=cross_site("navigate", "document"))
    assert (response.status_code, response.headers["location"].endswith("/__admin/")) == (308, True)
    assert_error(page.get("/__admin", headers=cross_site("no-cors", "image")), 403)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_of_another_site_shows_or_loads_one(page: httpx.Client, path: str) -> None:
    arrivals = [("navigate", "iframe"), ("navigate", "frame"), ("navigate", "embed"), ("navigate", "object")]
    arrivals += [("no-cors", "image"), ("no-cors", "script"), ("cors", "empty"), ("cors", "document"), ("", "")]
    for mode, destination in arrivals:
        assert_error(page.get(f"/__admin/{path}", headers=cross_site(mode, destination)), 403)
    assert_error(page.get(f"/__admin/{path}", headers={"Sec-Fetch-Site": "cross-site"}), 403)
    assert_error(page.get(f"/__admin/{path}", headers={"Origin": "null", **cross_site("navigate", "document")}), 403)


def test_a_link_leads_to_pages_only_and_changes_nothing(api: Api, page: httpx.Client) -> None:
    task = api.created()
    headers = cross_site("navigate", "document")
    for path in (*READS, "events", "openapi.json", "nowhere"):
        assert_error(page.get(f"/__admin/{path}", headers=headers), 403)
    for method, path in [*WRITES, *(("POST", path) for path in PAGES), *(("DELETE", path) for path in PAGES)]:
        assert_error(page.request(method, f"/__admin/{path}", headers=headers), 403)
    assert_error(page.post("/__admin", headers=headers), 403)
    assert api.listed() == [task]


@pytest.mark.parametrize("path", [f"/__admin/{path}" for path in PAGES] + ["/docs", "/", "/docs/assets/console.js"])
def test_a_page_lets_nobody_frame_it_and_loads_nothing_from_elsewhere(page: httpx.Client, path: str) -> None:
    response = page.get(path, params=sandbox_of(page))
    assert response.status_code == 200
    policy = response.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in str(policy)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.nip.io"])
def test_no_page_is_shown_under_a_name_that_is_not_this_machine_s(page: httpx.Client, host: str) -> None:
    for path in (*(f"/__admin/{path}" for path in PAGES), "/", "/docs", "/docs/assets/console.js"):
        assert_error(page.get(path, headers={"Host": host}), 421)


def test_off_loopback_every_page_of_the_console_needs_the_token(open_url: str) -> None:
    httpx.get(f"{open_url}/api/public/team-members/all", headers={"x-api-key": "test_default"}).raise_for_status()
    with httpx.Client(base_url=f"{open_url}/__admin/", verify=False) as client:
        for path in PAGES:
            response = client.get(path)
            assert_error(response, 401)
            assert response.headers["WWW-Authenticate"].startswith("Basic ")
            assert client.get(path, headers=authorized(basic(TOKEN + "x"))).status_code == 401
            assert client.get(path, headers=authorized(basic(TOKEN))).status_code == 200


# Bodies.


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "application/problem+json",
        "application/jsonx",
        "text/plain; application/json",
        "",
        None,
    ],
)
def test_a_body_of_another_type_is_refused(page: httpx.Client, media_type: str | None) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    for method, path in WRITES:
        assert_error(page.request(method, f"/__admin/{path}", content=b"{}", headers=headers), 415)
        assert_error(page.request(method, f"/__admin/{path}", content=iter([b"{}"]), headers=headers), 415)


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
def test_json_is_taken_however_it_is_written(page: httpx.Client, media_type: str) -> None:
    response = page.post("/__admin/reset", content=b'{"to": "empty"}', headers={"Content-Type": media_type})
    assert response.json()["to"] == "empty"


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
def test_a_call_without_a_body_needs_no_type(page: httpx.Client, headers: dict[str, str]) -> None:
    for method, path in (("POST", "reset"), ("DELETE", "requests"), ("DELETE", "faults"), ("PATCH", "settings")):
        assert page.request(method, f"/__admin/{path}", headers=headers).status_code == 200


def test_reading_changes_nothing(api: Api, page: httpx.Client) -> None:
    api.created()
    before = [page.get(f"/__admin/{path}").content for path in READS]
    for path in [*READS, "nowhere", "openapi.json"]:
        page.get(f"/__admin/{path}")
        page.head(f"/__admin/{path}")
    for method, path in WRITES:
        if path not in READS:
            assert page.get(f"/__admin/{path}").status_code in (400, 404, 405)
        assert method != "GET"
    assert [page.get(f"/__admin/{path}").content for path in READS] == before


# Hosts.


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "127.0.0.1.nip.io"])
def test_a_name_that_is_not_this_machine_s_is_refused(page: httpx.Client, host: str) -> None:
    for path in (*READS, "events", "openapi.json", "nowhere"):
        assert_error(page.get(f"/__admin/{path}", headers={"Host": host}), 421)


# The token.


def authorized(value: str | bytes) -> dict[str, bytes]:
    return {"Authorization": value.encode() if isinstance(value, str) else value}


def basic(password: str, user: str = "anyone") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


GOOD = [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN}", basic(TOKEN), basic(TOKEN, ""), basic(TOKEN, "é")]
BAD = [
    "",
    "Bearer",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN.upper()}",
    f"Bearer x, Bearer {TOKEN}",
    TOKEN,
    f"Token {TOKEN}",
    f"Basic {TOKEN}",
    "Basic",
    "Basic !!!",
    "Basic =",
    "Basic YQ",
    basic(""),
    basic(TOKEN + "x"),
    basic("x:" + TOKEN),
    "Basic " + base64.b64encode(TOKEN.encode()).decode(),
    "Bearer \u00e9",
    "Bearer \U0001f600",
    b"Bearer \xff\xfe",
    "Basic " + base64.b64encode(b"a:\xff\xfe").decode(),
    "Bearer " + "x" * 60_000,
    "Basic " + "QUFB" * 15_000,
    "Bearer " + "\t" * 1000 + "x",
]


@pytest.mark.parametrize("value", GOOD)
def test_off_loopback_the_token_opens_the_control_plane(open_url: str, value: str) -> None:
    assert httpx.get(f"{open_url}/__admin/state", headers=authorized(value), verify=False).status_code == 200


@pytest.mark.parametrize("value", BAD, ids=range(len(BAD)))
def test_off_loopback_anything_else_is_a_401(open_url: str, value: str | bytes) -> None:
    response = httpx.get(f"{open_url}/__admin/state", headers=authorized(value), verify=False)
    assert_error(response, 401)
    assert TOKEN not in response.text + str(response.headers)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "The control plane needs the admin token, as Authorization: Bearer TOKEN or as the password of Basic"),
        (authorized("Bearer"), "The control plane needs the admin token, as Authorization: Bearer TOKEN or as the pa"),
        (authorized(f"Token {TOKEN}"), "The control plane needs the admin token, as Authorization: Bearer TOKEN or "),
        (authorized("Bearer wrong"), "The admin token is wrong: the server printed it at its start, or has it from -"),
        (authorized(basic("wrong")), "The admin token is wrong: the server printed it at its start, or has it from -"),
    ],
)
def test_a_wrong_token_is_told_from_a_missing_one(open_url: str, headers: dict[str, bytes], message: str) -> None:
    answer = httpx.get(f"{open_url}/__admin/state", headers=headers, verify=False)
    assert assert_error(answer, 401)["message"].startswith(message)


def test_off_loopback_every_call_but_health_needs_the_token(open_url: str) -> None:
    with httpx.Client(base_url=f"{open_url}/__admin/", verify=False) as client:
        paths = [("GET", path) for path in [*READS, "events", "openapi.json", "nowhere", ""] if path != "health"]
        # What only ends like the open path is not open.
        paths += [("DELETE", "sandboxes/health"), ("DELETE", "faults/health"), ("DELETE", "snapshots/health")]
        paths += [("GET", "requests/health"), ("GET", "health/"), ("GET", "x/health"), ("GET", "Health")]
        for method, path in [*paths, *WRITES]:
            response = client.request(method, path)
            assert_error(response, 401)
            assert response.headers["WWW-Authenticate"].startswith("Basic ")
        assert client.get("health").json()["status"] == "healthy"


def test_off_loopback_the_imitated_api_needs_no_token(open_url: str) -> None:
    api = Api(open_url, "test_default")
    with api.client:
        assert api.listed() == []


def test_off_loopback_any_host_is_answered_without_a_failure(open_url: str) -> None:
    address = urlsplit(open_url)
    odd = ["example.com", "[:::]", "[1]", "[1.2.3.4]", "[::ffff:1.2.3.4]:99999", "a:", "a:0x", "%zz", "..", "-", ""]
    for host in odd:
        for path in ("state", "sandboxes", "health"):
            with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
                connection.sendall(
                    f"GET /__admin/{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
                    "Connection: close\r\n\r\n".encode()
                )
                status = int(b"".join(iter(lambda: connection.recv(65536), b"")).split()[1])
            assert status in (200, 400), (host, path)


def test_on_loopback_no_token_is_asked_for() -> None:
    with running(admin_token=TOKEN) as url:
        assert httpx.get(f"{url}/__admin/state", verify=False).status_code == 200


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_on_the_loopback_of_ipv6_no_token_is_asked_for() -> None:
    with contextlib.closing(socket.socket(socket.AF_INET6)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("needs ::1")
    with running(host="::1") as url:
        assert httpx.get(f"{url}/__admin/state", verify=False).status_code == 200


@pytest.mark.parametrize(
    ("address", "status"), [("127.0.0.1", 200), ("127.9.9.9", 200), ("::1", 200), ("10.0.0.1", 403), ("::2", 403)]
)
def test_an_application_without_a_token_answers_this_machine_only(app: Flask, address: str, status: int) -> None:
    response = app.test_client().get("/__admin/state", environ_base={"REMOTE_ADDR": address})
    assert response.status_code == status


def test_a_made_up_token_is_printed_at_the_start_as_json() -> None:
    with served("--host", "0.0.0.0") as server:
        token = server.event["admin_token"]
        assert len(token) >= 32
        assert httpx.get(f"{server.url}/__admin/state").status_code == 401
        assert httpx.get(f"{server.url}/__admin/state", headers=authorized(f"Bearer {token}")).status_code == 200
        _, output, errors = server.stop()
        assert token not in output + errors


def test_a_made_up_token_is_printed_at_the_start_as_text() -> None:
    line = [*COMMAND, "serve", "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen(line, env=plain_environment(), stdout=-1, stderr=-1, encoding="utf-8") as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(4)]
            url = lines[0].split()[-1]
            (token,) = [each.split()[2] for each in lines if each.startswith("Admin token: ")]
            assert httpx.get(f"{url}/__admin/state").status_code == 401
            assert httpx.get(f"{url}/__admin/state", headers=authorized(f"Bearer {token}")).status_code == 200
        finally:
            process.terminate()
            process.communicate(timeout=30)


def test_a_token_that_was_given_is_not_printed() -> None:
    with served("--host", "0.0.0.0", "--admin-token", TOKEN) as server:
        assert "admin_token" not in server.event
        assert httpx.get(f"{server.url}/__admin/state", headers=authorized(basic(TOKEN))).status_code == 200
        assert TOKEN not in "".join(map(str, server.stop()))


# Ten thousand odd values.


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    application = create_app(Settings())
    yield application
    application.extensions[EXTENSION].close()


PIECES = [
    *("localhost", "127.0.0.1", "[::1]", "::1", "evil.example", "0x7f.1", "http://", "https://", "null", "file://"),
    *(":", ":80", ":99999", "@", "/", "\\", "[", "]", "%", "%00", "%2e", " ", "\t", ".", "..", "-", "_", ",", ";", "#"),
    *("\x00", "\x7f", "\x80", "\xff", "\u00e9", "\u0660", "*", "?", "a" * 300, "1" * 50, "LOCALHOST", "xn--", "(", "+"),
]


def test_ten_thousand_odd_hosts_and_origins_never_make_it_fail(app: Flask) -> None:
    odd = random.Random(20251126)
    application = HostRule(app.wsgi_app)
    statuses: dict[str, int] = {}
    for number in range(10_000):
        value = "".join(odd.choice(PIECES) for _ in range(odd.randint(0, 5)))
        headers: dict[str, Any] = (
            {"HTTP_HOST": value} if number % 2 else {"HTTP_HOST": "localhost", "HTTP_ORIGIN": value}
        )
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": ("/__admin/clock", "/__admin/sandboxes", "/x/y")[number % 3 if number % 20 == 0 else 0],
            "QUERY_STRING": "",
            "SERVER_NAME": "host.invalid",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            **headers,
        }
        body, status, _ = run_wsgi_app(application, environ)
        kind = status.split()[0]
        statuses[kind] = statuses.get(kind, 0) + 1
        assert kind in ("200", "400", "403", "404", "421"), (value, status, b"".join(body))
    assert statuses["421"] > 3000
    assert statuses["403"] > 3000
    assert statuses["200"] > 10


def test_no_answer_of_the_control_plane_has_cors_headers(api: Api) -> None:
    api.created()
    for path in (*READS, "nowhere", "requests/x", "openapi.json"):
        response = api.client.get(f"/__admin/{path}", headers={"Origin": same_origin(api.url)})
        assert not [name for name in response.headers if name.startswith("access-control-")]
        json.loads(response.content)


# Pages of an origin that was let.

APP = {"Origin": "https://App.example.com", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def let_url() -> Iterator[str]:
    with running(admin_origin=("https://app.example.com", "http://127.0.0.1:3000")) as url:
        yield url


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_page_of_an_admin_origin_may_call_and_read(let_url: str, method: str) -> None:
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization, content-type"}
    preflight = httpx.options(f"{let_url}/__admin/settings", headers=APP | asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == APP["Origin"]
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"].lower() == "authorization, content-type"
    answer = httpx.request(method, f"{let_url}/__admin/settings", headers=APP, json={"strict": False})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == APP["Origin"]
    refused = httpx.post(f"{let_url}/__admin/reset", headers=APP, json={"only": []})
    assert refused.status_code == 400
    assert refused.headers["access-control-allow-origin"] == APP["Origin"]


@pytest.mark.parametrize(
    "origin", ["null", "https://app.example.com.evil", "http://app.example.com", "http://127.0.0.1"]
)
def test_a_page_of_another_origin_still_may_not(let_url: str, origin: str) -> None:
    answer = httpx.post(f"{let_url}/__admin/reset", headers={"Origin": origin})
    message = assert_error(answer, 403)["message"]
    assert message == f'The control plane does not answer pages of "{origin}": --admin-origin allows an origin'
    assert "access-control-allow-origin" not in answer.headers


def test_an_admin_origin_is_foreign_for_all_else(let_url: str) -> None:
    answer = httpx.get(f"{let_url}/api/public/team-members/all", headers=APP | {"x-api-key": "test_default"})
    assert "access-control-allow-origin" not in answer.headers


def test_off_loopback_a_page_of_an_admin_origin_needs_the_token() -> None:
    with running(host="0.0.0.0", admin_token=TOKEN, admin_origin=("https://app.example.com",)) as url:
        refused = httpx.get(f"{url}/__admin/state", headers=APP)
        assert_error(refused, 401)
        assert refused.headers["access-control-allow-origin"] == APP["Origin"]
        assert httpx.get(f"{url}/__admin/state", headers=APP | authorized(f"Bearer {TOKEN}")).status_code == 200
