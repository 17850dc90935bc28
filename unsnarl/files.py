"""Writing result files."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace(file: Path, data: bytes) -> None:
    """Put ``data`` in ``file``, whole or not at all: a temporary file beside it takes its place. Raises OSError."""
    if file.exists() and not file.is_file():
        # A device or a pipe (/dev/stdout) is written to, not replaced.
        file.write_bytes(data)
        return
    target = Path(os.path.realpath(file))
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        try:
            temporary.chmod(target.stat().st_mode & 0o7777)
        except FileNotFoundError:
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
