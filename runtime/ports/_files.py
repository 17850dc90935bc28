"""The files that leases are: each is locked while somebody has it, and tells who.

A lock of the system (``flock``) goes when the process does, however that ends. What a file says counts only while it is
locked. Who has locked a file makes sure that it is still the one in the folder.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

# Not tempfile.gettempdir(): that follows TMPDIR, and two programs with two of those would not see each other.
SHARED = "/tmp/unsnarl-leases"  # noqa: S108 - what makes it safe stands in Folder
_LONGEST = 65536
_PATIENCE = 0.5
_PAUSE = 0.005


class Record(NamedTuple):
    """Who has a lease: what the file says. ``since`` is in seconds since the epoch; empty and 0 are unknown."""

    owner: str = ""
    pid: int = 0
    name: str = ""
    port: int = 0
    machine: str = ""
    since: float = 0.0
    program: str = ""
    registry: str = ""

    def __str__(self) -> str:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since)) if self.since else ""
        told = [f"pid {self.pid}" if self.pid else "", self.program, f"since {when}" if when else ""]
        return f"{self.owner or 'somebody'} ({', '.join(filter(None, told)) or 'it has not said who it is'})"


class Held(Exception):
    """Somebody else holds the lock."""

    def __init__(self, record: Record) -> None:
        super().__init__(str(record))
        self.record = record


class Folder:
    """A folder of leases, open. Raises OSError when it cannot be used, with what to do."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = os.fspath(path or SHARED)
        # In a folder that others can write to, a link may lead anywhere.
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if path else os.O_NOFOLLOW)
        try:
            with suppress(FileExistsError):
                os.mkdir(self.path)  # noqa: PTH102
                if not path:
                    # World-writable and sticky, as the temporary folder is: two users must see each other's leases,
                    # and not remove them.
                    os.chmod(self.path, 0o1777)  # noqa: PTH101, S103
            self.descriptor = os.open(self.path, flags)
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror}: leases need a folder; {_OTHER}", self.path) from None
        mode = os.fstat(self.descriptor).st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            self.close()
            problem = f"everybody can remove files there: set its sticky bit (chmod +t), or {_OTHER}"
            raise PermissionError(errno.EPERM, problem, self.path)
        # systemd-tmpfiles removes what is old from the temporary folder, but nothing below a folder that is locked.
        with suppress(OSError):
            fcntl.flock(self.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def close(self) -> None:
        """Once or more often."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def lock(self, file: str, record: Record) -> int:
        """Lock ``file`` and write ``record``: the descriptor that holds it.

        Raises:
            Held: Somebody else has it; the record is theirs, or what of it is known after half a second.
            OSError: The file is not ours to use.
        """
        deadline = time.monotonic() + _PATIENCE
        while True:
            descriptor = self._open(file)
            if self._locked(descriptor, file):
                # What cannot be written, on a full disk, is a name in a message; the lease holds.
                with suppress(OSError):
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, json.dumps(record._asdict()).encode(), 0)
                return descriptor
            theirs = _record(descriptor)
            os.close(descriptor)
            # Who has just locked it may not have written yet, and what stands there is then of somebody who is gone.
            if theirs is not None and _lives(theirs.pid):
                raise Held(theirs)
            if time.monotonic() > deadline:
                raise Held(theirs or Record())
            time.sleep(_PAUSE)

    def peek(self, file: str) -> Record | None:
        """Who has ``file`` locked, None when nobody has. Raises OSError."""
        try:
            descriptor = os.open(
                file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.descriptor
            )
        except FileNotFoundError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            # Shared, so that two who look do not see each other; who claims at this moment tries again.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _record(descriptor) or Record()
        finally:
            os.close(descriptor)
        return None

    def records(self, prefix: str) -> Iterator[Record]:
        """Who has the files whose names begin with ``prefix``, sorted by file name."""
        for file in sorted(os.listdir(self.descriptor)):  # noqa: PTH208
            if file.startswith(prefix):
                with suppress(OSError):
                    found = self.peek(file)
                    if found is not None:
                        yield found

    def _open(self, file: str) -> int:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            while True:
                # In two steps: where the kernel protects a sticky folder (fs.protected_regular), O_CREAT on another
                # user's file is refused.
                try:
                    descriptor = os.open(file, flags | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=self.descriptor)
                    os.fchmod(descriptor, 0o666)
                except FileExistsError:
                    try:
                        descriptor = os.open(file, flags, dir_fd=self.descriptor)
                    except FileNotFoundError:
                        continue
                break
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror}: remove it, or {_OTHER}", f"{self.path}/{file}") from None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            os.close(descriptor)
            # A second name would have us write into somebody's file.
            problem = f"not a file with one name, so not a lease: remove it, or {_OTHER}"
            raise OSError(errno.EPERM, problem, f"{self.path}/{file}")
        return descriptor

    def _locked(self, descriptor: int, file: str) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have been removed by hand since it was opened, and made anew by somebody else.
            there = os.stat(file, dir_fd=self.descriptor, follow_symlinks=False)
        except (BlockingIOError, FileNotFoundError):
            return False
        mine = os.fstat(descriptor)
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


_OTHER = "name another folder in UNSNARL_LEASES, the same for all programs of this host"


def unlock(descriptor: int) -> None:
    """Give back what ``Folder.lock`` returned, and leave no name behind."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
    os.close(descriptor)


def _record(descriptor: int) -> Record | None:
    """What the file says, None when it says nothing that can be read: anybody may write there."""
    try:
        raw = json.loads(os.pread(descriptor, _LONGEST, 0))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(raw, Mapping):
        return None
    values: dict[str, Any] = {}
    for name, default in Record._field_defaults.items():
        value = raw.get(name)
        if type(value) is int and isinstance(default, float):
            value = float(value)
        if type(value) is not type(default):
            return None
        values[name] = _shown(value) if isinstance(value, str) else value
    return Record(**values)


def _shown(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)


def _lives(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # another user's
    return True
