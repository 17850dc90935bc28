"""What the names of one file mean where sockets are made and used: keys of sockets, and what is called."""

from __future__ import annotations

import ast
import sys

from analysis.nodes import below
from analysis.values.bindings import Scope
from analysis.values.reader import Reader
from analysis.values.syntax import dotted
from analysis.values.terms import Call, Symbol

KINDS = frozenset({"REQ", "REP", "PUB", "SUB", "XPUB", "XSUB", "PUSH", "PULL", "ROUTER", "DEALER", "PAIR", "STREAM"})
_MODULES = ("zmq", "SocketType", "azmq", "zmq_async")
_DEPTH = 3
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


def kinds_of(call: ast.Call, keys: Keys, scope: Scope) -> tuple[str, ...]:
    """The types that the socket may have that a call makes, ``?`` for one that is not known; none for any other call.

    Of ``context.socket(...)`` its argument says so, of other calls one that names a type (``make(zmq.REQ, address)``).
    """
    kind = _argument(call)
    if kind is not None:
        return tuple(dict.fromkeys(_named(kind, keys, scope, call.lineno)))
    for one in [*call.args, *(each.value for each in call.keywords)]:
        if isinstance(one, ast.Attribute) and _of_zmq(one):
            return (one.attr,)
    return ()


def _argument(call: ast.Call) -> ast.expr | None:
    """What says the type of the socket that a context makes; None for another call, and for the library's sockets."""
    func = call.func
    if not (isinstance(func, ast.Attribute) and func.attr == "socket") or dotted(func) == "socket.socket":
        return None
    given = [*call.args[:1], *(one.value for one in call.keywords if one.arg in ("socket_type", "type"))]
    families = any(isinstance(one, ast.Attribute) and one.attr.startswith(("AF_", "SOCK_")) for one in given)
    return given[0] if given and not families else None


def _named(node: ast.expr, keys: Keys, scope: Scope, line: int, depth: int = 0) -> list[str]:
    """What an expression names as the type of a socket."""
    match node:
        case ast.Attribute() if _of_zmq(node):
            return [node.attr]
        case ast.IfExp(body=one, orelse=other):
            return [*_named(one, keys, scope, line, depth), *_named(other, keys, scope, line, depth)]
        case ast.BoolOp(op=ast.Or(), values=values):
            return [kind for one in values for kind in _named(one, keys, scope, line, depth)]
        case ast.NamedExpr(value=value):
            return _named(value, keys, scope, line, depth)
        case ast.Call(func=ast.Name(id="getattr"), args=[module, ast.Constant(value=str(name)), *_]):
            return [name] if name in KINDS and dotted(module) == "zmq" else ["?"]
        case ast.Name(id=name):
            return _variable(name, keys, scope, line, depth)
    return ["?"]


def _variable(name: str, keys: Keys, scope: Scope, line: int, depth: int) -> list[str]:
    found: Scope | None = scope
    while found is not None and (name not in found.bindings or (found is not scope and found.kind == "class")):
        found = found.outer
    if found is None or depth > _DEPTH:
        return ["?"]
    kinds: list[str] = []
    for one in found.at(name, line if found is scope else None):
        if one.how == "value" and isinstance(one.node, ast.expr):
            kinds += _named(one.node, keys, found, one.line, depth + 1)
        else:
            # `from zmq import REQ`
            imported = one.how == "from" and isinstance(one.node, ast.ImportFrom) and one.node.module == "zmq"
            kinds.append(one.text if imported and one.text in KINDS else "?")
    return kinds


def _of_zmq(node: ast.Attribute) -> bool:
    return node.attr in KINDS and (dotted(node.value) or "").rpartition(".")[2] in _MODULES


def ends(timeout: ast.expr) -> bool:
    """Whether a timeout ends: it is not the -1, or None, that stands for ever."""
    match timeout:
        case ast.Constant(value=None) | ast.UnaryOp(op=ast.USub()):
            return False
    return True


def does_not_wait(flags: ast.expr) -> bool:
    """Whether flags of a recv say that it does not wait."""
    return any(isinstance(one, ast.Attribute) and one.attr in ("NOBLOCK", "DONTWAIT") for one in below(flags))
