"""One file from its bytes to its encoded facts. This is what runs in a worker process."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from analysis.facts import EMPTY, Fault, FileFacts
from analysis.index import Stamp, digest_of
from analysis.source import Source, in_deep_stack, read_regular, unreadable
from analysis.walk import Collector, collect

_HEAD = 4096
_MARKS = (b"@generated", b"DO NOT EDIT")
_HEAD_COMMENTS = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*(?:[ \t\f]*#[^\r\n]*\Z)?")
_encode = msgspec.msgpack.Encoder().encode


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a file is before any question is asked: ``generated`` is the mark in its head, or empty."""

    fault: Fault | None
    generated: str


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What came of reading one file.

    ``blobs`` are in the order of the collectors asked; there are none for a file with a fault, nor for a generated
    one that was not named. ``stamp`` is the file's status from before it was read.
    """

    digest: bytes
    stamp: Stamp | None
    state: State
    blobs: tuple[bytes, ...] = ()


def read_file(path: str, named: bool, collectors: Sequence[type[Collector]]) -> Reading:
    """Read, parse and walk ``path``. Never raises: what goes wrong is the fault of the reading."""
    try:
        data, status = read_regular(path)
    except OSError as error:
        return Reading(b"", None, State(unreadable(error), ""))
    source = Source.from_bytes(data, path)
    generated = generated_mark(data)
    blobs: tuple[bytes, ...] = ()
    fault: Fault | None = None
    if not generated or named:
        fault, blobs = _facts(source, collectors)
    return Reading(digest_of(data), Stamp.of(status), State(fault, generated), blobs)


def analyse(source: Source, collectors: Sequence[type[Collector]], path: str | None = None) -> FileFacts:
    """The facts of one source in memory, for an editor's buffer or a stream; ``path`` is the name it goes by."""
    fault, blobs = _facts(source, collectors)
    by_topic = dict(zip((kind.topic for kind in collectors), blobs, strict=False))
    return FileFacts(str(source.path) if path is None else path, digest_of(source.data), fault, by_topic)


def generated_mark(data: bytes) -> str:
    """The mark by which a generator says in the comments at the head of a file that it made it; else empty."""
    head = data[:_HEAD]
    for mark in _MARKS:
        if mark in head:
            comments = _HEAD_COMMENTS.match(head)
            if comments is not None and mark in comments[0]:
                return mark.decode("ascii")
    return ""


def _facts(source: Source, collectors: Sequence[type[Collector]]) -> tuple[Fault | None, tuple[bytes, ...]]:
    try:
        tree = source.parse()
        if tree is None:
            return source.fault, ()
        try:
            if source.deep:
                raise RecursionError
            records = collect(source, tree, collectors)
        except RecursionError:
            # Freeing a deep tree recurses as building it did: the last reference must go in the large stack too.
            records = in_deep_stack(lambda: collect(source, tree, collectors))
        return None, tuple(_encode(made) if (made := records[kind.topic]) else EMPTY for kind in collectors)
    except (RecursionError, MemoryError):
        return Fault("too-deep", "it nests deeper than the walk over its statements follows"), ()
    except Exception as error:  # noqa: BLE001 - a defect met in one file must not end the run; it is reported by name
        return _crash(error), ()


def _crash(error: Exception) -> Fault:
    where = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        where = f" in {Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return Fault("crashed", f"{type(error).__name__}: {error}{where}")


def build_key() -> str:
    """A key for everything but the file that the facts depend on: this interpreter and the code in ``analysis``."""
    import hashlib

    digest = hashlib.blake2b(digest_size=8)
    digest.update(f"{sys.implementation.cache_tag} {sys.hexversion:x}".encode())
    try:
        files = sorted(Path(__file__).parent.rglob("*.py"))
        for file in files:
            digest.update(file.read_bytes())
    except OSError:
        # Run from an archive: the versions of the collectors alone must do.
        pass
    return digest.hexdigest()


def topic_keys(collectors: Sequence[type[Collector]]) -> Mapping[type[Collector], str]:
    """The key of each collector's topic in the index."""
    build = build_key()
    return {kind: f"{kind.topic} {kind.version} {kind.__module__} {build}" for kind in collectors}


def state_key() -> str:
    """The key under which the index keeps the ``State`` of files."""
    return f"state 1 {build_key()}"
