"""The folders that a script puts on ``sys.path``, where the source says which."""

from __future__ import annotations

import ast
import posixpath

from analysis.nodes import below, dotted

_HERE = "/1/2/3/4/5/6/7/8/9"
"""Stands for the folder of the file; nobody climbs higher than that."""


def added(tree: ast.Module) -> tuple[str, ...]:
    """The folders that module level puts on ``sys.path``, relative to the file's own, in the order of look-up."""
    names = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }
    first: list[str] = []
    last: list[str] = []
    edits = [
        (node.lineno, node.col_offset, node.func.attr, node.args[-1])
        for node in below(*(each for each in tree.body if not _defines(each)))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("insert", "append")
        and node.args
        and dotted(node.func.value) == "sys.path"
    ]
    for _, _, how, given in sorted(edits, key=lambda each: each[:2]):
        folder = _folder(given, names, 0)
        if folder is not None and folder.startswith("/"):
            relative = posixpath.relpath(posixpath.normpath(folder), _HERE)
            (first if how == "insert" else last).append(relative)
    return tuple(dict.fromkeys([*reversed(first), *last]))


def _defines(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def _folder(node: ast.expr, names: dict[str, ast.expr], depth: int) -> str | None:
    """The path that an expression gives, or None when it cannot be read off the source."""
    if depth > 20:
        return None
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id="__file__"):
            return f"{_HERE}/file.py"
        case ast.Name(id=name) if name in names:
            return _folder(names[name], names, depth + 1)
        case ast.Attribute(attr="parent"):
            inner = _folder(node.value, names, depth + 1)
            return None if inner is None else posixpath.dirname(inner)
        case ast.Subscript(value=ast.Attribute(attr="parents"), slice=ast.Constant(value=int(above))):
            assert isinstance(node.value, ast.Attribute)
            inner = _folder(node.value.value, names, depth + 1)
            for _ in range(above + 1 if above >= 0 else 0):
                inner = None if inner is None else posixpath.dirname(inner)
            return inner if above >= 0 else None
        case ast.BinOp(op=ast.Div()):
            return _joined([node.left, node.right], names, depth)
        case ast.Call(keywords=[]):
            return _called(node, names, depth)
    return None


def _called(node: ast.Call, names: dict[str, ast.expr], depth: int) -> str | None:
    name = dotted(node.func) or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
    last = name.rpartition(".")[2]
    if last in ("resolve", "absolute", "as_posix") and isinstance(node.func, ast.Attribute) and not node.args:
        return _folder(node.func.value, names, depth + 1)
    if last == "join" and len(node.args) > 1:
        return _joined(node.args, names, depth)
    if len(node.args) != 1:
        return None
    inner = _folder(node.args[0], names, depth + 1)
    if last in ("abspath", "realpath", "normpath", "str", "fspath", "Path"):
        return inner if inner is None or not inner.startswith("/") else posixpath.normpath(inner)
    if last == "dirname":
        return None if inner is None else posixpath.dirname(inner)
    return None


def _joined(parts: list[ast.expr], names: dict[str, ast.expr], depth: int) -> str | None:
    found = [_folder(each, names, depth + 1) for each in parts]
    return None if any(each is None for each in found) else posixpath.join(*(each or "" for each in found))
