"""Who listens on which port of this host, as far as the system tells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_LISTEN = "0A"
_PROC = Path("/proc")


class Listener(NamedTuple):
    """A TCP port that a process listens on; ``pid`` is 0 and ``command`` empty where we may not know them."""

    port: int
    pid: int
    command: str

    def __str__(self) -> str:
        if not self.pid:
            return "a process of another user"
        return f"{self.command or 'a process'} (pid {self.pid})"


def can_tell() -> bool:
    """Whether this system says which ports are listened on."""
    return (_PROC / "net" / "tcp").exists()


def listeners() -> list[Listener]:
    """The TCP ports that somebody listens on, sorted; empty where the system does not say."""
    ports = dict(_inodes())
    if not ports:
        return []
    found: set[Listener] = set()
    seen: set[str] = set()
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            for inode in _sockets(folder) & ports.keys():
                seen.add(inode)
                found.add(Listener(ports[inode], int(folder.name), _command(folder)))
    found.update(Listener(port, 0, "") for inode, port in ports.items() if inode not in seen)
    return sorted(found)


def _inodes() -> Iterator[tuple[str, int]]:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    yield fields[9], int(fields[1].rpartition(":")[2], 16)


def _sockets(folder: Path) -> set[str]:
    inodes = set()
    # Processes end while we look, and others' are not ours to look into.
    with suppress(OSError):
        for name in os.listdir(folder / "fd"):  # noqa: PTH208
            with suppress(OSError):
                target = os.readlink(folder / "fd" / name)  # noqa: PTH115
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    return inodes


def _command(folder: Path) -> str:
    with suppress(OSError):
        words = (folder / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
        return "".join(one if one.isprintable() else "?" for one in " ".join(words))[:120]
    return ""
