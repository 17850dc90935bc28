"""One pass over one file: what the codemod says, which of its rewrites are made, and why the others are not."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from analysis.collectors.header import Header, HeaderCollector
from analysis.collectors.imports import Imports as ImportCollector
from codemods import verify
from codemods.codemod import FileView
from codemods.compose import Change, Composed, Composer, EditError
from codemods.edits import Declined, Reason, Rewrite, Skipped, SkipReason
from codemods.imports import Imports, Refused
from codemods.outcome import Answer
from codemods.tokens import names_as_written
from linters.rule import Finding

if TYPE_CHECKING:
    from codemods.passes import FileRun


_PASSING = frozenset({Reason.CONFLICT, Reason.COMMENT, Reason.COMPILE, Reason.OUTSIDE, Reason.REMAINS})
"""The engine's own reasons, which may be gone once anything else in the file was rewritten."""


class Solver:
    """Finds which rewrites can be made together, for the findings ``asked`` out of ``every`` one of the file."""

    def __init__(self, run: FileRun, every: Sequence[Finding], asked: Sequence[Finding]) -> None:
        self.run = run
        self.engine = run.engine
        self.source = run.source
        self.all = every
        self.findings = asked
        header = run.facts.records(HeaderCollector)
        self.imports = Imports(
            run.source,
            header[0] if header else Header((), 0, False),
            run.facts.records(ImportCollector),
            run.refusal,
            run.imported,
        )
        self.composer = Composer(run.source)
        self.said: dict[tuple[str, int, int], Rewrite | Declined | Skipped] = {}
        self.made: list[Rewrite] = []
        self.composed: Composed | None = None

    def solve(self) -> Composed | None:
        """Ask, choose and check. Returns the result, None when the file stays as it is."""
        view = FileView(
            self.source, self.run.facts, tuple(self.findings), self.engine.settings, self.engine.options, self.imports
        )
        for answer in self.engine.codemod.rewrite(view, self.run.prepared):
            self.said.setdefault(_key(answer), answer)
        wanted = {(one.code, one.span.line, one.span.col) for one in self.findings}
        candidates = [one for key, one in self.said.items() if isinstance(one, Rewrite) and key in wanted]
        candidates.sort(key=lambda one: (_lines(one), one.span.line, one.span.col))
        candidates = [one for one in candidates if self._possible(one)]
        late = set(self.composer.conflicts([_change(one) for one in candidates]))
        for index in late:
            self._decline(candidates[index], verify.Broken(Reason.CONFLICT, ""))
        candidates = [one for index, one in enumerate(candidates) if index not in late]
        if not candidates:
            return None
        self.made = self._settle(candidates)
        return self._composed(self.made) if self.made else None

    @cached_property
    def as_written(self) -> bool:
        """Whether a name of the file can be looked for in its bytes."""
        try:
            return self.source.data.isascii() or names_as_written(self.source.text)
        except (UnicodeError, LookupError):
            return False

    def _possible(self, rewrite: Rewrite) -> bool:
        """Check what can be said of a rewrite by itself."""
        if rewrite.safety == "unsafe" and not self.engine.options.get("unsafe"):
            self._decline(rewrite, verify.Broken(Reason.UNSAFE, rewrite.detail))
            return False
        if not self.as_written:
            self._decline(rewrite, verify.Broken(Reason.OTHER_LETTERS, ""))
            return False
        change = _change(rewrite)
        try:
            own = len(change.splices) > 1 and bool(self.composer.conflicts([change]))
            broken = (
                verify.Broken(Reason.CONFLICT, "its own edits overlap")
                if own
                else verify.comments_kept(self.source, change, self.composer)
            )
            if broken is None:
                for need in rewrite.needs:
                    self.imports.bind(need, _lines(rewrite)[0])
        except Refused as refused:
            broken = verify.Broken(refused.reason, refused.detail)
        except EditError as error:
            broken = verify.Broken(Reason.UNENCODABLE if error.unencodable else Reason.OUTSIDE, str(error))
        if broken is not None:
            self._decline(rewrite, broken)
        return broken is None

    def _settle(self, group: list[Rewrite]) -> list[Rewrite]:
        """The rewrites of ``group`` that can be made together; the others are declined with the law they break."""
        broken = self._trial(group)
        if broken is None:
            return group
        if broken.reason == Reason.COMPILE and len(group) == len(self._offered()):
            path = str(self.source.path)
            before = verify.compiles(self.source.data, path, self.engine.settings)
            if before is not None:
                for at in self.findings:
                    key = (at.code, at.span.line, at.span.col)
                    self.said[key] = Skipped(at.code, at.span, SkipReason.NOT_COMPILING, before.detail)
                return []
        if len(group) == 1:
            self._decline(group[0], broken)
            return []
        half = len(group) // 2
        kept = [*self._settle(group[:half]), *self._settle(group[half:])]
        if not kept or (len(kept) < len(group) and self._trial(kept) is None):
            return kept
        # Each is fine by itself and together they are not: take them one by one, in order.
        chosen: list[Rewrite] = []
        for one in kept:
            broken = self._trial([*chosen, one])
            if broken is None:
                chosen.append(one)
            else:
                self._decline(one, broken)
        return chosen

    def _offered(self) -> list[Rewrite]:
        """What the codemod offered and has not been declined so far."""
        return [one for one in self.said.values() if isinstance(one, Rewrite)]

    def _composed(self, group: Sequence[Rewrite]) -> Composed:
        if self.composed is None:
            self._trial(group)
        assert self.composed is not None
        return self.composed

    def _trial(self, group: Sequence[Rewrite]) -> verify.Broken | None:
        """Make the rewrites of ``group`` and hold the result against the laws."""
        self.composed = None
        try:
            uses = [(need, _lines(one)[0]) for one in group for need in one.needs]
            changes = [*self.imports.changes(uses), *map(_change, group)]
            if self.composer.conflicts(changes):
                return verify.Broken(Reason.CONFLICT, "it changes the place where the import goes")
            composed = self.composer.compose(changes)
        except Refused as refused:
            return verify.Broken(refused.reason, refused.detail)
        except EditError as error:
            return verify.Broken(Reason.UNENCODABLE if error.unencodable else Reason.OUTSIDE, str(error))
        broken = (
            verify.outside_unchanged(self.source, composed, changes, self.composer)
            or verify.compiles(composed.data, str(self.source.path), self.engine.settings)
            or self._remaining(group, composed)
        )
        if broken is None:
            self.composed = composed
        return broken

    def _remaining(self, group: Sequence[Rewrite], composed: Composed) -> verify.Broken | None:
        """Whether the rules still report something in the statements that were rewritten."""
        done = {_key(one) for one in group}
        left = sorted(one.span.line for one in self.all if (one.code, one.span.line, one.span.col) not in done)
        path = self.source.path
        for first, last in _outermost(group):
            start = composed.forward(self.composer.line_start(first))
            end = composed.forward(self.composer.line_start(last + 1), after=True)
            found = verify.findings_in(composed.data[start:end], self.composer.encoding, path, self.engine.rules)
            if found is None:
                # Not whole statements: what is on these lines goes on elsewhere.
                found = verify.findings_in(composed.data, "utf-8", path, self.engine.rules)
                if found is None or found > len(left):
                    return verify.Broken(Reason.REMAINS, f"in lines {first} to {last}")
                return None
            if found > bisect_right(left, last) - bisect_left(left, first):
                return verify.Broken(Reason.REMAINS, f"in lines {first} to {last}")
        return None

    def _decline(self, rewrite: Rewrite, broken: verify.Broken) -> None:
        self.said[_key(rewrite)] = Declined(rewrite.code, rewrite.span, broken.reason, broken.detail)

    def verdicts(self) -> list[tuple[Finding, Answer]]:
        """One answer for each finding of this pass."""
        found: list[tuple[Finding, Answer]] = []
        for finding in self.findings:
            said = self.said.get((finding.code, finding.span.line, finding.span.col))
            at = place(finding)
            if isinstance(said, Rewrite):
                answer = Answer(said.kind, *at, "", said.detail, said.safety)
            elif isinstance(said, Skipped):
                answer = Answer("skipped", *at, said.reason.value, said.detail)
            elif said is None:
                answer = Answer("declined", *at, Reason.UNANSWERED.value)
            else:
                answer = Answer("declined", *at, said.reason.value, said.detail)
            found.append((finding, answer))
        return found

    def reopened(self) -> list[Finding]:
        """The declined findings that a rewrite of this pass may have changed the answer to."""
        made = _outermost(self.made)
        passing = self.engine.codemod.passing | {Reason.UNANSWERED}
        found: list[Finding] = []
        for finding in self.findings:
            said = self.said.get((finding.code, finding.span.line, finding.span.col))
            if said is None or isinstance(said, Declined):
                reason = Reason.UNANSWERED if said is None else said.reason
                at = bisect_right(made, (finding.span.end_line, sys.maxsize)) - 1
                near = at >= 0 and made[at][1] >= finding.span.line
                if reason in _PASSING or (near and reason in passing):
                    found.append(finding)
        return found


def place(finding: Finding) -> tuple[str, int, int, str]:
    """The code, line, column and scope that people know a finding by."""
    return finding.code, finding.span.line, finding.column, finding.scope


def _change(rewrite: Rewrite) -> Change:
    return Change(rewrite.splices, rewrite.indents)


def _key(answer: Rewrite | Declined | Skipped) -> tuple[str, int, int]:
    return answer.code, answer.span.line, answer.span.col


def _lines(rewrite: Rewrite) -> tuple[int, int]:
    """The first and last line of the statement that a rewrite changes."""
    span = rewrite.statement or rewrite.span
    return span.line, span.end_line


def _outermost(group: Sequence[Rewrite]) -> list[tuple[int, int]]:
    """The lines of the rewritten statements, those inside others left out."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(map(_lines, group), key=lambda each: (each[0], -each[1])):
        if not found or first > found[-1][1]:
            found.append((first, last))
        else:
            found[-1] = (found[-1][0], max(found[-1][1], last))
    return found
