"""The settings of a sandbox, the sandboxes there are, and which one a control call is about."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from support import CONTACT, MARIA, Api, assert_error, paths, running

SETTINGS = "/__admin/settings"
SANDBOXES = "/__admin/sandboxes"
DEFAULTS = {"strict": False, "delay_ms": 0, "rate_limit": None, "assume": {}}
LIMIT = {"requests": 2, "seconds": 3600}


def patch(api: Api, **change: Any) -> dict[str, Any]:
    response = api.client.patch(SETTINGS, json=change)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A client without a key, of a server that no other test has."""
    with running(max_sandboxes=4) as url, httpx.Client(base_url=url, verify=False) as client:
        yield client


# Settings.


def test_a_new_sandbox_has_the_default_settings(api: Api) -> None:
    api.list()
    assert api.client.get(SETTINGS).json() == DEFAULTS


def test_what_is_patched_changes_and_the_rest_stays(api: Api) -> None:
    assert patch(api, strict=True) == DEFAULTS | {"strict": True}
    assert patch(api, delay_ms=5) == DEFAULTS | {"strict": True, "delay_ms": 5}
    changed = {"strict": True, "delay_ms": 5, "rate_limit": {"requests": 100, "seconds": 60}, "assume": {}}
    assert patch(api, rate_limit={"requests": 100, "seconds": 60}) == changed
    assert patch(api) == changed
    assert api.client.get(SETTINGS).json() == changed
    assert patch(api, rate_limit=None, delay_ms=0, strict=False) == DEFAULTS


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"strict": 1}, ["strict"]),
        ({"strict": None}, ["strict"]),
        ({"delay_ms": -1}, ["delay_ms"]),
        ({"delay_ms": 60_001}, ["delay_ms"]),
        ({"delay_ms": 1.5}, ["delay_ms"]),
        ({"delay_ms": "5"}, ["delay_ms"]),
        ({"rate_limit": 5}, ["rate_limit"]),
        ({"rate_limit": {}}, ["rate_limit", "requests"]),
        ({"rate_limit": {"requests": 0, "seconds": 1}}, ["rate_limit", "requests"]),
        ({"rate_limit": {"requests": 1, "seconds": 0}}, ["rate_limit", "seconds"]),
        ({"rate_limit": {"requests": 1, "seconds": 86_401}}, ["rate_limit", "seconds"]),
        ({"rate_limit": {"requests": True, "seconds": 1}}, ["rate_limit", "requests"]),
        ({"rate_limit": {**LIMIT, "per": "key"}}, ["rate_limit", "per"]),
        ({"latency": 5}, ["latency"]),
    ],
)
def test_a_setting_that_cannot_be_used_changes_nothing(api: Api, change: dict[str, Any], path: list[str]) -> None:
    api.list()
    response = api.client.patch(SETTINGS, json={"delay_ms": 7, "strict": True} | change)
    assert path in paths(response)
    assert api.client.get(SETTINGS).json() == DEFAULTS


def test_an_unknown_key_is_answered_with_the_keys_there_are(api: Api) -> None:
    api.list()
    top = api.client.patch(SETTINGS, json={"latency": 5}).json()["errors"][0]["message"]
    assert "strict, delay_ms, rate_limit" in top
    nested = api.client.patch(SETTINGS, json={"rate_limit": {**LIMIT, "per": 1}}).json()["errors"][0]["message"]
    assert "requests, seconds" in nested
    assert "strict" not in nested


def test_strict_is_of_the_sandbox_and_can_be_switched(api: Api, other_api: Api) -> None:
    patch(api, strict=True)
    assert_error(api.create(colour="red"), 400)
    assert other_api.create(colour="red").status_code == 201
    patch(api, strict=False)
    assert api.create(colour="red").status_code == 201


def test_a_strict_server_s_sandboxes_begin_strict_and_return_to_it() -> None:
    with running(strict=True) as url:
        api = Api(url, "test_a")
        with api.client:
            assert patch(api)["strict"] is True
            patch(api, strict=False)
            api.client.post("/__admin/reset", json={"only": ["settings"]})
            assert api.client.get(SETTINGS).json()["strict"] is True


def test_every_request_of_the_sandbox_waits_for_its_delay(api: Api) -> None:
    patch(api, delay_ms=80)
    for response in (api.create(), api.list(), api.create(title="")):
        entry = api.client.get(f"/__admin/requests/{response.headers['X-Mock-Request-Id']}").json()
        assert entry["duration_ms"] >= 80
    assert api.client.get(SETTINGS).elapsed.total_seconds() < 60  # it is not a request of the imitated API


def test_past_the_rate_limit_the_vendor_s_429_says_when_to_retry(api: Api) -> None:
    patch(api, rate_limit=LIMIT)
    api.listed()
    api.created()
    response = api.create()
    assert assert_error(response, 429)["error"] == "Too Many Requests"
    assert 3590 <= int(response.headers["Retry-After"]) <= 3600
    assert len(api.state()["tasks"]) == 1
    assert patch(api, rate_limit=LIMIT)["rate_limit"] == LIMIT
    assert api.list().status_code == 200
    patch(api, rate_limit=None)
    assert [api.list().status_code for _ in range(4)] == [200] * 4


