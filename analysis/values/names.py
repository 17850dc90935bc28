"""Names and attributes of one file: what they may have been given by the time they are asked for."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from typing import NamedTuple

from analysis.nodes import below
from analysis.values.bindings import Binding, FunctionNode, Scope
from analysis.values.syntax import converted, default_of, dotted, first_parameter, is_text, shown
from analysis.values.terms import Const, Field, Option, Parameter, Symbol, Term, Unknown, choice, join, total

STEPS = 1500
"""How many expressions and names one value may lead through: those that are bound in many places multiply."""


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


class Names(ABC):
    """The names of one file. ``scopes`` are by the id of their node, ``classes`` and ``functions`` by their name."""

    def __init__(self, tree: ast.Module, text: bytes) -> None:
        self.module = Scope("module", "", tree, None)
        self.scopes: dict[int, Scope] = {id(tree): self.module}
        self.classes: dict[str, ClassValues] = {}
        self.functions: dict[str, Scope] = {}
        self.changed: set[str] = set()
        """The dicts and lists, as they are named, that are changed after they were written out."""
        self._text = text
        self._options: dict[str, Term] | None = None
        self._active: set[tuple[int, str, int]] = set()
        self._depth = 0
        self._steps = 0

    @abstractmethod
    def value(self, node: ast.expr | None, scope: Scope, line: int | None = None) -> Term:
        """What ``node`` comes to where it stands in ``scope``; ``line`` is where it runs, its own when not given."""

    # -- names

    def name(self, name: str, scope: Scope, line: int | None, node: ast.expr | None = None) -> Term:
        """What ``name`` may stand for at ``line`` of ``scope``."""
        if not self._depth:
            self._steps = 0
        found: Scope | None = scope
        while found is not None:
            if name in found.bindings and (found is scope or found.kind != "class"):
                return self._bound(name, found, line if found is scope else None)
            found = found.outer
        return Unknown(name)

    def _bound(self, name: str, scope: Scope, line: int | None) -> Term:
        key = (id(scope.node), name, line or 0)
        self._steps += 1
        if key in self._active or self._steps > STEPS:
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
        if is_text(before) or is_text(more):
            return join((before, more))
        return total((before, more))

    def _parameter(self, arg: ast.arg, scope: Scope) -> Term:
        assert isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if scope.owner and arg is first_parameter(scope.node):
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
        return [Unknown(shown(node))]

    def _unpacked(self, node: ast.expr, one: Binding, scope: Scope) -> Term:
        if one.at < 0:
            return Unknown(shown(node))
        if one.text != "element":
            display = self.display(node, scope, one.line)
            if isinstance(display, (ast.List, ast.Tuple)) and one.at < len(display.elts):
                return self.value(display.elts[one.at], scope, one.line)
            return Unknown(shown(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "items":
            display = self.display(node.func.value, scope, one.line)
            if isinstance(display, ast.Dict) and display.keys:
                every = display.keys if one.at == 0 else display.values
                return choice(self.value(each, scope, one.line) for each in every if each is not None)
            return Unknown(shown(node))
        display = self.display(node, scope, one.line)
        if isinstance(display, (ast.List, ast.Tuple)) and display.elts:
            rows = [each for each in display.elts if isinstance(each, (ast.List, ast.Tuple))]
            if len(rows) == len(display.elts) and all(one.at < len(each.elts) for each in rows):
                return choice(self.value(each.elts[one.at], scope, one.line) for each in rows)
        return Unknown(shown(node))

    # -- attributes

    def instance(self, node: ast.expr, scope: Scope) -> str | None:
        """The class whose ``self`` or ``cls`` an expression is."""
        found: Scope | None = scope
        while found is not None and not found.owner:
            found = found.outer
        if found is None or not isinstance(node, ast.Name):
            return None
        assert isinstance(found.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        first = first_parameter(found.node)
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
            near = [
                one
                for one in every
                if scope is not None and one.scope is scope and line is not None and one.line < line
            ]
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
        path, _ = one.scope.place(line)
        mine, _ = one.scope.place(one.line)
        return mine == path[: len(mine)]

    def _stored(self, one: Stored) -> Term:
        return self.value(one.value, one.scope, one.line)

    def default(self, node: ast.expr, scope: Scope, line: int) -> Term | None:
        """The value of a default; None for one that says that there is none."""
        if isinstance(node, ast.Constant) and node.value in (None, "", 0, False):
            return None
        return self.value(node, scope, line)

    # -- where a value was written out

    def origin(self, node: ast.expr, scope: Scope, line: int, depth: int = 0) -> ast.expr | None:
        """The expression that a name or attribute of ``self`` was assigned, when there is one only."""
        if depth > 4:
            return None
        if isinstance(node, ast.Name):
            found: Scope | None = scope
            while found is not None and (
                node.id not in found.bindings or (found is not scope and found.kind == "class")
            ):
                found = found.outer
            if found is None:
                return None
            every = found.at(node.id, line if found is scope else None)
            real = [one for one in every if not (isinstance(one.node, ast.Constant) and one.node.value is None)]
            if (
                len(real) == 1
                and real[0].how in ("value", "unpacked", "context")
                and isinstance(real[0].node, ast.expr)
            ):
                return self.origin(real[0].node, found, real[0].line, depth + 1)
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
                    return self.origin(bound[0].node, info.scope, bound[0].line, depth + 1)
                return None
            if len({ast.dump(one.value) for one in stored}) == 1:
                return self.origin(stored[0].value, stored[0].scope, stored[0].line, depth + 1)
            return None
        return node

    def display(self, node: ast.expr, scope: Scope, line: int, seen: tuple[int, ...] = ()) -> ast.expr | None:
        """The list, tuple, set or dict that an expression was assigned, where it is written out."""
        found = self.origin(node, scope, line)
        if id(found) in seen:
            # It is made from itself, as in `x = sorted(x)`.
            return None
        seen = (*seen, id(found))
        if (
            isinstance(found, ast.Call)
            and dotted(found.func) in ("enumerate", "list", "tuple", "sorted", "set")
            and found.args
        ):
            return self.display(found.args[0], scope, line, seen) if dotted(found.func) != "enumerate" else None
        if isinstance(found, ast.Subscript) and isinstance(found.slice, ast.Constant):
            whole = self.display(found.value, scope, line, seen)
            if isinstance(whole, ast.Dict):
                keys = [one.value if isinstance(one, ast.Constant) else None for one in whole.keys]
                if keys.count(found.slice.value) == 1 and None not in keys:
                    return whole.values[keys.index(found.slice.value)]
        return found

    def rows(self, node: ast.Name, scope: Scope, line: int) -> list[ast.Dict]:
        """The dicts that a loop's variable goes through, where its list is written out."""
        found: Scope | None = scope
        while found is not None and node.id not in found.bindings:
            found = found.outer
        if found is None:
            return []
        bound = found.at(node.id, line if found is scope else None)
        if len(bound) != 1 or bound[0].how not in ("element", "unpacked") or not isinstance(bound[0].node, ast.expr):
            return []
        one = bound[0]
        listed: ast.expr | None = bound[0].node
        if one.how == "unpacked":
            # `for name, row in rows.items()`, `for number, row in enumerate(rows)`
            if one.text != "element" or one.at != 1 or not isinstance(listed, ast.Call):
                return []
            items = isinstance(listed.func, ast.Attribute) and listed.func.attr == "items"
            listed = listed.func.value if items and isinstance(listed.func, ast.Attribute) else listed.args[0]
        return self._dicts(listed, found, one.line, 0)

    def _dicts(self, node: ast.expr | None, scope: Scope, line: int, depth: int) -> list[ast.Dict]:
        display = self.display(node, scope, line) if node is not None and depth < 4 else None
        if isinstance(display, ast.BinOp) and isinstance(display.op, ast.Add):
            return [
                *self._dicts(display.left, scope, line, depth + 1),
                *self._dicts(display.right, scope, line, depth + 1),
            ]
        elements: list[ast.expr] = []
        if isinstance(display, (ast.List, ast.Tuple)):
            elements = display.elts
        elif isinstance(display, ast.Dict):
            elements = display.values
        rows = [one for one in elements if isinstance(one, ast.Dict)]
        return rows if len(rows) == len(elements) else []

    def keywords_of(self, name: str, scope: Scope) -> str:
        """The function whose ``**name`` a name is, empty when it is none's."""
        if not isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return ""
        kwarg = scope.node.args.kwarg
        return scope.qualname if kwarg is not None and kwarg.arg == name else ""

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
                name = (
                    dest.value if isinstance(dest, ast.Constant) and isinstance(dest.value, str) else long.lstrip("-")
                )
                default = given.get("default")
                value = self.default(default, self.module, default.end_lineno or 0) if default is not None else None
                found[name.replace("-", "_")] = Option(long, converted(value, number=True) if value else None)
