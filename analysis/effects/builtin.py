"""Built-in functions whose result, or what they raise, depends on what they are given."""

from __future__ import annotations

import ast

from analysis.effects.kinds import NUMBERS, Kind, base, is_plain, is_symbol, is_thing, join, parts
from analysis.effects.names import binding_of
from analysis.effects.operations import Operations
from analysis.effects.records import Act, Step
from analysis.effects.region import extend, written


class Builtins(Operations):
    """Reads calls of the built-in functions that the tables cannot describe."""

    def _call_super(self, node: ast.Call) -> Kind:
        scope = self.scope
        method = scope.node if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
        given = (method.args.posonlyargs or method.args.args) if method is not None else []
        if (
            method is None
            or not given
            or scope.owner is None
            or self.local
            or node.args
            or node.keywords
            or len(scope.bindings.get(given[0].arg, ())) != 1
            or (binding_of(method) == "static" and method.name != "__new__")
        ):
            self.effects.leave_open("what `super()` finds", node.lineno)
        return f"0::{scope.owner}^"

    def _call_isinstance(self, node: ast.Call) -> Kind:
        given = self.arguments(node)
        if len(given.kinds) != 2 or given.keywords or given.star:
            self.effects.raise_("TypeError")
            return "bool"
        kind, against = given.kinds[0], given.nodes[1]
        classes = against.elts if isinstance(against, ast.Tuple) else [against]
        for each in classes:
            dotted = self.dotted(each)
            if dotted is None or not (dotted in self.knowledge.kinds or self.knowledge.is_exception(dotted)):
                self.effects.raise_("TypeError")
                self.effects.assume("`{}` is taken to be a plain class", node.lineno, each)
        if kind is None or is_symbol(kind):
            self.effects.assume("the class of `{}` is taken to be plain", node.lineno, given.nodes[0])
        return "bool"

    def _call_hasattr(self, node: ast.Call) -> Kind:
        self._named_attribute(node, 2)
        return "bool"

    def _call_getattr(self, node: ast.Call) -> Kind:
        if not self._named_attribute(node, 3) or len(node.args) < 3:
            self.effects.raise_("AttributeError", "TypeError")
        return None

    def _named_attribute(self, node: ast.Call, count: int) -> bool:
        """Note what looking up an attribute by a name may raise, missing ones aside; whether it was a plain look-up."""
        if len(node.args) != count or node.keywords or not isinstance(node.args[1], ast.Constant):
            self.arguments(node)
            self.effects.raise_("TypeError")
            self.effects.assume("the attribute that is looked up is taken to be a plain one", node.lineno)
            return len(node.args) == count
        kind = self.value(node.args[0])
        for each in node.args[2:]:
            self.value(each)
        name = node.args[1].value
        if not isinstance(name, str):
            self.effects.raise_("TypeError")
        elif kind is not None and is_symbol(kind):
            outside = self.effects.filters
            self.effects.filters = (*outside, (Step(("AttributeError",), False),))
            self.effects.do(Act.READ, extend(kind, name), f"{written(node.args[0])}.{name}", node.lineno)
            self.effects.filters = outside
        elif kind is None or "zmq." in kind or "Path" in kind:
            self.effects.assume(f"`{written(node.args[0])}.{name}` is taken to be a plain attribute", node.lineno)
        return True

    # -- what is iterated

    def _single(self, node: ast.Call) -> tuple[Kind, bool]:
        """The type of the elements of the only argument; whether the call is that simple."""
        if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
            return self.spread(self.value(node.args[0]), node.args[0]), True
        given = self.arguments(node)
        for kind, each in zip(given.kinds, given.nodes, strict=False):
            self.iterate(kind, each)
        self.effects.raise_("TypeError", "ValueError")
        if not given.plain():
            self.effects.assume("what `{}` is given is taken to be of built-in types", node.lineno, node.func)
        return None, False

    def _holding(self, name: str, node: ast.Call) -> Kind:
        if not node.args and not node.keywords:
            return f"{name}[None]"
        inner, _ = self._single(node)
        return name if inner is None or is_thing(inner) else f"{name}[{inner}]"

    def _call_list(self, node: ast.Call) -> Kind:
        return self._holding("list", node)

    def _call_tuple(self, node: ast.Call) -> Kind:
        self._single(node)
        return "tuple"

    def _call_set(self, node: ast.Call) -> Kind:
        kind = self._holding("set", node)
        if kind == "set":
            self.effects.raise_("TypeError")
            self.effects.assume("the members of a set are taken to be hashable without error", node.lineno)
        elif kind is not None and not all(base(part) in ("str", "size", "None") for part in parts(kind[4:-1])):
            self.effects.raise_("TypeError")
        return kind

    def _call_dict(self, node: ast.Call) -> Kind:
        given = self.arguments(node)
        if not given.kinds:
            inner = self.either([kind for kind, _ in given.named.values()]) if not given.star else None
            return "dict" if inner is None or is_thing(inner) else f"dict[{inner}]"
        kind = given.kinds[0]
        if len(given.kinds) > 1 or kind is None or is_thing(kind) or any(base(each) != "dict" for each in parts(kind)):
            self.effects.raise_("TypeError", "ValueError", "RuntimeError")
            if kind is None or not is_plain(kind):
                self.effects.assume("`{}` is taken to be of a built-in type", node.lineno, node.args[0])
        return "dict"

    def _call_sorted(self, node: ast.Call) -> Kind:
        given = self.arguments(node)
        if len(given.kinds) != 1 or given.star:
            self.effects.raise_("TypeError")
            return None
        inner = self.spread(given.kinds[0], given.nodes[0])
        if "key" in given.named:
            kind, key = given.named["key"]
            self.runs(kind, key, "sorted", node.lineno)
            self.effects.raise_("TypeError")
            self.effects.assume("the keys that `sorted` compares are taken to be of built-in types", node.lineno)
        elif inner is None or not is_plain(inner):
            self.effects.raise_("TypeError")
            self.effects.assume("what `sorted` compares is taken to be of built-in types", node.lineno)
        elif inner not in ("str", "size", "int", "float"):
            self.effects.raise_("TypeError")
        for name, (kind, each) in given.named.items():
            if name == "reverse":
                if kind != "bool":
                    self.effects.raise_("OverflowError")  # up to 3.12 it has to fit into an `int` of C
                if kind not in ("bool", "size"):
                    self.effects.raise_("TypeError")
                    self.effects.assume("`{}` is taken to be true or false", node.lineno, each)
            elif name != "key":
                self.effects.raise_("TypeError")
        return "list" if inner is None or is_thing(inner) else f"list[{inner}]"

    def _call_enumerate(self, node: ast.Call) -> Kind:
        given = self.arguments(node)
        if len(given.kinds) not in (1, 2) or given.star or any(name != "start" for name in given.keywords):
            self.effects.raise_("TypeError")
            return None
        start = given.kinds[1] if len(given.kinds) > 1 else given.named["start"][0] if given.named else "size"
        if start != "size":
            self.effects.raise_("TypeError")
            self.effects.assume("where `enumerate` starts is taken to be a whole number", node.lineno)
        inner = self.iterate(given.kinds[0], given.nodes[0])
        number = "size" if start == "size" else "int"
        return f"iterator[tuple[{number},{inner if inner is not None and not is_thing(inner) else '?'}]]"

    def _call_zip(self, node: ast.Call) -> Kind:
        given = self.arguments(node)
        if given.star or given.keywords:
            self.effects.raise_("TypeError", "ValueError")
            if given.star or any(name != "strict" for name in given.keywords):
                return None
        inner = [self.iterate(kind, each) for kind, each in zip(given.kinds, given.nodes, strict=True)]
        members = ",".join(each if each is not None and not is_thing(each) else "?" for each in inner)
        return f"iterator[tuple[{members}{',' if len(inner) == 1 else ''}]]" if inner else "iterator"

    def _call_reversed(self, node: ast.Call) -> Kind:
        given = self.arguments(node)
        kind = given.kinds[0] if len(given.kinds) == 1 else None
        if kind is None or any(base(part) not in ("list", "str", "range") for part in parts(kind)):
            self.effects.raise_("TypeError")
            if kind is None or not is_plain(kind):
                self.effects.assume("what `reversed` is given is taken to be a sequence", node.lineno)
            return None
        inner = self.iterate(kind, given.nodes[0])
        return "iterator" if inner is None else f"iterator[{inner}]"

    # -- what is folded

    def _call_sum(self, node: ast.Call) -> Kind:
        inner, simple = self._single(node)
        if not simple or inner is None or is_thing(inner) or any(part not in NUMBERS for part in parts(inner)):
            self.effects.raise_("TypeError", "OverflowError")
            if inner is None or not is_plain(inner):
                self.effects.assume("what `sum` adds up is taken to be numbers", node.lineno)
            return None
        if "float" not in parts(inner):
            return "int"
        self.effects.raise_("OverflowError")
        return "float|int"

    def _extreme(self, node: ast.Call) -> Kind:
        name = written(node.func)
        given = self.arguments(node)
        if given.star or not given.kinds:
            self.effects.raise_("TypeError", "ValueError")
            self.effects.assume(f"what `{name}` compares is taken to be of built-in types", node.lineno)
            return None
        if len(given.kinds) == 1:
            inner = self.iterate(given.kinds[0], given.nodes[0])
            if "default" not in given.named:
                self.effects.raise_("ValueError")
            compared, answer = inner, inner
        else:
            compared = answer = self.either(list(given.kinds))
        if "default" in given.named:
            answer = join(answer, given.named["default"][0])
        if "key" in given.named:
            kind, key = given.named["key"]
            self.runs(kind, key, name, node.lineno)
            compared = None
        if any(each not in ("default", "key") for each in given.keywords):
            self.effects.raise_("TypeError")
        if compared is None or not is_plain(compared):
            self.effects.raise_("TypeError")
            self.effects.assume(f"what `{name}` compares is taken to be of built-in types", node.lineno)
        elif compared != "str" and any(part not in NUMBERS for part in parts(compared)):
            self.effects.raise_("TypeError")
        return answer

    def _call_min(self, node: ast.Call) -> Kind:
        return self._extreme(node)

    def _call_max(self, node: ast.Call) -> Kind:
        return self._extreme(node)

    def _call_any(self, node: ast.Call) -> Kind:
        inner, _ = self._single(node)
        if inner is None or is_symbol(inner):
            self.effects.assume("the truth of what `{}` tests is taken to be well defined", node.lineno, node.func)
        return "bool"

    def _call_all(self, node: ast.Call) -> Kind:
        return self._call_any(node)

    # -- the rest

    def _call_type(self, node: ast.Call) -> Kind:
        if len(node.args) == 1 and not node.keywords:
            kind = self.value(node.args[0])
            return "type" if kind is not None or not isinstance(node.args[0], ast.Starred) else None
        self.effects.leave_open("what `type()` makes", node.lineno)
        return None

    def _call_setattr(self, node: ast.Call) -> Kind:
        self.arguments(node)
        self.effects.raise_("AttributeError", "TypeError")
        self.effects.assume("the attribute that is set is taken to be a plain one", node.lineno)
        return "None"

    def _call_open(self, node: ast.Call) -> Kind:
        entry = self.knowledge.functions["io.open"]
        given = self.arguments(node)
        self.apply(entry, "open", given)
        mode: ast.expr | None = given.nodes[1] if len(given.nodes) > 1 else None
        if "mode" in given.named:
            mode = given.named["mode"][1]
        if given.star:
            return None
        if mode is None:
            return "io.TextIOWrapper"
        if not isinstance(mode, ast.Constant) or not isinstance(mode.value, str):
            return None
        if "b" not in mode.value:
            return "io.TextIOWrapper"
        buffering = len(given.kinds) > 2 or "buffering" in given.named
        return None if buffering else "io.BufferedIOBase"
