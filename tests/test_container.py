"""The image as people run it: its user, its files, its health, its end; and the files that say how to run it."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml
from support import ROOT, Api, free_port, wait_until
from test_serving import read_to_end, refuses_connections, request_in_flight

from mockserver import __version__, config
from mockserver.config import Settings

if sys.platform != "linux":
    pytest.skip("its containers are Linux's", allow_module_level=True)

from containers import BASE, IMAGE, Container, Engine, engine

pytestmark = pytest.mark.engine
EXAMPLES = ROOT / "examples" / "containers"
MANIFESTS = [
    path for path in (ROOT / "examples").rglob("*.yaml") if "\napiVersion:" in path.read_text(encoding="utf-8")
]
TOKEN = "token-of-the-tests"
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}
PORT = 4010
KUBERNETES = "1.31"  # the oldest in which both workloads are as they are written


@pytest.fixture(scope="module")
def built() -> Engine:
    """An engine with the image."""
    return engine()


@contextlib.contextmanager
def serving(built: Engine, *arguments: str, options: Sequence[str] = ()) -> Iterator[tuple[Container, str]]:
    """A container without privileges whose server answers, and its URL."""
    port = free_port()
    variables = [f"--env=VAMBE_MOCK_PORT={port}", f"--env=VAMBE_MOCK_ADMIN_TOKEN={TOKEN}"]
    with built.started(*arguments, options=[*built.locked, *options, *variables]) as container:
        url = f"http://127.0.0.1:{port}"
        until_it_answers(url, container)
        yield container, url


def until_it_answers(url: str, container: Container) -> None:
    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return health(url) == 200
        return False

    try:
        wait_until(answers)
    except AssertionError:
        raise AssertionError(container.logs()) from None


def health(url: str) -> int:
    return httpx.get(f"{url}/__admin/health", trust_env=False).status_code


@contextlib.contextmanager
def default_of(url: str) -> Iterator[Api]:
    actor = Api(url, "test_default")
    with actor.client:
        yield actor


@pytest.fixture(scope="module")
def server(built: Engine) -> Iterator[tuple[Container, str]]:
    """A container that serves, with the settings of the image, and its URL."""
    with serving(built) as found:
        yield found


def test_its_arguments_are_those_of_the_command(built: Engine) -> None:
    with built.started("--version") as asked, built.started("--port", "http", options=built.locked) as refused:
        assert (asked.ended(), asked.logs()) == (0, f"vambe-mock {__version__}\n")
        assert refused.ended() == 2
        assert refused.logs() == 'vambe-mock: --port: "http" is not a whole number from 0 to 65535\n'


class TestServing:
    def test_its_python_is_that_of_its_base_and_nothing_that_builds_is_left(
        self, server: tuple[Container, str]
    ) -> None:
        container, _ = server
        version = container.execute("python3", "--version").stdout
        assert version.startswith(f"Python {BASE.partition(':')[2].partition('-')[0]}.")
        assert container.execute("python3", "-c", "import pip").returncode == 1
        assert container.execute("test", "-e", "/source").returncode == 1

    def test_it_has_no_privileges_and_does_its_work_on_a_root_file_system_that_nobody_can_write(
        self, server: tuple[Container, str]
    ) -> None:
        container, url = server
        with default_of(url) as api:
            assert api.created()["title"] == "Call the client"
            assert api.client.get("/__admin/state").status_code == 401
            assert api.client.get("/__admin/state", headers=AUTHORIZED).status_code == 200
        assert (user_of(container), privileges_of(container)) == (10001, 0)
        places = ("/", "/etc", "/opt/vambe-mock", "/tmp")
        assert container.execute("touch", *(f"{place}/x" for place in places)).stderr.count("Read-only") == len(places)
        assert "Traceback" not in container.logs()

    def test_its_one_volume_is_for_data_and_belongs_to_its_user(self, server: tuple[Container, str]) -> None:
        container, _ = server
        assert [each["Destination"] for each in container.inspect()["Mounts"]] == ["/data"]
        assert container.execute("touch", "/data/x").returncode == 0

    def test_its_health_check_tells_a_server_that_answers_from_one_that_does_not(
        self, server: tuple[Container, str]
    ) -> None:
        container, _ = server
        kind, *check = container.inspect()["Config"]["Healthcheck"]["Test"]
        assert kind == "CMD"
        assert container.execute(*check).returncode == 0
        assert container.execute(*check, VAMBE_MOCK_PORT=str(free_port())).returncode == 1


def status_of(container: Container, name: str) -> str:
    """A line of the status of process 1 (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html)."""
    lines = container.execute("cat", "/proc/1/status").stdout.splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return found


def user_of(container: Container) -> int:
    return int(status_of(container, "Uid"))


def privileges_of(container: Container) -> int:
    return int(status_of(container, "CapEff"), 16)


def test_it_serves_as_whatever_user_it_is_given(built: Engine) -> None:
    with serving(built, options=["--user=23456"]) as (container, url), default_of(url) as api:
        assert user_of(container) == 23456
        assert api.create().status_code == 201


def test_its_volume_keeps_the_sandboxes_when_the_container_is_replaced(built: Engine) -> None:
    volume = built.ok("volume", "create").strip()
    arguments, options = ("--database", "/data/sandboxes.db"), [f"--volume={volume}:/data"]
    try:
        with serving(built, *arguments, options=options) as (_, url), default_of(url) as api:
            kept = api.created()
        with serving(built, *arguments, options=options) as (_, url), default_of(url) as api:
            assert api.listed() == [kept]
    finally:
        built.ok("volume", "rm", volume)


def test_as_process_1_it_finishes_a_request_in_flight_when_it_is_stopped(built: Engine, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    options = [f"--volume={tmp_path}:/data"]
    with serving(built, "--database", "/data/it.db", options=options) as (container, url):
        assert container.execute("readlink", "/proc/1/cwd").stdout == "/data\n"
        with request_in_flight(url, tmp_path / "it.db") as (sender, lock), built.begun("stop", container.name) as stop:
            wait_until(lambda: refuses_connections(url))
            lock.execute("ROLLBACK")
            assert read_to_end(sender).startswith(b"HTTP/1.1 201 ")
            assert stop.wait(30) == 0
        assert container.ended() == 0
        assert "POST /api/public/tasks 201" in container.logs()
        assert "Traceback" not in container.logs()


def test_the_commands_of_the_page_do_their_work(built: Engine, tmp_path: Path) -> None:
    shim = tmp_path / "docker"
    shim.write_text(f'#!/bin/sh\nexec {built.name} "$@"\n')
    shim.chmod(0o755)
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    build, *commands = re.findall(r"^    (docker .+)$", page, re.MULTILINE)
    assert build == f"docker build --tag {IMAGE} ."
    script = "\n".join(commands).replace(f":{PORT}:", f":{free_port()}:")
    script = script.replace(
        "docker exec", "until docker exec vambe-mock vambe-mock healthcheck; do :; done; docker exec", 1
    )
    environment = built.environment | {"PATH": f"{tmp_path}:{built.environment['PATH']}"}
    done = subprocess.run(["sh", "-ec", script], env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "http://127.0.0.1:4010 is healthy" in done.stdout


def documents(name: str) -> list[dict[str, Any]]:
    """The documents of an example."""
    return list(yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")))


def containers_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["spec"]["template"]["spec"]["containers"]
    return found


def test_the_compose_file_runs(built: Engine, tmp_path: Path) -> None:
    (document,) = documents("compose.yaml")
    (service,) = document["services"].values()
    assert (EXAMPLES / service.pop("build")).samefile(ROOT)
    port = free_port()
    document = json.loads(json.dumps(document).replace(f"127.0.0.1:{PORT}:", f"127.0.0.1:{port}:"))
    (service,) = document["services"].values()
    (tmp_path / "compose.yaml").write_text(
        yaml.safe_dump(document | {"services": {"vambe-mock": service | {"image": IMAGE}}})
    )
    environment = built.environment | {"VAMBE_MOCK_ADMIN_TOKEN": TOKEN, "COMPOSE_PROJECT_NAME": "examples"}

    def compose(*words: str) -> str:
        line = [*built.compose, *words]
        done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        compose("up", "--detach")
        container = Container(built, compose("ps", "--quiet").split()[-1])
        until_it_answers(f"http://127.0.0.1:{port}", container)
        found = container.inspect()
        assert found["HostConfig"]["ReadonlyRootfs"]
        assert container.execute("test", "-e", "/data/sandboxes.db").returncode == 0
        assert privileges_of(container) == 0
    finally:
        compose("down", "--volumes")


def test_the_deployment_runs(built: Engine, tmp_path: Path) -> None:
    if built.name != "podman":
        pytest.skip("of the engines, podman alone runs files for Kubernetes")
    deployment, _ = documents("deployment.yaml")
    (container,) = containers_of(deployment)
    port = container["ports"][0]["hostPort"] = free_port()
    file, secret = tmp_path / "deployment.yaml", tmp_path / "secret"
    file.write_text(yaml.safe_dump(deployment))
    secret.write_text(json.dumps({"admin-token": base64.b64encode(TOKEN.encode()).decode()}))
    built.ok("secret", "create", "vambe-mock", str(secret))
    try:
        built.ok("play", "kube", str(file))
        until_it_answers(f"http://127.0.0.1:{port}", Container(built, "vambe-mock-pod-0-vambe-mock"))
        state = f"http://127.0.0.1:{port}/__admin/state"
        assert [httpx.get(state, headers=headers).status_code for headers in ({}, AUTHORIZED)] == [401, 200]
    finally:
        built.run("play", "kube", "--down", str(file))
        built.ok("secret", "rm", "vambe-mock")


@pytest.mark.parametrize("name", ["deployment.yaml", "statefulset.yaml"])
class TestForKubernetes:
    def test_it_needs_no_published_image_and_asks_for_health_where_the_image_serves(self, name: str) -> None:
        (container,) = containers_of(documents(name)[0])
        assert (container["image"], container["imagePullPolicy"]) == (IMAGE, "Never")
        (port,) = container["ports"]
        assert port["containerPort"] == PORT == Settings().port
        for probe in ("readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"] == {"path": "/__admin/health", "port": port["name"]}

    def test_its_service_leads_to_its_pods(self, name: str) -> None:
        workload, service = documents(name)
        assert service["spec"]["selector"] == workload["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["ports"][0]["targetPort"] == containers_of(workload)[0]["ports"][0]["name"]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_every_file_for_kubernetes_is_as_its_schemas_say(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_each_pod_of_the_stateful_set_is_a_shard_of_its_own() -> None:
    workload, service = documents("statefulset.yaml")
    assert workload["spec"]["serviceName"] == service["metadata"]["name"]
    (container,) = containers_of(workload)
    first, number = workload["spec"]["ordinals"]["start"], workload["spec"]["replicas"]
    for ordinal in range(first, first + number):
        words = [word.replace("$(ORDINAL)", str(ordinal)) for word in container["args"]]
        options = {flag.removeprefix("--"): text for flag, text in zip(words[::2], words[1::2], strict=True)}
        settings = config.resolve(options, {})
        assert (str(settings.shard), settings.database) == (f"{ordinal}/{number}", Path("/data/sandboxes.db"))
