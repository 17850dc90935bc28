"""Where the boxes of a page stand, for any graph."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from unsnarl.output.layout import Rectangle, layout

HEIGHT = 40


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    number = draw(st.integers(0, 14))
    widths = draw(st.lists(st.integers(70, 400), min_size=number, max_size=number))
    groups = sorted(draw(st.lists(st.integers(0, 3), min_size=number, max_size=number)))
    renumbered = {group: at for at, group in enumerate(dict.fromkeys(groups))}
    nodes = st.integers(0, max(number - 1, 0))
    # From the lower number to the higher, so that there is no circle.
    arrows = draw(
        st.lists(st.tuples(nodes, nodes).filter(lambda pair: pair[0] < pair[1]), max_size=25 if number > 1 else 0)
    )
    return widths, [renumbered[group] for group in groups], arrows


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@given(graphs())
def test_nothing_overlaps_and_every_arrow_points_down(
    graph: tuple[list[int], list[int], list[tuple[int, int]]],
) -> None:
    widths, groups, arrows = graph
    boxes, frames = layout(widths, HEIGHT, groups, arrows)
    assert [box.width for box in boxes] == widths
    assert not any(overlap(*pair) for pair in combinations(boxes, 2))
    assert not any(overlap(*pair) for pair in combinations(frames, 2))
    for box, group in zip(boxes, groups, strict=True):
        frame = frames[group]
        assert frame.x <= box.x
        assert box.x + box.width <= frame.x + frame.width
        assert frame.y < box.y
        assert box.y + box.height < frame.y + frame.height
    for source, target in arrows:
        if groups[source] == groups[target]:
            assert boxes[source].y < boxes[target].y
    assert layout(widths, HEIGHT, groups, arrows[::-1]) == (boxes, frames)
