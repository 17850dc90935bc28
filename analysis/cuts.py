"""Which imports to cut so that a cycle is gone, and how each can be cut.

The edges to cut are a *feedback arc set* of least cost. In a component of at most ``EXACT`` files it is found
exactly, by the dynamic programming of Lawler (1964, "A comment on minimum feedback arc sets") over the subsets of its
files; in a larger one by the heuristic of Eades, Lin and Smyth (1993, "A fast and effective heuristic for the feedback
arc set problem"), weighted, with every file moved afterwards to where it costs least until none gains. Ties fall by
name, so that the result depends on nothing but the tree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import msgspec

from analysis.collectors.crossings import MAIN, Crossing, Crossings, NameUse
from analysis.cycles import Cycle, components
from analysis.imports import AT_IMPORT, Edge, ImportGraph

if TYPE_CHECKING:
    from analysis.project import Project

Technique = Literal["type-checking", "redirect", "defer", "extract", "events", "restructure"]
Hindrance = Literal["", "late-enough", "all-names", "uncertain", "effect", "offered"]
EXACT = 13
"""Lawler's way costs 2 to the power of the number of files."""
Pair = tuple[str, str]
_FACE = 10
"""What is added where a name would be missed by whoever takes it from a package: another cut is tried before."""
_REFUSED = 1000
"""More than what any number of other cuts usually comes to."""


class Cut(msgspec.Struct, frozen=True):
    """The imports of ``imported`` by ``importer`` that are to go from import time, and how.

    ``technique``: put them under ``if TYPE_CHECKING`` (``type-checking``), take the names from where they are defined
    and not from the package that hands them on (``redirect``), put them into the functions that use them (``defer``),
    move the names that cross into a module of their own (``extract``), or none of these (``restructure``); ``events``,
    to ask over a bus for what is called, is chosen by people, and where imports in functions count. ``reason`` says
    why, for people. ``cost`` is what the choice was made by. ``hindrance`` is what leaves none of the ways: it runs in
    functions only, takes all names, was not read off an import statement, is there for its effect, or binds what others
    take from here.
    """

    importer: str
    imported: str
    edges: tuple[Edge, ...]
    technique: Technique
    reason: str
    cost: int
    hindrance: Hindrance = ""


def cuts(
    cycle: Cycle,
    crossings: Mapping[str, Sequence[Crossing]],
    graph: ImportGraph,
    refused: Mapping[Pair, Collection[Technique]] = MappingProxyType({}),
    *,
    late: bool = False,
) -> list[Cut]:
    """What to cut in ``cycle``, in the order of importer and imported; ``crossings`` by path, of its files at least.

    ``refused`` says how it could not be done between which files: that is chosen only where nothing else is left.
    ``late``: imports in functions are part of the cycle, so that moving one there cuts nothing.
    """
    return Choice(cycle, crossings, graph, late=late).cuts(refused)


class Choice:
    """What there is to choose from in one cycle: whoever asks several times works out each cut once."""

    def __init__(
        self, cycle: Cycle, crossings: Mapping[str, Sequence[Crossing]], graph: ImportGraph, *, late: bool = False
    ) -> None:
        """``crossings`` and ``late`` as those of ``cuts``."""
        self._files = cycle.files
        pairs = cycle.pairs()
        taken = {file: graph.taken(file) for file in cycle.files}
        self._made = {
            pair: _cut(pair, edges, crossings.get(pair[0], ()), taken[pair[0]], _is_face(graph, pair[0]))
            for pair, edges in pairs.items()
        }
        if late:
            self._made = {pair: _at_any_time(cut, crossings, cycle, graph) for pair, cut in self._made.items()}
        self._origins = {pair: origins for pair, edges in pairs.items() if (origins := _origins(graph, edges))}

    def cuts(self, refused: Mapping[Pair, Collection[Technique]] = MappingProxyType({})) -> list[Cut]:
        """As the function of that name."""
        made = dict(self._made)
        for pair, techniques in refused.items():
            if pair in made and made[pair].technique in techniques:
                made[pair] = msgspec.structs.replace(made[pair], cost=made[pair].cost + _REFUSED)
        others = {pair: each for pair, each in self._origins.items() if "redirect" not in refused.get(pair, ())}
        while True:
            # Taking a name from where it is defined makes another edge, which may close another circle.
            found = {pair: _redirected(cut, others[pair]) if pair in others else cut for pair, cut in made.items()}
            chosen = feedback(self._files, {pair: cut.cost for pair, cut in found.items()})
            left = {pair for pair in made if pair not in chosen}
            new = {
                (one[0], other): one for one in chosen if found[one].technique == "redirect" for other in others[one]
            }
            closing = _circular(self._files, left | set(new))
            bad = {new[pair] for pair in new if pair in closing}
            if not bad:
                return [found[pair] for pair in sorted(chosen)]
            others = {pair: each for pair, each in others.items() if pair not in bad}


