"""The page of the world in a browser: clock, snapshots, settings, reset, export, and deleting the sandbox."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from mockserver.testing import VambeMock

WORLD = "/__admin/console/world"
START = "2025-11-26T09:00:00.000Z"


def create(mock: VambeMock, title: str = "Call the client", **fields: Any) -> httpx.Response:
    body = {"title": title, "responsibleIds": [mock.users[0]["id"]], "priority": "1", **fields}
    url = f"{mock.base_url}/api/public/tasks"
    return httpx.post(url, json=body, headers=mock.headers, trust_env=False)


@pytest.fixture
def world(visit: Any) -> Any:
    """The page of the demo's world."""
    return visit(WORLD)


def click(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def answer(page: Any, name: str) -> None:
    """Answer what the page asks before something is lost."""
    page.locator("#confirmation").get_by_role("button", name=name, exact=True).click()


def test_the_clock_is_frozen_and_a_write_does_not_move_it(world: Any, mock: VambeMock) -> None:
    click(world, "Freeze")
    expect(world.get_by_role("button", name="Freeze")).to_have_attribute("aria-pressed", "true")
    expect(world.get_by_role("button", name="Freeze")).to_be_focused()
    assert create(mock).json()["created_at"] == create(mock).json()["created_at"] == START
    expect(world.locator("#now")).to_have_text(START)
    click(world, "Tick")
    expect(world.get_by_role("button", name="Tick")).to_have_attribute("aria-pressed", "true")
    create(mock)
    assert create(mock).json()["created_at"] == "2025-11-26T09:00:01.000Z"


def test_the_clock_is_set(world: Any, mock: VambeMock) -> None:
    world.get_by_label("Set to, in UTC").fill("2026-03-01T23:59:30")
    click(world, "Set")
    expect(world.locator("#now")).to_have_text("2026-03-01T23:59:30.000Z")
    assert create(mock).json()["created_at"] == "2026-03-01T23:59:30.000Z"


@pytest.mark.parametrize("moment", ["", "2200-01-01T00:00:00"])
def test_a_time_that_cannot_be_is_refused_at_its_field(world: Any, moment: str) -> None:
    world.get_by_label("Set to, in UTC").fill(moment)
    click(world, "Set")
    expect(world.locator("#set-clock-now")).to_have_attribute("aria-invalid", "true")
    expect(world.locator("#set-clock .error")).to_be_visible()
    expect(world.locator("#now")).to_have_text(START)


def test_the_clock_moves_on_by_an_hour_a_day_or_seconds(world: Any, mock: VambeMock) -> None:
    click(world, "+1 hour")
    expect(world.locator("#now")).to_have_text("2025-11-26T10:00:00.000Z")
    click(world, "+1 day")
    expect(world.locator("#now")).to_have_text("2025-11-27T10:00:00.000Z")
    world.get_by_label("Move on by seconds").fill("90")
    click(world, "Move on")
    expect(world.locator("#now")).to_have_text("2025-11-27T10:01:30.000Z")
    assert create(mock).json()["created_at"] == "2025-11-27T10:01:30.000Z"


@pytest.mark.parametrize("seconds", ["", "-1", "1.5", "soon"])
def test_seconds_that_are_none_are_refused_at_their_field(world: Any, seconds: str) -> None:
    world.get_by_label("Move on by seconds").fill(seconds)
    click(world, "Move on")
    expect(world.locator("#advance .error")).to_be_visible()
    expect(world.locator("#now")).to_have_text(START)


def test_a_real_clock_runs_on_the_page(page: Any, visit: Any) -> None:
    page.route("**/__admin/events*", lambda route: route.abort())  # what an event shows anew does not count
    visit(WORLD)
    click(page, "Real")
    expect(page.get_by_role("button", name="Real")).to_have_attribute("aria-pressed", "true")
    first = page.locator("#now").inner_text()
    expect(page.locator("#now")).not_to_have_text(first)
    assert page.locator("#now").inner_text() > first


def test_a_write_moves_the_clock_and_the_notes_while_one_looks(world: Any, mock: VambeMock) -> None:
    contact = mock.contacts[0]
    notes = world.locator(f"[id='notes-{contact['id']}']")
    expect(notes.locator("summary")).to_have_text("3 notes")
    notes.locator("summary").click()
    create(mock, "<b>Bold</b> move", aiContactId=contact["id"])
    expect(notes.locator("summary")).to_have_text("4 notes")
    expect(notes.locator("li").first).to_contain_text("<b>Bold</b> move")
    expect(notes.locator("li").first).to_be_visible()
    expect(world.locator("#now")).to_have_text("2025-11-26T09:00:01.000Z")


def test_the_clock_moves_on_with_each_of_many_quick_clicks(world: Any) -> None:
    world.get_by_label("Move on by seconds").fill("10")
    world.get_by_role("button", name="Move on", exact=True).click(click_count=3)
    expect(world.locator("#now")).to_have_text("2025-11-26T09:00:30.000Z")


@pytest.mark.parametrize("width", [1400, 700])
def test_a_link_to_a_part_of_the_page_shows_its_heading_below_the_bar(world: Any, width: int) -> None:
    world.set_viewport_size({"width": width, "height": 700})
    bar = world.locator(".bar").bounding_box()
    for link in world.locator(".jump a").all():
        link.click()
        heading = world.locator(link.get_attribute("href"))
        expect(heading).to_be_in_viewport()
        assert heading.bounding_box()["y"] >= bar["height"]


def test_a_snapshot_is_taken_restored_and_deleted(world: Any, mock: VambeMock) -> None:
    before = mock.state
    world.get_by_label("Take one under the name").fill("before")
    click(world, "Take")
    expect(world.get_by_role("button", name="Restore before")).to_be_visible()
    expect(world.get_by_label("Take one under the name")).to_have_value("")
    create(mock)
    click(world, "Restore before")
    answer(world, "Cancel")
    assert len(mock.tasks) == len(before["tasks"]) + 1
    click(world, "Restore before")
    answer(world, "Restore")
    expect(world.locator("#notes")).to_contain_text("before is restored")
    assert mock.state == before
    click(world, "Delete before")
    answer(world, "Delete")
    expect(world.get_by_role("button", name="Restore before")).to_have_count(0)
    expect(world.locator("#snapshots-title")).to_be_focused()


@pytest.mark.parametrize("name", ["", "fixtures", "no name", "<script>"])
def test_a_name_that_no_snapshot_can_have_is_refused_at_its_field(world: Any, name: str) -> None:
    world.get_by_label("Take one under the name").fill(name)
    click(world, "Take")
    expect(world.locator("#take .error")).to_contain_text("is no snapshot's name")


def test_settings_are_saved_and_hold(world: Any, mock: VambeMock) -> None:
    world.get_by_label("Strict").check()
    world.get_by_label("Delay of every request").fill("1")
    world.get_by_label("Requests", exact=True).fill("2")
    world.get_by_label("in seconds").fill("60")
    click(world, "Save")
    expect(world.locator("#notes")).to_contain_text("The settings are saved")
    assert mock.settings == {"strict": True, "delay_ms": 1, "rate_limit": {"requests": 2, "seconds": 60}, "assume": {}}
    assert [create(mock, colour="red").status_code, create(mock).status_code] == [400, 201]
    assert create(mock).status_code == 429
    for label in ("Requests", "in seconds"):
        world.get_by_label(label, exact=True).fill("")
    world.get_by_label("Strict").uncheck()
    click(world, "Save")
    expect(world.locator("#notes p")).to_have_count(2)
    assert mock.settings == {"strict": False, "delay_ms": 1, "rate_limit": None, "assume": {}}


@pytest.mark.parametrize(
    ("filled", "wrong"),
    [
        ({"delay_ms": "60001"}, "delay_ms"),
        ({"delay_ms": ""}, "delay_ms"),
        ({"rate_limit.requests": "5"}, "rate_limit.seconds"),
        ({"rate_limit.requests": "many", "rate_limit.seconds": "60"}, "rate_limit.requests"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_its_field(
    world: Any, mock: VambeMock, filled: dict[str, str], wrong: str
) -> None:
    for name, text in filled.items():
        world.locator(f'#settings [name="{name}"]').fill(text)
    click(world, "Save")
    field = world.locator(f'#settings [name="{wrong}"]')
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field.locator("..").locator(".error")).to_be_visible()
    create(mock)
    expect(world.locator("#now")).to_have_text("2025-11-26T09:00:01.000Z")
    expect(field.locator("..").locator(".error")).to_be_visible()
    assert mock.settings == {"strict": False, "delay_ms": 0, "rate_limit": None, "assume": {}}


def test_a_guess_is_replaced_at_once_and_put_back(world: Any, mock: VambeMock) -> None:
    guess = world.get_by_label("create-status")
    for value, expected in (("200", {"create-status": "200"}), ("201", {})):
        guess.select_option(value)
        expect(world.locator("#notes")).to_contain_text(f"create-status is {value}")
        expect(guess).to_have_value(value)
        assert mock.settings["assume"] == expected
        assert create(mock).status_code == int(value)


def test_a_changed_guess_is_marked_and_has_a_way_back(world: Any, mock: VambeMock) -> None:
    guess, row = world.get_by_label("all-day"), world.locator(".switches li", has=world.locator("#assume-all-day"))
    guess.select_option("utc-midnight")
    expect(row.get_by_text("changed", exact=True)).to_be_visible()
    expect(world.locator(".tally")).to_contain_text("1 changed here")
    row.get_by_role("button", name="Back to zone-midnight").click()
    expect(guess).to_have_value("zone-midnight")
    expect(guess).to_be_focused()
    expect(row.get_by_text("changed", exact=True)).to_have_count(0)
    assert mock.settings["assume"] == {}


def test_the_rule_of_the_contract_is_beside_its_guess(world: Any) -> None:
    rule = world.get_by_text("Section 4, PUT /api/public/tasks/{id}: update")
    expect(rule).to_be_hidden()
    world.locator("#rule-status-position summary").press("Enter")
    expect(rule).to_be_visible()


@pytest.mark.parametrize(
    ("kind", "numbers", "delay"),
    [
        ("uniform", ["1", "2"], {"uniform": [1, 2]}),
        ("lognormal", ["2", "0.1"], {"lognormal": {"median": 2, "sigma": 0.1}}),
    ],
)
def test_a_delay_may_be_drawn(world: Any, mock: VambeMock, kind: str, numbers: list[str], delay: Any) -> None:
    world.get_by_label("Distribution").select_option(kind)
    for field, number in zip(world.locator("#settings .delay input:visible").all(), numbers, strict=True):
        field.fill(number)
    click(world, "Save")
    expect(world.locator("#notes")).to_contain_text("The settings are saved")
    assert mock.settings["delay_ms"] == delay
    world.get_by_label("Distribution").select_option("fixed")
    expect(world.locator("#settings .delay input:visible")).to_have_count(1)


def test_what_one_types_stays_while_requests_come_in(world: Any, mock: VambeMock) -> None:
    world.get_by_label("Delay of every request").fill("77")
    create(mock)
    expect(world.locator("#now")).to_have_text("2025-11-26T09:00:01.000Z")
    expect(world.get_by_label("Delay of every request")).to_have_value("77")


def test_what_somebody_else_changes_shows_at_once(world: Any, mock: VambeMock) -> None:
    with httpx.Client(base_url=f"{mock.base_url}/__admin", headers=mock.headers, trust_env=False) as elsewhere:
        elsewhere.put("/clock", json={"mode": "frozen", "now": "2031-02-03T04:05:06.000Z"})
        expect(world.locator("#now")).to_have_text("2031-02-03T04:05:06.000Z")
        elsewhere.post("/snapshots", json={"name": "elsewhere"})
        expect(world.locator("#snapshots")).to_contain_text("elsewhere")
        elsewhere.patch("/settings", json={"delay_ms": 7})
        expect(world.get_by_label("Delay")).to_have_value("7")


def test_reset_asks_and_resets(world: Any, mock: VambeMock) -> None:
    before = mock.state
    sent: list[str] = []
    world.on("request", lambda request: sent.append(request.url) if "/__admin/reset" in request.url else None)
    create(mock)
    click(world, "Reset …")
    expect(world.locator("#confirmation")).to_contain_text("tasks, journal, faults, clock, ids, settings")
    answer(world, "Cancel")
    click(world, "Reset …")
    assert sent == []
    answer(world, "Reset")
    expect(world.locator("#now")).to_have_text(START)
    expect(world.locator("#notes")).to_contain_text("is reset")
    assert (mock.state, mock.requests(), len(sent)) == (before, [], 1)


def test_reset_to_empty_and_of_some_parts(world: Any, mock: VambeMock) -> None:
    create(mock)
    world.get_by_label("empty: no tasks").check()
    for part in ("journal", "faults", "clock", "ids", "settings"):
        world.get_by_label(part, exact=True).uncheck()
    click(world, "Reset …")
    answer(world, "Reset")
    expect(world.locator("#contacts details")).to_have_count(0)
    assert (mock.tasks, len(mock.contacts), len(mock.requests())) == ([], 7, 1)


def test_reset_of_no_part_is_not_asked(world: Any) -> None:
    for box in world.locator("#reset [name=only]").all():
        box.uncheck()
    click(world, "Reset …")
    expect(world.locator("#notes .bad")).to_have_text("Choose the parts to reset")
    expect(world.locator("#confirmation")).to_be_hidden()


def test_the_export_is_downloaded(world: Any, mock: VambeMock) -> None:
    with world.expect_download() as started:
        world.get_by_role("link", name="Export as fixtures").click()
    assert started.value.suggested_filename == f"{mock.name}.zip"
    content = Path(started.value.path()).read_bytes()
    assert "tasks.json" in zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_an_id_is_copied(world: Any, mock: VambeMock) -> None:
    user = mock.users[0]
    click(world, "Copy the id of Maria Rodriguez")
    expect(world.locator("#notes")).to_contain_text("Copied")
    assert world.evaluate("navigator.clipboard.readText()") == user["id"]


def test_deleting_the_sandbox_asks_and_goes_to_the_default(world: Any, mock: VambeMock) -> None:
    click(world, f"Delete {mock.name} …")
    answer(world, "Delete")
    expect(world).to_have_url(re.compile(r"/console/world\?sandbox=default$"))
    sandboxes = httpx.get(f"{mock.base_url}/__admin/sandboxes", trust_env=False).json()["sandboxes"]
    assert mock.name not in [each["name"] for each in sandboxes]
    expect(world.get_by_text("The sandbox default stays")).to_be_visible()


@pytest.mark.parametrize("name", ["another-one", ""])
def test_a_new_sandbox_is_named_in_the_query_and_shown(world: Any, name: str) -> None:
    world.locator("#sandbox-menu summary").click()
    world.get_by_label("New sandbox").fill(name)
    with world.expect_request("**/__admin/sandboxes*") as sent:
        click(world, "Create")
    expect(world.locator("#sandbox-menu strong")).to_have_text(name or re.compile("^s-"))
    assert sent.value.url.partition("/sandboxes")[2] == (f"?sandbox={name}" if name else "")


def test_a_sandbox_that_is_not_there_yet_is_created_from_its_page(page: Any, mock: VambeMock) -> None:
    page.goto(f"{mock.base_url}{WORLD}?sandbox=not-yet")
    click(page, "Create not-yet")
    expect(page.get_by_role("button", name="Freeze")).to_be_visible()


def test_hostile_names_are_text(page: Any, visit: Any, mock: VambeMock) -> None:
    evil = '<img src=x onerror="window.broken = true"><script>window.broken = true</script>\''
    state = mock.state
    state["tasks"], state["notes"] = [], []
    for people in (state["contacts"], state["customers"]):
        people[0]["name"] = people[0]["email"] = evil
    state["users"][0]["first_name"] = state["statuses"][0]["name"] = state["statuses"][0]["color"] = evil
    mock.state = state
    visit(WORLD)
    expect(page.locator("#customers strong").first).to_have_text(evil)
    create(mock, evil, aiContactId=state["contacts"][0]["id"])
    expect(page.locator("#contacts details li")).to_contain_text(evil)
    expect(page.locator("main img, main script")).to_have_count(0)
    assert not page.evaluate("window.broken")
