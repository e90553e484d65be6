"""The journal in a browser: live rows, and a list that does not move under its reader."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from mockserver.testing import VambeMock

PAGE = "/__admin/console/requests"
MEMBERS = "/api/public/team-members/all"
TASKS = "/api/public/tasks"
HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
# How long the longest pause between two frames was while something went on.
WATCH = """() => {
  window.longest = 0;
  let last = performance.now();
  const step = (now) => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}"""
SHIFTS = """() => {
  window.shifts = [];
  const noted = (shift) => window.shifts.push(...shift.sources.map(({ node }) => node.outerHTML ?? node.textContent));
  new PerformanceObserver((list) => list.getEntries().forEach(noted)).observe({ type: "layout-shift" });
}"""
# How many pixels a row, or a cell of it, is higher than its row has room for.
FITS = """(row) => Math.max(...[row, ...row.children].map((part) => part.scrollHeight - row.clientHeight))"""
# Where the cells of a row that are shown begin.
LEFT = "(all) => all.filter((each) => each.checkVisibility()).map((each) => each.offsetLeft)"
NARROW = {"width": 1099, "height": 800}  # the detail of a request is a page of its own
OUTER = "(lines) => lines.map((line) => line.outerHTML)"

Send = Callable[..., None]


@pytest.fixture
def send(mock: VambeMock) -> Send:
    """Sends requests with the sandbox's key, over one connection."""

    def requests(count: int = 1, method: str = "GET", path: str = MEMBERS, body: str | None = None) -> None:
        headers = mock.headers | {"content-type": "application/json"}
        with contextlib.closing(http.client.HTTPConnection(urlsplit(mock.base_url).netloc, timeout=10)) as connection:
            for _ in range(count):
                connection.request(method, path, body, headers)
                connection.getresponse().read()

    return requests


@contextlib.contextmanager
def delayed(send: Send, mock: VambeMock) -> Iterator[Callable[[], None]]:
    """A request that waits, the first of the sandbox; a call of the function has it answered."""
    mock.delay("createTask", ms=60_000)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send, 1, "POST", TASKS, '{"title": "x"}')
        mock.verify("createTask", times=1, timeout=10)

        def answer() -> None:
            mock.reset(only=["faults"])
            sent.result(timeout=10)

        yield answer


def live(page: Any) -> Any:
    """The page, when it hears of what comes."""
    page.locator("body[data-live]").wait_for()
    return page


def rows(page: Any) -> Any:
    return page.locator("#rows > tr")


def top_of(page: Any, id: int) -> float:
    """Where a row is, in the window."""
    return float(page.evaluate(f"document.getElementById('request-{id}').getBoundingClientRect().top"))


def at_end(page: Any) -> bool:
    left = page.locator("#scroller").evaluate("(it) => it.scrollHeight - it.scrollTop - it.clientHeight")
    return bool(left < 2)


def test_rows_appear_as_requests_come_and_look_as_those_of_the_server(page: Any, visit: Any, send: Send) -> None:
    send()
    live(visit(PAGE))
    expect(rows(page)).to_have_count(1)
    send(1, "POST", TASKS, '{"title": "x", "colour": "red"}')
    send(1, "GET", "/elsewhere?a=<b>")
    expect(rows(page)).to_have_count(3)
    expect(page.locator("#shown")).to_have_text("3")
    came = rows(page).evaluate_all(OUTER)
    page.reload()
    expect(rows(page)).to_have_count(3)
    assert rows(page).evaluate_all(OUTER) == came


@pytest.mark.parametrize("status", ["", "pending", "2xx"])
def test_a_row_whose_request_waits_changes_in_its_place_when_it_is_answered(
    page: Any, visit: Any, send: Send, mock: VambeMock, status: str
) -> None:
    with delayed(send, mock) as answer:
        send(2)
        live(visit(PAGE))
        if status:
            page.locator("#status").fill(status)
            page.locator("#status").press("Tab")
            expect(rows(page)).to_have_count(1 if status == "pending" else 2)
        pending = page.locator("#request-1 .status").filter(has_text="pending")
        expect(pending).to_have_count(int(status != "2xx"))
        answer()
        expect(pending).to_have_count(0)
        send()
        send()
        expect(page.locator("#request-5")).to_have_count(int(status != "pending"))
        if not status:
            assert [row.split()[0] for row in rows(page).all_inner_texts()] == ["#1", "#2", "#3", "#4", "#5"]


