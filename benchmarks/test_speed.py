"""What checking and rewriting a whole tree costs, against what others need for the same files in the same run.

The tree is 14 MB of the standard library and of installed packages, which have few broad handlers. One that has many,
named by ``UNSNARL_BENCH_TREE``, is rewritten beside it.
"""

from __future__ import annotations

import ast
import itertools
import os
import shutil
import sys
import sysconfig
import textwrap
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from analysis.collectors.ports import PortCollector
from analysis.ports import table
from analysis.project import Project, load
from analysis.reading import analyse
from analysis.source import Source
from benchmarks.measure import JOBS, Cost, cost, files, make_tree, median_ratio, python
from codemods.codemod import load as load_codemod
from codemods.engine import Engine
from config.settings import Settings

FASTER_THAN_LIBCST = 20.0
CHECK_TO_PARSE = 1.5
WARM_TO_COLD = 1 / 15
FLAKE8_WITH_TO_WITHOUT = 1.1
MEMORY_MIB = 400
TABLE_TO_PARSE = 1 / 10

PARSE = """
import ast, sys, warnings
warnings.simplefilter("ignore")
for name in open(sys.argv[1]).read().split("\\0"):
    with open(name, "rb") as file:
        data = file.read()
    try:
        ast.parse(data)
    except (SyntaxError, ValueError):
        pass
"""

LIBCST_CODEMOD = """
import libcst
from libcst.codemod import VisitorBasedCodemodCommand

class Trivial(VisitorBasedCodemodCommand):
    DESCRIPTION = "Put another space behind each except."

    def leave_ExceptHandler(self, original, updated):
        return updated.with_changes(whitespace_after_except=libcst.SimpleWhitespace("  "))
"""

LIBCST_SETTINGS = """
generated_code_marker: '@generated'
formatter: []
blacklist_patterns: []
modules: []
repo_root: '.'
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree to copy from: nothing runs in it."""
    folder = tmp_path_factory.mktemp("bench") / "tree"
    make_tree(folder)
    return folder


