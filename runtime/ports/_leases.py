"""The right to a name and a port on this host, for as long as the process lives."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import sys
import time
from _thread import RLock
from pathlib import Path
from typing import TYPE_CHECKING

from ._errors import PortTaken, UnknownPort
from ._files import Folder, Held, Record, unlock
from ._lookup import refuse
from ._schema import schema

if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn, Self

    from ._lookup import Effective

_Key = tuple[str, str]


class Lease:
    """A name and its port, which no other process on this host gets while this one has them.

    Made by `claim`. As a context manager it is given back at the end of the block. The system gives it back when the
    process ends, however that ends; a child process does not have it.

    Attributes:
        name: The name in the registry.
        machine: The machine of the registry whose port it is.
        port: The port in force.
        owner: What others are told.
        since: When it was claimed, in seconds since the epoch.
    """

    __slots__ = ("_claims", "_descriptors", "_folder", "_key", "machine", "name", "owner", "port", "since")

    def __init__(self, port: Effective, owner: str, folder: Folder, key: _Key) -> None:
        self.name = port.entry.name
        self.machine = port.entry.machine
        self.port = port.number
        self.owner = owner
        self.since = time.time()
        self._claims = 1
        self._folder = folder
        self._key = key
        self._descriptors: list[int] = []

    @property
    def held(self) -> bool:
        """Whether it is in force: not given back, and not of a parent process."""
        return bool(self._descriptors)

    def bind(self, host: str = "127.0.0.1", *, backlog: int | None = 128, kind: int | None = None) -> socket.socket:
        """A socket bound to the port; see `bind_socket` for ``host``, ``backlog`` and ``kind``.

        Raises:
            PortTaken: A program that has no lease uses the port, or this process has bound it already.
            OSError: It cannot be bound for another reason.
            RuntimeError: The lease is not in force.
        """
        if not self.held:
            raise RuntimeError(f"the lease of `{self.name}` is not in force here: claim it in this process")
        address = "0.0.0.0" if host in {"", "*"} else host  # noqa: S104 - as the caller asks
        chosen = socket.SOCK_STREAM if kind is None else kind
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, chosen)
        try:
            if chosen == socket.SOCK_STREAM:
                # Connections of the last owner that have ended (TIME_WAIT) are no hindrance. Not for datagrams, where
                # it would let two programs share the port.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, self.port))
            if chosen == socket.SOCK_STREAM and backlog is not None:
                sock.listen(backlog)
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE:
                self._in_use()
            told = f"{error.strerror or error}: port {self.port} of `{self.name}` cannot be bound on {address}"
            raise OSError(error.errno, told) from None
        return sock

    def release(self) -> None:
        """Give back one claim; the last one gives back the lease. More of them do nothing."""
        with _lock:
            self._claims -= 1
            if self._claims <= 0:
                self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        state = "" if self.held else ", not in force"
        return f"<Lease of {self.name}, port {self.port}, by {self.owner}{state}>"

    def _take(self, port: Effective) -> None:
        name, number = port.entry.name, port.number
        program = str(Path(sys.argv[0]).absolute()) if sys.argv and sys.argv[0] else ""
        registry = os.path.realpath(port.view.file)
        record = Record(self.owner, os.getpid(), name, number, self.machine, self.since, program, registry)
        for file in (self._key[1], port_file(number)):
            try:
                self._descriptors.append(self._folder.lock(file, record))
            except Held as held:
                theirs = held.record
                if file == self._key[1]:
                    problem = f"`{name}` has been claimed by {theirs}: stop that process, or this one"
                else:
                    where = f"{registry}:{port.entry.line}" if not port.variable else port.variable
                    told = f"as `{theirs.name}` by {theirs}" if theirs.name else f"by {theirs}"
                    problem = (
                        f"port {number} of `{name}` has been claimed {told}: "
                        f"stop that process, or choose another port in {where}"
                    )
                _taken(problem, port, theirs.owner, theirs.pid, theirs.since)

    def _in_use(self) -> NoReturn:
        from ._listeners import listeners

        # What answers on the port has no lease, or is a socket of our own.
        found = [one for one in listeners() if one.port == self.port]
        mine = any(one.pid == os.getpid() for one in found)
        who = ", ".join(dict.fromkeys(map(str, found))) or "a program that cannot be told from here"
        told = "this process has bound it already" if mine else f"in use by {who}, which has no lease: stop it"
        pid = next((one.pid for one in found if one.pid), 0)
        raise PortTaken(
            errno.EADDRINUSE, f"port {self.port} of `{self.name}`: {told}", name=self.name, port=self.port, pid=pid
        )

    def _drop(self) -> None:
        if _held.get(self._key) is self:
            del _held[self._key]
        for descriptor in self._descriptors:
            unlock(descriptor)
        self._descriptors.clear()
        self._folder.close()


# Folder and file of the name -> lease of this process.
_held: dict[_Key, Lease] = {}
# Reentrant: a signal handler or a finaliser may claim or give back while this thread does.
_lock = RLock()


def take(port: Effective, owner: str | None) -> Lease:
    """Claim a port that was looked up; see `claim`."""
    entry, view = port.entry, port.view
    if view.machine is not None and entry.machine not in (view.machine, schema().SHARED):
        problem = (
            f"`{entry.name}` is a port of machine `{entry.machine}`, and this is `{view.machine}` (UNSNARL_MACHINE)"
        )
        raise UnknownPort(f"{problem}: claim it there", entry.name)
    owner = owner or entry.owner or entry.name
    named = view.environment.get("UNSNARL_LEASES") or None
    if named is not None and not Path(named).is_absolute():
        refuse("UNSNARL_LEASES", f"`{named}` is another folder for each program: write it from `/`")
    with _lock:
        folder = Folder(named)
        key = (folder.path, name_file(port))
        held = _held.get(key)
        if held is not None:
            folder.close()
            if held.owner != owner:
                problem = f"`{entry.name}` has been claimed by {held.owner} in this process (pid {os.getpid()})"
                _taken(f"{problem}, and now by {owner}: give it one owner", port, held.owner, os.getpid(), held.since)
            if held.port != port.number:
                problem = f"`{entry.name}` has been claimed here at port {held.port}, and it is {port.number} now"
                _taken(f"{problem}: release() that lease first", port, held.owner, os.getpid(), held.since)
            held._claims += 1
            return held
        lease = Lease(port, owner, folder, key)
        try:
            lease._take(port)
        except BaseException:
            lease._drop()
            raise
        _held[key] = lease
        return lease


def release_below(folder: str) -> None:
    """Give back every lease of this process whose files are in ``folder``."""
    with _lock:
        for lease in [one for key, one in _held.items() if key[0] == folder]:
            lease._drop()


def port_file(number: int) -> str:
    """The name of the file that is locked for a port, whatever it is called."""
    return f"port-{number}"


def name_file(port: Effective) -> str:
    """The name of the file that is locked for a name of one registry.

    A second set of services from the same registry, moved by an offset, has names of its own.
    """
    scope = f"{os.path.realpath(port.view.file)}\n{port.view.offset}\n{port.entry.machine}"
    return f"name-{port.entry.name}-{hashlib.blake2b(os.fsencode(scope), digest_size=8).hexdigest()}"


def _taken(problem: str, port: Effective, owner: str, pid: int, since: float) -> NoReturn:
    raise PortTaken(
        errno.EADDRINUSE, problem, name=port.entry.name, port=port.number, owner=owner, pid=pid, since=since
    ) from None


def _in_child() -> None:
    """A lock lasts until every process that has the file open has closed it: the child must not outlive its parent."""
    global _lock  # noqa: PLW0603
    for lease in _held.values():
        for descriptor in lease._descriptors:
            os.close(descriptor)
        lease._descriptors.clear()
        lease._folder.close()
    _held.clear()
    _lock = RLock()


def _before_fork() -> None:
    # So that no lease is half made when the child begins.
    _lock.acquire()


def _in_parent() -> None:
    _lock.release()


os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
