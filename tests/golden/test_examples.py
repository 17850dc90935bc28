"""What the tools make of ``examples/``, file by file, against what is kept in ``cases/``.

After a change that is meant to change it: ``pytest tests/golden --regen``, then read the difference.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
CASES = Path(__file__).with_name("cases")
POLICIES = ("infer", "preserve")

pytestmark = pytest.mark.xdist_group("golden")


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the examples that no setting of this repository reaches."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "tree", ignore=shutil.ignore_patterns("__pycache__")))


def fix(tree: Path, *options: str) -> dict[str, Any]:
    done = python("-m", "codemods.safe_executor", "--allow-dirty", "--format", "json", *options, ".", cwd=tree)
    # A file of the tree does not parse, so the job is never wholly done.
    assert done.returncode in {1, 2}, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def changed(tree: Path) -> dict[str, str]:
    """The files that are not as in the examples, by name."""
    after = {path.relative_to(tree).as_posix(): path.read_text("utf-8") for path in tree.rglob("*.py")}
    assert after.keys() == {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
    return {name: text for name, text in after.items() if (EXAMPLES / name).read_text("utf-8") != text}


def compare(folder: Path, made: dict[str, str], regenerate: bool) -> None:
    if regenerate:
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in made.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    kept = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }
    assert sorted(made) == sorted(kept)
    for name, text in made.items():
        assert text == kept[name], f"{name} is not as kept in {folder.relative_to(ROOT)}"


@pytest.mark.parametrize("policy", POLICIES)
def test_rewrite(tree: Path, policy: str, regenerate: bool) -> None:
    fix(tree, "--policy", policy)
    compare(CASES / policy, changed(tree), regenerate)


def test_findings_before_and_after(tree: Path, regenerate: bool) -> None:
    made = {"before.txt": python("-m", "unsnarl", "check", ".", cwd=tree).stdout}
    fix(tree)
    made["after.txt"] = python("-m", "unsnarl", "check", ".", cwd=tree).stdout
    compare(CASES / "findings", made, regenerate)


def test_flake8_reports_what_was_declined_and_nothing_else(tree: Path) -> None:
    report = fix(tree)
    declined = sorted(one["path"] for one in report["declined"] if one["code"] == "E900")
    done = python("-m", "flake8", "--isolated", "--select=E900", "--format=%(path)s", ".", cwd=tree)
    assert sorted(line.removeprefix("./") for line in done.stdout.splitlines()) == declined


@pytest.mark.parametrize("policy", POLICIES)
def test_second_run_changes_nothing(tree: Path, policy: str) -> None:
    fix(tree, "--policy", policy)
    once = changed(tree)
    assert once
    fix(tree, "--policy", policy)
    assert changed(tree) == once


def test_examples_hold_every_shape_that_they_promise(tree: Path) -> None:
    import ast

    shapes: set[str] = set()
    for path in tree.rglob("*.py"):
        try:
            module = ast.parse(path.read_text("utf-8"))
        except SyntaxError:
            shapes.add("unparseable")
            continue
        for node in ast.walk(module):
            if isinstance(node, ast.TryStar):
                shapes.add("group")
            if not isinstance(node, (ast.Try, ast.TryStar)):
                continue
            shapes |= {"finally"} if node.finalbody else set()
            shapes |= {"else"} if node.orelse else set()
            shapes |= {"siblings"} if len(node.handlers) > 1 else set()
            shapes |= {"bare"} if any(handler.type is None for handler in node.handlers) else set()
            inside = [inner for handler in node.handlers for statement in handler.body for inner in ast.walk(statement)]
            for kind in (ast.Raise, ast.Return, ast.Continue, ast.Break, ast.Yield):
                if any(isinstance(inner, kind) for inner in inside):
                    shapes.add(kind.__name__.lower())
            shapes |= (
                {"nested"}
                if any(isinstance(inner, ast.Try) for inner in ast.walk(node) if inner is not node)
                else set()
            )
            shapes |= {"await"} if any(isinstance(inner, ast.Await) for inner in ast.walk(node)) else set()
            shapes |= {"match"} if any(isinstance(inner, ast.Match) for inner in ast.walk(node)) else set()
    assert shapes == {
        "await",
        "bare",
        "break",
        "continue",
        "else",
        "finally",
        "group",
        "match",
        "nested",
        "raise",
        "return",
        "siblings",
        "unparseable",
        "yield",
    }
