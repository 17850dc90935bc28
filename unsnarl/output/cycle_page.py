"""Cycles of imports as a page: a frame for each, what is to be cut in red and pointing back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from analysis.words import plural
from unsnarl.output.cycle_text import HOW, Opened
from unsnarl.output.page import Arrow, Kind, Node, Page, render

if TYPE_CHECKING:
    from analysis.collectors.crossings import Crossing, NameUse
    from analysis.cuts import Cut
    from analysis.imports import Edge

_KINDS = (
    Kind("import", "stays", "plain"),
    Kind("late", "stays, in a function", "dashed"),
    Kind("cut", "to cut", "cut"),
)
_WHEN = {
    "import": "while the module is imported",
    "conditional": "while the module is imported, under a condition",
    "class": "while the module is imported, in a class body",
    "deferred": "when a function is called",
    "typing": "for type checkers only",
}
_USED = {
    "base": "a base class",
    "decorator": "a decorator",
    "annotation": "an annotation",
    "caught": "the type of an except clause",
    "call": "called",
    "dropped-call": "called, the result dropped",
    "value": "a value",
    "export": "exported in __all__",
    "rebound": "bound anew",
}
_SHOWN = 6


def page(found: Sequence[Opened], crossings: Mapping[str, Sequence[Crossing]], summary: str) -> str:
    """The page for ``found``; ``crossings`` are the names that cross, by importer."""
    nodes: list[Node] = []
    arrows: list[Arrow] = []
    for group, (cycle, cuts) in enumerate(found):
        numbers = {file: len(nodes) + at for at, file in enumerate(cycle.files)}
        nodes += [_node(file, group) for file in cycle.files]
        cutting = {(one.importer, one.imported): one for one in cuts}
        for pair, edges in sorted(cycle.pairs().items()):
            cut = cutting.get(pair)
            late = all(one.when == "deferred" for one in edges)
            arrows.append(
                Arrow(
                    numbers[pair[0]],
                    numbers[pair[1]],
                    "cut" if cut is not None else "late" if late else "import",
                    tuple(_proposal(cut)) if cut is not None else (),
                    tuple(row for edge in edges for row in _rows(edge, crossings.get(pair[0], ()))),
                    cut is not None,
                )
            )
    kinds = [one for one in _KINDS if any(arrow.kind == one.name for arrow in arrows)]
    groups = [
        f"{at}: {plural(len(one.cycle.files), 'file')}, {plural(len(one.cuts), 'import')} to cut"
        for at, one in enumerate(found, 1)
    ]
    return render(Page("Import cycles", summary, "imports", "imported by", "To cut", groups, nodes, arrows, kinds))


def _node(file: str, group: int) -> Node:
    folder, _, name = file.rpartition("/")
    if name == "__init__.py" and folder:
        folder, _, package = folder.rpartition("/")
        name = f"{package}/{name}"
    return Node(name, folder, group, file)


def _proposal(cut: Cut) -> Iterator[str]:
    yield f"Cut: {cut.reason}; {HOW[cut.technique]}."
    yield f"Cost {cut.cost}: what is proposed for a cycle is what costs least in all."


def _rows(edge: Edge, crossings: Sequence[Crossing]) -> Iterator[tuple[str, str]]:
    """Where an import stands, when it runs, what it takes, and where that is used."""
    names = f"takes {', '.join(edge.names)}" if edge.names else "takes the module"
    if edge.implied:
        names = "starts it as a package around what is imported"
    doubt = "" if edge.certain else "; read off a file that does not parse, or loaded by a call"
    yield f"{edge.importer}:{edge.line}", f"{names}, {_WHEN[edge.when]}{doubt}"
    for one in crossings:
        if one.line == edge.line and (not edge.names or one.local in edge.names or edge.names == ("*",)):
            for use in one.uses[:_SHOWN]:
                yield f"{edge.importer}:{use.line}", _use(one.local, use)
            if len(one.uses) > _SHOWN:
                yield f"{edge.importer}", f"{one.local} is used {len(one.uses) - _SHOWN} times more"


def _use(local: str, use: NameUse) -> str:
    name = f"{local}.{use.member}" if use.member else local
    where = "while the module is imported" if use.at_import else f"in {use.scope}()" if use.scope else "later"
    return f"{name}: {_USED[use.kind]}, {where}"
