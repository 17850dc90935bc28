"""Reads ``config/ports.yaml``: the bytes of one moment, the YAML with its lines, and the schema of the registry."""

from __future__ import annotations

import os
import posixpath
import re
import time
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import Any, NamedTuple, NoReturn

import yaml
from yaml import Node, ScalarNode

from .registry import (
    DEFAULT_MACHINE,
    HIGHEST,
    LONGEST_NAME,
    LOWEST,
    MACHINE_NAME,
    PORT_NAME,
    RESERVED_NAMES,
    VERSION,
    Machine,
    Port,
    Registry,
    RegistryError,
    hint,
)

_LARGEST = 4 * 1024 * 1024
_DEEPEST = 16
_CALM = 0.05  # a file that was changed so many seconds ago may be half written
_PATIENCE = 2.0
_GRACE = 1.0  # and one that was changed so many seconds ago, and is wrong, too
_START = "start it with `version: 1` and `ports:`"
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_RANGE = re.compile(r"([1-9][0-9]{0,4}) ?- ?([1-9][0-9]{0,4})")


def registry_in(file: Path) -> Registry:
    """The registry in ``file``. Raises RegistryError."""
    while True:
        data, changed = read(file)
        try:
            return Reader(file.absolute()).registry(data)
        except RegistryError:
            # Who writes it may have been held up after the first half.
            while _changed(file) == changed and abs(time.time_ns() - changed) < _GRACE * 1e9:
                time.sleep(_CALM / 5)
            if _changed(file) == changed:
                raise


