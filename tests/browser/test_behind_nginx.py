"""The console and the reference in a browser, behind nginx with TLS and a prefix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from nginx import REMOVED, nginx, public_url
from playwright.sync_api import expect
from support import free_port, served

TOKEN = "a-token"
KEY = "test_default"


class Shown(NamedTuple):
    """A page behind nginx, the public URL, and the server's own URL."""

    page: Any
    url: str
    direct: str


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Shown]:
    port = free_port()
    url = public_url(port)
    credentials = {"username": "any", "password": TOKEN}
    with served("--admin-token", TOKEN, "--public-url", url) as server, nginx(tmp_path, port, REMOVED, server.url):
        context = browser.new_context(ignore_https_errors=True, http_credentials=credentials)
        page = context.new_page()
        page.set_default_timeout(10_000)
        failed: list[str] = []
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.on("response", lambda answer: failed.append(answer.url) if answer.status not in (200, 201, 302) else None)
        yield Shown(page, url, server.url)
        context.close()
        assert failed == []


def test_a_task_appears_live_on_the_board(shown: Shown) -> None:
    shown.page.goto(f"{shown.url}/__admin/")
    users = httpx.get(f"{shown.direct}/api/public/team-members/all", headers={"x-api-key": KEY}).json()
    body = {"title": "From elsewhere", "priority": "1", "responsibleIds": [users[0]["id"]]}
    expect(shown.page.get_by_text("From elsewhere")).to_have_count(0)
    httpx.post(f"{shown.direct}/api/public/tasks", json=body, headers={"x-api-key": KEY}).raise_for_status()
    expect(shown.page.get_by_text("From elsewhere")).to_have_count(1)


def test_an_operation_is_tried_out_on_the_reference(shown: Shown) -> None:
    shown.page.goto(f"{shown.url}/docs")
    block = shown.page.locator("[id$='-listTeamMembers']")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    status = block.locator(".live-responses-table .response .response-col_status")
    expect(status).to_contain_text("200")
    expect(block.locator(".request-url pre")).to_contain_text(f"{shown.url}/api/public/team-members/all")


def test_a_request_is_chosen_and_replayed(shown: Shown) -> None:
    users = httpx.get(f"{shown.direct}/api/public/team-members/all", headers={"x-api-key": KEY}).json()
    body = {"title": "Call", "priority": "1", "responsibleIds": [users[0]["id"]]}
    httpx.post(f"{shown.direct}/api/public/tasks", json=body, headers={"x-api-key": KEY}).raise_for_status()
    shown.page.goto(f"{shown.url}/__admin/console/requests")
    shown.page.locator("#request-2").click()
    shown.page.get_by_text("2 guesses behind this answer").click()
    shown.page.get_by_role("button", name="Replay with 200 for create-status").click()
    expect(shown.page.locator("#detail .status")).to_have_text("200")
    assert shown.page.url.startswith(f"{shown.url}/__admin/console/requests?")


def test_another_sandbox_is_opened_from_the_menu(shown: Shown) -> None:
    shown.page.goto(f"{shown.url}/__admin/")
    shown.page.locator("#sandbox-menu summary").click()
    shown.page.locator("#new-sandbox-name").fill("mine")
    shown.page.get_by_role("button", name="Create", exact=True).click()
    shown.page.wait_for_url(f"{shown.url}/__admin/?sandbox=mine")
