"""Answers E920: cuts the imports that make files import each other in a circle, and shows that no circle is left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, ClassVar

import click

from analysis.collectors.namespace import Namespace
from analysis.cuts import Cut, Technique, cuts
from analysis.cycles import Cycle, cycles
from analysis.index import digest_of
from analysis.words import plural
from codemods.codemod import TreeCodemod, TreeJob
from codemods.cutting.extract import extract
from codemods.cutting.late import late
from codemods.cutting.redirect import redirect
from codemods.cutting.workspace import Workspace
from codemods.edits import Reason, SkipReason
from codemods.imports import Refused
from codemods.outcome import Answer, Outcome
from codemods.whole import whole
from linters.import_cycle import findings_of
from linters.rule import kinds
from linters.runner import Ignores, check

if TYPE_CHECKING:
    from analysis.project import Project
    from codemods.edits import Example
    from linters.rule import Rule

Pair = tuple[str, str]
_WAYS: dict[Technique, Callable[[Workspace, Cut], str]] = {
    "type-checking": late,
    "defer": late,
    "redirect": redirect,
    "extract": extract,
}


class EventBusCodemod(TreeCodemod):
    """Rewrites what E920 reports."""

    name: ClassVar[str] = "event_bus"
    summary: ClassVar[str] = "Cut the imports that make files import each other in a circle."
    answers: ClassVar[tuple[str, ...]] = ("E920",)
    examples: ClassVar[tuple[Example, ...]] = ()

    def parameters(self) -> Sequence[click.Parameter]:
        """``--plan``, ``--write-plan`` and ``--import-check``."""
        return ()

    def transform(self, job: TreeJob) -> Sequence[Outcome]:
        """Cut what is cheapest to cut until no circle is left, or none that can be cut."""
        rule = kinds()["E920"](job.settings)
        tree = whole(job.project, job.settings, rule.collectors())
        spared: set[frozenset[str]] = set()
        while True:
            run = _Run(job, tree, rule, spared)
            run.go()
            in_vain = run.in_vain()
            if not in_vain:
                return run.outcomes()
            # Making modules is too much for a circle that is there all the same.
            spared |= in_vain


class _Run:
    """One attempt at the whole tree. In the circles of files ``spared`` no definitions are moved."""

    def __init__(self, job: TreeJob, tree: Project, rule: Rule, spared: Collection[frozenset[str]]) -> None:
        self.job = job
        self.rules = [rule]
        self.workspace = Workspace(tree, job.settings)
        self.spared = spared
        self.circles = [frozenset(one.files) for one in cycles(self.workspace.graph)]
        self.moved: set[frozenset[str]] = set()
        self.ignores = Ignores(job.settings)
        self.answers: dict[Pair, tuple[str, Answer]] = {}
        self.refused: dict[Pair, set[Technique]] = {}
        """What cannot be cut: another way round is looked for."""
        self.accepted: set[Pair] = set()
        """What somebody said to leave."""

    def go(self) -> None:
        """Cut until nothing is left to try."""
        while (cut := self.next()) is not None:
            self.make(cut)

    def in_vain(self) -> set[frozenset[str]]:
        """The circles in which definitions were moved and that are not gone."""
        left = [set(one.files) for one in cycles(self.workspace.graph)]
        return {circle for circle in self.moved if any(one <= circle for one in left)}

    def circle(self, cut: Cut) -> frozenset[str]:
        """The circle of the tree as it was that the cut is part of."""
        return next((one for one in self.circles if cut.imported in one), frozenset())

    def next(self) -> Cut | None:
        workspace = self.workspace
        found = cycles(workspace.graph)
        self.job.progress(len(self.answers), len(self.answers) + len(found))
        for cycle in found:
            for cut in self.cuts(cycle):
                pair = cut.importer, cut.imported
                if cut.technique not in self.refused.get(pair, ()) and pair not in self.accepted:
                    return cut
        return None

    def cuts(self, cycle: Cycle) -> list[Cut]:
        workspace = self.workspace
        return cuts(cycle, workspace.crossings(cycle.files), workspace.graph, self.refused)

    def make(self, cut: Cut) -> None:
        """Cut, or say why not."""
        pair = cut.importer, cut.imported
        # Before the change: where it stood is asked of the file as it is on the disk.
        place = self.place(cut)
        silenced = self.silenced(cut)
        if silenced:
            self.accepted.add(pair)
            self.answers[pair] = cut.importer, Answer("skipped", "E920", *place, silenced.value)
            return
        before = cycles(self.workspace.graph)
        try:
            with self.workspace.attempt():
                done = self.way(cut)(self.workspace, cut)
                self.judge(cut, before)
        except Refused as refused:
            self.refused.setdefault(pair, set()).add(cut.technique)
            told = f"{cut.imported}: {refused.detail}"
            self.answers[pair] = cut.importer, Answer("declined", "E920", *place, refused.reason.value, told)
            return
        if cut.technique == "extract":
            self.moved.add(self.circle(cut))
        self.answers[pair] = cut.importer, Answer("rewritten", "E920", *place, "", f"{cut.imported}: {done}")

    def way(self, cut: Cut) -> Callable[[Workspace, Cut], str]:
        """How to make the cut. Raises Refused."""
        if not self.job.may_change(cut.importer) or cut.importer not in self.job.project.files:
            raise Refused(Reason.NOT_ASKED, "its file was not asked for")
        changed = self.workspace.changed
        if self.job.most is not None and cut.importer not in changed and len(changed) >= self.job.most:
            raise Refused(Reason.LIMIT, f"{self.job.most} files are changed already")
        if cut.technique == "extract" and self.circle(cut) in self.spared:
            raise Refused(Reason.STILL_CIRCULAR, f"{cut.reason}; to move it would not be enough")
        way = _WAYS.get(cut.technique)
        if way is None:
            raise Refused(Reason.NEEDED, cut.reason)
        return way

    def judge(self, cut: Cut, before: Sequence[Cycle]) -> None:
        """That the import is gone, and that there is no circle which was not there."""
        after = cycles(self.workspace.graph)
        for cycle in after:
            if (cut.importer, cut.imported) in cycle.pairs():
                raise Refused(Reason.STILL_CIRCULAR, f"{cut.importer} would import {cut.imported} all the same")
            if not any(set(cycle.files) <= set(old.files) for old in before):
                raise Refused(Reason.STILL_CIRCULAR, f"{', '.join(cycle.shortest)} would be a new circle")

    def place(self, cut: Cut) -> tuple[int, int, str]:
        """Where the first of the imports stood."""
        lines = {one.line for one in cut.edges}
        for one in self.workspace.imports(cut.importer):
            if one.span.line in lines:
                return self.workspace.line_before(cut.importer, one.span.line), one.column, one.scope
        return min(lines), 1, "<module>"

    def silenced(self, cut: Cut) -> SkipReason | None:
        """Why nobody wants the import cut, if so."""
        facts = self.workspace.facts(cut.importer)
        findings = list(findings_of(cut, facts))
        if not check(facts, self.rules, None, findings).kept:
            return SkipReason.NOQA
        return None if check(facts, self.rules, self.ignores, findings).kept else SkipReason.EXCLUDED

    def outcomes(self) -> list[Outcome]:
        """What became of the files."""
        workspace = self.workspace
        answers: dict[str, list[Answer]] = {}
        left = {pair for cycle in cycles(workspace.graph) for pair in cycle.pairs()}
        for pair, (path, answer) in self.answers.items():
            # What could not be cut there was cut elsewhere.
            if answer.verdict != "declined" or pair in left:
                answers.setdefault(path, []).append(answer)
        return [
            self.outcome(path, sorted(answers.get(path, ()), key=lambda one: (one.line, one.column)))
            for path in sorted({*workspace.changed, *answers})
        ]

    def outcome(self, path: str, answers: Sequence[Answer]) -> Outcome:
        """What became of one file."""
        workspace = self.workspace
        old, new = workspace.before(path), workspace.source(path).data
        if old == new:
            return Outcome(path, tuple(answers), (), digest_of(old), digest_of(old))
        before = workspace.project.files[path].records(Namespace) if not workspace.made(path) else []
        after = workspace.facts(path).records(Namespace)
        bound = {name for one in before for name in one.bound} ^ {name for one in after for name in one.bound}
        return Outcome(
            path,
            tuple(answers),
            workspace.difference(path),
            digest_of(old) if not workspace.made(path) else b"",
            digest_of(new),
            note="" if answers else plural(len(bound), "definition"),
        )


if __name__ == "__main__":
    from codemods.cli import main

    main("event_bus")
