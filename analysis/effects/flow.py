"""Which names a statement has bound by the time it is done."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from analysis.effects.scopes import Binding, target


def leaves(suite: list[ast.stmt]) -> bool:
    """Whether control never reaches the end of the suite."""
    return bool(suite) and completes_all(suite) is None


def completes_all(suite: Iterable[ast.stmt]) -> set[str] | None:
    """The names bound when all statements have completed, or None when the end is never reached."""
    bound: set[str] = set()
    for node in suite:
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


def completes(node: ast.stmt) -> set[str] | None:
    """The names that are surely bound once ``node`` has completed, or None when it never does."""
    match node:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            return None
        case ast.Assign():
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
            after.discard(handler.name)
        ends = _both(ends, after)
    last = completes_all(node.finalbody)
    if ends is None or last is None:
        return None
    for handler in node.handlers:
        if handler.name:
            ends.discard(handler.name)
    return ends | last


def _targets(targets: Iterable[ast.expr]) -> set[str]:
    found: dict[str, list[Binding]] = {}
    for each in targets:
        target(each, Binding("other", None), found)
    return set(found)


def before(path: list[tuple[list[ast.stmt], ast.stmt]]) -> set[str]:
    """The names bound on every way to a statement: ``path`` gives each enclosing suite and the statement in it."""
    bound: set[str] = set()
    for suite, inner in path:
        for node in suite:
            if node is inner:
                break
            more = completes(node)
            if isinstance(node, ast.Delete):
                bound.difference_update(each.id for each in node.targets if isinstance(each, ast.Name))
            bound |= more or set()
    return bound
