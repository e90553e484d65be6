"""A mock behind proxies: `--public-url`, `--trusted-proxy`, and a real nginx with TLS and a prefix in front."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from nginx import FORWARDED, KEPT, NAME, REMOVED, nginx, public_url
from support import free_port, served

from mockserver.application import create_app
from mockserver.config import resolve
from mockserver.engine import EXTENSION
from mockserver.testing import MockServer, RemoteServer
from mockserver.web.proxies import guarded

TOKEN = "a-token"
# The lines for nginx, and the options of the server that fit.
SETUPS = {
    REMOVED: ["--public-url", "{url}"],
    KEPT: ["--public-url", "{url}"],
    FORWARDED: ["--trusted-proxy", "127.0.0.1"],
}
PAGES = ["/__admin/", "/__admin/console/requests", "/__admin/console/world", "/docs"]


class Proxied(NamedTuple):
    """A server behind nginx: its public URL, a client of it, and the server's own URL."""

    url: str
    client: httpx.Client
    direct: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)


@contextlib.contextmanager
def proxied(setup: str, folder: Path) -> Iterator[Proxied]:
    port = free_port()
    url = public_url(port)
    given = [option.format(url=url) for option in SETUPS[setup]]
    with (
        served("--admin-token", TOKEN, "--log-format", "json", *given) as server,
        nginx(folder, port, setup, server.url),
        httpx.Client(
            base_url=f"https://127.0.0.1:{port}/vambe",
            headers={"host": f"{NAME}:{port}", "x-api-key": "test_default"},
            auth=("admin", TOKEN),
            verify=False,
        ) as client,
    ):
        yield Proxied(url, client, server.url)


@pytest.fixture(scope="module", params=SETUPS)
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with proxied(request.param, tmp_path_factory.mktemp("nginx")) as found:
        yield found


class TestBehindNginx:
    @pytest.mark.parametrize("page", PAGES)
    def test_every_link_and_asset_of_a_page_leads_through_the_proxy(self, behind: Proxied, page: str) -> None:
        html = behind.get(page).text
        links = {urljoin(f"/vambe{page}", each) for each in re.findall(r'(?:href|src)="([^"#][^"]*)"', html)}
        assert len(links) > 5
        for link in links:
            assert link.startswith("/vambe/"), link
            assert behind.get(link.removeprefix("/vambe").replace("&amp;", "&")).status_code == 200, link

    def test_the_root_leads_a_browser_to_the_console(self, behind: Proxied) -> None:
        assert behind.get("/", accept="text/html").headers["location"] == "/vambe/__admin/"
        index = behind.get("/", accept="application/json").json()
        assert (index["docs"], index["api"]) == ("/vambe/docs", "/vambe/api/public")

    def test_what_a_page_tells_to_paste_is_the_public_url(self, behind: Proxied) -> None:
        assert f"export VAMBE_API_URL={behind.url}\n" in behind.get("/__admin/").text

    @pytest.mark.parametrize("language", ["curl", "httpx", "fetch"])
    def test_what_a_request_is_copied_as_goes_to_the_public_url(self, behind: Proxied, language: str) -> None:
        entry = behind.get("/api/public/team-members/all?y=1").headers["x-mock-request-id"]
        page = behind.get(f"/__admin/console/requests/{entry}").text
        copied = re.findall(rf'<pre id="as-{language}"[^>]*>(.*?)</pre>', page, re.DOTALL)
        assert [f"{behind.url}/api/public/team-members/all" in text for text in copied] == [True]

    @pytest.mark.parametrize("description", ["/openapi.json", "/__admin/openapi.json"])
    def test_a_description_names_the_public_url(self, behind: Proxied, description: str) -> None:
        assert [each["url"] for each in behind.get(description).json()["servers"]] == [behind.url]

    def test_a_sandbox_is_reached_at_its_base_url(self, behind: Proxied) -> None:
        made = behind.client.post("/__admin/sandboxes", json={}).json()
        assert made["base_url"] == behind.url
        users = behind.get("/api/public/team-members/all", **{"x-api-key": made["api_key"]})
        assert users.status_code == 200

    def test_a_request_is_journalled_as_the_api_sees_it(self, behind: Proxied) -> None:
        answer = behind.get("/api/public/nowhere?y=1")
        assert answer.json()["message"] == "Cannot GET /api/public/nowhere?y=1"
        entry = behind.get(f"/__admin/requests/{answer.headers['x-mock-request-id']}").json()
        assert entry["request"]["path"] == "/api/public/nowhere"

    def test_events_arrive_although_nginx_buffers(self, behind: Proxied) -> None:
        with behind.client.stream("GET", "/__admin/events", timeout=10) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith(":")
            sending = threading.Thread(target=behind.get, args=("/api/public/team-members/all",))
            sending.start()
            assert next(line for line in lines if line.startswith("event")) == "event: request"
        sending.join()

    def test_the_control_plane_needs_the_token(self, behind: Proxied) -> None:
        refused = httpx.get(f"{behind.direct}/__admin/state")
        assert refused.status_code == 401
        assert behind.client.get("/__admin/state", auth=None).status_code == 401
        assert behind.get("/__admin/state").status_code == 200

    def test_a_page_of_the_public_origin_may_call_and_another_may_not(self, behind: Proxied) -> None:
        origin = behind.url.removesuffix("/vambe")
        assert behind.get("/__admin/state", origin=origin).status_code == 200
        assert behind.get("/__admin/state", origin="https://other.example").status_code == 403

    def test_the_server_is_reached_past_the_proxy_too(self, behind: Proxied) -> None:
        sent = {"authorization": f"Bearer {TOKEN}", "origin": behind.direct, "x-api-key": "test_default"}
        assert httpx.get(f"{behind.direct}/__admin/state", headers=sent).status_code == 200
        assert httpx.get(f"{behind.direct}/api/public/team-members/all", headers=sent).status_code == 200


