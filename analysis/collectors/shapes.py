"""The shape of a ``try`` statement: all that a rewrite of its broad handlers must know and the bytes do not say.

Offsets are byte offsets into the file, so that the rewrite can cut without parsing again.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from analysis.collectors import loggers
from analysis.collectors.active import active_uses, marks
from analysis.collectors.handlers import catches_all, caught_types, reraises, statements
from analysis.collectors.mentions import Words, marked, places
from analysis.collectors.names import Names
from analysis.collectors.prose import without_prose
from analysis.collectors.shape_records import Clause, Exit, HandlerShape, TryShape
from analysis.nodes import below, children, dotted
from analysis.source import Source
from analysis.walk import Collector, Scope, Walk

_TRIES = (ast.Try, ast.TryStar)
_CLOSED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BINDERS = (
    ast.ExceptHandler,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.alias,
    ast.Global,
    ast.Nonlocal,
    ast.MatchAs,
    ast.MatchStar,
    ast.MatchMapping,
)
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)
_OURS = re.compile(rb"(?<!\w)(?:attempt|outcome)(?:_\d+)?(?!\w)")
_INSPECTORS = (b"locals", b"vars", b"dir", b"eval", b"exec", b"globals")
_CALLED = re.compile(rb"(?<![\w.])\w+\s*\(")
_STAR = re.compile(rb"import\s*\(?\s*\*")
_CLOSURES = re.compile(rb"\b(?:def|class|lambda|for)\b")
_BLANK = re.compile(rb"[ \t\r\n\f;\\]*")


class ShapeCollector(Collector):
    """Collects the shapes of ``try`` statements with a broad handler."""

    topic = "shapes"
    version = 1
    record = TryShape
    nodes = (ast.Try, ast.TryStar, ast.Assign, ast.AnnAssign, ast.Global)
    needles = (b"except",)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._found: list[tuple[ast.Try | ast.TryStar, list[Scope], list[ast.AST]]] = []
        self._names: dict[int, Names] = {}
        self._named: dict[str, list[tuple[int, int]]] = {}
        self._namesakes: dict[tuple[str, int], list[ast.ExceptHandler]] = {}
        self._captured: dict[tuple[str, int], bool] = {}
        self._codes: dict[tuple[int, int], bytes] = {}
        self._loggers = loggers.Loggers(source.data)
        self._marks: list[int] = []
        self._inspects: list[int] = []
        self._covered: dict[str, list[tuple[int, int]]] = {}
        self._seen: dict[tuple[str, tuple[int, int]], bool] = {}
        self._words = Words(source.data)
        self._ours: list[int] = []

    def visit(self, walk: Walk, node: ast.AST) -> None:
        if isinstance(node, _TRIES):
            for one in node.handlers:
                if one.name is not None:
                    self._named.setdefault(one.name, []).append((self._offset(one), self._end(one)))
                    self._namesakes.setdefault((one.name, id(walk.scopes[-1].node)), []).append(one)
            if any(_swallows(one) for one in node.handlers):
                self._found.append((node, list(walk.scopes), list(walk.parents)))
        else:
            self._loggers.note(walk, node)

    def finish(self, walk: Walk) -> None:
        if not self._found:
            return
        data = self.source.data
        self._marks = walk.once(marks)
        self._ours = sorted(places(data, b"attempt") + places(data, b"outcome"))
        self._inspects = sorted(at for word in _INSPECTORS for at in places(data, word) if _CALLED.match(data, at))
        for node, scopes, parents in self._found:
            self.records.append(self._shape(node, scopes, parents))

    def _shape(self, node: ast.Try | ast.TryStar, scopes: list[Scope], parents: list[ast.AST]) -> TryShape:
        scope = scopes[-1]
        outermost = scopes[1].node if len(scopes) > 1 else node
        assert isinstance(outermost, ast.stmt)
        decorators = getattr(outermost, "decorator_list", [])
        definition = min([outermost.lineno, *(one.lineno for one in decorators)])
        body = self._clause(node, node.body, node.handlers[0])
        region = self._region(scopes)
        handlers = tuple(self._handler(one, parents, scope, region) for one in node.handlers)
        orelse = self._trailing(b"else", handlers[-1].clause, node.orelse) if node.orelse else None
        final = self._trailing(b"finally", orelse or handlers[-1].clause, node.finalbody) if node.finalbody else None
        handler_text = "".join(
            self.source.data[one.clause.start : one.clause.end].decode("utf-8", "replace") for one in handlers
        )
        assert node.end_lineno is not None and node.end_col_offset is not None
        inspections = self._names_of(scope).inspections if marked(self._inspects, *region) else []
        return TryShape(
            line=node.lineno,
            col=node.col_offset,
            end=self.source.offset(node.end_lineno, node.end_col_offset),
            end_line=node.end_lineno,
            star=isinstance(node, ast.TryStar),
            scope=scope.kind,
            definition=definition,
            body=body,
            handlers=handlers,
            orelse=orelse,
            final=final,
            around=region[0],
            around_end=region[1],
            taken=self._taken(scopes, region),
            class_names=isinstance(scope.node, ast.ClassDef) and _looks_at_names(scope.node),
            inspects=bool(inspections),
            inspected=any(node.lineno <= line <= node.end_lineno for line in inspections),
            destructor=scope.kind == "function" and getattr(scope.node, "name", "") == "__del__",
            enclosed=any(isinstance(one, _TRIES) for one in parents[_own(parents) :]),
            logger=self._loggers.at(
                scopes, definition, lambda name: not self._binds(name, scopes, region), handler_text
            ),
        )

    def _region(self, scopes: list[Scope]) -> tuple[int, int]:
        """The bytes of the outermost enclosing function; all of the file outside of any."""
        for scope in scopes:
            if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return self._offset(scope.node), self._end(scope.node)
        return 0, len(self.source.data)

    def _code(self, region: tuple[int, int]) -> bytes:
        """The bytes of a region without comments and plain strings."""
        if region not in self._codes:
            self._codes[region] = without_prose(self.source.data[region[0] : region[1]])
        return self._codes[region]

    def _taken(self, scopes: list[Scope], region: tuple[int, int]) -> tuple[str, ...]:
        """The names like ours in the region. They are words of the language too, so the tree is asked about each."""
        if region[1] - region[0] == len(self.source.data) and _STAR.search(self.source.data):
            # The module that is imported from may have names of ours.
            return ("attempt", "outcome")
        if not marked(self._ours, *region):
            return ()
        words = {one.decode() for one in _OURS.findall(self._code(region))}
        if not words:
            return ()
        function = (one for one in scopes if isinstance(one.node, (ast.FunctionDef, ast.AsyncFunctionDef)))
        return tuple(sorted(words.intersection(self._names_of(next(function, scopes[0])).places)))

    def _binds(self, name: str, scopes: list[Scope], region: tuple[int, int]) -> bool:
        """Whether an enclosing function binds ``name``; the tree is only asked when the bytes leave it open."""
        return marked(self._words.others(name), *region) and any(
            name in self._names_of(one).bound for one in scopes if one.kind == "function"
        )

    def _shared(
        self,
        name: str,
        handler: ast.ExceptHandler,
        parents: list[ast.AST],
        scope: Scope,
        region: tuple[int, int],
    ) -> bool:
        """See ``Names.shared``; the tree is spared when all mentions lie in handlers that bind the name."""
        key = (name, region)
        if key not in self._seen:
            self._seen[key] = self._strays(name, region)
        if self._seen[key]:
            return self._names_of(scope).shared(name, handler, parents)
        return any(isinstance(one, ast.ExceptHandler) and one.name == name for one in parents)

    def _strays(self, name: str, region: tuple[int, int]) -> bool:
        """Whether ``name`` is mentioned in ``region`` outside of every handler that binds it."""
        if name not in self._covered:
            merged: list[tuple[int, int]] = []
            for start, end in sorted(self._named[name]):
                if not merged or start >= merged[-1][1]:
                    merged.append((start, end))
            self._covered[name] = merged
        spans = self._covered[name]
        mentions = self._words.mentions(name)
        for number in range(bisect_left(mentions, region[0]), bisect_left(mentions, region[1])):
            found = mentions[number]
            at = bisect_right(spans, (found, len(self.source.data) + 1)) - 1
            outside = at < 0 or found >= spans[at][1]
            if outside and self._code(region).startswith(name.encode(), found - region[0]):
                return True
        return False

    def _captures(self, name: str, scope: Scope) -> bool:
        """Whether any handler of ``scope`` lets others capture ``name``: they see what later handlers bind to it."""
        key = name, id(scope.node)
        if key not in self._captured:
            data = self.source.data
            self._captured[key] = any(
                _CLOSURES.search(data, self._offset(one), self._end(one)) and _lets_capture(one, name)
                for one in self._namesakes[key]
            )
        return self._captured[key]

    def _names_of(self, scope: Scope) -> Names:
        key = id(scope.node)
        if key not in self._names:
            self._names[key] = Names(scope.node)
        return self._names[key]

    def _offset(self, node: ast.stmt | ast.expr | ast.ExceptHandler) -> int:
        return self.source.offset(node.lineno, node.col_offset)

    def _end(self, node: ast.stmt | ast.expr | ast.ExceptHandler) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self.source.offset(node.end_lineno, node.end_col_offset)

    def _clause(
        self, node: ast.stmt | ast.ExceptHandler, suite: list[ast.stmt], header_end: ast.expr | ast.AST | None
    ) -> Clause:
        start = self._offset(node)
        behind = start
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            behind = self._end(node.type)
        return self._suite(start, node.lineno, behind, suite)

    def _suite(self, start: int, line: int, behind: int, suite: list[ast.stmt]) -> Clause:
        data = self.source.data
        colon = _colon(data, behind)
        first = suite[0]
        first_line = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", []))])
        first_offset = self._offset(first)
        if first_line != first.lineno:
            # A decorator's own column is behind its `@`, which stands first on its line.
            first_offset = self.source.offset(first_line, 0)
            first_offset += len(data[first_offset:]) - len(data[first_offset:].lstrip(b" \t\f"))
        last = suite[-1]
        assert last.end_lineno is not None
        breaks = re.findall(rb"\r\n|\r|\n", data[start:colon])
        return Clause(
            start, colon, line, line + len(breaks), first_offset, first_line, self._end(last), last.end_lineno
        )

    def _trailing(self, keyword: bytes, before: Clause, suite: list[ast.stmt]) -> Clause:
        """The clause of ``else`` or ``finally``, whose keyword the tree does not place."""
        data = self.source.data
        at = before.end
        line = before.end_line
        while not data.startswith(keyword, at):
            blank = _BLANK.match(data, at)
            assert blank is not None
            step = blank.end()
            if step == at:
                # A comment, up to the end of its line.
                ends = [one for one in (data.find(b"\n", at), data.find(b"\r", at)) if one >= 0]
                step = min(ends)
            line += len(re.findall(rb"\r\n|\r|\n", data[at:step]))
            at = step
        return self._suite(at, line, at, suite)

    def _handler(
        self,
        node: ast.ExceptHandler,
        parents: list[ast.AST],
        scope: Scope,
        region: tuple[int, int],
    ) -> HandlerShape:
        clause = self._clause(node, node.body, None)
        types = caught_types(node.type)
        raised = reraises(node) != "never"
        if raised:
            return HandlerShape(clause, types, node.name, True)
        name = node.name
        shared = name is not None and self._shared(name, node, parents, scope, region)
        active = marked(self._marks, clause.start, clause.end)
        reads, writes, calls = self._survey(node)
        return HandlerShape(
            clause=clause,
            types=types,
            name=name,
            reraises=False,
            falls=falls_through(node.body),
            idle=all(isinstance(one, ast.Pass) for one in node.body),
            name_used=reads,
            name_rebound=writes,
            name_shared=shared,
            name_captured=name is not None and self._captures(name, scope),
            raises=_new_error(node.body),
            exits=tuple(self._exits(node.body, name)),
            active=tuple(active_uses(node, self.source, self._loggers)) if active else (),
            calls=calls,
        )

    def _survey(self, handler: ast.ExceptHandler) -> tuple[bool, bool, tuple[str, ...]]:
        """Whether a handler reads or binds the name of its error; and the names that it calls."""
        name = handler.name
        reads = writes = False
        called: set[str] = set()
        for statement in handler.body:
            for node in below(statement):
                kind = node.__class__
                if kind is ast.Name or kind is ast.Constant or kind is ast.Attribute:
                    if isinstance(node, ast.Name) and node.id == name:
                        reads |= isinstance(node.ctx, ast.Load)
                        writes |= not isinstance(node.ctx, ast.Load)
                elif isinstance(node, ast.Call):
                    if isinstance(node.func, ast.Name):
                        called.add(node.func.id)
                    elif isinstance(node.func, ast.Attribute) and not self._on_logger(node.func):
                        called.add(node.func.attr)
                elif isinstance(node, ast.Await):
                    function = node.value.func if isinstance(node.value, ast.Call) else None
                    if isinstance(function, (ast.Name, ast.Attribute)):
                        called.add(f"await {function.id if isinstance(function, ast.Name) else function.attr}")
                elif isinstance(node, _BINDERS) and name in _bound_by(node):
                    writes = True
        return reads, writes, tuple(sorted(called))

    def _on_logger(self, function: ast.Attribute) -> bool:
        receiver = dotted(function.value)
        return receiver is not None and self._loggers.known(receiver)

    def _exits(
        self, suite: list[ast.stmt], name: str | None, loop: bool = False, guarded: bool = False, last: bool = False
    ) -> Iterator[Exit]:
        for node in suite:
            if isinstance(node, ast.Return) or (not loop and isinstance(node, (ast.Break, ast.Continue))):
                start = self._offset(node)
                value = node.value if isinstance(node, ast.Return) else None
                line_start = self.source.offset(node.lineno, 0)
                yield Exit(
                    start=start,
                    value=self._offset(value) if value is not None else 0,
                    value_end=self._end(node) if value is not None else 0,
                    uses=value is not None
                    and any(isinstance(one, ast.Name) and one.id == name for one in below(value)),
                    keeps=value is not None and _holds(value, name),
                    end=self._end(node),
                    alone=not self.source.data[line_start:start].strip(b" \t\f"),
                    guarded=guarded,
                    finally_follows=last,
                )
            elif isinstance(node, _TRIES):
                ends = last or bool(node.finalbody)
                # Only what its body raises reaches the handlers of that statement.
                yield from self._exits(node.body, name, loop, guarded or bool(node.handlers), ends)
                for inner in (node.orelse, *(one.body for one in node.handlers)):
                    yield from self._exits(inner, name, loop, guarded, ends)
                yield from self._exits(node.finalbody, name, loop, guarded, last)
            elif not isinstance(node, _CLOSED):
                inside = loop or isinstance(node, (ast.For, ast.AsyncFor, ast.While))
                yield from self._exits(getattr(node, "body", []), name, inside, guarded, last)
                # `break` in the `else` of a loop belongs to the loop around it.
                yield from self._exits(getattr(node, "orelse", []), name, loop, guarded, last)
                for one in getattr(node, "cases", ()):
                    yield from self._exits(one.body, name, loop, guarded, last)


def _own(parents: list[ast.AST]) -> int:
    """Where in ``parents`` the innermost scope begins."""
    return max((at + 1 for at, one in enumerate(parents) if isinstance(one, _CLOSED)), default=0)


def _lets_capture(handler: ast.ExceptHandler, name: str) -> bool:
    later = [node for node in below(handler) if isinstance(node, _LATER)]
    return any(isinstance(one, ast.Name) and one.id == name for one in below(*later))


def _swallows(handler: ast.ExceptHandler) -> bool:
    return catches_all(caught_types(handler.type)) and reraises(handler) == "never"


def _colon(data: bytes, at: int) -> int:
    """The offset of the colon that ends a clause header, from behind the keyword or the type."""
    while data[at : at + 1] != b":":
        if data[at : at + 1] == b"#":
            ends = [one for one in (data.find(b"\n", at), data.find(b"\r", at)) if one >= 0]
            at = min(ends)
        else:
            at += 1
    return at


def falls_through(suite: list[ast.stmt]) -> bool:
    """Whether control may reach the end of ``suite``: true when in doubt."""
    last = suite[-1]
    if isinstance(last, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
        return False
    if isinstance(last, ast.If):
        return not last.orelse or falls_through(last.body) or falls_through(last.orelse)
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return dotted(last.value.func) not in {"sys.exit", "os._exit"}
    return True


def _new_error(suite: list[ast.stmt]) -> int:
    for node in statements(suite):
        if isinstance(node, (ast.Raise, ast.Assert)):
            return node.lineno
    return 0


_TELL = frozenset({"str", "repr", "len", "int", "bool", "hash", "id", "isinstance", "issubclass", "hasattr", "format"})


def _holds(value: ast.AST, name: str | None) -> bool:
    """Whether an object made from ``value`` may refer to the error ``name``; text made of it does not."""
    if name is None or isinstance(value, (ast.JoinedStr, ast.Compare)):
        return False
    if isinstance(value, ast.Name):
        return value.id == name
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _TELL:
        return False
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mod) and isinstance(value.left, ast.Constant):
        return False
    if isinstance(value, ast.Attribute) and dotted(value) in (f"{name}.errno", f"{name}.strerror"):
        return False
    return any(_holds(one, name) for one in children(value))


def _bound_by(node: ast.AST) -> tuple[str | None, ...]:
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return tuple(node.names)
    if isinstance(node, ast.alias):
        return ((node.asname or node.name).partition(".")[0],)
    return (getattr(node, "rest" if isinstance(node, ast.MatchMapping) else "name"),)


def _looks_at_names(node: ast.AST) -> bool:
    assert isinstance(node, ast.ClassDef)
    return bool(node.bases or node.keywords or node.decorator_list)
