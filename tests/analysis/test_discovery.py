"""Which files are found, and why the others are not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analysis.discovery import Discovery, NoSuchPath, discover


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def git(root: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def repository(root: Path) -> None:
    root.mkdir(exist_ok=True)
    git(root, "init", "-q")


def plain(root: Path) -> None:
    root.mkdir(exist_ok=True)


@pytest.fixture(params=[repository, plain], ids=["git", "no git"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An empty tree, with git and without."""
    prepare: Callable[[Path], None] = request.param
    prepare(tmp_path / "tree")
    return tmp_path / "tree"


def names(found: Discovery) -> list[str]:
    return list(found.files)


def test_suffixes_and_order(root: Path) -> None:
    make(root, "b.py", "a.pyw", "c/d.py", "stub.pyi", "e.txt", "script", "A.py", "x.py.orig")
    assert names(discover([root], root)) == ["A.py", "a.pyw", "b.py", "c/d.py"]


def test_no_such_path(root: Path) -> None:
    with pytest.raises(NoSuchPath, match=r"no such file or folder: nowhere/x\.py") as raised:
        discover(["nowhere/x.py"], root)
    assert raised.value.path == "nowhere/x.py"


def test_gitignore(root: Path) -> None:
    make(root, "a.py", "b.py", "out/c.py", "keep/out/d.py", "sub/e.py", "sub/f.py", "sub/deep/g.py")
    (root / ".gitignore").write_text("# comment\n/out/\nb.py\n*.gen.py\n")
    (root / "sub/.gitignore").write_text("*.py\n!f.py\n")
    make(root, "x.gen.py", "sub/y.gen.py")
    found = discover([root], root, ignored=True)
    assert names(found) == ["a.py", "keep/out/d.py", "sub/f.py"]
    assert {name for name in found.excluded if not name.endswith("/")} >= {"b.py", "x.gen.py", "sub/e.py"}
    assert "out/" in found.excluded
    assert all("ignored by" in reason for reason in found.excluded.values())


def test_gitignore_above_the_named_folder(root: Path) -> None:
    make(root, "sub/a.py", "sub/b.py", "other.py")
    (root / ".gitignore").write_text("b.py\n")
    assert names(discover([root / "sub"], root)) == ["sub/a.py"]


def test_a_named_file_is_taken_whatever_is_said(root: Path) -> None:
    make(root, "a.py", "b.py", "c_pb2.py", ".venv/d.py", "script", "stub.pyi")
    (root / ".gitignore").write_text("b.py\n")
    asked = [root / name for name in ("b.py", "c_pb2.py", ".venv/d.py", "script", "stub.pyi")]
    found = discover(asked, root, exclude=["b.py"])
    assert names(found) == [".venv/d.py", "b.py", "c_pb2.py", "script", "stub.pyi"]
    assert all(one.named for one in found.files.values())
    assert found.excluded == {}
    assert names(discover([*asked, root], root)) == [".venv/d.py", "a.py", "b.py", "c_pb2.py", "script", "stub.pyi"]


def test_a_named_folder_is_entered_whatever_is_said(root: Path) -> None:
    make(root, "a.py", "out/b.py", ".venv/lib/site-packages/c/d.py")
    (root / ".gitignore").write_text("out/\n.venv/\n")
    assert names(discover([root / "out"], root)) == ["out/b.py"]
    assert names(discover([root / ".venv/lib/site-packages/c"], root)) == [".venv/lib/site-packages/c/d.py"]
    assert names(discover([root / "out", root], root)) == ["a.py", "out/b.py"]


def test_patterns_of_the_settings(root: Path) -> None:
    make(root, "a.py", "old/b.py", "sub/old/c.py", "sub/d.py", "sub/e_test.py")
    found = discover([root], root, exclude=["/old/", "*_test.py"])
    assert names(found) == ["a.py", "sub/d.py", "sub/old/c.py"]
    assert found.excluded == dict.fromkeys(["old/", "sub/e_test.py"], "excluded by a pattern of the settings")
    assert names(discover([root / "old/b.py", root / "a.py"], root, exclude=["/old/"], named_too=True)) == ["a.py"]


