"""What functions of the standard library and of the usual packages raise, read from ``exceptions/*.yaml``.

Each file maps a module to what is known of it::

    json:
      exceptions: {JSONDecodeError: ValueError}
      functions:
        loads: {raises: [JSONDecodeError, ValueError, TypeError], gives: json, arguments: any}
      classes:
        JSONEncoder:
          new: {raises: [TypeError]}
          methods: {encode: {raises: [TypeError, ValueError], gives: str}}
      values: {some_constant: str}
      aliases: {json.decoder.JSONDecodeError: json.JSONDecodeError}

``raises`` is complete: nothing else comes out of the call, whatever it is given, as far as ``arguments`` says:

* ``first``: as ``plain``, for the first argument; the others are only passed on;
* ``any``: it runs none of its arguments' own methods, or answers them with one of the listed types;
* ``top``: complete when the arguments are of known types, whatever those hold;
* ``plain`` (the default): complete when the arguments, and what they hold, are of known types. Other objects may bring
  their own code into the call (``__str__``, ``__fspath__``, ``__eq__``).

``gives`` is the type of the result in the notation of :mod:`analysis.effects.kinds`. ``takes`` is the number of
positional arguments (``"0"``, ``"1-2"``), needed where ``TypeError`` is not listed, since a wrong number raises it;
``keywords`` the keyword arguments that are fine without ``TypeError``, and what they add. ``runs`` names the arguments
that are called (positions from 0, or keywords). ``given`` holds narrower entries for exact types of the positional
arguments (``"str, *"``: whatever follows; ``literal``: ASCII text in the source; ``"?"``: unknown). ``assumes`` says
what else must hold for the list to be complete, for one entry or a whole module. ``awaits``: all this happens when the
result is awaited. ``compares``: the members of the object whose method it is are compared, which runs their code.

Left out everywhere, because any line of Python may raise them: ``MemoryError``, ``RecursionError``, what is thrown in
from outside (``KeyboardInterrupt``, ``asyncio.CancelledError``, ``GeneratorExit``, a signal handler's own exception),
warnings turned into errors, and what an instance of a *subclass* of a built-in type raises from an overridden method.
"""

from __future__ import annotations

import builtins
import difflib
import functools
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

TABLES = Path(__file__).with_name("exceptions")
_FORMAT = 1


class KnowledgeError(ValueError):
    """A table that cannot be used: which file, which key, and why."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one call does; see the module's text for the meaning of each field."""

    raises: tuple[str, ...] = ()
    gives: str | None = None
    arguments: Literal["any", "top", "first", "plain"] = "plain"
    takes: str | None = None
    runs: tuple[int | str, ...] = ()
    given: dict[str, Entry] = {}
    awaits: bool = False
    compares: bool = False
    assumes: str | None = None
    keywords: dict[str, tuple[str, ...]] = {}

    def arity(self) -> tuple[int, int] | None:
        """Fewest and most positional arguments, or None when every other number raises a listed TypeError."""
        return None if self.takes is None else _arity(self.takes)


@functools.cache
def _arity(takes: str) -> tuple[int, int]:
    low, _, high = takes.partition("-")
    return int(low), int(high or low)


