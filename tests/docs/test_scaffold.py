"""A rule that was only begun is found, and cannot land."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from linters import rule
from tools import scaffold

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "linters", tmp_path / "linters", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    return tmp_path


def test_a_new_rule_is_found_without_being_registered(root: Path) -> None:
    path = scaffold.scaffold("E989", "left-handed-loop", root)
    assert path == root / "linters" / "left_handed_loop.py"
    program = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]\n"
        "from linters.rule import kinds\n"
        "rule = kinds()['E989']\n"
        "print(rule.__name__, rule.name, rule.since)\n"
    )
    command = [sys.executable, "-c", program, str(root), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == f"LeftHandedLoop left-handed-loop {rule.kinds()['E900'].since}\n"
    assert "- E989 (left handed loop): FILL IN." in (root / "CHANGELOG.md").read_text("utf-8")


def test_nothing_that_was_only_begun_is_here() -> None:
    begun = [
        path.relative_to(ROOT).as_posix()
        for path in [*(ROOT / "linters").glob("*.py"), ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
        if scaffold.MARK in path.read_text("utf-8")
    ]
    assert begun == []


@pytest.mark.parametrize(
    ("code", "name", "why"),
    [
        ("E900", "anything", "broad-except already"),
        ("E999", "anything", "cannot be a code of ours"),
        ("W100", "anything", "cannot be a code of ours"),
        ("E989", "Left_Handed", "kebab case"),
        ("E989", "broad-except", "exists already"),
    ],
)
def test_what_cannot_be_is_refused(root: Path, code: str, name: str, why: str) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(scaffold.Refused, match=why):
        scaffold.scaffold(code, name, root)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert scaffold.main(["E900", "broad-except"]) == 2
    assert capsys.readouterr().err == "error: E900 is broad-except already\n"
