"""The journal: every request of the imitated API and its answer, in the order of their effects, without keys."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import freezegun
import httpx
import pytest
from support import ALL_TIME, CONTACT, MARIA, UNKNOWN_ID, Api, assert_error, running, served, wait_until

from mockserver import clock
from mockserver.api.views import OPERATIONS
from mockserver.domain import tasks

KEYS = [
    "id",
    "state",
    "at",
    "received_at",
    "duration_ms",
    "operation",
    "request",
    "response",
    "fault",
    "decision",
    "inferred",
    "problems",
    "unread",
    "advice",
    "changes",
]
TASKS = "/api/public/tasks"
LIMIT = 64 * 1024


@pytest.fixture(scope="module")
def small_url() -> Iterator[str]:
    """A server whose journals keep five entries."""
    with running(journal_limit=5) as url:
        yield url


@contextlib.contextmanager
def actor(url: str, key: str) -> Iterator[Api]:
    made = Api(url, key)
    with made.client:
        yield made


def entry_of(api: Api, response: httpx.Response) -> dict[str, Any]:
    """The journal's entry for an answer."""
    found = api.client.get(f"/__admin/requests/{response.headers['X-Mock-Request-Id']}")
    assert found.status_code == 200, found.text
    return found.json()


def journal(api: Api, **query: Any) -> dict[str, Any]:
    response = api.client.get("/__admin/requests", params=query)
    assert response.status_code == 200, response.text
    return response.json()


# One entry.


def test_an_entry_tells_the_request_the_answer_and_what_came_of_it(api: Api) -> None:
    response = api.create(title="Called", colour="red", aiContactId=CONTACT)
    task = response.json()
    entry = entry_of(api, response)
    assert list(entry) == KEYS
    assert (entry["id"], entry["at"], entry["operation"]) == (1, "2025-11-26T09:00:00.000Z", "createTask")
    assert isinstance(entry["duration_ms"], float)
    request = entry["request"]
    assert list(request) == ["method", "path", "query", "headers", "json"]
    assert (request["method"], request["path"], request["query"]) == ("POST", TASKS, {})
    assert (request["headers"]["x-api-key"], request["headers"]["content-type"]) == (api.key, "application/json")
    assert request["json"] == json.loads(response.request.content)
    assert list(entry["response"]) == ["status", "headers", "json"]
    assert entry["response"]["status"] == 201
    assert entry["response"]["headers"]["x-mock-request-id"] == "1"
    assert entry["response"]["json"] == task
    assert entry["fault"] is None
    assert entry["problems"] == []
    assert entry["unread"] == ["colour"]
    assert [(advice["rule"], "colour" in advice["message"]) for advice in entry["advice"]] == [("unread-key", True)]
    assert [change["resource"] for change in entry["changes"]] == ["note", "task"]


def test_an_entry_has_the_query_and_no_body_when_there_is_none(api: Api) -> None:
    entry = entry_of(api, api.list(responsibleIds=[MARIA, UNKNOWN_ID], page="2"))
    assert entry["operation"] == "listTasks"
    assert list(entry["request"]) == ["method", "path", "query", "headers"]
    assert entry["request"]["query"] == ALL_TIME | {"responsibleIds": [MARIA, UNKNOWN_ID], "page": "2"}
    assert entry["unread"] == ["page"]
    assert entry["changes"] == []


def test_a_body_that_is_not_json_is_kept_as_text(api: Api) -> None:
    response = api.client.post(TASKS, content='{"title": é'.encode(), headers={"content-type": "application/json"})
    assert_error(response, 400)
    assert entry_of(api, response)["request"]["text"] == '{"title": é'


def test_a_created_task_and_its_note_are_shown_as_rows_that_were_not_there_before(api: Api) -> None:
    response = api.create(dueDate="2025-11-26", dueTime="14:30", timezone="UTC", aiContactId=CONTACT)
    note, task = sorted(entry_of(api, response)["changes"], key=lambda change: change["resource"])
    parts = {"due_date": "2025-11-26", "due_time": "14:30", "timezone": "UTC"}
    assert task == {
        "resource": "task",
        "id": response.json()["id"],
        "before": None,
        "after": response.json() | parts,
    }
    assert (note["resource"], note["before"], note["after"]) == ("note", None, api.state()["notes"][0])
    assert note["id"] == note["after"]["id"]


