"""Which types an executor recovers, and how they are spelt in a given file."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import sys
import warnings
from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

from analysis.collectors.imports import Import, When
from codemods.edits import Need
from config.knowledge import knowledge

_MOST = 6
"""More types than this say no more than `Exception` does."""


class Recoverable(NamedTuple):
    """The types as source, ``needs`` those that must be imported first; ``exact``: fewer than ``Exception``."""

    types: tuple[str, ...]
    needs: tuple[Need, ...] = ()
    exact: bool = False


EVERYTHING = Recoverable(("Exception",))


# Each begins with plain letters, which are found many times as fast as anything else.
_BY_NAME = tuple(
    re.compile(one) for one in (rb"import\s*\(?\s*\*", rb"globals(?<![\w.]globals)\s*\(", rb"exec(?<![\w.]exec)\s*\(")
)
"""What may bind a name of the module without writing it."""
_IMPORTING = re.compile(rb"[ \t]*(?:import|from)\b[^;]*\Z")
_CATCHING = re.compile(rb"[ \t]*except\b(?:(?!\bas\b)[^:#'\"])*\Z")
_BINDING = re.compile(rb"\s*:=")
_NEAR = 80
_DEFINING = re.compile(rb"\b(?:def|class)[\s\\]*\Z")
_RAISING = re.compile(rb"\braise[ \t]+\Z")


class Bindings:
    """Which names a file binds by other means than an import, by the compiler's account. In doubt it binds them all."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._assigned: set[str] | None = None
        self._imported: set[str] = set()
        self._broken = False

    def assigned(self, name: str) -> bool:
        """Whether any scope binds ``name`` other than by an import: as a variable, a parameter, a definition."""
        return self._blind or (self._may_assign(name) and (name in self._read() or self._broken))

    def inside(self, name: str) -> bool:
        """Whether a function or class imports ``name`` for itself."""
        self._read()
        return self._blind or self._broken or name in self._imported

    def doubt(self, name: str) -> str:
        """How ``name`` is bound by other means than an import, in words; empty when it is not."""
        if not self.assigned(name):
            return ""
        unseen = next(filter(None, (one.search(self._data) for one in _BY_NAME)), None)
        if unseen is not None:
            called = unseen[0].partition(b"(")[0].decode().rstrip()
            what = "a star import" if called.startswith("import") else f"`{called}()`"
            return f"{what} at line {line_of(self._data, unseen.start())} may bind `{name}`"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                nodes: list[Any] = [one for one in ast.walk(ast.parse(self._data)) if _binds(one, name)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            nodes = []
        first = min(nodes, key=lambda one: one.lineno, default=None)
        if first is None:
            return f"`{name}` may be bound by other means than an import"
        if isinstance(first, ast.ClassDef):
            return f"`{name}` is a class of this file (line {first.lineno}), and only imported ones are looked up"
        return f"`{name}` is bound at line {first.lineno}, and not by an import"

    @cached_property
    def _blind(self) -> bool:
        return any(one.search(self._data) for one in _BY_NAME)

    def _may_assign(self, name: str) -> bool:
        """Whether the bytes leave it open that ``name`` is assigned: asking the compiler takes many times as long."""
        data, word = self._data, name.encode()
        for found in re.finditer(rb"%b(?!\w)(?<![\w.]%b)" % (word, word), data):
            start, end = found.span()
            before = data[max(data.rfind(b"\n", 0, start), data.rfind(b"\r", 0, start)) + 1 : start]
            if data[end : end + 1] in (b".", b"("):
                read = _DEFINING.search(data[max(0, start - _NEAR) : start]) is None
            else:
                caught = _CATCHING.match(before) is not None and not _BINDING.match(data, end)
                read = caught or _IMPORTING.match(before) is not None or _RAISING.search(before) is not None
            if not read:
                return True
        return False

    def _read(self) -> set[str]:
        if self._assigned is None:
            self._assigned = set()
            try:
                # As bytes, so that a coding line counts.
                top = symtable.symtable(self._data, "file", "exec")  # type: ignore[arg-type]
            except (SyntaxError, ValueError, RecursionError):
                self._broken = True
                return self._assigned
            waiting = [top]
            while waiting:
                table = waiting.pop()
                for symbol in table.get_symbols():
                    if symbol.is_assigned() or symbol.is_parameter():
                        self._assigned.add(symbol.get_name())
                    if symbol.is_imported() and table is not top:
                        self._imported.add(symbol.get_name())
                waiting.extend(table.get_children())
        return self._assigned


def _binds(node: Any, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.arg):
        return node.arg == name
    return not isinstance(node, ast.alias) and name in (getattr(node, "name", None), getattr(node, "rest", None))


_WHEN: dict[When, str] = {
    "import": "line {} imports something else as `{}`",
    "conditional": "line {} imports `{}` under a condition",
    "deferred": "line {} imports `{}`, but not while the module is imported",
    "typing": "line {} imports `{}` for type checkers only",
    "class": "line {} imports `{}` in a class body",
}
"""Why an import leaves a name in doubt; ``import``: there is another import of that name."""


class Spelling:
    """What the names of one file stand for, as far as its unconditional imports at module level tell."""

    def __init__(self, imports: Iterable[Import], data: bytes) -> None:
        self._names = Bindings(data)
        self._loaded: dict[str, int] = {}
        self._bound: dict[str, tuple[str, int]] = {}
        self._doubtful: dict[str, tuple[When, int]] = {}
        for one in imports:
            if one.when == "import" and not one.level:
                for module in (one.module,) if one.is_from else [name for name, _ in one.names]:
                    self._loaded.setdefault(module, one.span.line)
            for name, alias in one.names:
                if one.is_from:
                    local, target = alias or name, f"{'.' * one.level}{one.module}.{name}"
                elif alias is not None:
                    local, target = alias, name
                else:
                    local = target = name.partition(".")[0]
                if one.when == "import":
                    known = self._bound.setdefault(local, (target, one.span.line))
                    if known[0] != target:
                        self._doubtful.setdefault(local, (one.when, one.span.line))
                else:
                    self._doubtful.setdefault(local, (one.when, one.span.line))

    def meaning(self, written: str, line: int) -> str | None:
        """The qualified name behind a dotted name as written; None when the imports above ``line`` do not say."""
        first, dot, rest = written.partition(".")
        if self._names.assigned(first):
            return None
        if first not in self._bound:
            return written if not dot and first not in self._doubtful and _builtin_error(first) else None
        target, bound_at = self._bound[first]
        if first in self._doubtful or bound_at >= line:
            return None
        return f"{target}.{rest}" if dot else target

    def doubt(self, written: str, line: int) -> str:
        """Why ``family`` of its ``meaning`` at ``line`` is ``unknown``, in words."""
        first = written.partition(".")[0]
        bound = self._names.doubt(first)
        if bound:
            return bound
        if first in self._doubtful:
            when, where = self._doubtful[first]
            return _WHEN[when].format(where, first)
        qualified = self.meaning(written, line)
        if qualified is not None and qualified.startswith("."):
            return (
                f"`{first}` comes from the tree itself (line {self._bound[first][1]}), whose classes are not looked up"
            )
        if qualified is not None:
            return f"`{qualified}` is not among the exceptions that are known of the libraries"
        if first in self._bound:
            return f"`{first}` is imported at line {self._bound[first][1]} only"
        return f"nothing imports `{first}`"

    def written(self, qualified: str, line: int, region: bytes) -> str | Need | None:
        """How to write a qualified name at ``line``, inside the function ``region``; a Need when it must be imported.

        None when it cannot be written there: the module may be missing when the file runs.
        """
        if "<" in qualified:
            return None  # a class that a function makes
        if "." not in qualified:
            shadowed = qualified in self._bound or qualified in self._doubtful
            shadowed = shadowed or self._names.assigned(qualified) or self._names.inside(qualified)
            return None if shadowed else qualified
        spelt: list[str] = []
        for local, (target, bound_at) in self._bound.items():
            if local in self._doubtful or bound_at >= line or not f"{qualified}.".startswith(f"{target}."):
                continue
            if not (self._names.assigned(local) or rebinds(region, local)) and self._there(qualified, target, line):
                spelt.append(local + qualified[len(target) :])
        if spelt:
            return min(spelt, key=lambda one: (one.count("."), len(one), one))
        top = qualified.partition(".")[0]
        module, _, name = qualified.rpartition(".")
        if not knowledge().is_exception(qualified):
            return None  # a module of the project may import this one in its turn, so that importing it here fails
        same = any(target.partition(".")[0] == top for target, _ in self._bound.values())
        return Need(module, name) if same or top in sys.stdlib_module_names else None

    def _there(self, qualified: str, target: str, line: int) -> bool:
        """Whether ``qualified`` is sure to be found through the imported ``target``, which need not have loaded it."""
        inner = qualified[len(target) + 1 :]
        module = qualified.rpartition(".")[0]
        if "." not in inner or self._loaded.get(module, line) < line:
            return True
        return knowledge().is_exception(qualified) and module.partition(".")[0] == "requests"


def rebinds(source: bytes, name: str) -> bool:
    """Whether ``source`` may bind the first part of ``name`` itself. In doubt it does: strings are read like code."""
    return rebound_at(source, name) is not None


def rebound_at(source: bytes, name: str) -> int | None:
    """The offset right behind where ``source`` may bind the first part of ``name`` itself, as ``rebinds`` has it."""
    first = re.escape(name.partition(".")[0].encode())
    if "." in name:
        # A module is only ever followed by a dot; anything else may be an assignment, a parameter or an import.
        found = re.search(rb"(?<![\w.])%b\b(?!\s*\.)" % first, source)
        return None if found is None else found.end()
    header = rb"\bdef\s+\w+\s*\([^)]*\b%b\b|\blambda\b[^:\n]*\b%b\b" % (first, first)
    pattern = rb"\b(?:class|def|as|for|import)\s+%b\b|(?<![\w.])%b\s*(?::[^=\n]*)?=(?!=)" % (first, first)
    found = re.search(header, source) or re.search(pattern, source)
    return None if found is None else found.end()


def line_of(data: bytes, offset: int) -> int:
    """The line, from 1, that ``offset`` is in."""
    return len(re.findall(rb"\r\n|\r|\n", data[:offset])) + 1


def recoverable(types: Iterable[str], spelling: Spelling, line: int, region: bytes) -> Recoverable | None:
    """``types`` (qualified) as source at ``line`` in the function ``region``; None when one cannot be named there."""
    written: list[str] = []
    needs: list[Need] = []
    for one in types:
        found = spelling.written(one, line, region)
        if found is None:
            return None
        if isinstance(found, Need):
            needs.append(found)
        else:
            written.append(found)
    if not 0 < len(written) + len(needs) <= _MOST or "Exception" in written:
        return None
    return Recoverable(tuple(written), tuple(needs), exact=True)


def family(qualified: str) -> str:
    """``error`` for a known subclass of ``Exception``, ``exit`` for another of ``BaseException``, else ``unknown``."""
    known = knowledge()
    ancestors = known.ancestors(known.canonical(qualified))
    if "Exception" in ancestors:
        return "error"
    return "exit" if "BaseException" in ancestors else "unknown"


def _builtin_error(name: str) -> bool:
    value = getattr(builtins, name, None)
    return isinstance(value, type) and issubclass(value, BaseException)
