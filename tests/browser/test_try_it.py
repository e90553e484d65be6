"""The stories for a newcomer in a browser: offered by an empty sandbox, told with real requests, and explained."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from mockserver.testing import VambeMock

BOARD, REQUESTS, TRY = "/__admin/", "/__admin/console/requests", "/__admin/console/try"
LOST, UNAVAILABLE, MIDNIGHT = "A lost answer makes a duplicate", "A 503, then success", "Midnight in another zone"


def faults(mock: VambeMock) -> list[dict[str, Any]]:
    answer = httpx.get(f"{mock.base_url}/__admin/faults", headers=mock.headers, trust_env=False)
    found: list[dict[str, Any]] = answer.json()["faults"]
    return found


@pytest.fixture
def empty(page: Any, visit: Any, mock: VambeMock) -> Callable[[str], Any]:
    """Opens a page of a sandbox without a task and a request."""

    def open_page(path: str) -> Any:
        page.emulate_media(reduced_motion="reduce")  # without a pause after each step
        mock.reset("empty")
        return visit(path)

    return open_page


def tell(page: Any, title: str) -> Any:
    """Click a story, and wait until it has been told; returns its dialog."""
    page.get_by_role("button", name=title).last.click()  # behind a dialog, the page may offer it too
    dialog = page.get_by_role("dialog", name=title)
    expect(dialog.get_by_role("link")).to_be_focused()
    return dialog


@pytest.mark.parametrize(
    ("path", "title", "requests", "why"),
    [
        (
            BOARD,
            LOST,
            ["listTeamMembers 200", "createTask None", "createTask 201", "listTasks 200"],
            "No answer arrived: the following one was made, and lost.",
        ),
        (
            REQUESTS,
            UNAVAILABLE,
            ["listTeamMembers 200", "createTask 503", "createTask 201", "listTasks 200"],
            "answered 503",
        ),
        (
            TRY,
            MIDNIGHT,
            ["listTeamMembers 200", "createTask 201", "createTask 201", "listTasks 200", "listTasks 200"],
            "Midnight in Europe/Madrid is on the day before in UTC",
        ),
    ],
)
def test_a_story_sends_its_requests_and_ends_in_the_entry_that_explains_them(
    empty: Any, mock: VambeMock, path: str, title: str, requests: list[str], why: str
) -> None:
    page = empty(path)
    dialog = tell(page, title)
    entries = mock.requests()
    assert [f"{entry['operation']} {entry['response']['status']}" for entry in entries] == requests
    shown = [text for text in dialog.locator(".tag").all_inner_texts() if text in ("no answer", "200", "201", "503")]
    assert shown == [each.split()[1].replace("None", "no answer") for each in requests]
    assert faults(mock) == []
    expect(dialog.locator("li:not(.done)")).to_have_count(0)
    dialog.get_by_role("link").press("Enter")
    expect(page).to_have_url(re.compile(r"/console/requests/\d+\?sandbox="))
    expect(page.locator("main")).to_contain_text(why)


def test_the_lost_answer_made_two_tasks_which_the_board_shows_behind_the_story(empty: Any, mock: VambeMock) -> None:
    page = empty(BOARD)
    dialog = tell(page, LOST)
    assert [task["title"] for task in mock.tasks] == ["Call the client (1)"] * 2
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator("#story")).to_have_count(0)
    expect(page.locator(".task")).to_have_count(2)
    expect(page.locator(".stories:visible")).to_have_count(0)


def test_the_tasks_of_two_zones_are_due_on_one_day_and_in_the_lists_of_two(empty: Any, mock: VambeMock) -> None:
    dialog = tell(empty(TRY), MIDNIGHT)
    assert [(task["due_date"], task["due_at"]) for task in mock.tasks] == [
        ("2025-11-26", "2025-11-26T03:00:00.000Z"),
        ("2025-11-26", "2025-11-25T23:00:00.000Z"),
    ]
    expect(dialog.locator("li").nth(3)).to_contain_text("Call Santiago")
    expect(dialog.locator("li").nth(4)).to_contain_text("Call Madrid")


def test_two_quick_clicks_tell_a_story_once(empty: Any, mock: VambeMock) -> None:
    page = empty(TRY)
    page.get_by_role("button", name=UNAVAILABLE).evaluate("(button) => { button.click(); button.click(); }")
    expect(page.get_by_role("dialog", name=UNAVAILABLE).get_by_role("link")).to_be_focused()
    assert [entry["operation"] for entry in mock.requests()].count("createTask") == 2


def test_one_story_leads_to_another_in_the_same_sandbox(empty: Any, mock: VambeMock) -> None:
    page = empty(BOARD)
    for title in (LOST, UNAVAILABLE, LOST):
        dialog = tell(page, title)
    expect(dialog.locator("li").last).to_contain_text(re.compile(r"Call the client \((\d+)\), Call the client \(\1\)"))
    assert faults(mock) == []


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"match": {"operation": "createTask"}, "status": 500}, "it expects no answer, and there was 500"),
        (
            {"match": {"operation": "listTeamMembers"}, "connection": "garbage"},
            "it expects 200, and there was no answer",
        ),
        (
            {"match": {"operation": "listTasks"}, "status": 200, "body": []},
            "it expects 2 of its tasks in the list, and there were 0",
        ),
    ],
)
def test_a_story_that_goes_otherwise_says_why_and_leaves_no_rule(
    empty: Any, mock: VambeMock, rule: dict[str, Any], message: str
) -> None:
    page = empty(TRY)
    mock.fault({**rule, "times": None})
    page.get_by_role("button", name=LOST).click()
    expect(page.locator("#story .conclusion.bad")).to_contain_text(message)
    expect(page.locator("#story li").last).to_have_class("failed")
    expect(page.locator("#story .another button")).to_have_count(2)
    assert [each["id"] for each in faults(mock)] == ["1"]


def test_a_lost_request_that_the_browser_sends_again_by_itself_is_the_second_try(empty: Any, mock: VambeMock) -> None:
    page = empty(TRY)
    rule = mock.fault({"match": {"operation": "createTask"}, "status": 500})  # its answer leaves a connection open
    page.get_by_role("button", name=LOST).click()
    expect(page.locator("#story .conclusion.bad")).to_contain_text("there was 500")
    rule.remove()
    page.reload()
    dialog = tell(page, LOST)
    expect(dialog.locator("li").nth(3)).to_contain_text("201 sent by the browser itself")
    assert len(mock.tasks) == 2


def test_a_story_that_is_closed_leaves_no_rule(empty: Any, mock: VambeMock) -> None:
    page = empty(TRY)
    page.get_by_role("button", name=UNAVAILABLE).click()
    expect(page.locator("#story li.running")).to_contain_text("It waits as long as Retry-After says")
    page.keyboard.press("Escape")
    expect(page.locator("#story")).to_have_count(0)
    page.wait_for_function(
        "fetch(`/__admin/faults${location.search}`).then((answer) => answer.json()).then(({faults}) => !faults.length)"
    )
    mock.verify("createTask", times=1)


def test_only_a_sandbox_without_tasks_and_requests_offers_stories(empty: Any, visit: Any, mock: VambeMock) -> None:
    for path in (BOARD, REQUESTS):
        expect(empty(path).locator(".stories button")).to_have_count(3)
    httpx.get(f"{mock.base_url}/api/public/team-members/all", headers=mock.headers, trust_env=False)
    expect(visit(BOARD).locator(".stories")).to_have_count(0)
    httpx.delete(f"{mock.base_url}/__admin/requests", headers=mock.headers, trust_env=False)
    expect(visit(BOARD).locator(".stories button")).to_have_count(3)
    httpx.post(f"{mock.base_url}/__admin/tasks", headers=mock.headers, json={}, trust_env=False)
    expect(visit(REQUESTS).locator(".stories")).to_have_count(0)
    expect(visit(TRY).locator(".stories button")).to_have_count(3)


@pytest.mark.parametrize(("path", "scheme"), [(BOARD, "light"), (REQUESTS, "dark"), (TRY, "light")])
def test_stories_are_accessible_and_fit_a_phone(
    empty: Any, axe_findings: Callable[[Any], list[str]], path: str, scheme: str
) -> None:
    page = empty(path)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 360, "height": 740})
    assert axe_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    tell(page, LOST)
    assert axe_findings(page) == []
    assert page.locator("#story").evaluate("(dialog) => dialog.scrollWidth <= dialog.clientWidth")
