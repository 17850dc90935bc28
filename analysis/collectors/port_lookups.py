"""Look-ups in the port registry: the names of ports that a file asks for instead of writing their numbers."""

from __future__ import annotations

import ast
from typing import ClassVar

import msgspec

from analysis.nodes import below
from analysis.walk import Collector, Walk

_FUNCTIONS = frozenset({"get_port", "bind_socket", "claim"})


class PortLookup(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One look-up, on ``line``: ``get_port("NAME", machine="m")``; ``machine`` is empty where none is named."""

    line: int
    name: str
    machine: str


class PortLookupCollector(Collector):
    """Collects the look-ups of a file whose name is written out."""

    topic: ClassVar[str] = "port-lookups"
    version: ClassVar[int] = 1
    record = PortLookup
    needles = (b"get_port", b"bind_socket", b"claim")

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        if not any(needle in self.source.data for needle in self.needles):
            return
        # They stand anywhere in an expression, in defaults and decorators, too, and few files have one.
        nodes = below(tree)
        known = {name: name for name in _FUNCTIONS}
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                known.update({one.asname: one.name for one in node.names if one.asname and one.name in _FUNCTIONS})
        for node in nodes:
            if isinstance(node, ast.Call) and _last(node.func) in known:
                self._note(node, known[_last(node.func)])

    def finish(self, walk: Walk) -> None:
        self.records.sort(key=lambda one: one.line)

    def _note(self, call: ast.Call, function: str) -> None:
        given = {one.arg: one.value for one in call.keywords}
        name = _text(call.args[0] if call.args else given.get("name"))
        # The second argument of the others is an owner.
        second = call.args[1] if function == "get_port" and len(call.args) > 1 else given.get("machine")
        if name:
            self.records.append(PortLookup(call.lineno, name, _text(second)))


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
