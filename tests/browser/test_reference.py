"""The reference at `/docs` in a browser: whoever tries an operation out succeeds at the first click."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from mockserver.testing import MockServer, VambeMock

FIRST = "e4f4c5da-bad5-435c-9148-9fc081a50b53"
TOKEN = "correct-horse-battery"
OPERATIONS = {"createTask": 201, "listTasks": 200, "updateTask": 200, "deleteTask": 200, "listTeamMembers": 200}
OPERATIONS |= {"listContacts": 200, "searchContacts": 200}


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """A server with the default fixtures, without tasks."""
    server = MockServer().start()
    yield server
    server.stop()


@pytest.fixture
def docs(page: Any, mock: VambeMock) -> Any:
    """The reference of the test's sandbox; a request to elsewhere fails the test."""
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url))
    page.goto(f"{mock.base_url}/docs?sandbox={mock.name}")
    yield page
    assert [url for url in elsewhere if not url.startswith((f"{mock.base_url}/", "data:"))] == []


def opened(page: Any, operation: str) -> Any:
    """The part of the page about an operation, ready to be tried out."""
    block = page.locator(f"[id$='-{operation}']")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    return block


def executed(block: Any) -> str:
    """The status of the answer, after a click on Execute."""
    block.get_by_role("button", name="Execute").click()
    status = block.locator(".live-responses-table .response .response-col_status")
    status.wait_for()
    return status.inner_text().strip()


def create(mock: VambeMock, title: str) -> dict[str, Any]:
    body = {"title": title, "responsibleIds": [mock.users[0]["id"]], "priority": "1"}
    return httpx.post(f"{mock.base_url}/api/public/tasks", json=body, headers=mock.headers, verify=False).json()


def test_each_operation_succeeds_at_the_first_click_in_a_new_sandbox(docs: Any, mock: VambeMock) -> None:
    for operation, status in OPERATIONS.items():
        assert executed(opened(docs, operation)) == str(status)
        request = mock.requests(operation, status=status)[-1]
        assert request["request"]["headers"]["x-api-key"] == mock.api_key
    assert mock.tasks == []


@pytest.mark.parametrize("operation", ["updateTask", "deleteTask"])
def test_a_task_is_created_for_those_who_need_one_and_the_page_says_so(
    docs: Any, mock: VambeMock, operation: str
) -> None:
    block = opened(docs, operation)
    assert mock.requests() == []
    executed(block)
    said = f"There was no task, so this page first created one for the request: {FIRST}."
    expect(docs.locator("#stand-in")).to_have_text(said)
    assert mock.verify_sequence("listTasks", "createTask", operation)
    expect(block.locator(".request-url pre")).to_have_text(f"{mock.base_url}/api/public/tasks/{FIRST}")


def test_the_example_s_task_is_taken_without_a_word_when_it_is_there(docs: Any, mock: VambeMock) -> None:
    create(mock, "First")
    create(mock, "Second")
    assert executed(opened(docs, "deleteTask")) == "200"
    expect(docs.locator("#stand-in")).to_have_text("")
    assert [task["title"] for task in mock.tasks] == ["Second"]


def test_another_sandbox_s_newest_task_stands_in_for_the_example_s(docs: Any, mock: VambeMock) -> None:
    for title in ("First", "Second", "Third"):
        create(mock, title)
    first, second, third = mock.tasks
    httpx.delete(f"{mock.base_url}/api/public/tasks/{first['id']}", headers=mock.headers, verify=False)
    assert executed(opened(docs, "updateTask")) == "200"
    said = f"There is no task {FIRST}: the request went to the newest one, {third['id']}."
    expect(docs.locator("#stand-in")).to_have_text(said)
    assert [task["title"] for task in mock.tasks if task["id"] in (second["id"], third["id"])] == [
        "Second",
        "Call the client",
    ]


