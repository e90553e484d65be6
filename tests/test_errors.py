"""Rules common to all endpoints: keys, routes, bodies, and the one shape of every error."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from flask import Flask
from support import ALL_TIME, MARIA, UNKNOWN_ID, Api, assert_error, explained, issues, problems, running

from mockserver.application import create_app
from mockserver.config import Settings
from mockserver.domain import tasks

JSON = {"content-type": "application/json"}
VALID = {"title": "Call the client", "responsibleIds": [MARIA], "priority": "1"}
ROUTES = [
    ("POST", "/api/public/tasks"),
    ("GET", "/api/public/tasks"),
    ("PUT", f"/api/public/tasks/{UNKNOWN_ID}"),
    ("DELETE", f"/api/public/tasks/{UNKNOWN_ID}"),
    ("GET", "/api/public/team-members/all"),
]


def post(api: Api, content: bytes | str, content_type: str = "application/json") -> httpx.Response:
    return api.client.post("/api/public/tasks", content=content, headers={"content-type": content_type})


# The key.


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "test_",
        "default",
        "unknown",
        "TEST_default",
        "Bearer test_default",
        "test_default,test_default",
        "test_a/b",
        "test_a b",
        "test_é",
        "test_a'",
        "*",
        "vambe_revoked_key",
        "vambe_carlos",
        "vambe_carlos_key2",
        "' OR '1'='1",
        "x" * 5000,
    ],
)
def test_a_key_that_opens_nothing_is_a_401(server_url: str, method: str, path: str, key: str | None) -> None:
    headers = {} if key is None else {"x-api-key": key.encode()}
    response = httpx.request(method, server_url + path, headers=headers, verify=False)
    body = assert_error(response, 401)
    expected = {"message": "Invalid API key" if key else "API key is required", "error": "Unauthorized"}
    assert list(body.items()) == [*expected.items(), ("statusCode", 401)]


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/api/public/tasks", b"{"),
        ("POST", "/api/public/tasks", b'{"title": 5}'),
        ("GET", "/api/public/tasks?fromDate=x", b""),
        ("PUT", "/api/public/tasks/x", b"{"),
        ("DELETE", "/api/public/tasks/x", b""),
    ],
)
def test_without_a_key_nothing_of_the_request_is_read(server_url: str, method: str, path: str, content: bytes) -> None:
    refusal = httpx.get(f"{server_url}/api/public/team-members/all", verify=False)
    assert refusal.status_code == 401
    assert httpx.request(method, server_url + path, content=content, verify=False).content == refusal.content


def test_without_a_key_a_task_is_not_written(server_url: str, api: Api) -> None:
    task = api.created()
    for method, content in (("PUT", b'{"title": "x"}'), ("DELETE", b"")):
        url = f"{server_url}/api/public/tasks/{task['id']}"
        assert_error(httpx.request(method, url, content=content, headers=JSON, verify=False), 401)
    assert api.listed() == [task]


def test_the_name_of_the_header_has_any_case(server_url: str) -> None:
    url = f"{server_url}/api/public/team-members/all"
    assert httpx.get(url, headers={"X-API-KEY": "test_default"}, verify=False).status_code == 200
    assert_error(httpx.get(url, headers={"x_api_key": "test_default"}, verify=False), 401)
    assert_error(httpx.get(url, headers={"authorization": "Bearer test_default"}, verify=False), 401)
    assert_error(httpx.get(f"{url}?x-api-key=test_default", verify=False), 401)


# Routes.


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/public",
        "/api/public/",
        "/api/public/x",
        "/api/public/team-members",
        "/api//public/tasks",
        "/api/public//tasks",
        "//api/public/tasks",
        "/api/public/tasks//",
        "//__admin/health",
        "/%2F__admin/health",
        "/__admin%2fhealth",
        "/__admin/sandboxes%2Fa",
        "/%2Fdocs",
        "/api/public/t%61sks",
        "/api/public%2Ftasks",
        "/api/public/team-members/all/x",
        f"/api/public/tasks/{UNKNOWN_ID}/notes",
        "/api/public/x?y=1&z=%C3%A9",
        "/tasks",
        "/static/x",
        "/favicon.ico",
        "/__admin",
        "/__admin/x",
    ],
)
def test_an_unknown_path_is_a_404_with_or_without_a_key(server_url: str, method: str, path: str) -> None:
    if method == "GET" and path in ("/", "/__admin"):
        pytest.skip("it leads to the console")
    # By a socket, because clients tidy paths up.
    for key in ("", "x-api-key: test_default\r\n"):
        status, body = raw(server_url, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{key}Connection: close\r\n\r\n")
        assert status == 404
        expected = {"message": f"Cannot {method} {path}", "error": "Not Found", "statusCode": 404}
        if path.startswith("/__admin"):
            expected["message"] = expected["message"].partition("?")[0]
        assert list(body.items()) == list(expected.items())


@pytest.mark.parametrize(
    "path", ["/api/public/Team-Members/ALL", "/api/public/team-members/all/", "/API/public/team-members/all"]
)
@pytest.mark.parametrize("headers", [{}, {"origin": "http://localhost:3000"}])
def test_the_case_of_a_path_and_one_slash_at_its_end_do_not_matter(
    api: Api, path: str, headers: dict[str, str]
) -> None:
    expected = api.client.get("/api/public/team-members/all")
    assert api.client.get(path, headers=headers).content == expected.content
    assert api.client.head(path).status_code == 200
    assert api.client.options(path).headers["allow"] == "GET, HEAD, OPTIONS"


def test_the_id_in_a_path_may_be_escaped(api: Api) -> None:
    task = api.created()
    escaped = "".join(f"%{ord(letter):02x}" for letter in task["id"])
    assert api.client.put(f"/api/public/tasks/{escaped}", json={"title": "x"}).json()["title"] == "x"
    for bad in (f"{task['id']}%2F", f"%20{task['id']}", "%FF", "x"):
        response = api.client.delete(f"/api/public/tasks/{bad}")
        assert_error(response, 400, "Validation failed (uuid is expected)")
        assert list(response.json()) == ["message", "error", "statusCode"]


def raw(server_url: str, request: str) -> tuple[int, Any]:
    """The status and the JSON body of the answer to a request that is sent as it is."""
    address = urlsplit(server_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request.encode())
        with connection.makefile("rb") as stream:
            head, _, body = stream.read().partition(b"\r\n\r\n")
    assert b"\r\ncontent-type: application/json" in head.lower()
    return int(head.split()[1]), json.loads(body)


def test_the_path_in_a_message_is_as_sent_with_its_query(api: Api) -> None:
    assert_error(api.client.get("/api/public/%C3%A9%0A?page=1"), 404, "Cannot GET /api/public/%C3%A9%0A?page=1")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/public/tasks", "GET, HEAD, OPTIONS, POST"),
        (f"/api/public/tasks/{UNKNOWN_ID}", "DELETE, OPTIONS, PUT"),
        ("/api/public/tasks/x", "DELETE, OPTIONS, PUT"),
        ("/api/public/team-members/all", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_of_a_known_path_is_the_404_of_an_unknown_one(server_url: str, path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"} - set(allowed.split(", ")):
        response = httpx.request(method, server_url + path, verify=False)
        assert_error(response, 404, f"Cannot {method} {path}")
        assert "allow" not in response.headers


@pytest.mark.parametrize(
    ("path", "allowed"), [("/__admin/health", "GET, HEAD, OPTIONS"), ("/__admin/state", "GET, HEAD, OPTIONS, PUT")]
)
def test_another_method_of_the_control_plane_is_a_405_with_allow(server_url: str, path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"} - set(allowed.split(", ")):
        response = httpx.request(method, server_url + path, verify=False)
        assert_error(response, 405, f"Cannot {method} {path}")
        assert response.json()["error"] == "Method Not Allowed"
        assert response.headers["allow"] == allowed


def test_the_collection_cannot_be_deleted(api: Api) -> None:
    task = api.created()
    assert_error(api.client.delete("/api/public/tasks"), 404)
    assert api.listed() == [task]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/public/team-members/all", 200),
        ("/api/public/tasks?responsibleIds=&fromDate=2025-11-26&toDate=2025-11-26", 200),
        ("/api/public/tasks", 400),
        ("/api/public/x", 404),
        (f"/api/public/tasks/{UNKNOWN_ID}", 404),
    ],
)
def test_head_answers_as_get_does_without_the_body(api: Api, path: str, status: int) -> None:
    head, get = api.client.head(path), api.client.get(path)
    assert (head.status_code, head.content) == (status, b"")
    assert get.status_code == status
    assert head.headers["content-type"] == get.headers["content-type"]
    # The message of the other two begins with `Cannot HEAD`.
    assert status == 404 or head.headers["content-length"] == get.headers["content-length"]


def test_head_without_a_key_is_a_401(server_url: str) -> None:
    response = httpx.head(f"{server_url}/api/public/team-members/all", verify=False)
    assert (response.status_code, response.content) == (401, b"")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/public/tasks", "GET, HEAD, OPTIONS, POST"),
        (f"/api/public/tasks/{UNKNOWN_ID}", "DELETE, OPTIONS, PUT"),
        ("/api/public/team-members/all", "GET, HEAD, OPTIONS"),
    ],
)
@pytest.mark.parametrize("key", ["", "test_default", "unknown"])
def test_options_needs_no_key(server_url: str, path: str, allowed: str, key: str) -> None:
    response = httpx.options(server_url + path, headers={"x-api-key": key}, verify=False)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["allow"] == allowed


def test_a_wish_for_another_protocol_is_ignored(api: Api) -> None:
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    assert api.client.get("/api/public/team-members/all", headers=upgrade).status_code == 200


def test_options_comes_before_the_route(server_url: str) -> None:
    assert httpx.options(f"{server_url}/api/public/x", verify=False).status_code == 200


# The body.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"{}", mtime=0), "The body is not valid JSON: it is compressed with gzip: send it uncompressed"),
        (b"{", "The body is not valid JSON: unexpected end of the text at line 1, column 2"),
        (b'{\n "title": "a",\n}', "The body is not valid JSON: unexpected '}' at line 3, column 1"),
        (b'{"title": "a\nb"}', "The body is not valid JSON: unexpected '\\n' at line 1, column 13"),
        (b"title=a&priority=1", "The body is not valid JSON: unexpected 't' at line 1, column 1"),
        (b'"x"', "The body must be a JSON object, not a string"),
        (b"1", "The body must be a JSON object, not a number"),
        (b"1.5", "The body must be a JSON object, not a number"),
        (b"true", "The body must be a JSON object, not a boolean"),
        (b"null", "The body must be a JSON object, not null"),
        (b'{"a": "\xff"}', "The body is not valid JSON: it is not UTF-8 at byte 8"),
        ("{}".encode("utf-16"), "The body is not valid JSON: it is in UTF-16 or UTF-32: write it in UTF-8"),
        (b'{"a": NaN}', "The body is not valid JSON: it has NaN, which is not a JSON number"),
        (b'{"a": -Infinity}', "The body is not valid JSON: it has -Infinity, which is not a JSON number"),
        (b'{"a": 1e400}', "The body is not valid JSON: it has a number outside the range of an IEEE double: 1e400"),
        (b'{"a": ' + b"1" * 4301 + b"}", "The body is not valid JSON: it has an integer of more than 4300 digits"),
        (rb'{"a": "\ud800"}', r"The body is not valid JSON: it has a lone surrogate \ud800 at line 1, column 8"),
        (rb'{"\u0000": 1}', r"The body is not valid JSON: it has the character \u0000 at line 1, column 3"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "The body is not valid JSON: it has more than 64 levels of nesting"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/public/tasks"), ("PUT", f"/api/public/tasks/{UNKNOWN_ID}")]
)
def test_a_body_that_is_no_json_object_is_a_400_that_says_which(
    api: Api, method: str, path: str, content: bytes, message: str
) -> None:
    body = assert_error(api.client.request(method, path, content=content, headers=JSON), 400, message)
    assert list(body.items()) == [("message", message), ("error", "Bad Request"), ("statusCode", 400)]


def misfit(response: httpx.Response, received: str) -> str:
    """Hold the one issue of a body that is no object; returns the journal's explanation."""
    message = f"Invalid input: expected object, received {received}"
    issue = {"expected": "object", "code": "invalid_type", "path": [], "message": message}
    body = assert_error(response, 400, "Validation failed")
    assert list(body.items()) == [("statusCode", 400), ("message", "Validation failed"), ("errors", [issue])]
    assert list(body["errors"][0]) == list(issue)
    (problem,) = explained(response)["problems"]
    return problem["message"]


