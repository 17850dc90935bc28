"""For people and editors: one line a finding."""

from __future__ import annotations

from collections import Counter

from analysis.words import plural
from linters.baseline import UNPARSEABLE, Key
from linters.rule import Rule
from unsnarl.report import Report, printable


class _Paint:
    def __init__(self, colour: bool) -> None:
        self.path, self.code, self.dim, self.bad, self.end = (
            ("\x1b[1m", "\x1b[1;31m", "\x1b[36m", "\x1b[1;33m", "\x1b[0m") if colour else ("", "", "", "", "")
        )


def render(report: Report, colour: bool = False) -> str:
    """Findings, stale entries of the baseline and files that could not be analysed, each with its place."""
    paint = _Paint(colour)
    shown: dict[str, str] = {}
    sep = f"{paint.dim}:{paint.end}"

    def name_of(path: str) -> str:
        name = shown.get(path)
        if name is None:
            name = shown[path] = f"{paint.path}{report.shown(path)}{paint.end}"
        return name

    def place(path: str, *numbers: int) -> str:
        return sep.join((name_of(path), *(str(number) for number in numbers if number)))

    rows = []
    for one in report.findings:
        line, column = one.span.line, one.column
        text = f"{name_of(one.path)}{sep}{line}{sep}{column}{sep} {paint.code}{one.code}{paint.end} {one.message}"
        rows.append((one.path, line, column, text))
    if report.unaccepted:
        for fault in report.unaccepted:
            text = f"{place(fault.path, fault.line, fault.col)}{sep} {paint.bad}{cause(fault.kind)}{paint.end}"
            rows.append((fault.path, fault.line, fault.col, f"{text}: {fault.message}"))
        rows.sort()
    lines = [row[3] for row in rows]
    for entry, number in sorted(report.stale.items()):
        lines.append(f"{name_of(entry.path)}{sep} {paint.bad}stale{paint.end}: {describe(entry, number)}")
    lines.append("")
    return printable("\n".join(lines))


def cause(kind: str) -> str:
    """A kind of fault in words."""
    return {"unreadable": "cannot be read", "crashed": "reading it failed"}.get(kind, f"cannot be parsed ({kind})")


def named(entry: Key) -> str:
    """What an entry of the baseline stands for, its path apart."""
    if entry.code == UNPARSEABLE:
        return f"unparseable ({entry.source})"
    return f"{entry.code} in {entry.scope}: {entry.source}"


def describe(entry: Key, number: int) -> str:
    """An entry of the baseline in words."""
    if entry.code == UNPARSEABLE:
        return f"the baseline holds it as {named(entry)}"
    times = f", {number} times" if number > 1 else ""
    return f"the baseline holds {named(entry)}{times}"


def statistics(report: Report) -> str:
    """The number of findings of each rule that ran, most first."""
    numbers = Counter(one.code for one in report.findings)
    rules: list[type[Rule]] = sorted(report.rules, key=lambda rule: (-numbers[rule.code], rule.code))
    rows = [(f"{numbers[rule.code]:,}", rule.code, rule.name, rule.message) for rule in rules if numbers[rule.code]]
    if report.unaccepted:
        rows.append((f"{len(report.unaccepted):,}", "-", "unparseable", "file could not be analysed"))
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "".join(f"{row[0]:>{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  {row[3]}\n" for row in rows)


def summary(report: Report) -> str:
    """One sentence or a few about the run, for stderr."""
    found = f"{plural(len(report.findings), 'finding')} in {plural(report.analysed, 'file')}"
    asides = []
    if report.silenced:
        asides.append(f"{len(report.silenced):,} silenced by noqa")
    if report.known:
        asides.append(f"{len(report.known):,} in the baseline")
    text = found + (f" ({', '.join(asides)})" if asides else "") + "."
    if report.unaccepted:
        text += f" {plural(len(report.unaccepted), 'file')} could not be analysed."
    accepted = len(report.broken) - len(report.unaccepted)
    if accepted:
        text += f" {plural(accepted, 'unparseable file')} in the baseline."
    if report.stale:
        text += (
            f"\n{plural(report.stale.total(), 'entry', 'entries')} of the baseline {report.baseline} no longer"
            f" found: run `unsnarl baseline --update` to shrink it."
        )
    if report.note:
        text += f"\n{printable(report.note)}"
    return text
