"""Where results go: to stdout, or whole into a file."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from unsnarl.trouble import Trouble

_SOURCE = (".py", ".pyi", ".pyw")


def whole(path: str | Path) -> Path:
    """``path`` from the root of the system, without ``.`` and ``..``; links are not followed, so names stay."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve() would follow links


def refuse_source(file: str | None, paths: Iterable[str]) -> None:
    """Raise Trouble when results for ``file`` would take the place of Python source, or of one of the ``paths``."""
    if file is None or file == "-":
        return
    # What is written is the file at the end of the links.
    target = Path(os.path.realpath(file))
    if target.is_file() and (target.suffix in _SOURCE or any(Path(os.path.realpath(one)) == target for one in paths)):
        raise Trouble(f"--output-file {file}: the results would overwrite a source file: name another file")


def deliver(text: str, file: str | None) -> None:
    """Put results on stdout (also called ``-``) or, whole or not at all, into ``file``. Raises Trouble."""
    if file is None or file == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        replace(Path(file), text.encode("utf-8"))
    except OSError as error:
        raise Trouble(f"{file}: cannot be written: {error.strerror}") from None


def replace(file: Path, data: bytes) -> None:
    """Put ``data`` in ``file``, whole or not at all: a temporary file beside it takes its place. Raises OSError."""
    if file.exists() and not file.is_file():
        # A device or a pipe (/dev/stdout) is written to, not replaced.
        file.write_bytes(data)
        return
    import tempfile

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


def coloured() -> bool:
    """Whether stdout is to have colours: a terminal, unless NO_COLOR is set; FORCE_COLOR asks for them."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()