def test_an_update_is_shown_as_the_rows_before_and_after(api: Api) -> None:
    before = api.created(aiContactId=CONTACT)
    note = api.state()["notes"][0]
    response = api.update(before["id"], title="Other", aiContactId=None)
    changes = {change["resource"]: change for change in entry_of(api, response)["changes"]}
    undated = {"due_date": None, "due_time": None, "timezone": None}
    assert changes["task"]["before"] == before | undated
    assert changes["task"]["after"] == response.json() | undated
    assert changes["note"] == {"resource": "note", "id": note["id"], "before": note, "after": None}


def test_a_deletion_is_shown_as_rows_that_are_not_there_after(api: Api) -> None:
    task = api.created(aiContactId=CONTACT)
    changes = entry_of(api, api.delete(task["id"]))["changes"]
    assert [(change["resource"], change["after"]) for change in changes] == [("task", None), ("note", None)]
    assert changes[0]["before"]["title"] == task["title"]


def test_an_update_that_changes_nothing_shows_no_change(api: Api) -> None:
    task = api.created()
    assert entry_of(api, api.update(task["id"]))["changes"] == []


def test_keys_of_a_body_and_names_of_a_query_that_nothing_reads_are_told(api: Api) -> None:
    body = {"title": "x", "responsibleIds": [MARIA], "priority": "1", "due_date": "2025-11-26", "é": None}
    assert entry_of(api, api.client.post(f"{TASKS}?page=2&page=3&", json=body))["unread"] == ["due_date", "é", "page"]
    task = api.created()
    assert entry_of(api, api.update(task["id"], statusId=UNKNOWN_ID))["unread"] == ["statusId"]
    assert entry_of(api, api.client.get("/api/public/team-members/all?x=1"))["unread"] == ["x"]
    assert entry_of(api, api.list(**{"responsibleIds[]": MARIA}))["unread"] == []


def test_an_entry_has_the_machine_s_time_of_its_arrival_whatever_the_sandbox_s_clock_is(api: Api) -> None:
    before = clock.real_ms()
    api.client.put("/__admin/clock", json={"mode": "frozen", "now": "2030-01-01T00:00:00.000Z"})
    api.client.patch("/__admin/settings", json={"delay_ms": 30})
    with freezegun.freeze_time("2031-01-01"):
        api.list()
    (entry,) = journal(api)["requests"]
    assert entry["at"] == "2030-01-01T00:00:00.000Z"
    received = clock.ms_of(clock.parse_instant(entry["received_at"]))
    assert before <= received <= clock.real_ms() - 30


# Every request has one.


def test_every_answer_names_its_entry(api: Api) -> None:
    task = api.created()
    answers = [
        api.list(),
        api.update(task["id"], title="Other"),
        api.create(title=""),
        api.delete(UNKNOWN_ID),
        api.client.get("/api/public/x"),
        api.client.get("/elsewhere"),
        api.client.patch(TASKS),
        api.client.post(TASKS, content=b"{" * (1_048_577)),
        api.client.head(TASKS, params=ALL_TIME),
        api.delete(task["id"]),
    ]
    statuses = [200, 200, 400, 404, 404, 404, 404, 413, 200, 200]
    assert [answer.status_code for answer in answers] == statuses
    assert [answer.headers["X-Mock-Request-Id"] for answer in answers] == [str(id) for id in range(2, 12)]
    entries = journal(api)["requests"]
    assert [entry["id"] for entry in entries] == list(range(1, 12))
    assert [entry["response"]["status"] for entry in entries] == [201, *statuses]
    assert [entry["operation"] for entry in entries[5:8]] == [None] * 3
    for answer, entry in zip(answers, entries[1:], strict=True):
        assert entry["request"]["path"] == answer.request.url.path
        assert entry["request"]["method"] == answer.request.method
        if answer.content:
            assert entry["response"]["json"] == answer.json()


