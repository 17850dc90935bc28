"""The calls that a file makes of the functions of another: which there are, and what each becomes on a bus."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from analysis.collectors.crossings import Site, Sites
from analysis.collectors.imports import Import
from analysis.cuts import Cut
from analysis.imports import ANY_TIME
from analysis.nodes import below
from codemods.cutting import guards
from codemods.cutting.carried import SETTLED, is_plain_member
from codemods.cutting.offers import FUNCTIONS, Function, Module, Offered, inside
from codemods.cutting.statements import Taken, local, taken
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason
from codemods.imports import Refused

_PLAIN_BLOCKS = (*FUNCTIONS, ast.If, ast.With, ast.AsyncWith, ast.For, ast.AsyncFor, ast.While)
_BROAD = frozenset({"Exception", "BaseException"})
_FRESH = frozenset({"bool", "float", "int", "len", "str"})
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


class Late(NamedTuple):
    """An import in a function: the statement, the aliases that make the edge, the function."""

    node: ast.Import | ast.ImportFrom
    aliases: tuple[ast.alias, ...]
    function: Function


class Use(NamedTuple):
    """One call of what the other file offers.

    ``arguments`` are the parameters that it gives, in the order of the source. ``around`` is the innermost function or
    ``lambda`` that it stands in, None in what the file does as a script.
    """

    call: ast.Call
    offered: Offered
    arguments: tuple[str, ...]
    around: Function | ast.Lambda | None

    @property
    def waits(self) -> bool:
        """Whether the reply of a request is awaited by the new text itself."""
        return isinstance(self.around, ast.AsyncFunctionDef) and not self.offered.is_async


class Calls:
    """What the importer of ``cut`` does with the names of the other file. Raises Refused where no bus could do it."""

    def __init__(self, workspace: Workspace, cut: Cut, other: Module) -> None:
        self.workspace = workspace
        self.path = cut.importer
        self.tree = workspace.tree(cut.importer)
        self.sites = Sites(self.tree)
        self.parents = self.sites.parents
        self._other = other
        self._cut = cut
        edges = [one for one in cut.edges if one.when in ANY_TIME]
        for one in edges:
            if not one.certain or "*" in one.names:
                raise Refused(Reason.UNCERTAIN, f"line {one.line} takes all names, or loads the module by a call")
        early = [one for one in edges if one.when != "deferred"]
        self.statements: list[Taken] = taken(workspace, _with(cut, early)) if early else []
        self.late = [self._late(line) for line in sorted({one.line for one in edges if one.when == "deferred"})]

    def _late(self, line: int) -> Late:
        """The import statement in a function that makes an edge."""
        records = [one for one in self.workspace.imports(self.path) if one.span.line == line]
        if len(records) != 1:
            raise Refused(Reason.SHARED_LINE, f"line {line} has several imports")
        record = records[0]
        node = next(
            one
            for one in below(self.tree)
            if isinstance(one, (ast.Import, ast.ImportFrom)) and (one.lineno, one.col_offset) == (line, record.span.col)
        )
        block = self.parents.get(node)
        outer: ast.AST | None = block
        while outer is not None and not isinstance(outer, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            outer = self.parents.get(outer)
        if not isinstance(outer, FUNCTIONS) or not isinstance(block, _PLAIN_BLOCKS):
            raise Refused(Reason.CONDITIONAL, f"line {line} stands in a `try`, in a class, or in what a script does")
        for body in (block.body, *filter(None, [getattr(block, "orelse", None)])):
            if node in body and len(body) == 1:
                raise Refused(Reason.EFFECT, f"nothing but the import stands in the block of line {line}")
        names = [one for one, each in zip(node.names, record.names, strict=True) if self._meant(record, each)]
        if len(names) != len(node.names):
            raise Refused(Reason.SHARED_LINE, f"line {line} imports from other files as well")
        return Late(node, tuple(names), outer)

    def _meant(self, record: Import, name: tuple[str, str | None]) -> bool:
        import msgspec

        one = msgspec.structs.replace(record, names=(name,))
        return any(each.imported == self._cut.imported for each in self.workspace.graph.edges_of(self.path, one))

    @property
    def names(self) -> list[str]:
        """The names that the imports of the module's own level bind."""
        return [name for one in self.statements for name in one.locals]

    def uses(self) -> list[Use]:
        """The calls, in the order of the source."""
        found = [*self._of_module(), *self._of_functions()]
        if not found:
            raise Refused(Reason.EFFECT, "nothing uses what it binds: it may be loaded for what it does")
        return sorted(found, key=lambda one: (one.call.lineno, one.call.col_offset))

    def _of_module(self) -> Iterator[Use]:
        if not self.statements:
            return
        guards.bound_once(self.tree, self.names)
        guards.not_offered(self.workspace, self.path, self.names)
        guards.not_looked_up(self.workspace, self.path, self.names)
        begins = {name: begin for one in self.statements for name, begin in self._begins(one.node, one.aliases)}
        sites = list(self.sites.of(set(self.names)))
        _no_annotation(sites)
        guards.late_enough(self.workspace, self.path, sites)
        for site in sites:
            if isinstance(site.node, ast.Name):
                yield self._use(site.node, begins[site.name])

    def _of_functions(self) -> Iterator[Use]:
        for one in self.late:
            begins = dict(self._begins(one.node, one.aliases))
            stored = [
                node
                for node in below(one.function)
                if (isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and node.id in begins)
                or (isinstance(node, ast.arg) and node.arg in begins)
                or (isinstance(node, (ast.Global, ast.Nonlocal)) and set(node.names) & set(begins))
                or (isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name in begins)
            ]
            others = [each for each in self.late if each.function is one.function and each is not one]
            again = {name for each in others for name, _ in self._begins(each.node, each.aliases)}
            if stored or again & set(begins):
                raise Refused(Reason.BOUND_TWICE, f"what line {one.node.lineno} imports is bound anew in its function")
            for node in below(*one.function.body):
                if isinstance(node, ast.Name) and node.id in begins:
                    yield self._use(node, begins[node.id])

    def _begins(
        self, node: ast.Import | ast.ImportFrom, aliases: Iterable[ast.alias]
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """For each name, how many of the parts behind it are the module's, and the part of the module that it is.

        A name of the module stands for itself; a module for nothing; ``import app.memory`` needs ``memory`` behind it.
        """
        for one in aliases:
            name = local(node, one)
            if isinstance(node, ast.Import):
                yield name, ("", *(one.name.split(".")[1:] if one.asname is None else ()))
                continue
            base = self.workspace.graph.modules.find(self.path, node.module or "", node.level)
            inner = self.workspace.graph.modules.inside(base, one.name) if base is not None else None
            yield name, ("",) if inner == self._cut.imported else (one.name,)

    def _use(self, node: ast.Name, begin: tuple[str, ...]) -> Use:
        """The call that ``node`` begins."""
        steps: list[tuple[str, ast.expr]] = [] if begin[0] == "" else [(begin[0], node)]
        inner: ast.expr = node
        behind = list(begin[1:])
        while True:
            outer = self.parents.get(inner)
            match outer:
                case ast.Attribute(attr=attr) if behind:
                    if behind.pop(0) != attr:
                        raise Refused(Reason.UNCERTAIN, f"line {node.lineno} takes another module of `{node.id}`")
                case ast.Attribute(attr=attr):
                    steps.append((attr, outer))
                case ast.Call(func=func) if func is inner:
                    steps.append(("()", outer))
                case _:
                    break
            inner = outer
        words = [word for word, _ in steps]
        if words[1:2] == ["()"] and words[3:4] == ["()"] and self._other.accessor(words[0]):
            chain = words[:3]
        else:
            chain = words[: 1 if words[1:2] == ["()"] else 2]
        call = steps[len(chain)][1] if len(steps) > len(chain) else None
        if not isinstance(call, ast.Call):
            what = f"line {node.lineno} uses `{ast.unparse(inner)[:60]}` otherwise than by calling a function"
            raise Refused(Reason.NOT_A_CALL, what)
        return self._judged(call, self._other.offered(chain))

    # What a call needs to be carried

    def _judged(self, call: ast.Call, offered: Offered) -> Use:
        around, generator = self._around(call)
        waits = isinstance(around, ast.AsyncFunctionDef) and not offered.is_async
        if waits and generator:
            raise Refused(Reason.NOT_CARRIED, f"line {call.lineno} calls it in a generator, which cannot wait")
        if isinstance(around, ast.Lambda) and self._in_coroutine(around) and not offered.is_async:
            raise Refused(Reason.NOT_CARRIED, f"line {call.lineno} calls it in a `lambda`, which cannot wait")
        use = Use(call, offered, _arguments(call, offered), around)
        _no_none(use)
        self._errors(call)
        self._result(use)
        return use

    def _around(self, node: ast.AST) -> tuple[Function | ast.Lambda | None, bool]:
        """The innermost function that ``node`` stands in, and whether a generator expression is between them."""
        generator = False
        inner, outer = node, self.parents.get(node)
        while outer is not None:
            if isinstance(outer, FUNCTIONS) and inner in outer.body:
                return outer, generator
            if isinstance(outer, ast.Lambda) and inner is outer.body:
                return outer, generator
            generator = generator or isinstance(outer, ast.GeneratorExp)
            inner, outer = outer, self.parents.get(outer)
        return None, generator

    def _in_coroutine(self, node: ast.AST) -> bool:
        around, _ = self._around(node)
        return isinstance(around, ast.AsyncFunctionDef)

    def handlers(self, node: ast.AST) -> list[ast.ExceptHandler]:
        """The handlers around ``node`` in its own function, innermost first."""
        found: list[ast.ExceptHandler] = []
        inner, outer = node, self.parents.get(node)
        while outer is not None and not isinstance(outer, (*FUNCTIONS, ast.Lambda)):
            if isinstance(outer, (ast.Try, ast.TryStar)) and inner in outer.body:
                found += outer.handlers
            inner, outer = outer, self.parents.get(outer)
        return found

    def _errors(self, call: ast.Call) -> None:
        """That no handler around it tells one error from another: what a handler raises comes as RequestFailed."""
        for one in self.handlers(call):
            if one.type is not None and not (isinstance(one.type, ast.Name) and one.type.id in _BROAD):
                detail = f"line {one.lineno} waits for `{ast.unparse(one.type)}`, and would get RequestFailed"
                raise Refused(Reason.ERRORS_MATTER, detail)

    def _result(self, use: Use) -> None:
        """That nothing is asked of the result which no data has."""
        node: ast.AST = use.call
        outer = self.parents.get(node)
        if isinstance(outer, ast.Await):
            node, outer = outer, self.parents.get(outer)
        odd = ""
        match outer:
            case ast.Attribute(attr=attr) if not is_plain_member(attr):
                odd = attr
            case ast.Call(func=func) if func is node:
                odd = "()"
            case ast.withitem() | ast.AsyncFor():
                odd = "with" if isinstance(outer, ast.withitem) else "async for"
            case ast.Assign(targets=[ast.Name(id=name)]) if use.around is not None:
                odd = self._member(use.around, name)
        if odd:
            raise Refused(Reason.NOT_CARRIED, f"line {use.call.lineno} takes what comes back for an object: `{odd}`")

    def _member(self, around: ast.AST, name: str) -> str:
        for one in inside(around):
            match one:
                case ast.Attribute(value=ast.Name(id=used), attr=attr) if used == name and not is_plain_member(attr):
                    return f"{name}.{attr}"
                case ast.Call(func=ast.Name(id=used)) if used == name:
                    return f"{name}()"
        return ""


def _with(cut: Cut, edges: Sequence[object]) -> Cut:
    import msgspec

    return msgspec.structs.replace(cut, edges=tuple(edges))


def _no_annotation(sites: Sequence[Site]) -> None:
    for one in sites:
        if one.use.kind == "annotation":
            raise Refused(Reason.NOT_A_CALL, f"line {one.use.line} names `{one.name}` in an annotation")
        if one.use.kind in ("base", "decorator", "caught"):
            raise Refused(Reason.NOT_A_CALL, f"line {one.use.line} uses `{one.name}` as a {_SPOKEN[one.use.kind]}")


_SPOKEN: Mapping[str, str] = {"base": "base class", "decorator": "decorator", "caught": "type of errors"}


def _arguments(call: ast.Call, offered: Offered) -> tuple[str, ...]:
    """The parameters that a call gives, in the order of the source."""
    parameters = offered.parameters
    places = [one for one in parameters if one.kind != "keyword"]
    named = {one.name for one in parameters if one.kind != "positional"}
    if any(isinstance(one, ast.Starred) for one in call.args) or any(one.arg is None for one in call.keywords):
        raise Refused(Reason.NOT_CARRIED, f"line {call.lineno} hands on `*` or `**` arguments")
    for one in (*call.args, *(each.value for each in call.keywords)):
        if isinstance(one, (ast.Lambda, ast.GeneratorExp)):
            raise Refused(Reason.NOT_CARRIED, f"line {call.lineno} gives it `{ast.unparse(one)[:40]}`: no data")
        if isinstance(one, ast.Name) and one.id in ("self", "cls"):
            raise Refused(Reason.NOT_CARRIED, f"line {call.lineno} gives it `{one.id}`: no data")
    given = [one.name for one in places[: len(call.args)]] + [one.arg or "" for one in call.keywords]
    wrong = len(call.args) > len(places) or len(set(given)) != len(given)
    wrong = wrong or not {one.arg for one in call.keywords} <= named
    if wrong or any(one.required and one.name not in given for one in parameters):
        raise Refused(Reason.NOT_CARRIED, f"line {call.lineno} does not call `{offered.target}` as it is defined")
    return tuple(given)


def _no_none(use: Use) -> None:
    """That None is given only for what may be None: between processes types are held to."""
    types = {one.name: one.type.text for one in use.offered.parameters}
    values = [*use.call.args, *(one.value for one in use.call.keywords)]
    for name, value in zip(use.arguments, values, strict=True):
        if isinstance(value, ast.Constant) and value.value is None and not re.search("None|Any|Optional", types[name]):
            detail = f"line {use.call.lineno} gives None for `{name}`, which is said to be `{types[name]}`"
            raise Refused(Reason.NOT_CARRIED, detail)


# Whether nobody waits for it


def is_event(calls: Calls, use: Use, uses: Sequence[Use], comes_back: bool) -> bool:
    """Whether it is all the same to the caller when the call is done, and how it ends.

    ``comes_back``: what is called may call the importer in its turn.
    """
    statement = calls.parents.get(use.call)
    if not isinstance(statement, ast.Expr) or use.around is None or isinstance(use.around, ast.Lambda):
        return False
    if use.offered.is_async or comes_back or calls.handlers(use.call):
        return False
    if any(isinstance(one, (ast.Raise, ast.Assert)) for one in inside(use.offered.node)):
        return False
    if any(other is not use and other.around is use.around and _after(calls, use, other) for other in uses):
        return False
    types = {one.name: one.type.text for one in use.offered.parameters}
    values = [*use.call.args, *(one.value for one in use.call.keywords)]
    return all(
        types[name] in SETTLED or _own(calls, value, use) for name, value in zip(use.arguments, values, strict=True)
    )


def _after(calls: Calls, use: Use, other: Use) -> bool:
    """Whether ``other`` may be called after ``use``: behind it, or before it in a loop."""
    return other.call.lineno >= use.call.lineno or _in_loop(calls, use)


def _in_loop(calls: Calls, use: Use) -> bool:
    outer = calls.parents.get(use.call)
    while outer is not None and outer is not use.around:
        if isinstance(outer, _LOOPS):
            return True
        outer = calls.parents.get(outer)
    return False


def _own(calls: Calls, value: ast.expr, use: Use) -> bool:
    """Whether nobody can change ``value`` before the event is handled: within a process it goes as it is."""
    match value:
        case ast.Constant() | ast.JoinedStr() | ast.Compare():
            return True
        case ast.Dict(keys=keys, values=values):
            return all(one is not None and _own(calls, one, use) for one in (*keys, *values))
        case ast.List(elts=values) | ast.Tuple(elts=values) | ast.Set(elts=values):
            return all(_own(calls, one, use) for one in values)
        case ast.Call(func=ast.Name(id=name)):
            return name in _FRESH
        case ast.Name(id=name) if isinstance(use.around, FUNCTIONS):
            return _own_name(calls, name, value.lineno, use)
    return False


def _own_name(calls: Calls, name: str, line: int, use: Use) -> bool:
    """The same of a name: a parameter that is said to be plain, or a variable with one value."""
    assert isinstance(use.around, FUNCTIONS)
    args = use.around.args
    for one in (*args.posonlyargs, *args.args, *args.kwonlyargs):
        if one.arg == name:
            return one.annotation is not None and ast.unparse(one.annotation) in SETTLED
    named = [one for one in below(*use.around.body) if isinstance(one, ast.Name) and one.id == name]
    bound = [calls.parents.get(one) for one in named if not isinstance(one.ctx, ast.Load)]
    if len(bound) != 1 or not isinstance(bound[0], ast.Assign) or not _own(calls, bound[0].value, use):
        return False
    settled = isinstance(bound[0].value, (ast.Constant, ast.JoinedStr, ast.Compare, ast.Call))
    return settled or not (_in_loop(calls, use) or any(one.lineno > line for one in named))