def test_an_array_is_a_400_with_one_issue(api: Api) -> None:
    assert misfit(post(api, b"[]"), "array") == "The body must be a JSON object, not an array"


def test_no_body_of_json_is_an_empty_object(api: Api) -> None:
    assert issues(post(api, b"")) == issues(post(api, b"{}"))
    task = api.created()
    assert api.client.put(f"/api/public/tasks/{task['id']}", headers=JSON).json() == task


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "Application/Json ; x=y",
        "application/json;",
        'application/json; charset="UTF-8"',
    ],
)
def test_the_media_type_has_any_case_and_any_parameters(api: Api, content_type: str) -> None:
    assert post(api, json.dumps(VALID), content_type).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/vnd.api+json",
        "application/ld+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "application/jsonx",
        "json",
        "*/*",
        "application/json, text/plain",
        "application /json",
        "application/octet-stream",
    ],
)
def test_another_media_type_is_a_400_as_if_there_were_no_body(api: Api, content_type: str) -> None:
    shown = content_type.partition(";")[0]
    message = f'The Content-Type must be application/json, not "{shown}"'
    assert misfit(post(api, json.dumps(VALID), content_type), "undefined") == message
    assert api.state()["tasks"] == []


@pytest.mark.parametrize("headers", [{}, {"content-type": ""}, {"content-type": "; charset=utf-8"}])
def test_a_missing_media_type_is_a_400(api: Api, headers: dict[str, str]) -> None:
    response = api.client.post("/api/public/tasks", content=json.dumps(VALID), headers=headers)
    assert misfit(response, "undefined") == "The Content-Type must be application/json, which is missing"