def test_control_calls_are_neither_limited_nor_delayed_nor_faulted(api: Api) -> None:
    patch(api, rate_limit={"requests": 1, "seconds": 3600}, delay_ms=60_000)
    api.client.post("/__admin/faults", json={"status": 503, "times": None})
    api.client.post("/__admin/faults", json={"connection": "reset", "times": None})
    for _ in range(3):
        for path in ("state", "requests", "clock", "settings", "faults", "snapshots", "health"):
            response = api.client.get(f"/__admin/{path}", headers={"Prefer": "code=500, delay=60000"})
            assert response.status_code == 200
            assert not {"X-Mock-Request-Id", "X-Mock-Fault", "Preference-Applied"} & set(response.headers)
    faults = api.client.get("/__admin/faults").json()["faults"]
    assert [fault["hits"] for fault in faults] == [0, 0]
    assert api.client.get("/__admin/requests").json()["total"] == 0


def test_the_rate_limit_of_one_sandbox_leaves_the_others_alone(api: Api, other_api: Api) -> None:
    patch(api, rate_limit={"requests": 1, "seconds": 3600})
    assert [api.list().status_code for _ in range(2)] == [200, 429]
    assert [other_api.list().status_code for _ in range(3)] == [200] * 3


def test_the_rate_limit_is_exact_under_load(api: Api) -> None:
    patch(api, rate_limit={"requests": 20, "seconds": 3600})

    def create(_: int) -> int:
        actor = Api(api.url, api.key)
        with actor.client:
            return actor.create().status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(create, range(40)))
    assert sorted(statuses) == [201] * 20 + [429] * 20


# Sandboxes.


def test_sandboxes_are_opened_listed_and_forgotten(client: httpx.Client) -> None:
    base_url = str(client.base_url).rstrip("/")

    def shown(name: str) -> dict[str, str]:
        return {"name": name, "api_key": f"test_{name}", "base_url": base_url}

    assert client.get(SANDBOXES).json() == {"sandboxes": [shown("default")]}
    response = client.post(SANDBOXES, json={"name": "gw3"})
    assert (response.status_code, response.json()) == (201, shown("gw3"))
    assert client.get(SANDBOXES).json() == {"sandboxes": [shown("default"), shown("gw3")]}
    task = {"title": "x", "responsibleIds": [MARIA], "priority": "1", "aiContactId": CONTACT}
    headers = {"x-api-key": response.json()["api_key"]}
    assert client.post("/api/public/tasks", json=task, headers=headers).status_code == 201
    assert len(client.get("/__admin/state?sandbox=gw3").json()["tasks"]) == 1
    assert client.delete(f"{SANDBOXES}/gw3").json() == {"deleted": "gw3"}
    assert_error(client.get("/__admin/state?sandbox=gw3"), 404)
    assert_error(client.delete(f"{SANDBOXES}/gw3"), 404)
    client.post(SANDBOXES, json={"name": "gw3"}).raise_for_status()
    assert client.get("/__admin/state?sandbox=gw3").json()["tasks"] == []
    assert client.get("/__admin/snapshots?sandbox=gw3").json() == {"snapshots": []}


def test_a_sandbox_without_a_name_gets_one_that_nobody_has(client: httpx.Client) -> None:
    made = [client.post(SANDBOXES).json(), client.post(SANDBOXES, json={}).json()]
    assert made[0]["name"] != made[1]["name"]
    for each in made:
        assert client.get("/__admin/state", params={"sandbox": each["name"]}).status_code == 200
        assert client.get("/__admin/state", headers={"x-api-key": each["api_key"]}).status_code == 200


def test_a_sandbox_that_is_there_is_not_opened_twice(client: httpx.Client) -> None:
    assert '"default"' in assert_error(client.post(SANDBOXES, json={"name": "default"}), 400)["message"]


@pytest.mark.parametrize("body", [{}, {"name": "gw3"}])
def test_the_query_names_a_new_sandbox_as_the_body_does(client: httpx.Client, body: dict[str, str]) -> None:
    assert client.post(f"{SANDBOXES}?sandbox=gw3", json=body).json()["api_key"] == "test_gw3"
    assert '"gw3"' in assert_error(client.post(f"{SANDBOXES}?sandbox=gw3"), 400)["message"]


def test_a_new_sandbox_with_two_names_is_a_400(client: httpx.Client) -> None:
    message = 'The query names the sandbox "gw3", the body "gw4": send one name'
    assert_error(client.post(f"{SANDBOXES}?sandbox=gw3", json={"name": "gw4"}), 400, message)
    assert len(client.get(SANDBOXES).json()["sandboxes"]) == 1


