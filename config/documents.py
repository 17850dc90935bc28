"""What the files of ``config/`` have in common: how one is found, and errors that say where."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

LONGEST_NAME = 100
"""Of what such a file gives a name to."""


class ConfigError(ValueError):
    """A file cannot be used: which file or variable, which key, which line, what is wrong and what to do.

    ``key`` is dotted as in the file, or the name of an environment variable, and empty when the file as a whole is at
    fault; ``file`` is None when none is; ``line`` counts from 1 and is 0 when there is none.
    """

    what: ClassVar[str] = "configuration"
    """What cannot be used, where no file is at fault."""

    def __init__(self, file: Path | None, key: str, line: int, problem: str) -> None:
        self.file = file
        self.key = key
        self.line = line
        self.problem = problem
        where = str(file) if file is not None else "environment" if key and not line else self.what
        if line:
            where += f":{line}"
        super().__init__(f"{where}: {f'`{key}`: ' if key else ''}{problem}")

    def __reduce__(self) -> tuple[type[ConfigError], tuple[Path | None, str, int, str]]:
        return type(self), (self.file, self.key, self.line, self.problem)


def hint(name: str, valid: Iterable[str]) -> str:
    """A sentence that names the valid name most like ``name``, whatever its case, or some of them."""
    import difflib

    folded = {one.casefold(): one for one in sorted(valid)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{folded[close[0]]}`?"
    names = [f"`{one}`" for one in folded.values()]
    if not names:
        return "there are none"
    return f"valid are {', '.join(names)}" if len(names) <= 8 else f"valid are {', '.join(names[:8])}, … ({len(names)})"


def nearest(file: Path, start: Path) -> Path | None:
    """The ``file`` (``config/ports.yaml``) for the absolute path ``start``: the nearest in or above it, within its
    repository.
    """
    folder = start if start.is_dir() else start.parent
    for here in (folder, *folder.parents):
        if _there(here / file):
            return here / file
        if _there(here / ".git"):
            return None
    return None


def _there(file: Path) -> bool:
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # It may be there: better an error that says so than the file of another tree.
        return True
    return True
