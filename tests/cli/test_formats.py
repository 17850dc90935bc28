"""The formats for programs: JSON, SARIF and workflow commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from linters.rule import kinds
from tests.cli.support import BROAD, BROKEN, SAID, unsnarl, write
from unsnarl.output import github

SILENCED = BROAD.replace("as e:", "as e:  # noqa: E900 plugins may raise anything")
TREE: dict[str, str | bytes] = {
    "a.py": f"def f():\n{''.join(f'    {line}' for line in (BROAD * 2).splitlines(keepends=True))}",
    "b c/ü%.py": "from runtime.safe_executor import SafeExecutor\n'😀é'; x = SafeExecutor()\n",
    "broken.py": BROKEN,
    "quiet.py": SILENCED,
}


def sarif(tree: Path, *arguments: str) -> dict[str, Any]:
    done = unsnarl("check", "--format=sarif", "-q", *arguments, cwd=tree)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_json(tmp_path: Path) -> None:
    done = unsnarl("check", "--format=json", cwd=write(tmp_path, TREE))
    made = json.loads(done.stdout)
    assert done.returncode == made["summary"]["exit_code"] == 2
    assert made["version"] == 1
    assert [(one["path"], one["line"], one["column"], one["code"]) for one in made["findings"]] == [
        ("a.py", 4, 5, "E900"),
        ("a.py", 8, 5, "E900"),
        ("b c/ü%.py", 2, 11, "E903"),
    ]
    assert made["findings"][0]["scope"] == "f"
    assert made["findings"][0]["source"] == "except Exception as e"
    assert [(one["path"], one["reason"]) for one in made["silenced"]] == [("quiet.py", "plugins may raise anything")]
    assert [(one["path"], one["kind"], one["line"]) for one in made["unparseable"]] == [("broken.py", "syntax", 1)]
    assert made["summary"]["rules"] == {"E900": 2, "E903": 1, "E904": 0, "E905": 0, "E910": 0}
    assert made["summary"]["files"] == 3


# What SARIF 2.1.0 (OASIS, 27 March 2020, errata 01) allows and requires of each object that we write, by section.
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "3.13 sarifLog": ({"version", "runs"}, {"$schema", "inlineExternalProperties", "properties"}),
    "3.14 run": (
        {"tool"},
        {"columnKind", "originalUriBaseIds", "invocations", "results", "artifacts", "properties", "defaultEncoding"},
    ),
    "3.18 tool": ({"driver"}, {"extensions", "properties"}),
    "3.19 toolComponent": (
        {"name"},
        {"version", "semanticVersion", "rules", "informationUri", "organization", "properties"},
    ),
    "3.49 reportingDescriptor": (
        {"id"},
        {
            "name",
            "shortDescription",
            "fullDescription",
            "help",
            "helpUri",
            "defaultConfiguration",
            "messageStrings",
            "properties",
        },
    ),
    "3.20 invocation": (
        {"executionSuccessful"},
        {"exitCode", "toolExecutionNotifications", "commandLine", "properties"},
    ),
    "3.58 notification": ({"message"}, {"descriptor", "level", "locations", "associatedRule", "properties"}),
    "3.27 result": (
        {"message"},
        {
            "ruleId",
            "ruleIndex",
            "level",
            "locations",
            "partialFingerprints",
            "baselineState",
            "suppressions",
            "properties",
        },
    ),
    "3.28 location": (set(), {"physicalLocation", "logicalLocations", "message", "properties"}),
    "3.29 physicalLocation": ({"artifactLocation"}, {"region", "contextRegion", "properties"}),
    "3.4 artifactLocation": (set(), {"uri", "uriBaseId", "index", "description", "properties"}),
    "3.30 region": (set(), {"startLine", "startColumn", "endLine", "endColumn", "snippet", "properties"}),
    "3.33 logicalLocation": (set(), {"name", "fullyQualifiedName", "kind", "properties"}),
    "3.35 suppression": ({"kind"}, {"status", "justification", "guid", "location", "properties"}),
    "3.12 multiformatMessageString": ({"text"}, {"markdown", "properties"}),
    "3.11 message": ({"text"}, {"id", "markdown", "arguments", "properties"}),
}


def conforms(thing: dict[str, Any], section: str) -> dict[str, Any]:
    required, optional = ALLOWED[section]
    assert required <= set(thing) <= required | optional, (section, sorted(thing))
    return thing


def place_conforms(place: dict[str, Any]) -> None:
    conforms(place, "3.28 location")
    physical = conforms(place["physicalLocation"], "3.29 physicalLocation")
    artifact = conforms(physical["artifactLocation"], "3.4 artifactLocation")
    assert artifact["uriBaseId"] == "SRCROOT"
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", artifact["uri"])
    assert not artifact["uri"].startswith("/")
    for name, number in conforms(physical.get("region", {}), "3.30 region").items():
        assert isinstance(number, int), name
        assert number >= 1, name
    for logical in place.get("logicalLocations", []):
        conforms(logical, "3.33 logicalLocation")


def test_sarif_is_as_the_standard_has_it(tmp_path: Path) -> None:
    document = conforms(sarif(write(tmp_path, TREE)), "3.13 sarifLog")
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("/sarif-schema-2.1.0.json")
    (run,) = document["runs"]
    conforms(run, "3.14 run")
    assert run["columnKind"] == "unicodeCodePoints"
    base = run["originalUriBaseIds"]["SRCROOT"]["uri"]
    assert base == tmp_path.as_uri() + "/"
    driver = conforms(conforms(run["tool"], "3.18 tool")["driver"], "3.19 toolComponent")
    assert [rule["id"] for rule in driver["rules"]] == [
        code for code, kind in kinds().items() if kind.default and kind.applies(Settings())
    ]
    for rule in driver["rules"]:
        conforms(rule, "3.49 reportingDescriptor")
        for part in ("shortDescription", "fullDescription", "help"):
            assert conforms(rule[part], "3.12 multiformatMessageString")["text"]
        assert "## What it flags" in rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
    (invocation,) = run["invocations"]
    conforms(invocation, "3.20 invocation")
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    (notification,) = invocation["toolExecutionNotifications"]
    conforms(notification, "3.58 notification")
    assert notification["descriptor"] == {"id": "syntax"}
    place_conforms(notification["locations"][0])
    for result in run["results"]:
        conforms(result, "3.27 result")
        conforms(result["message"], "3.11 message")
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        place_conforms(result["locations"][0])
        for suppression in result.get("suppressions", []):
            assert conforms(suppression, "3.35 suppression")["kind"] in ("inSource", "external")
    found = [
        (
            unquote(place["physicalLocation"]["artifactLocation"]["uri"]),
            *place["physicalLocation"]["region"].values(),
            result["ruleId"],
        )
        for result in run["results"]
        for place in result["locations"]
    ]
    assert found == [
        ("a.py", 4, 5, "E900"),
        ("a.py", 8, 5, "E900"),
        ("b c/ü%.py", 2, 11, "E903"),
        ("quiet.py", 3, 1, "E900"),
    ]
    assert run["results"][0]["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "f"}]
    assert run["results"][3]["suppressions"] == [
        {"kind": "inSource", "justification": "plugins may raise anything"},
    ]


def fingerprints(tree: Path) -> list[str]:
    return [one["partialFingerprints"]["unsnarl/v1"] for one in sarif(tree, "--no-cache")["runs"][0]["results"]]


def test_fingerprints_tell_twins_apart_and_outlive_moved_lines(tmp_path: Path) -> None:
    before = fingerprints(write(tmp_path, TREE))
    assert len(set(before)) == len(before) == 4
    source = (tmp_path / "a.py").read_text()
    (tmp_path / "a.py").write_text(f"# a line more\n\n{source.replace('work()', 'work(1)')}")
    assert fingerprints(tmp_path) == before
    (tmp_path / "a.py").write_text(source.replace("def f", "def g"))
    assert len(set(fingerprints(tmp_path)) & set(before)) == 2


def test_sarif_knows_the_baseline(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BROAD, "broken.py": BROKEN})
    unsnarl("baseline", "--accept-new", cwd=tmp_path)
    write(tmp_path, {"a.py": BROAD + "try: ...\nexcept: ...\n"})
    (run,) = sarif(tmp_path)["runs"]
    assert [one["baselineState"] for one in run["results"]] == ["unchanged", "new"]
    assert run["invocations"][0]["executionSuccessful"] is True
    assert [one["level"] for one in run["invocations"][0]["toolExecutionNotifications"]] == ["note"]


def test_github(tmp_path: Path) -> None:
    done = unsnarl("check", "--format=github", cwd=write(tmp_path, TREE | {"a,b:c.py": BROAD}))
    text = SAID.removeprefix("E900 ")
    lines = done.stdout.splitlines()
    assert lines[0] == f"::error file=a%2Cb%3Ac.py,line=3,col=1,title=E900 broad-except::{text}"
    assert lines[1] == f"::error file=a.py,line=4,col=5,title=E900 broad-except::{text}"
    assert lines[3].startswith("::error file=b c/ü%25.py,line=2,col=11,title=E903 broad-executor::")
    assert lines[4].startswith("::error file=broken.py,line=1,col=7,title=cannot be parsed (syntax)::")
    assert len(lines) == 5


def unescape(text: str, value: bool) -> str:
    """As the runner of GitHub Actions reads it (actions/runner, ActionCommand.cs): the percent sign comes last."""
    pairs = [("%0D", "\r"), ("%0A", "\n"), *([("%3A", ":"), ("%2C", ",")] if value else []), ("%25", "%")]
    for escaped, plain in pairs:
        text = text.replace(escaped, plain)
    return text


@given(st.text(st.characters(codec="utf-8")))
def test_what_github_reads_is_what_was_meant(text: str) -> None:
    assert unescape(github.data(text), value=False) == text
    assert unescape(github.value(text), value=True) == text
    assert not re.search(r"[\r\n]", github.data(text))
    assert not re.search(r"[\r\n:,]", github.value(text))


@pytest.mark.parametrize("style", ["json", "sarif", "github"])
def test_an_empty_result_is_still_a_document(tmp_path: Path, style: str) -> None:
    done = unsnarl("check", f"--format={style}", cwd=write(tmp_path, {"a.py": "x = 1\n"}))
    assert (done.returncode, done.stderr) == (0, "0 findings in 1 file.\n")
    if style == "github":
        assert done.stdout == ""
    else:
        assert json.loads(done.stdout)
