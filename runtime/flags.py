"""Feature flags by name, from the nearest ``config/feature_flags.yaml``, for the agent and the machine that ask::

    from runtime.flags import flag

    if flag("predictive_loading", agent="TieredResponder"):
        width = flag("beam_width", int)

What a flag is says, the closest first: ``UNSNARL_FLAG_<NAME>`` in the environment; the file, for the agent on this
machine, the agent, the machine, and by default. The file is read again when it was changed, at most a second or two
later; while it is wrong, what it said before stays in force, and the log says what is wrong with it.

The environment is read when the flags are first needed, and by `reload` again: ``UNSNARL_FLAGS`` names the file,
``UNSNARL_AGENT`` is the agent of a program that does not say, ``UNSNARL_MACHINE`` the machine; else that is the one of
the port registry whose ``paths`` hold the file that asks. `unsnarl flags` lists what is asked for, and where.
"""

from __future__ import annotations

import logging
import os
import time
from _thread import RLock
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sys import _getframe
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ._places import files, starts
from ._schema import schema

if TYPE_CHECKING:
    from config.flags import Flag, FlagError, Flags, Value

__all__ = ["FlagError", "UnknownFlag", "flag", "overridden", "reload"]

_T = TypeVar("_T", bool, int, float, str)
_PREFIX = "UNSNARL_FLAG_"
_PAUSE = 1.0
"""The file is looked at so often, and left alone until its last change is so long ago: it may be half written. In
seconds.
"""
_SPOKEN = {"bool": "a switch", "int": "a whole number", "float": "a number", "str": "a text"}
_log = logging.getLogger(__name__)


class UnknownFlag(LookupError):
    """The file has no flag of that name: the message names the nearest.

    Attributes:
        name: What was asked for.
    """

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


@overload
def flag(name: str, *, agent: str | None = None, machine: str | None = None) -> bool: ...


@overload
def flag(name: str, kind: type[_T], *, agent: str | None = None, machine: str | None = None) -> _T: ...


def flag(name: str, kind: type = bool, *, agent: str | None = None, machine: str | None = None) -> Any:
    """What the flag ``name`` is.

    The file is the one that ``UNSNARL_FLAGS`` names; else the nearest ``config/feature_flags.yaml`` in or above the
    folder of the file that calls, within its repository; else that of the program's main file; else the nearest in or
    above the current folder. This is settled once for each calling file.

    Args:
        name: As the file spells it.
        kind: ``bool``, ``int``, ``float`` or ``str``, as the file declares it; a whole number is a ``float``, too.
        agent: The agent that asks. None: as ``UNSNARL_AGENT`` says, if it does.
        machine: The machine that is meant. None: the one that this is, as far as that is known.

    Raises:
        UnknownFlag: The file has no such flag.
        TypeError: The flag is of another kind.
        FlagError: There is no file, or it or the environment is wrong: which file, line, key or variable.
    """
    caller = _getframe(1).f_globals.get("__file__")
    with _lock:
        return _view(caller).value(caller, name, kind, agent, machine)


@contextmanager
def overridden(**values: Value) -> Iterator[None]:
    """Within it these flags have these values, for every agent and machine, in every thread: for tests.

    Raises:
        UnknownFlag: The file has no such flag.
        TypeError: The flag is of another kind, or has other choices.
        FlagError: There is no file, or it is wrong.
    """
    # Between the caller and this frame stands the context manager, and as a decorator more of it.
    frame = _getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") == "contextlib":
        frame = frame.f_back
    caller = frame.f_globals.get("__file__")
    with _lock:
        view = _view(caller)
        for name, value in values.items():
            view.fits(name, value)
        before = dict(_overrides)
        _overrides.update(values)
    try:
        yield
    finally:
        with _lock:
            _overrides.clear()
            _overrides.update(before)


def reload() -> None:
    """Forget the flags and the environment: the next look-up reads them again."""
    with _lock:
        _views.clear()
        _files.clear()


