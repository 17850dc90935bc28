"""The graph of imports of Django against the tools that a user would pick for one: grimp, and pydeps.

Each is measured in a process of its own, with what it has kept from an earlier run where it keeps anything (warm), and
without (cold). grimp scans in Rust; pydeps keeps nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measure import ROOT

django = pytest.importorskip("django", reason="pip install 'unsnarl[bench]' brings Django, grimp and pydeps")
ROUNDS = 7
OURS = """\
import json, sys, time
from pathlib import Path
from analysis.imports import COLLECTORS, graph_of
from analysis.project import load
# What is loaded when it is first needed, as all of grimp is when it is imported.
import networkx, pathspec, sqlite3
from analysis import gitfiles, gitignore, index, recognition
root = Path(sys.argv[1])
begun = time.perf_counter()
graph = graph_of(load([root], root=root, collectors=COLLECTORS), keep=True).between()
print(json.dumps([time.perf_counter() - begun, graph.number_of_nodes(), graph.number_of_edges()]))
"""
GRIMP = """\
import json, sys, time
import grimp
begun = time.perf_counter()
graph = grimp.build_graph("django", cache_dir=sys.argv[2])
print(json.dumps([time.perf_counter() - begun, len(graph.modules), graph.count_imports()]))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("django")
    shutil.copytree(Path(django.__file__).parent, root / "django", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def seconds(program: str, tree: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", program, str(tree), str(tree / ".grimp")],
        cwd=tree,
        env={"PYTHONPATH": f"{ROOT}:{tree}"},
        capture_output=True,
        text=True,
        check=True,
    )
    took, modules, _ = json.loads(done.stdout.splitlines()[-1])
    assert modules > 800, done.stdout
    return float(took)


def forget(tree: Path) -> None:
    for folder in (".unsnarl_cache", ".grimp"):
        shutil.rmtree(tree / folder, ignore_errors=True)


@pytest.mark.benchmark(group="the graph of Django's imports, warm, against grimp's with its cache")
def test_warm(benchmark: BenchmarkFixture, tree: Path) -> None:
    pytest.importorskip("grimp")
    for _ in range(3):
        # A file that has just been written is looked at once more.
        seconds(OURS, tree)
        seconds(GRIMP, tree)
    turns = [(seconds(OURS, tree), seconds(GRIMP, tree)) for _ in range(ROUNDS)]
    ratio = statistics.median(ours for ours, _ in turns) / statistics.median(theirs for _, theirs in turns)
    benchmark.extra_info["ratio"] = round(ratio, 2)
    benchmark.extra_info["bound"] = 1.0
    benchmark.pedantic(seconds, args=(OURS, tree), rounds=ROUNDS)
    assert ratio <= 1.0


@pytest.mark.benchmark(group="the same, cold, against grimp's Rust scanner")
def test_cold(benchmark: BenchmarkFixture, tree: Path) -> None:
    pytest.importorskip("grimp")
    turns = []
    for _ in range(3):
        forget(tree)
        turns.append((seconds(OURS, tree), seconds(GRIMP, tree)))
    ratio = statistics.median(ours for ours, _ in turns) / statistics.median(theirs for _, theirs in turns)
    benchmark.extra_info["ratio"] = round(ratio, 1)
    benchmark.pedantic(seconds, args=(OURS, tree), setup=lambda: forget(tree), rounds=3)


def whole(*command: str, tree: Path) -> float:
    """The seconds of a whole process."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env={"PYTHONPATH": f"{ROOT}:{tree}", "PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - begun


@pytest.mark.benchmark(group="the same as a whole process, warm, against pydeps")
def test_pydeps(benchmark: BenchmarkFixture, tree: Path) -> None:
    pytest.importorskip("pydeps")
    theirs = whole("-m", "pydeps", "django", "--no-config", "--noshow", "--no-output", "--max-bacon=0", tree=tree)
    seconds(OURS, tree)
    ours = statistics.median(whole("-c", OURS, str(tree), tree=tree) for _ in range(3))
    benchmark.extra_info["ratio"] = round(ours / theirs, 3)
    benchmark.extra_info["bound"] = 1.0
    benchmark.pedantic(whole, args=("-c", OURS, str(tree)), kwargs={"tree": tree}, rounds=3)
    assert ours <= theirs
