"""The statements of a module that may move to another one: what each needs, and what else has a part in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from analysis.collectors.crossings import Sites
from analysis.collectors.header import first_line
from analysis.collectors.imports import is_main
from analysis.nodes import below
from codemods.cutting import guards
from codemods.cutting.calls import last
from codemods.cutting.effects import Effect, Effects
from codemods.cutting.loads import not_noted_down
from codemods.cutting.statements import local, shares_line
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason
from codemods.imports import Refused

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
Import = ast.Import | ast.ImportFrom
Table = dict[str, list[tuple[Import, ast.alias]]]
_TYPED = re.compile(rb"#[ \t]*type:(?![ \t]*ignore)([^\r\n#]*)")
_EXAMPLE = re.compile(rb"^[ \t]*(?:>>>|\.\.\.)[ \t](.*)", re.MULTILINE)
_FORMATTER = re.compile(rb"#[ \t]*(?:fmt|yapf|isort):[ \t]*(off|on|disable|enable)\b")
_OWN = frozenset({"__name__", "__file__", "__package__", "__spec__", "__path__", "__doc__", "__loader__"})
"""What a module says of itself, and would say of another."""


class Parts:
    """The statements of a module that bind names, and what each needs of the others."""

    def __init__(self, workspace: Workspace, path: str) -> None:
        self.workspace = workspace
        self.path = path
        self.tree = workspace.tree(path)
        self.source = workspace.source(path)
        self.defined: dict[str, Definition] = {}
        self.imported: Table = {}
        self.typed: Table = {}
        self.several: set[str] = set()
        self._read()
        names = {*self.defined, *self.imported, *self.typed, *self.several, *_OWN}
        self.sites = list(workspace.of_tree(path, Sites).of(names))
        self.effects = Effects(self._full_names(), self.defined, self.is_own, workspace.mentions.registering)

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
    def _imports(node: Import, into: Table, bound: list[str]) -> None:
        for alias in node.names:
            into.setdefault(local(node, alias), []).append((node, alias))
            bound.append(local(node, alias))

    def _same(self, name: str, bound: Sequence[str]) -> bool:
        """Whether all that binds the name are plain imports of a package and its modules: ``import a``,
        ``import a.b``.
        """
        plain = [one for node, one in self.imported.get(name, ()) if isinstance(node, ast.Import) and not one.asname]
        return len(plain) == bound.count(name)

    def _full_names(self) -> dict[str, str]:
        found = {}
        for name, imports in self.imported.items():
            node, alias = imports[0]
            if isinstance(node, ast.ImportFrom):
                found[name] = f"{'.' * node.level}{node.module or ''}.{alias.name}"
            else:
                found[name] = alias.name if alias.asname else name
        return found

    def is_own(self, module: str) -> bool:
        """Whether a module is one of the tree."""
        return module.startswith(".") or self.workspace.graph.modules.find(self.path, module) is not None

    def names(self, node: Definition) -> list[str]:
        """What the statement binds."""
        return [name for name, one in self.defined.items() if one is node]

    def needs(self, node: ast.stmt) -> Iterator[str]:
        """The names of the module's own level that are used in the statement."""
        first, last = first_line(node), node.end_lineno or node.lineno
        for one in self.sites:
            if first <= one.node.lineno <= last:
                yield one.name
        text = self._bytes(node)
        for told in (*_TYPED.findall(text), *_EXAMPLE.findall(text)):
            for word in re.findall(rb"[A-Za-z_]\w*", told):
                name = word.decode()
                if name in self.imported or name in self.typed or name in self.defined:
                    yield name

    def closure(self, wanted: Iterable[str]) -> list[Definition]:
        """The statements that define ``wanted``, with all that they need, in the order of the source."""
        if "*" in self.imported:
            raise Refused(Reason.NOT_MOVABLE, f"{self.path} takes all names of a module: what is needed is not known")
        found: dict[str, Definition] = {}
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

    def _alone(self, moved: Sequence[Definition], names: set[str]) -> None:
        """That no statement which stays has a part in what is moved: it would come later, or not at all."""
        evaluated = [one.lineno for one in moved if _evaluates(one)]
        does = {id(one): self.effects.of(one) for one in moved}
        for node in self.tree.body:
            if id(node) in does or isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            acts = _acts(node)
            if acts and names.intersection(self.needs(node)):
                raise Refused(Reason.NOT_MOVABLE, f"line {node.lineno} of {self.path} does something with what moves")
            behind = (does[id(one)] for one in moved if one.lineno > node.lineno)
            if (acts and evaluated and node.lineno < evaluated[-1]) or self.effects.of(node).clashes(
                max(behind, default=Effect.NONE)
            ):
                raise Refused(Reason.NOT_MOVABLE, f"line {node.lineno} of {self.path} runs before what moves")

    def _movable(self, name: str, node: Definition) -> None:
        if name.startswith("__") and name.endswith("__"):
            raise Refused(Reason.NOT_MOVABLE, f"`{name}` says something of its module, and is looked for there")
        if shares_line(self.tree.body, node):
            raise Refused(Reason.SHARED_LINE, f"`{name}` stands on a line with something else")
        for one in (name, *self.needs(node)):
            # Whoever replaces it in this module means what is used there.
            where = self.workspace.mentions.of(self.path, one)
            if where is not None:
                raise Refused(Reason.LOOKED_UP, f"{where} names `{one}` of a module from outside")
        if any(first < starts(node) <= after or first <= self.end(node) < after for first, after in self._off):
            raise Refused(Reason.NOT_MOVABLE, f"`{name}` stands where a comment keeps a formatter away")
        if re.search(rb"\b(?:globals|eval|exec|_getframe|currentframe)\(", self._bytes(node)):
            raise Refused(Reason.LOOKED_UP, f"`{name}` looks names up")
        not_noted_down(self.tree, node)
        if isinstance(node, ast.ClassDef) and self._pickled(node):
            raise Refused(Reason.NOT_MOVABLE, f"`{name}` says how it is pickled, which names its module")

    @cached_property
    def _off(self) -> list[tuple[int, int]]:
        """The first and last lines of what formatters are told to leave alone."""
        found: list[tuple[int, int]] = []
        first = 0
        for at, line in enumerate(self.source.lines, 1):
            hit = _FORMATTER.match(line)
            if hit is None:
                continue
            if hit[1] in (b"off", b"disable"):
                first = first or at
            elif first:
                found.append((first, at))
                first = 0
        return [*found, (first, len(self.source.lines))] if first else found

    @staticmethod
    def _pickled(node: ast.ClassDef) -> bool:
        return any(isinstance(one, ast.FunctionDef) and one.name.startswith("__reduce") for one in node.body)

    def end(self, node: ast.stmt) -> int:
        """The last line of the statement, with the comments behind it that are as far in as what it holds."""
        lines, found = self.source.lines, node.end_lineno or node.lineno
        for at in range(found, len(lines)):
            if lines[at].strip() and not lines[at].startswith((b" ", b"\t")):
                break
            found = at + 1 if lines[at].strip() else found
        return found

    def _bytes(self, node: ast.stmt) -> bytes:
        return b"".join(self.lines(node))

    def lines(self, node: ast.stmt) -> list[bytes]:
        """The lines of the statement, its decorators first."""
        return self.source.lines[starts(node) - 1 : self.end(node)]


def starts(node: ast.stmt) -> int:
    """The line of the first decorator, or of the statement."""
    return first_line(node)


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


def _evaluates(node: Definition) -> bool:
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
