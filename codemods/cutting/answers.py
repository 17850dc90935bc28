"""The side that answers: what it says on the bus, and where it starts to."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from analysis.collectors.imports import is_main
from analysis.nodes import below
from codemods.compose import Change
from codemods.cutting.bringing import bring
from codemods.cutting.event_module import Asked
from codemods.cutting.offers import FUNCTIONS, Module
from codemods.cutting.starts import place, start_of
from codemods.cutting.workspace import Workspace
from codemods.edits import Need, Reason, Splice
from codemods.imports import Refused

HANDLER = "handle_events"
_OWN = frozenset({"asked", "bus", "_"})
_CACHE = Need("functools", "cache")


def answer(
    workspace: Workspace, path: str, asked: Sequence[Asked], events: Mapping[str, Need], bus: tuple[str, str]
) -> str:
    """Have the file answer all of ``asked``; returns where it starts to, for people. Raises Refused.

    ``events`` are the classes of the messages, by the target of the function; ``bus`` the module and the name of what
    gives the bus of the process.
    """
    start = start_of(Module(path, workspace.tree(path)))
    known = _known(workspace.tree(path))
    for one in asked:
        if re.split(r"\W", one.offered.target)[0] in _OWN:
            raise Refused(
                Reason.NAME_TAKEN, f"`{one.offered.target}` of {path} is called as what answers calls its own"
            )
    get_bus, kind = Need(*bus), Need(bus[0], "Bus")
    own = [] if known is not None else [_CACHE, kind]
    names = bring(workspace, path, [get_bus, *own, *dict.fromkeys(events[one.offered.target] for one in asked)])
    classes = {target: names[need] for target, need in events.items()}
    known = _known(workspace.tree(path))
    if known is None:
        if any(isinstance(one, ast.Name) and one.id == HANDLER for one in below(workspace.tree(path))) or any(
            getattr(one, "name", "") == HANDLER for one in workspace.tree(path).body
        ):
            raise Refused(Reason.NAME_TAKEN, f"{path} has another `{HANDLER}`")
        _define(workspace, path, asked, classes, (names[_CACHE], names[kind]))
    else:
        _extend(workspace, path, known, asked, classes)
    _call(workspace, path, names[get_bus])
    return start.where


def _known(tree: ast.Module) -> ast.FunctionDef | None:
    """The function that an earlier run wrote."""
    for one in tree.body:
        if isinstance(one, ast.FunctionDef) and one.name == HANDLER and len(one.args.args) == 1 and one.decorator_list:
            return one
    return None


def _define(
    workspace: Workspace, path: str, asked: Sequence[Asked], classes: Mapping[str, str], names: tuple[str, str]
) -> None:
    """Write the function, before what the file does as a script."""
    source, tree = workspace.source(path), workspace.tree(path)
    cache, kind = names
    body = "".join(_registered(one, classes, "bus") for one in asked).rstrip("\n")
    text = (
        f"@{cache}\ndef {HANDLER}(bus: {kind}) -> None:\n"
        f'    """Answer what other services ask of this one: once on each bus, however often it is called."""\n{body}\n'
    )
    main = next((one for one in tree.body if isinstance(one, ast.If) and is_main(one.test)), None)
    if main is None:
        # What stands behind the last definition may start it.
        ends = [one.end_lineno or 0 for one in tree.body if isinstance(one, (*FUNCTIONS, ast.ClassDef))]
        last = max(ends, default=len(source.lines))
        at = source.offset(last + 1, 0) if last < len(source.lines) else len(source.data)
        ended = source.data[:at].endswith((b"\n", b"\r"))
        text = f"\n\n{text}" if ended else f"\n\n\n{text}".rstrip("\n")
    else:
        line, _ = place(workspace, path, main)
        at = source.offset(line, 0)
        text = ("" if line == 1 or not source.lines[line - 2].strip() else "\n\n") + text + "\n\n"
    workspace.edit(path, [Change((Splice(at, at, text),))])


def _registered(one: Asked, classes: Mapping[str, str], bus: str) -> str:
    """The lines that register the handler of one function."""
    offered, name = one.offered, classes[one.offered.target]
    verb = "subscribe" if one.event else "handle"
    call = f"{offered.target}({', '.join(_given(one))})"
    if not offered.is_async:
        argument = "asked" if _given(one) else "_"
        return f"    {bus}.{verb}({name}, lambda {argument}: {call})\n"
    made = f"{offered.name}_asked"
    argument = "asked" if _given(one) else "_"
    return (
        f"\n    async def {made}({argument}: {name}) -> object:\n        return await {call}\n\n"
        f"    {bus}.{verb}({name}, {made})\n"
    )


def _given(one: Asked) -> list[str]:
    found: list[str] = []
    skipped = False
    for each in one.offered.parameters:
        if each.name not in one.fields:
            skipped = True
            continue
        named = each.kind == "keyword" or (skipped and each.kind == "either")
        found.append(f"{each.name}=asked.{each.name}" if named else f"asked.{each.name}")
    return found


def _extend(
    workspace: Workspace, path: str, known: ast.FunctionDef, asked: Sequence[Asked], classes: Mapping[str, str]
) -> None:
    """Add what the function does not register yet."""
    bus = known.args.args[0].arg
    there: dict[str, str] = {}
    for one in below(known):
        match one:
            case ast.Call(func=ast.Attribute(attr="handle" | "subscribe"), args=[ast.Name(id=name), _]):
                there[name] = ast.unparse(one)
    text = ""
    for each in asked:
        name = classes[each.offered.target]
        lines = _registered(each, classes, bus)
        if name not in there:
            text += lines
        elif there[name] != lines.strip().rpartition("\n")[2].strip():
            raise Refused(Reason.EVENT_CLASH, f"{path} answers `{name}` otherwise")
    last = known.body[-1]
    source = workspace.source(path)
    line = last.end_lineno or last.lineno
    at = source.offset(line + 1, 0) if line < len(source.lines) else len(source.data)
    if text and at == len(source.data) and not source.data.endswith((b"\n", b"\r")):
        text = "\n" + text.rstrip("\n")
    if text:
        workspace.edit(path, [Change((Splice(at, at, text),))])


def _call(workspace: Workspace, path: str, get_bus: str) -> None:
    """Have the function called where the service starts."""
    tree = workspace.tree(path)
    for one in below(tree):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == HANDLER:
            return
    start = start_of(Module(path, tree))
    line, indent = place(workspace, path, start.before)
    at = workspace.source(path).offset(line, 0)
    workspace.edit(path, [Change((Splice(at, at, f"{indent}{HANDLER}({get_bus}())\n"),))])
