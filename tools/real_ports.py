"""Run the port codemod over a copy of a real tree and hold the result to what is promised, each promise by itself.

Usage: python -m tools.real_ports TREE [--name NAME] [--commit COMMIT] [--jobs N] [--write docs/real-ports.md]

TREE is only read. Each changed file is read again with every look-up replaced by what the registry says: what is left
must be the program that was there. Exits with 1 when a promise is broken.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import textwrap
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from analysis import ports
from analysis.collectors.ports import PortCollector
from analysis.project import load as load_project
from config.registry import Registry, load
from tools.real_tree import arguments, comments, conclude, copied, python_files, refusal
from tools.text import table


class _Resolved(ast.NodeTransformer):
    """Puts the numbers of a registry in the place of look-ups; f-strings that hold text alone become text."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.made: set[int] = set()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        return None if node.module == "runtime.ports" else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="get_port" | "_get_port"), args=[ast.Constant(value=str(name))]):
                return self._constant(self.registry.entries(name)[0].port)
            case ast.Call(func=ast.Name(id="str"), args=[ast.Constant(value=int(number)) as port]):
                return self._constant(str(number)) if id(port) in self.made else node
        return node

    def _constant(self, value: int | str) -> ast.Constant:
        made = ast.Constant(value)
        self.made.add(id(made))
        return made

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        self.generic_visit(node)
        parts: list[ast.expr] = []
        for one in node.values:
            text: object = None
            if isinstance(one, ast.Constant):
                text = one.value
            elif isinstance(one, ast.FormattedValue) and isinstance(one.value, ast.Constant):
                text = one.value.value if id(one.value) in self.made else None
            last = parts[-1] if parts else None
            if text is not None and isinstance(last, ast.Constant):
                parts[-1] = ast.Constant(str(last.value) + str(text))
            else:
                parts.append(one if text is None else ast.Constant(str(text)))
        if len(parts) == 1 and isinstance(parts[0], ast.Constant):
            return parts[0]
        return ast.JoinedStr(parts)


