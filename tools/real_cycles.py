"""Run the import-cycle pair over other people's packages and hold the result to each of its promises.

Usage: python -m tools.real_cycles [--work FOLDER] [--jobs N] [--write docs/real-cycles.md] [NAME...]

The packages come from the package index, pinned by their hash; the standard library is a copy of this Python's. Nothing
is taken from our own report without being looked at from outside: the circles are held against what Python was seen to
import, before and afterwards. Exits with 1 when a promise is broken, with 2 when a package cannot be had.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.cycles import cycles
from analysis.imports import COLLECTORS, ImportGraph, graph_of
from analysis.project import load
from tools.observed import Observed, Pair, components, expected, observe
from tools.real_tree import comments, conclude, python_files, refusal
from tools.sdist import FALCON, JEDI, PARAMIKO, PYPARSING, SCRAPY, WERKZEUG, Sdist, Unavailable
from tools.text import table

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Package:
    """A package with circles. ``folder`` is where it lies in its distribution, ``source`` what must be on ``sys.path``.

    ``needs`` are the distributions that it imports. ``without``: parts of paths that no import is tried of.
    """

    sdist: Sdist
    folder: str
    source: str = ""
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ("__main__.py",)


PACKAGES = (
    Package(PYPARSING, "pyparsing"),
    Package(WERKZEUG, "src/werkzeug", "src", ("MarkupSafe==3.0.3",)),
    Package(JEDI, "jedi", "", ("parso==0.8.7",), ("__main__.py", "third_party/")),
    Package(PARAMIKO, "paramiko", "", ("bcrypt==5.0.0", "cryptography==46.0.3", "invoke==2.2.1", "PyNaCl==1.6.1")),
    Package(FALCON, "falcon"),
    Package(
        SCRAPY,
        "scrapy",
        "",
        ("scrapy==2.19.0",),
        ("__main__.py", "scrapy/templates/"),
    ),
)
LIBRARY = ("asyncio", "multiprocessing", "unittest", "xml", "importlib")
"""The packages of the standard library that are looked at."""
_NO_LIBRARY = ("site-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "ensurepip", "config-*")
# Loaded before anything can be watched.
_BEFORE = "importlib/_bootstrap"
# For another system.
_ELSEWHERE = ("popen_spawn_win32.py", "windows_", "__main__.py")


@dataclass
class Trial:
    """One run over a copy of ``tree``, and what came of it.

    ``folders`` are those of the tree that are looked at, ``asked`` what the codemod is given. The rest says how the
    modules are imported, see :func:`tools.observed.observe`.
    """

    tree: Path
    folders: tuple[str, ...]
    source: str = ""
    asked: tuple[str, ...] = (".",)
    needs: tuple[Path, ...] = ()
    without: tuple[str, ...] = ("__main__.py",)
    anew: bool = False
    jobs: int = 2
    broken: list[str] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    before: list[list[str]] = field(default_factory=list)
    after: list[list[str]] = field(default_factory=list)
    seen: Observed = field(default_factory=Observed)
    imported: int = 0
    compared: int = 0
    unseen: int = 0
    made: int = 0
    early: list[Pair] = field(default_factory=list)

    def run(self) -> None:
        """Look at the tree, rewrite it, look at it again, and rewrite it again."""
        original = {name: (self.tree / name).read_bytes() for name in python_files(self.tree)}
        first = self._agreed("before")
        self.before = self._circles(first[0])
        self.report = self._codemod()
        now = {name: (self.tree / name).read_bytes() for name in python_files(self.tree)}
        self._files(original, now)
        graph, seen = self._agreed("afterwards")
        self.after = self._circles(graph)
        self._cut(graph, seen)
        self._cold(first[1], seen)
        again = self._codemod()
        if again["changed"]:
            self.broken.append(f"a second run changed {', '.join(again['changed'])}")
        self.seen = seen

    @property
    def answers(self) -> dict[str, list[dict[str, Any]]]:
        """What the report says of the folders that are looked at."""
        found = {verdict: self.report[verdict] for verdict in ("rewritten", "declined", "skipped")}
        return {verdict: [one for one in each if self.inside(one["path"])] for verdict, each in found.items()}

    def inside(self, path: str) -> bool:
        """Whether a file is one of those that are looked at."""
        return path.startswith(tuple(f"{one}/" for one in self.folders)) and not path.startswith(_BEFORE)

    def _graph(self) -> ImportGraph:
        project = load([self.tree], root=self.tree, collectors=COLLECTORS, jobs=self.jobs)
        return graph_of(project)

    def _circles(self, graph: ImportGraph) -> list[list[str]]:
        return [list(one.files) for one in cycles(graph) if any(map(self.inside, one.files))]

    def _agreed(self, when: str) -> tuple[ImportGraph, Observed]:
        """The graph and what was seen, once they have been held against each other."""
        graph = self._graph()
        paths = [path for path in graph.files if self.inside(path) and not any(one in path for one in self.without)]
        aliases = {"os.path": "os.py"} if self.anew else {}
        seen = observe(
            self.tree,
            paths,
            source=self.source,
            folders=self.needs,
            anew=self.anew,
            aliases=aliases,
            jobs=self.jobs,
        )
        edges = self._pairs(seen.edges)
        known = {(one.importer, one.imported) for one in graph.edges}
        if missing := sorted(edges - known):
            self.broken.append(f"{when} {missing[0][0]} imports {missing[0][1]}, which the graph does not have")
        needed = self._pairs(expected(graph, seen))
        if components(needed) != components(edges):
            self.broken.append(f"{when} the circles are {components(needed)}, and {components(edges)} were seen")
        self.imported = len(paths) - len(seen.errors)
        self.compared = len(edges)
        self.unseen = len(self._pairs(known) - edges)
        return graph, seen

    def _pairs(self, pairs: Iterable[Pair]) -> set[Pair]:
        return {pair for pair in pairs if all(map(self.inside, pair))}

    def _files(self, original: dict[str, bytes], now: dict[str, bytes]) -> None:
        changed = sorted(name for name in now if now[name] != original.get(name))
        self.made = len(now.keys() - original.keys())
        if changed != sorted(self.report["changed"]) or original.keys() - now.keys():
            self.broken.append("the report does not name the files that were changed")
        lost: Counter[str] = Counter()
        for name in changed:
            if refusal(now[name], name) is not None:
                self.broken.append(f"{name} does not compile")
                continue
            lost.update(comments(original[name]) if name in original else ())
            lost.subtract(comments(now[name]))
        self.broken += [f"the comment {one} is gone" for one in +lost]

    def _cut(self, graph: ImportGraph, seen: Observed) -> None:
        """That no circle is left but through imports that were declined, by the graph and by what was seen."""
        given = {(one["path"], one["detail"].partition(": ")[0]) for one in self.report["declined"]}
        known = {(one.importer, one.imported) for cycle in cycles(graph) for one in cycle.edges}
        # What somebody has silenced is named by its place alone.
        silenced = {one["path"] for one in self.report["skipped"]}
        given |= {pair for pair in known if pair[0] in silenced}
        for what, pairs in (("is left", known), ("was seen", seen.edges)):
            if left := components(self._pairs(pairs) - given):
                self.broken.append(f"a circle {what} of which no import was declined: {', '.join(left[0])}")
        moved = {
            (one["path"], imported)
            for one in self.report["rewritten"]
            for imported, _, done in [one["detail"].partition(": ")]
            if done.startswith("moved")
        }
        if early := sorted(moved & seen.edges):
            self.broken.append(f"{early[0][0]} imports {early[0][1]} all the same")
        self.early = sorted(moved & seen.late)

    def _cold(self, before: Observed, after: Observed) -> None:
        for path in sorted(after.errors.keys() - before.errors.keys()):
            self.broken.append(f"{path} could be imported and cannot be now: {after.errors[path]}")
        for path in sorted(before.errors.keys() - after.errors.keys()):
            self.broken.append(f"{path} could not be imported before and can be now: {before.errors[path]}")

    def _codemod(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "codemods.event_bus", *self.asked, "--allow-dirty", "--format", "json"]
        done = subprocess.run(
            [*command, f"-j{self.jobs}"],
            cwd=self.tree,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        if not done.stdout:
            raise RuntimeError(f"the codemod failed on {self.tree}: {done.stderr[-2000:]}")
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def of_package(package: Package, work: Path, jobs: int = 2) -> Trial:
    """Download the package and what it needs into ``work``, and try it.

    Raises:
        Unavailable: the index does not give what is pinned.
    """
    archive = package.sdist.fetch(work)
    shutil.rmtree(work / "tree", ignore_errors=True)
    tree = package.sdist.unpack(archive, work / "tree")
    needs = work / "needs"
    if package.needs and not needs.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        made = subprocess.run(
            [*command, "--target", str(needs), *package.needs], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise Unavailable(f"what {package.sdist.pin} needs cannot be had: {made.stderr.strip()[-300:]}")
        # What needs it brought it along.
        shutil.rmtree(needs / Path(package.folder).name, ignore_errors=True)
    folders = (needs,) if package.needs else ()
    trial = Trial(tree, (package.folder,), package.source, (".",), folders, package.without, jobs=jobs)
    trial.run()
    return trial


def of_library(work: Path, jobs: int = 2) -> Trial:
    """Try the packages ``LIBRARY`` in a copy of the standard library."""
    tree = work / "lib"
    shutil.rmtree(tree, ignore_errors=True)
    skipped = shutil.ignore_patterns(*_NO_LIBRARY, "__pycache__", "*.so", "*.a")
    shutil.copytree(os.path.realpath(sysconfig.get_path("stdlib")), tree, ignore=skipped)
    trial = Trial(tree, LIBRARY, "", LIBRARY, (), _ELSEWHERE, anew=True, jobs=jobs)
    trial.run()
    return trial


def page(trials: dict[str, Trial], old: str = "") -> str:
    """The page for the documentation. Packages that were not tried keep the columns that they have in ``old``."""
    checked = (
        "Each package is a source distribution of the package index, pinned by its hash, the standard library a copy "
        f"of the one of Python {sys.version.split()[0]}. `python -m codemods.event_bus` ran over the whole tree, with "
        "its tests, and was looked at from outside. Before and afterwards every module was imported in a process of "
        "its own "
        "that had loaded nothing of the package, and each import statement that ran was noted down by what Python made "
        "of it. The strongly connected components of these, by a Tarjan of their own, are those of our graph. "
        "Afterwards no circle is left but through imports that the report declines. Exactly the modules that could be "
        "imported before can be imported; every changed file compiles, no comment is lost, and a second run changes "
        "nothing."
    )
    compared = (
        "Compared are the imports between files of the package that ran to their end. Of those under a condition "
        "(`try`, `if`) only the ones that ran count: the graph has all of them, for other systems and other versions, "
        "and a row says how many imports it has that nothing ran: these, the ones in functions, and those for type "
        "checkers. Imports that were moved into functions and still ran while a module was imported, because something "
        "called the function by then, are counted, too. Modules that cannot be imported here are for another system, "
        "or need what is not installed."
    )
    suites = (
        "The test suites of several of these packages give the same results before and afterwards, test by test: see "
        "[test suites of other packages](third-party.md)."
    )
    lines = ["<!-- Written by tools/real_cycles.py. -->", "", "# The import-cycle pair on real packages"]
    for text in (checked, compared, suites):
        lines += ["", *textwrap.wrap(text, 120)]
    order = [_LIBRARY, *(one.sdist.pin for one in PACKAGES)]
    columns = {pin: each for pin, each in _kept(old).items() if pin in order}
    columns |= {pin: _column(one) for pin, one in trials.items()}
    shown = [pin for pin in order if pin in columns]
    labels = dict.fromkeys(label for pin in shown for label in columns[pin])
    answers = sorted(label for label in labels if ": " in label)
    first = [label for label in labels if ": " not in label]
    at = first.index("imports cut") + 1
    rows = [(one, *(columns[pin].get(one, "0") for pin in shown)) for one in (*first[:at], *answers, *first[at:])]
    lines += ["", *table(("", *shown), rows)]
    lines += ["", f"Of the standard library: {', '.join(f'`{one}`' for one in LIBRARY)}."]
    return "\n".join(lines) + "\n"


_LIBRARY = "standard library"


def _column(trial: Trial) -> dict[str, str]:
    """What the page says of one package, by the head of the row."""
    answers = trial.answers
    figures: dict[str, int] = {
        "circles before": len(trial.before),
        "files in circles before": sum(map(len, trial.before)),
        "imports cut": len(answers["rewritten"]),
    }
    for verdict, each in answers.items():
        for kind, number in sorted(Counter(map(_kind, each)).items()):
            figures[f"{verdict}: {kind}"] = number
    return {
        label: str(number)
        for label, number in {
            **figures,
            "files changed": len([path for path in trial.report["changed"] if trial.inside(path)]),
            "files made": trial.made,
            "circles afterwards": len(trial.after),
            "files in circles afterwards": sum(map(len, trial.after)),
            "modules imported cold, before and afterwards": trial.imported,
            "modules that cannot be imported here": len(trial.seen.errors),
            "imports that were seen": trial.compared,
            "imports of the graph that did not run": trial.unseen,
            "moved imports that run early all the same": len(trial.early),
            "promises broken": len(trial.broken),
        }.items()
    }


def _kept(old: str) -> dict[str, dict[str, str]]:
    """The columns of a page that was written before."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in old.splitlines() if line.startswith("|")]
    if not rows:
        return {}
    return {pin: {row[0]: row[at] for row in rows[2:]} for at, pin in enumerate(rows[0]) if at}


