"""Notes down what each function, module body and ``try`` body of a file may raise, as far as the file itself says.

What it cannot know without the other files it leaves as symbols, which :mod:`analysis.exceptions` resolves.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from analysis.collectors.handlers import catches_all, caught_types
from analysis.effects.definitions import PLAIN_DECORATORS
from analysis.effects.flow import before, completes_all
from analysis.effects.kinds import is_symbol
from analysis.effects.names import ClassInfo, File, binding_of
from analysis.effects.paths import added
from analysis.effects.records import Class, Function, Module, Place, Region, Try
from analysis.effects.region import extend
from analysis.effects.scopes import Binding, FunctionNode, Known, Scope, bound_inside, parameters, yield_lines
from analysis.effects.statements import Statements, named
from analysis.effects.tricks import Tricks, hooks, look
from analysis.walk import Collector, Walk
from config.knowledge import knowledge

if TYPE_CHECKING:
    from analysis.source import Source

_WORD = re.compile(r"\w+")
_SHORT = 4
"""Functions of up to so many lines are read though nothing in their own file leads to them: other files may call them,
and what can be shown of long ones seldom closes a set (measured: reading all of them closes 4 % more sets for 60 %
more time)."""
_BODY = 15
"""The body of a module with more statements is not read: what an import of it may raise is left open."""
_SUITES = ("body", "handlers", "orelse", "finalbody", "cases")
_HOOKS = frozenset({"__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__slots__"})


class Effects(Collector):
    """One :class:`~analysis.effects.records.Module` per file."""

    topic: ClassVar[str] = "effects"
    version: ClassVar[int] = 1
    record: ClassVar[type[msgspec.Struct]] = Module
    nodes: ClassVar[tuple[type[ast.AST], ...]] = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Try,
        ast.TryStar,
        ast.Assign,
        ast.AugAssign,
        ast.AnnAssign,
        ast.For,
        ast.AsyncFor,
        ast.With,
        ast.AsyncWith,
        ast.Delete,
        ast.Global,
        ast.Nonlocal,
        ast.ImportFrom,
        ast.Return,
    )

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.file: File
        self.tricks: Tricks
        self.tries: list[tuple[ast.Try | ast.TryStar, Scope, list[ast.AST]]] = []
        self.patched: list[tuple[str, str]] = []
        self.declared: list[tuple[ast.Global | ast.Nonlocal, Scope]] = []

    strict: ClassVar[bool] = False

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        data = self.source.data
        self.file = File(knowledge(), tree, data, walrus=b":=" in data, yields=yield_lines(data))
        self.tricks = tricks = look(data)
        self.file.stores |= tricks.stores
        self.file.dynamic, self.file.rebinds = tricks.dynamic, tricks.rebinds
        self.patched += [
            (root, f"{inner}.{name}" if inner else name)
            for on, name in tricks.patches
            for root, _, inner in (on.partition("."),)
        ]
        if self.source.encoding not in ("utf-8", "iso-8859-1"):
            self.file = File(knowledge(), tree, b"", walrus=True, yields=None)
            # Words need not be written by their own bytes.
            self.file.dynamic = self.file.rebinds = tricks.makes = tricks.builtins = True

    def visit(self, walk: Walk, node: ast.AST) -> None:
        kind = node.__class__
        if kind is ast.Assign:
            for each in node.targets:  # type: ignore[attr-defined]
                if each.__class__ is not ast.Name:
                    self._stored(walk, each, Binding("value", node.value))  # type: ignore[attr-defined]
        elif kind is ast.Return:
            self.file.scopes[id(walk.scopes[-1].node)].returns.append(node.value)  # type: ignore[attr-defined]
        elif kind is ast.Try or kind is ast.TryStar:
            self._try(walk, node)  # type: ignore[arg-type]
        elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
            self._function(walk, node)  # type: ignore[arg-type]
        else:
            self._rarer(walk, node)

    def _try(self, walk: Walk, node: ast.Try | ast.TryStar) -> None:
        scope = self.file.scopes[id(walk.scopes[-1].node)]
        self.tries.append((node, scope, list(walk.parents)))

    def _rarer(self, walk: Walk, node: ast.AST) -> None:
        match node:
            case ast.AugAssign():
                self._stored(walk, node.target, Binding("augmented", node.value))
            case ast.AnnAssign():
                if node.value is not None:
                    self._stored(walk, node.target, Binding("value", node.value))
            case ast.For() | ast.AsyncFor():
                self._stored(walk, node.target, Binding("other", None))
            case ast.With() | ast.AsyncWith():
                how = "entered" if isinstance(node, ast.With) else "entered-async"
                for item in node.items:
                    if item.optional_vars is not None:
                        self._stored(walk, item.optional_vars, Binding(how, item.context_expr))
            case ast.Delete():
                for each in node.targets:
                    self._stored(walk, each, Binding("other", None))
            case ast.ClassDef():
                scope = self._scope(walk, "class", node.name, node)
                twice = scope.qualname in self.file.classes or scope.qualname in self.file.functions
                self.file.classes[scope.qualname] = ClassInfo(node, scope, twice=twice)
            case ast.Global() | ast.Nonlocal():
                self.declared.append((node, self.file.scopes[id(walk.scopes[-1].node)]))
            case ast.ImportFrom():
                if node.module == "__future__":
                    self.file.postponed |= any(alias.name == "annotations" for alias in node.names)
                elif any(alias.name == "*" for alias in node.names):
                    self.file.stars.append(f"{node.level}:{node.module or ''}:")

    def _scope(self, walk: Walk, kind: Any, name: str, node: ast.AST) -> Scope:
        outer = self.file.scopes[id(walk.scopes[-1].node)]
        scope = Scope(
            kind, f"{outer.qualname}.{name}" if outer.qualname else name, node, outer, walrus=self.file.module.walrus
        )
        self.file.scopes[id(node)] = scope
        return scope

    def _function(self, walk: Walk, node: FunctionNode) -> None:
        scope = self._scope(walk, "function", node.name, node)
        outer = scope.outer
        if outer is not None and outer.kind == "class":
            scope.owner = outer.qualname
            self.file.classes[outer.qualname].methods[node.name] = node
        self.file.functions.setdefault(scope.qualname, []).append((node, scope))
        if scope.qualname in self.file.classes:
            self.file.classes[scope.qualname].twice = True

    def _stored(self, walk: Walk, node: ast.expr, binding: Binding) -> None:
        """Note an attribute that is assigned: on ``self`` for its class, on anything else for the whole project."""
        if isinstance(node, (ast.Tuple, ast.List)):
            for at, each in enumerate(node.elts):
                how = "unpacked" if binding.how == "value" else "other"
                self._stored(walk, each, Binding(how, binding.node, at=at))
        elif isinstance(node, ast.Starred):
            self._stored(walk, node.value, Binding("other", None))
        elif isinstance(node, ast.Attribute):
            scope = self.file.scopes[id(walk.scopes[-1].node)]
            owner = self._instance(node.value, scope)
            if owner is None:
                self.file.stores.add(node.attr)
                self.patched.append(_receiver(node))
            else:
                if hooks(node.attr):
                    self.file.stores.add(node.attr)
                self.file.classes[owner].assigned.setdefault(node.attr, []).append((binding, scope))

    @staticmethod
    def _instance(node: ast.expr, scope: Scope) -> str | None:
        """The class whose instance ``node`` is, when it is a method's first parameter."""
        if not isinstance(node, ast.Name) or scope.owner is None:
            return None
        assert isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        args = [*scope.node.args.posonlyargs, *scope.node.args.args]
        if args and args[0].arg == node.id and binding_of(scope.node) == "method":
            return scope.owner
        return None

    # -- after the walk

    def finish(self, walk: Walk) -> None:
        file = self.file
        for node, scope in self.declared:
            self._hand_over(node, scope)
        for info in file.classes.values():
            for name, bindings in info.scope.bindings.items():
                again = bindings if name not in info.methods else [each for each in bindings if each.how != "define"]
                if again:
                    info.assigned.setdefault(name, []).extend((each, info.scope) for each in again)
        reader = Statements(file, strict=self.strict)
        tries = tuple(self._try_record(reader, node, scope, parents) for node, scope, parents in self.tries)
        functions = self._functions(reader, [each.region for each in tries])
        classes = tuple(self._class_record(reader, info) for info in file.classes.values())
        assert isinstance(file.module.node, ast.Module)
        if len(file.module.node.body) <= _BODY:
            body, _ = reader.region(file.module.node.body, file.module, set(), [])
        else:
            body = Region(open=Place("all that the module does", 1))
        self.records.append(
            Module(
                functions=functions,
                classes=classes,
                tries=tries,
                body=body,
                names=tuple((name, reader.known(file.module, name).kind or "") for name in file.module.bindings),
                stars=tuple(file.stars),
                relies=tuple(sorted(file.relies)),
                uses=tuple(sorted(file.uses)),
                stores=tuple(sorted(file.stores)),
                patches=tuple(sorted(self._patches())),
                dynamic=file.dynamic or any(map(hooks, file.stores)),
                paths=added(file.module.node) if b"sys.path" in self.source.data else (),
                rebinds=file.rebinds,
                makes=self.tricks.makes,
                builtins=self.tricks.builtins,
                unsure=_unsure(file.module.node.body, file.module),
            )
        )

    def _patches(self) -> set[str]:
        """The attributes of imported things that are assigned anywhere in the file."""
        found: set[str] = set()
        names = Statements(self.file)
        for name, attribute in set(self.patched):
            if name[:1] == "=":
                kind = names.thing(name[1:])
                found.add(f"{kind[1:]}.{attribute}" if kind and kind[:1] == "=" else f"0:{name[1:]}:{attribute}")
            for kind, inner in self._imported(names, name, set()):
                whole = f"{inner}.{attribute}" if inner else attribute
                found.add(f"{kind[1:]}.{whole}" if kind[:1] == "=" else extend(kind, whole))
        return found

    def _imported(self, names: Statements, name: str, seen: set[str]) -> Iterator[tuple[str, str]]:
        """The imported things that ``name`` may stand for in any scope, itself or as another name for one."""
        if name in seen:
            return
        seen.add(name)
        for scope in self.file.scopes.values():
            for binding in scope.bindings.get(name, ()) if scope.kind != "class" else ():
                if binding.how in ("import", "from"):
                    kind = names.imported(binding)
                    if kind is not None and (kind[:1] == "=" or is_symbol(kind)):
                        yield kind, ""
                elif binding.how == "value" and isinstance(binding.node, (ast.Name, ast.Attribute)):
                    root, dotted = _receiver(binding.node)
                    for kind, inner in self._imported(names, root, seen):
                        yield kind, ".".join(filter(None, (inner, dotted)))

    def _functions(self, reader: Statements, regions: list[Region]) -> tuple[Function, ...]:
        """All functions; those that a ``try`` of the file may lead to, and short ones, with what they may raise."""
        waiting: dict[str, list[tuple[FunctionNode, Scope]]] = {}
        for same in self.file.functions.values():
            for node, scope in same:
                waiting.setdefault(node.name, []).append((node, scope))
        found: dict[int, Function] = {}
        seen: set[str] = set()
        targets: set[str] = set()
        while regions:
            for pending in regions.pop().pending:
                if pending.target in targets:
                    continue
                targets.add(pending.target)
                for name in _WORD.findall(pending.target):
                    if name in seen:
                        continue
                    seen.add(name)
                    names = (name, "__init__", "__new__", "__call__", "__enter__", "__exit__", "__setattr__")
                    for each in names if name in self.file.classes else names[:1]:
                        for node, scope in waiting.pop(each, ()):
                            found[id(node)] = record = self._function_record(reader, node, scope, follow=True)
                            regions.append(record.region)
        for same in waiting.values():
            for node, scope in same:
                short = (node.end_lineno or node.lineno) - node.lineno <= _SHORT
                found[id(node)] = self._function_record(reader, node, scope, follow=short)
        return tuple(found[id(node)] for same in self.file.functions.values() for node, _ in same)

    def _hand_over(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
        heir: Scope | None = self.file.module
        for name, bindings in list(scope.take(node.names)):
            if isinstance(node, ast.Nonlocal):
                heir = scope.outer
                while heir is not None and (heir.kind != "function" or name not in heir.bindings):
                    heir = heir.outer
            if heir is not None and bindings:
                unknown = [Binding("other", None) if each.how != "deleted" else each for each in bindings]
                heir.bindings.setdefault(name, []).extend(unknown)

    def _function_record(self, reader: Statements, node: FunctionNode, scope: Scope, *, follow: bool) -> Function:
        decorator, flavour, binding = "", "plain", "function"
        if scope.owner is not None:
            binding = binding_of(node)
        for each in node.decorator_list:
            dotted = reader.dotted(each.func if isinstance(each, ast.Call) else each)
            if dotted in ("property", "functools.cached_property", "abc.abstractproperty") or (
                isinstance(each, ast.Attribute) and each.attr in ("setter", "getter", "deleter")
            ):
                binding = "property"
            elif dotted not in PLAIN_DECORATORS:
                decorator = dotted or "?"
        args = node.args
        positional = [*(f"/{arg.arg}" for arg in args.posonlyargs), *(arg.arg for arg in args.args)]
        first = len(positional) - len(args.defaults)
        keyword = [(arg.arg, default) for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
        if decorator:
            region, gives = Region(open=Place(f"the decorator `@{decorator}`", node.lineno)), ""
        else:
            if follow:
                region, _ = reader.region(node.body, scope, parameters(node), [])
            else:
                region = Region(open=Place(f"what `{node.name}` does, which is not followed from here,", node.lineno))
            generator = self.file.yielded(node.body) > 0
            if isinstance(node, ast.AsyncFunctionDef):
                flavour = "async generator" if generator else "async"
            elif generator:
                flavour = "generator"
            known = reader.result(scope.qualname) if region.open is None else Known(None)
            gives = known.kind or "" if known.assumed is None and not known.conditions else ""
        return Function(
            qualname=scope.qualname,
            line=node.lineno,
            flavour=flavour,
            binding=binding,
            decorator=decorator,
            required=tuple(positional[:first]),
            optional=tuple(positional[first:]),
            keyword_required=tuple(name for name, default in keyword if default is None),
            keyword_optional=tuple(name for name, default in keyword if default is not None),
            many=args.vararg is not None,
            keywords=args.kwarg is not None,
            region=region,
            gives=gives,
        )

    def _class_record(self, reader: Statements, info: ClassInfo) -> Class:
        reader.scope = info.scope.outer or self.file.module
        bases = tuple(named(reader.quietly(each)) or _made(reader, each) for each in info.node.bases)
        decorators = [
            reader.dotted(each.func if isinstance(each, ast.Call) else each) for each in info.node.decorator_list
        ]
        attributes = []
        placed = tuple(
            name
            for name, bindings in info.assigned.items()
            if any(self._may_describe(reader, each, scope, name) for each, scope in bindings if scope is info.scope)
        )
        for name in info.assigned:
            known = reader.own(info.qualname, name)
            kind = known.kind if known.assumed is None and not known.conditions else None
            attributes.append((name, kind if kind is not None and not is_symbol(kind) else ""))
        return Class(
            qualname=info.qualname,
            line=info.node.lineno,
            bases=("",) if info.twice else (*bases, *(("abc.ABC",) if info.node.keywords else ())),
            attributes=tuple(attributes),
            closed=not (info.twice or self.tricks.own or _HOOKS.intersection((*info.methods, *info.assigned))),
            made=not info.twice
            and all(
                each.arg == "metaclass" and reader.dotted(each.value) == "abc.ABCMeta" for each in info.node.keywords
            )
            and all(each in PLAIN_DECORATORS for each in decorators),
            dataclass="dataclasses.dataclass" in decorators,
            placed=placed,
            unsure=_unsure(info.node.body, info.scope),
        )

    @staticmethod
    def _may_describe(reader: Statements, binding: Binding, scope: Scope, name: str) -> bool:
        """Whether what a class body binds a name to may be a descriptor."""
        if binding.how in ("define", "declared", "import", "from"):
            return False
        kind = reader.infer(binding, scope, name).kind
        return kind is None or is_symbol(kind)

    def _try_record(self, reader: Statements, node: ast.Try | ast.TryStar, scope: Scope, parents: list[ast.AST]) -> Try:
        inside = [*parents, node]
        while inside and inside[0] is not scope.node and scope.node is not self.file.module.node:
            inside.pop(0)
        if scope.node is self.file.module.node:
            inside = [scope.node, *inside]
        bound: set[str] = set()
        if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            bound = parameters(scope.node)
        caught: list[str | None] = []
        path: list[tuple[list[ast.stmt], ast.stmt]] = []
        for parent, child in pairwise(inside):
            if isinstance(parent, ast.ExceptHandler):
                caught.append(parent.name)
            suite = next(
                suite
                for field in _SUITES
                if (suite := getattr(parent, field, None)) and any(each is child for each in suite)
            )
            path.append((suite, child))  # type: ignore[arg-type]
            bound |= bound_inside(parent, suite)
        before(path, bound)
        region, yields = reader.region(node.body, scope, bound, caught)
        if yields and region.open is None:
            region = Region(open=Place("what may be thrown in at the `yield`", yields))
        return Try(node.lineno, node.col_offset, region)


def _unsure(body: list[ast.stmt], scope: Scope) -> tuple[str, ...]:
    """The names of a module or class that may not be there when its body has run."""
    bound = completes_all(body)
    loose = {name for name, bindings in scope.bindings.items() if any(each.how == "deleted" for each in bindings)}
    return tuple(name for name in scope.bindings if bound is not None and (name not in bound or name in loose))


def _made(reader: Statements, node: ast.expr) -> str:
    """A base class that a call makes out of nothing but fields, "" for any other expression."""
    dotted = reader.dotted(node.func) if isinstance(node, ast.Call) else None
    return f"{dotted}()" if dotted in ("collections.namedtuple", "typing.NamedTuple", "typing.TypedDict") else ""


def _receiver(node: ast.Name | ast.Attribute) -> tuple[str, str]:
    """The name that ``a.b.c`` begins with and the rest of it; "" for another expression, "=m" for sys.modules["m"]."""
    names: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        names.append(inner.attr)
        inner = inner.value
    rest = ".".join(reversed(names))
    if isinstance(inner, ast.Name):
        return inner.id, rest
    if (
        isinstance(inner, ast.Subscript)
        and isinstance(inner.slice, ast.Constant)
        and isinstance(inner.slice.value, str)
    ):
        return f"={inner.slice.value}", rest
    return "", rest


class Proofs(Effects):
    """The same, as far as a proof needs it: of the ``try`` statements with a broad handler, up to the first assumption.

    Most bodies rest on an assumption in one of their first lines, so this takes half the time.
    """

    topic: ClassVar[str] = "proofs"
    strict: ClassVar[bool] = True

    def _try(self, walk: Walk, node: ast.Try | ast.TryStar) -> None:
        if any(catches_all(caught_types(each.type)) for each in node.handlers):
            super()._try(walk, node)
