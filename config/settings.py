"""Typed settings: ``[tool.unsnarl]`` of ``pyproject.toml``, or ``unsnarl.toml``, and errors that say where to look."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from config.contracts import Contract, ContractError

Target = Literal["3.11", "3.12", "3.13", "3.14"]

_TABLE = ("tool", "unsnarl")
_S = TypeVar("_S", bound=msgspec.Struct)


class SettingsError(ValueError):
    """The settings cannot be used: which file, which key, which line, what is wrong and the nearest valid name.

    ``key`` is dotted as in the file, empty when the file as a whole is at fault; ``line`` is 0 when it is not known.
    """

    def __init__(self, file: Path | None, key: str, line: int, problem: str) -> None:
        self.file = file
        self.key = key
        self.line = line
        self.problem = problem
        where = str(file) if file is not None else "settings"
        if line:
            where += f":{line}"
        super().__init__(f"{where}: {f'`{key}`: ' if key else ''}{problem}")


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What a tree says about itself. Every key has a default, so that no file is needed.

    ``safe_executor``: import target of the executor that rewritten code uses, as ``module:name``.
    ``get_port``: import target of the look-up in the port registry that rewritten code uses, as ``module:name``.
    ``get_bus``: import target of what gives the bus of the process, as ``module:name``; the module
    has ``Bus``, ``Event`` and ``Request``, too.
    ``exclude``: patterns as in ``.gitignore``, relative to the root, of files that are left alone.
    ``select``: codes of the rules that run, or beginnings of codes; an empty list means all that are on by default.
    ``ignore``: codes of the rules that do not run, or beginnings; where both name a rule, the longer name wins.
    ``per_file_ignores``: pattern to the codes or prefixes that are not reported in files it matches.
    ``require_reason``: whether a ``noqa`` that silences one of our rules must say why (E904).
    ``target_version``: the Python that rewritten code must compile for; none means the one that runs us.
    ``policy``: ``infer`` narrows a handler where its errors are known, ``preserve`` keeps what it catches.
    ``baseline``: file of the findings that are agreed to, relative to the root; none means ``.unsnarl-baseline.jsonl``
    where there is one.
    ``history``: file in which ``unsnarl metrics`` keeps its counts, relative to the root.
    ``machines``: name of each machine to the folders whose code runs on it; none means that they are guessed from the
    names of the top folders.
    ``contracts``: name to a contract, which says what parts of the tree may import (E922).
    ``rules``: one table per rule code with that rule's own options.
    """

    safe_executor: str = "runtime.safe_executor:SafeExecutor"
    get_port: str = "runtime.ports:get_port"
    get_bus: str = "runtime.events:get_bus"
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    require_reason: bool = False
    target_version: Target | None = None
    policy: Literal["infer", "preserve"] = "infer"
    baseline: str | None = None
    history: str = ".unsnarl-history.jsonl"
    machines: dict[str, tuple[str, ...]] = {}
    contracts: dict[str, Contract] = {}
    rules: dict[str, dict[str, Any]] = {}
    origin: Path | None = None
    """The file they were read from: not a key of it."""

    @property
    def executor_module(self) -> str:
        """The module part of ``safe_executor``."""
        return self.safe_executor.partition(":")[0]

    @property
    def executor_name(self) -> str:
        """The class name part of ``safe_executor``."""
        return self.safe_executor.partition(":")[2]

    def error(self, keys: Sequence[str], problem: str) -> SettingsError:
        """An error about ``keys`` (the path of one key below our table), with the line found in the file."""
        return _Document.read(self.origin).error(keys, problem)

    def options(self, code: str, kind: type[_S]) -> _S:
        """The options of one rule, as ``kind``. Raises SettingsError for an unknown option or a wrong type."""
        return _convert(self.rules.get(code, {}), kind, ("rules", code), _Document.read(self.origin), ())


class _Document:
    """A settings file at hand, so that an error can look up its line."""

    def __init__(self, file: Path | None, text: str) -> None:
        self.file = file
        self.text = text

    @classmethod
    def read(cls, file: Path | None) -> _Document:
        try:
            return cls(file, file.read_text("utf-8", errors="replace") if file is not None else "")
        except OSError:
            return cls(file, "")

    def error(self, keys: Sequence[str], problem: str) -> SettingsError:
        path = (*_TABLE, *keys) if self.file is not None and self.file.name == "pyproject.toml" else tuple(keys)
        shown = ".".join(key if re.fullmatch(r"[\w-]+", key) else f'"{key}"' for key in path)
        return SettingsError(self.file, shown, locate(self.text, path), problem)


def nearest(name: str, valid: Iterable[str]) -> str:
    """A sentence that names the valid name most like ``name``, or all of them when none is near."""
    import difflib

    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"valid are {', '.join(f'`{one}`' for one in names)}" if names else "there are none"


def find(start: Path) -> Path | None:
    """The settings file for the absolute path ``start``: the nearest at or above it, not beyond its repository."""
    folder = start if start.is_dir() else start.parent
    for here in (folder, *folder.parents):
        own = here / "unsnarl.toml"
        if own.is_file():
            return own
        shared = here / "pyproject.toml"
        if shared.is_file() and b"unsnarl" in shared.read_bytes() and _table(shared, shared.read_bytes()) is not None:
            return shared
        if (here / ".git").exists():
            return None
    return None


def load(start: Path, config: Path | None = None) -> Settings:
    """The settings for ``start``, or those of the file ``config`` when one is named. Raises SettingsError."""
    # Not Path.resolve(): what is linked into a tree has the settings of that tree.
    file = config if config is not None else find(Path(os.path.abspath(start)))  # noqa: PTH100
    if file is None:
        return Settings()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingsError(file, "", 0, f"cannot be read: {error.strerror}") from None
    return parse(data, file.absolute())