def test_rows_that_came_before_the_stream_did_are_not_missed(page: Any, visit: Any, send: Send) -> None:
    def late(route: Any) -> None:
        send(3)
        route.continue_()

    page.route("**/__admin/events*", late)
    visit(PAGE)
    expect(rows(page)).to_have_count(3)


def test_the_list_follows_a_reader_at_its_end(page: Any, visit: Any, send: Send) -> None:
    send(40)
    live(visit(PAGE))
    assert at_end(page)
    send(5)
    expect(rows(page)).to_have_count(45)
    expect(rows(page).last).to_be_in_viewport()
    assert at_end(page)
    expect(page.locator("#newest")).to_be_hidden()


def test_nothing_shifts_under_a_reader_elsewhere(page: Any, visit: Any, send: Send) -> None:
    send(60)
    live(visit(PAGE))
    page.locator("#request-20").scroll_into_view_if_needed()
    expect(page.locator("#newest")).to_be_visible()
    page.evaluate(SHIFTS)
    before = top_of(page, 20)
    send(30)
    expect(page.locator("#newest")).to_have_text("Jump to the newest (30 more)")
    assert top_of(page, 20) == before
    assert page.evaluate("window.shifts") == []
    page.locator("#newest").click()
    expect(page.locator("#request-90")).to_be_in_viewport()
    expect(page.locator("#newest")).to_be_hidden()
    send()
    expect(page.locator("#request-91")).to_be_in_viewport()


def test_a_filter_is_applied_at_once_to_live_rows_and_after_a_reload(page: Any, visit: Any, send: Send) -> None:
    send(3)
    send(1, "DELETE", f"{TASKS}/x")
    live(visit(PAGE))
    page.get_by_label("Status").fill("4xx")
    page.get_by_label("Status").press("Enter")
    expect(rows(page)).to_have_count(1)
    assert "status=4xx" in page.url
    send(2)
    send(1, "GET", "/elsewhere")
    expect(rows(page)).to_have_count(2)
    page.reload()
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Text").type("ELSEwhere")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_label("Text")).to_be_focused()
    page.get_by_label("Operation").select_option("deleteTask")
    expect(page.get_by_text("No request matches")).to_be_visible()
    page.get_by_role("link", name="Show all requests").click()
    expect(rows(page)).to_have_count(7)


def test_a_status_that_cannot_be_is_told_at_its_field(page: Any, visit: Any, send: Send) -> None:
    send()
    live(visit(PAGE))
    status = page.get_by_label("Status")
    status.fill("good")
    status.press("Enter")
    expect(page.locator("#status-problem")).to_contain_text("Use a code such as 404")
    expect(status).to_have_attribute("aria-invalid", "true")
    status.fill("")
    status.press("Enter")
    expect(status).to_have_attribute("aria-invalid", "false")
    expect(rows(page)).to_have_count(1)


def test_a_filter_in_the_address_works_without_a_script(browser: Any, mock: VambeMock, send: Send) -> None:
    send(2)
    send(1, "GET", "/elsewhere")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{mock.base_url}{PAGE}?sandbox={mock.name}&status=404")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_label("Status")).to_have_value("404")
    rows(page).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("GET /elsewhere")
    context.close()


def test_an_empty_journal_says_what_to_do_and_ends_with_the_first_request(page: Any, visit: Any, send: Send) -> None:
    live(visit(PAGE))
    expect(page.get_by_role("heading", name="The journal is empty")).to_be_visible()
    page.get_by_role("button", name="Copy the command").click()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#first-request").text_content()
    send()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("heading", name="The journal is empty")).to_be_hidden()


def test_the_journal_is_cleared_after_a_question(page: Any, visit: Any, mock: VambeMock, send: Send) -> None:
    send(3)
    live(visit(PAGE))
    page.get_by_role("button", name="Clear the journal").click()
    page.get_by_role("button", name="Cancel").click()
    assert len(mock.requests()) == 3
    page.get_by_role("button", name="Clear the journal").click()
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.get_by_role("heading", name="The journal is empty")).to_be_visible()
    assert mock.requests() == []
    send()
    expect(page.locator("#request-4")).to_be_visible()


