"""The flake8 checker: options in, findings out. flake8 itself applies ``noqa``, selection and per-file ignores."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from analysis import generated
from analysis.collectors.suppressions import SuppressionCollector
from analysis.source import Source
from config.settings import Settings, SettingsError, load
from linters import runner
from linters.rule import Finding, Rule, Selection, TreeRule, rules

if TYPE_CHECKING:
    import argparse


class Checker:
    """One file, as flake8 hands it over: its ``tree``, its decoded ``lines`` and the name to show."""

    _rules: ClassVar[list[Rule] | None] = None

    def __init__(self, tree: ast.Module, lines: list[str], filename: str = "stdin") -> None:
        self._tree = tree
        self._lines = lines
        self._filename = filename

    @classmethod
    def add_options(cls, manager: Any) -> None:
        """Add ``--unsnarl-config`` to flake8's options."""
        manager.add_option(
            "--unsnarl-config",
            metavar="FILE",
            default="",
            parse_from_config=True,
            normalize_paths=True,
            help="settings of unsnarl; else [tool.unsnarl] of the nearest pyproject.toml, or unsnarl.toml",
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Read the settings. Raises flake8's ExecutionError, which it prints, when they cannot be used."""
        # flake8 retries a three-argument form that raises TypeError with one argument, and hides the error: so one.
        try:
            config = Path(options.unsnarl_config) if options.unsnarl_config else None
            # Which codes are shown is flake8's to say, by its own options.
            cls._rules = _alone(load(Path.cwd(), config))
        except SettingsError as error:
            from flake8.exceptions import ExecutionError

            raise ExecutionError(str(error)) from None

    def run(self) -> Iterator[tuple[int, int, str, type[Checker]]]:
        """Yield line (from 1), column (in characters, from 0), text and ourselves for each finding."""
        chosen = self._rules if self._rules is not None else _alone(load(Path.cwd()))
        wide, surveyed = self.wide()
        if surveyed is not None:
            chosen = [*chosen, *wide]
        text = "".join(self._lines)
        source = Source.from_bytes(text.encode("utf-8", "surrogatepass"), self._filename)
        if self._filename.endswith(generated.NAMES) or generated.generated_mark(source.data):
            # flake8 does not tell whether somebody named the file; `unsnarl check` leaves these out unless one does.
            return
        wanted = runner.collectors(one for one in chosen if not isinstance(one, TreeRule))
        folded = text.upper() if "noqa" in text.lower() else ""
        if not folded or not any(rule.settings.require_reason or rule.code in folded for rule in chosen):
            # flake8 applies the noqa itself. Only what E904 and E905 say is ours, and it takes tokenising to say it.
            wanted = tuple(one for one in wanted if one is not SuppressionCollector)
        facts = runner.SourceFacts(self._filename, source, self._tree, wanted)
        outcome = runner.check(facts, chosen, None, surveyed)
        for finding in sorted([*outcome.kept, *outcome.silenced], key=runner.place):
            yield finding.span.line, finding.column - 1, f"{finding.code} {finding.message}", type(self)

    def wide(self) -> tuple[Sequence[Rule], Sequence[Finding] | None]:
        """The rules that look across files, and what they found in this one; None where they have not seen it."""
        return (), None


def _alone(settings: Settings) -> list[Rule]:
    """The rules that can judge a file by itself: flake8 shows us one at a time, in processes of its own."""
    return [one for one in rules(settings, Selection(("E",))) if not isinstance(one, TreeRule)]
