"""The command line that all codemods share: ``python -m codemods.<name>`` and ``unsnarl fix``."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.facts import FileFacts
from analysis.words import plural
from codemods.codemod import Codemod, Impossible, TreeCodemod, TreeJob, load
from codemods.compose import apply
from codemods.edits import Reason
from codemods.engine import Engine, outcome_of
from codemods.journal import Journal, JournalError, Restored
from codemods.moved import moved, reader
from codemods.outcome import CHANGED, Answer, Outcome
from codemods.pool import Job, Setup, rewrite_all
from codemods.report import Report, as_json, as_text, difference, statistics, summary
from codemods.targets import Targets
from codemods.transaction import Replacement, Terminated, Transaction, recover
from unsnarl.door import enter
from unsnarl.files import refuse_source
from unsnarl.options import config_option, format_option, jobs_option, no_cache_option, paths_argument
from unsnarl.session import Session, say
from unsnarl.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.project import Project

_OWN = (
    paths_argument,
    click.option("--check", "dry", flag_value="check", help="Write nothing; exit with 1 if something would change."),
    click.option("--diff", "dry", flag_value="diff", help="Write nothing; print what would change as a difference."),
    click.option(
        "--unsafe",
        is_flag=True,
        help="Also make rewrites that may change what the program does, and name types that are only assumed.",
    ),
    format_option,
    click.option(
        "--statistics",
        is_flag=True,
        help="Report the number of findings per reason, not the findings; files are changed all the same.",
    ),
    click.option("--output-file", metavar="FILE", help="Write the report there, not to stdout."),
    click.option("--stdin-filename", metavar="PATH", help="Rewrite stdin, known by this name, to stdout."),
    click.option("--only-under", metavar="DIR", help="Look at all of PATHS, but rewrite only what is below DIR."),
    click.option("--max-files", type=click.IntRange(min=1), metavar="N", help="Rewrite N files at most."),
    click.option("--allow-dirty", is_flag=True, help="Write also where git could not show the changes by themselves."),
    click.option("--force-exclude", is_flag=True, help="Leave out what the settings exclude even when it is named."),
    click.option("--recover", is_flag=True, help="Put back what a run that was ended by force has changed."),
    click.option("-q", "--quiet", is_flag=True, help="No summary."),
    jobs_option,
    no_cache_option,
    config_option,
)
_SHARED = frozenset(
    (
        "dry",
        "unsafe",
        "style",
        "statistics",
        "output_file",
        "stdin_filename",
        "only_under",
        "max_files",
        "allow_dirty",
        "force_exclude",
        "recover",
        "quiet",
        "jobs",
        "no_cache",
        "config",
    )
)


def command(name: str) -> click.Command:
    """The command of the codemod ``name``, with the options that all share and its own."""
    codemod = load(name)

    def run(paths: tuple[str, ...], **options: Any) -> None:
        code = Run(codemod, paths, options).go()
        if code:
            sys.exit(code)

    run.__doc__ = (
        f"{codemod.summary}\n\nPATHS are files and folders, `-` for stdin, by default the current folder. Exits with 0 "
        "when nothing is left to do, 1 when findings remain or a dry run would change something, 2 when a file could "
        "not be dealt with or the job could not be done."
    )
    for decorate in reversed(_OWN):
        run = decorate(run)
    made = click.command(name.replace("_", "-"), context_settings={"help_option_names": ["-h", "--help"]})(run)
    made.params.extend(codemod.parameters())
    return made


def main(name: str) -> None:
    """Run ``python -m codemods.<name>``."""
    enter(command(name), f"python -m codemods.{name}")


class Run:
    """One call of the command line."""

    def __init__(self, codemod: Codemod, paths: tuple[str, ...], options: dict[str, Any]) -> None:
        self.codemod = codemod
        self.paths = paths
        self.given = options
        self.own = {name: value for name, value in options.items() if name not in _SHARED}
        self.own["unsafe"] = options["unsafe"]
        self.begun = time.perf_counter()
        self.transaction: Transaction | None = None

    def go(self) -> int:
        """Do what was asked; returns the exit code. Raises Trouble."""
        try:
            if self.given["recover"] and self.given["dry"] is not None:
                raise Trouble(f"--recover writes, and --{self.given['dry']} says not to: leave one of them out")
            refuse_source(self.given["output_file"], self.paths)
            if self.given["stdin_filename"] is not None or "-" in self.paths:
                return self._stdin()
            session = Session(self.paths, self.given["config"])
            return self._recover(session) if self.given["recover"] else self._tree(session)
        except (JournalError, Impossible) as error:
            raise Trouble(str(error)) from None
        except (KeyboardInterrupt, Terminated) as error:
            written = self.transaction is not None and self.transaction.written
            left = "everything was written" if written else "the tree is as it was"
            if isinstance(error, Terminated):
                say(f"Error: asked to end; {left}")
                raise
            raise Trouble(f"interrupted; {left}") from None

    def _recover(self, session: Session) -> int:
        done = recover(session.root)
        if done is None:
            say(f"{session.root}: no run has been interrupted here; there is nothing to put back.")
            return 0
        say(_told(session.root, done))
        return 2 if done.changed else 0

    def _tree(self, session: Session) -> int:
        dry = self.given["dry"] is not None
        with ExitStack() as stack:
            if dry:
                Journal(session.root).look()
            else:
                self.transaction = stack.enter_context(Transaction(session.root))
            report = self._rewrite(session)
            if report.changed and self.transaction is not None:
                report = self._write(session, report, self.transaction)
        self._deliver(report)
        return report.exit_code

    def _rewrite(self, session: Session) -> Report:
        """Work out what to change; nothing is written."""
        from unsnarl.progress import Progress

        engine = Engine(self.codemod, session.settings, self.own)
        project = session.project(
            engine.collectors,
            jobs=self.given["jobs"],
            cache=not self.given["no_cache"],
            force_exclude=self.given["force_exclude"],
        )
        under = self._under(session.root)
        if under and project.files and not any(path.startswith(under) for path in project.files):
            raise Trouble(f"--only-under: none of the files that were asked for is below {self.given['only_under']}")
        targets = self._targets(project, session)
        if isinstance(self.codemod, TreeCodemod):
            return self._report(session, project, self._transformed(self.codemod, project, session, targets, under))
        prepared = self.codemod.prepare(project, session.settings, self.own)
        topics = [one.topic for one in engine.local]
        jobs = [
            Job(
                str(project.path(path)),
                FileFacts(path, facts.digest, None, {topic: facts.blobs[topic] for topic in topics}),
                prepared.get(path),
                targets.refusal(path) if targets is not None else None,
            )
            for path, facts in project.files.items()
            if path.startswith(under) and engine.concerns(facts)
        ]
        setup = Setup(self.codemod.name, session.settings, self.own)
        outcomes: list[Outcome] = []
        rewriting = rewrite_all(setup, jobs, self.given["jobs"] or project.jobs)
        with Progress("rewriting") as progress:
            for outcome in rewriting:
                outcomes.append(outcome)
                progress(len(outcomes), len(jobs))
        limited = self._limited(sorted(outcomes, key=lambda one: one.path))
        more = self.codemod.complete(project, session.settings, self.own, prepared, limited)
        return self._report(session, project, [*limited, *more])

    def _transformed(
        self, codemod: TreeCodemod, project: Project, session: Session, targets: Targets | None, under: str
    ) -> Sequence[Outcome]:
        from unsnarl.progress import Progress

        with Progress("rewriting") as progress:
            return codemod.transform(
                TreeJob(
                    project,
                    session.settings,
                    self.own,
                    targets.refusal if targets is not None else lambda _: None,
                    lambda path: path.startswith(under),
                    self.given["max_files"],
                    progress,
                    say,
                    lambda paths: self._ready(session, paths),
                )
            )

    def _report(self, session: Session, project: Project, outcomes: Sequence[Outcome]) -> Report:
        ledger = project.ledger
        return Report(
            codemod=self.codemod.name,
            root=session.root,
            outcomes=sorted(outcomes, key=lambda one: one.path),
            faults=ledger.faults,
            analysed=len(ledger.analysed),
            excluded=len(ledger.excluded),
            written=False,
            seconds=time.perf_counter() - self.begun,
            note=session.nothing(project, force_exclude=self.given["force_exclude"]),
        )

    def _targets(self, project: Project, session: Session) -> Targets | None:
        """Where rewritten files find what they import; says so when it is nowhere."""
        target = self.codemod.target_of(self.own)
        if target is None:
            return None
        targets = Targets(project, session.settings, target)
        lacking = targets.lacking()
        if lacking:
            raise Trouble(lacking)
        missing = targets.missing()
        if missing:
            say(f"Warning: {missing}.")
        return targets

    def _under(self, root: Path) -> str:
        """The beginning of the names of the files that may be rewritten."""
        given = self.given["only_under"]
        if given is None:
            return ""
        folder = Path(os.path.abspath(given))  # noqa: PTH100 links are not followed
        if folder.is_file():
            raise Trouble(f"--only-under takes a folder, and {given} is a file: name the folder that it is in")
        if not folder.is_dir():
            raise Trouble(f"--only-under: no such folder: {given}")
        if not folder.is_relative_to(root):
            raise Trouble(f"--only-under: {given} is not below {root}")
        inside = folder.relative_to(root).as_posix()
        return "" if inside == "." else f"{inside}/"

    def _limited(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Keep to ``--max-files``: the first files, by name, are changed, and the others say why they are not."""
        limit = self.given["max_files"]
        found: list[Outcome] = []
        changed = 0
        for one in outcomes:
            if one.edits:
                changed += 1
                if limit is not None and changed > limit:
                    answers = tuple(map(_put_off, one.answers))
                    found.append(Outcome(one.path, answers, (), one.old, one.old))
                    continue
            found.append(one)
        return found

    def _write(self, session: Session, report: Report, transaction: Transaction) -> Report:
        import msgspec

        moving = [one.path for one in report.outcomes if one.fault == CHANGED]
        if moving:
            raise Trouble(f"{moving[0]}: {CHANGED}; nothing was written. Run again when the tree is at rest")
        paths = {one.path: str(session.root / one.path) for one in report.changed}
        self._ready(session, [one.path for one in report.changed if one.old])
        # Before anything is written: the old text tells where everything goes.
        outcomes = moved(report.outcomes, reader(session.root))
        transaction.write([Replacement(paths[one.path], one.old, one.new, one.edits) for one in report.changed])
        return msgspec.structs.replace(report, outcomes=outcomes, written=True, links=tuple(transaction.links))

    def _ready(self, session: Session, paths: Sequence[str]) -> None:
        """Raises Trouble where git could not show what is written to ``paths``, which are there, by itself."""
        from codemods.vcs import objection

        if self.given["dry"] is not None or self.given["allow_dirty"]:
            return
        problem = objection(session.root, [str(session.root / one) for one in paths])
        if problem is not None:
            raise Trouble(f"{problem}; nothing was written. Commit first, or say --allow-dirty")

    def _deliver(self, report: Report) -> None:
        from unsnarl.files import deliver

        if self.given["dry"] == "diff" and self.given["style"] == "text":
            sys.stdout.flush()
            for one in report.changed:
                sys.stdout.buffer.write(difference(report, one))
            sys.stdout.buffer.flush()
            if self.given["output_file"] is not None:
                deliver(self._rendered(report), self.given["output_file"])
        else:
            deliver(self._rendered(report), self.given["output_file"])
        if not self.given["quiet"]:
            say(summary(report))

    def _rendered(self, report: Report) -> str:
        if self.given["style"] == "json":
            return as_json(report, differences=self.given["dry"] == "diff")
        return statistics(report) if self.given["statistics"] else as_text(report)

    # A stream

    def _stdin(self) -> int:
        """Rewrite stdin to stdout. What cannot be dealt with is not printed: no editor takes it for a result."""
        from analysis.discovery import Discovery
        from analysis.project import Project
        from analysis.reading import analyse
        from analysis.source import Source

        if self.paths not in ((), ("-",)):
            raise Trouble("`-` (stdin) goes with no other path")
        if isinstance(self.codemod, TreeCodemod):
            raise Trouble(f"{self.codemod.name} looks at many files at once: name a folder, not stdin")
        if self.given["style"] == "json" and self.given["dry"] is None:
            raise Trouble("with --format json the report takes the place of the new text: add --check or --diff")
        name = self.given["stdin_filename"] or "stdin"
        session = Session((name,), self.given["config"])
        whole = Path(os.path.abspath(name))  # noqa: PTH100 links are not followed
        path = whole.relative_to(session.root).as_posix() if whole.is_relative_to(session.root) else str(whole)
        data = sys.stdin.buffer.read()
        if self.given["force_exclude"] and session.excludes(name):
            left_out = Outcome(path)
            report = Report(
                codemod=self.codemod.name,
                root=session.root,
                outcomes=[left_out],
                stream=data,
                faults={},
                analysed=0,
                excluded=1,
                written=self.given["dry"] is None,
            )
            self._deliver_stream(report, data, left_out)
            return report.exit_code
        engine = Engine(self.codemod, session.settings, self.own)
        source = Source.from_bytes(data, name)
        facts = analyse(source, engine.collectors, path)
        project = Project(session.root, Discovery(session.root), 1, False)
        project.files = {path: facts}
        prepared = self.codemod.prepare(project, session.settings, {**self.own, "stream": True})
        targets = self._targets(project, session)
        refusal = targets.refusal(path) if targets is not None else None
        outcome = Outcome(path)
        if facts.fault is None:
            outcome = outcome_of(engine, Source.from_bytes(data, name), facts, prepared.get(path), refusal)
        report = Report(
            codemod=self.codemod.name,
            root=session.root,
            outcomes=[outcome],
            stream=data,
            faults=project.ledger.faults,
            analysed=1 if facts.fault is None else 0,
            excluded=0,
            written=self.given["dry"] is None,
        )
        self._deliver_stream(report, data, outcome)
        return report.exit_code

    def _deliver_stream(self, report: Report, data: bytes, outcome: Outcome) -> None:
        from unsnarl.files import deliver

        failed = report.failed
        for _, message, line in failed:
            say(f"{self.given['stdin_filename'] or 'stdin'}{f':{line}' if line else ''}: failed, {message}")
        if self.given["style"] == "json" or self.given["dry"] == "check":
            deliver(self._rendered(report), self.given["output_file"])
        elif self.given["dry"] == "diff":
            sys.stdout.buffer.write(difference(report, outcome))
        elif not failed:
            sys.stdout.buffer.write(apply(data, outcome.edits))
        sys.stdout.buffer.flush()
        if not self.given["quiet"]:
            say(summary(report))


def _put_off(answer: Answer) -> Answer:
    import msgspec

    if answer.verdict not in ("rewritten", "narrowed"):
        return answer
    return msgspec.structs.replace(answer, verdict="declined", reason=Reason.LIMIT.value, detail="", safety="safe")


def _told(root: Path, done: Restored) -> str:
    restored = plural(len(done.files), "file was put back as it was", "files were put back as they were")
    lines = [f"{root}: {restored}."]
    lines += [
        f"{path}: changed by someone else since then, so left alone; "
        + (f"its text from before that run is in {place}" if place else "that run made it")
        for path, place in done.changed
    ]
    return "\n".join(lines)
