"""The tables, the picture and the page of a result: `python -m benchmarks.page` regenerates them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from benchmarks.picture import draw
from benchmarks.servers import BASE, OURS, ROOT, configured

RESULT = ROOT / "benchmarks" / "result.json"
DOCS = ROOT / "docs"
FASTEST = "the fastest peer"

# The digits of a measure, and its name.
MEASURES = {
    "creates": (0, "creates a second"),
    "lists": (0, "lists of 20 a second"),
    "processor": (2, "processor time of a create, ms"),
    "p99": (1, "p99 of creates with 32 clients, ms"),
    "without socket": (2, "create without a socket, p50, ms"),
    "suite": (2, "suite of 200 tests, s"),
    "start": (0, "start to the first create, ms"),
    "memory": (0, "memory after the suite, MB"),
}
# A measure, the server that it is divided by, if any, and the bound.
GOALS = (
    ("creates", BASE, "≥", 2.8),
    ("lists", BASE, "≥", 4),
    ("creates", "json-server", "≥", 2.8),
    ("creates", "Prism", "≥", 0.95),
    ("creates", "WireMock", "≥", 1),
    ("creates", "Mockoon", "≥", 4),
    ("p99", "", "≤", 20),
    ("without socket", "", "≤", 0.6),
    ("suite", FASTEST, "≤", 0.75),
    ("start", BASE, "≤", 1),
)

Result = dict[str, Any]
Medians = dict[str, dict[str, float]]


def write(result: Result) -> None:
    """Write the picture and the page of a result."""
    (DOCS / "images" / "benchmarks.svg").write_text(draw(medians(result)), encoding="utf-8")
    (DOCS / "benchmarks.md").write_text(page(result), encoding="utf-8")


def medians(result: Result) -> Medians:
    """The median of every measure of every server."""
    found = result["samples"].items()
    return {server: {name: median(each) for name, each in samples.items()} for server, samples in found}


def page(result: Result) -> str:
    """The page in Markdown."""
    template = (ROOT / "benchmarks" / "page.md").read_text(encoding="utf-8")
    servers = configured()
    head = ("server", "package", "create", "validates", "stores", "journals", "empties its world by", "differs in")
    shown = [(each.name, each.package, *each.shown.values(), ", ".join(each.differs) or "–") for each in servers]
    return template.format(
        tables=tables(result),
        servers=_table(head, shown),
        conditions=_table(("", ""), result["conditions"].items()),
    )


def tables(result: Result) -> str:
    """The tables of results in Markdown."""
    found = medians(result)
    measured = [
        (text, *(f"{found[name][measure]:,.{digits}f}" if measure in found[name] else "–" for name in found))
        for measure, (digits, text) in MEASURES.items()
    ]
    goals = [_goal(found, *goal) for goal in GOALS]
    return "\n\n".join([_table(("", *found), measured), _table(("goal", "bound", "measured", ""), goals)])


def _goal(found: Medians, measure: str, beside: str, sign: str, bound: float) -> Sequence[str]:
    text, unit = MEASURES[measure][1], "×" if beside else ""
    if beside == FASTEST:
        beside = min(found.keys() - {OURS, BASE}, key=lambda name: found[name][measure])
        text += f", beside {FASTEST}, {beside}"
    elif beside:
        text += f", beside {beside}"
    if beside and beside not in found:
        return text, f"{sign} {bound:g}{unit}", "–", "not measured"
    value = found[OURS][measure] / (found[beside][measure] if beside else 1)
    is_met = value >= bound if sign == "≥" else value <= bound
    return text, f"{sign} {bound:g}{unit}", f"{value:.3f}{unit}", "met" if is_met else "**missed**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


if __name__ == "__main__":
    write(json.loads(RESULT.read_text(encoding="utf-8")))
