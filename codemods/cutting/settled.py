"""Whether a name that a module gives stands for one thing, whenever and from wherever it is asked for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from analysis.imports import AT_IMPORT
from analysis.nodes import below, children
from codemods.cutting.statements import local
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason
from codemods.imports import Refused

_SETS = re.compile(
    rb"\b(?:globals|vars)\(\)(?:[ \t]*\[[^\]\n]*\][ \t]*=[^=]|\.(?:update|setdefault|pop|clear)\b)"
    rb"|=[ \t]*(?:globals|vars)\(\)|sys\.modules\[\s*__name__\s*\]|\bexec\("
)
"""What a module may bind its own names by."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Meaning = tuple[str, str]
"""A file of the tree and a name that it binds itself, empty for the file as a module; or what is outside of the tree,
as ``module``, with a colon behind it, and name."""


def only_handed_on(workspace: Workspace, path: str, name: str, taker: str) -> None:
    """That the module ``path`` has the ``name`` from another and gives it no second meaning, nor does any that it has
    it through: ``taker`` gets the same from where it is defined. Raises Refused.
    """
    seen: set[Meaning] = set()
    while (path, name) not in seen:
        seen.add((path, name))
        several = sorted(meanings(workspace, path, name))
        if len(several) > 1:
            told = " or ".join(f"`{one}` of {file.rstrip(':')}" if one else file.rstrip(":") for file, one in several)
            raise Refused(Reason.BOUND_ANEW, f"`{name}` of {path} may be {told}")
        following = _step(workspace, path, name)
        if following != (path, name):
            stays(workspace, path, name, taker)
        path, name = following


def stays(workspace: Workspace, path: str, name: str, taker: str) -> None:
    """That the module ``path`` gives the same as ``name`` early and late: once ``taker`` may have taken it, nothing
    binds it anew. Raises Refused.
    """
    where = workspace.mentions.set(path, name)
    if where is None and _SETS.search(workspace.source(path).data) is not None:
        where = path
    if where is not None:
        raise Refused(Reason.LOOKED_UP, f"{where} may give {path} another `{name}`")
    tree = workspace.tree(path)
    offer = workspace.graph.offers.get(path)
    own = offer is not None and name in offer.bound
    line = _by_function(tree, name)
    if not line and (own or len(meanings(workspace, path, name)) > 1):
        line = _again(workspace, path, name, taker)
    if line:
        raise Refused(Reason.BOUND_ANEW, f"{path}:{line} binds `{name}` anew")
    inner = workspace.graph.modules.inside(path, name)
    if inner is not None and not inner.endswith("/") and not _is_loaded(workspace, path, name, inner):
        raise Refused(Reason.BOUND_ANEW, f"{path} gives another `{name}` once {inner} is loaded")


def meanings(workspace: Workspace, path: str, name: str) -> set[Meaning]:
    """All that ``name`` of the module ``path`` may stand for, as far as its imports tell."""
    found: set[Meaning] = set()
    seen: set[Meaning] = set()
    todo = [(path, name)]
    for here in todo:
        if here in seen:
            continue
        seen.add(here)
        offer = workspace.graph.offers.get(here[0])
        if offer is None or here[1] in offer.bound:
            found.add(here)
        for base, other in _given(workspace, *here):
            inner = workspace.graph.modules.inside(base, other) if not base.endswith(":") and other else None
            if base.endswith(":") or not other or not _has(workspace, base, other):
                found.add((inner, "") if inner is not None else (base, other))
            else:
                todo.append((base, other))
    return found


def _step(workspace: Workspace, path: str, name: str) -> Meaning:
    """Where the module takes the name from; itself where it binds it, or has it from outside of the tree."""
    for base, other in _given(workspace, path, name):
        if not base.endswith(":") and other and _has(workspace, base, other):
            return base, other
    return path, name


def _given(workspace: Workspace, path: str, name: str) -> Iterator[Meaning]:
    """What the imports of a module's own level may give it as ``name``: a module's file, or its name and a colon, and
    the name there.
    """
    modules = workspace.graph.modules
    for one in workspace.imports(path):
        if one.when not in AT_IMPORT:
            continue
        base = modules.find(path, one.module, one.level) if one.is_from else None
        for given, alias in one.names:
            if not one.is_from:
                if (alias or given.partition(".")[0]) == name:
                    file = modules.find(path, given if alias else name)
                    yield (file, "") if file is not None else (f"{given if alias else name}:", "")
            elif given == "*":
                if base is None and not name.startswith("_"):
                    yield f"{one.module}:", name
                elif base is not None and _hands_all(workspace, base, name):
                    yield base, name
            elif (alias or given) == name:
                yield (base, given) if base is not None else (f"{'.' * one.level}{one.module}:", given)