def test_a_request_whose_key_opens_nothing_is_in_a_journal_of_no_sandbox() -> None:
    with running() as url, actor(url, "unknown-key-0001") as stranger, actor(url, "test_default") as default:
        response = stranger.create(title="secret plan")
        assert_error(response, 401)
        assert_error(httpx.get(url + "/api/public/team-members/all", verify=False), 401)
        assert journal(default)["requests"] == []
        refused, anonymous = journal(default, unidentified="true")["requests"]
        assert (refused["response"]["status"], refused["operation"]) == (401, "createTask")
        assert refused["decision"]["rule"] == "key"
        assert str(refused["id"]) == response.headers["X-Mock-Request-Id"]
        assert refused["request"]["json"]["title"] == "secret plan"
        assert refused["unread"] == refused["advice"] == refused["changes"] == []
        assert "x-api-key" not in anonymous["request"]["headers"]
        assert default.listed() == []


def test_a_failure_of_the_mock_itself_is_in_the_journal(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(tasks, "create_task", fail)
    response = api.create()
    assert_error(response, 500, "Internal server error")
    entry = entry_of(api, response)
    assert (entry["response"]["status"], entry["decision"]["rule"]) == (500, "internal-error")
    assert entry["request"]["json"]["priority"] == "1"
    assert entry["changes"] == []
    assert api.listed() == []


def test_calls_of_the_control_plane_and_preflights_are_not_in_the_journal(api: Api) -> None:
    api.created()
    api.client.post("/__admin/clock/advance", json={"seconds": 1})
    api.client.get("/__admin/nowhere")
    api.client.patch("/__admin/state")
    api.client.get("/openapi.json")
    api.client.options(TASKS, headers={"origin": "http://localhost", "access-control-request-method": "POST"})
    assert [entry["operation"] for entry in journal(api)["requests"]] == ["createTask"]


def test_an_entry_is_there_for_any_thread_as_soon_as_the_answer_is(api: Api) -> None:
    def create_and_look(number: int) -> tuple[int, str]:
        with actor(api.url, api.key) as client:
            entry = entry_of(client, client.create(title=str(number)))
            return entry["id"], entry["request"]["json"]["title"]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(create_and_look, range(64)))
    assert sorted(id for id, _ in found) == list(range(1, 65))
    assert [title for _, title in found] == [str(number) for number in range(64)]


def test_entries_are_in_the_order_of_their_effects(api: Api) -> None:
    def create(number: int) -> None:
        with actor(api.url, api.key) as client:
            client.created(title=str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(48)))
    in_the_journal = [entry["response"]["json"]["id"] for entry in journal(api)["requests"]]
    assert in_the_journal == [task["id"] for task in api.state()["tasks"]]


# Looking at it.


def test_the_journal_is_read_in_pages(api: Api) -> None:
    for number in range(5):
        api.create(title=str(number))
    everything = journal(api)
    assert list(everything) == ["requests", "total", "dropped"]
    assert (everything["total"], everything["dropped"]) == (5, 0)

    def ids(**query: Any) -> tuple[list[int], int]:
        found = journal(api, **query)
        return [entry["id"] for entry in found["requests"]], found["total"]

    assert ids(since=3) == ([4, 5], 2)
    assert ids(limit=2) == ([1, 2], 5)
    assert ids(since=1, limit=2) == ([2, 3], 4)
    assert ids(since=5) == ([], 0)
    assert ids(limit=0) == ([], 5)


def test_the_journal_is_filtered(api: Api) -> None:
    task = api.created()
    api.create(title="")
    api.list()
    api.delete(task["id"])
    api.delete(task["id"])

    def ids(**query: Any) -> list[int]:
        return [entry["id"] for entry in journal(api, **query)["requests"]]

    assert ids(method="POST") == [1, 2]
    assert ids(operation="deleteTask") == [4, 5]
    assert ids(status=404) == [5]
    assert ids(path=TASKS) == [1, 2, 3]
    assert ids(path=f"{TASKS}/*") == [4, 5]
    assert ids(operation="createTask", status=400) == [2]
    assert ids(operation="createTask", status=404) == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("status=x", "status=x"),
        ("since=-1", "since"),
        ("limit=1.5", "limit"),
        ("page=1", "since, limit, method, path, operation, status, unidentified, sandbox"),
        ("operation=createtask", ", ".join(OPERATIONS)),
        ("method=FETCH", "GET, HEAD, POST, PUT, PATCH, DELETE"),
    ],
)
def test_a_filter_that_cannot_be_used_is_refused_by_its_name(api: Api, query: str, named: str) -> None:
    api.list()
    response = api.client.get(f"/__admin/requests?{query}")
    assert named in response.text
    assert_error(response, 400)