class Kind(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A class: its bases (dotted), what its methods do, the types of its attributes, what assigning to them raises."""

    bases: tuple[str, ...] = ()
    new: Entry | None = None
    methods: dict[str, Entry] = {}
    values: dict[str, str] = {}
    sets: dict[str, tuple[str, ...]] = {}


class _Module(msgspec.Struct, forbid_unknown_fields=True):
    exceptions: dict[str, str] = {}
    functions: dict[str, Entry] = {}
    classes: dict[str, Kind] = {}
    values: dict[str, str] = {}
    aliases: dict[str, str] = {}
    assumes: str | None = None


class _Tables(msgspec.Struct, frozen=True):
    functions: dict[str, Entry]
    kinds: dict[str, Kind]
    values: dict[str, str]
    exceptions: dict[str, str]
    aliases: dict[str, str]
    modules: frozenset[str]


class Knowledge:
    """All tables, by dotted name in the public spelling. Built-ins have no module in front of them."""

    def __init__(self, tables: _Tables) -> None:
        self.functions = tables.functions
        self.kinds = tables.kinds
        self.values = tables.values
        self.exceptions = tables.exceptions
        self.aliases = tables.aliases
        self.modules = tables.modules
        self._methods: dict[tuple[str, str], Entry | None] = {}
        self._spelt: dict[str, str] = {}

    def canonical(self, dotted: str) -> str:
        """The public spelling of a dotted name: ``zmq.error.ZMQError`` is ``zmq.ZMQError``."""
        known = self._spelt.get(dotted)
        if known is None:
            known = self._spelt[dotted] = self._canonical(dotted)
        return known

    def _canonical(self, dotted: str) -> str:
        seen = self.aliases.get(dotted)
        if seen is not None:
            return seen
        head, dot, _ = dotted.rpartition(".")
        while dot:
            known = self.aliases.get(head)
            if known is not None:
                return f"{known}.{dotted[len(head) + 1 :]}"
            head, dot, _ = head.rpartition(".")
        return dotted

    def covers(self, dotted: str) -> bool:
        """Whether the tables speak of the top-level module of ``dotted`` at all."""
        return dotted.partition(".")[0] in self.modules

    def knows(self, dotted: str) -> bool:
        """Whether ``dotted`` (public spelling) is a module, function, class or exception of the tables."""
        return dotted in self.functions or dotted in self.kinds or dotted in self.modules or dotted in self.exceptions

    def method(self, kind: str, name: str) -> Entry | None:
        """What ``kind().name(...)`` does, looked up through the bases; None when the class has no such method."""
        key = (kind, name)
        if key not in self._methods:
            found = (known.methods.get(name) for each in self.lineage(kind) if (known := self.kinds.get(each)))
            self._methods[key] = next((entry for entry in found if entry is not None), None)
        return self._methods[key]

    def value(self, kind: str, name: str) -> str | None:
        """The type of the attribute ``name`` of instances of ``kind``, or None when there is none."""
        for each in self.lineage(kind):
            known = self.kinds.get(each)
            if known is not None and name in known.values:
                return known.values[name]
        return None

    def sets(self, kind: str, name: str) -> tuple[str, ...] | None:
        """What assigning to the attribute ``name`` of an instance of ``kind`` raises, or None when it is not known."""
        for each in self.lineage(kind):
            known = self.kinds.get(each)
            if known is not None and name in known.sets:
                return known.sets[name]
        return None

    def lineage(self, kind: str) -> Iterable[str]:
        """``kind`` and its bases, nearest first."""
        waiting = [kind]
        while waiting:
            each = waiting.pop(0)
            yield each
            known = self.kinds.get(each)
            if known is not None:
                waiting.extend(known.bases)

    def is_exception(self, dotted: str) -> bool:
        """Whether ``dotted`` (public spelling) is a built-in exception or one of the tables' exceptions."""
        return dotted in self.exceptions or builtin_exception(dotted) is not None

    def ancestors(self, exception: str) -> tuple[str, ...]:
        """The exception and its bases up to ``BaseException``, nearest first; empty for an unknown name."""
        found: list[str] = []
        waiting = [exception]
        while waiting:
            name = waiting.pop(0)
            real = builtin_exception(name)
            if real is not None:
                found.extend(base.__name__ for base in real.__mro__[:-1])
            elif name in self.exceptions:
                found.append(name)
                waiting.extend(base.strip() for base in self.exceptions[name].split(","))
        return tuple(dict.fromkeys(found))


@functools.cache
def builtin_exception(name: str) -> type[BaseException] | None:
    """The built-in exception of that name, or None."""
    found = getattr(builtins, name, None)
    if isinstance(found, type) and issubclass(found, BaseException):
        return found
    return None


@functools.cache
def knowledge() -> Knowledge:
    """The tables that are shipped, read once per process.

    Raises:
        KnowledgeError: a table is not valid.
    """
    return load(TABLES)


def load(folder: Path) -> Knowledge:
    """Read every ``*.yaml`` of ``folder``, or what the last reader of the same files left beside them.

    Raises:
        KnowledgeError: a table is not valid.
    """
    files = sorted(folder.glob("*.yaml"))
    stamp = [_FORMAT, [[each.name, (stat := each.stat()).st_size, stat.st_mtime_ns] for each in files]]
    cache = folder / "__pycache__" / "tables.msgpack"
    try:
        kept = msgspec.msgpack.decode(cache.read_bytes(), type=tuple[list[Any], _Tables])
        if kept[0] == stamp:
            return Knowledge(kept[1])
    except (OSError, msgspec.MsgspecError):
        pass
    tables = _merge(files)
    _keep(cache, msgspec.msgpack.encode((stamp, tables)))
    return Knowledge(tables)


def _keep(cache: Path, data: bytes) -> None:
    """Leave ``data`` for the next process; an installation that cannot be written to goes without."""
    try:
        cache.parent.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(name).replace(cache)
    except OSError:
        return


def _merge(files: list[Path]) -> _Tables:
    functions: dict[str, Entry] = {}
    kinds: dict[str, Kind] = {}
    values: dict[str, str] = {}
    exceptions: dict[str, str] = {}
    aliases: dict[str, str] = {}
    modules: set[str] = set()
    for file in files:
        for module, table in _read(file).items():
            prefix = "" if module == "builtins" else f"{module}."
            modules.update(_prefixes(module))
            own = {name: f"{prefix}{name}" for name in table.exceptions}
            for name, base in table.exceptions.items():
                exceptions[own[name]] = ", ".join(own.get(each.strip(), each.strip()) for each in base.split(","))
            for name, entry in table.functions.items():
                functions[prefix + name] = _qualify(entry, own, table.assumes)
            for name, kind in table.classes.items():
                local = {base: f"{prefix}{base}" for base in table.classes}
                kinds[prefix + name] = Kind(
                    bases=tuple(local.get(base, base) for base in kind.bases),
                    new=None if kind.new is None else _qualify(kind.new, own, table.assumes),
                    methods={method: _qualify(entry, own, table.assumes) for method, entry in kind.methods.items()},
                    values=kind.values,
                    sets={name: tuple(own.get(each, each) for each in adds) for name, adds in kind.sets.items()},
                )
            values.update({prefix + name: kind_name for name, kind_name in table.values.items()})
            aliases.update(table.aliases)
    return _Tables(functions, kinds, values, exceptions, aliases, frozenset(modules))


def _prefixes(dotted: str) -> Iterable[str]:
    names = dotted.split(".")
    return (".".join(names[:end]) for end in range(1, len(names) + 1))


def _qualify(entry: Entry, own: Mapping[str, str], assumes: str | None) -> Entry:
    return msgspec.structs.replace(
        entry,
        raises=tuple(own.get(name, name) for name in entry.raises),
        given={types: _qualify(narrower, own, assumes) for types, narrower in entry.given.items()},
        keywords={name: tuple(own.get(each, each) for each in adds) for name, adds in entry.keywords.items()},
        assumes=entry.assumes or assumes,
    )


def _read(file: Path) -> dict[str, _Module]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - it is a safe one
    except yaml.YAMLError as error:
        raise KnowledgeError(f"{file}: not valid YAML: {error}") from error
    try:
        return msgspec.convert(content, type=dict[str, _Module])
    except msgspec.ValidationError as error:
        raise KnowledgeError(f"{file}: {error}{_nearest(str(error))}") from error


def _nearest(message: str) -> str:
    """A hint for a misspelt key, from msgspec's ``unknown field `x```."""
    if "unknown field" not in message:
        return ""
    word = message.split("`")[1]
    fields = {*Entry.__struct_fields__, *Kind.__struct_fields__, *_Module.__struct_fields__}
    close = difflib.get_close_matches(word, fields, 1)
    return f"; did you mean `{close[0]}`?" if close else ""
