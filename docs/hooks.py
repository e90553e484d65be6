"""Hooks of the documentation site: links to files outside docs/, and the script that draws diagrams."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

MERMAID = Path(__file__).parent.parent / "build/npm/node_modules/mermaid/dist/mermaid.min.js"
_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./([^)]+)\)")
_log = logging.getLogger("mkdocs.hooks")


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Link files of the repository at its address, or name them where the address is not known."""
    target = rf"[\1]({config.repo_url}/blob/HEAD/\2)" if config.repo_url else r'<span title="\2">\1</span>'
    return _OUTSIDE.sub(target, markdown)


def on_files(files: Any, config: Any) -> None:
    """Add Mermaid, which `nox -s docs` installs; without it the theme would load it from another host."""
    if MERMAID.exists():
        files.append(File.generated(config, "javascript/mermaid.min.js", abs_src_path=str(MERMAID)))
    else:
        _log.warning("%s is missing: nox -s docs installs it", MERMAID)