def cut_of(pair: Pair, edges: Sequence[Edge], crossings: Sequence[Crossing], graph: ImportGraph) -> Cut:
    """What it would take to cut the imports between two files, part of a cycle or not; ``crossings`` of the first."""
    return _cut(pair, edges, crossings, graph.taken(pair[0]), _is_face(graph, pair[0]))


def of_project(project: Project, graph: ImportGraph, found: Sequence[Cycle], *, late: bool = False) -> list[list[Cut]]:
    """What to cut in each of the cycles ``found``. How names are used is asked of their files only.

    ``late``: imports in functions are part of the cycles.
    """
    crossings = crossings_of(project, found)
    return [cuts(one, crossings, graph, late=late) for one in found]


def crossings_of(project: Project, found: Sequence[Cycle]) -> dict[str, list[Crossing]]:
    """The names that cross in the files of the cycles ``found``, by path."""
    files = sorted({file for one in found for file in one.files})
    return {path: one.records(Crossings) for path, one in project.of(files, (Crossings,)).items()}


def _circular(files: Sequence[str], pairs: Collection[Pair]) -> set[Pair]:
    """Those of ``pairs`` that are part of a cycle."""
    following: dict[str, list[str]] = {file: [] for file in files}
    for one, other in pairs:
        following.setdefault(one, []).append(other)
    group = {file: at for at, each in enumerate(components(following)) for file in each}
    return {pair for pair in pairs if pair[0] in group and group[pair[0]] == group.get(pair[1])}


# How an import can be cut


def _is_face(graph: ImportGraph, path: str) -> bool:
    """Whether a file is a package that does not list what it offers: anything in it may be taken from there."""
    offer = graph.offers.get(path)
    return path.rpartition("/")[2] == "__init__.py" and (offer is None or offer.exported is None)


def _cut(pair: Pair, edges: Sequence[Edge], crossings: Sequence[Crossing], given: set[str], face: bool) -> Cut:
    importer, imported = pair
    lines = {one.line for one in edges}
    crossing = [one for one in crossings if one.line in lines]
    technique: Technique = "restructure"
    hindrance, reason, cost = _hindered(edges, crossing, given)
    if not hindrance:
        technique, reason, cost = _how(crossing)
        public = sorted({one.local for one in crossing if not one.local.startswith("_")}) if face else []
        if public and technique in ("defer", "type-checking"):
            reason += f"; whoever uses the package can take {_listed(public)} from it, as it has no `__all__`"
            cost += _FACE
    if any(one.when == "conditional" for one in edges):
        # What stands under a condition was put there for a reason that is not seen here.
        cost += 4
    return Cut(importer, imported, tuple(edges), technique, reason, cost, hindrance)


