"""Scripts that are known to be hard, run as processes of their own before and after the codemod's own command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.behaviour.trap_programs import SCRIPTS as FIRST
from tests.behaviour.trap_programs_more import MORE

SCRIPTS = FIRST | MORE

# One process makes the trees, for all tests here.
pytestmark = pytest.mark.xdist_group("traps")

ROOT = Path(__file__).parents[2]
_LINE = re.compile(r"\bline \d+")
_MARKS = re.compile(r"^\s+[~^]+\n", re.MULTILINE)
_ADDRESS = re.compile(r"\b0x[0-9a-f]+")


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def plain(text: str) -> str:
    return _ADDRESS.sub("0x", _LINE.sub("line #", _MARKS.sub("", text)))


def run(script: Path) -> Ended:
    """Run ``script`` from its own folder, as its users do. Warnings would tell line numbers, which a rewrite moves."""
    made = subprocess.run(
        [sys.executable, script.name],
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"},
    )
    folder = str(script.parent)
    return Ended(made.returncode, *(plain(text.replace(folder, "tree")) for text in (made.stdout, made.stderr)))


class Trees(NamedTuple):
    before: Path
    after: Path


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """The scripts as they are, and rewritten by one run of the command. Both trees have the same name."""
    before = tmp_path_factory.mktemp("before") / "tree"
    before.mkdir()
    for name, text in SCRIPTS.items():
        (before / f"{name}.py").write_text(text.lstrip("\n"))
    plugged = before / "plugged"
    plugged.mkdir()
    (plugged / "helper_of_the_plug.py").write_text(
        "def fail():\n    try:\n        return {}['x']\n    except Exception as e:\n        return repr(e)\n"
    )
    (plugged / "consts.py").write_text("attempt = 3\n")
    after = tmp_path_factory.mktemp("after") / "tree"
    shutil.copytree(before, after)
    codemod(after)
    return Trees(before, after)


def codemod(tree: Path) -> None:
    command = [sys.executable, "-m", "codemods.safe_executor", "--policy", "preserve", "--allow-dirty", "--no-cache"]
    made = subprocess.run(
        [*command, str(tree)],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert " rewritten, " in made.stderr, made.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_what_it_did(name: str, trees: Trees) -> None:
    old, new = trees.before / f"{name}.py", trees.after / f"{name}.py"
    if name.startswith("declined"):
        assert new.read_bytes() == old.read_bytes()
        return
    assert "SafeExecutor" in new.read_text(), "nothing was rewritten, so nothing is shown"
    assert run(new) == run(old)


def test_the_scripts_say_something(trees: Trees) -> None:
    for name in SCRIPTS:
        ended = run(trees.before / f"{name}.py")
        assert ended.out + ended.err, name
