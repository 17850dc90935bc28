"""What is known of files already, kept on disk between runs: ``.unsnarl_cache/index.sqlite`` in the project's root.

An entry is found by the digest of the file's bytes, the topic and the *build* (interpreter, collector version and our
own code), so an answer cannot outlive what it was taken from. The status of a file stands for its digest only once it
is older than the clock's grain. The index is never needed: whatever is wrong with it, the files are read instead.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

FOLDER = ".unsnarl_cache"
SCHEMA = 1
RACY_NS = 2_000_000_000
"""A file changed less than this before it was looked at may change again without its status showing it."""
KEEP_DAYS = 14
_FEW = 64
_BUSY_SECONDS = 5.0

_TABLES = """
CREATE TABLE topic (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, day INTEGER NOT NULL);
CREATE TABLE fact (topic INTEGER NOT NULL, digest BLOB NOT NULL, crc INTEGER NOT NULL, blob BLOB NOT NULL,
                   PRIMARY KEY (topic, digest)) WITHOUT ROWID;
CREATE TABLE file (path BLOB PRIMARY KEY, mtime INTEGER, ctime INTEGER, size INTEGER, inode INTEGER, digest BLOB,
                   day INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pruned (day INTEGER NOT NULL);
INSERT INTO pruned VALUES (0);
"""


_FILES = "SELECT path, mtime, ctime, size, inode, digest FROM file WHERE TRUE"
_FACTS = "SELECT digest, crc, blob FROM fact WHERE topic = ?"


def _today(day: int | None) -> int:
    return int(time.time() // 86400) if day is None else day


def _rows(
    base: sqlite3.Connection, select: str, column: str, keys: Sequence[bytes], *values: int
) -> Iterator[tuple[Any, ...]]:
    """The rows of ``select`` for ``keys``: one by one where they are few, else all there are."""
    if len(keys) > _FEW:
        yield from base.execute(select, values)
        return
    for key in keys:
        yield from base.execute(f"{select} AND {column} = ?", (*values, key))


def digest_of(data: bytes) -> bytes:
    """The digest that names ``data`` in the index."""
    return hashlib.blake2b(data, digest_size=16).digest()


class Stamp(NamedTuple):
    """The status of a file, as far as it shows that the bytes are the same."""

    mtime: int
    ctime: int
    size: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """The stamp in ``status``."""
        return cls(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


class Known(NamedTuple):
    """``files``: stamp and digest by path. ``facts``: whether any are kept. ``due``: today's upkeep is still to do."""

    files: dict[bytes, tuple[Stamp, bytes]]
    facts: bool = False
    due: bool = False


class _Foreign(sqlite3.DatabaseError):
    """A database that this version did not make."""


_DAMAGED = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH})


