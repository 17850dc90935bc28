"""How each name that a module imports is used in it: what would break if it came later, or never."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import ClassVar, Literal, NamedTuple

import msgspec

from analysis.collectors.imports import is_main
from analysis.nodes import below, children
from analysis.walk import Collector, Walk

Kind = Literal["base", "decorator", "annotation", "caught", "call", "dropped-call", "value", "export", "rebound"]
MAIN = "__main__"
Block = ast.FunctionDef | ast.AsyncFunctionDef | ast.If
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_WORD = re.compile(r"[^\W\d]\w*")
_LONGEST = 200
"""No annotation is longer."""
_SCOPES = (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)


class NameUse(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One use of an imported name.

    ``kind``: the ``base`` of a class, a ``decorator``, an ``annotation``, the type of an ``except`` clause
    (``caught``), a ``call`` whose result is used or a ``dropped-call`` whose result is not, any other ``value``;
    listed in ``__all__`` (``export``) or bound anew (``rebound``). ``member`` is what is taken of it, dotted.
    ``at_import``: it happens while the module is imported. ``scope`` is the function that it happens in otherwise,
    ``MAIN`` what the file does when it is run as a script.
    """

    line: int
    kind: Kind
    member: str
    at_import: bool
    scope: str


class Crossing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A name that an import at ``line`` binds at module level, and its uses in the order of the source."""

    line: int
    local: str
    uses: tuple[NameUse, ...]


class Crossings(Collector):
    """Topic ``crossings``: one record for each name that an import outside of functions and classes binds."""

    topic: ClassVar[str] = "crossings"
    version: ClassVar[int] = 3
    record = Crossing
    needles = (b"import",)

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        """Read all of it off the tree."""
        bound = dict(_imported(tree))
        if not bound:
            return
        uses: dict[str, list[NameUse]] = {local: [] for _, local in bound}
        for site in Sites(tree).of(set(uses)):
            uses[site.name].append(site.use)
        for line, local in sorted(bound):
            self.records.append(Crossing(line, local, tuple(uses[local])))


def _imported(tree: ast.Module) -> Iterator[tuple[tuple[int, str], None]]:
    todo: list[ast.AST] = list(tree.body)
    for node in todo:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                local = alias.asname or (alias.name if isinstance(node, ast.ImportFrom) else alias.name.split(".")[0])
                if local != "*":
                    yield (node.lineno, local), None
        elif not isinstance(node, (*_SCOPES, ast.expr)):
            todo += children(node)


class Site(NamedTuple):
    """A place where a name of the module's own level is used.

    ``node`` is the name, or the text that it stands in; ``block`` the innermost ``def`` whose body it is in, or the
    ``if __name__ == "__main__"``, None outside of any.
    """

    name: str
    use: NameUse
    node: ast.Name | ast.Constant
    block: Block | None


class _Place(NamedTuple):
    name: str
    at_import: bool
    scope: str
    block: Block | None

    def site(self, node: ast.Name | ast.Constant, use: NameUse) -> Site:
        return Site(self.name, use, node, self.block)


class Sites:
    """Where the module ``tree`` uses names of its own level; ``parents`` are the nodes around each node."""

    def __init__(self, tree: ast.Module) -> None:
        self.parents: dict[ast.AST, ast.AST] = {}
        self.postponed = any(_postpones(one) for one in tree.body)
        self._bound: dict[ast.AST, set[str]] = {}
        nodes = below(tree)
        for node in nodes:
            for child in children(node):
                self.parents[child] = node
        named = [node for node in nodes if isinstance(node, (ast.Name, ast.Constant))]
        self._nodes = sorted(named, key=attrgetter("lineno", "col_offset"))

    def of(self, names: AbstractSet[str]) -> Iterator[Site]:
        """The uses of ``names``, in the order of the source."""
        for node in self._nodes:
            match node:
                case ast.Name(id=name) if name in names:
                    yield from self._used(node, name)
                case ast.Constant(value=str(text)) if len(text) < _LONGEST:
                    for name in dict.fromkeys(_WORD.findall(text)):
                        if name in names:
                            yield from self._quoted(node, text, name)

    def _used(self, node: ast.Name, name: str) -> Iterator[Site]:
        place = self._place(node, name)
        if place is None:
            return
        if not isinstance(node.ctx, ast.Load):
            yield place.site(node, NameUse(node.lineno, "rebound", "", place.at_import, place.scope))
            return
        member, top = self._member(node)
        kind = self._kind(top)
        at_import = place.at_import and not (kind == "annotation" and self.postponed)
        yield place.site(node, NameUse(node.lineno, kind, member, at_import, place.scope))

    def _quoted(self, node: ast.Constant, text: str, name: str) -> Iterator[Site]:
        """A name in ``__all__``, or in an annotation that is written as text."""
        if self._is_listed(node) and text == name:
            yield Site(name, NameUse(node.lineno, "export", "", False, ""), node, None)
        elif self._kind(node) == "annotation":
            place = self._place(node, name)
            if place is not None:
                yield place.site(node, NameUse(node.lineno, "annotation", "", False, place.scope))

    def _is_listed(self, node: ast.AST) -> bool:
        outer = self.parents.get(node)
        while isinstance(outer, (ast.List, ast.Tuple, ast.BinOp, ast.Call)):
            outer = self.parents.get(outer)
        match outer:
            case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.AugAssign(target=ast.Name(id="__all__")):
                return True
            case ast.AnnAssign(target=ast.Name(id="__all__")):
                return True
        return False

    def _place(self, node: ast.AST, name: str) -> _Place | None:
        """Where a name is used; None where it means another.

        What stands in the head of a function (defaults, decorators, annotations) belongs to the scope around it.
        """
        parts, inner = [], node
        at_import = direct = True
        block: Block | None = None
        outer = self.parents.get(node)
        while outer is not None:
            if isinstance(outer, _SCOPES) and _in_body(outer, inner):
                # The names of a class are not seen in its methods.
                seen = direct or not isinstance(outer, ast.ClassDef)
                if seen and name in self._binds(outer) and not _comes_first(outer, inner, node, name):
                    return None
                if isinstance(outer, _FUNCTIONS):
                    at_import = False
                if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    block = block or outer
                if not isinstance(outer, (ast.Lambda, *_COMPREHENSIONS)):
                    parts.append(outer.name)
                direct = False
            elif isinstance(outer, ast.If) and inner in outer.body and is_main(outer.test):
                at_import = False
                block = block or outer
                parts.append(MAIN)
            inner, outer = outer, self.parents.get(outer)
        return _Place(name, at_import, ".".join(reversed(parts)) if not at_import else "", block)

    def _binds(self, scope: ast.AST) -> set[str]:
        found = self._bound.get(scope)
        if found is None:
            found = self._bound[scope] = _bindings(scope)
        return found

    def _member(self, node: ast.expr) -> tuple[str, ast.expr]:
        parts = []
        outer = self.parents.get(node)
        while isinstance(outer, ast.Attribute):
            parts.append(outer.attr)
            node, outer = outer, self.parents.get(outer)
        return ".".join(parts), node

    def _kind(self, node: ast.AST) -> Kind:
        outer = self.parents.get(node)
        if isinstance(outer, ast.Call) and outer.func is node:
            above = self.parents.get(outer)
            if _is_decorator(above, outer):
                return "decorator"
            if isinstance(above, ast.Await):
                outer, above = above, self.parents.get(above)
            return "dropped-call" if isinstance(above, ast.Expr) else "call"
        if _is_decorator(outer, node):
            return "decorator"
        inner = node
        while outer is not None and isinstance(outer, (ast.Subscript, ast.Tuple, ast.List, ast.BinOp, ast.Starred)):
            inner, outer = outer, self.parents.get(outer)
        match outer:
            case ast.ClassDef(bases=bases) if inner in bases:
                return "base"
            case ast.keyword() if isinstance(self.parents.get(outer), ast.ClassDef):
                return "base"
            case ast.arg(annotation=given) if given is inner:
                return "annotation"
            case ast.AnnAssign(annotation=given) if given is inner:
                return "annotation"
            case ast.FunctionDef(returns=given) | ast.AsyncFunctionDef(returns=given) if given is inner:
                return "annotation"
            case ast.ExceptHandler():
                return "caught"
        return "value"


def _postpones(node: ast.stmt) -> bool:
    match node:
        case ast.ImportFrom(module="__future__", names=names):
            return any(one.name == "annotations" for one in names)
    return False


def _is_decorator(outer: ast.AST | None, node: ast.AST) -> bool:
    return isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node in outer.decorator_list


def _in_body(scope: ast.AST, inner: ast.AST) -> bool:
    match scope:
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body) | ast.ClassDef(body=body):
            return inner in body
        case ast.Lambda(body=body):
            return inner is body
    return True


def _comes_first(scope: ast.AST, inner: ast.AST, node: ast.AST, name: str) -> bool:
    """Whether a class reads a name before it binds it, which is the module's then: ``json = json``."""
    if not isinstance(scope, ast.ClassDef) or not isinstance(getattr(node, "ctx", None), ast.Load):
        return False
    before = [one for one in scope.body if one is not inner and one.lineno < getattr(inner, "lineno", 0)]
    return name not in _bindings(ast.ClassDef(scope.name, [], [], before, []))


def _bindings(scope: ast.AST) -> set[str]:
    """The names that a scope binds of its own."""
    found: set[str] = set()
    elsewhere: set[str] = set()
    match scope:
        case ast.FunctionDef(args=args, body=body) | ast.AsyncFunctionDef(args=args, body=body):
            found.update(one.arg for one in _arguments(args))
            todo: list[ast.AST] = list(body)
        case ast.Lambda(args=args):
            return {one.arg for one in _arguments(args)}
        case ast.ClassDef(body=body):
            todo = list(body)
        case _:
            todo = [one.target for one in scope.generators]  # type: ignore[attr-defined]
    for node in todo:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
                continue
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                elsewhere.update(names)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found.update((one.asname or one.name).split(".")[0] for one in aliases)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.MatchMapping(rest=str(name)):
                found.add(name)
        if not isinstance(node, (ast.Lambda, *_COMPREHENSIONS)):
            todo += children(node)
    return found - elsewhere


def _arguments(args: ast.arguments) -> Iterable[ast.arg]:
    return filter(None, (*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg))
