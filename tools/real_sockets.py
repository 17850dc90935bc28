"""Count what the graph of messages knows of a real tree, and hold it to what can be seen from outside.

Usage: python -m tools.real_sockets TREE [--name NAME] [--commit COMMIT] [--jobs N] [--write docs/real-sockets.md]

TREE is only read. The sockets that are made are counted a second time by a plain walk over the syntax trees, and the
graph is made twice, with one process and with several. ``tools/orphan_sample.json`` has the publishers and subscribers
that were told to have nobody on the other side and were read by hand, with all that has their port in the tree. ``who``
is whom that found: ``nobody``, ``somebody``, or somebody in a file that does not parse (``unread``). Exits with 1 when
the two graphs differ, or fewer of them are told rightly than the bound of the page.
"""

from __future__ import annotations

import ast
import json
import sys
import textwrap
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from analysis.collectors.socket_names import KINDS
from analysis.collectors.sockets import SocketCollector
from analysis.message_edges import orphans_of
from analysis.project import Project, load
from analysis.request_loops import loops_of
from analysis.sockets import COLLECTORS, Edge, Graph, Orphan
from analysis.testfiles import is_test
from tools.real_tree import arguments, conclude, copied, python_files
from tools.text import table

ORPHANS = Path(__file__).with_name("orphan_sample.json")
_BOUND = 0.95


