"""`GET /api/public/team-members/all`."""

from __future__ import annotations

import re

import httpx
import pytest
from support import CARLOS, INACTIVE_USER, MARIA, VALENTINA, Api, assert_error, running


def members(api: Api) -> httpx.Response:
    return api.client.get("/api/public/team-members/all")


def test_the_active_users_are_listed_in_the_order_of_the_fixtures(api: Api) -> None:
    response = members(api)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert [member["id"] for member in response.json()] == [
        MARIA,
        CARLOS,
        VALENTINA,
        "74abd874-f2a8-4753-b6b6-9290b9e68ec9",
        "e8e0757e-2a7a-46d7-826a-4a6857b5a449",
    ]


def test_an_inactive_user_is_left_out(api: Api) -> None:
    assert INACTIVE_USER not in members(api).text
    assert INACTIVE_USER in str(api.state()["users"])


def test_a_member_has_these_keys_in_this_order(api: Api) -> None:
    assert list(members(api).json()[0].items()) == [
        ("id", MARIA),
        ("name", "Maria Rodriguez"),
        ("first_name", "Maria"),
        ("last_name", "Rodriguez"),
        ("email", "maria.rodriguez@example.com"),
        ("phone", "+56900001001"),
    ]


def test_the_name_is_the_first_and_the_last_name(api: Api) -> None:
    for member in members(api).json():
        assert member["name"] == f"{member['first_name']} {member['last_name']}"
        assert re.fullmatch(r"\+569[0-9]{8}", member["phone"])


def test_every_member_can_be_made_responsible(api: Api) -> None:
    ids = [member["id"] for member in members(api).json()]
    assert api.created(responsibleIds=ids)["task_responsibles"] == [{"responsible_id": id} for id in ids]


def test_query_and_body_are_not_looked_at(api: Api) -> None:
    odd = api.client.request("GET", "/api/public/team-members/all?page=x&page=y", content=b"{")
    assert odd.content == members(api).content


@pytest.mark.parametrize("path", ["/api/public/team-members", "/api/public/team-members/all//"])
def test_there_is_no_path_beside_it(api: Api, path: str) -> None:
    assert_error(api.client.get(path), 404, f"Cannot GET {path}")


def test_the_demo_has_the_same_team(api: Api) -> None:
    with running(fixtures="demo") as url:
        response = httpx.get(f"{url}/api/public/team-members/all", headers={"x-api-key": "test_demo"})
    assert response.content == members(api).content
