"""Where ports come from and go to: sockets that are bound and connected, and the values that end there."""

from __future__ import annotations

import ast
import os
import re
from bisect import bisect_left
from typing import ClassVar

from analysis.collectors.handlers import span_of
from analysis.collectors.port_entries import ENTRIES, Entry
from analysis.collectors.port_records import Callee, Passed, Ports, Side, Use
from analysis.collectors.port_terms import is_address, is_port, is_url, may_be_port, port_like, telling, text_of
from analysis.effects.paths import added
from analysis.nodes import HEADED, below, expressions
from analysis.source import Source
from analysis.values.bindings import Scope
from analysis.values.names import ClassValues
from analysis.values.reader import Reader
from analysis.values.scopes import Scopes
from analysis.values.syntax import dotted
from analysis.values.terms import (
    Call,
    Const,
    Symbol,
    Term,
    choice,
)
from analysis.walk import Collector, Walk

_HINTS = tuple(
    re.compile(pattern)
    for pattern in (
        # Each begins with plain letters, which are found many times as fast as anything else.
        rb"port(?<!import)(?<!report)(?<!support)(?<!export)(?<!transport)",
        rb"PORT(?<!IMPORT)(?<!REPORT)(?<!SUPPORT)",
        rb"Port",
        rb"://",
        rb"addr",
        rb"ADDR",
        rb"endpoint",
        rb"ENDPOINT",
        rb"bind\w*\(",
        rb"claim\(",
        rb"connect\w*\(",
        rb"erver\w*\(",
        rb"serve\(",
        rb"channel\(",
        rb"Redis\(",
        rb"from_url\(",
        rb"uvicorn\.\w+\(",
        rb"[1-9]\d\d\d\d?\b",
    )
)
"""Where something may be said of ports."""
_MAIN = re.compile(rb"__name__\s*==\s*[\"']__main__[\"']")
_CONFIGURATION = re.compile(rb"([\w.-]+\.(?:ya?ml|toml|json))[\"']")
_QUIET = frozenset(
    {"print", "str", "int", "len", "isinstance", "range", "float", "format", "join", "append", "get", "info", "debug"}
    | {"warning", "error", "exception", "critical", "log", "sleep", "Path", "replace", "split", "startswith", "write"}
)
"""Calls that lead to no function of the tree, and are in every other line."""
_LIKELY = re.compile(r"(?i)(?<!im)port(?!al|folio|ion|rait)|addr|endpoint|ur[il]$|host|bind|server|offset|_ip$|^ip_")
_RETURNS = 8
_METHODS = frozenset({"bind", "connect", "connect_ex", "bind_to_random_port", "bind_ssl"})
_BY_NAME = frozenset({"bind_socket", "claim"})
_NO_SOCKETS = frozenset({"sqlite3", "aiosqlite", "signal", "signals", "duckdb", "pyodbc", "cx_Oracle"})


_URLS = frozenset({"get", "post", "put", "delete", "head", "patch", "request", "urlopen", "ws_connect", "stream"})


