"""Small questions about expressions, answered from the tree alone."""

from __future__ import annotations

import ast
import re

from analysis import nodes
from analysis.values.bindings import FunctionNode
from analysis.values.terms import Choice, Const, Env, Join, Term, join, replaced

_TEXT = 80
_SHELL = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def shell(text: str) -> Term:
    """Text with ``${NAME}`` and ``${NAME:-default}`` in it, as YAML files and shells have it."""
    parts: list[Term] = []
    done = 0
    for place in _SHELL.finditer(text):
        parts.append(Const(text[done : place.start()]))
        parts.append(Env(place[1], Const(place[2]) if place[2] else None))
        done = place.end()
    parts.append(Const(text[done:]))
    return join(part for part in parts if part != Const(""))


def arguments(function: FunctionNode, call: ast.Call, *, bound: bool) -> dict[str, ast.expr]:
    """What ``call`` passes for which parameter, as far as that can be told; ``bound``: the first one is given."""
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    decorated = {dotted(one) for one in function.decorator_list}
    if bound and "staticmethod" not in decorated:
        names = names[1:]
    found: dict[str, ast.expr] = {}
    for name, value in zip(names, call.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        found[name] = value
    found.update((one.arg, one.value) for one in call.keywords if one.arg)
    return found


def default_of(function: FunctionNode, arg: ast.arg) -> ast.expr | None:
    """The default of a parameter."""
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    for one, default in zip(reversed(positional), reversed(args.defaults), strict=False):
        if one is arg:
            return default
    for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):  # type: ignore[assignment]
        if one is arg:
            return default
    return None


def dotted(node: ast.expr) -> str:
    """``a.b.c`` as text; empty for anything else."""
    return nodes.dotted(node) or ""


def first_parameter(function: FunctionNode) -> ast.arg | None:
    """The parameter that a method is bound to; None for a static one."""
    every = [*function.args.posonlyargs, *function.args.args]
    if not every or any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in function.decorator_list):
        return None
    return every[0]


def is_text(term: Term) -> bool:
    """Whether a term is sure to be text, or may be."""
    match term:
        case Const(value):
            return isinstance(value, str)
        case Choice(options):
            return any(map(is_text, options))
    return isinstance(term, Join)


def shown(node: ast.AST) -> str:
    """The source of an expression, cut when it is long."""
    text = ast.unparse(node)
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def converted(value: Term, *, number: bool) -> Term:
    """What ``int`` (``number``) or ``str`` makes of a value."""

    def change(term: Term) -> Term | None:
        if number and isinstance(term, Const) and isinstance(term.value, str):
            return Const(int(term.value)) if term.value.strip().isdecimal() else None
        return None

    return replaced(value, change) if number else value
