"""What a run found, as every output format is given it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from linters.baseline import Key
from linters.rule import Finding, Rule


class Broken(msgspec.Struct, frozen=True):
    """A file without facts: ``kind`` as in ``analysis.facts.Fault``; ``line`` and ``col`` from 1, 0 when not known.

    ``accepted`` when the baseline holds it.
    """

    path: str
    kind: str
    message: str
    line: int
    col: int
    accepted: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one run.

    Paths are relative to ``root``. ``findings`` are those to be shown, ``silenced`` those that a ``noqa`` holds back,
    with its reason, ``known`` those that the baseline holds, ``stale`` its entries that are no longer found. ``broken``
    are the files that have no facts. ``rules`` are the rules that ran, ``analysed`` and ``excluded`` numbers of files.
    ``note`` is for the summary: that there was no file to look at.
    """

    root: Path
    rules: tuple[type[Rule], ...]
    findings: list[Finding]
    silenced: list[tuple[Finding, str]]
    known: list[Finding]
    stale: Counter[Key]
    baseline: Path | None
    broken: list[Broken]
    analysed: int
    excluded: int
    note: str = ""

    @property
    def unaccepted(self) -> list[Broken]:
        """The files without facts that the baseline does not hold."""
        return [one for one in self.broken if not one.accepted]

    @property
    def exit_code(self) -> int:
        """2 when a file could not be analysed, 1 when there are findings or stale entries, else 0."""
        if self.unaccepted:
            return 2
        return 1 if self.findings or self.stale else 0

    def shown(self, path: str) -> str:
        """``path`` as people want it: relative to the folder they are in, where it lies below that."""
        # String work: this is asked for each file of a long report.
        whole = path if path.startswith("/") else f"{self.root.as_posix()}/{path}"
        return whole.removeprefix(f"{Path.cwd().as_posix()}/")


def printable(text: str) -> str:
    """``text`` with what cannot be written as UTF-8 (a file name that is not) as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