def test_the_log_tells_client_sandbox_entry_and_request_id() -> None:
    forwarded = {"x-forwarded-for": "203.0.113.9, 198.51.100.7", "x-request-id": "abc-1", "x-api-key": "test_logs"}
    with served("--log-format", "json", "--trusted-proxy", "127.0.0.0/8") as server:
        httpx.get(f"{server.url}/api/public/team-members/all", headers=forwarded)
        httpx.get(f"{server.url}/docs", headers={"x-request-id": "my-secret-key", "x-api-key": "my-secret-key"})
        lines = [json.loads(line) for line in server.stop()[2].splitlines()]
    started, call, page, stopped = lines
    assert (started["message"], stopped["message"]) == (f"started on {server.url}", "stopped")
    known = {name: call[name] for name in ("client", "sandbox", "entry", "request_id", "status")}
    assert known == {"client": "198.51.100.7", "sandbox": "logs", "entry": 1, "request_id": "abc-1", "status": 200}
    assert (page["client"], page["sandbox"], page["entry"]) == ("127.0.0.1", None, None)
    assert "my-secret-key" not in json.dumps(page)


class TestTrust:
    SENT = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "x-forwarded-prefix": "/x"}

    def servers(self, url: str, **headers: str) -> Any:
        return httpx.get(f"{url}/openapi.json", headers=headers).json()["servers"][0]["url"]

    def test_nobody_is_trusted_by_default(self) -> None:
        with served() as server:
            assert self.servers(server.url, **self.SENT) == server.url

    def test_only_the_networks_given_are_trusted(self) -> None:
        with served("--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "fd00::/8") as server:
            assert self.servers(server.url, **self.SENT) == server.url
        with served("--trusted-proxy", "127.0.0.1") as server:
            assert self.servers(server.url, **self.SENT) == "https://evil.example/x"

    def test_a_foreign_host_is_refused_whatever_is_forwarded(self) -> None:
        with served("--trusted-proxy", "127.0.0.1") as server:
            sent = {"host": "evil.example", "x-forwarded-host": "localhost"}
            assert httpx.get(f"{server.url}/docs", headers=sent).status_code == 421

    @pytest.mark.parametrize("host", ["mock.team.test", "[2001:db8::a]"])
    def test_the_host_of_the_public_url_is_allowed(self, host: str) -> None:
        with served("--public-url", f"http://{host}") as server:
            assert httpx.get(f"{server.url}/docs", headers={"host": f"{host}:80"}).status_code == 200
            assert httpx.get(f"{server.url}/docs", headers={"host": "other.team.test"}).status_code == 421

    @pytest.mark.parametrize(
        "options", [["--public-url", "https://mock.team.test:443/vambe"], ["--trusted-proxy", "127.0.0.1"]]
    )
    def test_an_origin_has_no_default_port(self, options: list[str]) -> None:
        forwarded = {"x-forwarded-host": "mock.team.test:443", "x-forwarded-proto": "https"}
        with served("--admin-token", TOKEN, *options) as server:
            sent = forwarded | {"authorization": f"Bearer {TOKEN}", "origin": "https://mock.team.test"}
            assert httpx.post(f"{server.url}/__admin/sandboxes", headers=sent).status_code == 201

    @pytest.mark.parametrize(
        ("network", "address"), [("127.0.0.0/8", "::ffff:127.0.0.1"), ("::ffff:127.0.0.0/104", "127.0.0.1")]
    )
    def test_an_address_of_ipv4_is_the_same_in_ipv6(self, network: str, address: str) -> None:
        settings = resolve({"trusted_proxy": [network]}, {})
        app = create_app(settings)
        with contextlib.closing(app.extensions[EXTENSION]):
            app.wsgi_app = guarded(app.wsgi_app, settings)  # type: ignore[method-assign]
            client = app.test_client()
            found = client.get("/openapi.json", headers=self.SENT, environ_base={"REMOTE_ADDR": address})
        assert found.get_json()["servers"][0]["url"] == "https://evil.example/x"

    def test_a_token_is_made_up_where_none_is_given(self) -> None:
        with served("--public-url", "http://mock.team.test") as server:
            assert httpx.get(f"{server.url}/__admin/state").status_code == 401
            token = server.event["admin_token"]
            assert server.event["public_url"] == "http://mock.team.test"
            headers = {"authorization": f"Bearer {token}"}
            assert httpx.get(f"{server.url}/__admin/state", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mock.team.test", "is not a URL such as"),
        ("https://mock.team.test/a?b", "is not a URL such as"),
        ("https://user@mock.team.test", "is not a URL such as"),
        ("https://mock.team.test/api", "is a path of the mock itself: choose another one"),
        ("https://mock.team.test/__admin/", "is a path of the mock itself: choose another one"),
        ("https://mock.team.test/__admin/x", "is a path of the mock itself: choose another one"),
        ("https://mock.team.test/openapi.json", "is a path of the mock itself: choose another one"),
        ("https://mock.team.test/a/../b", "is not a URL such as"),
        ("https://mock.team.test:0", "is not a URL such as"),
        ("https://mock.team.test:99999", "Port out of range"),
    ],
)
def test_a_public_url_that_cannot_be_used_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        MockServer(public_url=url)


def test_a_proxy_that_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="is neither an address nor a network"):
        MockServer(trusted_proxy=["10.0.0.0/40"])


def test_a_remote_server_may_have_a_prefix(tmp_path: Path) -> None:
    with proxied(REMOVED, tmp_path) as behind:
        prefixed = f"{behind.direct}/vambe"
        with RemoteServer(prefixed, TOKEN).sandbox() as mock:
            direct = httpx.get(f"{prefixed}/api/public/team-members/all", headers=mock.headers)
            with httpx.Client(transport=mock.transport, headers=mock.headers) as client:
                assert client.get("https://vendor.example/api/public/team-members/all").json() == direct.json()


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_a_server_on_all_addresses_of_ipv6_takes_ipv4_too(address: str) -> None:
    with served("--host", "::", "--log-format", "json") as server:
        port = urlsplit(server.url).port
        sent = {"x-api-key": "test_default"}
        assert httpx.get(f"http://{address}:{port}/api/public/team-members/all", headers=sent).status_code == 200
        lines = [json.loads(line) for line in server.stop()[2].splitlines()]
    assert lines[1]["client"] == address.strip("[]")
