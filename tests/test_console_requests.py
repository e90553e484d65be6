"""The journal's pages as the server makes them: rows, filters, one request, and what is not there."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import httpx
import pytest
from support import CONTACT, MARIA, UNKNOWN_ID, Api, running

from mockserver.console import requests, rows
from mockserver.fidelity import contract
from mockserver.fidelity.evidence import CONFIRMED, REFUTED, Evidence, Finding

PAGE = "/__admin/console/requests"
TASKS = "/api/public/tasks"
TIME = r"\d\d:\d\d:\d\d"
HOSTILE = "<script>alert(1)</script>\"'&{{777*777}}"


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


def line(page: str, id: int, raw: bool = False) -> str:
    """The text of a row, or its HTML."""
    found = re.search(rf'<tr[^>]*id="request-{id}".*?</tr>', page, re.DOTALL)
    assert found
    return found[0] if raw else text_of(found[0])


# The list.


def test_a_row_tells_what_came_and_what_was_answered(api: Api) -> None:
    api.created(aiContactId=CONTACT)
    api.create(colour="red", title=None)
    api.list(responsibleIds=[MARIA, UNKNOWN_ID])
    page = shown(api)
    assert ids(page) == [1, 2, 3]
    assert re.fullmatch(rf"#1 09:00:00 {TIME} 201 POST /api/public/tasks createTask [\d.]+ ms", line(page, 1))
    assert re.fullmatch(rf"#2 09:00:01 {TIME} 400 POST .* createTask [\d.]+ ms ignored 1 advice 1", line(page, 2))
    assert f"?responsibleIds={MARIA}&responsibleIds={UNKNOWN_ID}&fromDate=0001-01-01" in line(page, 3)
    assert f'href="{PAGE}/3?sandbox={api.key.removeprefix("test_")}"' in page


def test_the_list_is_a_table_with_a_heading_for_each_column(api: Api) -> None:
    api.list()
    for path in ("", "/rows"):
        page = shown(api, path)
        headings = re.findall(r'<th scope="col" class="(\w+)"[^>]*>([^<]+)</th>', page)
        assert [name for name, _ in headings] == re.findall(
            r'<t[hd](?: scope="row")? class="(\w+)', line(page, 1, raw=True)
        )
        assert [heading for _, heading in headings][:3] == ["#", "Sandbox clock", "Machine time"]


def test_the_sandbox_s_clock_and_the_machine_s_time_stand_side_by_side(api: Api) -> None:
    api.list()
    received = api.client.get("/__admin/requests/1").json()["received_at"]
    assert f"Sandbox clock 2025-11-26T09:00:00.000Z Machine time {received}" in text_of(shown(api, "/1"))
    assert f"#1 09:00:00 {received[11:19]} 200" in line(shown(api), 1)


def test_a_fault_and_an_answer_that_never_arrived_are_marked(api: Api) -> None:
    api.client.post("/__admin/faults", json={"connection": "reset"})
    with pytest.raises(httpx.ReadError):
        api.create()
    api.client.get("/elsewhere")
    page = shown(api)
    assert re.fullmatch(
        rf"#1 09:00:00 {TIME} no answer POST /api/public/tasks createTask [\d.]+ ms fault 1", line(page, 1)
    )
    assert "404 GET /elsewhere no operation" in line(page, 2)


def test_what_came_is_text_in_every_page(api: Api) -> None:
    api.create(title=HOSTILE, **{HOSTILE: HOSTILE})
    api.client.get(f"/api/public/{HOSTILE}", params={HOSTILE: HOSTILE}, headers={"x-request-id": HOSTILE})
    api.client.post(TASKS, content=HOSTILE, headers={"content-type": HOSTILE})
    for path in ("", "/rows", "/1", "/2", "/3", "/3/detail"):
        page = shown(api, path) + shown(api, path, operation=HOSTILE, text=HOSTILE, status=HOSTILE)
        assert "<script>alert" not in page
        assert "603729" not in page
        assert "style=" not in page
    assert HOSTILE in html.unescape(shown(api, "/1"))


def test_a_long_path_is_shortened_in_its_row(api: Api) -> None:
    api.client.get("/" + "x" * 1000)
    assert line(shown(api), 1).count("x") == rows.MAX_TARGET - 1


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
            assert "3 shown · 2 dropped · at most 3 kept" in text_of(page)


def test_a_page_shows_the_newest_and_how_many_there_are(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "SHOWN", 2)
    for _ in range(3):
        api.list()
    page = shown(api)
    assert ids(page) == [2, 3]
    assert "2 of 3 shown" in text_of(page)


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
    assert "No request matches" in page
    assert "<option selected>frob</option>" in shown(mixed, operation="frob")


@pytest.mark.parametrize("status", ["40", "6xx", "xx", "4044", "answered", "4x", "４04"])
def test_a_status_that_cannot_be_is_told_at_its_field(mixed: Api, status: str) -> None:
    page = shown(mixed, status=status)
    assert "Use a code such as 404, a class such as 4xx, refused, no answer, pending, or abandoned" in text_of(page)
    assert 'aria-invalid="true"' in page
    assert ids(page) == []


# Rows that come later.


def test_rows_after_one_look_as_they_do_in_the_page(mixed: Api) -> None:
    whole, later = shown(mixed), shown(mixed, "/rows", since="4")
    assert ids(later) == [5, 6]
    for id in (5, 6):
        row = re.search(rf'<tr[^>]*id="request-{id}".*?</tr>', whole, re.DOTALL)
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
        "Decided by the rule responsibleIds.too_small documented The vendor's pages say so"
        " contract 2. POST /api/public/tasks: create a task Body worded by the rule validation-body framework"
        " The vendor's framework does so by default contract 1. Common to all endpoints"
    ) in page
    assert "priority Expected a string, received a number priority.invalid_type documented" in page
    assert "Ignored keys colour" in page
    assert 'Nothing reads the body\'s "colour"; we believe that the vendor ignores unknown keys unread-key' in page
    assert '"colour": "red"' in page
    assert '"statusCode": 400,' in page
    assert f"x-api-key {api.key}" in page


def test_a_rule_of_the_contract_is_quoted_and_one_of_the_mock_is_called_so(api: Api) -> None:
    api.client.get("/api/public/team-members/all", headers={"prefer": "code=500"})
    api.list()
    assert "the mock's own" in text_of(shown(api, "/1"))
    assert (
        "success-status framework Everything but POST answers 200."
        " The vendor's framework does so by default contract 1. Common to all endpoints"
    ) in text_of(shown(api, "/2"))


def test_a_rule_is_not_quoted_where_a_switch_has_another_value(api: Api) -> None:
    quoted = "POST answers 201. The vendor documents it for another POST."
    api.created()
    assert quoted in text_of(shown(api, "/1"))
    api.client.patch("/__admin/settings", json={"assume": {"create-status": "200"}})
    assert api.create().status_code == 200
    page = text_of(shown(api, "/2"))
    assert "Decided by the rule create-status" in page
    assert quoted not in page


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
    assert "Changed rows" not in shown(api, "/1")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"status": 503}, "Fault rule 1 answered 503, before the commit."),
        ({"connection": "truncate"}, "Fault rule 1 broke the connection (truncate), before the commit."),
        ({"delay_ms": 1}, "Fault rule 1 delayed it by 1 ms, before the commit."),
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
    page = text_of(shown(api, "/1"))
    for part in ("request", "response"):
        length = api.client.get("/__admin/requests/1").json()[part]["length"]
        assert f"It has {length:,} bytes, of which the first 65,536 are shown" in page


def test_a_body_that_was_too_long_to_be_read_is_shown_as_such(api: Api) -> None:
    api.client.post(TASKS, content=iter([b"x" * 1_100_000]))  # its length is not announced
    page = text_of(shown(api, "/1"))
    assert "It has too many bytes, of which none were read" in page
    assert "The body is left out: it had too many bytes" in page


def test_a_body_that_is_not_json_is_shown_as_it_came(api: Api) -> None:
    api.client.post(TASKS, content="\n{'a'  <b>", headers={"content-type": "application/json"})
    assert '">\n\n{&#39;a&#39;  &lt;b&gt;</pre>' in shown(api, "/1")


def test_what_does_not_show_is_shown_in_bodies(api: Api) -> None:
    api.create(title="a\u202eb")
    assert '"title": "a\\u202eb"' in html.unescape(shown(api, "/1"))


# The same request beside the list.


def test_the_chosen_request_is_beside_the_list_as_on_its_own_page(api: Api) -> None:
    for _ in range(2):
        api.create(title="")
    page = shown(api, request="2")
    assert 'aria-current="true">#2</a>' in page
    assert page.count("aria-current=") == 2  # that of the navigation, too
    own, pane = shown(api, "/2"), shown(api, "/2/detail")
    assert pane in page
    assert "<header" not in pane
    reasons, answer = (text[text.index("Reasons for the answer") :] for text in map(text_of, (own, pane)))
    assert reasons.startswith(answer)
    assert "aria-current" in line(shown(api, "/rows", since="1", request="2"), 2, raw=True)


def test_no_pane_is_shown_until_a_request_is_chosen(api: Api) -> None:
    api.list()
    assert re.search(r'<section id="detail"[^>]* hidden>\s*</section>', shown(api))
    assert "Request 7 is not in the journal" in shown(api, request="7")
    assert api.client.get(f"{PAGE}/7/detail", params={"sandbox": api.key.removeprefix("test_")}).status_code == 404


# The guesses that an answer depends on.


def replays(page: str) -> list[Any]:
    """The requests that a page sends to replay one."""
    return [json.loads(html.unescape(each)) for each in re.findall(r'data-replay="([^"]*)"', page)]


def flips(page: str) -> list[tuple[str, str]]:
    """The switches of a page with their other values."""
    return re.findall(r'data-assume="([^"]+)" data-value="([^"]+)"', page)


def test_a_switch_that_decides_a_refusal_has_its_other_values_and_the_request(api: Api) -> None:
    api.create(aiContactId=UNKNOWN_ID)
    page = shown(api, "/1")
    assert flips(page) == [("unknown-contact", "400"), ("unknown-contact", "accepted")]
    assert "unknown-contact is 404 ours An unknown aiContactId or aiCustomerId is a 404." in text_of(page)
    [sent] = replays(page)
    assert (sent["method"], sent["target"]) == ("POST", TASKS)
    assert sent["headers"] == {"x-api-key": api.key, "content-type": "application/json"}
    assert json.loads(sent["body"])["aiContactId"] == UNKNOWN_ID


@pytest.mark.parametrize(
    ("request_of", "expected"),
    [
        (lambda api: api.client.get(f"{TASKS}/x"), ["wrong-method"]),
        (lambda api: api.create(title=""), ["validation-body"]),
        (lambda api: api.client.get("/elsewhere"), []),
        (lambda api: api.created(), ["create-status", "null-description"]),
        (lambda api: api.client.get("/api/public/team-members/all"), []),
    ],
)
def test_only_the_switches_that_the_answer_depends_on_are_shown(api: Api, request_of: Any, expected: list[str]) -> None:
    request_of(api)
    assert [*dict.fromkeys(name for name, _ in flips(shown(api, "/1")))] == expected


def test_the_value_that_a_switch_has_now_is_shown(api: Api) -> None:
    api.create(title="")
    api.client.patch("/__admin/settings", json={"assume": {"validation-body": "plain"}})
    page = shown(api, "/1")
    assert "validation-body is plain" in text_of(page)
    assert flips(page) == [("validation-body", "zod"), ("validation-body", "messages")]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"json": {"title": "x" * 70_000}}, "the body is left out: it had"),
        (
            {"json": {"title": "secret-token"}, "headers": {"authorization": "Bearer secret-token"}},
            "the journal has masked",
        ),
        ({"json": {"title": "vambe_carlos_key"}}, "the journal has masked"),
    ],
)
def test_a_request_that_the_journal_has_not_whole_cannot_be_replayed(api: Api, sent: Any, said: str) -> None:
    api.client.post(TASKS, **sent)
    page = shown(api, "/1")
    assert replays(page) == flips(page) == []
    assert f"It cannot be sent again: {said}" in text_of(page)


def test_a_key_that_the_journal_masks_is_replaced_by_the_sandbox_s() -> None:
    with running() as url:
        api = Api(url, "test_default")
        with api.client:
            api.client.post(TASKS, json={"title": ""}, headers={"x-api-key": "vambe_carlos_key"})
            page = shown(api, "/1")
        assert "The key is the sandbox's: the journal does not keep the one that came." in text_of(page)
        assert replays(page)[0]["headers"]["x-api-key"] == "test_default"


def test_evidence_that_was_measured_is_shown_with_its_day_and_a_refuted_rule_as_such() -> None:
    findings = {
        "validation-body": Finding(REFUTED, "plain"),
        "title": Finding(CONFIRMED),
        "unknown-contact": Finding(REFUTED, "400"),
    }
    evidence = Evidence(contract.VERSION, "2026-11-30T10:00:00Z", "api.vambe.me", findings)
    with running(evidence=evidence) as url:
        api = Api(url, "test_measured")
        with api.client:
            api.create(title="")
            api.client.patch("/__admin/settings", json={"assume": {"unknown-contact": "404"}})
            api.create(aiContactId=UNKNOWN_ID)
            invalid, unknown = shown(api, "/1"), shown(api, "/2")
    measured = "measured 2026-11-30 The vendor was measured, and does so"
    assert f"title.too_small {measured} contract 2." in text_of(invalid)
    assert f"worded by the rule validation-body {measured}" in text_of(invalid)
    assert '<span class="tag good">measured 2026-11-30</span>' in invalid
    assert "The vendor was measured, and does otherwise" in text_of(unknown)
    assert '<code>404</code> <span class="tag bad">refuted</span>' in unknown


# One request leads to others.


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
