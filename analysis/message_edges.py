"""The edges of the graph of messages, and the sockets that nobody is on the other side of."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from analysis.other_sides import PAIRS
from analysis.sockets import Edge, Orphan, Service, Socket

if TYPE_CHECKING:
    from analysis.serving import Ask
    from analysis.sockets import Graph


def edges_of(graph: Graph) -> list[Edge]:
    """Who speaks to whom, by client: first what each service's own sockets say, then what it has others do for it."""
    waiting, serving = _asked(graph)
    found: dict[tuple[object, ...], Edge] = {}
    for one in graph.sockets:
        if one.kind in PAIRS:
            asks = waiting.get(one, [])
            _add(found, graph, one, one.service, asks, any((one.service, id(ask)) in serving for ask in asks), "")
    for context, service in graph.contexts.items():
        bases = [tuple(one) for one in graph.flow.lineage(context)]
        for ask in graph.serving.reached(context):
            if ask.function.context != context and tuple(ask.function.context) not in bases:
                through = ask.function.context.name or _stem(ask.path)
                served = any(
                    (ask.path, ask.span) == (each.path, each.span)
                    for region, owner in graph.regions.items()
                    if owner == service
                    for each in region.asks
                )
                for one in graph.sockets_of(ask.function.context, ask.socket):
                    if one.service != service and one.kind in PAIRS:
                        _add(found, graph, one, service, [ask], served, through)
    return sorted(found.values(), key=lambda one: (one.client, one.server, one.kind, one.port or 0, one.path, one.line))


def _add(
    found: dict[tuple[object, ...], Edge],
    graph: Graph,
    one: Socket,
    client: Service,
    asks: list[Ask],
    serving: bool,
    through: str,
) -> None:
    others, sure = graph.answered_by(one)
    for other in others:
        texts = {text for ask in asks for text in ask.requests} | {text for text in one.texts if text and not through}
        if one.kind in ("PUB", "XPUB"):
            texts = _heard(texts, other)
        key = client, other.service, one.path, one.line, one.port, through
        known = found.get(key)
        found[key] = Edge(
            client=client,
            server=other.service,
            kind=PAIRS[one.kind][0],
            port=one.port,
            address=one.address,
            texts=tuple(sorted(texts | set(known.texts if known else ()))),
            by="port" if one.port else "address" if one.address == other.address else "name",
            sure=sure and (known is None or known.sure),
            waits=bool(asks),
            serving=serving or (known is not None and known.serving),
            bounded=all(ask.bounded for ask in asks) and (known is None or known.bounded),
            through=through,
            path=one.path,
            line=one.line,
            given=one.given or other.given,
        )


def _heard(published: set[str], subscriber: Socket) -> set[str]:
    """The topics that get through, as far as both sides are known."""
    asked = [text for text in subscriber.texts if text is not None]
    if not asked:
        return published
    return {text for text in published if any(text.startswith(one) for one in asked)}


def _asked(graph: Graph) -> tuple[dict[Socket, list[Ask]], set[tuple[Service, int]]]:
    """What is asked on each socket by the service that it is of, and what of that while the service serves."""
    waiting: defaultdict[Socket, list[Ask]] = defaultdict(list)
    serving: set[tuple[Service, int]] = set()
    during = {(service, ask.path, ask.span) for region, service in graph.regions.items() for ask in region.asks}
    for context, service in graph.contexts.items():
        for function in graph.flow.functions(context):
            for ask, _ in graph.serving.asks(function):
                for one in graph.sockets_of(context, ask.socket):
                    if one.service == service:
                        waiting[one].append(ask)
                        if (service, ask.path, ask.span) in during:
                            serving.add((service, id(ask)))
    return dict(waiting), serving


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py")


def orphans_of(graph: Graph) -> list[Orphan]:
    """The sockets that nothing of the tree is on the other side of, as far as that is known, and topics likewise."""
    found: list[Orphan] = []
    for one in graph.sockets:
        # What a configuration gives is asked for in the place of the source's own number.
        why = _alone(graph, one) if one.certainty != "configured" else ""
        if why:
            found.append(Orphan(one, why, graph.unread(one) if why in _ALONE.values() else ""))
    return sorted(found, key=lambda one: (one.socket.path, one.socket.line, one.socket.port or 0, one.socket.service))


_ALONE = {
    "REQ": "asked, and nobody answers",
    "DEALER": "asked, and nobody answers",
    "SUB": "subscribed to, and nobody publishes",
    "XSUB": "subscribed to, and nobody publishes",
    "PUB": "published, and nobody subscribes",
    "XPUB": "published, and nobody subscribes",
    "PUSH": "pushed, and nobody pulls",
    "PULL": "pulled, and nobody pushes",
}
_SERVED = frozenset({"REQ", "DEALER", "SUB", "XSUB"})
"""What says nothing where it is bound: whoever connects may be outside of the tree."""


def _alone(graph: Graph, one: Socket) -> str:
    others, _ = graph.answered_by(one)
    if not others:
        if not one.port and not one.address.startswith(("ipc://", "inproc://")):
            return ""
        if "" in one.kinds or _any_other(graph, one) or graph.may_be(one):
            return ""
        return _ALONE.get(one.kind, "") if one.side == "connect" or one.kind not in _SERVED else ""
    if one.kind in ("SUB", "XSUB") and one.texts and None not in one.texts and "" not in one.texts:
        published = {text for other in others for text in other.texts}
        if published and None not in published:
            silent = [
                topic for topic in one.texts if not any((text or "").startswith(topic or "") for text in published)
            ]
            if silent:
                return f"subscribed to {', '.join(map(repr, silent))}, which nobody publishes there"
    if one.kind in ("PUB", "XPUB") and one.texts and None not in one.texts:
        heard = {text for other in others for text in other.texts}
        if heard and None not in heard:
            unheard = [topic for topic in one.texts if not any((topic or "").startswith(text or "") for text in heard)]
            if unheard:
                return f"publishes {', '.join(map(repr, unheard))}, which nobody subscribes to"
    return ""


def _any_other(graph: Graph, one: Socket) -> bool:
    """Whether what the same call may be besides is answered: with another number, or of another type."""
    if one.certainty != "choice" and not one.given and len(one.kinds) == 1:
        return False
    place = one.path, one.line, one.column, one.service
    return any(
        graph.answered_by(other)[0]
        for other in graph.sockets
        if (other.path, other.line, other.column, other.service) == place
    )
