"""A picture as one page of HTML that needs nothing else: no server, no network, and a browser of the last years.

The boxes are placed here; the page draws them and lets a reader move, search, filter and look into them.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from unsnarl.output.layout import layout
from unsnarl.report import printable

Look = Literal["plain", "dashed", "cut"]
_CHARACTER = 7.9
_PADDING = 22
_SMALL = 0.85
_NARROWEST = 70
_TALL = 40
_LOW = 28


class Node(NamedTuple):
    """A box: its ``label``, a second line, the number of its group, and what it is called in full."""

    label: str
    detail: str
    group: int
    name: str
    dashed: bool = False


class Arrow(NamedTuple):
    """From one node to another, both by number.

    ``kind`` is one of those of the page; ``notes`` are sentences on the whole of it, ``rows`` what it is made of: where
    and what. ``back``: it is not to be taken for an arrow that points down.
    """

    source: int
    target: int
    kind: str
    notes: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    back: bool = False


class Kind(NamedTuple):
    """A kind of arrow, as the legend has it."""

    name: str
    label: str
    look: Look


class Page(NamedTuple):
    """What is to be seen.

    ``verb`` is what an arrow says: its source does that to its target, and the target is ``passive`` its source.
    ``listed`` is the title of the list of the arrows that look cut.
    """

    title: str
    summary: str
    verb: str
    passive: str
    listed: str
    groups: Sequence[str]
    nodes: Sequence[Node]
    arrows: Sequence[Arrow]
    kinds: Sequence[Kind]


def render(page: Page) -> str:
    """The page. It is the same for the same picture."""
    here = Path(__file__).parent
    filled = {
        "title": html.escape(printable(page.title)),
        "summary": html.escape(printable(page.summary)),
        "style": (here / "page.css").read_text("utf-8"),
        "script": (here / "page.js").read_text("utf-8"),
        "data": _data(page),
    }
    parts = (here / "page.html").read_text("utf-8").split("@@")
    # What is filled in is not looked at again: a file may be called @@script@@.
    return "".join(filled[part] if at % 2 else part for at, part in enumerate(parts))


def _data(page: Page) -> str:
    """The picture as JSON that may stand in a script element."""
    widths = [_width(node) for node in page.nodes]
    groups = [node.group for node in page.nodes]
    height = _TALL if any(node.detail for node in page.nodes) else _LOW
    placed = layout(widths, height, groups, [(one.source, one.target) for one in page.arrows if not one.back])
    made: dict[str, Any] = {
        "verb": page.verb,
        "passive": page.passive,
        "listed": page.listed,
        "groups": [
            {"label": printable(name), "x": frame.x, "y": frame.y, "w": frame.width, "h": frame.height}
            for name, frame in zip(page.groups, placed.groups, strict=True)
        ],
        "nodes": [
            {
                "label": printable(node.label),
                "detail": printable(node.detail),
                "name": printable(node.name),
                "group": node.group,
                "dashed": node.dashed,
                "x": box.x,
                "y": box.y,
                "w": box.width,
                "h": box.height,
            }
            for node, box in zip(page.nodes, placed.boxes, strict=True)
        ],
        "arrows": [
            {
                "from": one.source,
                "to": one.target,
                "kind": one.kind,
                "notes": [printable(note) for note in one.notes],
                "rows": [[printable(where), printable(what)] for where, what in one.rows],
            }
            for one in page.arrows
        ],
        "kinds": [{"name": one.name, "label": one.label, "look": one.look} for one in page.kinds],
    }
    text = msgspec.json.encode(made).decode()
    # In a script element a browser looks for the end of it, and for comments, before it looks for JSON.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _width(node: Node) -> int:
    longest = max(len(printable(node.label)), _SMALL * len(printable(node.detail)))
    return max(_NARROWEST, round(longest * _CHARACTER) + _PADDING)
