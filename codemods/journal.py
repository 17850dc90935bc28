"""The journal of a run that writes: enough to put a tree back as it was, whatever the run was doing when it ended.

It is a folder of its own, ``.unsnarl_journal`` in the root, that is only there while a run writes. For each file it
holds the old inode under a second name (a hard link; a copy where the file system has none), so that putting it back
needs no space and brings back owner, mode, times and all. The new bytes wait there too, so that a run that is killed
leaves nothing behind in the tree itself.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from analysis.index import digest_of

NAME = ".unsnarl_journal"
_PLAN, _DONE, _LOCK, _IGNORE = "plan", "done", "lock", ".gitignore"
_FORMAT = 1


class JournalError(Exception):
    """The job cannot be done; the message says why, which file, and what to do."""


class Busy(JournalError):
    """Another run is writing in this tree."""


class Pending(JournalError):
    """A run ended in the middle of writing, and its journal waits to be rolled back."""


class Head(msgspec.Struct, frozen=True):
    """The first line of the plan: which run it was. ``started`` is in seconds since 1970."""

    format: int
    run: str
    pid: int
    started: float


class Entry(msgspec.Struct, frozen=True):
    """One file that is being replaced. ``path`` is relative to the root where it lies inside; digests are hex.

    ``old`` is empty for a file that is made; ``folder`` is the first of the folders that were made for it.
    """

    number: int
    path: str
    old: str
    new: str
    folder: str = ""


class Restored(msgspec.Struct, frozen=True):
    """What a roll-back did: the files put back, and those that someone else has changed since, with the place where
    their old text was kept: empty for a file that the run made.
    """

    files: tuple[str, ...] = ()
    changed: tuple[tuple[str, str], ...] = ()


class Journal:
    """The journal folder of one root."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.folder = self.root / NAME
        self._base = os.path.join(self.folder, "")
        self._lock: int | None = None
        self._plan: int | None = None
        self.run = ""

    # Who may write

    def look(self) -> None:
        """For a run that writes nothing: raise Pending or Busy when the tree is in the middle of a change."""
        self.look_above()
        if (self.folder / _PLAN).exists():
            holder = self._held_by()
            raise Busy(_busy(self.root, holder)) if holder else self._pending()

    def look_above(self) -> None:
        """Raise Pending or Busy when a folder around this tree is in the middle of a change."""
        for folder in self.root.parents:
            if (folder / NAME / _PLAN).exists():
                Journal(folder).look()

    def lock(self, *, recovering: bool = False) -> None:
        """Become the one run that writes in this tree. Raises Busy, and Pending unless ``recovering``.

        A run in a folder around this one counts, whatever is asked: only from there can it be put back as a whole.
        """
        self.look_above()
        while self._lock is None:
            try:
                self.folder.mkdir(mode=0o700, exist_ok=True)
                handle = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise JournalError(f"{self.folder}: the journal cannot be made: {_reason(error)}") from None
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = self._held_by() or "?"
                os.close(handle)
                raise Busy(_busy(self.root, holder)) from None
            except OSError as error:
                os.close(handle)
                raise JournalError(f"{self.folder}: the journal cannot be locked: {_reason(error)}") from None
            # The run before may have taken the folder away between our opening and our locking.
            if _same(handle, self.folder / _LOCK):
                self._lock = handle
            else:
                os.close(handle)
        try:
            os.truncate(self._lock, 0)
            os.pwrite(self._lock, str(os.getpid()).encode(), 0)
            if (self.folder / _DONE).exists():
                self._clear()
            if not recovering and (self.folder / _PLAN).exists():
                pending = self._pending()
                self._unlock()
                raise pending
            (self.folder / _IGNORE).write_text("*\n", "utf-8")
        except OSError as error:
            self.release()
            raise JournalError(f"{self.folder}: the journal cannot be written: {_reason(error)}") from None

    def release(self) -> None:
        """Give the lock back; the folder goes unless it still holds a plan or kept files."""
        if self._lock is None:
            return
        if not (self.folder / _PLAN).exists():
            self._remove(self.folder / _IGNORE)
            self._remove(self.folder / _LOCK)
            try:
                self.folder.rmdir()
            except OSError:
                # Old texts of files that someone else changed were kept there.
                (self.folder / _IGNORE).write_text("*\n", "utf-8")
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _held_by(self) -> str:
        """The process that holds the lock, empty when none does."""
        try:
            handle = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return os.pread(handle, 20, 0).decode("ascii", "replace") or "?"
        else:
            return ""
        finally:
            os.close(handle)

    def _pending(self) -> Pending:
        head = self._head()
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(head.started)) if head else "an unknown time"
        who = f"process {head.pid}" if head else "a process"
        return Pending(
            f"{self.root}: a run that was writing here ({who}, begun {when}) did not come to its end; "
            "run again with --recover to put the tree back as it was"
        )

    # Writing

    def begin(self) -> None:
        """Open a new plan."""
        self.run = os.urandom(4).hex()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._plan = os.open(self.folder / _PLAN, flags, 0o600)
        self._line(Head(_FORMAT, self.run, os.getpid(), time.time()))

    def note(self, entry: Entry) -> None:
        """Write down that ``entry`` is going to be replaced, before anything is made for it."""
        self._line(entry)

    def _line(self, record: Head | Entry) -> None:
        assert self._plan is not None
        line = json.dumps(msgspec.to_builtins(record)).encode() + b"\n"
        if os.write(self._plan, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder / _PLAN))

    def target(self, entry: Entry) -> str:
        """The absolute path of the file of ``entry``."""
        return os.path.join(self.root, entry.path)

    def places(self, entry: Entry) -> Iterator[tuple[str, str]]:
        """Where the old and the new file of ``entry`` may be: in the journal, or beside the file when the journal is
        on another file system.
        """
        own = f"{self._base}{entry.number}"
        yield f"{own}.old", f"{own}.new"
        head, tail = os.path.split(self.target(entry))
        side = os.path.join(head, f".{tail[:80]}.{self.run}.{entry.number}")
        yield f"{side}.old", f"{side}.new"

    def sync(self) -> None:
        """Have the plan and the names in the journal on the disk."""
        if self._plan is not None:
            os.fsync(self._plan)
        sync_path(str(self.folder))

    def finish(self) -> None:
        """All files are replaced: from here on the new tree is the right one."""
        os.replace(self.folder / _PLAN, self.folder / _DONE)
        sync_path(str(self.folder))
        self._close()
        self._clear()

    def _close(self) -> None:
        if self._plan is not None:
            os.close(self._plan)
            self._plan = None

    # Reading

    def _head(self) -> Head | None:
        for line in self._lines(_PLAN):
            try:
                return msgspec.json.decode(line, type=Head)
            except msgspec.MsgspecError:
                return None
        return None

    def _lines(self, name: str) -> list[bytes]:
        try:
            data = (self.folder / name).read_bytes()
        except FileNotFoundError:
            return []
        # A line without its end was never finished, and so nothing was made for it yet.
        return data.split(b"\n")[:-1]

    def entries(self, name: str = _PLAN) -> list[Entry]:
        """What the plan says so far. Raises JournalError for a plan that another version wrote."""
        lines = self._lines(name)
        if not lines:
            return []
        try:
            head = msgspec.json.decode(lines[0], type=Head)
            if head.format != _FORMAT:
                raise JournalError(
                    f"{self.folder}: written by another version (format {head.format}); use that one to --recover"
                )
            self.run = head.run
            # Through json, as names that are no UTF-8 hold lone surrogates, which msgspec refuses.
            return [msgspec.convert(json.loads(line), Entry) for line in lines[1:]]
        except (msgspec.MsgspecError, ValueError) as error:
            raise JournalError(f"{self.folder}: the plan cannot be read: {error}") from None

    def roll_back(self) -> Restored:
        """Put every file back as it was; can be done again when it was interrupted."""
        self._close()
        files: list[str] = []
        changed: list[tuple[str, str]] = []
        for entry in reversed(self.entries()):
            if not entry.old:
                done = self._unmake(entry)
                if done == "restored":
                    files.append(entry.path)
                elif done:
                    changed.append((entry.path, ""))
                continue
            for old, new in self.places(entry):
                if os.path.lexists(old):
                    done = self._restore(entry, old, new)
                    if done == "restored":
                        files.append(entry.path)
                    elif done:
                        changed.append((entry.path, done))
                self._remove(new)
        sync_path(str(self.folder))
        self._remove(self.folder / _PLAN)
        return Restored(tuple(sorted(files)), tuple(sorted(changed)))

    def _restore(self, entry: Entry, old: str, new: str) -> str:
        """Returns ``restored``, empty when there was nothing to do, or where the old text was kept."""
        target = self.target(entry)
        try:
            with open(target, "rb") as file:
                status = os.fstat(file.fileno())
                now = digest_of(file.read()).hex()
        except FileNotFoundError:
            now = ""
        else:
            before = os.stat(old)
            if (status.st_dev, status.st_ino) == (before.st_dev, before.st_ino):
                # Renaming one name of an inode onto another does nothing, so the second name is taken away.
                self._remove(old)
                return ""
        if os.path.lexists(new) or now == entry.old:
            # It was not replaced yet: whatever is there is not ours.
            self._remove(old)
            return ""
        if now in (entry.new, ""):
            os.replace(old, target)
            return "restored"
        kept = self.folder / "kept" / f"{entry.number}-{os.path.basename(entry.path)}"
        kept.parent.mkdir(exist_ok=True)
        shutil.move(old, kept)
        return str(kept)

    def _unmake(self, entry: Entry) -> str:
        """Take away a file that was made, and the folders that were made for it.

        Returns ``restored``, empty when there was nothing to do, or ``left`` for a file that was changed since.
        """
        target = self.target(entry)
        staged = [new for _, new in self.places(entry) if os.path.lexists(new)]
        for new in staged:
            self._remove(new)
        done = ""
        try:
            with open(target, "rb") as file:
                now = digest_of(file.read()).hex()
        except OSError:
            now = ""
        if now == entry.new and not staged:
            self._remove(target)
            done = "restored"
        elif now and not staged:
            done = "left"
        folder = os.path.join(self.root, entry.folder) if entry.folder else ""
        above = os.path.dirname(target)
        while folder and (above == folder or above.startswith(os.path.join(folder, ""))):
            try:
                os.rmdir(above)
            except FileNotFoundError:
                # The run came no further than to a folder above.
                pass
            except OSError:
                break
            above = os.path.dirname(above)
        return done

    def _clear(self) -> None:
        entries = self.entries(_DONE)
        own = set(os.listdir(self.folder)) if entries else set[str]()
        for entry in entries:
            for place in itertools.chain.from_iterable(self.places(entry)):
                # Most of what could be there is not, and to ask for each by itself takes as long as to stage it.
                if not place.startswith(self._base) or place[len(self._base) :] in own:
                    self._remove(place)
        self._remove(self.folder / _DONE)

    @staticmethod
    def _remove(path: str | Path) -> None:
        try:
            os.unlink(path)
        except FileNotFoundError:
            return


def sync_path(path: str) -> None:
    """Have what ``path`` holds on the disk; file systems that cannot say so are believed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in (errno.EIO, errno.ENOSPC, errno.EDQUOT):
            raise
    finally:
        os.close(handle)


def _same(handle: int, path: Path) -> bool:
    try:
        named = os.stat(path)
    except OSError:
        return False
    opened = os.fstat(handle)
    return stat.S_ISREG(opened.st_mode) and (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)


def _busy(root: Path, holder: str) -> str:
    return f"{root}: another run is writing here (process {holder}); wait for it to end"


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return reason[:1].lower() + reason[1:]