@pytest.mark.parametrize("told", [True, False])
def test_a_journal_that_was_reset_begins_anew(page: Any, visit: Any, mock: VambeMock, send: Send, told: bool) -> None:
    send(3)
    if not told:  # as when the stream was interrupted at that time
        page.add_init_script(
            "const add = EventSource.prototype.addEventListener;"
            "EventSource.prototype.addEventListener = function (kind, ...rest) {"
            " if (kind !== 'reset') add.call(this, kind, ...rest); };"
        )
    live(visit(PAGE))
    expect(rows(page)).to_have_count(3)
    mock.reset(only=["journal"])
    if told:
        expect(page.get_by_role("heading", name="The journal is empty")).to_be_visible()
    send()
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#request-1")).to_be_visible()


def test_a_journal_that_somebody_else_clears_is_empty_at_once(
    page: Any, visit: Any, mock: VambeMock, send: Send
) -> None:
    send()
    live(visit(PAGE))
    expect(rows(page)).to_have_count(1)
    httpx.delete(f"{mock.base_url}/__admin/requests", headers=mock.headers, trust_env=False)
    expect(rows(page)).to_have_count(0)
    expect(page.get_by_text("The journal is empty")).to_be_visible()


def test_the_filter_works_without_a_script(browser: Any, mock: VambeMock, send: Send) -> None:
    send()
    send(1, "GET", "/elsewhere")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{mock.base_url}{PAGE}?sandbox={mock.name}")
    page.get_by_label("Text").fill("/elsewhere")
    page.get_by_label("Text").press("Enter")
    expect(rows(page)).to_have_count(1)
    assert f"sandbox={mock.name}" in page.url
    context.close()


def test_who_comes_back_from_a_request_finds_its_row(page: Any, visit: Any, send: Send) -> None:
    page.set_viewport_size(NARROW)
    send(60)
    live(visit(PAGE))
    page.locator("#request-20 a").click()
    expect(page.get_by_text("#20", exact=True)).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("#21", exact=True)).to_be_visible()
    page.get_by_role("link", name="Previous").click()
    page.get_by_role("link", name="All requests").click()
    expect(page.locator("#request-20")).to_be_in_viewport()
    page.go_back()
    page.go_back()
    page.go_back()
    page.go_back()
    expect(page.locator("#request-20")).to_be_in_viewport()


def test_a_request_is_opened_and_copied(page: Any, visit: Any, send: Send) -> None:
    page.set_viewport_size(NARROW)
    send(1, "POST", TASKS, '{"title": "Call", "colour": "red"}')
    live(visit(PAGE))
    rows(page).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"POST {TASKS}")
    expect(page.get_by_text("responsibleIds.required").first).to_be_visible()
    for name, id in (("curl", "curl"), ("Python httpx", "httpx"), ("JavaScript fetch", "fetch")):
        page.get_by_role("button", name=f"Copy as {name}").click()
        text = page.locator(f"#as-{id}").text_content()
        assert "colour" in text
        page.wait_for_function("async (text) => await navigator.clipboard.readText() === text", arg=text)
    page.get_by_text("Fault rule", exact=True).click()
    expect(page.locator("#as-fault")).to_be_visible()


def test_what_came_is_text(page: Any, visit: Any, send: Send) -> None:
    task = {"title": HOSTILE, HOSTILE: HOSTILE, "responsibleIds": []}
    live(visit(PAGE))
    send(1, "POST", TASKS, json.dumps(task))
    send(1, "GET", "/api/public/" + HOSTILE.replace(" ", "%20"))
    send(1, "POST", TASKS, HOSTILE)
    expect(rows(page)).to_have_count(3)
    expect(rows(page).nth(1)).to_contain_text(HOSTILE)
    for id in (1, 2, 3):
        page.locator(f"#request-{id} a").click()
        expect(page.locator("main")).to_contain_text(HOSTILE)
        page.get_by_role("button", name="Copy as curl").click()
        page.go_back()
        expect(rows(page)).to_have_count(3)
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("window.hit") is None


# The request beside the list.


def detail(page: Any) -> Any:
    return page.get_by_role("region", name="The chosen request")


def current(page: Any) -> Any:
    """The link of the row that is marked as the chosen one."""
    return page.locator("#rows [aria-current=true]")


