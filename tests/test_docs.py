"""The documentation holds: every fenced block of README.md and docs/*.md is executed, in the order of its document.

The first two blocks of the README are the set-up, and are not run. Each document has a server of its own, with a fresh
sandbox `default`, and an empty folder to work in. A block has one of these tags:

- `bash` is run by `bash -e`, with `vambe-mock` on the path, and the server in the place of `http://127.0.0.1:4010`.
  It must succeed, and none of its answers may be an error of the mock but a 400.
- `json` must be JSON. Right after a `bash` block, with nothing but prose between, it is what that block answered.
- `python` is executed; the blocks of a document share their names. One that begins with `# name.py` is that file
  instead, and pytest runs it when it is a `test_….py`.
- `console` is run too: what follows a line `$ command`, up to the next one, is exactly what the command prints.
- `js` is a file of clients/node/examples, named in its first line, which tests/test_node_client.py runs.
- `nginx` is a location that tests/test_proxies.py gives to nginx.
- `mermaid` must be a kind of diagram that is used here; tests/test_architecture.py compares its names with the code.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nginx import LOCATIONS
from support import ROOT, WITHOUT, running, uncovered_environment

from mockserver.config import SETTINGS

CLIENT = ROOT / "clients" / "node"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), CLIENT / "README.md"]
PROSE = [ROOT / name for name in ("CHANGELOG.md", "SECURITY.md", ".github/CONTRIBUTING.md", "examples/README.md")]
PRINTED_URL = "http://127.0.0.1:4010"
SET_UP_BLOCKS = 2
REFUSAL = re.compile(r'"statusCode":\s*(?!400)[0-9]+')

README = (ROOT / "README.md").read_text(encoding="utf-8")


def name_of(document: Path) -> str:
    """The name of a document in the ids of tests."""
    return "clients/node" if document.parent == CLIENT else document.name


@dataclass(frozen=True)
class Block:
    """A fenced block: the line on which it begins, its tag, and its text."""

    line: int
    tag: str
    text: str


def blocks_of(document: str) -> list[Block]:
    """The fenced blocks of a document."""
    found = []
    begun: tuple[int, str, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(document.splitlines(), 1):
        fence = re.fullmatch(r"( *)(`{3,}|~{3,}) *(.*)", line)
        if begun is None and fence:
            begun, lines = (number, fence[2], fence[3]), []
        elif begun and fence and fence[2].startswith(begun[1]) and not fence[3]:
            indentation = len(fence[1])
            found.append(Block(begun[0], begun[2], "".join(f"{line[indentation:]}\n" for line in lines)))
            begun = None
        else:
            lines.append(line)
    assert begun is None, f"line {begun} begins a block that does not end"
    return found


class Runner:
    """Executes the blocks of one document."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.printed: str | None = None
        commands = folder / ".commands"
        commands.mkdir()
        path = f"{commands}{os.pathsep}{os.environ['PATH']}"
        self.environment = uncovered_environment(PATH=path, PYTEST_ADDOPTS=" ".join(WITHOUT))
        for name, start in (("vambe-mock", f"{sys.executable} -m mockserver"), ("python", sys.executable)):
            shim = commands / name
            shim.write_text(f'#!/bin/sh\nexec {start} "$@"\n')
            shim.chmod(0o755)

    def execute(self, block: Block) -> None:
        """Execute a block; AssertionError when it does not hold."""
        execution = getattr(self, f"_{block.tag}", None)
        assert execution, f"there is no way to run a block tagged {block.tag!r}"
        self.printed = execution(block.text.replace(PRINTED_URL, self.url))

    def _bash(self, text: str) -> str:
        printed = self._run(text)
        assert not REFUSAL.search(printed), printed
        return printed

    def _run(self, text: str) -> str:
        line = ["bash", "-e", "-o", "pipefail", "-c", text]
        ended = subprocess.run(
            line, cwd=self.folder, env=self.environment, capture_output=True, encoding="utf-8", timeout=60
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def _json(self, text: str) -> None:
        document = json.loads(text)
        if self.printed is not None:
            assert json.loads(self.printed) == document

    def _python(self, text: str) -> None:
        if file := re.match(r"# (\w+\.py)\n", text):
            (self.folder / file[1]).write_text(text.partition("\n")[2].lstrip("\n"), encoding="utf-8")
            if file[1].startswith("test_"):
                self._run(f"python -m pytest -q {file[1]}")
            return
        exec(compile(text, "<documentation>", "exec"), self.names)

    def _js(self, text: str) -> None:
        name, _, content = text.removeprefix("// ").partition("\n")
        assert content == (CLIENT / "examples" / name).read_text(encoding="utf-8")

    def _nginx(self, text: str) -> None:
        assert text.partition("\n")[2].replace(self.url, PRINTED_URL) in LOCATIONS.values()

    def _mermaid(self, text: str) -> None:
        assert text.split()[0] in ("flowchart", "sequenceDiagram")

    def _console(self, text: str) -> None:
        commands = re.split(r"^\$ ", text, flags=re.MULTILINE)
        assert commands.pop(0) == "", "a console block begins with a command"
        for each in commands:
            command, _, expected = each.partition("\n")
            assert self._run(command).rstrip("\n") == expected.rstrip("\n")  # an answer has no newline at its end


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_block_of_a_document_holds(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of(document.read_text(encoding="utf-8"))
    with running() as url:
        runner = Runner(url, tmp_path)
        for block in blocks[SET_UP_BLOCKS:] if document == DOCUMENTS[0] else blocks:
            try:
                runner.execute(block)
            except Exception as error:
                raise AssertionError(f"{document.name}, line {block.line}: {error}") from error


def test_the_set_up_blocks_are_one_line_each() -> None:
    start, test = blocks_of(README)[:SET_UP_BLOCKS]
    for block, last in ((start, "vambe-mock"), (test, "pytest")):
        assert block.tag == "bash"
        assert len(block.text.splitlines()) == 1
        assert block.text.startswith("python3 -m venv ")
        assert block.text.rstrip().endswith(last)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 140


def test_the_table_of_settings_has_every_setting() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line.replace(r"\|", "∣").strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `--")]
    assert [[cell.replace("`", "").replace("∣", "|").strip() for cell in row] for row in rows] == [
        [
            f"{setting.flag} {setting.metavar}".strip(),
            setting.variable,
            setting.shown,
            setting.help + " Repeatable." * setting.is_repeatable,
        ]
        for setting in SETTINGS
    ]


@pytest.mark.parametrize("document", [*DOCUMENTS, *PROSE], ids=name_of)
def test_every_link_into_the_repository_leads_to_a_file(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", [*DOCUMENTS, *PROSE], ids=name_of)
def test_every_name_that_links_to_code_is_defined_there(document: Path) -> None:
    for name, target in re.findall(r"\[`(\w+)`\]\(([^)]+\.py)\)", document.read_text(encoding="utf-8")):
        assert name in defined_in(document.parent / target), f"{target} does not define {name}"


def defined_in(module: Path) -> set[str]:
    """The functions, classes and constants of a module, and the methods of its classes."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


@pytest.mark.parametrize("document", [*DOCUMENTS, *PROSE], ids=name_of)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    for name in re.findall(r"`(tests/[\w/]+\.py)`", document.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


def test_one_page_alone_installs_a_released_package() -> None:
    others = (path for folder in ("examples", ".github") for path in (ROOT / folder).rglob("*") if path.is_file())
    by_name = re.compile(r"pip install [^`\n]*(?<!/)\bvambe-mock\b")
    texts = {path: path.read_text(encoding="utf-8", errors="ignore") for path in {*DOCUMENTS, *PROSE, *others}}
    assert [path for path, text in texts.items() if by_name.search(text)] == [ROOT / "docs" / "index.md"]


class TestTheRunner:
    """A documentation test that cannot fail would be worse than none."""

    HELD = [
        Block(1, "bash", "echo '{\"a\": 1}'"),
        Block(1, "json", "[]"),
        Block(1, "python", "assert 1"),
        Block(1, "python", "# test_x.py\ndef test_x(vambe_mock):\n    assert vambe_mock.users\n"),
        Block(1, "console", "$ echo a; echo b\na\nb\n$ true\n$ vambe-mock fixtures init x > /dev/null\n"),
    ]
    BROKEN = [
        Block(1, "", "text"),
        Block(1, "ruby", "puts 1"),
        Block(1, "bash", "false\ntrue"),
        Block(1, "bash", "false | true"),
        Block(1, "bash", f"curl -s {PRINTED_URL}/api/public/team-members/all"),
        Block(1, "json", "{"),
        Block(1, "python", "assert 0"),
        Block(1, "python", "# test_x.py\ndef test_x():\n    assert 0\n"),
        Block(1, "console", "$ echo a\nb\n"),
        Block(1, "console", "echo a\n"),
        Block(1, "js", "// vitest/vitest.config.js\nexport default {};\n"),
    ]

    @pytest.mark.parametrize("block", HELD, ids=lambda block: block.tag)
    def test_it_accepts_what_holds(self, block: Block, tmp_path: Path) -> None:
        Runner("http://127.0.0.1:1", tmp_path).execute(block)

    @pytest.mark.parametrize("block", BROKEN, ids=lambda block: block.text)
    def test_it_finds_what_does_not(self, block: Block, server_url: str, tmp_path: Path) -> None:
        with pytest.raises((AssertionError, ValueError)):
            Runner(server_url, tmp_path).execute(block)

    def test_it_compares_json_with_the_answer_before_it(self, tmp_path: Path) -> None:
        runner = Runner("http://127.0.0.1:1", tmp_path)
        for answer, document in (("{}", "{}"), ('{"a": 1}', '{ "a":1 }')):
            runner.execute(Block(1, "bash", f"echo '{answer}'"))
            runner.execute(Block(1, "json", document))
            runner.execute(Block(1, "json", "7"))
        runner.execute(Block(1, "bash", "echo '[1]'"))
        with pytest.raises(AssertionError):
            runner.execute(Block(1, "json", "[2]"))

    def test_it_finds_blocks_with_their_lines_and_tags(self) -> None:
        document = "text\n```bash\na\n\nb\n```\n- item\n  ```json\n  {}\n  ```\n````\n```\n````\n"
        assert blocks_of(document) == [Block(2, "bash", "a\n\nb\n"), Block(8, "json", "{}\n"), Block(11, "", "```\n")]

    def test_it_refuses_a_block_that_does_not_end(self) -> None:
        with pytest.raises(AssertionError, match="does not end"):
            blocks_of("```bash\na\n")