def _origins(graph: ImportGraph, edges: Sequence[Edge]) -> tuple[str, ...]:
    """The files that define what a module takes from another, where that only hands on all of it.

    From outside a package would be started all the same. With them go the packages that are started before them.
    """
    found: dict[str, None] = {}
    around = graph.modules.packages(edges[0].importer)
    for edge in edges:
        package = edge.imported.endswith("__init__.py")
        if not edge.names or edge.names == ("*",) or (package and edge.imported not in around):
            return ()
        for name in edge.names:
            origin, _ = graph.origin(edge.imported, name)
            if origin in (edge.imported, edge.importer) or origin.endswith("/"):
                return ()
            found.update((one, None) for one in graph.modules.packages(origin) if one not in around)
            found[origin] = None
    return tuple(sorted(found))


def _redirected(cut: Cut, origins: Sequence[str]) -> Cut:
    names = sorted({name for edge in cut.edges for name in edge.names})
    cost = 2 + len(origins)
    if cost >= cut.cost:
        return cut
    where = f"{_listed(names)} {_is(names)} defined in {_listed(origins)}"
    return msgspec.structs.replace(cut, technique="redirect", reason=where, cost=cost)


def _hindered(edges: Sequence[Edge], crossing: Sequence[Crossing], given: set[str]) -> tuple[Hindrance, str, int]:
    """What leaves no way but to do it by hand, with the reason and the cost; empty where nothing does."""
    if all(one.when == "deferred" for one in edges):
        return "late-enough", "it runs when a function is called, which is late enough", 8
    if any("*" in one.names for one in edges):
        return "all-names", "it takes all names", 60
    if any(not one.certain for one in edges):
        return "uncertain", "it was read off a file that does not parse, or is loaded by a call", 60
    if not crossing:
        return "effect", "no name is bound by it: the module is loaded for what it does", 40
    handed = sorted({one.local for one in crossing if one.local in given})
    if handed:
        return "offered", f"{_listed(handed)} {_is(handed)} taken from here by others", 30 + len(handed)
    kept = sorted({one.local for one in crossing for use in one.uses if use.kind in ("export", "rebound")})
    if kept:
        return "offered", f"{_listed(kept)} {_is(kept)} exported or bound anew here", 30 + len(kept)
    if not any(one.uses for one in crossing):
        return "effect", "nothing uses what it binds: it may be loaded for what it does", 30
    return "", "", 0


def _how(crossing: Sequence[Crossing]) -> tuple[Technique, str, int]:
    uses = [(one.local, use) for one in crossing for use in one.uses]
    names = sorted({local for local, _ in uses})
    if all(use.kind == "annotation" for _, use in uses):
        return "type-checking", f"{_listed(names)} {_is(names)} used in annotations only", 1 + len(names)
    early = sorted({local for local, use in uses if use.at_import and use.kind != "annotation"})
    if not early:
        where = {use.scope for _, use in uses if use.kind != "annotation"}
        typed = " and in annotations" if any(use.kind == "annotation" for _, use in uses) else ""
        return "defer", f"{_listed(names)} {_is(names)} used in {_places(where)}{typed} only", 4 + len(where)
    return (
        "extract",
        f"{_listed(early)} {_is(early)} needed while the module is imported: {_why(uses)}",
        12 + len(early),
    )


