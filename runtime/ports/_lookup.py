"""From a name and the file that asks to a port: which registry, what the environment changes, which machine."""

from __future__ import annotations

import os
from _thread import RLock

from .._places import files
from ._errors import UnknownPort

TYPE_CHECKING = False  # see __init__.py

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import NoReturn

    from config.registry import Port, Registry

# Calling file -> machine, None for what is meant without one -> name -> port. What `get_port` reads.
TABLES: dict[str | None, dict[str | None, dict[str, int]]] = {}
_PREFIX = "UNSNARL_PORT_"
_OFFSET = "UNSNARL_PORT_OFFSET"


class Effective:
    """A port as it is in force: the entry of the registry, the number, and the variable that changed it, if any."""

    __slots__ = ("entry", "number", "variable", "view")

    def __init__(self, entry: Port, number: int, variable: str, view: View) -> None:
        self.entry = entry
        self.number = number
        self.variable = variable
        self.view = view


class View:
    """A registry as the environment changes it.

    ``names``: name to machine to port in force.
    """

    def __init__(self, registry: Registry, environment: Mapping[str, str]) -> None:
        self.registry = registry
        self.environment = environment
        self.offset = self._offset()
        self.names: dict[str, dict[str, Effective]] = {}
        for entry in registry.ports:
            self.names.setdefault(entry.name, {})[entry.machine] = self._effective(entry)
        self._apart()
        word = environment.get("UNSNARL_MACHINE", "") if registry.machines else ""
        if word and word not in registry.machine_names:
            refuse("UNSNARL_MACHINE", f"`{word}` is not a machine of {self.file}; {hint(word, registry.machine_names)}")
        self.machine = word or None

    @property
    def file(self) -> Path:
        """Where the registry was read from."""
        assert self.registry.file is not None
        return self.registry.file

    def all(self) -> Iterator[Effective]:
        """Every port in force, in the order of the file."""
        for one in self.registry.ports:
            yield self.names[one.name][one.machine]

    def stray(self) -> list[str]:
        """The variables that look like overrides and name no port."""
        return sorted(
            one
            for one in self.environment
            if one.startswith(_PREFIX) and one != _OFFSET and one.removeprefix(_PREFIX) not in self.names
        )

    def this_machine(self, caller: str | None) -> str | None:
        """The machine that this is, as far as the environment or the calling file tells."""
        if self.machine is not None:
            return self.machine
        # Code that machines share is in nobody's folder; the program that uses it may be.
        found = (self.registry.machine_of(file) for file in files(caller))
        return next((machine for machine in found if machine is not None), None)

    def tables(self, caller: str | None) -> dict[str | None, dict[str, int]]:
        """What `get_port` reads for one calling file."""
        here = self.this_machine(caller)
        tables: dict[str | None, dict[str, int]] = {one: {} for one in self.registry.machine_names}
        unnamed = tables[None] = {}
        for name, machines in self.names.items():
            for machine, port in machines.items():
                tables[machine][name] = port.number
                if len(machines) == 1 or machine == here:
                    unnamed[name] = port.number
        return tables

    def find(self, name: str, machine: str | None, caller: str | None) -> Effective:
        """The port that is meant. Raises UnknownPort."""
        text: object = name
        if not isinstance(text, str):
            raise TypeError(f"a port has a name such as 'MEMORY_AGENT', not {name!r}")
        if machine is not None and machine not in self.registry.machine_names:
            known = hint(machine, self.registry.machine_names)
            raise UnknownPort(f"{self.file} has no machine `{machine}`; {known}", name)
        machines = self.names.get(name)
        if machines is None:
            raise UnknownPort(f"{self.file} has no port `{name}`; {hint(name, self.names)}", name)
        if machine is None:
            machine = next(iter(machines)) if len(machines) == 1 else self.this_machine(caller)
        if machine in machines:
            return machines[machine]
        listed = ", ".join(f"`{one}`" for one in machines)
        if machine is not None:
            raise UnknownPort(f"`{name}` is on {listed}, not on machine `{machine}`; pass machine=", name)
        told = f"set UNSNARL_MACHINE, or list the folder of {caller} under `paths`" if caller else "set UNSNARL_MACHINE"
        problem = f"`{name}` is on machines {listed}, and nothing tells which this is: pass machine=, {told}"
        raise UnknownPort(f"{self.file}: {problem}", name)

    def _offset(self) -> int:
        word = self.environment.get(_OFFSET, "").strip()
        if not word:
            return 0
        if not _matches(r"[+-]?[0-9]{1,7}", word):
            refuse(_OFFSET, f"`{word}` is not a whole number such as 1000")
        return int(word)

    def _effective(self, entry: Port) -> Effective:
        variable = _PREFIX + entry.name
        word = self.environment.get(variable, "").strip()
        if word:
            return Effective(entry, self._override(entry, variable, word), variable, self)
        number = entry.port + self.offset
        if not 1 <= number <= 65535:
            problem = f"moves `{entry.name}` from {entry.port} to {number}, and ports are 1 to 65535; choose another"
            refuse(_OFFSET, problem)
        return Effective(entry, number, _OFFSET if self.offset else "", self)

    def _override(self, entry: Port, variable: str, word: str) -> int:
        machines = [one.machine for one in self.registry.entries(entry.name)]
        shape = "a port from 1 to 65535"
        if len(machines) > 1:
            shape = f"`{','.join(f'{one}:PORT' for one in machines)}`, as several machines have it"
            pairs = [one.strip().rpartition(":")[::2] for one in word.split(",")]
            parts = dict(pairs)
            if parts.keys() != set(machines) or len(pairs) != len(machines):
                refuse(variable, f"`{word}` is not {shape}")
            word = parts[entry.machine]
        if not _matches(r"[0-9]{1,5}", word) or not 1 <= int(word) <= 65535:
            refuse(variable, f"`{word}` is not {shape}")
        return int(word)

    def _apart(self) -> None:
        taken: dict[tuple[str, int], Effective] = {}
        for one in self.all():
            other = taken.setdefault((one.entry.machine, one.number), one)
            if other is not one:
                # One of them was moved by its own variable: the file and an offset keep ports apart.
                moved, met = (one, other) if one.variable not in {"", _OFFSET} else (other, one)
                problem = (
                    f"port {one.number} of machine `{one.entry.machine}` is that of `{met.entry.name}`; choose another"
                )
                refuse(moved.variable, problem)