def test_environments_and_caches(root: Path) -> None:
    make(root, "a.py", "env/pyvenv.cfg", "env/lib/b.py", "conda/conda-meta/history", "conda/c.py", ".tox/d.py")
    make(root, "node_modules/e.py", "lib/site-packages/f.py", "x/__pycache__/g.py", ".ruff_cache/h.py")
    make(root, "pkg/pyproject.toml", "pkg/build/lib/i.py", "pkg/i.py", "build/j.py", "lib/k.py")
    found = discover([root], root)
    assert names(found) == ["a.py", "build/j.py", "lib/k.py", "pkg/i.py"]
    assert found.excluded == {
        ".tox/": "an environment",
        "conda/": "an environment",
        "env/": "an environment",
        "lib/site-packages/": "an environment",
        "node_modules/": "installed packages",
        "pkg/build/": "build output",
    }


def test_generated_by_name(root: Path) -> None:
    make(root, "a_pb2.py", "a_pb2_grpc.py", "pb2.py")
    found = discover([root], root)
    assert names(found) == ["pb2.py"]
    assert list(found.excluded) == ["a_pb2.py", "a_pb2_grpc.py"]


def test_links(root: Path) -> None:
    make(root, "a.py", "sub/b.py")
    (root / "again.py").symlink_to("a.py")
    (root / "broken.py").symlink_to("gone.py")
    (root / "self.py").symlink_to("self.py")
    (root / "loop").symlink_to(".")
    (root / "sub/up").symlink_to("..")
    (root / "sub/self").symlink_to("self")
    (root.parent / "outside.py").touch()
    (root / "out.py").symlink_to("../outside.py")
    (root / "out2.py").symlink_to("../outside.py")
    found = discover([root], root)
    assert names(found) == ["a.py", "out.py", "sub/b.py"]
    assert found.excluded.items() >= {("again.py", "a link to a.py"), ("out2.py", "a link to out.py")}
    assert found.unreadable == {
        "broken.py": "a link to something that is not there",
        "self.py": "a loop of symbolic links",
    }
    assert names(discover([root / "loop"], root)) == ["loop/a.py", "loop/out.py", "loop/sub/b.py"]
    named = discover([root / "again.py", root / "self.py"], root)
    assert names(named) == ["again.py"]
    assert list(named.unreadable) == ["self.py"]


def test_what_is_no_file(root: Path) -> None:
    os.mkfifo(root / "pipe.py")
    (root / "folder.py").mkdir()
    make(root, "folder.py/a.py")
    found = discover([root], root)
    assert names(found) == ["folder.py/a.py"]
    # Git does not list pipes.
    assert found.unreadable in ({"pipe.py": "is a pipe, not a file"}, {})


def test_names_relative_to_the_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, "sub/a.py")
    outside = root.parent / "b.py"
    outside.touch()
    (root.parent / "door").symlink_to(root)
    monkeypatch.chdir(root / "sub")
    assert names(discover(["."], root)) == ["sub/a.py"]
    assert names(discover(["a.py", "../sub/./a.py", root / "sub"], root)) == ["sub/a.py"]
    assert names(discover([outside], root)) == [str(outside)]
    assert names(discover([root.parent / "door/sub"], root)) == ["sub/a.py"]
    assert names(discover([root / "sub"], root.parent / "door")) == ["sub/a.py"]


