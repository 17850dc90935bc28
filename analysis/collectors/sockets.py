"""Sockets and what is done with them: made, bound, connected, asked and served, and which function calls which."""

from __future__ import annotations

import ast
import re
from operator import itemgetter
from typing import ClassVar, NamedTuple

from analysis.collectors.handlers import span_of
from analysis.collectors.port_records import Side, Use
from analysis.collectors.requests import asked_for, is_name_of_request, of_case, request_of, topic_of
from analysis.collectors.socket_names import Keys, does_not_wait, ends, in_tree, kinds_of
from analysis.collectors.socket_records import Act, Called, Handled, Made, Messaging, Place, What
from analysis.effects.paths import added
from analysis.nodes import HEADED, below, expressions
from analysis.source import Source
from analysis.values.bindings import Scope, attribute_targets
from analysis.values.reader import Reader
from analysis.values.scopes import Scopes
from analysis.values.syntax import dotted
from analysis.values.terms import Const, Join, Symbol, written
from analysis.walk import Collector, Walk

BINDING = frozenset({"REP", "PUB", "PULL", "ROUTER", "XPUB"})
"""What a helper binds, when it is given nothing but an address."""
_MESSAGE = "(?:_json|_string|_multipart|_pyobj|_serialized|_unicode)?"
_SEND = re.compile(rf"send{_MESSAGE}")
_RECV = re.compile(rf"recv{_MESSAGE}")
_OPTION = re.compile(r"set(?:sockopt)?(?:_string|_unicode)?")
_HELPER = re.compile(r"(?:get|create|make|open)_(req|rep|pub|sub|push|pull|router|dealer)_socket")
_GIVER = re.compile(r"(?i)sock|zmq|client|connect|req|pub|sub|push|pull")
"""What a function is called that gives back a socket."""
_SPAWNED = frozenset(
    {"Thread", "Timer", "Process", "create_task", "ensure_future", "submit", "apply_async", "call_soon"}
)
"""What runs its arguments elsewhere: the caller does not wait."""
_LOOPS = (ast.While, ast.For, ast.AsyncFor)
_TIMEOUTS = frozenset({"asyncio.timeout", "async_timeout.timeout", "anyio.fail_after", "anyio.move_on_after"})


class _Seen(NamedTuple):
    call: ast.Call
    scope: Scope
    place: Place
    limited: bool


