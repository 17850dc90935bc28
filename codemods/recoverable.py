"""Which types an executor recovers, and how they are spelt in a given file."""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterable
from typing import NamedTuple

from analysis.collectors.imports import Import
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


class Spelling:
    """What the names of one file stand for, as far as its unconditional imports at module level tell."""

    def __init__(self, imports: Iterable[Import], data: bytes) -> None:
        self._data = data
        self._bound: dict[str, tuple[str, int]] = {}
        self._doubtful: set[str] = set()
        for one in imports:
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
                        self._doubtful.add(local)
                else:
                    self._doubtful.add(local)

    def meaning(self, written: str, line: int) -> str | None:
        """The qualified name behind a dotted name as written; None when the imports above ``line`` do not say."""
        first, dot, rest = written.partition(".")
        if first not in self._bound:
            return written if not dot and first not in self._doubtful and _builtin_error(first) else None
        target, bound_at = self._bound[first]
        if first in self._doubtful or bound_at >= line:
            return None
        return f"{target}.{rest}" if dot else target

    def written(self, qualified: str, line: int, region: bytes) -> str | Need | None:
        """How to write a qualified name at ``line``, inside the function ``region``; a Need when it must be imported.

        None when it cannot be written there: the module may be missing when the file runs.
        """
        if "." not in qualified:
            shadowed = qualified in self._bound or qualified in self._doubtful
            return None if shadowed or rebinds(self._data, qualified) else qualified
        spelt: list[str] = []
        for local, (target, bound_at) in self._bound.items():
            if local in self._doubtful or bound_at >= line or rebinds(region, local):
                continue
            if target == qualified:
                spelt.append(local)
            elif qualified.startswith(f"{target}."):
                spelt.append(local + qualified[len(target) :])
        if spelt:
            return min(spelt, key=lambda one: (one.count("."), len(one), one))
        top = qualified.partition(".")[0]
        module, _, name = qualified.rpartition(".")
        same = any(target.partition(".")[0] == top for local, (target, _) in self._bound.items())
        return Need(module, name) if same or top in sys.stdlib_module_names else None


def rebinds(source: bytes, name: str) -> bool:
    """Whether ``source`` may bind the first part of ``name`` itself. In doubt it does: strings are read like code."""
    first = re.escape(name.partition(".")[0].encode())
    if "." in name:
        # A module is only ever followed by a dot; anything else may be an assignment, a parameter or an import.
        return re.search(rb"(?<![\w.])%b\b(?!\s*\.)" % first, source) is not None
    header = rb"\bdef\s+\w+\s*\([^)]*\b%b\b|\blambda\b[^:\n]*\b%b\b" % (first, first)
    if re.search(header, source) is not None:
        return True
    pattern = rb"\b(?:class|def|as|for|import)\s+%b\b|(?<![\w.])%b\s*(?::[^=\n]*)?=(?!=)" % (first, first)
    return re.search(pattern, source) is not None


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
