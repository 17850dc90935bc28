"""Fills a ``Reader`` while the walk goes through a file."""

from __future__ import annotations

import ast

from analysis.values.bindings import Scope, attribute_targets
from analysis.values.names import ClassValues, Stored
from analysis.values.reader import Reader
from analysis.values.syntax import dotted
from analysis.walk import Walk

_CHANGING = frozenset({"update", "setdefault", "append", "extend", "insert", "pop", "clear", "remove", "sort"})


class Scopes:
    """Notes the definitions, returns and attributes of one file, when handed every node of the types ``nodes``."""

    nodes = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Assign,
        ast.AnnAssign,
        ast.AugAssign,
        ast.Expr,
        ast.Return,
    )

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def note(self, walk: Walk, node: ast.AST) -> Scope:
        """Take in one node; returns the scope that it stands in."""
        reader = self.reader
        scope = reader.scopes[id(walk.scopes[-1].node)]
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                inner = Scope("function", _inside(scope, node.name), node, scope)
                reader.scopes[id(node)] = reader.functions[inner.qualname] = inner
            case ast.ClassDef():
                inner = Scope("class", _inside(scope, node.name), node, scope)
                reader.scopes[id(node)] = inner
                reader.classes[inner.qualname] = ClassValues(node, inner)
            case ast.Return():
                if node.value is not None:
                    scope.returns.append(node.value)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=base, attr=name))) if name in _CHANGING:
                reader.changed.add(dotted(base))
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                for each in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(each, ast.Subscript):
                        reader.changed.add(dotted(each.value))
                for target, value, more in attribute_targets(node):
                    owner = reader.instance(target.value, scope)
                    if owner is not None:
                        stored = Stored(value, scope, node.end_lineno or node.lineno, more)
                        reader.classes[owner].stored.setdefault(target.attr, []).append(stored)
        return scope


def _inside(scope: Scope, name: str) -> str:
    return f"{scope.qualname}.{name}" if scope.qualname else name
