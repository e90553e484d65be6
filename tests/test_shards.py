"""A shard: one of several instances behind a load balancer, each with a part of the sandboxes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from support import command, explained, running, served

from mockserver.config import InvalidSetting, resolve
from mockserver.keys import Shard
from mockserver.testing import RemoteServer

ANOTHER = {
    "rule": "other-shard",
    "message": 'The sandbox "s3-a" belongs to shard 3, and this is 2/3: ask the load balancer',
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The second of three shards."""
    with running(shard=Shard(2, 3)) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, verify=False, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("how", [("--shard", "2/3"), ()])
def test_a_flag_or_a_variable_makes_a_shard(how: tuple[str, ...]) -> None:
    with served(*how, **{} if how else {"VAMBE_MOCK_SHARD": "2/3"}) as server:
        assert httpx.get(f"{server.url}/__admin/health", verify=False, trust_env=False).json()["shard"] == "2/3"


def test_what_is_no_shard_is_refused_at_the_command_line() -> None:
    ended = command("exec", "--shard", "4/3", "--", "true")
    message = '--shard: "4/3" is not a shard: write I/N, such as 2/3 for the second of three'
    assert (ended.returncode, ended.stderr.splitlines()[-1].endswith(message)) == (2, True)


@pytest.mark.parametrize("text", ["4/3", "0/3", "2", "2/", "/3", "2/3/4", "a/b", "02/3", "2/1000", "", "2/3\n", "٢/٣"])
def test_what_is_no_shard_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(InvalidSetting, match=r"is not a shard: write I/N, such as 2/3 for the second of three$"):
        resolve({"shard": text}, {})


def test_health_the_list_of_sandboxes_and_the_menu_say_which_shard_speaks(client: httpx.Client) -> None:
    assert list(client.get("/__admin/health").json().items())[3:] == [("shard", "2/3")]
    assert list(client.get("/__admin/sandboxes").json().items())[1:] == [("shard", "2/3")]
    (summary,) = re.findall("<summary>.*</summary>", client.get("/__admin/").text)
    assert "shard 2/3" in summary


def test_an_instance_that_is_no_shard_speaks_of_none() -> None:
    with running() as url, httpx.Client(base_url=url, verify=False, trust_env=False) as client:
        assert list(client.post("/__admin/sandboxes?sandbox=s3-a").json()) == ["name", "api_key", "base_url"]
        answer = client.get("/api/public/team-members/all", headers={"x-api-key": "test_s3-a"})
        assert explained(answer)["advice"] == []
        for path in ("/__admin/health", "/__admin/sandboxes", "/__admin/"):
            assert "shard" not in client.get(path).text
        assert re.fullmatch("s-[0-9a-f]{16}", client.post("/__admin/sandboxes").json()["name"])


def test_a_made_up_name_begins_with_its_shard(client: httpx.Client) -> None:
    made = client.post("/__admin/sandboxes").json()
    assert re.fullmatch("s2-[0-9a-f]{16}", made["name"])
    assert list(made) == ["name", "api_key", "base_url"]


def test_the_sandbox_of_another_shard_is_opened_with_advice(client: httpx.Client) -> None:
    client.delete("/__admin/sandboxes/s3-a")  # another test may have opened it
    made = client.post("/__admin/sandboxes", json={"name": "s3-a"})
    assert made.status_code == 201
    assert made.json()["advice"] == [ANOTHER]
    answer = client.get("/api/public/team-members/all", headers={"x-api-key": "test_s3-a"})
    assert answer.status_code == 200
    assert explained(answer)["advice"] == [ANOTHER]


@pytest.mark.parametrize("name", ["s2-a", "s4-a", "s03-a", "s3", "s-3", "S3-a", "as3-a", "default"])
def test_a_name_of_no_other_shard_gets_no_advice(client: httpx.Client, name: str) -> None:
    answer = client.get("/api/public/team-members/all", headers={"x-api-key": f"test_{name}"})
    assert explained(answer)["advice"] == []


def test_a_delayed_request_keeps_the_advice(client: httpx.Client) -> None:
    headers = {"x-api-key": "test_s3-a", "prefer": "delay=1"}
    assert explained(client.get("/api/public/team-members/all", headers=headers))["advice"] == [ANOTHER]


def test_a_client_names_a_sandbox_in_the_query_where_a_load_balancer_can_read_it() -> None:
    asked = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.end_headers()
            self.wfile.write(b'{"name": "mine", "api_key": "test_mine"}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server, ThreadPoolExecutor(1) as pool:
        serving = pool.submit(lambda: [server.handle_request() for _ in range(2)])
        remote = RemoteServer(f"http://127.0.0.1:{server.server_port}")
        remote.sandbox("mine")
        remote.sandbox()
        serving.result()
    assert asked == [("/__admin/sandboxes?sandbox=mine", b"{}"), ("/__admin/sandboxes", b"{}")]
