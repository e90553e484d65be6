"""The tests on every installed version of Python, the checks of the code, and the documentation site.

`nox -s tests` runs the tests on all versions, `nox -s tests-3.12` on one; versions that are not installed are skipped.
"""

import configparser
import re
import sys
from pathlib import Path

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"

BUILT = Path("build", "dist")
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
# The tests that depend on the interpreter or on what setup.cfg requires, take little time, and need few packages.
SUBSET = """
admin_openapi config create_task determinism due fixtures ids_and_zones instants reset_and_snapshots store transcript
wire
"""


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=False, default=False)
def build(session: nox.Session) -> None:
    """Build the source distribution, and the wheel from it, for the sessions that test them."""
    session.run_install(sys.executable, "-m", "uv", "build", "--quiet", "--clear", "--out-dir", str(BUILT))


@nox.session(python=PYTHONS, default=False, requires=["build"])
def lowest(session: nox.Session) -> None:
    """Test the built wheel with the oldest versions that setup.cfg allows."""
    parser = configparser.ConfigParser()
    parser.read("setup.cfg", encoding="utf-8")
    required = parser["options"]["install_requires"].split()
    _test_built(session, "*.whl", *(re.sub(">=([^,]+).*", r"==\1", line) for line in required))


@nox.session(python=PYTHONS, default=False, requires=["build"])
def newest(session: nox.Session) -> None:
    """Test the built source distribution with the newest versions that setup.cfg allows."""
    _test_built(session, "*.tar.gz", "--upgrade")


def _test_built(session: nox.Session, pattern: str, *arguments: str) -> None:
    """Install the distribution that fits, and run a subset of the tests with it."""
    session.install("freezegun", "httpx", "hypothesis", "openapi-spec-validator", "pytest")
    session.install("--reinstall-package", "vambe-mock", *map(str, BUILT.glob(pattern)), *arguments)
    names = [f"tests/test_{name}.py" for name in SUBSET.split()]
    session.run("pytest", "-m", "fast", *session.posargs, *names)  # not `python -m`, which would find the checkout


@nox.session(python=False, default=False)
def coverage(session: nox.Session) -> None:
    """Run the tests in the active environment, and fail if they cover less than `setup.cfg` requires."""
    session.run(
        "python", "-m", "pytest", "-n", "auto", "--dist", "worksteal", "--cov", "--cov-report=term:skip-covered"
    )


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    session.run("python", "-m", "ruff", "check", ".")
    session.run("python", "-m", "ruff", "format", "--check", ".")
    session.run("python", "-m", "mypy")
    session.run("lint-imports", external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site into build/site; warnings are errors."""
    session.install("-e", ".[docs]")
    session.run_install(
        *("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"),
        *("--prefix", "build/npm", "mermaid@11.17.2"),
        external=True,
    )
    session.run("python", "-m", "mkdocs", "build", "--strict")
