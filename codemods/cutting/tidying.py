"""Takes away the imports that a module has no use for any more, where it is seen that nobody takes them from there."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import NamedTuple

from analysis.collectors.crossings import Sites
from analysis.nodes import below
from codemods.compose import Change
from codemods.cutting import guards
from codemods.cutting.layout import Line, lines
from codemods.cutting.statements import Taken, all_gone, comment_behind, comments_above, local, shares_line, without
from codemods.cutting.workspace import Workspace
from codemods.edits import Splice
from codemods.imports import Refused
from codemods.tokens import scan

_TYPED = re.compile(rb"#\s*type:[^\r\n]*")
_LOOKING_UP = re.compile(rb"\b(?:globals|eval|exec)\(|\b(?:vars|locals|dir)\(\)")
_FLAG = "TYPE_CHECKING"


class _Idle(NamedTuple):
    """Aliases of the import at ``line`` that nothing uses."""

    line: int
    places: tuple[int, ...]


def tidy(workspace: Workspace, path: str, names: Collection[str]) -> dict[Line, Line]:
    """Take away those imports of ``names`` that are for nothing; returns the imports whose comments go with them."""
    told: dict[Line, Line] = {}
    if _remove(workspace, path, _idle(workspace, path, set(names)), told):
        # With the last import for type checkers goes what asks for them.
        _remove(workspace, path, _idle(workspace, path, {_FLAG}), told)
    return told


def _idle(workspace: Workspace, path: str, names: set[str]) -> list[_Idle]:
    """The imports of ``names`` that can go, from the last line on: to take one away moves none that is left."""
    tree = workspace.tree(path)
    if _LOOKING_UP.search(workspace.source(path).data) is not None:
        return []
    used = {one.name for one in Sites(tree).of(names)} | _quoted(workspace, path, names)
    found = []
    for node, block in _imports(tree):
        places = []
        for at, alias in enumerate(node.names):
            name = local(node, alias)
            if name not in names or name in used or alias.asname == alias.name:
                continue
            with suppress(Refused):
                guards.bound_once(tree, [name])
                guards.not_taken(workspace, path, [name])
                if block is not None or _is_private(workspace, path, node, alias):
                    places.append(at)
        if places:
            found.append(_Idle(node.lineno, tuple(places)))
    return sorted(found, reverse=True)


def _imports(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, ast.If | None]]:
    """The imports of the module's own level, and those for type checkers with the ``if`` that they stand in."""
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, None
        elif isinstance(node, ast.If) and guards.is_flag(node.test) and not node.orelse:
            yield from ((one, node) for one in node.body if isinstance(one, (ast.Import, ast.ImportFrom)))


def _quoted(workspace: Workspace, path: str, names: set[str]) -> set[str]:
    """Those of ``names`` that a text which is no docstring has, or a comment on types."""
    tree = workspace.tree(path)
    words: set[str] = set()
    docstrings = {
        id(node.body[0].value)
        for node in below(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in below(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            words.update(re.findall(r"[^\W\d]\w*", node.value))
    for comment in _TYPED.findall(workspace.source(path).data):
        words.update(re.findall(r"[^\W\d]\w*", comment.decode("utf-8", "replace")))
    return words & names


def _is_private(workspace: Workspace, path: str, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> bool:
    """Whether nobody is to take what is imported from this module: it is no package, or lists what is to be taken; and
    nobody takes from a package what the standard library has.
    """
    if path.rpartition("/")[2] != "__init__.py":
        return True
    offer = workspace.graph.offers.get(path)
    if offer is not None and offer.exported is not None:
        return local(node, alias) not in offer.exported
    module = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
    return not getattr(node, "level", 0) and module.partition(".")[0] in sys.stdlib_module_names


def _remove(workspace: Workspace, path: str, idle: list[_Idle], told: dict[Line, Line]) -> bool:
    """Take ``idle`` away one by one, so that blank lines are seen as they are then; whether an ``if`` went with one."""
    found = False
    for one in idle:
        node, block = next(pair for pair in _imports(workspace.tree(path)) if pair[0].lineno == one.line)
        whole = len(one.places) == len(node.names)
        with suppress(Refused):
            comment = comment_behind(workspace, path, node) if whole else ""
            above = comments_above(workspace, path, node) if whole else ()
            if "noqa" in comment or (whole and shares_line(block.body if block else workspace.tree(path).body, node)):
                continue
            if whole and block is not None and len(block.body) == 1:
                if _comments(workspace, path, block) > len(above) + bool(comment):
                    continue
                gone: tuple[Splice, ...] = (all_gone(workspace, path, block, 0),)
                found = True
            else:
                gone = without(workspace, path, Taken(node, one.places, whole, comment, above))
            workspace.edit(path, [Change((each,)) for each in gone])
            if comment or above:
                first = lines(node, node.names)[0]
                told[first] = first._replace(above=above, behind=comment)
    return found


def _comments(workspace: Workspace, path: str, node: ast.stmt) -> int:
    """How many comments stand in a block, behind its last statement, too."""
    source, last = workspace.source(path), node.end_lineno or node.lineno
    while last < len(source.lines) and (not source.lines[last].strip() or source.lines[last][:1] in (b" ", b"\t")):
        last += 1
    return len(scan(b"".join(source.lines[node.lineno - 1 : last]), source.encoding).comments)
