"""Shards behind HAProxy, as examples/scaling starts them: each sandbox is on one shard, whoever asks for it and how.

`.ci/run` also sends the black-box tests through it; `tests/data/behind_haproxy.json` lists those that fail there.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
import yaml
from shards import SCALING, answers, commands, free_ports, started, three_shards
from support import ROOT, Api, wait_until

from mockserver.testing import RemoteServer

NAMES = [f"gw{number}" for number in range(30)]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with commands() as environment:
        yield environment | {"PORT": str(free_ports(4))}


@pytest.fixture(scope="module")
def url(environment: dict[str, str]) -> Iterator[str]:
    with three_shards(environment, int(environment["PORT"])) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, verify=False, trust_env=False, timeout=30) as client:
        yield client


def shard_of(client: httpx.Client, name: str) -> str:
    """The number of the shard that HAProxy asks for a sandbox."""
    return client.get("/__admin/health", params={"sandbox": name}).json()["shard"][0]


def there(client: httpx.Client, shard: str) -> set[str]:
    """The names of the sandboxes on a shard."""
    listed = client.get("/__admin/sandboxes", params={"sandbox": f"s{shard}-any"}).json()
    assert listed["shard"] == f"{shard}/3"
    return {each["name"] for each in listed["sandboxes"]}


def test_every_shard_gets_a_part_of_the_names_and_keeps_it(client: httpx.Client) -> None:
    shards = [shard_of(client, name) for name in NAMES]
    assert set(shards) == {"1", "2", "3"}
    assert [shard_of(client, name) for name in NAMES] == shards


@pytest.mark.parametrize("name", [*NAMES[:6], "default", "s1-a", "s2-a", "s3-a", "a.b_C-9", "x" * 64])
def test_a_sandbox_is_on_one_shard_whoever_asks_and_how(url: str, client: httpx.Client, name: str) -> None:
    shard = shard_of(client, name)
    with Api(url, f"test_{name}").client as by_key:
        by_key.get("/api/public/team-members/all").raise_for_status()
        assert name in there(client, shard)
        assert by_key.get("/__admin/health").json()["shard"][0] == shard
        assert by_key.get("/__admin/state").status_code == 200
    for path in ("/__admin/state", "/__admin/", "/__admin/console/world"):
        assert client.get(path, params={"sandbox": name}).status_code == 200
    escaped = "".join(f"%{ord(letter):02x}" for letter in name)
    assert client.get(f"/__admin/health?sandbox={escaped}").json()["shard"][0] == shard
    if name != "default":
        assert client.delete(f"/__admin/sandboxes/{escaped}").json() == {"deleted": name}


@pytest.mark.parametrize("key", ["vambe_carlos_key", "unknown", "test_", "test_a/b", "test_" + "x" * 65, None])
def test_a_key_that_names_no_sandbox_is_asked_of_the_shard_of_default(client: httpx.Client, key: str | None) -> None:
    headers = {} if key is None else {"x-api-key": key}
    assert client.get("/__admin/health", headers=headers).json()["shard"][0] == shard_of(client, "default")


def test_the_query_of_the_imitated_api_chooses_no_shard(client: httpx.Client) -> None:
    (elsewhere, *_) = (name for name in NAMES if shard_of(client, name) != shard_of(client, "default"))
    answer = client.get(f"/api/public/team-members/all?sandbox={elsewhere}", headers={"x-api-key": "test_default"})
    entry = client.get(f"/__admin/requests/{answer.headers['X-Mock-Request-Id']}").json()
    assert entry["request"]["query"] == {"sandbox": elsewhere}


def test_a_sandbox_without_a_name_gets_one_on_any_shard_by_which_it_is_found(client: httpx.Client) -> None:
    made: Counter[str] = Counter()
    while len(made) < 3:
        assert made.total() < 200
        name = client.post("/__admin/sandboxes").json()["name"]
        made[name[1]] += 1
        assert re.fullmatch(r"s[123]-[0-9a-f]{16}", name)
        assert shard_of(client, name) == name[1]
        assert client.get("/__admin/state", headers={"x-api-key": f"test_{name}"}).status_code == 200


@pytest.mark.parametrize("how", ["query", "body", "both"])
def test_a_sandbox_with_a_name_is_created_where_its_key_leads(client: httpx.Client, how: str) -> None:
    for name in NAMES[:6]:
        query = {} if how == "body" else {"sandbox": f"{how}-{name}"}
        body = {} if how == "query" else {"name": f"{how}-{name}"}
        assert client.post("/__admin/sandboxes", params=query, json=body).status_code == 201
        assert client.get("/__admin/state", headers={"x-api-key": f"test_{how}-{name}"}).status_code == 200


def test_a_suite_has_its_sandboxes_on_all_shards_and_takes_them_along(url: str, client: httpx.Client) -> None:
    before = [there(client, shard) for shard in "123"]
    mocks = [RemoteServer(url).sandbox(f"suite-{number}") for number in range(12)]
    for mock in mocks:
        mock.add_task(title="Call")
        assert [task["title"] for task in mock.tasks] == ["Call"]
    assert all(there(client, shard) > old for shard, old in zip("123", before, strict=True))
    for mock in mocks:
        mock.close()
    assert [there(client, shard) for shard in "123"] == before


def moved(client: httpx.Client, other: httpx.Client, names: Sequence[str]) -> Counter[str]:
    """The number of names that have another shard behind `other`, by that shard."""
    return Counter(there for name in names if (there := shard_of(other, name)) != shard_of(client, name))


def test_a_fourth_shard_takes_about_a_quarter_of_the_sandboxes_and_moves_no_other(
    client: httpx.Client, environment: dict[str, str], tmp_path: Path
) -> None:
    port, first = int(environment["PORT"]), free_ports(2)
    config = (SCALING / "haproxy.cfg").read_text(encoding="utf-8")
    config = re.sub(r"^( .*)shard3(.*)$", lambda m: f"{m[0]}\n{m[0].replace('3', '4')}", config, flags=re.MULTILINE)
    (tmp_path / "four.cfg").write_text(config, encoding="utf-8")
    addresses = {f"SHARD_{number}": f"127.0.0.1:{port + number}" for number in (1, 2, 3)}
    addresses |= {"SHARD_4": f"127.0.0.1:{first + 1}", "BIND": f"127.0.0.1:{first}"}
    shard = ["vambe-mock", "--port", first + 1, "--shard", "4/4"]
    names = [f"test-{number}" for number in range(200)]
    with (
        started(["haproxy", "-f", tmp_path / "four.cfg"], environment | addresses),
        started(shard, environment),
        httpx.Client(base_url=f"http://127.0.0.1:{first}", verify=False, trust_env=False, timeout=30) as other,
    ):
        wait_until(lambda: answers(other, "s4-a"))
        took = moved(client, other, names)
    assert set(took) == {"4"}
    assert 0.15 < took.total() / len(names) < 0.35


def test_while_a_shard_is_away_its_sandboxes_get_a_503_and_no_other_shard_opens_them(
    client: httpx.Client, environment: dict[str, str]
) -> None:
    addresses = {f"SHARD_{number}": f"127.0.0.1:{int(environment['PORT']) + number}" for number in (1, 2)}
    addresses |= {"SHARD_3": "127.0.0.1:1", "BIND": f"127.0.0.1:{free_ports(1)}"}
    with (
        started(["haproxy", "-f", SCALING / "haproxy.cfg"], environment | addresses),
        httpx.Client(base_url=f"http://{addresses['BIND']}", verify=False, trust_env=False, timeout=30) as other,
    ):
        wait_until(lambda: answers(other, "s1-a"))
        assert other.get("/api/public/team-members/all", headers={"x-api-key": "test_s3-a"}).status_code == 503
        assert other.get("/api/public/team-members/all", headers={"x-api-key": "test_s2-a"}).status_code == 200


def test_a_command_runs_while_the_shards_do_and_decides_the_exit_code(environment: dict[str, str]) -> None:
    line = 'vambe-mock healthcheck --sandbox s2-a --json; test -n "$VAMBE_MOCK_URL"; exit 7'
    environment = environment | {"PORT": str(free_ports(4))}
    ended = subprocess.run(
        [SCALING / "start.sh", "sh", "-c", line], env=environment, capture_output=True, encoding="utf-8", timeout=60
    )
    assert ended.returncode == 7, ended.stderr
    assert '"shard": "2/3"' in ended.stdout


def test_a_port_that_is_taken_ends_the_start(environment: dict[str, str]) -> None:
    first = free_ports(4)
    with socket.create_server(("127.0.0.1", first + 2)):
        environment = environment | {"PORT": str(first)}
        ended = subprocess.run(
            [SCALING / "start.sh"], env=environment, capture_output=True, encoding="utf-8", timeout=60
        )
    assert ended.returncode != 0
    assert f"{first + 2}" in ended.stderr


def test_the_configurations_that_are_only_shown_have_the_shards_of_the_one_that_is_run() -> None:
    config = (SCALING / "haproxy.cfg").read_text(encoding="utf-8")
    documents = list(yaml.safe_load_all((SCALING / "kubernetes.yaml").read_text(encoding="utf-8")))
    services = {each["metadata"]["name"] for each in documents if each["kind"] == "Service"}
    (balancer,) = (each["spec"]["template"]["spec"] for each in documents if each["kind"] == "Deployment")
    variables = {each["name"]: each["value"] for each in balancer["containers"][0]["env"]}
    assert sorted(variables) == sorted(re.findall(r'"\$\{(\w+)\}"', config))
    assert {value.partition(":")[0] for name, value in variables.items() if name != "BIND"} <= services

    envoy = yaml.safe_load((SCALING / "envoy.yaml").read_text(encoding="utf-8"))["static_resources"]
    whole, *single = (each["load_assignment"]["endpoints"][0]["lb_endpoints"] for each in envoy["clusters"])
    assert whole == [endpoint for (endpoint,) in single]
    (chain,) = envoy["listeners"][0]["filter_chains"]
    (host,) = chain["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
    prefixes = [each["match"]["headers"][0]["string_match"]["prefix"] for each in host["routes"][:-1]]
    assert prefixes == re.findall(r"-m beg (s\d-)", config)


@pytest.mark.parametrize("table", ["behind_haproxy", "behind_round_robin"])
def test_every_exception_behind_haproxy_is_a_test(table: str) -> None:
    tests = ROOT / "tests"
    for names in json.loads((tests / "data" / f"{table}.json").read_text(encoding="utf-8")).values():
        for name in names:
            file, *within = name.partition("[")[0].split("::")
            text = (tests / file).read_text(encoding="utf-8")
            assert all(re.search(rf"(def|class) {each}\b", text) for each in within), name
