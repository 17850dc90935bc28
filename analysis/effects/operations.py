"""What the operators of the language may raise, by the types of their operands."""

from __future__ import annotations

import ast

from analysis.effects.arguments import Given
from analysis.effects.calls import Calls
from analysis.effects.kinds import (
    NUMBERS,
    SCALARS,
    WHOLE,
    Kind,
    base,
    hashes,
    held,
    is_plain,
    is_symbol,
    is_thing,
    lacks,
    parts,
    prints_whole,
)
from analysis.effects.names import taken

_SYMBOLS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "__add__"),
    ast.Sub: ("-", "__sub__"),
    ast.Mult: ("*", "__mul__"),
    ast.Div: ("/", "__truediv__"),
    ast.FloorDiv: ("//", "__floordiv__"),
    ast.Mod: ("%", "__mod__"),
    ast.Pow: ("**", "__pow__"),
    ast.LShift: ("<<", "__lshift__"),
    ast.RShift: (">>", "__rshift__"),
    ast.BitOr: ("|", "__or__"),
    ast.BitAnd: ("&", "__and__"),
    ast.BitXor: ("^", "__xor__"),
    ast.MatMult: ("@", "__matmul__"),
}
_SEQUENCES = frozenset({"list", "tuple", "str", "bytes"})
_MAPPED = frozenset({"list", "set", "dict", "bytearray"})

_MAKES_ANYTHING = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
"""Comparisons whose result an operand may make into anything."""


