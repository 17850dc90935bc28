"""For programs: one JSON document, whose ``version`` changes when a field changes its meaning."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from linters.rule import Finding
from unsnarl.report import Report, printable


def render(report: Report) -> str:
    """The whole report. Paths are relative to ``root``; columns count characters from 1."""
    numbers = Counter(one.code for one in report.findings)
    document = {
        "version": 1,
        "root": printable(str(report.root)),
        "findings": [finding(one) for one in report.findings],
        "silenced": [{**finding(one), "reason": printable(why)} for one, why in report.silenced],
        "baselined": [finding(one) for one in report.known],
        "stale": [
            {
                "path": printable(one.path),
                "code": one.code,
                "scope": one.scope,
                "source": printable(one.source),
                "count": number,
            }
            for one, number in sorted(report.stale.items())
        ],
        "unparseable": [
            {
                "path": printable(one.path),
                "kind": one.kind,
                "message": printable(one.message),
                "line": one.line,
                "column": one.col,
                "baselined": one.accepted,
            }
            for one in report.broken
        ],
        "summary": {
            "rules": {rule.code: numbers[rule.code] for rule in report.rules},
            "files": report.analysed,
            "excluded": report.excluded,
            "exit_code": report.exit_code,
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def finding(one: Finding) -> dict[str, Any]:
    """A finding as plain data."""
    return {
        "code": one.code,
        "path": printable(one.path),
        "line": one.span.line,
        "column": one.column,
        "message": printable(one.message),
        "scope": one.scope,
        "source": printable(one.source),
    }
