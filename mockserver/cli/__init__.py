"""The command `vambe-mock`, and its fast start.

`commands` has all commands, `remote` those for a running server, `measuring` the one that measures a real vendor,
`pulling` the one that makes fixtures of a real workspace. `executing` runs another command with a server of its own: as
its `child`, with the `variables` that point to the server, and reports refused requests when it fails.
"""

from __future__ import annotations

import contextlib
import gc
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 for success, 1 when a check found problems, 2 when it could not run."""
    with fast_imports():
        from mockserver.cli.commands import main
    main(arguments)


# Only for the command: in other processes, importing the mock changes no library.

_compile = re.compile

# Most of their patterns are for mail addresses, templates and headers that few servers meet.
_LIBRARIES = ("jinja2.", "marshmallow.", "waitress.", "werkzeug.")


@contextlib.contextmanager
def fast_imports() -> Iterator[None]:
    """Speed up the imports of a block.

    Imported objects stay, so the garbage collector skips them, during the block and after it
    (https://docs.python.org/3/library/gc.html#gc.freeze).
    """
    gc.disable()
    re.compile = _compile_later
    try:
        yield
    finally:
        re.compile = _compile
        gc.freeze()
        gc.enable()


def _compile_later(pattern: Any, flags: Any = 0) -> Any:
    """Replace `re.compile`: defer the patterns of some libraries, compile those of all other modules."""
    caller = str(sys._getframe(1).f_globals.get("__name__"))
    return _Pattern(pattern, flags) if caller.startswith(_LIBRARIES) else _compile(pattern, flags)


class _Pattern:
    """A pattern that is compiled on first use."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # such as __isabstractmethod__, which abc reads of every attribute
            raise AttributeError(name)
        found = getattr(_compile(*self._arguments), name)
        setattr(self, name, found)
        return found
