"""Replaces many files, all of them or none.

Every new text is on the disk before the first file is replaced, so that a full disk is met while nothing has changed
yet. What goes wrong after that, an interrupt included, rolls everything back; a run that is killed leaves a journal
from which ``--recover`` does the same.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import msgspec

from analysis.index import digest_of
from analysis.source import read_regular
from codemods.compose import apply
from codemods.journal import Entry, Journal, JournalError, Restored, sync_path

Edits = Sequence[tuple[int, int, bytes]]
_SYNCERS = 16
_SHOWN = 10


class Changed(JournalError):
    """A file was changed by someone else while the run was at work."""


class Replacement(msgspec.Struct, frozen=True):
    """``edits`` turn the bytes of ``path`` with the digest ``old`` into those with the digest ``new``.

    ``old`` is empty for a file that is made.
    """

    path: str
    old: bytes
    new: bytes
    edits: tuple[tuple[int, int, bytes], ...]


class _Staged(msgspec.Struct, frozen=True):
    entry: Entry
    target: str
    old: str
    new: str
    stamp: tuple[int, int, int]


class Transaction:
    """Holds the lock of a tree for as long as a run that writes goes on.

    ``with Transaction(root) as it: it.write(replacements)``. Raises Busy or Pending on entering.
    """

    def __init__(self, root: Path) -> None:
        self.journal = Journal(root)
        self.written = False
        """Whether all files are replaced: from then on an interrupt does not take anything back."""
        self.links: list[str] = []
        """Files that have other names (hard links) that were not rewritten, and so keep the old text."""
        self._names: dict[tuple[int, int], tuple[int, list[str]]] = {}

    def __enter__(self) -> Self:
        self.journal.lock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.journal.release()

    def write(self, replacements: Sequence[Replacement]) -> None:
        """Make all ``replacements``, or raise JournalError (or what interrupted it) with the tree as it was."""
        targets = self._targets(replacements)
        _refuse_read_only([*targets, str(self.journal.folder.parent)])
        with Interrupts() as interrupts:
            try:
                self.journal.begin()
                staged = []
                for number, (path, one) in enumerate(targets.items()):
                    interrupts.check()
                    staged.append(self._stage(number, path, one))
                self._settle(staged)
                for each in staged:
                    interrupts.check()
                    self._replace(each)
                _sync({os.path.dirname(one.target) for one in staged})
                interrupts.check()
            except BaseException as error:
                restored = self.journal.roll_back()
                if isinstance(error, OSError):
                    raise JournalError(_trouble(error, restored)) from None
                raise
            self.journal.finish()
            self.written = True
            self.links = [name for number, names in self._names.values() if number > len(names) for name in names]

    def _targets(self, replacements: Sequence[Replacement]) -> dict[str, Replacement]:
        """The real files behind the paths; one that is reached by several paths is replaced once."""
        found: dict[str, Replacement] = {}
        for one in replacements:
            path = os.path.realpath(one.path)
            if path in found and found[path].new != one.new:
                raise JournalError(f"{path}: reached by two names and rewritten in two ways; nothing was written")
            found[path] = one
        return found

    def _stage(self, number: int, path: str, replacement: Replacement) -> _Staged:
        if not replacement.old:
            return self._stage_new(number, path, replacement)
        try:
            data, status = read_regular(path)
        except FileNotFoundError:
            raise Changed(f"{path}: it was removed while this run was at work; nothing was written") from None
        if digest_of(data) != replacement.old:
            raise Changed(f"{path}: it was changed by someone else while this run was at work; nothing was written")
        text = apply(data, replacement.edits)
        if digest_of(text) != replacement.new:
            raise JournalError(f"{path}: the new text is not the one that was checked; nothing was written")
        entry = Entry(number, self._name(path), replacement.old.hex(), replacement.new.hex())
        self.journal.note(entry)
        # The journal gives a file a further name: only what is counted first counts.
        self._names.setdefault((status.st_dev, status.st_ino), (status.st_nlink, []))[1].append(entry.path)
        for old, new in self.journal.places(entry):
            try:
                _second_name(path, old, data)
                _create(new, text, status, path)
                # A rename from there must work, which only trying something like it can tell.
                if os.stat(new).st_dev == status.st_dev:
                    return _Staged(entry, path, old, new, _stamp(status))
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
            for made in (old, new):
                if os.path.lexists(made):
                    os.unlink(made)
        raise JournalError(f"{path}: there is no place on its file system for its new text; nothing was written")

    def _stage_new(self, number: int, path: str, replacement: Replacement) -> _Staged:
        """Prepare a file that is not there yet, and the folders on the way to it."""
        text = apply(b"", replacement.edits)
        if digest_of(text) != replacement.new:
            raise JournalError(f"{path}: the new text is not the one that was checked; nothing was written")
        if os.path.lexists(path):
            raise Changed(f"{path}: it was made while this run was at work; nothing was written")
        folder = os.path.dirname(path)
        missing = ""
        above = folder
        while not os.path.lexists(above):
            missing, above = above, os.path.dirname(above)
        entry = Entry(number, self._name(path), "", replacement.new.hex(), self._name(missing) if missing else "")
        self.journal.note(entry)
        os.makedirs(folder, exist_ok=True)
        for old, new in self.journal.places(entry):
            mask = os.umask(0)
            os.umask(mask)
            _write(new, text, 0o666 & ~mask)
            if os.stat(new).st_dev == os.stat(folder).st_dev:
                return _Staged(entry, path, old, new, (0, 0, 0))
            os.unlink(new)
        raise JournalError(f"{path}: there is no place on its file system for its text; nothing was written")

    def _name(self, path: str) -> str:
        """How the journal names ``path``: relative to its root where it lies inside."""
        root = self.journal.root
        return path.removeprefix(os.path.join(root, ""))

    def _settle(self, staged: Sequence[_Staged]) -> None:
        """Have all that was staged on the disk, and make sure that nobody touched the files meanwhile."""
        _sync([one.new for one in staged])
        self.journal.sync()

    def _replace(self, one: _Staged) -> None:
        if not one.entry.old:
            if os.path.lexists(one.target):
                raise Changed(f"{one.target}: it was made while this run was at work; nothing was written")
            os.replace(one.new, one.target)
            return
        try:
            status = os.lstat(one.target)
        except FileNotFoundError:
            raise Changed(f"{one.target}: it was removed while this run was at work; nothing was written") from None
        if _stamp(status) != one.stamp:
            raise Changed(
                f"{one.target}: it was changed by someone else while this run was at work; nothing was written"
            )
        os.replace(one.new, one.target)


def recover(root: Path) -> Restored | None:
    """Roll back the run that ended in the middle of writing in ``root``; None when there is none.

    Raises Busy, and Pending when that run was one of a folder above.
    """
    journal = Journal(root)
    journal.look_above()
    if not journal.folder.is_dir():
        return None
    journal.lock(recovering=True)
    try:
        if not (journal.folder / "plan").exists():
            return None
        with Interrupts():
            return journal.roll_back()
    finally:
        journal.release()


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    # Not the time of change: giving an inode a second name sets it.
    return status.st_ino, status.st_mtime_ns, status.st_size


def _second_name(path: str, old: str, data: bytes) -> None:
    """Keep the inode of ``path`` as ``old``; where the file system has no hard links, a copy of it."""
    try:
        os.link(path, old)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EACCES):
            raise
        _write(old, data, 0o600)
        shutil.copystat(path, old)
        sync_path(old)


def _create(new: str, text: bytes, status: os.stat_result, like: str) -> None:
    """Write the new file with the owner, mode and attributes of the old one."""
    _write(new, text, stat.S_IMODE(status.st_mode) & 0o700)
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        # Only root may give files away; whoever may write the file becomes its owner.
        with suppress(PermissionError):
            os.chown(new, status.st_uid, status.st_gid)
    os.chmod(new, stat.S_IMODE(status.st_mode))
    if hasattr(os, "listxattr"):
        _copy_attributes(like, new)


def _copy_attributes(source: str, target: str) -> None:
    try:
        for name in os.listxattr(source):
            os.setxattr(target, name, os.getxattr(source, name))
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENODATA):
            raise


def _write(path: str, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
    finally:
        os.close(handle)


def _sync(paths: Sequence[str] | set[str]) -> None:
    """Have all ``paths`` on the disk. The file system does many at once in the time of a few."""
    if len(paths) < 2:
        for path in paths:
            sync_path(path)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_SYNCERS) as pool:
        for _ in pool.map(sync_path, paths):
            pass


def _refuse_read_only(paths: Sequence[str]) -> None:
    """Raise JournalError, naming them, when files are read-only or their folders cannot be written to."""
    bad: list[str] = []
    folders: set[str] = set()
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue
        # To root every file is writable; that a file is marked read-only is still meant.
        if not mode & 0o222 or not os.access(path, os.W_OK):
            bad.append(path)
        folder = path if stat.S_ISDIR(mode) else os.path.dirname(path)
        if folder not in folders:
            folders.add(folder)
            if not os.access(folder, os.W_OK | os.X_OK):
                bad.append(folder)
    if bad:
        named = ", ".join(dict.fromkeys(bad[:_SHOWN])) + (f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else "")
        raise JournalError(f"read-only: {named}; nothing was written. Make them writable, or leave them out")


def _trouble(error: OSError, restored: Restored) -> str:
    reason = error.strerror or str(error)
    where = error.filename if isinstance(error.filename, str) else "the journal"
    message = f"{where}: {reason[:1].lower() + reason[1:]}; "
    if restored.changed:
        kept = ", ".join(
            f"{path} ({f'old text: {place}' if place else 'made by this run'})" for path, place in restored.changed
        )
        return message + f"everything was put back but what someone else changed meanwhile: {kept}"
    return message + ("everything was put back as it was" if restored.files else "nothing was written")


class Terminated(SystemExit):
    """The run was asked to end by a signal; ``code`` is what the shell makes of that."""


class Interrupts:
    """Puts off requests to end (interrupt, termination, hang-up) to the places that ``check``, and to its own end.

    So nothing is ever broken off between two steps that belong together. Outside of the main thread, which alone may
    do this, it does nothing.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # One that was not set by Python code cannot be set by it either.
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        if error is None:
            self.check()

    def _note(self, number: int, _: FrameType | None) -> None:
        self.asked = number

    def check(self) -> None:
        """Raise KeyboardInterrupt or Terminated when the run was asked to end."""
        if self.asked == signal.SIGINT:
            raise KeyboardInterrupt
        if self.asked:
            raise Terminated(128 + self.asked)
