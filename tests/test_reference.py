"""`/docs`, the reference to try out, and `/`, which leads people to the console and tells programs what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import assert_error, plain_environment, running

from mockserver.api import openapi
from mockserver.api.operations import BASE_PATH
from mockserver.api.views import OPERATIONS
from mockserver.console import reference

A_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
TOKEN = "correct-horse-battery"
PUBLIC = ["/", "/docs", "/docs?sandbox=gw3", "/docs/assets/swagger-ui.css", "/docs/assets/console.js"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, verify=False, trust_env=False) as client:
        yield client


def total(client: httpx.Client) -> int:
    return client.get("/__admin/requests").json()["total"]


# The root


def test_a_browser_is_led_to_the_console(client: httpx.Client) -> None:
    response = client.get("/", headers={"Accept": A_BROWSER})
    assert (response.status_code, response.headers["location"]) == (302, "/__admin/")
    page = client.get("/", headers={"Accept": A_BROWSER}, follow_redirects=True)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("accept", ["application/json", "*/*", "", None, "application/json, text/html;q=0.9", "x"])
def test_a_program_gets_an_index_whose_links_lead_somewhere(client: httpx.Client, accept: str | None) -> None:
    client.headers.pop("accept")
    response = client.get("/", headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    index = response.json()
    assert list(index) == ["name", "version", "api", "openapi", "docs", "console", "control_plane", "health"]
    assert (index["name"], index["api"]) == ("vambe-mock", BASE_PATH)
    assert index["version"] == client.get(index["health"]).json()["version"]
    for name in ("openapi", "docs", "console", "control_plane", "health"):
        assert client.get(index[name]).status_code == 200


@pytest.mark.parametrize("accept", [A_BROWSER, "*/*"])
def test_a_cache_keeps_the_two_apart(client: httpx.Client, accept: str) -> None:
    varies = client.get("/", headers={"Accept": accept}).headers["vary"]
    assert {"Accept", "Origin"} <= set(re.split(", *", varies))


def test_only_the_headers_can_be_asked_for(client: httpx.Client) -> None:
    for path, accept in (("/", "*/*"), ("/", A_BROWSER), ("/docs", A_BROWSER)):
        whole, head = (client.request(method, path, headers={"Accept": accept}) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert {**head.headers, "date": ""} == {**whole.headers, "date": ""}


def test_neither_is_a_request_of_the_imitated_api(client: httpx.Client) -> None:
    before = total(client)
    for path in ("/", "/docs", "/docs?sandbox=..", "/docs/assets/reference.js"):
        response = client.get(path, headers={"Accept": A_BROWSER})
        assert "x-mock-request-id" not in response.headers
    assert total(client) == before


def test_another_method_is_refused_as_everywhere(client: httpx.Client) -> None:
    response = client.post("/docs")
    assert_error(response, 404, "Cannot POST /docs")


def test_the_root_has_no_other_method_as_the_vendor_has_no_root(client: httpx.Client) -> None:
    assert_error(client.post("/"), 404, "Cannot POST /")


# The reference


def test_the_page_has_the_key_of_its_sandbox(client: httpx.Client) -> None:
    assert 'data-api-key="test_default"' in client.get("/docs").text
    assert 'data-api-key="test_gw3"' in client.get("/docs?sandbox=gw3").text


def test_to_look_at_it_opens_no_sandbox_and_shows_none(client: httpx.Client) -> None:
    client.post("/__admin/sandboxes", json={"name": "somebody-s-own"})
    assert "somebody-s-own" not in client.get("/docs?sandbox=never-used").text
    names = [each["name"] for each in client.get("/__admin/sandboxes").json()["sandboxes"]]
    assert "never-used" not in names


@pytest.mark.parametrize("name", ["..", "", "<script>alert(1)</script>", '" onload="alert(1)', "x" * 65])
def test_a_name_that_no_sandbox_can_have_is_said_to_be_one(client: httpx.Client, name: str) -> None:
    response = client.get("/docs", params={"sandbox": name})
    assert (response.status_code, response.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "is no sandbox&#39;s name" in response.text or "is no sandbox's name" in response.text
    assert "alert(1)</script>" not in response.text
    assert '" onload="' not in response.text


def test_the_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(client: httpx.Client) -> None:
    response = client.get("/docs")
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "<style" not in response.text
    assert not re.search(r"<[^>]+\s(style|on\w+)=", response.text)
    assert re.findall(r"<script[^>]*>(.*?)</script>", response.text, re.DOTALL) == ["", "", ""]


def linked(html: str) -> list[str]:
    return re.findall(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"', html)


def test_all_that_the_page_loads_is_there(client: httpx.Client) -> None:
    links = linked(client.get("/docs").text)
    assert {link.rpartition("/")[2] for link in links} >= {"swagger-ui-bundle.js", "swagger-ui.css", "reference.js"}
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for link in links:
        response = client.get(link)
        assert response.status_code == 200
        assert response.headers["content-type"].partition(";")[0] == types[link.rpartition(".")[2]]
        assert response.headers["x-content-type-options"] == "nosniff"
        tag = response.headers["etag"]
        assert client.get(link, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2freference.py", "%2e%2e/reference.py", "index.css", "swagger-ui.js", ""]
)
def test_nothing_else_is(client: httpx.Client, name: str) -> None:
    assert_error(client.get(f"/docs/assets/{name}"), 404)


def test_what_draws_the_page_is_looked_for_when_somebody_opens_it() -> None:
    script = """if True:
        import sys
        from mockserver.application import create_app
        get = create_app().test_client().get
        for path in ("/", "/docs", "/docs/assets/swagger-ui.css"):
            assert get(path).status_code == 200
            print("flask_swagger_ui" in sys.modules)
    """
    line = [sys.executable, "-c", script]
    run = subprocess.run(line, env=plain_environment(), capture_output=True, encoding="utf-8")
    assert run.stdout.split() == ["False", "False", "True"], run.stderr


# The examples, which somebody who tries an operation out sends first


def example(operation: str) -> tuple[str, str, dict[str, Any]]:
    """The request that the description's examples make."""
    for path, methods in openapi.document()["paths"].items():
        for method, described in methods.items():
            if described["operationId"] == operation:
                values = {"path": {}, "query": {}}
                for parameter in described["parameters"]:
                    values[parameter["in"]][parameter["name"]] = parameter["schema"]["examples"][0]
                body = described.get("requestBody")
                json = body["content"]["application/json"]["examples"]["example"]["value"] if body else None
                return method, path.format(**values["path"]), {"params": values["query"], "json": json}
    raise AssertionError(operation)


