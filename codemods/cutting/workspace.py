"""A tree as it would be: files that were changed or made in memory, over those on the disk."""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from analysis.collectors.crossings import Crossing, Crossings
from analysis.collectors.header import HeaderCollector
from analysis.collectors.imports import Import
from analysis.collectors.imports import Imports as ImportCollector
from analysis.collectors.suppressions import SuppressionCollector
from analysis.cycles import Cycle, cycles
from analysis.facts import FileFacts
from analysis.imports import COLLECTORS, ImportGraph
from analysis.index import digest_of
from analysis.reading import analyse
from analysis.source import Source
from codemods import verify
from codemods.codemod import Impossible
from codemods.compose import Change, Composer, EditError
from codemods.cutting.mentions import Mentions
from codemods.edits import Reason
from codemods.imports import Refused
from codemods.outcome import CHANGED
from codemods.tokens import scan

if TYPE_CHECKING:
    import networkx as nx

    from analysis.project import Project
    from config.settings import Settings

_LONG = 1000
"""With more lines than this those that come often begin no match of their own."""
_READ = (*COLLECTORS, HeaderCollector, Crossings, SuppressionCollector)


class Workspace:
    """The files of a whole tree and what is known about them, with the changes that were made so far.

    Nothing is written. What breaks a law raises Refused, and ``attempt`` puts everything back as it was before.
    """

    def __init__(self, project: Project, settings: Settings, *, unsafe: bool = False) -> None:
        """``project`` is the whole tree, asked for ``analysis.imports.COLLECTORS`` at least.

        ``unsafe``: changes that may matter to what the tree does are made, too; ``doubts`` are what they rest on.
        """
        self.unsafe = unsafe
        self.doubts: list[str] = []
        self.project = project
        self.settings = settings
        self.mentions = Mentions(project)
        self._old: dict[str, Source] = {}
        self._new: dict[str, Source] = {}
        self._facts: dict[str, FileFacts] = {}
        self._trees: dict[str, ast.Module] = {}
        self._crossings: dict[str, list[Crossing]] = {}

    @property
    def changed(self) -> list[str]:
        """The files that are not as they were, those that were made among them."""
        return sorted(path for path, source in self._new.items() if not self._same(path, source))

    def _same(self, path: str, source: Source) -> bool:
        return path in self._old and self._old[path].data == source.data

    def made(self, path: str) -> bool:
        """Whether the file is not there yet."""
        return path in self._new and path not in self.project.files

    def source(self, path: str) -> Source:
        """The file as it would be. Raises Impossible when it was changed while the run was at work."""
        found = self._new.get(path) or self._old.get(path)
        if found is None:
            found = self._old[path] = Source.read(self.project.path(path))
            if found.fault is None and digest_of(found.data) != self.project.files[path].digest:
                raise Impossible(f"{path}: {CHANGED}; nothing was written. Run again when the tree is at rest")
        return found

    def before(self, path: str) -> bytes:
        """The file as it is on the disk; empty for one that is made."""
        if path not in self.project.files:
            return b""
        if path not in self._old:
            self.source(path)
        return self._old[path].data

    def facts(self, path: str) -> FileFacts:
        """What is known about the file: its imports, what it offers, its head, how it uses what it imports."""
        found = self._facts.get(path)
        if found is None:
            source = self.source(path)
            # A source is read anew: collectors keep what they parsed.
            found = self._facts[path] = analyse(Source.from_bytes(source.data, source.path), _READ, path)
        return found

    def tree(self, path: str) -> ast.Module:
        """The syntax tree of a file that parses."""
        found = self._trees.get(path)
        if found is None:
            source = self.source(path)
            parsed = Source.from_bytes(source.data, source.path).parse()
            if parsed is None:
                raise Refused(Reason.UNCERTAIN, f"{path} does not parse")
            found = self._trees[path] = parsed
        return found

    def imports(self, path: str) -> list[Import]:
        """The import statements of a file."""
        return self.facts(path).records(ImportCollector)

    @property
    def files(self) -> Mapping[str, FileFacts]:
        """The facts of all files, by path, as the graph of imports needs them."""
        changed = {path: self.facts(path) for path in self._new}
        return dict(sorted({**self.project.files, **changed}.items()))

    @cached_property
    def graph(self) -> ImportGraph:
        """The imports between the files as they would be."""
        return ImportGraph(self.files)

    @cached_property
    def circles(self) -> list[Cycle]:
        """The files that import each other while they are imported."""
        return cycles(self.graph)

    @cached_property
    def at_import(self) -> nx.DiGraph[str]:
        """What the files import while they are imported. Not to be changed."""
        return self.graph.between()

    def crossings(self, paths: Iterable[str]) -> dict[str, list[Crossing]]:
        """How each of the files uses what it imports. Of one that does not parse nothing is known."""
        left = [path for path in paths if path not in self._crossings]
        unread = [path for path in left if path not in self._new]
        for path, facts in self.project.of(unread, (Crossings,)).items():
            self._crossings[path] = facts.records(Crossings)
        for path in left:
            if path in self._new:
                self._crossings[path] = self.facts(path).records(Crossings)
        return self._crossings

    # Changes

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Make all changes of the block, or none when it raises Refused. Checks the laws at the end."""
        before = dict(self._new)
        self.doubts = []
        try:
            yield
            self._check(before)
        except (Refused, EditError) as error:
            touched = {path for path, source in self._new.items() if before.get(path) is not source}
            self._new = before
            for path in touched:
                self._forget(path)
            if isinstance(error, EditError):
                reason = Reason.UNENCODABLE if error.unencodable else Reason.CONFLICT
                raise Refused(reason, str(error)) from None
            raise

    def edit(self, path: str, changes: Sequence[Change]) -> None:
        """Make ``changes`` in a file. Raises Refused where a byte outside of them would be another."""
        old = self.source(path)
        composer = Composer(old)
        if composer.conflicts(changes):
            raise Refused(Reason.CONFLICT, f"two edits of {path} touch the same bytes")
        composed = composer.compose(changes)
        broken = verify.outside_unchanged(old, composed, changes, composer)
        if broken is not None:
            raise Refused(broken.reason, f"{path}: {broken.detail}")
        self._put(path, composed.data)

    def make(self, path: str, text: str) -> None:
        """Make a new file."""
        if path in self.project.files or path in self._new or self.project.path(path).exists():
            raise Refused(Reason.CONFLICT, f"{path} is there already")
        self._put(path, text.encode())

    def _put(self, path: str, data: bytes) -> None:
        self._new[path] = Source.from_bytes(data, self.project.path(path))
        self._forget(path)

    def _forget(self, path: str) -> None:
        self._facts.pop(path, None)
        self._trees.pop(path, None)
        self._crossings.pop(path, None)
        for name in ("graph", "circles", "at_import"):
            self.__dict__.pop(name, None)

    def _check(self, before: Mapping[str, Source]) -> None:
        """That each file that is not as it was ``before`` compiles, and that no comment of them is gone."""
        lost: Counter[bytes] = Counter()
        for path, source in sorted(self._new.items()):
            was = before.get(path)
            if was is source:
                continue
            broken = verify.compiles(source.data, path, self.settings)
            if broken is not None:
                raise Refused(broken.reason, f"{path}: {broken.detail}")
            gone = scan(was.data if was is not None else self.before(path), source.encoding)
            here = scan(source.data, source.encoding)
            if not (gone.sure and here.sure):
                raise Refused(Reason.COMMENT, f"{path}: its comments cannot be told from its strings")
            lost.update(gone.comments)
            lost.subtract(here.comments)
        missing = +lost
        if missing:
            first = next(iter(missing)).decode("utf-8", "replace")
            raise Refused(Reason.COMMENT, f"the comment `{first}` would be gone")

    def line_before(self, path: str, line: int) -> int:
        """Where a line of the file in memory stands in the one on the disk; for a new one, what it follows."""
        at = line - 1
        for _, i1, i2, j1, j2 in self._opcodes(path):
            if j1 <= at < j2:
                return min(i1 + at - j1, max(i2 - 1, i1)) + 1
        return line

    def difference(self, path: str) -> tuple[tuple[int, int, bytes], ...]:
        """The edits, over whole lines, that turn the file on the disk into the one in memory."""
        old, new = self.before(path), self.source(path).data
        if path not in self.project.files:
            return ((0, 0, new),)
        starts = [0, *accumulate(map(len, old.splitlines(keepends=True)))]
        after = new.splitlines(keepends=True)
        return tuple(
            (starts[i1], starts[i2], b"".join(after[j1:j2]))
            for tag, i1, i2, j1, j2 in self._opcodes(path)
            if tag != "equal"
        )

    def _opcodes(self, path: str) -> Sequence[tuple[str, int, int, int, int]]:
        before = self.before(path).splitlines(keepends=True)
        after = self.source(path).data.splitlines(keepends=True)
        # In a long file the blank lines alone are compared with each other millions of times.
        long = len(before) > _LONG
        return difflib.SequenceMatcher(None, before, after, autojunk=long).get_opcodes()
