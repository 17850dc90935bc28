"""What each name of a module may mean: every place that binds it, in any scope."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from analysis.source import Source


class Bindings(msgspec.Struct, frozen=True):
    """``used`` are all identifiers that stand for a variable somewhere, read or bound.

    ``sites`` are, per name, the lines that bind it and to what: ``module:name`` for ``from module import name``,
    ``module`` for ``import module as …``, ``top.`` for ``import top.sub``, an empty string for anything else.
    """

    used: frozenset[str]
    sites: dict[str, tuple[tuple[int, str], ...]]


def bindings(source: Source) -> Bindings:
    """Read the names of ``source``; of one that does not parse there are none."""
    tree = source.parse()
    used: set[str] = set()
    sites: dict[str, list[tuple[int, str]]] = {}
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Name):
            used.add(node.id)
            if not isinstance(node.ctx, ast.Load):
                sites.setdefault(node.id, []).append((node.lineno, ""))
            continue
        for name, meaning in _bound(node):
            used.add(name)
            sites.setdefault(name, []).append((getattr(node, "lineno", 0), meaning))
    return Bindings(frozenset(used), {name: tuple(places) for name, places in sites.items()})


def _bound(node: ast.AST) -> list[tuple[str, str]]:
    if isinstance(node, ast.Import):
        return [
            (one.asname, one.name) if one.asname else (one.name.partition(".")[0], f"{one.name.partition('.')[0]}.")
            for one in node.names
        ]
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return [(one.asname or one.name, f"{module}:{one.name}") for one in node.names]
    if isinstance(node, ast.arg):
        return [(node.arg, "")]
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return [(one, "") for one in node.names]
    if isinstance(node, ast.MatchMapping):
        return [(node.rest, "")] if node.rest else []
    # Definitions, `except … as`, captures of `match`, type parameters.
    name = getattr(node, "name", None)
    return [(name, "")] if isinstance(name, str) and not isinstance(node, ast.alias) else []
