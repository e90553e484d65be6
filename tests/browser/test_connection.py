"""The pages while the server cannot be reached, and when it is back."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from support import wait_until

from mockserver.testing import VambeMock

PAGES = ["/__admin/", "/__admin/console/requests", "/__admin/console/faults", "/__admin/console/world"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_since_when_the_server_is_gone_until_it_is_back(page: Any, visit: Any, path: str) -> None:
    page.route("**/__admin/events*", lambda route: route.fulfill(status=502, body="Bad Gateway"))
    visit(path)
    banner = page.get_by_role("status").filter(has_text="No connection to the server since")
    expect(banner).to_have_text(re.compile(r"since \d\d:\d\d:\d\d: this page may be old"))
    page.unroute_all()
    expect(banner).to_be_hidden()


def test_that_the_server_does_not_answer_is_said_once(page: Any, visit: Any) -> None:
    visit("/__admin/console/faults")
    asked: list[str] = []
    page.on("requestfailed", lambda request: asked.append(request.method))
    page.route("**/__admin/**", lambda route: route.abort())
    page.get_by_role("switch").first.click()
    expect(page.locator("#notes p")).to_have_text(["The server does not answer"])
    wait_until(lambda: page.evaluate("true") and "GET" in " ".join(asked).partition("POST")[2])  # the rule, the page
    expect(page.locator("#notes p")).to_have_text(["The server does not answer"])


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_that_its_sandbox_is_deleted_until_there_is_a_new_one(
    page: Any, visit: Any, mock: VambeMock, path: str
) -> None:
    def ask(path: str) -> None:
        httpx.get(f"{mock.base_url}/api/public{path}", headers=mock.headers, trust_env=False)

    ask("/old")
    visit(path).locator("body[data-live]").wait_for()
    httpx.delete(f"{mock.base_url}/__admin/sandboxes/{mock.name}", trust_env=False)
    banner = page.get_by_role("status").filter(has_text=f"The server has no sandbox {mock.name} any more")
    expect(banner).to_be_visible()
    ask("/new")
    expect(banner).to_be_hidden()
    if "requests" in path:
        expect(page.locator(".entry .target")).to_have_text(["/api/public/new"])
