"""The nodes below a node, found several times as fast as by ``ast.walk``, and small questions about them."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

# Nothing can stand inside an operator or a context, and whoever wants one asks the expression that has it.
_PLAIN = frozenset(
    {"identifier", "int", "string", "constant", "expr_context", "boolop", "operator", "unaryop", "cmpop"},
)
_FIELD = re.compile(r"(\w+)([?*]*) (\w+)")
_GAPS = frozenset({"keys", "kw_defaults"})
"""The lists in which None stands for a node that is missing."""


HEADED = (ast.If, ast.While, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.Assert)
"""Statements that begin with an expression, for collectors that look into all but assignments and the like."""


class _Fields(NamedTuple):
    single: tuple[str, ...]
    several: tuple[str, ...]
    gaps: tuple[str, ...]


def _fields(kind: type[ast.AST]) -> _Fields:
    # The documentation of each class is its line of the grammar: Return(expr? value).
    found = [(name, many) for of, many, name in _FIELD.findall(kind.__doc__ or "") if of not in _PLAIN]
    several = [name for name, many in found if "*" in many]
    return _Fields(
        tuple(name for name, many in found if "*" not in many),
        tuple(name for name in several if name not in _GAPS),
        tuple(name for name in several if name in _GAPS),
    )


_FIELDS = {kind: _fields(kind) for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)}


def below(*roots: ast.AST) -> list[ast.AST]:
    """``roots`` and every node below them but operators and contexts, in no certain order."""
    found: list[ast.AST] = list(roots)
    fields = _FIELDS
    add = found.append
    # The list grows while it is read.
    for node in found:
        single, several, gaps = fields[node.__class__]
        for name in single:
            child = getattr(node, name)
            if child is not None:
                add(child)
        for name in several:
            found += getattr(node, name)
        for name in gaps:
            found += filter(None, getattr(node, name))
    return found


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below ``node`` but operators and contexts, in no certain order."""
    single, several, gaps = _FIELDS[node.__class__]
    found = [child for name in single if (child := getattr(node, name)) is not None]
    for name in several:
        found += getattr(node, name)
    for name in gaps:
        found += filter(None, getattr(node, name))
    return found


def expressions(node: ast.stmt) -> list[ast.expr]:
    """The expressions of a statement, those of the statements inside it and the targets of assignments left out."""
    match node:
        case ast.Expr() | ast.Return() | ast.Assign() | ast.AugAssign() | ast.AnnAssign():
            return [node.value] if node.value is not None else []
        case ast.If() | ast.While() | ast.Assert():
            return [node.test]
        case ast.For() | ast.AsyncFor():
            return [node.iter]
        case ast.With() | ast.AsyncWith():
            return [one.context_expr for one in node.items]
    return []


def dotted(node: ast.expr) -> str | None:
    """The name ``a.b.c`` that an expression is, or None for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))
