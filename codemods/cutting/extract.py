"""Moves what two modules share into a module of its own, which neither of them is imported by.

The names stay importable from where they were. What is moved is moved with all that it needs; where that is not
possible without changing what something means, it is refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from analysis.collectors.crossings import Sites
from analysis.collectors.header import first_line
from analysis.collectors.imports import is_main
from analysis.cuts import Cut
from analysis.nodes import below
from codemods.compose import Change
from codemods.cutting import guards
from codemods.cutting.calls import last
from codemods.cutting.layout import Line, by_kind, grouped, is_single, kind, lines, longest, order, wrapped
from codemods.cutting.redirect import spelling, take_from
from codemods.cutting.settled import only_handed_on
from codemods.cutting.statements import local, statement, taken
from codemods.cutting.tidying import tidy
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason, Splice
from codemods.imports import Refused

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
_Import = ast.Import | ast.ImportFrom
_Table = dict[str, list[tuple[_Import, ast.alias]]]
_TYPED = re.compile(rb"#[ \t]*type:(?![ \t]*ignore)([^\r\n#]*)")
_OWN = frozenset({"__name__", "__file__", "__package__", "__spec__", "__path__", "__doc__", "__loader__"})
"""What a module says of itself, and would say of another."""


def extract(workspace: Workspace, cut: Cut) -> str:
    """Make the change; returns what was done, for people. Raises Refused."""
    parts = _Parts(workspace, cut.imported)
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
    path = _free(workspace, cut.imported)
    between = cut.imported, cut.importer
    workspace.make(path, parts.text(moved, between, {}))
    told = parts.leave(moved, path)
    if told:
        # What was told about the imports goes with them.
        end = len(workspace.source(path).data)
        workspace.edit(path, [Change((Splice(0, end, parts.text(moved, between, told)),))])
    take_from(workspace, cut, {**origins, **{name: (path, name) for name in wanted}})
    return f"{', '.join(name for node in moved for name in parts.names(node))} moved to {path}"


def _names(cut: Cut, name: str) -> bool:
    """Whether the import takes ``name`` out of the module, and not the module itself."""
    return any(name in edge.names for edge in cut.edges)


def _free(workspace: Workspace, path: str) -> str:
    """Where the new module goes: beside ``path``."""
    folder, _, file = path.rpartition("/")
    stem = file.removesuffix(".py")
    stem = "_shared" if stem == "__init__" else f"{stem}_shared"
    for number in count(1):
        found = f"{folder}/{stem}{number if number > 1 else ''}.py".removeprefix("/")
        there = (workspace.project.path(found), workspace.project.path(found.removesuffix(".py")))
        if not workspace.made(found) and not any(one.exists() for one in there):
            return found
    raise AssertionError("there is always another number")


class _Parts:
    """The statements of a module that bind names, and what each needs of the others."""

    def __init__(self, workspace: Workspace, path: str) -> None:
        self.workspace = workspace
        self.path = path
        self.tree = workspace.tree(path)
        self.source = workspace.source(path)
        self.defined: dict[str, _Definition] = {}
        self.imported: _Table = {}
        self.typed: _Table = {}
        self.several: set[str] = set()
        self._read()
        names = {*self.defined, *self.imported, *self.typed, *self.several, *_OWN}
        self.sites = list(workspace.of_tree(path, Sites).of(names))

    def _read(self) -> None:
        bound: list[str] = []
        for node in self.tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._imports(node, self.imported, bound)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.defined[node.name] = node
                bound.append(node.name)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)) and (name := _target(node)) is not None:
                self.defined[name] = node
                bound.append(name)
            elif isinstance(node, ast.If) and _is_for_checkers(node):
                for inner in node.body:
                    if isinstance(inner, (ast.Import, ast.ImportFrom)):
                        self._imports(inner, self.typed, bound)
            else:
                # Bound under a condition, in a loop, or to parts of a value.
                self.several.update(_stored(node))
        self.several.update(name for name in bound if bound.count(name) > 1 and not self._same(name, bound))
        for inside in below(self.tree):
            if isinstance(inside, ast.Global):
                self.several.update(inside.names)
            elif isinstance(inside, (ast.AugAssign, ast.Delete)):
                self.several.update(_stored(inside))

    @staticmethod
    def _imports(node: _Import, into: _Table, bound: list[str]) -> None:
        for alias in node.names:
            into.setdefault(local(node, alias), []).append((node, alias))
            bound.append(local(node, alias))

    def _same(self, name: str, bound: Sequence[str]) -> bool:
        """Whether all that binds the name are plain imports of a package and its modules: ``import a``,
        ``import a.b``.
        """
        plain = [one for node, one in self.imported.get(name, ()) if isinstance(node, ast.Import) and not one.asname]
        return len(plain) == bound.count(name)

    def names(self, node: _Definition) -> list[str]:
        """What the statement binds."""
        return [name for name, one in self.defined.items() if one is node]

    def needs(self, node: ast.stmt) -> Iterator[str]:
        """The names of the module's own level that are used in the statement."""
        first, last = first_line(node), node.end_lineno or node.lineno
        for one in self.sites:
            if first <= one.node.lineno <= last:
                yield one.name
        for comment in _TYPED.findall(self._bytes(node)):
            for word in re.findall(rb"[A-Za-z_]\w*", comment):
                name = word.decode()
                if name in self.imported or name in self.typed or name in self.defined:
                    yield name

    def closure(self, wanted: Iterable[str]) -> list[_Definition]:
        """The statements that define ``wanted``, with all that they need, in the order of the source."""
        if "*" in self.imported:
            raise Refused(Reason.NOT_MOVABLE, f"{self.path} takes all names of a module: what is needed is not known")
        found: dict[str, _Definition] = {}
        todo = list(wanted)
        for name in todo:
            if name in found:
                continue
            if name in self.several:
                raise Refused(Reason.NOT_MOVABLE, f"`{name}` is bound more than once in {self.path}")
            if name not in self.defined:
                raise Refused(Reason.NOT_MOVABLE, f"`{name}` is not defined in {self.path} itself")
            node = found[name] = self.defined[name]
            self._movable(name, node)
            for need in self.needs(node):
                if need in _OWN:
                    raise Refused(Reason.NOT_MOVABLE, f"`{name}` uses `{need}`, which would be another")
                if need in self.several:
                    raise Refused(Reason.NOT_MOVABLE, f"`{name}` needs `{need}`, which is bound more than once")
                if need in self.defined:
                    todo.append(need)
        nodes = {id(node): node for node in found.values()}
        moved = sorted(nodes.values(), key=lambda one: one.lineno)
        self._alone(moved, set(found))
        return moved

    def _alone(self, moved: Sequence[_Definition], names: set[str]) -> None:
        """That no statement which stays has a part in what is moved: it would come later, or not at all."""
        evaluated = [one.lineno for one in moved if _evaluates(one)]
        for node in self.tree.body:
            if not _acts(node):
                continue
            if names.intersection(self.needs(node)):
                raise Refused(Reason.NOT_MOVABLE, f"line {node.lineno} of {self.path} does something with what moves")
            if evaluated and node.lineno < evaluated[-1]:
                raise Refused(Reason.NOT_MOVABLE, f"line {node.lineno} of {self.path} runs before what moves")

    def _movable(self, name: str, node: _Definition) -> None:
        if name.startswith("__") and name.endswith("__"):
            raise Refused(Reason.NOT_MOVABLE, f"`{name}` says something of its module, and is looked for there")
        alone = [one for one in self.tree.body if one.lineno <= (node.end_lineno or 0) and _ends(one) >= _starts(node)]
        if len(alone) != 1:
            raise Refused(Reason.SHARED_LINE, f"`{name}` stands on a line with something else")
        for one in (name, *self.needs(node)):
            # Whoever replaces it in this module means what is used there.
            where = self.workspace.mentions.of(self.path, one)
            if where is not None:
                raise Refused(Reason.LOOKED_UP, f"{where} names `{one}` of a module from outside")
        if re.search(rb"\b(?:globals|eval|exec)\(", self._bytes(node)):
            raise Refused(Reason.LOOKED_UP, f"`{name}` looks names up")
        if isinstance(node, ast.ClassDef) and self._pickled(node):
            raise Refused(Reason.NOT_MOVABLE, f"`{name}` says how it is pickled, which names its module")

    @staticmethod
    def _pickled(node: ast.ClassDef) -> bool:
        return any(isinstance(one, ast.FunctionDef) and one.name.startswith("__reduce") for one in node.body)

    def _bytes(self, node: ast.stmt) -> bytes:
        return b"".join(self._lines(node))

    def _lines(self, node: ast.stmt) -> list[bytes]:
        return self.source.lines[_starts(node) - 1 : _ends(node)]

    def _above(self, node: ast.stmt) -> int:
        """The first line of the comment that stands directly above the statement, or of the statement."""
        line = _starts(node)
        while line > 1 and self.source.lines[line - 2].startswith(b"#"):
            line -= 1
        return line if line > 2 else _starts(node)

    def text(self, moved: Sequence[_Definition], between: Sequence[str], told: Mapping[Line, Line]) -> str:
        """The new module. ``told`` are imports with the comments that go with them."""
        needed = {need for node in moved for need in self.needs(node)}
        files = " and ".join(one.rpartition("/")[2] if one.count("/") == 0 else one for one in sorted(between))
        parts = [f'"""What {files} share."""\n']
        future = [one for one in self.tree.body if isinstance(one, ast.ImportFrom) and one.module == "__future__"]
        parts += [f"{statement(one, one.names)}\n" for one in future]
        plain = [told.get(one, one) for one in self._lines_of(self.imported, needed)]
        typed = [told.get(one, one) for one in self._lines_of(self.typed, needed)]
        if typed and not any("TYPE_CHECKING" in one.names for one in plain):
            plain.append(Line("typing", ("TYPE_CHECKING",)))
        most, single = longest(self.workspace), is_single(self.tree.body)
        if plain:
            parts.append(grouped(plain, self._is_own, most, single=single))
        if typed:
            parts.append("if TYPE_CHECKING:\n" + grouped(typed, self._is_own, most, indent="    ", single=single))
        body = ""
        last: _Definition | None = None
        for node in moved:
            lines = self.source.lines[self._above(node) - 1 : _ends(node)]
            # Simple statements stay together, definitions stand apart.
            simple = isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(last, (ast.Assign, ast.AnnAssign))
            body += ("" if simple else "\n\n") if last is not None else ""
            text = b"".join(lines).decode(self.source.encoding)
            body += re.sub(r"\r\n?", "\n", text).rstrip() + "\n"
            last = node
        gap = "\n" if isinstance(moved[0], (ast.Assign, ast.AnnAssign)) else "\n\n"
        return "\n".join(parts) + gap + body

    def _lines_of(self, table: _Table, needed: set[str]) -> list[Line]:
        chosen: dict[int, tuple[_Import, list[ast.alias]]] = {}
        for name, imports in table.items():
            for node, alias in imports if name in needed else ():
                if getattr(node, "module", "") != "__future__":
                    chosen.setdefault(id(node), (node, []))[1].append(alias)
        return [line for node, aliases in chosen.values() for line in lines(node, aliases)]

    def _is_own(self, module: str) -> bool:
        return self.workspace.graph.modules.find(self.path, module) is not None

    def leave(self, moved: Sequence[_Definition], path: str) -> dict[Line, Line]:
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

    def _place(self, moved: Sequence[_Definition], module: str) -> tuple[int, str]:
        """The line behind which the import of ``module`` goes, and what comes before it: among its like before all
        that was moved where these are in order, else behind the last import there, or at the head's end.
        """
        first = min(self._above(node) for node in moved)
        line = 0
        run: list[_Import] = []
        for at, one in enumerate(self.tree.body):
            if _starts(one) >= first:
                break
            docstring = at == 0 and isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
            if docstring or isinstance(one, (ast.Import, ast.ImportFrom)):
                line = _ends(one)
            if isinstance(one, (ast.Import, ast.ImportFrom)):
                # Those behind another statement are a new head.
                run = [*run, one] if at and isinstance(self.tree.body[at - 1], (ast.Import, ast.ImportFrom)) else [one]
        if line == 0 and first > 1:
            return first - 1, ""
        if not run:
            return line, ""
        group = kind(module, self._is_own)
        like = [(one, lines(one, one.names)[0]) for one in run]
        like = [(one, each) for one, each in like if kind(each.module, self._is_own) == group]
        keys = [order(each)[:3] for _, each in like]
        wanted = order(Line(module, ("_",)))[:3]
        if like and keys == sorted(keys):
            before = [one for (one, _), key in zip(like, keys, strict=True) if key <= wanted]
            if before:
                return _ends(before[-1]), ""
            if self._above(like[0][0]) == like[0][0].lineno:
                return like[0][0].lineno - 1, ""
        return line, "" if like else "\n"

    def _gap(self, node: ast.stmt) -> tuple[int, int]:
        """The bytes of a statement with the comment above it and blank lines, so that the larger gap is left."""
        lines, first, last = self.source.lines, self._above(node), _ends(node)
        before, after = first, last
        while before > 1 and not lines[before - 2].strip():
            before -= 1
        while after < len(lines) and not lines[after].strip():
            after += 1
        before += max(0, first - before - (after - last))
        end = self.source.offset(last + 1, 0) if last < len(lines) else len(self.source.data)
        return self.source.offset(before, 0), end