def _at_any_time(cut: Cut, crossings: Mapping[str, Sequence[Crossing]], cycle: Cycle, graph: ImportGraph) -> Cut:
    """The cut where imports in functions count: what must not be imported at all has to lie elsewhere, or be asked."""
    late = [one for one in cut.edges if one.when == "deferred"]
    kept = cut.technique == "type-checking" and not late
    if kept or (cut.technique not in ("defer", "type-checking") and cut.hindrance != "late-enough"):
        return cut
    lines = {one.line for one in cut.edges}
    crossing = [one for one in crossings.get(cut.importer, ()) if one.line in lines]
    # What a function imports for itself has no crossing, and how it is used is not known.
    names = sorted({name for edge in cut.edges for name in edge.names})
    uses = [use for one in crossing for use in one.uses if use.kind != "annotation"]
    called = bool(uses) and all(use.kind in ("call", "dropped-call") for use in uses)
    if not names and not called:
        reason = f"all of {cut.imported} is used in functions, and only another design does without"
        return msgspec.structs.replace(cut, technique="restructure", reason=reason, cost=40)
    needed = [name for name in names if _needs(name, crossings.get(cut.imported, ()), cycle, cut.imported)]
    if cut.imported.endswith("__init__.py") and names and "*" not in names:
        handed = [name for name in names if graph.origin(cut.imported, name)[0] != cut.imported]
        if handed:
            reason = f"{cut.imported} only hands on {_listed(handed)}, and is run for every module of its package"
            return msgspec.structs.replace(cut, technique="restructure", reason=reason, cost=30 + len(names))
    if names and not needed:
        reason = f"{_listed(names)} {_is(names)} used in functions only, where an import is part of this circle, too"
        return msgspec.structs.replace(cut, technique="extract", reason=reason, cost=12 + len(names), hindrance="")
    what = sorted({one.local for one in crossing}) or names
    back = f", and {_needs_of(needed)} what imports {cut.imported} in turn" if needed else ""
    if called:
        reason = f"{_listed(what)} {_is(what)} called in functions only{back}"
        return msgspec.structs.replace(cut, technique="events", reason=reason, cost=20 + len(what))
    reason = f"{_listed(what)} {_is(what)} used in functions{back}: only another design does without"
    return msgspec.structs.replace(cut, technique="restructure", reason=reason, cost=40)


def _needs(name: str, crossings: Sequence[Crossing], cycle: Cycle, path: str) -> bool:
    """Whether the definition ``name`` in ``path`` is known to use what is imported from the cycle itself."""
    lines = {one.line for one in cycle.edges if one.importer == path}
    inside = (use.scope for one in crossings if one.line in lines for use in one.uses if use.kind != "annotation")
    return any(scope == name or scope.startswith(f"{name}.") for scope in inside)


def _needs_of(names: Sequence[str]) -> str:
    return f"{_listed(names)} {'needs' if len(names) == 1 else 'need'}"


def _why(uses: Iterable[tuple[str, NameUse]]) -> str:
    told = {
        "base": "as a base class",
        "decorator": "as a decorator",
        "call": "by a call",
        "dropped-call": "by a call",
        "caught": "in an except clause",
    }
    first = min((use.line, told.get(use.kind, "as a value")) for _, use in uses if use.at_import)
    return f"{first[1]} in line {first[0]}"


def _places(where: set[str]) -> str:
    first = min(where)
    if first == MAIN and len(where) == 1:
        return "what it does as a script"
    return f"{first}()" if len(where) == 1 else f"{len(where)} functions"


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _listed(names: Sequence[str]) -> str:
    if len(names) > 3:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


# Which imports to cut


def feedback(files: Sequence[str], costs: Mapping[Pair, int]) -> set[Pair]:
    """A set of edges of ``costs`` without which ``files`` have no cycle: of least cost where they are few."""
    order = _best_order(files, costs) if len(files) <= EXACT else _good_order(files, costs)
    place = {file: at for at, file in enumerate(order)}
    return {pair for pair in costs if place[pair[0]] >= place[pair[1]]}


def _best_order(files: Sequence[str], costs: Mapping[Pair, int]) -> list[str]:
    """The order in which the edges that point backwards cost least: each importer stands before what it imports."""
    files = sorted(files)
    at = {file: number for number, file in enumerate(files)}
    # What file j costs when the files of a set stand before it: its edges to them.
    incoming = [[0] * len(files) for _ in files]
    for (importer, imported), cost in costs.items():
        incoming[at[importer]][at[imported]] += cost
    best: list[tuple[int, int]] = [(0, -1)] + [(-1, -1)] * ((1 << len(files)) - 1)
    for chosen in range(1, 1 << len(files)):
        found = (-1, -1)
        for last in range(len(files)):
            if not chosen >> last & 1:
                continue
            before = chosen & ~(1 << last)
            cost = best[before][0] + sum(
                price for other, price in enumerate(incoming[last]) if price and before >> other & 1
            )
            if found[1] < 0 or cost < found[0]:
                found = cost, last
        best[chosen] = found
    order: list[str] = []
    chosen = (1 << len(files)) - 1
    while chosen:
        last = best[chosen][1]
        order.append(files[last])
        chosen &= ~(1 << last)
    return order[::-1]


