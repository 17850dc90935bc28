"""The graph of imports of Django and of the standard library against the tools that a user would pick for one: grimp,
and pydeps.

Each is measured in a process of its own, with what it has kept from an earlier run where it keeps anything (warm), and
without (cold). grimp scans in Rust; pydeps keeps nothing. Both take a package: so the library, that of the interpreter
at hand without its tests, stands in one called ``library``. What its modules import by their own names is then from
outside of it for the two, which have less to do than we: our tree begins in that folder, so that we find it there.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measure import ROOT

django = pytest.importorskip("django", reason="pip install 'unsnarl[bench]' brings Django, grimp and pydeps")
ROUNDS = 7
LEAST = {"django": 800, "library": 600}
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
graph = grimp.build_graph(sys.argv[3], include_external_packages=True, cache_dir=sys.argv[2])
print(json.dumps([time.perf_counter() - begun, len(graph.modules), graph.count_imports()]))
"""


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By the name of the package that is all there is in it, a tree."""
    made = {}
    for name, folder in (("django", Path(django.__file__).parent), ("library", Path(sysconfig.get_paths()["stdlib"]))):
        made[name] = tmp_path_factory.mktemp(name)
        tests = () if name == "django" else ("test", "tests", "idle_test", "site-packages", "config-*", "*.so")
        shutil.copytree(folder, made[name] / name, ignore=shutil.ignore_patterns("__pycache__", *tests))
    (made["library"] / "library" / "__init__.py").touch()
    return made


def root_of(tree: Path) -> Path:
    """The folder that imports in ``tree`` are looked up in."""
    return tree / "library" if (tree / "library").exists() else tree


def seconds(program: str, tree: Path) -> float:
    (package,) = (path.parent.name for path in tree.glob("*/__init__.py"))
    done = subprocess.run(
        [sys.executable, "-c", program, str(root_of(tree)), str(tree / ".grimp"), package],
        cwd=tree,
        env={"PYTHONPATH": f"{ROOT}:{tree}"},
        capture_output=True,
        text=True,
        check=True,
    )
    took, modules, imports = json.loads(done.stdout.splitlines()[-1])
    assert modules > LEAST[package], done.stdout
    assert imports > modules, done.stdout
    return float(took)


def forget(tree: Path) -> None:
    shutil.rmtree(root_of(tree) / ".unsnarl_cache", ignore_errors=True)
    shutil.rmtree(tree / ".grimp", ignore_errors=True)


def warm(benchmark: BenchmarkFixture, tree: Path) -> None:
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


def cold(benchmark: BenchmarkFixture, tree: Path) -> None:
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


def against_pydeps(benchmark: BenchmarkFixture, tree: Path, package: str) -> None:
    pytest.importorskip("pydeps")
    theirs = whole("-m", "pydeps", package, "--no-config", "--noshow", "--no-output", "--max-bacon=0", tree=tree)
    seconds(OURS, tree)
    ours = statistics.median(whole("-c", OURS, str(root_of(tree)), tree=tree) for _ in range(3))
    benchmark.extra_info["ratio"] = round(ours / theirs, 3)
    benchmark.extra_info["bound"] = 1.0
    benchmark.pedantic(whole, args=("-c", OURS, str(root_of(tree))), kwargs={"tree": tree}, rounds=3)
    assert ours <= theirs


@pytest.mark.benchmark(group="the graph of Django's imports, warm, against grimp's with its cache")
def test_warm(benchmark: BenchmarkFixture, trees: dict[str, Path]) -> None:
    warm(benchmark, trees["django"])


@pytest.mark.benchmark(group="the same, cold, against grimp's Rust scanner")
def test_cold(benchmark: BenchmarkFixture, trees: dict[str, Path]) -> None:
    cold(benchmark, trees["django"])


@pytest.mark.benchmark(group="the same as a whole process, warm, against pydeps")
def test_pydeps(benchmark: BenchmarkFixture, trees: dict[str, Path]) -> None:
    against_pydeps(benchmark, trees["django"], "django")


@pytest.mark.benchmark(group="the graph of the standard library's imports, warm, against grimp's with its cache")
def test_library_warm(benchmark: BenchmarkFixture, trees: dict[str, Path]) -> None:
    warm(benchmark, trees["library"])


@pytest.mark.benchmark(group="the same of the library, cold, against grimp's Rust scanner")
def test_library_cold(benchmark: BenchmarkFixture, trees: dict[str, Path]) -> None:
    cold(benchmark, trees["library"])


@pytest.mark.benchmark(group="the same of the library as a whole process, warm, against pydeps")
def test_library_pydeps(benchmark: BenchmarkFixture, trees: dict[str, Path]) -> None:
    against_pydeps(benchmark, trees["library"], "library")
