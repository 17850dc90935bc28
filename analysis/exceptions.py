"""What can the body of this ``try`` raise?

``infer(project, settings)`` answers for every ``try`` of a tree, ``python -m analysis.exceptions PATH...`` prints it.
A set is *proved* when every operation of the body is accounted for: explicit raises, the tree's own functions (to a
fixpoint over strongly connected components), methods through classes, bases and overriding subclasses, and the tables
of ``config/exceptions``. It is *assumed* when it is complete only if some operand is what it looks like (``x["k"]`` on
an unknown ``x`` is taken to raise KeyError, IndexError or TypeError). It is *open* at the first call of which nothing
is known; the types of an open set are not collected.

What even a proved set leaves out, because any line of Python may raise it: ``MemoryError``, ``RecursionError``; what
is thrown in from outside (``KeyboardInterrupt``, ``asyncio.CancelledError``, a signal handler's exception, a trace
function); warnings turned into errors; ``BaseException`` types that are not ``Exception`` out of a call that sits
under an inner ``except Exception``. And what it takes for granted: nobody replaces the attributes of modules or
built-ins from outside the tree, ``self`` is an instance of its class or of a class of the tree derived from it,
subclasses of built-in types keep the behaviour of their base, and ``sys.stdout`` is a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from analysis.collectors.effects import Effects
from analysis.effects.acts import Node, act
from analysis.effects.records import Condition, Filter, Module, Region, Step
from analysis.effects.resolve import World
from analysis.modules import Modules
from config.knowledge import knowledge

if TYPE_CHECKING:
    from analysis.project import Project


class RaiseSet(msgspec.Struct, frozen=True):
    """What a stretch of code may raise.

    ``types``: public names, sorted, without those whose base is listed too: ``ValueError``, ``zmq.ZMQError``,
    ``mypkg.errors.MyError``. ``open``: the first thing that makes the set incomplete, as a sentence; None when there
    is none. ``assumed``: the first assumption that the set rests on; None when there is none.
    """

    types: tuple[str, ...] = ()
    open: str | None = None
    assumed: str | None = None

    @property
    def proved(self) -> bool:
        """Whether nothing else can come out."""
        return self.open is None and self.assumed is None


class _State(msgspec.Struct):
    """What is known of a region so far. ``cause`` is the call that opened it, without its place."""

    types: set[str]
    open: str | None = None
    cause: str | None = None
    assumed: str | None = None


class Raises:
    """The answer for a tree."""

    def __init__(self, sets: Mapping[tuple[str, int, int], RaiseSet], causes: Mapping[tuple[str, int, int], str]) -> None:
        self._sets = sets
        self._causes = causes

    def of(self, path: str, line: int, col: int) -> RaiseSet:
        """What the body of the ``try`` statement that starts at ``line`` and ``col`` of ``path`` may raise."""
        found = self._sets.get((path, line, col))
        return found if found is not None else RaiseSet(open=f"there is no `try` at {path}:{line}:{col + 1}")

    def __iter__(self) -> Iterator[tuple[tuple[str, int, int], RaiseSet]]:
        return iter(self._sets.items())

    def __len__(self) -> int:
        return len(self._sets)

    def causes(self) -> Counter[str]:
        """The calls that leave sets open, and how many each."""
        return Counter(self._causes.values())


def infer(project: Project, settings: Any = None) -> Raises:
    """Answer for every ``try`` of the project's files.

    Raises:
        KnowledgeError: a table of ``config/exceptions`` is not valid.
    """
    records = {path: found[0] for path, facts in project.files.items() if (found := facts.records(Effects))}
    return solve(records, project.files)


def solve(records: Mapping[str, Module], paths: Mapping[str, object] | None = None) -> Raises:
    """Answer for every ``try`` in ``records``, by path; ``paths`` are all files of the tree, parseable or not."""
    modules = Modules(paths if paths is not None else records, {path: each.paths for path, each in records.items()})
    solver = _Solver(World(records, modules, knowledge()))
    sets: dict[tuple[str, int, int], RaiseSet] = {}
    causes: dict[tuple[str, int, int], str] = {}
    for path in records:
        for number, each in enumerate(records[path].tries):
            key = (path, each.line, each.col)
            state = solver.state(("try", path, number))
            sets[key] = solver.answer(state)
            if state.cause is not None:
                causes[key] = state.cause
    return Raises(sets, causes)


class _Solver:
    """Least fixpoint over the regions, one strongly connected component after the other (Tarjan, iterative)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.states: dict[Node, _State] = {}
        self.edges: dict[Node, list[tuple[Node, tuple[Filter, ...], str, int]]] = {}
        self._shadowed: dict[str, str | None] = {}
        self._subclass: dict[tuple[str, str], bool | None] = {}
        self._regions = {
            (path, each.line): each.region for path, record in world.records.items() for each in record.functions
        }

    def state(self, node: Node) -> _State:
        """What is known of a region when all it runs is known."""
        if node not in self.states:
            self._components(node)
        return self.states[node]

    def answer(self, state: _State) -> RaiseSet:
        """The state for people and rewrites."""
        if state.open is not None:
            return RaiseSet(open=state.open)
        kept = [
            each
            for each in state.types
            if not any(other != each and self.derives(each, other) for other in state.types)
        ]
        return RaiseSet(tuple(sorted({self.spelt(each) for each in kept})), None, state.assumed)

    def spelt(self, name: str) -> str:
        path, double, qualname = name.partition("::")
        return f"{self.world.modules.name(path)}.{qualname}" if double else name

    # -- one region

    def _region(self, node: Node) -> Region:
        what, path, number = node
        if what == "try":
            return self.world.records[path].tries[number].region
        return self.world.records[path].body if what == "module" else self._regions[(path, number)]

    def _start(self, node: Node) -> None:
        """What a region does by itself, and which regions it runs."""
        state = self.states[node] = _State(set())
        edges = self.edges[node] = []
        path = node[1]
        region = self._region(node)
        if region.open is not None:
            state.open, state.cause = f"{region.open.text} at line {region.open.line} is unknown", region.open.text
            return
        shadow = self._shadow(path)
        if shadow is not None:
            state.open, state.cause = shadow, shadow
            return
        for each in region.raises:
            name = self._exception(path, each.type)
            if name is None:
                state.open = state.cause = f"what `{each.type.rpartition(':')[2]}` raises"
                return
            self._add(state, path, name, each.filters)
        if region.assumed is not None:
            state.assumed = f"{region.assumed.text} (line {region.assumed.line})"
        for condition in region.conditions:
            self._check(state, path, condition)
        for pending in region.pending:
            if state.open is not None:
                return
            outcome = act(self.world, path, pending)
            for name in outcome.raises:
                self._add(state, path, name, pending.filters)
            if outcome.open is not None:
                why = f" ({outcome.open})" if outcome.open else ""
                state.open = f"the call to `{pending.text}` at line {pending.line} is unknown{why}"
                state.cause = f"the call to `{pending.text}`"
            if outcome.assumed is not None and state.assumed is None:
                state.assumed = f"{outcome.assumed} (line {pending.line})"
            edges.extend((run, pending.filters, pending.text, pending.line) for run in outcome.runs)
        if state.open is not None:
            edges.clear()

    def _shadow(self, path: str) -> str | None:
        """The reason why the tables must not be trusted for a file: the tree has a module of the same name."""
        if path not in self._shadowed:
            found = (
                (name, self.world.modules.find(path, name)) for name in self.world.records[path].relies if name
            )
            hit = next(((name, file) for name, file in found if file is not None and file != path), None)
            self._shadowed[path] = (
                None if hit is None else f"`{hit[0]}` may be {hit[1]}, not the module that the tables know"
            )
        return self._shadowed[path]

    def _exception(self, path: str, name: str) -> str | None:
        return self.world.exception(path, name) if ":" in name else name

    def _check(self, state: _State, path: str, condition: Condition) -> None:
        world = self.world
        family = {
            (each.path, each.name)
            for where in world.derived(path, condition.owner)
            for each in world.lineage(*where)
            if each.what == "class"
        }
        for where in sorted(family):
            for name, kind in world.classes[where[0]][where[1]].attributes:
                if name == condition.name and kind != condition.type and where != (path, condition.owner):
                    state.open = state.cause = f"`self.{name}` is also assigned in {where[0]}"
                    return
        if condition.name in world.stores:
            state.open = state.cause = f"`.{condition.name}` is also assigned from outside its class"
        elif any(each.what == "unknown" for each in world.lineage(path, condition.owner)):
            state.assumed = state.assumed or f"a base of `{condition.owner}` is taken to leave `{condition.name}` alone"
        elif world.dynamic is not None:
            state.assumed = state.assumed or f"`{condition.name}` is taken not to be set by name ({world.dynamic})"

    # -- filters

    def _add(self, state: _State, path: str, name: str, filters: tuple[Filter, ...]) -> bool:
        if name in state.types or not self._passes(path, name, filters):
            return False
        state.types.add(name)
        return True

    def _passes(self, path: str, name: str, filters: tuple[Filter, ...]) -> bool:
        return not any(self._stops(path, name, steps) for steps in reversed(filters))

    def _stops(self, path: str, name: str, steps: tuple[Step, ...]) -> bool:
        for step in steps:
            for each in step.types:
                handled = self._exception(path, each)
                answer = None if handled is None else self.derives(name, handled)
                if answer or (answer is None and step.passes):
                    return not step.passes
        return False

    def derives(self, name: str, other: str) -> bool | None:
        """Whether one exception derives from another; None when a base is not known."""
        key = (name, other)
        if key not in self._subclass:
            ancestors = list(self.world.ancestors(name))
            self._subclass[key] = True if other in ancestors else None if None in ancestors else False
        return self._subclass[key]

    # -- the fixpoint

    def _components(self, root: Node) -> None:
        index: dict[Node, int] = {}
        low: dict[Node, int] = {}
        stack: list[Node] = []
        on_stack: set[Node] = set()
        self._start(root)
        index[root] = low[root] = 0
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(self.edges[root]))]
        while work:
            node, edges = work[-1]
            for edge in edges:
                to = edge[0]
                if to not in index:
                    if to in self.states:
                        continue
                    self._start(to)
                    index[to] = low[to] = len(index)
                    stack.append(to)
                    on_stack.add(to)
                    work.append((to, iter(self.edges[to])))
                    break
                if to in on_stack:
                    low[node] = min(low[node], index[to])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: list[Node] = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                        on_stack.discard(component[-1])
                    self._settle(component)

    def _settle(self, component: list[Node]) -> None:
        changed = True
        while changed:
            changed = False
            for node in component:
                changed = any([self._take(node, *edge) for edge in self.edges[node]]) or changed
            if len(component) == 1 and not any(edge[0] == component[0] for edge in self.edges[component[0]]):
                return

    def _take(self, node: Node, source: Node, filters: tuple[Filter, ...], text: str, line: int) -> bool:
        """Hand on what the region ``source`` raises to the region ``node`` that runs it; whether that was news."""
        state, inner = self.states[node], self.states[source]
        changed = False
        if inner.open is not None and state.open is None:
            cause = inner.cause or inner.open
            state.open = f"the call to `{text}` at line {line} leads to {source[1]}, where {inner.open}"
            if inner.open.startswith("the call to") and " leads to " in inner.open:
                state.open = f"the call to `{text}` at line {line} {inner.open[inner.open.index('leads to') :]}"
            state.cause = cause
            changed = True
        if inner.assumed is not None and state.assumed is None:
            state.assumed = f"in `{text}`, called at line {line}: {inner.assumed}"
            changed = True
        for name in inner.types:
            changed = self._add(state, node[1], name, filters) or changed
        return changed
