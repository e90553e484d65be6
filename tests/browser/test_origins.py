"""Pages of other origins in a real browser: which may call the imitated API; none touches the control plane."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from mockserver.testing import VambeMock

STRANGERS = ["http://evil.example", "null"]
FETCH = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        return {status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text()};
    } catch (error) {
        return String(error);
    }
}"""


class Blank(http.server.BaseHTTPRequestHandler):
    """Answers each request with a page that has nothing in it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A page of somebody else's</title>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of another server on this machine, to which names in `.example` lead as well."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.01), daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def window(browser: Any) -> Iterator[Any]:
    """A window in which errors are expected."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


@pytest.fixture
def task(mock: VambeMock) -> dict[str, Any]:
    return {"title": "From a page", "responsibleIds": [mock.users[0]["id"]], "priority": "1"}


def stranger(window: Any, elsewhere: int, origin: str) -> Any:
    """A page, or a frame, of that origin."""
    if origin != "null":
        window.goto(f"{origin}:{elsewhere}/")
        return window
    window.goto(f"http://evil.example:{elsewhere}/")
    window.evaluate("document.body.innerHTML = `<iframe sandbox='allow-scripts allow-forms' srcdoc='x'></iframe>`")
    window.wait_for_function("frames.length == 1")
    frame = window.frames[1]
    frame.wait_for_load_state()
    assert frame.evaluate("origin") == "null"
    return frame


def fetched(page: Any, url: str, json: Any = None, **options: Any) -> Any:
    """The result that a script of the page gets: status, headers and text, or an error as text."""
    if json is not None:
        script = f"([url, options, json]) => ({FETCH})([url, {{...options, body: JSON.stringify(json)}}])"
        return page.evaluate(script, [url, options, json])
    return page.evaluate(FETCH, [url, options])


def json_headers(mock: VambeMock) -> dict[str, str]:
    return {**mock.headers, "content-type": "application/json"}


# The imitated API


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "app.localhost"])
def test_a_page_on_another_port_of_this_machine_may_call_unless_it_has_a_name_of_its_own(
    window: Any, elsewhere: int, mock: VambeMock, task: dict[str, Any], host: str
) -> None:
    window.goto(f"http://{host}:{elsewhere}/")
    before = len(mock.tasks)
    url = f"{mock.base_url}/api/public/tasks"
    answer = fetched(window, url, task, method="POST", headers=json_headers(mock))
    if host == "app.localhost":
        assert answer == "TypeError: Failed to fetch"
        assert len(mock.tasks) == before
    else:
        assert answer["status"] == 201
        assert '"title":"From a page"' in answer["text"]
        assert len(mock.tasks) == before + 1
        assert answer["headers"]["x-mock-request-id"] == str(mock.requests("createTask")[-1]["id"])


def test_such_a_page_reads_what_was_wrong(window: Any, elsewhere: int, mock: VambeMock, task: dict[str, Any]) -> None:
    window.goto(f"http://localhost:{elsewhere}/")
    url = f"{mock.base_url}/api/public/tasks"
    answer = fetched(window, url, {**task, "priority": 1}, method="POST", headers=json_headers(mock))
    assert answer["status"] == 400
    assert '"path":["priority"]' in answer["text"]
    for headers, path, status in (({}, "tasks", 401), (mock.headers, "nowhere", 404)):
        answer = fetched(window, f"{mock.base_url}/api/public/{path}", headers=headers)
        assert answer["status"] == status
        assert f'"statusCode":{status}' in answer["text"]


def test_such_a_page_reads_a_fault_and_its_headers(
    window: Any, elsewhere: int, mock: VambeMock, task: dict[str, Any]
) -> None:
    window.goto(f"http://localhost:{elsewhere}/")
    fault = mock.fail("createTask", status=503, headers={"Retry-After": "2"})
    url = f"{mock.base_url}/api/public/tasks"
    answer = fetched(window, url, task, method="POST", headers=json_headers(mock))
    assert answer["status"] == 503
    assert answer["headers"]["retry-after"] == "2"
    assert answer["headers"]["x-mock-fault"] == fault.id
    assert answer["headers"]["x-mock-request-id"] == str(mock.requests("createTask")[-1]["id"])
    preferred = fetched(window, url, task, method="POST", headers={**json_headers(mock), "prefer": "code=500"})
    assert (preferred["status"], preferred["headers"]["preference-applied"]) == (500, "code=500")


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_stranger_s_page_reads_nothing_and_creates_nothing(
    window: Any, elsewhere: int, mock: VambeMock, task: dict[str, Any], origin: str
) -> None:
    page = stranger(window, elsewhere, origin)
    before = mock.tasks
    url = f"{mock.base_url}/api/public/tasks"
    assert fetched(page, url, task, method="POST", headers=json_headers(mock)) == "TypeError: Failed to fetch"
    query = "?responsibleIds=&fromDate=2025-01-01&toDate=2025-12-31"
    assert fetched(page, url + query, headers=mock.headers) == "TypeError: Failed to fetch"
    for path in ("/", "/openapi.json", "/docs", "/api/public/team-members/all"):
        assert fetched(page, mock.base_url + path) == "TypeError: Failed to fetch"
        assert fetched(page, mock.base_url + path, mode="no-cors")["text"] == ""
    assert mock.tasks == before


# The control plane


