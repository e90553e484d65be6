"""Why a request was answered as it was: the rule that decided, its evidence, and every problem."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support import CUSTOMER, INACTIVE_USER, MARIA, UNKNOWN_ID, Api, issues, problems

from mockserver.fidelity import contract

RULES = {rule.name: rule for rule in contract.RULES}
JSON = {"content-type": "application/json"}


def explained(api: Api, response: httpx.Response) -> dict[str, Any]:
    return api.client.get(f"/__admin/requests/{response.headers['X-Mock-Request-Id']}").json()


def evidence(document: dict[str, Any]) -> tuple[str, str, str | None]:
    return document["rule"], document["evidence"], document["section"]


def test_a_missing_title_is_decided_by_a_documented_rule_of_section_2(api: Api) -> None:
    entry = explained(api, api.create(title=...))
    assert evidence(entry["decision"]) == ("title.required", "documented", "2")
    (problem,) = entry["problems"]
    assert problem["path"] == ["title"]
    assert (problem["message"], problem["code"]) == ("Required: expected a string", "required")
    assert entry["decision"]["body"] == {"rule": "validation-body", "evidence": "framework"}
    assert evidence(problem) == ("title.required", "documented", "2")


def test_every_problem_has_its_path_its_rule_its_section_and_its_evidence(api: Api) -> None:
    response = api.create(
        title="", dueDate="x", dueTime="9:00", timezone="x", responsibleIds=[MARIA, "x"], aiContactId=1, priority=1
    )
    entry = explained(api, response)
    told = [(problem["path"], *evidence(problem)) for problem in entry["problems"]]
    assert told == [
        (["title"], "title.too_small", "documented", "2"),
        (["dueDate"], "dueDate.invalid_date", "documented", "2"),
        (["dueTime"], "dueTime.invalid_time", "documented", "2"),
        (["timezone"], "timezone.invalid_timezone", "documented", "2"),
        (["responsibleIds", 1], "responsibleIds.invalid_uuid", "documented", "2"),
        (["aiContactId"], "aiContactId.invalid_type", "documented", "2"),
        (["priority"], "priority.invalid_type", "documented", "2"),
    ]
    assert evidence(entry["decision"]) == told[0][1:]
    shown = [(problem["path"], problem["code"]) for problem in entry["problems"]]
    assert shown == problems(response)
    assert [path for path, _ in issues(response)] == [path for path, _ in shown]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"responsibleIds": "x"}, ("responsibleIds.invalid_uuid", "ours", "3")),
        ({"fromDate": "x"}, ("fromDate.invalid_date", "ours", "3")),
        ({"toDate": ["2025-11-26", "2025-11-27"]}, ("toDate.repeated", "framework", "3")),
        (
            {"includeTasksWithoutDates": "yes"},
            ("includeTasksWithoutDates.invalid_choice", "ours", "3"),
        ),
    ],
)
def test_a_problem_of_the_list_s_query_is_explained_by_section_3(
    api: Api, query: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    entry = explained(api, api.list(**query))
    assert [evidence(problem) for problem in entry["problems"]] == [expected]
    assert evidence(entry["decision"]) == expected


def test_a_list_without_responsible_ids_is_told_that_they_may_be_empty(api: Api) -> None:
    (problem,) = explained(api, api.list(responsibleIds=[]))["problems"]
    assert problem["message"] == "Required; leave it empty for the tasks of all users: expected an array"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title": None}, ("title.null", "ours", "4")),
        ({"newStatusName": "x", "newStatusPosition": 1}, ("newStatusName.conflict", "documented", "4")),
        ({"newStatusPosition": "1"}, ("newStatusPosition.invalid_type", "ours", "4")),
        (
            {"dueDate": "9999-12-31", "dueTime": "23:59", "timezone": "America/Santiago"},
            ("dueDate.out_of_range", "ours", "2"),
        ),
    ],
)
def test_a_problem_of_an_update_is_explained(api: Api, fields: dict[str, Any], expected: tuple[str, str, str]) -> None:
    entry = explained(api, api.update(api.created()["id"], **fields))
    assert entry["response"]["status"] == 400
    assert [evidence(problem) for problem in entry["problems"]] == [expected]


def test_what_strict_mode_refuses_is_explained_by_section_7(api: Api) -> None:
    api.created()
    api.client.patch("/__admin/settings", json={"strict": True})
    entry = explained(api, api.create(colour="red", dueDate="2025-11-26", dueTime="14:30"))
    assert [evidence(problem) for problem in entry["problems"]] == [("strict-mode", "ours", "7")] * 2
    assert [
        word in problem["message"] for word, problem in zip(("dueTime", "colour"), entry["problems"], strict=True)
    ] == [True] * 2
    assert entry["decision"]["body"] == {"rule": "strict-mode", "evidence": "ours"}


@pytest.mark.parametrize("kind", ["update", "delete"])
def test_the_404_of_a_task_tells_its_id_and_where_it_was_looked_up(api: Api, kind: str) -> None:
    entry = explained(api, getattr(api, kind)(UNKNOWN_ID))
    assert evidence(entry["decision"]) == (f"{kind}-unknown", "documented", "4" if kind == "update" else "5")
    (problem,) = entry["problems"]
    assert problem["path"] == ["id"]
    assert problem["message"] == f"the sandbox has no task {UNKNOWN_ID}"


def test_the_404_of_a_deleted_task_tells_when_it_was_deleted(api: Api) -> None:
    task = api.created()
    api.delete(task["id"])
    (problem,) = explained(api, api.delete(task["id"]))["problems"]
    assert problem["message"] == "the task was deleted at 2025-11-26T09:00:01.000Z"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"responsibleIds": [MARIA, INACTIVE_USER, UNKNOWN_ID], "aiContactId": UNKNOWN_ID},
            [
                (["responsibleIds"], f"the sandbox has no active user {INACTIVE_USER}"),
                (["responsibleIds"], f"the sandbox has no active user {UNKNOWN_ID}"),
            ],
        ),
        ({"aiContactId": CUSTOMER}, [(["aiContactId"], f"the sandbox has no contact {CUSTOMER}")]),
        ({"aiCustomerId": UNKNOWN_ID}, [(["aiCustomerId"], f"the sandbox has no customer {UNKNOWN_ID}")]),
    ],
)
def test_the_404_of_a_reference_tells_each_id_and_where_it_was_looked_up(
    api: Api, fields: dict[str, Any], told: list[tuple[list[str], str]]
) -> None:
    entry = explained(api, api.create(**fields))
    assert entry["response"]["status"] == 404
    kind = "unknown-responsible" if "responsibleIds" in fields else "unknown-contact"
    assert entry["decision"]["rule"] in (kind, "inactive-responsible")
    assert [(problem["path"], problem["message"]) for problem in entry["problems"]] == told


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({"newStatusName": "pendiente"}, "Pendiente, En Progreso, Completada, Cerrada"),
        ({"newStatusPosition": 99}, "1, 2, 3, 4"),
    ],
)
def test_the_404_of_a_status_tells_which_there_are(api: Api, fields: dict[str, Any], known: str) -> None:
    entry = explained(api, api.update(api.created()["id"], **fields))
    assert evidence(entry["decision"])[1:] == ("ours", "4")
    assert entry["decision"]["rule"] == ("update-status" if "newStatusName" in fields else "status-position")
    (problem,) = entry["problems"]
    assert problem["path"] == list(fields)
    assert known in problem["message"]
    assert str(next(iter(fields.values()))) in entry["response"]["json"]["message"]


def test_a_refusal_before_the_fields_is_explained_as_a_whole(api: Api) -> None:
    refused = [
        (api.client.post("/api/public/tasks", content=b"{", headers=JSON), "json", "ours", "line 1, column 2"),
        (api.client.post("/api/public/tasks", content=b"[]", headers=JSON), "body-object", "framework", "an array"),
        (api.client.get("/api/public/x"), "unknown-route", "framework", "Cannot GET /api/public/x"),
        (api.client.patch("/api/public/tasks"), "wrong-method", "framework", "Cannot PATCH /api/public/tasks"),
        (
            api.client.post("/api/public/tasks", content=b" " * 1_048_577, headers=JSON),
            "body-size",
            "framework",
            "too large",
        ),
    ]
    for response, rule, kind, message in refused:
        entry = explained(api, response)
        assert evidence(entry["decision"]) == (rule, kind, "1")
        (problem,) = entry["problems"]
        assert problem["path"] == []
        assert message in problem["message"]
        assert evidence(problem) == (rule, kind, "1")


def test_a_success_is_explained_too(api: Api) -> None:
    task = api.created()
    for response, rule, body in (
        (api.create(), "create-status", "task-object"),
        (api.list(), "success-status", "task-object"),
        (api.update(task["id"]), "success-status", "task-object"),
        (api.delete(task["id"]), "success-status", "delete"),
        (api.client.get("/api/public/team-members/all"), "success-status", "team-members"),
    ):
        entry = explained(api, response)
        assert evidence(entry["decision"]) == (rule, "framework", "1")
        assert entry["decision"]["body"] == {"rule": body, "evidence": "documented"}
        assert entry["problems"] == []


@pytest.mark.parametrize(
    ("method", "path", "key", "content", "status", "body"),
    [
        ("GET", "/x", "", b"", "unknown-route", "error-body"),
        ("GET", "/team-members/all", "", b"", "key", "unauthorized-body"),
        ("DELETE", "/tasks/x", "test_explain", b"", "path-uuid", "path-id"),
        ("DELETE", f"/tasks/{UNKNOWN_ID}", "test_explain", b"", "delete-unknown", "error-body"),
        ("POST", "/tasks", "test_explain", b"{", "json", "json"),
        ("POST", "/tasks", "test_explain", b" " * 1_048_577, "body-size", "body-size"),
    ],
)
def test_an_answer_has_two_evidences(
    api: Api, method: str, path: str, key: str, content: bytes, status: str, body: str
) -> None:
    sent = {"x-api-key": key} | JSON
    response = httpx.request(method, f"{api.url}/api/public{path}", content=content, headers=sent, verify=False)
    url = f"{api.url}/__admin/requests/{response.headers['X-Mock-Request-Id']}"
    decision = httpx.get(url, params={"sandbox": key[5:]} if key else {"unidentified": "true"}, verify=False).json()[
        "decision"
    ]
    assert decision["evidence"] == RULES[status].evidence
    assert decision["section"] == RULES[status].section
    assert decision["body"] == {"rule": body, "evidence": RULES[body].evidence}


def test_what_the_mock_did_on_its_own_is_no_rule_of_the_contract(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"rate_limit": {"requests": 3, "seconds": 3600}})
    headers = {"Prefer": "code=503"}
    preferred = explained(api, api.client.get("/api/public/team-members/all", headers=headers))
    assert evidence(preferred["decision"]) == ("mock-preference", "mock", None)
    refused = explained(api, api.client.get("/api/public/team-members/all", headers={"Prefer": "code=1"}))
    assert evidence(refused["decision"]) == ("mock-preference", "mock", None)
    assert "code=1" in refused["problems"][0]["message"]
    api.list()
    limited = explained(api, api.list())
    assert limited["response"]["status"] == 429
    assert evidence(limited["decision"]) == ("mock-rate-limit", "mock", None)


def test_every_explanation_of_the_contract_s_fields_names_a_rule_of_the_contract(api: Api) -> None:
    body = {field: {} for field in ("title", "description", "dueDate", "dueTime", "timezone", "responsibleIds")}
    body |= {field: {} for field in ("aiContactId", "aiCustomerId", "priority")}
    created = api.create(**body, statusId={})
    updated = api.update(api.created()["id"], **body, newStatusName={})
    for response, count in ((created, 10), (updated, 10), (api.client.get("/api/public/tasks"), 3)):
        entry = explained(api, response)
        assert len(entry["problems"]) == count
        assert {problem["evidence"] for problem in entry["problems"]} <= set(contract.EVIDENCE)
        assert {problem["section"] for problem in entry["problems"]} <= set(contract.SECTIONS)
