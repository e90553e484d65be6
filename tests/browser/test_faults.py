"""The page of faults in a browser: switches, rules of one's own, and hits that are counted while one looks."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from mockserver.testing import VambeMock

FAULTS = "/__admin/console/faults"


def ask(mock: VambeMock, path: str = "team-members/all") -> int:
    return httpx.get(f"{mock.base_url}/api/public/{path}", headers=mock.headers, trust_env=False).status_code


def rules(mock: VambeMock) -> list[dict[str, Any]]:
    answer = httpx.get(f"{mock.base_url}/__admin/faults", headers=mock.headers, trust_env=False)
    found: list[dict[str, Any]] = answer.json()["faults"]
    return found


@pytest.fixture
def faults(visit: Any) -> Any:
    """The page of a sandbox without rules."""
    return visit(FAULTS)


def switch(page: Any, label: str) -> Any:
    return page.get_by_role("switch", name=label, exact=True)


TEAM_503 = "listTeamMembers answers 503 Service Unavailable, with Retry-After: 1"


def test_a_switch_makes_a_client_fail_and_the_hits_go_up_while_one_looks(faults: Any, mock: VambeMock) -> None:
    assert ask(mock) == 200
    expect(faults.get_by_text("None, so every valid request succeeds")).to_be_visible()
    switch(faults, TEAM_503).click()
    expect(switch(faults, TEAM_503)).to_have_attribute("aria-checked", "true")
    expect(faults.locator(".rule .hits")).to_have_text("0 hits")
    faults.evaluate("window.sameDocument = true")
    for hits in ("1 hit", "2 hits"):
        assert ask(mock) == 503
        expect(faults.locator(".rule .hits")).to_have_text(hits)
        expect(faults.locator("#listTeamMembers-status-503 .said")).to_have_text(hits)
    assert faults.evaluate("window.sameDocument")


def test_a_switch_that_is_off_again_lets_the_client_succeed(faults: Any, mock: VambeMock) -> None:
    switch(faults, TEAM_503).click()
    expect(switch(faults, TEAM_503)).to_have_attribute("aria-checked", "true")
    assert ask(mock) == 503
    switch(faults, TEAM_503).click()
    expect(switch(faults, TEAM_503)).to_have_attribute("aria-checked", "false")
    assert ask(mock) == 200
    assert rules(mock) == []


def test_a_switch_takes_the_keyboard_and_keeps_the_focus(faults: Any, mock: VambeMock) -> None:
    switch(faults, TEAM_503).focus()
    faults.keyboard.press("Space")
    expect(switch(faults, TEAM_503)).to_have_attribute("aria-checked", "true")
    expect(switch(faults, TEAM_503)).to_be_focused()
    faults.keyboard.press("Enter")
    expect(switch(faults, TEAM_503)).to_have_attribute("aria-checked", "false")


def test_two_quick_clicks_set_one_rule(faults: Any, mock: VambeMock) -> None:
    faults.evaluate("document.getElementById('listTeamMembers-status-503-always').click()")
    faults.evaluate(
        "const each = document.getElementById('listTeamMembers-status-502-always'); each.click(); each.click()"
    )
    expect(faults.locator(".rule")).to_have_count(2)
    assert len(rules(mock)) == 2


def test_a_double_click_sets_one_rule(faults: Any, mock: VambeMock) -> None:
    sent: list[str] = []
    faults.on("request", lambda request: sent.append(request.method) if request.method == "POST" else None)
    fill(faults, "status", "500")
    faults.get_by_role("button", name="Set the rule").dblclick()
    expect(faults.locator(".rule")).to_have_count(1)
    faults.get_by_role("button", name="Set the rule").press("Enter")
    expect(faults.locator(".rule")).to_have_count(2)
    assert sent == ["POST", "POST"]


def test_once_hits_the_next_request_only(faults: Any, mock: VambeMock) -> None:
    once = faults.get_by_role("button", name=f"{TEAM_503}, once")
    once.click()
    expect(once).to_have_attribute("aria-pressed", "true")
    assert (ask(mock), ask(mock)) == (503, 200)
    expect(once).to_have_attribute("aria-pressed", "false")
    expect(faults.locator(".rule .tag")).to_have_text("spent")
    expect(switch(faults, TEAM_503)).to_have_attribute("aria-checked", "false")


def test_a_switch_is_on_whoever_set_its_rule(page: Any, visit: Any, mock: VambeMock) -> None:
    page.route("**/__admin/events*", lambda route: route.abort())  # no event tells of rules that others set
    mock.fail("createTask", 500, times=None)
    visit(FAULTS)
    on = switch(page, "createTask answers 500 Internal Server Error")
    expect(on).to_have_attribute("aria-checked", "true")
    mock.clear_faults()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(on).to_have_attribute("aria-checked", "false")


def test_a_rule_that_somebody_else_sets_or_deletes_shows_at_once(faults: Any, mock: VambeMock) -> None:
    with httpx.Client(base_url=f"{mock.base_url}/__admin", headers=mock.headers, trust_env=False) as elsewhere:
        elsewhere.post("/faults", json={"status": 503, "match": {"operation": "listTasks"}})
        expect(faults.locator(".rule")).to_have_count(1)
        elsewhere.delete("/faults")
        expect(faults.locator(".rule")).to_have_count(0)


def fill(page: Any, name: str, text: str) -> None:
    """Fill a field of the form, whose step is opened."""
    step = page.locator(".step", has=page.locator(f'[name="{name}"]'))
    if step.get_attribute("open") is None:
        step.locator("summary").click()
    step.locator(f'[name="{name}"]').fill(text)


@pytest.mark.parametrize(
    ("kind", "numbers", "delay", "words"),
    [
        ("fixed", ["1"], 1, "waits 1 ms"),
        ("uniform", ["0", "2"], {"uniform": [0, 2]}, "waits 0 to 2 ms"),
        ("lognormal", ["2", "0.5"], {"lognormal": {"median": 2, "sigma": 0.5}}, "waits about 2 ms (sigma 0.5)"),
    ],
)
def test_a_delay_is_a_switch_with_its_numbers_and_its_hits(
    faults: Any, mock: VambeMock, kind: str, numbers: list[str], delay: Any, words: str
) -> None:
    fields = faults.locator(f"form[data-kind={kind}] input:visible")
    for field, number in zip(fields.all(), numbers, strict=True):
        field.fill(number)
    slow = switch(faults, f"listTeamMembers waits, {kind}")
    slow.click()
    expect(slow).to_have_attribute("aria-checked", "true")
    assert ask(mock) == 200
    expect(faults.locator(f"#listTeamMembers-delay-{kind} .hits")).to_have_text("1 hit")
    expect(faults.locator(f"#listTeamMembers-delay-{kind} .more")).to_have_text(words.removeprefix("waits "))
    expect(faults.locator(".rule .what")).to_have_text(f"Every listTeamMembers {words}, then is carried out")
    (rule,) = rules(mock)
    assert (rule["match"], rule["delay_ms"], rule["times"]) == ({"operation": "listTeamMembers"}, delay, None)
    expect(fields.first).to_have_value(numbers[0])
    slow.click()
    expect(slow).to_have_attribute("aria-checked", "false")
    assert rules(mock) == []


@pytest.mark.parametrize(
    ("numbers", "message"), [(["800", "200"], "Must be whole milliseconds"), (["0", "soon"], "Must be")]
)
def test_a_delay_that_cannot_be_is_refused_at_its_numbers(
    faults: Any, mock: VambeMock, numbers: list[str], message: str
) -> None:
    fields = faults.locator("form[data-kind=uniform] input")
    for field, number in zip(fields.all(), numbers, strict=True):
        field.fill(number)
    slow = switch(faults, "createTask waits, uniform")
    slow.click()
    expect(fields.first).to_have_attribute("aria-invalid", "true")
    expect(faults.locator("form[data-kind=uniform] .error")).to_contain_text(message)
    expect(slow).to_have_attribute("aria-checked", "false")
    fields.last.fill("900")
    slow.click()
    expect(slow).to_have_attribute("aria-checked", "true")
    expect(faults.locator("form[data-kind=uniform] .error")).to_have_count(0)


def test_a_rule_of_ones_own_is_set_step_by_step_with_all_that_the_form_says(faults: Any, mock: VambeMock) -> None:
    steps, sentence = faults.locator(".step"), faults.locator("#sentence")
    expect(sentence).to_have_text("The next request …")
    faults.get_by_label("Operation").last.select_option("createTask")
    faults.get_by_label("Path").fill("/api/*")
    expect(sentence).to_have_text("The next createTask to /api/* …")
    faults.get_by_label("Body contains").fill('{"priority": "2"}')
    expect(steps.nth(1)).not_to_have_attribute("open")
    faults.get_by_role("button", name="Next").click()
    expect(steps.nth(0)).not_to_have_attribute("open")
    expect(faults.get_by_label("When")).to_be_focused()
    faults.get_by_label("When").select_option("after")
    faults.get_by_label("Distribution").select_option("uniform")
    faults.locator("#rule-delay_ms").fill("200")
    faults.locator("#rule-delay_ms-second").fill("800")
    faults.get_by_label("Status", exact=True).fill("502")
    faults.get_by_label("Headers").fill('{"X-Down": "yes"}')
    faults.locator("#rule-body").fill("<h1>Bad gateway</h1>")
    faults.get_by_role("button", name="Next").press("Enter")
    faults.get_by_label("Times").fill("")
    faults.get_by_label("Probability").fill("0.5")
    words = (
        'With a chance of 0.5, every createTask to /api/* with {"priority":"2"} in the body is carried out, then '
        'answered with 502 Bad Gateway after 200 to 800 ms, with X-Down: yes and the body "<h1>Bad gateway</h1>"'
    )
    expect(sentence).to_have_text(words)
    faults.get_by_role("button", name="Set the rule").click()
    expect(faults.locator(".rule .what")).to_have_text(words)
    (rule,) = rules(mock)
    assert rule["match"] == {"operation": "createTask", "path": "/api/*", "json": {"priority": "2"}}
    keys = ("when", "status", "headers", "body", "delay_ms", "times", "probability")
    assert [rule[key] for key in keys] == [
        "after",
        502,
        {"X-Down": "yes"},
        "<h1>Bad gateway</h1>",
        {"uniform": [200, 800]},
        None,
        0.5,
    ]
    faults.get_by_role("button", name="Clear the form").click()
    expect(sentence).to_have_text("The next request …")


@pytest.mark.parametrize(
    ("filled", "field", "message"),
    [
        ({"status": "42"}, "status", "Must be null or a status code from 200 to 599"),
        ({"status": "many"}, "status", "Must be null or a status code from 200 to 599"),
        ({}, "status", "The rule does nothing"),
        ({"status": "500", "times": "0"}, "times", "whole number of at least 1"),
        ({"status": "500", "match.status": "99"}, "match.status", "Expected a status code. Before the request"),
        ({"status": "500", "match.status": "201"}, "match.status", "it has no status to match"),
        ({"status": "500", "match.query": "[1]"}, "match.query", "Expected an object of strings"),
        ({"status": "500", "match.json": "{"}, "match.json", "This is not JSON"),
        ({"status": "500", "headers": '{"Connection": "close"}'}, "headers", "none of them about the connection"),
        ({"status": "500", "body": "{"}, "body", "This is not JSON"),
        ({"body": "null and void"}, "body", "A body needs a status"),
        ({"delay_ms": "soon"}, "delay_ms", "Must be whole milliseconds"),
    ],
)
def test_a_refusal_is_shown_at_its_field(
    faults: Any, mock: VambeMock, filled: dict[str, str], field: str, message: str
) -> None:
    for name, text in filled.items():
        fill(faults, name, text)
    for step in faults.locator(".step[open] > summary").all()[::-1]:
        step.click()
    faults.get_by_role("button", name="Set the rule").click()
    wrong = faults.locator(f'#own-rule [name="{field}"]')
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    expect(wrong.locator("..").locator(".error")).to_contain_text(message)
    assert rules(mock) == []


def test_a_delay_with_only_its_second_number_is_refused(faults: Any, mock: VambeMock) -> None:
    fill(faults, "status", "500")
    faults.get_by_label("Distribution").select_option("uniform")
    faults.locator("#rule-delay_ms-second").fill("800")
    faults.get_by_role("button", name="Set the rule").click()
    expect(faults.locator("#rule-delay_ms")).to_have_attribute("aria-invalid", "true")
    assert rules(mock) == []


def test_what_was_wrong_is_forgotten_when_the_rule_is_set(faults: Any, mock: VambeMock) -> None:
    faults.get_by_role("button", name="Set the rule").click()
    expect(faults.locator("#own-rule .error")).to_have_count(1)
    fill(faults, "status", "500")
    faults.get_by_role("button", name="Set the rule").click()
    expect(faults.locator(".rule")).to_have_count(1)
    expect(faults.locator("#own-rule .error")).to_have_count(0)


def test_one_rule_is_deleted_and_then_all_by_one_click(visit: Any, mock: VambeMock) -> None:
    for status in (500, 502, 503):
        mock.fail("createTask", status)
    page = visit(FAULTS)
    page.get_by_role("button", name="Delete rule 2").click()
    expect(page.locator(".rule")).to_have_count(2)
    expect(page.locator("#rules-title")).to_be_focused()
    assert [rule["id"] for rule in rules(mock)] == ["1", "3"]
    page.get_by_role("button", name="Delete all rules").click()
    expect(page.get_by_text("None, so every valid request succeeds")).to_be_visible()
    assert rules(mock) == []


def test_a_rule_that_is_gone_already_is_said_and_no_longer_shown(page: Any, visit: Any, mock: VambeMock) -> None:
    page.route("**/__admin/events*", lambda route: route.abort())  # or the page would have seen it go
    mock.fail("createTask", 500)
    visit(FAULTS)
    mock.clear_faults()
    page.get_by_role("button", name="Delete rule 1").click()
    expect(page.locator("#notes .bad")).to_contain_text("There is no fault rule")
    expect(page.locator(".rule")).to_have_count(0)


def test_hits_go_up_while_requests_never_stop(visit: Any, mock: VambeMock) -> None:
    mock.fail("listTeamMembers", 503, times=None)
    page = visit(FAULTS)
    end = threading.Event()

    def hammer() -> None:
        with httpx.Client(base_url=mock.base_url, headers=mock.headers, trust_env=False) as client:
            while not end.is_set():
                client.get("/api/public/team-members/all")

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        expect(page.locator(".rule .hits")).not_to_have_text("0 hits")
        seen = page.locator(".rule .hits").inner_text()
        expect(page.locator(".rule .hits")).not_to_have_text(seen)
    finally:
        end.set()
        thread.join()


def test_texts_of_rules_are_text(visit: Any, mock: VambeMock) -> None:
    evil = '<img src=x onerror="window.broken = true"><script>window.broken = true</script>\''
    mock.fault({"match": {"path": evil, "json": {evil: evil}}, "status": 500, "body": evil, "headers": {"X-A": evil}})
    page = visit(FAULTS)
    expect(page.locator(".rule strong")).to_contain_text(evil)
    mock.fail("createTask", 500, path=evil)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator(".rule")).to_have_count(2)
    expect(page.locator(".rule img, .rule script")).to_have_count(0)
    assert not page.evaluate("window.broken")


def test_a_narrow_window_shows_one_operation_at_a_time(page: Any, visit: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    visit(FAULTS)
    expect(switch(page, "createTask answers 500 Internal Server Error")).to_be_visible()
    expect(switch(page, "listTasks answers 500 Internal Server Error")).to_be_hidden()
    page.get_by_label("Operation").first.select_option("listTasks")
    expect(switch(page, "listTasks answers 500 Internal Server Error")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("width", [320, 390, 941, 1280, 1400])
def test_the_switches_stay_within_their_card(page: Any, visit: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    visit(FAULTS)
    card, table = (page.locator(each).bounding_box() for each in ("#catalogue", ".matrix"))
    assert table["x"] + table["width"] < card["x"] + card["width"]
