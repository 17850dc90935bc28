"""One law each over every example of every rule: the examples are the rules' documentation, so they must hold."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from analysis.collectors.suppressions import SuppressionCollector
from analysis.project import load
from analysis.reading import analyse
from analysis.source import Source
from config.settings import Settings
from linters import runner
from linters.rule import Example, Finding, Rule, Selection, kinds, rules
from linters.suppress import Outcome

EVERY = [(kind, number) for kind in kinds().values() for number in range(len(kind.examples))]
EXAMPLES = [(kind, number) for kind, number in EVERY if not kind.examples[number].files]
TREES = [(kind, number) for kind, number in EVERY if kind.examples[number].files]
STARTS = ("except", "SafeExecutor", "Guard", "Near", "executors.", "#")
HEADINGS = [
    "What it flags",
    "Why it matters",
    "Example",
    "Better",
    "When it is left alone",
    "Options",
    "References",
]


def example_id(pair: tuple[type[Rule], int]) -> str:
    kind, number = pair
    return f"{kind.code}-{kind.examples[number].why.replace(' ', '-')}"


def settings_of(example: Example) -> Settings:
    values = msgspec.convert(example.options, dict[str, object])
    return msgspec.convert({key.replace("_", "-"): value for key, value in values.items()}, Settings)


def outcome_of(source: str, settings: Settings) -> Outcome:
    chosen = rules(settings, Selection())
    facts = analyse(Source.from_bytes(source.encode(), "example.py"), runner.collectors(chosen), "example.py")
    assert facts.fault is None, facts.fault
    return runner.check(facts, chosen)


def places(findings: list[Finding]) -> list[tuple[int, str]]:
    return [(one.span.line, one.code) for one in findings]


@pytest.mark.parametrize("pair", EXAMPLES, ids=example_id)
def test_findings_sit_where_marked_and_match_in_number(pair: tuple[type[Rule], int]) -> None:
    example = pair[0].examples[pair[1]]
    assert places(outcome_of(example.plain, settings_of(example)).kept) == example.flagged


@pytest.mark.parametrize("pair", EXAMPLES, ids=example_id)
def test_noqa_with_the_code_silences_each(pair: tuple[type[Rule], int]) -> None:
    example = pair[0].examples[pair[1]]
    ours = [line for line, code in example.flagged if code == pair[0].code]
    lines = example.plain.splitlines()
    for line in ours:
        code, _, comment = lines[line - 1].partition("# ")
        had = re.match(r".*noqa: ([A-Z0-9, ]+)", comment)
        codes = f"{had[1].strip()}, {pair[0].code}" if had else pair[0].code
        lines[line - 1] = f"{code}# noqa: {codes} as an example"
    outcome = outcome_of("\n".join(lines) + "\n", settings_of(example))
    assert [one for one in outcome.kept if one.code == pair[0].code] == []


@pytest.mark.parametrize("pair", EXAMPLES, ids=example_id)
def test_positions_point_at_what_is_flagged(pair: tuple[type[Rule], int]) -> None:
    example = pair[0].examples[pair[1]]
    lines = example.plain.splitlines()
    for one in outcome_of(example.plain, settings_of(example)).kept:
        at = lines[one.span.line - 1][one.column - 1 :]
        starts = ('"', 'f"', *"123456789") if one.code == "E910" else STARTS
        assert at.startswith(starts), at
        assert one.column == len(lines[one.span.line - 1].encode()[: one.span.col].decode()) + 1


@pytest.mark.parametrize("pair", EXAMPLES, ids=example_id)
def test_flake8_says_the_same(pair: tuple[type[Rule], int], tmp_path: Path) -> None:
    example = pair[0].examples[pair[1]]
    file = tmp_path / "example.py"
    file.write_text(example.plain)
    toml = "\n".join(f"{key} = {value}" for key, value in _toml(example.options).items())
    config = tmp_path / "unsnarl.toml"
    config.write_text(toml + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "--select=E90,E91", f"--unsnarl-config={config}", str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.stderr == ""
    found = [re.match(r".*?:(\d+):\d+: ([A-Z]\d+) ", line) for line in done.stdout.splitlines()]
    assert [(int(one[1]), one[2]) for one in found if one] == example.flagged


def _toml(options: dict[str, object]) -> dict[str, str]:
    def value(one: object) -> str:
        if isinstance(one, bool):
            return str(one).lower()
        if isinstance(one, dict):
            return "{ " + ", ".join(f"{key} = {value(inner)}" for key, inner in one.items()) + " }"
        return msgspec.json.encode(one).decode()

    return {key: value(one) for key, one in options.items()}


def outcomes_of(files: dict[str, str], kind: type[Rule], settings: Settings, tree: Path) -> dict[str, Outcome]:
    """What the rule says of a tree with these files, by path."""
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, "utf-8")
    chosen = rules(settings, Selection((kind.code, "E905")))
    project = load([tree], root=tree, collectors=runner.collectors(chosen), cache=False)
    surveyed = runner.survey(project, chosen)
    assert all(facts.fault is None for facts in project.files.values())
    return {
        path: runner.check(facts, chosen, None, surveyed.get(path, [])) for path, facts in project.files.items()
    }  # fmt: skip


@pytest.mark.parametrize("pair", TREES, ids=example_id)
def test_findings_of_a_tree_sit_where_marked(pair: tuple[type[Rule], int], tmp_path: Path) -> None:
    kind, example = pair[0], pair[0].examples[pair[1]]
    found = outcomes_of(example.plain_files, kind, settings_of(example), tmp_path)
    assert [(path, *place) for path, one in found.items() for place in places(one.kept)] == example.places
    for path, outcome in found.items():
        lines = example.plain_files[path].splitlines()
        for one in outcome.kept:
            line = lines[one.span.line - 1]
            # A call, or a statement.
            whole = line.encode()[one.span.col : one.span.end_col].decode()
            assert line[one.column - 1 :].startswith(whole)
            assert re.fullmatch(r"[\w.]+\(.*\)|(from|import) .*", whole)


@pytest.mark.parametrize("pair", TREES, ids=example_id)
def test_noqa_silences_findings_of_a_tree_and_is_used(pair: tuple[type[Rule], int], tmp_path: Path) -> None:
    kind, example = pair[0], pair[0].examples[pair[1]]
    files = {
        path: re.sub(rf"# <{kind.code}>.*", f"# noqa: {kind.code} as an example", text)
        for path, text in example.files.items()
    }
    found = outcomes_of(files, kind, settings_of(example), tmp_path)
    assert [one for outcome in found.values() for one in outcome.kept] == []
    silenced = [(path, *place) for path, one in found.items() for place in places(one.silenced)]
    assert silenced == example.places


@pytest.mark.parametrize("pair", TREES, ids=example_id)
def test_the_order_of_files_makes_no_difference(pair: tuple[type[Rule], int], tmp_path: Path) -> None:
    kind, example = pair[0], pair[0].examples[pair[1]]
    outcomes_of(example.plain_files, kind, settings_of(example), tmp_path)
    chosen = rules(settings_of(example), Selection((kind.code,)))
    found = []
    for backwards in (False, True):
        project = load([tmp_path], root=tmp_path, collectors=runner.collectors(chosen), cache=False)
        project.files = dict(sorted(project.files.items(), reverse=backwards))
        found.append({path: sorted(map(str, them)) for path, them in runner.survey(project, chosen).items()})
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.code)
def test_documentation_has_its_headings_in_order(kind: type[Rule]) -> None:
    text = inspect.cleandoc(kind.__doc__ or "")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert re.match(r"[A-Z][^\n]*\.\n\n", text)
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        if block.startswith("except"):
            block = f"try:\n    pass\n{block}    pass\n"
        ast.parse(block) if "return" not in block else ast.parse(f"def f():\n{_indented(block)}")


def _indented(block: str) -> str:
    return "".join(f"    {line}\n" for line in block.splitlines())


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.code)
def test_every_rule_says_who_it_is(kind: type[Rule]) -> None:
    assert re.fullmatch(r"E9\d\d", kind.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.name)
    assert kind.message
    assert "\n" not in kind.message
    assert re.fullmatch(r"\d+\.\d+", kind.since)
    options = {one.encode_name for one in msgspec.structs.fields(kind.options_type)}
    assert all(f"`{name}`" in (kind.__doc__ or "") for name in options)


def test_collectors_do_not_change_by_being_asked_for_twice() -> None:
    chosen = rules(Settings(), Selection())
    assert runner.collectors(chosen) == runner.collectors(rules(Settings(), Selection()))
    assert SuppressionCollector in runner.collectors([])
