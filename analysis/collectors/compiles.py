"""Whether the compiler takes a file that the parser took."""

from __future__ import annotations

import ast

from analysis.facts import Fault
from analysis.walk import Collector, Walk


class Compiles(Collector):
    """Topic ``compiles``: one fault of kind ``compile`` for a file that parses and does not compile, else nothing."""

    topic = "compiles"
    version = 1
    record = Fault

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        """Compile the file's bytes."""
        fault = self.source.compile_fault()
        if fault is not None:
            self.records.append(fault)
