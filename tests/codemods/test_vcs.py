"""Whether git could tell the changes of a codemod from other work."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemods.vcs import objection
from tests.codemods.support import git


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    for name in ("a.py", "sub/b.py", "notes.txt"):
        (root / name).write_text("x = 1\n", "utf-8")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "start")
    return root


def asked(root: Path, *names: str) -> str | None:
    return objection(root, [str(root / name) for name in names])


def test_a_committed_tree_is_fine(tree: Path) -> None:
    assert asked(tree, "a.py", "sub/b.py") is None


@pytest.mark.parametrize("name", ["a.py", "notes.txt"])
def test_uncommitted_changes_anywhere_below_the_root_are_in_the_way(tree: Path, name: str) -> None:
    (tree / name).write_text("y = 2\n", "utf-8")
    assert asked(tree, "sub/b.py") == f"there are uncommitted changes: {name}"


def test_staged_changes_are_uncommitted(tree: Path) -> None:
    (tree / "a.py").write_text("y = 2\n", "utf-8")
    git(tree, "add", ".")
    assert asked(tree, "sub/b.py") == "there are uncommitted changes: a.py"


def test_changes_outside_of_the_root_are_another_matter(tree: Path) -> None:
    (tree / "a.py").write_text("y = 2\n", "utf-8")
    assert asked(tree / "sub", "b.py") is None


def test_untracked_files_matter_only_when_they_are_written_to(tree: Path) -> None:
    (tree / "new.py").write_text("", "utf-8")
    assert asked(tree, "a.py") is None
    assert asked(tree, "a.py", "new.py") == "git does not track new.py"


def test_ignored_files_are_not_tracked(tree: Path) -> None:
    (tree / ".git" / "info" / "exclude").write_text("build/\n", "utf-8")
    (tree / "build").mkdir()
    (tree / "build" / "c.py").write_text("", "utf-8")
    assert asked(tree, "build/c.py") == "git does not track build/c.py"


def test_many_names_are_cut_short(tree: Path) -> None:
    names = [f"n{number}.py" for number in range(8)]
    assert asked(tree, *names) == "git does not track n0.py, n1.py, n2.py, n3.py, n4.py and 3 more"


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("", "utf-8")
    assert asked(tmp_path, "a.py") == "git does not track a.py"
    git(tmp_path, "add", "a.py")
    assert asked(tmp_path, "a.py") == "there are uncommitted changes: a.py"


def test_a_repository_inside_another_is_asked_itself(tree: Path) -> None:
    inner = tree / "inner"
    inner.mkdir()
    (inner / "c.py").write_text("", "utf-8")
    git(inner, "init", "-q")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "start")
    assert asked(tree, "a.py", "inner/c.py") is None
    (inner / "c.py").write_text("x = 1\n", "utf-8")
    assert asked(tree, "inner/c.py") == "there are uncommitted changes: c.py"


def test_no_version_control(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("", "utf-8")
    assert asked(tmp_path, "a.py") == f"{tmp_path / 'a.py'} is not under version control"


def test_a_broken_repository_is_said_to_be_one(tree: Path) -> None:
    (tree / ".git" / "HEAD").write_text("nonsense", "utf-8")
    found = asked(tree, "a.py")
    assert found is not None
    assert "git cannot tell what is committed" in found


def test_without_git(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tree))
    found = asked(tree, "a.py")
    assert found is not None
    assert "git cannot be run" in found


def test_names_with_anything_in_them(tree: Path) -> None:
    name = 'ü "q" \n.py'
    (tree / name).write_text("x = 1\n", "utf-8")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "more")
    assert asked(tree, name) is None


def test_variables_of_a_hook_do_not_mislead(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert asked(tree, "a.py") is None
