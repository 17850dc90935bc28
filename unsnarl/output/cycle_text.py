"""Cycles of imports and their cuts, for people and programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from analysis.words import plural
from unsnarl.report import printable

if TYPE_CHECKING:
    from analysis.cuts import Cut
    from analysis.cycles import Cycle

HOW = {
    "type-checking": "put it under `if TYPE_CHECKING:`",
    "redirect": "take it from there",
    "defer": "import it there",
    "extract": "move it into a module of its own",
    "events": "pass it in, or ask for it over a bus where both are services",
    "restructure": "by hand",
}
"""What to do, by technique."""
_SHOWN = 12


class Opened(NamedTuple):
    """A cycle and the cuts that open it."""

    cycle: Cycle
    cuts: list[Cut]


def text(found: Sequence[Opened]) -> str:
    """A paragraph for each cycle."""
    return "\n".join("".join(f"{printable(line)}\n" for line in _paragraph(one)) for one in found)


def _paragraph(opened: Opened) -> Iterator[str]:
    cycle = opened.cycle
    yield f"{plural(len(cycle.files), 'file')} import each other, by {plural(len(cycle.edges), 'import')}:"
    pairs = cycle.pairs()
    for file, following in zip(cycle.shortest, (*cycle.shortest[1:], cycle.shortest[0]), strict=True):
        edge = min(pairs[file, following], key=lambda one: one.line)
        names = f" ({', '.join(edge.names)})" if edge.names else ""
        yield f"  {file}:{edge.line} imports {following}{names}"
    if len(cycle.files) > len(cycle.shortest):
        others = [file for file in cycle.files if file not in cycle.shortest]
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        yield f"  with {', '.join(others[:_SHOWN])}{more}"
    yield f"  cut {plural(len(opened.cuts), 'import')}:" if len(opened.cuts) > 1 else "  cut:"
    for one in opened.cuts:
        lines = ", ".join(str(edge.line) for edge in one.edges)
        yield f"    {one.importer}:{lines} imports {one.imported}: {one.reason}; {HOW[one.technique]}"


def json(found: Sequence[Opened]) -> str:
    """One object for each cycle."""
    made: list[dict[str, Any]] = [
        {
            "files": one.cycle.files,
            "shortest": one.cycle.shortest,
            "imports": [msgspec.structs.asdict(edge) for edge in one.cycle.edges],
            "cuts": [
                {**msgspec.structs.asdict(each), "edges": [msgspec.structs.asdict(edge) for edge in each.edges]}
                for each in one.cuts
            ],
        }
        for one in found
    ]
    return msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"


def dot(found: Sequence[Opened]) -> str:
    """A picture for Graphviz: what is to be cut is dashed and red."""
    lines = ["digraph cycles {", "  node [shape=box];"]
    for number, one in enumerate(found):
        lines.append(f"  subgraph cluster_{number} {{")
        lines += [f"    {_quoted(file)};" for file in one.cycle.files]
        cutting = {(each.importer, each.imported): each for each in one.cuts}
        for pair in one.cycle.pairs():
            look = f' [style=dashed, color=red, label="{cutting[pair].technique}"]' if pair in cutting else ""
            lines.append(f"    {_quoted(pair[0])} -> {_quoted(pair[1])}{look};")
        lines.append("  }")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(name: str) -> str:
    escaped = printable(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def mermaid(found: Sequence[Opened]) -> str:
    """A picture for Mermaid: what is to be cut is dashed."""
    lines = ["flowchart LR"]
    numbers: dict[str, str] = {}
    for place, one in enumerate(found):
        lines.append(f"  subgraph cycle{place}[{plural(len(one.cycle.files), 'file')}]")
        for file in one.cycle.files:
            numbers[file] = f"f{len(numbers)}"
            shown = printable(file).replace('"', "#quot;")
            lines.append(f'    {numbers[file]}["{shown}"]')
        cutting = {(each.importer, each.imported): each for each in one.cuts}
        for pair in one.cycle.pairs():
            arrow = f"-. {cutting[pair].technique} .->" if pair in cutting else "-->"
            lines.append(f"    {numbers[pair[0]]} {arrow} {numbers[pair[1]]}")
        lines.append("  end")
    return "\n".join(lines) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Opened]], str]] = {"text": text, "json": json, "dot": dot, "mermaid": mermaid}


def summary(found: Sequence[Opened], files: int, others: int = 0) -> str:
    """One line for all: ``others`` are cycles of the tree that were not asked for."""
    more = f" {plural(others, 'other cycle')} in the tree." if others else ""
    if not found:
        return f"No import cycle {'here' if others else 'among ' + plural(files, 'file')}.{more}"
    inside = sum(len(one.cycle.files) for one in found)
    cutting = sum(len(one.cuts) for one in found)
    return (
        f"{plural(len(found), 'import cycle')} of {plural(inside, 'file')} among {files:,}; "
        f"{plural(cutting, 'import')} to cut.{more}"
    )
