"""What a file offers to those that import it, the folders it searches, and the modules that it loads by a call."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from analysis.collectors.imports import When, is_main
from analysis.effects.paths import added
from analysis.nodes import below, dotted
from analysis.walk import Collector, Walk

_LOADERS = frozenset({"import_module", "__import__"})


class Load(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A module loaded by a call: ``importlib.import_module("module")``, with ``level`` leading dots.

    ``when`` is as in :class:`analysis.collectors.imports.Import`.
    """

    line: int
    module: str
    level: int
    when: When


class Offer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one file offers to those that import it.

    ``bound``: the names that its module level binds itself, imports not counted. ``exported``: what ``__all__`` lists,
    None where there is none that can be read off the source. ``folders``: what it puts on ``sys.path``, relative to
    its own folder. ``loads``: the modules it loads by a call. ``script``: it can be run as a script, by what it says.
    """

    bound: tuple[str, ...]
    exported: tuple[str, ...] | None
    folders: tuple[str, ...]
    loads: tuple[Load, ...]
    script: bool


class Namespace(Collector):
    """Topic ``namespace``: one record for each file."""

    topic = "namespace"
    version = 2
    record = Offer

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        """Read all of it off the module level, and off its calls where any loads a module."""
        bound: dict[str, None] = {}
        exported: list[str] | None = []
        listed = False
        for node in _level(tree.body):
            for name in _binds(node):
                bound[name] = None
            given = _all(node)
            if given is not None:
                listed = True
                exported = (
                    None if exported is None or given[0] is None else [*(exported if given[1] else ()), *given[0]]
                )
        data = self.source.data
        self.records.append(
            Offer(
                tuple(bound),
                tuple(exported) if listed and exported is not None else None,
                added(tree) if b"sys" in data and b"path" in data else (),
                tuple(_loads(tree)) if b"import_module" in data or b"__import__" in data else (),
                any(isinstance(node, ast.If) and is_main(node.test) for node in tree.body),
            )
        )


def _level(suite: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of the module's own level, those inside ``if``, ``try``, ``with`` and loops among them."""
    for node in suite:
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from _level(getattr(node, field, []))
        for inner in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            yield from _level(inner.body)


def _binds(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (name for target in targets for name in _names(target))
        case ast.AnnAssign(target=target, value=value) if value is not None:
            yield from _names(target)
        case ast.For(target=target) | ast.AsyncFor(target=target):
            yield from _names(target)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield from (name for one in items if one.optional_vars is not None for name in _names(one.optional_vars))
        case _ if node.__class__.__name__ == "TypeAlias":
            yield from _names(node.name)  # type: ignore[attr-defined]


def _names(target: ast.expr) -> Iterator[str]:
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            yield from (name for part in parts for name in _names(part))
        case ast.Starred(value=inner):
            yield from _names(inner)


def _all(node: ast.stmt) -> tuple[list[str] | None, bool] | None:
    """What a statement lists in ``__all__``, None what cannot be read; and whether it adds to what was listed."""
    match node:
        case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
            return _texts(value), False
        case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
            return _texts(value), False
        case ast.AugAssign(target=ast.Name(id="__all__"), value=value):
            return _texts(value), True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="__all__"), attr=how), args=[given])):
            if how == "append":
                return _texts(ast.List([given])), True
            return (_texts(given) if how == "extend" else None), True
    return None


def _texts(value: ast.expr) -> list[str] | None:
    if not isinstance(value, (ast.List, ast.Tuple)):
        return None
    found = [one.value for one in value.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return found if len(found) == len(value.elts) else None


def _loads(tree: ast.Module) -> Iterator[Load]:
    parents: dict[ast.AST, ast.AST] = {}
    calls: list[ast.Call] = []
    for node in below(tree):
        for inner in ast.iter_child_nodes(node):
            parents[inner] = node
        if isinstance(node, ast.Call) and (dotted(node.func) or "").rpartition(".")[2] in _LOADERS:
            calls.append(node)
    for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset)):
        if not call.args or not isinstance(call.args[0], ast.Constant) or not isinstance(call.args[0].value, str):
            continue
        name = call.args[0].value
        module = name.lstrip(".")
        level = len(name) - len(module)
        if level and not _own_package(call):
            continue
        yield Load(call.lineno, module, level, _when(call, parents))


def _when(call: ast.Call, parents: dict[ast.AST, ast.AST]) -> When:
    when: When = "import"
    node: ast.AST = call
    while (outer := parents.get(node)) is not None:
        match outer:
            case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body) if node in body:
                return "deferred"
            case ast.Lambda(body=body) if node is body:
                return "deferred"
            case ast.If(test=test, body=body) if node in body and is_main(test):
                return "deferred"
            case ast.ClassDef(body=body) if node in body:
                when = "class"
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While() | ast.Match() | ast.IfExp() | ast.BoolOp():
                when = "conditional" if when == "import" else when
        node = outer
    return when


def _own_package(call: ast.Call) -> bool:
    """Whether the dots of a loaded module are counted from the package of the file itself."""
    given = [*call.args[1:2], *(one.value for one in call.keywords if one.arg == "package")]
    return any(isinstance(one, ast.Name) and one.id in ("__package__", "__name__") for one in given)
