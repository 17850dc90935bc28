"""The functions of a file that others call: what they take and give, and what a message could carry of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from analysis.nodes import below, children, dotted
from codemods.cutting.carried import ANY, NotCarried, Type, Types, default
from codemods.edits import Reason
from codemods.imports import Refused

Function = ast.FunctionDef | ast.AsyncFunctionDef
Kind = Literal["positional", "either", "keyword"]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*FUNCTIONS, ast.Lambda, ast.ClassDef)
_HARMLESS = frozenset({"cache", "lru_cache", "classmethod", "staticmethod", "override", "final", "abstractmethod"})
_CHANGING = frozenset(
    {
        "add",
        "append",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "put",
        "remove",
        "reverse",
        "send",
        "set",
        "setdefault",
        "sort",
        "update",
        "write",
    }
)
"""Methods that change what they belong to, as they are usually called."""
_LAZY = frozenset({"enumerate", "filter", "iter", "map", "open", "range", "reversed", "zip"})
_VIEWS = frozenset({"items", "keys", "values"})
_RESERVED = frozenset({"TOPIC", "VERSION", "READS"})


class Parameter(NamedTuple):
    """One parameter. ``default`` is its text, empty for none, None where no field may have it."""

    name: str
    kind: Kind
    type: Type
    default: str | None

    @property
    def required(self) -> bool:
        """Whether every call gives it."""
        return self.default == ""


class Offered(NamedTuple):
    """A function, or a method of an object of the module, that others call.

    ``target`` is how the module itself writes it: ``load``, ``agent.load`` or ``get_agent().load``. ``parameters`` come
    without ``self``; ``reply`` is the type of what it returns.
    """

    target: str
    node: Function
    parameters: tuple[Parameter, ...]
    reply: Type
    is_async: bool

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.node.name


class Module:
    """The file ``path``, whose functions others call."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.tree = tree
        self._types = Types(tree)
        self._found: dict[str, Offered] = {}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The functions of the module's own level."""
        return {one.name: one for one in self.tree.body if isinstance(one, FUNCTIONS)}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes of the module's own level."""
        return {one.name: one for one in self.tree.body if isinstance(one, ast.ClassDef)}

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names of the module's own level that something other than a definition binds."""
        return frozenset(name for name, _ in _assigned(self.tree))

    @cached_property
    def objects(self) -> dict[str, str]:
        """The variables that hold nothing but an object of one class of the module, each with the class."""
        values: dict[str, list[ast.expr | None]] = {}
        for name, value in _assigned(self.tree):
            values.setdefault(name, []).append(value)
        found = {}
        for name, each in values.items():
            made = {self._class_of(one) for one in each if not _is_none(one)}
            if len(made) == 1 and (kind := made.pop()):
                found[name] = kind
        return found

    def _class_of(self, value: ast.expr | None) -> str:
        match value:
            case ast.Call(func=ast.Name(id=name)) if name in self.classes:
                return name
        return ""

    def accessor(self, name: str) -> str:
        """The class of the object that the function ``name`` hands out; empty where it does no such thing."""
        function = self.functions.get(name)
        if not isinstance(function, ast.FunctionDef) or any(_parameters(function.args)):
            return ""
        said = function.returns
        text = said.value if isinstance(said, ast.Constant) else dotted(said) if said is not None else None
        if text in self.classes:
            return str(text)
        made = {
            self.objects.get(one.id, "") if isinstance(one, ast.Name) else self._class_of(one)
            for one in returned(function)
        }
        return made.pop() if len(made) == 1 else ""

    def offered(self, chain: Sequence[str]) -> Offered:
        """What ``chain`` names: ``("load",)``, ``("agent", "load")`` or ``("get_agent", "()", "load")``.

        Raises Refused.
        """
        target = ".".join(chain).replace(".()", "()")
        if target not in self._found:
            node, bare = self._node(chain, target)
            self._found[target] = self._read(node, target, bare)
        return self._found[target]

    def _node(self, chain: Sequence[str], target: str) -> tuple[Function, bool]:
        """The definition, and whether its first parameter is the object or class that it belongs to."""
        first = chain[0]
        kind = self.objects.get(first, "") if len(chain) == 2 else self.accessor(first) if len(chain) == 3 else ""
        if len(chain) == 1 and first in self.functions:
            definitions = [one for one in self.tree.body if isinstance(one, FUNCTIONS) and one.name == first]
        elif kind:
            definitions = list(self._methods(kind, chain[-1], set()))
        else:
            what = "a class of" if first in self.classes else "no function or object of"
            raise Refused(Reason.NOT_A_CALL, f"`{first}` is {what} {self.path}")
        if len(definitions) != 1 or (not kind and first in self.bound):
            told = "is bound more than once" if definitions else "is no method that is written"
            raise Refused(Reason.NOT_PLAIN, f"`{target}` {told} in {self.path}")
        node = definitions[0]
        marks = {(dotted(one.func if isinstance(one, ast.Call) else one) or "?") for one in node.decorator_list}
        names = {one.rpartition(".")[2] for one in marks}
        if names - _HARMLESS:
            raise Refused(Reason.NOT_PLAIN, f"`@{min(names - _HARMLESS)}` may make another thing of `{target}`")
        return node, bool(kind) and "staticmethod" not in names

    def _methods(self, kind: str, name: str, seen: set[str]) -> Iterator[Function]:
        """The definitions of a method in a class, or else in its bases of this module."""
        if kind in seen:
            return
        node = self.classes[kind]
        own = [one for one in node.body if isinstance(one, FUNCTIONS) and one.name == name]
        yield from own
        if not own:
            for base in node.bases:
                if isinstance(base, ast.Name) and base.id in self.classes:
                    yield from self._methods(base.id, name, {*seen, kind})

    def _read(self, node: Function, target: str, bare: bool) -> Offered:
        if node.args.vararg or node.args.kwarg:
            raise Refused(Reason.NOT_CARRIED, f"`{target}` takes any number of arguments")
        if any(isinstance(one, (ast.Yield, ast.YieldFrom)) for one in inside(node)):
            raise Refused(Reason.NOT_CARRIED, f"`{target}` is a generator")
        parameters = list(_parameters(node.args))[1 if bare else 0 :]
        found = tuple(self._parameter(node, target, *one) for one in parameters)
        try:
            reply = self._reply(node)
        except NotCarried as problem:
            raise Refused(Reason.NOT_CARRIED, f"what `{target}` returns: {problem}") from None
        return Offered(target, node, found, reply, isinstance(node, ast.AsyncFunctionDef))

    def _parameter(
        self,
        node: Function,
        target: str,
        given: ast.arg,
        kind: Kind,
        value: ast.expr | None,
    ) -> Parameter:
        if given.arg in _RESERVED or given.arg.startswith("__"):
            raise Refused(Reason.NOT_CARRIED, f"no field can be called `{given.arg}`, as a parameter of `{target}` is")
        text = default(value) if value is not None else ""
        try:
            found = self._types.of(given.annotation, optional=text == "None")
        except NotCarried as problem:
            raise Refused(Reason.NOT_CARRIED, f"`{given.arg}` of `{target}`: {problem}") from None
        line = _changed(node, given.arg)
        if line:
            detail = f"`{target}` may change its `{given.arg}` in {self.path}:{line}, which the caller would not see"
            raise Refused(Reason.NOT_CARRIED, detail)
        return Parameter(given.arg, kind, found, text)

    def _reply(self, node: Function) -> Type:
        """The type of the answer: as it says, else what its return statements show.

        Raises NotCarried.
        """
        if node.returns is not None:
            return self._types.of(node.returns)
        values = list(returned(node))
        if not [one for one in values if not _is_none(one)]:
            return Type("None")
        for one in values:
            if isinstance(one, (ast.Lambda, ast.GeneratorExp)) or self._class_of(one):
                raise NotCarried(f"`{ast.unparse(one)[:40]}` is no data")
            if isinstance(one, ast.Call) and (dotted(one.func) in _LAZY or getattr(one.func, "attr", "") in _VIEWS):
                raise NotCarried(f"`{ast.unparse(one)[:40]}` is no data")
            if isinstance(one, ast.Name) and (one.id in ("self", "cls") or one.id in self.objects):
                raise NotCarried(f"`{one.id}` is an object of its own module")
        tuples = [one for one in values if isinstance(one, ast.Tuple)]
        if len(tuples) == len(values) and not any(isinstance(one, ast.Starred) for each in tuples for one in each.elts):
            return Type("tuple[Any, ...]", ANY.imports)
        odd = [one for one in values if isinstance(one, (ast.Tuple, ast.Set, ast.SetComp))]
        if odd:
            raise NotCarried(f"`{ast.unparse(odd[0])[:40]}` would come as a list")
        return ANY


