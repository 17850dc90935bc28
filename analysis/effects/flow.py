"""Which names a statement has bound by the time it is done."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from analysis.effects.scopes import Binding, Scope, target
from analysis.nodes import below


def leaves(suite: list[ast.stmt]) -> bool:
    """Whether control never reaches the end of the suite."""
    return bool(suite) and completes_all(suite) is None


def completes_all(suite: Iterable[ast.stmt]) -> set[str] | None:
    """The names bound when all statements have completed, or None when the end is never reached."""
    bound: set[str] = set()
    for node in suite:
        if node.__class__ in _PLAIN:
            continue
        more = completes(node)
        if more is None:
            return None
        if isinstance(node, ast.Delete):
            bound.difference_update(each.id for each in node.targets if isinstance(each, ast.Name))
        bound |= more
    return bound


def _both(first: set[str] | None, second: set[str] | None) -> set[str] | None:
    if first is None:
        return second
    return first if second is None else first & second


_PLAIN = frozenset({ast.Expr, ast.Pass, ast.While, ast.For, ast.Global, ast.Assert, ast.Nonlocal})


def completes(node: ast.stmt) -> set[str] | None:
    """The names that are surely bound once ``node`` has completed, or None when it never does.

    The answer is kept on the node: the same statements are asked about for each ``try`` below them.
    """
    if node.__class__ in _PLAIN:
        return set()
    try:
        return node.unsnarl_bound  # type: ignore[attr-defined,no-any-return]
    except AttributeError:
        node.unsnarl_bound = bound = _completes(node)  # type: ignore[attr-defined]
        return bound


def _completes(node: ast.stmt) -> set[str] | None:
    match node:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            return None
        case ast.Assign():
            first = node.targets[0]
            if len(node.targets) == 1 and isinstance(first, ast.Name):
                return {first.id}
            return _targets(node.targets)
        case ast.AnnAssign():
            return _targets([node.target]) if node.value is not None else set()
        case ast.AugAssign():
            return _targets([node.target])
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import():
            return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        case ast.ImportFrom():
            return {alias.asname or alias.name for alias in node.names}
        case ast.If():
            return _both(completes_all(node.body), completes_all(node.orelse))
        case ast.With() | ast.AsyncWith():
            # The manager may swallow an exception half way through the body, so only the names after `as` are sure.
            return _targets([item.optional_vars for item in node.items if item.optional_vars is not None])
        case ast.Try() | ast.TryStar():
            return _try(node)
        case _:
            return set()


def _try(node: ast.Try | ast.TryStar) -> set[str] | None:
    ends = completes_all([*node.body, *node.orelse])
    for handler in node.handlers:
        after = completes_all(handler.body)
        if after is not None and handler.name:
            after = after - {handler.name}
        ends = _both(ends, after)
    last = completes_all(node.finalbody)
    if ends is None or last is None:
        return None
    return (ends - {handler.name or "" for handler in node.handlers}) | last


def _targets(targets: Iterable[ast.expr]) -> set[str]:
    found: dict[str, list[Binding]] = {}
    for each in targets:
        target(each, Binding("other", None), found)
    return set(found)


def before(path: list[tuple[list[ast.stmt], ast.stmt]], bound: set[str]) -> None:
    """Bring ``bound`` from the start of a scope to a statement in it: ``path`` gives each suite on the way there."""
    for suite, inner in path:
        for node in suite:
            if node is inner:
                break
            if node.__class__ in _PLAIN:
                continue
            if isinstance(node, ast.Delete):
                bound.difference_update(each.id for each in node.targets if isinstance(each, ast.Name))
            bound |= completes(node) or set()


def settled_lines(module: Scope) -> dict[str, tuple[int, int]]:
    """Name to the first line from which a function may count on it, and the line that binds it.

    A function can run as soon as its ``def`` has. So a name that is bound further down is there in time only if
    nothing in between runs code that could call it: definitions, and constants.
    """
    assert isinstance(module.node, ast.Module)
    found: dict[str, tuple[int, int]] = {}
    since = 0
    for node in module.node.body:
        line = node.lineno
        bound = completes(node)
        still = inert(node)
        for name in bound or ():
            found.setdefault(name, (min(since + 1, line) if still else line, line))
        if not still:
            since = line
    for name, bindings in module.bindings.items():
        if any(each.how in ("deleted", "caught") for each in bindings):
            found.pop(name, None)
    return found


def inert(node: ast.stmt) -> bool:
    """Whether the statement runs no code that could call back into the module."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return not node.decorator_list
    if isinstance(node, ast.ClassDef):
        return not node.decorator_list and not node.keywords and not node.bases and all(map(inert, node.body))
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return isinstance(node.value, ast.Constant) or (
            isinstance(node.value, (ast.Dict, ast.List, ast.Tuple, ast.Set))
            and not any(isinstance(each, (ast.Call, ast.Attribute, ast.Subscript)) for each in below(node.value))
        )
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
