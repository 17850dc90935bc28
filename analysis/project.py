"""A tree as a set of files with their facts: found, read where the index does not know them, and kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from analysis.discovery import Discovery, Found, discover
from analysis.facts import FileFacts
from analysis.index import Index
from analysis.ledger import Ledger, make_ledger
from analysis.reading import Reading, State, Task, keys_for, read_file
from analysis.recognition import Recognition
from analysis.walk import Collector

if TYPE_CHECKING:
    from analysis.declared.files import Declarations

Progress = Callable[[int, int], None]
"""Called with the number of files done and the number of files in all."""


class Project:
    """A loaded tree.

    ``root`` is absolute. ``files`` holds the facts of each file by name, in sorted order: of every one that was read
    or refused to be, and of no excluded one. ``ledger`` accounts for all of them.
    """

    def __init__(
        self,
        root: Path,
        discovery: Discovery,
        jobs: int,
        cache: bool,
        search: Callable[[Callable[[str], bool]], Discovery] | None = None,
    ) -> None:
        """``search`` finds other files below the same paths, as :func:`analysis.discovery.discover` does."""
        self.root = root
        self.discovery = discovery
        self.search = search or (lambda _: Discovery(root))
        self.jobs = jobs
        self.cache = cache
        self.files: dict[str, FileFacts] = {}
        self.generated: dict[str, str] = {}
        self.saved = True
        """Whether ``files`` are as they stand on the disk. Who puts others there says so."""

    @property
    def ledger(self) -> Ledger:
        """What became of every file that was found."""
        return make_ledger(self.discovery, self.files, self.generated)

    @cached_property
    def declarations(self) -> Declarations:
        """What the configuration files below the same paths declare: looked for and read when first asked for."""
        from analysis.declared.files import read

        return read(self)

    def below_root(self, exclude: Sequence[str] = (), *, ignored: bool = False) -> Discovery:
        """What there is below the root, as :func:`analysis.discovery.discover` finds it: what is at hand if it is that.

        To look through a large tree takes as long as to infer what it can raise.
        """
        known = self.discovery
        if known.patterns == tuple(exclude) and not (ignored and known.listed):
            return known
        return discover([self.root], self.root, exclude, ignored=ignored)

    def path(self, name: str) -> Path:
        """The absolute path of the file called ``name``."""
        return self.root / name

    def ask(self, collectors: Sequence[type[Collector]], progress: Progress | None = None) -> None:
        """Have every file answer ``collectors``, from the index or by reading it anew.

        ``files`` then holds those topics, and only those. Raises whatever ``progress`` raises, KeyboardInterrupt
        included; what was read until then is kept in the index.
        """
        asking = _Asking(self, collectors, list(self.discovery.files.values()), progress)
        asking.run()
        self.files = dict(sorted(asking.files.items()))
        self.generated = dict(sorted(asking.generated.items()))

    def of(self, names: Sequence[str], collectors: Sequence[type[Collector]]) -> dict[str, FileFacts]:
        """What ``collectors`` note down in some files only, by name; ``files`` stays as it is.

        A file whose facts hold all of that is not asked again: it may stand in an editor, and not be saved.
        """
        topics = {kind.topic for kind in collectors}
        known = {name: self.files[name] for name in names if topics <= self.files[name].blobs.keys()}
        left = [found for name in names if name not in known and (found := self.discovery.files.get(name)) is not None]
        asking = _Asking(self, collectors, left, None)
        asking.run()
        return {**known, **asking.files}


def load(
    paths: Iterable[str | os.PathLike[str]],
    *,
    root: Path,
    collectors: Sequence[type[Collector]],
    jobs: int | None = None,
    cache: bool = True,
    exclude: Sequence[str] = (),
    progress: Progress | None = None,
    named_too: bool = False,
    ignored: bool = False,
) -> Project:
    """Find the files below ``paths`` and take from each what ``collectors`` ask for.

    ``root`` is the folder that names are relative to and that holds the index; ``jobs`` the number of processes (None:
    one per processor); without ``cache`` the index is neither read nor written. ``exclude``, ``named_too`` and
    ``ignored`` are those of ``discover``. The result does not depend on ``jobs``, nor on ``cache``. Raises NoSuchPath.
    """
    root = Path(os.path.abspath(root))
    named = list(paths)

    def search(wanted: Callable[[str], bool]) -> Discovery:
        return discover(named, root, exclude, named_too=named_too, wanted=wanted)

    discovery = discover(named, root, exclude, named_too=named_too, ignored=ignored)
    project = Project(root, discovery, jobs or usable_cpus(), cache, search)
    project.ask(collectors, progress)
    return project


def usable_cpus() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


@cache
def _state_decoder() -> msgspec.msgpack.Decoder[State]:
    return msgspec.msgpack.Decoder(State)


class _Asking:
    """One round of questions to files of a project."""

    def __init__(
        self, project: Project, collectors: Sequence[type[Collector]], found: list[Found], progress: Progress | None
    ) -> None:
        self.project = project
        self.collectors = list(dict.fromkeys(collectors))
        self.progress = progress
        self.found = found
        self.state_key, self.keys = keys_for(self.collectors)
        self.index = Index(project.root) if project.cache else None
        self.recognition = Recognition(project.root, self.index) if self.index is not None else None
        self.files: dict[str, FileFacts] = {}
        self.generated: dict[str, str] = {}
        self.new_blobs: dict[str, dict[bytes, bytes]] = {}

    def run(self) -> None:
        todo, due = self.recall()
        done = len(self.found) - len(todo)
        try:
            self.tell(done)
            with closing(self.readings(todo)) as readings:
                for found, task, reading in readings:
                    self.accept(found, task, reading)
                    done += 1
                    self.tell(done)
        finally:
            new_files = self.recognition.new_files if self.recognition is not None else {}
            if self.index is not None and (new_files or self.new_blobs or due):
                blobs = {key: self.new_blobs.get(key, {}) for key in (self.state_key, *self.keys.values())}
                self.index.write(new_files, blobs, [os.fsencode(found.name) for found in self.found])

    def readings(self, todo: list[tuple[Found, Task]]) -> Generator[tuple[Found, Task, Reading], None, None]:
        if not todo:
            return
        # Loading what starts processes costs a run that needs none a quarter of its time.
        from analysis.workers import read_all

        with closing(read_all([task for _, task in todo], self.collectors, self.project.jobs)) as readings:
            for position, reading in readings:
                yield *todo[position], reading

    def tell(self, done: int) -> None:
        if self.progress is not None:
            self.progress(done, len(self.found))

    def recall(self) -> tuple[list[tuple[Found, Task]], bool]:
        """Answer from the index what it can; return the files that must be read, and whether its upkeep is due."""
        asked = tuple(range(len(self.collectors)))
        if self.index is None or self.recognition is None:
            return [(found, self.task(found, asked)) for found in self.found], False
        known = self.index.files([os.fsencode(found.name) for found in self.found])
        digests = {}
        for found in self.found:
            digest = self.recognition.digest(found, known)
            if digest is not None:
                digests[found.name] = digest
        keys = [self.keys[kind] for kind in self.collectors]
        kept = self.index.blobs([self.state_key, *keys], list(set(digests.values()))) if digests else {}
        states = kept.get(self.state_key, {})
        todo = []
        for found in self.found:
            digest = digests.get(found.name)
            state = _decode_state(states.get(digest)) if digest is not None else None
            if digest is None or state is None:
                todo.append((found, self.task(found, asked)))
                continue
            if state.generated and not found.named:
                self.generated[found.name] = state.generated
                continue
            blobs = {kind.topic: kept[key].get(digest) for kind, key in self.keys.items()}
            missing = tuple(i for i, kind in enumerate(self.collectors) if blobs[kind.topic] is None)
            whole = {topic: blob for topic, blob in blobs.items() if blob is not None}
            self.files[found.name] = FileFacts(found.name, digest, state.fault, whole)
            # A generated file was recognised without being parsed, until someone named it.
            if missing or (state.generated and not self.collectors):
                todo.append((found, self.task(found, missing)))
        return todo, known.due

    def path(self, found: Found) -> str:
        return os.path.join(self.project.root, found.name)

    def task(self, found: Found, asked: tuple[int, ...]) -> Task:
        return Task(self.path(found), found.named, asked, found.status.st_size if found.status else 0)

    def accept(self, found: Found, task: Task, reading: Reading) -> None:
        """Take in what was read of a file."""
        state, digest = reading.state, reading.digest
        before = self.files.get(found.name)
        if before is not None and before.digest != digest:
            # It was changed between being recognised and being read: only what one reading found goes together.
            whole = tuple(range(len(self.collectors)))
            if task.asked != whole:
                reading = read_file(task.path, found.named, self.collectors)
                state, digest, task = reading.state, reading.digest, task._replace(asked=whole)
            before = None
        if reading.stamp is not None and self.recognition is not None:
            self.recognition.remember(os.fsencode(found.name), reading.stamp, digest)
        kinds = [self.collectors[i] for i in task.asked]
        blobs = dict(zip((kind.topic for kind in kinds), reading.blobs, strict=False))
        # A defect or a passing trouble of the system is no property of the bytes.
        lasting = digest and (state.fault is None or state.fault.kind not in ("crashed", "unreadable"))
        if lasting:
            self.keep(self.state_key, digest, msgspec.msgpack.encode(state))
            for kind, blob in zip(kinds, reading.blobs, strict=False):
                self.keep(self.keys[kind], digest, blob)
        if state.generated and not found.named:
            self.generated[found.name] = state.generated
            self.files.pop(found.name, None)
            return
        if before is not None:
            blobs = {**before.blobs, **blobs}
        self.files[found.name] = FileFacts(found.name, digest, state.fault, blobs)

    def keep(self, key: str, digest: bytes, blob: bytes) -> None:
        self.new_blobs.setdefault(key, {})[digest] = blob


def _decode_state(blob: bytes | None) -> State | None:
    if blob is None:
        return None
    if blob == _SOUND:
        return _SOUND_STATE
    try:
        return _state_decoder().decode(blob)
    except msgspec.MsgspecError:
        return None


_SOUND_STATE = State(None, "")
_SOUND = msgspec.msgpack.encode(_SOUND_STATE)
