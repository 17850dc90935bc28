"""What a name stands for where it is read, and whether reading it may fail."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from abc import ABC, abstractmethod
from bisect import bisect_left

from analysis.effects.flow import settled_lines
from analysis.effects.kinds import Kind, held, is_symbol, is_thing, join, parts, settled, split
from analysis.effects.records import Condition, Place
from analysis.effects.region import Effects, Nothing, Opened
from analysis.effects.scopes import UNKNOWN, Binding, FunctionNode, Known, Scope, yielded
from config.knowledge import Knowledge

_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__", "__debug__", "__builtins__"}
_MODULE_NAMES = {"__name__": "str", "__file__": "str", "__doc__": "str|None", "__debug__": "bool"}


_SHALLOW: dict[type[ast.AST], str] = {
    ast.JoinedStr: "str",
    ast.Dict: "dict",
    ast.List: "list",
    ast.Set: "set",
    ast.ListComp: "list",
    ast.DictComp: "dict",
    ast.SetComp: "set",
}
"""What is left of the type of such an expression once it is held by a name, whatever is inside."""


class ClassInfo:
    """A class of this file: what is assigned to its attributes, through ``self`` and in its body."""

    def __init__(self, node: ast.ClassDef, scope: Scope, *, twice: bool = False) -> None:
        self.node = node
        self.scope = scope
        self.qualname = scope.qualname
        self.assigned: dict[str, list[tuple[Binding, Scope]]] = {}
        self.methods: dict[str, FunctionNode] = {}
        self.known: dict[str, Known] = {}
        self.twice = twice
        """Another definition has the same qualified name."""


class File:
    """What is known of the file at hand before any expression is read."""

    def __init__(
        self, knowledge: Knowledge, tree: ast.Module, data: bytes, *, walrus: bool, yields: list[int] | None
    ) -> None:
        self.data = data
        self.knowledge = knowledge
        self._yields = yields
        self.module = Scope("module", "", tree, None, walrus=walrus)
        self.scopes: dict[int, Scope] = {id(tree): self.module}
        self.classes: dict[str, ClassInfo] = {}
        self.functions: dict[str, list[tuple[FunctionNode, Scope]]] = {}
        self.relies: set[str] = set()
        self.uses: set[str] = set()
        self.stores: set[str] = set()
        self.stars: list[str] = []
        self.dynamic = False
        self.rebinds = False
        """Module-level names may be bound in ways that cannot be read (``globals()``, ``exec``)."""
        self.postponed = False
        """Annotations are not evaluated (``from __future__ import annotations``)."""
        self.gives: dict[str, Known] = {}
        self.settled_before: dict[str, tuple[int, int]] | None = None

    def yielded(self, suite: list[ast.stmt]) -> int:
        """The line of a ``yield`` that belongs to the suite itself, or 0."""
        if self._yields is not None:
            at = bisect_left(self._yields, suite[0].lineno)
            if at == len(self._yields) or self._yields[at] > (suite[-1].end_lineno or 0):
                return 0
        return yielded(suite)


class Names(ABC):
    """Reads names. ``scope`` is the scope that the code being read runs in, ``effects`` takes the notes."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.knowledge = file.knowledge
        self.scope = file.module
        self.effects: Effects = Nothing()
        self.bound: set[str] = set()
        self.local: list[dict[str, Kind]] = []
        """Variables of the comprehensions and lambdas around, innermost last."""
        self.caught: list[tuple[str | None, list[bool] | None]] = []
        """The handlers around, innermost last: the name it binds, and whether it was seen to raise again (None when
        the handler begins outside the region)."""

    @abstractmethod
    def value(self, node: ast.expr) -> Kind:
        """Note what evaluating ``node`` may raise; return the type of its value."""

    @abstractmethod
    def entered(self, kind: Kind, text: str, line: int, *, asynchronous: bool) -> Kind:
        """Note what entering and leaving a context manager may raise; return the type ``as`` binds."""

    @abstractmethod
    def iterate(self, kind: Kind, node: ast.AST) -> Kind:
        """Note what iterating may raise; return the type of the elements."""

    @abstractmethod
    def spread(self, kind: Kind, node: ast.AST) -> Kind:
        """Note what putting all elements into a container at once may raise; return the type of the elements."""

    # -- what a name stands for

    def thing(self, dotted: str) -> Kind:
        """The thing that ``import`` finds under an absolute dotted name, or the type of a value in a table."""
        root = dotted.partition(".")[0]
        if root not in self.knowledge.modules:
            return f"={dotted}" if root in sys.stdlib_module_names else f"0:{dotted}:"
        self.file.relies.add(root)
        self.file.uses.add(dotted)
        dotted = self.knowledge.canonical(dotted)
        kind = self.knowledge.values.get(dotted)
        return kind if kind is not None else f"={dotted}"

    def imported(self, binding: Binding) -> Kind:
        """The thing that an import statement binds."""
        if binding.how == "import":
            return self.thing(binding.text)
        node = binding.node
        assert isinstance(node, ast.ImportFrom)
        root = (node.module or "").partition(".")[0]
        if node.level or (root not in self.knowledge.modules and root not in sys.stdlib_module_names):
            return f"{node.level}:{node.module or ''}:{binding.text}"
        return self.thing(f"{node.module}.{binding.text}")

    def name(self, node: ast.Name) -> Kind:
        """Note what reading the name may raise; return the type of what it holds."""
        name = node.id
        if self.local:
            for level in reversed(self.local):
                if name in level:
                    return level[name]
        scope = self.scope
        # What a class body binds is not seen by the comprehensions and lambdas in it.
        if name in (scope.found or scope.bindings) and not (self.local and scope.kind == "class"):
            if name not in self.bound:
                # A comprehension or lambda sees it as a free variable (up to 3.11), for which it is a plain NameError.
                local = scope.kind == "function" and not self.local
                self.effects.raise_("UnboundLocalError" if local else "NameError")
            elif name in scope.loose and not any(name == each[0] for each in self.caught):
                self.effects.raise_("NameError")
            known = scope.kinds.get(name) or self.known(scope, name)
        else:
            found = scope.outside.get(name)
            if found is None:
                found = scope.outside[name] = self._outside(name)
            known, raises, assumed = found
            if raises is not None:
                self.effects.raise_(raises)
            if assumed is not None:
                self.effects.assume(assumed, node.lineno)
        if known.assumed is None and not known.conditions:
            return known.kind
        return self.rest(known, node)

    def _outside(self, name: str) -> tuple[Known, str | None, str | None]:
        """What a name of the scopes around holds, what reading it may raise, and on what assumption."""
        scope = self.scope.outer
        while scope is not None:
            if scope.kind != "class" and name in (scope.found or scope.bindings):
                return self.known(scope, name), None if self._there(scope, name) else "NameError", None
            scope = scope.outer
        if name not in _BUILTINS:
            return UNKNOWN, "NameError", None
        doubt = f"`{name}` is taken to be the built-in" if self.file.stars or self.file.rebinds else None
        return Known(_MODULE_NAMES.get(name, f"={name}")), None, doubt

    def _there(self, scope: Scope, name: str) -> bool:
        """Whether a name of an enclosing scope is surely bound by the time the code at hand runs."""
        if name in scope.loose:
            return False
        if scope.kind == "module":
            return self._settled(name) and not self.file.rebinds
        bindings = scope.bindings[name]
        return len(bindings) == 1 and bindings[0].how in ("parameter", "vararg", "kwarg")

    def rest(self, known: Known, node: ast.AST) -> Kind:
        """Note what the knowledge of a type rests on; return the type."""
        if known.assumed is not None:
            line = known.assumed.line or getattr(node, "lineno", 0)
            self.effects.assume(known.assumed.text, line, typed=True)
        for condition in known.conditions:
            self.effects.rely(condition)
        return known.kind

    # -- the type of what is bound

    def known(self, scope: Scope, name: str) -> Known:
        """The type that ``name`` has in ``scope``, whichever of its bindings came last."""
        cached = scope.kinds.get(name)
        if cached is not None:
            return cached
        scope.kinds[name] = UNKNOWN
        found = self._joined(scope.bindings.get(name, []), scope, name)
        if scope.kind == "module" and (self.file.rebinds or self.file.stars) and found.kind is not None:
            found = Known(found.kind, Place(f"`{name}` is taken to be what this module binds it to", 0))
        if scope.kind == "module" and found.kind is not None and _replaceable(found.kind, name):
            found = Known(found.kind, found.assumed, (*found.conditions, Condition("", name, found.kind, 0)))
        scope.kinds[name] = found
        return found

    def _joined(self, bindings: list[Binding], scope: Scope, name: str) -> Known:
        kind: Kind = None
        assumed: Place | None = None
        conditions: tuple[Condition, ...] = ()
        first = True
        for binding in bindings:
            if binding.how in ("deleted", "declared"):
                continue
            one = self.infer(binding, scope, name)
            kind = one.kind if first else join(kind, one.kind)
            if kind is None:
                return UNKNOWN
            first = False
            assumed = assumed or one.assumed
            conditions += one.conditions
        return Known(settled(kind) if kind is not None else None, assumed, conditions)

    def infer(self, binding: Binding, scope: Scope, name: str) -> Known:
        """The type that one binding gives, without running it here."""
        how, node = binding.how, binding.node
        if how == "value" and node.__class__ is ast.Constant:
            return Known(self.value(node))
        match how:
            case "import" | "from":
                return Known(self.imported(binding))
            case "define":
                assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
                return Known(f"0::{scope.qualname}.{node.name}" if scope.qualname else f"0::{node.name}")
            case "parameter":
                return self._parameter(binding, scope, name)
            case "vararg":
                return Known("tuple")
            case "kwarg":
                return Known("dict")
            case "caught":
                return Known("BaseException")
            case "none":
                return Known("None")
            case "other":
                return UNKNOWN
        if not isinstance(node, ast.expr):
            return UNKNOWN
        outside = (self.scope, self.effects, self.bound, self.local, self.caught)
        quiet = Nothing()
        self.scope, self.effects, self.bound, self.local, self.caught = scope, quiet, set(), [], []
        try:
            kind = self._kind(how, node, binding.at)
        except (Opened, RecursionError):
            kind = None
        finally:
            self.scope, self.effects, self.bound, self.local, self.caught = outside
        if kind is None:
            return UNKNOWN
        return Known(kind, quiet.assumed, tuple(quiet.conditions.values()))

    def _kind(self, how: str, node: ast.expr, at: int) -> Kind:
        shallow = _SHALLOW.get(node.__class__)
        if shallow is not None and how == "value":
            return shallow
        match how:
            case "value":
                return self.value(node)
            case "augmented":
                self.value(node)
                return None  # `/=` makes a float of an int, and what stood there before is not at hand
            case "element":
                return self.iterate(self.value(node), node)
            case "entered" | "entered-async":
                return self.entered(self.value(node), "", node.lineno, asynchronous=how == "entered-async")
            case "unpacked" | "unpacked-element":
                if at < 0:
                    return None
                if how == "unpacked" and isinstance(node, (ast.Tuple, ast.List)):
                    return self.value(node.elts[at]) if at < len(node.elts) else None
                kind = self.value(node)
                return taken(self.iterate(kind, node) if how == "unpacked-element" else kind, at)
        return None

    def _parameter(self, binding: Binding, scope: Scope, name: str) -> Known:
        owner = scope.owner
        if owner is not None and binding.at == 0:
            assert isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef))
            how = binding_of(scope.node)
            if how == "method":
                return Known(f"0::{owner}@")
            if how == "class":
                return Known(f"0::{owner}", None, (Condition(owner, "", "", 0),))
        if not isinstance(binding.node, ast.expr):
            return UNKNOWN
        kind = self.annotated(binding.node)
        if kind is None or is_thing(kind):
            return UNKNOWN
        return Known(kind, Place(f"`{name}` is taken to be of the type it is annotated with", binding.node.lineno))

    def annotated(self, node: ast.expr) -> Kind:
        """The type that an annotation names, where it names one that the tables know."""
        if isinstance(node, ast.Constant) and node.value is None:
            return "None"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return join(self.annotated(node.left), self.annotated(node.right))
        if isinstance(node, ast.Subscript):
            outer = self.dotted(node.value)
            if outer == "typing.Optional":
                return join(self.annotated(node.slice), "None")
            return {"typing.Dict": "dict", "typing.List": "list", "typing.Set": "set"}.get(
                outer or "", outer if outer in ("dict", "list", "set") else None
            )
        dotted = self.dotted(node)
        plain = {"typing.Dict": "dict", "typing.List": "list", "typing.Set": "set"}.get(dotted or "", dotted)
        return plain if plain is not None and plain in self.knowledge.kinds else None

    def dotted(self, node: ast.expr) -> str | None:
        """The public name of what a plain ``a.b.c`` refers to, when an import or the built-ins say so."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        bindings = self.file.module.bindings.get(node.id)
        if bindings is None:
            head = node.id if node.id in _BUILTINS else None
        elif len(bindings) == 1 and bindings[0].how in ("import", "from"):
            kind = self.imported(bindings[0])
            head = kind[1:] if kind is not None and kind.startswith("=") else None
        else:
            return None
        if head is None:
            return None
        return self.knowledge.canonical(".".join([head, *reversed(names)]))

    # -- names of the module, seen from a function

    def _settled(self, name: str) -> bool:
        """Whether the module has bound ``name`` before any code could call the function at hand."""
        if self.file.settled_before is None:
            self.file.settled_before = settled_lines(self.file.module)
        lines = self.file.settled_before.get(name)
        if lines is None:
            return False
        top = self.scope
        deferred = top.kind == "function"
        while top.outer is not None and top.outer.outer is not None:
            top = top.outer
            deferred = deferred or top.kind == "function"
        start = getattr(top.node, "lineno", 0)
        return lines[0] <= start if deferred else lines[1] < start


def _replaceable(kind: str, name: str) -> bool:
    """Whether a name that is known to hold a ``kind`` says more than that kind's own symbol does."""
    return not is_thing(kind) or (is_symbol(kind) and re.split("[.:]", kind)[-1] != name)


def taken(kind: Kind, at: int) -> Kind:
    """The type of the element ``at`` of a tuple whose members are known."""
    if kind is None or is_thing(kind):
        return None
    found: Kind = None
    for number, part in enumerate(parts(kind)):
        if not part.startswith("tuple["):
            return None
        inner = held(part) or ""
        members = split(inner)
        if len(members) < 2 or at >= len(members) or not members[at]:
            return None  # nothing stands behind the comma of a single member
        one = members[at] if members[at] != "?" else None
        found = one if number == 0 else join(found, one)
    return found


def binding_of(node: FunctionNode) -> str:
    """How a function in a class body is bound: method, static or class."""
    for each in node.decorator_list:
        if isinstance(each, ast.Name) and each.id == "staticmethod":
            return "static"
        if isinstance(each, ast.Name) and each.id == "classmethod":
            return "class"
    return (
        "class"
        if node.name in ("__init_subclass__", "__class_getitem__")
        else ("static" if node.name == "__new__" else "method")
    )
