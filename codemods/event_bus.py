"""Answers E920: cuts the imports that make files import each other in a circle, and shows that no circle is left.

Of the ways to cut an import the cheapest is taken that can be proven (`unsnarl cycles` tells why): it moves to where
its names are used, it is taken from the module that defines them, or what two modules share moves into a module of its
own, and stays importable from where it was. Where one cannot be cut, another way through the circle is looked for. The
whole is one transaction; before it is written the graph of imports is made anew, and must have no circle that was not
there.

With ``--events`` services that import each other, be it in functions only, ask each other over the bus instead, where
all that crosses is calls that a message can carry; docs/talking.md has what that changes.

What differs afterwards:

- A module does not have the names that it imports later as its own (``app.memory.Session``). Files of the tree that
  take them from there, and texts that name them (``mock.patch``), are found, and the import stays; other trees are not.
- A module that was imported while the program started is loaded when a function asks for it. Where loading it does
  more than to define things (a call, a decorator of the tree, a class that its base notes down), or where a file takes
  it from its package without importing it, the import stays unless `--unsafe` says that this does not matter.
- An import in a function is looked up whenever that runs, which costs about as much as a call or two.
- An annotation may become a text, and a name in it be there for type checkers only. Decorators and bases that may read
  it are looked at, and a tree that reads annotations while it runs (`get_type_hints`, a container that injects by type)
  keeps such imports unless `--unsafe` says that it is not these which are read.
- A class that was moved says another module of itself (``__module__``), in ``repr`` and in what is pickled from then
  on. What was pickled before can be read.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from analysis.index import digest_of
from analysis.words import plural
from codemods.codemod import Impossible, TreeCodemod, TreeJob
from codemods.cutting import split_examples
from codemods.cutting.cold import cold
from codemods.cutting.examples import EXAMPLES
from codemods.cutting.plan import read, written
from codemods.cutting.run import Run
from codemods.cutting.split import TIMEOUT
from codemods.cutting.workspace import Workspace
from codemods.outcome import Outcome
from codemods.whole import whole
from linters.rule import kinds

if TYPE_CHECKING:
    from codemods.edits import TreeExample


class EventBusCodemod(TreeCodemod):
    """Rewrites what E920 reports."""

    name: ClassVar[str] = "event_bus"
    summary: ClassVar[str] = "Cut the imports that make files import each other in a circle."
    answers: ClassVar[tuple[str, ...]] = ("E920",)
    trees: ClassVar[tuple[TreeExample, ...]] = (*EXAMPLES, *split_examples.EXAMPLES)

    def parameters(self) -> Sequence[click.Parameter]:
        """``--plan``, ``--write-plan`` and ``--import-check``."""
        return (
            click.Option(["--write-plan"], metavar="FILE", help="Write what would be done to FILE, and nothing else."),
            click.Option(["--plan"], metavar="FILE", help="Do what FILE says, which --write-plan has made."),
            click.Option(
                ["--import-check"],
                is_flag=True,
                help="Before anything is written, import each module that is changed, or was part of a circle with "
                "one, in a process of its own. Runs code of the tree.",
            ),
            click.Option(
                ["--events"],
                is_flag=True,
                help="Have services that import each other ask each other over the bus, where that can be done. "
                "Changes which process runs what.",
            ),
            click.Option(
                ["--request-timeout"],
                type=click.FloatRange(min=0, min_open=True),
                default=TIMEOUT,
                show_default=True,
                metavar="SECONDS",
                help="How long a request waits for its answer.",
            ),
            click.Option(
                ["--no-publish"],
                is_flag=True,
                help="Ask and wait also where the result of a call is dropped: everything is done in the order that it "
                "was.",
            ),
        )

    def target_of(self, options: Mapping[str, Any]) -> str | None:
        """The bus, where files may come to ask over it."""
        return "get_bus" if options.get("events") or options.get("plan") is not None else None

    def transform(self, job: TreeJob) -> Sequence[Outcome]:
        """Cut what is cheapest to cut until no circle is left, or none that can be cut; or what the plan says."""
        collecting = gc.isenabled()
        # Trees hold no cycles, and looking for them takes a third of the time.
        gc.disable()
        try:
            return self._transformed(job)
        finally:
            if collecting:
                gc.enable()

    def _transformed(self, job: TreeJob) -> Sequence[Outcome]:
        given, wanted = job.options.get("plan"), job.options.get("write_plan")
        if given is not None and wanted is not None:
            raise Impossible("--plan carries out a plan and --write-plan makes one: leave one of them out")
        rule = kinds()["E920"](job.settings)
        tree = whole(job.project, job.settings, rule.collectors())
        items = read(Path(given)) if given is not None else None
        spared: set[frozenset[str]] = set()
        workspace = Workspace(tree, job.settings, unsafe=bool(job.options.get("unsafe")))
        while True:
            run = Run(job, workspace.anew(), rule, spared)
            if items is not None:
                run.follow(Path(given or ""), items)
                break
            run.go()
            in_vain = run.in_vain()
            if not in_vain:
                break
            # Making modules is too much for a circle that is there all the same.
            spared |= in_vain
        if job.options.get("import_check"):
            if wanted is None:
                job.ready([path for path in run.workspace.changed if not run.workspace.made(path)])
            _check(run, job)
        left = run.left()
        if left:
            files = sum(len(one.files) for one in left)
            job.say(
                f"{plural(len(left), 'circle')} of {plural(files, 'file')} would be left; "
                "the report without --diff names each import and the reason."
            )
        return _planned(run, job, Path(wanted)) if wanted is not None else run.outcomes()


def _check(run: Run, job: TreeJob) -> None:
    found = cold(run.workspace, run.touched(), job.project.jobs, job.progress)
    if found.broken:
        told = "".join(f"\n  {path}: {error}" for path, error in found.broken.items())
        modules = plural(len(found.broken), "module")
        raise Impossible(
            f"--import-check: {modules} could be imported before and could not be now:{told}\nNothing was written"
        )
    if not found.worked:
        job.say("Warning: nothing was checked: none of the modules can be imported, as they are or as they would be.")
    without = f"; {len(found.neither)} could not be imported before either" if found.neither else ""
    job.say(f"{plural(len(found.worked), 'module')} imported cold{without}.")
    for path, error in found.neither.items():
        job.say(f"  {path}: {error}")


def _planned(run: Run, job: TreeJob, file: Path) -> list[Outcome]:
    """The plan as a file to be made; what is in it is not to be done now."""
    root = job.project.root
    file = Path.cwd() / file
    if file.exists():
        raise Impossible(f"--write-plan: {file} is there already, and may have been changed by hand: remove it first")
    text = written(run.items())
    path = file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
    made = Outcome(path, (), ((0, 0, text),), b"", digest_of(text), note=plural(len(run.items()), "import"))
    return [made, *run.outcomes(planned=True)]


if __name__ == "__main__":
    from codemods.cli import main

    main("event_bus")