def _good_order(files: Sequence[str], costs: Mapping[Pair, int]) -> list[str]:
    files = sorted(files)
    # By their numbers, which compare as the names do.
    at = {file: number for number, file in enumerate(files)}
    after: list[dict[int, int]] = [{} for _ in files]
    before: list[dict[int, int]] = [{} for _ in files]
    for (importer, imported), cost in costs.items():
        after[at[importer]][at[imported]] = before[at[imported]][at[importer]] = cost
    return [files[number] for number in _settled(_greedy(files, after, before), after, before)]


def _greedy(files: Sequence[str], after: Sequence[Mapping[int, int]], before: Sequence[Mapping[int, int]]) -> list[int]:
    """Sinks to the end, sources to the front, else the file whose edges out outweigh those in by most."""
    left = dict.fromkeys(range(len(files)))
    out = [sum(costs.values()) for costs in after]
    into = [sum(costs.values()) for costs in before]
    # Of several that weigh the same the first by name; of two that begin alike the longer one.
    rank = [0] * len(files)
    for place, file in enumerate(sorted(left, key=lambda one: [-ord(letter) for letter in files[one]])):
        rank[file] = place
    first: list[int] = []
    last: list[int] = []

    def take(file: int) -> None:
        del left[file]
        for other, cost in after[file].items():
            into[other] -= cost
        for other, cost in before[file].items():
            out[other] -= cost

    while left:
        sink = next((file for file in left if not out[file]), None)
        if sink is not None:
            take(sink)
            last.append(sink)
            continue
        chosen = next((file for file in left if not into[file]), None)
        if chosen is None:
            chosen = max(left, key=lambda file: (out[file] - into[file], rank[file]))
        take(chosen)
        first.append(chosen)
    return first + last[::-1]


def _settled(order: list[int], after: Sequence[Mapping[int, int]], before: Sequence[Mapping[int, int]]) -> list[int]:
    """The order when every file has been moved to where it costs least, until none gains by it."""
    place = [0] * len(order)
    for at, file in enumerate(order):
        place[file] = at
    # What a file costs changes only where it passes another that it has to do with.
    near = [
        {other: ahead.get(other, 0) - behind.get(other, 0) for other in {*ahead, *behind}}
        for ahead, behind in zip(after, before, strict=True)
    ]
    front = [sum(costs.values()) for costs in before]
    for _ in range(20):
        moved = False
        for file in range(len(order)):
            here = place[file]
            # What it costs at the front: every edge into it points backwards.
            cost = best = now = front[file]
            wanted: int | None = None
            for at, other in sorted([(place[other], other) for other in near[file]]):
                cost += near[file][other]
                if cost < best:
                    best, wanted = cost, other
                if at < here:
                    now = cost
            if best < now:
                order.pop(here)
                target = 0 if wanted is None else place[wanted] + (place[wanted] < here)
                order.insert(target, file)
                for at in range(min(here, target), max(here, target) + 1):
                    place[order[at]] = at
                moved = True
        if not moved:
            break
    return order


def is_acyclic(graph: ImportGraph, without: Iterable[Cut] = ()) -> bool:
    """Whether the imports that run at import time have no cycle once those of ``without`` are cut."""
    import networkx as nx

    between = graph.between(AT_IMPORT)
    between.remove_edges_from((one.importer, one.imported) for one in without)
    return bool(nx.is_directed_acyclic_graph(between))
