"""Services that wait for each other's answers: circles of requests that are sent while requests are served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from analysis.cycles import way
from analysis.serving import Ask, Region

if TYPE_CHECKING:
    from analysis.sockets import Graph, Service, Socket


class Step(msgspec.Struct, frozen=True):
    """A request from ``client`` to ``server`` at ``port``, which ``ask`` sends; without ``serving`` at another time."""

    client: Service
    server: Service
    port: int | None
    address: str
    ask: Ask
    serving: bool


class Loop(msgspec.Struct, frozen=True):
    """A shortest way round, from a service back to itself, in the order of the requests."""

    steps: tuple[Step, ...]

    @property
    def services(self) -> tuple[Service, ...]:
        """The services on the way, each once."""
        return tuple(one.client for one in self.steps)

    @property
    def endless(self) -> bool:
        """Whether no wait in it ends by itself."""
        return not any(one.ask.bounded for one in self.steps)


class Loops(msgspec.Struct, frozen=True):
    """The circles of a graph of messages.

    ``deadlocks``: each request that closes a circle of serving loops, with a shortest way back. ``possible``: the same
    where a port of the way is one that several may answer. ``coupled``: circles that are only closed by requests which
    are sent at other times than while the service serves, one for each set of services.
    """

    deadlocks: tuple[Loop, ...]
    possible: tuple[Loop, ...]
    coupled: tuple[Loop, ...]


def loops_of(graph: Graph) -> Loops:
    """The circles of ``graph``, the shortest first."""
    deadlocks = _closed(_serving(graph, unsure=False))
    known = {(one.steps[0].ask.path, one.steps[0].ask.span) for one in deadlocks}
    possible = [
        one
        for one in _closed(_serving(graph, unsure=True))
        if (one.steps[0].ask.path, one.steps[0].ask.span) not in known
    ]
    apart: defaultdict[tuple[str, str], list[Step]] = defaultdict(list)
    for context, service in graph.contexts.items():
        own = (region for region, owner in graph.regions.items() if owner == service)
        during = {(ask.path, ask.span) for region in own for ask in region.asks}
        for ask in graph.serving.reached(context):
            for step, _ in _steps(graph, service, ask, unsure=False, serving=(ask.path, ask.span) in during):
                apart[_label(step.client), _label(step.server)].append(step)
    blocked = {_label(one) for loop in deadlocks for one in loop.services}
    coupled = [loop for loop in _closed(apart) if not all(_label(one) in blocked for one in loop.services)]
    return Loops(tuple(deadlocks), tuple(possible), tuple(_once(coupled)))


def circles(loops: Iterable[Loop]) -> list[Loop]:
    """``loops`` with each circle once, whichever of its requests was found first: it begins at the first by place."""
    found: dict[tuple[object, ...], Loop] = {}
    for one in loops:
        keys = [_sort_key(step) for step in one.steps]
        start = keys.index(min(keys))
        found.setdefault((*keys[start:], *keys[:start]), Loop((*one.steps[start:], *one.steps[:start])))
    return list(found.values())


def _serving(graph: Graph, *, unsure: bool) -> dict[tuple[str, str], list[Step]]:
    """What is asked from one serving loop to the next; ``unsure``: also through ports that several may answer."""
    found: defaultdict[tuple[str, str], list[Step]] = defaultdict(list)
    names = {region: f"{at:06}" for at, region in enumerate(sorted(graph.regions, key=_place))}
    answering: defaultdict[Socket, list[Region]] = defaultdict(list)
    for region in graph.regions:
        for one in region.sockets:
            for socket in graph.sockets_of(region.context, one):
                answering[socket].append(region)
    for region, service in graph.regions.items():
        for ask in region.asks:
            for step, server in _steps(graph, service, ask, unsure=unsure, serving=True):
                for other in answering.get(server, ()):
                    found[names[region], names[other]].append(step)
    return found


def _steps(graph: Graph, service: Service, ask: Ask, *, unsure: bool, serving: bool) -> list[tuple[Step, Socket]]:
    found: list[tuple[Step, Socket]] = []
    for one in graph.sockets_of(ask.function.context, ask.socket):
        if one.kind == "REQ":
            others, sure = graph.answered_by(one)
            if sure or unsure:
                steps = (Step(service, other.service, one.port, one.address, ask, serving) for other in others)
                found += zip(steps, others, strict=True)
    return found


def _closed(edges: dict[tuple[str, str], list[Step]]) -> list[Loop]:
    """For each request in a circle a shortest way round that it closes."""
    import networkx as nx

    between: nx.DiGraph[str] = nx.DiGraph()
    between.add_edges_from(sorted(edges))
    found: list[Loop] = []
    for component in nx.strongly_connected_components(between):
        inside = between.subgraph(component)
        for start, end in sorted(inside.edges):
            back = () if start == end else way(inside, end, start)
            round_trip = (*back, start)
            rest = tuple(_first(edges[pair]) for pair in pairwise(round_trip))
            found += (Loop((step, *rest)) for step in _each_place(edges[start, end]))
    return sorted(found, key=lambda loop: (len(loop.steps), _sort_key(loop.steps[0])))


def _each_place(steps: list[Step]) -> list[Step]:
    found: dict[tuple[object, ...], Step] = {}
    for one in sorted(steps, key=_sort_key):
        found.setdefault((one.client, one.ask.path, one.ask.span), one)
    return list(found.values())


def _first(steps: list[Step]) -> Step:
    """The request to name of several: one whose wait has no end comes first."""
    return min(steps, key=lambda one: (one.ask.bounded, _sort_key(one)))


def _sort_key(one: Step) -> tuple[object, ...]:
    return one.ask.path, one.ask.span.line, one.ask.span.col, one.client, one.server, one.port or 0


def _once(loops: list[Loop]) -> list[Loop]:
    """Each set of services once."""
    found: dict[frozenset[Service], Loop] = {}
    for one in loops:
        found.setdefault(frozenset(one.services), one)
    return list(found.values())


def _place(region: Region) -> tuple[object, ...]:
    return region.context, region.path, region.line


def _label(service: Service) -> str:
    return f"{service.machine}|{service.name}|{service.home}"
