"""Numbers written into the source that are ports: by a name, a keyword, a socket or an address beside them."""

from __future__ import annotations

import ast
import re
import sys
from bisect import bisect_left
from collections.abc import Iterator
from typing import ClassVar, Literal

import msgspec

from analysis.collectors import port_spared
from analysis.collectors.handlers import span_of
from analysis.collectors.header import first_line
from analysis.collectors.port_context import Context
from analysis.collectors.port_entries import ENTRIES
from analysis.facts import Span
from analysis.nodes import HEADED, below, expressions
from analysis.port_names import has_ports, host_before, is_measure, speaks_of_port
from analysis.source import Source
from analysis.values.syntax import default_of, dotted
from analysis.walk import Collector, Walk

Evidence = Literal[
    "name", "keyword", "parameter", "key", "environment", "setting", "option", "socket", "address", "documentation"
]

_HINTS = tuple(
    re.compile(pattern)
    for pattern in (
        # Each begins with plain letters, which are found many times as fast as anything else.
        rb"port(?<!import)(?<!report)(?<!support)(?<!export)(?<!transport)",
        rb"PORT(?<!IMPORT)(?<!REPORT)(?<!SUPPORT)",
        rb"Port",
        rb"://",
        rb"bind\(",
        rb"connect\w*\(",
        rb"erver\w*\(",
        rb"serve\(",
        rb"channel\(",
        rb"sendto\(",
        rb"Redis\(",
    )
)
_NUMBER = re.compile(rb"(?:[1-9]\d{1,4}|(?<=[ =(,])0)(?!\w)")
_NEAR = 7
"""Within so many lines of a word that speaks of ports there is a number, or nothing is looked for."""
_ADDRESS = re.compile(r"(?<=[a-z0-9])://(?:[^/\s@?#,]*@)?(\[[^\]/\s]*\]|[^/\s:@]*):(\d{2,5})(?![\w.@-])")
_BEHIND = re.compile(r":(\d{2,5})(?![\w.@-])")
_PAIRS = frozenset({"bind", "connect", "connect_ex", "create_connection", "create_server", "sendto"})
_ENV = re.compile(r"(?i)env")
_NAMES = ("name", "agent", "agent_name", "service", "service_name")
_PORTS = range(65536)


