"""The journal's pages as the server makes them: rows, filters, one request, and what is not there."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import httpx
import pytest
from support import CONTACT, MARIA, UNKNOWN_ID, Api, running

from mockserver.console import requests

PAGE = "/__admin/console/requests"
TASKS = "/api/public/tasks"
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


def shown(api: Api, path: str = "", **query: str) -> str:
    """The text of a page of the journal."""
    response = api.client.get(f"{PAGE}{path}", params={"sandbox": api.key.removeprefix("test_"), **query})
    assert response.status_code == 200, response.text
    return response.text


def ids(page: str) -> list[int]:
    """The ids of a page's rows, from above."""
    return [int(id) for id in re.findall(r'id="request-(\d+)"', page)]


def text_of(page: str) -> str:
    """The text of a page, with single blanks."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def line(page: str, id: int) -> str:
    """The text of a row."""
    found = re.search(rf'<li[^>]*id="request-{id}".*?</li>', page, re.DOTALL)
    assert found
    return text_of(found[0])


# The list.


def test_a_row_tells_what_came_and_what_was_answered(api: Api) -> None:
    api.created(aiContactId=CONTACT)
    api.create(colour="red", title=None)
    api.list(responsibleIds=[MARIA, UNKNOWN_ID])
    page = shown(api)
    assert ids(page) == [1, 2, 3]
    assert re.fullmatch(r"#1 09:00:00 201 POST /api/public/tasks createTask [\d.]+ ms", line(page, 1))
    assert re.fullmatch(r"#2 09:00:01 400 POST .* createTask [\d.]+ ms unread 1 advice 1", line(page, 2))
    assert f"?responsibleIds={MARIA}&responsibleIds={UNKNOWN_ID}&fromDate=0001-01-01" in line(page, 3)
    assert f'href="{PAGE}/3?sandbox={api.key.removeprefix("test_")}"' in page


def test_a_fault_and_an_answer_that_never_arrived_are_marked(api: Api) -> None:
    api.client.post("/__admin/faults", json={"connection": "reset"})
    with pytest.raises(httpx.ReadError):
        api.create()
    api.client.get("/elsewhere")
    page = shown(api)
    assert re.fullmatch(r"#1 09:00:00 no answer POST /api/public/tasks createTask [\d.]+ ms fault 1", line(page, 1))
    assert "404 GET /elsewhere no operation" in line(page, 2)


def test_what_came_is_text_in_every_page(api: Api) -> None:
    api.create(title=HOSTILE, **{HOSTILE: HOSTILE})
    api.client.get(f"/api/public/{HOSTILE}", params={HOSTILE: HOSTILE}, headers={"x-request-id": HOSTILE})
    api.client.post(TASKS, content=HOSTILE, headers={"content-type": HOSTILE})
    for path in ("", "/rows", "/1", "/2", "/3"):
        page = shown(api, path) + shown(api, path, operation=HOSTILE, text=HOSTILE, status=HOSTILE)
        assert "<script>alert" not in page
        assert "49" not in re.findall(r"\{\{7\*7\}\}|\b49\b", page)
        assert "style=" not in page
    assert HOSTILE in html.unescape(shown(api, "/1"))


def test_a_long_path_is_shortened_in_its_row(api: Api) -> None:
    api.client.get("/" + "x" * 1000)
    assert line(shown(api), 1).count("x") == requests.MAX_TARGET - 1


def test_an_empty_journal_says_what_to_do_next(api: Api) -> None:
    api.client.post("/__admin/reset")
    page = text_of(shown(api))
    assert f"curl {api.url}/api/public/team-members/all -H 'x-api-key: {api.key}'" in page


def test_it_says_how_many_entries_were_dropped_and_kept() -> None:
    with running(journal_limit=3) as url:
        api = Api(url, "test_ring")
        with api.client:
            for _ in range(5):
                api.list()
            page = shown(api)
            assert ids(page) == [3, 4, 5]
            assert "shown 3 dropped 2 kept at most 3" in text_of(page)


def test_a_page_shows_the_newest_and_how_many_there_are(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "SHOWN", 2)
    for _ in range(3):
        api.list()
    page = shown(api)
    assert ids(page) == [2, 3]
    assert "shown 2 of 3" in text_of(page)


def test_the_journal_of_a_sandbox_that_does_not_exist_is_a_404(api: Api) -> None:
    for path in ("", "/rows", "/1"):
        assert api.client.get(f"{PAGE}{path}?sandbox=nobody").status_code == 404


# The filter.


@pytest.fixture
def mixed(api: Api) -> Api:
    """A sandbox with six requests, one of each kind of answer."""
    api.created(title="Call Ñandú")
    api.create(title="", colour="red")
    api.list()
    api.delete(UNKNOWN_ID)
    api.client.get("/api/public/elsewhere?Page=2")
    api.client.post("/__admin/faults", json={"connection": "empty"})
    with pytest.raises(httpx.RemoteProtocolError):
        api.list(responsibleIds=MARIA)
    return api


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"operation": "createTask"}, [1, 2]),
        ({"operation": "none"}, [5]),
        ({"operation": "createtask"}, []),
        ({"status": "404"}, [4, 5]),
        ({"status": "4xx"}, [2, 4, 5]),
        ({"status": "2XX "}, [1, 3]),
        ({"status": "refused"}, [2, 4, 5]),
        ({"status": "no answer"}, [6]),
        ({"status": "5xx"}, []),
        ({"status": "40"}, []),
        ({"text": "ñANDÚ"}, [1, 3]),
        ({"text": "get /API/public/tasks"}, [3, 6]),
        ({"text": "?page=2"}, [5]),
        ({"text": "responsibleIds"}, [1, 2, 3, 6]),
        ({"text": "at least 1 character"}, [2]),
        ({"text": "Pendiente"}, [1, 3]),
        ({"text": "the vendor ignores"}, [2]),
        ({"text": UNKNOWN_ID}, [4]),
        ({"text": "all-day"}, []),
        ({"operation": "createTask", "status": "400", "text": "title"}, [2]),
        ({"operation": "createTask", "status": "404"}, []),
    ],
)
def test_rows_are_filtered(mixed: Api, query: dict[str, str], expected: list[int]) -> None:
    assert ids(shown(mixed, **query)) == expected
    assert ids(shown(mixed, "/rows", since="0", **query)) == expected
    assert ids(shown(mixed, "/rows", since="3", **query)) == [id for id in expected if id > 3]


def test_the_filter_is_shown_as_it_was_asked_for(mixed: Api) -> None:
    page = shown(mixed, operation="deleteTask", status="4xx", text='a"b')
    assert "<option selected>deleteTask</option>" in page
    assert re.search(r'id="status"[^>]* value="4xx"', page)
    assert 'value="a&#34;b"' in page
    assert "No request is like this" in page
    assert "<option selected>frob</option>" in shown(mixed, operation="frob")


@pytest.mark.parametrize("status", ["40", "6xx", "xx", "4044", "answered", "4x", "４04"])
def test_a_status_that_cannot_be_is_told_at_its_field(mixed: Api, status: str) -> None:
    page = shown(mixed, status=status)
    assert "A code such as 404, a class such as 4xx, refused, no answer, pending, or abandoned" in text_of(page)
    assert 'aria-invalid="true"' in page
    assert ids(page) == []


# Rows that come later.


def test_rows_after_one_look_as_they_do_in_the_page(mixed: Api) -> None:
    whole, later = shown(mixed), shown(mixed, "/rows", since="4")
    assert ids(later) == [5, 6]
    for id in (5, 6):
        row = re.search(rf'<li[^>]*id="request-{id}".*?</li>', whole, re.DOTALL)
        assert row and row[0] in later
    assert 'data-newest="6"' in later
    assert "<header" not in later


def test_rows_that_the_filter_lets_not_through_still_count_as_seen(mixed: Api) -> None:
    rows = shown(mixed, "/rows", since="3", status="201")
    assert ids(rows) == []
    assert 'data-newest="6"' in rows


@pytest.mark.parametrize("since", ["", "x", "-1", "9" * 16])
def test_what_is_no_id_means_all_rows(mixed: Api, since: str) -> None:
    assert len(ids(shown(mixed, "/rows", since=since))) == 6


# One request.


def test_a_request_is_shown_with_its_answer_and_its_reasons(api: Api) -> None:
    api.create(priority=1, colour="red", responsibleIds=[])
    page = text_of(shown(api, "/1"))
    assert "POST /api/public/tasks" in page
    assert (
        "Decided by the rule responsibleIds.too_small documented contract 2. POST /api/public/tasks: create a task"
        in page
    )
    assert "priority : Expected a string, received a number priority.invalid_type documented contract 2." in page
    assert "Nothing read colour" in page
    assert "Its body is worded by the rule validation-body framework" in page
    assert 'Nothing reads the body\'s "colour"; we believe that the vendor ignores unknown keys unread-key' in page
    assert '"colour": "red"' in page
    assert '"statusCode": 400,' in page
    assert f"x-api-key {api.key}" in page


def test_a_rule_of_the_contract_is_quoted_and_one_of_the_mock_is_called_so(api: Api) -> None:
    api.client.get("/api/public/team-members/all", headers={"prefer": "code=500"})
    api.list()
    assert "the mock's own" in text_of(shown(api, "/1"))
    assert "success-status framework contract 1. Common to all endpoints Everything but POST answers 200" in text_of(
        shown(api, "/2")
    )


def test_a_query_is_shown_name_by_name(api: Api) -> None:
    api.list(responsibleIds=[MARIA, UNKNOWN_ID])
    page = text_of(shown(api, "/1"))
    assert f"Query responsibleIds {MARIA} responsibleIds {UNKNOWN_ID} fromDate 0001-01-01 toDate 9999-12-31" in page


def test_changed_fields_are_marked_and_others_are_not(api: Api) -> None:
    id = api.created(title="Old")["id"]
    api.update(id, title="New")
    api.delete(id)
    page = shown(api, "/2")
    assert re.findall(r'<tr class="differs"><th scope="row">(\w+)', page) == ["title"]
    assert 'title changed "Old" "New"' in text_of(page)
    assert f'id "{id}" "{id}"' in text_of(page)
    assert f"task {id} made" in text_of(shown(api, "/1"))
    assert f"task {id} removed" in text_of(shown(api, "/3"))
    assert 'class="differs"' not in shown(api, "/1") + shown(api, "/3")


def test_a_request_that_changed_nothing_has_no_such_part(api: Api) -> None:
    api.list()
    assert "What it changed" not in shown(api, "/1")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"status": 503}, "Fault rule 1 answered 503, before the commit."),
        ({"connection": "truncate"}, "Fault rule 1 broke the connection (truncate), before the commit."),
        ({"delay_ms": 1}, "Fault rule 1 waited 1 ms, before the commit."),
        ({"when": "after", "headers": {"x-a": "b"}}, "Fault rule 1 changed the answer, after the commit."),
    ],
)
def test_a_fault_that_hit_is_told(api: Api, rule: dict[str, Any], said: str) -> None:
    api.client.post("/__admin/faults", json=rule)
    with api.client.stream("GET", "/api/public/team-members/all"):
        pass
    assert said in text_of(shown(api, "/1"))


def test_an_answer_that_never_arrived_says_so(api: Api) -> None:
    api.client.post("/__admin/faults", json={"connection": "reset", "when": "after"})
    with pytest.raises(httpx.ReadError):
        api.create()
    assert "No answer arrived" in text_of(shown(api, "/1"))
    api.create()
    assert "No answer arrived" not in text_of(shown(api, "/2"))


def test_a_cut_body_says_its_length(api: Api) -> None:
    api.create(title="x" * 70_000)
    assert text_of(shown(api, "/1")).count("bytes, of which the first 65,536 are shown") == 2


def test_a_body_that_is_not_json_is_shown_as_it_came(api: Api) -> None:
    api.client.post(TASKS, content="\n{'a'  <b>", headers={"content-type": "application/json"})
    assert '">\n\n{&#39;a&#39;  &lt;b&gt;</pre>' in shown(api, "/1")


def test_what_does_not_show_is_shown_in_bodies(api: Api) -> None:
    api.create(title="a\u202eb")
    assert '"title": "a\\u202eb"' in html.unescape(shown(api, "/1"))


def test_a_request_leads_to_those_before_and_after(api: Api) -> None:
    for _ in range(3):
        api.list()

    def neighbours(id: int) -> list[tuple[str, str]]:
        return re.findall(rf'rel="(prev|next)" href="{PAGE}/(\d+)', shown(api, f"/{id}"))

    assert neighbours(1) == [("next", "2")]
    assert neighbours(2) == [("prev", "1"), ("next", "3")]
    assert neighbours(3) == [("prev", "2")]
    assert f'href="{PAGE}?sandbox={api.key.removeprefix("test_")}#request-2"' in shown(api, "/2")


@pytest.mark.parametrize("id", ["7", "0", "x", "-1", "9" * 16, "１", "<b>"])
def test_a_request_that_is_gone_is_a_404_with_a_way_back(api: Api, id: str) -> None:
    api.list()
    response = api.client.get(f"{PAGE}/{id}", params={"sandbox": api.key.removeprefix("test_")})
    assert response.status_code == 404
    assert "made room for newer ones" in response.text
    assert f'href="{PAGE}?sandbox=' in response.text
    assert "<b>" not in response.text


def test_a_request_can_be_copied(api: Api) -> None:
    api.create()
    page = shown(api, "/1")
    texts = dict(re.findall(r'<pre id="as-(\w+)"[^>]*>\n(.*?)</pre>', page, re.DOTALL))
    assert list(texts) == ["curl", "httpx", "fetch", "verify", "fault"]
    assert api.url in texts["curl"]
    assert json.loads(html.unescape(texts["fault"]))["match"]["operation"] == "createTask"


def test_a_request_that_no_fault_can_hit_has_no_rule_to_copy(api: Api) -> None:
    api.client.get("/elsewhere")
    page = shown(api, "/1")
    assert "as-fault" not in page
    assert "No fault can hit it" in page
