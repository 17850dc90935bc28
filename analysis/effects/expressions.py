"""What evaluating an expression may raise."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from analysis.effects.arguments import NO_ARGUMENTS, Given
from analysis.effects.builtin import Builtins
from analysis.effects.flow import leaves
from analysis.effects.kinds import SCALARS, Kind, base, held, is_symbol, is_thing, join, lacks, parts, settled, split
from analysis.effects.names import taken
from analysis.effects.records import Act
from analysis.effects.region import extend, written
from analysis.effects.scopes import Binding, Known

_CONSTANTS = {str: "str", bytes: "bytes", float: "float", bool: "bool", type(None): "None", complex: "complex"}
_HOLDING = frozenset({"list", "tuple", "set", "frozenset", "view", "collections.deque"})


class Expressions(Builtins):
    """Reads expressions of every kind."""

    def value(self, node: ast.expr) -> Kind:
        kind = node.__class__
        if kind is ast.Constant:
            value = node.value  # type: ignore[attr-defined]
            if value.__class__ is int:
                return "size" if -(2**63) <= value < 2**64 else "int"
            return _CONSTANTS.get(value.__class__)
        reader = _READERS.get(kind)
        if reader is None:
            self.effects.leave_open(f"an expression of the kind {type(node).__name__}", node.lineno)
            return None
        return reader(self, node)

    # -- displays

    def joined(self, node: ast.JoinedStr) -> Kind:
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                self.formatted(each)
        return "str"

    def sequence(self, node: ast.List | ast.Set | ast.Tuple) -> Kind:
        name = {ast.List: "list", ast.Set: "set", ast.Tuple: "tuple"}[type(node)]
        members: list[Kind] = []
        starred = False
        for each in node.elts:
            if isinstance(each, ast.Starred):
                members.append(self.spread(self.value(each.value), each.value))
                starred = True
                if name == "set":
                    self.hashed(members[-1], each.value)
            else:
                members.append(self.value(each))
                if name == "set":
                    self.hashed(members[-1], each)
        if name == "tuple":
            if starred or not members or any(each is not None and is_thing(each) for each in members):
                return "tuple" if members else "tuple[None]"
            return f"tuple[{','.join(each or '?' for each in members)}{',' if len(members) == 1 else ''}]"
        if not members:
            return f"{name}[None]"
        inner = self.either(members)
        return name if inner is None or is_thing(inner) else f"{name}[{inner}]"

    def mapping(self, node: ast.Dict) -> Kind:
        inner: list[Kind] = []
        textual = True
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                kind = self.value(value)
                if kind is None or any(base(part) != "dict" for part in parts(kind)):
                    self.effects.raise_("TypeError")
                    self.effects.assume("`{}` is taken to be a dict", value.lineno, value)
                inner.append(None)
                continue
            kind = self.value(key)
            if not isinstance(key, ast.Constant):
                self.hashed(kind, key)
            textual = textual and kind in SCALARS
            inner.append(self.value(value))
        if not inner:
            return "dict[None]"
        both = self.either(inner) if textual else None
        return "dict" if both is None or is_thing(both) else f"dict[{both}]"

    # -- choices

    def boolean(self, node: ast.BoolOp) -> Kind:
        kinds: list[Kind] = []
        bound = None
        for each in node.values[:-1]:
            kind = self.value(each)
            kinds.append(kind)
            if bound is None and self.scope.walrus:
                bound = set(self.bound)
            if kind is None or is_symbol(kind):
                self.effects.assume("the truth of `{}` is taken to be well defined", each.lineno, each)
        kinds.append(self.value(node.values[-1]))
        if bound is not None:
            self.bound = bound
        return self.either(kinds)

    def choice(self, node: ast.IfExp) -> Kind:
        self.truth(node.test)
        bound = set(self.bound) if self.scope.walrus else None
        kind = join(self.value(node.body), self.value(node.orelse))
        if bound is not None:
            self.bound = bound
        return kind

    def walrus(self, node: ast.NamedExpr) -> Kind:
        kind = self.value(node.value)
        self.bound.add(node.target.id)
        return kind

    # -- operators

    def binop(self, node: ast.BinOp) -> Kind:
        left = self.value(node.left)
        return self.binary(node, left, self.value(node.right), node.right)

    # -- loops

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> Kind:
        depth = 0
        bound = set(self.bound)
        called = len(self.effects.pending)
        for each in node.generators:
            if each.is_async:
                self.effects.leave_open(f"the asynchronous loop over {self.said(each.iter)}", node.lineno)
            kind = self.iterate(self.value(each.iter), each.iter)
            level: dict[str, Kind] = {}
            self.local.append(level)
            depth += 1
            self._loop_variable(each.target, kind, level)
            for test in each.ifs:
                self.truth(test)
        if isinstance(node, ast.DictComp):
            key = self.value(node.key)
            self.hashed(key, node.key)
            inner = self.value(node.value)
            if key not in SCALARS:
                inner = None
        else:
            inner = self.value(node.elt)
            if isinstance(node, ast.SetComp):
                self.hashed(inner, node.elt)
        del self.local[-depth:]
        self.bound = bound
        if isinstance(node, ast.GeneratorExp) and len(self.effects.pending) > called:
            self.effects.raise_("RuntimeError")  # what a StopIteration from inside becomes
        name = {ast.ListComp: "list", ast.SetComp: "set", ast.DictComp: "dict", ast.GeneratorExp: "iterator"}[
            type(node)
        ]
        return name if inner is None or is_thing(inner) else f"{name}[{inner}]"

    def _loop_variable(self, node: ast.expr, kind: Kind, level: dict[str, Kind]) -> None:
        if isinstance(node, ast.Name):
            level[node.id] = settled(kind) if kind is not None and not is_symbol(kind) else None
        elif isinstance(node, (ast.Tuple, ast.List)):
            self.unpack(node, kind)
            for at, each in enumerate(node.elts):
                self._loop_variable(each, taken(kind, at) if not isinstance(each, ast.Starred) else None, level)
        elif isinstance(node, ast.Starred):
            self._loop_variable(node.value, None, level)

    def unpack(self, node: ast.Tuple | ast.List, kind: Kind) -> None:
        """Note what taking a value of ``kind`` apart into the targets of ``node`` may raise."""
        for part in parts(kind) if kind is not None and not is_thing(kind) else ("?",):
            if part.startswith("tuple["):
                members = split(held(part) or "")
                count = len(members) - (members[-1] == "")
                if count == len(node.elts) and not any(isinstance(each, ast.Starred) for each in node.elts):
                    continue
            self.effects.raise_("ValueError")
            name = base(part)
            if name in ("None", "int", "size", "float", "bool", "complex") or part == "?":
                self.effects.raise_("TypeError")
            if part == "?":
                self.effects.assume("what is unpacked is taken to be of a built-in type", node.lineno)
            elif name not in _HOLDING and name not in SCALARS and name != "dict":
                self.iterate(part, node)

    def spread(self, kind: Kind, node: ast.AST) -> Kind:
        """Note what putting all elements into a container at once may raise: its size has to fit."""
        if kind is not None and not is_thing(kind) and any(part.startswith("range") for part in parts(kind)):
            self.effects.raise_("OverflowError")
        return self.iterate(kind, node)

    def iterate(self, kind: Kind, node: ast.AST) -> Kind:
        line = getattr(node, "lineno", 0)
        text = written(node) if isinstance(node, ast.expr) else "a value"
        if kind is None or is_thing(kind):
            self.effects.raise_("TypeError")
            if kind is not None and is_symbol(kind) and isinstance(node, ast.Call) and kind.endswith("()"):
                self.effects.do(Act.ITERATE, kind[:-2], text, line)
                return None
            self.effects.assume(f"`{text}` is taken to be iterable without error", line)
            return None
        found: list[Kind] = []
        for part in parts(kind):
            name = base(part)
            if name in ("dict", "set"):
                self.effects.raise_("RuntimeError")
                found.append("str" if part == "dict[json]" else held(part) if name == "set" else None)
            elif name == "view":
                self.effects.raise_("RuntimeError")
                found.append(held(part))
            elif name in ("list", "frozenset"):
                found.append(held(part))
            elif name == "tuple":
                found.append(self._members(part))
            elif name in ("str", "bytes"):
                found.append("str" if name == "str" else "size")
            else:
                entry = self.knowledge.method(name, "__iter__")
                if entry is None:
                    self.absent(part, "__iter__", node)
                    if not lacks(name, "__iter__"):
                        found.append(None)
                else:
                    found.append(self.apply(entry, text, NO_ARGUMENTS, part))
        return self.either(found)

    def _members(self, part: str) -> Kind:
        inner = held(part)
        if inner is None:
            return None
        return self.either([each if each != "?" else None for each in split(inner) if each])

    # -- waiting

    def awaiting(self, node: ast.Await) -> Kind:
        if isinstance(node.value, ast.Call):
            return self.call(node.value, awaited=True)
        self.value(node.value)
        self.effects.leave_open(f"what `await {written(node.value)}` waits for", node.lineno)
        return None

    def yielding(self, node: ast.Yield | ast.YieldFrom) -> Kind:
        if node.value is not None:
            self.value(node.value)
        if isinstance(node, ast.YieldFrom):
            self.effects.leave_open(f"what `yield from {written(node.value)}` runs", node.lineno)
        self.effects.yields = self.effects.yields or node.lineno
        return None

    def entered(self, kind: Kind, text: str, line: int, *, asynchronous: bool) -> Kind:
        enter, leave = ("__aenter__", "__aexit__") if asynchronous else ("__enter__", "__exit__")
        if kind is None or kind[:1] == "=":
            self.effects.leave_open(f"what `with {text}` does", line)
            return None
        if is_symbol(kind):
            self.effects.do(Act.AWAIT if asynchronous else Act.CALL, extend(kind, enter), f"with {text}", line)
            self.effects.do(
                Act.AWAIT if asynchronous else Act.CALL, extend(kind, leave), f"with {text}", line, args=3, plain=False
            )
            return None
        found: list[Kind] = []
        for part in parts(kind):
            first, last = (self.knowledge.method(base(part), each) for each in (enter, leave))
            if first is None or last is None:
                if not lacks(base(part), enter):
                    self.effects.leave_open(f"what `with {text}` does", line)
                self.effects.raise_("TypeError", "AttributeError")
                continue
            found.append(self.apply(first, text, Given((), (), {}, False, line, ()), part, awaited=first.awaits))
            self.effects.raise_(*last.raises)
        return self.either(found)

    # -- what runs later

    def later(self, node: ast.Lambda) -> Kind:
        for each in (*node.args.defaults, *node.args.kw_defaults):
            if each is not None:
                self.value(each)
        return None

    def slices(self, node: ast.Slice) -> Kind:
        for each in (node.lower, node.upper, node.step):
            if each is not None:
                self.value(each)
        return None

    # -- what functions of this file give

    def result(self, path: str) -> Known:
        cached = self.file.gives.get(path)
        if cached is not None:
            return cached
        self.file.gives[path] = Known(None)
        functions = self.file.functions.get(path, [])
        if len(functions) == 1 and not functions[0][0].decorator_list and isinstance(functions[0][0], ast.FunctionDef):
            node, scope = functions[0]
            if not self.file.yielded(node.body):
                bindings = [Binding("value" if each is not None else "none", each) for each in scope.returns]
                if not leaves(node.body):
                    bindings.append(Binding("none", None))
                found = self._joined(bindings, scope, "")
                if found.kind is None or not is_thing(found.kind):
                    self.file.gives[path] = found
        return self.file.gives[path]


_READERS: dict[type[ast.AST], Callable[[Any, Any], Kind]] = {
    ast.Name: Expressions.name,
    ast.Attribute: Expressions.attribute,
    ast.Call: Expressions.call,
    ast.JoinedStr: Expressions.joined,
    ast.Subscript: Expressions.subscript,
    ast.Dict: Expressions.mapping,
    ast.List: Expressions.sequence,
    ast.Tuple: Expressions.sequence,
    ast.Set: Expressions.sequence,
    ast.Compare: Expressions.compare,
    ast.BoolOp: Expressions.boolean,
    ast.IfExp: Expressions.choice,
    ast.BinOp: Expressions.binop,
    ast.UnaryOp: Expressions.unary,
    ast.ListComp: Expressions.comprehension,
    ast.SetComp: Expressions.comprehension,
    ast.DictComp: Expressions.comprehension,
    ast.GeneratorExp: Expressions.comprehension,
    ast.Await: Expressions.awaiting,
    ast.Yield: Expressions.yielding,
    ast.YieldFrom: Expressions.yielding,
    ast.Lambda: Expressions.later,
    ast.NamedExpr: Expressions.walrus,
    ast.Slice: Expressions.slices,
}
