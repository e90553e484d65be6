"""Time zones, from the `tzdata` package only (contract, section 2, `timezone`).

The machine's own zone files are never read: their names and rules differ from machine to machine.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from mockserver.formats.json import quoted


@cache
def names() -> frozenset[str]:
    """Every accepted IANA name, links such as `US/Pacific` included."""
    listed = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(listed) - {"Factory", "localtime"}


@cache
def load(name: str) -> ZoneInfo:
    """Load the zone of a name, which must be one of `names()`."""
    *folders, last = name.split("/")
    with resources.files(".".join(["tzdata", "zoneinfo", *folders])).joinpath(last).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def parse(text: str) -> str:
    """The name itself; ValueError for one that is not in `names()`."""
    if text not in names():
        raise ValueError(f"{quoted(text)} is not an IANA time zone, such as America/Santiago")
    return text