def test_an_entry_that_is_not_there_is_a_404_and_no_number_a_400(api: Api) -> None:
    api.list()
    assert "999" in assert_error(api.client.get("/__admin/requests/999"), 404)["message"]
    assert_error(api.client.get(f"/__admin/requests/{'9' * 15}"), 404)
    for text in ("x", "-1", "1.0", "9" * 16, "%D9%A1", "%20"):
        assert_error(api.client.get(f"/__admin/requests/{text}"), 400)


def test_the_journal_of_a_sandbox_that_does_not_exist_is_a_404(api: Api) -> None:
    for path in ("requests", "requests/1"):
        assert_error(api.client.get(f"/__admin/{path}"), 404)


def test_an_emptied_journal_goes_on_with_its_ids(api: Api) -> None:
    api.list()
    api.list()
    assert api.client.delete("/__admin/requests").json() == {"requests": [], "total": 0, "dropped": 0}
    assert journal(api) == {"requests": [], "total": 0, "dropped": 0}
    api.list()
    assert [entry["id"] for entry in journal(api)["requests"]] == [3]


# What it keeps.


def test_the_newest_entries_are_kept_and_those_that_went_are_counted(small_url: str) -> None:
    with actor(small_url, "test_ring") as api:
        for _ in range(5):
            api.list()
        assert journal(api)["dropped"] == 0
        for _ in range(7):
            api.list()
        found = journal(api)
        assert [entry["id"] for entry in found["requests"]] == [8, 9, 10, 11, 12]
        assert (found["total"], found["dropped"]) == (5, 7)
        assert_error(api.client.get("/__admin/requests/7"), 404)
        api.client.delete("/__admin/requests")
        api.list()
        found = journal(api)
        assert ([entry["id"] for entry in found["requests"]], found["dropped"]) == ([13], 0)


def test_the_ring_of_one_sandbox_leaves_the_others_alone(small_url: str) -> None:
    with actor(small_url, "test_mine") as mine, actor(small_url, "test_theirs") as theirs:
        theirs.list()
        for _ in range(8):
            mine.list()
        assert journal(theirs)["total"] == 1


def test_a_journal_shows_and_clears_no_other_sandbox_s_entries(api: Api, other_api: Api) -> None:
    mine, theirs = api.create(title="mine"), other_api.create(title="theirs")
    assert mine.headers["X-Mock-Request-Id"] == theirs.headers["X-Mock-Request-Id"]
    for actor, response, title in ((api, mine, "mine"), (other_api, theirs, "theirs")):
        assert entry_of(actor, response)["request"]["json"]["title"] == title
    other_api.client.delete("/__admin/requests")
    assert (journal(api)["total"], journal(other_api)["total"]) == (1, 0)


def test_a_thousand_entries_are_kept_when_nothing_else_is_said(api: Api) -> None:
    with contextlib.closing(http.client.HTTPConnection(urlsplit(api.url).netloc)) as connection:
        for _ in range(1003):
            connection.request("GET", "/x", headers={"x-api-key": api.key})
            connection.getresponse().read()
    found = journal(api, limit=1)
    assert (found["requests"][0]["id"], found["total"], found["dropped"]) == (4, 1000, 3)


def test_sixteen_mebibytes_are_kept(api: Api) -> None:
    title = "ñ" * 30_000  # 60,000 bytes, in the request, in the answer and in the rows after
    response = api.create(title=title)
    size = len(json.dumps(entry_of(api, response), ensure_ascii=False).encode())
    expected = 16 * 1024 * 1024 // size
    assert expected < 100
    for _ in range(expected + 5):
        api.create(title=title)
    found = journal(api, limit=1)
    assert found["total"] in (expected, expected + 1)
    assert found["dropped"] == expected + 6 - found["total"]


