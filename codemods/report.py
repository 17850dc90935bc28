"""What a run did, for people, for programs, and as a difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from analysis.facts import Fault
from analysis.words import plural
from codemods.edits import Reason, SkipReason
from codemods.outcome import Answer, Outcome, Verdict

_VERDICTS: tuple[Verdict, ...] = ("rewritten", "narrowed", "declined", "skipped")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one run of ``codemod``. Paths are relative to ``root``.

    ``outcomes`` are those of the files that had findings, in order; ``faults`` the files that could not be analysed;
    ``analysed`` and ``excluded`` are numbers of files. ``written``: whether the changes are in the tree; the places of
    the findings are then those in the files as they are now, else those in the files as they were. ``stream`` is the
    old text when it did not come from a file. ``note`` is for the summary: that there was no file to look at.
    """

    codemod: str
    root: Path
    outcomes: list[Outcome]
    faults: dict[str, Fault]
    analysed: int
    excluded: int
    written: bool
    links: tuple[str, ...] = ()
    stream: bytes | None = None
    seconds: float = 0.0
    note: str = ""

    @property
    def changed(self) -> list[Outcome]:
        """The files that are rewritten, or would be."""
        return [one for one in self.outcomes if one.edits]

    @property
    def unchanged(self) -> int:
        """How many of the files that were analysed stay as they are."""
        return self.analysed - sum(bool(one.old) and one.path.endswith(".py") for one in self.changed)

    @property
    def failed(self) -> list[tuple[str, str, int]]:
        """Path, cause and line of each file that could not be dealt with, sorted."""
        found = [(one.path, one.fault, 0) for one in self.outcomes if one.fault]
        return sorted([*found, *((path, fault.message, fault.line) for path, fault in self.faults.items())])

    def answers(self, verdict: Verdict) -> Iterator[tuple[str, Answer]]:
        """Path and answer of each finding with that verdict."""
        return ((one.path, answer) for one in self.outcomes for answer in one.answers if answer.verdict == verdict)

    def count(self, verdict: Verdict) -> int:
        """The number of findings with that verdict."""
        return sum(1 for _ in self.answers(verdict))

    def reasons(self, verdict: Verdict) -> list[tuple[str, int]]:
        """How many findings have that verdict for each reason, the commonest first."""
        counts = Counter(answer.reason for _, answer in self.answers(verdict))
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    @property
    def exit_code(self) -> int:
        """2 when a file could not be dealt with; 1 when findings remain or would be rewritten; else 0."""
        if self.failed:
            return 2
        return 1 if self.count("declined") or (self.changed and not self.written) else 0

    def shown(self, path: str) -> str:
        """``path`` as people want it: relative to the folder they are in, where it lies below that."""
        whole = path if path.startswith("/") else f"{self.root.as_posix()}/{path}"
        return whole.removeprefix(f"{Path.cwd().as_posix()}/")


def difference(report: Report, outcome: Outcome) -> bytes:
    """The unified difference of one changed file, which must not have been written yet."""
    from codemods.difference import unified

    if not outcome.old:
        return unified(outcome.path, None, outcome.edits)
    old = report.stream if report.stream is not None else (report.root / outcome.path).read_bytes()
    return unified(outcome.path, old, outcome.edits)


def as_json(report: Report, *, differences: bool = False) -> str:
    """The whole report as one document; its ``version`` changes when a field changes its meaning.

    2: after a run that wrote, lines and columns are those of the files as they are now.

    ``differences``: with the unified difference of each changed file, which must not have been written yet.
    """
    document: dict[str, Any] = {
        "version": 2,
        "codemod": report.codemod,
        "root": _printable(str(report.root)),
        "written": report.written,
        "changed": [_printable(one.path) for one in report.changed],
        **{verdict: [_answer(*each) for each in report.answers(verdict)] for verdict in _VERDICTS},
        "failed": [
            {"path": _printable(path), "message": _printable(message), "line": line}
            for path, message, line in report.failed
        ],
        "moved": [_printable(text) for one in report.changed for text in one.moved],
        "hard_links": [_printable(path) for path in report.links],
        "summary": {
            **{verdict: report.count(verdict) for verdict in _VERDICTS},
            "reasons": {verdict: dict(report.reasons(verdict)) for verdict in ("declined", "skipped")},
            "files": report.analysed,
            "changed": len(report.changed),
            "unchanged": report.unchanged,
            "failed": len(report.failed),
            "excluded": report.excluded,
            "exit_code": report.exit_code,
        },
    }
    if differences:
        document["differences"] = {
            _printable(one.path): difference(report, one).decode("utf-8", "backslashreplace") for one in report.changed
        }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _answer(path: str, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "path": _printable(path),
        "line": answer.line,
        "column": answer.column,
        "code": answer.code,
        "scope": answer.scope,
    }
    if answer.reason:
        found["reason"] = answer.reason
    if answer.detail:
        found["detail"] = _printable(answer.detail)
    if answer.verdict in ("rewritten", "narrowed"):
        found["safety"] = answer.safety
    return found


