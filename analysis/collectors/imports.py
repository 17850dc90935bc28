"""What a file imports, and when each import runs."""

from __future__ import annotations

import ast
from typing import Literal

import msgspec

from analysis.facts import Span
from analysis.salvage import salvaged_imports
from analysis.walk import Collector, Walk

When = Literal["import", "conditional", "deferred", "typing", "class"]


class Import(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One import statement.

    ``module`` is the module of ``from module import …`` without its ``level`` leading dots, empty for a plain
    ``import``; ``names`` are the imported names with their aliases (None where there is none), dotted for a plain
    import, ``*`` for all. ``scope`` is the enclosing definition, ``<module>`` outside of any.

    ``when``: ``import``, always while the module is imported; ``conditional``, then but under an ``if``, ``try``,
    ``with``, ``match`` or loop; ``class``, then in a class body, conditional there or not; ``deferred``, when a
    function is called, or when the file is run as a script (``if __name__ == "__main__"``); ``typing``, never at run
    time (``if TYPE_CHECKING``, ``if False``). ``column`` is where it begins in characters, from 1.
    """

    span: Span
    module: str
    level: int
    names: tuple[tuple[str, str | None], ...]
    is_from: bool
    when: When
    scope: str
    column: int = 1


class Imports(Collector):
    """Topic ``imports``: one record for each import statement."""

    topic = "imports"
    version = 2
    record = Import
    nodes = (ast.Import, ast.ImportFrom)
    needles = (b"import",)

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        """Start with no other names for ``typing`` and ``TYPE_CHECKING`` than their own."""
        self.modules = {"typing", "typing_extensions"}
        self.flags = {"TYPE_CHECKING"}
        self.known: dict[int, When] = {}

    def visit(self, walk: Walk, node: ast.AST) -> None:
        """Note down one import."""
        if isinstance(node, ast.ImportFrom):
            module, level, is_from = node.module or "", node.level, True
        elif isinstance(node, ast.Import):
            module, level, is_from = "", 0, False
        else:
            return
        names = tuple((alias.name, alias.asname) for alias in node.names)
        self._learn(module, level, is_from, names)
        span = Span(node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0)
        when = self._when(walk, node) if walk.parents else "import"
        column = self.source.column(node.lineno, node.col_offset) if node.col_offset else 1
        self.records.append(Import(span, module, level, names, is_from, when, walk.qualname, column))

    def salvage(self) -> None:
        """Note down the imports that stand on lines of their own, wherever the file is broken."""
        self.records.extend(Import(*each) for each in salvaged_imports(self.source.data))

    def _learn(self, module: str, level: int, is_from: bool, names: tuple[tuple[str, str | None], ...]) -> None:
        for name, alias in names:
            if alias is None:
                continue
            if not is_from and name in ("typing", "typing_extensions"):
                self.modules.add(alias)
            elif is_from and level == 0 and module in ("typing", "typing_extensions") and name == "TYPE_CHECKING":
                self.flags.add(alias)

    def _when(self, walk: Walk, node: ast.stmt) -> When:
        kind = self._runs(walk.parents, node)
        if kind == "typing":
            return kind
        kinds = {scope.kind for scope in walk.scopes}
        if kind == "deferred" or "function" in kinds:
            return "deferred"
        return "class" if "class" in kinds else kind

    def _runs(self, parents: list[ast.AST], node: ast.AST) -> When:
        """When ``node`` runs as far as the statements around it tell, definitions aside.

        What was found for a statement holds for all inside of it, so no chain of ``elif`` is climbed twice.
        """
        known = len(parents)
        while known and id(parents[known - 1]) not in self.known:
            known -= 1
        when: When = self.known[id(parents[known - 1])] if known else "import"
        if known:
            known -= 1
        for at in range(known, len(parents)):
            outer = parents[at]
            self.known[id(outer)] = when
            inner = parents[at + 1] if at + 1 < len(parents) else node
            when = self._inside(when, outer, inner)
        return when

    def _inside(self, when: When, outer: ast.AST, inner: ast.AST) -> When:
        if when == "typing" or isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return when
        branch = self._branch(outer, inner) if isinstance(outer, ast.If) and isinstance(inner, ast.stmt) else None
        return branch or ("deferred" if when == "deferred" else "conditional")

    def _branch(self, test: ast.If, inner: ast.stmt) -> When | None:
        """When the branch of ``test`` that holds ``inner`` runs, if that is not while the module is imported."""
        condition: ast.expr = test.test
        after = test.orelse[0] if test.orelse else None
        in_body = after is None or (inner.lineno, inner.col_offset) < (after.lineno, after.col_offset)
        while isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
            condition, in_body = condition.operand, not in_body
        if in_body:
            if self._is_flag(condition) or (isinstance(condition, ast.Constant) and not condition.value):
                return "typing"
            if is_main(condition):
                return "deferred"
        return None

    def _is_flag(self, condition: ast.expr) -> bool:
        if isinstance(condition, ast.Name):
            return condition.id in self.flags
        if isinstance(condition, ast.Attribute) and isinstance(condition.value, ast.Name):
            return condition.attr == "TYPE_CHECKING" and condition.value.id in self.modules
        if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
            return any(self._is_flag(value) for value in condition.values)
        return False


def is_main(condition: ast.expr) -> bool:
    """Whether a condition is ``__name__ == "__main__"``."""
    if not (isinstance(condition, ast.Compare) and len(condition.ops) == 1 and isinstance(condition.ops[0], ast.Eq)):
        return False
    sides = (condition.left, condition.comparators[0])
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )
