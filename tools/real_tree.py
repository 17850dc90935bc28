"""Run the broad-except pair over a copy of a real tree and hold the result to what is promised, each promise by itself.

Usage: python -m tools.real_tree TREE [--name NAME] [--commit COMMIT] [--jobs N] [--write docs/real-tree.md]

TREE is only read. Nothing here is taken from our own report without being looked at from outside: the ledger is held
against ``compile()``, the report against flake8, the comments against ``tokenize``. Exits with 1 when a promise is
broken.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.text import table

SKIPPED = shutil.ignore_patterns(".git", "__pycache__", ".unsnarl_cache")


def python_files(tree: Path) -> list[str]:
    """Every Python file of ``tree``, relative to it, sorted."""
    return sorted(str(one.relative_to(tree)) for one in tree.rglob("*.py") if one.is_file() and not one.is_symlink())


def refusal(data: bytes, name: str) -> str | None:
    """``syntax`` for what the parser refuses, ``compile`` for what only the compiler does, None for neither."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(data, name, "exec", dont_inherit=True, flags=0x400)  # ast.PyCF_ONLY_AST
        except (SyntaxError, ValueError):
            return "syntax"
        try:
            compile(data, name, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return "compile"
    return None


def comments(data: bytes) -> Counter[str]:
    """The comments of a file that parses, each without what follows its last word."""
    tokens = tokenize.tokenize(io.BytesIO(data).readline)
    return Counter(one.string.rstrip() for one in tokens if one.type == tokenize.COMMENT)


EVERYTHING = b"recoverable=(Exception,)"


class Trial:
    """One run over a copy of a tree, with one set of options."""

    def __init__(self, tree: Path, options: tuple[str, ...], jobs: int) -> None:
        self.tree = tree
        self.options = options
        self.jobs = jobs
        self.broken: list[str] = []
        self.report: dict[str, Any] = {}
        self.named = 0

    def run(self, original: dict[str, bytes]) -> None:
        """Rewrite the copy, look at it, rewrite it again."""
        self.report = self._codemod()
        for verdict in ("rewritten", "narrowed", "declined", "skipped"):
            self.report.setdefault(verdict, [])
        now = {name: (self.tree / name).read_bytes() for name in original}
        changed = [name for name in original if now[name] != original[name]]
        self.named = sum(now[name].count(b"recoverable=(") - now[name].count(EVERYTHING) for name in changed)
        for name in changed:
            if refusal(original[name], name) is None and refusal(now[name], name) is not None:
                self.broken.append(f"{name} compiled before and does not now")
            if refusal(now[name], name) is None and (lost := comments(original[name]) - comments(now[name])):
                self.broken.append(f"{name} lost the comment {next(iter(lost))}")
        if changed != self.report["changed"]:
            self.broken.append("the report does not name the files that were changed")
        declined = sorted((one["path"], one["scope"]) for one in self.report["declined"])
        flagged = sorted(self._flagged())
        if [path for path, _ in declined] != [path for path, _, _ in flagged]:
            self.broken.append(f"flake8 reports {len(flagged)} handlers, {len(declined)} were declined")
        again = self._codemod()
        if again["changed"]:
            self.broken.append(f"a second run changed {len(again['changed'])} files")

    def _codemod(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "codemods.safe_executor", ".", "--allow-dirty", "--format", "json"]
        command += [f"-j{self.jobs}", *self.options]
        done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True, check=False)
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def _flagged(self) -> Iterator[tuple[str, int, int]]:
        command = [sys.executable, "-m", "flake8", "--isolated", "--select=E900", f"-j{self.jobs}"]
        command += ["--format=%(path)s\t%(row)d\t%(col)d", "--exclude=.git", "."]
        done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            path, row, column = line.split("\t")
            yield path.removeprefix("./"), int(row), int(column)


