"""Exception handlers: what each ``try`` catches and whether its handlers pass the error on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

import msgspec

from analysis.facts import Span
from analysis.nodes import below, dotted
from analysis.walk import Collector, Walk

Reraises = Literal["never", "some", "always"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_TRIES = (ast.Try, ast.TryStar)
_BROAD = frozenset({"Exception", "BaseException"})


class Handler(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One ``except`` clause.

    ``types`` are the names it catches as they are written, ``?`` for an expression that is no dotted name; none at all
    for a bare ``except``. ``reraises`` and ``logs_traceback`` are worked out for broad handlers only, for others they
    stay ``never`` and false: ``some`` when the caught error is raised again somewhere (``raise``, ``raise e``,
    ``raise X from e``), ``always`` when every path through the handler ends in a raise of any kind. ``header`` is the
    source of the clause up to its colon, with the white space made uniform.
    """

    span: Span
    types: tuple[str, ...]
    name: str | None
    reraises: Reraises
    logs_traceback: bool
    header: str

    @property
    def catches_all(self) -> bool:
        """Whether it catches ``Exception`` or more, whatever it does with it."""
        return catches_all(self.types)

    @property
    def catches_exits(self) -> bool:
        """Whether it also catches ``KeyboardInterrupt``, ``SystemExit`` and cancellation."""
        return not self.types or any(one.removeprefix("builtins.") == "BaseException" for one in self.types)


class Try(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One ``try`` statement with handlers; ``star`` for ``except*``; ``scope`` is the enclosing definition."""

    span: Span
    star: bool
    scope: str
    handlers: tuple[Handler, ...]


class HandlerCollector(Collector):
    """Collects the ``try`` statements that have handlers."""

    topic = "handlers"
    version = 1
    record = Try
    nodes = _TRIES
    needles = (b"except",)

    def visit(self, walk: Walk, node: ast.AST) -> None:
        assert isinstance(node, _TRIES)
        if node.handlers:
            self.records.append(
                Try(
                    span=span_of(node),
                    star=isinstance(node, ast.TryStar),
                    scope=walk.qualname,
                    handlers=tuple(_handler(one, isinstance(node, ast.TryStar)) for one in node.handlers),
                )
            )


def span_of(node: ast.stmt | ast.expr | ast.ExceptHandler) -> Span:
    """The span of a parsed node, whose end the parser always sets."""
    return Span(node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def caught_types(node: ast.expr | None) -> tuple[str, ...]:
    """The types that the expression after ``except`` names, nested tuples opened; ``?`` where it is no name."""
    if node is None:
        return ()
    if isinstance(node, ast.Tuple):
        # `except ():` is legal and catches nothing, which must not look like a bare `except`.
        return tuple(name for item in node.elts for name in caught_types(item)) or ("?",)
    return (dotted(node) or "?",)


def catches_all(types: tuple[str, ...]) -> bool:
    """Whether a clause that names ``types`` catches ``Exception`` or more."""
    return not types or any(one.removeprefix("builtins.") in _BROAD for one in types)


def _handler(node: ast.ExceptHandler, star: bool) -> Handler:
    types = caught_types(node.type)
    header = "except*" if star else "except"
    if node.type is not None:
        header += " " + (types[0] if isinstance(node.type, ast.Name) else ast.unparse(node.type))
    if node.name is not None:
        header += f" as {node.name}"
    plain = Handler(span_of(node), types, node.name, "never", False, header)
    if not plain.catches_all:
        return plain
    return Handler(plain.span, types, node.name, reraises(node), _logs_traceback(node), header)


def reraises(handler: ast.ExceptHandler) -> Reraises:
    """Whether a handler raises the error that it caught again: see ``Handler``."""
    if always_raises(handler.body):
        return "always"
    return "some" if any(True for _ in _reraised(handler.body, handler.name, own=True)) else "never"


def always_raises(suite: list[ast.stmt]) -> bool:
    """Whether every path through ``suite`` ends in a ``raise``; ``return`` and loops count as ways out."""
    last = suite[-1]
    if isinstance(last, ast.Raise):
        return not _leaves_otherwise(suite)
    if isinstance(last, ast.If):
        both = bool(last.orelse) and always_raises(last.body) and always_raises(last.orelse)
        return both and not _leaves_otherwise(suite[:-1])
    if isinstance(last, (ast.With, ast.AsyncWith)):
        # The context manager could swallow what is raised inside it.
        return False
    if isinstance(last, _TRIES):
        return always_raises(last.finalbody) if last.finalbody else False
    return False


def _leaves_otherwise(suite: list[ast.stmt]) -> bool:
    return any(isinstance(node, (ast.Return, ast.Break, ast.Continue)) for node in statements(suite))


def _reraised(suite: list[ast.stmt], name: str | None, own: bool) -> Iterator[ast.Raise]:
    """The raises of the caught error; ``own`` is false inside an inner handler, where a bare ``raise`` is another's."""
    for node in suite:
        if isinstance(node, ast.Raise):
            if node.exc is None:
                if own:
                    yield node
            elif name is not None and (_is_name(node.exc, name) or _is_name(node.cause, name)):
                yield node
        elif not isinstance(node, _FUNCTIONS):
            if isinstance(node, _TRIES) and _jumps(node.finalbody, loop=False):
                # A `finally` that returns drops what is raised before it.
                yield from _reraised(node.finalbody, name, own)
                continue
            for field in ("body", "orelse", "finalbody"):
                yield from _reraised(getattr(node, field, []), name, own)
            for handler in getattr(node, "handlers", ()):
                yield from _reraised(handler.body, name, own=False)
            for case in getattr(node, "cases", ()):
                yield from _reraised(case.body, name, own)


def _jumps(suite: list[ast.stmt], *, loop: bool) -> bool:
    """Whether a suite has a ``return``, or a ``break`` or ``continue`` of a loop around it."""
    for node in suite:
        if isinstance(node, ast.Return) or (isinstance(node, (ast.Break, ast.Continue)) and not loop):
            return True
        if isinstance(node, _FUNCTIONS):
            continue
        inside = loop or isinstance(node, (ast.For, ast.AsyncFor, ast.While))
        suites = [(getattr(node, "body", []), inside), (getattr(node, "orelse", []), loop)]
        suites += [(getattr(node, "finalbody", []), loop)]
        suites += [(one.body, loop) for one in (*getattr(node, "handlers", ()), *getattr(node, "cases", ()))]
        if any(_jumps(inner, loop=looped) for inner, looped in suites):
            return True
    return False


def _is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _logs_traceback(handler: ast.ExceptHandler) -> bool:
    for statement in handler.body:
        for node in below(statement):
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Attribute) and node.func.attr == "exception":
                    return True
                for keyword in node.keywords:
                    if keyword.arg == "exc_info" and not (
                        isinstance(keyword.value, ast.Constant) and not keyword.value.value
                    ):
                        return True
    return False


def statements(suite: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement of ``suite`` and of the suites inside it, functions and classes left closed."""
    for node in suite:
        yield node
        if isinstance(node, _FUNCTIONS):
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, field, []))
        for handler in getattr(node, "handlers", ()):
            yield from statements(handler.body)
        for case in getattr(node, "cases", ()):
            yield from statements(case.body)
