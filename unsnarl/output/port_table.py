"""The table of ports as text, CSV, JSON, and as a picture of who talks to whom."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

import msgspec

from analysis.ports import Row
from analysis.words import plural
from unsnarl.output.port_text import as_text


def as_csv(rows: Sequence[Row]) -> str:
    """One line per row, all fields, with a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Row.__struct_fields__)
    for row in rows:
        writer.writerow("" if value is None else value for value in msgspec.structs.astuple(row))
    return out.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """A list of objects."""
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"


def _edges(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """From whom, to whom, over which port: an owner that connects and each that binds there."""
    binders: dict[int, set[str]] = {}
    for row in rows:
        if row.side == "bind" and row.port:
            binders.setdefault(row.port, set()).add(row.owner)
    found: set[tuple[str, str, str]] = set()
    for row in rows:
        if row.side == "connect" and row.port:
            for owner in binders.get(row.port) or {f"? :{row.port}"}:
                found.add((row.owner, owner, str(row.port)))
    return sorted(found)


def as_dot(rows: Sequence[Row]) -> str:
    """A graph for Graphviz."""
    lines = ["digraph ports {", "  rankdir=LR;", '  node [shape=box, fontname="Helvetica"];']
    for source, target, port in _edges(rows):
        lines.append(f'  "{_quoted(source)}" -> "{_quoted(target)}" [label="{port}"];')
    return "\n".join((*lines, "}")) + "\n"


def as_mermaid(rows: Sequence[Row]) -> str:
    """A graph for Mermaid, which Markdown viewers draw."""
    edges = _edges(rows)
    names = {name: f"n{at}" for at, name in enumerate(dict.fromkeys(one for edge in edges for one in edge[:2]))}
    lines = ["flowchart LR"]
    lines += [f'  {key}["{name.replace(chr(34), "#quot;")}"]' for name, key in names.items()]
    lines += [f"  {names[source]} -->|{port}| {names[target]}" for source, target, port in edges]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def summary(rows: Sequence[Row]) -> str:
    """How many rows there are, and how many of them have a number."""
    known = sum(row.port is not None for row in rows)
    return f"{plural(len(rows), 'row', 'rows')}, {known:,} with a number"


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {
    "text": as_text,
    "csv": as_csv,
    "json": as_json,
    "dot": as_dot,
    "mermaid": as_mermaid,
}
