"""Has a file ask another over the bus for what it called there, so that it need not import it at any time."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from analysis.cuts import Cut
from analysis.imports import ANY_TIME, Edge
from analysis.nodes import below, children
from codemods.compose import Change
from codemods.cutting.answers import answer
from codemods.cutting.bringing import bring
from codemods.cutting.event_module import Asked, EventModule, path_of
from codemods.cutting.folding import fold
from codemods.cutting.layout import DIRECTIVE
from codemods.cutting.offers import FUNCTIONS, Function, Module
from codemods.cutting.starts import is_service, start_of
from codemods.cutting.statements import Taken, without
from codemods.cutting.uses import Calls, Late, Use, is_event
from codemods.cutting.workspace import Workspace
from codemods.edits import Need, Reason, Splice
from codemods.imports import Refused

if TYPE_CHECKING:
    from codemods.outcome import Refusal

TIMEOUT = 30.0
"""Seconds that a request waits unless told."""
LATER = "published, so handled a little later than before"
"""What is told of calls that nobody waits for any more."""
_COMMENT = re.compile(rb"#[^\r\n]*")


def split(
    workspace: Workspace,
    cut: Cut,
    *,
    timeout: float = TIMEOUT,
    publish: bool = True,
    refusal: Callable[[str], Refusal | None] = lambda _: None,
) -> str:
    """Make the change; returns what was done, for people. Raises Refused.

    ``timeout`` is how many seconds each request waits. ``publish``: calls whose result is dropped may be events, for
    which nobody waits; what is done then ends with `LATER` and which calls those are. ``refusal`` says why a file
    cannot import the bus.
    """
    here, there = cut.importer, cut.imported
    for path in (here, there):
        if not is_service(workspace, path):
            raise Refused(
                Reason.NOT_A_SERVICE,
                f"{path} is no script, has no class with a run() and binds no socket, or is a package",
            )
        why = refusal(path)
        if why is not None:
            raise Refused(*why)
    _has_messages(workspace, here)
    cut = _whole(workspace, cut)
    module = Module(there, workspace.tree(there))
    start_of(module)
    calls = Calls(workspace, cut, module)
    spelt = _spelt(workspace, cut)
    uses = calls.uses()
    path = path_of(here, there)
    bus = workspace.settings.get_bus.partition(":")
    target = bus[0], bus[2]
    made = EventModule(workspace, path, target[0], (here, there))
    asked = _asked(calls, uses, made, _reaching(workspace, module, here), publish=publish)
    later = _published(workspace, here, uses, asked)
    names = made.complete(asked)
    events = {one.offered.target: Need("", names[one.offered.target]) for one in asked}
    mine = _module(workspace, here, path, [spelt])
    mapped = {key: Need(mine, need.name) for key, need in events.items()}
    replaced = _replace(workspace, cut, asked, mapped, timeout, calls.statements)
    theirs = _module(workspace, there, path, [spelt])
    where = answer(workspace, there, asked, {key: Need(theirs, need.name) for key, need in events.items()}, target)
    left = [one for one in workspace.graph.edges if (one.importer, one.imported) == (here, there)]
    if any(one.when in ANY_TIME for one in left):
        raise Refused(Reason.STILL_CIRCULAR, f"{here} would import {there} all the same")
    return f"{replaced} of {path}, answered from {where} on{f'; {LATER}: {later}' if later else ''}"


def _has_messages(workspace: Workspace, importer: str) -> None:
    """That a module of the tree that gives the bus has what messages are made of, too."""
    module = workspace.settings.get_bus.partition(":")[0]
    path = workspace.graph.modules.find(importer, module)
    offer = workspace.graph.offers.get(path) if path is not None else None
    if path is None or offer is None:
        return
    imported = {alias or name for one in workspace.imports(path) for name, alias in one.names}
    missing = [f"`{one}`" for one in ("Bus", "Event", "Request") if one not in imported and one not in offer.bound]
    if missing and "*" not in imported:
        told = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
        raise Refused(Reason.UNCERTAIN, f"{path} has no {told}, which it hands on beside the bus")


def _whole(workspace: Workspace, cut: Cut) -> Cut:
    """The cut with all imports of the other file that run at any time."""
    edges = tuple(_edges(workspace, cut))
    return msgspec.structs.replace(cut, edges=edges)


def _edges(workspace: Workspace, cut: Cut) -> list[Edge]:
    return [
        one
        for one in workspace.graph.edges
        if (one.importer, one.imported) == (cut.importer, cut.imported) and one.when in ANY_TIME
    ]


def _asked(
    calls: Calls, uses: Sequence[Use], made: EventModule, reaching: Callable[[Function], bool], *, publish: bool
) -> list[Asked]:
    """What is asked for, one for each function: an event where every call of it is one, and ``publish`` allows it."""
    found: dict[str, list[Use]] = {}
    for one in uses:
        found.setdefault(one.offered.target, []).append(one)
    asked = []
    for each in found.values():
        offered = each[0].offered
        fields = []
        for parameter in offered.parameters:
            given = [parameter.name in one.arguments for one in each]
            if parameter.default is None and any(given) and not all(given):
                detail = (
                    f"the default of `{parameter.name}` of `{offered.target}` is not literal, and some calls rely on it"
                )
                raise Refused(Reason.NOT_CARRIED, detail)
            if parameter.default is not None or all(given):
                fields.append(parameter.name)
        event = publish and not made.asks(offered)
        event = event and all(is_event(calls, one, uses, reaching(offered.node)) for one in each)
        asked.append(Asked(offered, event, tuple(fields)))
    return asked


def _published(workspace: Workspace, path: str, uses: Sequence[Use], asked: Sequence[Asked]) -> str:
    """Which calls are events, with their lines on the disk, for people; empty where none is."""
    found: list[str] = []
    for one in asked:
        if one.event:
            target = one.offered.target
            lines = [workspace.line_before(path, use.call.lineno) for use in uses if use.offered.target == target]
            found.append(f"`{target}` ({', '.join(f'line {line}' for line in lines)})")
    return ", ".join(found)


def _reaching(workspace: Workspace, module: Module, other: str) -> Callable[[Function], bool]:
    """Whether a function of the module may call ``other`` or anybody on the bus, directly or through its own."""
    outside = {workspace.settings.get_bus.partition(":")[2]}
    for one in workspace.imports(module.path):
        if any(edge.imported == other for edge in workspace.graph.edges_of(module.path, one)):
            outside.update((alias or name).partition(".")[0] for name, alias in one.names)
    functions: dict[str, list[ast.AST]] = {}
    for node in below(module.tree):
        if isinstance(node, FUNCTIONS):
            functions.setdefault(node.name, []).append(node)

    def reaches(function: Function) -> bool:
        seen: set[int] = set()
        todo: list[ast.AST] = [function]
        while todo:
            one = todo.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            for node in below(*children(one)):
                name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
                if name in outside:
                    return True
                todo += functions.get(name, ())
        return False

    return reaches


# How the module of the events is imported


def _spelt(workspace: Workspace, cut: Cut) -> str:
    """The package of the other file, as the importer writes it: with a dot behind it, or only dots, or empty."""
    lines = {one.line for one in cut.edges}
    stem = cut.imported.rpartition("/")[2].removesuffix(".py")
    for one in workspace.imports(cut.importer):
        if one.span.line not in lines:
            continue
        dots = "." * one.level
        names = [name for name, _ in one.names] if not one.is_from else [one.module]
        for name in names:
            if name.rpartition(".")[2] == stem:
                return dots + name.removesuffix(stem)
        if one.is_from and any(name == stem for name, _ in one.names):
            return f"{dots}{one.module}." if one.module else dots
    return ""


def _module(workspace: Workspace, importer: str, path: str, packages: Sequence[str]) -> str:
    """How ``importer`` imports the module at ``path``. Raises Refused where that cannot be told."""
    stem = path.rpartition("/")[2].removesuffix(".py")
    modules = workspace.graph.modules
    for one in (*packages, "", workspace.graph.name(path).removesuffix(stem), "."):
        level = len(one) - len(one.lstrip("."))
        if modules.find(importer, f"{one[level:]}{stem}", level) == path:
            return f"{one}{stem}"
    raise Refused(Reason.UNCERTAIN, f"how {importer} would import {path} cannot be told")


# The calls


def _replace(
    workspace: Workspace,
    cut: Cut,
    asked: Sequence[Asked],
    events: Mapping[str, Need],
    timeout: float,
    before: Sequence[Taken],
) -> str:
    """Put requests and events in the place of the calls, and take the imports away."""
    path = cut.importer
    bus = workspace.settings.get_bus.partition(":")
    get_bus = Need(bus[0], bus[2])
    names = bring(workspace, path, [get_bus, *dict.fromkeys(events.values())])
    cut = _whole(workspace, cut)
    calls = Calls(workspace, cut, Module(cut.imported, workspace.tree(cut.imported)))
    told = {one.offered.target: one.event for one in asked}
    uses = calls.uses()
    splices: list[tuple[int, int, str]] = []
    for one in uses:
        target = one.offered.target
        hung = _hangs(workspace, calls, one, uses)
        splices += _call(workspace, calls, one, names[get_bus], names[events[target]], told[target], timeout, hung)
    edits = [Splice(*one) for one in _merged(splices)]
    # With the comments that were about them before there were other imports below.
    pairs = zip(calls.statements, before, strict=True)
    statements = [one._replace(above=each.above) if one.whole else one for one, each in pairs]
    for statement in statements:
        edits += without(workspace, path, statement)
    kept = _comments(statements, cut.imported)
    place = _imported(workspace.tree(path), {need.module for need in events.values()})
    if kept and place is not None:
        # What is asked now takes the place of what was imported, and the comment says of whom it speaks.
        start = workspace.source(path).offset(place.lineno, 0)
        gap = "\n" if _stands_close(workspace, path, place, statements) else ""
        edits.append(Splice(start, start, gap + "".join(f"{each}\n" for each in kept)))
    edits += [_without(workspace, path, one) for one in calls.late]
    workspace.edit(path, [Change((one,)) for one in edits])
    fold(workspace, path, _asking(workspace.tree(path), names[get_bus], {names[one] for one in events.values()}))
    several = [sum(told[one.offered.target] is event for one in uses) for event in (False, True)]
    spoken = [
        f"{number} {word}{'s' if number > 1 else ''}"
        for number, word in zip(several, ("request", "event"), strict=True)
        if number
    ]
    return f"{' and '.join(spoken)}"


def _call(
    workspace: Workspace,
    calls: Calls,
    use: Use,
    get_bus: str,
    name: str,
    event: bool,
    timeout: float,
    indent: str | None,
) -> list[tuple[int, int, str]]:
    """The edits that make a message of one call; ``indent`` as of `_hangs`."""
    source, call = workspace.source(calls.path), use.call
    data = source.data

    def start(node: ast.expr) -> int:
        return source.offset(node.lineno, node.col_offset)

    def end(node: ast.expr) -> int:
        return source.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    paren = end(call.func)
    while data[paren : paren + 1] in (b" ", b"\t"):
        paren += 1
    if data[paren : paren + 1] != b"(" or start(call) != start(call.func) or b"#" in data[start(call) : paren]:
        raise Refused(Reason.UNANSWERED, f"line {call.lineno} calls it in a form that cannot be taken apart")
    verb, tail = "request_sync", f"), timeout={timeout:g})"
    if event:
        verb, tail = "publish", "))"
    elif use.waits or use.offered.is_async:
        verb = "request"
    head = f"{get_bus}().{verb}({name}("
    found: list[tuple[int, int, str]] = []
    if indent is not None:
        inner = f"{indent}\t" if indent.endswith("\t") else f"{indent}    "
        shift = inner.removeprefix(indent)
        head = f"{get_bus}().{verb}(\n{inner}{name}("
        tail = f"{shift})\n{indent})" if event else f"{shift}),\n{inner}timeout={timeout:g},\n{indent})"
        lines = range(call.func.end_lineno or call.func.lineno, call.end_lineno or call.lineno)
        starts = [source.offset(line, 0) for line in lines if line > lines[0] and source.lines[line - 1].strip()]
        found = [(one, one, shift) for one in starts]
    if use.waits and not event:
        head = f"await {head}"
        if _binds_tighter(calls, call):
            head, tail = f"({head}", f"{tail})"
    found += [(start(call), paren + 1, head), (end(call) - 1, end(call), tail)]
    last = paren + 1
    for value, field in zip(call.args, use.arguments, strict=False):
        # An argument may stand in brackets of its own, which its place does not count.
        gap = _COMMENT.sub(lambda hit: b" " * len(hit[0]), data[last : start(value)])
        behind = gap.rpartition(b",")[2]
        place = start(value) - len(behind.lstrip())
        found.append((place, place, f"{field}="))
        last = end(value)
    return found


def _hangs(workspace: Workspace, calls: Calls, use: Use, uses: Sequence[Use]) -> str | None:
    """What is before the last bracket of a call, of which each argument has lines of its own; None for another form."""
    source, call = workspace.source(calls.path), use.call
    closing = source.offset(call.end_lineno or call.lineno, 0)
    paren = source.data.find(b"(", source.offset(call.func.end_lineno or call.lineno, call.func.end_col_offset or 0))
    end = source.offset(call.end_lineno or call.lineno, call.end_col_offset or 0) - 1
    inside, before = source.data[paren + 1 : end], source.data[closing:end]
    alone = closing > paren and not before.strip() and before and not inside.partition(b"\n")[0].strip()
    if not alone or any(one in inside for one in (b'"""', b"'''", b"\\\n", b"\\\r")):
        # What is in a text of several lines is not to be moved.
        return None
    others = {id(one.call) for one in uses} - {id(call)}
    around, outer = False, calls.parents.get(call)
    while outer is not None:
        around = around or id(outer) in others
        outer = calls.parents.get(outer)
    if around or any(id(one) in others for one in below(call)):
        return None
    lines = source.lines[call.func.end_lineno or call.func.lineno : call.end_lineno]
    return before.decode(source.encoding) if all(one[:1].isspace() for one in lines) else None


