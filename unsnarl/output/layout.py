"""Where the boxes of a picture stand: in layers, each arrow pointing down but for those that are to point back.

The way of Sugiyama, Tagawa and Toda (1981, "Methods for visual understanding of hierarchical system structures"):
layers by longest paths, an order within each by the mean place of its neighbours, then places that do not overlap.
Ties fall by number, so that the picture depends on nothing but the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

_GAP = 24
_BETWEEN = 44
_MARGIN = 36
_HEAD = 30
_SWEEPS = 12
_INWARDS = 0.85
_WIDEST = 2200
_SHAPE = 1.3


class Rectangle(NamedTuple):
    """In pixels, from the corner at the top left."""

    x: int
    y: int
    width: int
    height: int


class Layout(NamedTuple):
    """``boxes``: where each node stands; ``groups``: the frame round each group."""

    boxes: list[Rectangle]
    groups: list[Rectangle]


def layout(widths: Sequence[int], height: int, groups: Sequence[int], arrows: Sequence[tuple[int, int]]) -> Layout:
    """Place nodes that are ``widths`` wide, each in its group, by the ``arrows`` between them, which have no circle."""
    number = max(groups, default=-1) + 1
    members: list[list[int]] = [[] for _ in range(number)]
    for node, group in enumerate(groups):
        members[group].append(node)
    made = []
    for inside in members:
        own = set(inside)
        made.append(_group(inside, widths, height, [pair for pair in arrows if pair[0] in own and pair[1] in own]))
    corners = _packed([(width, tall) for _, width, tall in made])
    boxes = [Rectangle(0, 0, 0, 0)] * len(widths)
    frames = []
    for (places, *size), (left, top) in zip(made, corners, strict=True):
        frames.append(Rectangle(left, top, *size))
        for node, (x, y) in places.items():
            boxes[node] = Rectangle(left + x, top + y, widths[node], height)
    return Layout(boxes, frames)


def _group(
    nodes: Sequence[int], widths: Sequence[int], height: int, arrows: Sequence[tuple[int, int]]
) -> tuple[dict[int, tuple[int, int]], int, int]:
    """The corner of each node within its frame, and the width and height of that."""
    above: dict[int, list[int]] = {node: [] for node in nodes}
    below: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in sorted(set(arrows)):
        if source != target:
            below[source].append(target)
            above[target].append(source)
    rows = _ordered(_layers(nodes, above, below), above, below)
    area = sum(widths[node] + _GAP for node in nodes) * (height + _BETWEEN)
    widest = max(*(widths[node] for node in nodes), min(_WIDEST, int((_SHAPE * area) ** 0.5)))
    rows = [part for row in rows for part in _broken(row, widths, widest)]
    centres = _placed(rows, widths, above, below)
    left = min(centres[node] - widths[node] / 2 for node in nodes)
    right = max(centres[node] + widths[node] / 2 for node in nodes)
    places: dict[int, tuple[int, int]] = {}
    for at, row in enumerate(rows):
        for node in row:
            x = round(centres[node] - widths[node] / 2 - left) + _MARGIN
            places[node] = x, _HEAD + _MARGIN + at * (height + _BETWEEN)
    tall = _HEAD + 2 * _MARGIN + len(rows) * (height + _BETWEEN) - _BETWEEN
    return places, round(right - left) + 2 * _MARGIN, tall


def _layers(
    nodes: Sequence[int], above: Mapping[int, Sequence[int]], below: Mapping[int, Sequence[int]]
) -> list[list[int]]:
    """Each node one layer below the lowest of those above it; who has nobody above, right over those below."""
    depth: dict[int, int] = {}
    waiting = {node: len(above[node]) for node in nodes}
    ready = [node for node in nodes if not waiting[node]]
    order: list[int] = []
    while ready:
        node = ready.pop(0)
        order.append(node)
        depth[node] = max((depth[one] + 1 for one in above[node]), default=0)
        for one in below[node]:
            waiting[one] -= 1
            if not waiting[one]:
                ready.append(one)
    for node in reversed(order):
        if not above[node] and below[node]:
            depth[node] = min(depth[one] for one in below[node]) - 1
    # Nobody's neighbours are kept apart from the rest.
    lowest = max(depth.values(), default=0)
    layers: list[list[int]] = [[] for _ in range(lowest + 2)]
    for node in nodes:
        alone = not above[node] and not below[node]
        layers[lowest + 1 if alone and lowest else depth[node]].append(node)
    return [layer for layer in layers if layer]


def _ordered(
    layers: list[list[int]], above: Mapping[int, Sequence[int]], below: Mapping[int, Sequence[int]]
) -> list[list[int]]:
    """The layers with each node near the mean place of its neighbours, downwards and upwards in turn."""
    best, fewest = layers, _crossings(layers, below)
    for sweep in range(_SWEEPS):
        layers = [list(layer) for layer in layers]
        place = {node: (at + 0.5) / len(layer) for layer in layers for at, node in enumerate(layer)}
        near = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            layer.sort(key=lambda node: (_mean([place[one] for one in near[node]], place[node]), node))
            for at, node in enumerate(layer):
                place[node] = (at + 0.5) / len(layer)
        crossing = _crossings(layers, below)
        if crossing < fewest:
            best, fewest = layers, crossing
    return best


def _mean(values: Sequence[float], other: float) -> float:
    return sum(values) / len(values) if values else other


def _crossings(layers: Sequence[Sequence[int]], below: Mapping[int, Sequence[int]]) -> int:
    """How many arrows between neighbouring layers cross; long ones count where they begin."""
    place = {node: at / len(layer) for layer in layers for at, node in enumerate(layer)}
    found = 0
    for layer in layers:
        ends = [place[one] for node in layer for one in sorted(below[node], key=place.__getitem__)]
        found += sum(1 for at, end in enumerate(ends) for other in ends[at + 1 :] if other < end)
    return found


def _broken(row: Sequence[int], widths: Sequence[int], widest: int) -> list[list[int]]:
    """A row in as many as it takes so that none is wider than that, about equally long."""
    total = sum(widths[node] + _GAP for node in row)
    most = max(total / -(-total // widest), *(widths[node] + _GAP for node in row))
    rows: list[list[int]] = [[]]
    used = 0
    for node in row:
        if rows[-1] and used + widths[node] > most:
            rows.append([])
            used = 0
        rows[-1].append(node)
        used += widths[node] + _GAP
    return rows


def _placed(
    rows: Sequence[Sequence[int]],
    widths: Sequence[int],
    above: Mapping[int, Sequence[int]],
    below: Mapping[int, Sequence[int]],
) -> dict[int, float]:
    """The middle of each node: as near to its neighbours as those beside it let it."""
    centres: dict[int, float] = {}
    for row in rows:
        x = -sum(widths[node] + _GAP for node in row) / 2
        for node in row:
            centres[node] = x + (widths[node] + _GAP) / 2
            x += widths[node] + _GAP
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            near = [[centres[one] for one in (*above[node], *below[node])] for node in row]
            # A little towards the middle, or what hangs together loosely drifts apart.
            wished = [_INWARDS * _mean(each, centres[node]) for node, each in zip(row, near, strict=True)]
            pushed = _apart(row, wished, widths)
            back = _apart(row[::-1], [-one for one in reversed(wished)], widths)
            for node, one, other in zip(row, pushed, reversed(back), strict=True):
                centres[node] = (one - other) / 2
    return centres


def _apart(row: Sequence[int], wished: Sequence[float], widths: Sequence[int]) -> list[float]:
    """What is wished for, each pushed to the right as far as the one before it asks."""
    found: list[float] = []
    for at, node in enumerate(row):
        least = found[-1] + (widths[row[at - 1]] + widths[node]) / 2 + _GAP if found else wished[at]
        found.append(max(wished[at], least))
    return found


def _packed(sizes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The corner of each frame: where the whole grows least, in the shape of a window."""
    placed: list[Rectangle] = []
    for width, height in sizes:
        best: tuple[float, int, int] | None = None
        for left in sorted({0, *(one.x + one.width + _MARGIN for one in placed)}):
            beside = [one for one in placed if one.x < left + width + _MARGIN and left < one.x + one.width + _MARGIN]
            top = max((one.y + one.height + _MARGIN for one in beside), default=0)
            right = max([left + width, *(one.x + one.width for one in placed)])
            bottom = max([top + height, *(one.y + one.height for one in placed)])
            tried = max(right, _SHAPE * bottom), top, left
            best = tried if best is None else min(best, tried)
        assert best is not None
        placed.append(Rectangle(best[2], best[1], width, height))
    return [(one.x, one.y) for one in placed]
