"""Requests whose key opens no sandbox: in a journal of their own, where they push nothing out that a test relies on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import Api, assert_error, command, running

from mockserver.testing import MockServer

TEAM = "/api/public/team-members/all"


@pytest.fixture
def url() -> Iterator[str]:
    """A server of the test's own, whose journals keep twenty entries."""
    with running(journal_limit=20) as url:
        yield url


@pytest.fixture
def default(url: str) -> Iterator[Api]:
    actor = Api(url, "test_default")
    with actor.client:
        yield actor


@pytest.fixture
def stranger(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, verify=False, trust_env=False) as client:
        yield client


def call(api: Api, method: str, path: str = "", query: str = "unidentified=true", **options: Any) -> httpx.Response:
    return api.client.request(method, f"/__admin/requests{path}?{query}", **options)


def test_pages_without_a_key_push_nothing_out_of_the_journal_of_default(default: Api, stranger: httpx.Client) -> None:
    default.created()
    for _ in range(25):
        assert_error(stranger.get(TEAM), 401)
    expected = {"request": {"operation": "createTask"}, "times": {"exactly": 1}}
    assert call(default, "POST", "/verify", "", json=expected).json() == {"passed": True, "actual": 1}
    assert call(default, "GET", query="").json()["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", TEAM, 401), ("GET", "/elsewhere", 404), ("PATCH", "/api/public/tasks", 404)]
)
@pytest.mark.parametrize("key", [None, "wrong-key", "vambe_revoked_key", "test_", "test_a b"])
def test_whatever_is_answered_it_is_there_under_an_id_of_its_own(
    default: Api, stranger: httpx.Client, method: str, path: str, status: int, key: str | None
) -> None:
    default.listed()
    answer = stranger.request(method, path, headers={} if key is None else {"x-api-key": key})
    assert (answer.status_code, answer.headers["X-Mock-Request-Id"]) == (status, "1")
    (entry,) = call(default, "GET").json()["requests"]
    assert (entry["id"], entry["state"], entry["response"]["status"]) == (1, "answered", status)
    assert call(default, "GET", "/1").json() == entry
    assert call(default, "GET", query="").json()["total"] == 1


def test_they_are_found_counted_and_cleared_by_themselves(default: Api, stranger: httpx.Client) -> None:
    default.listed()
    stranger.get(TEAM)
    stranger.get("/elsewhere")
    pattern = {"operation": "listTeamMembers"}
    assert call(default, "POST", "/count", json=pattern).json() == {"count": 1}
    assert [entry["id"] for entry in call(default, "POST", "/find", json=pattern).json()["requests"]] == [1]
    assert [entry["id"] for entry in call(default, "GET", query="unidentified=true&since=1").json()["requests"]] == [2]
    assert call(default, "POST", "/count", "unidentified=false", json={}).json() == {"count": 1}
    assert call(default, "DELETE").json() == {"requests": [], "total": 0, "dropped": 0}
    assert call(default, "GET").json()["total"] == 0
    assert call(default, "GET", query="").json()["total"] == 1
    assert "opens no sandbox" in assert_error(call(default, "GET", "/1"), 404)["message"]
    assert_error(call(default, "GET", query="unidentified=yes"), 400)


def test_no_verification_looks_there_and_no_reset_empties_it(default: Api, stranger: httpx.Client) -> None:
    stranger.get(TEAM)
    never = {"request": {}, "times": {"never": True}}
    assert call(default, "POST", "/verify", "", json=never).json() == {"passed": True, "actual": 0}
    assert_error(call(default, "POST", "/verify", json=never), 400)
    default.client.post("/__admin/reset").raise_for_status()
    assert call(default, "GET").json()["total"] == 1


def test_the_newest_two_hundred_are_kept(default: Api, stranger: httpx.Client) -> None:
    for _ in range(203):
        stranger.get(TEAM)
    found = call(default, "GET").json()
    assert (found["requests"][0]["id"], found["total"], found["dropped"]) == (4, 200, 3)


def test_it_is_no_sandbox(default: Api, stranger: httpx.Client) -> None:
    stranger.get(TEAM)
    assert [each["name"] for each in default.client.get("/__admin/sandboxes").json()["sandboxes"]] == ["default"]
    assert default.client.get("/__admin/health").json()["sandboxes"] == 1
    assert_error(default.client.get("/__admin/requests?sandbox="), 400)
    with running(max_sandboxes=2) as url, httpx.Client(base_url=url, verify=False, trust_env=False) as client:
        assert client.get(TEAM, headers={"x-api-key": "test_a"}).status_code == 200
        assert client.get(TEAM, headers={"x-api-key": "test_b"}).status_code == 503


def test_requests_ends_with_their_number_and_shows_them_on_demand(default: Api, stranger: httpx.Client) -> None:
    def shown(*options: str) -> list[str]:
        ended = command("requests", "--url", default.url, *options)
        assert ended.returncode == 0, ended.stderr
        return [*ended.stdout.splitlines(), *ended.stderr.splitlines()]

    default.listed()
    assert len(shown()) == 1
    stranger.get(TEAM)
    assert shown()[1] == "(1 request has a key that opens no sandbox, or none: --unidentified shows them)"
    stranger.get("/elsewhere")
    assert shown()[1].startswith("(2 requests have a key")
    assert [line for line in shown("--unidentified") if line[0] == "#"] == [
        "#1  09:00:00  GET /api/public/team-members/all  401  (listTeamMembers)",
        "#2  09:00:00  GET /elsewhere  404  (no operation)",
    ]
    assert len(shown("--json")) == 1
    assert command("requests", "--url", default.url, "--unidentified", "--follow").returncode == 2


def test_a_report_shows_those_that_came_meanwhile() -> None:
    server = MockServer().start()
    try:
        httpx.get(f"{server.base_url}/before")
        mock = server.sandbox()
        assert "opens no sandbox" not in mock.explain()
        httpx.get(f"{server.base_url}{TEAM}", headers={"x-api-key": "wrong"})
        lines = mock.explain().splitlines()
    finally:
        server.stop()
    assert lines[0].startswith("No request was answered in this sandbox")
    assert lines[1] == "Meanwhile, the server refused requests of any test whose key opens no sandbox:"
    assert lines[2] == "#2  09:00:00  GET /api/public/team-members/all  401  (listTeamMembers)"
    assert "/before" not in "".join(lines)
