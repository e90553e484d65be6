"""A release: one version, its place in the changelog, and a workflow that publishes nothing else."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from support import ROOT

from mockserver import __version__

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_changelog_begins_with_this_version_and_its_date_or_that_it_has_none() -> None:
    heading = re.search(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert heading
    assert re.fullmatch(rf"{re.escape(__version__)} \((unreleased|\d{{4}}-\d\d-\d\d)\)", heading[1])


def test_the_version_is_written_in_one_place() -> None:
    names = ("clients/node/package.json", "docs/openapi.json", "tests/data/transcript.json")
    compared = {ROOT / name for name in names}  # with the code, by other tests
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "*.cfg", "*.toml", "*.json", "Dockerfile"], cwd=ROOT, capture_output=True
    )
    files = {ROOT / name for name in listed.stdout.decode().split("\0") if name}
    written = re.compile(rf"(?<![\d.=~^]){re.escape(__version__)}(?![\d.])")
    found = {path for path in files - compared if path.is_file() and written.search(path.read_text(encoding="utf-8"))}
    assert {path for path in found if path.name != "package-lock.json"} == {ROOT / "mockserver" / "__init__.py"}


def test_one_job_alone_may_publish_and_it_only_publishes_what_another_one_built_and_checked() -> None:
    jobs = WORKFLOW["jobs"]
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert {name for name, job in jobs.items() if "permissions" in job} == {"publish"}
    publish = jobs["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert [step["uses"].partition("@")[0] for step in publish["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    assert publish["needs"] == "build"
    assert jobs["build"]["needs"] == ["checks", "installations"]
    (called,) = {job["uses"] for job in jobs.values() if "uses" in job}
    triggers = yaml.safe_load((ROOT / called).read_text(encoding="utf-8"))[True]  # YAML takes `on` for a truth value
    assert "workflow_call" in triggers


@pytest.mark.parametrize(
    ("tag", "heading", "passes"),
    [
        (f"v{__version__}", f"## {__version__} (2026-12-24)", True),
        (f"v{__version__}", f"## {__version__} (unreleased)", False),
        (f"v{__version__}", "## 9.9.9 (2026-12-24)", False),
        ("v9.9.9", f"## {__version__} (2026-12-24)", False),
        (__version__, f"## {__version__} (2026-12-24)", False),
    ],
)
def test_a_tag_is_built_if_it_is_the_version_and_the_changelog_has_its_date(
    tag: str, heading: str, passes: bool, tmp_path: Path
) -> None:
    (check,) = (step["run"] for step in WORKFLOW["jobs"]["build"]["steps"] if "GITHUB_REF_NAME" in step.get("run", ""))
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading}\n")
    (tmp_path / "mockserver").symlink_to(ROOT / "mockserver")
    environment = os.environ | {"GITHUB_REF_NAME": tag}
    done = subprocess.run(["bash", "-e", "-c", check], cwd=tmp_path, env=environment, capture_output=True)
    assert (done.returncode == 0) is passes
