"""Which names a module, class or function binds, and with what."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from analysis.effects.records import Condition, Place
from analysis.nodes import below, children

ScopeKind = Literal["module", "class", "function"]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Binding(msgspec.Struct, frozen=True):
    """One place that binds a name. ``how`` says what ``node`` is:

    ``value``: the expression assigned; ``augmented``: the operand of ``+=``; ``element``: what a loop iterates;
    ``unpacked``: an expression that is taken apart, ``at`` being the index or -1; ``entered``: a context expression;
    ``import``: ``text`` is a dotted module; ``from``: ``text`` is a symbol; ``define``: a function or class;
    ``parameter``: its annotation; ``vararg``, ``kwarg``; ``caught``: an ``except`` clause; ``other``.
    """

    how: str
    node: ast.AST | None
    text: str = ""
    at: int = -1


class Known(msgspec.Struct, frozen=True):
    """The type of a name or attribute, with what it rests on."""

    kind: str | None
    assumed: Place | None = None
    conditions: tuple[Condition, ...] = ()


UNKNOWN = Known(None)


class Scope:
    """A module, class or function and what it binds, read the first time somebody asks."""

    __slots__ = (
        "_loose",
        "exported",
        "found",
        "kind",
        "kinds",
        "node",
        "outer",
        "outside",
        "owner",
        "qualname",
        "returns",
        "walrus",
    )

    def __init__(
        self, kind: ScopeKind, qualname: str, node: ast.AST, outer: Scope | None, *, walrus: bool = False
    ) -> None:
        self.kind = kind
        self.qualname = qualname
        self.node = node
        self.outer = outer
        self.walrus = walrus
        self.returns: list[ast.expr | None] = []
        """What the ``return`` statements of a function give."""
        self.exported: set[str] = set()
        """Names declared ``global`` or ``nonlocal`` here: they are bound elsewhere."""
        self.kinds: dict[str, Known] = {}
        """The types of the names bound here, as far as they have been asked for."""
        self.outside: dict[str, tuple[Known, str | None, str | None]] = {}
        """The same for the names of the scopes around: type, what reading it may raise, assumption."""
        self.owner: str | None = None
        """The class whose method this is."""
        self.found: dict[str, list[Binding]] | None = None
        """``bindings`` once they have been asked for."""
        self._loose: frozenset[str] | None = None

    @property
    def loose(self) -> frozenset[str]:
        """The names that are unbound again somewhere: by ``del``, or at the end of an ``except ... as``."""
        if self._loose is None:
            self._loose = frozenset(
                name
                for name, bindings in self.bindings.items()
                if any(each.how in ("deleted", "caught") for each in bindings)
            )
        return self._loose

    @property
    def bindings(self) -> dict[str, list[Binding]]:
        """Name to the places that bind it."""
        if self.found is None:
            found: dict[str, list[Binding]] = {}
            self.found = found
            if isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                _parameters(self.node.args, found)
            _suite(self.node.body, found)  # type: ignore[attr-defined]
            if self.walrus:
                _walrus(self.node, found)
            for name in self.exported:
                found.pop(name, None)
        return self.found

    def take(self, names: Iterable[str]) -> Iterator[tuple[str, list[Binding]]]:
        """Hand over what is bound here to names that were declared ``global`` or ``nonlocal``."""
        for name in names:
            if name not in self.exported:
                bound = self.bindings.pop(name, [])
                self.exported.add(name)
                yield name, bound

    @property
    def module(self) -> Scope:
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope


def _add(found: dict[str, list[Binding]], name: str, binding: Binding) -> None:
    known = found.get(name)
    if known is None:
        found[name] = [binding]
    else:
        known.append(binding)


def _parameters(args: ast.arguments, found: dict[str, list[Binding]]) -> None:
    for at, arg in enumerate([*args.posonlyargs, *args.args]):
        found[arg.arg] = [Binding("parameter", arg.annotation, at=at)]
    for arg in args.kwonlyargs:
        found[arg.arg] = [Binding("parameter", arg.annotation)]
    if args.vararg is not None:
        found[args.vararg.arg] = [Binding("vararg", None)]
    if args.kwarg is not None:
        found[args.kwarg.arg] = [Binding("kwarg", None)]


def target(node: ast.AST, binding: Binding, found: dict[str, list[Binding]]) -> None:
    """Note the names that the assignment target ``node`` binds."""
    if isinstance(node, ast.Name):
        _add(found, node.id, binding)
    elif isinstance(node, (ast.Tuple, ast.List)):
        source = binding.node if binding.how in ("value", "element") else None
        how = {"value": "unpacked", "element": "unpacked-element"}.get(binding.how, "other")
        starred = any(isinstance(each, ast.Starred) for each in node.elts)
        for at, each in enumerate(node.elts):
            target(each, Binding(how, source, at=-1 if starred else at), found)
    elif isinstance(node, ast.Starred):
        target(node.value, Binding("other", None), found)


_OTHER = Binding("other", None)


def _suite(suite: list[ast.stmt], found: dict[str, list[Binding]]) -> None:
    for node in suite:
        kind = node.__class__
        if kind is ast.Assign:
            binding = Binding("value", node.value)  # type: ignore[attr-defined]
            for each in node.targets:  # type: ignore[attr-defined]
                if each.__class__ is ast.Name:
                    _add(found, each.id, binding)
                elif each.__class__ is not ast.Attribute:
                    target(each, binding, found)
        elif kind is ast.Expr or kind is ast.Return:
            continue
        elif kind is ast.If or kind is ast.While:
            _suite(node.body, found)  # type: ignore[attr-defined]
            _suite(node.orelse, found)  # type: ignore[attr-defined]
        else:
            _rarer(node, found)


def _rarer(node: ast.stmt, found: dict[str, list[Binding]]) -> None:
    match node:
        case ast.For() | ast.AsyncFor():
            how = "element" if isinstance(node, ast.For) else "other"
            target(node.target, Binding(how, node.iter), found)
            _suite(node.body, found)
            _suite(node.orelse, found)
        case ast.Try() | ast.TryStar():
            _suite(node.body, found)
            for handler in node.handlers:
                if handler.name:
                    _add(found, handler.name, Binding("caught", handler))
                _suite(handler.body, found)
            _suite(node.orelse, found)
            _suite(node.finalbody, found)
        case ast.With() | ast.AsyncWith():
            how = "entered" if isinstance(node, ast.With) else "entered-async"
            for item in node.items:
                if item.optional_vars is not None:
                    target(item.optional_vars, Binding(how, item.context_expr), found)
            _suite(node.body, found)
        case ast.AnnAssign():
            if isinstance(node.target, ast.Name):
                binding = Binding("value", node.value) if node.value is not None else Binding("declared", None)
                _add(found, node.target.id, binding)
        case ast.AugAssign():
            if isinstance(node.target, ast.Name):
                _add(found, node.target.id, Binding("augmented", node.value))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            _add(found, node.name, Binding("define", node))
        case ast.Import():
            for alias in node.names:
                if alias.asname:
                    _add(found, alias.asname, Binding("import", node, alias.name))
                else:
                    _add(found, alias.name.partition(".")[0], Binding("import", node, alias.name.partition(".")[0]))
        case ast.ImportFrom():
            for alias in node.names:
                if alias.name != "*":
                    _add(found, alias.asname or alias.name, Binding("from", node, alias.name))
        case ast.Delete():
            for each in node.targets:
                if isinstance(each, ast.Name):
                    _add(found, each.id, Binding("deleted", None))
        case ast.Match():
            for case in node.cases:
                for pattern in below(case.pattern):
                    for field in ("name", "rest"):
                        name = getattr(pattern, field, None)
                        if isinstance(name, str):
                            _add(found, name, _OTHER)
                _suite(case.body, found)
        case _:
            name = getattr(node, "name", None)
            if isinstance(name, ast.Name):  # `type X = ...`
                _add(found, name.id, _OTHER)


def _walrus(scope: ast.AST, found: dict[str, list[Binding]]) -> None:
    waiting: list[ast.AST] = children(scope)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, ast.NamedExpr):
            _add(found, node.target.id, Binding("value", node.value))
        waiting += children(node)


def yielded(suite: list[ast.stmt]) -> int:
    """The line of a ``yield`` in the suite, or 0."""
    waiting: list[ast.AST] = list(suite)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return node.lineno
        waiting += children(node)
    return 0


def yield_lines(data: bytes) -> list[int] | None:
    """The lines that hold the word ``yield``, in order; None when they cannot be counted in the bytes."""
    if b"yield" not in data:
        return []
    if b"\r" in data:
        return None
    found: list[int] = []
    line, since = 1, 0
    while (at := data.find(b"yield", since)) >= 0:
        line += data.count(b"\n", since, at)
        found.append(line)
        since = at + 5
    return found


def parameters(node: FunctionNode) -> set[str]:
    """The names of all parameters."""
    args = node.args
    found = {arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
    found.update(arg.arg for arg in (args.vararg, args.kwarg) if arg is not None)
    return found


def bound_inside(parent: ast.AST, suite: list[ast.stmt]) -> set[str]:
    """The names that a compound statement has bound when its suite starts."""
    found: dict[str, list[Binding]] = {}
    match parent:
        case ast.For() | ast.AsyncFor():
            if suite is parent.body:
                target(parent.target, Binding("other", None), found)
        case ast.With() | ast.AsyncWith():
            for item in parent.items:
                if item.optional_vars is not None:
                    target(item.optional_vars, Binding("other", None), found)
    return set(found)