@pytest.mark.parametrize("length", [LIMIT, LIMIT + 1, 300_000])
def test_a_body_is_kept_up_to_64_kib_and_its_length_is_told(api: Api, length: int) -> None:
    body = json.dumps({"title": "x", "responsibleIds": [MARIA], "priority": "1", "description": ""})
    body = body[:-2] + "d" * (length - len(body)) + '"}'
    response = api.client.post(TASKS, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 201
    entry = entry_of(api, response)
    if length == LIMIT:
        assert entry["request"]["json"] == json.loads(body)
        return
    assert entry["request"]["text"] == body[:LIMIT]
    assert entry["request"]["length"] == length
    assert "json" not in entry["request"]
    assert entry["response"]["length"] == len(response.content)
    assert entry["response"]["text"] == response.text[:LIMIT]
    assert len(entry["changes"][0]["after"]["text"]) == LIMIT


def test_an_entry_with_tens_of_thousands_of_problems_does_not_fill_the_journal(api: Api) -> None:
    api.list()
    body = {"title": "x", "priority": "1", "responsibleIds": ["x"] * 30_000} | {f"k{n}": 0 for n in range(10_000)}
    response = api.client.post(TASKS, json=body)
    errors = assert_error(response, 400)["errors"]
    assert len(errors) == 100
    assert errors[-1] == {"code": "custom", "path": [], "message": "… and 29901 more"}
    entry = entry_of(api, response)
    assert len(json.dumps(entry)) < 5 * 1024 * 1024
    assert entry["problems"][0]["path"] == ["responsibleIds", 0]
    assert len(entry["problems"]) == 100
    assert entry["unread"][0] == "k0"
    assert journal(api, limit=1)["dropped"] == 0


# Request ids.


@pytest.mark.parametrize("sent", ["abc-123", "7", "a b", "~" * 256])
def test_a_request_id_comes_back_as_it_was_sent(api: Api, sent: str) -> None:
    for response in (
        api.client.get("/api/public/team-members/all", headers={"X-Request-Id": sent}),
        api.client.get("/x", headers={"X-Request-Id": sent, "x-api-key": "unknown-key-0002"}),
    ):
        assert response.headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", [b"", b"~" * 257, b"\xc3\xa9", b"a\tb", b"\xff"])
def test_a_request_id_that_is_no_token_does_not_come_back(api: Api, sent: bytes) -> None:
    response = api.client.get("/api/public/team-members/all", headers={"X-Request-Id": sent})
    assert response.status_code == 200
    assert "X-Request-Id" not in response.headers


# Keys.

PLAIN = "sk_live_canary-7f3a"
MIXED = "Sk_Live_Canary-7f3A"


def appearances(text: str, canary: str) -> bool:
    return canary in text or json.dumps(canary)[1:-1] in text


def test_a_key_is_shown_by_its_last_four_characters() -> None:
    with running(api_key=("own-key-abcd",)) as url, actor(url, "own-key-abcd") as own:
        task = own.created(title="about own-key-abcd", description="own-key-abcd")
        with actor(url, "short") as short:
            assert_error(short.list(), 401)
        for key in ("vambe_carlos_key", "vambe_revoked_key"):
            with actor(url, key) as keyed:
                keyed.list()
        entries = [entry for query in ({}, {"unidentified": "true"}) for entry in journal(own, **query)["requests"]]
        shown = [entry["request"]["headers"]["x-api-key"] for entry in entries]
        assert shown == ["…abcd", "…_key", "…", "…_key"]
        assert entries[0]["request"]["json"]["title"] == "about …abcd"
        assert task["title"] == "about own-key-abcd"
        assert own.listed() == [task]


def test_a_key_of_a_sandbox_is_no_secret(api: Api) -> None:
    entry = entry_of(api, api.create(title=api.key))
    assert entry["request"]["headers"]["x-api-key"] == api.key
    assert entry["request"]["json"]["title"] == api.key


@pytest.mark.parametrize("scheme", ["Bearer {}", "bearer  {}", "{}", "Token token={}", "Digest a=1, b={}"])
def test_credentials_are_shown_nowhere_whatever_their_scheme(api: Api, scheme: str) -> None:
    headers = {"Authorization": scheme.format(PLAIN), "Cookie": f"a=b; session={PLAIN}x"}
    response = api.client.post(
        f"{TASKS}/{PLAIN}?{PLAIN}={PLAIN}", json={"title": [PLAIN, PLAIN + "x"]}, headers=headers
    )
    assert PLAIN not in response.text
    entry = entry_of(api, response)
    assert PLAIN not in json.dumps(entry)
    assert entry["request"]["headers"]["authorization"].endswith("7f3a")


def test_a_password_of_basic_authorization_is_shown_nowhere(api: Api) -> None:
    response = api.client.get(f"/x/{PLAIN}", auth=("user", PLAIN))
    entry = entry_of(api, response)
    assert PLAIN not in json.dumps(entry) + response.text
    assert len(entry["request"]["headers"]["authorization"]) == 5


def test_a_canary_key_sent_a_hundred_times_is_nowhere_to_be_found(tmp_path: Path) -> None:
    database = tmp_path / "world.db"
    with served("--database", database, "--api-key", PLAIN + "-own") as server:
        shown = ""
        with actor(server.url, PLAIN) as stranger, actor(server.url, "test_default") as default:
            sent: list[tuple[str, str, Any]] = [
                ("POST", TASKS, {"title": PLAIN, PLAIN: [PLAIN, {PLAIN: PLAIN}], "responsibleIds": [PLAIN]}),
                ("GET", f"{TASKS}?{PLAIN}={PLAIN}&fromDate={PLAIN}", None),
                ("PUT", f"{TASKS}/{PLAIN}", {"title": PLAIN}),
                ("PATCH", f"{TASKS}/{PLAIN}?x={PLAIN}", None),
                ("GET", f"/{PLAIN}/x", None),
            ]
            for number in range(100):
                method, path, body = sent[number % len(sent)]
                headers = {"Authorization": f"Bearer {PLAIN}", "Referer": f"http://localhost/?key={PLAIN}"}
                answer = stranger.client.request(method, path, json=body, headers=headers)
                assert answer.status_code in (401, 404)
                shown += answer.text + str(answer.headers)
            default.client.post(TASKS, content=PLAIN * 100_000, headers={"x-api-key": PLAIN + "-own"})
            answer = default.client.get(f"{TASKS}?fromDate={PLAIN}-own", headers={"x-api-key": PLAIN + "-own"})
            shown += answer.text + default.client.get("/__admin/requests").text
            shown += default.client.get("/__admin/requests?unidentified=true").text
            assert (journal(default)["total"], journal(default, unidentified="true")["total"]) == (2, 100)
        _, output, errors = server.stop()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"\xe2\x80\xa67f3a" in stored
    assert PLAIN not in shown
    logged = [line for line in errors.splitlines() if f"/{PLAIN}" not in line]
    assert len(logged) > 40
    assert PLAIN not in output + "".join(logged)
    assert PLAIN.encode() not in stored


def test_a_key_that_is_repeated_in_the_path_is_not_in_the_log() -> None:
    with served() as server, actor(server.url, PLAIN) as stranger:
        assert_error(stranger.client.get(f"{TASKS}/{PLAIN}"), 404)
        assert_error(stranger.delete(PLAIN), 401)
        assert PLAIN not in server.stop()[2]


BASIC, BASIC_USER = (f"Basic {base64.b64encode(each.encode()).decode()}" for each in (f"user:{PLAIN}", f"{PLAIN}:"))
CARRYING = [
    ("x-api-key", PLAIN),
    ("Authorization", PLAIN),
    ("Authorization", f"Bearer {PLAIN}"),
    ("Authorization", f'Token token="{PLAIN}", nonce="def"'),
    ("Authorization", BASIC),
    ("Authorization", BASIC_USER),
    ("Proxy-Authorization", BASIC),
    ("Proxy-Authorization", f"Bearer {PLAIN}"),
    ("Cookie", f"first={PLAIN}"),
    ("Cookie", f"session={PLAIN}; theme=dark"),
    ("Cookie", f"theme=dark; session={PLAIN}"),
]


def test_no_secret_of_a_header_is_in_the_log_when_it_is_in_the_path_too() -> None:
    spelled = "".join(f"%{ord(character):02X}" for character in PLAIN)
    spellings = [PLAIN, PLAIN.replace("c", "%63"), PLAIN.replace("_", "%5f", 1), spelled]
    with served() as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        for name, value in CARRYING:
            for spelling in spellings:
                client.get(f"/x/{spelling}/y", headers={name: value})
        errors = server.stop()[2]
    shown = [line.partition("/x/")[2].partition("/y")[0] for line in errors.splitlines() if "/x/" in line]
    assert shown == [f"…{PLAIN[-4:]}"] * len(CARRYING) * len(spellings)


def test_a_percent_encoded_key_is_found_too(api: Api) -> None:
    spelled = PLAIN.replace(PLAIN[2], f"%{ord(PLAIN[2]):02x}", 1)
    answer = api.client.post(TASKS, json={"title": f"see /x?k={spelled}&y"}, headers={"authorization": PLAIN})
    assert entry_of(api, answer)["request"]["json"]["title"] == f"see /x?k=…{PLAIN[-4:]}&y"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": f"text/{MIXED}"},
        {"content-type": f"application/json; charset={MIXED}"},
        {"content-type": "application/json", "content-encoding": MIXED},
    ],
)
def test_no_part_of_a_key_is_left_where_a_text_changes_its_case(api: Api, headers: dict[str, str]) -> None:
    answer = api.client.post(TASKS, content=b"{}", headers={"authorization": MIXED, **headers})
    shown = (answer.text + json.dumps(entry_of(api, answer))).lower()
    assert MIXED[-4:].lower() in shown
    assert MIXED[-5:].lower() not in shown


