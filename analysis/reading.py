"""One file from its bytes to its encoded facts. This is what runs in a worker process."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from analysis.facts import EMPTY, Fault, FileFacts
from analysis.generated import generated_mark
from analysis.index import Stamp, digest_of
from analysis.source import Source, in_deep_stack, read_regular, unreadable
from analysis.walk import Collector, collect, salvage

_encode = msgspec.msgpack.Encoder().encode
_LARGEST = 2**63 - 1


class Task(NamedTuple):
    """A file to read: ``path`` absolute, ``asked`` the positions of the collectors to run, ``size`` in bytes."""

    path: str
    named: bool
    asked: tuple[int, ...]
    size: int


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a file is before any question is asked: ``generated`` is the mark in its head, or empty."""

    fault: Fault | None
    generated: str


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What came of reading one file.

    ``blobs`` are in the order of the collectors asked; of a file that does not parse they hold what its lines still
    show. There are none for one that was not read, nor for a generated one that was not named.
    ``stamp`` is the file's status from before it was read.
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
    except MemoryError:
        return Reading(b"", None, State(Fault("unreadable", "it is too large for the memory"), ""))
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


def _facts(source: Source, collectors: Sequence[type[Collector]]) -> tuple[Fault | None, tuple[bytes, ...]]:
    try:
        tree = source.parse()
        if tree is None:
            return source.fault, _encoded(salvage(source, collectors), collectors)
        try:
            if source.deep:
                raise RecursionError
            records = collect(source, tree, collectors)
        except RecursionError:
            records = in_deep_stack(lambda: collect(source, tree, collectors))
        return None, _encoded(records, collectors)
    except (RecursionError, MemoryError):
        return Fault("too-deep", "it nests deeper than the walk over its statements follows"), (EMPTY,) * len(
            collectors
        )
    except Exception as error:  # noqa: BLE001, E900 - a defect met in one file must not end the run, it is reported
        return _crash(error), ()


def _encoded(records: Mapping[str, list[Any]], collectors: Sequence[type[Collector]]) -> tuple[bytes, ...]:
    return tuple(_blob(made) if (made := records[kind.topic]) else EMPTY for kind in collectors)


def _blob(made: list[Any]) -> bytes:
    try:
        return _encode(made)
    except (OverflowError, UnicodeEncodeError):
        # Python has numbers and texts that the index has not: lone surrogates, and more than 64 bits.
        return _encode(_plain(msgspec.to_builtins(made, builtin_types=(bytes,))))


def _plain(value: Any) -> Any:
    """What comes nearest to a value that cannot be kept: the text escaped, the number cut."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_LARGEST, min(value, _LARGEST))
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items()}
    return value


def _crash(error: Exception) -> Fault:
    where = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        where = f" in {Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    message = f"{type(error).__name__}: {error}{where}"
    return Fault("crashed", message.encode("utf-8", "backslashreplace").decode())


class Keys(NamedTuple):
    """The keys of topics in the index: of the ``State`` of files, and of each collector's records."""

    state: str
    topics: Mapping[type[Collector], str]


def keys_for(collectors: Sequence[type[Collector]]) -> Keys:
    """The keys under which what ``collectors`` find is kept.

    Beside topic and version they name the interpreter and the very code that does the reading, so that a change of
    either makes what was found before unknown rather than wrong.
    """
    build = build_of()
    topics = {}
    for kind in collectors:
        home = "" if kind.__module__.startswith("analysis.") else _home(kind)
        topics[kind] = f"{kind.topic} {kind.version} {kind.__module__}.{kind.__qualname__} {home}{build}"
    return Keys(f"state {build}", topics)


def build_of() -> str:
    """What names the interpreter and the code that does the reading."""
    here = _code(Path(__file__).parent)
    return digest_of(f"{sys.implementation.cache_tag} {sys.hexversion:x} ".encode() + here).hex()


def _code(folder: Path) -> bytes:
    parts = []
    # Run from an archive there is nothing to be read, and the versions of the collectors alone must do.
    with contextlib.suppress(OSError):
        inner = (folder / name for name in ("collectors", "declared", "effects", "values"))
        for top in (folder, *inner, folder.parent / "config" / "exceptions"):
            with os.scandir(top) as scan:
                names = sorted(entry.path for entry in scan if entry.name.endswith((".py", ".yaml")))
            for name in names:
                with open(name, "rb") as file:
                    parts.append(digest_of(file.read()))
    return b"".join(parts)


def _home(kind: type[Collector]) -> str:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if file is not None:
        with contextlib.suppress(OSError), open(file, "rb") as code:
            return digest_of(code.read()).hex() + " "
    return ""
