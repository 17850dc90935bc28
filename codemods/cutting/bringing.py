"""Imports of several names at once, put where people would: into a statement that is there, or beside their like."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence

from analysis.collectors.header import Header, HeaderCollector
from codemods.compose import Change
from codemods.cutting.layout import ORDERS, OTHER, OWN, Line, by_kind, kind, lines, longest, order, wrapped
from codemods.cutting.statements import shares_line
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
        left = _joined(workspace, path, module, wanted) if plain else wanted
        if left and not (plain and (_beside(workspace, path, module, left) or _among(workspace, path, module, left))):
            line = _end(workspace, path)
            workspace.edit(path, _planner(workspace, path).changes([(one, line) for one in left]))
    return names


def _planner(workspace: Workspace, path: str) -> Imports:
    header = workspace.facts(path).records(HeaderCollector)
    return Imports(workspace.source(path), header[0] if header else Header((), 0, False), workspace.imports(path))


def _end(workspace: Workspace, path: str) -> int:
    """A line behind the whole module, so that an import may go to the end of its head."""
    return len(workspace.source(path).lines) + 1


def _joined(workspace: Workspace, path: str, module: str, wanted: Sequence[Need]) -> Sequence[Need]:
    """Add the names to a ``from module import a, b`` of the module's own level, unless each name has its own line.

    Returns those that were not added: several lines without brackets are not taken apart.
    """
    tree = workspace.tree(path)
    level = len(module) - len(module.lstrip("."))
    found = [one for one in tree.body if isinstance(one, ast.ImportFrom)]
    found = [one for one in found if (one.module or "", one.level) == (module[level:], level)]
    if len(found) > 1 and all(len(one.names) == 1 for one in found):
        return wanted
    # A name with an alias stands alone.
    found = [one for one in found if any(each.asname is None and each.name != "*" for each in one.names)]
    if not found:
        return wanted
    left = []
    for need in wanted:
        at = found[0].lineno, found[0].col_offset
        node = next(one for one in workspace.tree(path).body if (one.lineno, one.col_offset) == at)
        assert isinstance(node, ast.ImportFrom)
        edits = with_name(workspace, path, node, need.name)
        if edits is None:
            left.append(need)
        else:
            workspace.edit(path, [Change((one,)) for one in edits])
    return left


def with_name(workspace: Workspace, path: str, node: ast.ImportFrom, name: str) -> list[Splice] | None:
    """The edits that add ``name`` to an import: in its order where it has one, else behind the others.

    The comments and the line breaks that it has stay. None where that cannot be done.
    """
    source, aliases = workspace.source(path), node.names
    first, last = node.lineno, node.end_lineno or node.lineno
    at = _place([one.name + (f" as {one.asname}" if one.asname else "") for one in aliases], name)
    end = source.offset(last, node.end_col_offset or 0)
    if first == last:
        text = source.lines[first - 1].decode(source.encoding)
        head = source.lines[first - 1][: node.col_offset].decode(source.encoding)
        behind = source.data[end : source.offset(first, 0) + len(text.rstrip().encode(source.encoding))]
        names = [one.name + (f" as {one.asname}" if one.asname else "") for one in aliases]
        spelt = f"from {'.' * node.level}{node.module or ''} import {', '.join([*names[:at], name, *names[at:]])}"
        if head.strip() or behind.lstrip()[:1] not in (b"", b"#"):
            return None
        comment = behind.decode(source.encoding)
        laid = wrapped(spelt, longest(workspace), head, comment)
        return [Splice(source.offset(first, 0), end + len(behind), laid)]
    if not source.data[:end].rstrip().endswith(b")") or any(one.lineno == first for one in aliases):
        return None
    if len({one.lineno for one in aliases}) < len(aliases):
        # Several stand on one line: there is no order of lines to keep to.
        before = aliases[at - 1] if at else aliases[0]
        start = source.offset(before.lineno, before.col_offset)
        stop = source.offset(before.end_lineno or before.lineno, before.end_col_offset or 0)
        return [Splice(stop, stop, f", {name}")] if at else [Splice(start, start, f"{name}, ")]
    indent = source.lines[aliases[0].lineno - 1][: aliases[0].col_offset].decode(source.encoding)
    if at == 0:
        start = source.offset(first + 1, 0)
        return [Splice(start, start, f"{indent}{name},\n")]
    before = aliases[at - 1]
    stop = source.offset(before.end_lineno or before.lineno, before.end_col_offset or 0)
    line = (before.end_lineno or before.lineno) + 1
    if line > last:
        return None
    start = source.offset(line, 0)
    if at < len(aliases) or source.data[stop:].lstrip().startswith(b","):
        return [Splice(start, start, f"{indent}{name},\n")]
    return [Splice(stop, stop, ","), Splice(start, start, f"{indent}{name}\n")]


def _place(names: Sequence[str], name: str) -> int:
    """Before which of ``names`` another goes."""
    for key in ORDERS.values():
        kept = [key(one) for one in names]
        if kept == sorted(kept):
            return sum(one < key(name) for one in kept)
    return len(names)


def _beside(workspace: Workspace, path: str, module: str, wanted: Sequence[Need]) -> bool:
    """Put an import from the standard library among those that begin the module."""
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return False
    after = None
    names = sorted((each.name for each in wanted), key=by_kind)
    body = workspace.tree(path).body
    for one in body:
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and after is None:
            continue
        name = _module(one)
        if name == "__future__":
            continue
        if name.partition(".")[0] not in sys.stdlib_module_names:
            if name and after is None and not shares_line(body, one):
                return _first(workspace, path, one, _written(workspace, module, names))
            break
        sorts = _key(one) <= (True, module, names[0].lower())
        if after is None and not sorts and shares_line(body, one):
            return False
        if after is None and not sorts and not _has_comment_above(workspace, path, one):
            at = workspace.source(path).offset(one.lineno, 0)
            workspace.edit(path, [Change((Splice(at, at, f"{_written(workspace, module, names)}\n"),))])
            return True
        if after is None or sorts:
            after = one
    if after is None:
        return False
    source = workspace.source(path)
    last = after.end_lineno or after.lineno
    if last >= len(source.lines) or b";" in source.lines[last - 1]:
        return False
    at = source.offset(last + 1, 0)
    workspace.edit(path, [Change((Splice(at, at, f"{_written(workspace, module, names)}\n"),))])
    return True


def _among(workspace: Workspace, path: str, module: str, wanted: Sequence[Need]) -> bool:
    """Put an import of another module in its order among those of its kind, or as a group of its own behind those that
    go before it.
    """
    header = workspace.facts(path).records(HeaderCollector)
    if module.startswith(".") or not header or any(one.kind == "path" for one in header[0].statements):
        return False

    def is_own(name: str) -> bool:
        return workspace.graph.modules.find(path, name) is not None

    def is_before(one: ast.Import | ast.ImportFrom) -> bool:
        return order(lines(one, one.names)[0]) <= order(made)

    made, own = Line(module, tuple(sorted((one.name for one in wanted), key=by_kind))), kind(module, is_own)
    groups = _groups(workspace, path)
    kinds = [{kind(lines(one, one.names)[0].module, is_own) for one in group} for group in groups]
    like = next((group for group, each in zip(groups, kinds, strict=True) if own in each), None)
    before = [group for group, each in zip(groups, kinds, strict=True) if max(each) < own]
    text = _written(workspace, module, made.names)
    source = workspace.source(path)
    if like is not None:
        placed = [is_before(one) for one in like]
        if placed != sorted(placed, reverse=True):
            return False
        after = like[sum(placed) - 1] if any(placed) else None
        line = (after.end_lineno or after.lineno) + 1 if after is not None else like[0].lineno
        if after is None and _has_comment_above(workspace, path, like[0]):
            return False
        text = f"{text}\n"
    elif before:
        line, text = (before[-1][-1].end_lineno or 0) + 1, f"\n{text}\n"
        if line <= len(source.lines) and source.lines[line - 1].strip():
            return False
    elif groups and own in (OTHER, OWN) and not _has_comment_above(workspace, path, groups[0][0]):
        line, text = groups[0][0].lineno, f"{text}\n\n"
    else:
        return False
    if line > len(source.lines):
        return False
    at = source.offset(line, 0)
    workspace.edit(path, [Change((Splice(at, at, text),))])
    return True


def _groups(workspace: Workspace, path: str) -> list[list[ast.Import | ast.ImportFrom]]:
    """The imports that begin the module, blank lines between the groups; those of the future left out."""
    found: list[list[ast.Import | ast.ImportFrom]] = []
    body, last = workspace.tree(path).body, 0
    source = workspace.source(path)
    for at, one in enumerate(body):
        if at == 0 and isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
            continue
        if not isinstance(one, (ast.Import, ast.ImportFrom)) or shares_line(body, one):
            break
        if _module(one) == "__future__":
            continue
        if not found or any(not line.strip() for line in source.lines[last : one.lineno - 1]):
            found.append([])
        found[-1].append(one)
        last = one.end_lineno or one.lineno
    return found


def _has_comment_above(workspace: Workspace, path: str, node: ast.stmt) -> bool:
    return node.lineno > 1 and workspace.source(path).lines[node.lineno - 2].startswith(b"#")


def _written(workspace: Workspace, module: str, names: Sequence[str]) -> str:
    return wrapped(f"from {module} import {', '.join(names)}", longest(workspace))


def _key(node: ast.stmt) -> tuple[bool, str, str]:
    """What imports of the standard library are sorted by; of one that has several names these do not count."""
    if isinstance(node, ast.ImportFrom):
        return True, _module(node), node.names[0].name.lower() if len(node.names) == 1 else ""
    return False, _module(node), ""


def _first(workspace: Workspace, path: str, node: ast.stmt, text: str) -> bool:
    """Put it before ``node``, the first import, with a blank line between."""
    source = workspace.source(path)
    if node.lineno > 1 and source.lines[node.lineno - 2].strip():
        return False
    at = source.offset(node.lineno, 0)
    workspace.edit(path, [Change((Splice(at, at, f"{text}\n\n"),))])
    return True


def _module(node: ast.stmt) -> str:
    """The module that an import names; empty for any other statement."""
    if isinstance(node, ast.ImportFrom):
        return node.module or "" if not node.level else ""
    return node.names[0].name if isinstance(node, ast.Import) else ""
