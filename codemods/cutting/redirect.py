"""Takes names from the module that defines them, and not from the package that hands them on."""

from __future__ import annotations

import ast

from analysis.cuts import Cut
from codemods.compose import Change
from codemods.cutting.statements import Taken, taken, without
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason, Splice
from codemods.imports import Refused


def redirect(workspace: Workspace, cut: Cut) -> str:
    """Make the change; returns what was done, for people. Raises Refused."""
    path = cut.importer
    splices: list[Splice] = []
    sources: dict[str, None] = {}
    for one in taken(workspace, cut):
        if not isinstance(one.node, ast.ImportFrom):
            raise Refused(Reason.NEEDED, f"line {one.node.lineno} imports the module itself")
        texts = _statements(workspace, cut, one, sources)
        source = workspace.source(path)
        start = source.offset(one.node.lineno, 0)
        spelt = "".join(f"{each}{one.comment}\n" for each in texts)
        gone = without(workspace, path, one)
        if one.whole:
            # In the place of the old one, with no blank line taken away.
            end = source.offset(one.node.end_lineno or one.node.lineno, one.node.end_col_offset or 0)
            splices.append(Splice(start, end + len(one.comment.encode(source.encoding)), spelt.rstrip("\n")))
        else:
            splices += [*gone, Splice(start, start, spelt)]
    workspace.edit(path, [Change((one,)) for one in splices])
    return f"taken from {', '.join(sources)}"


def _statements(workspace: Workspace, cut: Cut, one: Taken, sources: dict[str, None]) -> list[str]:
    """The imports that take the place of ``one``, one for each module; adds the files that they name to ``sources``."""
    found: dict[str, list[str]] = {}
    for alias in one.aliases:
        origin, name = workspace.graph.origin(cut.imported, alias.name)
        if origin in (cut.imported, cut.importer) or origin.endswith("/"):
            raise Refused(Reason.NEEDED, f"`{alias.name}` is defined in {origin}")
        sources[origin] = None
        bound = alias.asname or alias.name
        module = spelling(workspace, cut.importer, origin, relative=bool(one.node.level))  # type: ignore[union-attr]
        found.setdefault(module, []).append(name if name == bound else f"{name} as {bound}")
    return [f"from {module} import {', '.join(names)}" for module, names in sorted(found.items())]


def spelling(workspace: Workspace, importer: str, imported: str, *, relative: bool) -> str:
    """How the module of the file ``imported`` is named in an import by ``importer``.

    ``relative``: with dots before it, where both lie in one package.
    """
    modules = workspace.graph.modules
    around = modules.packages(importer)
    if relative and around and around[0] in modules.packages(imported):
        here = around[-1].split("/")[:-1] if not importer.endswith("__init__.py") else importer.split("/")[:-1]
        there = imported.removesuffix(".py").removesuffix("/__init__").split("/")
        common = 0
        while common < min(len(here), len(there)) and here[common] == there[common]:
            common += 1
        return "." * (len(here) - common + 1) + ".".join(there[common:])
    return modules.name(imported)