@pytest.mark.parametrize("charset", ["latin1", "utf8", "utf-16", '"nonsense'])
def test_another_charset_is_a_415(api: Api, charset: str) -> None:
    response = post(api, json.dumps(VALID), f"application/json; charset={charset}")
    shown = charset.strip('"').upper()
    bare(response, 415, f'unsupported charset "{shown}"')


def bare(response: httpx.Response, status: int, message: str) -> None:
    """Hold an error of two keys."""
    assert list(assert_error(response, status).items()) == [("statusCode", status), ("message", message)]


@pytest.mark.parametrize(
    ("encoding", "encode"), [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_an_encoded_body_is_decoded(api: Api, encoding: str, encode: Callable[[bytes], bytes]) -> None:
    response = encoded(api, encode(json.dumps(VALID).encode()), encoding)
    assert response.status_code == 201
    assert explained(response)["request"]["json"] == VALID


def test_an_encoded_body_is_decoded_once_where_the_sandbox_has_switches_of_its_own(api: Api) -> None:
    api.client.patch("/__admin/settings", json={"assume": {"create-status": "200"}})
    assert encoded(api, GZIPPED, "gzip").status_code == 200


def encoded(api: Api, content: bytes, encoding: str) -> httpx.Response:
    return api.client.post("/api/public/tasks", content=content, headers=JSON | {"content-encoding": encoding})


GZIPPED = gzip.compress(json.dumps(VALID).encode(), mtime=0)


@pytest.mark.parametrize("content", [b"{}", GZIPPED[:-4], GZIPPED + b"x", GZIPPED + b"{}", zlib.compress(b"{}")])
def test_a_body_that_is_not_encoded_as_it_says_is_a_400(api: Api, content: bytes) -> None:
    response = encoded(api, content, "gzip")
    bare(response, 400, response.json()["message"])
    assert response.json()["message"].startswith("The body is not gzip: ")


@pytest.mark.parametrize("behind", [gzip.compress(b" ", mtime=0), b"\0", b"\0x"])
def test_more_members_of_gzip_and_padding_are_read(api: Api, behind: bytes) -> None:
    assert encoded(api, GZIPPED + behind, "gzip").status_code == 201


@pytest.mark.parametrize("encoding", ["br", "x-gzip", "gzip, gzip"])
def test_another_encoding_is_a_415(api: Api, encoding: str) -> None:
    bare(encoded(api, b"{}", encoding), 415, f'unsupported content encoding "{encoding}"')


def test_a_body_that_becomes_too_large_is_a_413(api: Api) -> None:
    spaces = b" " * 1_048_574
    assert encoded(api, gzip.compress(b"{}" + spaces), "gzip").status_code == 400
    bare(encoded(api, gzip.compress(b"{} " + spaces), "gzip"), 413, "request entity too large")


def test_a_read_looks_at_no_body(api: Api) -> None:
    odd = {"content-type": "text/plain; charset=x", "content-encoding": "br"}
    task = api.created()
    url = f"/api/public/tasks/{task['id']}"
    for method, path in (
        ("GET", "/api/public/team-members/all"),
        ("HEAD", "/api/public/team-members/all"),
        ("DELETE", url),
    ):
        assert api.client.request(method, path, content=b"{", headers=odd).status_code == 200


def test_of_a_duplicate_key_the_last_one_wins(api: Api) -> None:
    response = post(
        api, f'{{"title": 5, "responsibleIds": ["{MARIA}"], "priority": "0", "title": "b", "priority": "2"}}'
    )
    assert (response.status_code, response.json()["title"], response.json()["priority"]) == (201, "b", 2)
    response = post(api, f'{{"title": "a", "responsibleIds": ["{MARIA}"], "priority": "0", "title": ""}}')
    assert problems(response) == [(["title"], "too_small")]


@pytest.mark.parametrize(
    "text",
    [
        "😀👩\u200d👩\u200d👧\u200d👦🇨🇱",
        "\u202eשלום مرحبا",
        "  leading",
        "trailing \t",
        "é é",
        "\u200b",
        "\ufeff",
        "\x1b[2J",
        "\x7f",
        "\\u0041",
        '"',
        "<script>alert(1)</script>",
        "%s %(x)s {0}",
        "\u2028",
        "\U0010ffff",
        "İıſ",
    ],
)
@pytest.mark.parametrize("escaped", [True, False])
def test_a_string_comes_back_exactly_as_sent(api: Api, text: str, escaped: bool) -> None:
    response = post(api, json.dumps(VALID | {"title": text, "description": text}, ensure_ascii=escaped))
    assert response.status_code == 201
    assert (response.json()["title"], response.json()["description"]) == (text, text)
    assert api.listed() == [response.json()]


def test_a_body_of_just_the_limit_is_read_and_one_byte_more_is_a_413(api: Api) -> None:
    body = json.dumps(VALID).encode()
    assert post(api, body + b" " * (1_048_576 - len(body))).status_code == 201
    response = post(api, body + b" " * (1_048_577 - len(body)))
    bare(response, 413, "request entity too large")
    assert len(api.listed()) == 1


@pytest.fixture(scope="module")
def small() -> Iterator[Api]:
    """A server that takes 100 bytes."""
    with running(max_body=100) as url:
        actor = Api(url, "test_small")
        with actor.client:
            yield actor


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(100, 404), (101, 413), (3_000_000, 413)])
def test_max_body_is_the_limit_however_the_body_is_sent(small: Api, chunked: bool, size: int, status: int) -> None:
    content = b"{}" + b" " * (size - 2)
    pieces = iter([content[:50], content[50:]]) if chunked else content
    response = small.client.put(f"/api/public/tasks/{UNKNOWN_ID}", content=pieces, headers=JSON)
    assert_error(response, status, "request entity too large" if status == 413 else "Task not found")


