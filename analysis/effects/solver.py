"""The least fixpoint: what each region may raise, with what it runs."""

from __future__ import annotations

import builtins

import msgspec

from analysis.effects.acts import Node, Outcome, act
from analysis.effects.records import Condition, Filter, Pending, Region, Step
from analysis.effects.resolve import World
from analysis.effects.things import Thing


class State(msgspec.Struct):
    """What is known of a region so far. ``cause`` is the call that opened it, without its place."""

    types: set[str]
    open: str | None = None
    cause: str | None = None
    assumed: str | None = None


class Solver:
    """Least fixpoint over the regions, one strongly connected component after the other (Tarjan, iterative)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.states: dict[Node, State] = {}
        self.edges: dict[Node, list[tuple[Node, tuple[Filter, ...], str, int]]] = {}
        self._outcomes: dict[tuple[object, ...], Outcome] = {}
        self._shadowed: dict[str, str | None] = {}
        self._subclass: dict[tuple[str, str], bool | None] = {}
        self._patches: dict[str, str | None] = {}
        self._flavours = {
            (path, each.line): each.flavour for path, record in world.records.items() for each in record.functions
        }
        self._regions = {
            (path, each.line): each.region for path, record in world.records.items() for each in record.functions
        }

    def state(self, node: Node) -> State:
        """What is known of a region when all it runs is known."""
        if node not in self.states:
            self._components(node)
        return self.states[node]

    def least(self, state: State) -> tuple[str, ...]:
        """The public names of the types, without those whose base is there too."""
        kept = [
            each
            for each in state.types
            if not any(other != each and self.derives(each, other) for other in state.types)
        ]
        return tuple(sorted({self.spelt(each) for each in kept}))

    def spelt(self, name: str) -> str:
        """The public name of an exception."""
        path, double, qualname = name.partition("::")
        if not double:
            return name
        functions = self.world.functions.get(path, {})
        names = qualname.split(".")
        inner = [
            f"{each}.<locals>" if ".".join(names[: at + 1]) in functions else each for at, each in enumerate(names)
        ]
        return f"{self.world.modules.name(path)}.{'.'.join(inner)}"

    def misnamed(self, state: State) -> str | None:
        """Why a type of the set may not be what its name says in another file; asked when all sets are known."""
        for name in sorted(state.types):
            path, double, qualname = name.partition("::")
            if double and self.world.modules.several(path):
                return f"{path}, which is imported under several names, is taken to be one module"
            hit = self.world.doubts.replaced((name, (qualname or name).rpartition(".")[2]))
            if hit is not None:
                return f"`{hit}` is taken to be the exception in every file, though the tree sets such an attribute"
        return None

    # -- one region

    def _region(self, node: Node) -> Region:
        what, path, number = node
        if what == "try":
            return self.world.records[path].tries[number].region
        return self.world.records[path].body if what == "module" else self._regions[(path, number)]

    def _start(self, node: Node) -> None:
        """What a region does by itself, and which regions it runs."""
        state = self.states[node] = State(set())
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
            if ":" in each.type and state.assumed is None:
                state.assumed = self.world.doubt(path, each.type)
            if name is None:
                state.open = state.cause = f"what `{each.type.rpartition(':')[2]}` raises"
                return
            self._add(state, path, name, each.filters)
        if region.assumed is None and state.assumed is None:
            state.assumed = self._patched(path)
        if region.assumed is not None:
            state.assumed = f"{region.assumed.text} (line {region.assumed.line})"
        for condition in region.conditions:
            self._check(state, path, condition)
        self._check_filters(state, path, region)
        for pending in region.pending:
            if state.open is not None:
                return
            outcome = self._act(path, pending)
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

    def _check_filters(self, state: State, path: str, region: Region) -> None:
        """A handler inside holds something else back when the name of its type was given to another."""
        every = {each.filters for each in region.raises} | {each.filters for each in region.pending}
        for name in sorted({name for filters in every for steps in filters for step in steps for name in step.types}):
            if ":" in name and state.assumed is None:
                state.assumed = self.world.doubt(path, name)
                if self._exception(path, name) is None and state.assumed is None:
                    state.assumed = f"`{name.rpartition(':')[2]}` is taken to be an exception"

    def _act(self, path: str, pending: Pending) -> Outcome:
        """What an act leads to, worked out once per file for all that are alike but for place and filters."""
        key = (path, pending.act, pending.target, pending.args, pending.keywords, pending.star, pending.plain)
        known = self._outcomes.get(key)
        if known is None:
            known = self._outcomes[key] = act(self.world, path, pending)
        return known

    def _shadow(self, path: str) -> str | None:
        """The reason why the tables must not be trusted for a file: the tree has a module of the same name."""
        if path not in self._shadowed:
            found = ((name, self.world.modules.find(path, name)) for name in self.world.records[path].relies if name)
            # A folder without __init__.py does not hide a module that is installed.
            hit = next(((name, file) for name, file in found if file and file != path and not file.endswith("/")), None)
            self._shadowed[path] = (
                None if hit is None else f"`{hit[0]}` may be {hit[1]}, not the module that the tables know"
            )
        return self._shadowed[path]

    def _patched(self, path: str) -> str | None:
        """A name of the tables that the file uses and the tree replaces."""
        if path not in self._patches:
            self._patches[path] = self._replaced(path)
        return self._patches[path]

    def _replaced(self, path: str) -> str | None:
        world = self.world
        if world.doubts.everything is not None:
            return f"what is built in is taken to be so, though {world.doubts.everything} replaces some of it"
        uses = world.records[path].uses
        hit = next((each for each in uses if each[:1] == "." and each[1:] in world.stores), None)
        if hit is not None:
            return f"`{hit}` is taken to be the library's own, though {world.stores[hit[1:]]} sets such an attribute"
        own = world.names[path]
        imported = (
            name
            for name in world.replaced_in(path)
            if own.get(name, "")[:1] == "=" or (name not in own and hasattr(builtins, name))
        )
        hit = min((*world.patched.intersection(uses), *imported), default=None)
        return (
            None if hit is None else f"`{hit}`, which the tree replaces, is taken to raise what the library's own does"
        )

    def _exception(self, path: str, name: str) -> str | None:
        return self.world.exception(path, name) if ":" in name else name

    def _check(self, state: State, path: str, condition: Condition) -> None:
        """The type of an attribute was read off one class: say so where the rest of the tree does not bear it out."""
        world = self.world
        if state.assumed is None and not condition.name:
            several = len(world.derived(path, condition.owner)) > 1 or world.derived_unseen(condition.owner) is not None
            if several or world.doubts.makes is not None or world.strays():
                state.assumed = f"a class method of `{condition.owner}` is taken to be called on that very class"
        elif condition.owner[:1] == "=":
            dotted = f"{condition.owner[1:]}.{condition.name}"
            if state.assumed is None and dotted in world.patched:
                state.assumed = f"`{dotted}`, which the tree replaces, is taken to be a file"
        elif state.assumed is None and not condition.owner:
            doubt = world.doubts.of_constant(condition.name)
            if doubt is not None:
                state.assumed = f"`{condition.name}` is taken to be what its module makes it, though {doubt}"
        elif state.assumed is None:
            doubt = self._doubt(path, condition)
            if doubt is not None:
                name = f"`self.{condition.name}` is taken to be what `{condition.owner}` makes of it"
                state.assumed = f"{name}, though {doubt} (line {condition.line})"

    def _doubt(self, path: str, condition: Condition) -> str | None:
        world = self.world
        if condition.name in world.stores:
            return "it is also assigned from outside its class"
        family = {
            (each.path, each.name)
            for where in world.derived(path, condition.owner)
            for each in world.lineage(*where)
            if each.what == "class"
        }
        for where in sorted(family):
            if f"{where[1]}.{condition.name}" in world.functions.get(where[0], {}):
                return f"`{where[1]}` in {where[0]} has a method of that name"
            if not world.closed(*where):
                return f"`{where[1]}` in {where[0]} hooks into its attributes"
            for name, kind in world.record(Thing("class", where[1], where[0])).attributes:
                if name == condition.name and kind != condition.type and where != (path, condition.owner):
                    return f"`{where[1]}` in {where[0]} assigns it too"
        if any(each.what == "unknown" for each in world.lineage(path, condition.owner)):
            return "a base of that class is not known"
        unread = world.derived_unseen(condition.owner)
        if unread is not None:
            return f"{unread}, which was not read, may derive from that class"
        if world.dynamic is not None:
            return f"attributes are set by name in {world.dynamic}"
        return None

    # -- filters

    def _add(self, state: State, path: str, name: str, filters: tuple[Filter, ...]) -> bool:
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

    def _coming_out(self, source: Node, name: str) -> str:
        """What an exception that leaves a region has become outside: generators may not end by StopIteration."""
        flavour = self._flavours.get((source[1], source[2]), "plain") if source[0] == "function" else "plain"
        if flavour == "plain":
            return name
        stops = ("StopIteration", "StopAsyncIteration") if flavour == "async generator" else ("StopIteration",)
        return "RuntimeError" if any(self.derives(name, each) for each in stops) else name

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
                for edge in self.edges[node]:
                    changed = self._take(node, *edge) or changed
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
            changed = self._add(state, node[1], self._coming_out(source, name), filters) or changed
        return changed