class Copies:
    """Fresh copies of a tree, each removed when the next is made."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self.tree = tree
        self.folder = folder

    def fresh(self) -> Path:
        target = self.folder / "copy"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.tree, target, symlinks=True)
        return target


@pytest.fixture
def copies(tree: Path, tmp_path: Path) -> Iterator[Copies]:
    yield Copies(tree, tmp_path)
    shutil.rmtree(tmp_path, ignore_errors=True)


def rewrite(tree: Path, *, watch: bool = False) -> Cost:
    """The whole rewrite, with nothing kept from before."""
    command = python("-m", "codemods.safe_executor", "--allow-dirty", "-j", str(JOBS), str(tree))
    return cost(command, cwd=tree, watch=watch, says="rewritten")


def check(tree: Path, *, watch: bool = False) -> Cost:
    command = python("-m", "unsnarl", "check", "-j", str(JOBS), "--statistics", str(tree))
    return cost(command, cwd=tree, watch=watch, says=" files")


def forget(tree: Path) -> None:
    shutil.rmtree(tree / ".unsnarl_cache", ignore_errors=True)


@pytest.mark.benchmark(group="the whole rewrite of a tree, against libcst's runner with a trivial change")
def test_rewriting_is_many_times_faster_than_libcst(benchmark: BenchmarkFixture, copies: Copies) -> None:
    _against_libcst(benchmark, copies)


@pytest.mark.benchmark(group="the same on the tree that was named")
def test_rewriting_a_given_tree_is_many_times_faster_too(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    folder = given_tree(tmp_path)
    _against_libcst(benchmark, Copies(folder, tmp_path))
    shutil.rmtree(tmp_path)


def given_tree(folder: Path) -> Path:
    """A copy of the tree that the environment names."""
    given = os.environ.get("UNSNARL_BENCH_TREE")
    if not given:
        pytest.skip("UNSNARL_BENCH_TREE names no tree")
    copy = folder / "given"
    shutil.copytree(given, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", ".unsnarl_cache"))
    return copy


def _against_libcst(benchmark: BenchmarkFixture, copies: Copies) -> None:
    work = copies.folder / "libcst"
    work.mkdir()
    (work / "trivial.py").write_text(LIBCST_CODEMOD)
    (work / ".libcst.codemod.yaml").write_text(LIBCST_SETTINGS)
    shutil.copytree(copies.tree, work / "tree", symlinks=True)
    theirs = cost(
        python("-m", "libcst.tool", "codemod", "-x", f"-j{JOBS}", "--no-format", "trivial.Trivial", "tree"),
        cwd=work,
        env={"PYTHONPATH": str(work)},
        says="Finished codemodding",
    )
    ours: list[Cost] = []
    benchmark.pedantic(
        lambda tree: ours.append(rewrite(tree)), setup=lambda: ((copies.fresh(),), {}), rounds=3, iterations=1
    )
    best = sorted(one.wall for one in ours)[1]
    note(benchmark, theirs.wall / best, FASTER_THAN_LIBCST, at_least=True, theirs=theirs.wall, ours=best)


@pytest.mark.benchmark(group="a cold check, against ast.parse on the same files (processor time)")
def test_a_cold_check_costs_little_more_than_parsing(benchmark: BenchmarkFixture, copies: Copies) -> None:
    tree = copies.fresh()
    names = copies.folder / "names"
    names.write_text("\0".join(map(str, files(tree))))

    def cold() -> float:
        forget(tree)
        return check(tree).cpu

    def parsing() -> float:
        return cost(python("-c", PARSE, str(names)), cwd=tree).cpu

    measured = median_ratio(cold, parsing, 5)
    benchmark.pedantic(lambda: check(tree), setup=lambda: forget(tree), rounds=3, iterations=1)
    note(benchmark, measured, CHECK_TO_PARSE)


@pytest.mark.benchmark(group="a warm check, against a cold one")
def test_a_warm_check_is_a_small_part_of_a_cold_one(benchmark: BenchmarkFixture, copies: Copies) -> None:
    tree = copies.fresh()
    # The index does not trust the time stamp of a file that was changed a moment ago.
    time.sleep(2.5)

    def cold() -> float:
        forget(tree)
        return check(tree).cpu

    def warm() -> float:
        return check(tree).cpu

    cold()
    warm()
    # Cold first in each turn, so that there is something to be warm from.
    measured = 1 / median_ratio(cold, warm, 5)
    benchmark.pedantic(lambda: check(tree), rounds=5, iterations=1)
    note(benchmark, measured, WARM_TO_COLD)


@pytest.mark.benchmark(group="the table of ports from warm facts, against ast.parse (processor time)")
def test_the_table_of_ports_costs_little(benchmark: BenchmarkFixture, copies: Copies) -> None:
    _table_of_ports(benchmark, copies.fresh())


@pytest.mark.benchmark(group="the same table of the tree that was named")
def test_the_table_of_a_given_tree_costs_little_too(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    _table_of_ports(benchmark, given_tree(tmp_path))
    shutil.rmtree(tmp_path)


def _table_of_ports(benchmark: BenchmarkFixture, tree: Path) -> None:
    def facts() -> Project:
        return load([tree], root=tree, collectors=(PortCollector,), jobs=JOBS)

    # The index does not trust the time stamp of a file that was changed a moment ago.
    time.sleep(2.5)
    table(facts())
    sources = [(tree / name).read_bytes() for name in facts().files]

    def parse() -> float:
        begun = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for data in sources:
                with suppress(SyntaxError, ValueError):
                    ast.parse(data)
        return time.process_time() - begun

    def tabulate() -> float:
        project = facts()
        begun = time.process_time()
        table(project)
        return time.process_time() - begun

    measured = median_ratio(tabulate, parse, 5)
    benchmark.pedantic(table, setup=lambda: ((facts(),), {}), rounds=5, iterations=1)
    note(benchmark, measured, TABLE_TO_PARSE)


@pytest.mark.benchmark(group="flake8 with the plugin, against flake8 without (processor time)")
def test_flake8_hardly_notices_the_plugin(benchmark: BenchmarkFixture, copies: Copies) -> None:
    part = copies.folder / "part"
    part.mkdir()
    for file in itertools.islice(files(copies.tree), 0, None, 8):
        shutil.copy(file, part / f"{file.parent.name}_{file.name}")
    without = environment(copies.folder / "without", "flake8")
    plugged = environment(copies.folder / "with", "flake8", "unsnarl")
    command = python("-S", "-m", "flake8", "--isolated", "--exit-zero", "-q", "-j", str(JOBS), str(part))

    def run(path: str) -> float:
        return cost(command, cwd=part, env={"PYTHONPATH": path}).cpu

    for path, expected in ((plugged, "plugged"), (without, "not plugged")):
        cost(python("-S", "-c", PLUGINS), cwd=part, env={"PYTHONPATH": path}, says=f"it is {expected}")
    measured = median_ratio(lambda: run(plugged), lambda: run(without), 3)
    benchmark.pedantic(lambda: run(plugged), rounds=1, iterations=1)
    note(benchmark, measured, FLAKE8_WITH_TO_WITHOUT)


PLUGINS = """
import sys
from importlib.metadata import distributions
found = [entry for dist in distributions() for entry in dist.entry_points if entry.group == "flake8.extension"]
for entry in found:
    entry.load()