@pytest.mark.parametrize("length", range(40, 81, 5))
def test_no_part_of_a_key_is_left_where_a_text_is_cut(api: Api, length: int) -> None:
    text = "x" * length + PLAIN + "y" * 100
    body = {"title": "a", "responsibleIds": [text], "priority": "1", "timezone": text, "dueDate": text, text: 1}
    answer = api.client.post(f"{TASKS}?{text}=1", json=body, headers={"authorization": PLAIN})
    shown = answer.text + json.dumps(entry_of(api, answer))
    assert not any(PLAIN[start : start + 5] in shown for start in range(len(PLAIN) - 8))


def test_no_part_of_a_key_is_left_where_a_change_is_cut(api: Api) -> None:
    for part in range(2, len(PLAIN), 4):
        body = {"title": "a", "responsibleIds": [MARIA], "priority": "1"}
        body["description"] = "x" * (LIMIT - 72 - part) + PLAIN + "y" * 100
        entry = entry_of(api, api.client.post(TASKS, json=body, headers={"authorization": PLAIN}))
        assert entry["changes"][0]["after"]["length"] > LIMIT
        assert f"x{PLAIN[0]}" not in entry["changes"][0]["after"]["text"]


def test_a_key_with_characters_that_json_escapes_is_found_too(api: Api) -> None:
    key = 'sk"live\\canary/é'
    raw = key.encode("latin-1")
    answer = api.client.post(
        f"{TASKS}?a={key}", json={"title": key, key: 1}, headers={"authorization": raw, "x-api-key": api.key}
    )
    entry = entry_of(api, answer)
    assert not appearances(json.dumps(entry), key)
    assert not appearances(json.dumps(entry, ensure_ascii=False), key)
    assert entry["request"]["json"]["title"] == "…ry/é"


def test_a_key_that_the_end_of_a_capped_body_cuts_is_not_shown_in_part(api: Api) -> None:
    body = "x" * (LIMIT - 12) + PLAIN + "y" * 100
    answer = api.client.post(TASKS, content=body, headers={"authorization": PLAIN})
    assert PLAIN[:8] not in entry_of(api, answer)["request"]["text"]


def test_what_a_failure_writes_to_the_log_has_no_key(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = threading.Event()

    def fail(*_: object) -> None:
        failed.set()
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(tasks, "update_task", fail)
    monkeypatch.setattr(logging.getLogger("mockserver"), "propagate", True)
    assert_error(api.client.put(f"{TASKS}/{UNKNOWN_ID}", json={}, headers={"authorization": PLAIN}), 500)
    wait_until(failed.is_set)
    assert "broken on purpose" in caplog.text
    assert PLAIN not in caplog.text