class PortLiteral(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One literal. ``span`` is the number, or the text that holds it; ``column`` is its start in characters, from 1.

    ``port`` is 0 where the system is to choose one. ``evidence`` says by what it is known to be a port and ``name``
    what it is called there, empty when it is not; in text, ``others`` are the ports of further addresses and ``hosts``
    the hosts of all, ``{}`` for one that is put in. ``nested``: it stands in a replacement field of an f-string.
    ``source`` is the statement's first line, normalised. ``around`` are names that stand around it and may say whose
    port it is, the nearest first: of the socket that is bound, of the entry it is part of, of the variable it becomes.
    """

    span: Span
    column: int
    port: int
    evidence: Evidence
    name: str
    scope: str
    source: str
    others: tuple[int, ...] = ()
    hosts: tuple[str, ...] = ()
    nested: bool = False
    around: tuple[str, ...] = ()


class PortLiteralCollector(Collector):
    """Collects the literal ports of a file."""

    topic: ClassVar[str] = "port-literals"
    version: ClassVar[int] = 7
    record = PortLiteral
    nodes = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.Assign,
        ast.AnnAssign,
        ast.Expr,
        ast.Return,
        *HEADED,
    )

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._lines: list[int] = []
        self._next = 0
        self._taken: set[tuple[int, int]] = set()
        self._parts: set[int] = set()
        self._nested: set[int] = set()
        self._called: dict[int, str] = {}
        self._context: Context | None = None
        self._statement: ast.stmt | None = None

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        data = self.source.data
        starts = self.source.line_starts
        found = {self.source.line_at(one.start()) for hint in _HINTS for one in hint.finditer(data)}
        for line in sorted(found):
            end = starts[line + _NEAR] if line + _NEAR < len(starts) else len(data)
            if _NUMBER.search(data, starts[line - 1], end):
                self._lines.append(line)
        self.idle = not self._lines
        # The last one is never reached.
        self._lines.append(sys.maxsize)
        self._next = self._lines[0]

    def visit(self, walk: Walk, node: ast.AST) -> None:
        assert isinstance(node, ast.stmt)
        # Statements come in the order of their lines, and most of them say nothing of ports.
        if (node.end_lineno or 0) < self._next:
            return
        defines = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        first = first_line(node) if defines else node.lineno
        if self._next < first:
            self._next = self._lines[bisect_left(self._lines, first)]
            if (node.end_lineno or 0) < self._next:
                return
        self._statement, self._context = node, None
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if self._next <= node.body[0].lineno:
                self._function(walk, node)
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            self._addresses(walk, node.value, "documentation")
            return
        for expression in expressions(node):
            if self._hinted(expression.lineno, expression.end_lineno or expression.lineno):
                if isinstance(node, (ast.Assign, ast.AnnAssign)):
                    self._assigned(walk, node)
                for inner in below(expression):
                    self._inside(walk, inner)

    def _hinted(self, first: int, last: int) -> bool:
        return self._lines[bisect_left(self._lines, first)] <= last

    def finish(self, walk: Walk) -> None:
        self.records.sort(key=lambda one: (one.span.line, one.span.col))

    # -- by what is beside it

    def _function(self, walk: Walk, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            default = default_of(node, arg)
            if default is not None and speaks_of_port(arg.arg):
                self._take(walk, default, "parameter", arg.arg)
        for each in node.decorator_list:
            for inner in below(each):
                self._inside(walk, inner)

    def _assigned(self, walk: Walk, node: ast.Assign | ast.AnnAssign) -> None:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            name = _last(target)
            if name and node.value is not None and port_spared.by_name(name):
                self._spare(node.value)
            elif name and node.value is not None and speaks_of_port(name):
                self._take(walk, node.value, "name", name)

    def _inside(self, walk: Walk, node: ast.AST) -> None:
        match node:
            case ast.Constant():
                self._addresses(walk, node, "address")
            case ast.JoinedStr():
                self._joined(walk, node)
            case ast.Call():
                self._call(walk, node)
            case ast.Dict():
                self._entries(walk, node)

    def _entries(self, walk: Walk, node: ast.Dict) -> None:
        """The entries of a dict, which are called after it: by its key in another one, or by its own ``name``."""
        given = {_text(key): value for key, value in zip(node.keys, node.values, strict=True)}
        called = next(filter(None, (_text(given.get(one)) for one in _NAMES)), self._called.get(id(node), ""))
        for key, value in given.items():
            if isinstance(value, ast.Dict):
                self._called[id(value)] = key
            if port_spared.by_key(key):
                self._spare(value)
            elif speaks_of_port(key):
                self._take(walk, value, "key", f"{called}.{key}" if called else key)

    def _addresses(self, walk: Walk, node: ast.Constant, evidence: Evidence) -> None:
        text = node.value
        if isinstance(text, str) and "://" in text and id(node) not in self._parts:
            self._found(walk, node, text, _places(text), evidence)

    def _found(self, walk: Walk, node: ast.expr, text: str, every: list[tuple[int, str]], evidence: Evidence) -> None:
        places = [one for one in every if not port_spared.is_pattern(text, one[1])]
        if places:
            ports, hosts = zip(*places, strict=True)
            self._note(walk, node, ports[0], evidence, "", ports[1:], hosts)

    def _joined(self, walk: Walk, node: ast.JoinedStr) -> None:
        before = ""
        places: list[tuple[int, str]] = []
        for part in node.values:
            if not isinstance(part, ast.Constant):
                before += "{}"
                self._nested.update(map(id, below(part)))
                continue
            self._parts.add(id(part))
            text = str(part.value)
            found = _BEHIND.match(text)
            host = host_before(before) if found is not None else None
            if found is not None and host is not None:
                places.append((int(found[1]), host))
            places += _places(text)
            before += text
        # The parts have places of their own from 3.12 on only.
        self._found(walk, node, before, places, "address")

    def _spare(self, node: ast.expr) -> None:
        """Take nothing below ``node`` for a port, by whatever: what holds something comes before what it holds."""
        self._taken.update((one.lineno, one.col_offset) for one in below(node) if isinstance(one, ast.expr))

    def _call(self, walk: Walk, node: ast.Call) -> None:
        for one in port_spared.of_call(node):
            self._spare(one)
        for each in node.keywords:
            if each.arg is not None and speaks_of_port(each.arg):
                self._take(walk, each.value, "keyword", each.arg)
        name = dotted(node.func) or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
        last = name.rpartition(".")[2]
        first = node.args[0] if node.args else None
        text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
        if last == "add_argument" or last in ("option", "argument"):
            names = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            option = next(filter(speaks_of_port, names), "")
            for each in node.keywords:
                if option and each.arg == "default":
                    self._take(walk, each.value, "option", option)
        elif len(node.args) > 1 and speaks_of_port(text) and (last.startswith("get") or _ENV.search(name)):
            self._take(walk, node.args[1], "environment" if _ENV.search(name) else "setting", text)
        pair = first if last in _PAIRS or last.endswith("Server") else None
        if last == "sendto" and node.args:
            pair = node.args[-1]
        # A shape is bound to numbers, a socket to a host and a port.
        if isinstance(pair, ast.Tuple) and len(pair.elts) > 1 and not _is_number(pair.elts[0]):
            self._take(walk, pair.elts[1], "socket", "")
        entry = next((ENTRIES[one] for one in (name, ".".join(name.split(".")[-2:]), last) if one in ENTRIES), None)
        if entry is not None and entry.port is not None and entry.port < len(node.args):
            self._take(walk, node.args[entry.port], "socket", "")

    # -- the number itself

    def _take(self, walk: Walk, node: ast.expr, evidence: Evidence, name: str) -> None:
        if isinstance(node, ast.Dict):
            for key, value in _ports_of(node):
                self._take(walk, value, evidence, key or name)
            return
        if isinstance(node, ast.Call) and node.args:
            called = dotted(node.func)
            text = _text(node.args[0])
            if called in ("int", "str"):
                self._take(walk, node.args[0], evidence, name)
                return
            if len(node.args) > 1 and speaks_of_port(text):
                self._take(walk, node.args[1], "environment" if _ENV.search(called) else "setting", text)
                return
        for one, port in literals(node):
            self._note(walk, one, port, evidence, name)

    def _note(
        self,
        walk: Walk,
        node: ast.expr,
        port: int,
        evidence: Evidence,
        name: str,
        others: tuple[int, ...] = (),
        hosts: tuple[str, ...] = (),
    ) -> None:
        key = node.lineno, node.col_offset
        if port not in _PORTS or key in self._taken:
            return
        if port == port_spared.HIGHEST and evidence not in ("socket", "address"):
            # Where the ports end.
            return
        self._taken.add(key)
        line = self.source.lines[node.lineno - 1]
        column = self.source.column(node.lineno, node.col_offset)
        text = " ".join(line.decode("utf-8", "replace").split())
        nested = id(node) in self._nested
        found = PortLiteral(span_of(node), column, port, evidence, name, walk.qualname, text, others, hosts, nested)
        around = tuple(one for one in self._around(node) if one != name)
        self.records.append(msgspec.structs.replace(found, around=around) if around else found)

    def _around(self, node: ast.expr) -> tuple[str, ...]:
        statement = self._statement
        if statement is None:
            return ()
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return (statement.name,)
        if self._context is None:
            self._context = Context(statement, expressions(statement))
        return self._context.names(node)


def literals(node: ast.expr) -> Iterator[tuple[ast.expr, int]]:
    """The numbers that an expression is made of and whose value it may have, each with its node."""
    match node:
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int(number)):
            yield node, number
        case ast.Constant(value=str(text)) if text.isdecimal() and text.isascii() and len(text) < 6:
            yield node, int(text)
        case ast.BoolOp():
            for each in node.values:
                yield from literals(each)
        case ast.IfExp():
            yield from literals(node.body)
            yield from literals(node.orelse)
        case ast.List() | ast.Tuple() if port_spared.is_bounds(node):
            return
        case ast.List() | ast.Tuple() | ast.Set():
            for each in node.elts:
                yield from literals(each)
        case ast.Dict():
            for _, each in _ports_of(node):
                yield from literals(each)
        case ast.BinOp(op=ast.Add()):
            # What is added to a port is a distance. Of two numbers nobody can tell which is which.
            sides = [[one for one in literals(each) if one[1] >= 1024] for each in (node.left, node.right)]
            named = any(speaks_of_port(_last(each)) for each in (node.left, node.right))
            if not named and not all(sides):
                yield from (*sides[0], *sides[1])
        case ast.Call():
            name = dotted(node.func)
            last = name.rpartition(".")[2]
            if name in ("int", "str") and node.args:
                yield from literals(node.args[0])
            elif (_ENV.search(name) or last == "get") and len(node.args) > 1:
                yield from literals(node.args[1])
            elif last in ("Field", "field", "ib"):
                for each in (*node.args[:1], *(one.value for one in node.keywords if one.arg == "default")):
                    yield from literals(each)


def _places(text: str) -> list[tuple[int, str]]:
    """The ports in the addresses of a text, each with its host."""
    found = _ADDRESS.finditer(text)
    return [(int(one[2]), one[1]) for one in found if has_ports(text[: one.start() + len("://")])]


def _ports_of(node: ast.Dict) -> list[tuple[str, ast.expr]]:
    """The entries of a dict of ports that may be ports, by key: where any is called so, those."""
    entries = [(_text(key), value) for key, value in zip(node.keys, node.values, strict=True)]
    called = [(key, value) for key, value in entries if speaks_of_port(key)]
    return called or [(key, value) for key, value in entries if not is_measure(key)]


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _last(node: ast.expr) -> str:
    """The last name of an assignment's target; of ``ports["api_port"]`` the key."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        key = node.slice
        own = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
        return own if speaks_of_port(own) else _last(node.value)
    return ""