def test_names_that_are_not_utf8(root: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    try:
        make(root, name, "tab\tand\nnewline.py", "100644 a.py")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert sorted(names(discover([root], root))) == sorted([name, "tab\tand\nnewline.py", "100644 a.py"])
    if (root / ".git").exists():
        git(root, "add", ".")
        assert sorted(names(discover([root], root))) == sorted([name, "tab\tand\nnewline.py", "100644 a.py"])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty git work tree."""
    repository(tmp_path / "tree")
    return tmp_path / "tree"


def test_git_tracked_wins_over_ignored(tree: Path) -> None:
    make(tree, "a.py", "b.py")
    git(tree, "add", "a.py")
    (tree / ".gitignore").write_text("*.py\n")
    assert names(discover([tree], tree)) == ["a.py"]


def test_git_excludes_of_the_clone(tree: Path) -> None:
    make(tree, "a.py", "b.py")
    (tree / ".git/info/exclude").write_text("b.py\n")
    assert names(discover([tree], tree)) == ["a.py"]


def test_git_tracked_and_gone(tree: Path) -> None:
    make(tree, "a.py", "b.py")
    git(tree, "add", ".")
    (tree / "a.py").unlink()
    found = discover([tree], tree)
    assert names(found) == ["b.py"]
    assert found.unreadable == {}


def test_git_conflict(tree: Path) -> None:
    make(tree, "a.py")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "one")
    git(tree, "branch", "other")
    (tree / "a.py").write_text("x = 1\n")
    git(tree, "commit", "-qam", "two")
    git(tree, "checkout", "-q", "other")
    (tree / "a.py").write_text("x = 2\n")
    git(tree, "commit", "-qam", "three")
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "merge", "-q", "-"], cwd=tree, capture_output=True
    )
    assert names(discover([tree], tree)) == ["a.py"]


def test_git_nested_and_submodules(tree: Path) -> None:
    lib = tree.parent / "lib"
    repository(lib)
    make(lib, "m.py", "n.py")
    git(lib, "add", "m.py")
    git(lib, "commit", "-qm", "one")
    make(tree, "a.py", "ignored/b.py")
    (tree / ".gitignore").write_text("ignored/\n")
    git(tree, "submodule", "--quiet", "add", str(lib), "sub")
    repository(tree / "nested")
    make(tree, "nested/c.py", "nested/d.py")
    (tree / "nested/.gitignore").write_text("d.py\n")
    repository(tree / "ignored")
    assert names(discover([tree], tree)) == ["a.py", "nested/c.py", "sub/m.py"]
    assert names(discover([tree], tree, exclude=["sub/", "nested"])) == ["a.py"]
    git(tree, "submodule", "--quiet", "deinit", "-f", "sub")
    assert names(discover([tree], tree)) == ["a.py", "nested/c.py"]


def test_git_work_tree_of_its_own(tree: Path) -> None:
    make(tree, "a.py")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "one")
    git(tree, "worktree", "add", "-q", "../other")
    make(tree.parent / "other", "b.py")
    assert names(discover([tree.parent / "other"], tree.parent / "other")) == ["a.py", "b.py"]


def test_git_variables_of_a_hook_do_not_mislead(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tree, "a.py")
    repository(tmp_path / "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nothing"))
    assert names(discover([tree], tree)) == ["a.py"]


def test_git_that_refuses(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tree, "a.py", "b.py")
    (tree / ".gitignore").write_text("b.py\n")
    (tree / ".git/HEAD").write_text("broken")
    assert names(discover([tree], tree)) == ["a.py"]
    monkeypatch.setenv("PATH", "")
    assert names(discover([tree], tree)) == ["a.py"]


def test_git_runs_no_program_that_the_tree_names(tree: Path) -> None:
    make(tree, "a.py")
    script = tree / "monitor"
    script.write_text(f"#!/bin/sh\ntouch {tree}/ran\n")
    script.chmod(0o755)
    git(tree, "config", "core.fsmonitor", str(script))
    assert names(discover([tree], tree)) == ["a.py"]
    assert not (tree / "ran").exists()


@pytest.fixture
def locked(root: Path) -> Iterator[Path]:
    """A folder that this process may not enter."""
    make(root, "a.py", "locked/b.py")
    (root / "locked").chmod(0)
    for folder in (root, *root.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o755)
    root_user = os.geteuid() == 0
    if root_user:
        for folder, _, files in os.walk(root):
            for path in (Path(folder), *(Path(folder) / name for name in files)):
                os.chown(path, 65534, -1, follow_symlinks=False)
        os.seteuid(65534)
    yield root
    if root_user:
        os.seteuid(0)
    (root / "locked").chmod(0o755)


def test_a_folder_that_cannot_be_entered(locked: Path) -> None:
    found = discover([locked], locked)
    assert names(found) == ["a.py"]
    assert found.unreadable == {"locked/": "permission denied"}
