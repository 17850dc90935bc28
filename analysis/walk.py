"""The one walk: every statement of a module once, each handed to the collectors that asked for its type."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import msgspec

if TYPE_CHECKING:
    from analysis.source import Source

_T = TypeVar("_T")
ScopeKind = Literal["module", "class", "function"]


class Scope:
    """A module, class or function that the walk is inside of."""

    __slots__ = ("kind", "node", "qualname")

    def __init__(self, kind: ScopeKind, qualname: str, node: ast.AST) -> None:
        self.kind = kind
        self.qualname = qualname
        self.node = node


class Collector:
    """Notes down one topic of one file. A fresh one is made per file, so nothing is carried between files.

    ``topic`` names it in the index; ``version`` is raised whenever the same source would give other records;
    ``record`` is the type of its records; ``nodes`` are the statement types (and ``ast.ExceptHandler``) it is handed.
    ``needles``: when given, a file whose bytes hold none of them is skipped: it cannot have a record.
    """

    topic: ClassVar[str]
    version: ClassVar[int]
    record: ClassVar[type[msgspec.Struct]]
    nodes: ClassVar[tuple[type[ast.AST], ...]] = ()
    needles: ClassVar[tuple[bytes, ...]] = ()

    def __init__(self, source: Source) -> None:
        self.source = source
        self.records: list[Any] = []
        self.idle = False
        """Set, by ``begin`` at the latest, where this file has nothing to be visited for."""

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        """Called once, before the first statement."""

    def visit(self, walk: Walk, node: ast.AST) -> None:
        """Called for each node of the types in ``nodes``, in source order, before the statements inside it."""

    def finish(self, walk: Walk) -> None:
        """Called once, after the last statement."""

    def salvage(self) -> None:
        """Called in place of all others for a file that does not parse: what its lines still show may be noted."""


class Walk:
    """Where the walk stands: ``scopes`` and ``parents`` are stacks, innermost last; the node at hand is in neither."""

    __slots__ = ("_shared", "parents", "scopes", "source", "table")

    def __init__(self, source: Source) -> None:
        self.source = source
        self._shared: dict[Callable[[bytes], Any], Any] = {}
        self.scopes: list[Scope] = []
        self.parents: list[ast.AST] = []
        self.table: dict[type[ast.AST], list[Any]] = {}

    def once(self, read: Callable[[bytes], _T]) -> _T:
        """What ``read`` makes of the bytes of the file, worked out once for all collectors that ask."""
        if read not in self._shared:
            self._shared[read] = read(self.source.data)
        found: _T = self._shared[read]
        return found

    @property
    def qualname(self) -> str:
        """The enclosing definition, dotted as ``Class.method``; ``<module>`` outside of any."""
        return self.scopes[-1].qualname


_SHAPES: dict[type[ast.AST], tuple[ScopeKind | None, tuple[str, ...]]] = {
    ast.FunctionDef: ("function", ("body",)),
    ast.AsyncFunctionDef: ("function", ("body",)),
    ast.ClassDef: ("class", ("body",)),
    ast.If: (None, ("body", "orelse")),
    ast.For: (None, ("body", "orelse")),
    ast.AsyncFor: (None, ("body", "orelse")),
    ast.While: (None, ("body", "orelse")),
    ast.With: (None, ("body",)),
    ast.AsyncWith: (None, ("body",)),
    ast.Try: (None, ("body", "handlers", "orelse", "finalbody")),
    ast.TryStar: (None, ("body", "handlers", "orelse", "finalbody")),
    ast.ExceptHandler: (None, ("body",)),
    ast.Match: (None, ("cases",)),
    ast.match_case: (None, ("body",)),
}
"""Which nodes hold statements, in which fields in source order, and which of them are a scope."""


def collect(source: Source, tree: ast.Module, collectors: Iterable[type[Collector]]) -> dict[str, list[Any]]:
    """Walk ``tree`` once for all ``collectors``; return their records by topic."""
    walk = Walk(source)
    made = [kind(source) for kind in collectors]
    walk.scopes.append(Scope("module", "<module>", tree))
    # In some encodings (UTF-7, ISO 2022) a keyword need not be written by its own bytes.
    searchable = source.encoding in ("utf-8", "iso-8859-1")
    for one in made:
        one.begin(walk, tree)
        needed = one.needles and searchable
        if one.idle or (needed and not any(needle in source.data for needle in one.needles)):
            continue
        for node_type in one.nodes:
            walk.table.setdefault(node_type, []).append(one.visit)
    if walk.table:
        _statements(walk, tree.body)
    for one in made:
        one.finish(walk)
    return {one.topic: one.records for one in made}


def salvage(source: Source, collectors: Iterable[type[Collector]]) -> dict[str, list[Any]]:
    """What ``collectors`` make of a source that does not parse, by topic."""
    made = [kind(source) for kind in collectors]
    for one in made:
        one.salvage()
    return {one.topic: one.records for one in made}


def _statements(walk: Walk, suite: list[Any]) -> None:
    table = walk.table
    shapes = _SHAPES
    for node in suite:
        kind = node.__class__
        if kind in table:
            for visit in table[kind]:
                visit(walk, node)
        # Most statements hold no others.
        if kind not in shapes:
            continue
        scope, fields = shapes[kind]
        if scope is not None:
            outer = walk.scopes[-1]
            name = node.name if outer.kind == "module" else f"{outer.qualname}.{node.name}"
            walk.scopes.append(Scope(scope, name, node))
        walk.parents.append(node)
        for field in fields:
            inner = getattr(node, field)
            if inner:
                _statements(walk, inner)
        walk.parents.pop()
        if scope is not None:
            walk.scopes.pop()