def _kind(answer: dict[str, Any]) -> str:
    """What was done, or why not."""
    if answer.get("reason"):
        return str(answer["reason"])
    done = answer["detail"].partition(": ")[2]
    if done.startswith("taken from"):
        return "taken from where it is defined"
    if "TYPE_CHECKING" not in done:
        return "moved into functions" if done.startswith("moved into") else "moved into a module of its own"
    return "moved into functions and under `TYPE_CHECKING`" if " and " in done else "moved under `TYPE_CHECKING`"


def main() -> int:
    """Run the command line."""
    names = {one.sdist.name: one for one in PACKAGES}
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)} and library; all by default")
    parser.add_argument("--work", type=Path, help="folder to work in and to keep; a temporary one when not given")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of the documentation")
    options = parser.parse_args()
    wanted = options.names or ["library", *names]
    if unknown := sorted(set(wanted) - {"library", *names}):
        parser.error(f"no such package: {', '.join(unknown)}; there are library, {', '.join(names)}")
    broken: list[str] = []
    shown = ""
    with tempfile.TemporaryDirectory(prefix="unsnarl-cycles-") as folder:
        for name in wanted:
            print(f"{name}: running", file=sys.stderr)
            work = (options.work or Path(folder)) / name
            try:
                if name == "library":
                    title, trial = _LIBRARY, of_library(work, options.jobs)
                else:
                    title, trial = names[name].sdist.pin, of_package(names[name], work, options.jobs)
            except Unavailable as error:
                print(f"real_cycles: {error}", file=sys.stderr)
                return 2
            broken += [f"{name}: {one}" for one in trial.broken]
            # At once: a run over all of them takes long.
            old = options.write.read_text() if options.write and options.write.exists() else shown
            shown = page({title: trial}, old)
            if options.write:
                options.write.write_text(shown)
    return conclude(shown, None, broken)


if __name__ == "__main__":
    raise SystemExit(main())
