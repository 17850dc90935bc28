"""Which files import each other in a circle, and the shortest way round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    following: Mapping[str, Sequence[str]] = graph.following
    if when != AT_IMPORT:
        between = graph.between(when)
        following = {path: sorted(between.successors(path)) for path in graph.files}
    files = {file: at for at, each in enumerate(components(following)) for file in each}
    inside: dict[int, list[Edge]] = {}
    for one in graph.edges:
        at = files.get(one.importer)
        if at is not None and files.get(one.imported) == at and one.when in when:
            inside.setdefault(at, []).append(one)
    found = []
    for edges in inside.values():
        members = tuple(sorted({one.importer for one in edges}))
        found.append(Cycle(members, tuple(sorted(edges)), _shortest(following, members)))
    return sorted(found, key=lambda one: (-len(one.files), one.files))


def components(following: Mapping[str, Iterable[str]]) -> list[set[str]]:
    """The groups of two nodes or more each of which leads to every other: strongly connected components.

    ``following`` holds the nodes that each node leads to.
    """
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph((one, other) for one, others in following.items() for other in others)
    return [each for each in nx.strongly_connected_components(graph) if len(each) > 1]


def _shortest(following: Mapping[str, Sequence[str]], files: Iterable[str]) -> tuple[str, ...]:
    # A way from a file to itself never leaves its group.
    inside = frozenset(files)
    near = {file: [one for one in following[file] if one in inside] for file in files}
    best: tuple[str, ...] = ()
    for start in files:
        found = _way(near.__getitem__, start, start, len(best) - 1 if best else None)
        if found and (not best or len(found) < len(best)):
            best = found
        if len(best) == 2:
            break
    return best


def way(inside: nx.DiGraph[str], start: str, end: str, most: int | None = None) -> tuple[str, ...]:
    """The files on a shortest way from ``start`` to ``end``, ``end`` left out; of several the first by name.

    Where they are the same it is the way round. Empty where there is none of at most ``most`` files.
    """
    return _way(lambda file: sorted(inside.successors(file)), start, end, most)


def _way(following: Callable[[str], Iterable[str]], start: str, end: str, most: int | None) -> tuple[str, ...]:
    before: dict[str, str | None] = {start: None}
    layer = [start]
    length = 0
    while layer and (most is None or length < most):
        length += 1
        further: list[str] = []
        for file in layer:
            for other in following(file):
                if other == end:
                    found = [file]
                    while (last := before[found[-1]]) is not None:
                        found.append(last)
                    return tuple(reversed(found))
                if other not in before:
                    before[other] = file
                    further.append(other)
        layer = further
    return ()
