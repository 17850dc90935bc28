"""The names of one scope: where each occurs, which are bound, and whether the code looks at them at run time."""

from __future__ import annotations

import ast

from analysis.nodes import below

_INSPECTORS = frozenset({"locals", "vars", "dir", "eval", "exec", "globals"})
Place = tuple[int, int]
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_NOTED = frozenset(
    {
        *(ast.Call, ast.Compare, ast.arg, ast.ExceptHandler, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
        *(ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
    }
)


class Names:
    """Every occurrence of every name in a scope and in the scopes inside it.

    ``bound`` holds the names that the scope itself or one inside it binds; ``inspections`` the lines of calls that
    read the scope's names without naming them.
    """

    def __init__(self, scope: ast.AST) -> None:
        self.places: dict[str, list[tuple[int, int]]] = {}
        self.bound: set[str] = set()
        self.inspections: list[int] = []
        self._asked: set[int] = set()
        self._handlers: dict[str, list[ast.ExceptHandler]] = {}
        quoted: dict[int, Place] = {}
        for node in below(scope):
            kind = node.__class__
            if kind is ast.Name:
                assert isinstance(node, ast.Name)
                place = quoted.get(id(node)) or (node.lineno, node.col_offset)
                self.places.setdefault(node.id, []).append(place)
                if node.ctx.__class__ is not ast.Load:
                    self.bound.add(node.id)
            elif kind in _NOTED:
                if node is not scope or kind not in _SCOPES:
                    self._note(node)
            elif kind is ast.JoinedStr:
                assert isinstance(node, ast.JoinedStr)
                # Before 3.12 the positions inside an f-string are not to be trusted. The outer one comes first.
                for inner in below(node):
                    quoted.setdefault(id(inner), (node.lineno, node.col_offset))

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) and id(node) not in self._asked else ""
            if called in _INSPECTORS and (not node.args or called in ("eval", "exec")):
                self.inspections.append(node.lineno)
            return
        if isinstance(node, ast.Compare):
            self._compared(node)
            return
        names: tuple[str | None, ...] = ()
        if isinstance(node, ast.arg):
            names = (node.arg,)
        elif isinstance(node, ast.ExceptHandler):
            if node.name is not None:
                self.bound.add(node.name)
                self._handlers.setdefault(node.name, []).append(node)
                self.places.setdefault(node.name, []).append((node.lineno, node.col_offset))
            return
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = (node.name,)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = tuple((one.asname or one.name).split(".")[0] for one in node.names)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            names = tuple(node.names)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)):
            names = (node.name,)
        elif isinstance(node, ast.MatchMapping):
            names = (node.rest,)
        for name in names:
            if name is not None:
                self.bound.add(name)
                self.places.setdefault(name, []).append((getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))

    def _compared(self, node: ast.Compare) -> None:
        """``"name" in locals()`` asks for one name only, which is as good as naming it."""
        for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
            if not (isinstance(left, ast.Constant) and isinstance(left.value, str) and isinstance(right, ast.Call)):
                continue
            if isinstance(right.func, ast.Name) and right.func.id in _INSPECTORS and not right.args:
                self._asked.add(id(right))
                self.places.setdefault(left.value, []).append((node.lineno, node.col_offset))

    def shared(
        self,
        name: str,
        handler: ast.ExceptHandler,
        parents: list[ast.AST],
    ) -> bool:
        """Whether ``name``, bound by ``handler``, means something else elsewhere in the scope.

        Binding it to None when nothing was caught would then be seen. Handlers apart from this one that bind the same
        name do no harm: they bind it before they use it. A handler around this one does: its error is still wanted.
        """
        others = [one for one in self._handlers.get(name, []) if one is not handler]
        if any(one is parent for one in others for parent in parents):
            return True
        return any(
            not _holds(handler, place) and not any(_holds(one, place) for one in others) for place in self.places[name]
        )


def _holds(node: ast.ExceptHandler, place: tuple[int, int]) -> bool:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return (node.lineno, node.col_offset) <= place < (node.end_lineno, node.end_col_offset)
