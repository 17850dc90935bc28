"""Moves what two modules share into a module of its own, which neither of them is imported by.

The names stay importable from where they were. What is moved is moved with all that it needs; where that is not
possible without changing what something means, it is refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from itertools import count

from analysis.cuts import Cut
from codemods.compose import Change
from codemods.cutting import guards
from codemods.cutting.layout import Line, by_kind, grouped, is_single, kind, lines, longest, order, wrapped
from codemods.cutting.parts import Definition, Import, Parts, Table, starts
from codemods.cutting.redirect import spelling, take_from
from codemods.cutting.settled import only_handed_on
from codemods.cutting.statements import statement, taken
from codemods.cutting.tidying import tidy
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason, Splice
from codemods.imports import Refused

_BLANK = b" \t\r\n"
"""What a line that means nothing is made of: a form feed parts what comes before it from the rest."""


def extract(workspace: Workspace, cut: Cut) -> str:
    """Make the change; returns what was done, for people. Raises Refused."""
    parts = _Extraction(workspace, cut.imported)
    origins: dict[str, tuple[str, str]] = {}
    wanted: list[str] = []
    for one in taken(workspace, cut):
        for alias in one.aliases:
            if not isinstance(one.node, ast.ImportFrom) or alias.name == "*" or not _names(cut, alias.name):
                raise Refused(Reason.NEEDED, f"{cut.reason}; line {one.node.lineno} takes the module, not its names")
            origin = workspace.graph.origin(cut.imported, alias.name)
            if alias.name in parts.defined or origin[0] in (cut.imported, cut.importer) or origin[0].endswith("/"):
                wanted.append(alias.name)
            else:
                # Handed on only: it need not be moved.
                only_handed_on(workspace, cut.imported, alias.name, cut.importer)
                origins[alias.name] = origin
    if not wanted:
        take_from(workspace, cut, origins)
        return f"taken from {', '.join(dict.fromkeys(origin for origin, _ in origins.values()))}"
    moved = parts.closure(wanted)
    if len(moved) == len({id(one) for one in parts.defined.values()}):
        raise Refused(Reason.NOT_MOVABLE, f"all that {cut.imported} defines would have to move")
    text = parts.text(moved, {})
    path, there = _place(workspace, cut.imported, text)
    guards.not_listed(workspace, path.rpartition("/")[0])
    if not there:
        workspace.make(path, text, like=cut.imported)
    told = parts.leave(moved, path)
    # What was told about the imports goes with them.
    text = parts.text(moved, told) if told else text
    if there:
        workspace.adopt(path, text, like=cut.imported)
    elif told:
        workspace.edit(path, [Change((Splice(0, len(workspace.source(path).data), text),))])
    take_from(workspace, cut, {**origins, **{name: (path, name) for name in wanted}})
    return f"{', '.join(name for node in moved for name in parts.names(node))} moved to {path}"


def _names(cut: Cut, name: str) -> bool:
    """Whether the import takes ``name`` out of the module, and not the module itself."""
    return any(name in edge.names for edge in cut.edges)


def _place(workspace: Workspace, path: str, text: str) -> tuple[str, bool]:
    """Where the new module goes: beside ``path``. True: it may be there, left by a run that was taken back."""
    folder, _, file = path.rpartition("/")
    stem = file.removesuffix(".py")
    stem = "_shared" if stem == "__init__" else f"{stem}_shared"
    for number in count(1):
        found = f"{folder}/{stem}{number if number > 1 else ''}.py".removeprefix("/")
        there = (workspace.project.path(found), workspace.project.path(found.removesuffix(".py")))
        if not workspace.made(found) and not any(one.exists() for one in there):
            return found, False
        if found in workspace.project.files and not workspace.graph.into.get(found):
            first = workspace.before(found).partition(b"\n")[0].strip()
            if first == text.partition("\n")[0].encode():
                return found, True
    raise AssertionError("there is always another number")


class _Extraction(Parts):
    """Writes the new module, and takes out of the old one what went there."""

    def _above(self, node: ast.stmt) -> int:
        """The first line of the comment that stands directly above the statement, or of the statement."""
        line = starts(node)
        while line > 1 and self.source.lines[line - 2].startswith(b"#"):
            line -= 1
        return line if line > 2 else starts(node)

    def text(self, moved: Sequence[Definition], told: Mapping[Line, Line]) -> str:
        """The new module. ``told`` are imports with the comments that go with them."""
        needed = {need for node in moved for need in self.needs(node)}
        parts = [f'"""What {self.path} shares with modules that it imports."""\n']
        future = [one for one in self.tree.body if isinstance(one, ast.ImportFrom) and one.module == "__future__"]
        parts += [f"{statement(one, one.names)}\n" for one in future]
        plain = [told.get(one, one) for one in self._lines_of(self.imported, needed)]
        typed = [told.get(one, one) for one in self._lines_of(self.typed, needed)]
        if typed and not any("TYPE_CHECKING" in one.names for one in plain):
            plain.append(Line("typing", ("TYPE_CHECKING",)))
        most, single = longest(self.workspace), is_single(self.tree.body)
        if plain:
            parts.append(grouped(plain, self.is_own, most, single=single))
        if typed:
            parts.append("if TYPE_CHECKING:\n" + grouped(typed, self.is_own, most, indent="    ", single=single))
        body = ""
        last: Definition | None = None
        for node in moved:
            lines = self.source.lines[self._above(node) - 1 : self.end(node)]
            # Simple statements stay together, definitions stand apart.
            simple = isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(last, (ast.Assign, ast.AnnAssign))
            body += ("" if simple else "\n\n") if last is not None else ""
            text = b"".join(lines).decode(self.source.encoding)
            body += re.sub(r"\r\n?", "\n", text).rstrip() + "\n"
            last = node
        gap = "\n" if isinstance(moved[0], (ast.Assign, ast.AnnAssign)) else "\n\n"
        return "\n".join(parts) + gap + body

    def _lines_of(self, table: Table, needed: set[str]) -> list[Line]:
        chosen: dict[int, tuple[Import, list[ast.alias]]] = {}
        for name, imports in table.items():
            for node, alias in imports if name in needed else ():
                if getattr(node, "module", "") != "__future__":
                    chosen.setdefault(id(node), (node, []))[1].append(alias)
        return [line for node, aliases in chosen.values() for line in lines(node, aliases)]

    def leave(self, moved: Sequence[Definition], path: str) -> dict[Line, Line]:
        """Take what was moved out of the module, which hands it on from then on; returns the imports whose comments go
        with it.
        """
        names = [name for node in moved for name in self.names(node)]
        needed = {need for node in moved for need in self.needs(node) if need in self.imported or need in self.typed}
        listed = {one.name for one in self.sites if one.use.kind == "export"}
        gone = {id(node) for node in moved}
        used = {name for node in self.tree.body if id(node) not in gone for name in self.needs(node) if name in names}
        handed = [name for name in names if name not in used and name not in listed]
        module = spelling(self.workspace, self.path, path, relative=self._relative())
        text = wrapped(
            f"from {module} import {', '.join(sorted(names, key=by_kind))}",
            longest(self.workspace),
            "",
            "  # noqa: F401" if handed else "",
        )
        line, gap = self._place(moved, module)
        splices = [Splice(*self._gap(node), "") for node in moved]
        start = self.source.offset(line + 1, 0) if line < len(self.source.lines) else len(self.source.data)
        splices.append(Splice(start, start, f"{gap}{text}\n"))
        self.workspace.edit(self.path, [Change((one,)) for one in splices])
        return tidy(self.workspace, self.path, needed)

    def _relative(self) -> bool:
        return any(isinstance(one, ast.ImportFrom) and one.level for one in self.tree.body)

    def _place(self, moved: Sequence[Definition], module: str) -> tuple[int, str]:
        """The line behind which the import of ``module`` goes, and what comes before it: among its like before all
        that was moved where these are in order, else behind the last import there, or at the head's end.
        """
        first = min(self._above(node) for node in moved)
        line = 0
        run: list[Import] = []
        for at, one in enumerate(self.tree.body):
            if starts(one) >= first:
                break
            docstring = at == 0 and isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
            if docstring or isinstance(one, (ast.Import, ast.ImportFrom)):
                line = self.end(one)
            if isinstance(one, (ast.Import, ast.ImportFrom)):
                # Those behind another statement are a new head.
                run = [*run, one] if at and isinstance(self.tree.body[at - 1], (ast.Import, ast.ImportFrom)) else [one]
        if line == 0 and first > 1:
            return first - 1, ""
        if not run or any(self.effects.of(one) for one in moved):
            return line, ""
        group = kind(module, self.is_own)
        like = [(one, lines(one, one.names)[0]) for one in run]
        like = [(one, each) for one, each in like if kind(each.module, self.is_own) == group]
        keys = [order(each)[:3] for _, each in like]
        wanted = order(Line(module, ("_",)))[:3]
        if like and keys == sorted(keys):
            before = [one for (one, _), key in zip(like, keys, strict=True) if key <= wanted]
            if before:
                return self.end(before[-1]), ""
            if self._above(like[0][0]) == like[0][0].lineno:
                return like[0][0].lineno - 1, ""
        return line, "" if like else "\n"

    def _gap(self, node: ast.stmt) -> tuple[int, int]:
        """The bytes of a statement with the comment above it and blank lines, so that the larger gap is left."""
        lines, first, last = self.source.lines, self._above(node), self.end(node)
        before, after = first, last
        while before > 1 and not lines[before - 2].strip(_BLANK):
            before -= 1
        while after < len(lines) and not lines[after].strip(_BLANK):
            after += 1
        following = next((one for one in self.tree.body if one.lineno > last), None)
        if isinstance(following, (ast.Import, ast.ImportFrom)) and after > last:
            # Imports are apart by one line, and not by two as definitions are.
            last = after - 1
        else:
            before += max(0, first - before - (after - last))
        end = self.source.offset(last + 1, 0) if last < len(lines) else len(self.source.data)
        return self.source.offset(before, 0), end
