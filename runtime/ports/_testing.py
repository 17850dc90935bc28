"""Free ports for tests: every name has one, and no two test processes have the same."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ._errors import PortTaken
from ._files import SHARED, Folder, Held, Record
from ._leases import port_file, release_below
from ._lookup import Effective, reload, view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

_BLOCK = "block-"
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_EPHEMERAL = (32768, 65535)
_FIRST, _LAST = 20000, 65535


class FreePorts:
    """The context manager that `free_ports` returns. Entering it gives the ports by name.

    A name that several machines have is there once for each, as ``NAME@machine``: in a test they all run here.
    """

    def __init__(self, caller: str | None, names: Iterable[str] | None) -> None:
        self._caller = caller
        self._names = None if names is None else tuple(names)
        self._stack = ExitStack()

    def __enter__(self) -> dict[str, int]:
        with ExitStack() as stack:
            view = view_of(self._caller)
            names = tuple(view.names) if self._names is None else self._names
            for name in names:
                if name not in view.names:
                    view.find(name, None, self._caller)
            wanted = [one for name in dict.fromkeys(names) for one in view.names[name].values()]
            outer = _outermost(view.environment.get("UNSNARL_LEASES"))
            folder = Folder(outer)
            stack.callback(folder.close)
            avoid = {number for one in view.all() for number in (one.number, one.entry.port)}
            candidates = _candidates()
            numbers = [_reserve(folder, one, candidates, avoid, stack) for one in wanted]
            block = _block(folder, stack)
            self._set("UNSNARL_LEASES", block, stack)
            for name in dict.fromkeys(names):
                mine = [(one, number) for one, number in zip(wanted, numbers, strict=True) if one.entry.name == name]
                text = ",".join(f"{one.entry.machine}:{number}" for one, number in mine)
                self._set(f"UNSNARL_PORT_{name}", text if len(mine) > 1 else str(mine[0][1]), stack)
            stack.callback(release_below, block)
            reload()
            self._stack = stack.pop_all()
        several = {name for name in names if len(view.names[name]) > 1}
        return {
            f"{one.entry.name}@{one.entry.machine}" if one.entry.name in several else one.entry.name: number
            for one, number in zip(wanted, numbers, strict=True)
        }

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        reload()

    def _set(self, variable: str, text: str, stack: ExitStack) -> None:
        before = os.environ.get(variable)
        os.environ[variable] = text
        if before is None:
            stack.callback(os.environ.pop, variable, None)
        else:
            stack.callback(os.environ.__setitem__, variable, before)


def _outermost(named: str | None) -> str | None:
    """The folder in which test processes see each other: of a block within a block the outer one's."""
    if named and Path(named).name.startswith(_BLOCK):
        parent = str(Path(named).parent)
        return None if parent == SHARED else parent
    return named or None


def _candidates() -> Iterator[int]:
    """Ports to try, first those that the system gives to nobody who asks for any port."""
    first, last = _USUAL_EPHEMERAL
    with suppress(OSError, ValueError):
        first, last = map(int, _EPHEMERAL.read_text().split())
    ports = range(_FIRST, _LAST + 1)
    quiet = [port for port in ports if not first <= port <= last]
    others = [port for port in ports if first <= port <= last]
    for part in (quiet, others):
        # From anywhere, so that processes that start together do not try one another's.
        start = int.from_bytes(os.urandom(4)) % len(part) if part else 0
        yield from part[start:] + part[:start]


def _reserve(folder: Folder, port: Effective, candidates: Iterator[int], avoid: set[int], stack: ExitStack) -> int:
    """The next of ``candidates`` that is free, locked until ``stack`` is closed."""
    record = Record("free_ports", os.getpid(), port.entry.name, 0, port.entry.machine)
    for number in candidates:
        if number in avoid:
            continue
        try:
            descriptor = folder.lock(f"free-{number}", record._replace(port=number))
        except Held:
            continue
        if folder.peek(port_file(number)) is None and _is_free(number):
            stack.callback(_here, os.getpid(), _give_back, folder, descriptor, number)
            return number
        _give_back(folder, descriptor, number)
    problem = f"no port from {_FIRST} to {_LAST} is free for `{port.entry.name}`: stop what uses them"
    raise PortTaken(errno.EADDRINUSE, problem, name=port.entry.name)


def _here(pid: int, call: Callable[..., object], *words: object) -> None:
    """Call it in the process that entered the block: a forked child may leave it too, and the files are not its own."""
    if os.getpid() == pid:
        call(*words)


def _give_back(folder: Folder, descriptor: int, number: int) -> None:
    # Ports are tried at random, and would leave thousands of files.
    with suppress(OSError):
        os.unlink(f"free-{number}", dir_fd=folder.descriptor)
    os.close(descriptor)


def _is_free(number: int) -> bool:
    """Whether nobody has the port. Only test processes are kept from it afterwards, by the lock."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        # Without SO_REUSEADDR, as the code under test may be.
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("", number))
            except OSError:
                return False
    return True


def _block(folder: Folder, stack: ExitStack) -> str:
    """A folder for the leases of one block, and the end of those whose process was killed."""
    for old in Path(folder.path).glob(f"{_BLOCK}*"):
        with suppress(OSError):
            _remove(old)
    while True:
        path = tempfile.mkdtemp(prefix=_BLOCK, dir=folder.path)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            # Another process may have taken it for an old one before it was locked.
            if os.stat(path).st_ino == os.fstat(descriptor).st_ino:  # noqa: PTH116
                stack.callback(_here, os.getpid(), shutil.rmtree, path, True)
                stack.callback(os.close, descriptor)
                return path
        os.close(descriptor)


def _remove(old: Path) -> None:
    descriptor = os.open(old, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_uid == os.getuid():
            # Fails while the block that it belongs to goes on.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
    finally:
        os.close(descriptor)
