"""Graphs of small trees."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from analysis.collectors.crossings import Crossing, Crossings
from analysis.imports import COLLECTORS, ImportGraph
from analysis.reading import analyse
from analysis.source import Source


class Tree:
    """What a project knows of ``files``, without a disk."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = {
            path: analyse(Source.from_bytes(textwrap.dedent(text).encode(), path), (*COLLECTORS, Crossings))
            for path, text in sorted(files.items())
        }
        for path, facts in self.files.items():
            assert facts.fault is None or facts.fault.kind != "crashed", (path, facts.fault)

    @property
    def graph(self) -> ImportGraph:
        return ImportGraph(self.files)

    @property
    def crossings(self) -> dict[str, list[Crossing]]:
        return {path: facts.records(Crossings) for path, facts in self.files.items()}


def edges(files: Mapping[str, str]) -> list[str]:
    """The edges of a tree: ``a.py:1 b.py X,Y``, with what is odd of each behind it."""
    found = []
    for one in Tree(files).graph.edges:
        odd = ["" if one.when == "import" else one.when, "implied" * one.implied, "uncertain" * (not one.certain)]
        words = [f"{one.importer}:{one.line}", one.imported, ",".join(one.names), *odd]
        found.append(" ".join(filter(None, words)))
    return found
