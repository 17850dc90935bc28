"""The history as a picture: sparklines for a terminal, and an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from unsnarl.history import Counts, Record, codes

_BARS = "▁▂▃▄▅▆▇█"
_COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2", "#9c6b4e", "#97bbf5")
_NONE = Counts()


def sparklines(records: Sequence[Record], width: int) -> str:
    """A line per rule: its bars, oldest first, on a scale from 0 to the rule's most; then first and last count."""
    lines = []
    for code in codes(records):
        values = [one.rules.get(code, _NONE).left for one in records]
        shown = values[-width:]
        most = max(values) or 1
        # 0 is a blank, so that a counter that reached it looks like nothing else.
        bars = "".join(" " if not value else _BARS[(value * len(_BARS) - 1) // most] for value in shown)
        lines.append(f"{code}  {bars}  {values[0]:,} -> {values[-1]:,}\n")
    return "".join(lines)


def svg(records: Sequence[Record], width: int = 900, height: int = 420) -> str:
    """A chart of what is left per rule over the time of the runs, on one scale that begins at 0."""
    left, right, top, bottom = 64, 110, 24, 48
    begin, end = records[0].time, records[-1].time
    seconds = (end - begin).total_seconds()
    lines = {code: [one.rules.get(code, _NONE).left for one in records] for code in codes(records)}
    most = _round_up(max((max(values) for values in lines.values()), default=1) or 1)

    def x(number: int) -> float:
        share = (records[number].time - begin).total_seconds() / seconds if seconds else 0.5
        return left + share * (width - left - right)

    def y(value: int) -> float:
        return height - bottom - value / most * (height - top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        "<style>text { font-size: 12px }</style>",
        "<title>Findings left, by rule</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for step in range(5):
        value = most * step // 4
        parts.append(
            f'<line x1="{left}" y1="{y(value):.1f}" x2="{width - right}" y2="{y(value):.1f}" stroke="#dddddd"/>'
            f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#444444">{value:,}</text>'
        )
    for number, anchor in ((0, "start"), (len(records) - 1, "end")):
        if number or anchor == "start":
            parts.append(
                f'<text x="{x(number):.1f}" y="{height - bottom + 20}" text-anchor="{anchor}" fill="#444444">'
                f"{escape(records[number].time.date().isoformat())}</text>"
            )
    ends: list[float] = []
    for index, (code, values) in enumerate(lines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        points = " ".join(f"{x(number):.1f},{y(value):.1f}" for number, value in enumerate(values))
        dots = "".join(
            f'<circle cx="{x(number):.1f}" cy="{y(value):.1f}" r="2.5" fill="{colour}"/>'
            for number, value in enumerate(values)
        )
        label = y(values[-1]) + 4
        # Labels of lines that end close together are pushed apart, upwards.
        while any(abs(label - other) < 14 for other in ends):
            label -= 14
        ends.append(label)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'
            f'<text x="{x(len(records) - 1) + 8:.1f}" y="{label:.1f}" fill="{colour}">'
            f"{escape(code)} {values[-1]:,}</text>"
        )
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _round_up(value: int) -> int:
    """The least of 4, 8, 20, 40, 80, 200, ... that is not below ``value``: four even steps make round numbers."""
    scale = 1
    while True:
        for step in (4, 8, 20):
            if value <= step * scale:
                return step * scale
        scale *= 10
