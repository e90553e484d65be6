"""The command `vambe-mock`, and its fast start.

`commands` has all commands, `remote` those about a server that runs already, `executing` runs another command with a
server of its own: as its `child`, with the `variables` that lead it there, and reports refused requests when it fails.
"""

from __future__ import annotations

import contextlib
import gc
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 when all went well, 1 when a check found problems, 2 when it could not run."""
    with fast_imports():
        from mockserver.cli.commands import main
    main(arguments)


# Only the command starts so. Who imports the mock into a process of their own gets their libraries as they are.

_compile = re.compile


@contextlib.contextmanager
def fast_imports() -> Iterator[None]:
    """A block that imports the rest of the command.

    What is imported stays, so looking for garbage in it is in vain: then, and each time that all is looked through
    (https://docs.python.org/3/library/gc.html#gc.freeze).
    """
    gc.disable()
    try:
        _import_marshmallow()
        yield
    finally:
        gc.freeze()
        gc.enable()


def _import_marshmallow() -> None:
    """Marshmallow compiles patterns for mail addresses when it is imported, which takes a tenth of the start."""
    re.compile = _compile_later
    try:
        import marshmallow  # noqa: F401
    finally:
        re.compile = _compile


def _compile_later(pattern: Any, flags: Any = 0) -> Any:
    """What `re.compile` answers meanwhile: what other modules ask for, which are imported too, is compiled at once."""
    asker = str(sys._getframe(1).f_globals.get("__name__"))
    return _Pattern(pattern, flags) if asker.startswith("marshmallow.") else _compile(pattern, flags)


class _Pattern:
    """A pattern that is compiled when it is first used."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # whether it is abstract, for example, which every attribute of such a class is asked
            raise AttributeError(name)
        return getattr(_compile(*self._arguments), name)  # re remembers what it has compiled
