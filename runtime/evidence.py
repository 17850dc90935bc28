"""Record in production which errors each site really recovers, to narrow ``recoverable`` by them later.

Off unless asked for: ``UNSNARL_EVIDENCE=FILE`` in the environment, or `record_to`. The file is a list of JSON lines,
one for each new pair of site and exception type, and further ones as the counts grow. It holds paths, names and counts,
no messages and no values. `read` adds the lines up.

Each write begins with an empty line, so that records stand behind blank ones: what a process that died in the middle of
a line has left there stays a line of its own, and costs no record of another process. Readers skip empty lines.

Any number of threads and processes may write to one file, on a local file system: each write is one append of whole
lines. A process that is killed may lose up to half of a count, never a pair that it saw, so counts are lower bounds; a
line that was cut off by a crash or a full disk is skipped by the reader and harms no other.
"""

from __future__ import annotations

import atexit
import json
import os
import time
from _thread import RLock
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ._settings import SETTINGS, Site

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT: Final = 1
_LONGEST_WRITE: Final = 4096  # PIPE_BUF on Linux
_MOST_PAIRS: Final = 10_000
_LARGEST_FILE: Final = 64 * 1024 * 1024
_FIELDS: Final = {"file": str, "module": str, "function": str, "line": int, "type": str}


@dataclass(frozen=True, slots=True)
class Seen:
    """How often one exception type was recovered at one site.

    Attributes:
        count: At least so many times.
        first: The first time, in seconds since the epoch.
        last: The last time that was written down, in seconds since the epoch.
    """

    count: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What evidence files say.

    Attributes:
        sites: For each site the recovered types, each qualified by the module that defines it (builtins are bare),
            and how often. Sites and types are sorted.
        damaged: Number of lines that could not be read.
    """

    sites: Mapping[Site, Mapping[str, Seen]] = field(default_factory=dict)
    damaged: int = 0


class _Tally:
    """Count of one pair in this process: all of it, and what no line tells yet."""

    __slots__ = ("first", "last", "total", "untold")

    def __init__(self) -> None:
        self.total = self.untold = 0
        self.first = self.last = 0.0


class _Recorder:
    """Counts in memory, appends to the file when a pair is new and whenever its count has doubled."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._tallies: dict[tuple[Site, str], _Tally] = {}
        # Reentrant: a signal handler or a finaliser may recover an error while this thread holds it.
        self._lock = RLock()
        self._broken = False

    def record(self, site: Site, error_type: str) -> None:
        now = time.time()
        with self._lock:
            tally = self._tallies.get((site, error_type))
            if tally is None:
                if len(self._tallies) >= _MOST_PAIRS:
                    return
                tally = self._tallies[site, error_type] = _Tally()
            tally.total += 1
            tally.untold += 1
            tally.last = now
            if tally.untold == 1:
                tally.first = now
            if tally.total & (tally.total - 1) == 0:  # 1, 2, 4, 8, ...: the file grows with the logarithm of the count
                self._write([(site, error_type, tally)])

    def flush(self) -> None:
        with self._lock:
            self._write([(site, name, tally) for (site, name), tally in self._tallies.items() if tally.untold])

    def after_fork(self) -> None:
        """In the child: the parent tells what it counted, and its lock may be held by a thread that is gone."""
        self._lock = RLock()
        for tally in self._tallies.values():
            tally.untold = 0

    def _write(self, tallies: list[tuple[Site, str, _Tally]]) -> None:
        if self._broken or not tallies:
            return
        try:
            self._append([_line(site, name, tally) for site, name, tally in tallies])
        except OSError as problem:
            self._give_up(f"{problem.strerror or problem}")
            return
        for _, _, tally in tallies:
            tally.untold = 0

    def _append(self, lines: list[bytes]) -> None:
        # Opened each time: writes are rare, and the file may be moved away, or descriptors closed by a daemon.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            if os.fstat(descriptor).st_size > _LARGEST_FILE:
                self._give_up(f"it is larger than {_LARGEST_FILE} bytes")
                return
            chunk = b""
            for line in lines:
                if chunk and len(chunk) + len(line) > _LONGEST_WRITE:
                    os.write(descriptor, chunk)
                    chunk = b""
                # An empty line first: should another process have died within its line, ours does not join it.
                chunk = chunk + line if chunk else b"\n" + line
            os.write(descriptor, chunk)
        finally:
            os.close(descriptor)

    def _give_up(self, reason: str) -> None:
        self._broken = True
        import logging

        logging.getLogger(__name__).warning(
            "no more evidence is recorded in this process: %s cannot be written to: %s", self.path, reason
        )


def _line(site: Site, error_type: str, tally: _Tally) -> bytes:
    entry = {
        "v": _FORMAT,
        "file": str(Path(site.file).absolute()) if site.file else "",
        "module": site.module,
        "function": site.function,
        "line": site.line,
        "type": error_type,
        "count": tally.untold,
        "first": round(tally.first, 3),
        "last": round(tally.last, 3),
    }
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


_recorder: _Recorder | None = None


def record_to(path: str | os.PathLike[str] | None) -> None:
    """Record evidence in the file at ``path`` from now on, and in child processes that are forked; None: no more.

    What was counted for a former file is written there first. The file is made when there is something to write; a
    file that cannot be written is reported once as a warning of the logger ``runtime.evidence``.
    """
    global _recorder  # noqa: PLW0603
    flush()
    # Absolute at once, as the program may change its directory.
    _recorder = None if path is None else _Recorder(str(Path(path).absolute()))
    SETTINGS.record = None if _recorder is None else _recorder.record


def flush() -> None:
    """Write the counts that are still in memory. Done at exit, too."""
    if _recorder is not None:
        _recorder.flush()


def _after_fork() -> None:
    if _recorder is not None:
        _recorder.after_fork()


atexit.register(flush)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
if _asked_for := os.environ.get("UNSNARL_EVIDENCE"):
    record_to(_asked_for)


def read(*paths: str | os.PathLike[str]) -> Evidence:
    """Read evidence files, of one process or many, and add them up.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file was written in a later format than this version knows.
    """
    sites: dict[Site, dict[str, Seen]] = {}
    damaged = 0
    for path in paths:
        with Path(path).open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.strip():
                    continue
                entry = _entry_of(line)
                if entry is None:
                    damaged += 1
                    continue
                if entry.format > _FORMAT:
                    raise ValueError(f"{os.fspath(path)} was written by a later version of unsnarl: update this one")
                types = sites.setdefault(entry.site, {})
                seen = types.get(entry.error_type)
                types[entry.error_type] = entry.seen if seen is None else _sum(seen, entry.seen)
    return Evidence({site: dict(sorted(sites[site].items())) for site in sorted(sites)}, damaged)


@dataclass(frozen=True, slots=True)
class _Entry:
    format: int
    site: Site
    error_type: str
    seen: Seen


def _entry_of(line: str) -> _Entry | None:
    try:
        raw = json.loads(line)
        if any(not isinstance(raw[name], kind) for name, kind in _FIELDS.items()):
            return None
        site = Site(raw["file"], raw["module"], raw["function"], raw["line"])
        return _Entry(
            int(raw["v"]), site, raw["type"], Seen(int(raw["count"]), float(raw["first"]), float(raw["last"]))
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _sum(one: Seen, other: Seen) -> Seen:
    return Seen(one.count + other.count, min(one.first, other.first), max(one.last, other.last))