class PortCollector(Collector):
    """One :class:`~analysis.collectors.port_records.Ports` per file that has anything to say."""

    topic: ClassVar[str] = "ports"
    version: ClassVar[int] = 7
    record = Ports
    nodes = (
        *Scopes.nodes,
        *HEADED,
        ast.ImportFrom,
    )

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._calls: list[tuple[ast.Call, Scope]] = []
        self._stars: list[str] = []
        self._speaks_zmq = b"zmq" in source.data

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        self.reader = Reader(tree, self.source.data)
        self.scopes = Scopes(self.reader)
        data = self.source.data
        places = sorted(one.start() for hint in _HINTS for one in hint.finditer(data))
        self._hints = list(dict.fromkeys(map(self.source.line_at, places)))

    def visit(self, walk: Walk, node: ast.AST) -> None:
        scope = self.scopes.note(walk, node)
        if isinstance(node, ast.ImportFrom):
            if any(one.name == "*" for one in node.names):
                self._stars.append(f"{node.level}:{node.module or ''}:")
            return
        assert isinstance(node, ast.stmt)
        for expression in expressions(node):
            if isinstance(expression, ast.Call) and _called(expression.func).rpartition(".")[2][:1].isupper():
                self._made_bare(expression, scope)
            if self._hinted(expression):
                self._calls += [(one, scope) for one in below(expression) if isinstance(one, ast.Call)]

    def _made_bare(self, call: ast.Call, scope: Scope) -> None:
        """Note an object that is made: where it is not given a port, the default of the parameter holds."""
        if not self._hinted(call):
            self._calls.append((call, scope))

    def _hinted(self, node: ast.expr) -> bool:
        """Whether one of the lines of an expression may say something of ports."""
        at = bisect_left(self._hints, node.lineno)
        return at < len(self._hints) and self._hints[at] <= (node.end_lineno or node.lineno)

    def finish(self, walk: Walk) -> None:
        if not (self._hints or self._stars):
            return
        self._calls.sort(key=lambda one: (one[0].lineno, one[0].col_offset))
        uses = [use for call, scope in self._calls if (use := self._use(call, scope)) is not None]
        passed = [one for call, scope in self._calls if (one := self._passed(call, scope)) is not None]
        names, fields, functions = self._names(), self._fields(), self._callees()
        if not (uses or passed or names or fields or functions or self._stars):
            return
        tree = self.reader.module.node
        assert isinstance(tree, ast.Module)
        self.records.append(
            Ports(
                uses=tuple(uses),
                names=tuple(names),
                fields=tuple(fields),
                bases=tuple((name, self._bases(info)) for name, info in self.reader.classes.items()),
                functions=tuple(functions),
                passed=tuple(passed),
                stars=tuple(self._stars),
                paths=added(tree) if b"sys.path" in self.source.data else (),
                configurations=tuple(dict.fromkeys(map(os.fsdecode, _CONFIGURATION.findall(self.source.data)))),
                main=_MAIN.search(self.source.data) is not None,
            )
        )

    # -- sockets

    def _use(self, call: ast.Call, scope: Scope) -> Use | None:
        name = _called(call.func)
        last = name.rpartition(".")[2]
        args = [one for one in call.args if not isinstance(one, ast.Starred)]
        given = {one.arg: one.value for one in call.keywords if one.arg}
        if last in _BY_NAME and args:
            name_of = self._registered(call, args[0], scope)
            if name_of is not None:
                return self._record(call, "bind", "socket", None, None, name_of, scope, "", "", args[0])
        if last in _METHODS and isinstance(call.func, ast.Attribute) and name not in ENTRIES:
            return self._socket(call, call.func, args, given, scope)
        entry = self._entry(name, last, call, given)
        if entry is None:
            return self._url(call, last, args, given, scope)
        return self._served(call, entry, args, given, scope)

    def _registered(self, call: ast.Call, name: ast.expr, scope: Scope) -> Term | None:
        """The port of a name that is claimed or bound through the registry."""
        function = self.reader.value(call.func, scope) if isinstance(call.func, (ast.Name, ast.Attribute)) else None
        asked = self.reader.value(name, scope)
        if not isinstance(function, Symbol) or not isinstance(asked, Const) or not isinstance(asked.value, str):
            return None
        level, module, _ = function.text.split(":", 2)
        return Call(f"{level}:{module}:get_port", ((0, asked),)) if "port" in module.rpartition(".")[2] else None

    def _entry(self, name: str, last: str, call: ast.Call, given: dict[str, ast.expr]) -> Entry | None:
        for known in (name, ".".join(name.split(".")[-2:]), last):
            if known in ENTRIES:
                return ENTRIES[known]
        if last in ("run", "serve") and "port" in given:
            return Entry("bind", "http")
        return None

    def _socket(
        self, call: ast.Call, func: ast.Attribute, args: list[ast.expr], given: dict[str, ast.expr], scope: Scope
    ) -> Use | None:
        receiver = _called(func.value)
        if receiver.partition(".")[0] in _NO_SOCKETS:
            return None
        node = args[0] if args else given.get("addr") or given.get("address")
        if node is None:
            if "port" in given:
                return self._served(
                    call, Entry("connect" if func.attr == "connect" else "bind", "socket"), args, given, scope
                )
            return None
        side: Side = "bind" if func.attr.startswith("bind") else "connect"
        made = self._made(func.value, scope, call.lineno)
        if func.attr == "bind_to_random_port":
            return self._record(
                call, side, "zmq", self.reader.value(node, scope), None, Const(0), scope, receiver, made, node
            )
        pair = self.reader.display(node, scope, call.lineno)
        if isinstance(pair, ast.Tuple) and len(pair.elts) >= 2:
            host, port = (self.reader.value(one, scope, call.lineno) for one in pair.elts[:2])
            return self._record(call, side, "socket", None, host, port, scope, receiver, "", node)
        if len(args) >= 2 and not is_address(self.reader.value(node, scope)):
            # `client.connect(host, port)`; the windows of a desktop bind an event to a function in the same form.
            port = self.reader.value(args[1], scope)
            if side == "connect" and may_be_port(port) and (port_like(port) or _LIKELY.search(_called(args[1]))):
                host = self.reader.value(node, scope)
                return self._record(call, side, "socket", None, host, port, scope, receiver, made, args[1])
            return None
        address = self.reader.value(node, scope)
        if is_address(address) or (made and not isinstance(address, Const)):
            by = "zmq" if made.strip("?") or self._speaks_zmq or is_url(address) else "socket"
            return self._record(call, side, by, address, None, None, scope, receiver, made, node)
        return None

    def _made(self, node: ast.expr, scope: Scope, line: int) -> str:
        """The type of a ZeroMQ socket, ``?`` when it is one of unknown type, empty when it is none that is known."""
        origin = self.reader.origin(node, scope, line)
        if (
            isinstance(origin, ast.Call)
            and isinstance(origin.func, ast.Attribute)
            and origin.func.attr == "socket"
            and origin.args
        ):
            kind = origin.args[0]
            if isinstance(kind, ast.Attribute) and dotted(kind.value).rpartition(".")[2] in ("zmq", "SocketType"):
                return kind.attr
            return "" if dotted(origin.func) == "socket.socket" else "?"
        if isinstance(origin, ast.Call) and dotted(origin.func) == "socket.socket":
            return ""
        return (
            "?"
            if re.search(r"(?i)sock|_pub$|_sub$|_push$|_pull$|publisher$|subscriber$|receiver$|sender$", _called(node))
            else ""
        )

    def _served(
        self, call: ast.Call, entry: Entry, args: list[ast.expr], given: dict[str, ast.expr], scope: Scope
    ) -> Use | None:
        def at(position: int | None, *names: str) -> ast.expr | None:
            for name in names:
                if name in given:
                    return given[name]
            return args[position] if position is not None and position < len(args) else None

        receiver = _called(call.func)
        port = at(entry.port, "port")
        if port is not None:
            host = at(entry.host, "host", "addr", "address")
            term = self.reader.value(port, scope)
            where = self.reader.value(host, scope) if host is not None else None
            return self._record(call, entry.side, entry.by, None, where, term, scope, receiver, "", port)
        node = at(entry.address, "address", "addr", "server_address", "url", "dsn", "servers", "uri")
        if node is not None:
            pair = self.reader.display(node, scope, call.lineno)
            if isinstance(pair, ast.Tuple) and len(pair.elts) >= 2:
                where, term = (self.reader.value(one, scope, call.lineno) for one in pair.elts[:2])
                return self._record(call, entry.side, entry.by, None, where, term, scope, receiver, "", node)
            address = self.reader.value(node, scope)
            return self._record(call, entry.side, entry.by, address, None, None, scope, receiver, "", node)
        whole = "connection_pool" in given or any(one.arg is None for one in call.keywords)
        if entry.default is not None and not whole:
            return self._record(call, entry.side, entry.by, None, None, Const(entry.default), scope, receiver, "", call)
        return None

    def _url(
        self, call: ast.Call, last: str, args: list[ast.expr], given: dict[str, ast.expr], scope: Scope
    ) -> Use | None:
        if last not in _URLS or not (args or "url" in given):
            return None
        node = given.get("url") or args[min(len(args) - 1, 1 if last in ("request", "stream") else 0)]
        address = self.reader.value(node, scope)
        if not is_url(address):
            return None
        return self._record(call, "connect", "http", address, None, None, scope, _called(call.func), "", node)

    def _record(
        self,
        call: ast.Call,
        side: Side,
        by: str,
        address: Term | None,
        host: Term | None,
        port: Term | None,
        scope: Scope,
        receiver: str,
        socket: str,
        node: ast.expr,
    ) -> Use:
        owner = scope
        while owner.outer is not None and not owner.owner:
            owner = owner.outer
        text = ast.unparse(node)
        return Use(
            span_of(call),
            self.source.column(call.lineno, call.col_offset),
            scope.qualname or "<module>",
            side,
            by,
            address,
            host,
            port,
            owner.owner,
            receiver,
            socket,
            text if len(text) <= 100 else text[:99] + "…",
        )

    # -- what other files may ask for

    def _names(self) -> list[tuple[str, Term]]:
        found: list[tuple[str, Term]] = []
        module = self.reader.module
        for name, bindings in module.bindings.items():
            value = bindings[-1].node
            if bindings[-1].how in ("from", "import"):
                term = self.reader.name(name, module, None)
                if _LIKELY.search(name) and isinstance(term, Symbol):
                    found.append((name, term))
                continue
            if bindings[-1].how != "value" or not isinstance(value, ast.expr):
                continue
            if isinstance(value, ast.Dict):
                found += self._entries(name, value, module)
            elif _LIKELY.search(name) or not isinstance(value, ast.Constant) or is_port(value.value):
                term = self.reader.name(name, module, None)
                if telling(term) and (_LIKELY.search(name) or port_like(term)):
                    found.append((name, term))
        return found

    def _entries(self, name: str, node: ast.Dict, scope: Scope, depth: int = 0) -> list[tuple[str, Term]]:
        found: list[tuple[str, Term]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, (str, int)):
                continue
            if isinstance(value, ast.Dict) and depth < 3:
                found += self._entries(f"{name}.[{key.value}]", value, scope, depth + 1)
                continue
            if not (isinstance(value, ast.Constant) and not is_port(value.value) and not is_url(text_of(value.value))):
                term = self.reader.value(value, scope)
                if telling(term) and (_LIKELY.search(f"{name} {key.value}") or port_like(term)):
                    found.append((f"{name}.[{key.value}]", term))
        return found

    def _fields(self) -> list[tuple[str, str, Term]]:
        found: list[tuple[str, str, Term]] = []
        for owner, info in self.reader.classes.items():
            for name in dict.fromkeys((*info.stored, *info.scope.bindings)):
                if not _LIKELY.search(name) or f"{owner}.{name}" in self.reader.functions:
                    continue
                term = self.reader.attribute(owner, name, None, None)
                if telling(term):
                    found.append((owner, name, term))
        return found

    def _bases(self, info: ClassValues) -> tuple[str, ...]:
        outer = info.scope.outer or self.reader.module
        terms = [self.reader.value(one, outer) for one in info.node.bases]
        return tuple(one.text for one in terms if isinstance(one, Symbol))

    def _callees(self) -> list[Callee]:
        """The functions with a parameter that may take a port, and those that give one back."""
        found: list[Callee] = []
        for name, scope in self.reader.functions.items():
            assert isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef))
            args = scope.node.args
            names = tuple(one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs))
            gives = None
            if scope.returns and (_LIKELY.search(scope.node.name) or any(map(_LIKELY.search, names))):
                terms = [
                    self.reader.value(one, scope)
                    for one in scope.returns
                    if not (isinstance(one, ast.Constant) and one.value in (None, False))
                ]
                gives = choice(terms) if terms and len(terms) <= _RETURNS and all(map(telling, terms)) else None
            if gives is not None or args.kwarg is not None or any(map(_LIKELY.search, names)):
                bound = bool(scope.owner) and not any(
                    dotted(one) == "staticmethod" for one in scope.node.decorator_list
                )
                found.append(Callee(name, names, bound, gives))
        return found

    def _passed(self, call: ast.Call, scope: Scope) -> Passed | None:
        last = _called(call.func).rpartition(".")[2]
        target = self._target(call.func, scope) if last not in _QUIET else None
        if target is None:
            return None
        values: list[tuple[int | str, Term]] = []
        args = call.args
        if args and isinstance(call.func, ast.Attribute) and self.reader.instance(args[0], scope) is not None:
            # `Base.__init__(self, port)`
            args = args[1:]
        for at, one in enumerate(args):
            if isinstance(one, ast.Starred):
                break
            if isinstance(one, ast.Constant) and not is_port(one.value) and not is_url(text_of(one.value)):
                continue
            term = self.reader.value(one, scope)
            if telling(term) and (port_like(term) or _LIKELY.search(_called(one))):
                values.append((at, term))
        for each in call.keywords:
            if each.arg and _LIKELY.search(each.arg):
                term = self.reader.value(each.value, scope)
                if telling(term):
                    values.append((each.arg, term))
        if not values and not last[:1].isupper():
            return None
        owner = scope
        while owner.outer is not None and not owner.owner:
            owner = owner.outer
        return Passed(target, owner.owner, tuple(values))

    def _target(self, node: ast.expr, scope: Scope) -> str | None:
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Call) and dotted(node.value.func) == "super":
                return f"^{node.attr}"
            owner = self.reader.instance(node.value, scope)
            if owner is not None:
                return f"0::{owner}.{node.attr}"
        if isinstance(node, (ast.Name, ast.Attribute)):
            term = self.reader.value(node, scope)
            if isinstance(term, Symbol):
                return term.text
        return None


def _called(node: ast.expr) -> str:
    """What is called, as far as it has names: ``self.a.b`` and, for a call in between, what follows it."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        names.append(node.id)
    elif isinstance(node, ast.Call):
        names.append(_called(node.func) + "()")
    elif isinstance(node, ast.Subscript):
        names.append(_called(node.value) + "[]")
    return ".".join(reversed(names))
