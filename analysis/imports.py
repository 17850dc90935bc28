"""The graph of imports: which file of a tree imports which, when, and what it takes.

An edge stands for what an import statement needs of another file. ``import a.b.c`` runs ``a/__init__.py`` and
``a/b/__init__.py`` before ``a/b/c.py``, so it makes an edge to each; but not to the packages that the importer itself
lies in. Those had been started before it, always, and only taking one of their *names* needs them to have come that
far. Without this rule nearly every package would be one cycle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

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


class _Part(NamedTuple):
    """The edges of one file, what it imports while it is imported, by name, and what these depend on.

    ``asked`` are the files that were asked what they offer, ``words`` all parts of names that were looked for, and
    ``spelt`` the files that were found, each with the dotted name that it was found by.
    """

    edges: tuple[Edge, ...]
    following: tuple[str, ...]
    asked: frozenset[str]
    words: frozenset[str]
    spelt: tuple[tuple[str, str], ...]


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
        self._read: dict[str, list[Import]] = {}
        self._parts: dict[str, _Part] = {}
        if edges is not None:
            self.edges = list(edges)

    def after(self, facts: Mapping[str, FileFacts], changed: Collection[str]) -> ImportGraph:
        """The graph of ``facts``, which are those of this one but for the files ``changed``.

        Files that were made or are gone count as changed. Only what may be otherwise than here is looked at anew.
        """
        found = ImportGraph(facts)
        offers = {path: one for path, one in self.offers.items() if path not in changed}
        there = [path for path in changed if path in facts]
        offers.update((path, one) for path in there for one in facts[path].records(Namespace))
        moved = {path for path in changed if (path in facts) != (path in self._facts)}
        if not _same_ground(self, offers, changed, moved):
            return found
        found.offers = offers
        if not moved:
            found.modules = self.modules
            found._given = {path: known for path, known in self._given.items() if path not in changed}
        found._read = {path: records for path, records in self._read.items() if path not in changed}
        stems = {path.rpartition("/")[2].removesuffix(".py") for path in moved}
        found._parts = {
            path: part
            for path, part in self._parts.items()
            if path not in changed and part.asked.isdisjoint(changed) and part.words.isdisjoint(stems)
        }
        return found

    @cached_property
    def edges(self) -> list[Edge]:
        """Every import of one file by another."""
        return list(chain.from_iterable(self._part(path).edges for path in sorted(self._facts)))

    @cached_property
    def following(self) -> dict[str, tuple[str, ...]]:
        """What each file imports while it is imported, by name."""
        if "edges" in self.__dict__ and not self._parts:
            found: dict[str, set[str]] = {path: set() for path in self.files}
            for one in self.edges:
                if one.when in AT_IMPORT:
                    found[one.importer].add(one.imported)
            return {path: tuple(sorted(others)) for path, others in found.items()}
        return {path: self._part(path).following for path in self.files}

    @cached_property
    def into(self) -> dict[str, list[Edge]]:
        """The imports of each file by others, in the order of importer and line. Not to be changed."""
        found: dict[str, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.imported, []).append(edge)
        return found

    def taken(self, path: str) -> set[str]:
        """The names that other files take from a file."""
        return {name for edge in self.into.get(path, ()) for name in edge.names}

    def _part(self, path: str) -> _Part:
        part = self._parts.get(path)
        if part is None:
            part = self._parts[path] = _File(self, path, self._facts[path].fault is None).part(self._imports(path))
        return part

    def name(self, path: str) -> str:
        """The dotted name that the module of a file is imported under: as most imports of the tree have it, else as
        they have what lies beside it.
        """
        spelt = self._spelt.get(path)
        if spelt:
            return _most(spelt)
        usual = self.modules.from_root(path)
        inner = [path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]]
        folder = path.removesuffix("/__init__.py").rpartition("/")[0]
        for package in (*reversed(self.modules.packages(path)), ""):
            if known := self._folders.get(folder):
                # A script that lies in a package names its neighbours without it: that counts where all do so.
                found = Counter({".".join(filter(None, [one, *inner])): times for one, times in known.items()})
                return usual if usual in found else _most(found)
            if not package:
                break
            folder, _, last = folder.rpartition("/")
            inner.insert(0, last)
        return usual

    @cached_property
    def _folders(self) -> dict[str, Counter[str]]:
        """How imports name the folders that files lie in."""
        found: dict[str, Counter[str]] = {}
        for path, spelt in self._spelt.items():
            for name, times in spelt.items():
                if path.endswith(("/", "/__init__.py")):
                    found.setdefault(path.removesuffix("__init__.py").rstrip("/"), Counter())[name] += times
                else:
                    found.setdefault(path.rpartition("/")[0], Counter())[name.rpartition(".")[0]] += times
        return found

    @cached_property
    def _spelt(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for importer in self.files:
            for path, name in self._part(importer).spelt:
                found.setdefault(path, Counter())[name] += 1
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

    def _imports(self, path: str) -> list[Import]:
        records = self._read.get(path)
        if records is None:
            facts = self._facts.get(path)
            if facts is None:
                return []
            records = facts.records(Imports) if facts.fault is None else facts.salvaged(Imports)
            self._read[path] = records
        return records

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
            for one in self._imports(file):
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
        for path in self.files:
            certain = self._facts[path].fault is None
            for one in self._imports(path):
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


def _most(spelt: Counter[str]) -> str:
    """The name that comes most often; of several the first."""
    return min(spelt, key=lambda name: (-spelt[name], name))


def _same_ground(
    graph: ImportGraph, offers: Mapping[str, Offer], changed: Collection[str], moved: Collection[str]
) -> bool:
    """Whether files are found by their names in a changed tree as in that of ``graph``, the files ``moved`` left out.

    These were made or are gone. A package, and the first or last file of a folder, may hide others or lay them open.
    """
    folders = {path.rpartition("/")[0] for path in graph.files if path not in moved}
    if any(path.endswith("__init__.py") or path.rpartition("/")[0] not in folders for path in moved):
        return False

    def ground(table: Mapping[str, Offer], path: str) -> tuple[tuple[str, ...], bool]:
        offer = table.get(path)
        return (offer.folders, offer.script) if offer is not None else ((), False)

    return all(ground(graph.offers, path) == ground(offers, path) for path in changed)


class _File:
    """Makes the edges of one file."""

    def __init__(self, graph: ImportGraph, path: str, certain: bool) -> None:
        self.graph = graph
        self.modules = graph.modules
        self.path = path
        self.certain = certain
        # Started before this file is, whoever imports it.
        self.around = frozenset([path, *graph.modules.packages(path)])
        self.asked: set[str] = set()
        self.words: set[str] = set()
        self.spelt: list[tuple[str, str]] = []

    def part(self, records: list[Import]) -> _Part:
        """All that is known of the edges of the file, whose imports are ``records``."""
        edges = tuple(sorted(set(self.edges(records))))
        following = tuple(sorted({one.imported for one in edges if one.when in AT_IMPORT}))
        return _Part(edges, following, frozenset(self.asked), frozenset(self.words), tuple(self.spelt))

    def find(self, name: str, level: int) -> str | None:
        found = self.modules.find(self.path, name, level)
        self.words.update(name.split("."))
        if found is not None and not level:
            self.spelt.append((found, name))
        return found

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
        found = self.find(name, level)
        while found is None and "." in name:
            # os.path is no file: os puts it where imports look first.
            name = name.rpartition(".")[0]
            found = self.find(name, level)
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
        base = self.find(one.module, one.level)
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
        self.words.update(name.split("."))
        if found is None or package.endswith("/"):
            return found
        self.asked.add(package)
        offer = self.graph.offers.get(package)
        if offer is not None and name in offer.bound:
            return None
        return found if self.graph.given(package, name) in (None, found) else None

    def starred(self, package: str) -> tuple[str, ...]:
        self.asked.add(package)
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