@pytest.mark.parametrize("origin", [*STRANGERS, "http://localhost", "http://127.0.0.1"])
def test_no_page_of_another_origin_resets_a_sandbox(
    window: Any, elsewhere: int, mock: VambeMock, task: dict[str, Any], origin: str
) -> None:
    httpx.post(f"{mock.base_url}/api/public/tasks", json=task, headers=mock.headers, verify=False)
    before = mock.state
    page = stranger(window, elsewhere, origin)
    url = f"{mock.base_url}/__admin/reset?sandbox={mock.name}"
    with window.expect_response(url) as refused:
        answer = fetched(page, url, method="POST", mode="no-cors")
    assert refused.value.status == 403
    assert (answer["status"], answer["text"]) == (0, "")
    json = {"content-type": "application/json"}
    assert fetched(page, url, {}, method="POST", headers=json) == "TypeError: Failed to fetch"
    beacon = "(url) => navigator.sendBeacon(url, 'x')"
    with window.expect_response(url) as refused:
        page.evaluate(beacon, url)
    assert refused.value.status == 403
    assert mock.state == before


@pytest.mark.parametrize("origin", [*STRANGERS, "http://localhost", "http://127.0.0.1"])
def test_no_page_of_another_origin_reads_the_control_plane(
    window: Any, elsewhere: int, mock: VambeMock, origin: str
) -> None:
    page = stranger(window, elsewhere, origin)
    for path in ("state", "sandboxes", "requests", "health", "openapi.json", "", "console/world", "console/export.zip"):
        url = f"{mock.base_url}/__admin/{path}"
        assert fetched(page, url) == "TypeError: Failed to fetch"
        assert fetched(page, url, mode="no-cors")["text"] == ""
    heard = """(url) => new Promise((resolve) => {
        const stream = new EventSource(url);
        stream.onopen = () => resolve("open");
        stream.onerror = () => resolve("error");
    })"""
    assert page.evaluate(heard, f"{mock.base_url}/__admin/events?sandbox={mock.name}") == "error"


@pytest.mark.parametrize("origin", [*STRANGERS, "http://localhost"])
def test_a_form_of_another_origin_is_refused(window: Any, elsewhere: int, mock: VambeMock, origin: str) -> None:
    httpx.delete(f"{mock.base_url}/api/public/tasks/{mock.tasks[0]['id']}", headers=mock.headers, verify=False)
    before = mock.state
    page = stranger(window, elsewhere, origin)
    url = f"{mock.base_url}/__admin/reset?sandbox={mock.name}"
    with window.expect_response(url) as refused:
        page.evaluate(
            """(url) => {
                document.body.innerHTML = "<form method=post enctype='text/plain'><input>";
                document.forms[0].action = url;
                Object.assign(document.querySelector("input"), {name: '{"to":"', value: 'empty"}'});
                document.forms[0].submit();
            }""",
            url,
        )
    assert refused.value.status == 403
    assert mock.state == before


# The pages of the console


@pytest.mark.parametrize("path", ["/__admin/", "/__admin/console/faults", "/docs"])
@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1"])
def test_a_page_of_another_origin_cannot_show_one_in_a_frame(
    window: Any, elsewhere: int, mock: VambeMock, host: str, path: str
) -> None:
    window.goto(f"http://{host}:{elsewhere}/")
    window.evaluate(
        """(url) => new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.onload = resolve;
            frame.src = url;
            document.body.append(frame);
        })""",
        f"{mock.base_url}{path}?sandbox={mock.name}",
    )
    (frame,) = window.frames[1:]
    assert frame.locator("#sandbox-menu, #reference").count() == 0
    assert mock.name not in frame.locator("body").inner_text()


@pytest.mark.parametrize("origin", [*STRANGERS, "http://localhost"])
@pytest.mark.parametrize("path", ["/__admin/", "/__admin/console/faults", "/docs"])
def test_a_link_from_anywhere_leads_to_a_page_in_a_window_of_its_own(
    window: Any, elsewhere: int, mock: VambeMock, origin: str, path: str
) -> None:
    url = f"{mock.base_url}{path}?sandbox={mock.name}"
    if origin == "null":
        link = f"<a href='{url}'>To the mock</a>"
        window.goto(f"data:text/html,{quote(link)}")
    else:
        window.goto(f"{origin}:{elsewhere}/")
        window.evaluate("(url) => document.body.append(Object.assign(document.createElement('a'), {href: url}))", url)
        window.locator("a").evaluate("(link) => link.append('To the mock')")
    window.get_by_role("link", name="To the mock").click()
    expect(window.locator("header .brand")).to_be_visible()
    expect(window.locator("#sandbox-menu strong")).to_have_text(mock.name)


def test_a_page_that_opens_one_has_no_hand_on_it(window: Any, elsewhere: int, mock: VambeMock) -> None:
    window.goto(f"http://127.0.0.1:{elsewhere}/")
    with window.context.expect_page() as opened:
        window.evaluate("(url) => { window.other = open(url); }", f"{mock.base_url}/__admin/?sandbox={mock.name}")
    expect(opened.value.locator("header .brand")).to_be_visible()
    assert window.evaluate("other.closed")
    assert opened.value.evaluate("opener") is None


def test_a_name_that_is_led_to_this_machine_opens_nothing(window: Any, mock: VambeMock) -> None:
    port = urlsplit(mock.base_url).port
    window.goto(f"http://evil.example:{port}/__admin/")
    expect(window.locator("body")).to_contain_text("--allowed-host")
    for path in ("/__admin/state", "/__admin/", "/docs", "/", "/api/public/team-members/all"):
        answer = fetched(window, f"http://evil.example:{port}{path}", headers=mock.headers)
        assert answer["status"] == 421
        assert mock.users[0]["id"] not in answer["text"]