class _View:
    """The flags of one file, as the environment changes them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.environment = {name: text for name, text in os.environ.items() if name.startswith("UNSNARL_")}
        self.seen = _state(file)
        self.next = time.monotonic() + _PAUSE
        self.flags, self.set = self._made(_config().load(file))
        self.machines: dict[str | None, str] = {}

    def value(self, caller: str | None, name: str, kind: type, agent: str | None, machine: str | None) -> Value:
        """What the flag is, as a ``kind``."""
        one = self._find(name)
        if kind.__name__ != one.kind and not (kind is float and one.kind == "int"):
            asked = f"flag({name!r})" if one.kind == "bool" else f"flag({name!r}, {one.kind})"
            raise TypeError(f"`{name}` is {_SPOKEN[one.kind]} ({self.file}:{one.line}): ask for {asked}")
        if name in _overrides:
            found = _overrides[name]
        elif name in self.set:
            found = self.set[name]
        else:
            here = machine if machine is not None else ""
            if machine is None and (one.machines or any("@" in key for key in one.agents)):
                here = self._machine(caller)
            found = one.value(agent if agent is not None else self.environment.get("UNSNARL_AGENT", ""), here)[0]
        return float(found) if kind is float else found

    def fits(self, name: str, value: Value) -> None:
        """That the flag may have the value. Raises UnknownFlag and TypeError."""
        one = self._find(name)
        if type(value).__name__ != one.kind:
            raise TypeError(f"`{name}` is {_SPOKEN[one.kind]} ({self.file}:{one.line}), and not {value!r}")
        if one.choices and value not in one.choices:
            raise TypeError(f"`{name}` is one of {_config().listed(one.choices)} ({self.file}:{one.line})")

    def look(self) -> None:
        """Read the file anew where it was changed."""
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + _PAUSE
        seen = _state(self.file)
        if seen == self.seen or (seen is not None and abs(time.time_ns() - seen[2]) < _PAUSE * 1e9):
            return
        self.seen = seen
        try:
            self.flags, self.set = self._made(_config().load(self.file))
        except _config().FlagError as error:
            _log.error("%s. What the flags were before stays in force", error)

    def _find(self, name: str) -> Flag:
        one = self.flags.flags.get(name)
        if one is None:
            text: object = name
            if not isinstance(text, str):
                raise TypeError(f"a flag has a name such as 'predictive_loading', not {name!r}")
            near = schema("documents", __name__).hint(name, self.flags.flags)
            raise UnknownFlag(f"{self.file} has no flag `{name}`; {near}", name)
        return one

    def _made(self, flags: Flags) -> tuple[Flags, dict[str, Value]]:
        """The flags, and those of them that the environment sets."""
        found: dict[str, Value] = {}
        names = {f"{_PREFIX}{name}".upper(): one for name, one in flags.flags.items()}
        for variable, text in sorted(self.environment.items()):
            if not variable.startswith(_PREFIX):
                continue
            one = names.get(variable.upper())
            if one is None:
                near = schema("documents", __name__).hint(variable.removeprefix(_PREFIX), flags.flags)
                _log.warning("%s sets no flag of %s; %s", variable, flags.file, near)
                continue
            try:
                found[one.name] = _config().value_of(text, one)
            except ValueError as error:
                raise _config().FlagError(None, variable, 0, str(error)) from None
        return flags, found

    def _machine(self, caller: str | None) -> str:
        """The machine that this is, empty where nothing tells."""
        named = self.environment.get("UNSNARL_MACHINE", "")
        if named:
            return named
        if caller not in self.machines:
            registry = schema("registry", __name__)
            ports = registry.find(self.file)
            known = registry.load(ports) if ports is not None else None
            found = (known.machine_of(file) for file in files(caller)) if known is not None else ()
            self.machines[caller] = next((one for one in found if one is not None), "")
        return self.machines[caller]


_views: dict[Path, _View] = {}
_files: dict[str | None, Path] = {}
"""The file of flags for each calling file."""
_overrides: dict[str, Value] = {}
# Reentrant: a signal handler may ask for a flag while this thread does.
_lock = RLock()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603
    # The thread that held it is not in the child.
    _lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _view(caller: str | None) -> _View:
    """The flags for a calling file. Raises FlagError."""
    file = _files.get(caller)
    if file is None:
        file = _files[caller] = _find(caller)
    view = _views.get(file)
    if view is None:
        view = _views[file] = _View(file)
    else:
        view.look()
    return view


def _find(caller: str | None) -> Path:
    named = os.environ.get("UNSNARL_FLAGS")
    if named:
        return Path(named).absolute()
    folders = starts(caller)
    for start in folders:
        found: Path | None = _config().find(start)
        if found is not None:
            return found
    told = " or ".join(dict.fromkeys(map(str, folders)))
    problem = f"there is no config/feature_flags.yaml in or above {told}; write one, or name it in UNSNARL_FLAGS"
    raise _config().FlagError(None, "", 0, problem)


def _state(file: Path) -> tuple[int, int, int, int] | None:
    """What changes with the file; None where it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _config() -> Any:
    return schema("flags", __name__)


def __getattr__(name: str) -> Any:
    if name == "FlagError":
        return _config().FlagError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
