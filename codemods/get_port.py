"""Answers E910: gives every port that is written out its name in the registry, and looks it up there::

    self.socket.bind("tcp://*:5556")         self.socket.bind(f"tcp://*:{get_port('MEMORY_AGENT')}")
    PORT = int(os.getenv("X_PORT", 5556))    PORT = int(os.getenv("X_PORT", get_port("MEMORY_AGENT")))

``config/ports.yaml`` is made or completed in the same transaction: what stands there keeps its name, its comment and
its place. A name is one port of one machine, in every file of the tree and on both sides of the connection.

The number that a program works with is the one that stood there, until somebody changes the registry or the environment
says otherwise (``UNSNARL_PORT_OFFSET`` and the like, which are not set by themselves). What differs:

- The module that ``get_port`` comes from is imported, and the registry read at the first look-up: where neither is
  there, the program ends with an error that says so.
- A default, a constant or a class attribute is looked up where the line runs, once, as the number was.
- ``--renumber`` alone changes numbers: of several owners that bind one port all but one are moved, with those who ask
  for them by name, what configuration files hand them, and what they work out from their port. An owner stays where it
  would leave somebody behind: every place that has the number must be known to be that of one of the owners. The new
  ports are free, and the table of ports is worked out anew before a byte is written: no conflict is new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import click
import msgspec

from analysis.collectors.port_literals import PortLiteralCollector
from analysis.collectors.port_lookups import PortLookupCollector
from analysis.collectors.ports import PortCollector
from analysis.index import digest_of
from analysis.words import plural
from codemods.codemod import Codemod, FileView, Impossible
from codemods.compose import apply
from codemods.edits import Declined, Example, Need, Reason, Rewrite, Skipped
from codemods.get_port_examples import EXAMPLES
from codemods.imports import Refused
from codemods.outcome import Outcome
from codemods.port_edits import edits
from codemods.port_file import objection
from codemods.port_places import digits
from codemods.port_plan import Decision, Named, Plan
from codemods.whole import whole
from config.registry import Port
from config.registry_edit import added

if TYPE_CHECKING:
    from analysis.project import Project
    from analysis.walk import Collector
    from config.settings import Settings
    from linters.rule import Finding

_PLANS: WeakKeyDictionary[Project, Plan] = WeakKeyDictionary()
"""The plan of the project that was prepared last, for when its files are rewritten: some plans take seconds."""


class GetPortCodemod(Codemod):
    """Rewrites what E910 reports."""

    name: ClassVar[str] = "get_port"
    summary: ClassVar[str] = "Give literal ports a name in config/ports.yaml, and look them up there."
    answers: ClassVar[tuple[str, ...]] = ("E910",)
    target: ClassVar[str | None] = "get_port"
    collectors: ClassVar[tuple[type[Collector], ...]] = (PortLiteralCollector,)
    examples: ClassVar[tuple[Example, ...]] = EXAMPLES

    def parameters(self) -> Sequence[click.Parameter]:
        """``--renumber``."""
        return (
            click.Option(
                ["--renumber"],
                is_flag=True,
                help="Where several owners bind one port on one machine, give all but one of them another, as far as "
                "that leaves no client behind.",
            ),
        )

    def surveys(self, settings: Settings, options: Mapping[str, Any]) -> tuple[type[Collector], ...]:
        """Who binds and who connects, of every file."""
        return (PortCollector, PortLookupCollector)

    def prepare(self, project: Project, settings: Settings, options: Mapping[str, Any]) -> Mapping[str, bytes]:
        """Decide on a name for every literal of the tree, of which ``project`` may be a part."""
        plan = self._plan(project, settings, options)
        return {path: msgspec.msgpack.encode(one) for path, one in plan.prepared().items() if path in project.files}

    def _plan(self, project: Project, settings: Settings, options: Mapping[str, Any]) -> Plan:
        renumber, stream = bool(options.get("renumber")), bool(options.get("stream"))
        every = whole(project, settings, (PortCollector, PortLiteralCollector, PortLookupCollector))
        plan = Plan(every, settings, renumber=renumber, stream=stream)
        _PLANS.clear()
        _PLANS[project] = plan
        return plan

    def rewrite(self, file: FileView, prepared: bytes | None) -> Iterator[Rewrite | Declined | Skipped]:
        """Answer the findings of one file."""
        decided = msgspec.msgpack.decode(prepared, type=list[Decision]) if prepared else []
        places = {(one.line, one.col): one for one in decided}
        for finding in file.findings:
            yield self._answer(file, finding, places.get((finding.span.line, finding.span.col)))

    def _answer(self, file: FileView, finding: Finding, decision: Decision | None) -> Rewrite | Declined:
        if decision is None:
            return Declined(finding.code, finding.span, Reason.TEST_DATA)
        if not decision.names:
            return Declined(finding.code, finding.span, Reason(decision.reason), decision.detail)
        if file.path.rpartition("/")[2] == "setup.py":
            detail = "setup.py runs where the project's requirements are not installed yet"
            return Declined(finding.code, finding.span, Reason.STANDALONE, detail)
        module, _, name = file.settings.get_port.partition(":")
        need = Need(module, name)
        try:
            function = file.imports.bind(need, finding.span.line)
        except Refused as refused:
            return Declined(finding.code, finding.span, refused.reason, refused.detail)
        span = finding.span
        splices = edits(
            file.source,
            file.source.offset(span.line, span.col),
            file.source.offset(span.end_line, span.end_col),
            [one.was for one in decision.names],
            {one.was: _call(function, one) for one in decision.names},
        )
        if not splices:
            return Declined(finding.code, span, Reason.NOT_FOUND)
        detail = ", ".join(_told(one) for one in decision.names)
        return Rewrite(finding.code, span, splices, needs=(need,), detail=detail)

    def complete(
        self,
        project: Project,
        settings: Settings,
        options: Mapping[str, Any],
        prepared: Mapping[str, bytes],
        outcomes: Sequence[Outcome],
    ) -> Sequence[Outcome]:
        """The registry with the names that were put in and are not there yet."""
        new = list(_new(prepared, outcomes))
        if not new:
            return ()
        plan = _PLANS.get(project) or self._plan(project, settings, options)
        left = _left(plan, outcomes) if options.get("renumber") else ""
        if left:
            raise Impossible(
                f"--renumber: {left}: nothing was written. Run it over the whole tree, without --max-files and "
                "--only-under; where the line cannot be rewritten, give it another number by hand"
            )
        old = plan.file.read_bytes() if plan.file.exists() else None
        problem = objection(project.root, plan.file) if old is None else ""
        if problem:
            raise Impossible(f"{problem}. Nothing was written")
        text = added(old, new, plan.new_machines(one.machine for one in new), plan.file)
        root = project.root
        path = plan.file.relative_to(root).as_posix() if plan.file.is_relative_to(root) else str(plan.file)
        note = plural(len(new), "name")
        edits = ((0, 0, text),) if old is None else _difference(old, text)
        before = digest_of(old) if old is not None else b""
        moved = tuple(plan.moves.told(new))
        return (Outcome(path, (), edits, before, digest_of(text), note=note, moved=moved), *_configured(plan, new))


def _configured(plan: Plan, new: Sequence[Port]) -> Iterator[Outcome]:
    """The configuration files that hand an owner the port which it was moved from: they hand it the new one."""
    names = {one.name: one.port for one in new}
    places: defaultdict[str, dict[tuple[int, int], tuple[int, int]]] = defaultdict(dict)
    for row, entry in plan.moves.handed():
        if entry.name in names and row.port is not None:
            places[row.path][row.line, row.column] = row.port, entry.port
    for path, found in sorted(places.items()):
        old = plan.project.path(path).read_bytes()
        edits = tuple(sorted(one for at, ports in found.items() for one in digits(old, *at, *ports)))
        if edits:
            new_text = apply(old, edits)
            yield Outcome(path, (), edits, digest_of(old), digest_of(new_text), note=plural(len(edits), "number"))


def _call(function: str, named: Named) -> str:
    machine = f', machine="{named.entry.machine}"' if named.several else ""
    return f'{function}("{named.entry.name}"{machine})'


def _told(named: Named) -> str:
    """What became of a port, for the report."""
    moved = f", moved from {named.was}" if named.was != named.entry.port else ""
    return f"{named.entry.name} = {named.entry.port}{moved}"


def _left(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    """A place that keeps the number of a port which is moved elsewhere, for people; empty where there is none."""
    made = {
        (outcome.path, one.line, one.column)
        for outcome in outcomes
        if outcome.edits
        for one in outcome.answers
        if one.verdict == "rewritten"
    }
    kept: dict[str, str] = {}
    moved: set[str] = set()
    for path, decisions in plan.prepared().items():
        for decision in decisions:
            for one in decision.names:
                if one.was == one.entry.port:
                    continue
                if (path, decision.line, decision.column) in made:
                    moved.add(one.entry.name)
                else:
                    where = f"{path}:{decision.line}"
                    kept.setdefault(one.entry.name, f"{one.entry.name} would move, and {where} keeps {one.was}")
    return next((text for name, text in sorted(kept.items()) if name in moved), "")


def _new(prepared: Mapping[str, bytes], outcomes: Sequence[Outcome]) -> Iterator[Port]:
    """The entries of the names that were put in, each once, by machine and port."""
    wanted: dict[str, Port] = {}
    for outcome in outcomes:
        made = {(one.line, one.column) for one in outcome.answers if one.verdict == "rewritten"}
        blob = prepared.get(outcome.path)
        if not made or not outcome.edits or blob is None:
            continue
        for decision in msgspec.msgpack.decode(blob, type=list[Decision]):
            if (decision.line, decision.column) in made:
                wanted.update((one.entry.name, one.entry) for one in decision.names if not one.known)
    yield from sorted(wanted.values(), key=lambda one: (one.machine, one.port))


def _difference(old: bytes, new: bytes) -> tuple[tuple[int, int, bytes], ...]:
    """One edit that leaves what both begin and end with."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    return ((first, len(old) - last, new[first : len(new) - last]),)


if __name__ == "__main__":
    from codemods.cli import main

    main("get_port")
