"""Whether what a codemod is about to write could be told apart from other work, and taken back, with git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

_SHOWN = 5


class NoGit(Exception):
    """Git cannot say anything about a folder."""


def objection(root: Path, paths: Iterable[str]) -> str | None:
    """Why ``paths``, absolute files below ``root``, should not be written to; None when nothing is in the way.

    They must be in a git work tree, be tracked, and nothing tracked below ``root`` may have uncommitted changes: the
    difference that git shows afterwards is then the codemod's, all of it and nothing else.
    """
    repositories: dict[str, list[str]] = {}
    tops: dict[str, str | None] = {}
    for path in paths:
        real = os.path.realpath(path)
        top = _top(os.path.dirname(real), tops)
        if top is None:
            return f"{path} is not under version control"
        repositories.setdefault(top, []).append(real)
    for top, files in repositories.items():
        try:
            changed = _changed(top, root)
            if changed:
                return f"there are uncommitted changes: {_some(changed)}"
            tracked = set(_listed(top, "ls-files", "-z"))
        except NoGit as error:
            return f"git cannot tell what is committed in {top}: {error}"
        unknown = [file for file in files if os.path.relpath(file, top) not in tracked]
        if unknown:
            return f"git does not track {_some(os.path.relpath(file, root) for file in unknown)}"
    return None


def _top(folder: str, known: dict[str, str | None]) -> str | None:
    """The work tree that ``folder`` is in."""
    if folder not in known:
        if os.path.lexists(os.path.join(folder, ".git")):
            known[folder] = folder
        else:
            above = os.path.dirname(folder)
            known[folder] = _top(above, known) if above != folder else None
    return known[folder]


def _changed(top: str, root: Path) -> list[str]:
    """The tracked files with uncommitted changes, those below ``root`` only where it lies inside the work tree."""
    inside = os.path.realpath(root)
    where = ["--", inside] if inside.startswith(top + os.sep) else []
    options = ("--porcelain", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=all")
    return [entry[3:] for entry in _listed(top, "status", *options, *where)]


def _listed(top: str, *arguments: str) -> list[str]:
    # A hook is run with variables that point git at one repository; here each folder's own is meant.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment.update(LC_ALL="C", GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0")
    # The tree's own configuration may name a program to run as its file monitor.
    command = ["git", "-c", "core.fsmonitor=false", "-C", top, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=environment, check=False)
    except OSError as error:
        raise NoGit(f"git cannot be run: {error.strerror}") from None
    if done.returncode:
        raise NoGit(done.stderr.decode("utf-8", "replace").strip() or f"it ended with {done.returncode}")
    return [os.fsdecode(entry) for entry in done.stdout.split(b"\0") if entry]


def _some(names: Iterable[str]) -> str:
    every = sorted(names)
    more = len(every) - _SHOWN
    return ", ".join(every[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