class Index:
    """The index of the project at ``root``. Each call opens the file, does its work and closes it.

    No method raises for the state of the file or its folder: reading gives what can be had, writing does what can be
    done.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self.path = self.folder / "index.sqlite"
        self._broken = False

    def now(self) -> int | None:
        """The time in ns by the clock that stamps files in this folder; None when nothing can be written there."""
        try:
            self._make_folder()
            with self._lock(exclusive=False) as handle:
                os.utime(handle if os.utime in os.supports_fd else self.folder / "lock")
                return os.fstat(handle).st_mtime_ns
        except OSError:
            return None

    def files(self, paths: Sequence[bytes], day: int | None = None) -> Known:
        """What is known of ``paths`` (and, where those are many, of others). ``day``: today, in days since 1970."""
        known: dict[bytes, tuple[Stamp, bytes]] = {}
        try:
            with self._lock(exclusive=False), self._open() as base:
                (facts,) = base.execute("SELECT EXISTS (SELECT 1 FROM fact)").fetchone()
                (last,) = base.execute("SELECT day FROM pruned").fetchone()
                for row in _rows(base, _FILES, "path", paths):
                    known[row[0]] = Stamp(*row[1:5]), row[5]
                return Known(known, bool(facts), last != _today(day))
        except (OSError, sqlite3.Error, TypeError) as error:
            self._note(error)
        return Known({})

    def blobs(self, topics: Sequence[str], digests: Sequence[bytes]) -> dict[str, dict[bytes, bytes]]:
        """By topic key and digest, the blobs kept for ``digests`` (and, where those are many, for others).

        What is missing, damaged or locked is left out.
        """
        kept: dict[str, dict[bytes, bytes]] = {key: {} for key in topics}
        try:
            with self._lock(exclusive=False), self._open() as base:
                for key, blobs in kept.items():
                    found = base.execute("SELECT id FROM topic WHERE key = ?", (key,)).fetchone()
                    if found is None:
                        continue
                    for digest, crc, blob in _rows(base, _FACTS, "digest", digests, *found):
                        # A damaged page may still read as a row: only what was written is taken.
                        if crc32(blob, crc32(digest)) == crc:
                            blobs[digest] = blob
        except (OSError, sqlite3.Error, TypeError, ValueError) as error:
            self._note(error)
        return kept

    def write(
        self,
        files: Mapping[bytes, tuple[Stamp, bytes]],
        blobs: Mapping[str, Mapping[bytes, bytes]],
        used: Iterable[bytes] = (),
        day: int | None = None,
    ) -> None:
        """Add ``files`` (by path) and ``blobs`` (by topic key and digest).

        Once a day, mark the paths ``used`` and drop what has not been used for ``KEEP_DAYS``. ``day`` is today, in
        days since 1970.
        """
        today = _today(day)
        try:
            self._make_folder()
            if self._broken:
                self._remove()
            with self._lock(exclusive=False), self._open() as base:
                base.execute("BEGIN IMMEDIATE")
                base.executemany(
                    "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [(path, *stamp, digest, today) for path, (stamp, digest) in files.items()],
                )
                for key, added in blobs.items():
                    base.execute(
                        "INSERT INTO topic (key, day) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET day = excluded.day",
                        (key, today),
                    )
                    (topic,) = base.execute("SELECT id FROM topic WHERE key = ?", (key,)).fetchone()
                    base.executemany(
                        "INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?)",
                        [(topic, digest, crc32(blob, crc32(digest)), blob) for digest, blob in added.items()],
                    )
                self._prune(base, used, today)
                base.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            self._note(error)

    def _prune(self, base: sqlite3.Connection, used: Iterable[bytes], today: int) -> None:
        (last,) = base.execute("SELECT day FROM pruned").fetchone()
        if last == today:
            return
        base.executemany("UPDATE file SET day = ? WHERE path = ?", [(today, path) for path in used])
        base.execute("DELETE FROM file WHERE day < ?", (today - KEEP_DAYS,))
        base.execute("DELETE FROM fact WHERE topic IN (SELECT id FROM topic WHERE day < ?)", (today - KEEP_DAYS,))
        base.execute("DELETE FROM topic WHERE day < ?", (today - KEEP_DAYS,))
        base.execute("DELETE FROM fact WHERE digest NOT IN (SELECT digest FROM file)")
        base.execute("UPDATE pruned SET day = ?", (today,))

    def _note(self, error: Exception) -> None:
        # A lock or a full disk passes; a file that is no database of ours, or is damaged, does not.
        code = getattr(error, "sqlite_errorcode", None)
        if isinstance(error, (TypeError, ValueError, _Foreign)) or (code is not None and code & 0xFF in _DAMAGED):
            self._broken = True

    def _make_folder(self) -> None:
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            self.folder.mkdir(exist_ok=True)
            ignore.write_text("# Made by unsnarl; safe to delete.\n*\n", encoding="ascii")
            (self.folder / "CACHEDIR.TAG").write_text(
                "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache made by unsnarl.\n",
                encoding="ascii",
            )

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            if not stat.S_ISREG(os.lstat(self.path).st_mode):
                raise FileExistsError(self.path)
        except FileNotFoundError:
            pass
        base = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            (schema,) = base.execute("PRAGMA user_version").fetchone()
            if schema == 0:
                base.execute("BEGIN IMMEDIATE")
                (schema,) = base.execute("PRAGMA user_version").fetchone()
                if schema == 0:
                    if base.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone() != (0,):
                        raise _Foreign("tables without a schema number")
                    for statement in _TABLES.split(";\n"):
                        base.execute(statement)
                    base.execute(f"PRAGMA user_version = {SCHEMA}")
                    schema = SCHEMA
                base.execute("COMMIT")
            if schema != SCHEMA:
                raise _Foreign(f"schema {schema}")
            yield base
        finally:
            base.close()

    @contextlib.contextmanager
    def _lock(self, exclusive: bool) -> Iterator[int]:
        # SQLite must not lose its file while another process has it open, so it is only removed by who holds this
        # lock alone. The system lets go of the lock of a process that dies.
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            if sys.platform != "win32":
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
            yield handle
        finally:
            os.close(handle)

    def _remove(self) -> None:
        """Remove a file that is no database of ours. Raises OSError when others hold it open."""
        with self._lock(exclusive=True):
            for name in ("index.sqlite", "index.sqlite-journal"):
                with contextlib.suppress(FileNotFoundError):
                    (self.folder / name).unlink()
        self._broken = False
