"""Who asks whom, who publishes what to whom: the graph of messages between the services of a tree.

A service is an owner of the port table, a class or a script. What it binds and what others connect to are matched by
machine and port, or by the same address where no port is known. Requests that wait for their answer in a circle are
found on it (:mod:`analysis.request_loops`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from analysis import ports
from analysis.collectors.port_records import Side
from analysis.collectors.ports import PortCollector
from analysis.collectors.socket_records import Act, Messaging
from analysis.collectors.sockets import SocketCollector
from analysis.collectors.unread_sockets import UnreadSocket, UnreadSockets
from analysis.flow import Context, Flow, Function, SocketId
from analysis.other_sides import Kind, Others, apart, fit
from analysis.serving import Region, Serving
from analysis.walk import Collector

if TYPE_CHECKING:
    from analysis.project import Project

COLLECTORS: tuple[type[Collector], ...] = (PortCollector, SocketCollector, UnreadSockets)


class Service(msgspec.Struct, frozen=True, order=True):
    """An agent: the class or script ``name`` of the file ``home``, on ``machine`` where that is known."""

    machine: str
    name: str
    home: str


class Socket(msgspec.Struct, frozen=True, kw_only=True):
    """A socket of a service where it is bound or connected, once for each port and type that it may have.

    ``kind`` is its ZeroMQ type, empty where it is not known, and ``kinds`` are all those that it may be; ``port`` None
    where only the ``address`` is, which is that of ``ipc`` and ``inproc``, or an expression. ``certainty`` is that of
    the port table. ``timeout``: it was given one for receiving. ``texts`` are the requests that are sent on it, the
    topics that are published, or those that are subscribed to; None where the source does not say all of them.
    ``given``: what configurations say of the number, and where; with the certainty ``configured`` it is theirs alone,
    else they give another one in its place.
    """

    service: Service
    kind: str
    side: Side
    port: int | None
    host: str
    address: str
    certainty: str
    path: str
    line: int
    column: int
    key: str
    timeout: bool
    texts: tuple[str | None, ...]
    identity: SocketId
    context: Context
    kinds: tuple[str, ...]
    given: str = ""


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """From who speaks first (who asks, publishes or pushes) to who answers or gets it.

    ``by``: what they were matched by; a ``name`` is that of a service that is looked up. ``sure``: the port or address
    is known, and only services of one name have the other side of it. ``waits``: the answer is waited for; ``serving``:
    while requests are served; ``bounded``: no wait is without an end. ``through`` is the class or module that does it
    for the client. ``path`` and ``line`` are where the client's socket is bound or connected. ``given`` is what
    configurations say of the number of the side that binds, and where, when the source alone does not decide it.
    """

    client: Service
    server: Service
    kind: Kind
    port: int | None
    address: str
    texts: tuple[str, ...]
    by: Literal["port", "address", "name"]
    sure: bool
    waits: bool
    serving: bool
    bounded: bool
    through: str
    path: str
    line: int
    given: str = ""


class Served(msgspec.Struct, frozen=True):
    """A loop of a service that receives requests: the ports it does so on, and what it tells apart, and where."""

    service: Service
    ports: tuple[int, ...]
    path: str
    line: int
    requests: tuple[tuple[str, str, int], ...]


class Orphan(msgspec.Struct, frozen=True):
    """A socket whose other side the tree does not have, or a topic: ``why`` says which, in words.

    ``unread`` is the place in a file that does not parse where the port stands, and the other side may be.
    """

    socket: Socket
    why: str
    unread: str = ""


class Graph:
    """The messages of a tree."""

    def __init__(
        self,
        project: Project,
        machines: Mapping[str, Sequence[str]] | None = None,
        left_out: Callable[[str], bool] | None = None,
    ) -> None:
        """``project`` answers ``COLLECTORS``; what is in files that are ``left_out`` plays no part."""
        keep = {path: facts for path, facts in project.files.items() if left_out is None or not left_out(path)}
        self.machines = machines if machines is not None else ports.machines_of(project)
        messages: dict[str, Messaging] = {
            path: found[0] for path, facts in keep.items() if (found := facts.records(SocketCollector))
        }
        uses = {path: tuple(use for _, use in one.uses) for path, one in messages.items() if one.uses}
        rows = [
            row
            for row in ports.sockets(project, machines, uses, configured=True)
            if (row.path in keep and row.home in keep) and row.by in ("zmq", "socket")
        ]
        self.flow = Flow(messages, project.files)
        self.serving = Serving(self.flow)
        self.sockets = tuple(_Sockets(self, messages, rows).found())
        self._by_id: defaultdict[tuple[Context, SocketId], list[Socket]] = defaultdict(list)
        for one in self.sockets:
            self._by_id[one.context, one.identity].append(one)
        self._servers = Others(self.sockets)
        self._unread: defaultdict[int, list[tuple[str, UnreadSocket]]] = defaultdict(list)
        for path, facts in keep.items():
            for number in facts.salvaged(UnreadSockets):
                self._unread[number.port].append((path, number))
        contexts = {one.context: one.service for one in self.sockets}
        self.regions: dict[Region, Service] = {
            region: service for context, service in contexts.items() for region in self.serving.regions(context)
        }
        self.contexts = contexts

    @property
    def served(self) -> tuple[Served, ...]:
        """The loops that receive requests, by service."""
        found = []
        for region, service in self.regions.items():
            bound = [each for one in region.sockets for each in self._by_id.get((region.context, one), ())]
            numbers = sorted({each.port for each in bound if each.port and each.certainty != "configured"})
            found.append(Served(service, tuple(numbers), region.path, region.line, region.requests))
        return tuple(sorted(found, key=lambda one: (one.service, one.path, one.line)))

    def sockets_of(self, context: Context, one: SocketId) -> list[Socket]:
        """Where a socket of a context is bound or connected: by the context itself, else by a base class for it."""
        found = [
            each
            for other in (one, *self.serving.givers(context, one))
            for each in self._by_id.get((context, other), ())
        ]
        if found:
            return found
        for base in self.flow.lineage(context):
            inner = Context(base.path, base.name)
            found = self._by_id.get((inner, SocketId(inner, one.key) if one.key.startswith("self.") else one), [])
            if found:
                return found
        return self._by_id.get((one.context, one), []) if one.context != context else []

    def answered_by(self, one: Socket) -> tuple[list[Socket], bool]:
        """The other sides of a socket, and whether it is sure that they are."""
        return self._servers.of(one)

    def may_be(self, one: Socket) -> bool:
        """Whether the other side of a socket may be one of the tree whose type or number is not known.

        So it is where a service binds the port for a socket of another type, and one that fits to a number not known.
        """
        return self._servers.may_be(one)

    def unread(self, one: Socket) -> str:
        """The place of its port in the nearest file that does not parse and names a type that fits; else empty."""
        found = [
            (apart(one.service.home, path), path, each.line)
            for path, each in self._unread.get(one.port or -1, ())
            if any(fit(one.kind, kind) for kind in each.kinds)
        ]
        return "{1}:{2}".format(*min(found)) if found else ""

    def edges(self) -> list[Edge]:
        """Who speaks to whom, by client."""
        from analysis.message_edges import edges_of

        return edges_of(self)


class _Sockets:
    """The sockets of a tree, made from the rows of its port table and from what is done to them."""

    def __init__(self, graph: Graph, messages: Mapping[str, Messaging], rows: Iterable[ports.Row]) -> None:
        self.flow = graph.flow
        self.serving = graph.serving
        self.machines = graph.machines
        self.messages = messages
        self.rows = list(_told_once(rows))
        self._sent: dict[Context, dict[SocketId, list[str | None]]] = {}

    def found(self) -> Iterator[Socket]:
        seen: set[Socket] = set()
        for one in (*self._of_rows(), *self._without_ports()):
            if one not in seen:
                seen.add(one)
                yield one

    def _of_rows(self) -> Iterator[Socket]:
        acts: dict[tuple[str, int, int, str], Act] = {}
        helped: dict[tuple[str, int, int, str], str] = {}
        for path, record in self.messages.items():
            for act in record.acts:
                if act.what in ("bind", "connect"):
                    acts[path, act.span.line, act.span.col + 1, act.what] = act
            for key, use in record.uses:
                helped[path, use.span.line, use.span.col + 1, use.side] = key
        scopes: dict[tuple[str, int, int, str], str] = {
            (path, use.span.line, use.span.col + 1, use.side): use.scope
            for path, record in self.messages.items()
            for _, use in record.uses
        }
        for row, given in self.rows:
            place: tuple[str, int, int, str] = row.path, row.line, row.column, row.side
            found = acts.get(place)
            kinds: Sequence[str] = ()
            if found is not None:
                key, scope, kinds = found.key, found.place.scope, found.kinds
            elif place in helped:
                key, scope, kinds = helped[place], scopes[place].replace("<module>", ""), (row.socket,)
            elif row.by != "zmq":
                continue
            else:
                key, scope = "", ""
            if row.side in ("bind", "connect"):
                yield from self._made(row, given, key, scope, kinds)

    def _made(self, row: ports.Row, given: str, key: str, scope: str, kinds: Sequence[str]) -> Iterator[Socket]:
        context = self.flow.context(row.home, row.owner)
        function = Function(context, row.path, scope)
        if context.name and scope and function not in self.flow.functions(context):
            # A derived class has another method in the place of this one.
            return
        one = self.flow.socket(key, function)
        known = self.serving.kinds(context).get(one) or self.serving.kinds(Context(row.path, "")).get(one)
        handed = self.serving.handed(function, key) if not kinds and not known else set()
        known = known or handed
        if row.by == "socket" and not known:
            return
        # A base class may keep another socket under the same name.
        every = _types(kinds or known or (row.socket,))
        # What a method is handed goes together, and with the numbers of a configuration it is not known how.
        unmatched = row.certainty == "configured" and len(handed) > 1
        for kind in ("",) if unmatched else every:
            yield Socket(
                # A configuration on another machine makes no other service of it.
                service=Service(ports.machine_of(row.home, self.machines), row.owner, row.home),
                kind=kind,
                side=row.side,  # type: ignore[arg-type]
                port=row.port,
                host=row.host,
                address="" if row.port is not None else row.expression,
                certainty=row.certainty,
                path=row.path,
                line=row.line,
                column=row.column,
                key=key,
                timeout=self.serving.limited(context, one),
                texts=self._texts(context, one),
                identity=one,
                context=context,
                kinds=every,
                given=given,
            )

    def _without_ports(self) -> Iterator[Socket]:
        """The sockets of ``ipc`` and ``inproc``."""
        for path, record in self.messages.items():
            for act in record.acts:
                if act.address:
                    owner = act.place.owner
                    name = owner or path.rpartition("/")[2].removesuffix(".py")
                    context = self.flow.context(path, owner)
                    one = self.flow.socket(act.key, Function(context, path, act.place.scope))
                    every = _types(act.kinds or self.serving.kinds(context).get(one, ()))
                    for kind in every:
                        yield Socket(
                            service=Service(ports.machine_of(path, self.machines), name, path),
                            kind=kind,
                            side="bind" if act.what == "bind" else "connect",
                            port=None,
                            host="",
                            address=act.address,
                            certainty="exact" if "{" not in act.address else "expression",
                            path=path,
                            line=act.span.line,
                            column=act.span.col + 1,
                            key=act.key,
                            timeout=self.serving.limited(context, one),
                            texts=self._texts(context, one),
                            identity=one,
                            context=context,
                            kinds=every,
                        )

    def _texts(self, context: Context, one: SocketId) -> tuple[str | None, ...]:
        if context not in self._sent:
            found: defaultdict[SocketId, list[str | None]] = defaultdict(list)
            for function in self.flow.functions(context):
                for act in self.flow.acts.get(function.path, {}).get(function.name, ()):
                    if act.what in ("send", "subscribe"):
                        found[self.flow.socket(act.key, function)].append(act.text)
            self._sent[context] = dict(found)
        texts = set(self._sent[context].get(one, ()))
        return tuple(sorted(texts, key=lambda text: (text is None, text or "")))


def _told_once(rows: Iterable[ports.Row]) -> Iterator[tuple[ports.Row, str]]:
    """Each row with what configurations say of its number; of theirs those that give a number of their own."""
    said: defaultdict[tuple[object, ...], list[ports.Row]] = defaultdict(list)
    own: defaultdict[tuple[object, ...], set[int | None]] = defaultdict(set)
    every = list(rows)
    for row in every:
        if row.certainty == "configured":
            said[_place_of(row)].append(row)
        else:
            own[_place_of(row)].add(row.port)
    for row in every:
        place = _place_of(row)
        if row.certainty != "configured":
            others = [one for one in said.get(place, ()) if one.port is None or one.port not in own[place]]
            yield row, "; ".join(f"{_value(one)} by {_asked_where(one)}" for one in others)
        elif row.port is not None and row.port not in own[place]:
            yield row, f"{row.port} by {row.given}"


def _types(kinds: Iterable[str]) -> tuple[str, ...]:
    """The types of a socket in order, empty for one that is not known."""
    return tuple(sorted({kind.strip("?") for kind in kinds})) or ("",)


def _place_of(row: ports.Row) -> tuple[object, ...]:
    return row.path, row.line, row.column, row.side, row.owner, row.home


def _value(row: ports.Row) -> str:
    return row.expression if row.port is None else str(row.port)


def _asked_where(row: ports.Row) -> str:
    """What a row is given by, without the number of the source, which is known then."""
    return row.given.partition("; ")[0]
