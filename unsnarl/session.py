"""What every command that looks at a tree begins with: settings, root, rules, facts, baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from analysis.words import plural
from config.settings import Settings, SettingsError
from config.settings import load as load_settings
from linters import baseline, runner
from linters.rule import Finding, Rule, Selection, TreeRule, check_codes, kinds, rules
from linters.suppress import Outcome
from unsnarl.files import whole
from unsnarl.report import Broken, Report
from unsnarl.trouble import Trouble

if TYPE_CHECKING:
    from analysis.facts import Fault, FileFacts
    from analysis.project import Project
    from analysis.walk import Collector

BASELINE = ".unsnarl-baseline.jsonl"
_NO_CODE = ("version control", "a cache")
"""What holds no files that anybody could miss."""
_SHOWN = 3


class Session:
    """A tree with its settings. ``root`` is the folder that names of files are relative to.

    Raises Trouble when a path does not exist or the settings cannot be used.
    """

    def __init__(self, paths: Sequence[str], config: str | None = None) -> None:
        self.paths = tuple(paths) or (".",)
        if "" in self.paths:
            raise Trouble("a path is empty: perhaps a variable of the command line is not set")
        first = whole(self.paths[0])
        try:
            self.settings: Settings = load_settings(first, Path(config) if config else None)
            rules(self.settings)
        except SettingsError as error:
            raise Trouble(str(error)) from None
        origin = None if config else self.settings.origin
        self.root = root_of(first, origin)
        self.anchored = origin is not None or (self.root / ".git").exists()
        """Whether settings or a repository say that ``root`` is where the tree begins."""

    def name(self, path: str) -> str:
        """How reports and files name ``path``: relative to the root where it lies below it."""
        file = whole(path)
        return file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else file.as_posix()

    def excludes(self, path: str) -> bool:
        """Whether the settings exclude a file called ``path``, which need not be there."""
        from analysis.discovery import excludes

        return excludes(self.settings.exclude, self.root, path)

    def rules(self, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
        """The rules to run: ``select`` and ``ignore`` stand in for those of the settings where they are given."""
        known = kinds()
        for option, codes in (("--select", select), ("--ignore", ignore)):
            try:
                check_codes(codes, known)
            except ValueError as error:
                raise Trouble(f"{option}: {error}") from None
        chosen = Selection(
            tuple(select) or self.settings.select,
            tuple(ignore) or (() if select else self.settings.ignore),
        )
        return rules(self.settings, chosen)

    def baseline_file(self, given: str | None) -> Path | None:
        """The baseline that the command line or the settings name, else the usual one where it exists."""
        if given is not None:
            return Path(given)
        usual = self.root / (self.settings.baseline or BASELINE)
        return usual if self.settings.baseline is not None or usual.exists() else None

    def project(
        self,
        collectors: Sequence[type[Collector]],
        *,
        jobs: int | None = None,
        cache: bool = True,
        force_exclude: bool = False,
        ignored: bool = False,
        whole_tree: bool = False,
        named_beside: bool = False,
    ) -> Project:
        """The tree with what ``collectors`` note down, loaded under a progress bar. Raises Trouble.

        ``force_exclude``: what the settings exclude is left out even when it is named. ``ignored``: git is asked to
        name what it ignores. ``whole_tree``: all below ``root``, whatever paths were named; with ``named_beside``
        these, too, where they are no part of the tree otherwise (what is excluded, or ignored by git).
        """
        from analysis.discovery import NoSuchPath
        from analysis.project import load
        from unsnarl.progress import Progress

        try:
            with Progress("reading") as progress:
                return load(
                    [self.root, *(self.paths if named_beside else ())] if whole_tree else self.paths,
                    root=self.root,
                    collectors=collectors,
                    jobs=jobs,
                    cache=cache,
                    exclude=self.settings.exclude,
                    progress=progress,
                    named_too=force_exclude,
                    ignored=ignored,
                )
        except NoSuchPath as error:
            raise Trouble(str(error)) from None

    def around(self, collectors: Sequence[type[Collector]], *, jobs: int | None = None, cache: bool = True) -> Project:
        """The whole tree that the paths are in, or only them where nothing says where it begins. Raises Trouble."""
        gone = next((path for path in self.paths if not whole(path).exists()), None)
        if gone is not None:
            raise Trouble(f"no such file or folder: {gone}")
        return self.project(collectors, jobs=jobs, cache=cache, whole_tree=self.anchored)

    def nothing(self, project: Project, *, force_exclude: bool = False) -> str:
        """A note that ``project`` has no file at all, with what was left out; empty when it has one."""
        if project.files or project.discovery.unreadable:
            return ""
        from analysis.discovery import discover

        # Only now is git asked for what it ignores: it takes a second look at the tree.
        found = discover(self.paths, self.root, self.settings.exclude, named_too=force_exclude, ignored=True)
        left_out = {
            path: why for path, why in {**found.excluded, **project.ledger.excluded}.items() if why not in _NO_CODE
        }
        more = len(self.paths) - _SHOWN
        where = ", ".join(f"`{path}`" for path in self.paths[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
        said = f"No Python files were found in {where}"
        if not left_out:
            return f"{said}."
        first, why = next(iter(left_out.items()))
        number = plural(len(left_out), "file or folder is", "files or folders are")
        return f"{said}: {number} left out, {first} first ({why})."

    def check(
        self,
        chosen: Sequence[Rule],
        baseline_file: Path | None,
        *,
        held: Counter[baseline.Key] | None = None,
        jobs: int | None = None,
        cache: bool = True,
        force_exclude: bool = False,
    ) -> tuple[Report, baseline.Match | None]:
        """Run ``chosen`` over the tree, and hold what they find against the baseline. Raises Trouble.

        ``held`` is what stands in ``baseline_file``, when that was read already.
        """
        known = read_baseline(baseline_file) if baseline_file is not None and held is None else held
        chosen, note = self._known(chosen)
        wide = [one for one in chosen if isinstance(one, TreeRule)]
        covered = self.covered
        asked = chosen if covered else [one for one in chosen if one not in wide]
        project = self.project(runner.collectors(asked), jobs=jobs, cache=cache, force_exclude=force_exclude)
        surveyed = None
        if wide:
            tree = project if covered else self._tree(wide, jobs, cache)
            surveyed = self._survey(tree, wide)
        ledger = project.ledger
        sound = [facts for facts in project.files.values() if facts.fault is None]
        note = "\n".join(filter(None, (note, self.nothing(project, force_exclude=force_exclude))))
        return self._report(chosen, sound, ledger.faults, known, baseline_file, len(ledger.excluded), note, surveyed)

    def check_source(
        self,
        chosen: Sequence[Rule],
        name: str,
        data: bytes,
        baseline_file: Path | None,
        *,
        jobs: int | None = None,
        cache: bool = True,
        force_exclude: bool = False,
    ) -> tuple[Report, baseline.Match | None]:
        """As ``check``, for one source at hand that goes by ``name``. Raises Trouble."""
        known = read_baseline(baseline_file) if baseline_file is not None else None
        if force_exclude and self.excludes(name):
            return self._report(chosen, [], {}, known, baseline_file, 1)
        chosen, note = self._known(chosen)
        wide = [one for one in chosen if isinstance(one, TreeRule)]
        facts = self._facts(runner.collectors(chosen), wide, name, data)
        faults = {facts.path: facts.fault} if facts.fault is not None else {}
        surveyed = self._with(facts, wide, jobs, cache) if wide and not faults else None
        return self._report(chosen, [] if faults else [facts], faults, known, baseline_file, 0, note, surveyed)

    def look(
        self, wide: Sequence[TreeRule], *, source: tuple[str, bytes] | None = None, jobs: int | None = None
    ) -> Surveyed:
        """What ``wide`` find in the whole tree. Raises Trouble.

        ``source``, a name and what stands in the editor under it, goes before what was saved.
        """
        facts = self._facts(runner.collectors(wide), wide, *source) if source is not None else None
        if facts is None or facts.fault is not None:
            return self._survey(self._tree(wide, jobs, True), wide)
        return self._with(facts, wide, jobs, True)

    def _facts(
        self, collectors: Sequence[type[Collector]], wide: Sequence[TreeRule], name: str, data: bytes
    ) -> FileFacts:
        """What stands in ``data``, and what ``wide`` may ask of it later."""
        from analysis.reading import analyse
        from analysis.source import Source

        asked = [*collectors, *(each for one in wide for each in one.later())]
        return analyse(Source.from_bytes(data, name), list(dict.fromkeys(asked)), self.name(name))

    def _with(self, facts: FileFacts, wide: Sequence[TreeRule], jobs: int | None, cache: bool) -> Surveyed:
        """What ``wide`` find in the whole tree when one file is as ``facts`` have it."""
        tree = self._tree(wide, jobs, cache)
        saved = tree.files.get(facts.path)
        # What stands in the editor goes before what was saved.
        tree.files = dict(sorted({**tree.files, facts.path: facts}.items()))
        tree.saved = saved is not None and saved.digest == facts.digest
        return self._survey(tree, wide)

    def _survey(self, tree: Project, wide: Sequence[Rule]) -> Surveyed:
        try:
            return Surveyed(tree.files, runner.survey(tree, wide))
        except SettingsError as error:
            raise Trouble(str(error)) from None

    @property
    def covered(self) -> bool:
        """Whether the paths hold all of the tree."""
        return any(place == self.root or place in self.root.parents for place in map(whole, self.paths))

    def _known(self, chosen: Sequence[Rule]) -> tuple[list[Rule], str]:
        """Those of ``chosen`` that can be judged, and a note on the others: part of a tree says nothing of the rest."""
        if self.anchored or self.covered:
            return list(chosen), ""
        wide = [one.code for one in chosen if isinstance(one, TreeRule)]
        note = (
            f"Not looked for: {', '.join(wide)}, which take the whole tree. Name its folder, or mark where it begins "
            "with a pyproject.toml that has [tool.unsnarl], an unsnarl.toml or a repository."
        )
        return [one for one in chosen if one.code not in wide], note if wide else ""

    def _tree(self, wide: Sequence[Rule], jobs: int | None, cache: bool) -> Project:
        """The whole tree, from the index where it is known, with what ``wide`` ask for."""
        return self.project(runner.collectors(wide), jobs=jobs, cache=cache, whole_tree=True)

    def _report(
        self,
        chosen: Sequence[Rule],
        sound: Sequence[FileFacts],
        faults: Mapping[str, Fault],
        known: Counter[baseline.Key] | None,
        baseline_file: Path | None,
        excluded: int,
        note: str = "",
        surveyed: Surveyed | None = None,
    ) -> tuple[Report, baseline.Match | None]:
        ignores = runner.Ignores(self.settings)
        findings: list[Finding] = []
        silenced: list[tuple[Finding, str]] = []
        for facts in sound:
            outcome = runner.check(facts, chosen, ignores, surveyed.of(facts.path) if surveyed is not None else None)
            findings.extend(outcome.kept)
            silenced.extend(with_reasons(outcome))
        broken = [Broken(path, one.kind, one.message, one.line, one.col) for path, one in faults.items()]
        match = self._hold(known, findings, broken, chosen) if known is not None else None
        if match is not None:
            new = set(match.faults_new)
            broken = [Broken(o.path, o.kind, o.message, o.line, o.col, o.path not in new) for o in broken]
        report = Report(
            root=self.root,
            rules=tuple(type(rule) for rule in chosen),
            findings=match.new if match is not None else findings,
            silenced=silenced,
            known=match.known if match is not None else [],
            stale=match.stale if match is not None else Counter(),
            baseline=baseline_file,
            broken=broken,
            analysed=len(sound),
            excluded=excluded,
            note=note,
        )
        return report, match

    def _hold(
        self, known: Counter[baseline.Key], findings: list[Finding], broken: list[Broken], chosen: Sequence[Rule]
    ) -> baseline.Match:
        places = [whole(path) for path in self.paths]
        codes = {rule.code for rule in chosen} | {baseline.UNPARSEABLE}
        faults = {one.path: one.kind for one in broken if one.kind not in ("unreadable", "crashed")}
        unknown = {one.path for one in broken}

        def looked_at(entry: baseline.Key) -> bool:
            # What a file that does not parse would show, and what rules that did not run would say, is not known.
            if entry.code not in codes or (entry.path in unknown and entry.code != baseline.UNPARSEABLE):
                return False
            file = self.root / entry.path
            return any(file == place or place in file.parents for place in places)

        def gone(path: str) -> bool:
            return not (self.root / path).exists()

        eases = {code: rule.eases for code, rule in kinds().items()}
        return baseline.match(known, findings, faults, looked_at, gone, eases)


class Surveyed(NamedTuple):
    """What the rules that look across files found, by path, and the files that they saw."""

    files: Mapping[str, FileFacts]
    found: Mapping[str, list[Finding]]

    def of(self, path: str) -> list[Finding] | None:
        """The findings in one file; None when it is not of the tree."""
        return self.found.get(path, []) if path in self.files else None


def read_baseline(file: Path) -> Counter[baseline.Key]:
    """The baseline in ``file``. Raises Trouble."""
    try:
        return baseline.read(file)
    except baseline.BaselineError as error:
        raise Trouble(str(error)) from None


def root_of(first: Path, settings_file: Path | None) -> Path:
    """The root of a tree: where its settings are, else its repository, else here if it lies here, else itself."""
    if settings_file is not None:
        return settings_file.parent
    named = whole(first)
    folder = named if named.is_dir() else named.parent
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            return above
    here = Path.cwd()
    return here if folder.is_relative_to(here) else folder


def with_reasons(outcome: Outcome) -> list[tuple[Finding, str]]:
    """The silenced findings of one file, each with the reason that its comment gives."""
    return [
        (
            one,
            next(
                (
                    comment.reason
                    for comment in outcome.comments
                    if comment.first <= one.span.line <= comment.last and one.code in comment.silenced
                ),
                "",
            ),
        )
        for one in outcome.silenced
    ]


def say(text: str) -> None:
    """Write a line to stderr, where progress and summaries go."""
    click.echo(text, err=True)
