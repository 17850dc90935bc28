"""The difference is what git and patch take, for any edits."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codemods.compose import apply
from codemods.difference import Edit, unified
from tests.codemods.support import git

OLD = b"".join(b"line %d\n" % number for number in range(1, 31))


def test_a_changed_line() -> None:
    start = OLD.index(b"line 15")
    assert unified("a/b.py", OLD, [(start, start + 7, b"new")]) == (
        b"--- a/a/b.py\n+++ b/a/b.py\n@@ -12,7 +12,7 @@\n"
        b" line 12\n line 13\n line 14\n-line 15\n+new\n line 16\n line 17\n line 18\n"
    )


def test_no_edits_no_difference() -> None:
    assert unified("a.py", OLD, []) == b""
    assert unified("a.py", OLD, [(0, 4, b"line")]) == b""


def test_lines_that_stay_are_left_out_of_a_large_edit() -> None:
    new = OLD.replace(b"line 15\n", b"")
    assert unified("a.py", OLD, [(0, len(OLD), new)]).count(b"\n-") == 1


def test_the_end_of_a_file_without_a_newline_is_marked() -> None:
    found = unified("a.py", b"a\nb", [(3, 3, b"c\n")])
    assert found == b"--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+bc\n"


@st.composite
def edited(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    lines = draw(st.lists(st.sampled_from([b"a\n", b"b\n", b"cc\r\n", b"\n", b"d\re\n"]), max_size=40))
    old = b"".join(lines) + draw(st.sampled_from([b"", b"end"]))
    places = sorted(draw(st.lists(st.integers(0, len(old)) | st.just(len(old)), max_size=8)))
    edits = []
    for start, end in zip(places[::2], places[1::2], strict=False):
        edits.append((start, end, draw(st.sampled_from([b"", b"x", b"x\n", b"\nx", b"x\ny\n", b"a\n"]))))
    return old, edits


@pytest.fixture(scope="module")
def work_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("applied")
    git(folder, "init", "-q")
    git(folder, "config", "core.autocrlf", "false")
    return folder


@settings(max_examples=60, deadline=None)
@given(edited())
def test_git_applies_it(work_tree: Path, case: tuple[bytes, list[Edit]]) -> None:
    old, edits = case
    new = apply(old, edits)
    found = unified("folder/a.py", old, edits)
    assert bool(found) == (old != new)
    if not found:
        return
    path = work_tree / "folder" / "a.py"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(old)
    command = ["git", "-C", str(work_tree), "apply", "--whitespace=nowarn", "-"]
    done = subprocess.run(command, input=found, capture_output=True, check=False)
    assert done.returncode == 0, (found, done.stderr)
    # A file that becomes empty is one that git removes.
    assert (path.read_bytes() if path.exists() else b"") == new


@pytest.mark.skipif(shutil.which("patch") is None, reason="there is no patch program here")
def test_patch_applies_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(OLD)
    edits = [(0, 4, b"first"), (OLD.index(b"line 20"), OLD.index(b"line 22"), b"x\ny\nz\n")]
    done = subprocess.run(["patch", "-p1"], cwd=tmp_path, input=unified("a.py", OLD, edits), check=False)
    assert done.returncode == 0
    assert (tmp_path / "a.py").read_bytes() == apply(OLD, edits)


def test_a_file_that_is_made(tmp_path: Path) -> None:
    text = b"version: 1\nports:\n  A:\n    port: 5000"
    difference = unified("config/ports.yaml", None, ((0, 0, text),))
    assert difference.startswith(b"--- /dev/null\n+++ b/config/ports.yaml\n@@ -0,0 +1,4 @@\n+version: 1\n")
    assert difference.endswith(b"+    port: 5000\n\\ No newline at end of file\n")
    (tmp_path / "it.patch").write_bytes(difference)
    git(tmp_path, "init", "-q")
    git(tmp_path, "apply", "it.patch")
    assert (tmp_path / "config" / "ports.yaml").read_bytes() == text


def test_an_empty_file_that_is_there_is_not_made() -> None:
    assert unified("a.py", b"", ((0, 0, b"x\n"),)).startswith(b"--- a/a.py\n+++ b/a.py\n@@ -0,0 +1 @@\n")
