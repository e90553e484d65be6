"""Every page by keyboard, by screen reader (axe-core), in the light, in the dark, and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mockserver.testing import VambeMock

MISSING = "?missing"  # the page of a sandbox that does not exist
PAGES = [
    "/__admin/",
    "/__admin/console/requests",
    "/__admin/console/requests/2",
    "/__admin/console/faults",
    "/__admin/console/world",
    "/__admin/console/try",
    "/docs",
    MISSING,
]
CONTROLS = "a[href], button, summary, input, select, textarea"
# What Tab should stop at: it can be seen and used, and is of a group of radio buttons the one that is chosen.
MARK_STOPS = f"""() => {{
    const stops = [...document.querySelectorAll("{CONTROLS}")].filter((control) =>
        control.checkVisibility({{visibilityProperty: true}}) && !control.disabled && control.tabIndex >= 0
        && !(control.type === "radio" && !control.checked));
    stops.forEach((control, number) => control.dataset.stop = number);
    return stops.length;
}}"""
FOCUSED = """() => {
    const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(document.activeElement);
    const ring = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
    return [document.activeElement.dataset.stop, ring || boxShadow !== "none", document.activeElement.outerHTML];
}"""


@pytest.fixture(params=PAGES)
def shown(request: pytest.FixtureRequest, page: Any, mock: VambeMock) -> Any:
    """Each page of the console in turn, about a sandbox in which something happened."""
    fill(mock)
    query = "?sandbox=nobody-s" if request.param == MISSING else f"?sandbox={mock.name}"
    page.goto(f"{mock.base_url}{'/__admin/' if request.param == MISSING else request.param}{query}")
    if request.param == "/docs":
        page.locator(".opblock").first.wait_for()
    return page


def fill(mock: VambeMock) -> None:
    """Have tasks, a good and a bad request, a request that a fault hit, a rule that waits, and a snapshot."""
    task = {"title": "Call the client", "responsibleIds": [mock.users[0]["id"]], "priority": "1"}
    with httpx.Client(base_url=f"{mock.base_url}/api/public", headers=mock.headers, verify=False) as client:
        client.post("/tasks", json=task)
        client.post("/tasks", json={**task, "priority": 1, "colour": "red"})
        mock.fail("createTask", status=503)
        client.post("/tasks", json=task)
    mock.fail("listTasks", status=500, times=None)
    mock.snapshot("onboarded")


def draw(page: Any, scheme: str) -> None:
    """Draw a page in a colour scheme, and wait until the reference, which follows by a script, has done so."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_function(
        "(dark) => !document.getElementById('reference') ||"
        " document.documentElement.classList.contains('dark-mode') === dark",
        arg=scheme == "dark",
    )


def test_a_page_its_menu_and_its_dialogs_are_accessible(shown: Any, axe_findings: Callable[[Any], list[str]]) -> None:
    dialogs = shown.locator("dialog")
    assert dialogs.count() >= 1
    for scheme in ("light", "dark"):
        draw(shown, scheme)
        assert axe_findings(shown) == []
        shown.locator("#sandbox-menu summary").click()
        assert axe_findings(shown) == []
        shown.locator("#sandbox-menu summary").click()
        for number in range(dialogs.count()):
            dialog = dialogs.nth(number)
            dialog.evaluate("(dialog) => { dialog.showModal(); dialog.querySelector('p').textContent ||= 'Delete?'; }")
            assert axe_findings(shown) == []
            dialog.evaluate("(dialog) => { dialog.close(); }")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_an_operation_that_was_tried_out_is_accessible(
    page: Any, mock: VambeMock, axe_findings: Callable[[Any], list[str]], scheme: str
) -> None:
    draw(page, scheme)
    page.goto(f"{mock.base_url}/docs?sandbox={mock.name}")
    for operation in ("createTask", "listTasks"):
        block = page.locator(f"[id$='-{operation}']")
        block.locator(".opblock-summary-control").click()
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        block.locator(".live-responses-table .response").wait_for()
    page.add_style_tag(url="/docs/assets/reference.css")  # waits until the styles of the new parts are there
    page.mouse.move(0, 0)
    assert axe_findings(page) == []
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".dialog-ux").wait_for()
    assert axe_findings(page) == []


def test_tab_reaches_every_control_and_shows_where_it_is(shown: Any) -> None:
    left = {str(number) for number in range(shown.evaluate(MARK_STOPS))}
    assert len(left) >= 8
    for _ in range(3 * len(left)):
        shown.keyboard.press("Tab")
        stop, visible, html = shown.evaluate(FOCUSED)
        if stop is not None:
            assert visible, html
            left.discard(stop)
        if not left:
            return
    still_there = "(left) => left.map((stop) => document.querySelector(`[data-stop='${stop}']`)?.outerHTML)"
    assert list(filter(None, shown.evaluate(still_there, sorted(left)))) == []


def test_the_first_stop_leads_past_the_bar(shown: Any) -> None:
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Skip to content"
    assert shown.locator(".skip").bounding_box()["x"] >= 0
    shown.keyboard.press("Enter")
    assert shown.evaluate("document.activeElement.id") == "content"


def test_the_menu_of_sandboxes_opens_and_closes_by_keyboard(shown: Any) -> None:
    summary = shown.locator("#sandbox-menu summary")
    summary.focus()
    shown.keyboard.press("Enter")
    shown.get_by_label("Switch to").focus()
    shown.keyboard.press("Escape")
    assert not shown.locator("#sandbox-menu").evaluate("(menu) => menu.open")
    assert summary.evaluate("(summary) => summary === document.activeElement")


def test_a_page_never_scrolls_sideways_and_has_one_title(shown: Any) -> None:
    for width in (320, 360, 390, 768, 1400, 1600):
        shown.set_viewport_size({"width": width, "height": 780})
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        shown.locator("#sandbox-menu summary").click()
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        box = shown.locator("#sandbox-menu .panel").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        shown.locator("#sandbox-menu summary").click()
    assert shown.locator("h1:visible, .info h2.title:visible").count() == 1
    assert shown.locator("html").get_attribute("lang") == "en"
