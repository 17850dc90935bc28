"""Run the test suites of other people's packages as they are and after a codemod, and compare test by test.

Usage: python -m tools.thirdparty [--work FOLDER] [--write docs/third-party.md] [NAME...]

Each package comes from the package index as a source distribution, pinned by its hash, and is tested in a virtual
environment of its own into which this project is installed, as its users would have it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tools.sdist import (
    DOCUTILS,
    FALCON,
    PARAMIKO,
    PASTE,
    PYPARSING,
    SUPERVISOR,
    TINYDB,
    TORNADO,
    WERKZEUG,
    Sdist,
    Unavailable,
)

ROOT = Path(__file__).parents[1]
TURNS = 3
"""How often a suite is run at most: some tests depend on the time, and fail now and then on a busy machine."""
PYTEST = "pytest==9.0.2"


@dataclass(frozen=True)
class Suite:
    """A package with its tests, and the codemod that it is tried with. ``command`` is given the file for the results.

    ``unsafe``: nearly all of its broad handlers are bare, and only an unsafe rewrite touches those. ``path`` is the
    folder of the tree that the package is imported from, where that is not the tree itself. ``slow``: it is not part of
    our own suite.
    """

    sdist: Sdist
    needs: tuple[str, ...]
    command: Callable[[Path], list[str]]
    about: str
    unsafe: bool = False
    codemod: str = "safe_executor"
    path: str = ""
    slow: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """What the codemod is called with."""
        policy = ("--policy", "preserve") if self.codemod == "safe_executor" else ()
        return (*policy, *(("--unsafe",) if self.unsafe else ()))


def _pytest(*arguments: str) -> Callable[[Path], list[str]]:
    return lambda results: ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={results}", *arguments]


def _unittest(module: str) -> Callable[[Path], list[str]]:
    return lambda results: [str(ROOT / "tools" / "record_unittest.py"), str(results), module]


SUITES = (
    Suite(
        TORNADO,
        (),
        _unittest("tornado.test"),
        "a web server: coroutines, futures, streams",
    ),
    Suite(
        PASTE,
        (PYTEST, "setuptools==80.9.0"),
        _pytest("tests"),
        "WSGI middleware: error pages made from the exception at hand",
    ),
    Suite(
        DOCUTILS,
        (PYTEST, "Pygments==2.17.2"),
        _pytest("test"),
        "a text processor: parsers, writers, input and output",
    ),
    Suite(
        SUPERVISOR,
        (PYTEST, "setuptools==80.9.0"),
        _pytest("supervisor"),
        "a process manager: sockets, signals, child processes",
        unsafe=True,
    ),
    Suite(
        TINYDB,
        (PYTEST, "PyYAML==6.0.3"),
        _pytest("tests"),
        "a document database: a class and the package that hands it on",
        codemod="event_bus",
    ),
    Suite(
        PYPARSING,
        (PYTEST, "railroad-diagrams==3.0.1", "Jinja2==3.1.6"),
        _pytest("tests"),
        "a parser library: a package whose modules take names from its face",
        codemod="event_bus",
        slow=True,
    ),
    Suite(
        WERKZEUG,
        (
            PYTEST,
            "MarkupSafe==3.0.3",
            "cryptography==46.0.3",
            "ephemeral-port-reserve==1.1.4",
            "pytest-timeout==2.4.0",
            "watchdog==6.0.0",
        ),
        _pytest("tests"),
        "WSGI: requests, responses, a development server",
        codemod="event_bus",
        path="src",
        slow=True,
    ),
    Suite(
        PARAMIKO,
        (
            PYTEST,
            "bcrypt==5.0.0",
            "cryptography==46.0.3",
            "icecream==2.1.8",
            "invoke==2.2.1",
            "PyNaCl==1.6.1",
            "pytest-relaxed==2.0.2",
        ),
        _pytest("tests"),
        "SSH: transports, keys, SFTP between threads",
        codemod="event_bus",
        slow=True,
    ),
    Suite(
        FALCON,
        (
            PYTEST,
            "aiofiles==25.1.0",
            "cbor2==5.7.1",
            "httpx==0.28.1",
            "msgpack==1.1.2",
            "PyYAML==6.0.3",
            "requests==2.32.5",
        ),
        _pytest("tests"),
        "a web framework: WSGI and ASGI",
        codemod="event_bus",
        slow=True,
    ),
)


@dataclass
class Ran:
    """What came of one package: ``before`` and ``after`` are the outcomes by test, of as many runs as were made."""

    suite: Suite
    before: dict[str, set[str]]
    after: dict[str, set[str]]
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: tuple[float, float] | None = None

    @property
    def differing(self) -> list[str]:
        """Tests whose outcome was never the same on both sides, or that only one of them has."""
        names = sorted({*self.before, *self.after})
        return [name for name in names if self.before.get(name, set()).isdisjoint(self.after.get(name, set()))]

    @property
    def wavering(self) -> list[str]:
        """Tests that had more than one outcome on one side."""
        names = sorted({*self.before, *self.after})
        return [name for name in names if max(len(self.before.get(name, ())), len(self.after.get(name, ()))) > 1]


def run(suite: Suite, work: Path) -> Ran:
    """Download, test, rewrite and test again, in ``work``.

    Raises:
        Unavailable: the index does not give what is pinned.
    """
    archive = suite.sdist.fetch(work)
    python = environment(suite, work)
    trees = []
    for name in ("before", "after"):
        shutil.rmtree(work / name, ignore_errors=True)
        trees.append(suite.sdist.unpack(archive, work / name))
    report = rewrite(trees[1], suite.codemod, suite.options)
    ran = Ran(
        suite,
        {},
        {},
        Counter({verdict: len(report[verdict]) for verdict in ("rewritten", "narrowed", "declined")}),
        Counter(answer["reason"] for answer in report["declined"]),
    )
    for _ in range(TURNS):
        spent = []
        for tree, found in zip(trees, (ran.before, ran.after), strict=True):
            begun = time.perf_counter()
            for name, outcome in results(suite, python, tree, work / f"{tree.parent.name}.results").items():
                found.setdefault(name, set()).add(outcome)
            spent.append(time.perf_counter() - begun)
        ran.seconds = ran.seconds or (spent[0], spent[1])
        if not ran.differing:
            break
    return ran


def environment(suite: Suite, work: Path) -> Path:
    """The interpreter of a new environment that holds what the suite needs, and this project."""
    home = work / "venv"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wheels = [[*install, "--no-deps", str(ROOT)], *([[*install, *suite.needs]] if suite.needs else [])]
    for command in wheels:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise Unavailable(f"the environment for {suite.sdist.pin} cannot be made: {made.stderr.strip()[-300:]}")
    return python


def rewrite(tree: Path, codemod: str, options: Iterable[str] = ()) -> dict[str, list[dict[str, str]]]:
    """Run the command of ``codemod`` over ``tree``; returns its JSON report."""
    command = [sys.executable, "-m", f"codemods.{codemod}", *options, "--allow-dirty", "--no-cache"]
    made = subprocess.run(
        [*command, "--format", "json", str(tree)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    # 2, with a report, is the answer to files that do not parse: test material, mostly.
    if not made.stdout:
        raise SystemExit(f"the codemod failed on {tree}:\n{made.stderr}")
    report: dict[str, list[dict[str, str]]] = json.loads(made.stdout)
    return report


def results(suite: Suite, python: Path, tree: Path, file: Path) -> dict[str, str]:
    """Run the tests of ``tree``; the outcome of each by its name."""
    file.unlink(missing_ok=True)
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    made = subprocess.run(
        [str(python), *suite.command(file)],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=quiet | {"PYTHONHASHSEED": "0"} | ({"PYTHONPATH": str(tree / suite.path)} if suite.path else {}),
    )
    if not file.exists():
        raise SystemExit(f"the tests of {suite.sdist.pin} did not run:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
    if file.read_bytes().startswith(b"{"):
        found: dict[str, str] = json.loads(file.read_bytes())
        return found
    if made.returncode > 1:
        raise SystemExit(f"the tests of {suite.sdist.pin} were not all run:\n{made.stdout[-2000:]}")
    return dict(_junit(file))


def _junit(file: Path) -> Iterable[tuple[str, str]]:
    for case in ElementTree.parse(file).iter("testcase"):
        outcome = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed")
        yield f"{case.get('classname')}.{case.get('name')}", outcome


_CALLED = {
    "safe_executor": "handlers rewritten",
    "event_bus": "imports cut",
}
"""What each codemod rewrites, for the head of its table."""


def page(ran: Iterable[Ran], old: str = "") -> str:
    """The page of the documentation. Packages that were not run keep the lines that they have in ``old``."""
    lines = [
        "# Test suites of other packages",
        "",
        "Each suite was run as it came and again after the codemod had gone over the whole tree, tests and all. The",
        f"outcomes were compared test by test, on Python {platform.python_version()}.",
        "`python -m tools.thirdparty --write docs/third-party.md` writes this page.",
    ]
    by_suite = {one.suite: one for one in ran}
    for codemod, called in _CALLED.items():
        suites = [one for one in SUITES if one.codemod == codemod]
        options = "".join(f" {one}" for one in suites[0].options)
        lines += [
            "",
            f"## `python -m codemods.{codemod}{options}`",
            "",
            f"| package | what it is | tests | same result | {called} | declined | seconds before, after |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        rows: list[str] = []
        reasons: list[str] = []
        for suite in suites:
            if suite in by_suite:
                rows.append(_row(by_suite[suite]))
                reasons.append(_declined(by_suite[suite]))
            else:
                rows += _kept(old, f"| {suite.sdist.pin} ")
                reasons += _kept(old, f"- {suite.sdist.pin}:")
        lines += [*rows, "", "Declined, by reason:", "", *reasons]
    return "\n".join(lines) + "\n"


def _kept(old: str, start: str) -> list[str]:
    """The line of ``old`` with that start, if it has one."""
    return [line for line in old.splitlines() if line.startswith(start)][:1]


def _row(one: Ran) -> str:
    same = len(one.before) - len(one.differing)
    changed = one.counts["rewritten"] + one.counts["narrowed"]
    unsafe = " (`--unsafe`)" if one.suite.unsafe else ""
    return (
        f"| {one.suite.sdist.pin}{unsafe} | {one.suite.about} | {len(one.before)} | {same} | {changed} "
        f"| {one.counts['declined']} | {', '.join(f'{spent:.0f}' for spent in one.seconds or ())} |"
    )


def _declined(one: Ran) -> str:
    reasons = ", ".join(f"{reason} {number}" for reason, number in sorted(one.reasons.items()))
    return f"- {one.suite.sdist.pin}: {reasons or 'none'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="packages to run, all when none is named")
    parser.add_argument("--work", type=Path, help="folder to work in and to keep; a temporary one when not given")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="write the page of the documentation; packages that are not run keep their lines",
    )
    options = parser.parse_args()
    unknown = {name.lower() for name in options.names} - {suite.sdist.name.lower() for suite in SUITES}
    if unknown:
        parser.error(
            f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(one.sdist.name for one in SUITES)}"
        )
    chosen = [
        one for one in SUITES if not options.names or one.sdist.name.lower() in {name.lower() for name in options.names}
    ]
    ran = []
    with tempfile.TemporaryDirectory(prefix="unsnarl-suites-") as folder:
        for suite in chosen:
            print(f"{suite.sdist.pin}: running", file=sys.stderr)
            try:
                one = run(suite, (options.work or Path(folder)) / suite.sdist.name)
            except Unavailable as error:
                print(f"thirdparty: {error}", file=sys.stderr)
                return 2
            ran.append(one)
            print(f"{suite.sdist.pin}: {len(one.before)} tests, {len(one.differing)} differ, {dict(one.counts)}")
            for name in one.differing:
                print(f"  {name}: {one.before.get(name)} before, {one.after.get(name)} after")
            for name in one.wavering:
                print(f"  {name} has not the same outcome each time")
            if options.write:
                # At once: a run over all of them takes long.
                old = options.write.read_text() if options.write.exists() else ""
                options.write.write_text(page([one], old))
    return 1 if any(one.differing for one in ran) else 0


if __name__ == "__main__":
    raise SystemExit(main())