def test_an_id_that_somebody_wrote_is_sent_as_it_is(docs: Any, mock: VambeMock) -> None:
    block = opened(docs, "deleteTask")
    block.get_by_role("textbox", name="id").fill("dddddddd-dddd-4ddd-8ddd-dddddddddddd")
    assert executed(block) == "404"
    assert mock.verify("deleteTask", times=1)
    assert len(mock.requests()) == 1


def test_a_key_that_somebody_gave_decides_whose_task_is_looked_for(
    docs: Any, mock: VambeMock, server: MockServer
) -> None:
    create(mock, "Of the page's sandbox")
    with server.sandbox() as other:
        docs.get_by_role("button", name="Authorize").click()
        dialog = docs.locator(".dialog-ux")
        dialog.get_by_role("button", name="Logout").click()
        dialog.get_by_role("textbox").fill(other.api_key)
        dialog.get_by_role("button", name="Authorize").click()
        dialog.get_by_role("button", name="Close").first.click()
        assert executed(opened(docs, "updateTask")) == "200"
        assert [task["title"] for task in other.tasks] == ["Call the client"]
    assert [task["title"] for task in mock.tasks] == ["Of the page's sandbox"]


def test_a_fault_that_hits_the_look_is_told_and_the_request_goes_on(docs: Any, mock: VambeMock) -> None:
    mock.fail("listTasks", status=503)
    assert executed(opened(docs, "deleteTask")) == "404"
    expect(docs.locator("#stand-in")).to_contain_text("This page looked for a task first, and the mock refused")


def test_what_a_task_says_is_text(docs: Any, mock: VambeMock) -> None:
    title = "<img src=x onerror=\"document.title = 'lost'\"><script>document.title = 'lost'</script>"
    create(mock, title)
    block = opened(docs, "listTasks")
    executed(block)
    expect(block.locator(".live-responses-table")).to_contain_text("<img src=x onerror=")
    assert docs.locator(".live-responses-table img").count() == 0
    assert "lost" not in docs.title()


def test_the_menu_leads_to_the_reference_of_another_sandbox(docs: Any, mock: VambeMock, server: MockServer) -> None:
    with server.sandbox() as other:
        docs.locator("#sandbox-menu summary").click()
        docs.get_by_label("Switch to").select_option(other.name)
        docs.wait_for_url(f"**/docs?sandbox={other.name}")
        assert executed(opened(docs, "createTask")) == "201"
        assert len(other.tasks) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_as_light_or_dark_as_the_rest(docs: Any, scheme: str) -> None:
    docs.emulate_media(color_scheme=scheme)
    assert brightness(docs) == ((True, False) if scheme == "light" else (False, True))
    docs.reload()
    assert brightness(docs) == ((True, False) if scheme == "light" else (False, True))


def brightness(page: Any) -> tuple[bool, bool]:
    """Test for a bright background of the page, and for bright text of Swagger UI."""
    title = page.locator("#reference .opblock-tag").first
    title.wait_for()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    text = title.evaluate("(title) => getComputedStyle(title).color")
    bright = [sum(map(int, colour.strip("rgb()").split(", "))) > 382 for colour in (ground, text)]
    return bright[0], bright[1]


def test_nothing_moves_for_who_wants_less_motion(docs: Any) -> None:
    docs.emulate_media(reduced_motion="reduce")
    docs.locator(".opblock").first.wait_for()
    durations = docs.locator("#reference *").evaluate_all(
        "(parts) => [...new Set(parts.map((part) => getComputedStyle(part).transitionDuration))]"
    )
    assert durations == ["0s"]


def test_off_loopback_it_works_without_the_token(page: Any) -> None:
    with MockServer(host="0.0.0.0", admin_token=TOKEN) as mock:
        statuses: list[int] = []
        page.on("response", lambda response: statuses.append(response.status))
        page.goto(f"{mock.base_url}/docs?sandbox={mock.name}")
        assert executed(opened(page, "updateTask")) == "200"
        assert set(statuses) <= {200, 201, 304}
