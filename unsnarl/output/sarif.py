"""SARIF 2.1.0, for code scanning and for viewers."""

from __future__ import annotations

import hashlib
import inspect
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from linters.baseline import key
from linters.rule import Finding, Rule
from unsnarl.output.text import cause
from unsnarl.report import Broken, Report, printable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "unsnarl/v1"


def render(report: Report, version: str) -> str:
    """One run: findings with the state that the baseline gives them, silenced ones with their suppression."""
    indices = {rule.code: number for number, rule in enumerate(report.rules)}
    twins: Counter[str] = Counter()
    state = "new" if report.baseline is not None else None
    every = [
        *((one, state, None) for one in report.findings),
        *((one, "unchanged", None) for one in report.known),
        *((one, state, reason) for one, reason in report.silenced),
    ]
    every.sort(key=lambda row: (row[0].path, row[0].span.line, row[0].span.col, row[0].code))
    results = []
    for one, baseline_state, reason in every:
        made = _result(one, indices[one.code], _fingerprint(one, twins))
        if baseline_state is not None:
            made["baselineState"] = baseline_state
        if reason is not None:
            made["suppressions"] = [{"kind": "inSource", **({"justification": printable(reason)} if reason else {})}]
        results.append(made)
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "unsnarl", "version": version, "rules": [_rule(one) for one in report.rules]}
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"SRCROOT": {"uri": _folder_uri(report.root)}},
                "invocations": [
                    {
                        "executionSuccessful": not report.unaccepted,
                        "exitCode": report.exit_code,
                        "toolExecutionNotifications": [_notification(one) for one in report.broken],
                    }
                ],
                "results": results,
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _folder_uri(folder: Path) -> str:
    uri = folder.absolute().as_uri()
    return uri if uri.endswith("/") else f"{uri}/"


def _text(message: str) -> str:
    """A message without placeholders: braces would begin one, and are doubled to stand for themselves."""
    return printable(message).replace("{", "{{").replace("}", "}}")


def _location(path: str, line: int, column: int) -> dict[str, Any]:
    absolute = Path(path).is_absolute()
    artifact = {"uri": Path(path).as_uri()} if absolute else {"uri": quote(path.encode("utf-8", "surrogateescape"))}
    if not absolute:
        artifact["uriBaseId"] = "SRCROOT"
    physical: dict[str, Any] = {"artifactLocation": artifact}
    if line:
        physical["region"] = {"startLine": line, **({"startColumn": column} if column else {})}
    return {"physicalLocation": physical}


def _result(one: Finding, index: int, fingerprint: str) -> dict[str, Any]:
    location = _location(one.path, one.span.line, one.column)
    if one.scope != "<module>":
        location["logicalLocations"] = [{"fullyQualifiedName": one.scope}]
    return {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": "warning",
        "message": {"text": _text(one.message)},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }


def _fingerprint(one: Finding, twins: Counter[str]) -> str:
    """What the baseline knows the finding by, and its number among those that are alike: no line goes into it."""
    known = key(one)
    text = "\0".join((known.path, known.code, known.scope, known.source))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    twins[digest] += 1
    return f"{digest}:{twins[digest]}"


def _notification(one: Broken) -> dict[str, Any]:
    return {
        "descriptor": {"id": one.kind},
        "level": "note" if one.accepted else "error",
        "message": {"text": _text(f"{cause(one.kind)}: {one.message}")},
        "locations": [_location(one.path, one.line, one.col)],
    }


def _rule(rule: type[Rule]) -> dict[str, Any]:
    text = inspect.cleandoc(rule.__doc__ or rule.message)
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.message},
        "fullDescription": {"text": text.partition("\n")[0]},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["reliability"], "precision": "high"},
    }
