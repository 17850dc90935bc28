"""What must be so before a name may come later than it did, or not at all: each raises Refused where it is not."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from analysis.collectors.crossings import Site, Sites
from analysis.nodes import below, dotted
from codemods.cutting.calls import destroying, last, started
from codemods.cutting.statements import local
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason
from codemods.imports import Refused

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ANY = frozenset({"globals", "eval", "exec"})
_INSPECTING = _ANY | {"vars", "locals", "dir"}
"""What looks names up: the first always, the others when they are given nothing."""
_ITSELF = re.compile(rb"\bmodules\[\s*__name__\s*\]|\b(?:import_module|__import__)\(\s*__name__\s*[,)]")
HARMLESS = frozenset(
    {
        "abstractmethod",
        "asynccontextmanager",
        "cache",
        "cached_property",
        "classmethod",
        "contextmanager",
        "deleter",
        "deprecated",
        "final",
        "fixture",
        "lru_cache",
        "overload",
        "override",
        "property",
        "setter",
        "staticmethod",
        "wraps",
    }
)
"""Decorators that do not read annotations, by the last part of their names."""
_BY_VALUE = re.compile(rb"\bgetattr\(\s*\w+\s*,(?!\s*[\"'])")
_COMPILERS = frozenset({"cfunc", "guvectorize", "jit", "njit", "script", "stencil", "vectorize"})
"""Decorators that compile a function, which can import nothing then, by the last part of their names."""
_PLAIN_BASES = frozenset({"ABC", "Exception", "Generic", "Protocol", "RuntimeError", "Thread", "ValueError", "object"})
"""Bases that do not read the annotations of a class, by the last part of their names."""

_ASKING = frozenset({"delattr", "dict", "getattr", "hasattr", "id", "object", "reload", "repr", "setattr", "vars"})
"""Functions that are given a module without handing it on, by the last part of their names: ``mock.patch.object``."""
_PLAIN_METACLASSES = frozenset({"ABCMeta", "type"})
"""Metaclasses that do not either."""


def bound_once(tree: ast.Module, names: Sequence[str]) -> None:
    """That no other import of the module's own level binds one of ``names``."""
    bound: Counter[str] = Counter()
    todo: list[ast.AST] = list(tree.body)
    for node in todo:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update(local(node, one) for one in node.names)
        elif not isinstance(node, (*_DEFINITIONS, ast.expr)):
            todo += ast.iter_child_nodes(node)
    for name in names:
        if bound[name] > 1:
            raise Refused(Reason.BOUND_TWICE, f"`{name}` is bound by several imports")


def not_offered(workspace: Workspace, path: str, names: Sequence[str]) -> None:
    """That no other file takes one of ``names`` from this one, and that it is not the face of a package."""
    offered = _starred(workspace, path, set(names)) if path.rpartition("/")[2] == "__init__.py" else set()
    if offered:
        told = (
            "its `__all__` says so" if _exported(workspace, path) is not None else "an `__all__` says who may take what"
        )
        raise Refused(
            Reason.OFFERED, f"{_listed(sorted(offered))} can be taken from the package by whoever uses it; {told}"
        )
    not_taken(workspace, path, names)


def not_taken(workspace: Workspace, path: str, names: Sequence[str]) -> None:
    """That no other file takes one of ``names`` from this one."""
    if not names:
        return
    wanted = set(names)
    for name in names:
        lazy = workspace.mentions.lazily(path, name)
        if lazy is not None:
            raise Refused(Reason.OFFERED, f"{lazy} may give `{name}` of this module to others")
    takers: dict[str, None] = {}
    modules = {edge.importer for edge in workspace.graph.into.get(path, ()) if not edge.names and not edge.implied}
    for edge in workspace.graph.into.get(path, ()):
        handed = _starred(workspace, path, wanted) if "*" in edge.names else wanted & set(edge.names)
        if handed:
            raise Refused(Reason.OFFERED, f"{edge.importer}:{edge.line} takes {_listed(sorted(handed))} from here")
        takers[edge.importer] = None
    stem = path.rpartition("/")[2].removesuffix(".py")
    word = re.compile(rb"\.\s*(?:" + b"|".join(re.escape(one.encode()) for one in names) + rb")\b")
    for taker in takers:
        line = _given_away(workspace, taker, stem) if taker in modules else None
        if line is not None:
            # Whoever is given the module may take anything of it.
            if _BY_VALUE.search(workspace.source(taker).data) is not None:
                detail = f"{taker}:{line} hands the module on, and takes names that are not written there"
                raise Refused(Reason.OFFERED, detail)
            for name in names:
                for other in sorted(workspace.mentions.taking(name)):
                    raise Refused(
                        Reason.OFFERED,
                        f"{taker}:{line} hands the module on, and {other} takes {_listed([name])} from something",
                    )
        if word.search(workspace.source(taker).data) is None:
            continue
        called = {stem} | _aliases(workspace, taker, stem)
        for node in workspace.of_tree(taker, _attributes):
            if node.attr in wanted and _means(node.value, called):
                raise Refused(Reason.OFFERED, f"{taker}:{node.lineno} takes {_listed([node.attr])} from here")


