"""Where the files of a tree's ``config/`` are looked for, on behalf of the file that asks."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing typing would cost ten times what the rest does

if TYPE_CHECKING:
    from pathlib import Path


def files(caller: str | None) -> list[str]:
    """The file that calls, and that of the program: a thread pool or another library may stand between them."""
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    return [file for file in (caller, program) if file]


def starts(caller: str | None) -> list[Path]:
    """The folders from which to look upwards, the likeliest first."""
    from contextlib import suppress
    from pathlib import Path

    # Not resolved at first: what is linked into a tree belongs to that tree. A link from /usr/local/bin is in none.
    found = [Path(file).absolute().parent for file in files(caller)]
    found += [Path(file).resolve().parent for file in files(caller)]
    with suppress(FileNotFoundError):  # the folder that a program stands in may have been removed
        found.append(Path.cwd())
    return found
