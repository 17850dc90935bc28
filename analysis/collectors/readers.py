"""Functions that read the error which their caller is handling, as ``traceback.format_exc()`` in a helper does."""

from __future__ import annotations

import ast

import msgspec

from analysis.collectors.active import marks, reads_active
from analysis.collectors.words import marked
from analysis.walk import Collector, Walk


class Reader(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One such function, by its own name: how a call site would name it."""

    name: str


class ReaderCollector(Collector):
    """Collects the functions whose body, outside its own handlers, reads the error being handled."""

    topic = "readers"
    version = 1
    record = Reader
    nodes = (ast.FunctionDef, ast.AsyncFunctionDef)

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        """Look for the words that give such a function away: most files have none."""
        self._marks = walk.once(marks)

    def visit(self, walk: Walk, node: ast.AST) -> None:
        """Note down a function that does; its bytes are asked first, since most do not."""
        assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if not self._marks:
            return
        assert node.end_lineno is not None
        start, end = self.source.offset(node.lineno, 0), self.source.offset(node.end_lineno, node.end_col_offset or 0)
        if marked(self._marks, start, end) and reads_active(node.body):
            self.records.append(Reader(node.name))
