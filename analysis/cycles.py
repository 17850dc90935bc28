"""Which files import each other in a circle, and the shortest way round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from analysis.imports import AT_IMPORT, Edge, ImportGraph

if TYPE_CHECKING:
    import networkx as nx

    from analysis.collectors.imports import When


class Cycle(msgspec.Struct, frozen=True):
    """Files each of which imports every other, directly or through others: a strongly connected component.

    ``edges`` are the imports between them, in the order of importer, imported and line. ``shortest`` is a way round
    that no other is shorter than: of several the first by name.
    """

    files: tuple[str, ...]
    edges: tuple[Edge, ...]
    shortest: tuple[str, ...]

    def pairs(self) -> dict[tuple[str, str], list[Edge]]:
        """The edges between each two files, by importer and imported."""
        found: dict[tuple[str, str], list[Edge]] = {}
        for one in self.edges:
            found.setdefault((one.importer, one.imported), []).append(one)
        return found


def cycles(graph: ImportGraph, when: frozenset[When] = AT_IMPORT) -> list[Cycle]:
    """The cycles of imports that run at any of the times ``when``: the largest first, then by name.

    With the default those that can fail: imports in functions and for type checkers only are left out.
    """
    import networkx as nx

    between = graph.between(when)
    found = []
    for component in nx.strongly_connected_components(between):
        if len(component) > 1:
            files = tuple(sorted(component))
            inside = between.subgraph(component)
            edges = sorted(one for _, _, each in inside.edges(data="edges") for one in each)
            found.append(Cycle(files, tuple(edges), _shortest(inside, files)))
    return sorted(found, key=lambda one: (-len(one.files), one.files))


def _shortest(inside: nx.DiGraph[str], files: Iterable[str]) -> tuple[str, ...]:
    best: tuple[str, ...] = ()
    for start in files:
        found = way(inside, start, start, len(best) - 1 if best else None)
        if found and (not best or len(found) < len(best)):
            best = found
        if len(best) == 2:
            break
    return best


def way(inside: nx.DiGraph[str], start: str, end: str, most: int | None = None) -> tuple[str, ...]:
    """The files on a shortest way from ``start`` to ``end``, ``end`` left out; of several the first by name.

    Where they are the same it is the way round. Empty where there is none of at most ``most`` files.
    """
    before: dict[str, str | None] = {start: None}
    layer = [start]
    length = 0
    while layer and (most is None or length < most):
        length += 1
        following: list[str] = []
        for file in layer:
            for other in sorted(inside.successors(file)):
                if other == end:
                    found = [file]
                    while (last := before[found[-1]]) is not None:
                        found.append(last)
                    return tuple(reversed(found))
                if other not in before:
                    before[other] = file
                    following.append(other)
        layer = following
    return ()
