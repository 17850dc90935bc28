"""What the names of one file mean where sockets are made and used: keys of sockets, and what is called."""

from __future__ import annotations

import ast
import sys

from analysis.nodes import below
from analysis.values.bindings import Scope
from analysis.values.reader import Reader
from analysis.values.syntax import dotted
from analysis.values.terms import Call, Symbol

KINDS = frozenset({"REQ", "REP", "PUB", "SUB", "XPUB", "XSUB", "PUSH", "PULL", "ROUTER", "DEALER", "PAIR"})
_LIBRARY = sys.stdlib_module_names | {"zmq", "numpy", "torch", "requests", "yaml", "psutil"}


class Keys:
    """Answers for the expressions of one file, whose names are in ``reader``."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._globals: dict[str, set[str]] = {}

    def symbol(self, node: ast.expr, scope: Scope, line: int) -> str:
        """What a call means; empty where nothing of the tree can be meant."""
        if isinstance(node, ast.Attribute):
            base = node.value
            if isinstance(base, ast.Call) and dotted(base.func) == "super":
                return f"^{node.attr}"
            if isinstance(base, ast.Name) and self.is_self(base, scope):
                return f".{node.attr}"
            if isinstance(base, (ast.Name, ast.Attribute, ast.Call)):
                made = base if isinstance(base, ast.Call) else self.reader.origin(base, scope, line)
                if isinstance(made, ast.Call) and isinstance(made.func, (ast.Name, ast.Attribute)):
                    kind = self._named(made.func, scope, line)
                    if kind.rpartition(":")[2].rpartition(".")[2][:1].isupper():
                        return f"{kind}().{node.attr}"
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self._named(node, scope, line)
        return ""

    def _named(self, node: ast.expr, scope: Scope, line: int) -> str:
        """The symbol of a name that an import, a function or a class binds: following values would cost too much."""
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        found: Scope | None = scope
        while isinstance(root, ast.Name) and found is not None and root.id not in found.bindings:
            found = found.outer
        if not isinstance(root, ast.Name) or found is None:
            return ""
        if any(one.how not in ("import", "from", "function", "class") for one in found.bindings[root.id]):
            return ""
        return in_tree(self.reader.value(node, scope, line))

    def is_self(self, node: ast.Name, scope: Scope) -> bool:
        found: Scope | None = scope
        while found is not None and not found.owner:
            found = found.outer
        if found is None or not isinstance(found.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return False
        args = [*found.node.args.posonlyargs, *found.node.args.args]
        return bool(args) and args[0].arg == node.id

    def target_key(self, node: ast.expr, scope: Scope) -> str:
        match node:
            case ast.Name(id=name):
                return f"{self._place(name, scope)}:{name}"
            case ast.Attribute(value=ast.Name() as base, attr=name) if self.is_self(base, scope):
                return f"self.{name}"
            case ast.Attribute(value=ast.Name() as base, attr=name):
                return f"{self.target_key(base, scope)}.{name}"
            case ast.Subscript(value=base, slice=part):
                inner = self.target_key(base, scope)
                entry = str(part.value) if isinstance(part, ast.Constant) else ""
                return f"{inner}[{entry}]" if inner else ""
        return ""

    def _place(self, name: str, scope: Scope) -> str:
        """The function that a name is bound in when it is bound in ``scope``; empty for one of the module."""
        if scope.kind != "function":
            return ""
        if scope.qualname not in self._globals:
            inside = below(*scope.node.body)
            self._globals[scope.qualname] = {
                each for one in inside if isinstance(one, ast.Global) for each in one.names
            }
        return "" if name in self._globals[scope.qualname] else scope.qualname

    def key(self, node: ast.expr, scope: Scope, line: int, depth: int = 0) -> str:
        """The name that a socket is kept under where it was made; empty for an expression that is not followed."""
        if isinstance(node, ast.Await):
            node = node.value
        match node:
            case ast.Attribute(value=ast.Name() as base) if self.is_self(base, scope):
                return f"self.{node.attr}"
            case ast.Attribute(value=ast.Name() | ast.Attribute() as base, attr="socket"):
                return self.key(base, scope, line, depth)
            case ast.Attribute(value=ast.Name() as base, attr=name):
                inner = self.key(base, scope, line, depth)
                return f"{inner}.{name}" if inner else ""
            case ast.Subscript(value=base, slice=part):
                inner = self.key(base, scope, line, depth)
                entry = str(part.value) if isinstance(part, ast.Constant) else ""
                return f"{inner}[{entry}]" if inner else ""
            case ast.Name(id=name):
                if scope.kind == "function" and not self._place(name, scope):
                    return f":{name}"
                found: Scope | None = scope
                while found is not None and (
                    name not in found.bindings or (found is not scope and found.kind == "class")
                ):
                    found = found.outer
                if found is None:
                    return ""
                values = found.at(name, line if found is scope else None)
                if depth < 3 and len(values) == 1 and values[0].how == "value":
                    value = values[0].node
                    if isinstance(value, (ast.Attribute, ast.Name, ast.Subscript)):
                        known = self.key(value, found, values[0].line, depth + 1)
                        if known:
                            return known
                return f"{found.qualname if found.kind == 'function' else ''}:{name}"
        return ""


def in_tree(term: object) -> str:
    """The symbol that a term is, where it may be something of the tree."""
    text = term.text if isinstance(term, Symbol) else term.target if isinstance(term, Call) else ""
    if not text or text.endswith("()"):
        return ""
    level, module, rest = text.split(":", 2)
    if level == "0" and (module.partition(".")[0] in _LIBRARY or not (module or rest)):
        return ""
    return text


def kind_of(call: ast.Call) -> str:
    """The type of the socket that a call makes, which one of its arguments names: ``zmq.REQ``, ``SocketType.REQ``."""
    for one in [*call.args, *(each.value for each in call.keywords)]:
        if isinstance(one, ast.Attribute) and one.attr in KINDS:
            if (dotted(one.value) or "").rpartition(".")[2] in ("zmq", "SocketType", "azmq", "zmq_async"):
                return one.attr
        elif isinstance(one, ast.Name) and one.id in KINDS and _is_socket(call.func):
            return one.id
    return ""


def _is_socket(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and func.attr == "socket"


def ends(timeout: ast.expr) -> bool:
    """Whether a timeout ends: it is not the -1, or None, that stands for ever."""
    match timeout:
        case ast.Constant(value=None) | ast.UnaryOp(op=ast.USub()):
            return False
    return True


def does_not_wait(flags: ast.expr) -> bool:
    """Whether flags of a recv say that it does not wait."""
    return any(isinstance(one, ast.Attribute) and one.attr in ("NOBLOCK", "DONTWAIT") for one in below(flags))