def _changed(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def read(file: Path) -> tuple[bytes, int]:
    """The bytes of ``file`` at a moment when nobody was writing it, and when it was changed, in nanoseconds.

    Raises RegistryError.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            data, seen, still = _read_once(file)
            if still and abs(time.time_ns() - seen[2]) >= _CALM * 1e9:
                return data, seen[2]
            time.sleep(_CALM)
            if still and _state(file.stat()) == seen:
                return data, seen[2]
        except FileNotFoundError as error:
            # Some editors move the old file away before they write the new one.
            if time.monotonic() > deadline - _PATIENCE + 2 * _CALM:
                raise RegistryError(
                    file, "", 0, f"cannot be read: {error.strerror}; write it, or name another"
                ) from None
            time.sleep(_CALM)
        except OSError as error:
            todo = "give this user the right to" if isinstance(error, PermissionError) else "put a file there"
            raise RegistryError(file, "", 0, f"cannot be read: {error.strerror}; {todo}") from None
        if time.monotonic() > deadline:
            problem = f"was being written for {_PATIENCE:g} s: write a new file and move it here in one step"
            raise RegistryError(file, "", 0, problem)


def _read_once(file: Path) -> tuple[bytes, tuple[int, ...], bool]:
    """What the file holds, its state before, and whether that is its state afterwards."""
    # O_NONBLOCK: a named pipe would be waited for without end.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        before = os.fstat(descriptor)
        if not S_ISREG(before.st_mode):
            raise RegistryError(file, "", 0, "cannot be read: it is not a regular file; put one there")
        if before.st_size > _LARGEST:
            raise RegistryError(file, "", 0, f"is larger than {_LARGEST} bytes, which no registry is")
        parts = []
        while part := os.read(descriptor, _LARGEST):
            parts.append(part)
        return b"".join(parts), _state(before), _state(os.fstat(descriptor)) == _state(before)
    finally:
        os.close(descriptor)


def _state(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


class Item(NamedTuple):
    """One key of a mapping: its text, its line from 1, and the node of its value."""

    key: str
    line: int
    node: Node


class Reader:
    """Turns the text of one file into a registry; ``file`` is what its errors name."""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def _fail(self, key: str, line: int, problem: str) -> NoReturn:
        raise RegistryError(self.file, key, line, problem)

    def registry(self, data: bytes | str) -> Registry:
        """The registry in ``data``. Raises RegistryError."""
        root = self._compose(self._text(data))
        if root is None:
            self._fail("", 1, f"is empty; {_START}")
        machines: tuple[Machine, ...] = ()
        items = {item.key: item for item in self._items(root, "", ("version", "machines", "ports"), "the registry")}
        if "version" not in items:
            self._fail("version", _line(root), f"is missing: write `version: {VERSION}`")
        self._version(items["version"])
        if "machines" in items:
            machines = tuple(self._machines(items["machines"]))
        if "ports" not in items:
            self._fail("ports", _line(root), "is missing: write `ports:` and the names below it")
        names = tuple(one.name for one in machines) or (DEFAULT_MACHINE,)
        ports = tuple(self._ports(items["ports"], names))
        registry = Registry(machines, ports, self.file)
        self._apart(registry)
        return registry

    def _text(self, data: bytes | str) -> str:
        if isinstance(data, str):
            return data
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._fail("", data.count(b"\n", 0, error.start) + 1, "is not UTF-8; save it as UTF-8")

    def _compose(self, text: str) -> Node | None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            depth = 0
            # The C composer calls itself for each level, and ends the process where the stack does.
            for event in yaml.parse(text, Loader=loader):
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if depth > _DEEPEST:
                    mark = event.start_mark
                    self._fail(
                        "", mark.line + 1 if mark else 0, "is nested deeper than a registry is; mend the brackets"
                    )
            node: Node | None = yaml.compose(text, Loader=loader)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self._fail("", line, "holds a character that YAML does not allow; remove it")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            told = ", ".join(filter(None, (error.context, error.problem)))
            self._fail("", mark.line + 1 if mark else 0, f"is not valid YAML: {told}")
        return node

    def _items(self, node: Node, at: str, valid: tuple[str, ...], what: str) -> Iterator[Item]:
        """The keys of a mapping, each once; only those of ``valid`` when there are any."""
        if not isinstance(node, yaml.MappingNode):
            told = f", which has {', '.join(f'`{one}`' for one in valid)}" if valid else ""
            # What most people write first.
            short = f"; write `port: {node.value}` below it" if "port" in valid and _is_number(node) else ""
            self._fail(at, _line(node), f"expected a mapping for {what}{told}, got {_spoken(node)}{short}")
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = _line(key)
            if not isinstance(key, ScalarNode):
                self._fail(at, line, f"expected a name as key, got {_spoken(key)}")
            text = key.value
            if text == "<<":
                self._fail(_join(at, text), line, "merge keys are not read here; write the keys out")
            if text in seen:
                self._fail(_join(at, text), line, f"is written twice, first in line {seen[text]}; keep one of them")
            if valid and text not in valid:
                self._fail(_join(at, text), line, f"unknown key; {hint(text, valid)}")
            seen[text] = line
            yield Item(text, line, value)

    def _version(self, item: Item) -> None:
        number = self._number(item.node, "version")
        if number != VERSION:
            problem = f"{number} is not a version that is known here; write {VERSION}, or update unsnarl"
            self._fail("version", _line(item.node), problem)

    def _machines(self, item: Item) -> Iterator[Machine]:
        if _is_nothing(item.node):
            self._fail("machines", item.line, "has no machines; name one, or leave the key out")
        folders: dict[str, str] = {}
        for name, line, node in self._names(item, "machines", MACHINE_NAME, "letters, digits, `_`, `.` and `-`"):
            at = _join("machines", name)
            parts: dict[str, Any] = {}
            if not _is_nothing(node):
                for key, _, value in self._items(node, at, ("paths", "range"), "a machine"):
                    parts[key] = getattr(self, f"_{key}")(value, _join(at, key))
            machine = Machine(name, parts.get("paths", ()), parts.get("range"), line)
            for folder in machine.paths:
                if folder in folders:
                    problem = f"`{folder}` belongs to machine `{folders[folder]}` too; name a folder for one machine"
                    self._fail(_join(at, "paths"), line, problem)
                folders[folder] = name
            yield machine

    def _paths(self, node: Node, at: str) -> tuple[str, ...]:
        if not isinstance(node, yaml.SequenceNode):
            self._fail(at, _line(node), f"expected a list of folders, got {_spoken(node)}; write `[folder]`")
        paths = []
        for one in node.value:
            text = self._line_of_text(one, at)
            path = posixpath.normpath(text)
            if not text or posixpath.isabs(text) or path.split("/")[0] == "..":
                self._fail(at, _line(one), f"`{text}` is not below the root of the tree; write a path relative to it")
            paths.append(path)
        return tuple(paths)

    def _range(self, node: Node, at: str) -> tuple[int, int]:
        found = _RANGE.fullmatch(node.value) if isinstance(node, ScalarNode) else None
        if found is None:
            self._fail(at, _line(node), f"expected `first-last`, as in `5000-7999`, got {_spoken(node)}")
        low, high = int(found[1]), int(found[2])
        if low > high or high > HIGHEST:
            self._fail(at, _line(node), f"{low}-{high} is no range of ports: first up to last, {LOWEST} to {HIGHEST}")
        return low, high

    def _names(self, item: Item, at: str, pattern: re.Pattern[str], letters: str) -> Iterator[Item]:
        folded: dict[str, Item] = {}
        for one in self._items(item.node, at, (), f"`{at}`"):
            where = _join(at, one.key)
            if not pattern.fullmatch(one.key):
                allowed = re.sub(r"[^A-Za-z0-9_]+", "_", one.key).strip("_")
                told = f"; write `{allowed}`" if pattern.fullmatch(allowed) else ""
                self._fail(where, one.line, f"a name here is made of {letters}{told}")
            if len(one.key) > LONGEST_NAME:
                self._fail(where, one.line, f"is longer than {LONGEST_NAME} characters; shorten it")
            other = folded.setdefault(one.key.casefold(), one)
            if other is not one:
                problem = f"differs from `{other.key}` (line {other.line}) in case only; rename one of them"
                self._fail(where, one.line, problem)
            yield one

    def _ports(self, item: Item, machines: tuple[str, ...]) -> Iterator[Port]:
        if _is_nothing(item.node):
            return
        letters = "letters, digits and `_`, and does not begin with a digit"
        for name, line, node in self._names(item, "ports", PORT_NAME, letters):
            at = _join("ports", name)
            if name.upper() in RESERVED_NAMES:
                self._fail(at, line, f"UNSNARL_PORT_{name.upper()} is a variable of its own; choose another name")
            if not isinstance(node, yaml.SequenceNode):
                yield self._port(name, line, node, at, machines)
                continue
            if not node.value:
                self._fail(at, _line(node), "is an empty list; write one entry for each machine")
            taken: dict[str, int] = {}
            for i, one in enumerate(node.value):
                port = self._port(name, _line(one), one, f"{at}[{i}]", machines)
                if port.machine in taken:
                    problem = f"is on machine `{port.machine}` twice, first in line {taken[port.machine]}; keep one"
                    self._fail(f"{at}[{i}]", port.line, problem)
                taken[port.machine] = port.line
                yield port

    def _port(self, name: str, line: int, node: Node, at: str, machines: tuple[str, ...]) -> Port:
        values: dict[str, Any] = {}
        for key, _, value in self._items(node, at, ("port", "machine", "owner", "purpose"), "a port"):
            where = _join(at, key)
            values[key] = self._port_number(value, where) if key == "port" else self._line_of_text(value, where)
            if key == "machine" and values[key] not in machines:
                problem = f"machine `{values[key]}` is not under `machines`; {hint(values[key], machines)}"
                self._fail(where, _line(value), problem)
        if "port" not in values:
            self._fail(at, line, f"has no `port`; write `port:` and a number from {LOWEST} to {HIGHEST}")
        if "machine" not in values and len(machines) > 1:
            listed = ", ".join(f"`{one}`" for one in machines)
            self._fail(at, line, f"has no `machine`, and there are several; write one of {listed}")
        values.setdefault("machine", machines[0])
        return Port(name, line=line, **values)

    def _port_number(self, node: Node, at: str) -> int:
        number = self._number(node, at)
        if not LOWEST <= number <= HIGHEST:
            self._fail(at, _line(node), f"{number} is not a port; write a number from {LOWEST} to {HIGHEST}")
        return number

    def _number(self, node: Node, at: str) -> int:
        # Eight digits are no port, and not more than the interpreter reads.
        if not isinstance(node, ScalarNode) or not _is_number(node) or len(node.value) > 8:
            told = "write it in decimal, without quotes, signs, `_` or leading zeros"
            if isinstance(node, ScalarNode) and "$" in node.value:
                told = "nothing is filled in here: write the number, and use UNSNARL_PORT_OFFSET to move all ports"
            self._fail(at, _line(node), f"expected a whole number, got {_spoken(node)}; {told}")
        return int(node.value)

    def _line_of_text(self, node: Node, at: str) -> str:
        if not isinstance(node, ScalarNode):
            self._fail(at, _line(node), f"expected text, got {_spoken(node)}")
        if _is_nothing(node):
            return ""
        text = " ".join(node.value.split())
        if not text.isprintable():
            self._fail(at, _line(node), "holds a character that cannot be shown; remove it")
        return text

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
                self._fail(_join("ports", one.name), one.line, problem)


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _is_plain(node: Node) -> bool:
    return isinstance(node, ScalarNode) and not node.style


def _is_number(node: Node) -> bool:
    return _is_plain(node) and _NUMBER.fullmatch(node.value) is not None


def _is_nothing(node: Node) -> bool:
    """Whether there is no value: nothing at all, ``~`` or ``null``, without quotes."""
    return _is_plain(node) and node.tag == "tag:yaml.org,2002:null"


def _spoken(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
    if _is_nothing(node):
        return "nothing"
    shown = node.value if len(node.value) <= 40 else node.value[:39] + "…"
    return f"`{shown}`" if _is_plain(node) else f'the text "{shown}"'