plugged = any(entry.value.startswith("unsnarl") for entry in found)
print("it is plugged" if plugged else "it is not plugged", file=sys.stderr)
"""


def environment(folder: Path, *wanted: str) -> str:
    """Folders for ``PYTHONPATH`` that hold these distributions and what they need, and no other."""
    folder.mkdir()
    site = Path(sysconfig.get_paths()["purelib"])
    todo, seen = list(wanted), set[str]()
    path = [str(folder)]
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            # Needed on other systems only.
            continue
        todo += [line.split(";")[0].split("[")[0].rstrip(" <>=!~.0123456789,*") for line in found.requires or ()
                 if "extra ==" not in line]  # fmt: skip
        for file in found.files or ():
            top = file.parts[0]
            if top.endswith(".pth"):
                # Installed editable: its code stands in the project's folder.
                path += dict.fromkeys((site / top).read_text().split())
            elif top not in {"..", "__pycache__"} and not (folder / top).exists():
                (folder / top).symlink_to(site / top)
    return os.pathsep.join(path)


@pytest.mark.benchmark(group="the most memory that all processes hold together, in MiB")
@pytest.mark.parametrize("command", [rewrite, check], ids=lambda command: command.__name__)
def test_memory_stays_within_bounds(benchmark: BenchmarkFixture, copies: Copies, command: object) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the memory of other processes is read from /proc")
    assert callable(command)
    seen: list[Cost] = []
    benchmark.pedantic(
        lambda tree: seen.append(command(tree, watch=True)),
        setup=lambda: ((copies.fresh(),), {}),
        rounds=1,
        iterations=1,
    )
    note(benchmark, seen[0].memory / 2**20, MEMORY_MIB)


@pytest.mark.benchmark(group="rewriting one file, against the same with a quarter of its handlers")
def test_the_cost_grows_with_the_findings(benchmark: BenchmarkFixture) -> None:
    engine = Engine(load_codemod("safe_executor"), Settings(), {"policy": "preserve", "unsafe": False})

    def seconds(handlers: int) -> float:
        source = Source.from_bytes(with_handlers(handlers), "many.py")
        facts = analyse(source, engine.collectors, "many.py")
        begun = time.process_time()
        answers, _, _ = engine.run(source, facts)
        spent = time.process_time() - begun
        assert [answer.verdict for answer in answers] == ["rewritten"] * handlers
        return spent

    seconds(500)
    measured = median_ratio(lambda: seconds(2000), lambda: seconds(500), 5)
    benchmark.pedantic(lambda: seconds(2000), rounds=3, iterations=1)
    # Four times as many, and something for the caches of the machine.
    note(benchmark, measured, 4 * 1.25)


def with_handlers(number: int) -> bytes:
    """A file with so many functions, each with one handler."""
    one = """
        def read_{0}(path):
            try:
                with open(path) as file:  # {0}
                    return int(file.read())
            except Exception as e:
                print("not read", path, e)
                return None
        """
    return "".join(textwrap.dedent(one).format(index) for index in range(number)).encode()


def note(benchmark: BenchmarkFixture, measured: float, bound: float, *, at_least: bool = False, **more: float) -> None:
    """Keep what was measured for the page of results, and hold it to its bound."""
    benchmark.extra_info.update({"ratio": round(measured, 3), "bound": round(bound, 3), "at_least": at_least})
    benchmark.extra_info.update({name: round(value, 2) for name, value in more.items()})
    assert measured >= bound if at_least else measured <= bound
