"""What the source calls a port whose number stands in the middle of an expression."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from analysis.nodes import children
from analysis.values.syntax import dotted

_NAMES = frozenset(
    {"name", "agent", "agent_name", "service", "service_name", "display_name", "container_name", "script"}
)
_SOCKETS = frozenset({"bind", "connect", "bind_async", "connect_async", "unbind", "disconnect", "connect_ex", "sendto"})
_LOOK_UPS = frozenset({"get", "getenv", "get_env", "env", "pop", "setdefault", "getattr"})


class Context:
    """The expressions of one statement, each with the one around it."""

    def __init__(self, statement: ast.stmt, roots: Iterable[ast.AST]) -> None:
        self.statement = statement
        self._parents: dict[int, ast.AST] = {}
        todo = list(roots)
        for node in todo:
            for child in children(node):
                self._parents[id(child)] = node
                todo.append(child)

    def names(self, node: ast.AST) -> tuple[str, ...]:
        """What stands around ``node`` and may say whose port it is, the nearest first."""
        return tuple(dict.fromkeys(filter(None, self._names(node))))

    def _names(self, node: ast.AST) -> Iterator[str]:
        # In a list of several a name further out is that of the list.
        alone = True
        while (outer := self._parents.get(id(node))) is not None:
            match outer:
                case ast.keyword(arg=str(name)):
                    yield name
                case ast.Dict():
                    yield from _entry(outer, node)
                    alone = False
                case ast.Call():
                    yield from _call(outer, node)
                case ast.List() | ast.Tuple() | ast.Set() | ast.ListComp():
                    alone = False
            node = outer
        if alone and isinstance(self.statement, (ast.Assign, ast.AnnAssign)):
            targets = self.statement.targets if isinstance(self.statement, ast.Assign) else [self.statement.target]
            yield from (_last(target) for target in targets)


def _entry(outer: ast.Dict, node: ast.AST) -> Iterator[str]:
    for key, value in zip(outer.keys, outer.values, strict=True):
        if value is node:
            yield _text(key)
    for key, value in zip(outer.keys, outer.values, strict=True):
        if _text(key) in _NAMES:
            yield _text(value)


def _call(outer: ast.Call, node: ast.AST) -> Iterator[str]:
    """The socket that is bound or connected, the variable that is looked up, the class that is made, and its name."""
    function = outer.func
    name = dotted(function)
    last = name.rpartition(".")[2] or (function.attr if isinstance(function, ast.Attribute) else "")
    if node is function:
        return
    if last in _SOCKETS and isinstance(function, ast.Attribute):
        yield _last(function.value)
    elif last in _LOOK_UPS and outer.args and outer.args[0] is not node:
        yield _text(outer.args[0])
    yield from (_text(one.value) for one in outer.keywords if one.arg in _NAMES)
    if last[:1].isupper() and not last.isupper():
        yield last


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _last(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=inner, slice=key):
            return _text(key) or _last(inner)
    return ""
