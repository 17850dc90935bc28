"""For GitHub Actions: workflow commands, which become annotations on the lines of a pull request."""

from __future__ import annotations

from unsnarl.output.text import cause, describe
from unsnarl.report import Report, printable


def data(text: str) -> str:
    """``text`` escaped as the message of a workflow command."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def value(text: str) -> str:
    """``text`` escaped as the value of a property of a workflow command."""
    return data(text).replace(":", "%3A").replace(",", "%2C")


def render(report: Report) -> str:
    """One command a finding, file that could not be analysed, or stale entry of the baseline."""
    names = {rule.code: rule.name for rule in report.rules}
    lines = [
        _command(
            "error", f"{one.code} {names[one.code]}", one.message, report.shown(one.path), one.span.line, one.column
        )
        for one in report.findings
    ]
    lines += [
        _command("error", cause(one.kind), one.message, report.shown(one.path), one.line, one.col)
        for one in report.unaccepted
    ]
    lines += [
        _command("error", "stale baseline", describe(entry, number), report.shown(entry.path), 0, 0)
        for entry, number in sorted(report.stale.items())
    ]
    return "".join(f"{line}\n" for line in lines)


def _command(level: str, title: str, message: str, path: str, line: int, column: int) -> str:
    properties = {"file": path, "line": str(line or ""), "col": str(column or ""), "title": title}
    written = ",".join(f"{name}={value(text)}" for name, text in properties.items() if text)
    return f"::{level} {written}::{data(message)}"
