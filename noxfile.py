"""The tests on every installed version of Python, the checks of the code, and the documentation site.

`nox -s tests` runs the tests on all versions, `nox -s tests-3.12` on one; versions that are not installed are skipped.
"""

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=["3.10", "3.12", "3.13"], default=False)
def values(session: nox.Session) -> None:
    """Run only the tests of what depends on the interpreter, which need little to be installed."""
    session.install("-e", ".", "httpx", "pytest")
    names = ("due", "instants", "ids_and_zones", "wire", "determinism", "create_task")
    session.run("python", "-m", "pytest", *session.posargs, *(f"tests/test_{name}.py" for name in names))


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
    session.run(
        *("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"),
        *("--prefix", "build/npm", "mermaid@11.17.2"),
        external=True,
    )
    session.run("python", "-m", "mkdocs", "build", "--strict")
