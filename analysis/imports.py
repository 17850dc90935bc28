"""The graph of imports: which file of a tree imports which, when, and what it takes.

An edge stands for what an import statement needs of another file. ``import a.b.c`` runs ``a/__init__.py`` and
``a/b/__init__.py`` before ``a/b/c.py``, so it makes an edge to each; but not to the packages that the importer itself
lies in. Those had been started before it, always, and only taking one of their *names* needs them to have come that
far. Without this rule nearly every package would be one cycle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from analysis.collectors.imports import Import, Imports, When
from analysis.collectors.namespace import Namespace, Offer
from analysis.index import Index, digest_of
from analysis.modules import Modules
from analysis.reading import build_of

if TYPE_CHECKING:
    import networkx as nx

    from analysis.facts import FileFacts
    from analysis.project import Project

COLLECTORS = (Imports, Namespace)
"""What a project must have been asked for to be made a graph of."""
AT_IMPORT: frozenset[When] = frozenset({"import", "conditional", "class"})
"""When an import runs while its module is imported."""
ANY_TIME: frozenset[When] = AT_IMPORT | {"deferred"}
"""When an import runs at all: not the ones for type checkers."""


class Edge(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """One import of one file by another, both named by their path.

    ``line`` is where the statement begins. ``names`` are those that are taken from ``imported``: none where the module
    itself is imported, ``*`` for all. ``implied``: it runs because it is a package around what is imported. ``certain``
    is False for an import that was read off a file that does not parse, or that a call makes.
    """

    importer: str
    imported: str
    line: int
    when: When
    names: tuple[str, ...] = ()
    implied: bool = False
    certain: bool = True


_KEPT = digest_of(b"import graph")
"""Where the graph is kept: one, so that a tree that is changed all day does not fill the index with those it had."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Edge]).decode


class ImportGraph:
    """The imports between the files of a tree.

    ``edges`` in the order of importer, imported and line. ``modules`` tells which file an import means, ``offers`` what
    each file offers to others.
    """

    def __init__(self, facts: Mapping[str, FileFacts], edges: Sequence[Edge] | None = None) -> None:
        """``facts`` of all files, which answer ``COLLECTORS``; ``edges`` where they are known already."""
        self.files = tuple(facts)
        self._facts = facts
        self._given: dict[str, dict[str, tuple[str, str, str]]] = {}
        if edges is not None:
            self.edges = list(edges)

    @cached_property
    def edges(self) -> list[Edge]:
        """Every import of one file by another."""
        found: list[Edge] = []
        for path, records in self._imports.items():
            found += sorted(set(_File(self, path, self._facts[path].fault is None).edges(records)))
        return found

    def edges_of(self, path: str, statement: Import) -> set[Edge]:
        """What one import statement of the file makes edges to; loads by a call are left out."""
        return set(_File(self, path, True).statement(statement))

    @cached_property
    def offers(self) -> dict[str, Offer]:
        """What each file offers to those that import it; of one that does not parse nothing is known."""
        return {path: one for path, facts in self._facts.items() for one in facts.records(Namespace)}

    @cached_property
    def modules(self) -> Modules:
        """Which file an import means."""
        added = {path: one.folders for path, one in self.offers.items() if one.folders}
        return Modules(self._facts, added, [path for path, one in self.offers.items() if one.script])

    @cached_property
    def _imports(self) -> dict[str, list[Import]]:
        return {
            path: facts.records(Imports) if facts.fault is None else facts.salvaged(Imports)
            for path, facts in sorted(self._facts.items())
        }

    def given(self, package: str, name: str) -> str | None:
        """The file that the module level of ``package`` binds ``name`` to by an import; None where it imports no such
        name, the package itself where the name is one of a module's.
        """
        found = self._imported(package).get(name)
        return found[0] if found is not None else None

    def origin(self, file: str, name: str) -> tuple[str, str]:
        """The file that defines what ``file`` hands on as ``name``, and what it is called there."""
        seen = set()
        while (file, name) not in seen:
            seen.add((file, name))
            offer = self.offers.get(file)
            found = self._imported(file).get(name) if offer is not None and name not in offer.bound else None
            if found is None or found[0] != file:
                break
            file, name = found[1:]
        return file, name

    def _imported(self, file: str) -> dict[str, tuple[str, str, str]]:
        """What the names that a file imports stand for: a module of the tree, or ``file`` itself for what a module has,
        followed by that module and the name in it.
        """
        known = self._given.get(file)
        if known is None:
            known = self._given[file] = {}
            for one in self._imports.get(file, []):
                if one.when not in AT_IMPORT:
                    continue
                base = self.modules.find(file, one.module, one.level) if one.is_from else None
                for imported, alias in one.names:
                    if not one.is_from:
                        if alias is not None:
                            known[alias] = self.modules.find(file, imported) or file, file, alias
                    elif base is None:
                        known[alias or imported] = file, file, alias or imported
                    else:
                        inner = self.modules.inside(base, imported)
                        known[alias or imported] = inner or file, base, imported
        return known

    def outside(self, packages: Sequence[str]) -> list[Edge]:
        """The imports of modules that are not of the tree, where they are, or lie in, one of ``packages``.

        ``imported`` is that package, and ``names`` are empty.
        """
        found: set[Edge] = set()
        for path, records in self._imports.items():
            certain = self._facts[path].fault is None
            for one in records:
                for name in () if one.level else [one.module] if one.is_from else [name for name, _ in one.names]:
                    inside = [f"{name}.{inner}." for inner, _ in one.names] if one.is_from else []
                    for package in packages:
                        meant = any(each.startswith(f"{package}.") for each in (f"{name}.", *inside))
                        if meant and self.modules.find(path, name) is None:
                            found.add(Edge(path, package, one.span.line, one.when, (), False, certain))
        return sorted(found)

    def between(self, when: frozenset[When] = AT_IMPORT) -> nx.DiGraph[str]:
        """The files, and one edge between each two of which one imports the other at any of the times ``when``.

        Its attribute ``edges`` is the list of all their :class:`Edge`.
        """
        import networkx as nx

        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.files)
        wanted = [one for one in self.edges if one.when in when]
        pairs: dict[tuple[str, str], list[Edge]] = {}
        for one in wanted:
            pairs.setdefault((one.importer, one.imported), []).append(one)
        graph.add_edges_from((*pair, {"edges": edges}) for pair, edges in pairs.items())
        return graph


