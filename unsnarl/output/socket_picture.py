"""The graph of messages as a picture: a box for each machine, requests that can hang in a circle in red."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsnarl.output.port_picture import escaped, quoted, title
from unsnarl.output.socket_text import Message

if TYPE_CHECKING:
    from analysis.sockets import Edge, Service

_ARROWS = {"request": "normal", "publish": "vee", "push": "empty"}
_LABELS = 3


class _Arrow:
    """All that one service says to another in one way."""

    def __init__(self, shown: Message) -> None:
        found: defaultdict[tuple[Service, Service, str], list[Edge]] = defaultdict(list)
        for one in shown.edges:
            found[one.client, one.server, one.kind].append(one)
        self.edges = dict(sorted(found.items()))
        self.hanging = {(step.client, step.server) for loop in shown.loops.deadlocks for step in loop.steps}
        nodes = {service for client, server, _ in found for service in (client, server)}
        ordered = sorted(nodes, key=lambda one: (not one.machine, one))
        self.names = {service: f"n{at}" for at, service in enumerate(ordered)}
        self.machines: defaultdict[str, list[Service]] = defaultdict(list)
        for service in ordered:
            self.machines[service.machine].append(service)
        names = [service.name for service in ordered]
        self.labels = {
            service: service.name if names.count(service.name) == 1 else f"{service.name} ({service.home})"
            for service in ordered
        }


def _label(edges: list[Edge]) -> str:
    numbers = list(dict.fromkeys(str(one.port) if one.port else one.address for one in edges))
    texts = sorted({text for one in edges for text in one.texts if text})
    said = [", ".join(each[:_LABELS]) + ("…" if len(each) > _LABELS else "") for each in (numbers, texts) if each]
    return ": ".join(said)


def as_dot(shown: Message, parts: Sequence[str]) -> str:
    """A graph for Graphviz."""
    del parts
    drawn = _Arrow(shown)
    lines = ["digraph sockets {", "  rankdir=LR;", "  node [shape=box];", "  edge [fontsize=10];"]
    for at, (machine, services) in enumerate(drawn.machines.items()):
        lines.append(f"  subgraph cluster_{at} {{")
        lines.append(f'    label="{quoted(title(machine))}";')
        lines += [f'    {drawn.names[one]} [label="{quoted(drawn.labels[one])}"];' for one in services]
        lines.append("  }")
    for (client, server, kind), edges in drawn.edges.items():
        look = [f'label="{quoted(_label(edges))}"', f"arrowhead={_ARROWS[kind]}"]
        look += [] if any(one.sure for one in edges) else ["style=dashed"]
        look += ["color=red"] if kind == "request" and (client, server) in drawn.hanging else []
        lines.append(f"  {drawn.names[client]} -> {drawn.names[server]} [{', '.join(look)}];")
    return "\n".join((*lines, "}")) + "\n"


def as_mermaid(shown: Message, parts: Sequence[str]) -> str:
    """A graph for Mermaid."""
    del parts
    drawn = _Arrow(shown)
    lines = ["flowchart LR"]
    for at, (machine, services) in enumerate(drawn.machines.items()):
        lines.append(f'  subgraph m{at}["{escaped(title(machine))}"]')
        lines += [f'    {drawn.names[one]}["{escaped(drawn.labels[one])}"]' for one in services]
        lines.append("  end")
    red = []
    for at, ((client, server, kind), edges) in enumerate(drawn.edges.items()):
        sure = any(one.sure for one in edges)
        arrow = {"request": "-->", "publish": "--o", "push": "--x"}[kind] if sure else "-.->"
        lines.append(f'  {drawn.names[client]} {arrow}|"{escaped(_label(edges))}"| {drawn.names[server]}')
        if kind == "request" and (client, server) in drawn.hanging:
            red.append(str(at))
    if red:
        lines.append(f"  linkStyle {','.join(red)} stroke:red")
    return "\n".join(lines) + "\n"
