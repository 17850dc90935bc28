"""What is missed when a module is not loaded any more together with the one that imported it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from analysis.collectors.imports import is_main
from codemods.cutting.calls import last
from codemods.cutting.guards import HARMLESS, is_flag
from codemods.cutting.mentions import takes
from codemods.cutting.statements import local as bound_by
from codemods.edits import Reason
from codemods.imports import Refused

if TYPE_CHECKING:
    from analysis.cuts import Cut
    from codemods.cutting.workspace import Workspace

_MAKES_ONLY = HARMLESS | {
    "attrs",
    "dataclass",
    "dataclass_transform",
    "define",
    "frozen",
    "njit",
    "jit",
    "runtime_checkable",
    "singledispatch",
    "total_ordering",
    "unique",
    "verify",
}
"""Decorators that only make something of what they are given, by the last part of their names."""


def loaded(workspace: Workspace, path: str) -> set[str]:
    """The files that are loaded when the module of ``path`` is imported, itself and the packages around it first."""
    following = workspace.graph.following
    found = {one for one in (path, *workspace.graph.modules.packages(path)) if one in following}
    todo = list(found)
    for one in todo:
        for other in following[one]:
            if other not in found:
                found.add(other)
                todo.append(other)
    return found


def nothing_missed(workspace: Workspace, cut: Cut, before: Collection[str]) -> None:
    """That what was loaded ``before`` with the importer of ``cut``, and is not now, does nothing when it is loaded but
    define things, and is not taken from its package by whoever relied on that.

    Raises Refused; with ``workspace.unsafe`` it is a doubt instead.
    """
    lost = sorted(set(before) - loaded(workspace, cut.importer))
    if not lost:
        return
    told = _missed(workspace, cut, lost)
    if told is None:
        return
    reason, detail = told
    if not workspace.unsafe:
        raise Refused(reason, f"{detail} (--unsafe: that does not matter)")
    workspace.doubts.append(detail)


def _missed(workspace: Workspace, cut: Cut, lost: list[str]) -> tuple[Reason, str] | None:
    registering = workspace.mentions.registering
    for path in lost:
        if path.endswith("/"):
            continue
        with suppress(Refused):
            line = workspace.of_tree(path, effect, registering)
            if line is not None:
                return Reason.EFFECT, f"{path}:{line} does something when it is loaded, which {cut.importer} relies on"
    for path in lost:
        where = _taken_from_package(workspace, path)
        if where is not None:
            return Reason.OFFERED, f"{where} takes {path} from its package, and imports it nowhere"
    return None


def effect(tree: ast.Module, registering: Collection[str] = ()) -> int | None:
    """The line of the first statement that does more, while the module is loaded, than to define something of its own.

    ``registering`` are the classes that note down who derives from them.
    """
    imported, library = _imported(tree)
    for node in _level(tree.body):
        match node:
            case ast.Expr(value=ast.Call() as call) if not _is_own(call.func, imported):
                return node.lineno
            case ast.Assign(value=ast.Call() as call) if _notes_down(call.func) and not _is_own(call.func, imported):
                return node.lineno
            case ast.Assign(targets=targets) if any(_outside(one, imported) for one in targets):
                return node.lineno
            case ast.AugAssign(target=target) if _outside(target, imported):
                return node.lineno
            case ast.Delete(targets=targets) if any(_outside(one, imported) for one in targets):
                return node.lineno
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                for each in node.decorator_list:
                    root = _root(each)
                    if root not in imported or last(each) in _MAKES_ONLY:
                        continue
                    if root not in library or _notes_down(each):
                        return each.lineno
                if isinstance(node, ast.ClassDef) and (
                    node.name in registering or any(last(one) in registering for one in node.bases)
                ):
                    return node.lineno
    return None


def not_noted_down(tree: ast.Module, node: ast.stmt) -> None:
    """That no decorator from elsewhere may note down where a definition stands, or in what order. Raises Refused."""
    imported, library = _imported(tree)
    for each in getattr(node, "decorator_list", ()):
        root = _root(each)
        if root in imported and last(each) not in _MAKES_ONLY and (root not in library or _notes_down(each)):
            told = f"`@{ast.unparse(each)[:40]}` of line {each.lineno} may note down where it stands"
            raise Refused(Reason.NOT_MOVABLE, told)


def _level(suite: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run while the module is imported, those inside others among them.

    Methods are left out: a decorator of one makes a method of it.
    """
    for node in suite:
        if isinstance(node, ast.If) and (is_main(node.test) or is_flag(node.test)):
            yield from _level(node.orelse)
            continue
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.ClassDef):
            yield from _level(one for one in node.body if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)))
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from _level(getattr(node, field, []))
        for inner in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            yield from _level(inner.body)


def _imported(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names that the module's own level imports, and those of them that are the standard library's."""
    found: set[str] = set()
    library: set[str] = set()
    for node in _level(tree.body):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = bound_by(node, alias)
                found.add(name)
                module = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
                if not getattr(node, "level", 0) and module.partition(".")[0] in sys.stdlib_module_names:
                    library.add(name)
    return found, library


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_own(function: ast.expr, imported: Collection[str]) -> bool:
    """Whether a call is that of a method of something that the module made itself."""
    return isinstance(function, ast.Attribute) and _root(function) not in imported and bool(_root(function))


def _notes_down(function: ast.expr) -> bool:
    """Whether a function is called as those are that note down what they are given."""
    return last(function) == "register" or last(function).startswith("register_")


def _outside(target: ast.expr, imported: Collection[str]) -> bool:
    return isinstance(target, (ast.Attribute, ast.Subscript)) and _root(target) in imported


def _taken_from_package(workspace: Workspace, path: str) -> str | None:
    """Where a file uses the module as an attribute of its package, though it does not load it itself."""
    parts = path.removesuffix("/__init__.py").removesuffix(".py").split("/")
    if len(parts) < 2:
        return None
    stem = parts[-1]
    changed = workspace.changed
    takers = {one for one in workspace.mentions.taking(stem) if one not in changed}
    takers.update(one for one in changed if takes(workspace.source(one).data, stem))
    for taker in sorted(takers):
        if taker == path or workspace.is_broken(taker):
            continue
        line = _use(workspace, taker, path)
        if line and path not in loaded(workspace, taker):
            return f"{taker}:{line}"
    return None


def _use(workspace: Workspace, taker: str, path: str) -> int:
    """The first line where a file uses the module ``path`` as an attribute of what it imports; 0 where it does not."""
    modules = workspace.graph.modules
    bound: dict[str, str | None] = {}
    for one in workspace.imports(taker):
        for name, alias in one.names:
            if not one.is_from:
                local = alias or name.partition(".")[0]
                bound[local] = modules.find(taker, name if alias else local)
            else:
                base = modules.find(taker, one.module, one.level)
                bound[alias or name] = modules.inside(base, name) if base is not None else None
    for crossing in workspace.crossings([taker]).get(taker, ()):
        for use in crossing.uses:
            file = bound.get(crossing.local)
            for part in use.member.split("."):
                file = modules.inside(file, part) if file is not None else None
                if file == path:
                    return use.line
    return 0
