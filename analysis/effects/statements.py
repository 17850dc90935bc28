"""What running statements may raise, and what the handlers around them let through."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from analysis.effects import flow
from analysis.effects.definitions import Definitions
from analysis.effects.kinds import Kind, base, is_symbol, is_thing, parts
from analysis.effects.names import File
from analysis.effects.records import Act, Filter, Place, Region, Step
from analysis.effects.region import Effects, Opened, written
from analysis.effects.scopes import Scope
from analysis.nodes import below

_EVERYTHING = frozenset({"Exception", "BaseException"})


class Statements(Definitions):
    """Reads suites of statements into :class:`Effects`."""

    def __init__(self, file: File, *, strict: bool = False) -> None:
        super().__init__(file)
        self.strict = strict
        self.handled: list[tuple[str, ...] | None] = []

    def region(
        self, suite: list[ast.stmt], scope: Scope, bound: set[str], caught: list[str | None]
    ) -> tuple[Region, int]:
        """What ``suite`` may raise when it runs in ``scope``, and the line of a ``yield`` in it, or 0.

        ``bound``: the names already bound; ``caught``: what the handlers around it bind, innermost last.
        """
        self.scope, self.effects, self.bound = scope, Effects(strict=self.strict), bound
        self.local, self.caught = [], [(name, None) for name in caught]
        try:
            self.suite(suite)
        except Opened:
            pass
        except RecursionError:
            self.effects.open = Place("an expression that is nested too deep to follow", suite[0].lineno)
        return self.effects.record(), self.effects.yields

    def suite(self, suite: list[ast.stmt]) -> bool:
        """Note what the statements may raise, one after the other; whether control leaves before the end."""
        for node in suite:
            reader = _READERS.get(node.__class__)
            if reader is None:
                self.effects.leave_open(f"a statement of the kind {type(node).__name__}", node.lineno)
            elif reader(self, node):
                # What follows cannot run.
                return True
        return False

    def branch(self, suite: list[ast.stmt]) -> None:
        """A suite that may not run, or not to its end: what it binds is not bound afterwards."""
        if suite:
            bound = self.bound
            self.bound = set(bound)
            self.suite(suite)
            self.bound = bound

    # -- simple statements

    def nothing(self, node: ast.stmt) -> None:
        return

    def leaving(self, node: ast.stmt) -> bool:
        return True

    def expression(self, node: ast.Expr) -> None:
        if node.value.__class__ is not ast.Constant:
            self.value(node.value)

    def giving(self, node: ast.Return) -> bool:
        if node.value is not None:
            self.value(node.value)
        return True

    def assign(self, node: ast.Assign) -> None:
        kind = self.value(node.value)
        for each in node.targets:
            self.target(each, kind)

    def annotated_assign(self, node: ast.AnnAssign) -> None:
        if self.scope.kind != "function":
            self._annotation(node.annotation)
        if node.value is not None:
            self.target(node.target, self.value(node.value))

    def augmented(self, node: ast.AugAssign) -> None:
        read = ast.copy_location(_loaded(node.target), node.target)
        left = self.value(read)
        right = self.value(node.value)
        self.binary(node, left, right, node.value)
        if isinstance(node.target, (ast.Attribute, ast.Subscript)):
            self.target(node.target, None)

    def target(self, node: ast.expr, kind: Kind) -> None:
        """Note what assigning a value of ``kind`` to ``node`` may raise, and that names in it are bound now."""
        if isinstance(node, ast.Name):
            self.bound.add(node.id)
        elif isinstance(node, ast.Attribute):
            self._set(node)
        elif isinstance(node, ast.Subscript):
            self.store(node)
        elif isinstance(node, (ast.Tuple, ast.List)):
            self.unpack(node, kind)
            for each in node.elts:
                self.target(each, None)
        elif isinstance(node, ast.Starred):
            self.target(node.value, "list")

    def _set(self, node: ast.Attribute) -> None:
        kind = self.value(node.value)
        text = written(node)
        if kind is not None and is_symbol(kind) and not kind.endswith(":"):
            self.effects.do(Act.WRITE, f"{kind}.{node.attr}", text, node.lineno)
            return
        sets = None
        if kind is not None and not is_thing(kind):
            sets = [self.knowledge.sets(base(part), node.attr) for part in parts(kind)]
        if sets is not None and all(
            each is not None or part == "None" for each, part in zip(sets, parts(kind or ""), strict=True)
        ):
            for each in sets:
                self.effects.raise_(*(each if each is not None else ("AttributeError",)))
            return
        self.effects.raise_("AttributeError", "TypeError")
        self.effects.assume(f"`{text}` is taken to be a plain attribute", node.lineno)

    def delete(self, node: ast.Delete) -> None:
        for each in node.targets:
            if isinstance(each, ast.Name):
                # In a loop it may have been unbound the last time round.
                self.effects.raise_("NameError")
                self.bound.discard(each.id)
            elif isinstance(each, ast.Subscript):
                self.store(each, deletes=True)
            elif isinstance(each, ast.Attribute):
                self.value(each.value)
                self.effects.raise_("AttributeError")
                self.effects.assume("`{}` is taken to be a plain attribute", each.lineno, each)
            else:
                self.effects.leave_open("a `del` of several", node.lineno)

    def asserting(self, node: ast.Assert) -> None:
        self.truth(node.test)
        if node.msg is not None:
            self.value(node.msg)
        self.effects.raise_("AssertionError")

    # -- raising

    def raising(self, node: ast.Raise) -> bool:
        self._raise(node)
        return True

    def _raise(self, node: ast.Raise) -> None:
        if node.cause is not None and self.value(node.cause) not in ("None", "BaseException"):
            self.effects.raise_("TypeError")
            self.effects.assume("`{}` is taken to be an exception", node.lineno, node.cause)
        if node.exc is None:
            self._again(self.caught[-1][1] if self.caught else None, node)
            return
        if isinstance(node.exc, ast.Name):
            for name, again in reversed(self.caught):
                if name == node.exc.id:
                    # Another value may have been given to the name since.
                    self._again(None if self._rebound(name) else again, node)
                    return
        made = node.exc
        if isinstance(made, ast.Call):
            callee = made.func
            dotted = self.dotted(callee)
            kind = f"={dotted}" if dotted is not None else None
            if kind is None or not self.knowledge.is_exception(kind[1:]):
                kind = self.quietly(callee)
            self.value(made)
        else:
            kind = self.value(made)
            if kind is not None and is_symbol(kind):
                self.effects.do(Act.CALL, kind, written(made), node.lineno)
            elif kind is not None and kind[:1] == "=":
                self.picky(kind[1:])
                if "." in kind:
                    self.effects.raise_("TypeError")
        if kind is not None and kind[:1] == "=" and self.knowledge.is_exception(kind[1:]):
            self.effects.raise_(kind[1:])
        elif kind is not None and is_symbol(kind) and "()" not in kind and "@" not in kind:
            self.effects.raise_(kind)
        else:
            self.effects.leave_open(f"what `raise {written(node.exc)}` raises", node.lineno)

    def _rebound(self, name: str) -> bool:
        pattern = rb"(?<![\w.])%b\s*(?::[^=\n]*)?:?=(?!=)|\bfor\s[^\n:]*\b%b\b" % (name.encode(), name.encode())
        return re.search(pattern, self.file.data) is not None

    def _again(self, again: list[bool] | None, node: ast.Raise) -> None:
        if again is None:
            self.effects.leave_open("what the `raise` raises again", node.lineno)
        else:
            again[0] = True

    def quietly(self, node: ast.expr) -> Kind:
        """The type of an expression whose effects are noted elsewhere."""
        from analysis.effects.scopes import Binding

        return self.infer(Binding("value", node), self.scope, "").kind

    # -- compound statements

    def conditional(self, node: ast.If) -> bool:
        self.truth(node.test)
        before = self.bound
        self.bound = set(before)
        left = self.suite(node.body)
        after = self.bound
        self.bound = set(before)
        left_too = self.suite(node.orelse) if node.orelse else False
        if left:
            return left_too
        self.bound = after if left_too else after & self.bound
        return False

    def while_loop(self, node: ast.While) -> None:
        self.truth(node.test)
        self.branch(node.body)
        self.branch(node.orelse)

    def for_loop(self, node: ast.For) -> None:
        kind = self.iterate(self.value(node.iter), node.iter)
        bound = self.bound
        self.bound = set(bound)
        self.target(node.target, kind)
        self.suite(node.body)
        self.bound = bound
        self.branch(node.orelse)

    def async_for(self, node: ast.AsyncFor) -> None:
        self.effects.leave_open(f"the asynchronous loop over `{written(node.iter)}`", node.lineno)

    def entering(self, node: ast.With | ast.AsyncWith) -> bool:
        outside = self.effects.filters
        swallows = False
        for item in node.items:
            suppressed = self._suppressed(item.context_expr)
            if suppressed is not None:
                suppressed = tuple(filter(None, suppressed))
                self.effects.filters = (*self.effects.filters, (Step(suppressed, False),))
                swallows = True
                kind: Kind = "None"
            else:
                kind = self.value(item.context_expr)
                # No manager of the tables swallows an exception half way through the body.
                swallows = swallows or kind is None or is_thing(kind)
                kind = self.entered(
                    kind, written(item.context_expr), node.lineno, asynchronous=isinstance(node, ast.AsyncWith)
                )
            if item.optional_vars is not None:
                self.target(item.optional_vars, kind)
        if swallows:
            self.branch(node.body)
            left = False
        else:
            left = self.suite(node.body)
        self.effects.filters = outside
        return left

    def _suppressed(self, node: ast.expr) -> tuple[str, ...] | None:
        """The types that a ``contextlib.suppress(...)`` holds back."""
        if not isinstance(node, ast.Call) or self.dotted(node.func) != "contextlib.suppress" or node.keywords:
            return None
        return self._exceptions(node.args)

    def attempt(self, node: ast.Try | ast.TryStar) -> bool:
        steps: list[Step] = []
        everything = False
        entered = self.bound
        outside = self.effects.filters
        ends: list[set[str]] = []
        for handler in node.handlers:
            types = self.types(handler)
            if isinstance(node, ast.TryStar):
                self.effects.leave_open("the `except*`", node.lineno)
            again, left = self._handler(handler, entered)
            if again and "" in types:
                self.effects.leave_open("what an `except` clause of unknown types raises again", handler.lineno)
            types = tuple(each for each in types if each)
            if not left:
                ends.append(self.bound - {handler.name or ""})
            if not everything:
                steps.append(Step(types, again))
                everything = any(each in _EVERYTHING for each in types)
        self.bound = set(entered)
        left = self._body(node, tuple(steps), everything)
        self.effects.filters = outside
        if not left and not self.suite(node.orelse):
            ends.append(self.bound)
        if node.finalbody:
            self.bound = set(entered)
            if self.suite(node.finalbody):
                return True
            ends = [each | self.bound for each in ends]
        if not ends:
            return True
        self.bound = set.intersection(*ends)
        return False

    def _body(self, node: ast.Try | ast.TryStar, steps: Filter, everything: bool) -> bool:
        """The body under its handlers: only what they do not catch for good comes out."""
        if everything and not any(step.passes and _EVERYTHING.intersection(step.types) for step in steps):
            for step in steps:
                if step.passes:
                    self.effects.raise_(*step.types)
            self.effects.yields = self.effects.yields or self.file.yielded(node.body)
            bound = flow.completes_all(node.body)
            self.bound |= bound or set()
            return bound is None
        if steps:
            self.effects.filters = (*self.effects.filters, steps)
        return self.suite(node.body)

    def _handler(self, handler: ast.ExceptHandler, entered: set[str]) -> tuple[bool, bool]:
        """Whether the handler raises what it caught again, and whether its end is never reached."""
        again = [False]
        self.caught.append((handler.name, again))
        self.bound = entered | ({handler.name} if handler.name else set())
        left = self.suite(handler.body)
        self.caught.pop()
        return again[0], left

    def types(self, handler: ast.ExceptHandler) -> tuple[str, ...]:
        """What an ``except`` clause names: public names, symbols, "" for others; noting what naming them may raise."""
        if handler.type is None:
            return ("BaseException",)
        written_types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        return self._exceptions(written_types)

    def _exceptions(self, nodes: list[ast.expr]) -> tuple[str, ...]:
        """What is named as the types to hold back, noting what comes of those that are no exceptions."""
        found: list[str] = []
        for each in nodes:
            known = named(self.value(each))
            if not known or not (is_symbol(known) or self.knowledge.is_exception(known)):
                self.effects.raise_("TypeError")
                self.effects.assume("`{}` is taken to be an exception", each.lineno, each)
            found.append(known)
        return tuple(found)

    def matching(self, node: ast.Match) -> None:
        self.value(node.subject)
        self.effects.raise_("TypeError", "AttributeError", "NameError")
        self.effects.assume("`{}` is taken to match without error", node.lineno, node.subject)
        for case in node.cases:
            if case.guard is not None:
                self.truth(case.guard)
            bound = self.bound
            self.bound = set(bound)
            for pattern in below(case.pattern):
                for field in ("name", "rest"):
                    name = getattr(pattern, field, None)
                    if isinstance(name, str):
                        self.bound.add(name)
            self.suite(case.body)
            self.bound = bound


def named(kind: Kind) -> str:
    """The exception that a thing or symbol names, "" when it names none."""
    if kind is None:
        return ""
    if kind[:1] == "=":
        return kind[1:]
    return kind if is_symbol(kind) and "()" not in kind else ""


def _loaded(node: ast.expr) -> ast.expr:
    match node:
        case ast.Attribute():
            return ast.Attribute(node.value, node.attr, ast.Load(), lineno=node.lineno, col_offset=node.col_offset)
        case ast.Subscript():
            return ast.Subscript(node.value, node.slice, ast.Load(), lineno=node.lineno, col_offset=node.col_offset)
        case ast.Name():
            return ast.Name(node.id, ast.Load(), lineno=node.lineno, col_offset=node.col_offset)
    return node


_READERS: dict[type[ast.AST], Callable[[Any, Any], bool | None]] = {
    ast.Expr: Statements.expression,
    ast.Assign: Statements.assign,
    ast.If: Statements.conditional,
    ast.Return: Statements.giving,
    ast.For: Statements.for_loop,
    ast.Try: Statements.attempt,
    ast.TryStar: Statements.attempt,
    ast.With: Statements.entering,
    ast.AsyncWith: Statements.entering,
    ast.AsyncFor: Statements.async_for,
    ast.While: Statements.while_loop,
    ast.AugAssign: Statements.augmented,
    ast.AnnAssign: Statements.annotated_assign,
    ast.Raise: Statements.raising,
    ast.Import: Statements.importing,
    ast.ImportFrom: Statements.importing,
    ast.FunctionDef: Statements.define,
    ast.AsyncFunctionDef: Statements.define,
    ast.ClassDef: Statements.define_class,
    ast.Match: Statements.matching,
    ast.Assert: Statements.asserting,
    ast.Delete: Statements.delete,
    ast.Pass: Statements.nothing,
    ast.Break: Statements.leaving,
    ast.Continue: Statements.leaving,
    ast.Global: Statements.nothing,
    ast.Nonlocal: Statements.nothing,
}