class _File:
    """Makes the edges of one file."""

    def __init__(self, graph: ImportGraph, path: str, certain: bool) -> None:
        self.graph = graph
        self.modules = graph.modules
        self.path = path
        self.certain = certain
        # Started before this file is, whoever imports it.
        self.around = frozenset([path, *graph.modules.packages(path)])

    def edges(self, records: list[Import]) -> Iterator[Edge]:
        for one in records:
            yield from self.statement(one)
        offer = self.graph.offers.get(self.path)
        for load in offer.loads if offer is not None else ():
            yield from self.module(load.module, load.level, load.line, load.when, False)

    def statement(self, one: Import) -> Iterator[Edge]:
        if one.is_from:
            yield from self.taken(one)
        else:
            for name, _ in one.names:
                yield from self.module(name, 0, one.span.line, one.when, self.certain)

    def module(self, name: str, level: int, line: int, when: When, certain: bool) -> Iterator[Edge]:
        """The edges to the module of a dotted name, and to the packages that run before it."""
        found = self.modules.find(self.path, name, level)
        while found is None and "." in name:
            # os.path is no file: os puts it where imports look first.
            name = name.rpartition(".")[0]
            found = self.modules.find(self.path, name, level)
        if found is None:
            return
        yield from self.packages(found, name, line, when, certain)
        if not found.endswith("/") and found not in self.around:
            yield Edge(self.path, found, line, when, (), False, certain)

    def packages(self, found: str, name: str, line: int, when: When, certain: bool) -> Iterator[Edge]:
        # A script that has its own folder on the path imports its neighbours without the packages around them.
        before = name.count(".")
        for package in self.modules.packages(found)[-before:] if before else ():
            if package not in self.around:
                yield Edge(self.path, package, line, when, (), True, certain)

    def taken(self, one: Import) -> Iterator[Edge]:
        """The edges of ``from module import names``."""
        line, when, certain = one.span.line, one.when, self.certain
        base = self.modules.find(self.path, one.module, one.level)
        if base is None:
            if not one.level and "." in one.module:
                yield from self.module(one.module, 0, line, when, certain)
            return
        yield from self.packages(base, one.module, line, when, certain)
        names = []
        wanted = [name for name, _ in one.names]
        if wanted == ["*"]:
            names = wanted
            wanted = [name for name in self.starred(base) if self.submodule(base, name) is not None]
        for name in wanted:
            inner = self.submodule(base, name)
            if inner is None:
                names.append(name)
            elif not inner.endswith("/") and inner not in self.around:
                yield Edge(self.path, inner, line, when, (), False, certain)
        if base.endswith("/") or base == self.path:
            return
        if names or base not in self.around:
            yield Edge(self.path, base, line, when, tuple(names), not names, certain)

    def submodule(self, package: str, name: str) -> str | None:
        """The file that ``from package import name`` loads or means; None where it means a name of the package."""
        found = self.modules.inside(package, name)
        if found is None or package.endswith("/"):
            return found
        offer = self.graph.offers.get(package)
        if offer is not None and name in offer.bound:
            return None
        return found if self.graph.given(package, name) in (None, found) else None

    def starred(self, package: str) -> tuple[str, ...]:
        offer = self.graph.offers.get(package)
        return (offer.exported or ()) if offer is not None else ()


def graph_of(project: Project, *, keep: bool = False) -> ImportGraph:
    """The graph of a project that was asked for ``COLLECTORS``.

    A file that does not parse gives the imports that its lines still show. With ``keep`` the edges are put into the
    index of the project, and taken from there while no file has changed; those of what is not saved are not kept.
    """
    if not keep or not project.cache or not project.saved:
        return ImportGraph(project.files)
    index = Index(project.root)
    key = f"import-graph {build_of()}"
    names = b"\0".join(
        f"{path}\0{facts.fault is None}".encode("utf-8", "replace") for path, facts in project.files.items()
    )
    digest = digest_of(names + b"".join(facts.digest for facts in project.files.values()))
    blob = index.blobs([key], [_KEPT]).get(key, {}).get(_KEPT)
    if blob is not None and blob.startswith(digest):
        with suppress(msgspec.MsgspecError):
            return ImportGraph(project.files, _decode(blob[len(digest) :]))
    graph = ImportGraph(project.files)
    index.write({}, {key: {_KEPT: digest + _encode(graph.edges)}})
    return graph
