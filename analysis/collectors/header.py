"""The head of a module: where imports can go, and which statements must have run before them."""

from __future__ import annotations

import ast
import re
from typing import Literal

import msgspec

from analysis.nodes import below
from analysis.walk import Collector, Walk

TopKind = Literal["docstring", "future", "import", "path", "other"]

_ENDS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPOUND = (ast.If, ast.Try, ast.TryStar, ast.For, ast.While, ast.With)
_PATH_WORDS = (b"sys.path", b"addsitedir", b"from sys import", b"path(", b"paths(")
_PATH_HELPER = re.compile(r"(?:add|append|ensure|extend|init|insert|prepend|set|setup)[a-z_]*path|path[a-z_]*setup")


class Top(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A statement of the head: its lines, decorators included, and what it is.

    ``path``: it edits ``sys.path``, so that imports after it may find modules that those before it do not.
    ``import``: it always runs; one under ``if`` or ``try`` is ``other``.
    """

    line: int
    end_line: int
    kind: TopKind


class Header(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The one record of a file: the statements up to the first definition or main guard, and on to the last ``path``.

    ``after`` is the line of the first statement behind them, decorators included, 0 when there is none;
    ``definition`` says whether that one is a function or a class. ``stars`` are the lines of the star imports.
    """

    statements: tuple[Top, ...]
    after: int
    definition: bool
    stars: tuple[int, ...] = ()


class HeaderCollector(Collector):
    """Collects the head of each module."""

    topic = "header"
    version = 1
    record = Header

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        body = tree.body
        end = next((at for at, node in enumerate(body) if isinstance(node, _ENDS) or _is_main(node)), len(body))
        paths: set[int] = set()
        data = self.source.data
        if any(word in data for word in _PATH_WORDS):
            paths = {at for at, node in enumerate(body) if _edits_path(node, guess=at < end)}
            end = max(end, max(paths, default=-1) + 1)
        statements = tuple(
            Top(first_line(node), node.end_lineno or node.lineno, "path" if at in paths else _kind(node, at))
            for at, node in enumerate(body[:end])
        )
        rest = body[end] if end < len(body) else None
        self.records.append(
            Header(
                statements,
                first_line(rest) if rest is not None else 0,
                isinstance(rest, _ENDS),
                tuple(one.lineno for one in body if isinstance(one, ast.ImportFrom) and one.names[0].name == "*"),
            )
        )


def first_line(node: ast.stmt) -> int:
    """The first line of a statement, its decorators included."""
    decorators = getattr(node, "decorator_list", None)
    return decorators[0].lineno if decorators else node.lineno


def _kind(node: ast.stmt, at: int) -> TopKind:
    if isinstance(node, ast.Import):
        return "import"
    if isinstance(node, ast.ImportFrom):
        return "future" if node.module == "__future__" and not node.level else "import"
    value = node.value if at == 0 and isinstance(node, ast.Expr) else None
    return "docstring" if isinstance(value, ast.Constant) and isinstance(value.value, str) else "other"


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(
        isinstance(one, ast.Name) and one.id == "__name__" for one in below(node.test)
    )


def _edits_path(node: ast.stmt, *, guess: bool) -> bool:
    """Whether running ``node`` edits ``sys.path``; ``guess``: also when only the name of what it calls says so."""
    if isinstance(node, (ast.Expr, *_COMPOUND)) and not _is_main(node):
        return any(_is_edit(one, guess) for one in below(node))
    return _is_edit(node, guess)


def _is_edit(node: ast.AST, guess: bool) -> bool:
    if isinstance(node, ast.Call):
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if isinstance(function, ast.Attribute) and name in ("insert", "append", "extend"):
            return _is_sys_path(function.value)
        return name == "addsitedir" or (guess and _PATH_HELPER.search(name.lower()) is not None)
    if isinstance(node, ast.Assign):
        return any(_is_sys_path(one.value if isinstance(one, ast.Subscript) else one) for one in node.targets)
    return isinstance(node, ast.AugAssign) and _is_sys_path(node.target)


def _is_sys_path(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "path" and isinstance(node.value, ast.Name) and node.value.id == "sys"
    return isinstance(node, ast.Name) and node.id == "path"
