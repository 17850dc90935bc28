"""Rules put to work: over one file at hand, and over a project whose facts are in the index."""

from __future__ import annotations

import ast
import fnmatch
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from analysis.collectors.suppressions import SuppressionCollector
from analysis.source import Source, in_deep_stack
from analysis.walk import Collector, collect
from config.settings import Settings
from linters import suppress
from linters.rule import Facts, Finding, Rule, Selection, TreeRule
from linters.suppress import Outcome

if TYPE_CHECKING:
    from analysis.project import Project


class SourceFacts:
    """The facts of one source at hand, from one walk over its tree."""

    def __init__(self, path: str, source: Source, tree: ast.Module, collectors: Iterable[type[Collector]]) -> None:
        self.path = path
        kinds = tuple(collectors)
        self._table = (
            in_deep_stack(lambda: collect(source, tree, kinds)) if source.deep else collect(source, tree, kinds)
        )

    def records(self, collector: type[Collector]) -> Sequence[Any]:
        """What ``collector`` noted down; nothing when it was not asked to walk."""
        return self._table.get(collector.topic, ())


def collectors(rules: Iterable[Rule]) -> tuple[type[Collector], ...]:
    """The collectors that ``rules`` read, and the one for suppressions, each once and in a stable order."""
    wanted = {one.topic: one for rule in rules for one in rule.collectors()}
    wanted[SuppressionCollector.topic] = SuppressionCollector
    return tuple(wanted[topic] for topic in sorted(wanted))


class Ignores:
    """The ``per-file-ignores`` of the settings: patterns as the shell knows them, against the path or its last part."""

    def __init__(self, settings: Settings) -> None:
        self._table = [
            (pattern, Selection(ignore=codes)) for pattern, codes in sorted(settings.per_file_ignores.items())
        ]

    def of(self, path: str) -> list[Selection]:
        """The selections that hold for ``path``, which is relative to the root and has ``/``."""
        if not self._table:
            return []
        name = path.rpartition("/")[2]
        return [
            selection
            for pattern, selection in self._table
            if fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(name, pattern)
        ]


def survey(project: Project, rules: Iterable[Rule]) -> dict[str, list[Finding]]:
    """What those of ``rules`` that look across files find in a whole tree, by path."""
    found: dict[str, list[Finding]] = {}
    for rule in rules:
        if isinstance(rule, TreeRule):
            for finding in rule.survey(project):
                found.setdefault(finding.path, []).append(finding)
    return found


def check(
    facts: Facts,
    rules: Sequence[Rule],
    ignores: Ignores | None = None,
    surveyed: Sequence[Finding] | None = None,
) -> Outcome:
    """The findings of one file, in source order, with its ``noqa`` applied.

    ``surveyed`` are those in it of the rules that look across files; None where these have not seen it, so that a
    ``noqa`` for them is not judged.
    """
    selections = ignores.of(facts.path) if ignores is not None else []
    chosen = [rule for rule in rules if surveyed is not None or not isinstance(rule, TreeRule)]
    if selections:
        chosen = [rule for rule in chosen if all(one.takes(rule.code) for one in selections)]
    found = [finding for rule in chosen for finding in rule.check(facts)]
    if surveyed:
        codes = {rule.code for rule in chosen}
        found += [finding for finding in surveyed if finding.code in codes]
    if len(found) > 1:
        found.sort(key=place)
    if not facts.records(SuppressionCollector):
        return Outcome(found, [], [])
    judged = frozenset(rule.code for rule in chosen if rule.collectors())
    outcome = suppress.apply(found, facts, judged)
    if not outcome.comments:
        return outcome
    about = [one for rule in chosen for one in rule.review(facts.path, outcome.comments, judged)]
    if not about:
        return outcome
    second = suppress.apply(about, facts, ())
    return Outcome(
        sorted([*outcome.kept, *second.kept], key=place),
        sorted([*outcome.silenced, *second.silenced], key=place),
        outcome.comments,
    )


def place(finding: Finding) -> tuple[str, int, int, str]:
    """The order in which findings are shown."""
    return finding.path, finding.span.line, finding.span.col, finding.code
