"""Moves an import to where its names are used: into functions, and under ``if TYPE_CHECKING`` for annotations."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from analysis.collectors.crossings import Block, Site, Sites
from analysis.collectors.header import first_line
from analysis.cuts import Cut
from analysis.nodes import below
from codemods.compose import Change
from codemods.cutting import guards
from codemods.cutting.bringing import bring
from codemods.cutting.layout import kind, lines, longest, order, wrapped
from codemods.cutting.settled import stays
from codemods.cutting.statements import Taken, local, taken, without
from codemods.cutting.workspace import Workspace
from codemods.edits import Need, Reason, Splice
from codemods.imports import Refused

_Import = ast.Import | ast.ImportFrom
_SIGNATURE = re.compile(rb"[ \t]*#[ \t]*type:[ \t]*\(")
_TYPING = Need("typing", "TYPE_CHECKING")


def late(workspace: Workspace, cut: Cut) -> str:
    """Make the change; returns what was done, for people. Raises Refused."""
    path = cut.importer
    tree = workspace.tree(path)
    statements = taken(workspace, cut)
    names = [name for one in statements for name in one.locals]
    said = [alias.name for one in statements for alias in one.aliases if alias.asname == alias.name]
    if said:
        raise Refused(Reason.OFFERED, f"`{said[0]} as {said[0]}` says that others are to take it from here")
    guards.bound_once(tree, names)
    guards.not_offered(workspace, path, names)
    sites = workspace.of_tree(path, Sites)
    found = list(sites.of(set(names)))
    annotations = [one for one in found if one.use.kind == "annotation"]
    uses = [one for one in found if one.use.kind != "annotation"]
    # Nothing evaluates those of local variables, and checkers see the import of the function.
    inside = {(one.name, one.block) for one in uses}
    annotations = [
        one
        for one in annotations
        if (one.name, one.block) not in inside or not guards.never_evaluated(sites, guards.annotation(sites, one.node))
    ]
    idle = [name for name in names if name not in {one.name for one in found}]
    if idle:
        raise Refused(Reason.EFFECT, f"nothing here uses `{idle[0]}`: it may be there for others, or for what it does")
    guards.late_enough(workspace, path, uses)
    guards.not_looked_up(workspace, path, names)
    _always_the_same(workspace, cut, statements, {one.name for one in uses})
    for site in annotations:
        guards.not_read(workspace, sites, site)
    blocks = _by_block(uses)
    edits = list(_quotes(workspace, path, sites, annotations))
    for one in statements:
        edits += without(workspace, path, one)
    typed = {one.name for one in annotations}
    told: set[ast.stmt] = {one.node for one in statements if typed & set(one.locals)}
    for block, used in blocks.items():
        edits.append(_inside(workspace, path, block, used, statements, told))
    workspace.edit(path, [Change((edit,)) for edit in edits])
    if annotations:
        _for_checkers(workspace, path, [one for one in statements if typed & set(one.locals)], typed)
    return _told(blocks, annotations)


def _always_the_same(workspace: Workspace, cut: Cut, statements: Iterable[Taken], used: Collection[str]) -> None:
    """That what is ``used`` of the names of the other module is the same when it is taken from there later."""
    given = {name for edge in cut.edges for name in edge.names}
    for one in statements:
        for alias in one.aliases:
            if isinstance(one.node, ast.ImportFrom) and alias.name in given and local(one.node, alias) in used:
                stays(workspace, cut.imported, alias.name, cut.importer)


def _told(blocks: Iterable[Block], annotations: Sequence[Site]) -> str:
    named = [f"{one.name}()" if not isinstance(one, ast.If) else "what it does as a script" for one in blocks]
    parts = [f"into {named[0] if len(named) == 1 else f'{len(named)} functions'}"] if named else []
    if annotations:
        parts.append("under `if TYPE_CHECKING`")
    return f"moved {' and '.join(parts)}"


def _by_block(uses: Iterable[Site]) -> dict[Block, list[str]]:
    """The names that each function uses: an import in a function is seen by those inside it."""
    found: dict[Block, list[str]] = {}
    for one in uses:
        if one.block is not None and one.name not in found.setdefault(one.block, []):
            found[one.block].append(one.name)
    return found


# Into functions


def _inside(
    workspace: Workspace,
    path: str,
    block: Block,
    names: Sequence[str],
    statements: Sequence[Taken],
    told: set[ast.stmt],
) -> Splice:
    """The import at the start of the body, behind a docstring.

    ``told`` are the statements whose comment stands elsewhere already.
    """
    source = workspace.source(path)
    body = block.body
    at = 1 if len(body) > 1 and _is_docstring(body[0]) else 0
    line = first_line(body[at])
    before = body[at - 1].end_lineno if at else _head(block)
    text = source.lines[line - 1]
    indent = text[: len(text) - len(text.lstrip(b" \t\f"))]
    if before is None or before >= line or indent != text[: body[at].col_offset]:
        raise Refused(Reason.SHARED_LINE, f"the body of what begins in line {block.lineno} stands on one line with it")
    for above in range(line - 1, before, -1):
        # Comments stay with what follows them, be there a blank line between.
        if _SIGNATURE.match(source.lines[above - 1]):
            # The types of a function stand in the first line of its body.
            break
        if source.lines[above - 1].lstrip().startswith(b"#"):
            line = above
        elif source.lines[above - 1].strip():
            break
    wanted = [one for one in statements if set(names) & set(one.locals)]
    spelt = "".join(_spelt(workspace, one, names, indent.decode(), told=one.node in told) for one in wanted)
    told.update(one.node for one in wanted)
    among = _among(workspace, path, body[at:], [one.node for one in wanted])
    if among:
        start = source.offset(among + 1, 0)
        return Splice(start, start, spelt)
    if not isinstance(body[at], (ast.Import, ast.ImportFrom)):
        spelt += "\n"
    start = source.offset(line, 0)
    return Splice(start, start, spelt)


def _among(workspace: Workspace, path: str, body: Sequence[ast.stmt], wanted: Sequence[_Import]) -> int:
    """The line behind which an import goes among those that begin a body, where these are in order and of its group; 0
    where it goes before them.
    """
    keys: list[tuple[int, tuple[int, bool, int, str]]] = []
    for at, node in enumerate(body):
        follows = not keys or node.lineno == keys[-1][0] + 1
        shared = any(one.lineno <= (node.end_lineno or node.lineno) for one in body[at + 1 : at + 2])
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or not follows or shared:
            break
        keys.append((node.end_lineno or node.lineno, _sorted_by(workspace, path, node)))
    if len(wanted) != 1 or [key for _, key in keys] != sorted(key for _, key in keys):
        return 0
    key = _sorted_by(workspace, path, wanted[0])
    before = [(line, each) for line, each in keys if each <= key]
    fits = before and before[-1][1][0] == key[0] and before[-1][0] < len(workspace.source(path).lines)
    return before[-1][0] if fits else 0


def _sorted_by(workspace: Workspace, path: str, node: _Import) -> tuple[int, bool, int, str]:
    first = lines(node, node.names)[0]
    group = kind(first.module, lambda name: workspace.graph.modules.find(path, name) is not None)
    return group, *order(first)[:3]


def _spelt(workspace: Workspace, one: Taken, names: Sequence[str], indent: str, *, told: bool) -> str:
    """The import of ``names`` in its new place, with its comments unless they are ``told`` elsewhere."""
    comments = "".join(f"{indent}{each}\n" for each in one.above) if not told else ""
    text = wrapped(one.text(names), longest(workspace), indent, one.comment if not told else "")
    return f"{comments}{text}\n"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _head(block: Block) -> int:
    """The last line of what certainly stands before the body."""
    if isinstance(block, ast.If):
        return block.test.end_lineno or block.lineno
    ends = [block.lineno, block.returns.end_lineno if block.returns is not None else 0]
    ends += [one.end_lineno for one in below(block.args) if isinstance(one, (ast.expr, ast.arg))]
    return max(filter(None, ends))


# For type checkers


def _quotes(workspace: Workspace, path: str, sites: Sites, annotations: Iterable[Site]) -> Iterator[Splice]:
    """The annotations that Python would evaluate, as texts."""
    if sites.postponed:
        return
    source, seen = workspace.source(path), workspace.mentions.seen
    done: set[int] = set()
    for one in annotations:
        if not isinstance(one.node, ast.Name):
            continue
        top = guards.annotation(sites, one.node)
        if id(top) in done or guards.never_evaluated(sites, top):
            continue
        if seen is not None:
            told = f"{seen} asks what annotations are, which would be texts"
            if not workspace.unsafe:
                raise Refused(Reason.ANNOTATION, f"{told} (--unsafe: not these)")
            workspace.doubts.append(told)
            seen = None
        done.add(id(top))
        start = source.offset(top.lineno, top.col_offset)
        end = source.offset(top.end_lineno or top.lineno, top.end_col_offset or 0)
        text = source.data[start:end].decode(source.encoding)
        quote = '"' if '"' not in text else "'"
        if quote in text or "\n" in text or "\r" in text or "\\" in text:
            raise Refused(Reason.ANNOTATION, f"the annotation of line {top.lineno} cannot be written as a text")
        yield Splice(start, end, f"{quote}{text}{quote}")


def _for_checkers(workspace: Workspace, path: str, statements: Sequence[Taken], names: set[str]) -> None:
    chosen = sorted(names)
    block = _block(workspace.tree(path))
    source = workspace.source(path)
    if block is not None:
        top = first_line(block.body[0])
        indent = source.lines[top - 1][: block.body[0].col_offset].decode()
        imports = [one for one in block.body if isinstance(one, (ast.Import, ast.ImportFrom))]
        line = max((one.end_lineno or one.lineno for one in imports), default=top - 1)
        spelt = "".join(_spelt(workspace, one, chosen, indent, told=False) for one in statements)
        spelt = _gap(workspace, path, imports[-1:], statements) + spelt
    else:
        # Whatever its import is put behind, it is at the head of the module.
        flag = bring(workspace, path, [_TYPING])[_TYPING]
        source, tree = workspace.source(path), workspace.tree(path)
        line = _after(tree, flag)
        following = source.lines[line] if line < len(source.lines) else b""
        # Two blank lines before a definition, one before anything else.
        inner = "".join(_spelt(workspace, one, chosen, "    ", told=False) for one in statements)
        spelt = f"\nif {flag}:\n{inner}" + ("\n" if following.strip() else "")
    start = source.offset(line + 1, 0) if line < len(source.lines) else len(source.data)
    if start == len(source.data) and not source.data.endswith((b"\n", b"\r")):
        spelt = "\n" + spelt.rstrip("\n")
    workspace.edit(path, [Change((Splice(start, start, spelt),))])


def _gap(workspace: Workspace, path: str, before: Sequence[_Import], following: Sequence[Taken]) -> str:
    """A blank line between two imports of different groups."""
    found = []
    for node in (*before, *(one.node for one in following[:1])):
        module = f"{'.' * node.level}{node.module or ''}" if isinstance(node, ast.ImportFrom) else node.names[0].name
        found.append(kind(module, lambda name: workspace.graph.modules.find(path, name) is not None))
    return "\n" if len(set(found)) > 1 else ""


def _block(tree: ast.Module) -> ast.If | None:
    """The first ``if TYPE_CHECKING`` of the module that has its body on lines of its own."""
    for node in tree.body:
        if isinstance(node, ast.If) and guards.is_flag(node.test):
            shared = node.body[0].lineno == node.lineno
            if not shared and not any(one.lineno == node.body[-1].end_lineno for one in node.orelse):
                return node
    return None


def _after(tree: ast.Module, flag: str) -> int:
    """The line behind which the block goes: the last import of the head, and not before that of ``flag``."""
    line = 0
    for at, node in enumerate(tree.body):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            line = node.end_lineno or node.lineno
        elif line and any(flag.partition(".")[0] == (one.asname or one.name) for one in _names(tree.body[:at])):
            break
    return line


def _names(nodes: Iterable[ast.stmt]) -> Iterator[ast.alias]:
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from node.names
