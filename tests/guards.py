"""Mutation tests: remove each guard in turn from a copy of the checkout, and expect a failing test.

    python tests/guards.py                       all guards: some minutes
    python tests/guards.py --only host-check     one of them; may be repeated

Run it by hand or at night, with the `test` extra installed. It exits with 1 when all tests pass without a guard.
A line of `data/guards.txt` is a guard: `name: old => new  # tests`. Its expression or statement `old` is found by its
syntax tree, in whatever module it stands; where it is not the only one, `function @ old` says where it is meant.
`tests/test_guards.py` checks that all lines fit the code.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import click

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 300
_LINE = re.compile(r"(?P<name>[\w-]+): (?:(?P<place>[\w.]+) @ )?(?P<old>.+?) => (?P<new>.+?)  # (?P<tests>.+)")
_CODE = (ast.expr, ast.Assign, ast.Delete, ast.Expr, ast.If, ast.Raise, ast.Return)
_TURNED_RED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)


class Guard(NamedTuple):
    """A guard: the function it stands in, if that is needed, its code, the code in its place, the tests that fail."""

    name: str
    place: str
    old: str
    new: str
    tests: list[str]


class Site(NamedTuple):
    """A place in the code: a file, the function around it, and the part of the syntax tree."""

    path: Path
    function: str
    node: Any


def read_guards() -> list[Guard]:
    """All guards of the table."""
    text = (ROOT / "tests" / "data" / "guards.txt").read_text(encoding="utf-8")
    found = [_LINE.fullmatch(line) for line in text.splitlines() if line and not line.startswith("# ")]
    assert all(found), "each line is `name: old => new  # tests`"
    return [Guard(m["name"], m["place"] or "", m["old"], m["new"], m["tests"].split()) for m in found if m]


def test_id(short: str) -> str:
    """The id of a test, of a class or of a file, for pytest; without their `test_`, in the table."""
    file, *names = short.split("::")
    folder, _, module = file.rpartition("/")
    parts = [name if name[0].isupper() else f"test_{name}" for name in names]
    return "::".join([str(Path("tests", folder, f"test_{module}.py")), *parts])


def is_of_postgresql(id: str) -> bool:
    """Test if a test runs on PostgreSQL only."""
    return "/test_postgresql" in id


def sites(folder: Path) -> dict[str, list[Site]]:
    """Every expression and simple statement of the package, by its syntax."""
    found: dict[str, list[Site]] = {}
    for path in sorted((folder / "mockserver").rglob("*.py")):
        for function, node in _parts(ast.parse(path.read_text(encoding="utf-8")), path.stem):
            found.setdefault(ast.dump(node), []).append(Site(path, function, node))
    return found


def _parts(tree: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        within = f"{function}.{node.name}" if isinstance(node, ast.FunctionDef | ast.ClassDef) else function
        if isinstance(node, _CODE):
            yield within, node
        yield from _parts(node, within)


def weakened(guard: Guard, code: dict[str, list[Site]]) -> tuple[Path, str]:
    """The file of a guard, and its text without the guard; ClickException unless there is exactly one such place."""
    found = [
        site
        for site in code.get(_syntax(guard), ())
        if not guard.place or f".{site.function}".endswith(f".{guard.place}")
    ]
    if len(found) != 1:
        raise click.ClickException(f"{guard.name}: mockserver has {len(found)} times instead of once: {guard.old}")
    path, _, node = found[0]
    lines = path.read_bytes().splitlines(keepends=True)
    begin = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    whole = b"".join(lines)
    new = f"({guard.new})" if isinstance(node, ast.expr) else guard.new
    return path, (whole[:begin] + new.encode() + whole[end:]).decode()


def _syntax(guard: Guard) -> str:
    """The syntax of a guard: of a statement, when a statement takes its place."""
    (old,), new = ast.parse(guard.old).body, ast.parse(guard.new).body
    is_expression = isinstance(old, ast.Expr) and len(new) == 1 and isinstance(new[0], ast.Expr)
    return ast.dump(old.value if is_expression else old)


class Copy:
    """A copy of the checkout's files as they are now, in which guards are removed and tests run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        found = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, encoding="utf-8")
        for name in found.stdout.split("\0"):
            source, target = ROOT / name, folder / name
            if name and source.is_file():  # a file that is deleted and not committed is listed too
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",  # an edit that keeps a file's size and second would not be noticed
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # to load them takes longer than most of these tests
        }
        imported = self._run("-c", "import mockserver; print(mockserver.__file__)")[1].strip()
        if Path(imported) != folder / "mockserver" / "__init__.py":
            raise click.ClickException(f"the tests would not import the copy in {folder}: {imported}")

    def test(self, tests: Iterable[str]) -> tuple[int, str]:
        """The exit code and output of these tests, up to the first that fails; all or none are about PostgreSQL."""
        ids = [test_id(test) for test in tests]
        store = ["--store", "postgresql"] if is_of_postgresql(ids[0]) else []
        return self._run("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *store, *ids)

    def without(self, guard: Guard, code: dict[str, list[Site]]) -> str | None:
        """The first test that fails without the guard, or None."""
        path, text = weakened(guard, code)
        whole = path.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        exit_code, output = self.test(guard.tests)
        path.write_text(whole, encoding="utf-8")
        red = _TURNED_RED.search(output)
        if exit_code and not (exit_code == 1 and red):
            raise click.ClickException(f"{guard.name}: the tests did not run (exit {exit_code}):\n{output[-3000:]}")
        return red[1] if red else None

    def _run(self, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, *arguments]
        pipe: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
        process = subprocess.Popen(command, cwd=self.folder, env=self._environment, errors="replace", **pipe)
        try:
            output = process.communicate(timeout=TIMEOUT_S)[0]
            return process.returncode, output
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # so that the tests end the servers that they started
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            line = textwrap.shorten(" ".join(arguments), 200)
            raise click.ClickException(f"not ended within {TIMEOUT_S} s: python {line}") from None
        finally:
            process.kill()
            process.wait()


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--only", "names", metavar="NAME", multiple=True, help="Remove this guard only. Repeatable.")
def main(names: tuple[str, ...]) -> None:
    """Remove the guards one after the other, and print which test noticed."""
    if unknown := set(names) - {guard.name for guard in read_guards()}:
        raise click.BadParameter(f"no guard of data/guards.txt is named {min(unknown)!r}", param_hint="--only")
    guards = [guard for guard in read_guards() if guard.name in names or not names]
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        copy = Copy(Path(folder).resolve())
        code = sites(copy.folder)
        tests = {test for guard in guards for test in guard.tests}
        on_postgresql = {test for test in tests if is_of_postgresql(test_id(test))}
        for group in filter(None, (tests - on_postgresql, on_postgresql)):
            exit_code, output = copy.test(sorted(group))
            if exit_code:
                raise click.ClickException(f"the tests fail with all guards in place:\n{output[-3000:]}")
        unnoticed = []
        for guard in guards:
            begun = monotonic()
            red = copy.without(guard, code)
            click.echo(f"{guard.name:26} {red or 'NO TEST FAILS'} ({monotonic() - begun:.0f} s)")
            unnoticed += [] if red else [guard.name]
    if unnoticed:
        raise click.ClickException(f"no test noticed the removal of: {', '.join(unnoticed)}")


if __name__ == "__main__":
    main()
