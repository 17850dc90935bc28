"""One attempt at a whole tree: which imports are cut, how, and what became of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from analysis.collectors.imports import When
from analysis.collectors.namespace import Namespace, Offer
from analysis.cuts import Choice, Cut, Hindrance, Technique, cut_of
from analysis.cycles import Cycle
from analysis.imports import ANY_TIME, AT_IMPORT, Edge
from analysis.index import digest_of
from analysis.words import plural
from codemods.codemod import Impossible, TreeJob
from codemods.cutting.extract import extract
from codemods.cutting.late import late
from codemods.cutting.loads import loaded, nothing_missed
from codemods.cutting.plan import LEAVE, Item
from codemods.cutting.redirect import redirect
from codemods.cutting.split import LATER, TIMEOUT, split
from codemods.cutting.starts import is_service
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason, SkipReason
from codemods.imports import Refused
from codemods.outcome import Answer, Outcome
from linters.import_cycle import findings_of
from linters.runner import Ignores, check

if TYPE_CHECKING:
    from linters.rule import Rule

Pair = tuple[str, str]
Way = Callable[[Workspace, Cut], str]
"""Makes a cut in the workspace and says what was done; raises Refused."""
WAYS: dict[str, Way] = {"late": late, "redirect": redirect, "extract": extract}
"""Those that need no more than the cut."""
_HOW: dict[Technique, str] = {
    "type-checking": "late",
    "defer": "late",
    "redirect": "redirect",
    "extract": "extract",
}
_EVER: frozenset[When] = ANY_TIME | {"typing"}
_LINE = re.compile(r"\bline (\d+)")
_HINDERED: dict[Hindrance, Reason] = {
    "": Reason.NEEDED,
    "late-enough": Reason.NEEDED,
    "all-names": Reason.OFFERED,
    "uncertain": Reason.UNCERTAIN,
    "effect": Reason.EFFECT,
    "offered": Reason.OFFERED,
}


class Run:
    """One attempt at the whole tree of ``workspace``, asked for what ``rule`` (E920) reads.

    In the circles of files ``spared`` no definitions are moved.
    """

    def __init__(self, job: TreeJob, workspace: Workspace, rule: Rule, spared: Collection[frozenset[str]] = ()) -> None:
        self.job = job
        self.workspace = workspace
        self._rules = [rule]
        self._ignores = Ignores(job.settings)
        self._spared = spared
        self._circles = [frozenset(one.files) for one in self.workspace.circles]
        self._asked = [frozenset(one.files) for one in self._circles_asked_for()]
        self._moved: set[frozenset[str]] = set()
        self._answers: dict[Pair, Answer] = {}
        self._items: dict[Pair, Item] = {}
        # What cannot be cut, so that another way round is looked for; and what somebody said to leave.
        self._refused: dict[Pair, set[Technique]] = {}
        self._accepted: set[Pair] = set()
        self._choices: list[tuple[Cycle, Choice]] = []
        # What a plan says is answered, be it part of a circle or not.
        self._planned: set[Pair] = set()
        # Why two services go on to import each other.
        self._silent: dict[Pair, str] = {}

    def go(self) -> None:
        """Cut what is cheapest to cut until nothing is left to try; with ``--events`` services talk first."""
        events = bool(self.job.options.get("events"))
        if events:
            for pair in self._tangled():
                self._talk(self._cut(*pair, _EVER))
        done = -1
        while self._circles_asked_for() and done < (done := len(self._made())):
            # A run of its own would begin without what was refused here, and might find another way.
            self._refused = {pair: {"events"} for pair, how in self._refused.items() if "events" in how}
            self._cut_all(events)

    def _cut_all(self, events: bool) -> None:
        """Cut what is cheapest to cut until nothing is left that was not refused."""
        while (cut := self._next()) is not None:
            pair = cut.importer, cut.imported
            if events and "events" not in self._refused.get(pair, ()) and self._are_services(*pair):
                self._talk(cut)
            else:
                self._make(cut, _HOW.get(cut.technique))

    def _made(self) -> list[Pair]:
        """The imports that were cut."""
        return [pair for pair, answer in self._answers.items() if answer.verdict == "rewritten"]

    def _tangled(self) -> list[Pair]:
        """The services that import each other, be it in functions only: each pair both ways round."""
        between = self.workspace.graph.between(ANY_TIME)
        both = [(one, other) for one, other in between.edges if one < other and between.has_edge(other, one)]
        return [
            pair
            for one, other in sorted(both)
            if self._are_services(one, other)
            for pair in ((one, other), (other, one))
        ]

    def _are_services(self, *paths: str) -> bool:
        files = self.workspace.project.files
        return all(one in files and files[one].fault is None and is_service(self.workspace, one) for one in paths)

    def _talk(self, cut: Cut) -> None:
        """Have the importer ask over the bus, or say why not."""
        pair = cut.importer, cut.imported
        if pair not in self._accepted:
            self._make(msgspec.structs.replace(cut, technique="events"), "events")
            if self._answers[pair].verdict == "declined":
                self._silent[pair] = self._answers[pair].detail.partition(": ")[2]

    def _edges(self, importer: str, imported: str, when: Collection[When]) -> list[Edge]:
        into = self.workspace.graph.into.get(imported, ())
        return [one for one in into if one.importer == importer and one.when in when]

    def _cut(self, importer: str, imported: str, when: Collection[When]) -> Cut:
        edges = self._edges(importer, imported, when)
        crossings = self.workspace.crossings([importer]).get(importer, ())
        return cut_of((importer, imported), edges, crossings, self.workspace.graph)

    def follow(self, file: Path, items: Sequence[Item]) -> None:
        """Cut what the plan ``file`` says. Raises Impossible where it does not fit the tree."""
        for number, item in enumerate(items):
            self.job.progress(number, len(items), "imports of the plan")
            pair = item.importer, item.imported
            # Services are not to import each other at any time; another cut is about what makes a circle.
            when = _EVER if item.how == "events" else AT_IMPORT
            there = self._edges(*pair, _EVER)
            if not there and item.how != LEAVE:
                raise Impossible(
                    f"{file}:{item.line}: {item.importer} does not import {item.imported} (any more). Nothing was "
                    "written; take the item out, or write the plan anew"
                )
            if item.how == LEAVE or not any(one.when in when for one in there):
                # Left as it is, or done before.
                self._accepted.add(pair)
                continue
            self._planned.add(pair)
            self._make(self._cut(*pair, when), item.how)
        for cycle in self._circles_asked_for():
            for cut in self._cuts(cycle):
                if (cut.importer, cut.imported) not in self._answers:
                    refused = self._on_disk(cut, Refused(Reason.LEFT_BY_PLAN, cut.reason))
                    self._decline(cut, refused, self._place(cut))

    def in_vain(self) -> set[frozenset[str]]:
        """The circles in which definitions were moved and that are not gone."""
        left = [set(one.files) for one in self.workspace.circles]
        return {circle for circle in self._moved if any(one <= circle for one in left)}

    def touched(self) -> list[str]:
        """The files that are changed, and those that were part of a circle with one of them."""
        changed = set(self.workspace.changed)
        return sorted(changed.union(*(one for one in self._circles if one & changed)))

    def left(self) -> list[Cycle]:
        """The circles that were asked about and are there all the same."""
        return self._circles_asked_for()

    def items(self) -> list[Item]:
        """What was done, and what could not be, as the items of a plan."""
        left = {pair for cycle in self.workspace.circles for pair in cycle.pairs()}
        return [one for pair, one in self._items.items() if one.how != LEAVE or pair in left]

    def _next(self) -> Cut | None:
        found = self._circles_asked_for()
        for cycle in found:
            left = [cut for cut in self._cuts(cycle) if self._is_open(cut)]
            if left:
                self._show(cycle, len(left))
                return left[0]
        return None

    def _is_open(self, cut: Cut) -> bool:
        pair = cut.importer, cut.imported
        return cut.technique not in self._refused.get(pair, ()) and pair not in self._accepted

    def _show(self, cycle: Cycle, left: int) -> None:
        """Tell how far the circle has come that ``cycle``, where so many cuts are ``left``, is what remains of."""
        at, circle = next((at, one) for at, one in enumerate(self._asked, 1) if cycle.files[0] in one)
        done = sum(pair[0] in circle for pair in self._answers)
        again = "once more: " if self._spared else ""
        self.job.progress(done, done + left, f"{again}circle {at} of {len(self._asked)}: imports")

    def _circles_asked_for(self) -> list[Cycle]:
        """The circles that a file is part of which may be changed."""
        asked = {path for path in self.job.project.files if self.job.may_change(path)}
        return [one for one in self.workspace.circles if not asked.isdisjoint(one.files)]

    def _cuts(self, cycle: Cycle) -> list[Cut]:
        # Circles that are the same as before are the same objects.
        choice = next((choice for each, choice in self._choices if each is cycle), None)
        if choice is None:
            choice = Choice(cycle, self.workspace.crossings(cycle.files), self.workspace.graph)
            current = self.workspace.circles
            kept = [one for one in self._choices if any(one[0] is each for each in current)]
            self._choices = [*kept, (cycle, choice)]
        return choice.cuts(self._refused)

    def _circle(self, cut: Cut) -> frozenset[str]:
        """The circle of the tree as it was that the cut is part of."""
        return next((one for one in self._circles if cut.imported in one), frozenset())

    def _talking(self) -> set[Pair]:
        """The imports by which services were to talk, and that are there all the same."""
        return set(self._tangled()) if self._silent else set()

    def _tell(self) -> None:
        """Say which calls nobody waits for any more, which services import each other one way only now, and why that
        stays.
        """
        for pair, answer in self._answers.items():
            _, told, later = answer.detail.partition(f"; {LATER}: ")
            if told and answer.verdict == "rewritten":
                self.job.say(f"{pair[0]}: {LATER}: {later}, as it was; --no-publish asks and waits.")
        if not self._silent:
            return
        between, tangled = self.workspace.graph.between(ANY_TIME), self._talking()
        for pair, why in self._silent.items():
            if between.has_edge(*pair) and pair not in tangled and self._answers[pair].verdict == "declined":
                self.job.say(f"{pair[0]} goes on importing {pair[1]}: {why}.")

    # One cut

    def _make(self, cut: Cut, how: str | None) -> None:
        """Cut, or say why not."""
        pair = cut.importer, cut.imported
        # Before the change: where it stood is asked of the file as it is on the disk.
        place = self._place(cut)
        silenced = self._silenced(cut)
        if silenced:
            self._accepted.add(pair)
            self._answers[pair] = Answer("skipped", "E920", *place, silenced.value)
            return
        lines = self._lines(cut)
        before, with_it = self.workspace.circles, loaded(self.workspace, cut.importer)
        try:
            with self.workspace.attempt():
                try:
                    done = self._way(cut, how)(self.workspace, cut)
                    self._judge(cut, before)
                    if how != "events":
                        # A service that talks over the bus is not to load the other.
                        nothing_missed(self.workspace, cut, with_it)
                except Refused as refused:
                    raise self._on_disk(cut, refused) from None
        except Refused as refused:
            self._refused.setdefault(pair, set()).add(cut.technique)
            self._decline(cut, refused, place)
            return
        if how == "extract":
            self._moved.add(self._circle(cut))
        if pair in self._silent:
            done = f"{done}; not over the bus, as {self._silent[pair]}"
        safety = "unsafe" if self.workspace.doubts else "safe"
        self._answers[pair] = Answer("rewritten", "E920", *place, "", f"{cut.imported}: {done}", safety)
        self._items[pair] = _item(cut, how or LEAVE, done, lines)

    def _on_disk(self, cut: Cut, refused: Refused) -> Refused:
        """The same with the lines of the importer as they are on the disk: the text at hand may be half changed."""
        before = self.workspace.line_before
        detail = _LINE.sub(lambda one: f"line {before(cut.importer, int(one[1]))}", refused.detail)
        return Refused(refused.reason, detail)

    def _decline(self, cut: Cut, refused: Refused, place: tuple[int, int, str]) -> None:
        told = f"{cut.imported}: {refused.detail}"
        self._answers[cut.importer, cut.imported] = Answer("declined", "E920", *place, refused.reason.value, told)
        self._items[cut.importer, cut.imported] = _item(cut, LEAVE, refused.detail, self._lines(cut))

    def _way(self, cut: Cut, how: str | None) -> Way:
        """How to make the cut. Raises Refused."""
        if not self.job.may_change(cut.importer) or cut.importer not in self.job.project.files:
            raise Refused(Reason.NOT_ASKED, "its file was not asked for")
        changed = self.workspace.changed
        if self.job.most is not None and cut.importer not in changed and len(changed) >= self.job.most:
            raise Refused(Reason.LIMIT, f"{plural(self.job.most, 'file')} changed already")
        if how == "extract" and self._circle(cut) in self._spared:
            raise Refused(Reason.STILL_CIRCULAR, f"{cut.reason}; to move it would not be enough")
        if how is None:
            conditional = any(one.when in ("conditional", "class") for one in cut.edges)
            raise Refused(Reason.CONDITIONAL if conditional else _HINDERED[cut.hindrance], cut.reason)
        if how == "events":
            timeout = float(self.job.options.get("request_timeout") or TIMEOUT)
            publish = not self.job.options.get("no_publish")
            return partial(split, timeout=timeout, publish=publish, refusal=self.job.refusal)
        return WAYS[how]

    def _judge(self, cut: Cut, before: Sequence[Cycle]) -> None:
        """That the import is gone, that there is no circle which was not there, and what may be changed is kept to."""
        for cycle in self.workspace.circles:
            if (cut.importer, cut.imported) in cycle.pairs():
                raise Refused(Reason.STILL_CIRCULAR, f"{cut.importer} would import {cut.imported} all the same")
            if not any(set(cycle.files) <= set(old.files) for old in before):
                raise Refused(Reason.STILL_CIRCULAR, f"{', '.join(cycle.shortest)} would be a new circle")
        changed = self.workspace.changed
        if any(not self.job.may_change(path) for path in changed):
            raise Refused(Reason.NOT_ASKED, "another file would have to be changed that was not asked for")
        if self.job.most is not None and len(changed) > self.job.most:
            raise Refused(Reason.LIMIT, f"more than {plural(self.job.most, 'file')} would be changed")

    def _lines(self, cut: Cut) -> tuple[int, ...]:
        """Where the imports stand on the disk."""
        return tuple(sorted({self.workspace.line_before(cut.importer, one.line) for one in cut.edges}))

    def _place(self, cut: Cut) -> tuple[int, int, str]:
        """Where the first of the imports stands on the disk."""
        lines = {one.line for one in cut.edges}
        for one in self.workspace.imports(cut.importer):
            if one.span.line in lines:
                return self.workspace.line_before(cut.importer, one.span.line), one.column, one.scope
        return min(lines), 1, "<module>"

    def _silenced(self, cut: Cut) -> SkipReason | None:
        """Why nobody wants the import cut, if so."""
        facts = self.workspace.facts(cut.importer)
        findings = list(findings_of(cut, facts))
        if findings and not check(facts, self._rules, None, findings).kept:
            return SkipReason.NOQA
        if findings and not check(facts, self._rules, self._ignores, findings).kept:
            return SkipReason.EXCLUDED
        return None

    # Results

    def outcomes(self, *, planned: bool = False) -> list[Outcome]:
        """What became of the files. ``planned``: nothing is changed, as it was written to a plan."""
        workspace = self.workspace
        self._tell()
        answers: dict[str, list[Answer]] = {}
        left = {pair for cycle in workspace.circles for pair in cycle.pairs()} | self._talking()
        for pair, answer in self._answers.items():
            if planned and answer.verdict == "rewritten":
                answer = msgspec.structs.replace(answer, verdict="skipped", reason=SkipReason.PLANNED.value)
            # What could not be cut there was cut elsewhere.
            elif answer.verdict == "declined" and pair not in left | self._planned:
                continue
            answers.setdefault(pair[0], []).append(answer)
        paths = {*answers, *(workspace.changed if not planned else ())}
        return [
            self._outcome(path, sorted(answers.get(path, ()), key=lambda one: (one.line, one.column)), planned)
            for path in sorted(paths)
        ]

    def _outcome(self, path: str, answers: Sequence[Answer], planned: bool) -> Outcome:
        workspace = self.workspace
        old, new = workspace.before(path), workspace.source(path).data
        if old == new or planned:
            return Outcome(path, tuple(answers), (), digest_of(old), digest_of(old))
        before = workspace.project.files[path].records(Namespace) if not workspace.made(path) else []
        bound = _bound(before) ^ _bound(workspace.facts(path).records(Namespace))
        return Outcome(
            path,
            tuple(answers),
            workspace.difference(path),
            digest_of(old) if not workspace.made(path) else b"",
            digest_of(new),
            note="" if answers or not bound else plural(len(bound), "definition"),
        )


def _bound(offers: Sequence[Offer]) -> set[str]:
    return {name for one in offers for name in one.bound}


def _item(cut: Cut, how: str, why: str, lines: tuple[int, ...]) -> Item:
    names = tuple(dict.fromkeys(name for one in cut.edges for name in one.names))
    return Item(cut.importer, cut.imported, how, names, lines, why)
