"""Follows the value of an expression through one file: names, attributes, defaults, arithmetic and text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import NamedTuple

from analysis.nodes import below
from analysis.values.bindings import Binding, FunctionNode, Scope
from analysis.values.terms import (
    Choice,
    Const,
    Env,
    Field,
    Key,
    Option,
    Parameter,
    Symbol,
    Term,
    Unknown,
    choice,
    join,
    replaced,
    total,
)

_DEPTH = 24
_STEPS = 1500
"""How many expressions one value may lead through: names that are bound in many places multiply."""
_TEXT = 80
_ENV_READERS = frozenset({"os.getenv", "getenv", "os.environ.get", "environ.get"})
_ENV_HELPER = re.compile(r"(?i)(?:^|_)env(?:iron)?(?:$|_)|^getenv")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+\Z")
_PLACE = re.compile(r"%(?:\((\w+)\))?[sdi]|\{(\w*)(?::[0-9]*d)?\}")
_SHELL = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_FIELDS = frozenset({"Field", "field", "pydantic.Field", "dataclasses.field", "attr.ib", "attrs.field"})
_GETTER = re.compile(r"get(?:_?int|_?str|_config|_value|_setting|_option)?\Z")
_SAME = frozenset({"int", "str", "typing.cast"})
"""Calls that give their (last) argument back, for what is asked here."""


class Stored(NamedTuple):
    """One assignment of an attribute: its value, where it stands, and whether it is added to what was there."""

    value: ast.expr
    scope: Scope
    line: int
    added: bool


class ClassValues:
    """What is known of a class: its scope, its bases as expressions, and what its methods assign on ``self``."""

    def __init__(self, node: ast.ClassDef, scope: Scope) -> None:
        self.node = node
        self.scope = scope
        self.stored: dict[str, list[Stored]] = {}


class Reader:
    """The values of one file. ``scopes`` are by the id of their node, ``classes`` and ``functions`` by qualified name."""

    def __init__(self, tree: ast.Module, text: bytes) -> None:
        self.module = Scope("module", "", tree, None)
        self.scopes: dict[int, Scope] = {id(tree): self.module}
        self.classes: dict[str, ClassValues] = {}
        self.functions: dict[str, Scope] = {}
        self._text = text
        self._options: dict[str, Term] | None = None
        self._active: set[tuple[int, str, int]] = set()
        self._depth = 0
        self._steps = 0

    # -- expressions

    def value(self, node: ast.expr | None, scope: Scope, line: int | None = None) -> Term:
        """What ``node`` comes to where it stands in ``scope``; ``line`` is where it runs, its own when not given."""
        if node is None:
            return Unknown("")
        if not self._depth:
            self._steps = 0
        self._steps += 1
        if self._depth > _DEPTH or self._steps > _STEPS:
            return Unknown(_source(node))
        self._depth += 1
        try:
            return self._value(node, scope, node.lineno if line is None else line)
        finally:
            self._depth -= 1

    def _value(self, node: ast.expr, scope: Scope, line: int) -> Term:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.JoinedStr():
                return join(
                    self.value(each.value, scope, line) if isinstance(each, ast.FormattedValue) else self.value(each, scope)
                    for each in node.values
                )
            case ast.Name():
                return self.name(node.id, scope, line, node)
            case ast.Attribute():
                return self._attribute(node, scope, line)
            case ast.BinOp():
                return self._operation(node, scope, line)
            case ast.BoolOp(op=ast.Or()):
                return choice(self._without_default([self.value(each, scope, line) for each in node.values]))
            case ast.IfExp():
                return choice((self.value(node.body, scope, line), self.value(node.orelse, scope, line)))
            case ast.Call():
                return self._call(node, scope, line)
            case ast.Subscript():
                return self._subscript(node, scope, line)
            case ast.Await() | ast.NamedExpr():
                return self.value(node.value, scope, line)
            case ast.UnaryOp(op=ast.USub()):
                value = self.value(node.operand, scope, line)
                return Const(-value.value) if isinstance(value, Const) and isinstance(value.value, int) else Unknown(_source(node))
        return Unknown(_source(node))

    def _constant(self, node: ast.Constant) -> Term:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, str)):
            return Unknown(_source(node))
        if isinstance(node.value, str) and "${" in node.value:
            return shell(node.value)
        return Const(node.value)

    @staticmethod
    def _without_default(options: list[Term]) -> Iterable[Term]:
        """The values of ``a or b or 5``: those that come to nothing give way to the last."""
        last = options[-1]
        for one in options[:-1]:
            match one:
                case Env(name, None):
                    yield Env(name, last)
                    return
                case Option(name, None):
                    yield Option(name, last)
                    return
                case Key(path, None):
                    yield Key(path, last)
                    return
                case Parameter(function, name, None):
                    yield Parameter(function, name, last)
                    return
                case Unknown():
                    continue
                case _:
                    yield one
        yield last

    def _operation(self, node: ast.BinOp, scope: Scope, line: int) -> Term:
        left = self.value(node.left, scope, line)
        if isinstance(node.op, ast.Mod) and isinstance(left, Const) and isinstance(left.value, str):
            values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
            return self._filled(left.value, [self.value(each, scope, line) for each in values], {})
        right = self.value(node.right, scope, line)
        if isinstance(node.op, ast.Add):
            if _is_text(left) or _is_text(right):
                return join((left, right))
            return total((left, right))
        if isinstance(left, Const) and isinstance(right, Const) and isinstance(left.value, int) and isinstance(right.value, int):
            if isinstance(node.op, ast.Sub):
                return Const(left.value - right.value)
            if isinstance(node.op, ast.Mult) and abs(left.value * right.value) < 1 << 32:
                return Const(left.value * right.value)
        if isinstance(node.op, ast.Sub) and isinstance(right, Const) and isinstance(right.value, int):
            return total((left, Const(-right.value)))
        return Unknown(_source(node))

    @staticmethod
    def _filled(template: str, values: list[Term], named: dict[str, Term]) -> Term:
        parts: list[Term] = []
        done = number = 0
        for place in _PLACE.finditer(template):
            parts.append(Const(template[done : place.start()]))
            done = place.end()
            key = place[1] or place[2] or ""
            if key.isdigit():
                key, number = "", int(key)
            if key:
                parts.append(named.get(key, Unknown(key)))
            else:
                parts.append(values[number] if number < len(values) else Unknown(place.group()))
                number += 1
        parts.append(Const(template[done:]))
        return join(parts)

    # -- names

    def name(self, name: str, scope: Scope, line: int | None, node: ast.expr | None = None) -> Term:
        """What ``name`` may stand for at ``line`` of ``scope``."""
        found: Scope | None = scope
        while found is not None:
            if name in found.bindings and (found is scope or found.kind != "class"):
                return self._bound(name, found, line if found is scope else None)
            found = found.outer
        return Unknown(name)

    def _bound(self, name: str, scope: Scope, line: int | None) -> Term:
        key = (id(scope.node), name, line or 0)
        if key in self._active:
            return Unknown(name)
        self._active.add(key)
        try:
            found = scope.at(name, line)
            values = [value for one in found if (value := self._binding(name, one, scope)) is not None]
            return choice(values) if values else Unknown(name)
        finally:
            self._active.discard(key)

    def _binding(self, name: str, one: Binding, scope: Scope) -> Term | None:
        """The value that one binding gives; None for one that gives nothing (``x = None``)."""
        node = one.node
        match one.how:
            case "value":
                assert isinstance(node, ast.expr)
                if isinstance(node, ast.Constant) and node.value in (None, "", 0, False):
                    return None
                return self.value(node, scope, one.line)
            case "added":
                assert isinstance(node, ast.expr)
                before = self._bound(name, scope, one.line)
                return self._added(before, self.value(node, scope, one.line))
            case "parameter":
                assert isinstance(node, ast.arg)
                return self._parameter(node, scope)
            case "element":
                assert isinstance(node, ast.expr)
                return choice(self._elements(node, scope, one.line))
            case "unpacked":
                assert isinstance(node, ast.expr)
                return self._unpacked(node, one, scope)
            case "import":
                return Symbol(f"0:{one.text}:")
            case "from":
                assert isinstance(node, ast.ImportFrom)
                return Symbol(f"{node.level}:{node.module or ''}:{one.text}")
            case "function" | "class":
                outer = f"{scope.qualname}." if scope.qualname else ""
                return Symbol(f"0::{outer}{name}")
        return Unknown(name)

    @staticmethod
    def _added(before: Term, more: Term) -> Term:
        if _is_text(before) or _is_text(more):
            return join((before, more))
        return total((before, more))

    def _parameter(self, arg: ast.arg, scope: Scope) -> Term:
        assert isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if scope.owner and arg is _first(scope.node):
            return Symbol(f"0::{scope.owner}")
        default = default_of(scope.node, arg)
        value = None
        outer = scope.outer or scope
        if default is not None and not (isinstance(default, ast.Constant) and default.value in (None, "", 0)):
            value = self.value(default, outer, scope.node.lineno)
        if value is None:
            value = self._command_option(scope.node, arg.arg, outer)
        return Parameter(scope.qualname, arg.arg, value)

    def _command_option(self, node: FunctionNode, name: str, scope: Scope) -> Term | None:
        """The default that a ``@click.option`` or ``@click.argument`` above the function gives the parameter."""
        for each in node.decorator_list:
            if isinstance(each, ast.Call) and dotted(each.func).rpartition(".")[2] in ("option", "argument"):
                names = [one.value for one in each.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                if name in {one.lstrip("-").replace("-", "_") for one in names}:
                    default = next((one.value for one in each.keywords if one.arg == "default"), None)
                    value = self.value(default, scope) if default is not None else None
                    return Option(max(names, key=len), value)
        return None

    def _elements(self, node: ast.expr, scope: Scope, line: int) -> list[Term]:
        """What a loop over ``node`` goes through, as far as it is written out."""
        display = self.display(node, scope, line)
        if isinstance(display, ast.Call) and dotted(display.func) == "range" and display.args:
            start = self.value(display.args[0], scope, line) if len(display.args) > 1 else Const(0)
            return [total((start, Unknown("0, 1, 2…")))]
        if isinstance(display, (ast.List, ast.Tuple, ast.Set)) and display.elts:
            return [self.value(each, scope, line) for each in display.elts]
        if isinstance(display, ast.Dict) and display.keys:
            return [self.value(each, scope, line) for each in display.keys if each is not None]
        return [Unknown(_source(node))]

    def _unpacked(self, node: ast.expr, one: Binding, scope: Scope) -> Term:
        if one.at < 0:
            return Unknown(_source(node))
        if one.text != "element":
            display = self.display(node, scope, one.line)
            if isinstance(display, (ast.List, ast.Tuple)) and one.at < len(display.elts):
                return self.value(display.elts[one.at], scope, one.line)
            return Unknown(_source(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "items":
            display = self.display(node.func.value, scope, one.line)
            if isinstance(display, ast.Dict) and display.keys:
                every = display.keys if one.at == 0 else display.values
                return choice(self.value(each, scope, one.line) for each in every if each is not None)
            return Unknown(_source(node))
        display = self.display(node, scope, one.line)
        if isinstance(display, (ast.List, ast.Tuple)) and display.elts:
            rows = [each for each in display.elts if isinstance(each, (ast.List, ast.Tuple))]
            if len(rows) == len(display.elts) and all(one.at < len(each.elts) for each in rows):
                return choice(self.value(each.elts[one.at], scope, one.line) for each in rows)
        return Unknown(_source(node))

    # -- attributes and displays

    def _attribute(self, node: ast.Attribute, scope: Scope, line: int) -> Term:
        owner = self.instance(node.value, scope)
        if owner is not None:
            return self.attribute(owner, node.attr, scope, line)
        base = node.value
        if isinstance(base, (ast.Name, ast.Call, ast.Attribute)):
            source = self._origin(base, scope, line)
            if isinstance(source, ast.Call):
                called = dotted(source.func)
                if called.rpartition(".")[2] in ("parse_args", "parse_known_args"):
                    return self.option(node.attr)
                made = self.value(source.func, scope, line)
                if isinstance(made, Symbol) and made.text.startswith("0::") and made.text[3:] in self.classes:
                    return self.attribute(made.text[3:], node.attr, None, None)
            value = self.value(base, scope, line)
            if isinstance(value, Symbol):
                if value.text.startswith("0::") and value.text[3:] in self.classes:
                    return self.attribute(value.text[3:], node.attr, None, None)
                joint = "" if value.text.endswith(":") else "."
                return Symbol(f"{value.text}{joint}{node.attr}")
        return Key(_source(node))

    def instance(self, node: ast.expr, scope: Scope) -> str | None:
        """The class whose ``self`` or ``cls`` an expression is."""
        found: Scope | None = scope
        while found is not None and not found.owner:
            found = found.outer
        if found is None or not isinstance(node, ast.Name):
            return None
        assert isinstance(found.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        first = _first(found.node)
        return found.owner if first is not None and first.arg == node.id and found.owner in self.classes else None

    def attribute(self, owner: str, name: str, scope: Scope | None, line: int | None) -> Term:
        """What the attribute ``name`` of an instance of ``owner`` may be, asked at ``line`` of ``scope``."""
        info = self.classes[owner]
        key = (id(info.node), name, -1 if scope is None else id(scope.node))
        if key in self._active:
            return Unknown(f"self.{name}")
        self._active.add(key)
        try:
            every = info.stored.get(name, [])
            # What this very method assigned just before is what it finds.
            near = [one for one in every if scope is not None and one.scope is scope and line is not None and one.line < line]
            if near and not near[-1].added and self._sure(near[-1], line):
                return self._stored(near[-1])
            values: list[Term] = []
            for one in every:
                if isinstance(one.value, ast.Constant) and one.value.value in (None, "", 0, False):
                    continue
                value = self._stored(one)
                if one.added:
                    value = choice(self._added(each, value) for each in values) if values else value
                values.append(value)
            if name in info.scope.bindings and not values:
                # An annotation alone binds nothing; a method is no value.
                values.append(self._bound(name, info.scope, None))
            return choice(values) if values else Field(owner, name)
        finally:
            self._active.discard(key)

    @staticmethod
    def _sure(one: Stored, line: int | None) -> bool:
        path, _ = one.scope._place(line)
        mine, _ = one.scope._place(one.line)
        return mine == path[: len(mine)]

    def _stored(self, one: Stored) -> Term:
        return self.value(one.value, one.scope, one.line)

    def _origin(self, node: ast.expr, scope: Scope, line: int, depth: int = 0) -> ast.expr | None:
        """The expression that a name or attribute of ``self`` was assigned, when there is one only."""
        if depth > 4:
            return None
        if isinstance(node, ast.Name):
            found: Scope | None = scope
            while found is not None and (node.id not in found.bindings or (found is not scope and found.kind == "class")):
                found = found.outer
            if found is None:
                return None
            every = found.at(node.id, line if found is scope else None)
            real = [
                one for one in every if not (isinstance(one.node, ast.Constant) and one.node.value is None)
            ]
            if len(real) == 1 and real[0].how in ("value", "unpacked", "context") and isinstance(real[0].node, ast.expr):
                return self._origin(real[0].node, found, real[0].line, depth + 1)
            return None
        if isinstance(node, ast.Attribute):
            owner = self.instance(node.value, scope)
            if owner is None:
                return node
            info = self.classes[owner]
            stored = [
                one
                for one in info.stored.get(node.attr, [])
                if not (isinstance(one.value, ast.Constant) and one.value.value is None)
            ]
            near = [one for one in stored if one.scope is scope and one.line < line]
            stored = near[-1:] or stored
            if not stored:
                bound = info.scope.at(node.attr, None)
                if len(bound) == 1 and bound[0].how == "value" and isinstance(bound[0].node, ast.expr):
                    return self._origin(bound[0].node, info.scope, bound[0].line, depth + 1)
                return None
            if len({ast.dump(one.value) for one in stored}) == 1:
                return self._origin(stored[0].value, stored[0].scope, stored[0].line, depth + 1)
            return None
        return node

    origin = _origin

    def display(self, node: ast.expr, scope: Scope, line: int) -> ast.expr | None:
        """The list, tuple, set or dict that an expression was assigned, where it is written out."""
        found = self._origin(node, scope, line)
        if isinstance(found, ast.Call) and dotted(found.func) in ("enumerate", "list", "tuple", "sorted", "set") and found.args:
            return self.display(found.args[0], scope, line) if dotted(found.func) != "enumerate" else None
        if isinstance(found, ast.Subscript) and isinstance(found.slice, ast.Constant):
            whole = self.display(found.value, scope, line)
            if isinstance(whole, ast.Dict):
                keys = [one.value if isinstance(one, ast.Constant) else None for one in whole.keys]
                if keys.count(found.slice.value) == 1 and None not in keys:
                    return whole.values[keys.index(found.slice.value)]
        return found

    def _subscript(self, node: ast.Subscript, scope: Scope, line: int) -> Term:
        key = self.value(node.slice, scope, line)
        if dotted(node.value) in ("os.environ", "environ") and isinstance(key, Const):
            return Env(str(key.value))
        return self._entry(node.value, key, None, scope, line, node)

    def _entry(self, base: ast.expr, key: Term, default: Term | None, scope: Scope, line: int, node: ast.expr) -> Term:
        display = self.display(base, scope, line)
        if isinstance(display, ast.Dict):
            pairs = [(self.value(each, scope, line), value) for each, value in zip(display.keys, display.values, strict=True) if each is not None]
            values = [value for each, value in pairs if each == key] if isinstance(key, Const) else []
            if values:
                return self.value(values[-1], scope, line)
            if not isinstance(key, Const) and pairs:
                return choice(self.value(value, scope, line) for _, value in pairs)
            if default is not None and len(pairs) == len(display.keys):
                return default
        if isinstance(display, (ast.List, ast.Tuple)) and isinstance(key, Const) and isinstance(key.value, int):
            if -len(display.elts) <= key.value < len(display.elts):
                return self.value(display.elts[key.value], scope, line)
        whole = self.value(base, scope, line) if isinstance(base, (ast.Name, ast.Attribute, ast.Subscript)) else None
        if isinstance(whole, Symbol) and isinstance(key, Const) and default is None:
            joint = "" if whole.text.endswith(":") else "."
            return Symbol(f"{whole.text}{joint}[{key.value}]")
        if isinstance(key, Const):
            return Key(f"{_source(base)}[{key.value!r}]", default)
        return Key(_source(node), default)

    # -- calls

    def _call(self, node: ast.Call, scope: Scope, line: int) -> Term:
        called = dotted(node.func)
        args = [each for each in node.args if not isinstance(each, ast.Starred)]
        last = called.rpartition(".")[2]
        if called in _SAME and args:
            return self._converted(self.value(args[-1], scope, line), number=called == "int")
        if called in _ENV_READERS or (
            args
            and _ENV_HELPER.search(last or "")
            and isinstance(args[0], ast.Constant)
            and isinstance(args[0].value, str)
            and _VARIABLE.match(args[0].value)
        ):
            return self._environment(node, args, scope, line)
        if called in _FIELDS:
            default = next((one.value for one in node.keywords if one.arg == "default"), args[0] if args else None)
            return self.value(default, scope, line) if default is not None else Unknown(_source(node))
        if called == "getattr" and len(args) > 1 and isinstance(args[1], ast.Constant) and isinstance(args[1].value, str):
            default = self._default(args[2], scope, line) if len(args) > 2 else None
            return self._got(args[0], args[1].value, default, scope, line)
        if isinstance(node.func, ast.Attribute):
            found = self._method(node, node.func, args, scope, line)
            if found is not None:
                return found
        target = self.value(node.func, scope, line) if isinstance(node.func, (ast.Name, ast.Attribute)) else None
        if isinstance(target, Symbol) and target.text.startswith("0::"):
            return self._result(target.text[3:], node, scope, line)
        if isinstance(target, Symbol):
            return Symbol(f"{target.text}()")
        return Unknown(_source(node))

    def _method(self, node: ast.Call, func: ast.Attribute, args: list[ast.expr], scope: Scope, line: int) -> Term | None:
        if func.attr == "format" and (isinstance(func.value, (ast.Constant, ast.Name, ast.Attribute))):
            template = self.value(func.value, scope, line)
            if isinstance(template, Const) and isinstance(template.value, str):
                named = {one.arg: self.value(one.value, scope, line) for one in node.keywords if one.arg}
                return self._filled(template.value, [self.value(each, scope, line) for each in args], named)
        if _GETTER.match(func.attr) and args and not self._of_file(func, scope):
            default = self._default(args[1], scope, line) if len(args) > 1 else None
            default = next((self._default(one.value, scope, line) for one in node.keywords if one.arg == "default"), default)
            return self._entry(func.value, self.value(args[0], scope, line), default, scope, line, node)
        if func.attr in ("strip", "rstrip", "lstrip", "lower") and not args:
            return self.value(func.value, scope, line)
        owner = self.instance(func.value, scope)
        if owner is not None and f"{owner}.{func.attr}" in self.functions:
            return self._result(f"{owner}.{func.attr}", node, scope, line)
        return None

    def _of_file(self, func: ast.Attribute, scope: Scope) -> bool:
        owner = self.instance(func.value, scope)
        return owner is not None and f"{owner}.{func.attr}" in self.functions

    def _default(self, node: ast.expr, scope: Scope, line: int) -> Term | None:
        if isinstance(node, ast.Constant) and node.value in (None, "", 0, False):
            return None
        return self.value(node, scope, line)

    def _got(self, base: ast.expr, name: str, default: Term | None, scope: Scope, line: int) -> Term:
        owner = self.instance(base, scope)
        if owner is not None:
            found = self.attribute(owner, name, scope, line)
            return found if not isinstance(found, Field) or default is None else choice((found, default))
        source = self._origin(base, scope, line)
        if isinstance(source, ast.Call) and dotted(source.func).rpartition(".")[2] in ("parse_args", "parse_known_args"):
            found = self.option(name)
            if not (isinstance(found, Option) and found.default is None):
                return found
            return Option(f"--{name.replace('_', '-')}", default)
        return Key(f"{_source(base)}.{name}", default)

    def _converted(self, value: Term, *, number: bool) -> Term:
        def change(term: Term) -> Term | None:
            if number and isinstance(term, Const) and isinstance(term.value, str):
                return Const(int(term.value)) if term.value.strip().isdecimal() else None
            return None

        return replaced(value, change) if number else value

    def _environment(self, node: ast.Call, args: list[ast.expr], scope: Scope, line: int) -> Term:
        name = self.value(args[0], scope, line) if args else Unknown("")
        default = args[1] if len(args) > 1 else next((one.value for one in node.keywords if one.arg == "default"), None)
        value = self._default(default, scope, line) if default is not None else None
        return Env(str(name.value), value) if isinstance(name, Const) else Key(_source(node), value)

    def _result(self, qualname: str, node: ast.Call, scope: Scope, line: int) -> Term:
        """What a function of this file gives back, with the arguments of the call in place of its parameters."""
        function = self.functions.get(qualname)
        if function is None or not function.returns or (id(function.node), "()", 0) in self._active:
            return Symbol(f"0::{qualname}()")
        self._active.add((id(function.node), "()", 0))
        try:
            given = choice(
                self.value(each, function)
                for each in function.returns
                if not (isinstance(each, ast.Constant) and each.value in (None, False))
            )
        finally:
            self._active.discard((id(function.node), "()", 0))
        assert isinstance(function.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        passed = arguments(function.node, node, bound=bool(function.owner))

        def change(term: Term) -> Term | None:
            if isinstance(term, Parameter) and term.function == qualname and term.name in passed:
                return self.value(passed[term.name], scope, line)
            return None

        return replaced(given, change)

    # -- the command line

    def option(self, dest: str) -> Term:
        """The option of ``argparse`` that fills the attribute ``dest``."""
        if self._options is None:
            self._options = {}
            if b"add_argument" in self._text:
                self._read_options(self._options)
        return self._options.get(dest, Option(f"--{dest.replace('_', '-')}"))

    def _read_options(self, found: dict[str, Term]) -> None:
        for node in below(self.module.node):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
                names = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                if not names:
                    continue
                long = max(names, key=lambda one: (one.startswith("--"), len(one)))
                given = {one.arg: one.value for one in node.keywords}
                dest = given.get("dest")
                name = dest.value if isinstance(dest, ast.Constant) and isinstance(dest.value, str) else long.lstrip("-")
                default = given.get("default")
                value = self._default(default, self.module, default.end_lineno or 0) if default is not None else None
                found[name.replace("-", "_")] = Option(long, self._converted(value, number=True) if value else None)


def shell(text: str) -> Term:
    """Text with ``${NAME}`` and ``${NAME:-default}`` in it, as YAML files and shells have it."""
    parts: list[Term] = []
    done = 0
    for place in _SHELL.finditer(text):
        parts.append(Const(text[done : place.start()]))
        parts.append(Env(place[1], Const(place[2]) if place[2] else None))
        done = place.end()
    parts.append(Const(text[done:]))
    return join(part for part in parts if part != Const(""))


def arguments(function: FunctionNode, call: ast.Call, *, bound: bool) -> dict[str, ast.expr]:
    """What ``call`` passes for which parameter, as far as that can be told; ``bound``: the first one is given."""
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    decorated = {dotted(one) for one in function.decorator_list}
    if bound and "staticmethod" not in decorated:
        names = names[1:]
    found: dict[str, ast.expr] = {}
    for name, value in zip(names, call.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        found[name] = value
    found.update((one.arg, one.value) for one in call.keywords if one.arg)
    return found


def default_of(function: FunctionNode, arg: ast.arg) -> ast.expr | None:
    """The default of a parameter."""
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    for one, default in zip(reversed(positional), reversed(args.defaults), strict=False):
        if one is arg:
            return default
    for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):  # type: ignore[assignment]
        if one is arg:
            return default
    return None


def dotted(node: ast.expr) -> str:
    """``a.b.c`` as text; empty for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    names.append(node.id)
    return ".".join(reversed(names))


def _first(function: FunctionNode) -> ast.arg | None:
    every = [*function.args.posonlyargs, *function.args.args]
    if not every or any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in function.decorator_list):
        return None
    return every[0]


def _is_text(term: Term) -> bool:
    match term:
        case Const(value):
            return isinstance(value, str)
        case Choice(options):
            return any(map(_is_text, options))
    return type(term).__name__ == "Join"


def _source(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"