def test_the_examples_work_on_a_new_server_one_after_the_other() -> None:
    expected = {operation.id: operation.status for operation in OPERATIONS.values()}
    with running() as url, httpx.Client(base_url=url, headers={"x-api-key": "test_default"}, verify=False) as client:
        for operation, status in expected.items():
            method, path, sent = example(operation)
            response = client.request(method, path, **sent)
            assert response.status_code == status, response.text
            if operation == "listTasks":
                assert len(response.json()) == 1


# Off loopback


@pytest.fixture(scope="module")
def open_url() -> Iterator[str]:
    with running(host="0.0.0.0", admin_token=TOKEN) as url:
        yield url


def test_off_loopback_it_needs_no_token_and_tells_no_secret(open_url: str) -> None:
    with httpx.Client(base_url=open_url, verify=False, trust_env=False) as client:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert client.post("/__admin/sandboxes", json={"name": "secret"}, headers=bearer).status_code == 201
        for path in [*PUBLIC, *linked(client.get("/docs").text)]:
            response = client.get(path)
            assert response.status_code == 200, path
            assert TOKEN not in response.text + str(response.headers)
            assert "test_secret" not in response.text
        assert "secret" not in client.get("/").text + client.get("/docs").text


def test_off_loopback_a_browser_is_asked_for_the_token_by_the_console(open_url: str) -> None:
    response = httpx.get(open_url, headers={"Accept": A_BROWSER}, follow_redirects=True, verify=False)
    assert_error(response, 401)
    assert response.headers["www-authenticate"].startswith("Basic ")


def test_the_index_names_the_api_s_own_base_path() -> None:
    assert reference.API_PATH == BASE_PATH
