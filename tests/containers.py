"""A container engine: docker where one answers, else podman with a configuration and a storage of its own.

Where the registry of images is out of reach, the base image is made of Debian's packages: the same release and the same
Python, without what nothing here needs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, wait_until

IMAGE = "vambe-mock:local"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
(BASE,) = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PACKAGES_OF_BASE = "base-files,coreutils,dash,python3-pip"
UNNEEDED = ("doc", "locale", "man")
DEBIAN = ("trixie", "http://deb.debian.org/debian")  # the release of the base image

# What other kernels and users allow, and what needs no systemd.
CONFIGURATION = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
"""
STORAGE = """
[storage]
driver = "overlay"
graphroot = "{0}/images"
runroot = "{0}/run"
"""


class Container:
    """A container that runs, or has ended."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name

    def inspect(self) -> dict[str, Any]:
        """The engine's description of it."""
        (found,) = json.loads(self.engine.ok("container", "inspect", self.name))
        return found

    def logs(self) -> str:
        """Both outputs."""
        done = self.engine.run("logs", self.name)
        return done.stdout + done.stderr

    def execute(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it."""
        options = (f"--env={name}={text}" for name, text in variables.items())
        return self.engine.run("exec", *options, self.name, *words)

    def ended(self) -> int:
        """Wait for its end: the exit code."""
        self.engine.ok("logs", "--follow", self.name)  # podman's `wait` takes 20 s where there is no systemd
        wait_until(lambda: self.inspect()["State"]["Status"] == "exited")
        return int(self.inspect()["State"]["ExitCode"])


class Engine:
    """The commands of a container engine."""

    def __init__(self, name: str, compose: Sequence[str], locked: Sequence[str], **variables: str) -> None:
        self.name = name
        self.compose = compose  # its command for Compose files
        self.locked = [*locked, "--cap-drop=all", "--security-opt=no-new-privileges"]
        self.environment = {**os.environ, **variables}

    def begun(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command of the engine."""
        return subprocess.Popen([self.name, *words], env=self.environment, stdout=-1, stderr=-1, encoding="utf-8")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the engine to its end."""
        line = [self.name, *words]
        return subprocess.run(line, env=self.environment, capture_output=True, encoding="utf-8", timeout=300)

    def ok(self, *words: str) -> str:
        """The output of a command of the engine, which must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextlib.contextmanager
    def started(self, *arguments: str, options: Sequence[str] = ()) -> Iterator[Container]:
        """A container of the image, with the network of this machine, which is removed at the end of the block."""
        name = self.ok("run", "--detach", "--network=host", *options, IMAGE, *arguments).split()[-1]
        try:
            yield Container(self, name)
        finally:
            self.ok("rm", "--force", "--volumes", name)


def engine() -> Engine:
    """An engine with the image, built by the Dockerfile; skips the test where there is none."""
    docker = Engine("docker", ["docker", "compose"], ["--read-only"])
    if shutil.which("docker") and docker.run("info").returncode == 0:
        docker.ok("build", "--quiet", "--tag", IMAGE, str(ROOT))
        return docker
    needed = ("podman", "runc", "mmdebstrap")
    if os.getuid() != 0 or not all(map(shutil.which, needed)):
        pytest.skip(f"there is no container engine: the test needs docker, or root with {', '.join(needed)}")
    return _podman(ROOT / "build" / "containers")


def _podman(folder: Path) -> Engine:
    folder.mkdir(parents=True, exist_ok=True)
    configuration, storage = folder / "containers.conf", folder / "storage.conf"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first of several workers makes the image for all
        configuration.write_text(CONFIGURATION)
        storage.write_text(STORAGE.format(folder))
        podman = Engine(
            "podman",
            [sys.executable, "-m", "podman_compose"],
            ["--read-only", "--read-only-tmpfs=false"],
            CONTAINERS_CONF=str(configuration),
            CONTAINERS_STORAGE_CONF=str(storage),
            BUILDAH_FORMAT="docker",  # images of the other format have no health check
            BUILDAH_ISOLATION="chroot",
            BUILDAH_LAYERS="false",
        )
        base = f"docker.io/library/{BASE}"
        if podman.run("image", "exists", base).returncode and podman.run("pull", base).returncode:
            _import_base(podman, base, folder / "base.tar")
        tried = podman.run("run", "--rm", "--network=host", base, "true")
        if tried.returncode:
            pytest.skip(f"podman cannot run a container on this machine: {tried.stderr.strip()[-300:]}")
        run, built = os.environ.get("PYTEST_XDIST_TESTRUNUID", ""), folder / "built"
        if not run or not built.exists() or built.read_text() != run:
            podman.ok("build", "--quiet", "--tag", IMAGE, str(ROOT))
            built.write_text(run)
    return podman


def _import_base(podman: Engine, base: str, archive: Path) -> None:
    """Make an image of Debian's packages, which trusts whom this machine trusts."""
    options = [
        f"--include={PACKAGES_OF_BASE}",
        *(f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in UNNEEDED),
        f"--extract-hook=copy-in {CERTIFICATES} {Path(CERTIFICATES).parent}",
        # Nothing configures the packages, which would compile the standard library.
        """--extract-hook=chroot "$1" sh -c 'python3 -m compileall -q /usr/lib/python3.*'""",
    ]
    line = ["mmdebstrap", "--quiet", "--variant=extract", *options, DEBIAN[0], str(archive), DEBIAN[1]]
    made = subprocess.run(line, capture_output=True, encoding="utf-8", timeout=300)
    if made.returncode:
        pytest.skip(f"there is no {BASE}, and none could be made of Debian's packages: {made.stderr.strip()[-300:]}")
    podman.ok("import", str(archive), base)
    archive.unlink()