def _asking(tree: ast.Module, get_bus: str, events: Collection[str]) -> list[ast.expr]:
    """The calls that ask or publish one of ``events``."""
    found: list[ast.expr] = []
    for node in below(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=called)), args=[ast.Call(func=event)]) if (
                ast.unparse(called) == get_bus and ast.unparse(event) in events
            ):
                found.append(node)
    return found


def _binds_tighter(calls: Calls, call: ast.Call) -> bool:
    """Whether what stands around a call would take only a part of an ``await``."""
    outer = calls.parents.get(call)
    if isinstance(outer, ast.BinOp):
        return isinstance(outer.op, ast.Pow)
    return isinstance(outer, (ast.Attribute, ast.Await)) or (
        isinstance(outer, (ast.Subscript, ast.Call))
        and call is (outer.value if isinstance(outer, ast.Subscript) else outer.func)
    )


def _merged(splices: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The edits with what is put in where another begins made one with that: a call that is an argument of another."""
    put: dict[int, str] = {}
    for start, end, text in splices:
        if start == end:
            put[start] = put.get(start, "") + text
    found = [(start, end, put.pop(start, "") + text) for start, end, text in splices if start != end]
    return sorted([*found, *((start, start, text) for start, text in put.items())])


# The imports


def _imported(tree: ast.Module, modules: Collection[str]) -> ast.stmt | None:
    """The first import from one of ``modules``, which may have dots before them."""
    for one in tree.body:
        if isinstance(one, ast.ImportFrom) and f"{'.' * one.level}{one.module or ''}" in modules:
            return one
    return None


def _stands_close(workspace: Workspace, path: str, place: ast.stmt, gone: Sequence[Taken]) -> bool:
    """Whether something will be on the line above ``place``."""
    going = {
        line
        for one in gone
        if one.whole
        for line in range(one.node.lineno - len(one.above), (one.node.end_lineno or one.node.lineno) + 1)
    }
    line = place.lineno - 1
    while line in going:
        line -= 1
    return line > 0 and bool(workspace.source(path).lines[line - 1].strip())


def _comments(taken: Sequence[Taken], imported: str) -> list[str]:
    """What is told about imports above and behind them, with the name of what it was about; not what tools are told."""
    found: list[str] = []
    for one in taken:
        comment = one.comment.strip()
        found += [*one.above, *([comment] if comment and not DIRECTIVE.match(comment) else [])]
    stem = imported.removesuffix("/__init__.py").rpartition("/")[2].removesuffix(".py")
    if not found or re.search(rf"\b{re.escape(stem)}\b", " ".join(found)):
        return found
    return [f"# {stem}:", *found]


def _without(workspace: Workspace, path: str, one: Late) -> Splice:
    """The edit that takes an import away from a function, and the blank line behind one that began it."""
    source, node = workspace.source(path), one.node
    first, last = node.lineno, node.end_lineno or node.lineno
    before = source.lines[first - 1][: node.col_offset]
    behind = source.lines[last - 1][node.end_col_offset or 0 :]
    if before.strip() or behind.strip():
        raise Refused(Reason.SHARED_LINE, f"something else stands on line {first}")
    if last < len(source.lines) and not source.lines[last].strip():
        previous = source.lines[first - 2].rstrip() if first > 1 else b""
        if not previous or previous.endswith((b":", b'"""')):
            last += 1
    end = source.offset(last + 1, 0) if last < len(source.lines) else len(source.data)
    return Splice(source.offset(first, 0), end, "")
