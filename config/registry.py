"""The port registry of a tree, ``config/ports.yaml``: its schema, how it is found and read, and errors that say where.

::

    version: 1
    machines:                      # optional; without it there is one machine, called `default`
      main_pc:
        paths: [main_pc_code]      # folders of the tree whose code runs there
        range: 5000-7999           # where new ports are taken from
    ports:
      MEMORY_AGENT:
        port: 5556
        machine: main_pc           # may be left out where there is one machine
        owner: MemoryAgent
        purpose: requests
      HEALTH:                      # a name that several machines have: a list with one entry for each
        - {port: 6000, machine: main_pc}
        - {port: 6000, machine: pc2}

Values are taken as they are written, not as YAML 1.1 reads them: a port is a decimal number without quotes, so that
``010`` and ``1:30`` are refused, and a name such as ``on`` or ``NO`` stays that name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from .documents import ConfigError, nearest

FILE = Path("config", "ports.yaml")
DEFAULT_MACHINE = "default"
SHARED = "shared"
"""The machine of ports that code uses which may run on any: each may claim them."""
LOWEST, HIGHEST = 1, 65535
VERSION = 1
# Of a port it is a part of environment variables, of a machine a part of file names.
PORT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MACHINE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# UNSNARL_PORT_OFFSET is another thing than the port of OFFSET.
RESERVED_NAMES = frozenset({"OFFSET"})


class RegistryError(ConfigError):
    """The registry cannot be used: which file or variable, which key, which line, what is wrong and what to do."""

    what = "port registry"


class Machine(msgspec.Struct, frozen=True):
    """A machine that parts of the tree run on.

    ``paths``: folders, relative to the root of the tree, whose code runs there. ``range``: first and last of the ports
    that new ones are taken from, or None. ``line``: where it is written, from 1; 0 when it was not read from a file.
    """

    name: str
    paths: tuple[str, ...] = ()
    range: tuple[int, int] | None = None
    line: int = 0


class Port(msgspec.Struct, frozen=True):
    """A port (1 to 65535) that has a name on a machine; ``owner`` and ``purpose`` are one line of text or empty.

    ``line``: where it is written, from 1; 0 when it was not read from a file.
    """

    name: str
    port: int
    machine: str = DEFAULT_MACHINE
    owner: str = ""
    purpose: str = ""
    line: int = 0


class Registry(msgspec.Struct, frozen=True):
    """What ``config/ports.yaml`` says, in its order. ``machines`` is empty when the file names none.

    A registry that was read from a file holds what the schema asks for: no two names have one port on one machine, no
    name is on one machine twice, every machine of a port is there.
    """

    machines: tuple[Machine, ...] = ()
    ports: tuple[Port, ...] = ()
    file: Path | None = None

    @property
    def root(self) -> Path | None:
        """The folder that the machines' ``paths`` are relative to: the one that holds ``config``, else the file's."""
        if self.file is None:
            return None
        folder = self.file.parent
        return folder.parent if folder.name == FILE.parent.name else folder

    @property
    def machine_names(self) -> tuple[str, ...]:
        """The names of the machines, or ``default`` alone when the file names none."""
        return tuple(one.name for one in self.machines) or (DEFAULT_MACHINE,)

    def entries(self, name: str) -> tuple[Port, ...]:
        """The ports of that name, one for each machine that has it."""
        return tuple(one for one in self.ports if one.name == name)

    def machine_of(self, path: str | os.PathLike[str]) -> str | None:
        """The machine whose ``paths`` hold the file or folder at ``path``: the deepest that does, None when none."""
        if self.root is None:
            return None
        best, depth = None, -1
        # What is linked into a tree belongs where the link is; only else to where it leads.
        for root, inner in ((self.root.absolute(), Path(path).absolute()), (self.root.resolve(), Path(path).resolve())):
            for machine in self.machines:
                for one in machine.paths:
                    folder = root / one
                    if inner.is_relative_to(folder) and len(folder.parts) > depth:
                        best, depth = machine.name, len(folder.parts)
            if best is not None:
                break
        return best

    def free_port(self, machine: str, taken: Collection[int] = ()) -> int | None:
        """The lowest port of the machine's range that no name has and that is not ``taken``; None when none is left."""
        within = next((one.range for one in self.machines if one.name == machine), None) or (1024, HIGHEST)
        used = {one.port for one in self.ports if one.machine == machine}.union(taken)
        return next((port for port in range(within[0], within[1] + 1) if port not in used), None)

    def to_yaml(self) -> str:
        """The registry as a file that `parse` reads as this registry, but for ``file`` and ``line``."""
        import yaml

        document: dict[str, Any] = {"version": VERSION}
        if self.machines:
            document["machines"] = {one.name: machine_out(one) for one in self.machines}
        ports: dict[str, Any] = {}
        for name in dict.fromkeys(one.name for one in self.ports):
            entries = [port_out(one, bool(self.machines)) for one in self.entries(name)]
            ports[name] = entries[0] if len(entries) == 1 else entries
        document["ports"] = ports
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=float("inf"))


def machine_out(one: Machine) -> dict[str, Any]:
    """A machine as it is written below its name."""
    out: dict[str, Any] = {}
    if one.paths:
        out["paths"] = list(one.paths)
    if one.range is not None:
        out["range"] = f"{one.range[0]}-{one.range[1]}"
    return out


def port_out(one: Port, machines: bool) -> dict[str, Any]:
    """A port as it is written below its name, with its machine where the file names ``machines``."""
    out: dict[str, Any] = {"port": one.port}
    if machines:
        out["machine"] = one.machine
    if one.owner:
        out["owner"] = one.owner
    if one.purpose:
        out["purpose"] = one.purpose
    return out


def find(start: Path) -> Path | None:
    """The ``config/ports.yaml`` for the absolute path ``start``: the nearest in or above it, within its repository."""
    return nearest(FILE, start)


def load(file: Path) -> Registry:
    """The registry in ``file``, as one moment had it: a file that is being written is waited for.

    Raises:
        RegistryError: The file cannot be read, does not stop changing, or is not a registry.
    """
    from .registry_file import registry_in

    return registry_in(file)


def parse(data: bytes | str, file: Path | None = None) -> Registry:
    """The registry in ``data``, the content of ``file``.

    Raises:
        RegistryError: It is not one: which line, which key, what is wrong and what to do.
    """
    from .registry_file import Reader

    return Reader(file).registry(data)
