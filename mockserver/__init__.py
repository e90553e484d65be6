"""vambe-mock: an emulator of the task API of Vambe, a conversational CRM."""

from __future__ import annotations

__version__: str


def __getattr__(name: str) -> str:
    """`__version__`, looked up when it is first asked for: pytest imports this package at every start."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("vambe-mock")
    except PackageNotFoundError:  # a checkout that is not installed
        found = "0+unknown"
    globals()[name] = found
    return found
