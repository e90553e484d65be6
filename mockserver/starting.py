"""A fast start of the command: what importing does that nobody needs is left out.

Only the command does so. Who imports the mock into a process of their own gets their libraries as they are.
"""

from __future__ import annotations

import contextlib
import gc
import re
import sys
from collections.abc import Iterator
from typing import Any

_compile = re.compile


@contextlib.contextmanager
def fast() -> Iterator[None]:
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