def _starts(node: ast.stmt) -> int:
    return first_line(node)


def _ends(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _target(node: ast.Assign | ast.AnnAssign) -> str | None:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    one = targets[0]
    return one.id if len(targets) == 1 and isinstance(one, ast.Name) and node.value is not None else None


def _stored(node: ast.AST) -> Iterator[str]:
    for one in below(node):
        match one:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import() | ast.ImportFrom():
                yield from (local(one, alias) for alias in one.names)


def _acts(node: ast.stmt) -> bool:
    """Whether a statement does something to what is there already, as far as its kind shows."""
    match node:
        case ast.Expr(value=value):
            return not isinstance(value, ast.Constant)
        case ast.Assign(targets=targets):
            return not all(isinstance(one, (ast.Name, ast.Tuple)) for one in targets)
        case ast.AnnAssign(target=target):
            return not isinstance(target, ast.Name)
        case ast.If(test=test) if guards.is_flag(test) or is_main(test):
            return False
        case ast.If(body=body, orelse=other):
            return any(map(_acts, (*body, *other)))
        case ast.Try(body=body, handlers=handlers, orelse=other, finalbody=final):
            return any(map(_acts, (*body, *(each for one in handlers for each in one.body), *other, *final)))
        case ast.For() | ast.While() | ast.With() | ast.AugAssign() | ast.Delete():
            return True
    return False


def _evaluates(node: _Definition) -> bool:
    """Whether what a definition comes to depends on more than its own text."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    early = (one for one in below(node) if isinstance(one, (ast.Call, ast.Attribute, ast.Subscript)))
    if isinstance(node, ast.ClassDef):
        inside = {id(each) for one in node.body if isinstance(one, ast.FunctionDef) for each in below(one)}
        keywords = [one.value for one in node.keywords if one.arg == "metaclass" and last(one.value) == "ABCMeta"]
        bases = {id(each) for base in (*node.bases, *keywords, *node.decorator_list) for each in below(base)}
        return any(id(one) not in inside | bases for one in early)
    return any(True for _ in early)


def _is_for_checkers(node: ast.If) -> bool:
    return not node.orelse and guards.is_flag(node.test)
