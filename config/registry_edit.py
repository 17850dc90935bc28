"""Adds ports to the text of a registry. Nothing that stands there is written anew, comments and order included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from yaml import MappingNode, Node

from .registry import Machine, Port, Registry, RegistryError, machine_out, parse, port_out

_BOM = "\ufeff"


def added(
    data: bytes | None, ports: Sequence[Port], machines: Sequence[Machine] = (), file: Path | None = None
) -> bytes:
    """The registry ``data``, the content of ``file``, with ``machines`` and ``ports`` behind those it has.

    None stands for a registry that is not there. What comes out is read again: it holds what was there, then what was
    added.

    Raises:
        RegistryError: ``data`` is no registry, the result would be none, or it is written in a way that cannot be
            added to.
    """
    if data is None:
        made = Registry(tuple(machines), tuple(ports)).to_yaml().encode()
        parse(made, file)
        return made
    before = parse(data, file)
    text: str = data.decode("utf-8-sig")
    several = bool(before.machines or machines)
    refused = RegistryError(file, "ports", 0, "is written in a way that cannot be added to; write one name a line")
    try:
        if machines:
            text = _appended(text, "machines", [(one.name, machine_out(one)) for one in machines])
        if ports:
            text = _appended(text, "ports", [(one.name, port_out(one, several)) for one in ports])
        new = (_BOM if data.startswith(_BOM.encode()) else "").encode() + text.encode()
        after = parse(new, file)
    except RegistryError as error:
        # Lines of a text that nobody has seen would mislead; but that a machine is lacking can be mended.
        bare = next((one for one in before.ports if error.key.partition("[")[0] == f"ports.{one.name}"), None)
        if bare is None or "has no `machine`" not in error.problem:
            raise refused from error
        told = f"has no `machine`, and there are going to be several; write `machine: {bare.machine}` below it"
        raise RegistryError(file, error.key, bare.line, told) from None
    except yaml.YAMLError as error:
        raise refused from error
    expected = [_plain(one) for one in (*before.ports, *ports)], [one.name for one in (*before.machines, *machines)]
    if ([_plain(one) for one in after.ports], [one.name for one in after.machines]) != expected:
        raise refused
    return new


def _plain(port: Port) -> tuple[str, int, str, str, str]:
    return port.name, port.port, port.machine, port.owner, port.purpose


def _appended(text: str, key: str, items: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """``text`` with ``items`` at the end of the mapping ``key`` of its root, which is made where it is missing."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, MappingNode)
    newline = "\r\n" if "\r\n" in text else "\n"
    found = next(((name, value) for name, value in root.value if name.value == key), None)
    if found is None:
        # Machines are read before the ports that are on them: by people.
        mark = next(name.start_mark for name, _ in root.value if name.value == "ports")
        margin = " " * mark.column
        lines = _lines(items, f"{margin}  ", "  ", newline)
        return "".join((text[: mark.index], f"{key}:{newline}", lines, margin, text[mark.index :]))
    name, value = found
    written = text[value.start_mark.index : value.end_mark.index]
    if isinstance(value, MappingNode) and value.flow_style and "".join(written.split()) != "{}":
        inner = ", ".join(f"{one}: {json.dumps(parts, ensure_ascii=False)}" for one, parts in items)
        end = int(value.end_mark.index) - 1
        return "".join((text[:end], ", " if value.value else "", inner, text[end:]))
    if isinstance(value, MappingNode) and value.value:
        first = value.value[0][0].start_mark
        indent = " " * first.column
        step = _step(value, first.column)
        last = _last(value)
    else:
        indent, step = " " * (name.start_mark.column + 2), "  "
        # Nothing is there: `ports:`, `ports: ~` or `ports: {}`, of which the key stays.
        text = "".join((text[: value.start_mark.index].rstrip(" "), text[value.end_mark.index :]))
        last = name
    end = _line_end(text, last)
    lines = _lines(items, indent, step, newline)
    if end == len(text) and not text.endswith(("\n", "\r")):
        return f"{text}{newline}{lines.removesuffix(newline)}"
    return f"{text[:end]}{lines}{text[end:]}"


def _step(value: MappingNode, column: int) -> str:
    """By how much the parts of an entry are moved in."""
    for _, entry in value.value:
        if isinstance(entry, MappingNode) and not entry.flow_style and entry.value:
            return " " * max(1, int(entry.value[0][0].start_mark.column) - column)
    return "  "


def _last(node: Node) -> Node:
    """The last thing that is written in a node; what follows in the file is none of it."""
    while isinstance(node, (MappingNode, yaml.SequenceNode)) and not node.flow_style and node.value:
        tail = node.value[-1]
        key, inner = tail if isinstance(tail, tuple) else (tail, tail)
        empty = isinstance(inner, yaml.ScalarNode) and inner.start_mark.index == inner.end_mark.index
        node = key if empty else inner
    return node


def _line_end(text: str, node: Node) -> int:
    """The place behind the line that ``node`` ends on."""
    at = node.end_mark.index
    if node.end_mark.column == 0 and at > node.start_mark.index:
        # A block of text ends where the next line begins.
        return int(at)
    while at < len(text) and text[at] not in "\r\n":
        at += 1
    return int(at + (2 if text[at : at + 2] == "\r\n" else 1)) if at < len(text) else len(text)


def _lines(items: Sequence[tuple[str, dict[str, Any]]], indent: str, step: str, newline: str) -> str:
    out: list[str] = []
    for name, parts in items:
        out.append(f"{indent}{name}:")
        out += (f"{indent}{step}{key}: {_written(value)}" for key, value in parts.items())
    return "".join(line + newline for line in out)


def _written(value: Any) -> str:
    dumped: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"))
    return dumped.partition("\n")[0]
