"""Reads ``config/ports.yaml``: the schema of the registry."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml import Node, ScalarNode

from .document_reader import DocumentReader, Item, is_nothing, is_number, join, line_of, settled, spoken
from .documents import hint
from .registry import (
    DEFAULT_MACHINE,
    HIGHEST,
    LOWEST,
    MACHINE_NAME,
    PORT_NAME,
    RESERVED_NAMES,
    VERSION,
    Machine,
    Port,
    Registry,
    RegistryError,
)

_START = "start it with `version: 1` and `ports:`"
_RANGE = re.compile(r"([1-9][0-9]{0,4}) ?- ?([1-9][0-9]{0,4})")


def registry_in(file: Path) -> Registry:
    """The registry in ``file``. Raises RegistryError."""
    return settled(file, RegistryError, Reader(file.absolute()).registry)


class Reader(DocumentReader):
    """Turns the text of one file into a registry; ``file`` is what its errors name."""

    error = RegistryError
    what = "a registry"
    known = VERSION
    number_hint = "write the number, and use UNSNARL_PORT_OFFSET to move all ports"

    def instead(self, node: Node, valid: tuple[str, ...]) -> str:
        """A number alone is what most people write first."""
        return f"; write `port: {node.value}` below it" if "port" in valid and is_number(node) else ""

    def registry(self, data: bytes | str) -> Registry:
        """The registry in ``data``. Raises RegistryError."""
        root = self.compose(self.text(data))
        if root is None:
            self.fail("", 1, f"is empty; {_START}")
        machines: tuple[Machine, ...] = ()
        items = {item.key: item for item in self.items(root, "", ("version", "machines", "ports"), "the registry")}
        if "version" not in items:
            self.fail("version", line_of(root), f"is missing: write `version: {VERSION}`")
        self.version(items["version"])
        if "machines" in items:
            machines = tuple(self._machines(items["machines"]))
        if "ports" not in items:
            self.fail("ports", line_of(root), "is missing: write `ports:` and the names below it")
        names = tuple(one.name for one in machines) or (DEFAULT_MACHINE,)
        ports = tuple(self._ports(items["ports"], names))
        registry = Registry(machines, ports, self.file)
        self._apart(registry)
        return registry

    def _machines(self, item: Item) -> Iterator[Machine]:
        if is_nothing(item.node):
            self.fail("machines", item.line, "has no machines; name one, or leave the key out")
        folders: dict[str, str] = {}
        for name, line, node in self.names(item, "machines", MACHINE_NAME, "letters, digits, `_`, `.` and `-`"):
            at = join("machines", name)
            parts: dict[str, Any] = {}
            if not is_nothing(node):
                for key, _, value in self.items(node, at, ("paths", "range"), "a machine"):
                    parts[key] = getattr(self, f"_{key}")(value, join(at, key))
            machine = Machine(name, parts.get("paths", ()), parts.get("range"), line)
            for folder in machine.paths:
                if folder in folders:
                    problem = f"`{folder}` belongs to machine `{folders[folder]}` too; name a folder for one machine"
                    self.fail(join(at, "paths"), line, problem)
                folders[folder] = name
            yield machine

    def _paths(self, node: Node, at: str) -> tuple[str, ...]:
        if not isinstance(node, yaml.SequenceNode):
            self.fail(at, line_of(node), f"expected a list of folders, got {spoken(node)}; write `[folder]`")
        paths = []
        for one in node.value:
            text = self.line_of_text(one, at)
            path = posixpath.normpath(text)
            if not text or posixpath.isabs(text) or path.split("/")[0] == "..":
                self.fail(at, line_of(one), f"`{text}` is not below the root of the tree; write a path relative to it")
            paths.append(path)
        return tuple(paths)

    def _range(self, node: Node, at: str) -> tuple[int, int]:
        found = _RANGE.fullmatch(node.value) if isinstance(node, ScalarNode) else None
        if found is None:
            self.fail(at, line_of(node), f"expected `first-last`, as in `5000-7999`, got {spoken(node)}")
        low, high = int(found[1]), int(found[2])
        if low > high or high > HIGHEST:
            self.fail(at, line_of(node), f"{low}-{high} is no range of ports: first up to last, {LOWEST} to {HIGHEST}")
        return low, high

    def _ports(self, item: Item, machines: tuple[str, ...]) -> Iterator[Port]:
        if is_nothing(item.node):
            return
        letters = "letters, digits and `_`, and does not begin with a digit"
        for name, line, node in self.names(item, "ports", PORT_NAME, letters):
            at = join("ports", name)
            if name.upper() in RESERVED_NAMES:
                self.fail(at, line, f"UNSNARL_PORT_{name.upper()} is a variable of its own; choose another name")
            if not isinstance(node, yaml.SequenceNode):
                yield self._port(name, line, node, at, machines)
                continue
            if not node.value:
                self.fail(at, line_of(node), "is an empty list; write one entry for each machine")
            taken: dict[str, int] = {}
            for i, one in enumerate(node.value):
                port = self._port(name, line_of(one), one, f"{at}[{i}]", machines)
                if port.machine in taken:
                    problem = f"is on machine `{port.machine}` twice, first in line {taken[port.machine]}; keep one"
                    self.fail(f"{at}[{i}]", port.line, problem)
                taken[port.machine] = port.line
                yield port

    def _port(self, name: str, line: int, node: Node, at: str, machines: tuple[str, ...]) -> Port:
        values: dict[str, Any] = {}
        for key, _, value in self.items(node, at, ("port", "machine", "owner", "purpose"), "a port"):
            where = join(at, key)
            values[key] = self._port_number(value, where) if key == "port" else self.line_of_text(value, where)
            if key == "machine" and values[key] not in machines:
                problem = f"machine `{values[key]}` is not under `machines`; {hint(values[key], machines)}"
                self.fail(where, line_of(value), problem)
        if "port" not in values:
            self.fail(at, line, f"has no `port`; write `port:` and a number from {LOWEST} to {HIGHEST}")
        if "machine" not in values and len(machines) > 1:
            listed = ", ".join(f"`{one}`" for one in machines)
            self.fail(at, line, f"has no `machine`, and there are several; write one of {listed}")
        values.setdefault("machine", machines[0])
        return Port(name, line=line, **values)

    def _port_number(self, node: Node, at: str) -> int:
        number = self.number(node, at)
        if not LOWEST <= number <= HIGHEST:
            self.fail(at, line_of(node), f"{number} is not a port; write a number from {LOWEST} to {HIGHEST}")
        return number

    def _apart(self, registry: Registry) -> None:
        taken: dict[tuple[str, int], Port] = {}
        for one in registry.ports:
            other = taken.setdefault((one.machine, one.port), one)
            if other is not one:
                free = registry.free_port(one.machine)
                problem = (
                    f"port {one.port} of machine `{one.machine}` is that of `{other.name}` (line {other.line}); "
                    f"give one of them another{f', {free} is free' if free else ''}"
                )
                self.fail(join("ports", one.name), one.line, problem)
