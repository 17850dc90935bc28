"""Look-ups of feature flags: the flags that a file asks for, and as what."""

from __future__ import annotations

import ast
from typing import ClassVar

import msgspec

from analysis.nodes import below, dotted
from analysis.walk import Collector, Walk

_KINDS = frozenset({"bool", "int", "float", "str"})


class FlagLookup(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One look-up: ``flag("name", int)``; ``name`` is empty where it is not written out.

    ``kind`` is what it is asked for as, empty where that is not written out. ``overridden``: it is given a value, as
    tests do, and not asked for.
    """

    line: int
    column: int
    name: str
    kind: str
    overridden: bool = False


class FlagLookupCollector(Collector):
    """Collects the calls of ``flag`` and ``overridden`` that were imported from a module called ``flags`` or so."""

    topic: ClassVar[str] = "flag-lookups"
    version: ClassVar[int] = 1
    record = FlagLookup
    needles = (b"flags",)

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        if b"flags" not in self.source.data:
            return
        nodes = below(tree)
        functions: dict[str, str] = {}
        modules: set[str] = set()
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if _is_flags(node.module or "") and alias.name in ("flag", "overridden"):
                        functions[alias.asname or alias.name] = alias.name
                    elif _is_flags(alias.name):
                        modules.add(alias.asname or alias.name)
            elif isinstance(node, ast.Import):
                modules.update(alias.asname or alias.name for alias in node.names if _is_flags(alias.name))
        if functions or modules:
            for node in nodes:
                if isinstance(node, ast.Call):
                    self._call(node, functions, modules)
        self.records.sort(key=lambda one: (one.line, one.column))

    def _call(self, node: ast.Call, functions: dict[str, str], modules: set[str]) -> None:
        name = dotted(node.func) or ""
        module, _, last = name.rpartition(".")
        function = functions.get(name) or (last if module in modules else "")
        place = node.lineno, node.col_offset + 1
        if function == "overridden":
            self.records += [FlagLookup(*place, one.arg or "", "", overridden=True) for one in node.keywords]
        elif function == "flag":
            given = {one.arg: one.value for one in node.keywords}
            asked = node.args[0] if node.args else given.get("name")
            kind = node.args[1] if len(node.args) > 1 else given.get("kind")
            text = asked.value if isinstance(asked, ast.Constant) and isinstance(asked.value, str) else ""
            known = "bool" if kind is None else kind.id if isinstance(kind, ast.Name) and kind.id in _KINDS else ""
            self.records.append(FlagLookup(*place, text, known))


def _is_flags(module: str) -> bool:
    return module.rpartition(".")[2].endswith("flags")
