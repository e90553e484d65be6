"""The project as people get it: the built wheel in an environment of its own, and the checkout with Flask's command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import httpx
import pytest
from support import ROOT, Api, plain_environment, served, wait_until

# The image is built from the same.
SOURCES = re.findall("^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, and that from a copy of what it is made of.

    A build leaves folders beside its sources.
    """
    folder = tmp_path_factory.mktemp("wheel")
    for name in [*SOURCES, "MANIFEST.in", "tests/test_wheel.py"]:
        source, target = ROOT / name, folder / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    run(sys.executable, "-m", "build", "--outdir", folder, folder / "source")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a fresh environment that has the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    found = folder / ("Scripts" if os.name == "nt" else "bin")
    run(found / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", wheel)
    return found


def run(*line: object, cwd: Path | None = None, **variables: str) -> str:
    """The output of a command, which must succeed."""
    words = [str(part) for part in line]
    environment = clean_environment() | variables
    ended = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, encoding="utf-8")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def clean_environment() -> dict[str, str]:
    """An environment in which the checkout is not found."""
    return {name: value for name, value in plain_environment().items() if name != "PYTHONPATH"}


def test_the_wheel_has_the_package_with_its_types_and_fixtures_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"mockserver"}
    assert {"mockserver/py.typed", "mockserver/_fixtures/users.json", "mockserver/_fixtures/demo/tasks.json"} <= names
    missing = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "mockserver").rglob("*.py")
        if "__pycache__" not in str(path)
    } - names
    assert not missing
    assert not [name for name in names if name.endswith(".pyc") or Path(name).name.startswith(("test_", "conftest"))]
    assert any(name.endswith("/LICENSE") for name in names)


def test_the_source_distribution_has_what_the_wheel_is_made_of_and_no_tests(wheel: Path) -> None:
    (archive,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2].split("/")[0] for name in opened.getnames() if "/" in name}
    assert {name for name in names if not name.endswith(".egg-info")} == {*SOURCES, "MANIFEST.in", "PKG-INFO"}


@pytest.mark.parametrize(
    "runner", [("uv", "tool", "run", "--from"), ("pipx", "run", "--spec")], ids=lambda words: words[0]
)
def test_the_wheel_runs_without_an_installation(runner: tuple[str, ...], wheel: Path, tmp_path: Path) -> None:
    homes = {"UV_CACHE_DIR": str(tmp_path / "uv"), "PIPX_HOME": str(tmp_path / "pipx")}
    printed = run(sys.executable, "-m", *runner, wheel, "vambe-mock", "--version", cwd=tmp_path, **homes)
    assert printed == f"vambe-mock {wheel.name.split('-')[1]}\n"


@pytest.mark.parametrize(
    ("arguments", "tasks"), [((), 0), (("--fixtures", "demo"), 36), (("--fixtures", "demo-today"), 36)]
)
def test_the_wheel_s_command_finds_its_fixtures_from_anywhere(
    arguments: tuple[str, ...], tasks: int, scripts: Path, tmp_path: Path
) -> None:
    with served(*arguments, start=[str(scripts / "vambe-mock")], cwd=tmp_path, PYTHONPATH="") as server:
        with Api(server.url, "test_default").client as client:
            state = client.get("/__admin/state").json()
        assert (len(state["tasks"]), len(state["users"])) == (tasks, 6)
        assert server.stop()[0] == 0
    assert list(tmp_path.iterdir()) == []


def test_the_wheel_brings_the_fixture_to_a_suite(scripts: Path, tmp_path: Path) -> None:
    run(scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pytest")
    (tmp_path / "test_it.py").write_text("def test_it(vambe_mock):\n    assert len(vambe_mock.users) == 6\n")
    assert "1 passed" in run(scripts / "python", "-m", "pytest", cwd=tmp_path)


def test_the_wheel_s_command_knows_its_version_and_writes_fixtures(wheel: Path, scripts: Path, tmp_path: Path) -> None:
    version = wheel.name.split("-")[1]
    assert run(scripts / "vambe-mock", "--version", cwd=tmp_path) == f"vambe-mock {version}\n"
    assert run(scripts / "python", "-m", "mockserver", "--version", cwd=tmp_path) == f"vambe-mock {version}\n"
    run(scripts / "vambe-mock", "fixtures", "init", "mine", "--from", "demo", cwd=tmp_path)
    assert "36 tasks" in run(scripts / "vambe-mock", "fixtures", "validate", "mine", cwd=tmp_path)
    location = run(scripts / "python", "-c", "import mockserver; print(mockserver.__file__)", cwd=tmp_path)
    assert Path(location.strip()).is_relative_to(scripts.parent)


def test_the_checkout_runs_as_a_script() -> None:
    with served(start=[sys.executable, "app.py"], cwd=ROOT) as server:
        assert httpx.get(f"{server.url}/__admin/health").status_code == 200
        assert httpx.get(f"{server.url}/__admin/health", headers={"host": "evil.example"}).status_code == 421
        assert server.stop()[0] == 0


def test_the_checkout_runs_with_flask_s_command_and_the_settings_of_the_environment(tmp_path: Path) -> None:
    environment = plain_environment(
        VAMBE_MOCK_FIXTURES="demo", VAMBE_MOCK_ALLOWED_HOST="mock.internal", PYTHONUNBUFFERED="1"
    )
    line = [sys.executable, "-m", "flask", "run", "--port", "0"]
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: "Running on http" in log.read_text() or process.poll() is not None)
        url = log.read_text().partition("Running on ")[2].split()[0]
        assert len(httpx.get(f"{url}/__admin/state").json()["tasks"]) == 36
        statuses = [
            httpx.get(f"{url}/__admin/health", headers={"host": host}).status_code
            for host in ("mock.internal", "evil.example")
        ]
        assert statuses == [200, 421]
        process.terminate()
        process.wait(10)
    finally:
        process.kill()
        process.wait()


def test_bad_settings_stop_the_application_with_the_cause() -> None:
    line = [sys.executable, "-m", "flask", "run", "--port", "0"]
    environment = plain_environment(VAMBE_MOCK_CLOCK="stopped")
    ended = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=30)
    assert ended.returncode != 0
    assert '--clock (VAMBE_MOCK_CLOCK): "stopped" is not a clock mode' in ended.stderr
