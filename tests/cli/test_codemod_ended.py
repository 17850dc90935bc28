"""Codemods that are ended, disturbed, or not alone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codemods.journal import NAME, Journal
from tests.cli.codemod_support import GOOD, ROOT, committed, contents, fix
from tests.cli.support import write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return committed(tmp_path / "tree")


class TestJournal:
    def test_nothing_to_recover(self, tree: Path) -> None:
        done = fix("--recover", ".", cwd=tree)
        assert (done.returncode, done.stdout) == (0, "")
        assert "there is nothing to put back" in done.stderr
        assert not (tree / NAME).exists()

    def test_a_run_that_was_killed_in_a_folder_above(self, tmp_path: Path) -> None:
        write(tmp_path, {f"w/{NAME}/plan": "", "w/inner/a.py": GOOD})
        inner = tmp_path / "w" / "inner"
        for option in ("--allow-dirty", "--check", "--recover"):
            done = fix(option, ".", cwd=inner)
            assert done.returncode == 2, option
            assert f"{tmp_path / 'w'}: a run that was writing here" in done.stderr
        assert (inner / "a.py").read_text() == GOOD

    def test_a_second_run_at_once(self, tree: Path) -> None:
        holder = Journal(tree)
        holder.lock()
        try:
            done = fix(".", cwd=tree)
            assert (done.returncode, done.stdout) == (2, "")
            assert f"another run is writing here (process {os.getpid()})" in done.stderr
            assert fix("--check", "a.py", cwd=tree).returncode == 1
        finally:
            holder.release()
        assert fix("a.py", cwd=tree).returncode == 0

    def test_killed_at_any_time_the_tree_is_as_it_was_or_as_it_was_meant_to_be(self, tmp_path: Path) -> None:
        """Kills the real command at times spread over the part of its run in which it writes."""
        files: dict[str, str | bytes] = {f"p{n % 10}/m{n}.py": GOOD for n in range(200)}
        source = write(tmp_path / "source", files)
        whole = tmp_path / "whole"
        shutil.copytree(source, whole)
        assert fix("--allow-dirty", ".", cwd=whole).returncode == 0
        wanted = contents(whole)
        seen = set()
        chance = random.Random(20260)
        for number in range(5):
            tree = tmp_path / f"tree{number}"
            shutil.copytree(source, tree)
            before = contents(tree)
            command = [sys.executable, "-m", "codemods.safe_executor", "--policy", "preserve", "--allow-dirty", "."]
            with subprocess.Popen(command, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
                plan = tree / NAME / "plan"
                while not plan.exists() and run.poll() is None:
                    time.sleep(0.0005)
                time.sleep(chance.random() * 0.12)
                run.kill()
                run.wait()
            if plan.exists():
                for way in (("--allow-dirty",), ("--check",))[len(seen) :]:
                    done = fix(*way, ".", cwd=tree)
                    assert done.returncode == 2
                    assert "--recover" in done.stderr
                done = fix("--recover", ".", cwd=tree)
                assert done.returncode == 0
                assert "put back as" in done.stderr
                assert contents(tree) == before
                seen.add("rolled back")
            else:
                fix("--recover", ".", cwd=tree)
                assert contents(tree) in (before, wanted)
                seen.add("whole" if contents(tree) == wanted else "untouched")
            assert not (tree / NAME).exists()
            shutil.rmtree(tree)
        assert "rolled back" in seen

    def test_an_interrupt_is_rolled_back(self, tmp_path: Path) -> None:
        tree = write(tmp_path, {f"m{n}.py": GOOD for n in range(300)})
        before = contents(tree)
        command = [sys.executable, "-m", "codemods.safe_executor", "--allow-dirty", "--no-cache", "."]
        with subprocess.Popen(command, cwd=tree, stderr=subprocess.PIPE, text=True) as run:
            while not (tree / NAME / "plan").exists() and run.poll() is None:
                time.sleep(0.0005)
            run.send_signal(signal.SIGINT)
            _, said = run.communicate()
        assert run.returncode == 2
        assert said == "Error: interrupted; the tree is as it was\n"
        assert contents(tree) == before


MEDDLING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from codemods import cli, safe_executor
real = safe_executor.SafeExecutorCodemod.prepare
def prepare(self, project, settings, options):
    Path("sub/d.py").write_text("mine = 1\\n", "utf-8")
    return real(self, project, settings, options)
safe_executor.SafeExecutorCodemod.prepare = prepare
sys.argv[1:] = ["--allow-dirty", "."]
cli.main("safe_executor")
"""


def test_a_file_that_is_changed_meanwhile_stops_all(tree: Path) -> None:
    done = subprocess.run([sys.executable, "-c", MEDDLING, ROOT], cwd=tree, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: sub/d.py: it was changed while this run was at work; nothing was written.")
    assert (tree / "a.py").read_text("utf-8") == GOOD
    assert (tree / "sub" / "d.py").read_text("utf-8") == "mine = 1\n"
