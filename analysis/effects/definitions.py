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

PLAIN_DECORATORS = frozenset(
    {
        "staticmethod", "classmethod", "property", "abc.abstractmethod", "typing.override", "typing.overload",
        "typing.final", "functools.wraps", "functools.cached_property",
        "dataclasses.dataclass", "functools.total_ordering", "enum.unique",
    }
)  # fmt: skip


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
            dotted = self.dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
            setter = isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "deleter", "getter")
            if dotted not in PLAIN_DECORATORS and not setter:
                self.effects.leave_open(f"the decorator `@{written(decorator)}`", node.lineno)
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

    def _annotation(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) or self.file.postponed:
            return
        if not isinstance(node, ast.Name) or self.annotated(node) is None:
            self.effects.raise_("NameError", "AttributeError", "TypeError")
            self.effects.assume("annotations are taken to be types", node.lineno)

    def define_class(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            dotted = self.dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if dotted not in PLAIN_DECORATORS:
                self.effects.leave_open(f"the decorator `@{written(decorator)}`", node.lineno)
        for base_class in node.bases:
            kind = self.value(base_class)
            if kind is None or is_symbol(kind) or not is_thing(kind):
                self.effects.leave_open(f"what the base class `{written(base_class)}` does", node.lineno)
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
        self.bound.add(node.name)