def ledger(tree: Path, original: dict[str, bytes]) -> tuple[Counter[str], list[str]]:
    """What the ledger calls unparseable, held against ``compile()``: counts by cause, and what differs."""
    command = [sys.executable, "-m", "unsnarl", "ledger", ".", "--format", "json", "--no-cache"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    rows = json.loads(done.stdout)["files"]
    said = {row["path"]: row["kind"] for row in rows if row["kind"] in ("syntax", "compile", "null-byte", "encoding")}
    truth = {name: kind for name, data in original.items() if (kind := refusal(data, name)) is not None}
    wrong = [f"the ledger is silent about {name}" for name in sorted(truth.keys() - said.keys())]
    wrong += [f"the ledger names {name}, which compiles" for name in sorted(said.keys() - truth.keys())]
    return Counter(truth.values()), wrong


def page(name: str, commit: str, original: dict[str, bytes], faults: Counter[str], trials: dict[str, Trial]) -> str:
    """The page for the documentation."""
    about = (
        f"`{name}`, commit `{commit}`: {len(original):,} Python files, {sum(map(len, original.values())):,} bytes; "
        f"Python {sys.version.split()[0]}. Long-running agents on two machines, partly broken by earlier rewrites."
    )
    faulty = (
        f"The ledger names every file that `compile()` refuses and no other: {faults['syntax']} do not parse, "
        f"{faults['compile']} parse and do not compile."
    )
    checked = (
        "Each column is a run over a fresh copy, looked at from outside: every changed file that compiled before "
        "compiles; no comment is lost; `flake8 --select=E900` afterwards reports the declined handlers, file by file, "
        "and no others; a second run changes nothing."
    )
    lines = ["<!-- Written by tools/real_tree.py. -->", "", "# The broad-except pair on a real tree"]
    for text in (about, faulty, checked):
        lines += ["", *textwrap.wrap(text, 120)]
    lines.append("")
    reports = [one.report for one in trials.values()]
    totals = [sum(len(report[verdict]) for verdict in ("rewritten", "narrowed", "declined")) for report in reports]
    rows = [("broad handlers in files that parse", *(f"{one:,}" for one in totals))]
    rows += [
        (verdict, *(f"{len(report[verdict]):,}" for report in reports))
        for verdict in ("rewritten", "narrowed", "declined")
    ]
    rows.append(("declined, share", *(f"{len(r['declined']) / t:.1%}" for r, t in zip(reports, totals, strict=True))))
    rows.append(("files changed", *(f"{len(report['changed']):,}" for report in reports)))
    rows.insert(2, ("of these, types named", *(f"{one.named:,}" for one in trials.values())))
    reasons = [Counter(one["reason"] for one in report["declined"]) for report in reports]
    known = sorted({one for counts in reasons for one in counts}, key=lambda one: -max(c[one] for c in reasons))
    rows += [(f"declined: {reason}", *(f"{counts[reason]:,}" for counts in reasons)) for reason in known]
    rows.append(("promises broken", *(f"{len(one.broken)}" for one in trials.values())))
    lines += table(("", *(f"`{options}`" for options in trials)), rows)
    return "\n".join(lines) + "\n"


def arguments(document: str) -> argparse.Namespace:
    """The command line of a tool that tries a codemod on a real tree; ``document`` is the tool's own docstring."""
    parser = argparse.ArgumentParser(description=document.splitlines()[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--name", default="")
    parser.add_argument("--commit", default="?")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    options.name = options.name or options.tree.name
    return options


@contextmanager
def copied(tree: Path) -> Iterator[Path]:
    """A copy of ``tree`` that may be written to."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "tree")
        shutil.copytree(tree, copy, symlinks=True, ignore=SKIPPED)
        yield copy


def conclude(text: str, write: Path | None, broken: Sequence[str]) -> int:
    """Print the page, write it where that is asked for, and name the broken promises; the exit code."""
    if write:
        write.write_text(text, "utf-8")
    print(text)
    for one in broken:
        print(f"broken: {one}", file=sys.stderr)
    return 1 if broken else 0


def main() -> int:
    """Run the command line."""
    options = arguments(__doc__ or "")
    original = {name: (options.tree / name).read_bytes() for name in python_files(options.tree)}
    plans = {
        "--policy preserve": ("--policy", "preserve"),
        "--policy infer": ("--policy", "infer"),
        "--policy infer --unsafe": ("--policy", "infer", "--unsafe"),
    }
    trials: dict[str, Trial] = {}
    with copied(options.tree) as copy:
        faults, broken = ledger(copy, original)
    for title, given in plans.items():
        with copied(options.tree) as copy:
            trials[title] = Trial(copy, given, options.jobs)
            trials[title].run(original)
        broken += [f"{title}: {one}" for one in trials[title].broken]
    return conclude(page(options.name, options.commit, original, faults, trials), options.write, broken)


if __name__ == "__main__":
    raise SystemExit(main())
