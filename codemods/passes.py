"""A file on its way through the passes, until nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from analysis.facts import FileFacts
from analysis.reading import analyse
from analysis.source import Source
from codemods.compose import Composed
from codemods.edits import Need, Reason, SkipReason
from codemods.outcome import Answer, Refusal
from codemods.solver import Solver, place
from linters.rule import Finding
from linters.runner import check

if TYPE_CHECKING:
    from codemods.engine import Engine

PASSES = 8
"""How often one file is gone through at most. Each pass but the last rewrites something."""


class FileRun:
    """One file on its way through the passes. Findings are told apart by where they began in the original bytes.

    ``source``, ``facts`` and ``prepared`` are those of the pass at hand; ``trail`` holds what each pass made and
    ``imported`` the names that were imported.
    """

    def __init__(
        self, engine: Engine, source: Source, facts: FileFacts, prepared: bytes | None, refusal: Refusal | None
    ) -> None:
        self.engine = engine
        self.source = source
        self.facts = facts
        self.prepared = prepared
        self.refusal = refusal
        self.imported: dict[Need, str] = {}
        self.trail: list[Composed] = []
        self.answers: dict[tuple[int, str], Answer] = {}

    def go(self) -> None:
        """Go through the file until a pass changes nothing that could let another do more."""
        wanted: set[tuple[int, str]] | None = None
        for _ in range(PASSES):
            again = self.once(wanted)
            if not again:
                return
            wanted = again
        for key in wanted or ():
            if self.answers[key].verdict == "declined":
                self.answers[key] = msgspec.structs.replace(self.answers[key], reason=Reason.UNSTABLE.value)

    def once(self, wanted: set[tuple[int, str]] | None) -> set[tuple[int, str]]:
        """Go through the file once, for the findings in ``wanted`` (None: all). Returns those to ask about again."""
        outcome = check(self.facts, self.engine.rules, self.engine.ignores)
        if wanted is None:
            for finding in outcome.silenced:
                self._note(finding, Answer("skipped", *place(finding), SkipReason.NOQA.value))
            self._ignored(outcome.kept)
            for rule in self.engine.rules:
                for finding, why in rule.left_alone(self.facts):
                    self._note(finding, Answer("skipped", *place(finding), why))
        asked = [found for found in outcome.kept if wanted is None or self.key(found) in wanted]
        if not asked:
            return set()
        one = Solver(self, outcome.kept, asked)
        composed = one.solve()
        for finding, answer in one.verdicts():
            self._note(finding, answer)
        if composed is None:
            return set()
        again = {self.key(finding) for finding in one.reopened()}
        self.imported.update(one.imports.given(need for made in one.made for need in made.needs))
        self._advance(composed, again=bool(again))
        return again

    def _ignored(self, kept: Sequence[Finding]) -> None:
        """Note what only the settings' ``per-file-ignores`` keep from being reported."""
        if not self.engine.ignores.of(self.facts.path):
            return
        seen = {self.key(finding) for finding in kept}
        for finding in check(self.facts, self.engine.rules).kept:
            if self.key(finding) not in seen:
                self._note(finding, Answer("skipped", *place(finding), SkipReason.EXCLUDED.value))

    def _note(self, finding: Finding, answer: Answer) -> None:
        key = self.key(finding)
        first = self.answers.get(key)
        if first is not None:
            # It was moved by an earlier pass: people know it by where it was.
            answer = msgspec.structs.replace(answer, line=first.line, column=first.column)
        self.answers[key] = answer

    def key(self, finding: Finding) -> tuple[int, str]:
        """What tells ``finding`` from others through all passes."""
        offset = self.source.offset(finding.span.line, finding.span.col)
        for composed in reversed(self.trail):
            before = composed.backward(offset)
            # A finding in new text has no place of its own in the original; it can only be met after a broken law.
            offset = before if before is not None else -1 - offset
        return offset, finding.code

    def _advance(self, composed: Composed, *, again: bool) -> None:
        before = self.source
        self.source = Source.from_bytes(composed.data, before.path)
        if again:
            if self.prepared is not None:
                self.prepared = self.engine.codemod.moved(self.prepared, _Mover(before, self.source, composed))
            self.facts = analyse(self.source, self.engine.local, self.facts.path)
            if self.facts.fault is not None:
                raise RuntimeError(f"the result cannot be read again: {self.facts.fault.message}")
        self.trail.append(composed)


class _Mover:
    """Where a position of the old source is in the new one."""

    def __init__(self, old: Source, new: Source, composed: Composed) -> None:
        self.old = old
        self.new = new
        self.composed = composed

    def __call__(self, line: int, col: int) -> tuple[int, int]:
        offset = self.composed.forward(self.old.offset(line, col), after=True)
        line = self.new.line_at(offset)
        start = self.new.offset(line, 0)
        return line, len(self.new.data[start:offset].decode(self.new.encoding).encode())