def inside(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function's own body, what is defined in it left out."""
    todo = children(function)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, _SCOPES):
            todo += children(node)


def returned(function: Function) -> Iterator[ast.expr]:
    """What the return statements of a function return, in the order of the source."""
    found = [one for one in inside(function) if isinstance(one, ast.Return) and one.value is not None]
    yield from (one.value for one in sorted(found, key=lambda one: one.lineno) if one.value is not None)


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _parameters(args: ast.arguments) -> Iterator[tuple[ast.arg, Kind, ast.expr | None]]:
    """Each parameter, how it is given, and its default."""
    several = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(several) - len(args.defaults)) + list(args.defaults)
    for at, one in enumerate(several):
        yield one, "positional" if at < len(args.posonlyargs) else "either", defaults[at]
    yield from ((one, "keyword", value) for one, value in zip(args.kwonlyargs, args.kw_defaults, strict=True))


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    """What names of the module's own level are bound to; None for what is no plain value."""
    shared = {name for one in below(tree) if isinstance(one, ast.Global) for name in one.names}
    todo: list[tuple[ast.AST, bool]] = [(one, True) for one in tree.body]
    for node, top in todo:
        match node:
            case ast.Assign(targets=targets, value=value):
                for one in targets:
                    if isinstance(one, ast.Name) and (top or one.id in shared):
                        yield one.id, value
                    elif not isinstance(one, (ast.Attribute, ast.Subscript)):
                        yield from ((each.id, None) for each in below(one) if isinstance(each, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if top or name in shared:
                yield name, value
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if top or name in shared:
                yield name, None
            case ast.Import() | ast.ImportFrom() if top:
                yield from ((one.asname or one.name, None) for one in node.names)
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            todo += [(one, top and not isinstance(node, _SCOPES)) for one in children(node)]


def _changed(function: Function, name: str) -> int:
    """The line in which a function may change what a parameter is, other than by binding it anew; 0 for none."""

    def of(node: ast.AST) -> bool:
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        return isinstance(node, ast.Name) and node.id == name

    lines = []
    for node in below(*function.body):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()) if of(node):
                lines.append(node.lineno)
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _CHANGING and of(value):
                lines.append(node.lineno)
    return min(lines, default=0)
