"""`/__admin/events`: what happens in a sandbox, as server-sent events over a real connection."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from support import UNKNOWN_ID, Api, assert_error, running, wait_until

from mockserver import serving
from mockserver.config import Settings


class Stream:
    """A stream of events that is being read, line by line."""

    def __init__(self, url: str, sandbox: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        self.connection.request("GET", f"/__admin/events?sandbox={sandbox}")
        self.response = self.connection.getresponse()
        self.status = self.response.status
        if self.status == 200:
            assert self.response.readline().startswith(b":")
            assert self.response.readline() == b"\n"

    def event(self) -> dict[str, Any]:
        """The next event: its fields, its data as JSON."""
        fields: dict[str, Any] = {}
        end = time.monotonic() + 10
        while True:
            assert time.monotonic() < end, "no event came"
            line = self.response.readline().decode()
            assert line, "the stream ended"
            if line == "\n" and fields:
                return {**fields, "data": json.loads(fields["data"])}
            if not line.startswith(":") and line != "\n":
                name, _, value = line.rstrip("\n").partition(": ")
                assert name not in fields
                fields[name] = value

    def close(self) -> None:
        self.response.close()
        self.connection.close()


@contextlib.contextmanager
def reading(url: str, sandbox: str) -> Iterator[Stream]:
    stream = Stream(url, sandbox)
    try:
        yield stream
    finally:
        stream.close()


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """A server with places for the readers of all tests: one that has gone takes a while to be found out."""
    with serving.bound_server(Settings(port=0, threads=64)) as (server, *_):
        server.start()
        yield server.url


@pytest.fixture
def stream(api: Api) -> Iterator[Stream]:
    api.list()
    with reading(api.url, api.key.removeprefix("test_")) as stream:
        yield stream


def test_the_stream_is_one_of_server_sent_events(stream: Stream) -> None:
    assert stream.status == 200
    assert stream.response.getheader("Content-Type", "").startswith("text/event-stream")
    assert stream.response.getheader("Cache-Control") == "no-store"
    assert stream.response.getheader("X-Accel-Buffering") == "no"


def test_a_request_and_what_it_changed_arrive(api: Api, stream: Stream) -> None:
    response = api.create(title="two\nlines")
    request, state = stream.event(), stream.event()
    entry = api.client.get(f"/__admin/requests/{response.headers['X-Mock-Request-Id']}").json()
    assert request == {"id": "2", "event": "request", "data": entry}
    assert state == {"event": "state", "data": {"changes": entry["changes"]}}
    api.list()
    api.delete(UNKNOWN_ID)
    following = [stream.event(), stream.event()]
    assert [(event["event"], event["data"]["operation"]) for event in following] == [
        ("request", "listTasks"),
        ("request", "deleteTask"),
    ]


def test_a_fault_arrives_with_the_request_that_it_hit(api: Api, stream: Stream) -> None:
    rule = api.client.post("/__admin/faults", json={"status": 503}).json()
    assert stream.event()["data"] == {"changed": "faults"}
    response = api.list()
    assert_error(response, 503)
    request, fault = stream.event(), stream.event()
    assert request["data"]["fault"]["id"] == rule["id"]
    assert (fault["event"], fault["data"]["id"], fault["data"]["status"]) == ("fault", rule["id"], 503)
    assert str(fault["data"]["request"]) == response.headers["X-Mock-Request-Id"]


def test_a_request_whose_answer_was_lost_arrives_too(api: Api, stream: Stream) -> None:
    api.client.post("/__admin/faults", json={"when": "after", "connection": "reset"})
    assert stream.event()["data"] == {"changed": "faults"}
    with pytest.raises(httpx.TransportError):
        api.create()
    assert [stream.event()["event"] for _ in range(3)] == ["request", "state", "fault"]


def test_a_reset_and_a_restore_arrive(api: Api, stream: Stream) -> None:
    name = api.key.removeprefix("test_")
    api.client.post("/__admin/snapshots", json={"name": "one"})
    assert stream.event()["data"] == {"changed": "snapshots"}
    api.client.post("/__admin/reset", json={"only": ["tasks"]})
    assert stream.event() == {"event": "reset", "data": {"sandbox": name, "to": "fixtures", "only": ["tasks"]}}
    api.client.post("/__admin/snapshots/one/restore")
    restored = stream.event()
    assert (restored["event"], restored["data"]["to"]) == ("reset", "one")


def test_a_deletion_ends_the_stream(api: Api, stream: Stream) -> None:
    name = api.key.removeprefix("test_")
    api.client.delete(f"/__admin/sandboxes/{name}")
    assert stream.event() == {"event": "deleted", "data": {"deleted": name}}
    assert stream.response.read() == b""


def test_only_the_events_of_its_sandbox_arrive(api: Api, other_api: Api, stream: Stream) -> None:
    other_api.created()
    other_api.client.post("/__admin/reset")
    api.client.get("/api/public/mine")
    assert stream.event()["data"]["request"]["path"] == "/api/public/mine"


def test_every_reader_gets_every_event_in_order(api: Api) -> None:
    api.list()
    name = api.key.removeprefix("test_")
    with reading(api.url, name) as first, reading(api.url, name) as second:
        for number in range(50):
            api.client.get(f"/x/{number}")
        for stream in (first, second):
            paths = [stream.event()["data"]["request"]["path"] for _ in range(50)]
            assert paths == [f"/x/{number}" for number in range(50)]


@pytest.mark.parametrize(
    ("method", "path", "body", "changed"),
    [
        ("PUT", "/clock", {"mode": "frozen"}, "clock"),
        ("POST", "/clock/advance", {"seconds": 1}, "clock"),
        ("PATCH", "/settings", {"strict": True}, "settings"),
        ("POST", "/faults", {"status": 503}, "faults"),
        ("DELETE", "/faults", None, "faults"),
        ("POST", "/snapshots", {"name": "one"}, "snapshots"),
        ("DELETE", "/requests", None, "journal"),
    ],
)
def test_what_the_control_plane_changes_is_told(
    api: Api, stream: Stream, method: str, path: str, body: Any, changed: str
) -> None:
    assert api.client.request(method, f"/__admin{path}", json=body).is_success
    assert stream.event() == {"event": "state", "data": {"changed": changed}}


@pytest.mark.parametrize(("collection", "rule"), [("faults", {"status": 503}), ("snapshots", {"name": "one"})])
def test_what_the_control_plane_deletes_is_told(api: Api, stream: Stream, collection: str, rule: Any) -> None:
    made = api.client.post(f"/__admin/{collection}", json=rule).json()
    api.client.delete(f"/__admin/{collection}/{made.get('id') or made['name']}")
    assert [stream.event()["data"] for _ in range(2)] == [{"changed": collection}] * 2


def test_control_calls_that_read_or_are_refused_are_no_events(api: Api, stream: Stream) -> None:
    api.client.get("/__admin/state")
    assert_error(api.client.put("/__admin/clock", json={"mode": "broken"}), 400)
    assert_error(api.client.delete("/__admin/faults/none"), 404)
    api.client.get("/x")
    assert stream.event()["data"]["request"]["path"] == "/x"


def test_events_of_a_sandbox_that_does_not_exist_are_a_404(api: Api) -> None:
    assert_error(api.client.get("/__admin/events"), 404)


def test_streams_hold_half_of_the_threads_and_past_that_a_503_says_so() -> None:
    with (
        running() as url,  # with four threads
        Api(url, "test_default").client as client,
        reading(url, "default"),
        reading(url, "default"),
    ):
        refused = client.get("/__admin/events")
        assert refused.headers["X-Mock-Limit"] == "waits"
        message = assert_error(refused, 503)["message"]
        assert message.startswith("2 verifications and event streams wait already")
        verification = {"request": {"status": 201}, "timeout_ms": 60_000}
        assert_error(client.post("/__admin/requests/verify", json=verification), 503)
        for _ in range(4):
            assert client.get("/api/public/team-members/all").status_code == 200


def has_room(url: str) -> bool:
    with reading(url, "default") as probe:
        return probe.status == 200


def test_a_reader_that_has_gone_from_a_busy_sandbox_frees_its_place() -> None:
    with running() as url, Api(url, "test_default").client as client:
        for stream in [Stream(url, "default"), Stream(url, "default")]:
            stream.close()

        def busy() -> bool:
            client.get("/x")
            return has_room(url)

        wait_until(busy)


def test_a_reader_that_has_gone_from_a_quiet_sandbox_frees_its_place() -> None:
    with running() as url:
        for stream in [Stream(url, "default"), Stream(url, "default")]:
            stream.close()
        wait_until(lambda: has_room(url))


def test_a_slow_reader_costs_nobody_anything() -> None:
    with running() as url:
        api = Api(url, "test_default")
        with api.client, reading(url, "default"):  # it reads nothing
            for _ in range(60):
                api.create(title="x" * 50_000)
            assert len(api.listed()) == 60
            api.client.post("/__admin/reset").raise_for_status()


def test_the_end_of_the_server_ends_the_streams() -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving.bound_server(Settings(port=0, threads=4))).server
        server.start()
        streams = [Stream(server.url, "default") for _ in range(2)]
        ended = threading.Thread(target=stack.close)
        ended.start()
        for stream in streams:
            assert stream.response.read() == b""
            stream.close()
        ended.join(timeout=4)  # stopping waits for 5 s for a stream that does not end
        assert not ended.is_alive()