class SocketCollector(Collector):
    """One :class:`~analysis.collectors.socket_records.Messaging` per file that has classes or calls functions."""

    topic: ClassVar[str] = "sockets"
    version: ClassVar[int] = 3
    record = Messaging
    nodes = (
        *Scopes.nodes,
        *HEADED,
        ast.match_case,
        ast.Raise,
    )

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._seen: list[_Seen] = []
        self._made: list[tuple[str, ast.Call, Scope, Place]] = []
        self._limits: list[tuple[ast.Attribute, ast.expr, Scope, Place, ast.stmt]] = []
        self._handled: list[Handled] = []
        self._tests: dict[int, tuple[str, ...]] = {}
        self._by_key: dict[tuple[str, str], list[tuple[int, tuple[int, ...], tuple[str, ...]]]] = {}
        """The types of the sockets that each function makes, by its name for them: the line, the suites around it."""
        self._kept: set[str] = set()
        """The keys of the sockets that this file makes."""

    def begin(self, walk: Walk, tree: ast.Module) -> None:
        self.tree = tree
        self.reader = Reader(tree, self.source.data)
        self.scopes = Scopes(self.reader)
        self.keys = Keys(self.reader)

    # -- the walk

    def visit(self, walk: Walk, node: ast.AST) -> None:
        if isinstance(node, ast.match_case):
            requests = of_case(node)
            subject = walk.parents[-1]
            if requests and isinstance(subject, ast.Match) and is_name_of_request(subject.subject):
                self._tests[id(node)] = requests
                scope = self.reader.scopes[id(walk.scopes[-1].node)]
                self._handled.append(Handled(self._place(walk, node.pattern.lineno, scope, ())[0], requests))
            return
        scope = self.scopes.note(walk, node)
        assert isinstance(node, ast.stmt)
        roots = [node.exc] if isinstance(node, ast.Raise) and node.exc is not None else expressions(node)
        place: Place | None = None
        limited = False
        for root in roots:
            for one in below(root):
                if isinstance(one, ast.Call):
                    if place is None:
                        place, limited = self._place(walk, node.lineno, scope, (node,))
                    self._seen.append(_Seen(one, scope, place, limited))
        if isinstance(node, (ast.If, ast.While)):
            self._test(walk, node, scope)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            place = place or self._place(walk, node.lineno, scope, (node,))[0]
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                self._assigned(target, node.value, scope, place)
            for attribute, value, _ in attribute_targets(node):
                if attribute.attr.upper() in ("RCVTIMEO", "SUBSCRIBE"):
                    self._limits.append((attribute, value, scope, place, node))
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None and place is not None:
                    self._assigned(item.optional_vars, item.context_expr, scope, place)

    def _test(self, walk: Walk, node: ast.If | ast.While, scope: Scope) -> None:
        requests = asked_for(node.test)
        if requests:
            self._tests[id(node)] = requests
            self._handled.append(Handled(self._place(walk, node.lineno, scope, ())[0], requests))

    def _place(self, walk: Walk, line: int, scope: Scope, inner: tuple[ast.AST, ...]) -> tuple[Place, bool]:
        """Where a statement stands, and whether a block around it ends what takes too long."""
        chain = [*walk.parents, *inner]
        own = walk.scopes[-1].node
        at = next((at for at in range(len(walk.parents) - 1, -1, -1) if walk.parents[at] is own), -1)
        loop = 0
        limited = False
        under: tuple[str, ...] = ()
        inside = chain[at + 1 :]
        for outer, child in zip(inside, [*inside[1:], None], strict=False):
            if isinstance(outer, _LOOPS) and not loop and (child is not None or isinstance(outer, ast.While)):
                loop = outer.lineno
            if child is not None and id(outer) in self._tests:
                body = outer.body if isinstance(outer, (ast.If, ast.While, ast.match_case)) else []
                if any(child is one for one in body):
                    under = self._tests[id(outer)]
            if isinstance(outer, ast.AsyncWith) and child is not None:
                entered = [one.context_expr for one in outer.items]
                limited |= any(isinstance(one, ast.Call) and dotted(one.func) in _TIMEOUTS for one in entered)
        function = scope.qualname if scope.kind == "function" else ""
        return Place(line, function, _owner(scope), loop, under), limited

    def _assigned(self, target: ast.expr, value: ast.expr, scope: Scope, place: Place) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            return
        value = value.value if isinstance(value, ast.Await) else value
        while isinstance(value, ast.Attribute) and isinstance(value.value, ast.Call):
            value = value.value
        if isinstance(value, ast.Call):
            key = self.keys.target_key(target, scope)
            if key:
                self._made.append((key, value, scope, place))

    # -- the end

    def finish(self, walk: Walk) -> None:
        made, uses = self._sockets()
        self._kept = {one.key for one in made}
        acts: list[Act] = []
        calls: list[Called] = []
        spawned = {id(one) for seen in self._seen if _last(seen.call) in _SPAWNED for one in _arguments(seen.call)}
        waited = {
            id(one)
            for seen in self._seen
            if _last(seen.call) in ("wait_for", "timeout_after", "fail_after")
            for one in _arguments(seen.call)
        }
        self._seen.sort(key=lambda one: (one.call.lineno, one.call.col_offset, one.call.end_col_offset or 0))
        for seen in self._seen:
            if id(seen.call) in spawned:
                continue
            act = self._act(seen, bounded=seen.limited or id(seen.call) in waited)
            if act is not None:
                acts.append(act)
            else:
                calls += self._calls(seen)
        for attribute, value, scope, place, node in self._limits:
            key = self.keys.key(attribute.value, scope, place.line)
            if key:
                is_limit = attribute.attr.upper() == "RCVTIMEO"
                topic = None if is_limit else topic_of(value, self.reader, scope, place.line)
                column = self.source.column(node.lineno, node.col_offset)
                what: What = "limit" if is_limit else "subscribe"
                acts.append(Act(key, what, place, span_of(node), column, is_limit and ends(value), topic))
        functions = tuple((name, _parameters(scope)) for name, scope in self.reader.functions.items())
        # A class of two lines may be what binds the sockets of its base class, and a call is a step on the way to one.
        if not (made or acts or uses or self._handled or self.reader.classes or (calls and functions)):
            return
        self.records.append(
            Messaging(
                made=tuple(made),
                acts=tuple(acts),
                calls=tuple(calls),
                handled=tuple(self._handled),
                uses=tuple(uses),
                gives=tuple(self._gives()),
                functions=functions,
                bases=tuple((name, self._bases(name)) for name in self.reader.classes),
                imports=tuple(self._imports()),
                paths=added(self.tree) if b"sys.path" in self.source.data else (),
            )
        )

    def _sockets(self) -> tuple[list[Made], list[tuple[str, Use]]]:
        giving = {name.rpartition(".")[2] for name, _ in self._gives()}
        made: list[Made] = []
        uses: list[tuple[str, Use]] = []
        for key, call, scope, place in self._made:
            kinds = kinds_of(call, self.keys, scope)
            if kinds:
                made += (Made(key, kind, place, "") for kind in kinds)
                self._note(key, call, scope, kinds)
                continue
            helper = _HELPER.fullmatch(_last(call))
            if helper is not None and call.args:
                kind = helper[1].upper()
                made.append(Made(key, kind, place, ""))
                self._note(key, call, scope, (kind,))
                side: Side = "bind" if kind in BINDING else "connect"
                uses.append((key, self._use(call, call.args[0], side, kind, scope)))
                continue
            target = self.keys.symbol(call.func, scope, call.lineno)
            last = target.rpartition(".")[2].removeprefix("0::")
            if target.startswith((".", "0::")) and (last in giving or _GIVER.search(last)):
                made.append(Made(key, "", place, target))
                # `s = secured(s)` gives the same socket back.
                if not any(self.keys.key(one, scope, call.lineno) == key for one in call.args):
                    self._note(key, call, scope, ())
        return made, uses

    def _note(self, key: str, call: ast.Call, scope: Scope, kinds: tuple[str, ...]) -> None:
        self._by_key.setdefault((key, scope.qualname), []).append((call.lineno, scope.place(call.lineno)[0], kinds))

    def _kinds(self, key: str, scope: Scope, line: int) -> tuple[str, ...]:
        """The types that a socket may have in a line, by what was made under its name before it, branch by branch."""
        path, loops = scope.place(line)
        found: list[tuple[str, ...]] = []
        for at, made, kinds in sorted(self._by_key.get((key, scope.qualname), ()), key=itemgetter(0)):
            if at > line:
                found += [kinds] if any(suite in made for suite in loops) else []
            elif made == path[: len(made)]:
                found = [kinds]
            else:
                found.append(kinds)
        return tuple(dict.fromkeys(kind for kinds in found for kind in kinds)) if all(found) else ()

    def _use(self, call: ast.Call, node: ast.expr, side: Side, kind: str, scope: Scope) -> Use:
        text = ast.unparse(node)
        return Use(
            span_of(call),
            self.source.column(call.lineno, call.col_offset),
            scope.qualname or "<module>",
            side,
            "zmq",
            self.reader.value(node, scope, call.lineno),
            None,
            None,
            _owner(scope),
            dotted(call.func),
            kind,
            text if len(text) <= 100 else text[:99] + "…",
        )

    # -- one call

    def _act(self, seen: _Seen, *, bounded: bool) -> Act | None:
        call, scope, place, _ = seen
        func = call.func
        if not isinstance(func, ast.Attribute):
            return None
        name, line = func.attr, call.lineno
        if _SEND.fullmatch(name):
            what: What = "send"
        elif _RECV.fullmatch(name):
            what = "recv"
        elif name in ("bind", "connect", "poll", "register", "subscribe", "bind_to_random_port"):
            what = "bind" if name.startswith("bind") else name  # type: ignore[assignment]
        elif _OPTION.fullmatch(name) and call.args:
            option = (dotted(call.args[0]) or "").rpartition(".")[2]
            if option not in ("RCVTIMEO", "SUBSCRIBE") or len(call.args) < 2:
                return None
            what = "limit" if option == "RCVTIMEO" else "subscribe"
        else:
            return None
        on = call.args[0] if what == "register" and call.args else func.value
        key = self.keys.key(on, scope, line)
        if not key:
            return None
        text: str | None = None
        address = ""
        given = {one.arg: one.value for one in call.keywords if one.arg}
        if what == "register":
            text = self.keys.key(func.value, scope, line)
        elif what == "send" and call.args:
            text = request_of(call.args[0], self.reader, scope, line)
            text = text if text is not None else topic_of(call.args[0], self.reader, scope, line)
        elif what == "subscribe" and call.args:
            text = topic_of(call.args[-1], self.reader, scope, line)
        elif what in ("bind", "connect") and call.args:
            address = self._address(call.args[0], scope, line)
        elif what == "limit":
            bounded = ends(call.args[1])
        elif what == "poll":
            timeout = call.args[0] if call.args else given.get("timeout")
            bounded = bounded or (timeout is not None and ends(timeout))
        elif what == "recv":
            flags = [*call.args[:1], *(given[one] for one in ("flags",) if one in given)]
            bounded = bounded or any(does_not_wait(one) for one in flags)
        column = self.source.column(call.lineno, call.col_offset)
        kinds = self._kinds(key, scope, line) if what in ("bind", "connect") else ()
        return Act(key, what, place, span_of(call), column, bounded, text, address, kinds)

    def _address(self, node: ast.expr, scope: Scope, line: int) -> str:
        """An address that has no port, ``ipc://…`` or ``inproc://…``; empty for any other."""
        term = self.reader.value(node, scope, line)
        start = term.parts[0] if isinstance(term, Join) else term
        value = start.value if isinstance(start, Const) else ""
        return written(term) if str(value).startswith(("ipc://", "inproc://")) else ""

    def _calls(self, seen: _Seen) -> list[Called]:
        call, scope, place, _ = seen
        looked_up = self._dispatched(call, scope, place)
        if looked_up:
            return looked_up
        if isinstance(call.func, ast.Call):
            return []
        if isinstance(call.func, ast.Subscript) and is_name_of_request(call.func.slice):
            return self._table(call.func.value, scope, place)
        target = self.keys.symbol(call.func, scope, call.lineno)
        if not target:
            return []
        request = ""
        sockets: list[tuple[int | str, str]] = []
        given: list[tuple[int | str, ast.expr]] = [*enumerate(call.args)]
        given += [(each.arg, each.value) for each in call.keywords if each.arg]
        for at, one in given:
            if isinstance(one, (ast.Dict, ast.Name)):
                request = request or request_of(one, self.reader, scope, call.lineno) or ""
            if isinstance(one, (ast.Name, ast.Attribute)):
                key = self.keys.key(one, scope, call.lineno)
                if key in self._kept:
                    sockets.append((at, key))
        return [self._called(target, place, call, request, tuple(sockets))]

    def _called(
        self,
        target: str,
        place: Place,
        node: ast.expr,
        request: str = "",
        sockets: tuple[tuple[int | str, str], ...] = (),
    ) -> Called:
        column = self.source.column(node.lineno, node.col_offset)
        return Called(target, place, span_of(node), column, request, sockets)

    def _dispatched(self, call: ast.Call, scope: Scope, place: Place) -> list[Called]:
        """What a table of functions leads to: ``handlers.get(action)``."""
        match call:
            case ast.Call(func=ast.Attribute(value=base, attr="get"), args=[key, *_]) if is_name_of_request(key):
                return self._table(base, scope, place)
        return []

    def _table(self, base: ast.expr, scope: Scope, place: Place) -> list[Called]:
        display = self.reader.origin(base, scope, place.line)
        if not isinstance(display, ast.Dict):
            return []
        found: list[Called] = []
        for key, value in zip(display.keys, display.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value:
                target = (
                    self.keys.symbol(value, scope, value.lineno) if isinstance(value, (ast.Name, ast.Attribute)) else ""
                )
                if target or isinstance(value, ast.Lambda):
                    under = Place(place.line, place.scope, place.owner, place.loop, (key.value,))
                    self._handled.append(Handled(place, (key.value,)))
                    if target:
                        found.append(self._called(target, under, value))
        return found

    def _gives(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for name, scope in self.reader.functions.items():
            for value in scope.returns:
                key = self.keys.key(value, scope, value.lineno) if isinstance(value, (ast.Name, ast.Attribute)) else ""
                if key:
                    found.append((name, key))
        return found

    # -- names of functions

    def _bases(self, name: str) -> tuple[str, ...]:
        info = self.reader.classes[name]
        outer = info.scope.outer or self.reader.module
        return tuple(one.text for each in info.node.bases if isinstance(one := self.reader.value(each, outer), Symbol))

    def _imports(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for name, bindings in self.reader.module.bindings.items():
            if bindings[-1].how in ("from", "import"):
                term = self.reader.name(name, self.reader.module, None)
                if isinstance(term, Symbol) and in_tree(term):
                    found.append((name, term.text))
        return found


def _parameters(scope: Scope) -> tuple[str, ...]:
    """What a call gives a function, by position."""
    assert isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef))
    args = scope.node.args
    names = tuple(one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs))
    static = any(dotted(one) == "staticmethod" for one in scope.node.decorator_list)
    return names[1:] if scope.owner and not static else names


def _owner(scope: Scope) -> str:
    while scope.outer is not None and not scope.owner:
        scope = scope.outer
    return scope.owner


def _last(call: ast.Call) -> str:
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _arguments(call: ast.Call) -> list[ast.AST]:
    return below(*call.args, *(one.value for one in call.keywords)) if call.args or call.keywords else []
