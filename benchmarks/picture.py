"""The picture of a result: four panels of bars in an SVG that has colours for light and for dark screens."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from benchmarks.servers import BASE, OURS, configured

_PANELS = (
    ("creates", "Creates a second", "more is better", 0),
    ("suite", "A suite of 200 tests, seconds", "less is better", 2),
    ("start", "Start to the first create, milliseconds", "less is better", 0),
    ("memory", "Memory after the suite, MB", "less is better", 0),
)
_WIDTH, _PANEL, _ROW, _NAMES, _BAR = 880, 430, 24, 104, 242
_STYLE = """
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .page { fill: #ffffff; stroke: #d1d9e0 } .head { font-weight: 600 } .note { fill: #59636e }
  .ours { fill: #1a7f5a } .peer { fill: #8c959f } .example { fill: #ffffff; stroke: #8c959f; stroke-dasharray: 3 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .page { fill: #0d1117; stroke: #3d444d } .note { fill: #9198a1 }
    .ours { fill: #3fb984 } .peer { fill: #656c76 } .example { fill: #0d1117; stroke: #656c76 }
  }
"""


def draw(found: Mapping[str, Mapping[str, float]]) -> str:
    """The picture of the medians of the project and its peers."""
    examples = [each.name for each in configured() if "list" in each.differs]
    rows = [name for name in found if name != BASE]
    height = 60 + len(rows) * _ROW
    shapes = [f'<rect class="page" x=".5" y=".5" width="{_WIDTH - 1}" height="{2 * height + 35}" rx="8"/>']
    for number, (measure, title, note, digits) in enumerate(_PANELS):
        left, top = 20 + number % 2 * _PANEL, 34 + number // 2 * height
        most = max(found[name][measure] for name in rows)
        shapes.append(_text(left, top, f'{title} <tspan class="note">· {note}</tspan>', "head"))
        for row, name in enumerate(rows, 1):
            value, y = found[name][measure], top + row * _ROW
            width = value / most * _BAR
            kind = "ours" if name == OURS else "example" if name in examples else "peer"
            bold = "head" if name == OURS else ""
            shapes.append(_text(left, y, escape(name), bold))
            shapes.append(
                f'<rect class="{kind}" x="{left + _NAMES}" y="{y - 13}" width="{width:.1f}" height="16" rx="2"/>'
            )
            shapes.append(_text(left + _NAMES + width + 7, y, f"{value:,.{digits}f}", bold))
    shapes.append(_text(20, 2 * height + 16, "Dashed: answers an example and stores nothing.", "note"))
    label = "vambe-mock beside its peers: " + ", ".join(title.lower() for _, title, *_ in _PANELS)
    size = f'width="{_WIDTH}" height="{2 * height + 36}" viewBox="0 0 {_WIDTH} {2 * height + 36}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(label)}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *shapes, "</svg>\n"])


def _text(x: float, y: float, content: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y}">{content}</text>'
