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
    """The folders from which to look upwards, the likeliest first; those of this package are not among them."""
    from contextlib import suppress
    from pathlib import Path

    home = Path(__file__).absolute().parent
    # The bus asks on behalf of the program.
    given = [file for file in map(Path, files(caller)) if home not in file.absolute().parents]
    # Not resolved at first: what is linked into a tree belongs to that tree. A link from /usr/local/bin is in none.
    found = [file.absolute().parent for file in given]
    found += [file.resolve().parent for file in given]
    with suppress(FileNotFoundError):  # the folder that a program stands in may have been removed
        found.append(Path.cwd())
    return found


def ours(caller: str | None) -> list[Path]:
    """The folders of this package from which something asks: to be looked at last."""
    from pathlib import Path

    home = Path(__file__).absolute().parent
    found = [Path(file).absolute() for file in files(caller)]
    return [file.parent for file in found if home in file.parents]
