"""Hooks of the documentation site: links out of docs/, nothing from other hosts, and the script for diagrams."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

MERMAID = Path(__file__).parent.parent / "build/npm/node_modules/mermaid/dist/mermaid.min.js"
_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./([^)]+)\)")
_LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"?((?:https?:)?//[^\s\">]+)")
_log = logging.getLogger("mkdocs.hooks")


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Link files of the repository at its address, or name them where the address is not known."""
    repository = config.extra["repository"]
    target = rf"[\1]({repository}/blob/HEAD/\2)" if repository else r'<span title="\2">\1</span>'
    return _OUTSIDE.sub(target, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> None:
    """Warn of what a page loads from another host."""
    for address in _LOADED.findall(output):
        _log.warning("%s loads %s", page.file.src_uri, address)


def on_files(files: Any, config: Any) -> None:
    """Add Mermaid, which `nox -s docs` installs; without it the theme would load it from another host."""
    if MERMAID.exists():
        files.append(File.generated(config, "javascript/mermaid.min.js", abs_src_path=str(MERMAID)))
    else:
        _log.warning("%s is missing: nox -s docs installs it", MERMAID)
