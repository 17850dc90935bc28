"""A collector that asks for the value of what a program hands to ``at``."""

from __future__ import annotations

import ast

from analysis.nodes import below
from analysis.source import Source
from analysis.values.bindings import Scope
from analysis.values.reader import Reader
from analysis.values.scopes import Scopes
from analysis.values.terms import Const
from analysis.walk import Collector, Walk


class Asking(Collector):
    """Its records are the terms of all ``at(...)``, in the order of their lines."""

    topic = "asking"
    version = 1
    record = Const
    nodes = Scopes.nodes

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._asked: list[tuple[ast.expr, Scope]] = []

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        self._scopes = Scopes(Reader(tree, self.source.data))

    def visit(self, walk: Walk, node: ast.AST) -> None:
        scope = self._scopes.note(walk, node)
        if isinstance(node, ast.Expr):
            self._asked += [
                (one.args[0], scope)
                for one in below(node)
                if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "at"
            ]

    def finish(self, walk: Walk) -> None:
        self.records += [self._scopes.reader.value(node, scope) for node, scope in self._asked]
