"""Answers E920: cuts the imports that make files import each other in a circle, and shows that no circle is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import click

from analysis.cuts import Cut, Technique, cuts
from analysis.cycles import Cycle, cycles
from analysis.index import digest_of
from codemods.codemod import TreeCodemod, TreeJob
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
    from codemods.edits import Example

Pair = tuple[str, str]
_WAYS: dict[Technique, Callable[[Workspace, Cut], str]] = {
    "type-checking": late,
    "defer": late,
    "redirect": redirect,
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
        return _Run(job).go()


class _Run:
    def __init__(self, job: TreeJob) -> None:
        self.job = job
        rule = kinds()["E920"]
        self.rules = [rule(job.settings)]
        self.workspace = Workspace(whole(job.project, job.settings, self.rules[0].collectors()), job.settings)
        self.ignores = Ignores(job.settings)
        self.answers: dict[Pair, tuple[str, Answer]] = {}
        self.refused: dict[Pair, set[Technique]] = {}
        """What cannot be cut: another way round is looked for."""
        self.accepted: set[Pair] = set()
        """What somebody said to leave."""

    def go(self) -> list[Outcome]:
        while (cut := self.next()) is not None:
            self.make(cut)
        return self.outcomes()

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
        self.answers[pair] = cut.importer, Answer("rewritten", "E920", *place, "", f"{cut.imported}: {done}")

    def way(self, cut: Cut) -> Callable[[Workspace, Cut], str]:
        """How to make the cut. Raises Refused."""
        if not self.job.may_change(cut.importer) or cut.importer not in self.job.project.files:
            raise Refused(Reason.NOT_ASKED, "its file was not asked for")
        changed = self.workspace.changed
        if self.job.most is not None and cut.importer not in changed and len(changed) >= self.job.most:
            raise Refused(Reason.LIMIT, f"{self.job.most} files are changed already")
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
        found: list[Outcome] = []
        workspace = self.workspace
        answers: dict[str, list[Answer]] = {}
        left = {pair for cycle in cycles(workspace.graph) for pair in cycle.pairs()}
        for pair, (path, answer) in self.answers.items():
            # What could not be cut there was cut elsewhere.
            if answer.verdict != "declined" or pair in left:
                answers.setdefault(path, []).append(answer)
        for path in sorted({*workspace.changed, *answers}):
            old = workspace.before(path)
            new = workspace.source(path).data
            edits = workspace.difference(path) if old != new else ()
            found.append(
                Outcome(
                    path,
                    tuple(sorted(answers.get(path, ()), key=lambda one: (one.line, one.column))),
                    edits,
                    digest_of(old) if not workspace.made(path) else b"",
                    digest_of(new),
                )
            )
        return found


if __name__ == "__main__":
    from codemods.cli import main

    main("event_bus")
