"""What a service does while it serves: the loops that receive requests, and what they ask of others meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from analysis.collectors.socket_records import Act, Called
from analysis.facts import Span
from analysis.flow import Context, Flow, Function, SocketId

SERVING = frozenset({"REP", "ROUTER"})
ASKING = frozenset({"REQ"})


class Ask(msgspec.Struct, frozen=True):
    """A request that is sent and whose answer is waited for, in ``function``, on ``socket``.

    ``path``, ``span``, ``column`` and ``scope`` are those of the send, or of the recv where another function sends.
    ``bounded``: the wait ends by itself. ``requests`` are those that are sent, as far as they are known; ``under`` the
    requests that are handled when it is sent, and ``trail`` the functions that lead to it from the loop.
    """

    socket: SocketId
    function: Function
    path: str
    span: Span
    column: int
    scope: str
    bounded: bool
    requests: tuple[str, ...]
    under: tuple[str, ...] = ()
    trail: tuple[str, ...] = ()


class Region(msgspec.Struct, frozen=True):
    """A part of a service that one thread runs over and over: all that the loop which receives on ``sockets`` leads to.

    ``line`` is that of the first recv, in the file at ``path``. ``requests`` are those that are told apart, each with
    the place of its test.
    """

    context: Context
    sockets: frozenset[SocketId]
    path: str
    line: int
    asks: tuple[Ask, ...]
    requests: tuple[tuple[str, str, int], ...]


class _Site(NamedTuple):
    """A loop of a function; with ``loop`` 0 all of the function."""

    function: Function
    loop: int


class Serving:
    """Answers for the contexts of a tree, from its ``flow``."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._kinds: dict[Context, dict[SocketId, set[str]]] = {}
        self._limits: dict[Context, dict[SocketId, bool]] = {}
        self._givers: dict[Context, dict[SocketId, list[SocketId]]] = {}
        self._pollers: dict[Context, dict[SocketId, set[SocketId]]] = {}
        self._received: dict[Context, dict[SocketId, list[tuple[Function, Act]]]] = {}
        self._asks: dict[Function, list[tuple[Ask, frozenset[int]]]] = {}
        self._passed: dict[Function, set[str]] | None = None

    # -- sockets

    def kinds(self, context: Context) -> dict[SocketId, set[str]]:
        """The ZeroMQ types of the sockets that the functions of a context make, ``?`` for one that is not known."""
        if context not in self._kinds:
            found: defaultdict[SocketId, set[str]] = defaultdict(set)
            given: dict[SocketId, None] = {}
            for function in self.flow.functions(context):
                for made in self.flow.made.get(function.path, {}).get(function.name, ()):
                    one = self.flow.socket(made.key, function)
                    found[one] |= {made.kind} - {""}
                    if made.via:
                        given[one] = None
            for one in given:
                for other in self.givers(context, one):
                    found[one] |= found.get(other, set())
            self._kinds[context] = {one: kinds for one, kinds in found.items() if kinds}
        return self._kinds[context]

    def handed(self, function: Function, key: str) -> set[str]:
        """The types of the sockets that its context hands to a function under ``key``, where any of them is known."""
        known = self.flow.across.functions.get(function.path, {}).get(function.name)
        parameters = known.parameters if known is not None else ()
        name = key.removeprefix(f"{function.name}:")
        found: set[str] = set()
        for caller in self.flow.functions(function.context) if name in parameters else ():
            for call, callee in self.flow.callees(caller):
                if callee == function:
                    at = parameters.index(name)
                    given = (self.flow.socket(one, caller) for place, one in call.sockets if place in (at, name))
                    found |= {kind for one in given for kind in self._kind(one, caller)} or {"?"}
        return found if found - {"?"} else set()

    def givers(self, context: Context, one: SocketId) -> list[SocketId]:
        """The sockets of other functions that ``one`` is a name for: those functions gave them back."""
        if context not in self._givers:
            found: defaultdict[SocketId, list[SocketId]] = defaultdict(list)
            for function in self.flow.functions(context):
                for made in self.flow.made.get(function.path, {}).get(function.name, ()):
                    if made.via:
                        found[self.flow.socket(made.key, function)] += self._given(made.via, function)
            self._givers[context] = dict(found)
        return self._givers[context].get(one, [])

    def _given(self, via: str, function: Function) -> Iterator[SocketId]:
        if via.startswith("."):
            method = self.flow.methods(function.context).get(via[1:])
            inner = Function(function.context, method.path, method.name) if method is not None else None
        else:
            inner = Function(function.context, function.path, via[3:])
        if inner is not None and inner.path in self.flow.records:
            for name, key in self.flow.records[inner.path].gives:
                if name == inner.name:
                    yield self.flow.socket(key, inner)

    def _kind(self, one: SocketId, function: Function) -> set[str]:
        found = self.kinds(function.context).get(one)
        if found is None and not one.key.startswith("self."):
            # A socket of the module, used in a class of it.
            found = self.kinds(one.context).get(one)
        return found or set()

    def limited(self, context: Context, one: SocketId) -> bool:
        """Whether a socket was given a timeout for receiving that ends."""
        self._read(context)
        return any(self._limits[context].get(each, False) for each in (one, *self.givers(context, one)))

    def _read(self, context: Context) -> None:
        if context in self._limits:
            return
        limits: dict[SocketId, bool] = {}
        pollers: defaultdict[SocketId, set[SocketId]] = defaultdict(set)
        received: defaultdict[SocketId, list[tuple[Function, Act]]] = defaultdict(list)
        for function in self.flow.functions(context):
            for act in self._acts(function):
                one = self.flow.socket(act.key, function)
                if act.what == "limit":
                    limits[one] = limits.get(one, False) or act.bounded
                elif act.what == "register" and act.text:
                    pollers[one].add(self.flow.socket(act.text, function))
                elif act.what == "recv":
                    received[one].append((function, act))
        self._limits[context] = limits
        self._pollers[context] = dict(pollers)
        self._received[context] = dict(received)

    def _acts(self, function: Function) -> list[Act]:
        return self.flow.acts.get(function.path, {}).get(function.name, [])

    # -- what is asked

    def asks(self, function: Function) -> list[tuple[Ask, frozenset[int]]]:
        """What a function asks and waits for, each with the loops of the function that it stands in."""
        if function not in self._asks:
            self._asks[function] = list(self._found(function))
        return self._asks[function]

    def _found(self, function: Function) -> Iterator[tuple[Ask, frozenset[int]]]:
        acts: defaultdict[SocketId, list[Act]] = defaultdict(list)
        for act in self._acts(function):
            if act.what in ("send", "recv"):
                acts[self.flow.socket(act.key, function)].append(act)
        for one, found in acts.items():
            if not self._kind(one, function) & ASKING:
                continue
            sends = [act for act in found if act.what == "send"]
            waits = [act for act in found if act.what == "recv"]
            for send in sends:
                where = function
                wait = next((act for act in waits if _start(act) >= _start(send)), None)
                if wait is None:
                    where, wait = self._elsewhere(one, function)
                if wait is not None:
                    ask = self._ask(one, function, send, where, wait, (send.text,) if send.text else ())
                    yield ask, frozenset({send.place.loop, wait.place.loop})
            if not sends:
                for wait in waits:
                    yield self._ask(one, function, wait, function, wait, ()), frozenset({wait.place.loop})

        for call, callee in self.flow.callees(function):
            for at, key in call.sockets:
                one = self.flow.socket(key, function)
                if self._kind(one, function) & ASKING:
                    yield from self._handed(call, callee, at, one, function)

    def _handed(
        self, call: Called, callee: Function, at: int | str, one: SocketId, function: Function
    ) -> Iterator[tuple[Ask, frozenset[int]]]:
        """What a function asks on a socket that is handed to it: asked where that is done."""
        parameters = self.flow.across.functions[callee.path][callee.name].parameters
        name = at if isinstance(at, str) else parameters[at] if at < len(parameters) else ""
        inner = [act for act in self._acts(callee) if act.key == f"{callee.name}:{name}"]
        wait = next((act for act in inner if act.what == "recv"), None)
        if wait is not None:
            asked = tuple(sorted({act.text for act in inner if act.what == "send" and act.text}))
            ask = self._ask(one, function, call, callee, wait, asked or ((call.request,) if call.request else ()))
            polled = self._polled(self.flow.socket(wait.key, callee), callee)
            yield msgspec.structs.replace(ask, bounded=ask.bounded or polled), frozenset({call.place.loop})

    def _elsewhere(self, one: SocketId, function: Function) -> tuple[Function, Act | None]:
        """Where the answer is waited for that this function does not wait for itself."""
        self._read(function.context)
        received = self._received[function.context].get(one, [])
        for where, act in received:
            if any(each == where for _, each in self.flow.callees(function)):
                return where, act
        return function, None

    def _ask(
        self, one: SocketId, function: Function, at: Act | Called, where: Function, wait: Act, requests: tuple[str, ...]
    ) -> Ask:
        bounded = wait.bounded or self.limited(function.context, one) or self._polled(one, where)
        if not requests:
            requests = tuple(sorted(self._handed_over().get(function, ())))
        place = at.place
        return Ask(one, function, function.path, at.span, at.column, place.scope, bounded, requests, place.under)

    def _polled(self, one: SocketId, function: Function) -> bool:
        self._read(function.context)
        watched = {one, *self._pollers[function.context].get(one, ())}
        return any(
            act.what == "poll" and act.bounded and self.flow.socket(act.key, function) in watched
            for act in self._acts(function)
        )

    def _handed_over(self) -> dict[Function, set[str]]:
        """The requests that are passed to each function as an argument."""
        if self._passed is None:
            found: defaultdict[Function, set[str]] = defaultdict(set)
            for path, record in self.flow.records.items():
                if any(call.request for call in record.calls):
                    owners = {call.place.owner for call in record.calls if call.request}
                    for owner in sorted(owners):
                        context = Context(path, owner)
                        for scope in {call.place.scope for call in record.calls if call.place.owner == owner}:
                            for call, callee in self.flow.callees(Function(context, path, scope)):
                                if call.request:
                                    found[callee].add(call.request)
            self._passed = dict(found)
        return self._passed

    # -- what is served

    def regions(self, context: Context) -> list[Region]:
        """The parts of a context that receive requests: one for each loop, in the order of the source."""
        found: dict[frozenset[_Site], list[tuple[SocketId, str, int]]] = {}
        for function in self.flow.functions(context):
            for act in self._acts(function):
                one = self.flow.socket(act.key, function)
                if act.what == "recv" and self._kind(one, function) & SERVING:
                    sites = frozenset(self._sites(_Site(function, act.place.loop)))
                    found.setdefault(sites, []).append((one, function.path, act.span.line))
        made = [self._region(context, sites, received) for sites, received in found.items()]
        return sorted(made, key=lambda one: (one.path, one.line))

    def _sites(self, first: _Site) -> Iterable[_Site]:
        """The loop around a recv: where its function has none, those around the calls of the function."""
        found = {first: None}
        for site in (todo := [first]):
            if site.loop:
                continue
            for caller in self.flow.functions(site.function.context):
                for call, callee in self.flow.callees(caller):
                    other = _Site(caller, call.place.loop)
                    if callee == site.function and other not in found:
                        found[other] = None
                        todo.append(other)
        return found

    def _region(self, context: Context, sites: frozenset[_Site], received: list[tuple[SocketId, str, int]]) -> Region:
        entries: list[tuple[Function, int, tuple[str, ...], tuple[str, ...]]] = [
            (site.function, site.loop, (), ())
            for site in sorted(sites, key=lambda one: (one.function.path, one.function.name, one.loop))
        ]
        asks, requests = self._reached(entries)
        place = min((path, line) for _, path, line in received)
        return Region(context, frozenset(one for one, _, _ in received), *place, tuple(asks), tuple(requests))

    def reached(self, context: Context) -> list[Ask]:
        """All that the functions of a context ask, and those that they call."""
        return self._reached([(one, 0, (), ()) for one in self.flow.functions(context)])[0]

    def _reached(
        self, entries: list[tuple[Function, int, tuple[str, ...], tuple[str, ...]]]
    ) -> tuple[list[Ask], list[tuple[str, str, int]]]:
        seen = {(function, loop) for function, loop, _, _ in entries}
        asks: dict[tuple[str, Span, SocketId], Ask] = {}
        requests: dict[tuple[str, str, int], None] = {}
        # The list grows while it is read: what is near comes first.
        for function, loop, under, trail in (todo := list(entries)):
            for ask, loops in self.asks(function):
                if not loop or loop in loops:
                    known = msgspec.structs.replace(ask, under=ask.under or under, trail=trail)
                    asks.setdefault((ask.path, ask.span, ask.socket), known)
            for one in self.flow.handled.get(function.path, {}).get(function.name, ()):
                if not loop or one.place.loop == loop:
                    requests.update({(name, function.path, one.place.line): None for name in one.requests})
            for call, callee in self.flow.callees(function):
                if (not loop or call.place.loop == loop) and (callee, 0) not in seen:
                    seen.add((callee, 0))
                    todo.append((callee, 0, _under(call, under), (*trail, _name(callee))))
        return list(asks.values()), list(requests)


def _start(act: Act) -> tuple[int, int]:
    return act.span.line, act.span.col


def _under(call: Called, under: tuple[str, ...]) -> tuple[str, ...]:
    return call.place.under or under


def _name(function: Function) -> str:
    return function.name.rpartition(".")[2]
