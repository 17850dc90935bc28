"""Which bytes a file holds: by its status where the index can be trusted for that, else by reading it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from analysis.discovery import Found
from analysis.index import RACY_NS, Index, Known, Stamp, digest_of
from analysis.source import read_regular


class Recognition:
    """The digests of files below ``root``. ``new_files`` are those that the index does not know yet, by path."""

    def __init__(self, root: Path, index: Index) -> None:
        self._root = root
        self._now = index.now()
        self.new_files: dict[bytes, tuple[Stamp, bytes]] = {}

    def digest(self, found: Found, known: Known) -> bytes | None:
        """The digest of a file: by its status where that can be trusted, by its bytes where they may be known."""
        path = os.path.join(self._root, found.name)
        try:
            status = found.status or os.stat(path)
        except OSError:
            return None
        name = os.fsencode(found.name)
        stamp = Stamp.of(status)
        entry = known.files.get(name)
        if entry is not None and entry[0] == stamp:
            return entry[1]
        if not known.facts or not stat.S_ISREG(status.st_mode):
            return None
        try:
            data, status = read_regular(path)
        except OSError:
            return None
        digest = digest_of(data)
        self.remember(name, Stamp.of(status), digest)
        return digest

    def remember(self, name: bytes, stamp: Stamp, digest: bytes) -> None:
        """Note that the file ``name``, while it has ``stamp``, holds the bytes of ``digest``."""
        # What was changed just before (or, by a clock that is off, after) it was looked at may change once more and
        # look the same.
        if self._now is not None and max(stamp.mtime, stamp.ctime) + RACY_NS < self._now:
            self.new_files[name] = stamp, digest
