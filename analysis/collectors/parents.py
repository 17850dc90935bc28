"""The classes that others derive from."""

from __future__ import annotations

import ast

import msgspec

from analysis.walk import Collector, Walk


class Parent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last part of the name that a class statement gives for a base."""

    name: str


class ParentCollector(Collector):
    """Collects the names of base classes, each once."""

    topic = "parents"
    version = 1
    record = Parent
    nodes = (ast.ClassDef,)

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        """Start with none."""
        self._names: set[str] = set()

    def visit(self, walk: Walk, node: ast.AST) -> None:
        """Note the bases of one class: ``C`` of ``m.C``, of ``C[T]`` and of ``make(C)`` alike."""
        assert isinstance(node, ast.ClassDef)
        for base in node.bases:
            if isinstance(base, ast.Name):
                self._names.add(base.id)
            elif isinstance(base, ast.Attribute):
                self._names.add(base.attr)
            else:
                inner = ast.walk(base)
                self._names.update(
                    one.id if isinstance(one, ast.Name) else one.attr
                    for one in inner
                    if isinstance(one, (ast.Name, ast.Attribute))
                )

    def finish(self, walk: Walk) -> None:
        """Record them in order."""
        self.records.extend(Parent(name) for name in sorted(self._names))
