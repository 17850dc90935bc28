"""What imports and definitions may raise when they are run."""

from __future__ import annotations

import ast
import sys
from abc import abstractmethod

from analysis.effects import flow
from analysis.effects.expressions import Expressions
from analysis.effects.kinds import is_symbol, is_thing
from analysis.effects.records import Act
from analysis.effects.region import written
from analysis.effects.scopes import Scope

PLAIN_DECORATORS = frozenset(
    {
        "staticmethod", "classmethod", "property", "abc.abstractmethod", "typing.override", "typing.overload",
        "typing.final", "functools.wraps", "functools.cached_property",
        "dataclasses.dataclass", "functools.total_ordering", "enum.unique",
    }
)  # fmt: skip


_CHECKING = frozenset({"dataclasses.dataclass", "functools.total_ordering", "enum.unique"})


class Definitions(Expressions):
    """Reads imports, functions and classes."""

    @abstractmethod
    def suite(self, suite: list[ast.stmt]) -> bool:
        """Note what the statements may raise, one after the other; whether control leaves before the end."""

    def importing(self, node: ast.Import | ast.ImportFrom) -> None:
        self.effects.raise_("ImportError")
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        level = node.level if isinstance(node, ast.ImportFrom) else 0
        for name in names:
            kind = self.thing(name) if not level else None
            if kind is None or is_symbol(kind):
                tail = ",".join(a.name for a in node.names) if isinstance(node, ast.ImportFrom) else ""
                self.effects.do(Act.IMPORT, f"{level}:{name}:{tail}", f"import {'.' * level}{name}", node.lineno)
            elif name.partition(".")[0] not in sys.stdlib_module_names:
                self.effects.assume(f"`import {name}` is taken to fail with ImportError only", node.lineno)
        self.bound |= flow.completes(node) or set()

    # -- definitions

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            setter = (
                isinstance(decorator, ast.Attribute)
                and decorator.attr in ("setter", "deleter", "getter")
                and isinstance(decorator.value, ast.Name)
                and decorator.value.id == node.name
                and self.scope.kind == "class"
            )
            if setter:
                self.effects.raise_("AttributeError", "NameError")
                self.effects.assume("`@{}` is taken to belong to a property", node.lineno, decorator)
            else:
                self._decorator(decorator, node.lineno)
        args = node.args
        for default in (*args.defaults, *args.kw_defaults):
            if default is not None:
                self.value(default)
        for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
            if arg is not None and arg.annotation is not None:
                self._annotation(arg.annotation)
        if node.returns is not None:
            self._annotation(node.returns)
        self.bound.add(node.name)

    def _decorator(self, node: ast.expr, line: int) -> None:
        dotted = self.dotted(node.func if isinstance(node, ast.Call) else node)
        if dotted not in PLAIN_DECORATORS:
            self.effects.leave_open(f"the decorator `@{written(node)}`", line)
        if isinstance(node, ast.Call):
            self.arguments(node)
            self.effects.raise_("TypeError", "AttributeError", "ValueError")
        if dotted in _CHECKING:
            self.effects.raise_("TypeError", "ValueError")

    def _annotation(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) or self.file.postponed:
            return
        if not isinstance(node, ast.Name) or self.annotated(node) is None:
            self.effects.raise_("NameError", "AttributeError", "TypeError")
            self.effects.assume("annotations are taken to be types", node.lineno)

    def define_class(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self._decorator(decorator, node.lineno)
        for base_class in node.bases:
            kind = self.value(base_class)
            if kind is None or is_symbol(kind) or not is_thing(kind):
                self.effects.leave_open(f"what the base class `{written(base_class)}` does", node.lineno)
            plain = kind is not None and (kind == "=object" or self.knowledge.is_exception(kind[1:]))
            if len(node.bases) > 1 or not plain:
                self.effects.raise_("TypeError")
            if not plain:
                self.effects.assume(f"the base class `{written(base_class)}` is taken to be a plain one", node.lineno)
        if node.keywords:
            self.effects.leave_open(f"the metaclass of `{node.name}`", node.lineno)
        scope = self.file.scopes.get(id(node))
        if scope is None:
            self.effects.leave_open(f"the class `{node.name}`", node.lineno)
        else:
            outside = self.scope, self.bound
            self.scope, self.bound = scope, set()
            self.suite(node.body)
            self.scope, self.bound = outside
            self._placed(node, scope)
        self.bound.add(node.name)

    def _placed(self, node: ast.ClassDef, scope: Scope) -> None:
        """What making the class does to the values that its body has bound."""
        for name, bindings in scope.bindings.items():
            if name in ("__slots__", "__classcell__", "__qualname__", "__doc__", "__hash__", "__match_args__"):
                self.effects.raise_("TypeError", "ValueError", "AttributeError")
            for each in bindings:
                kind = self.infer(each, scope, name).kind if each.how not in ("define", "declared") else "None"
                if kind is None or is_symbol(kind):
                    self.effects.raise_("RuntimeError")
                    self.effects.assume(f"`{name}` is taken to have no `__set_name__`", node.lineno)
