"""Import statements of a module's own level: what of them makes an edge, and how to take that out of the text."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from analysis.cuts import Cut
from codemods.cutting.layout import DIRECTIVE
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason, Splice
from codemods.imports import Refused
from codemods.tokens import scan

_CODE = re.compile(r"#\s*(?:from\s+[\w.]+\s+)?import\b|#!|#.*\bcoding[:=]")


class Taken(NamedTuple):
    """The part of one import statement that makes an edge: ``places`` are the indexes of those aliases.

    ``whole``: it is all of the statement. ``comment`` is what stands behind that then, with two blanks before it, and
    ``above`` are the comments of the lines above, where they are about nothing else.
    """

    node: ast.Import | ast.ImportFrom
    places: tuple[int, ...]
    whole: bool
    comment: str
    above: tuple[str, ...] = ()

    @property
    def aliases(self) -> list[ast.alias]:
        """The aliases that make the edge."""
        return [self.node.names[at] for at in self.places]

    @property
    def locals(self) -> list[str]:
        """The names that these bind, in their order."""
        return [local(self.node, one) for one in self.aliases]

    def text(self, names: Sequence[str] | None = None) -> str:
        """The import statement of these aliases alone; of those that bind one of ``names`` where these are given."""
        chosen = [one for one in self.aliases if names is None or local(self.node, one) in names]
        return statement(self.node, chosen)


def local(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    """The name that an alias binds."""
    return alias.asname or (alias.name if isinstance(node, ast.ImportFrom) else alias.name.partition(".")[0])


def statement(node: ast.Import | ast.ImportFrom, aliases: Sequence[ast.alias]) -> str:
    """The import statement ``node`` with ``aliases`` only, on one line."""
    names = ", ".join(one.name + (f" as {one.asname}" if one.asname else "") for one in aliases)
    if isinstance(node, ast.Import):
        return f"import {names}"
    return f"from {'.' * node.level}{node.module or ''} import {names}"


def taken(workspace: Workspace, cut: Cut) -> list[Taken]:
    """What of the statements of ``cut`` makes its edges, in the order of the source.

    Raises Refused where one cannot be told from what is around it.
    """
    path, found = cut.importer, []
    tree = workspace.tree(path)
    for line in sorted({one.line for one in cut.edges}):
        if any(one.line == line and (one.when in ("conditional", "class")) for one in cut.edges):
            raise Refused(Reason.CONDITIONAL, f"line {line} runs under a condition, or in a class")
        if any(one.line == line and not one.certain for one in cut.edges):
            raise Refused(Reason.UNCERTAIN, f"line {line} loads a module by a call")
        nodes = [one for one in tree.body if one.lineno <= line <= (one.end_lineno or one.lineno)]
        if len(nodes) != 1 or not isinstance(nodes[0], (ast.Import, ast.ImportFrom)):
            raise Refused(Reason.SHARED_LINE, f"line {line} has more than one statement")
        if shares_line(tree.body, nodes[0]):
            raise Refused(Reason.SHARED_LINE, f"the import of line {line} ends on a line with something else")
        found.append(_taken(workspace, cut, nodes[0]))
    return found


def _taken(workspace: Workspace, cut: Cut, node: ast.Import | ast.ImportFrom) -> Taken:
    record = next(one for one in workspace.imports(cut.importer) if one.span.line == node.lineno)
    places = tuple(
        at
        for at, name in enumerate(record.names)
        if any(
            one.imported == cut.imported
            for one in workspace.graph.edges_of(cut.importer, msgspec.structs.replace(record, names=(name,)))
        )
    )
    whole = len(places) == len(node.names)
    if not whole:
        return Taken(node, places, whole, "")
    return Taken(
        node,
        places,
        whole,
        comment_behind(workspace, cut.importer, node),
        comments_above(workspace, cut.importer, node),
    )


def comment_behind(workspace: Workspace, path: str, node: ast.stmt) -> str:
    """The comment behind the statement, with two blanks before it. Raises Refused for one inside of it."""
    source = workspace.source(path)
    end = node.end_lineno or node.lineno
    lines = source.lines[node.lineno - 1 : end]
    comments = scan(b"".join(lines), source.encoding).comments
    if not comments:
        return ""
    if len(comments) > 1 or end != node.lineno:
        raise Refused(Reason.COMMENT, f"a comment stands inside the import of line {node.lineno}")
    return f"  {comments[0].decode(source.encoding)}"


def shares_line(body: Sequence[ast.stmt], node: ast.stmt) -> bool:
    """Whether another statement of ``body`` stands on a line of ``node``: behind a bracket that closes, too."""
    last = node.end_lineno or node.lineno
    return any(one is not node and one.lineno <= last and (one.end_lineno or one.lineno) >= node.lineno for one in body)


def without(workspace: Workspace, path: str, one: Taken) -> tuple[Splice, ...]:
    """The edits that take the aliases of ``one`` out of the file, with the comments above it that are about it."""
    if not one.whole:
        return _some_gone(workspace, path, one)
    return (all_gone(workspace, path, one.node, len(one.above)),)


def comments_above(workspace: Workspace, path: str, node: ast.stmt) -> tuple[str, ...]:
    """The comments directly above an import, where they are about it alone.

    Those that begin a file or a group of imports are not, nor is what is said to tools, or code that was put in
    comments.
    """
    source = workspace.source(path)
    lines, last = source.lines, node.end_lineno or node.lineno
    mark = lines[node.lineno - 1][: node.col_offset] + b"#"
    following = lines[last] if last < len(lines) else b""
    if following.strip() and not following.startswith(mark) and _level(following) >= node.col_offset:
        return ()
    line = node.lineno
    while line > 1 and lines[line - 2].startswith(mark):
        line -= 1
    found = tuple(one.decode(source.encoding).strip() for one in lines[line - 1 : node.lineno - 1])
    if line == 1 or any(DIRECTIVE.match(one) or _CODE.match(one) for one in found):
        return ()
    return found


def _level(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" \t"))


def all_gone(workspace: Workspace, path: str, node: ast.stmt, above: int) -> Splice:
    """Take away the lines of a statement and ``above`` lines before it, and the blank lines before these where blank
    lines follow.
    """
    source = workspace.source(path)
    lines, first, last = source.lines, node.lineno - above, node.end_lineno or node.lineno
    if last >= len(lines) or not lines[last].strip():
        while first > 1 and not lines[first - 2].strip():
            first -= 1
    if first == 1 or lines[first - 2].rstrip().endswith(b":"):
        # Nothing is above it: what follows begins the file, or the block.
        while last < len(lines) and not lines[last].strip():
            last += 1
    end = source.offset(last + 1, 0) if last < len(lines) else len(source.data)
    return Splice(source.offset(first, 0), end, "")


def _some_gone(workspace: Workspace, path: str, one: Taken) -> tuple[Splice, ...]:
    source, names = workspace.source(path), one.node.names

    def start(at: int) -> int:
        return source.offset(names[at].lineno, names[at].col_offset)

    def end(at: int) -> int:
        return source.offset(names[at].end_lineno or names[at].lineno, names[at].end_col_offset or 0)

    kept = [at for at in range(len(names)) if at not in one.places]
    splices = []
    for at in one.places:
        # What goes is the name and the comma behind it; behind the last that stays, the comma before it.
        here = (end(at - 1), end(at)) if at > kept[-1] else (start(at), start(at + 1))
        if b"#" in source.data[here[0] : here[1]]:
            raise Refused(Reason.COMMENT, f"a comment stands inside the import of line {one.node.lineno}")
        splices.append(Splice(*here, ""))
    return tuple(splices)