def parse(data: bytes, file: Path) -> Settings:
    """The settings in ``data``, the content of ``file``. Raises SettingsError."""
    table = _table(file, data)
    if table is None:
        if file.name == "pyproject.toml":
            raise SettingsError(file, "", 0, "has no table `[tool.unsnarl]`")
        table = {}
    settings = _convert(table, Settings, (), _Document(file, data.decode("utf-8")), ("origin",))
    settings = msgspec.structs.replace(settings, origin=file)
    for field in ("safe_executor", "get_port", "get_bus"):
        module, colon, name = getattr(settings, field).partition(":")
        if not (colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
            usual = getattr(Settings(), field)
            raise settings.error((field.replace("_", "-"),), f'expected "module:name", as in "{usual}"')
    for name, contract in settings.contracts.items():
        try:
            contract.check()
        except ContractError as error:
            raise settings.error(("contracts", name, *filter(None, (error.key,))), error.problem) from None
    return settings


def _table(file: Path, data: bytes) -> dict[str, Any] | None:
    import tomllib

    try:
        document = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(file, "", line, "is not UTF-8, which TOML must be") from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        message = str(error)[: found.start()] if found else str(error)
        line = int(found[1]) if found else data.count(b"\n") + 1
        raise SettingsError(file, "", line, f"is not valid TOML: {message[:1].lower()}{message[1:]}") from None
    if file.name != "pyproject.toml":
        return document
    inner: Any = document
    for i, key in enumerate(_TABLE):
        inner = inner.get(key)
        if inner is None:
            return None
        if not isinstance(inner, dict):
            above = _TABLE[: i + 1]
            raise SettingsError(file, ".".join(above), locate(data.decode(), above), "expected a table")
    return dict(inner)


_SPOKEN = {
    "bool": "true or false",
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "datetime": "a date",
}


def _convert(
    table: Mapping[str, Any], kind: type[_S], at: tuple[str, ...], document: _Document, hidden: tuple[str, ...]
) -> _S:
    """``table`` as ``kind``, one key at a time, so that an error can name its key (msgspec's own cannot in a dict)."""
    fields = {one.encode_name: one for one in msgspec.structs.fields(kind) if one.encode_name not in hidden}
    values: dict[str, Any] = {}
    for key, value in table.items():
        field = fields.get(key)
        if field is None:
            raise document.error((*at, key), f"unknown key; {nearest(key, fields)}")
        if get_origin(field.type) is dict:
            _, inner = get_args(field.type)
            if not isinstance(value, dict):
                raise document.error((*at, key), f"expected a table, got {_spoken_value(value)}")
            values[field.name] = {name: _inner(one, inner, (*at, key, name), document) for name, one in value.items()}
        else:
            values[field.name] = _value(value, field.type, (*at, key), document)
    return kind(**values)


def _inner(value: Any, kind: Any, keys: tuple[str, ...], document: _Document) -> Any:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return _value(value, kind, keys, document)
    if not isinstance(value, dict):
        raise document.error(keys, f"expected a table, got {_spoken_value(value)}")
    return _convert(value, kind, keys, document, ())


def _value(value: Any, kind: Any, keys: tuple[str, ...], document: _Document) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise document.error(keys, _spoken(str(error), value, kind)) from None


def _spoken(message: str, value: Any, kind: Any) -> str:
    """What msgspec says, in the words of a settings file."""
    choices = [one for part in (kind, *get_args(kind)) if get_origin(part) is Literal for one in get_args(part)]
    if choices and isinstance(value, str):
        return f'"{value}" is not possible; valid are {", ".join(f"`{one}`" for one in choices)}'
    found = re.match(r"Expected `([^`]+)`, got `([^`]+)`(?: - at `\$(.*)`)?$", message)
    if found is None:
        return message.partition(" - at ")[0]
    expected = " or ".join(_SPOKEN.get(one, one) for one in found[1].split(" | ") if one != "null")
    if choices:
        expected = "one of " + ", ".join(f'"{one}"' for one in choices)
    inside = f" (at its item {found[3]})" if found[3] else ""
    return f"expected {expected}, got {_SPOKEN.get(found[2], found[2])}{inside}"


def _spoken_value(value: Any) -> str:
    names = {bool: "bool", str: "str", int: "int", float: "float", list: "array", dict: "object"}
    return _SPOKEN[names.get(type(value), "datetime")]


_HEADER = re.compile(r"\s*\[{1,2}\s*(?P<keys>[^\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_ASSIGNED = re.compile(rf"\s*(?P<keys>{_KEY}(?:\s*\.\s*{_KEY})*)\s*=")


def locate(text: str, keys: Sequence[str]) -> int:
    """The line, from 1, where the TOML document ``text`` sets ``keys``, or its nearest table above; 0 when neither.

    ``tomllib`` tells no positions. This reads headers and assignments line by line, which is exact but for a key
    within an inline table, where it gives the line that the table begins on.
    """
    wanted = tuple(keys)
    header: tuple[str, ...] = ()
    best, best_length = 0, 0
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        if fence:
            if fence in line:
                fence = ""
            continue
        found = _HEADER.match(line)
        path: tuple[str, ...] = ()
        if found:
            path = header = _split(found["keys"])
        else:
            assigned = _ASSIGNED.match(line)
            if assigned is not None:
                path = header + _split(assigned["keys"])
            for mark in ('"""', "'''"):
                if line.count(mark) == 1:
                    fence = mark
        if path and len(path) > best_length and path == wanted[: len(path)]:
            best, best_length = number, len(path)
    return best


def _split(keys: str) -> tuple[str, ...]:
    return tuple(one.strip("\"'") for one in re.findall(_KEY, keys))
