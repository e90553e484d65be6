"""The console's board, without a browser: what it says of chosen worlds."""

from __future__ import annotations

import json
import subprocess
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from support import CARLOS, CONTACT, CUSTOMER, DONE, INACTIVE_USER, MARIA, PENDING, UNKNOWN_ID, Api

from mockserver.console import board
from mockserver.formats import zones

NOW = "2025-11-26T09:00:00.000Z"
HOSTILE = [
    "<script>alert(1)</script>",
    "' onfocus=alert(1) autofocus x='",
    "</li></ol><img src=x onerror=alert(1)>",
    "\"quoted\" 'single' & {{ 7 * 7 }} {% raw %}",
    "اتصل بالعميل \u202eغدا\u202c",
    "x" * board.MAX_TEXT,
]


class Board(HTMLParser):
    """A page of the board: its elements, the texts of its columns' heads, and its cards."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.columns: list[dict[str, Any]] = []
        self.cards: list[dict[str, Any]] = []
        self.times: list[str] = []
        self.dots: list[str] = []
        self.hidden: set[str | None] = set()
        self._into: dict[str, Any] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        if tag == "section" and values.get("class") == "column":
            self._into = {"status": values["data-status"], "text": ""}
            self.columns.append(self._into)
        if tag == "li" and "data-task" in values:
            task = json.loads(values["data-task"] or "")
            status = self.columns[-1]["status"] if self.columns else None
            self._into = {"status": status, "task": task, "mark": values.get("data-mark"), "text": ""}
            self.cards.append(self._into)
        if "hidden" in values:
            self.hidden.add(values.get("id"))
        if tag == "time":
            self.times.append(values["datetime"] or "")
        if tag == "circle":
            self.dots.append(values["fill"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("li", "section"):
            self._into = {}

    def handle_data(self, data: str) -> None:
        if self._into:
            self._into["text"] += data

    def titles(self, status: str) -> list[str]:
        return [card["task"]["title"] for card in self.cards if card["status"] == status]


def page_of(api: Api) -> str:
    answer = api.client.get("/__admin/", params={"sandbox": api.key.removeprefix("test_")})
    assert answer.status_code == 200, answer.text
    return answer.text


def shown(api: Api) -> Board:
    return Board(page_of(api))


def words(text: str) -> str:
    return " ".join(text.split())


def text_of_only_card(api: Api) -> str:
    (card,) = shown(api).cards
    return words(card["text"])


def task(**values: Any) -> dict[str, Any]:
    """A task as a state document has it, and its position."""
    return {
        "id": UNKNOWN_ID,
        "position": 1,
        "title": "Call",
        "description": "",
        "due_date": None,
        "due_time": None,
        "timezone": None,
        "due_at": None,
        "due_timezone": None,
        "is_all_day": True,
        "ai_contact_id": None,
        "ai_customer_id": None,
        "priority": 1,
        "status_config": PENDING,
        "task_responsibles": [{"responsible_id": MARIA}],
        **values,
    }


def world(*tasks: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    users = [{"id": MARIA, "first_name": "Maria", "last_name": "", "active": True}]
    return {"users": users, "statuses": [DONE, PENDING], "contacts": [], "customers": [], "tasks": list(tasks)}


def test_a_column_is_there_for_each_status_in_their_order_with_its_colour_and_its_count(api: Api) -> None:
    api.created()
    api.created()
    api.updated(api.created()["id"], newStatusName="Cerrada")
    page = shown(api)
    heads = [words(column["text"]) for column in page.columns]
    assert heads == [
        "Pendiente 2 tasks",
        "En Progreso 0 tasks No tasks",
        "Completada 0 tasks No tasks",
        "Cerrada 1 task",
    ]
    assert page.dots == [status["color"] for status in api.state()["statuses"]]
    assert len(page.titles("Cerrada")) == 1


def test_statuses_are_in_the_order_of_their_numbers_whatever_that_of_the_document() -> None:
    columns = board.present(world(task()), NOW)["columns"]
    assert [(column["status"]["name"], len(column["cards"])) for column in columns] == [
        ("Pendiente", 1),
        ("Completada", 0),
    ]


def test_cards_are_in_the_order_of_their_due_dates_and_those_without_one_come_last(api: Api) -> None:
    days = {"first undated": None, "later": "2025-12-02", "second undated": None, "sooner": "2025-12-01"}
    for title, day in days.items():
        api.created(title=title, dueDate=day)
    api.created(title="as soon, but created later", dueDate="2025-12-01")
    expected = ["sooner", "as soon, but created later", "later", "first undated", "second undated"]
    assert shown(api).titles("Pendiente") == expected


@pytest.mark.parametrize(("priority", "word"), [("0", "Low"), ("1", "Medium"), ("2", "High")])
def test_a_card_says_its_priority_in_a_word(api: Api, priority: str, word: str) -> None:
    api.created(priority=priority)
    assert f"Priority {word}" in text_of_only_card(api)
    assert f'class="level {word.lower()}"' in page_of(api)


def test_a_card_says_when_its_task_is_due_in_its_own_zone_and_in_utc(api: Api) -> None:
    api.created(dueDate="2025-11-26", dueTime="22:30", timezone="America/Santiago")
    text = text_of_only_card(api)
    assert "Due 2025-11-26 22:30 America/Santiago (2025-11-27 01:30 UTC)." in text
    assert "all day" not in text
    assert "2025-11-27T01:30:00.000Z" in shown(api).times


@pytest.mark.parametrize(
    ("fields", "brief"),
    [
        ({"dueDate": "2025-11-08", "dueTime": "09:30", "timezone": "America/Santiago"}, "8 Nov 09:30 Maria"),
        ({"dueDate": "2025-11-08", "timezone": "America/Santiago"}, "8 Nov Maria"),
        ({"dueDate": "2024-11-08", "dueTime": "09:30"}, "8 Nov 2024 09:30 Maria"),
        ({"responsibleIds": [MARIA, CARLOS]}, "No due date Maria +1"),
    ],
)
def test_a_card_is_brief_in_one_line(api: Api, fields: dict[str, Any], brief: str) -> None:
    api.created(**fields)
    assert f"{brief} Priority Medium." in text_of_only_card(api)


@pytest.mark.parametrize(
    ("due", "zone", "utc"),
    [
        ("2025-11-08T22:30", "America/Santiago", "9 Nov 01:30 UTC · America/Santiago"),
        ("2025-11-08T08:30", "Asia/Tokyo", "7 Nov 23:30 UTC · Asia/Tokyo"),
        ("2025-11-08T20:59", "America/Santiago", ""),
        ("2025-11-08T09:00", "Asia/Tokyo", ""),
    ],
)
def test_the_zone_and_the_time_in_utc_are_in_sight_only_where_the_day_differs(
    api: Api, due: str, zone: str, utc: str
) -> None:
    api.created(dueDate=due, timezone=zone)
    before_the_buttons = text_of_only_card(api).removesuffix(" Edit Move to …")
    assert before_the_buttons.endswith(f"Responsible Maria Rodriguez. {utc}".strip())


TIMED = {"dueDate": "2025-11-26", "dueTime": "09:30", "timezone": "America/Santiago"}
ALL_DAY = {"dueDate": "2025-11-26", "timezone": "America/Santiago"}


@pytest.mark.parametrize(
    ("fields", "now", "mark"),
    [
        (TIMED, "2025-11-26T02:59:59.999Z", ""),
        (TIMED, "2025-11-26T03:00:00.000Z", "Today"),
        (TIMED, "2025-11-26T12:30:00.000Z", "Today"),
        (TIMED, "2025-11-26T12:30:00.001Z", "Overdue"),
        (ALL_DAY, "2025-11-26T02:59:59.999Z", ""),
        (ALL_DAY, "2025-11-27T02:59:59.999Z", "Today"),
        (ALL_DAY, "2025-11-27T03:00:00.000Z", "Overdue"),
    ],
)
def test_a_card_is_marked_by_the_clock_of_its_sandbox(api: Api, fields: dict[str, str], now: str, mark: str) -> None:
    id = api.created(**fields)["id"]
    assert api.client.put("/__admin/clock", json={"mode": "frozen", "now": now}).status_code == 200
    (card,) = shown(api).cards
    assert card["mark"] == mark
    assert words(card["text"]).startswith(f"Call the client {mark}".strip())
    for status in ("Completada", "Cerrada"):
        api.updated(id, newStatusName=status)
        assert shown(api).cards[0]["mark"] == ""


def test_the_cards_of_chosen_tasks_are_those_of_the_page(api: Api) -> None:
    ids = [api.created(title=title)["id"] for title in ("First", "Second", "Deleted")]
    api.delete(ids[2])
    query = [("sandbox", api.key.removeprefix("test_")), *(("id", id) for id in [*ids[1:], "nonsense"])]
    answer = api.client.get("/__admin/console/cards", params=query)
    (card,) = Board(answer.text).cards
    assert words(card["text"]) == words(shown(api).cards[1]["text"])
    assert card["task"] == shown(api).cards[1]["task"]


def test_a_task_of_all_day_says_so(api: Api) -> None:
    api.created(dueDate="2025-11-26", timezone="Asia/Tokyo")
    assert "Due 2025-11-26 Asia/Tokyo, all day (2025-11-25 15:00 UTC)." in text_of_only_card(api)


def test_a_zone_that_was_left_out_is_utc_and_not_said_twice(api: Api) -> None:
    api.created(dueDate="2025-11-26", dueTime="00:00")
    text = text_of_only_card(api)
    assert "Due 2025-11-26 00:00 UTC. Responsible" in text


def test_a_task_of_all_day_that_was_given_an_instant_shows_its_time_too(api: Api) -> None:
    api.created(dueDate="2025-11-26T15:45:10.500Z", timezone="Asia/Kathmandu")
    assert "Due 2025-11-26 21:30 Asia/Kathmandu, all day (2025-11-26 15:45 UTC)." in text_of_only_card(api)


def test_a_task_without_a_due_date_says_so(api: Api) -> None:
    api.created()
    assert "No due date" in text_of_only_card(api)


@pytest.mark.parametrize(
    ("due_date", "zone", "day"),
    [
        ("0001-01-01T00:00:00Z", "America/Santiago", "0001-01-01"),
        ("9999-12-31T23:59:00Z", "Asia/Tokyo", "9999-12-31"),
    ],
)
def test_the_ends_of_the_calendar_are_shown_in_utc(api: Api, due_date: str, zone: str, day: str) -> None:
    api.created(dueDate=due_date, timezone=zone)
    assert f"Due {day}" in text_of_only_card(api)
    assert zone not in text_of_only_card(api)


def test_a_card_names_everybody_who_is_responsible_and_the_contact_and_the_customer(api: Api) -> None:
    api.created(responsibleIds=[CARLOS, MARIA], aiContactId=CONTACT, aiCustomerId=CUSTOMER)
    text = text_of_only_card(api)
    assert "Responsible Carlos Silva, Maria Rodriguez" in text
    assert "Contact Camila Fernández Soto" in text
    assert "Customer Viña Quebrada del Ñirre SpA" in text


def test_a_card_without_contact_and_customer_does_not_speak_of_them(api: Api) -> None:
    api.created()
    assert "Contact" not in text_of_only_card(api)
    assert "Customer" not in text_of_only_card(api)


def test_somebody_who_is_responsible_and_inactive_is_named_and_said_to_be_inactive(api: Api) -> None:
    api.created()
    document = api.state()
    document["tasks"][0]["task_responsibles"] = [{"responsible_id": INACTIVE_USER}]
    assert api.client.put("/__admin/state", json=document).status_code == 200
    assert "Responsible Tomás Fuentealba (inactive)" in text_of_only_card(api)


def test_what_a_task_refers_to_and_nobody_knows_is_called_by_its_id() -> None:
    unknown = [{"responsible_id": CARLOS}, {"responsible_id": MARIA}]
    links = {"ai_contact_id": CONTACT, "ai_customer_id": CUSTOMER}
    columns = board.present(world(task(task_responsibles=unknown, **links)), NOW)["columns"]
    (card,) = columns[0]["cards"]
    assert [(user["name"], user["remark"]) for user in card["responsibles"]] == [(CARLOS, "unknown"), ("Maria", "")]
    assert (card["contact"], card["customer"]) == (CONTACT, CUSTOMER)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_task_says_is_text_and_nothing_else(api: Api, text: str) -> None:
    api.created(title="plain", description="plain")
    harmless = shown(api)
    api.updated(harmless.cards[0]["task"]["id"], title=text, description=text)
    page = shown(api)
    assert page.tags == harmless.tags
    assert page.cards[0]["text"].count(text) == 2
    assert page.cards[0]["task"]["title"] == text
    assert page.cards[0]["task"]["description"] == text


def test_a_card_shows_the_beginning_of_a_long_text_and_its_form_has_all(api: Api) -> None:
    title, description = "T" * 30_000, "D" * 30_000
    api.created(title=title, description=description)
    (card,) = shown(api).cards
    assert words(card["text"]).startswith(f"{'T' * 500}… {'D' * 500}… ")
    assert (card["task"]["title"], card["task"]["description"]) == (title, description)


def test_a_title_of_spaces_is_not_an_empty_heading(api: Api) -> None:
    api.created(title=" ")
    assert text_of_only_card(api).startswith("(only spaces)")


def test_names_and_colours_of_a_world_are_text_too(api: Api) -> None:
    api.created(aiContactId=CONTACT)
    document = api.state()
    for status in document["statuses"]:
        status["name"], status["color"] = f"{status['name']}'\"<b>", "red'\"><script>alert(1)</script>"
    for task in document["tasks"]:
        del task["status_config"]
    document["users"][0]["first_name"] = document["contacts"][0]["name"] = "<i>Maria</i>"
    before = shown(api).tags
    assert api.client.put("/__admin/state", json=document).status_code == 200
    page = shown(api)
    assert page.tags == before
    assert page.dots[0] == "red'\"><script>alert(1)</script>"
    assert page.cards[0]["status"] == "Pendiente'\"<b>"
    assert "Responsible <i>Maria</i>" in words(page.cards[0]["text"])


def test_a_card_carries_what_the_form_needs_as_requests_name_it(api: Api) -> None:
    sent = {
        "title": "Call",
        "description": "Now",
        "dueDate": "2025-11-26T10:00",
        "dueTime": "14:30",
        "timezone": "Asia/Tokyo",
        "responsibleIds": [CARLOS, MARIA],
        "aiContactId": CONTACT,
        "aiCustomerId": CUSTOMER,
        "priority": "2",
    }
    made = api.created(**sent)
    (card,) = shown(api).cards
    named = {"newStatusName": "Pendiente", "contact": "Camila Fernández Soto"}
    assert card["task"] == {"id": made["id"], **named, **sent}


def test_fields_without_a_value_are_empty_in_the_form(api: Api) -> None:
    api.created()
    (card,) = shown(api).cards
    empty = ("description", "dueDate", "dueTime", "timezone", "aiContactId", "aiCustomerId")
    assert [card["task"][name] for name in empty] == [""] * len(empty)


def test_the_form_offers_everybody_every_status_and_every_zone(api: Api) -> None:
    api.created()
    page = page_of(api)
    for id in (MARIA, CARLOS, INACTIVE_USER, CUSTOMER):
        assert f'value="{id}"' in page
    assert '<option value="Completada">' in page
    assert all(f'<option value="{zone}">' in page for zone in zones.names())


def test_a_board_without_tasks_has_its_columns_and_a_line_that_makes_the_first_task(api: Api) -> None:
    api.create(title="")
    page = page_of(api)
    assert "No tasks yet" in page
    assert "nothing" not in shown(api).hidden
    assert len(shown(api).columns) == 4
    line = unescape(page.partition('<pre id="create-command">')[2].partition("</pre>")[0])
    subprocess.run(["sh", "-c", line], check=True, capture_output=True, timeout=10)
    assert shown(api).titles("Pendiente") == ["Call the client"]
    assert "nothing" in shown(api).hidden


def test_the_line_names_somebody_who_may_be_responsible() -> None:
    document = world()
    document["users"].insert(0, {"id": INACTIVE_USER, "first_name": "Tomás", "last_name": "F", "active": False})
    assert board.present(document, NOW)["someone"] == MARIA


def test_the_board_says_how_many_tasks_there_are(api: Api) -> None:
    api.created()
    assert '<span id="tally">1 task</span>' in page_of(api)
    deleted = api.created()
    assert '<span id="tally">2 tasks</span>' in page_of(api)
    api.delete(deleted["id"])
    assert '<span id="tally">1 task</span>' in page_of(api)
