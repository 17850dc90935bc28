"""Where the names of a scope get their values, and which of those values may be there at a given line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal, NamedTuple

How = Literal[
    "value", "added", "element", "unpacked", "import", "from", "function", "class", "parameter", "context", "other"
]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Binding(NamedTuple):
    """One place that binds a name. ``how`` says what ``node`` is:

    ``value``: the expression assigned; ``added``: the operand of ``+=``; ``element``: what a loop runs over;
    ``unpacked``: an expression that is taken apart (``at`` is the index, -1 when it is not known), and where a loop
    does so ``text`` is "element"; ``import``: ``text`` is a dotted module; ``from``: ``text`` is the name, ``node`` the
    statement; ``context``: what ``with`` enters; ``parameter``: the ``ast.arg``; ``other``: anything else.

    ``path`` are the suites around the statement, outermost first; ``line`` is where the name has got its value.
    """

    how: How
    node: ast.AST | None
    line: int
    path: tuple[int, ...]
    text: str = ""
    at: int = -1


class Suite(NamedTuple):
    """A run of statements in a scope: its lines, its own path, and whether it runs again and again."""

    first: int
    last: int
    path: tuple[int, ...]
    loops: bool


class Scope:
    """A module, class or function; what it binds is read the first time somebody asks."""

    __slots__ = ("_found", "_suites", "kind", "node", "outer", "owner", "qualname", "returns")

    def __init__(
        self,
        kind: Literal["module", "class", "function"],
        qualname: str,
        node: ast.Module | ast.ClassDef | FunctionNode,
        outer: Scope | None,
    ) -> None:
        self.kind = kind
        self.qualname = qualname
        self.node = node
        self.outer = outer
        self.owner = outer.qualname if outer is not None and outer.kind == "class" and kind == "function" else ""
        """The class whose method this is, or empty."""
        self.returns: list[ast.expr] = []
        """What the ``return`` statements of a function give."""
        self._found: dict[str, list[Binding]] | None = None
        self._suites: list[Suite] = []

    @property
    def bindings(self) -> dict[str, list[Binding]]:
        """Name to the places that bind it, in the order of the lines."""
        return self._read()

    def _read(self) -> dict[str, list[Binding]]:
        if self._found is None:
            self._found = {}
            if isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                args = self.node.args
                every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
                for arg in every:
                    self._add(arg.arg, Binding("parameter", arg, self.node.lineno, ()))
                for more in (args.vararg, args.kwarg):
                    if more is not None:
                        self._add(more.arg, Binding("other", more, self.node.lineno, ()))
            self._suite(self.node.body, (), loops=False)
        return self._found

    def at(self, name: str, line: int | None) -> list[Binding]:
        """The bindings whose value ``name`` may have at ``line``; None: when the whole scope has run.

        A binding that is sure to have run hides those before it. What a loop binds below ``line`` counts as well.
        """
        every = self.bindings.get(name, [])
        if len(every) < 2:
            return every
        path, loops = self.place(line)
        found: list[Binding] = []
        for one in every:
            if line is not None and one.line >= line:
                if any(suite in one.path for suite in loops):
                    found.append(one)
                continue
            sure = one.path == path[: len(one.path)] and one.how != "added"
            found = [one] if sure else [*found, one]
        if any(one.how == "added" for one in found):
            # What is added to stands before: the caller follows it from there.
            last = max(at for at, one in enumerate(found) if one.how == "added")
            if found[last].path == path[: len(found[last].path)]:
                found = found[last:]
        return found or every

    def place(self, line: int | None) -> tuple[tuple[int, ...], list[int]]:
        """The path of a line, and the suites on it that are loops."""
        self._read()
        if line is None:
            return ((self._suites[0].path[0],) if self._suites else ()), []
        inside = [one for one in self._suites if one.first <= line <= one.last]
        deepest = max(inside, key=lambda one: len(one.path), default=None)
        return (deepest.path if deepest is not None else ()), [one.path[-1] for one in inside if one.loops]

    def _add(self, name: str, binding: Binding) -> None:
        assert self._found is not None
        self._found.setdefault(name, []).append(binding)

    def _suite(self, suite: list[ast.stmt], path: tuple[int, ...], *, loops: bool) -> None:
        if not suite:
            return
        path = (*path, id(suite))
        last = suite[-1].end_lineno or suite[-1].lineno
        self._suites.append(Suite(suite[0].lineno, last, path, loops))
        for node in suite:
            self._statement(node, path)

    def _statement(self, node: ast.stmt, path: tuple[int, ...]) -> None:
        line = node.end_lineno or node.lineno
        match node:
            case ast.Expr() | ast.Return():
                pass
            case ast.Assign():
                for each in node.targets:
                    self._target(each, Binding("value", node.value, line, path))
            case ast.AnnAssign():
                if node.value is not None:
                    self._target(node.target, Binding("value", node.value, line, path))
            case ast.AugAssign():
                how: How = "added" if isinstance(node.op, ast.Add) else "other"
                self._target(node.target, Binding(how, node.value, line, path))
            case ast.If() | ast.While():
                self._suite(node.body, path, loops=isinstance(node, ast.While))
                self._suite(node.orelse, path, loops=False)
            case ast.For() | ast.AsyncFor():
                body = (*path, id(node.body))
                how = "element" if isinstance(node, ast.For) else "other"
                self._target(node.target, Binding(how, node.iter, node.lineno, body))
                self._suite(node.body, path, loops=True)
                self._suite(node.orelse, path, loops=False)
            case ast.Try() | ast.TryStar():
                # Behind the statement its body has run as often as not: an assignment there is one of several.
                self._suite(node.body, path, loops=False)
                for handler in node.handlers:
                    if handler.name:
                        self._add(handler.name, Binding("other", handler, handler.lineno, (*path, id(handler.body))))
                    self._suite(handler.body, path, loops=False)
                self._suite(node.orelse, path, loops=False)
                for inner in node.finalbody:
                    self._statement(inner, path)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    if item.optional_vars is not None:
                        self._target(item.optional_vars, Binding("context", item.context_expr, node.lineno, path))
                for inner in node.body:
                    self._statement(inner, path)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._add(node.name, Binding("function", node, line, path))
            case ast.ClassDef():
                self._add(node.name, Binding("class", node, line, path))
            case ast.Import():
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    self._add(alias.asname or whole, Binding("import", node, line, path, whole))
            case ast.ImportFrom():
                for alias in node.names:
                    self._add(alias.asname or alias.name, Binding("from", node, line, path, alias.name))
            case ast.Match():
                for case in node.cases:
                    self._suite(case.body, path, loops=False)
            case _:
                pass

    def _target(self, node: ast.AST, binding: Binding) -> None:
        if isinstance(node, ast.Name):
            self._add(node.id, binding)
        elif isinstance(node, (ast.Tuple, ast.List)):
            taken = binding.how in ("value", "element")
            starred = any(isinstance(each, ast.Starred) for each in node.elts)
            for at, each in enumerate(node.elts):
                part = binding._replace(
                    how="unpacked" if taken else "other",
                    text="element" if binding.how == "element" else "",
                    at=-1 if starred else at,
                )
                self._target(each, part)
        elif isinstance(node, ast.Starred):
            self._target(node.value, binding._replace(how="other"))


def attribute_targets(node: ast.stmt) -> Iterator[tuple[ast.Attribute, ast.expr, bool]]:
    """The attributes that a statement assigns, each with the value, and whether it is added to what was there."""
    match node:
        case ast.Assign():
            for each in node.targets:
                if isinstance(each, ast.Attribute):
                    yield each, node.value, False
                elif isinstance(each, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for one, value in zip(each.elts, node.value.elts, strict=False):
                        if isinstance(one, ast.Attribute):
                            yield one, value, False
        case ast.AnnAssign():
            if isinstance(node.target, ast.Attribute) and node.value is not None:
                yield node.target, node.value, False
        case ast.AugAssign():
            if isinstance(node.target, ast.Attribute) and isinstance(node.op, ast.Add):
                yield node.target, node.value, True