def _attributes(tree: ast.Module) -> list[ast.Attribute]:
    return [one for one in below(tree) if isinstance(one, ast.Attribute)]


def _given_away(workspace: Workspace, path: str, module: str) -> int | None:
    """The line where a file has a ``module`` of that last name for a value, if it does."""
    aliases = _aliases(workspace, path, module)
    called = {module} | aliases
    taken = {id(one.value) for one in workspace.of_tree(path, _attributes)}
    nodes = workspace.of_tree(path, below)
    # What these ask for is written there, which is looked at elsewhere, or nothing is taken.
    taken |= {id(one.args[0]) for one in nodes if isinstance(one, ast.Call) and one.args and last(one) in _ASKING}
    local: dict[bool, set[str]] = {True: set(), False: set()}
    for one in workspace.imports(path):
        local[one.scope == "<module>"].update(alias or name.partition(".")[0] for name, alias in one.names)
    # A parameter of that name is something else, and what a function imports is that function's.
    meant = {id(site.node) for site in workspace.of_tree(path, Sites).of(local[True] | aliases)}
    for node in nodes:
        name = dotted(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
        if name is None or id(node) in taken or not isinstance(getattr(node, "ctx", None), ast.Load):
            continue
        first, _, stem = name.rpartition(".")
        # `a.a` is what the module `a` has by its own name.
        of_itself = first.rpartition(".")[2] in called
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if stem in called and not of_itself and (id(root) in meant or name.partition(".")[0] in local[False]):
            return int(getattr(node, "lineno", 0))
    return None


def _assignments(tree: ast.Module) -> list[ast.Assign]:
    return [one for one in below(tree) if isinstance(one, ast.Assign)]


def _means(node: ast.expr, called: Collection[str]) -> bool:
    """Whether an expression may be a module that is ``called`` so; what a call or a table gives may be."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in called
    return isinstance(node, (ast.Call, ast.Subscript))


def _starred(workspace: Workspace, path: str, names: set[str]) -> set[str]:
    """Those of ``names`` that ``from module import *`` takes."""
    exported = _exported(workspace, path)
    return names & set(exported) if exported is not None else {one for one in names if not one.startswith("_")}


def _exported(workspace: Workspace, path: str) -> tuple[str, ...] | None:
    offer = workspace.graph.offers.get(path)
    return offer.exported if offer is not None else None


def _aliases(workspace: Workspace, path: str, stem: str) -> set[str]:
    """What a file calls the modules named ``stem``."""
    found = {
        alias
        for one in workspace.imports(path)
        for name, alias in one.names
        if alias is not None and name.rpartition(".")[2] == stem
    }
    for node in workspace.of_tree(path, _assignments):
        if _loads(node.value, found | {stem}, stem):
            found.update(one.id for one in node.targets if isinstance(one, ast.Name))
    return found


def _loads(node: ast.expr, called: Collection[str], stem: str) -> bool:
    """Whether a value is a module of the name ``stem``, by another name or by a call that imports it."""
    match node:
        case ast.Name(id=name):
            return name in called
        case ast.Call(args=[ast.Constant(value=str(name)), *_]) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name.rpartition(".")[2] == stem
    return False


def late_enough(workspace: Workspace, path: str, uses: Iterable[Site]) -> None:
    """That each use happens in a function that is not called while the module is imported."""
    called: frozenset[str] | None = None
    for one in uses:
        if one.use.kind in ("export", "rebound"):
            raise Refused(Reason.OFFERED, f"`{one.name}` is exported or bound anew in line {one.use.line}")
        if one.use.at_import or one.block is None:
            raise Refused(Reason.NEEDED, f"`{one.name}` is needed in line {one.use.line}, while the module is imported")
        if isinstance(one.block, ast.If):
            continue
        if one.block.name == "__del__":
            raise Refused(Reason.DESTRUCTOR, f"__del__() of line {one.block.lineno} uses `{one.name}`")
        if one.block.name in workspace.of_tree(path, destroying):
            raise Refused(Reason.DESTRUCTOR, f"a __del__() may call {one.block.name}(), which uses `{one.name}`")
        compiled = next((name for each in one.block.decorator_list if (name := last(each)) in _COMPILERS), None)
        if compiled is not None:
            detail = f"`@{compiled}` compiles {one.block.name}(), which could import nothing"
            raise Refused(Reason.NEEDED, detail)
        if called is None:
            called = workspace.of_tree(path, started)
        if one.block.name in called or ".".join(one.use.scope.split(".")[-2:]) in called:
            detail = f"{one.block.name}(), which uses `{one.name}`, may be called while the module is imported"
            raise Refused(Reason.CALLED_AT_IMPORT, detail)


def _asking(tree: ast.Module) -> list[ast.Compare | ast.Call]:
    return [one for one in below(tree) if isinstance(one, (ast.Compare, ast.Call))]


def not_looked_up(workspace: Workspace, path: str, names: Sequence[str]) -> None:
    """That no text names what the module has: ``mock.patch("app.memory.Session")``, a doctest, ``globals()``."""
    source = workspace.source(path)
    own = _ITSELF.search(source.data)
    if own is not None:
        detail = f"line {source.line_at(own.start())} takes this module for an object, which has all its names"
        raise Refused(Reason.LOOKED_UP, detail)
    nodes = workspace.of_tree(path, _asking)
    # "agent" in locals(): it looks for one name only, and that is another.
    asked = {
        id(where)
        for one in nodes
        if isinstance(one, ast.Compare) and isinstance(one.ops[0], (ast.In, ast.NotIn))
        for where in one.comparators[:1]
        if isinstance(one.left, ast.Constant) and one.left.value not in names
    }
    for node in nodes:
        match node:
            case ast.Call(func=ast.Name(id=name), args=given) if name in _INSPECTING and (name in _ANY or not given):
                if id(node) in asked:
                    continue
                raise Refused(Reason.LOOKED_UP, f"line {node.lineno} looks names up by `{name}()`")
    words = b"|".join(re.escape(one.encode()) for one in names)
    doctest = re.compile(rb"^\s*(?:>>>|\.\.\.) .*\b(?:" + words + rb")\b", re.MULTILINE)
    if (hit := doctest.search(source.data)) is not None:
        where = f"line {source.line_at(hit.end())}"
        raise Refused(Reason.LOOKED_UP, f"an example in {where} is run with this module's names")
    for each in names:
        named = workspace.mentions.of(path, each)
        if named is not None:
            raise Refused(Reason.LOOKED_UP, f"{named} names `{each}` of a module from outside")


# Annotations


def is_flag(condition: ast.expr) -> bool:
    """Whether a condition is ``TYPE_CHECKING``."""
    return (dotted(condition) or "").rpartition(".")[2] == "TYPE_CHECKING"


def annotation(sites: Sites, node: ast.AST) -> ast.expr:
    """The whole annotation that ``node`` is part of."""
    inner, outer = node, sites.parents.get(node)
    while isinstance(outer, ast.expr):
        inner, outer = outer, sites.parents.get(outer)
    if not isinstance(inner, ast.expr):
        raise TypeError(f"{type(node).__name__} is no part of an annotation")
    return inner


def not_listed(workspace: Workspace, folder: str) -> None:
    """That nothing loads whatever modules lie in a folder: one that is made would be among them."""
    where = workspace.mentions.listed(folder)
    if where is not None:
        raise Refused(Reason.LOOKED_UP, f"{where} loads what lies in {folder or 'this folder'}, a new module, too")


def never_evaluated(sites: Sites, top: ast.expr) -> bool:
    """Whether the annotation is that of a local variable, which Python leaves alone."""
    outer = sites.parents.get(top)
    if not isinstance(outer, ast.AnnAssign) or not isinstance(outer.target, ast.Name):
        return False
    around = _definition(sites, outer)
    return isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef))


def not_read(workspace: Workspace, sites: Sites, one: Site) -> None:
    """That nothing is known to read the annotation while the program runs: it must be there for that."""
    reader = workspace.mentions.reader
    if reader is not None:
        told = f"{reader} reads annotations while the program runs"
        if not workspace.unsafe:
            raise Refused(Reason.ANNOTATION, f"{told} (--unsafe: not these)")
        workspace.doubts.append(told)
    top = annotation(sites, one.node)
    if never_evaluated(sites, top):
        return
    around = _definition(sites, top)
    while around is not None:
        handed = workspace.mentions.handed.get(around.name)
        if handed is not None:
            raise Refused(Reason.ANNOTATION, f"{handed} hands {around.name} to what reads its annotations")
        for each in around.decorator_list:
            name = last(each)
            if name not in HARMLESS:
                detail = f"`@{name or ast.unparse(each)}` may read the annotations of {around.name}"
                raise Refused(Reason.ANNOTATION, detail)
        if isinstance(around, ast.ClassDef) and isinstance(sites.parents.get(top), ast.AnnAssign):
            for base in around.bases:
                if last(base) not in _PLAIN_BASES:
                    detail = f"`{ast.unparse(base)}` may read the annotations of {around.name}"
                    raise Refused(Reason.ANNOTATION, detail)
            if any(one.arg != "metaclass" or last(one.value) not in _PLAIN_METACLASSES for one in around.keywords):
                raise Refused(Reason.ANNOTATION, f"a metaclass may read the annotations of {around.name}")
        around = _definition(sites, around)


def _definition(sites: Sites, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None:
    outer = sites.parents.get(node)
    while outer is not None and not isinstance(outer, _DEFINITIONS):
        outer = sites.parents.get(outer)
    return outer


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"`{one}`" for one in names)
