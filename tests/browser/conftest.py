"""A real browser: Chromium of the system, driven by Playwright, on pages of a server of the test's own.

What is missing on this machine skips the tests that need it; on a CI machine it fails them.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright
from support import missing

from mockserver.testing import MockServer, VambeMock

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))), None
)
AXE = Path(sys.prefix) / "npm" / "node_modules" / "axe-core" / "axe.min.js"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",
    # Names for documentation (RFC 2606) lead to servers of the tests: pages of strangers, without a network.
    "--host-resolver-rules=MAP *.example 127.0.0.1",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, started once for each file: while it runs, no other test of the process can run an event loop."""
    if not CHROMIUM:
        missing("there is no Chromium, which browser tests need: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="session")
def server() -> Iterator[MockServer]:
    """A server whose sandboxes have three dozen tasks."""
    server = MockServer(fixtures="demo", max_sandboxes=10_000).start()
    yield server
    server.stop()


@pytest.fixture
def mock(server: MockServer) -> Iterator[VambeMock]:
    """A sandbox of the test's own."""
    with server.sandbox() as mock:
        yield mock


@pytest.fixture(scope="module")
def profile(browser: Any) -> Any:
    """The process and the settings of the pages of a file; an empty page keeps the process, which is slow to start."""
    profile = browser.new_context(viewport={"width": 1280, "height": 800})
    profile.grant_permissions(["clipboard-read", "clipboard-write"])
    profile.new_page()
    return profile


@pytest.fixture
def page(profile: Any) -> Iterator[Any]:
    """A page in a tab of its own; an error of a script or of the security policy fails the test."""
    page = profile.new_page()
    page.set_default_timeout(10_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    yield page
    kept = profile.storage_state()
    for opened in profile.pages[1:]:
        opened.close()
    assert kept == {"cookies": [], "origins": []}, "another test would find this"
    assert not errors


@pytest.fixture
def visit(page: Any, mock: VambeMock) -> Any:
    """Opens a page of the console for the test's sandbox."""

    def open_page(path: str = "/__admin/") -> Any:
        page.goto(f"{mock.base_url}{path}?sandbox={mock.name}")
        return page

    return open_page


@pytest.fixture(scope="session")
def axe_findings() -> Callable[[Any], list[str]]:
    """The findings of axe-core on a page; of the reference, which Swagger UI draws, the serious and critical ones."""
    if not AXE.exists():
        missing(f"there is no axe-core: npm install --prefix {AXE.parents[2]} axe-core")
    script = AXE.read_text(encoding="utf-8")

    def found(page: Any) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(script)
        violations = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        return [
            f"{each['id']}: {node['target']} {node['html'][:120]} {node['failureSummary']}"
            for each in violations
            if each["impact"] in ("serious", "critical") or not urlsplit(page.url).path.endswith("/docs")
            for node in each["nodes"]
        ]

    return found