def meant(data: bytes, registry: Registry) -> str:
    """The program in ``data`` with every look-up done."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(data)
    return ast.dump(_Resolved(registry).visit(tree))


class Trial:
    """One run over a copy of a tree, with one set of options."""

    def __init__(self, tree: Path, options: tuple[str, ...], jobs: int) -> None:
        self.tree = tree
        self.options = options
        self.jobs = jobs
        self.broken: list[str] = []
        self.report: dict[str, Any] = {}
        self.names = self.again = 0
        self.moved: list[str] = []

    def run(self, original: dict[str, bytes]) -> None:
        """Rewrite the copy, look at it, rewrite it again."""
        self.report = self._codemod()
        now = {name: (self.tree / name).read_bytes() for name in original}
        changed = [name for name in original if now[name] != original[name]]
        registry = load(self.tree / "config" / "ports.yaml")
        self.names = len(registry.ports)
        for name in changed:
            if refusal(now[name], name) != refusal(original[name], name):
                self.broken.append(f"{name} compiled before and does not now")
            elif refusal(now[name], name) != "syntax":
                if lost := comments(original[name]) - comments(now[name]):
                    self.broken.append(f"{name} lost the comment {next(iter(lost))}")
                if not self.options and meant(now[name], registry) != meant(original[name], registry):
                    self.broken.append(f"{name} is another program")
        if changed != [one for one in self.report["changed"] if one.endswith(".py")]:
            self.broken.append("the report does not name the files that were changed")
        declined = sorted(one["path"] for one in self.report["declined"])
        flagged = sorted(self._flagged())
        if declined != flagged:
            self.broken.append(f"flake8 reports {len(flagged)} ports, {len(declined)} were declined")
        self.moved = self.report["moved"]
        again = self._codemod()
        self.again = len(again["rewritten"])
        if self.again and not self.options:
            self.broken.append(f"a second run rewrote {self.again} more")
        if again["moved"]:
            self.broken.append(f"a second run moved {again['moved'][0]}")

    def _codemod(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "codemods.get_port", ".", "--allow-dirty", "--format", "json"]
        command += [f"-j{self.jobs}", *self.options]
        done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True, check=False)
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def _flagged(self) -> list[str]:
        command = [sys.executable, "-m", "flake8", "--isolated", "--select=E910", f"-j{self.jobs}"]
        command += ["--format=%(path)s", "--exclude=.git", "."]
        done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True, check=False)
        return [line.removeprefix("./") for line in done.stdout.splitlines()]


Shared = dict[tuple[str, int], set[str]]
"""The owners of each port of a machine that has several."""


def conflicts(tree: Path) -> Shared:
    """What the table of ports says of a tree."""
    project = load_project([tree], root=tree, collectors=(PortCollector,), cache=False)
    found: Shared = {}
    for one in ports.conflicts(ports.table(project)):
        found.setdefault((one.machine, one.port), set()).update(owner for owner, _ in one.owners)
    return found


def new_owners(before: Shared, after: Shared) -> list[str]:
    """Who has a port beside another and had not before."""
    return [f"{at[1]}: {owner}" for at, owners in after.items() for owner in sorted(owners - before.get(at, set()))]


def page(name: str, commit: str, files: int, trials: dict[str, Trial], left: dict[str, Shared]) -> str:
    """The page for the documentation."""
    about = f"`{name}`, commit `{commit}`: {files:,} Python files; Python {sys.version.split()[0]}."
    checked = (
        "Each column is a run over a fresh copy, looked at from outside: every changed file that compiled before "
        "compiles; no comment is lost; `flake8 --select=E910` afterwards reports the declined ports, file by file, and "
        "no others. Without `--renumber` every changed file, with each look-up replaced by the number that the "
        "registry has, is the program that was there, node by node. No port has an owner beside another afterwards "
        "that it had not before, and a second run moves nobody."
    )
    lines = ["<!-- Written by tools/real_ports.py. -->", "", "# The port pair on a real tree"]
    for text in (about, checked):
        lines += ["", *textwrap.wrap(text, 120)]
    reports = [one.report for one in trials.values()]
    rows = [
        ("literal ports (E910)", *(f"{len(one['rewritten']) + len(one['declined']):,}" for one in reports)),
        ("rewritten", *(f"{len(one['rewritten']):,}" for one in reports)),
        ("declined", *(f"{len(one['declined']):,}" for one in reports)),
    ]
    for verdict in ("declined", "skipped"):
        counts = [Counter(one["reason"] for one in report[verdict]) for report in reports]
        known = sorted({one for each in counts for one in each}, key=lambda one: (-max(c[one] for c in counts), one))
        rows += [(f"{verdict}: {reason}", *(f"{each[reason]:,}" for each in counts)) for reason in known]
    rows.append(("files changed", *(f"{len(one['changed']):,}" for one in reports)))
    rows.append(("names in the registry", *(f"{one.names:,}" for one in trials.values())))
    rows.append(("rewritten by a second run", *(f"{one.again:,}" for one in trials.values())))
    rows.append(("owners moved", *(f"{len(one.moved):,}" for one in trials.values())))
    rows.append(("conflicts before", *(f"{len(left['']):,}" for _ in trials)))
    rows.append(("conflicts afterwards", *(f"{len(left[title]):,}" for title in trials)))
    rows.append(("owners in new conflicts", *(f"{len(new_owners(left[''], left[title])):,}" for title in trials)))
    rows.append(("promises broken", *(f"{len(one.broken)}" for one in trials.values())))
    lines += ["", *table(("", *(f"`{title}`" for title in trials)), rows)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the command line."""
    options = arguments(__doc__ or "")
    original = {name: (options.tree / name).read_bytes() for name in python_files(options.tree)}
    trials: dict[str, Trial] = {}
    broken: list[str] = []
    with copied(options.tree) as copy:
        left = {"": conflicts(copy)}
    for title, given in {"get_port": (), "get_port --renumber": ("--renumber",)}.items():
        with copied(options.tree) as copy:
            trials[title] = Trial(copy, given, options.jobs)
            trials[title].run(original)
            left[title] = conflicts(copy)
        trials[title].broken += [f"new conflict on {one}" for one in new_owners(left[""], left[title])]
        broken += [f"{title}: {one}" for one in trials[title].broken]
    return conclude(page(options.name, options.commit, len(original), trials, left), options.write, broken)


if __name__ == "__main__":
    raise SystemExit(main())
