"""Which imports break a contract of the tree, and by which way.

A contract puts files into *parts*. What it forbids is that a file of one part imports a file of another, at once or by
way of files that are in no part: those stand for nothing themselves, and what they import is as good as imported by
whoever imports them. A way through a third part is no breach of its own, as one of its imports is one already. So each
file is looked at with the breadth-first distances of the free files to each part, which is one search a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from analysis.collectors.imports import When
from analysis.imports import AT_IMPORT, Edge, ImportGraph
from config.contracts import Contract, ContractError, Part


class Breach(NamedTuple):
    """A way that a contract forbids: ``chain`` from a file of the part ``importer`` to one of the part ``imported``.

    One edge where the import is direct; else a shortest way, of several the first by name. ``why`` it is forbidden is
    told for people.
    """

    chain: tuple[Edge, ...]
    importer: str
    imported: str
    why: str


def breaches(graph: ImportGraph, contract: Contract) -> list[Breach]:
    """The imports of ``graph`` that break ``contract``, in the order of their first files and lines.

    Direct ones are all told, once for each line and part; of the indirect ones a shortest way from each file to each
    part. Raises ContractError for a pattern that matches nothing.
    """
    sides = _Sides(graph, contract)
    edges = _edges(graph, contract)
    if contract.packages:
        edges += [one for one in graph.outside(contract.packages) if one.when in _when(contract)]
    found: list[Breach] = []
    for target in sides.groups:
        importers = [(group, why) for group in sides.groups if (why := sides.forbidden(group, target))]
        if importers:
            found += _towards(target, dict(importers), edges, sides, contract.indirect)
    return sorted(found, key=lambda one: (one.chain[0].importer, one.chain[0].line, one.chain, one.imported))


def _when(contract: Contract) -> frozenset[When]:
    more: set[When] = {"deferred"} if contract.deferred else set()
    return AT_IMPORT | more | ({"typing"} if contract.typing else set())


def _edges(graph: ImportGraph, contract: Contract) -> list[Edge]:
    """The imports that count, without those that the contract ignores. Raises ContractError for a stale exception."""
    edges = [one for one in graph.edges if one.when in _when(contract)]
    for text, importer, imported in contract.exceptions():
        sides = [_Pattern(one).files(graph) for one in (importer, imported)]
        rest = [one for one in edges if one.importer not in sides[0] or one.imported not in sides[1]]
        # What is allowed and does not happen would be allowed to begin.
        if len(rest) == len(edges):
            raise ContractError("ignore", f'"{text}": the tree has no such import that counts')
        edges = rest
    return edges


class _Group(NamedTuple):
    """A part, or one match of a part of ``independent``: ``name`` is what it is called."""

    part: Part
    name: str


class _Sides:
    """Which file is in which part, and which part may not import which."""

    def __init__(self, graph: ImportGraph, contract: Contract) -> None:
        self.kind = contract.kind
        self.of: dict[str, _Group] = {}
        weights: dict[str, int] = {}
        for part in contract.parts():
            pattern = _Pattern(part.pattern)
            files = pattern.files(graph)
            if not files and not part.optional:
                near = _near(graph, pattern, part.pattern)
                raise ContractError(part.key, f'"{part.pattern}" matches no file of the tree{near}')
            for file, name in files.items():
                # The pattern that says most of a file: a module goes before the package that it is in.
                if pattern.weight > weights.get(file, -1):
                    weights[file] = pattern.weight
                    self.of[file] = _Group(part, name if self.kind == "independent" else part.pattern)
        outside = [Part("packages", name, 0, False, True) for name in contract.packages]
        self.of.update((part.pattern, _Group(part, part.pattern)) for part in outside)
        self.groups = sorted(set(self.of.values()), key=lambda one: (one.part.key, one.part.level, one.name))

    def forbidden(self, importer: _Group, imported: _Group) -> str:
        """Why one may not import the other; empty where it may."""
        if self.kind == "forbidden":
            if importer.part.key == "sources" and imported.part.key != "sources":
                return f"`{importer.name}` may not import `{imported.name}`"
            return ""
        if importer == imported:
            return ""
        if self.kind == "independent" or importer.part.level == imported.part.level:
            open_ = self.kind == "layers" and importer.part.open
            return "" if open_ else f"`{importer.name}` and `{imported.name}` are independent of each other"
        if importer.part.level > imported.part.level:
            return f"`{importer.name}` is below `{imported.name}`"
        return ""


def _towards(
    target: _Group, importers: Mapping[_Group, str], edges: Sequence[Edge], sides: _Sides, indirect: bool
) -> Iterator[Breach]:
    """The ways into one part from those that may not import it."""
    direct: dict[str, dict[int, Edge]] = {}
    incoming: dict[str, list[Edge]] = {}
    for edge in edges:
        group = sides.of.get(edge.importer)
        if sides.of.get(edge.imported) == target and group in importers:
            lines = direct.setdefault(edge.importer, {})
            lines[edge.line] = min(lines.get(edge.line, edge), edge, key=_plainly)
        else:
            incoming.setdefault(edge.imported, []).append(edge)
            if sides.of.get(edge.imported) == target:
                incoming.setdefault("", []).append(edge)
    for lines in direct.values():
        for edge in lines.values():
            group = sides.of[edge.importer]
            yield Breach((edge,), group.name, target.name, importers[group])
    if not indirect:
        return
    first: dict[str, Edge] = {}
    # Into the part itself, then back from file to file, those of one distance in the order of their names.
    layer = incoming.get("", [])
    while layer:
        following: list[str] = []
        for edge in sorted(layer, key=_plainly):
            if edge.importer in first or sides.of.get(edge.importer) == target:
                continue
            group = sides.of.get(edge.importer)
            if group is None:
                first[edge.importer] = edge
                following.append(edge.importer)
            elif group in importers and edge.importer not in direct:
                first[edge.importer] = edge
        layer = [edge for file in following for edge in incoming.get(file, ())]
    for file in sorted(first):
        group = sides.of.get(file)
        if group is not None:
            chain = [first[file]]
            while sides.of.get(chain[-1].imported) != target:
                chain.append(first[chain[-1].imported])
            yield Breach(tuple(chain), group.name, target.name, importers[group])


def _plainly(edge: Edge) -> tuple[bool, str, int, Edge]:
    """What is imported by its name goes before the packages around it."""
    return edge.implied, edge.imported, edge.line, edge


class _Pattern:
    """A module (``app.memory``) or a path (``app/memory.py``), and all below it; ``*`` is one part, ``**`` are any."""

    def __init__(self, text: str) -> None:
        self.is_path = "/" in text or text.endswith((".py", ".pyw"))
        parts = text.strip("/").split("/") if self.is_path else text.split(".")
        self.weight = len(parts) - parts.count("**")
        inner = "".join(
            r"(?:[^/]+/)*" if one == "**" and at < len(parts) - 1 else _component(one) + "/" * (at < len(parts) - 1)
            for at, one in enumerate(parts)
        )
        end = r"(?:/.*)?" if self.is_path else r"(?:\.pyw?|/.*)"
        self.matches = re.compile(f"({inner}){end}", re.DOTALL).fullmatch

    def files(self, graph: ImportGraph) -> dict[str, str]:
        """The files that match, each with what of its name does.

        A module is looked for from the root of the tree; where there is none, from the roots that packages lie in.
        """
        found = {file: hit[1] for file in graph.files if (hit := self.matches(file))}
        if not found and not self.is_path:
            inner = {file: file[len(root) + 1 :] for file in graph.files if (root := graph.modules.root(file))}
            found = {file: hit[1] for file, rest in inner.items() if (hit := self.matches(rest))}
        return found if self.is_path else {file: name.replace("/", ".") for file, name in found.items()}


def _component(text: str) -> str:
    if text == "**":
        return ".+?"
    # The package itself is none of the modules in it.
    head = r"(?!__init__\.pyw?\Z)" if "*" in text else ""
    return head + "".join("[^/]*" if one == "*" else "[^/]" if one == "?" else re.escape(one) for one in text)


def _near(graph: ImportGraph, pattern: _Pattern, text: str) -> str:
    """What the tree has instead, where that is near."""
    import difflib

    names = {name for file in graph.files for name in _names(graph, file, pattern.is_path)}
    close = difflib.get_close_matches(text, sorted(names), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


def _names(graph: ImportGraph, file: str, is_path: bool) -> Iterable[str]:
    """The names of a file, and of the folders that it lies in."""
    if is_path:
        parts = file.split("/")
        return ["/".join(parts[: at + 1]) for at in range(len(parts))]
    root = graph.modules.root(file)
    found = []
    for path in {file, file[len(root) + 1 :] if root else file}:
        parts = re.sub(r"(?:/__init__)?\.pyw?\Z", "", path).split("/")
        found += [".".join(parts[: at + 1]) for at in range(len(parts))]
    return found