def made(data: bytes) -> Iterator[str]:
    """The type of each socket that a source assigns: ``x = context.socket(zmq.REQ)``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(data)
        except (SyntaxError, ValueError):
            return
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(
                    value=ast.Call(
                        func=ast.Attribute(attr="socket"), args=[ast.Attribute(value=ast.Name(id="zmq"), attr=kind), *_]
                    )
                )
                | ast.AnnAssign(
                    value=ast.Call(
                        func=ast.Attribute(attr="socket"), args=[ast.Attribute(value=ast.Name(id="zmq"), attr=kind), *_]
                    )
                )
            ) if kind in KINDS:
                yield kind


def noted(project: Project, path: str) -> Counter[str]:
    """The types of the sockets that the collector noted down of a file."""
    return Counter(one.kind for each in project.files[path].records(SocketCollector) for one in each.made if one.kind)


def said(graph: Graph) -> bytes:
    """All of a graph, to compare it with another."""
    loops = loops_of(graph)
    parts = [graph.edges(), graph.served, [str(one) for one in orphans_of(graph)], str(loops)]
    return msgspec.json.encode(parts)


def page(name: str, commit: str, graph: Graph, files: int, faults: int, kinds: Counter[str]) -> str:
    """The page about one tree."""
    about = (
        f"`github:{name}`, commit `{commit}`: {files:,} Python files, {faults:,} of which do not parse and so say "
        f"nothing; Python {sys.version.split()[0]}. Tests are left out, as `unsnarl sockets` does."
    )
    how = (
        "A socket counts once for each port and each type that it may have in the source. *Matched*: something of the "
        "tree is on the other side. *Sure*: the number is no choice, no configuration gives another, and services of "
        "one name have the other side of it."
    )
    lines = ["<!-- Written by tools/real_sockets.py. -->", "", "# The graph of messages on a real tree"]
    for text in (about, how):
        lines += ["", *textwrap.wrap(text, 120)]
    rows: list[tuple[str, ...]] = []
    own = [one for one in graph.sockets if one.certainty != "configured"]
    sides = Counter((one.kind or "unknown", one.side) for one in own)
    for (kind, side), number in sorted(sides.items()):
        mine = [one for one in own if (one.kind or "unknown", one.side) == (kind, side)]
        answers = [graph.answered_by(one) for one in mine]
        known = sum(one.port is not None or bool(others) for one, (others, _) in zip(mine, answers, strict=True))
        matched, sure = sum(bool(others) for others, _ in answers), sum(sure for _, sure in answers)
        rows.append((f"`{kind}` {side}", f"{number:,}", f"{known:,}", f"{matched:,}", f"{sure:,}"))
    lines += ["", *table(("socket", "number", "address known", "matched", "sure"), rows)]
    edges = graph.edges()
    loops = loops_of(graph)
    asking = [region for region in graph.regions if region.asks]
    counts: list[tuple[str, ...]] = [
        ("sockets that are assigned, by a plain walk", f"{kinds.total():,}"),
        *(
            (f"edges: {kind}", _edges([one for one in edges if one.kind == kind]))
            for kind in ("request", "publish", "push")
        ),
        ("edges that a configuration has a say in", f"{sum(bool(one.given) for one in edges):,}"),
        ("edges that wait while they serve", f"{sum(one.serving for one in edges):,}"),
        ("edges that wait without any timeout", f"{sum(one.waits and not one.bounded for one in edges):,}"),
        ("loops that receive requests", f"{len(graph.regions):,}, {len(asking):,} of them ask others meanwhile"),
        (
            "tests that tell requests apart in them",
            f"{len({one for region in graph.regions for one in region.requests}):,}",
        ),
        ("requests that close a circle (E921)", f"{len(loops.deadlocks):,}"),
        ("the same, through ports that several bind", f"{len(loops.possible):,}"),
        ("circles of services that are coupled", f"{len(loops.coupled):,}"),
        *(
            (f"nobody on the other side: {why}", f"{number:,}")
            for why, number in sorted(Counter(_why(one.why) for one in orphans_of(graph)).items())
        ),
    ]
    lines += ["", *table(("", ""), counts), "", "## Publishers and subscribers with nobody on the other side"]
    told = sum(_is_read(one) for one in orphans_of(graph))
    first, known, right = judged(graph)
    text = (
        f"At first {first['told']} were told. All were read by hand, each with whatever has its port in the tree: "
        f"{first['nobody']} had nobody indeed; the other side of {first['somebody']} is a socket whose type or number "
        f"was not known, and that of {first['unread']} is in a file that does not parse. Now {told} are told, {known} "
        f"of them read, and {right} of these are right ({right / known:.0%}; bound {_BOUND:.0%}): there is nobody, or "
        "the file that does not parse is named. What was mended in between was mended on this tree, so that the share "
        "says little of others."
    )
    lines += ["", *textwrap.wrap(text, 120)]
    return "\n".join(lines) + "\n"


def judged(graph: Graph) -> tuple[Counter[str], int, int]:
    """What was read by hand, how many of these are told now, and how many of them rightly."""
    sample = json.loads(ORPHANS.read_text("utf-8"))
    known = {(one["path"], one["line"], one["port"], one["owner"]): one["who"] for one in sample}
    found = [one for one in orphans_of(graph) if _is_read(one)]
    whom = [
        (known.get((one.socket.path, one.socket.line, one.socket.port, one.socket.service.name)), one) for one in found
    ]
    right = sum(who == "nobody" or (who == "unread" and one.unread != "") for who, one in whom)
    first = Counter({"told": len(sample), **Counter(one["who"] for one in sample)})
    return first, sum(who is not None for who, _ in whom), right


def _is_read(one: Orphan) -> bool:
    return one.why in ("published, and nobody subscribes", "subscribed to, and nobody publishes")


def _edges(edges: list[Edge]) -> str:
    sure = sum(one.sure for one in edges)
    return f"{len(edges):,}, {sure:,} of them sure"


def _why(text: str) -> str:
    return "a topic" if "'" in text else text


def main() -> int:
    """Run the command line."""
    options = arguments(__doc__ or "")
    names = python_files(options.tree)
    broken: list[str] = []
    kinds: Counter[str] = Counter()
    graphs = []
    with copied(options.tree) as copy:
        for jobs in (1, max(2, options.jobs)):
            project = load([copy], root=copy, collectors=COLLECTORS, jobs=jobs, cache=False)
            graphs.append(Graph(project, None, is_test))
        for name in names:
            seen = Counter(made((Path(copy) / name).read_bytes()))
            kinds += seen
            facts = project.files.get(name)
            if facts is not None and facts.fault is None and (lost := seen - noted(project, name)):
                broken.append(f"{name}: {lost.total()} sockets are made that nobody noted down")
        faults = len(project.ledger.faults)
        if said(graphs[0]) != said(graphs[1]):
            broken.append("another number of processes makes another graph")
        _, known, right = judged(graphs[0])
        if right < _BOUND * known:
            broken.append(f"{known - right} of {known} publishers and subscribers have somebody on the other side")
        text = page(options.name, options.commit, graphs[0], len(names), faults, kinds)
    return conclude(text, options.write, broken)


if __name__ == "__main__":
    raise SystemExit(main())