class Operations(Calls):
    """Reads operators, subscripts, loops, tests and string formatting."""

    def truth(self, node: ast.expr) -> None:
        """Note what testing the value of ``node`` may raise."""
        kind = self.value(node)
        if kind is None or is_symbol(kind):
            self.effects.assume("the truth of `{}` is taken to be well defined", node.lineno, node)

    # -- subscripts

    def subscript(self, node: ast.Subscript) -> Kind:
        """Note what reading ``x[y]`` may raise; return the type of the element."""
        kind = self.value(node.value)
        sliced = isinstance(node.slice, ast.Slice)
        index = self._slice(node.slice) if isinstance(node.slice, ast.Slice) else self.value(node.slice)
        if kind is None or is_thing(kind):
            if kind is not None and kind.startswith("=") and kind[1:] in self.knowledge.kinds:
                return kind  # list[int], dict[str, int]
            return self._guess(node, "a container", "TypeError", "KeyError", "IndexError")
        found: list[Kind] = [self._element(part, node, index, sliced=sliced) for part in parts(kind)]
        return self.either([each for each in found if each != ""])

    def _element(self, part: str, node: ast.Subscript, index: Kind, *, sliced: bool) -> Kind:
        """The type of one element; "" when there is none because it always raises."""
        name = base(part)
        if name == "dict":
            self.effects.raise_("KeyError")
            self.hashed(index, node.slice)
            return held(part)
        if name in _SEQUENCES:
            if sliced:
                return "tuple" if name == "tuple" else part
            return self._nth(part, name, node, index)
        if name in SCALARS:
            self.effects.raise_("TypeError")
            return ""
        entry = self.knowledge.method(name, "__getitem__")
        if entry is None:
            self.absent(part, "__getitem__", node)
            return "" if lacks(name, "__getitem__") else None
        return self.apply(
            entry, f"{part}.__getitem__", Given((index,), (), {}, False, node.lineno, (node.slice,)), part
        )

    def _nth(self, part: str, name: str, node: ast.Subscript, index: Kind) -> Kind:
        if index is None or is_symbol(index):
            self._guess(node.slice, "an index", "TypeError", "IndexError")
        else:
            if not all(each in WHOLE for each in parts(index)):
                self.effects.raise_("TypeError")
                if not any(each in WHOLE for each in parts(index)):
                    return ""
            at = node.slice.value if isinstance(node.slice, ast.Constant) else None
            member = taken(part, at) if name == "tuple" and isinstance(at, int) and at >= 0 else None
            if member is not None:
                return member
            self.effects.raise_("IndexError")
        if name == "bytes":
            return "size"
        return "str" if name == "str" else (held(part) if name == "list" else None)

    def _slice(self, node: ast.Slice) -> Kind:
        for each in (node.lower, node.upper, node.step):
            if each is None:
                continue
            kind = self.value(each)
            if kind is None or is_symbol(kind):
                self._guess(each, "an index", "TypeError")
            elif not all(part in WHOLE or part == "None" for part in parts(kind)):
                self.effects.raise_("TypeError")
        if node.step is not None and not (isinstance(node.step, ast.Constant) and node.step.value):
            self.effects.raise_("ValueError")
        return None

    def store(self, node: ast.Subscript, *, deletes: bool = False) -> None:
        """Note what ``x[y] = ...`` or ``del x[y]`` may raise."""
        kind = self.value(node.value)
        sliced = isinstance(node.slice, ast.Slice)
        index = self._slice(node.slice) if isinstance(node.slice, ast.Slice) else self.value(node.slice)
        if kind is None or is_thing(kind):
            self._guess(node, "a container", "TypeError", "KeyError", "IndexError")
            return
        for part in parts(kind):
            name = base(part)
            if name == "dict":
                self.hashed(index, node.slice)
                if deletes:
                    self.effects.raise_("KeyError")
            elif name == "list":
                if sliced:
                    self.effects.raise_("TypeError", "ValueError")
                    self.effects.assume("what is put into `{}` is taken to be a list", node.lineno, node)
                elif index is None or is_symbol(index):
                    self._guess(node.slice, "an index", "TypeError", "IndexError")
                else:
                    self.effects.raise_("IndexError")
                    if not all(each in WHOLE for each in parts(index)):
                        self.effects.raise_("TypeError")
            else:
                method = "__delitem__" if deletes else "__setitem__"
                entry = self.knowledge.method(name, method)
                if entry is None:
                    self.effects.raise_("IndexError")
                    self.absent(part, method, node)
                else:
                    self.apply(entry, f"{part}[]", Given((index,), (), {}, False, node.lineno, (node.slice,)), part)

    def hashed(self, kind: Kind, node: ast.expr) -> None:
        """Note what using a value as a key may raise."""
        if kind is None or is_symbol(kind):
            if not isinstance(node, ast.Constant):
                self._guess(node, "a key", "TypeError")
            return
        for part in parts(kind):
            name = base(part)
            if name in _MAPPED or name in ("slice", "collections.deque") or (name == "tuple" and not hashes(part)):
                self.effects.raise_("TypeError")
            if name == "tuple" and not is_plain(part):
                self._guess(node, "a key", "TypeError")

    def _guess(self, node: ast.expr, what: str, *types: str) -> Kind:
        self.effects.raise_(*types)
        self.effects.assume(f"{self.said(node)} is taken to be {what} of a built-in type", node.lineno)
        return None

    # -- arithmetic

    def binary(self, node: ast.BinOp | ast.AugAssign, left: Kind, right: Kind, divisor: ast.expr) -> Kind:
        """Note what an operator may raise; return the type of the result."""
        sign, method = _SYMBOLS[type(node.op)]
        if left is None or right is None or is_thing(left) or is_thing(right):
            if sign == "%" and left == "str":
                self.effects.raise_("TypeError", "ValueError", "KeyError", "OverflowError")
                self.effects.assume("what is formatted by `%` is taken to be of built-in types", node.lineno)
                return "str"
            self.effects.raise_("TypeError")
            if sign in ("/", "//", "%") and not _nonzero(divisor):
                self.effects.raise_("ZeroDivisionError")
            if sign == "%" and (left is None or is_thing(left) or {"str", "bytes"} & {*parts(left)}):
                self.effects.raise_("ValueError", "KeyError")
            if sign in ("**", "/", "//", "%", "*", "<<", "+", "-"):
                self.effects.raise_("OverflowError")
            if sign in ("**", "<<", ">>"):
                self.effects.raise_("ValueError", "ZeroDivisionError")
            self.effects.assume(f"the operands of `{sign}` are taken to be of built-in types", node.lineno)
            return None
        found: list[Kind] = []
        for one in parts(left):
            for other in parts(right):
                result = self._pair(sign, method, one, other, node, divisor)
                if result != "":
                    found.append(result)
        return self.either(found)

    def _pair(self, sign: str, method: str, left: str, right: str, node: ast.AST, divisor: ast.expr) -> Kind:
        if left in NUMBERS and right in NUMBERS:
            return self._numbers(sign, left, right, divisor)
        name, other = base(left), base(right)
        if "complex" in (left, right):
            self.effects.raise_("TypeError", "ZeroDivisionError", "OverflowError", "ValueError")
            if {left, right} <= NUMBERS | {"complex"}:
                return "complex"
        if sign == "+" and name == other and name in _SEQUENCES:
            return left if left == right and name != "tuple" else name
        if sign == "*" and ((name in _SEQUENCES and right in WHOLE) or (other in _SEQUENCES and left in WHOLE)):
            self.effects.raise_("OverflowError")
            found = left if name in _SEQUENCES else right
            return "tuple" if base(found) == "tuple" else found
        if sign == "%" and left in ("str", "bytes"):
            self.effects.raise_("TypeError", "ValueError", "KeyError", "OverflowError")
            if not is_plain(right):
                self.effects.assume("what is formatted by `%` is taken to be of built-in types", _line(node))
            return left
        if sign in "|&^-" and name == other == "set":
            if not (is_plain(left) and is_plain(right)):
                self.effects.assume("the members of a set are taken to compare without error", _line(node))
            return "set"
        if sign == "|" and name == other == "dict":
            return "dict"
        entry = self.knowledge.method(name, method)
        if entry is not None:
            expression = divisor
            return self.apply(
                entry, f"{left}.{method}", Given((right,), (), {}, False, _line(node), (expression,)), left
            )
        self.effects.raise_("TypeError")
        if not (name in SCALARS or name in _MAPPED or name in _SEQUENCES):
            self.effects.assume(f"`{sign}` on a {name} is not in the tables", _line(node))
            return None
        reflected = self.knowledge.method(other, f"__r{method[2:]}")
        if reflected is not None:
            return self.apply(reflected, f"{right}.{method}", Given((left,), (), {}, False, _line(node), ()), right)
        if other not in SCALARS and other not in _MAPPED and other not in _SEQUENCES:
            self.effects.assume(f"`{sign}` with a {other} is not in the tables", _line(node))
            return None
        return ""

    def _numbers(self, sign: str, left: str, right: str, divisor: ast.expr) -> Kind:
        whole = left in WHOLE and right in WHOLE
        big = "int" in (left, right)
        if sign in ("/", "//", "%") and not _nonzero(divisor):
            self.effects.raise_("ZeroDivisionError")
        if sign in ("+", "-", "*", "//", "%"):
            if whole:
                return "int" if sign in ("+", "-", "*") or big else "size"
            if big:
                self.effects.raise_("OverflowError")
            return "float"
        if sign == "/":
            if big:
                self.effects.raise_("OverflowError")
            return "float"
        if sign == "**":
            self.effects.raise_("OverflowError", "ZeroDivisionError")
            return "int" if whole and _nonzero(divisor) and _positive(divisor) else None
        if not whole or sign == "@":
            self.effects.raise_("TypeError")
            return ""
        if sign in ("<<", ">>"):
            self.effects.raise_("ValueError", "OverflowError")
            return "int"
        return "int" if big else "size"

    def unary(self, node: ast.UnaryOp) -> Kind:
        """Note what ``-x``, ``+x``, ``~x`` or ``not x`` may raise."""
        if isinstance(node.op, ast.Not):
            self.truth(node.operand)
            return "bool"
        kind = self.value(node.operand)
        if kind is not None and all(part in NUMBERS for part in parts(kind)):
            if isinstance(node.op, ast.Invert) and "float" in parts(kind):
                self.effects.raise_("TypeError")
            return self.either(["size" if part == "bool" else part for part in parts(kind)])
        if kind is not None and not is_symbol(kind) and all(base(part) in SCALARS | _MAPPED for part in parts(kind)):
            self.effects.raise_("TypeError")
            return None
        return self._guess(node.operand, "a number", "TypeError")

    # -- comparison

    def compare(self, node: ast.Compare) -> Kind:
        """Note what a chain of comparisons may raise."""
        left, left_kind = node.left, self.value(node.left)
        sure = True
        for operator, right in zip(node.ops, node.comparators, strict=True):
            right_kind = self.value(right)
            if isinstance(operator, (ast.Is, ast.IsNot)):
                pass
            elif isinstance(operator, (ast.In, ast.NotIn)):
                self._contains(left_kind, left, right_kind, right)
            elif isinstance(operator, (ast.Eq, ast.NotEq)):
                if not self._compares(left_kind) or not self._compares(right_kind):
                    unsure = left if not self._compares(left_kind) else right
                    self.effects.assume("`{}` is taken to compare without error", node.lineno, unsure)
            else:
                self._orders(left_kind, left, right_kind, right)
            sure &= not isinstance(operator, _MAKES_ANYTHING) or (
                self._compares(left_kind) and self._compares(right_kind)
            )
            left, left_kind = right, right_kind
        # Arrays compare to arrays, whose truth is another matter.
        return "bool" if sure else None

    def _compares(self, kind: Kind) -> bool:
        return kind is not None and (kind[:1] == "=" or is_plain(kind))

    def _orders(self, left: Kind, left_node: ast.expr, right: Kind, right_node: ast.expr) -> None:
        if left is None or right is None or not is_plain(left) or not is_plain(right):
            unsure = left_node if left is None or not is_plain(left) else right_node
            self._guess(unsure, "a value", "TypeError")
            return
        for one in parts(left):
            for other in parts(right):
                if (one in NUMBERS and other in NUMBERS) or (one == other and one in ("str", "bytes")):
                    continue
                self.effects.raise_("TypeError")

    def _contains(self, kind: Kind, node: ast.expr, container: Kind, container_node: ast.expr) -> None:
        if container is None or is_thing(container):
            self._guess(container_node, "a container", "TypeError", "ValueError")
            return
        for part in parts(container):
            name = base(part)
            if name in ("dict", "set", "frozenset"):
                self.hashed(kind, node)
            elif name in ("list", "tuple"):
                known = is_plain(part) or (
                    isinstance(container_node, (ast.List, ast.Tuple)) and not container_node.elts
                )
                if not known or kind is None or not self._compares(kind):
                    self.effects.assume("the members of `{}` are taken to compare", node.lineno, container_node)
            elif name in ("str", "bytes"):
                if kind is None or is_symbol(kind) or any(each != part for each in parts(kind)):
                    self.effects.raise_("TypeError")
                if name == "bytes":
                    self.effects.raise_("ValueError")
            else:
                entry = self.knowledge.method(name, "__contains__")
                if entry is None:
                    self.absent(part, "__contains__", node)
                else:
                    self.apply(entry, f"{part}.__contains__", Given((kind,), (), {}, False, node.lineno, (node,)), part)

    # -- formatting

    def formatted(self, node: ast.FormattedValue) -> None:
        """Note what one ``{...}`` of an f-string may raise."""
        kind = self.value(node.value)
        if node.format_spec is not None:
            self.value(node.format_spec)
            self.effects.raise_("ValueError", "TypeError")
            if kind is None or any(part not in ("size", "float", "str") for part in parts(kind)):
                self.effects.raise_("OverflowError")
        if kind is None or not is_plain(kind):
            if kind is not None and kind.startswith("="):
                return
            self.effects.assume("`{}` is taken to print without error", node.value.lineno, node.value)
            return
        if any(prints_whole(part) for part in parts(kind)):
            self.effects.raise_("ValueError")  # more digits than sys.get_int_max_str_digits()


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def _nonzero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value != 0


def _positive(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value > 0