def test_past_the_cap_every_call_that_would_open_one_is_a_503_that_says_so(client: httpx.Client) -> None:
    for name in ("a", "b", "c"):
        client.post(SANDBOXES, json={"name": name}).raise_for_status()
    for response in (
        client.post(SANDBOXES, json={"name": "d"}),
        client.post(SANDBOXES),
        client.post("/__admin/reset?sandbox=d"),
        client.patch(f"{SETTINGS}?sandbox=d", json={"strict": True}),
        client.get("/api/public/team-members/all", headers={"x-api-key": "test_d"}),
    ):
        message = assert_error(response, 503)["message"]
        assert "4 sandboxes" in message
        assert "--max-sandboxes" in message
    assert client.post("/__admin/reset?sandbox=c").status_code == 200
    client.delete(f"{SANDBOXES}/c").raise_for_status()
    assert client.post(SANDBOXES, json={"name": "d"}).status_code == 201


BAD_NAMES = ["", "x" * 65, ".", "..", "a/b", "a b", "é", "a\n", "%2e", "a:b"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_a_400_everywhere(client: httpx.Client, name: str) -> None:
    assert_error(client.post(SANDBOXES, json={"name": name}), 400)
    assert_error(client.post(SANDBOXES, params={"sandbox": name}), 400)
    for method, path in (("GET", "state"), ("GET", "requests"), ("POST", "reset"), ("GET", "events"), ("GET", "clock")):
        message = assert_error(client.request(method, f"/__admin/{path}", params={"sandbox": name}), 400)["message"]
        assert "A-Z a-z 0-9 . _ -" in message
    assert len(client.get(SANDBOXES).json()["sandboxes"]) == 1


@pytest.mark.parametrize("body", [{"name": 5}, {"name": ["a"]}, {"names": "a"}, []])
def test_a_sandbox_that_cannot_be_opened_is_a_400(client: httpx.Client, body: object) -> None:
    assert_error(client.post(SANDBOXES, json=body), 400)
    assert len(client.get(SANDBOXES).json()["sandboxes"]) == 1


def test_a_sandbox_that_does_not_exist_is_named_and_those_that_do_are_listed(client: httpx.Client) -> None:
    client.post(SANDBOXES, json={"name": "gw1"})
    for response in (
        client.get("/__admin/state?sandbox=gw2"),
        client.get("/__admin/events?sandbox=gw2"),
        client.get("/__admin/requests/1", headers={"x-api-key": "test_gw2"}),
        client.delete(f"{SANDBOXES}/gw2"),
    ):
        message = assert_error(response, 404)["message"]
        assert '"gw2"' in message
        assert "default, gw1" in message


def test_many_sandboxes_are_not_all_listed(api: Api) -> None:
    for number in range(25):
        api.client.post(SANDBOXES, json={"name": f"{api.key}-{number}"}).raise_for_status()
    message = assert_error(api.client.get("/__admin/state?sandbox=nobody"), 404)["message"]
    assert len(message) < 2000
    assert " more" in message


# Which sandbox, and what a call takes.


def test_the_sandbox_is_the_one_named_else_the_key_s_else_default(client: httpx.Client) -> None:
    headers = {"x-api-key": "test_a"}
    client.patch(f"{SETTINGS}?sandbox=b", json={"delay_ms": 3}, headers=headers).raise_for_status()
    client.patch(SETTINGS, json={"delay_ms": 2}, headers=headers).raise_for_status()
    client.patch(SETTINGS, json={"delay_ms": 1}).raise_for_status()
    shown = [client.get(SETTINGS, params={"sandbox": name}).json()["delay_ms"] for name in ("default", "a", "b")]
    assert shown == [1, 2, 3]
    assert client.get(SETTINGS, headers={"x-api-key": "vambe_carlos_key"}).json()["delay_ms"] == 1
    assert_error(client.get(SETTINGS, headers={"x-api-key": "unknown"}), 401)


def test_an_unknown_parameter_is_refused_with_those_there_are(client: httpx.Client) -> None:
    for method, path, known in (
        ("GET", "state", "sandbox"),
        ("POST", "reset", "sandbox"),
        ("GET", "health", "sandbox"),
        ("GET", "requests", "since, limit, method, path, operation, status, unidentified, sandbox"),
        ("GET", "events", "sandbox"),
    ):
        message = assert_error(client.request(method, f"/__admin/{path}?sandbx=a"), 400)["message"]
        assert '"sandbx"' in message
        assert message.endswith(known)


def test_what_the_control_plane_has_not_is_a_404_and_another_method_a_405(client: httpx.Client) -> None:
    assert_error(client.get("/__admin/nowhere"), 404, "Cannot GET /__admin/nowhere")
    assert_error(client.post("/__admin"), 404)
    response = client.put("/__admin/reset", json={})
    assert_error(response, 405)
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'{"to": "empty"', b"\xff", b'{"to": NaN}'])
def test_a_body_that_is_no_json_object_is_a_400(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/__admin/reset", content=body, headers={"content-type": "application/json"})
    assert_error(answer, 400)


def test_a_body_over_the_limit_is_a_413(client: httpx.Client) -> None:
    body = b'{"name": "' + b"a" * 1_048_576 + b'"}'
    assert_error(client.post(SANDBOXES, content=body, headers={"content-type": "application/json"}), 413)
