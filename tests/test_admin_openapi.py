"""`/__admin/openapi.json`: valid, complete, and true of what the control plane takes and answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest
from flask import Flask
from support import Api, paths

from mockserver.admin import openapi
from mockserver.admin.routes import BASE_PATH, ROUTES
from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.engine import EXTENSION

TABLE = {
    ("GET", "/health"),
    ("POST", "/reset"),
    ("GET", "/state"),
    ("PUT", "/state"),
    ("POST", "/tasks"),
    ("GET", "/sandboxes"),
    ("POST", "/sandboxes"),
    ("DELETE", "/sandboxes/{name}"),
    ("GET", "/snapshots"),
    ("POST", "/snapshots"),
    ("POST", "/snapshots/{name}/restore"),
    ("DELETE", "/snapshots/{name}"),
    ("GET", "/requests"),
    ("DELETE", "/requests"),
    ("GET", "/requests/{id}"),
    ("POST", "/requests/count"),
    ("POST", "/requests/find"),
    ("POST", "/requests/verify"),
    ("GET", "/faults"),
    ("POST", "/faults"),
    ("DELETE", "/faults"),
    ("DELETE", "/faults/{id}"),
    ("GET", "/clock"),
    ("PUT", "/clock"),
    ("POST", "/clock/advance"),
    ("GET", "/settings"),
    ("PATCH", "/settings"),
    ("GET", "/failures"),
    ("GET", "/events"),
}
CREATIONS = {("POST", "/sandboxes"), ("POST", "/snapshots"), ("POST", "/tasks"), ("POST", "/faults")}


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    application = create_app(Settings())
    yield application
    application.extensions[EXTENSION].close()


def calls(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path.removeprefix(BASE_PATH)): described
        for path, item in document["paths"].items()
        for method, described in item.items()
    }


def test_it_is_a_valid_description(api: Api) -> None:
    response = api.client.get("/__admin/openapi.json")
    assert response.status_code == 200
    openapi_spec_validator.validate(response.json())
    assert response.json() == openapi.document() | {"servers": response.json()["servers"]}
    assert response.json()["servers"][0]["url"] == api.url


def test_every_call_of_the_table_is_in_it_and_no_other() -> None:
    assert set(calls(openapi.document())) == TABLE
    assert {(route.method, route.path) for route in ROUTES} == TABLE


def test_every_route_of_the_control_plane_is_in_it(app: Flask) -> None:
    routes = {
        (method, re.sub(r"<string:(\w+)>", r"{\1}", rule.rule).removeprefix(BASE_PATH))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(f"{BASE_PATH}/") and not rule.endpoint.startswith("console.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == TABLE | {("GET", "/openapi.json")}


def test_creations_answer_201_and_everything_else_200() -> None:
    for call, described in calls(openapi.document()).items():
        assert ("201" in described["responses"]) == (call in CREATIONS)
        assert ("200" in described["responses"]) == (call not in CREATIONS)
        assert {"400", "401", "403", "404", "415", "421", "503"} <= set(described["responses"])


def test_every_call_has_an_id_and_a_summary_of_its_own() -> None:
    described = calls(openapi.document()).values()
    assert (
        len({each["operationId"] for each in described}) == len({each["summary"] for each in described}) == len(TABLE)
    )
    assert all(each["summary"] for each in described)


def test_the_parameters_are_those_that_a_call_takes(app: Flask) -> None:
    client = app.test_client()
    for (method, path), described in calls(openapi.document()).items():
        names = [parameter["name"] for parameter in described["parameters"] if parameter["in"] == "query"]
        in_path = {parameter["name"] for parameter in described["parameters"] if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        response = client.open(f"{BASE_PATH}{path.format(name='a', id='1')}?unknown=1", method=method)
        assert response.status_code == 400
        assert response.json is not None
        taken = response.json["message"].partition("this call takes ")[2]
        assert names == [name for name in taken.split(", ") if name in names]
        assert set(taken.split(", ")) - set(names) <= {"sandbox"}


BODIES: list[tuple[str, str, list[Any], list[Any]]] = [
    ("POST", "/reset", [{}, {"to": "empty", "only": ["ids"]}], [{"to": 5}, {"only": ["x"]}, {"only": []}, {"x": 1}]),
    ("POST", "/snapshots", [{"name": "a"}], [{}, {"name": None}, {"name": "b", "x": 1}]),
    ("POST", "/sandboxes", [{}, {"name": "a"}], [{"name": 5}, {"x": 1}]),
    (
        "PUT",
        "/clock",
        [{}, {"mode": "frozen", "now": "2026-03-01T08:00:00.000Z", "tick_ms": 5}],
        [{"mode": "x"}, {"tick_ms": -1}, {"now": 5}],
    ),
    (
        "POST",
        "/tasks",
        [{}, {"title": "a", "due_date": None}],
        [{"title": ""}, {"priority": 3}, {"title": None}, {"x": 1}],
    ),
    ("POST", "/clock/advance", [{"seconds": 5}], [{}, {"seconds": -1}, {"seconds": 1.5}]),
    (
        "PATCH",
        "/settings",
        [{}, {"strict": True, "delay_ms": 0, "rate_limit": None}, {"rate_limit": {"requests": 100, "seconds": 60}}],
        [{"strict": 1}, {"rate_limit": {}}, {"rate_limit": {"requests": 0, "seconds": 60}}, {"delay_ms": 60_001}],
    ),
    ("POST", "/faults", [{"status": 503}, {"connection": "reset", "when": "after"}], [{"status": 99}, {"times": 0}]),
    ("POST", "/requests/count", [{}, {"operation": "createTask", "status": 201}], [{"status": "x"}, {"methods": []}]),
    (
        "POST",
        "/requests/verify",
        [{"times": {"at_least": 0}}, {"request": {"method": "POST"}, "times": {"never": True}}],
        [{"timeout_ms": 60_001}, {"sequence": []}, {"x": 1}],
    ),
]


@pytest.mark.parametrize(
    ("method", "path", "good", "bad"), BODIES, ids=lambda part: part if isinstance(part, str) else ""
)
def test_what_the_description_takes_the_control_plane_takes(
    app: Flask, method: str, path: str, good: list[Any], bad: list[Any]
) -> None:
    document = openapi.document()
    schema = calls(document)[method, path]["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
    query = "" if path == "/sandboxes" else f"?sandbox={method}{path.replace('/', '-')}"  # where it is the name again
    for body in (*good, *bad):
        response = app.test_client().open(f"{BASE_PATH}{path}{query}", method=method, json=body)
        assert validator.is_valid(body) == (body in good), body
        assert (response.status_code in (200, 201)) == (body in good), (body, response.text)


def test_the_admin_token_is_declared_as_the_two_schemes_that_carry_it_and_health_needs_none(api: Api) -> None:
    document = api.client.get("/__admin/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert {(scheme["type"], scheme["scheme"]) for scheme in schemes.values()} == {
        ("http", "bearer"),
        ("http", "basic"),
    }
    assert document["security"] == [{}, *({name: []} for name in schemes)]  # a loopback server has no token
    own = {call: described["security"] for call, described in calls(document).items() if "security" in described}
    assert own == {("GET", "/health"): []}


def test_parameters_are_declared_by_their_types() -> None:
    schemas = {
        (*call, parameter["name"]): parameter["schema"]
        for call, described in calls(openapi.document()).items()
        for parameter in described["parameters"]
    }
    numbers = {key for key, schema in schemas.items() if schema["type"] == "integer"}
    listing = ("GET", "/requests")
    assert numbers == {(*listing, "since"), (*listing, "limit"), (*listing, "status"), ("GET", "/requests/{id}", "id")}
    assert (schemas[(*listing, "status")]["minimum"], schemas[(*listing, "status")]["maximum"]) == (100, 599)
    assert schemas[(*listing, "method")]["enum"] == ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    assert {schema["pattern"] for (*_, name), schema in schemas.items() if name in ("name", "sandbox")} == {
        "^[A-Za-z0-9._-]{1,64}$"
    }


@pytest.mark.parametrize("call", [call for call in sorted(TABLE) if call[0] in ("POST", "PUT", "PATCH")], ids="-".join)
def test_every_body_is_declared_by_a_schema_with_a_name_and_its_keys_described(call: tuple[str, str]) -> None:
    document = openapi.document()
    described = calls(document)[call]
    if call[1].endswith("/restore"):
        assert "requestBody" not in described
        return
    reference = described["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    assert schema["additionalProperties"] is False
    if call[1] != "/state":
        assert all(declared.get("description") for declared in schema["properties"].values())


WHOLE = [
    ("PUT", "/clock", "tick_ms", {"tick_ms": 5.0}),
    ("PATCH", "/settings", "delay_ms", {"delay_ms": 5.0}),
    ("PATCH", "/settings", "rate_limit", {"rate_limit": {"requests": 5.0, "seconds": 6e1}}),
    ("POST", "/faults", "match", {"match": {"status": 201.0}, "when": "after", "status": 503}),
    *(("POST", "/faults", key, {"status": 503, key: 5.0}) for key in ("delay_ms", "skip", "times")),
    ("POST", "/faults", "status", {"status": 503.0}),
]


@pytest.mark.parametrize(("method", "path", "key", "body"), WHOLE)
def test_a_whole_number_may_be_written_with_a_fraction_of_zero(
    api: Api, method: str, path: str, key: str, body: dict[str, Any]
) -> None:
    answer = api.client.request(method, f"/__admin{path}", json=body)
    assert answer.status_code in (200, 201), answer.text
    assert json.dumps(answer.json()[key]) == json.dumps(
        json.loads(json.dumps(body[key]), parse_float=lambda text: int(float(text)))
    )
    refused = api.client.request(method, f"/__admin{path}", json={**body, key: 5.5})
    assert paths(refused)[0] == [key]


def test_a_verification_and_a_filter_take_such_a_number_too(api: Api) -> None:
    for _ in range(2):
        api.list()
    verified = api.client.post("/__admin/requests/verify", json={"times": {"exactly": 2.0}, "timeout_ms": 5.0})
    assert verified.json() == {"passed": True, "actual": 2}
    (entry,) = api.client.get("/__admin/requests?limit=1.0&since=1.0&status=200.0").json()["requests"]
    assert entry["id"] == 2
    state = api.state()
    state["statuses"][0]["order"] = 1.0  # type: ignore[index]
    assert api.client.put("/__admin/state", json=state).json()["statuses"][0]["order"] == 1