def _hands_all(workspace: Workspace, path: str, name: str) -> bool:
    """Whether ``from module import *`` takes ``name`` from the module, as far as can be told."""
    offer = workspace.graph.offers.get(path)
    if offer is not None and offer.exported is not None:
        return name in offer.exported
    return not name.startswith("_") and _has(workspace, path, name)


def _has(workspace: Workspace, path: str, name: str, around: frozenset[str] = frozenset()) -> bool:
    """Whether a module binds ``name``, by a star import among other ways."""
    offer = workspace.graph.offers.get(path)
    if offer is None or path in around:
        return False
    if name in offer.bound:
        return True
    modules = workspace.graph.modules
    for one in workspace.imports(path):
        if one.when not in AT_IMPORT:
            continue
        for given, alias in one.names:
            if given == "*":
                base = modules.find(path, one.module, one.level)
                inner = workspace.graph.offers.get(base) if base is not None else None
                if inner is not None and inner.exported is not None:
                    if name in inner.exported:
                        return True
                elif base is not None and not name.startswith("_") and _has(workspace, base, name, around | {path}):
                    return True
            elif (alias or (given if one.is_from else given.partition(".")[0])) == name:
                return True
    return False


def _again(workspace: Workspace, path: str, name: str, taker: str) -> int:
    """The line of a statement that binds the name of the module's own level anew after ``taker`` may have been loaded;
    0 where there is none.
    """
    bound = passed = False
    for node in workspace.tree(path).body:
        inside = list(_level(node))
        passed = passed or (bound and any(_may_load(workspace, path, one, taker) for one in inside))
        if any(_binds(workspace, path, one, name) for one in inside):
            if passed:
                return node.lineno
            bound = True
    return 0


def _may_load(workspace: Workspace, path: str, node: ast.AST, taker: str) -> bool:
    """Whether an import of the module ``path`` has ``taker`` loaded, if that is not yet so."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)):
        return False
    lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    starts = {one.imported for one in workspace.graph.edges if one.importer == path and one.line in lines}
    return _reaches(workspace, starts, taker, path)


def _reaches(workspace: Workspace, starts: Iterable[str], wanted: str, without: str) -> bool:
    """Whether loading one of ``starts`` loads ``wanted``; what ``without`` loads by itself is not counted."""
    imported = workspace.graph.following
    todo = [*starts]
    seen = {without, *todo}
    for one in todo:
        if one == wanted:
            return True
        following = [other for other in imported.get(one, ()) if other not in seen]
        seen.update(following)
        todo += following
    return False


def _level(node: ast.AST) -> list[ast.AST]:
    """What runs of a statement while its module is imported, functions and the bodies of classes left out."""
    found = [node]
    for one in found:
        if not isinstance(one, (*_DEFINITIONS, ast.Lambda)):
            found += children(one)
    return found


def _binds(workspace: Workspace, path: str, node: ast.AST, name: str) -> bool:
    match node:
        case ast.Name(id=found, ctx=ast.Store() | ast.Del()):
            return found == name
        case ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found) | ast.ClassDef(name=found):
            return found == name
        case ast.ImportFrom(names=[ast.alias(name="*")]):
            base = workspace.graph.modules.find(path, node.module or "", node.level)
            return not name.startswith("_") if base is None else _hands_all(workspace, base, name)
        case ast.Import() | ast.ImportFrom():
            return any(local(node, one) == name for one in node.names)
    return False


def _by_function(tree: ast.Module, name: str) -> int:
    """The line of a ``global`` statement that names it, 0 where there is none."""
    found = (node.lineno for node in below(tree) if isinstance(node, ast.Global) and name in node.names)
    return next(found, 0)


def _is_loaded(workspace: Workspace, path: str, name: str, inner: str) -> bool:
    """Whether the submodule ``inner``, which is called as what the package binds, is loaded when that is bound: it is
    only then that the package has it as an attribute, and never again.
    """
    modules = workspace.graph.modules
    starts: set[str] = set()
    for base, other in _given(workspace, path, name):
        starts.update(filter(None, (base, modules.inside(base, other) if not base.endswith(":") else None)))
    # What the package loads by itself may come later.
    return _reaches(workspace, starts - {path}, inner, path)
