"""Who talks to whom, as a page: a frame for each machine, an arrow from each client to each of its servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analysis.words import plural
from unsnarl.output.page import Arrow, Kind, Node, Page, render
from unsnarl.output.port_picture import label, machines, summary

if TYPE_CHECKING:
    from analysis.ports import Row
    from unsnarl.output.port_picture import Edge, Picture

_KINDS = (
    Kind("sure", "connects", "plain"),
    Kind("choice", "may connect: one of several ports, or by a configuration alone", "dashed"),
    Kind("nobody", "connects to a port that nobody in the tree binds", "cut"),
)


def as_html(picture: Picture) -> str:
    """The page."""
    # analysis.cuts loads the graphs of imports: not for those who want another picture.
    from analysis.cuts import feedback

    groups = machines(picture)
    nodes: list[Node] = []
    numbers = {}
    for group, (machine, inside) in enumerate(groups):
        for node in inside:
            numbers[node] = len(nodes)
            where = f" on {machine}" if machine else ""
            nodes.append(Node(label(node), "", group, f"{label(node)}{where}", not node.name))
    pairs = {(f"{numbers[edge.client]:06}", f"{numbers[edge.server]:06}"): 1 for edge in picture.edges}
    # Who answers whom in a circle: some arrows have to point up.
    back = feedback([f"{number:06}" for number in range(len(nodes))], pairs)
    arrows = [
        Arrow(
            numbers[edge.client],
            numbers[edge.server],
            "nobody" if not edge.server.name else "sure" if edge.sure else "choice",
            (f"{plural(len(edge.ports), 'port')}: {', '.join(map(str, edge.ports))}.",),
            tuple(_rows(edge)),
            (f"{numbers[edge.client]:06}", f"{numbers[edge.server]:06}") in back,
        )
        for edge in picture.edges
    ]
    kinds = [one for one in _KINDS if any(arrow.kind == one.name for arrow in arrows)]
    titles = [machine or "on any machine" for machine, _ in groups]
    return render(
        Page(
            "Ports",
            summary(picture),
            "connects to",
            "is connected by",
            "Nobody binds the port",
            titles,
            nodes,
            arrows,
            kinds,
        )
    )


def _rows(edge: Edge) -> Iterator[tuple[str, str]]:
    """Each place that connects or serves."""
    for row in edge.rows:
        yield f"{row.path}:{row.line}", _said(row)


def _said(row: Row) -> str:
    kind = " ".join(filter(None, (row.by, row.socket)))
    number = "an unknown port" if row.port is None else f"port {row.port}"
    sure = "" if row.certainty == "exact" else f", {row.certainty}"
    evidence = f": {row.evidence}" if row.evidence else ""
    return f"{row.side}s {number}{f' ({kind})' if kind else ''}{sure}{evidence}"