def test_a_request_is_chosen_and_the_list_stays_where_it_is(page: Any, visit: Any, send: Send) -> None:
    send(60)
    send(1, "POST", TASKS, '{"title": "", "colour": "red"}')
    live(visit(PAGE))
    expect(detail(page)).to_be_hidden()
    page.locator("#request-30").scroll_into_view_if_needed()
    before = top_of(page, 30)
    page.locator("#request-30").click()
    expect(detail(page).get_by_role("heading", level=2)).to_have_text(f"GET {MEMBERS}")
    expect(current(page)).to_have_text("#30")
    assert top_of(page, 30) == before
    page.evaluate(SHIFTS)
    send(5)
    expect(page.locator("#newest")).to_have_text("Jump to the newest (5 more)")
    assert top_of(page, 30) == before
    assert page.evaluate("window.shifts") == []
    expect(detail(page)).to_contain_text("#30")
    page.locator("#newest").click()
    expect(page.locator("#request-66")).to_be_in_viewport()
    expect(detail(page)).to_contain_text("#30")


def test_the_address_keeps_the_chosen_request(page: Any, visit: Any, send: Send) -> None:
    send(40)
    live(visit(PAGE))
    for id in (3, 5):
        page.locator(f"#request-{id}").click()
        expect(detail(page)).to_contain_text(f"#{id}")
    assert "request=5" in page.url
    page.reload()
    expect(detail(page)).to_contain_text("#5")
    expect(current(page)).to_have_text("#5")
    expect(current(page)).to_be_in_viewport()
    page.go_back()
    expect(detail(page)).to_contain_text("#3")
    expect(current(page)).to_have_text("#3")
    page.go_back()
    expect(detail(page)).to_be_hidden()
    expect(current(page)).to_have_count(0)
    page.go_forward()
    expect(detail(page)).to_contain_text("#3")
    detail(page).get_by_role("link", name="Full page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"GET {MEMBERS}")


def test_a_request_is_chosen_by_keyboard(page: Any, visit: Any, send: Send) -> None:
    send(5)
    live(visit(PAGE))
    page.locator("#request-3 a").focus()
    page.keyboard.press("Enter")
    expect(detail(page)).to_be_focused()
    expect(detail(page)).to_contain_text("#3")
    page.keyboard.press("Escape")
    expect(detail(page)).to_be_hidden()
    expect(page.locator("#request-3 a")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#request-2 a")).to_be_focused()
    expect(detail(page)).to_be_hidden()
    page.locator("#request-2").click()
    for key, id in (("ArrowDown", 3), ("ArrowDown", 4), ("ArrowUp", 3)):
        page.keyboard.press(key)
        expect(current(page)).to_have_text(f"#{id}")
        expect(current(page)).to_be_focused()
        expect(detail(page)).to_contain_text(f"#{id}")
    detail(page).get_by_role("button", name="Close the request").click()
    expect(detail(page)).to_be_hidden()
    assert "request=" not in page.url


def test_a_filter_and_the_chosen_request_do_not_disturb_each_other(page: Any, visit: Any, send: Send) -> None:
    send(3)
    send(1, "GET", "/elsewhere")
    live(visit(PAGE))
    page.locator("#request-2").click()
    page.get_by_label("Status").fill("404")
    page.get_by_label("Status").press("Enter")
    expect(rows(page)).to_have_count(1)
    expect(detail(page)).to_contain_text("#2")
    page.locator("#request-4").click()
    expect(detail(page)).to_contain_text("/elsewhere")
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(current(page)).to_have_text("#4")


def test_a_narrow_window_opens_the_page_of_the_chosen_request(page: Any, visit: Any, send: Send) -> None:
    page.set_viewport_size(NARROW)
    send(3)
    visit(PAGE)
    page.goto(f"{page.url}&request=2")
    expect(page.get_by_text("#2", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"GET {MEMBERS}")
    page.get_by_role("link", name="All requests").click()
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_role("columnheader")).to_have_count(9)
    expect(page.locator("#scroller thead")).to_have_css("width", "1px")


def test_a_chosen_request_that_is_gone_says_so(page: Any, visit: Any, mock: VambeMock, send: Send) -> None:
    send(2)
    live(visit(PAGE))
    page.locator("#request-2").click()
    expect(detail(page)).to_contain_text("#2")
    mock.reset(only=["journal"])
    expect(detail(page)).to_contain_text("Request 2 is not in the journal")
    detail(page).get_by_role("button", name="Close").click()
    expect(detail(page)).to_be_hidden()


@pytest.mark.parametrize("where", ["beside the list", "on its page"])
def test_the_answer_of_a_request_that_waits_appears_by_itself(
    page: Any, visit: Any, send: Send, mock: VambeMock, where: str
) -> None:
    with delayed(send, mock) as answer:
        live(visit(PAGE if where == "beside the list" else f"{PAGE}/1"))
        if where == "beside the list":
            page.locator("#request-1").click()
        status = page.locator(".facts .status")
        expect(status).to_have_text("pending")
        expect(page.get_by_text("It waits for its answer")).to_be_visible()
        page.get_by_text("curl", exact=True).click()
        if where == "beside the list":
            page.locator("#request-1 a").focus()
        answer()
        expect(status).to_have_text("503")
        if where == "beside the list":
            expect(page.locator("#request-1 .status")).to_have_text("503")
            expect(page.locator("#request-1 a")).to_be_focused()
            expect(current(page)).to_have_text("#1")
        expect(page.get_by_text("Decided by the rule")).to_be_visible()
        expect(page.locator("#as-curl")).to_be_visible()  # what was open stays open


def test_an_answer_does_not_move_a_filtered_list_under_its_reader(
    page: Any, visit: Any, send: Send, mock: VambeMock
) -> None:
    with delayed(send, mock) as answer:
        send(60)
        visit(PAGE)
        page.goto(f"{page.url}&text=/api/public")
        live(page)
        expect(page.locator("#request-61")).to_be_in_viewport()
        page.locator("#request-20").scroll_into_view_if_needed()
        before = top_of(page, 20)
        answer()
        expect(page.locator("#request-1 .status")).to_have_text("503")
        assert top_of(page, 20) == before


def test_an_answer_that_came_before_the_stream_did_is_not_missed(
    page: Any, visit: Any, send: Send, mock: VambeMock
) -> None:
    with delayed(send, mock) as answer:

        def late(route: Any) -> None:
            answer()
            route.continue_()

        page.route("**/__admin/events*", late)
        visit(PAGE)
        expect(page.locator("#request-1 .status")).to_have_text("503")


# Another guess.


def test_a_guess_is_flipped_and_the_request_sent_again(page: Any, visit: Any, send: Send, mock: VambeMock) -> None:
    send(30)
    body = '{"title": "", "responsibleIds": [], "priority": "1", "n": 12345678901234567890, "f": 1.0}'
    send(1, "POST", TASKS, body)
    live(visit(PAGE))
    page.locator("#request-31").click()
    page.locator("#scroller").evaluate("(scroller) => { scroller.scrollTop = 0; }")
    detail(page).get_by_role("button", name="Replay with plain for validation-body").click()
    expect(detail(page)).to_contain_text("#32")
    expect(current(page)).to_have_text("#32")
    expect(current(page)).to_be_in_viewport()
    expect(detail(page)).to_contain_text("validation-body is plain not the default")
    assert mock.settings["assume"] == {"validation-body": "plain"}
    before, after = mock.requests("createTask")
    assert (after["request"]["json"], after["response"]["status"]) == (before["request"]["json"], 400)
    assert after["response"]["json"] == {"message": "Validation failed", "error": "Bad Request", "statusCode": 400}
    page.go_back()
    expect(detail(page)).to_contain_text("#31")


def test_on_the_page_of_a_request_a_replay_leads_to_the_new_one(page: Any, visit: Any, send: Send) -> None:
    send(1, "PATCH", f"{TASKS}?a=%26%20b")
    visit(f"{PAGE}/1")
    page.get_by_role("button", name="Replay with 405 for wrong-method").click()
    expect(page.get_by_text("#2", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"PATCH {TASKS}?a=& b")
    expect(page.locator(".facts .status")).to_have_text("405")


def test_a_replay_whose_answer_is_lost_says_so(page: Any, visit: Any, send: Send, mock: VambeMock) -> None:
    send(1, "POST", TASKS, '{"title": ""}')
    live(visit(PAGE))
    page.locator("#request-1").click()
    mock.drop("createTask", "garbage")  # the browser repeats a request whose connection is reset
    page.get_by_role("button", name="Replay with plain").click()
    expect(page.locator("#notes")).to_contain_text("validation-body is plain now. The request was sent again, but")
    expect(page.locator("#request-2 .status")).to_have_text("no answer")
    expect(page.get_by_role("button", name="Replay with plain")).to_be_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_in_the_way_of_a_chosen_request(
    page: Any, visit: Any, send: Send, axe_findings: Callable[[Any], list[str]], scheme: str
) -> None:
    send(30)
    send(1, "POST", TASKS, '{"title": "", "colour": "red"}')
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    live(visit(PAGE))
    page.locator("#request-31").click()
    expect(detail(page)).to_contain_text("#31")
    for width in (1100, 1400):
        page.set_viewport_size({"width": width, "height": 700})
        assert axe_findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert detail(page).evaluate("(pane) => pane.scrollWidth - pane.clientWidth") == 0
        assert detail(page).evaluate("(pane) => pane.scrollHeight - pane.clientHeight") > 0
        assert page.evaluate("document.documentElement.scrollHeight") == 700  # list and detail scroll by themselves
        headings, cells = (page.locator(f"{row} > *").evaluate_all(LEFT) for row in ("thead tr", "#request-31"))
        assert headings == cells
        assert len(headings) >= 5


# Playwright's expectations describe the whole page while they wait: here they would be what is measured.


def wait_for_row(page: Any, id: int) -> None:
    """Wait until a row is in sight."""
    page.wait_for_function(
        """(id) => {
          const row = document.getElementById(`request-${id}`)?.getBoundingClientRect();
          const window = document.getElementById("scroller").getBoundingClientRect();
          return row && row.top >= window.top - 1 && row.bottom <= window.bottom + 1;
        }""",
        arg=id,
    )


def test_a_thousand_rows_stay_smooth_and_are_all_there_are(page: Any, visit: Any, send: Send) -> None:
    send(1000)
    live(visit(PAGE))
    page.evaluate(WATCH)
    send(200)
    wait_for_row(page, 1200)
    assert page.evaluate("window.longest") < 500
    assert rows(page).count() == 1000
    assert page.locator("#dropped").text_content() == "200"


def test_the_page_stays_bounded_while_the_reader_is_elsewhere(page: Any, visit: Any, send: Send) -> None:
    send(990)
    live(visit(PAGE))
    page.locator("#scroller").evaluate("(scroller) => { scroller.scrollTop = 100; }")
    page.wait_for_function("() => !document.getElementById('newest').hidden")
    before = top_of(page, 5)
    for more in (550, 1100):  # fewer at once than the journal keeps, so that the page misses none
        send(550)
        page.wait_for_function(
            "(more) => document.getElementById('newest').textContent === `Jump to the newest (${more} more)`", arg=more
        )
    assert rows(page).count() == 2000
    assert top_of(page, 5) == before
    page.locator("#newest").click()
    wait_for_row(page, 2090)
    assert rows(page).count() == 1000


@pytest.mark.parametrize("width", [320, 390, 1024, 1100, 1400])
def test_a_status_in_words_has_room(page: Any, visit: Any, send: Send, width: int) -> None:
    send(1)
    page.set_viewport_size({"width": width, "height": 800})
    live(visit(PAGE))
    status = page.locator("#request-1 .status")
    for words in ("abandoned", "no answer"):
        status.evaluate("(cell, words) => { cell.textContent = words; }", words)
        assert status.evaluate("(cell) => cell.scrollWidth <= cell.clientWidth")


@pytest.mark.parametrize("width", [360, 1024, 1600])
def test_every_row_has_its_height_and_nothing_is_wider_than_the_window(
    page: Any, visit: Any, mock: VambeMock, send: Send, width: int
) -> None:
    mock.fail("createTask")
    send(1, "POST", TASKS, json.dumps({"title": "x" * 300, "y" * 300: 1}))
    send(1, "GET", "/" + "long" * 200)
    page.set_viewport_size({"width": width, "height": 800})
    live(visit(PAGE))
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("#rows > tr").evaluate_all("(rows) => Math.max(...rows.map(fits))".replace("fits", FITS)) <= 0
    for id in (1, 2):
        page.locator(f"#request-{id} a").click()
        page.locator("summary", has_text="curl").click()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.go_back()
