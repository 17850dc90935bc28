"""Functions that read the error which their caller is handling, as ``traceback.format_exc()`` in a helper does."""

from __future__ import annotations

import ast

import msgspec

from analysis.collectors.active import reads_active
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
    needles = (
        b"exc_info",
        b"format_exc",
        b"print_exc",
        b".exception(",
        b"sys.exception",
        b"capture_exception",
        b"raise",
    )

    def visit(self, walk: Walk, node: ast.AST) -> None:
        assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if reads_active(node.body):
            self.records.append(Reader(node.name))
