"""Loggers of the standard library that a file makes, and which of them is sure to exist at a given place."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from analysis.collectors.prose import without_prose
from analysis.nodes import below, dotted
from analysis.walk import Scope, Walk

_MAKERS = frozenset({"logging.getLogger", "getLogger"})


class Loggers:
    """Notes the assignments of one file and answers which logger may be named where."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._module: dict[str, int] = {}
        self._class: dict[str, set[str]] = {}
        self._instance: dict[str, set[str]] = {}
        self._other: set[str] = set()
        self._names: set[str] = {"logging"}
        self._passing: dict[str, bool] = {}

    def note(self, walk: Walk, node: ast.AST) -> None:
        """Take in an assignment or a ``global`` statement."""
        if isinstance(node, ast.Global):
            # A function that rebinds a global may put anything there.
            self._other.update(node.names)
            return
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            return
        makes = isinstance(value, ast.Call) and dotted(value.func) in _MAKERS
        scope = walk.scopes[-1]
        if not makes:
            if scope.kind == "module":
                self._other.update(one.id for one in targets if isinstance(one, ast.Name))
            return
        for target in targets:
            name = dotted(target)
            if name is None:
                continue
            self._names.add(name)
            if name.isidentifier():
                if scope.kind == "module" and not walk.parents:
                    self._module.setdefault(name, node.lineno)
                elif scope.kind == "class" and len(walk.parents) == _depth(walk):
                    self._class.setdefault(scope.qualname, set()).add(name)
            elif name.startswith("self.") and name.count(".") == 1 and _first_in_init(walk, node):
                self._instance.setdefault(walk.scopes[-2].qualname, set()).add(name)

    def _passes(self, name: str) -> bool:
        """Whether something in the file may take the name away or bind it to something else: in doubt it does."""
        if name not in self._passing:
            other = re.compile(rb"\b(?:as|del|for|def|class|import)\b[^\n\r=:(]*\b%b\b" % name.encode())
            self._passing[name] = (
                other.search(self._data) is not None and other.search(without_prose(self._data)) is not None
            )
        return self._passing[name]

    def known(self, name: str) -> bool:
        """Whether ``name`` is bound to a standard logger somewhere in the file, or is the module ``logging``."""
        return name in self._names

    def at(self, scopes: list[Scope], definition: int, unbound: Callable[[str], bool], text: str) -> str:
        """An expression for a logger that exists whenever code in ``scopes`` runs; empty when none can be shown to.

        ``definition`` is the first line of the outermost enclosing definition: what stands above it at module level
        was run before. ``unbound`` tells whether no enclosing function binds a name. ``text`` is the source of the
        handlers: the logger that they use is preferred.
        """
        found = [
            name
            for name, line in self._module.items()
            if line < definition and name not in self._other and unbound(name) and not self._passes(name)
        ]
        owner = _owner(scopes)
        if owner is not None:
            names = sorted(f"self.{one}" for one in self._class.get(owner.qualname, ()))
            names += sorted(self._instance.get(owner.qualname, ()))
            if getattr(scopes[-1].node, "name", "") != "__init__":
                found += names
        used = [name for name in found if f"{name}." in text and re.search(rf"(?<![\w.]){re.escape(name)}\.", text)]
        return next(iter(used or found), "")


def _depth(walk: Walk) -> int:
    return len(walk.scopes) - 1


def _owner(scopes: list[Scope]) -> Scope | None:
    """The class whose plain method the innermost scope is."""
    if len(scopes) < 2 or scopes[-1].kind != "function" or scopes[-2].kind != "class":
        return None
    method = scopes[-1].node
    assert isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef))
    arguments = [*method.args.posonlyargs, *method.args.args]
    if method.decorator_list or not arguments or arguments[0].arg != "self":
        return None
    return scopes[-2]


def _first_in_init(walk: Walk, node: ast.AST) -> bool:
    """Whether the assignment in ``__init__`` comes before anything that could call a method of the object."""
    if len(walk.scopes) < 3 or walk.scopes[-2].kind != "class":
        return False
    method = walk.scopes[-1].node
    if not isinstance(method, ast.FunctionDef) or method.name != "__init__" or walk.parents[-1] is not method:
        return False
    owner = walk.scopes[-2].node
    if isinstance(owner, ast.ClassDef) and any(dotted(base) != "object" for base in owner.bases):
        # A subclass of something unknown may be called back from the base before this line has run.
        return False
    for statement in method.body:
        if statement is node:
            return True
        if any(isinstance(one, ast.Call) for one in below(statement)):
            return False
    return False
