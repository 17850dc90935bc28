"""Follows the value of an expression through one file: names, attributes, defaults, arithmetic and text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from analysis.values.bindings import Scope
from analysis.values.names import STEPS, Names
from analysis.values.syntax import arguments, converted, default_of, dotted, is_text, shell, shown
from analysis.values.terms import (
    Call,
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
    looked_up,
    replaced,
    total,
)

_DEPTH = 24
_ENV_READERS = frozenset({"os.getenv", "getenv", "os.environ.get", "environ.get"})
_ENV_HELPER = re.compile(r"(?i)(?:^|_)env(?:iron)?(?:$|_)|^getenv")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+\Z")
_PLACE = re.compile(r"%(?:\((\w+)\))?[sdi]|\{(\w*)(?::[0-9]*d)?\}")
_FIELDS = frozenset({"Field", "field", "pydantic.Field", "dataclasses.field", "attr.ib", "attrs.field"})
_ARGUMENTS = 6
_GETTER = re.compile(r"get(?:_?int|_?str|_config|_value|_setting|_option)?\Z")
_SAME = frozenset({"int", "str", "typing.cast"})
"""Calls that give their (last) argument back, for what is asked here."""


class Reader(Names):
    """The values of one file."""

    # -- expressions

    def value(self, node: ast.expr | None, scope: Scope, line: int | None = None) -> Term:
        """What ``node`` comes to where it stands in ``scope``; ``line`` is where it runs, else its own."""
        if node is None:
            return Unknown("")
        if not self._depth:
            self._steps = 0
        self._steps += 1
        if self._depth > _DEPTH or self._steps > STEPS:
            return Unknown(shown(node))
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
                    self.value(each.value, scope, line)
                    if isinstance(each, ast.FormattedValue)
                    else self.value(each, scope)
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
                taken = self._never_none(node, scope)
                if taken is not None:
                    return self.value(taken, scope, line)
                return choice((self.value(node.body, scope, line), self.value(node.orelse, scope, line)))
            case ast.Call():
                return self._call(node, scope, line)
            case ast.Subscript():
                return self._subscript(node, scope, line)
            case ast.Await() | ast.NamedExpr():
                return self.value(node.value, scope, line)
            case ast.UnaryOp(op=ast.USub()):
                value = self.value(node.operand, scope, line)
                return (
                    Const(-value.value)
                    if isinstance(value, Const) and isinstance(value.value, int)
                    else Unknown(shown(node))
                )
        return Unknown(shown(node))

    def _never_none(self, node: ast.IfExp, scope: Scope) -> ast.expr | None:
        """The branch that ``x if x is not None else y`` takes for a parameter whose default is a value."""
        match node.test:
            case ast.Compare(
                left=ast.Name(id=name), ops=[ast.IsNot() | ast.Is() as how], comparators=[ast.Constant(None)]
            ):
                taken = node.body if isinstance(how, ast.IsNot) else node.orelse
            case _:
                return None
        bound = scope.bindings.get(name, ())
        if (
            len(bound) != 1
            or not isinstance(bound[0].node, ast.arg)
            or not isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ):
            return None
        default = default_of(scope.node, bound[0].node)
        term = self.default(default, scope.outer or scope, scope.node.lineno) if default is not None else None
        known = isinstance(term, Const) or (term is not None and looked_up(term) is not None)
        return taken if known and isinstance(taken, ast.Name) and taken.id == name else None

    def _constant(self, node: ast.Constant) -> Term:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, str)):
            return Unknown(shown(node))
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
            if is_text(left) or is_text(right):
                return join((left, right))
            return total((left, right))
        if (
            isinstance(left, Const)
            and isinstance(right, Const)
            and isinstance(left.value, int)
            and isinstance(right.value, int)
        ):
            if isinstance(node.op, ast.Sub):
                return Const(left.value - right.value)
            if isinstance(node.op, ast.Mult) and abs(left.value * right.value) < 1 << 32:
                return Const(left.value * right.value)
        if isinstance(node.op, ast.Sub) and isinstance(right, Const) and isinstance(right.value, int):
            return total((left, Const(-right.value)))
        return Unknown(shown(node))

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

    # -- attributes and displays

    def _attribute(self, node: ast.Attribute, scope: Scope, line: int) -> Term:
        owner = self.instance(node.value, scope)
        if owner is not None:
            return self.attribute(owner, node.attr, scope, line)
        base = node.value
        if isinstance(base, (ast.Name, ast.Call, ast.Attribute)):
            source = self.origin(base, scope, line)
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
        return Key(shown(node))

    def _subscript(self, node: ast.Subscript, scope: Scope, line: int) -> Term:
        key = self.value(node.slice, scope, line)
        if dotted(node.value) in ("os.environ", "environ") and isinstance(key, Const):
            return Env(str(key.value))
        return self._entry(node.value, key, None, scope, line, node)

    def _entry(self, base: ast.expr, key: Term, default: Term | None, scope: Scope, line: int, node: ast.expr) -> Term:
        """What ``base[key]`` or ``base.get(key, default)`` gives."""
        otherwise = Key(f"{shown(base)}[{key.value!r}]" if isinstance(key, Const) else shown(node), default)
        if isinstance(base, ast.Name) and isinstance(key, Const):
            keywords = self.keywords_of(base.id, scope)
            if keywords:
                return Parameter(keywords, str(key.value), default)
        found = self._written(base, key, default, scope, line)
        if found is not None:
            # Somebody may have put another value there since.
            return choice((found, otherwise)) if dotted(base) in self.changed else found
        whole = self.value(base, scope, line) if isinstance(base, (ast.Name, ast.Attribute, ast.Subscript)) else None
        if isinstance(whole, Symbol) and isinstance(key, Const) and default is None:
            joint = "" if whole.text.endswith(":") else "."
            return Symbol(f"{whole.text}{joint}[{key.value}]")
        return otherwise

    def _written(self, base: ast.expr, key: Term, default: Term | None, scope: Scope, line: int) -> Term | None:
        """The entry of a dict or list that is written out in this file; None where there is none."""
        display = self.display(base, scope, line)
        if isinstance(display, ast.Dict):
            pairs = [
                (self.value(each, scope, line), value)
                for each, value in zip(display.keys, display.values, strict=True)
                if each is not None
            ]
            if not isinstance(key, Const):
                return choice(self.value(value, scope, line) for _, value in pairs) if pairs else None
            values = [value for each, value in pairs if each == key]
            if values:
                return self.value(values[-1], scope, line)
            return default if len(pairs) == len(display.keys) else None
        rows = self.rows(base, scope, line) if isinstance(base, ast.Name) and isinstance(key, Const) else []
        if rows:
            return choice(self._of_row(row, key, default, scope, line) for row in rows)
        if isinstance(display, (ast.List, ast.Tuple)) and isinstance(key, Const) and isinstance(key.value, int):
            elements = display.elts
            if -len(elements) <= key.value < len(elements):
                return self.value(elements[key.value], scope, line)
        return None

    def _of_row(self, row: ast.Dict, key: Term, default: Term | None, scope: Scope, line: int) -> Term:
        for each, value in zip(row.keys, row.values, strict=True):
            if isinstance(each, ast.Constant) and isinstance(key, Const) and each.value == key.value:
                return self.value(value, scope, line)
        return default if default is not None else Unknown(shown(row))

    # -- calls

    def _call(self, node: ast.Call, scope: Scope, line: int) -> Term:
        called = dotted(node.func)
        args = [each for each in node.args if not isinstance(each, ast.Starred)]
        last = called.rpartition(".")[2]
        if called in _SAME and args:
            return converted(self.value(args[-1], scope, line), number=called == "int")
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
            return self.value(default, scope, line) if default is not None else Unknown(shown(node))
        if (
            called == "getattr"
            and len(args) > 1
            and isinstance(args[1], ast.Constant)
            and isinstance(args[1].value, str)
        ):
            otherwise = self.default(args[2], scope, line) if len(args) > 2 else None
            return self._got(args[0], args[1].value, otherwise, scope, line)
        if isinstance(node.func, ast.Attribute):
            found = self._method(node, node.func, args, scope, line)
            if found is not None:
                return found
        target = self.value(node.func, scope, line) if isinstance(node.func, (ast.Name, ast.Attribute)) else None
        if isinstance(target, Symbol) and target.text.startswith("0::"):
            return self._result(target.text[3:], node, scope, line)
        if isinstance(target, Symbol):
            values = self._arguments(node, scope, line)
            return Call(target.text, values) if values else Symbol(f"{target.text}()")
        return Unknown(shown(node))

    def _arguments(self, node: ast.Call, scope: Scope, line: int) -> tuple[tuple[int | str, Term], ...]:
        """The arguments of a call, none when there are too many to be about a port."""
        if len(node.args) + len(node.keywords) > _ARGUMENTS or any(isinstance(one, ast.Starred) for one in node.args):
            return ()
        given: list[tuple[int | str, Term]] = [(at, self.value(one, scope, line)) for at, one in enumerate(node.args)]
        given += [(one.arg, self.value(one.value, scope, line)) for one in node.keywords if one.arg]
        return tuple(given)

    def _method(
        self, node: ast.Call, func: ast.Attribute, args: list[ast.expr], scope: Scope, line: int
    ) -> Term | None:
        if func.attr == "format" and (isinstance(func.value, (ast.Constant, ast.Name, ast.Attribute))):
            template = self.value(func.value, scope, line)
            if isinstance(template, Const) and isinstance(template.value, str):
                named = {one.arg: self.value(one.value, scope, line) for one in node.keywords if one.arg}
                return self._filled(template.value, [self.value(each, scope, line) for each in args], named)
        if _GETTER.match(func.attr) and args and not self._of_file(func, scope):
            default = self.default(args[1], scope, line) if len(args) > 1 else None
            default = next(
                (self.default(one.value, scope, line) for one in node.keywords if one.arg == "default"), default
            )
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

    def _got(self, base: ast.expr, name: str, default: Term | None, scope: Scope, line: int) -> Term:
        owner = self.instance(base, scope)
        if owner is not None:
            found = self.attribute(owner, name, scope, line)
            return found if not isinstance(found, Field) or default is None else choice((found, default))
        source = self.origin(base, scope, line)
        if isinstance(source, ast.Call) and dotted(source.func).rpartition(".")[2] in (
            "parse_args",
            "parse_known_args",
        ):
            found = self.option(name)
            if not (isinstance(found, Option) and found.default is None):
                return found
            return Option(f"--{name.replace('_', '-')}", default)
        return Key(f"{shown(base)}.{name}", default)

    def _environment(self, node: ast.Call, args: list[ast.expr], scope: Scope, line: int) -> Term:
        name = self.value(args[0], scope, line) if args else Unknown("")
        default = args[1] if len(args) > 1 else next((one.value for one in node.keywords if one.arg == "default"), None)
        value = self.default(default, scope, line) if default is not None else None
        return Env(str(name.value), value) if isinstance(name, Const) else Key(shown(node), value)

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
