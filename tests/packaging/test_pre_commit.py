"""Both hooks, run by a real ``pre-commit`` in a repository made for it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.support import ROOT, run

HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
REPORT, FIX = "unsnarl-check", "unsnarl-safe-executor"

BROAD = """\
def total(lines):
    try:
        return sum(int(line) for line in lines)
    except Exception as e:
        print("no total:", e)
        return None
"""
CLEAN = "def total(lines):\n    return sum(map(int, lines))\n"


def pre_commit(repository: Path, *arguments: str, **env: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pre_commit", *arguments]
    done = run(*command, cwd=repository, check=False, **env)
    return done.returncode, done.stdout + done.stderr


def git(repository: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")
    return run("git", *identity, *arguments, cwd=repository).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository whose configuration has our hooks as local ones that run this environment's own commands."""
    folder = tmp_path / "service"
    folder.mkdir()
    hooks = [{**hook, "language": "system"} for hook in HOOKS]
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    git(folder, "init", "-q")
    return folder


def stage(repository: Path, text: str, name: str = "service.py") -> Path:
    path = repository / name
    path.write_text(text, encoding="utf-8")
    git(repository, "add", "-A")
    return path


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    here = str(Path(sys.executable).parent)
    return {"PATH": here + os.pathsep + os.environ["PATH"], "PRE_COMMIT_HOME": str(tmp_path / "store")}


def test_hooks_are_the_report_and_the_fix() -> None:
    assert [hook["id"] for hook in HOOKS] == [REPORT, FIX]
    for hook in HOOKS:
        assert hook["language"] == "python"
        assert hook["types"] == ["python"]
        # Both run in parallel themselves.
        assert hook["require_serial"] is True


def test_report_hook_fails_on_a_finding_and_changes_nothing(repository: Path, env: dict[str, str]) -> None:
    path = stage(repository, BROAD)
    code, said = pre_commit(repository, "run", REPORT, **env)
    assert code == 1
    assert "service.py:4:5: E900" in said
    assert path.read_text(encoding="utf-8") == BROAD


def test_report_hook_sees_only_staged_files(repository: Path, env: dict[str, str]) -> None:
    stage(repository, CLEAN)
    (repository / "unstaged.py").write_text(BROAD, encoding="utf-8")
    code, said = pre_commit(repository, "run", REPORT, **env)
    assert (code, "Passed" in said) == (0, True), said


def test_fix_hook_rewrites_and_stops_the_commit_once(repository: Path, env: dict[str, str]) -> None:
    path = stage(repository, BROAD)
    code, said = pre_commit(repository, "run", FIX, **env)
    assert code == 1
    assert "files were modified by this hook" in said
    fixed = path.read_text(encoding="utf-8")
    assert "with SafeExecutor(" in fixed

    git(repository, "add", "-A")
    code, said = pre_commit(repository, "run", FIX, **env)
    assert (code, path.read_text(encoding="utf-8")) == (0, fixed), said


def test_hooks_pass_on_clean_files(repository: Path, env: dict[str, str]) -> None:
    stage(repository, CLEAN)
    code, said = pre_commit(repository, "run", "--all-files", **env)
    assert (code, said.count("Passed")) == (0, 2), said


@pytest.mark.network
@pytest.mark.xdist_group("distribution")
def test_hooks_work_from_a_clone_of_this_repository(unpacked: Path, tmp_path: Path, env: dict[str, str]) -> None:
    source = tmp_path / "unsnarl"
    shutil.copytree(unpacked, source)
    git(source, "init", "-q")
    git(source, "add", "-A")
    git(source, "commit", "-q", "-m", "release")

    service = tmp_path / "service"
    service.mkdir()
    git(service, "init", "-q")
    # A file name that one of our own packages has too.
    (service / "config").mkdir()
    (service / "config" / "__init__.py").write_text("", encoding="utf-8")
    path = stage(service, BROAD)
    environment = {"PRE_COMMIT_HOME": env["PRE_COMMIT_HOME"]}
    # Without the name of a hook it runs all of them, in one environment that it installs.
    code, said = pre_commit(service, "try-repo", str(source), **environment)
    if "Could not find a version" in said or "Failed to establish a new connection" in said:
        pytest.skip("the package index cannot be reached")
    assert code == 1
    assert "service.py:4:5: E900" in said
    assert "files were modified by this hook" in said
    assert "from runtime.safe_executor import SafeExecutor" in path.read_text(encoding="utf-8")
