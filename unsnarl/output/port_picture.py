"""Who talks to whom, as a picture: a box for each machine, an arrow from each client to each of its servers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from analysis.ports import Row
from analysis.testfiles import is_test
from analysis.words import plural
from unsnarl.report import printable

MOST_EDGES = 500
"""``maxEdges`` of Mermaid, unless who embeds it says otherwise; a picture itself cannot."""
MOST_TEXT = 50_000
"""``maxTextSize`` of Mermaid, likewise."""
_LABELS = 4
_LOCAL = re.compile(r"localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1?\]?|\*")
_MIGRATION = re.compile(r"(?i)(?:^|/)migrations?/|(?:^|[/_])(?:migrations?|migrate|migrator)(?:_[^/]*)?\.py\Z")
_MIGRATOR = re.compile(r"Migrator\Z|Migration(?:Manager|Runner)?\Z")

Aside = Literal["tests", "migrations", "probes"]


class Node(msgspec.Struct, frozen=True):
    """An owner on a machine. ``name`` is empty for the servers that the tree does not show, one node a machine."""

    machine: str
    name: str


class Edge(msgspec.Struct, frozen=True):
    """From a client to a server, over which ports.

    Not ``sure`` where each of them is one of several numbers, or the server has it from a configuration alone.
    ``rows`` are the places that connect and those that serve.
    """

    client: Node
    server: Node
    ports: tuple[int, ...]
    sure: bool
    rows: tuple[Row, ...] = ()


class Picture(msgspec.Struct, frozen=True):
    """``edges`` by client and server, what was left out as a number of rows for each reason, and connections unseen.

    ``unknown``: how many rows connect to a port whose number is not known.
    """

    edges: tuple[Edge, ...]
    left_out: Counter[str]
    unknown: int

    @property
    def nodes(self) -> list[Node]:
        """The nodes that an edge touches, by machine; what may run anywhere and what is not known come last."""
        found = {node for edge in self.edges for node in (edge.client, edge.server)}
        return sorted(found, key=_place)


def _place(node: Node) -> tuple[bool, str, bool, str]:
    return not node.machine, node.machine, not node.name, node.name


def aside(row: Row, is_probe: Callable[[Row], bool]) -> Aside | None:
    """Why a row is left out of a picture of the services; None for what belongs in it."""
    if is_test(row.path) or is_test(row.home):
        return "tests"
    if any(map(_MIGRATION.search, (row.path, row.home))) or _MIGRATOR.search(row.owner):
        return "migrations"
    return "probes" if row.side in ("bind", "connect") and is_probe(row) else None


def draw(
    rows: Iterable[Row],
    is_probe: Callable[[Row], bool],
    *,
    everything: bool = False,
    within: Callable[[str], bool] | None = None,
) -> Picture:
    """The picture of ``rows``. ``everything``: with tests, migrations and probes.

    ``within`` tells of a file whether it was named: a client or a server of every arrow is in one that was.
    """
    left_out: Counter[str] = Counter()
    kept: list[Row] = []
    for row in rows:
        why = None if everything or row.side == "declare" else aside(row, is_probe)
        if why is not None:
            left_out[why] += 1
        else:
            kept.append(row)
    servers = _servers(kept)
    found: defaultdict[tuple[Node, Node], dict[int, bool]] = defaultdict(dict)
    places: defaultdict[tuple[Node, Node], dict[int, Row]] = defaultdict(dict)
    unknown = 0
    for row in kept:
        if row.side != "connect":
            continue
        if not row.port:
            unknown += row.port is None
            continue
        client = Node(row.machine, row.owner)
        for server, bound in _reached(row, servers.get(row.port, ())):
            if server != client and (within is None or any(map(within, _files(row, bound)))):
                ports = found[client, server]
                sure = row.certainty != "choice" and (bound is None or bound.certainty not in ("choice", "configured"))
                ports[row.port] = ports.get(row.port, False) or sure
                places[client, server].update((id(one), one) for one in (row, bound) if one is not None)
    edges = (
        Edge(*pair, tuple(sorted(ports)), any(ports.values()), tuple(sorted(places[pair].values(), key=_written)))
        for pair, ports in found.items()
    )
    ordered = sorted(edges, key=lambda edge: (_place(edge.client), _place(edge.server)))
    return Picture(tuple(ordered), left_out, unknown)


def _written(row: Row) -> tuple[bool, str, int, int, int]:
    """Who connects goes before who serves, then by place."""
    return row.side != "connect", row.path, row.line, row.column, row.port or 0


def _files(*rows: Row | None) -> list[str]:
    return [row.home or row.path for row in rows if row is not None]


def _servers(rows: Sequence[Row]) -> dict[int, list[Row]]:
    """By port, who binds it; where nobody does, whom a configuration gives it; where none does, who publishes it."""
    found: dict[int, list[Row]] = {}
    for side, configured in (("bind", False), ("bind", True), ("publish", False)):
        more: defaultdict[int, list[Row]] = defaultdict(list)
        for row in rows:
            wanted = row.side == side and (row.certainty == "configured") == configured
            if wanted and row.port and row.port not in found:
                more[row.port].append(row)
        found.update(more)
    return found


def _reached(row: Row, servers: Sequence[Row]) -> Iterator[tuple[Node, Row | None]]:
    """The servers that a connection may reach: on its own machine, where its host is that and the tree shows one."""
    if row.machine and _LOCAL.fullmatch(row.host):
        near = [one for one in servers if one.machine in (row.machine, "")]
        servers = near or servers
    if not servers:
        yield Node(row.machine, ""), None
    for one in servers:
        yield Node(one.machine, one.owner), one


def around(picture: Picture, owner: str, depth: int) -> Picture:
    """What ``owner`` talks to, on whatever machine, in ``depth`` steps. What is not known leads nowhere."""
    reached = {node for node in picture.nodes if node.name.lower() == owner.lower()}
    edges: dict[Edge, None] = {}
    for _ in range(depth):
        touched = [edge for edge in picture.edges if edge.client in reached or edge.server in reached]
        edges.update(dict.fromkeys(touched))
        reached |= {node for edge in touched for node in (edge.client, edge.server) if node.name}
    return msgspec.structs.replace(picture, edges=tuple(edge for edge in picture.edges if edge in edges))


def as_dot(picture: Picture) -> str:
    """A graph for Graphviz."""
    names = {node: f"n{at}" for at, node in enumerate(picture.nodes)}
    lines = [
        "digraph ports {",
        "  rankdir=LR;",
        '  node [shape=box, fontname="Helvetica"];',
        '  edge [fontname="Helvetica", fontsize=10];',
    ]
    for at, (machine, nodes) in enumerate(machines(picture)):
        lines.append(f"  subgraph cluster_{at} {{")
        lines.append(f'    label="{quoted(title(machine))}";')
        for node in nodes:
            style = "" if node.name else ", style=dashed"
            lines.append(f'    {names[node]} [label="{quoted(label(node))}"{style}];')
        lines.append("  }")
    for edge in picture.edges:
        style = "" if edge.sure else ", style=dashed"
        lines.append(f'  {names[edge.client]} -> {names[edge.server]} [label="{_ports(edge)}"{style}];')
    return "\n".join((*lines, "}")) + "\n"


def as_mermaid(picture: Picture) -> str:
    """A graph for Mermaid, which Markdown viewers draw."""
    names = {node: f"n{at}" for at, node in enumerate(picture.nodes)}
    lines = ["flowchart LR"]
    for at, (machine, nodes) in enumerate(machines(picture)):
        lines.append(f'  subgraph m{at}["{escaped(title(machine))}"]')
        for node in nodes:
            first, last = ("[", "]") if node.name else ("([", "])")
            lines.append(f'    {names[node]}{first}"{escaped(label(node))}"{last}')
        lines.append("  end")
    for edge in picture.edges:
        arrow = "-->" if edge.sure else "-.->"
        lines.append(f'  {names[edge.client]} {arrow}|"{_ports(edge)}"| {names[edge.server]}')
    return "\n".join(lines) + "\n"


def machines(picture: Picture) -> list[tuple[str, list[Node]]]:
    """The nodes of each machine."""
    found: dict[str, list[Node]] = {}
    for node in picture.nodes:
        found.setdefault(node.machine, []).append(node)
    return list(found.items())


def title(machine: str) -> str:
    """What the box of a machine is called."""
    return machine or "on any machine"


def label(node: Node) -> str:
    """What a node is called."""
    return node.name or "nobody in the tree"


def _ports(edge: Edge) -> str:
    more = len(edge.ports) - _LABELS
    shown = ", ".join(str(port) for port in edge.ports[:_LABELS])
    return f"{shown} and {more} more" if more > 0 else shown


def quoted(text: str) -> str:
    """``text`` for a string of Graphviz."""
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def escaped(text: str) -> str:
    """What Mermaid takes for its own syntax, or for HTML, by its number."""
    return re.sub(r'[#"<>&`\n\\]', lambda found: f"#{ord(found[0])};", printable(text))


def notes(picture: Picture, text: str, style: str, *, narrowed: bool) -> Iterator[str]:
    """What a reader should know of the picture and does not see in it, for stderr."""
    if style == "mermaid" and (len(picture.edges) > MOST_EDGES or len(text) > MOST_TEXT):
        too_much = (
            f"{len(picture.edges):,} edges, and Mermaid draws {MOST_EDGES}"
            if len(picture.edges) > MOST_EDGES
            else f"{len(text):,} characters, and Mermaid reads {MOST_TEXT:,}"
        )
        yield (
            f"Warning: the picture has {too_much} unless it is configured otherwise (maxEdges, maxTextSize). Draw a "
            "part: --owner NAME for one agent, --port N for one port, or name a folder; or draw it with Graphviz: "
            "--format dot"
        )
    asides = [f"{number:,} of {what}" for what, number in sorted(picture.left_out.items())]
    if asides:
        yield f"Left out: {plural(picture.left_out.total(), 'row')}, {', '.join(asides)}; --all draws them"
    if picture.unknown and not narrowed:
        yield f"Not drawn: {plural(picture.unknown, 'connection')} to a port whose number is not known"


def summary(picture: Picture) -> str:
    """How much there is to see."""
    return f"{plural(len(picture.nodes), 'node')}, {plural(len(picture.edges), 'edge')}"


def as_html(picture: Picture) -> str:
    """A page to look into."""
    from unsnarl.output import port_page

    return port_page.as_html(picture)


FORMATS: dict[str, Callable[[Picture], str]] = {"dot": as_dot, "mermaid": as_mermaid, "html": as_html}