class _State:
    """What was read of the environment and of registries, until `reload`."""

    def __init__(self) -> None:
        self.environment = {name: text for name, text in os.environ.items() if name.startswith("UNSNARL_")}
        self.views: dict[Path, View] = {}


_state: _State | None = None
# Reentrant: a signal handler may look a port up while this thread does.
_lock = RLock()


def reload() -> None:
    """Forget every registry and the environment: the next look-up reads them again."""
    global _state  # noqa: PLW0603
    with _lock:
        _state = None
        TABLES.clear()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603
    # The thread that held it is not in the child.
    _lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def view_of(caller: str | None) -> View:
    """The registry for a calling file, read when that was not done. Raises RegistryError."""
    global _state  # noqa: PLW0603
    with _lock:
        if _state is None:
            _state = _State()
        file = _find(caller, _state.environment)
        view = _state.views.get(file)
        if view is None:
            from ._schema import schema

            view = _state.views[file] = View(schema().load(file), _state.environment)
        return view


def look_up(caller: str | None, name: str, machine: str | None) -> Effective:
    """The port that is meant, and the table for the calling file, so that it need not be asked again.

    Raises UnknownPort and RegistryError.
    """
    with _lock:
        view = view_of(caller)
        if caller not in TABLES:
            TABLES[caller] = view.tables(caller)
    return view.find(name, machine, caller)


def _find(caller: str | None, environment: Mapping[str, str]) -> Path:
    from pathlib import Path

    from .._places import ours, starts
    from ._schema import schema

    named = environment.get("UNSNARL_PORTS")
    if named:
        return Path(named).absolute()
    folders = starts(caller)
    # Where we are ourselves may be below the tree, or far from any.
    for start in (*folders, *ours(caller)):
        found: Path | None = schema().find(start)
        if found is not None:
            return found
    told = " or ".join(dict.fromkeys(map(str, folders)))
    problem = f"there is no config/ports.yaml in or above {told}; write one, or name it in UNSNARL_PORTS"
    raise schema().RegistryError(None, "", 0, problem)


def _matches(pattern: str, word: str) -> bool:
    import re

    return re.fullmatch(pattern, word) is not None


def hint(name: str, valid: object) -> str:
    """A sentence that names the valid name most like ``name``."""
    from .._schema import schema

    return str(schema("documents", __package__).hint(name, valid))


def refuse(variable: str, problem: str) -> NoReturn:
    """Raise RegistryError for an environment variable."""
    from ._schema import schema

    raise schema().RegistryError(None, variable, 0, problem)
