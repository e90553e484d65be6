"""The console's page of the world, without a browser, and the state as a folder of fixtures."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import CARLOS, CONTACT, MARIA, OTHER_CONTACT, PENDING, Api, assert_error, running

from mockserver import fixtures
from mockserver.console import world
from mockserver.fidelity import assumptions, evidence

FILES = ["users.json", "statuses.json", "contacts.json", "customers.json", "tasks.json", "notes.json"]
HOSTILE = [
    "<script>alert(1)</script>",
    "</textarea><img src=x onerror=alert(1)>",
    "\"quoted\" 'single' & {{ 7 * 7 }}",
    " blanks \t\r\n and lines  ",
    "emoji 👩‍👩‍👧 and \u202eright to left\u202c",
    "separators \u2028 \u2029 \x7f \x01",
    "[1, {]} \\ \\u0041",
]


def name_of(api: Api) -> str:
    return api.key.removeprefix("test_")


def shown(api: Api, sandbox: str | None = None) -> str:
    answer = api.client.get("/__admin/console/world", params={"sandbox": sandbox or name_of(api)})
    assert answer.status_code == 200, answer.text
    return answer.text


def export(api: Api) -> bytes:
    answer = api.client.get("/__admin/console/export.zip", params={"sandbox": name_of(api)})
    assert answer.status_code == 200, answer.text
    return answer.content


def unzipped(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def assert_same_state_from(folder: Path, state: dict[str, Any]) -> None:
    """A server that starts with the folder holds the state, to the byte."""
    with running(fixtures=str(folder)) as url:
        again = Api(url, "test_default")
        with again.client:
            assert json.dumps(again.state()) == json.dumps(state)


def test_an_export_holds_a_folder_of_fixtures_without_keys(api: Api) -> None:
    api.created()
    with zipfile.ZipFile(io.BytesIO(export(api))) as archive:
        assert archive.namelist() == FILES


def test_an_export_is_a_file_under_the_name_of_the_sandbox(api: Api) -> None:
    api.created()
    answer = api.client.get("/__admin/console/export.zip", params={"sandbox": name_of(api)})
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name_of(api)}.zip"'


def test_there_is_no_export_of_a_sandbox_that_is_not_there(api: Api) -> None:
    assert_error(api.client.get("/__admin/console/export.zip", params={"sandbox": "nowhere"}), 404)
    assert_error(api.client.get("/__admin/console/export.zip", params={"sandbox": "no/name"}), 400)


def test_the_demo_world_comes_back_from_its_export(tmp_path: Path) -> None:
    with running(fixtures="demo") as url:
        demo = Api(url, "test_default")
        with demo.client:
            state = demo.state()
            folder = unzipped(export(demo), tmp_path / "demo")
    assert len(state["tasks"]) > 30
    assert_same_state_from(folder, state)


def test_what_requests_have_made_comes_back_from_an_export(api: Api, tmp_path: Path) -> None:
    gone = api.created(aiContactId=CONTACT)
    kept = api.created(aiContactId=CONTACT, dueDate="2025-03-30", dueTime="02:30", timezone="Europe/Berlin")
    api.created(dueDate="2025-11-26T10:00:00.123456+05:45", description=None, responsibleIds=[CARLOS, MARIA])
    api.updated(kept["id"], aiContactId=OTHER_CONTACT, dueDate=None)
    api.updated(api.created(dueDate="2025-11-26", timezone="America/Santiago")["id"], dueTime="23:59")
    api.delete(gone["id"])
    assert_same_state_from(unzipped(export(api), tmp_path / "mine"), api.state())


def test_hostile_texts_come_back_from_an_export(api: Api, tmp_path: Path) -> None:
    for text in HOSTILE:
        api.created(title=text, description=text)
    state = api.state()
    for people in (state["contacts"], state["customers"]):
        people[0]["name"], people[1]["name"] = HOSTILE[0], HOSTILE[3]
    state["users"][0]["first_name"] = state["statuses"][0]["name"] = state["statuses"][0]["color"] = HOSTILE[2]
    for task in state["tasks"]:
        del task["status_config"]
    assert api.client.put("/__admin/state", json=state).status_code == 200
    assert_same_state_from(unzipped(export(api), tmp_path / "hostile"), api.state())


def test_an_empty_world_comes_back_from_an_export_without_what_the_default_has(api: Api, tmp_path: Path) -> None:
    state = {**api_state_of_default(), "contacts": [], "customers": [], "tasks": [], "notes": []}
    assert api.client.put("/__admin/state", json=state).status_code == 200
    assert_same_state_from(unzipped(export(api), tmp_path / "empty"), api.state())


def api_state_of_default() -> dict[str, Any]:
    return dict(fixtures.load(fixtures.DEFAULT).document)


def test_a_world_without_those_whom_the_keys_act_as_comes_back_from_an_export(api: Api, tmp_path: Path) -> None:
    """The shipped keys name them: with those, the folder would not load."""
    state = api_state_of_default()
    state["users"] = [{**state["users"][0], "id": OTHER_CONTACT}, {**state["users"][1]}]
    assert api.client.put("/__admin/state", json=state).status_code == 200
    folder = unzipped(export(api), tmp_path / "others")
    assert [key["user_id"] for key in fixtures.load(str(folder)).api_keys] == [CARLOS]
    assert_same_state_from(folder, api.state())


def test_the_same_state_is_the_same_file(api: Api, other_api: Api) -> None:
    for each in (api, other_api):
        each.created(title="Ñandú")
    assert export(api) == export(other_api)
    assert [file.date_time for file in zipfile.ZipFile(io.BytesIO(export(api))).filelist] == [(1980, 1, 1, 0, 0, 0)] * 6


def test_what_follows_from_other_values_is_left_out_of_an_export(api: Api, tmp_path: Path) -> None:
    api.created(dueDate="2025-11-26")
    (task,) = json.loads((unzipped(export(api), tmp_path) / "tasks.json").read_text(encoding="utf-8"))
    assert not {"due_at", "due_timezone", "is_all_day", "status_config"} & set(task)


def test_notes_are_with_their_contact_newest_first_by_the_title_of_their_task(api: Api) -> None:
    for title, contact in (("one", CONTACT), ("two", CONTACT), ("other", OTHER_CONTACT)):
        api.created(title=title, aiContactId=contact)
    notes = world.notes_by_contact(api.state())
    assert [note["title"] for note in notes[CONTACT]] == ["two", "one"]
    assert [note["title"] for note in notes[OTHER_CONTACT]] == ["other"]
    assert "2 notes" in shown(api)


def test_the_page_shows_people_with_ids_to_copy(api: Api) -> None:
    api.created()
    text, state = html.unescape(shown(api)), api.state()
    for people in ("users", "statuses", "contacts", "customers"):
        for each in state[people]:
            assert f'data-copy-text="{each["id"]}"' in text
    assert (text.count(">active<"), text.count(">inactive<")) == (5, 1)
    assert f'fill="{PENDING["color"]}"' in text


def test_the_page_shows_statuses_by_their_order(api: Api) -> None:
    state = api_state_of_default()
    state["statuses"] = state["statuses"][::-1]
    api.client.put("/__admin/state", json=state)
    orders = re.findall(r"order (\d+) ·", shown(api))
    assert orders == ["1", "2", "3", "4"]


def test_the_page_shows_each_switch_with_its_values_and_the_one_in_force(api: Api) -> None:
    api.create()
    api.client.patch("/__admin/settings", json={"assume": {"all-day": "utc-midnight"}})
    page = html.unescape(shown(api))
    for each in assumptions.OF_SANDBOXES:
        value = "utc-midnight" if each.name == "all-day" else each.default
        for option in each.values:
            assert (f'<option value="{option}" selected>' in page) >= (option == value)
            assert f'<option value="{option}"' in page
        assert f"{each.values[value]} {each.why}".replace("`", "") in page


def switches(url: str, sandbox: str = "default") -> dict[str, str]:
    """The text of each switch on the page, without the marks of HTML."""
    text = httpx.get(f"{url}/__admin/console/world", params={"sandbox": sandbox}).text
    found = re.findall(r'<label for="assume-([\w-]+)">(.*?)</li>', text, re.DOTALL)
    return {name: " ".join(html.unescape(re.sub("<[^>]*>", " ", rest)).split()) for name, rest in found}


def test_a_switch_is_shown_with_its_evidence_and_what_was_measured(tmp_path: Path) -> None:
    rules = {
        "create-status": {"verdict": "refuted", "value": "200", "probes": []},
        "all-day": {"verdict": "confirmed", "probes": []},
        "list-priority": {"verdict": "refuted", "value": "word", "probes": []},
        "comma-list": {"verdict": "not reached", "probes": []},
        "empty-body": {"verdict": "refuted", "probes": []},
    }
    measured = {"version": 2, "measured_at": "2026-11-30T10:00:00Z", "host": "api.vambe.me", "rules": rules}
    file = tmp_path / "measured.json"
    file.write_text(json.dumps(measured), encoding="utf-8")
    assumed = (("status-position", "index-0"), ("list-priority", "number"))
    with running(evidence=evidence.read(file), assume=assumed) as url:
        httpx.patch(f"{url}/__admin/settings", json={"assume": {"all-day": "utc-midnight", "comma-list": "refused"}})
        found = switches(url)
        page = httpx.get(f"{url}/__admin/console/world").text
    assert len(found) == len(assumptions.OF_SANDBOXES)
    day, origin = "measured 2026-11-30", "(measured 2026-11-30 on api.vambe.me)"
    for name, parts in {
        "create-status": [day, "201 (default) 200 (server, measured)"],
        "all-day": ["refuted", "(default, measured)", "changed", f"zone-midnight {origin}", "Back to zone-midnight"],
        "list-priority": ["refuted", "word (measured)", f"The vendor does otherwise: word {origin}"],
        "empty-body": ["refuted", f"The vendor does otherwise {origin}"],
        "comma-list": ["ours", "changed", "Back to accepted", "Section 3, GET /api/public/tasks: list by filters"],
        "status-position": ["ours", "order (default) index-0 (server)"],
        "wrong-method": ["framework", "404 (default) 405", "Contract 1"],
    }.items():
        assert [part for part in parts if part not in found[name]] == [], found[name]
    assert [name for name, text in found.items() if "changed" in text] == ["comma-list", "all-day"]
    assert "2 changed here" in page
    assert f"4 {origin[1:-1]}" in page


def test_the_page_shows_clock_snapshots_and_settings(api: Api) -> None:
    api.client.put("/__admin/clock", json={"mode": "frozen", "now": "2026-03-01T08:00:00.000Z"})
    api.client.post("/__admin/snapshots", json={"name": "onboarded"})
    limit = {"requests": 7, "seconds": 90}
    api.client.patch("/__admin/settings", json={"strict": True, "delay_ms": 250, "rate_limit": limit})
    text = shown(api)
    assert '<time id="now" datetime="2026-03-01T08:00:00.000Z">2026-03-01T08:00:00.000Z</time>' in text
    assert re.findall(r'data-mode="(\w+)" aria-pressed="true"', text) == ["frozen"]
    assert 'data-restore="onboarded"' in text
    assert re.search(r'name="strict" checked', text)
    assert re.findall(r'name="(?:delay_ms|rate_limit\.\w+)"[^>]* value="(\d*)"', text) == ["250", "7", "90"]


def test_the_page_shows_the_numbers_of_a_delay_that_is_drawn(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"delay_ms": {"lognormal": {"median": 120, "sigma": 0.4}}})
    text = shown(api)
    assert "<option selected>lognormal</option>" in text
    assert re.findall(r'name="delay_ms[^"]*"[^>]* value="([^"]*)"', text) == ["120", "0.4"]


def test_the_page_shows_no_numbers_of_a_rate_limit_that_there_is_not(api: Api) -> None:
    api.created()
    assert re.findall(r'name="(?:delay_ms|rate_limit\.\w+)"[^>]* value="(\d*)"', shown(api)) == ["0", "", ""]


def test_only_the_default_sandbox_cannot_be_deleted_on_the_page(api: Api) -> None:
    api.created()
    assert 'id="delete-sandbox"' in shown(api)
    assert 'id="delete-sandbox"' not in shown(api, "default")


@pytest.mark.parametrize("evil", HOSTILE[:3])
def test_names_are_text(api: Api, evil: str) -> None:
    state = api_state_of_default()
    for people in (state["contacts"], state["customers"]):
        people[0]["name"] = people[0]["email"] = evil
    state["users"][0]["first_name"] = state["statuses"][0]["name"] = state["statuses"][0]["color"] = evil
    api.client.put("/__admin/state", json=state)
    api.created(title=evil, aiContactId=CONTACT)
    assert evil not in shown(api)
    assert html.unescape(shown(api)).count(evil) >= 8
