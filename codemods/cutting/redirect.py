"""Takes names from the module that defines them, and not from the package that hands them on."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from analysis.cuts import Cut
from codemods.compose import Change
from codemods.cutting.layout import longest, wrapped
from codemods.cutting.settled import only_handed_on
from codemods.cutting.statements import Taken, taken, without
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason, Splice
from codemods.imports import Refused


def redirect(workspace: Workspace, cut: Cut) -> str:
    """Make the change; returns what was done, for people. Raises Refused."""
    origins: dict[str, tuple[str, str]] = {}
    for one in taken(workspace, cut):
        for alias in one.aliases:
            origin, name = origins[alias.name] = workspace.graph.origin(cut.imported, alias.name)
            if not isinstance(one.node, ast.ImportFrom) or origin.endswith("/"):
                raise Refused(Reason.NEEDED, f"line {one.node.lineno} imports the module itself")
            if origin in (cut.imported, cut.importer):
                raise Refused(Reason.NEEDED, f"`{name}` is defined in {origin}")
            only_handed_on(workspace, cut.imported, alias.name, cut.importer)
    take_from(workspace, cut, origins)
    return f"taken from {', '.join(dict.fromkeys(origin for origin, _ in origins.values()))}"


def take_from(workspace: Workspace, cut: Cut, origins: Mapping[str, tuple[str, str]]) -> None:
    """Have the importer take each name from the file, and by the name, that ``origins`` has for it."""
    changes: list[Change] = []
    most = longest(workspace)
    for one in taken(workspace, cut):
        texts = _statements(workspace, cut, one, origins)
        source = workspace.source(cut.importer)
        start = source.offset(one.node.lineno, 0)
        if one.whole:
            # In the place of the old one, with the comment behind it.
            end = source.offset(one.node.end_lineno or one.node.lineno, one.node.end_col_offset or 0)
            laid = [wrapped(text, most) for text in texts]
            told = wrapped(texts[-1], most, "", one.comment)
            if one.comment and told.endswith(")"):
                # It stands behind the bracket that opens then.
                end = start + len(source.lines[one.node.lineno - 1].rstrip())
                laid[-1] = told
            changes.append(Change((Splice(start, end, "\n".join(laid)),)))
        else:
            changes += [Change((gone,)) for gone in without(workspace, cut.importer, one)]
            last = one.node.end_lineno or one.node.lineno
            start = source.offset(last + 1, 0) if last < len(source.lines) else start
            changes.append(Change((Splice(start, start, "".join(f"{wrapped(text, most)}\n" for text in texts)),)))
    workspace.edit(cut.importer, changes)


def _statements(workspace: Workspace, cut: Cut, one: Taken, origins: Mapping[str, tuple[str, str]]) -> list[str]:
    """The imports that take the place of ``one``, one for each module."""
    relative = isinstance(one.node, ast.ImportFrom) and bool(one.node.level)
    found: dict[str, list[str]] = {}
    for alias in one.aliases:
        origin, name = origins[alias.name]
        bound = alias.asname or alias.name
        module = _after(workspace, cut.importer, one.node, origin)
        module = module or spelling(workspace, cut.importer, origin, relative=relative)
        # `name as name` says that others are to take it from here.
        found.setdefault(module, []).append(name if name == bound and not alias.asname else f"{name} as {bound}")
    return [f"from {module} import {', '.join(names)}" for module, names in sorted(found.items())]


def spelling(workspace: Workspace, importer: str, imported: str, *, relative: bool) -> str:
    """How the module of the file ``imported`` is named in an import by ``importer``.

    ``relative``: with dots before it, where both lie in one package.
    """
    modules = workspace.graph.modules
    around = modules.packages(importer)
    if importer.endswith("__init__.py"):
        around = (*around, importer)
    if relative and around and around[0] in modules.packages(imported):
        here = around[-1].split("/")[:-1]
        there = _parts(imported)
        common = 0
        while common < min(len(here), len(there)) and here[common] == there[common]:
            common += 1
        return "." * (len(here) - common + 1) + ".".join(there[common:])
    if _parts(importer)[:-1] == _parts(imported)[:-1]:
        return _beside(workspace, importer, imported, relative=relative)
    return workspace.graph.name(imported)


def _beside(workspace: Workspace, importer: str, imported: str, *, relative: bool) -> str:
    """The same of a file that lies beside the importer: as that names what else is there."""
    stem, modules = _parts(imported)[-1], workspace.graph.modules
    around = modules.packages(importer)
    if relative and not around:
        # A package without an `__init__.py`.
        return f".{stem}"
    for one in workspace.imports(importer):
        for name in () if one.level else [one.module] if one.is_from else [name for name, _ in one.names]:
            found = modules.find(importer, name)
            if found not in (None, importer) and _parts(str(found))[:-1] == _parts(imported)[:-1]:
                return f"{name.rpartition('.')[0]}.{stem}".removeprefix(".")
    if not around and _with_dots_only(workspace, importer):
        return f".{stem}"
    return workspace.graph.name(imported)


def _with_dots_only(workspace: Workspace, path: str) -> bool:
    """Whether a file is imported, and always with dots before its name: it lies in a package then."""
    lines = {(one.importer, one.line) for one in workspace.graph.into.get(path, ())}
    levels = {
        one.level
        for importer in {each for each, _ in lines}
        for one in workspace.imports(importer)
        if (importer, one.span.line) in lines
    }
    return bool(levels) and 0 not in levels


def _after(workspace: Workspace, importer: str, node: ast.stmt, origin: str) -> str | None:
    """How ``importer`` names the file ``origin`` that lies in the package, or beside the module, which ``node`` takes
    names from; None where it does not.
    """
    if not isinstance(node, ast.ImportFrom):
        return None
    modules = workspace.graph.modules
    base = modules.find(importer, node.module or "", node.level)
    if base is None or base.endswith("/"):
        return None
    is_package = base.endswith("__init__.py")
    folder, there = _parts(base)[: None if is_package else -1], _parts(origin)
    if there[: len(folder)] != folder:
        return None
    name = (node.module or "") if is_package else (node.module or "").rpartition(".")[0]
    level, dotted = node.level, ".".join(filter(None, [name, *there[len(folder) :]]))
    return f"{'.' * level}{dotted}" if modules.find(importer, dotted, level) == origin else None


def _parts(path: str) -> list[str]:
    return path.removesuffix(".py").removesuffix("/__init__").split("/")
