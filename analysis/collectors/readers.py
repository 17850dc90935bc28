"""Functions that read the error which their caller is handling, as ``traceback.format_exc()`` in a helper does."""

from __future__ import annotations

import ast

import msgspec

from analysis.collectors.active import CLOSED, marks, names_reader, reads_active
from analysis.collectors.mentions import marked
from analysis.nodes import children
from analysis.walk import Collector, Walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Reader(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One such function, by its own name: how a call site would name it, ``await`` in front of it for a coroutine."""

    name: str


class ReaderCollector(Collector):
    """Collects the functions that read the error being handled outside their own handlers.

    They do so themselves or through another function of the file. A class whose constructor does is one of them, and
    so is another name for a function that is known to.
    """

    topic = "readers"
    version = 2
    record = Reader
    nodes = (*_FUNCTIONS, ast.Assign, ast.ImportFrom)

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        """Look for the words that give such a function away: most files have none."""
        self._marks = walk.once(marks)
        self._names: set[str] = set()
        self._functions: list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]] = []

    def visit(self, walk: Walk, node: ast.AST) -> None:
        """Note down a function that does; its bytes are asked first, since most do not."""
        if not self._marks:
            return
        if isinstance(node, ast.ImportFrom):
            if node.module in ("traceback", "logging"):
                self._names.update(one.asname for one in node.names if one.asname and names_reader(one.name))
            return
        if isinstance(node, ast.Assign):
            if self._marked(node) and _stands_for_reader(node.value):
                self._names.update(_last(one) for one in node.targets)
            return
        assert isinstance(node, _FUNCTIONS)
        name = node.name
        if name in ("__init__", "__new__") and walk.scopes[-1].kind == "class":
            name = walk.scopes[-1].qualname.rpartition(".")[2]
        if isinstance(node, ast.AsyncFunctionDef):
            name = f"await {name}"
        self._functions.append((name, node))
        if self._marked(node) and reads_active(node.body):
            self._names.add(name)

    def finish(self, walk: Walk) -> None:
        """Add the functions that call one of those found, until there are no more."""
        self._names.discard("")
        called: dict[int, set[str]] = {}
        new = set(self._names)
        while new:
            words = [one.removeprefix("await ").encode() for one in new]
            added: set[str] = set()
            for at, (name, node) in enumerate(self._functions):
                start, end = self._place(node)
                # Most functions do not hold the words, and need not be looked into.
                if name in self._names or not any(self.source.data.find(one, start, end) >= 0 for one in words):
                    continue
                if at not in called:
                    called[at] = _called(node)
                if not new.isdisjoint(called[at]):
                    added.add(name)
            self._names |= added
            new = added
        self.records.extend(Reader(name) for name in sorted(self._names))

    def _marked(self, node: ast.stmt) -> bool:
        return marked(self._marks, *self._place(node))

    def _place(self, node: ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        return self.source.offset(node.lineno, 0), self.source.offset(node.end_lineno, node.end_col_offset or 0)


def _called(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The names that a function calls bare or on ``self``, outside its own handlers and the functions inside it."""
    found: set[str] = set()
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, CLOSED):
            continue
        if isinstance(node, ast.Call):
            found.add(_own(node))
        elif isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            found.add(f"await {_own(node.value)}")
        pending += children(node)
    return found


def _own(node: ast.Call) -> str:
    """The name of a function of the file that is called, bare or on ``self``; empty for any other."""
    called = node.func
    if isinstance(called, ast.Name):
        return called.id
    on_self = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)
    return called.attr if on_self and called.value.id in ("self", "cls") else ""  # type: ignore[attr-defined]


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _stands_for_reader(node: ast.expr) -> bool:
    """Whether a value is a function that reads the error being handled: by its name, a lambda, or a ``partial``."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        return names_reader(_last(node))
    if isinstance(node, ast.Lambda):
        return reads_active([ast.Expr(node.body)])
    return isinstance(node, ast.Call) and _last(node.func) in ("partial", "partialmethod")
