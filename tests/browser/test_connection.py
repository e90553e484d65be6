"""The pages while the server cannot be reached, and when it is back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

PAGES = ["/__admin/", "/__admin/console/requests", "/__admin/console/faults", "/__admin/console/world"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_since_when_the_server_is_gone_until_it_is_back(page: Any, visit: Any, path: str) -> None:
    page.route("**/__admin/events*", lambda route: route.fulfill(status=502, body="Bad Gateway"))
    visit(path)
    banner = page.get_by_role("status").filter(has_text="No connection to the server since")
    expect(banner).to_have_text(re.compile(r"since \d\d:\d\d:\d\d: this page may be old"))
    page.unroute_all()
    expect(banner).to_be_hidden()