def as_text(report: Report) -> str:
    """One line for each changed file, each finding that stays or is planned and each file that failed, in the order of
    the tree.

    What ``--max-files`` put off is one line at the end: the next run says what becomes of each.
    """
    rows: list[tuple[str, int, int, str]] = []
    done = "rewritten" if report.written else "would be rewritten"
    for one in report.outcomes:
        name = report.shown(one.path)
        if one.edits:
            counts = Counter(answer.verdict for answer in one.answers)
            parts = ((counts["rewritten"], done), (counts["narrowed"], done.replace("rewritten", "narrowed")))
            text = ", ".join(f"{number} {word}" for number, word in parts if number) or _other(one, report.written)
            rows.append((one.path, 0, 0, f"{name}: {text}"))
        for answer in one.answers:
            if answer.verdict == "declined" and answer.reason != Reason.LIMIT:
                detail = f": {answer.detail}" if answer.detail else ""
                place = f"{name}:{answer.line}:{answer.column}"
                rows.append(
                    (one.path, answer.line, answer.column, f"{place}: {answer.code} declined, {answer.reason}{detail}")
                )
            elif answer.reason == SkipReason.PLANNED:
                place = f"{name}:{answer.line}:{answer.column}"
                rows.append((one.path, answer.line, answer.column, f"{place}: {answer.code} planned: {answer.detail}"))
    for path, message, line in report.failed:
        place = report.shown(path) + (f":{line}" if line else "")
        rows.append((path, line, 0, f"{place}: failed, {message}"))
    rows.sort(key=lambda row: row[:3])
    return "".join(_printable(row) + "\n" for row in [*(row[3] for row in rows), *_put_off(report)])


def _other(outcome: Outcome, written: bool) -> str:
    """What was done to a file that has no findings."""
    if not outcome.note:
        return "changed" if written else "would be changed"
    verb = ("added" if outcome.old else "made") if written else ("would be added" if outcome.old else "would be made")
    if outcome.note.endswith(("number", "numbers")):
        verb = "changed" if written else "would be changed"
    elif outcome.old and outcome.note.endswith(("definition", "definitions")):
        verb = "moved away" if written else "would be moved away"
    return f"{outcome.note} {verb}" if outcome.old else f"{verb}, with {outcome.note}"


def _put_off(report: Report) -> list[str]:
    """The line on what ``--max-files`` leaves for another run."""
    paths = [path for path, answer in report.answers("declined") if answer.reason == Reason.LIMIT]
    if not paths:
        return []
    files = plural(len(set(paths)), "file")
    return [f"{plural(len(paths), 'finding')} in {files} put off, {Reason.LIMIT}: {report.shown(paths[0])} is the next"]


def statistics(report: Report) -> str:
    """The number of findings of each verdict, and of each reason with its meaning."""
    rows = [(report.count(verdict), verdict, "") for verdict in ("rewritten", "narrowed")]
    for reason, number in report.reasons("declined"):
        rows.append((number, f"declined, {reason}", Reason(reason).meaning))
    rows += [(number, f"skipped, {reason}", "") for reason, number in report.reasons("skipped")]
    rows.append((len(report.failed), "files failed", ""))
    rows = [row for row in rows if row[0]]
    if not rows:
        return ""
    wide = max(len(f"{row[0]:,}") for row in rows)
    long = max(len(row[1]) for row in rows)
    return "".join(f"{number:>{wide},}  {what:<{long}}  {meaning}".rstrip() + "\n" for number, what, meaning in rows)


def summary(report: Report) -> str:
    """A few lines for stderr."""
    verb = "" if report.written or not report.changed else " (nothing was written)"
    lines = [", ".join(f"{report.count(verdict):,} {verdict}" for verdict in _VERDICTS) + f"{verb}."]
    moved = "moved" if report.written else "would move"
    lines += [f"  {moved} {_printable(text)}" for one in report.changed for text in one.moved]
    unsafe = sum(answer.safety == "unsafe" for one in report.changed for answer in one.answers)
    if unsafe:
        lines.append(f"  {unsafe:,} of these may change what the program does (--unsafe)")
    for verdict in ("declined", "skipped"):
        for reason, number in report.reasons(verdict):
            lines.append(f"  {verdict} {number:,}: {reason}")
    files = f"{plural(len(report.changed), 'file')} changed, {report.unchanged:,} unchanged"
    if report.failed:
        files += f", {len(report.failed):,} failed"
    if report.excluded:
        files += f", {report.excluded:,} excluded"
    lines.append(f"{files}.")
    if report.links:
        linked = plural(len(report.links), "changed file has", "changed files have")
        lines.append(
            f"{linked} other names (hard links) that keep the old text: "
            + ", ".join(_printable(path) for path in report.links[:5])
        )
    if report.note:
        lines.append(_printable(report.note))
    return "\n".join(lines)


def _printable(text: str) -> str:
    """``text`` with what cannot be written as UTF-8 (a file name that is not) as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
