"""Runs a codemod over one file: asks it about each finding, chooses edits that fit together, and checks the result.

A rewrite that breaks a law is dropped by itself, with the reason; the others go on. Where a rewrite could have opened
the way for a finding that was declined (one inside the other), the file is gone through again, until nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from analysis.collectors.header import HeaderCollector
from analysis.collectors.imports import Imports as ImportCollector
from analysis.facts import EMPTY, FileFacts
from analysis.index import digest_of
from analysis.source import Source
from analysis.walk import Collector
from codemods.codemod import Codemod
from codemods.moved import Moved
from codemods.outcome import CHANGED, Answer, Outcome, Refusal
from codemods.passes import FileRun
from config.settings import Settings
from linters.rule import Rule
from linters.rule import kinds as rule_kinds
from linters.runner import Ignores, collectors


class Engine:
    """A codemod with the rules that it answers, under one set of settings and options. One per process."""

    def __init__(self, codemod: Codemod, settings: Settings, options: Mapping[str, Any]) -> None:
        self.codemod = codemod
        self.settings = settings
        self.options = options
        known = rule_kinds()
        self.rules: list[Rule] = [known[code](settings) for code in codemod.answers]
        self.ignores = Ignores(settings)

    @cached_property
    def collectors(self) -> tuple[type[Collector], ...]:
        """What the facts of a project must hold for ``Codemod.prepare`` and ``run``."""
        return _once([*self.local, *self.codemod.surveys(self.settings, self.options)])

    @cached_property
    def local(self) -> tuple[type[Collector], ...]:
        """What the facts of a file must hold for ``run``."""
        return _once([*collectors(self.rules), *self.codemod.collectors, ImportCollector, HeaderCollector])

    def concerns(self, facts: FileFacts) -> bool:
        """Whether the file can have findings, by a glance at its facts."""
        return facts.fault is None and any(
            facts.blobs[one.topic] != EMPTY for rule in self.rules for one in rule.collectors()
        )

    def run(
        self, source: Source, facts: FileFacts, prepared: bytes | None = None, refusal: Refusal | None = None
    ) -> tuple[tuple[Answer, ...], bytes, tuple[tuple[int, int, bytes], ...]]:
        """Rewrite ``source``: the answers in the order of the source, its new bytes, and the edits that lead there."""
        run = FileRun(self, source, facts, prepared, refusal)
        run.go()
        answers = tuple(run.answers[key] for key in sorted(run.answers))
        data = run.source.data
        if len(run.trail) == 1:
            return answers, data, run.trail[0].edits()
        return answers, data, ((0, len(source.data), data),) if run.trail else ()


def outcome_of(
    engine: Engine, source: Source, facts: FileFacts, prepared: bytes | None, refusal: Refusal | None
) -> Outcome:
    """Run ``engine`` over one file; what goes wrong in the codemod becomes the file's fault."""
    path = facts.path
    if source.fault is not None:
        return Outcome(path, fault=source.fault.message)
    old = digest_of(source.data)
    if old != facts.digest:
        return Outcome(path, fault=CHANGED)
    try:
        answers, data, edits = engine.run(source, facts, prepared, refusal)
    except Exception as error:  # noqa: BLE001, E900 a defect of one codemod must not end the run; it is reported
        return Outcome(path, fault=f"the codemod failed: {type(error).__name__}: {error}{_where(error)}")
    if not edits:
        return Outcome(path, answers, edits, old, old)
    mover = Moved(source, edits, data)
    return Outcome(path, answers, edits, old, digest_of(data), later=tuple(map(mover.answer, answers)))


def _where(error: Exception) -> str:
    trace = error.__traceback__
    where = ""
    while trace is not None:
        where = f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return where


def _once(kinds: Sequence[type[Collector]]) -> tuple[type[Collector], ...]:
    return tuple({one.topic: one for one in kinds}.values())
