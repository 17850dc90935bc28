"""A tree as it would be: files that were changed or made in memory, over those on the disk."""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar, cast

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
from codemods.tokens import Scan, scan

if TYPE_CHECKING:
    from analysis.project import Project
    from analysis.walk import Collector
    from config.settings import Settings

T = TypeVar("T")
_OPCODES = ("opcodes",)
_LONG = 1000
"""With more lines than this those that come often begin no match of their own."""
_READ = (*COLLECTORS, HeaderCollector, SuppressionCollector)


class _Parsed(Source):
    """A source that is parsed once."""

    def parse(self) -> ast.Module | None:
        return self._parsed

    @cached_property
    def _parsed(self) -> ast.Module | None:
        return super().parse()


class _Text:
    """A file in one state, and what was worked out about it."""

    def __init__(self, source: Source, path: str) -> None:
        self.source = source
        self.path = path
        self.known: dict[tuple[Hashable, ...], Any] = {}
        self._facts: dict[tuple[type[Collector], ...], FileFacts] = {}

    @cached_property
    def _parsed(self) -> _Parsed:
        # Not the source itself, whose fault says that it could not be read.
        return _Parsed(self.source.path, self.source.data)

    @property
    def tree(self) -> ast.Module | None:
        return self._parsed.parse()

    def facts(self, collectors: tuple[type[Collector], ...]) -> FileFacts:
        found = self._facts.get(collectors)
        if found is None:
            found = self._facts[collectors] = analyse(self._parsed, collectors, self.path)
        return found

    @cached_property
    def comments(self) -> Scan:
        return scan(self.source.data, self.source.encoding)


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
        self._old: dict[str, _Text] = {}
        self._new: dict[str, _Text] = {}
        self._crossings: dict[str, list[Crossing]] = {}
        # Files that are there already as they would be made.
        self._adopted: frozenset[str] = frozenset()
        self._graph: ImportGraph | None = None
        # Those that the graph does not know in their present state.
        self._stale: frozenset[str] = frozenset()
        self._circles: list[Cycle] | None = None

    def anew(self) -> Workspace:
        """A copy of a workspace without changes, which knows what is known of the files on the disk."""
        found = Workspace(self.project, self.settings, unsafe=self.unsafe)
        found.mentions, found._old, found._crossings = self.mentions, self._old, self._crossings
        found._graph, found._circles = self.graph, self.circles
        return found

    @property
    def changed(self) -> list[str]:
        """The files that are not as they were, those that were made among them."""
        return sorted(path for path, text in self._new.items() if not self._same(path, text.source))

    def _same(self, path: str, source: Source) -> bool:
        return path in self._old and self._old[path].source.data == source.data

    def made(self, path: str) -> bool:
        """Whether the file is not there yet."""
        return path in self._new and path not in self.project.files

    def _text(self, path: str) -> _Text:
        found = self._new.get(path) or self._old.get(path)
        if found is None:
            source = Source.read(self.project.path(path))
            found = self._old[path] = _Text(source, path)
            if source.fault is None and digest_of(source.data) != self.project.files[path].digest:
                raise Impossible(f"{path}: {CHANGED}; nothing was written. Run again when the tree is at rest")
        return found

    def source(self, path: str) -> Source:
        """The file as it would be. Raises Impossible when it was changed while the run was at work."""
        return self._text(path).source

    def before(self, path: str) -> bytes:
        """The file as it is on the disk; empty for one that is made."""
        if path not in self.project.files:
            return b""
        if path not in self._old:
            self.source(path)
        return self._old[path].source.data

    def facts(self, path: str, collectors: tuple[type[Collector], ...] = _READ) -> FileFacts:
        """What ``collectors`` note down in the file."""
        return self._text(path).facts(collectors)

    def tree(self, path: str) -> ast.Module:
        """The syntax tree of a file that parses. Not to be changed."""
        found = self._text(path).tree
        if found is None:
            raise Refused(Reason.UNCERTAIN, f"{path} does not parse")
        return found

    def of_tree(self, path: str, function: Callable[..., T], *given: Hashable) -> T:
        """What ``function`` makes of the syntax tree of a file and of ``given``: once while the file stays as it is.

        Not to be changed. Raises Refused where the file does not parse, and whatever ``function`` raises.
        """
        tree, known = self.tree(path), self._text(path).known
        key = (function, *given)
        if key not in known:
            known[key] = function(tree, *given)
        return cast("T", known[key])

    def imports(self, path: str) -> list[Import]:
        """The import statements of a file."""
        text = self._text(path)
        return (text.facts(COLLECTORS) if path in self._new else self.project.files[path]).records(ImportCollector)

    def is_broken(self, path: str) -> bool:
        """Whether nothing is known of the file: it does not parse, or cannot be read."""
        text = self._new.get(path)
        return (text.facts(COLLECTORS) if text is not None else self.project.files[path]).fault is not None

    @property
    def files(self) -> Mapping[str, FileFacts]:
        """The facts of all files, by path, as the graph of imports needs them."""
        changed = {path: text.facts(COLLECTORS) for path, text in self._new.items()}
        return dict(sorted({**self.project.files, **changed}.items()))

    @property
    def graph(self) -> ImportGraph:
        """The imports between the files as they would be."""
        if self._graph is None:
            self._graph = ImportGraph(self.files)
        elif self._stale:
            self._graph = self._graph.after(self.files, self._stale)
        self._stale = frozenset()
        return self._graph

    @property
    def circles(self) -> list[Cycle]:
        """The files that import each other while they are imported."""
        if self._circles is None:
            self._circles = cycles(self.graph)
        return self._circles

    def crossings(self, paths: Iterable[str]) -> dict[str, list[Crossing]]:
        """How each of the files uses what it imports. Of one that does not parse nothing is known."""
        paths = list(paths)
        unread = [path for path in paths if path not in self._new and path not in self._crossings]
        for path, facts in (self.project.of(unread, (Crossings,)) if unread else {}).items():
            self._crossings[path] = facts.records(Crossings)
        known = {path: self._crossings[path] for path in paths if path in self._crossings}
        new = {path: self._new[path].facts((Crossings,)) for path in paths if path in self._new}
        return known | {path: facts.records(Crossings) for path, facts in new.items()}

    # Changes

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Make all changes of the block, or none when it raises Refused. Checks the laws at the end."""
        before = dict(self._new)
        seen = self._graph, self._stale, self._circles, self._adopted
        self.doubts = []
        try:
            yield
            self._check(before)
        except (Refused, EditError) as error:
            self._new = before
            self._graph, self._stale, self._circles, self._adopted = seen
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

    def make(self, path: str, text: str, like: str) -> None:
        """Make a new file, with the line ends that the file ``like`` has."""
        if path in self.project.files or path in self._new or self.project.path(path).exists():
            raise Refused(Reason.CONFLICT, f"{path} is there already")
        self._put(path, text.encode().replace(b"\n", self.source(like).newline))

    def adopt(self, path: str, text: str, like: str) -> None:
        """Take a file of the tree for one that was made. Raises Refused where ``make`` would have made another."""
        if self.before(path) != text.encode().replace(b"\n", self.source(like).newline):
            raise Refused(Reason.CONFLICT, f"{path} is there already, and nothing imports it: remove it, or rename it")
        self._put(path, self.before(path))
        self._adopted |= {path}

    def _put(self, path: str, data: bytes) -> None:
        self._new[path] = _Text(Source.from_bytes(data, self.project.path(path)), path)
        self._stale |= {path}
        self._circles = None

    def _check(self, before: Mapping[str, _Text]) -> None:
        """That each file that is not as it was ``before`` compiles, and that no comment of them is gone."""
        lost: Counter[bytes] = Counter()
        for path, text in sorted(self._new.items()):
            was = before.get(path)
            if was is text:
                continue
            broken = verify.compiles(text.source.data, path, self.settings)
            if broken is not None:
                raise Refused(broken.reason, f"{path}: {broken.detail}")
            # What such a file has counts as moved there.
            gone = self._comments(path, was, text.source.encoding) if path not in self._adopted else scan(b"", "utf-8")
            here = text.comments
            if not (gone.sure and here.sure):
                raise Refused(Reason.COMMENT, f"{path}: its comments cannot be told from its strings")
            lost.update(gone.comments)
            lost.subtract(here.comments)
        missing = +lost
        if missing:
            first = next(iter(missing)).decode("utf-8", "replace")
            raise Refused(Reason.COMMENT, f"the comment `{first}` would be gone")

    def _comments(self, path: str, was: _Text | None, encoding: str) -> Scan:
        if was is None and path in self.project.files:
            self.before(path)
            was = self._old[path]
        if was is not None and was.source.encoding == encoding:
            return was.comments
        return scan(was.source.data if was is not None else b"", encoding)

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
        known = self._text(path).known
        if _OPCODES not in known:
            before = self.before(path).splitlines(keepends=True)
            after = self.source(path).data.splitlines(keepends=True)
            # In a long file the blank lines alone are compared with each other millions of times.
            long = len(before) > _LONG
            known[_OPCODES] = difflib.SequenceMatcher(None, before, after, autojunk=long).get_opcodes()
        return cast("Sequence[tuple[str, int, int, int, int]]", known[_OPCODES])