def test_a_large_body_is_answered_as_soon_as_its_length_is_known(small: Api) -> None:
    request = (
        "PUT /api/public/tasks/x HTTP/1.1\r\nHost: localhost\r\nx-api-key: test_small\r\nContent-Length: 101\r\n\r\n"
    )
    assert raw(small.url, request)[0] == 413


def test_a_413_comes_before_the_media_type_and_the_fields(small: Api) -> None:
    response = small.client.post("/api/public/tasks", content=b"{" * 200, headers={"content-type": "text/plain"})
    assert_error(response, 413)


def test_a_request_after_a_refusal_is_answered(small: Api) -> None:
    assert_error(small.client.post("/api/public/tasks", content=b"x" * 200_000), 413)
    assert small.client.get("/api/public/team-members/all").status_code == 200


# Everything else.


@pytest.fixture
def app() -> Iterator[Flask]:
    """The application in process, so that a test can break it."""
    app = create_app(Settings())
    app.debug = True  # Flask would then show the trace
    yield app
    app.extensions["vambe_mock"].close()


def test_an_unexpected_exception_is_a_500_without_its_trace_and_nothing_is_written(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret of the inside")

    headers, client = {"x-api-key": "test_default"}, app.test_client()
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(tasks, "present", broken)
        response = client.post("/api/public/tasks", json=VALID, headers=headers)
    assert (response.status_code, response.mimetype) == (500, "application/json")
    expected = {"statusCode": 500, "message": "Internal server error"}
    assert list(json.loads(response.data).items()) == list(expected.items())
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]
    assert client.get("/api/public/tasks", query_string=ALL_TIME, headers=headers).json == []
    created = client.post("/api/public/tasks", json=VALID, headers=headers).json
    assert created["created_at"] == "2025-11-26T09:00:00.000Z"


def test_an_unexpected_exception_in_a_query_is_a_500_too(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "list_tasks", lambda *_, **__: 1 / 0)
    response = app.test_client().get("/api/public/tasks", query_string=ALL_TIME, headers={"x-api-key": "test_default"})
    assert response.status_code == 500
    assert b"ZeroDivision" not in response.data
