"""Imports of several names at once, put where people would: into a statement that is there, or beside their like."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence

from analysis.collectors.header import Header, HeaderCollector
from codemods.compose import Change
from codemods.cutting.workspace import Workspace
from codemods.edits import Need, Splice
from codemods.imports import Imports


def bring(workspace: Workspace, path: str, needs: Sequence[Need]) -> dict[Need, str]:
    """Have ``needs`` imported in the file; returns what to write for each in its functions. Raises Refused."""
    names: dict[Need, str] = {}
    modules: dict[str, list[Need]] = {}
    for need in needs:
        planner = _planner(workspace, path)
        names[need] = planner.bind(need, _end(workspace, path))
        if planner.changes([(need, _end(workspace, path))]):
            modules.setdefault(need.module, []).append(need)
    for module, wanted in sorted(modules.items()):
        plain = all(names[one] == one.name for one in wanted)
        if not (plain and (_joined(workspace, path, module, wanted) or _beside(workspace, path, module, wanted))):
            line = _end(workspace, path)
            workspace.edit(path, _planner(workspace, path).changes([(one, line) for one in wanted]))
    return names


def _planner(workspace: Workspace, path: str) -> Imports:
    header = workspace.facts(path).records(HeaderCollector)
    return Imports(workspace.source(path), header[0] if header else Header((), 0, False), workspace.imports(path))


def _end(workspace: Workspace, path: str) -> int:
    """A line behind the whole module, so that an import may go to the end of its head."""
    return len(workspace.source(path).lines) + 1


def _joined(workspace: Workspace, path: str, module: str, wanted: Sequence[Need]) -> bool:
    """Add the names to ``from module import a, b`` where that stands on a line of its own."""
    source = workspace.source(path)
    level = len(module) - len(module.lstrip("."))
    for one in workspace.tree(path).body:
        if not isinstance(one, ast.ImportFrom) or (one.module or "", one.level) != (module[level:], level):
            continue
        plain = all(each.asname is None and each.name != "*" for each in one.names)
        start = source.offset(one.lineno, 0)
        end = source.offset(one.end_lineno or one.lineno, one.end_col_offset or 0)
        text = source.data[start:end]
        names = sorted({each.name for each in one.names} | {each.name for each in wanted})
        spelt = f"from {module} import {', '.join(names)}"
        if plain and one.lineno == one.end_lineno and b"(" not in text and len(spelt) <= 120:
            workspace.edit(path, [Change((Splice(start, end, spelt),))])
            return True
    return False


def _beside(workspace: Workspace, path: str, module: str, wanted: Sequence[Need]) -> bool:
    """Put an import from the standard library among those that begin the module."""
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return False
    after = None
    for one in workspace.tree(path).body:
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and after is None:
            continue
        name = _module(one)
        if name == "__future__":
            continue
        if name.partition(".")[0] not in sys.stdlib_module_names:
            if name and after is None:
                return _first(workspace, path, one, module, wanted)
            break
        if after is None or (isinstance(one, ast.ImportFrom), name) <= (True, module):
            after = one
    if after is None:
        return False
    source = workspace.source(path)
    last = after.end_lineno or after.lineno
    if last >= len(source.lines) or b";" in source.lines[last - 1]:
        return False
    at = source.offset(last + 1, 0)
    spelt = f"from {module} import {', '.join(sorted(each.name for each in wanted))}\n"
    workspace.edit(path, [Change((Splice(at, at, spelt),))])
    return True


def _first(workspace: Workspace, path: str, node: ast.stmt, module: str, wanted: Sequence[Need]) -> bool:
    """Put it before ``node``, the first import, with a blank line between."""
    source = workspace.source(path)
    if node.lineno > 1 and source.lines[node.lineno - 2].strip():
        return False
    at = source.offset(node.lineno, 0)
    spelt = f"from {module} import {', '.join(sorted(each.name for each in wanted))}\n\n"
    workspace.edit(path, [Change((Splice(at, at, spelt),))])
    return True


def _module(node: ast.stmt) -> str:
    """The module that an import names; empty for any other statement."""
    if isinstance(node, ast.ImportFrom):
        return node.module or "" if not node.level else ""
    return node.names[0].name if isinstance(node, ast.Import) else ""
